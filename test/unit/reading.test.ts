/** How the device trigger reads a list in order of a time: over pages, polls and seconds, without a gap and without repeats. */
import { NodeApiError, type INode } from 'n8n-workflow';
import {
	cursorOf,
	devicesBy,
	emit,
	readAhead,
	readWindow,
	type PollRun,
} from '../../nodes/HubbleDeviceTrigger/reading';
import type { Device } from '../../nodes/HubbleDeviceTrigger/watch';
import { keyOf } from '../../nodes/shared/polling/compact';
import { fleetsAt, type Fleet } from '../integration/fleet';
import { runOf } from './pollRun';

const NOW = 1_790_000_000;
const FAR = 99_999_999_999;
const { fleetOf } = fleetsAt(() => NOW);

/** A fleet of devices that were heard at these seconds, or so many of them at one. */
function heardAt(pageSize: number, heard: Record<string, number>): Fleet {
	const fleet = fleetOf(0, {}, pageSize);
	for (const [id, at] of Object.entries(heard)) fleet.add(id, { heard: NOW + at });
	return fleet;
}

const course = { now: NOW, events: ['silent' as const] };

/** Reads a window of last packets up to so many seconds from now. */
async function read(run: PollRun, end: number, each = 1) {
	const ids: string[] = [];
	await readWindow(run, {
		name: 'silent',
		end: NOW + end,
		each,
		report(device) {
			ids.push(device.id);
			emit(run, { event: 'silent', device, since: 1, of: 1 });
		},
	});
	return ids;
}

const silentFrom = (from: number, more = {}) => ({ silent: { of: 'x', from: NOW + from, ...more } });

describe('devices in the order of a time', () => {
	/** What comes of the list from its begin, and the calls it took. */
	async function chunksOf(fleet: Fleet, more: Partial<PollRun> = {}, at?: { from: number; token?: string }) {
		const { run, asked } = runOf(fleet, { ...course, ...more });
		const chunks = [];
		const query = { filter_most_recent_packet_ts: `between:0:${NOW + 1000}` };
		for await (const { devices, reached, token, isLast } of devicesBy(
			run,
			'most_recent_packet_ts',
			query,
			NOW + 1000,
			at,
		))
			chunks.push([devices.map(({ id }) => id).join(' '), reached - NOW, token !== undefined, isLast]);
		return { chunks, calls: asked.length, asked, run };
	}

	it('come in whole seconds', async () => {
		const fleet = heardAt(2, { a: 1, b: 2, c: 2, d: 2.5, e: 3 });
		const { chunks, asked } = await chunksOf(fleet);
		expect(chunks).toEqual([
			['a', 2, false, false],
			['', 2, false, false],
			['b c d e', 1000, false, true],
		]);
		expect(asked[0]).toMatchObject({ sort_field: 'most_recent_packet_ts', sort_ascending: true, limit: 1000 });
		expect(asked[0]).not.toHaveProperty('filter_tags');
	});

	it('come as far as the poll may read, to the end of the second where no token can be kept', async () => {
		const seconds = { a: 1, b: 1, c: 1, d: 2, e: 3, f: 4 };
		const from = NOW + 1;
		for (const [pagesLeft, at, wanted, calls] of [
			[
				1,
				undefined,
				[
					['', 1],
					['', 1],
					['', 1],
					['a b c', 2],
				],
				4,
			],
			[
				4,
				undefined,
				[
					['', 1],
					['', 1],
					['', 1],
					['a b c', 2],
				],
				4,
			],
			[
				5,
				undefined,
				[
					['', 1],
					['', 1],
					['', 1],
					['a b c', 2],
					['d', 3],
				],
				5,
			],
			[1, { from }, [['a', 1, true]], 1],
			[
				2,
				{ from },
				[
					['', 1],
					['a b', 1, true],
				],
				2,
			],
			[
				4,
				{ from },
				[
					['', 1],
					['', 1],
					['', 1],
					['a b c', 2],
				],
				4,
			],
		] as const) {
			const { chunks, calls: made } = await chunksOf(heardAt(1, seconds), { pagesLeft }, at);
			expect(chunks).toEqual(wanted.map(([ids, reached, token = false]) => [ids, reached, token, false]));
			expect(made).toBe(calls);
		}
		// A poll whose time is up reads no further page.
		const budget = { endStep: () => false } as PollRun['budget'];
		expect((await chunksOf(heardAt(1, seconds), { budget }, { from })).calls).toBe(1);
	});

	it('are those that the settings want, and all that Hubble lists, also what was heard since it was found', async () => {
		const fleet = heardAt(1000, { a: 1, b: 2, c: 3 });
		const { request } = fleet.options;
		fleet.options.request = async (...given) => {
			fleet.hear('c', { heard: NOW + 2 });
			const reply = await request(...given);
			const body = Buffer.from(String(reply.body).replace(String(NOW + 2), String(NOW + 2000)));
			return { ...reply, body } as never;
		};
		const settings = { tags: ['_env:production'], matches: ({ id }: Device) => id !== 'b' } as PollRun['settings'];
		const { asked } = await chunksOf(fleet, { settings });
		expect(asked[0]).toHaveProperty('filter_tags', settings.tags);
		const shown = await chunksOf(fleet);
		expect(shown.chunks).toEqual([['a b c', 1000, false, true]]);
		const wanted = await chunksOf(fleet, { settings: { matches: settings.matches } as PollRun['settings'] });
		expect(wanted.chunks).toEqual([['a c', 1000, false, true]]);
	});
});

