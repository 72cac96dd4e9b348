/** One request to Hubble (authentication, pace, retry, error), and one generator of pages. */
import { randomUUID } from 'node:crypto';
import {
	jsonParse,
	NodeApiError,
	NodeOperationError,
	sleep,
	sleepWithAbort,
	type IDataObject,
	type IExecuteFunctions,
	type IHookFunctions,
	type IHttpRequestOptions,
	type ILoadOptionsFunctions,
	type IN8nHttpFullResponse,
	type IPollFunctions,
} from 'n8n-workflow';
import { hubbleError } from './errors';
import { heed, LIMITS, newPace, started, waitFor, type Pace } from './pace';
import { retryDelay, type Outcome } from './retry';

/** Every place in n8n from which a node calls Hubble. */
export type Context = IExecuteFunctions | IHookFunctions | ILoadOptionsFunctions | IPollFunctions;

/** How long one try may take. Hubble's largest page is 1,000 packets, about half a megabyte. */
const TIMEOUT_MS = 60_000;

/** n8n 2.x aborts `sleep` itself; in 1.x only `sleepWithAbort` listens to the signal. */
const pause = sleepWithAbort ?? (sleep as typeof sleepWithAbort);

/**
 * The pace of each organization, shared by all nodes, items and executions of this process: the limit
 * counts per organization, whoever calls.
 */
const paces = new Map<string, Pace>();

/** One organization as one run sees it. */
export interface Hubble {
	context: Context;
	baseUrl: string;
	organizationId: string;
	/** Prefix of version 1 and 2 of the API. */
	prefixes: { v1: string; v2: string };
	pace: Pace;
	/** Tells of a stopped execution. */
	signal?: AbortSignal;
	/** Requests sent so far, tries included. */
	requests: number;
	/** Takes the token out of a text that comes from outside. */
	redact: (text: string) => string;
}

/** A body that is read as it comes; what n8n stores as a file. */
export type Stream = Exclude<Parameters<IExecuteFunctions['helpers']['prepareBinaryData']>[0], Buffer>;

/** One call, in the words of the API definition. */
export interface Call {
	method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
	/** With placeholders, e.g. '/v1/org/{org_id}/devices/{device_id}'. */
	path: string;
	scope?: string;
	/** Values of the placeholders except `org_id`. */
	ids?: Readonly<Record<string, string>>;
	query?: IDataObject;
	body?: IDataObject;
	/** The Continuation-Token to send. */
	token?: string;
	/**
	 * For a reply that is not JSON: reads the stream of a success, and what it gives becomes the reply's
	 * body. A stream that breaks off is a reply that did not come whole, so the call is tried again.
	 */
	read?: (stream: Stream) => Promise<IDataObject>;
}

export interface Reply {
	body: IDataObject;
	headers: IDataObject;
	requestId: string;
	/** How long the reply took, without waiting for its turn, in milliseconds. */
	ms: number;
}

/** A reply that is a list, fetched page by page. */
export interface List {
	/** The field of the reply that holds the rows. */
	rows: string;
	/**
	 * The Unix seconds by which Hubble orders the rows and cuts a period of `start` and `end`. With it a
	 * closed period is read in parallel windows (`windows.ts`).
	 */
	timeOf?: (row: IDataObject) => number;
	/** `token`: the Continuation-Token header. `number`: page_number from 0 and page_size. `one`: not paged. */
	pages: 'token' | 'number' | 'one';
	/** Wire name, smallest and largest value of the page size, where the endpoint takes one. */
	pageSize?: { name: string; min: number; max: number };
}

export interface Page {
	rows: IDataObject[];
	/** Where the next page begins (a Continuation-Token, or its number); `undefined` on the last one. */
	next?: string;
	/** Seconds until asking again is worthwhile, on the empty page at the head of an open stream. */
	retryAfterMs?: number;
}

/** What the credential says. The two spellings of the API's paths are aliases (API definition, "Versioning"). */
export function settingsOf(credential: IDataObject) {
	return {
		baseUrl: String(credential.baseUrl ?? '').trim().replace(/\/+$/, ''),
		organizationId: String(credential.organizationId ?? '').trim(),
		token: String(credential.apiToken ?? '').trim(),
		perSecond: Number(credential.requestsPerSecond) || LIMITS.endpoint,
		prefixes: credential.apiPaths === 'versioned' ? { v1: '/v1', v2: '/v2' } : { v1: '/api', v2: '/api/v2' },
	};
}

