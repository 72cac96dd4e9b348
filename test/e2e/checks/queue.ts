/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals */
import axios from 'axios';
import { deepEqual, equal, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Check } from '../check';
import { fleet, importExamples, onServer, problemsOf, readExample, runMainJob, table } from '../mainJob';
import { type N8n, startN8n, type WorkflowFile } from '../n8n';
import { findsEveryEnd, queueMode } from '../queueSettings';
import { freePort, pause, stopProcess, tail, temporaryFolder, until } from '../processes';
import { sql, startPostgres, startRedis } from '../services';
import { type Simulator, startSimulator } from '../../simulator/server';
import { isN8n1, type N8nVersion } from '../provision';
import { nothingLeaksFrom } from './secrets';
import { batch, onlyWebhook, post, ran, variant, withHubble } from './trigger';

/** What stands behind the main process, and how it is set up. */
interface QueueOptions {
	workers?: number;
	webhooks: number;
	settings?: Record<string, string>;
	/** The public URL; that of the first webhook process unless given. */
	url?: string;
	/** Ports for the webhook processes, where somebody knows them already. */
	ports?: string[];
	redis?: Awaited<ReturnType<typeof startRedis>>;
}

/** A process of n8n beside the main one; when it dies, it is started again, as a service manager does. */
export interface Helper {
	command: 'worker' | 'webhook';
	pid: number;
	kill(): void;
	ready(): Promise<void>;
	stop(): Promise<void>;
}

async function startHelper(n8n: N8n, command: Helper['command'], log: string, port: string): Promise<Helper> {
	const env: Record<string, string> = { N8N_RUNNERS_BROKER_PORT: String(await freePort()) };
	if (command === 'webhook') env.N8N_PORT = port;
	else {
		env.N8N_WORKER_SERVER_ADDRESS = '127.0.0.1';
		env.QUEUE_HEALTH_CHECK_PORT = port;
	}
	let isStopping = false;
	const launch = () => {
		const child = n8n.launch(command, log, env);
		child.once('exit', () => {
			if (!isStopping) current = launch();
		});
		return child;
	};
	let current = launch();
	return {
		command,
		get pid() {
			return current.pid ?? 0;
		},
		kill: () => void process.kill(-(current.pid ?? NaN), 'SIGKILL'),
		ready: async () => void (await until(`the ${command} process`, 240, async () => await isReady(port))),
		async stop() {
			isStopping = true;
			await stopProcess(current);
		},
	};
}

/** n8n in queue mode, with workers and webhook processes on ports of their own. */
export async function openQueue(version: N8nVersion, options: QueueOptions) {
	const userFolder = temporaryFolder('queue');
	const ports = options.ports ?? (await freePorts(options.webhooks));
	const url = options.url ?? `http://127.0.0.1:${ports[0]}`;
	const database = await startPostgres();
	const n8n = await startN8n({
		version,
		userFolder,
		env: {
			...(options.redis ?? (await startRedis())).env,
			...database,
			WEBHOOK_URL: url,
			N8N_WEBHOOK_URL: url,
			...queueMode,
			...options.settings,
		},
	});
	const log = { worker: join(userFolder, 'worker.log'), webhook: join(userFolder, 'webhook.log') };
	const helpers: Helper[] = [];
	for (const port of await freePorts(options.workers ?? 1)) {
		helpers.push(await startHelper(n8n, 'worker', log.worker, port));
	}
	for (const port of ports) helpers.push(await startHelper(n8n, 'webhook', log.webhook, port));
	for (const helper of helpers) await helper.ready();
	return {
		n8n,
		log,
		ports,
		helpers,
		database,
		/** The first webhook process. */
		pid: helpers.find(({ command }) => command === 'webhook')?.pid ?? 0,
		/** Adds the ends of the logs to an error. */
		explain(error: unknown): Error {
			const logs = Object.entries(log).map(([name, file]) => `The ${name} process's log:\n${tail(file, 15)}`);
			return new Error([(error as Error).stack, ...logs].join('\n'));
		},
		async close() {
			await Promise.all(helpers.map(async (helper) => await helper.stop()));
			await n8n.stop();
		},
	};
}

