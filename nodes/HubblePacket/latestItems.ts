/** Get Latest per Device: knows from the list of devices when each was heard, so that reading backwards can end. */
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { between, endpoints, FAR_FUTURE_S } from '../shared/client/endpoints';
import { objectOf } from '../shared/client/json';
import { acceptedRows, leftOut } from '../shared/client/pages';
import { readPages, type Reading } from '../shared/client/windows';
import { AHEAD_S, stampsOf } from '../shared/device/device';
import { pickedIds } from '../shared/operation/fields';
import type { Fields, Hint, Work } from '../shared/operation/operation';
import { chosenShape, cutOff } from '../shared/operation/rows';
import { counted } from '../shared/operation/values';
import { withDecoded } from '../shared/packet/decode';
import { packetFilter, packetFilters } from '../shared/packet/filter';
import { isPacket, PACKETS, SIMPLIFIED, simplifyPacket, type Packet } from '../shared/packet/packet';
import { valueFilter } from '../shared/packet/valueFilter';
import { LatestPackets } from './latest';
import { decoderOf } from './values';

/** So many picked devices are asked for one by one; for more, the list of devices tells where to read. */
const FEW_DEVICES = 20;

/** The filters of the triggers by device; their values go to `packetFilter`. */
export const deviceSettings: Fields = Object.fromEntries(
	packetFilters.options
		.filter(({ name }) => name === 'devices' || name === 'tags')
		.map((property) => [
			property.name,
			{
				...property,
				collection: 'filters',
				toWire: (value: unknown) => {
					packetFilter({ [property.name]: objectOf({ value }).value });
					return value;
				},
			},
		]),
);

export const includeSilent = {
	displayName: 'Include Devices Without Packet',
	name: 'includeSilent',
	type: 'boolean',
	default: true,
	description: 'Whether to also return the devices that sent no packet in the period, after all others',
	collection: 'options',
} as const satisfies Fields[string];

/** How many requests a run took, once for all items. */
class RequestCount {
	readonly type = 'info';
	private devices = 0;
	private requests = 0;

	add(devices: number, requests: number): void {
		this.devices += devices;
		this.requests += requests;
	}

	text(): string {
		return `The latest packets of ${counted(this.devices, 'device')} took ${counted(this.requests, 'request')}.`;
	}
}

/** One search for the latest packets: its I/O. */
class Search {
	readonly latest: LatestPackets;
	/** The devices of the list that are wanted, where those without a packet are given, too. */
	readonly fleet: IDataObject[] = [];
	private readonly matches: (packet: Packet) => boolean;
	private readonly end: number;
	private readonly start: number;
	private readonly now: number;
	private malformed = 0;
	private reading = 0;

	constructor(private readonly work: Work) {
		const { hubble, request } = work;
		const { devices, tags } = request.settings;
		[this.start, this.end, this.now] = [Number(request.query.start), Number(request.query.end), hubble.now()];
		this.matches = packetFilter({ devices, tags }) ?? (() => true);
		this.latest = new LatestPackets({ start: this.start, end: this.end, now: this.now });
	}

	async run(): Promise<void> {
		const { latest, work, start, end } = this;
		const { devices, includeSilent: wantsAll } = work.request.settings;
		const picked = devices ? pickedIds(devices) : [];
		if (picked.length && picked.length <= FEW_DEVICES && !wantsAll) {
			for (const id of picked) latest.expect(id, NaN);
		} else {
			await this.listFleet();
			let [reached, rows] = [end, 0];
			for (let from = latest.next(end, 0); from !== undefined; from = latest.next(reached, rows)) {
				rows += await this.read({ start: from, end: reached });
				reached = from;
			}
		}
		for (const [id, heard] of latest.missing) await this.askFor(id, heard, start, end);
		if (this.malformed) work.hints.add(leftOut(this.malformed, PACKETS));
	}

