/** What the device trigger remembers, and what it makes of the devices that it reads: pure, against slow references. */
import fc from 'fast-check';
import { keyOf } from '../../nodes/shared/polling/compact';
import { beginSilent } from '../../nodes/HubbleDeviceTrigger/events';
import type { PollRun } from '../../nodes/HubbleDeviceTrigger/reading';
import {
	areaKey,
	areaOf,
	MOST_AREAS,
	MOST_MARKS,
	quietKey,
	registeredAt,
	openMarks,
	storedMarks,
} from '../../nodes/HubbleDeviceTrigger/marks';
import {
	aheadNow,
	stateDelta,
	compareQuiet,
	lastHeard,
	isDevice,
	latestStamp,
	MOST_AHEAD,
	takeNew,
	type Ahead,
	type Cursor,
	type Device,
	type State,
} from '../../nodes/HubbleDeviceTrigger/watch';

const second = fc.integer({ min: 1_600_000_000, max: 2_400_000_000 });
const device = (id: string, created_ts: number, heard = 0, latitude = 0, longitude = 1): Device => ({
	id,
	created_ts,
	most_recent_packet: heard ? { terrestrial: { timestamp: heard, location: { latitude, longitude } } } : {},
});

const hearing = { now: 2_500_000_000, ahead: {} };
const all = { most: MOST_MARKS, heardOf: (row: Device) => lastHeard(row, hearing), isQuiet: () => true };

const NONE = openMarks({});
const quietMarks = fc
	.array(fc.tuple(fc.uuid(), second, fc.oneof(fc.constant(0), second)), { maxLength: 30, size: 'max' })
	.map((marks) => new Map(marks.map(([id, created, heard]) => [quietKey(id, created), heard])));
const insideMarks = fc
	.array(fc.tuple(fc.uuid(), fc.nat(MOST_AREAS - 1)), { maxLength: 30, size: 'max' })
	.map((marks) => new Set(marks.map(([id, area]) => areaKey(keyOf(id), area))));

it('writes marks as text and reads the same again', () => {
	fc.assert(
		fc.property(quietMarks, insideMarks, (quiet, inside) => {
			const text = storedMarks({ ...NONE, quiet, inside });
			expect(openMarks(text)).toEqual({ ...NONE, quiet, inside });
			expect(text.quietMarks ?? '').toHaveLength(17 * quiet.size);
		}),
	);
	expect(areaOf(areaKey(keyOf('a'), 7))).toBe(7);
	expect(registeredAt(quietKey('a', 1_700_000_000))).toBe(1_700_000_000);
});

it('P7: gets the state before a poll back from the difference beside the one after it', () => {
	fc.assert(
		fc.property(quietMarks, quietMarks, (quietBefore, more) => {
			// A poll takes marks away, adds some, and changes some.
			const quietAfter = new Map([...[...quietBefore].filter((_, index) => index % 3), ...more]);
			for (const [index, [key, heard]] of [...quietAfter].entries()) {
				if (index % 5 === 0) quietAfter.set(key, heard + 60);
			}
			const [before, after] = [quietBefore, quietAfter].map((quiet) => storedMarks({ ...NONE, quiet }));
			const { quiet } = openMarks(stateDelta.unpack(stateDelta.pack(before ?? {}, after ?? {}), after ?? {}));
			// Marks that were added stay: they say nothing that is not so.
			for (const [key, mark] of quietBefore) expect(quiet.get(key)).toEqual(mark);
		}),
	);
});

it('begins to watch for silence when the node begins, not when its first poll gets so far', () => {
	const settings = { silence: 3600, devices: 'all', reportsSilentAlready: false };
	const run = { settings, now: 1_700_000_600, begun: 1_700_000_000, state: {} as State };
	beginSilent(run as unknown as PollRun);
	const [silent, bySatellite] = [run.begun - 3600, run.begun - 6 * 3600];
	expect(run.state).toEqual({
		silent: { of: 'all 3600', from: silent },
		silentBySatellite: { of: 'all 3600', from: bySatellite },
	});
});

