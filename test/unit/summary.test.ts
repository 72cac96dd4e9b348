/** Summaries of decoded values, held against a slow reading of the same packets by luxon's calendar. */
import fc from 'fast-check';
import { DateTime } from 'luxon';
import type { Packet } from '../../nodes/shared/packet/packet';
import { Figures, numbersIn, Summary, type SummaryFrame } from '../../nodes/shared/packet/summary';

const packet = (timestamp: number, device: object = {}): Packet =>
	({ device: { id: 'a', name: 'Room', payload: '', timestamp, ...device } }) as Packet;

const summaryOf = (frame: Partial<SummaryFrame>) =>
	new Summary({ start: 0, end: 10, timezone: 'UTC', interval: 'period', groupBy: 'device', ...frame });

test('figures of values in any order', () => {
	fc.assert(
		fc.property(
			fc.array(fc.tuple(fc.integer({ min: -9999, max: 9999 }), fc.integer({ min: 0, max: 999 })), { minLength: 1 }),
			(series) => {
				const figures = new Figures();
				for (const [value, time] of series) figures.add(value / 100, time);
				const values = series.map(([value]) => value / 100);
				const byTime = series.map(([value, time]) => ({ value: value / 100, time })).sort((a, b) => a.time - b.time);
				expect([figures.count, figures.min, figures.max]).toEqual([
					values.length,
					Math.min(...values),
					Math.max(...values),
				]);
				expect(figures.mean).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / values.length, 9);
				expect([figures.first, figures.last]).toEqual([byTime[0]?.value, byTime.at(-1)?.value]);
			},
		),
	);
	const tenths = new Figures();
	for (const value of [0.1, 0.1, 2.5]) tenths.add(value, 0);
	expect(tenths.mean).toBe(0.9);
	// More digits than a mean is given with.
	const large = new Figures();
	large.add(1_795_161_600_123, 0);
	expect(large.mean).toBe(large.min);
});

const ZONES = [
	'Europe/Berlin',
	'America/New_York',
	'Asia/Kathmandu',
	'Australia/Lord_Howe',
	'America/Sao_Paulo',
	'UTC',
];

test.each(ZONES)('hours and days of %s are those of the calendar, across clock changes', (timezone) => {
	const from = Date.parse('2018-01-01T00:00:00Z') / 1000;
	fc.assert(
		fc.property(
			fc.constantFrom('day' as const, 'hour' as const),
			fc.integer({ min: from, max: from + 2 * 365 * 86_400 }),
			fc.integer({ min: 1, max: 30 * 86_400 }),
			fc.array(fc.double({ min: -0.1, max: 1.1, noNaN: true }), { maxLength: 40 }),
			(interval, start, length, parts) => {
				const end = start + length;
				const summary = summaryOf({ start, end, timezone, interval });
				const expected = new Map<number, number>();
				let outside = 0;
				for (const part of parts) {
					const time = start + Math.round(part * length);
					summary.add(packet(time), { decoded: { t: part } });
					if (time < start || time >= end) outside += 1;
					else {
						const begin = DateTime.fromSeconds(time, { zone: timezone }).startOf(interval).toMillis();
						expected.set(begin, (expected.get(begin) ?? 0) + 1);
					}
				}
				expect(summary.outside).toBe(outside);
				const rows = [...summary.rows()];
				expect(rows.map(({ startTime, count }) => [Date.parse(String(startTime)), count])).toEqual(
					[...expected].sort(([a], [b]) => a - b),
				);
				for (const { localTime, startTime, endTime } of rows) {
					const begin = DateTime.fromISO(String(startTime), { zone: timezone });
					expect(localTime).toBe(begin.toFormat(interval === 'day' ? 'yyyy-MM-dd' : 'yyyy-MM-dd HH:mm'));
					const day = DateTime.fromISO(String(endTime), { zone: timezone });
					if (interval === 'day') expect(day.startOf('day').toMillis()).toBe(day.toMillis());
				}
			},
		),
		{ numRuns: 150 },
	);
});

test('the hour that comes twice in autumn is two rows, the day has 25 hours', () => {
	const start = Date.parse('2026-10-25T00:00:00+02:00') / 1000;
	const frame = { start, end: start + 25 * 3600, timezone: 'Europe/Berlin' };
	const times = Array.from({ length: 25 }, (_, hour) => start + hour * 3600 + 60);
	const rowsBy = (interval: 'day' | 'hour') => {
		const summary = summaryOf({ ...frame, interval });
		for (const time of times) summary.add(packet(time), { decoded: { t: 1 } });
		return [...summary.rows()];
	};
	expect(rowsBy('day').map(({ localTime, count }) => [localTime, count])).toEqual([['2026-10-25', 25]]);
	const hours = rowsBy('hour');
	expect(hours).toHaveLength(25);
	expect(hours.filter(({ localTime }) => localTime === '2026-10-25 02:00').map(({ startTime }) => startTime)).toEqual([
		'2026-10-25T00:00:00.000Z',
		'2026-10-25T01:00:00.000Z',
	]);
});

