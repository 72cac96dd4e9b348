/**
 * One delivery: request → source → secrets → verified → read → items. n8n would answer a thrown error with
 * 500 and store a failed execution, so every way out is an answer of ours; none carries a header or a secret.
 */
import type { IDataObject, IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';
import { digestOf, follow, recall, seen, type Answer } from './redelivery';
import { nodeKey } from './registration';
import { sources, type Delivery } from './sources';

/** How deep JSON may be nested: a packet has three levels. n8n's own code would fail on thousands. */
const DEPTH = 20;

/** Answers with a status and starts nothing. Whatever is not 2xx, Hubble delivers again later. */
function answer(context: IWebhookFunctions, status: number, message: string): IWebhookResponseData {
	context.getResponseObject().status(status).json({ message });
	return { noWebhookResponse: true };
}

/** Whether all numbers fit (JSON's 1e400 becomes Infinity, which n8n would store as null), to a sane depth. */
function isSound(value: unknown, depth = 0): boolean {
	if (typeof value === 'number') return Number.isFinite(value);
	if (typeof value !== 'object' || value === null) return true;
	if (depth === DEPTH) return false;
	for (const part of Object.values(value)) if (typeof part !== 'string' && !isSound(part, depth + 1)) return false;
	return true;
}

export async function receive(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	try {
		return await take(context);
	} catch (error) {
		const { name } = context.getNode();
		context.logger.error(`"${name}" could not take a delivery from Hubble: ${(error as Error).message}`);
		return answer(context, 503, 'The delivery could not be taken. Try again later.');
	}
}

async function take(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const source = sources[context.getNodeParameter('source', 'packets') as string];
	const delivery = context.getRequestObject() as unknown as Delivery & { readRawBody?(): Promise<void> };
	if (!source) return answer(context, 500, 'The source of this node is unknown.');
	if (source.admits && !source.admits(context, delivery.ip ?? '')) {
		return answer(context, 403, 'This sender is not allowed.');
	}
	const secrets = await source.secrets(context);
	if (secrets.length === 0) return answer(context, 401, 'This webhook has no secret yet.');
	// n8n leaves a body alone whose type it does not parse.
	if (!delivery.rawBody && source.needsBody) {
		try {
			await delivery.readRawBody?.();
		} catch {
			return answer(context, 400, 'The body could not be read.');
		}
	}
	if (!source.verify(delivery, secrets)) return answer(context, 401, 'The delivery could not be verified.');

	if (!/^application\/json\s*(;|$)/i.test(String(delivery.headers['content-type']))) {
		return answer(context, 415, 'The Content-Type must be application/json.');
	}
	const { body, rawBody } = delivery;
	if ((rawBody?.length ?? 0) > source.maxBytes) return answer(context, 413, 'The body is too large.');
	if (typeof body !== 'object' || body === null || Array.isArray(body) || !rawBody?.length) {
		return answer(context, 400, 'The body must be a JSON object.');
	}
	if (!isSound(body)) return answer(context, 400, 'The body holds a number that is too large, or is nested too deep.');
	const content = source.read(context, delivery);
	if ('refused' in content) return answer(context, 400, content.refused);
	const { items, identity } = content;
	// n8n answers 200 and starts nothing.
	if (items.length === 0) return {};

	// In a test, static data are empty and the workflow is run on purpose.
	if (identity && context.getMode() !== 'manual') {
		const data = context.getWorkflowStaticData('node');
		const memory = recall(nodeKey(context), data.accepted);
		const digest = digestOf(identity());
		const before = seen(memory, digest);
		if (before === 'accepted') return {};
		if (before === 'running') return answer(context, 503, 'The same delivery is being worked on.');
		const isAtOnce = context.getNodeParameter('acknowledge', 'onReceived') === 'onReceived';
		void follow(memory, digest, context.getResponseObject() as unknown as Answer, isAtOnce, data);
	}
	return { workflowData: [items.map((json: IDataObject) => ({ json }))] };
}
