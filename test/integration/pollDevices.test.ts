/** The device trigger's polls: against a list of devices in memory, a slow reference, and the simulator. */
import fc from 'fast-check';
import type { IDataObject } from 'n8n-workflow';
import { areaKey } from '../../nodes/HubbleDeviceTrigger/marks';
import { circle, isInside, polygons } from '../../nodes/shared/device/areas';
import { startSimulator } from '../simulator/server';
import { objectOf } from '../../nodes/shared/client/json';
import { keyOf } from '../../nodes/shared/polling/compact';
import { schemaFiles } from '../../tools/schemas';
import { fleetsAt, type Fleet, type Request, type Tracker } from './fleet';
import { unforeseen } from './harness';
import { httpRequest, letOnlyPass, withEachClock } from './pollContext';
import { virtualTime } from './virtualTime';

/** Hubble's clock in Unix seconds; the clock that never jumps goes with it. */
const BEGAN = 1_790_000_000;
let clock = BEGAN;
beforeEach(() => {
	clock += 100_000;
	letOnlyPass(() => (clock - BEGAN) * 1000);
});

const { fleetOf, trigger } = fleetsAt(() => clock);

const HOUR = 3600;

const without = (item: IDataObject, field: string): IDataObject =>
	Object.fromEntries(Object.entries(item).filter(([name]) => name !== field));
const depot = { name: 'Depot', latitude: 51.9244, longitude: 4.4777, radius: 500 };

const silentFor = (hours: number) => ({ silentForHours: hours });

