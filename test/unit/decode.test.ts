/** Decoding of payloads: encoding first gives back what was put in, and what cannot be read says why. */
import fc from 'fast-check';
import { payloadDecoder, type PayloadField } from '../../nodes/shared/packet/decode';

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const decode = (fields: PayloadField[], bytes: Uint8Array) =>
	payloadDecoder('fields', { field: fields })?.(base64(bytes));

type Sample = {
	field: Omit<PayloadField, 'name' | 'offset' | 'endianness'>;
	size: number;
	put: (view: DataView, at: number, isLittle: boolean) => void;
	value: unknown;
};

/** The independent way to write each type: DataView. */
const integers = (['int', 'uint'] as const).flatMap((sign) => ([8, 16, 32] as const).map((bits) => ({ sign, bits })));
const sample: fc.Arbitrary<Sample> = fc.oneof(
	...integers.map(({ sign, bits }) => {
		const min = sign === 'int' ? -(2 ** (bits - 1)) : 0;
		const max = sign === 'int' ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
		const method = `set${sign === 'int' ? 'Int' : 'Uint'}${bits}` as 'setInt16';
		return fc.integer({ min, max }).map((value): Sample => ({
			field: { type: `${sign}${bits}` },
			size: bits / 8,
			value,
			put: (view, at, isLittle) => view[method](at, value, isLittle),
		}));
	}),
	...(['int24', 'uint24'] as const).map((type) =>
		fc
			.integer({ min: type === 'int24' ? -(2 ** 23) : 0, max: type === 'int24' ? 2 ** 23 - 1 : 2 ** 24 - 1 })
			.map((value): Sample => ({
				field: { type },
				size: 3,
				value,
				put: (view, at, isLittle) =>
					[0, 1, 2].forEach((byte) => view.setUint8(at + (isLittle ? byte : 2 - byte), (value >> (8 * byte)) & 255)),
			})),
	),
	fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): Sample => ({
		field: { type: 'int64' },
		size: 8,
		value: Number.isSafeInteger(Number(value)) ? Number(value) : String(value),
		put: (view, at, isLittle) => view.setBigInt64(at, value, isLittle),
	})),
	fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value): Sample => ({
		field: { type: 'uint64' },
		size: 8,
		value: Number.isSafeInteger(Number(value)) ? Number(value) : String(value),
		put: (view, at, isLittle) => view.setBigUint64(at, value, isLittle),
	})),
	fc.double().map((value): Sample => ({
		field: { type: 'float64' },
		size: 8,
		value,
		put: (view, at, isLittle) => view.setFloat64(at, value, isLittle),
	})),
	fc.float().map((value): Sample => ({
		field: { type: 'float32' },
		size: 4,
		value,
		put: (view, at, isLittle) => view.setFloat32(at, value, isLittle),
	})),
	fc.tuple(fc.boolean(), fc.nat(7), fc.nat(255)).map(([value, bit, noise]): Sample => ({
		field: { type: 'bool', bit },
		size: 1,
		value,
		put: (view, at) => view.setUint8(at, value ? noise | (1 << bit) : noise & ~(1 << bit)),
	})),
	fc.tuple(fc.integer({ min: 1, max: 20 }), fc.nat(12), fc.nat(2 ** 32 - 1)).map(([length, bit, number]): Sample => ({
		field: { type: 'bits', bit, length },
		size: Math.ceil((bit + length) / 8),
		value: Number((BigInt(number) >> BigInt(bit)) & (2n ** BigInt(length) - 1n)),
		put: (view, at, isLittle) => {
			const size = Math.ceil((bit + length) / 8);
			for (let byte = 0; byte < size; byte++)
				view.setUint8(at + (isLittle ? byte : size - 1 - byte), Number((BigInt(number) >> BigInt(8 * byte)) & 255n));
		},
	})),
	fc
		.string({
			unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
			minLength: 1,
			maxLength: 12,
		})
		.map((value): Sample => ({
			field: { type: 'ascii', length: value.length },
			size: value.length,
			value,
			put: (view, at) => [...value].forEach((char, index) => view.setUint8(at + index, char.charCodeAt(0))),
		})),
);

