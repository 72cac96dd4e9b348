/**
 * Where a polling trigger is, in two steps. Pure: what n8n stores and what this process knows go in.
 *
 * n8n stores the position before the execution with the emitted items exists, so with the new position alone, a crash
 * in between would lose those items. The previous position is kept beside it. Only the process that emitted the items,
 * and then finds its own position stored, knows that n8n took over. Any other process, after a crash or restart,
 * continues from the previous position: items may repeat, none is lost. If n8n fails to create an execution and keeps
 * running, this goes unnoticed: n8n does not tell a polling trigger.
 */

/** What n8n stores for a node whose positions are of type `P`. */
export interface Stored<P> {
	/** The source of the positions; another one starts over. */
	stream?: string;
	/** Grows with every change, also from process to process. */
	revision?: number;
	/** The process that made it. */
	by?: string;
	next?: P;
	/** Whether n8n stored this together with the execution. */
	isAtomic?: boolean;
	/** The position before the items that were emitted with this revision, and the name of that hand-over. */
	unsure?: { from: P; handOver: string };
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/**
 * The newer of what n8n gives and what this process kept of the same stream; of equals, n8n's.
 * @param basis the revision of the last state of another process on which this one built: what is newer counts, however
 *   many polls without items this one has counted meanwhile
 */
export function newest<P>(given: Stored<P>, kept: Stored<P> | undefined, stream: string, basis: number): Stored<P> {
	const { revision = 0, by } = given;
	if (kept?.stream !== stream || (kept.revision ?? 0) <= revision) return given;
	return by !== kept.by && revision > basis ? given : kept;
}

/**
 * Where to go on, or `undefined` to begin.
 * @param ours hand-overs of this process: if one of them is stored, n8n took over
 */
export function resume<P>({ stream, next, unsure }: Stored<P>, wanted: string, ours: readonly string[]): P | undefined {
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
	handOver: string | undefined,
	isAtomic: boolean,
): Stored<P> | undefined {
	const isSame = stored.stream === stream && same(next, stored.next) && isAtomic === (stored.isAtomic ?? false);
	if (isSame && !handOver && !stored.unsure) return undefined;
	const revision = (stored.revision ?? 0) + 1;
	return { stream, revision, next, isAtomic, unsure: handOver ? { from, handOver } : undefined };
}
