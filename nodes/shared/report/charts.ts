/** Charts of a report, as SVG and HTML. Pure. */
import { binAt, binEdges, timeText } from '../operation/times';
import { wholeNumber } from '../operation/values';
import type { Bar, Column, CurvePoint, Mark } from './blocks';
import { markup, percent, type Markup } from './markup';

const WIDTH = 960;
const LEFT = 46;
const BOTTOM = 24;
const TOP = 8;
/** Pixels that a column is wide at most: a few of them are no walls. */
const MOST_BREADTH = 70;

/** The next of 1, 2, 5, 10, 20, 50 … */
export function niceStep(least: number): number {
	const power = 10 ** Math.floor(Math.log10(least));
	return ([1, 2, 5].find((factor) => factor * power >= least * (1 - 1e-9)) ?? 10) * power;
}

/** To a tenth: SVG needs no more. */
export const toTenth = (value: number) => Math.round(value * 10) / 10;

/** 12000 → '12k': for axes. */
const short = (value: number): string =>
	value >= 1e6 ? `${value / 1e6}M` : value >= 1e4 ? `${value / 1e3}k` : value.toLocaleString('en');

/** Columns over a scale of counts. */
export function columnChart(
	columns: readonly Column[],
	{ width = WIDTH, height = 220, description = '' } = {},
): Markup {
	const sums = columns.map(({ parts }) => parts.reduce((sum, part) => sum + part, 0));
	const step = niceStep(Math.max(1, Math.max(0, ...sums) / 4));
	const top = Math.max(step, Math.ceil(Math.max(0, ...sums) / step) * step);
	const plot = height - TOP - BOTTOM;
	const y = (value: number) => toTenth(TOP + plot * (1 - value / top));
	const pitch = (width - LEFT) / Math.max(1, columns.length);
	const gap = pitch > 6 ? Math.min(6, pitch * 0.22) : 0.5;
	const breadth = Math.min(pitch - gap, MOST_BREADTH);
	const lines = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step).map(
		(value) =>
			markup`<path class="grid" d="M${LEFT} ${y(value)}H${width}" /><text
					x="${LEFT - 8}"
					y="${y(value) + 4}"
					text-anchor="end"
					>${short(value)}</text
				>`,
	);
	const bars = columns.map(({ parts, title, label }, index) => {
		const x = toTenth(LEFT + index * pitch + (pitch - breadth) / 2);
		let below = 0;
		const rects = parts.map((part, series) => {
			if (!part) return null;
			const [from, to] = [y(below), y(below + part)];
			below += part;
			return markup`<rect
				class="f${series + 1}"
				x="${x}"
				y="${to}"
				width="${toTenth(breadth)}"
				height="${toTenth(Math.max(0.8, from - to))}"
			/>`;
		});
		const text =
			label && markup`<text x="${toTenth(x + breadth / 2)}" y="${height - 6}" text-anchor="middle">${label}</text>`;
		return markup`<g><title>${title}</title>${rects}${text}</g>`;
	});
	return markup`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${description}">${lines}${bars}</svg>`;
}

/** A scale of at least two steps around values that may be negative. */
function scaleOf(values: readonly number[]): { from: number; to: number; step: number } {
	const [least, most] = [Math.min(...values), Math.max(...values)];
	const step = niceStep((most - least || Math.abs(most) || 1) / 4);
	const [from, to] = [Math.floor(least / step) * step, Math.ceil(most / step) * step];
	return from === to ? { from: from - step, to: to + step, step } : { from, to, step };
}

/** A line through points, with the range around it. It is interrupted where a bin has no value. */
export function curveChart(points: readonly CurvePoint[], marks: readonly Mark[], description: string): Markup {
	const height = 220;
	const plot = height - TOP - BOTTOM;
	const { from, to, step } = scaleOf(points.flatMap(({ value, low = value, high = value }) => [low, value, high]));
	const x = (at: number) => toTenth(LEFT + at * (WIDTH - LEFT));
	const y = (value: number) => toTenth(TOP + plot * (1 - (value - from) / (to - from)));
	const lines = Array.from({ length: Math.round((to - from) / step) + 1 }, (_, index) => from + index * step).map(
		(value) =>
			markup`<path class="grid" d="M${LEFT} ${y(value)}H${WIDTH}" /><text
					x="${LEFT - 8}"
					y="${y(value) + 4}"
					text-anchor="end"
					>${short(Number(value.toPrecision(6)))}</text
				>`,
	);
	const labels = marks.map(
		({ label }, index) =>
			label &&
			markup`<text x="${x((index + 0.5) / marks.length)}" y="${height - 6}" text-anchor="middle">${label}</text>`,
	);
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
	return markup`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${description}">${lines}${labels}${runs}${dots}</svg>`;
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

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const BIN_SIZES = [1, 5, 15, 30, 60, 120, 180, 360, 720, 1440].map((minutes) => minutes * MINUTE);
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
		this.size = BIN_SIZES.find((size) => length / size <= MOST_BINS) ?? Math.ceil(length / MOST_BINS / DAY) * DAY;
		this.edges = binEdges(start, end, this.size, timezone);
		this.bins = this.edges.slice(1).map(() => Array.from({ length: series }, () => 0));
	}

	add(time: number, series: number): void {
		const bin = this.bins[this.binOf(time) ?? -1];
		if (bin) bin[series] = (bin[series] ?? 0) + 1;
		else this.outside += 1;
	}

	/** What a column stands for. */
	get unit(): string {
		if (this.size >= DAY) return this.size === DAY ? 'day' : `${this.size / DAY} days`;
		if (this.size >= HOUR) return this.size === HOUR ? 'hour' : `${this.size / HOUR} hours`;
		return this.size === MINUTE ? 'minute' : `${this.size / MINUTE} minutes`;
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

	/** Where the bins begin. */
	marks(): Mark[] {
		const textAt = (index: number) => timeText((this.edges[index] ?? NaN) * 1000, this.timezone);
		const every = Math.ceil(this.bins.length / 8);
		const isDays = this.end - this.start > 3 * DAY;
		let dayBefore = '';
		return this.bins.map((_, index) => {
			const [day = '', time = ''] = textAt(index).split(' ');
			const isNewDay = day !== dayBefore;
			dayBefore = day;
			const perLabel = Math.max(1, Math.ceil((this.end - this.start) / DAY / 10));
			const dayNumber = Math.floor(Date.parse(`${day}T00:00:00Z`) / 1000 / DAY);
			const isLabelled = isDays ? isNewDay && index > 0 && dayNumber % perLabel === 0 : index % every === 0;
			const label = isLabelled ? (isDays ? day.slice(5) : time.slice(0, 5)) : undefined;
			return { time: `${day} ${time.slice(0, 5)}`, label };
		});
	}
}
