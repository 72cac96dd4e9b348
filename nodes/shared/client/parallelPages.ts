/**
 * A closed period of packets, read in several parts side by side: where replies are slow, a single chain
 * of Continuation-Tokens uses only a part of the requests that Hubble allows.
 *
 * A part, called window, begins at a whole second and has its own chain of tokens. Each chain asks up to
 * the end of the whole period, so that a token of any window is a token of all that follows. A window ends
 * at the row with which the next one begins, wherever that comes. Times are no help there: Hubble orders and
 * cuts by when it received a packet, and a packet says when it was heard, by another clock (API definition,
 * `start` and "Device Object"). They only tell about where to begin a window. A window that begins at the
 * wrong place costs requests, at worst as many as it reads ahead, and then one window reads to the end alone;
 * nothing is lost or doubled.
 *
 * Windows are made while reading, by the density that the pages show: a period says nothing about when its
 * packets came.
 */
import type { HubbleClient } from './client';
import type { ItemRequest } from '../operation/operation';
import { rateOf } from './rateLimiter';
import { fetchRows, pages, withProgress, type List, type Order, type Page } from './pages';
import type { Rows } from './lazyRows';
import type { Call } from './request';

/** Rows in a full page (API definition, "Packets"). */
const PAGE = 1000;

/** How long the packets go back when no start is given (API definition, `start`). */
export const DEFAULT_PERIOD_S = 7 * 86_400;

/** Pages that one window is made for, and how many when there is no room to read ahead. */
const PAGES_EACH = 8;
const PAGES_EACH_NEAR = 3;

/** So much less than whole pages a window is made for, that its last page is nearly full, and not one too many. */
const SLACK = 0.15;

/** Pages that may wait for their turn, for each window that is read; a page is about half a megabyte. */
const PAGES_AHEAD = 10;

/** Where pages come one after the other, two ahead are as good and cost less memory. */
const PAGES_AHEAD_ALONE = 2;

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

interface Window extends Span {
	token?: string;
	/** Tokens that this chain had: one that comes again would never end. */
	tokens: Set<string>;
	isBusy: boolean;
	/** Pages that wait for the windows before this one. */
	ready: Page[];
	/** Keys of its rows, until there are enough for a head. */
	opening: string[];
	/** Keys of its first rows, by which the window before it knows its end; empty when there are too few. */
	head?: string[];
	error?: unknown;
}

/** So many rows must be the same: one alone may have come twice. */
const ENOUGH = 10;

/** The part of the rows whose clocks may be ahead, or behind, without a page seeming to reach further than it does. */
const CLOCKS_OFF = 0.03;

/** About from when to when a page reaches; NaN when its rows tell no time. */
function reach(times: readonly number[]): [from: number, to: number] {
	const sorted = Float64Array.from(times.filter(Number.isFinite)).sort();
	const last = sorted.length - 1;
	return [sorted[Math.floor(CLOCKS_OFF * last)] ?? NaN, sorted[Math.ceil((1 - CLOCKS_OFF) * last)] ?? NaN];
}

/** One of so many rows tells well enough how far a page reaches where there is one window and no time to lose. */
const SAMPLED = 10;

/** The times of the rows of a page, or of some. */
function timesOf(rows: Rows, { timeOf }: Order, every: number): number[] {
	return Array.from({ length: Math.ceil(rows.length / every) }, (_, index) => timeOf(rows.at(index * every)));
}

/** Where in `rows` those of `head` begin; -1 where they do not. All rows from there on must agree: one may come twice. */
function startOf(head: readonly string[], rows: Rows, { keyOf }: Order): number {
	const agrees = (wanted: string, index: number) => {
		const row = rows.at(index);
		return row === undefined || keyOf(row) === wanted;
	};
	let start = 0;
	for (const row of rows) {
		if (keyOf(row) === head[0] && head.every((wanted, index) => agrees(wanted, start + index))) return start;
		start += 1;
	}
	return -1;
}

/**
 * Where to begin one more window: a whole second in a part that is still to be read. The first window
 * that holds more than `pagesEach` pages is cut after so many; else the fullest one is halved.
 * `undefined` when no window has two more pages, as far as its density tells.
 */
export function splitPoint(spans: readonly Span[], pagesEach: number): { index: number; at: number } | undefined {
	const left = spans.map(({ to, readTo, density, isDone }) => (isDone ? 0 : ((to - readTo) * density) / PAGE));
	const dense = left.findIndex((pages) => pages > 1.25 * pagesEach);
	const index = dense >= 0 ? dense : left.indexOf(Math.max(...left));
	const [span, pages] = [spans[index], left[index] ?? 0];
	if (!span || !(pages >= 2)) return undefined;
	const kept = Math.floor(Math.min(pagesEach, pages / 2)) - SLACK;
	const at = Math.ceil(span.readTo + (kept * PAGE) / span.density);
	return at > span.readTo && at < span.to ? { index, at } : undefined;
}

