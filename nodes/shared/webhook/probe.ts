/**
 * Who listens at the URL of a webhook: n8n itself is asked, by a call to that URL. Unlike memory and static data, this
 * is right in every process of n8n, also after a restart. A forged call learns nothing from it: the answer contains
 * only a digest of the webhook's ID.
 */
import { hash } from 'node:crypto';
import {
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type IHookFunctions,
	type IHttpRequestMethods,
	type IHttpRequestOptions,
	type IN8nHttpFullResponse,
} from 'n8n-workflow';
import { objectOf } from '../client/json';
import { isUnregistered } from '../n8n';

/** The header of such a call. It starts no workflow: the answer is 401, as for any call without the secret. */
export const PROBE_HEADER = 'x-hubble-check';

type Caller = IExecuteFunctions | IHookFunctions;

/** The header's value: a call of this n8n, which needs no line in its log. */
export const probeValue = (context: Pick<Caller, 'getInstanceId'>) =>
	hash('sha256', `probe ${context.getInstanceId()}`);

/**
 * Where the URLs of this n8n begin, up to the slash before the name of an endpoint such as `webhook`.
 * @param url a URL of this n8n
 * @param segments how many parts of its path follow
 */
export function rootOf(url: string, segments: number): string | undefined {
	if (!URL.canParse(url)) return undefined;
	const root = new URL(url);
	root.pathname = `${root.pathname.split('/').slice(0, -segments).join('/')}/`;
	root.search = root.hash = '';
	return root.href;
}

/** In the URL of a trigger: the name of the endpoint, the ID of the webhook and its name. */
const TRIGGER_SEGMENTS = 3;

export const rootOfTrigger = (url: string) => rootOf(url, TRIGGER_SEGMENTS);

/** What follows the root in a URL; `undefined` for a URL that is not of this n8n, by its public URL. */
export function belowRoot(root: string | undefined, url: string): string | undefined {
	if (root === undefined || !URL.canParse(url)) return undefined;
	const { href, hash: fragment } = new URL(url);
	return href.startsWith(root) ? href.slice(root.length, href.length - fragment.length) : undefined;
}

/** How the URL of a trigger node goes on below the root. Nothing else is called. */
const TRIGGER = /^[^/?]+\/[^/?]+\/webhook$/;

/** Whether a URL may be that of a trigger node of this n8n. */
export const isTriggerAt = (root: string | undefined, url: string) => TRIGGER.test(belowRoot(root, url) ?? '');

/** The URL of a trigger node below another root. */
export const atRoot = (root: string, url: string) =>
	root + new URL(url).pathname.split('/').slice(-TRIGGER_SEGMENTS).join('/');

/**
 * Refuses a trigger to which n8n gave no ID for its URL: the URL then has the node's name in it, and n8n does not find
 * the node again by it where that has a blank (`getNodeWebhookPath` in n8n-workflow).
 */
export function requireOwnUrl(context: IHookFunctions): void {
	const node = context.getNode();
	if (node.webhookId) return;
	throw new NodeOperationError(
		node,
		'n8n has given this trigger no URL of its own, as after an import by a command or the API. Delete the trigger node, add a new one, and publish the workflow.',
	);
}

/** What a trigger with manual registration answers instead of a digest. */
export const MANUAL = 'manual';

/** The digest of a webhook in the answer. */
export const webhookDigest = (id: string) => hash('sha256', `endpoint ${id}`).slice(0, 16);

/** Who listens; `STATES` explains each. `unknown`: no answer, or not one of n8n's. */
export type Listener = 'listening' | 'manual' | 'secretLost' | 'orphan' | 'unknown';

/** One call to this n8n, whatever its answer is. */
export async function call(context: Caller, options: IHttpRequestOptions): Promise<IN8nHttpFullResponse> {
	const asItIs = { returnFullResponse: true, ignoreHttpStatusErrors: true, disableFollowRedirect: true };
	return await context.helpers.httpRequest({ ...options, ...asItIs, timeout: 3000 });
}

/**
 * Asks by an empty POST.
 * @param root where the URLs of this n8n begin: a URL that is not below it, or no trigger's, is not called
 */
export async function listenerAt(
	context: Caller,
	{ url, webhook_id }: IDataObject,
	root: string | undefined,
): Promise<Listener> {
	if (!isTriggerAt(root, String(url))) return 'unknown';
	try {
		const headers = { [PROBE_HEADER]: probeValue(context) };
		const options = { method: 'POST', url: String(url), headers, body: {}, json: true } as const;
		const { statusCode, body } = await call(context, options);
		const { message, endpoint } = objectOf(body);
		if (isUnregistered(statusCode, message)) return 'orphan';
		if (statusCode !== 401 || typeof endpoint !== 'string') return 'unknown';
		// Only a delivery shows whether its secret is this webhook's.
		if (endpoint === MANUAL) return 'manual';
		return endpoint === webhookDigest(String(webhook_id)) ? 'listening' : 'secretLost';
	} catch {
		return 'unknown';
	}
}

/** How the URL of a webhook of any node goes on below the root; where N8N_ENDPOINT_WEBHOOK is set, nothing is asked. */
const WEBHOOK = /^webhook(-test)?\//;

/**
 * Whether n8n takes POST calls at a URL: it answers a CORS preflight with the methods, and starts nothing by it.
 * `undefined` when the answer is not n8n's, or the URL is no webhook's: that is not called.
 */
export async function hasPostAt(
	context: IExecuteFunctions,
	url: string,
	root: string | undefined,
): Promise<boolean | undefined> {
	if (!WEBHOOK.test(belowRoot(root, url) ?? '')) return undefined;
	try {
		const headers = { Origin: new URL(url).origin };
		const reply = await call(context, { method: 'OPTIONS' as IHttpRequestMethods, url, headers });
		// n8n says so of a test URL; of others, by the methods.
		if (isUnregistered(reply.statusCode, objectOf(reply.body).message)) return false;
		const methods = String(reply.headers['access-control-allow-methods'] ?? '');
		return methods.startsWith('OPTIONS') ? methods.includes('POST') : undefined;
	} catch {
		return undefined;
	}
}
