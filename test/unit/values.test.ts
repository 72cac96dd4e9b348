/** From n8n's values to the wire's: what is taken, and what is refused in words that name it. */
import fc from 'fast-check';
import { DateTime } from 'luxon';
import {
	asText,
	counted,
	email,
	fieldName,
	flag,
	FREE_ID,
	freeId,
	isEmpty,
	leastOf,
	mostOf,
	nthItem,
	numberIn,
	oneOf,
	parameterError,
	quoted,
	readRows,
	tagFilters,
	takenField,
	text,
	texts,
	uuid,
} from '../../nodes/shared/operation/values';
import { tagMap } from '../../nodes/HubbleDevice/tags';
import { hasEmptyExpression, namedRows } from '../../nodes/shared/operation/readItem';
import { anyText } from '../integration/odd';

test('rows are read one by one, and what is none is refused by its number', () => {
	const names = (given: unknown) => readRows(given, 'row', ({ name }) => text(3)(name));
	expect([names(undefined), names({}), names({ row: { name: 'a' } })]).toEqual([[], [], ['a']]);
	expect(names({ row: [{ name: 'a' }, { name: 'b' }] })).toEqual(['a', 'b']);
	expect(() => names({ row: [{ name: 'a' }, { name: 'long' }] })).toThrow(/^row 2: it has 4 characters/);
	expect(() => names({ row: [{ name: 'a' }, 'b'] })).toThrow(/^row 2: "b" is not a row$/);
	expect(() => names('rows')).toThrow(/^"rows" is not a list of rows$/);
});

test('the largest and the smallest of any count of numbers', () => {
	const many = Array.from({ length: 200_000 }, (_, index) => index - 1000);
	expect([mostOf(many), leastOf(many)]).toEqual([198_999, -1000]);
	expect([mostOf([]), leastOf([]), mostOf([3, -5], 4), mostOf([-5, -3])]).toEqual([-Infinity, Infinity, 4, -3]);
});

