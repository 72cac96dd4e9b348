/**
 * A closed period of packets, read in windows. Hubble cuts by the time at which it received a packet, `start` inclusive
 * and `end` exclusive (API definition, "Packets"), so windows that meet at a whole second neither overlap nor leave a
 * gap. The packets' own clocks tell only about how long to make a window: a wrong one costs requests, no packet.
 *
 * Windows are read side by side where replies are slow, and given in order: oldest first, or the same backwards. A window
 * is given when it is complete, so a reading that fails ends at a whole second, from which another can go on.
 */
import { callName, type HubbleClient } from './client';
import { DEFAULT_PERIOD_S, PACKETS_PER_PAGE } from './endpoints';
import type { Progress, SoFar } from './errors';
import { chain, pages, tracked, withoutRepeats, type List, type Page } from './pages';
import { rateOf } from './rateLimiter';
import type { Call } from './request';

/** Pages per window, the last one a little less than full; and pages after which a window is cut. */
const PAGES_EACH = 4;
const SLACK = 0.05;
const MOST_PAGES = 3 * PAGES_EACH;

/** Pages that may be requested or wait for their turn, for each window that is read; a page takes half a megabyte. */
const PAGES_AHEAD = 10;

/** How many times longer than the one before it a window may be, as densities change. */
const GROWTH = 9;

/** For the latest rows: seconds of the first window. Each further one is to hold a page. */
const FIRST_S = 60;

/** The share of a page's rows, at either end, whose clocks may be wrong. */
const CLOCKS_OFF = 0.03;

/** The most windows side by side; and pages a second that keep one process busy. */
const MOST_WINDOWS = 8;
const FASTEST = 20;

/** The source of a period's pages. Times are Unix seconds. */
export interface PacketHistory {
	/** Pages of what was received from `from` (inclusive) to `to` (exclusive), oldest first. */
	chain: (from: number, to: number, signal: AbortSignal) => AsyncIterable<Page>;
	/** About when a row was received; NaN when it does not tell. */
	timeOf: (row: unknown) => number;
	/** How many windows to read side by side, now. */
	parallel: () => number;
}

export interface Period {
	from: number;
	to: number;
	/** How many of the latest rows are wanted, newest first; the caller stops when it has them. Without it all, oldest first. */
	latest?: number;
}

interface Density {
	rows: number;
	seconds: number;
}

interface TimeWindow {
	from: number;
	to: number;
	/** In the order of output once the window is complete. */
	pages: Page[];
	/** Aborts its requests for good. */
	stop: AbortController;
	/** Once it is started; fails as its requests do. */
	reading?: Promise<void>;
	isComplete?: boolean;
	/** Nearly empty seconds at its start. */
	lead: number;
	/** Estimated, from the window read before it or from its own first page. */
	density: Density;
}

const windowOf = ({ from, to }: Period, density: Density): TimeWindow => {
	return { from, to, pages: [], stop: new AbortController(), lead: 0, density };
};

/** The time between the first and the last row of a page, by most of their clocks; `undefined` without any. */
function reachOf({ rows }: Page, { timeOf }: PacketHistory) {
	const times = Float64Array.from(rows.map(timeOf).filter(Number.isFinite)).sort();
	const end = times.length - 1;
	const [first, last] = [times[Math.floor(CLOCKS_OFF * end)], times[Math.ceil((1 - CLOCKS_OFF) * end)]];
	if (first === undefined || last === undefined) return undefined;
	// Rows of one instant are dense, too.
	const seconds = Math.max(0.1, (last - first) / (1 - 2 * CLOCKS_OFF));
	return { first, last, rows: rows.length, seconds };
}

/** The pages of a period in order; for the latest rows each page is reversed. Keeps `rest` of `progress` up to date. */
export class PeriodReader {
	/** In the order of output. */
	private readonly windows: TimeWindow[];
	private readonly isBackwards: boolean;

	/** @param progress the caller counts in it the pages and rows that it takes */
	constructor(
		private readonly history: PacketHistory,
		private readonly period: Period,
		private readonly progress: Progress,
	) {
		this.windows = [windowOf(period, { rows: 0, seconds: FIRST_S / GROWTH })];
		this.isBackwards = period.latest !== undefined;
	}

	async *pages(): AsyncGenerator<Page> {
		const { from, to } = this.period;
		try {
			const [whole] = this.windows;
			if (whole && !this.isBackwards && !(yield* this.beginning(whole))) return;
			for (;;) {
				this.start();
				const [window] = this.windows;
				if (!window) return;
				this.progress.rest = this.isBackwards ? { from, to: window.to } : { from: window.from, to };
				await window.reading;
				this.windows.shift();
				for (let page = window.pages.shift(); page; page = window.pages.shift())
					yield { ...page, next: window.pages.length || this.windows.length ? 'more' : undefined };
			}
		} finally {
			this.drop(0);
		}
	}

