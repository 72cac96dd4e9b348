/** The organization behind a credential, as one run of a node sees it: authentication, rate limit, retry, errors. */
import {
	NodeOperationError,
	type ICredentialDataDecryptedObject,
	type ICredentialsDecrypted,
	type IExecuteFunctions,
	type IHookFunctions,
	type IHttpRequestOptions,
	type ILoadOptionsFunctions,
	type INode,
	type IN8nHttpFullResponse,
	type IPollFunctions,
	type NodeApiError,
} from 'n8n-workflow';
import { abortableSleep } from '../n8n';
import { clockOf, type HubbleClock } from './clock';
import { settingsOf, type CredentialSettings } from './credential';
import { endpoints, type Endpoint } from './endpoints';
import {
	asError,
	copyOf,
	errorCodeIn,
	hasErrorFormat,
	hubbleError,
	isNodeError,
	notSent,
	unexpectedResponse,
	type Explanation,
	type Failure,
} from './errors';
import { rateLimiterOf, recordResponse, recordStart, slotWait, waitersOf, type RateLimiter } from './rateLimiter';
import { isSuccess, lackOf, limitsIn, sendOnce, wasSent, type Attempt, type Call, type Reply } from './request';
import { retryDelay } from './retry';

export type Context = IExecuteFunctions | IHookFunctions | ILoadOptionsFunctions | IPollFunctions;

/** The service to call. Its rate limiter and clock are shared by all callers in this process. */
export interface Service extends Omit<CredentialSettings, 'token'> {
	rateLimiter: RateLimiter;
	clock: HubbleClock;
	/** The service's own words for failures; `undefined` where the general ones fit. */
	explain?: (failure: Failure) => Explanation | undefined;
	/** What to check when a reply is not the service's; by default the Base URL. */
	check?: string;
}

export interface Poller {
	/** When it last had a turn within the rate limit, on the clock of `performance.now()`. */
	turnAt: number;
}

/** Who calls, and how long it may take. */
export interface Run {
	context: Context;
	/** Aborts when the execution is stopped. */
	signal?: AbortSignal;
	/** When the run must be over, on the clock of `performance.now()`: nothing waits or tries beyond it. */
	deadline?: number;
	/** Whether the run is a hook, which makes a few requests and has little time. */
	isUrgent?: boolean;
	/** The node that polls, of a poll. */
	poller?: Poller;
	/** What the run has sent so far; one object for all clients of the run. */
	traffic: Traffic;
	/** Likewise, but for a client that goes on through an outage. */
	outage: Outage;
}

/** What a run has sent, and how long it waited to send it. */
interface Traffic {
	/** Requests, tries included. */
	requests: number;
	/** Requests that wait for the rate limit now. */
	waiting: number;
	/** Since when the first of them does, on the clock of `performance.now()`. */
	waitingSince: number;
	/** How long the run has waited for the rate limit; requests that wait side by side count once. */
	waitedMs: number;
}

/** The last failures in a row of calls that Hubble did not answer, for all their tries or for a long time. */
interface Outage {
	unanswered: NodeApiError[];
	/** When the last of them failed, on the clock of `performance.now()`. */
	failedAt: number;
}

export const newOutage = (): Outage => ({ unanswered: [], failedAt: 0 });

/**
 * After this many calls in a row without an answer, the run stops calling: a thousand items would take over an hour.
 */
const MOST_UNANSWERED = 3;

/** Whether Hubble has dealt with a call, and so would with the next; not so where it was too busy for all tries. */
const isAnswer = (status?: number) => status !== undefined && status < 500 && status !== 429;

/** A call that is sent only once, as what creates is, and fails faster than this, costs the run no time: it is not counted. */
const QUICK_MS = 5000;

/** Credentials for requests, and the refusals (401, 403) seen in this run. */
export interface Session {
	/** Every token and secret used so far, newest last. None may appear in a text that leaves the client. */
	readonly secrets: string[];
	/** Sends with the newest token. */
	fetch: (options: IHttpRequestOptions) => Promise<IN8nHttpFullResponse>;
	/** Makes sure that there is a token; called before each call. */
	open?: () => Promise<void>;
	/** After a 401, looks for a new token: the credential may be changed during a long run. */
	renew?: () => Promise<void>;
	/** Whether the token is not the credential's, but one to be tried. */
	isTrial?: boolean;
	/** The 401 that refused the token. */
	refusedToken?: NodeApiError;
	/** The 403s about a missing scope, by call. */
	readonly refusedCalls: Map<string, NodeApiError>;
}

