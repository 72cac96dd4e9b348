/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/no-dangerous-functions */
import { randomInt } from 'node:crypto';
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Everything that must be gone when this process ends, in whatever way it ends. */
const children = new Set<ChildProcess>();
const folders = new Set<string>();

process.on('exit', () => {
	for (const child of children) signalGroup(child, 'SIGKILL');
	for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});
for (const [signal, code] of [
	['SIGINT', 130],
	['SIGTERM', 143],
	['SIGHUP', 129],
] as const) {
	process.on(signal, () => process.exit(code));
}

export const pause = async (ms: number) => await new Promise<void>((done) => setTimeout(done, ms));

/** A pause of a random length, told at once: where what follows fails, the length is known. */
export async function randomPause(mostMs: number): Promise<number> {
	const ms = Math.round(Math.random() * mostMs);
	process.stdout.write(`        a pause of ${ms} ms\n`);
	await pause(ms);
	return ms;
}

/** A new folder, removed when this process ends. */
export function temporaryFolder(name: string): string {
	const folder = mkdtempSync(join(tmpdir(), `n8n-nodes-hubble-${name}-`));
	folders.add(folder);
	return folder;
}

const givenPorts = new Set<number>();

/**
 * A TCP port of 127.0.0.1 that nobody listens on now, another one each time. It is below those from which systems
 * take ports for outgoing connections, so that a server which is killed and started again still finds it free.
 */
export async function freePort(): Promise<number> {
	for (;;) {
		const port = randomInt(16_000, 32_000);
		if (givenPorts.has(port)) continue;
		givenPorts.add(port);
		const server = createServer();
		const isFree = await new Promise<boolean>((done) => {
			server.once('error', () => done(false)).listen(port, '127.0.0.1', () => done(true));
		});
		if (!isFree) continue;
		await new Promise((done) => server.close(done));
		return port;
	}
}

/**
 * Starts a program as the leader of its own process group, with its output in `logFile`.
 * The whole group is killed when this process ends.
 */
export function startProcess(command: string, args: string[], logFile: string, options: SpawnOptions = {}) {
	const log = openSync(logFile, 'a');
	const child = spawn(command, args, { ...options, detached: true, stdio: ['ignore', log, log] });
	closeSync(log);
	children.add(child);
	child.once('exit', () => {
		signalGroup(child, 'SIGKILL');
		children.delete(child);
	});
	child.once('error', () => children.delete(child));
	return child;
}

/** Ends a process (SIGTERM first, SIGKILL after `patience` ms) and waits until it is gone. */
export async function stopProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM', patience = 15_000) {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const gone = new Promise<void>((done) => child.once('exit', () => done()));
	// A first SIGTERM goes to the leader alone, which ends its own children in the order it wants.
	if (signal === 'SIGKILL') signalGroup(child, signal);
	else child.kill(signal);
	const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), patience);
	await gone;
	clearTimeout(timer);
}

/** Runs a program to its end and gives its standard output; a failure throws with all that it said. */
export async function run(command: string, args: string[], options: SpawnOptions = {}): Promise<string> {
	const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
	children.add(child);
	let output = '';
	let errors = '';
	child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
	child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
	const code = await new Promise<number | null>((done, failed) => {
		child.once('error', failed).once('close', done);
	}).finally(() => children.delete(child));
	if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}\n${errors}${output}`);
	return output;
}

/** What Linux tells of a process's memory, in MB: resident now (`VmRSS`), or the most it ever was (`VmHWM`). */
export const memoryOf = (pid: number, what: 'VmRSS' | 'VmHWM' = 'VmRSS') =>
	Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** The last lines of a log file, for an error message. */
export function tail(file: string, lines = 40): string {
	return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n') : '';
}

/** Asks until the answer is truthy; after `seconds` it fails with what was waited for. */
export async function until<T>(what: string, seconds: number, ask: () => Promise<T> | T): Promise<NonNullable<T>> {
	const deadline = Date.now() + seconds * 1000;
	while (Date.now() < deadline) {
		const answer = await ask();
		if (answer) return answer;
		await pause(100);
	}
	throw new Error(`${what}: not within ${seconds} s`);
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals) {
	if (child.pid === undefined) return;
	try {
		process.kill(-child.pid, signal);
	} catch {
		// No such group: it is gone, or the child (started by `run`) shares ours and ends with us.
		child.kill(signal);
	}
}
