/** Get Latest per Device: knows from the list of devices when each was heard, so that reading backwards can end. */
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { between, endpoints, FAR_FUTURE_S } from '../shared/client/endpoints';
import { isObject, objectOf } from '../shared/client/json';
import { acceptedRows, type List } from '../shared/client/pages';
import { readPages } from '../shared/client/windows';
import { stampsOf } from '../shared/device/device';
import { pickedIds, toggle, type environment } from '../shared/operation/fields';
import type { Fields, Hint, RequestOf, Work } from '../shared/operation/operation';
import { chosenShape, countLeftOut, cutOff } from '../shared/operation/rows';
import { counted, mostOf } from '../shared/operation/values';
import { withDecoded } from '../shared/packet/decode';
import { packetFilter } from '../shared/packet/filter';
import type { LatestPackets } from '../shared/packet/latest';
import { simplifiedWith, simplifyPacket } from '../shared/packet/packet';
import { LatestReader } from '../shared/packet/readLatest';
import { decoderOf } from '../shared/packet/tally';
import { comparedFields, valueAt, valueFilter } from '../shared/packet/valueFilter';
import type { deviceSettings, PeriodRequest } from './filters';

/** Devices as their list gives them: without an ID nobody can ask for one. */
const DEVICES_WITH_ID = {
	...endpoints.listDevices.list,
	accept: {
		row: (given) => (isObject(given) && typeof given.id === 'string' && given.id ? given : undefined),
		needs: 'an ID',
	},
} satisfies List;

/** So many picked devices are asked for one by one; for more, the list of devices tells where to read. */
const FEW_DEVICES = 20;

export const includeSilent = {
	...toggle('Include Devices Without Packet', 'includeSilent', true),
	description: 'Whether to also return the devices that sent no packet in the period, after all others',
	collection: 'options',
} satisfies Fields[string];

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

type LatestWork = Work<
	PeriodRequest<typeof deviceSettings & { includeSilent: typeof includeSilent }> &
		RequestOf<{ inQuery: { filter_tags: typeof environment } }>
>;

/** Whether a packet is of one of the devices that the user wants. */
const matchesOf = ({ request: { settings } }: LatestWork) =>
	packetFilter({ devices: settings.devices, tags: settings.tags }) ?? (() => true);

/**
 * Learns which devices to look for: those that were heard last, as many as are wanted.
 * @returns the wanted devices of the list, where those without a packet are given, too
 */
async function expectFleet(work: LatestWork, latest: LatestPackets): Promise<IDataObject[]> {
	const { hubble, request, hints } = work;
	const { settings, query, limit } = request;
	const matches = matchesOf(work);
	const wantsAll = Boolean(settings.includeSilent);
	const isFiltered = wantsAll || pickedIds(settings.devices).length > 0 || settings.tags || valueFilter(settings);
	const wanted = isFiltered ? Infinity : limit + 1;
	// By last packet, all pages but the first leave out devices that are heard meanwhile: only one is read in that order.
	const isSorted = wanted <= DEVICES_WITH_ID.pageSize.max;
	const call = {
		endpoint: endpoints.listDevices,
		query: {
			filter_tags: query.filter_tags,
			...(wantsAll ? {} : { filter_most_recent_packet_ts: between(Number(query.start), FAR_FUTURE_S) }),
			...(isSorted ? { sort_field: 'most_recent_packet_ts', sort_ascending: false } : {}),
		},
	};
	const fleet: IDataObject[] = [];
	const known: Array<{ id: string; stamps: number[] }> = [];
	const leaveOut = countLeftOut(hints, DEVICES_WITH_ID);
	for await (const { rows } of readPages(hubble, call, DEVICES_WITH_ID, { limit: wanted })) {
		for (const row of acceptedRows(rows, DEVICES_WITH_ID, leaveOut)) {
			const id = String(row.id);
			if (!matches({ device: { id, tags: row.tags, payload: '', timestamp: 0 } })) continue;
			known.push({ id, stamps: stampsOf(row) });
			if (wantsAll) fleet.push({ id, name: row.name, tags: row.tags });
		}
		if (isSorted && known.length >= wanted) break;
	}
	if (known.length > wanted) known.sort((a, b) => mostOf(b.stamps) - mostOf(a.stamps));
	for (const { id, stamps } of known.slice(0, wanted)) latest.expectHeard(id, stamps);
	return fleet;
}

/** Why a filter by value leaves out a device that may have sent the value before. */
const WITHOUT_VALUE =
	'the latest packet does not contain the value to compare. For devices that send one value per packet, use Summarize: it gives the last value of each field.';

/** The latest packet of each device as an item, newest first. */
export async function latestItems(work: LatestWork): Promise<INodeExecutionData[]> {
	const { hubble, request, hints } = work;
	const { settings, limit, query } = request;
	const before = hubble.run.traffic.requests;
	const frame = { start: Number(query.start), end: Number(query.end), now: hubble.now() };
	const reader = new LatestReader(work, frame, matchesOf(work));
	const { latest } = reader;
	const picked = pickedIds(settings.devices);
	const isFew = picked.length > 0 && picked.length <= FEW_DEVICES && !settings.includeSilent;
	for (const id of isFew ? picked : []) latest.expect(id, NaN);
	const fleet = isFew ? [] : await expectFleet(work, latest);
	if (!isFew) await reader.readBackwards();
	await reader.readMissing();
	const packets = latest.packets();
	countRequests(hints).add(Math.min(packets.length, limit), hubble.run.traffic.requests - before);
	const decode = decoderOf(settings, hints);
	const keeps = valueFilter(settings) ?? (() => true);
	const shape = chosenShape(request, simplifyPacket);
	const compared = comparedFields(settings);
	let without = 0;
	const items: INodeExecutionData[] = [];
	for (const packet of packets) {
		const said = decode?.(packet.device.payload);
		if (keeps(said?.decoded)) items.push({ json: said ? withDecoded(packet, said, shape) : shape(packet) });
		else if (compared.some((name) => valueAt(said?.decoded, name) === undefined)) without += 1;
	}
	if (without) hints.add(`${counted(without, 'device')} left out: ${WITHOUT_VALUE}`);
	const silent = keeps(undefined) ? fleet.filter(({ id }) => !latest.has(String(id))) : [];
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
	const names = simplifiedWith(isDecoded ? ['decoded', 'decodeError'] : []);
	const nothing = Object.fromEntries(names.map((name) => [name, null]));
	const { id, name = null } = device;
	const { _env, ...tags } = objectOf(device.tags);
	const named = { deviceName: name, environment: _env ?? null, tags, deviceId: id };
	return chosenShape(request, () => ({ ...nothing, ...named }))({ device });
}
