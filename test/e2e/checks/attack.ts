/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { Agent, request, type OutgoingHttpHeaders } from 'node:http';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { performance } from 'node:perf_hooks';
import type { Simulator } from '../../simulator/server';
import type { Check, Stage } from '../check';
import type { N8n } from '../n8n';
import { memoryOf, pause } from '../processes';
import { isN8n1 } from '../provision';
import { startNginx, trimMemory } from '../services';
import { batch, forgedPackets, onlyWebhook, ran, variant, withBusyN8n, withHubble } from './trigger';

const FORGED = 50_000;
const REAL = 200;
/** So many forged deliveries, and the real ones that belong to them, come before memory is measured first. */
const WARM_UP = FORGED / 5;
/** Where memory has grown, n8n's own Webhook node gets so many. */
const AT_PEER = FORGED / 5;
/** How long n8n is left alone before its memory is measured. */
const QUIET_MS = 60_000;
/** How long a collection of all garbage may take. */
const COLLECTION_MS = 5000;
const collector = [
	"import{setFlagsFromString}from'node:v8'",
	"import{runInNewContext}from'node:vm'",
	"setFlagsFromString('--expose-gc')",
	"globalThis.gc=runInNewContext('gc')",
	"globalThis.collect=()=>gc({type:'major',execution:'sync',flavor:'last-resort'})",
	"process.on('SIGUSR2',()=>{collect();console.error('heapUsed='+process.memoryUsage().heapUsed)})",
].join(';');
/**
 * V8's young generation grows to 128 MB under load whatever a node does; with this to 32 MB, so that growth shows.
 * And V8 keeps garbage, and the pages where it lay, as long as it pleases: with this it collects all of it on SIGUSR2,
 * and gives the pages back, as an ordinary collection need not.
 */
const MEASURABLE = { NODE_OPTIONS: `--max-semi-space-size=16 --import=data:text/javascript,${collector}` };
/** What may be in use after the attack, of what was before, unless a call of n8n's own Webhook node leaves as much. */
const GROWTH = 1.1;
const LANES = 16;
const SLOW_CONNECTIONS = 300;
const SLOW_ROUNDS = 50;
const SLOW_ROUNDS_INSTALLED = 10;
/** What may be resident beside slow bodies, of what was before; n8n as it is installed grows to five times that. */
const SLOW_GROWTH = 1.5;
/** An answer that takes longer is none to Hubble, which delivers again. */
const HUBBLE_WAITS_MS = 10_000;
/** n8n's XML parser, which all calls share, may stop to answer once it has met text that is no XML. */
const XML_WAITS_MS = 1000;
const AS_INSTALLED = { N8N_EXPRESSION_ENGINE_LAZY_ACQUIRE: 'false' };

const MEGABYTE = 1024 * 1024;
const json = { 'content-type': 'application/json' };
const packets = (bytes: number) => Buffer.from(`{"packets":["${'x'.repeat(bytes)}"]}`);

/** What is sent, by whom nobody knows; `i` counts. Every kind lacks the secret. */
interface Forgery {
	headers: OutgoingHttpHeaders;
	body: Buffer;
	/** How long its sender waits for an answer. */
	waitsMs?: number;
}
type Kind = (i: number, secret: string, real: Buffer) => Forgery;

const wrong = (i: number) => ({ 'HTTP-X-HUBBLE-TOKEN': `forged ${i}` });
const large = packets(MEGABYTE);
const largest = packets(15 * MEGABYTE);
const tooLarge = packets(17 * MEGABYTE);
const bomb = gzipSync(largest);

