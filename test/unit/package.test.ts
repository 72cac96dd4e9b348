/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/no-dangerous-functions -- builds and opens the package */
/** What is published: the tarball's content and the promises of its manifest. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
	n8n: { nodes: string[]; credentials: string[] };
	dependencies?: object;
	peerDependencies: object;
};
let folder: string;
let packed: string[];

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'hubble-package-'));
	const npm = (...args: string[]) =>
		execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
	npm('run', 'build');
	const [{ files, filename }] = JSON.parse(npm('pack', '--json', '--pack-destination', folder)) as [
		{ files: Array<{ path: string }>; filename: string },
	];
	packed = files.map(({ path }) => path);
	execFileSync('tar', ['-xzf', join(folder, filename), '-C', folder]);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('ships the build, its entry and its documents, and nothing else', () => {
	expect(
		packed.filter(
			(path) => !/^(dist\/(nodes|credentials|icons)\/|index\.js$|README\.md$|LICENSE\.md$|package\.json$)/.test(path),
		),
	).toEqual([]);
	expect(packed).toEqual(expect.arrayContaining(['index.js', 'README.md', 'LICENSE.md', 'package.json']));
});

it('ships every node and credential of the manifest, with icons and codex', () => {
	const { nodes, credentials } = manifest.n8n;
	const codex = nodes.map((path) => path.replace(/\.js$/, '.json'));
	expect(packed).toEqual(
		expect.arrayContaining([...nodes, ...credentials, ...codex, 'dist/icons/hubble.svg', 'dist/icons/hubble.dark.svg']),
	);
});

it('exports every node and credential class', () => {
	const { nodes, credentials } = manifest.n8n;
	const classes = [...nodes, ...credentials].map((path) => path.split('/').at(-1)?.split('.')[0]);
	const script =
		'console.log(JSON.stringify(Object.entries(require("./index.js")).map(([name, Class]) => [name, new Class().name ?? new Class().description.name])))';
	const cwd = join(folder, 'package');
	const exported = JSON.parse(
		execFileSync('node', ['-e', script], {
			cwd,
			encoding: 'utf8',
			env: { ...process.env, NODE_PATH: join(root, 'node_modules') },
		}),
	) as Array<[string, string]>;
	expect(exported.map(([name]) => name).sort()).toEqual(classes.sort());
	expect(exported.every(([name, type]) => type === name.charAt(0).toLowerCase() + name.slice(1))).toBe(true);
});

it('needs nothing at run time but n8n-workflow', () => {
	expect(manifest.dependencies).toBeUndefined();
	expect(manifest.peerDependencies).toEqual({ 'n8n-workflow': '*' });
	const sources = packed.filter((path) => /^dist\/.*\.js$/.test(path));
	const required = sources.flatMap((path) =>
		[...readFileSync(join(folder, 'package', path), 'utf8').matchAll(/require\("([^"]+)"\)/g)].map(
			([, name]) => name ?? '',
		),
	);
	expect([...new Set(required)].filter((name) => !name.startsWith('.')).sort()).toEqual([
		'n8n-workflow',
		'node:crypto',
	]);
});

it('locks its development dependencies without naming a registry', () => {
	const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
	expect(lock).not.toMatch(/"resolved"|https?:\/\/[^"]*registry/);
});