/** Aborts when the execution is stopped. */
const stopSignalOf = (context: Context) =>
	'getExecutionCancelSignal' in context ? context.getExecutionCancelSignal() : undefined;

/** A session that sends the newest token, or none: a login has no token yet. */
export const sessionOf = (context: Context, secrets: string[], hasToken = true): Session => ({
	secrets,
	refusedCalls: new Map(),
	fetch: async (options) => {
		const authorization = hasToken ? { Authorization: `Bearer ${secrets.at(-1)}` } : {};
		// What writes is awaited even when the execution is stopped, so that its end is known.
		const abortSignal = options.method === 'GET' ? stopSignalOf(context) : undefined;
		const headers = { ...options.headers, ...authorization };
		return await context.helpers.httpRequest({ ...options, headers, abortSignal });
	},
});

/** The rate limit left no slot before the run's deadline; nothing was sent. */
export class NoPlaceInTime extends NodeOperationError {
	override name = NodeOperationError.name;

	constructor(node: INode) {
		super(node, 'Timed out waiting for the rate limit', {
			description:
				'Other workflows are also calling the Hubble API for this organization. Run fewer workflows at the same time.',
		});
	}
}

/** The name of a call, by which it is limited, and its refusal known. */
export const callName = ({ method, path }: Endpoint) => `${method} ${path}`;

/** One organization as one run sees it. */
export class HubbleClient {
	constructor(
		readonly service: Service,
		readonly run: Run,
		readonly session: Session,
	) {}

	get context(): Context {
		return this.run.context;
	}

	get baseUrl(): string {
		return this.service.baseUrl;
	}

	get organizationId(): string {
		return this.service.organizationId;
	}

	/** Whether the execution was stopped. */
	get isStopped(): boolean {
		return this.run.signal?.aborted ?? false;
	}

	/** Hubble's time in Unix seconds, with a fraction: see `HubbleClock`. */
	now(): number {
		return this.service.clock.now();
	}

	/**
	 * Like `now()`, but if the clock is unknown, first asks Hubble: once, or twice if the first reply needs confirming.
	 * Throws what `send` throws.
	 */
	async learnNow(): Promise<number> {
		for (let asked = 0; asked < 2 && !this.service.clock.isKnown; asked++)
			await this.send({ endpoint: endpoints.checkKey });
		return this.now();
	}

	/** The same organization with another token, such as one to be tried: the same limits, but its own 401. */
	as(token: string): HubbleClient {
		const { secrets } = this.session;
		return new HubbleClient(this.service, this.run, {
			...sessionOf(this.context, [...secrets, token]),
			isTrial: !secrets.includes(token),
		});
	}

	/** The same client with a deadline or failures of its own, or with a further abort signal. */
	with({ signal, ...own }: Partial<Pick<Run, 'deadline' | 'signal' | 'outage'>>): HubbleClient {
		const signals = [this.run.signal, signal].filter((given) => given !== undefined);
		const run = { ...this.run, ...own, signal: AbortSignal.any(signals) };
		return new HubbleClient(this.service, run, this.session);
	}

	/** Removes secrets from text from outside; the longest first, because one may contain another. */
	redact(text: string): string {
		return [...this.session.secrets]
			.sort((a, b) => b.length - a.length)
			.reduce((redacted, secret) => (secret ? redacted.split(secret).join('***') : redacted), text);
	}

	/** Throws the stored refusal that this call would meet again. */
	private throwIfRefused(name: string): void {
		const { refusedToken, refusedCalls } = this.session;
		const known = refusedToken ?? refusedCalls.get(name);
		if (known) throw copyOf(known);
	}

	/** Waits; rejects immediately when the execution is stopped. */
	async delay(ms: number): Promise<void> {
		try {
			await abortableSleep(ms, this.run.signal);
		} catch (error) {
			throw this.stopped(error);
		}
	}

	private stopped(reason: unknown): NodeOperationError {
		return new NodeOperationError(this.context.getNode(), asError(reason), { message: 'The execution was stopped' });
	}

