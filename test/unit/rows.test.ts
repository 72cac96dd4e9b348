/** What is said when a limit ends a list, and of rows that are none. */
import type { Call } from '../../nodes/shared/client/request';
import { cutOff, wantedRows } from '../../nodes/shared/operation/rows';
import type { Work } from '../../nodes/shared/operation/operation';

const CERTAIN = 'More results exist than the Limit of 5.';
const POSSIBLE = 'There may be more results than the Limit of 5.';

test.each([
	['of which one is certain', [false, true], [CERTAIN]],
	['of which the first is certain', [true, false], [CERTAIN]],
	['of which none is', [false, false], [POSSIBLE]],
])('one hint tells for several items, %s', (_, items, hints) => {
	const work = { request: { limit: 5, isTool: false }, hints: new Set() } as unknown as Work;
	for (const isCertain of items) cutOff(work, isCertain);
	expect([...work.hints]).toEqual(hints);
});

test('what was left out is told, also where a page fails', async () => {
	const context = { getNode: () => ({ name: 'Reader' }) };
	const send = async ({ continuationToken }: Call) => {
		if (continuationToken) throw new Error('away');
		return await Promise.resolve({ body: { things: [1, { a: 1 }] }, headers: { 'continuation-token': 'next' } });
	};
	const request = { limit: Infinity, clientFilters: [], settings: {} };
	const work = { context, hubble: { context, send }, request, hints: new Set() } as unknown as Work;
	const rows: unknown[] = [];
	const list = { rows: 'things', pages: 'token' } as const;
	const reading = async () => {
		for await (const row of wantedRows(work, list)) rows.push(row);
	};
	for (let item = 0; item < 2; item++) await expect(reading()).rejects.toThrow('away');
	expect(rows).toEqual([{ a: 1 }, { a: 1 }]);
	const said = [...work.hints].map((hint) => (typeof hint === 'string' ? hint : hint.text()));
	expect(said).toEqual(['2 of the things were left out: each needs to be an object.']);
});
