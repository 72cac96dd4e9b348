/**
 * The plan by which `parallelPages.ts` reads a closed period in several windows. Pure: numbers and rows in, what to
 * do next out. A window is a part of the period that begins at a whole second; times only tell about where.
 */
import { PACKETS_PER_PAGE } from './endpoints';
import type { Rows } from './lazyRows';
import type { Order } from './pages';

/** Pages that one window is made for, and how many when there is no room to read ahead. */
const PAGES_EACH = 8;
const PAGES_EACH_NEAR = 3;

/** So much less than whole pages a window is made for, that its last page is nearly full, and not one too many. */
const SLACK = 0.15;

/** Pages that may wait for their turn, for each window that is read; a page is about half a megabyte. */
const PAGES_AHEAD = 10;

/** Where pages come one after the other, two ahead are as good and cost less memory. */
const PAGES_AHEAD_ALONE = 2;

/** How far beyond that bound a window is read whose rows come next. */
const OVERRUN = 1.5;

/** While replies take less, in milliseconds, one window keeps the processor busy. */
const SLOW_MS = 50;

/** Pages a second that one process takes in: more windows than this needs gain nothing. */
const FASTEST = 120;

/** Windows at once, unless the user says otherwise. */
export const MOST_WINDOWS = 8;

/** A part of the period, `from` inclusive, `to` exclusive, in Unix seconds. */
export interface Span {
	from: number;
	to: number;
	/** About the time up to which everything was read. */
	readTo: number;
	/** Rows a second around `readTo`, or what is expected there. */
	density: number;
	isDone: boolean;
}

/** A window as the plan sees it. */
export interface WindowState extends Span {
	/** Whether its next page is on the way. */
	isBusy: boolean;
	/** Pages that wait for the windows before this one. */
	ready: ReadonlyArray<{ rows: Rows }>;
	/** Keys of its first rows, by which the window before it knows its end; empty when there are too few. */
	firstKeys?: readonly string[];
	/** Why it cannot be read any further. */
	error?: unknown;
}

// How far a page reaches

/** The part of the rows whose clocks may be ahead, or behind, without a page seeming to reach further than it does. */
const CLOCKS_OFF = 0.03;

/** One of so many rows tells well enough how far a page reaches where there is one window and no time to lose. */
const SAMPLED = 25;

/** About from when to when the rows of a page were received, in Unix seconds; NaN when they tell no time. */
export function reachOf(rows: Rows, { timeOf }: Order, streams: number): [first: number, last: number] {
	const every = streams > 1 ? 1 : SAMPLED;
	const times = Array.from({ length: Math.ceil(rows.length / every) }, (_, index) => timeOf(rows.at(index * every)));
	const sorted = Float64Array.from(times.filter(Number.isFinite)).sort();
	const end = sorted.length - 1;
	return [sorted[Math.floor(CLOCKS_OFF * end)] ?? NaN, sorted[Math.ceil((1 - CLOCKS_OFF) * end)] ?? NaN];
}

/** How far a window is read, and how dense it is there, once it has a page of so many rows that reaches from `first` to `last`. */
export function advanced(
	{ readTo: before, firstKeys }: Pick<WindowState, 'readTo' | 'firstKeys'>,
	rows: number,
	[first, last]: readonly [first: number, last: number],
): Pick<Span, 'readTo' | 'density'> {
	const readTo = Math.max(before, last || 0);
	// A period may begin long before its first packet does.
	const since = firstKeys || !(first < readTo) ? before : Math.max(before, first);
	// Times that do not advance tell nothing of where to begin another window.
	return { readTo, density: readTo > since ? rows / (readTo - since) : 0 };
}

// Where one window ends and the next begins

/** So many rows must be the same: one alone may have come twice. */
const ENOUGH = 10;

/**
 * The keys that tell where a window begins, out of those of its rows so far; `undefined` while there may come more.
 * A window with fewer rows up to the end of the period has none: its rows are left to the window before it.
 */
export function firstKeysOf(keys: readonly string[], isLastPage: boolean): string[] | undefined {
	if (keys.length >= ENOUGH) return [...keys];
	return isLastPage ? [] : undefined;
}

/** Where in `rows` those of `firstKeys` begin; -1 where they do not. All rows from there on must agree: one may come twice. */
export function indexOfFirst(firstKeys: readonly string[], rows: Rows, { keyOf }: Order): number {
	const agrees = (wanted: string, index: number) => {
		const row = rows.at(index);
		return row === undefined || keyOf(row) === wanted;
	};
	let start = 0;
	for (const row of rows) {
		if (keyOf(row) === firstKeys[0] && firstKeys.every((wanted, index) => agrees(wanted, start + index))) return start;
		start += 1;
	}
	return -1;
}

