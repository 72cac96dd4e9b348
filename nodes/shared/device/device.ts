/** The device: when and where it was heard last, and its short form. */
import type { IDataObject } from 'n8n-workflow';
import { isoTime } from '../operation/times';

/** When a device was heard last, over both networks. */
export function lastPacket({ most_recent_packet: packets }: IDataObject): IDataObject & { timestamp?: number } {
	const seen = Object.values((packets ?? {}) as IDataObject).filter(Boolean) as Array<{ timestamp: number }>;
	return seen.sort((a, b) => b.timestamp - a.timestamp)[0] ?? {};
}

/** The names of the ten flat fields. */
export const SIMPLIFIED = [
	'id',
	'name',
	'environment',
	'tags',
	'encryption',
	'createdAt',
	'lastPacketAt',
	'latitude',
	'longitude',
	'installLocation',
];

/** A device in ten flat fields. */
export function simplifyDevice(row: IDataObject): IDataObject {
	const { timestamp, location } = lastPacket(row) as { timestamp?: number; location?: IDataObject };
	const { _env, ...own } = (row.tags ?? {}) as IDataObject;
	return {
		id: row.id,
		name: row.name,
		environment: _env ?? null,
		tags: Object.entries(own)
			.map(([key, value]) => `${key}=${String(value)}`)
			.join(', '),
		encryption: row.encryption ?? null,
		createdAt: isoTime(row.created_ts as number),
		lastPacketAt: timestamp === undefined ? null : isoTime(timestamp),
		latitude: location?.latitude ?? null,
		longitude: location?.longitude ?? null,
		installLocation: (row.install_location as IDataObject | undefined)?.location_name ?? null,
	};
}
