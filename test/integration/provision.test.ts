/** Hubble Device: from a table to a labelled fleet, against the simulator. */
import type { IDataObject, INode } from 'n8n-workflow';
import { HubbleDevice } from '../../nodes/HubbleDevice/HubbleDevice.node';
import { startSimulator, type Simulator } from '../simulator/server';
import type { Device } from '../simulator/world';
import { credentialFor, execute, listed, serverThat, type Setup } from './harness';

let hubble: Simulator;
beforeEach(async () => {
	hubble = await startSimulator({ devices: 2500, packets: 200, limits: false });
});
afterEach(async () => await hubble.close());

const run = async (parameters: INode['parameters'], input: IDataObject[] = [{}], setup: Partial<Setup> = {}) =>
	await execute({
		node: new HubbleDevice(),
		parameters,
		credential: {
			apiToken: hubble.token,
			organizationId: hubble.organizationId,
			baseUrl: hubble.url,
			apiPaths: 'api',
			requestsPerSecond: 1000,
		},
		input,
		...setup,
	});
const devices = () => [...hubble.world.main.devices.values()];
const stored = (id: unknown) => hubble.world.main.devices.get(String(id)) as Device;
const calls = () => hubble.log.map(({ call }) => call);
const change = (device: Device | undefined, fields: Partial<Device>) => Object.assign(device as Device, fields);
const byId = (value: string) => ({ __rl: true, mode: 'id', value });
const tag = (...pairs: Array<[string, string]>) => ({ tag: pairs.map(([key, value]) => ({ key, value })) });
const go = { onError: 'continueRegularOutput' } as const;

describe('Register from one row a device', () => {
	it('makes three calls of 2,500 rows, and gives each row its key', async () => {
		const input = Array.from({ length: 2500 }, (_, n) => ({ serial: `S${n}`, lat: 50 + n / 1000 }));
		const { items, error } = await run(
			{
				operation: 'register',
				name: '=Probe {{ $json.serial }}',
				additionalFields: { encryption: 'AES-128-CTR' },
				tags: tag(['serial', '={{ $json.serial }}']),
				installLocation: { location: { lat: '={{ $json.lat }}', long: 4.5, location_name: 'Hall' } },
			},
			input,
			go,
		);
		expect(error).toBeUndefined();
		expect(calls()).toEqual(Array(3).fill('registerDevices'));
		expect(items.map(({ pairedItem }) => pairedItem)).toEqual(input.map((_, item) => ({ item })));
		expect(items.map(({ json: { name, tags, key } }) => [name, (tags as IDataObject).serial, typeof key])).toEqual(
			input.map(({ serial }) => [`Probe ${serial}`, serial, 'string']),
		);
		expect(stored(items[7]?.json.deviceId).install_location).toEqual({
			lat: 50.007,
			long: 4.5,
			location_name: 'Hall',
		});
	});

	it('gives each row its key in the format that it asks for', async () => {
		const { items } = await run(
			{
				operation: 'register',
				additionalFields: { encryption: 'AES-128-CTR', keyFormat: '={{ $json.format }}' },
			},
			['base64', 'hex', 'base64'].map((format) => ({ format })),
			go,
		);
		expect(items.map(({ json }) => String(json.key).length)).toEqual([24, 32, 24]);
		expect(calls()).toEqual(Array(2).fill('registerDevices'));
	});

	it('registers many devices of one item, each with its name', async () => {
		const { items } = await run({
			operation: 'register',
			name: '={{ ["a", " b "] }}',
			additionalFields: { count: 2 },
		});
		expect(items.map(({ json }) => json.name)).toEqual(['a', 'b']);
	});

	it('puts a device into the sandbox, and takes blanks off a name, as Update does', async () => {
		const { items } = await run({ operation: 'register', name: '  Cold room ', tags: tag(['_env', 'sandbox']) });
		const { deviceId: id } = items[0]?.json ?? {};
		expect(stored(id)).toMatchObject({ name: 'Cold room', tags: { _env: 'sandbox' } });
		await run({
			operation: 'update',
			deviceId: byId(String(id)),
			updateFields: { name: ' Warm room  ', addTags: listed(tag(['_env', 'production'])) },
		});
		expect(stored(id)).toMatchObject({ name: 'Warm room', tags: { _env: 'production' } });
	});
});

