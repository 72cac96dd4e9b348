/** Values that have broken something somewhere, and what they must leave as it is. */
import fc from 'fast-check';

/** Texts that have broken something somewhere. */
const ODD_TEXTS = [
	' ',
	'\n',
	'../../keys',
	'..%2f..%2fkeys',
	'.',
	'..',
	'a/../b',
	'a?limit=1#b',
	'%00',
	'\u0000',
	'\ud800',
	'a\r\nX-Injected: 1',
	'__proto__',
	'constructor',
	'toString',
	'={{ $json }}',
	'{{ $env }}',
	'${process.env}',
	"'; DROP TABLE devices; --",
	'<script>alert(1)</script>',
	'\u202etxt.exe',
	'ﬁ',
	'🛰'.repeat(300),
	'x'.repeat(100_000),
	'1e999',
	'-0',
	'NaN',
	'0x10',
	'true',
	'[object Object]',
	'2026-02-30',
	'9999999999999999',
	'[1,2]',
	'{"a":1}',
];
const ODD_VALUES: unknown[] = [
	0,
	-1,
	1.5,
	2 ** 53,
	1e300,
	true,
	false,
	[[]],
	[1, null],
	['../x', {}],
	{ a: 1 },
	{ length: 1 },
	{ toString: 'x' },
	{ value: '../x', __rl: true, mode: 'id' },
	JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
];
/** What means something in a path, an address or a file name, as often as all others. */
const character = fc.oneof(
	fc.constantFrom(...'./\\:*?"<>|%#& \n\0', '\ud800', '..'),
	fc
		.oneof(fc.nat(0xff), fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff }))
		.map((point) => String.fromCodePoint(point)),
);
/** Any text. The unit "binary" of fast-check hardly ever draws one of the first, and makes a table of all 1.1 million. */
export const anyText = fc.string({ unit: character });

/** What a field of an item can hold. */
export const odd = fc.oneof(fc.constantFrom(...ODD_TEXTS), fc.constantFrom(...ODD_VALUES), anyText, fc.jsonValue());

const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype];

/** What the built-in prototypes have: to compare. */
export const shapeOfPrototypes = () => prototypes.map((prototype) => Object.getOwnPropertyNames(prototype).join());
