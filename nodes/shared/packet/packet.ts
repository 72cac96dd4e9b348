/** The packet: one shape whichever way it came, its key, and its short form. */
import { hash } from 'node:crypto';
import type { IDataObject } from 'n8n-workflow';
import { isObject, objectOf, withoutUndefined } from '../client/json';
import type { List } from '../client/pages';
import { placeOf } from '../operation/place';
import { isoTime } from '../operation/times';

/**
 * A packet as the API definition has it (`packet`). Times are Unix seconds with a fraction, `payload`
 * is Base64.
 */
export interface Packet extends IDataObject {
	location?: IDataObject;
	device: IDataObject & {
		id: string;
		payload: string;
		timestamp: number | string;
		name?: string;
		rssi?: number;
		/** A text where no number can hold it (`longNumbers` in `json.ts`). */
		sequence_number?: number | string;
	};
}

/**
 * Hubble's documents show a delivered packet in three shapes: nested, flat as
 * `{device_id, payload, timestamp, metadata}`, and in older ones flat with `received_at` in the place of `timestamp`,
 * `sequence_number`, `rssi`, `snr` and `gateway_id`, and the coordinates in `metadata`. Each becomes the nested one; what already is nested stays
 * the same object, and what is none of them gives `undefined`.
 */
export function normalizePacket(row: unknown): Packet | undefined {
	if (!isObject(row)) return undefined;
	if (typeof row.device === 'object' && row.device !== null) return isPacket(row) ? row : undefined;
	const { device_id, payload, timestamp, received_at, metadata, sequence_number, rssi, snr, packet_id } = row;
	const { location, network_type, gateway, gateway_id, latitude, longitude, ...rest } = objectOf(metadata);
	const time = timestamp ?? received_at;
	const measured = withoutUndefined({ sequence_number, rssi, snr });
	const flat = { ...rest, id: device_id, payload, timestamp: time, ...measured };
	if (!isPacketDevice(flat)) return undefined;
	const heardBy = gateway ?? ofGateway(row.gateway_id ?? gateway_id);
	const place = location ?? (typeof latitude === 'number' && typeof longitude === 'number' && { latitude, longitude });
	return {
		...(isObject(place) ? { location: place } : {}),
		device: flat,
		...(network_type ? { network_type } : {}),
		...(heardBy ? { gateway: heardBy } : {}),
		...(packet_id === undefined ? {} : { packet_id }),
	};
}

const ofGateway = (id: IDataObject[string]) => (id === undefined || id === null ? undefined : { gateway_id: id });

/** What `normalizePacket` asks for, in words. */
export const PACKET_NEEDS =
	'a device ID, a payload, a valid timestamp and, if it has a sequence number, one that is a number';

/** The last second that a JavaScript date can hold. */
const LATEST = 8.64e12;

/**
 * Whether an object has what a packet requires of its device (API definition, `packet`), and a valid sequence number,
 * if any.
 */
function isPacketDevice(device: unknown): device is Packet['device'] {
	const { id, payload, timestamp, sequence_number } = objectOf(device);
	if (typeof id !== 'string' || id === '' || typeof payload !== 'string') return false;
	const number = sequence_number ?? 0;
	if (typeof number !== 'number' && !LONG_NUMBER.test(String(number))) return false;
	return (typeof timestamp === 'number' || typeof timestamp === 'string') && Math.abs(seconds(timestamp)) <= LATEST;
}

/** Whether a row is a packet in the nested shape. */
export const isPacket = (row: IDataObject): row is Packet => isPacketDevice(row.device);

/** A sequence number that no number can hold. */
const LONG_NUMBER = /^\d{16,}$/;

/** Whether a text says its offset from UTC. */
const HAS_OFFSET = /(?:z|gmt|utc|[+-]\d\d:?\d\d)$/i;

/** Unix seconds of a time that Hubble gives as a number or, in older replies, as ISO text: in UTC unless it says more. */
function seconds(time: number | string): number {
	if (typeof time === 'number') return time;
	const text = time.trim();
	return (
		Date.parse(HAS_OFFSET.test(text) ? text : `${text.replace(' ', 'T')}${text.includes(':') ? 'Z' : 'T00:00Z'}`) / 1000
	);
}

