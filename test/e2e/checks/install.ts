/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import { deepEqual } from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Check } from '../check';
import { packageName, projectFolder } from '../n8n';

export const installChecks: Check[] = [
	{
		name: 'the packed package installs without a second n8n-workflow',
		async run({ n8n }) {
			const folder = join(n8n.userFolder, '.n8n/nodes/node_modules');
			deepEqual(readdirSync(folder), [packageName]);
			const found = readdirSync(folder, { recursive: true }).map(String);
			deepEqual(
				found.filter((path) => basename(path) === 'node_modules'),
				[],
			);
		},
	},
	{
		name: 'n8n loads every node type of the package',
		async run({ n8n }) {
			const files = listedNodes().map((file) => basename(file, '.node.js'));
			const names = files.map((file) => file.charAt(0).toLowerCase() + file.slice(1));
			const nodeInfos = names.map((name) => ({ name: `${packageName}.${name}`, version: 1 }));
			const types = await n8n.rest<Array<{ name: string; displayName: string }>>('POST', '/node-types', { nodeInfos });
			deepEqual(
				types.map(({ name }) => name),
				names,
			);
			return types.map(({ displayName }) => displayName).join(', ');
		},
	},
];

/** The node files that the package tells n8n to load. */
function listedNodes(): string[] {
	const manifest = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as {
		n8n: { nodes: string[] };
	};
	return manifest.n8n.nodes;
}
