/** What decoded values were over a period: a chart for each, and the devices that were farthest out. Pure. */
import { timeText } from '../operation/times';
import { counted } from '../operation/values';
import type { Decoded } from '../packet/decode';
import { heardAt, type Packet } from '../packet/packet';
import { numeric, unitAt, valueAt } from '../packet/valueFilter';
import type { TableCell, CurvePoint, Section } from './blocks';
import { Timeline } from './charts';
import type { ReportFrame } from './createReport';
import { digits, exactly } from './markup';
import { Extremes, Sample, type Extreme } from './sample';

/** Values that a report draws at most. */
export const MOST_VALUES = 6;
/** Rows of the table of devices, for all values together. */
const MOST_EXTREMES = 30;
/** Values of a single device that are drawn one by one, and parts of the period of which the highest and lowest remain of more. */
const MOST_POINTS = 2000;
const PARTS = 500;

type Point = readonly [time: number, value: number];

/** The lowest and the highest value of each part: a line through them looks like one through all. */
function extremesOf(points: readonly Point[], partOf: (time: number) => number): Point[] {
	const parts = new Map<number, [lowest: Point, highest: Point]>();
	for (const point of points) {
		const part = partOf(point[0]);
		const [lowest, highest] = parts.get(part) ?? [point, point];
		parts.set(part, [point[1] < lowest[1] ? point : lowest, point[1] > highest[1] ? point : highest]);
	}
	return [...parts.values()].flatMap(([lowest, highest]) => (lowest === highest ? [lowest] : [lowest, highest]));
}

/** One decoded value while packets come; the memory is that of a sample for each bin. */
class ValueSeries {
	unit = '';
	private readonly all = new Sample();
	private readonly bins: Sample[];
	private readonly extremes: Extremes;
	/** Of a single device. */
	private points: Point[] | undefined = [];
	private device: string | undefined;

	constructor(
		readonly name: string,
		private readonly timeline: Timeline,
		private readonly frame: ReportFrame,
		listed: number,
	) {
		this.bins = timeline.marks().map(() => new Sample());
		this.extremes = new Extremes(listed);
	}

	/** @param bin that of the time, in the timeline */
	add(value: number, time: number, bin: number, { device: { id, name = '' } }: Packet): void {
		this.all.add(value);
		this.bins[bin]?.add(value);
		this.extremes.add({ id, name, value, time });
		this.device ??= id;
		if (this.device !== id) this.points = undefined;
		this.points?.push([time, value]);
		if (this.points && this.points.length > MOST_POINTS) this.points = this.drawn();
	}

	/** The points of a single device: all of them where they are few. */
	private drawn(): Point[] {
		const { points = [], all, timeline } = this;
		if (all.count <= MOST_POINTS) return points;
		return extremesOf(points, (time) => Math.floor(PARTS * timeline.shareOf(time)));
	}

	private get isOneDevice(): boolean {
		return this.points !== undefined && this.all.count > 0;
	}

	section(): Section {
		const { name, all, unit, timeline, frame } = this;
		const title = `${name}${unit && ` (${unit})`}`;
		if (!all.count) return { title, content: { text: 'No packet in the period contains this number.' } };
		const [low = NaN, middle = NaN, high = NaN] = [0.1, 0.5, 0.9].map((share) => all.quantile(share));
		const each = all.count > MOST_POINTS ? 'The highest and lowest of all values' : 'Each value';
		const drawn = this.isOneDevice ? each : `Median and the range of the middle 80% of values, per ${timeline.unit}`;
		return {
			title,
			subtitle: `${drawn} (${frame.timezone}). Median ${digits(middle)}; 80% lie from ${digits(low)} to ${digits(high)}.`,
			content: {
				curve: this.isOneDevice ? this.line() : this.band(),
				marks: timeline.marks(),
				unit,
				description: `${title} over time`,
			},
			notes: [
				[...this.bins, all].some(({ isExact }) => !isExact) &&
					'Where there are more than 1,000 values, the median and the range are those of 1,000 chosen at random: the share of values below a line is accurate to 3 percentage points.',
			],
		};
	}

	private band(): CurvePoint[] {
		const { bins, unit } = this;
		return this.timeline.marks().flatMap(({ time }, index): CurvePoint[] => {
			const sample = bins[index];
			if (!sample?.count) return [];
			const [low = NaN, value = NaN, high = NaN] = [0.1, 0.5, 0.9].map((share) => sample.quantile(share));
			const title = `${time}: ${digits(value)} ${unit} (${digits(low)} to ${digits(high)}, ${counted(sample.count, 'value')})`;
			return [{ at: (index + 0.5) / bins.length, value, low, high, title }];
		});
	}

	private line(): CurvePoint[] {
		const { frame, unit, timeline } = this;
		return [...this.drawn()]
			.sort(([a], [b]) => a - b)
			.map(([time, value]) => {
				const title = `${timeText(time * 1000, frame.timezone).slice(0, 16)}: ${exactly(value)} ${unit}`;
				return { at: timeline.shareOf(time), value, title };
			});
	}

	/** The devices with the highest and the lowest values; none of a single one. */
	rows(): TableCell[][] {
		if (this.isOneDevice) return [];
		const { highest, lowest } = this.extremes;
		const row = (kind: string, { id, name, value, time }: Extreme): TableCell[] => [
			this.name,
			kind,
			name || '–',
			{ id },
			timeText(time * 1000, this.frame.timezone).slice(0, 16),
			`${exactly(value)}${this.unit && ` ${this.unit}`}`,
		];
		return [...highest.map((one) => row('Highest', one)), ...lowest.map((one) => row('Lowest', one))];
	}
}

export class ValueSections {
	private readonly timeline: Timeline;
	private readonly series: ValueSeries[];

	/** @param names of decoded values, or paths to them; at most `MOST_VALUES` */
	constructor(
		names: readonly string[],
		private readonly decode: (payload: string) => Decoded,
		frame: ReportFrame,
	) {
		const listed = Math.min(5, Math.floor(MOST_EXTREMES / 2 / names.length));
		this.timeline = new Timeline(frame.start, frame.end, frame.timezone, 1);
		this.series = names.map((name) => new ValueSeries(name, this.timeline, frame, listed));
	}

	add(packet: Packet): void {
		const time = heardAt(packet);
		const bin = this.timeline.binOf(time);
		if (bin === undefined) return;
		const { decoded, decodedUnits } = this.decode(packet.device.payload);
		for (const series of this.series) {
			const value = numeric(valueAt(decoded, series.name));
			if (!Number.isFinite(value)) continue;
			series.unit ||= unitAt(decodedUnits, series.name);
			series.add(value, time, bin, packet);
		}
	}

	sections(): Section[] {
		const rows = this.series.flatMap((series) => series.rows());
		const columns = ['Field', '', 'Device', 'Device ID', 'Heard', '#Value'];
		const table: Section = {
			title: 'Highest and lowest values',
			subtitle: 'The devices with the most extreme values of each field',
			content: { table: { columns, rows } },
		};
		return [...this.series.map((series) => series.section()), ...(rows.length ? [table] : [])];
	}
}
