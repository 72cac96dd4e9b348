/** A list that stays text until its rows are asked for says the same as JSON.parse. */
import fc from 'fast-check';
import { parseWithRows } from '../../nodes/shared/client/lazyRows';

const read = (text: string) => {
	const { body, rows } = parseWithRows(Buffer.from(text), 'packets');
	return { body, rows: rows && [...rows], list: rows };
};

const json = fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme' });

it('gives the rows and what stands around them, whatever is in them and however it is indented', () => {
	fc.assert(
		fc.property(
			fc.array(json),
			fc.dictionary(fc.string(), json),
			fc.dictionary(fc.string(), json),
			fc.nat(3),
			(packets, before, after, indent) => {
				const object: Record<string, unknown> = { ...before };
				delete object.packets;
				object.packets = packets;
				for (const [key, value] of Object.entries(after)) if (key !== 'packets') object[key] = value;
				const text = JSON.stringify(object, null, indent);
				const { packets: expected, ...around } = JSON.parse(text) as Record<string, unknown>;
				expect(read(text).rows).toEqual(expected);
				expect(read(text).body).toEqual({ ...around, packets: [] });
			},
		),
	);
});

it('keeps sequence numbers that no number can hold, as texts, and nothing else', () => {
	const row = (number: string) =>
		`{"device":{"sequence_number": ${number} ,"a":"\\"sequence_number\\":9007199254740993,"}}`;
	const { rows, list } = read(
		`{"packets":[${['9007199254740993', '9007199254740991', '12', '1e30'].map(row).join()}]}`,
	);
	const a = '"sequence_number":9007199254740993,';
	const expected = ['9007199254740993', 9007199254740991, 12, 1e30].map((sequence_number) => ({
		device: { sequence_number, a },
	}));
	expect(rows).toEqual(expected);
	expect(list?.at(0)).toEqual(expected[0]);
});

it('has the length, the parts and the single rows of an array', () => {
	fc.assert(
		fc.property(fc.array(fc.integer()), fc.nat(12), fc.nat(12), (packets, from, to) => {
			const { list } = read(JSON.stringify({ packets }));
			expect(list?.length).toBe(packets.length);
			expect(list?.at(from)).toBe(packets[from]);
			expect([...(list?.slice(from) ?? [])]).toEqual(packets.slice(from));
			expect([...(list?.slice(from, to) ?? [])]).toEqual(packets.slice(from, to));
			expect(list?.slice(from, to).length).toBe(packets.slice(from, to).length);
		}),
	);
});

it('takes the list of the object itself, not one of that name deeper in it or in a text', () => {
	const text = JSON.stringify({
		inner: { packets: [1] },
		lists: [['packets', [2]]],
		packets_: [3],
		text: '"packets":[4',
		packets: [5],
	});
	expect(read(text).rows).toEqual([5]);
	expect(read(JSON.stringify({ inner: { packets: [1] }, packets: 'none' })).rows).toBeUndefined();
	expect(read('["packets",[1]]').rows).toBeUndefined();
});

it('says what a reply without the list says', () => {
	for (const body of [{ code: 400, name: 'x', description: 'y' }, { packets: null }, [{ packets: [] }], 7, null]) {
		expect(read(JSON.stringify(body))).toEqual({ body, rows: undefined, list: undefined });
	}
	for (const text of ['<html>"packets":[1]</html>', 'packets', ''])
		expect(read(text)).toEqual({ body: text, rows: undefined, list: undefined });
});

it('takes no part of a reply that was cut, wherever it was', () => {
	const text = JSON.stringify({ packets: [{ a: 'x]}"' }, { b: [1, 2, { c: '\\' }] }], more: 1 });
	for (let end = 0; end < text.length; end++) {
		const { body, rows } = read(text.slice(0, end));
		expect([typeof body, rows]).toEqual(['string', undefined]);
	}
});

it.each([
	['{"packets":[{"a":1}{"b":2},{"c":3}]}', [null, { c: 3 }]],
	['{"packets":[{"a":1},]}', [{ a: 1 }, null]],
	['{"packets":[{"a":},{"b":2}]}', [null, { b: 2 }]],
])('a row that is no JSON is none, and the others stay: %s', (text, rows) => {
	expect(read(text).rows).toEqual(rows);
});

it('does not mind a byte order mark', () => {
	expect(read('\uFEFF{"packets":[1]}')).toMatchObject({ body: { packets: [] }, rows: [1] });
	expect(read('\uFEFF{"name":"x"}').body).toEqual({ name: 'x' });
});

it('reads long lists, and leaves out nothing beside a row that is no JSON', () => {
	const texts = Array.from({ length: 1000 }, (_, n) => (n === 150 ? '{"n":}' : `{"n":${n}}`));
	const { rows, list } = read(`{"packets":[${texts.join()}]}`);
	expect(rows).toEqual(texts.map((_, n) => (n === 150 ? null : { n })));
	expect([...(list?.slice(99, 301) ?? [])]).toEqual(rows?.slice(99, 301));
});
