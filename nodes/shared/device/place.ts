/** Places on the earth. Pure. */

/** WGS 84, in decimal degrees. */
export interface Place {
	latitude: number;
	longitude: number;
}

/** The mean radius of the earth in metres (IUGG). */
const EARTH_M = 6_371_008.8;

/** Degrees in radians. */
export const radians = (degrees: number) => (degrees * Math.PI) / 180;

/** Metres between two places on a sphere (haversine). */
export function distanceBetween(a: Place, b: Place): number {
	const [latA, latB] = [radians(a.latitude), radians(b.latitude)];
	const sinLat = Math.sin((latB - latA) / 2);
	const sinLong = Math.sin(radians(b.longitude - a.longitude) / 2);
	const half = sinLat * sinLat + Math.cos(latA) * Math.cos(latB) * sinLong * sinLong;
	return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(half)));
}
