/** The two services that send: one record each, with all that differs between them. */
import {
	NodeOperationError,
	type ICredentialsDecrypted,
	type ICredentialTestFunctions,
	type IDataObject,
	type IHookFunctions,
	type INodeCredentialTestResult,
	type IWebhookFunctions,
} from 'n8n-workflow';
import { normalizePacket, packetKey, PACKET_NEEDS, type Packet } from '../shared/packet/packet';
import { packetReader, readParameter } from '../shared/packet/filter';
import { texts } from '../shared/operation/values';
import { isRegistered, knownEndpoint, register, unregister } from './registration';
import { fingerprint, isSecret, isSignature, senderFilter } from './verify';

/** The part of Express's request that is read here, with what n8n adds. */
export interface Delivery {
	headers: Record<string, string | string[] | undefined>;
	/** By the proxies that n8n is told of (N8N_PROXY_HOPS). */
	ip?: string;
	/** The body's bytes, inflated. */
	rawBody?: Buffer;
	/** What n8n parsed from it. */
	body?: unknown;
}

/** What a verified body holds. */
export type Content =
	| { refused: string }
	| {
			items: IDataObject[];
			/** What a repeated delivery has in common with the first; absent when repeats are welcome. */
			identity?: () => string | Buffer;
			/** For n8n's log: what starts nothing although it should perhaps. Names of fields, never values. */
			warning?: string;
	  };

/** How deep JSON may be nested: a packet has three levels. n8n's own code would fail on thousands. */
const DEPTH = 20;

/** Whether all numbers fit (JSON's 1e400 becomes Infinity, which n8n would store as null), to a sane depth. */
function isSound(value: unknown, depth = 0): boolean {
	if (typeof value === 'number') return Number.isFinite(value);
	if (typeof value !== 'object' || value === null) return true;
	if (depth === DEPTH) return false;
	for (const part of Object.values(value)) if (typeof part !== 'string' && !isSound(part, depth + 1)) return false;
	return true;
}

/** One service that sends. */
export interface Source {
	/** The largest body that makes sense, in bytes. */
	maxBytes: number;
	/** Checks the parameters and registers; throws what the user must know. Both are for n8n's hooks. */
	isReady(context: IHookFunctions): Promise<boolean>;
	register?(context: IHookFunctions): Promise<void>;
	unregister?(context: IHookFunctions): Promise<void>;
	/** Whether the body's bytes are needed to verify it. */
	needsBody?: true;
	/** What a delivery may prove: the secrets or, for packets, their fingerprints. */
	secrets(context: IWebhookFunctions): Promise<string[]> | string[];
	/** Whether the sender's address is allowed. */
	admits?(context: IWebhookFunctions, sender: string): boolean;
	verify(delivery: Delivery, secrets: readonly string[]): boolean;
	read(context: IWebhookFunctions, delivery: Delivery): Content;
}

/** The secret in use and the next one, of a credential. */
function bothSecrets({ webhookSecret, nextWebhookSecret }: IDataObject): string[] {
	return [webhookSecret, nextWebhookSecret].map((secret) => String(secret ?? '').trim()).filter(Boolean);
}

/** The test behind the partner credential's dialog. There is nobody to ask, but a secret that cannot work shows. */
export async function hubblePartnerApiTest(
	this: ICredentialTestFunctions,
	{ data = {} }: ICredentialsDecrypted,
): Promise<INodeCredentialTestResult> {
	if (bothSecrets(data as IDataObject).length) {
		return { status: 'OK', message: 'Whether the secret is the right one shows with the first event' };
	}
	return { status: 'Error', message: 'The Webhook Secret is empty' };
}

async function requireSecret(context: IHookFunctions, credential: string, where: string): Promise<void> {
	if (bothSecrets(await context.getCredentials(credential)).length) return;
	throw new NodeOperationError(context.getNode(), `The ${where} credential has no Webhook Secret`, {
		description: 'Without it nobody can tell whether a delivery is from Hubble. Enter it in the credential.',
	});
}

const isAutomatic = (context: IHookFunctions | IWebhookFunctions) =>
	context.getNodeParameter('registration', 'automatic') === 'automatic';

const optionsOf = (context: IHookFunctions | IWebhookFunctions) =>
	context.getNodeParameter('options', {}) as IDataObject;

function maxBatchSize(context: IHookFunctions): number {
	const size = Number(context.getNodeParameter('maxBatchSize', 100));
	if (!Number.isInteger(size) || size < 10 || size > 1000) {
		throw new NodeOperationError(context.getNode(), 'Parameter "Max Batch Size": Hubble takes 10 to 1,000');
	}
	return size;
}

