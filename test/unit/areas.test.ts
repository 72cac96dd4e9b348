/** Areas on the earth, against references that are slow and plain. */
import fc from 'fast-check';
import { circle, isInside, polygons } from '../../nodes/shared/device/areas';
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

/** Ten-thousandths of a degree: with whole numbers the reference is exact. */
type Corner = readonly [x: number, y: number];
const UNIT = 10_000;
const degrees = (ring: readonly Corner[]) => ring.map(([x, y]) => [x / UNIT, y / UNIT]);

/** How often a ring winds around a point, exactly; `undefined` on its border. */
function windings(ring: readonly Corner[], [x, y]: Corner): number | undefined {
	let count = 0;
	let [x1, y1] = ring.at(-1) as Corner;
	for (let index = 0; index < ring.length; index++) {
		const [x2, y2] = ring[index] as Corner;
		if ((y1 <= y && y2 >= y) || (y1 >= y && y2 <= y)) {
			const side = (x2 - x1) * (y - y1) - (x - x1) * (y2 - y1);
			const isBeside = Math.min(x1, x2) <= x && x <= Math.max(x1, x2) && Math.min(y1, y2) <= y && y <= Math.max(y1, y2);
			if (side === 0 && isBeside) return undefined;
			if (y1 <= y && y2 > y && side > 0) count += 1;
			if (y1 > y && y2 <= y && side < 0) count -= 1;
		}
		[x1, y1] = [x2, y2];
	}
	return count;
}

/** Whether a point is in the outer ring and in no hole, there or a turn of the earth away; `undefined` on a border. */
function isInRings([outer, ...holes]: readonly Corner[][], [x, y]: Corner): boolean | undefined {
	let isIn = false;
	for (const turned of [x, x - 360 * UNIT, x + 360 * UNIT]) {
		const around = windings(outer as Corner[], [turned, y]);
		if (around === undefined) return undefined;
		if (around === 0) continue;
		const without = holes.map((hole) => windings(hole, [turned, y]));
		if (without.includes(undefined)) return undefined;
		isIn ||= without.every((count) => count === 0);
	}
	return isIn;
}

/** A star around a center, whose corners are at random distances: never crosses itself. */
const starAt = (x: number, y: number, distances: readonly number[], share = 1): Corner[] =>
	distances.map((distance, index) => {
		const angle = (2 * Math.PI * index) / distances.length;
		return [
			Math.round((x + share * distance * Math.cos(angle)) * UNIT),
			Math.round((y + share * distance * Math.sin(angle)) * UNIT),
		];
	});

const starBetween = (south: number, north: number, most: number) =>
	fc
		.tuple(
			fc.double({ min: -180, max: 180, noNaN: true }),
			fc.double({ min: south, max: north, noNaN: true }),
			fc.array(fc.double({ min: 1, max: most, noNaN: true }), { minLength: 4, maxLength: 12 }),
		)
		.map(([x, y, distances]) => ({
			x,
			y,
			outer: starAt(x, y, distances),
			hole: starAt(x, y, distances, 0.4),
		}));

/** The part of a ring that is west or east of a meridian, cut along it (Sutherland and Hodgman). */
function half(ring: readonly Corner[], meridian: number, side: 1 | -1): Corner[] {
	return ring.flatMap(([x2, y2], index): Corner[] => {
		const [x1, y1] = ring.at(index - 1) as Corner;
		const [was, is] = [side * (x1 - meridian) > 0, side * (x2 - meridian) > 0];
		const cut: Corner[] = was === is ? [] : [[meridian, y1 + ((meridian - x1) / (x2 - x1)) * (y2 - y1)]];
		return is ? [...cut, [x2, y2]] : cut;
	});
}

