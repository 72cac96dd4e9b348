/** Decoding of payloads: encoding first gives back what was put in, and what cannot be read says why. */
import fc from 'fast-check';
import {
	base64Bytes,
	hexBytes,
	looksLikeHex,
	payloadDecoder,
	payloadFields,
	sensorLikeness,
} from '../../nodes/shared/packet/decode';
import { decodeFields } from '../../nodes/shared/packet/decodeFields';
import { parseLayout, parseRows } from '../../nodes/shared/packet/layout';

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const decode = (layout: string, bytes: Uint8Array) => payloadDecoder({ decode: 'layout', layout })?.(base64(bytes));
/** A payload given in hexadecimal, blanks allowed. */
const read = (decode: string, hex: string) => payloadDecoder({ decode }, hexBytes)?.(hex);

type Sample = {
	type: string;
	parts?: string;
	size: number;
	put: (view: DataView, at: number, isLittle: boolean) => void;
	value: unknown;
};

/** The shortest decimal that is the same 32-bit float, by trying every length. */
function shortestBySearch(value: number): number {
	if (Number.isInteger(value)) return value;
	for (let digits = 1; digits <= 9; digits++) {
		const short = Number(value.toPrecision(digits));
		if (Math.fround(short) === value) return short;
	}
	return value;
}

/** What is no number is null in JSON. */
const finite = (value: number) => (Number.isFinite(value) ? value : null);

/** The independent way to write each type: DataView. */
const integers = (['int', 'uint'] as const).flatMap((sign) => ([8, 16, 32] as const).map((bits) => ({ sign, bits })));
const sample: fc.Arbitrary<Sample> = fc.oneof(
	...integers.map(({ sign, bits }) => {
		const min = sign === 'int' ? -(2 ** (bits - 1)) : 0;
		const max = sign === 'int' ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
		const method = `set${sign === 'int' ? 'Int' : 'Uint'}${bits}` as 'setInt16';
		return fc.integer({ min, max }).map((value): Sample => ({
			type: `${sign}${bits}`,
			size: bits / 8,
			value,
			put: (view, at, isLittle) => view[method](at, value, isLittle),
		}));
	}),
	...(['int24', 'uint24'] as const).map((type) =>
		fc
			.integer({ min: type === 'int24' ? -(2 ** 23) : 0, max: type === 'int24' ? 2 ** 23 - 1 : 2 ** 24 - 1 })
			.map((value): Sample => ({
				type,
				size: 3,
				value,
				put: (view, at, isLittle) =>
					[0, 1, 2].forEach((byte) => view.setUint8(at + (isLittle ? byte : 2 - byte), (value >> (8 * byte)) & 255)),
			})),
	),
	fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): Sample => ({
		type: 'int64',
		size: 8,
		value: Number.isSafeInteger(Number(value)) ? Number(value) : String(value),
		put: (view, at, isLittle) => view.setBigInt64(at, value, isLittle),
	})),
	fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value): Sample => ({
		type: 'uint64',
		size: 8,
		value: Number.isSafeInteger(Number(value)) ? Number(value) : String(value),
		put: (view, at, isLittle) => view.setBigUint64(at, value, isLittle),
	})),
	fc.double().map((value): Sample => ({
		type: 'float64',
		size: 8,
		value: finite(value),
		put: (view, at, isLittle) => view.setFloat64(at, value, isLittle),
	})),
	fc.float().map((value): Sample => ({
		type: 'float32',
		size: 4,
		value: finite(shortestBySearch(value)),
		put: (view, at, isLittle) => view.setFloat32(at, value, isLittle),
	})),
	fc.tuple(fc.boolean(), fc.nat(7), fc.nat(255)).map(([value, bit, noise]): Sample => ({
		type: 'bool',
		parts: `bit ${bit}`,
		size: 1,
		value,
		put: (view, at) => view.setUint8(at, value ? noise | (1 << bit) : noise & ~(1 << bit)),
	})),
	fc
		.record({ size: fc.integer({ min: 1, max: 8 }), word: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) })
		.chain((given) => fc.record({ given: fc.constant(given), bit: fc.nat(8 * given.size - 1) }))
		.chain(({ given, bit }) =>
			fc.record({
				given: fc.constant(given),
				bit: fc.constant(bit),
				length: fc.integer({ min: 1, max: 8 * given.size - bit }),
				signed: fc.boolean(),
			}),
		)
		.map(({ given: { size, word }, bit, length, signed }): Sample => {
			const part = BigInt.asUintN(8 * size, word) >> BigInt(bit);
			const value = signed ? BigInt.asIntN(length, part) : BigInt.asUintN(length, part);
			return {
				type: `bits${8 * size}`,
				parts: `bit ${bit} length ${length}${signed ? ' signed' : ''}`,
				size,
				value: Number.isSafeInteger(Number(value)) ? Number(value) : String(value),
				put: (view, at, isLittle) => {
					for (let byte = 0; byte < size; byte++)
						view.setUint8(at + (isLittle ? byte : size - 1 - byte), Number((word >> BigInt(8 * byte)) & 255n));
				},
			};
		}),
	fc
		.string({
			unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
			minLength: 1,
			maxLength: 12,
		})
		.map((value): Sample => ({
			type: 'ascii',
			parts: `length ${value.length}`,
			size: value.length,
			value,
			put: (view, at) => [...value].forEach((char, index) => view.setUint8(at + index, char.charCodeAt(0))),
		})),
);

it('decode ∘ encode is the identity, for any layout', () => {
	fc.assert(
		fc.property(fc.array(fc.tuple(sample, fc.boolean()), { minLength: 1, maxLength: 10 }), (samples) => {
			const view = new DataView(new ArrayBuffer(samples.reduce((sum, [{ size }]) => sum + size, 0)));
			let offset = 0;
			const lines = samples.map(([{ type, parts, size, put }, isLittle], index) => {
				put(view, offset, isLittle);
				offset += size;
				const order = type !== 'ascii' && isLittle ? 'little' : '';
				return [`f${index}:`, type, `@${offset - size}`, order, parts].join(' ');
			});
			const expected = Object.fromEntries(samples.map(([{ value }], index) => [`f${index}`, value]));
			const noNumbers = Object.keys(expected).filter((name) => expected[name] === null);
			expect(decode(lines.join('\n'), new Uint8Array(view.buffer))).toEqual({
				decoded: expected,
				...(noNumbers.length
					? {
							decodeError: expect.stringMatching(
								noNumbers.map((name) => `"${name}" is not a number`).join('.*'),
							) as string,
						}
					: {}),
			});
		}),
		{ numRuns: 500 },
	);
});

it('text, hex, JSON and bytes give back what was sent', () => {
	fc.assert(
		fc.property(
			fc.string({ unit: 'grapheme' }),
			fc.uint8Array({ maxLength: 40 }),
			fc.jsonValue(),
			(text, bytes, json) => {
				const clean = JSON.parse(JSON.stringify(json)) as unknown;
				const plain = text.replace(/^\ufeff/, '').replace(/\0+$/, '');
				expect(payloadDecoder({ decode: 'text' })?.(base64(new TextEncoder().encode(text)))).toEqual({
					decoded: plain,
				});
				expect(payloadDecoder({ decode: 'bytes' })?.(base64(bytes))).toEqual({ decoded: [...bytes] });
				expect(payloadDecoder({ decode: 'hex' })?.(base64(bytes))).toEqual({
					decoded: Buffer.from(bytes).toString('hex'),
				});
				// With an error beside it where a number is as long as none.
				const decoded = payloadDecoder({ decode: 'json' })?.(base64(new TextEncoder().encode(JSON.stringify(json))));
				expect(decoded?.decoded).toEqual(clean);
			},
		),
	);
});

