/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, no-console */
/** Programs that some checks need beside n8n: taken from the system, or on Debian as root installed from it. */
import { chmodSync, chownSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort, run, startProcess, stopProcess, tail, temporaryFolder, until } from './processes';

/** Where a program may be (`*` for a version) and the Debian package that brings it. */
const programs = {
	chromium: { places: ['/usr/bin'], package: 'chromium' },
	'redis-server': { places: ['/usr/bin', '/usr/local/bin'], package: 'redis-server' },
	initdb: { places: ['/usr/lib/postgresql/*/bin', '/usr/local/bin'], package: 'postgresql' },
	soffice: { places: ['/usr/bin'], package: 'libreoffice-calc-nogui' },
	gdb: { places: ['/usr/bin'], package: 'gdb' },
	nginx: { places: ['/usr/sbin', '/usr/local/sbin', '/usr/bin'], package: 'nginx' },
} as const;

const isRoot = process.getuid?.() === 0;

/** The path of a program; throws with the name of the package to install when it is missing and cannot be had. */
export async function program(name: keyof typeof programs): Promise<string> {
	const found = find(name);
	if (found) return found;
	const wanted = programs[name].package;
	if (!isRoot || !existsSync('/usr/bin/apt-get')) throw new Error(`${name} is missing: install the package ${wanted}`);
	console.error(`Installing the Debian package ${wanted} …`);
	// Runlevel 1 keeps the package from starting a service of its own.
	const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
	await run('apt-get', ['update', '-q'], { env });
	await run('apt-get', ['install', '-y', '-q', '-o', 'DPkg::Lock::Timeout=300', '--no-install-recommends', wanted], {
		env,
	});
	const installed = find(name);
	if (!installed) throw new Error(`The package ${wanted} brought no ${name}`);
	return installed;
}

