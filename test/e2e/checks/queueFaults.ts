/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import axios from 'axios';
import { equal, ok } from 'node:assert/strict';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { packetKey, type Packet } from '../../../nodes/shared/packet/packet';
import { type Simulator, startSimulator } from '../../simulator/server';
import type { Check, Stage } from '../check';
import { credentialData } from '../mainJob';
import type { N8n } from '../n8n';
import { pause, randomPause, until } from '../processes';
import { cluster, findsEveryEnd, PROBE_MS } from '../queueSettings';
import { startRedis } from '../services';
import { itemsOf } from './polls';
import { freePorts, isReady, openQueue } from './queue';
import { nothingLeaksFrom } from './secrets';
import { variant } from './trigger';

const PACKETS = 50_000;
const BATCH = 250;
/** Who is killed, a round each. */
const VICTIMS = [
	'a worker',
	'a webhook process',
	'Redis',
	'main',
	'both workers',
	'the other webhook process',
] as const;
const ROUNDS = 10;
/** Of the deliveries that were answered at once, what that many kills may leave in no finished run. */
const AT_ONCE_SHARE = 0.2;
const packetNode = 'Packets Received';

const keyOf = ({ packets: [first] }: { packets: Packet[] }) => packetKey(first as Packet);
const ignore = () => undefined;

/**
 * What stands before several webhook processes: each call goes to the next one that is ready. One that is not yet
 * would tell Hubble 200 (docs/operations.md). One that accepts no connection is passed over, as nginx does; a call
 * that was accepted is not repeated.
 */
async function balance(ports: readonly string[]) {
	const ready = new Set<string>();
	let isOpen = true;
	const watch = async (port: string) => {
		while (isOpen) {
			if (await isReady(port)) ready.add(port);
			else ready.delete(port);
			await pause(PROBE_MS);
		}
	};
	for (const port of ports) void watch(port);
	let turn = 0;
	/** Key of the first packet of a delivery → which process answered what. */
	const answers = new Map<string, string[]>();
	const server = createServer((incoming, response) => {
		const chunks: Buffer[] = [];
		incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
		incoming.on('end', () => {
			const { method, url: path, headers } = incoming;
			const attempt = (left: number) => {
				const port = [...ready][turn++ % ready.size];
				if (!port) return void response.writeHead(503).end();
				const call = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (reply) => {
					void text(reply)
						.then((said) => {
							const key = keyOf(JSON.parse(Buffer.concat(chunks).toString()) as { packets: Packet[] });
							const line = `port ${port}: ${reply.statusCode} ${said.slice(0, 200)}`;
							answers.set(key, [...(answers.get(key) ?? []), line]);
						})
						.catch(ignore); // cut, or no delivery
					response.writeHead(reply.statusCode ?? 502, reply.headers);
					reply.once('error', () => response.destroy()).pipe(response);
				});
				call.once('error', (error: NodeJS.ErrnoException) => {
					if (error.code === 'ECONNREFUSED') ready.delete(port);
					if (error.code === 'ECONNREFUSED' && left > 0) attempt(left - 1);
					else if (response.headersSent) response.destroy();
					else response.writeHead(502).end();
				});
				call.end(Buffer.concat(chunks));
			};
			attempt(ports.length - 1);
		});
	});
	await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
	return {
		answers,
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		close() {
			isOpen = false;
			server.closeAllConnections();
			server.close();
		},
	};
}

type Cluster = Awaited<ReturnType<typeof openCluster>>;

/** Main, two webhook processes behind a balancer, two workers, PostgreSQL, and a Redis that keeps what it is told. */
async function openCluster({ n8n: { version } }: Stage) {
	const redis = await startRedis(true);
	const ports = await freePorts(cluster.webhooks);
	const balancer = await balance(ports);
	const queue = await openQueue(version, {
		...cluster,
		ports,
		url: balancer.url,
		redis,
		settings: findsEveryEnd,
	});
	const of = (command: string) => queue.helpers.filter((helper) => helper.command === command);
	const kill: Record<(typeof VICTIMS)[number], () => Promise<void> | void> = {
		'a worker': () => of('worker')[0]?.kill(),
		'both workers': () => of('worker').forEach((worker) => worker.kill()),
		'a webhook process': () => of('webhook')[0]?.kill(),
		'the other webhook process': () => of('webhook')[1]?.kill(),
		async Redis() {
			await redis.kill();
			await pause(2000);
			await redis.start();
		},
		async main() {
			await queue.n8n.kill();
		},
	};
	return {
		...queue,
		answers: balancer.answers,
		kill,
		/** Waits until all of it works again; main ends by itself when it is without Redis for long. */
		async whole() {
			const alive = async () => await axios.get(`${queue.n8n.url}/healthz`, { proxy: false }).catch(() => undefined);
			if (!(await alive())) {
				await queue.n8n.kill();
				await queue.n8n.start();
			}
			for (const helper of queue.helpers) await helper.ready();
		},
		async close() {
			await queue.close();
			balancer.close();
			await redis.kill();
		},
	};
}