/** Cuts a window in two at `at`; together they are what it was. */
export function splitWindow<S extends Span>(span: S, at: number): [S, Span] {
	const { to, density } = span;
	return [
		{ ...span, to: at },
		{ from: at, to, readTo: at, density, isDone: false },
	];
}

/** How many windows use up the rate limit: requests in flight are their rate times the time that one takes. One where replies are fast. */
export function streamsFor(latencyMs: number, perSecond: number, most: number): number {
	const inFlight = (latencyMs / 1000) * Math.min(perSecond, FASTEST);
	return latencyMs < SLOW_MS || inFlight <= 0.8 ? 1 : Math.min(most, Math.ceil(inFlight + 0.5));
}

/** How many pages may be on their way or wait for their turn. */
export const aheadFor = (streams: number) => (streams === 1 ? PAGES_AHEAD_ALONE : PAGES_AHEAD * streams);

/** What `inOrder` reads from. */
export interface Source extends Order {
	/** The page at `token`, or the first one from `from` on. */
	fetch: (from: number, token?: string) => Promise<Page>;
	/** How many windows to read at once, now. */
	streams: () => number;
	/** How many pages that many windows may read ahead. */
	ahead: (streams: number) => number;
	/** The error that a failed page becomes: how many rows came before it, and where it begins. */
	failure: (error: unknown, at: { pages: number; rows: number; token?: string }) => unknown;
}

/**
 * All rows of the period `from` … `to` in Hubble's order, page by page, read in as many windows as `streams`
 * says. What was read before a failing page is given before its error is thrown.
 */
export async function* inOrder(source: Source, from: number, to: number): AsyncGenerator<Page> {
	const opened = (span: Span): Window => ({ ...span, tokens: new Set(), isBusy: false, ready: [], opening: [] });
	const windows = [opened({ from, to, readTo: from, density: 0, isDone: false })];
	let canCut = true;
	let wake = () => {};

	/** Ends a window where the next one begins, if that is in one of its pages from the one at `since` on. */
	const join = (window: Window | undefined, since: number) => {
		const following = window && windows[windows.indexOf(window) + 1];
		if (!window || !following?.head?.length) return;
		for (let index = since; index < window.ready.length; index++) {
			const { rows, next } = window.ready[index] as Page;
			const end = startOf(following.head, rows, source);
			if (end < 0) continue;
			let same = rows.length - end;
			if (
				same < ENOUGH &&
				next !== undefined &&
				following.ready.reduce((sum, given) => sum + given.rows.length, 0) > same
			) {
				// Too few to be sure: this window keeps them and goes on, the next one gives them up.
				following.head = following.head.slice(same);
				following.ready = following.ready.map((given) => {
					const rest = given.rows.slice(same);
					same -= given.rows.length - rest.length;
					return { ...given, rows: rest };
				});
				continue;
			}
			window.ready.splice(index, Infinity, { rows: rows.slice(0, end) });
			window.isDone = true;
			return;
		}
	};

	const take = (window: Window, page: Page) => {
		const index = windows.indexOf(window);
		// It was given up, or it ended before this page: the next one has its rows.
		if (index < 0 || window.isDone) return;
		const { rows, next } = page;
		if (next !== undefined && window.tokens.has(next))
			throw new Error('Hubble gave the same Continuation-Token twice.');
		if (next !== undefined) window.tokens.add(next);
		const [first, last] = reach(timesOf(rows, source, source.streams() > 1 ? 1 : SAMPLED));
		const readTo = Math.max(window.readTo, last || 0);
		// A period may begin long before its first packet does.
		const since = window.head || !(first < readTo) ? window.readTo : Math.max(window.readTo, first);
		// Times that do not advance tell nothing of where to begin another window.
		window.density = readTo > since ? rows.length / (readTo - since) : 0;
		Object.assign(window, { readTo, token: next });
		window.ready.push(page);
		if (!window.head) {
			const { opening } = window;
			opening.push(...Array.from(rows, source.keyOf));
			// What has fewer rows up to the end of the period is left to the window before it.
			if (opening.length >= ENOUGH || next === undefined) window.head = opening.length >= ENOUGH ? opening : [];
			join(windows[index - 1], 0);
		}
		join(window, window.ready.length - 1);
		if (next === undefined && !window.isDone) {
			// It came to the end of the period and did not meet the windows behind it: it has their rows.
			window.isDone = true;
			windows.splice(index + 1);
		}
	};

	const fail = (window: Window, error: unknown) => {
		const index = windows.indexOf(window);
		const before = windows[index - 1];
		window.error = error;
		if (before && !window.head) {
			// It never began: its part is left to the window before it.
			windows.splice(index);
			before.to = to;
			canCut = false;
		} else if (index >= 0) {
			// What comes after a gap is of no use.
			windows.splice(index + 1);
		}
	};

	const advance = async (window: Window) => {
		window.isBusy = true;
		try {
			take(window, await source.fetch(window.from, window.token));
		} catch (error) {
			// Where the window ended meanwhile, nobody needs the page.
			if (!window.isDone) fail(window, error);
		}
		window.isBusy = false;
		wake();
	};

	/** Starts as many requests as make sense now. */
	const fill = () => {
		const streams = source.streams();
		/** Whether a window may be at its end, which shows when the next one begins. */
		const isWaiting = (window: Window) => window.readTo >= window.to && !hasBegun(windows[windows.indexOf(window) + 1]);
		const isIdle = (window: Window) => !window.isBusy && !window.isDone && !window.error && !isWaiting(window);
		for (;;) {
			const busy = windows.filter(({ isBusy }) => isBusy).length;
			if (busy >= streams) return;
			const ahead = busy + windows.reduce((sum, { ready }) => sum + ready.length, 0);
			const limit = source.ahead(streams);
			const hasRoom = ahead < limit;
			// Without room only the windows that come next are read: that makes room soonest.
			const isInReach = ({ ready, head }: Window, index: number) =>
				hasRoom || !head || (index === 0 ? !ready.length : index < streams && ahead < 1.5 * limit);
			let next = windows.find((window, index) => isIdle(window) && isInReach(window, index));
			if (!next && canCut && streams > 1 && ahead < 1.5 * limit) {
				const near = hasRoom ? windows : windows.slice(0, 1);
				const seam = near.some(isIdle) ? undefined : splitPoint(near, hasRoom ? PAGES_EACH : PAGES_EACH_NEAR);
				const window = seam && windows[seam.index];
				if (!seam || !window || windows.at(-1)?.error) return;
				const [kept, rest] = splitWindow(window, seam.at);
				window.to = kept.to;
				next = opened(rest);
				windows.splice(seam.index + 1, 0, next);
			}
			if (!next) return;
			void advance(next);
		}
	};

	for (let [pages, rows] = [0, 0]; ;) {
		fill();
		const [window, following] = windows;
		if (!window) return;
		// A page may hold the end of its window, which shows when the next one begins.
		const page = hasBegun(following) ? window.ready.shift() : undefined;
		if (page) {
			pages += 1;
			rows += page.rows.length;
			yield page;
		} else if (window.error && !window.ready.length) {
			throw source.failure(window.error, { pages, rows, token: window.token });
		} else if (window.isDone && !window.ready.length) {
			windows.shift();
		} else {
			await new Promise<void>((done) => (wake = done));
		}
	}
}

