/** One try of one request. Retries, limits and errors are the client's. */
import { randomUUID } from 'node:crypto';
import {
	jsonParse,
	type IDataObject,
	type IExecuteFunctions,
	type IHttpRequestOptions,
	type IN8nHttpFullResponse,
} from 'n8n-workflow';
import { httpDate, type HubbleClock } from './clock';
import type { Endpoint } from './endpoints';
import { objectOf, parseReply } from './json';
import { FINAL_CODES, type Outcome } from './retry';

/**
 * How long one try may take; for a file, its headers and its body each. Hubble's largest page is 1,000 packets, about
 * half a megabyte.
 */
const TIMEOUT_MS = 60_000;

/** A streamed body, which n8n can store as a file. */
type Stream = Exclude<Parameters<IExecuteFunctions['helpers']['prepareBinaryData']>[0], Buffer>;

/** One call: the endpoint, and what goes with it in the wire's names. */
export interface Call {
	endpoint: Endpoint;
	/** Values of the placeholders except `org_id`, and other IDs of the object of the call. */
	ids?: Readonly<Record<string, string>>;
	query?: IDataObject;
	/** An empty one is not sent. */
	body?: IDataObject;
	continuationToken?: string;
	/**
	 * For a reply that is not JSON: consumes a successful response; its result becomes `body`. If the stream breaks off
	 * or stalls, the reply is incomplete and the call is retried.
	 */
	read?: (stream: Stream) => Promise<IDataObject>;
	/** The list that the reply must hold; see `fetchRows`. */
	rows?: string;
	/** For a call that removes something: the body to return if a 404 shows that an earlier, unanswered try succeeded. */
	whenGone?: IDataObject;
}

export interface Reply extends Pick<Outcome, 'retryAfterMs'> {
	body: IDataObject;
	headers: IDataObject;
	requestId: string;
	/** How long the reply took, without waiting for the rate limit, in milliseconds. */
	ms: number;
}

export interface Attempt extends Outcome, Reply {
	/** What is wrong with the body of a success. */
	problem?: string;
	/** Why `read` failed on a body that came well. */
	failure?: unknown;
	/** When it was sent, on the clock of `performance.now()`. */
	startedAt: number;
}

export interface Sender {
	url: string;
	/** Adds the authorization header. */
	fetch: (options: IHttpRequestOptions) => Promise<IN8nHttpFullResponse>;
	/** Removes secrets from text from outside. */
	redact: (text: string) => string;
	/** Milliseconds until the run must be over. */
	timeLeft: number;
	clock: HubbleClock;
}

function decimal(value: unknown): number | undefined {
	return /^\d+(\.\d+)?$/.test(String(value)) ? Number(value) : undefined;
}

/** When a reply was sent, by the sender's clock, in Unix milliseconds. */
const sentAtOf = (headers: IDataObject, clock: HubbleClock) => httpDate(headers.date) ?? clock.now() * 1000;

/** `Retry-After` in either of its forms, whole seconds or a date (RFC 9110, 10.2.3), as milliseconds. */
export function retryAfter(headers: IDataObject, clock: HubbleClock): number | undefined {
	const value = headers['retry-after'];
	if (/^\d+$/.test(String(value))) return Number(value) * 1000;
	const date = httpDate(value);
	return date === undefined ? undefined : Math.max(0, date - sentAtOf(headers, clock));
}

/** Smaller numbers are seconds from now: as a Unix time it would be the year 2001. */
const FIRST_UNIX_S = 1e9;

/** Milliseconds until `X-RateLimit-Reset`, which is in Unix seconds or in seconds from now. */
export function resetIn(headers: IDataObject, clock: HubbleClock): number | undefined {
	const reset = decimal(headers['x-ratelimit-reset']);
	if (reset === undefined || reset < FIRST_UNIX_S) return reset === undefined ? undefined : reset * 1000;
	return Math.max(0, reset * 1000 - sentAtOf(headers, clock));
}

/** What a reply says about Hubble's limit. */
export const limitsIn = ({ headers, status, startedAt, retryAfterMs }: Attempt, clock: HubbleClock) => ({
	tooMany: status === 429,
	startedAt,
	retryAfterMs,
	limit: decimal(headers['x-ratelimit-limit']),
	remaining: decimal(headers['x-ratelimit-remaining']),
	resetMs: resetIn(headers, clock),
});

export const isSuccess = (status: number) => status >= 200 && status < 300;

/**
 * What a reply holds. Of a stream that is the result of `read` for a success; errors are parsed as JSON, and another
 * server's page stays text.
 */
async function contentOf(reply: IN8nHttpFullResponse, { read, rows }: Call, stream?: Stream): Promise<unknown> {
	const { statusCode, headers, body } = reply;
	if (!stream) return rows ? parseReply(body as Buffer) : body;
	if (read && isSuccess(statusCode) && !/^text\/|json/.test(String(headers['content-type']))) return await read(stream);
	const chunks: Buffer[] = [];
	for await (const chunk of stream) chunks.push(chunk as Buffer);
	const said = Buffer.concat(chunks).toString();
	return jsonParse(said, { fallbackValue: said });
}

