/** What the packet operations make of decoded values: filters, the latest of each device, and summaries. */
import type { IDataObject, INode } from 'n8n-workflow';
import { HubbleDevice } from '../../nodes/HubbleDevice/HubbleDevice.node';
import { HubblePacket } from '../../nodes/HubblePacket/HubblePacket.node';
import { payloadLayout } from '../simulator/packets';
import { objectOf } from '../../nodes/shared/client/json';
import { startSimulator, type Simulator } from '../simulator/server';
import type { Device } from '../simulator/world';
import { answering, credentialFor, execute, listed, type Outcome, type Setup } from './harness';

let hubble: Simulator;
beforeAll(async () => {
	hubble = await startSimulator({ devices: 30, packets: 4500, days: 5, limits: false });
});
beforeEach(() => hubble.clearLog());
afterAll(async () => await hubble.close());

const run = async (parameters: INode['parameters'], more: Partial<Setup> = {}): Promise<Outcome> =>
	await execute({
		node: new HubblePacket(),
		parameters: { decodePayload: 'layout', payloadLayout, ...parameters },
		credential: credentialFor(hubble, { requestsPerSecond: 1000 }),
		...more,
	});

const jsonOf = ({ error, items }: Outcome): IDataObject[] => {
	if (error) throw error;
	return items.map(({ json }) => json);
};

/** The calls that were made, without the one by which the first run of a process learns Hubble's time. */
const callsTo = ({ log }: Simulator) => log.flatMap(({ call }) => (call && call !== 'checkKey' ? [call] : []));

const values = (...value: IDataObject[]) => ({ values: listed({ value }) }) as INode['parameters'];
const pick = (name: string) => ({ __rl: true, mode: 'list', value: name, cachedResultName: name });
const warm = { field: pick('temperature'), condition: 'above', than: '5' };

/** The temperature of each packet of the history that has one, by a reader of the test's own. */
const temperatures = () =>
	Array.from({ length: hubble.world.main.packets.length }, (_, index) => {
		const bytes = Buffer.from(hubble.world.main.packets.get(index).device.payload, 'base64');
		return bytes[0] === 0 ? bytes.readInt16BE(4) / 100 : NaN;
	});

/** The last packet of each device that this index is not behind, newest first. */
const lastOf = (world = hubble.world.main, until = Infinity) => {
	const last = new Map<string, IDataObject & { timestamp: number; id: string }>();
	for (let index = 0; index < Math.min(until, world.packets.length); index++) {
		const { device } = world.packets.get(index);
		last.set(device.id, device as never);
	}
	return last;
};

/** The hint on the packets of which a layout reads nothing: those in JSON. */
const someJson = (count: number, of: number) =>
	`${count.toLocaleString('en')} of ${of.toLocaleString('en')} payloads do not fit the format: JSON with other names: t, h. To read both, give your values these names.`;
const allJson = () => someJson(temperatures().filter(Number.isNaN).length, 4500);

