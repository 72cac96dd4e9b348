/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/require-node-api-error, no-console */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from './processes';

/** n8n and its own Node.js live here, one folder a version, shared by all checkouts of this user. */
const cache =
	process.env.N8N_NODES_HUBBLE_CACHE ??
	join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'n8n-nodes-hubble');

const nodeVersion = '24.21.0';

/** The n8n releases that the package is tried on, the older line last. */
export const triedReleases = ['2.41.1', '1.123.81'];

/** A release of n8n, such as 2.41.1. */
export type N8nVersion = string;

/** The releases of this run: `N8N_VERSION` names others, with commas between them; an empty text names none. */
export const n8nVersions: readonly N8nVersion[] = (process.env.N8N_VERSION || triedReleases.join()).split(',');

/** The n8n that a run starts which names none. */
export const [defaultVersion = ''] = n8nVersions;

export const isN8n1 = (version: N8nVersion) => version.startsWith('1.');

/** Instead of dependencies that npm cannot fetch everywhere. */
const overridesFor = (version: N8nVersion): Record<string, string> =>
	isN8n1(version) ? { xlsx: 'npm:@e965/xlsx@0.20.3' } : { linkedom: '0.18.12' };

/**
 * Dependencies are resolved as they were on this day, soon after the releases above: every machine gets the same
 * ones, and no half-published release of one of their thousands of packages stops an installation. A release of a
 * later day gets the dependencies of today.
 */
const resolvedOn = '2026-10-01';

/** The path of a Node.js fit for every n8n release above, whatever runs this script. */
export async function provisionNode(): Promise<string> {
	// What the npm package `node` would install in a script of its own, for this platform.
	const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
	const name = `${prefix}-${process.platform}-${process.arch}`;
	const folder = await provision(`node-${nodeVersion}`, { [name]: nodeVersion }, {}, async () => {});
	return join(folder, 'node_modules', name, 'bin', 'node');
}

/** The folder in which `node_modules/n8n` of this version is installed and able to start. */
export async function provisionN8n(version: N8nVersion): Promise<string> {
	const node = await provisionNode();
	return await provision(`n8n-${version}`, { n8n: version }, overridesFor(version), async (folder) => {
		// The one native add-on that is needed: n8n's default database.
		await npm(folder, 'rebuild', 'sqlite3', '--ignore-scripts=false');
		await run(node, ['-e', "require('sqlite3')"], { cwd: folder });
	});
}

/**
 * Installs packages into a folder of the cache unless it is there. The work is done beside it and
 * renamed when complete, so an interrupted run leaves no half folder and two runs at once both succeed.
 */
async function provision(
	name: string,
	dependencies: Record<string, string>,
	overrides: Record<string, string>,
	finish: (folder: string) => Promise<void>,
): Promise<string> {
	const target = join(cache, name);
	if (existsSync(target)) return target;
	mkdirSync(cache, { recursive: true });
	removeAbandoned();

	console.error(`Installing ${name} into ${cache} (once; n8n takes about eight minutes and 3 GB) …`);
	const work = join(cache, `.${name}-${process.pid}`);
	mkdirSync(work, { recursive: true });
	writeFileSync(join(work, 'package.json'), JSON.stringify({ private: true, dependencies, overrides }));
	const stopTelling = tellProgress(name, join(work, 'node_modules'));
	try {
		const install = ['install', '--ignore-scripts'];
		await npm(work, ...install, `--before=${resolvedOn}`).catch(async (error: Error) => {
			if (!/ETARGET|No matching version/.test(error.message)) throw error;
			await npm(work, ...install);
		});
		await finish(work);
	} finally {
		stopTelling();
	}
	try {
		renameSync(work, target);
	} catch (error) {
		if (!existsSync(target)) throw error;
		rmSync(work, { recursive: true, force: true }); // another run was first
	}
	return target;
}

/** Says every 15 seconds how far npm is, which says nothing itself: first it asks for versions, then it unpacks. */
function tellProgress(name: string, folder: string): () => void {
	const begin = Date.now();
	const timer = setInterval(() => {
		const seconds = Math.round((Date.now() - begin) / 1000);
		const unpacked = existsSync(folder) ? readdirSync(folder).filter((entry) => !entry.startsWith('.')).length : 0;
		console.error(`  ${name}: ${seconds} s, ${unpacked ? `${unpacked} packages arrive` : 'npm looks for versions'}`);
	}, 15_000);
	return () => clearInterval(timer);
}

async function npm(folder: string, ...args: string[]) {
	await run('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
}

/** Removes what interrupted runs left: work folders whose process is no more. */
function removeAbandoned() {
	for (const entry of readdirSync(cache)) {
		const pid = Number(/^\..*-(\d+)$/.exec(entry)?.[1]);
		if (pid && !isRunning(pid)) rmSync(join(cache, entry), { recursive: true, force: true });
	}
}

function isRunning(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}
