/** From n8n's values to the wire's. Each conversion throws an Error whose message says what is wrong with the value. */
import { tryToParseDateTime, type IDataObject } from 'n8n-workflow';
import { WHOLE_UUID } from '../client/endpoints';

/** What a conversion may need to know beside the value. */
export interface ConversionContext {
	/** IANA time zone of the workflow: dates without an offset are meant in it. */
	timezone: string;
}

/** A resource locator's value, or the value itself. */
function plain(value: unknown): unknown {
	return typeof value === 'object' && value !== null && '__rl' in value && 'value' in value ? value.value : value;
}

const isPlainObject = (value: unknown): value is IDataObject =>
	Object.prototype.toString.call(value) === '[object Object]' && !('isValid' in (value as object));

/** Whether a value says nothing: no value, a blank text, NaN, or a list or an object of nothing but such values. */
export function isEmpty(value: unknown): boolean {
	const content = plain(value);
	if (content === null || content === undefined || Number.isNaN(content)) return true;
	if (typeof content === 'string') return content.trim() === '';
	if (Array.isArray(content)) return content.every(isEmpty);
	return isPlainObject(content) && Object.values(content).every(isEmpty);
}

/** 12345.6 → '12,346'. */
export const count = (value: number): string => Math.round(value).toLocaleString('en');

/** '1 device', '2,000 devices'. */
export const counted = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

/** A value as messages show it: in quotes, as JSON where it is no text, and not at any length. */
export function quoted(value: unknown): string {
	const shown = typeof value === 'string' ? `"${value}"` : (JSON.stringify(value) ?? String(value));
	return shown.length > 100 ? `${shown.slice(0, 99)}…` : shown;
}

/** What expressions make of a value that is missing, and names that objects have by themselves: never an ID. */
const NO_ID = new Set([
	'null',
	'undefined',
	'NaN',
	'[object Object]',
	'__proto__',
	'constructor',
	'prototype',
	'.',
	'..',
]);

/** A text that names something; the messages of `uuid` and `freeId` say what is wrong with it. */
function idText(value: unknown): string {
	const id = plain(value);
	if (typeof id !== 'string' && typeof id !== 'number') throw new Error(`${quoted(id)} is not an ID`);
	const text = String(id).trim();
	if (NO_ID.has(text)) throw new Error(`${quoted(text)} is not an ID`);
	return text;
}

/** An id in UUID form, in lower case. */
export function uuid(value: unknown): string {
	const id = idText(value);
	if (!WHOLE_UUID.test(id)) {
		throw new Error(`${quoted(id)} is not an ID (a UUID such as 6ea53e36-b7fb-429f-8c2e-d536cab71089)`);
	}
	return id.toLowerCase();
}

/** The form of the other ids (API definition: any text), for the pickers. "." and ".." would change the path. */
export const FREE_ID = '(?!\\.{1,2}\\s*$)\\S.*';

/** An id of a webhook, an API key or an invoice: any text, which is encoded where it goes into a path. */
export function freeId(value: unknown): string {
	const id = idText(value);
	// eslint-disable-next-line no-control-regex -- a control character or half a surrogate pair is in no ID
	if (/[\u0000-\u001f\u007f]|\p{Surrogate}/u.test(id)) throw new Error(`${quoted(id)} is not an ID`);
	return id;
}

/** The format `email` of the API definition (JSON Schema), in ASCII. */
const EMAIL =
	/^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i;

/** An email address. */
export function email(value: unknown): string {
	const address = asText(value).trim();
	if (!EMAIL.test(address)) throw new Error(`${quoted(address)} is not an email address`);
	return address;
}

/** A value that is meant as text. An object or a list has slipped in by an expression. */
export function asText(value: unknown): string {
	if (!['string', 'number', 'boolean'].includes(typeof value)) throw new Error(`${quoted(value)} is not a text`);
	return String(value);
}

/** The name of a field of the output. */
export function fieldName(value: unknown): string {
	const field = asText(value).trim();
	if (field === '__proto__') throw new Error('"__proto__" cannot be the name of a field');
	return field;
}

/** Why a field cannot stand beside those of an input item; `undefined` when it can. */
export const takenField = (parameter: string, field: string, input: IDataObject = {}): string | undefined =>
	Object.hasOwn(input, field)
		? `Parameter "${parameter}": the input item has a field "${field}" already; choose another name`
		: undefined;

