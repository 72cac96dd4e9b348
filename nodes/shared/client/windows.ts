/**
 * A closed period of packets, read in windows. Hubble cuts by the time at which it received a packet, `start` inclusive
 * and `end` exclusive (API definition, "Packets"), so windows that meet at a whole second neither overlap nor leave a
 * gap, whatever the packets' own clocks say. Those clocks tell only about how long to make a window: a wrong one costs
 * requests, and nothing is lost or doubled.
 *
 * Windows are read side by side where replies are slow, and given in order: oldest first, or the same backwards. A window
 * is given when it is complete, so a reading that fails ends at a whole second, from which another can go on.
 */
import type { HubbleClient } from './client';
import { DEFAULT_PERIOD_S, PACKETS_PER_PAGE } from './endpoints';
import { chain, pages, withProgress, type List, type Page, type Progress } from './pages';
import { rateOf } from './rateLimiter';
import type { Call } from './request';

/** Pages that one window is made for, its last one a little less than full. A window of twice as many is cut. */
const PAGES_EACH = 4;
const SLACK = 0.05;

/** Pages that may be on their way or wait for their turn, for each window that is read; a page is half a megabyte. */
const PAGES_AHEAD = 10;

/** A period of so few pages is not cut; and one that is not cut is read so many pages ahead. */
const FEW_PAGES = 3;
const PAGES_AHEAD_ALONE = 2;

/** How many times as long as the one before it a window may be, as densities change. */
const GROWTH = 16;

/** Newest first: the length of the first window in seconds, and the rows for which others are made, one page at most. */
const FIRST_S = 300;
const [LEAST_ROWS, MOST_ROWS] = [500, 900];

/** The part of a page's rows, at either end, whose clocks may be wrong. */
const CLOCKS_OFF = 0.03;

/** Windows at once, at most; and pages a second that keep one process busy. */
const MOST_WINDOWS = 8;
const FASTEST = 20;

/** What a period is read from. Times are Unix seconds. */
export interface Source {
	/** The pages that hold what was received from `from` up to, but not including, `to`, oldest first. */
	chain: (from: number, to: number) => AsyncIterator<Page, unknown>;
	/** About when a row was received; NaN when it does not tell. */
	timeOf: (row: unknown) => number;
	/** How many windows to read at once, now. */
	streams: () => number;
}

export interface Period {
	from: number;
	to: number;
	newestFirst?: boolean;
	/** Newest first: how many rows are wanted. The caller stops when it has them. */
	limit?: number;
}

/** So many rows in so many seconds. */
interface Density {
	rows: number;
	seconds: number;
}

interface Reach extends Density {
	first: number;
	last: number;
}

interface Window {
	from: number;
	to: number;
	/** Oldest first. */
	pages: Page[];
	isStarted?: boolean;
	isDone?: boolean;
	error?: unknown;
	/** Whether its pages are given as they come: it is the whole period, and its tokens lead to the end of it. */
	isWhole?: boolean;
	/** How dense its rows are: what a page told; when it is complete, what it holds. */
	density?: Density;
	/** Newest first, what its first page told that was full; and whether the window was cut from such a one. */
	full?: Reach;
	isFound?: boolean;
}

const countOf = (some: readonly Page[]) => some.reduce((sum, { rows }) => sum + rows.length, 0);

const perSecond = ({ rows, seconds }: Density) => rows / seconds;

/** Seconds in which so many rows come, as far as can be told. */
const secondsFor = ({ rows, seconds }: Density, wanted: number) =>
	Math.min(GROWTH * seconds, rows ? (wanted * seconds) / rows : Infinity);

/** From when to when the rows of a page were received, as most clocks say; `undefined` when they say nothing, or stand. */
function reachOf({ rows }: Page, timeOf: Source['timeOf'], { from, to }: Window): Reach | undefined {
	const times = Float64Array.from(rows.map(timeOf).filter(Number.isFinite)).sort();
	const end = times.length - 1;
	const [first, last] = [times[Math.floor(CLOCKS_OFF * end)], times[Math.ceil((1 - CLOCKS_OFF) * end)]];
	if (first === undefined || last === undefined) return undefined;
	if (last - first < 1 && (first < from || first > to)) return undefined;
	// Rows of one instant are dense, too.
	return { first, last, rows: rows.length, seconds: Math.max(0.1, (last - first) / (1 - 2 * CLOCKS_OFF)) };
}

