/** Areas of the device trigger, against references that are slow and plain. */
import fc from 'fast-check';
import { circle, isInside, polygons } from '../../nodes/HubbleDeviceTrigger/areas';
import { distanceBetween, type Place } from '../../nodes/shared/operation/place';

const at = (longitude: number, latitude: number): Place => ({ longitude, latitude });
const square = (west: number, south: number, east: number, north: number) => [
	[west, south],
	[east, south],
	[east, north],
	[west, north],
	[west, south],
];
const polygon = (...rings: number[][][]) => polygons('P', { type: 'Polygon', coordinates: rings });
const inside = (area: ReturnType<typeof circle>, place: Place) => isInside(area, place, false, 0);

const longitude = fc.double({ min: -180, max: 180, noNaN: true });
const latitude = fc.double({ min: -89, max: 89, noNaN: true });

/** Metres between two places by the angle of their vectors from the earth's center. */
function distanceByVectors(a: Place, b: Place): number {
	const vector = ({ longitude: x, latitude: y }: Place) => {
		const [long, lat] = [(x * Math.PI) / 180, (y * Math.PI) / 180];
		return [Math.cos(lat) * Math.cos(long), Math.cos(lat) * Math.sin(long), Math.sin(lat)] as const;
	};
	const [p, q] = [vector(a), vector(b)];
	const cross = Math.hypot(p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]);
	return 6_371_008.8 * Math.atan2(cross, p[0] * q[0] + p[1] * q[1] + p[2] * q[2]);
}

it('measures on the sphere as vectors do', () => {
	fc.assert(
		fc.property(longitude, latitude, longitude, latitude, (x1, y1, x2, y2) => {
			const [a, b] = [at(x1, y1), at(x2, y2)];
			expect(Math.abs(distanceBetween(a, b) - distanceByVectors(a, b))).toBeLessThan(1);
		}),
	);
});

it('has a circle around its center, also across ±180° and over a pole', () => {
	fc.assert(
		fc.property(
			longitude,
			latitude,
			fc.double({ min: 1, max: 5e6, noNaN: true }),
			longitude,
			latitude,
			(x, y, r, px, py) => {
				const distance = distanceByVectors(at(x, y), at(px, py));
				fc.pre(Math.abs(distance - r) > 1);
				expect(inside(circle('C', at(x, y), r), at(px, py))).toBe(distance < r);
			},
		),
	);
	expect(inside(circle('C', at(179.99, 0), 5000), at(-179.99, 0))).toBe(true);
	expect(inside(circle('C', at(0, 89.99), 5000), at(180, 89.99))).toBe(true);
});

/** The winding number of a ring around a place, by the sum of angles. */
function winds(ring: number[][], { longitude: x, latitude: y }: Place): boolean {
	let sum = 0;
	for (let index = 1; index < ring.length; index++) {
		const [[x1 = 0, y1 = 0], [x2 = 0, y2 = 0]] = [ring[index - 1] ?? [], ring[index] ?? []];
		const turn = Math.atan2(y2 - y, x2 - x) - Math.atan2(y1 - y, x1 - x);
		sum += Math.atan2(Math.sin(turn), Math.cos(turn));
	}
	return Math.abs(sum) > 3;
}

/** A star around a center, whose corners are at random distances: never crosses itself. */
const star = fc
	.tuple(
		fc.double({ min: -180, max: 180, noNaN: true }),
		fc.double({ min: -60, max: 60, noNaN: true }),
		fc.array(fc.double({ min: 1, max: 25, noNaN: true }), { minLength: 4, maxLength: 12 }),
	)
	.map(([x, y, distances]) => {
		const ring = distances.map((distance, index) => {
			const angle = (2 * Math.PI * index) / distances.length;
			return [x + distance * Math.cos(angle), y + distance * Math.sin(angle)];
		});
		return { x, y, ring: [...ring, ring[0] as number[]] };
	});

/** A longitude as it is written: within ±180. */
const wrapped = (x: number) => ((((x + 180) % 360) + 360) % 360) - 180;

it('tells inside from outside as the winding number does, wherever on the earth the ring lies', () => {
	fc.assert(
		fc.property(
			star,
			fc.double({ min: -30, max: 30, noNaN: true }),
			fc.double({ min: -30, max: 30, noNaN: true }),
			({ x, y, ring }, dx, dy) => {
				fc.pre(Math.abs(y + dy) < 89);
				const written = ring.map(([long = 0, lat = 0]) => [wrapped(long), lat]);
				const place = at(x + dx, y + dy);
				expect(inside(polygon(written), at(wrapped(x + dx), y + dy))).toBe(winds(ring, place));
			},
		),
		{ numRuns: 500 },
	);
});

it('leaves holes out, and a hole in which there is land again takes that in', () => {
	const donut = polygon(square(0, 0, 10, 10), square(4, 4, 6, 6));
	expect([at(5, 5), at(2, 2), at(11, 5)].map((place) => inside(donut, place))).toEqual([false, true, false]);
	const withIsland = polygons('P', {
		type: 'MultiPolygon',
		coordinates: [[square(0, 0, 10, 10), square(4, 4, 6, 6)], [square(4.5, 4.5, 5.5, 5.5)]],
	});
	expect(inside(withIsland, at(5, 5))).toBe(true);
});