it('scales, adds, and names the units once for all', () => {
	const layout = 'temperature: int16 @0 ×0.01 °C\nbattery: uint8 @2 ×10 +2000 mV\nraw: uint8 @2';
	expect(decode(layout, Uint8Array.of(0x08, 0x59, 0x7d))).toEqual({
		decoded: { temperature: 21.37, battery: 3250, raw: 125 },
		decodedUnits: { temperature: '°C', battery: 'mV' },
	});
});

it.each<[string, string, string]>([
	['a short payload', 'layout', 'the payload has 3 bytes, "b" ends at byte 5'],
	['what is not JSON', 'json', 'the payload is not'],
	['what is not UTF-8', 'text', 'the payload is not UTF-8 text'],
])('says why it cannot read %s', (_, mode, reason) => {
	const read = payloadDecoder({ decode: mode, layout: 'a: uint8 @0\nb: uint32 @1' });
	expect(read?.(base64(Uint8Array.of(0xff, 0xfe, 0xfd)))).toEqual({ decodeError: expect.stringContaining(reason) });
});

it('says what is not Base64', () => {
	for (const odd of [
		'not base64!',
		'AA=A',
		'A=',
		"AA'AA",
		'xdata:;base64,AAAA',
		'AAdata:;base64,AA',
		'AAAAA',
		'A A A A A',
		"''AAAA",
		'data:text/plain,AAAA',
	])
		expect(payloadDecoder({ decode: 'hex' })?.(odd)).toEqual({ decodeError: 'the payload is not Base64' });
	for (const good of ['AP8=', 'AP8', ''])
		expect(payloadDecoder({ decode: 'hex' })?.(good)).toEqual({ decoded: good && '00ff' });
});

it.each([
	['"Payload Layout" is empty; add a value', ''],
	['"Payload Layout" is empty', '# to come'],
	['payload field "a": its name is used twice', 'a: uint8 @0\na: int8 @0'],
	['"__proto__": this name cannot be used', '__proto__: uint8 @0'],
	['it ends with bit 8, and the highest bit of a word of 8 bits is 7', 'a: bits @0 bit 5 length 4'],
	['it ends with bit 8, and the highest bit of a word of 8 bits', 'a: bool @0 bit 8'],
	['it ends with bit 64', 'a: bits64 @0 bit 60 length 5'],
	['there is no value of the same name above it', '+ a: int8 @0'],
	['the type ascii cannot be added', 'a: int8 @0\n+ a: ascii @0'],
	['the type bool cannot be added', 'a: int8 @0\n+ a: bool @0'],
])('refuses a layout of which: %s', (reason, layout) => {
	expect(() => payloadDecoder({ decode: 'layout', layout })).toThrow(reason);
});

it('takes a name that is a number, and refuses a format that there is not', () => {
	expect(decode('7: uint8 @1 +5', Uint8Array.of(9, 20))).toEqual({ decoded: { 7: 25 } });
	expect(() => payloadDecoder({ decode: 'toString' })).toThrow('"Decode Payload": unknown payload format "toString"');
});

it('does nothing unless it is asked to', () => {
	expect(payloadDecoder({ decode: 'none' })).toBeUndefined();
	expect(payloadDecoder({})).toBeUndefined();
});

test.each<[string, string, unknown]>([
	['3 × 0.1', 'v: uint8 @0 ×0.1', 0.3],
	['-3 × 0.1 + 0.3', 'v: int8 @1 ×0.1 +0.3', 0],
	['192 × 0.1', 'v: int16 @2 ×0.1', 19.2],
	['a float of 32 bits', 'v: float32 @4', 21.3],
	['a float times 0.1', 'v: float32 @4 ×0.1', 2.13],
	['kelvin to Celsius', 'v: uint16 @2 -273.15', -81.15],
	['decimals, half away from zero', 'v: uint8 @0 ×0.335 decimals 2', 1.01],
	['decimals below zero', 'v: int8 @1 ×0.335 decimals 2', -1.01],
	['decimals of a float', 'v: float32 @4 ×3.7 decimals 1', 78.8],
	['a third of it', 'v: uint8 @0 ×0.3333333333333333', 1],
])('decimals are exact: %s', (_, layout, value) => {
	const bytes = Buffer.from('03fd00c041aa6666', 'hex');
	expect(payloadDecoder({ decode: 'layout', layout })?.(base64(bytes))).toEqual({ decoded: { v: value } });
});

test('a scaled integer is the decimal that one would write down', () => {
	fc.assert(
		fc.property(
			fc.integer({ min: -32768, max: 32767 }),
			fc.nat(6),
			fc.integer({ min: 1, max: 99 }),
			(raw, power, factor) => {
				const bytes = Buffer.alloc(2);
				bytes.writeInt16BE(raw);
				expect(decode(`v: int16 @0 ×${factor}e-${power}`, bytes)).toEqual({
					decoded: { v: Number(`${raw * factor}e-${power}`) + 0 },
				});
			},
		),
	);
});

test('zero bytes at the end and a byte order mark belong to no text', () => {
	const padded = (text: string) => base64(Buffer.concat([Buffer.from(text), Buffer.alloc(5)]));
	expect(payloadDecoder({ decode: 'text' })?.(padded('\ufeffon'))).toEqual({ decoded: 'on' });
	expect(payloadDecoder({ decode: 'json' })?.(padded('\ufeff{"a":1}'))).toEqual({ decoded: { a: 1 } });
	expect(payloadDecoder({ decode: 'keyValue' })?.(padded('a=1'))).toEqual({ decoded: { a: 1 } });
	expect(payloadDecoder({ decode: 'text' })?.('')).toEqual({ decoded: '' });
});

test.each<[string, string, string, unknown]>([
	['uint64 × 0.1', 'ffffffffffffffff', 'v: uint64 @0 ×0.1', '1844674407370955161.5'],
	['uint64 × 0.1 to no decimals', 'ffffffffffffffff', 'v: uint64 @0 ×0.1 decimals 0', '1844674407370955162'],
	['uint64 × 1e-6 to one decimal', 'ffffffffffffffff', 'v: uint64 @0 ×1e-6 decimals 1', 18446744073709.6],
	['int64 below zero × 0.1', '8000000000000001', 'v: int64 @0 ×0.1 +0.05', '-922337203685477580.65'],
	['int64 as a number again', '8000000000000000', 'v: int64 @0 ×0', 0],
	['−0 of a float', '80000000', 'v: float32 @0', -0],
])('all digits are kept: %s', (_, hex, layout, value) => {
	expect(payloadDecoder({ decode: 'layout', layout }, hexBytes)?.(hex)).toEqual({ decoded: { v: value } });
});

test('a uint64 times a power of ten is the decimal that one would write down', () => {
	fc.assert(
		fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }), fc.integer({ min: 1, max: 5 }), (raw, power) => {
			const hex = raw.toString(16).padStart(16, '0');
			const text = String(raw);
			const written = `${text.slice(0, -power)}.${text.slice(-power)}`.replace(/\.?0+$/, '');
			const { decoded } =
				payloadDecoder({ decode: 'layout', layout: `v: uint64 @0 ×1e-${power}` }, hexBytes)?.(hex) ?? {};
			expect(String((decoded as { v: unknown }).v)).toBe(written);
		}),
	);
});

