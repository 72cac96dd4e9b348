/**
 * Where in the packet stream a workflow is. Pure: what n8n stores and what this process remembers go in.
 *
 * n8n stores the position before the execution of what was emitted exists, so a crash in between would lose
 * those packets if the new position were all there is. The one before is kept beside it. That n8n took over
 * is known only in the process that polls again after it emitted; any other process, after a crash or
 * restart, goes on from the one before: packets may come twice, and none is lost. An execution that n8n itself
 * fails to make, and lives on, is not seen here: n8n tells a polling trigger nothing of it.
 */

/** A place in the stream: a token of Hubble, and a time for when there is none or Hubble takes it no longer. */
export interface Position {
	token?: string;
	/** Unix seconds: what Hubble received before was read. */
	start: number;
	/** Without a token: keys of the packets read last, which may come again. */
	seen?: string[];
}

/**
 * How much earlier than its packets a stream goes on by time: Hubble counts by when it received a packet,
 * the packet says when it was heard, and a clock may be ahead.
 */
const MARGIN_S = 60;

/** How many keys are kept: as many as a page has. */
const SEEN = 1000;

/** What n8n stores for the node. */
export interface Stored {
	/** Which stream the positions belong to: another one begins anew. */
	stream?: string;
	next?: Position;
	/** Where the last emitted packets began. */
	unsure?: Position;
}

const same = (a: Position, b?: Position) => JSON.stringify(a) === JSON.stringify(b);

/**
 * Where to go on.
 * @param emittedFrom where the last packets began that this process emitted; `undefined` when it did not yet
 */
export function resume(
	{ stream, next, unsure }: Stored,
	wanted: string,
	start: number,
	emittedFrom?: Position,
): Position {
	if (stream !== wanted || !next) return { start };
	return unsure && !same(unsure, emittedFrom) ? unsure : next;
}

/**
 * What to store after a poll that read from `from` up to `next`; `undefined` when nothing changes.
 * @param hasEmitted whether packets are handed to n8n now
 */
export function advance(
	stored: Stored,
	stream: string,
	from: Position,
	next: Position,
	hasEmitted: boolean,
): Stored | undefined {
	const changed: Stored = { stream, next, unsure: hasEmitted ? from : undefined };
	const isSame = stored.stream === stream && same(next, stored.next) && !hasEmitted && !stored.unsure;
	return isSame ? undefined : changed;
}

/**
 * The position behind a page: its token, or where Hubble gave none, the time of its packets; of those the middle
 * one, for some clocks are ahead and some packets came late.
 * @param now Unix seconds of the request: a packet that says it is of later is not believed
 */
export function positionAfter(
	position: Position,
	token: string | undefined,
	rows: ReadonlyArray<{ key: string; time: number }>,
	now: number,
): Position {
	const times = rows.map(({ time }) => time).sort((a, b) => a - b);
	const middle = times[(times.length - 1) >> 1];
	const start =
		middle === undefined ? position.start : Math.max(position.start, Math.min(Math.floor(middle), now) - MARGIN_S);
	if (token) return { token, start };
	if (!rows.length) return position;
	return { start, seen: [...(position.seen ?? []), ...rows.map(({ key }) => key)].slice(-SEEN) };
}
