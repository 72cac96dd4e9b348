/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/no-dangerous-functions, no-console -- a script: reads its arguments, runs itself on each core, and prints what it found */
/**
 * `npm run test:histories -- 1000`: so many histories of each kind (`packets 1000`: of one kind; `packets 7-7`: those
 * of these seeds). `npm run test:histories -- --faults` puts each fault of `faults.ts` into a copy of the code, and says
 * which seed finds it first.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { FAULTS, type Fault } from './faults';
import { history, KINDS, type Kind } from './histories';
import { ShippedCode } from './shipped';

/** Seeds in which a fault must be found, unless the one that is known to find it comes later. */
const MOST_SEEDS = 400;
/** Broken promises that are printed. */
const MOST_SHOWN = 10;

async function run(kind: Kind, from: number, to: number): Promise<void> {
	const code = new ShippedCode();
	const sum = { histories: 0, kills: 0, faults: 0, broken: 0 };
	const began = performance.now();
	for (let seed = from; seed <= to; seed++) {
		const { broken, kills, faults } = await history(kind, seed, code);
		sum.histories += 1;
		sum.kills += kills;
		sum.faults += faults;
		if (!broken) continue;
		sum.broken += 1;
		process.exitCode = 1;
		if (sum.broken <= MOST_SHOWN) console.log(`${kind}: ${broken.message}`);
	}
	const perSecond = Math.round((1000 * sum.histories) / (performance.now() - began));
	console.log(`${kind}: ${JSON.stringify(sum)}, ${perSecond} a second`);
}

/** So many histories of a kind, a part of them on each core. */
async function share(kind: Kind, count: number): Promise<void> {
	const cores = availableParallelism();
	const live = async (core: number) =>
		await new Promise<void>((resolve) => {
			const [from, to] = [core, core + 1].map((n) => Math.floor((n * count) / cores)) as [number, number];
			const words = [...process.execArgv, __filename, kind, `${from + 1}-${to}`];
			spawn(process.execPath, words, { stdio: 'inherit' }).once('exit', (code) => {
				process.exitCode ||= code ?? 1;
				resolve();
			});
		});
	const began = performance.now();
	await Promise.all(Array.from({ length: cores }, async (_, core) => await live(core)));
	console.log(`${kind}: ${Math.round((1000 * count) / (performance.now() - began))} a second in all`);
}

/** The first seed that finds a fault, and what it says. */
async function finding(fault: Fault): Promise<string> {
	const code = new ShippedCode([fault]);
	for (let seed = 1; seed <= Math.max(MOST_SEEDS, fault.seed); seed++) {
		const { broken } = await history(fault.kind, seed, code);
		if (broken?.promise.includes(fault.breaks)) return `found by seed ${seed}: ${broken.message.slice(0, 160)}`;
	}
	process.exitCode = 1;
	return 'NOT FOUND';
}

async function main(): Promise<void> {
	// Thousands of errors come and go; where they come from is not asked.
	Error.stackTraceLimit = 0;
	const words = process.argv.slice(2);
	const isWanted = (name: string) => !words.some((word) => /^[a-z]/.test(word)) || words.includes(name);
	if (words.includes('--faults')) {
		for (const fault of FAULTS.filter(({ kind }) => isWanted(kind)))
			console.log(`${fault.kind}, ${fault.name}: ${await finding(fault)}`);
		return;
	}
	const [first = 100, last] = (words.at(-1) ?? '').match(/\d+/g)?.map(Number) ?? [];
	for (const kind of Object.keys(KINDS) as Kind[]) {
		if (isWanted(kind)) await (last === undefined ? share(kind, first) : run(kind, first, last));
	}
}

void main();
