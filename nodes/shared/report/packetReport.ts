/** The report on the packets of a period: how many came when, from where, and how strong. Pure. */
import type { IDataObject } from 'n8n-workflow';
import { AHEAD_S } from '../client/clock';
import { timeText } from '../operation/times';
import { heardAt, isPacket, networkOf, placeOfPacket, tagsOf, type Packet } from '../packet/packet';
import { wholeNumber, counted } from '../operation/values';
import type { Block, Column, Section } from './blocks';
import { Timeline } from './charts';
import type { Report, ReportFrame } from './createReport';
import { mapSection } from './map';
import { PlaceBins } from './places';
import { percent } from './markup';
import { TagGroups } from './tagGroups';
import type { ValueSections } from './valueSections';

/** The networks by their colours; the last one is of packets that name none, or one that is not known here. */
const NETWORKS = ['Terrestrial', 'Satellite', 'No known network'] as const;
/** Devices that the table lists: so many with one percent of the packets or more, and so many in any case. */
const MOST_LISTED = 25;
const LISTED_ANYWAY = 10;

/** The index of a packet's network among these. */
function seriesOf(packet: Packet): number {
	const network = networkOf(packet);
	return network ? ['TERRESTRIAL', 'SATELLITE'].indexOf(network) : 2;
}

/** Devices that are told apart; the memory of the report stays bounded. */
const MOST_DEVICES = 200_000;

const MAP = 'The larger a circle, the more packets; its inner disc is the share by satellite';

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

export class PacketReport implements Report {
	private readonly timeline: Timeline;
	private readonly places = new PlaceBins();
	private readonly strengths = NETWORKS.map(() => new Strengths());
	private readonly byNetwork = NETWORKS.map(() => 0);
	private readonly devices = new Map<string, { name: string; packets: number; last: number }>();
	/** Packets of devices that came when `MOST_DEVICES` were known. */
	private beyond = 0;
	private packets = 0;
	private readonly groups?: TagGroups;

	constructor(
		private readonly frame: ReportFrame,
		private readonly values?: ValueSections,
	) {
		const { start, end, timezone, settings } = frame;
		if (settings.groupByTag) this.groups = new TagGroups(String(settings.groupByTag), ['Packets', 'By satellite']);
		this.timeline = new Timeline(start, end, timezone, NETWORKS.length);
	}

	add(packet: IDataObject): void {
		if (!isPacket(packet)) return;
		const series = seriesOf(packet);
		const time = heardAt(packet);
		this.packets += 1;
		this.byNetwork[series] = (this.byNetwork[series] ?? 0) + 1;
		this.timeline.add(time, series);
		this.places.add(placeOfPacket(packet), series === 1);
		this.strengths[series]?.add(packet.device.rssi);
		const { id, name } = packet.device;
		this.groups?.add(tagsOf(packet), [1, Number(series === 1)]);
		this.values?.add(packet);
		const known = this.devices.get(id);
		// A stamp from the future says nothing about when.
		const last = time <= this.frame.now + AHEAD_S ? time : 0;
		if (known) {
			known.packets += 1;
			// A device may have been renamed meanwhile.
			if (name) known.name = name;
			known.last = Math.max(known.last, last);
		} else if (this.devices.size < MOST_DEVICES) this.devices.set(id, { name: name ?? '', packets: 1, last });
		else this.beyond += 1;
	}

	summary(): IDataObject {
		const [terrestrial, satellite, unknown] = this.byNetwork;
		const { packets, devices } = this;
		return { packets, devices: devices.size, terrestrial, satellite, ...(unknown ? { unknownNetwork: unknown } : {}) };
	}

