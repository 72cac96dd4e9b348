/** Values at fixed places in a payload: the lines of a layout, made once into a function that reads them. */
import type { IDataObject } from 'n8n-workflow';
import { asError } from '../client/errors';
import { counted } from '../operation/values';

/** What a payload says; `decodeError` says why it cannot be read, or where reading ended before its end. */
export interface Decoded {
	decoded?: IDataObject[string];
	decodedUnits?: Readonly<Record<string, string>>;
	decodeError?: string;
}

/** One value in a payload: a line of the layout, or a row of the form. */
export interface PayloadField {
	name: string;
	type: NumberType | 'bits' | 'bool' | 'ascii';
	/** Where it begins, in bytes from 0. */
	offset: number;
	/** Whether it is added to the value of the same name before it, such as a fraction that is sent separately. */
	adds?: boolean;
	/** `bits`, `bool`: how many bits the whole number has of which they are a part, one of `WIDTHS`; 8 without it. */
	width?: number;
	/** `bits`, `bool`: the lowest bit, 0 for the least significant of the whole number. */
	bit?: number;
	/** `bits`: how many bits, one without it; `ascii`: how many characters, the rest of the payload without it. */
	length?: number;
	/** `bits`: whether the highest of them is the sign. */
	signed?: boolean;
	endianness?: 'big' | 'little';
	/** The value is multiplied by `scale`, then `add` is added. */
	scale?: number;
	add?: number;
	/** How many decimals the result is rounded to; all of them without it. */
	decimals?: number;
	unit?: string;
	/** The value is there only in payloads whose byte at `at` is `wanted`. */
	when?: Condition;
}

interface Condition {
	at: number;
	wanted: number;
}

/** Why a layout or a payload cannot be used. (n8n's lint takes a `new Error` in a `catch` for one that a node throws.) */
export const unfit = (reason: string) => new Error(reason);

type Read = (bytes: Buffer, at: number) => number | string | boolean;

/** A 64-bit integer as a number where a number can hold it exactly, else as text. */
const exact = (value: bigint) => (BigInt.asIntN(54, value) === value ? Number(value) : String(value));

/** A number in decimal: `digits` × 10^-`places`. */
interface Decimal {
	digits: bigint;
	places: number;
}

/** A finite number, or the text of one, in decimal. */
function decimal(value: number | string): Decimal {
	const [mantissa = '', exponent = '0'] = String(value).split('e');
	const [whole = '', fraction = ''] = mantissa.split('.');
	const places = fraction.length - Number(exponent);
	const digits = BigInt(whole + fraction);
	return places < 0 ? { digits: digits * 10n ** BigInt(-places), places: 0 } : { digits, places };
}

function textOf(value: Decimal): string {
	let { digits, places } = value;
	for (; places > 0 && digits % 10n === 0n; places--) digits /= 10n;
	const all = String(digits < 0n ? -digits : digits).padStart(places + 1, '0');
	const fraction = places ? `.${all.slice(-places)}` : '';
	return `${digits < 0n ? '-' : ''}${all.slice(0, all.length - places)}${fraction}`;
}

/** As a number where it has no more digits than a number keeps, else as text. */
function valueOf(value: Decimal): number | string {
	const text = textOf(value);
	const digits = text.replace(/\D/g, '').replace(/^0+/, '');
	return digits.length <= 15 || (!text.includes('.') && Number.isSafeInteger(Number(text))) ? Number(text) : text;
}

function decimalSum(a: Decimal, b: Decimal): Decimal {
	const places = Math.max(a.places, b.places);
	const raised = (one: Decimal) => one.digits * 10n ** BigInt(places - one.places);
	return { digits: raised(a) + raised(b), places };
}

/** Rounded half away from zero. */
function decimalRounded({ digits, places }: Decimal, decimals: number): Decimal {
	if (places <= decimals) return { digits, places };
	const unit = 10n ** BigInt(places - decimals);
	const half = digits < 0n ? -unit / 2n : unit / 2n;
	return { digits: (digits + half) / unit, places: decimals };
}

const isSummand = (value: unknown): value is number | string => ['number', 'string'].includes(typeof value);