describe('filter by value', () => {
	const warmOnes = () => temperatures().filter((value) => value > 5).length;

	it('keeps in Get Many what fits, the newest first, and the Limit counts that alone', async () => {
		const outcome = await run({ filters: values(warm), limit: 500 });
		const found = jsonOf(outcome);
		expect(warmOnes()).toBeGreaterThan(500);
		expect(found).toHaveLength(500);
		expect(found.every(({ decoded }) => Number((decoded as IDataObject).temperature) > 5)).toBe(true);
		const times = found.map(({ timestamp }) => String(timestamp));
		expect(times).toEqual([...times].sort().reverse());
		expect(outcome.hints).toEqual([
			expect.stringMatching(/^\d+ of [\d,]+ payloads do not fit the format: JSON with /),
			expect.stringContaining('than the Limit of 500'),
		]);
		const all = jsonOf(await run({ filters: values(warm), returnAll: true }));
		expect(all).toHaveLength(warmOnes());
	});

	it('keeps in Count what fits, and says how many were read', async () => {
		const [counted] = jsonOf(await run({ operation: 'count', filters: values(warm) }));
		expect(counted).toMatchObject({ count: warmOnes(), packetsRead: 4500 });
		const [plain] = jsonOf(await run({ operation: 'count' }));
		expect(plain).toEqual({ count: 4500, startTime: expect.any(String), endTime: expect.any(String) });
		const cold = { field: pick('temperature'), condition: 'below', than: '0' };
		const filters = { ...values(warm, cold), valuesMatch: 'any' };
		const [either] = jsonOf(await run({ operation: 'count', filters }));
		expect(either?.count).toBe(temperatures().filter((value) => value > 5 || value < 0).length);
	});

	it('keeps in Export what fits, and its Limit counts that alone', async () => {
		const [whole] = jsonOf(await run({ operation: 'export', filters: values(warm) }));
		expect(whole).toMatchObject({ count: warmOnes(), complete: true });
		const [cut] = jsonOf(await run({ operation: 'export', filters: values(warm), options: { limit: 100 } }));
		expect(cut).toMatchObject({ count: 100, complete: false });
	});

	it('says that no payload could be read, once each, though none is left to show', async () => {
		const outcome = await run({ payloadLayout: 'temperature: int16 @40', filters: values(warm), returnAll: true });
		expect(jsonOf(outcome)).toEqual([]);
		expect(outcome.hints).toEqual([expect.stringMatching(/^None of 4,500 payloads fit the format: /)]);
		const absent = values({ field: pick('temperature'), condition: 'absent' });
		const kept = await run({ payloadLayout: 'temperature: int16 @40', filters: absent, returnAll: true });
		expect(jsonOf(kept)).toHaveLength(4500);
		expect(kept.hints).toEqual([expect.stringMatching(/^None of 4,500 payloads fit the format: /)]);
	});

	it.each(['getAll', 'count', 'export'])('is refused in %s before the first call, by name', async (operation) => {
		const refused = async (parameters: INode['parameters']) => (await run({ operation, ...parameters })).error?.message;
		expect(await refused({ decodePayload: 'none', filters: values(warm) })).toBe(
			'"Values": the payloads are not decoded; choose their format in "Decode Payload"',
		);
		expect(await refused({ filters: values({ ...warm, than: 'hot' }) })).toMatch(
			/^"Values": row 1: "Value": "hot" is not a number; the decimal sign is a point/,
		);
		expect(await refused({ filters: values({ ...warm, field: pick('') }) })).toBe(
			'"Values": row 1: "Field" is required',
		);
		expect(await refused({ payloadLayout: 'x', filters: values(warm) })).toMatch(/^"Payload Layout": line 1/);
		expect(hubble.log).toEqual([]);
	});
});

/** The devices of the packets of the history, in its order. */
let senders: Array<{ id: string; tags?: Record<string, string> }>;
beforeAll(() => {
	const { packets } = hubble.world.main;
	senders = Array.from({ length: packets.length }, (_, index) => packets.get(index).device);
});

/** How many packets there are by the text that tells them apart. */
const tallyOf = (keys: string[]) => {
	const counts = new Map<string, number>();
	for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
	return counts;
};
const siteOf = ({ tags }: { tags?: Record<string, string> }) => String(tags?.site);

