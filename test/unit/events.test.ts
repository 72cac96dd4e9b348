/** What the device trigger tells of registrations and silences: which events, once each, and none that there is no room for. */
import type { IDataObject } from 'n8n-workflow';
import {
	beginQuiet,
	beginRegistered,
	beginSilent,
	quiet,
	registered,
	silent,
} from '../../nodes/HubbleDeviceTrigger/events';
import { MOST_MARKS, quietKey } from '../../nodes/HubbleDeviceTrigger/marks';
import type { EventName } from '../../nodes/HubbleDeviceTrigger/settings';
import { objectOf } from '../../nodes/shared/client/json';
import { fleetsAt, rightClock, type Fleet, type Request } from '../integration/fleet';
import { runOf } from './pollRun';

const HOUR = 3600;
const FAR = 99_999_999_999;

const clock = rightClock();
const { fleetOf } = fleetsAt(() => clock.now);
const watching = (events: string[], hours = 1, more: IDataObject = {}) => ({ events, silentForHours: hours, ...more });
const atMost = (maxItems: number) => ({ options: { maxItems } });

/** The keys of the events of a poll so many seconds later. */
async function keysAfter(seconds: number, fleet: Fleet) {
	clock.now += seconds;
	return (await fleet.poll()).map(({ eventKey }) => String(eventKey));
}

const stored = ({ options }: Fleet) => objectOf(options.staticData.next ?? {});
const marked = (fleet: Fleet) => String(stored(fleet).quietMarks ?? '').length / 17;

/** What is asked of the list from now on. */
function questions(fleet: Fleet): Array<Request['qs']> {
	const asked: Array<Request['qs']> = [];
	const { request } = fleet.options;
	fleet.options.request = async (credential, options) => {
		if (options.qs) asked.push(options.qs);
		return await request(credential, options);
	};
	fleet.restart();
	return asked;
}

/** The marks of these devices, which were registered at these times, heard at those. */
const marksOf = (...devices: Array<[id: string, created: number, heard: number]>) =>
	new Map(devices.map(([id, created, heard]) => [quietKey(id, created), heard]));

/** Marks of devices in areas that leave room for so many of quiet ones. */
const roomFor = (marks: number) => ({ size: MOST_MARKS - marks }) as Set<string>;

describe('Registered', () => {
	it('begins half a minute before the node, and ends half a minute before each poll', async () => {
		const begun = clock.now;
		const fleet = fleetOf(0, watching(['registered']));
		for (const seconds of [-31, -30, 0, 29, 30]) fleet.add(`${seconds}`, { created: begun + seconds });
		expect(await keysAfter(0, fleet)).toEqual([]);
		expect(await keysAfter(60, fleet)).toEqual([-30, 0, 29].map((at) => `registered:${at}:${begun + at}`));
		expect(await keysAfter(1, fleet)).toEqual([`registered:30:${begun + 30}`]);
		expect(marked(fleet)).toBe(0);
	});

	it.each([
		[['registered'], [100, 20]],
		[
			['registered', 'firstHeard'],
			[100, 100, 40],
		],
		[['firstHeard'], [50, 50, 20]],
	])('%j of devices that were heard: at most so many, and the rest with the next polls', async (events, wanted) => {
		const fleet = fleetOf(0, watching(events, 1, atMost(100)));
		expect(await keysAfter(0, fleet)).toEqual([]);
		for (let n = 0; n < 120; n++) fleet.add(`new ${n}`, { created: clock.now + n, heard: clock.now + 200 });
		clock.now += 200;
		for (const many of [...wanted, 0]) expect(await keysAfter(60, fleet)).toHaveLength(many);
	});

	it('brings a time back that was stored in the future, to half a minute ago', async () => {
		const fleet = fleetOf(0, watching(['registered']));
		await keysAfter(0, fleet);
		fleet.add('new', { created: clock.now + 30 });
		fleet.add('another', { created: clock.now + 31 });
		for (const [ahead, warnings] of [
			[30, 0],
			[31, 1],
		] as const) {
			const next = { registered: { ...objectOf(stored(fleet).registered), from: clock.now + ahead } };
			const run = fleet.options.staticData;
			fleet.restart({ ...run, next });
			expect(await keysAfter(0, fleet)).toEqual([]);
			expect(fleet.warnings()).toHaveLength(warnings);
			fleet.restart(run);
		}
	});
});