function find(name: keyof typeof programs): string | undefined {
	const folders = programs[name].places.flatMap((place) => {
		const [before = '', after] = place.split('*');
		if (after === undefined) return [place];
		return existsSync(before) ? readdirSync(before).map((entry) => `${before}${entry}${after}`) : [];
	});
	return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * A Redis on a free port, with n8n's environment for it.
 * @param isDurable whether it appends what it is told to a file (AOF), and knows it again after `kill` and `start`
 */
export async function startRedis(isDurable = false) {
	const redis = await program('redis-server');
	const folder = temporaryFolder('redis');
	const port = await freePort();
	const log = join(folder, 'log');
	const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
	const launch = () => startServer(redis, [...options, '--appendonly', isDurable ? 'yes' : 'no'], log);
	const accepting = async () =>
		await until(`Redis at port ${port}`, 30, async () => await accepts(port)).catch(withLog(log));
	let child = launch();
	await accepting();
	return {
		env: { QUEUE_BULL_REDIS_HOST: '127.0.0.1', QUEUE_BULL_REDIS_PORT: String(port) },
		kill: async () => await stopProcess(child, 'SIGKILL'),
		async start() {
			child = launch();
			await accepting();
		},
	};
}

/** Runs SQL in a PostgreSQL that `startPostgres` started; gives what its client prints. */
export async function sql(environment: Record<string, string | undefined>, statement: string): Promise<string> {
	const client = join(await program('initdb'), '../psql');
	const { DB_POSTGRESDB_PORT: port = '', DB_POSTGRESDB_DATABASE: database = '' } = environment;
	return await run(client, ['-h', '127.0.0.1', '-p', port, '-U', 'n8n', '-d', database, '-tAc', statement]);
}

/** Writes what a PostgreSQL that `startPostgres` started holds into a file, as SQL, without one table. */
export async function dumpPostgres(
	environment: Record<string, string | undefined>,
	file: string,
	without: string,
): Promise<void> {
	const client = join(await program('initdb'), '../pg_dump');
	const { DB_POSTGRESDB_PORT: port = '', DB_POSTGRESDB_DATABASE: database = '' } = environment;
	await run(client, ['-h', '127.0.0.1', '-p', port, '-U', 'n8n', '-d', database, '-f', file, '-T', without]);
}

/** An empty PostgreSQL on a free port; gives n8n's environment for it. */
export async function startPostgres(): Promise<Record<string, string>> {
	const initdb = await program('initdb');
	const folder = temporaryFolder('postgres');
	const data = join(folder, 'data');
	const log = join(folder, 'log');
	const port = await freePort();
	// PostgreSQL refuses to run as root.
	const user = isRoot ? { uid: await id('-u', 'postgres'), gid: await id('-g', 'postgres') } : {};
	if (isRoot) chownSync(folder, user.uid ?? 0, user.gid ?? 0);
	chmodSync(folder, 0o700);
	await run(initdb, ['-D', data, '-U', 'n8n', '--auth=trust', '--encoding=UTF8', '--no-sync'], {
		...user,
		cwd: folder,
	});
	const options = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder, '-F'];
	startServer(join(initdb, '../postgres'), options, log, user);
	const isReady = async () =>
		await run(join(initdb, '../pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)]).then(
			() => true,
			() => false,
		);
	await until(`PostgreSQL at port ${port}`, 60, isReady).catch(withLog(log));
	return {
		DB_TYPE: 'postgresdb',
		DB_POSTGRESDB_HOST: '127.0.0.1',
		DB_POSTGRESDB_PORT: String(port),
		DB_POSTGRESDB_DATABASE: 'postgres', // the one that initdb makes
		DB_POSTGRESDB_USER: 'n8n',
	};
}

/** An nginx before a port, as docs/operations.md recommends it; gives its URL and how it ends. */
export async function startNginx(target: string) {
	const nginx = await program('nginx');
	const folder = temporaryFolder('nginx');
	const port = await freePort();
	const log = join(folder, 'log');
	const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
		(of) => `${of}_temp_path ${folder}/${of};`,
	);
	const configuration = `daemon off; ${isRoot ? 'user root;' : ''} pid ${folder}/pid; error_log ${log} warn;
events { worker_connections 1024; }
http {
	access_log off; ${temporary.join(' ')} client_max_body_size 16m;
	server { listen 127.0.0.1:${port}; location / { proxy_pass ${target}; } }
}`;
	writeFileSync(join(folder, 'nginx.conf'), configuration);
	const child = startServer(nginx, ['-c', join(folder, 'nginx.conf'), '-e', log], log);
	await until(`nginx at port ${port}`, 30, async () => await accepts(port)).catch(withLog(log));
	return { url: `http://127.0.0.1:${port}`, stop: async () => await stopProcess(child) };
}

/** Makes glibc give back to the system what a process has freed. Needs a Linux that lets us trace it. */
export async function trimMemory(pid: number): Promise<void> {
	const call = ['-nx', '-batch', '-p', String(pid), '-ex', 'print (int)malloc_trim(0)'];
	const said = await run(await program('gdb'), call);
	if (!/^\$\d+ = [01]$/m.test(said)) throw new Error(`gdb could not trim the memory of ${pid}: ${said}`);
}

/** Starts a server that also ends when this process is killed without a chance to clean up, where the system can. */
function startServer(path: string, options: string[], log: string, user: { uid?: number; gid?: number } = {}) {
	if (!existsSync('/usr/bin/setpriv')) return startProcess(path, options, log, user);
	const identity = user.uid ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : [];
	return startProcess('/usr/bin/setpriv', ['--pdeathsig=KILL', ...identity, path, ...options], log);
}

const id = async (flag: '-u' | '-g', user: string) => Number(await run('id', [flag, user]));

async function accepts(port: number): Promise<boolean> {
	return await new Promise((done) => {
		const socket = connect(port, '127.0.0.1');
		socket.once('connect', () => done(true)).once('error', () => done(false));
		socket.once('connect', () => socket.destroy());
	});
}

function withLog(log: string) {
	return (error: Error): never => {
		throw new Error(`${error.message}\n${tail(log)}`);
	};
}