describe('ids', () => {
	test.each([
		'null',
		'undefined',
		'NaN',
		'__proto__',
		'constructor',
		'prototype',
		'[object Object]',
		'.',
		'..',
		' .. ',
	])('%p does not travel', (id) => {
		expect(() => freeId(id)).toThrow('is not an ID');
		expect(() => uuid(id)).toThrow('is not an ID');
	});

	test.each(['eyJhbGciOiJIUzI1NiJ9.eyJrIjoxfQ.c2ln', 'Bearer eyJhbGciOiJIUzI1NiJ9.x'])(
		'the token %p is no ID, and not shown',
		(id) => {
			for (const read of [freeId, uuid]) expect(() => read(id)).toThrow(/^it is a key, not an ID$/);
		},
	);

	test('the key of a device is no ID, and not shown', () => {
		for (const bytes of [16, 32]) {
			const [base64 = '', hex = ''] = (['base64', 'hex'] as const).map((form) =>
				Buffer.alloc(bytes, 0xfb).toString(form),
			);
			for (const read of [freeId, uuid]) expect(() => read(base64)).toThrow(/^it is a key, not an ID$/);
			expect(() => uuid(hex)).toThrow(/^"\*\*\*" is not an ID \(a UUID such as/);
			for (const read of [freeId, uuid, asText])
				for (const list of [[base64], ['x', [hex]]])
					expect(() => read(list)).toThrow(/^"\*\*\*" is not (an ID|a text)$/);
		}
		const [base64, hex] = (['base64', 'hex'] as const).map((form) => Buffer.alloc(16, 0xfb).toString(form));
		for (const other of ['A'.repeat(31), 'z'.repeat(32), `!${base64}`, `${base64}!`, `!${hex}`, `${hex}!`])
			expect(() => uuid(other)).toThrow(`"${other}" is not an ID`);
		expect(freeId('f'.repeat(32))).toBe('f'.repeat(32));
	});

	test('a message reads on where a secret is hidden', () => {
		const name = 'f'.repeat(32);
		expect(() => namedRows([{ name }, { name }], 9, (row) => row)).toThrow('the name "***" is used twice');
	});

	test('an object is no ID', () => expect(() => uuid({ a: 1 })).toThrow('an object (a) is not an ID'));

	test.each([['6ea53e36-b7fb-429f-8c2e-d536cab71089'], true])('%p is no ID, and is shown as it is', (id) => {
		expect(() => uuid(id)).toThrow(`${JSON.stringify(id)} is not an ID`);
		expect(() => freeId(id)).toThrow(`${JSON.stringify(id)} is not an ID`);
	});

	test.each(['abc=', 'a+b=', 'k~1', 'in_1', 'a/b', 'ключ', '...'])('%p is any text: it is encoded, not refused', (id) =>
		expect(freeId(` ${id} `)).toBe(id),
	);

	test('are read from a picker, and a UUID in small letters', () => {
		const picked = (value: unknown) => ({ __rl: true, mode: 'list', value });
		const id = '6ea53e36-b7fb-429f-8c2e-d536cab71089';
		expect(uuid(picked(` ${id.toUpperCase()} `))).toBe(id);
		expect([freeId(picked('k')), freeId(7)]).toEqual(['k', '7']);
		for (const wrong of [`${id}0`, `x${id}`, 'k']) {
			expect(() => uuid(wrong)).toThrow(`"${wrong}" is not an ID (a UUID such as ${id})`);
		}
		expect(() => uuid(picked(null))).toThrow('null is not an ID');
	});

	test('of any text are taken by the pickers, but for what would change the path', () => {
		const form = new RegExp(`^${FREE_ID}$`);
		expect(['k', 'a b', '...', '.a', '.', '..', '.. ', ' k', ''].map((id) => form.test(id))).toEqual([
			...Array<boolean>(4).fill(true),
			...Array<boolean>(5).fill(false),
		]);
	});

	test.each(['a\nb', 'a\u0000', 'a\ud800'])('%j cannot be in a path', (id) =>
		expect(() => freeId(id)).toThrow('is not an ID'),
	);

	test('whatever is taken stays one part of the path', () => {
		fc.assert(
			fc.property(anyText, (id) => {
				let taken: string;
				try {
					taken = freeId(id);
				} catch {
					return;
				}
				const { pathname } = new URL(`http://localhost/v1/key/${encodeURIComponent(taken)}/end`);
				expect(pathname.split('/')).toHaveLength(5);
				expect(decodeURIComponent(pathname.split('/')[3] ?? '')).toBe(taken);
			}),
		);
	});
});

describe('texts', () => {
	test.each([[{ a: 1 }], [[1, 2]], [null]])('%p is not a text', (value) =>
		expect(() => asText(value)).toThrow(/^(?!.*\[object).* is not a text$/),
	);

	test('a name loses its blanks wherever it is given', () => expect(text(5)('  Five  ')).toBe('Five'));

	test('a text is as long as people count it', () => {
		expect([text(2)('ab'), text(1)('😀'), text(4)(true)]).toEqual(['ab', '😀', 'true']);
		expect(() => text(2)('abc')).toThrow('it has 3 characters, Hubble takes at most 2');
	});

	test('a field of the output has any name but one', () => {
		expect(fieldName(' a b ')).toBe('a b');
		expect(() => fieldName(' __proto__ ')).toThrow('"__proto__" cannot be the name of a field');
		expect(takenField('Field', 'a', { a: undefined })).toBe(
			'"Field": the input item has a field "a" already; choose another name',
		);
		expect([takenField('Field', 'toString', { a: 1 }), takenField('Field', 'a')]).toEqual([undefined, undefined]);
	});

	test('a list may come as one text, or as a list in the list that n8n has', () => {
		expect(texts(' a ')).toEqual(['a']);
		expect(texts([['a', 7], [true]])).toEqual(['a', '7', 'true']);
	});

	test('a tag is a key and a value', () => {
		expect(tagFilters(['_env:b', 'c=d e', 'f:g=h', 'Serial Number : 17'])).toEqual([
			'_env:b',
			'c:d e',
			'f:g=h',
			'Serial Number:17',
		]);
		expect(tagFilters([])).toBeUndefined();
		for (const wrong of ['a', ':b', 'a:', ':', ':b:c', 'a:b\nc']) {
			expect(() => tagFilters([wrong])).toThrow(`"${wrong}" is not a tag of the form key:value, e.g. _env:production`);
		}
	});

	test('a list is refused for one empty entry, which would let more through', () => {
		expect(texts(['a', 'b'])).toEqual(['a', 'b']);
		expect(texts([])).toBeUndefined();
		expect(texts(['', null])).toBeUndefined();
		expect(() => texts(['a', ''])).toThrow('entry 2 of the list is empty');
	});

	test.each(['a@example.com', "o'neil+n8n@mail.example.co.uk", 'ab.cd.ef@x.com', 'a@b.c'])(
		'%s is an email address',
		(address) => expect(email(` ${address} `)).toBe(address),
	);
	test.each([
		'a@b',
		'a@@example.com',
		'a b@example.com',
		'a@example..com',
		'.a@example.com',
		'a@-x.com',
		'a@exam_ple.com',
		'a@example.com!',
	])('%s is not', (address) => expect(() => email(address)).toThrow('is not an email address'));

	test.each([{ a: 1 }, [1], true, 'abc'])('%p is no number', (value) =>
		expect(() => numberIn(0, 9)(value)).toThrow(/^(?!.*\[object)/),
	);

	test.each([
		[numberIn(1, 9), '0', 'a whole number from 1 to 9'],
		[numberIn(1, 9), 10, 'a whole number from 1 to 9'],
		[numberIn(1, Number.MAX_SAFE_INTEGER), 0, 'a whole number of 1 or more'],
		[numberIn(1, 9), 1.5, 'a whole number from 1 to 9'],
		[numberIn(0.5, 9, false), 0.4, 'a number from 0.5 to 9'],
		[numberIn(0, Infinity), Infinity, 'a whole number'],
	])('a number keeps to its bounds: %#', (read, value, what) =>
		expect(() => read(value)).toThrow(`${JSON.stringify(value)} is not ${what}`),
	);

	test('a number may come as text; what is empty is not sent', () => {
		expect([' 1 ', 9, '1e0', 1].map(numberIn(1, 9))).toEqual([1, 9, 1, 1]);
		expect(numberIn(0, 9, false)('1.5')).toBe(1.5);
		expect(['', ' ', undefined, null].map(numberIn(1, 9))).toEqual(Array(4).fill(undefined));
		expect(['true', true, 'false', false, ''].map(flag)).toEqual([true, true, false, false, undefined]);
		expect(() => flag('yes')).toThrow('"yes" is neither true nor false');
		expect(oneOf(['a', 1])(1)).toBe(1);
		expect(() => oneOf(['a', 1])('1')).toThrow('"1" is not one of a, 1');
	});

	test('a tag with a name that objects have by themselves stays a tag', () => {
		const tag = (key: string) => ({ tag: [{ key, value: 'x' }] });
		expect(Object.entries(tagMap(tag('constructor')) ?? {})).toEqual([['constructor', 'x']]);
		expect(() => tagMap(tag('__proto__'))).toThrow('__proto__');
	});
});

test('a message shows a value as it is, and not at any length', () => {
	expect(['a "b"', ['b'], undefined, 7, 10n].map(quoted)).toEqual(['"a "b""', '["b"]', 'undefined', '7', '10']);
	// Of objects, no values: they may be secrets.
	expect(
		[{ key: 'secret', name: 'a' }, {}, [{ key: 'secret' }], ['a', [{ a: 1 }]], ['{'], new Date(0)].map(quoted),
	).toEqual([
		'an object (key, name)',
		'an empty object',
		'a list of objects',
		'a list of objects',
		'["{"]',
		'"1970-01-01T00:00:00.000Z"',
	]);
	expect([98, 99].map((length) => quoted('x'.repeat(length)))).toEqual([`"${'x'.repeat(98)}"`, `"${'x'.repeat(98)}…`]);
	expect([0, 1, 2000.4].map((count) => counted(count, 'device'))).toEqual(['0 devices', '1 device', '2,000 devices']);
});

describe('nothing', () => {
	test('is what a picker holds, but no time', () => {
		expect([{ __rl: true, value: ' ' }, { value: '' }, [[], {}]].map(isEmpty)).toEqual([true, true, true]);
		expect([{ __rl: true, value: 'k' }, new Date(0), DateTime.fromMillis(0), Buffer.alloc(0), 0].map(isEmpty)).toEqual(
			Array(5).fill(false),
		);
	});

	const leaf = fc.constantFrom<unknown>('', ' ', null, undefined, NaN);
	const nothing = fc.letrec((tie) => ({
		value: fc.oneof(
			{ maxDepth: 3 },
			leaf,
			fc.array(tie('value'), { maxLength: 3 }),
			fc.dictionary(fc.string(), tie('value'), { maxKeys: 3 }),
		),
	})).value;

	test('is nothing at any depth, and something as soon as one value is', () => {
		fc.assert(fc.property(nothing, (value) => isEmpty(value)));
		fc.assert(
			fc.property(nothing, fc.constantFrom(0, false, 'x'), (value, some) => !isEmpty([value, { deep: [some] }])),
		);
	});

	test('from an expression is seen at any depth; a default that nobody touched is not meant', () => {
		fc.assert(fc.property(nothing, (value) => hasEmptyExpression('={{ $json.nope }}', value)));
		fc.assert(
			fc.property(
				nothing,
				(value) => !hasEmptyExpression({ range: { after: '', before: '' } }, { range: { after: value, before: '' } }),
			),
		);
		expect(
			hasEmptyExpression(
				{ range: { after: '={{ $json.a }}', before: '2026-01-01' } },
				{ range: { after: null, before: '2026-01-01' } },
			),
		).toBe(true);
		expect(hasEmptyExpression({ __rl: true, mode: 'id', value: '={{ $json.a }}' }, '')).toBe(true);
		expect(hasEmptyExpression("={{ $fromAI('name') }}", '')).toBe(false);
	});
});

test('an error begins with its parameter, and an item is counted as people do', () => {
	expect(parameterError('Limit', 'it is required')).toBe('"Limit" is required');
	expect(parameterError('Limit', '5 is too many')).toBe('"Limit": 5 is too many');
	expect([9, 12, 19, 99].map(nthItem)).toEqual(['the 10th item', 'the 13th item', 'the 20th item', 'the 100th item']);
	expect([0, 1, 2, 3, 10, 11, 20, 110, 299].map(nthItem)).toEqual([
		'the first item',
		'the 2nd item',
		'the 3rd item',
		'the 4th item',
		'the 11th item',
		'the 12th item',
		'the 21st item',
		'the 111th item',
		'the 300th item',
	]);
});
