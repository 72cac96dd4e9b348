/**
 * The list inside a reply, left as it came over the wire. A few rows become objects when they are asked for and are
 * garbage as soon as they were used: a page that waits for its turn takes its half megabyte, not the several that
 * its objects take, and what V8 frees while it is young costs next to nothing. It is faster, too.
 */
import { jsonParse } from 'n8n-workflow';

/** What pages need of an array, with indices from 0; an array is one. What a row is, nobody has looked at yet. */
export interface Rows extends Iterable<unknown> {
	readonly length: number;
	at(index: number): unknown;
	slice(from: number, to?: number): Rows;
}

const [QUOTE, COMMA, OPEN_LIST, BACKSLASH, CLOSE_LIST, OPEN, CLOSE] = Buffer.from('",[\\]{}');

/** Where the text that begins with the quote at `at` has its closing quote. */
function endOfText(bytes: Buffer, at: number): number {
	for (let end = at + 1; end < bytes.length; end++) {
		if (bytes[end] === QUOTE) return end;
		if (bytes[end] === BACKSLASH) end += 1;
	}
	return bytes.length;
}

/** Where the list of this name begins in an object, behind its bracket; `undefined` when there is none. */
function beginOf(bytes: Buffer, name: string): number | undefined {
	let depth = 0;
	let key = '';
	for (let at = 0; at < bytes.length; at++) {
		const byte = bytes[at];
		if (byte === QUOTE) {
			const end = endOfText(bytes, at);
			if (depth === 1) key = bytes.toString('utf8', at + 1, end);
			at = end;
		} else if (byte === OPEN_LIST && depth === 1 && key === name) {
			return at + 1;
		} else if (byte === OPEN || byte === OPEN_LIST) {
			depth += 1;
		} else if (byte === CLOSE || byte === CLOSE_LIST) {
			depth -= 1;
		}
	}
	return undefined;
}

/** Where the elements of the list that begins at `begin` start and end, by turns. The last one ends with the list. */
function boundsOf(bytes: Buffer, begin: number): number[] {
	const bounds = [begin];
	let depth = 0;
	for (let at = begin; at < bytes.length; at++) {
		const byte = bytes[at];
		if (byte === QUOTE) {
			at = endOfText(bytes, at);
		} else if (byte === OPEN || byte === OPEN_LIST) {
			depth += 1;
		} else if (depth > 0) {
			if (byte === CLOSE || byte === CLOSE_LIST) depth -= 1;
		} else if (byte === COMMA) {
			bounds.push(at, at + 1);
		} else if (byte === CLOSE_LIST) {
			bounds.push(at);
			return bounds;
		}
	}
	return bounds;
}

const LONG_NUMBER = /"sequence_number"\s*:\s*(\d{16,})(?=[\s,}])/g;

/**
 * JSON in which sequence numbers of packets that no number can hold are texts. As numbers two of them would be one,
 * and two packets would have one key. In a text the name would stand between escaped quotes.
 */
export const longNumbers = (text: string): string =>
	text.replace(LONG_NUMBER, (whole, digits: string) =>
		Number.isSafeInteger(Number(digits)) ? whole : `"sequence_number":"${digits}"`,
	);

/** So many rows are parsed at once where all are read: one by one, each call costs as much as a row. */
const TOGETHER = 100;

/** The rows between pairs of bounds. One that is no JSON is `null`: no list takes that for a row. */
function rowsAt(bytes: Buffer, bounds: readonly number[]): Rows {
	const length = bounds.length / 2;
	const textOf = (from: number, to: number) => bytes.toString('utf8', bounds[2 * from], bounds[2 * to - 1]);
	const parsed = (index: number): unknown => {
		try {
			return JSON.parse(longNumbers(textOf(index, index + 1)));
		} catch {
			return null;
		}
	};
	const parsedTogether = (from: number, to: number): unknown[] => {
		try {
			return JSON.parse(`[${longNumbers(textOf(from, to))}]`) as unknown[];
		} catch {
			return Array.from({ length: to - from }, (_, index) => parsed(from + index));
		}
	};
	return {
		length,
		at: (index) => (index < length ? parsed(index) : undefined),
		slice: (from, to = length) => rowsAt(bytes, bounds.slice(2 * from, 2 * to)),
		*[Symbol.iterator]() {
			for (let index = 0; index < length; index += TOGETHER) {
				yield* parsedTogether(index, Math.min(index + TOGETHER, length));
			}
		},
	};
}

/**
 * The JSON text of an object, with one list of it left as it is: in the body that list is empty. A reply without
 * such a list, such as an error, is a body alone; what is no JSON is a text.
 */
export function parseWithRows(bytes: Buffer, name: string): { body: unknown; rows?: Rows } {
	const begin = beginOf(bytes, name);
	const bounds = begin === undefined ? [] : boundsOf(bytes, begin);
	const end = bounds.at(-1) ?? 0;
	const isWhole = begin !== undefined && bytes[end] === CLOSE_LIST;
	const around = isWhole ? bytes.toString('utf8', 0, begin) + bytes.toString('utf8', end) : bytes.toString();
	// A byte order mark is no part of the JSON; axios takes it off, too.
	const text = around.replace(/^\uFEFF/, '');
	const body = jsonParse<unknown>(text, { fallbackValue: text });
	if (!isWhole || typeof body === 'string' || Array.isArray(body)) return { body };
	const isEmpty = bounds.length === 2 && !bytes.toString('utf8', begin, end).trim();
	return { body, rows: rowsAt(bytes, isEmpty ? [] : bounds) };
}
