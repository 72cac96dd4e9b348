/** The JSON of lists: sequence numbers that no number can hold stay what they are. */
import { parseReply } from '../../nodes/shared/client/json';

const parsed = (text: string) => parseReply(Buffer.from(text));

it('keeps sequence numbers that no number can hold, as texts, and nothing else', () => {
	const row = (number: string) =>
		`{"device":{"sequence_number": ${number} ,"a":"\\"sequence_number\\":9007199254740993,"}}`;
	const a = '"sequence_number":9007199254740993,';
	expect(parsed(`{"packets":[${['9007199254740993', '9007199254740991', '12', '1e30'].map(row).join()}]}`)).toEqual({
		packets: ['9007199254740993', 9007199254740991, 12, 1e30].map((sequence_number) => ({
			device: { sequence_number, a },
		})),
	});
});

it('does not mind a byte order mark, and leaves what is no JSON a text', () => {
	expect(parsed('\uFEFF{"packets":[1]}')).toEqual({ packets: [1] });
	for (const text of ['<html>', '', '{"packets":[{"a":1},{"b"']) expect(parsed(text)).toBe(text);
});
