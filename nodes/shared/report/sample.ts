/** Statistics of values as they come, in bounded memory. Pure. */

/** Values that a sample keeps. */
const KEPT = 1000;

/**
 * Quantiles of any number of values: exact of up to a thousand, else of a thousand drawn evenly from all (reservoir
 * sampling, Vitter's algorithm R). The share of all values below a quantile then differs from the one asked for by at
 * most 3.1 percentage points for the median and 1.9 for the tenth and ninetieth percentile, 19 times in 20
 * (1.96 × √(p(1 − p) / 1000)). The draw depends on the values' order alone, so the same rows give the same report.
 */
export class Sample {
	count = 0;
	private readonly kept: number[] = [];
	private isSorted = false;
	private state = 1;

	get isExact(): boolean {
		return this.count <= KEPT;
	}

	add(value: number): void {
		this.count += 1;
		// What was sorted for a quantile may be replaced at any place, as all have the same chance.
		this.isSorted = false;
		if (this.kept.length < KEPT) this.kept.push(value);
		else {
			const place = Math.floor(this.random() * this.count);
			if (place < KEPT) this.kept[place] = value;
		}
	}

	/** From 0 to 1 (Mulberry32). */
	private random(): number {
		this.state = (this.state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	}

	/** The value that this share of the values does not exceed; NaN without any. */
	quantile(share: number): number {
		if (!this.isSorted) this.kept.sort((a, b) => a - b);
		this.isSorted = true;
		return this.kept[Math.max(0, Math.ceil(share * this.kept.length) - 1)] ?? NaN;
	}
}

/** A device and its most extreme value. Time in Unix seconds. */
export interface Extreme {
	id: string;
	name: string;
	value: number;
	time: number;
}

/**
 * The devices with the highest and the lowest values, exactly: a device that was pushed out of a list comes back only
 * with a value beyond all that it had, as what a list asks for never becomes less.
 */
export class Extremes {
	highest: Extreme[] = [];
	lowest: Extreme[] = [];

	/** @param most devices of each kind */
	constructor(private readonly most: number) {}

	add(one: Extreme): void {
		this.highest = this.ranked(this.highest, one, 1);
		this.lowest = this.ranked(this.lowest, one, -1);
	}

	private ranked(list: Extreme[], one: Extreme, sign: 1 | -1): Extreme[] {
		const own = list.find(({ id }) => id === one.id);
		const last = own ?? list[this.most - 1];
		if (last && sign * one.value <= sign * last.value) return list;
		const all = [...list.filter((other) => other !== own), one];
		return all.sort((a, b) => sign * (b.value - a.value)).slice(0, this.most);
	}
}
