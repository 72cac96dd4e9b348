/** The plan of parallel windows: where to split, what to read next, where a window's rows begin. */
import fc from 'fast-check';
import type { Order } from '../../nodes/shared/client/pages';
import {
	advanced,
	aheadFor,
	firstKeysOf,
	indexOfFirst,
	endsWindow,
	nextRead,
	reachOf,
	splitPoint,
	streamsFor,
	windowFrom,
	withoutFirst,
	type Span,
	type WindowState,
} from '../../nodes/shared/client/windowPlan';

const whole = (from: number, to: number): Span => ({ from, to, readTo: from, density: 0, isDone: false });

it('windows partition any period', () => {
	fc.assert(
		fc.property(
			fc.integer({ min: 0, max: 2_000_000_000 }),
			fc.integer({ min: 1, max: 3_000_000 }),
			fc.array(
				fc.record({
					density: fc.double({ min: 1e-4, max: 1e5, noNaN: true }),
					read: fc.double({ min: 0, max: 1, noNaN: true }),
				}),
				{ maxLength: 30 },
			),
			(from, length, readings) => {
				const spans = [whole(from, from + length)];
				readings.forEach(({ density, read }, index) => {
					const span = spans[index % spans.length] as Span;
					Object.assign(span, { density, readTo: span.readTo + (span.to - span.readTo) * read });
					const seam = splitPoint(spans, 8);
					if (!seam) return;
					const cutOne = spans[seam.index] as Span;
					expect(seam.at).toBeGreaterThan(cutOne.readTo);
					spans.splice(seam.index + 1, 0, windowFrom(cutOne, seam.at));
					cutOne.to = seam.at;
				});
				expect(spans[0]?.from).toBe(from);
				expect(spans.at(-1)?.to).toBe(from + length);
				spans.forEach(({ from: begin, to }, index) => {
					expect(Number.isInteger(begin)).toBe(true);
					expect(begin).toBeLessThan(to);
					if (index) expect(begin).toBe(spans[index - 1]?.to);
				});
			},
		),
	);
});

it('reads one page after the other while that keeps the pace, and as many as the latency needs else', () => {
	expect([120, 250, 300, 1000, 2000, 60_000].map((ms) => streamsFor(ms, 3, 8))).toEqual([1, 1, 2, 4, 7, 8]);
	expect([5, 45, 55, 100].map((ms) => streamsFor(ms, 1000, 8))).toEqual([1, 1, 8, 8]);
	expect([1, 2, 4].map(aheadFor)).toEqual([2, 20, 40]);
	expect(streamsFor(2000, 3, 1)).toBe(1);
});

const order: Order = { timeOf: (row) => Number(row), keyOf: String };

/** A window of which so much was read. */
const window = (given: Partial<WindowState>): WindowState => ({
	...whole(0, 100),
	isBusy: false,
	ready: [],
	firstKeys: ['a'],
	...given,
});

const page = { rows: [] };
const plenty = { streams: 4, ahead: 40, canSplit: true };

describe('what to read next', () => {
	const windows = fc.array(
		fc.record({
			readTo: fc.constantFrom(0, 50, 100),
			density: fc.constantFrom(0, 1, 200, 5000),
			isDone: fc.boolean(),
			isBusy: fc.boolean(),
			ready: fc.nat(12).map((length) => Array.from({ length }, () => page)),
			firstKeys: fc.constantFrom(undefined, [], ['a']),
			error: fc.constantFrom(undefined, undefined, new Error('broken')),
		}),
		{ minLength: 1, maxLength: 10 },
	);
	const given = (states: Array<Partial<WindowState>>) =>
		states.map((state, index) =>
			window({ from: 100 * index, to: 100 * index + 100, ...state, readTo: 100 * index + (state.readTo ?? 0) }),
		);

	it('is one page a window, never of one that is done or broken, and at most so many at once', () => {
		fc.assert(
			fc.property(
				windows,
				fc.integer({ min: 1, max: 8 }),
				fc.integer({ min: 1, max: 60 }),
				fc.boolean(),
				(states, streams, ahead, canSplit) => {
					const all = given(states);
					const next = nextRead(all, { streams, ahead, canSplit });
					if (!next) return;
					const chosen = all[next.index] as WindowState;
					expect(all.filter(({ isBusy }) => isBusy).length).toBeLessThan(streams);
					expect(chosen.isDone).toBe(false);
					if (next.at === undefined) {
						expect([chosen.isBusy, chosen.error]).toEqual([false, undefined]);
					} else {
						expect([canSplit, streams > 1, all.at(-1)?.error]).toEqual([true, true, undefined]);
						expect(next.at).toBeGreaterThan(chosen.readTo);
						expect(next.at).toBeLessThan(chosen.to);
					}
				},
			),
		);
	});

	it('is within the bound of pages ahead, but for what makes room', () => {
		fc.assert(
			fc.property(
				windows,
				fc.integer({ min: 1, max: 8 }),
				fc.integer({ min: 1, max: 60 }),
				(states, streams, ahead) => {
					const all = given(states);
					const next = nextRead(all, { streams, ahead, canSplit: true });
					if (!next) return;
					const waiting = all.reduce((sum, { ready, isBusy }) => sum + ready.length + Number(isBusy), 0);
					const { ready, firstKeys } = all[next.index] as WindowState;
					if (waiting < 1.5 * ahead) return;
					expect(next.at).toBeUndefined();
					expect(firstKeys === undefined || (next.index === 0 && !ready.length)).toBe(true);
				},
			),
		);
	});

	it('ends: a window that may be at its end waits for the next one to begin', () => {
		const atEnd = window({ readTo: 100, density: 10 });
		const unknown = window({ from: 100, to: 200, readTo: 100, isBusy: true, firstKeys: undefined });
		expect(nextRead([atEnd, unknown], plenty)).toBeUndefined();
		expect(nextRead([atEnd, { ...unknown, firstKeys: ['a'] }], plenty)).toEqual({ index: 0 });
		expect(nextRead([atEnd], plenty)).toEqual({ index: 0 });
	});

	it('is the first window in order, else a new one in the part that is left', () => {
		const busy = window({ readTo: 10, density: 1000, isBusy: true });
		const idle = window({ from: 100, to: 200, readTo: 110, density: 1000 });
		expect(nextRead([busy, idle], plenty)).toEqual({ index: 1 });
		expect(nextRead([busy, { ...idle, isBusy: true }], plenty)).toEqual({ index: 0, at: 18 });
		expect(nextRead([busy, { ...idle, isBusy: true }], { ...plenty, canSplit: false })).toBeUndefined();
		expect(nextRead([busy, { ...idle, isBusy: true }], { ...plenty, streams: 2 })).toBeUndefined();
	});
});

