/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/require-node-api-error, no-console */
/**
 * `npm run test:compose`, on a Linux with Docker whose ports 80 and 443 are free: starts examples/queue-mode with the
 * package of this checkout, delivers packets through its proxy, and removes it again.
 */
import axios from 'axios';
import { equal, ok } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { basename, join } from 'node:path';
import { type Simulator, startSimulator } from '../simulator/server';
import { batch, onlyWebhook, post, variant } from './checks/trigger';
import { credentialData, credentialName } from './mainJob';
import { type Json, owner, pack, projectFolder } from './n8n';
import { run, until } from './processes';

const folder = join(projectFolder, 'examples/queue-mode');
const PACKETS = 1000;

/** An address of this machine that containers reach too. */
function ownAddress(): string {
	const addresses = Object.entries(networkInterfaces())
		.filter(([name]) => !/^(docker|br-|veth)/.test(name))
		.flatMap(([, found = []]) => found);
	const own = addresses.find(({ family, internal }) => family === 'IPv4' && !internal);
	if (!own) throw new Error('This machine has no IPv4 address besides its loopback');
	return own.address;
}

/** Hands on what arrives at a port of every address: the simulator listens on the loopback. */
async function openTo(port: number): Promise<number> {
	const server = createServer((socket) => {
		const inner = connect(port, '127.0.0.1');
		socket.on('error', () => inner.destroy()).pipe(inner);
		inner.on('error', () => socket.destroy()).pipe(socket);
	});
	await new Promise<void>((done) => server.listen(0, '0.0.0.0', done));
	return (server.address() as AddressInfo).port;
}

/** A session with the n8n at that address, through its proxy. */
async function signIn(url: string) {
	let cookie = '';
	const rest = async <T>(method: 'GET' | 'POST', path: string, data?: unknown): Promise<T> => {
		const headers = { cookie, 'browser-id': 'hubble-compose' };
		const reply = await axios.request<{ data: T }>({ method, url: `${url}/rest${path}`, data, headers, proxy: false });
		cookie = reply.headers['set-cookie']?.map((one) => one.split(';')[0]).join('; ') ?? cookie;
		return reply.data.data;
	};
	await until('n8n behind the proxy', 60, async () => await rest('GET', '/settings').catch(() => undefined));
	await rest('POST', '/owner/setup', owner);
	await rest('POST', '/login', { emailOrLdapLoginId: owner.email, password: owner.password });
	return rest;
}

/** Publishes the example of the packet trigger, acknowledging when its run has finished; gives the workflow's ID. */
async function publish(rest: Awaited<ReturnType<typeof signIn>>, hubble: Json): Promise<string> {
	const credential = await rest<{ id: string }>('POST', '/credentials', {
		name: credentialName,
		type: 'hubbleApi',
		data: hubble,
	});
	const workflow = variant('receive-packets.json', { options: { acknowledge: 'lastNode' } });
	for (const { credentials = {} } of workflow.nodes)
		for (const reference of Object.values(credentials)) reference.id = credential.id;
	const { id } = await rest<{ id: string }>('POST', '/workflows', { active: false, ...workflow });
	const { versionId } = await rest<{ versionId: string }>('GET', `/workflows/${id}`);
	await rest('POST', `/workflows/${id}/activate`, { versionId });
	await until('the publication', 120, async () => {
		const { status, triggers } = await rest<{ status: string; triggers: Array<{ errorMessage?: string | null }> }>(
			'GET',
			`/workflows/${id}/publication-status`,
		);
		const problems = triggers.flatMap(({ errorMessage }) => errorMessage ?? []);
		if (problems.length > 0) throw new Error(problems.join('\n'));
		return status !== 'in_progress';
	});
	return id;
}

/** Delivers packets in batches of 250; each is answered 200 when its run has finished. */
async function deliver(hubble: Simulator, from: number): Promise<void> {
	const before = hubble.deliveries.length;
	hubble.deliver({ from, to: from + PACKETS });
	await hubble.settled();
	const made = hubble.deliveries.slice(before).map(({ status }) => status);
	equal(String(made), String([200, 200, 200, 200]));
}

async function main() {
	const address = ownAddress();
	const url = `http://${address}`;
	const tarball = await pack();
	copyFileSync(tarball, join(folder, basename(tarball)));
	const env = {
		...process.env,
		HUBBLE_PACKAGE: `/tmp/package/${basename(tarball)}`,
		N8N_WEBHOOK_URL: url,
		N8N_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
		POSTGRES_PASSWORD: randomBytes(32).toString('hex'),
	};
	const compose = async (...args: string[]) => await run('docker', ['compose', ...args], { cwd: folder, env });
	const up = async () => await compose('up', '--build', '--detach', '--wait', '--wait-timeout', '600');
	const hubble = await startSimulator({
		devices: 100,
		packets: 2 * PACKETS,
		limits: false,
		delivery: { timeoutMs: 60_000 },
	});
	try {
		const port = await openTo(Number(new URL(hubble.url).port));
		await up();
		const rest = await signIn(url);
		const id = await publish(rest, { ...credentialData(hubble), baseUrl: `http://${address}:${port}` });
		const webhook = onlyWebhook(hubble);
		ok(webhook.url.startsWith(`${url}/webhook/`), webhook.url);
		await deliver(hubble, 0);
		equal(await post(webhook.url, batch(hubble, 0, 10), {}), 401);

		await compose('stop', 'webhook-1', 'webhook-2');
		const refused = await post(webhook.url, batch(hubble, 0, 10), { 'HTTP-X-HUBBLE-TOKEN': webhook.secret });
		ok(refused >= 502, `without a webhook process the proxy answered ${refused}`);
		await up();
		await deliver(hubble, PACKETS);

		const { results } = await rest<{ results: Array<{ status: string }> }>(
			'GET',
			`/executions?filter=${encodeURIComponent(JSON.stringify({ workflowId: id }))}`,
		);
		equal(results.map(({ status }) => status).join(), Array(8).fill('success').join());
		console.log(
			`${2 * PACKETS} packets in 8 deliveries through the proxy, each answered 200 after its run; a forged one got 401, and one while no webhook process ran ${refused}`,
		);
	} catch (error) {
		console.error(await compose('ps', '--all').catch(String));
		console.error(await compose('logs', '--no-color', '--tail', '40').catch(String));
		throw error;
	} finally {
		await compose('down', '--volumes', '--remove-orphans');
		await hubble.close();
	}
}

main().then(
	() => process.exit(0),
	(error: unknown) => {
		console.error(error);
		process.exit(1);
	},
);
