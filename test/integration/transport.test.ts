/** What happens between a node and Hubble when things go wrong: retry, pace, pages that break, a stopped run. */
import axios from 'axios';
import { sleep, type IHttpRequestOptions, type INode } from 'n8n-workflow';
import { DateTime } from 'luxon';
import { HubbleDevice } from '../../nodes/HubbleDevice/HubbleDevice.node';
import { HubbleInvitation } from '../../nodes/HubbleInvitation/HubbleInvitation.node';
import { HubblePacket } from '../../nodes/HubblePacket/HubblePacket.node';
import { HubbleClock } from '../../nodes/shared/client/clock';
import { endpoints } from '../../nodes/shared/client/endpoints';
import { sendOnce, type Call } from '../../nodes/shared/client/request';
import { TestCredentials } from '../engine';
import { startSimulator, type Simulator } from '../simulator/server';
import { credentialFor, execute, serverThat, type Setup } from './harness';
import { virtualTime } from './virtualTime';

let hubble: Simulator;
beforeEach(async () => {
	hubble = await startSimulator({ devices: 30, packets: 5500, rateHeaders: true });
});
afterEach(async () => await hubble.close());

const run = async (
	node: HubbleDevice | HubbleInvitation | HubblePacket,
	parameters: INode['parameters'],
	more: Partial<Setup> = {},
) =>
	await execute({
		node,
		parameters,
		credential: { apiToken: hubble.token, organizationId: hubble.organizationId, baseUrl: hubble.url, apiPaths: 'api' },
		...more,
	});
const getDevices = (more?: Partial<Setup>) => run(new HubbleDevice(), { operation: 'getAll', limit: 10 }, more);
const register = () => run(new HubbleDevice(), { operation: 'register' });
const getPackets = (parameters: INode['parameters'] = {}, more?: Partial<Setup>) =>
	run(new HubblePacket(), { operation: 'getAll', returnAll: true, ...parameters }, more);
/** Devices that Get asks for side by side. */
const AT_ONCE = 3;
/** The pages of packets that were asked for; the first run of a process also asks for Hubble's time. */
const asked = () =>
	hubble.log.flatMap(({ call, query }) => (call === 'listPackets' ? [query as { start: string; end: string }] : []));
const statuses = () => hubble.log.map(({ status }) => status);

