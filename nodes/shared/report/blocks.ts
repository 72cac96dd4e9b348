/** What a report says, before it is drawn as a page (`page.ts`) or for mail (`mail.ts`). */
import type { PlaceBins } from './places';

export interface Figure {
	label: string;
	value: string;
	remark?: string;
	/** Whether it should be zero. */
	isBad?: boolean;
}

/** `tone` is the number of a colour. */
export interface Bar {
	label: string;
	value: number;
	tone?: number;
}

/** One column of a chart: its parts from the bottom up, what its tooltip says, and what stands under it. */
export interface Column {
	parts: readonly number[];
	title: string;
	label?: string;
}

/** A point of a curve at a share of the period, 0–1, perhaps with the range around it, and what its tooltip says. */
export interface CurvePoint {
	at: number;
	value: number;
	low?: number;
	high?: number;
	title: string;
}

/** Where a bin of the period begins, as text, and what stands under it. */
export interface Mark {
	time: string;
	label?: string;
}

/** A cell of a table; an ID is set so that it does not break. */
export type TableCell = string | { id: string };

/** Columns whose name begins with '#' contain numbers. */
export interface Table {
	columns: readonly string[];
	rows: ReadonlyArray<readonly TableCell[]>;
}

/** Places, and what is counted at each: all, and those that are marked in the colour `tone`. */
export interface PlaceMap {
	places: PlaceBins;
	tone: number;
	/** Of one of them, and of those that are marked, e.g. 'device' and 'silent'. */
	nouns: readonly [string, string];
	/** What the tooltip says of one of them. */
	describe?: (id: string) => string;
}

export type Content =
	| { text: string }
	| { bars: readonly Bar[] }
	| { table: Table }
	| { columns: readonly Column[]; series: readonly string[]; description: string; height?: number }
	| { curve: readonly CurvePoint[]; marks: readonly Mark[]; unit: string; description: string }
	| { map: PlaceMap };
export type Columns = Extract<Content, { columns: unknown }>;
export type Curve = Extract<Content, { curve: unknown }>;

/** `notes` say what a reader must know of it, such as what was left out. */
export interface Section {
	title: string;
	subtitle?: string;
	content: Content;
	notes?: ReadonlyArray<string | false>;
}

/** Figures in a row, or sections: two stand side by side where there is room. */
export type Block = { figures: readonly Figure[] } | readonly Section[];

export interface Drawing {
	title: string;
	lead: string;
	blocks: readonly Block[];
	footer: string;
}