describe('Update', () => {
	const update = async (device: Device | undefined, updateFields: IDataObject, more: IDataObject = {}) =>
		await run({ operation: 'update', deviceId: byId(device?.id ?? ''), updateFields, ...more } as INode['parameters']);

	it('adds, changes and removes tags, and loses none that nobody named', async () => {
		const device = change(devices()[0], { tags: { _env: 'sandbox', site: 'North', old: '1', kept: 'x' } });
		const { items, error } = await update(device, {
			addTags: listed(tag(['site', 'South'], ['new', '2'])),
			removeTags: ['old', 'never there'],
		});
		expect(error).toBeUndefined();
		expect(stored(device.id).tags).toEqual({ _env: 'sandbox', site: 'South', new: '2', kept: 'x' });
		expect(items[0]?.json.deviceId).toBe(device.id);
		expect(calls()).toEqual(['getDevice', 'updateDevices']);
	});

	it('does so with one request per device, too', async () => {
		const device = change(devices()[0], { tags: { _env: 'production', kept: 'x' } });
		await update(device, { addTags: listed(tag(['new', '2'])) }, { options: { batching: 'single' } });
		expect(stored(device.id).tags).toEqual({ _env: 'production', new: '2', kept: 'x' });
		expect(calls()).toEqual(['getDevice', 'updateDevice']);
	});

	it('adds a tag to 2,500 devices in six calls', async () => {
		const input = devices().map(({ id, tags }) => ({ id, before: { ...tags } }));
		const { items } = await run(
			{
				operation: 'update',
				deviceId: byId('={{ $json.id }}'),
				updateFields: { addTags: listed(tag(['batch', '7'])) },
			},
			input,
		);
		expect(items).toHaveLength(2500);
		expect(calls().sort()).toEqual([...Array(3).fill('listDevices'), ...Array(3).fill('updateDevices')]);
		for (const { id, before } of input) expect(stored(id).tags).toEqual({ ...before, batch: '7' });
	});

	it.each([{}, { batching: 'single' }])('builds several changes of one device on each other (%j)', async (options) => {
		const device = change(devices()[0], { tags: { _env: 'production', a: '1' } });
		const input = [{ add: 'b' }, { add: 'c' }, { add: 'd' }];
		await run(
			{
				operation: 'update',
				deviceId: byId(device.id),
				updateFields: { addTags: listed(tag(['={{ $json.add }}', '1'])), removeTags: ['a'] },
				options,
			},
			input,
		);
		expect(stored(device.id).tags).toEqual({ _env: 'production', b: '1', c: '1', d: '1' });
	});

	it.each([{}, { batching: 'single' }])(
		'does not write with the next change of a device what was reported as failed (options %j)',
		async (options) => {
			const device = change(devices()[0], { tags: { _env: 'production', a: '1' } });
			hubble.addFault({ call: options.batching ? 'updateDevice' : 'updateDevices', status: 400 });
			const { items } = await run(
				{
					operation: 'update',
					deviceId: byId(device.id),
					updateFields: { addTags: listed(tag(['={{ $json.add }}', '1'])) },
					options,
				},
				[{ add: 'first' }, { add: 'second' }],
				go,
			);
			expect(items.map(({ json }) => [json.error !== undefined, json.tags])).toEqual([
				[true, undefined],
				[false, { a: '1', second: '1' }],
			]);
			expect(stored(device.id).tags).toEqual({ _env: 'production', a: '1', second: '1' });
		},
	);

	it('refuses a second change only by what the first has done', async () => {
		const nine = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`t${n}`, '1']));
		const device = change(devices()[0], { tags: { _env: 'production', ...nine } });
		const add = async () =>
			await run(
				{
					operation: 'update',
					deviceId: byId(device.id),
					updateFields: { addTags: listed(tag(['={{ $json.add }}', '1'])) },
				},
				[{ add: 'first' }, { add: 'second' }],
				go,
			);
		hubble.addFault({ call: 'updateDevices', status: 400 });
		expect((await add()).items.map(({ json }) => json.error !== undefined)).toEqual([true, false]);
		expect((await add()).items[0]?.json.error).toContain('the device would have 11 tags');
		expect(stored(device.id).tags).toEqual({ _env: 'production', ...nine, second: '1' });
	});

	it('sends no eleventh entry for a device with ten tags of its own', async () => {
		const ten = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`t${n}`, '1']));
		const device = change(devices()[0], { tags: { _env: 'sandbox', ...ten } });
		await update(device, { addTags: listed(tag(['t0', '2'])) });
		const [sent] = (hubble.log.at(-1)?.body as { updates: IDataObject[] }).updates;
		expect(sent?.set_tags).toEqual({ ...ten, t0: '2' });
		expect(stored(device.id).tags).toEqual({ _env: 'sandbox', ...ten, t0: '2' });
	});

	it.each([{}, { batching: 'single' }])(
		'finds a move done whose reply was lost, and a device that is unknown without it is not (options %j)',
		async (options) => {
			const [device] = devices();
			const move = { destinationOrganizationId: hubble.world.main.partner };
			hubble.addFault({ method: 'PATCH', drop: true, applied: true });
			const { items, error } = await update(device, move, { options });
			expect(error).toBeUndefined();
			expect(items[0]?.json.deviceId).toBe(device?.id);
			expect(hubble.world.main.devices.has(device?.id ?? '')).toBe(false);
			expect((await update(device, move, { options })).error?.message).toContain('Hubble has no device');
		},
	);

	it('replaces and clears tags without reading them, and keeps the environment', async () => {
		const [first, second] = [devices()[0], devices()[1]].map((device) =>
			change(device, { tags: { _env: 'sandbox', a: '1' } }),
		);
		await update(first, { tags: listed(tag(['b', '2'])) });
		await update(second, { clearTags: true });
		expect(stored(first?.id).tags).toEqual({ _env: 'sandbox', b: '2' });
		expect(stored(second?.id).tags).toEqual({ _env: 'sandbox' });
		expect(calls()).toEqual(['updateDevices', 'updateDevices']);
	});

	it('refuses an eleventh tag for the one item that would have it, before anything is changed', async () => {
		const full = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`t${n}`, '1']));
		const [first, second] = devices();
		change(first, { tags: { _env: 'production', ...full } });
		const { items } = await run(
			{ operation: 'update', deviceId: byId('={{ $json.id }}'), updateFields: { addTags: listed(tag(['more', '1'])) } },
			[{ id: first?.id }, { id: second?.id }],
			go,
		);
		expect(items[0]?.json.error).toContain('the device would have 11 tags');
		expect(items[0]?.json.error).toContain('"Add or Change Tags"');
		expect(stored(second?.id).tags).toMatchObject({ more: '1' });
	});

	it('keeps the place when the location gets another name, and clears it only when told to', async () => {
		const device = change(devices()[0], { install_location: { lat: 51, long: 4, location_name: 'Hall 1' } });
		await update(device, { installLocation: { location: { lat: '', long: '', location_name: 'Hall 2' } } });
		expect(stored(device.id).install_location).toEqual({ lat: 51, long: 4, location_name: 'Hall 2' });
		await update(device, { clearLocation: true });
		expect(stored(device.id).install_location).toBeUndefined();
		for (const none of [undefined, { lat: 0, long: 0, location_name: 'Hall 1' }]) {
			change(stored(device.id), { install_location: none });
			const { error } = await update(device, { installLocation: { location: { location_name: 'Hall 3' } } });
			expect(error?.message).toMatch(/^"Install Location": the device has none yet/);
		}
	});
});