describe('filter by tag', () => {
	const chosen = () => siteOf(senders[0] ?? {});
	const filters = () => ({ tags: [`site:${chosen()}`] });
	const ours = () => senders.filter((device) => siteOf(device) === chosen());

	it.each([
		['getAll', ({ length }: IDataObject[]) => length],
		['count', ([row]: IDataObject[]) => row?.count],
		['export', ([row]: IDataObject[]) => row?.count],
		['createReport', ([row]: IDataObject[]) => row?.packets],
	])('keeps in %s the packets of devices that have it', async (operation, countIn) => {
		const parameters = { operation, decodePayload: 'none', returnAll: true };
		const found = countIn(jsonOf(await run({ ...parameters, filters: filters() })));
		expect(found).toBe(ours().length);
		expect(ours().length).toBeLessThan(senders.length);
	});

	it('goes with the networks, in each operation that reads the packets', async () => {
		const { packets } = hubble.world.main;
		const bySatellite = Array.from({ length: packets.length }, (_, index) => packets.isSatellite(index)).filter(
			Boolean,
		);
		expect(bySatellite.length).toBeGreaterThan(100);
		const networks = { networkTypes: ['SATELLITE'] };
		const [counted] = jsonOf(await run({ operation: 'count', filters: networks }));
		expect(counted).toMatchObject({ count: bySatellite.length, packetsRead: 4500 });
		const found = jsonOf(await run({ returnAll: true, filters: networks }));
		expect(found.map(({ networkType }) => networkType)).toEqual(bySatellite.map(() => 'SATELLITE'));
		const [file] = jsonOf(await run({ operation: 'export', format: 'ndjson', filters: networks }));
		expect(file).toMatchObject({ count: bySatellite.length });
		const rows = jsonOf(await run({ operation: 'summarize', period: 'last7Days', returnAll: true, filters: networks }));
		const warmth = rows.filter(({ field }) => field === 'temperature');
		expect(warmth.reduce((sum, { count }) => sum + Number(count), 0)).toBe(bySatellite.length);
		const { error } = await run({ operation: 'count', filters: { networkTypes: ['LTE'] } });
		expect(error?.message).toContain('"Network Types"');
	});

	it('keeps in Get Latest and Summarize the devices that have it', async () => {
		const wanted = new Set(ours().map(({ id }) => id));
		for (const operation of ['getLatest', 'summarize']) {
			const rows = jsonOf(await run({ operation, returnAll: true, filters: filters(), options: {} }));
			expect(rows.length).toBeGreaterThan(0);
			expect(rows.filter(({ deviceId }) => !wanted.has(String(deviceId)))).toEqual([]);
		}
	});

	it('goes with a filter by value, of which both must pass, and with the Limit', async () => {
		const both = { ...filters(), ...values(warm) };
		const indexes = temperatures().flatMap((value, index) => (value > 5 ? [index] : []));
		const expected = indexes.filter((index) => siteOf(senders[index] ?? {}) === chosen()).length;
		const [row] = jsonOf(await run({ operation: 'count', filters: both }));
		expect(row).toMatchObject({ count: expected, packetsRead: 4500 });
		expect(jsonOf(await run({ filters: both, limit: 5 }))).toHaveLength(5);
	});

	it('leaves the hint about payloads that none can read', async () => {
		const unread = { payloadLayout: 'temperature: int16 @40', filters: filters() };
		for (const operation of ['getAll', 'summarize']) {
			const { hints } = await run({ ...unread, operation, returnAll: true });
			expect(hints).toContainEqual(expect.stringMatching(/^None of [\d,]+ payloads fit the format: /));
		}
	});

	it.each(['count', 'createReport', 'export', 'getAll', 'getLatest', 'summarize'])(
		'is refused in %s before the first call, by name',
		async (operation) => {
			const { error } = await run({ operation, filters: { tags: ['Rotterdam'] } });
			expect(error?.message).toMatch(/^"Tags": "Rotterdam" /);
			expect(hubble.log).toEqual([]);
		},
	);
});

