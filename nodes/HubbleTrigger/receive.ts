/**
 * One delivery: request → source → secrets → verified → read → items. n8n would answer a thrown error with
 * 500 and store a failed execution, so every way out is an answer of ours; none carries a header or a secret.
 */
import type { IDataObject, IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';
import { digestOf, follow, recall, seen, type Answer } from './redelivery';
import { nodeKey } from './registration';
import { sources, type Delivery } from './sources';

/** Answers with a status and starts nothing. Whatever is not 2xx, Hubble delivers again later. */
function answer(context: IWebhookFunctions, status: number, message: string): IWebhookResponseData {
	context.getResponseObject().status(status).json({ message });
	return { noWebhookResponse: true };
}

/** A line in n8n's log. Whoever reads it may not see secrets or packets, so neither is ever in it. */
function warn(context: IWebhookFunctions, text: string): void {
	context.logger.warn(`"${context.getNode().name}" ${text}`);
}

/** As `answer`, with a line in n8n's log: the delivery may well be Hubble's. A forged one is not worth a line. */
function refuse(context: IWebhookFunctions, status: number, message: string): IWebhookResponseData {
	warn(context, `refused a delivery with ${status}: ${message}`);
	return answer(context, status, message);
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
	const sender = delivery.ip ?? '';
	if (source.admits && !source.admits(context, sender)) {
		return refuse(context, 403, `The sender ${sender.slice(0, 45)} is not allowed.`);
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
		return refuse(context, 415, 'The Content-Type must be application/json.');
	}
	const { body, rawBody } = delivery;
	if ((rawBody?.length ?? 0) > source.maxBytes) return refuse(context, 413, 'The body is too large.');
	if (typeof body !== 'object' || body === null || Array.isArray(body) || !rawBody?.length) {
		return refuse(context, 400, 'The body must be a JSON object.');
	}
	const content = source.read(context, delivery);
	if ('refused' in content) return refuse(context, 400, content.refused);
	const { items, identity, warning } = content;
	if (warning) warn(context, warning);
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
