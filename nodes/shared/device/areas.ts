/** Areas on the earth, and whether a place is in them. Pure. */
import { jsonParse } from 'n8n-workflow';
import { entriesOf, objectOf } from '../client/json';
import { distanceBetween, EARTH_M, radians, type Place } from '../operation/place';

export interface Area {
	name: string;
	/** What makes the area itself: its name and its form as text. */
	shape: string;
	/** Metres; of polygons the radius of a circle of the same size. */
	radius: number;
	contains: (place: Place) => boolean;
	/** Metres from a place outside of the area to its border. */
	distanceTo: (place: Place) => number;
	/** A place in the area. */
	inside: Place;
	/** What of the GeoJSON is no area, in words. */
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

/** A closed ring: its last corner is its first one. Longitudes may go beyond ±180. */
type Ring = Position[];

/** The outer ring and the holes in it. */
type Polygon = Ring[];

/**
 * An area of GeoJSON polygons (RFC 7946), given as text or read already. Edges are straight in the coordinates (3.1.1),
 * however long they are: an area across ±180° is cut there (3.1.9), or has longitudes that go on beyond ±180. What is no
 * polygon is left out. Throws an Error whose message says what is wrong.
 */
export function polygons(name: string, geojson: unknown): Area {
	const { found, others } = polygonsIn(parsed(geojson));
	const leftOut = [...others].map(([what, count]) => `${what} (${count})`).join(', ');
	if (!found.length) {
		const has = leftOut ? `no polygon, only: ${leftOut}` : 'nothing in it';
		throw new Error(`it has ${has}. Draw the border of the area as a polygon, for example with geojson.io`);
	}
	const read = found.map((rings) => rings.map(ringOf));
	const size = read.flatMap((polygon) => polygon.map((ring, index) => sizeOf(ring) * (index ? -1 : 1)));
	const area = size.reduce((sum, part) => sum + part, 0);
	// Less than a square metre is an error of rounding.
	if (area < 1) throw new Error('it has no inside: its corners are on one line, or a hole is larger than the area');
	return {
		name,
		shape: JSON.stringify([name, ...read]),
		radius: Math.sqrt(area / Math.PI),
		contains: (place) => read.some((polygon) => isWithinPolygon(polygon, place)),
		distanceTo: (place) => Math.min(...read.flatMap((polygon) => polygon.map((ring) => distanceToRing(ring, place)))),
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

/** The coordinates of all polygons in a GeoJSON object, at any depth, and what else there is. */
function polygonsIn(geojson: unknown, others: Others = new Map()): { found: unknown[][]; others: Others } {
	const { type, coordinates, geometry, geometries, features } = objectOf(geojson);
	const all = (parts: unknown) => entriesOf(parts).flatMap((part) => polygonsIn(part, others).found);
	const none = (what: string): unknown[][] => {
		others.set(what, (others.get(what) ?? 0) + 1);
		return [];
	};
	const filled = (parts: unknown[][]) => (parts.length && parts.every(({ length }) => length) ? parts : undefined);
	const read = (): unknown[][] => {
		switch (type) {
			case 'Polygon':
				return filled([entriesOf(coordinates)]) ?? none('Polygon without coordinates');
			case 'MultiPolygon':
				return filled(entriesOf(coordinates).map(entriesOf)) ?? none('MultiPolygon without coordinates');
			case 'Feature':
				return geometry ? polygonsIn(geometry, others).found : none('Feature without a geometry');
			case 'FeatureCollection':
				return all(features);
			case 'GeometryCollection':
				return all(geometries);
			default:
				return none(typeof type === 'string' ? type : 'something that is not GeoJSON');
		}
	};
	return { found: read(), others };
}

const isNumber = (value: unknown, most: number): value is number =>
	typeof value === 'number' && Math.abs(value) <= most;

function positionOf(given: unknown): Position {
	const [longitude, latitude] = entriesOf(given);
	if (isNumber(longitude, 360) && isNumber(latitude, 90)) return [longitude, latitude];
	throw new Error(`${JSON.stringify(given)} is not a position: GeoJSON gives the longitude first, then the latitude`);
}

function ringOf(given: unknown): Ring {
	const corners = entriesOf(given).map(positionOf);
	if (new Set(corners.map(String)).size < 3) throw new Error('a polygon needs at least three corners');
	const [begin] = corners;
	if (begin && String(corners.at(-1)) !== String(begin)) corners.push(begin);
	return corners;
}

function* edgesOf(ring: Ring): Generator<[Position, Position]> {
	let before: Position | undefined;
	for (const corner of ring) {
		if (before) yield [before, corner];
		before = corner;
	}
}

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
	return isWithin(outer, place) && !holes.some((hole) => isWithin(hole, place));
}

/** What a longitude may be, as rings go beyond ±180. */
const TURNS = [0, -360, 360];

/** Whether a place is within a ring: a line from it to the east crosses the ring an odd number of times. */
function isWithin(ring: Ring, { latitude, longitude }: Place): boolean {
	return TURNS.some((turn) => {
		const x = longitude + turn;
		let isOdd = false;
		for (const [[x1, y1], [x2, y2]] of edgesOf(ring)) {
			if (y1 > latitude !== y2 > latitude && x < x1 + ((latitude - y1) / (y2 - y1)) * (x2 - x1)) isOdd = !isOdd;
		}
		return isOdd;
	});
}

/** A place in the first polygon: on the parallel that halves its largest part between two corners, amid the longest stretch. */
function placeIn([polygon = []]: Polygon[]): Place {
	const heights = [...new Set(polygon.flat().map(([, latitude]) => latitude))].sort((a, b) => a - b);
	const [, latitude] = widest(heights);
	const crossed = polygon.flatMap((ring) =>
		[...edgesOf(ring)]
			.filter(([[, y1], [, y2]]) => y1 > latitude !== y2 > latitude)
			.map(([[x1, y1], [x2, y2]]) => x1 + ((latitude - y1) / (y2 - y1)) * (x2 - x1)),
	);
	const [, longitude] = widest(
		crossed.sort((a, b) => a - b),
		2,
	);
	return { latitude, longitude: longitude - 360 * Math.round(longitude / 360) };
}

/** The widest gap between a number and the next one, and its middle; of every `step`-th number alone. */
function widest(numbers: readonly number[], step = 1): [width: number, middle: number] {
	let found: [number, number] = [0, numbers[0] ?? 0];
	for (let index = 1; index < numbers.length; index += step) {
		const [from = 0, to = 0] = numbers.slice(index - 1, index + 1);
		if (to - from > found[0]) found = [to - from, (from + to) / 2];
	}
	return found;
}

function distanceToRing(ring: Ring, place: Place): number {
	let nearest = Infinity;
	for (const edge of edgesOf(ring)) {
		for (const turn of TURNS) nearest = Math.min(nearest, distanceToEdge(edge, place, turn));
	}
	return nearest;
}

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
