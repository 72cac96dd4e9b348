/**
 * Self-describing formats.
 *
 * Hubble Sensor: what Hubble's dashboard shows in its sensor widget, and what its reference firmware sends.
 * CayenneLPP: the types of version 1 (myDevices), named as The Things Network does, e.g. `temperature_3` for channel 3,
 * and those that the libraries for Arduino (ElectronicCats) and Python (pycayennelpp) added.
 * BTHome: the objects of version 2 (bthome.io/format, object IDs up to 0x64 and 0xf0 to 0xf2), with or without the
 * device information and the UUID before them; a second value of a kind is `temperature_2`.
 *
 * Zero bytes to the end of a payload are padding. After an unknown ID nothing can be read, because its length is
 * unknown.
 */
import type { IDataObject } from 'n8n-workflow';
import { isoTime } from '../operation/times';
import { NUMBERS, scaled, sum, unfit, type Decoded, type NumberType } from './payloadFields';

/** Of a format that gives its values names. */
interface Values extends Decoded {
	decoded: IDataObject;
}

type Part = readonly [type: NumberType, scale?: number];

/** One kind of value: a number, or an object of several. */
type Kind = readonly [name: string, unit: string, parts: Part | Readonly<Record<string, Part>>];

const AXES = (scale: number) => ({ x: ['int16', scale], y: ['int16', scale], z: ['int16', scale] }) as const;

const CAYENNE: Readonly<Record<number, Kind>> = {
	0x00: ['digital_in', '', ['uint8']],
	0x01: ['digital_out', '', ['uint8']],
	0x02: ['analog_in', '', ['int16', 0.01]],
	0x03: ['analog_out', '', ['int16', 0.01]],
	0x04: ['counter', '', ['uint16']],
	0x64: ['generic', '', ['uint32']],
	0x65: ['luminosity', 'lx', ['uint16']],
	0x66: ['presence', '', ['uint8']],
	0x67: ['temperature', '°C', ['int16', 0.1]],
	0x68: ['relative_humidity', '%', ['uint8', 0.5]],
	0x71: ['accelerometer', 'g', AXES(0.001)],
	0x72: ['magnetometer', '', AXES(0.001)],
	0x73: ['barometric_pressure', 'hPa', ['uint16', 0.1]],
	0x74: ['voltage', 'V', ['uint16', 0.01]],
	0x75: ['current', 'A', ['uint16', 0.001]],
	0x76: ['frequency', 'Hz', ['uint32']],
	0x78: ['percentage', '%', ['uint8']],
	0x79: ['altitude', 'm', ['int16']],
	0x7a: ['load', 'kg', ['int24', 0.001]],
	0x7d: ['concentration', 'ppm', ['uint16']],
	0x80: ['power', 'W', ['uint16']],
	0x82: ['distance', 'm', ['uint32', 0.001]],
	0x83: ['energy', 'kWh', ['uint32', 0.001]],
	0x84: ['direction', '°', ['uint16']],
	0x86: ['gyrometer', '°/s', AXES(0.01)],
	0x87: ['colour', '', { red: ['uint8'], green: ['uint8'], blue: ['uint8'] }],
	0x88: ['gps', '', { latitude: ['int24', 0.0001], longitude: ['int24', 0.0001], altitude: ['int24', 0.01] }],
	0x8e: ['switch', '', ['uint8']],
};

