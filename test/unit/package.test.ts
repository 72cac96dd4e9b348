/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- reads the manifest */
/** The promises of the manifest and the lockfile; what the tarball holds is checked end to end. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

interface Lock {
	packages: Record<string, { resolved?: string; integrity?: string }>;
}

const root = resolve(__dirname, '../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
	n8n: { nodes: string[]; credentials: string[] };
	dependencies?: object;
	peerDependencies: object;
	peerDependenciesMeta: object;
	overrides?: object;
};

it('lists every node and credential of the sources', () => {
	const found = (folder: string, end: RegExp) =>
		readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
			.filter((name) => end.test(name))
			.map((name) => `dist/${folder}/${name.replace(/\.ts$/, '.js')}`);
	expect([...manifest.n8n.nodes].sort()).toEqual(found('nodes', /\.node\.ts$/).sort());
	expect([...manifest.n8n.credentials].sort()).toEqual(found('credentials', /\.ts$/).sort());
});

it('needs nothing at run time but n8n-workflow', () => {
	expect(manifest.dependencies).toBeUndefined();
	expect(manifest.peerDependencies).toEqual({ 'n8n-workflow': '*' });
	// npm would put a copy beside the package, of another version than n8n's: by its exports the nodes know their n8n.
	expect(manifest.peerDependenciesMeta).toEqual({ 'n8n-workflow': { optional: true } });
	// n8n verifies no package that has them.
	expect(manifest.overrides).toBeUndefined();
});

it('locks its development dependencies with the place of each, so that npm need not look for it', () => {
	const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
	const isPlaced = ([, { resolved = '', integrity }]: [string, Lock['packages'][string]]) =>
		resolved.startsWith('https://registry.npmjs.org/') && Boolean(integrity);
	// The package itself comes from nowhere.
	expect(Object.entries(packages).filter((entry) => !isPlaced(entry))).toEqual([['', expect.anything()]]);
});
