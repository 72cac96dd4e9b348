/* eslint-disable @n8n/community-nodes/no-restricted-imports */
/**
 * The trigger against what a user would build without it (A: n8n's Webhook node with header auth and Split
 * Out; with the raw body and a Code node for the signature), and against the floor (B: a community trigger
 * with the same credential, as every trigger for Hubble needs it, that compares one header and hands the packets
 * on). One n8n, the contenders in turn, every delivery other
 * packets; a turn lasts until all its executions are over. Figures are medians of the rounds, ratios of speeds
 * medians of the rounds' ratios; a p99 is that of the deliveries of all rounds, for in a turn it would be one of its
 * slowest few.
 */
import axios from 'axios';
import { deepEqual, equal } from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { startSimulator } from '../simulator/server';
import { credentialData, readExample } from '../e2e/mainJob';
import { type Json, type N8n, startN8n, type WorkflowFile } from '../e2e/n8n';
import { temporaryFolder, until } from '../e2e/processes';
import { atLeast, atMost, median, type Result } from './result';

/** Who receives; a body becomes a delivery by the headers that prove it, or forge it. */
interface Contender {
	workflow: string;
	url: string;
	headers(body: string, isForged: boolean): Record<string, string>;
}

interface Turn {
	perSecond: number;
	/** Milliseconds from one delivery to the next: several are under way. */
	apart: number;
	/** Milliseconds that each call took. */
	latencies: number[];
}

/** The more, the less a median is moved by chance. */
const ROUNDS = 25;
/** Without the lazy isolate a delivery takes four times as long, and what A does then is only shown. */
const ROUNDS_SHOWN = 5;
const deliveries = 100;
const forgeries = 400;
const lanes = 4;
const token = randomUUID();

const floorFolder = 'n8n-nodes-hubblefloor';
const floorNode = `exports.HubbleFloor = class {
	description = {
		displayName: 'Floor', name: 'hubbleFloor', group: ['trigger'], version: 2, description: 'Does nothing',
		defaults: { name: 'Floor' }, inputs: [], outputs: ['main'], properties: [], credentials: [{ name: 'hubbleApi' }],
		webhooks: [{ name: 'default', httpMethod: 'POST', path: 'webhook', responseMode: 'onReceived', responseData: 'noData' }],
	};
	async webhook() {
		const { headers, body } = this.getRequestObject();
		if (headers['http-x-hubble-token'] !== '${token}') {
			this.getResponseObject().status(401).json({});
			return { noWebhookResponse: true };
		}
		return { workflowData: [(body.packets ?? [body]).map((json) => ({ json }))] };
	}
};
`;

/** Puts the floor beside our package, where n8n looks for community packages. */
function installFloor(userFolder: string): void {
	const folder = join(userFolder, '.n8n/nodes/node_modules', floorFolder);
	mkdirSync(folder, { recursive: true });
	const n8n = { n8nNodesApiVersion: 1, nodes: ['HubbleFloor.node.js'], credentials: [] };
	writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: floorFolder, version: '1.0.0', n8n }));
	writeFileSync(join(folder, 'HubbleFloor.node.js'), floorNode);
}

/** A workflow of nodes in a row. */
const chain = (name: string, ...nodes: WorkflowFile['nodes']): WorkflowFile => ({
	name,
	nodes: nodes.map((node, i) => ({ ...node, id: randomUUID(), position: [i * 200, 0], webhookId: randomUUID() })),
	connections: Object.fromEntries(
		nodes.slice(1).map((node, i) => [nodes[i]?.name ?? '', { main: [[{ node: node.name, type: 'main', index: 0 }]] }]),
	),
	settings: { executionOrder: 'v1' },
});

const hmacCode = `const { createHmac, timingSafeEqual } = require('crypto');
const raw = await this.helpers.getBinaryDataBuffer(0, 'data');
const given = Buffer.from($input.first().json.headers['x-verify'] ?? '');
const wanted = Buffer.from(createHmac('sha256', '${token}').update(raw).digest('base64'));
if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw new Error('forged');
return [{ json: JSON.parse(raw.toString()) }];`;

