/** The JSON of lists: sequence numbers that no number can hold stay what they are. */
import { entriesOf, isObject, objectOf, parseReply, rowsOf, withoutUndefined } from '../../nodes/shared/client/json';

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
