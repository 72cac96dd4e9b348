/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, no-console */
/**
 * `npm run bench`: every measure but the long soak; `npm run bench -- pace trigger`: only those.
 * Prints a table and keeps the figures in `results.json` beside this file.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { projectFolder } from '../e2e/n8n';
import { run } from '../e2e/processes';
import { defaultVersion } from '../e2e/provision';
import { decode } from './decode';
import { exports } from './export';
import { fleet } from './fleet';
import { items } from './items';
import { pace, windows } from './pace';
import type { Result } from './result';
import { sensors } from './sensors';
import { sharing } from './sharing';
import { soak } from './soak';
import { trigger, triggerInstalled } from './trigger';
import { updates } from './updates';

const benches: Record<string, () => Promise<Result[]>> = {
	pace,
	windows,
	items,
	exports,
	updates,
	fleet,
	decode,
	sensors,
	trigger,
	'trigger-installed': triggerInstalled,
	sharing,
	soak,
};

/** Half an hour in which nothing else may run: only when it is named. */
const onlyByName = ['soak'];

const file = join(__dirname, 'results.json');

async function main() {
	const wanted = process.argv.slice(2);
	const unknown = wanted.filter((name) => !(name in benches));
	if (unknown.length)
		throw new Error(`No bench is called ${unknown.join(', ')}: there are ${Object.keys(benches).join(', ')}`);
	let isGreen = true;
	const machine = cpus();
	const on = {
		commit: await commit(),
		cores: machine.length,
		cpu: (machine[0]?.model ?? '').trim(),
		node: process.version,
		n8n: defaultVersion,
	};
	const usual = Object.keys(benches).filter((name) => !onlyByName.includes(name));
	for (const name of wanted.length ? wanted : usual) {
		const at = new Date().toISOString();
		try {
			const measured = ((await benches[name]?.()) ?? []).map((result) => ({ ...result, measured: { at, ...on } }));
			print(measured);
			keep(measured);
			isGreen &&= measured.every(({ passed }) => passed);
		} catch (error) {
			// What the others measure takes hours: it goes on.
			console.error(`NOT OK  ${name}`, error);
			isGreen = false;
		}
	}
	process.exit(isGreen ? 0 : 1);
}

/** Puts the rows in the place of those of the same name. */
function keep(results: readonly Result[]) {
	const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Result[]) : [];
	const isNew = (name: string) => results.some((result) => result.name === name);
	const all = [...kept.filter(({ name }) => !isNew(name)), ...results];
	writeFileSync(file, `${JSON.stringify(all, null, '\t')}\n`);
}

/** The commit that is checked out. */
async function commit(): Promise<string> {
	const git = async (...args: string[]) => (await run('git', args, { cwd: projectFolder })).trim();
	const id = await git('rev-parse', '--short=12', 'HEAD');
	return (await git('status', '--porcelain', '--untracked-files=no', '--', ':!test/bench/results.json'))
		? `${id}+`
		: id;
}

/** One block a measure: a line of figures, and below it what was measured and what must be. */
function print(results: readonly Result[]) {
	const shown = (value: number | null) =>
		value === null ? '–' : value.toLocaleString('en', { maximumSignificantDigits: 4 });
	for (const { name, unit, ours, peer, limit, ratio, must, passed, remark } of results) {
		console.log(`${passed ? 'ok    ' : 'NOT OK'}  ${name}`);
		console.log(
			`        ours ${shown(ours)}   peer ${shown(peer)}   limit ${shown(limit)}   (${unit})   ratio ${shown(ratio)}, must be ${must}`,
		);
		if (remark) console.log(`        ${remark}`);
	}
}

main().catch((error: unknown) => {
	console.error(error);
	process.exit(1);
});
