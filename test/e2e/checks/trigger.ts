/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import axios from 'axios';
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { packetKey, type Packet } from '../../../nodes/shared/packet/packet';
import { partnerEvents } from '../../simulator/delivery';
import { secrets } from '../../simulator/secrets';
import { type Simulator, startSimulator } from '../../simulator/server';
import type { Webhook } from '../../simulator/world';
import type { Check, Stage } from '../check';
import { credentialData, readExample } from '../mainJob';
import { type Json, type N8n, startN8n, type WorkflowFile } from '../n8n';
import { until } from '../processes';
import { isN8n1 } from '../provision';
import { nothingLeaks } from './secrets';

/** The stream of these checks: delivered in batches of 250, it makes 80 executions. */
const fleet = { devices: 100, packets: 20_000 };
const inBatches = { options: { maxBatchSize: 250 } };

const packetNode = 'Packets Received';
const eventNode = 'Gift Card Event';
export const partnerKey = 'partner-0001';
secrets.add(partnerKey);

export const post = async (url: string, body: string, headers: Record<string, string>, timeout = 30_000) =>
	await axios
		.post(url, Buffer.from(body), {
			headers: { 'Content-Type': 'application/json', ...headers },
			timeout,
			proxy: false,
			validateStatus: () => true,
		})
		.then(({ status }) => status);

/**
 * Another n8n of the same version, with n8n's expression isolate acquired lazily, which is the setting that the
 * README advises for many deliveries. Only n8n 2 has it; the other checks run without.
 */
export async function withBusyN8n<T>(
	{ n8n }: Stage,
	work: (busy: N8n) => Promise<T>,
	more: Record<string, string> = {},
): Promise<T> {
	const env = { N8N_EXPRESSION_ENGINE_LAZY_ACQUIRE: 'true', ...more };
	const busy = await startN8n({ version: n8n.version, env });
	try {
		const result = await work(busy);
		await nothingLeaks(busy);
		return result;
	} finally {
		await busy.stop();
	}
}

/** An example with a webhook id of its own, as n8n's editor gives it at an import, and on demand with other parameters of the trigger, and what follows it. */
export function variant(
	example: string,
	parameters: Json = {},
	after?: { type: string; parameters: Json; typeVersion: number; executeOnce?: boolean },
): WorkflowFile {
	const file = readExample(example);
	const [, trigger, second] = file.nodes;
	Object.assign(trigger ?? {}, { webhookId: randomUUID(), parameters: { ...trigger?.parameters, ...parameters } });
	if (second && after) Object.assign(second, after);
	return file;
}

/** Runs a check with an own simulator, a credential for it and no workflow left behind. */
export async function withHubble<T>(
	{ n8n }: Pick<Stage, 'n8n'>,
	work: (hubble: Simulator, credentials: Record<string, string>) => Promise<T>,
) {
	const hubble = await startSimulator({ ...fleet, limits: false, delivery: { proxied: true } });
	// Under names of their own: other checks find theirs by name.
	const credentials = {
		'Hubble account': await n8n.createCredential('Trigger', 'hubbleApi', credentialData(hubble)),
		'Hubble partner account': await n8n.createCredential('Partner', 'hubblePartnerApi', { webhookSecret: partnerKey }),
	};
	try {
		return await work(hubble, credentials);
	} finally {
		await hubble.close();
	}
}

export function onlyWebhook(hubble: Simulator): Webhook {
	const [webhook, second] = [...hubble.world.main.webhooks.values()];
	ok(webhook && !second, `${hubble.world.main.webhooks.size} endpoints are registered`);
	return webhook;
}

export const batch = (hubble: Simulator, from: number, to: number) =>
	`{"packets":[${Array.from({ length: to - from }, (_, i) => hubble.world.main.packets.json(from + i)).join()}]}`;

