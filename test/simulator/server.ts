/* eslint-disable @n8n/community-nodes/no-restricted-imports -- timers */
import Ajv, { type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import fastify, { type FastifyError, type FastifyReply, type FastifyRequest } from 'fastify';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { answers, Refusal, type AnswerOptions, type Reply } from './answers';
import { closed, pathsOf, servedCalls as calls, type Call, type CallName, type Schema } from '../../tools/contract';
import { createDelivery, partnerEvents, type DeliveryOptions } from './delivery';
import type { Packet } from './packets';
import { allScopes, createWorld, type Organization, type World } from './world';

/**
 * Hubble on localhost: every call of the contract, strict, with Hubble's limits and with faults on request.
 *
 * A request is judged in this order: fault, token (401), path (400), organization (404 unknown, 403 another one's),
 * limits (429), scope (403), query and body (400), then whatever the call itself finds (400, 404).
 */
export interface SimulatorOptions extends AnswerOptions {
	/** 0: any free port. */
	port: number;
	devices: number;
	/** Packets in the history. */
	packets: number;
	/** Length of the history in days, ending when the simulator starts. */
	days: number;
	/** The same seed gives the same devices, ids, secrets and tokens; packets keep their distance from the start. */
	seed: number;
	/** Every reply is held back so long, in ms. */
	latencyMs: number;
	/** Requests a second, by call and by organization (leaky buckets as deep as a second); false: none. */
	limits: { endpoint: number; organization: number } | false;
	/** X-RateLimit-Limit, -Remaining and -Reset on every reply to a request with a good token. */
	rateHeaders: boolean;
	/** See `PacketOptions`. */
	burstAt?: number;
	byDay?: boolean;
	/** How far the time that a packet tells may be from its receipt, to either side: Hubble orders by receipt. */
	clockSkewMs: number;
	delivery: DeliveryOptions;
	/** How long ago, in ms, devices sent their only packet; one device for each. */
	silentFor?: readonly number[];
	/** Hubble's clock in ms, of all times and of the `Date` of replies; this process may have another (limits and the log keep their own). */
	now: () => number;
}

export const defaults: SimulatorOptions = {
	port: 0,
	devices: 100,
	packets: 5000,
	days: 7,
	seed: 1,
	latencyMs: 0,
	limits: { endpoint: 3, organization: 15 },
	rateHeaders: false,
	clockSkewMs: 0,
	batchReply: 'definition',
	headToken: 'empty',
	headRetryAfter: 30,
	delivery: { timeScale: 1, timeoutMs: 10_000, parallel: 4, proxied: false },
	now: Date.now,
};

export interface LogEntry {
	/** Undefined: no call has this method and path. */
	call?: CallName;
	method: string;
	/** Path as it was asked for, without the query. */
	path: string;
	/** As it was sent: text, or a list of texts when a name came more than once. */
	query: unknown;
	/** Undefined when there was none, or when the log holds enough bodies already. */
	body?: unknown;
	/** Of the request's body. */
	bodyBytes: number;
	/** The continuation token that came with the request. */
	token?: string;
	/** 0: the connection was dropped. */
	status: number;
	requestId: string;
	/** Unix ms with fractions, off a clock that never steps; `endedAt` when the reply was handed over. */
	startedAt: number;
	endedAt: number;
}

/** Something that goes wrong, for so many requests; those that match a fault are counted by it. */
export interface Fault {
	/** The call, by name or by method and path of the definition; none: every call. */
	call?: CallName;
	method?: string;
	path?: string;
	/** Answer with this status in Hubble's error shape. */
	status?: number;
	/** Answer 200 with this text instead of the real reply. */
	body?: string;
	/** Close the connection without a reply. */
	drop?: boolean;
	/** Send so many bytes of the real reply, announce all of them, and close the connection. */
	cutBody?: number;
	/** Wait so long first, in ms. */
	delayMs?: number;
	/** `status` and `drop`: the call takes effect all the same, only its reply is lost. */
	applied?: boolean;
	/** Further reply headers, such as Retry-After. */
	headers?: Record<string, string>;
	/** How many requests it hits; 1 when left out. */
	times?: number;
	/** How many matching requests pass first. */
	skip?: number;
}

const errorNames: Record<number, string> = {
	400: 'Bad Request',
	401: 'Unauthorized',
	403: 'Forbidden',
	404: 'Not Found',
	429: 'Too Many Requests',
};
const refusal = (status: number, description: string): Reply => ({
	status,
	body: { code: status, name: errorNames[status] ?? 'Internal Server Error', description },
});

// Strictness

const ajv = new Ajv({
	allErrors: true,
	useDefaults: false,
	strict: true,
	strictRequired: false,
	strictTypes: false,
});
addFormats(ajv);
ajv.addFormat('uuid', /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i);

/** A check for values of that schema, shut against everything that it does not list. */
export const validator = (schema: Schema): ValidateFunction => ajv.compile(closed(schema));

/** What parts of calls must be; each is compiled when it is needed first. */
const checks = new Map<object, ValidateFunction>();
function checkOf(part: object, schema: Schema): ValidateFunction {
	const check = checks.get(part) ?? validator(schema);
	checks.set(part, check);
	return check;
}

const NO_PARAMETERS = {};
const parametersCheck = (schemas: Readonly<Record<string, Schema>> = NO_PARAMETERS) =>
	checkOf(schemas, { type: 'object', properties: schemas });

/** What the text of a parameter stands for; text that is not of the type stays text and fails the check. */
function typed(schema: Schema | undefined, value: unknown): unknown {
	if (schema?.type === 'array') return Array.isArray(value) ? value : [value];
	if (typeof value !== 'string') return value;
	if (schema?.type === 'integer' && /^-?\d{1,15}$/.test(value)) return Number(value);
	if (schema?.type === 'boolean' && /^(true|false)$/.test(value)) return value === 'true';
	return value;
}

function typedQuery(schemas: Readonly<Record<string, Schema>> = {}, query: unknown): Record<string, unknown> {
	const defaults = Object.entries(schemas).flatMap(([name, { default: value }]) =>
		value === undefined ? [] : [[name, value] as const],
	);
	const given = Object.entries(query as object).map(([name, value]) => [name, typed(schemas[name], value)] as const);
	return Object.fromEntries([...defaults, ...given]);
}

function explain(where: string, errors: ErrorObject[] | null | undefined): string {
	const words = (errors ?? [])
		.filter(({ keyword }) => keyword !== 'if')
		.map(({ instancePath, message, params }) => {
			const extra = params.additionalProperty ?? params.propertyName;
			return `${where}${instancePath} ${message}${extra === undefined ? '' : ` (${extra})`}`;
		});
	return `${words.slice(0, 5).join('; ')}.`;
}

function parsed(raw: Buffer): unknown {
	try {
		return JSON.parse(raw.toString());
	} catch {
		return undefined;
	}
}

function readBody(call: Call, raw: Buffer | undefined, type = ''): unknown {
	const body = raw?.toString().trim() ? parsed(raw) : undefined;
	if (raw?.length && body === undefined) throw new Refusal(400, 'The body is not JSON.');
	if (raw?.length && !/^application\/json\b/i.test(type)) {
		throw new Refusal(400, 'Content-Type must be application/json.');
	}
	if (!call.body) {
		if (body === undefined || JSON.stringify(body) === '{}') return undefined;
		throw new Refusal(400, 'This call takes no body.');
	}
	if (body === undefined && call.bodyOptional) return undefined;
	const check = checkOf(call.body, call.body);
	if (!check(body)) throw new Refusal(400, explain('body', check.errors));
	return body;
}

// Limits

/** A bucket that leaks so many drops a second and holds as many; a full bucket refuses. */
function leakyBucket(rate: number) {
	let level = 0;
	let seen = performance.now();
	const settle = () => {
		const now = performance.now();
		level = Math.max(0, level - ((now - seen) / 1000) * rate);
		seen = now;
		return level;
	};
	return {
		/** Seconds until one more request fits; 0: now. */
		wait: () => Math.max(0, (settle() + 1 - rate) / rate),
		add: () => (level += 1),
		remaining: () => Math.max(0, Math.floor(rate - settle())),
		/** Seconds until the bucket is empty. */
		reset: () => settle() / rate,
	};
}

type Bucket = ReturnType<typeof leakyBucket>;

export type Simulator = Awaited<ReturnType<typeof startSimulator>>;

/** The caller's id of the request, or a new one. */
const requestId = (request: FastifyRequest) => String(request.headers['x-request-id'] || randomUUID());
const clock = () => performance.timeOrigin + performance.now();
const keptBodies = 32 * 1024 * 1024;
const keptEntries = 100_000;

/** Starts Hubble on 127.0.0.1 and resolves once it listens. */
export async function startSimulator(
	given: Partial<Omit<SimulatorOptions, 'delivery'>> & { delivery?: Partial<DeliveryOptions> } = {},
) {
	const options: SimulatorOptions = {
		...defaults,
		...given,
		delivery: { ...defaults.delivery, ...given.delivery },
	};
	const world = createWorld(options);
	const delivery = createDelivery(world, options.delivery);
	const main = world.createKey(world.main, { name: 'Simulator' });

	let log: LogEntry[] = [];
	let bodyBytes = 0;
	let count429 = 0;
	let faults: Array<Fault & { calls: readonly string[]; times: number; skip: number }> = [];
	const buckets = new Map<string, Bucket>();

	function addFault(fault: Fault): void {
		const matching = calls.filter(
			(call) =>
				(fault.call ?? call.name) === call.name &&
				(fault.method ?? call.method) === call.method &&
				(fault.path ?? call.path) === call.path,
		);
		if (matching.length === 0) throw new Error('No call of the contract matches this fault.');
		faults.push({ times: 1, skip: 0, ...fault, calls: matching.map(({ name }) => name) });
	}

	/** The first fault that this request hits, counted. */
	function faultFor(call: Call): Fault | undefined {
		return faults.find((fault) => {
			if (!fault.calls.includes(call.name) || fault.times === 0) return false;
			if (fault.skip > 0) {
				fault.skip--;
				return false;
			}
			fault.times--;
			return true;
		});
	}

	/** The organization whose valid token came with the request. */
	function authorize(call: Call, request: FastifyRequest) {
		const [, token = ''] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
		const found = world.tokens.get(token);
		const alive =
			found?.organization.keys.has(found.key.key_id) &&
			(found.key.expires_at_seconds === 0 || found.key.expires_at_seconds > world.seconds());
		if (!found || !alive) throw new Refusal(401, 'The API token is missing, unknown, expired or deleted.');
		const check = parametersCheck(call.params);
		if (!check(request.params)) throw new Refusal(400, explain('path', check.errors));
		const { org_id: id = '' } = request.params as Record<string, string>;
		const asked = world.organizations.get(id);
		if (!asked) throw new Refusal(404, `Organization ${id} was not found.`);
		if (asked !== found.organization) throw new Refusal(403, 'The token belongs to another organization.');
		return { organization: asked, granted: found.key.scopes as readonly string[] };
	}

	/** Takes one request out of both limits, or refuses it and takes nothing. */
	function limit(call: Call, organization: Organization, headers: Record<string, string>): void {
		if (!options.limits) return;
		const bucket = (name: string, rate: number) => {
			const found = buckets.get(name) ?? leakyBucket(rate);
			buckets.set(name, found);
			return found;
		};
		const id = organization.metadata.org_id;
		const both = [bucket(`${id} ${call.name}`, options.limits.endpoint), bucket(id, options.limits.organization)];
		const wait = Math.max(...both.map((each) => each.wait()));
		if (wait === 0) for (const each of both) each.add();
		if (options.rateHeaders) {
			headers['X-RateLimit-Limit'] = String(options.limits.endpoint);
			headers['X-RateLimit-Remaining'] = String(Math.min(...both.map((each) => each.remaining())));
			const reset = Math.max(...both.map((each) => each.reset()));
			headers['X-RateLimit-Reset'] = String(Math.ceil(world.now() / 1000 + reset));
		}
		if (wait === 0) return;
		headers['Retry-After'] = String(Math.max(1, Math.ceil(wait)));
		throw new Refusal(429, 'Too many requests.');
	}

	/** Everything between a request and its reply but faults and the wire. */
	async function answer(call: Call, request: FastifyRequest, entry: LogEntry): Promise<Reply> {
		const headers: Record<string, string> = {};
		try {
			const { organization, granted } = authorize(call, request);
			limit(call, organization, headers);
			if (call.scope && !granted.includes(call.scope)) {
				throw new Refusal(403, `The token lacks the scope ${call.scope}.`);
			}
			const query = typedQuery(call.query, request.query);
			const check = parametersCheck(call.query);
			if (!check(query)) throw new Refusal(400, explain('query', check.errors));
			const body = readBody(call, request.body as Buffer | undefined, request.headers['content-type']);
			const reply = await answers[call.name as CallName]({
				world,
				options,
				organization,
				params: request.params as Record<string, string>,
				query,
				body,
				token: call.headers?.['Continuation-Token'] && entry.token,
				tryWebhook: delivery.test,
			});
			return { ...reply, headers: { ...headers, ...reply.headers } };
		} catch (error) {
			const { status, message } = error instanceof Refusal ? error : new Refusal(500, String(error));
			return { ...refusal(status, message), headers };
		}
	}

	function record(entry: LogEntry, raw: Buffer | undefined): void {
		if (log.length >= keptEntries) log = log.slice(keptEntries / 10);
		if (raw?.length && bodyBytes + raw.length <= keptBodies) {
			bodyBytes += raw.length;
			entry.body = parsed(raw) ?? raw.toString();
		}
		log.push(entry);
	}

	function send(reply: FastifyReply, { status = 200, headers, body, type }: Reply, cut?: number): void {
		const sent = Buffer.isBuffer(body)
			? body
			: Buffer.from(typeof body === 'object' ? JSON.stringify(body) : (body ?? ''));
		reply.code(status).headers({ date: new Date(world.now()).toUTCString(), ...headers });
		if (status !== 204) reply.type(type ?? 'application/json; charset=utf-8');
		if (cut === undefined) {
			void reply.send(sent);
			return;
		}
		reply.hijack();
		reply.raw.writeHead(status, {
			...(reply.getHeaders() as Record<string, string>),
			'content-length': sent.length,
		});
		reply.raw.write(sent.subarray(0, cut), () => reply.raw.destroy());
	}

	async function handle(call: Call | undefined, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
		const raw = request.body as Buffer | undefined;
		const token = request.headers['continuation-token'];
		const entry: LogEntry = {
			call: call?.name as CallName | undefined,
			method: request.method,
			path: request.url.split('?')[0] as string,
			query: request.query,
			bodyBytes: raw?.length ?? 0,
			...(typeof token === 'string' && token !== '' && { token }),
			status: 0,
			requestId: requestId(request),
			startedAt: clock(),
			endedAt: 0,
		};
		record(entry, raw);
		void reply.header('X-Request-ID', entry.requestId);
		const fault = call && faultFor(call);
		const loses = fault?.drop || fault?.status !== undefined || fault?.body !== undefined;
		// The limits count a request when it comes, so it is judged before it is held back.
		let result: Reply | undefined;
		if (!call) result = refusal(404, 'There is no such endpoint.');
		else if (!loses || fault?.applied) result = await answer(call, request, entry);
		const delay = options.latencyMs + (fault?.delayMs ?? 0);
		if (delay > 0) await sleep(delay, undefined, { ref: false });
		entry.endedAt = clock();
		if (fault?.drop) {
			reply.hijack();
			reply.raw.destroy();
			return reply;
		}
		if (fault?.status !== undefined) result = refusal(fault.status, 'An unknown error has occurred.');
		if (fault?.body !== undefined)
			result = { body: fault.body, type: /^[{[]/.test(fault.body) ? undefined : 'text/html' };
		const final: Reply = { ...result, headers: { ...result?.headers, ...fault?.headers } };
		entry.status = final.status ?? 200;
		if (entry.status === 429) count429++;
		if (entry.call) world.tally('api', entry.status < 400);
		send(reply, final, fault?.cutBody);
		return reply;
	}

	// What Fastify itself refuses: a malformed address, a body beyond the limit.
	const refuse = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
		void reply.header('X-Request-ID', requestId(request));
		send(reply, refusal(error.statusCode ?? 500, error.message));
	};
	const app = fastify({
		bodyLimit: 32 * 1024 * 1024,
		exposeHeadRoutes: false,
		forceCloseConnections: true,
		frameworkErrors: refuse,
		routerOptions: { maxParamLength: 500 },
	});
	app.setErrorHandler(refuse);
	app.setNotFoundHandler((request, reply) => handle(undefined, request, reply));
	// Bodies are read by us, because Fastify's own reader would answer in its own words.
	app.removeAllContentTypeParsers();
	app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
	for (const call of calls) {
		for (const path of pathsOf(call.path)) {
			const url = path.replace(/\{(\w+)\}/g, ':$1');
			app.route({ method: call.method, url, handler: (request, reply) => handle(call, request, reply) });
		}
	}

	const simulator = {
		/** `http://127.0.0.1:port` */
		url: '',
		organizationId: world.main.metadata.org_id,
		/** A token with all scopes. */
		token: main.token,
		/** The truth: every organization's devices, users, webhooks and so on, and the packets. */
		world: world as World,
		/** A token with those scopes (all when left out), of the main organization or another one. */
		createToken(wanted: readonly string[] = allScopes, { organizationId }: { organizationId?: string } = {}): string {
			const of = organizationId === undefined ? world.main : world.organizations.get(organizationId);
			if (!of) throw new Error(`There is no organization ${organizationId}.`);
			return world.createKey(of, { name: 'Test', scopes: wanted }).token;
		},
		/** Requests in the order in which they came; the control calls are not in it. */
		get log(): readonly LogEntry[] {
			return log;
		},
		/** Empties the log and the count of 429s. */
		clearLog(): void {
			log = [];
			bodyBytes = 0;
			count429 = 0;
		},
		get count429(): number {
			return count429;
		},
		/** Lets something go wrong; throws when no call matches. */
		addFault,
		clearFaults(): void {
			faults = [];
		},
		/** Changes latency, limits and reply shapes of the running simulator. */
		set(
			changed: Partial<
				Omit<SimulatorOptions, 'port' | 'devices' | 'packets' | 'days' | 'seed' | 'clockSkewMs' | 'now' | 'delivery'>
			>,
		): void {
			Object.assign(options, changed);
			buckets.clear();
		},
		/** Adds live packets to the stream and delivers them to the registered webhooks; the range of indices. */
		addPackets(added: number | readonly Packet[]): { from: number; to: number } {
			const range = world.addPackets(added);
			delivery.send(range);
			return range;
		},
		/** Delivers a range of the stream (again). */
		deliver: delivery.send,
		/** Every try to deliver a batch. */
		deliveries: delivery.log,
		/** Resolves when no delivery is under way, waiting or to be tried again. */
		settled: delivery.settled,
		/** Posts a signed gift-card event; resolves with the receiver's status, its answer and the signature. */
		sendPartnerEvent: delivery.sendPartnerEvent,
		async close(): Promise<void> {
			delivery.close();
			await app.close();
		},
	};

	/** The same controls over HTTP, for people at a terminal: method, path, what it does, how. */
	type Control = (body: never, query: Record<string, string>) => unknown;
	const controls: Array<readonly ['GET' | 'POST' | 'DELETE', string, string, Control]> = [
		['GET', '/_simulator', 'This list.', () => controls.map(([method, path, does]) => ({ method, path, does }))],
		[
			'GET',
			'/_simulator/state',
			'What is true: ids, counts, webhooks.',
			() => ({
				organizationId: simulator.organizationId,
				sandboxOrganizationId: world.sandbox.metadata.org_id,
				devices: world.main.devices.size,
				packets: world.main.packets.length,
				users: world.main.users.size,
				invitations: world.main.invitations.size,
				keys: world.main.keys.size,
				webhooks: [...world.main.webhooks.values()],
				requests: log.length,
				count429,
				deliveries: delivery.log.length,
			}),
		],
		[
			'GET',
			'/_simulator/log',
			'Requests so far, of one call with ?call=listDevices, from the n-th on with ?from=n.',
			(_, query) => log.slice(Number(query.from ?? 0)).filter(({ call }) => (query.call ?? call) === call),
		],
		['DELETE', '/_simulator/log', 'Empties the log.', () => simulator.clearLog()],
		['GET', '/_simulator/deliveries', 'Tries to deliver packets to webhooks.', () => delivery.log],
		[
			'POST',
			'/_simulator/faults',
			'Lets requests fail: {call | method + path, status | drop | cutBody | delayMs, applied, headers, times, skip}.',
			(fault: Fault) => addFault(fault),
		],
		['DELETE', '/_simulator/faults', 'Ends all faults.', () => simulator.clearFaults()],
		[
			'POST',
			'/_simulator/packets',
			'New packets, delivered to the webhooks: {count} or {packets: […]}.',
			({ count, packets }: { count?: number; packets?: Packet[] }) => simulator.addPackets(packets ?? count ?? 1),
		],
		[
			'POST',
			'/_simulator/partner-events',
			'Posts a signed gift-card event: {url, secret, event}; event is an object, text to be sent as it stands, ' +
				`or {"example": "${Object.keys(partnerEvents).join('" | "')}"}.`,
			({ url, secret, event }: { url: string; secret: string; event: object | string }) => {
				const example = (event as { example?: keyof typeof partnerEvents }).example;
				return simulator.sendPartnerEvent(url, secret, example ? partnerEvents[example] : event);
			},
		],
		[
			'POST',
			'/_simulator/tokens',
			'A token: {scopes, organizationId}; all scopes of the main organization when left out.',
			({ scopes, organizationId }: { scopes?: string[]; organizationId?: string }) => ({
				token: simulator.createToken(scopes, { organizationId }),
			}),
		],
	];
	for (const [method, url, , run] of controls) {
		app.route({
			method,
			url,
			handler: async (request, reply) => {
				const text = (request.body as Buffer | undefined)?.toString() || '{}';
				try {
					const result = await run(JSON.parse(text) as never, request.query as Record<string, string>);
					send(reply, { body: (result as object | undefined) ?? {} });
				} catch (error) {
					send(reply, refusal(400, error instanceof Error ? error.message : String(error)));
				}
				return reply;
			},
		});
	}

	await app.listen({ host: '127.0.0.1', port: options.port });
	simulator.url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
	return simulator;
}
