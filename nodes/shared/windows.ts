/**
 * A closed period of packets, read in several parts side by side: where replies are slow, a single chain
 * of Continuation-Tokens uses only a part of the requests that Hubble allows.
 *
 * A part, called window, begins at a whole second and has its own chain of tokens. Each chain asks up to
 * the end of the whole period; a window ends where the next one begins, and what its last page holds
 * beyond that is dropped. So a token of any window is a token of all that follows. Windows are made while
 * reading, by the density that the pages show: a period says nothing about when its packets came.
 */
import type { IDataObject } from 'n8n-workflow';
import type { Hubble } from './connection';
import type { Ask } from './operation';
import { rateOf } from './pace';
import { pages, rowsIn, withProgress, type List, type Page } from './pages';
import { isoTime } from './times';
import { send, type Call } from './transport';

/** Rows in a full page (API definition, "Packets"). */
const PAGE = 1000;

/** How long the packets go back when no start is given (API definition, `start`). */
export const DEFAULT_PERIOD_S = 7 * 86_400;

/** Pages that one window is made for, and how many when there is no room to read ahead. */
const PAGES_EACH = 8;
const PAGES_EACH_NEAR = 3;

/** So much less than whole pages a window is made for, that its last page is nearly full, and not one too many. */
const SLACK = 0.15;

/** Pages that may wait for their turn, for each window that is read; a page is about a megabyte. */
const PAGES_AHEAD = 10;

/** Where replies are faster, or come one after the other, two pages ahead are as good and cost less memory. */
const SLOW_MS = 50;

/** Pages a second that one process takes in: more windows than this needs gain nothing. */
const FASTEST = 120;

/** Windows at once, unless the user says otherwise. */
export const MOST_WINDOWS = 8;

/** A part of the period, `from` inclusive, `to` exclusive, in Unix seconds. */
export interface Span {
	from: number;
	to: number;
	/** Everything before this time was read. */
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
	error?: unknown;
}

/**
 * Where to begin one more window: a whole second in a part that is still to be read. The first window
 * that holds more than `pagesEach` pages is cut after so many; else the fullest one is halved.
 * `undefined` when no window has two more pages, as far as its density tells.
 */
