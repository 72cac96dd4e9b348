/** Our endpoint among the webhooks of the organization: found, created, removed. No other one is touched. */
import {
	NodeApiError,
	NodeOperationError,
	type IDataObject,
	type IHookFunctions,
	type IWebhookFunctions,
} from 'n8n-workflow';
import { endpoints, WEBHOOKS_PER_ORGANIZATION } from '../shared/client/endpoints';
import { connect, type HubbleClient } from '../shared/client/client';
import { send } from '../shared/client/request';
import { newProcessState, nodeKey } from '../shared/webhook/processState';
import { fingerprint } from '../shared/webhook/verify';

/**
 * The endpoint as the static data keep it. Hubble tells the secret once, when the endpoint is created; only its
 * fingerprint is kept, because n8n 1 stores the static data with every execution.
 */
export interface Endpoint extends IDataObject {
	id: string;
	fingerprint: string;
	/** When it was created, in Unix milliseconds; endpoints of early versions have none. */
	at?: number;
}

/**
 * What was registered by this process. The static data alone would do, if n8n did not save them whole: a
 * delivery or an execution that began before a publication may end after it and put the old secret back.
 * With several main processes, the static data may be the newer ones: another process registered meanwhile.
 */
const registered = newProcessState<Endpoint>();

/** The endpoint that this node has, as far as it knows. */
export function knownEndpoint(context: IHookFunctions | IWebhookFunctions): Endpoint | undefined {
	const latest = context.getMode() === 'manual' ? undefined : registered.get(nodeKey(context));
	const saved = context.getWorkflowStaticData('node').endpoint as Endpoint | undefined;
	return !latest || (saved?.at ?? 0) > (latest.at ?? 0) ? saved : latest;
}

/** Puts the endpoint that this process registered back where older static data have replaced it. */
export function restoreEndpoint(context: IWebhookFunctions): void {
	const data = context.getWorkflowStaticData('node');
	const known = knownEndpoint(context);
	const saved = data.endpoint as Endpoint | undefined;
	if (known && known.fingerprint !== saved?.fingerprint) data.endpoint = { ...known };
}

async function list(hubble: HubbleClient): Promise<IDataObject[]> {
	const { body } = await send(hubble, { endpoint: endpoints.listWebhooks });
	return (body.webhooks ?? []) as IDataObject[];
}

/** Deletes an endpoint; that it is gone already is as good. */
async function remove(hubble: HubbleClient, id: string): Promise<void> {
	try {
		const ids = { webhook_id: id };
		await send(hubble, { endpoint: endpoints.deleteWebhook, ids });
	} catch (error) {
		if (!(error instanceof NodeApiError) || error.httpCode !== '404') {
			throw new NodeApiError(hubble.context.getNode(), error as never);
		}
	}
}

/** Whether Hubble could not be asked just now: no answer, too many requests, or a failure of its own. */
function isPassing(error: unknown): boolean {
	if (!(error instanceof NodeApiError)) return false;
	const { status } = error.context;
	return status === undefined || status === 429 || Number(status) >= 500;
}

/**
 * Whether our endpoint is registered at our URL, alone, with the wanted batch size and a secret that is known.
 * When Hubble cannot be asked just now, a known endpoint counts as registered: n8n would take the error for a
 * failed activation and delete the endpoint, and with it all would go that Hubble holds to deliver again.
 */
export async function isRegistered(context: IHookFunctions, maxBatchSize: number): Promise<boolean> {
	const known = knownEndpoint(context);
	if (!known) return false;
	const url = context.getNodeWebhookUrl('default');
	const hubble = await connect(context);
	try {
		const ours = (await list(hubble)).filter((webhook) => webhook.url === url || webhook.webhook_id === known.id);
		const [only, second] = ours;
		return !second && only?.webhook_id === known.id && only.url === url && only.max_batch_size === maxBatchSize;
	} catch (error) {
		if (!isPassing(error)) throw new NodeApiError(context.getNode(), error as never);
		const reason = (error as Error).message;
		context.logger.warn(`"${context.getNode().name}" goes on with the webhook it has, without a look at it: ${reason}`);
		return true;
	}
}