	/** Learns which devices to look for: those that were heard last, as many as are wanted. */
	private async listFleet(): Promise<void> {
		const { work, latest, matches, start, now } = this;
		const { hubble, request } = work;
		const { settings, query, limit } = request;
		const wantsAll = Boolean(settings.includeSilent);
		const isFiltered = wantsAll || [settings.devices, settings.tags, valueFilter(settings)].some(Boolean);
		const wanted = isFiltered ? Infinity : limit + 1;
		const call = {
			endpoint: endpoints.listDevices,
			query: {
				filter_tags: query.filter_tags,
				...(wantsAll ? {} : { filter_most_recent_packet_ts: between(start, FAR_FUTURE_S) }),
				sort_field: 'most_recent_packet_ts',
				sort_ascending: false,
			},
		};
		let known = 0;
		for await (const { rows } of readPages(hubble, call, endpoints.listDevices.list, { limit: wanted })) {
			for (const row of acceptedRows(rows, endpoints.listDevices.list)) {
				const id = String(row.id);
				if (!matches({ device: { id, tags: row.tags, payload: '', timestamp: 0 } })) continue;
				known += 1;
				const stamps = stampsOf(row);
				if (stamps.length) latest.expect(id, stamps.every((at) => at <= now + AHEAD_S) ? Math.max(...stamps) : NaN);
				if (wantsAll) this.fleet.push({ id, name: row.name, tags: row.tags });
			}
			if (known >= wanted) return;
		}
	}

	/** @returns how many packets it read, until `isEnough` */
	private async read(
		query: IDataObject,
		reading: Reading = { limit: Infinity },
		isEnough = () => false,
	): Promise<number> {
		const { hubble, request } = this.work;
		const call = { endpoint: request.endpoint, query: { ...request.query, ...query } };
		this.reading += 1;
		let count = 0;
		for await (const { rows } of readPages(hubble, call, PACKETS, reading)) {
			count += rows.length;
			const ordered = reading.newestFirst ? [...rows].reverse() : rows;
			for (const row of acceptedRows(ordered, PACKETS, () => (this.malformed += 1))) {
				if (isPacket(row)) this.latest.add(row, this.reading, this.matches(row));
			}
			if (isEnough()) break;
		}
		return count;
	}

	/** The latest packet of one device: where it was heard last, else anywhere in the period. */
	private async askFor(id: string, heard: number, start: number, end: number): Promise<void> {
		const isFound = () => this.latest.has(id);
		if (!Number.isNaN(heard)) {
			await this.read({ device_id: id, start: Math.max(start, Math.floor(heard) - AHEAD_S), end });
		}
		if (!isFound()) await this.read({ device_id: id, start, end }, { limit: 1, newestFirst: true }, isFound);
	}
}

/** The latest packet of each device as an item, newest first. */
export async function latestItems(work: Work): Promise<INodeExecutionData[]> {
	const { hubble, request, hints } = work;
	const { settings, limit } = request;
	const before = hubble.run.traffic.requests;
	const search = new Search(work);
	await search.run();
	const packets = search.latest.packets();
	countRequests(hints).add(Math.min(packets.length, limit), hubble.run.traffic.requests - before);
	const decode = decoderOf(settings, hints);
	const keeps = valueFilter(settings) ?? (() => true);
	const shape = chosenShape(request, simplifyPacket);
	const items: INodeExecutionData[] = [];
	for (const packet of packets) {
		const said = decode?.(packet.device.payload);
		if (keeps(said?.decoded)) items.push({ json: said ? withDecoded(packet, said, shape) : shape(packet) });
	}
	const silent = keeps(undefined) ? search.fleet.filter(({ id }) => !search.latest.has(String(id))) : [];
	for (const device of silent) items.push({ json: silentRow(work, device, decode !== undefined) });
	return items.length > limit ? [...items.slice(0, limit), ...cutOff(work, true)] : items;
}

function countRequests(hints: Set<Hint>): RequestCount {
	const known = [...hints].find((hint) => hint instanceof RequestCount) ?? new RequestCount();
	hints.add(known);
	return known;
}

/** A device without a packet, in the fields of a packet. */
function silentRow({ request }: Work, device: IDataObject, isDecoded: boolean): IDataObject {
	const nothing = Object.fromEntries(SIMPLIFIED.map((name) => [name, null]));
	const said = isDecoded ? { decoded: null, decodeError: null } : {};
	const { timestamp, ...others } = nothing;
	const { id, name = null, tags } = device;
	const flat = { timestamp, deviceName: null, ...said, ...others };
	return chosenShape(request, () => ({ ...flat, deviceName: name, tags: objectOf(tags), deviceId: id }))({ device });
}