it('takes who is in an area from the state after a poll, and is unsure of all that crossed a border in it', () => {
	const shapes = Array.from({ length: MOST_AREAS }, (_, index) => `shape ${index}`);
	const cursor = { of: 'all', from: 7, token: 'within', begun: 8, shapes, fresh: 0 };
	fc.assert(
		fc.property(insideMarks, insideMarks, insideMarks, fc.nat(MOST_AREAS), (before, after, unsure, fresh) => {
			const waiting = new Map([...before, ...after].map((key) => [key, 1_700_000_000]));
			const was = { ...storedMarks({ ...NONE, inside: before, unsure, waiting }), areas: { ...cursor, fresh } };
			// Who is in areas that were being learnt has crossed no border.
			const isKnown = (key: string) => areaOf(key) < MOST_AREAS - fresh;
			const crossed = [...before, ...after].filter((key) => isKnown(key) && before.has(key) !== after.has(key));
			const gotBack = (areas: State['areas']) => {
				const is = { ...storedMarks({ ...NONE, inside: after }), areas };
				const state = stateDelta.unpack(stateDelta.pack(was, is), is);
				const marks = openMarks(state);
				expect(marks.inside).toEqual(after);
				expect([...marks.waiting.keys()].filter((key) => crossed.includes(key))).toEqual([]);
				return { unsure: marks.unsure, areas: state.areas };
			};
			const learnt = { of: 'all', from: 9, shapes, fresh: 0 };
			expect(gotBack(learnt)).toEqual({ unsure: new Set([...unsure, ...crossed]), areas: cursor });
			// Within a second, the one without a token is behind.
			expect(gotBack({ ...learnt, from: 7 }).areas).toEqual({ ...learnt, from: 7 });
			expect(gotBack({ ...learnt, from: 7, token: 'further' }).areas).toEqual(cursor);
			expect(gotBack({ ...learnt, from: 6, token: 'anew' }).areas).toEqual({ ...learnt, from: 6, token: 'anew' });
			expect(gotBack(undefined).areas).toBeUndefined();
		}),
	);
});