	/**
	 * One call to Hubble, retried as `retry.ts` allows, within the limits of `rateLimiter.ts`. Does not send what would
	 * fail again: any call after a 401, unless there is a new token; the same call after a 403 about a scope; and any
	 * call after several in a row without an answer.
	 * @throws NodeApiError that says what happened and what to do, NodeOperationError for a reply that is not Hubble's
	 */
	async send(call: Call): Promise<Reply> {
		const { method, isRepeatable, isBatch } = call.endpoint;
		const name = callName(call.endpoint);
		const { unanswered } = this.run.outage;
		if (unanswered.length >= MOST_UNANSWERED) throw notSent(unanswered);
		const begunAt = performance.now();
		let mayHaveHappened = false;
		let isRenewed = false;
		this.throwIfRefused(name);
		await this.loggedIn(this.session.open?.());
		for (let tries = 1; ; tries++) {
			await this.acquireSlot(name);
			const known = this.session.secrets.length;
			const attempt = await this.attempt(call, name);
			const { status } = attempt;
			const isDone = status !== undefined && isSuccess(status) && !attempt.problem;
			// If the reply to a deletion was lost, Hubble's 404 on the next try shows that it succeeded; not so for a batch.
			const whenGone = call.whenGone ?? (method === 'DELETE' && !isBatch ? attempt.body : undefined);
			if (isAnswer(status)) unanswered.length = 0;
			if (isDone) this.checkReply(call, attempt);
			if (isDone) return attempt;
			if (status === 404 && mayHaveHappened && whenGone && this.isHubbles(attempt))
				return { ...attempt, body: whenGone };
			// A request with a 401 was not carried out (RFC 9110, 15.5.2), so any may be sent again with a new token, once.
			isRenewed = status === 401 && !isRenewed && (await this.isRenewed(known));
			// A success that cannot be read is unclear, too.
			const isUnclear = status === undefined || status >= 500 || attempt.problem !== undefined;
			mayHaveHappened ||= isUnclear && wasSent(attempt);
			const waitMs = isRenewed ? 0 : retryDelay(tries, isRepeatable ? 'GET' : method, attempt, Math.random());
			if (waitMs === undefined || this.isStopped || waitMs > this.timeLeft()) {
				// What may have changed something says so.
				if (this.isStopped && status === undefined && !(mayHaveHappened && method !== 'GET'))
					throw this.stopped(this.run.signal?.reason);
				const failure = this.failureOf(call, attempt, mayHaveHappened, tries);
				const error = hubbleError(this.context.getNode(), failure);
				// Calls that were in flight together failed by the same outage.
				const isQuick = tries === 1 && status !== undefined && status !== 429 && attempt.ms < QUICK_MS;
				this.remember(call, failure, copyOf(error), !isQuick && begunAt >= this.run.outage.failedAt);
				throw error;
			}
			await (status === 429 ? this.waitForLimit(waitMs) : this.delay(waitMs));
		}
	}

	/** Stores a failure that later calls would meet as well. */
	private remember(
		{ endpoint, body = {} }: Call,
		{ status, said }: Failure,
		error: NodeApiError,
		isCounted: boolean,
	): void {
		const { session, run } = this;
		if (status === 401) session.refusedToken = error;
		// Where the item itself names scopes, those of another item may be allowed.
		const isOfItem = 'scopes' in body || 'set_scopes' in body;
		if (status === 403 && !isOfItem && /\bscopes?\b/i.test(said ?? ''))
			session.refusedCalls.set(callName(endpoint), error);
		if (!isCounted || isAnswer(status)) return;
		run.outage.unanswered.push(error);
		run.outage.failedAt = performance.now();
	}

	/** Milliseconds until the run must be over. */
	private timeLeft(): number {
		return (this.run.deadline ?? Infinity) - performance.now();
	}

