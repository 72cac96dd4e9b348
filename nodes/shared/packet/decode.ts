/** What a payload means: text, hex, JSON, bytes, or fields at fixed places, by a table that the user fills in. */
import type { IDataObject, INodeProperties } from 'n8n-workflow';
import type { Field } from '../operation/fields';
import { asText, numberIn } from '../operation/values';

/** One value in a payload. */
export interface PayloadField {
	name: string;
	type: keyof typeof NUMBERS | 'bits' | 'bool' | 'ascii';
	/** Where it begins, in bytes from 0. */
	offset?: number;
	/** `bits`, `bool`: the lowest bit, 0 for the least significant. */
	bit?: number;
	/** `bits`: how many bits; `ascii`: how many characters, 0 for the rest of the payload. */
	length?: number;
	endianness?: 'big' | 'little';
	/** The value is multiplied by `scale`, then `add` is added. */
	scale?: number;
	add?: number;
	unit?: string;
}

/** What is added to an item: what the payload says, or why it cannot be read. */
export type Decoded =
	{ decoded: IDataObject[string]; decodedUnits?: Readonly<Record<string, string>> } | { decodeError: string };

type Read = (bytes: Buffer) => number | string | boolean;

/** Why a table or a payload cannot be used. */
const unfit = (reason: string) => new Error(reason);

/** A 64-bit integer as a number where a number holds it exactly, else as text. */
const exact = (value: bigint) => (BigInt.asIntN(54, value) === value ? Number(value) : String(value));

/** Size in bytes, and how it is read. */
const NUMBERS = {
	int8: [1, (bytes, at) => bytes.readInt8(at), (bytes, at) => bytes.readInt8(at)],
	int16: [2, (bytes, at) => bytes.readInt16BE(at), (bytes, at) => bytes.readInt16LE(at)],
	int24: [3, (bytes, at) => bytes.readIntBE(at, 3), (bytes, at) => bytes.readIntLE(at, 3)],
	int32: [4, (bytes, at) => bytes.readInt32BE(at), (bytes, at) => bytes.readInt32LE(at)],
	int64: [8, (bytes, at) => exact(bytes.readBigInt64BE(at)), (bytes, at) => exact(bytes.readBigInt64LE(at))],
	uint8: [1, (bytes, at) => bytes.readUInt8(at), (bytes, at) => bytes.readUInt8(at)],
	uint16: [2, (bytes, at) => bytes.readUInt16BE(at), (bytes, at) => bytes.readUInt16LE(at)],
	uint24: [3, (bytes, at) => bytes.readUIntBE(at, 3), (bytes, at) => bytes.readUIntLE(at, 3)],
	uint32: [4, (bytes, at) => bytes.readUInt32BE(at), (bytes, at) => bytes.readUInt32LE(at)],
	uint64: [8, (bytes, at) => exact(bytes.readBigUInt64BE(at)), (bytes, at) => exact(bytes.readBigUInt64LE(at))],
	float32: [4, (bytes, at) => bytes.readFloatBE(at), (bytes, at) => bytes.readFloatLE(at)],
	float64: [8, (bytes, at) => bytes.readDoubleBE(at), (bytes, at) => bytes.readDoubleLE(at)],
} as const satisfies Record<
	string,
	readonly [
		size: number,
		big: (bytes: Buffer, at: number) => number | string,
		little: (bytes: Buffer, at: number) => number | string,
	]
>;

/** `length` bits from `bit` on, of the bytes from `offset` on, which are one number in that endianness. */
function bits(
	offset: number,
	bit: number,
	length: number,
	isLittle: boolean,
): [end: number, read: (bytes: Buffer) => number] {
	const size = Math.ceil((bit + length) / 8);
	if (size > 6) throw unfit('a bit field ends within 48 bits of its offset');
	const divisor = 2 ** bit;
	const modulus = 2 ** length;
	const whole = (bytes: Buffer) => (isLittle ? bytes.readUIntLE(offset, size) : bytes.readUIntBE(offset, size));
	return [offset + size, (bytes) => Math.floor(whole(bytes) / divisor) % modulus];
}

/** A number of the table as its cell or an expression gives it. */
function cell(what: string, value: unknown, fallback: number, min = -Number.MAX_VALUE, isWhole = false): number {
	try {
		return numberIn(min, Number.MAX_VALUE, isWhole)(value) ?? fallback;
	} catch {
		throw unfit(`${what} is not ${isWhole ? 'a whole number from 0 on' : 'a number'}: ${JSON.stringify(value)}`);
	}
}