/** How many rows the pages hold. */
const count = (pages: WindowState['ready']) => pages.reduce((sum, { rows }) => sum + rows.length, 0);

/**
 * Whether a page whose last `same` rows are the first ones of the next window is the end of its own. Fewer rows than
 * are sure are taken for it only on the last page, or where they are all that the next window has.
 */
export const endsWindow = (same: number, isLastPage: boolean, following: WindowState['ready']) =>
	same >= ENOUGH || isLastPage || count(following) <= same;

/** The pages without so many rows at their beginning. */
export function withoutFirst<P extends { rows: Rows }>(pages: readonly P[], dropped: number): P[] {
	let left = dropped;
	return pages.map((page) => {
		const rows = page.rows.slice(left);
		left -= page.rows.length - rows.length;
		return { ...page, rows };
	});
}

// What to read next

/**
 * Where to begin one more window: a whole second in a part that is still to be read. The first window
 * that holds more than `pagesEach` pages is cut after so many; else the fullest one is halved.
 * `undefined` when no window has two more pages, as far as its density tells.
 */
export function splitPoint(spans: readonly Span[], pagesEach: number): { index: number; at: number } | undefined {
	const left = spans.map(({ to, readTo, density, isDone }) =>
		isDone ? 0 : ((to - readTo) * density) / PACKETS_PER_PAGE,
	);
	const dense = left.findIndex((pages) => pages > 1.25 * pagesEach);
	const index = dense >= 0 ? dense : left.indexOf(Math.max(...left));
	const [span, pages] = [spans[index], left[index] ?? 0];
	if (!span || !(pages >= 2)) return undefined;
	const kept = Math.floor(Math.min(pagesEach, pages / 2)) - SLACK;
	const at = Math.ceil(span.readTo + (kept * PACKETS_PER_PAGE) / span.density);
	return at > span.readTo && at < span.to ? { index, at } : undefined;
}

/** The window that begins where another is cut: together they are what that one was. */
export const windowFrom = ({ to, density }: Span, at: number): Span => ({
	from: at,
	to,
	readTo: at,
	density,
	isDone: false,
});

/** How many windows use up the rate limit: requests in flight are their rate times the time that one takes. One where replies are fast. */
export function streamsFor(latencyMs: number, perSecond: number, most: number): number {
	const inFlight = (latencyMs / 1000) * Math.min(perSecond, FASTEST);
	return latencyMs < SLOW_MS || inFlight <= 0.8 ? 1 : Math.min(most, Math.ceil(inFlight + 0.5));
}

/** How many pages may be on their way or wait for their turn. */
export const aheadFor = (streams: number) => (streams === 1 ? PAGES_AHEAD_ALONE : PAGES_AHEAD * streams);

/** Whether it is known with which row a window begins; there may be no window. */
export const hasBegun = (window?: WindowState) => !window || window.firstKeys !== undefined;

/** What there is to read with. */
export interface Means {
	/** Windows at once. */
	streams: number;
	/** Pages that may be on their way or wait for their turn. */
	ahead: number;
	/** Whether windows may still be split. */
	canSplit: boolean;
}

/**
 * The window of which to fetch the next page; with `at` it is to be split there first, and the new window read.
 * `undefined` when there is nothing more to start now.
 */
export function nextRead(
	windows: readonly WindowState[],
	{ streams, ahead: limit, canSplit }: Means,
): { index: number; at?: number } | undefined {
	const busy = windows.filter(({ isBusy }) => isBusy).length;
	if (busy >= streams) return undefined;
	const ahead = busy + windows.reduce((sum, { ready }) => sum + ready.length, 0);
	const hasRoom = ahead < limit;
	const mayOverrun = ahead < OVERRUN * limit;
	/** Whether a window may be at its end, which shows when the next one begins. */
	const isWaiting = ({ readTo, to }: WindowState, index: number) => readTo >= to && !hasBegun(windows[index + 1]);
	const isIdle = (window: WindowState, index: number) =>
		!window.isBusy && !window.isDone && !window.error && !isWaiting(window, index);
	// Without room only the windows that come next are read: that makes room soonest.
	const isInReach = (window: WindowState, index: number) =>
		hasRoom || !hasBegun(window) || (index === 0 ? !window.ready.length : index < streams && mayOverrun);
	const index = windows.findIndex((window, at) => isIdle(window, at) && isInReach(window, at));
	if (index >= 0) return { index };
	if (!canSplit || streams === 1 || !mayOverrun || windows.at(-1)?.error) return undefined;
	const near = hasRoom ? windows : windows.slice(0, 1);
	return near.some(isIdle) ? undefined : splitPoint(near, hasRoom ? PAGES_EACH : PAGES_EACH_NEAR);
}
