/** The latest decoded values of each device, as a table and for the tooltips of the map. */
import type { IDataObject } from 'n8n-workflow';
import { stampsOf } from '../device/device';
import type { Work } from '../operation/operation';
import { timeText } from '../operation/times';
import { wholeNumber } from '../operation/values';
import type { Decoded } from '../packet/decode';
import { heardAt } from '../packet/packet';
import { LatestReader } from '../packet/readLatest';
import { unitAt, valueAt } from '../packet/valueFilter';
import type { TableCell, Section } from './blocks';
import type { ReportFrame } from './createReport';
import { exactly } from './markup';

/** Devices that the table lists at most. */
const MOST_LISTED = 200;

const valueText = (value: unknown): string =>
	typeof value === 'number' ? exactly(value) : ['string', 'boolean'].includes(typeof value) ? String(value) : '';

const byName = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

export class FleetValues {
	/** The devices of the report by their IDs, with their names and the stamps of their last packets. */
	private readonly devices = new Map<string, { name: string; stamps: readonly number[] }>();
	/** What the table shows of a device: '' where a value is absent. */
	private readonly latest = new Map<string, { heard: string; values: readonly string[] }>();
	private readonly units: string[];

	/** @param names of decoded values, or paths to them */
	constructor(
		private readonly names: readonly string[],
		private readonly decode: (payload: string) => Decoded,
		private readonly frame: ReportFrame,
	) {
		this.units = names.map(() => '');
	}

	add(row: IDataObject): void {
		this.devices.set(String(row.id), { name: String(row.name ?? ''), stamps: stampsOf(row) });
	}

	async read(work: Work): Promise<void> {
		const reader = new LatestReader(work, this.frame, ({ device: { id } }) => this.devices.has(id));
		for (const [id, { stamps }] of this.devices) reader.latest.expectHeard(id, stamps);
		await reader.readBackwards();
		await reader.readMissing();
		for (const packet of reader.latest.packets()) {
			const { decoded, decodedUnits } = this.decode(packet.device.payload);
			const values = this.names.map((name) => valueText(valueAt(decoded, name)));
			this.names.forEach((name, index) => (this.units[index] ||= unitAt(decodedUnits, name)));
			const heard = timeText(heardAt(packet) * 1000, this.frame.timezone).slice(0, 16);
			this.latest.set(packet.device.id, { heard, values });
		}
	}

	/** 'Cold room 4: temperature 4.5 °C, battery 87 %' */
	readonly describe = (id: string): string => {
		const said = this.names.flatMap((name, index) => {
			const value = this.latest.get(id)?.values[index];
			return value ? [`${name} ${value} ${this.units[index] ?? ''}`.trim()] : [];
		});
		return `${this.devices.get(id)?.name || id}: ${said.join(', ') || 'no value'}`;
	};

	section(): Section {
		const title = 'Values';
		const known = [...this.latest].filter(([, { values }]) => values.some(Boolean));
		if (!known.length) {
			const text = `No device has ${this.names.length > 1 ? 'one of these values' : 'this value'} in its latest packet: ${this.names.join(', ')}.`;
			return { title, content: { text } };
		}
		const nameOf = (id: string) => this.devices.get(id)?.name ?? '';
		known.sort(([a], [b]) => byName.compare(nameOf(a), nameOf(b)) || byName.compare(a, b));
		const rows = known
			.slice(0, MOST_LISTED)
			.map(([id, { heard, values }]): TableCell[] => [
				nameOf(id) || '–',
				...values.map((value) => value || '–'),
				heard,
				{ id },
			]);
		const columns = this.names.map((name, index) => `#${name}${this.units[index] ? ` (${this.units[index]})` : ''}`);
		const [rest, without] = [known.length - rows.length, this.devices.size - known.length];
		return {
			title,
			subtitle: 'The latest packet of each device in the last seven days',
			content: { table: { columns: ['Device', ...columns, 'Heard', 'Device ID'], rows } },
			notes: [
				rest > 0 && `Not listed: ${wholeNumber(rest)} more. Get Latest Packet per Device returns all.`,
				without > 0 &&
					`Devices whose latest packet has none of these values, or which sent no packet: ${wholeNumber(without)}.`,
			],
		};
	}
}
