/** Hubble Device: Get for many items, against the simulator: what is asked, what goes to which item. */
import fc from 'fast-check';
import type { IDataObject, INode } from 'n8n-workflow';
import { HubbleDevice } from '../../nodes/HubbleDevice/HubbleDevice.node';
import { device } from '../../tools/schemas';
import { startSimulator, type Simulator } from '../simulator/server';
import { credentialFor, execute, type Setup } from './harness';

let hubble: Simulator;
beforeEach(async () => {
	hubble = await startSimulator({ devices: 2500, packets: 200, limits: false });
});
afterEach(async () => await hubble.close());

const run = async (input: IDataObject[], more: INode['parameters'] = {}, setup: Partial<Setup> = {}) =>
	await execute({
		node: new HubbleDevice(),
		parameters: { operation: 'get', deviceId: { __rl: true, mode: 'id', value: '={{ $json.deviceId }}' }, ...more },
		credential: credentialFor(hubble, { requestsPerSecond: 1000 }),
		input,
		...setup,
	});
const ids = () => [...hubble.world.main.devices.keys()];
const calls = (name: string) => hubble.log.filter(({ call }) => call === name).length;
const nobody = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const itemsOf = (list: Array<{ pairedItem?: unknown }>) => list.map(({ pairedItem }) => pairedItem);

it('asks for an ID once, and gives its answer to every item that named it', async () => {
	const [first = '', second = ''] = ids();
	const input = [first, second, first.toUpperCase(), first].map((deviceId, n) => ({ deviceId, n }));
	const { items, error } = await run(input);
	expect(error).toBeUndefined();
	expect(items.map(({ json }) => json.deviceId)).toEqual([first, second, first, first]);
	expect(itemsOf(items)).toEqual([0, 1, 2, 3].map((item) => ({ item })));
	expect(hubble.log.map(({ call }) => call)).toEqual(['getDevice', 'getDevice']);
});

it('reads pages of the list for many IDs, recently heard first, and nothing else where they hold them all', async () => {
	const input = Array.from({ length: 10_000 }, (_, n) => ({ deviceId: ids()[(n * 5) % 2500] }));
	const { items } = await run(input, { simplify: false });
	expect(items.map(({ json }) => json.id)).toEqual(input.map(({ deviceId }) => deviceId));
	expect(calls('listDevices')).toBeLessThanOrEqual(3);
	expect(calls('getDevice')).toBe(0);
	expect(hubble.log[0]?.query).toEqual({ limit: '1000', sort_field: 'most_recent_packet_ts', sort_ascending: 'false' });
});

it('says of single devices alone how they are encrypted, as Hubble does', async () => {
	const shown = async (deviceIds: string[]) => {
		const { items } = await run(
			deviceIds.map((deviceId) => ({ deviceId })),
			{ simplify: false },
		);
		return items.filter(({ json }) => 'encryption' in json && 'eid_rotation' in json).length;
	};
	expect([await shown(ids().slice(0, 1)), await shown(ids().slice(0, 500))]).toEqual([1, 0]);
	expect(calls('listDevices')).toBeGreaterThan(0);
});

it('gives what a page holds of a device, though its single Get has failed', async () => {
	const options = { sortBy: 'most_recent_packet_ts', sortAscending: false };
	const list = await run([{}], { operation: 'getAll', returnAll: true, options });
	// On the second page; beside it they are asked for singly.
	const wanted = list.items.slice(1500, 1504).map(({ json }) => json.deviceId);
	hubble.addFault({ call: 'getDevice', status: 404, times: 99 });
	const input = wanted.map((deviceId) => ({ deviceId }));
	const { items } = await run(input, {}, { onError: 'continueRegularOutput' });
	expect(items.map(({ json: { deviceId, error } }) => [deviceId, error])).toEqual(wanted.map((id) => [id, undefined]));
	expect(calls('getDevice')).toBeGreaterThan(0);
});

it('never pages further than single Gets would take in calls', async () => {
	// The devices that were registered last, and never heard, come on the last page.
	const input = ids()
		.slice(-4)
		.map((deviceId) => ({ deviceId }));
	const { items } = await run(input);
	expect(items.map(({ json }) => json.deviceId)).toEqual(input.map(({ deviceId }) => deviceId));
	expect(calls('listDevices')).toBeLessThanOrEqual(4);
	expect(calls('getDevice')).toBeLessThanOrEqual(4);
});

