/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { packetKey, type Packet } from '../../../nodes/shared/packet/packet';
import { type Simulator, startSimulator } from '../../simulator/server';
import type { Check, Stage } from '../check';
import { credentialData, credentialName, exampleFiles, readExample } from '../mainJob';
import { type Execution, type Item, type Json, type N8n, packageName, type WorkflowFile } from '../n8n';
import { until } from '../processes';
import { startPostgres } from '../services';
import { isN8n1 } from '../provision';
import { storedKeys } from './scale';

/** Examples that only read and need nothing but Hubble: what a run by hand must give. */
const runs: Array<[file: string, verify: (execution: Execution, stage: Stage) => void]> = [
	[
		'enrich-packets.json',
		(execution, { hubble }) => {
			const items = execution.items('Reading');
			equal(items.length, 100);
			const known = new Map([...hubble.world.main.devices.values()].map(({ name, tags }) => [name, tags.site]));
			for (const { json } of items) equal(json.site, known.get(String(json.device)));
			ok(items.some(({ json }) => typeof json.place === 'string' && json.place));
			const warmth = items.map(({ json }) => json.temperature);
			ok(warmth.some((value) => typeof value === 'number') && warmth.every((value) => typeof value !== 'string'));
		},
	],
	[
		'cold-rooms.json',
		(execution) => {
			const [begins] = execution.items('Send Alarm');
			const [over] = execution.items('Send All-Clear');
			match(String(begins?.json.text), /: Too warm \(critical\)\. temperature is [\d.]+ °C, above 8 since /);
			match(String(over?.json.text), /: Too warm \(critical\) is over after .+\. temperature is .+ °C, at worst /);
			// A real one has a hint too where a payload of another check could not be decoded.
			for (const one of [begins, over]) equal(one?.json.isExample, /an example/.test(String(one?.json.hint)));
		},
	],
	[
		'nightly-map.json',
		(execution) => {
			const [report] = execution.items('Create Packet Report');
			match(String(report?.json.html), /Packets of the last 24 hours/);
			ok(report?.binary?.data, 'the file is missing');
		},
	],
	[
		'weekly-report.json',
		(execution, { hubble }) => {
			const [report, second] = execution.items('Create Fleet Report');
			equal(second, undefined);
			equal(report?.json.devices, hubble.world.main.devices.size);
			const html = String(report?.json.html);
			match(html, /Silent devices/);
			ok(Buffer.byteLength(html) < 90_000, 'Gmail would cut the mail');
			ok(report?.binary?.data, 'the file is missing');
		},
	],
	[
		'export-packets.json',
		(execution, { hubble }) => {
			const [file] = execution.items('Export Packets');
			deepEqual([file?.json.count, file?.json.complete], [hubble.world.main.packets.length, true]);
			ok(file?.binary?.data, 'there is no file');
		},
	],
];

/** Gives a node of an example the parameters of a test. */
function withParameters(file: WorkflowFile, name: string, parameters: object): WorkflowFile {
	const node = file.nodes.find((each) => each.name === name);
	ok(node, `There is no node "${name}"`);
	Object.assign(node.parameters, parameters);
	return file;
}

const PACKETS = 300;

/** Publishes an example, has Hubble deliver packets to it, and gives its one execution's items by node when all is done. */
async function delivered(
	n8n: N8n,
	file: WorkflowFile,
	more: Record<string, string> = {},
): Promise<{ hubble: Simulator; items: (node: string) => Item[] }> {
	const hubble = await startSimulator({ devices: 20, packets: 0, limits: false });
	try {
		const id = await n8n.createCredential('Deliveries', 'hubbleApi', credentialData(hubble));
		const workflow = await n8n.createWorkflow(file, { ...more, [credentialName]: id });
		await n8n.activate(workflow);
		hubble.addPackets(PACKETS);
		await hubble.settled();
		const executions = await until('the executions', 120, async () => {
			const all = await n8n.executions(workflow);
			const isOver =
				all.length >= PACKETS / 100 && all.every(({ status }) => !['new', 'running', 'waiting'].includes(status));
			return isOver ? await Promise.all(all.map(async ({ id: each }) => await n8n.finished(each))) : undefined;
		});
		await n8n.deactivate(workflow);
		for (const { status, error } of executions) equal(status, 'success', error);
		return { hubble, items: (node) => executions.flatMap(({ items }) => items(node)) };
	} finally {
		await hubble.close();
	}
}

const keysOf = ({ world }: Simulator) =>
	Array.from({ length: world.main.packets.length }, (_, index) =>
		packetKey(world.main.packets.get(index) as unknown as Packet),
	).sort();

