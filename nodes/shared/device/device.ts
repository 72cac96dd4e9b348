/** The device: when and where it was heard last, where it is installed, and its short form. */
import type { IDataObject } from 'n8n-workflow';
import { placeOf, type Place } from '../operation/place';
import { isoTime } from '../operation/times';

/** The last packet of each network, as a device shows them; times are Unix seconds. */
type LastPacket = IDataObject & { timestamp: number };

/** The last packets of a device, that which was heard last first. */
function lastPackets({ most_recent_packet: packets }: IDataObject): LastPacket[] {
	const seen = Object.values((packets ?? {}) as IDataObject).filter(Boolean) as LastPacket[];
	return seen.sort((a, b) => b.timestamp - a.timestamp);
}

/** When a device was heard last, over both networks. */
export const lastPacket = (row: IDataObject): Partial<LastPacket> => lastPackets(row)[0] ?? {};

/**
 * Where a device was heard last, and when that was in Unix seconds: where its last packet says no place, that of the
 * other network stands in. `undefined` when no packet says one.
 */
export function placeHeard(row: IDataObject): (Place & { timestamp: number }) | undefined {
	for (const { timestamp, location } of lastPackets(row)) {
		const { latitude, longitude, horizontal_accuracy } = (location ?? {}) as IDataObject;
		const place = placeOf(latitude, longitude, horizontal_accuracy);
		if (place) return { ...place, timestamp };
	}
	return undefined;
}

/** Where a device is installed; `undefined` when that is not known. Hubble takes 0/0 for no place, too. */
export function placeInstalled({ install_location }: IDataObject): Place | undefined {
	const { lat, long } = (install_location ?? {}) as IDataObject;
	return placeOf(lat, long);
}

/** Whether a device has all of these own tags, each as `key:value`. */
export function hasTags({ tags }: IDataObject, wanted: readonly string[]): boolean {
	const own = new Set(Object.entries(tags ?? {}).map(([key, value]) => `${key}:${String(value)}`));
	return wanted.every((tag) => own.has(tag));
}

/** The names of the flat fields: what people look for first, the key last. */
export const SIMPLIFIED = [
	'name',
	'lastPacketAt',
	'environment',
	'tags',
	'latitude',
	'longitude',
	'locationType',
	'locationAccuracy',
	'installLocation',
	'createdAt',
	'deviceId',
];

/**
 * A device in flat fields, `tags` an object of its own tags. The place is where it was heard last, else where it is
 * installed; `locationType` says which of them, `heard` or `installed`, `locationAccuracy` by how many metres the place
 * may be off.
 */
export function simplifyDevice(row: IDataObject): IDataObject {
	const { timestamp } = lastPacket(row);
	const { _env, ...tags } = (row.tags ?? {}) as IDataObject;
	const heard = placeHeard(row);
	const place = heard ?? placeInstalled(row);
	return {
		name: row.name,
		lastPacketAt: timestamp === undefined ? null : isoTime(timestamp),
		environment: _env ?? null,
		tags,
		latitude: place?.latitude ?? null,
		longitude: place?.longitude ?? null,
		locationType: place ? (heard ? 'heard' : 'installed') : null,
		locationAccuracy: place?.accuracy ?? null,
		installLocation: (row.install_location as IDataObject | undefined)?.location_name ?? null,
		createdAt: isoTime(row.created_ts as number),
		deviceId: row.id ?? row.device_id,
	};
}

/** A device as a registration gives it, in flat fields; `key` is `null` where Hubble does not show it. */
export function simplifyRegistered(row: IDataObject): IDataObject {
	const { name, environment, tags, installLocation, createdAt, deviceId } = simplifyDevice(row);
	const { created, key = null } = row;
	return {
		...(created === undefined ? {} : { created }),
		name,
		key,
		environment,
		tags,
		installLocation,
		createdAt,
		deviceId,
	};
}