it('asks singly for what no page holds: "unknown" stays an answer for that ID', async () => {
	const input = [...ids().slice(0, 20), nobody(1), ...ids().slice(20, 30), nobody(2)].map((deviceId) => ({ deviceId }));
	const { items } = await run(input, {}, { onError: 'continueRegularOutput' });
	expect(items).toHaveLength(input.length);
	const failed = items.filter(({ json }) => json.error);
	expect(failed.map(({ json }) => [json.error, json.deviceId, json.status])).toEqual([
		[`Hubble has no device with the ID ${nobody(1)}`, nobody(1), 404],
		[`Hubble has no device with the ID ${nobody(2)}`, nobody(2), 404],
	]);
	expect(itemsOf(failed)).toEqual([{ item: 20 }, { item: 31 }]);
	expect(calls('getDevice')).toBeLessThan(input.length);
});

it('ends with the item whose ID is unknown when the run must stop', async () => {
	const input = [...ids().slice(0, 10), nobody(7)].map((deviceId) => ({ deviceId }));
	const { items, error } = await run(input);
	expect(items).toEqual([]);
	expect(error?.message).toBe(`Hubble has no device with the ID ${nobody(7)}`);
	expect(error?.context?.itemIndex).toBe(10);
});

it('does without the list when it fails', async () => {
	hubble.addFault({ call: 'listDevices', status: 403, times: 9 });
	const input = ids()
		.slice(0, 10)
		.map((deviceId) => ({ deviceId }));
	const { items, error } = await run(input);
	expect(error).toBeUndefined();
	expect(items.map(({ json }) => json.deviceId)).toEqual(input.map(({ deviceId }) => deviceId));
	expect(calls('getDevice')).toBe(10);
});

it('stops asking after a 401', async () => {
	hubble.addFault({ call: 'listDevices', status: 401, times: 9 });
	const input = ids()
		.slice(0, 10)
		.map((deviceId) => ({ deviceId }));
	const { items } = await run(input, {}, { onError: 'continueRegularOutput' });
	expect(items.map(({ json }) => json.error)).toEqual(Array(10).fill('Hubble does not accept the API token'));
	expect(hubble.log).toHaveLength(1);
});

describe('Keep Input Fields', () => {
	const keep = (name = 'device') => ({ options: { keepInput: name } });

	it('puts the device beside the fields and the files of its item', async () => {
		const [deviceId = ''] = ids();
		const { items } = await run([{ deviceId, payload: 'AAE=' }], keep(' owner '));
		expect(items[0]?.json).toEqual({ deviceId, payload: 'AAE=', owner: expect.objectContaining({ deviceId }) });
		expect(Object.keys(items[0]?.json.owner as IDataObject).sort()).toEqual(
			Object.keys(device.properties as object).sort(),
		);
	});

	it('keeps them beside a failure, too', async () => {
		const input = [
			{ deviceId: nobody(1), message: 'mine', n: 1 },
			{ deviceId: 'no ID', n: 2 },
		];
		const { items } = await run(input, keep(), { onError: 'continueRegularOutput' });
		expect(items.map(({ json }) => json)).toEqual([
			{
				...input[0],
				error: `Hubble has no device with the ID ${nobody(1)}`,
				device: expect.objectContaining({ status: 404 }),
			},
			{ ...input[1], error: expect.stringContaining('"Device"'), device: expect.anything() },
		]);
	});

	it('writes over no field: an item that has one of that name is refused before the first call', async () => {
		const [deviceId = ''] = ids();
		const { error } = await run([{ deviceId, device: { payload: 'AAE=' } }], keep());
		expect(error?.message).toContain('"Keep Input Fields": the input item has a field "device" already');
		expect(hubble.log).toEqual([]);
	});

	it('keeps every item, each with the device that it named, in order', async () => {
		const known = ids().slice(0, 40);
		await fc.assert(
			fc.asyncProperty(
				fc.array(fc.record({ deviceId: fc.constantFrom(...known, nobody(1), nobody(2), 'x', ''), n: fc.nat() }), {
					minLength: 1,
					maxLength: 60,
				}),
				async (input) => {
					const { items } = await run(input, keep(), { onError: 'continueRegularOutput' });
					expect(items.map(({ json: { deviceId, n } }) => ({ deviceId, n }))).toEqual(input);
					for (const { json } of items) {
						const isKnown = known.includes(String(json.deviceId));
						const isAsked = isKnown || [nobody(1), nobody(2)].includes(String(json.deviceId));
						expect((json.device as IDataObject).deviceId).toBe(isAsked ? json.deviceId : undefined);
						expect('error' in json).toBe(!isKnown);
					}
				},
			),
			{ numRuns: 20 },
		);
	});
});