describe('By Name', () => {
	const byName = { deviceId: { __rl: true, mode: 'name', value: '={{ $json.name }}' } };
	const named = async (operation: string, names: string[], more: IDataObject = {}, setup: Partial<Setup> = go) =>
		await run(
			{ operation, ...byName, ...more } as INode['parameters'],
			names.map((name) => ({ name })),
			setup,
		);
	const label = (...names: string[]) => names.map((name, n) => change(devices()[n * 800], { name }));
	const moved = () => ({ updateFields: { destinationOrganizationId: hubble.world.main.partner } });

	it('one reading of the list serves all items of Get', async () => {
		const [first, second] = label('Kühl', 'Cold room');
		const { items } = await named('get', ['Cold room', ' Kühl ', 'Cold room']);
		expect(items.map(({ json }) => json.deviceId)).toEqual([second?.id, first?.id, second?.id]);
		expect(calls()).toEqual(Array(3).fill('listDevices'));
	});

	it.each([
		['update', { updateFields: { name: 'New' } }, 'updateDevices'],
		['update', { updateFields: { addTags: listed(tag(['a', 'b'])) } }, 'updateDevices'],
		['update', { updateFields: { removeTags: ['site'] }, options: { batching: 'single' } }, 'updateDevice'],
		['delete', {}, 'deleteDevices'],
	])('%s %j looks the name up', async (operation, more, call) => {
		const [wanted] = label('Kühl');
		const { items, error } = await named(operation, ['Kühl'], more);
		expect([error, items[0]?.json.error, items[0]?.json.deviceId]).toEqual([undefined, undefined, wanted?.id]);
		expect(calls()).toEqual([...Array(3).fill('listDevices'), call]);
	});

	it('a device named so is moved, also when the reply was lost', async () => {
		const [wanted] = label('Kühl');
		hubble.addFault({ method: 'PATCH', drop: true, applied: true });
		const { items } = await named('update', ['Kühl'], moved());
		expect(items[0]?.json.deviceId).toBe(wanted?.id);
	});

	it.each([
		['are found moved where all are gone', 0, 0],
		['are moved where they are still there, and one that is unknown fails', 1, 1],
	])('several in one request whose reply was lost %s', async (_, unknown, failing) => {
		const ids = devices()
			.slice(0, 5)
			.map(({ id }) => id);
		if (unknown) ids[2] = '00000000-0000-4000-8000-000000000000';
		hubble.addFault({ method: 'PATCH', drop: true, applied: true });
		const { items } = await run(
			{ operation: 'update', deviceId: { __rl: true, mode: 'id', value: '={{ $json.id }}' }, ...moved() },
			ids.map((id) => ({ id })),
			{ onError: 'continueRegularOutput' },
		);
		expect(items.map(({ json }) => json.deviceId)).toEqual(ids);
		expect(items.filter(({ json }) => 'error' in json)).toHaveLength(failing);
		expect(String(items[2]?.json.error ?? '')).toMatch(unknown ? /^Hubble has no device with the ID 0000/ : /^$/);
		for (const id of ids) expect(hubble.world.main.devices.has(id)).toBe(false);
	});

	it('several in one request that Hubble does not know fail, each by itself, where no reply was lost', async () => {
		const ids = Array.from({ length: 3 }, (_, n) => `00000000-0000-4000-8000-00000000000${n}`);
		const { items } = await run(
			{ operation: 'update', deviceId: byId('={{ $json.id }}'), ...moved() },
			ids.map((id) => ({ id })),
			{ onError: 'continueRegularOutput' },
		);
		expect(items.map(({ json }) => json.error)).toEqual(ids.map((id) => `Hubble has no device with the ID ${id}`));
	});

	it('a name that none or two devices have fails for its item alone, and changes nothing', async () => {
		const twins = label('Twin', 'Twin');
		const [other] = [change(devices()[5], { name: 'Other' })];
		const { items } = await named('delete', ['Twin', 'twin', 'Other']);
		expect(items[0]?.json).toMatchObject({ deviceName: 'Twin' });
		for (const { id } of twins) expect(items[0]?.json.error).toContain(id);
		expect(items[0]?.json.error).toMatch(/^2 devices have the name "Twin": .* or use By ID$/);
		expect(items[1]?.json.error).toBe('No device has the name "twin"');
		expect(items[2]?.json).toEqual({ deleted: true, deviceId: other?.id });
		expect(devices()).toHaveLength(2499);
	});

	it('fails every item when the list cannot be read, and sends nothing else', async () => {
		hubble.addFault({ call: 'listDevices', status: 403 });
		const { items } = await named('delete', ['A', 'B']);
		expect(items.map(({ json }) => String(json.error))).toEqual(
			Array(2).fill(expect.stringContaining('Hubble does not allow this')),
		);
		expect(calls()).toEqual(['listDevices']);
	});

	it('an empty name is refused before the first call', async () => {
		const { items } = await named('delete', ['']);
		expect(items[0]?.json.error).toContain('"Device": the expression returned no value');
		expect(calls()).toEqual([]);
	});
});

