/** What single nodes do beyond their table: pickers, the PDF, warnings, refusals, and work as an agent's tool. */
import { BinaryDataService } from 'n8n-core';
import { NodeOperationError, type IDataObject, type IExecuteFunctions, type INode, type INodeType } from 'n8n-workflow';
import { objectOf } from '../../nodes/shared/client/json';
import { DEVICE_FIELDS } from '../../nodes/shared/device/device';
import { Outputs } from '../../nodes/shared/operation/run';
import { nodes } from '../nodes';
import { payloadLayout } from '../simulator/packets';
import { startSimulator, type Simulator } from '../simulator/server';
import { answering, credentialFor, execute, listed, type Outcome, type Setup } from './harness';

let hubble: Simulator;
beforeEach(async () => {
	hubble = await startSimulator({ devices: 2100, packets: 2100, days: 5, limits: false });
});
afterEach(async () => await hubble.close());

const nodeNamed = (name: string) => nodes[name] as INodeType;
const byId = (value: string) => ({ __rl: true, mode: 'id', value });

async function run(
	node: INodeType,
	parameters: IDataObject,
	input?: IDataObject[],
	{ url }: { url: string } = hubble,
): Promise<Outcome> {
	return await execute({
		node,
		parameters: parameters as never,
		credential: credentialFor(hubble, { baseUrl: url }),
		input,
	});
}

/** Runs a node against a server that gives the same answer to every request. */
async function runAgainst(answer: object | string, node: INodeType, parameters: IDataObject): Promise<Outcome> {
	const server = await answering(200, answer);
	try {
		return await run(node, parameters, undefined, server);
	} finally {
		await server.close();
	}
}

const jsonOf = ({ items }: Outcome) => items.map(({ json }) => json);

/** Runs something in the context of a node: a picker, or the node as it runs for an AI agent. */
function within(name: string, execution: (context: IExecuteFunctions, node: INodeType) => Promise<unknown>): INodeType {
	const node = nodeNamed(name);
	return {
		description: node.description,
		async execute(this: IExecuteFunctions) {
			return [[{ json: { result: (await execution(this, node)) as IDataObject } }]];
		},
	};
}

describe('pickers', () => {
	type Found = { results: Array<{ name: string; value: string }>; paginationToken?: string };
	async function search(
		name: string,
		filter?: string,
		paginationToken?: string,
		server = { url: hubble.url },
	): Promise<Found> {
		const picker = nodeNamed('Hubble Device').methods?.listSearch?.[name];
		const asked = within(
			'Hubble Device',
			async (context) => await picker?.call(context as never, filter, paginationToken),
		);
		const outcome = await run(asked, {}, undefined, server);
		if (outcome.error) throw outcome.error;
		return jsonOf(outcome)[0]?.result as unknown as Found;
	}

	test('devices come page by page, by name or ID', async () => {
		const first = await search('searchDevices');
		expect(first.results).toHaveLength(1000);
		const second = await search('searchDevices', '', first.paginationToken);
		const third = await search('searchDevices', '', second.paginationToken);
		expect(third.results).toHaveLength(100);
		expect(third.paginationToken).toBeUndefined();
		const all = [...first.results, ...second.results, ...third.results].map(({ value }) => value);
		expect(new Set(all)).toEqual(new Set(hubble.world.main.devices.keys()));
		const [last] = third.results;
		// The first two pages hold no match and are passed over.
		expect((await search('searchDevices', last?.name.toUpperCase())).results).toEqual([last]);
		expect((await search('searchDevices', last?.value)).results).toEqual([last]);
	});

	test('users come by name and email, by numbered pages', async () => {
		for (let n = 0; n < 100; n++) {
			const user_id = `user-${n}`;
			hubble.world.main.users.set(user_id, {
				user_id,
				email: `u${n}@example.com`,
				email_confirmed: true,
				created_at: 1,
				role: 'member',
			});
		}
		const first = await search('searchUsers');
		expect(first.results).toHaveLength(100);
		const names = first.results.map(({ name }) => name);
		expect(names).toContain('Operator 01 (operator01@example.com)');
		expect(names).toContain('u0@example.com');
		expect(names).toEqual([...names].sort((a, b) => a.localeCompare(b)));
		const second = await search('searchUsers', '', first.paginationToken);
		expect(second.results).toHaveLength(12);
		expect(second.paginationToken).toBeUndefined();
		expect((await search('searchUsers', 'OPERATOR03@')).results).toEqual(
			first.results.filter(({ name }) => name.includes('operator03@')),
		);
		// Only the second page holds it.
		expect((await search('searchUsers', 'u99@')).results.map(({ value }) => value)).toEqual(['user-99']);
	});

	test('a whole device ID is fetched, and may be unknown', async () => {
		const [device] = [...hubble.world.main.devices.values()] as Array<{ id: string; name: string }>;
		const { id = '', name } = device ?? {};
		expect(await search('searchDevices', ` ${id.toUpperCase()} `)).toEqual({ results: [{ name, value: id }] });
		expect(await search('searchDevices', 'ffffffff-ffff-4fff-bfff-ffffffffffff')).toEqual({ results: [] });
		expect(hubble.log.map(({ call }) => call)).toEqual(['getDevice', 'getDevice']);
	});

	test('a whole device ID of which only a proxy says that it is unknown is an error', async () => {
		const proxy = await answering(404, { message: 'no backend' });
		const found = search('searchDevices', 'ffffffff-ffff-4fff-bfff-ffffffffffff', undefined, proxy);
		const refused = await found.catch(({ message }: Error) => message);
		await proxy.close();
		expect(refused).toBe('The response is not from the Hubble API (HTTP 404)');
	});

	test('a search without a match ends after ten pages and can go on', async () => {
		for (let n = 0; n < 1100; n++) {
			const [user_id, email, created_at] = [`user-${n}`, `u${n}@example.com`, 1];
			hubble.world.main.users.set(user_id, { user_id, email, email_confirmed: true, created_at, role: 'member' });
		}
		const { results, paginationToken } = await search('searchUsers', 'nobody');
		expect(results).toEqual([{ name: expect.stringContaining('No match among 1,000'), value: '' }]);
		expect(hubble.log).toHaveLength(10);
		expect(await search('searchUsers', 'nobody', paginationToken)).toEqual({ results: [] });
		expect(hubble.log).toHaveLength(12);
	});

	test('webhooks, API keys and invoices come by what tells them apart', async () => {
		const { main } = hubble.world;
		const webhook = { webhook_id: 'w', org_id: '', url: 'https://a.example.com/x', max_batch_size: 10, secret: 's' };
		main.webhooks.set('w', webhook).set('v', { ...webhook, webhook_id: 'v', name: 'Second' });
		expect((await search('searchWebhooks')).results).toEqual([
			{ name: 'https://a.example.com/x', value: 'w' },
			{ name: 'Second (https://a.example.com/x)', value: 'v' },
		]);
		expect((await search('searchApiKeys', 'simu')).results).toEqual([
			{ name: 'Simulator', value: [...main.keys.keys()][0] },
		]);
		expect((await search('searchInvoices', '1004')).results).toEqual([
			{
				name: expect.stringMatching(/^SIM-1004 · 20\d\d-\d\d-\d\d · 149.50 \(draft\)$/),
				value: main.invoices[0]?.invoice_id,
			},
		]);
		expect((await search('searchInvoices', 'nothing')).results).toEqual([]);
		main.invoices.reverse();
		const { results } = await search('searchInvoices');
		expect(results.map(({ name }) => name.slice(0, 8))).toEqual(['SIM-1004', 'SIM-1003', 'SIM-1002', 'SIM-1001']);
		expect(results[3]?.name).toMatch(/152.50 \(paid\)$/);
		main.invoices.reverse();
	});

	test('the columns of the resource mapper are name, place, and each tag key of the fleet', async () => {
		const [device] = hubble.world.main.devices.values();
		Object.assign(device?.tags ?? {}, { 'cold.room': '1' });
		const { getDeviceColumns } = nodeNamed('Hubble Device').methods?.resourceMapping ?? {};
		const outcome = await run(
			within('Hubble Device', async (context) => await getDeviceColumns?.call(context as never)),
			{},
		);
		const { fields } = jsonOf(outcome)[0]?.result as unknown as { fields: Array<{ id: string; type: string }> };
		const tags = [...hubble.world.main.devices.values()].flatMap((each) => Object.keys(each.tags));
		const own = [...new Set(tags)].filter((key) => !key.startsWith('_')).map((key) => `tag:${key}`);
		expect(fields.map(({ id }) => id).slice(0, 5)).toEqual(['name', 'latitude', 'longitude', 'place', 'environment']);
		expect(new Set(fields.slice(5).map(({ id }) => id))).toEqual(new Set(own));
		expect(own).toContain('tag:cold.room');
		// n8n reads a blank cell of a number column as 0.
		expect(new Set(fields.map(({ type }) => type))).toEqual(new Set(['string']));
	});

	test('scopes and time zones come as options', async () => {
		const { getScopes, getTimezones } = nodeNamed('Hubble API Key').methods?.loadOptions ?? {};
		const load = async (method: typeof getScopes) => {
			const outcome = await run(
				within('Hubble API Key', async (context) => await method?.call(context as never)),
				{},
			);
			return jsonOf(outcome)[0]?.result as unknown as Array<{ name: string; value: string }>;
		};
		expect(await load(getScopes)).toHaveLength(16);
		expect(await load(getScopes)).toContainEqual({
			name: 'Read devices',
			value: 'read-devices',
			description: 'read-devices',
		});
		const zones = await load(getTimezones);
		expect(zones).toContainEqual({ name: 'Europe/Amsterdam', value: 'Europe/Amsterdam' });
		expect(zones).toContainEqual({ name: 'UTC', value: 'UTC' });
		expect(new Set(zones.map(({ value }) => value)).size).toBe(zones.length);
		for (const { value } of zones) expect(() => new Intl.DateTimeFormat('en', { timeZone: value })).not.toThrow();
	});
});

