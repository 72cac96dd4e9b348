/* eslint-disable @n8n/community-nodes/no-restricted-globals -- a clock that waits for nothing */
/** A period in windows: any packets, any clocks, any order of replies give each packet once, in order, in few requests. */
import fc from 'fast-check';
import type { IDataObject, NodeOperationError } from 'n8n-workflow';
import type { HubbleClient } from '../../nodes/shared/client/client';
import { detailsOf, type Progress, type SoFar } from '../../nodes/shared/client/errors';
import type { List, Page } from '../../nodes/shared/client/pages';
import { newRateLimiter, recordResponse, recordStart } from '../../nodes/shared/client/rateLimiter';
import {
	parallelFor,
	PeriodReader,
	readPages,
	type PacketHistory,
	type Period,
	type Reading,
} from '../../nodes/shared/client/windows';

const DAY = 86_400;

interface Row {
	id: number;
	time: number;
}

/** A clock that goes on when everything waits for it. */
class Clock {
	now = 0;
	private readonly sleepers: Array<{ at: number; wake: () => void }> = [];

	async sleep(ms: number): Promise<void> {
		await new Promise<void>((wake) => this.sleepers.push({ at: this.now + ms, wake }));
	}

	async run<T>(work: Promise<T>): Promise<T> {
		const state = { isDone: false };
		const end = () => (state.isDone = true);
		work.then(end, end);
		for (;;) {
			await new Promise((done) => setImmediate(done));
			if (state.isDone) return await work;
			const [next] = this.sleepers.sort((a, b) => a.at - b.at).splice(0, 1);
			if (!next) throw new Error('Everything waits, and nothing will come');
			this.now = next.at;
			next.wake();
		}
	}
}

interface World {
	/** When the packets were received, in seconds, in order. */
	times: ArrayLike<number>;
	/** What their own clocks say. */
	heard?: (time: number, id: number) => number;
	/** How long the reply to a request takes, in milliseconds. */
	latency?: (request: number) => number;
	/** Three requests a second, as Hubble allows. */
	isLimited?: boolean;
	/** How many windows to read side by side; of several numbers another one after each request. */
	parallel?: number | number[];
	/** The requests that fail. */
	fails?: (request: number) => boolean;
}

/** Hubble with a packet stream, as `PacketHistory` has it. */
function hubble({ times, heard = (time) => time, latency = () => 0, isLimited, parallel, fails }: World) {
	const clock = new Clock();
	const starts: number[] = [];
	const parallels = [parallel].flat();
	let latencyMs = 0;
	const firstAt = (time: number) => {
		let [low, high] = [0, times.length];
		while (low < high) {
			const middle = (low + high) >>> 1;
			if ((times[middle] ?? Infinity) < time) low = middle + 1;
			else high = middle;
		}
		return low;
	};
	const acquireSlot = async () => {
		for (;;) {
			const wait = Math.max((starts.at(-1) ?? -Infinity) + 167, (starts.at(-3) ?? -Infinity) + 1000) - clock.now;
			if (!isLimited || wait <= 0) break;
			await clock.sleep(wait);
		}
		return starts.push(clock.now);
	};
	async function* chain(from: number, to: number, token?: string, signal?: AbortSignal): AsyncGenerator<Page> {
		const end = firstAt(to);
		for (let at = token === undefined ? firstAt(from) : Number(token); ; at += 1000) {
			signal?.throwIfAborted();
			const request = await acquireSlot();
			const ms = latency(request);
			await clock.sleep(ms);
			latencyMs = latencyMs ? 0.7 * latencyMs + 0.3 * ms : ms;
			if (fails?.(request)) throw new Error('broken');
			const ids = Array.from({ length: Math.max(0, Math.min(1000, end - at)) }, (_, index) => at + index);
			const rows: Row[] = ids.map((id) => ({ id, time: heard(times[id] ?? NaN, id) }));
			const hasMore = at + 1000 < end;
			yield { rows, next: hasMore ? String(at + 1000) : undefined };
			if (!hasMore) return;
		}
	}
	const history: PacketHistory = {
		chain: (from, to, signal) => chain(from, to, undefined, signal),
		timeOf: (row) => (row as Row).time,
		parallel: () => parallels[starts.length % parallels.length] ?? parallelFor(latencyMs, 3),
	};
	return { clock, history, chain, starts };
}