test.each([
	['7fc00000', 'NaN'],
	['7f800000', 'Infinity'],
	['ff800000', '-Infinity'],
])('%s of a float is null, and said; the other values stay', (hex, what) => {
	const layout = 'a: uint8 @0\nt: float32 @0 ×2 decimals 1 °C\nu: float32 @0';
	expect(payloadDecoder({ decode: 'layout', layout }, hexBytes)?.(hex)).toEqual({
		decoded: { a: parseInt(hex.slice(0, 2), 16), t: null, u: null },
		decodedUnits: { t: '°C' },
		decodeError: `"t" is not a number: ${what}; "u" is not a number: ${what}`,
	});
});

test.each(['%', 'dBm', '/min', 'm/s2', 'CO2', 'kg/m3', 'rate2', 'cycle', 'lemon', 'scales', 'e'])(
	'%s is a unit',
	(unit) => {
		const layout = `t: uint8 @0 ${unit}`;
		expect(payloadDecoder({ decode: 'layout', layout }, hexBytes)?.('07')).toEqual({
			decoded: { t: 7 },
			decodedUnits: { t: unit },
		});
	},
);

test('what is neither JSON nor a table is said', () => {
	expect(payloadDecoder({ decode: 'json' })?.(base64(Buffer.from('{"a"')))?.decodeError).toMatch(
		/^the payload is not JSON: ./,
	);
	expect(() => payloadDecoder({ decode: 'layout' })).toThrow('"Payload Layout" is empty');
});

test('a payload of BTHome that may be one of a sensor of Hubble is told', () => {
	const said = 'This looks like Hubble Sensor, not BTHome. Choose that format.';
	const payloads = [base64(Buffer.from('012909', 'hex')), base64(Buffer.from('4001', 'hex')), '', 'not base64!'];
	for (const decode of ['bthome', 'bthomeObjects', 'bthomeService']) {
		expect(payloads.map((payload) => sensorLikeness({ decode })?.(payload))).toEqual([said, '', '', '']);
	}
	expect(['hex', 'xbthome', undefined].map((decode) => sensorLikeness({ decode }))).toEqual(Array(3).fill(undefined));
});

test('a number of JSON that is too large is null, and said', () => {
	const text = base64(Buffer.from('{"a":[1,1e999],"t":2}'));
	expect(payloadDecoder({ decode: 'json' })?.(text)).toEqual({
		decoded: { a: [1, null], t: 2 },
		decodeError: '"1" is too large for a number',
	});
	const long = base64(Buffer.from(`{"a":1${'0'.repeat(309)}}`));
	expect(payloadDecoder({ decode: 'json' })?.(long)).toMatchObject({ decoded: { a: null } });
});

test.each([
	['{"id":12345678901234567890,"t":2}', '"id" has more digits than a number keeps'],
	['{"id":9007199254740993}', '"id" has more digits than a number keeps'],
	['{"id":12345678901234567890,"t":1e999}', '"t" is too large for a number'],
	['{"id":9007199254740991,"t":0.1234567890123456}', undefined],
	['{"t":1e300}', undefined],
	['12345678901234567890', 'the number has more digits than a number keeps'],
	['{"a":10000000000000000}', undefined],
	['{"id":"12345678901234567890"}', undefined],
])('a number of JSON with more digits than a number keeps is said: %s', (text, error) => {
	expect(payloadDecoder({ decode: 'json' })?.(base64(Buffer.from(text)))?.decodeError).toBe(error);
});

describe('bits', () => {
	const read = (hex: string, layout: string) => payloadDecoder({ decode: 'layout', layout }, hexBytes)?.(hex)?.decoded;

	test('bit 0 is the least significant of the whole number, in either order', () => {
		const layout = (order: string) =>
			[0, 4, 8, 12].map((bit) => `v${bit}: bits16 @0 bit ${bit} length 4 ${order}`).join('\n');
		expect(read('1234', layout(''))).toEqual({ v0: 4, v4: 3, v8: 2, v12: 1 });
		expect(read('3412', layout('little'))).toEqual({ v0: 4, v4: 3, v8: 2, v12: 1 });
		expect(read('1234', 'a: bits @0 length 4\nb: bool16 @0 bit 2\nc: bool16 @0 bit 0')).toEqual({
			a: 2,
			b: true,
			c: false,
		});
	});

	test('RAWv2 of a RuuviTag, as published', () => {
		expect(
			read(
				'0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F',
				`format: uint8 @0
				temperature: int16 @1 ×0.005 °C
				humidity: uint16 @3 ×0.0025 %
				pressure: uint16 @5 +50000 Pa
				x: int16 @7 ×0.001 g
				y: int16 @9 ×0.001 g
				z: int16 @11 ×0.001 g
				voltage: bits16 @13 bit 5 length 11 ×0.001 +1.6 V
				power: bits16 @13 bit 0 length 5 ×2 -40 dBm
				movement: uint8 @15
				sequence: uint16 @16`,
			),
		).toEqual({
			format: 5,
			temperature: 24.3,
			humidity: 53.49,
			pressure: 100044,
			x: 0.004,
			y: -0.004,
			z: 1.036,
			voltage: 2.977,
			power: 4,
			movement: 66,
			sequence: 205,
		});
	});

	test('positions of 28 bits with a sign', () => {
		// 28 bits latitude, 28 bits longitude, 8 bits of speed.
		const word = (BigInt.asUintN(28, -879094n) << 36n) | (BigInt.asUintN(28, 423519n) << 8n) | 9n;
		expect(
			read(
				word.toString(16),
				'lat: bits64 @0 bit 36 length 28 signed ×0.0001 °\nlon: bits64 @0 bit 8 length 28 signed ×0.0001 °\nspeed: bits64 @0 length 8',
			),
		).toEqual({ lat: -87.9094, lon: 42.3519, speed: 9 });
	});
});

describe('a value in two fields', () => {
	const read = (hex: string, layout: string) => payloadDecoder({ decode: 'layout', layout }, hexBytes)?.(hex);

	test('is their sum, in decimal', () => {
		const layout = 't: int32 @1 little °C\n+ t: int32 @5 little ×0.000001';
		expect(read('01 15000000 e0930400', layout)).toEqual({ decoded: { t: 21.3 }, decodedUnits: { t: '°C' } });
		expect(read('01 ebffffff 206cfbff', layout)).toEqual({ decoded: { t: -21.3 }, decodedUnits: { t: '°C' } });
		expect(read('7fffffffffffffff 01', 'v: int64 @0\n+v: uint8 @8 ×0.5')).toEqual({
			decoded: { v: '9223372036854775807.5' },
		});
	});

	test('is absent where its first part is, and null where that is no number', () => {
		const layout = 'kind: uint8 @0\nt: uint8 @1 when byte 0 = 1\n+ t: uint8 @2 ×0.01';
		expect(read('010203', layout)).toEqual({ decoded: { kind: 1, t: 2.03 } });
		expect(read('020203', layout)).toEqual({ decoded: { kind: 2 } });
		expect(read('7fc00000', 't: float32 @0\n+ t: uint8 @0')?.decoded).toEqual({ t: null });
	});
});

test.each([
	['with a line break in it', 'AQID\r\nBAU=\n'],
	['with blanks in it', ' AQ ID BAU= '],
	['as a data: URL', 'data:application/octet-stream;base64,AQIDBAU='],
	['behind the apostrophe of a spreadsheet', "'AQIDBAU="],
	['behind blanks and an apostrophe', "  'AQIDBAU="],
	['without padding', 'AQIDBAU'],
])('Base64 is read %s', (_, given) => {
	expect(base64Bytes(given)).toEqual(Buffer.of(1, 2, 3, 4, 5));
});

test('Base64 that an export made safe is read again; what looks like hexadecimal is named', () => {
	expect(base64Bytes("'+AAA==")).toEqual(Buffer.of(0xf8, 0, 0));
	expect(base64Bytes("'-AAA==")).toEqual(Buffer.of(0xf8, 0, 0));
	expect(() => base64Bytes('0102 0304 0')).toThrow(/^the payload is not Base64$/);
	expect(() => base64Bytes('01:02:03')).toThrow('the payload is not Base64; this looks like hexadecimal');
});

