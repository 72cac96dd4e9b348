/** From n8n's values to the wire's. Each conversion throws an Error whose message says what is wrong with the value. */
import { tryToParseDateTime, type IDataObject } from 'n8n-workflow';

/** What a conversion may need to know beside the value. */
export interface ConversionContext {
	/** IANA time zone of the workflow: dates without an offset are meant in it. */
	timezone: string;
}

/** The form of every id that Hubble gives to devices, organizations, users and gateways. */
export const UUID = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}';
export const WHOLE_UUID = new RegExp(`^${UUID}$`);

/** A resource locator's value, or the value itself. */
function plain(value: unknown): unknown {
	return typeof value === 'object' && value !== null && '__rl' in value && 'value' in value ? value.value : value;
}

/** An id in UUID form, in lower case. Empty is not sent. */
export function uuid(value: unknown): string | undefined {
	const id = String(plain(value) ?? '').trim();
	if (!id) return undefined;
	if (!WHOLE_UUID.test(id))
		throw new Error(`"${id}" is not an ID (a UUID such as 6ea53e36-b7fb-429f-8c2e-d536cab71089)`);
	return id.toLowerCase();
}

/** The form of the other ids (API definition: any text). One letter or digit at least: ".." would change the path. */
export const FREE_ID = '[\\w.:-]*[A-Za-z0-9][\\w.:-]*';
const WHOLE_FREE_ID = new RegExp(`^${FREE_ID}$`);

/** An id of a webhook, an API key or an invoice. Empty is not sent. */
export function freeId(value: unknown): string | undefined {
	const id = String(plain(value) ?? '').trim();
	if (!id) return undefined;
	if (!WHOLE_FREE_ID.test(id)) throw new Error(`"${id}" is not an ID (letters, digits and -_.: only)`);
	return id;
}

/** Whether a value is a text with something in it. */
export const isFilled = (value: unknown) => typeof value === 'string' && value !== '';

/** An email address. Empty is not sent. */
export function email(value: unknown): string | undefined {
	const address = String(value ?? '').trim();
	if (!address) return undefined;
	if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(address)) throw new Error(`"${address}" is not an email address`);
	return address;
}

/** A value that is meant as text. An object or a list has slipped in by an expression. */
export function asText(value: unknown): string {
	if (!['string', 'number', 'boolean'].includes(typeof value))
		throw new Error(`${JSON.stringify(value)} is not a text`);
	return String(value);
}

/** A text of at most `max` characters, sent even when it is empty. */
export function text(max: number) {
	return (value: unknown): string => {
		const result = asText(value);
		const length = [...result].length;
		if (length > max) throw new Error(`it has ${length} characters, Hubble takes at most ${max}`);
		return result;
	};
}

/** A yes or no, also as the text that an expression or an AI agent gives. Empty is not sent. */
export function flag(value: unknown): boolean | undefined {
	if (value === '') return undefined;
	if (value === true || value === 'true') return true;
	if (value === false || value === 'false') return false;
	throw new Error(`${JSON.stringify(value)} is neither true nor false`);
}

/** A number within both bounds; `whole` refuses fractions. Empty is not sent. */
export function numberIn(min: number, max: number, whole = true) {
	return (value: unknown): number | undefined => {
		const given = typeof value === 'string' ? value.trim() : value;
		if (given === '' || given === undefined || given === null) return undefined;
		const result = typeof given === 'number' || typeof given === 'string' ? Number(given) : NaN;
		if (!Number.isFinite(result) || result < min || result > max || (whole && !Number.isInteger(result))) {
			throw new Error(`${JSON.stringify(value)} is not a ${whole ? 'whole ' : ''}number from ${min} to ${max}`);
		}
		return result;
	};
}

/** A list of texts from a repeated parameter or from an expression that gives a list. Empty is not sent. */
export function texts(value: unknown): string[] | undefined {
	const list = (Array.isArray(value) ? value.flat() : [value]).map((entry) => asText(entry ?? '').trim());
	const filled = list.filter((entry) => entry !== '');
	return filled.length ? filled : undefined;
}