/** Reads a period to its end, its limit or its failure. */
async function read(world: World, period: Period) {
	const { clock, history, starts } = hubble(world);
	const progress: Progress = { pages: 0, rowsFetched: 0 };
	const ids: number[] = [];
	/** Whether each page said that there are more. */
	const more: boolean[] = [];
	const work = async () => {
		for await (const { rows, next } of new PeriodReader(history, period, progress).pages()) {
			progress.pages += 1;
			progress.rowsFetched += rows.length;
			progress.token = next;
			more.push(next !== undefined);
			for (const row of rows) ids.push((row as Row).id);
			if (ids.length >= (period.latest ?? Infinity)) break;
		}
	};
	const failure: unknown = await clock.run(work().catch((error: unknown) => error));
	return { ids, more, failure, progress, requests: starts.length, seconds: clock.now / 1000 };
}

const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);

/** The packets that a period holds, in its order. */
const held = (times: readonly number[], { from, to, latest }: Period) => {
	const ids = range(times.filter((time) => time < from).length, times.filter((time) => time < to).length);
	return latest === undefined ? ids : ids.reverse();
};

/** Packets in bursts: several share one time, and the distances vary by orders of magnitude. */
const bursts = fc
	.array(fc.record({ count: fc.integer({ min: 1, max: 8000 }), step: fc.constantFrom(0, 0.001, 0.25, 1, 60) }), {
		minLength: 1,
		maxLength: 6,
	})
	.map((parts) => {
		let time = 1000;
		return parts.flatMap(({ count, step }) => Array.from({ length: count }, () => (time += step)));
	});

const clocks = fc.constantFrom<NonNullable<World['heard']>>(
	(time) => time,
	(time) => time + 2,
	(time) => time - 3 * DAY,
	(time, id) => time - ((id * 7919) % 600),
	(time, id) => (id % 50 ? time : time + DAY),
	(time, id) => (id % 3 ? time : time - DAY),
	(_, id) => -id,
	() => 7,
	() => NaN,
);

const worlds = fc.record({
	times: bursts,
	heard: clocks,
	parallel: fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 3 }),
	wobble: fc.integer({ min: 0, max: 12 }),
	skip: fc.nat(4000),
	latest: fc.constantFrom(undefined, Infinity),
});

const latencyOf = (wobble: number) => (request: number) => (request * 7919) % (wobble + 1);

function periodOf(times: readonly number[], skip: number, latest?: number): Period {
	const from = Math.floor(times[0] ?? 0) + skip;
	return { from, to: Math.max(from + 1, Math.ceil(times.at(-1) ?? 0) - (skip % 50)), latest };
}

it('gives every packet of the period once and in order, whichever reply comes first and whatever the clocks say', async () => {
	await fc.assert(
		fc.asyncProperty(worlds, async ({ times, heard, parallel, wobble, skip, latest }) => {
			const period = periodOf(times, skip, latest);
			const { ids, more, failure } = await read({ times, heard, parallel, latency: latencyOf(wobble) }, period);
			expect(failure).toBeUndefined();
			expect(more).toEqual(more.map((_, page) => page < more.length - 1));
			expect(ids).toEqual(held(times, period));
		}),
		{ numRuns: 30 },
	);
});

it('breaks off where another run goes on, whichever page fails: together they give every packet once', async () => {
	await fc.assert(
		fc.asyncProperty(
			worlds,
			fc.integer({ min: 1, max: 40 }),
			async ({ times, heard, parallel, wobble, skip, latest }, failing) => {
				const period = periodOf(times, skip, latest);
				const latency = latencyOf(wobble);
				const fails = (request: number) => request >= failing;
				const first = await read({ times, heard, parallel, latency, fails }, period);
				if (!first.failure) return;
				const { token, rest, rowsFetched } = first.progress;
				expect(rowsFetched).toBe(first.ids.length);
				// What was given is the beginning of what the period holds.
				expect(first.ids).toEqual(held(times, period).slice(0, first.ids.length));
				const second: number[] = [];
				if (rest) {
					expect([rest.from, rest.to].every(Number.isInteger)).toBe(true);
					second.push(...(await read({ times, heard, parallel }, { ...rest, latest })).ids);
				} else if (first.ids.length) {
					expect(token).toBeDefined();
					const { chain, clock } = hubble({ times });
					const following = chain(period.from, period.to, token);
					await clock.run(
						(async () => {
							for await (const { rows } of following) second.push(...rows.map((row) => (row as Row).id));
						})(),
					);
				} else second.push(...held(times, period));
				expect([...first.ids, ...second]).toEqual(held(times, period));
			},
		),
		{ numRuns: 30 },
	);
});

