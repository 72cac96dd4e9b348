/** From n8n's values to the wire's. Each conversion throws an Error whose message says what is wrong with the value. */
import type { IDataObject } from 'n8n-workflow';
import { WHOLE_UUID } from '../client/endpoints';
import { asError } from '../client/errors';
import { isObject, objectOf } from '../client/json';

/** What a conversion may need to know beside the value. */
export interface ConversionContext {
	/** Hubble's time in Unix seconds: one moment for all items. */
	now: () => number;
	/** Whether a moment in Unix seconds is past at Hubble. */
	isPast: (seconds: number) => boolean;
	/** IANA time zone of the workflow: dates without an offset are meant in it. */
	timezone: string;
	/** How the value of a picker was chosen, e.g. `id` or `name`. */
	mode?: string;
}

/** A resource locator's value, or the value itself. */
function plain(value: unknown): unknown {
	return typeof value === 'object' && value !== null && '__rl' in value && 'value' in value ? value.value : value;
}

const isPlainObject = (value: unknown): value is IDataObject =>
	Object.prototype.toString.call(value) === '[object Object]' && !('isValid' in (value as object));

/** Whether a value is empty: no value, a blank text, NaN, or a list or an object of nothing but such values. */
export function isEmpty(value: unknown): boolean {
	const content = plain(value);
	if (content === null || content === undefined || Number.isNaN(content)) return true;
	if (typeof content === 'string') return content.trim() === '';
	if (Array.isArray(content)) return content.every(isEmpty);
	return isPlainObject(content) && Object.values(content).every(isEmpty);
}

/** The largest of any count of numbers: as arguments of `Math.max`, 200,000 are too many for the stack. */
export const mostOf = (numbers: readonly number[], atLeast = -Infinity): number =>
	numbers.reduce((most, one) => Math.max(most, one), atLeast);

/** The smallest, likewise. */
export const leastOf = (numbers: readonly number[]): number =>
	numbers.reduce((least, one) => Math.min(least, one), Infinity);

/** 12345.6 → '12,346'. */
export const wholeNumber = (value: number): string => Math.round(value).toLocaleString('en');

/** '1 device', '2,000 devices'. */
export const counted = (value: number, noun: string): string =>
	`${wholeNumber(value)} ${noun}${value === 1 ? '' : 's'}`;

/**
 * A value as messages show it: in quotes, as JSON where it is no text, and not at any length. Of an object only the
 * names of its fields, as an item may hold secrets. A secret is hidden, also in a list.
 */
export function quoted(value: unknown): string {
	const isSecret = (one: unknown) => typeof one === 'string' && SECRETS.some((form) => form.test(one));
	if ([value].flat(Infinity).some(isSecret)) return '"***"';
	// A BigInt, which an expression may give, is no JSON.
	const json = typeof value === 'bigint' ? undefined : JSON.stringify(value);
	const shown = typeof value === 'string' ? `"${value}"` : (objectInWords(value, json) ?? json ?? String(value));
	return shown.length > 100 ? `${shown.slice(0, 99)}…` : shown;
}

/** An object or a list of objects, without their values; `undefined` for what is neither, or a text as JSON, such as a time. */
function objectInWords(value: unknown, json = ''): string | undefined {
	if (Array.isArray(value) && value.flat(Infinity).some(isObject)) return 'a list of objects';
	if (!json.startsWith('{')) return undefined;
	const names = Object.keys(objectOf(JSON.parse(json)));
	return names.length ? `an object (${names.join(', ')})` : 'an empty object';
}

/** What expressions make of a value that is missing, and names that objects have by themselves: never an ID. */
const NO_ID = /^(null|undefined|NaN|\[object Object\]|__proto__|constructor|prototype|\.{1,2})$/;

/** Secrets in the place of an ID, which must stand in no path and in no error: a token (JWT), … */
const TOKEN = /\beyJ[\w-]*\./;
/** … and the key of a device: 16 or 32 bytes as Base64, or, as an ID that is no UUID may be, hexadecimal. */
const BASE64_KEY = /^(?:[\w+/-]{22}==|[\w+/-]{43}=)$/;
const HEX_KEY = /^(?:[\da-f]{32}){1,2}$/i;
const SECRETS = [TOKEN, BASE64_KEY, HEX_KEY];

