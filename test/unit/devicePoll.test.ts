/** A poll of the device trigger: its steps and their time, what becomes of their errors, what it forgets; and its items. */
import type { IDataObject } from 'n8n-workflow';
import { eventItem } from '../../nodes/HubbleDeviceTrigger/item';
import type { EventName } from '../../nodes/HubbleDeviceTrigger/settings';
import { objectOf } from '../../nodes/shared/client/json';
import { BEGAN, fleetsAt, rightClock, type Fleet } from '../integration/fleet';

const HOUR = 3600;
const depot = { name: 'Depot', latitude: 51.9244, longitude: 4.4777, radius: 500 };
const away = { latitude: 1, longitude: 1 };

const clock = rightClock();
const { fleetOf, trigger } = fleetsAt(() => clock.now);
const watching = (...events: string[]) => ({ events, silentForHours: 1, areas: { circle: [depot] } });
const stored = ({ options }: Fleet) => objectOf(JSON.parse(JSON.stringify(options.staticData.next ?? {})));
const HUBBLE = { apiToken: 't', organizationId: '6ea53e36-b7fb-429f-8c2e-d536cab71089' };

/** What becomes of a request for the list: so many seconds later, an error instead of the list, a wish to be left alone. */
interface Fate {
	seconds?: number;
	status?: number;
	headers?: Record<string, string>;
}

/** Lets each request of the next poll meet its fate, the first one the first. @returns by which time each list is sorted */
function meet(fleet: Fleet, ...fates: Fate[]): unknown[] {
	const asked: unknown[] = [];
	const { request } = fleet.options;
	fleet.options.request = async (credential, options) => {
		if (!options.qs) return await request(credential, options);
		const { seconds = 0, status = 200, headers = {} } = fates[asked.length] ?? {};
		asked.push(options.qs.sort_field);
		clock.now += seconds;
		const body = Buffer.from('{"name":"Error","message":"away"}');
		return status === 200 ? await request(credential, options) : ({ statusCode: status, headers, body } as never);
	};
	fleet.restart(fleet.options.staticData);
	fleet.options.request = request;
	return asked;
}

const [CREATED, HEARD] = ['created_ts', 'most_recent_packet_ts'];

/** A node that watches registrations and silences, a poll later, and a new device that its next poll reports. */
async function withNews(...events: string[]) {
	const fleet = fleetOf(1, watching(...events));
	expect(await fleet.names()).toEqual([]);
	fleet.add('new', { created: clock.now });
	clock.now += 60;
	return fleet;
}