/** One field as the byte at which it ends and a function that reads it; what can be settled before is. */
function compile({ type = 'uint8', endianness = 'big', ...given }: PayloadField): [end: number, read: Read] {
	const offset = cell('Offset', given.offset, 0, 0, true);
	const bit = cell('Bit', given.bit, 0, 0, true);
	const length = cell('Length', given.length, 0, 0, true);
	const scale = cell('Scale', given.scale, 1);
	const add = cell('Add', given.add, 0);
	const isLittle = endianness === 'little';
	if (!isLittle && endianness !== 'big')
		throw unfit(`Endianness is neither "big" nor "little": ${JSON.stringify(endianness)}`);
	if (type === 'ascii') {
		const end = length ? offset + length : undefined;
		// What a fixed field is filled up with is no text.
		return [end ?? offset, (bytes) => bytes.toString('latin1', offset, end).replace(/\0+$/, '')];
	}
	if (type === 'bool') {
		const [end, read] = bits(offset, bit, 1, isLittle);
		return [end, (bytes) => read(bytes) === 1];
	}
	if (type !== 'bits' && !Object.hasOwn(NUMBERS, type)) throw unfit(`Type ${JSON.stringify(type)} is unknown`);
	const [end, read] =
		type === 'bits'
			? bits(offset, bit, length || 1, isLittle)
			: [
					offset + NUMBERS[type][0],
					(
						(get) => (bytes: Buffer) =>
							get(bytes, offset)
					)(NUMBERS[type][isLittle ? 2 : 1]),
				];
	return [end, scale === 1 && add === 0 ? read : (bytes) => Number(read(bytes)) * scale + add];
}

/** A field's name; an expression may have given a number. */
export const nameOf = ({ name }: PayloadField) => asText(name ?? '').trim();

/** All fields of a table as one function from bytes to an object. Throws when the table is wrong. */
export function fieldReader(fields: readonly PayloadField[]): (bytes: Buffer) => IDataObject {
	const names = new Set<string>();
	const compiled = fields.map((field): { name: string; end: number; read: Read } => {
		const name = nameOf(field);
		try {
			if (!name) throw unfit('it has no name');
			if (name === '__proto__') throw unfit('this name is not possible');
			if (names.has(name)) throw unfit('its name is given twice');
			names.add(name);
			const [end, read] = compile(field);
			return { name, end, read };
		} catch (error) {
			throw unfit(`payload field "${name}": ${(error as Error).message}`);
		}
	});
	if (!compiled.length) throw unfit('no payload field is given');
	const size = Math.max(...compiled.map(({ end }) => end));
	return (bytes) => {
		if (bytes.length < size) {
			const { name, end } = compiled.find((field) => field.end > bytes.length) ?? { name: '', end: size };
			throw unfit(`the payload has ${bytes.length} bytes, "${name}" ends at byte ${end}`);
		}
		const result: IDataObject = {};
		for (const { name, read } of compiled) result[name] = read(bytes);
		return result;
	};
}