it('a window is cut into whole parts that together are what it was', () => {
	const span = { ...whole(100, 900), readTo: 200, density: 50 };
	const { index, at } = splitPoint([span], 8) as { index: number; at: number };
	expect(index).toBe(0);
	expect(at).toBe(Math.ceil(200 + (8 - 0.15) * (1000 / 50)));
	expect(windowFrom(span, at)).toEqual({ from: at, to: 900, readTo: at, density: 50, isDone: false });
	expect(splitPoint([{ ...span, isDone: true }], 8)).toBeUndefined();
	expect(splitPoint([{ ...span, density: 2.4 }], 8)).toBeUndefined();
	expect(splitPoint([], 8)).toBeUndefined();
});

describe('how far a page reaches', () => {
	it('does not follow the few clocks that are off', () => {
		const times = Array.from({ length: 1000 }, (_, index) => index);
		times[3] = -90_000;
		times[500] = 90_000;
		const [first, last] = reachOf(times, order, 2);
		expect(first).toBeGreaterThanOrEqual(0);
		expect(first).toBeLessThan(35);
		expect(last).toBeGreaterThan(960);
		expect(last).toBeLessThan(1000);
	});

	it('is unknown where rows tell no time', () => {
		expect(reachOf([NaN, NaN], order, 2)).toEqual([NaN, NaN]);
		expect(reachOf([], order, 1)).toEqual([NaN, NaN]);
		expect(advanced({ readTo: 50 }, 0, [NaN, NaN])).toEqual({ readTo: 50, density: 0 });
	});

	it('never goes back, and gives no density that is negative or infinite', () => {
		const time = fc.oneof(fc.integer({ min: -1e9, max: 4e9 }), fc.constant(NaN));
		fc.assert(
			fc.property(fc.nat(2e9), fc.nat(1000), time, time, fc.boolean(), (before, rows, a, b, isBegun) => {
				const [first, last] = a > b ? [b, a] : [a, b];
				const state = { readTo: before, firstKeys: isBegun ? ['a'] : undefined };
				const { readTo, density } = advanced(state, rows, [first, last]);
				expect(readTo).toBeGreaterThanOrEqual(before);
				expect(density).toBeGreaterThanOrEqual(0);
				expect(Number.isFinite(density)).toBe(true);
			}),
		);
	});

	it('counts the density of a window that has begun from where it was read to, else from its first row', () => {
		expect(advanced({ readTo: 100 }, 1000, [600, 1100])).toEqual({ readTo: 1100, density: 2 });
		expect(advanced({ readTo: 100, firstKeys: ['a'] }, 1000, [600, 1100])).toEqual({ readTo: 1100, density: 1 });
	});
});

describe('where a window ends', () => {
	const keys = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 30 });

	it('is the first place from which on all rows agree', () => {
		fc.assert(
			fc.property(keys, fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 6 }), (rows, first) => {
				const agreesAt = (start: number) => first.every((key, index) => (rows[start + index] ?? key) === key);
				expect(indexOfFirst(first, rows, order)).toBe(rows.findIndex((_, start) => agreesAt(start)));
			}),
		);
	});

	it('needs ten rows, or the end', () => {
		expect(firstKeysOf(Array(9).fill('a'), false)).toBeUndefined();
		expect(firstKeysOf(Array(9).fill('a'), true)).toEqual([]);
		expect(firstKeysOf(Array(10).fill('a'), false)).toHaveLength(10);
		const following = [{ rows: [1, 2, 3] }, { rows: [4] }];
		expect([endsWindow(10, false, following), endsWindow(3, true, following)]).toEqual([true, true]);
		expect([endsWindow(3, false, following), endsWindow(4, false, following)]).toEqual([false, true]);
	});

	it('what a window gives up is taken from its first pages alone', () => {
		fc.assert(
			fc.property(fc.array(fc.array(fc.nat(), { maxLength: 5 }), { maxLength: 6 }), fc.nat(40), (pages, dropped) => {
				const rest = withoutFirst(
					pages.map((rows, next) => ({ rows, next })),
					dropped,
				);
				expect(rest.flatMap(({ rows }) => [...rows])).toEqual(pages.flat().slice(dropped));
				expect(rest.map(({ next }) => next)).toEqual(pages.map((_, index) => index));
			}),
		);
	});
});