test('an empty payload decodes to nothing', () => {
	const nothing = (decode: string) => payloadDecoder({ decode, layout: 'a: uint8 @0' })?.('');
	for (const decode of ['layout', 'keyValue', 'cayenne', 'bthome', 'bthomeObjects', 'bthomeService', 'hubbleSensor'])
		expect(nothing(decode)).toEqual({ decoded: {} });
	expect(['json', 'text', 'hex', 'bytes'].map(nothing)).toEqual([null, '', '', []].map((decoded) => ({ decoded })));
});

describe('Hubble Sensor', () => {
	test.each<[string, string, object, object]>([
		['a temperature of hundredths', '01 2909', { temperature: 23.45 }, { temperature: '°C' }],
		['the same with padding', '01 2909 00', { temperature: 23.45 }, { temperature: '°C' }],
		['below zero', '01 0cfe 00', { temperature: -5 }, { temperature: '°C' }],
		['a temperature of two integers', '01 17000000 d0dd0600', { temperature: 23.45 }, { temperature: '°C' }],
		['the same with padding', '01 17000000 d0dd0600 00000000', { temperature: 23.45 }, { temperature: '°C' }],
		['below zero', '01 fbffffff 48a1f8ff', { temperature: -5.483 }, { temperature: '°C' }],
		['humidity', '03 2d000000 20a10700', { humidity: 45.5 }, { humidity: '%' }],
		['battery', '04 57', { battery: 87 }, { battery: '%' }],
		['battery with padding', '04 570000', { battery: 87 }, { battery: '%' }],
	])('reads %s', (_, hex, decoded, decodedUnits) => {
		expect(read('hubbleSensor', hex)).toEqual({ decoded, decodedUnits });
	});

	test('pressure has no unit that is known', () => {
		expect(read('hubbleSensor', '02 65000000 10270000')).toEqual({ decoded: { pressure: 101.01 } });
	});

	test.each([
		['07 0102', "the type 7 is unknown; a payload of Hubble's sensors begins with 1 (temperature), 2 (pressure),"],
		['00000000', 'the type 0 is unknown'],
		['01 29', 'the payload has 2 bytes, "temperature" ends at byte 3'],
		['02 2909 00', 'the payload has 4 bytes, "pressure" ends at byte 9'],
		['01 2909 0001', 'the payload has 5 bytes, "temperature" ends at byte 3, and what follows is not padding'],
		['04', 'the payload has 1 bytes, "battery" ends at byte 2'],
		['02 65000000 40420f00', 'the last four bytes of "pressure" are more than 999,999 millionths'],
		['03 2d000000 c0bdf0ff', 'the last four bytes of "humidity" are more than 999,999 millionths'],
		// BTHome: 25 °C and 50.55 %.
		['01 57 02 c409 03 bf13 00', 'the last four bytes of "temperature" are more than 999,999 millionths'],
	])('says why %s is none', (hex, reason) => {
		expect(read('hubbleSensor', hex)).toEqual({ decodeError: expect.stringContaining(reason) as string });
	});

	test('decode ∘ encode is the identity, whatever the padding', () => {
		const padded = (bytes: Buffer) =>
			[0, 4, 9, 13].map((size) => Buffer.concat([bytes, Buffer.alloc(Math.max(0, size - bytes.length))]));
		fc.assert(
			fc.property(fc.integer({ min: -32768, max: 32767 }), fc.integer({ min: -1e9, max: 1e9 }), (hundredths, micro) => {
				const short = Buffer.alloc(3, 1);
				short.writeInt16LE(hundredths, 1);
				for (const bytes of padded(short).slice(0, 2))
					expect(read('hubbleSensor', bytes.toString('hex'))?.decoded).toEqual({
						temperature: Number(`${hundredths}e-2`) + 0,
					});
				const long = Buffer.alloc(9, 3);
				long.writeInt32LE(Math.trunc(micro / 1e6), 1);
				long.writeInt32LE(micro % 1e6, 5);
				for (const bytes of padded(long))
					expect(read('hubbleSensor', bytes.toString('hex'))?.decoded).toEqual({ humidity: Number(`${micro}e-6`) + 0 });
			}),
		);
	});
});

describe('When', () => {
	const layout = `
		kind: uint8 @0
		temperature: int16 @1 ×0.1 °C when byte 0 = 1
		battery: uint8 @1 % when byte 0 = 2   # the other type
		temperature: int8 @2 °F when byte 0 = 2
		late: uint8 @9 when byte 8 = 0x1f`;
	const read = (...bytes: number[]) => payloadDecoder({ decode: 'layout', layout })?.(base64(Uint8Array.from(bytes)));

	test('what a payload does not hold is absent, and so is its unit', () => {
		expect(read(1, 0, 213)).toEqual({ decoded: { kind: 1, temperature: 21.3 }, decodedUnits: { temperature: '°C' } });
		expect(read(2, 90, 70)).toEqual({
			decoded: { kind: 2, battery: 90, temperature: 70 },
			decodedUnits: { battery: '%', temperature: '°F' },
		});
		expect(read(3)).toEqual({ decoded: { kind: 3 }, decodedUnits: {} });
	});

	test('why a payload holds none of the values is said, but of an empty one', () => {
		const layout = 'a: uint8 @1 when byte 0 = 1\nb: uint8 @1 when byte 0 = 2\nc: uint8 @1 when byte 8 = 2';
		const decode = payloadDecoder({ decode: 'layout', layout });
		const why = (bytes: Uint8Array) => decode?.(base64(bytes));
		const nothing = (decodeError: string) => ({ decoded: {}, decodeError });
		expect(why(Uint8Array.of(3, 9))).toEqual(
			nothing('the payload has 2 bytes, and none of the values: byte 0 is 3, not 1 or 2; there is no byte 8'),
		);
		expect(why(Uint8Array.of(0x7b))).toEqual(
			nothing('the payload has 1 byte, and none of the values: byte 0 is 123, not 1 or 2; there is no byte 8'),
		);
		expect(why(Buffer.from('12'))).toEqual(
			nothing('the payload has 2 bytes, and none of the values: byte 0 is 49, not 1 or 2; there is no byte 8'),
		);
		expect(why(Buffer.from('{"t":21.3}\0\0'))).toEqual(
			nothing('the payload is JSON with other names: t. To read both, give your values these names'),
		);
		const six = Buffer.from('{"h":1,"i":2,"j":3,"k":4,"l":5,"m":6}');
		expect(why(six)).toEqual(
			nothing('the payload is JSON with other names: h, i, j, k, l. To read both, give your values these names'),
		);
		expect(decode?.('')).toEqual({ decoded: {} });
		const adding = payloadDecoder({
			decode: 'layout',
			layout: 'a: uint8 @1 when byte 0 = 1\n+ a: uint8 @2 when byte 0 = 2\n+ a: uint8 @3 when byte 1 = 3',
		});
		expect(adding?.(base64(Uint8Array.of(2, 3, 4, 5)))).toEqual(
			nothing('the payload has 4 bytes, and none of the values: byte 0 is 2, not 1'),
		);
	});

	test('what it does hold must be there whole', () => {
		expect(read(1, 0)).toEqual({ decodeError: 'the payload has 2 bytes, "temperature" ends at byte 3' });
		expect(read(3, 0, 0, 0, 0, 0, 0, 0, 0x1f)).toEqual({
			decodeError: 'the payload has 9 bytes, "late" ends at byte 10',
		});
	});
});

