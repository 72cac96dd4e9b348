/** One request to Hubble: authentication, rate limit, retry, error. */
import { randomUUID } from 'node:crypto';
import {
	jsonParse,
	NodeApiError,
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type IHttpRequestOptions,
	type IN8nHttpFullResponse,
} from 'n8n-workflow';
import { abortableSleep } from '../n8n';
import type { HubbleClient } from './client';
import type { Endpoint } from './endpoints';
import { copyOf, hubbleError, unexpectedResponse } from './errors';
import { nameRate, recordResponse, recordStart, slotWait } from './rateLimiter';
import { retryDelay, TRIES, type Outcome } from './retry';
import { parseWithRows, type Rows } from './lazyRows';

/** How long one try may take. Hubble's largest page is 1,000 packets, about half a megabyte. */
const TIMEOUT_MS = 60_000;

/** A body that is read as it comes; what n8n stores as a file. */
export type Stream = Exclude<Parameters<IExecuteFunctions['helpers']['prepareBinaryData']>[0], Buffer>;

/** One call: the endpoint, and what goes with it in the wire's names. */
export interface Call {
	endpoint: Endpoint;
	/** Values of the placeholders except `org_id`, and what else names the thing that is worked on. */
	ids?: Readonly<Record<string, string>>;
	query?: IDataObject;
	/** An empty one is not sent. */
	body?: IDataObject;
	continuationToken?: string;
	/**
	 * For a reply that is not JSON: reads the stream of a success, and what it gives becomes the reply's
	 * body. A stream that breaks off is a reply that did not come whole, so the call is tried again.
	 */
	read?: (stream: Stream) => Promise<IDataObject>;
	/** The list of a reply in JSON that is left as it came (`lazyRows.ts`); see `fetchRows`. */
	rows?: string;
}

export interface Reply {
	body: IDataObject;
	/** The list that the call named; `undefined` when the reply has none. */
	rows?: Rows;
	headers: IDataObject;
	requestId: string;
	/** How long the reply took, without waiting for its turn, in milliseconds. */
	ms: number;
}

function urlOf(hubble: HubbleClient, { endpoint: { path }, ids }: Call): string {
	const values: Record<string, string> = { ...ids, org_id: hubble.organizationId };
	const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
	return hubble.baseUrl + filled.replace(/^\/(v[12])/, (_, version: 'v1' | 'v2') => hubble.prefixes[version]);
}

/** Waits, and ends at once with an error when the execution is stopped. */
export async function delay(hubble: HubbleClient, ms: number): Promise<void> {
	try {
		await abortableSleep(ms, hubble.signal);
	} catch (error) {
		throw new NodeOperationError(hubble.context.getNode(), error as Error, { message: 'The execution was stopped' });
	}
}

/** Waits for the rate limit, and counts how long. */
async function waitForLimit(hubble: HubbleClient, ms: number): Promise<void> {
	const { traffic } = hubble;
	if (traffic.waiting === 0) traffic.waitingSince = performance.now();
	traffic.waiting += 1;
	try {
		await delay(hubble, ms);
	} finally {
		traffic.waiting -= 1;
		if (traffic.waiting === 0) traffic.waitedMs += performance.now() - traffic.waitingSince;
	}
}

/** Milliseconds until the run must be over. */
const timeLeft = ({ deadline = Infinity }: HubbleClient) => deadline - performance.now();

/** Waits until the limits let a request to `endpoint` go, and takes its place. */
async function acquireSlot(hubble: HubbleClient, endpoint: string): Promise<void> {
	for (;;) {
		nameRate(hubble.rateLimiter, hubble.perSecond, performance.now());
		const wait = slotWait(hubble.rateLimiter, endpoint, performance.now(), hubble.isUrgent);
		if (wait <= 0) break;
		if (wait > timeLeft(hubble)) {
			throw new NodeOperationError(hubble.context.getNode(), 'There is no time left to wait for the rate limit', {
				description:
					'Other workflows call the Hubble API for this organization, too. Run fewer workflows at the same time.',
			});
		}
		await waitForLimit(hubble, Math.ceil(wait));
	}
	recordStart(hubble.rateLimiter, endpoint, performance.now());
}

/** A header's number, or `undefined`. */
function numeric(value: unknown): number | undefined {
	const number = Number(value);
	return value === undefined || value === '' || Number.isNaN(number) ? undefined : number;
}

