/** Counts by the value of a tag of the user's choice, such as the site. Pure. */
import { objectOf } from '../client/json';
import { wholeNumber } from '../operation/values';
import type { Section } from './blocks';

/** Values that are told apart while rows come, and those that the table lists. */
const MOST_GROUPS = 10_000;
const MOST_LISTED = 25;
const NO_TAG = 'Without this tag';

export class TagGroups {
	private readonly groups = new Map<string, number[]>();
	/** Of rows that came when `MOST_GROUPS` were known. */
	private readonly beyond: number[];

	/** @param columns what is counted, e.g. "Devices"; the first one decides the order */
	constructor(
		private readonly key: string,
		private readonly columns: readonly string[],
	) {
		this.beyond = columns.map(() => 0);
	}

	/** @param tags those of the device; @param amounts one for each column */
	add(tags: unknown, amounts: readonly number[]): void {
		const all = objectOf(tags);
		const value = Object.hasOwn(all, this.key) ? String(all[this.key]) : NO_TAG;
		let sums = this.groups.get(value);
		if (!sums && this.groups.size < MOST_GROUPS) this.groups.set(value, (sums = this.columns.map(() => 0)));
		addTo(sums ?? this.beyond, amounts);
	}

	section(): Section {
		const rows = [...this.groups].sort(([, [a = 0]], [, [b = 0]]) => b - a);
		const rest = rows.slice(MOST_LISTED);
		const others = [...this.beyond];
		for (const [, sums] of rest) addTo(others, sums);
		const listed = rows.slice(0, MOST_LISTED).map(([value, sums]) => [value, ...sums.map(wholeNumber)]);
		const other = others.some(Boolean) ? [['Others', ...others.map(wholeNumber)]] : [];
		const columns = [this.key, ...this.columns.map((name) => `#${name}`)];
		return { title: `By ${this.key}`, content: { table: { columns, rows: [...listed, ...other] } } };
	}
}

function addTo(sums: number[], amounts: readonly number[]): void {
	amounts.forEach((amount, index) => (sums[index] = (sums[index] ?? 0) + amount));
}
