/** Who is in which area, and which places count: pure. */
import fc from 'fast-check';
import { crossings, forgetPlaced, reorderAreas } from '../../nodes/HubbleDeviceTrigger/borders';
import { areaKey, areaOf, keysOf, keysText, openMarks, storedMarks } from '../../nodes/HubbleDeviceTrigger/marks';
import type { AreaCursor, Device } from '../../nodes/HubbleDeviceTrigger/watch';
import { keyOf } from '../../nodes/shared/polling/compact';
import { circle, polygons } from '../../nodes/shared/device/areas';

const area = (name: string, latitude = 0) => circle(name, { latitude, longitude: 1 }, 1000);

it('keeps the marks of areas that stay, whatever is added, removed or moved about', () => {
	const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 });
	fc.assert(
		fc.property(names, names, (before, after) => {
			const shapes = before.map((name) => keyOf(area(name).shape));
			const learnt: AreaCursor = { of: 'x', from: 5, shapes, fresh: 0, begun: 3 };
			const inside = new Set(before.map((_, index) => areaKey(keyOf('device'), index)));
			const now = reorderAreas(
				learnt,
				{ inside, unsure: inside },
				'x',
				after.map((name) => area(name)),
			);
			expect(now.areas.map(({ name }) => name).sort()).toEqual([...after].sort());
			// `toEqual` would take a mark of no area for none.
			expect([...now.inside].map((key) => now.areas[areaOf(key)]?.name).sort()).toStrictEqual(
				after.filter((name) => before.includes(name)).sort(),
			);
			expect([...now.unsure]).toEqual([...now.inside]);
			expect(now.cursor.begun).toBe(now.cursor.fresh ? undefined : 3);
			expect(now.cursor.fresh).toBe(after.filter((name) => !before.includes(name)).length);
			expect(now.cursor.from).toBe(now.cursor.fresh ? 1 : 5);
			const again = reorderAreas(
				now.cursor,
				now,
				'x',
				after.map((name) => area(name)),
			);
			expect(again.cursor).toEqual(now.cursor);
			expect(
				reorderAreas(
					learnt,
					{ inside, unsure: inside },
					'other devices',
					after.map((name) => area(name)),
				).inside.size,
			).toBe(0);
		}),
	);
});

it('learns new areas from the poll that it came to, and all anew where the devices are others', () => {
	const areas = [area('a'), area('b')];
	const learning: AreaCursor = { of: 'x', from: 77, shapes: areas.map(({ shape }) => keyOf(shape)), fresh: 1 };
	const marks = { inside: new Set([areaKey(keyOf('device'), 0)]), unsure: new Set([areaKey(keyOf('other'), 0)]) };
	expect(reorderAreas(learning, marks, 'x', areas)).toEqual({ cursor: learning, ...marks, areas });
	const anew = { cursor: { ...learning, of: 'y', from: 1, fresh: 2 }, inside: new Set(), unsure: new Set(), areas };
	for (const before of [learning, undefined]) expect(reorderAreas(before, marks, 'y', areas)).toEqual(anew);
});

it('writes marks with times as text and reads the same again', () => {
	const time = fc.integer({ min: 1_600_000_000, max: 2_400_000_000 });
	fc.assert(
		fc.property(fc.array(fc.tuple(fc.uuid(), fc.nat(63), time)), (marks) => {
			const waiting = new Map(marks.map(([id, index, at]) => [areaKey(keyOf(id), index), at]));
			const placed = new Map(marks.map(([id, , at]) => [keyOf(id), at]));
			const all = { ...openMarks({}), waiting, placed };
			expect(openMarks(storedMarks(all))).toEqual(all);
			expect(keysOf(keysText(new Set(placed.keys())))).toEqual(new Set(placed.keys()));
		}),
	);
});

/** Unix seconds. */
const NOW = 1_790_000_000;
const depot = circle('Depot', { latitude: 51.9244, longitude: 4.4777 }, 500);
/** In metres north of the depot's center. */
const north = (metres: number) => ({ latitude: 51.9244 + metres / 111_195, longitude: 4.4777 });
type Heard = Record<string, unknown> & { at?: number };

