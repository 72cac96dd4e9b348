/* eslint-disable @n8n/community-nodes/no-restricted-imports */
/** Whose a webhook at Hubble is, on real n8n: copies, restarts, another public URL, a Hubble that does not answer. */
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Simulator } from '../../simulator/server';
import type { Webhook } from '../../simulator/world';
import type { Check } from '../check';
import { type Json, type N8n, packageName, type WorkflowFile } from '../n8n';
import { until } from '../processes';
import { isN8n1 } from '../provision';
import { batch, onlyWebhook, post, ran, variant, withHubble } from './trigger';

const all = (hubble: Simulator) => [...hubble.world.main.webhooks.values()];

/** What a delivery of ten packets to a webhook is answered. */
const deliver = async (hubble: Simulator, { url, secret }: Webhook, from: number) =>
	await post(url, batch(hubble, from, from + 10), { 'HTTP-X-HUBBLE-TOKEN': secret });

const refusal = async (work: Promise<unknown>) =>
	await work.then(
		() => 'done',
		(error: Error) => error.message,
	);

/** The workflow as `export:workflow` writes it, static data and all. */
async function exported(n8n: N8n, id: string): Promise<WorkflowFile & Json> {
	const file = join(n8n.userFolder, 'export.json');
	await n8n.cli('export:workflow', `--id=${id}`, `--output=${file}`);
	const [workflow] = JSON.parse(readFileSync(file, 'utf8')) as Array<WorkflowFile & Json>;
	if (!workflow) throw new Error('n8n exported nothing');
	return workflow;
}

async function importWorkflow(n8n: N8n, workflow: Json): Promise<void> {
	const file = join(n8n.userFolder, 'import.json');
	writeFileSync(file, JSON.stringify([workflow]));
	await n8n.cli('import:workflow', `--input=${file}`);
}

/** Runs Hubble Webhook: Check and gives the state of each webhook, by its ID. */
async function states(n8n: N8n, credential: string, more: Json = {}): Promise<Record<string, unknown>> {
	const at = { position: [0, 0], typeVersion: 1 };
	const id = await n8n.createWorkflow({
		name: 'Check webhooks',
		nodes: [
			{ ...at, id: randomUUID(), name: 'Start', type: 'n8n-nodes-base.manualTrigger', parameters: {} },
			{
				...at,
				id: randomUUID(),
				name: 'Check',
				type: `${packageName}.hubbleWebhook`,
				parameters: { resource: 'webhook', operation: 'check', deleteOrphans: true, ...more },
				credentials: { hubbleApi: { id: credential, name: 'Trigger' } },
			},
		],
		connections: { Start: { main: [[{ node: 'Check', type: 'main', index: 0 }]] } },
	});
	const { status, error, items } = await n8n.run(id);
	equal(status, 'success', error);
	return Object.fromEntries(items('Check').map(({ json }) => [String(json.webhookId), json.state]));
}

/** Check moves the webhook to the new public URL, where its trigger takes deliveries with the same secret. */
async function checkMoves(n8n: N8n, hubble: Simulator, credential: string, to: string): Promise<void> {
	const before = { ...onlyWebhook(hubble) };
	const found = await states(n8n, credential, { moveToNewUrl: true });
	deepEqual(found, { [before.webhook_id]: 'listening' });
	const { url, secret } = onlyWebhook(hubble);
	equal(url, to + new URL(before.url).pathname);
	equal(secret, before.secret);
	// The packets that were delivered before: a repeat.
	equal(await deliver(hubble, onlyWebhook(hubble), 0), 200);
}

