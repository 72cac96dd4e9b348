/** The polls and the webhook hooks of the triggers against everything that can go wrong on the way: `faultMatrix.test.ts`. */
import axios from 'axios';
import type { IDataObject, INodeType } from 'n8n-workflow';
import { HubbleDeviceTrigger } from '../../nodes/HubbleDeviceTrigger/HubbleDeviceTrigger.node';
import { HubblePacketPollTrigger } from '../../nodes/HubblePacketPollTrigger/HubblePacketPollTrigger.node';
import { HubblePacketTrigger } from '../../nodes/HubblePacketTrigger/HubblePacketTrigger.node';
import { callNamed, pathsOf, type CallName } from '../../tools/contract';
import { secretsIn } from '../simulator/secrets';
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
	type Cell,
} from './faults';
import { serverThat } from './harness';
import { triggerStage } from './placeTrigger';
import { pollContext } from './pollContext';

const mockClock = { ahead: 0, whileWaiting: async () => {} };
jest.mock('../../nodes/shared/n8n', () => ({
	...jest.requireActual<object>('../../nodes/shared/n8n'),
	abortableSleep: async (ms: number) => {
		mockClock.ahead += ms;
		await mockClock.whileWaiting();
	},
}));

const PACKETS = 40;
const lines: string[] = [];
const warnings: string[] = [];
let elsewhere: Awaited<ReturnType<typeof serverThat>>;
let hubble: Simulator;

beforeAll(async () => {
	elsewhere = await serverThat(() => ({ devices: [], packets: [], webhooks: [] }));
	bendTime(mockClock);
	// Polls read what lies behind the present second, and wait by the clock on the wall.
	const now = Date.now.bind(Date);
	jest.spyOn(Date, 'now').mockImplementation(() => now() + mockClock.ahead);
});
afterAll(async () => {
	jest.restoreAllMocks();
	await elsewhere.close();
	tell(lines);
});
beforeEach(async () => {
	warnings.length = 0;
	const world = { devices: 20, packets: PACKETS, days: 2, now: () => Date.now() };
	hubble = await startSimulator({ ...world, limits: false, headRetryAfter: null });
});
afterEach(async () => {
	mockClock.whileWaiting = async () => {};
	await hubble.close();
});

/** A host before Hubble that can be broken as a cell says, for one call, and healed. */
async function faulty(cell: Cell, call: CallName) {
	const { method, path } = callNamed(call);
	const front = await startFront(hubble.url, isCallTo(method, ...pathsOf(path)), withRedirect(cell, elsewhere.url));
	front.state.isFaulty = false;
	let isClosed = false;
	const reopen = async () => {
		mockClock.whileWaiting = async () => {};
		if (isClosed) await front.listen();
		isClosed = false;
	};
	return {
		...front,
		async break() {
			front.state.isFaulty = true;
			if (!isRefusedConnection(cell)) return;
			await front.close();
			isClosed = true;
			if (cell.how === 'once') mockClock.whileWaiting = reopen;
		},
		async heal() {
			front.state.isFaulty = false;
			await reopen();
			// As long as Hubble may have asked to wait.
			mockClock.ahead += 600_000;
		},
	};
}