test('invoices come by the month in which they were issued', async () => {
	const { invoices } = hubble.world.main;
	const now = new Date();
	const first = (back: number) => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1) / 1000;
	const times = [first(0), first(0) - 1, first(1), first(1) - 1];
	const kept = invoices.map(({ issue_timestamp }) => issue_timestamp);
	invoices.forEach((one, n) => (one.issue_timestamp = times[n] ?? 0));
	const { items } = await run(nodeNamed('Hubble Billing'), {
		resource: 'invoice',
		operation: 'getAll',
		returnAll: true,
		filters: { period: 'lastMonth' },
	});
	expect(items.map(({ json }) => json.invoiceId)).toEqual(invoices.slice(1, 3).map(({ invoice_id }) => invoice_id));
	invoices.forEach((one, n) => (one.issue_timestamp = kept[n] ?? 0));
});

describe('invoice PDF', () => {
	const download = (ids: string[]) =>
		run(
			nodeNamed('Hubble Billing'),
			{ resource: 'invoice', operation: 'downloadPdf', invoiceId: byId('={{ $json.id }}') },
			ids.map((id) => ({ id })),
		);
	const pdfs = ({ items }: Outcome) => items.map(({ binary }) => binary?.data);

	test('goes out as a file named by the invoice number, the list fetched once', async () => {
		const { invoices } = hubble.world.main;
		const outcome = await download(invoices.slice(0, 3).map(({ invoice_id }) => invoice_id));
		const files = pdfs(outcome);
		expect(files.map((file) => file?.fileName)).toEqual(['SIM-1004.pdf', 'SIM-1003.pdf', 'SIM-1002.pdf']);
		expect(files.map((file) => file?.mimeType)).toEqual(Array(3).fill('application/pdf'));
		const text = Buffer.from(files[1]?.data ?? '', 'base64').toString('latin1');
		expect(text).toMatch(/^%PDF-1\.4/);
		expect(text).toContain('Invoice SIM-1003');
		expect(text).toMatch(/%%EOF\n$/);
		expect(hubble.log.filter(({ call }) => call === 'listInvoices')).toHaveLength(1);
	});

	test('has a name that is safe on every system', async () => {
		const [invoice] = hubble.world.main.invoices;
		if (invoice) invoice.invoice_number = '../../etc/pass wd\\äö:7.';
		expect(pdfs(await download([invoice?.invoice_id ?? '']))[0]?.fileName).toBe('-..-etc-pass wd-äö-7.pdf');
		if (invoice) invoice.invoice_number = '';
		expect(pdfs(await download([invoice?.invoice_id ?? '']))[0]?.fileName).toBe(`${invoice?.invoice_id}.pdf`);
	});

	test('that broke off on its way is fetched again', async () => {
		hubble.addFault({ call: 'getInvoicePdf', cutBody: 100 });
		const outcome = await download([hubble.world.main.invoices[0]?.invoice_id ?? '']);
		expect(Buffer.from(pdfs(outcome)[0]?.data ?? '', 'base64').toString('latin1')).toMatch(/%%EOF\n$/);
		expect(hubble.log.filter(({ call }) => call === 'getInvoicePdf')).toHaveLength(2);
	});

	test('that cannot be stored fails at once, and Hubble is not to blame', async () => {
		const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
		jest.spyOn(BinaryDataService.prototype, 'store').mockRejectedValueOnce(full);
		const { error } = await download([hubble.world.main.invoices[0]?.invoice_id ?? '']);
		expect(error?.message).toBe('ENOSPC: no space left on device, write');
		expect(hubble.log.filter(({ call }) => call === 'getInvoicePdf')).toHaveLength(1);
	});

	test('comes without the list too, which is asked for again', async () => {
		hubble.addFault({ call: 'listInvoices', status: 403 });
		const ids = hubble.world.main.invoices.slice(0, 3).map(({ invoice_id }) => invoice_id);
		const outcome = await download(ids);
		expect(outcome.error).toBeUndefined();
		expect(pdfs(outcome).map((file) => file?.fileName)).toEqual([`${ids[0]}.pdf`, 'SIM-1003.pdf', 'SIM-1002.pdf']);
		expect(outcome.items[0]?.json).toEqual({ invoiceId: ids[0], fileName: `${ids[0]}.pdf` });
		expect(outcome.hints).toEqual([expect.stringContaining('The list of invoices could not be read')]);
		expect(hubble.log.filter(({ call }) => call === 'listInvoices')).toHaveLength(2);
	});

	test.each([
		['JSON', { invoices: [null] }, 'The response has no PDF'],
		['an empty file', Buffer.alloc(0), 'The response has no PDF'],
	])('that is %s instead is no success', async (_, answer, says) => {
		const parameters = { resource: 'invoice', operation: 'downloadPdf', invoiceId: byId('in_1') };
		const { error, items } = await runAgainst(answer, nodeNamed('Hubble Billing'), parameters);
		expect(items).toEqual([]);
		expect(error?.message).toBe(says);
	});

	test('that is a web page says so', async () => {
		const page = await answering(200, '<p>Log in</p>', { 'content-type': 'text/html' });
		const parameters = { resource: 'invoice', operation: 'downloadPdf', invoiceId: byId('in_1') };
		const { error } = await run(nodeNamed('Hubble Billing'), parameters, undefined, page);
		await page.close();
		expect(error?.message).toBe('The response is not from the Hubble API (HTTP 200, a web page)');
	});

	test('that does not exist gives what Hubble says', async () => {
		const { error } = await download(['in_0']);
		expect(error?.message).toBe('Hubble has no invoice with the ID in_0');
		expect(error?.description).toContain('Hubble says: "Invoice in_0 was not found."');
	});
});

