/** Lists page by page: where they begin, when they end, and what of a page is a row. */
import type { IDataObject } from 'n8n-workflow';
import type { HubbleClient } from '../../nodes/shared/client/client';
import type { SoFar } from '../../nodes/shared/client/errors';
import { acceptedRows, leftOut, pages, withoutRepeats, type List } from '../../nodes/shared/client/pages';

const call = { endpoint: { method: 'GET', path: '/v1/x' }, query: { q: 1 } } as const;
const sized = { name: 'page_size', min: 1, max: 2 };

interface Answer {
	rows: unknown;
	/** The Continuation-Token. */
	token?: string;
}

/** Reads a list that gives these replies, one after the other. */
async function read(list: Partial<List>, answers: Answer[], begin?: string, pageSize?: number, soFar?: SoFar) {
	const asked: IDataObject[] = [];
	const hubble = {
		context: { getNode: () => ({ name: 'Hubble' }) },
		async send({ query, continuationToken, rows }: IDataObject) {
			asked.push({ ...(query as IDataObject), token: continuationToken });
			const answer = answers[asked.length - 1];
			if (!answer || rows !== 'things') throw new Error('broken');
			const headers = { 'continuation-token': answer.token };
			return {
				body: { things: answer.rows, total: 7 },
				headers,
				ms: 9,
				retryAfterMs: 8,
				requestId: `r${asked.length}`,
			};
		},
	} as unknown as HubbleClient;
	const given = [];
	let failure: unknown;
	try {
		const all = { rows: 'things', pages: 'token', ...list } as List;
		const reading = pages(hubble, { ...call, continuationToken: begin }, all, pageSize, soFar);
		for await (const page of reading) given.push(page);
	} catch (error) {
		failure = error;
	}
	return { asked, given, failure, rows: given.flatMap(({ rows }) => rows) };
}

it('goes on by tokens until none comes, from where it is told to', async () => {
	const { asked, given, failure } = await read(
		{},
		[{ rows: [1], token: 'b' }, { rows: [], token: 'c' }, { rows: [2] }],
		'a',
	);
	expect(failure).toBeUndefined();
	expect(asked).toEqual(['a', 'b', 'c'].map((token) => ({ q: 1, token })));
	expect(given).toEqual([
		{ rows: [1], next: 'b', body: { things: [1], total: 7 }, ms: 9, retryAfterMs: 8, requestId: 'r1' },
		expect.objectContaining({ rows: [], next: 'c', requestId: 'r2' }),
		expect.objectContaining({ rows: [2], next: undefined, requestId: 'r3' }),
	]);
	expect((await read({}, [{ rows: [1], token: '' }])).rows).toEqual([1]);
});

it.each([
	['that it began with', 'a', [{ rows: [1], token: 'a' }], [1]],
	[
		'of a page before',
		undefined,
		[
			{ rows: [1], token: 'a' },
			{ rows: [2], token: 'b' },
			{ rows: [3], token: 'a' },
		],
		[1, 2, 3],
	],
])('gives up at a token %s, with what came until then', async (_, begin, answers, rows) => {
	const { failure, ...came } = await read({}, answers, begin);
	expect(came.rows).toEqual(rows);
	expect(failure).toMatchObject({
		message: 'Hubble returned the same Continuation-Token twice',
		context: { rowsFetched: rows.length, requestId: `r${answers.length}` },
	});
});

it('goes on by the numbers of pages while they are full', async () => {
	const numbered: Partial<List> = { pages: 'number', pageSize: sized };
	const { asked, given } = await read(numbered, [{ rows: [1, 2] }, { rows: [3, 4] }, { rows: [5] }], '3', 2);
	expect(asked).toEqual([3, 4, 5].map((page_number) => ({ q: 1, page_size: 2, page_number, token: undefined })));
	expect(given.map(({ next }) => next)).toEqual(['4', '5', undefined]);
	expect((await read(numbered, [{ rows: [1, 2] }, { rows: [] }], undefined, 2)).asked[0]).toMatchObject({
		page_number: 0,
	});
	// Without a size nobody knows whether a page is full.
	expect((await read({ pages: 'number' }, [{ rows: [1, 2] }])).failure).toBeUndefined();
});

