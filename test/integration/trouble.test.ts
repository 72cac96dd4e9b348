/** What the nodes make of odd input, of partial failures, and of answers that are not Hubble's. */
import type { ICredentialTestFunctions, IDataObject, INode } from 'n8n-workflow';
import { CredentialTestContext } from 'n8n-core/dist/execution-engine/node-execution-context';
import { HubbleDevice } from '../../nodes/HubbleDevice/HubbleDevice.node';
import { HubblePacket } from '../../nodes/HubblePacket/HubblePacket.node';
import { methods } from '../../nodes/shared/methods/methods';
import { startSimulator, type Simulator } from '../simulator/server';
import { answering, credentialFor, execute, listed, serverThat, type Setup } from './harness';

let hubble: Simulator;
beforeEach(async () => {
	hubble = await startSimulator({ devices: 40, packets: 200, limits: false });
});
afterEach(async () => await hubble.close());

const credential = (changed: IDataObject = {}) => credentialFor(hubble, changed as Setup['credential']);
const device = async (parameters: INode['parameters'], more: Partial<Setup> = {}) =>
	await execute({ node: new HubbleDevice(), parameters, credential: credential(), ...more });
const devices = () => [...hubble.world.main.devices.values()];
const unknownId = '00000000-0000-4000-8000-000000000000';
const byId = (value: unknown) => ({ __rl: true, mode: 'id', value }) as INode['parameters'][string];
const rename = { operation: 'update', deviceId: byId('={{ $json.id }}'), updateFields: { name: '={{ $json.name }}' } };
const go = 'continueRegularOutput' as const;

describe('Odd input from expressions is refused, never guessed', () => {
	const [id] = ['={{ $json.id }}'];
	it.each([
		['Name', { name: '={{ {a: 1} }}' }],
		['Replace Tags', { tags: listed({ tag: [{ key: 'site', value: '={{ undefined }}' }] }) }],
		['Replace Tags', { tags: listed({ tag: [{ key: '_env', value: 'moon' }] }) }],
		['Replace Tags', { tags: listed({ tag: [{ key: '__proto__', value: 'moon' }] }) }],
		['Add or Change Tags', { addTags: listed({ tag: [{ key: '_cal', value: '1' }] }) }],
		['Remove Tags', { removeTags: ['_env'] }],
		['Fields to Update', { installLocation: { location: { lat: '={{ undefined }}', long: '={{ [] }}' } } }],
		['Install Location', { installLocation: { location: { lat: ' ', long: 1 } } }],
		['Fields to Update', { tags: {} }],
	])('%s: %j', async (parameter, updateFields) => {
		const { error } = await device(
			{ operation: 'update', deviceId: byId(id), updateFields: updateFields as INode['parameters'] },
			{ input: [{ id: devices()[0]?.id }] },
		);
		expect(error?.message).toContain(`"${parameter}"`);
		expect(hubble.log).toEqual([]);
	});

	it.each([
		['Limit', { operation: 'getAll', limit: '={{ undefined }}' }],
		['Return All', { operation: 'getAll', returnAll: '={{ "perhaps" }}' }],
		['Encryption', { operation: 'register', additionalFields: { encryption: '={{ "foo" }}' } }],
		['Name', { operation: 'register', name: '={{ {a: 1} }}' }],
		['Created After', { operation: 'getAll', filters: { createdAfter: '={{ "03/04/2026" }}' } }],
		['Created Before', { operation: 'getAll', filters: { createdBefore: '={{ -5 }}' } }],
		['Continuation Token', { operation: 'getAll', options: { continueFrom: 'a\u00e9b' } }],
	])('%s: %j', async (parameter, parameters) => {
		const { error } = await device(parameters as INode['parameters']);
		expect(error?.message).toContain(`"${parameter}"`);
		expect(hubble.log).toEqual([]);
	});

	it('understands yes and no as text, and 250 letters of any alphabet', async () => {
		const all = await device({
			operation: 'getAll',
			returnAll: '={{ "false" }}',
			limit: 3,
			simplify: '={{ "false" }}',
		});
		expect(all.items).toHaveLength(3);
		expect(all.items[0]?.json).toHaveProperty('created_ts');
		const name = '🛰'.repeat(250);
		await device({ ...rename, updateFields: { name } }, { input: [{ id: devices()[0]?.id }] });
		expect(devices()[0]?.name).toBe(name);
	});

	it('reads a field of the item as an expression does, however deep, and nothing where there is none', async () => {
		const deviceId = byId('={{ $json.device.id }}');
		const [first] = devices();
		const found = await device({ operation: 'get', deviceId }, { input: [{ device: { id: first?.id } }] });
		expect(found.items[0]?.json.deviceId).toBe(first?.id);
		const { error } = await device({ operation: 'get', deviceId }, { input: [{ device: {} }] });
		expect(error?.message).toContain('"Device": the expression returned no value');
	});

	it.each([
		['Start Time', { operation: 'getAll', period: 'custom', startTime: '={{ undefined }}' }],
		['End Time', { operation: 'export', period: 'custom', endTime: '={{ $json.no }}' }],
		[
			'Payload Fields',
			{
				operation: 'getAll',
				decodePayload: 'fields',
				payloadFields: { field: [{ name: 'a', type: 'uint8', scale: '={{ "abc" }}' }] },
			},
		],
		['Payload Layout', { operation: 'getAll', decodePayload: 'layout', payloadLayout: '={{ "a: uint8 @0 ×abc" }}' }],
		['Decode Payload', { operation: 'export', decodePayload: '={{ "constructor" }}' }],
	])('%s: %j of packets', async (parameter, parameters) => {
		const { error } = await execute({
			node: new HubblePacket(),
			parameters: parameters as INode['parameters'],
			credential: credential(),
		});
		expect(error?.message).toMatch(new RegExp(`"(${parameter}|Decode Payload)"`));
		expect(hubble.log).toEqual([]);
	});

	it('does nothing for no items', async () => {
		const { items, error } = await device({ operation: 'getAll' }, { input: [] });
		expect([items, error, hubble.log]).toEqual([[], undefined, []]);
	});

	it('asks for a start when the end lies before the default start', async () => {
		const { error } = await execute({
			node: new HubblePacket(),
			parameters: {
				operation: 'getAll',
				period: 'custom',
				endTime: new Date(Date.now() - 8 * 86_400_000).toISOString(),
			},
			credential: credential(),
		});
		expect(error?.message).toContain('"Start Time" must be before End Time; if empty, it is seven days ago');
	});
});

