/** Our endpoint among the webhooks of the organization: found, created, removed. No other one is touched. */
import {
	NodeApiError,
	NodeOperationError,
	type IDataObject,
	type IHookFunctions,
	type IWebhookFunctions,
} from 'n8n-workflow';
import { connect, type Hubble } from '../shared/connection';
import { send } from '../shared/transport';
import { fingerprint } from './verify';

/**
 * The endpoint as the static data keep it. Hubble tells the secret once, when the endpoint is created; only its
 * fingerprint is kept, because n8n 1 stores the static data with every execution.
 */
export interface Endpoint extends IDataObject {
	id: string;
	fingerprint: string;
}

/** An organization has at most two endpoints (API definition, "Packet Webhooks"). */
const SLOTS = 2;

/**
 * What was registered by this process. The static data alone would do, if n8n did not save them whole: a
 * delivery or an execution that began before a publication may end after it and put the old secret back.
 */
const registered = new Map<string, Endpoint>();

/** The node among all of this n8n. */
export function nodeKey(context: IHookFunctions | IWebhookFunctions): string {
	return `${context.getWorkflow().id} ${context.getNode().id}`;
}

/** The endpoint that this node has, as far as it knows; the static data are put right on the way. */
export function knownEndpoint(context: IHookFunctions | IWebhookFunctions): Endpoint | undefined {
	const data = context.getWorkflowStaticData('node');
	const latest = context.getMode() === 'manual' ? undefined : registered.get(nodeKey(context));
	const saved = data.endpoint as Endpoint | undefined;
	if (latest && latest.fingerprint !== saved?.fingerprint) data.endpoint = { ...latest };
	return latest ?? saved;
}

const webhookPath = '/v1/org/{org_id}/webhooks';
const onePath = `${webhookPath}/{webhook_id}`;

async function list(hubble: Hubble): Promise<IDataObject[]> {
	const { body } = await send(hubble, { method: 'GET', path: webhookPath, scope: 'read-webhooks' });
	return (body.webhooks ?? []) as IDataObject[];
}

/** Deletes an endpoint; that it is gone already is as good. */
async function remove(hubble: Hubble, id: string): Promise<void> {
	try {
		const ids = { webhook_id: id };
		await send(hubble, { method: 'DELETE', path: onePath, scope: 'write-webhooks', ids });
	} catch (error) {
		if (!(error instanceof NodeApiError) || error.httpCode !== '404') {
			throw new NodeApiError(hubble.context.getNode(), error as never);
		}
	}
}

/** Whether exactly our endpoint is registered at our URL, its secret is known and its batch size is the wanted one. */
export async function isRegistered(context: IHookFunctions, maxBatchSize: number): Promise<boolean> {
	const endpoint = knownEndpoint(context);
	if (!endpoint) return false;
	const url = context.getNodeWebhookUrl('default');
	const ours = (await list(await connect(context))).filter((webhook) => webhook.url === url);
	const [only, second] = ours;
	return !second && only?.webhook_id === endpoint.id && only.max_batch_size === maxBatchSize;
}

/**
 * Registers our URL: goes on with our endpoint where its secret is known, replaces one whose secret is lost,
 * else takes a free slot.
 * @throws NodeOperationError with the names and URLs of the others when both slots are theirs
 */
export async function register(context: IHookFunctions, maxBatchSize: number): Promise<void> {
	const hubble = await connect(context);
	const url = context.getNodeWebhookUrl('default');
	const known = knownEndpoint(context);
	const all = await list(hubble);
	const others = all.filter((webhook) => webhook.url !== url);
	let adopted: Endpoint | undefined;
	for (const { webhook_id, max_batch_size } of all.filter((webhook) => webhook.url === url)) {
		const id = String(webhook_id);
		if (id !== known?.id) {
			await remove(hubble, id);
			continue;
		}
		adopted = known;
		if (max_batch_size === maxBatchSize) continue;
		const body = { set_max_batch_size: maxBatchSize };
		await send(hubble, { method: 'PATCH', path: onePath, scope: 'write-webhooks', ids: { webhook_id: id }, body });
	}
	if (!adopted) {
		if (others.length >= SLOTS) throw allTaken(context, others);
		const name = `n8n: ${context.getWorkflow().name ?? context.getNode().name}`.slice(0, 250);
		const body = { url, name, max_batch_size: maxBatchSize };
		const created = (await send(hubble, { method: 'POST', path: webhookPath, scope: 'write-webhooks', body })).body;
		if (typeof created.webhook_id !== 'string' || typeof created.secret !== 'string') {
			throw new NodeOperationError(context.getNode(), 'Hubble registered the webhook but told no secret for it');
		}
		adopted = { id: created.webhook_id, fingerprint: fingerprint(created.secret) };
	}
	context.getWorkflowStaticData('node').endpoint = { ...adopted };
	if (context.getMode() !== 'manual') registered.set(nodeKey(context), adopted);
}

/** Removes our endpoint: the known one, else whatever is registered at our URL. */
export async function unregister(context: IHookFunctions): Promise<void> {
	const known = knownEndpoint(context);
	const hubble = await connect(context);
	const url = context.getNodeWebhookUrl('default');
	const ids = known ? [known.id] : (await list(hubble)).filter((webhook) => webhook.url === url).map(({ webhook_id }) => String(webhook_id));
	for (const id of ids) await remove(hubble, id);
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
