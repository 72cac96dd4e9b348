/** The device: when and where it was heard last, where it is installed, and its short form. */
import type { IDataObject } from 'n8n-workflow';
import { AHEAD_S, HOUR_S } from '../client/clock';
import { objectOf, withoutUndefined } from '../client/json';
import { placeOf, type Place } from '../operation/place';
import { isoTime } from '../operation/times';

/** The last packet of one network, as a device shows it. */
interface LastPacket extends IDataObject {
	/** Unix seconds. */
	timestamp: number;
}

/** Zero and what lies before it is no time: some programs write the year 1 for none. */
function isLastPacket(packet: unknown): packet is LastPacket {
	const { timestamp } = objectOf(packet);
	return typeof timestamp === 'number' && Number.isFinite(timestamp) && timestamp > 0;
}

const packetsIn = (packets: unknown) => Object.values(objectOf(packets)).filter(isLastPacket);

/** The stamps of a device's last packets as they are, in Unix seconds. */
export const stampsOf = ({ most_recent_packet: packets }: IDataObject): number[] =>
	packetsIn(packets).map(({ timestamp }) => timestamp);

/** Whether no stamp of a device is from the future. */
export const isTrusted = (row: IDataObject, now: number): boolean =>
	stampsOf(row).every((stamp) => stamp <= now + AHEAD_S);

/**
 * The last packets of a device, that which was heard last first; those with a stamp from the future come last, as heard now.
 * @param now Hubble's time in Unix seconds
 */
function lastPackets({ most_recent_packet: packets }: IDataObject, now: number): LastPacket[] {
	const seen = packetsIn(packets);
	const isTrusted = ({ timestamp }: LastPacket) => timestamp <= now + AHEAD_S;
	const trusted = seen.filter(isTrusted).sort((a, b) => b.timestamp - a.timestamp);
	const others = seen.filter((packet) => !isTrusted(packet));
	return [...trusted, ...others.map((packet) => ({ ...packet, timestamp: now }))];
}

/** When a device was heard last, over both networks. */
export const lastPacket = (row: IDataObject, now: number): Partial<LastPacket> => lastPackets(row, now)[0] ?? {};

/** How long packets may take by satellite: Hubble receives 99 % of them within six hours (its service levels). */
export const SATELLITE_DELAY_S = 6 * HOUR_S;

/**
 * Whether only satellites have heard a device lately: on the ground it was not heard in the time that they may take.
 * @param heard when it was heard last, in Unix seconds: a stamp of a satellite's packet may be from the future
 * @param ahead a stamp from the future, and when it was first seen: one of the ground counts as heard then
 */
export function isHeardBySatelliteAlone(
	{ most_recent_packet: packets }: IDataObject,
	heard: number,
	[stamp, since = 0]: readonly number[] = [],
): boolean {
	const { satellite, terrestrial } = objectOf(packets);
	const stampOnGround = isLastPacket(terrestrial) ? terrestrial.timestamp : 0;
	const onGround = stampOnGround === stamp ? since : stampOnGround;
	return isLastPacket(satellite) && Math.min(satellite.timestamp, heard) - onGround > SATELLITE_DELAY_S;
}

/**
 * Where a device was heard last, and when that was in Unix seconds: where its last packet says no place, that of the
 * other network stands in. `undefined` when no packet says one.
 */
export function placeHeard(row: IDataObject, now: number): (Place & { timestamp: number }) | undefined {
	for (const { timestamp, location } of lastPackets(row, now)) {
		const { latitude, longitude, horizontal_accuracy } = objectOf(location);
		const place = placeOf(latitude, longitude, horizontal_accuracy);
		if (place) return { ...place, timestamp };
	}
	return undefined;
}

/** Where a device is installed; `undefined` when that is not known. Hubble takes 0/0 for no place, too. */
export function placeInstalled({ install_location }: IDataObject): Place | undefined {
	const { lat, long } = objectOf(install_location);
	return placeOf(lat, long);
}

/** Whether a device has all of these own tags, each as `key:value`. */
export function hasTags({ tags }: IDataObject, wanted: readonly string[]): boolean {
	const own = new Set(Object.entries(tags ?? {}).map(([key, value]) => `${key}:${String(value)}`.normalize()));
	return wanted.every((tag) => own.has(tag.normalize()));
}

/**
 * A device in flat fields, `tags` an object of its own tags. The place is where it was heard last, else where it is
 * installed; `locationType` says which of them, `heard` or `installed`, `locationAccuracy` by how many metres the place
 * may be off. `install…` is where it is installed, as name and coordinates. `timestampTrusted` is `false` where a stamp
 * of the device is from the future: then it was heard later than `lastPacketAt`, or nobody knows when.
 */
export function simplifyDevice(row: IDataObject, now: number): IDataObject {
	const { timestamp } = lastPacket(row, now);
	const { _env, ...tags } = objectOf(row.tags);
	const heard = placeHeard(row, now);
	const installed = placeInstalled(row);
	const place = heard ?? installed;
	return {
		name: row.name,
		lastPacketAt: timestamp === undefined ? null : isoTime(timestamp),
		timestampTrusted: isTrusted(row, now),
		environment: _env ?? null,
		tags,
		latitude: place?.latitude ?? null,
		longitude: place?.longitude ?? null,
		locationType: place ? (heard ? 'heard' : 'installed') : null,
		locationAccuracy: place?.accuracy ?? null,
		installPlace: objectOf(row.install_location).location_name ?? null,
		installLatitude: installed?.latitude ?? null,
		installLongitude: installed?.longitude ?? null,
		createdAt: isoTime(Number(row.created_ts ?? NaN)),
		deviceId: row.id ?? row.device_id,
	};
}

/** The names of the flat fields. */
export const DEVICE_FIELDS = Object.keys(simplifyDevice({}, 0));

/** A device as a registration gives it, in flat fields; `key` is `null` where Hubble does not show it. */
export function simplifyRegistered(row: IDataObject, now: number): IDataObject {
	const { name, environment, tags, installPlace, installLatitude, installLongitude, createdAt, deviceId } =
		simplifyDevice(row, now);
	const place = { installPlace, installLatitude, installLongitude };
	const { key = null } = row;
	const registered = withoutUndefined({ created: row.created });
	return { ...registered, key, name, environment, tags, ...place, createdAt, deviceId };
}
