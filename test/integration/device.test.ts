/** Hubble Device in n8n's engine against the simulator: every call passes the strict contract. */
import type { INode } from 'n8n-workflow';
import { HubbleDevice } from '../../nodes/HubbleDevice/HubbleDevice.node';
import { startSimulator, type Simulator } from '../simulator/server';
import { credentialFor, execute, listed, serverThat, type Setup } from './harness';

let hubble: Simulator;
beforeEach(async () => {
	hubble = await startSimulator({ devices: 2600, packets: 200 });
});
afterEach(async () => await hubble.close());

const credential = (apiToken = hubble.token, apiPaths = 'api') => credentialFor(hubble, { apiToken, apiPaths });
const run = async (parameters: INode['parameters'], more: Partial<Setup> = {}) =>
	await execute({ node: new HubbleDevice(), parameters, credential: credential(), ...more });
const devices = () => [...hubble.world.main.devices.values()];
const statuses = () => hubble.log.map(({ status }) => status);
const unknownId = '00000000-0000-4000-8000-000000000000';
const setNames = {
	operation: 'update',
	deviceId: { __rl: true, mode: 'id', value: '={{ $json.id }}' },
	updateFields: { name: '={{ $json.name }}' },
};

describe('Get Many', () => {
	it('returns all devices, page by page, as Hubble gives them', async () => {
		const { items, error } = await run({ operation: 'getAll', returnAll: true, simplify: false });
		expect(error).toBeUndefined();
		expect(items.map(({ json }) => json.id).sort()).toEqual(
			devices()
				.map(({ id }) => id)
				.sort(),
		);
		expect(items[0]?.json).toMatchObject({ name: expect.any(String), created_ts: expect.any(Number) });
		expect(items.every(({ pairedItem }) => (pairedItem as { item: number }).item === 0)).toBe(true);
		expect(hubble.log.map(({ query }) => query)).toEqual([{ limit: '1000' }, { limit: '1000' }, { limit: '1000' }]);
	});

	it('a device that Hubble lists on two pages, as one that is heard meanwhile, is one item, one row and one of the count', async () => {
		const [first, second] = devices();
		const server = await serverThat(async ({ headers }, reply) => {
			if (headers['continuation-token']) return await reply.send({ devices: [first, second] });
			return await reply.header('continuation-token', 'next').send({ devices: [first] });
		});
		const outputs = [];
		for (const operation of ['getAll', 'count', 'export']) {
			const { items, error } = await run(
				{ operation, returnAll: true },
				{ credential: credentialFor(hubble, { baseUrl: server.url }) },
			);
			outputs.push(error ?? items.map(({ json }) => json.deviceId ?? json.count));
		}
		await server.close();
		expect(outputs).toEqual([[first?.id, second?.id], [2], [2]]);
	});

	it.each([
		[0, 'may not be complete: there may be more rows than the Limit of 1.'],
		[2599, undefined],
	])('an export that ends with device %i, its only match, says no more than it knows', async (index, hint) => {
		const name = 'The only one';
		Object.assign(devices().sort((a, b) => a.created_ts - b.created_ts)[index] ?? {}, { name });
		const { items, hints } = await run({ operation: 'export', filters: { nameContains: name }, options: { limit: 1 } });
		expect(items[0]?.json).toMatchObject({ count: 1, complete: hint === undefined });
		expect(hints).toEqual(hint === undefined ? [] : [expect.stringContaining(hint)]);
	});

	it('is asked for though n8n’s clock is behind: what cannot be together is judged by Hubble’s time', async () => {
		const ahead = await startSimulator({ devices: 15, packets: 20, now: () => Date.now() + 2 * 3_600_000 });
		const filters = { lastPacketAfter: new Date(Date.now() + 3_600_000).toISOString(), silentForHours: 0.5 };
		for (const onError of [undefined, 'continueRegularOutput'] as const) {
			const credential = credentialFor(ahead, { organizationId: ahead.organizationId });
			const { error, items } = await run({ operation: 'count', filters }, { credential, onError });
			expect([error?.message, items[0]?.json]).toEqual([undefined, { count: expect.any(Number) }]);
		}
		const wrong = { ...filters, lastPacketAfter: new Date(Date.now() + 7_200_000).toISOString() };
		const { error } = await run({ operation: 'count', filters: wrong }, { credential: credentialFor(ahead) });
		expect(error?.message).toContain('must be earlier');
		await ahead.close();
	});

	it('fetches no more than the limit needs, and simplifies', async () => {
		const { items } = await run({
			operation: 'getAll',
			limit: 5,
			options: { sortBy: 'most_recent_packet_ts', sortAscending: false },
		});
		expect(items).toHaveLength(5);
		expect(hubble.log).toHaveLength(1);
		expect(hubble.log[0]?.query).toMatchObject({ limit: '10' });
		expect(items[0]?.json).toEqual({
			name: expect.any(String),
			lastPacketAt: expect.stringMatching(/Z$/),
			timestampTrusted: true,
			environment: expect.stringMatching(/^(production|sandbox)$/),
			tags: expect.objectContaining({ model: expect.any(String) }),
			latitude: expect.any(Number),
			longitude: expect.any(Number),
			locationType: 'heard',
			locationAccuracy: null,
			installPlace: expect.stringMatching(/^[A-Z][a-z]+, hall \d$/),
			installLatitude: expect.any(Number),
			installLongitude: expect.any(Number),
			createdAt: expect.stringMatching(/Z$/),
			deviceId: expect.stringMatching(/^[0-9a-f-]{36}$/),
		});
		expect(Object.keys(items[0]?.json ?? {}).at(-1)).toBe('deviceId');
	});

	it('sends every filter and sort in the words of the definition', async () => {
		await run(
			{
				operation: 'getAll',
				limit: 20,
				filters: {
					createdAfter: '2026-01-01T00:00:00',
					createdBefore: '2026-02-01T00:00:00Z',
					lastPacketBefore: 1767225600,
					environment: 'production',
				},
				options: { sortBy: 'most_recent_packet_ts', sortAscending: false },
			},
			{ timezone: 'Europe/Amsterdam' },
		);
		expect(hubble.log.map(({ status, query }) => ({ status, query }))).toEqual([
			{
				status: 200,
				query: {
					limit: '21',
					filter_created_ts: `between:${Date.UTC(2025, 11, 31, 23) / 1000}:${Date.UTC(2026, 1, 1) / 1000}`,
					filter_most_recent_packet_ts: 'between:1:1767225600',
					filter_tags: '_env:production',
					sort_field: 'most_recent_packet_ts',
					sort_ascending: 'false',
				},
			},
		]);
	});

	it('applies the filters that Hubble does not have to all devices', async () => {
		const [wanted] = devices().slice(1234);
		const { items } = await run({
			operation: 'getAll',
			limit: 1,
			filters: { nameContains: wanted?.name.toUpperCase() ?? '' },
		});
		expect(items.map(({ json }) => json.name)).toEqual([wanted?.name]);
	});

	it('finds names and own tags with umlauts of either form', async () => {
		const [first, second] = devices();
		Object.assign(first ?? {}, { name: 'Kühlraum'.normalize('NFD'), tags: { hall: 'Süd'.normalize('NFD') } });
		Object.assign(second ?? {}, { name: 'Kühlraum', tags: { hall: 'Süd' } });
		for (const form of ['NFC', 'NFD'])
			for (const filters of [{ nameContains: 'kühl'.normalize(form) }, { ownTags: ['hall:Süd'.normalize(form)] }]) {
				const { items, error } = await run({ operation: 'getAll', returnAll: true, filters });
				expect([items.length, error]).toEqual([2, undefined]);
			}
	});

	it('takes no name for the word of its absence', async () => {
		const [nameless] = devices();
		if (nameless) delete (nameless as { name?: string }).name;
		const { items, error } = await run({ operation: 'getAll', returnAll: true, filters: { nameContains: 'undef' } });
		expect([items, error]).toEqual([[], undefined]);
	});
});

