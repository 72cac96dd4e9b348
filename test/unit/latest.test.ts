/** The latest packet of each device: nothing newer is missed, and reading ends as soon as it can. */
import fc from 'fast-check';
import type { IDataObject } from 'n8n-workflow';
import { newRateLimiter } from '../../nodes/shared/client/rateLimiter';
import type { Work } from '../../nodes/shared/operation/operation';
import { LatestPackets } from '../../nodes/shared/packet/latest';
import type { Packet } from '../../nodes/shared/packet/packet';
import { LatestReader } from '../../nodes/shared/packet/readLatest';

interface Received {
	id: string;
	receivedAt: number;
	heardAt: number;
	value: number;
	isSatellite?: boolean;
}

const START = 1_000_000;
const NOW = START + 86_400;

const packetOf = ({ id, heardAt, value, isSatellite = false }: Received): Packet => ({
	device: { id, payload: String(value), timestamp: heardAt },
	network_type: isSatellite ? 'SATELLITE' : 'TERRESTRIAL',
});

/** Hubble with this history, and what it is asked for. */
function hubbleWith(history: readonly Received[]) {
	const asked: IDataObject[] = [];
	const hubble = {
		context: { getNode: () => ({ name: 'Hubble' }) },
		service: { rateLimiter: newRateLimiter() },
		with: () => hubble,
		async send({ query, continuationToken = '0' }: { query: IDataObject; continuationToken?: string }) {
			const { device_id: only, start, end } = query;
			const [from, to, at] = [Number(start), Number(end), Number(continuationToken)];
			if (!(Number.isInteger(from) && from >= START && from < to)) throw new Error(`from ${from} to ${to}`);
			asked.push(query);
			const isAskedFor = ({ id, receivedAt }: Received) =>
				receivedAt >= from && receivedAt < to && (only === undefined || id === only);
			const all = history.filter(isAskedFor);
			const next = at + 1000 < all.length ? String(at + 1000) : undefined;
			const packets = all.slice(at, at + 1000).map(packetOf);
			return { body: { packets }, headers: { 'continuation-token': next }, ms: 0 };
		},
	};
	return { hubble, asked };
}

type Stamps = ReadonlyMap<string, readonly number[]>;

interface Search {
	start?: number;
	end?: number;
}

/**
 * Reads a history as the node does.
 * @param wanted what the device list says of each device; or picked devices, which are asked for one by one
 */
async function search(
	history: readonly Received[],
	wanted: Stamps | readonly string[],
	{ start = START, end = NOW }: Search = {},
) {
	const { hubble, asked } = hubbleWith(history);
	const work = { hubble, request: { query: {} }, hints: new Set() } as unknown as Work;
	const reader = new LatestReader(work, { start, end, now: NOW }, () => true);
	if (wanted instanceof Map) {
		for (const [id, stamps] of wanted as Stamps) reader.latest.expectHeard(id, stamps);
		await reader.readBackwards();
	} else for (const id of wanted as readonly string[]) reader.latest.expect(id, NaN);
	await reader.readMissing();
	const alone = new Set(asked.flatMap(({ device_id }) => device_id ?? []));
	return { packets: reader.latest.packets(), requests: asked.length, alone: [...alone] };
}

const valuesOf = ({ packets }: { packets: readonly Packet[] }) => packets.map(({ device }) => Number(device.payload));

/** The greatest of each device, by time heard and then by receipt. */
function truth(history: readonly Received[]): Map<string, Received> {
	const best = new Map<string, Received>();
	for (const one of history) if (one.heardAt >= (best.get(one.id)?.heardAt ?? -Infinity)) best.set(one.id, one);
	return best;
}

const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];

const received = fc.record({
	id: fc.constantFrom(...IDS),
	receivedAt: fc.integer({ min: START, max: NOW - 1 }),
	/** By satellite alone: seconds on the way. */
	delay: fc.option(fc.integer({ min: 0, max: 6 * 3600 }), { nil: undefined }),
});

const historyOf = (rows: ReadonlyArray<{ id: string; receivedAt: number; delay?: number }>): Received[] =>
	rows
		.map(({ id, receivedAt, delay }, value) => {
			const isSatellite = delay !== undefined;
			return { id, receivedAt, heardAt: receivedAt - (delay ?? 0), value, isSatellite };
		})
		.sort((a, b) => a.receivedAt - b.receivedAt);