const BTHOME: Readonly<Record<number, Kind>> = {
	0x00: ['packet_id', '', ['uint8']],
	0x01: ['battery', '%', ['uint8']],
	0x02: ['temperature', '°C', ['int16', 0.01]],
	0x03: ['humidity', '%', ['uint16', 0.01]],
	0x04: ['pressure', 'hPa', ['uint24', 0.01]],
	0x05: ['illuminance', 'lx', ['uint24', 0.01]],
	0x06: ['mass_kg', 'kg', ['uint16', 0.01]],
	0x07: ['mass_lb', 'lb', ['uint16', 0.01]],
	0x08: ['dew_point', '°C', ['int16', 0.01]],
	0x09: ['count', '', ['uint8']],
	0x0a: ['energy', 'kWh', ['uint24', 0.001]],
	0x0b: ['power', 'W', ['uint24', 0.01]],
	0x0c: ['voltage', 'V', ['uint16', 0.001]],
	0x0d: ['pm2_5', 'µg/m³', ['uint16']],
	0x0e: ['pm10', 'µg/m³', ['uint16']],
	0x12: ['co2', 'ppm', ['uint16']],
	0x13: ['tvoc', 'µg/m³', ['uint16']],
	0x14: ['moisture', '%', ['uint16', 0.01]],
	0x2e: ['humidity', '%', ['uint8']],
	0x2f: ['moisture', '%', ['uint8']],
	0x3d: ['count', '', ['uint16']],
	0x3e: ['count', '', ['uint32']],
	0x3f: ['rotation', '°', ['int16', 0.1]],
	0x40: ['distance_mm', 'mm', ['uint16']],
	0x41: ['distance_m', 'm', ['uint16', 0.1]],
	0x42: ['duration', 's', ['uint24', 0.001]],
	0x43: ['current', 'A', ['uint16', 0.001]],
	0x44: ['speed', 'm/s', ['uint16', 0.01]],
	0x45: ['temperature', '°C', ['int16', 0.1]],
	0x46: ['uv_index', '', ['uint8', 0.1]],
	0x47: ['volume_l', 'L', ['uint16', 0.1]],
	0x48: ['volume_ml', 'mL', ['uint16']],
	0x49: ['volume_flow_rate', 'm³/h', ['uint16', 0.001]],
	0x4a: ['voltage', 'V', ['uint16', 0.1]],
	0x4b: ['gas', 'm³', ['uint24', 0.001]],
	0x4c: ['gas', 'm³', ['uint32', 0.001]],
	0x4d: ['energy', 'kWh', ['uint32', 0.001]],
	0x4e: ['volume_l', 'L', ['uint32', 0.001]],
	0x4f: ['water', 'L', ['uint32', 0.001]],
	0x51: ['acceleration', 'm/s²', ['uint16', 0.001]],
	0x52: ['gyroscope', '°/s', ['uint16', 0.001]],
	0x55: ['volume_storage', 'L', ['uint32', 0.001]],
	0x56: ['conductivity', 'µS/cm', ['uint16']],
	0x57: ['temperature', '°C', ['int8']],
	0x58: ['temperature', '°C', ['int8', 0.35]],
	0x59: ['count', '', ['int8']],
	0x5a: ['count', '', ['int16']],
	0x5b: ['count', '', ['int32']],
	0x5c: ['power', 'W', ['int32', 0.01]],
	0x5d: ['current', 'A', ['int16', 0.001]],
	0x5e: ['direction', '°', ['uint16', 0.01]],
	0x5f: ['precipitation', 'mm', ['uint16', 0.1]],
	0x60: ['channel', '', ['uint8']],
	0x61: ['rotational_speed', 'rpm', ['uint16']],
	0x62: ['speed', 'm/s', ['int32', 0.000001]],
	0x63: ['acceleration', 'm/s²', ['int32', 0.000001]],
	0x64: ['light_level', '', ['uint8']],
	0xf0: ['device_type_id', '', ['uint16']],
};

/** BTHome's binary sensors, from 0x0f on, without a gap but for the three that are no binary sensors. */
const BTHOME_BINARY: Readonly<Record<number, string>> = Object.fromEntries([
	...['generic_boolean', 'power_on', 'opening'].map((name, index) => [0x0f + index, name]),
	...(
		'battery_low battery_charging carbon_monoxide cold connectivity door garage_door gas_detected heat light lock ' +
		'moisture_detected motion moving occupancy plug presence problem running safety smoke sound tamper vibration window'
	)
		.split(' ')
		.map((name, index) => [0x15 + index, name]),
]);

const BUTTON: Readonly<Record<number, string>> = {
	...['none', 'press', 'double_press', 'triple_press', 'long_press', 'long_double_press', 'long_triple_press'],
	0x80: 'hold_press',
};
const DIMMER = ['none', 'rotate_left', 'rotate_right'];

/** A value, and how many bytes it takes. */
interface Found {
	name: string;
	unit?: string;
	size: number;
	/** Called when the payload has all its bytes. */
	read: (bytes: Buffer, at: number) => IDataObject[string];
	/** A remark about the value. */
	note?: string;
}

const isPart = (parts: Kind[2]): parts is Part => Array.isArray(parts);