/** Packets at even distances, in a period that begins 23 days before them. */
const even = (count: number, seconds = 6 * DAY) =>
	Float64Array.from({ length: count }, (_, index) => 23 * DAY + (index / count) * seconds);

/** The same, half of them in a tenth of the time that begins at `at`. */
const burst = (at: number) =>
	even(60_000).map((time) => {
		const share = (time - 23 * DAY) / (6 * DAY);
		const before = (0.5 * at) / 0.9;
		const passed =
			share < before
				? share * 1.8
				: share < before + 0.5
					? at + (share - before) / 5
					: at + 0.1 + (share - before - 0.5) * 1.8;
		return 23 * DAY + passed * 6 * DAY;
	});

/** The same, but for a fiftieth of them, which come at once at the beginning. */
const atOnce = even(60_000).map((time, index) => (index < 1200 ? 23 * DAY + index / 2000 : time));

it.each<[string, number, number, ArrayLike<number>]>([
	['many at the beginning, 1 s', 0.8, 1000, atOnce],
	['even, 120 ms', 0.97, 120, even(60_000)],
	['even, 1 s', 0.9, 1000, even(60_000)],
	...[0, 0.05, 0.1, 0.2, 0.33, 0.45, 0.49, 0.6, 0.75, 0.83, 0.9].map(
		(at) => [`half of them from ${at} on, 1 s`, 0.75, 1000, burst(at)] as [string, number, number, ArrayLike<number>],
	),
])('keeps the pace of the rate limit: %s', async (_, bound, latencyMs, times) => {
	const latency = (request: number) => latencyMs * (0.96 + ((request * 7919) % 97) / 1212);
	const { ids, seconds } = await read({ times, latency, isLimited: true }, { from: 0, to: 29 * DAY });
	expect(ids).toHaveLength(60_000);
	expect(60 / 3 / seconds).toBeGreaterThanOrEqual(bound);
});

/** A week, or its end, of packets that come together, `agoS` seconds before its end for the last time. */
function together(count: number, everyS: number, widthS: number, agoS: number, lastS = 7 * DAY): number[] {
	const begins = range(1, Math.floor((lastS - agoS) / everyS) + 1).map(
		(turn) => 7 * DAY - agoS - widthS - (turn - 1) * everyS,
	);
	return begins.reverse().flatMap((begin) => range(0, count).map((index) => begin + (index / count) * widthS));
}

const steady = (perS: number) => Float64Array.from({ length: 7 * DAY * perS }, (_, index) => index / perS);
const dense = (perS: number) => Float64Array.from({ length: 600 * perS }, (_, index) => 7 * DAY - 600 + index / perS);
const isOld = (id: number) => id % 400 === 7;
const minutes = 60;
const hours = 3600;

