/** Charts of a report, as SVG and HTML. Pure. */
import { binAt, binEdges, timeText } from '../operation/times';
import { count } from '../operation/values';
import type { Bar, Column } from './blocks';
import { markup, percent, type Markup } from './markup';

const WIDTH = 960;
const LEFT = 46;
const BOTTOM = 24;
const TOP = 8;

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
		const x = toTenth(LEFT + index * pitch + gap / 2);
		let below = 0;
		const rects = parts.map((part, series) => {
			if (!part) return null;
			const [from, to] = [y(below), y(below + part)];
			below += part;
			return markup`<rect
				class="f${series + 1}"
				x="${x}"
				y="${to}"
				width="${toTenth(pitch - gap)}"
				height="${toTenth(Math.max(0.8, from - to))}"
			/>`;
		});
		const text =
			label &&
			markup`<text x="${toTenth(x + (pitch - gap) / 2)}" y="${height - 6}" text-anchor="middle">${label}</text>`;
		return markup`<g><title>${title}</title>${rects}${text}</g>`;
	});
	return markup`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${description}">${lines}${bars}</svg>`;
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
					><td class="n">${count(value)}</td><td class="n"><small>${percent(value, all)}</small></td></tr>`,
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
		const bin = time >= this.start && time <= this.end ? this.bins[binAt(this.edges, time)] : undefined;
		if (bin) bin[series] = (bin[series] ?? 0) + 1;
		else this.outside += 1;
	}

	/** What a column stands for. */
	get unit(): string {
		if (this.size >= DAY) return this.size === DAY ? 'day' : `${this.size / DAY} days`;
		if (this.size >= HOUR) return this.size === HOUR ? 'hour' : `${this.size / HOUR} hours`;
		return this.size === MINUTE ? 'minute' : `${this.size / MINUTE} minutes`;
	}

	columns(noun: string): Column[] {
		const textAt = (index: number) => timeText((this.edges[index] ?? NaN) * 1000, this.timezone);
		const every = Math.ceil(this.bins.length / 8);
		const isDays = this.end - this.start > 3 * DAY;
		let dayBefore = '';
		return this.bins.map((parts, index) => {
			const [day = '', time = ''] = textAt(index).split(' ');
			const isNewDay = day !== dayBefore;
			dayBefore = day;
			const perLabel = Math.max(1, Math.ceil((this.end - this.start) / DAY / 10));
			const dayNumber = Math.floor(Date.parse(`${day}T00:00:00Z`) / 1000 / DAY);
			const isLabelled = isDays ? isNewDay && index > 0 && dayNumber % perLabel === 0 : index % every === 0;
			const label = isLabelled ? (isDays ? day.slice(5) : time.slice(0, 5)) : undefined;
			const sum = parts.reduce((all, part) => all + part, 0);
			return { parts, label, title: `${day} ${time.slice(0, 5)}: ${count(sum)} ${noun}` };
		});
	}
}
