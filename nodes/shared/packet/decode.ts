/** What a payload means: text, hex, JSON, bytes, a ready-made format, or fields at fixed places. */
import type { IDataObject } from 'n8n-workflow';
import { asError } from '../client/errors';
import { objectOf } from '../client/json';
import { asText, parameterError, quoted } from '../operation/values';
import {
	readBthome,
	readBthomeObjects,
	readBthomeService,
	readCayenne,
	readHubbleSensor,
	readKeyValue,
	SENSOR_NAMES,
	utf8Text,
	withoutPadding,
} from './formats';
import { parseLayout, parseRows } from './layout';
import type { Packet } from './packet';
import { fieldReader, unfit, type Decoded, type PayloadField } from './payloadFields';

export type { Decoded };

/** How a payload is to be decoded: the values of the parameters, as n8n gives them. */
export interface DecodeSettings {
	/** "Decode Payload". */
	decode?: unknown;
	/** "Payload Fields". */
	table?: unknown;
	/** "Payload Layout". */
	layout?: unknown;
}

/** Two digits a byte, perhaps with blanks, colons or dashes between the bytes, and "0x" before them. */
const HEX = /^\s*(?:0x)?(?:[\da-f]{2}[\s:-]*)+$/i;

export const LIKE_HEX = 'this looks like hexadecimal';

/** Whether a text is hexadecimal, though Base64 was expected: digits alone may be either. */
export const looksLikeHex = (payload: string): boolean => payload.length >= 4 && HEX.test(payload);

/** What Base64 may be wrapped in: an apostrophe of a spreadsheet (our CSV has it before "+" and "-"), a `data:` URL. */
const WRAPPING = /^'|^data:[^,]*;base64,/i;

const isBase64 = (text: string): boolean => {
	const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
	return (text.length - padding) % 4 !== 1 && /^[\w+/-]*={0,2}$/.test(text);
};

/**
 * Base64 → bytes: also its form for URLs or without padding, with blanks or line breaks in it, behind an apostrophe or
 * as a `data:` URL. Node skips what is not Base64, so it is looked for.
 */
export function base64Bytes(payload: string): Buffer {
	const text = isBase64(payload) ? payload : payload.trim().replace(WRAPPING, '').replace(/\s+/g, '');
	if (isBase64(text)) return Buffer.from(text, 'base64');
	throw unfit(`the payload is not Base64${looksLikeHex(payload) ? `; ${LIKE_HEX}` : ''}`);
}

/** Hexadecimal digits → bytes; blanks, colons or dashes between the bytes and "0x" before them are let pass. */
export function hexBytes(payload: string): Buffer {
	const digits = payload
		.trim()
		.replace(/^0x/i, '')
		.replace(/[\s:-]/g, '');
	if (digits.length % 2 || !/^[\da-f]*$/i.test(digits)) throw unfit('the payload is not hexadecimal');
	return Buffer.from(digits, 'hex');
}

/** UTF-8 text without padding. */
function textOf(bytes: Buffer): string {
	const text = utf8Text(withoutPadding(bytes));
	if (text === undefined) throw unfit('the payload is not UTF-8 text');
	return text;
}

/**
 * JSON, or null where there is nothing. A number that is too large (1e999) would be stored as null, and one with more
 * digits than a number keeps as another one, without a word.
 */
function readJson(bytes: Buffer): Decoded {
	const text = textOf(bytes);
	if (!text) return { decoded: null };
	const isLong = /\d{16}/.test(text);
	const which = (key: string) => (key ? `"${key}"` : 'the number');
	let note = '';
	const noted = (key: string, value: unknown) => {
		if (typeof value !== 'number') return value;
		const isRounded = Number.isInteger(value) && !Number.isSafeInteger(value) && !text.includes(String(BigInt(value)));
		if (isLong && isRounded) note ||= `${which(key)} has more digits than a number keeps`;
		if (Number.isFinite(value)) return value;
		note = `${which(key)} is too large for a number`;
		return null;
	};
	try {
		// Only then are all values looked at.
		const decoded: IDataObject = JSON.parse(text, isLong || /e\+?\d{3}/i.test(text) ? noted : undefined);
		return { decoded, ...(note ? { decodeError: note } : {}) };
	} catch (error) {
		throw unfit(`the payload is not JSON: ${asError(error).message}`);
	}
}

const READERS: Readonly<Record<string, (bytes: Buffer) => Decoded>> = {
	text: (bytes) => ({ decoded: textOf(bytes) }),
	hex: (bytes) => ({ decoded: bytes.toString('hex') }),
	bytes: (bytes) => ({ decoded: [...bytes] }),
	json: readJson,
	keyValue: (bytes) => ({ decoded: readKeyValue(textOf(bytes)) }),
	cayenne: readCayenne,
	bthome: readBthome,
	bthomeObjects: readBthomeObjects,
	bthomeService: readBthomeService,
	hubbleSensor: readHubbleSensor,
};

