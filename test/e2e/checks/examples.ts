/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import type { Check, Stage } from '../check';
import { exampleFiles, readExample } from '../mainJob';
import { type Execution, packageName, type WorkflowFile } from '../n8n';

/** Examples that only read and need nothing but Hubble: what a run by hand must give. */
const runs: Array<[file: string, verify: (execution: Execution, stage: Stage) => void]> = [
	[
		'enrich-packets.json',
		(execution, { hubble }) => {
			const items = execution.items('Reading');
			equal(items.length, 100);
			const known = new Map([...hubble.world.main.devices.values()].map(({ name, tags }) => [name, tags.site]));
			for (const { json } of items) equal(json.site, known.get(String(json.device)));
		},
	],
	[
		'nightly-map.json',
		(execution) => {
			const [page] = execution.items('Page with a map');
			match(String(page?.json.html), /const places = \{\s*"type"\s*:\s*"FeatureCollection"/);
			equal(execution.items('Map file').length, 1);
		},
	],
	[
		'weekly-report.json',
		(execution, { hubble }) => {
			const [report] = execution.items('Text');
			match(String(report?.json.text), new RegExp(`^${hubble.world.main.devices.size} devices, \\d+ of them active`));
			equal(execution.items('Text').length, 1);
			equal(execution.items('Fleet report')[0]?.json.devices, hubble.world.main.devices.size);
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

export const exampleChecks: Check[] = [
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
			// n8n 1 runs no workflow in which a required parameter is empty, and it has no data tables for the recovery.
			if (n8n.version.startsWith('1.')) {
				await rejects(rotated, /has issues and cannot be executed/);
				equal(hubble.world.main.keys.size, keys);
				return;
			}
			const rotation = await rotated;
			equal(rotation.status, 'error');
			match(rotation.error ?? '', /API Key/);
			const gap = { from: '2031-01-01T00:00:00Z', to: '2031-01-02T00:00:00Z' };
			const assignments = Object.entries(gap).map(([name, value]) => ({ id: name, name, value, type: 'string' }));
			const example = withParameters(readExample('recover-outage.json'), 'The gap', { assignments: { assignments } });
			const recovery = await n8n.run(await n8n.createWorkflow(example, credentials));
			equal(recovery.status, 'error');
			match(recovery.error ?? '', /has no packets between 2031-01-01/);
			equal(hubble.world.main.keys.size, keys);
		},
	},
];
