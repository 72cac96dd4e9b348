/** Times: Hubble's numbers, and the ISO text beside them that people and n8n's date functions read. */
import { tryToParseDateTime, type IDataObject } from 'n8n-workflow';
import { DAY_S, HOUR_S } from '../client/clock';
import { objectOf } from '../client/json';
import { counted } from './values';

/** How many units make a second in each time that Hubble gives as a number (API definition). */
const UNITS_PER_SECOND: Readonly<Record<string, number>> = {
	created_at: 1,
	created_ts: 1,
	due_timestamp: 1,
	expires_at: 1,
	expires_at_seconds: 1,
	issue_timestamp: 1,
	last_active: 1,
	last_active_at: 1,
	timestamp: 1,
	// The subscription counts microseconds.
	current_period_end: 1e6,
	current_period_start: 1e6,
	next_payment_date: 1e6,
};

const unitsOf = (name: string) => (Object.hasOwn(UNITS_PER_SECOND, name) ? UNITS_PER_SECOND[name] : undefined);

/** Whether Hubble gives a number under this name that counts seconds since 1970. */
export const isTimeName = (name: string): boolean => unitsOf(name) === 1;

/** Unix seconds → ISO text in UTC with milliseconds; `null` for what is no time. */
export function isoTime(unixSeconds: number): string | null {
	const date = new Date(unixSeconds * 1000);
	return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** A time of Hubble's as ISO text. 0 stands for "never" (API definition, `apiKeyExpiration`) and gives `null`. */
const isoOf = (value: number, units: number) => (value === 0 ? null : isoTime(value / units));

/** The row with `<name>_iso` behind each time in it, at any depth; else as Hubble gave it. */
export const withIsoTimes = (row: IDataObject): IDataObject =>
	rewritten(row, (name, value, units) => {
		const iso: Array<[string, unknown]> = units === undefined ? [] : [[`${name}_iso`, isoOf(Number(value), units)]];
		return [[name, value], ...iso];
	});

/** `expires_at_seconds` → `expiresAt`, `org_id` → `orgId`. */
export const camelCase = (name: string): string =>
	name.replace(/_seconds$/, '').replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/**
 * The row in the words of n8n, at any depth: names in camelCase, and each time as ISO text, as in simplified rows.
 * `expires_at_seconds` becomes `expiresAt`.
 */
export const inCamelCase = (row: IDataObject): IDataObject =>
	rewritten(row, (name, value, units) => [
		[camelCase(name), units === undefined ? value : isoOf(Number(value), units)],
	]);

/** @param write what becomes of an entry; `units` are those of a time that is a number */
function rewritten(
	row: IDataObject,
	write: (name: string, value: unknown, units?: number) => Array<[string, unknown]>,
): IDataObject {
	const inside = (value: unknown): unknown => {
		if (Array.isArray(value)) return value.map(inside);
		return typeof value === 'object' && value !== null ? rewritten(objectOf(value), write) : value;
	};
	const entries = Object.entries(row).flatMap(([name, value]) =>
		write(name, inside(value), typeof value === 'number' ? unitsOf(name) : undefined),
	);
	return objectOf(Object.fromEntries(entries));
}

const QUARTER_MS = 900_000;
/** Offsets from UTC in milliseconds, by zone and quarter of an hour: no zone changes its offset within one. */
const offsets = new Map<string, number>();
const MOST_OFFSETS = 20_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** The format of a locale and a time zone, made once: to make one takes as long as to use it some hundred times. */
function formatOf(locale: string, timeZone: string, form: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
	const key = `${locale} ${timeZone}`;
	let format = formats.get(key);
	if (!format) formats.set(key, (format = new Intl.DateTimeFormat(locale, { ...form, timeZone })));
	return format;
}

function offsetAt(unixMs: number, timezone: string): number {
	const quarter = Math.floor(unixMs / QUARTER_MS);
	const key = `${timezone} ${quarter}`;
	const known = offsets.get(key);
	if (known !== undefined) return known;
	const format = formatOf('sv-SE', timezone, { hourCycle: 'h23', dateStyle: 'short', timeStyle: 'medium' });
	const begin = quarter * QUARTER_MS;
	const offset = Date.parse(`${format.format(begin).replace(' ', 'T')}Z`) - begin;
	if (offsets.size >= MOST_OFFSETS) offsets.clear();
	offsets.set(key, offset);
	return offset;
}

/**
 * Unix milliseconds → `2026-11-01 09:00:00` by the clocks of a time zone: the form that spreadsheets take for a time.
 * Empty for what is no time.
 */
export function timeText(unixMs: number, timezone: string): string {
	if (Number.isNaN(new Date(unixMs).getTime())) return '';
	const offset = offsetAt(unixMs, timezone);
	const local = new Date(unixMs + (Number.isFinite(offset) ? offset : 0));
	return local.toISOString().slice(0, 19).replace('T', ' ');
}

/** Seconds → 'less than a minute', '45 minutes', '26 hours', '4 days'. */
export function duration(seconds: number): string {
	if (seconds < 60) return 'less than a minute';
	if (seconds < 2 * HOUR_S) return counted(Math.round(seconds / 60), 'minute');
	if (seconds < 3 * DAY_S) return counted(Math.round(seconds / HOUR_S), 'hour');
	return counted(Math.round(seconds / DAY_S), 'day');
}

/** Unix seconds → '28 Nov 14:02' by the clocks of a time zone. */
export function shortTime(seconds: number, timeZone: string): string {
	const form = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' } as const;
	return formatOf('en-GB', timeZone, form)
		.format(seconds * 1000)
		.replace(',', '');
}

/** Periods of the calendar: how many of which units before this one they begin; those before it end where it begins. */
const CALENDAR = {
	today: { unit: 'day', back: 0 },
	yesterday: { unit: 'day', back: 1 },
	thisMonth: { unit: 'month', back: 0 },
	lastMonth: { unit: 'month', back: 1 },
} as const;

/**
 * The first moment of a period of the calendar, and the first behind it, in Unix seconds; what has not ended yet ends now.
 * `undefined` for a name that is none of them.
 */
export function calendarPeriod(
	name: string,
	now: number,
	timezone: string,
): { start: number; end: number } | undefined {
	const period = Object.entries(CALENDAR).find(([known]) => known === name)?.[1];
	if (!period) return undefined;
	const { unit, back } = period;
	const local = tryToParseDateTime(new Date(now * 1000), timezone);
	const startOf = (ago: number) => {
		const start = local.minus({ [unit]: ago }).startOf(unit);
		// A midnight that comes twice is given as its second.
		const before = start.minus({ hours: 1 });
		return (before.hasSame(start, 'day') ? before : start).toSeconds();
	};
	const start = startOf(back);
	return { start, end: back ? startOf(0) : Math.max(start + 1, Math.ceil(now)) };
}

/**
 * Where bins of a period begin: where the clocks of a time zone show a multiple of `size` since midnight, before and
 * after they are put forward or back. The last one ends the last bin.
 * @param size seconds: a part of an hour, hours that divide a day, or days
 */
export function binEdges(start: number, end: number, size: number, timezone: string): number[] {
	const offset = (unix: number) => offsetAt(unix * 1000, timezone) / 1000;
	const unixOf = (wall: number) => wall - offset(wall - offset(wall));
	const edges: number[] = [];
	// From before an hour that comes twice: the period may begin in its first pass.
	let wall = (Math.floor((start + offset(start) - 2 * HOUR_S) / size) - 1) * size;
	for (; (edges.at(-1) ?? 0) < end; wall += size) {
		let edge = unixOf(wall);
		const exists = edge + offset(edge) === wall;
		// Clocks that are put forward leave an hour out; a day begins behind it.
		if (!exists && size < DAY_S) continue;
		if (!exists) edge = unixOf(wall + HOUR_S);
		// An hour that comes twice has bins of its own.
		const before = edges.at(-1) ?? edge;
		if (size <= HOUR_S) for (let between = before + size; between < edge; between += size) edges.push(between);
		edges.push(edge);
	}
	return edges.slice(Math.max(0, edges.findIndex((edge) => edge > start) - 1));
}

/** The bin of a time, by the edges of `binEdges`; what lies outside counts to the first or the last one. */
export function binAt(edges: readonly number[], time: number): number {
	let [low, high] = [0, Math.max(0, edges.length - 2)];
	while (low < high) {
		const middle = (low + high + 1) >> 1;
		if (time < (edges[middle] ?? Infinity)) high = middle - 1;
		else low = middle;
	}
	return low;
}