it.each<[string, number, () => World]>([
	...[1e-5, 1e-3, 0.1, 1, 5].map(
		(rate) => [`steady, ${rate} a second`, 6, () => ({ times: steady(rate) })] as [string, number, () => World],
	),
	...[500, 3000].map(
		(rate) => [`dense, ${rate} a second`, 4, () => ({ times: dense(rate) })] as [string, number, () => World],
	),
	['dense, and clocks that say nothing', 30, () => ({ times: dense(3000), heard: () => NaN })],
	['dense, and clocks that stand', 10, () => ({ times: dense(3000), heard: () => 7 })],
	['hourly, 17 minutes ago', 15, () => ({ times: together(10_000, hours, 10, 17 * minutes) })],
	['hourly, 4 minutes ago', 15, () => ({ times: together(10_000, hours, 10, 4 * minutes) })],
	['hourly, 20 minutes ago', 15, () => ({ times: together(10_000, hours, 10, 20 * minutes) })],
	['hourly, 50 minutes ago', 15, () => ({ times: together(10_000, hours, 10, 50 * minutes) })],
	['daily, an hour ago', 15, () => ({ times: together(5000, DAY, 10, hours) })],
	['daily, 12 hours ago', 15, () => ({ times: together(5000, DAY, 10, 12 * hours) })],
	['daily, 23.9 hours ago', 15, () => ({ times: together(5000, DAY, 10, 23.9 * hours) })],
	['daily within a second', 15, () => ({ times: together(5000, DAY, 1, 12 * hours) })],
	['daily, far more than a window may hold', 60, () => ({ times: together(20_000, DAY, 300, 12 * hours) })],
	[
		'hourly, heard up to 3 minutes before',
		15,
		() => ({ times: together(10_000, hours, 10, 50 * minutes), heard: (time, id) => time - ((id * 7919) % 180) }),
	],
	[
		'steady, one in 400 from last week',
		10,
		() => ({ times: steady(5), heard: (time, id) => (isOld(id) ? time - 7 * DAY : time) }),
	],
	[
		'hourly, one in 400 from last week',
		15,
		() => ({
			times: together(10_000, hours, 10, 50 * minutes),
			heard: (time, id) => (isOld(id) ? time - 7 * DAY : time),
		}),
	],
])('gives the latest 50 of 7 days in few requests: %s', async (_, most, worldOf) => {
	const world = worldOf();
	const period = { from: 0, to: 7 * DAY, latest: 50 };
	const { ids, requests } = await read({ ...world, latency: () => 1000 }, period);
	const { length } = world.times;
	expect(ids.slice(0, 50)).toEqual(range(Math.max(0, length - 50), length).reverse());
	expect(requests).toBeLessThanOrEqual(most);
});

it.each([
	[500, hours, 1],
	[1200, hours, 1],
	[1500, 10 * minutes, 1],
	[3000, hours, 1],
	[60_000, DAY, 1],
	[10_000, hours, 10],
	[1500, hours, 10],
	[10_000, hours, 60],
	[1200, DAY, 1],
	[10_000, DAY, 10],
])('reads bursts in few requests: %d packets every %d s within %d s', async (count, everyS, widthS) => {
	const from = everyS < DAY ? 6 * DAY : 0;
	const times = together(count, everyS, widthS, 50, 7 * DAY - from);
	const { ids, requests } = await read({ times, parallel: 4, latency: () => 1000 }, { from, to: 7 * DAY });
	expect(ids).toHaveLength(times.length);
	expect(requests).toBeLessThanOrEqual(10 + (1.75 * times.length) / 1000);
});

it.each<[string, number, NonNullable<World['heard']>]>([
	['are right', 18, (time) => time],
	['stand before the period', 61, () => -7],
	['stand behind the period', 61, () => 40 * DAY],
	['stand within the period', 36, () => 25 * DAY],
	['say nothing', 61, () => NaN],
	['say nothing in one of three', 18, (time, id) => (id % 3 ? time : NaN)],
	['are up to two hours behind', 18, (time, id) => time - ((id * 7919) % 7200)],
	['are up to a day behind', 25, (time, id) => time - ((id * 7919) % DAY)],
	[
		'are days off in three of a thousand',
		18,
		(time, id) => time + (id % 1000 === 29 ? -5 : id % 1000 === 30 ? -4 : id % 1000 === 970 ? 5 : 0) * DAY,
	],
	['are a day ahead in one of fifty', 20, (time, id) => (id % 50 ? time : time + DAY)],
	['are three days behind', 25, (time) => time - 3 * DAY],
])('reads 60 pages soon where the clocks %s', async (_, most, heard) => {
	const world: World = { times: even(60_000), heard, parallel: 4, latency: () => 1000 };
	const { ids, seconds } = await read(world, { from: 0, to: 29 * DAY });
	expect(ids).toHaveLength(60_000);
	expect(seconds).toBeLessThanOrEqual(most);
});