withEachClock(
	() => clock * 1000,
	() => {
		it('tells once that a device is silent, and once that it is heard again', async () => {
			const fleet = fleetOf(3, { events: ['silent', 'heardAgain'], ...silentFor(2) });
			for (const id of fleet.devices.keys()) fleet.hear(id);
			expect(await fleet.names()).toEqual([]);
			clock += HOUR;
			fleet.hear('device 1');
			expect(await fleet.names()).toEqual([]);
			clock += HOUR + 1;
			expect((await fleet.names()).sort()).toEqual(['silent device 0', 'silent device 2']);
			clock += 600;
			fleet.hear('device 2');
			clock += 60;
			const [again, ...others] = await fleet.poll();
			expect(others).toEqual([]);
			expect(again).toMatchObject({ event: 'heardAgain', silentForSeconds: 2 * HOUR + 601 });
			expect(again?.silentSince).toBe(new Date((clock - 2 * HOUR - 661) * 1000).toISOString());
			clock += 60;
			expect(await fleet.names()).toEqual([]);
			clock += 2 * HOUR;
			expect((await fleet.names()).sort()).toEqual(['silent device 1', 'silent device 2']);
		});

		it('reports those that are silent already only when it is told to', async () => {
			for (const reportSilentAlready of [false, true]) {
				const fleet = fleetOf(3, { events: ['silent'], ...silentFor(1), reportSilentAlready });
				fleet.hear('device 0', { heard: clock - 3 * HOUR });
				fleet.hear('device 1');
				expect(await fleet.names()).toEqual(reportSilentAlready ? ['silent device 0'] : []);
				clock += 61;
				expect(await fleet.names()).toEqual([]);
			}
		});

		it.each([-62_135_596_800, -(2 ** 63)])('takes the stamp %d for no packet', async (heard) => {
			const fleet = fleetOf(1, { events: ['registered', 'firstHeard'] });
			await fleet.names();
			fleet.add('odd', { created: clock, heard });
			clock += 60;
			expect(await fleet.names()).toEqual(['registered odd']);
			fleet.add('new', { created: clock });
			clock += 60;
			expect(await fleet.names()).toEqual(['registered new']);
		});

		it('tells of registrations, and of the first packet, once each', async () => {
			const fleet = fleetOf(2, { events: ['registered', 'firstHeard'] });
			fleet.hear('device 0');
			expect(await fleet.names()).toEqual([]);
			fleet.add('new', { created: clock });
			fleet.add('new and heard', { created: clock, heard: clock + 5 });
			clock += 60;
			expect((await fleet.names()).sort()).toEqual([
				'firstHeard new and heard',
				'registered new',
				'registered new and heard',
			]);
			fleet.hear('device 1');
			clock += 60;
			expect(await fleet.names()).toEqual(['firstHeard device 1']);
			fleet.hear('new');
			fleet.devices.delete('new and heard');
			clock += 60;
			expect(await fleet.names()).toEqual(['firstHeard new']);
			clock += 60;
			fleet.hear('new');
			expect(await fleet.names()).toEqual([]);
		});

		it('tells who enters and leaves an area, and not who is in it at first', async () => {
			const areas = { circle: [depot] };
			const fleet = fleetOf(2, { events: ['entered', 'left'], areas });
			const here = { latitude: depot.latitude, longitude: depot.longitude };
			const there = { latitude: 1, longitude: 1 };
			fleet.hear('device 0', here);
			fleet.hear('device 1', there);
			expect(await fleet.names()).toEqual([]);
			clock += 60;
			fleet.hear('device 0', there);
			fleet.hear('device 1', here);
			expect((await fleet.names()).sort()).toEqual(['entered device 1 Depot', 'left device 0 Depot']);
			clock += 60;
			expect(await fleet.names()).toEqual([]);
			// A second area is learnt first; the marks of the first one stay.
			fleet.restart(fleet.options.staticData, {
				events: ['entered', 'left'],
				areas: { circle: [{ name: 'Platform', latitude: 1, longitude: 1, radius: 1000 }, depot] },
			});
			expect(await fleet.names()).toEqual([]);
			clock += 60;
			fleet.hear('device 0', here);
			fleet.hear('device 1', there);
			expect((await fleet.names()).sort()).toEqual([
				'entered device 0 Depot',
				'entered device 1 Platform',
				'left device 0 Platform',
				'left device 1 Depot',
			]);
		});

		it('counts packets that come late by satellite when it looks back, and those that come in time anyway', async () => {
			for (const [options, events] of [
				[{}, []],
				[{ lookBack: 6 }, ['entered device 0 Depot']],
			] as const) {
				const fleet = fleetOf(1, { events: ['entered', 'left'], areas: { circle: [depot] }, options });
				fleet.hear('device 0');
				expect(await fleet.names()).toEqual([]);
				clock += 5 * HOUR;
				expect(await fleet.names()).toEqual([]);
				fleet.hear('device 0', { ...depot, heard: clock - 4 * HOUR });
				clock += 60;
				const told = await fleet.poll();
				expect(told.map(({ event, deviceId, area }) => [event, deviceId, area].join(' '))).toEqual(events);
				for (const { heardAt } of told) expect(heardAt).toBe(new Date((clock - 4 * HOUR - 60) * 1000).toISOString());
				clock += 60;
				expect(await fleet.names()).toEqual([]);
			}
		});

		it('lets the place win that was heard last, however late another one comes by satellite', async () => {
			const events = ['entered', 'left'];
			const fleet = fleetOf(1, { events, areas: { circle: [depot] }, options: { lookBack: 6 } });
			const placed = clock;
			fleet.hear('device 0', depot);
			expect(await fleet.names()).toEqual([]);
			clock += 7 * HOUR;
			expect(await fleet.names()).toEqual([]);
			for (const [satellite, told] of [
				[placed - 60, []],
				[placed + 60, ['left device 0 Depot']],
			] as const) {
				const later = { heard: placed + 4 * HOUR, isVague: true };
				fleet.hear('device 0', { ...later, satellite, latitude: 1, longitude: 1 });
				clock += 60;
				expect(await fleet.names()).toEqual(told);
			}
		});

		it('waits for a second packet through a restart, and tells how accurate the place is', async () => {
			const parameters = { events: ['entered'], areas: { circle: [depot] }, options: { confirm: true } };
			const fleet = fleetOf(1, parameters);
			fleet.hear('device 0');
			expect(await fleet.names()).toEqual([]);
			clock += 60;
			fleet.hear('device 0', { ...depot, accuracy: 12 });
			expect(await fleet.names()).toEqual([]);
			fleet.restart();
			clock += 60;
			expect(await fleet.names()).toEqual([]);
			fleet.hear('device 0');
			expect(await fleet.poll()).toMatchObject([{ event: 'entered', locationAccuracy: 12 }]);
		});

		it('P7: sees a packet that is shown late, behind what a reading of several polls has passed', async () => {
			const fleet = fleetOf(70, { events: ['entered'], areas: { circle: [depot] } }, 1);
			const [late, ...others] = [...fleet.devices.keys()];
			const hearOthers = () => others.forEach((id, n) => fleet.hear(id, { heard: clock - n }));
			const poll = async (polls: number) => {
				const names = [];
				while (polls--) names.push(...(await fleet.names()));
				return names;
			};
			hearOthers();
			// A page is one device here, and a poll reads thirty.
			expect(await poll(6)).toEqual([]);
			clock += HOUR;
			hearOthers();
			expect(await poll(1)).toEqual([]);
			fleet.hear(String(late), { ...depot, heard: clock - 500 });
			clock += 400;
			expect(await poll(1)).toEqual([]);
			clock += 400;
			expect(await poll(3)).toEqual([`entered ${late} Depot`]);
		});

		it.each([[['silent']], [['silent', 'heardAgain']]])(
			'P7: tells of the next silence of a device that was told of in a second whose rest had to wait: %j',
			async (events) => {
				const fleet = fleetOf(150, { events, ...silentFor(0.25), options: { maxItems: 100 } });
				for (const id of fleet.devices.keys()) fleet.hear(id);
				expect(await fleet.names()).toEqual([]);
				clock += 1800;
				const [, again = ''] = /silent (device \d+)/.exec(String(await fleet.names())) ?? [];
				clock += 60;
				fleet.hear(again);
				const since = clock;
				clock += HOUR;
				const silences: unknown[] = [];
				for (let polls = 0; polls < 6; polls++, clock += 60)
					for (const { event, deviceId, silentSince } of await fleet.poll())
						if (event === 'silent' && deviceId === again) silences.push(Date.parse(String(silentSince)) / 1000);
				expect(silences).toEqual([since]);
			},
		);

		describe('a crash after a crossing', () => {
			const other = { ...depot, name: 'Other', latitude: 10, longitude: 10 };
			const away = { latitude: 1, longitude: 1 };
			const [one, both] = [{ circle: [depot] }, { circle: [depot, other] }];
			const watching = (areas: IDataObject, more: IDataObject = {}) => ({
				events: ['entered', 'left', 'registered'],
				areas,
				...more,
			});
			/** A fleet of one device that has been seen outside; it then entered, which n8n may not have stored. */
			const entered = async (parameters: IDataObject) => {
				const fleet = fleetOf(1, parameters);
				fleet.hear('device 0', away);
				expect(await fleet.names()).toEqual([]);
				clock += 60;
				fleet.hear('device 0', depot);
				expect(await fleet.names()).toEqual(['entered device 0 Depot']);
				clock += 60;
				return fleet;
			};
			const marksIn = ({ options }: Fleet) => options.staticData.next as IDataObject;

			it('P7: tells it once more, also where an area was added meanwhile', async () => {
				const fleet = await entered(watching(one));
				fleet.restart(fleet.options.staticData, watching(both));
				expect([await fleet.names(), await fleet.names()]).toEqual([['entered device 0 Depot'], []]);
			});

			it('P7: tells it once more, also where an area was added with it', async () => {
				const fleet = fleetOf(1, watching(one));
				fleet.hear('device 0', away);
				expect(await fleet.names()).toEqual([]);
				clock += 60;
				fleet.hear('device 0', depot);
				fleet.restart(fleet.options.staticData, watching(both));
				for (let crashes = 0; crashes < 3; crashes++) {
					expect(await fleet.names()).toEqual(['entered device 0 Depot']);
					fleet.restart(fleet.options.staticData, watching(both));
					clock += 60;
				}
			});

			it('P8: tells nothing of an area that took the place of its own', async () => {
				const fleet = await entered(watching(both));
				for (const id of ['new', 'newer']) {
					fleet.add(id, { created: clock });
					fleet.restart(fleet.options.staticData, watching({ circle: [other] }));
					clock += 60;
					expect((await fleet.names()).filter((name) => !name.startsWith('registered'))).toEqual([]);
				}
			});

			it('P8: counts no packet of before it as the first of two', async () => {
				const confirming = watching(one, { options: { confirm: true } });
				const fleet = fleetOf(1, confirming);
				fleet.hear('device 0', away);
				for (const events of [[], [], ['entered device 0 Depot']]) {
					expect(await fleet.names()).toEqual(events);
					clock += 60;
					fleet.hear('device 0', depot);
				}
				fleet.hear('device 0', { ...away, heard: clock - 1 });
				fleet.restart();
				expect(await fleet.names()).toEqual([]);
				clock += 60;
				fleet.hear('device 0', away);
				expect(await fleet.names()).toEqual(['left device 0 Depot']);
			});

			it('P8: counts no packet in one area as the first of two in another, when their order changes', async () => {
				const confirming = (...circle: IDataObject[]) => watching({ circle }, { options: { confirm: true } });
				const fleet = fleetOf(1, confirming(depot, other));
				for (const place of [away, depot]) {
					fleet.hear('device 0', place);
					expect(await fleet.names()).toEqual([]);
					clock += 60;
				}
				fleet.restart(fleet.options.staticData, confirming(other, depot));
				for (const events of [[], ['entered device 0 Other']]) {
					fleet.hear('device 0', other);
					expect(await fleet.names()).toEqual(events);
					clock += 60;
				}
			});

			it('P7: reads the rest of a second again that a poll has read in part', async () => {
				const fleet = fleetOf(120, watching(one), 1);
				const ids = [...fleet.devices.keys()].sort();
				const hearAll = () => ids.forEach((id) => fleet.hear(id, away));
				const isOpen = () => objectOf(marksIn(fleet).areas).begun !== undefined;
				const readAll = async () => {
					do {
						clock += 60;
						expect(await fleet.names()).toEqual([]);
					} while (isOpen());
				};
				hearAll();
				await readAll();
				clock += HOUR;
				await readAll();
				hearAll();
				const [first = '', later = ''] = [ids[0], ids[35]];
				for (const id of [first, later]) fleet.hear(id, depot);
				clock += 2 * HOUR;
				expect(await fleet.names()).toEqual([`entered ${first} Depot`]);
				expect(await fleet.names()).toEqual([`entered ${later} Depot`]);
				fleet.restart();
				const again = [];
				for (let polls = 0; polls < 10; polls++) again.push(...(await fleet.names()));
				expect(again).toEqual([`entered ${later} Depot`]);
			});

			it('P12: keeps no mark of it that nobody waits for', async () => {
				const fleet = await entered(watching(one));
				fleet.restart();
				expect(await fleet.names()).toEqual(['entered device 0 Depot']);
				// Where its event is not watched any more.
				for (const events of [['left'], ['registered']]) {
					const left = await entered(watching(one));
					left.restart(left.options.staticData, { ...watching(one), events });
					left.hear('device 0', { latitude: 0, longitude: 0 });
					expect(await left.names()).toEqual([]);
					expect(marksIn(left).unsureMarks).toBeUndefined();
				}
				// Where it was deleted.
				const gone = await entered(watching(one));
				gone.hear('device 0', away);
				expect(await gone.names()).toEqual(['left device 0 Depot']);
				gone.restart();
				gone.devices.delete('device 0');
				gone.add('new', { created: clock });
				clock += 60;
				expect(await gone.names()).toEqual(['registered new']);
				expect(marksIn(gone).unsureMarks).toHaveLength(9);
				clock += 25 * HOUR;
				await gone.names();
				expect(marksIn(gone).unsureMarks).toBeUndefined();
			});
		});

		it('P10: takes a reading that began in the future for one that begins now', async () => {
			const fleet = fleetOf(1, { events: ['entered'], areas: { circle: [depot] } });
			fleet.hear('device 0');
			await fleet.poll();
			const stored = JSON.parse(JSON.stringify(fleet.options.staticData)) as { next: { areas: IDataObject } };
			stored.next.areas.begun = clock + 6 * HOUR;
			fleet.restart(stored as unknown as IDataObject);
			fleet.hear('device 0', depot);
			await fleet.poll();
			expect(objectOf((fleet.options.staticData.next as IDataObject).areas).from).toBeLessThanOrEqual(clock);
		});

		it('P7: begins nothing anew after a crash before the second poll', async () => {
			const fleet = fleetOf(1, { events: ['registered', 'silent'], ...silentFor(1), reportSilentAlready: true });
			fleet.hear('device 0', { heard: clock - 2 * HOUR });
			expect(await fleet.names()).toEqual(['silent device 0']);
			fleet.restart();
			fleet.add('new', { created: clock });
			clock += 600;
			expect(await fleet.names()).toEqual(['registered new', 'silent device 0']);
		});

		it('begins with the poll that works, where those before it failed', async () => {
			// The first poll of areas asks for the fleet.
			const fleet = fleetOf(1, { events: ['registered', 'entered'], areas: { circle: [depot] } });
			const { request } = fleet.options;
			const refusal = { statusCode: 401, headers: {}, body: Buffer.from('{}') };
			let isRefused = true;
			fleet.options.request = async (...given) => (isRefused ? (refusal as never) : await request(...given));
			fleet.restart();
			await expect(fleet.poll()).rejects.toThrow();
			clock += HOUR;
			fleet.add('new', { created: clock });
			clock += HOUR;
			isRefused = false;
			expect(await fleet.names()).toEqual([]);
		});

		it('frees the marks of devices that were deleted, a day later, also over several polls', async () => {
			const fleet = fleetOf(40, { events: ['entered', 'left'], areas: { circle: [depot] } }, 1);
			for (const [n, id] of [...fleet.devices.keys()].entries()) fleet.hear(id, { ...depot, heard: clock - n });
			// A page is one device here, and a poll reads thirty.
			for (let polls = 0; polls < 4; polls++) expect(await fleet.names()).toEqual([]);
			const marked = () => {
				const { insideMarks, sweep } = fleet.options.staticData.next as IDataObject;
				return { marks: String(insideMarks).length / 9, isOpen: (sweep as IDataObject)?.missing !== undefined };
			};
			expect(marked()).toEqual({ marks: 40, isOpen: false });
			for (const gone of [3, 17, 39]) fleet.devices.delete(`device ${gone}`);
			const hearAll = (more: Partial<Tracker>) =>
				[...fleet.devices.keys()].forEach((id, n) => fleet.hear(id, { ...more, heard: clock - n }));
			clock += 23 * HOUR;
			await fleet.poll();
			expect(marked()).toEqual({ marks: 40, isOpen: false });
			clock += 2 * HOUR;
			// A poll that has read all its pages leaves the search to the next ones.
			hearAll(depot);
			await fleet.poll();
			expect(marked()).toEqual({ marks: 40, isOpen: false });
			await fleet.poll();
			clock += HOUR;
			await fleet.poll();
			expect(marked()).toEqual({ marks: 40, isOpen: true });
			await fleet.poll();
			expect(marked()).toEqual({ marks: 37, isOpen: false });
			// The next search begins a day later.
			clock += HOUR;
			await fleet.poll();
			expect(marked()).toEqual({ marks: 37, isOpen: false });
			hearAll({ latitude: 1, longitude: 1 });
			const left = [...(await fleet.names()), ...(await fleet.names())];
			expect(left).toHaveLength(37);
		});

		it('says what of an area is no polygon, once', async () => {
			const geometry = {
				type: 'Polygon',
				coordinates: [
					[
						[4, 51],
						[5, 51],
						[5, 52],
					],
				],
			};
			const features = [
				{ type: 'Feature', geometry: { type: 'Point', coordinates: [4, 51] } },
				{ type: 'Feature', geometry },
			];
			const geojson = JSON.stringify({ type: 'FeatureCollection', features });
			const fleet = fleetOf(1, { events: ['entered'], areas: { polygon: [{ name: 'Field', geojson }] } });
			await fleet.poll();
			expect(fleet.warnings()).toEqual([
				expect.stringMatching(/"Field"\. It ignores what is not a polygon: Point \(1\)\.$/),
			]);
			await fleet.poll();
			expect(fleet.warnings()).toHaveLength(1);
			// Of an area that is added, nothing is said of the others.
			const areas = { polygon: [{ name: 'Field', geojson }], circle: [depot] };
			fleet.restart(fleet.options.staticData, { events: ['entered'], areas });
			await fleet.poll();
			expect(fleet.warnings()).toEqual([]);
		});

		it('marks no more of those that enter than there is room for, and looks for gone ones each hour then', async () => {
			const parameters = { events: ['entered', 'heardAgain'], ...silentFor(1), areas: { circle: [depot] } };
			const confirming = { ...parameters, options: { confirm: true } };
			const fleet = fleetOf(3, confirming);
			fleet.hear('device 0', { heard: clock - 2 * HOUR });
			fleet.hear('device 1');
			fleet.hear('device 2');
			expect(await fleet.names()).toEqual([]);
			// One mark is of a quiet device, so there is room for one more.
			const { next } = JSON.parse(JSON.stringify(fleet.options.staticData)) as { next: IDataObject };
			const gone = Array.from({ length: 99_998 }, (_, n) => areaKey(keyOf(`gone ${n}`), 0)).join('');
			fleet.restart({ ...fleet.options.staticData, next: { ...next, insideMarks: gone } });
			const enter = () => [1, 2].forEach((n) => fleet.hear(`device ${n}`, depot));
			clock += 60;
			enter();
			expect(await fleet.names()).toEqual([]);
			const full = 'remembers at most 100000 devices; it does not report when others enter an area';
			expect(fleet.warnings()).toEqual([expect.stringContaining(full)]);
			// No room is left for what only tells which packets are late.
			expect((fleet.options.staticData.next as IDataObject).placedMarks).toBeUndefined();
			for (let polls = 0; polls < 2; polls++) {
				clock += HOUR + 60;
				enter();
				await fleet.names();
			}
			clock += 60;
			enter();
			await fleet.names();
			const { insideMarks, sweep } = objectOf(fleet.options.staticData.next);
			expect(insideMarks).toHaveLength(2 * 9);
			// The search counts from its own begin, not from when the first mark came.
			expect(clock - Number(objectOf(sweep).at)).toBeLessThan(2 * HOUR);
		});

		it('filters by environment and own tags', async () => {
			const filters = { environment: 'sandbox', ownTags: ['site:a'] };
			const fleet = fleetOf(0, { events: ['registered'], filters });
			expect(await fleet.names()).toEqual([]);
			fleet.add('wanted', { created: clock, tags: { _env: 'sandbox', site: 'a' } });
			fleet.add('elsewhere', { created: clock, tags: { _env: 'sandbox', site: 'b' } });
			fleet.add('in production', { created: clock, tags: { _env: 'production', site: 'a' } });
			clock += 60;
			expect(await fleet.names()).toEqual(['registered wanted']);
		});

		it('filters by devices picked from the list', async () => {
			const wanted = '6ea53e36-b7fb-429f-8c2e-d536cab71089';
			const devices = { device: [{ deviceId: { __rl: true, mode: 'list', value: wanted.toUpperCase() } }] };
			const fleet = fleetOf(0, { events: ['registered'], filters: { devices } });
			expect(await fleet.names()).toEqual([]);
			fleet.add(wanted, { created: clock });
			fleet.add('another', { created: clock });
			clock += 60;
			expect(await fleet.names()).toEqual([`registered ${wanted}`]);
		});

		it.each([1000, 90])(
			'gives at most so many events, and the rest with the next polls, also of one second (%d a page)',
			async (pageSize) => {
				const parameters = { events: ['silent'], ...silentFor(1), options: { maxItems: 100 } };
				const fleet = fleetOf(350, parameters, pageSize);
				for (const id of fleet.devices.keys()) fleet.hear(id);
				await fleet.poll();
				clock += HOUR + 1;
				const all: string[] = [];
				for (const wanted of [100, 100, 100, 50, 0]) {
					const some = await fleet.names();
					expect(some).toHaveLength(wanted);
					all.push(...some);
				}
				expect(new Set(all).size).toBe(350);
			},
		);

		it.each([
			['silent', 1000, false],
			['silent', 100, false],
			['entered', 1000, false],
			['entered', 100, false],
			['silent', 1000, true],
			['entered', 100, true],
		])(
			'goes on within a second of more devices than a poll has time for: %s, at most %d (token refused: %s)',
			async (event, maxItems, isRefused) => {
				const parameters = { events: [event], ...silentFor(1), areas: { circle: [depot] }, options: { maxItems } };
				const fleet = fleetOf(240, parameters, 5);
				await fleet.poll();
				for (const id of fleet.devices.keys()) fleet.hear(id, { latitude: depot.latitude, longitude: depot.longitude });
				clock += event === 'silent' ? HOUR + 60 : 60;
				const { request } = fleet.options;
				/** The tokens of a poll; another one is of the poll before. */
				const given = new Set<unknown>();
				let refusals = 0;
				// 48 pages take 48 seconds, and a poll has 30.
				fleet.options.request = (async (credential: string, options: Request) => {
					clock += 1;
					const reply = await request(credential, options);
					const isResumed = !given.has(options.headers?.['Continuation-Token']);
					if (isRefused && isResumed && !refusals++) {
						return { statusCode: 400, headers: reply.headers, body: Buffer.from('{"name":"BadRequest"}') };
					}
					given.add(reply.headers['continuation-token']);
					return reply;
				}) as never;
				fleet.restart();
				const ids: string[] = [];
				for (let polls = 0; polls < 8; polls++) {
					given.clear();
					given.add(undefined);
					const items = await fleet.names();
					expect(items.length).toBeLessThanOrEqual(maxItems);
					ids.push(...items);
				}
				expect(new Set(ids).size).toBe(240);
				expect(ids.length > 240).toBe(isRefused && event === 'silent');
				const refused = fleet.warnings().filter((line) => line.includes('no longer accepts the Continuation Token'));
				expect(refused).toHaveLength(isRefused ? 1 : 0);
			},
		);

		it.each([1000, 40])('gives at most so many of those that entered, and loses none (%d a page)', async (pageSize) => {
			const parameters = { events: ['entered'], areas: { circle: [depot] }, options: { maxItems: 100 } };
			const fleet = fleetOf(250, parameters, pageSize);
			await fleet.poll();
			clock += 600;
			[...fleet.devices.keys()].forEach((id, n) => fleet.hear(id, { ...depot, heard: clock - n }));
			const all: string[] = [];
			for (const wanted of [100, 100, 50, 0]) {
				const some = await fleet.names();
				expect(some).toHaveLength(wanted);
				all.push(...some);
			}
			expect(new Set(all).size).toBe(250);
		});

		it.each([
			['room', 100, 1000, 50],
			['pages', 1000, 2, 60],
		])(
			'loses no first packet where a restart repeats those registrations of a second for which there was no %s',
			async (_, maxItems, pageSize, first) => {
				const fleet = fleetOf(0, { events: ['registered', 'firstHeard'], options: { maxItems } }, pageSize);
				expect(await fleet.names()).toEqual([]);
				for (let n = 10; n < 90; n++) fleet.add(`bulk ${n}`, { created: clock });
				clock += 60;
				expect(await fleet.names()).toHaveLength(first);
				expect(await fleet.names()).toHaveLength(80 - first);
				fleet.restart();
				for (const id of ['bulk 10', 'bulk 89']) fleet.hear(id);
				clock += 60;
				const told = [...(await fleet.names()), ...(await fleet.names()), ...(await fleet.names())];
				expect(told.filter((name) => name.startsWith('registered'))).toHaveLength(80 - first);
				expect(told.filter((name) => !name.startsWith('registered')).sort()).toEqual([
					'firstHeard bulk 10',
					'firstHeard bulk 89',
				]);
			},
		);

		it('tells that one is heard again by satellite whose ground stamp is ahead, also where others fill the execution', async () => {
			const fleet = fleetOf(120, { events: ['heardAgain'], ...silentFor(2), options: { maxItems: 100 } });
			const since = clock;
			fleet.add('odd', { heard: since + 3 * HOUR });
			for (const id of fleet.devices.keys()) if (id !== 'odd') fleet.hear(id);
			expect(await fleet.names()).toEqual([]);
			clock = since + 2 * HOUR + 1;
			expect(await fleet.names()).toEqual([]);
			for (const id of fleet.devices.keys()) if (id !== 'odd') fleet.hear(id, { heard: since + 2.5 * HOUR });
			Object.assign(fleet.devices.get('odd') as object, { satellite: since + 2.5 * HOUR });
			clock = since + 8 * HOUR;
			const told = [...(await fleet.names()), ...(await fleet.names()), ...(await fleet.names())];
			expect(new Set(told).size).toBe(told.length);
			expect(told).toHaveLength(121);
		});

		it('tells that one is heard again whose stamp was ahead, also where others fill the execution', async () => {
			const options = { maxItems: 100 };
			const fleet = fleetOf(120, { events: ['silent', 'heardAgain'], ...silentFor(2), options });
			fleet.add('odd', { heard: clock + 3 * HOUR });
			for (const id of fleet.devices.keys()) if (id !== 'odd') fleet.hear(id);
			expect(await fleet.names()).toEqual([]);
			clock += 2 * HOUR + 60;
			const silent = [await fleet.names(), await fleet.names(), await fleet.names()].flat();
			expect(silent).toHaveLength(121);
			clock += 2 * HOUR;
			for (const id of fleet.devices.keys()) fleet.hear(id);
			clock += 4 * HOUR;
			const told: string[] = [];
			for (let polls = 0; polls < 8; polls++) told.push(...(await fleet.names()));
			expect(new Set(told).size).toBe(told.length);
			expect(told.filter((name) => name.startsWith('heardAgain'))).toHaveLength(121);
			expect(told.filter((name) => name.startsWith('silent'))).toHaveLength(121);
		});

		it('gives at most so many of those that are heard again', async () => {
			const fleet = fleetOf(350, { events: ['heardAgain'], ...silentFor(1), options: { maxItems: 100 } }, 90);
			for (const id of fleet.devices.keys()) fleet.hear(id);
			clock += 2 * HOUR;
			await fleet.poll();
			for (const id of fleet.devices.keys()) fleet.hear(id);
			const all: string[] = [];
			for (let polls = 0; polls < 8; polls++) {
				const some = await fleet.names();
				expect(some.length).toBeLessThanOrEqual(100);
				all.push(...some);
			}
			expect(all).toHaveLength(350);
			expect(new Set(all).size).toBe(350);
		});

		it('leaves the state alone when a poll fails, and hands over what came before', async () => {
			const fleet = fleetOf(3, { events: ['registered', 'silent'], ...silentFor(1) });
			await fleet.poll();
			const before = JSON.stringify(fleet.options.staticData);
			fleet.add('new', { created: clock });
			clock += 60;
			const { request } = fleet.options;
			// A clock that jumps is asked for again.
			const failing = async (credential: string, options: Request) =>
				options.url.endsWith('/check')
					? await request(credential, options)
					: { statusCode: 403, headers: {}, body: Buffer.from('{"name":"Forbidden"}') };
			fleet.options.request = failing as never;
			fleet.restart();
			await expect(fleet.poll()).rejects.toThrow('Hubble does not allow this');
			expect(JSON.stringify(fleet.options.staticData)).toBe(before);
			let calls = 0;
			fleet.options.request = (async (credential: string, options: Request) =>
				await (!options.url.endsWith('/check') && calls++ ? failing : request)(credential, options)) as never;
			fleet.restart();
			expect(await fleet.names()).toEqual(['registered new']);
			expect(fleet.warnings()).toEqual([expect.stringContaining('passes on 1 event;')]);
		});

		it('asks nothing for as long as Hubble said when it refused a step, also where events are handed over', async () => {
			const fleet = fleetOf(3, { events: ['registered', 'silent'], ...silentFor(1) });
			await fleet.poll();
			fleet.add('new', { created: clock });
			clock += 60;
			const { request } = fleet.options;
			const refusal = { statusCode: 503, headers: { 'retry-after': '90' }, body: Buffer.from('{}') };
			let asked = 0;
			fleet.options.request = (async (credential: string, options: Request) =>
				!options.url.endsWith('/check') && asked++ ? refusal : await request(credential, options)) as never;
			fleet.restart();
			expect(await fleet.names()).toEqual(['registered new']);
			expect([await fleet.names(), asked]).toEqual([[], 2]);
		});

		it('begins with what the last poll had no time for', async () => {
			const events = ['registered', 'silent', 'entered', 'left'];
			const fleet = fleetOf(3, { events, ...silentFor(1), areas: { circle: [depot] } });
			for (const id of fleet.devices.keys()) fleet.hear(id);
			await fleet.poll();
			clock += HOUR + 60;
			const { request } = fleet.options;
			const asked: unknown[] = [];
			fleet.options.request = (async (credential: string, options: Request) => {
				// A clock that jumps is asked for again.
				if (options.url.endsWith('/check')) return await request(credential, options);
				asked.push(options.qs.sort_field);
				await virtualTime.sleep(500);
				return await request(credential, options);
			}) as never;
			Object.assign(fleet.options, { members: { getPollBudgetMs: () => 800 } });
			fleet.restart();
			const all = [...(await fleet.names()), ...(await fleet.names()), ...(await fleet.names())];
			expect(all.sort()).toEqual(['silent device 0', 'silent device 1', 'silent device 2']);
			expect(asked).toEqual(['created_ts', ...Array.from({ length: 4 }, () => 'most_recent_packet_ts')]);
		});

		describe('Fetch Test Event', () => {
			const events = ['silent', 'heardAgain', 'registered', 'firstHeard', 'entered', 'left'];
			const AWAY = { latitude: 1, longitude: 2 };
			const test = async ({ options }: Fleet, more: IDataObject = {}) => {
				const staticData = {};
				const parameters = { events, ...silentFor(24), areas: { circle: [depot] }, ...more };
				const items = await trigger(parameters, { ...options, mode: 'manual', staticData }).poll();
				expect(staticData).toEqual({});
				expect(items.map(({ event }) => event)).toEqual(parameters.events);
				const preview = schemaFiles()['HubbleDeviceTrigger/__schema__/v1.0.0/output.json'];
				const shown = items.map((item) => ({ json: without(item, 'hint') }));
				expect(unforeseen(preview, shown)).toEqual([]);
				for (const { hint, isExample } of items) expect(typeof hint === 'string').toBe(isExample);
				return Object.fromEntries(items.map((item) => [item.event, item]));
			};
			const ago = (item: IDataObject | undefined, field: string) => clock - Date.parse(String(item?.[field])) / 1000;

			it('shows devices with which it is so', async () => {
				const fleet = fleetOf(3, {});
				fleet.hear('device 0', AWAY);
				fleet.hear('device 1', { heard: clock - 60, latitude: depot.latitude, longitude: depot.longitude });
				fleet.hear('device 2', { heard: clock - 30 * HOUR, ...AWAY });
				fleet.add('new', { created: clock - 300 });
				const { silent, registered, entered } = await test(fleet);
				expect(silent).toMatchObject({ name: 'device 2', silentForHours: 30, isExample: false });
				expect(ago(silent, 'lastPacketAt')).toBe(30 * HOUR);
				expect(registered).toMatchObject({ name: 'new', heardAt: null, isExample: false });
				expect(ago(registered, 'registeredAt')).toBe(300);
				expect(entered).toMatchObject({ name: 'device 1', area: 'Depot', isExample: false });
			});

			it('shows none that a poll would not report', async () => {
				const fleet = fleetOf(2, {});
				const { latitude, longitude } = depot;
				fleet.hear('device 0', { heard: 0, satellite: clock - 3 * HOUR, latitude, longitude, accuracy: 5000 });
				const vague = await test(fleet, silentFor(2));
				expect(vague.silent).toMatchObject({ name: 'device 0', isExample: true });
				expect(vague.entered).toMatchObject({ name: 'device 0', isExample: true });
				fleet.hear('device 0', { heard: clock - 2 * HOUR, accuracy: 5 });
				const filters = { filters: { ownTags: ['site:Rotterdam'] } };
				const others = await test(fleet, { ...silentFor(1), ...filters });
				for (const item of Object.values(others))
					expect(item).toMatchObject({ name: 'Example device', isExample: true });
				expect(ago(others.registered, 'registeredAt')).toBe(60);
				expect(others.registered?.hint).toMatch(/ found among those registered last: /);
				fleet.add('ours', { tags: { site: 'Rotterdam' }, created: 1, heard: clock - 5 * HOUR, latitude, longitude });
				const ours = await test(fleet, { ...silentFor(1), ...filters });
				for (const item of Object.values(ours)) expect(item).toMatchObject({ name: 'ours' });
				expect(ours.entered).toMatchObject({ isExample: false });
			});

			it('says where there was no time to look', async () => {
				const fleet = fleetOf(1, {});
				fleet.hear('device 0', { heard: clock - 30 * HOUR, ...AWAY });
				const { request } = fleet.options;
				fleet.options.request = async (credential: string, options: Request) => {
					await virtualTime.sleep(500);
					return await request(credential, options);
				};
				Object.assign(fleet.options, { members: { getPollBudgetMs: () => 800 } });
				const items = await test(fleet);
				for (const event of events) expect(items[event]).toMatchObject({ isExample: true });
				const isLate = (event: string) => String(items[event]?.hint).startsWith('There was no time to look for one: ');
				expect(events.filter(isLate).sort()).toEqual(['entered', 'registered', 'silent']);
			});

			const square = (from: number, to: number) => [
				[from, from],
				[to, from],
				[to, to],
				[from, to],
			];
			const frame = JSON.stringify({ type: 'Polygon', coordinates: [square(10, 20), square(11, 19)] });
			it.each([
				['circle', { circle: [depot] }, circle('Depot', depot, depot.radius)],
				['frame', { polygon: [{ name: 'Depot', geojson: frame }] }, polygons('Depot', frame)],
			])('shows examples whose times and places fit the settings: %s', async (_, areas, area) => {
				const placeIn = ({ latitude, longitude }: IDataObject = {}) => ({
					latitude: Number(latitude),
					longitude: Number(longitude),
				});
				for (const size of [0, 1]) {
					const fleet = fleetOf(size, {});
					if (size) fleet.hear('device 0', AWAY);
					const { silent, heardAgain, entered, left, firstHeard } = await test(fleet, { areas });
					expect(silent).toMatchObject({ silentForHours: 24, isExample: true });
					expect(ago(silent, 'lastPacketAt')).toBe(24 * HOUR);
					expect(heardAgain).toMatchObject({ silentForHours: 24, isExample: true });
					expect(firstHeard).toMatchObject({ isExample: true, lastPacketAt: firstHeard?.heardAt });
					expect(entered).toMatchObject({ area: 'Depot', isExample: true, locationType: 'heard' });
					expect(area.contains(placeIn(entered))).toBe(true);
					expect(left).toMatchObject({ area: 'Depot', isExample: true, locationType: 'heard' });
					expect(area.distanceTo(placeIn(left))).toBeGreaterThan(50);
					expect(area.contains(placeIn(left))).toBe(false);
				}
			});
		});

		it('reports each of forty registrations, one a minute', async () => {
			const fleet = fleetOf(0, { events: ['registered'] });
			const given = await fleet.names();
			for (let minute = 0; minute < 42; minute++) {
				if (minute < 40) fleet.add(`new ${minute}`, { created: clock });
				clock += 60;
				given.push(...(await fleet.names()));
			}
			expect(given).toEqual(Array.from({ length: 40 }, (_, minute) => `registered new ${minute}`));
		});

		it('falls silent though its last packet is from the future, and is heard again by the next', async () => {
			const fleet = fleetOf(3, { events: ['silent', 'heardAgain'], ...silentFor(2) });
			const year = 366 * 24 * HOUR;
			fleet.hear('device 0', { heard: clock + year });
			fleet.hear('device 1', { satellite: 4_000_000_000 });
			fleet.hear('device 2');
			expect(await fleet.names()).toEqual([]);
			clock += HOUR;
			fleet.hear('device 0', { heard: clock + year });
			fleet.hear('device 2');
			expect(await fleet.names()).toEqual([]);
			clock += HOUR + 1;
			expect(await fleet.names()).toEqual(['silent device 1']);
			clock += HOUR;
			const both = await fleet.poll();
			expect(both.map(({ deviceId }) => deviceId).sort()).toEqual(['device 0', 'device 2']);
			const silent = both.find(({ deviceId }) => deviceId === 'device 0');
			const since = new Date((clock - 2 * HOUR - 1) * 1000).toISOString();
			expect(silent).toMatchObject({
				event: 'silent',
				deviceId: 'device 0',
				silentSince: since,
				timestampTrusted: false,
			});
			clock += 60;
			expect(await fleet.names()).toEqual([]);
			fleet.hear('device 0', { heard: clock + year });
			fleet.hear('device 1', { satellite: 4_000_000_001 });
			clock += 60;
			expect((await fleet.names()).sort()).toEqual(['heardAgain device 0', 'heardAgain device 1']);
			clock += 60;
			expect(await fleet.names()).toEqual([]);
		});

		it('tells once of a silence whose last stamp was six hours ahead, also when that time has come', async () => {
			const fleet = fleetOf(1, { events: ['silent', 'heardAgain'], ...silentFor(2) });
			fleet.hear('device 0', { heard: clock + 6 * HOUR });
			const given: string[] = [];
			for (let minute = 0; minute < 33 * 60; minute += 20, clock += 1200) given.push(...(await fleet.names()));
			expect(given).toEqual(['silent device 0']);
			fleet.hear('device 0');
			clock += 60;
			expect(await fleet.names()).toEqual(['heardAgain device 0']);
			expect(fleet.options.staticData).toMatchObject({ next: { ahead: undefined } });
		});

		it('waits six hours for a device that only satellites hear, and no longer than it is told for others', async () => {
			const fleet = fleetOf(3, { events: ['silent', 'heardAgain'], ...silentFor(1) });
			fleet.hear('device 0', { heard: clock - 24 * HOUR, satellite: clock });
			fleet.hear('device 1', { satellite: clock - 60 });
			fleet.hear('device 2', { heard: 0, satellite: clock });
			const given: string[] = [];
			for (let minute = 0; minute < 6 * 60; minute += 10, clock += 600) given.push(...(await fleet.names()));
			expect(given).toEqual(['silent device 1']);
			fleet.hear('device 2', { heard: 0, satellite: clock - 3 * HOUR });
			clock += 600;
			expect(await fleet.names()).toEqual(['silent device 0']);
			fleet.hear('device 0', { heard: 0, satellite: clock - 2 * HOUR });
			clock += 600;
			expect(await fleet.names()).toEqual(['heardAgain device 0']);
			clock += 3 * HOUR;
			expect(await fleet.names()).toEqual(['silent device 2']);
			clock += 2 * HOUR;
			expect(await fleet.names()).toEqual(['silent device 0']);
		});

		it('waits as long for one whose ground packet is from the future, once satellites alone hear it', async () => {
			const fleet = fleetOf(1, { events: ['silent', 'heardAgain'], ...silentFor(1) });
			fleet.hear('device 0', { heard: clock + 366 * 24 * HOUR });
			const given: string[][] = [];
			for (let hour = 0; hour < 36; hour++, clock += HOUR) {
				if (hour % 2) Object.assign(fleet.devices.get('device 0') as object, { satellite: clock - 3 * HOUR });
				given.push(await fleet.names());
			}
			expect(given.flat()).toContain('silent device 0');
			expect(given.slice(12).flat()).toEqual([]);
			clock += 7 * HOUR;
			expect(await fleet.names()).toEqual(['silent device 0']);
		});

		it('brings back what was stored in the future, and says so', async () => {
			const events = ['registered', 'silent', 'entered'];
			const fleet = fleetOf(1, { events, ...silentFor(2), areas: { circle: [depot] } });
			await fleet.poll();
			const { next } = JSON.parse(JSON.stringify(fleet.options.staticData)) as {
				next: Record<string, { from: number }>;
			};
			for (const cursor of [next.registered, next.silent, next.areas])
				Object.assign(cursor ?? {}, { from: clock + 6 * HOUR });
			fleet.restart({ ...fleet.options.staticData, next });
			expect(await fleet.names()).toEqual([]);
			expect(fleet.warnings()).toEqual(
				Array.from({ length: 3 }, () => expect.stringContaining("future by Hubble's clock")),
			);
			fleet.add('new', { created: clock });
			fleet.hear('device 0', { latitude: depot.latitude, longitude: depot.longitude });
			clock += 60;
			expect((await fleet.names()).sort()).toEqual(['entered device 0 Depot', 'registered new']);
			clock += 2 * HOUR;
			expect(await fleet.names()).toEqual(['silent device 0']);
			expect(fleet.warnings()).toHaveLength(3);
		});

		it('leaves Hubble half a minute to show a registration', async () => {
			const fleet = fleetOf(0, { events: ['registered'] });
			await fleet.poll();
			clock += 60;
			const created = clock - 28;
			expect(await fleet.names()).toEqual([]);
			fleet.add('shown late', { created });
			clock += 60;
			expect(await fleet.names()).toEqual(['registered shown late']);
		});

		it('sees a crossing that Hubble shows up to fifteen minutes late', async () => {
			const fleet = fleetOf(2, { events: ['entered'], areas: { circle: [depot] } });
			const here = { latitude: depot.latitude, longitude: depot.longitude };
			await fleet.poll();
			clock += 3000;
			await fleet.poll();
			fleet.hear('device 0', { ...here, heard: clock - 890 });
			clock += 5;
			expect(await fleet.names()).toEqual(['entered device 0 Depot']);
		});

		it('reports a device that was heard and fell silent again before Hubble showed it', async () => {
			const fleet = fleetOf(1, { events: ['silent', 'heardAgain'], ...silentFor(1) });
			fleet.hear('device 0', { heard: clock - 2 * HOUR });
			await fleet.poll();
			clock += 600;
			fleet.hear('device 0', { heard: clock - 610 - HOUR });
			clock += 600;
			expect(await fleet.names()).toEqual(['heardAgain device 0', 'silent device 0']);
			clock += 600;
			expect(await fleet.names()).toEqual([]);
		});

		it('forgets what is watched no longer, and begins anew when it is chosen again', async () => {
			const all = {
				events: ['silent', 'heardAgain', 'entered', 'registered'],
				...silentFor(1),
				areas: { circle: [depot] },
			};
			const fleet = fleetOf(2, all);
			const here = { latitude: depot.latitude, longitude: depot.longitude };
			fleet.hear('device 0', { ...here, heard: clock - 2 * HOUR });
			fleet.hear('device 1', here);
			fleet.hear('device 1', { satellite: clock + 9 * HOUR });
			await fleet.poll();
			const known = fleet.options.staticData.next as object;
			expect(Object.keys(JSON.parse(JSON.stringify(known)) as object).sort()).toEqual([
				'ahead',
				'areas',
				'insideMarks',
				'placedMarks',
				'quiet',
				'quietMarks',
				'registered',
				'silent',
				'silentBySatellite',
				'sweep',
			]);
			fleet.restart(fleet.options.staticData, { events: ['registered'] });
			clock += 60;
			await fleet.poll();
			expect(Object.keys(JSON.parse(JSON.stringify(fleet.options.staticData.next)) as object)).toEqual(['registered']);
			fleet.restart(fleet.options.staticData, all);
			clock += 60;
			fleet.hear('device 0', { heard: clock });
			expect(await fleet.names()).toEqual([]);
		});

		it.each([
			[{ events: [] }, 'Events'],
			[{ events: ['nope'] }, 'Events'],
			[{ events: ['silent'], silentForHours: 0.2 }, 'Silent For (Hours)'],
			[{ events: ['silent'], silentForHours: '' }, 'Silent For (Hours)'],
			[{ events: ['left'] }, 'Areas'],
			[{ events: ['left'], areas: { circle: [{ ...depot, name: ' ' }] } }, 'Areas'],
			[{ events: ['left'], areas: { circle: [depot, depot] } }, 'Areas'],
			[{ events: ['left'], areas: { circle: [{ ...depot, latitude: '' }] } }, 'Areas'],
			[{ events: ['left'], areas: { circle: [{ ...depot, longitude: 181 }] } }, 'Areas'],
			[{ events: ['left'], areas: { circle: [{ ...depot, radius: 0 }] } }, 'Areas'],
			[{ events: ['left'], areas: { polygon: [{ name: 'P', geojson: '{' }] } }, '"P": this is not GeoJSON'],
			[{ events: ['silent'], filters: { ownTags: [] } }, 'Own Tags'],
			[{ events: ['silent'], filters: { ownTags: ['site'] } }, 'Own Tags'],
			[{ events: ['silent'], filters: { environment: 'test' } }, 'Environment'],
			[{ events: ['silent'], options: { maxItems: 5 } }, 'Max Items per Execution'],
			[{ events: ['silent'], options: { borderWidth: -1 } }, 'Border Width'],
			[{ events: ['left'], areas: { circle: [depot] }, options: { lookBack: 0 } }, 'Look Back (Hours)'],
			[{ events: ['left'], areas: { circle: [depot] }, options: { maxInaccuracy: -1 } }, 'Max Inaccuracy (Meters)'],
			[{ events: ['left'], areas: { circle: [depot] }, options: { confirm: 'maybe' } }, 'Confirm by Second Packet'],
		])('refuses %j before any call', async (parameters, named) => {
			const fleet = fleetOf(1, parameters as IDataObject);
			await expect(fleet.poll()).rejects.toThrow(named);
			expect(fleet.requests).toBe(0);
		});

		/** What happens between two polls, and how the poll ends. */
		const happening = fc.record({
			seconds: fc.integer({ min: 31, max: 900 }),
			hears: fc.array(fc.tuple(fc.nat(11), fc.constantFrom(0, 300, 530, 560, 2000)), { maxLength: 4 }),
			registers: fc.boolean(),
			deletes: fc.option(fc.nat(11), { freq: 8 }),
			outcome: fc.constantFrom(
				'handed over',
				'handed over',
				'handed over',
				'error',
				'crash before saving',
				'crash after saving',
				'crash after hand-over',
			),
		});

		/** The events that a trigger with a perfect memory, which looks at each device in each poll, would report. */
		function reference() {
			const area = circle(depot.name, depot, depot.radius);
			let before: number | undefined;
			const quiet = new Map<string, number>();
			const inside = new Set<string>();
			const registered = new Set<string>();
			return (devices: ReadonlyMap<string, Tracker>): string[] => {
				const events: string[] = [];
				const isFirst = before === undefined;
				for (const { id, created, heard, latitude, longitude } of devices.values()) {
					const isNew = !registered.has(id) && created < clock - 30;
					if (isNew) registered.add(id);
					if (isNew && !isFirst && created >= (before as number) - 30) {
						events.push(`registered:${id}:${created}`);
						if (heard) events.push(`firstHeard:${id}:${created}`);
					}
					const was = quiet.get(id);
					if (was === 0 && heard) events.push(`firstHeard:${id}:${created}`);
					else if (was !== undefined && heard > was) events.push(`heardAgain:${id}:${was}`);
					const isQuiet = heard < clock - HOUR && (heard > 0 || registered.has(id));
					if (isQuiet) quiet.set(id, heard);
					else quiet.delete(id);
					if (!isFirst && heard > 0 && heard < clock - HOUR && heard >= (before as number) - HOUR)
						events.push(`silent:${id}:${heard}`);
					const isIn = heard > 0 && isInside(area, { latitude, longitude }, inside.has(id), 50);
					if (heard > 0 && isIn !== inside.has(id) && !isFirst)
						events.push(`${isIn ? 'entered' : 'left'}:${id}:Depot:${heard}`);
					if (isIn) inside.add(id);
					else inside.delete(id);
				}
				before = clock;
				return events;
			};
		}

		it('P7, P8: reports what a perfect memory would, through errors and crashes; repeats only for a crash, and loses nothing', async () => {
			await fc.assert(
				fc.asyncProperty(
					fc.array(happening, { maxLength: 25 }),
					fc.integer({ min: 1, max: 5 }),
					async (happenings, pageSize) => {
						clock += 10_000;
						const events = ['silent', 'heardAgain', 'registered', 'firstHeard', 'entered', 'left'];
						const fleet = fleetOf(8, { events, ...silentFor(1), areas: { circle: [depot] } }, pageSize);
						const observe = reference();
						let saved: IDataObject = {};
						let expected: string[] = [];
						const given: string[] = [];
						const uncertain: string[] = [];
						/** The devices that crossed a border in a poll that was not handed over for sure. */
						const unsure = new Set<string | undefined>();
						const isCrossing = (key: string) => /^(entered|left):/.test(key);
						const deviceIn = (key: string) => key.split(':')[1];
						const runs = [
							...happenings,
							...[1, 2].map(() => ({
								seconds: 60,
								hears: [],
								registers: false,
								deletes: null,
								outcome: 'handed over',
							})),
						];
						for (const { seconds, hears, registers, deletes, outcome } of runs) {
							clock += seconds;
							const all = [...fleet.devices.keys()];
							if (deletes !== null) fleet.devices.delete(all[deletes] ?? '');
							for (const [index, metres] of hears) {
								const id = all[index];
								if (id && fleet.devices.has(id)) {
									fleet.hear(id, {
										heard: clock - 1,
										latitude: depot.latitude + metres / 111_195,
										longitude: depot.longitude,
									});
								}
							}
							if (registers) fleet.add(`new ${clock}`, { created: clock });
							if (outcome === 'error') continue;
							const keys = (await fleet.poll()).map(({ eventKey }) => String(eventKey));
							const isLost = keys.length > 0 && outcome !== 'handed over';
							if (!isLost) {
								expected = [...expected, ...observe(fleet.devices)];
								given.push(...keys);
								saved = fleet.options.staticData;
								continue;
							}
							if (outcome === 'crash after hand-over') uncertain.push(...keys);
							for (const key of keys.filter(isCrossing)) unsure.add(deviceIn(key));
							fleet.restart(outcome === 'crash before saving' ? saved : fleet.options.staticData);
							saved = fleet.options.staticData;
						}
						const left = [...given];
						for (const key of expected) {
							const at = left.indexOf(key);
							if (at >= 0) left.splice(at, 1);
							else expect(uncertain.includes(key) ? key : `lost ${key}`).toBe(key);
						}
						// A poll that was not handed over saw who was silent: that such a one was heard may be told all the same,
						// and where a device is that had crossed the border.
						const isTold = (key: string) =>
							uncertain.includes(key) ||
							/^(heardAgain|firstHeard):/.test(key) ||
							(isCrossing(key) && unsure.has(deviceIn(key)));
						expect(left.filter((key) => !isTold(key))).toEqual([]);
						if (runs.every(({ outcome }) => /^(handed over|error)$/.test(outcome))) expect(left).toEqual([]);
					},
				),
				{ numRuns: 40 },
			);
		}, 60_000);

		it('finds fifty silent ones among 100,000 with three calls at most', async () => {
			const hubble = await startSimulator({
				devices: 100_000,
				packets: 200_000,
				days: 1,
				limits: false,
				// Real time passes here, too.
				now: () => BEGAN * 1000 + performance.now(),
			});
			try {
				const { main } = hubble.world;
				const parameters = { events: ['silent', 'registered'], ...silentFor(6) };
				const { poll, staticData } = trigger(parameters, {
					request: httpRequest(() => hubble.token),
					credentials: {
						apiToken: hubble.token,
						organizationId: hubble.organizationId,
						baseUrl: hubble.url,
						requestsPerSecond: 1000,
					},
				});
				const readTo = () => (staticData.next as { silent: { from: number } }).silent.from;
				expect(await poll()).toEqual([]);
				const from = readTo();
				clock += 24;
				const asked = hubble.log.length;
				const silent = await poll();
				const calls = hubble.log.slice(asked).filter(({ call }) => call === 'listDevices');
				expect(calls.length).toBeLessThanOrEqual(3);
				const last = ({ terrestrial = -1, satellite = -1 }) =>
					main.packets.timeOf(Math.max(terrestrial, satellite)) / 1000;
				const truth = [...main.devices.keys()].filter((id) => {
					const heard = hubble.world.lastHeard(id);
					const at = heard.terrestrial === undefined && heard.satellite === undefined ? 0 : last(heard);
					return at >= from && at < readTo();
				});
				expect(truth.length).toBeGreaterThan(40);
				expect(silent.map(({ deviceId }) => deviceId).sort()).toEqual(truth.sort());
			} finally {
				await hubble.close();
			}
		}, 60_000);

		it('asks nothing that Hubble would refuse, whatever is watched', async () => {
			const hubble = await startSimulator({
				devices: 60,
				packets: 600,
				days: 1,
				limits: false,
				now: () => clock * 1000,
			});
			try {
				const events = ['silent', 'heardAgain', 'registered', 'firstHeard', 'entered', 'left'];
				const earth = { name: 'Earth', latitude: 0, longitude: 0, radius: 2e7 };
				const filters = { environment: 'production' };
				const { poll } = trigger(
					// Look Back is no whole number of seconds.
					{ events, ...silentFor(1), areas: { circle: [earth] }, filters, options: { lookBack: 0.333 } },
					{
						request: httpRequest(() => hubble.token),
						credentials: {
							apiToken: hubble.token,
							organizationId: hubble.organizationId,
							baseUrl: hubble.url,
							requestsPerSecond: 1000,
						},
					},
				);
				await poll();
				clock += 600;
				hubble.addPackets(30);
				const some = await poll();
				expect(some.map(({ event }) => event)).toContain('heardAgain');
				expect(hubble.log.filter(({ status }) => status !== 200)).toEqual([]);
			} finally {
				await hubble.close();
			}
		});

		it('P12: remembers 100,000 devices in less than 2 MB, beside what it would need after a crash, and says so of more', async () => {
			const events = ['heardAgain', 'firstHeard'];
			const fleet = fleetOf(100_500, { events, ...silentFor(1), options: { maxItems: 10_000 } }, 25_000);
			for (const [n, id] of [...fleet.devices.keys()].entries())
				if (n % 2) fleet.hear(id, { heard: clock - 2 * HOUR - n });
			expect(await fleet.poll()).toEqual([]);
			expect(fleet.warnings()).toEqual([expect.stringContaining('remembers at most 100000 devices')]);
			clock += 60;
			for (const id of [...fleet.devices.keys()].slice(0, 10_000)) fleet.hear(id);
			expect((await fleet.poll()).length).toBeGreaterThan(9000);
			const { unsure, quietMarks, next } = fleet.options.staticData as unknown as Record<string, IDataObject>;
			expect(unsure && next && !quietMarks).toBeTruthy();
			expect(Buffer.byteLength(JSON.stringify(fleet.options.staticData))).toBeLessThan(2e6);
			// Another process finds the same again.
			fleet.restart();
			expect((await fleet.poll()).length).toBeGreaterThan(9000);
		}, 180_000);

		/** What happens to a large fleet before a poll, and how that poll goes. */
		const shift = fc.record({
			seconds: fc.integer({ min: 31, max: 900 }),
			/** Which devices are heard, whether by satellite, and how many seconds before Hubble shows it. */
			hears: fc.array(
				fc.oneof(
					fc.tuple(fc.nat(1e6), fc.constant(false), fc.constantFrom(1, 1, 600)),
					fc.tuple(fc.nat(1e6), fc.constant(true), fc.constantFrom(1, 600, 3 * HOUR)),
				),
				{ maxLength: 12 },
			),
			/** After which of the poll's requests another device is heard. */
			meanwhile: fc.array(fc.tuple(fc.nat(40), fc.nat(1e6)), { maxLength: 3 }),
			registers: fc.boolean(),
			/** Seconds that a reply takes: a poll has thirty. */
			replySeconds: fc.constantFrom(0, 0, 0, 1, 2, 7),
			outcome: fc.constantFrom(
				'handed over',
				'handed over',
				'handed over',
				'crash before saving',
				'crash after saving',
			),
		});

		interface Shift {
			seconds: number;
			hears: Array<[index: number, isBySatellite: boolean, agoSeconds: number]>;
			meanwhile: Array<[request: number, index: number]>;
			registers: boolean;
			replySeconds: number;
			outcome: string;
		}

		const calm: Shift = {
			seconds: 31,
			hears: [],
			meanwhile: [],
			registers: false,
			replySeconds: 0,
			outcome: 'handed over',
		};

		/** What was not told of a device: the end of a silence, or the silence it is in. Nobody is silent for two reasons at once. */
		function missingOf({ id, heard, satellite = 0 }: Tracker, told: IDataObject[], quietAtFirst: number): string[] {
			const missing: string[] = [];
			let quietSince: number | undefined = quietAtFirst;
			const seen = new Set<unknown>();
			for (const { event, eventKey } of told) {
				if (event === 'registered') continue;
				const isSilent = event === 'silent';
				// After a crash the last events come again.
				if (isSilent && quietSince !== undefined && !seen.has(eventKey))
					missing.push(`heard before ${String(eventKey)}`);
				quietSince = isSilent ? Number(String(eventKey).split(':').at(-1)) : undefined;
				seen.add(eventKey);
			}
			const last = Math.max(heard, satellite);
			const silence = satellite - heard > 6 * HOUR ? 6 * HOUR : HOUR;
			if (quietSince !== undefined && last > quietSince) missing.push(`heard ${id}`);
			if (quietSince === undefined && last < clock - silence) missing.push(`silent ${id}`);
			return missing;
		}

		/**
		 * Lets a fleet, of which all devices are quiet and every second was never heard, go through shifts.
		 * @returns what was lost, and how many events came
		 */
		async function throughShifts(size: number, pageSize: number, shifts: readonly Shift[]) {
			clock += 100_000;
			const events = ['silent', 'heardAgain', 'registered', 'firstHeard'];
			const fleet = fleetOf(size, { events, ...silentFor(1) }, pageSize);
			const quietAtFirst = new Map([...fleet.devices.keys()].map((id, n) => [id, n % 2 ? clock - 24 * HOUR - n : 0]));
			for (const [id, heard] of quietAtFirst) fleet.hear(id, { heard });
			const hear = (index: number, isBySatellite = false, agoSeconds = 1) => {
				const device = fleet.devices.get([...quietAtFirst.keys()][index % quietAtFirst.size] ?? '') as Tracker;
				if (isBySatellite) device.satellite = Math.max(device.satellite ?? 0, clock - agoSeconds);
				else device.heard = Math.max(device.heard, clock - agoSeconds);
			};
			let { replySeconds, meanwhile } = calm;
			let asked = 0;
			const { request } = fleet.options;
			fleet.options.request = async (credential: string, options: Request) => {
				clock += replySeconds;
				for (const [after, index] of meanwhile) if (after === asked) hear(index);
				asked += 1;
				return await request(credential, options);
			};
			fleet.restart();
			const at = () => (fleet.options.staticData.next as { quiet?: { from: number } } | undefined)?.quiet?.from;
			// n8n stores what the polls have learnt with the first execution.
			do await fleet.poll();
			while (at() !== 0);
			fleet.add('first', { created: clock });
			clock += 60;
			const given = await fleet.poll();
			let saved = JSON.stringify(fleet.options.staticData);
			const calms = Array.from({ length: 3 + Math.ceil(size / pageSize / 10) }, () => calm);
			for (const one of [...shifts, ...calms]) {
				clock += one.seconds;
				for (const [index, isBySatellite, ago] of one.hears) hear(index, isBySatellite, ago);
				if (one.registers) quietAtFirst.set(`new ${clock}`, fleet.add(`new ${clock}`, { created: clock }) && 0);
				({ replySeconds, meanwhile } = one);
				asked = 0;
				const told = await fleet.poll();
				const isLost = one.outcome !== 'handed over';
				if (!isLost) given.push(...told);
				if (told.length && one.outcome !== 'crash before saving') saved = JSON.stringify(fleet.options.staticData);
				if (isLost) fleet.restart(JSON.parse(saved) as IDataObject);
			}
			const missing = [...quietAtFirst].flatMap(([id, quiet]) => {
				const told = given.filter(({ deviceId }) => deviceId === id);
				const isTold = !id.startsWith('new') || told.some(({ event }) => event === 'registered');
				return [...(isTold ? [] : [`registered ${id}`]), ...missingOf(fleet.devices.get(id) as Tracker, told, quiet)];
			});
			return { missing, events: given.length };
		}

		it('loses nothing of a fleet whose quiet devices take several polls to read, through cut polls, crashes and satellites', async () => {
			const shifts = fc.array(shift, { minLength: 1, maxLength: 25 });
			await fc.assert(
				fc.asyncProperty(shifts, fc.integer({ min: 1, max: 4 }), async (given, pageSize) => {
					expect((await throughShifts(60, pageSize, given)).missing).toEqual([]);
				}),
				{ numRuns: 10, endOnFailure: true },
			);
		}, 120_000);

		it('loses nothing of three thousand quiet devices', async () => {
			const shifts = Array.from({ length: 8 }, (_, round): Shift => ({
				seconds: round === 5 ? 4000 : 60,
				hears: Array.from({ length: 40 }, (__, n) => [round * 40 + n * 73, n % 5 === 0, n % 3 ? 1 : 600]),
				meanwhile: [
					[3, 2900 - round],
					[17, 20 + round],
				],
				registers: round % 2 === 0,
				replySeconds: round % 3,
				outcome: ['handed over', 'crash before saving', 'handed over', 'crash after saving'][round % 4] ?? '',
			}));
			const { missing, events } = await throughShifts(3000, 50, shifts);
			expect(missing).toEqual([]);
			expect(events).toBeGreaterThan(300);
		}, 120_000);

		it('remembers a device that falls silent before the quiet devices are read up to it', async () => {
			const fleet = fleetOf(80, { events: ['silent', 'heardAgain'], ...silentFor(1) }, 1);
			for (const id of fleet.devices.keys()) fleet.hear(id, { heard: clock - 2 * HOUR });
			// It was registered last, so it is read last.
			fleet.hear('device 0');
			clock += HOUR - 60;
			const readAll = async () => {
				const names = await fleet.names();
				while ((fleet.options.staticData.next as { quiet: { from: number } }).quiet.from)
					names.push(...(await fleet.names()));
				return names;
			};
			expect(await readAll()).toEqual([]);
			clock += 120;
			// The first of these polls has read as much as it may, and leaves the silence to the second one.
			expect([...(await fleet.names()), ...(await fleet.names())]).toEqual(['silent device 0']);
			fleet.hear('device 0');
			clock += 60;
			expect(await readAll()).toEqual(['heardAgain device 0']);
			// And both are told in their order when it is silent once more by then.
			clock += HOUR + 60;
			expect(await readAll()).toEqual(['silent device 0']);
			fleet.hear('device 0');
			clock += HOUR + 60;
			expect(await readAll()).toEqual(['heardAgain device 0', 'silent device 0']);
		});
	},
);