/** What an up-to-date device list says. */
const stampsOf = (history: readonly Received[]) =>
	new Map([...truth(history)].map(([id, { heardAt }]) => [id, [heardAt]]));

test('of each device the packet that was heard last, however late others come by satellite', async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(received, { maxLength: 80, size: 'max' }), async (rows) => {
			const history = historyOf(rows);
			const { packets } = await search(history, stampsOf(history));
			const found = new Map(packets.map((one) => [one.device.id, one.device]));
			for (const [id, { heardAt, value }] of truth(history)) {
				// What was heard before the period is not looked for.
				if (heardAt >= START) expect(found.get(id)).toMatchObject({ timestamp: heardAt, payload: String(value) });
			}
		}),
		{ numRuns: 150 },
	);
});

test('the same of picked devices, of which nobody knows when they were heard, and in a period that is past', async () => {
	const ends = fc.oneof(fc.constant(NOW), fc.integer({ min: START + 1, max: NOW }));
	await fc.assert(
		fc.asyncProperty(fc.array(received, { maxLength: 80, size: 'max' }), ends, async (rows, end) => {
			const history = historyOf(rows);
			const best = truth(history.filter(({ receivedAt }) => receivedAt < end));
			const { packets } = await search(history, IDS, { end });
			const found = new Map(packets.map(({ device }) => [device.id, Number(device.payload)]));
			expect(found).toEqual(new Map([...best].map(([id, { value }]) => [id, value])));
		}),
		{ numRuns: 150 },
	);
});

test('with a list of devices that lags behind, nothing older than the list', async () => {
	const rows = fc.array(received, { maxLength: 60, size: 'max' });
	await fc.assert(
		fc.asyncProperty(rows, fc.integer({ min: 0, max: 900 }), async (given, lag) => {
			const history = historyOf(given);
			const listed = history.filter(({ receivedAt }) => receivedAt < NOW - lag);
			const { packets } = await search(history, stampsOf(listed));
			const found = new Map(packets.map((one) => [one.device.id, one.device]));
			for (const [id, { heardAt }] of truth(listed)) {
				if (heardAt >= START) expect(Number(found.get(id)?.timestamp)).toBeGreaterThanOrEqual(heardAt);
			}
		}),
		{ numRuns: 100 },
	);
});

/** A fleet that sends at even distances, each device at a time of its own. */
const fleetOf = (devices: number, every: number, name = 'd'): Received[] =>
	Array.from({ length: Math.floor((devices * 86_400) / every) }, (_, n) => {
		const receivedAt = NOW - 1 - Math.floor((n * every) / devices);
		return { id: `${name}${n % devices}`, receivedAt, heardAt: receivedAt, value: n };
	}).reverse();