/** Waits for the content. A stream that stalls is ended with an error: a request's timeout is over with its headers. */
async function inTime<T>(ms: number, content: Promise<T>, stream?: Stream): Promise<T> {
	if (!stream) return await content;
	const limit = AbortSignal.timeout(ms);
	let end = () => {};
	// A stream that is made of an iterator ends only when that gives its next part.
	const late = new Promise<never>((_, reject) => {
		end = () => {
			const error = new Error('the body did not end in time');
			stream.destroy(error);
			reject(error);
		};
		limit.addEventListener('abort', end);
	});
	try {
		return await Promise.race([content, late]);
	} finally {
		limit.removeEventListener('abort', end);
		stream.destroy();
	}
}

function optionsOf(call: Call, { url }: Sender, timeout: number, requestId: string): IHttpRequestOptions {
	return {
		method: call.endpoint.method,
		url,
		headers: {
			'X-Request-ID': requestId,
			...(call.continuationToken ? { 'Continuation-Token': call.continuationToken } : {}),
		},
		qs: call.query,
		arrayFormat: 'repeat',
		...(Object.keys(call.body ?? {}).length ? { body: call.body } : {}),
		...(call.read ? { encoding: 'stream' } : { json: true, ...(call.rows ? { encoding: 'arraybuffer' } : {}) }),
		timeout,
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		// A redirect would carry the token to another host.
		disableFollowRedirect: true,
	};
}

/** Sends once. Never throws: the result says what failed. */
export async function sendOnce(call: Call, sender: Sender): Promise<Attempt> {
	const { redact, clock, timeLeft } = sender;
	const timeout = Math.min(TIMEOUT_MS, Math.max(1, Math.floor(timeLeft)));
	const requestId = randomUUID();
	const startedAt = performance.now();
	const sinceStart = () => ({ startedAt, ms: performance.now() - startedAt });
	let stream: Stream | undefined;
	try {
		const reply = await sender.fetch(optionsOf(call, sender, timeout, requestId));
		const { headers } = reply;
		// A 5xx may come from a proxy with its own clock.
		if (reply.statusCode < 500) clock.note(headers.date, startedAt);
		if (call.read) stream = reply.body as Stream;
		const body = await inTime(timeout, contentOf(reply, call, stream), stream);
		// A body that does not parse as JSON is a text.
		const isGarbled = isSuccess(reply.statusCode) && typeof body === 'string' && body !== '';
		const isPage = /html/.test(String(headers['content-type']));
		const isCut = isGarbled && /json/.test(String(headers['content-type']));
		return {
			status: isCut ? undefined : reply.statusCode,
			...(isGarbled ? { problem: isCut ? 'cut short' : isPage ? 'a web page' : 'not JSON' } : {}),
			body: objectOf(body),
			headers,
			// The server may echo what it was sent, including the token.
			requestId: redact(String(headers['x-request-id'] ?? requestId)),
			retryAfterMs: retryAfter(headers, clock),
			...sinceStart(),
		};
	} catch (error) {
		const nothing = { body: {}, headers: {}, requestId, ...sinceStart() };
		// What becomes of a body that comes well is not the other side's, as on a full disk.
		if (stream && error !== stream.errored) return { ...nothing, failure: error };
		// n8n's engine puts the code of a connection failure where a status would be.
		const given = objectOf(error);
		const code = String(given.code ?? given.httpCode ?? objectOf(given.cause).code ?? '');
		// The connection ended within the body: newer releases of n8n give the status of such a reply.
		const isCut = stream !== undefined || /^(ERR_BAD_RESPONSE|\d{3})$/.test(code);
		return { ...nothing, code, ...(isCut ? { problem: 'cut short' } : {}) };
	}
}

/** Whether the request may have left this server: not if there was no connection, or none that is trusted. */
export const wasSent = ({ code = '' }: Outcome) => !/^(ECONNREFUSED|EAI_AGAIN)$/.test(code) && !FINAL_CODES.test(code);

const isBlank = (value: unknown) => typeof value === 'object' || String(value).trim() === '';

const KINDS: Readonly<Record<string, (value: unknown) => boolean>> = {
	text: (value) => typeof value === 'string' && value !== '',
	list: Array.isArray,
	boolean: (value) => typeof value === 'boolean',
	// The partner's amounts may come as texts.
	number: (value) => !isBlank(value) && Number.isFinite(Number(value)),
};

/** What a success lacks if it is not Hubble's: it has none of the fields that the endpoint returns. */
export function lackOf({ endpoint, rows, read }: Call, body: IDataObject): string | undefined {
	const { method, replyHas = {} } = endpoint;
	if (read) return undefined;
	if (rows) return Array.isArray(body[rows]) ? undefined : `list "${rows}"`;
	const known = Object.entries(replyHas);
	const isEmpty = method === 'GET' && !Object.keys(body).length;
	if (!isEmpty && (!known.length || known.some(([name, kind]) => KINDS[kind]?.(body[name])))) return undefined;
	return known.length ? `"${known[0]?.[0]}" field` : 'content';
}