test('a payload that is an object in JSON is read by its own names', () => {
	const read = payloadDecoder({ decode: 'layout', layout: 'a: uint8 @0 %' });
	const of = (text: string) => read?.(base64(Buffer.from(text)));
	expect(of('{"a":21.3,"b":{"c":1}}')).toEqual({ decoded: { a: 21.3, b: { c: 1 } } });
	// What is no whole object is bytes, as is one without a name: two bytes may be that by chance.
	for (const text of ['{}', '{"a":1', '[{"a":1}]', '{"a":1}x', '{\u0000"a":1}']) {
		expect(of(text)).toEqual({ decoded: { a: text.charCodeAt(0) }, decodedUnits: { a: '%' } });
	}
});

describe('the layout', () => {
	test('is a value for each line', () => {
		expect(
			parseLayout(`# my sensor
temperature: int16 @4 ×0.01 °C
battery:UINT8 @1 when  byte  0  =  2
 tilt angle : int16@10 little x0.1 - 40 decimals 1 °
open: bool @12 bit 1
mode: bits @0x0c bit 2 length 3 big *10 +.5
power: BITS16 @13 length 5 Signed ×2
+ tilt angle: int8 @14
late: bool24 @1 bit 20
serial: ascii @0 length 4 # to the end
flow: float32 @2 m³/h WHEN BYTE 0x01=0xff`),
		).toEqual([
			{ name: 'temperature', type: 'int16', offset: 4, scale: 0.01, unit: '°C' },
			{ name: 'battery', type: 'uint8', offset: 1, when: { at: 0, wanted: 2 } },
			{
				name: 'tilt angle',
				type: 'int16',
				offset: 10,
				endianness: 'little',
				scale: 0.1,
				add: -40,
				decimals: 1,
				unit: '°',
			},
			{ name: 'open', type: 'bool', offset: 12, bit: 1 },
			{ name: 'mode', type: 'bits', offset: 12, bit: 2, length: 3, endianness: 'big', scale: 10, add: 0.5 },
			{ name: 'power', type: 'bits', width: 16, offset: 13, length: 5, signed: true, scale: 2 },
			{ name: 'tilt angle', type: 'int8', offset: 14, adds: true },
			{ name: 'late', type: 'bool', width: 24, offset: 1, bit: 20 },
			{ name: 'serial', type: 'ascii', offset: 0, length: 4 },
			{ name: 'flow', type: 'float32', offset: 2, unit: 'm³/h', when: { at: 1, wanted: 255 } },
		]);
	});

	/** A field and the order of the parts of its line. */
	const row = fc
		.record(
			{
				type: fc.constantFrom('int8', 'uint16', 'int24', 'float64', 'bits'),
				offset: fc.nat(300),
				scale: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
				add: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
				decimals: fc.nat(9),
				endianness: fc.constantFrom('big', 'little'),
				unit: fc.constantFrom('°C', '%', 'mV', 'm/s²', 'x', 'bit/s', 'kbit', 'm-2', 'm*s'),
				when: fc.record({ at: fc.nat(20), wanted: fc.nat(255) }),
			},
			{ requiredKeys: ['type', 'offset'] },
		)
		.chain((given) => fc.tuple(fc.constant(given), fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 })));

	test('says each field, its parts in any order', () => {
		fc.assert(
			fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), (rows) => {
				const lines = rows.map(([{ type, offset, scale, add, decimals, endianness, unit, when }, order], index) => {
					const parts = [
						`@${offset}`,
						scale === undefined ? '' : `×${scale}`,
						add === undefined ? '' : `${add < 0 ? '' : '+'}${add}`,
						decimals === undefined ? '' : `decimals ${decimals}`,
						endianness ?? '',
					];
					const condition = when && `when byte ${when.at} = ${when.wanted}`;
					return [`v${index}: ${type}`, ...order.map((at) => parts[at]), unit, condition].filter(Boolean).join(' ');
				});
				const fields = rows.map(([given], index) => ({ name: `v${index}`, ...given }));
				expect(parseLayout(lines.join('\n'))).toEqual(fields);
				// The form says the same, in cells that may be texts, beside those of other types, which it hides.
				const hidden = { bit: 0, length: 0, signed: false, adds: false, width: 8 };
				const cells = fields.map(({ when, ...given }) => ({
					...(given.type === 'bits' ? {} : hidden),
					...given,
					scale: given.scale === undefined ? '' : String(given.scale),
					...(when ? { when: 'byte', whenByte: when.at, whenValue: String(when.wanted) } : { when: 'always' }),
				}));
				expect(parseRows(cells)).toEqual(fields);
			}),
		);
	});

	test('takes every type of the form', () => {
		const [{ values }] = decodeFields.table.options;
		const types = values.find(({ name }) => name === 'type') as { options: Array<{ name: string; value: string }> };
		expect(types.options).toHaveLength(15);
		for (const { value } of types.options) {
			const bits = value === 'bits' || value === 'bool' ? { width: 16 } : {};
			expect(parseRows([{ name: 'a', type: value, ...bits }])).toEqual([
				{ name: 'a', type: value, offset: 0, ...bits },
			]);
		}
		expect(types.options.find(({ value }) => value === 'uint24')?.name).toBe('Unsigned Int 24');
	});

	test('a row of the form may be a part of a word, or add to the one above', () => {
		expect(
			parseRows([
				{
					name: ' mode ',
					type: 'bits',
					offset: '0x0c',
					width: 16,
					bit: 2,
					length: 3,
					signed: true,
					add: -1,
					unit: '°',
				},
				{ name: 'mode', type: 'int8', offset: 1, adds: true, add: '2' },
				{ name: 'open', type: 'bool', bit: 1, unit: 'left over', scale: 2 },
				{ name: 'text', type: 'ascii', length: 4, endianness: 'big' },
				{ name: 7, scale: null, add: null, decimals: null, unit: null },
				{ name: '+a: b #3', unit: 'parts per million' },
				{ name: 'pulses', unit: '1/min' },
			]),
		).toEqual([
			{ name: 'mode', type: 'bits', offset: 12, width: 16, bit: 2, length: 3, signed: true, add: -1, unit: '°' },
			{ name: 'mode', type: 'int8', offset: 1, adds: true, add: 2 },
			{ name: 'open', type: 'bool', offset: 0, bit: 1 },
			{ name: 'text', type: 'ascii', offset: 0, length: 4 },
			{ name: '7', type: 'uint8', offset: 0 },
			{ name: '+a: b #3', type: 'uint8', offset: 0, unit: 'parts per million' },
			{ name: 'pulses', type: 'uint8', offset: 0, unit: '1/min' },
		]);
	});

	test.each([
		[{ name: ' ' }, 'row 2: it has no name'],
		[{ name: 'b', type: 'odd' }, 'row 2, "b: odd @0": the type "odd" is unknown'],
		[{ name: 'b', type: 'UINT8', scale: 2 }, 'the type "UINT8" is unknown; types are int8 to int64'],
		[{ name: 'b', type: 'bool16', bit: 3 }, 'the type "bool16" is unknown'],
		[{ name: 'b', when: 'bytes', whenByte: 1 }, 'row 2: "bytes" is not one of always, byte'],
		[{ name: 'b', offset: -1 }, 'row 2, "b: uint8 @-1": "@-1" is not recognized'],
		[{ name: 'b', type: 'bits', signed: false, offset: -1 }, 'row 2, "b: bits @-1": "@-1" is not recognized'],
		[{ name: 'b', scale: 'abc' }, '"×abc" is not recognized'],
		[{ name: 'b', type: 'uint16', endianness: 'Litle' }, 'row 2: "Litle" is'],
		[{ name: 'b', type: 'bits', width: 12 }, 'row 2: "12" is not one of 8, 16, '],
		[{ name: 'b', when: 'byte', whenValue: 256 }, '256 is more than 255'],
		[{ name: 'b', offset: { a: 1 } }, 'row 2: an object (a) is not a text'],
		[{ name: { a: 1 } }, 'row 2: an object (a) is not a text'],
		[{ name: 'b', type: null }, 'row 2, "b: null @0": the type "null" is unknown'],
		[{ name: 'b', type: ' ' }, 'row 2, "b:   @0": the type " " is unknown'],
		[{ name: 'b', type: 'int 16' }, 'row 2, "b: int 16 @0": the type "int 16" is unknown'],
		[{ name: 'b', type: 'bits', width: null }, 'row 2: "null" is not one of 8, 16, '],
		[{ name: 'b', type: 'bits', width: ' ' }, 'row 2: " " is not one of 8, 16, '],
		[{ name: 'b', type: 'bits', signed: null }, 'row 2: "null" is neither true nor false'],
		[{ name: 'b', endianness: null }, 'row 2: "null" is not one of big, little'],
		[{ name: 'b', endianness: ' ' }, 'row 2: " " is not one of big, little'],
		[{ name: 'b', type: 'bits', signed: '\n' }, 'row 2: "\n" is neither true nor false'],
		[{ name: 'b', adds: ' ' }, 'row 2: " " is neither true nor false'],
		[{ name: 'b', when: null }, 'row 2: "null" is not one of always, byte'],
		[{ name: 'b', adds: null }, 'row 2: "null" is neither true nor false'],
		[{ name: 'b', adds: 'maybe' }, 'row 2: "maybe" is neither true nor false'],
		[{ name: 'b', adds: true }, 'payload field "b": there is no value of the same name above it'],
	])('refuses a row of the form: %j', (row, reason) => {
		expect(() => payloadDecoder({ decode: 'fields', table: { field: [{ name: 'a' }, row] } })).toThrow(reason);
	});

	test('rows of the form say nothing of other formats, where n8n hides and keeps them', () => {
		const table = { field: [{ name: 'a' }] };
		expect(payloadFields({ decode: 'fields', table })).toHaveLength(1);
		for (const decode of ['json', 'none', undefined]) expect(payloadFields({ decode, table })).toEqual([]);
	});

	test('an empty form is refused by its name', () => {
		for (const table of [undefined, {}, { field: [] }]) {
			expect(() => payloadDecoder({ decode: 'fields', table })).toThrow('"Payload Fields" is empty; add a value');
		}
	});

	test.each([
		['temperature int16 @4', 'it does not begin with a name, a colon and a type'],
		['a:b: int16 @4', 'it does not begin with a name, a colon and a type'],
		['temperature: int17 @4', 'the type "int17" is unknown; types are int8 to int64'],
		['temperature: int16 @4 when byte 0 = 256', '256 is more than 255, the most a byte can be'],
		['temperature: bits8x @4', 'the type "bits8x" is unknown'],
		['temperature: xbits8 @4', 'the type "xbits8" is unknown'],
		['temperature: int16 @4 bit 3', '"bit 3" does not go with the type int16'],
		['serial: ascii @4 big', '"big" does not go with the type ascii'],
		['temperature: int16 @4 5', '"5" is not recognized'],
		['temperature: int16 @4 bit', '"bit" is not recognized'],
		['temperature: int16 @4 when byte 0 = 1 °C', '"when byte 0 = 1 °C" is not recognized'],
		['temperature: bits12 @4', 'the type "bits12" is unknown'],
		['temperature: int16 @4 signed', '"signed" does not go with the type int16'],
		['temperature: toString @4', 'the type "toString" is unknown'],
		['temperature: int16', 'it does not say at which byte the value begins'],
		['temperature: int16 @4 @5', '"@5" repeats what the line already says'],
		['temperature: int16 @4 litle ×2', '"litle ×2" is not recognized'],
		['temperature: int16 @-4', '"@-4" is not recognized'],
		...[
			'−40',
			'–40',
			'/10',
			'÷10',
			'=2',
			'le',
			'BE',
			'LSB',
			'little-endian',
			'littleendian',
			'big_endian',
			'unsigned',
			'/2',
			'(2',
			'%2',
			'e2',
		].map((part) => [`temperature: int16 @4 ${part}`, `"${part}" is not recognized`]),
		...[
			'scale=0.1',
			'offset:-40',
			'bit2',
			'decimals2',
			'length4',
			'offset',
			'div10',
			'factor0.1',
			'(0.1)',
			'·10',
			'>>2',
			'e-2',
		].map((part) => [`temperature: int16 @4 ${part}`, `"${part}" is not recognized`]),
		['temperature: int16 @4 ×', '"×" is not recognized'],
		['temperature: int16 @4 ×1e999', '"×1e999" is too large for a number'],
		['temperature: int16 @4 when byte 0', '"when byte 0" is not recognized'],
		['temperature: int16 @4 length 3', '"length 3" does not go with the type int16'],
		['open: bool @4 ×2', '"×2" does not go with the type bool'],
		['open: bool @4 %', 'the type bool has no unit'],
	])('names the line that is wrong: %s', (line, reason) => {
		const layout = `a: uint8 @0\n\n  ${line} `;
		const decoder = () => payloadDecoder({ decode: 'layout', layout });
		expect(decoder).toThrow(`"Payload Layout": line 3, "${line}": ${reason}`);
	});
});