describe('requests', () => {
	it('are no more than the pages in which each device sent once', async () => {
		const history = fleetOf(2500, 3600);
		const { packets, requests, alone } = await search(history, stampsOf(history));
		expect([packets.length, requests, alone]).toEqual([2500, 3, []]);
	});

	it('are few where some devices send each minute and some were heard long ago: those are asked for alone', async () => {
		const quiet = fleetOf(4, 86_400, 'quiet').map((one, n) => ({
			...one,
			receivedAt: START + 1000 * n,
			heardAt: START + 1000 * n,
		}));
		const history = [...quiet, ...fleetOf(100, 60)];
		const { packets, requests, alone } = await search(history, stampsOf(history));
		expect(packets).toHaveLength(104);
		expect(alone).toHaveLength(4);
		expect(requests).toBeLessThanOrEqual(6);
	});

	it('are few for a small fleet of which one is silent', async () => {
		const silent = { id: 'silent', receivedAt: START + 5, heardAt: START + 5, value: 0 };
		const history = [silent, ...fleetOf(10, 3600)];
		expect((await search(history, stampsOf(history))).requests).toBeLessThanOrEqual(3);
	});

	it('are few in a period that is past, of which the list of devices knows nothing', async () => {
		const history = fleetOf(2500, 3600);
		const end = NOW - 4 * 3600;
		const past = history.filter(({ receivedAt }) => receivedAt < end);
		const { packets, requests } = await search(history, stampsOf(history), { end });
		expect(packets).toHaveLength(2500);
		const latest = truth(past);
		for (const { device } of packets) expect(device.timestamp).toBe(latest.get(device.id)?.heardAt);
		expect(requests).toBeLessThanOrEqual(8);
	});

	const heard = (id: string, ago: number, delay?: number): Received => ({
		id,
		receivedAt: NOW - ago,
		heardAt: NOW - ago - (delay ?? 0),
		value: ago,
		isSatellite: delay !== undefined,
	});

	it('are one for each picked device whose newest packet came over the ground, two where it came by satellite', async () => {
		const history = [heard('a', 30), heard('b', 20), heard('b', 10)];
		expect(await search(history, ['a', 'b'])).toMatchObject({ requests: 2, alone: ['a', 'b'] });
		const late = [heard('a', 600), heard('a', 30, 3600)];
		const found = await search(late, ['a']);
		expect([valuesOf(found), found.requests]).toEqual([[600], 2]);
	});

	it('are none for a device alone where all of the period was read', async () => {
		// A stamp from the future says nothing, and behind a packet by satellite there may be a later one.
		const stamps = new Map([['a', [NOW + 86_400]]]);
		const found = await search([heard('a', 30, 60)], stamps, { start: NOW - 200 });
		expect([valuesOf(found), found.requests, found.alone]).toEqual([[30], 1, []]);
	});
});

describe('a stamp from the future', () => {
	const [future, present] = [NOW + 86_400, NOW - 20_000];
	const ahead = { id: 'a', receivedAt: NOW - 10, heardAt: future, value: 1 };
	const right = { id: 'a', receivedAt: present, heardAt: present, value: 2 };

	it.each<[string, Stamps | readonly string[]]>([
		['is picked', ['a']],
		['is listed with it alone', new Map([['a', [future]]])],
		['is listed with a right one beside it', new Map([['a', [present, future]]])],
		['is listed with one from before the period beside it', new Map([['a', [START - 1, future]]])],
		['is listed with a right one that the history does not hold', new Map([['a', [NOW - 100]]])],
	])('counts only where a device has no other that %s', async (_, wanted) => {
		expect(valuesOf(await search([right, ahead], wanted))).toEqual([2]);
		const older = { ...ahead, receivedAt: NOW - 10_000, value: 3 };
		expect(valuesOf(await search([older, ahead], wanted))).toEqual([1]);
	});

	it('comes last', async () => {
		const other = { id: 'b', receivedAt: START, heardAt: START, value: 3 };
		const stamps = new Map([
			['a', [future]],
			['b', [START]],
		]);
		expect(valuesOf(await search([other, ahead], stamps))).toEqual([3, 1]);
	});
});

test('a packet that is not wanted is not given, and ends the search for its device', () => {
	const latest = new LatestPackets({ start: START, end: NOW, now: NOW });
	latest.expect('a', NOW - 10);
	latest.add(packetOf({ id: 'a', receivedAt: NOW - 10, heardAt: NOW - 10, value: 1 }), 1, false);
	expect([latest.packets(), latest.missing, latest.has('a')]).toEqual([[], [], false]);
});

test('of packets of one instant, the one that Hubble received last', () => {
	const latest = new LatestPackets({ start: START, end: NOW, now: NOW });
	const at = (value: number, reading: number) =>
		latest.add(packetOf({ id: 'a', receivedAt: NOW - 10, heardAt: NOW - 10, value }), reading);
	at(1, 1);
	at(2, 1);
	// An earlier part of the period.
	at(3, 2);
	expect(latest.packets().map(({ device }) => device.payload)).toEqual(['2']);
});