/** One reading of a period. */
export class PeriodReader {
	/** In the order in which they are given. */
	private readonly windows: Window[];
	private readonly given = { pages: 0, rowsFetched: 0, token: undefined as string | undefined };
	/** The density of the window that was given last. */
	private density?: Density;
	private busy = 0;
	private isOver = false;
	private waiting: Array<() => void> = [];

	constructor(
		private readonly source: Source,
		private readonly period: Period,
	) {
		this.windows = [{ from: period.from, to: period.to, pages: [] }];
	}

	/** How much was given, and where another run goes on. */
	get progress(): Progress {
		const { pages: count, rowsFetched, token } = this.given;
		const { from, to, newestFirst } = this.period;
		const [window = { from, to, isWhole: false }] = this.windows;
		if (window.isWhole) return { pages: count, rowsFetched, token };
		return { pages: count, rowsFetched, rest: newestFirst ? { from, to: window.to } : { from: window.from, to } };
	}

	/** The pages in order, newest first with their rows turned round. Ends with the error of a window that failed. */
	async *pages(): AsyncGenerator<Page> {
		try {
			for (;;) {
				this.start();
				const [window] = this.windows;
				if (!window) return;
				const page = this.take(window);
				if (page) yield page;
				else if (window.error) throw window.error;
				else if (window.isDone) this.density = this.windows.shift()?.density;
				else await this.change();
			}
		} finally {
			this.isOver = true;
			this.announce();
		}
	}

	private take(window: Window): Page | undefined {
		if (!window.isDone && !window.isWhole) return undefined;
		const { newestFirst } = this.period;
		const page = newestFirst ? window.pages.pop() : window.pages.shift();
		if (!page) return undefined;
		this.given.pages += 1;
		this.given.rowsFetched += page.rows.length;
		this.given.token = page.next;
		this.announce();
		if (!newestFirst) return page;
		const isLast = this.windows.length === 1 && !window.pages.length;
		return { ...page, rows: [...page.rows].reverse(), next: isLast ? undefined : String(window.from) };
	}

	private change = async () => await new Promise<void>((done) => this.waiting.push(done));

	private announce(): void {
		for (const wake of this.waiting.splice(0)) wake();
	}

	/** Starts as many windows as make sense now. */
	private start(): void {
		const streams = this.source.streams();
		while (!this.isOver && this.busy < streams) {
			const index = this.windows.findIndex(({ isStarted }) => !isStarted);
			const window = this.windows[index];
			if (!window || !this.isWanted(window, this.windows.slice(0, index), streams)) return;
			this.cut(window, this.lengthOf(window));
			void this.read(window);
		}
	}

	/** Whether to read a window beside those before it. */
	private isWanted(window: Window, before: readonly Window[], streams: number): boolean {
		if (!before.length) return true;
		const ahead = before.reduce((sum, { pages: held }) => sum + held.length, this.busy);
		if (before.some(({ error }) => error) || ahead >= PAGES_AHEAD * streams) return false;
		if (!this.period.newestFirst) return true;
		// No more than is wanted, and nothing beside a search.
		const rows = before.reduce((sum, { isDone, pages: held }) => sum + (isDone ? countOf(held) : this.rowsEach), 0);
		return rows < this.missing && !!this.densityBefore(window)?.rows && this.isSteady(window);
	}

	private get missing(): number {
		return Math.max(1, (this.period.limit ?? Infinity) - this.given.rowsFetched);
	}

	/** Newest first: rows that a window is made for. */
	private get rowsEach(): number {
		return Math.min(MOST_ROWS, Math.max(LEAST_ROWS, 1.25 * this.missing));
	}

	/** The density of the nearest rows that are given before a window's. */
	private densityBefore(window: Window): Density | undefined {
		const before = this.windows.slice(0, this.windows.indexOf(window));
		return before.reverse().find(({ density }) => density)?.density ?? this.density;
	}