/** A text of at most `max` characters, without blanks around it. */
export function text(max: number) {
	return (value: unknown): string => {
		const result = asText(value).trim();
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
	throw new Error(`${quoted(value)} is neither true nor false`);
}

/** One of these values, as it is. */
export function oneOf<T>(allowed: readonly T[]) {
	return (value: unknown): T => {
		if (!allowed.includes(value as T)) throw new Error(`${quoted(value)} is not one of ${allowed.join(', ')}`);
		return value as T;
	};
}

/** A number within both bounds; `whole` refuses fractions. Empty is not sent. */
export function numberIn(min: number, max: number, whole = true) {
	return (value: unknown): number | undefined => {
		const given = typeof value === 'string' ? value.trim() : value;
		if (given === '' || given === undefined || given === null) return undefined;
		const result = typeof given === 'number' || typeof given === 'string' ? Number(given) : NaN;
		if (!Number.isFinite(result) || result < min || result > max || (whole && !Number.isInteger(result))) {
			throw new Error(`${quoted(value)} is not a ${whole ? 'whole ' : ''}number from ${min} to ${max}`);
		}
		return result;
	};
}

/**
 * A list of texts from a repeated parameter or from an expression that gives a list. Empty is not sent. An empty
 * entry among others is refused: without it a filter would let more through.
 */
export function texts(value: unknown): string[] | undefined {
	if (isEmpty(value)) return undefined;
	const list = [value].flat(2).map((entry) => (isEmpty(entry) ? '' : asText(entry).trim()));
	if (list.includes('')) throw new Error(`entry ${list.indexOf('') + 1} of the list is empty`);
	return list;
}

/** Platform tags as Hubble matches them, `key:value`; `key=value` is understood too. */
export function tagFilters(value: unknown): string[] | undefined {
	return texts(value)?.map((tag) => {
		const match = /^([^:=\s]+)[:=](.+)$/.exec(tag);
		if (!match) throw new Error(`"${tag}" is not a tag of the form key:value, e.g. _env:production`);
		return `${match[1]}:${match[2]}`;
	});
}

/**
 * A date as n8n gives it (ISO text, luxon DateTime, Date, Unix seconds, milliseconds or microseconds) → Unix
 * seconds. A date without an offset is meant in the workflow's time zone. Empty is not sent.
 * @param round whether a fraction of a second belongs to the earlier or the later second
 */
export function unixSeconds(round: 'down' | 'up') {
	return (value: unknown, { timezone }: ConversionContext): number | undefined => {
		if (isEmpty(value)) return undefined;
		const seconds = secondsOf(value, timezone);
		return round === 'up' ? Math.ceil(seconds) : Math.floor(seconds);
	};
}

/** Numbers above these are milliseconds, or microseconds: as seconds, or milliseconds, it would be the year 5138. */
const LARGEST_SECONDS = 1e11;
const LARGEST_MILLISECONDS = 1e14;

function secondsOf(value: unknown, timezone: string): number {
	const isCount = typeof value === 'number' || (typeof value === 'string' && /^\s*\d{9,16}\s*$/.test(value));
	const seconds = isCount ? scaled(Number(value)) : parsedSeconds(value, timezone);
	if (!(seconds >= 0 && seconds <= LARGEST_SECONDS)) {
		throw new Error(`${quoted(value)} is not a date and time, e.g. 2026-01-31T08:00:00Z`);
	}
	return seconds;
}

function scaled(count: number): number {
	if (count > LARGEST_MILLISECONDS) return count / 1e6;
	return count > LARGEST_SECONDS ? count / 1e3 : count;
}

/** The two forms of a text that leave no doubt: ISO 8601, which begins with the year, and that of mail and HTTP. */
const ISO = /^(\d{4})-(\d{2})(?:-(\d{2}))?(?!\d)/;
const MAIL =
	/^[A-Za-z]{3},? (?:(\d{1,2})[ -]([A-Za-z]{3})|([A-Za-z]{3}) (\d{1,2}))[ -](\d{4})(?: (\d{2}:\d{2}(?::\d{2})?)(.*))?$/;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** A mail's date without an offset as ISO text: it would be read in the zone of the server otherwise. */
function fromMail(text: string): string {
	const [, day = '', month = '', monthFirst = '', dayLast = '', year, time = '00:00', rest = ''] =
		MAIL.exec(text) ?? [];
	const number = MONTHS.indexOf((month || monthFirst).toLowerCase()) + 1;
	if (!year || !number) return text;
	const date = `${year}-${String(number).padStart(2, '0')}-${(day || dayLast).padStart(2, '0')}`;
	if (!dateExists(date)) return '';
	return rest.trim() ? text : `${date}T${time}`;
}

/** Whether the calendar has the day with which an ISO text begins: 2026-02-30 would become the second of March. */
function dateExists(text: string): boolean {
	const [, year, month, day = '01'] = ISO.exec(text) ?? [];
	const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
	return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
}

function parsedSeconds(value: unknown, timezone: string): number {
	const text = typeof value === 'string' ? fromMail(value.trim()) : undefined;
	if (text === undefined && (typeof value !== 'object' || Array.isArray(value))) return NaN;
	if (text !== undefined && !(ISO.test(text) ? dateExists(text) : MAIL.test(text))) return NaN;
	try {
		return tryToParseDateTime(text ?? value, timezone).toMillis() / 1000;
	} catch {
		return NaN;
	}
}