describe('a poll', () => {
	it('begins where the node began, however long it asked for the time; its first step is taken all the same', async () => {
		const fleet = fleetOf(0, watching('registered'));
		const { request } = fleet.options;
		fleet.options.request = async (credential, options) => {
			if (options.url.endsWith('/check')) clock.now += 20;
			return await request(credential, options);
		};
		// Of another host, whose time nobody knows yet.
		const credentials = { ...HUBBLE, baseUrl: 'https://another.example', requestsPerSecond: 1000 };
		Object.assign(fleet.options, { credentials });
		fleet.restart();
		fleet.add('before', { created: clock.now - 31 });
		fleet.add('new', { created: clock.now - 30 });
		expect(await fleet.names()).toEqual(['registered new']);
		expect(fleet.requests).toBe(2);
	});

	it('waits no longer for Hubble than its time', async () => {
		const fleet = await withNews('registered');
		const asked = meet(fleet, { status: 429, headers: { 'retry-after': '40' } });
		await expect(fleet.poll()).rejects.toThrow();
		expect(asked).toHaveLength(1);
	});

	it('in the editor shows an example, and stores nothing', async () => {
		const { options } = fleetOf(0, {});
		const staticData = {};
		const { poll } = trigger(watching('silent'), { ...options, mode: 'manual', staticData });
		expect(await poll()).toMatchObject([{ event: 'silent', isExample: true }]);
		expect(staticData).toEqual({});
	});

	it('in the editor gives what it has found where its time is up, and examples of the rest', async () => {
		const { hear, options } = fleetOf(2, {}, 1);
		hear('device 0', { heard: clock.now - 2 * HOUR });
		let asked = 0;
		const request: typeof options.request = async (credential, wanted) => {
			if (wanted.qs) {
				asked += 1;
				clock.now += 16;
			}
			return await options.request(credential, wanted);
		};
		const { poll } = trigger(watching('silent', 'registered'), { ...options, request, mode: 'manual' });
		const example = { name: 'device 0', isExample: true };
		expect(await poll()).toMatchObject([example, example]);
		expect(asked).toBe(1);
	});

	it('of a copy of the workflow, which may have the position of the original, is its first one', async () => {
		const fleet = await withNews('registered');
		const members = { getWorkflow: () => ({ id: 'copy' }) };
		const staticData = JSON.parse(JSON.stringify(fleet.options.staticData)) as IDataObject;
		const copy = trigger(watching('registered'), { ...fleet.options, staticData, members });
		expect(await copy.poll()).toEqual([]);
		expect(await fleet.names()).toEqual(['registered new']);
		fleet.add('newer', { created: clock.now });
		clock.now += 60;
		expect(await copy.poll()).toMatchObject([{ event: 'registered', name: 'newer' }]);
	});

	it('tells who entered and who left, each where it is watched', async () => {
		for (const events of [['entered'], ['left'], ['entered', 'left']]) {
			const fleet = fleetOf(2, watching(...events));
			fleet.hear('device 0', depot);
			fleet.hear('device 1', away);
			expect(await fleet.names()).toEqual([]);
			clock.now += 60;
			fleet.hear('device 0', away);
			fleet.hear('device 1', depot);
			const all = ['entered device 1 Depot', 'left device 0 Depot'];
			expect((await fleet.names()).sort()).toEqual(
				all.filter((name) => events.some((event) => name.startsWith(event))),
			);
		}
	});

	it('forgets what is watched no longer, and keeps the rest', async () => {
		const all = watching('silent', 'heardAgain', 'registered', 'entered');
		for (const [event, kept] of [
			['registered', ['registered']],
			['firstHeard', ['ahead', 'quiet', 'quietMarks', 'registered']],
			['heardAgain', ['ahead', 'quiet', 'quietMarks']],
			['silent', ['ahead', 'silent', 'silentBySatellite']],
			['left', ['areas', 'insideMarks', 'placedMarks', 'sweep']],
		] as const) {
			const fleet = fleetOf(3, all);
			fleet.hear('device 0', { ...depot, heard: clock.now - 2 * HOUR });
			fleet.hear('device 1', { ...depot, satellite: clock.now + 9 * HOUR });
			expect(await fleet.names()).toEqual([]);
			const marks = ['insideMarks', 'placedMarks', 'quietMarks'];
			const cursors = ['ahead', 'areas', 'quiet', 'registered', 'silent', 'silentBySatellite', 'sweep'];
			expect(Object.keys(stored(fleet)).sort()).toEqual([...marks, ...cursors].sort());
			const next = { ...stored(fleet), unsureMarks: stored(fleet).insideMarks };
			fleet.restart({ ...fleet.options.staticData, next }, watching(event));
			clock.now += 60;
			expect(await fleet.names()).toEqual([]);
			const keys = Object.keys(stored(fleet));
			expect(keys.filter((key) => key !== 'unsureMarks').sort()).toEqual(kept);
			if (event !== 'left') expect(keys).not.toContain('unsureMarks');
		}
	});
});

/** When a device is heard last, in hours from now; its clock may be ahead. */
type Stamps = [onGround: number, bySatellite?: number];

it.each<[string, number, Stamps, number, number]>([
	['it stays ahead', 1, [0, 900], 600, 15],
	['it is present before a device that only satellites hear is silent', 1, [-99, 3], 600, 20],
	['it is present before the poll that would tell the silence', 2.5, [2.7], HOUR, 30],
])(
	'a device is silent once, also with a stamp from the future: %s',
	async (_, silentForHours, stamps, pause, hours) => {
		const fleet = fleetOf(1, { events: ['silent'], silentForHours });
		const [heard, satellite = 0] = stamps.map((inHours = 0) => clock.now + inHours * HOUR);
		fleet.hear('device 0', { heard, satellite });
		const told = [];
		for (const end = clock.now + hours * HOUR; clock.now < end; clock.now += pause) told.push(...(await fleet.names()));
		expect(told).toEqual(['silent device 0']);
	},
);