describe('First Heard', () => {
	it('comes with the registration where a device was heard by then, else with its first packet', async () => {
		const fleet = fleetOf(3, watching(['registered', 'firstHeard']));
		fleet.hear('device 0');
		expect(await keysAfter(0, fleet)).toEqual([]);
		const at = clock.now;
		fleet.add('heard', { created: at, heard: at + 9 });
		fleet.add('new', { created: at });
		expect(await keysAfter(60, fleet)).toEqual([
			`registered:heard:${at}`,
			`firstHeard:heard:${at}`,
			`registered:new:${at}`,
		]);
		fleet.hear('device 0');
		fleet.hear('device 1');
		fleet.hear('new');
		expect(await keysAfter(60, fleet)).toEqual([`firstHeard:device 1:${at - 100_001}`, `firstHeard:new:${at}`]);
		expect(await keysAfter(60, fleet)).toEqual([]);
		expect(marked(fleet)).toBe(1);
	});

	it('outlasts another Silent For (Hours), and a silence of those that were heard is none of its business', async () => {
		const fleet = fleetOf(2, watching(['firstHeard', 'silent'], 1));
		fleet.hear('device 1');
		expect(await keysAfter(0, fleet)).toEqual([]);
		const silentSince = clock.now;
		fleet.hear('device 1', { heard: clock.now, satellite: clock.now + 30 * HOUR });
		expect(await keysAfter(HOUR + 1, fleet)).toEqual([]);
		expect(await keysAfter(HOUR + 1, fleet)).toEqual([`silent:device 1:${silentSince + HOUR + 1}`]);
		expect(marked(fleet)).toBe(1);
		fleet.restart(fleet.options.staticData, watching(['firstHeard', 'silent'], 2));
		fleet.hear('device 0');
		expect(await keysAfter(60, fleet)).toEqual([`firstHeard:device 0:${silentSince - 100_000}`]);
	});

	it('asks for those that were never heard, and only up to the registrations that were told', async () => {
		const fleet = fleetOf(2, watching(['firstHeard']));
		fleet.hear('device 1');
		await keysAfter(0, fleet);
		const asked = questions(fleet);
		await keysAfter(60, fleet);
		expect(asked).toMatchObject([
			{ filter_created_ts: `between:${clock.now - 90}:${clock.now - 30}`, sort_field: 'created_ts' },
			{ filter_most_recent_packet_ts: `between:${clock.now + 300}:${FAR}` },
			{ filter_most_recent_packet_ts: 'between:0:1', filter_created_ts: `between:0:${clock.now - 30}` },
		]);
		expect(asked.map(({ sort_field: field }) => field)).toEqual(['created_ts', 'most_recent_packet_ts', 'created_ts']);
		// A span of no second is none to ask for.
		const from = clock.now - 30;
		const course = { now: clock.now, events: ['firstHeard' as const] };
		const state = { registered: { of: 'all', from }, quiet: { of: 'all 0 1', from } };
		const span = runOf(fleet, { ...course, state });
		await quiet(span.run);
		expect(span.asked).toEqual([]);
		expect(span.run.state).toEqual(state);
	});

	it('comes once where a poll has marked the device that was not handed over', async () => {
		const fleet = fleetOf(0, {});
		const created = clock.now - 300;
		fleet.add('new', { created, heard: clock.now - 5 });
		const { run, keys } = runOf(fleet, {
			now: clock.now,
			events: ['registered', 'firstHeard'],
			state: { registered: { of: 'all', from: created }, quiet: { of: 'all 0 1', from: 0 } },
			quiet: marksOf(['new', created, 0]),
		});
		beginRegistered(run);
		await registered(run);
		expect(run.quiet.size).toBe(0);
		await quiet(run);
		expect(keys()).toEqual([`registered:new:${created}`, `firstHeard:new:${created}`]);
	});

	it('leaves the mark of a silence where the registration comes again', async () => {
		const fleet = fleetOf(0, {});
		const created = clock.now - 3 * HOUR;
		fleet.add('new', { created, heard: clock.now - 5 });
		const { run, keys } = runOf(fleet, {
			now: clock.now,
			events: ['registered', 'firstHeard', 'heardAgain'],
			state: { registered: { of: 'all', from: created }, quiet: { of: 'all 0 3600', from: 0 } },
			quiet: marksOf(['new', created, created + 60]),
		});
		await registered(run);
		await quiet(run);
		const told = [`registered:new:${created}`, `firstHeard:new:${created}`, `heardAgain:new:${created + 60}`];
		expect(keys()).toEqual(told);
	});

	it('marks no more new devices than there is room for', async () => {
		const fleet = fleetOf(0, {});
		for (const id of ['a', 'b', 'c']) fleet.add(id, { created: clock.now - 60 });
		const { run } = runOf(fleet, {
			now: clock.now,
			events: ['firstHeard'],
			inside: roomFor(2),
			state: { registered: { of: 'all', from: clock.now - 100 } },
		});
		await registered(run);
		expect([...run.quiet.keys()]).toEqual(['a', 'b'].map((id) => quietKey(id, clock.now - 60)));
	});
});