/** Kinds made ready: number of bytes, and how they are read. */
function prepared(kinds: Readonly<Record<number, Kind>>, isLittle: boolean): ReadonlyMap<number, Found> {
	const reader = ([type, scale]: Part) => ({
		size: NUMBERS[type][0],
		read: scaled(NUMBERS[type][isLittle ? 2 : 1], scale),
	});
	return new Map(
		Object.entries(kinds).map(([id, [name, unit, parts]]): [number, Found] => {
			if (isPart(parts)) return [Number(id), { name, unit, ...reader(parts) }];
			let size = 0;
			const inner = Object.entries(parts).map(([key, part]) => {
				const { size: own, read } = reader(part);
				size += own;
				return { key, read, from: size - own };
			});
			const read = (bytes: Buffer, at: number) =>
				Object.fromEntries(inner.map((one) => [one.key, one.read(bytes, at + one.from)]));
			return [Number(id), { name, unit, size, read }];
		}),
	);
}

const cayenne = new Map<number, Found>([
	...prepared(CAYENNE, false),
	[0x85, { name: 'time', size: 4, read: (bytes, at) => isoTime(bytes.readUInt32BE(at)) }],
]);
const bthome = prepared(BTHOME, true);

/** Bytes in reverse as a version: BTHome sends the last number first. */
const version = (size: number): Found => ({
	name: 'firmware_version',
	size,
	read: (bytes, at) => [...bytes.subarray(at, at + size)].reverse().join('.'),
});

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The text without a byte order mark; `undefined` where the bytes are not UTF-8. */
export function utf8Text(bytes: Buffer): string | undefined {
	try {
		return utf8.decode(bytes);
	} catch {
		return undefined;
	}
}

/** Bytes without the zeros that devices fill a payload up with. */
export function withoutPadding(bytes: Buffer): Buffer {
	let end = bytes.length;
	while (bytes[end - 1] === 0) end--;
	return bytes.subarray(0, end);
}

/** The objects of BTHome that are no plain numbers; `at` is where the value of the object begins. */
function bthomeObject(id: number, bytes: Buffer, at: number): Found | undefined {
	const binary = BTHOME_BINARY[id];
	if (binary) return { name: binary, size: 1, read: () => bytes[at] !== 0 };
	const size = 1 + (bytes[at] ?? 0);
	const event = (events: Readonly<Record<number, string>>) => events[bytes.readUInt8(at)] ?? bytes.readUInt8(at);
	switch (id) {
		case 0x3a:
			return { name: 'button', size: 1, read: () => event(BUTTON) };
		case 0x3c:
			return { name: 'dimmer', size: 2, read: () => ({ event: event(DIMMER), steps: bytes[at + 1] }) };
		case 0x50:
			return { name: 'timestamp', size: 4, read: () => isoTime(bytes.readUInt32LE(at)) };
		case 0x53: {
			const text = bytes.subarray(at + 1, at + size);
			const note =
				utf8Text(text) === undefined ? '"text" is not UTF-8: what cannot be read is shown as \ufffd' : undefined;
			return { name: 'text', size, read: () => text.toString(), note };
		}
		case 0x54:
			return { name: 'raw', size, read: () => bytes.toString('hex', at + 1, at + size) };
		case 0xf1:
			return version(4);
		case 0xf2:
			return version(3);
		default:
			return bthome.get(id);
	}
}

const hex = (byte: number) => `0x${byte.toString(16).padStart(2, '0')}`;

/** What was read, and the byte before which reading ended; `Infinity` when all was read. */
interface Reading {
	values: Values;
	end: number;
}

/** Reads one value after the other; `head` reads what stands before a value, `headSize` bytes, and what is to be said. */
function readAll(
	bytes: Buffer,
	headSize: number,
	head: (at: number) => { found: Found | undefined; suffix?: string; unknown: string },
	from = 0,
): Reading {
	const decoded: IDataObject = {};
	const units: Record<string, string> = {};
	const notes: string[] = [];
	const ended = (end: number, reason?: string): Reading => {
		if (reason) notes.push(reason);
		const values: Values = { decoded };
		if (Object.keys(units).length) values.decodedUnits = units;
		if (notes.length) values.decodeError = notes.join('; ');
		return { values, end };
	};
	const { length } = withoutPadding(bytes);
	for (let at = from; at < length;) {
		if (at + headSize > bytes.length) return ended(at, `the payload ends within the value at byte ${at}`);
		const { found, suffix = '', unknown } = head(at);
		if (!found) return ended(at, `${unknown}; nothing was read from there on`);
		const begin = at + headSize;
		if (begin + found.size > bytes.length) return ended(at, `the payload ends within "${found.name}" at byte ${at}`);
		const name = `${found.name}${suffix}`;
		let key = name;
		for (let count = 2; Object.hasOwn(decoded, key); count++) key = `${name}_${count}`;
		decoded[key] = found.read(bytes, begin);
		if (found.unit) units[key] = found.unit;
		if (found.note) notes.push(found.note);
		at = begin + found.size;
	}
	return ended(Infinity);
}

