/** How items share calls, and how a call that was rejected is taken apart. Pure policy: nothing is sent here. */

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

export function chunks<T>(list: readonly T[], size: number): T[][] {
	return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}

/** The two halves of a list; of one entry, that entry alone. */
export const halves = <T>(list: readonly T[]): T[][] => chunks(list, Math.ceil(list.length / 2));

/** Sample indices, spread by the golden ratio. */
export function samplePlaces(length: number): number[] {
	const count = length > 100 ? 4 : 2;
	return Array.from({ length: count }, (_, index) => Math.floor((((index + 1) * 0.618) % 1) * length));
}

/** A group of parts that was rejected as a whole, and the words by which it was. */
export interface RejectedGroup<Part> {
	group: readonly Part[];
	cause: string;
}

/** Whether rejections have the same words, so that they may have the same cause. */
export const haveOneCause = (rejected: ReadonlyArray<{ cause: string }>): boolean =>
	new Set(rejected.map(({ cause }) => cause)).size <= 1;

/**
 * After this many halvings that were all rejected in the same words, perhaps the parts are not at fault: then some of
 * each group are tried alone, unless the groups are small.
 */
const SAME_REJECTIONS = 2;
const SMALL = 4;

/**
 * Splits a rejected call until the faulty parts are isolated. The caller tries `groups` and passes those that were
 * rejected to `learn`; then `groups` contains the next ones to try.
 */
export class Bisection<Part, Rejected extends RejectedGroup<Part> = RejectedGroup<Part>> {
	/** The groups to be tried next; none when all is settled. */
	groups: Array<readonly Part[]>;
	private halvings = 0;
	/** Whether a part that was tried alone showed that the parts differ. */
	private arePartsAtFault = false;
	/** The rejected groups of which samples are tried now, each with the owners of its samples. */
	private sampled?: Array<{ rejected: Rejected; owners: Set<unknown> }>;

	/** @param ownerOf what a part belongs to: parts of one owner are rejected together */
	constructor(
		whole: readonly Part[],
		private readonly ownerOf: (part: Part) => unknown,
	) {
		this.groups = [whole];
	}

	/**
	 * Plans the next groups.
	 * @returns the rejections that are final
	 */
	learn(rejected: readonly Rejected[]): Rejected[] {
		if (this.sampled) return this.learnFromSamples(rejected, this.sampled);
		const left = rejected.filter(({ group }) => !this.hasOneOwner(group));
		const isTime = this.halvings >= SAME_REJECTIONS && left.every(({ group }) => group.length > SMALL);
		this.halvings += 1;
		if (isTime && !this.arePartsAtFault && left.length === this.groups.length && haveOneCause(left)) {
			this.trySamples(left);
		} else {
			this.groups = left.flatMap(({ group }) => halves(group));
		}
		return rejected.filter(({ group }) => this.hasOneOwner(group));
	}

	private trySamples(left: readonly Rejected[]): void {
		this.sampled = left.map((rejected) => {
			const { group } = rejected;
			const parts = samplePlaces(group.length).flatMap((place) => group.slice(place, place + 1));
			return { rejected, owners: new Set(parts.map(this.ownerOf)) };
		});
		this.groups = this.sampled.flatMap(({ rejected: { group }, owners }) =>
			[...owners].map((owner) => group.filter((part) => this.ownerOf(part) === owner)),
		);
	}

	private learnFromSamples(
		alone: readonly Rejected[],
		sampled: ReadonlyArray<{ rejected: Rejected; owners: Set<unknown> }>,
	): Rejected[] {
		const together = sampled.map(({ rejected }) => rejected);
		this.arePartsAtFault = alone.length < this.groups.length || !haveOneCause([...alone, ...together]);
		const rest = sampled.map(({ rejected, owners }) => ({
			...rejected,
			group: rejected.group.filter((part) => !owners.has(this.ownerOf(part))),
		}));
		this.sampled = undefined;
		this.groups = this.arePartsAtFault ? rest.flatMap(({ group }) => halves(group)) : [];
		return this.arePartsAtFault ? [...alone] : [...alone, ...rest];
	}

	private hasOneOwner([first, ...others]: readonly Part[]): boolean {
		return first === undefined || others.every((part) => this.ownerOf(part) === this.ownerOf(first));
	}
}