describe('Update', () => {
	it('turns 2,500 items into three calls, in order, and pairs each reply with its item', async () => {
		const input = devices()
			.slice(0, 2500)
			.map(({ id }, index) => ({ id, name: `Sensor ${index}` }));
		const { items, error } = await run(setNames, { input });
		expect(error).toBeUndefined();
		expect(hubble.log.map(({ call, body }) => [call, (body as { updates: unknown[] }).updates.length])).toEqual([
			['updateDevices', 1000],
			['updateDevices', 1000],
			['updateDevices', 500],
		]);
		expect(
			items.map(({ json, pairedItem }) => [json.deviceId, json.name, (pairedItem as { item: number }).item]),
		).toEqual(input.map(({ id, name }, index) => [id, name, index]));
		expect(input.every(({ id, name }) => hubble.world.main.devices.get(id)?.name === name)).toBe(true);
	});

	it('keeps the order of two changes to one device', async () => {
		const [{ id } = { id: '' }] = devices();
		const input = ['first', 'second', 'third'].map((name) => ({ id, name }));
		const { items } = await run(setNames, { input });
		expect(items.map(({ json }) => json.name)).toEqual(['first', 'second', 'third']);
		expect(hubble.log).toHaveLength(3);
		expect(hubble.world.main.devices.get(id)?.name).toBe('third');
	});

	it('finds the one bad item of a batch that Hubble refuses, and updates the others', async () => {
		const input = devices()
			.slice(0, 7)
			.map(({ id }, index) => ({ id: index === 4 ? unknownId : id, name: `New ${index}` }));
		const { items } = await run(setNames, { input, onError: 'continueRegularOutput' });
		expect(items).toHaveLength(7);
		expect(items[4]?.json).toMatchObject({
			error: `Hubble has no device with the ID ${unknownId}`,
			deviceId: unknownId,
			status: 404,
		});
		expect(items.filter((_, index) => index !== 4).map(({ json }) => json.name)).toEqual(
			[0, 1, 2, 3, 5, 6].map((index) => `New ${index}`),
		);
	});

	it('routes only the bad item to the error output', async () => {
		const input = [
			...devices()
				.slice(0, 2)
				.map(({ id }) => ({ id, name: 'New' })),
			{ id: 'nonsense', name: 'New' },
		];
		const { items, errorItems } = await run(setNames, { input, onError: 'continueErrorOutput' });
		expect(items).toHaveLength(2);
		expect(errorItems.map(({ json }) => json.error)).toEqual([expect.stringContaining('"Device"')]);
	});

	it('sends one request per device when asked to', async () => {
		const input = devices()
			.slice(0, 2)
			.map(({ id }) => ({ id, name: 'Alone' }));
		const { items } = await run({ ...setNames, options: { batching: 'single' } }, { input });
		expect(items.map(({ json }) => json.name)).toEqual(['Alone', 'Alone']);
		expect(hubble.log.map(({ call }) => call)).toEqual(['updateDevice', 'updateDevice']);
	});

	it('sends tags, location and organization as the definition has them', async () => {
		const [first, second] = devices();
		await run({
			operation: 'update',
			deviceId: { __rl: true, mode: 'id', value: first?.id },
			updateFields: {
				tags: listed({ tag: [{ key: 'site', value: 'Rotterdam' }] }),
				installLocation: { location: { lat: 51.9, long: 4.5, location_name: 'Hall 3' } },
			},
		});
		await run({
			operation: 'update',
			deviceId: { __rl: true, mode: 'id', value: second?.id },
			updateFields: { destinationOrganizationId: hubble.world.main.partner },
		});
		expect(statuses()).toEqual([200, 200]);
		expect(hubble.world.main.devices.get(first?.id ?? '')).toMatchObject({
			tags: { site: 'Rotterdam' },
			install_location: { lat: 51.9, long: 4.5, location_name: 'Hall 3' },
		});
		expect(hubble.world.main.devices.has(second?.id ?? '')).toBe(false);
	});
});

