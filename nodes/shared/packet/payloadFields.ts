/** Values at fixed places in a payload: rows of a table, made once into a function that reads them. */
import type { IDataObject } from 'n8n-workflow';
import { asText, numberIn, quoted } from '../operation/values';

/** One value in a payload: a row of the form, or a line of the text layout. */
export interface PayloadField {
	name: string;
	type: NumberType | 'bits' | 'bool' | 'ascii';
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
	/** How many decimals the result is rounded to; all of them without it. */
	decimals?: number | '';
	unit?: string;
	/** `byte`: the value is there only in payloads whose byte at `whenByte` is `whenValue`. */
	when?: 'always' | 'byte';
	whenByte?: number;
	whenValue?: number;
}

/** Why a table or a payload cannot be used. */
export const unfit = (reason: string) => new Error(reason);

/** Reads a value that begins at a byte. */
type Read = (bytes: Buffer, at: number) => number | string | boolean;

/** A 64-bit integer as a number where a number holds it exactly, else as text. */
const exact = (value: bigint) => (BigInt.asIntN(54, value) === value ? Number(value) : String(value));

/** The shortest decimal that is the same 32-bit float: 21.3, not 21.299999237060547. */
function shortest(value: number): number {
	if (Number.isInteger(value) || !Number.isFinite(value)) return value;
	// Up to six digits survive a 32-bit float, unless it is as small as these.
	for (let digits = Math.abs(value) < 2 ** -126 ? 1 : 6; digits < 9; digits++) {
		const short = Number(value.toPrecision(digits));
		if (Math.fround(short) === value) return short;
	}
	return Number(value.toPrecision(9));
}

type ReadNumber = (bytes: Buffer, at: number) => number | string;

/** Size in bytes, and how it is read. */
export const NUMBERS = {
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
	float32: [4, (bytes, at) => shortest(bytes.readFloatBE(at)), (bytes, at) => shortest(bytes.readFloatLE(at))],
	float64: [8, (bytes, at) => bytes.readDoubleBE(at), (bytes, at) => bytes.readDoubleLE(at)],
} as const satisfies Record<string, readonly [size: number, big: ReadNumber, little: ReadNumber]>;

export type NumberType = keyof typeof NUMBERS;

/** How many decimals a number has when it is written; at most 22, as 10^22 is the last power that is exact. */
function decimalsOf(value: number): number {
	const [digits = '', exponent = '0'] = String(value).split('e');
	return Math.min(22, Math.max(0, (digits.split('.')[1] ?? '').length - Number(exponent)));
}

/**
 * Reads a number, times `scale`, plus `add`, in decimal: 3 × 0.1 is 0.3. Integers are scaled as integers and divided
 * by a power of ten last, which rounds once. Other numbers lose what lies behind their fifteenth digit.
 */
export function scaled(read: ReadNumber, scale = 1, add = 0): ReadNumber {
	if (scale === 1 && add === 0) return read;
	const power = 10 ** Math.max(decimalsOf(scale), decimalsOf(add));
	const factor = Math.round(scale * power);
	const addend = Math.round(add * power);
	return (bytes, at) => {
		const value = Number(read(bytes, at));
		const product = value * factor;
		const sum = product + addend;
		if (Number.isSafeInteger(product) && Number.isSafeInteger(sum)) return sum / power;
		return Number((value * scale + add).toPrecision(15));
	};
}

/** A number rounded in decimal, half away from zero: 1.005 to two decimals is 1.01. */
function rounded(value: number, decimals: number): number {
	const [digits = '', exponent = '0'] = String(Math.abs(value)).split('e');
	const shifted = Math.round(Number(`${digits}e${Number(exponent) + decimals}`));
	const result = Number(`${shifted}e${-decimals}`);
	return Number.isFinite(result) ? Math.sign(value) * result : value;
}

/** `length` bits from `bit` on, of the bytes from where it begins, which are one number in that endianness. */
function bits(bit: number, length: number, isLittle: boolean): [size: number, read: ReadNumber & Read] {
	const size = Math.ceil((bit + length) / 8);
	if (size > 6) throw unfit('a bit field ends within 48 bits of its offset');
	const divisor = 2 ** bit;
	const modulus = 2 ** length;
	const whole = (bytes: Buffer, at: number) => (isLittle ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size));
	return [size, (bytes, at) => Math.floor(whole(bytes, at) / divisor) % modulus];
}

