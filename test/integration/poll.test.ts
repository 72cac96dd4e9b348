/** The poll trigger's polls against the simulator: what n8n would be given, and what it would store. */
import { httpRequest } from './pollContext';
import type { IDataObject, IPollFunctions } from 'n8n-workflow';
import { HubblePacketPollTrigger } from '../../nodes/HubblePacketPollTrigger/HubblePacketPollTrigger.node';
import { startSimulator, type Simulator } from '../simulator/server';

let hubble: Simulator;
beforeEach(async () => {
	hubble = await startSimulator({ devices: 20, packets: 3500, days: 2, limits: false, headRetryAfter: null });
});
afterEach(async () => await hubble.close());

let nodes = 0;

/** A node of its own with what n8n gives to `poll`. */
function node(parameters: IDataObject = {}, staticData: IDataObject = {}, mode = 'trigger') {
	const id = `node ${++nodes}`;
	const warnings: string[] = [];
	const context = {
		getMode: () => mode,
		getWorkflow: () => ({ id: 'workflow' }),
		getNode: () => ({ id, name: 'Poll' }),
		getTimezone: () => 'UTC',
		logger: { warn: (line: string) => warnings.push(line) },
		getNodeParameter: (name: string, fallback: unknown) => parameters[name] ?? fallback,
		getWorkflowStaticData: () => staticData,
		getCredentials: async () => ({ apiToken: hubble.token, organizationId: hubble.organizationId, baseUrl: hubble.url, requestsPerSecond: 1000 }),
		helpers: { httpRequestWithAuthentication: httpRequest(() => hubble.token) },
	} as unknown as IPollFunctions;
	const poll = async () => {
		const [items = []] = (await new HubblePacketPollTrigger().poll.call(context)) ?? [];
		return items.map(({ json }) => json);
	};
	return { poll, staticData, warnings };
}

const everything = { startFrom: 'everything', maxPackets: 2000 };

it('catches up over several polls, then brings what is new', async () => {
	const { poll } = node(everything);
	const sizes = [await poll(), await poll(), await poll()].map(({ length }) => length);
	expect(sizes).toEqual([2000, 1500, 0]);
	hubble.addPackets(7);
	expect(await poll()).toHaveLength(7);
	expect(await poll()).toHaveLength(0);
});

it('begins now, or at a date', async () => {
	const now = node();
	expect(await now.poll()).toHaveLength(0);
	hubble.addPackets(3);
	expect(await now.poll()).toHaveLength(3);
	const half = new Date(hubble.world.main.packets.timeOf(1752)).toISOString();
	const dated = await node({ startFrom: 'date', startTime: half, maxPackets: 10_000 }).poll();
	expect(dated.length).toBeGreaterThanOrEqual(3503 - 1752);
	expect(dated.length).toBeLessThan(3503 - 1752 + 10);
	await expect(node({ startFrom: 'date' }).poll()).rejects.toThrow('Start Time');
});

it('leaves the position alone on an error', async () => {
	const { poll, staticData } = node(everything);
	await poll();
	const before = JSON.stringify(staticData);
	hubble.addFault({ call: 'listPackets', status: 403 });
	await expect(poll()).rejects.toThrow('scope');
	expect(JSON.stringify(staticData)).toBe(before);
	expect(await poll()).toHaveLength(1500);
});

it('tells in the log of packets that are none', async () => {
	const { packets } = hubble.world.main;
	const json = packets.json.bind(packets);
	packets.json = (index) => (index === 3 ? json(index).replace('"payload":', '"load":') : json(index));
	const { poll, warnings } = node(everything);
	expect(await poll()).toHaveLength(1999);
	expect(warnings).toEqual([expect.stringContaining('"Poll" left out 1 of 1000 packets; a packet needs')]);
});

it('shows a sample in a manual test and leaves the position alone', async () => {
	const { poll, staticData } = node(everything, {}, 'manual');
	expect(await poll()).toHaveLength(10);
	expect(staticData).toEqual({});
});

it('skips a poll while one is running, and waits as long as Hubble says at the head of the stream', async () => {
	const { poll } = node(everything);
	hubble.set({ latencyMs: 50, headRetryAfter: 60 });
	const [first, second] = await Promise.all([poll(), poll()]);
	expect([first.length, second.length]).toEqual([2000, 0]);
	expect(hubble.log).toHaveLength(2);
	expect(await poll()).toHaveLength(1500);
	expect(await poll()).toHaveLength(0);
	const asked = hubble.log.length;
	hubble.addPackets(1);
	expect(await poll()).toHaveLength(0);
	expect(hubble.log).toHaveLength(asked);
});

it('filters and decodes as the trigger does', async () => {
	const { packets: history } = hubble.world.main;
	const deviceId = history.deviceOf(0);
	const its = Array.from({ length: 3500 }, (_, index) => history.deviceOf(index)).filter((id) => id === deviceId).length;
	const { poll } = node({ ...everything, maxPackets: 10_000, filters: { deviceIds: [deviceId] }, decodePayload: 'hex' });
	const packets = await poll();
	expect(packets).toHaveLength(its);
	for (const { deviceId: id, decoded, payload } of packets) {
		expect(id).toBe(deviceId);
		expect(decoded).toBe(Buffer.from(String(payload), 'base64').toString('hex'));
	}
});

it('goes on from the packets before in another process, and from those after in the same', async () => {
	const stored: IDataObject = {};
	const first = await node(everything, stored).poll();
	const elsewhere = await node(everything, stored).poll();
	expect(elsewhere).toEqual(first);
});

it.each(['empty', 'absent', 'same'] as const)('understands a stream whose head gives the token as: %s', async (headToken) => {
	hubble.set({ headToken });
	const { poll } = node({ ...everything, maxPackets: 10_000 });
	expect(await poll()).toHaveLength(3500);
	expect(await poll()).toHaveLength(0);
	hubble.addPackets(5);
	expect(await poll()).toHaveLength(5);
});
