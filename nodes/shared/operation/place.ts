/** Places on the earth. Pure. */

/** WGS 84, in decimal degrees. */
export interface Place {
	latitude: number;
	longitude: number;
	/** Metres by which it may be off; not there when that is not known. */
	accuracy?: number;
}

/** Whether a value is a number of at most this size. */
export const isWithin = (value: unknown, most: number): value is number =>
	typeof value === 'number' && Math.abs(value) <= most;

/**
 * The place that coordinates say, wherever one is read; `undefined` when they say none: 0/0 comes from a device without
 * a fix, and what lies outside of ±90 and ±180 is nowhere.
 * @param accuracy metres; what is no distance counts as not known
 */
export function placeOf(latitude: unknown, longitude: unknown, accuracy?: unknown): Place | undefined {
	if (!isWithin(latitude, 90) || !isWithin(longitude, 180) || (latitude === 0 && longitude === 0)) return undefined;
	const isDistance = isWithin(accuracy, Number.MAX_VALUE) && accuracy >= 0;
	return { latitude, longitude, ...(isDistance ? { accuracy } : {}) };
}

/** The mean radius of the earth in metres (IUGG). */
export const EARTH_M = 6_371_008.8;

export const radians = (degrees: number) => (degrees * Math.PI) / 180;

/** Metres between two places on a sphere (haversine). */
export function distanceBetween(a: Place, b: Place): number {
	const [latA, latB] = [radians(a.latitude), radians(b.latitude)];
	const sinLat = Math.sin((latB - latA) / 2);
	const sinLong = Math.sin(radians(b.longitude - a.longitude) / 2);
	const half = sinLat * sinLat + Math.cos(latA) * Math.cos(latB) * sinLong * sinLong;
	return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(half)));
}
