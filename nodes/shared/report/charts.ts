/** Charts of a report, as SVG and HTML. Pure. */
import { DAY_S, HOUR_S } from '../client/clock';
import { binAt, binEdges, timeText } from '../operation/times';
import { leastOf, mostOf, wholeNumber } from '../operation/values';
import type { Bar, Column, Columns, Curve, CurvePoint, Mark } from './blocks';
import { markup, percent, type Markup, type Part } from './markup';

const WIDTH = 960;
const HEIGHT = 220;
const LEFT = 62;
const BOTTOM = 24;
const TOP = 8;
/** How wide a column gets at most, in pixels, however few there are. */
const MOST_BREADTH = 70;

/** The next of 1, 2, 5, 10, 20, 50 … */
export function niceStep(least: number): number {
	const power = 10 ** Math.floor(Math.log10(least));
	return ([1, 2, 5].find((factor) => factor * power >= least * (1 - 1e-9)) ?? 10) * power;
}

/** To a tenth: SVG needs no more. */
export const toTenth = (value: number) => Math.round(value * 10) / 10;

/** A text that begins at `x`, ends there, or has its middle there. */
export const textAt = (x: number, y: number, text: string, anchor: 'start' | 'end' | 'middle'): Markup =>
	markup`<text x="${x}" y="${y}" text-anchor="${anchor}">${text}</text>`;

/** A line of a grid, and what it says. */
export const gridLine = (path: string, label: Part): Markup => markup`<path class="grid" d="${path}" />${label}`;

/**
 * 12000 → '12k', where the lines of an axis are so far apart that no two of them say the same.
 * @param largest of the numbers at the lines
 */
function axisLabel(value: number, step: number, largest: number): string {
	if (Math.abs(value) < step / 2) return '0';
	const [size, unit] =
		largest >= 1e6 && step >= 1e5 ? [1e6, 'M'] : largest >= 1e4 && step >= 100 ? [1e3, 'k'] : [1, ''];
	const decimals = Math.min(15, Math.max(0, -Math.floor(Math.log10(step / size) + 1e-9)));
	return `${(value / size).toLocaleString('en', { maximumFractionDigits: decimals })}${unit}`;
}

/** A scale of at least two steps around values that may be negative, and its lines. */
function axisOf(values: readonly number[], leastStep: number, width: number, height: number) {
	const [least, most] = [leastOf(values), mostOf(values)];
	const step = niceStep(Math.max(leastStep, (most - least || Math.abs(most) || 1) / 4));
	let [from, to] = [Math.floor(least / step) * step, Math.ceil(most / step) * step];
	if (from === to) [from, to] = [from - step, to + step];
	const y = (value: number) => toTenth(TOP + (height - TOP - BOTTOM) * (1 - (value - from) / (to - from)));
	const lines = Array.from({ length: Math.round((to - from) / step) + 1 }, (_, index) => {
		const value = from + index * step;
		return gridLine(
			`M${LEFT} ${y(value)}H${width}`,
			textAt(LEFT - 8, y(value) + 4, axisLabel(value, step, Math.max(Math.abs(from), Math.abs(to))), 'end'),
		);
	});
	return { y, lines };
}

const labelAt = (x: number, height: number, label = '') => label && textAt(toTenth(x), height - 6, label, 'middle');

const svg = (width: number, height: number, description: string, ...parts: Part[]): Markup =>
	markup`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${description}">${parts}</svg>`;

/** Columns over a scale of counts; those of one that is less high have half the width. */
export function columnChart({ columns, height = HEIGHT, description }: Columns): Markup {
	const width = height < HEIGHT ? 470 : WIDTH;
	const sums = columns.map(({ parts }) => parts.reduce((sum, part) => sum + part, 0));
	const { y, lines } = axisOf([0, 1, ...sums], 1, width, height);
	const pitch = (width - LEFT) / Math.max(1, columns.length);
	const gap = pitch > 6 ? Math.min(6, pitch * 0.22) : 0.5;
	const breadth = Math.min(pitch - gap, MOST_BREADTH);
	const bars = columns.map(({ parts, title, label }, index) => {
		const x = toTenth(LEFT + index * pitch + (pitch - breadth) / 2);
		let below = 0;
		const rects = parts.map((part, series) => {
			if (!part) return null;
			const [from, to] = [y(below), y(below + part)];
			below += part;
			const high = toTenth(Math.max(0.8, from - to));
			return markup`<rect class="f${series + 1}" x="${x}" y="${to}" width="${toTenth(breadth)}" height="${high}" />`;
		});
		return markup`<g><title>${title}</title>${rects}${labelAt(x + breadth / 2, height, label)}</g>`;
	});
	return svg(width, height, description, lines, bars);
}

