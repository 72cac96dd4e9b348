/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- a server that breaks */
/**
 * Every operation against everything that can go wrong on the way: the outcome is right, or it is one clear error;
 * nothing is doubled, a write that is not idempotent is sent once after an ambiguous failure, and the token stays with
 * the host of the credential. One cell is one test. With FAULT_MATRIX=file the outcome of each cell goes there, a line
 * each: `npm run test:faults`.
 */
import { writeFileSync } from 'node:fs';
import {
	ClientRequest,
	createServer,
	request as httpRequest,
	type IncomingHttpHeaders,
	type IncomingMessage,
	type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { IDataObject, INodeType } from 'n8n-workflow';
import type { Endpoint } from '../../nodes/shared/client/endpoints';
import { endpoints } from '../../nodes/shared/client/endpoints';
import { nodes } from '../nodes';
import { samples } from '../samples';
import { pathsOf, callNamed } from '../simulator/contract';
import { startSimulator, type Simulator } from '../simulator/server';
import { credentialFor, execute, serverThat, type Outcome } from './harness';

/** Waits take no time: the clock is put forward instead. A cell may do something while it waits. */
const mockClock = { ahead: 0, whileWaiting: async () => {} };
jest.mock('../../nodes/shared/n8n', () => ({
	...jest.requireActual<object>('../../nodes/shared/n8n'),
	abortableSleep: async (ms: number) => {
		mockClock.ahead += ms;
		await mockClock.whileWaiting();
	},
}));

/** A reply as the wire has it. */
interface Wire {
	status: number;
	headers: IncomingHttpHeaders;
	body: Buffer;
}

/** What becomes of a request to the faulty call. `real` is Hubble's own reply, for which Hubble carries the call out. */
type Fault = (response: ServerResponse, real: () => Promise<Wire>) => Promise<void> | void;

const AGAIN = 'again';
const JSON_TYPE = 'application/json';
const HTML = '<!doctype html><html><title>Gateway</title></html>';
const WHEN_BUSY = { code: 429, name: 'Too Many Requests', description: 'Too many requests.' };
const answer =
	(status: number, body: unknown, headers: IDataObject = {}): Fault =>
	(response) => {
		const text = typeof body === 'string' ? body : JSON.stringify(body);
		response.writeHead(status, { 'content-type': JSON_TYPE, ...headers } as never).end(text);
	};
const without = (headers: IncomingHttpHeaders, ...names: string[]): IncomingHttpHeaders =>
	Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
/** Hubble's reply, changed. */
const changed =
	(change: (wire: Wire) => Partial<Wire>): Fault =>
	async (response, real) => {
		const wire = await real();
		const { status, headers, body } = { ...wire, ...change(wire) };
		response.writeHead(status, { ...without(headers, 'content-length'), 'content-length': body.length }).end(body);
	};
/** The call is carried out, and its reply is lost. */
const lost =
	(fault: Fault): Fault =>
	async (response, real) => {
		await real();
		await fault(response, real);
	};
const asJson = ({ body }: Wire) => JSON.parse(body.toString() || '{}') as IDataObject;
const withLists = (wire: Wire, change: (list: unknown[]) => unknown[]): Partial<Wire> => {
	if (!String(wire.headers['content-type']).includes('json')) return {};
	const entries = Object.entries(asJson(wire)).map(([name, value]) => [
		name,
		Array.isArray(value) ? change(value) : value,
	]);
	return { body: Buffer.from(JSON.stringify(Object.fromEntries(entries))) };
};
let copies = 0;
const another = (row: unknown): unknown =>
	JSON.parse(
		JSON.stringify(row ?? null).replace(
			/"[0-9a-f]{8}(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-)[0-9a-f]{12}"/g,
			(_, middle: string) => `"${(++copies).toString(16).padStart(8, '0')}${middle}000000000000"`,
		),
	);
const cut = (wire: Wire, response: ServerResponse, bytes: number) => {
	response.writeHead(wire.status, { 'content-type': JSON_TYPE, 'content-length': wire.body.length || 20 });
	response.write(wire.body.subarray(0, bytes), () => response.destroy());
};

/** The last request that the nodes' side sent to an address. */
const waiting = new Map<string, ClientRequest>();

/**
 * `refused`: Hubble did not take the request. `unclear`: nobody knows whether it did. `foreign`: a success that is not
 * Hubble's. `odd`: Hubble's reply, not quite as it should be.
 */
type Kind = 'refused' | 'unclear' | 'foreign' | 'odd';

const FAULTS: ReadonlyArray<[name: string, kind: Kind, fault: Fault]> = [
	['429 with seconds', 'refused', answer(429, WHEN_BUSY, { 'retry-after': '2' })],
	[
		'429 with a date',
		'refused',
		(response, real) =>
			answer(429, WHEN_BUSY, { 'retry-after': new Date(Date.now() + 3000).toUTCString() })(response, real),
	],
	['429 without Retry-After', 'refused', answer(429, WHEN_BUSY)],
	['500', 'unclear', lost(answer(500, { code: 500, name: 'Internal Server Error', description: 'Unknown.' }))],
	['502 HTML', 'unclear', lost(answer(502, HTML, { 'content-type': 'text/html' }))],
	['503', 'unclear', lost(answer(503, ''))],
	['reset before the reply', 'unclear', lost((response) => void response.destroy())],
	['reset in the body', 'unclear', async (response, real) => cut(await real(), response, 5)],
	[
		'cut JSON',
		'unclear',
		changed(({ body }) => ({ headers: { 'content-type': JSON_TYPE }, body: body.subarray(0, -1) })),
	],
	// The minute of patience is over at once.
	['silence', 'unclear', lost(({ req }) => void waiting.get(req.url ?? '')?.emit('timeout'))],
	['HTML 200', 'foreign', answer(200, HTML, { 'content-type': 'text/html' })],
	['empty 200', 'foreign', answer(200, '')],
	['204', 'foreign', answer(204, '')],
	['null', 'foreign', answer(200, 'null')],
	['207', 'odd', changed(() => ({ status: 207 }))],
	[
		'rows that are no objects',
		'odd',
		changed((wire) => withLists(wire, () => [1, 'text', null, true, [[]], { toString: null }])),
	],
	[
		'ten times larger',
		'odd',
		changed((wire) => withLists(wire, (list) => Array.from({ length: 10 }, () => list.map(another)).flat())),
	],
	['wrong content type', 'odd', changed(({ headers }) => ({ headers: { ...headers, 'content-type': 'text/plain' } }))],
	['a repeating token', 'odd', changed(({ headers }) => ({ headers: { ...headers, 'continuation-token': AGAIN } }))],
];

/** How often a fault hits: a first time, or whenever the call is made. */
const CELLS = samples.flatMap((sample, index) => {
	const { node, resource = '', operation, call } = sample;
	// An operation without a call meets no fault.
	if (!call) return [];
	const title = [node, resource, operation, `(${call})`, `#${index + 1}`].filter(Boolean).join(' ');
	return [
		...FAULTS.flatMap(([name, kind, fault]) =>
			(['once', 'always'] as const)
				.filter((how) => how === 'always' || kind === 'refused' || kind === 'unclear')
				.map((how) => ({ title, sample, call, fault: `${name}, ${how}`, kind, how, act: fault })),
		),
		{ title, sample, call, fault: 'refused connection, once', kind: 'refused' as const, how: 'once' as const },
		{ title, sample, call, fault: 'refused connection, always', kind: 'refused' as const, how: 'always' as const },
		{ title, sample, call, fault: 'a redirect to another host', kind: 'foreign' as const, how: 'always' as const },
	];
});
type Cell = (typeof CELLS)[number] & { act?: Fault };

/** The host before Hubble that the fault lies in. */
async function startFront(hubble: Simulator, { call, act, how }: Cell) {
	const { method } = callNamed(call);
	const paths = pathsOf(callNamed(call).path).map((path) => new RegExp(`^${path.replace(/[:{]\w+\}?/g, '[^/]+')}$`));
	let hits = 0;
	const forward = async ({ method: verb, url, headers }: IncomingMessage, sent: Buffer) =>
		await new Promise<Wire>((done, failed) => {
			const rest = without(headers, 'host', 'connection');
			// Hubble itself would refuse the token of the cell.
			if (rest['continuation-token'] === AGAIN) delete rest['continuation-token'];
			httpRequest(`${hubble.url}${url}`, { method: verb, headers: rest, agent: false }, (reply) => {
				const chunks: Buffer[] = [];
				reply.on('data', (chunk: Buffer) => chunks.push(chunk));
				reply.on('end', () => {
					const kept = without(reply.headers, 'connection', 'keep-alive', 'transfer-encoding');
					done({ status: reply.statusCode ?? 0, headers: kept, body: Buffer.concat(chunks) });
				});
			})
				.on('error', failed)
				.end(sent);
		});
	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', () => {
			const [path = ''] = (request.url ?? '').split('?');
			const isIt = request.method === method && paths.some((pattern) => pattern.test(path));
			if (isIt) hits += 1;
			const real = async () => await forward(request, Buffer.concat(chunks));
			const fault = act && isIt && (how === 'always' || hits === 1) ? act : changed(() => ({}));
			void Promise.resolve(fault(response, real)).catch(() => response.destroy());
		});
	});
	const listen = async (port = 0) => await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
	await listen();
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		hits: () => hits,
		listen: async () => await listen(port),
		close: async () => {
			server.closeAllConnections();
			await new Promise((done) => server.close(done));
		},
	};
}

