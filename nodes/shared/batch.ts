/**
 * Cuts `units` into calls of at most `size`, in their order. Units of different groups never share a
 * call. Of units with the same key, each goes into a later call than the one before, so that a call
 * names a device once and two changes to one device happen in the order in which they were asked.
 */
export function toBatches<Unit>(
	units: readonly Unit[],
	size: number,
	{ groupOf = () => '', keyOf }: { groupOf?: (unit: Unit) => string; keyOf?: (unit: Unit) => string } = {},
): Unit[][] {
	const seen = new Map<string, number>();
	// One queue for each round and group: round 1 holds what is asked of a device for the first time.
	const rounds: Array<Map<string, Unit[]>> = [];
	for (const unit of units) {
		const key = keyOf?.(unit);
		const round = key === undefined ? 0 : (seen.get(key) ?? 0);
		if (key !== undefined) seen.set(key, round + 1);
		const groups = (rounds[round] ??= new Map());
		const group = groupOf(unit);
		const queue = groups.get(group);
		if (queue) queue.push(unit);
		else groups.set(group, [unit]);
	}
	return rounds.flatMap((groups) => [...groups.values()]).flatMap((queue) => chunks(queue, size));
}

/** Cuts a list into pieces of at most `size`, in order. */
export function chunks<T>(list: readonly T[], size: number): T[][] {
	return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}