	/** Removes the windows from this index on, and ends their requests. */
	private drop(index: number): void {
		for (const { stop } of this.windows.splice(index)) stop.abort();
	}

	/** The pages as they come. @returns whether to read in windows instead, judged by the first page */
	private async *beginning(whole: TimeWindow): AsyncGenerator<Page, boolean> {
		for await (const page of this.history.chain(whole.from, whole.to, whole.stop.signal)) {
			const isFirst = !this.progress.pages;
			if (isFirst && page.next && this.history.parallel() > 1 && this.shorten(whole, page)) return true;
			yield page;
		}
		return false;
	}

	/** Starts as many windows as are worth reading now; the first one, which the caller waits for, always. */
	private start(): void {
		for (;;) {
			const index = this.windows.findIndex(({ reading }) => !reading);
			const window = this.windows[index];
			if (!window || (index && !this.isWanted(window, index))) return;
			this.cut(window, this.secondsFor(window));
			window.reading = this.read(window);
			// Whoever waits for it is told.
			window.reading.catch(() => {});
		}
	}

	/** Whether to read a window beside the `before` windows ahead of it. */
	private isWanted({ density }: TimeWindow, before: number): boolean {
		const parallel = this.history.parallel();
		const busy = this.windows.filter(({ reading, isComplete }) => reading && !isComplete).length;
		const ahead = this.windows.reduce((sum, { pages }) => sum + pages.length, busy);
		if (busy >= parallel || ahead >= PAGES_AHEAD * parallel) return false;
		const { latest } = this.period;
		if (latest === undefined) return true;
		// The latest rows: no more than are wanted, and one after the other until their place is known.
		const isPlaceKnown = GROWTH * density.rows >= PACKETS_PER_PAGE;
		return isPlaceKnown && before * (1 - SLACK) * PACKETS_PER_PAGE < latest - this.progress.rowsFetched;
	}

	/** The length to give a window, in seconds, its lead aside. */
	private secondsFor({ from, density }: TimeWindow): number {
		const rowsLeft = ((this.period.to - from) / density.seconds) * density.rows;
		// Fewer pages near the end, so that all windows end together.
		const pagesLeft = rowsLeft / PACKETS_PER_PAGE / this.history.parallel();
		const pages = Math.max(1, Math.min(this.isBackwards ? 1 : PAGES_EACH, Math.ceil(pagesLeft))) - SLACK;
		return density.seconds * Math.min(GROWTH, (PACKETS_PER_PAGE * pages) / density.rows);
	}

	/**
	 * Shortens a window to its lead and so many seconds, on the side that is output first; the rest becomes a window.
	 * @returns whether there is a rest
	 */
	private cut(window: TimeWindow, seconds: number): boolean {
		const { from, to, lead } = window;
		const length = Math.max(1, Math.ceil(lead + seconds));
		if (!(length < to - from)) return false;
		const [kept, rest] = this.isBackwards
			? [{ from: to - length }, { from, to: to - length }]
			: [{ to: from + length }, { from: from + length, to }];
		this.windows.splice(this.windows.indexOf(window) + 1, 0, windowOf(rest, window.density));
		Object.assign(window, kept);
		return true;
	}

	/** Reads a window, and again if it turns out to be too long. */
	private async read(window: TimeWindow): Promise<void> {
		try {
			while (!(await this.readOnce(window))) window.pages = [];
			const rows = window.pages.reduce((sum, page) => sum + page.rows.length, 0);
			const seconds = window.to - window.from - window.lead;
			// The next window starts from this density, unless one beyond it has been read already.
			const rest = this.windows.slice(this.windows.indexOf(window) + 1);
			const next = rest.find(({ reading, isComplete }) => isComplete || !reading);
			if (next && !next.isComplete) next.density = { rows, seconds };
			if (this.isBackwards)
				window.pages = window.pages.reverse().map((page) => ({ ...page, rows: [...page.rows].reverse() }));
			window.isComplete = true;
		} finally {
			// Where it failed, the rows end.
			if (!window.isComplete && !window.stop.signal.aborted) this.drop(this.windows.indexOf(window) + 1);
			this.start();
		}
	}

	/** @returns false if the window was cut instead of read to its end */
	private async readOnce(window: TimeWindow): Promise<boolean> {
		const { signal } = window.stop;
		for await (const page of this.history.chain(window.from, window.to, signal)) {
			signal.throwIfAborted();
			if (page.next && this.shorten(window, page)) return false;
			window.pages.push(page);
			this.start();
		}
		return true;
	}