/** Gives our endpoint the URL and the batch size that it should have; it keeps its secret. */
async function update(
	hubble: HubbleClient,
	endpoint: IDataObject,
	url: string | undefined,
	maxBatchSize: number,
): Promise<void> {
	const body = {
		...(endpoint.url === url ? {} : { set_url: url }),
		...(endpoint.max_batch_size === maxBatchSize ? {} : { set_max_batch_size: maxBatchSize }),
	};
	if (!Object.keys(body).length) return;
	const ids = { webhook_id: String(endpoint.webhook_id) };
	await send(hubble, { endpoint: endpoints.updateWebhook, ids, body });
}

async function create(
	context: IHookFunctions,
	hubble: HubbleClient,
	url: string | undefined,
	maxBatchSize: number,
): Promise<Endpoint> {
	const name = `n8n: ${context.getWorkflow().name ?? context.getNode().name}`.slice(0, 250);
	const { webhook_id: id, secret } = (
		await send(hubble, { endpoint: endpoints.createWebhook, body: { url, name, max_batch_size: maxBatchSize } })
	).body;
	if (typeof id !== 'string' || typeof secret !== 'string') {
		throw new NodeOperationError(context.getNode(), 'Hubble registered the webhook but told no secret for it');
	}
	return { id, fingerprint: fingerprint(secret), at: Date.now() };
}

/**
 * Registers our URL: goes on with the endpoint whose secret is known, wherever it points (n8n's public URL may
 * have changed), removes all others at our URL, and takes a free slot when there is nothing to go on with.
 * @throws NodeOperationError with the names and URLs of the others when both slots are theirs
 */
export async function register(context: IHookFunctions, maxBatchSize: number): Promise<void> {
	const hubble = await connect(context);
	const url = context.getNodeWebhookUrl('default');
	const known = knownEndpoint(context);
	const all = await list(hubble);
	const ours = known && all.find(({ webhook_id }) => webhook_id === known.id);
	const rest = all.filter((webhook) => webhook !== ours);
	const others = rest.filter((webhook) => webhook.url !== url);
	for (const { webhook_id } of rest.filter((webhook) => webhook.url === url)) await remove(hubble, String(webhook_id));
	if (ours) await update(hubble, ours, url, maxBatchSize);
	else if (others.length >= WEBHOOKS_PER_ORGANIZATION) throw allTaken(context, others);
	const endpoint = (ours && known) ?? (await create(context, hubble, url, maxBatchSize));
	context.getWorkflowStaticData('node').endpoint = { ...endpoint };
	if (context.getMode() !== 'manual') registered.set(nodeKey(context), endpoint);
}

/**
 * Removes the known endpoint and whatever else is registered at our URL.
 * @param isAutomatic `false` leaves alone what the user registered at our URL
 */
export async function unregister(context: IHookFunctions, isAutomatic: boolean): Promise<void> {
	const known = knownEndpoint(context);
	if (!known && !isAutomatic) return;
	const hubble = await connect(context);
	const url = context.getNodeWebhookUrl('default');
	for (const webhook of await list(hubble)) {
		const isOurs = webhook.webhook_id === known?.id || (isAutomatic && webhook.url === url);
		if (isOurs) await remove(hubble, String(webhook.webhook_id));
	}
	delete context.getWorkflowStaticData('node').endpoint;
	if (context.getMode() !== 'manual') registered.delete(nodeKey(context));
}

/** All in the message: when a publication fails, n8n shows nothing else. */
function allTaken(context: IHookFunctions, others: IDataObject[]): NodeOperationError {
	const names = others.map(({ name, url }) => `"${String(name || 'without a name')}" (${String(url)})`).join(' and ');
	const goOn =
		context.getMode() === 'manual'
			? 'To listen for a test event, unpublish the workflow that uses one of them for the time being, or delete one that is not needed. Pinned data of an earlier execution need no webhook.'
			: 'Delete one that is not needed (Hubble dashboard or Hubble Webhook node) and publish again, or let one workflow receive all packets and hand them on.';
	return new NodeOperationError(
		context.getNode(),
		`Hubble allows an organization two webhooks, and both are taken: ${names}. ${goOn}`,
	);
}