export function seamIn(spans: readonly Span[], pagesEach: number): { index: number; at: number } | undefined {
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
export function cut<S extends Span>(span: S, at: number): [S, Span] {
	const { to, density } = span;
	return [{ ...span, to: at }, { from: at, to, readTo: at, density, isDone: false }];
}

/** How many windows keep the pace: requests in flight are their rate times the time that one takes. */
export function streamsFor(latencyMs: number, perSecond: number, most: number): number {
	const inFlight = (latencyMs / 1000) * Math.min(perSecond, FASTEST);
	return inFlight <= 0.8 ? 1 : Math.min(most, Math.ceil(inFlight + 0.5));
}

/** How many pages may be on their way or wait for their turn. */
export const aheadFor = (latencyMs: number, streams: number) => (streams === 1 || latencyMs < SLOW_MS ? 2 : PAGES_AHEAD * streams);

/** What `inOrder` reads from. */
export interface Source {
	/** The page at `token`, or the first one from `from` on. */
	fetch: (from: number, token?: string) => Promise<Page>;
	timeOf: (row: IDataObject) => number;
	/** How many windows to read at once, now. */
	streams: () => number;
	/** How many pages that many windows may read ahead. */
	ahead: (streams: number) => number;
	/** The error that a failed page becomes: how many rows came before it, and where it begins. */
	failure: (error: unknown, at: { pages: number; rows: number; from: number; token?: string }) => unknown;
}

/**
 * All rows of the period `from` … `to` in the order of their time, page by page, read in as many windows
 * as `streams` says. What was read before a failing page is given before its error is thrown.
 */
export async function* inOrder(source: Source, from: number, to: number): AsyncGenerator<Page> {
	const { timeOf } = source;
	const opened = (span: Span): Window => ({ ...span, tokens: new Set(), isBusy: false, ready: [] });
	const windows = [opened({ from, to, readTo: from, density: 0, isDone: false })];
	let canSplit = true;
	let wake = () => {};

	/** Puts a page where it belongs, without what lies beyond the window. */
	const take = (window: Window, { rows, next }: Page) => {
		const times = rows.map(timeOf);
		const last = times.at(-1) ?? window.readTo;
		const isSorted = times.every((time, index) => time >= (times[index - 1] ?? window.readTo));
		if (!isSorted && windows.length > 1) throw new Error('The packets are not in the order of their time. Set Parallel Windows to 1.');
		canSplit &&= isSorted;
		const isLast = next === undefined || (canSplit && last >= window.to);
		if (next !== undefined && window.tokens.has(next)) throw new Error('Hubble gave the same Continuation-Token twice.');
		if (next !== undefined) window.tokens.add(next);
		window.ready.push({ rows: isLast && canSplit ? rows.filter((_, index) => (times[index] ?? 0) < window.to) : rows, next });
		window.density = rows.length / Math.max(last - window.readTo, 1e-3);
		Object.assign(window, { readTo: last, token: next, isDone: isLast });
	};

	const advance = async (window: Window) => {
		window.isBusy = true;
		try {
			take(window, await source.fetch(window.from, window.token));
		} catch (error) {
			window.error = error;
			// What comes after a gap is of no use; and this window may be such itself.
			const index = windows.indexOf(window);
			if (index >= 0) windows.splice(index + 1);
		}
		window.isBusy = false;
		wake();
	};

	/** Starts as many requests as make sense now. */
	const fill = () => {
		const streams = canSplit ? source.streams() : 1;
		const isIdle = ({ isBusy, isDone, error }: Window) => !isBusy && !isDone && !error;
		for (;;) {
			const busy = windows.filter(({ isBusy }) => isBusy).length;
			if (busy >= streams) return;
			const ahead = busy + windows.reduce((sum, { ready }) => sum + ready.length, 0);
			const limit = source.ahead(streams);
			const hasRoom = ahead < limit;
			// Without room only the windows that come next are read: that makes room soonest.
			const isInReach = ({ ready }: Window, index: number) =>
				hasRoom || (index === 0 ? !ready.length : index < streams && ahead < 1.5 * limit);
			let next = windows.find((window, index) => isIdle(window) && isInReach(window, index));
			if (!next && streams > 1 && ahead < 1.5 * limit) {
				const near = hasRoom ? windows : windows.slice(0, 1);
				const seam = near.some(isIdle) ? undefined : seamIn(near, hasRoom ? PAGES_EACH : PAGES_EACH_NEAR);
				const window = seam && windows[seam.index];
				if (!seam || !window || windows.at(-1)?.error) return;
				const [kept, rest] = cut(window, seam.at);
				window.to = kept.to;
				next = opened(rest);
				windows.splice(seam.index + 1, 0, next);
			}
			if (!next) return;
			void advance(next);
		}
	};

	for (let [pages, rows] = [0, 0]; ; ) {
		fill();
		const [window] = windows;
		if (!window) return;
		const page = window.ready.shift();
		if (page) {
			pages += 1;
			rows += page.rows.length;
			yield page;
		} else if (window.error) {
			throw source.failure(window.error, { pages, rows, from: window.from, token: window.token });
		} else if (window.isDone) {
			windows.shift();
		} else {
			await new Promise<void>((done) => (wake = done));
		}
	}
}

/**
 * The pages of a closed period in order, as `pages` of transport.ts gives them, but as fast as the pace allows.
 * An error names the Continuation Token, or the time, from which another run goes on; both hold to the
 * end of the period.
 * @param most windows at once; 1 reads one page after the other
 */
export function windowedPages(hubble: Hubble, call: Call, list: List, most = MOST_WINDOWS): AsyncGenerator<Page> {
	const endpoint = `${call.method} ${call.path}`;
	const end = Number(call.query?.end);
	const start = Number(call.query?.start ?? Math.floor(Date.now() / 1000) - DEFAULT_PERIOD_S);
	let latencyMs = 0;
	return inOrder(
		{
			fetch: async (from, token) => {
				const reply = await send(hubble, { ...call, query: { ...call.query, start: from, end }, token });
				const { headers, ms } = reply;
				latencyMs = latencyMs ? 0.7 * latencyMs + 0.3 * ms : ms;
				const next = String(headers['continuation-token'] ?? '') || undefined;
				return { rows: rowsIn(hubble, list, reply), next };
			},
			timeOf: list.timeOf ?? (() => NaN),
			streams: () => streamsFor(latencyMs, rateOf(hubble.pace, endpoint), most),
			ahead: (streams) => aheadFor(latencyMs, streams),
			failure: (error, { pages: count, rows, from, token }) =>
				withProgress(hubble, error, { pages: count, rowsFetched: rows, token, time: isoTime(from) }),
		},
		start,
		end,
	);
}

/**
 * The pages that one item asks for: a closed period side by side when all of it is wanted, else one page
 * after the other and no more than the limit needs.
 */
export function pagesOf(hubble: Hubble, call: Call, list: List, { limit, token, keeps, settings }: Ask): AsyncGenerator<Page> {
	if (list.timeOf && limit === Infinity && !token) {
		return windowedPages(hubble, call, list, settings.parallelWindows as number | undefined);
	}
	const { min = 1, max = Infinity } = list.pageSize ?? {};
	// A filter on our side may need many rows for few: then whole pages are fetched.
	const pageSize = keeps.length ? max : Math.min(max, Math.max(min, limit));
	return pages(hubble, { ...call, token }, list, pageSize);
}