/** Base64, also its form for URLs or without padding, → bytes. Node skips what is not Base64, so it is looked for. */
function bytesOf(payload: string): Buffer {
	const padding = payload.endsWith('==') ? 2 : payload.endsWith('=') ? 1 : 0;
	const digits = payload.length - padding;
	if (digits % 4 === 1 || !/^[\w+/-]*={0,2}$/.test(payload)) throw unfit('the payload is not Base64');
	return Buffer.from(payload, 'base64');
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const textOf = (bytes: Buffer) => {
	try {
		return utf8.decode(bytes);
	} catch {
		throw unfit('the payload is not UTF-8 text');
	}
};

const READERS: Record<string, (bytes: Buffer) => IDataObject[string]> = {
	text: textOf,
	hex: (bytes) => bytes.toString('hex'),
	bytes: (bytes) => [...bytes],
	json: (bytes) => {
		try {
			return JSON.parse(textOf(bytes)) as IDataObject;
		} catch (error) {
			throw unfit(`the payload is not JSON: ${(error as Error).message}`);
		}
	},
};

/**
 * What the parameters ask for, made ready once for all packets of a run; `undefined` when nothing is to
 * be decoded. A payload that is too short or malformed gives `decodeError`.
 * @param mode value of the parameter "Decode Payload"
 * @param table value of the parameter "Payload Fields"
 * @throws Error that says what is wrong with the table
 */
export function payloadDecoder(mode: unknown, table: unknown): ((payload: string) => Decoded) | undefined {
	if (!mode || mode === 'none') return undefined;
	const fields = ((table ?? {}) as { field?: PayloadField[] }).field ?? [];
	const read = mode === 'fields' ? fieldReader(fields) : Object.hasOwn(READERS, String(mode)) && READERS[String(mode)];
	if (!read) throw unfit(`"${String(mode)}" is no way to decode a payload`);
	const units = Object.fromEntries(fields.flatMap((field) => (field.unit ? [[nameOf(field), field.unit]] : [])));
	const hasUnits = mode === 'fields' && Object.keys(units).length > 0;
	return (payload) => {
		try {
			const decoded = read(bytesOf(payload));
			return hasUnits ? { decoded, decodedUnits: units } : { decoded };
		} catch (error) {
			return { decodeError: (error as Error).message };
		}
	};
}

const NUMERIC = Object.keys(NUMBERS);
const showFor = (...type: string[]) => ({ displayOptions: { show: { type } } });

/** One row of the table of payload fields. */
const VALUES: INodeProperties[] = [
	{ displayName: 'Name', name: 'name', type: 'string', default: '', placeholder: 'e.g. temperature' },
	{
		displayName: 'Type',
		name: 'type',
		type: 'options',
		options: [
			{ name: 'ASCII Text', value: 'ascii' },
			{ name: 'Bit Field', value: 'bits' },
			{ name: 'Boolean', value: 'bool' },
			{ name: 'Float 32', value: 'float32' },
			{ name: 'Float 64', value: 'float64' },
			{ name: 'Int 16', value: 'int16' },
			{ name: 'Int 24', value: 'int24' },
			{ name: 'Int 32', value: 'int32' },
			{ name: 'Int 64', value: 'int64', description: 'As text where a number cannot hold it' },
			{ name: 'Int 8', value: 'int8' },
			{ name: 'Unsigned Int 16', value: 'uint16' },
			{ name: 'Unsigned Int 24', value: 'uint24' },
			{ name: 'Unsigned Int 32', value: 'uint32' },
			{ name: 'Unsigned Int 64', value: 'uint64', description: 'As text where a number cannot hold it' },
			{ name: 'Unsigned Int 8', value: 'uint8' },
		],
		default: 'uint8',
	},
	{
		displayName: 'Offset',
		name: 'offset',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 0,
		description: 'Where the value begins, in bytes from 0',
	},
	{
		displayName: 'Bit',
		name: 'bit',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 0,
		description: 'The lowest bit of the value: 0 is the least significant',
		...showFor('bits', 'bool'),
	},
	{
		displayName: 'Length',
		name: 'length',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 0,
		description: 'Bits of a bit field, or characters of a text; 0 means one bit, or all the rest of the payload',
		...showFor('ascii', 'bits'),
	},
	{
		displayName: 'Endianness',
		name: 'endianness',
		type: 'options',
		options: [
			{ name: 'Big', value: 'big', description: 'The most significant byte comes first' },
			{ name: 'Little', value: 'little', description: 'The least significant byte comes first' },
		],
		default: 'big',
		...showFor('bits', 'bool', ...NUMERIC.filter((type) => !type.endsWith('int8'))),
	},
	{
		displayName: 'Scale',
		name: 'scale',
		type: 'number',
		default: 1,
		description: 'What the value is multiplied by',
		...showFor('bits', ...NUMERIC),
	},
	{
		displayName: 'Add',
		name: 'add',
		type: 'number',
		default: 0,
		description: 'What is added to the value after scaling',
		...showFor('bits', ...NUMERIC),
	},
	{
		displayName: 'Unit',
		name: 'unit',
		type: 'string',
		default: '',
		placeholder: 'e.g. °C',
		description: 'Stands in "decodedUnits"',
		...showFor('bits', ...NUMERIC),
	},
];

/** The parameters of decoding, for operation tables; they stand on their own. */
export const decodeFields = {
	decode: {
		displayName: 'Decode Payload',
		name: 'decodePayload',
		type: 'options',
		options: [
			{ name: 'Bytes', value: 'bytes', description: 'A list of numbers from 0 to 255' },
			{ name: 'Fields', value: 'fields', description: 'Values at fixed places, by a table' },
			{ name: 'Hexadecimal', value: 'hex' },
			{ name: 'JSON', value: 'json' },
			{ name: 'No', value: 'none', description: 'Leave the payload as Hubble gives it, in Base64' },
			{ name: 'Text', value: 'text', description: 'UTF-8' },
		],
		default: 'none',
		description:
			'What the payload is. The result stands in "decoded"; where it cannot be read, "decodeError" says why.',
	},
	table: {
		displayName: 'Payload Fields',
		name: 'payloadFields',
		type: 'fixedCollection',
		typeOptions: { multipleValues: true, sortable: true },
		placeholder: 'Add Field',
		default: {},
		shownWhen: { decodePayload: ['fields'] },
		description: 'The values in a payload and their places',
		options: [
			{
				displayName: 'Field',
				name: 'field',
				values: VALUES,
			},
		],
	},
} as const satisfies Record<string, Field>;

/** The same for nodes without a table. */
export const decodeProperties: INodeProperties[] = Object.values(decodeFields as Record<string, Field>).map(
	({ shownWhen, ...field }) => ({
		...(field as INodeProperties),
		...(shownWhen
			? { displayOptions: { show: shownWhen as NonNullable<INodeProperties['displayOptions']>['show'] } }
			: {}),
	}),
);