describe('API keys', () => {
	const never = { expiration: 'never' };
	const all = { access: 'all', ...never };
	const onDate = { access: 'all', expiration: 'date' };
	const create = (more: IDataObject) =>
		run(nodeNamed('Hubble API Key'), { resource: 'apiKey', operation: 'create', name: 'New', ...more });
	const sent = () => hubble.log.find(({ call }) => call === 'createKey')?.body;

	test('with all scopes get a warning; never to expire is a choice, too', async () => {
		const outcome = await create(all);
		expect(outcome.hints).toEqual(['A key with all scopes may do everything in the organization.']);
		expect(sent()).toEqual({ name: 'New', expires_at_seconds: 0 });
		expect(outcome.items[0]?.json).toMatchObject({ expiresAt: null });
		expect(outcome.hints.join()).not.toContain(outcome.items[0]?.json.key);
	});

	test.each(['create', 'update'])(
		'%s refuses a scope that Hubble does not have, and names those that it has',
		async (operation) => {
			const scopes = ['read-devices', 'read-moons'];
			const parameters = operation === 'create' ? { scopes, ...never } : { updateFields: { scopes } };
			const { error } = await create({ operation, keyId: byId('key_1'), ...parameters });
			expect(error?.message).toBe('"Scope Names or IDs": Hubble has no scope read-moons');
			expect(error?.description).toContain('read-devices, ');
			expect(hubble.log.map(({ call }) => call)).toEqual(['listScopes']);
		},
	);

	test('those with known scopes are created where Hubble does not list its scopes; the others fail', async () => {
		hubble.addFault({ call: 'listScopes', status: 403 });
		const parameters = {
			resource: 'apiKey',
			operation: 'create',
			name: 'New',
			scopes: '={{ $json.scopes }}',
			...never,
		};
		const input = [['read-devices'], ['read-moons']].map((scopes) => ({ scopes }));
		const { items } = await execute({
			node: nodeNamed('Hubble API Key'),
			parameters,
			credential: credentialFor(hubble, {}),
			input,
			onError: 'continueRegularOutput',
		});
		expect(items.map(({ json }) => [Boolean(json.key), json.error])).toEqual([
			[true, undefined],
			[false, expect.stringContaining('does not allow this')],
		]);
	});

	test.each(['access', 'expiration'])('an %s that an agent leaves out is no choice', async (name) => {
		const nothing = "={{ /*n8n-auto-generated-fromAI-override*/ ['', '$fromAI('][0] }}";
		const { error } = await create({ scopes: ['read-devices'], ...never, expires: '2040-01-01', [name]: nothing });
		expect(error?.message).toMatch(/^"(Access|Expiration)" is required$/);
		expect(hubble.log).toEqual([]);
	});

	test.each<[string, string, IDataObject]>([
		['Hubble API Key', 'create', { resource: 'apiKey', name: 'New', scopes: ['read-devices'], ...never }],
		['Hubble API Key', 'rotate', { resource: 'apiKey', keyId: byId('key_1'), ...never }],
		['Hubble Webhook', 'create', { url: 'https://example.com' }],
	])(
		'P24: %s: %s of several items would lose secrets where a failure stops the run',
		async (node, operation, parameters) => {
			const { error } = await run(nodeNamed(node), { operation, ...parameters }, [{}, {}]);
			expect(error?.message).toMatch(/^This would take a request for each of 2 items\. Set On Error to Continue /);
			expect(error?.description).toMatch(/^Hubble shows each (key|secret) only once/);
			expect(hubble.log).toEqual([]);
		},
	);

	describe('beside Retry On Fail', () => {
		const retried = async (
			name: string,
			parameters: IDataObject,
			onError?: Setup['onError'],
			input: IDataObject[] = [{}],
		) =>
			await execute({
				node: nodeNamed(name),
				parameters: parameters as never,
				input,
				credential: credentialFor(hubble),
				onError,
				retryOnFail: true,
			});
		const newKey = { resource: 'apiKey', name: 'New', scopes: ['read-devices'], ...never };
		const byName = { operation: 'createOrUpdate', matchBy: 'name', name: 'New' };
		const renamed = { __rl: true, mode: 'name', value: '={{ $json.id }}' };
		const named = { __rl: true, mode: 'name', value: 'ROÖM' };

		test.each<[string, IDataObject, string]>([
			['Hubble API Key', { operation: 'create', ...newKey }, 'key'],
			['Hubble API Key', { operation: 'rotate', resource: 'apiKey', keyId: byId('key_1'), ...never }, 'key'],
			['Hubble Device', { operation: 'register' }, 'key'],
			['Hubble Device', byName, 'key'],
			['Hubble Webhook', { operation: 'create', url: 'https://example.com' }, 'secret'],
		])('%s: %j asks Hubble nothing, whatever On Error says', async (name, parameters, shown) => {
			const stopped = await retried(name, parameters);
			const { items } = await retried(name, parameters, 'continueRegularOutput');
			const { errorItems, items: done } = await retried(name, parameters, 'continueErrorOutput');
			const message = `Turn off Retry On Fail (tab Settings), or a ${shown} could be lost`;
			expect([stopped.error?.message, items[0]?.json.error, errorItems[0]?.json.error]).toEqual(Array(3).fill(message));
			expect([done, hubble.log]).toEqual([[], []]);
		});

		test.each<[string, IDataObject]>([
			['Hubble Device', { operation: 'delete', deviceId: byId('={{ $json.id }}') }],
			['Hubble Webhook', { operation: 'delete', webhookId: byId('={{ $json.id }}') }],
			['Hubble Invitation', { operation: 'send', email: '={{ $json.id }}@example.com' }],
			[
				'Hubble Device',
				{
					operation: 'update',
					deviceId: byId('={{ $json.id }}'),
					updateFields: { destinationOrganizationId: '123e4567-e89b-12d3-a456-426614174000' },
				},
			],
			// The old name finds another device then, or none.
			['Hubble Device', { operation: 'update', deviceId: renamed, updateFields: { name: 'New' } }],
			[
				'Hubble Device',
				{
					operation: 'update',
					deviceId: renamed,
					fieldsFrom: 'columns',
					columns: { mappingMode: 'defineBelow', value: { name: 'New' }, schema: [] },
				},
			],
		])('%s: %j asks Hubble nothing for several items', async (name, parameters) => {
			const ids = ['3f2b8c1a-9d4e-4f6a-8b7c-5e1d2a3f4b60', '3f2b8c1a-9d4e-4f6a-8b7c-5e1d2a3f4b61'];
			const input = ids.map((id) => ({ id }));
			const message = 'Turn off Retry On Fail (tab Settings), or what succeeded would be done again';
			expect((await retried(name, parameters, undefined, input)).error?.message).toBe(message);
			expect(hubble.log).toEqual([]);
			// A single one n8n runs again as it is.
			await retried(name, parameters, undefined, input.slice(1));
			expect(hubble.log).not.toEqual([]);
		});

		test('several items are several where one is refused before it is sent', async () => {
			const parameters = { operation: 'send', email: '={{ $json.email }}' };
			const input = [{ email: '' }, { email: 'a@example.com' }];
			const { items } = await retried('Hubble Invitation', parameters, 'continueRegularOutput', input);
			expect(items[1]?.json.error).toMatch(/^Turn off Retry On Fail/);
			expect(hubble.log).toEqual([]);
		});

		test.each<[string, IDataObject, string | undefined]>([
			['Hubble API Key', { operation: 'getAll', resource: 'apiKey', limit: 1 }, undefined],
			['Hubble Device', { operation: 'getAll', limit: 1 }, undefined],
			// The same name in another form is no new one.
			[
				'Hubble Device',
				{ operation: 'update', deviceId: named, updateFields: { name: 'ROÖM'.normalize('NFD') } },
				'No device has the name "ROÖM"',
			],
			[
				'Hubble Device',
				{ operation: 'update', deviceId: byId('={{ $json.id }}'), updateFields: { name: 'New' } },
				undefined,
			],
			// It registers nothing.
			['Hubble Device', { ...byName, ifNoMatch: 'fail' }, 'No device has the name "New"'],
			['Hubble Device', { ...byName, ifNoMatch: 'skip' }, undefined],
		])('%s: %j does its work', async (name, parameters, message) => {
			const ids = [...hubble.world.main.devices.keys()].slice(0, 2).map((id) => ({ id }));
			expect((await retried(name, parameters, undefined, ids)).error?.message).toBe(message);
			expect(hubble.log).not.toEqual([]);
		});
	});

	test('an error item names the key that was to be rotated', async () => {
		const parameters = { resource: 'apiKey', operation: 'rotate', keyId: byId('key_0'), ...never };
		const setup = { node: nodeNamed('Hubble API Key'), parameters, credential: credentialFor(hubble, {}) };
		const { items } = await execute({ ...setup, onError: 'continueRegularOutput' });
		expect(items[0]?.json).toMatchObject({ keyId: 'key_0', error: expect.stringContaining('key_0') });
	});

	test('a key is validated as it was pasted', async () => {
		const key = `  Bearer ${hubble.token} `;
		const { items } = await create({ operation: 'validate', key });
		expect(items[0]?.json).toMatchObject({ valid: true });
	});

	test('expire in 90 days unless the user says otherwise', async () => {
		await create({ access: 'all' });
		const { expires_at_seconds: at } = sent() as { expires_at_seconds: number };
		expect(Math.abs(at - Date.now() / 1000 - 90 * 86_400)).toBeLessThan(4000);
	});

	test('expire after the days that were chosen, in an update, too', async () => {
		const at = () => Number(objectOf(hubble.log.at(-1)?.body).set_expires_at_seconds) - Date.now() / 1000;
		const [keyId = ''] = hubble.world.main.keys.keys();
		for (const [expiry, days] of [
			[{}, 90],
			[{ expireDays: 7 }, 7],
		] as Array<[IDataObject, number]>) {
			await create({ operation: 'update', keyId: byId(keyId), updateFields: { expiry: { expiry } } });
			expect(Math.abs(at() - days * 86_400)).toBeLessThan(4000);
		}
	});

	test('with scopes get no warning; both spellings do', async () => {
		const scopes = '={{ ["devices:read", "write-devices", "read-devices"] }}';
		const outcome = await create({ scopes, expiration: 'date', expires: '2099-01-01' });
		expect(outcome.hints).toEqual([]);
		expect(sent()).toEqual({
			name: 'New',
			scopes: ['read-devices', 'write-devices'],
			expires_at_seconds: 4_070_908_800,
		});
	});

	const nothing = ['={{ $json.missing }}', '={{ null }}', '={{ "" }}', '={{ [] }}', '={{ ["", null] }}'];
	test.each([
		...nothing.map((scopes) => ['Scope Names or IDs', { scopes, ...never }, 'the expression returned no value']),
		...nothing.map((expires) => ['Expires', { ...onDate, expires }, 'the expression returned no value']),
		...nothing.map((expireDays) => [
			'Expires After (Days)',
			{ access: 'all', expireDays },
			'the expression returned no value',
		]),
		['Expires After (Days)', { access: 'all', expireDays: 0 }, 'is not a number from 1'],
		['Expires After (Days)', { access: 'all', expireDays: '' }, 'is required'],
		['Expires', { ...onDate, expires: '={{ new Date(null) }}' }, 'is in the past'],
		['Expires', { ...onDate, expires: '={{ 0.5 }}' }, 'is not a date and time'],
		['Expires', { ...onDate, expires: '2020-01-01' }, 'is in the past'],
		['Scope Names or IDs', { scopes: '={{ "read-devices," }}', ...never }, 'has an empty part'],
		['Scope Names or IDs', { scopes: '={{ 7 }}', ...never }, 'is not a scope'],
		['Scope Names or IDs', { scopes: '={{ {a: 1} }}', ...never }, 'is not a text'],
		['Access', { access: '={{ "everything" }}', scopes: ['read-devices'], ...never }, 'is not one of'],
		[
			'Access',
			{ access: '={{ $json.missing }}', scopes: ['read-devices'], ...never },
			'the expression returned no value',
		],
	] as Array<[string, IDataObject, string]>)('are not made mightier: %s %j', async (parameter, more, reason) => {
		const { error } = await create(more);
		expect(error?.message).toContain(`"${parameter}"`);
		expect(error?.message).toContain(reason);
		expect(hubble.log).toEqual([]);
	});

	test('that would have expired an hour ago are not made, though no reply has shown the time yet', async () => {
		const expires = new Date(Date.now() - 3_600_000).toISOString();
		expect((await create({ ...onDate, expires })).error?.message).toBe('"Expires" is in the past');
		expect(hubble.log.map(({ call }) => call)).toEqual(['checkKey']);
	});

	test('without a choice are not made at all: n8n marks the parameter', async () => {
		await expect(create({ scopes: [], ...never })).rejects.toThrow('issues');
		await expect(create({ ...onDate, expires: '' })).rejects.toThrow('issues');
		expect(hubble.log).toEqual([]);
	});

	describe('that are updated', () => {
		const update = async (fields: IDataObject) => {
			const [keyId = ''] = hubble.world.main.keys.keys();
			const updateFields = { name: 'Renamed', ...fields };
			return await run(nodeNamed('Hubble API Key'), { operation: 'update', keyId: byId(keyId), updateFields });
		};

		test.each([
			[{ expiration: 'never' }, { set_name: 'Renamed', set_expires_at_seconds: 0 }],
			[
				{ expiration: 'date', expires: '2099-01-01' },
				{ set_name: 'Renamed', set_expires_at_seconds: 4_070_908_800 },
			],
		])('expire as %j says', async (expiry, body) => {
			expect((await update({ expiry: { expiry } })).error).toBeUndefined();
			expect(hubble.log.map((entry) => entry.body)).toEqual([body]);
		});

		test.each([
			['Expiration', { expiry: { expiry: { expiration: 'date', expires: '' } } }],
			['Expiration', { expiry: { expiry: { expireDays: '' } } }],
			['Expiration', { expiry: { expiry: { expiration: 'date', expires: '={{ $json.missing }}' } } }],
			['Expiration', { expiry: { expiry: { expiration: '={{ "some day" }}' } } }],
			...nothing.map((scopes): [string, IDataObject] => ['Scope Names or IDs', { scopes }]),
			['Scope Names or IDs', { scopes: [] }],
			['Name', { name: '' }],
		])('refuse what says nothing: %s %j', async (parameter, fields) => {
			expect((await update(fields)).error?.message).toContain(`"${parameter}"`);
			expect(hubble.log).toEqual([]);
		});
	});

	describe('that are rotated', () => {
		const rotation = { resource: 'apiKey', operation: 'rotate', ...never };
		const rotated = async () => {
			const old = hubble.world.createKey(hubble.world.main, { name: 'Old', scopes: ['read-devices'] }).key;
			const outcome = await run(nodeNamed('Hubble API Key'), { ...rotation, keyId: byId(old.key_id) });
			const names = [...hubble.world.main.keys.values()].filter(({ key_name }) => key_name === 'Old');
			return { ...outcome, old, left: names.map(({ key_id }) => key_id) };
		};

		test('P23: have the same scopes, and the old one is gone once the new one works', async () => {
			const { items, old, left } = await rotated();
			expect(items[0]?.json).toMatchObject({ keyName: 'Old', scopes: ['read-devices'], oldKeyDeleted: true });
			expect(left).toEqual([items[0]?.json.keyId]);
			expect(left).not.toContain(old.key_id);
		});

		test.each([[[]], [null], [undefined]])('stay where Hubble lists %j as their scopes', async (scopes) => {
			const { key } = hubble.world.createKey(hubble.world.main, { name: 'Old' });
			Object.assign(key, { scopes });
			const { error } = await run(nodeNamed('Hubble API Key'), { ...rotation, keyId: byId(key.key_id) });
			expect(error?.message).toBe(`Hubble does not list the scopes of the API key ${key.key_id}`);
			expect(error?.description).toMatch(/^Nothing was created or deleted: /);
			expect(hubble.log.map(({ call }) => call).filter((call) => call !== 'checkKey')).toEqual(['listKeys']);
		});

		test('P23: stay when the new one does not work, which is not left behind', async () => {
			hubble.addFault({ call: 'checkKey', status: 401 });
			const { items, error, old, left } = await rotated();
			expect(items).toEqual([]);
			expect(error?.message).toContain('Could not confirm that the new API key');
			expect(left).toEqual([old.key_id]);
		});

		test('say which key is left when the new one neither works nor can be deleted', async () => {
			hubble.addFault({ call: 'checkKey', status: 401 });
			hubble.addFault({ call: 'deleteKey', status: 403 });
			const { items, error, old, left } = await rotated();
			expect(items).toEqual([]);
			const [created] = left.filter((id) => id !== old.key_id);
			expect(error?.message).toBe(
				`Could not confirm that the new API key ${created} works, and it may still exist; the old key was kept`,
			);
			expect(error?.description).toMatch(
				/X-Request-ID: \S+ Delete the new key yourself if it still exists: .*X-Request-ID/,
			);
			expect(left).toHaveLength(2);
		});

		test.each([
			['Hubble refuses the token', { status: 401, times: 2 }],
			['no reply to the deletion is whole', { status: 503, times: 9 }],
		])('say that nobody knows whether the old one is gone, where %s', async (_, fault) => {
			hubble.addFault({ call: 'deleteKey', ...fault });
			const { items, hints, old } = await rotated();
			expect(items[0]?.json).toMatchObject({ key: expect.any(String), oldKeyDeleted: null });
			expect(hints).toEqual([expect.stringContaining(`${old.key_id} may have been deleted or not: `)]);
		});

		test('give the new one even when the old one cannot be deleted', async () => {
			hubble.addFault({ call: 'deleteKey', status: 403 });
			const { items, hints, old, left } = await rotated();
			expect(items[0]?.json).toMatchObject({ key: expect.any(String), oldKeyDeleted: false });
			expect(hints).toEqual([expect.stringContaining(old.key_id)]);
			expect(JSON.stringify(hints)).not.toContain(items[0]?.json.key);
			expect(left).toHaveLength(2);
		});
	});

	test('are validated by the credential, or by the key that is given', async () => {
		const validate = async (key?: string) =>
			await run(nodeNamed('Hubble API Key'), { resource: 'apiKey', operation: 'validate', ...(key ? { key } : {}) });
		const { token } = hubble.world.createKey(hubble.world.main, { scopes: [] });
		expect(jsonOf(await validate())[0]).toMatchObject({ valid: true });
		expect(jsonOf(await validate(token))[0]).toMatchObject({ valid: true });
		const { error } = await validate('some.other.key');
		expect(error?.message).toBe('Hubble does not accept the API token');
		expect(error?.description).toMatch(/The key is wrong, expired or revoked\. It is not the token in the credential/);
		// The credential's own one, pasted.
		hubble.world.tokens.delete(hubble.token);
		expect((await validate(hubble.token)).error?.description).toMatch(/save it in the credential/);
	});

	test.each(['update', 'delete', 'rotate'])(
		'%s: a key in the place of its ID is not sent, and not shown',
		async (operation) => {
			const key = ['eyJhbGciOiJIUzI1NiJ9', 'eyJrIjoxfQ', 'c2lnbmF0dXJl'].join('.');
			for (const value of [key, `Bearer ${key}`]) {
				const { error } = await create({ operation, keyId: byId(value), ...never });
				expect(error?.message).toBe('"API Key" is a key, not an ID');
				expect(String(error?.description)).not.toContain('eyJ');
			}
			expect(hubble.log).toEqual([]);
		},
	);

	test.each(['two words', 'schlüssel', 'line\nbreak'])(
		'are not sent with a character that none has: %j',
		async (key) => {
			const { error } = await create({ operation: 'validate', key });
			expect(error?.message).toBe('"Key" contains a character that no key has');
			expect(hubble.log).toEqual([]);
		},
	);

	test('whose reply is lost leave no key behind in the error', async () => {
		hubble.addFault({ call: 'createKey', cutBody: 200 });
		const { error, items } = await create(all);
		expect(items).toEqual([]);
		expect(error?.description).toContain('The request may still have succeeded');
		expect(hubble.log.filter(({ call }) => call === 'createKey')).toHaveLength(1);
		for (const key of hubble.world.tokens.keys()) expect(JSON.stringify(error)).not.toContain(key.slice(0, 30));
	});
});