describe('a second of more devices than a poll may read', () => {
	const seconds = { a: 1, b: 1, c: 1, d: 1, e: 1 };
	/** Polls of two pages each, with the end of their window, in seconds from now. */
	async function polls(fleet: Fleet, ends: number[], between: (poll: number) => void = () => {}) {
		let state: PollRun['state'] = silentFrom(1);
		const told: string[] = [];
		const places: unknown[] = [];
		const warned: string[] = [];
		for (const [index, end] of ends.entries()) {
			between(index);
			const { run, warnings } = runOf(fleet, { ...course, state, pagesLeft: 2 });
			told.push((await read(run, end)).join(''));
			({ state } = run);
			places.push([Number(state.silent?.from) - NOW, state.silent?.token !== undefined]);
			warned.push(...warnings);
		}
		return { told, places, warned };
	}

	it('is gone on with in the next polls, and no time is passed over then', async () => {
		const { told, places } = await polls(heardAt(1, { ...seconds, later: 50, last: 70 }), [40, 60, 80, 90]);
		expect(told).toEqual(['ab', 'cd', 'e', 'laterlast']);
		expect(places).toEqual([
			[1, true],
			[1, true],
			[2, false],
			[90, false],
		]);
	});

	it('is over where the rest of its devices were heard meanwhile', async () => {
		const fleet = heardAt(1, seconds);
		const { told, places } = await polls(fleet, [40, 40, 40], (index) => {
			if (index === 1) for (const id of ['c', 'd', 'e']) fleet.hear(id, { heard: NOW + 100 });
		});
		expect(told).toEqual(['ab', '', '']);
		expect(places.slice(1)).toEqual([
			[2, false],
			[40, false],
		]);
	});

	it('begins anew where Hubble knows the token no more, and the window ends at its end then', async () => {
		const fleet = heardAt(1000, seconds);
		const { request } = fleet.options;
		fleet.options.request = async (credential, options) => {
			if (!options.headers?.['Continuation-Token']) return await request(credential, options);
			const error = new NodeApiError({ name: 'Watch' } as INode, {}, { httpCode: '404' });
			throw Object.assign(error, { context: { isHubbles: true } });
		};
		const { run, warnings } = runOf(fleet, { ...course, state: silentFrom(1, { token: 'old' }) });
		expect(await read(run, 40)).toEqual(['a', 'b', 'c', 'd', 'e']);
		expect(run.state.silent).toEqual({ of: 'x', from: NOW + 40 });
		expect(warnings).toEqual([expect.stringContaining(`continues from ${new Date((NOW + 1) * 1000).toISOString()}`)]);
	});
});

describe('an event', () => {
	const device = { id: 'd', created_ts: NOW, tags: { site: 'a' } };

	it('is told in the time of the workflow, and with all fields of the device where the user wants them', () => {
		for (const simplify of [true, false]) {
			const { run } = runOf(fleetOf(0, {}), { ...course, settings: { simplify } });
			const heard = NOW - 3600;
			emit(run, { event: 'silent', device, since: heard, of: heard, heard });
			emit(run, { event: 'registered', device, of: NOW });
			expect(run.items).toHaveLength(1);
			expect(run.items[0]?.json).toMatchObject({
				event: 'silent',
				text: expect.stringMatching(/^d has been silent for 60 minutes, last heard 21 Sept? 18:43$/),
				...(simplify ? { deviceId: 'd' } : device),
			});
		}
	});
});

describe('a cursor', () => {
	it('P10: is as it was stored, or begins: for other settings, and where it was in the future', () => {
		const { run, warnings } = runOf(fleetOf(0, {}), course);
		const stored = { of: 'x', from: 100, token: 't', seen: ['a'] };
		expect(cursorOf(run, stored, 'x', 5, 100)).toEqual(stored);
		expect(cursorOf(run, stored, 'y', 5, 100)).toEqual({ of: 'y', from: 5 });
		expect(cursorOf(run, undefined, 'x', 5, 100)).toEqual({ of: 'x', from: 5 });
		expect(warnings).toEqual([]);
		expect(cursorOf(run, stored, 'x', 5, 30)).toEqual({ of: 'x', from: 30 });
		expect(warnings).toHaveLength(1);
	});
});

