/** Dates and times as people, spreadsheets and programs write them: read as they are meant, or refused. */
import fc from 'fast-check';
import { DateTime } from 'luxon';
import { unixSeconds } from '../../nodes/shared/operation/dates';

// The server of the tests is in UTC: what is read by its zone is an hour late.
const seconds = (value: unknown) => unixSeconds('down')(value, { timezone: 'Europe/Berlin' });
const at = (iso: string) => Date.parse(iso) / 1000;
const EIGHT_FIVE = '2026-11-20T07:05:00Z';

describe('a date is read as it is meant', () => {
	test.each([
		['2026-11-20', '2026-11-19T23:00:00Z'],
		['2026-11-3', '2026-11-02T23:00:00Z'],
		['2026-1-3', '2026-01-02T23:00:00Z'],
		['2026-11', '2026-10-31T23:00:00Z'],
		['2026/11/20', '2026-11-19T23:00:00Z'],
		['2026.11.20', '2026-11-19T23:00:00Z'],
		['20.11.2026', '2026-11-19T23:00:00Z'],
		['3.4.2026', '2026-04-02T22:00:00Z'],
		['2028-02-29', '2028-02-28T23:00:00Z'],
		['20 Nov 2026', '2026-11-19T23:00:00Z'],
		['20 November 2026', '2026-11-19T23:00:00Z'],
		['20-Nov-2026', '2026-11-19T23:00:00Z'],
		['Nov 20, 2026', '2026-11-19T23:00:00Z'],
		['November 20 2026', '2026-11-19T23:00:00Z'],
		['Sept. 3, 2026', '2026-09-02T22:00:00Z'],
		['Fri Nov 20 2026', '2026-11-19T23:00:00Z'],
		['Friday, 20 November 2026', '2026-11-19T23:00:00Z'],
		['2026-11-20 08:05', EIGHT_FIVE],
		[' 2026-11-20  08:05 ', EIGHT_FIVE],
		['2026-11-20\u00a008:05', EIGHT_FIVE],
		['2026-11-20\u202f08:05', EIGHT_FIVE],
		['2026-11-20T08:05', EIGHT_FIVE],
		['2026-11-20t08:05:00', EIGHT_FIVE],
		['2026-11-20 8:05', EIGHT_FIVE],
		['2026-11-20 08:05 AM', EIGHT_FIVE],
		['2026-11-20 8:05am', EIGHT_FIVE],
		['2026-11-20 8:05 a.m.', EIGHT_FIVE],
		['2026-11-20 08:05 PM', '2026-11-20T19:05:00Z'],
		['2026-11-20 12:05 AM', '2026-11-19T23:05:00Z'],
		['2026-11-20 12:05 PM', '2026-11-20T11:05:00Z'],
		['2026-11-20 8 pm', '2026-11-20T19:00:00Z'],
		['2026-11-20 8:05\u202fAM', EIGHT_FIVE],
		['2026-11-20T0805', EIGHT_FIVE],
		['20.11.2026 08:05', EIGHT_FIVE],
		['20.11.2026, 08:05:00', EIGHT_FIVE],
		['Nov 20, 2026, 8:05 AM', EIGHT_FIVE],
		['20 Nov 2026 08:05', EIGHT_FIVE],
		['Fri, 20 Nov 2026 08:05:00', EIGHT_FIVE],
		['Fri Nov 20 2026 08:05:00', EIGHT_FIVE],
		['2026-11-20T07:05:00Z', EIGHT_FIVE],
		['2026-11-20T07:05:00z', EIGHT_FIVE],
		['2026-11-20 07:05 UTC', EIGHT_FIVE],
		['2026-11-20 07:05 GMT', EIGHT_FIVE],
		['2026-11-20T08:05:00+01:00', EIGHT_FIVE],
		['2026-11-20T08:05:00+0100', EIGHT_FIVE],
		['2026-11-20T08:05:00+01', EIGHT_FIVE],
		['2026-11-20T08:05+1', EIGHT_FIVE],
		['2026-11-20T12:35:00+05:30', EIGHT_FIVE],
		['2026-11-20T02:05:00-05:00', EIGHT_FIVE],
		['2026-11-20T07:05:00.123Z', EIGHT_FIVE],
		['2026-11-20T07:05:00,999Z', EIGHT_FIVE],
		['2026-11-20T07:05:00.123456789Z', EIGHT_FIVE],
		['Fri, 20 Nov 2026 07:05:00 GMT', EIGHT_FIVE],
		['Fri, 20 Nov 2026 08:05:00 +0100', EIGHT_FIVE],
		['Fri, 20 Nov 2026 02:05:00 EST', EIGHT_FIVE],
		['Fri Nov 20 2026 08:05:00 GMT+0100 (Central European Standard Time)', EIGHT_FIVE],
		[1_795_158_300, EIGHT_FIVE],
		[1_795_158_300.5, EIGHT_FIVE],
		[1_795_158_300_000, EIGHT_FIVE],
		[1_795_158_300_000_000, EIGHT_FIVE],
		['1795158300', EIGHT_FIVE],
		['1795158300.25', EIGHT_FIVE],
		['1795158300000', EIGHT_FIVE],
		['1795158300000000', EIGHT_FIVE],
		[new Date(EIGHT_FIVE), EIGHT_FIVE],
		[DateTime.fromISO(EIGHT_FIVE, { zone: 'Asia/Tokyo' }), EIGHT_FIVE],
		['2000-01-01T00:00:00Z', '2000-01-01T00:00:00Z'],
		['1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z'],
		['2026-11-20T080500', EIGHT_FIVE],
		['2026-11-20 1:05 AM', '2026-11-20T00:05:00Z'],
		['2026-11-20T21:05+14:00', EIGHT_FIVE],
		[1e9, '2001-09-09T01:46:40Z'],
		[9_999_999_999, '2286-11-20T17:46:39Z'],
		[9_999_999_999_000, '2286-11-20T17:46:39Z'],
	])('%j is %s', (value, iso) => expect(seconds(value)).toBe(at(iso)));
});