describe('Batches that partly fail', () => {
	const items = (bad: number[], count = 8) =>
		devices()
			.slice(0, count)
			.map(({ id }, index) => ({
				id: bad.includes(index) ? unknownId.replace(/0$/, String(index)) : id,
				name: `New ${index}`,
			}));

	it('change nothing when the run must stop', async () => {
		const before = devices().map(({ name }) => name);
		const { error } = await device(rename, { input: items([5]) });
		expect(hubble.log).toHaveLength(1);
		expect(devices().map(({ name }) => name)).toEqual(before);
		expect(error?.description).toContain('one request for 8 devices');
	});

	it('find every bad item when the run may go on', async () => {
		const { items: given } = await device(rename, { input: items([0, 5, 6]), onError: go });
		expect(given.map(({ json }) => Boolean(json.error))).toEqual([true, false, false, false, false, true, true, false]);
	});

	it('are not halved for a cause that all items share', async () => {
		const input = items([], 40);
		const { items: given } = await device(rename, {
			input,
			onError: go,
			credential: credential({ organizationId: unknownId }),
		});
		expect(given.every(({ json }) => json.error)).toBe(true);
		expect(given).toHaveLength(40);
		expect(hubble.log.length).toBeLessThanOrEqual(15);
	});

	it.each([
		['every second of 8', 8, 2, 0],
		['every second of 40', 40, 2, 0],
		['every tenth of 40', 40, 10, 0],
		['every tenth of 40, from the second on', 40, 10, 1],
	])('carry out the good ones where Hubble says the same of each bad one: %s', async (_, count, step, first) => {
		const bad = (index: number) => index % step === first;
		const input = items(Array.from({ length: count }, (__, index) => index).filter(bad), count);
		const server = await serverThat(async ({ body }, reply) => {
			const ids = (body as { updates: Array<{ device_id: string }> }).updates.map(({ device_id }) => device_id);
			const isKnown = ids.every((id) => hubble.world.main.devices.has(id));
			return await (isKnown
				? reply.send({ devices: ids.map((id) => ({ id })) })
				: reply.code(404).send({ code: 404, name: 'Not Found', description: 'No such device' }));
		});
		const { items: given } = await device(rename, {
			input,
			onError: go,
			credential: credential({ baseUrl: server.url, requestsPerSecond: 1000 }),
		});
		await server.close();
		expect(given.map(({ json }) => Boolean(json.error))).toEqual(input.map((__, index) => bad(index)));
	});

	it('end with a token that is not accepted: the other batches are not tried', async () => {
		const [{ id } = { id: '' }] = devices();
		hubble.addFault({ call: 'updateDevices', status: 401, times: 9 });
		const { items: given } = await device(rename, {
			input: [1, 2, 3].map((n) => ({ id, name: `Turn ${n}` })),
			onError: go,
		});
		expect(given.map(({ json }) => json.error)).toEqual(Array(3).fill('Hubble does not accept the API token'));
		expect(hubble.log).toHaveLength(1);
	});

	it('a token that is revoked between two pages: the next item hears nothing of how far the first one came', async () => {
		let page = 0;
		const server = await serverThat(async (_, reply) => {
			page += 1;
			return page === 1
				? await reply.header('continuation-token', 'next').send({ devices: devices() })
				: await reply.code(401).send({ name: 'Unauthorized', description: 'No' });
		});
		const { items: given } = await device(
			{ operation: 'getAll', returnAll: true },
			{ input: [{}, {}], onError: go, credential: credential({ baseUrl: server.url }) },
		);
		await server.close();
		const failures = given.map(({ json }) => json).filter(({ error }) => error !== undefined);
		expect(failures.map(({ resumeToken, rowsFetched }) => [resumeToken, rowsFetched])).toEqual([
			['next', 40],
			[undefined, undefined],
		]);
		expect(server.asked()).toBe(2);
	});

	it('answered without the devices are an error of each item', async () => {
		const server = await answering(200, { devices: { id: 'a' } }, { 'x-request-id': 'abc' });
		const { items: given } = await device(
			{ operation: 'register' },
			{ input: [{}, {}], onError: go, credential: credential({ baseUrl: server.url }) },
		);
		await server.close();
		expect(given.map(({ json }) => json.message)).toEqual(
			Array(2).fill(expect.stringContaining('Check before you run it again')),
		);
	});

	it('that deleted fewer devices than they named do not say that all were', async () => {
		const server = await answering(200, { deleted: 1 }, { 'x-request-id': 'abc' });
		const { items: given } = await device(
			{ operation: 'delete', deviceId: byId('={{ $json.id }}') },
			{
				input: devices()
					.slice(0, 3)
					.map(({ id }) => ({ id })),
				onError: go,
				credential: credential({ baseUrl: server.url }),
			},
		);
		await server.close();
		expect(given.map(({ json }) => json.message)).toEqual(Array(3).fill(expect.stringContaining('deleted 1 of 3')));
	});

	it('report an item once, however many devices it wanted', async () => {
		hubble.addFault({ call: 'registerDevices', status: 400, times: 50 });
		const { items: given } = await device({ operation: 'register', additionalFields: { count: 8 } }, { onError: go });
		expect(given).toHaveLength(1);
		expect(hubble.log).toHaveLength(1);
	});

	it('report an item once also where its devices are in several calls', async () => {
		hubble.addFault({ call: 'registerDevices', status: 400, times: 50 });
		const { items: given } = await device(
			{ operation: 'register', additionalFields: { count: '={{ $json.count }}' } },
			{ input: [{ count: 2500 }, { count: 1 }], onError: go },
		);
		expect(given.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);
		expect(given.map(({ json }) => String(json.message))).not.toContainEqual(
			expect.stringContaining('set to Continue'),
		);
	});

	it('keep the keys of what was registered before', async () => {
		hubble.addFault({ call: 'registerDevices', status: 500, skip: 1, times: 2 });
		const kept = await device({ operation: 'register', additionalFields: { count: 1001 } }, { onError: go });
		expect(kept.items).toHaveLength(1001);
		expect(kept.items.at(-1)?.json.error).toContain('HTTP 500');
	});

	it.each([
		['one item', { additionalFields: { count: 2500 } }, [{}], 'Registering 2,500 devices takes 3 requests'],
		['many items', {}, Array(1001).fill({}) as IDataObject[], 'Registering 1,001 devices takes 2 requests'],
		[
			'two kinds',
			{ additionalFields: { encryption: '={{ $json.kind }}' } },
			[{ kind: 'NONE' }, { kind: 'AES-128-CTR' }],
			'Registering 2 devices takes 2 requests',
		],
	])(
		'that would lose keys with On Error = Stop are refused before the first call: %s',
		async (_, more, input, message) => {
			hubble.addFault({ call: 'registerDevices', status: 500, skip: 1, times: 50 });
			const before = devices().length;
			const { error } = await device({ operation: 'register', ...more } as INode['parameters'], { input });
			expect(error?.message).toContain(message);
			expect(error?.message).toContain('Set On Error to Continue');
			expect(hubble.log).toEqual([]);
			expect(devices()).toHaveLength(before);
		},
	);

	it('give out the keys of a reply that is not complete, also with On Error = Stop', async () => {
		const server = await answering(200, { devices: [{ device_id: 'a', key: 'k' }] }, { 'x-request-id': 'abc' });
		const { items: given, error } = await device(
			{ operation: 'register', additionalFields: { count: 2 } },
			{ credential: credential({ baseUrl: server.url }) },
		);
		await server.close();
		expect(error).toBeUndefined();
		expect(given.map(({ json }) => json.key ?? json.error)).toEqual([
			'k',
			"Hubble's response does not include this item",
		]);
	});

	it.each([
		[{ deleted: 1, errors: [{ device_id: 'ID', code: 404, name: 'Not Found', description: 'gone' }] }, 'gone'],
		[{ errors: [{ device_id: 'ID' }] }, 'no reason given'],
		[{ results: [{ device_id: 'ID', success: false, error: 'locked' }] }, 'locked'],
		[{ results: [{ device_id: 'ID', error: { code: 404 } }, null] }, '404'],
	])('are told apart in the reply %j', async (reply, reason) => {
		const [good, bad] = devices().map(({ id }) => ({ id }));
		const server = await answering(207, JSON.parse(JSON.stringify(reply).replace('ID', String(bad?.id))) as object, {
			'x-request-id': 'abc',
		});
		const { items: given } = await device(
			{ operation: 'delete', deviceId: byId('={{ $json.id }}') },
			{
				input: [good as IDataObject, bad as IDataObject],
				onError: go,
				credential: credential({ baseUrl: server.url }),
			},
		);
		await server.close();
		expect(given[0]?.json).toEqual({ deleted: true, deviceId: good?.id });
		expect(given[1]?.json.error).toBe(`Hubble rejected the request for the device ${bad?.id}`);
		expect(given[1]?.json.message).toContain(reason);
		expect(given[1]?.json.message).toContain('X-Request-ID: abc');
	});

	it('are all in doubt where the reply says only how many were deleted', async () => {
		const two = devices().slice(0, 2);
		const server = await answering(200, { deleted: 1 });
		const { items: given } = await device(
			{ operation: 'delete', deviceId: byId('={{ $json.id }}') },
			{ input: two.map(({ id }) => ({ id })), onError: go, credential: credential({ baseUrl: server.url }) },
		);
		await server.close();
		expect(given.map(({ json }) => json.error)).toEqual(
			two.map(({ id }) => `Hubble's response does not include the device ${id}`),
		);
		for (const { json } of given)
			expect(json.message).toMatch(/^Hubble deleted 1 of 2 devices, without saying which\. Check whether the change/);
	});
});