describe('rows', () => {
	it('are by time, then by device, then by the order of the fields, and hold nothing but flat fields', () => {
		const summary = summaryOf({ end: 86_400 * 2, interval: 'day', fields: ['t', 'gps.h'] });
		const add = (time: number, id: string, name: string | undefined, t: number) =>
			summary.add(packet(time, { id, name }), { decoded: { t, gps: { h: 2 * t } }, decodedUnits: { t: '°C' } });
		add(90_000, 'a', 'Room 9', 5);
		add(1, 'b', 'Room 10', 1);
		add(2, 'a', 'Room 9', 2);
		// A device's own fields may come in another order.
		for (const decoded of [{ gps: { h: 6 } }, { t: 3 }])
			summary.add(packet(3, { id: 'c', name: undefined }), { decoded });
		add(4, 'a', 'Room 9', 4);
		expect([...summary.rows()].map((row) => [row.localTime, row.deviceName, row.field, row.count])).toEqual([
			['1970-01-01', null, 't', 1],
			['1970-01-01', null, 'gps.h', 1],
			['1970-01-01', 'Room 9', 't', 2],
			['1970-01-01', 'Room 9', 'gps.h', 2],
			['1970-01-01', 'Room 10', 't', 1],
			['1970-01-01', 'Room 10', 'gps.h', 1],
			['1970-01-02', 'Room 9', 't', 1],
			['1970-01-02', 'Room 9', 'gps.h', 1],
		]);
		expect([...summary.rows()][2]).toEqual({
			localTime: '1970-01-01',
			deviceName: 'Room 9',
			field: 't',
			unit: '°C',
			count: 2,
			min: 2,
			mean: 3,
			max: 4,
			first: 2,
			last: 4,
			startTime: '1970-01-01T00:00:00.000Z',
			endTime: '1970-01-02T00:00:00.000Z',
			deviceId: 'a',
		});
	});

	it('are by device before they are by field, whichever field came first', () => {
		const summary = summaryOf({});
		const add = (name: string, ...fields: string[]) =>
			summary.add(packet(1, { id: name, name }), { decoded: Object.fromEntries(fields.map((field) => [field, 1])) });
		add('A', 'a', 'b');
		add('B', 'b');
		add('B', 'a');
		expect([...summary.rows()].map((row) => [row.deviceName, row.field])).toEqual([
			['A', 'a'],
			['A', 'b'],
			['B', 'a'],
			['B', 'b'],
		]);
	});

	it('are one for each value of a tag, also as a list of texts, and one for devices without it', () => {
		const summary = summaryOf({ groupBy: 'tag', tag: 'site' });
		const tags = [{ site: 'Oslo' }, ['site=Oslo'], { site: 'Bergen' }, {}, { site: '' }];
		tags.forEach((own, index) => summary.add(packet(1, { id: String(index), tags: own }), { decoded: { t: index } }));
		expect([...summary.rows()].map(({ tag, tagValue, count }) => [tag, tagValue, count])).toEqual([
			['site', null, 1],
			['site', '', 1],
			['site', 'Bergen', 1],
			['site', 'Oslo', 2],
		]);
		expect([...summary.rows()][0]).not.toHaveProperty('deviceId');
	});

	it('are one for all devices together, under the latest name of each otherwise', () => {
		const all = summaryOf({ groupBy: 'all' });
		const each = summaryOf({});
		for (const summary of [all, each]) {
			summary.add(packet(1, { name: 'Old' }), { decoded: { t: 1 } });
			summary.add(packet(2, { name: 'New' }), { decoded: { t: 2 } });
			summary.add(packet(3, { name: undefined }), { decoded: { t: 3 } });
			summary.add(packet(4, { name: '' }), { decoded: { t: 2 } });
		}
		expect([...all.rows()].map(({ count, mean }) => [count, mean])).toEqual([[4, 2]]);
		expect([...all.rows()][0]).not.toHaveProperty('deviceName');
		expect([...each.rows()].map(({ deviceName }) => deviceName)).toEqual(['New']);
	});

	it('are of chosen fields, numbers as text too, and say which of them never came', () => {
		const summary = summaryOf({ fields: ['t', 'big', 'typo'] });
		summary.add(packet(1), { decoded: { t: null, big: '9007199254740993', other: 1 } });
		summary.add(packet(2), { decoded: { t: 'open', big: true } });
		summary.add(packet(3), { decodeError: 'short' });
		expect([...summary.rows()].map(({ field, count }) => [field, count])).toEqual([['big', 1]]);
		expect(summary.missing).toEqual(['t', 'typo']);
		expect([summary.isEmpty, summaryOf({}).isEmpty]).toEqual([false, true]);
	});

	it('take names that every object has like any other', () => {
		const summary = summaryOf({ groupBy: 'tag', tag: 'constructor' });
		const decoded = JSON.parse('{ "constructor": 1, "__proto__": 2 }');
		summary.add(packet(1), { decoded, decodedUnits: {} });
		expect([...summary.rows()].map(({ field, unit, mean, tagValue }) => [field, unit, mean, tagValue])).toEqual([
			['constructor', null, 1, null],
			['__proto__', null, 2, null],
		]);
	});

	it('are not more than memory holds', () => {
		const summary = summaryOf({});
		const fields = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`f${n}`, n]));
		const add = (id: number) => summary.add(packet(1, { id: String(id) }), { decoded: fields });
		for (let id = 0; id < 500; id++) add(id);
		add(0);
		expect(() => add(500)).toThrow('"Interval": there would be more than 500,000 rows');
	});
});

test('numbers of a payload, by their paths, and no deeper than payloads are', () => {
	const deep = { a: { a: { a: { a: { a: 1 } } } } };
	expect(numbersIn({ t: 1, on: true, name: '7', gps_1: { latitude: 2 }, list: [3], none: null, nan: NaN })).toEqual([
		['t', 1],
		['gps_1.latitude', 2],
	]);
	expect(numbersIn({ a: { b: { c: { d: 1, e: { f: 2 } } } } })).toEqual([['a.b.c.d', 1]]);
	expect([numbersIn(deep), numbersIn(5), numbersIn('x'), numbersIn(undefined)]).toEqual([[], [], [], []]);
});
