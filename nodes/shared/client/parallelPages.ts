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
 * packets came. What to read next is decided in `windowPlan.ts`.
 */
import type { HubbleClient } from './client';
import { DEFAULT_PERIOD_S } from './endpoints';
import {
	fetchRows,
	nextToken,
	pages,
	RepeatedToken,
	withProgress,
	type List,
	type Order,
	type Page,
	type Progress,
} from './pages';
import { rateOf } from './rateLimiter';
import { newestPages } from './newestPages';
import type { Call } from './request';
import {
	advanced,
	aheadFor,
	firstKeysOf,
	hasBegun,
	indexOfFirst,
	endsWindow,
	MOST_WINDOWS,
	nextRead,
	reachOf,
	streamsFor,
	windowFrom,
	withoutFirst,
	type Span,
	type WindowState,
} from './windowPlan';

/** What a reader reads from. */
export interface Source extends Order {
	/** The page at `token`, or the first one from `from` on. */
	fetch: (from: number, token?: string) => Promise<Page>;
	/** How many windows to read at once, now. */
	streams: () => number;
	/** How many pages that many windows may read ahead. */
	ahead: (streams: number) => number;
	/** The error that a failed page becomes: how much came before it, and where it begins. */
	failure: (error: unknown, at: Progress) => unknown;
}

interface Window extends WindowState {
	token?: string;
	/** Tokens that this chain had: one that comes again would never end. */
	tokens: Set<string>;
	ready: Page[];
	/** Keys of its rows, until there are enough to tell where it begins. */
	opening: string[];
}

const newWindow = (span: Span): Window => ({ ...span, tokens: new Set(), isBusy: false, ready: [], opening: [] });

/** One reading of a period: its windows in order, the first of which is given to the caller. */
export class ParallelReader {
	private readonly windows: Window[];

	/** Not after a window could not begin: what it was made for is as likely to fail again. */
	private canSplit = true;

	/** Tells the caller that waits for a page that something came. */
	private wake = () => {};

	constructor(
		private readonly source: Source,
		from: number,
		private readonly to: number,
	) {
		this.windows = [newWindow({ from, to, readTo: from, density: 0, isDone: false })];
	}

	/**
	 * All rows of the period in Hubble's order, page by page, read in as many windows as `streams` says.
	 * What was read before a failing page is given before its error is thrown.
	 */
	async *pages(): AsyncGenerator<Page> {
		for (let [pages, rowsFetched] = [0, 0]; ;) {
			this.startRequests();
			const [window, following] = this.windows;
			if (!window) return;
			// A page may hold the end of its window, which shows when the next one begins.
			const page = hasBegun(following) ? window.ready.shift() : undefined;
			if (page) {
				pages += 1;
				rowsFetched += page.rows.length;
				yield page;
			} else if (window.error && !window.ready.length) {
				throw this.source.failure(window.error, { pages, rowsFetched, token: window.token });
			} else if (window.isDone && !window.ready.length) {
				this.windows.shift();
			} else {
				await new Promise<void>((done) => (this.wake = done));
			}
		}
	}

	/** Starts as many requests as make sense now. */
	private startRequests(): void {
		const streams = this.source.streams();
		const ahead = this.source.ahead(streams);
		for (;;) {
			const next = nextRead(this.windows, { streams, ahead, canSplit: this.canSplit });
			const window = next && (next.at === undefined ? this.windows[next.index] : this.split(next.index, next.at));
			if (!window) return;
			void this.readNext(window);
		}
	}

	/** Cuts a window in two. @returns the new one, which begins at `at` */
	private split(index: number, at: number): Window | undefined {
		const window = this.windows[index];
		if (!window) return undefined;
		const rest = newWindow(windowFrom(window, at));
		window.to = at;
		this.windows.splice(index + 1, 0, rest);
		return rest;
	}

	/** Fetches the next page of a window. Never throws. */
	private async readNext(window: Window): Promise<void> {
		window.isBusy = true;
		try {
			this.take(window, await this.source.fetch(window.from, window.token));
		} catch (error) {
			// Where the window ended meanwhile, nobody needs the page.
			if (!window.isDone) this.fail(window, error);
		}
		window.isBusy = false;
		this.wake();
	}

