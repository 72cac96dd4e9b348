/* eslint-disable @n8n/community-nodes/no-restricted-globals -- replies that overtake each other */
/** Parallel windows: any period, any packets, any order of replies give all packets once, in order. */
import fc from 'fast-check';
import { parseWithRows, type Rows } from '../../nodes/shared/client/lazyRows';
import { ParallelReader, type Source } from '../../nodes/shared/client/parallelPages';
import { aheadFor } from '../../nodes/shared/client/windowPlan';

interface Row {
	time: number;
	id: number;
}

/** Rows as they come over the wire. */
const received = (rows: readonly Row[]) => parseWithRows(Buffer.from(JSON.stringify({ rows })), 'rows').rows as Rows;

const idsOf = (rows: Rows) => Array.from(rows, (row) => (row as Row).id);

/**
 * A history in memory: pages of up to 1,000 from a time or a token on, answered after `delay` turns of the clock.
 * A row tells another time than that of its receipt when `heard` says so.
 */
function history(
	times: readonly number[],
	end: number,
	streams: number,
	delay: (request: number) => number,
	{
		heard = (time: number) => time,
		keyOf = (id: number) => String(id),
	}: { heard?: (time: number, id: number) => number; keyOf?: (id: number) => string } = {},
) {
	const stop = times.filter((time) => time < end).length;
	const asked: number[] = [];
	const source: Source = {
		fetch: async (from, token) => {
			const request = asked.push(from);
			for (let turn = delay(request); turn > 0; turn--) await new Promise((done) => setImmediate(done));
			const at = token === undefined ? times.findIndex((time) => time >= from) : Number(token);
			const first = at < 0 ? stop : at;
			const rows = times
				.slice(first, Math.min(stop, first + 1000))
				.map((time, index) => ({ time: heard(time, first + index), id: first + index }));
			return { rows: received(rows), next: first + 1000 < stop ? String(first + 1000) : undefined };
		},
		timeOf: (row) => (row as Row).time,
		keyOf: (row) => keyOf((row as Row).id),
		streams: () => streams,
		ahead: (many) => (streams % 2 ? 2 : aheadFor(many)),
		failure: (error, at) => Object.assign(error as Error, at),
	};
	return { source, asked };
}

async function collect(pages: AsyncGenerator<{ rows: Rows }>) {
	const ids: number[] = [];
	for await (const { rows } of pages) ids.push(...idsOf(rows));
	return ids;
}

const pagesFrom = (source: Source, from: number, to: number) => new ParallelReader(source, from, to).pages();

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

/** Times of packets in bursts: several share one time, and the distances vary by orders of magnitude. */
const bursts = fc
	.array(fc.record({ count: fc.integer({ min: 1, max: 4000 }), step: fc.constantFrom(0, 0.001, 0.25, 1, 60) }), {
		minLength: 1,
		maxLength: 6,
	})
	.map((parts) => {
		const times: number[] = [];
		let time = 1000;
		for (const { count, step } of parts) for (let i = 0; i < count; i++) times.push((time += step));
		return times;
	});

/** How the time in a packet differs from that of its receipt. */
const clocks = fc.constantFrom<(time: number, id: number) => number>(
	(time) => time,
	(time) => time + 2,
	(time) => time - 7200,
	(time, id) => time - ((id * 7919) % 600),
	(time, id) => (id % 50 ? time : time + 86_400),
	(time, id) => (id % 3 ? time : time - 86_400),
	(_, id) => id * -1,
	() => NaN,
);

it('gives every packet of the period once and in order, whichever reply comes first and whatever the clocks say', async () => {
	await fc.assert(
		fc.asyncProperty(
			bursts,
			clocks,
			fc.integer({ min: 1, max: 8 }),
			fc.integer({ min: 0, max: 12 }),
			fc.nat(4000),
			async (times, heard, streams, wobble, skip) => {
				const from = Math.floor(times[0] ?? 0) + skip;
				const end = Math.ceil(times.at(-1) ?? 0) - (skip % 50);
				fc.pre(from < end);
				const { source } = history(times, end, streams, (request) => (request * 7919) % (wobble + 1), { heard });
				const expected = range(
					times.filter((time) => time < from).length,
					Math.max(times.filter((time) => time < end).length, times.filter((time) => time < from).length),
				);
				expect(await collect(pagesFrom(source, from, end))).toEqual(expected);
			},
		),
		{ numRuns: 200 },
	);
});

const even = (count: number) => Array.from({ length: count }, (_, index) => index / 2);

it('reads side by side with few requests more than there are pages, and one after the other when told to', async () => {
	const sideBySide = history(even(60_000), 30_000, 4, () => 5);
	expect(await collect(pagesFrom(sideBySide.source, 0, 30_000))).toHaveLength(60_000);
	expect(new Set(sideBySide.asked).size).toBeGreaterThan(3);
	expect(sideBySide.asked.length).toBeLessThanOrEqual(66);
	const single = history(even(60_000), 30_000, 1, () => 5);
	await collect(pagesFrom(single.source, 0, 30_000));
	expect(single.asked).toEqual(Array(60).fill(0));
});

it.each<[string, (time: number, id: number) => number]>([
	['2 s ahead', (time) => time + 2],
	['up to a minute behind', (time, id) => time - ((id * 7919) % 60)],
	[
		'a day ahead in two of a hundred',
		(time, id) => (Math.imul(id + 1, 0x9e3779b1) >>> 16 < 0.02 * 65_536 ? time + 86_400 : time),
	],
])('costs few requests when clocks are %s', async (_, heard) => {
	const { source, asked } = history(even(60_000), 30_000, 4, () => 5, { heard });
	expect(await collect(pagesFrom(source, 0, 30_000))).toEqual(range(0, 60_000));
	expect(new Set(asked).size).toBeGreaterThan(3);
	expect(asked.length).toBeLessThanOrEqual(75);
});