/** The sum of two values, in decimal: 21 + 0.3 is 21.3. */
export function sum(a: number | string, b: number | string): number | string {
	// What is not finite has no decimals.
	if (!Number.isFinite(Number(a)) || !Number.isFinite(Number(b))) return Number(a) + Number(b);
	const result = decimalSum(decimal(a), decimal(b));
	return typeof a === 'string' || typeof b === 'string' ? valueOf(result) : Number(textOf(result));
}

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
const decimalsOf = (value: number): number => Math.min(22, decimal(value).places);

/**
 * Reads a number, times `scale`, plus `add`, in decimal: 3 × 0.1 is 0.3. Integers are scaled as integers and divided
 * by a power of ten last, which rounds once; a text, which is an integer that no number can hold, keeps all digits.
 * Other numbers lose what lies behind their fifteenth digit.
 */
export function scaled(read: ReadNumber, scale = 1, add = 0): ReadNumber {
	if (scale === 1 && add === 0) return read;
	const power = 10 ** Math.max(decimalsOf(scale), decimalsOf(add));
	const factor = Math.round(scale * power);
	const addend = Math.round(add * power);
	return (bytes, at) => {
		const value = read(bytes, at);
		if (typeof value === 'string') {
			const by = decimal(scale);
			return valueOf(decimalSum({ ...by, digits: BigInt(value) * by.digits }, decimal(add)));
		}
		const product = value * factor;
		const sum = product + addend;
		if (Number.isSafeInteger(product) && Number.isSafeInteger(sum)) return sum / power;
		return Number((value * scale + add).toPrecision(15));
	};
}

/** A value rounded in decimal, half away from zero: 1.005 to two decimals is 1.01. */
function rounded(value: number | string, decimals: number): number | string {
	if (!Number.isFinite(Number(value))) return value;
	const result = decimalRounded(decimal(value), decimals);
	return typeof value === 'string' ? valueOf(result) : Number(textOf(result));
}

export const WIDTHS = [8, 16, 24, 32, 40, 48, 56, 64];

/** `length` bits from `bit` on, of a whole number of `width` bits. Bit 0 is the least significant one in either order. */
function bits(
	{ bit, length, width, isSigned }: { bit: number; length: number; width: number; isSigned: boolean },
	isLittle: boolean,
): [size: number, read: ReadNumber] {
	if (bit + length > width) {
		throw unfit(`it ends with bit ${bit + length - 1}, and the highest bit of a word of ${width} bits is ${width - 1}`);
	}
	const size = width / 8;
	if (size > 6) {
		const part = isSigned ? BigInt.asIntN : BigInt.asUintN;
		const whole = (bytes: Buffer, at: number) => {
			const own = Buffer.from(bytes.subarray(at, at + size));
			return BigInt(`0x${(isLittle ? own.reverse() : own).toString('hex')}`);
		};
		return [size, (bytes, at) => exact(part(length, whole(bytes, at) >> BigInt(bit)))];
	}
	const divisor = 2 ** bit;
	const modulus = 2 ** length;
	const firstNegative = isSigned ? modulus / 2 : modulus;
	const whole = (bytes: Buffer, at: number) => (isLittle ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size));
	return [
		size,
		(bytes, at) => {
			const value = Math.floor(whole(bytes, at) / divisor) % modulus;
			return value < firstNegative ? value : value - modulus;
		},
	];
}

/** How many bytes a field needs from where it begins, and how it is read there. */
function compile(field: PayloadField): { size: number; read: Read } {
	const { type, width = 8, bit = 0, length = 0, signed = false, scale, add, decimals } = field;
	const isLittle = field.endianness === 'little';
	if (type === 'ascii') {
		// What a fixed field is filled up with is no text.
		const read: Read = (bytes, at) =>
			bytes.toString('latin1', at, length ? at + length : undefined).replace(/(?<!\0)\0+$/, '');
		return { size: length, read };
	}
	if (type === 'bool') {
		const [size, plain] = bits({ bit, length: 1, width, isSigned: false }, isLittle);
		return { size, read: (bytes, at) => plain(bytes, at) === 1 };
	}
	const [size, plain] =
		type === 'bits'
			? bits({ bit, length: length || 1, width, isSigned: signed }, isLittle)
			: [NUMBERS[type][0], NUMBERS[type][isLittle ? 2 : 1]];
	const read = scaled(plain, scale, add);
	return { size, read: decimals === undefined ? read : (bytes, at) => rounded(read(bytes, at), decimals) };
}