const lines: string[] = [];
/** Another host: whatever comes to it came by a redirect. */
let elsewhere: Awaited<ReturnType<typeof serverThat>>;
let hubble: Simulator;

beforeAll(async () => {
	elsewhere = await serverThat(() => ({ devices: [] }));
	const now = performance.now.bind(performance);
	const setTimeout = Object.getOwnPropertyDescriptor(ClientRequest.prototype, 'setTimeout')?.value as (
		this: ClientRequest,
		...given: unknown[]
	) => ClientRequest;
	jest.spyOn(ClientRequest.prototype, 'setTimeout').mockImplementation(function (
		this: ClientRequest,
		...given: unknown[]
	) {
		waiting.set(this.path, this);
		return setTimeout.call(this, ...given);
	});
	jest.spyOn(performance, 'now').mockImplementation(() => now() + mockClock.ahead);
});
afterAll(async () => {
	jest.restoreAllMocks();
	await elsewhere.close();
	if (process.env.FAULT_MATRIX) writeFileSync(process.env.FAULT_MATRIX, `${lines.join('\n')}\n`);
});
beforeEach(async () => {
	hubble = await startSimulator({ devices: 20, packets: 40, days: 2, limits: false });
});
afterEach(async () => {
	mockClock.whileWaiting = async () => {};
	await hubble.close();
});

