/**
 * A date and time as people and expressions give it → Unix seconds. A text is read by this table or refused: what is
 * left to a general parser is read by the server's time zone, or as something else that nobody meant.
 */
import { tryToParseDateTime } from 'n8n-workflow';
import { isEmpty, quoted, type ConversionContext } from './values';

/** No time of Hubble's is earlier (9 September 2001): a smaller number is a year, a spreadsheet's date, or a mistake. */
const SMALLEST_COUNT = 1e9;
/** And no number of seconds is larger (year 2286): those are the digits of a date, such as 20260131080000. */
const LARGEST_COUNT = 1e10;
/** Numbers above these are milliseconds, or microseconds: as seconds, or milliseconds, it would be the year 5138. */
const LARGEST_SECONDS = 1e11;
const LARGEST_MILLISECONDS = 1e14;

/**
 * A conversion to Unix seconds: of an ISO 8601 text, a text with the month's name, a luxon DateTime, a Date, or a number
 * of seconds, milliseconds or microseconds. Without an offset it is meant in the workflow's time zone. Empty is not
 * sent. Throws an Error with an example for anything else.
 * @param round whether a fraction of a second belongs to the earlier or the later second
 */
export function unixSeconds(round: 'down' | 'up') {
	return (value: unknown, { timezone }: Pick<ConversionContext, 'timezone'>): number | undefined => {
		if (isEmpty(value)) return undefined;
		const seconds = secondsOf(value, timezone);
		if (!(seconds >= 0 && seconds <= LARGEST_SECONDS)) {
			throw new Error(`${quoted(value)} is not a date and time, e.g. 2026-01-31T08:00:00Z`);
		}
		return round === 'up' ? Math.ceil(seconds) : Math.floor(seconds);
	};
}

function secondsOf(value: unknown, timezone: string): number {
	if (typeof value === 'number') return scaled(value);
	if (typeof value === 'string') {
		const text = value.replace(/\s+/gu, ' ').trim();
		return /^\d{9,16}(\.\d+)?$/.test(text) ? scaled(Number(text)) : parsedSeconds(isoText(text), timezone);
	}
	return typeof value === 'object' && !Array.isArray(value) ? parsedSeconds(value, timezone) : NaN;
}

function scaled(count: number): number {
	const seconds = count > LARGEST_MILLISECONDS ? count / 1e6 : count > LARGEST_SECONDS ? count / 1e3 : count;
	return seconds >= SMALLEST_COUNT && seconds < LARGEST_COUNT ? seconds : NaN;
}

function parsedSeconds(value: unknown, timezone: string): number {
	try {
		return tryToParseDateTime(value, timezone).toMillis() / 1000;
	} catch {
		return NaN;
	}
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH_NAME =
	'(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\\.?';
const WEEKDAY = '(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?,? )?';

/**
 * The days that leave no doubt, and in which order year, month and day stand there; `day/month/year` and `month/day/year`
 * do. A name has its number's place.
 */
const DAYS: ReadonlyArray<readonly [form: RegExp, order: string]> = [
	[/^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?=[T ]|$)/i, 'ymd'],
	[/^(\d{4})(-)(\d{2})$/, 'ym'],
	[/^(\d{1,2})(\.)(\d{1,2})\.(\d{4})(?=,? |$)/, 'dmy'],
	[new RegExp(`^${WEEKDAY}(\\d{1,2})([ -])${MONTH_NAME}[ -](\\d{4})(?=,? |$)`, 'i'), 'dmy'],
	[new RegExp(`^${WEEKDAY}${MONTH_NAME}( )(\\d{1,2}),? (\\d{4})(?=,? |$)`, 'i'), 'mdy'],
];

/** Hours and minutes, by 24 or by 12 hours; an offset or a zone's name; and in brackets what some programs add. */
const TIME =
	/^(?:(\d{1,2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)? ?([ap]\.?m\.?)? ?((?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?|[A-Z]{1,3})?)(?: \([^()]*\))?$/i;

/** Zones by name, beside UTC: those of mail (RFC 5322, 4.3). Other names mean several zones. */
const HOURS_WEST: Readonly<Record<string, number>> = { EST: 5, EDT: 4, CST: 6, CDT: 5, MST: 7, MDT: 6, PST: 8, PDT: 7 };

/** A text of one of the forms as ISO 8601, which reads in one way only; `undefined` for any other text. */
function isoText(text: string): string | undefined {
	for (const [form, order] of DAYS) {
		const match = form.exec(text);
		if (!match) continue;
		// The second group is the separator, wherever it stands.
		const [whole, ...groups] = match;
		const parts = groups.filter((_, index) => index !== 1);
		const at = (part: string) => parts[order.indexOf(part)] ?? '1';
		const date = isoDate(at('y'), at('m'), at('d'));
		const time = isoTimeOfDay(text.slice(whole.length).replace(/^(?:T|,? )/i, ''));
		return date && time !== undefined ? `${date}T${time}` : undefined;
	}
	return undefined;
}

/** A day of the calendar: 30 February would become the second of March. */
function isoDate(year: string, month: string, day: string): string | undefined {
	const number = /^\d/.test(month) ? Number(month) : MONTHS.indexOf(month.slice(0, 3).toLowerCase()) + 1;
	const date = new Date(Date.UTC(Number(year), number - 1, Number(day)));
	return date.getUTCMonth() === number - 1 ? date.toISOString().slice(0, 10) : undefined;
}

/** The rest of a text behind its day; midnight where nothing stands there. */
function isoTimeOfDay(text: string): string | undefined {
	if (!text) return '00:00:00';
	const [, hours, minutes, seconds = '00', fraction = '0', half, zone] = TIME.exec(text) ?? [];
	const hour = hourOf(hours, half);
	const offset = zone === undefined ? '' : offsetOf(zone);
	// An hour alone is a time by 12 hours only: "2026-11-20 8" may be anything.
	const isComplete = minutes !== undefined || half !== undefined;
	if (hour === undefined || offset === undefined || !isComplete) return undefined;
	return `${hour}:${minutes ?? '00'}:${seconds}.${fraction}${offset}`;
}

function hourOf(given: string | undefined, half: string | undefined): string | undefined {
	if (given === undefined) return undefined;
	const hour = Number(given);
	if (!half) return hour < 24 ? given.padStart(2, '0') : undefined;
	if (hour < 1 || hour > 12) return undefined;
	return String((hour % 12) + (/^p/i.test(half) ? 12 : 0)).padStart(2, '0');
}

/** `+1`, `+0100`, `+01:00`, `GMT+1` or a zone's name as an offset of ISO 8601. */
function offsetOf(zone: string): string | undefined {
	const [, sign, hours = '', minutes = '00'] = /([+-])(\d{1,2}):?(\d{2})?$/.exec(zone) ?? [];
	if (/^(Z|UTC?|GMT)$/i.test(zone)) return 'Z';
	const west = HOURS_WEST[zone.toUpperCase()];
	if (!sign) return west === undefined ? undefined : `-0${west}:00`;
	return Number(hours) <= 14 && Number(minutes) < 60 ? `${sign}${hours.padStart(2, '0')}:${minutes}` : undefined;
}
