import axios from 'axios';
import fastify from 'fastify';
import { createHmac } from 'node:crypto';
import { callNamed, calls, errorReply, packetBatch, servedCalls, type CallName } from '../../tools/contract';
import { partnerEvents } from '../simulator/delivery';
import type { Packet } from '../simulator/packets';
import { startSimulator, validator, type Simulator } from '../simulator/server';
import { allScopes } from '../simulator/world';

type Json = Record<string, unknown>;
interface Request {
	params?: Record<string, string>;
	query?: Array<[string, string | number]>;
	body?: unknown;
	headers?: Record<string, string>;
	token?: string;
	/** As the definition writes its paths, or their aliases. */
	prefix?: 'versioned' | 'api';
}

const replies = new Map(servedCalls.map(({ name, reply }) => [name, validator(reply)]));
const isError = validator({ ...errorReply, required: ['code', 'name', 'description'] });
const unknown = '00000000-0000-4000-8000-000000000000';

let simulator: Simulator;
const start = async (options: Parameters<typeof startSimulator>[0] = {}) => {
	await simulator?.close();
	simulator = await startSimulator({ devices: 60, packets: 2500, limits: false, ...options });
};
afterAll(async () => await simulator.close());

/** Makes a call of the contract and checks that the reply, good or bad, has the contract's shape. */
async function ask(name: CallName, { params, query = [], body, headers, token, prefix = 'api' }: Request = {}) {
	const { method, path, replyType } = callNamed(name);
	const all: Record<string, string> = { org_id: simulator.organizationId, ...params };
	const filled = path.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(all[key] ?? ''));
	const prefixed = prefix === 'api' ? filled.replace(/^\/v1/, '/api').replace(/^\/v2/, '/api/v2') : filled;
	const search = new URLSearchParams(query.map(([key, value]): [string, string] => [key, String(value)]));
	const reply = await axios.request<Json>({
		method,
		url: `${simulator.url}${prefixed}?${search.toString()}`,
		headers: {
			Authorization: `Bearer ${simulator.token}`,
			...(token && { 'Continuation-Token': token }),
			...headers,
		},
		data: body,
		responseType: replyType ? 'arraybuffer' : 'json',
		validateStatus: () => true,
	});
	const refused = reply.status >= 400;
	const data = replyType && refused ? (JSON.parse(String(reply.data)) as Json) : reply.data;
	const check = refused ? isError : replies.get(name);
	if (!check?.(replyType && !refused ? String(data) : data)) {
		throw new Error(`${name} answered ${reply.status} ${JSON.stringify(check?.errors)}`);
	}
	return {
		status: reply.status,
		data,
		headers: reply.headers as Record<string, string | undefined>,
		next: reply.headers['continuation-token'] as string | undefined,
	};
}

/** Follows the token to the end; all rows and the number of pages. */
async function askAll<T = Json>(name: CallName, list: string, request: Request = {}) {
	const rows: T[] = [];
	let [token, pages] = [request.token, 0];
	do {
		const reply = await ask(name, { ...request, token });
		rows.push(...(reply.data[list] as T[]));
		token = reply.next;
		pages++;
	} while (token);
	return { rows, pages };
}

const deviceIds = () => [...simulator.world.main.devices.keys()];
const keyOf = ({ device }: Packet) => `${device.id} ${device.sequence_number} ${device.timestamp}`;
const truth = () =>
	Array.from({ length: simulator.world.main.packets.length }, (_, i) => simulator.world.main.packets.get(i));

