/** Counts places as they come, in a bounded number of bins. Pure. */
import type { Place } from '../operation/place';

/** Places that were heard near each other, as sums. */
export interface PlaceBin {
	latitudes: number;
	longitudes: number;
	count: number;
	/** How many of them are of the second kind, e.g. silent. */
	marked: number;
	/** Some of them, by their IDs. */
	ids: readonly string[];
}

/** Things that a bin names. */
const MOST_NAMED = 5;

/** Most bins that are kept while places come; with more, bins become larger. */
const MOST_BINS = 4000;
const FINEST_DEGREES = 1e-4;

/** Takes any number of places and keeps at most `MOST_BINS` bins of them. */
export class PlaceBins {
	withoutPlace = 0;
	private size = FINEST_DEGREES;
	private bins = new Map<string, PlaceBin>();

	/** @param id of what was heard there, where it is to be named */
	add(place: Place | undefined, isMarked: boolean, id?: string): void {
		if (!place) {
			this.withoutPlace += 1;
			return;
		}
		const { latitude, longitude } = place;
		const ids = id === undefined ? [] : [id];
		const bin = { latitudes: latitude, longitudes: longitude, count: 1, marked: Number(isMarked), ids };
		merge(this.bins, this.size, bin);
		while (this.bins.size > MOST_BINS) {
			this.size *= 2;
			const finer = this.bins;
			this.bins = new Map();
			for (const bin of finer.values()) merge(this.bins, this.size, bin);
		}
	}

	all(): PlaceBin[] {
		return [...this.bins.values()];
	}
}

/** Puts a bin into the one of `size` that it lies in. */
export function merge(bins: Map<string, PlaceBin>, size: number, bin: PlaceBin): void {
	const [row, column] = [bin.latitudes, bin.longitudes].map((sum) => Math.floor(sum / bin.count / size));
	const key = `${row} ${column}`;
	const there = bins.get(key);
	if (!there) {
		bins.set(key, { ...bin });
		return;
	}
	there.latitudes += bin.latitudes;
	there.longitudes += bin.longitudes;
	there.count += bin.count;
	there.marked += bin.marked;
	if (there.ids.length < MOST_NAMED) there.ids = [...there.ids, ...bin.ids].slice(0, MOST_NAMED);
}