async function runCell(cell: Cell) {
	const { sample, fault } = cell;
	if (fault === 'a redirect to another host') {
		cell = { ...cell, act: answer(307, '', { location: `${elsewhere.url.replace('127.0.0.1', 'localhost')}/api` }) };
	}
	const front = await startFront(hubble, cell);
	const parameters = sample.parameters?.(hubble, 0) ?? {};
	const gives = sample.gives(hubble);
	if (fault.startsWith('refused connection')) {
		await front.close();
		if (cell.how === 'once') {
			mockClock.whileWaiting = async () => {
				mockClock.whileWaiting = async () => {};
				await front.listen();
			};
		}
	}
	const outcome = await execute({
		node: nodes[sample.node] as INodeType,
		parameters: { resource: sample.resource, operation: sample.operation, ...parameters } as never,
		credential: credentialFor(hubble, { baseUrl: front.url, requestsPerSecond: 1000 }),
	});
	const hits = front.hits();
	await front.close().catch(() => {});
	return { outcome, gives, hits };
}

/** The error of a run, also where it stands in the place of data; `undefined` for a run that is right. */
function errorOf({ error, items }: Outcome): { message: string; description: string } | undefined {
	if (error) return { message: error.message, description: error.description ?? '' };
	const rows = items.filter(({ json }) => json.error !== undefined);
	expect(rows.length).toBeLessThanOrEqual(1);
	const [row] = rows;
	return row && { message: String(row.json.error), description: String(row.json.message) };
}