	/**
	 * Cuts a window that holds far more than planned, judged by its latest page or the number of its pages.
	 * @returns whether it did
	 */
	private shorten(window: TimeWindow, page: Page): boolean {
		const { pages, from, to, reading } = window;
		const isLong = pages.length >= MOST_PAGES;
		const reach = reachOf(page, this.history);
		const lead = reach && reach.first > from && reach.first < to ? reach.first - from : 0;
		if (this.isBackwards) {
			// Keep what follows these pages, and at most half of the time.
			if (isLong) return this.cut(window, Math.min(to - from - lead, (to - from) / 2));
			// The latest rows may follow this page: keep half of that time, unless as long a time next to it was nearly empty.
			const behind = to - Math.min(to, Math.max(from, reach?.last ?? from));
			if (behind <= 2 * window.density.seconds) return false;
			// The very first page: assume that what follows is as dense.
			if (!reach || to < this.period.to) return this.cut(window, behind / 2);
			window.density = reach;
			return this.cut(window, this.secondsFor(window));
		}
		const pagesLeft = reach ? (to - from - lead) / reach.seconds : 0;
		// Far denser than expected: a burst that will pass.
		const [least, most] = reading ? [2 * PAGES_EACH, 2 * PAGES_EACH * GROWTH] : [PAGES_EACH - 1, 500];
		const isDense = reach && pagesLeft > least && pagesLeft <= most;
		if (!isDense && !isLong && (reading || pagesLeft <= most)) return false;
		if (!pages.length) window.lead = lead;
		const seconds = to - from - window.lead;
		window.density = isDense ? reach : { rows: 1.5 * MOST_PAGES * PACKETS_PER_PAGE, seconds };
		return this.cut(window, pages.length && lead ? lead - window.lead : this.secondsFor(window));
	}
}

export interface Reading {
	/** Infinity for all rows. */
	limit: number;
	/** Whether rows are filtered on our side, so that many may be needed for few. */
	hasClientFilters?: boolean;
	/** Whether the latest rows are wanted, where the list lies in time and has a limit. */
	newestFirst?: boolean;
	/** What becomes of the rows before a failure, where they are put out and another run could complete them. */
	soFar?: SoFar;
}

/**
 * The pages of a list that are wanted, each row once where it has a key. All of a closed period, and the latest rows of
 * one, are read in windows; else one page comes after the other, no more than the limit needs and one row that says
 * whether there are more.
 * @param call its `continuationToken` says where to begin; the query of a list that lies in time holds `end` and may hold
 * `start`, in whole Unix seconds
 * @throws what a request throws, with how far the run came
 */
export async function* readPages(hubble: HubbleClient, call: Call, list: List, reading: Reading): AsyncGenerator<Page> {
	const { limit, hasClientFilters, newestFirst, soFar } = reading;
	const { timeOf } = list;
	const isAll = limit === Infinity;
	if (!timeOf || call.continuationToken || !(isAll || newestFirst)) {
		const { min = 1, max = Infinity } = list.pageSize ?? {};
		const pageSize = hasClientFilters ? max : Math.min(max, Math.max(min, limit + 1));
		const all = pages(hubble, call, list, pageSize, soFar);
		yield* list.key ? withoutRepeats(all, list.key) : all;
		return;
	}
	const name = callName(call.endpoint);
	let latencyMs = 0;
	const history: PacketHistory = {
		timeOf,
		async *chain(start, end, signal) {
			const part = { ...call, query: { ...call.query, start, end } };
			for await (const page of chain(hubble.with({ signal }), part, list)) {
				const { ms = 0 } = page;
				latencyMs = latencyMs ? 0.7 * latencyMs + 0.3 * ms : ms;
				yield page;
			}
		},
		parallel: () => parallelFor(latencyMs, rateOf(hubble.service.rateLimiter, name, performance.now())),
	};
	const { end, start = Math.floor(hubble.now()) - DEFAULT_PERIOD_S } = call.query ?? {};
	// How many are read for those that a filter keeps, nobody knows.
	const latest = isAll ? undefined : hasClientFilters ? Infinity : limit;
	const progress: Progress = { pages: 0, rowsFetched: 0 };
	const reader = new PeriodReader(history, { from: Number(start), to: Number(end), latest }, progress);
	yield* tracked(hubble, list, reader.pages(), soFar, progress);
}

/** How many windows use up the rate limit: requests in flight are their rate times the time that one takes. */
export function parallelFor(latencyMs: number, requestsPerSecond: number): number {
	const inFlight = (latencyMs / 1000) * Math.min(requestsPerSecond, FASTEST);
	return inFlight <= 0.8 ? 1 : Math.min(MOST_WINDOWS, Math.ceil(inFlight + 0.5));
}