/** Platform tags as Hubble matches them, `key:value`; `key=value` is understood too. */
export function tagFilters(value: unknown): string[] | undefined {
	return texts(value)?.map((tag) => {
		const match = /^([^:=\s]+)[:=](.+)$/.exec(tag);
		if (!match) throw new Error(`"${tag}" is not a tag of the form key:value, e.g. _env:production`);
		return `${match[1]}:${match[2]}`;
	});
}

/** Hubble's limits of one device's tags (API definition, `deviceTags`). */
const TAGS = { count: 10, key: 32, value: 128 };

/** `{tag: [{key, value}]}` of a repeated parameter → the map that Hubble takes. Without rows it is not sent. */
export function tagMap(value: unknown): Record<string, string> | undefined {
	const { tag: rows = [] } = value as { tag?: Array<{ key?: unknown; value?: unknown }> };
	const tags = new Map<string, string>();
	for (const row of rows) {
		const key = asText(row.key ?? '').trim();
		if (!key) throw new Error('a tag has no key');
		if (row.value === undefined || row.value === null) throw new Error(`the tag "${key}" has no value`);
		const content = asText(row.value);
		if (tags.has(key)) throw new Error(`the tag "${key}" is given twice`);
		if (key.startsWith('_')) throw new Error(`the key "${key}" begins with "_", which only Hubble's own tags do`);
		if ([...key].length > TAGS.key) throw new Error(`the key "${key}" has more than ${TAGS.key} characters`);
		if ([...content].length > TAGS.value)
			throw new Error(`the value of "${key}" has more than ${TAGS.value} characters`);
		tags.set(key, content);
	}
	if (tags.size > TAGS.count) throw new Error(`a device has at most ${TAGS.count} tags`);
	return tags.size ? Object.fromEntries(tags) : undefined;
}

/**
 * A date as n8n gives it (ISO text, luxon DateTime, Date, Unix seconds or milliseconds) → Unix seconds.
 * A date without an offset is meant in the workflow's time zone. Empty is not sent.
 * @param round whether a fraction of a second belongs to the earlier or the later second
 */
export function unixSeconds(round: 'down' | 'up') {
	return (value: unknown, { timezone }: ConversionContext): number | undefined => {
		if (value === '' || value === undefined || value === null) return undefined;
		const seconds = secondsOf(value, timezone);
		return round === 'up' ? Math.ceil(seconds) : Math.floor(seconds);
	};
}

/** Numbers above this are milliseconds: as seconds it would be the year 5138. */
const LARGEST_SECONDS = 1e11;

function secondsOf(value: unknown, timezone: string): number {
	const isCount = typeof value === 'number' || /^\d{9,14}$/.test(String(value));
	const seconds = isCount
		? Number(value) / (Number(value) > LARGEST_SECONDS ? 1000 : 1)
		: parsedSeconds(value, timezone);
	if (!Number.isFinite(seconds) || seconds < 0) {
		throw new Error(`"${String(value)}" is not a date and time, e.g. 2026-01-31T08:00:00Z`);
	}
	return seconds;
}

/** Texts begin with the year, as ISO 8601, or with a weekday, as in mail and HTTP; others are ambiguous. */
const CLEAR_DATE = /^\s*(\d{4}-\d{2}|[A-Za-z]{3},? )/;

function parsedSeconds(value: unknown, timezone: string): number {
	if (typeof value === 'string' && !CLEAR_DATE.test(value)) return NaN;
	try {
		return tryToParseDateTime(value, timezone).toMillis() / 1000;
	} catch {
		return NaN;
	}
}

/** `{range: {after, before}}` → Hubble's only filter on timestamps: from inclusive, to exclusive. */
export function timeRange(value: unknown, surroundings: ConversionContext): string | undefined {
	const { after, before } = (value as { range?: IDataObject }).range ?? {};
	const from = unixSeconds('down')(after, surroundings);
	const to = unixSeconds('up')(before, surroundings);
	if (from === undefined && to === undefined) return undefined;
	if (from !== undefined && to !== undefined && from >= to) throw new Error('After is not earlier than Before');
	return `between:${from ?? 0}:${to ?? LARGEST_SECONDS}`;
}