it('decode ∘ encode is the identity, for any table', () => {
	fc.assert(
		fc.property(fc.array(fc.tuple(sample, fc.boolean()), { minLength: 1, maxLength: 10 }), (samples) => {
			const view = new DataView(new ArrayBuffer(samples.reduce((sum, [{ size }]) => sum + size, 0)));
			let offset = 0;
			const fields = samples.map(([{ field, size, put }, isLittle], index): PayloadField => {
				put(view, offset, isLittle);
				offset += size;
				return { ...field, name: `f${index}`, offset: offset - size, endianness: isLittle ? 'little' : 'big' };
			});
			const expected = Object.fromEntries(samples.map(([{ value }], index) => [`f${index}`, value]));
			expect(decode(fields, new Uint8Array(view.buffer))).toEqual({ decoded: expected });
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
				expect(payloadDecoder('text', {})?.(base64(new TextEncoder().encode(text)))).toEqual({ decoded: text });
				expect(payloadDecoder('bytes', {})?.(base64(bytes))).toEqual({ decoded: [...bytes] });
				expect(payloadDecoder('hex', {})?.(base64(bytes))).toEqual({ decoded: Buffer.from(bytes).toString('hex') });
				expect(payloadDecoder('json', {})?.(base64(new TextEncoder().encode(JSON.stringify(json))))).toEqual({
					decoded: clean,
				});
			},
		),
	);
});

it('scales, adds, and names the units once for all', () => {
	const fields: PayloadField[] = [
		{ name: 'temperature', type: 'int16', offset: 0, scale: 0.01, add: 0, unit: '°C' },
		{ name: 'battery', type: 'uint8', offset: 2, scale: 10, add: 2000, unit: 'mV' },
		{ name: 'raw', type: 'uint8', offset: 2, unit: '' },
	];
	expect(decode(fields, Uint8Array.of(0x08, 0x59, 0x7d))).toEqual({
		decoded: { temperature: 21.37, battery: 3250, raw: 125 },
		decodedUnits: { temperature: '°C', battery: 'mV' },
	});
});

it.each<[string, string, unknown, string]>([
	[
		'a short payload',
		'fields',
		{
			field: [
				{ name: 'a', type: 'uint8' },
				{ name: 'b', type: 'uint32', offset: 1 },
			],
		},
		'the payload has 3 bytes, "b" ends at byte 5',
	],
	['what is not JSON', 'json', {}, 'the payload is not'],
	['what is not UTF-8', 'text', {}, 'the payload is not UTF-8 text'],
])('says why it cannot read %s', (_, mode, table, reason) => {
	expect(payloadDecoder(mode, table)?.(base64(Uint8Array.of(0xff, 0xfe, 0xfd)))).toEqual({
		decodeError: expect.stringContaining(reason),
	});
});

it('says what is not Base64', () => {
	for (const odd of ['not base64!', 'AA=A', 'AAAAA', 'AAA A'])
		expect(payloadDecoder('hex', {})?.(odd)).toEqual({ decodeError: 'the payload is not Base64' });
	for (const good of ['AP8=', 'AP8', ''])
		expect(payloadDecoder('hex', {})?.(good)).toEqual({ decoded: good && '00ff' });
});

it.each<[string, PayloadField[]]>([
	['no payload field is given', []],
	['it has no name', [{ name: ' ', type: 'uint8' }]],
	[
		'its name is given twice',
		[
			{ name: 'a', type: 'uint8' },
			{ name: 'a', type: 'int8' },
		],
	],
	['Offset is not a whole number', [{ name: 'a', type: 'uint8', offset: -1 }]],
	['Scale is not a number: "abc"', [{ name: 'a', type: 'uint8', scale: 'abc' as never }]],
	['Endianness is neither', [{ name: 'a', type: 'uint16', endianness: 'Little' as never }]],
	['Type "toString" is unknown', [{ name: 'a', type: 'toString' as never }]],
	['not possible', [{ name: '__proto__', type: 'uint8' }]],
	['within 48 bits', [{ name: 'a', type: 'bits', bit: 40, length: 20 }]],
])('refuses a table of which: %s', (reason, fields) => {
	expect(() => payloadDecoder('fields', { field: fields })).toThrow(reason);
});

it('takes numbers that came as text, and nothing as the default', () => {
	const field = { name: 7, type: 'uint8', offset: '1', scale: null, add: '5' } as never;
	expect(decode([field], Uint8Array.of(9, 20))).toEqual({ decoded: { 7: 25 } });
	expect(() => payloadDecoder('toString', {})).toThrow('no way to decode');
});

it('does nothing unless it is asked to', () => {
	expect(payloadDecoder('none', {})).toBeUndefined();
	expect(payloadDecoder(undefined, undefined)).toBeUndefined();
});