describe('a poll whose time is up', () => {
	it('keeps for the steps that it does not take what was seen before', async () => {
		const fleet = fleetOf(1, watching('registered', 'silent'));
		fleet.hear('device 0', { heard: clock.now + 9000 * HOUR });
		const since = clock.now;
		expect(await fleet.names()).toEqual([]);
		clock.now += 60;
		// Each request takes 20 seconds, and a poll has 30.
		const asked = meet(fleet, { seconds: 20 });
		expect(await fleet.names()).toEqual([]);
		expect(asked).toEqual([CREATED]);
		expect(stored(fleet).ahead).toEqual({ 'device 0': [since + 9000 * HOUR, since, HOUR] });
	});

	it('goes on with its steps in their order, from that one on', async () => {
		const fleet = fleetOf(1, watching('registered', 'silent', 'entered'));
		expect(await fleet.names()).toEqual([]);
		clock.now += 60;
		const cut = meet(fleet, { seconds: 20 });
		expect(await fleet.names()).toEqual([]);
		expect([cut, stored(fleet).startWith]).toEqual([[CREATED], 2]);
		clock.now += 60;
		const asked = meet(fleet);
		expect(await fleet.names()).toEqual([]);
		expect(asked).toEqual([HEARD, HEARD, HEARD, HEARD, CREATED]);
		expect(stored(fleet)).not.toHaveProperty('startWith');
	});

	it.each([
		['a later step', ['registered', 'silent'], [{}, { seconds: 40, status: 500 }]],
		['a later page', ['registered'], [{}, { seconds: 40, status: 500 }]],
	])('is no failure in %s', async (_, events, fates) => {
		const fleet = fleetOf(0, watching(...events), 1);
		expect(await fleet.names()).toEqual([]);
		const isLaterPage = events.length === 1;
		if (isLaterPage) for (const n of [1, 2, 3]) fleet.add(`${n}`, { created: clock.now + n });
		clock.now += 60;
		meet(fleet, ...fates);
		expect(await fleet.names()).toEqual([]);
		expect(fleet.warnings()).toEqual([]);
		expect(stored(fleet).startWith).toBe(isLaterPage ? 0 : 2);
		expect(await fleet.names()).toEqual(isLaterPage ? [1, 2, 3].map((n) => `registered ${n}`) : []);
	});

	it('is a failure where it has read nothing', async () => {
		const fleet = await withNews('registered');
		meet(fleet, { seconds: 40, status: 500 });
		await expect(fleet.poll()).rejects.toThrow();
	});

	it('hands over what it has without a warning', async () => {
		const fleet = await withNews('registered', 'silent');
		meet(fleet, {}, { seconds: 40, status: 500 });
		expect(await fleet.names()).toEqual(['registered new']);
		expect(fleet.warnings()).toEqual([]);
	});

	it('waits for no slot of the rate limit that comes later', async () => {
		const fleet = await withNews('silent', 'entered');
		const credentials = { ...HUBBLE, token: 'u', baseUrl: 'https://hubble.example', requestsPerSecond: 1 };
		Object.assign(fleet.options, { credentials, members: { getPollBudgetMs: () => 900 } });
		clock.now += 60;
		const asked = meet(fleet);
		expect(await fleet.names()).toEqual([]);
		expect(fleet.warnings()).toEqual([]);
		expect(asked.length).toBeLessThan(4);
		expect(stored(fleet)).toHaveProperty('startWith');
	});
});

describe('a poll that is full', () => {
	it('leaves the rest of its steps to the next one, which begins with them', async () => {
		const filling = { reportSilentAlready: true, options: { maxItems: 100 } };
		const fleet = fleetOf(350, { ...watching('registered', 'silent', 'entered'), ...filling });
		for (const id of fleet.devices.keys()) fleet.hear(id, { ...away, heard: clock.now - 2 * HOUR });
		fleet.add('mover', { ...away, heard: clock.now });
		const told: string[][] = [];
		const begun: unknown[] = [];
		for (const place of [away, away, depot, depot]) {
			fleet.hear('mover', place);
			told.push(await fleet.names());
			begun.push(stored(fleet).startWith);
			clock.now += 60;
		}
		expect(told.map(({ length }) => length)).toEqual([100, 100, 100, 51]);
		expect(told[3]?.[0]).toBe('entered mover Depot');
		expect(begun).toEqual([3, 2, 3, undefined]);
	});

	it('does so where it has read as many pages as it may, too', async () => {
		const fleet = fleetOf(40, watching('heardAgain', 'entered'), 1);
		for (const id of fleet.devices.keys()) fleet.hear(id, { ...away, heard: clock.now - 2 * HOUR });
		const begun: unknown[] = [];
		for (let polls = 0; polls < 3; polls++) {
			expect(await fleet.names()).toEqual([]);
			begun.push(stored(fleet).startWith);
			clock.now += 60;
		}
		expect(begun).toEqual([3, 1, undefined]);
	});

	it('goes on with the last one, too, where that could not end', async () => {
		const fleet = fleetOf(25, watching('heardAgain', 'entered'), 1);
		for (const id of fleet.devices.keys()) fleet.hear(id, { ...away, heard: clock.now - 2 * HOUR });
		const movers = Array.from({ length: 10 }, (_, n) => `mover ${n}`);
		for (const id of movers) fleet.add(id, { ...away, heard: clock.now });
		const told: string[] = [];
		for (let polls = 0; polls < 16; polls++) {
			movers.forEach((id, n) => fleet.hear(id, { ...(polls < 8 ? away : depot), heard: clock.now - 10 + n }));
			told.push(...(await fleet.names()));
			clock.now += 60;
		}
		expect(new Set(told)).toEqual(new Set(movers.map((id) => `entered ${id} Depot`)));
	});
});

