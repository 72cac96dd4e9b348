/** Values from outside, whose type nobody knows before it was looked at. */
import { jsonParse, type IDataObject } from 'n8n-workflow';

/** Whether a value is an object with fields: no list, and not `null`. */
export const isObject = (value: unknown): value is IDataObject =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

/** The entries of a value; none when it is no list. */
export const entriesOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** The fields of a value; none when it has no fields. */
export const objectOf = (value: unknown): IDataObject => (isObject(value) ? value : {});

/** Without the fields that are not set. */
export const withoutUndefined = (object: Record<string, unknown>): IDataObject =>
	objectOf(Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)));

/** The entries that are objects; none when it is no list. */
export const rowsOf = (list: unknown): IDataObject[] => entriesOf(list).filter(isObject);

const LONG_NUMBER = /"sequence_number"\s*:\s*(\d{16,})(?=[\s,}])/g;

/**
 * JSON in which sequence numbers of packets that no number can hold are texts. As numbers two of them would be one,
 * and two packets would have one key. In a text the name would stand between escaped quotes.
 */
export const longNumbers = (text: string): string =>
	text.replace(LONG_NUMBER, (whole, digits: string) =>
		Number.isSafeInteger(Number(digits)) ? whole : `"sequence_number":"${digits}"`,
	);

/** A reply with a list, parsed; what is no JSON is a text. A byte order mark is no part of JSON. */
export function parseReply(bytes: Buffer): unknown {
	const text = longNumbers(bytes.toString().replace(/^\uFEFF/, ''));
	return jsonParse<unknown>(text, { fallbackValue: text });
}
