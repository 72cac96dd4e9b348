/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/no-dangerous-functions, no-console -- a script that runs others and prints what it found */
/**
 * `npm run test:mutants -- word`: breaks each line of the files of `files.ts` with that word in their path, one change at
 * a time, and looks whether the tests that belong to the file notice. What survives must stand in `survivors.json` with
 * its reason; `--write` adds what is new to it, with an empty reason. Without a word: each file that stands there.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { SLOW, TESTS, WITH_TABLES } from './files';

/** Percent of the mutants that must be noticed, in each file and in all. */
const LEAST = { each: 85, all: 90 };

const LIST = join(__dirname, 'survivors.json');

/** What is read here of a mutant in Stryker's report. */
interface Mutant {
	status: string;
	replacement: string;
	location: Record<'start' | 'end', { line: number; column: number }>;
}

interface Report {
	files: Record<string, { source: string; mutants: Mutant[] }>;
}

/** File → mutant → why it may survive. */
type Survivors = Record<string, Record<string, string>>;

const folder = mkdtempSync(join(tmpdir(), 'mutants-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const settings = (file: string, tests: readonly string[]) => ({
	testRunner: 'circus',
	plugins: [join(__dirname, 'runner.mjs')],
	tests: tests.map((test) => `test/${test}.test.ts`),
	without: SLOW,
	mutate: [`nodes/${file}.ts`],
	coverageAnalysis: 'perTest',
	ignoreStatic: WITH_TABLES.has(file),
	concurrency: Number(process.env.MUTANTS_AT_ONCE ?? Math.max(1, availableParallelism() - 1)),
	reporters: ['json'],
	jsonReporter: { fileName: join(folder, 'report.json') },
	tempDirName: join(folder, 'sandbox'),
	ignorePatterns: ['dist', 'docs', 'examples', '.github'],
	allowConsoleColors: false,
	logLevel: 'warn',
	warnings: false,
});

/** A mutant by its own line, so that it keeps its name when others are added above it. */
function nameOf(source: string, { location: { start, end }, replacement }: Mutant): string {
	const lines = source.split('\n').slice(start.line - 1, end.line);
	const last = lines.length - 1;
	const before = (lines[0] ?? '').slice(0, start.column - 1).trimStart();
	const after = (lines[last] ?? '').slice(end.column - 1);
	const was = lines
		.map((line, n) => line.slice(n === 0 ? start.column - 1 : 0, n === last ? end.column - 1 : undefined).trim())
		.join(' ');
	const short = was.length > 120 ? `${was.slice(0, 60)} … ${was.slice(-59)}` : was;
	return `${before}⟦${short} → ${replacement.replace(/\s+/g, ' ')}⟧${after}`;
}

/** Runs Stryker over one file. */
function mutate(file: string, tests: readonly string[]) {
	const config = join(folder, 'stryker.json');
	writeFileSync(config, JSON.stringify(settings(file, tests)));
	const { status } = spawnSync('npx', ['stryker', 'run', config], { stdio: ['ignore', 'ignore', 'inherit'] });
	if (status !== 0) throw new Error(`Stryker failed on ${file}`);
	const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as Report;
	const [{ source, mutants } = { source: '', mutants: [] }] = Object.values(report.files);
	const those = (...states: string[]) => mutants.filter(({ status: state }) => states.includes(state));
	const survivors = those('Survived', 'NoCoverage').map((mutant) => nameOf(source, mutant));
	return { killed: those('Killed', 'Timeout').length, survivors };
}

function main(): void {
	const [words, write] = [process.argv.slice(2).filter((word) => word !== '--write'), process.argv.includes('--write')];
	const listed = JSON.parse(readFileSync(LIST, 'utf8')) as Survivors;
	const isWanted = (file: string) => (words.length ? words.some((word) => file.includes(word)) : file in listed);
	const wanted = Object.entries(TESTS).filter(([file]) => isWanted(file));
	const sum = { killed: 0, all: 0 };
	const wrong: string[] = [];
	for (const [file, tests] of wanted) {
		const { killed, survivors } = mutate(file, tests);
		const reasons = listed[file] ?? {};
		const all = killed + survivors.length;
		sum.killed += killed;
		sum.all += all;
		const percent = (100 * killed) / all;
		console.log(`${percent.toFixed(1).padStart(5)} %  ${file}: ${killed} of ${all}`);
		// Without a mutant it is no number, and not enough.
		if (!(percent >= LEAST.each)) wrong.push(`${file} has less than ${LEAST.each} %`);
		const unexplained = survivors.filter((name) => !reasons[name]);
		for (const name of unexplained) console.log(`         survives without a reason: ${name}`);
		for (const name of Object.keys(reasons))
			if (!survivors.includes(name)) console.log(`         is killed now: ${name}`);
		if (unexplained.length) wrong.push(`${file} has ${unexplained.length} survivors without a reason`);
		if (write) listed[file] = Object.fromEntries([...new Set(survivors)].map((name) => [name, reasons[name] ?? '']));
	}
	if (write) writeFileSync(LIST, `${JSON.stringify(listed, null, 2)}\n`);
	const percent = (100 * sum.killed) / sum.all;
	console.log(`${percent.toFixed(1).padStart(5)} %  of ${sum.all} mutants`);
	if (!(percent >= LEAST.all)) wrong.push(`All have less than ${LEAST.all} %`);
	if (!wrong.length) return;
	console.error(wrong.join('\n'));
	process.exitCode = 1;
}

main();
