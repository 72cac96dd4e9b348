/** Decode: the payloads of items that come from anywhere, such as a database or a file. No request is sent. */
import type { IDataObject } from 'n8n-workflow';
import type { Fields, Hint, ItemRequest } from '../shared/operation/operation';
import { asText, fieldName, takenField } from '../shared/operation/values';
import {
	base64Bytes,
	hexBytes,
	LIKE_HEX,
	looksLikeHex,
	payloadDecoder,
	type Decoded,
	type DecodeSettings,
} from '../shared/packet/decode';
import { decodeFields } from '../shared/packet/decodeFields';
import { tallied } from '../shared/packet/tally';

const ENCODINGS: Readonly<Record<string, (payload: string) => Buffer>> = { base64: base64Bytes, hex: hexBytes };

export const decodeSettings = {
	payload: {
		displayName: 'Payload',
		name: 'payload',
		type: 'string',
		default: '={{ $json.payload }}',
		required: true,
		mayBeEmpty: true,
		description: 'The payload of one packet',
		toWire: (value) => {
			if (typeof value === 'number') throw new Error('it is a number, which has lost leading zeros; give it as text');
			return asText(value).trim();
		},
	},
	encoding: {
		displayName: 'Payload Encoding',
		name: 'payloadEncoding',
		type: 'options',
		options: [
			{ name: 'Base64', value: 'base64', description: 'As Hubble gives it' },
			{ name: 'Hexadecimal', value: 'hex', description: 'Also with 0x before it, or with blanks or colons in it' },
		],
		default: 'base64',
		required: true,
		description: 'How the bytes of the payload are written',
	},
	...decodeFields,
	decode: {
		...decodeFields.decode,
		displayName: 'Payload Format',
		options: decodeFields.decode.options.filter(({ value }) => value !== 'none'),
		default: 'layout',
		required: true,
		description: 'What the payload is',
	},
	outputField: {
		displayName: 'Output Field',
		name: 'outputField',
		type: 'string',
		default: 'decoded',
		description: 'The name of the field for the result, beside the fields of the input item, which are kept',
		collection: 'options',
		toWire: fieldName,
	},
} satisfies Fields;

/** Digits and letters to F alone are Base64, too: where they do not fit as such, it is said what they look like. */
const wary =
	(read: (payload: string) => Decoded) =>
	(payload: string): Decoded => {
		const result = read(payload);
		const { decoded, decodeError } = result;
		if (decoded !== undefined || !decodeError || !looksLikeHex(payload) || decodeError.includes(LIKE_HEX))
			return result;
		return { decodeError: `${decodeError}; ${LIKE_HEX}` };
	};

/**
 * What each item gets beside its fields: the result, and its units. A format that says itself what it holds may be
 * read up to a place only: then `decodeError` says so beside the values before it, as in packets.
 * Throws for an item of which nothing can be read.
 */
export function decodeItems(hints: Set<Hint>): (request: ItemRequest, input: IDataObject) => IDataObject {
	const decoders = new Map<string, (payload: string) => Decoded>();
	const decoderOf = (settings: DecodeSettings, encoding: string) => {
		const key = JSON.stringify([encoding, settings.decode, settings.table, settings.layout]);
		const known = decoders.get(key);
		if (known) return known;
		const read = payloadDecoder(settings, ENCODINGS[encoding]) ?? (() => ({}));
		const decoder = tallied(encoding === 'base64' ? wary(read) : read, hints);
		decoders.set(key, decoder);
		return decoder;
	};
	return ({ settings }, input) => {
		const { payload, encoding, outputField = 'decoded' } = settings as Record<string, string>;
		const { decoded, decodedUnits, decodeError } = decoderOf(settings, String(encoding))(String(payload));
		if (decoded === undefined) throw new Error(`Parameter "Payload": ${decodeError}`);
		const added = {
			[outputField]: decoded,
			...(decodedUnits ? { [`${outputField}Units`]: decodedUnits } : {}),
			...(decodeError ? { decodeError } : {}),
		};
		const taken = Object.keys(added).flatMap((field) => takenField('Output Field', field, input) ?? []);
		if (taken[0]) throw new Error(taken[0]);
		return added;
	};
}