it('P12: stores of large settings no more than a key', async () => {
	const corner = (n: number) => [10 + Math.cos((n * Math.PI) / 2500), 50 + Math.sin((n * Math.PI) / 2500)];
	const coordinates = [Array.from({ length: 5000 }, (_, n) => corner(n))];
	const geojson = JSON.stringify({ type: 'Polygon', coordinates });
	const device = Array.from({ length: 200 }, (_, n) => ({
		deviceId: { __rl: true, mode: 'id', value: `6ea53e36-b7fb-429f-8c2e-${String(n).padStart(12, '0')}` },
	}));
	const fleet = fleetOf(1, {
		events: ['registered', 'silent', 'entered'],
		...silentFor(1),
		areas: { polygon: [{ name: 'Field', geojson }] },
		filters: { devices: { device } },
	});
	await fleet.poll();
	expect(fleet.options.staticData).toHaveProperty('next.areas');
	expect(JSON.stringify(fleet.options.staticData).length).toBeLessThan(1000);
});

it('takes a page of any length', async () => {
	const fleet = fleetOf(200_000, { events: ['silent'], ...silentFor(1), reportSilentAlready: true }, 200_000);
	for (const id of fleet.devices.keys()) fleet.hear(id, { heard: clock - 2 * HOUR });
	expect(await fleet.poll()).toHaveLength(1000);
});