const inHeader = (_: string, isForged: boolean) => ({ 'HTTP-X-HUBBLE-TOKEN': isForged ? randomUUID() : token });
const signed = (body: string, isForged: boolean) => ({
	'X-Verify': createHmac('sha256', isForged ? randomUUID() : token)
		.update(body)
		.digest('base64'),
});

/** Publishes a workflow and tells where it receives. */
async function contender(
	n8n: N8n,
	file: WorkflowFile,
	credentials: Record<string, string>,
	headers: Contender['headers'],
	rounds: number,
) {
	const workflow = await n8n.createWorkflow(file, credentials);
	await n8n.activate(workflow);
	const { nodes } = await n8n.rest<WorkflowFile>('GET', `/workflows/${workflow}`);
	const node = nodes.find(({ type }) => /trigger|webhook|floor/i.test(type));
	const path = node?.parameters.path ?? `${String(node?.webhookId)}/webhook`;
	return { workflow, url: `${n8n.url}/webhook/${String(path)}`, headers, rounds };
}

const agent = new Agent({ keepAlive: true });

async function send(url: string, body: string, headers: Record<string, string>): Promise<number> {
	const reply = await axios.post(url, Buffer.from(body), {
		headers: { 'Content-Type': 'application/json', ...headers },
		httpAgent: agent,
		proxy: false,
		validateStatus: () => true,
	});
	return reply.status;
}

/**
 * Delivers `bodies` in a few lanes and waits until n8n has nothing left to do; at most 100 that are not forged. When
 * its executions were over n8n tells: asking for it takes longer than the differences that are measured.
 */
async function turn(
	n8n: N8n,
	{ url, headers, workflow }: Contender,
	bodies: readonly string[],
	isForged: boolean,
): Promise<Turn> {
	const [before] = await n8n.executions(workflow, 1);
	const fresh = async () =>
		(await n8n.executions(workflow, 100)).filter(({ id }) => Number(id) > Number(before?.id ?? 0));
	const latencies: number[] = [];
	let next = 0;
	const lane = async () => {
		for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) {
			const start = performance.now();
			const status = await send(url, body, headers(body, isForged));
			latencies.push(performance.now() - start);
			if (isForged ? status < 400 : status !== 200) throw new Error(`${url} answered ${status}`);
		}
	};
	const start = Date.now();
	await Promise.all(Array.from({ length: lanes }, lane));
	let end = Date.now();
	const isOver = async () => {
		const all = await fresh();
		end = Math.max(end, ...all.map(({ stoppedAt }) => (stoppedAt ? Date.parse(stoppedAt) : 0)));
		return all.length >= bodies.length && all.every(({ status }) => status !== 'running' && status !== 'new');
	};
	if (isForged) equal((await fresh()).length, 0);
	else await until('the executions', 120, isOver);
	const seconds = (end - start) / 1000;
	return { perSecond: bodies.length / seconds, apart: (seconds / bodies.length) * 1000, latencies };
}

/**
 * The contenders in turn; who begins changes. One with few `rounds` leaves after them. Turns by contender.
 * @param times so many times as many rounds
 */
async function compete(
	n8n: N8n,
	contenders: ReadonlyArray<Contender & { rounds: number }>,
	bodies: () => string[],
	isForged = false,
	times = 1,
) {
	const turns: Turn[][] = contenders.map(() => []);
	for (const who of contenders) await turn(n8n, who, bodies(), isForged);
	for (let round = 0; ; round++) {
		const left = contenders.filter(({ rounds }) => round < rounds * times);
		if (!left.length) return turns;
		for (let i = 0; i < left.length; i++) {
			const who = left[(i + round) % left.length] as (typeof left)[number];
			turns[contenders.indexOf(who)]?.push(await turn(n8n, who, bodies(), isForged));
		}
	}
}

/** Whether a ratio is what it must be. */
type Must = (ratio: number) => Pick<Result, 'ratio' | 'must' | 'passed'>;
const shown: Must = (ratio) => ({ ratio, must: 'anything', passed: true });