/** A text that names something; the messages of `uuid` and `freeId` say what is wrong with it. */
function idText(value: unknown): string {
	const id = plain(value);
	if (typeof id !== 'string' && typeof id !== 'number') throw new Error(`${quoted(id)} is not an ID`);
	const text = String(id).trim();
	if (NO_ID.test(text)) throw new Error(`${quoted(text)} is not an ID`);
	if (TOKEN.test(text) || BASE64_KEY.test(text)) throw new Error('it is a key, not an ID');
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

export function email(value: unknown): string {
	const address = asText(value).trim();
	if (!EMAIL.test(address)) throw new Error(`${quoted(address)} is not an email address`);
	return address;
}

/** A value that is meant as text. An object or a list comes from a wrong expression. */
export function asText(value: unknown): string {
	if (!['string', 'number', 'boolean'].includes(typeof value)) throw new Error(`${quoted(value)} is not a text`);
	return String(value);
}

export function fieldName(value: unknown): string {
	const field = asText(value).trim();
	if (field === '__proto__') throw new Error('"__proto__" cannot be the name of a field');
	return field;
}

/** An input item as people count: 0 → 'the first item', 299 → 'the 300th item'. */
export function nthItem(index: number): string {
	if (index === 0) return 'the first item';
	const number = index + 1;
	const isTeen = number % 100 > 10 && number % 100 < 20;
	return `the ${number}${(!isTeen && ['', 'st', 'nd', 'rd'][number % 10]) || 'th'} item`;
}

/** What is wrong with a parameter, e.g. `"Limit" is required`: a reason that begins with "it" continues behind the name. */
export const parameterError = (name: string, reason: string): string =>
	reason.startsWith('it ') ? `"${name}" ${reason.slice(3)}` : `"${name}": ${reason}`;

/** Why a field cannot stand beside those of an input item; `undefined` when it can. */
export const takenField = (parameter: string, field: string, input: IDataObject = {}): string | undefined =>
	Object.hasOwn(input, field)
		? `"${parameter}": the input item has a field "${field}" already; choose another name`
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
		const found = allowed.find((one) => one === value);
		if (found === undefined) throw new Error(`${quoted(value)} is not one of ${allowed.join(', ')}`);
		return found;
	};
}

/** A number within both bounds; `whole` refuses fractions. Empty is not sent. */
export function numberIn(min: number, max: number, whole = true) {
	return (value: unknown): number | undefined => {
		const given = typeof value === 'string' ? value.trim() : value;
		if (given === '' || given === undefined || given === null) return undefined;
		const result = typeof given === 'number' || typeof given === 'string' ? Number(given) : NaN;
		if (!Number.isFinite(result) || result < min || result > max || (whole && !Number.isInteger(result))) {
			const bounds = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
			throw new Error(`${quoted(value)} is not a ${whole ? 'whole ' : ''}number ${bounds}`);
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
		if (!/^[^:=]+[:=].+$/.test(tag))
			throw new Error(`"${tag}" is not a tag of the form key:value, e.g. _env:production`);
		const at = tag.search(/[:=]/);
		return `${tag.slice(0, at).trim()}:${tag.slice(at + 1).trim()}`;
	});
}

/** (n8n's lint takes a `new Error` in a `catch` for one that a node throws.) */
const inRow = (index: number, error: unknown) => new Error(`row ${index + 1}: ${asError(error).message}`);

/** Reads the rows of a fixed collection. Throws an Error that names the row, and one for what has no rows. */
export function readRows<T>(given: unknown, name: string, read: (row: IDataObject) => T): T[] {
	if (!isEmpty(given) && !isObject(given)) throw new Error(`${quoted(given)} is not a list of rows`);
	return [objectOf(given)[name] ?? []].flat().map((row: unknown, index) => {
		try {
			if (!isObject(row)) throw new Error(`${quoted(row)} is not a row`);
			return read(row);
		} catch (error) {
			throw inRow(index, error);
		}
	});
}