describe('devices that are looked for', () => {
	const missing = (expect: (latest: LatestPackets) => void) => {
		const latest = new LatestPackets({ start: START, end: NOW + 1000, now: NOW });
		expect(latest);
		return latest.missing.map(([, time]) => time);
	};

	test.each<[string, number[], number[]]>([
		['never heard', [], []],
		['heard over two networks', [NOW - 100, NOW - 50], [NOW - 50]],
		['heard before the period', [START - 1], []],
		['heard as it began', [START], [START]],
		['with a stamp that can just be', [NOW + 299, NOW - 50], [NOW + 299]],
		['with a stamp at the bound', [NOW + 300], [NaN]],
		['with a stamp that cannot be', [NOW + 301], [NaN]],
		['with a stamp that cannot be and one that can', [NOW + 301, NOW - 50], [NOW - 50]],
		['with a stamp that cannot be and one from before the period', [START - 1, NOW + 301], [NaN]],
	])('one %s', (_, stamps, times) => {
		expect(missing((latest) => latest.expectHeard('a', stamps))).toEqual(times);
	});

	test.each<[string, number, number, number, boolean?]>([
		['that time or later', NOW - 50.5, NOW - 51, 0],
		['that time by satellite', NOW - 50.5, NOW - 51, 0, true],
		['earlier', NOW - 50.5, NOW - 51.1, 1],
		['at any time on the ground, where nobody knows', NaN, START, 0],
		['by a satellite, where nobody knows: it may have been overtaken', NaN, START, 1, true],
		['in the future', NOW - 50, NOW + 301, 1],
		['in the future, where nobody knows', NaN, NOW + 301, 1],
		['ahead as clocks are', NOW - 50, NOW + 300, 0],
	])('until a packet was heard %s', (_, expected, heardAt, left, isSatellite = false) => {
		const found = missing((latest) => {
			latest.expect('a', expected);
			latest.add(packetOf({ id: 'a', receivedAt: NOW, heardAt, value: 1, isSatellite }), 1);
			expect(latest.has('a')).toBe(true);
		});
		expect(found).toHaveLength(left);
	});
});

const before = (...seconds: number[]) => seconds.map((ago) => NOW - ago);

test.each<[string, { times: number[]; reached?: number; rows?: number; start?: number; from?: number }]>([
	['nowhere where none is missing', { times: [] }],
	['nowhere before the period', { times: [NaN], start: NOW }],
	['first, where half of the devices were heard', { times: before(30, 10, 20), from: NOW - 20 }],
	['first, where about a page of them was', { times: before(...Array(3000).keys()), from: NOW - 900 }],
	['first, by whole seconds', { times: before(10.5), from: NOW - 11 }],
	['first, by little where nobody knows when they were heard', { times: [NaN], from: NOW - 300 }],
	['first, no further than the period', { times: [NaN], start: NOW - 100, from: NOW - 100 }],
	['nowhere for a single device', { times: before(1500), reached: NOW - 1000, rows: 1000 }],
	[
		'where two are at the cost of one',
		{ times: before(1500, 2000), reached: NOW - 1000, rows: 1000, from: NOW - 2000 },
	],
	['nowhere where two cost more', { times: before(1500, 3001), reached: NOW - 1000, rows: 1000 }],
	['for two of three', { times: before(1500, 2000, 50_000), reached: NOW - 1000, rows: 1000, from: NOW - 2000 }],
	['four times as far at most', { times: before(6000, 7000), reached: NOW - 1000, rows: 0, from: NOW - 5000 }],
	['by the density of packets', { times: before(2500, 2900), reached: NOW - 1000, rows: 500, from: NOW - 2900 }],
	[
		'anywhere for those that were not where they were heard',
		{ times: before(1000, 1000), reached: NOW - 1000, start: NOW - 1900, rows: 1000, from: NOW - 1900 },
	],
])('reads back %s', (_, { times, reached = NOW, rows = 0, start = START, from }) => {
	const latest = new LatestPackets({ start, end: NOW, now: NOW });
	times.forEach((time, index) => latest.expect(`${index}`, time));
	expect(latest.next(reached, rows)).toBe(from);
});

test('packets of one instant are by the IDs of their devices', () => {
	const latest = new LatestPackets({ start: START, end: NOW, now: NOW });
	for (const id of ['b', 'a', 'c']) latest.add(packetOf({ id, receivedAt: NOW, heardAt: NOW - 1, value: 0 }), 1);
	expect(latest.packets().map(({ device }) => device.id)).toEqual(['a', 'b', 'c']);
});
