/** Places while they come: a bounded number of bins. Pure. */
import type { Place } from '../operation/place';

/** Places that were heard near each other, as sums. */
export interface Cell {
	latitudes: number;
	longitudes: number;
	count: number;
	/** How many of them are of the second kind, e.g. silent. */
	marked: number;
	/** Some of them, by their IDs. */
	ids: readonly string[];
}

/** Things that a cell names. */
const MOST_NAMED = 5;

/** Most cells that are kept while places come; with more, cells become larger. */
const MOST_CELLS = 4000;
const FINEST_DEGREES = 1e-4;

/** Takes any number of places and keeps at most `MOST_CELLS` bins of them. */
export class PlaceBins {
	withoutPlace = 0;
	placed = 0;
	private size = FINEST_DEGREES;
	private cells = new Map<string, Cell>();

	/** @param id of what was heard there, where it is to be named */
	add(place: Place | undefined, isMarked: boolean, id?: string): void {
		if (!place) {
			this.withoutPlace += 1;
			return;
		}
		const { latitude, longitude } = place;
		this.placed += 1;
		const ids = id === undefined ? [] : [id];
		const cell = { latitudes: latitude, longitudes: longitude, count: 1, marked: Number(isMarked), ids };
		merge(this.cells, this.size, cell);
		while (this.cells.size > MOST_CELLS) {
			this.size *= 2;
			const finer = this.cells;
			this.cells = new Map();
			for (const cell of finer.values()) merge(this.cells, this.size, cell);
		}
	}

	all(): Cell[] {
		return [...this.cells.values()];
	}
}

/** Puts a cell into the one of `size` that it lies in. */
export function merge(cells: Map<string, Cell>, size: number, cell: Cell): void {
	const [row, column] = [cell.latitudes, cell.longitudes].map((sum) => Math.floor(sum / cell.count / size));
	const key = `${row} ${column}`;
	const there = cells.get(key);
	if (!there) {
		cells.set(key, { ...cell });
		return;
	}
	there.latitudes += cell.latitudes;
	there.longitudes += cell.longitudes;
	there.count += cell.count;
	there.marked += cell.marked;
	if (there.ids.length < MOST_NAMED) there.ids = [...there.ids, ...cell.ids].slice(0, MOST_NAMED);
}