describe.each(['definition', 'results', '207'] as const)(
	'Update and Delete with replies of the form "%s"',
	(batchReply) => {
		it('maps them back to the items', async () => {
			const older = await startSimulator({ devices: 5, packets: 0, batchReply });
			try {
				const input = [...older.world.main.devices.values()].slice(0, 3).map(({ id }) => ({ id, name: 'New' }));
				const there = {
					apiToken: older.token,
					organizationId: older.organizationId,
					baseUrl: older.url,
					apiPaths: 'api',
				};
				const updated = await run(setNames, { input, credential: there });
				expect(updated.error).toBeUndefined();
				expect(updated.items).toHaveLength(3);
				const deleted = await run({ ...setNames, operation: 'delete' }, { input, credential: there });
				expect(deleted.items.map(({ json }) => json)).toEqual(input.map(({ id }) => ({ deleted: true, deviceId: id })));
				expect(older.world.main.devices.size).toBe(2);
			} finally {
				await older.close();
			}
		});
	},
);

describe('Register', () => {
	it('registers 25 devices in one call and gives out their keys', async () => {
		const before = new Set(hubble.world.main.devices.keys());
		const { items } = await run({ operation: 'register', additionalFields: { encryption: 'AES-128-CTR', count: 25 } });
		expect(hubble.log.map(({ call, body }) => ({ call, body }))).toEqual([
			{ call: 'registerDevices', body: { n_devices: 25, encryption: 'AES-128-CTR' } },
		]);
		const created = [...hubble.world.main.devices.keys()].filter((id) => !before.has(id));
		expect(items.map(({ json }) => json.deviceId)).toEqual(created);
		expect(items.every(({ json }) => Buffer.from(String(json.key), 'base64').length === 16)).toBe(true);
	});

	it('makes few calls of many items and keeps what belongs to each', async () => {
		const input = Array.from({ length: 1003 }, (_, index) => ({
			name: `Probe ${index}`,
			kind: index % 2 ? 'AES-128-EAX' : 'AES-256-CTR',
		}));
		const { items, error } = await run(
			{
				operation: 'register',
				simplify: false,
				name: '={{ $json.name }}',
				tags: { tag: [{ key: 'batch', value: '7' }] },
				installLocation: { location: { lat: 1, long: 2 } },
				additionalFields: { encryption: '={{ $json.kind }}', keyFormat: 'hex' },
			},
			{ input, onError: 'continueRegularOutput' },
		);
		expect(error).toBeUndefined();
		expect(hubble.log.map(({ call, status }) => [call, status])).toEqual([
			['registerDevices', 200],
			['registerDevices', 200],
		]);
		expect(items.map(({ json }) => json.name)).toEqual(input.map(({ name }) => name));
		expect(items[1]?.json).toMatchObject({
			key: expect.stringMatching(/^[0-9a-f]{32}$/),
			tags: { batch: '7' },
			install_location: { lat: 1, long: 2 },
		});
	});

	it('sends EID rotation where it belongs', async () => {
		const eidRotation = { rotation: { counter_source: 'DEVICE_UPTIME', period_exponent: 12 } };
		const { items } = await run({
			operation: 'register',
			simplify: false,
			additionalFields: { encryption: 'AES-128-EAX', eidRotation },
		});
		expect(items[0]?.json.eid_rotation).toEqual({ counter_source: 'DEVICE_UPTIME', period_exponent: 12 });
	});
});

