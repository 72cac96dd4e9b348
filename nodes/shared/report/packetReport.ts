/** The report on the packets of a period: how many came when, from where, and how strong. Pure. */
import type { IDataObject } from 'n8n-workflow';
import { timeText } from '../operation/times';
import { heardAt, placeOfPacket, type Packet } from '../packet/packet';
import { count, counted } from '../operation/values';
import { columnChart, Timeline, type Column } from './charts';
import type { Report, ReportFrame } from './createReport';
import { mapOf, PlaceBins } from './map';
import { markup, legend, percent, section, table, tile, type Markup } from './markup';

const NETWORKS = ['Terrestrial', 'Satellite'] as const;
/** Devices that the table lists. */
const MOST_LISTED = 25;
/** Devices that are told apart; the memory of the report stays bounded. */
const MOST_DEVICES = 200_000;

/** Signal strengths in dBm, one bin for each. */
const WEAKEST = -160;
const STRONGEST = 20;
const BAND = 10;

class Strengths {
	readonly bins: number[] = Array.from({ length: STRONGEST - WEAKEST + 1 }, () => 0);
	count = 0;

	add(rssi: unknown): void {
		if (typeof rssi !== 'number' || !Number.isFinite(rssi)) return;
		const bin = Math.round(Math.min(STRONGEST, Math.max(WEAKEST, rssi))) - WEAKEST;
		this.bins[bin] = (this.bins[bin] ?? 0) + 1;
		this.count += 1;
	}

	/** The strength that this share of the packets does not exceed. */
	quantile(share: number): number {
		let below = 0;
		const index = this.bins.findIndex((packets) => (below += packets) >= share * this.count && below > 0);
		return WEAKEST + index;
	}

	columns(weakest: number, strongest: number, series: number): Column[] {
		return Array.from({ length: (strongest - weakest) / BAND }, (_, index) => {
			const from = weakest + index * BAND;
			const sum = this.bins.slice(from - WEAKEST, from - WEAKEST + BAND).reduce((all, bin) => all + bin, 0);
			const parts = NETWORKS.map((_name, network) => (network === series ? sum : 0));
			return { parts, label: String(from), title: `${from} to ${from + BAND} dBm: ${counted(sum, 'packet')}` };
		});
	}
}

interface Heard {
	name: string;
	packets: number;
	last: number;
}

/** Takes packets one at a time and keeps what the report says of them. */
export class PacketReport implements Report {
	private readonly timeline: Timeline;
	private readonly places = new PlaceBins();
	private readonly strengths = NETWORKS.map(() => new Strengths());
	private readonly byNetwork = NETWORKS.map(() => 0);
	private readonly devices = new Map<string, Heard>();
	/** Packets of devices that came when `MOST_DEVICES` were known. */
	private beyond = 0;
	private packets = 0;

	constructor(private readonly frame: ReportFrame) {
		const { start, end, timezone } = frame;
		this.timeline = new Timeline(start, end, timezone, NETWORKS.length);
	}

	add(row: IDataObject): void {
		const packet = row as Packet;
		const series = Number(packet.network_type === 'SATELLITE');
		const time = heardAt(packet);
		this.packets += 1;
		this.byNetwork[series] = (this.byNetwork[series] ?? 0) + 1;
		this.timeline.add(time, series);
		this.places.add(placeOfPacket(packet), series === 1);
		this.strengths[series]?.add(packet.device.rssi);
		const { id, name = '' } = packet.device;
		const known = this.devices.get(id);
		if (known) {
			known.packets += 1;
			known.last = Math.max(known.last, time);
		} else if (this.devices.size < MOST_DEVICES) this.devices.set(id, { name, packets: 1, last: time });
		else this.beyond += 1;
	}

	summary(): IDataObject {
		const [terrestrial, satellite] = this.byNetwork;
		return { packets: this.packets, devices: this.devices.size, terrestrial, satellite };
	}

