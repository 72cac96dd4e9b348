/** The poll trigger's polls against the simulator: what n8n would be given, and what it would store. */
import { packetKey } from '../../nodes/shared/packet/packet';
import { schemaFiles } from '../../tools/schemas';
import { listed, serverThat, unforeseen } from './harness';
import { httpRequest, letPass, pollContext, withEachClock } from './pollContext';
import { virtualTime } from './virtualTime';
import { sleep, type IDataObject, type IHttpRequestOptions } from 'n8n-workflow';
import { HubblePacketPollTrigger } from '../../nodes/HubblePacketPollTrigger/HubblePacketPollTrigger.node';
import { startSimulator, type Simulator } from '../simulator/server';

let hubble: Simulator;
/** So many milliseconds are over at Hubble that nobody waited for. */
let passedMs = 0;
const { now } = Date;
const hubbleNow = () => now() + passedMs;
beforeEach(async () => {
	hubble = await startSimulator({
		devices: 20,
		packets: 3500,
		days: 2,
		limits: false,
		headRetryAfter: null,
		now: hubbleNow,
	});
});
afterEach(async () => await hubble.close());

let nodes = 0;

/** A node of its own with what n8n gives to `poll`. */
function node(
	parameters: IDataObject = {},
	staticData: IDataObject = {},
	mode = 'trigger',
	expressions: Record<string, () => unknown> = {},
	baseUrl = hubble.url,
	/** What of n8n is another: its id and name of the node, what newer versions have. */
	other: { id?: string; name?: string; [member: string]: unknown } = {},
) {
	const { id = `node ${++nodes}`, name = 'Poll', ...members } = other;
	const warnings: string[] = [];
	const context = pollContext({ ...hubble, url: baseUrl }, parameters, {
		warnings,
		getMode: () => mode,
		getNode: () => ({ id: `${id} of ${expect.getState().currentTestName}`, name, parameters }),
		getNodeParameter: (name: string, fallback: unknown) => expressions[name]?.() ?? parameters[name] ?? fallback,
		getWorkflowStaticData: () => staticData,
		...members,
	});
	const poll = async () => {
		const [items = []] = (await new HubblePacketPollTrigger().poll.call(context)) ?? [];
		return items.map(({ json }) => json);
	};
	return { poll, staticData, warnings };
}

const everything = { startFrom: 'everything', options: { maxPackets: 2000 } };