async function toPostgres({ n8n }: Stage): Promise<void> {
	const {
		DB_POSTGRESDB_HOST: host,
		DB_POSTGRESDB_PORT: port,
		DB_POSTGRESDB_DATABASE: database,
		DB_POSTGRESDB_USER: user,
	} = await startPostgres();
	const data = { host, port: Number(port), database, user, password: '', ssl: 'disable' };
	const id = await n8n.createCredential('Database', 'postgres', data);
	const credentials = { 'Postgres account': id };
	const example = readExample('packets-to-postgres.json');
	const insert = example.nodes.find(({ name }) => name === 'Insert Packets');
	ok(insert);
	/** Runs SQL as a user of n8n does, by the node of the example. */
	const sql = async (query: string) => {
		const nodes = [
			{
				...insert,
				id: 'start',
				name: 'Start',
				type: 'n8n-nodes-base.manualTrigger',
				typeVersion: 1,
				parameters: {},
				credentials: {},
			},
			{ ...insert, name: 'Query', parameters: { operation: 'executeQuery', query, options: {} } },
		];
		const connections = { Start: { main: [[{ node: 'Query', type: 'main', index: 0 }]] } };
		const execution = await n8n.run(await n8n.createWorkflow({ name: 'SQL', nodes, connections }, credentials));
		equal(execution.error, undefined);
		return execution.items('Query').map(({ json }) => json);
	};
	const [, table = ''] = /```sql\n([^]*)```/.exec(String(example.nodes[0]?.parameters.content)) ?? [];
	await sql(table);
	const { hubble } = await delivered(n8n, example, credentials);
	const rows = await sql('SELECT packet_key FROM hubble_packets');
	deepEqual(rows.map((row) => row.packet_key).sort(), keysOf(hubble));
}

async function toDataTable({ n8n }: Stage): Promise<void> {
	const table = 'Packets of a check';
	const text = JSON.stringify(readExample('packets-to-data-table.json')).replaceAll('Hubble packets', table);
	const example = JSON.parse(text) as WorkflowFile;
	equal((await n8n.run(await n8n.createWorkflow(example))).error, undefined);
	const { hubble } = await delivered(n8n, example);
	deepEqual((await storedKeys(n8n, table)).sort(), keysOf(hubble));
}

async function toManyWorkflows({ n8n }: Stage): Promise<void> {
	const { items } = await delivered(n8n, readExample('one-receiver.json'));
	const sites = (node: string) => new Set(items(node).map(({ json }) => (json.tags as Json).site));
	deepEqual([...sites('Workflow of Site 1')], ['Rotterdam']);
	deepEqual([...sites('Workflow of Site 2')], ['Hamburg']);
	const others = sites('Workflow of Other Sites');
	ok(others.size > 1 && !others.has('Rotterdam') && !others.has('Hamburg'), [...others].join());
	const nodes = ['Workflow of Site 1', 'Workflow of Site 2', 'Workflow of Other Sites'];
	equal(nodes.flatMap(items).length, PACKETS);
}

export const exampleChecks: Check[] = [
	{ name: 'examples: packets-to-postgres.json writes each packet once', run: toPostgres },
	{ name: 'examples: one-receiver.json hands each packet to the workflow of its site', run: toManyWorkflows },
	{
		name: 'examples: each is imported, and n8n knows every type of node in it',
		async run({ n8n }) {
			const credentials = await n8n.credentialIds();
			for (const file of exampleFiles()) {
				const example = readExample(file);
				const id = await n8n.createWorkflow(example, credentials);
				const { nodes } = await n8n.rest<WorkflowFile>('GET', `/workflows/${id}`);
				// n8n makes the tools of our nodes itself, and tells of them under the nodes' own names.
				const nodeInfos = nodes.map(({ type, typeVersion }) => ({
					name: type.startsWith(`${packageName}.`) ? type.replace(/Tool$/, '') : type,
					version: typeVersion,
				}));
				const types = await n8n.rest<Array<{ name: string }>>('POST', '/node-types', { nodeInfos });
				// n8n answers with the names alone, without their package.
				const known = new Set(types.map(({ name }) => name.split('.').at(-1)));
				const unknown = nodeInfos.map(({ name }) => name).filter((name) => !known.has(name.split('.').at(-1)));
				deepEqual([file, ...unknown], [file]);
			}
		},
	},
	...runs.map(([file, verify]): Check => ({
		name: `examples: ${file} gives what it says`,
		async run(stage) {
			const id = await stage.n8n.createWorkflow(readExample(file), await stage.n8n.credentialIds());
			const execution = await stage.n8n.run(id);
			equal(execution.error, undefined);
			verify(execution, stage);
		},
	})),
	{
		name: 'examples: a rotation or a recovery that did nothing is red',
		async run({ n8n, hubble }) {
			const credentials = await n8n.credentialIds();
			// As it is, the example stores no execution: its data hold a key.
			const stored = { ...readExample('rotate-api-key.json'), settings: { executionOrder: 'v1' } };
			const keys = hubble.world.main.keys.size;
			const rotated = n8n.run(await n8n.createWorkflow(stored, credentials));
			// n8n 1 runs no workflow in which a required parameter is empty, and its Data Table node creates no table for the recovery.
			if (isN8n1(n8n.version)) {
				await rejects(rotated, /has issues and cannot be executed/);
				equal(hubble.world.main.keys.size, keys);
				return;
			}
			const rotation = await rotated;
			equal(rotation.status, 'error');
			match(rotation.error ?? '', /API Key/);
			const gap = { from: '2031-01-01T00:00:00Z', to: '2031-01-02T00:00:00Z' };
			const assignments = Object.entries(gap).map(([name, value]) => ({ id: name, name, value, type: 'string' }));
			const example = withParameters(readExample('recover-outage.json'), 'Set Gap', { assignments: { assignments } });
			const recovery = await n8n.run(await n8n.createWorkflow(example, credentials));
			equal(recovery.status, 'error');
			match(recovery.error ?? '', /has no packets between 2031-01-01/);
			equal(hubble.world.main.keys.size, keys);
		},
	},
	{
		name: 'examples: packets-to-data-table.json writes each packet once',
		notOn1: 'the Data Table node of n8n 1 creates no table',
		run: toDataTable,
	},
];