it('takes a ring across ±180° the short way, and a band around the earth whole', () => {
	const fiji = polygon(square(177, -20, -178, -15));
	expect([at(179, -17), at(-179, -17), at(0, -17), at(176, -17)].map((place) => inside(fiji, place))).toEqual([
		true,
		true,
		false,
		false,
	]);
	expect(inside(polygon(square(177, -20, 182, -15)), at(-179, -17))).toBe(true);
	const tropics = polygon(square(-180, -23, 180, 23));
	expect([at(0, 0), at(179.9, 10), at(-179.9, -10), at(0, 24)].map((place) => inside(tropics, place))).toEqual([
		true,
		true,
		true,
		false,
	]);
});

it('measures how far outside a place is as a walk along the border does', () => {
	const near = fc.tuple(
		fc.nat(),
		fc.double({ min: 0, max: 1, noNaN: true }),
		fc.double({ min: 1.0001, max: 1.02, noNaN: true }),
	);
	fc.assert(
		fc.property(star, near, ({ x, y, ring }, [corner, share, away]) => {
			const index = corner % (ring.length - 1);
			const [[x1 = 0, y1 = 0], [x2 = 0, y2 = 0]] = [ring[index] ?? [], ring[index + 1] ?? []];
			const border = [x1 + share * (x2 - x1), y1 + share * (y2 - y1)] as const;
			// A star lies open to its center: a place behind the border as seen from there is outside.
			const place = at(x + away * (border[0] - x), y + away * (border[1] - y));
			fc.pre(Math.abs(place.latitude) < 75);
			let walked = Infinity;
			for (let edge = 1; edge < ring.length; edge++) {
				const [[ax = 0, ay = 0], [bx = 0, by = 0]] = [ring[edge - 1] ?? [], ring[edge] ?? []];
				for (let step = 0; step <= 300; step++) {
					const along = step / 300;
					walked = Math.min(walked, distanceByVectors(place, at(ax + along * (bx - ax), ay + along * (by - ay))));
				}
			}
			const written = ring.map(([long = 0, lat = 0]) => [wrapped(long), lat]);
			const distance = polygon(written).distanceTo(at(wrapped(place.longitude), place.latitude));
			// A step of the walk is up to 20 km long.
			expect(distance).toBeLessThan(1.03 * walked + 1);
			expect(distance).toBeGreaterThan(0.97 * walked - 20_000);
		}),
		{ numRuns: 60 },
	);
});

it('enters at the border and leaves further out, so that one at the border does not chatter', () => {
	const depot = circle('Depot', at(4.4777, 51.9244), 500);
	const metres = (distance: number) => at(4.4777, 51.9244 + distance / 111_195);
	let was = false;
	const states = [600, 510, 495, 505, 499, 540, 551, 540, 505, 499].map(
		(distance) => (was = isInside(depot, metres(distance), was, 50)),
	);
	expect(states).toEqual([false, false, true, true, true, true, false, false, false, true]);
});

it('takes GeoJSON as tools write it', () => {
	const geometry = { type: 'Polygon', coordinates: [square(0, 0, 1, 1)] };
	const feature = { type: 'Feature', properties: {}, geometry };
	for (const given of [
		geometry,
		JSON.stringify(geometry),
		feature,
		{ type: 'FeatureCollection', features: [feature] },
		{ type: 'GeometryCollection', geometries: [geometry] },
		{ type: 'Polygon', coordinates: [square(0, 0, 1, 1).slice(0, 4)] },
	]) {
		expect(inside(polygons('P', given), at(0.5, 0.5))).toBe(true);
		expect(inside(polygons('P', given), at(1.5, 0.5))).toBe(false);
	}
});

it.each([
	['{', 'it is not JSON'],
	['', 'it is not JSON'],
	['null', 'not a GeoJSON polygon'],
	[{}, 'not a GeoJSON polygon'],
	[{ type: 'Point', coordinates: [1, 2] }, 'a Point is not a GeoJSON polygon'],
	[{ type: 'Polygon' }, 'a Polygon without its list'],
	[{ type: 'FeatureCollection', features: [] }, 'a FeatureCollection without its list'],
	[
		{
			type: 'Polygon',
			coordinates: [
				[
					[0, 0],
					[1, 1],
				],
			],
		},
		'three corners',
	],
	[
		{
			type: 'Polygon',
			coordinates: [
				[
					[0, 0],
					[1, 1],
					[0, 0],
					[1, 1],
				],
			],
		},
		'three corners',
	],
	[{ type: 'Polygon', coordinates: [square(51, 104, 52, 105)] }, 'the longitude first'],
	[
		{
			type: 'Polygon',
			coordinates: [
				[
					[0, '0'],
					[1, 1],
					[1, 0],
				],
			],
		},
		'the longitude first',
	],
	[
		{
			type: 'Polygon',
			coordinates: [
				[
					[0, 80],
					[120, 80],
					[-120, 80],
					[0, 80],
				],
			],
		},
		'around a pole',
	],
])('refuses %j', (given, reason) => {
	expect(() => polygons('P', given)).toThrow(reason);
});
