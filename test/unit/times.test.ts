/** Periods of the calendar in a time zone. */
import { DateTime } from 'luxon';
import fc from 'fast-check';
import { calendarPeriod } from '../../nodes/shared/operation/times';

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