/** Asserts how many executions a workflow has when none is running any more. n8n may answer a delivery before it has created the execution. */
export async function ran(n8n: N8n, id: string, times: number): Promise<void> {
	let all: Awaited<ReturnType<N8n['executions']>> = [];
	await until(`${times} executions of workflow ${id}`, 120, async () => {
		all = await n8n.executions(id, times + 100);
		return all.length >= times && all.every(({ status }) => !['new', 'running', 'waiting'].includes(status));
	}).catch((error: Error) => {
		throw new Error(`${error.message}; there are ${all.map(({ id: one, status }) => `${one} ${status}`).join(', ')}`);
	});
	equal(all.length, times);
}

/** Does `times` pieces of work, eight at a time, and gives their results without repeats. */
async function eachOf<T>(times: number, work: (i: number) => Promise<T>): Promise<T[]> {
	const results = new Set<T>();
	let next = 0;
	const lane = async () => {
		while (next < times) results.add(await work(next++));
	};
	await Promise.all(Array.from({ length: 8 }, lane));
	return [...results];
}

/** Forged deliveries of packets, `i` counting them. */
export const forgedPackets: Array<[string, (secret: string, i: number) => Record<string, string>]> = [
	['no header', () => ({})],
	['empty header', () => ({ 'HTTP-X-HUBBLE-TOKEN': '' })],
	['wrong secret', (right, i) => ({ 'HTTP-X-HUBBLE-TOKEN': `${i}`.padEnd(right.length, 'x') })],
	['too short', (right, i) => ({ 'HTTP-X-HUBBLE-TOKEN': right.slice(0, i % right.length) })],
	['too long', (right, i) => ({ 'HTTP-X-HUBBLE-TOKEN': right + 'x'.repeat(1 + (i % 900)) })],
	[
		'wrong case',
		(right) => ({ 'X-Hubble-Token': right === right.toUpperCase() ? right.toLowerCase() : right.toUpperCase() }),
	],
	['another header', (right) => ({ Authorization: `Bearer ${right}` })],
];

/** What is no batch of packets, and the status that it gets: 422 and 500 are n8n's own, before a node sees the call. */
const oddBodies: Array<[number, string, Record<string, string>?]> = [
	[400, ''],
	[422, '{"packets":['],
	[400, '[]'],
	[200, '{"packets":[]}'],
	[400, '{"packets":[{"device":{"id":"a","payload":"","timestamp":1e999}}]}'],
	[415, '{"packets":[]}', { 'Content-Type': 'application/octet-stream' }],
	[415, '{"packets":[]}', { 'Content-Type': 'text/plain' }],
	[500, `{"packets":["${'x'.repeat(17 * 1024 * 1024)}"]}`],
];

const signatureOf = (body: string, key = partnerKey) => createHmac('sha256', key).update(body).digest('base64');

/** Forged gift-card events. */
const forgedEvents: Array<[string, (body: string, i: number) => string | undefined]> = [
	['no header', () => undefined],
	['wrong secret', (body, i) => signatureOf(body, `other ${i}`)],
	['truncated', (body, i) => signatureOf(body).slice(0, 1 + (i % 43))],
	['too long', (body) => `${signatureOf(body)}=`],
	['wrong case', (body) => signatureOf(body).toLowerCase()],
	['right, over other bytes', (body) => signatureOf(`${body} `)],
];