it('puts out what was read of the latest packets when a later page fails', async () => {
	const world: World = {
		times: Float64Array.from({ length: 4500 }, (_, index) => index / 15),
		fails: (request) => request >= 4,
	};
	const { ids, failure, progress } = await read(world, { from: -7 * DAY, to: 300, latest: 4500 });
	expect(failure).toBeDefined();
	expect(ids.length).toBeGreaterThanOrEqual(2700);
	expect(ids).toEqual(range(4500 - ids.length, 4500).reverse());
	expect(progress.rest).toEqual({ from: -7 * DAY, to: Math.round((4500 - ids.length) / 15) });
});

it('does not read a burst from its beginning for its latest packets', async () => {
	const burst = range(0, 200_000).map((index) => 5700 + index / 20_000);
	const { ids, requests } = await read(
		{ times: [...burst, ...range(6600, 7200)] },
		{ from: 0, to: 7200, latest: 1500 },
	);
	expect(ids.slice(0, 1500)).toEqual(range(199_100, 200_600).reverse());
	// All of it is 202.
	expect(requests).toBeLessThanOrEqual(160);
});

it('is soon through a time without packets, though replies of denser times come later', async () => {
	const world: World = {
		times: Float64Array.from({ length: 3500 }, (_, index) => 5 * DAY + index * 49),
		parallel: 4,
		latency: (request) => 1000 - 10 * request,
	};
	const { ids, requests } = await read(world, { from: 0, to: 7 * DAY, latest: 10_000 });
	expect(ids).toHaveLength(3500);
	expect(requests).toBeLessThanOrEqual(10);
});

it('reads the latest packets side by side where replies are slow', async () => {
	const world: World = { times: even(60_000), latency: () => 1000, isLimited: true };
	const { ids, seconds } = await read(world, { from: 0, to: 29 * DAY, latest: 30_000 });
	expect(ids.slice(0, 30_000)).toEqual(range(30_000, 60_000).reverse());
	// One after the other it is a third.
	expect(30 / 3 / seconds).toBeGreaterThanOrEqual(0.7);
});

it('reads a period that one page holds with one request', async () => {
	const { ids, requests } = await read({ times: even(900), parallel: 4 }, { from: 0, to: 29 * DAY });
	expect(ids).toHaveLength(900);
	expect(requests).toBe(1);
});

it('asks for nothing more when the caller stops, whatever is on its way', async () => {
	await fc.assert(
		fc.asyncProperty(
			worlds,
			fc.integer({ min: 1, max: 20 }),
			async ({ times, heard, parallel, wobble, skip, latest }, taken) => {
				const { clock, history, starts } = hubble({ times, heard, parallel, latency: latencyOf(wobble) });
				const period = periodOf(times, skip, latest);
				const pages = new PeriodReader(history, period, { pages: 0, rowsFetched: 0 }).pages();
				for (let page = 0; page < taken; page++) await clock.run(pages.next());
				const asked = starts.length;
				await pages.return(undefined);
				await clock.run(clock.sleep(1e6));
				expect(starts).toHaveLength(asked);
			},
		),
		{ numRuns: 30 },
	);
});

it('asks for nothing more behind a window that failed, while those before it are still read', async () => {
	const world: World = {
		times: Float64Array.from({ length: 40_000 }, (_, index) => index),
		parallel: 4,
		// After the first page, four windows begin side by side; the second one fails at once.
		latency: (request) => (request === 3 ? 0 : 1000),
		fails: (request) => request === 3,
	};
	const { ids, failure, progress, requests } = await read(world, { from: 0, to: 40_000 });
	expect(failure).toEqual(new Error('broken'));
	expect(ids).toEqual(range(0, progress.rest?.from ?? NaN));
	// Those four, and what else the first window needs.
	expect(requests).toBe(1 + 4 + Math.ceil(ids.length / 1000) - 1);
});

it.each<[string, number | undefined, number, number]>([
	['oldest first, side by side', undefined, 4, 60],
	['oldest first, one after the other', undefined, 1, 1],
	['the latest 50', 50, 4, 3],
])('reads ahead no further than its bound while nobody takes the pages: %s', async (_, latest, parallel, most) => {
	const { clock, history, starts } = hubble({ times: even(300_000, 3000), parallel });
	const pages = new PeriodReader(
		history,
		{ from: 0, to: 23 * DAY + 3000, latest },
		{ pages: 0, rowsFetched: 0 },
	).pages();
	await clock.run(pages.next());
	await clock.run(clock.sleep(1e6));
	expect(starts.length).toBeLessThanOrEqual(most);
	const asked = starts.length;
	await pages.return(undefined);
	await clock.run(clock.sleep(1e6));
	expect(starts).toHaveLength(asked);
});