/** `Retry-After` in either of its forms, seconds or a date (RFC 9110, 10.2.3), as milliseconds. */
export function retryAfter(headers: IDataObject): number | undefined {
	const value = headers['retry-after'];
	const seconds = numeric(value);
	if (seconds !== undefined) return seconds * 1000;
	const date = Date.parse(String(value ?? ''));
	return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** Milliseconds until `X-RateLimit-Reset` (Unix seconds), by the server's own clock where it tells it. */
function resetIn(headers: IDataObject): number | undefined {
	const reset = numeric(headers['x-ratelimit-reset']);
	if (reset === undefined) return undefined;
	const serverNow = Date.parse(String(headers.date ?? ''));
	return Math.max(0, reset * 1000 - (Number.isNaN(serverNow) ? Date.now() : serverNow));
}

interface Attempt extends Outcome {
	/** What is wrong with the body of a success. */
	problem?: string;
	body: unknown;
	rows?: Rows;
	headers: IDataObject;
	requestId: string;
}

const isSuccess = (status: number) => status >= 200 && status < 300;

/** What `read` makes of a success. An error comes as JSON, and a page of some other server stays text. */
async function fromStream(reply: IN8nHttpFullResponse, read: NonNullable<Call['read']>): Promise<unknown> {
	const { statusCode, headers, body } = reply;
	const stream = body as Stream;
	if (isSuccess(statusCode) && !/^text\/|json/.test(String(headers['content-type']))) return await read(stream);
	const chunks: Buffer[] = [];
	for await (const chunk of stream) chunks.push(chunk as Buffer);
	const said = Buffer.concat(chunks).toString();
	return jsonParse(said, { fallbackValue: said });
}

/** What the reply holds: JSON as an object, anything else as text. */
async function contentOf(reply: IN8nHttpFullResponse, { read, rows }: Call): Promise<{ body: unknown; rows?: Rows }> {
	if (read) return { body: await fromStream(reply, read) };
	return rows ? parseWithRows(reply.body as Buffer, rows) : { body: reply.body };
}

async function fetchWithToken(
	{ context, credential: credentialsDecrypted, otherToken }: HubbleClient,
	options: IHttpRequestOptions,
): Promise<IN8nHttpFullResponse> {
	const { helpers } = context;
	if (otherToken === undefined) {
		const sent = helpers.httpRequestWithAuthentication.call(context, 'hubbleApi', options, { credentialsDecrypted });
		return (await sent) as IN8nHttpFullResponse;
	}
	const headers = { ...options.headers, ...(otherToken ? { Authorization: `Bearer ${otherToken}` } : {}) };
	return (await helpers.httpRequest({ ...options, headers })) as IN8nHttpFullResponse;
}

/** Sends once. Never throws for what the other side does: the outcome says it. */
async function sendOnce(hubble: HubbleClient, call: Call): Promise<Attempt> {
	const requestId = randomUUID();
	const options: IHttpRequestOptions = {
		method: call.endpoint.method,
		url: urlOf(hubble, call),
		headers: {
			'X-Request-ID': requestId,
			...(call.continuationToken ? { 'Continuation-Token': call.continuationToken } : {}),
		},
		qs: call.query,
		arrayFormat: 'repeat',
		...(Object.keys(call.body ?? {}).length ? { body: call.body } : {}),
		...(call.read ? { encoding: 'stream' } : { json: true, ...(call.rows ? { encoding: 'arraybuffer' } : {}) }),
		timeout: Math.min(TIMEOUT_MS, Math.max(1, Math.floor(timeLeft(hubble)))),
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		// A redirect would carry the token to another host.
		disableFollowRedirect: true,
	};
	hubble.traffic.requests += 1;
	try {
		const reply = await fetchWithToken(hubble, options);
		const { headers } = reply;
		const { body, rows } = await contentOf(reply, call);
		// A body that does not parse as JSON is a text.
		const isGarbled = isSuccess(reply.statusCode) && typeof body === 'string' && body !== '';
		const isCut = isGarbled && /json/.test(String(headers['content-type']));
		return {
			status: isCut ? undefined : reply.statusCode,
			...(isGarbled ? { problem: isCut ? 'the reply was cut' : 'it is not JSON' } : {}),
			body,
			rows,
			headers,
			// Whatever answers may repeat what it was sent, the token too.
			requestId: hubble.redact(String(headers['x-request-id'] ?? requestId)),
			retryAfterMs: retryAfter(headers),
		};
	} catch (error) {
		// n8n's engine puts the code of a connection failure where a status would be.
		const { code, httpCode, cause } = error as { code?: unknown; httpCode?: unknown; cause?: { code?: unknown } };
		return { code: String(code ?? httpCode ?? cause?.code ?? ''), body: undefined, headers: {}, requestId };
	}
}

/** Whether the request left this server: a connection that never came about carried nothing. */
const wasSent = ({ code = '' }: Outcome) => !/^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ERR_INVALID_.*)$/.test(code);

/** What the other side says of an error: `description` in Hubble's, other fields in those of proxies. */
function saidIn({ description, message, name }: IDataObject, { redact }: HubbleClient): string | undefined {
	const said = description ?? message ?? name;
	return typeof said === 'string' ? redact(said) : undefined;
}

/** Tells the rate limiter what a reply says about the bucket. */
function learn(
	{ rateLimiter }: HubbleClient,
	endpoint: string,
	{ status, headers, retryAfterMs }: Attempt,
	startedAt: number,
): void {
	const about = {
		tooMany: status === 429,
		startedAt,
		retryAfterMs,
		limit: numeric(headers['x-ratelimit-limit']),
		remaining: numeric(headers['x-ratelimit-remaining']),
		resetMs: resetIn(headers),
	};
	recordResponse(rateLimiter, endpoint, about, performance.now(), Math.random());
}

