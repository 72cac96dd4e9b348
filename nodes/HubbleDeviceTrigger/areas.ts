/** Areas on the earth, and whether a place is in them. Pure. */
import { jsonParse } from 'n8n-workflow';
import { distanceBetween, radians, type Place } from '../shared/operation/place';

export interface Area {
	name: string;
	/** What makes the area itself: its name and its form as text. */
	shape: string;
	/** Metres from a place to the area; 0 within it. */
	distanceTo: (place: Place) => number;
}

/**
 * Whether a device is in an area now: it enters at the border, and leaves when it is further outside than
 * `hysteresis` metres, so that one at the border does not enter and leave all the time.
 */
export function isInside(area: Area, place: Place, wasInside: boolean, hysteresis: number): boolean {
	return area.distanceTo(place) <= (wasInside ? hysteresis : 0);
}

export function circle(name: string, center: Place, radius: number): Area {
	return {
		name,
		shape: JSON.stringify([name, center.latitude, center.longitude, radius]),
		distanceTo: (place) => Math.max(0, distanceBetween(center, place) - radius),
	};
}

/** A closed ring, its longitudes without jumps: they may go beyond ±180. */
type Ring = Array<[longitude: number, latitude: number]>;

/** The outer ring and the holes in it. */
type Polygon = Ring[];

/** An area of GeoJSON polygons (RFC 7946). Throws an Error whose message says what is wrong with them. */
export function polygons(name: string, geojson: unknown): Area {
	const parsed =
		typeof geojson === 'string' ? jsonParse<unknown>(geojson, { errorMessage: 'it is not JSON' }) : geojson;
	const found = polygonsIn(parsed);
	if (!found.length) throw new Error('it holds no polygon');
	const read = found.map((rings) => rings.map(ringOf));
	return {
		name,
		shape: JSON.stringify([name, ...read]),
		distanceTo: (place) => Math.min(...read.map((polygon) => distanceToPolygon(polygon, place))),
	};
}

/** The coordinates of all polygons in a GeoJSON object, at any depth. */
function polygonsIn(geojson: unknown): unknown[][] {
	const { type, coordinates, geometry, geometries, features } = (geojson ?? {}) as Record<string, unknown>;
	const list = (value: unknown): unknown[] => {
		if (!Array.isArray(value) || !value.length) throw new Error(`a ${String(type)} without its list`);
		return value as unknown[];
	};
	switch (type) {
		case 'Polygon':
			return [list(coordinates)];
		case 'MultiPolygon':
			return list(coordinates).map(list);
		case 'Feature':
			return polygonsIn(geometry);
		case 'FeatureCollection':
			return list(features).flatMap(polygonsIn);
		case 'GeometryCollection':
			return list(geometries).flatMap(polygonsIn);
		default:
			throw new Error(`${type === undefined ? 'it' : `a ${String(type)}`} is not a GeoJSON polygon`);
	}
}

const isNumber = (value: unknown, most: number): value is number =>
	typeof value === 'number' && Math.abs(value) <= most;

function positionOf(given: unknown): Ring[0] {
	const [longitude, latitude] = Array.isArray(given) ? (given as unknown[]) : [];
	if (isNumber(longitude, 360) && isNumber(latitude, 90)) return [longitude, latitude];
	throw new Error(`${JSON.stringify(given)} is not a position: GeoJSON gives the longitude first, then the latitude`);
}

/**
 * A ring of GeoJSON as one without jumps. An edge of more than 180° of longitude goes the other way round, across
 * ±180°; one of 360° goes all the way round. A ring that does not come back to its start would go around a pole.
 */
function ringOf(given: unknown): Ring {
	const corners = Array.isArray(given) ? (given as unknown[]).map(positionOf) : [];
	if (new Set(corners.map(String)).size < 3) throw new Error('a ring needs at least three corners');
	const begin = corners[0] as Ring[0];
	if (String(corners.at(-1)) !== String(begin)) corners.push(begin);
	let unrolled = begin[0];
	const ring = corners.map(([longitude, latitude], index): Ring[0] => {
		const step = longitude - (corners[index - 1]?.[0] ?? longitude);
		const isShort = Math.abs(step) <= 180 || Math.abs(step) === 360;
		unrolled += isShort ? step : step - 360 * Math.round(step / 360);
		return [unrolled, latitude];
	});
	if (Math.abs(unrolled - begin[0]) > 1e-6) throw new Error('a ring goes around a pole: cut it at ±180°');
	return ring;
}

function distanceToPolygon(polygon: Polygon, place: Place): number {
	const [outer, ...holes] = polygon as [Ring, ...Ring[]];
	if (isWithin(outer, place) && !holes.some((hole) => isWithin(hole, place))) return 0;
	return Math.min(...polygon.map((ring) => distanceToRing(ring, place)));
}

/** Whether a place is within a ring: a line from it to the east crosses the ring an odd number of times. */
function isWithin(ring: Ring, { latitude, longitude }: Place): boolean {
	return [-720, -360, 0, 360, 720].some((turn) => {
		const x = longitude + turn;
		let isOdd = false;
		for (let index = 1; index < ring.length; index++) {
			const [x1, y1] = ring[index - 1] as Ring[0];
			const [x2, y2] = ring[index] as Ring[0];
			if (y1 > latitude !== y2 > latitude && x < x1 + ((latitude - y1) / (y2 - y1)) * (x2 - x1)) isOdd = !isOdd;
		}
		return isOdd;
	});
}

/** Metres from a place to the nearest edge. Edges are straight in longitude and latitude (RFC 7946, 3.1.1). */
function distanceToRing(ring: Ring, place: Place): number {
	let nearest = Infinity;
	for (let index = 1; index < ring.length; index++) {
		nearest = Math.min(nearest, distanceToEdge(ring[index - 1] as Ring[0], ring[index] as Ring[0], place));
	}
	return nearest;
}

/** The nearest point of an edge is looked for on a plane that touches the earth at the place. */
function distanceToEdge([x1, y1]: Ring[0], [x2, y2]: Ring[0], place: Place): number {
	const scale = Math.cos(radians(place.latitude));
	const turn = 360 * Math.round((place.longitude - (x1 + x2) / 2) / 360);
	const fromX = (x1 + turn - place.longitude) * scale;
	const fromY = y1 - place.latitude;
	const alongX = (x2 - x1) * scale;
	const alongY = y2 - y1;
	const length = alongX * alongX + alongY * alongY;
	const share = length === 0 ? 0 : Math.min(1, Math.max(0, -(fromX * alongX + fromY * alongY) / length));
	return distanceBetween(place, { longitude: x1 + turn + share * (x2 - x1), latitude: y1 + share * (y2 - y1) });
}