/** Reads the credential of the node. Throws when it is incomplete, before anything is sent. */
export async function connect(context: Context): Promise<Hubble> {
	const { baseUrl, organizationId, token, perSecond, prefixes } = settingsOf(await context.getCredentials('hubbleApi'));
	for (const [name, value] of Object.entries({ 'API Token': token, 'Organization ID': organizationId, 'Base URL': baseUrl })) {
		if (!value) throw new NodeOperationError(context.getNode(), `The Hubble credential has no ${name}`);
	}
	const key = `${baseUrl} ${organizationId} ${perSecond}`;
	const pace = paces.get(key) ?? newPace(perSecond);
	paces.set(key, pace);
	return {
		context,
		baseUrl,
		organizationId,
		prefixes,
		pace,
		signal: 'getExecutionCancelSignal' in context ? context.getExecutionCancelSignal() : undefined,
		requests: 0,
		redact: (text) => text.split(token).join('***'),
	};
}

function urlOf(hubble: Hubble, { path, ids }: Call): string {
	const values: Record<string, string> = { ...ids, org_id: hubble.organizationId };
	const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
	return hubble.baseUrl + filled.replace(/^\/(v[12])/, (_, version: 'v1' | 'v2') => hubble.prefixes[version]);
}

/** Waits, and ends at once with an error when the execution is stopped. */
export async function rest(hubble: Hubble, ms: number): Promise<void> {
	try {
		await pause(ms, hubble.signal);
	} catch (error) {
		throw new NodeOperationError(hubble.context.getNode(), error as Error, { message: 'The execution was stopped' });
	}
}

/** Waits until the limits let a request to `endpoint` go, and takes its place. */
async function turn(hubble: Hubble, endpoint: string): Promise<void> {
	for (;;) {
		const wait = waitFor(hubble.pace, endpoint, performance.now());
		if (wait <= 0) break;
		await rest(hubble, Math.ceil(wait));
	}
	started(hubble.pace, endpoint, performance.now());
}

/** A header's number, or `undefined`. */
function numeric(value: unknown): number | undefined {
	const number = Number(value);
	return value === undefined || value === '' || Number.isNaN(number) ? undefined : number;
}

/** `Retry-After` in either of its forms, seconds or a date (RFC 9110, 10.2.3), as milliseconds. */
function retryAfter(headers: IDataObject): number | undefined {
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
	body: unknown;
	headers: IDataObject;
	requestId: string;
}

const isSuccess = (status: number) => status >= 200 && status < 300;

/** What `read` makes of a success. An error comes as JSON, and a page of some other server stays text. */
async function fromStream({ statusCode, headers, body }: IN8nHttpFullResponse, read: NonNullable<Call['read']>): Promise<unknown> {
	const stream = body as Stream;
	if (isSuccess(statusCode) && !/^text\/|json/.test(String(headers['content-type']))) return await read(stream);
	const chunks: Buffer[] = [];
	for await (const chunk of stream) chunks.push(chunk as Buffer);
	const said = Buffer.concat(chunks).toString();
	return jsonParse(said, { fallbackValue: said });
}

/** Sends once. Never throws for what the other side does: the outcome says it. */
async function attempt(hubble: Hubble, call: Call): Promise<Attempt> {
	const requestId = randomUUID();
	const options: IHttpRequestOptions = {
		method: call.method,
		url: urlOf(hubble, call),
		headers: { 'X-Request-ID': requestId, ...(call.token ? { 'Continuation-Token': call.token } : {}) },
		qs: call.query,
		arrayFormat: 'repeat',
		...(call.body ? { body: call.body } : {}),
		...(call.read ? { encoding: 'stream' } : { json: true }),
		timeout: TIMEOUT_MS,
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		// A redirect would carry the token to another host.
		disableFollowRedirect: true,
	};
	hubble.requests += 1;
	try {
		const { context } = hubble;
		const reply = (await context.helpers.httpRequestWithAuthentication.call(
			context,
			'hubbleApi',
			options,
		)) as IN8nHttpFullResponse;
		const { headers } = reply;
		const body: unknown = call.read ? await fromStream(reply, call.read) : reply.body;
		// n8n hands over text where the body does not parse as JSON.
		const garbled = typeof body === 'string' && body !== '';
		const cut = garbled && /json/.test(String(headers['content-type']));
		return {
			status: cut ? undefined : reply.statusCode,
			...(garbled ? { code: cut ? 'the reply was cut' : 'not JSON' } : {}),
			body,
			headers,
			requestId: String(headers['x-request-id'] ?? requestId),
			retryAfterMs: retryAfter(headers),
		};
	} catch (error) {
		const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
		return { code: String(code ?? cause?.code ?? ''), body: undefined, headers: {}, requestId };
	}
}