describe('Count by groups', () => {
	it('gives an item for each value of a tag, the most packets first', async () => {
		const rows = jsonOf(await run({ operation: 'count', groupBy: 'tag', tag: 'site', decodePayload: 'none' }));
		const expected = tallyOf(senders.map(siteOf));
		expect(expected.size).toBeGreaterThan(1);
		expect(new Map(rows.map(({ tagValue, count }) => [tagValue, count]))).toEqual(expected);
		const counts = rows.map(({ count }) => Number(count));
		expect(counts).toEqual([...counts].sort((a, b) => b - a));
		expect(Object.keys(rows[0] ?? {})).toEqual(['tag', 'tagValue', 'count', 'startTime', 'endTime']);
	});

	it('gives an item for each device, of the packets that pass the filters', async () => {
		const rows = jsonOf(await run({ operation: 'count', groupBy: 'device', filters: values(warm) }));
		const expected = tallyOf(temperatures().flatMap((value, i) => (value > 5 ? [String(senders[i]?.id)] : [])));
		expect(new Map(rows.map(({ deviceId, count }) => [deviceId, count]))).toEqual(expected);
		expect(Object.keys(rows[0] ?? {})).toEqual(['deviceName', 'count', 'startTime', 'endTime', 'deviceId']);
	});

	it('counts devices without the tag together, and nothing where there is no packet', async () => {
		const period = { period: 'custom', startTime: '2020-01-01T00:00:00Z', endTime: '2020-01-02T00:00:00Z' };
		expect(jsonOf(await run({ operation: 'count', groupBy: 'tag', tag: 'no such' }))).toMatchObject([
			{ tag: 'no such', tagValue: null, count: 4500 },
		]);
		expect(jsonOf(await run({ operation: 'count', ...period, groupBy: 'device' }))).toEqual([]);
		expect(jsonOf(await run({ operation: 'count', ...period }))).toMatchObject([{ count: 0 }]);
	});
});

describe('Summarize', () => {
	it('gives the figures of each device and day in the time zone of the workflow, of all packets', async () => {
		const summaryValues = { row: [{ field: pick('temperature') }] };
		const timezone = 'America/New_York';
		const rows = jsonOf(await run({ operation: 'summarize', summaryValues, returnAll: true }, { timezone }));
		const expected = new Map<string, number[]>();
		for (const [index, temperature] of temperatures().entries()) {
			if (Number.isNaN(temperature)) continue;
			const { device } = hubble.world.main.packets.get(index);
			const day = new Date(device.timestamp * 1000).toLocaleDateString('sv-SE', { timeZone: timezone });
			const key = `${day} ${device.id}`;
			expected.set(key, [...(expected.get(key) ?? []), temperature]);
		}
		expect(rows).toHaveLength(expected.size);
		for (const { localTime, deviceId, count, min, max, first, last, unit } of rows) {
			const own = expected.get(`${String(localTime)} ${String(deviceId)}`) ?? [];
			expect([count, min, max, unit]).toEqual([own.length, Math.min(...own), Math.max(...own), '°C']);
			expect([first, last]).toEqual([own[0], own.at(-1)]);
		}
	});

	it('counts its rows against the Limit, and reads all the same', async () => {
		const few = await run({ operation: 'summarize', interval: 'hour', limit: 3 });
		expect(jsonOf(few)).toHaveLength(3);
		expect(few.hints).toEqual([allJson(), expect.stringContaining('More results exist than the Limit of 3')]);
		expect(hubble.log.length).toBeGreaterThan(4);
	});

	it('takes the filter by value, and says what it left out', async () => {
		const filters = values(warm);
		const [row] = jsonOf(await run({ operation: 'summarize', interval: 'period', groupBy: 'all', filters }));
		const own = temperatures().filter((value) => value > 5);
		expect(row).toMatchObject({ field: 'temperature', count: own.length, min: Math.min(...own) });
		const summaryValues = { row: [{ field: { __rl: true, mode: 'id', value: 'temprature' } }] };
		const typo = await run({ operation: 'summarize', summaryValues });
		expect(jsonOf(typo)).toEqual([]);
		expect(typo.hints).toEqual([allJson(), 'No packet contains a number called "temprature".']);
	});

	it.each<[INode['parameters'], string]>([
		[{ summaryValues: { row: [{ field: pick('t') }, { field: pick('={{ undefined }}') }] } }, 'returned no value'],
		[{ groupBy: 'tag', tag: '={{ " " }}' }, '"Tag": the expression returned no value'],
		[{ groupBy: 'tag' }, '"Tag" is required'],
		[{ decodePayload: 'none' }, '"Decode Payload": "none" is not one of'],
		[{ interval: 'week' }, '"Interval": "week" is not one of'],
	])('refuses %j before the first call', async (parameters, reason) => {
		const { error } = await run({ operation: 'summarize', ...parameters });
		expect(error?.message).toContain(reason);
		expect(hubble.log).toEqual([]);
	});
});