describe('the chart of the metrics', () => {
	const chart = async (parameters: IDataObject = {}) =>
		jsonOf(await run(nodeNamed('Hubble Metric'), { operation: 'createChart', ...parameters }))[0] ?? {};
	/** The columns of the chart with this description: what their tooltips say. */
	const columnsOf = (html: unknown, description: string) => {
		const [, svg = ''] = new RegExp(`aria-label="${description}">([^]*?)</svg>`).exec(String(html)) ?? [];
		return [...svg.matchAll(/<title>([^<]*)/g)].map(([, title]) => title);
	};
	const rowsOf = async (parameters: IDataObject) =>
		jsonOf(await run(nodeNamed('Hubble Metric'), { ...parameters })).map((row) => ({
			...row,
			time: String(row.timestamp),
		})) as Array<IDataObject & { time: string }>;

	it('has a column for each day and each month that is over, and their sums', async () => {
		const { html, ...figures } = await chart({ days: 4 });
		const days = await rowsOf({ operation: 'getPacketMetrics', days: 4, interval: 'day' });
		const texts = days.map(
			({ time, totalPackets: all }) => `${time.slice(0, 10)}: ${Number(all).toLocaleString('en')}`,
		);
		const columns = columnsOf(html, 'Packets over time');
		expect(columns).toEqual(texts.map((text, index) => `${text} packets${index === days.length - 1 ? ' so far' : ''}`));
		const months = await rowsOf({ operation: 'getDeviceMetrics', days: 365, interval: 'month' });
		expect(columnsOf(html, 'Devices over time')).toEqual(
			months.slice(0, -1).flatMap((row) => {
				if (!row.registeredDevices) return [];
				const [active, registered] = [row.activeDevices, row.registeredDevices].map((n) =>
					Number(n).toLocaleString('en'),
				);
				return `${row.time.slice(0, 7)}: ${active} active of ${registered}`;
			}),
		);
		const packets = days.reduce((sum, row) => sum + Number(row.totalPackets), 0);
		expect(figures).toMatchObject({ title: 'Metrics', packets, devices: hubble.world.main.devices.size });
	});

	it('puts several days into a column where there are many, so that a mail stays short', async () => {
		const { html } = await chart({ days: 365, options: { htmlInJson: 'mail' } });
		expect(String(html).length).toBeLessThan(90_000);
		const columns = columnsOf((await chart({ days: 365 })).html, 'Packets over time');
		expect(columns).toHaveLength(53);
		expect(columns.at(-2)).toMatch(/^\d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d: /);
	});
});

