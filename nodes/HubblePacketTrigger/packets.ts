/** Deliveries of packets: batches, with the endpoint's secret in a header. */
import { jsonParse, type IHookFunctions, type IWebhookFunctions } from 'n8n-workflow';
import { DAY_S } from '../shared/client/clock';
import { entriesOf, longNumbers, objectOf } from '../shared/client/json';
import { heardAt, normalizePacket, packetKey, PACKET_NEEDS, type Packet } from '../shared/packet/packet';
import { DELIVERY_SIZE } from '../shared/client/endpoints';
import { optional } from '../shared/operation/readItem';
import { numberIn, oneOf } from '../shared/operation/values';
import { packetReader } from '../shared/packet/filter';
import { webhookDigest, MANUAL } from '../shared/webhook/probe';
import { isSound, type Delivery, type DeliveryContent, type WebhookService } from '../shared/webhook/receive';
import { bothSecrets } from '../shared/webhook/secrets';
import { fingerprint, isSecret } from '../shared/webhook/verify';
import { knownWebhook, restoreWebhook } from './registration';
import { testFingerprint } from './testWith';

/** Whether the node registers its URL with Hubble, or the user does. Throws an error that names the parameter. */
export const isAutomatic = (context: IHookFunctions) =>
	optional(context, 'options', 'registration', 'Registration', oneOf(['automatic', 'manual'])) !== 'manual';

/** The other way round, without a refusal: for a delivery, also a forged one, and for what must end whatever is set. */
export const isManual = (context: IHookFunctions | IWebhookFunctions) =>
	context.getNodeParameter('options.registration', '') === 'manual';

/** The most packets that a delivery may have. Throws an error that names the parameter. */
export const maxBatchSize = (context: IHookFunctions): number =>
	optional(
		context,
		'options',
		'maxBatchSize',
		'Max Packets in One Request',
		numberIn(DELIVERY_SIZE.min, DELIVERY_SIZE.max),
	) ?? 100;

/**
 * Whether it may be the example that Hubble sends to test a webhook: one packet, which may be the same each time, with
 * a time of long ago: by n8n's clock, as a webhook asks Hubble nothing. Every test starts the workflow.
 */
const isExample = ([first, ...more]: readonly Packet[]) =>
	first !== undefined && more.length === 0 && heardAt(first) < Date.now() / 1000 - DAY_S;

/** The packets of a body, without what is none. */
const packetsIn = (body: unknown): Packet[] =>
	entriesOf(objectOf(body).packets).flatMap((row) => (isSound(row) && normalizePacket(row)) || []);

/** Whether n8n's parser may have rounded the sequence number of a packet. */
const isRounded = ({ device: { sequence_number: number } }: Packet): boolean =>
	typeof number === 'number' && number > Number.MAX_SAFE_INTEGER;

/** The packets of a delivery as items; what is no packet is left out, with a line in n8n's log. */
function read(context: IWebhookFunctions, { body, rawBody }: Delivery): DeliveryContent {
	const { packets: rows } = objectOf(body);
	if (!Array.isArray(rows)) return { refused: "The body has no list 'packets'." };
	const parsed = packetsIn(body);
	const isExact = !parsed.some(isRounded);
	const all = isExact ? parsed : packetsIn(jsonParse(longNumbers(String(rawBody)), { fallbackValue: body }));
	const malformed = rows.length - all.length;
	const needs = `a packet needs ${PACKET_NEEDS}, and no number that is too large`;
	if (malformed && all.length === 0) return { refused: `None of the ${malformed} packets can be used: ${needs}.` };
	const { select, show, misfit } = packetReader(context);
	const shown = select(all).map(show);
	const hint = misfit();
	const isBatch = context.getNodeParameter('triggerOn', 'packet') === 'batch';
	const items = isBatch && shown.length ? [{ packets: shown }] : shown;
	// In a test, the user looks at the items, not at n8n's log.
	const isTest = context.getMode() === 'manual';
	return {
		items: hint && isTest ? items.map((json) => ({ hint, ...json })) : items,
		...(hint ? { misfit: `${hint} Check "Decode Payload".` } : {}),
		// Hubble repeats a request as it was: the same packets, in their order.
		...(isExample(all) ? {} : { identity: all.map(packetKey).join('\n') }),
		...(malformed ? { warning: `dropped ${malformed} of the ${rows.length} packets of a delivery; ${needs}` } : {}),
	};
}

export const packets: WebhookService = {
	async secrets(context) {
		const test = testFingerprint(context);
		if (test) return [test];
		if (isManual(context)) return bothSecrets(await context.getCredentials('hubbleApi')).map(fingerprint);
		const endpoint = knownWebhook(context);
		return endpoint ? [endpoint.fingerprint] : [];
	},

	// The documents of Hubble have the first name, and proxies may drop what looks like a CGI variable.
	verify: ({ headers }, secrets) => isSecret(headers['http-x-hubble-token'] || headers['x-hubble-token'], secrets),

	remedy: (context) =>
		isManual(context)
			? 'compare the Webhook Secret in the credential with the one that Hubble showed'
			: 'unpublish and publish the workflow',

	identify: (context) => {
		if (isManual(context)) return MANUAL;
		const endpoint = knownWebhook(context);
		return endpoint ? webhookDigest(endpoint.id) : '';
	},

	read(context, delivery) {
		if (!isManual(context)) restoreWebhook(context);
		return read(context, delivery);
	},
};