describe('Create or Update', () => {
	const upsert = async (input: IDataObject[], more: IDataObject = {}, setup: Partial<Setup> = {}) =>
		await run(
			{
				operation: 'createOrUpdate',
				name: '={{ $json.name }}',
				tags: tag(['serial', '={{ $json.serial }}']),
				additionalFields: { encryption: 'AES-128-CTR' },
				...more,
			} as INode['parameters'],
			input,
			setup,
		);
	const rowOf = ({ json: { created, name, key } }: { json: IDataObject }) => [
		created,
		name,
		key === null ? null : typeof key,
	];

	it('updates by the name what exists, and registers what does not', async () => {
		const old = change(devices()[2400], { name: 'Old', tags: { _env: 'production', kept: 'x' } });
		const input = [
			{ name: 'New', serial: '1' },
			{ name: 'Old', serial: '2' },
		];
		const { items, error } = await upsert(input);
		expect(error).toBeUndefined();
		expect(items.map(rowOf)).toEqual([
			[true, 'New', 'string'],
			[false, 'Old', null],
		]);
		expect(items.every(({ json }) => json.deviceId)).toBe(true);
		expect(stored(old.id).tags).toEqual({ _env: 'production', kept: 'x', serial: '2' });
		expect(calls()).toEqual(['listDevices', 'listDevices', 'listDevices', 'updateDevices', 'registerDevices']);
	});

	it('finds by a tag, and then renames', async () => {
		const old = change(devices()[7], { tags: { _env: 'production', serial: 'S7' } });
		const { items } = await upsert([{ name: 'Renamed', serial: 'S7' }], { matchBy: 'tag', matchTag: 'serial' });
		expect(items.map(rowOf)).toEqual([[false, 'Renamed', null]]);
		expect(stored(old.id).name).toBe('Renamed');
		expect(devices()).toHaveLength(2500);
	});

	it('finds by a tag whose key comes in the other form of Unicode', async () => {
		const [nfc, nfd] = ['NFC', 'NFD'].map((form) => 'Größe'.normalize(form)) as [string, string];
		for (const [kept, given, key] of [
			[nfd, nfc, nfc],
			[nfc, nfd, nfc],
			[nfc, nfc, nfd],
		] as const) {
			const old = change(devices()[7], { name: 'Old', tags: { _env: 'production', [kept]: 'L' } });
			const parameters = { matchBy: 'tag', matchTag: key, tags: tag([given, 'L']) };
			const { items, error } = await upsert([{ name: 'Renamed' }], parameters);
			expect(error).toBeUndefined();
			expect(items.map(rowOf)).toEqual([[false, 'Renamed', null]]);
			expect(stored(old.id)).toMatchObject({ name: 'Renamed', tags: { _env: 'production', [kept]: 'L' } });
		}
		expect(devices()).toHaveLength(2500);
	});

	it('finds by a name with blanks at its ends, and in the other form of Unicode', async () => {
		const names = ['Cold room 4 ', 'Ku\u0308hlraum'];
		const olds = names.map((name, index) => change(devices()[index], { name }));
		const { items } = await upsert(['Cold room 4', 'Kühlraum'].map((name) => ({ name, serial: 'S' })));
		expect(items.map(({ json }) => [json.created, json.deviceId])).toEqual(olds.map(({ id }) => [false, id]));
		expect(devices()).toHaveLength(2500);
	});

	it('keeps the name of a place that an earlier item gave', async () => {
		const { id } = change(devices()[3], { name: 'A', install_location: { lat: 52, long: 4, location_name: 'Hall 1' } });
		const columns = { mappingMode: 'autoMapInputData', value: null, schema: [] };
		const rows = [
			{ name: 'A', latitude: 52, longitude: 4, place: 'Hall 3' },
			{ name: 'A', latitude: 52, longitude: 5 },
		];
		await run({ operation: 'createOrUpdate', matchBy: 'name', fieldsFrom: 'columns', columns }, rows);
		expect(stored(id).install_location).toEqual({ lat: 52, long: 5, location_name: 'Hall 3' });
	});

	it('finds a device once that Hubble lists on two pages', async () => {
		const { id } = change(devices().slice(-1)[0], { name: 'Moved' });
		const last = { devices: [...devices().slice(0, 1), stored(id)] };
		const server = await serverThat(async ({ method, headers }, reply) => {
			if (method !== 'GET') return await reply.send({ devices: [{ id }] });
			if (headers['continuation-token']) return await reply.send(last);
			return await reply.header('continuation-token', 'next').send({ devices: [stored(id)] });
		});
		const credential = credentialFor(hubble, { baseUrl: server.url });
		const { items } = await upsert([{ name: 'Moved', serial: 'S' }], {}, { credential });
		await server.close();
		expect(items.map(({ json }) => [json.error, json.deviceId])).toEqual([[undefined, id]]);
	});

	it('takes two devices with one name for an error of that item alone', async () => {
		const twins = devices().slice(0, 2);
		twins.forEach((device) => change(device, { name: 'Twin' }));
		const { items } = await upsert(
			[
				{ name: 'Twin', serial: '1' },
				{ name: 'New', serial: '2' },
			],
			{},
			go,
		);
		expect(items[0]?.json.error).toContain('2 devices have the name "Twin"');
		for (const { id } of twins) expect(items[0]?.json.error).toContain(id);
		expect(rowOf(items[1] as never)).toEqual([true, 'New', 'string']);
	});

	it('says how many it updated, and what it registered: a name with a typo stands out', async () => {
		for (const device of devices().slice(0, 1)) change(device, { name: 'Sensor 00300' });
		const { hints } = await upsert([
			{ name: 'Sensor 00300', serial: '1' },
			{ name: 'Senser 00300', serial: '2' },
		]);
		expect(hints).toEqual(['1 updated, 1 registered: Senser 00300']);
		expect((await upsert([{ name: 'Sensor 00300', serial: '1' }])).hints).toEqual([]);
	});

	it('fails, or skips the item, where no device is to be registered', async () => {
		const input = [
			{ name: 'Senser 00300', serial: '1' },
			{ name: 'Sensor 00300', serial: '2' },
		];
		for (const device of devices().slice(0, 1)) change(device, { name: 'Sensor 00300' });
		const failed = await upsert(input, { ifNoMatch: 'fail' }, go);
		expect(failed.items[0]?.json.error).toBe('No device has the name "Senser 00300"');
		expect(failed.items[1]?.json).toMatchObject({ created: false });
		const skipped = await upsert(input, { ifNoMatch: 'skip' });
		expect(skipped.items.map(({ json, pairedItem }) => [json.name, pairedItem])).toEqual([
			['Sensor 00300', { item: 1 }],
		]);
		expect(skipped.hints).toEqual(['1 updated, 1 skipped because no device matches: Senser 00300']);
		expect(devices()).toHaveLength(2500);
		expect(calls()).not.toContain('registerDevices');
	});

	it('registers a name once, though two items want it', async () => {
		const { items } = await upsert(
			[
				{ name: 'New', serial: '1' },
				{ name: 'New', serial: '2' },
			],
			{},
			go,
		);
		expect(rowOf(items[0] as never)).toEqual([true, 'New', 'string']);
		expect(items[1]?.json.error).toBe('Another item (the first item) already registers a device with the name "New"');
		expect(devices()).toHaveLength(2501);
	});

	it('P24: changes nothing when keys could be lost', async () => {
		change(devices()[0], { name: 'Old' });
		const input = Array.from({ length: 1001 }, (_, n) => ({ name: `New ${n}`, serial: String(n) }));
		const { error } = await upsert([{ name: 'Old', serial: 'x' }, ...input]);
		expect(error?.message).toContain('Registering 1,001 devices takes 2 requests. Set On Error to Continue');
		expect(new Set(calls())).toEqual(new Set(['listDevices']));
	});

	it('writes nothing when the list cannot be read', async () => {
		hubble.addFault({ call: 'listDevices', status: 403 });
		const { items } = await upsert([{ name: 'New', serial: '1' }], {}, go);
		expect(items[0]?.json.error).toContain('Hubble does not allow this');
		expect(calls()).toEqual(['listDevices']);
	});
});