const KINDS: Readonly<Record<string, (value: unknown) => boolean>> = {
	text: (value) => typeof value === 'string' && value !== '',
	list: Array.isArray,
	boolean: (value) => typeof value === 'boolean',
	number: (value) => typeof value === 'number',
};

/** Throws when a success is not Hubble's: it has none of the fields that the endpoint's replies have. */
function checkReply(hubble: HubbleClient, { endpoint, rows, read }: Call, body: IDataObject, requestId: string): void {
	const { method, replyHas = {} } = endpoint;
	if (rows || read) return;
	const known = Object.entries(replyHas);
	const isEmpty = method === 'GET' && !Object.keys(body).length;
	if (!isEmpty && (!known.length || known.some(([name, kind]) => KINDS[kind]?.(body[name])))) return;
	const wanted = known.length ? `the field "${known[0]?.[0]}"` : 'anything';
	throw unexpectedResponse(hubble.context.getNode(), wanted, hubble.baseUrl, requestId, method);
}

/** Throws the 401 that this run met before, with no wait for a place in the rate. */
export function throwIfRefused({ refusedToken }: HubbleClient): void {
	if (refusedToken) throw copyOf(refusedToken);
}

/** After a 401, reads the credential again. @returns whether it holds another token by now, with which the run goes on */
async function renewed({ credential, otherToken, renew }: HubbleClient, refused: unknown): Promise<boolean> {
	if (otherToken !== undefined) return false;
	// Another call may have read it meanwhile. One that cannot be read is no news: what is reported is the refusal.
	if (credential?.data === refused) await renew?.().catch(() => {});
	return credential?.data !== refused;
}

/**
 * One call to Hubble, repeated as `retry.ts` allows, within the limits of `rateLimiter.ts`. After a 401 the client
 * sends nothing more, unless the credential holds another token by now: a token that was refused once is refused for
 * everything else in the run.
 * @throws NodeApiError that says what happened and what to do, NodeOperationError for a reply that is not Hubble's
 */
export async function send(hubble: HubbleClient, call: Call): Promise<Reply> {
	const { method, path, isRepeatable } = call.endpoint;
	const endpoint = `${method} ${path}`;
	let mayHaveHappened = false;
	for (let tries = 1; ; tries++) {
		throwIfRefused(hubble);
		await acquireSlot(hubble, endpoint);
		// Another call may have met it meanwhile.
		throwIfRefused(hubble);
		const sentAt = performance.now();
		const sentWith = hubble.credential?.data;
		const outcome = await sendOnce(hubble, call);
		const ms = performance.now() - sentAt;
		const { status, headers, requestId } = outcome;
		learn(hubble, endpoint, outcome, sentAt);
		const body = typeof outcome.body === 'object' && outcome.body !== null ? (outcome.body as IDataObject) : {};
		const isDone = status !== undefined && isSuccess(status) && !outcome.problem;
		// A deletion whose reply was lost is found done by the next try; of a batch a 404 would not prove it.
		const isGone = status === 404 && method === 'DELETE' && mayHaveHappened && /\}$/.test(path);
		if (isDone) checkReply(hubble, call, body, requestId);
		if (isDone || isGone) return { body, rows: outcome.rows, headers, requestId, ms };
		// What was refused was not done (RFC 9110, 15.5.2), so whatever it is may be sent again.
		const isRenewed = status === 401 && tries < TRIES && (await renewed(hubble, sentWith));
		mayHaveHappened ||= wasSent(outcome) && (status === undefined || status >= 500);
		const retryMs = isRenewed ? 0 : retryDelay(tries, isRepeatable ? 'GET' : method, outcome, Math.random());
		const waitMs = hubble.signal?.aborted ? undefined : retryMs;
		if (waitMs === undefined || waitMs > timeLeft(hubble)) {
			const error = failureOf(hubble, call, outcome, { body, mayHaveHappened, tries });
			if (status === 401) hubble.refusedToken = copyOf(error);
			throw error;
		}
		await (status === 429 ? waitForLimit : delay)(hubble, waitMs);
	}
}

/** The error of a call that failed for good. */
function failureOf(
	hubble: HubbleClient,
	{ endpoint, ids = {} }: Call,
	{ status, code, problem, retryAfterMs, requestId }: Attempt,
	{ body, mayHaveHappened, tries }: { body: IDataObject; mayHaveHappened: boolean; tries: number },
): NodeApiError {
	return hubbleError(hubble.context.getNode(), {
		...endpoint,
		ids,
		status,
		code: code || problem,
		isCut: problem !== undefined,
		said: saidIn(body, hubble),
		errorCode: typeof body.code === 'string' ? hubble.redact(body.code) : undefined,
		explain: hubble.explain,
		isHubbles: 'name' in body || 'description' in body || (hubble.explain !== undefined && 'code' in body),
		mayHaveHappened,
		askedToWaitMs: retryAfterMs,
		requestId,
		tries,
		baseUrl: hubble.baseUrl,
		organizationId: hubble.organizationId,
	});
}