describe('a window', () => {
	it.each([
		['it is at its end', 40, 1000, 1],
		['it is behind its end', 41, 1000, 1],
		['an execution has no room for all events of a device', 1, 1, 2],
	])('asks nothing where %s', async (_, from, most, each) => {
		const { run, asked } = runOf(heardAt(1, { a: 1 }), { ...course, state: silentFrom(from), settings: { most } });
		expect(await read(run, 40, each)).toEqual([]);
		expect(asked).toEqual([]);
		expect(run.state).toEqual(silentFrom(from));
	});

	it('ends where the room ends, and goes on there', async () => {
		const fleet = heardAt(1, { a: 1, b: 2, c: 3, d: 4, e: 5 });
		for (const [most, each, told, calls] of [
			[2, 1, 'ab', 3],
			[2, 2, 'a', 2],
			[3, 1, 'abc', 4],
		] as const) {
			const { run, asked } = runOf(fleet, { ...course, state: silentFrom(1), settings: { most } });
			expect((await read(run, 40, each)).join('')).toBe(told);
			expect(asked).toHaveLength(calls);
			expect(run.state).toEqual(silentFrom(told.length + 1));
		}
		// Also before the last devices of a page, where there would be room for one of the next.
		const pairs = heardAt(3, { a: 1, b: 2, c: 3, d: 4, e: 5 });
		const { run } = runOf(pairs, { ...course, state: silentFrom(1), settings: { most: 3 } });
		expect(await read(run, 40, 2)).toEqual(['a']);
		expect(run.state).toEqual(silentFrom(2, { seen: [] }));
	});

	it('tells none of a second again whose page was not read to its end', async () => {
		const fleet = heardAt(1, { a: 1, b: 1, c: 1, d: 2 });
		const { run } = runOf(fleet, { ...course, state: silentFrom(1, { seen: [keyOf('a')] }) });
		expect(await read(run, 40)).toEqual(['b', 'c', 'd']);
	});

	it('has devices with a stamp from the future where they were heard, each in one window', async () => {
		const fleet = heardAt(1000, { a: 10, c: 30 });
		const stamp = NOW + 9000;
		const future = ['before', 'b', 'at the end'].map((id) => ({
			id,
			created_ts: NOW,
			most_recent_packet: { terrestrial: { timestamp: stamp } },
		}));
		const ahead = {
			before: [stamp, NOW, 3600],
			b: [stamp, NOW + 20, 3600],
			'at the end': [stamp, NOW + 40, 3600],
		} as const;
		const { run } = runOf(fleet, { ...course, state: silentFrom(1), future, ahead });
		expect(await read(run, 40)).toEqual(['a', 'b', 'c']);
		expect(await read(run, 41)).toEqual(['at the end']);
	});
});

describe('stamps from the future', () => {
	it('begin five minutes ahead', async () => {
		const { run } = runOf(heardAt(1000, { a: 0, b: 299, c: 300, d: 301 }), course);
		expect((await readAhead(run)).map(({ id }) => id)).toEqual(['d']);
		expect(run.state.ahead).toEqual({ d: [NOW + 301, NOW, 3600] });
	});

	it('that are present now are known where the window of their device is past it, or would be', async () => {
		const [hour, delay] = [3600, 6 * 3600];
		for (const [silence, state, until] of [
			[hour, {}, -hour],
			[hour, silentFrom(-9000), -9000],
			[delay, { silentBySatellite: { of: 'x', from: NOW - 30_000 }, ...silentFrom(-9000) }, -30_000],
		] as const) {
			const known = { d: [NOW + 200, NOW + until - 1, silence] } as const;
			const unknown = { d: [NOW + 200, NOW + until, silence] } as const;
			for (const [ahead, kept] of [
				[known, known],
				[unknown, {}],
			] as const) {
				const { run } = runOf(heardAt(1000, { d: 200 }), { ...course, state, ahead });
				await readAhead(run);
				expect(run.ahead).toEqual(kept);
			}
		}
	});

	it('are watched of a page of devices, and the log says so of more', async () => {
		for (const [devices, pageSize, watched, calls, lines, pagesLeft = 30] of [
			[1000, 1000, 1000, 1, 0],
			[1500, 600, 1000, 2, 1],
			[1003, 1001, 1000, 1, 1],
			[1000, 999, 1000, 2, 0],
			[1001, 1100, 1000, 1, 1],
			// As far as the poll may read.
			[900, 600, 599, 1, 0, 1],
		] as const) {
			const fleet = heardAt(pageSize, {});
			for (let n = 0; n < devices; n++) fleet.add(`d ${n}`, { heard: NOW + 1000 + n });
			const { run, asked, warnings } = runOf(fleet, { ...course, pagesLeft });
			expect(await readAhead(run)).toHaveLength(watched);
			expect(asked).toHaveLength(calls);
			expect(warnings).toHaveLength(lines);
			for (const line of warnings)
				expect(line).toBe(
					'"Watch" watches at most 1000 devices whose last packet is from the future; others never count as silent.',
				);
			expect(asked[0]?.filter_most_recent_packet_ts).toBe(`between:${NOW + 300}:${FAR}`);
			// Once a poll.
			await readAhead(run);
			expect(asked).toHaveLength(calls);
		}
	});
});