describe('metrics', () => {
	const metrics = (more: IDataObject) => run(nodeNamed('Hubble Metric'), { operation: 'getPacketMetrics', ...more });

	test('come as one item for each interval, or as one with all', async () => {
		const rows = jsonOf(await metrics({ days: 3, interval: 'day' }));
		expect(rows).toHaveLength(4);
		const [summary, ...rest] = jsonOf(await metrics({ days: 3, interval: 'day', output: 'summary' }));
		expect(rest).toEqual([]);
		expect(summary).toEqual({ totalPackets: expect.any(Number) as number, buckets: rows });
	});

	test.each([
		['hour', 1],
		['day', 3],
		['month', 60],
	])('mark the %s that is still running, and leave it out on demand', async (interval, days) => {
		for (const chosen of [interval, 'automatic']) {
			const rows = jsonOf(await metrics({ days, interval: chosen }));
			expect(rows.map(({ isRunning }) => isRunning)).toEqual(rows.map((_, index) => index === rows.length - 1));
			const whole = jsonOf(await metrics({ days, interval: chosen, includeRunning: false }));
			expect(whole).toEqual(rows.slice(0, -1));
		}
	});

	test('leave the interval to Hubble when it is automatic', async () => {
		expect(jsonOf(await metrics({ days: 1 }))).toHaveLength(25);
		expect(hubble.log.map(({ query }) => query)).toEqual([{ days: '1' }]);
	});

	test('of more than 365 intervals are refused before the call, with the numbers', async () => {
		expect(jsonOf(await metrics({ days: 15, interval: 'hour' }))).toHaveLength(361);
		hubble.clearLog();
		const { error } = await metrics({ days: 16, interval: 'hour' });
		expect(error?.message).toBe('"Interval": hourly data covers at most 15 days. Reduce Days Back or choose Day');
		expect(hubble.log).toEqual([]);
	});
});

