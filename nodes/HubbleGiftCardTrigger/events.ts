/** Gift-card events: one signed event a delivery. URL and secret are set by Hubble's staff. */
import {
	jsonParse,
	type IDataObject,
	type IHookFunctions,
	type INodePropertyOptions,
	type IWebhookFunctions,
} from 'n8n-workflow';
import { isObject, objectOf } from '../shared/client/json';
import { collectionOf, readParameter } from '../shared/operation/readItem';
import { oneOf, texts } from '../shared/operation/values';
import { senderFilter } from '../shared/webhook/addresses';
import { isSound, type DeliveryContent, type Delivery, type WebhookService } from '../shared/webhook/receive';
import { bothSecrets } from '../shared/webhook/secrets';
import { isSignature } from '../shared/webhook/verify';

/** A name or an ID: text in the documents, but numbers are accepted, too. */
const isName = (value: unknown) => (typeof value === 'string' && value !== '') || typeof value === 'number';

/** A number, also as text. */
const isAmount = (value: unknown) => isName(value) && Number.isFinite(Number(value));

/** The states of a brand (partner documentation); any other state is that of an order. */
const isBrandState = (status: unknown) => status === 'ACTIVE' || status === 'INACTIVE';

/**
 * One kind of event. The body has no type, so a kind is recognized by the fewest fields that no other kind has,
 * whatever their values: a new state or field must not make an event about money unknown.
 */
interface EventKind extends INodePropertyOptions {
	value: string;
	is: (data: IDataObject) => boolean;
}

/** The first match counts. */
const KINDS: readonly EventKind[] = [
	{
		name: 'SDK Transaction',
		value: 'sdkTransaction',
		action: 'On SDK transaction',
		description: 'A purchase in the SDK was completed, failed or was reversed. It may contain card numbers and PINs.',
		is: ({ transactionReferenceId }) => isName(transactionReferenceId),
	},
	{
		name: 'Brand Updated',
		value: 'brandUpdated',
		action: 'On brand updated',
		description: 'The status, denominations or limits of a brand changed',
		is: ({ id, denominationType, amountRestrictions, status }) =>
			isName(id) && (isName(denominationType) || amountRestrictions !== undefined || isBrandState(status)),
	},
	{
		name: 'Wallet Low Balance',
		value: 'walletLowBalance',
		action: 'On wallet low balance',
		description: 'The balance of the wallet fell below its threshold',
		is: ({ balance, threshold }) => isAmount(balance) && isAmount(threshold),
	},
	{
		name: 'Order Reached Terminal State',
		value: 'orderTerminalState',
		action: 'On order reached terminal state',
		description: 'An order succeeded, failed, or was reversed or cancelled',
		is: ({ id, orderId, status, orderStatus }) =>
			(isName(id) || isName(orderId)) && (isName(status) || isName(orderStatus)),
	},
	{
		name: 'Brand Discount Updated',
		value: 'brandDiscountUpdated',
		action: 'On brand discount updated',
		description: 'The discount of a brand changed',
		is: ({ brandId, subventionPercentage }) => isName(brandId) && isAmount(subventionPercentage),
	},
];

const UNRECOGNIZED = {
	name: 'Unrecognized',
	value: 'unrecognized',
	action: 'On unrecognized event',
	description: "A verified event of an unknown kind. If not chosen here, n8n's log mentions it.",
} satisfies INodePropertyOptions;

export const eventOptions: INodePropertyOptions[] = [...KINDS, UNRECOGNIZED]
	.map(({ name, value, action, description }) => ({ name, value, action, description }))
	.sort((a, b) => a.name.localeCompare(b.name));

/** The amounts that Hubble renamed, old → new. The output has both, so that a workflow can use the new name. */
const RENAMED = { minAmount: 'minOrderAmount', maxAmount: 'maxOrderAmount' };

function withNewNames(data: IDataObject): IDataObject {
	if (!isObject(data.amountRestrictions)) return data;
	const amounts = { ...data.amountRestrictions };
	for (const [old, name] of Object.entries(RENAMED)) {
		if (amounts[old] !== undefined) amounts[name] ??= amounts[old];
	}
	return { ...data, amountRestrictions: amounts };
}

export function selectedEvents(context: IHookFunctions | IWebhookFunctions): string[] {
	return readParameter(context, 'Events', () => {
		const chosen = texts(context.getNodeParameter('events', [])) ?? [];
		if (!chosen.length) throw new Error('choose at least one');
		return chosen.map(oneOf(eventOptions.map(({ value }) => String(value))));
	});
}

/** The test behind the option "Allowed Senders"; `undefined` when all are allowed. */
export function allowedSenders(context: IHookFunctions | IWebhookFunctions): ((sender: string) => boolean) | undefined {
	const options = readParameter(context, 'Options', () => collectionOf(context, 'options'));
	// An expression that returns nothing leaves the name with no value: then no sender may pass.
	if (!('allowedSenders' in options)) return undefined;
	return readParameter(context, 'Allowed Senders', () => {
		const list = String(options.allowedSenders ?? '');
		if (!/[^\s,]/.test(list)) throw new Error('it is empty; remove the option to allow all senders');
		return senderFilter(list);
	});
}

/**
 * The event with exact integers: one that a number cannot hold becomes text.
 * @param parsed what n8n made of the delivery's bytes
 */
function withAllDigits(parsed: IDataObject, { rawBody = Buffer.alloc(0), encoding }: Delivery): IDataObject {
	// As n8n reads it: by the charset, without a byte order mark.
	const text = rawBody.toString(encoding).replace(/^\uFEFF/, '');
	if (!/\d{16}/.test(text)) return parsed;
	// Texts come first, so that digits inside them are left alone.
	const exact = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
		/^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token,
	);
	return jsonParse<IDataObject>(exact);
}

function read(context: IWebhookFunctions, delivery: Delivery): DeliveryContent {
	const { body } = delivery;
	if (!isSound(body)) return { refused: 'The body contains a number that is too large, or is nested too deeply.' };
	const data = objectOf(body);
	const { value: event } = KINDS.find(({ is }) => is(data)) ?? UNRECOGNIZED;
	if (!selectedEvents(context).includes(event)) {
		if (event !== UNRECOGNIZED.value) return { items: [] };
		const fields = Object.keys(data).slice(0, 20).join(', ');
		return { items: [], warning: `got a gift-card event that it does not recognize, with the fields: ${fields}` };
	}
	return {
		items: [{ event, data: withNewNames(withAllDigits(data, delivery)), receivedAt: new Date().toISOString() }],
	};
}

export const giftCardEvents: WebhookService = {
	needsBody: true,
	secrets: async (context) => bothSecrets(await context.getCredentials('hubblePartnerApi')),
	admits: (context, sender) => allowedSenders(context)?.(sender) ?? true,
	verify: ({ headers, rawBody }, secrets) => !!rawBody && isSignature(headers['x-verify'], rawBody, secrets),
	remedy: () => 'compare the Webhook Secret in the credential with the one agreed with Hubble for this environment',
	read,
};