const POLYLINE = 0xf0;

/** A payload in CayenneLPP: channel, type and value, one after the other. */
export const readCayenne = (bytes: Buffer): Values =>
	readAll(bytes, 2, (at) => {
		const id = bytes.readUInt8(at + 1);
		const what = `${hex(id)} at byte ${at + 1}`;
		const unknown = id === POLYLINE ? `${what} is a polyline, which is not supported` : `${what} is unknown`;
		return { found: cayenne.get(id), suffix: `_${bytes[at]}`, unknown };
	}).values;

/** BTHome v2 objects from a byte on: ID and value, one after the other. The IDs of a device ascend. */
function readObjects(bytes: Buffer, from: number): { values: Values; ascendsTo: number } {
	let last = 0;
	let ascendsTo = Infinity;
	const objectAt = (at: number) => {
		const id = bytes.readUInt8(at);
		if (id < last) ascendsTo = Math.min(ascendsTo, at);
		last = id;
		return { found: bthomeObject(id, bytes, at + 1), unknown: `${hex(id)} at byte ${at} is unknown` };
	};
	const { values, end } = readAll(bytes, 1, objectAt, from);
	return { values, ascendsTo: Math.min(ascendsTo, end) };
}

/** BTHome's UUID as it is sent, and as it is written. */
const BTHOME_UUIDS = ['d2fc', 'fcd2'];

/** Bits of the device information: encrypted; the six bytes of the address follow (older devices); the version. */
const [ENCRYPTED, HAS_ADDRESS, VERSION_SHIFT] = [1, 2, 5];

/** Behind the device information: at least one byte, the counter and the check, four bytes each. */
const LEAST_ENCRYPTED = 9;

/** Where the objects begin behind the device information at `at`. Throws an Error when they cannot be read. */
function objectsBegin(bytes: Buffer, at: number): number {
	const info = bytes[at];
	if (info === undefined) throw unfit('the payload has no device information');
	const number = info >> VERSION_SHIFT;
	if (number !== 2) throw unfit(`the device information ${hex(info)} means version ${number} of BTHome, not 2`);
	if (info & ENCRYPTED) {
		throw unfit(
			`the payload is encrypted, according to its device information ${hex(info)}: turn off encryption in the device`,
		);
	}
	return at + (info & HAS_ADDRESS ? 7 : 1);
}

/** A payload of BTHome v2 objects without anything before them. */
export const readBthomeObjects = (bytes: Buffer): Values => readObjects(bytes, 0).values;

/** Service data of BTHome v2 as a scanner shows them: the device information, then objects; perhaps the UUID first. */
export function readBthomeService(bytes: Buffer): Values {
	if (!bytes.length) return { decoded: {} };
	const hasUuid = BTHOME_UUIDS.includes(bytes.toString('hex', 0, 2));
	return readObjects(bytes, objectsBegin(bytes, hasUuid ? 2 : 0)).values;
}

/**
 * A payload of BTHome v2, as objects alone or as service data. 0x40 to 0x47 are device information (version 2, no
 * reserved bit), and IDs of objects as well. As IDs ascend and each has a known length, one of both readings
 * mostly ends early; where none does, it is taken for service data, and said.
 */
