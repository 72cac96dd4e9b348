/** One poll of a polling trigger: where it goes on, how long it may take, and what is stored after it. */
import { randomUUID } from 'node:crypto';
import type { IDataObject, INodeExecutionData, IPollFunctions } from 'n8n-workflow';
import { NoPlaceInTime, type HubbleClient, type Poller } from '../client/client';
import { asError, hubbleStatusOf } from '../client/errors';
import { objectOf } from '../client/json';
import { LONGEST_RETRY_AFTER_MS } from '../client/endpoints';
import { pages, type List, type Page } from '../client/pages';
import type { Call } from '../client/request';
import { isoTime } from '../operation/times';
import { COMMIT_MS, mayDiscardPolls, pollBudgetMs, storesPositionWithExecution } from '../n8n';
import { oneAtATime, type Memory } from './memory';
import { advance, newest, resume, type Stored } from './position';

export interface Read<P> {
	/** The position after what was read. */
	next: P;
	items: INodeExecutionData[];
	/** For how many milliseconds Hubble asked for no requests. */
	waitMs?: number;
	/** Why a poll fails that has nothing to hand over. This process keeps what it has learnt. */
	failure?: Error;
}

/** A source that is read from a position on. */
export interface PolledStream<P> {
	/** Identifies the source; positions of another one are ignored. */
	stream: string;
	/** Where to begin. */
	start: P;
	/** How a large position is stored beside the next one: only the difference. */
	delta?: { pack: (before: P, after: P) => P; unpack: (packed: P, after: P) => P };
	/**
	 * Reads until the poll's time is used up. Throws only if there is nothing to hand over.
	 * @param begin is told the position with what begins in this poll, if anything does
	 */
	read: (from: P, begin: (begun: P) => void) => Promise<Read<P>>;
}

/** The longest that a poll takes: n8n abandons it after 45 s, and its publication after some 80 s. */
const LONGEST_POLL_MS = 30_000;

export interface Budget {
	/** When the poll must be over, on the clock of `performance.now()`. */
	deadline: number;
	/** How long ago the node began, if it has no position yet: longer than this poll takes, if earlier ones got no slot. */
	begunMsAgo: () => number;
	/** The node that polls; `undefined` for a test in the editor. */
	poller?: Poller;
	/** Ends a step; whether there is time for another one that takes as long as the longest until now. */
	endStep: () => boolean;
}

export function startBudget(context: IPollFunctions, memory?: Poller & Pick<Memory, 'begun'>): Budget {
	const begun = memory?.begun ?? performance.now();
	let begin = performance.now();
	const deadline = begin + Math.min(pollBudgetMs(context) ?? LONGEST_POLL_MS, LONGEST_POLL_MS);
	let longest = 0;
	return {
		deadline,
		begunMsAgo: () => performance.now() - begun,
		poller: memory,
		endStep() {
			const now = performance.now();
			longest = Math.max(longest, now - begin);
			begin = now;
			return now + longest < deadline;
		},
	};
}

/**
 * Reads from the node's position on; `null` when there is nothing new, when a poll still runs, when Hubble asked to
 * wait, or when others use up the rate limit. An error leaves the position where it was.
 */
export async function poll<P>(
	context: IPollFunctions,
	open: (budget: Budget) => Promise<PolledStream<P>>,
): Promise<INodeExecutionData[][] | null> {
	return await oneAtATime(context, async (memory) => {
		try {
			// The stored position is as of now, however long the first requests take.
			const begun = performance.now();
			memory.begun ??= begun;
			const source = await open(startBudget(context, memory));
			memory.begun = undefined;
			return await readOn(context, memory, begun, source);
		} catch (error) {
			if (error instanceof NoPlaceInTime) return countNoPlace(context, memory);
			memory.begun = undefined;
			wait(memory, waitAfter(error));
			throw asError(error);
		}
	});
}

/** After this many polls in a row without a slot in the rate limit, n8n's log says so. */
const OFTEN = 10;

function countNoPlace(context: IPollFunctions, memory: Memory): null {
	memory.withoutPlace += 1;
	if (memory.withoutPlace % OFTEN === 0) {
		context.logger.warn(
			`"${context.getNode().name}" got no request through the rate limit in ${memory.withoutPlace} polls in a row. Poll less often, or run fewer workflows at the same time.`,
		);
	}
	return null;
}

/** For how many milliseconds Hubble asked for no requests when a call failed. */
export const waitAfter = (error: unknown): number => Number(objectOf(objectOf(error).failure).retryAfterMs ?? 0);

function wait(memory: Memory, ms: number): void {
	memory.notBefore = performance.now() + Math.min(ms, LONGEST_RETRY_AFTER_MS);
}

