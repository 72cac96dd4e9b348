/** The device: when and where it was heard last, where it is installed, and its short form. */
import type { IDataObject } from 'n8n-workflow';
import { isoTime } from '../operation/times';
import type { Place } from './place';

/** When a device was heard last, over both networks. */
export function lastPacket({ most_recent_packet: packets }: IDataObject): IDataObject & { timestamp?: number } {
	const seen = Object.values((packets ?? {}) as IDataObject).filter(Boolean) as Array<{ timestamp: number }>;
	return seen.sort((a, b) => b.timestamp - a.timestamp)[0] ?? {};
}

const isNumber = (value: unknown): value is number => typeof value === 'number';

/** Where a device was heard last; `undefined` when that is not known. */
export function placeHeard(row: IDataObject): Place | undefined {
	const { latitude, longitude } = (lastPacket(row).location ?? {}) as IDataObject;
	return isNumber(latitude) && isNumber(longitude) ? { latitude, longitude } : undefined;
}

/** Where a device is installed; `undefined` when that is not known. Hubble takes 0/0 for no place. */
export function placeInstalled({ install_location }: IDataObject): Place | undefined {
	const { lat, long } = (install_location ?? {}) as IDataObject;
	return isNumber(lat) && isNumber(long) && (lat !== 0 || long !== 0) ? { latitude: lat, longitude: long } : undefined;
}

/** Whether a device has all of these own tags, each as `key:value`. */
export function hasTags({ tags }: IDataObject, wanted: readonly string[]): boolean {
	const own = new Set(Object.entries(tags ?? {}).map(([key, value]) => `${key}:${String(value)}`));
	return wanted.every((tag) => own.has(tag));
}

/** The names of the ten flat fields: what people look for first, the key last. */
export const SIMPLIFIED = [
	'name',
	'lastPacketAt',
	'environment',
	'tags',
	'latitude',
	'longitude',
	'locationType',
	'installLocation',
	'createdAt',
	'deviceId',
];

/**
 * A device in ten flat fields, `tags` an object of its own tags. The place is where it was heard last, else where
 * it is installed; `locationType` says which of them, `heard` or `installed`.
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