test.each([
	['Hubble API Key', { resource: 'apiKey', operation: 'create', name: 'New', access: 'all' }, 'key', true],
	['Hubble Webhook', { operation: 'create', url: 'https://n8n.example.com/' }, 'secret', true],
	['Hubble Metric', { operation: 'getPacketMetrics' }, 'buckets', false],
])('%s: an answer without what was asked for is no success', async (name, parameters, field, isWrite) => {
	const { error, items } = await runAgainst({}, nodeNamed(name), parameters);
	const other = await runAgainst({ [field]: 1 }, nodeNamed(name), parameters);
	expect([items, other.items]).toEqual([[], []]);
	expect(other.error?.message).toBe(`The response has no "${field}" field`);
	expect(error?.description?.includes('Check before you run it again')).toBe(isWrite);
});

test.each([
	['Hubble Organization User', 'getAll', 'users'],
	['Hubble Webhook', 'getAll', 'webhooks'],
	['Hubble Metric', 'getApiMetrics', 'buckets'],
])('%s: what is no row in the list "%s" is left out', async (name, operation, list) => {
	const row = { email: 'a@example.com' };
	const outcome = await runAgainst({ [list]: [null, row, 'x'] }, nodeNamed(name), { operation });
	expect(outcome.error).toBeUndefined();
	expect(jsonOf(outcome)).toEqual([expect.objectContaining(row)]);
});