describe('Filters of the device list', () => {
	const list = async (filters: IDataObject, operation = 'getAll') =>
		await run({ operation, returnAll: true, simplify: false, filters } as INode['parameters']);
	const heardAt = ({ most_recent_packet }: IDataObject) =>
		Math.max(
			0,
			...Object.values(most_recent_packet ?? {}).map(
				(packet) => (packet as { timestamp: number } | null)?.timestamp ?? 0,
			),
		);

	it('find the silent ones, without those that were never heard', async () => {
		const { items } = await list({ silentForHours: 24 });
		const since = Date.now() / 1000 - 86_400;
		const times = items.map(({ json }) => heardAt(json));
		expect(times.length).toBeGreaterThan(0);
		expect(times.every((time) => time > 0 && time <= since)).toBe(true);
		const asked = hubble.log.find(({ call }) => call === 'listDevices');
		expect(asked?.query).toHaveProperty('filter_most_recent_packet_ts', expect.stringMatching(/^between:1:\d{10}$/));
	});

	it('find those that were never heard', async () => {
		const { items } = await list({ neverHeard: true });
		expect(items.length).toBeGreaterThan(0);
		expect(items.every(({ json }) => heardAt(json) === 0)).toBe(true);
	});

	it('count what they keep, and give one number', async () => {
		const all = await list({}, 'count');
		expect(all.items.map(({ json }) => json)).toEqual([{ count: 2500 }]);
		const [listed, counted] = [await list({ neverHeard: true }), await list({ neverHeard: true }, 'count')];
		expect(counted.items[0]?.json.count).toBe(listed.items.length);
	});

	it('tell the inside of a circle from the outside, by where a device was heard or installed', async () => {
		for (const device of devices()) change(device, { install_location: undefined });
		change(devices()[1], { install_location: { lat: 51.9, long: 179.999 } });
		change(devices()[2], { install_location: { lat: 51.9, long: -179.999 } });
		change(devices()[3], { install_location: { lat: 51.9, long: 179.9 } });
		const circle = { latitude: 51.9, longitude: 179.9999, radius: 1000, areaBy: 'installed' };
		const names = async (more: IDataObject) =>
			(await list({ area: { circle: { ...circle, ...more } } })).items.map(({ json }) => json.id);
		const [, one, two, three] = devices().map(({ id }) => id);
		expect((await names({ areaSide: 'inside' })).sort()).toEqual([one, two].sort());
		expect(await names({ areaSide: 'outside' })).toEqual([three]);
		const heard = await list({ area: { circle: { ...circle, areaBy: 'heard', radius: 20_100_000 } } });
		expect(heard.items.length).toBeGreaterThan(0);
		expect(heard.items.every(({ json }) => heardAt(json) > 0)).toBe(true);
	});

	it('compare the place where a device was heard, the one where it is installed, or the first of them', async () => {
		for (const device of devices()) change(device, { install_location: undefined });
		const heard = stored(hubble.world.main.packets.get(0).device.id);
		const never = devices()[19];
		for (const device of [heard, never]) change(device, { install_location: { lat: 10, long: 10 } });
		const inside = async (more: IDataObject) =>
			(await list({ area: { circle: { latitude: 10, longitude: 10, radius: 1000, ...more } } })).items.map(
				({ json }) => json.id,
			);
		expect(await inside({ areaBy: 'heard' })).toEqual([]);
		expect((await inside({ areaBy: 'installed' })).sort()).toEqual([heard.id, never?.id].sort());
		for (const either of [{ areaBy: 'either' }, {}]) expect(await inside(either)).toEqual([never?.id]);
	});

	it('tell the inside of a polygon from the outside, and say what of the GeoJSON is no area', async () => {
		for (const device of devices()) change(device, { install_location: undefined });
		change(devices()[1], { install_location: { lat: 51.9, long: 179.999 } });
		change(devices()[2], { install_location: { lat: 0, long: 0 } });
		change(devices()[3], { install_location: { lat: 10, long: 4 } });
		const coordinates = [
			[
				[178, -5],
				[182, -5],
				[182, 60],
				[178, 60],
			],
		];
		const features = [
			{ type: 'Feature', geometry: { type: 'Point', coordinates: [4, 51] } },
			{ type: 'Feature', geometry: { type: 'Polygon', coordinates } },
		];
		const geojson = `\ufeff${JSON.stringify({ type: 'FeatureCollection', features })}`;
		const filtered = async (areaSide: string, operation = 'getAll') =>
			await list({ area: { polygon: { geojson, areaSide, areaBy: 'installed' } } }, operation);
		const [, one, , three] = devices().map(({ id }) => id);
		const inside = await filtered('inside');
		expect(inside.items.map(({ json }) => json.id)).toEqual([one]);
		expect(inside.hints).toEqual([expect.stringContaining('ignored what is not a polygon: Point (1)')]);
		expect((await filtered('outside')).items.map(({ json }) => json.id)).toEqual([three]);
		expect((await filtered('inside', 'count')).items.map(({ json }) => json)).toEqual([{ count: 1 }]);
	});
});

