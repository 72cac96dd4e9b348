/** The report on a fleet: what is heard, what is silent, and where. */
import type { IDataObject } from 'n8n-workflow';
import { DAY_S, HOUR_S } from '../client/clock';
import { objectOf } from '../client/json';
import { lastPacket, placeHeard, placeInstalled } from '../device/device';
import { duration, timeText } from '../operation/times';
import type { Work } from '../operation/operation';
import { wholeNumber, counted } from '../operation/values';
import type { Block, PlaceMap, Section } from './blocks';
import { mapSection } from './map';
import { PlaceBins } from './places';
import { percent } from './markup';
import type { Report, ReportFrame } from './createReport';
import type { FleetValues } from './fleetValues';
import { TagGroups } from './tagGroups';

const AGES = [
	{ name: 'In the last hour', upTo: HOUR_S },
	{ name: '1 to 6 hours ago', upTo: 6 * HOUR_S },
	{ name: '6 to 24 hours ago', upTo: DAY_S },
	{ name: '1 to 3 days ago', upTo: 3 * DAY_S },
	{ name: '3 to 7 days ago', upTo: 7 * DAY_S },
	{ name: '7 to 30 days ago', upTo: 30 * DAY_S },
	{ name: 'More than 30 days ago', upTo: Infinity },
];

/** Silent devices that the report lists at most. */
const MOST_SILENT = 50;

/** As it was entered, in hours: in other units only where they are whole. */
const exactDuration = (seconds: number) =>
	seconds % DAY_S && seconds !== HOUR_S ? `${seconds / HOUR_S} hours` : duration(seconds);

export class FleetReport implements Report {
	private readonly ages = AGES.map(() => 0);
	private readonly networks = { terrestrial: 0, satellite: 0, both: 0, unknown: 0 };
	private readonly places = new PlaceBins();
	private devices = 0;
	private never = 0;
	private silent = 0;
	private listed: Array<{ id: string; name: string; heardAt: number; place: string }> = [];
	private readonly silentAfter: number;
	private readonly groups?: TagGroups;

	constructor(
		private readonly frame: ReportFrame,
		private readonly values?: FleetValues,
	) {
		const { silentAfterHours, groupByTag } = frame.settings;
		this.silentAfter = Number(silentAfterHours ?? 24) * HOUR_S;
		if (groupByTag) this.groups = new TagGroups(String(groupByTag), ['Devices', 'Silent', 'Never heard']);
	}

	add(row: IDataObject): void {
		this.devices += 1;
		const { timestamp } = lastPacket(row, this.frame.now);
		const age = timestamp === undefined ? undefined : this.frame.now - timestamp;
		const isSilent = age !== undefined && age > this.silentAfter;
		this.places.add(
			placeHeard(row, this.frame.now) ?? placeInstalled(row),
			isSilent || age === undefined,
			this.values && String(row.id),
		);
		this.values?.add(row);
		this.groups?.add(row.tags, [1, Number(isSilent), Number(age === undefined)]);
		if (timestamp === undefined || age === undefined) {
			this.never += 1;
			return;
		}
		const bucket = AGES.findIndex(({ upTo }) => age <= upTo);
		this.ages[bucket] = (this.ages[bucket] ?? 0) + 1;
		const { terrestrial, satellite } = objectOf(row.most_recent_packet);
		const onlyOne = satellite ? 'satellite' : terrestrial ? 'terrestrial' : 'unknown';
		this.networks[terrestrial && satellite ? 'both' : onlyOne] += 1;
		if (isSilent) this.addSilent(row, timestamp);
	}

	async readMore(work: Work): Promise<void> {
		await this.values?.read(work);
	}

	private addSilent(row: IDataObject, heardAt: number): void {
		this.silent += 1;
		const place = String(objectOf(row.install_location).location_name ?? '');
		this.listed.push({ id: String(row.id), name: String(row.name ?? ''), heardAt, place });
		if (this.listed.length >= 4 * MOST_SILENT) this.listed = this.latest();
	}

	/** The devices that fell silent last are those about which something can be done. */
	private latest() {
		return [...this.listed].sort((a, b) => b.heardAt - a.heardAt).slice(0, MOST_SILENT);
	}

	summary(): IDataObject {
		const { devices, silent, never } = this;
		return { devices, heard: devices - silent - never, silent, neverHeard: never };
	}

	render(): Block[] {
		const { devices, silent, never, networks, groups } = this;
		const heard = devices - silent - never;
		const after = exactDuration(this.silentAfter);
		const bars = AGES.map(({ name, upTo }, index) => ({
			label: name,
			value: this.ages[index] ?? 0,
			tone: upTo <= this.silentAfter ? 1 : 3,
		}));
		const lastHeard: Section = {
			title: 'Last heard',
			subtitle: 'Devices by the time of their most recent packet',
			content: { bars: [...bars, { label: 'Never', value: never, tone: 3 }] },
		};
		const byNetwork: Section = {
			title: 'Networks',
			subtitle: 'Devices by the networks over which they were heard',
			content: {
				bars: [
					{ label: 'Terrestrial only', value: networks.terrestrial },
					{ label: 'Satellite only', value: networks.satellite, tone: 2 },
					{ label: 'Both', value: networks.both },
					...(networks.unknown ? [{ label: 'No known network', value: networks.unknown }] : []),
					{ label: 'None yet', value: never, tone: 3 },
				],
			},
		};
		const map: PlaceMap = {
			places: this.places,
			tone: 3,
			nouns: ['device', 'silent or never heard'],
			describe: this.values?.describe,
		};
		const where = 'Where a device was last heard, otherwise where it is installed';
		return [
			{
				figures: [
					{ label: 'Devices', value: wholeNumber(devices) },
					{ label: `Heard in the last ${after}`, value: wholeNumber(heard), remark: percent(heard, devices) },
					{ label: 'Silent', value: wholeNumber(silent), remark: percent(silent, devices), isBad: silent > 0 },
					{ label: 'Never heard', value: wholeNumber(never), remark: percent(never, devices) },
				],
			},
			[mapSection('Where the devices are', where, map)],
			...(this.values ? [[this.values.section()]] : []),
			[lastHeard, byNetwork],
			...(groups ? [[groups.section()]] : []),
			[this.silentTable(after)],
		];
	}

	private silentTable(after: string): Section {
		const { now, timezone } = this.frame;
		const title = 'Silent devices';
		const listed = this.latest();
		if (!listed.length) {
			return { title, content: { text: `Every device that has ever been heard was heard in the last ${after}.` } };
		}
		const rows = listed.map(({ id, name, heardAt, place }) => [
			name || '–',
			{ id },
			place || '–',
			timeText(heardAt * 1000, timezone).slice(0, 16),
			duration(now - heardAt),
		]);
		const rest = this.silent - rows.length;
		const note = `${counted(rest, 'device')} that fell silent earlier ${rest === 1 ? 'is' : 'are'} not listed. Export Devices with the filter Silent For (Hours) lists all.`;
		return {
			title,
			subtitle: `Not heard for more than ${after}; the latest to fall silent first`,
			content: { table: { columns: ['Device', 'Device ID', 'Place', 'Last heard', '#Silent for'], rows } },
			notes: [rest > 0 && note],
		};
	}
}
