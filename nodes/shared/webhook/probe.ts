/**
 * Who listens at the URL of an endpoint: n8n itself is asked, by a call to that URL. That is true for every process
 * of n8n, also after a restart, where nothing in memory or in static data is. A forged call learns nothing by it:
 * the answer holds a digest of the endpoint's ID.
 */
import { createHash } from 'node:crypto';
import type {
	IDataObject,
	IExecuteFunctions,
	IHookFunctions,
	IHttpRequestMethods,
	IN8nHttpFullResponse,
} from 'n8n-workflow';
import { isUnregistered } from '../n8n';

/** The header of such a call; it proves nothing, so the answer is 401 as for any other. */
export const PROBE_HEADER = 'x-hubble-check';

/** What a trigger that registers by hand says in the place of an endpoint. */
export const MANUAL = 'manual';

/** What stands for an endpoint in the answer. */
export const webhookDigest = (id: string) => createHash('sha256').update(`endpoint ${id}`).digest('hex').slice(0, 16);

/**
 * - `alive`: a Hubble Trigger that knows the endpoint and its secret
 * - `manual`: one with manual registration; whether its secret is this endpoint's, only a delivery shows
 * - `stranger`: one that does not know this endpoint
 * - `nobody`: n8n says that no published workflow has this URL
 * - `unknown`: no answer, or one of somebody else
 */
export type Listener = 'alive' | 'manual' | 'stranger' | 'nobody' | 'unknown';

/** @param timeoutMs how long the answer may take */
export async function listenerAt(
	context: IExecuteFunctions | IHookFunctions,
	{ url, webhook_id }: IDataObject,
	timeoutMs = 3000,
): Promise<Listener> {
	try {
		const reply = (await context.helpers.httpRequest({
			method: 'POST',
			url: String(url),
			headers: { [PROBE_HEADER]: '1' },
			body: {},
			json: true,
			timeout: timeoutMs,
			returnFullResponse: true,
			ignoreHttpStatusErrors: true,
			disableFollowRedirect: true,
		})) as IN8nHttpFullResponse;
		const { message, endpoint } = (reply.body ?? {}) as IDataObject;
		if (isUnregistered(reply.statusCode, message)) return 'nobody';
		if (reply.statusCode !== 401 || typeof endpoint !== 'string') return 'unknown';
		if (endpoint === MANUAL) return 'manual';
		return endpoint === webhookDigest(String(webhook_id)) ? 'alive' : 'stranger';
	} catch {
		return 'unknown';
	}
}

/**
 * Whether n8n takes POST calls at a URL: it answers a CORS preflight with the methods, and starts nothing by it.
 * `undefined` when the answer is not n8n's.
 */
export async function hasPostAt(context: IExecuteFunctions, url: string): Promise<boolean | undefined> {
	try {
		const reply = (await context.helpers.httpRequest({
			method: 'OPTIONS' as IHttpRequestMethods,
			url,
			headers: { Origin: new URL(url).origin },
			timeout: 3000,
			returnFullResponse: true,
			ignoreHttpStatusErrors: true,
			disableFollowRedirect: true,
		})) as IN8nHttpFullResponse;
		const methods = String(reply.headers['access-control-allow-methods'] ?? '');
		return methods.startsWith('OPTIONS') ? methods.includes('POST') : undefined;
	} catch {
		return undefined;
	}
}