	/**
	 * Waits for a login, in which other runs share, and which therefore goes on by itself: only until this run is stopped or
	 * must be over.
	 */
	private async loggedIn(login: Promise<void> | undefined): Promise<void> {
		if (!login) return;
		const left = this.timeLeft();
		const late = left < Infinity ? AbortSignal.timeout(Math.max(0, Math.ceil(left))) : undefined;
		const ends = AbortSignal.any([this.run.signal, late].filter((given) => given !== undefined));
		const waiting = new AbortController();
		const over = new Promise<never>((_, reject) => {
			const lateError = () => new NodeOperationError(this.context.getNode(), 'Timed out waiting to sign in to Hubble');
			const end = () => reject(this.isStopped ? this.stopped(ends.reason) : lateError());
			if (ends.aborted) end();
			ends.addEventListener('abort', end, { signal: waiting.signal });
		});
		try {
			await Promise.race([login, over]);
		} catch (error) {
			if (isNodeError(error)) error.context.isOfLogin = true;
			throw asError(error);
		} finally {
			waiting.abort();
		}
	}

	/** Waits for the rate limit, and counts how long. */
	private async waitForLimit(ms: number): Promise<void> {
		const { traffic } = this.run;
		if (traffic.waiting === 0) traffic.waitingSince = performance.now();
		traffic.waiting += 1;
		try {
			await this.delay(ms);
		} finally {
			traffic.waiting -= 1;
			if (traffic.waiting === 0) traffic.waitedMs += performance.now() - traffic.waitingSince;
		}
	}

	/** Waits for a slot in the rate limit, in turn with other callers, and takes it. */
	private async acquireSlot(name: string): Promise<void> {
		const { rateLimiter, perSecond } = this.service;
		const { isUrgent, signal, poller } = this.run;
		const waiters = waitersOf(rateLimiter, name);
		const waiter = { turnAt: poller?.turnAt, perSecond };
		waiters.add(waiter);
		try {
			for (;;) {
				// Another call may have met it meanwhile.
				this.throwIfRefused(name);
				if (signal?.aborted) throw this.stopped(signal.reason);
				// One that goes slower may be next in turn: until it has started, nobody can.
				rateLimiter.perSecond = Math.min(...Array.from(waiters, (each) => each.perSecond ?? Infinity));
				const wait = slotWait(rateLimiter, name, performance.now(), { waiter, isUrgent });
				if (wait >= this.timeLeft()) throw new NoPlaceInTime(this.context.getNode());
				if (wait === 0) {
					const now = performance.now();
					recordStart(rateLimiter, name, now, waiter);
					if (poller) poller.turnAt = now;
					return;
				}
				await this.waitForLimit(Math.ceil(wait));
			}
		} finally {
			waiters.delete(waiter);
		}
	}

	private async attempt(call: Call, name: string): Promise<Attempt> {
		const { baseUrl, organizationId, prefixes, clock, rateLimiter } = this.service;
		const values: Record<string, string> = { ...call.ids, org_id: organizationId };
		const filled = call.endpoint.path.replace(/\{(\w+)\}/g, (_, name: string) =>
			encodeURIComponent(values[name] ?? ''),
		);
		const url = baseUrl + filled.replace(/^\/(v[12])/, (_, version: 'v1' | 'v2') => prefixes[version]);
		const redact = (text: string) => this.redact(text);
		this.run.traffic.requests += 1;
		const { fetch } = this.session;
		const attempt = await sendOnce(call, { url, fetch, redact, clock, timeLeft: this.timeLeft() });
		const now = performance.now();
		recordResponse(rateLimiter, name, limitsIn(attempt, clock), now, Math.random());
		if ('failure' in attempt) throw asError(attempt.failure);
		return attempt;
	}

	private checkReply(call: Call, { body, requestId }: Reply): void {
		const lack = lackOf(call, body);
		if (!lack) return;
		const { check, baseUrl } = this.service;
		throw unexpectedResponse(this.context.getNode(), lack, baseUrl, requestId, call.endpoint.method, check);
	}

	/** After a 401: whether there is a token beyond the `known` ones to continue with. */
	private async isRenewed(known: number): Promise<boolean> {
		const { secrets, renew } = this.session;
		// Another call may have found it meanwhile.
		if (secrets.length === known) await this.loggedIn(renew?.());
		return secrets.length > known;
	}

	/** Whether a reply has the service's error format; otherwise something in between answered, such as a proxy. */
	private isHubbles({ body }: Attempt): boolean {
		return hasErrorFormat(body) || (this.service.explain !== undefined && 'code' in body);
	}