describe('a step that fails', () => {
	it.each([
		['the first', ['registered', 'silent'], [{ status: 403 }]],
		['one after others that found nothing', ['firstHeard', 'silent'], [{}, {}, {}, { status: 403 }]],
	])('is an error of the poll, and changes nothing: %s', async (_, events, fates) => {
		const fleet = await withNews(...events);
		const before = JSON.stringify(fleet.options.staticData);
		meet(fleet, ...fates);
		await expect(fleet.poll()).rejects.toThrow('Hubble does not allow this');
		expect(JSON.stringify(fleet.options.staticData)).toBe(before);
	});

	it.each([
		['the first', [{ status: 403 }], 'silent device 0'],
		['the last', [{}, { status: 403 }, { status: 403 }], 'registered new'],
	])('P7, P11: holds back no event of the others; the log says why it failed: %s', async (_, fates, told) => {
		const fleet = await withNews('registered', 'silent');
		fleet.hear('device 0', { heard: clock.now - HOUR - 1 });
		meet(fleet, ...fates);
		expect(await fleet.names()).toEqual([told]);
		expect(fleet.warnings()).toEqual([
			expect.stringMatching(
				/^"Watch" passes on 1 event; the next poll continues after them\. Hubble does not allow this/,
			),
		]);
		expect(stored(fleet).startWith).toBeUndefined();
	});

	/** Refuses the list of registrations from now on, each time after so many seconds, until the test says otherwise. */
	function refuseRegistrations(fleet: Fleet, seconds = 0) {
		const list = { isRefused: true };
		const { request } = fleet.options;
		fleet.options.request = async (credential, options) => {
			const isIt = options.qs?.sort_field === CREATED && !options.qs.filter_most_recent_packet_ts;
			if (!list.isRefused || !isIt) return await request(credential, options);
			clock.now += seconds;
			return { statusCode: 403, headers: {}, body: Buffer.from('{"name":"Error","message":"away"}') } as never;
		};
		fleet.restart(fleet.options.staticData);
		return list;
	}

	it('P7: loses nothing of what the others have learnt, also where all that a poll tells is that it failed', async () => {
		const fleet = fleetOf(1, watching('registered', 'heardAgain'));
		fleet.hear('device 0', { heard: clock.now - HOUR + 90 });
		expect(await fleet.names()).toEqual([]);
		const list = refuseRegistrations(fleet);
		for (let polls = 0; polls < 3; polls++) {
			clock.now += 60;
			await expect(fleet.poll()).rejects.toThrow('Hubble does not allow this');
		}
		fleet.hear('device 0');
		clock.now += 60;
		expect(await fleet.names()).toEqual(['heardAgain device 0']);
		fleet.add('new', { created: clock.now });
		list.isRefused = false;
		clock.now += 60;
		expect(await fleet.names()).toEqual(['registered new']);
	});

	it('leaves time for the others where it takes all that a poll has', async () => {
		const fleet = fleetOf(1, watching('registered', 'silent'));
		fleet.hear('device 0');
		expect(await fleet.names()).toEqual([]);
		refuseRegistrations(fleet, 40);
		const told: string[] = [];
		for (let polls = 0; polls < 4; polls++) {
			clock.now += HOUR / 2;
			told.push(...(await fleet.names().catch(() => [])));
		}
		expect(told).toEqual(['silent device 0']);
	});

	it('says each reason once where several fail', async () => {
		const fleet = await withNews('registered', 'heardAgain', 'silent');
		fleet.hear('device 0', { heard: clock.now - HOUR - 1 });
		meet(fleet, { status: 403 }, { status: 404 });
		expect(await fleet.names()).toEqual(['silent device 0']);
		expect(fleet.warnings()).toEqual([
			expect.stringMatching(
				/passes on 1 event; .* Hubble does not allow this.* Hubble did not find what was requested/,
			),
		]);
		clock.now += 60;
		fleet.hear('device 0', { heard: clock.now - HOUR - 30 });
		meet(fleet, { status: 403 }, { status: 403 });
		expect(await fleet.names()).toContain('silent device 0');
		expect(fleet.warnings().at(-1)).not.toMatch(/(Hubble does not allow this.*){2}/);
	});

	it('begins the next poll where Hubble wants to be left alone', async () => {
		const fleet = await withNews('registered', 'silent');
		meet(fleet, {}, { status: 503, headers: { 'retry-after': '90' } });
		expect(await fleet.names()).toEqual(['registered new']);
		expect(stored(fleet).startWith).toBe(2);
	});

	it('begins the next poll also where nothing was read before', async () => {
		const fleet = await withNews('registered', 'silent');
		const asked = meet(fleet, { status: 503, headers: { 'retry-after': '90' } });
		await expect(fleet.poll()).rejects.toThrow();
		clock.now += 100;
		expect(await fleet.names()).toEqual(['registered new']);
		expect(asked.slice(0, 2)).toEqual([CREATED, CREATED]);
	});

	it('asks Hubble for nothing as long as that wants', async () => {
		const fleet = await withNews('registered', 'silent');
		const asked = meet(fleet, {}, { status: 503, headers: { 'retry-after': '90' } });
		expect(await fleet.names()).toEqual(['registered new']);
		clock.now += 80;
		expect([await fleet.names(), asked.length]).toEqual([[], 2]);
		clock.now += 20;
		await fleet.names();
		expect(asked.length).toBeGreaterThan(2);
	});
});