withEachClock(hubbleNow, () => {
	it('catches up over several polls, then brings what is new', async () => {
		const { poll } = node(everything);
		const sizes = [await poll(), await poll(), await poll()].map(({ length }) => length);
		expect(sizes).toEqual([2000, 1500, 0]);
		hubble.addPackets(7);
		expect(await poll()).toHaveLength(7);
		expect(await poll()).toHaveLength(0);
	});

	it('begins now, or at a date', async () => {
		const now = node();
		expect(await now.poll()).toHaveLength(0);
		hubble.addPackets(3);
		expect(await now.poll()).toHaveLength(3);
		const half = new Date(hubble.world.main.packets.timeOf(1752)).toISOString();
		const dated = await node({ startFrom: 'date', startTime: half, options: { maxPackets: 10_000 } }).poll();
		expect(dated.length).toBeGreaterThanOrEqual(3503 - 1752);
		expect(dated.length).toBeLessThan(3503 - 1752 + 10);
		await expect(node({ startFrom: 'date' }).poll()).rejects.toThrow('Start Time');
	});

	it('leaves the position alone on an error', async () => {
		const { poll, staticData } = node(everything);
		await poll();
		const before = JSON.stringify(staticData);
		hubble.addFault({ call: 'listPackets', status: 403 });
		await expect(poll()).rejects.toThrow('Hubble does not allow this');
		expect(JSON.stringify(staticData)).toBe(before);
		expect(await poll()).toHaveLength(1500);
	});

	it.each([
		[401, { cause: 'credential-invalid' }],
		[403, { cause: 'temporarily-unavailable' }],
		[404, { cause: 'configuration-invalid' }],
	] as const)('tells n8n for its pauses why Hubble answered %i', async (status, failure) => {
		hubble.addFault({ call: 'listPackets', status });
		await expect(node(everything).poll()).rejects.toMatchObject({ failure });
	});

	it('tells in the log of packets that are none', async () => {
		const { packets } = hubble.world.main;
		const json = packets.json.bind(packets);
		packets.json = (index) => (index === 3 ? json(index).replace('"payload":', '"load":') : json(index));
		const { poll, warnings } = node(everything);
		expect(await poll()).toHaveLength(1999);
		expect(warnings).toEqual([expect.stringContaining('"Poll": 1 of the packets was left out: each needs')]);
	});

	it('P6: gives a packet once that is twice in a page, and two of a second without a number', async () => {
		const { packets } = hubble.world.main;
		const json = packets.json.bind(packets);
		const bare = (payload: string) =>
			json(2)
				.replace(/,"sequence_number":\d+/, '')
				.replace(/"payload":"[^"]*"/, `"payload":"${payload}"`);
		packets.json = (index) => [json(2), bare('AAAA'), json(2), bare('AQID')][index] ?? json(index);
		const { device } = JSON.parse(json(2)) as { device: { id: string; payload: string } };
		const got = (await node(everything).poll()).slice(0, 4).filter(({ deviceId }) => deviceId === device.id);
		expect(got.map(({ payload }) => payload)).toEqual([device.payload, 'AAAA', 'AQID']);
	});

	it('goes on where an expression gives another date at each poll', async () => {
		const startTime = '={{ $now.minus(1, "day") }}';
		const parameters = { startFrom: 'date', startTime };
		const { poll } = node({ ...parameters, options: { maxPackets: 100_000 } }, {}, 'trigger', {
			startTime: () => new Date(Date.now() - 86_400_000).toISOString(),
		});
		expect((await poll()).length).toBeGreaterThan(1000);
		expect(await poll()).toHaveLength(0);
		await sleep(1100);
		hubble.addPackets(2);
		expect(await poll()).toHaveLength(2);
	});

	it('goes past a packet that says it is of later', async () => {
		const { packets } = hubble.world.main;
		const { json } = packets;
		packets.json = (index) =>
			index === 3499 ? json(index).replace(/[\d.]+(,"counter")/, '99999999999$1') : json(index);
		hubble.set({ headToken: 'absent' });
		const { poll } = node({ ...everything, options: { maxPackets: 10_000 } });
		expect(await poll()).toHaveLength(3500);
		hubble.addPackets(4);
		expect(await poll()).toHaveLength(4);
	});

	it('P10: brings a time that was stored in the future back to now', async () => {
		const first = node(everything);
		await first.poll();
		const run = JSON.parse(JSON.stringify(first.staticData)) as IDataObject;
		const ahead = Math.floor(hubbleNow() / 1000) + 7200;
		const { poll, warnings } = node(everything, { ...run, next: { start: ahead }, unsure: undefined });
		expect(await poll()).toHaveLength(0);
		expect(warnings).toEqual([expect.stringContaining("in the future by Hubble's clock")]);
		hubble.addPackets(4);
		expect(await poll()).toHaveLength(4);
	});

	it('P5: goes on by time when Hubble does not accept the token any longer: nothing is lost', async () => {
		const { poll, warnings } = node({ ...everything, options: { maxPackets: 10_000 } });
		expect(await poll()).toHaveLength(3500);
		expect(await poll()).toHaveLength(0);
		hubble.addPackets(5);
		hubble.addFault({ call: 'listPackets', status: 400 });
		const again = (await poll()).map(({ packetKey }) => packetKey);
		const { packets } = hubble.world.main;
		for (let index = 3500; index < 3505; index++) expect(again).toContain(packetKey(packets.get(index) as never));
		expect(again.length).toBeLessThan(500);
		expect(warnings).toEqual([expect.stringContaining('The packets after that time may come again')]);
	});

	it.each([400, 404, 410])(
		'forgets a token that Hubble answers with %i, also where nothing new came',
		async (status) => {
			hubble.set({ headToken: 'absent' });
			const { poll, warnings } = node();
			hubble.set({ headToken: 'same' });
			await poll();
			hubble.set({ headToken: 'absent' });
			hubble.addFault({ call: 'listPackets', status });
			expect(await poll()).toHaveLength(0);
			expect(await poll()).toHaveLength(0);
			expect(warnings).toHaveLength(1);
			expect(hubble.log.at(-1)?.token).toBeUndefined();
		},
	);

	it.each([['abc'], [5], [1e6]])('refuses %j packets an execution', async (maxPackets) => {
		await expect(node({ ...everything, options: { maxPackets } }).poll()).rejects.toThrow(
			'"Max Packets per Execution"',
		);
		expect(hubble.log).toEqual([]);
	});

	it('follows a token that comes with an empty page', async () => {
		const asked: unknown[] = [];
		const server = await serverThat(async ({ headers, url }, reply) => {
			if (url.endsWith('/check')) return { org_id: '' };
			asked.push(headers['continuation-token']);
			return await reply.header('continuation-token', `t${asked.length}`).send({ packets: [] });
		});
		const { poll } = node(everything, {}, 'trigger', {}, server.url);
		await poll();
		await poll();
		await server.close();
		expect(asked).toEqual([undefined, 't1']);
	});

	it('shows the latest packets in a manual test, newest first, and leaves the position alone', async () => {
		await hubble.close();
		hubble = await startSimulator({ devices: 20, packets: 15_000, days: 2, limits: false });
		const { packets } = hubble.world.main;
		const latest = Array.from({ length: 10 }, (_, n) => new Date(packets.timeOf(14_999 - n)).toISOString());
		const { poll, staticData } = node(everything, {}, 'manual');
		const shown = await poll();
		expect(shown.map(({ timestamp }) => timestamp)).toEqual(latest);
		const preview = schemaFiles()['HubblePacketPollTrigger/__schema__/v1.0.0/output.json'];
		expect(
			unforeseen(
				preview,
				shown.map((json) => ({ json })),
			),
		).toEqual([]);
		expect(staticData).toEqual({});
		expect(hubble.log.filter(({ call }) => call === 'listPackets').length).toBeLessThanOrEqual(2);
	});

	it('finds the latest packets among very many and among few', async () => {
		await hubble.close();
		hubble = await startSimulator({ devices: 20, packets: 60_000, days: 0.05, limits: false });
		const busy = await node(everything, {}, 'manual').poll();
		const { packets } = hubble.world.main;
		expect(busy[0]?.timestamp).toBe(new Date(packets.timeOf(59_999)).toISOString());
		await hubble.close();
		hubble = await startSimulator({ devices: 3, packets: 4, days: 6, limits: false });
		expect(await node(everything, {}, 'manual').poll()).toHaveLength(4);
		await hubble.close();
		hubble = await startSimulator({ devices: 3, packets: 0, days: 6, limits: false });
		expect(await node(everything, {}, 'manual').poll()).toMatchObject([
			{ isExample: true, hint: 'Hubble received no packet in the last seven days: this one is an example.' },
		]);
	});

	it('looks for a sample in a few pages only', async () => {
		const rare = {
			...everything,
			filters: { devices: listed({ device: [{ deviceId: { value: '6ea53e36-b7fb-429f-8c2e-d536cab71089' } }] }) },
		};
		const { packets } = hubble.world.main;
		expect(await node(rare, {}, 'manual').poll()).toEqual([
			expect.objectContaining({
				isExample: true,
				hint: 'None of the latest packets passes the filters: this one is an example.',
				timestamp: new Date(packets.timeOf(3499)).toISOString(),
			}),
		]);
		expect(hubble.log.length).toBeLessThanOrEqual(20);
	});

	it('begins anew in a copy of its workflow, which may have its position', async () => {
		const { poll, staticData } = node();
		await poll();
		hubble.addPackets(3);
		expect(await poll()).toHaveLength(3);
		hubble.addPackets(4);
		// On both clocks: each packet is older than the copy, to the second.
		passedMs += 5000;
		letPass(() => 5000);
		const stored = JSON.parse(JSON.stringify(staticData)) as IDataObject;
		const copy = node({}, stored, 'trigger', {}, hubble.url, { getWorkflow: () => ({ id: 'copy' }) });
		expect(await copy.poll()).toHaveLength(0);
		hubble.addPackets(2);
		expect([await copy.poll(), await poll()].map(({ length }) => length)).toEqual([2, 6]);
	});

	it('skips a poll while one is running, and waits as long as Hubble says at the head of the stream', async () => {
		const { poll } = node(everything);
		hubble.set({ latencyMs: 50, headRetryAfter: 60 });
		const [first, second] = await Promise.all([poll(), poll()]);
		expect([first.length, second.length]).toEqual([2000, 0]);
		expect(hubble.log.filter(({ call }) => call === 'listPackets')).toHaveLength(2);
		expect(await poll()).toHaveLength(1500);
		expect(await poll()).toHaveLength(0);
		const asked = hubble.log.length;
		hubble.addPackets(1);
		expect(await poll()).toHaveLength(0);
		expect(hubble.log).toHaveLength(asked);
		// As long as Hubble said and no longer, whatever n8n's clock did meanwhile.
		letPass(() => 60_000);
		expect(await poll()).toHaveLength(1);
	});

	it('asks again after five minutes at most, however long Hubble says', async () => {
		const { poll } = node();
		hubble.set({ headRetryAfter: 86_400 });
		expect(await poll()).toHaveLength(0);
		const asked = () => hubble.log.filter(({ call }) => call === 'listPackets').length;
		letPass(() => 299_000);
		await poll();
		expect(asked()).toBe(1);
		letPass(() => 300_000);
		await poll();
		expect(asked()).toBe(2);
	});

	it('goes on where it was under another Base URL of the same organization', async () => {
		const { poll, staticData } = node();
		expect(await poll()).toHaveLength(0);
		hubble.addPackets(50);
		passedMs += 5000;
		const elsewhere = node({}, staticData, 'trigger', {}, hubble.url.replace('127.0.0.1', 'localhost'));
		expect(await elsewhere.poll()).toHaveLength(50);
	});

	it('filters and decodes as the trigger does', async () => {
		const { packets: history } = hubble.world.main;
		const deviceId = history.deviceOf(0);
		const its = Array.from({ length: 3500 }, (_, index) => history.deviceOf(index)).filter(
			(id) => id === deviceId,
		).length;
		const { poll } = node({
			...everything,
			options: { maxPackets: 10_000 },
			filters: { devices: listed({ device: [{ deviceId: { value: deviceId } }] }) },
			decodePayload: 'hex',
		});
		const packets = await poll();
		expect(packets).toHaveLength(its);
		for (const { deviceId: id, decoded, payload } of packets) {
			expect(id).toBe(deviceId);
			expect(decoded).toBe(Buffer.from(String(payload), 'base64').toString('hex'));
		}
	});

	it('goes on from the packets before in another process, and from those after in the same', async () => {
		const stored: IDataObject = {};
		const first = await node(everything, stored).poll();
		const elsewhere = await node(everything, stored).poll();
		expect(elsewhere).toEqual(first);
	});

	it.each(['empty', 'absent', 'same'] as const)(
		'understands a stream whose head gives the token as: %s',
		async (headToken) => {
			hubble.set({ headToken });
			const { poll } = node({ ...everything, options: { maxPackets: 10_000 } });
			expect(await poll()).toHaveLength(3500);
			expect(await poll()).toHaveLength(0);
			hubble.addPackets(5);
			expect(await poll()).toHaveLength(5);
		},
	);

	/** Members of a poll's context in n8n 2.41. */
	const newer = { __runPoll: true, __commitCursor: true, getPollBudgetMs: () => 300_000 };

	/** Static data as n8n gives them but for durable cursors: it watches them for changes. */
	const watched = (data: IDataObject = {}) =>
		Object.defineProperty(data, '__dataChanged', { value: false, writable: true });

	describe('the time of a poll', () => {
		it('P11: hands over what it has before the time ends, and the rest with the next poll', async () => {
			const request = httpRequest(() => hubble.token);
			const slowly: typeof request = async (...given) => {
				await virtualTime.sleep(700);
				passedMs += 700;
				return await request(...given);
			};
			const slow = node({ ...everything, options: { maxPackets: 100_000 } }, {}, 'trigger', {}, hubble.url, {
				getPollBudgetMs: () => 2500,
				helpers: { httpRequestWithAuthentication: slowly },
			});
			const first = await slow.poll();
			expect(first.length).toBeGreaterThanOrEqual(1000);
			expect(first.length).toBeLessThan(3500);
			const all = [...first];
			for (let polls = 0; polls < 4; polls++) all.push(...(await slow.poll()));
			expect(new Set(all.map(({ packetKey: key }) => key)).size).toBe(3500);
			expect(all).toHaveLength(3500);
		});

		it('hands over the pages before one that does not come in time', async () => {
			hubble.addFault({ call: 'listPackets', delayMs: 30_000, skip: 2 });
			const { poll, warnings } = node(
				{ ...everything, options: { maxPackets: 100_000 } },
				{},
				'trigger',
				{},
				hubble.url,
				{
					getPollBudgetMs: () => 2500,
				},
			);
			expect(await poll()).toHaveLength(2000);
			expect(warnings).toEqual([
				expect.stringContaining('passes on the packets of 2 pages; the next poll continues after them'),
			]);
			expect(await poll()).toHaveLength(1500);
		});

		it('asks nothing for as long as Hubble said when it refused a page, also where others are handed over', async () => {
			hubble.addFault({ call: 'listPackets', status: 503, headers: { 'Retry-After': '60' }, skip: 2 });
			const { poll } = node({ ...everything, options: { maxPackets: 100_000 } });
			expect(await poll()).toHaveLength(2000);
			const asked = hubble.log.length;
			expect(await poll()).toHaveLength(0);
			expect(hubble.log).toHaveLength(asked);
		});

		it('does not wait longer than its time for Hubble to take requests again', async () => {
			hubble.addFault({ call: 'listPackets', status: 429, headers: { 'Retry-After': '60' } });
			const { poll } = node(everything, {}, 'trigger', {}, hubble.url, { getPollBudgetMs: () => 20_000 });
			await expect(poll()).rejects.toMatchObject({ failure: { cause: 'rate-limited', retryAfterMs: 60_000 } });
			const asked = hubble.log.length;
			expect(await poll()).toHaveLength(0);
			expect(hubble.log).toHaveLength(asked);
		});

		it('takes a poll that n8n gave up for one that was not handed over', async () => {
			const identity = { ...newer, id: 'abandoned' };
			const disk = (await (async () => {
				const data = watched();
				await node(everything, data, 'trigger', {}, hubble.url, { ...newer, id: 'before a restart' }).poll();
				return data;
			})()) as IDataObject;
			const stored = () => watched(structuredClone({ ...disk }));
			const given = await node(everything, stored(), 'trigger', {}, hubble.url, identity).poll();
			// n8n never saved what that poll stored: it reads the same from the disk again.
			letPass(() => 10_000);
			const again = await node(everything, stored(), 'trigger', {}, hubble.url, identity).poll();
			expect(again).toEqual(given);
		});
	});

	describe('one process, several pollers', () => {
		it('goes on where n8n stores nothing because nothing was new', async () => {
			const anew = () => node({}, watched(), 'trigger', {}, hubble.url, { ...newer, id: 'stores nothing' });
			expect(await anew().poll()).toHaveLength(0);
			hubble.addPackets(3);
			await sleep(1100);
			expect(await anew().poll()).toHaveLength(3);
		});

		it('gives no packet twice when a workflow is polled twice', async () => {
			const twin = () => node(everything, {}, 'trigger', {}, hubble.url, { id: 'twin' });
			const [one, two] = [twin(), twin()];
			const all = [...(await one.poll()), ...(await two.poll()), ...(await one.poll()), ...(await two.poll())];
			expect(all).toHaveLength(3500);
			expect(new Set(all.map(({ packetKey: key }) => key)).size).toBe(3500);
		});

		it('keeps two nodes of one id apart by their names', async () => {
			const named = (name: string) => node(everything, {}, 'trigger', {}, hubble.url, { id: 'one id', name });
			const [one, two] = [named('One'), named('Two')];
			expect(await one.poll()).toHaveLength(2000);
			expect(await two.poll()).toHaveLength(2000);
			expect(await one.poll()).toHaveLength(1500);
			expect(await two.poll()).toHaveLength(1500);
		});
	});

	describe('positions that are stored with the execution', () => {
		const durable = { ...newer, getPollBudgetMs: () => 36_000 };

		it('P6: repeats nothing in another process', async () => {
			const first = node(everything, {}, 'trigger', {}, hubble.url, durable);
			expect(await first.poll()).toHaveLength(2000);
			const committed = JSON.parse(JSON.stringify(first.staticData)) as IDataObject;
			expect(await node(everything, committed, 'trigger', {}, hubble.url, durable).poll()).toHaveLength(1500);
		});

		it('waits while n8n stores the position of another poll that was due at the same time', async () => {
			const anew = () => node(everything, {}, 'trigger', {}, hubble.url, { ...durable, id: 'due at once' });
			const given = await anew().poll();
			expect(given).toHaveLength(2000);
			expect(await anew().poll()).toHaveLength(0);
			// What n8n has not stored by now, it has thrown away.
			letPass(() => 10_000);
			expect(await anew().poll()).toEqual(given);
		});

		it('still repeats what was uncertain before the setting was given', async () => {
			const before = node(everything, watched(), 'trigger', {}, hubble.url, newer);
			const given = await before.poll();
			const copy = JSON.parse(JSON.stringify(before.staticData)) as IDataObject;
			expect(await node(everything, copy, 'trigger', {}, hubble.url, durable).poll()).toEqual(given);
		});

		it('repeats nothing either when a workflow is started, where a poll has no budget', async () => {
			const first = node(everything, {}, 'trigger', {}, hubble.url, durable);
			expect(await first.poll()).toHaveLength(2000);
			const committed = () => JSON.parse(JSON.stringify(first.staticData)) as IDataObject;
			const started = node(everything, committed(), 'trigger', {}, hubble.url, newer);
			expect(await started.poll()).toHaveLength(1500);
			const after = JSON.parse(JSON.stringify(started.staticData)) as IDataObject;
			expect(await node(everything, after, 'trigger', {}, hubble.url, newer).poll()).toHaveLength(0);
		});

		it('is not taken for granted any longer when polls go on without a budget', async () => {
			const first = node(everything, {}, 'trigger', {}, hubble.url, durable);
			await first.poll();
			const copy = JSON.parse(JSON.stringify(first.staticData)) as IDataObject;
			const started = node(everything, copy, 'trigger', {}, hubble.url, newer);
			expect(await started.poll()).toHaveLength(1500);
			hubble.addPackets(3);
			expect(await started.poll()).toHaveLength(3);
			const after = JSON.parse(JSON.stringify(started.staticData)) as IDataObject;
			expect(await node(everything, after, 'trigger', {}, hubble.url, newer).poll()).toHaveLength(3);
		});

		it('is not taken for granted where n8n has only kept the copy', async () => {
			const first = node(everything, {}, 'trigger', {}, hubble.url, newer);
			const given = await first.poll();
			const copy = JSON.parse(JSON.stringify(first.staticData)) as IDataObject;
			expect(await node(everything, copy, 'trigger', {}, hubble.url, newer).poll()).toEqual(given);
		});
	});
});

it('takes a page of any length', async () => {
	const device = { id: 'd', payload: 'AA==', timestamp: now() / 1000 };
	const packets = Array.from({ length: 200_000 }, (_, sequence_number) => ({
		device: { ...device, sequence_number },
	}));
	const httpRequestWithAuthentication = async (_: string, { url }: IHttpRequestOptions) => ({
		body: Buffer.from(JSON.stringify(url.endsWith('/check') ? { org_id: '' } : { packets })),
		headers: { date: new Date().toUTCString() },
		statusCode: 200,
	});
	const { poll } = node(everything, {}, 'trigger', {}, hubble.url, { helpers: { httpRequestWithAuthentication } });
	expect(await poll()).toHaveLength(200_000);
});
