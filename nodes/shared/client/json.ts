/** Values from outside, whose types are unknown. */
import { jsonParse, type IDataObject } from 'n8n-workflow';

/** Whether a value is an object with fields: no list, and not `null`. */
export const isObject = (value: unknown): value is IDataObject =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

/** The entries of a value; none when it is no list. */
export const entriesOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** The fields of a value; none when it has no fields. */
export const objectOf = (value: unknown): IDataObject => (isObject(value) ? value : {});

/** The value at a path such as device.tags.site, and the last key that led to it; a key may itself contain dots. */
export function entryAt(value: unknown, path: string): { key: string; value: unknown } | undefined {
	if (typeof value !== 'object' || value === null) return undefined;
	if (Object.hasOwn(value, path)) return { key: path, value: Reflect.get(value, path) };
	for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
		const key = path.slice(0, dot);
		const found = Object.hasOwn(value, key) ? entryAt(Reflect.get(value, key), path.slice(dot + 1)) : undefined;
		if (found?.value !== undefined) return found;
	}
	return undefined;
}

/** Without the fields that are not set. */
export const withoutUndefined = (object: Record<string, unknown>): IDataObject =>
	objectOf(Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)));

/** The entries that are objects; none when it is no list. */
export const rowsOf = (list: unknown): IDataObject[] => entriesOf(list).filter(isObject);

const LONG_NUMBER = /"sequence_number"\s*:\s*(\d{16,})(?=[\s,}])/g;

/**
 * JSON in which sequence numbers beyond the safe integers are strings: as numbers two of them could be equal, and two
 * packets would have one key. Inside a string, the name would have escaped quotes and does not match.
 */
export const longNumbers = (text: string): string =>
	text.replace(LONG_NUMBER, (whole, digits: string) =>
		Number.isSafeInteger(Number(digits)) ? whole : `"sequence_number":"${digits}"`,
	);

/** Parses a reply with a list, without its byte order mark; what is not JSON stays a string. */
export function parseReply(bytes: Buffer): unknown {
	const text = longNumbers(bytes.toString().replace(/^\uFEFF/, ''));
	return jsonParse<unknown>(text, { fallbackValue: text });
}
