/** Hubble Organization, Check Setup: what it finds, and that it never guesses. */
import { BinaryDataService } from 'n8n-core';
import type { IDataObject } from 'n8n-workflow';
import { HubbleOrganization } from '../../nodes/HubbleOrganization/HubbleOrganization.node';
import { READS } from '../../nodes/shared/client/scopes';
import { tables } from '../../tools/tables';
import { startSimulator, type Simulator } from '../simulator/server';
import { allScopes } from '../simulator/world';
import { answering, credentialFor, execute, serverThat } from './harness';

let hubble: Simulator;
const start = async (options: object = {}) => {
	hubble = await startSimulator({ devices: 20, packets: 20, days: 2, limits: false, ...options });
};
afterEach(async () => await hubble.close());

/** Runs the check where n8n has this address; gives its findings by name, and the hints. */
async function check(credential: IDataObject = {}, address = 'https://n8n.example.com') {
	const outcome = await execute({
		node: new HubbleOrganization(),
		parameters: { operation: 'checkSetup' },
		credential: credentialFor(hubble, credential as never),
		additionalData: { webhookWaitingBaseUrl: `${address}/webhook-waiting` },
	});
	expect(outcome.error).toBeUndefined();
	const checks = outcome.items.map(({ json }) => json);
	for (const { state, meaning, advice } of checks) {
		expect(String(meaning)).toMatch(/\.$/);
		expect(advice === '').toBe(state === 'ok');
	}
	const order = ['failed', 'warning', 'ok'];
	expect(checks.map(({ state }) => state)).toEqual(
		order.flatMap((is) => checks.flatMap(({ state }) => (state === is ? [is] : []))),
	);
	const found = (name: string) => checks.filter(({ check }) => check === name);
	return { found, hints: outcome.hints, names: checks.map(({ check }) => check) };
}

test('a token that Hubble refuses is a finding, and nothing is said of what it would show', async () => {
	await start();
	const { found, hints, names } = await check({ apiToken: 'wrong' });
	expect(found('API Token')).toMatchObject([
		{ state: 'failed', meaning: expect.stringContaining('expired') as string },
	]);
	expect(names).toEqual(['API Token', 'Storage of Files', 'Clock', 'Time Zone', 'Public URL']);
	const advice = 'Create a key in the dashboard of Hubble and put its token into the credential.';
	expect(hints).toEqual([`API Token failed: ${advice} Setup warning: Storage of Files.`]);
});

test('so is one of another organization', async () => {
	await start();
	const organizationId = 'ffffffff-ffff-4fff-bfff-ffffffffffff';
	const { found } = await check({ organizationId });
	expect(found('API Token')).toMatchObject([
		{ state: 'failed', meaning: `The token does not belong to the organization ${organizationId}.` },
	]);
});

test('so is an organization ID that Hubble does not take for one', async () => {
	await start();
	hubble.addFault({ call: 'checkKey', status: 400 });
	expect((await check()).found('API Token')).toMatchObject([
		{ state: 'failed', meaning: `The token does not belong to the organization ${hubble.organizationId}.` },
	]);
});

test.each([400, 403, 404])('a %d that is not Hubble’s is no finding about the token', async (status) => {
	await start();
	const server = await answering(status, { message: 'Forbidden' });
	const refused = await check({ baseUrl: server.url }).catch((error: Error) => error.message);
	await server.close();
	expect(refused).toContain(`The response is not from the Hubble API (HTTP ${status}`);
});

test('so is a token of which Hubble says another organization, which is named', async () => {
	await start();
	const other = 'ffffffff-ffff-4fff-bfff-ffffffffffff';
	const saying = (reply: object) => hubble.addFault({ call: 'checkKey', body: JSON.stringify(reply) });
	saying({ org_id: other.toUpperCase() });
	const { found, names } = await check();
	expect(found('API Token')).toEqual([
		{
			check: 'API Token',
			state: 'failed',
			meaning: `The token belongs to the organization ${other}.`,
			advice: 'Enter this ID as Organization ID in the credential.',
		},
	]);
	expect(names).not.toContain('Organization');
	for (const reply of [{ org_id: hubble.organizationId.toUpperCase() }, { ok: true }]) {
		saying(reply);
		expect((await check()).found('API Token')).toMatchObject([{ state: 'ok' }]);
	}
});

test.each([
	['database:1', 'warning', 'in its database, at most 512 MB each'],
	['filesystem-v2:1', 'ok', 'outside of its memory (filesystem)'],
])('a file that is stored as %s gives %s', async (id, state, says) => {
	await start();
	const stored = { data: '', mimeType: 'text/plain', id };
	jest.spyOn(BinaryDataService.prototype, 'store').mockResolvedValueOnce(stored);
	const { found } = await check();
	expect(found('Storage of Files')).toMatchObject([{ state, meaning: expect.stringContaining(says) as string }]);
});