describe("Answers that are not Hubble's", () => {
	const html = '<html>Welcome</html>';
	const json = { 'content-type': 'application/json' };
	it.each([
		[200, html, {}, 'not from the Hubble API'],
		[404, html, {}, 'not from the Hubble API'],
		[403, html, {}, 'not from the Hubble API'],
		[302, '', { location: 'http://127.0.0.1:1/' }, 'not from the Hubble API'],
		[401, 'Unauthorized', json, 'does not accept the API token'],
		[200, '{}', json, 'has no list "devices"'],
		[200, '{"devices": null}', json, 'has no list "devices"'],
		[400, '{"message": "bad moon"}', json, 'not from the Hubble API'],
	])('%d %s', async (status, body, headers, message) => {
		const server = await answering(status, body, headers as Record<string, string>);
		const { error } = await device({ operation: 'getAll' }, { credential: credential({ baseUrl: server.url }) });
		await server.close();
		expect(error?.message).toContain(message);
		expect(server.asked()).toBe(1);
	});

	it.each([
		['http://no-such-host.invalid', 'Could not find a server at'],
		['not an address', 'is not an address such as'],
	])('%s is said at once', async (baseUrl, message) => {
		const { error } = await device({ operation: 'getAll' }, { credential: credential({ baseUrl }) });
		expect(error?.message).toContain(message);
	});

	it('a connection that never came about carried no registration', async () => {
		const { error } = await device(
			{ operation: 'register' },
			{ credential: credential({ baseUrl: 'http://127.0.0.1:1' }) },
		);
		expect(error?.message).toContain('Could not reach');
		expect(error?.description).toContain('ECONNREFUSED');
		expect(error?.description).not.toContain('may still have succeeded');
	});

	it('a token that comes again is an error, an identical page is not', async () => {
		const server = await answering(200, { devices: [{ id: 'a' }] }, { 'continuation-token': 'same' });
		const { error } = await device(
			{ operation: 'getAll', returnAll: true, simplify: false },
			{ credential: credential({ baseUrl: server.url }) },
		);
		await server.close();
		expect(error?.message).toContain('same Continuation-Token twice');
		expect(error?.description).toMatch(
			/^Stopped after 2 rows from 2 pages\. The list would never end\..*X-Request-ID: \S+\. .*what was read is output\.$/,
		);
		expect(error?.context).not.toHaveProperty('resumeToken');
		expect(server.asked()).toBe(2);
	});

	it('a token that comes again in a period read in windows is no place to go on from', async () => {
		const server = await answering(200, { packets: [{}] }, { 'continuation-token': 'same' });
		const { error } = await execute({
			node: new HubblePacket(),
			parameters: {
				operation: 'getAll',
				returnAll: true,
				period: 'custom',
				startTime: '2026-11-01T00:00:00Z',
				endTime: '2026-11-02T00:00:00Z',
			},
			credential: credential({ baseUrl: server.url }),
		});
		await server.close();
		expect(error?.message).toContain('same Continuation-Token twice');
		expect(error?.description).toMatch(/The list would never end\..*X-Request-ID: \S+\. .*what was read is output\.$/);
		expect(error?.context).not.toHaveProperty('resumeToken');
	});

	it('what the other side says of the token is blacked out', async () => {
		const server = await answering(400, {
			code: 400,
			name: 'Bad Request',
			description: `Your token ${hubble.token} is odd`,
		});
		const { run } = await device(
			{ operation: 'getAll' },
			{ credential: credential({ baseUrl: server.url }), onError: go },
		);
		await server.close();
		expect(JSON.stringify(run)).toContain('Your token *** is odd');
		expect(JSON.stringify(run)).not.toContain(hubble.token);
	});

	it.each<[Setup['onError'], string[]]>([
		[go, ['1 of 3 items failed: see the column "error".']],
		['continueErrorOutput', []],
	])('of items is counted in a hint where it stands beside data: %s', async (onError, hints) => {
		const input = [{ id: devices()[0]?.id }, { id: unknownId }, { id: devices()[1]?.id }];
		const outcome = await device({ operation: 'get', deviceId: byId('={{ $json.id }}') }, { onError, input });
		expect([outcome.hints, outcome.error]).toEqual([hints, undefined]);
	});

	it('of a registration whose reply lacks a device is counted, too, though the run does not stop for it', async () => {
		const made = (name: string, n: number) => ({ id: `00000000-0000-4000-8000-00000000000${n}`, name, key: `K${n}` });
		const server = await serverThat(
			async (_, reply) => await reply.send({ devices: [made('A', 1), null, made('C', 3)] }),
		);
		const { items, error, hints } = await device(
			{ operation: 'register', name: '={{ $json.name }}' },
			{ credential: credential({ baseUrl: server.url }), input: [{ name: 'A' }, { name: 'B' }, { name: 'C' }] },
		);
		await server.close();
		expect([error, items.map(({ json }) => json.key)]).toEqual([undefined, ['K1', undefined, 'K3']]);
		expect(hints).toEqual(['1 of 3 items failed: see the column "error".']);
	});

	it('an incomplete credential fails each item instead of passing it on', async () => {
		const { items } = await device(
			{ operation: 'getAll' },
			{ credential: credential({ organizationId: ' ' }), onError: go, input: [{}, {}] },
		);
		expect(items.map(({ json: { error } }) => error)).toEqual(
			Array(2).fill('The Organization ID in the Hubble credential is empty'),
		);
	});
});