const isOpen = (status: string) => ['new', 'running', 'waiting'].includes(status);

/**
 * Where the last node of the workflow stores a batch, known by its first packet. n8n's own executions are no proof of
 * that: a run that has ended begins again where Redis lost its end in a kill, and a second kill replaces its data.
 */
async function openStore() {
	/** Key of the first packet of a batch → how often it was stored. */
	const stored = new Map<string, number>();
	const server = createServer((incoming, response) => {
		const key = decodeURIComponent(String(incoming.url).slice(1));
		stored.set(key, (stored.get(key) ?? 0) + 1);
		response.end('stored');
	});
	await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	return {
		stored,
		node: {
			type: 'n8n-nodes-base.httpRequest',
			typeVersion: 4.2,
			executeOnce: true,
			parameters: { url: `=${url}/{{ encodeURIComponent($json.packetKey) }}` },
		},
		close: () => void server.close(),
	};
}

/** How many executions have not succeeded; a crashed one that n8n has recovered holds one made-up item in the place of its data. */
async function unfinishedOf(n8n: N8n, id: string) {
	const unfinished = (await n8n.executions(id, Infinity)).filter(({ status }) => status !== 'success');
	let withoutData = 0;
	for (const execution of unfinished) {
		const [first] = await itemsOf(n8n, execution.id, packetNode);
		if (!first || first.json.isArtificialRecoveredEventItem) withoutData += 1;
	}
	return { count: unfinished.length, withoutData };
}

/** Delivers the packets while one after the other is killed, and tells what became of each batch. */
async function deliverThroughKills(
	cluster: Cluster,
	hubble: Simulator,
	credentials: Record<string, string>,
	acknowledge: 'onReceived' | 'lastNode',
): Promise<string> {
	const { n8n } = cluster;
	equal(hubble.world.main.packets.length, 0);
	const store = await openStore();
	const id = await n8n.createWorkflow(
		variant('receive-packets.json', { options: { acknowledge, maxBatchSize: BATCH } }, store.node),
		credentials,
	);
	await n8n.activate(id);
	for (let round = 0; round < ROUNDS; round++) {
		hubble.addPackets(PACKETS / ROUNDS);
		await pause(500);
		await randomPause(2000);
		await cluster.kill[VICTIMS[round % VICTIMS.length] ?? 'main']();
		await pause(1000);
		await cluster.whole();
	}
	await hubble.settled();
	// What hangs at a process that died stays open until n8n finds it.
	let before = '';
	await until('the executions', 900, async () => {
		const all = await n8n.executions(id, Infinity);
		const now = JSON.stringify(all);
		const isStill = now === before || all.every(({ status }) => !isOpen(status));
		before = now;
		if (!isStill) await pause(90_000);
		return isStill;
	});
	const unfinished = await unfinishedOf(n8n, id);
	await n8n.deactivate(id);
	const accepted = hubble.deliveries.filter(({ delivered }) => delivered).length;
	const keys: string[] = [];
	for (let from = 0; from < PACKETS; from += BATCH) {
		keys.push(packetKey(hubble.world.main.packets.get(from) as unknown as Packet));
	}
	equal(accepted, keys.length, 'Hubble gave up');
	const lost = keys.filter((key) => !store.stored.has(key));
	const twice = keys.filter((key) => (store.stored.get(key) ?? 0) > 1);
	store.close();
	const said = `${acknowledge}: ${keys.length} deliveries of ${BATCH} packets in ${hubble.deliveries.length} tries: ${lost.length} not stored, ${twice.length} more than once; ${unfinished.count} executions did not succeed, ${unfinished.withoutData} of them without data`;
	const answers = lost.map((key) => cluster.answers.get(key)?.join('; ')).join('\n');
	const most = acknowledge === 'lastNode' ? 0 : Math.min(AT_ONCE_SHARE * keys.length, unfinished.count);
	ok(lost.length <= most, `${said}\nThe lost ones were answered:\n${answers}`);
	return said;
}

async function survive(stage: Stage): Promise<string> {
	const cluster = await openCluster(stage);
	try {
		const lines: string[] = [];
		for (const acknowledge of ['lastNode', 'onReceived'] as const) {
			const hubble = await startSimulator({ devices: 100, packets: 0, limits: false, delivery: { timeScale: 0.2 } });
			const credential = await cluster.n8n.createCredential(
				`Queue ${acknowledge}`,
				'hubbleApi',
				credentialData(hubble),
			);
			lines.push(await deliverThroughKills(cluster, hubble, { 'Hubble account': credential }, acknowledge));
			await hubble.close();
		}
		lines.push(await nothingLeaksFrom(cluster.n8n, cluster.database));
		return lines.join('\n');
	} catch (error) {
		throw cluster.explain(error);
	} finally {
		await cluster.close();
	}
}

export const queueFaultChecks: Check[] = [
	{
		name: `queue mode: ${PACKETS.toLocaleString('en')} packets while workers, webhook processes, Redis and main are killed`,
		notOn1:
			'it leaves a third of the deliveries in crashed executions (Immediately), and may never answer one otherwise',
		run: survive,
	},
];