	/** Whether a window may be as dense to its end as where it begins: what comes behind it is. */
	private isSteady(window: Window): boolean {
		const [{ full }, before] = [window, this.densityBefore(window)];
		return !full || !before || perSecond(before) * GROWTH >= perSecond(full);
	}

	/** How many seconds of a window to read, if it has so many. */
	private lengthOf(window: Window): number {
		const { full, from, to } = window;
		const before = window.density ?? this.densityBefore(window);
		if (!this.period.newestFirst) {
			if (!before) return Infinity;
			// Fewer pages near the end, so that all streams end together.
			const left = ((this.period.to - from) * perSecond(before)) / PACKETS_PER_PAGE / this.source.streams();
			return secondsFor(before, PACKETS_PER_PAGE * (Math.max(1, Math.min(PAGES_EACH, Math.ceil(left))) - SLACK));
		}
		if (!full) return before ? secondsFor(before, this.rowsEach) : FIRST_S;
		const left = to - Math.min(to, Math.max(from, full.last));
		if (left <= Math.max(1, 2 * full.seconds)) return Infinity;
		if (this.isSteady(window)) return secondsFor(full, this.rowsEach);
		// The latest rows are anywhere behind that page: the middle, by turns of the scale and of the time.
		return window.isFound ? left / 2 : left - Math.sqrt(left * Math.max(1, full.seconds));
	}

	/**
	 * Makes a window so many seconds long, from the side that is given first; the rest becomes one of its own.
	 * @param lead seconds more, in which there is hardly a row
	 * @returns whether there is a rest that is worth a request
	 */
	private cut(window: Window, seconds: number, lead = 0, density?: Density): boolean {
		const { from, to, full } = window;
		const { newestFirst } = this.period;
		const length = Math.max(1, Math.ceil(lead + seconds));
		if (!(length + (full ? 0 : seconds / 4) < to - from)) return false;
		const at = newestFirst ? to - length : from + length;
		const rest: Window = { ...(newestFirst ? { from, to: at } : { from: at, to }), pages: [], full, density };
		this.windows.splice(this.windows.indexOf(window) + 1, 0, rest);
		Object.assign(window, newestFirst ? { from: at } : { to: at }, { full: undefined, isFound: !!full });
		return true;
	}

	/** Reads a window, again where it shows to be too long. Never throws. */
	private async read(window: Window): Promise<void> {
		window.isStarted = true;
		this.busy += 1;
		try {
			while (!(await this.readOnce(window))) window.pages = [];
			window.density = { rows: countOf(window.pages), seconds: window.to - window.from };
			window.isDone = true;
		} catch (error) {
			window.error = error;
		}
		this.busy -= 1;
		this.start();
		this.announce();
	}

	/** @returns whether the window was read to its end, and not cut */
	private async readOnce(window: Window): Promise<boolean> {
		const { from, to, pages: held } = window;
		const source = this.source.chain(from, to);
		let opened: Reach | undefined;
		while (!this.isOver) {
			const coming = source.next();
			// What is given first has asked first.
			this.start();
			const { value: page, done } = await coming;
			if (done) return true;
			if (page.next && !window.isWhole) {
				const reach = reachOf(page, this.source.timeOf, window);
				opened ??= reach;
				if (this.shorten(window, reach, opened)) return false;
				window.isWhole = from === this.period.from && to === this.period.to && !this.period.newestFirst;
			}
			held.push(page);
			this.announce();
			while (window.isWhole && held.length >= PAGES_AHEAD_ALONE && !this.isOver) await this.change();
		}
		return true;
	}