/** A device as it was heard over each network. */
const device = (terrestrial?: Heard, satellite?: Heard): Device => {
	const packet = ({ at = NOW, ...location }: Heard) => ({ timestamp: at, location });
	return {
		id: 'd',
		created_ts: 1,
		most_recent_packet: {
			...(terrestrial ? { terrestrial: packet(terrestrial) } : {}),
			...(satellite ? { satellite: packet(satellite) } : {}),
		},
	} as Device;
};

/** Feeds one device after another to what is remembered, a minute apart. */
function watching(rules: Partial<Parameters<typeof crossings>[4]> = {}, areas = [depot]) {
	const known: Parameters<typeof crossings>[0] = {
		inside: new Set(),
		unsure: new Set(),
		waiting: new Map(),
		placed: new Map(),
	};
	const all = { borderWidth: 50, confirms: false, lookBack: 900, ...rules };
	const see = (row: Device, most?: number, learnt = areas.length) =>
		crossings(known, row, areas, learnt, all, NOW, most).crossed.map(({ event, area }) => `${event} ${area.name}`);
	return { known, see };
}

it('says who entered and left, learns who is in new areas without a word, and knows nothing of one never heard', () => {
	const { see, known } = watching({}, [depot, circle('North', north(3000), 500)]);
	expect(see(device())).toEqual([]);
	expect(see(device(north(0)), undefined, 0)).toEqual([]);
	expect(see(device(north(540)))).toEqual([]);
	expect(see(device(north(3000)))).toEqual(['left Depot', 'entered North']);
	expect([...known.inside]).toEqual([areaKey(keyOf('d'), 1)]);
});

it('P7: says once more on which side a device is where that may not have reached n8n', () => {
	const { see, known } = watching();
	const mark = areaKey(keyOf('d'), 0);
	let at = NOW - 100;
	const seeAt = (metres: number, learnt?: number) =>
		see(device({ ...north(metres), at: (at += 1) }), undefined, learnt);
	expect(seeAt(0)).toEqual(['entered Depot']);
	known.unsure.add(mark);
	expect([seeAt(0), seeAt(0)]).toEqual([['entered Depot'], []]);
	known.unsure.add(mark);
	expect([seeAt(3000), seeAt(3000)]).toEqual([['left Depot'], []]);
	known.unsure.add(mark);
	expect([seeAt(3000), seeAt(3000)]).toEqual([['left Depot'], []]);
	known.unsure.add(mark);
	expect([seeAt(3000, 0), seeAt(3000)]).toEqual([[], []]);
});

it.each([
	['0/0', { latitude: 0, longitude: 0 }],
	['95/999', { latitude: 95, longitude: 999 }],
	['no place', {}],
	['a place 3 km off that may be 17 km off', { ...north(3000), horizontal_accuracy: 17_000 }],
	['a place 3 km off that may be 501 m off', { ...north(3000), horizontal_accuracy: 501 }],
])('does not let a device leave for a packet with %s', (_, location) => {
	const { see } = watching();
	expect(see(device({ ...north(0), at: NOW - 120 }))).toEqual(['entered Depot']);
	expect(see(device({ ...location, at: NOW - 60 }))).toEqual([]);
	expect(see(device(north(0)))).toEqual([]);
});

it('takes a place that is as accurate as the area is large, or as the user says', () => {
	const far = device({ ...north(3000), horizontal_accuracy: 400 });
	const here = device({ ...north(0), at: NOW - 60 });
	for (const [maxInaccuracy, left] of [
		[undefined, ['left Depot']],
		[399, []],
		[400, ['left Depot']],
		[0, []],
	] as const) {
		const { see } = watching({ maxInaccuracy });
		see(here);
		expect(see(far)).toEqual(left);
	}
	const side = 0.01;
	const field = polygons('Field', {
		type: 'Polygon',
		coordinates: [
			[
				[4, 51],
				[4 + side, 51],
				[4 + side, 51 + side],
				[4, 51 + side],
			],
		],
	});
	// 700 m by 1,112 m are the size of a circle with a radius of 498 m.
	for (const [accuracy, entered] of [
		[490, ['entered Field']],
		[510, []],
	] as const) {
		const place = { latitude: 51 + side / 2, longitude: 4 + side / 2, horizontal_accuracy: accuracy };
		expect(watching({}, [field]).see(device(place))).toEqual(entered);
	}
});