	render(): Block[] {
		const { packets, devices, groups, places } = this;
		const [, satellite = 0] = this.byNetwork;
		const perDevice = devices.size ? (packets - this.beyond) / devices.size : 0;
		const strengths = NETWORKS.map((_name, series) => series).filter(
			(series) => series < 2 || this.strengths[series]?.count,
		);
		return [
			{
				figures: [
					{ label: 'Packets', value: wholeNumber(packets) },
					{ label: 'Devices heard', value: this.beyond ? `${wholeNumber(devices.size)}+` : wholeNumber(devices.size) },
					{
						label: 'Packets per device',
						value: devices.size ? perDevice.toLocaleString('en', { maximumFractionDigits: 1 }) : '–',
					},
					{ label: 'By satellite', value: percent(satellite, packets), remark: counted(satellite, 'packet') },
				],
			},
			[this.overTime()],
			...(this.values?.sections() ?? []).map((section) => [section]),
			[mapSection('Where packets were heard', MAP, { places, tone: 2, nouns: ['packet', 'by satellite'] })],
			...(groups ? [[groups.section()]] : []),
			strengths.map((series) => this.strength(series)),
			[this.deviceTable()],
		];
	}

	/** The networks that came; the two of Hubble's in any case. */
	private get series(): string[] {
		return NETWORKS.filter((_name, series) => series < 2 || this.byNetwork[series]);
	}

	private overTime(): Section {
		const { timeline } = this;
		const { outside } = timeline;
		return {
			title: 'Packets over time',
			subtitle: `Packets per ${timeline.unit} by the time at which they were heard (${this.frame.timezone})`,
			content: { columns: timeline.columns('packets'), series: this.series, description: 'Packets over time' },
			notes: [
				outside > 0 &&
					`${counted(outside, 'packet')} ${outside === 1 ? 'was' : 'were'} heard outside the period and ${outside === 1 ? 'is' : 'are'} not shown.`,
			],
		};
	}

	private strength(series: number): Section {
		const name = String(NETWORKS[series]).toLowerCase();
		const strengths = this.strengths[series];
		const title = `Signal strength, ${name}`;
		if (!strengths?.count) return { title, content: { text: 'No packet came with a signal strength.' } };
		const heard = this.strengths.filter(({ count: packets }) => packets > 0);
		const weakest = Math.floor(Math.min(...heard.map((one) => one.quantile(0))) / BAND) * BAND;
		const strongest = (Math.floor(Math.max(...heard.map((one) => one.quantile(1))) / BAND) + 1) * BAND;
		const [low, middle, high] = [0.1, 0.5, 0.9].map((share) => strengths.quantile(share));
		return {
			title,
			subtitle: `Packets by RSSI in dBm. Median ${middle}; 80% lie from ${low} to ${high}.`,
			content: { columns: strengths.columns(weakest, strongest, series), series: [], description: title, height: 190 },
		};
	}

	private deviceTable(): Section {
		const { timezone } = this.frame;
		const title = 'Devices';
		const all = [...this.devices].sort(([, a], [, b]) => b.packets - a.packets || b.last - a.last);
		if (!all.length) return { title, content: { text: 'There are no packets in the period.' } };
		const isListed = (packets: number, index: number) =>
			index < LISTED_ANYWAY || (index < MOST_LISTED && 100 * packets >= this.packets);
		const listed = all.filter(([, { packets }], index) => isListed(packets, index));
		const rest = all.slice(listed.length);
		const restPackets = rest.reduce((sum, [, { packets }]) => sum + packets, 0);
		const amount = (packets: number) => [wholeNumber(packets), percent(packets, this.packets)];
		const rows = listed.map(([id, { name, packets, last }]) => [
			name || '–',
			{ id },
			last ? timeText(last * 1000, timezone).slice(0, 16) : '–',
			...amount(packets),
		]);
		if (rest.length) rows.push([counted(rest.length, 'other device'), '', '', ...amount(restPackets)]);
		return {
			title,
			subtitle: 'By number of packets',
			content: { table: { columns: ['Device', 'Device ID', 'Last heard', '#Packets', '#Share'], rows } },
			notes: [
				rest.length > 0 && 'Export Packets contains all.',
				this.beyond > 0 &&
					`Only the first ${counted(MOST_DEVICES, 'device')} are listed separately; ${counted(this.beyond, 'packet')} came from others.`,
			],
		};
	}
}
