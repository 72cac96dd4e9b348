/**
 * Every operation against everything that can go wrong on the way: the outcome is right, or it is one clear error;
 * nothing is doubled, a write that is not idempotent is sent once after an ambiguous failure, and the token stays with
 * the host of the credential. One cell is one test; `npm test` runs a thirteenth of them, `npm run test:faults` all, and writes
 * the outcome of each cell to FAULT_MATRIX, a line each.
 */
import type { INodeType } from 'n8n-workflow';
import type { Endpoint } from '../../nodes/shared/client/endpoints';
import { endpoints } from '../../nodes/shared/client/endpoints';
import { nodes } from '../nodes';
import { samples, type Sample } from '../samples';
import { secrets, secretsIn } from '../simulator/secrets';
import { pathsOf, callNamed } from '../../tools/contract';
import { startSimulator, type Simulator } from '../simulator/server';
import {
	bendTime,
	CELLS as FAULTS,
	cellsToRun,
	isCallTo,
	isRefusedConnection,
	startFront,
	tell,
	withRedirect,
} from './faults';
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

const callsOf = ({ call, alsoCalls = {} }: Sample) =>
	[...(call ? [call] : []), ...Object.keys(alsoCalls)] as Array<keyof typeof endpoints>;

/** Every call of every sample; an operation without a call meets no fault. */
const CELLS = samples.flatMap((sample, index) =>
	callsOf(sample).flatMap((call) => {
		const { node, resource = '', operation } = sample;
		const title = [node, resource, operation, `(${call})`, `#${index + 1}`].filter(Boolean).join(' ');
		return FAULTS.map((cell) => ({ ...cell, title, sample, call }));
	}),
);
type SampleCell = (typeof CELLS)[number];

const lines: string[] = [];
/** Another host: whatever comes to it came by a redirect. */
let elsewhere: Awaited<ReturnType<typeof serverThat>>;
let hubble: Simulator;

beforeAll(async () => {
	elsewhere = await serverThat(() => ({ devices: [] }));
	bendTime(mockClock);
});
afterAll(async () => {
	jest.restoreAllMocks();
	await elsewhere.close();
	tell(lines);
});
beforeEach(async () => {
	secrets.clear();
	hubble = await startSimulator({ devices: 20, packets: 40, days: 2, limits: false });
});
afterEach(async () => {
	mockClock.whileWaiting = async () => {};
	await hubble.close();
});

async function runCell(cell: SampleCell) {
	const { sample, call } = cell;
	const { method, path } = callNamed(call);
	const front = await startFront(hubble.url, isCallTo(method, ...pathsOf(path)), withRedirect(cell, elsewhere.url));
	const parameters = sample.parameters?.(hubble, 0) ?? {};
	const isLost = cell.kind === 'unclear' && sample.givesWhenGone !== undefined;
	const gives = (isLost && sample.givesWhenGone ? sample.givesWhenGone : sample.gives)(hubble);
	if (isRefusedConnection(cell)) {
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

test.each(cellsToRun(CELLS))('$fault: $title', async (cell) => {
	const { sample, call, kind, how, fault, title } = cell;
	const endpoint: Endpoint = endpoints[call];
	const { outcome, gives, hits } = await runCell(cell);
	const error = errorOf(outcome);
	lines.push(`${fault}: ${title}: ${error ? `error: ${error.message} | ${error.description}` : 'right'}`);

	// Nobody but the host of the credential has seen the token, and nothing repeats a secret but the item that it is for.
	expect(elsewhere.asked()).toBe(0);
	const told = [outcome.error?.stack, error, outcome.error?.context, outcome.hints];
	expect(secretsIn(JSON.stringify(told))).toEqual([]);
	expect(JSON.stringify(outcome.items)).not.toContain(hubble.token);

	// Nothing is done twice, nothing is told twice, and nothing is asked without end.
	const done = hubble.log.filter((entry) => entry.call === call && entry.status < 300);
	if (endpoint.method === 'POST' && !endpoint.isRepeatable) {
		expect(done.length).toBeLessThanOrEqual(1);
		if (kind !== 'refused') expect(hits).toBe(1);
	}
	const isOneByOne = sample.operation === 'getLatest' || (sample.node === 'Hubble Device' && call === 'listPackets');
	// Each of the 20 devices is looked for by itself where no packet of it is to be found: in windows, each longer than the last.
	expect(hits).toBeLessThanOrEqual(isOneByOne ? 20 * 7 : 60);
	const rows = outcome.items.map(({ json }) => JSON.stringify(json));
	expect(rows.filter((row) => !row.startsWith('{'))).toEqual([]);
	// What Hubble itself sends twice comes twice.
	if (!/^(rows|ten times)/.test(fault)) expect(new Set(rows).size).toBe(rows.length);

	// What fails beside the call that matters is a hint, and the items come all the same.
	const isHint = sample.alsoCalls?.[call] === 'hint' && !isRefusedConnection(cell);
	if (isHint) expect(error).toBeUndefined();
	const isRight = isHint ? outcome.hints.every((hint) => hint === sample.usualHint) : error === undefined;
	if (error) {
		expect(error.message).toMatch(/^[A-Z\d].{10}/);
		expect(error.message + error.description).not.toMatch(/undefined|\[object|NaN/);
		// No request failed where Hubble has several devices of one name.
		if (!/^\d+ devices have/.test(error.message)) expect(error.description).toContain('X-Request-ID');
		const mayBeDone = endpoint.method !== 'GET' && !endpoint.isRepeatable && kind === 'unclear';
		if (mayBeDone) expect(error.description).toContain('Check before you run it again');
		if (outcome.error) expect(outcome.items).toEqual([]);
	} else if (kind !== 'odd') {
		expect(outcome.items).not.toHaveLength(0);
		if (isRight) expect(outcome.items[0]?.json).toMatchObject(gives);
	} else {
		const { limit } = sample.parameters?.(hubble, 0) ?? {};
		expect(outcome.items.length).toBeLessThanOrEqual((limit as number | undefined) ?? Infinity);
		if (fault.startsWith('rows') && endpoint.list && !isHint) {
			expect(JSON.stringify([outcome.hints, outcome.items])).toMatch(/left out|"skipped":[1-9]/);
		}
		if (/^(207|wrong)/.test(fault)) expect(outcome.items[0]?.json).toMatchObject(gives);
	}

	// What must be right: what was refused once, and what may be asked again. What must not: what never was Hubble's.
	if (how === 'once' && (fault.startsWith('429') || isReadOnly(endpoint))) expect(isRight).toBe(true);
	// What is gone by now, though no reply came whole, is found done by a later try.
	const isFoundDone =
		(endpoint.method === 'DELETE' || sample.givesWhenGone !== undefined) && /^(cut|reset in)/.test(fault);
	if (sample.alsoCalls?.[call] === 'time') {
		expect(isRight).toBe(how === 'once' || !/^(5|reset|silence|refused)/.test(fault));
		return;
	}
	if (how === 'always' && (kind === 'refused' || kind === 'unclear') && !isFoundDone) expect(isRight).toBe(false);
	if (/^(HTML 200|a redirect)/.test(fault)) expect(isRight).toBe(false);
	if (kind === 'foreign' && !saysNothing(endpoint)) expect(isRight).toBe(false);
});
