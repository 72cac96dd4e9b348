/** One measure of `results.json`. */
export interface Result {
	name: string;
	unit: string;
	ours: number;
	/** n8n's own nodes doing the same in the same n8n; null where there is nothing to compare with. */
	peer: number | null;
	/** What the limits of Hubble, or a bare loop without any node, allow. */
	limit: number | null;
	/** The figure that `must` speaks of. */
	ratio: number;
	must: string;
	passed: boolean;
	/** How it was measured. */
	remark?: string;
	/**
	 * When and on what it was measured; added by `main.ts`. A row that a run does not measure keeps its own. Of the
	 * oldest rows only the commit is known that brought the figure.
	 */
	measured?: {
		/** ISO 8601. */
		at: string;
		/** Of this repository; `+` behind it: with changes that are in no commit. */
		commit: string;
		cores?: number;
		cpu?: string;
		node?: string;
		n8n?: string;
	};
}

/** The middle of a list of figures. */
export function median(figures: readonly number[]): number {
	const sorted = [...figures].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** The bound that `must` names, e.g. atMost(1.05, ratio). */
export const atMost = (bound: number, ratio: number) => ({ ratio, must: `≤ ${bound}`, passed: ratio <= bound });
export const atLeast = (bound: number, ratio: number) => ({ ratio, must: `≥ ${bound}`, passed: ratio >= bound });