describe('Retry', () => {
	it.each([
		['500', { status: 500 }],
		['a dropped connection', { drop: true }],
		['a cut body', { cutBody: 50 }],
	])('repeats a GET after %s', async (_, fault) => {
		hubble.addFault({ call: 'listDevices', ...fault });
		const { items, error } = await getDevices();
		expect(error).toBeUndefined();
		expect(items).toHaveLength(10);
		expect(hubble.log).toHaveLength(2);
	});

	it('says that a reply broke off, not that Hubble was not reached', async () => {
		hubble.addFault({ call: 'registerDevices', cutBody: 20 });
		const { error } = await register();
		expect(error?.message).toBe('The response from Hubble was incomplete');
		expect(error?.description).toContain('1 attempt (cut short).');
		expect(error?.description).toContain('The request may still have succeeded.');
	});

	it('finds an invitation revoked whose reply was lost', async () => {
		const [email = ''] = hubble.world.main.invitations.keys();
		hubble.addFault({ call: 'revokeInvitation', cutBody: 1 });
		const { items, error } = await run(new HubbleInvitation(), { operation: 'revoke', email });
		expect(error).toBeUndefined();
		expect(items[0]?.json).toEqual({ deleted: true, email });
		expect(statuses()).toEqual([200, 404]);
	});

	it('repeats a POST after 429 and waits as long as Retry-After says', async () => {
		hubble.addFault({ call: 'registerDevices', status: 429, headers: { 'Retry-After': '2' } });
		const { items } = await register();
		expect(items).toHaveLength(1);
		const [first, second] = hubble.log;
		expect((second?.startedAt ?? 0) - (first?.startedAt ?? 0)).toBeGreaterThanOrEqual(1990);
	});

	it('tells how long a read of several pages waited for the rate limit', async () => {
		hubble.addFault({ call: 'listPackets', status: 429, headers: { 'Retry-After': '6' } });
		const { items, hints } = await getPackets();
		expect(items).toHaveLength(5500);
		expect(hints).toEqual([expect.stringMatching(/^\d+ s of waiting for Hubble's rate limit, with \d+ requests\.$/)]);
	});

	it('P20: never repeats a POST that may have happened, and says so', async () => {
		hubble.addFault({ call: 'registerDevices', status: 500, applied: true });
		const { error } = await register();
		expect(hubble.log).toHaveLength(1);
		expect(error?.description).toContain('may still have succeeded');
	});

	it('finds a deletion done whose reply was lost', async () => {
		const [id] = [...hubble.world.main.devices.keys()];
		hubble.addFault({ call: 'deleteDevice', drop: true, applied: true });
		const { items } = await run(new HubbleDevice(), {
			operation: 'delete',
			deviceId: { __rl: true, mode: 'id', value: id },
			options: { batching: 'single' },
		});
		expect(statuses()).toEqual([0, 404]);
		expect(items.map(({ json }) => json)).toEqual([{ deleted: true, deviceId: id }]);
	});

	it.each<[number, Record<string, string>]>([
		[5, {}],
		[12, { 'Retry-After': '0' }],
	])(
		'gives up after %d tries where the headers of a 429 are %j, and says how often it tried',
		async (tries, headers) => {
			hubble.addFault({ call: 'listDevices', status: 429, headers, times: 99 });
			const { error } = await getDevices();
			expect(hubble.log).toHaveLength(tries);
			expect(error?.message).toContain(`${tries} attempts`);
		},
	);

	it('stops waiting at once when the execution is stopped', async () => {
		hubble.addFault({ call: 'listDevices', status: 429, headers: { 'Retry-After': '300' } });
		const refused = async () => {
			while (!hubble.log.some(({ status }) => status === 429)) await sleep(20);
		};
		virtualTime.isReal = true;
		// Without the stop this would wait for five minutes, and the test for half a minute at most.
		await getDevices({ stopWhen: refused() });
		expect(hubble.log).toHaveLength(1);
	});
});

describe('What would fail again is not asked again', () => {
	/** One request for each of so many items. */
	const getEach = async (count: number, token = hubble.token) =>
		await run(
			new HubbleDevice(),
			{ operation: 'getAll', limit: 1 },
			{
				input: Array.from({ length: count }, (_, n) => ({ n })),
				onError: 'continueRegularOutput',
				credential: credentialFor({ ...hubble, token }, { requestsPerSecond: 1000 }),
			},
		);

	it('where a scope is missing: the other items say the same', async () => {
		const { token } = hubble.world.createKey(hubble.world.main, { scopes: ['write-devices'] });
		const { items } = await getEach(15, token);
		expect(statuses().every((status) => status === 403)).toBe(true);
		expect(statuses().length).toBeLessThanOrEqual(AT_ONCE);
		expect(items).toHaveLength(15);
		for (const { json } of items) expect(json.error).toMatch(/^Hubble does not allow this: .*read-devices/);
	});

	it('but a 403 for another reason concerns its item alone', async () => {
		hubble.addFault({ call: 'listDevices', status: 403, times: 2 });
		const { items } = await getEach(10);
		expect(hubble.log).toHaveLength(10);
		expect(items.filter(({ json }) => json.error)).toHaveLength(2);
	});

	it.each([
		[
			'answers 503',
			{ status: 503, headers: { 'Retry-After': '0' } },
			/^Hubble could not process the request \(HTTP 503\)/,
		],
	])('while Hubble %s: the other items say so', async (_, fault, words) => {
		hubble.addFault({ call: 'listDevices', ...fault, times: 999 });
		const { items } = await getEach(30);
		// What was on its way when the third one failed is asked to its end.
		expect(hubble.log.length).toBeLessThanOrEqual(5 * (AT_ONCE + 2));
		const errors = items.map(({ json }) => String(json.error));
		const failed = errors.filter((error) => words.test(error));
		expect(failed.length).toBeGreaterThanOrEqual(3);
		const others = errors.filter((error) => !words.test(error));
		expect(others).toHaveLength(30 - failed.length);
		for (const error of others) {
			expect(error).toMatch(/^Not sent, because [3-9] requests in a row failed\. Hubble could not process the request/);
		}
	});

	it('but what failed fast and once costs the run nothing: the other items are sent', async () => {
		// POST is not repeated when nobody knows whether it arrived: each of the items fails at once.
		const fails = (item: number) => item < 7;
		let asked = 0;
		const server = await serverThat((__, reply) => {
			const item = asked++;
			return fails(item)
				? reply.code(500).send({ name: 'Internal', description: 'Broken' })
				: reply.send({ invitee_email: `u${item}@example.com` });
		});
		const { items } = await execute({
			node: new HubbleInvitation(),
			parameters: { operation: 'send', email: '={{ $json.email }}', role: 'member' },
			input: Array.from({ length: 9 }, (__, n) => ({ email: `u${n}@example.com` })),
			onError: 'continueRegularOutput',
			credential: credentialFor(hubble, { baseUrl: server.url, requestsPerSecond: 1000 }),
		});
		await server.close();
		expect(asked).toBe(9);
		expect(items.map(({ json }) => Boolean(json.error))).toEqual(items.map((__, item) => fails(item)));
	});

	it('goes on where an answer comes between', async () => {
		const fails = ({ url }: { url: string }) => Number(url.at(-1)) % 3 > 0;
		const server = await serverThat((request, reply) =>
			fails(request)
				? reply.code(500).send({ name: 'Internal', description: 'Broken' })
				: reply.send({ devices: [{ id: 'd', name: request.url }] }),
		);
		const { items } = await run(
			new HubbleDevice(),
			{ operation: 'get', deviceId: '={{ $json.id }}' },
			{
				input: Array.from({ length: 30 }, (_, n) => ({ id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}` })),
				onError: 'continueRegularOutput',
				credential: credentialFor(hubble, { baseUrl: server.url, requestsPerSecond: 1000 }),
			},
		);
		await server.close();
		expect(items.filter(({ json }) => /^Not sent/.test(String(json.error)))).toEqual([]);
		expect(items).toHaveLength(30);
	});
});

describe('The credential', () => {
	type Read = { token?: string; url?: string } | Error;

	/** A credential that holds something else each time that it is read, and the last from then on. */
	class Replaced extends TestCredentials {
		reads = 0;

		constructor(
			private readonly each: readonly [Read, ...Read[]],
			private readonly onSecond = () => {},
		) {
			super({});
		}

		override async getDecrypted() {
			const read = this.each[Math.min(this.reads, this.each.length - 1)] as Read;
			this.reads += 1;
			if (this.reads === 2) this.onSecond();
			if (read instanceof Error) throw read;
			return credentialFor({ ...hubble, ...read });
		}
	}

	const refused = (number: number) => ({ token: `refused-${number}` });
	const getWith = (credentialsHelper: Replaced) => getDevices({ additionalData: { credentialsHelper } });

	it('is read once, however many requests a run makes', async () => {
		const credentialsHelper = new Replaced([{}]);
		const { items } = await getPackets({}, { additionalData: { credentialsHelper } });
		expect(items).toHaveLength(5500);
		expect(hubble.log.length).toBeGreaterThanOrEqual(6);
		expect(credentialsHelper.reads).toBe(1);
	});

	it.each([
		['a page', 'listPackets', HubblePacket, { operation: 'getAll', returnAll: true }, 5500, 2, 1],
		['some of many pages', 'listPackets', HubblePacket, { operation: 'getAll', returnAll: true }, 5500, 2, 2],
		['a write', 'registerDevices', HubbleDevice, { operation: 'register' }, 1, 0, 1],
	] as const)(
		'is read again when its token is refused for %s, and the run goes on with the new one',
		async (_, call, Node, parameters, count, skip, times) => {
			hubble.set({ latencyMs: times > 1 ? 600 : 0 });
			const first = hubble.world.createKey(hubble.world.main, {});
			const revoke = () => hubble.world.main.keys.delete(first.key.key_id);
			const credentialsHelper = new Replaced([{ token: first.token }, {}], revoke);
			hubble.addFault({ call, status: 401, skip, times });
			const { items, error } = await run(new Node(), parameters, { additionalData: { credentialsHelper } });
			expect(error).toBeUndefined();
			expect(items).toHaveLength(count);
			// Pages that are under way side by side meet the token that is gone, too; they read the credential once together.
			expect(statuses().filter((status) => status === 401).length).toBeGreaterThanOrEqual(times);
			expect(credentialsHelper.reads).toBeLessThanOrEqual(1 + times);
		},
	);

	it.each([
		['was not replaced', [refused(1)], 1],
		['was replaced by one that is refused, too', [refused(1), refused(2)], 2],
		['is another one each time', [1, 2, 3].map(refused), 2],
		['was deleted in n8n', [refused(1), new Error('No such credential')], 1],
		['was replaced by none', [refused(1), { token: ' ' }], 1],
	] as Array<[string, [Read, ...Read[]], number]>)(
		'whose refused token %s ends the run',
		async (_, reads, requests) => {
			const { error } = await getWith(new Replaced(reads));
			expect(error?.message).toBe('Hubble does not accept the API token');
			expect(statuses()).toEqual(Array(requests).fill(401));
		},
	);

	it('sends no token to an address that it does not go with', async () => {
		const other = await startSimulator();
		const { error } = await getWith(new Replaced([refused(1), { token: other.token, url: other.url }]));
		await other.close();
		expect(error?.message).toBe('Hubble does not accept the API token');
		expect([statuses(), other.log]).toEqual([[401], []]);
	});

	it('P19: keeps each of its tokens out of what a run leaves', async () => {
		const description = 'Neither refused-1 nor refused-12';
		const server = await serverThat(
			async ({ headers }, reply) =>
				await reply
					.code(headers.authorization === 'Bearer refused-1' ? 401 : 400)
					.send({ code: 400, name: 'Bad Request', description }),
		);
		const { url } = server;
		const { error, run: recorded } = await getWith(
			new Replaced([
				{ ...refused(1), url },
				{ ...refused(12), url },
			]),
		);
		await server.close();
		expect(server.asked()).toBe(2);
		expect(error?.description).toContain('Neither *** nor ***');
		expect(JSON.stringify(recorded)).toContain('Neither *** nor ***');
		expect(JSON.stringify(recorded)).not.toContain('refused-');
	});
});

describe('Pages', () => {
	it('returns every packet of the period once, in order', async () => {
		const { items, error } = await getPackets({
			simplify: false,
			period: 'custom',
			startTime: Math.floor(Date.now() / 1000) - 8 * 86_400,
		});
		expect(error).toBeUndefined();
		expect(items).toHaveLength(5500);
		const keys = items.map(({ json }) => JSON.stringify(json.device));
		expect(new Set(keys).size).toBe(5500);
		expect(hubble.count429).toBe(0);
	});

	it('takes only the pages that the limit needs', async () => {
		const { items } = await getPackets({ returnAll: false, limit: 1500, order: 'oldest' });
		expect(items).toHaveLength(1500);
		expect(asked()).toHaveLength(2);
	});

	it('outputs what it has when a page fails, and goes on from there later', async () => {
		const all = await getPackets();
		hubble.clearLog();
		hubble.addFault({ call: 'listPackets', status: 400, skip: 2 });
		// With a limit one page comes after the other, however slow the machine is.
		const inTurn = { returnAll: false, limit: 100_000, order: 'oldest' };
		const broken = await getPackets(inTurn, { onError: 'continueRegularOutput' });
		const failure = broken.items.at(-1)?.json;
		expect(broken.items).toHaveLength(2001);
		expect(failure).toMatchObject({ rowsFetched: 2000, resumeToken: expect.any(String) });
		expect(failure?.message).toContain('after 2000 rows');
		const rest = await getPackets({ options: { continueFrom: failure?.resumeToken as string } });
		const keys = [...broken.items.slice(0, -1), ...rest.items].map(({ json }) => json.packetKey);
		expect(keys).toEqual(all.items.map(({ json }) => json.packetKey));
	});

	it('closes the period, so that the stream ends', async () => {
		await getPackets({ returnAll: false, limit: 1, order: 'oldest' });
		const [{ start, end } = { start: '', end: '' }] = asked();
		expect(Math.abs(Number(end) - Number(start) - 7 * 86_400)).toBeLessThan(2);
		expect(Math.abs(Number(end) - Date.now() / 1000)).toBeLessThan(60);
	});

	it.each([1, 50, 999, 1500, 4000, 9000])('gives the latest %d, the newest first, in few requests', async (limit) => {
		const all = await getPackets();
		hubble.clearLog();
		const { items, error } = await getPackets({ returnAll: false, limit });
		expect(error).toBeUndefined();
		const keys = (of: typeof items) => of.map(({ json }) => json.packetKey);
		expect(keys(items)).toEqual(keys(all.items).reverse().slice(0, limit));
		expect(hubble.log.length).toBeLessThanOrEqual(Math.ceil(Math.min(limit, 5500) / 1000) + 6);
	});

	it.each([
		['lastHour', 3600],
		['last24Hours', 86_400],
		['last30Days', 30 * 86_400],
	])('reads the period "%s"', async (period, seconds) => {
		const { error } = await getPackets({ period });
		expect(error).toBeUndefined();
		const starts = asked().map(({ start }) => Number(start));
		expect(Math.abs(Date.now() / 1000 - seconds - Math.min(...starts))).toBeLessThan(60);
	});

	it('reads a day of the calendar in the time zone of the workflow, to its end', async () => {
		const { error } = await run(
			new HubblePacket(),
			{ operation: 'count', period: 'yesterday' },
			{ timezone: 'Pacific/Auckland' },
		);
		expect(error).toBeUndefined();
		const times = asked().flatMap(({ start, end }) => [Number(start), Number(end)]);
		const day = DateTime.now().setZone('Pacific/Auckland').startOf('day');
		expect([Math.min(...times), Math.max(...times)]).toEqual([day.minus({ days: 1 }).toSeconds(), day.toSeconds()]);
	});

	it('says that the history is over where a period reaches further back', async () => {
		const startTime = DateTime.now().minus({ days: 40 }).toISO();
		const { hints } = await getPackets({ period: 'custom', startTime, returnAll: false, limit: 1 });
		expect(hints).toContain('The period begins more than 30 days ago. Hubble may no longer have its first packets.');
		expect((await getPackets({ period: 'last30Days', returnAll: false, limit: 1 })).hints.join()).not.toContain('ago');
	});

	it('refuses a period that ends before it begins', async () => {
		const { error } = await getPackets({ period: 'custom', startTime: '2026-01-02', endTime: '2026-01-01' });
		expect(error?.message).toContain('"Start Time"');
		expect(hubble.log).toEqual([]);
	});
});

it.each<[string, INode['parameters']]>([
	['Get Many', { operation: 'getAll', limit: 100_000, order: 'oldest' }],
	['Get Many of a period', { operation: 'getAll', returnAll: true }],
	['Export', { operation: 'export' }],
])('%s that stops at an error says how to keep what it has read, and nothing to go on with', async (_, parameters) => {
	hubble.addFault({ call: 'listPackets', status: 400, skip: 2, times: 99 });
	const { items, error } = await run(new HubblePacket(), parameters);
	expect(items).toEqual([]);
	expect(error?.description).toMatch(
		/^Stopped after .* With On Error set to Continue \(tab Settings\), what was read is output, and the error says how to go on\.$/,
	);
	expect(error?.description).not.toContain('To resume');
	expect(Object.keys(error?.context ?? {}).filter((name) => name.startsWith('resume'))).toEqual([]);
});

it.each<[string, INode['parameters']]>([
	['Count', { operation: 'count', period: 'last7Days' }],
	['Create Report', { operation: 'createReport' }],
	['Summarize', { operation: 'summarize', decodePayload: 'cayenne' }],
])('%s, which puts out nothing of what it has read, does not say how to go on', async (_, parameters) => {
	hubble.addFault({ call: 'listPackets', status: 400, skip: 2, times: 99 });
	const { error } = await run(new HubblePacket(), parameters);
	expect(error?.description).toContain('Stopped after');
	expect(error?.description).not.toMatch(/To resume|On Error/);
	expect(error?.context).not.toHaveProperty('resumeToken');
});

describe('A file', () => {
	/** One try to get a file that stalls on its way, and what `read` makes of it. */
	async function fetched(read: Required<Call>['read']) {
		const server = await serverThat((_, reply) => {
			reply.hijack().raw.writeHead(200, { 'content-type': 'application/pdf', 'content-length': '999' }).write('%PDF');
		});
		const fetch = async ({ url = '', timeout }: IHttpRequestOptions) => {
			const { status, headers, data } = await axios.get<object>(url, { responseType: 'stream', timeout });
			return { statusCode: status, headers: { ...headers } as never, body: data as never };
		};
		const sender = { url: server.url, fetch, redact: String, timeLeft: 200, clock: new HubbleClock() };
		const attempt = await sendOnce({ endpoint: endpoints.getInvoicePdf, read }, sender);
		await server.close();
		return attempt;
	}

	it('that stalls is cut short when the time is over', async () => {
		const attempt = await fetched(async (stream) => {
			for await (const piece of stream) void piece;
			return {};
		});
		expect(attempt).toMatchObject({ problem: 'cut short', body: {} });
		expect(attempt).not.toHaveProperty('failure');
	});

	it.each([true, false])('that cannot be stored is none that was cut short; begun: %s', async (isBegun) => {
		const full = new Error('no space left on device');
		const attempt = await fetched(async (stream) => {
			if (isBegun) for await (const piece of stream) if (piece) throw full;
			throw full;
		});
		expect(attempt).toMatchObject({ failure: full });
		expect(attempt).not.toHaveProperty('problem');
	});
});

describe('Pace', () => {
	it('starts at most three requests a second at one endpoint, whichever item or node asks', async () => {
		virtualTime.isReal = true;
		const input = Array.from({ length: 5 }, (_, n) => ({ n }));
		const get = () => run(new HubbleDevice(), { operation: 'getAll', limit: 1 }, { input });
		const [first, second] = await Promise.all([get(), get()]);
		expect([...first.items, ...second.items]).toHaveLength(10);
		const starts = hubble.log.map(({ startedAt }) => startedAt).sort((a, b) => a - b);
		// They leave a second apart; half of it is left for what the network and this machine's scheduler do to requests.
		const tooClose = starts.filter((start, index) => index >= 3 && start - (starts[index - 3] ?? 0) < 500);
		expect(tooClose).toEqual([]);
		expect(hubble.count429).toBe(0);
	});
});