/** Milliseconds within which 99 of 100 calls of all turns were answered. */
function p99(turns: Turn[]): number {
	const all = turns.flatMap(({ latencies }) => latencies).sort((a, b) => a - b);
	return all[Math.ceil(all.length * 0.99) - 1] ?? NaN;
}

/** Turns beside the peer's. A speed is compared with the peer's of the same round, other figures are of all rounds. */
function row(
	name: string,
	must: Must,
	figure: 'perSecond' | 'apart' | 'p99',
	ours: Turn[] = [],
	peer: Turn[] = [],
): Result {
	const figures = (turns: Turn[]) => {
		if (figure === 'p99') return [p99(turns)];
		const each = turns.map((one) => one[figure]);
		return figure === 'apart' ? [median(each)] : each;
	};
	const [us, them] = [figures(ours), figures(peer)];
	return {
		name: `Trigger, ${name}`,
		unit: figure === 'perSecond' ? 'deliveries/s' : 'ms',
		ours: median(us),
		peer: median(them),
		limit: null,
		...must(median(them.map((one, i) => (us[i] ?? NaN) / one))),
		remark: `${peer.length} rounds, in turn, of ${deliveries} deliveries or ${forgeries} forged ones, ${lanes} at a time`,
	};
}

/** The packets of a contender's newest execution, in the order of their text. */
async function items(n8n: N8n, { workflow }: Contender, node: string): Promise<string[]> {
	const [newest] = await n8n.executions(workflow, 1);
	return (await n8n.execution(newest?.id ?? ''))
		.items(node)
		.map(({ json }) => JSON.stringify(json))
		.sort();
}

