/** Decode: the payloads of items that come from anywhere, such as a database or a file. No request is sent. */
import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { Fields, Hint } from '../shared/operation/operation';
import { readValues } from '../shared/operation/readItem';
import { Outputs, showHints } from '../shared/operation/run';
import { asText, fieldName, takenField, parameterError } from '../shared/operation/values';
import {
	base64Bytes,
	hexBytes,
	LIKE_HEX,
	looksLikeHex,
	payloadDecoder,
	sensorLikeness,
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
			if (typeof value === 'number') throw new Error('it is a number, so leading zeros may be lost; enter it as text');
			return asText(value).trim();
		},
	},
	encoding: {
		displayName: 'Payload Encoding',
		name: 'payloadEncoding',
		type: 'options',
		options: [
			{ name: 'Base64', value: 'base64', description: 'As Hubble returns it' },
			{ name: 'Hexadecimal', value: 'hex', description: 'Also with a leading 0x, or with spaces or colons' },
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
		description: 'How the payload is built',
	},
	outputField: {
		displayName: 'Output Field',
		name: 'outputField',
		type: 'string',
		default: 'decoded',
		description: 'Name of the field for the result, added to the fields of the input item',
		collection: 'options',
		toWire: fieldName,
	},
} satisfies Fields;

/** No Base64 that anybody writes: blanks or colons between bytes, or a leading 0x with nothing but hexadecimal behind it. */
const WRITTEN_AS_HEX = /^0x|^[\da-f]{2}[\s:-]/i;

/**
 * Digits and letters to F alone are Base64, too: where they do not fit as such, it is said what they look like. What is
 * hexadecimal beyond doubt is not read, as its values would be wrong without a word.
 */
const wary =
	(read: (payload: string) => Decoded) =>
	(payload: string): Decoded => {
		if (looksLikeHex(payload) && WRITTEN_AS_HEX.test(payload)) {
			return { decodeError: `the payload is not Base64; ${LIKE_HEX}` };
		}
		const result = read(payload);
		const { decoded, decodeError } = result;
		if (decoded !== undefined || !decodeError || !looksLikeHex(payload) || decodeError.includes(LIKE_HEX))
			return result;
		return { decodeError: `${decodeError}; ${LIKE_HEX}` };
	};

/** So many digits are hardly Base64 by chance: one text in 300,000. Zero bytes, such as padding, are As. */
const hexLikeness = (payload: string) =>
	payload.length >= 12 && looksLikeHex(payload) && !/AAA/.test(payload)
		? 'This looks like hexadecimal. If it is, set Payload Encoding to Hexadecimal.'
		: '';

/** Decodes payloads by the settings of each item, and makes each decoder once. */
function payloadReader(hints: Set<Hint>): (settings: DecodeSettings, encoding: string, payload: string) => Decoded {
	const decoders = new Map<string, (payload: string) => Decoded>();
	return (settings, encoding, payload) => {
		const key = JSON.stringify([encoding, settings.decode, settings.table, settings.layout]);
		let decoder = decoders.get(key);
		if (!decoder) {
			const read = payloadDecoder(settings, ENCODINGS[encoding]) ?? (() => ({}));
			const sensorOf = sensorLikeness(settings, ENCODINGS[encoding]);
			decoder =
				encoding === 'base64'
					? tallied(wary(read), hints, (text) => hexLikeness(text) || (sensorOf?.(text) ?? ''))
					: tallied(read, hints, sensorOf);
			decoders.set(key, decoder);
		}
		return decoder(payload);
	};
}

/**
 * The input items with what their payloads say beside their fields: the result, and its units. A format that says
 * itself what it holds may be read up to a place only: then an error stands beside the values before it, as in
 * packets. An item of which nothing can be read fails.
 */
export function decodeItems(context: IExecuteFunctions, canContinue: boolean): INodeExecutionData[][] {
	const hints = new Set<Hint>();
	const outputs = new Outputs(context, '', canContinue);
	const read = payloadReader(hints);
	for (const [item, { json }] of context.getInputData().entries()) {
		try {
			const settings = readValues(context, decodeSettings, item);
			const { payload = '', encoding = 'base64', outputField: field = 'decoded' } = settings;
			const { decoded, decodedUnits, decodeError } = read(settings, encoding, payload);
			if (decoded === undefined) throw new Error(parameterError('Payload', decodeError ?? 'nothing was decoded'));
			const added = {
				[field]: decoded,
				...(decodedUnits ? { [`${field}Units`]: decodedUnits } : {}),
				...(decodeError ? { [field === 'decoded' ? 'decodeError' : `${field}Error`]: decodeError } : {}),
			};
			const taken = Object.keys(added).flatMap((name) => takenField('Output Field', name, json) ?? []);
			if (taken[0]) throw new Error(taken[0]);
			outputs.add(item, [{ json: added }]);
		} catch (error) {
			outputs.fail(item, error);
		}
	}
	showHints(context, hints);
	return [outputs.all()];
}