/** Rings that go beyond ±180° as RFC 7946 (3.1.9) wants them: in two parts, each with longitudes within ±180. */
function cutAtDateLine(rings: readonly Corner[][]): Corner[][][] {
	const turned = (ring: readonly Corner[], by: number): Corner[] => ring.map(([x, y]) => [x + by * UNIT, y]);
	return ([-180, 180] as const).flatMap((meridian) => {
		const sides = ([1, -1] as const).map((side) => {
			const isBeyond = side * meridian > 0;
			const parts = rings.map((ring) => half(ring, meridian * UNIT, side)).filter(({ length }) => length > 2);
			return isBeyond ? parts.map((ring) => turned(ring, -2 * meridian)) : parts;
		});
		return sides[meridian < 0 ? 1 : 0]?.length ? sides : [];
	});
}

/** Some points in and around rings, as whole numbers with a longitude within ±180°, always the same for a seed. */
function* pointsAround(rings: readonly Corner[][], seed: number, count: number): Generator<Corner> {
	const all = rings.flat();
	const [xs, ys] = [all.map(([x]) => x), all.map(([, y]) => y)];
	const [west, south] = [Math.min(...xs), Math.min(...ys)];
	const [wide, high] = [Math.max(...xs) - west, Math.max(...ys) - south];
	let state = seed;
	const next = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
	const most = 180 * UNIT;
	for (let n = 0; n < count; n++) {
		const isAnywhere = n % 4 === 0;
		const x = isAnywhere ? (2 * next() - 1) * most : west + (1.2 * next() - 0.1) * wide;
		const y = isAnywhere ? (2 * next() - 1) * (most / 2) : south + (1.2 * next() - 0.1) * high;
		const turned = x - 2 * most * Math.round(x / (2 * most));
		yield [Math.round(turned), Math.round(Math.max(-most / 2, Math.min(most / 2, y)))];
	}
}

const corner = fc.tuple(fc.integer({ min: -1_800_000, max: 1_800_000 }), fc.integer({ min: -900_000, max: 900_000 }));
const box = fc
	.tuple(corner, corner)
	.filter(([[x1, y1], [x2, y2]]) => x1 !== x2 && y1 !== y2)
	.map(([[x1, y1], [x2, y2]]): Corner[][] => [
		[
			[x1, y1],
			[x2, y1],
			[x2, y2],
			[x1, y2],
		],
	]);
const triangle = fc.tuple(corner, corner, corner).map((ring): Corner[][] => [ring]);
const star = starBetween(-60, 60, 25);
const withHole = star.map(({ outer, hole }) => [outer, hole]);
const atPole = fc.oneof(starBetween(70, 80, 10), starBetween(-80, -70, 10)).map(({ outer, hole }) => [outer, hole]);
const polygonOf = (rings: readonly Corner[][]) => ({ type: 'Polygon', coordinates: rings.map(degrees) });
const inTwo = (rings: readonly Corner[][]) => {
	const parts = cutAtDateLine(rings);
	return parts.length
		? { type: 'MultiPolygon', coordinates: parts.map((part) => part.map(degrees)) }
		: polygonOf(rings);
};

/** Square metres of a ring, about: none where all corners are on one line, few where it is small or narrow near a pole. */
function sizeOf(ring: readonly Corner[]): number {
	const doubled = ring.reduce((sum, [x2, y2], index) => {
		const [x1, y1] = ring.at(index - 1) as Corner;
		return sum + x1 * y2 - x2 * y1;
	}, 0);
	const latitudes = ring.map(([, y]) => y / UNIT);
	const middle = (Math.min(...latitudes) + Math.max(...latitudes)) / 2;
	return (Math.abs(doubled) / 2) * (111_195 / UNIT) ** 2 * Math.cos((middle * Math.PI) / 180);
}

