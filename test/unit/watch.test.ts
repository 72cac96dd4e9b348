/** What the device trigger remembers, and what it makes of the devices that it reads: pure, against slow references. */
import fc from 'fast-check';
import {
	areaKey,
	areaOf,
	INSIDE,
	keyOf,
	keysOf,
	keysText,
	MOST_AREAS,
	QUIET,
	quietKey,
	registeredAt,
	timedOf,
	timedText,
} from '../../nodes/HubbleDeviceTrigger/marks';
import {
	beside,
	compareQuiet,
	heardAt,
	takeNew,
	type Cursor,
	type Device,
} from '../../nodes/HubbleDeviceTrigger/watch';

const second = fc.integer({ min: 1_600_000_000, max: 2_400_000_000 });
const device = (id: string, created_ts: number, heard = 0, latitude = 0, longitude = 1): Device => ({
	id,
	created_ts,
	most_recent_packet: heard ? { terrestrial: { timestamp: heard, location: { latitude, longitude } } } : {},
});

const hearing = { now: 2_500_000_000, ahead: {} };
const all = { heardOf: (row: Device) => heardAt(row, hearing), isQuiet: () => true };

const quietMarks = fc
	.array(fc.tuple(fc.uuid(), second, fc.oneof(fc.constant(0), second)), { maxLength: 30 })
	.map((marks) => new Map(marks.map(([id, created, heard]) => [quietKey(id, created), heard])));
const insideMarks = fc
	.array(fc.tuple(fc.uuid(), fc.nat(MOST_AREAS - 1)), { maxLength: 30 })
	.map((marks) => new Set(marks.map(([id, area]) => areaKey(keyOf(id), area))));

it('writes marks as text and reads the same again', () => {
	fc.assert(
		fc.property(quietMarks, insideMarks, (quiet, inside) => {
			expect(timedOf(timedText(quiet), QUIET)).toEqual(quiet);
			expect(keysOf(keysText(inside), INSIDE)).toEqual(inside);
			expect(timedText(quiet)).toHaveLength(17 * quiet.size);
		}),
	);
	expect(areaOf(areaKey(keyOf('a'), 7))).toBe(7);
	expect(registeredAt(quietKey('a', 1_700_000_000))).toBe(1_700_000_000);
});

it('gets the state before a poll back from the difference beside the one after it', () => {
	fc.assert(
		fc.property(quietMarks, quietMarks, insideMarks, insideMarks, (quietBefore, more, insideBefore, insideAfter) => {
			// A poll takes marks away, adds some, and changes some.
			const quietAfter = new Map([...[...quietBefore].filter((_, index) => index % 3), ...more]);
			for (const [index, [key, heard]] of [...quietAfter].entries()) {
				if (index % 5 === 0) quietAfter.set(key, heard + 60);
			}
			const before = { quietMarks: timedText(quietBefore), insideMarks: keysText(insideBefore) };
			const after = { quietMarks: timedText(quietAfter), insideMarks: keysText(insideAfter) };
			const back = beside.unpack(beside.pack(before, after), after);
			expect(keysOf(back.insideMarks, INSIDE)).toEqual(insideBefore);
			// Marks that were added stay: they say nothing that is not so.
			const quiet = timedOf(back.quietMarks, QUIET);
			for (const [key, mark] of quietBefore) expect(quiet.get(key)).toEqual(mark);
		}),
	);
});

it('reports each device of a window once and in order, however the window is cut into pages and executions', () => {
	const times = fc.array(fc.integer({ min: 100, max: 110 }), { maxLength: 40 });
	fc.assert(
		fc.property(times, fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 5 }), (seconds, room, seconds2) => {
			const all = seconds.sort((a, b) => a - b).map((time, index) => device(`d${index}`, time));
			const timeOf = ({ created_ts }: Device) => created_ts;
			let cursor: Cursor = { of: '', from: 100 };
			const reported: string[] = [];
			for (let polls = 0; polls < 200 && cursor.from < 111; polls++) {
				const reached = Math.min(111, cursor.from + seconds2);
				const listed = all.filter(({ created_ts: time }) => time >= cursor.from && time < reached);
				const { fresh, next } = takeNew(cursor, listed, timeOf, { reached }, room);
				expect(fresh.length).toBeLessThanOrEqual(room);
				reported.push(...fresh.map(({ id }) => id));
				cursor = next;
			}
			expect(reported).toEqual(all.map(({ id }) => id));
		}),
	);
});

it('finds among the marks those that are quiet no longer, within the range that was read', () => {
	const id = fc.integer({ min: 0, max: 20 });
	fc.assert(
		fc.property(
			fc.uniqueArray(id),
			fc.uniqueArray(id),
			fc.integer({ min: 0, max: 20 }),
			fc.integer({ min: 0, max: 20 }),
			(marked, quiet, from, size) => {
				const created = (n: number) => 1_700_000_000 + n;
				const key = (n: number) => quietKey(`d${n}`, created(n));
				const reached = from + size;
				const isRead = (n: number) => n >= from && n < reached;
				const marks = new Map(marked.map((n) => [key(n), 0]));
				const listed = quiet.filter(isRead).map((n) => device(`d${n}`, created(n)));
				const { gone, heard, isFull } = compareQuiet(marks, listed, {
					from: created(from),
					reached: created(reached),
					...all,
				});
				const wanted = marked.filter((n) => isRead(n) && !quiet.includes(n)).sort((a, b) => a - b);
				expect(gone.map((mark) => mark.key)).toEqual(wanted.map(key));
				expect(heard).toEqual([]);
				expect(isFull).toBe(false);
				expect(marks.size).toBe(new Set([...marked, ...quiet.filter(isRead)]).size);
			},
		),
	);
});

it('tells of a device that was heard and is quiet again, and marks no more than it may', () => {
	const created = 1_700_000_000;
	const marks = new Map([[quietKey('a', created), created]]);
	const again = compareQuiet(marks, [device('a', created, created + 9), device('b', created)], {
		from: 0,
		reached: Infinity,
		most: 1,
		...all,
	});
	expect(again.heard.map(({ id }) => id)).toEqual(['a']);
	expect(again.isFull).toBe(true);
	expect(marks.size).toBe(1);
});
