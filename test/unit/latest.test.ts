/** The latest packet of each device: nothing newer is missed, and reading ends as soon as it can. */
import fc from 'fast-check';
import { LatestPackets } from '../../nodes/shared/packet/latest';
import type { Packet } from '../../nodes/shared/packet/packet';

interface Received {
	id: string;
	receivedAt: number;
	heardAt: number;
	value: number;
}

const START = 1_000_000;
const NOW = START + 86_400;

const packetOf = ({ id, heardAt, value }: Received): Packet => ({
	device: { id, payload: String(value), timestamp: heardAt },
});

/** Reads a history as the node does: backwards, then alone what is missing. */
function search(history: readonly Received[], stamps: ReadonlyMap<string, number>, end = NOW) {
	const latest = new LatestPackets({ start: START, end, now: NOW });
	for (const [id, time] of stamps) latest.expect(id, time);
	const between = (from: number, to: number) =>
		history.filter(({ receivedAt }) => receivedAt >= from && receivedAt < to);
	let [reached, rows, requests, reading] = [end, 0, 0, 0];
	for (let from = latest.next(end, 0); from !== undefined; from = latest.next(reached, rows)) {
		if (!(from < reached && from >= START && Number.isInteger(from))) throw new Error(`from ${from} to ${reached}`);
		const page = between(from, reached);
		reading += 1;
		for (const one of page) latest.add(packetOf(one), reading);
		requests += Math.max(1, Math.ceil(page.length / 1000));
		rows += page.length;
		reached = from;
	}
	const alone = latest.missing.map(([id]) => id);
	for (const id of alone) {
		reading += 1;
		for (const one of between(START, end)) if (one.id === id) latest.add(packetOf(one), reading);
	}
	return { packets: latest.packets(), requests: requests + alone.length, alone };
}

/** The greatest of each device, by time heard and then by receipt. */
function truth(history: readonly Received[]): Map<string, Received> {
	const best = new Map<string, Received>();
	for (const one of history) if (one.heardAt >= (best.get(one.id)?.heardAt ?? -Infinity)) best.set(one.id, one);
	return best;
}

const received = fc.record({
	id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
	receivedAt: fc.integer({ min: START, max: NOW - 1 }),
	delay: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 6 * 3600 })),
	value: fc.integer({ min: 0, max: 999 }),
});

const historyOf = (rows: ReadonlyArray<{ id: string; receivedAt: number; delay: number; value: number }>): Received[] =>
	rows
		.map(({ id, receivedAt, delay, value }) => ({ id, receivedAt, heardAt: receivedAt - delay, value }))
		.sort((a, b) => a.receivedAt - b.receivedAt);

test('of each device the packet that was heard last, however late others come by satellite', () => {
	fc.assert(
		fc.property(fc.array(received, { maxLength: 80, size: 'max' }), (rows) => {
			const history = historyOf(rows);
			const best = truth(history);
			const stamps = new Map([...best].map(([id, { heardAt }]) => [id, heardAt]));
			const found = new Map(search(history, stamps).packets.map((one) => [one.device.id, one.device]));
			for (const [id, { heardAt, value }] of best) {
				// What was heard before the period is not looked for.
				if (heardAt >= START) expect(found.get(id)).toMatchObject({ timestamp: heardAt, payload: String(value) });
			}
		}),
		{ numRuns: 150 },
	);
});

test('with a list of devices that lags behind, nothing older than the list', () => {
	fc.assert(
		fc.property(fc.array(received, { maxLength: 60, size: 'max' }), fc.integer({ min: 0, max: 900 }), (rows, lag) => {
			const history = historyOf(rows);
			const listed = truth(history.filter(({ receivedAt }) => receivedAt < NOW - lag));
			const stamps = new Map([...listed].map(([id, { heardAt }]) => [id, heardAt]));
			const found = new Map(search(history, stamps).packets.map((one) => [one.device.id, one.device]));
			for (const [id, { heardAt }] of listed) {
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

const stampsOf = (history: readonly Received[]) =>
	new Map([...truth(history)].map(([id, { heardAt }]) => [id, heardAt]));

describe('requests', () => {
	it('are no more than the pages in which each device sent once', () => {
		const history = fleetOf(2500, 3600);
		const { packets, requests, alone } = search(history, stampsOf(history));
		expect([packets.length, requests, alone]).toEqual([2500, 3, []]);
	});

	it('are few where some devices send each minute and some were heard long ago: those are asked for alone', () => {
		const quiet = fleetOf(4, 86_400, 'quiet').map((one, n) => ({
			...one,
			receivedAt: START + 1000 * n,
			heardAt: START + 1000 * n,
		}));
		const history = [...quiet, ...fleetOf(100, 60)];
		const { packets, requests, alone } = search(history, stampsOf(history));
		expect(packets).toHaveLength(104);
		expect(alone).toHaveLength(4);
		expect(requests).toBeLessThanOrEqual(6);
	});

	it('are few for a small fleet of which one is silent', () => {
		const silent = { id: 'silent', receivedAt: START + 5, heardAt: START + 5, value: 0 };
		const history = [silent, ...fleetOf(10, 3600)];
		expect(search(history, stampsOf(history)).requests).toBeLessThanOrEqual(3);
	});

	it('are few in a period that is past, of which the list of devices knows nothing', () => {
		const history = fleetOf(2500, 3600);
		const end = NOW - 4 * 3600;
		const past = history.filter(({ receivedAt }) => receivedAt < end);
		const { packets, requests } = search(history, stampsOf(history), end);
		expect(packets).toHaveLength(2500);
		const latest = truth(past);
		for (const { device } of packets) expect(device.timestamp).toBe(latest.get(device.id)?.heardAt);
		expect(requests).toBeLessThanOrEqual(8);
	});
});

describe('a stamp from the future', () => {
	const ahead = { id: 'a', receivedAt: NOW - 10, heardAt: NOW + 86_400, value: 1 };
	const right = { id: 'a', receivedAt: NOW - 20, heardAt: NOW - 20, value: 2 };

	it('counts only where a device has no other', () => {
		const stamps = new Map([['a', NOW - 20]]);
		expect(search([right, ahead], stamps).packets.map(({ device }) => device.payload)).toEqual(['2']);
		expect(search([ahead], new Map([['a', NOW + 86_400]])).packets.map(({ device }) => device.payload)).toEqual(['1']);
	});

	it('comes last', () => {
		const other = { id: 'b', receivedAt: START, heardAt: START, value: 3 };
		const stamps = new Map([
			['a', NOW + 86_400],
			['b', START],
		]);
		expect(search([other, ahead], stamps).packets.map(({ device }) => device.id)).toEqual(['b', 'a']);
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
		['with a stamp that cannot be', [NOW - 50, NOW + 301], [NaN]],
	])('one %s', (_, stamps, times) => {
		expect(missing((latest) => latest.expectHeard('a', stamps))).toEqual(times);
	});

	test.each<[string, number, number, number]>([
		['that time or later', NOW - 50.5, NOW - 51, 0],
		['earlier', NOW - 50.5, NOW - 51.1, 1],
		['at any time, where nobody knows', NaN, START, 0],
		['in the future', NOW - 50, NOW + 301, 1],
		['ahead as clocks are', NOW - 50, NOW + 300, 0],
	])('until a packet was heard %s', (_, expected, heardAt, left) => {
		const found = missing((latest) => {
			latest.expect('a', expected);
			latest.add(packetOf({ id: 'a', receivedAt: NOW, heardAt, value: 1 }), 1);
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