/** A line through points, with the range around it. It is interrupted where a bin has no value. */
export function curveChart({ curve: points, marks, description }: Curve): Markup {
	const ends = points.flatMap(({ value, low = value, high = value }) => [low, value, high]);
	const { y, lines } = axisOf(ends, 0, WIDTH, HEIGHT);
	const x = (at: number) => toTenth(LEFT + at * (WIDTH - LEFT));
	const labels = marks.map(({ label }, index) => labelAt(x((index + 0.5) / marks.length), HEIGHT, label));
	const path = (run: readonly CurvePoint[], of: (point: CurvePoint) => number) =>
		run.map((point) => `${x(point.at)} ${y(of(point))}`).join('L');
	const low = ({ value, low: edge = value }: CurvePoint) => edge;
	const high = ({ value, high: edge = value }: CurvePoint) => edge;
	const runs = runsOf(points, 1.5 / marks.length).map((run) => {
		const edges = [path(run, high), path(run, low)];
		const band = markup`<path class="band" d="M${edges[0]}L${path([...run].reverse(), low)}Z" />${edges.map((edge) => markup`<path class="edge" d="M${edge}" />`)}`;
		return markup`${run[0]?.low !== undefined && band}<path class="line" d="M${path(run, ({ value }) => value)}" />`;
	});
	const dots = points.map(
		(point) =>
			markup`<circle class="f1" cx="${x(point.at)}" cy="${y(point.value)}" r="2"><title>${point.title}</title></circle>`,
	);
	return svg(WIDTH, HEIGHT, description, lines, labels, runs, dots);
}

/** Points next to each other; those of bins end where a bin is empty, those of one device never. */
function runsOf(points: readonly CurvePoint[], widest: number): CurvePoint[][] {
	const runs: CurvePoint[][] = [];
	for (const point of points) {
		const run = runs.at(-1);
		const last = run?.at(-1);
		if (run && last && (point.low === undefined || point.at - last.at < widest)) run.push(point);
		else runs.push([point]);
	}
	return runs;
}

/** Horizontal bars with their shares: a table, so that the figures stay apart where styles are dropped. */
export function shareBars(rows: readonly Bar[]): Markup {
	const all = rows.reduce((sum, { value }) => sum + value, 0);
	const most = Math.max(1, ...rows.map(({ value }) => value));
	return markup`<table class="rows">
		${rows.map(
			({ label, value, tone = 1 }) =>
				markup`<tr><td>${label}</td
					><td class="t"
						><div>${value > 0 && markup`<i class="k${tone}" style="width:${toTenth((100 * value) / most)}%"></i>`}</div></td
					><td class="n">${wholeNumber(value)}</td><td class="n"><small>${percent(value, all)}</small></td></tr>`,
		)}
	</table>`;
}

const MINUTE_S = 60;
const BIN_SIZES = [1, 5, 15, 30, 60, 120, 180, 360, 720, 1440].map((minutes) => minutes * MINUTE_S);
const MOST_BINS = 60;

/** What happened when, in bins of a period. Times are Unix seconds, on the clocks of a time zone. */
export class Timeline {
	/** Events outside of the period. */
	outside = 0;
	readonly size: number;
	/** Where each bin begins, and where the last one ends. */
	private readonly edges: readonly number[];
	private readonly bins: number[][];

	constructor(
		private readonly start: number,
		private readonly end: number,
		private readonly timezone: string,
		series: number,
	) {
		const length = Math.max(1, end - start);
		this.size = BIN_SIZES.find((size) => length / size <= MOST_BINS) ?? Math.ceil(length / MOST_BINS / DAY_S) * DAY_S;
		this.edges = binEdges(start, end, this.size, timezone);
		this.bins = this.edges.slice(1).map(() => Array.from({ length: series }, () => 0));
	}

	add(time: number, series: number): void {
		const bin = this.bins[this.binOf(time) ?? -1];
		if (bin) bin[series] = (bin[series] ?? 0) + 1;
		else this.outside += 1;
	}

	get unit(): string {
		const [unit, noun] =
			this.size >= DAY_S ? [DAY_S, 'day'] : this.size >= HOUR_S ? [HOUR_S, 'hour'] : [MINUTE_S, 'minute'];
		return this.size === unit ? noun : `${this.size / unit} ${noun}s`;
	}

	/** The bin of a time; `undefined` outside of the period, to which its end does not belong. */
	binOf(time: number): number | undefined {
		return time >= this.start && time < this.end ? binAt(this.edges, time) : undefined;
	}

	/** Which share of all bins lies before a time. */
	shareOf(time: number): number {
		const [first = 0, last = 1] = [this.edges[0], this.edges.at(-1)];
		return (time - first) / (last - first);
	}

	columns(noun: string): Column[] {
		const marks = this.marks();
		return this.bins.map((parts, index) => {
			const { time, label } = marks[index] ?? { time: '' };
			const sum = parts.reduce((all, part) => all + part, 0);
			return { parts, label, title: `${time}: ${wholeNumber(sum)} ${noun}` };
		});
	}

	marks(): Mark[] {
		const timeAt = (index: number) => timeText((this.edges[index] ?? NaN) * 1000, this.timezone);
		const every = Math.ceil(this.bins.length / 8);
		const isDays = this.end - this.start > 3 * DAY_S;
		const perLabel = Math.max(1, Math.ceil((this.end - this.start) / DAY_S / 10));
		return this.bins.map((_, index) => {
			const time = timeAt(index).slice(0, 16);
			const day = time.slice(0, 10);
			const isNewDay = index > 0 && day !== timeAt(index - 1).slice(0, 10);
			const isLabelled = isDays ? isNewDay && (Date.parse(day) / 1000 / DAY_S) % perLabel === 0 : index % every === 0;
			return { time, label: isLabelled ? time.slice(...(isDays ? [5, 10] : [11])) : undefined };
		});
	}
}
