/** Areas on the earth, and whether a place is in them. Pure. */
import { jsonParse } from 'n8n-workflow';
import { entriesOf, objectOf } from '../client/json';
import { distanceBetween, EARTH_M, isWithin, radians, type Place } from '../operation/place';
import { leastOf, mostOf } from '../operation/values';

export interface Area {
	name: string;
	/** Identifies the area: its name and its form as text. */
	shape: string;
	/** Metres; of polygons the radius of a circle of the same size. */
	radius: number;
	contains: (place: Place) => boolean;
	/** Metres from a place outside of the area to its border. */
	distanceTo: (place: Place) => number;
	/** A place in the area. */
	inside: Place;
	/** What of the GeoJSON is not an area, in words. */
	leftOut?: string;
}

/**
 * Whether a device is in an area now: it enters at the border, and leaves when it is further outside than
 * `hysteresis` metres, so that one at the border does not enter and leave all the time.
 */
export function isInside(area: Area, place: Place, wasInside: boolean, hysteresis: number): boolean {
	return area.contains(place) || (wasInside && area.distanceTo(place) <= hysteresis);
}

export function circle(name: string, center: Place, radius: number): Area {
	return {
		name,
		shape: JSON.stringify([name, center.latitude, center.longitude, radius]),
		radius,
		contains: (place) => distanceBetween(center, place) <= radius,
		distanceTo: (place) => distanceBetween(center, place) - radius,
		inside: center,
	};
}

type Position = [longitude: number, latitude: number];

/** The corners of a closed ring; its first one may come again at the end. Longitudes may go beyond ±180. */
type Ring = Position[];

/** The outer ring and the holes in it. */
type Polygon = Ring[];

/**
 * An area of GeoJSON polygons (RFC 7946), given as text or read already. Edges are straight in the coordinates (3.1.1),
 * however long they are: an area across ±180° is cut there (3.1.9), or has longitudes that go on beyond ±180. What is no
 * polygon is left out. Throws an Error whose message says what is wrong.
 */
export function polygons(name: string, geojson: unknown): Area {
	const others: Others = new Map();
	const found = polygonsIn(parsed(geojson), others);
	const leftOut = [...others].map(([what, count]) => `${what} (${count})`).join(', ');
	if (!found.length) {
		const has = leftOut ? `no polygon, only: ${leftOut}` : 'nothing in it';
		throw new Error(`it has ${has}. Draw the border of the area as a polygon, for example with geojson.io`);
	}
	const read = found.map((rings) => rings.map(ringOf));
	// Most places are north or south of a polygon, which then need not look at its edges.
	const bounded = read.map((polygon) => {
		const latitudes = polygon.flat().map(([, latitude]) => latitude);
		return { polygon, low: leastOf(latitudes), high: mostOf(latitudes) };
	});
	const size = read.flatMap((polygon) => polygon.map((ring, index) => sizeOf(ring) * (index ? -1 : 1)));
	const area = size.reduce((sum, part) => sum + part, 0);
	// Less than a square metre is an error of rounding.
	if (area < 1) throw new Error('it has no inside: its corners are on one line, or a hole is larger than the area');
	return {
		name,
		shape: JSON.stringify([name, ...read]),
		radius: Math.sqrt(area / Math.PI),
		contains: (place) =>
			bounded.some(
				({ polygon, low, high }) => place.latitude >= low && place.latitude <= high && isWithinPolygon(polygon, place),
			),
		distanceTo: (place) => leastOf(read.flatMap((polygon) => polygon.map((ring) => distanceToRing(ring, place)))),
		inside: placeIn(read),
		...(leftOut ? { leftOut } : {}),
	};
}

/** GeoJSON as people paste it: blanks and a byte order mark around it count for nothing. */
function parsed(geojson: unknown): unknown {
	if (typeof geojson !== 'string') return geojson;
	// `trim` takes a byte order mark for a blank, too.
	return jsonParse<unknown>(geojson.trim(), {
		errorMessage:
			'this is not GeoJSON. Draw the area with a tool such as geojson.io, and paste all of the text that it shows, from the first { to the last }',
	});
}

/** What is no polygon, by its kind, and how often it comes. */
type Others = Map<string, number>;