describe('an organization', () => {
	const update = async (updateFields: IDataObject) =>
		await run(nodeNamed('Hubble Organization'), { operation: 'update', updateFields });

	test.each([
		['Name', { name: '  ' }],
		['Address', { address: { address: { country: 528 } } }],
		['Contact', { contact: { contact: { phoneNumber: '12' } } }],
		['Timezone Name or ID', { timezone: '={{ "Mars/Olympus" }}' }],
		['Timezone Name or ID', { timezone: '={{ "+01:00" }}' }],
	])('is not updated by what would spoil it: %s', async (parameter, fields) => {
		expect((await update(fields)).error?.message).toContain(`"${parameter}"`);
		expect(hubble.log).toEqual([]);
	});

	test('gets a name without spaces around it, and an address with a city alone', async () => {
		expect((await update({ name: ' Fleet ', address: { address: { city: 'Rotterdam' } } })).error).toBeUndefined();
		expect(hubble.log[0]?.body).toEqual({ set_name: 'Fleet', set_address: { city: 'Rotterdam' } });
	});

	test.each([
		[{ phoneNumber: '+12065550100', email: '' }, { phoneNumber: '+12065550100' }],
		[{ phoneNumber: '', email: 'ops@example.com' }, { email: 'ops@example.com' }],
	])('gets a contact of one field: %j', async (contact, sent) => {
		expect((await update({ contact: { contact }, timezone: 'Europe/Berlin' })).error).toBeUndefined();
		expect(hubble.log[0]?.body).toEqual({ set_contact_info: sent, set_timezone: 'Europe/Berlin' });
	});
});

test.each([
	['Hubble Organization', {}],
	['Hubble Organization User', { userId: byId('3f2b8c1a-9d4e-4f6a-8b7c-5e1d2a3f4b60') }],
	['Hubble Webhook', { webhookId: byId('w') }],
	['Hubble API Key', { resource: 'apiKey', keyId: byId('k') }],
	['Hubble Device', { deviceId: byId('3f2b8c1a-9d4e-4f6a-8b7c-5e1d2a3f4b60') }],
])('%s: an update of nothing is refused before the call', async (name, parameters) => {
	const { error } = await run(nodeNamed(name), { ...parameters, operation: 'update' });
	expect(error?.message).toBe('"Fields to Update": add at least one field');
	expect(hubble.log).toEqual([]);
});

/** The node as n8n makes a tool of it: with a type of its own. */
const toolOf = (name: string): INodeType => ({
	description: { ...nodeNamed(name).description, name: `${nodeNamed(name).description.name}Tool` },
	async execute(this: IExecuteFunctions) {
		return (await nodeNamed(name).execute?.call(this)) as never;
	},
});

test('a failure that a tool throws twice has its explanation once', () => {
	const node = { name: 'Devices', type: 'n8n-nodes-hubble.hubbleDeviceTool' } as INode;
	const context = { getNode: () => node, getInputData: () => [{}], getExecutionCancelSignal: () => undefined };
	const outputs = new Outputs(context as never, undefined, false);
	const failure = new NodeOperationError(node, 'Refused', { description: 'Why.' });
	for (let times = 0; times < 2; times++) expect(() => outputs.fail(0, failure)).toThrow(/^Refused\. Why\.$/);
});