/** Every comparison in an n8n with or without the lazy expression isolate. */
async function compare(isLazy: boolean): Promise<Result[]> {
	const hubble = await startSimulator({ packets: 1000, limits: false });
	const userFolder = temporaryFolder('bench');
	installFloor(userFolder);
	const n8n = await startN8n({
		userFolder,
		env: { NODE_FUNCTION_ALLOW_BUILTIN: 'crypto', ...(isLazy ? { N8N_EXPRESSION_ENGINE_LAZY_ACQUIRE: 'true' } : {}) },
	});
	const rounds = isLazy ? ROUNDS : ROUNDS_SHOWN;
	const mode = isLazy ? 'lazy isolate' : 'as installed';
	const credentials = {
		'Hubble account': await n8n.createCredential('Hubble account', 'hubbleApi', {
			...credentialData(hubble),
			webhookSecret: token,
		}),
		'Hubble partner account': await n8n.createCredential('Hubble partner account', 'hubblePartnerApi', {
			webhookSecret: token,
		}),
		header: await n8n.createCredential('header', 'httpHeaderAuth', { name: 'HTTP-X-HUBBLE-TOKEN', value: token }),
	};

	const own = (example: string, parameters: Json) => {
		const trigger = readExample(example).nodes[1] as WorkflowFile['nodes'][number];
		return chain(example, { ...trigger, name: 'Trigger', parameters: { ...trigger.parameters, ...parameters } });
	};
	const ours = await contender(
		n8n,
		own('receive-packets.json', { simplify: false, options: { maxBatchSize: 1000 } }),
		credentials,
		(_, isForged) => ({
			'HTTP-X-HUBBLE-TOKEN': isForged ? randomUUID() : ([...hubble.world.main.webhooks.values()][0]?.secret ?? ''),
		}),
		ROUNDS,
	);
	const webhook = { name: 'Webhook', type: 'n8n-nodes-base.webhook', typeVersion: 2.1 };
	const split = await contender(
		n8n,
		chain(
			'Webhook and Split Out',
			{
				...webhook,
				parameters: { httpMethod: 'POST', path: 'packets', authentication: 'headerAuth', options: {} },
				credentials: { httpHeaderAuth: { id: '', name: 'header' } },
			},
			{
				name: 'Split',
				type: 'n8n-nodes-base.splitOut',
				typeVersion: 1,
				parameters: { fieldToSplitOut: 'body.packets', options: {} },
			},
		),
		credentials,
		inHeader,
		rounds,
	);
	const floor = await contender(
		n8n,
		chain('Floor', {
			name: 'Trigger',
			type: `${floorFolder}.hubbleFloor`,
			typeVersion: 2,
			parameters: {},
			credentials: { hubbleApi: { id: '', name: 'Hubble account' } },
		}),
		credentials,
		inHeader,
		ROUNDS,
	);

	// One changed packet makes another batch.
	let made = 0;
	const bodies = (count: number, size: number) => () =>
		Array.from({ length: count }, () => {
			const packets = Array.from({ length: size }, (_, i) => hubble.world.main.packets.json(i));
			packets[0] = packets[0]?.replace(/"sequence_number":\d+/, `"sequence_number":${(made += 1) + 10_000}`) ?? '';
			return `{"packets":[${packets.join()}]}`;
		});

	const rows: Result[] = [];
	for (const size of [100, 1000]) {
		const [us, a, b] = await compete(n8n, [ours, split, floor], bodies(deliveries, size));
		const name = `${mode}, ${size.toLocaleString('en')} packets`;
		rows.push(row(`${name}: accepted/s to the floor's`, (ratio) => atLeast(0.95, ratio), 'perSecond', us, b));
		rows.push(row(`${name}: p99 ms to the floor's`, (ratio) => atMost(1.1, ratio), 'p99', us, b));
		rows.push(
			row(
				`${name}: accepted/s to Webhook + Split Out's`,
				isLazy ? (ratio) => atLeast(1, ratio) : shown,
				'perSecond',
				us,
				a,
			),
		);
		const last = bodies(1, size)();
		for (const who of [ours, split, floor]) await turn(n8n, who, last, false);
		const packets = await items(n8n, ours, 'Trigger');
		equal(packets.length, size);
		deepEqual(await items(n8n, split, 'Split'), packets);
		deepEqual(await items(n8n, floor, 'Trigger'), packets);

		const forged = bodies(forgeries, size)();
		const [usForged, aForged, bForged] = await compete(n8n, [ours, split, floor], () => forged, true, isLazy ? 2 : 1);
		rows.push(row(`${name}: forged/s to the floor's`, (ratio) => atLeast(0.95, ratio), 'perSecond', usForged, bForged));
		rows.push(row(`${name}: forged p99 ms to the floor's`, (ratio) => atMost(1.1, ratio), 'p99', usForged, bForged));
		rows.push(
			row(
				`${name}: forged/s to Webhook + Split Out's`,
				isLazy ? (ratio) => atLeast(1, ratio) : shown,
				'perSecond',
				usForged,
				aForged,
			),
		);
		rows.push(
			row(
				`${name}: ms a forged delivery to an accepted one`,
				isLazy ? (ratio) => atMost(0.333, ratio) : shown,
				'apart',
				usForged,
				us,
			),
		);
	}

	const events = await contender(n8n, own('gift-card-events.json', {}), credentials, signed, rounds);
	const code = await contender(
		n8n,
		chain(
			'Webhook and Code',
			{ ...webhook, parameters: { httpMethod: 'POST', path: 'events', options: { rawBody: true } } },
			{ name: 'Verify', type: 'n8n-nodes-base.code', typeVersion: 2, parameters: { jsCode: hmacCode } },
		),
		{},
		signed,
		rounds,
	);
	const orders = (count: number) => () =>
		Array.from({ length: count }, () => JSON.stringify({ id: randomUUID(), status: 'SUCCESS' }));
	const [us, a] = await compete(n8n, [events, code], orders(deliveries));
	rows.push(
		row(
			`${mode}, signed event: accepted/s to Webhook + Code's`,
			isLazy ? (ratio) => atLeast(1, ratio) : shown,
			'perSecond',
			us,
			a,
		),
	);
	await n8n.stop();
	await hubble.close();
	return rows;
}

/** With the setting that is recommended where deliveries are many. */
export const trigger = async () => await compare(true);

/** With n8n as it is installed. */
export const triggerInstalled = async () => await compare(false);
