/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- a server that breaks */
/** Everything that can go wrong on the way to Hubble, and the host before Hubble in which it goes wrong. */
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import {
	ClientRequest,
	createServer,
	request as httpRequest,
	type IncomingHttpHeaders,
	type IncomingMessage,
	type ServerResponse,
} from 'node:http';
import type { IDataObject } from 'n8n-workflow';
import { freePort } from '../e2e/processes';

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
export type Kind = 'refused' | 'unclear' | 'foreign' | 'odd';

const FAULTS: ReadonlyArray<[name: string, kind: Kind, fault: Fault]> = [
	['429 with seconds', 'refused', answer(429, WHEN_BUSY, { 'retry-after': '2' })],
	[
		'429 with a date',
		'refused',
		(response, real) => {
			// Both by one clock, as a server writes them.
			const [date, later] = [0, 3000].map((ms) => new Date(Date.now() + ms).toUTCString());
			return answer(429, WHEN_BUSY, { date, 'retry-after': later })(response, real);
		},
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

/** The statuses with which a client may follow to another host, and with the last two send the body there too. */
const REDIRECTS = [301, 302, 303, 307, 308];

/** One fault, a first time or whenever a call is made. */
export interface Cell {
	fault: string;
	kind: Kind;
	how: 'once' | 'always';
	/** Absent where there is no reply, or one that names another host. */
	act?: Fault;
	/** The status of a redirect. */
	status?: number;
}

export const isRefusedConnection = ({ fault }: Cell) => fault.startsWith('refused connection');

/** Every fault: those after which a second try may help also once. */
export const CELLS: readonly Cell[] = [
	...FAULTS.map(([fault, kind, act]) => ({ fault, kind, act })),
	{ fault: 'refused connection', kind: 'refused' as const },
	...REDIRECTS.map((status) => ({ fault: `a redirect to another host (${status})`, kind: 'foreign' as const, status })),
].flatMap((cell) =>
	(['once', 'always'] as const)
		.filter((how) => how === 'always' || cell.kind === 'refused' || cell.kind === 'unclear')
		.map((how) => ({ ...cell, fault: `${cell.fault}, ${how}`, how })),
);

const PART = 13;

/**
 * The cells of tables whose rows meet every fault in turn: all of them for `npm run test:faults`, else each thirteenth, one
 * place further on in each row. So each fault meets some operations, and each operation some faults.
 */
export const cellsToRun = <T>(cells: readonly T[]): T[] =>
	process.env.FAULT_MATRIX
		? [...cells]
		: cells.filter((_, n) => (Math.floor(n / CELLS.length) + (n % CELLS.length)) % PART === 0);

/** The cell with its redirect to another host, where it is one. */
export const withRedirect = (cell: Cell, url: string): Cell =>
	cell.status === undefined
		? cell
		: { ...cell, act: answer(cell.status, '', { location: `${url.replace('127.0.0.1', 'localhost')}/api` }) };

/** The host before Hubble that the fault lies in. */
export async function startFront(
	target: string,
	isCall: (method: string, path: string) => boolean,
	{ act, how }: Cell,
) {
	let hits = 0;
	/** May be changed: what is not faulty passes all on. */
	const state = { isFaulty: true };
	const forward = async ({ method: verb, url, headers }: IncomingMessage, sent: Buffer) =>
		await new Promise<Wire>((done, failed) => {
			const rest = without(headers, 'host', 'connection');
			// Hubble itself would refuse the token of the cell.
			if (state.isFaulty && rest['continuation-token'] === AGAIN) delete rest['continuation-token'];
			httpRequest(`${target}${url}`, { method: verb, headers: rest, agent: false }, (reply) => {
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
			const isIt = isCall(request.method ?? '', path);
			if (isIt && state.isFaulty) hits += 1;
			const real = async () => await forward(request, Buffer.concat(chunks));
			const fault = act && isIt && state.isFaulty && (how === 'always' || hits === 1) ? act : changed(() => ({}));
			void Promise.resolve(fault(response, real)).catch(() => response.destroy());
		});
	});
	const port = await freePort(); // still free when it opens again
	const listen = async () => {
		server.listen(port, '127.0.0.1');
		await once(server, 'listening'); // rejects where the server says an error
	};
	await listen();
	return {
		url: `http://127.0.0.1:${port}`,
		state,
		hits: () => hits,
		listen,
		close: async () => {
			server.closeAllConnections();
			await new Promise((done) => server.close(done));
		},
	};
}

/** Whether a request is a call with this method and path, in which `{id}` or `:id` stands for anything. */
export const isCallTo = (wanted: string, ...paths: string[]) => {
	const patterns = paths.map((path) => new RegExp(`^${path.replace(/[:{]\w+\}?/g, '[^/]+')}$`));
	return (method: string, path: string) => method === wanted && patterns.some((pattern) => pattern.test(path));
};

/** Keeps hold of requests, so that one can be silent, and puts the clock forward by what the code has waited. */
export function bendTime(clock: { ahead: number }): void {
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
	jest.spyOn(performance, 'now').mockImplementation(() => now() + clock.ahead);
}

/** Writes the outcome of each cell, a line each, behind those of the other tables: `npm run test:faults`. */
export function tell(lines: readonly string[]): void {
	if (process.env.FAULT_MATRIX) appendFileSync(process.env.FAULT_MATRIX, `${lines.join('\n')}\n`);
}