it('gives up where the number of the page changes nothing', async () => {
	const same = { rows: [1, 2] };
	const { failure, rows } = await read({ pages: 'number', pageSize: sized }, [same, same, same], undefined, 2);
	expect(rows).toEqual([1, 2, 1, 2]);
	expect(failure).toMatchObject({ message: 'Hubble returned the same page twice', context: { requestId: 'r2' } });
});

it('of a list of one page reads that page, whatever its header says', async () => {
	const { asked, rows } = await read({ pages: 'one', pageSize: sized }, [{ rows: [1, 2], token: 'b' }], undefined, 2);
	expect([asked, rows]).toEqual([[{ q: 1, page_size: 2, token: undefined }], [1, 2]]);
	// A list that takes no size is not asked for one.
	expect(await read({ pages: 'one' }, [{ rows: 'odd' }], undefined, 2)).toMatchObject({
		asked: [{ q: 1, token: undefined }],
		rows: [],
	});
});

it('says when a later page fails how far it came, and where to go on if that is of use; a number is no token', async () => {
	const fails = async (soFar?: SoFar) =>
		(await read({}, [{ rows: [1, 2], token: 'b' }], undefined, undefined, soFar)).failure;
	expect(await fails('kept')).toMatchObject({
		message: 'broken',
		description: expect.stringMatching(/2 rows from one page\. .*Continuation Token to b$/),
		context: { rowsFetched: 2, resumeToken: 'b' },
	});
	const failure = await fails();
	expect(failure).toMatchObject({ description: expect.stringMatching(/2 rows from one page\. $/) });
	expect((failure as { context: object }).context).toEqual(expect.not.objectContaining({ resumeToken: 'b' }));
	const numbered = await read({ pages: 'number', pageSize: sized }, [{ rows: [1, 2] }], undefined, 2, 'kept');
	expect(numbered.failure).toMatchObject({ context: { rowsFetched: 2 } });
	expect((numbered.failure as { context: object }).context).not.toHaveProperty('resumeToken');
});

it('gives a row once whose key was on a page before, and every row without a key', async () => {
	async function* given() {
		yield { rows: [{ id: 'a' }, { id: 'b', n: 1 }, null], next: 'x' };
		yield { rows: [{ id: 'b', n: 2 }, {}, {}, null, { id: 'c' }, { id: 'c' }] };
	}
	const left = [];
	for await (const page of withoutRepeats(given(), 'id')) left.push(page);
	expect(left).toEqual([
		{ rows: [{ id: 'a' }, { id: 'b', n: 1 }, null], next: 'x' },
		{ rows: [{}, {}, null, { id: 'c' }] },
	]);
});

it('takes for rows what the list accepts and every filter keeps, and says what was left out', () => {
	const given = [{ id: 1 }, null, 'text', [], { id: 2 }, { odd: true }];
	const list = { rows: 'things', pages: 'one' } as List;
	let malformed = 0;
	const count = () => void (malformed += 1);
	expect([...acceptedRows(given, list, count)]).toEqual([{ id: 1 }, { id: 2 }, { odd: true }]);
	expect(malformed).toBe(3);
	const accept: List['accept'] = {
		row: (row) => (row && typeof row === 'object' && 'id' in row ? { of: row.id as number } : undefined),
		needs: 'an "id"',
	};
	const keeps = [({ of }: IDataObject) => of !== 1, ({ of }: IDataObject) => of !== 3];
	expect([...acceptedRows(given, { ...list, accept }, count, keeps)]).toEqual([{ of: 2 }]);
	expect(malformed).toBe(7);
	expect([...acceptedRows(given, list)]).toHaveLength(3);
	expect([leftOut(4, { ...list, accept }), leftOut(3, list)]).toEqual([
		'4 of the things were left out: each needs an "id".',
		'3 of the things were left out: each needs to be an object.',
	]);
});