describe('Bad input is refused before the first call', () => {
	const device = (value: string) => ({ __rl: true, mode: 'id', value: `={{ '${value}' }}` });
	const good = '6ea53e36-b7fb-429f-8c2e-d536cab71089';
	it.each([
		['Device', { operation: 'get', deviceId: device('../org') }],
		['Device', { operation: 'delete', deviceId: device('') }],
		['Fields to Update', { operation: 'update', deviceId: device(good) }],
		['Name', { operation: 'update', deviceId: device(good), updateFields: { name: 'x'.repeat(251) } }],
		[
			'Replace Tags',
			{
				operation: 'update',
				deviceId: device(good),
				updateFields: { tags: listed({ tag: [{ key: 'k'.repeat(33), value: '' }] }) },
			},
		],
		[
			'Install Location',
			{
				operation: 'update',
				deviceId: device(good),
				updateFields: { installLocation: { location: { lat: 91, long: 0 } } },
			},
		],
		[
			'Move to Organization ID',
			{ operation: 'update', deviceId: device(good), updateFields: { name: 'x', destinationOrganizationId: good } },
		],
		['Name', { operation: 'register', name: 'one', additionalFields: { count: 3 } }],
		['Install Location', { operation: 'register', installLocation: { location: { lat: 0, long: 0 } } }],
		['Install Location', { operation: 'register', installLocation: { location: { location_name: 'Hall 3' } } }],
		['Tags', { operation: 'register', tags: { tag: [{ key: '_env', value: 'staging' }] } }],
		['Tags', { operation: 'register', tags: { tag: [{ key: '_cal', value: '1' }] } }],
		[
			'Tag Key',
			{ operation: 'createOrUpdate', matchBy: 'tag', matchTag: 'serial', tags: { tag: [{ key: 'site', value: '1' }] } },
		],
		['Name', { operation: 'createOrUpdate', matchBy: 'name' }],
		['Remove Tags', { operation: 'update', deviceId: device(good), updateFields: { removeTags: ['_env'] } }],
		[
			'Clear Tags',
			{
				operation: 'update',
				deviceId: device(good),
				updateFields: { clearTags: true, tags: listed({ tag: [{ key: 'a', value: 'b' }] }) },
			},
		],
		[
			'Replace Tags',
			{ operation: 'update', deviceId: device(good), updateFields: { clearTags: true, removeTags: ['site'] } },
		],
		[
			'Clear Install Location',
			{
				operation: 'update',
				deviceId: device(good),
				updateFields: { clearLocation: true, installLocation: { location: { lat: 1, long: 2 } } },
			},
		],
		['Fields to Update', { operation: 'update', deviceId: device(good), updateFields: { clearTags: false } }],
		['Never Heard', { operation: 'getAll', filters: { neverHeard: true, silentForHours: 3 } }],
		['Area', { operation: 'getAll', filters: { area: { circle: { latitude: 51.9, radius: 500 } } } }],
		['Area', { operation: 'getAll', filters: { area: {} } }],
		['Area', { operation: 'getAll', filters: { area: { polygon: { geojson: 'here' } } } }],
		['Area', { operation: 'getAll', filters: { area: { circle: { latitude: 1, longitude: 1 }, polygon: {} } } }],
		['Environment', { operation: 'getAll', filters: { environment: 'staging' } }],
		['Keep Input Fields', { operation: 'get', deviceId: device(good), options: { keepInput: ' ' } }],
		[
			'EID Rotation',
			{ operation: 'register', additionalFields: { eidRotation: { rotation: { period_exponent: 12 } } } },
		],
		['Number of Devices', { operation: 'register', additionalFields: { count: 1.5 } }],
		['Limit', { operation: 'getAll', limit: 0 }],
		['Own Tags', { operation: 'getAll', filters: { ownTags: ['production'] } }],
		['Created After', { operation: 'getAll', filters: { createdAfter: 'soon' } }],
		['Last Packet After', { operation: 'getAll', filters: { lastPacketAfter: 200, lastPacketBefore: 100 } }],
	])('%s: %j', async (parameter, parameters) => {
		const { error } = await run(parameters as INode['parameters']);
		expect(error?.message).toContain(`"${parameter}"`);
		expect(error?.description).toContain('the first item');
		expect(hubble.log).toEqual([]);
	});
});