describe('Heard Again', () => {
	it('is told once of a device that was silent, with the time since when as the key', async () => {
		const fleet = fleetOf(3, watching(['silent', 'heardAgain']));
		const at = clock.now;
		fleet.hear('device 0');
		expect(await keysAfter(0, fleet)).toEqual([]);
		expect(await keysAfter(HOUR, fleet)).toEqual([]);
		expect(await keysAfter(1, fleet)).toEqual([`silent:device 0:${at}`]);
		expect(marked(fleet)).toBe(1);
		// The first packet of a device ends no silence.
		for (const id of ['device 0', 'device 1']) fleet.hear(id);
		expect(await keysAfter(1, fleet)).toEqual([`heardAgain:device 0:${at}`]);
		expect(marked(fleet)).toBe(0);
		expect(fleet.warnings()).toEqual([]);
	});

	it('asks for the devices that are silent, and for those that are no longer, not for the fleet', async () => {
		const fleet = fleetOf(6, watching(['heardAgain']));
		const created = (n: number) => clock.now - 100_000 - n;
		const [second, fifth] = [created(2), created(5)];
		for (const n of [2, 5]) fleet.hear(`device ${n}`, { heard: clock.now - 2 * HOUR });
		for (const n of [1, 3, 4]) fleet.hear(`device ${n}`);
		const since = clock.now - 2 * HOUR;
		expect(await keysAfter(0, fleet)).toEqual([]);
		expect(marked(fleet)).toBe(2);
		const asked = questions(fleet);
		for (const n of [2, 5]) fleet.hear(`device ${n}`);
		expect(await keysAfter(60, fleet)).toEqual([`heardAgain:device 5:${since}`, `heardAgain:device 2:${since}`]);
		const silentUntil = clock.now - HOUR;
		expect(asked).toMatchObject([
			{ filter_most_recent_packet_ts: `between:${clock.now + 300}:${FAR}` },
			{ filter_most_recent_packet_ts: `between:1:${silentUntil}`, filter_created_ts: `between:0:${FAR}` },
			{
				filter_most_recent_packet_ts: `between:${silentUntil}:${FAR}`,
				filter_created_ts: `between:${fifth}:${second + 1}`,
			},
		]);
		expect(asked.slice(1).map(({ sort_field: field }) => field)).toEqual(['created_ts', 'created_ts']);
		asked.length = 0;
		expect(await keysAfter(60, fleet)).toEqual([]);
		expect(asked).toHaveLength(2);
	});

	it('takes no silence of another Silent For (Hours) for one', async () => {
		const fleet = fleetOf(1, watching(['heardAgain'], 1));
		fleet.hear('device 0', { heard: clock.now - 1.5 * HOUR });
		await keysAfter(0, fleet);
		expect(marked(fleet)).toBe(1);
		fleet.restart(fleet.options.staticData, watching(['heardAgain'], 2));
		fleet.hear('device 0');
		expect(await keysAfter(60, fleet)).toEqual([]);
		expect(marked(fleet)).toBe(0);
	});

	it.each([
		[['heardAgain'], ['heardAgain', 'firstHeard'], 1, ['heardAgain device 0'], 2],
		[['firstHeard'], ['heardAgain', 'firstHeard'], 1, ['firstHeard device 1'], 2],
		[['heardAgain', 'firstHeard'], ['heardAgain'], 1, ['heardAgain device 0'], 1],
		[['heardAgain', 'firstHeard'], ['firstHeard'], 1, ['firstHeard device 1'], 1],
		[['heardAgain', 'firstHeard'], ['heardAgain', 'firstHeard'], 2, ['firstHeard device 1'], 1],
	])(
		'after %j, with %j and %i hours, goes on where its own settings are the same',
		async (before, after, hours, told, marks) => {
			for (const isHeard of [false, true]) {
				const fleet = fleetOf(2, watching(before));
				fleet.hear('device 0', { heard: clock.now - 1.5 * HOUR });
				expect(await fleet.names()).toEqual([]);
				fleet.restart(fleet.options.staticData, watching(after, hours));
				clock.now += 60;
				if (isHeard) for (const id of fleet.devices.keys()) fleet.hear(id);
				expect(await fleet.names()).toEqual(isHeard ? told : []);
				expect(marked(fleet)).toBe(isHeard ? 0 : marks);
			}
		},
	);

	it.each<[string, string[], string, Array<'never' | 'silent'>]>([
		['the same settings', ['firstHeard', 'heardAgain'], 'all 0 3600', ['never', 'silent']],
		['others of Heard Again', ['firstHeard', 'heardAgain'], 'all 0 7200', ['never']],
		['First Heard alone', ['firstHeard', 'heardAgain'], 'all 0 1', ['never']],
		['First Heard, which is not watched now', ['heardAgain'], 'all 0 3600', ['silent']],
		['other devices', ['firstHeard', 'heardAgain'], 'others 0 3600', []],
		['no settings', ['firstHeard', 'heardAgain'], '', []],
	])('keeps of the marks of %s what still holds', (_, events, of, kept) => {
		const marks = { never: [quietKey('n', 1), 0], silent: [quietKey('s', 1), clock.now - 9 * HOUR] } as const;
		const { run } = runOf(fleetOf(0, {}), {
			now: clock.now,
			events: events as EventName[],
			quiet: new Map(Object.values(marks)),
		});
		if (of) run.state.quiet = { of, from: 7 };
		beginQuiet(run);
		expect([...run.quiet.keys()]).toEqual(kept.map((which) => marks[which][0]));
	});

	it('knows what the first poll with its settings has marked, also where that may not have been handed over', async () => {
		const fleet = fleetOf(1, watching(['silent']));
		fleet.hear('device 0');
		const at = clock.now;
		expect(await keysAfter(0, fleet)).toEqual([]);
		fleet.restart(fleet.options.staticData, watching(['silent', 'heardAgain']));
		expect(await keysAfter(HOUR + 1, fleet)).toEqual([`silent:device 0:${at}`]);
		fleet.restart(fleet.options.staticData, watching(['silent', 'heardAgain']));
		fleet.hear('device 0');
		expect(await keysAfter(60, fleet)).toEqual([`heardAgain:device 0:${at}`]);
	});

	it.each([[['heardAgain']], [['heardAgain', 'silent']]])(
		'comes with the next silence where Hubble shows the packet so late: %j',
		async (events) => {
			const fleet = fleetOf(1, watching(events));
			const at = clock.now - 2 * HOUR;
			fleet.hear('device 0', { heard: at });
			expect(await keysAfter(0, fleet)).toEqual([]);
			const told = (...keys: string[]) => keys.filter((key) => events.includes(key.split(':')[0] ?? ''));
			// The window of Silent is past the first packet, begins with the second, and the third is in the midst of it.
			const end = clock.now - HOUR;
			let since = at;
			for (const heard of [end - 1, end + 600, end + 1800]) {
				fleet.hear('device 0', { heard });
				const expected = told(`heardAgain:device 0:${since}`, `silent:device 0:${heard}`);
				expect(await keysAfter(heard === end + 600 ? 1200 : 600, fleet)).toEqual(expected);
				since = heard;
			}
			expect(await keysAfter(600, fleet)).toEqual([]);
			expect(marked(fleet)).toBe(1);
			expect(fleet.warnings()).toEqual([]);
		},
	);

	it('needs room for both where a silence follows; the rest comes with the next polls', async () => {
		const fleet = fleetOf(61, watching(['silent', 'heardAgain'], 1, atMost(100)));
		for (const id of fleet.devices.keys()) fleet.hear(id, { heard: clock.now - 3 * HOUR });
		expect(await keysAfter(0, fleet)).toEqual([]);
		for (const id of fleet.devices.keys()) fleet.hear(id, { heard: clock.now - 2 * HOUR });
		const given: string[] = [];
		for (const many of [100, 22, 0]) {
			const keys = await keysAfter(60, fleet);
			expect(keys).toHaveLength(many);
			given.push(...keys);
		}
		expect(new Set(given).size).toBe(122);
	});

	it('gives at most so many, and then asks for no more', async () => {
		const fleet = fleetOf(120, watching(['heardAgain'], 1, atMost(100)));
		for (const id of fleet.devices.keys()) fleet.hear(id, { heard: clock.now - 3 * HOUR });
		await keysAfter(0, fleet);
		for (const id of fleet.devices.keys()) fleet.hear(id);
		const asked = questions(fleet);
		for (const [many, calls] of [
			[100, 3],
			[20, 3],
			[0, 2],
		] as const) {
			asked.length = 0;
			expect(await keysAfter(1, fleet)).toHaveLength(many);
			expect(asked).toHaveLength(calls);
		}
		// Where other events have filled the execution, it asks nothing.
		const full = runOf(fleet, { now: clock.now, events: ['heardAgain'], settings: { most: 0 } });
		beginQuiet(full.run);
		await quiet(full.run);
		expect(full.asked).toEqual([]);
	});

	it('finds the devices that were heard over pages and within a second, with a call for each at most, not the deleted ones', async () => {
		const fleet = fleetOf(0, {}, 2);
		const at = clock.now - 9000;
		const since = clock.now - 2 * HOUR;
		const devices: Array<[string, number, number]> = [];
		for (const [id, seconds] of Object.entries({ a: 0, deleted: 10, b: 20, c: 40, d: 40, e: 40, f: 50 })) {
			devices.push([id, at + seconds, since]);
			if (id !== 'deleted') fleet.add(id, { created: at + seconds, heard: clock.now - 60 });
		}
		// Others that were always heard lie between them.
		for (let n = 0; n < 30; n++) fleet.add(`other ${n}`, { created: at + 21 + (n % 15), heard: clock.now - 60 });
		const { run, keys, asked } = runOf(fleet, { now: clock.now, events: ['heardAgain'], quiet: marksOf(...devices) });
		run.state.quiet = { of: 'all 1 3600', from: 0 };
		await quiet(run);
		expect(keys()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'].map((id) => `heardAgain:${id}:${since}`));
		expect(run.quiet.size).toBe(0);
		expect(asked.length).toBeLessThan(12);
	});

	it('looks for one at least, with the last page of a poll, and goes on with the next in the next poll', async () => {
		const fleet = fleetOf(0, {}, 1);
		const since = clock.now - 2 * HOUR;
		const created = (n: number) => clock.now - 9000 + 10 * n;
		const names = [0, 1, 2, 3].map((n) => `device ${n}`);
		for (const [n, id] of names.entries()) fleet.add(id, { created: created(n), heard: clock.now - 60 });
		for (const [pagesLeft, found] of [
			[2, 1],
			[4, 1],
			[5, 2],
			[30, 4],
		] as const) {
			const { run, keys } = runOf(fleet, {
				now: clock.now,
				events: ['heardAgain'],
				quiet: marksOf(...names.map((id, n): [string, number, number] => [id, created(n), since])),
				pagesLeft,
			});
			run.state.quiet = { of: 'all 1 3600', from: 0 };
			await quiet(run);
			expect([pagesLeft, keys().length]).toEqual([pagesLeft, found]);
			expect(run.state.quiet.from).toBe(found === 4 ? 0 : created(found));
		}
	});

	it('looks once and no more where Hubble lists others than were asked for', async () => {
		const fleet = fleetOf(9, {}, 1);
		for (const id of fleet.devices.keys()) fleet.hear(id, { heard: clock.now - 60 });
		const { request } = fleet.options;
		fleet.options.request = async (credential, options) =>
			await request(credential, { ...options, qs: { ...options.qs, filter_created_ts: undefined } });
		const { run, asked, keys } = runOf(fleet, {
			now: clock.now,
			events: ['heardAgain'],
			quiet: marksOf(['device 0', clock.now - 100_000, clock.now - 2 * HOUR]),
			state: { quiet: { of: 'all 1 3600', from: 0 } },
			pagesLeft: 4,
		});
		await quiet(run);
		expect([keys(), asked.length, run.state.quiet?.from]).toEqual([[], 4, clock.now - 100_000]);
		expect(run.quiet.size).toBe(1);
	});

	it('waits for the next poll where there is room for one event, and two may come', async () => {
		const fleet = fleetOf(0, {}, 1);
		const at = clock.now - 9000;
		const [before, heard] = [clock.now - 4 * HOUR, clock.now - 2 * HOUR];
		for (const [n, id] of ['a', 'b', 'c'].entries()) fleet.add(id, { created: at + n, heard });
		const course = { now: clock.now, events: ['heardAgain' as const], quiet: marksOf(['a', at, before]) };
		const state = { quiet: { of: 'all 1 3600', from: 0 } };
		const { run, keys } = runOf(fleet, { ...course, settings: { most: 1 }, state });
		await quiet(run);
		expect(run.state.quiet?.from).toBe(at);
		const next = runOf(fleet, { ...course, quiet: run.quiet, state: run.state });
		await quiet(next.run);
		expect([keys(), next.keys()]).toEqual([[], [`heardAgain:a:${before}`]]);
	});

	it('goes on where the last poll has left the silent devices, and then begins again', async () => {
		const fleet = fleetOf(70, watching(['heardAgain']), 1);
		for (const id of fleet.devices.keys()) fleet.hear(id, { heard: clock.now - 2 * HOUR });
		const places: unknown[] = [];
		for (let polls = 0; polls < 3; polls++) {
			expect(await keysAfter(1, fleet)).toEqual([]);
			places.push(objectOf(stored(fleet).quiet).from);
		}
		const first = clock.now - 3 - 100_000 - 69;
		expect(places).toEqual([first + 28, first + 56, 0]);
		expect(marked(fleet)).toBe(70);
	});

	it('marks no more devices than there is room for, says so, and marks those anew that it knows', async () => {
		const fleet = fleetOf(0, {}, 1);
		const course = { now: clock.now, events: ['heardAgain' as const, 'silent' as const] };
		const at = clock.now - 9000;
		for (const [n, id] of ['a', 'b', 'c'].entries()) fleet.add(id, { created: at + n, heard: clock.now - 2 * HOUR });
		for (const [room, warned] of [
			[2, 1],
			[3, 0],
		] as const) {
			const { run, warnings } = runOf(fleet, { ...course, inside: roomFor(room) });
			beginQuiet(run);
			await quiet(run);
			expect(run.quiet.size).toBe(room);
			expect(warnings).toHaveLength(warned);
			for (const line of warnings)
				expect(line).toBe('"Watch" remembers at most 100000 devices; it does not report when others are heard.');
		}
		const { run, keys } = runOf(fleet, {
			...course,
			inside: roomFor(2),
			quiet: marksOf(['c', at + 2, clock.now - 9 * HOUR]),
		});
		run.state.silent = { of: 'all 3600', from: clock.now - 3 * HOUR };
		await silent(run);
		expect(run.quiet).toEqual(marksOf(['c', at + 2, clock.now - 2 * HOUR], ['a', at, clock.now - 2 * HOUR]));
		expect(keys().sort()).toEqual([
			`heardAgain:c:${clock.now - 9 * HOUR}`,
			...['a', 'b', 'c'].map((id) => `silent:${id}:${clock.now - 2 * HOUR}`),
		]);
	});
});

describe('Silent', () => {
	it('reports those that are silent already only when it is told to, and only at first', async () => {
		for (const reportSilentAlready of [false, true]) {
			const settings = { reportSilentAlready };
			const fleet = fleetOf(3, watching(['silent'], 2, settings));
			fleet.hear('device 0', { heard: clock.now - 3 * HOUR });
			fleet.hear('device 1');
			expect(await keysAfter(0, fleet)).toEqual(reportSilentAlready ? [`silent:device 0:${clock.now - 3 * HOUR}`] : []);
			expect(await keysAfter(61, fleet)).toEqual([]);
			expect(marked(fleet)).toBe(0);
			fleet.restart(fleet.options.staticData, watching(['silent'], 1, settings));
			expect(await keysAfter(61, fleet)).toEqual([]);
			expect(await keysAfter(HOUR, fleet)).toEqual([`silent:device 1:${clock.now - HOUR - 122}`]);
		}
	});

	it('waits six hours for a device that only satellites hear, and is told once of each silence of it', async () => {
		const fleet = fleetOf(1, watching(['silent', 'heardAgain']));
		const hear = (ago: number) => fleet.hear('device 0', { heard: 0, satellite: clock.now - ago });
		hear(0);
		const at = clock.now;
		expect(await keysAfter(0, fleet)).toEqual([]);
		expect(await keysAfter(2 * HOUR, fleet)).toEqual([]);
		expect(await keysAfter(4 * HOUR, fleet)).toEqual([]);
		expect(marked(fleet)).toBe(0);
		expect(await keysAfter(1, fleet)).toEqual([`silent:device 0:${at}`]);
		// Heard again, though longer ago than a silence of others; the next packet follows in time.
		hear(3 * HOUR);
		expect(await keysAfter(60, fleet)).toEqual([`heardAgain:device 0:${at}`]);
		expect(marked(fleet)).toBe(0);
		hear(2 * HOUR);
		const last = clock.now - 2 * HOUR;
		expect(await keysAfter(60, fleet)).toEqual([]);
		expect(await keysAfter(4 * HOUR, fleet)).toEqual([`silent:device 0:${last}`]);
		// Shown when the next silence has begun: behind its window, at its begin and in it.
		let since = last;
		const end = clock.now - 6 * HOUR;
		for (const heard of [end - 1, end + 600, end + 1800]) {
			fleet.hear('device 0', { heard: 0, satellite: heard });
			const keys = await keysAfter(heard === end + 600 ? 1200 : 600, fleet);
			expect(keys).toEqual([`heardAgain:device 0:${since}`, `silent:device 0:${heard}`]);
			since = heard;
		}
	});

	it('asks once more for those that only satellites hear, where they may take longer', async () => {
		const fleet = fleetOf(1, watching(['silent'], 1));
		const asked = questions(fleet);
		await keysAfter(0, fleet);
		for (const [hours, calls] of [
			[5, 3],
			[6, 2],
			[7, 2],
		] as const) {
			fleet.restart(fleet.options.staticData, watching(['silent'], hours));
			await keysAfter(60, fleet);
			asked.length = 0;
			await keysAfter(60, fleet);
			expect(asked).toHaveLength(calls);
			expect(stored(fleet).silentBySatellite !== undefined).toBe(calls === 3);
			const ends = asked.slice(1).map((qs) => String(qs.filter_most_recent_packet_ts).split(':')[2]);
			expect(ends).toEqual([hours, 6].slice(0, calls - 1).map((each) => String(clock.now - each * HOUR)));
		}
	});

	it('brings times back that were stored in the future', () => {
		for (const [ahead, warned] of [
			[60, 0],
			[61, 2],
		] as const) {
			const { run, warnings } = runOf(fleetOf(0, {}), { now: clock.now, events: ['silent'] });
			const from = (silence: number) => ({ of: 'all 3600', from: clock.now - silence + ahead });
			Object.assign(run.state, { silent: from(HOUR), silentBySatellite: from(6 * HOUR) });
			beginSilent(run);
			expect(warnings).toHaveLength(warned);
		}
	});

	it('tells before it that the device was heard, where the silent ones were not read so far; at most so many of both', async () => {
		for (const [events, wanted] of [
			[['silent', 'heardAgain'], 100],
			[['silent'], 61],
		] as const) {
			const fleet = fleetOf(61, {});
			const [before, heard] = [clock.now - 5 * HOUR, clock.now - 2 * HOUR];
			for (const id of fleet.devices.keys()) fleet.hear(id, { heard: heard + 0.5 });
			const marks = [...fleet.devices.values()].map(({ id, created }): [string, number, number] => [
				id,
				created,
				before,
			]);
			const { run, keys } = runOf(fleet, {
				now: clock.now,
				events: [...events],
				settings: { most: 100 },
				quiet: marksOf(...marks),
				state: { quiet: { of: 'all 1 3600', from: 0 }, silent: { of: 'all 3600', from: clock.now - 3 * HOUR } },
			});
			await silent(run);
			expect(keys()).toHaveLength(wanted);
			const both = [`heardAgain:device 0:${before}`, `silent:device 0:${heard + 0.5}`];
			expect(keys().slice(0, 2)).toEqual(wanted === 100 ? both : expect.not.arrayContaining(both.slice(0, 1)));
			expect([...run.quiet.values()].filter((mark) => mark === heard)).toHaveLength(wanted === 100 ? 50 : 0);
			// What was told is known: neither comes again.
			Object.assign(run, { items: [] });
			await quiet(run);
			expect(keys().filter((key) => key.startsWith('heardAgain:device 0:'))).toEqual([]);
		}
	});
});

describe('a stamp from the future', () => {
	it('is no packet any more when it has become present, nor when it is older than a silence', async () => {
		const fleet = fleetOf(1, watching(['silent', 'heardAgain'], 2));
		const [at, stamp] = [clock.now, clock.now + 6 * HOUR];
		fleet.hear('device 0', { heard: stamp });
		expect(await keysAfter(0, fleet)).toEqual([]);
		expect(await keysAfter(2 * HOUR + 1, fleet)).toEqual([`silent:device 0:${at}`]);
		for (const hours of [1, 3, 1, 1, 23, 3]) expect(await keysAfter(hours * HOUR, fleet)).toEqual([]);
		expect(marked(fleet)).toBe(1);
		fleet.hear('device 0');
		expect(await keysAfter(60, fleet)).toEqual([`heardAgain:device 0:${stamp}`]);
	});

	it('is told with those that were registered about when it was, and with its silence where that is past', async () => {
		const fleet = fleetOf(0, {}, 1);
		const at = clock.now - 90_000;
		const [before, since] = [clock.now - 4 * HOUR, clock.now - 2 * HOUR];
		fleet.add('a', { created: at, heard: since });
		for (const [n, id] of ['b', 'last'].entries()) fleet.add(id, { created: at + 20 + n, heard: since });
		const future = [{ id: 'ahead', created_ts: at + 10, most_recent_packet: { terrestrial: { timestamp: FAR } } }];
		const devices = ['a', 'ahead', 'b'];
		for (const from of [0, at + 10]) {
			const { run, keys } = runOf(fleet, {
				now: clock.now,
				events: ['heardAgain', 'silent'],
				quiet: marksOf(...devices.map((id, n): [string, number, number] => [id, at + 10 * n, before])),
				future,
				ahead: { ahead: [FAR, since, HOUR] },
				state: {
					quiet: { of: 'all 1 3600', from },
					silent: { of: 'all 3600', from: clock.now - HOUR },
				},
			});
			await quiet(run);
			const told = from ? devices.slice(1) : devices;
			expect(keys()).toEqual(told.flatMap((id) => [`heardAgain:${id}:${before}`, `silent:${id}:${since}`]));
		}
	});

	it('that others keep from being watched ends no silence that was told', async () => {
		const fleet = fleetOf(1, watching(['silent', 'heardAgain']));
		const at = clock.now;
		fleet.hear('device 0', { heard: at + 9000 * HOUR });
		expect(await keysAfter(0, fleet)).toEqual([]);
		expect(await keysAfter(HOUR + 1, fleet)).toEqual([`silent:device 0:${at}`]);
		for (let n = 0; n < 2100; n++) fleet.add(`new ${n}`, { heard: at + 8000 * HOUR + n });
		expect(await keysAfter(60, fleet)).toEqual([]);
		expect(fleet.warnings()).toEqual([expect.stringContaining('at most 1000 devices')]);
		for (let n = 0; n < 2100; n++) fleet.devices.delete(`new ${n}`);
		expect(await keysAfter(60, fleet)).toEqual([]);
		fleet.hear('device 0');
		expect(await keysAfter(60, fleet)).toEqual([`heardAgain:device 0:${at}`]);
	});

	it.each([[['heardAgain']], [['silent', 'heardAgain']]])('hides no silence: %j', async (events) => {
		const fleet = fleetOf(2, watching(events));
		const asked = questions(fleet);
		const at = clock.now;
		fleet.hear('device 0', { heard: at + 9000 * HOUR });
		fleet.hear('device 1');
		expect(await keysAfter(0, fleet)).toEqual([]);
		fleet.hear('device 1', { heard: at + HOUR });
		const silences = events.includes('silent') ? [`silent:device 0:${at}`] : [];
		expect(await keysAfter(HOUR + 1, fleet)).toEqual(silences);
		expect(marked(fleet)).toBe(1);
		asked.length = 0;
		expect(await keysAfter(1, fleet)).toEqual([]);
		// It is among the silent ones, and needs not be looked for.
		expect(asked).toHaveLength(events.length === 1 ? 2 : 4);
		fleet.hear('device 0', { heard: at + 9001 * HOUR });
		expect(await keysAfter(1, fleet)).toEqual([`heardAgain:device 0:${at}`]);
		expect(marked(fleet)).toBe(0);
	});
});