/** Asserts that a failure says what happened, and that neither it nor n8n's log or static data hold a secret. */
function checkTold(
	title: string,
	fault: string,
	stored: IDataObject,
	error?: Error & { description?: string; context?: unknown },
): void {
	lines.push(`${fault}: ${title}: ${error ? `error: ${error.message} | ${error.description}` : 'right'}`);
	expect(elsewhere.asked()).toBe(0);
	const told = [error?.message, error?.description, error?.context, error?.stack, warnings, stored];
	expect(secretsIn(JSON.stringify(told))).toEqual([]);
	if (!error) return;
	expect(error.message).toMatch(/^[A-Z].{10}/);
	expect(`${error.message} ${error.description}`).not.toMatch(/\[object|NaN/);
	// Where a publication fails, n8n shows the message alone. What Hubble lists in vain names no request.
	if (!fault.startsWith('rows that')) expect(`${error.message} ${error.description}`).toContain('X-Request-ID');
}

/** Faults that take rows away or add some, so that what is told cannot be what there is. */
const changesRows = ({ fault }: Cell) => /^(rows that|ten times)/.test(fault);
/** What must be right: what was refused or lost once, for a read. */
const mustPass = ({ how }: Cell) => how === 'once';
const mustFail = ({ how, kind }: Cell) =>
	kind === 'foreign' || (how === 'always' && (kind === 'refused' || kind === 'unclear'));

describe('polls', () => {
	let nodes = 0;

	/** A poll as n8n makes it: what it has stored is saved only when the poll does not throw. */
	function pollOf(node: INodeType, parameters: IDataObject) {
		const id = `node ${++nodes}`;
		let stored: IDataObject = {};
		const poll = async (baseUrl: string) => {
			const staticData = structuredClone(stored);
			const context = pollContext({ ...hubble, url: baseUrl }, parameters, {
				warnings,
				getNode: () => ({ id, name: 'Poll', parameters }),
				getWorkflowStaticData: () => staticData,
			});
			const [items = []] = (await node.poll?.call(context)) ?? [];
			stored = staticData;
			return items.map(({ json }) => json);
		};
		return Object.assign(poll, { stored: () => stored });
	}

	const POLLS = [
		{
			title: 'Hubble Packet Poll Trigger (listPackets)',
			call: 'listPackets' as const,
			node: new HubblePacketPollTrigger(),
			parameters: { startFrom: 'everything', options: { maxPackets: 2000 } },
			key: 'packetKey',
			happens: async () => {},
			wanted: PACKETS,
		},
		{
			title: 'Hubble Device Trigger (listDevices)',
			call: 'listDevices' as const,
			node: new HubbleDeviceTrigger(),
			parameters: { events: ['registered'] },
			key: 'deviceId',
			async happens() {
				const url = `${hubble.url}/api/v2/org/${hubble.organizationId}/devices`;
				const headers = { Authorization: `Bearer ${hubble.token}` };
				await axios.post(url, { n_devices: 3, encryption: 'NONE' }, { headers, proxy: false });
			},
			wanted: 3,
		},
	];

	test.each(cellsToRun(POLLS.flatMap((poll) => FAULTS.map((cell) => ({ ...poll, cell, fault: cell.fault })))))(
		'$fault: $title',
		async ({ title, fault, cell, call, node, parameters, key, happens, wanted }) => {
			const poll = pollOf(node, parameters);
			const front = await faulty(cell, call);
			// The device trigger tells of what comes after its first poll.
			if (call === 'listDevices') await poll(front.url);
			mockClock.ahead += 10_000;
			await happens();
			mockClock.ahead += 10_000;
			await front.break();
			const told: IDataObject[] = [];
			let error: Error | undefined;
			await poll(front.url).then(
				(items) => told.push(...items),
				(reason: Error) => (error = reason),
			);
			expect(front.hits()).toBeLessThanOrEqual(60);
			await front.heal();
			checkTold(title, fault, poll.stored(), error);
			if (mustPass(cell)) expect(error).toBeUndefined();
			if (mustFail(cell)) expect(error).toBeDefined();

			// When nothing is wrong any more, the next polls bring what is missing, and nothing again.
			// Registrations of the last 30 s are left to a later one.
			for (let more = 0; more < 4; more++) {
				mockClock.ahead += 10_000;
				told.push(...(await poll(front.url)));
			}
			await front.close();
			if (changesRows(cell)) return;
			const keys = told.map((json) => String(json[key]));
			expect(new Set(keys).size).toBe(wanted);
			// A token that is none sends the next poll back by time: repeats, never losses.
			if (!fault.startsWith('a repeating token')) expect(keys).toHaveLength(wanted);
		},
	);
});

describe('webhook hooks', () => {
	const HOOKS = [
		{ hook: 'exists', call: 'listWebhooks' },
		{ hook: 'create', call: 'listWebhooks' },
		{ hook: 'create', call: 'createWebhook' },
		{ hook: 'remove', call: 'listWebhooks' },
		{ hook: 'remove', call: 'deleteWebhook' },
	] as const;
	const HOOK_CELLS = HOOKS.flatMap(({ hook, call }) =>
		FAULTS.map((cell) => ({ hook, call, cell, fault: cell.fault, title: `Hubble Packet Trigger ${hook} (${call})` })),
	);

	test.each(cellsToRun(HOOK_CELLS))('$fault: $title', async ({ hook, call, cell, fault, title }) => {
		const { webhooks, packets } = hubble.world.main;
		const credential: IDataObject = {};
		const placed = triggerStage(hubble, warnings).place({
			trigger: new HubblePacketTrigger(),
			parameters: { options: { maxBatchSize: 200 } },
			credential,
		});
		if (hook !== 'create') await placed.activate();
		const front = await faulty(cell, call);
		credential.baseUrl = front.url;
		await front.break();
		let error: Error | undefined;
		await placed[hook]().catch((reason: Error) => (error = reason));
		expect(front.hits()).toBeLessThanOrEqual(60);
		await front.heal();
		checkTold(title, fault, placed.stored(), error);

		// Unpublishing always succeeds; what it could not remove stands in n8n's log, with its ID.
		if (hook === 'remove') {
			expect(error).toBeUndefined();
			// Hubble says nothing to a deletion, so nothing is a success; and what is in no list is gone.
			const isBelieved = changesRows(cell) || /^(204|empty|null)/.test(fault);
			for (const id of isBelieved ? [] : webhooks.keys()) expect(warnings.join()).toContain(`its webhook ${id}`);
		}
		// A webhook is asked for once: nobody knows the secret of a second one.
		const created = hubble.log.filter((entry) => entry.call === 'createWebhook' && entry.status < 300);
		expect(created.length).toBeLessThanOrEqual(1);
		if (hook === 'create' && mustFail(cell)) expect(error).toBeDefined();
		if (hook === 'create' && call === 'listWebhooks' && mustPass(cell)) expect(error).toBeUndefined();

		// n8n tries again after a failure, with `delete` in between; one webhook comes of it, and its secret is known.
		if (error) await placed.remove();
		await placed.activate();
		expect([...webhooks.values()].map(({ url }) => url)).toEqual([expect.stringContaining(placed.webhookId)]);
		const [{ secret } = { secret: '' }] = webhooks.values();
		const taken = await placed.deliver({ packets: [packets.get(0)] }, { 'x-hubble-token': secret });
		expect(taken.items).toHaveLength(1);
		await placed.remove();
		expect(webhooks.size).toBe(0);
		await front.close();
	});
});