describe('what is refused', () => {
	beforeAll(async () => await start());

	const device = () => ({ device_id: deviceIds()[0] as string });
	const tags = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`tag${n}`, 'x']));
	const register = (body: Json): Request => ({ body: { encryption: 'NONE', ...body } });
	const update = (body: Json): Request => ({ params: device(), body });
	const bad: Array<[string, CallName, () => Request]> = [
		['an unknown query parameter', 'listDevices', () => ({ query: [['page', 1]] })],
		['the older name of a query parameter', 'listPackets', () => ({ query: [['start_time', 1]] })],
		['a query parameter on a call that takes none', 'getDevice', () => ({ params: device(), query: [['limit', 10]] })],
		['a word for a number', 'listDevices', () => ({ query: [['limit', 'abc']] })],
		['an empty number', 'listPackets', () => ({ query: [['start', '']] })],
		['a fraction for an integer', 'listPackets', () => ({ query: [['start', '1.5']] })],
		['hexadecimal for an integer', 'listPackets', () => ({ query: [['start', '0x10']] })],
		['a word for a boolean', 'listDevices', () => ({ query: [['sort_ascending', 'maybe']] })],
		[
			'a parameter twice that takes one value',
			'listDevices',
			() => ({
				query: [
					['limit', 10],
					['limit', 20],
				],
			}),
		],
		['another filter operator', 'listDevices', () => ({ query: [['filter_created_ts', 'after:5']] })],
		['a custom tag as filter', 'listPackets', () => ({ query: [['filter_tags', 'site:a']] })],
		['a bad UUID in the path', 'getDevice', () => ({ params: { device_id: '7fb64f47-c8gc-530g-9d3f-e647dbc8219a' } })],
		['a foreign token', 'listPackets', () => ({ token: 'abc' })],
		[
			'a token of another call',
			'listPackets',
			() => ({ token: Buffer.from('{"call":"listDevices"}').toString('base64url') }),
		],
		['nonsense beside a good token', 'listDevices', () => ({ query: [['limit', 'abc']], token: 'abc' })],
		[
			'too many metric buckets',
			'getApiMetrics',
			() => ({
				query: [
					['days', 16],
					['time_interval', 'hour'],
				],
			}),
		],
		['no body', 'registerDevices', () => ({})],
		[
			'a body that is not JSON',
			'registerDevices',
			() => ({ body: '{"a":', headers: { 'Content-Type': 'application/json' } }),
		],
		['another content type', 'registerDevices', () => ({ body: 'encryption=NONE' })],
		['a body where none is taken', 'testWebhook', () => ({ params: { webhook_id: 'x' }, body: { a: 1 } })],
		['an unknown body field', 'registerDevices', () => register({ count: 1 })],
		['too few names', 'registerDevices', () => register({ n_devices: 2, names: ['one'] })],
		['eleven tags', 'updateDevice', () => update({ set_tags: tags(11) })],
		['a long tag key', 'updateDevice', () => update({ set_tags: { ['k'.repeat(33)]: 'x' } })],
		['an unknown environment', 'updateDevice', () => update({ set_tags: { _env: 'test' } })],
		['a period with another encryption', 'registerDevices', () => register({ eid_rotation: { period_exponent: 12 } })],
		['a move with other changes', 'updateDevice', () => update({ set_name: 'x', set_destination_org_id: unknown })],
		['a move to a stranger', 'updateDevice', () => update({ set_destination_org_id: unknown })],
		['an empty update of the organization', 'updateOrganization', () => ({ body: {} })],
		['an unknown time zone', 'updateOrganization', () => ({ body: { set_timezone: 'Mars/Olympus' } })],
		['a bad phone number', 'updateOrganization', () => ({ body: { set_contact_info: { phoneNumber: '555' } } })],
		['an email in use', 'addUser', () => ({ body: { email: 'operator01@example.com', role: 'member' } })],
		[
			'an invitation sent before',
			'sendInvitation',
			() => ({ body: { invitee_email: 'invitee1@example.com', role: 'member' } }),
		],
		['an expiry in the past', 'createKey', () => ({ body: { expires_at_seconds: 1 } })],
		['a webhook address of another kind', 'createWebhook', () => ({ body: { url: 'ftp://example.com' } })],
		[
			'a period in seconds that is no power of two',
			'registerDevices',
			() => register({ encryption: 'AES-128-EAX', eid_rotation: { period_in_seconds: 1000 } }),
		],
		[
			'a period given twice',
			'registerDevices',
			() => register({ encryption: 'AES-128-EAX', eid_rotation: { period_in_seconds: 1024, period_exponent: 10 } }),
		],
		['a platform tag of Hubble', 'updateDevice', () => update({ set_tags: { _owner: 'x' } })],
	];
	it.each(bad)('%s: 400 on %s', async (_, name, request) => {
		const { status, data } = await ask(name, request());
		expect([status, data.code, data.name]).toEqual([400, 400, 'Bad Request']);
	});

	const absent: Array<[CallName, Request]> = [
		['getDevice', { params: { device_id: unknown } }],
		['updateDevice', { params: { device_id: unknown }, body: {} }],
		['deleteDevice', { params: { device_id: unknown } }],
		['updateKey', { params: { key_id: 'x' }, body: {} }],
		['deleteKey', { params: { key_id: 'x' } }],
		['updateUser', { params: { user_id: unknown }, body: {} }],
		['removeUser', { params: { user_id: unknown } }],
		['revokeInvitation', { body: { invitee_email: 'x@example.com' } }],
		['updateWebhook', { params: { webhook_id: 'x' }, body: {} }],
		['deleteWebhook', { params: { webhook_id: 'x' } }],
		['testWebhook', { params: { webhook_id: 'x' } }],
		['getInvoicePdf', { params: { invoice_id: 'x' } }],
		['checkKey', { params: { org_id: unknown } }],
	];
	it.each(absent)('an unknown id: 404 on %s', async (name, request) => {
		const { status, data } = await ask(name, request);
		expect([status, data.name]).toEqual([404, 'Not Found']);
	});

	it('a token that is missing, unknown, deleted or expired: 401', async () => {
		const gone = simulator.createToken();
		const key = [...simulator.world.main.keys.values()].at(-1);
		simulator.world.main.keys.delete(key?.key_id as string);
		const { data } = await ask('createKey', { body: { expires_at_seconds: simulator.world.seconds() + 60 } });
		const old = simulator.world.main.keys.get(data.key_id as string);
		if (old) old.expires_at_seconds = simulator.world.seconds();
		const headers = ['', 'Bearer x', `Basic ${simulator.token}`, `Bearer ${gone}`, `Bearer ${String(data.key)}`];
		const refused = await Promise.all(headers.map((Authorization) => ask('checkKey', { headers: { Authorization } })));
		expect(refused.map(({ status, data: { name } }) => [status, name])).toEqual(
			headers.map(() => [401, 'Unauthorized']),
		);
	});

	it('a token of another organization: 403, even on check', async () => {
		const token = simulator.createToken(undefined, {
			organizationId: simulator.world.stranger.metadata.org_id,
		});
		const { status, data } = await ask('checkKey', { headers: { Authorization: `Bearer ${token}` } });
		expect([status, data.name]).toEqual([403, 'Forbidden']);
	});

	it.each(calls.filter(({ scope }) => scope !== null).map(({ name, scope }) => [name, scope as string]))(
		'%s without the scope %s: 403 that names it',
		async (name, scope) => {
			const token = simulator.createToken(allScopes.filter((each) => each !== scope));
			const params = { device_id: unknown, user_id: unknown, key_id: 'x', webhook_id: 'x', invoice_id: 'x' };
			const { status, data } = await ask(name, { params, headers: { Authorization: `Bearer ${token}` } });
			expect(status).toBe(403);
			expect(data.description).toContain(scope);
		},
	);

	it('an endpoint that does not exist: 404 in the same shape', async () => {
		const reply = await axios.get(`${simulator.url}/api/nothing`, { validateStatus: () => true });
		expect([reply.status, isError(reply.data)]).toEqual([404, true]);
		const malformed = await axios.get(`${simulator.url}/api/org/%zz/check`, { validateStatus: () => true });
		expect([malformed.status, isError(malformed.data)]).toEqual([400, true]);
	});

	it('a third webhook: 400', async () => {
		const made = [];
		for (let n = 0; n < 3; n++) made.push(await ask('createWebhook', { body: { url: `http://127.0.0.1:9/${n}` } }));
		expect(made.map(({ status }) => status)).toEqual([200, 200, 400]);
		const listed = (await ask('listWebhooks')).data.webhooks as Json[];
		expect(made.map(({ data }) => typeof data.secret)).toEqual(['string', 'string', 'undefined']);
		expect(listed.map((webhook) => 'secret' in webhook)).toEqual([false, false]);
	});

	it('nothing of this changed the fleet', () => expect(simulator.world.main.devices.size).toBe(60));
});