/** A hundred points for each of the 1,000 areas. */
it.each([
	['stars with a hole, with longitudes beyond ±180°', withHole, polygonOf, 350],
	['the same as a MultiPolygon that is cut at ±180°', withHole, inTwo, 300],
	['stars with a hole near a pole', atPole, polygonOf, 150],
	['boxes of any width, up to the whole earth', box, polygonOf, 100],
	['triangles with edges of any length', triangle, polygonOf, 100],
])('tells inside from outside as an exact reference does: %s', (_, kind, write, numRuns) => {
	fc.assert(
		fc.property(kind, fc.nat(), (rings, seed) => {
			// What is smaller than a square metre is refused.
			fc.pre(sizeOf(rings[0] as Corner[]) > 100);
			const area = polygons('P', write(rings));
			const wrong = [...pointsAround(rings, seed, 100)].filter(([x, y]) => {
				const expected = isInRings(rings, [x, y]);
				return expected !== undefined && area.contains(at(x / UNIT, y / UNIT)) !== expected;
			});
			expect(wrong).toEqual([]);
		}),
		{ numRuns },
	);
});

it('tells inside from outside of two polygons, one north of the other', () => {
	fc.assert(
		fc.property(starBetween(20, 60, 15), starBetween(-60, -20, 15), fc.nat(), (north, south, seed) => {
			const parts = [north, south].map(({ outer }) => outer);
			fc.pre(parts.every((outer) => sizeOf(outer) > 100));
			const area = polygons('P', { type: 'MultiPolygon', coordinates: parts.map((outer) => [degrees(outer)]) });
			const wrong = parts
				.flatMap((outer) => [...pointsAround([outer], seed, 100)])
				.filter(([x, y]) => {
					const isIn = parts.map((outer) => isInRings([outer], [x, y]));
					return !isIn.includes(undefined) && area.contains(at(x / UNIT, y / UNIT)) !== isIn.includes(true);
				});
			expect(wrong).toEqual([]);
		}),
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

it('reads an edge of more than 180° as it is drawn, straight in the coordinates', () => {
	const [berlin, tokyo] = [at(13.4, 52.5), at(139.7, 35.7)];
	const atlantic = polygon(square(-170, -60, 60, 75));
	expect([berlin, tokyo].map((place) => inside(atlantic, place))).toEqual([true, false]);
	expect(inside(polygon(square(-100, -40, 100, 50)), at(0, 0))).toBe(true);
	const tropics = polygon(square(-180, -23, 180, 23));
	expect([at(0, 1), at(180, 10), at(-179.9, -10), at(0, 24)].map((place) => inside(tropics, place))).toEqual([
		true,
		true,
		true,
		false,
	]);
});

it('takes an area across ±180° in two parts, or with longitudes that go on', () => {
	const places = [at(179, -17), at(-179, -17), at(180, -17), at(-180, -17), at(0, -17), at(176, -17)];
	const fiji = [true, true, true, true, false, false];
	const parts = { type: 'MultiPolygon', coordinates: [[square(177, -20, 180, -15)], [square(-180, -20, -178, -15)]] };
	for (const area of [
		polygons('P', parts),
		polygon(square(177, -20, 182, -15)),
		polygon(square(-183, -20, -178, -15)),
	]) {
		expect(places.map((place) => inside(area, place))).toEqual(fiji);
		expect(area.distanceTo(at(-177.9, -17))).toBeCloseTo(distanceByVectors(at(-177.9, -17), at(-178, -17)), 0);
	}
});

it('knows the radius of a circle of the same size, without holes', () => {
	expect(circle('C', at(4, 51), 500).radius).toBe(500);
	const kilometre = 1 / 111.195;
	const [west, south] = [4, 51];
	const wide = kilometre / Math.cos((south * Math.PI) / 180);
	const field = square(west, south, west + 4 * wide, south + 4 * kilometre);
	const hole = square(west + wide, south + kilometre, west + 2 * wide, south + 2 * kilometre);
	expect(polygon(field).radius).toBeCloseTo(Math.sqrt(16e6 / Math.PI), -1);
	expect(polygon(field, hole).radius).toBeCloseTo(Math.sqrt(15e6 / Math.PI), -1);
	const earth = polygon(square(-180, -90, 180, 90)).radius ** 2 * Math.PI;
	expect(earth / (4 * Math.PI * 6_371_008.8 ** 2)).toBeCloseTo(1, 9);
});

/** A longitude as a place has it: within ±180. */
const wrapped = (x: number) => ((((x + 180) % 360) + 360) % 360) - 180;

it('measures how far outside a place is as a walk along the border does', () => {
	const near = fc.tuple(
		fc.nat(),
		fc.double({ min: 0, max: 1, noNaN: true }),
		fc.double({ min: 1.0001, max: 1.02, noNaN: true }),
	);
	fc.assert(
		fc.property(star, near, ({ x, y, outer }, [from, share, away]) => {
			const ring = [...degrees(outer), ...degrees(outer.slice(0, 1))];
			const index = from % (ring.length - 1);
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
			const distance = polygon(ring).distanceTo(at(wrapped(place.longitude), place.latitude));
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

it('has its border in it, and what is as far outside as it may be', () => {
	const [center, place] = [at(4.4777, 51.9244), at(4.48, 51.93)];
	expect(circle('C', center, distanceBetween(center, place)).contains(place)).toBe(true);
	const depot = circle('Depot', center, 500);
	expect(isInside(depot, place, true, depot.distanceTo(place))).toBe(true);
	expect(isInside(depot, place, true, depot.distanceTo(place) - 0.01)).toBe(false);
});

it('does not care that a corner comes twice', () => {
	const [west, south, ...rest] = square(0, 0, 1, 1);
	const twice = polygon([west, south, south, ...rest] as number[][]);
	expect(twice.distanceTo(at(2, 0.5))).toBeCloseTo(polygon(square(0, 0, 1, 1)).distanceTo(at(2, 0.5)));
});

it.each([
	['beyond ±180°', square(540 - 357, 0, 540 - 355, 2)],
	[
		'of two towers with a wide gap',
		[
			[0, 0],
			[10, 0],
			[10, 9],
			[9, 9],
			[9, 1],
			[1, 1],
			[1, 9],
			[0, 9],
			[0, 0],
		],
	],
	[
		'of which a tip hangs down to the middle of its height',
		[
			[-3, 8],
			[5, 0],
			[10, 0],
			[10, 10],
			[-5, 10],
			[-4, 5],
			[-3, 8],
		],
	],
])('knows a place in a polygon %s', (_, ring) => {
	const { inside: place, contains } = polygon(ring);
	expect(contains(place)).toBe(true);
	expect(Math.abs(place.longitude)).toBeLessThanOrEqual(180);
});

it('knows a place in a frame around a wide hole', () => {
	const { inside: place, contains } = polygon(square(0, 0, 10, 10), square(1, 1, 9, 9));
	expect(contains(place)).toBe(true);
});

it('knows a place in any polygon', () => {
	fc.assert(
		fc.property(fc.oneof(withHole, atPole, box, triangle), (rings) => {
			fc.pre(sizeOf(rings[0] as Corner[]) > 100);
			const { inside: place, contains } = polygons('P', polygonOf(rings));
			expect([contains(place), Math.abs(place.longitude) <= 180]).toEqual([true, true]);
		}),
		{ numRuns: 300 },
	);
});

it('is another area by another name or form, however it is written', () => {
	const form = (...rings: number[][][]) => ({ type: 'Polygon', coordinates: rings });
	const [one, hole] = [form(square(0, 0, 4, 4)), form(square(0, 0, 4, 4), square(1, 1, 2, 2))];
	const shapes = [
		polygons('A', one),
		polygons('B', one),
		polygons('A', hole),
		circle('A', at(1, 2), 3),
		circle('B', at(1, 2), 3),
		circle('A', at(2, 2), 3),
		circle('A', at(1, 1), 3),
		circle('A', at(1, 2), 4),
	].map(({ shape }) => shape);
	expect(new Set(shapes).size).toBe(shapes.length);
	expect(polygons('A', ` ${JSON.stringify(one)}`).shape).toBe(shapes[0]);
});

const geometry = { type: 'Polygon', coordinates: [square(0, 0, 1, 1)] };
const feature = { type: 'Feature', properties: {}, geometry };
const marker = { type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: [7, 8] } };
const collection = (...features: unknown[]) => ({ type: 'FeatureCollection', features });

it.each([
	['a geometry', geometry, undefined],
	['text', JSON.stringify(geometry), undefined],
	['text with a byte order mark and blanks around it', `\ufeff ${JSON.stringify(feature)}\r\n`, undefined],
	['a feature', feature, undefined],
	['a collection of features', collection(feature), undefined],
	['a collection of geometries', { type: 'GeometryCollection', geometries: [geometry] }, undefined],
	['a ring that is not closed', { type: 'Polygon', coordinates: [square(0, 0, 1, 1).slice(0, 4)] }, undefined],
	['heights', { type: 'Polygon', coordinates: [square(0, 0, 1, 1).map((position) => [...position, 12])] }, undefined],
	['a marker beside the polygon', collection(marker, feature, marker), 'Point (2)'],
	[
		'a feature without a geometry, and what is no feature',
		collection({ type: 'Feature', geometry: null }, null, feature),
		'Feature without a geometry (1), something that is not GeoJSON (1)',
	],
	['an empty polygon', collection({ type: 'Polygon', coordinates: [] }, feature), 'Polygon without coordinates (1)'],
	['an empty collection in a collection', collection(collection(), feature), undefined],
])('takes the polygons of %s, and says what it left out', (_, given, leftOut) => {
	const area = polygons('P', given);
	expect([at(0.5, 0.5), at(1.5, 0.5), at(7, 8)].map((place) => inside(area, place))).toEqual([true, false, false]);
	expect(area.leftOut).toBe(leftOut);
});

const notGeoJson = 'this is not GeoJSON. Draw the area with a tool such as geojson.io, and paste all of the text';
const draw = 'Draw the border of the area as a polygon, for example with geojson.io';

it.each([
	['{', notGeoJson],
	['', notGeoJson],
	['POLYGON ((30 10, 40 40, 20 40, 30 10))', notGeoJson],
	['null', 'no polygon, only: something that is not GeoJSON (1)'],
	[{}, 'no polygon, only: something that is not GeoJSON (1)'],
	[{ type: 'Topology', objects: {} }, `it has no polygon, only: Topology (1). ${draw}`],
	[{ type: 'Point', coordinates: [1, 2] }, `it has no polygon, only: Point (1). ${draw}`],
	[collection(), `it has nothing in it. ${draw}`],
	[{ type: 'FeatureCollection' }, `it has nothing in it. ${draw}`],
	[{ type: 'Feature', geometry: null }, 'only: Feature without a geometry (1)'],
	[{ type: 'Polygon' }, 'only: Polygon without coordinates (1)'],
	[{ type: 'MultiPolygon', coordinates: [[], []] }, 'only: MultiPolygon without coordinates (1)'],
	[{ type: 'MultiPolygon', coordinates: [[square(0, 0, 1, 1)], []] }, 'only: MultiPolygon without coordinates (1)'],
	[{ type: 'Polygon', coordinates: [[at(0, 0), 1]] }, 'the longitude first'],
	[{ type: 'Polygon', coordinates: [square(0, 0, 1, 90.5)] }, '[1,90.5] is not a position'],
	[{ type: 'Polygon', coordinates: [square(0, 0, 360.5, 1)] }, '[360.5,0] is not a position'],
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
		'at least three corners',
	],
	[
		{
			type: 'Polygon',
			coordinates: [
				[
					[0, 0],
					[10, 10],
					[30, 30],
				],
			],
		},
		'it has no inside',
	],
	[{ type: 'Polygon', coordinates: [square(0, 0, 1, 1), square(0, 0, 2, 2)] }, 'it has no inside'],
	[{ type: 'Polygon', coordinates: [square(51, 104, 52, 105)] }, 'the longitude first'],
	[{ type: 'Polygon', coordinates: [square(361, 0, 362, 1)] }, 'the longitude first'],
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
])('refuses %j', (given, reason) => {
	expect(() => polygons('P', given)).toThrow(reason);
});