/** The coordinates of all polygons in a GeoJSON object, at any depth; what else there is goes into `others`. */
function polygonsIn(geojson: unknown, others: Others): unknown[][] {
	const { type, coordinates, geometry, geometries, features } = objectOf(geojson);
	const all = (parts: unknown) => entriesOf(parts).flatMap((part) => polygonsIn(part, others));
	const none = (what: string): unknown[][] => {
		others.set(what, (others.get(what) ?? 0) + 1);
		return [];
	};
	const filled = (parts: unknown[][]) =>
		parts.length && parts.every(({ length }) => length) ? parts : none(`${String(type)} without coordinates`);
	switch (type) {
		case 'Polygon':
			return filled([entriesOf(coordinates)]);
		case 'MultiPolygon':
			return filled(entriesOf(coordinates).map(entriesOf));
		case 'Feature':
			return geometry ? polygonsIn(geometry, others) : none('Feature without a geometry');
		case 'FeatureCollection':
			return all(features);
		case 'GeometryCollection':
			return all(geometries);
		default:
			return none(typeof type === 'string' ? type : 'something that is not GeoJSON');
	}
}

function positionOf(given: unknown): Position {
	const [longitude, latitude] = entriesOf(given);
	if (isWithin(longitude, 360) && isWithin(latitude, 90)) return [longitude, latitude];
	throw new Error(`${JSON.stringify(given)} is not a position: GeoJSON gives the longitude first, then the latitude`);
}

function ringOf(given: unknown): Ring {
	const corners = entriesOf(given).map(positionOf);
	if (new Set(corners.map(String)).size < 3) throw new Error('a polygon needs at least three corners');
	return corners;
}

/** From each corner to the next, and from the last one to the first: in GeoJSON both are the same place. */
const edgesOf = (ring: Ring) =>
	ring.map((corner, index): [Position, Position] => [ring[index - 1] ?? ring.at(-1) ?? corner, corner]);

/** Square metres within a ring on the sphere: what lies between each edge and the equator, added up. */
function sizeOf(ring: Ring): number {
	let size = 0;
	for (const [[x1, y1], [x2, y2]] of edgesOf(ring)) {
		const half = radians(y2 - y1) / 2;
		size += radians(x2 - x1) * Math.sin(radians(y1 + y2) / 2) * (half === 0 ? 1 : Math.sin(half) / half);
	}
	return Math.abs(size) * EARTH_M ** 2;
}

function isWithinPolygon(polygon: Polygon, place: Place): boolean {
	const [outer = [], ...holes] = polygon;
	return isInRing(outer, place) && !holes.some((hole) => isInRing(hole, place));
}

/** What a longitude may be, as rings go beyond ±180. */
const TURNS = [0, -360, 360];

/** The longitudes at which a ring crosses a parallel. */
const crossingsAt = (latitude: number, ring: Ring): number[] =>
	edgesOf(ring)
		.filter(([[, y1], [, y2]]) => y1 > latitude !== y2 > latitude)
		.map(([[x1, y1], [x2, y2]]) => x1 + ((latitude - y1) / (y2 - y1)) * (x2 - x1));

/** Whether a place is within a ring: a line from it to the east crosses the ring an odd number of times. */
function isInRing(ring: Ring, { latitude, longitude }: Place): boolean {
	const crossed = crossingsAt(latitude, ring);
	return TURNS.some((turn) => crossed.filter((x) => longitude + turn < x).length % 2 === 1);
}

/** A place in the first polygon: on a parallel between its middle corners, amid the first stretch inside of it. */
function placeIn([polygon = []]: Polygon[]): Place {
	const heights = [...new Set(polygon.flat().map(([, latitude]) => latitude))].sort((a, b) => a - b);
	const latitude = middle(heights.slice(heights.length / 2 - 1));
	const longitude = middle(polygon.flatMap((ring) => crossingsAt(latitude, ring)).sort((a, b) => a - b));
	return { latitude, longitude: longitude - 360 * Math.round(longitude / 360) };
}

/** Between the first number and the second. */
const middle = ([from = 0, to = from]: readonly number[]): number => (from + to) / 2;

const distanceToRing = (ring: Ring, place: Place): number =>
	leastOf(edgesOf(ring).flatMap((edge) => TURNS.map((turn) => distanceToEdge(edge, place, turn))));

/** The nearest point of an edge is looked for on a plane that touches the earth at the place. */
function distanceToEdge([[x1, y1], [x2, y2]]: [Position, Position], place: Place, turn: number): number {
	const scale = Math.cos(radians(place.latitude));
	const fromX = (x1 + turn - place.longitude) * scale;
	const fromY = y1 - place.latitude;
	const alongX = (x2 - x1) * scale;
	const alongY = y2 - y1;
	const length = alongX * alongX + alongY * alongY;
	const share = length === 0 ? 0 : Math.min(1, Math.max(0, -(fromX * alongX + fromY * alongY) / length));
	return distanceBetween(place, { longitude: x1 + turn + share * (x2 - x1), latitude: y1 + share * (y2 - y1) });
}