/** Whether it is known with which row a window begins; there may be no window. */
const hasBegun = (window?: Window) => !window || window.head !== undefined;

/**
 * The pages of a closed period in order, as `pages` gives them, but as fast as the rate limits allow.
 * An error names the Continuation Token from which another run goes on, to the end of the period.
 * @param most windows at once; 1 reads one page after the other
 */
async function* windowedPages(
	hubble: HubbleClient,
	call: Call,
	list: List,
	order: Order,
	most = MOST_WINDOWS,
): AsyncGenerator<Page> {
	const endpoint = `${call.endpoint.method} ${call.endpoint.path}`;
	const end = Number(call.query?.end);
	const start = Number(call.query?.start ?? Math.floor(Date.now() / 1000) - DEFAULT_PERIOD_S);
	let latencyMs = 0;
	const source: Source = {
		fetch: async (from, token) => {
			const { rows, headers, ms } = await fetchRows(
				hubble,
				{ ...call, query: { ...call.query, start: from, end }, continuationToken: token },
				list,
			);
			latencyMs = latencyMs ? 0.7 * latencyMs + 0.3 * ms : ms;
			const next = String(headers['continuation-token'] ?? '') || undefined;
			return { rows, next };
		},
		...order,
		streams: () => streamsFor(latencyMs, rateOf(hubble.rateLimiter, endpoint), most),
		ahead: aheadFor,
		failure: (error, { pages: count, rows, token }) =>
			withProgress(hubble, error, { pages: count, rowsFetched: rows, token }),
	};
	yield* inOrder(source, start, end);
}

/**
 * The pages that one item asks for: a closed period side by side when all of it is wanted, else one page
 * after the other and no more than the limit needs.
 */
export function pagesOf(
	hubble: HubbleClient,
	call: Call,
	list: List,
	{ limit, continuationToken, clientFilters, settings }: ItemRequest,
): AsyncGenerator<Page> {
	if (list.order && limit === Infinity && !continuationToken) {
		return windowedPages(hubble, call, list, list.order, settings.parallelWindows as number | undefined);
	}
	const { min = 1, max = Infinity } = list.pageSize ?? {};
	// A filter on our side may need many rows for few: then whole pages are fetched.
	const pageSize = clientFilters.length ? max : Math.min(max, Math.max(min, limit));
	return pages(hubble, { ...call, continuationToken }, list, pageSize);
}