async function readOn<P>(
	context: IPollFunctions,
	memory: Memory,
	begun: number,
	{ stream, start, delta, read }: PolledStream<P>,
): Promise<INodeExecutionData[][] | null> {
	const staticData: IDataObject = context.getWorkflowStaticData('node');
	memory.isAtomic ||= storesPositionWithExecution(context, staticData, false);
	const given = staticData as Stored<P>;
	const stored = newest(given, memory.kept as Stored<P> | undefined, stream, memory.basis);
	if (stored === given && given.by !== memory.by) {
		memory.basis = given.revision ?? 0;
		memory.kept = { ...given };
	}
	const { made } = memory;
	if (made && (stored.revision ?? 0) < made.revision && begun - made.at < COMMIT_MS) return null;
	const known = resume(stored, stream, memory.handOvers);
	const resumed = known ?? start;
	const isBefore = stored.next !== undefined && resumed === stored.unsure?.from;
	const from = delta && isBefore ? delta.unpack(resumed, stored.next as P) : resumed;
	let before = from;
	const result = await read(from, (begun) => (before = begun)).catch((error: unknown) => {
		if (!(error instanceof NoPlaceInTime)) throw asError(error);
	});
	if (result) memory.withoutPlace = 0;
	else countNoPlace(context, memory);
	// Without a slot in the rate limit, a first poll keeps its start.
	const { next, items, waitMs = 0, failure }: Read<P> = result ?? { next: before, items: [] };
	wait(memory, waitMs);
	// A node begins with the first poll that works.
	if (failure && !known) throw failure;
	const isHandedOver = items.length > 0;
	// For a position that this process did not make, and also where n8n discarded the one that it made.
	const didBefore = memory.isAtomic || (stored.isAtomic === true && stored.revision !== made?.revision);
	const isAtomic = storesPositionWithExecution(context, staticData, didBefore);
	const handOver = isHandedOver && !isAtomic ? randomUUID() : undefined;
	const packed = handOver && delta ? delta.pack(before, next) : before;
	const advanced = advance(stored, stream, packed, next, handOver, isAtomic);
	const changed = advanced && { ...advanced, by: memory.by };
	if (handOver) {
		memory.handOvers = [...memory.handOvers.filter((one) => one === stored.unsure?.handOver), handOver];
	}
	memory.made = { revision: (changed ?? stored).revision ?? 0, at: performance.now() };
	if (changed && !(isHandedOver && mayDiscardPolls(context))) memory.kept = changed;
	if (failure) throw failure;
	if (changed) Object.assign(staticData, changed);
	return isHandedOver ? [items] : null;
}

/** Hubble's clock is known to within the travel time of a reply: a stored time may seem ahead by up to this. */
const CLOCK_S = 60;

/**
 * Limits a stored time to Hubble's clock: one that is ahead was written by a wrong clock, and everything until then
 * would be skipped.
 * @param time as it was stored; as all times here, Unix seconds
 * @param latest the latest that it can be
 */
export function notAhead(context: IPollFunctions, time: number, latest: number): number {
	if (time <= latest + CLOCK_S) return time;
	context.logger.warn(
		`"${context.getNode().name}" was at ${isoTime(time)}, which is in the future by Hubble's clock. It continues from ${isoTime(latest)}.`,
	);
	return latest;
}

/** Statuses of Hubble's that may mean that it no longer knows a token. */
const UNKNOWN_TOKEN = new Set([400, 404, 410]);

/**
 * The pages of a list from a stored token on. If Hubble no longer accepts it, starts over with the call's query: rows
 * may repeat, none is lost.
 * @param from Unix seconds at which the query begins
 * @param onUnknownToken called before starting over
 */
export async function* pagesFrom(
	context: IPollFunctions,
	hubble: HubbleClient,
	call: Call,
	list: List,
	from: number,
	onUnknownToken: () => void,
): AsyncGenerator<Page> {
	let hasBegun = false;
	const size = list.pageSize?.max;
	try {
		for await (const page of pages(hubble, call, list, size)) {
			hasBegun = true;
			yield page;
		}
	} catch (error) {
		if (hasBegun || !call.continuationToken || !UNKNOWN_TOKEN.has(hubbleStatusOf(error))) throw asError(error);
		context.logger.warn(
			`"${context.getNode().name}" continues from ${isoTime(from)}, because Hubble no longer accepts the Continuation Token. The ${list.rows} after that time may come again.`,
		);
		onUnknownToken();
		yield* pages(hubble, { ...call, continuationToken: undefined }, list, size);
	}
}