describe('The test of the credential', () => {
	const test = async (changed: IDataObject = {}) =>
		await methods.credentialTest.hubbleApiTest.call(new CredentialTestContext() as ICredentialTestFunctions, {
			id: '1',
			name: 'Test',
			type: 'hubbleApi',
			data: credential(changed),
		});

	it.each([
		[{}, 'OK', 'accepts the token'],
		[{ apiPaths: 'versioned' }, 'OK', 'accepts the token'],
		[{ apiToken: 'wrong' }, 'Error', 'does not accept this API Token'],
		[{ apiToken: '' }, 'Error', 'The API Token in the Hubble credential is empty'],
		[{ organizationId: unknownId }, 'Error', 'does not belong to the organization'],
		[{ organizationId: 'nonsense' }, 'Error', 'is not an ID such as'],
		[{ apiToken: 'a b' }, 'Error', 'contains a character that no token has'],
		[{ baseUrl: '' }, 'Error', 'The Base URL in the Hubble credential is empty'],
		[{ baseUrl: 'not a host' }, 'Error', 'is not an address'],
		[{ baseUrl: 'ftp://127.0.0.1' }, 'Error', 'does not begin with https://'],
		[{ baseUrl: 'http://127.0.0.1/?a=1' }, 'Error', 'contains a "?" or "#"'],
		[{ baseUrl: 'http://me:secret@127.0.0.1/' }, 'Error', 'contains a user name or password'],
		[{ baseUrl: 'http://127.0.0.1:1' }, 'Error', '(ECONNREFUSED)'],
	])('%j: %s, %s', async (changed, status, message) => {
		expect(await test(changed)).toMatchObject({ status, message: expect.stringContaining(message) });
	});

	it.each([' %s ', '%s/', '%s/api', '%s/v1/', '%s/api/v2', '%s/api/org/123'])(
		'finds the API behind the Base URL "%s"',
		async (form) => {
			expect(await test({ baseUrl: form.replace('%s', hubble.url) })).toMatchObject({ status: 'OK' });
			const { error } = await device(
				{ operation: 'getAll' },
				{ credential: credential({ baseUrl: form.replace('%s', hubble.url) }) },
			);
			expect(error).toBeUndefined();
		},
	);

	it('takes a token that was copied with its scheme', async () => {
		expect(await test({ apiToken: `Bearer ${hubble.token}` })).toMatchObject({ status: 'OK' });
		const apiToken = `Bearer ${hubble.token}`;
		expect((await device({ operation: 'getAll' }, { credential: credential({ apiToken }) })).error).toBeUndefined();
	});

	it('tells all that the key may not read at once, and refuses a key that may read nothing', async () => {
		const { main } = hubble.world;
		const devicesOnly = hubble.world.createKey(main, { scopes: ['read-devices'] }).token;
		const { status, message } = await test({ apiToken: devicesOnly });
		expect(status).toBe('OK');
		expect(message).not.toContain('read-devices');
		for (const scope of ['read-packets', 'read-webhooks', 'read-platform-metrics']) expect(message).toContain(scope);
		const nothing = hubble.world.createKey(main, { scopes: ['write-users'] }).token;
		expect(await test({ apiToken: nothing })).toMatchObject({
			status: 'Error',
			message: expect.stringMatching(/read-devices.*A key that only writes works without them$/),
		});
	});

	it('learns nothing of the key from a call that breaks off', async () => {
		hubble.addFault({ call: 'listInvoices', drop: true, times: 9 });
		expect(await test()).toEqual({ status: 'OK', message: 'Hubble accepts the token for this organization' });
	});

	it('takes a 429 for what it is, and tries once more', async () => {
		hubble.addFault({ call: 'checkKey', status: 429, times: 1 });
		expect(await test()).toMatchObject({ status: 'OK' });
		hubble.addFault({ call: 'checkKey', status: 429, times: 2 });
		expect(await test()).toMatchObject({ status: 'Error', message: expect.stringContaining('Hubble is busy') });
	});

	it.each([200, 404, 500])('is not taken in by a web server that answers %d', async (status) => {
		const server = await answering(status, '<html></html>');
		expect(await test({ baseUrl: server.url })).toMatchObject({
			status: 'Error',
			message: expect.stringContaining('check the Base URL'),
		});
		await server.close();
	});
});