test('webhooks and time zone are told in words where nothing needs to be done', async () => {
	await start();
	const { found } = await check();
	expect(found('Webhooks')).toMatchObject([
		{ state: 'ok', meaning: 'The organization has no webhook; two are possible. Nothing needs to be done.' },
	]);
	expect(found('Time Zone')).toMatchObject([
		{ state: 'ok', meaning: expect.stringMatching(/are in the time zone UTC\. To change it, /) as string },
	]);
});

test('scopes that are missing are named with the nodes that need them', async () => {
	await start();
	const without = ['read-packets', 'read-webhooks'];
	const token = hubble.createToken(allScopes.filter((scope) => !without.includes(scope)));
	const { found, names } = await check({ apiToken: token });
	expect(found('Scopes to Read')).toMatchObject([
		{
			state: 'warning',
			meaning:
				'The key lacks read-packets (packets:read) for Hubble Packet, Hubble Packet Poll Trigger; read-webhooks (webhooks:read) for Hubble Webhook, Hubble Packet Trigger.',
		},
	]);
	expect(names).not.toContain('Webhooks');
	expect(found('Organization')).toMatchObject([{ meaning: 'The organization is "Simulated Fleet" (production).' }]);
});

test('a 403 that is not Hubble’s is no lack of a scope, and nothing is said of scopes that could not be tested', async () => {
	await start();
	const server = await serverThat((request, reply) =>
		request.url.endsWith('/check')
			? reply.send({ org_id: hubble.organizationId })
			: reply.code(403).send({ message: 'Blocked' }),
	);
	const { found } = await check({ baseUrl: server.url });
	await server.close();
	expect(found('Scopes to Read')).toEqual([]);
	expect(found('Scopes to Read: read-devices')).toMatchObject([
		{ state: 'failed', meaning: 'The response is not from the Hubble API (HTTP 403).' },
	]);
});

test.each([
	[{}, 'has no name (production)'],
	[{ name: '', org_type: undefined }, 'has no name'],
	[{ name: 'Fleet', org_type: undefined }, '"Fleet"'],
])('an organization that is not named, %j, is named by its ID', async (metadata, said) => {
	await start();
	const { org_id, timezone, org_type } = hubble.world.main.metadata;
	hubble.world.main.metadata = { org_id, timezone, org_type, ...metadata } as never;
	const [{ state, meaning } = {}] = (await check()).found('Organization');
	const which = said.startsWith('"') ? said : `${org_id}, which ${said}`;
	expect([state, meaning]).toEqual(['ok', `The organization is ${which}.`]);
});

test('the nodes that are named are those that make calls with the scope', () => {
	for (const { endpoint, nodes } of READS) {
		const callers = Object.entries(tables).flatMap(([node, rows]) =>
			rows.some((row) => row.endpoint?.scope === endpoint.scope && row.endpoint?.path === endpoint.path) ? [node] : [],
		);
		expect(nodes.filter((node) => !node.endsWith('Trigger'))).toEqual(callers);
	}
});

test.each([
	// Hubble's clock is known to a second and the way of a reply.
	[90_000, /is (8\d|90) seconds behind/],
	[-90_000, /is 9\d seconds ahead of/],
])("Hubble's clock %d ms ahead of n8n's is told", async (skew, said) => {
	await start({ now: () => Date.now() + skew });
	expect((await check()).found('Clock')).toMatchObject([
		{ state: 'warning', meaning: expect.stringMatching(said) as string },
	]);
});

test.each([
	['https://n8n.example.com', 'ok'],
	['http://n8n.example.com', 'failed'],
	['https://192.168.1.4', 'failed'],
	['http://localhost:5678', 'failed'],
	['https://[fd00::1]', 'failed'],
])('the address %s is %s', async (address, state) => {
	await start();
	expect((await check({}, address)).found('Public URL')).toMatchObject([{ state }]);
});

const webhook = (url: string) => ({
	webhook_id: url,
	org_id: '',
	url,
	max_batch_size: 100,
	secret: 's',
	name: 'Hand',
});

test('a webhook of this n8n at which nobody listens is told with what to do, a stranger is not', async () => {
	await start();
	const own = 'https://n8n.example.invalid/webhook/x/hubble';
	for (const url of [own, 'https://elsewhere.example.com/x']) hubble.world.main.webhooks.set(url, webhook(url));
	const { found } = await check({}, 'https://n8n.example.invalid');
	expect(found('Webhooks')).toMatchObject([
		{ state: 'warning', meaning: `The webhook "Hand" at ${own} has the state "unknown".` },
	]);
});

test('a webhook at which another node of this n8n listens is no reason for a warning', async () => {
	await start();
	const methods = { 'access-control-allow-methods': 'OPTIONS, POST' };
	const n8n = await serverThat(async (_, reply) => await reply.code(204).headers(methods).send());
	const url = `${n8n.url}/webhook/orders`;
	hubble.world.main.webhooks.set(url, webhook(url));
	const { found } = await check({}, n8n.url);
	await n8n.close();
	expect(n8n.asked()).toBe(1);
	expect(found('Webhooks')).toMatchObject([
		{ state: 'ok', meaning: 'The organization has one webhook; two are possible. Nothing needs to be done.' },
	]);
});