/** The fields of the layout or of the form; none for other ways to decode. Throws an Error that names a wrong line. */
export function payloadFields({ decode, table, layout }: DecodeSettings): PayloadField[] {
	if (decode === 'layout') return parseLayout(asText(layout ?? ''));
	return decode === 'fields' ? parseRows([objectOf(table).field ?? []].flat().map(objectOf)) : [];
}

/**
 * Says of a payload that is read as BTHome whether it is rather one of Hubble's sensors: some are both, with other
 * values. `undefined` for other formats.
 */
export function sensorLikeness(
	{ decode }: DecodeSettings,
	bytesOf = base64Bytes,
): ((payload: string) => string) | undefined {
	if (typeof decode !== 'string' || !decode.startsWith('bthome')) return undefined;
	return (payload) => {
		try {
			const { decoded } = readHubbleSensor(bytesOf(payload));
			return Object.keys(objectOf(decoded)).length
				? 'This looks like Hubble Sensor, not BTHome. Choose that format.'
				: '';
		} catch {
			return '';
		}
	};
}

/** The names of the values that a payload may have, where they are known before one came. Throws as `payloadFields`. */
export function decodedNames(settings: DecodeSettings): string[] {
	if (settings.decode === 'hubbleSensor') return SENSOR_NAMES;
	return [...new Set(payloadFields(settings).map(({ name }) => name))];
}

/** What a payload says that is an object in JSON as a whole, with a field: no bytes are one by chance. */
function jsonObject(bytes: Buffer): Decoded | undefined {
	if (bytes[0] !== 0x7b) return undefined;
	try {
		const read = readJson(bytes);
		return Object.keys(objectOf(read.decoded)).length ? read : undefined;
	} catch {
		return undefined;
	}
}

/** JSON is read by its own names, one of which must be among those of the fields: else it is another device's. */
function namedIn(json: Decoded, names: ReadonlySet<string>): Decoded {
	const own = Object.keys(objectOf(json.decoded));
	if (own.some((name) => names.has(name))) return json;
	const others = own.slice(0, 5).join(', ');
	return {
		decoded: {},
		decodeError: `the payload is JSON with other names: ${others}. To read both, give your values these names`,
	};
}

/** Fields at fixed places; an object in JSON is read by its own names. */
function layoutReader(fields: readonly PayloadField[]): (bytes: Buffer) => Decoded {
	const read = fieldReader(fields);
	const names = new Set(fields.map(({ name }) => name));
	return (bytes) => {
		if (!bytes.length) return { decoded: {} };
		const json = jsonObject(bytes);
		return json ? namedIn(json, names) : read(bytes);
	};
}

/**
 * What the parameters ask for, made ready once for all packets of a run; `undefined` when nothing is to be decoded.
 * A payload that is too short or malformed gives `decodeError`, an empty one nothing.
 * @param bytesOf how a payload is written; Hubble writes Base64
 * @throws Error that names the parameter and says what is wrong with it
 */
export function payloadDecoder(
	settings: DecodeSettings,
	bytesOf: (payload: string) => Buffer = base64Bytes,
): ((payload: string) => Decoded) | undefined {
	const { decode } = settings;
	if (decode === undefined || decode === '' || decode === 'none') return undefined;
	const read = readerOf(settings);
	return (payload) => {
		try {
			return read(bytesOf(payload));
		} catch (error) {
			return { decodeError: asError(error).message };
		}
	};
}

/** A packet as an item: shaped, with what its payload says. Fields of decoding that the shape leaves out come last. */
export const withDecoded = (packet: Packet, said: Decoded, shape: (packet: IDataObject) => IDataObject): IDataObject =>
	Object.assign(shape({ ...packet, ...said }), said);

function readerOf(settings: DecodeSettings): (bytes: Buffer) => Decoded {
	const { decode } = settings;
	if (decode === 'layout' || decode === 'fields') {
		try {
			return layoutReader(payloadFields(settings));
		} catch (error) {
			const parameter = decode === 'fields' ? 'Payload Fields' : 'Payload Layout';
			throw unfit(parameterError(parameter, asError(error).message));
		}
	}
	const read = typeof decode === 'string' && Object.hasOwn(READERS, decode) ? READERS[decode] : undefined;
	if (!read) throw unfit(`"Decode Payload": unknown payload format ${quoted(decode)}`);
	return read;
}
