/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals */
import axios from 'axios';
import { deepEqual, ok } from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Check } from '../check';
import { type N8n, packageName, projectFolder } from '../n8n';
import { schemaFiles } from '../../../tools/schemas';
import { run } from '../processes';

/** What may be in the tarball. */
const SHIPPED = /^(dist\/(nodes|credentials|icons)\/|index\.js$|README\.md$|LICENSE\.md$|package\.json$)/;

const installed = ({ userFolder }: N8n) => join(userFolder, '.n8n/nodes/node_modules', packageName);
const filesIn = (folder: string) =>
	readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(folder, path)).isFile());

export const installChecks: Check[] = [
	{
		name: 'the package ships the build, its entry and its documents, and nothing else',
		async run({ n8n }) {
			const packed = filesIn(installed(n8n));
			deepEqual(
				packed.filter((path) => !SHIPPED.test(path) && path !== 'node_modules/.package-lock.json'),
				[],
			);
			const nodes = listedNodes();
			const wanted = ['index.js', 'README.md', 'LICENSE.md', 'dist/icons/hubble.svg', 'dist/icons/hubble.dark.svg'];
			for (const path of [...wanted, ...nodes, ...nodes.map((file) => file.replace(/\.js$/, '.json'))]) {
				ok(packed.includes(path), `${path} is not in the package`);
			}
			const required = packed
				.filter((path) => /^dist\/.*\.js$/.test(path))
				.flatMap((path) => [...readFileSync(join(installed(n8n), path), 'utf8').matchAll(/require\("([^"]+)"\)/g)])
				.flatMap(([, name = '']) => (name.startsWith('.') ? [] : name));
			deepEqual([...new Set(required)].sort(), ['n8n-workflow', 'node:crypto']);
		},
	},
	{
		name: 'the package exports every node and credential class by its name',
		async run({ n8n }) {
			const { nodes, credentials } = manifest();
			const classes = [...nodes, ...credentials].map((path) => basename(path).split('.')[0]);
			const script =
				'console.log(JSON.stringify(Object.entries(require("./index.js")).map(([name, Class]) => [name, new Class().name ?? new Class().description.name])))';
			const env = { PATH: process.env.PATH ?? '', NODE_PATH: join(projectFolder, 'node_modules') };
			const exported = JSON.parse(await run('node', ['-e', script], { cwd: installed(n8n), env })) as Array<
				[string, string]
			>;
			deepEqual(exported.map(([name]) => name).sort(), classes.sort());
			for (const [name, type] of exported) deepEqual(type, name.charAt(0).toLowerCase() + name.slice(1));
		},
	},
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
		name: 'the editor gets a preview of what each operation puts out',
		async run({ n8n }) {
			// Triggers have one as well, which n8n's workflow builder reads; the editor asks for none.
			const files = Object.entries(schemaFiles()).filter(([path]) => !path.endsWith('/output.json'));
			for (const [path, schema] of files) {
				const [, folder = '', version, rest] = /^(.+)\/__schema__\/v([\d.]+)\/(.+)$/.exec(path) ?? [];
				const type = `${packageName}.${folder.charAt(0).toLowerCase()}${folder.slice(1)}`;
				const { data } = await axios.get<unknown>(`${n8n.url}/schemas/${type}/${version}/${rest}`);
				deepEqual(data, schema);
			}
			return `${files.length} previews`;
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

/** What the package tells n8n to load. */
function manifest(): { nodes: string[]; credentials: string[] } {
	const text = readFileSync(join(projectFolder, 'package.json'), 'utf8');
	return (JSON.parse(text) as { n8n: { nodes: string[]; credentials: string[] } }).n8n;
}

const listedNodes = () => manifest().nodes;