it('takes a page of very many rows that are empty, in both orders', async () => {
	const rows = Array.from({ length: 300_000 }, () => ({}));
	for (const latest of [undefined, Infinity]) {
		const chain = async function* () {
			yield { rows, next: 'next' };
			yield { rows: [{}] };
		};
		const history = { chain, timeOf: () => NaN, parallel: () => 4 };
		const pages = new PeriodReader(history, { from: 0, to: 1, latest }, { pages: 0, rowsFetched: 0 }).pages();
		let count = 0;
		for await (const page of pages) count += page.rows.length;
		expect(count).toBe(300_001);
	}
});

describe('readPages', () => {
	const call = { endpoint: { method: 'GET', path: '/v1/x' } } as const;
	const limiter = newRateLimiter();
	beforeEach(() => Object.assign(limiter, newRateLimiter()));

	/** Reads the rows that Hubble received at these times, as callers do; `ms` is how long a reply is said to take. */
	async function readList(
		list: Partial<List>,
		reading: Reading,
		query: IDataObject,
		times: number[],
		ms: (request: number) => number = () => 0,
		begin?: string,
	) {
		const asked: IDataObject[] = [];
		const signals: unknown[] = [];
		const inFlight: number[] = [];
		let busy = 0;
		const client = {
			context: { getNode: () => ({ name: 'Hubble' }) },
			service: { rateLimiter: limiter },
			now: () => 10 * DAY + 0.7,
			with({ signal }: { signal: AbortSignal }) {
				signals.push(signal);
				return client;
			},
			async send({
				query: { start = 0, end = Infinity, ...more },
				continuationToken,
			}: {
				query: IDataObject;
				continuationToken?: string;
			}) {
				const request = asked.push({ start, end, ...more, token: continuationToken });
				if (Number.isNaN(ms(request))) throw new Error('broken');
				inFlight.push((busy += 1));
				await new Promise((done) => setImmediate(done));
				busy -= 1;
				const [from, to, at] = [Number(start), Number(end), Number(continuationToken ?? 0)];
				const held = times.filter((time) => time >= from && time < to);
				const rows = held.slice(at, at + 1000).map((time) => ({ time }));
				const token = at + 1000 < held.length ? String(at + 1000) : undefined;
				return {
					body: { things: rows },
					headers: { 'continuation-token': token },
					ms: ms(request),
				};
			},
		};
		const found: unknown[] = [];
		const all: List = { rows: 'things', pages: 'token', ...list };
		for await (const { rows } of readPages(
			client as unknown as HubbleClient,
			{ ...call, query, continuationToken: begin },
			all,
			reading,
		)) {
			found.push(...rows.map((row) => (row as Row).time));
			if (found.length >= reading.limit) break;
		}
		return { asked, signals, inFlight, found };
	}

	const timeOf = (row: unknown) => (row as Row).time;
	const pageSize = { name: 'page_size', min: 10, max: 1000 };

	it.each<[Reading, number]>([
		[{ limit: 5 }, 10],
		[{ limit: 50 }, 51],
		[{ limit: 5000 }, 1000],
		[{ limit: Infinity }, 1000],
		[{ limit: 50, hasClientFilters: true }, 1000],
	])('asks for pages of the size that %j needs: %d', async (reading, size) => {
		const { asked } = await readList({ pageSize }, reading, { q: 1 }, [1, 2]);
		expect(asked).toEqual([{ start: 0, end: Infinity, q: 1, page_size: size, token: undefined }]);
	});

	it.each<[string, Partial<List>, Reading, string | undefined]>([
		['what does not lie in time', {}, { limit: Infinity, newestFirst: true }, undefined],
		['what begins at a token', { timeOf }, { limit: Infinity }, '0'],
		['what begins at a token, the latest', { timeOf }, { limit: 5, newestFirst: true }, '0'],
		['the oldest', { timeOf }, { limit: 5 }, undefined],
	])('reads %s page by page', async (_, list, reading, token) => {
		const { asked, found } = await readList(list, reading, {}, [1, 2], undefined, token);
		expect(found).toEqual([1, 2]);
		expect(asked).toEqual([{ start: 0, end: Infinity, token }]);
	});

	const end = 10 * DAY;
	/** Five rows a second. */
	const recent = (count: number) => range(0, count).map((index) => end - (count - index) / 5);

	it('reads all of a period from its beginning, else from a week ago', async () => {
		const all = { limit: Infinity };
		const week = await readList({ timeOf }, all, { end, q: 1 }, recent(3));
		expect(week.asked).toEqual([{ start: end - 7 * DAY, end, q: 1, token: undefined }]);
		expect(week.found).toEqual(recent(3));
		const day = await readList({ timeOf }, all, { start: end - DAY, end }, recent(3));
		expect(day.asked).toEqual([{ start: end - DAY, end, token: undefined }]);
	});

	it.each([
		['few', {}],
		['what a filter keeps', { hasClientFilters: true }],
	])('reads the latest backwards from a minute, nearly a page at a time: %s', async (_, more) => {
		const reading = { limit: 400, newestFirst: true, ...more };
		const { asked, found, signals } = await readList({ timeOf }, reading, { end }, recent(9000));
		expect(asked.slice(0, 2)).toEqual([
			{ start: end - 60, end, token: undefined },
			{ start: end - 60 - 190, end: end - 60, token: undefined },
		]);
		expect(found.slice(0, 400)).toEqual(recent(400).reverse());
		expect(signals).toEqual(asked.map(() => expect.any(AbortSignal) as unknown));
	});

	it.each<[SoFar | undefined, object]>([
		['kept', { resumeToken: '2000' }],
		['lost', {}],
		[undefined, {}],
	])('says how far it came when a page fails, and how to go on if that is of use: %s', async (soFar, more) => {
		const reading = readList({ timeOf }, { limit: Infinity, soFar }, { end }, recent(9000), (request) =>
			request > 2 ? NaN : 0,
		);
		const error = await reading.then(undefined, (failure: NodeOperationError) => failure);
		expect(error).toMatchObject({ message: 'broken' });
		expect(detailsOf(error)).toEqual({ rowsFetched: 2000, ...more });
	});

	it('reads as many windows at once as the time of replies and the rate limit allow', async () => {
		const peaks = async (ms: (request: number) => number) => {
			const { inFlight } = await readList({ timeOf }, { limit: Infinity }, { end }, recent(40_000), ms);
			return [Math.max(...inFlight.slice(0, 6)), Math.max(...inFlight.slice(-10))];
		};
		expect(await peaks(() => 1000)).toEqual([4, 4]);
		expect(await peaks(() => 200)).toEqual([1, 1]);
		// Replies that have become quick.
		expect(await peaks((request) => (request === 1 ? 1000 : 1))).toEqual([4, 1]);
		recordStart(limiter, 'GET /v1/x', performance.now());
		recordResponse(limiter, 'GET /v1/x', { tooMany: true, startedAt: performance.now() }, performance.now(), 0);
		expect(await peaks(() => 1000)).toEqual([2, 2]);
	});

	it('does not take one slow reply for slow replies', async () => {
		const reading = { limit: 5000, newestFirst: true };
		const { inFlight } = await readList({ timeOf }, reading, { end }, recent(9000), (request) =>
			request === 3 ? 400 : 200,
		);
		expect(Math.max(...inFlight)).toBe(1);
	});
});

it.each([
	[0, 3, 1],
	[266, 3, 1],
	[267, 3, 2],
	[500, 3, 2],
	[501, 3, 3],
	[1000, 3, 4],
	[800, 1, 1],
	[2600, 3, 8],
	[9000, 3, 8],
	// One process is busy with twenty.
	[100, 20, 3],
	[100, 99, 3],
])('replies that take %d ms, %d requests a second: %d windows side by side', (latencyMs, perSecond, windows) => {
	expect(parallelFor(latencyMs, perSecond)).toBe(windows);
});