describe('a date that may be another one is refused with an example', () => {
	test.each([
		46346.5,
		'46346.5',
		46346,
		2026,
		'2026',
		20260131,
		'20260131',
		'202611200805',
		'20261120T080500Z',
		0,
		1,
		-5,
		999_999_999,
		1e18,
		'1e9',
		'0x6b000000',
		Infinity,
		'03/04/2026',
		'20/11/2026',
		'11/20/2026',
		'20-11-2026',
		'20.11.26',
		'20 Nov 26',
		'20 Nov',
		'Nov 2026',
		'2026-W47-5',
		'2026-324',
		'2026-11-20T25:00',
		'2026-11-20T08:60',
		'2026-11-20T08:05:60',
		'2026-11-20 13:05 PM',
		'2026-11-20 0:05 AM',
		'2026-11-20 8',
		'2026-11-20T24:00',
		'2026-11-20T08:05+15:00',
		'2026-11-20T08:05+01:60',
		'+1795158300',
		'1795158300e0',
		'on 2026-11-20',
		'on 2026-11',
		'x2026-11-21 pm',
		'xxxxxxx5:2026-11',
		'on 20.11.2026',
		'2026-11 08:05',
		'2026-11-20 at 08:05',
		'2026-11-20T08:05 CET',
		'2026-11-20T08:05 XUT',
		'2026-11-20T08:05 Berlin',
		'2026-11-20T08:05[Europe/Berlin]',
		'2026-11-20T08:05Z tomorrow',
		'2026-11-20 - 2026-11-21',
		'2026-02-30',
		'2026-02-29',
		'2026-13-01',
		'2026-00-10',
		'30 Feb 2026',
		'20 Brumaire 2026',
		'08:05',
		'now',
		'today',
		'yesterday',
		'-1 day',
		'20261101080000',
		20_261_101_080_000,
		1e10,
		'9999-12-31',
		'202611010800',
		'1969-12-31T00:00:00Z',
		[2026, 11],
		{ year: 2026 },
		true,
		DateTime.invalid('never'),
		new Date('nonsense'),
	])('%j', (value) => expect(() => seconds(value)).toThrow(/is not a date and time, e\.g\. 2026-01-31T08:00:00Z$/));
});

test('months and zones are known by all their names', () => {
	for (let month = 0; month < 12; month++) {
		const noon = new Date(Date.UTC(2026, month, 3, 12));
		for (const length of ['short', 'long'] as const) {
			const name = noon.toLocaleString('en', { month: length, timeZone: 'UTC' });
			expect(seconds(`3 ${name} 2026 12:00 GMT`)).toBe(noon.getTime() / 1000);
		}
	}
	const hours = { UT: 0, EST: -5, EDT: -4, CST: -6, CDT: -5, MST: -7, MDT: -6, PST: -8, PDT: -7 };
	for (const [zone, offset] of Object.entries(hours)) {
		expect(seconds(`2026-11-20 12:00 ${zone}`)).toBe(Date.UTC(2026, 10, 20, 12 - offset) / 1000);
	}
});

test.each([undefined, null, '', ' ', NaN, [], {}])('%p is no date, and no present moment either', (value) =>
	expect(seconds(value)).toBeUndefined(),
);

test('a fraction belongs to the second before or after', () => {
	const value = '2026-11-20T07:05:00.5Z';
	expect(unixSeconds('down')(value, { timezone: 'UTC' })).toBe(at(EIGHT_FIVE));
	expect(unixSeconds('up')(value, { timezone: 'UTC' })).toBe(at(EIGHT_FIVE) + 1);
});

test('every day of the calendar is taken, and no other', () => {
	const day = fc.record({
		y: fc.integer({ min: 1970, max: 2100 }),
		m: fc.integer({ min: 1, max: 12 }),
		d: fc.integer({ min: 1, max: 31 }),
	});
	fc.assert(
		fc.property(day, ({ y, m, d }) => {
			const iso = `${y}-${String(m).padStart(2, '0')}-${String(d).padStart(2, '0')}T12:00:00Z`;
			const exists = new Date(Date.UTC(y, m, 0)).getUTCDate() >= d;
			if (exists) expect(seconds(iso)).toBe(Date.UTC(y, m - 1, d, 12) / 1000);
			else expect(() => seconds(iso)).toThrow();
		}),
	);
});

test('a time without an offset is read by the clocks of the workflow, on every day of the year', () => {
	const time = fc.integer({ min: at('2020-01-01T00:00:00Z'), max: at('2035-01-01T00:00:00Z') });
	fc.assert(
		fc.property(time, fc.constantFrom('Europe/Berlin', 'America/New_York', 'Asia/Kathmandu'), (unix, timezone) => {
			const local = DateTime.fromSeconds(unix, { zone: timezone });
			const text = local.toFormat('yyyy-MM-dd HH:mm:ss');
			// Where clocks go back an hour comes twice: either is right.
			const read = unixSeconds('down')(text, { timezone }) ?? NaN;
			expect(DateTime.fromSeconds(read, { zone: timezone }).toFormat('yyyy-MM-dd HH:mm:ss')).toBe(text);
			expect([0, 3600]).toContain(Math.abs(read - unix));
		}),
	);
});