it('waits for a second packet from the same side, where it shall', () => {
	const { see, known } = watching({ confirms: true });
	const steps: Array<[metres: number, at: number, events: string[]]> = [
		[0, 1, []],
		[0, 1, []],
		[0, 2, ['entered Depot']],
		[3000, 3, []],
		[0, 4, []],
		[3000, 5, []],
		[3000, 6, ['left Depot']],
	];
	for (const [metres, at, events] of steps) {
		expect(see(device({ ...north(metres), at: NOW - 100 + at }))).toEqual(events);
	}
	expect(known.waiting.size).toBe(0);
	// Who is in a new area is learnt from one packet.
	const fresh = watching({ confirms: true });
	fresh.see(device(north(0)), undefined, 0);
	expect(fresh.known.inside.size).toBe(1);
});

it('P8: lets the packet win that was heard last, in whatever order they come', () => {
	const { see } = watching({ lookBack: 6 * 3600 });
	expect(see(device(undefined, { ...north(0), at: NOW - 5000 }))).toEqual(['entered Depot']);
	expect(see(device(undefined, { ...north(3000), at: NOW - 2000 }))).toEqual(['left Depot']);
	expect(see(device(undefined, { ...north(0), at: NOW - 3000 }))).toEqual([]);
	expect(see(device(undefined, { ...north(0), at: NOW - 1000 }))).toEqual(['entered Depot']);
	expect(see(device({ ...north(0), at: NOW - 900 }, { ...north(3000), at: NOW - 950 }))).toEqual([]);
});

it('lets the other network stand in where the last packet says no place, unless that is too long ago', () => {
	const nowhere = { latitude: 0, longitude: 0 };
	const standIn = device(nowhere, { ...north(0), at: NOW - 1000 });
	expect(watching({ lookBack: 900 }).see(standIn)).toEqual([]);
	expect(watching({ lookBack: 3600 }).see(standIn)).toEqual(['entered Depot']);
});

it('takes a stamp from the future for now, so that it hides no packet that comes after it', () => {
	const { see, known } = watching();
	expect(see(device({ ...north(0), at: 4_000_000_000 }))).toEqual(['entered Depot']);
	expect([...known.placed.values()]).toEqual([NOW]);
	expect(see(device(north(3000)))).toEqual(['left Depot']);
});

it('says that there is no room for one more, and goes on with the rest', () => {
	const { known, see } = watching({ confirms: true });
	see(device({ ...north(0), at: NOW - 9 }));
	see(device({ ...north(0), at: NOW - 8 }));
	const rules = { borderWidth: 50, confirms: true, lookBack: 900 };
	const other = { ...device(north(0)), id: 'other' };
	expect(crossings(known, other, [depot], 1, rules, NOW, 1)).toEqual({ crossed: [], isFull: true });
	expect(see(device(north(3000)), 1)).toEqual(['left Depot']);
	expect(crossings(known, other, [depot], 1, rules, NOW, 1)).toEqual({ crossed: [], isFull: false });
	// One that waits takes room, too.
	expect(crossings(known, { ...other, id: 'third' }, [depot], 1, rules, NOW, 1).isFull).toBe(true);
});

it('forgets when places were heard once no packet can come before, and what there is no room for', () => {
	const placed = new Map([1, 2, 3, 4, 5].map((at) => [`device ${at}`, at]));
	forgetPlaced(placed, 3, 2);
	expect([...placed.values()]).toEqual([3, 4]);
});