describe('CayenneLPP', () => {
	// From the documents of myDevices.
	test.each<[string, string, object]>([
		['two temperatures', '03 67 01 10 05 67 00 FF', { temperature_3: 27.2, temperature_5: 25.5 }],
		[
			'below zero, accelerometer',
			'01 67 FF D7 06 71 04 D2 FB 2E 00 00',
			{ temperature_1: -4.1, accelerometer_6: { x: 1.234, y: -1.234, z: 0 } },
		],
		['place', '01 88 06 76 5f f2 96 0a 00 03 e8', { gps_1: { latitude: 42.3519, longitude: -87.9094, altitude: 10 } }],
		['padding', '01 68 64 00 00 00 00', { relative_humidity_1: 50 }],
		// From the tests of the Arduino library (ElectronicCats).
		['voltage', '03 74 57 B8', { voltage_3: 224.56 }],
		['current', '01 75 00 ED', { current_1: 0.237 }],
		['frequency', '01 76 33 BE 27 A0', { frequency_1: 868100000 }],
		['altitude', '05 79 FF EF', { altitude_5: -17 }],
		['power', '01 80 FF FF 05 80 0D 7A', { power_1: 65535, power_5: 3450 }],
		['distance', '01 82 00 00 00 22', { distance_1: 0.034 }],
		['energy', '01 83 00 79 5B 30', { energy_1: 7953.2 }],
		['direction', '01 84 01 00', { direction_1: 256 }],
		['switch', '05 8E 01', { switch_5: 1 }],
		['generic sensor', '01 64 00 00 03 E6', { generic_1: 998 }],
		// From the table of types.
		['percentage, concentration', '01 78 63 02 7D 01 F4', { percentage_1: 99, concentration_2: 500 }],
		[
			'time, colour',
			'01 85 64 61 39 5D 02 87 FF 80 00',
			{ time_1: '2023-05-14T19:41:17.000Z', colour_2: { red: 255, green: 128, blue: 0 } },
		],
		['a type of version 1 and one that was added', '01 67 01 0b 01 74 01 40', { temperature_1: 26.7, voltage_1: 3.2 }],
	])('reads %s', (_, hex, decoded) => {
		expect(read('cayenne', hex)).toMatchObject({ decoded });
		expect(read('cayenne', hex)).not.toHaveProperty('decodeError');
	});

	test('says what it does not know, and keeps what came before', () => {
		expect(read('cayenne', '01 67 00 64 02 99 01')).toEqual({
			decoded: { temperature_1: 10 },
			decodedUnits: { temperature_1: '°C' },
			decodeError: '0x99 at byte 5 is unknown; nothing was read from there on',
		});
		expect(read('cayenne', '01 67 00 64 02 F0 08 01')).toMatchObject({
			decoded: { temperature_1: 10 },
			decodeError: '0xf0 at byte 5 is a polyline, which is not supported; nothing was read from there on',
		});
		expect(read('cayenne', '01 67 01')).toMatchObject({
			decodeError: 'the payload ends within "temperature" at byte 0',
		});
		expect(read('cayenne', '01 67')).toMatchObject({ decodeError: 'the payload ends within "temperature" at byte 0' });
		expect(read('cayenne', '01')).toMatchObject({ decodeError: 'the payload ends within the value at byte 0' });
		expect(read('cayenne', '01 05 01')).toMatchObject({
			decodeError: '0x05 at byte 1 is unknown; nothing was read from there on',
		});
	});

	test('decode ∘ encode is the identity', () => {
		const kinds = {
			digital_in: [0, 1, 1, false],
			digital_out: [1, 1, 1, false],
			analog_in: [2, 2, 100, true],
			analog_out: [3, 2, 100, true],
			luminosity: [101, 2, 1, false],
			presence: [102, 1, 1, false],
			temperature: [103, 2, 10, true],
			relative_humidity: [104, 1, 2, false],
			barometric_pressure: [115, 2, 10, false],
		} as const;
		const value = fc
			.constantFrom(...(Object.keys(kinds) as Array<keyof typeof kinds>))
			.chain((kind) =>
				fc.tuple(fc.constant(kind), fc.integer({ min: 1, max: kinds[kind][1] === 1 ? 255 : 32767 }), fc.boolean()),
			);
		fc.assert(
			fc.property(fc.array(value, { maxLength: 8 }), (values) => {
				const bytes: number[] = [];
				const expected: Record<string, number> = {};
				values.forEach(([kind, amount, isNegative], channel) => {
					const [id, size, perUnit, isSigned] = kinds[kind];
					const raw = isSigned && isNegative ? -amount : amount;
					bytes.push(channel, id, ...(size === 1 ? [raw] : [(raw >> 8) & 255, raw & 255]));
					expected[`${kind}_${channel}`] = raw / perUnit;
				});
				expect(read('cayenne', Buffer.from(bytes).toString('hex'))?.decoded).toEqual(expected);
			}),
		);
	});
});

