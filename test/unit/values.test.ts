/** From n8n's values to the wire's: what is taken, and what is refused in words that name it. */
import fc from 'fast-check';
import {
	asText,
	email,
	freeId,
	isEmpty,
	nthItem,
	numberIn,
	parameterError,
	text,
	texts,
	uuid,
} from '../../nodes/shared/operation/values';
import { tagMap } from '../../nodes/HubbleDevice/tags';
import { hasEmptyExpression } from '../../nodes/shared/operation/readItem';

describe('ids', () => {
	test.each(['null', 'undefined', '__proto__', 'constructor', '[object Object]', '.', '..', ' .. '])(
		'%p does not travel',
		(id) => {
			expect(() => freeId(id)).toThrow('is not an ID');
			expect(() => uuid(id)).toThrow('is not an ID');
		},
	);

	test.each([{ a: 1 }, ['6ea53e36-b7fb-429f-8c2e-d536cab71089'], true])('%p is no ID, and is shown as it is', (id) => {
		expect(() => uuid(id)).toThrow(`${JSON.stringify(id)} is not an ID`);
		expect(() => freeId(id)).toThrow(`${JSON.stringify(id)} is not an ID`);
	});

	test.each(['abc=', 'a+b=', 'k~1', 'in_1', 'a/b', 'ключ', '...'])('%p is any text: it is encoded, not refused', (id) =>
		expect(freeId(` ${id} `)).toBe(id),
	);

	test.each(['a\nb', 'a\u0000', 'a\ud800'])('%j cannot be in a path', (id) =>
		expect(() => freeId(id)).toThrow('is not an ID'),
	);

	test('whatever is taken stays one part of the path', () => {
		fc.assert(
			fc.property(fc.string({ unit: 'binary' }), (id) => {
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

	test('a list is refused for one empty entry, which would let more through', () => {
		expect(texts(['a', 'b'])).toEqual(['a', 'b']);
		expect(texts([])).toBeUndefined();
		expect(texts(['', null])).toBeUndefined();
		expect(() => texts(['a', ''])).toThrow('entry 2 of the list is empty');
	});

	test.each(['a@example.com', "o'neil+n8n@mail.example.co.uk"])('%s is an email address', (address) =>
		expect(email(address)).toBe(address),
	);
	test.each([
		'a@b',
		'a@@example.com',
		'a b@example.com',
		'a@example..com',
		'.a@example.com',
		'a@-x.com',
		'a@exam_ple.com',
	])('%s is not', (address) => expect(() => email(address)).toThrow('is not an email address'));

	test.each([{ a: 1 }, [1], true, 'abc'])('%p is no number', (value) =>
		expect(() => numberIn(0, 9)(value)).toThrow(/^(?!.*\[object)/),
	);

	test('a tag with a name that objects have by themselves stays a tag', () => {
		const tag = (key: string) => ({ tag: [{ key, value: 'x' }] });
		expect(Object.entries(tagMap(tag('constructor')) ?? {})).toEqual([['constructor', 'x']]);
		expect(() => tagMap(tag('__proto__'))).toThrow('__proto__');
	});
});

describe('nothing', () => {
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