	render(): Markup[] {
		const { packets, devices, timeline } = this;
		const [, satellite = 0] = this.byNetwork;
		const known = this.beyond ? `${count(devices.size)}+` : count(devices.size);
		const perDevice = devices.size ? (packets - this.beyond) / devices.size : 0;
		const outside = timeline.outside;
		return [
			markup`<dl>
				${tile('Packets', count(packets))}${tile('Devices heard', known)}${tile('Packets per device', devices.size ? perDevice.toLocaleString('en', { maximumFractionDigits: 1 }) : '–')}${tile('By satellite', percent(satellite, packets), counted(satellite, 'packet'))}
			</dl>`,
			section(
				'Packets over time',
				`Packets per ${timeline.unit} by the time at which they were heard (${this.frame.timezone})`,
				markup`${legend(NETWORKS)}${columnChart(timeline.columns('packets'), { description: 'Packets over time' })}`,
				[
					outside > 0 &&
						`Received in the period but heard outside of it, and not drawn: ${counted(outside, 'packet')}.`,
				],
			),
			this.map(),
			markup`<div class="two">${NETWORKS.map((name, series) => this.strength(name, series))}</div>`,
			this.deviceTable(),
		];
	}

	private map(): Markup {
		const { placed, withoutPlace } = this.places;
		return markup`<div class="map">
			${section(
				'Where packets were heard',
				'The larger a circle, the more packets; its inner disc is the share by satellite',
				markup`${placed > 0 && legend(['Packets', 'By satellite'])}${mapOf(this.places, 2, ['packets', 'by satellite'])}`,
				[withoutPlace > 0 && `Not on the map, as their place is not known: ${counted(withoutPlace, 'packet')}.`],
			)}
		</div>`;
	}

	private strength(name: string, series: number): Markup {
		const strengths = this.strengths[series];
		if (!strengths?.count) {
			return section(
				`Signal strength, ${name.toLowerCase()}`,
				'',
				markup`<p class="note">No packet came with a signal strength.</p>`,
			);
		}
		const heard = this.strengths.filter(({ count: packets }) => packets > 0);
		const weakest = Math.floor(Math.min(...heard.map((one) => one.quantile(0))) / BAND) * BAND;
		const strongest = (Math.floor(Math.max(...heard.map((one) => one.quantile(1))) / BAND) + 1) * BAND;
		const [low, middle, high] = [0.1, 0.5, 0.9].map((share) => strengths.quantile(share));
		return section(
			`Signal strength, ${name.toLowerCase()}`,
			`Packets by RSSI in dBm. Median ${middle}; four in five lie from ${low} to ${high}.`,
			columnChart(strengths.columns(weakest, strongest, series), {
				width: 470,
				height: 190,
				description: `Signal strength, ${name}`,
			}),
		);
	}

	private deviceTable(): Markup {
		const { timezone } = this.frame;
		const rows = [...this.devices].sort(([, a], [, b]) => b.packets - a.packets || b.last - a.last);
		if (!rows.length) return section('Devices', '', markup`<p class="note">There are no packets in the period.</p>`);
		const listed = rows.slice(0, MOST_LISTED);
		const rest = rows.length - listed.length;
		const body = table(
			['Device', 'Device ID', 'Last heard', '#Packets', '#Share'],
			listed.map(([id, { name, packets, last }]) => [
				name || '–',
				markup`<code>${id}</code>`,
				timeText(last * 1000, timezone).slice(0, 16),
				count(packets),
				percent(packets, this.packets),
			]),
		);
		return section('Devices', 'By number of packets', body, [
			rest > 0 && `${counted(rest, 'device')} with fewer packets are not listed. Export Packets gives all.`,
			this.beyond > 0 &&
				`Only the first ${counted(MOST_DEVICES, 'device')} are told apart; ${counted(this.beyond, 'packet')} came from others.`,
		]);
	}
}