/** Free ports, as text. */
export const freePorts = async (count: number) =>
	await Promise.all(Array.from({ length: count }, async () => String(await freePort())));

export const queueChecks: Check[] = [
	{
		name: 'queue mode: a worker does the main job, a webhook process starts paging',
		async run({ n8n: { version } }) {
			const hubble = await startSimulator(fleet);
			const queue = await openQueue(version, { webhooks: 1 });
			const { n8n, log, ports } = queue;
			try {
				const workflows = await importExamples(n8n, hubble);
				const rows = await runMainJob(onServer(n8n, workflows), hubble);
				deepEqual(problemsOf(rows), []);

				// Production: the webhook process takes the call, the worker pages.
				const id = await n8n.createWorkflow(
					startedByWebhook(readExample('page-packets.json')),
					await n8n.credentialIds(),
				);
				await n8n.activate(id);
				const call = async () => await axios.post(`http://127.0.0.1:${ports[0]}/webhook/hubble-page-packets`);
				await until('the call of the webhook', 30, async () => await call().catch(() => undefined));
				// n8n 1 stores the execution after it has answered.
				const started = await until('the execution', 30, async () => (await n8n.executions(id))[0]);
				const execution = await n8n.finished(started.id);
				equal(execution.status, 'success', execution.error);
				equal(execution.items('Get Packets').length, fleet.packets);
				equal(hubble.count429, 0);

				// Who did it stands in the logs.
				const all = (await n8n.executions()).map((one) => one.id);
				deepEqual(idsIn(log.worker, /Worker finished execution (\d+)/g), new Set(all));
				deepEqual(idsIn(log.webhook, /Enqueued execution (\d+)/g), new Set([execution.id]));
				return `${table(rows)}\n${all.length} executions, all finished by the worker\n${await nothingLeaksFrom(n8n, queue.database)}`;
			} catch (error) {
				throw queue.explain(error);
			} finally {
				await queue.close();
				await hubble.close();
			}
		},
	},
	{
		name: 'queue mode: two webhook processes: each knows its own repeats, and every end of a run is found',
		async run({ n8n: { version } }) {
			const queue = await openQueue(version, { webhooks: 2, settings: findsEveryEnd });
			const waits = !isN8n1(version);
			try {
				return await withHubble(queue, async (hubble, credentials) => {
					const lines: string[] = [];
					for (const acknowledge of waits ? (['onReceived', 'lastNode'] as const) : (['onReceived'] as const)) {
						lines.push(await repeatDeliveries(queue, hubble, credentials, acknowledge));
					}
					if (waits) {
						lines.push(await countMissed(queue, hubble, credentials));
						lines.push(await refuseCrashed(queue, hubble, credentials));
					} else lines.push('without lastNode: n8n 1 lacks the setting, and may never answer a delivery');
					lines.push(await nothingLeaksFrom(queue.n8n, queue.database));
					return lines.join('\n');
				});
			} catch (error) {
				throw queue.explain(error);
			} finally {
				await queue.close();
			}
		},
	},
];

/** Each delivery twice to one process, then once to the other: the first process takes it once, and the other anew. */
async function repeatDeliveries(
	{ n8n, ports }: Awaited<ReturnType<typeof openQueue>>,
	hubble: Simulator,
	credentials: Record<string, string>,
	acknowledge: 'onReceived' | 'lastNode',
): Promise<string> {
	const rounds = 20;
	const id = await n8n.createWorkflow(variant('receive-packets.json', { options: { acknowledge } }), credentials);
	await n8n.activate(id);
	const { url, secret } = onlyWebhook(hubble);
	const other = url.replace(`:${ports[0]}/`, `:${ports[1]}/`);
	for (let n = 0; n < rounds; n++) {
		for (const to of [url, url, other]) {
			equal(await post(to, batch(hubble, n * 10, n * 10 + 10), { 'HTTP-X-HUBBLE-TOKEN': secret }), 200);
		}
	}
	await ran(n8n, id, 2 * rounds);
	await n8n.deactivate(id);
	return `${acknowledge}: ${rounds} deliveries, repeated at one process and at the other: ${2 * rounds} executions`;
}

