/**
 * One delivery: request → sender → secrets → verified → read → items. n8n would answer a thrown error with 500 and
 * store a failed execution, so every outcome is an answer of ours, without headers or secrets.
 */
import type { IDataObject, IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';
import { asError } from '../client/errors';
import { isObject } from '../client/json';
import { handOver } from './acknowledge';
import { deliveryKey, follow, outcomeOf, type Answer } from './deliveryLog';
import { PROBE_HEADER, probeValue } from './probe';
import { newProcessState, nodeKey } from './processState';

/** The part of Express's request that is read here, with what n8n adds. */
export interface Delivery {
	headers: Record<string, string | string[] | undefined>;
	/** By the proxies that n8n is told of (N8N_PROXY_HOPS). */
	ip?: string;
	/** The body's bytes, inflated. */
	rawBody?: Buffer;
	/** What n8n parsed from it. */
	body?: unknown;
	/** How n8n decoded it, by the charset of the Content-Type. */
	encoding?: BufferEncoding;
}

export type DeliveryContent =
	| { refused: string }
	| {
			items: IDataObject[];
			/** Equal for repeats of this delivery; absent if repeats should start the workflow, too. */
			identity?: string;
			/** For n8n's log: content that starts nothing, but perhaps should. Names of fields, never values. */
			warning?: string;
			/** The same, for a problem of every delivery until a setting is corrected. */
			misfit?: string;
	  };

/** What one service sends, and how it is verified and read. */
export interface WebhookService {
	/** Whether the body's bytes are needed to verify it. */
	needsBody?: true;
	/** The accepted secrets or, for packets, their fingerprints. */
	secrets(context: IWebhookFunctions): Promise<string[]> | string[];
	/** Whether the sender's address is allowed. */
	admits?(context: IWebhookFunctions, sender: string): boolean;
	verify(delivery: Delivery, secrets: readonly string[]): boolean;
	/** What the user should do if genuine deliveries cannot be verified. */
	remedy(context: IWebhookFunctions): string;
	/** What a probe is told (`probe.ts`). */
	identify?(context: IWebhookFunctions): string;
	read(context: IWebhookFunctions, delivery: Delivery): DeliveryContent;
}

/** How deep JSON may be nested: a packet has three levels. n8n's own code would fail on thousands. */
const DEPTH = 20;

/** Whether all numbers fit (JSON's 1e400 becomes Infinity, which n8n would store as null), to a sane depth. */
export function isSound(value: unknown, depth = 0): boolean {
	if (typeof value === 'number') return Number.isFinite(value);
	if (typeof value !== 'object' || value === null) return true;
	if (depth === DEPTH) return false;
	// The fastest loop, as packets contain several objects; parsed JSON inherits no enumerable keys.
	for (const key in value) {
		const part = (value as IDataObject)[key];
		if (typeof part !== 'string' && !isSound(part, depth + 1)) return false;
	}
	return true;
}

/** Answers with a status and starts nothing. Hubble repeats whatever is not answered with 2xx. */
function answer(context: IWebhookFunctions, status: number, message: string, more = {}): IWebhookResponseData {
	context
		.getResponseObject()
		.status(status)
		.json({ message, ...more });
	return { noWebhookResponse: true };
}

/** n8n's log must never contain secrets or packets. */
function warn(context: IWebhookFunctions, text: string): void {
	context.logger.warn(`"${context.getNode().name}" ${text}`);
}

/** Like `answer`, with a line in n8n's log. For verified deliveries: a forged one is not worth a line. */
function refuse(context: IWebhookFunctions, status: number, message: string): IWebhookResponseData {
	warn(context, `refused a delivery with ${status}: ${message}`);
	return answer(context, status, message);
}

/** When each kind of line was last logged, by `performance.now()`, and how many calls since then were not. */
const logged = newProcessState<{ at: number; count: number }>();
const MINUTE_MS = 60_000;

/**
 * Logs at most once a minute, for what anybody can send at will, or what fails at every call.
 * @param text the line, by how many calls it stands for
 */
function tellOnceAMinute(context: IWebhookFunctions, kind: string, text: (calls: number) => string): void {
	const key = `${nodeKey(context)} ${kind}`;
	const { at, count } = logged.get(key) ?? { at: -Infinity, count: 0 };
	const now = performance.now();
	const isQuiet = now - at < MINUTE_MS;
	logged.set(key, isQuiet ? { at, count: count + 1 } : { at: now, count: 0 });
	if (!isQuiet) warn(context, text(count + 1));
}

const deliveriesOf = (calls: number) =>
	calls === 1 ? 'a delivery' : `${calls} deliveries since the last message about it`;

/**
 * Refuses what cannot be verified. Either it is forged, or the secret was lost and the trigger receives nothing without
 * anybody noticing, so n8n's log says so.
 */
function unverified(context: IWebhookFunctions, source: WebhookService, { headers }: Delivery): IWebhookResponseData {
	const message = 'The delivery could not be verified.';
	// Nothing is computed for a call that is no probe: anybody may send those.
	const probe = headers[PROBE_HEADER];
	if (source.identify && probe !== undefined && probe === probeValue(context)) {
		return answer(context, 401, message, { endpoint: source.identify(context) });
	}
	const text = (calls: number) =>
		`could not verify ${deliveriesOf(calls)}. If Hubble sent ${calls > 1 ? 'these' : 'it'}, ${source.remedy(context)}.`;
	tellOnceAMinute(context, 'unverified', text);
	return answer(context, 401, message);
}

/** Answers one call to the node's webhook. Never throws. */
export async function receive(context: IWebhookFunctions, source: WebhookService): Promise<IWebhookResponseData> {
	try {
		return await take(context, source);
	} catch (error) {
		const { message } = asError(error);
		tellOnceAMinute(context, 'failed', (calls) => `could not accept ${deliveriesOf(calls)} from Hubble: ${message}`);
		return answer(context, 503, 'The delivery could not be accepted. Try again later.');
	}
}

async function take(context: IWebhookFunctions, source: WebhookService): Promise<IWebhookResponseData> {
	const delivery = context.getRequestObject() as unknown as Delivery & { readRawBody?(): Promise<void> };
	const sender = delivery.ip ?? '';
	if (source.admits && !source.admits(context, sender)) {
		const message = `The sender ${sender.slice(0, 45)} is not allowed.`;
		tellOnceAMinute(context, 'sender', (calls) => `refused ${deliveriesOf(calls)} with 403: ${message}`);
		return answer(context, 403, message);
	}
	const secrets = await source.secrets(context);
	// n8n leaves a body alone whose type it does not parse.
	if (!delivery.rawBody && source.needsBody) {
		try {
			await delivery.readRawBody?.();
		} catch {
			return answer(context, 400, 'The body could not be read.');
		}
	}
	if (!source.verify(delivery, secrets)) return unverified(context, source, delivery);

	if (!/^application\/json\s*(;|$)/i.test(String(delivery.headers['content-type']))) {
		return refuse(context, 415, 'The Content-Type must be application/json.');
	}
	const { body, rawBody } = delivery;
	if (!isObject(body) || !rawBody?.length) return refuse(context, 400, 'The body must be a JSON object.');
	return start(context, source.read(context, delivery));
}

/** Starts the workflow with a verified delivery, unless the same one started it before. */
function start(context: IWebhookFunctions, content: DeliveryContent): IWebhookResponseData {
	if ('refused' in content) return refuse(context, 400, content.refused);
	const { items, identity, warning, misfit } = content;
	if (warning) warn(context, warning);
	if (misfit)
		tellOnceAMinute(context, 'misfit', (calls) => `could not decode payloads of ${deliveriesOf(calls)}. ${misfit}`);
	// n8n answers 200 and starts nothing.
	if (items.length === 0) return {};

	const response = context.getResponseObject() as unknown as Answer;
	// A test is run on purpose, as often as the user likes.
	if (identity !== undefined && context.getMode() !== 'manual') {
		const delivery = deliveryKey(context, identity);
		const before = outcomeOf(delivery);
		if (before === 'accepted') return {};
		if (before === 'running') return answer(context, 503, 'The same delivery is still being processed.');
		follow(delivery, response);
	}
	return handOver(context, response, { workflowData: [items.map((json: IDataObject) => ({ json }))] });
}