	/**
	 * Cuts a window that holds far more than it was made for, as the page after those it has tells.
	 * @param opened what the first of them told
	 * @returns whether it did
	 */
	private shorten(window: Window, reach: Reach | undefined, opened = reach): boolean {
		const { pages: held, from, to } = window;
		const { newestFirst } = this.period;
		const isFirst = !held.length;
		const isLong = held.length >= 3 * PAGES_EACH;
		// Where clocks tell nothing, by guess.
		const isGuess = newestFirst ? isLong || (isFirst && !reach) : isLong && !reach;
		if (isGuess) return this.cut(window, (to - from) / GROWTH);
		if (!reach || !opened || (newestFirst && !isFirst)) return false;
		if (newestFirst) {
			window.full = reach;
			return this.cut(window, this.lengthOf(window));
		}
		// Where rows begin, and how far they have come by the same clocks: it is no matter if all of them are wrong.
		const lead = opened.first > from && opened.first < to ? opened.first - from : 0;
		const passed = reach.first - opened.first;
		if (isLong) {
			const density = { rows: countOf(held), seconds: passed };
			if (!(passed > 0)) return this.cut(window, (to - from) / GROWTH);
			return this.cut(window, this.lengthOf({ ...window, density }), lead, density);
		}
		const isAlone = from === this.period.from && to === this.period.to;
		const pagesLeft = (to - from - lead - passed) / reach.seconds;
		if (!(pagesLeft > (isAlone ? FEW_PAGES : 2 * PAGES_EACH)) || (isAlone && this.source.streams() === 1)) return false;
		if (isFirst) return this.cut(window, this.lengthOf({ ...window, density: reach }), lead, reach);
		return passed > 0 && this.cut(window, 0, lead + passed, reach);
	}
}

/** How much of a list is wanted. */
export interface Reading {
	/** How many rows are wanted; Infinity for all. */
	limit: number;
	/** Where to begin: a Continuation-Token, or the number of a page. */
	continuationToken?: string;
	/** Whether rows are filtered on our side, so that many may be needed for few. */
	hasClientFilters?: boolean;
	/** Whether the latest rows are wanted, where the list lies in time and has a limit. */
	newestFirst?: boolean;
}

/**
 * The pages of a list that are wanted. All of a closed period, and the latest rows of one, are read in windows; else
 * one page comes after the other, no more than the limit needs and one row that says whether there are more. An error tells how far the run came.
 * @param call the query of a list that lies in time holds `end` and may hold `start`, in whole Unix seconds
 */
export async function* readPages(hubble: HubbleClient, call: Call, list: List, reading: Reading): AsyncGenerator<Page> {
	const { limit, continuationToken, hasClientFilters, newestFirst } = reading;
	const { timeOf } = list;
	if (!timeOf || continuationToken || (limit !== Infinity && !newestFirst)) {
		const { min = 1, max = Infinity } = list.pageSize ?? {};
		const pageSize = hasClientFilters ? max : Math.min(max, Math.max(min, limit + 1));
		yield* pages(hubble, { ...call, continuationToken }, list, pageSize);
		return;
	}
	const { query: { end, start = Math.floor(hubble.now()) - DEFAULT_PERIOD_S } = {} } = call;
	let latencyMs = 0;
	const chainOf = async function* (from: number, to: number) {
		for await (const page of chain(hubble, { ...call, query: { ...call.query, start: from, end: to } }, list)) {
			const { ms = 0 } = page;
			latencyMs = latencyMs ? 0.7 * latencyMs + 0.3 * ms : ms;
			yield page;
		}
	};
	const streams = () => {
		const rate = rateOf(hubble.service.rateLimiter, `${call.endpoint.method} ${call.endpoint.path}`, performance.now());
		return streamsFor(latencyMs, rate);
	};
	const period = {
		from: Number(start),
		to: Number(end),
		newestFirst: newestFirst && limit !== Infinity,
		// How many are read for those that a filter keeps, nobody knows.
		limit: hasClientFilters ? Infinity : limit,
	};
	const reader = new PeriodReader({ chain: chainOf, timeOf, streams }, period);
	try {
		yield* reader.pages();
	} catch (error) {
		throw withProgress(hubble, error, reader.progress);
	}
}

/** How many windows use up the rate limit: requests in flight are their rate times the time that one takes. */
export function streamsFor(latencyMs: number, requestsPerSecond: number): number {
	const inFlight = (latencyMs / 1000) * Math.min(requestsPerSecond, FASTEST);
	return inFlight <= 0.8 ? 1 : Math.min(MOST_WINDOWS, Math.ceil(inFlight + 0.5));
}
