/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- reads the example */
/** examples/queue-mode says what docs/operations.md advises and what the checks of queue mode try. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { version } from '../../package.json';
import { cluster, findsEveryEnd, PROBE_MS, queueMode } from '../e2e/queueSettings';
import { triedReleases } from '../e2e/provision';

interface Service {
	image?: string;
	command?: string;
	environment?: Record<string, string>;
	deploy?: { replicas: number };
	healthcheck?: { test: string[] };
}

const root = resolve(__dirname, '../..');
const read = (name: string) => readFileSync(join(root, 'examples/queue-mode', name), 'utf8');
const compose = read('compose.yaml');
const proxy = read('Caddyfile');
const { services } = parse(compose, { merge: true }) as { services: Record<string, Service> };
const processes = Object.values(services).filter(({ image }) => image === undefined);
const docs = readFileSync(join(root, 'docs/operations.md'), 'utf8');

/** Names of the first table of docs/operations.md, and a value where it gives one. */
const advised = [...docs.matchAll(/^\| (`.+?) \|/gm)]
	.flatMap(([, cell = '']) => [...cell.matchAll(/`([A-Z][A-Z0-9_]+)(?:=(\w+))?`/g)])
	.map(([, name = '', value]) => [name, value] as const);
/** Advice for another line of n8n, or for one process. */
const elsewhere = ['WEBHOOK_URL', 'N8N_DEFAULT_BINARY_DATA_MODE', 'QUEUE_WORKER_MAX_STALLED_COUNT'];

it('has the processes of the check that kills them', () => {
	const count = (command?: string) =>
		processes.filter((one) => one.command === command).reduce((sum, { deploy }) => sum + (deploy?.replicas ?? 1), 0);
	expect([count(), count('webhook'), count('worker')]).toEqual([1, cluster.webhooks, cluster.workers]);
	// Text that YAML reads as a mapping would stop Docker Compose.
	for (const { healthcheck } of processes)
		expect(healthcheck?.test).toEqual(['CMD', 'node', '-e', expect.stringContaining('/healthz/readiness')]);
	expect(services.redis?.command).toContain('--appendonly yes');
	expect(read('Dockerfile')).toContain(`FROM n8nio/n8n:${triedReleases[0]}\n`);
	expect(compose).toContain(`:-n8n-nodes-hubble@${version}}`);
});

it('gives each of them the settings that the check has', () => {
	for (const { environment } of processes) expect(environment).toMatchObject({ ...queueMode, ...findsEveryEnd });
});

it('gives each of them the settings that docs/operations.md advises', () => {
	expect(advised.length).toBeGreaterThan(elsewhere.length + 4);
	for (const { environment } of processes) {
		for (const [name, value] of advised.filter(([one]) => !elsewhere.includes(one)))
			expect({ name, value: environment?.[name] }).toEqual({ name, value: value ?? expect.stringMatching(/./) });
	}
	expect(docs).toContain('(../examples/queue-mode/compose.yaml)');
});

it('has a proxy that asks for readiness, and hands on whole bodies as large as the trigger takes', () => {
	const [, size] = /client_max_body_size (\d+)m/.exec(docs) ?? [];
	for (const line of [
		`request_buffers ${size}MiB`,
		`max_size ${size}MiB`,
		'health_uri /healthz/readiness',
		`health_interval ${PROBE_MS}ms`,
	])
		expect(proxy).toContain(`\t${line}\n`);
	const backends = [...proxy.matchAll(/reverse_proxy (.+) \{\n(.*)\n/g)];
	expect(backends.map(([, , first]) => first?.trim())).toEqual(backends.map(() => 'import n8n'));
	const hooks = Object.keys(services).filter((name) => services[name]?.command === 'webhook');
	expect(backends[0]?.[1]).toBe(`@production ${hooks.map((name) => `${name}:5678`).join(' ')}`);
});

it('holds no secret, and names each that it needs', () => {
	const asked = new Set([...compose.matchAll(/\$\{(\w+):\?\}/g)].map(([, name]) => name));
	const example = [...read('.env.example').matchAll(/^(\w+)=(.*)$/gm)];
	expect(new Set(example.map(([, name]) => name))).toEqual(asked);
	expect(example.map(([, , value]) => value).join('')).toBe('');
	const secrets = Object.values(services)
		.flatMap(({ environment = {} }) => Object.entries(environment))
		.filter(([name]) => /PASSWORD|KEY$|TOKEN|SECRET/.test(name));
	expect(secrets.length).toBeGreaterThan(processes.length);
	for (const [, value] of secrets) expect(value).toMatch(/^\$\{\w+:\?\}$/);
});