describe('as the tool of an AI agent', () => {
	test('it takes no columns from what the agent was given', async () => {
		const mapped = { mappingMode: 'autoMapInputData', value: null };
		const parameters = { operation: 'register', fieldsFrom: 'columns', columns: mapped, shareSecrets: true };
		const { error } = await run(toolOf('Hubble Device'), parameters as never);
		expect(error?.message).toMatch(/^"Columns": an AI agent needs Map Each Column Manually/);
		expect(hubble.log).toEqual([]);
	});

	test('Return All ends at a hundred short rows and says so', async () => {
		const rows = jsonOf(await run(toolOf('Hubble Device'), { operation: 'getAll', returnAll: true, simplify: false }));
		expect(rows).toHaveLength(101);
		expect(Object.keys(rows[0] ?? {})).toEqual(DEVICE_FIELDS);
		expect(rows[100]).toEqual({ note: expect.stringContaining('More results exist') as string });
	});

	const some = { output: 'selected', outputFields: ['rssi', 'deviceName'] };
	test.each([
		['Hubble Device', { output: 'raw' }, expect.arrayContaining(['id', 'created_ts'])],
		['Hubble Device', { output: 'selected' }, ['deviceId']],
		[
			'Hubble Device',
			{ output: 'selected', outputFields: ['lastPacketAt', 'name'] },
			['name', 'lastPacketAt', 'deviceId'],
		],
		['Hubble Packet', some, ['deviceName', 'rssi', 'packetKey']],
		['Hubble Packet', { ...some, decodePayload: 'hex' }, ['deviceName', 'rssi', 'packetKey', 'decoded']],
		['Hubble Packet', { output: 'simplified' }, expect.arrayContaining(['timestamp', 'networkType'])],
	])('%s: the model reads what %j leaves', async (name, output, fields) => {
		const [row] = jsonOf(await run(toolOf(name), { operation: 'getAll', limit: 1, ...output }));
		expect(Object.keys(row ?? {})).toEqual(fields);
	});

	test('a registration gives a tool its key, short as ever', async () => {
		const [row] = jsonOf(await run(toolOf('Hubble Device'), { operation: 'register', shareSecrets: true }));
		expect(Object.keys(row ?? {})).toContain('key');
		expect(Object.keys(row ?? {})).toContain('deviceId');
	});

	test('a hundred rows are the most for what comes in one reply, too', async () => {
		const rows = jsonOf(
			await run(toolOf('Hubble Metric'), { operation: 'getPacketMetrics', days: 361, interval: 'day' }),
		);
		expect(rows).toHaveLength(101);
		expect(rows[100]).toEqual({
			note: 'The latest 100 of 362 intervals. Ask for fewer days, or for longer intervals.',
		});
		expect(rows[99]).toMatchObject({ isRunning: true });
	});

	const summaryOfHours = { operation: 'summarize', groupBy: 'device', interval: 'hour', returnAll: true };
	const everyValue = {
		filters: { values: listed({ value: [{ field: byId('temperature'), condition: 'above', than: '-99' }] }) },
	};
	const drawn = { reportValues: { row: [{ field: byId('temperature') }] } };
	test.each([
		['Hubble Packet', { ...summaryOfHours, period: 'last7Days' }, 101],
		[
			'Hubble Packet',
			{ operation: 'getLatest', returnAll: true, output: 'raw', options: { includeSilent: true } },
			101,
		],
		['Hubble Packet', { operation: 'getAll', returnAll: true, output: 'raw', ...everyValue }, 101],
		['Hubble Packet', { operation: 'count', ...everyValue }, 1],
		['Hubble Packet', { operation: 'count', groupBy: 'device' }, 101],
		['Hubble Packet', { operation: 'export', ...everyValue }, 1],
		['Hubble Packet', { operation: 'createReport', ...drawn, options: { htmlInJson: 'page' } }, 1],
		['Hubble Device', { operation: 'createReport', ...drawn, options: { htmlInJson: 'page' } }, 1],
		['Hubble Organization', { operation: 'checkSetup' }, 7],
	])('%s: %j gives a model what it can read, however large the fleet', async (name, parameters, most) => {
		const decoding = { decodePayload: 'layout', payloadLayout };
		const outcome = await run(toolOf(name), { ...decoding, ...parameters });
		expect([outcome.error, outcome.items.length]).toEqual([undefined, most]);
		expect(JSON.stringify(jsonOf(outcome)).length).toBeLessThan(most === 1 ? 4000 : 100_000);
	});

	test('of more groups of packets than a model can read, those with the most, and how many the others have', async () => {
		const rows = jsonOf(await run(toolOf('Hubble Packet'), { operation: 'count', groupBy: 'device' }));
		const { note } = rows[100] ?? {};
		const [, groups = '', packets = ''] = /The other ([\d,]+) have ([\d,]+) packets together/.exec(String(note)) ?? [];
		const number = (text: string) => Number(text.replace(/,/g, ''));
		const shown = rows.slice(0, 100).reduce((sum, { count }) => sum + Number(count), 0);
		const [all] = jsonOf(await run(toolOf('Hubble Packet'), { operation: 'count' }));
		expect(shown + number(packets)).toBe(all?.count);
		expect(number(packets)).toBeLessThanOrEqual(number(groups) * Number(rows[99]?.count));
	});

	test('a failure says in its message what Hubble said: a model reads nothing else', async () => {
		const failed = async (node: INodeType) => {
			hubble.addFault({ call: 'listDevices', status: 400 });
			const { error } = await run(node, { operation: 'getAll' });
			return [error?.message, error?.description];
		};
		const [message, description] = await failed(nodeNamed('Hubble Device'));
		expect(description).toMatch(/^Hubble says: "An unknown error has occurred\." /);
		const [toModel = '', more] = await failed(toolOf('Hubble Device'));
		const withoutId = (text = '') => text.replace(/ X-Request-ID: \S+$/, '');
		expect(withoutId(toModel)).toBe(`${message}. ${withoutId(description)}`);
		expect(more).toBe(toModel.slice(`${message}. `.length));
	});

	test('a limit below that is kept and said, and rows that are all there get no note', async () => {
		const cut = jsonOf(await run(toolOf('Hubble Device'), { operation: 'getAll', limit: 10 }));
		expect(cut).toHaveLength(11);
		expect(cut[10]).toEqual({ note: expect.stringContaining('More results exist') as string });
		expect(
			jsonOf(await run(toolOf('Hubble Organization User'), { operation: 'getAll', returnAll: true })),
		).toHaveLength(12);
	});
});

describe('as the tool of an AI agent or not', () => {
	test('elsewhere Output is no parameter, and Simplify says what comes', async () => {
		const parameters = { operation: 'getAll', limit: 1, output: 'selected', simplify: false };
		const [row] = jsonOf(await run(nodeNamed('Hubble Device'), parameters));
		expect(row).toHaveProperty('created_ts');
	});

	test.each([
		['Hubble API Key', { resource: 'apiKey', operation: 'create', name: 'New', access: 'all', expiration: 'never' }],
		['Hubble Device', { operation: 'register' }],
		['Hubble Webhook', { operation: 'create', url: 'https://n8n.example.com/' }],
	])('%s: what puts out a secret runs only when the model may read it', async (name, parameters) => {
		const node = nodeNamed(name);
		const tool: INodeType = {
			...node,
			description: { ...node.description, name: `${node.description.name}Tool` },
			execute: node.execute,
		};
		const { error, items } = await run(tool, parameters);
		expect(error?.message).toMatch(/^"Share Secrets With Model": turn it on/);
		expect([items, hubble.log]).toEqual([[], []]);
		expect((await run(tool, { ...parameters, shareSecrets: true })).error).toBeUndefined();
		expect((await run(node, parameters)).error).toBeUndefined();
	});

	test('a limit that the model leaves out is the default, where n8n does not tell that it is a tool, too', async () => {
		const limit = "={{ /*n8n-auto-generated-fromAI-override*/ [undefined, '$fromAI('][0] }}";
		expect(jsonOf(await run(nodeNamed('Hubble Device'), { operation: 'getAll', limit }))).toHaveLength(50);
	});

	test.each([
		[2099, 'More results exist than the Limit of 2099'],
		[2000, 'There may be more results than the Limit of 2000'],
		[2100, undefined],
		[20, 'More results exist than the Limit of 20'],
	])('of 2,100 devices, a limit of %i: %s', async (limit, said) => {
		const { hints } = await run(nodeNamed('Hubble Device'), { operation: 'getAll', limit });
		expect(hints).toEqual(said ? [expect.stringContaining(said)] : []);
	});
});

test('the first run of a process reads periods by Hubble’s clock, not by n8n’s', async () => {
	const HOUR = 3600;
	const behind = await startSimulator({
		devices: 5,
		packets: 5,
		days: 1,
		limits: false,
		now: () => Date.now() - 6e3 * HOUR,
	});
	try {
		const begun = Date.now() / 1000 - 6 * HOUR;
		const get = async (node: string, parameters: IDataObject) =>
			await execute({
				node: nodeNamed(node),
				parameters: { operation: 'getAll', returnAll: true, ...parameters },
				credential: credentialFor(behind),
			});
		expect((await get('Hubble Packet', { resource: 'packet' })).error).toBeUndefined();
		const end = Number(objectOf(behind.log.find(({ call }) => call === 'listPackets')?.query).end);
		expect(Math.abs(end - begun)).toBeLessThan(60);
		expect(behind.log.map(({ call }) => call).slice(0, 2)).toEqual(['checkKey', 'checkKey']);
	} finally {
		await behind.close();
	}
});