describe('an item', () => {
	const now = BEGAN;
	const device = { id: 'd', name: 'Reefer 7', created_ts: now - 2 * HOUR };
	const showing = { simplify: true, timezone: 'UTC', now };
	const itemOf = (event: EventName, more: object = {}, row: typeof device = device) =>
		eventItem({ event, device: row, heard: now - HOUR, of: 7, ...more }, showing).json;

	it.each([
		['entered', { area: 'Depot' }, /^Reefer 7 entered Depot, heard 21 Sept? 13:13$/],
		['left', { area: 'Depot' }, /^Reefer 7 left Depot, heard 21 Sept? 13:13$/],
		['firstHeard', {}, /^Reefer 7 was first heard on 21 Sept? 13:13$/],
		['heardAgain', { since: now - 3 * HOUR }, /^Reefer 7 was heard again on 21 Sept? 13:13, after 2 hours of silence$/],
		['registered', {}, /^Reefer 7 was registered on 21 Sept? 12:13$/],
		['silent', { since: now - HOUR }, /^Reefer 7 has been silent for 60 minutes, last heard 21 Sept? 13:13$/],
	] as const)('of %s says it in a sentence', (event, more, text) => {
		expect(itemOf(event, more).text).toMatch(text);
	});

	it('has the same fields for each event, `null` where they say nothing', () => {
		const at = (seconds: number) => new Date(seconds * 1000).toISOString();
		expect(itemOf('entered', { area: 'Depot' })).toMatchObject({
			event: 'entered',
			area: 'Depot',
			silentSince: null,
			silentForSeconds: null,
			silentForHours: null,
			heardAt: at(now - HOUR),
			registeredAt: at(device.created_ts),
			timestampTrusted: true,
			name: 'Reefer 7',
			isExample: false,
			eventKey: 'entered:d:7',
		});
		expect(itemOf('entered')).not.toHaveProperty('hint');
		expect(itemOf('registered', { heard: 0 })).toMatchObject({ area: null, heardAt: null, silentSince: null });
		expect(Object.keys(itemOf('registered'))).toEqual(Object.keys(itemOf('silent', { since: now })));
	});

	it('of a silence says since when, and for how long: until now, or until the device was heard', () => {
		const since = now - 10_000.4;
		const silent = { silentSince: new Date(since * 1000).toISOString(), silentForSeconds: 10_000, silentForHours: 2.8 };
		expect(itemOf('silent', { since })).toMatchObject(silent);
		expect(itemOf('heardAgain', { since })).toMatchObject({ ...silent, silentForSeconds: 6400, silentForHours: 1.8 });
	});

	it('with all fields of the device has its times as text, too', () => {
		const { json } = eventItem({ event: 'registered', device, heard: 0, of: 7 }, { ...showing, simplify: false });
		expect(json).toMatchObject({ ...device, created_ts_iso: new Date(1000 * device.created_ts).toISOString() });
	});

	it('in a test says why it is an example; a device without a name goes by its ID', () => {
		expect(itemOf('silent', { since: 1, hint: 'No device is silent.' })).toMatchObject({
			hint: 'No device is silent.',
			isExample: true,
		});
		for (const name of ['', null, undefined])
			expect(itemOf('registered', {}, { ...device, name } as never).text).toMatch(/^d was registered /);
	});
});