describe('Rows of a table', () => {
	const fromColumns = { fieldsFrom: 'columns', columns: { mappingMode: 'autoMapInputData', value: null, schema: [] } };
	const rows = Array.from({ length: 2500 }, (_, n) => ({
		Name: `00${n}`,
		' Site ': n % 2 ? 'x' : '',
		lat: '',
		lng: null,
	}));

	it('registers 2,500 rows in three calls of each kind, without a field for each column', async () => {
		const { items, error } = await run({ operation: 'register', ...fromColumns }, rows, go);
		expect(error).toBeUndefined();
		expect(calls().length).toBeLessThanOrEqual(4);
		expect(items.map(({ json: { name, tags } }) => [name, (tags as IDataObject).Site])).toEqual(
			rows.map(({ Name, ' Site ': site }) => [Name, site || undefined]),
		);
		expect(items.every(({ json }) => stored(json.deviceId).install_location === undefined)).toBe(true);
	});

	it('loses no name and no place of a row behind one that has none', async () => {
		const place = { lat: 52, long: 4 };
		const input = [{ site: 'x' }, { site: 'y', name: 'Cold room' }, { site: 'z', name: 'Cold room', ...place }];
		const { items } = await run({ operation: 'register', ...fromColumns }, input as never, go);
		const [first, second, third] = items.map(({ json }) => stored(json.deviceId));
		expect([first?.tags.site, second?.name, third?.name]).toEqual(['x', 'Cold room', 'Cold room']);
		const places = [first, second, third].map((device) => device?.install_location);
		expect(places).toEqual([undefined, undefined, place]);
	});

	it('leaves out a blank row, says so, and goes on with the others', async () => {
		const [present] = devices();
		const input = [
			{ name: present?.name, site: 'Y' },
			{ name: '', site: ' ', row_number: 3 },
			{ name: 17, site: 'Z' },
		];
		const { items } = await run({ operation: 'createOrUpdate', matchBy: 'name', ...fromColumns }, input as never, go);
		expect(items[1]?.json.error).toContain('"Columns": the row is blank');
		expect([items[0]?.json.created, items[2]?.json.created, items[2]?.json.name]).toEqual([false, true, '17']);
		expect([stored(present?.id).tags.site, stored(items[2]?.json.deviceId).tags.site]).toEqual(['Y', 'Z']);
	});

	it('updates name, place and tags by columns that the user mapped, and leaves what is blank', async () => {
		const [first, second] = devices();
		const before = structuredClone(second);
		const value = {
			name: '={{ $json.Titel }}',
			latitude: '={{ $json.Breite }}',
			longitude: '=  {{ $json["Länge"] }}',
			'tag:site': '={{ $json.Ort }}',
		};
		const columns = { ...fromColumns.columns, mappingMode: 'defineBelow', value };
		const input = [
			{ id: first?.id, Titel: 'Kühl', Breite: '52,5', Länge: 4, Ort: 'Köln' },
			{ id: second?.id, Titel: '', Breite: '', Ort: 'Bonn' },
		];
		const { items, error } = await run(
			{ operation: 'update', deviceId: byId('={{ $json.id }}'), fieldsFrom: 'columns', columns },
			input as never,
			go,
		);
		expect([error, ...items.map(({ json }) => json.error)]).toEqual([undefined, undefined, undefined]);
		expect(stored(first?.id)).toMatchObject({
			name: 'Kühl',
			install_location: { lat: 52.5, long: 4 },
			tags: { site: 'Köln', model: 'Cold room' },
		});
		expect(stored(second?.id)).toEqual({ ...before, tags: { ...before?.tags, site: 'Bonn' } });
	});

	it('takes blank cells in single fields as no tag and no place', async () => {
		const parameters = {
			operation: 'register',
			name: '={{ $json.name }}',
			tags: tag(['site', '={{ $json.site }}'], ['hall', '={{ $json.hall }}']),
			installLocation: { location: { lat: '={{ $json.lat }}', long: '={{ $json.long }}' } },
		};
		const { items } = await run(parameters, [{ name: 'A', site: '' }, { name: '00123', hall: 7 }, { name: 123 }], go);
		expect(
			items.map(({ json: { name, tags } }) => [name, (tags as IDataObject).site, (tags as IDataObject).hall]),
		).toEqual([
			['A', undefined, undefined],
			['00123', undefined, '7'],
			['123', undefined, undefined],
		]);
	});

	it('takes the row that n8n adds for nothing, and refuses a tag with half of it filled in', async () => {
		const [device] = devices();
		const update = async (updateFields: IDataObject) =>
			await run({ operation: 'update', deviceId: byId(device?.id ?? ''), updateFields } as never, [{}]);
		const before = structuredClone(device?.tags);
		const untouched = { addTags: listed(tag(['', ''])), installLocation: { location: { lat: '', long: '' } } };
		expect((await update({ ...untouched, name: 'Newer' })).error).toBeUndefined();
		expect([stored(device?.id).name, stored(device?.id).tags]).toEqual(['Newer', before]);
		expect((await update(untouched)).error?.message).toContain('"Fields to Update": add at least one field');
		expect((await update({ addTags: listed(tag(['', ''], ['hall', '7'])) })).error).toBeUndefined();
		expect(stored(device?.id).tags).toEqual({ ...before, hall: '7' });
		const half = { addTags: listed(tag(['site', 'A'], ['', 'B'])) };
		expect((await update(half)).error?.message).toContain('"Add or Change Tags": a tag has no key');
	});

	it('refuses to replace all tags by blank cells, and leaves the tags where blank ones would be added', async () => {
		const [device] = devices();
		const update = async (updateFields: IDataObject) =>
			await run({ operation: 'update', deviceId: byId(device?.id ?? ''), updateFields } as never, [{}]);
		const before = structuredClone(device?.tags);
		const blank = tag(['site', '={{ $json.nope }}']);
		expect((await update({ tags: listed(blank) })).error?.message).toContain('all tags are blank');
		expect((await update({ addTags: listed(blank), name: 'New' })).error).toBeUndefined();
		expect([stored(device?.id).name, stored(device?.id).tags]).toEqual(['New', before]);
	});
});