/** One after the other. */
const KINDS: Kind[] = [
	...forgedPackets.map(([, headers]): Kind => (i, secret, body) => ({
		headers: { ...json, ...headers(secret, i) },
		body,
	})),
	(i, _, body) => ({ headers: { ...json, 'HTTP-X-HUBBLE-TOKEN': [`a${i}`, `b${i}`] }, body }),
	(i, _, body) => ({ headers: { ...json, 'HTTP-X-HUBBLE-TOKEN': `\u00e9\u00ff${i}` }, body }),
	(i, _, body) => ({
		headers: { ...json, 'HTTP-X-HUBBLE-TOKEN': '__proto__', 'x-forwarded-for': `10.0.0.${i}` },
		body,
	}),
	(i, _, body) => ({
		headers: { ...json, ...Object.fromEntries(Array.from({ length: 60 }, (__, n) => [`x-odd-${n}`, `${i}`])) },
		body,
	}),
	(i, _, body) => ({ headers: { ...json, 'x-hubble-token': 'x'.repeat(8000 + (i % 100)) }, body }),
	(i, _, body) => ({ headers: { ...wrong(i), 'content-type': 'text/plain' }, body }),
	(i, _, body) => ({ headers: { ...wrong(i), 'content-type': 'application/octet-stream' }, body }),
	(i, _, body) => ({ headers: { ...wrong(i), 'content-type': 'multipart/form-data; boundary=x' }, body }),
	(i, _, body) => ({ headers: { ...wrong(i), 'content-type': 'application/xml' }, body, waitsMs: XML_WAITS_MS }),
	(i, _, body) => ({ headers: wrong(i), body }),
	(i) => ({ headers: { ...json, ...wrong(i) }, body: Buffer.from('{"packets":[') }),
	(i) => ({ headers: { ...json, ...wrong(i) }, body: Buffer.alloc(0) }),
];
/** Now and then: what costs n8n much before a node sees it. */
const RARE: Array<[every: number, Kind]> = [
	[100, (i) => ({ headers: { ...json, ...wrong(i) }, body: large })],
	[2500, (i) => ({ headers: { ...json, ...wrong(i) }, body: largest })],
	[2500, (i) => ({ headers: { ...json, ...wrong(i) }, body: tooLarge })],
	[2500, (i) => ({ headers: { ...json, ...wrong(i), 'content-encoding': 'gzip' }, body: bomb })],
];

function forgery(i: number, secret: string, real: Buffer): Forgery {
	const at = RARE.findIndex(([every], n) => i % every === n + 1);
	const kind = RARE[at]?.[1] ?? KINDS[i % KINDS.length];
	if (!kind) throw new Error('There are no kinds');
	return kind(i, secret, real);
}

/** Posts bytes; the status, or 0 where n8n closed the connection without an answer or gave none in time. */
async function send(url: string, { headers, body, waitsMs = HUBBLE_WAITS_MS }: Forgery, agent: Agent): Promise<number> {
	return await new Promise((done) => {
		const all = { ...headers, 'content-length': body.length };
		const call = request(url, { method: 'POST', agent, headers: all }, (reply) => {
			reply.resume();
			reply.once('end', () => done(reply.statusCode ?? 0));
		});
		call.once('error', () => done(0));
		call.setTimeout(waitsMs, () => call.destroy());
		call.end(body);
	});
}

const real = (hubble: Simulator, secret: string, n: number): Forgery => ({
	headers: { ...json, 'HTTP-X-HUBBLE-TOKEN': secret },
	body: Buffer.from(batch(hubble, n * 10, n * 10 + 10)),
});

/**
 * Sends forged deliveries in some lanes, and real ones evenly among them.
 * @param next number of the first real one; none: no real ones
 */
async function attack(hubble: Simulator, { url, secret }: Target, forged: number, next = NaN) {
	const example = Buffer.from(batch(hubble, 0, 10));
	const agent = new Agent({ keepAlive: true, maxSockets: LANES + 1 });
	const answers = new Map<number, number>();
	const latencies: number[] = [];
	let i = 0;
	const lane = async () => {
		while (i < forged) {
			const mine = i++;
			const status = await send(url, forgery(mine, secret, example), agent);
			answers.set(status, (answers.get(status) ?? 0) + 1);
			if (Number.isNaN(next) || mine % (FORGED / REAL) !== 0) continue;
			const start = performance.now();
			equal(await send(url, real(hubble, secret, next++), agent), 200, 'a real delivery was refused');
			latencies.push(performance.now() - start);
		}
	};
	const start = performance.now();
	await Promise.all(Array.from({ length: LANES }, lane));
	agent.destroy();
	latencies.sort((a, b) => a - b);
	return { answers, next, latencies, seconds: (performance.now() - start) / 1000 };
}

/** Where deliveries are sent, and what a real one must carry. */
type Target = Pick<ReturnType<typeof onlyWebhook>, 'url' | 'secret'>;

/** What a user would build without the package: n8n's own Webhook node, which compares the same header. */
async function publishPeer(n8n: N8n, credentials: Record<string, string>): Promise<Target> {
	const secret = randomUUID();
	const value = { name: 'HTTP-X-HUBBLE-TOKEN', value: secret };
	const file = variant('receive-packets.json');
	Object.assign(file.nodes[1] ?? {}, {
		type: 'n8n-nodes-base.webhook',
		typeVersion: 2,
		parameters: { httpMethod: 'POST', path: 'packets', authentication: 'headerAuth', options: {} },
		credentials: { httpHeaderAuth: { id: '', name: 'Header' } },
	});
	const Header = await n8n.createCredential('Header', 'httpHeaderAuth', value);
	await n8n.activate(await n8n.createWorkflow(file, { ...credentials, Header }));
	return { url: `${n8n.url}/webhook/packets`, secret };
}

