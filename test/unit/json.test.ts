/** The JSON of lists: sequence numbers that no number can hold stay what they are. */
import {
	entriesOf,
	entryAt,
	isObject,
	objectOf,
	parseReply,
	rowsOf,
	withoutUndefined,
} from '../../nodes/shared/client/json';

const parsed = (text: string) => parseReply(Buffer.from(text));

it('keeps sequence numbers that no number can hold, as texts, and nothing else', () => {
	const a = '"sequence_number":9007199254740993,';
	for (const colon of [':', ': ', ' :  ']) {
		const row = (number: string) =>
			`{"device":{"sequence_number"${colon}${number} ,"a":"\\"sequence_number\\":9007199254740993,"}}`;
		expect(parsed(`{"packets":[${['9007199254740993', '9007199254740991', '12', '1e30'].map(row).join()}]}`)).toEqual({
			packets: ['9007199254740993', 9007199254740991, 12, 1e30].map((sequence_number) => ({
				device: { sequence_number, a },
			})),
		});
	}
});

it('does not mind a byte order mark, and leaves what is no JSON a text', () => {
	expect(parsed('\uFEFF{"packets":[1]}')).toEqual({ packets: [1] });
	expect(parsed('{"name":"\uFEFF"}')).toEqual({ name: '\uFEFF' });
	for (const text of ['<html>', '', '{"packets":[{"a":1},{"b"']) expect(parsed(text)).toBe(text);
});

it('takes fields from objects and entries from lists, and nothing from what is none', () => {
	const none = [null, undefined, 'text', 7, () => 0];
	const [object, list] = [{ a: 1 }, [{ a: 1 }, null, [1], 'text']];
	expect([object, {}, list, ...none].filter(isObject)).toEqual([object, {}]);
	expect([object, list, ...none].map(objectOf)).toEqual([object, ...Array(6).fill({})]);
	expect(withoutUndefined({ a: undefined, b: null, c: 0 })).toStrictEqual({ b: null, c: 0 });
	expect([list, object, ...none].map(entriesOf)).toEqual([list, ...Array(6).fill([])]);
	expect([list, object, ...none].map(rowsOf)).toEqual([[object], ...Array(6).fill([])]);
});

it('finds a value by the path to it, also where keys have dots', () => {
	const value = { a: { b: { c: 1 }, 'b.d': 2, e: null, '': 6 }, 'a.b': { c: 3, f: 4 }, list: [{ g: 5 }], '': { h: 7 } };
	const found = (path: string) => {
		const { key, value: at } = entryAt(value, path) ?? {};
		return [key, at];
	};
	expect(['a.e', 'a.b.c', 'a.b.d', 'a.b.f', 'list.0.g', 'a.', '.h'].map(found)).toEqual([
		['e', null],
		['c', 1],
		['b.d', 2],
		['f', 4],
		['g', 5],
		['', 6],
		['h', 7],
	]);
	for (const path of ['x', 'xh', 'a.x', 'a.b.x', 'a.e.x', 'a.toString', 'list.0.g.x', '']) {
		const at = entryAt(value, path);
		expect([path, at?.key]).toEqual([path, path === '' ? '' : undefined]);
	}
	for (const none of [null, undefined, 'text', 7]) expect(entryAt(none, 'length')).toBeUndefined();
});
