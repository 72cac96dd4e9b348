/**
 * Where a polling trigger is, in two steps. Pure: what n8n stores and what this process knows go in.
 *
 * n8n stores the position before the execution of what was emitted exists, so a crash in between would lose
 * those items if the new position were all there is. The one before is kept beside it. That n8n took over is
 * known only to the process that emitted and then finds its own position stored. Any other process, after a crash
 * or restart, goes on from the one before: items may come twice, and none is lost. An execution that n8n itself
 * fails to make, and lives on, is not seen here: n8n tells a polling trigger nothing of it.
 */

/** What n8n stores for a node whose positions are of type `P`. */
export interface Stored<P> {
	/** Which source the positions belong to: another one begins anew. */
	stream?: string;
	/** Grows with every change, also from process to process. */
	revision?: number;
	next?: P;
	/** Whether n8n stored this together with the execution. */
	isAtomic?: boolean;
	/** Where the items begin that were emitted with this revision, and the name of that hand-over. */
	unsure?: { from: P; handOver: string };
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** The newer of what n8n gives and what this process kept of the same stream; of equals, n8n's. */
export function newest<P>(given: Stored<P>, kept: Stored<P> | undefined, stream: string): Stored<P> {
	return kept?.stream === stream && (kept.revision ?? 0) > (given.revision ?? 0) ? kept : given;
}

/**
 * Where to go on, or `undefined` to begin.
 * @param ours hand-overs of this process: one of them that is stored has happened
 */
export function resume<P>(
	{ stream, next, unsure }: Stored<P>,
	wanted: string,
	ours: readonly string[] = [],
): P | undefined {
	if (stream !== wanted || !next) return undefined;
	return unsure && !ours.includes(unsure.handOver) ? unsure.from : next;
}

/**
 * What to store after a poll that read from `from` up to `next`; `undefined` when nothing changes.
 * @param handOver a new name, when items are emitted now and are not stored together with the position
 */
export function advance<P>(
	stored: Stored<P>,
	stream: string,
	from: P,
	next: P,
	handOver?: string,
	isAtomic = false,
): Stored<P> | undefined {
	const isSame = stored.stream === stream && same(next, stored.next) && isAtomic === (stored.isAtomic ?? false);
	if (isSame && !handOver && !stored.unsure) return undefined;
	const revision = (stored.revision ?? 0) + 1;
	return { stream, revision, next, isAtomic, unsure: handOver ? { from, handOver } : undefined };
}