const isReadOnly = ({ method, isRepeatable }: Endpoint) => method === 'GET' || isRepeatable === true;

/** Whether an empty reply is all that Hubble says to this call, or may be. */
const saysNothing = ({ method, replyHas, list }: Endpoint) => method === 'DELETE' || (!replyHas && !list);

test.each(CELLS)('$fault: $title', async (cell) => {
	const { sample, call, kind, how, fault, title } = cell;
	const endpoint: Endpoint = endpoints[call];
	const { outcome, gives, hits } = await runCell(cell);
	const error = errorOf(outcome);
	lines.push(`${fault}: ${title}: ${error ? `error: ${error.message} | ${error.description}` : 'right'}`);

	// Nobody but the host of the credential has seen the token, and nothing repeats it.
	expect(elsewhere.asked()).toBe(0);
	const told = [outcome.error?.stack, error, outcome.error?.context, outcome.items, outcome.hints];
	expect(JSON.stringify(told)).not.toContain(hubble.token);

	// Nothing is done twice, and nothing is asked without end.
	const done = hubble.log.filter((entry) => entry.call === call && entry.status < 300);
	if (endpoint.method === 'POST' && !endpoint.isRepeatable) {
		expect(done.length).toBeLessThanOrEqual(1);
		if (kind !== 'refused') expect(hits).toBe(1);
	}
	expect(hits).toBeLessThanOrEqual(60);

	if (error) {
		expect(error.message).toMatch(/^[A-Z].{10}/);
		expect(error.message + error.description).not.toMatch(/undefined|\[object|NaN/);
		expect(error.description).toContain('X-Request-ID');
		const mayBeDone = endpoint.method !== 'GET' && !endpoint.isRepeatable && kind === 'unclear';
		if (mayBeDone) expect(error.description).toContain('check before you repeat it');
		if (outcome.error) expect(outcome.items).toEqual([]);
	} else if (kind !== 'odd') {
		expect(outcome.items[0]?.json).toMatchObject(gives);
	} else {
		const { limit } = sample.parameters?.(hubble, 0) ?? {};
		expect(outcome.items.length).toBeLessThanOrEqual((limit as number | undefined) ?? Infinity);
		if (fault.startsWith('rows') && endpoint.list) {
			expect(JSON.stringify([outcome.hints, outcome.items])).toMatch(/left out|"skipped":[1-9]/);
		}
		if (/^(207|wrong)/.test(fault)) expect(outcome.items[0]?.json).toMatchObject(gives);
	}

	// What must be right: what was refused once, and what may be asked again. What must not: what never was Hubble's.
	const isRight = error === undefined;
	if (how === 'once' && (fault.startsWith('429') || isReadOnly(endpoint))) expect(isRight).toBe(true);
	// A deletion whose replies never come whole is found done by a later try.
	const isFoundDone = endpoint.method === 'DELETE' && /^(cut|reset in)/.test(fault);
	if (how === 'always' && (kind === 'refused' || kind === 'unclear') && !isFoundDone) expect(isRight).toBe(false);
	if (fault.startsWith('HTML 200') || fault.startsWith('a redirect')) expect(isRight).toBe(false);
	if (kind === 'foreign' && !saysNothing(endpoint)) expect(isRight).toBe(false);
});