describe('A reply to a registration that is not as the call', () => {
	const entry = (name: string, key = `key of ${name}`) => ({ device_id: `id of ${key}`, name, key });
	const [a, b, c] = [entry('A'), entry('B'), entry('C')];
	const registered = async (entries: unknown[], name?: string, onError?: Setup['onError']) => {
		const server = await answering(200, { devices: entries });
		const { items, hints, error } = await device(
			{ operation: 'register', simplify: false, ...(name ? { name } : {}) },
			{
				input: [{ name: 'A' }, { name: 'B' }, { name: 'C' }],
				onError,
				credential: credential({ baseUrl: server.url }),
			},
		);
		await server.close();
		expect(error).toBeUndefined();
		const given = items.map(({ json, pairedItem }) => [(pairedItem as { item: number }).item, json.key ?? json.error]);
		return { given, hints };
	};
	const unconfirmed = "Hubble's response does not include this item";
	const [keyA, keyB, keyC] = [a.key, b.key, c.key];
	const named = '={{ $json.name }}';

	it.each<[string, unknown[], string | undefined, Array<[number, string]>]>([
		[
			'an entry that is no object',
			[a, null, c],
			named,
			[
				[0, keyA],
				[1, unconfirmed],
				[2, keyC],
			],
		],
		[
			'an entry that is no object, without names',
			[a, 'B', c],
			undefined,
			[
				[0, keyA],
				[1, unconfirmed],
				[2, keyC],
			],
		],
		[
			'a missing entry',
			[a, c],
			named,
			[
				[0, keyA],
				[1, unconfirmed],
				[2, keyC],
			],
		],
		[
			'another order',
			[c, a, b],
			named,
			[
				[0, keyA],
				[1, keyB],
				[2, keyC],
			],
		],
		[
			'names as Hubble keeps them',
			[entry(' a', 'x'), { ...b, name: '' }, c],
			named,
			[
				[0, 'x'],
				[1, keyB],
				[2, keyC],
			],
		],
	])('leaves the others where they belong: %s', async (_, entries, name, expected) => {
		const isWhole = expected.every(([, key]) => key !== unconfirmed);
		const hints = isWhole ? [] : ['1 of 3 items failed: see the column "error".'];
		expect(await registered(entries, name)).toEqual({ given: expected, hints });
	});

	it.each<[string, unknown[], string | undefined, Array<[number, string]>]>([
		[
			'one more',
			[a, b, c, entry('D')],
			undefined,
			[
				[0, keyA],
				[1, keyB],
				[2, keyC],
				[2, 'key of D'],
			],
		],
		[
			'a name that nobody sent',
			[a, entry('D'), c],
			named,
			[
				[0, keyA],
				[1, unconfirmed],
				[2, keyC],
				[2, 'key of D'],
			],
		],
	])('loses no key, and says so: %s', async (_, entries, name, expected) => {
		const { given, hints } = await registered(entries, name, go);
		expect(given).toEqual(expected);
		expect(hints[0]).toContain('entries that no item asked for (1)');
	});
});
