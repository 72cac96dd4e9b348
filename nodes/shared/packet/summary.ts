/** The decoded values of packets in few figures: by device or tag, and by hour, day or period. Pure. */
import type { IDataObject } from 'n8n-workflow';
import { DAY_S, HOUR_S } from '../client/clock';
import { isObject } from '../client/json';
import { binAt, binEdges, isoTime, timeText } from '../operation/times';
import type { Decoded } from './decode';
import { heardAt, tagsOf, type Packet } from './packet';
import { numeric, unitAt, valueAt } from './valueFilter';

/** Numbers in names by their size. One for all comparisons: each use of `localeCompare` would make its own. */
const byName = new Intl.Collator('en', { numeric: true });

/** Rows that one summary has at most, so that its memory stays bounded. */
const MOST_ROWS = 500_000;
/** How deep numbers are looked for in a payload that does not say which it has. */
const MOST_DEPTH = 4;
/** Sums of decimals such as 0.1 + 0.2 have digits behind these that mean nothing. */
const MEAN_DIGITS = 12;

/** Seconds of an interval; a period is one by itself. */
const INTERVALS = { day: DAY_S, hour: HOUR_S, period: Infinity } as const;
type Interval = keyof typeof INTERVALS;

/** What a summary is about. Times are Unix seconds. */
export interface SummaryFrame extends Grouping {
	start: number;
	end: number;
	/** IANA zone by which hours and days begin. */
	timezone: string;
	interval: Interval;
	/** Names of decoded values, or paths to them; without it, every number of a payload. */
	fields?: readonly string[];
}

/** What is known of a series of numbers, in whatever order they come. Times are Unix seconds. */
export class Figures {
	count = 0;
	min = Infinity;
	max = -Infinity;
	first = NaN;
	last = NaN;
	private average = 0;
	private firstAt = Infinity;
	private lastAt = -Infinity;

	add(value: number, time: number): void {
		this.count += 1;
		this.average += (value - this.average) / this.count;
		if (value < this.min) this.min = value;
		if (value > this.max) this.max = value;
		if (time < this.firstAt) [this.first, this.firstAt] = [value, time];
		if (time >= this.lastAt) [this.last, this.lastAt] = [value, time];
	}

	get mean(): number {
		return Math.min(this.max, Math.max(this.min, Number(this.average.toPrecision(MEAN_DIGITS))));
	}
}

/** The numbers in a payload with their names, or the paths to them, such as `gps_1.latitude`. */
export function numbersIn(decoded: unknown, path = '', depth = 1): Array<[name: string, value: number]> {
	if (!isObject(decoded) || depth > MOST_DEPTH) return [];
	return Object.entries(decoded).flatMap(([key, value]): Array<[string, number]> => {
		const name = path + key;
		if (typeof value === 'number') return Number.isFinite(value) ? [[name, value]] : [];
		return numbersIn(value, `${name}.`, depth + 1);
	});
}

interface Grouping {
	groupBy: 'all' | 'device' | 'tag';
	/** The key of the tag to group by. */
	tag?: string;
}

interface Group<T> {
	/** What its rows say of it in front, and at their end. */
	about: IDataObject;
	key: IDataObject;
	label: string;
	cells: T;
}

/** Packets by device, by the value of a tag, or all together. */
export class Groups<T> {
	private readonly groups = new Map<string, Group<T>>();

	/** @param start makes what is counted of a new group */
	constructor(
		private readonly grouping: Grouping,
		private readonly start: () => T,
	) {}

	/** The group of a packet. */
	of(packet: Packet): Group<T> {
		const { groupBy, tag = '' } = this.grouping;
		const { id, name = null } = packet.device;
		const tags = groupBy === 'tag' ? tagsOf(packet) : {};
		const tagValue = Object.hasOwn(tags, tag) ? String(tags[tag]) : null;
		const label = { all: '', device: id, tag: JSON.stringify(tagValue) }[groupBy];
		const known = this.groups.get(label);
		if (known) {
			// A device may have been renamed meanwhile.
			if (groupBy === 'device' && name && name !== known.label)
				[known.about, known.label] = [{ deviceName: name }, name];
			return known;
		}
		const group: Group<T> = {
			about: { all: {}, device: { deviceName: name }, tag: { tag, tagValue } }[groupBy],
			key: groupBy === 'device' ? { deviceId: id } : {},
			label: { all: '', device: name ?? id, tag: tagValue ?? '' }[groupBy],
			cells: this.start(),
		};
		this.groups.set(label, group);
		return group;
	}