describe('BTHome v2', () => {
	// The examples of the published table.
	const EXAMPLES: Array<[string, object]> = [
		['02CA09 03BF13', { temperature: 25.06, humidity: 50.55 }],
		['0161', { battery: 97 }],
		['04138A01', { pressure: 1008.83 }],
		['05138A14', { illuminance: 13460.67 }],
		['065E1F', { mass_kg: 80.3 }],
		['08CA06', { dew_point: 17.38 }],
		['12E204', { co2: 1250 }],
		['3E2A2C0960', { count: 1611213866 }],
		['59EA', { count: -22 }],
		['5AEAEA', { count: -5398 }],
		['5BEA0234EA', { count: -365690134 }],
		['434E34', { current: 13.39 }],
		['5D02EA', { current: -5.63 }],
		['414E00', { distance_m: 7.8 }],
		['424E3400', { duration: 13.39 }],
		['4d12138a14', { energy: 344593.17 }],
		['4C41018A01', { gas: 25821.505 }],
		['0B021B00', { power: 69.14 }],
		['14020C', { moisture: 30.74 }],
		['518756', { acceleration: 22.151 }],
		['56E803', { conductivity: 1000 }],
		['2101 1A00', { motion: true, door: false }],
		['3A02', { button: 'double_press' }],
		['3C0103', { dimmer: { event: 'rotate_left', steps: 3 } }],
		['530C48656C6C6F20576F726C6421', { text: 'Hello World!' }],
		['540C48656C6C6F20576F726C6421', { raw: '48656c6c6f20576f726c6421' }],
		['505D396164', { timestamp: '2023-05-14T19:41:17.000Z' }],
		['F0 0100 F1 00010204 F2 000106', { device_type_id: 1, firmware_version: '4.2.1.0', firmware_version_2: '6.1.0' }],
		['0009 02CA09 45 1101 000000', { packet_id: 9, temperature: 25.06, temperature_2: 27.3 }],
	];

	test.each(EXAMPLES)('reads %s', (hex, decoded) => {
		expect(read('bthome', hex)).toMatchObject({ decoded });
		expect(read('bthome', hex)).not.toHaveProperty('decodeError');
	});

	describe('as service data', () => {
		test.each(EXAMPLES)('40 %s', (hex, decoded) => {
			for (const info of ['40', '44', 'D2FC40', 'FCD2 44']) {
				expect(read('bthomeService', info + hex)).toMatchObject({ decoded });
				expect(read('bthomeService', info + hex)).not.toHaveProperty('decodeError');
				expect(read('bthome', info + hex)).toMatchObject({ decoded });
			}
			expect(read('bthomeObjects', hex)).toEqual(read('bthomeService', `40 ${hex}`));
		});

		// Advertisements of devices, as the parser of Home Assistant is tested with them.
		test.each<[string, object]>([
			[
				'40006201590206 08034D120C530B',
				{ packet_id: 98, battery: 89, temperature: 20.54, humidity: 46.85, voltage: 2.899 },
			],
			['40002E01641E012E34451601', { packet_id: 46, battery: 100, light: true, humidity: 52, temperature: 27.8 }],
			['4002C40903BF13', { temperature: 25, humidity: 50.55 }],
			['4404138A01', { pressure: 1008.83 }],
			['46 A4C1388D18B2 02C409', { temperature: 25 }],
		])('%s is told from objects alone', (hex, decoded) => {
			expect(read('bthome', hex)).toMatchObject({ decoded });
			expect(read('bthome', hex)).not.toHaveProperty('decodeError');
		});

		test.each<[string, object]>([
			['400C00', { distance_mm: 12 }],
			['40 0C00 4304000000', { distance_mm: 12, current: 0.004 }],
			['414E00', { distance_m: 7.8 }],
			['414E00 00000000 00000000 0000', { distance_m: 7.8 }],
			['451101', { temperature: 27.3 }],
			['444E34', { speed: 133.9 }],
			[
				'454E34 450100 450200 450300',
				{ temperature: 1339, temperature_2: 0.1, temperature_3: 0.2, temperature_4: 0.3 },
			],
		])('%s is objects alone', (hex, decoded) => {
			expect(read('bthome', hex)).toMatchObject({ decoded });
			expect(read('bthome', hex)).not.toHaveProperty('decodeError');
		});

		test.each<[string, object, string]>([
			// One byte less than the shortest service data that are encrypted, without an address and with one.
			['41 4E00 65 0000000001', { distance_m: 7.8 }, '0x65 at byte 3'],
			['43 4E34 65 00000000000000000000 01', { current: 13.39 }, '0x65 at byte 3'],
			// Both readings end at the same byte.
			['40 3A01 FF', { button: 'press' }, '0xff at byte 3'],
		])('%s: what was read is kept, and only the rest said', (hex, decoded, place) => {
			expect(read('bthome', hex)).toMatchObject({
				decoded,
				decodeError: `${place} is unknown; nothing was read from there on`,
			});
		});

		test('what may be both is taken for service data, and said; both can be chosen', () => {
			expect(read('bthome', '40 3A01')).toEqual({
				decoded: { button: 'press' },
				decodeError:
					'it may be objects alone, beginning with "distance_mm"; if so, choose "BTHome (Objects Only)", else "BTHome (Service Data)"',
			});
			expect(read('bthomeObjects', '40 3A01')).toMatchObject({ decoded: { distance_mm: 314 } });
			expect(read('bthomeService', '40 3A01')).toEqual({ decoded: { button: 'press' } });
			expect(read('bthome', '40 5302 57FF')).toEqual({
				decoded: { text: 'W\ufffd' },
				decodeError: expect.stringMatching(/^"text" is not UTF-8[^;]*; it may be objects alone, beginning/) as string,
			});
		});

		test.each([
			['41A47266C95F730011223378237214', 'encrypted, according to its device information 0x41'],
			['41 4E00 65 000000000001', 'encrypted, according to its device information 0x41'],
			['43 4E34 65 0000000000000000000000 01', 'encrypted, according to its device information 0x43'],
			['41D2FCEFE52EB212D600112233BC38C966', 'encrypted, according to its device information 0x41'],
			['45 A47266C95F730011223378237214', 'encrypted, according to its device information 0x45'],
			['D2FC41A47266C95F73', 'encrypted'],
			['D2FC E1 02000C0404138A01', 'the device information 0xe1 means version 7 of BTHome, not 2'],
			['D2FC', 'the payload has no device information'],
		])('%s is refused', (hex, reason) => {
			expect(read('bthome', hex)).toEqual({ decodeError: expect.stringContaining(reason) as string });
		});

		test('an unknown object is named, and what came before it is kept', () => {
			expect(read('bthome', '40 02CA09 65 01')).toMatchObject({
				decoded: { temperature: 25.06 },
				decodeError: '0x65 at byte 4 is unknown; nothing was read from there on',
			});
		});
	});

	test('a text that is not UTF-8 has replacements, and it is said', () => {
		expect(read('bthome', '53 03 41FF42 54 01 FF')).toEqual({
			decoded: { text: 'A\ufffdB', raw: 'ff' },
			decodeError: '"text" is not UTF-8: what cannot be read is shown as \ufffd',
		});
		expect(read('bthome', '53 03 EFBFBD')).toEqual({ decoded: { text: '\ufffd' } });
		expect(read('bthome', '53 01 FF 65 01')).toEqual({
			decoded: { text: '\ufffd' },
			decodeError:
				'"text" is not UTF-8: what cannot be read is shown as \ufffd; 0x65 at byte 3 is unknown; nothing was read from there on',
		});
	});

	test('says which object it does not know, and keeps what came before', () => {
		expect(read('bthome', '0161 65 01')).toEqual({
			decoded: { battery: 97 },
			decodedUnits: { battery: '%' },
			decodeError: '0x65 at byte 2 is unknown; nothing was read from there on',
		});
		expect(read('bthome', '530548')).toMatchObject({ decodeError: 'the payload ends within "text" at byte 0' });
	});

	test('decode ∘ encode is the identity', () => {
		const object = fc.oneof(
			fc.tuple(fc.constant('battery'), fc.constant([0x01]), fc.nat(255), fc.constant([1, 1] as const)),
			fc.tuple(
				fc.constant('temperature'),
				fc.constant([0x02]),
				fc.integer({ min: -32768, max: 32767 }),
				fc.constant([2, 100] as const),
			),
			fc.tuple(fc.constant('pressure'), fc.constant([0x04]), fc.nat(2 ** 24 - 1), fc.constant([3, 100] as const)),
			fc.tuple(fc.constant('water'), fc.constant([0x4f]), fc.nat(2 ** 32 - 1), fc.constant([4, 1000] as const)),
			fc.tuple(fc.constant('speed'), fc.constant([0x62]), fc.integer(), fc.constant([4, 1e6] as const)),
		);
		const objects = fc.uniqueArray(object, { selector: ([name]) => name });
		fc.assert(
			fc.property(objects, (given) => {
				const bytes = given.flatMap(([, id, raw, [size]]) => {
					const all = Buffer.alloc(8);
					all.writeBigInt64LE(BigInt(raw));
					return [...id, ...all.subarray(0, size)];
				});
				const expected = Object.fromEntries(given.map(([name, , raw, [, perUnit]]) => [name, raw / perUnit]));
				expect(read('bthome', Buffer.from(bytes).toString('hex'))?.decoded).toEqual(expected);
			}),
		);
	});
});