it.each([
	[
		{ createdAfter: '2026-01-02', createdBefore: '2026-01-01' },
		'"Created After" must be earlier than "Created Before"',
	],
	[
		{ lastPacketAfter: '2026-01-02', lastPacketBefore: '2026-01-01', silentForHours: 1 },
		'"Last Packet After" must be earlier than "Last Packet Before"',
	],
	[
		{ lastPacketAfter: '2999-01-01', silentForHours: 1 },
		'"Last Packet After" must be earlier than the time that "Silent For (Hours)" leaves',
	],
	[{ silentForHours: 600_000 }, 'the time that "Silent For (Hours)" leaves is before 1970'],
])('a range without a moment in it says why: %j', async (filters, says) => {
	const { error } = await run({ operation: 'getAll', filters } as INode['parameters']);
	expect(error?.message).toContain(says);
	expect(hubble.log).toEqual([]);
});

it.each([[{}], [{ toString: null }], [{ id: 7, name: 'Gate' }], [{ id: unknownId, name: {} }], [[]], [null]])(
	'Create or Update registers nothing while the list holds %j, which may be the device',
	async (entry) => {
		const asked: string[] = [];
		const other = await serverThat((request, reply) => {
			asked.push(request.method);
			return reply.header('content-type', 'application/json').send({ devices: [entry] });
		});
		const { items, error } = await run(
			{ operation: 'createOrUpdate', matchBy: 'name', name: 'Gate', additionalFields: { encryption: 'AES-128-CTR' } },
			{ credential: credentialFor(hubble, { baseUrl: other.url }) },
		);
		await other.close();
		expect(items).toEqual([]);
		expect(error?.message).toMatch(/^Could not determine whether a device has the name "Gate": 1 of the entries/);
		expect(error?.description).toMatch(/Nothing was registered .* X-Request-ID: /);
		expect(asked).toEqual(['GET']);
	},
);

describe('Errors say what happened and what to do', () => {
	const get = () => run({ operation: 'get', deviceId: { __rl: true, mode: 'id', value: unknownId } });

	it('404 names the id', async () => {
		const { error } = await get();
		expect(error?.message).toBe(`Hubble has no device with the ID ${unknownId}`);
		expect(error?.httpCode).toBe('404');
		expect(error?.description).toContain(`X-Request-ID: ${hubble.log[0]?.requestId}`);
		expect(error?.context?.itemIndex).toBe(0);
	});

	it('403 names the scope in both spellings', async () => {
		const token = hubble.createToken(['read-packets']);
		const { error } = await run({ operation: 'getAll' }, { credential: credential(token) });
		expect(error?.message).toContain('read-devices (devices:read)');
	});

	it('401 sends to the credential, and the token is nowhere in the error', async () => {
		const { error, run: recorded } = await run({ operation: 'getAll' }, { credential: credential('secret-token-123') });
		expect(error?.message).toBe('Hubble does not accept the API token');
		expect(JSON.stringify(recorded)).not.toContain('secret-token-123');
	});

	it('both spellings of the paths work', async () => {
		const { items } = await run(
			{ operation: 'getAll', limit: 1 },
			{ credential: credential(hubble.token, 'versioned') },
		);
		expect(items).toHaveLength(1);
		expect(hubble.log[0]?.path).toMatch(/^\/v1\/org\//);
	});
});