it('reports each device of a window once and in order, however the window is cut into pages and executions', () => {
	const times = fc.array(fc.integer({ min: 100, max: 110 }), { maxLength: 40, size: 'max' });
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

it('reports a device once that Hubble lists twice, and twice when it was heard in between', () => {
	const rows = [device('a', 100, 500), device('a', 100, 500), device('b', 101, 501), device('a', 100, 502)];
	const timeOf = ({ most_recent_packet }: Device) =>
		(most_recent_packet as { terrestrial: { timestamp: number } }).terrestrial.timestamp;
	const { fresh } = takeNew({ of: 'x', from: 0 }, rows, timeOf, { reached: 600 }, 10);
	expect(fresh).toEqual([rows[0], rows[2], rows[3]]);
	// What was reported of a second says nothing of a later one.
	const rest = takeNew({ of: 'x', from: 500, seen: [keyOf('a')] }, rows, timeOf, { reached: 600 }, 10);
	expect(rest.fresh).toEqual([rows[2], rows[3]]);
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
	const before = new Map(marks);
	const listed = [device('a', created, created + 9), device('b', created)];
	const range = { ...all, from: 0, reached: Infinity, most: 1 };
	const again = compareQuiet(marks, listed, range);
	expect(again.heard.map(({ id }) => id)).toEqual(['a']);
	expect(again.isFull).toBe(true);
	compareQuiet(marks, listed.slice(0, 1), { ...range, most: 9 });
	expect(marks).toEqual(before);
	// One that is not quiet needs no room.
	const others = { ...range, isQuiet: ({ id }: Device) => id === 'c' };
	expect(compareQuiet(marks, listed, others).isFull).toBe(false);
	compareQuiet(marks, [...listed, device('c', created, created + 7.5)], { ...others, most: 2 });
	expect(marks).toEqual(new Map([...before, [quietKey('c', created), created + 7]]));
});

it('stores no mark twice beside the state after a poll, and none where there is none', () => {
	const marks = new Map([[quietKey('a', 1_700_000_000), 0]]);
	const state = storedMarks({ ...NONE, quiet: marks, inside: new Set([areaKey(keyOf('a'), 1)]) });
	expect(stateDelta.pack(state, state)).toEqual({});
	expect(stateDelta.pack({}, {})).toEqual({});
	expect(stateDelta.unpack({}, {})).toEqual({});
	expect([NONE.quiet.size, NONE.inside.size, NONE.waiting.size, NONE.placed.size]).toEqual([0, 0, 0, 0]);
});

it('goes on with a search for gone devices after a crash, and does not store it twice', () => {
	const [before, after] = [{ at: 1 }, { at: 5, from: 3, missing: keyOf('a') }].map((sweep) => ({ sweep }));
	const packed = JSON.parse(JSON.stringify(stateDelta.pack(before ?? {}, after ?? {}))) as State;
	expect(packed).toEqual({});
	expect(stateDelta.unpack(packed, after ?? {}).sweep).toEqual(after?.sweep);
});

it('goes on within a second behind its token, and with the devices of that second alone', () => {
	const rows = [100, 100, 101, 101, 101].map((time, index) => device(`d${index}`, time));
	const nextOf = (most: number) =>
		takeNew(
			{ of: 'x', from: 100, token: 't' },
			rows,
			({ created_ts }) => created_ts,
			{ reached: 102, token: 'u' },
			most,
		).next;
	expect([1, 4, 5].map(nextOf)).toEqual([
		{ of: 'x', from: 100, token: 't', seen: [keyOf('d0')] },
		{ of: 'x', from: 101, seen: [keyOf('d2'), keyOf('d3')] },
		{ of: 'x', from: 102, token: 'u' },
	]);
});

it.each([null, {}, { id: 'd' }, { id: '', created_ts: 1 }, { id: 7, created_ts: 1 }, { id: 'd', created_ts: '1' }])(
	'%j is no device',
	(row) => {
		expect(isDevice(row)).toBe(false);
		expect(isDevice({ id: 'd', created_ts: 1 })).toBe(true);
	},
);

describe('stamps from the future', () => {
	const NOW = 1_790_000_000;
	/** A device as each network heard it, in seconds from now. */
	const heard = (terrestrial: number, satellite?: number): Device => ({
		id: 'd',
		created_ts: 1,
		most_recent_packet: {
			terrestrial: { timestamp: NOW + terrestrial },
			...(satellite === undefined ? {} : { satellite: { timestamp: NOW + satellite } }),
		},
	});
	const known = (stamp: number, since: number) => ({ d: [NOW + stamp, NOW + since, 0] }) satisfies Ahead;

	it.each([
		['a stamp of the past', heard(-10, -90), {}, -10],
		['one that no poll has seen: it is heard now', heard(1000), {}, 0],
		['one that a poll has seen: it was heard then', heard(1000), known(1000, -500), -500],
		['one that was seen and is present by now', heard(-50), known(-50, -500), -500],
		['one that was seen, and an older packet', heard(1000, -900), known(1000, -500), -500],
		['one that was seen, and a newer packet', heard(1000, -100), known(1000, -500), -100],
		['one that was seen, and a packet of now', heard(1000, 0), known(1000, -500), 0],
		['one that was seen, and another one from the future', heard(1000, 400), known(1000, -500), -500],
		['another one than was seen', heard(2000), known(1000, -500), 0],
	])('%s', (_, row, ahead, expected) => {
		expect(lastHeard(row, { now: NOW, ahead }) - NOW).toBe(expected);
	});

	it('are known while their devices have them, and then while they would hide a silence that was reported', () => {
		const day = 86_400;
		const [short, long] = [1000, 5000];
		const until = (silence: number) => NOW - silence - 60;
		const ahead = {
			reported: [NOW + 300, until(short) - 1, short],
			reportedLongAgo: [NOW - short - day, NOW - 9 * day, short],
			notReported: [NOW - 5, until(short), short],
			longPast: [NOW - short - day - 1, NOW - 9 * day, short],
			takenBack: [NOW + 301, NOW - 9 * day, short],
			slowReported: [NOW - long - day, until(long) - 1, long],
			slowNotReported: [NOW - 5, until(short) - 1, long],
			beyond: [NOW + 2000, until(short) - 1, short],
			beyondNotReported: [NOW + 2000, until(short), short],
			taken: [NOW + 1999, NOW - 9 * day, short],
			same: [NOW + 900, NOW - 70, long],
			other: [NOW + 900, NOW - 70, short],
		} satisfies Ahead;
		const devices = ['new', 'same', 'other'].map((id) => ({ ...heard(id === 'other' ? 901 : 900), id }));
		const { reported, reportedLongAgo, slowReported, beyond } = ahead;
		const silenceOf = ({ id }: Device) => (id === 'new' ? long : short);
		expect(aheadNow({ now: NOW, ahead }, devices, NOW + 2000, silenceOf, until)).toEqual({
			reported,
			reportedLongAgo,
			slowReported,
			beyond,
			new: [NOW + 900, NOW, long],
			same: [NOW + 900, NOW - 70, short],
			other: [NOW + 901, NOW, short],
		});
	});

	it('are known of so many, beside those that their devices have', () => {
		const names = Array.from({ length: MOST_AHEAD + 1 }, (_, index) => `device ${index}`);
		const ahead = Object.fromEntries(names.map((id) => [id, [NOW, NOW - 9000, 1000] as const]));
		const next = aheadNow(
			{ now: NOW, ahead },
			[{ ...heard(900), id: 'new' }],
			Infinity,
			() => 1000,
			() => NOW,
		);
		expect(Object.keys(next)).toEqual([...names.slice(0, -1), 'new']);
	});

	it('are the latest, whatever they say; 0 for a device that was never heard', () => {
		expect(latestStamp(heard(-9, 1000)) - NOW).toBe(1000);
		expect(latestStamp(device('d', 1))).toBe(0);
	});
});