export const endpointChecks: Check[] = [
	{
		name: 'endpoint: a copy with static data gets a webhook of its own, and leaves the original alone',
		async run(stage) {
			const { n8n } = stage;
			await withHubble(stage, async (hubble, credentials) => {
				const id = await n8n.createWorkflow(variant('receive-packets.json'), credentials);
				await n8n.activate(id);
				const original = { ...onlyWebhook(hubble) };
				const file = await exported(n8n, id);
				ok(JSON.stringify(file.staticData).includes(original.webhook_id), 'the export holds no static data');
				const copyId = randomUUID().slice(0, 16);
				const copy = structuredClone(file);
				const [, trigger] = copy.nodes;
				Object.assign(copy, {
					id: copyId,
					name: 'Copy',
					active: false,
					versionId: randomUUID(),
					activeVersionId: null,
				});
				delete copy.activeVersion;
				delete copy.shared;
				Object.assign(trigger ?? {}, { webhookId: randomUUID() });
				await importWorkflow(n8n, copy);
				await n8n.activate(copyId);
				const [first, second, ...more] = all(hubble);
				deepEqual(first, original);
				ok(second && second.url !== original.url && more.length === 0, 'the copy has no webhook of its own');
				equal(await deliver(hubble, original, 0), 200);
				equal(await deliver(hubble, second, 0), 200);
				await ran(n8n, id, 1);
				await ran(n8n, copyId, 1);
				await n8n.deactivate(copyId);
				deepEqual(all(hubble), [original]);
				equal(await deliver(hubble, original, 10), 200);
				await ran(n8n, id, 2);
				await n8n.deactivate(id);
				equal(all(hubble).length, 0);
			});
		},
	},
	{
		name: 'endpoint: a trigger pasted with its URL into another workflow never takes the webhook',
		async run(stage) {
			const { n8n } = stage;
			return await withHubble(stage, async (hubble, credentials) => {
				const file = variant('receive-packets.json');
				const id = await n8n.createWorkflow(file, credentials);
				await n8n.activate(id);
				const original = { ...onlyWebhook(hubble) };
				const pasted = await n8n.createWorkflow({ ...file, name: 'Pasted' }, credentials);
				const said = await refusal(n8n.activate(pasted));
				ok(said !== 'done', 'the second workflow with the URL was published');
				deepEqual(all(hubble), [original]);
				await refusal(n8n.deactivate(pasted));
				deepEqual(all(hubble), [original]);
				equal(await deliver(hubble, original, 0), 200);
				await ran(n8n, id, 1);
				await n8n.deactivate(id);
				equal(all(hubble).length, 0);
				return said;
			});
		},
	},
	{
		name: 'endpoint: after a restart with another public URL, the old webhook is left alone and a new one works',
		async run(stage) {
			const { n8n } = stage;
			return await withHubble(stage, async (hubble, credentials) => {
				const id = await n8n.createWorkflow(variant('receive-packets.json'), credentials);
				await n8n.activate(id);
				const before = { ...onlyWebhook(hubble) };
				await n8n.stop();
				const moved = n8n.url.replace('127.0.0.1', 'localhost');
				await n8n.start({ WEBHOOK_URL: moved, N8N_WEBHOOK_URL: moved });
				try {
					if (isN8n1(n8n.version)) {
						// It registers as it starts, and knows only the new secret then.
						await until('the webhook at the new URL', 120, async () => {
							const [, added] = all(hubble);
							return !!added && (await deliver(hubble, added, 0)) === 200;
						});
						equal(await deliver(hubble, before, 20), 401);
					} else {
						equal(await deliver(hubble, before, 0), 200);
						await checkMoves(n8n, hubble, credentials['Hubble account'] ?? '', moved);
						Object.assign(onlyWebhook(hubble), before);
					}
					await ran(n8n, id, 1);
					const stored = await n8n.rest<WorkflowFile>('GET', `/workflows/${id}`);
					await n8n.deactivate(id);
					await n8n.updateWorkflow(id, { nodes: stored.nodes, connections: stored.connections });
					await n8n.activate(id);
					const [first, second, ...more] = all(hubble);
					deepEqual(first, before);
					ok(second?.url.startsWith(`${moved}/webhook/`) && more.length === 0, JSON.stringify(all(hubble)));
					equal(await deliver(hubble, second as Webhook, 10), 200);
					await ran(n8n, id, 2);
					const found = await states(n8n, credentials['Hubble account'] ?? '');
					deepEqual(found, { [before.webhook_id]: 'oldUrl', [second?.webhook_id ?? '']: 'listening' });
					await n8n.deactivate(id);
					deepEqual(all(hubble), [before]);
					return `Check says: ${JSON.stringify(found)}`;
				} finally {
					await n8n.stop();
					await n8n.start();
				}
			});
		},
	},
	{
		name: 'endpoint: unpublished while Hubble is down, its slot comes back at the next publication and by Check',
		async run(stage) {
			const { n8n } = stage;
			await withHubble(stage, async (hubble, credentials) => {
				const publish = async () => {
					const id = await n8n.createWorkflow(variant('receive-packets.json'), credentials);
					await n8n.activate(id);
					return id;
				};
				const first = await publish();
				const { webhook_id } = onlyWebhook(hubble);
				hubble.addFault({ call: 'listWebhooks', status: 503, times: 20 });
				await n8n.deactivate(first);
				hubble.clearFaults();
				equal(onlyWebhook(hubble).webhook_id, webhook_id);
				match(n8n.logs(50), new RegExp(`could not remove its webhook ${webhook_id} from Hubble`));
				// Its workflow is gone for good.
				await refusal(n8n.rest('POST', `/workflows/${first}/archive`));
				await n8n.rest('DELETE', `/workflows/${first}`);
				const second = await publish();
				equal(onlyWebhook(hubble).webhook_id === webhook_id, false);
				match(n8n.logs(50), new RegExp(`removed the webhook ${webhook_id} of this n8n`));

				const account = credentials['Hubble account'] ?? '';
				deepEqual(Object.values(await states(n8n, account)), ['listening']);
				hubble.addFault({ call: 'listWebhooks', status: 503, times: 20 });
				await n8n.deactivate(second);
				hubble.clearFaults();
				equal(all(hubble).length, 1);
				deepEqual(Object.values(await states(n8n, account)), ['orphan']);
				equal(all(hubble).length, 0);
			});
		},
	},
	{
		name: 'endpoint: publishing while Hubble is down says so, and what cannot be verified is in the log',
		async run(stage) {
			const { n8n } = stage;
			return await withHubble(stage, async (hubble, credentials) => {
				const id = await n8n.createWorkflow(variant('receive-packets.json'), credentials);
				hubble.addFault({ call: 'listWebhooks', status: 503, times: 1000 });
				const began = Date.now();
				const said = await refusal(n8n.activate(id));
				const seconds = (Date.now() - began) / 1000;
				match(said, /Hubble could not process the request \(HTTP 503\)/);
				hubble.clearFaults();
				await refusal(n8n.deactivate(id));
				await n8n.activate(id);
				const [webhook] = all(hubble);
				ok(webhook);
				const unverified = /could not verify a delivery\. If Hubble sent it, unpublish and publish/g;
				const lines = () => (n8n.logs(Infinity).match(unverified) ?? []).length;
				const before = lines();
				equal(await deliver(hubble, { ...webhook, secret: 'lost' }, 0), 401);
				equal(await deliver(hubble, { ...webhook, secret: 'lost' }, 0), 401);
				// Other triggers of this n8n have written such lines before.
				equal(lines() - before, 1);
				await n8n.deactivate(id);
				equal(all(hubble).length, 0);
				return `${seconds.toFixed(0)} s: ${said}`;
			});
		},
	},
];