describe('Get Latest per Device', () => {
	const latest = async (parameters: INode['parameters'] = {}, more: Partial<Setup> = {}) =>
		await run({ operation: 'getLatest', returnAll: true, ...parameters }, more);

	const temperatureOf = ({ decoded }: IDataObject) => Number(objectOf(decoded).temperature ?? NaN);

	it('gives the newest packet of each device with its values, the newest first', async () => {
		const outcome = await latest();
		const rows = jsonOf(outcome);
		const expected = lastOf();
		expect(rows).toHaveLength(expected.size);
		for (const { deviceId, timestamp } of rows) {
			expect(timestamp).toBe(new Date(Number(expected.get(String(deviceId))?.timestamp) * 1000).toISOString());
		}
		const times = rows.map(({ timestamp }) => String(timestamp));
		expect(times).toEqual([...times].sort().reverse());
		expect(rows.some(({ decoded }) => typeof (decoded as IDataObject).temperature === 'number')).toBe(true);
		const made = callsTo(hubble).length;
		const inJson = rows.filter(({ decodeError }) => decodeError).length;
		expect(outcome.hints).toEqual([
			`The latest packets of ${rows.length} devices took ${made} requests.`,
			someJson(inJson, rows.length),
		]);
		expect(made).toBeLessThanOrEqual(4);
	});

	it('takes six requests at most for 2,500 devices that report hourly', async () => {
		const fleet = await startSimulator({ devices: 2631, packets: 60_000, days: 1, limits: false });
		try {
			const credential = credentialFor(fleet, { requestsPerSecond: 1000 });
			const rows = jsonOf(await latest({}, { credential }));
			const expected = lastOf(fleet.world.main);
			expect(expected.size).toBe(2500);
			expect(rows).toHaveLength(2500);
			expect(new Set(rows.map(({ packetKey }) => String(packetKey).split(':').at(-1)))).toEqual(
				new Set([...expected.values()].map(({ timestamp }) => String(timestamp))),
			);
			const made = callsTo(fleet);
			expect(made.filter((call) => call === 'listDevices')).toHaveLength(3);
			expect(made.length).toBeLessThanOrEqual(6);
			// Sorted by last packet, Hubble leaves out of a later page a device that is heard while the list is read.
			const sortedBy = () =>
				fleet.log
					.filter(({ call }) => call === 'listDevices')
					.map(({ query }) => objectOf(query).sort_field ?? 'created_ts');
			expect(new Set(sortedBy())).toEqual(new Set(['created_ts']));
			fleet.clearLog();
			expect(jsonOf(await latest({ returnAll: false, limit: 50 }, { credential }))).toHaveLength(50);
			expect(callsTo(fleet).length).toBeLessThanOrEqual(3);
			expect(sortedBy()).toEqual(['most_recent_packet_ts']);
			fleet.clearLog();
			const newest = jsonOf(await latest({ returnAll: false, limit: 1000 }, { credential }));
			expect(newest.map(({ timestamp }) => timestamp)).toEqual(rows.slice(0, 1000).map(({ timestamp }) => timestamp));
			expect(new Set(sortedBy())).toEqual(new Set(['created_ts']));
			expect(callsTo(fleet).length).toBeLessThanOrEqual(5);
		} finally {
			await fleet.close();
		}
	}, 60_000);

	it('keeps the devices whose latest values fit, which have these tags, or which are picked', async () => {
		const all = jsonOf(await latest());
		const fits = all.filter((row) => temperatureOf(row) > 5);
		expect(fits.length).toBeGreaterThan(0);
		expect(jsonOf(await latest({ filters: values(warm) }))).toEqual(fits);
		const { hints } = await latest({ filters: values({ field: pick('pressure'), condition: 'above', than: '5' }) });
		expect(hints).toContainEqual(
			expect.stringMatching(RegExp(`^${all.length} devices left out: the latest packet does`)),
		);
		const tag = (row: IDataObject) => `_env:${String(row.environment)}`;
		const tags = [tag(all[0] as IDataObject)];
		expect(jsonOf(await latest({ filters: { tags } }))).toEqual(all.filter((row) => tag(row) === tags[0]));
		hubble.clearLog();
		const picked = [all[3], all[7]] as IDataObject[];
		const device = picked.map(({ deviceId }) => ({ deviceId: { __rl: true, mode: 'id', value: deviceId } }));
		expect(jsonOf(await latest({ filters: { devices: listed({ device }) } as never }))).toEqual(picked);
		expect(hubble.log.length).toBeGreaterThan(1);
		for (const entry of hubble.log) {
			expect(entry).toMatchObject({ call: 'listPackets', query: { device_id: expect.any(String) } });
		}
	});

	it('also gives devices without a packet, after the others, in the same fields', async () => {
		const period = { period: 'custom', startTime: '={{ $now.minus({ minutes: 10 }).toISO() }}' };
		const heard = jsonOf(await latest(period));
		const all = jsonOf(await latest({ ...period, options: { includeSilent: true } }));
		expect(heard.length).toBeGreaterThan(0);
		expect(heard.length).toBeLessThan(30);
		expect(all).toHaveLength(30);
		expect(all.slice(0, heard.length)).toEqual(heard);
		const silent = all.at(-1) ?? {};
		expect(Object.keys(silent)).toEqual(Object.keys(heard[0] ?? {}).filter((name) => name !== 'decodedUnits'));
		expect(silent).toMatchObject({ timestamp: null, decoded: null, payload: null, deviceName: expect.any(String) });
		expect(hubble.world.main.devices.has(String(silent.deviceId))).toBe(true);
	});

	it('looks beyond as many devices as its Limit for one whose value fits', async () => {
		const all = jsonOf(await latest());
		const than = all
			.map(temperatureOf)
			.filter((value) => !Number.isNaN(value))
			.at(-1);
		const first = all.findIndex((row) => temperatureOf(row) === than);
		expect(first).toBeGreaterThan(2);
		const filters = values({ field: pick('temperature'), condition: 'equal', than: String(than) });
		expect(jsonOf(await latest({ returnAll: false, limit: 1, filters }))).toEqual([all[first]]);
	});

	it.each(['production', 'sandbox'])(
		'gives the devices of one environment, also without a packet: %s',
		async (wanted) => {
			const isWanted = ({ deviceId }: IDataObject) =>
				hubble.world.main.devices.get(String(deviceId))?.tags._env === wanted;
			const options = { includeSilent: true };
			const all = jsonOf(await latest({ options }));
			const rows = jsonOf(await latest({ options, filters: { environment: wanted } }));
			expect(rows.length).toBeGreaterThan(0);
			expect(rows).toEqual(all.filter(isWanted));
			expect(rows.filter(({ environment }) => environment !== wanted)).toEqual([]);
			const heard = jsonOf(await latest({ filters: { environment: wanted } }));
			expect(heard).toEqual(rows.filter(({ timestamp }) => timestamp !== null));
		},
	);

	const picks = (ids: unknown[]) =>
		({
			devices: listed({ device: ids.map((value) => ({ deviceId: { __rl: true, mode: 'id', value } })) }),
		}) as IDataObject;

	it.each<[string, (silent: Device, heard: unknown) => IDataObject, boolean]>([
		['has its tags', ({ tags }) => ({ tags: [`model:${tags.model}`] }), true],
		['has other tags', () => ({ tags: ['model:Truck'] }), false],
		['takes a value', () => values(warm), false],
		['takes no value', () => values({ field: pick('temperature'), condition: 'absent' }), true],
		['picks it', ({ id }, heard) => picks([heard, id]), true],
		['picks another', (_, heard) => picks([heard]), false],
	])('gives a device without a packet as the filter says that %s', async (_, filtersFor, isGiven) => {
		const devices = [...hubble.world.main.devices.values()];
		const silent = devices[19] as Device;
		const filters = filtersFor(silent, devices[0]?.id) as INode['parameters'];
		const rows = jsonOf(await latest({ options: { includeSilent: true }, filters }));
		const without = rows.filter(({ timestamp }) => timestamp === null);
		expect(without.map(({ deviceId }) => deviceId)).toEqual(isGiven ? [silent.id] : []);
	});

	it('says how many devices and packets it left out, and why', async () => {
		const id = '6ea53e36-b7fb-429f-8c2e-d536cab71089';
		const timestamp = Math.floor(Date.now() / 1000) - 600;
		const most_recent_packet = { TERRESTRIAL: { timestamp } };
		const packet = { device: { id, payload: '', timestamp }, network_type: 'TERRESTRIAL' };
		const lists = { devices: [{ id, most_recent_packet }, { name: 'no ID' }], packets: [packet, { device: {} }] };
		const server = await answering(200, { org_id: hubble.organizationId, ...lists });
		const outcome = await latest({}, { credential: credentialFor(hubble, { baseUrl: server.url }) });
		await server.close();
		expect(jsonOf(outcome).map(({ deviceId }) => deviceId)).toEqual([id]);
		expect(outcome.hints).toEqual(
			expect.arrayContaining([
				expect.stringMatching(/^1 of the devices was left out: each needs an ID\.$/),
				expect.stringMatching(/^1 of the packets was left out: each needs a device ID/),
			]),
		);
	});

	it('gives the latest of a period that is past', async () => {
		const { packets } = hubble.world.main;
		const end = Math.floor(packets.timeOf(3000) / 1000);
		const until = packets.firstAt(end * 1000);
		const rows = jsonOf(await latest({ period: 'custom', endTime: new Date(end * 1000).toISOString() }));
		const expected = lastOf(hubble.world.main, until);
		expect(rows).toHaveLength(expected.size);
		for (const { deviceId, timestamp } of rows) {
			expect(timestamp).toBe(new Date(Number(expected.get(String(deviceId))?.timestamp) * 1000).toISOString());
		}
	});

	it('refuses a filter that says nothing, by name', async () => {
		const { error } = await latest({ filters: { tags: ['site'] } });
		expect(error?.message).toMatch(/^"Tags": "site" is not a tag/);
		expect(hubble.log).toEqual([]);
	});
});