/** A number of the table as its cell or an expression gives it. */
function cell(what: string, value: unknown, fallback: number, min = -Number.MAX_VALUE, isWhole = false): number {
	try {
		return numberIn(min, Number.MAX_VALUE, isWhole)(value) ?? fallback;
	} catch {
		throw unfit(`${what} is not ${isWhole ? 'a whole number from 0 on' : 'a number'}: ${quoted(value)}`);
	}
}

const count = (what: string, value: unknown) => cell(what, value, 0, 0, true);

/** A row as where it begins, how many bytes it needs from there, and how it is read. */
function compile({ type = 'uint8', endianness = 'big', ...given }: PayloadField) {
	const at = count('Offset', given.offset);
	const bit = count('Bit', given.bit);
	const length = count('Length', given.length);
	const isLittle = endianness === 'little';
	if (!isLittle && endianness !== 'big') throw unfit(`Endianness is neither "big" nor "little": ${quoted(endianness)}`);
	if (type === 'ascii') {
		// What a fixed field is filled up with is no text.
		const read: Read = (bytes) =>
			bytes.toString('latin1', at, length ? at + length : undefined).replace(/(?<!\0)\0+$/, '');
		return { at, size: length, read };
	}
	if (type === 'bool') {
		const [size, read] = bits(bit, 1, isLittle);
		return { at, size, read: ((bytes) => read(bytes, at) === 1) as Read };
	}
	if (type !== 'bits' && !Object.hasOwn(NUMBERS, type)) throw unfit(`Type ${quoted(type)} is unknown`);
	const [size, plain] =
		type === 'bits' ? bits(bit, length || 1, isLittle) : [NUMBERS[type][0], NUMBERS[type][isLittle ? 2 : 1]];
	const read = scaled(plain, cell('Scale', given.scale, 1), cell('Add', given.add, 0));
	const decimals = count('Decimals', given.decimals);
	if (String(given.decimals ?? '').trim() === '') return { at, size, read };
	return { at, size, read: ((bytes) => rounded(Number(read(bytes, at)), decimals)) as Read };
}

/** Whether a payload holds a row; `undefined` for a row that each payload holds. */
function condition({ when = 'always', whenByte, whenValue }: PayloadField) {
	if (when === 'always') return undefined;
	if (when !== 'byte') throw unfit(`When is neither "always" nor "byte": ${quoted(when)}`);
	const at = count('When Byte', whenByte);
	const wanted = count('When Value', whenValue);
	if (wanted > 255) throw unfit(`When Value is more than a byte can hold: ${wanted}`);
	return { at, wanted };
}

type Condition = ReturnType<typeof condition>;

/** Whether two rows are never in the same payload, so that they may have one name. */
const excludeEachOther = (a: Condition, b: Condition) => a && b && a.at === b.at && a.wanted !== b.wanted;

/** A field's name; an expression may have given a number. */
export const nameOf = ({ name }: PayloadField) => asText(name ?? '').trim();

/**
 * All rows of a table as one function from bytes to an object; rows that a payload does not hold are absent.
 * Throws when the table is wrong, and the function when a payload is too short. The units of the rows that were read
 * go into `units`.
 */
export function fieldReader(
	fields: readonly PayloadField[],
): (bytes: Buffer, units?: Record<string, string>) => IDataObject {
	const conditions = new Map<string, Condition[]>();
	const compiled = fields.map((field, index) => {
		const name = typeof field.name === 'object' ? String(index + 1) : nameOf(field);
		try {
			nameOf(field);
			if (!name) throw unfit('it has no name');
			if (name === '__proto__') throw unfit('this name is not possible');
			const when = condition(field);
			const others = conditions.get(name) ?? [];
			if (!others.every((other) => excludeEachOther(other, when))) throw unfit('its name is given twice');
			conditions.set(name, [...others, when]);
			const unit = asText(field.unit ?? '');
			return { name, unit, when, ...compile(field) };
		} catch (error) {
			throw unfit(`payload field "${name}": ${(error as Error).message}`);
		}
	});
	if (!compiled.length) throw unfit('no payload field is given');
	return (bytes, units) => {
		const result: IDataObject = {};
		for (const { name, unit, when, at, size, read } of compiled) {
			if (when && bytes[when.at] !== when.wanted) continue;
			if (bytes.length < at + size)
				throw unfit(`the payload has ${bytes.length} bytes, "${name}" ends at byte ${at + size}`);
			result[name] = read(bytes, at);
			if (units && unit) units[name] = unit;
		}
		return result;
	};
}