interface Memory {
	/** What is resident in an n8n that was left alone, without garbage, in MB. */
	resident: number;
	/** The same without what was freed: glibc keeps that, and gives it back when it is told to. */
	inUse: number;
	/** What V8's heap uses of it. */
	heap: number;
}

async function quietMemory({ pid, logs }: Pick<Stage['n8n'], 'pid' | 'logs'>): Promise<Memory> {
	await pause(QUIET_MS);
	// What only finalizers let go of goes with the second collection.
	for (let i = 0; i < 2; i++) {
		process.kill(pid, 'SIGUSR2');
		await pause(COLLECTION_MS);
	}
	const heap = /heapUsed=(\d+)(?!.*heapUsed)/s.exec(logs(200))?.[1];
	const resident = memoryOf(pid);
	await trimMemory(pid);
	return { resident, inUse: memoryOf(pid), heap: Number(heap) / MEGABYTE };
}

const words = ({ resident, inUse, heap }: Memory) =>
	`${resident.toFixed(0)} MB resident (${inUse.toFixed(0)} MB without what was freed, V8's heap ${heap.toFixed(1)} MB)`;

/** Forged deliveries of every kind beside real ones. */
async function forge(stage: Stage): Promise<string> {
	return await withBusyN8n(
		stage,
		async (n8n) =>
			await withHubble({ n8n }, async (hubble, credentials) => {
				const id = await n8n.createWorkflow(variant('receive-packets.json'), credentials);
				await n8n.activate(id);
				const target = onlyWebhook(hubble);
				const warmUp = await attack(hubble, target, WARM_UP, 0);
				await ran(n8n, id, warmUp.next);
				const before = await quietMemory(n8n);

				const { answers, next, latencies, seconds } = await attack(hubble, target, FORGED, warmUp.next);
				equal(latencies.length, REAL);
				await ran(n8n, id, next);
				const after = await quietMemory(n8n);
				await n8n.deactivate(id);
				const accepted = [...answers.keys()].filter((status) => status >= 200 && status < 400);
				deepEqual(accepted, [], 'a forged delivery was accepted');
				ok((answers.get(401) ?? 0) > FORGED / 2, 'few forged deliveries came as far as the trigger');
				const statuses = [...answers].sort(([a], [b]) => a - b).map(([status, times]) => `${status}: ${times}`);
				const said = [
					`${FORGED} forged deliveries in ${seconds.toFixed(0)} s, answered ${statuses.join(', ')}`,
					`${REAL} real ones, all accepted: median ${latencies[REAL / 2]?.toFixed(0)} ms, slowest ${latencies.at(-1)?.toFixed(0)} ms`,
					`n8n's memory, each time left alone and without garbage: ${words(before)} before, ${words(after)} after; peak ${memoryOf(n8n.pid, 'VmHWM').toFixed(0)} MB resident`,
				].join('\n');
				ok(after.heap <= GROWTH * before.heap, `the heap has grown\n${said}`);
				if (after.inUse <= GROWTH * before.inUse) return said;

				const peer = await publishPeer(n8n, credentials);
				await attack(hubble, peer, WARM_UP / 10);
				const beforePeer = await quietMemory(n8n);
				const atPeer = await attack(hubble, peer, AT_PEER);
				const afterPeer = await quietMemory(n8n);
				ok((atPeer.answers.get(403) ?? 0) > AT_PEER / 2, "few forged deliveries came as far as n8n's node");
				const ours = ((after.inUse - before.inUse) / FORGED) * 1024;
				const peers = ((afterPeer.inUse - beforePeer.inUse) / AT_PEER) * 1024;
				const compared = `${said}\na call leaves ${ours.toFixed(2)} kB; in the same n8n, one of n8n's own Webhook node ${peers.toFixed(2)} kB (${AT_PEER} in ${atPeer.seconds.toFixed(0)} s: ${words(beforePeer)} before, ${words(afterPeer)} after)`;
				ok(ours <= peers, `memory has grown\n${compared}`);
				return compared;
			}),
		MEASURABLE,
	);
}