/**
 * Identifies a packet: Hubble may deliver one twice, with the same device, sequence number and time. The same for the
 * webhook, the packet history and all shapes, whatever the server's time zone. Without a number, the payload tells
 * the packets of a second apart.
 */
export function packetKey({ device: { id, sequence_number, payload, timestamp } }: Packet): string {
	return `${id}:${sequence_number ?? hash('sha256', String(payload)).slice(0, 12)}:${seconds(timestamp)}`;
}

/**
 * When the packet was heard, in Unix seconds. The packet history is in the order in which Hubble received the
 * packets, which is about the same; both may differ by the delay of an upload or an error of a clock.
 */
export function heardAt({ device }: Packet): number {
	return seconds(device.timestamp);
}

/** The packet history: what a row must be, and how the rows lie in time. */
export const PACKETS = {
	rows: 'packets',
	pages: 'token',
	accept: { row: normalizePacket, needs: PACKET_NEEDS },
	timeOf(row) {
		const packet = normalizePacket(row);
		return packet ? heardAt(packet) : NaN;
	},
} satisfies List;

/** A device's tags as an object; some documents of Hubble show a list of `key=value` or `key:value` instead. */
export function tagsOf({ device: { tags } }: Packet): IDataObject {
	if (!Array.isArray(tags)) return objectOf(tags);
	return Object.fromEntries(tags.map((tag) => /^([^=:]*)[=:]?(.*)/s.exec(String(tag))?.slice(1) ?? []));
}

/**
 * The network of a packet; `undefined` when it names none, or one that the API definition does not. Hubble's examples
 * say "bluetooth" for the terrestrial one, too.
 */
export function networkOf({ network_type }: Packet): 'TERRESTRIAL' | 'SATELLITE' | undefined {
	const name = String(network_type).toUpperCase();
	return name === 'TERRESTRIAL' || name === 'BLUETOOTH' ? 'TERRESTRIAL' : name === 'SATELLITE' ? name : undefined;
}

/** Where a packet was heard; `undefined` when it does not say. */
export const placeOfPacket = ({ location }: Packet) =>
	placeOf(location?.latitude, location?.longitude, location?.horizontal_accuracy);

/**
 * A packet in flat fields, `tags` an object of the device's own tags; `locationAccuracy` is in metres. What its payload says, where it was
 * decoded, stands behind the device's name: always with `decodeError`, so that this column is in sight.
 */
export function simplifyPacket(packet: IDataObject): IDataObject {
	if (!isPacket(packet)) return packet;
	const { device, network_type, decoded, decodeError, decodedUnits } = packet;
	const { _env, ...tags } = tagsOf(packet);
	const place = placeOfPacket(packet);
	const isDecoded = decoded !== undefined || decodeError !== undefined;
	const said = isDecoded ? { decoded: decoded ?? null, decodeError: decodeError ?? null } : {};
	return {
		timestamp: isoTime(seconds(device.timestamp)),
		deviceName: device.name ?? null,
		...said,
		...(decodedUnits ? { decodedUnits } : {}),
		environment: _env ?? null,
		tags,
		payload: device.payload,
		latitude: place?.latitude ?? null,
		longitude: place?.longitude ?? null,
		locationAccuracy: place?.accuracy ?? null,
		rssi: device.rssi ?? null,
		networkType: network_type ?? null,
		sequenceNumber: device.sequence_number ?? null,
		deviceId: device.id,
		packetKey: packetKey(packet),
	};
}

/** The names of the flat fields: what people look for first, the keys last. */
export const PACKET_FIELDS = Object.keys(simplifyPacket({ device: { id: 'any', payload: '', timestamp: 0 } }));

/** The same with what decoding adds, which stands behind the device's name. */
export const simplifiedWith = (added: readonly string[]): string[] =>
	PACKET_FIELDS.flatMap((name) => (name === 'deviceName' ? [name, ...added] : [name]));
