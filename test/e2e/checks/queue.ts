/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/require-node-api-error */
import axios from 'axios';
import { deepEqual, equal } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../check';
import { fleet, importExamples, problemsOf, readExample, runMainJob, table } from '../mainJob';
import { startN8n, type WorkflowFile } from '../n8n';
import { freePort, stopProcess, tail, temporaryFolder, until } from '../processes';
import { startPostgres, startRedis } from '../services';
import { startSimulator } from '../../simulator/server';

export const queueChecks: Check[] = [
	{
		name: 'queue mode: a worker does the main job, a webhook process starts paging',
		async run({ n8n: { version } }) {
			const hubble = await startSimulator(fleet);
			const userFolder = temporaryFolder('queue');
			const n8n = await startN8n({
				version,
				userFolder,
				env: {
					...(await startRedis()),
					...(await startPostgres()),
					EXECUTIONS_MODE: 'queue',
					N8N_DISABLE_PRODUCTION_MAIN_PROCESS: 'true',
					OFFLOAD_MANUAL_EXECUTIONS_TO_WORKERS: 'true',
				},
			});
			const log = { worker: join(userFolder, 'worker.log'), webhook: join(userFolder, 'webhook.log') };
			const port = { worker: String(await freePort()), webhook: String(await freePort()) };
			const helpers = [
				n8n.launch('worker', log.worker, {
					N8N_RUNNERS_BROKER_PORT: String(await freePort()),
					N8N_WORKER_SERVER_ADDRESS: '127.0.0.1',
					QUEUE_HEALTH_CHECK_ACTIVE: 'true',
					QUEUE_HEALTH_CHECK_PORT: port.worker,
				}),
				n8n.launch('webhook', log.webhook, {
					N8N_PORT: port.webhook,
					N8N_RUNNERS_BROKER_PORT: String(await freePort()),
				}),
			];
			try {
				await until('the worker', 60, async () => await isReady(port.worker));
				await until('the webhook process', 60, async () => await isReady(port.webhook));
				const workflows = await importExamples(n8n, hubble);
				const rows = await runMainJob(n8n, hubble, workflows);
				deepEqual(problemsOf(rows), []);

				// Production: the webhook process takes the call, the worker pages.
				const id = await n8n.createWorkflow(
					startedByWebhook(readExample('page-packets.json')),
					await n8n.credentialIds(),
				);
				await n8n.activate(id);
				const call = async () => await axios.post(`http://127.0.0.1:${port.webhook}/webhook/hubble-page-packets`);
				await until('the call of the webhook', 30, async () => await call().catch(() => undefined));
				const execution = await n8n.finished((await n8n.executions(id))[0]?.id ?? '');
				equal(execution.status, 'success', execution.error);
				equal(execution.items('Get all packets').length, fleet.packets);
				equal(hubble.count429, 0);

				// Who did it stands in the logs.
				const all = (await n8n.executions()).map((one) => one.id);
				deepEqual(idsIn(log.worker, /Worker finished execution (\d+)/g), new Set(all));
				deepEqual(idsIn(log.webhook, /Enqueued execution (\d+)/g), new Set([execution.id]));
				return `${table(rows)}\n${all.length} executions, all finished by the worker`;
			} catch (error) {
				const logs = Object.entries(log).map(([name, file]) => `The ${name} process's log:\n${tail(file, 15)}`);
				throw new Error([(error as Error).stack, ...logs].join('\n'));
			} finally {
				await Promise.all(helpers.map(async (helper) => await stopProcess(helper)));
				await n8n.stop();
				await hubble.close();
			}
		},
	},
];

/** The execution ids that a log names after these words. */
function idsIn(log: string, words: RegExp): Set<string | undefined> {
	return new Set([...readFileSync(log, 'utf8').matchAll(words)].map(([, id]) => id));
}

async function isReady(port: string): Promise<boolean> {
	return await axios.get(`http://127.0.0.1:${port}/healthz/readiness`, { proxy: false }).then(
		() => true,
		() => false,
	);
}

/** The same workflow with a webhook in the place of its manual trigger. */
function startedByWebhook(workflow: WorkflowFile): WorkflowFile {
	const nodes = workflow.nodes.map((node) =>
		node.type === 'n8n-nodes-base.manualTrigger'
			? {
					...node,
					type: 'n8n-nodes-base.webhook',
					typeVersion: 2,
					webhookId: 'hubble-page-packets',
					parameters: { path: 'hubble-page-packets', httpMethod: 'POST', options: {} },
				}
			: node,
	);
	return { ...workflow, name: `${workflow.name} by webhook`, nodes };
}