/** Which bytes keep a payload from having any field: 'byte 0 is 7, not 1 or 2'. */
function missed(fields: readonly PayloadField[], bytes: Buffer): string {
	const wanted = new Map<number, Set<number>>();
	for (const { when } of fields) {
		if (when) wanted.set(when.at, (wanted.get(when.at) ?? new Set()).add(when.wanted));
	}
	return [...wanted]
		.flatMap(([at, values]) => {
			const byte = bytes[at];
			if (byte === undefined) return `there is no byte ${at}`;
			// A field that only adds has nothing to add to, though its byte is right.
			const others = [...values].filter((value) => value !== byte);
			return others.length ? `byte ${at} is ${byte}, not ${others.join(' or ')}` : [];
		})
		.join('; ');
}

/** Whether two fields are never in the same payload, so that they may have one name. */
const excludeEachOther = (a?: Condition, b?: Condition) => a && b && a.at === b.at && a.wanted !== b.wanted;

/** @param earlier conditions of the fields before it, by their names */
function prepare(field: PayloadField, earlier: Map<string, Array<Condition | undefined>>) {
	const { name, type, adds, when } = field;
	try {
		if (name === '__proto__') throw unfit('this name cannot be used');
		const others = earlier.get(name) ?? [];
		if (adds) {
			if (!others.length) throw unfit('there is no value of the same name above it');
			if (type === 'bool' || type === 'ascii') throw unfit(`the type ${type} cannot be added`);
		} else {
			if (!others.every((other) => excludeEachOther(other, when))) throw unfit('its name is used twice');
			earlier.set(name, [...others, when]);
		}
		return { ...field, ...compile(field) };
	} catch (error) {
		throw unfit(`payload field "${name}": ${asError(error).message}`);
	}
}

/**
 * All fields of a layout as one function from bytes to what they say; fields that a payload does not have are absent, and
 * what is no number, such as the NaN of a float, is null and noted. Throws when the layout is wrong, and the function
 * when a payload is too short.
 */
export function fieldReader(fields: readonly PayloadField[]): (bytes: Buffer) => Decoded {
	const earlier = new Map<string, Array<Condition | undefined>>();
	const compiled = fields.map((field) => prepare(field, earlier));
	if (!compiled.length) throw unfit('it is empty; add a value, such as temperature: int16 @4 ×0.01 °C');
	// One object of units serves all payloads, unless they differ in what they have.
	const units = Object.fromEntries(fields.flatMap(({ name, unit }) => (unit ? [[name, unit]] : [])));
	const hasUnits = Object.keys(units).length > 0;
	const differ = fields.some(({ when }) => when);
	return (bytes) => {
		const decoded: IDataObject = {};
		const decodedUnits = differ ? {} : units;
		const notes: string[] = [];
		for (const { name, adds, unit, when, offset: at, size, read } of compiled) {
			if (when && bytes[when.at] !== when.wanted) continue;
			if (bytes.length < at + size)
				throw unfit(`the payload has ${bytes.length} bytes, "${name}" ends at byte ${at + size}`);
			let value: ReturnType<Read> | null = read(bytes, at);
			if (adds) {
				const base = decoded[name];
				// Not there in this payload, or no number.
				if (!isSummand(base) || !isSummand(value)) continue;
				value = sum(base, value);
			}
			if (typeof value === 'number' && !Number.isFinite(value)) {
				notes.push(`"${name}" is not a number: ${value}`);
				value = null;
			}
			decoded[name] = value;
			if (unit && differ) decodedUnits[name] = unit;
		}
		if (!Object.keys(decoded).length)
			notes.push(`the payload has ${counted(bytes.length, 'byte')}, and none of the values: ${missed(fields, bytes)}`);
		const result: Decoded = { decoded };
		if (hasUnits) result.decodedUnits = decodedUnits;
		if (notes.length) result.decodeError = notes.join('; ');
		return result;
	};
}