describe('key=value', () => {
	const text = (given: string) => payloadDecoder({ decode: 'keyValue' })?.(base64(Buffer.from(given)));

	test('reads pairs, and keeps as text what a number would change', () => {
		expect(text('t=21.5;h=40, ok=true&id=007 n=-1e3\nlong=12345678901234567890;empty=')).toEqual({
			decoded: { t: 21.5, h: 40, ok: true, id: '007', n: -1000, long: '12345678901234567890', empty: '' },
		});
		expect(text('a=1e-3;b=2e+10;c=1.23456789012345E24;d=0.00123456789012345;e=1000000000000001')).toEqual({
			decoded: { a: 0.001, b: 2e10, c: 123456789012345e10, d: 0.00123456789012345, e: '1000000000000001' },
		});
		// Rather hexadecimal.
		expect(text('id=12e5;n=0e1;m=12e15;o=1E9x')).toEqual({ decoded: { id: '12e5', n: '0e1', m: '12e15', o: '1E9x' } });
		expect(text('t=1;=a=5')).toEqual({ decodeError: '"=a=5" is not of the form key=value' });
		expect(text('t=1;oops')).toEqual({ decodeError: '"oops" is not of the form key=value' });
		expect(text('t=1;t=2')).toEqual({ decodeError: 'the key "t" appears twice' });
		expect(text('__proto__=1')).toEqual({ decodeError: 'the key "__proto__" cannot be used' });
	});

	test('decode ∘ encode is the identity', () => {
		const key = fc.stringMatching(/^[a-zA-Z]\w{0,6}$/);
		const value = fc.oneof(
			fc.boolean(),
			fc.integer(),
			fc.stringMatching(/^[a-su-z]{0,5}$/),
			fc.nat(1e6).map((n) => n / 1000),
		);
		fc.assert(
			fc.property(fc.dictionary(key, value), fc.constantFrom(';', ',', '&', ' ', '\n'), (object, separator) => {
				const pairs = Object.entries(object).filter(([, one]) => one !== 'false');
				expect(text(pairs.map(([name, one]) => `${name}=${one}`).join(separator))).toEqual({
					decoded: Object.fromEntries(pairs),
				});
			}),
		);
	});
});

test('hexadecimal digits are read as people write them', () => {
	for (const given of ['0aff', '0x0AFF', ' 0x0aff', '0a ff', '0a:FF', ' 0a-ff\n'])
		expect(hexBytes(given)).toEqual(Buffer.of(10, 255));
	expect(['00ff', '0x0', 'ff', 'xy00', '01:02'].map(looksLikeHex)).toEqual([true, false, false, false, true]);
	for (const odd of ['0af', 'xyz', '0x0g', '0a0xff'])
		expect(() => hexBytes(odd)).toThrow('the payload is not hexadecimal');
});

test('what is no text is no layout, and no format', () => {
	expect(() => payloadDecoder({ decode: { a: 1 } })).toThrow('"Decode Payload": unknown payload format an object (a)');
	expect(() => payloadDecoder({ decode: 'layout', layout: { a: 1 } })).toThrow(
		'"Payload Layout": an object (a) is not a text',
	);
});