/** A webhook process is held up right after it queued a run, so that the run ends before it listens for the end. */
async function countMissed(
	{ n8n, log, ports, pid }: Awaited<ReturnType<typeof openQueue>>,
	hubble: Simulator,
	credentials: Record<string, string>,
): Promise<string> {
	const rounds = 12;
	const file = variant('receive-packets.json', { options: { acknowledge: 'lastNode' } });
	const id = await n8n.createWorkflow(file, credentials);
	await n8n.activate(id);
	const { url, secret } = onlyWebhook(hubble);
	ok(url.includes(`:${ports[0]}/`));
	const queued = () => idsIn(log.webhook, /Enqueued execution (\d+)/g).size;
	const finished = () => idsIn(log.worker, /Worker finished execution (\d+)/g).size;
	const finishedBefore = finished();
	let unanswered = 0;
	let missed = 0;
	for (let n = 0; n < rounds; n++) {
		const before = queued();
		const call = post(url, batch(hubble, n * 10, n * 10 + 10), { 'HTTP-X-HUBBLE-TOKEN': secret }).catch(() => 0);
		for (const end = Date.now() + 10_000; queued() === before && Date.now() < end;) await setImmediate();
		process.kill(pid, 'SIGSTOP');
		await pause(2500);
		if (finished() - finishedBefore > n) missed += 1;
		process.kill(pid, 'SIGCONT');
		const status = await call;
		if (status === 0) unanswered += 1;
		else equal(status, 200);
	}
	await ran(n8n, id, rounds);
	await n8n.deactivate(id);
	const said = `lastNode, webhook process held up: ${missed} of ${rounds} runs ended meanwhile, ${unanswered} without an answer`;
	equal(unanswered, 0, said);
	ok(missed > rounds / 2, said);
	return said;
}

/** A run that n8n marks as crashed before a worker takes it: n8n would tell Hubble that all is well. */
async function refuseCrashed(
	{ n8n, helpers, database }: Awaited<ReturnType<typeof openQueue>>,
	hubble: Simulator,
	credentials: Record<string, string>,
): Promise<string> {
	const id = await n8n.createWorkflow(
		variant('receive-packets.json', { options: { acknowledge: 'lastNode' } }),
		credentials,
	);
	await n8n.activate(id);
	const { url, secret } = onlyWebhook(hubble);
	const deliver = async () => await post(url, batch(hubble, 0, 10), { 'HTTP-X-HUBBLE-TOKEN': secret });
	const worker = helpers.find(({ command }) => command === 'worker')?.pid;
	ok(worker, 'there is no worker');
	process.kill(worker, 'SIGSTOP');
	const call = deliver();
	const isWaiting = `"workflowId" = '${id}' and status = 'new'`;
	try {
		await until(
			'the execution',
			30,
			async () => await sql(database, `select id from execution_entity where ${isWaiting}`),
		);
		await sql(database, `update execution_entity set status = 'crashed' where ${isWaiting}`);
	} finally {
		process.kill(worker, 'SIGCONT');
	}
	equal(await call, 503);
	equal(await deliver(), 200);
	await ran(n8n, id, 2);
	await n8n.deactivate(id);
	return 'lastNode, a run that n8n marks as crashed before it begins: answered 503, and taken the second time';
}

/** The execution ids that a log names after these words. */
function idsIn(log: string, words: RegExp): Set<string | undefined> {
	return new Set([...readFileSync(log, 'utf8').matchAll(words)].map(([, id]) => id));
}

export async function isReady(port: string): Promise<boolean> {
	return await axios.get(`http://127.0.0.1:${port}/healthz/readiness`, { proxy: false, timeout: 2000 }).then(
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