describe('limits', () => {
	const burst = async (names: CallName[]) => await Promise.all(names.map((name) => ask(name)));

	it('count a call under both paths, refuse what is over, and say when to come back', async () => {
		await start({ limits: { endpoint: 2, organization: 1000 }, rateHeaders: true });
		const sent = await Promise.all(
			Array.from({ length: 20 }, (_, n) => ask('listUsers', { prefix: n % 2 ? 'api' : 'versioned' })),
		);
		const refused = sent.filter(({ status }) => status === 429);
		expect(sent.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(2);
		expect(refused.length).toBeGreaterThan(0);
		expect(simulator.count429).toBe(refused.length);
		for (const { data, headers } of refused) {
			expect(data.name).toBe('Too Many Requests');
			expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
		}
		for (const { headers } of sent) {
			expect(headers['x-ratelimit-limit']).toBe('2');
			expect(headers['x-ratelimit-remaining']).toMatch(/^[01]$/);
			expect(headers['x-ratelimit-reset']).toMatch(/^\d{10}$/);
		}
		// Another call has its own bucket.
		expect((await ask('listKeys')).status).toBe(200);
	});

	it('hold for the organization as a whole, and not for another one', async () => {
		await start({ limits: { endpoint: 100, organization: 3 } });
		const names: CallName[] = [
			'listUsers',
			'listKeys',
			'listDevices',
			'listWebhooks',
			'listInvoices',
			'getOrganization',
		];
		const sent = await burst([...names, ...names]);
		expect(sent.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
		expect(sent.every(({ headers }) => headers['x-ratelimit-limit'] === undefined)).toBe(true);
		const org_id = simulator.world.stranger.metadata.org_id;
		const token = simulator.createToken(undefined, { organizationId: org_id });
		const other = await ask('listUsers', { params: { org_id }, headers: { Authorization: `Bearer ${token}` } });
		expect(other.status).toBe(200);
	});
});

describe('packets', () => {
	const now = 1_790_000_000_000;
	beforeAll(async () => await start({ now: () => now }));
	const window = (start: number, end: number): Request => ({
		query: [
			['start', start],
			['end', end],
		],
	});

	it('come in pages of a thousand, in order, each once', async () => {
		const { rows, pages } = await askAll<Packet>('listPackets', 'packets', window(0, now / 1000));
		expect([rows.length, pages]).toEqual([2500, 3]);
		expect(rows).toEqual(truth());
		expect(new Set(rows.map(keyOf)).size).toBe(2500);
		const times = rows.map(({ device }) => device.timestamp);
		expect([...times].sort((a, b) => a - b)).toEqual(times);
		expect(validator(packetBatch)({ packets: rows })).toBe(true);
	});

	it('share receive times, and a page may end between two of them', () => {
		const { timeOf } = simulator.world.main.packets;
		expect([timeOf(1000), timeOf(1001), timeOf(1003)]).toEqual([timeOf(1002), timeOf(1002), timeOf(1002)]);
		expect(
			truth().filter(({ device }, i, all) => device.timestamp === all[i - 1]?.device.timestamp).length,
		).toBeGreaterThan(1000);
	});

	it('cut at whole seconds neither overlap nor leave a gap', async () => {
		const times = truth().map(({ device }) => device.timestamp);
		const [first = 0, last = 0] = [Math.floor(times[0] ?? 0), Math.ceil(times.at(-1) ?? 0) + 1];
		// Seams at the very second in which packets arrived, and right after it.
		const seams = [
			first,
			Math.floor(times[700] ?? 0),
			Math.floor(times[700] ?? 0) + 1,
			Math.floor(times[1800] ?? 0),
			last,
		];
		const rows: Packet[] = [];
		for (const [n, seam] of seams.slice(1).entries()) {
			rows.push(...(await askAll<Packet>('listPackets', 'packets', window(seams[n] as number, seam))).rows);
		}
		expect(rows.map(keyOf)).toEqual(truth().map(keyOf));
		// `start` is included, `end` is not.
		const second = Math.floor(times[700] ?? 0);
		const only = await askAll<Packet>('listPackets', 'packets', window(second, second + 1));
		expect(only.rows.length).toBeGreaterThan(0);
		expect(only.rows.every(({ device }) => Math.floor(device.timestamp) === second)).toBe(true);
		expect((await ask('listPackets', window(second, second))).data.packets).toEqual([]);
	});

	it('ignore the query beside a token', async () => {
		const first = await ask('listPackets');
		const second = await ask('listPackets', {
			token: first.next,
			query: [
				['start', 1],
				['end', 2],
			],
		});
		expect((second.data.packets as Packet[])[0]).toEqual(simulator.world.main.packets.get(1000));
	});

	it('of one device or one environment', async () => {
		const id = deviceIds()[3] as string;
		const one = await askAll<Packet>('listPackets', 'packets', { query: [['device_id', id]] });
		expect(one.rows).toEqual(truth().filter(({ device }) => device.id === id));
		const of = async (...tags: string[]) => {
			const query = tags.map((tag): [string, string] => ['filter_tags', tag]);
			return (await askAll<Packet>('listPackets', 'packets', { query })).rows.map(keyOf);
		};
		const sandbox = truth().filter(({ device }) => device.tags?._env === 'sandbox');
		expect(sandbox.length).toBeGreaterThan(0);
		expect(await of('_env:sandbox')).toEqual(sandbox.map(keyOf));
		expect(await of('_env:sandbox', '_env:production')).toEqual(truth().map(keyOf));
	});

	it('of an open stream end at its head; the last token stays good', async () => {
		const pages = [await ask('listPackets')];
		while (pages.at(-1)?.next) pages.push(await ask('listPackets', { token: pages.at(-1)?.next }));
		const head = pages.at(-1);
		expect([head?.status, head?.data, head?.next, head?.headers['retry-after']]).toEqual([
			200,
			{ packets: [] },
			'',
			'30',
		]);
		const token = pages.at(-2)?.next;
		const { from } = simulator.addPackets(3);
		const later = await ask('listPackets', { token });
		expect(later.data.packets).toEqual([0, 1, 2].map((k) => simulator.world.main.packets.get(from + k)));
		simulator.set({ headToken: 'absent', headRetryAfter: null });
		const absent = await ask('listPackets', { token: later.next });
		expect([absent.next, absent.headers['retry-after']]).toEqual([undefined, undefined]);
		simulator.set({ headToken: 'same' });
		expect((await ask('listPackets', { token: later.next })).next).toBe(later.next);
	});

	it('keep their place when many arrive in one second', async () => {
		const { next } = await ask('listPackets', { query: [['start', now / 1000 - 1]] });
		const { from, to } = simulator.addPackets(2100);
		const seconds = new Set(
			truth()
				.slice(from)
				.map(({ device }) => Math.floor(device.timestamp)),
		);
		expect(seconds.size).toBeLessThanOrEqual(2);
		const rows: Packet[] = [];
		let token = next;
		for (
			let page = await ask('listPackets', { token });
			page.next !== token;
			page = await ask('listPackets', { token })
		) {
			rows.push(...(page.data.packets as Packet[]));
			token = page.next;
		}
		expect(rows.slice(-2100)).toEqual(truth().slice(from, to));
		expect(new Set(truth().map(keyOf)).size).toBe(truth().length);
	});

	it('are kept for thirty days and asked for from seven days ago', async () => {
		await start({ now: () => now, days: 40, packets: 4000 });
		const since = (days: number) =>
			truth().filter(({ device }) => device.timestamp >= now / 1000 - days * 86_400).length;
		expect((await askAll('listPackets', 'packets')).rows).toHaveLength(since(7));
		expect((await askAll('listPackets', 'packets', { query: [['start', 0]] })).rows).toHaveLength(since(30));
	});
});

describe('beyond the definition, as the live service', () => {
	beforeAll(async () => await start());
	const register = async (body: Json) => await ask('registerDevices', { body: { encryption: 'AES-128-EAX', ...body } });

	it('takes the older names of the metrics of devices, and of no other', async () => {
		const { data } = await ask('getDeviceMetrics', {
			query: [
				['daysBack', 2],
				['timeInterval', 'day'],
			],
		});
		expect(data.buckets).toHaveLength(3);
		expect((await ask('getPacketMetrics', { query: [['daysBack', 2]] })).status).toBe(400);
	});

	it('takes the EID rotation in seconds and tells it as an exponent', async () => {
		const [device] = (await register({ eid_rotation: { period_in_seconds: 1024 } })).data.devices as Json[];
		expect(device?.eid_rotation).toMatchObject({ period_exponent: 10 });
	});

	it('refuses claims with a 403 that speaks of an entitlement and of no scope', async () => {
		const { status, data } = await register({ device_claims: [{ new_claim_using_device_id: true }] });
		expect([status, data.description]).toEqual([403, 'The organization is not entitled to claim devices.']);
		expect((await register({ device_claims: [{}] })).status).toBe(400);
	});

	it('gives a device without a name an empty one, and says whether it is active', async () => {
		const [device] = (await register({})).data.devices as Json[];
		const { data } = await ask('getDevice', { params: { device_id: device?.device_id as string } });
		expect([data.name, data.active]).toEqual(['', false]);
		expect((await ask('getDevice', { params: { device_id: deviceIds()[0] as string } })).data.active).toBe(true);
	});

	it('lets users write _env: a device leaves the sandbox by an update', async () => {
		const id = [...simulator.world.main.devices.values()].find(({ tags }) => tags._env === 'sandbox')?.id as string;
		const body = { set_tags: { _env: 'production' } };
		expect((await ask('updateDevice', { params: { device_id: id }, body })).data.tags).toEqual(body.set_tags);
	});
});

describe('devices', () => {
	beforeEach(async () => await start({ devices: 45 }));

	it('list in order, page by page, and lose none when some are deleted meanwhile', async () => {
		const first = await ask('listDevices', { query: [['limit', 20]] });
		const listed = first.data.devices as Json[];
		expect(listed).toHaveLength(20);
		simulator.world.main.devices.delete(listed[19]?.id as string);
		simulator.world.main.revision++;
		const { rows } = await askAll('listDevices', 'devices', { token: first.next });
		expect(new Set([...listed, ...rows].map(({ id }) => id)).size).toBe(45);
		const created = [...listed, ...rows].map(({ created_ts }) => created_ts as number);
		expect([...created].sort((a, b) => a - b)).toEqual(created);
	});

	it('sort and filter by the latest packet; the silent ones come first', async () => {
		const query = (...pairs: Array<[string, string | number]>): Request => ({ query: pairs });
		const last = ({ most_recent_packet: packet }: Json) =>
			Math.max(
				0,
				...Object.values(packet as Record<string, { timestamp: number } | null>).map((each) => each?.timestamp ?? 0),
			);
		const up = (await askAll('listDevices', 'devices', query(['sort_field', 'most_recent_packet_ts'], ['limit', 10])))
			.rows;
		const down = (
			await askAll(
				'listDevices',
				'devices',
				query(['sort_field', 'most_recent_packet_ts'], ['sort_ascending', 'false'], ['limit', 10]),
			)
		).rows;
		expect(up.map(last)).toEqual([...up.map(last)].sort((a, b) => a - b));
		expect(down.map(({ id }) => id)).toEqual(up.map(({ id }) => id).reverse());
		expect(up.slice(0, 2).map(({ most_recent_packet }) => most_recent_packet)).toEqual([{}, {}]);
		const silent = (await askAll('listDevices', 'devices', query(['filter_most_recent_packet_ts', 'between:0:1'])))
			.rows;
		expect(silent).toHaveLength(2);
		const middle = up[20]?.created_ts as number;
		const since = (
			await askAll('listDevices', 'devices', query(['filter_created_ts', `between:${middle}:${middle + 1}`]))
		).rows;
		expect(since.every(({ created_ts }) => created_ts === middle)).toBe(true);
		expect(since.length).toBeGreaterThan(0);
		const sandbox = (await askAll('listDevices', 'devices', query(['filter_tags', '_env:sandbox']))).rows;
		expect(sandbox).toHaveLength(4);
	});

	it('keep _env, replace tags, clear a place with 0/0', async () => {
		const params = { device_id: deviceIds()[0] as string };
		const { data } = await ask('updateDevice', {
			params,
			body: { set_tags: { a: 'b' }, set_install_location: { lat: 0, long: 0 } },
		});
		expect(data.tags).toEqual({ _env: 'production', a: 'b' });
		expect(data).not.toHaveProperty('install_location');
		expect((await ask('getDevice', { params })).data).toEqual(data);
	});

	const renamed = (ids: string[]): Request => ({
		body: { updates: ids.map((device_id) => ({ device_id, set_name: 'new' })) },
	});
	const named = () => [...simulator.world.main.devices.values()].filter(({ name }) => name === 'new').length;

	it('update in a batch, the same one twice in order, all or nothing', async () => {
		const [one = '', two = ''] = deviceIds();
		const updates = [one, two, one].map((device_id, n) => ({ device_id, set_name: `name ${n}` }));
		const { data } = await ask('updateDevices', { body: { updates } });
		expect((data.devices as Json[]).map(({ id, name }) => [id, name])).toEqual([
			[one, 'name 2'],
			[two, 'name 1'],
		]);
		const failed = await ask('updateDevices', renamed([two, unknown]));
		expect([failed.status, named()]).toEqual([404, 0]);
		expect(failed.data.description).toContain(unknown);
		expect((await ask('deleteDevices', { body: { device_ids: [one, unknown, one] } })).data).toEqual({});
		expect(simulator.world.main.devices.has(one)).toBe(false);
	});
});

describe('metrics and billing', () => {
	const now = Date.UTC(2025, 5, 13, 6, 30);
	beforeAll(async () => await start({ now: () => now }));
	const stamps = async (...query: Array<[string, string | number]>) =>
		((await ask('getPacketMetrics', { query })).data.buckets as Array<{ timestamp: string }>).map(
			({ timestamp }) => timestamp,
		);

	it('cut time into whole intervals and the running one', async () => {
		const days = await stamps(['days', 7]);
		expect([days.length, days[0], days.at(-1)]).toEqual([8, '2025-06-06T00:00:00Z', '2025-06-13T00:00:00Z']);
		expect(await stamps(['days', 90])).toEqual(['03', '04', '05', '06'].map((month) => `2025-${month}-01T00:00:00Z`));
		expect(await stamps(['days', 7], ['time_interval', 'month'])).toEqual([
			'2025-05-01T00:00:00Z',
			'2025-06-01T00:00:00Z',
		]);
		const hours = await stamps();
		expect([hours.length, hours[0], hours.at(-1)]).toEqual([25, '2025-06-12T06:00:00Z', '2025-06-13T06:00:00Z']);
		expect(await stamps(['days', 365], ['time_interval', 'day'])).toHaveLength(366);
	});

	it('count what is in the stream', async () => {
		const count = async (...query: Array<[string, string | number]>) =>
			(await ask('getPacketMetrics', { query })).data.total_packets;
		expect(await count(['days', 8])).toBe(2500);
		const sandbox = truth().filter(({ device }) => device.tags?._env === 'sandbox').length;
		expect(await count(['days', 8], ['filter_tags', '_env:sandbox'])).toBe(sandbox);
	});

	it('leave the running interval of the devices empty, but by hour', async () => {
		const { data } = await ask('getDeviceMetrics', { query: [['days', 3]] });
		expect(data).toMatchObject({
			total_registered_devices: 60,
			total_active_devices: 57,
			total_never_active_devices: 3,
		});
		expect((data.buckets as Json[]).at(-1)).toEqual({ timestamp: '2025-06-13T00:00:00Z' });
		const hours = (await ask('getDeviceMetrics')).data.buckets as Json[];
		expect(hours.at(-1)).toHaveProperty('active_devices');
	});

	it('give times in microseconds for the subscription and in ISO for the active devices', async () => {
		const { data } = await ask('getSubscription');
		expect(data.current_period_start).toBe(Date.UTC(2025, 4, 29) * 1000);
		const { rows, pages } = await askAll('listActiveDevices', 'devices', { query: [['limit', 20]] });
		expect([rows.length, pages]).toEqual([57, 3]);
		const orbit = await askAll('listActiveDevices', 'devices', { query: [['network_type', 'satellite']] });
		expect(orbit.rows.length).toBeGreaterThan(0);
		expect(orbit.rows.every(({ network_type }) => network_type === 'satellite')).toBe(true);
	});
});

describe('deliveries', () => {
	/** A receiver that answers as told and keeps what it got. */
	const got: Array<{ headers: Record<string, unknown>; body: string }> = [];
	let answer: () => number | Promise<number> = () => 200;
	const receiver = fastify({ bodyLimit: 16 * 1024 * 1024 });
	let url = '';
	beforeAll(async () => {
		receiver.removeAllContentTypeParsers();
		receiver.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
		receiver.post('/hook', async (request, reply) => {
			got.push({ headers: request.headers, body: String(request.body) });
			return await reply.code(await answer()).send('received');
		});
		url = `${await receiver.listen({ host: '127.0.0.1', port: 0 })}/hook`;
	});
	afterAll(async () => await receiver.close());
	beforeEach(async () => {
		await start({ packets: 100, delivery: { timeScale: 0.0001 } });
		got.length = 0;
		answer = () => 200;
	});
	const listen = async (max_batch_size = 10) => (await ask('createWebhook', { body: { url, max_batch_size } })).data;
	const received = () => got.flatMap(({ body }) => (JSON.parse(body) as { packets: Packet[] }).packets);

	it('bring new packets in batches with the secret, each once', async () => {
		const { secret } = await listen();
		const { from, to } = simulator.addPackets(25);
		await simulator.settled();
		expect(got.map(({ body }) => (JSON.parse(body) as Json[] & { packets: Json[] }).packets.length).sort()).toEqual([
			10, 10, 5,
		]);
		expect(got.every(({ headers }) => headers['http-x-hubble-token'] === secret)).toBe(true);
		expect(received().map(keyOf).sort()).toEqual(truth().slice(from, to).map(keyOf).sort());
		expect(validator(packetBatch)({ packets: received() })).toBe(true);
		expect(simulator.deliveries.map(({ delivered, attempt }) => [delivered, attempt])).toEqual(
			Array(3).fill([true, 1]),
		);
	});

	it('are tried again until the receiver takes them', async () => {
		await listen(100);
		const answers = [500, 404, 302, 200];
		answer = () => answers.shift() ?? 200;
		simulator.addPackets(3);
		await simulator.settled();
		expect(simulator.deliveries.map(({ attempt, status, delivered }) => [attempt, status, delivered])).toEqual([
			[1, 500, false],
			[2, 404, false],
			[3, 302, false],
			[4, 200, true],
		]);
		expect(new Set(got.map(({ body }) => body)).size).toBe(1);
	});

	it('take silence for a failure', async () => {
		await start({ packets: 100, delivery: { timeScale: 0.0001, timeoutMs: 1000 } });
		await listen();
		let slow = true;
		answer = async () => {
			if (!slow) return 200;
			slow = false;
			return await new Promise((resolve) => receiver.server.once('request', () => resolve(200)));
		};
		simulator.addPackets(1);
		await simulator.settled();
		expect(simulator.deliveries.map(({ status, delivered }) => [status, delivered])).toEqual([
			[0, false],
			[200, true],
		]);
	});

	it('end when the webhook is deleted, or after three hours of waits', async () => {
		answer = () => 500;
		const { webhook_id } = await listen();
		simulator.addPackets(1);
		await simulator.settled();
		// Waits of 1, 2, … 512 s, then of ten minutes each.
		expect(simulator.deliveries).toHaveLength(27);
		answer = () => {
			simulator.world.main.webhooks.delete(webhook_id as string);
			return 500;
		};
		simulator.addPackets(1);
		await simulator.settled();
		expect(simulator.deliveries).toHaveLength(28);
	});

	it.each(Object.entries(partnerEvents))('of the gift-card event %s are signed over the bytes', async (_, event) => {
		const secret = 'wëbhook secret';
		const sent = await simulator.sendPartnerEvent(url, secret, event);
		const signature = createHmac('sha256', secret)
			.update(got[0]?.body ?? '')
			.digest('base64');
		expect([sent.status, sent.signature, got[0]?.headers['x-verify']]).toEqual([200, signature, signature]);
		expect(JSON.parse(got[0]?.body ?? '')).toEqual(event);
	});

	it('of text are sent as it stands', async () => {
		const text = '{ "balance": 1e3,\n"threshold":"ü" }';
		const { signature } = await simulator.sendPartnerEvent(url, 'key', text);
		expect(got[0]?.body).toBe(text);
		expect(signature).toBe(createHmac('sha256', 'key').update(text).digest('base64'));
	});
});
