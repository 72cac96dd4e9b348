/**
 * Where in the packet stream a workflow is. Pure: what n8n stores and what this process remembers go in.
 *
 * n8n stores the position before the execution of what was emitted exists, so a crash in between would lose
 * those packets if the new position were all there is. The one before is kept beside it. That n8n took over
 * is known only in the process that polls again after it emitted; any other process, after a crash or
 * restart, goes on from the one before: packets may come twice, and none is lost.
 */

/** A place in the stream: a token of Hubble, or a time where there is no token yet. */
export interface Position {
	token?: string;
	/** Unix seconds, inclusive. */
	start?: number;
	/** Keys of packets from `start` on that were read already. */
	seen?: string[];
}

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
export function resume({ stream, next, unsure }: Stored, wanted: string, start: number, emittedFrom?: Position): Position {
	if (stream !== wanted || !next) return { start };
	return unsure && !same(unsure, emittedFrom) ? unsure : next;
}

/**
 * What to store after a poll that read from `from` up to `next`; `undefined` when nothing changes.
 * @param hasEmitted whether packets are handed to n8n now
 */
export function advance(stored: Stored, stream: string, from: Position, next: Position, hasEmitted: boolean): Stored | undefined {
	const changed: Stored = { stream, next, unsure: hasEmitted ? from : undefined };
	const isSame = stored.stream === stream && same(next, stored.next) && !hasEmitted && !stored.unsure;
	return isSame ? undefined : changed;
}

/** The position behind a page: its token, or where Hubble gave none, the time of its last packet. */
export function behind(position: Position, next: string | undefined, rows: ReadonlyArray<{ key: string; time: number }>): Position {
	if (next) return { token: next };
	const last = rows.at(-1);
	if (!last) return position;
	const start = Math.floor(last.time);
	const before = position.start === start ? (position.seen ?? []) : [];
	return { start, seen: [...before, ...rows.filter(({ time }) => time >= start).map(({ key }) => key)] };
}
