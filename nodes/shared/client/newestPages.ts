/**
 * The latest rows of a list that Hubble gives oldest first. It takes no order for packets (API definition, "Packets"),
 * so windows are read backwards from the end of the period. A window that holds too little is followed by a longer
 * one, and one that holds far too much is read again from later on: a few requests more than the rows need.
 */
import type { HubbleClient } from './client';
import { DEFAULT_PERIOD_S, PACKETS_PER_PAGE } from './endpoints';
import { fetchRows, nextToken, pages, type List, type Order, type Page } from './pages';
import type { Call } from './request';

/** How long the first window is, in seconds; a fleet of some hundred devices sends a page in it. */
const FIRST_S = 300;

/** How much longer a window may be than the one behind it. */
const GROWTH = 16;

/** How much more than the missing rows a window is made for: their density is no constant. */
const SPARE = 1.25;

/** How long the next window should be, in seconds, after one of `span` seconds that held `rows`. */
export function nextSpan(span: number, rows: number, missing: number): number {
	const wanted = rows ? (SPARE * missing * span) / rows : Infinity;
	return Math.ceil(Math.min(Math.max(wanted, 1), GROWTH * span));
}

/**
 * A shorter window, in seconds, after one of `span` whose first page was full; `undefined` when it is worth while to
 * read this one to its end.
 * @param times when the rows of that page were heard, in Unix seconds
 */
export function shorterSpan(span: number, times: readonly number[], missing: number): number | undefined {
	if (span <= 1) return undefined;
	const known = times.filter(Number.isFinite).sort((a, b) => a - b);
	const reached = (known.at(-1) ?? 0) - (known[0] ?? 0);
	// Where the times tell nothing, the window is cut by guess.
	const wanted =
		reached > 0 ? (SPARE * Math.max(missing, PACKETS_PER_PAGE / 2) * reached) / times.length : span / GROWTH;
	return wanted < span / 2 ? Math.max(1, Math.ceil(wanted)) : undefined;
}

/** What is to be read: a closed period, and how many rows of it. */
interface Latest {
	order: Order;
	limit: number;
}

/**
 * The latest rows of a period, the newest first, window by window. The caller stops when it has enough.
 * @param call its query holds `end` and may hold `start`, in Unix seconds
 */
export async function* newestPages(
	hubble: HubbleClient,
	call: Call,
	list: List,
	{ order, limit }: Latest,
): AsyncGenerator<Page> {
	let end = Number(call.query?.end);
	const start = Number(call.query?.start ?? Math.floor(Date.now() / 1000) - DEFAULT_PERIOD_S);
	let missing = limit;
	let span = FIRST_S;
	while (end > start) {
		const from = Math.max(start, end - span);
		const window = { ...call, query: { ...call.query, start: from, end } };
		const reply = await fetchRows(hubble, window, list);
		const next = nextToken(reply);
		const shorter = next ? shorterSpan(end - from, Array.from(reply.rows, order.timeOf), missing) : undefined;
		if (shorter) {
			span = shorter;
			continue;
		}
		const rows = [...reply.rows];
		if (next) {
			for await (const page of pages(hubble, { ...window, continuationToken: next }, list)) rows.push(...page.rows);
		}
		yield { rows: rows.reverse(), next: from > start ? String(from) : undefined };
		missing = Math.max(1, missing - rows.length);
		span = nextSpan(end - from, rows.length, missing);
		end = from;
	}
}