export function readBthome(bytes: Buffer): Values {
	const first = bytes[0] ?? 0;
	if (BTHOME_UUIDS.includes(bytes.toString('hex', 0, 2))) return readBthomeService(bytes);
	if ((first & 0xf8) !== 0x40) return readBthomeObjects(bytes);
	const alone = readObjects(bytes, 0);
	if (first & ENCRYPTED) {
		const isLong = bytes.length > LEAST_ENCRYPTED + (first & HAS_ADDRESS ? 6 : 0);
		return alone.ascendsTo === Infinity || !isLong ? alone.values : readBthomeService(bytes);
	}
	const behind = readObjects(bytes, objectsBegin(bytes, 0));
	if (alone.ascendsTo > behind.ascendsTo || !Object.keys(behind.values.decoded).length) return alone.values;
	if (alone.ascendsTo < behind.ascendsTo || behind.ascendsTo < Infinity) return behind.values;
	const [name = ''] = Object.keys(alone.values.decoded);
	const note = `it may be objects alone, beginning with "${name}"; if so, choose "BTHome (Objects Only)", else "BTHome (Service Data)"`;
	return { ...behind.values, decodeError: [behind.values.decodeError, note].filter(Boolean).join('; ') };
}

const SENSORS: Readonly<Record<number, readonly [name: string, unit?: string]>> = {
	1: ['temperature', '°C'],
	2: ['pressure'],
	3: ['humidity', '%'],
	4: ['battery', '%'],
};
const BATTERY = 4;

export const SENSOR_NAMES = Object.values(SENSORS).map(([name]) => name);

const hundredths = scaled(NUMBERS.int16[2], 0.01);
const millionths = scaled(NUMBERS.int32[2], 0.000001);

/**
 * Hubble's own sensor payload. A type, then, by its length: an int16 of hundredths (temperature, 3 bytes), an int32 and
 * an int32 of millionths (9 bytes), or a byte (battery, 2 bytes); padded with zeros to 4, 9 or 13 bytes.
 * Throws an Error for a payload that is none of these.
 */
export function readHubbleSensor(bytes: Buffer): Values {
	const [type] = bytes;
	if (type === undefined) return { decoded: {} };
	const [name, unit] = SENSORS[type] ?? [];
	if (!name) {
		const known = Object.entries(SENSORS).map(([id, [sensor]]) => `${id} (${sensor})`);
		throw unfit(`the type ${type} is unknown; a payload of Hubble's sensors begins with ${known.join(', ')}`);
	}
	const size = type === BATTERY ? 2 : bytes.length < 9 && type === 1 ? 3 : 9;
	if (bytes.length < size) throw unfit(`the payload has ${bytes.length} bytes, "${name}" ends at byte ${size}`);
	if (bytes.subarray(size).some(Boolean)) {
		throw unfit(
			`the payload has ${bytes.length} bytes, "${name}" ends at byte ${size}, and what follows is not padding`,
		);
	}
	if (size === 9 && Math.abs(bytes.readInt32LE(5)) >= 1e6)
		throw unfit(`the last four bytes of "${name}" are more than 999,999 millionths`);
	const value =
		size === 2
			? bytes.readUInt8(1)
			: size === 3
				? hundredths(bytes, 1)
				: sum(bytes.readInt32LE(1), millionths(bytes, 5));
	return { decoded: { [name]: value }, ...(unit ? { decodedUnits: { [name]: unit } } : {}) };
}

/**
 * A value of text: a number or a boolean where it is written as one, and nothing of it would be lost. Digits around a
 * lone "e" are rather hexadecimal.
 */
function plainValue(text: string): string | number | boolean {
	if (text === 'true' || text === 'false') return text === 'true';
	if (!/^[+-]?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i.test(text) || /^\d+e\d+$/i.test(text)) return text;
	const number = Number(text);
	const digits = text.replace(/e.*/i, '').replace(/\D/g, '').replace(/^0+/, '').length;
	return Number.isFinite(number) && digits <= 15 ? number : text;
}

/** Text such as `t=21.5;h=40`: pairs between semicolons, commas, ampersands or blanks. Throws an Error. */
export function readKeyValue(text: string): IDataObject {
	const result: IDataObject = {};
	for (const pair of text.split(/[;,&\s]/).filter(Boolean)) {
		const [, key, value = ''] = /^([^=]+)=(.*)/.exec(pair) ?? [];
		if (!key) throw new Error(`"${pair}" is not of the form key=value`);
		if (key === '__proto__') throw new Error(`the key "${key}" cannot be used`);
		if (Object.hasOwn(result, key)) throw new Error(`the key "${key}" appears twice`);
		result[key] = plainValue(value);
	}
	return result;
}