export const triggerChecks: Check[] = [
	{
		name: 'trigger: 20,000 packets arrive exactly once, forged and repeated ones start nothing',
		notOn1: 'n8n 1 stores executions one by one: 20,000 packets take it too long',
		async run(stage) {
			return await withBusyN8n(
				stage,
				async (n8n) =>
					await withHubble({ n8n }, async (hubble, credentials) => {
						const id = await n8n.createWorkflow(variant('receive-packets.json', inBatches), credentials);
						await n8n.activate(id);
						const webhook = onlyWebhook(hubble);
						ok(webhook.url.startsWith(`${n8n.url}/webhook/`));
						equal(webhook.max_batch_size, 250);

						hubble.deliver({ from: 0, to: fleet.packets });
						await hubble.settled();
						equal(hubble.deliveries.filter(({ delivered }) => delivered).length, 80);
						await ran(n8n, id, 80);
						const keys: string[] = [];
						for (const { id: execution } of await n8n.executions(id)) {
							const { status, items } = await n8n.execution(execution);
							equal(status, 'success');
							keys.push(...items(packetNode).map(({ json }) => String(json.packetKey)));
						}
						const truth = Array.from({ length: fleet.packets }, (_, i) =>
							packetKey(hubble.world.main.packets.get(i) as unknown as Packet),
						);
						deepEqual(keys.sort(), truth.sort());

						hubble.deliver({ from: 0, to: fleet.packets });
						await hubble.settled();
						equal(hubble.deliveries.filter(({ delivered }) => delivered).length, 160);
						await ran(n8n, id, 80);

						const body = batch(hubble, 0, 10);
						const refused = await eachOf(700, async (i) => {
							const [, headers] = forgedPackets[i % forgedPackets.length] as (typeof forgedPackets)[number];
							return await post(webhook.url, body, headers(webhook.secret, i));
						});
						deepEqual(refused, [401]);
						await ran(n8n, id, 80);

						const right = { 'HTTP-X-HUBBLE-TOKEN': webhook.secret };
						for (const [status, odd, headers] of oddBodies) {
							equal(await post(webhook.url, odd, { ...right, ...headers }), status, odd.slice(0, 50));
						}
						await ran(n8n, id, 80);

						const stored = await n8n.rest<Json>('GET', `/executions/${(await n8n.executions(id, 1))[0]?.id}`);
						ok(!JSON.stringify(stored).includes(webhook.secret), 'the secret is in the execution');
						ok(!n8n.logs(100_000).includes(webhook.secret), 'the secret is in the log');
						await n8n.deactivate(id);
						equal(hubble.world.main.webhooks.size, 0);
						return `${hubble.deliveries.length / 2} deliveries, twice; 700 forged ones`;
					}),
			);
		},
	},
	{
		name: 'trigger: twenty publications leave one endpoint, and none is taken from others',
		async run(stage) {
			const { n8n } = stage;
			return await withHubble(stage, async (hubble, credentials) => {
				const { world } = hubble;
				const occupy = (name: string, url: string): Webhook => {
					const webhook_id = world.newId();
					const org_id = hubble.organizationId;
					const taken = { webhook_id, org_id, name, url, max_batch_size: 100, secret: world.newId() };
					world.main.webhooks.set(webhook_id, taken);
					return taken;
				};
				const foreign = occupy('Elsewhere', 'https://example.com/a');
				const file = variant('receive-packets.json');
				const id = await n8n.createWorkflow(file, credentials);
				for (let i = 0; i < 20; i++) {
					const stored = await n8n.rest<WorkflowFile & Json>('GET', `/workflows/${id}`);
					const [, trigger] = stored.nodes;
					Object.assign(trigger?.parameters ?? {}, { options: { maxBatchSize: 100 + i } });
					await n8n.updateWorkflow(id, { nodes: stored.nodes, connections: stored.connections });
					await n8n.activate(id);
				}
				equal(world.main.webhooks.size, 2);
				const ours = [...world.main.webhooks.values()].find(({ url }) => url.startsWith(n8n.url));
				equal(ours?.max_batch_size, 119);
				equal(world.main.webhooks.get(foreign.webhook_id), foreign);
				await n8n.deactivate(id);
				deepEqual([...world.main.webhooks.keys()], [foreign.webhook_id]);

				occupy('Warehouse', 'https://example.com/b');
				const said = await n8n.activate(id).then(
					() => 'published',
					(error: Error) => error.message,
				);
				match(said, /Elsewhere.*example\.com\/a.*Warehouse.*example\.com\/b/);
				equal(world.main.webhooks.size, 2);
				await n8n.deactivate(id);
				return said;
			});
		},
	},
	{
		name: 'trigger: listening for a test event registers an endpoint for it, and removes it',
		async run(stage) {
			const { n8n } = stage;
			await withHubble(stage, async (hubble, credentials) => {
				const { webhooks } = hubble.world.main;
				const id = await n8n.createWorkflow(variant('receive-packets.json'), credentials);
				const workflowData = await n8n.rest<Json>('GET', `/workflows/${id}`);
				const listen = async () =>
					await n8n.rest<{ waitingForWebhook?: boolean }>('POST', `/workflows/${id}/run`, {
						...(isN8n1(n8n.version) ? { workflowData, startNodes: [] } : {}),
						triggerToStartFrom: { name: packetNode },
					});
				equal((await listen()).waitingForWebhook, true);
				const webhook = onlyWebhook(hubble);
				ok(webhook.url.startsWith(`${n8n.url}/webhook-test/`), webhook.url);
				equal(await post(webhook.url, batch(hubble, 0, 10), {}), 401);
				equal(await post(webhook.url, batch(hubble, 0, 10), { 'HTTP-X-HUBBLE-TOKEN': webhook.secret }), 200);
				await ran(n8n, id, 1);
				await until('the removal of the test endpoint', 20, () => webhooks.size === 0);
				for (const name of ['A', 'B'])
					webhooks.set(name, { ...webhook, webhook_id: name, name, url: `https://example.com/${name}` });
				const said = await listen().then(
					() => 'listening',
					(error: Error) => error.message,
				);
				match(said, /Both webhooks are in use, by "A" \(https:\/\/example\.com\/A\).*Delete one/);
				equal(webhooks.size, 2);
			});
		},
	},
	{
		name: 'trigger: acknowledge: a repeat starts nothing in one process, and the workflow after a restart',
		async run(stage) {
			const { n8n } = stage;
			await withHubble(stage, async (hubble, credentials) => {
				const id = await n8n.createWorkflow(variant('receive-packets.json'), credentials);
				await n8n.activate(id);
				const { url, secret, webhook_id } = onlyWebhook(hubble);
				const send = async (from: number) =>
					await post(url, batch(hubble, from, from + 10), { 'X-Hubble-Token': secret });
				const saved = async () => JSON.stringify((await n8n.rest<Json>('GET', `/workflows/${id}`)).staticData);
				const before = await saved();
				equal(await send(0), 200);
				equal(await send(0), 200);
				await ran(n8n, id, 1);
				equal(await saved(), before, 'a delivery has changed the static data');
				// Hubble's example is the same each time.
				for (let i = 0; i < 2; i++) {
					const path = `/api/org/${hubble.organizationId}/webhooks/${webhook_id}/test`;
					const headers = { Authorization: `Bearer ${hubble.token}` };
					const reply = await axios.post<Json>(hubble.url + path, {}, { headers, proxy: false });
					equal(reply.data.success, true);
				}
				await ran(n8n, id, 3);
				await n8n.kill();
				await n8n.start();
				equal(await send(0), 200);
				await ran(n8n, id, 4);
				await n8n.deactivate(id);
			});
		},
	},
	{
		name: 'trigger: killed and restarted, it keeps its secret and receives what Hubble tries again',
		async run(stage) {
			const { n8n } = stage;
			return await withHubble(stage, async (hubble, credentials) => {
				const id = await n8n.createWorkflow(variant('receive-packets.json', inBatches), credentials);
				await n8n.activate(id);
				const before = { ...onlyWebhook(hubble) };
				hubble.deliver({ from: 0, to: 500 });
				await hubble.settled();
				await ran(n8n, id, 2);
				await n8n.kill();
				hubble.deliver({ from: 0, to: 1000 });
				await n8n.start();
				await hubble.settled();
				deepEqual({ ...onlyWebhook(hubble) }, before);
				ok(
					hubble.deliveries.some(({ status }) => status === 0),
					'nothing was delivered while n8n was down',
				);
				// The new process does not know the first two.
				await ran(n8n, id, 6);
				await n8n.deactivate(id);
				return `${hubble.deliveries.filter(({ delivered }) => !delivered).length} deliveries failed meanwhile`;
			});
		},
	},
	{
		name: 'trigger: acknowledged when finished, a failed run is delivered again and a running one is waited for',
		async run(stage) {
			const { n8n } = stage;
			await withHubble(stage, async (hubble, credentials) => {
				const fails = { type: 'n8n-nodes-base.stopAndError', typeVersion: 1, parameters: { errorMessage: 'No' } };
				const failing = await n8n.createWorkflow(
					variant('receive-packets.json', { options: { acknowledge: 'lastNode' } }, fails),
					credentials,
				);
				await n8n.activate(failing);
				const toFailing = onlyWebhook(hubble);
				const headers = { 'HTTP-X-HUBBLE-TOKEN': toFailing.secret };
				for (let i = 0; i < 3; i++) equal(await post(toFailing.url, batch(hubble, 0, 10), headers), 500);
				await ran(n8n, failing, 3);
				await n8n.deactivate(failing);

				const waits = { type: 'n8n-nodes-base.wait', typeVersion: 1.1, parameters: { amount: 8, unit: 'seconds' } };
				const slow = await n8n.createWorkflow(
					variant('receive-packets.json', { options: { acknowledge: 'lastNode' } }, waits),
					credentials,
				);
				await n8n.activate(slow);
				const { url, secret: token } = onlyWebhook(hubble);
				const send = async (from: number, timeout?: number) =>
					await post(url, batch(hubble, from, from + 10), { 'X-Hubble-Token': token }, timeout).catch(() => 0);
				equal(await send(0), 200);
				equal(await send(0), 200);
				await ran(n8n, slow, 1);
				equal(await send(10, 1000), 0);
				equal(await send(10), 503);
				await ran(n8n, slow, 2);
				equal(await send(10), 200);
				await ran(n8n, slow, 2);
				await n8n.deactivate(slow);
			});
		},
	},
	{
		name: 'trigger: the five gift-card events arrive verified, forged ones start nothing',
		async run(stage) {
			const { n8n } = stage;
			return await withHubble(stage, async (hubble, credentials) => {
				const file = variant('gift-card-events.json', { events: Object.keys(partnerEvents) });
				const id = await n8n.createWorkflow(file, credentials);
				await n8n.activate(id);
				const { nodes } = await n8n.rest<WorkflowFile>('GET', `/workflows/${id}`);
				const url = `${n8n.url}/webhook/${String(nodes[1]?.webhookId)}/webhook`;
				const sendAll = async () => {
					for (const event of Object.values(partnerEvents)) {
						equal((await hubble.sendPartnerEvent(url, partnerKey, event)).status, 200);
					}
				};
				await sendAll();
				await sendAll();
				await ran(n8n, id, 10);
				const arrived: Json[] = [];
				for (const { id: execution } of await n8n.executions(id)) {
					arrived.push(...(await n8n.execution(execution)).items(eventNode).map(({ json }) => json));
				}
				const shown = Object.fromEntries(arrived.map(({ event, data }) => [String(event), data]));
				deepEqual(shown, partnerEvents);

				const refused = await eachOf(300, async (i) => {
					const body = JSON.stringify({ id: `order-${i}`, status: 'SUCCESS' });
					const [, signature] = forgedEvents[i % forgedEvents.length] as (typeof forgedEvents)[number];
					const value = signature(body, i);
					return await post(url, body, value === undefined ? {} : { 'X-Verify': value });
				});
				deepEqual(refused, [401]);
				equal((await hubble.sendPartnerEvent(url, partnerKey, { somethingNew: 1 })).status, 200);
				await ran(n8n, id, 10);
				match(n8n.logs(50), /does not recognize, with the fields: somethingNew/);
				ok(!n8n.logs(100_000).includes(partnerKey), 'the secret is in the log');
				await n8n.deactivate(id);
			});
		},
	},
];