it('does not take a packet that came twice for the end of a window', async () => {
	const twice = history(even(60_000), 30_000, 4, () => 5, { keyOf: (id) => String(id % 7 ? id : id % 700) });
	expect(await collect(pagesFrom(twice.source, 0, 30_000))).toEqual(range(0, 60_000));
});

it.each([1, 3, 9])('loses nothing where the first %d packets of a window end a page before it, too', async (twice) => {
	let seam = 0;
	const keys = new Map<number, string>();
	const { source } = history(even(60_000), 30_000, 2, () => 3, { keyOf: (id) => keys.get(id) ?? String(id) });
	const { fetch } = source;
	source.fetch = async (from, token) => {
		if (from && !token && !seam) {
			seam = 2 * from;
			const page = Math.floor(seam / 1000) * 1000 - 1000;
			for (let index = 0; index < twice; index++) keys.set(page - twice + index, String(seam + index));
		}
		return await fetch(from, token);
	};
	expect(await collect(pagesFrom(source, 0, 30_000))).toEqual(range(0, 60_000));
	expect(seam).toBeGreaterThan(0);
});

it('loses nothing where pages are short and packets look the same', async () => {
	const times = even(20_000);
	const { source } = history(times, 10_000, 3, () => 2, { keyOf: (id) => String(id % 5 ? id : id - (id % 3000)) });
	const { fetch } = source;
	source.fetch = async (from, token) => {
		const { rows } = await fetch(from, token);
		// The first page of a window has one row only.
		const short = token ? rows : rows.slice(0, 1);
		const last = idsOf(short).at(-1) ?? Infinity;
		return { rows: short, next: last + 1 < 20_000 ? String(last + 1) : undefined };
	};
	expect(await collect(pagesFrom(source, 0, 10_000))).toEqual(range(0, 20_000));
});

it('does not mind a failing page that nobody needs any more', async () => {
	// By their own times packets seem to come later, so the first window reads on beyond its end.
	const { source } = history(even(40_000), 20_000, 2, () => 2, { heard: (time) => time - 1500 });
	const { fetch } = source;
	const pause = async (turns: number) => {
		for (let turn = 0; turn < turns; turn++) await new Promise((done) => setImmediate(done));
	};
	let [seam, failures] = [0, 0];
	let begin = () => {};
	const hasBegun = new Promise<void>((done) => (begin = done));
	source.fetch = async (from, token) => {
		if (from && !token && !seam) {
			seam = 2 * from;
			await pause(50);
			begin();
		}
		const isBeyond = !from && seam > 0 && Number(token ?? 0) > seam + 1000;
		if (!isBeyond) return await fetch(from, token);
		failures += 1;
		await hasBegun;
		await pause(8);
		throw new Error('broken');
	};
	const ids: number[] = [];
	for await (const { rows } of pagesFrom(source, 0, 20_000)) {
		ids.push(...idsOf(rows));
		await pause(20);
	}
	expect(ids).toEqual(range(0, 40_000));
	expect(failures).toBe(1);
});

it('leaves what a window cannot begin to read to the one before it', async () => {
	const { source } = history(even(60_000), 30_000, 4, () => 3);
	const { fetch } = source;
	source.fetch = async (from, token) =>
		await (from && !token ? Promise.reject(new Error('broken')) : fetch(from, token));
	expect(await collect(pagesFrom(source, 0, 30_000))).toEqual(range(0, 60_000));
});

it('reads ahead no further than its bound while nobody takes the pages', async () => {
	const { source, asked } = history(even(300_000), 150_000, 4, () => 1);
	const pages = pagesFrom(source, 0, 150_000);
	await pages.next();
	for (let turn = 0; turn < 1000; turn++) await new Promise((done) => setImmediate(done));
	expect(asked.length).toBeLessThanOrEqual(61);
	await pages.return(undefined);
});

it('gives what came before a failing page, and says where to go on', async () => {
	const { source } = history(even(60_000), 30_000, 4, () => 3);
	const ids: number[] = [];
	let count = 0;
	const { fetch } = source;
	source.fetch = async (from, token) => {
		const page = await fetch(from, token);
		if (++count >= 20 && (idsOf(page.rows)[0] ?? 0) >= 12_000) throw new Error('broken');
		return page;
	};
	const failure = (await (async () => {
		for await (const { rows } of pagesFrom(source, 0, 30_000)) ids.push(...idsOf(rows));
	})().catch((error: unknown) => error)) as Error & { rowsFetched: number; token?: string };
	expect(failure.message).toBe('broken');
	expect(ids).toEqual(range(0, failure.rowsFetched));
	const { source: again } = history(even(60_000), 30_000, 4, () => 1);
	expect(failure.token).toBeDefined();
	expect((await again.fetch(0, failure.token)).rows.at(0)).toMatchObject({ id: failure.rowsFetched });
});

it('refuses a token that comes again', async () => {
	const { source } = history(even(3000), 1500, 1, () => 0);
	const { fetch } = source;
	source.fetch = async (from, token) => ({ ...(await fetch(from, token)), next: '1000' });
	await expect(collect(pagesFrom(source, 0, 1500))).rejects.toThrow('twice');
});