/**
 * One call to Hubble, repeated as `retry.ts` allows, at the pace of `pace.ts`.
 * @throws NodeApiError that says what happened and what to do
 */
export async function send(hubble: Hubble, call: Call): Promise<Reply> {
	const endpoint = `${call.method} ${call.path}`;
	let mayHaveHappened = false;
	for (let tries = 1; ; tries++) {
		await turn(hubble, endpoint);
		const sentAt = performance.now();
		const outcome = await attempt(hubble, call);
		const ms = performance.now() - sentAt;
		const { status, headers, requestId } = outcome;
		heed(
			hubble.pace,
			endpoint,
			{
				tooMany: status === 429,
				retryAfterMs: outcome.retryAfterMs,
				limit: numeric(headers['x-ratelimit-limit']),
				remaining: numeric(headers['x-ratelimit-remaining']),
				resetMs: resetIn(headers),
			},
			performance.now(),
		);
		const body = typeof outcome.body === 'object' && outcome.body !== null ? (outcome.body as IDataObject) : {};
		const isDone = status !== undefined && isSuccess(status) && !outcome.code;
		// A deletion whose reply was lost is found done by the next try.
		if (isDone || (status === 404 && call.method === 'DELETE' && mayHaveHappened)) {
			return { body, headers, requestId, ms };
		}
		mayHaveHappened ||= status === undefined || status >= 500;
		const delay = hubble.signal?.aborted ? undefined : retryDelay(tries, call.method, outcome, Math.random());
		if (delay === undefined) {
			throw hubbleError(hubble.context.getNode(), {
				...call,
				ids: call.ids ?? {},
				status,
				code: outcome.code,
				said: typeof body.description === 'string' ? hubble.redact(body.description) : undefined,
				requestId,
				tries,
				baseUrl: hubble.baseUrl,
				organizationId: hubble.organizationId,
			});
		}
		await rest(hubble, delay);
	}
}

/**
 * The pages of a list, one at a time and only as far as the caller reads.
 * By token: an absent or empty Continuation-Token ends the list, and one that was seen before would
 * never end it, so it is an error. By number: a page that is not full ends the list.
 * An error on a page tells how far the run came; its `context` holds `rowsFetched` and `resumeToken`.
 * @param call its `token` says where to begin: a Continuation-Token, or the number of a page
 * @param pageSize rows in a page, where the endpoint takes a size
 */
export async function* pages(hubble: Hubble, call: Call, list: List, pageSize?: number): AsyncGenerator<Page> {
	const size = list.pageSize && pageSize !== undefined ? { [list.pageSize.name]: pageSize } : {};
	const isNumbered = list.pages === 'number';
	const seen = new Set<string>();
	let place = call.token;
	let rowsFetched = 0;
	for (let page = 0; ; page++) {
		const number = isNumbered ? { page_number: Number(place ?? 0) } : {};
		const query = { ...call.query, ...size, ...number };
		const token = isNumbered ? undefined : place;
		const { body, headers } = await send(hubble, { ...call, query, token }).catch((error: unknown) => {
			throw withProgress(error, page, rowsFetched, token);
		});
		const rows = (body[list.rows] ?? []) as IDataObject[];
		rowsFetched += rows.length;
		const next = {
			token: String(headers['continuation-token'] ?? '') || undefined,
			number: rows.length < (pageSize ?? Infinity) ? undefined : String(Number(place ?? 0) + 1),
			one: undefined,
		}[list.pages];
		yield { rows, next, retryAfterMs: retryAfter(headers) };
		if (!next) return;
		if (seen.has(next)) {
			throw new NodeOperationError(hubble.context.getNode(), 'Hubble gave the same Continuation-Token twice', {
				description: `The list would never end. Stopped after ${rowsFetched} rows from ${page + 1} pages.`,
			});
		}
		seen.add(next);
		place = next;
	}
}

/** Adds to an error how many rows came before it and where to go on. */
function withProgress(error: unknown, pagesFetched: number, rowsFetched: number, token?: string): unknown {
	if (error instanceof NodeApiError && pagesFetched > 0) {
		const resume = token ? ` To go on from there, give this Continuation Token under Options: ${token}` : '';
		error.description = `Page ${pagesFetched + 1} failed after ${rowsFetched} rows from ${pagesFetched} pages. ${error.description}${resume}`;
		Object.assign(error.context, { rowsFetched, ...(token ? { resumeToken: token } : {}) });
	}
	return error;
}