	/** By their names, numbers in them by size. */
	sorted(): Array<Group<T>> {
		return [...this.groups.values()].sort((a, b) => byName.compare(a.label, b.label));
	}
}

type Cells = Map<number, Figures>;

/** Takes packets one at a time, in any order. */
export class Summary {
	/** Packets that were heard outside of the period. */
	outside = 0;
	/** Where each interval begins, and where the last one ends. */
	private readonly edges: readonly number[];
	private readonly groups: Groups<Cells>;
	/** Field → its number, in the order of the rows. */
	private readonly fields: Map<string, number>;
	private readonly units = new Map<string, string>();
	private readonly seen = new Set<string>();
	private rowCount = 0;
	private written?: { bin: number; localTime: string; startTime: string | null; endTime: string | null };

	constructor(private readonly frame: SummaryFrame) {
		const { start, end, interval, timezone, fields = [] } = frame;
		const size = INTERVALS[interval];
		this.groups = new Groups(frame, () => new Map());
		this.edges = size === Infinity ? [start, end] : binEdges(start, end, size, timezone);
		this.fields = new Map(fields.map((name, index) => [name, index]));
	}

	/** Throws an Error when there would be too many rows. */
	add(packet: Packet, { decoded, decodedUnits }: Decoded): void {
		const { start, end, fields } = this.frame;
		const time = heardAt(packet);
		if (!(time >= start && time < end)) {
			this.outside += 1;
			return;
		}
		const bin = binAt(this.edges, time);
		const found = fields
			? fields.map((name): [string, number] => [name, numeric(valueAt(decoded, name))])
			: numbersIn(decoded);
		let group: Group<Cells> | undefined;
		for (const [name, value] of found) {
			if (!Number.isFinite(value)) continue;
			this.seen.add(name);
			const unit = unitAt(decodedUnits, name);
			if (unit) this.units.set(name, unit);
			group ??= this.groups.of(packet);
			this.cellOf(group, bin, name).add(value, time);
		}
	}

	/** Chosen fields that no packet had. */
	get missing(): string[] {
		return [...this.fields.keys()].filter((name) => !this.seen.has(name));
	}

	get isEmpty(): boolean {
		return this.rowCount === 0;
	}

	/** A row for each interval, group and field that has numbers, in this order. */
	*rows(): Generator<IDataObject> {
		const groups = this.groups.sorted();
		const bins = this.edges.length;
		const order = groups.flatMap(({ cells }, group) =>
			[...cells.keys()].map((cell) => ({ bin: cell % bins, group, field: Math.floor(cell / bins), cell })),
		);
		order.sort((a, b) => a.bin - b.bin || a.group - b.group || a.field - b.field);
		const names = [...this.fields.keys()];
		for (const { bin, group: index, field, cell } of order) {
			const group = groups[index];
			const figures = group?.cells.get(cell);
			if (group && figures) yield this.row(group, bin, names[field] ?? '', figures);
		}
	}

	/** How an interval is written; those of one follow each other. */
	private timesOf(bin: number) {
		if (this.written?.bin === bin) return this.written;
		const { interval, timezone } = this.frame;
		const [from = NaN, to = NaN] = this.edges.slice(bin, bin + 2);
		const localTime = timeText(from * 1000, timezone).slice(0, interval === 'day' ? 10 : 16);
		return (this.written = { bin, localTime, startTime: isoTime(from), endTime: isoTime(to) });
	}

	private row({ about, key }: Group<Cells>, bin: number, field: string, figures: Figures): IDataObject {
		const { count, min, mean, max, first, last } = figures;
		const { localTime, startTime, endTime } = this.timesOf(bin);
		const unit = this.units.get(field) ?? null;
		return { localTime, ...about, field, unit, count, min, mean, max, first, last, startTime, endTime, ...key };
	}

	private cellOf({ cells }: Group<Cells>, bin: number, field: string): Figures {
		let number = this.fields.get(field);
		if (number === undefined) this.fields.set(field, (number = this.fields.size));
		const key = bin + number * this.edges.length;
		let figures = cells.get(key);
		if (!figures) {
			this.rowCount += 1;
			if (this.rowCount > MOST_ROWS) {
				throw new Error(
					'"Interval": there would be more than 500,000 rows; choose a longer interval, a shorter period or fewer values',
				);
			}
			cells.set(key, (figures = new Figures()));
		}
		return figures;
	}
}