/** A connection that announces a large body and sends a byte a second of it. */
function dribble(url: string) {
	const { hostname, port, pathname } = new URL(url);
	const state = { isClosed: false, bytes: 0 };
	const socket = connect(Number(port), hostname);
	socket.on('error', () => (state.isClosed = true)).on('close', () => (state.isClosed = true));
	socket.write(
		`POST ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"packets":["`,
	);
	const timer = setInterval(() => {
		if (state.isClosed) return;
		state.bytes += 1;
		socket.write('x');
	}, 1000);
	return {
		state,
		close() {
			clearInterval(timer);
			socket.destroy();
		},
	};
}

/**
 * Bodies that come byte by byte, on many connections, while Hubble delivers; says what the real deliveries were answered.
 * @param isBehindNginx whether all of them go through an nginx, which hands on whole bodies alone
 */
async function besideSlowBodies(
	stage: Stage,
	rounds: number,
	{ settings, isBehindNginx = false }: { settings?: Record<string, string>; isBehindNginx?: boolean } = {},
) {
	return await withBusyN8n(
		stage,
		async (n8n) =>
			await withHubble({ n8n }, async (hubble, credentials) => {
				const id = await n8n.createWorkflow(variant('receive-packets.json'), credentials);
				await n8n.activate(id);
				const { url: direct, secret } = onlyWebhook(hubble);
				const nginx = isBehindNginx ? await startNginx(n8n.url) : undefined;
				const url = nginx ? direct.replace(n8n.url, nginx.url) : direct;
				const agent = new Agent({ keepAlive: true });
				const before = memoryOf(n8n.pid);
				const slowOnes = Array.from({ length: SLOW_CONNECTIONS }, () => dribble(url));
				try {
					await pause(5000);
					const latencies: number[] = [];
					let accepted = 0;
					let taken = 0;
					for (let n = 0; n < rounds; n++) {
						const start = performance.now();
						const isAccepted = (await send(url, real(hubble, secret, n), agent)) === 200;
						const ms = performance.now() - start;
						latencies.push(ms);
						if (isAccepted) accepted += 1;
						if (isAccepted && ms < HUBBLE_WAITS_MS) taken += 1;
						await pause(200);
					}
					const open = slowOnes.filter(({ state }) => !state.isClosed && state.bytes > 0).length;
					const after = memoryOf(n8n.pid);
					for (const one of slowOnes) one.close();
					await ran(n8n, id, accepted);
					await n8n.deactivate(id);
					latencies.sort((x, y) => x - y);
					const said = `${accepted} of ${rounds} real deliveries taken, ${taken} in time, beside ${open} slow bodies: median ${latencies[rounds >> 1]?.toFixed(0)} ms, slowest ${latencies.at(-1)?.toFixed(0)} ms; memory ${before.toFixed(0)} MB before, ${after.toFixed(0)} MB after`;
					return { taken, open, growth: after / before, said };
				} finally {
					for (const one of slowOnes) one.close();
					agent.destroy();
					await nginx?.stop();
				}
			}),
		settings,
	);
}

/** All real ones pass with what docs/operations.md recommends, and not without; where they do, it should say so. */
async function slow(stage: Stage): Promise<string> {
	const lines: string[] = [];
	const allPass = async (name: string, how: Parameters<typeof besideSlowBodies>[2]) => {
		const { taken, open, growth, said } = await besideSlowBodies(stage, SLOW_ROUNDS, how);
		equal(open, SLOW_CONNECTIONS, 'the slow connections did not last');
		equal(taken, SLOW_ROUNDS, `${name}: real deliveries were refused or late: ${said}`);
		ok(growth <= SLOW_GROWTH, `${name}: memory has grown: ${said}`);
		lines.push(`${name}: ${said}`);
	};
	await allPass('as installed, behind nginx', { settings: AS_INSTALLED, isBehindNginx: true });
	// n8n 1 has no such setting.
	if (!isN8n1(stage.n8n.version)) await allPass('lazy', {});
	const { taken, growth, said } = await besideSlowBodies(stage, SLOW_ROUNDS_INSTALLED, { settings: AS_INSTALLED });
	ok(taken < SLOW_ROUNDS_INSTALLED || growth > SLOW_GROWTH, `n8n needs neither: ${said}`);
	return [...lines, `as installed: ${said}`].join('\n');
}

export const attackChecks: Check[] = [
	{ name: `attack: ${REAL} real deliveries arrive among ${FORGED.toLocaleString('en')} forged ones`, run: forge },
	{
		name: `attack: ${SLOW_CONNECTIONS} slow bodies hold up no real delivery`,
		run: slow,
	},
];