	private failureOf({ endpoint, ids = {} }: Call, attempt: Attempt, mayHaveHappened: boolean, tries: number): Failure {
		const { baseUrl, organizationId, explain } = this.service;
		const { isTrial } = this.session;
		const { body } = attempt;
		// `description` in Hubble's errors, other fields in those of proxies.
		const words = body.description ?? body.message ?? body.name;
		const said = typeof words === 'string' ? this.redact(words) : undefined;
		const code = errorCodeIn(body);
		const errorCode = code && this.redact(code);
		const isHubbles = this.isHubbles(attempt);
		const about = { ids, said, errorCode, isHubbles, mayHaveHappened, tries };
		return { ...endpoint, ...attempt, ...about, baseUrl, organizationId, explain, isTrial };
	}
}

/** Sends with the node's credential, read once: otherwise n8n reads and decrypts it for each request. */
function credentialSession(
	context: Context,
	data: ICredentialDataDecryptedObject,
	settings: CredentialSettings,
): Session {
	const decrypted: ICredentialsDecrypted = { id: '', name: '', type: 'hubbleApi', data };
	const secrets = [settings.token];
	return {
		...sessionOf(context, secrets),
		fetch: async (options) => {
			const request = context.helpers.httpRequestWithAuthentication;
			return await request.call(context, 'hubbleApi', options, { credentialsDecrypted: decrypted });
		},
		renew: async () => {
			// If it cannot be read, the refusal is what gets reported.
			const newer = await credentialOf(context, 'hubbleApi', settingsOf).catch(() => undefined);
			if (!newer) return;
			const { baseUrl, organizationId, token } = newer.settings;
			// The run keeps its address, and a token is sent only where its credential says.
			if (baseUrl !== settings.baseUrl || organizationId !== settings.organizationId || secrets.includes(token)) return;
			secrets.push(token);
			decrypted.data = newer.data;
		},
	};
}

/** Reads the credential of the node. Throws when it cannot be used. */
export async function credentialOf<S>(
	context: Context,
	type: string,
	settingsIn: (data: ICredentialDataDecryptedObject) => S,
): Promise<{ data: ICredentialDataDecryptedObject; settings: S }> {
	const data = await context.getCredentials(type);
	try {
		return { data, settings: settingsIn(data) };
	} catch (error) {
		throw new NodeOperationError(context.getNode(), asError(error), {
			description: 'Open the credential, correct the field, and test it there. Nothing was sent.',
		});
	}
}

/** The rate limiter of each organization at its host: the limit counts per organization, whoever calls. */
const rateLimiters = new Map<string, RateLimiter>();

/** What all callers of an organization in this process share. */
export function sharedBy({ baseUrl, organizationId }: Pick<Service, 'baseUrl' | 'organizationId'>) {
	const { host } = new URL(baseUrl);
	const rateLimiter = rateLimiterOf(rateLimiters, `${host} ${organizationId}`, performance.now());
	return { rateLimiter, clock: clockOf(host) };
}

/** How long a run may take, where it is not an execution. */
type Limits = Pick<Run, 'deadline' | 'isUrgent' | 'poller'>;

/** How long a dialog waits for its list: beyond that, people take it for broken. */
const DIALOG_MS = 20_000;

/** A run that has sent nothing yet. */
export const newRun = (context: Context, limits?: Limits): Run => ({
	context,
	signal: stopSignalOf(context),
	// What a dialog of n8n's editor searches, nobody can stop.
	deadline: 'getCurrentNodeParameter' in context ? performance.now() + DIALOG_MS : undefined,
	traffic: { requests: 0, waiting: 0, waitingSince: 0, waitedMs: 0 },
	outage: newOutage(),
	...limits,
});

/** Hubble behind the credential of the node. Nothing is sent yet. Throws when the credential cannot be used. */
export async function connect(context: Context, limits?: Limits): Promise<HubbleClient> {
	const { data, settings } = await credentialOf(context, 'hubbleApi', settingsOf);
	const { baseUrl, organizationId, perSecond, prefixes } = settings;
	return new HubbleClient(
		{ baseUrl, organizationId, prefixes, perSecond, ...sharedBy(settings) },
		newRun(context, limits),
		credentialSession(context, data, settings),
	);
}