describe('the values in Create Fleet Report', () => {
	const reportValues = { row: [{ field: pick('temperature') }, { field: pick('battery') }] };
	const report = async (parameters: INode['parameters'] = {}) =>
		await run({ operation: 'createReport', reportValues, ...parameters }, { node: new HubbleDevice() });
	const htmlOf = (outcome: Outcome) => String(jsonOf(outcome)[0]?.html);
	/** The rows of the table, as texts: name, temperature, battery, time, ID. */
	const rowsIn = (html: string) => {
		const [, table = ''] = /<h2>Values<\/h2>[^]*?<tbody>([^]*?)<\/tbody>/.exec(html) ?? [];
		return [...table.matchAll(/<tr>([^]*?)<\/tr>/g)].map(([, row = '']) =>
			[...row.matchAll(/<td[^>]*>([^]*?)<\/td>/g)].map(([, cell = '']) => cell.replace(/<[^>]*>/g, '')),
		);
	};
	/** What the latest packets say, by a reader of the test's own. */
	const expected = () => {
		const byId = new Map<string, { name: string; temperature: number; battery: number }>();
		for (const [id, { name, payload }] of lastOf()) {
			const bytes = Buffer.from(String(payload), 'base64');
			if (bytes[0] !== 0) continue;
			byId.set(id, { name: String(name), temperature: bytes.readInt16BE(4) / 100, battery: bytes.readUInt16BE(8) });
		}
		return byId;
	};

	it('are those of the latest packet of each device, in a table by name and in the tooltips of the map', async () => {
		const html = htmlOf(await report());
		const rows = rowsIn(html);
		const all = expected();
		expect(rows.map((row) => row.at(-1)).sort()).toEqual([...all.keys()].sort());
		for (const [name, temperature, battery, , id = ''] of rows) {
			expect({ name, temperature: Number(temperature), battery: Number(battery?.replace(',', '')) }).toEqual(
				all.get(id),
			);
		}
		const names = rows.map(([name]) => String(name));
		expect(names).toEqual([...names].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })));
		expect(html).toContain('<th class="n">temperature (°C)</th><th class="n">battery (mV)</th>');
		const without = hubble.world.main.devices.size - all.size;
		expect(html).toContain(`or which sent no packet: ${without}.</p>`);
		// A tooltip names some of the devices of its place: which they are depends on where all of them are now.
		const titles = [...html.matchAll(/<title>[^<]*/g)].join('\n');
		const named = [...titles.matchAll(/^(.+): temperature ([\d.-]+) °C, battery ([\d,]+) mV$/gm)];
		expect(named).not.toEqual([]);
		for (const [, name, temperature, battery = ''] of named) {
			const value = { name, temperature: Number(temperature), battery: Number(battery.replace(',', '')) };
			expect([...all.values()]).toContainEqual(value);
		}
		expect(callsTo(hubble).filter((call) => call === 'listPackets').length).toBeLessThanOrEqual(4);
	});

	it('are shown with all of their digits', async () => {
		const values = { row: [{ field: pick('counter') }, { field: pick('temperature') }] };
		const layout = { payloadLayout: 'counter: uint32 @2\ntemperature: int16 @4 ×0.01', decodePayload: 'layout' };
		const rows = rowsIn(htmlOf(await report({ reportValues: values, ...layout })));
		const counters = new Map([...lastOf()].map(([id, { payload }]) => [id, Buffer.from(String(payload), 'base64')]));
		const expected = (id: string) => counters.get(id)?.readUInt32BE(2);
		expect(rows.length).toBeGreaterThan(5);
		for (const [, counter = '', , , id = ''] of rows) expect(Number(counter.replace(/,/g, ''))).toBe(expected(id));
	});

	it('are those of the devices that the filters leave', async () => {
		const rows = rowsIn(htmlOf(await report({ filters: { nameContains: 'truck' } })));
		const trucks = [...expected().values()].filter(({ name }) => /truck/i.test(name));
		expect(trucks.length).toBeGreaterThan(0);
		expect(rows.map(([name]) => name).sort()).toEqual(trucks.map(({ name }) => name).sort());
	});

	it('take no packet where none is chosen, and say so where no packet has one', async () => {
		expect(htmlOf(await report({ reportValues: {} }))).not.toContain('<h2>Values</h2>');
		expect(callsTo(hubble)).toEqual(['listDevices']);
		const typo = { row: [{ field: { __rl: true, mode: 'id', value: 'temprature' } }] };
		expect(htmlOf(await report({ reportValues: typo }))).toContain(
			'No device has this value in its latest packet: temprature.',
		);
	});

	it('are refused for any item before the first is read', async () => {
		const payloadLayout = '={{ $itemIndex ? "x" : "temperature: int16 @4" }}';
		const node = new HubbleDevice();
		const input = [{ json: {} }, { json: {} }];
		const { error } = await run({ operation: 'createReport', reportValues, payloadLayout }, { node, input });
		expect(error?.message).toContain('"Payload Layout": line 1');
		expect(hubble.log).toEqual([]);
	});

	it.each<[INode['parameters'], string]>([
		[
			{ reportValues: { row: [{ field: pick('t') }, { field: pick('={{ undefined }}') }] } },
			'"Values": the expression',
		],
		[
			{ reportValues: { row: 'abcdefg'.split('').map((name) => ({ field: pick(name) })) } },
			'"Values": at most 6, not 7',
		],
		[{ payloadLayout: 'x' }, '"Payload Layout": line 1'],
	])('refuse %j before the first call', async (parameters, reason) => {
		expect((await report(parameters)).error?.message).toContain(reason);
		expect(hubble.log).toEqual([]);
	});
});
