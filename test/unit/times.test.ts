/** Periods of the calendar in a time zone. */
import { DateTime } from 'luxon';
import fc from 'fast-check';
import {
	binAt,
	binEdges,
	calendarPeriod,
	camelCase,
	duration,
	inCamelCase,
	isoTime,
	isTimeName,
	shortTime,
	timeText,
	withIsoTimes,
} from '../../nodes/shared/operation/times';

const at = (text: string) => Date.parse(text) / 1000;

it.each([
	// A day of 25 hours, one of 23, and a month that has one.
	['yesterday', 'Europe/Berlin', '2026-10-26T09:00:00Z', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z'],
	['yesterday', 'Europe/Berlin', '2026-03-30T09:00:00Z', '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z'],
	['lastMonth', 'Europe/Berlin', '2026-11-28T09:00:00Z', '2026-09-30T22:00:00Z', '2026-10-31T23:00:00Z'],
	['lastMonth', 'America/New_York', '2026-01-05T09:00:00Z', '2025-12-01T05:00:00Z', '2026-01-01T05:00:00Z'],
	['thisMonth', 'Asia/Kolkata', '2026-10-31T18:30:00Z', '2026-10-31T18:30:00Z', '2026-10-31T18:30:01Z'],
	['today', 'Asia/Tokyo', '2026-11-27T15:30:00Z', '2026-11-27T15:00:00Z', '2026-11-27T15:30:00Z'],
	['today', 'America/Los_Angeles', '2026-11-28T07:59:59.5Z', '2026-11-27T08:00:00Z', '2026-11-28T08:00:00Z'],
	// Midnight is left out: the day begins at 1 o'clock. Midnight comes twice: the day begins with the first. Clocks go back to the day before: it is the second.
	['today', 'Africa/Cairo', '2026-04-24T10:00:00Z', '2026-04-23T22:00:00Z', '2026-04-24T10:00:00Z'],
	['today', 'America/Havana', '2026-11-01T20:00:00Z', '2026-11-01T04:00:00Z', '2026-11-01T20:00:00Z'],
	['today', 'Asia/Beirut', '2026-10-25T10:00:00Z', '2026-10-24T22:00:00Z', '2026-10-25T10:00:00Z'],
	['today', 'Asia/Amman', '2021-10-29T10:00:00Z', '2021-10-28T21:00:00Z', '2021-10-29T10:00:00Z'],
])('%s in %s at %s', (name, timezone, now, start, end) => {
	expect(calendarPeriod(name, at(now), timezone)).toEqual({ start: at(start), end: at(end) });
});

it('a name that is no period of the calendar gives none', () => {
	expect(calendarPeriod('last7Days', 1.8e9, 'UTC')).toBeUndefined();
	expect(calendarPeriod('toString', 1.8e9, 'UTC')).toBeUndefined();
});

it('days and months are those of luxon, in every zone and at any moment of 30 years', () => {
	const zones = Intl.supportedValuesOf('timeZone');
	fc.assert(
		fc.property(fc.integer({ min: 1e9, max: 1.95e9 }), fc.constantFrom(...zones), (now, zone) => {
			const local = DateTime.fromSeconds(now, { zone });
			const expected = {
				today: local.startOf('day'),
				yesterday: local.startOf('day').minus({ days: 1 }).startOf('day'),
				thisMonth: local.startOf('month'),
				lastMonth: local.startOf('month').minus({ months: 1 }).startOf('month'),
			};
			for (const [name, start] of Object.entries(expected)) {
				const period = calendarPeriod(name, now, zone);
				const found = period && DateTime.fromSeconds(period.start, { zone });
				// A midnight that comes twice luxon takes for its second.
				expect([0, 3600]).toContain(start.toSeconds() - (period?.start ?? 0));
				expect(found?.toISODate()).toBe(start.toISODate());
				expect(DateTime.fromSeconds((period?.start ?? 0) - 1, { zone }).toISODate()).not.toBe(start.toISODate());
			}
		}),
		{ numRuns: 500 },
	);
});

it('a time is ISO text, and none where it is none', () => {
	expect([1.5, 0, NaN, 1e300].map(isoTime)).toEqual([
		'1970-01-01T00:00:01.500Z',
		'1970-01-01T00:00:00.000Z',
		null,
		null,
	]);
	expect([timeText(1e300, 'UTC'), timeText(1500, 'Asia/Kolkata')]).toEqual(['', '1970-01-01 05:30:01']);
	expect(shortTime(at('2026-11-28T23:02:00Z'), 'Europe/Berlin')).toBe('29 Nov 00:02');
});

it('times of Hubble are known by their names, at any depth; 0 is never', () => {
	expect(['timestamp', 'created_at', 'current_period_end', 'toString', 'rssi'].map(isTimeName)).toEqual([
		true,
		true,
		false,
		false,
		false,
	]);
	const row = {
		expires_at_seconds: 0,
		list: [{ timestamp: 60, note: 'x' }, null, 7],
		sub: { next_payment_date: 60e6, created_at: '60', own: null },
		constructor: 1,
	};
	const minute = '1970-01-01T00:01:00.000Z';
	expect(withIsoTimes(row as never)).toEqual({
		expires_at_seconds: 0,
		expires_at_seconds_iso: null,
		list: [{ timestamp: 60, timestamp_iso: minute, note: 'x' }, null, 7],
		sub: { next_payment_date: 60e6, next_payment_date_iso: minute, created_at: '60', own: null },
		constructor: 1,
	});
	expect(inCamelCase(row as never)).toEqual({
		expiresAt: null,
		list: [{ timestamp: minute, note: 'x' }, null, 7],
		sub: { nextPaymentDate: minute, createdAt: '60', own: null },
		constructor: 1,
	});
	const names = ['org_id', '_env', 'v2_x', 'a_seconds_b', 'a__b', 'a_B'];
	expect(names.map(camelCase)).toEqual(['orgId', '_env', 'v2X', 'aSecondsB', 'a__b', 'a_B']);
});

it.each([
	[59, 'less than a minute'],
	[60, '1 minute'],
	[7199, '120 minutes'],
	[7200, '2 hours'],
	[3 * 86_400 - 1, '72 hours'],
	[3 * 86_400, '3 days'],
])('%i s are %s', (seconds, words) => expect(duration(seconds)).toBe(words));

it('bins begin where the clocks show a multiple of their size, through both changes of a year', () => {
	const zone = 'Europe/Berlin';
	const edges = (start: string, end: string, size: number) =>
		binEdges(at(start), at(end), size, zone).map((edge) => timeText(edge * 1000, zone).slice(5, 16));
	expect(edges('2026-03-28T23:00:00Z', '2026-03-29T03:30:00Z', 3600)).toEqual(
		['00', '01', '03', '04', '05', '06'].map((hour) => `03-29 ${hour}:00`),
	);
	expect(edges('2026-10-24T23:10:00Z', '2026-10-25T02:00:00Z', 3600)).toEqual(
		['01', '02', '02', '03'].map((hour) => `10-25 ${hour}:00`),
	);
	// From the first pass of the hour that comes twice.
	expect(edges('2026-10-25T00:45:00Z', '2026-10-25T01:35:00Z', 1800)).toEqual(
		['02:30', '02:00', '02:30', '03:00'].map((time) => `10-25 ${time}`),
	);
	// Where the clocks go back by two hours.
	const troll = binEdges(at('2026-10-25T00:50:00Z'), at('2026-10-25T01:40:00Z'), 1800, 'Antarctica/Troll');
	expect(troll.map((edge) => isoTime(edge))).toEqual(
		['00:30', '01:00', '01:30', '02:00'].map((time) => `2026-10-25T${time}:00.000Z`),
	);
	expect(edges('2026-10-25T00:10:00Z', '2026-10-25T00:50:00Z', 1200)).toEqual(
		['02:00', '02:20', '02:40', '02:00'].map((time) => `10-25 ${time}`),
	);
	expect(edges('2026-03-28T10:00:00Z', '2026-03-30T10:00:00Z', 86_400)).toEqual(
		['03-28', '03-29', '03-30', '03-31'].map((day) => `${day} 00:00`),
	);
	expect(edges('2026-10-25T00:00:00Z', '2026-10-25T12:00:00Z', 6 * 3600)).toEqual(
		['00', '06', '12', '18'].map((hour) => `10-25 ${hour}:00`),
	);
	const west = binEdges(at('2026-11-01T04:10:00Z'), at('2026-11-01T07:00:00Z'), 3600, 'America/New_York');
	expect(west.map((edge) => isoTime(edge))).toEqual(
		['04', '05', '06', '07'].map((hour) => `2026-11-01T${hour}:00:00.000Z`),
	);
	// Clocks that leave out midnight, east and west of UTC: the day begins at one o'clock.
	const paulo = binEdges(at('2018-11-03T12:00:00Z'), at('2018-11-05T12:00:00Z'), 86_400, 'America/Sao_Paulo');
	expect(paulo.map((edge) => isoTime(edge))).toEqual(
		['03T03', '04T03', '05T02', '06T02'].map((hour) => `2018-11-${hour}:00:00.000Z`),
	);
	const cairo = binEdges(at('2026-04-23T10:00:00Z'), at('2026-04-24T22:00:00Z'), 86_400, 'Africa/Cairo');
	expect(cairo.map((edge) => isoTime(edge))).toEqual(
		['22T22', '23T22', '24T21', '25T21'].map((hour) => `2026-04-${hour}:00:00.000Z`).slice(0, cairo.length),
	);
});

it('the bin of a time', () => {
	const edges = [0, 10, 20, 30];
	expect([-1, 0, 9.9, 10, 29, 30, 99].map((time) => binAt(edges, time))).toEqual([0, 0, 0, 1, 2, 2, 2]);
	expect(binAt([0, 10], 5)).toBe(0);
});