	/** Puts a page where it belongs, and ends the windows whose end shows by it. */
	private take(window: Window, page: Page): void {
		const index = this.windows.indexOf(window);
		// It was given up, or it ended before this page: the next one has its rows.
		if (index < 0 || window.isDone) return;
		const { rows, next, requestId } = page;
		if (next !== undefined && window.tokens.has(next)) throw new RepeatedToken(requestId);
		if (next !== undefined) window.tokens.add(next);
		const reach = reachOf(rows, this.source, this.source.streams());
		Object.assign(window, advanced(window, rows.length, reach), { token: next });
		window.ready.push(page);
		if (!window.firstKeys) {
			window.opening.push(...Array.from(rows, this.source.keyOf));
			window.firstKeys = firstKeysOf(window.opening, next === undefined);
			this.join(index - 1, 0);
		}
		this.join(index, window.ready.length - 1);
		if (next === undefined && !window.isDone) {
			// It came to the end of the period and did not meet the windows behind it: it has their rows.
			window.isDone = true;
			this.windows.splice(index + 1);
		}
	}

	/** Ends a window where the next one begins, if that is in one of its pages from the one at `since` on. */
	private join(index: number, since: number): void {
		const [window, following] = [this.windows[index], this.windows[index + 1]];
		if (!window || !following?.firstKeys?.length) return;
		for (let at = since; at < window.ready.length; at++) {
			const { rows, next } = window.ready[at] as Page;
			const end = indexOfFirst(following.firstKeys, rows, this.source);
			if (end < 0) continue;
			const same = rows.length - end;
			if (endsWindow(same, next === undefined, following.ready)) {
				window.ready.splice(at, Infinity, { rows: rows.slice(0, end) });
				window.isDone = true;
				return;
			}
			// Too few to be sure: this window keeps them and goes on, the next one gives them up.
			following.firstKeys = following.firstKeys.slice(same);
			following.ready = withoutFirst(following.ready, same);
		}
	}

	/** Notes that a window cannot be read any further. */
	private fail(window: Window, error: unknown): void {
		const index = this.windows.indexOf(window);
		const before = this.windows[index - 1];
		window.error = error;
		if (before && !hasBegun(window)) {
			// It never began: its part is left to the window before it.
			this.windows.splice(index);
			before.to = this.to;
			this.canSplit = false;
		} else if (index >= 0) {
			// What comes after a gap is of no use.
			this.windows.splice(index + 1);
		}
	}
}

/**
 * The pages of a closed period in order, as `pages` gives them, but as fast as the rate limits allow.
 * An error names the Continuation Token from which another run goes on, to the end of the period.
 * @param most windows at once; 1 reads one page after the other
 */
function windowedPages(
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
		...order,
		fetch: async (from, token) => {
			const query = { ...call.query, start: from, end };
			const reply = await fetchRows(hubble, { ...call, query, continuationToken: token }, list);
			latencyMs = latencyMs ? 0.7 * latencyMs + 0.3 * reply.ms : reply.ms;
			return { rows: reply.rows, next: nextToken(reply), requestId: reply.requestId };
		},
		streams: () => streamsFor(latencyMs, rateOf(hubble.service.rateLimiter, endpoint, performance.now()), most),
		ahead: aheadFor,
		failure: (error, progress) => withProgress(hubble, error, progress),
	};
	return new ParallelReader(source, start, end).pages();
}

/** How much of a list is wanted, and how it may be read. */
export interface Reading {
	/** How many rows are wanted; Infinity for all. */
	limit: number;
	/** Where to begin: a Continuation-Token, or the number of a page. */
	continuationToken?: string;
	/** Whether rows are filtered on our side, so that many may be needed for few. */
	hasClientFilters: boolean;
	/** Whether the latest rows are wanted, where the list lies in time and has a limit. */
	newestFirst?: boolean;
	/** Windows at once, where the list may be read in several. */
	parallelWindows?: number;
}

/**
 * The pages of a list that are wanted: a closed period side by side when all of it is wanted, else one page
 * after the other and no more than the limit needs.
 */
export function pagesOf(
	hubble: HubbleClient,
	call: Call,
	list: List,
	{ limit, continuationToken, hasClientFilters, newestFirst, parallelWindows }: Reading,
): AsyncGenerator<Page> {
	if (list.order && !continuationToken) {
		if (limit === Infinity) return windowedPages(hubble, call, list, list.order, parallelWindows);
		if (newestFirst) return newestPages(hubble, call, list, { order: list.order, limit });
	}
	const { min = 1, max = Infinity } = list.pageSize ?? {};
	const pageSize = hasClientFilters ? max : Math.min(max, Math.max(min, limit));
	return pages(hubble, { ...call, continuationToken }, list, pageSize);
}