/** Hubble Network: packet batches, with the endpoint's secret in a header. */
const packets: Source = {
	// 1,000 packets, each with room for the longest payload and tags.
	maxBytes: 16 * 1024 * 1024,

	async isReady(context) {
		packetReader(context);
		if (isAutomatic(context)) return await isRegistered(context, maxBatchSize(context));
		await requireSecret(context, 'hubbleApi', 'Hubble API');
		return true;
	},

	register: async (context) => await register(context, maxBatchSize(context)),

	unregister: async (context) => await unregister(context, isAutomatic(context)),

	async secrets(context) {
		if (!isAutomatic(context)) return bothSecrets(await context.getCredentials('hubbleApi')).map(fingerprint);
		const endpoint = knownEndpoint(context);
		return endpoint ? [endpoint.fingerprint] : [];
	},

	// The documents of Hubble have the first name, and proxies may drop what looks like a CGI variable.
	verify: ({ headers }, secrets) => isSecret(headers['http-x-hubble-token'] || headers['x-hubble-token'], secrets),

	read(context, { body }) {
		const rows = (body as IDataObject).packets;
		if (!Array.isArray(rows)) return { refused: 'The body has no list "packets".' };
		if (rows.length === 0) return { refused: 'The list "packets" is empty.' };
		const all: Packet[] = rows.flatMap((row) => (isSound(row) && normalizePacket(row)) || []);
		const malformed = rows.length - all.length;
		if (all.length === 0)
			return {
				refused: `None of the ${malformed} packets has what a packet needs: ${PACKET_NEEDS}; nor may a number be too large.`,
			};
		const shown = packetReader(context)(all);
		const isBatch = context.getNodeParameter('output', 'packet') === 'batch';
		return {
			items: isBatch && shown.length ? [{ packets: shown }] : shown,
			// In any order: it is the same batch when it holds the same packets.
			identity: () => all.map(packetKey).sort().join('\n'),
			...(malformed
				? {
						warning: `dropped ${malformed} of the ${rows.length} packets of a delivery; a packet needs ${PACKET_NEEDS}, and no number that is too large`,
					}
				: {}),
		};
	},
};

/** The order states of the partner documents. */
const ORDER_STATES = ['SUCCESS', 'FAILED', 'PROCESSING', 'REVERSED', 'CANCELLED'];

/** Gift-card events by their shape: the body names no type. */
const EVENTS: Record<string, (data: IDataObject) => boolean> = {
	brandUpdated: ({ id, denominationType }) => typeof id === 'string' && typeof denominationType === 'string',
	walletLowBalance: ({ balance, threshold }) => typeof balance === 'number' && typeof threshold === 'number',
	orderTerminalState: ({ id, status }) =>
		typeof id === 'string' && typeof status === 'string' && ORDER_STATES.includes(status),
	brandDiscountUpdated: ({ brandId, subventionPercentage }) =>
		typeof brandId === 'string' && typeof subventionPercentage === 'number',
};

/** The amounts that Hubble renamed, old → new. Both are given, so that a workflow can use the new name. */
const RENAMED = { minAmount: 'minOrderAmount', maxAmount: 'maxOrderAmount' };

/** The event with the new names of its amounts beside the old ones. */
function withNewNames(data: IDataObject): IDataObject {
	const { amountRestrictions } = data;
	if (typeof amountRestrictions !== 'object' || amountRestrictions === null || Array.isArray(amountRestrictions))
		return data;
	const amounts = { ...amountRestrictions } as IDataObject;
	for (const [old, name] of Object.entries(RENAMED)) {
		if (amounts[old] !== undefined) amounts[name] ??= amounts[old];
	}
	return { ...data, amountRestrictions: amounts };
}

/** The test behind the option "Allowed Senders"; `undefined` when all are allowed. */
function allowedSenders(context: IHookFunctions | IWebhookFunctions): ((sender: string) => boolean) | undefined {
	const given = optionsOf(context).allowedSenders;
	if (given === undefined) return undefined;
	return readParameter(context, 'Allowed Senders', () => {
		const list = String(given ?? '');
		if (!/[^\s,]/.test(list)) throw new Error('it is empty; remove the option to allow all senders');
		return senderFilter(list);
	});
}

/** Hubble gift cards: one signed event a delivery. URL and secret are set by Hubble's staff. */
const giftCards: Source = {
	maxBytes: 1024 * 1024,
	needsBody: true,

	async isReady(context) {
		allowedSenders(context);
		await requireSecret(context, 'hubblePartnerApi', 'Hubble Partner');
		return true;
	},

	secrets: async (context) => bothSecrets(await context.getCredentials('hubblePartnerApi')),

	admits: (context, sender) => allowedSenders(context)?.(sender) ?? true,

	verify: ({ headers, rawBody }, secrets) => !!rawBody && isSignature(headers['x-verify'], rawBody, secrets),

	read(context, { body, rawBody = Buffer.alloc(0) }) {
		if (!isSound(body)) return { refused: 'The body holds a number that is too large, or is nested too deep.' };
		const data = body as IDataObject;
		const event = Object.keys(EVENTS).find((name) => EVENTS[name]?.(data)) ?? 'unrecognized';
		const selected = texts(context.getNodeParameter('events', [])) ?? [];
		if (!selected.includes(event)) {
			if (event !== 'unrecognized') return { items: [] };
			const fields = Object.keys(data).slice(0, 20).join(', ');
			return { items: [], warning: `got a gift-card event that it does not recognize, with the fields: ${fields}` };
		}
		return {
			items: [{ event, data: withNewNames(data), receivedAt: new Date().toISOString() }],
			...(optionsOf(context).ignoreReplays === false ? {} : { identity: () => rawBody }),
		};
	},
};

export const sources: Readonly<Record<string, Source>> = { packets, giftCards };
