/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/no-dangerous-functions -- reads the workflows, and runs some of their steps */
/** What the workflows of the CI may do: no more than they must, with actions that nobody can change under them. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { engines, scripts } from '../../package.json';
import { long } from '../e2e/long';
import { isN8n1, triedReleases } from '../e2e/provision';

interface Job {
	needs?: string;
	permissions?: Record<string, string>;
	'timeout-minutes'?: number;
	strategy?: { matrix: Record<string, unknown[]> & { exclude?: Array<{ n8n: string; checks: string }> } };
	uses?: string;
	steps?: Array<{ uses?: string; run?: string; with?: Record<string, unknown> }>;
}
interface WorkflowFile {
	permissions?: Record<string, string>;
	jobs: Record<string, Job>;
}

const folder = resolve(__dirname, '../../.github/workflows');
const workflows = readdirSync(folder).map((name) => {
	const text = readFileSync(join(folder, name), 'utf8');
	return { name, text, file: parse(text) as WorkflowFile };
});
const named = (name: string) => workflows.find((workflow) => workflow.name === name)?.file as WorkflowFile;

const rightsToWrite: Readonly<Record<string, string[]>> = {
	'newest-n8n.yml': ['report: issues'],
	'publish.yml': ['publish: id-token', 'release: contents'],
};

describe.each(workflows)('$name', ({ name, text, file }) => {
	const jobs = Object.entries(file.jobs);

	it('pins each action by the hash of a commit, with its version behind it', () => {
		// What is in the repository itself is of the same commit.
		const used = (text.match(/uses: .*/g) ?? []).filter((line) => !line.startsWith('uses: ./'));
		expect(used.length).toBeGreaterThan(0);
		expect(used.filter((line) => !/^uses: [\w-]+(\/[\w-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
	});

	it('may read, and write only where a release is made or an issue is opened', () => {
		expect(file.permissions).toBeDefined();
		expect(Object.values(file.permissions ?? {}).filter((right) => right !== 'read')).toEqual([]);
		const writes = jobs.flatMap(([job, { permissions = {} }]) =>
			Object.entries(permissions).flatMap(([what, right]) => (right === 'read' ? [] : `${job}: ${what}`)),
		);
		expect(writes).toEqual(rightsToWrite[name] ?? []);
		// What may write runs none of the project's code.
		const writers = jobs.filter(([job]) => writes.some((right) => right.startsWith(`${job}: `)));
		expect(JSON.stringify(writers)).not.toContain('actions/checkout');
	});

	it('keeps no token, and ends in time', () => {
		expect(text).not.toMatch(/secrets[.:]|_authToken|NPM_TOKEN|NODE_AUTH_TOKEN/);
		expect(text).not.toMatch(/pull_request_target/);
		for (const [, { steps = [], uses, ...job }] of jobs) {
			if (!uses) expect(job['timeout-minutes']).toBeLessThanOrEqual(name === 'long.yml' ? 120 : 60);
			const checkouts = steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'));
			expect(checkouts.map((step) => step.with?.['persist-credentials'])).toEqual(checkouts.map(() => false));
		}
	});
});

it('tests on each Node.js that the package supports, and on the releases of n8n that the checks are made for', () => {
	const { test, e2e } = named('ci.yml').jobs;
	expect(`>=${Math.min(...(test?.strategy?.matrix.node as number[]))}`).toBe(engines.node.split('.')[0]);
	for (const { strategy } of [e2e, named('long.yml').jobs.e2e] as Job[])
		expect(strategy?.matrix.n8n).toEqual(triedReleases);
});

describe('on the newest n8n', () => {
	const { e2e, report } = named('newest-n8n.yml').jobs;
	/** Runs the step with this word in its script as GitHub does, with a function of bash in the place of a program. */
	function stepOf({ steps = [] }: Job = {}, word: string, program: string, variables: Record<string, string>) {
		const { run = '' } = steps.find(({ run }) => run?.includes(word)) ?? {};
		const env = { ...process.env, ...variables };
		// Behind a pipe, so that GITHUB_ENV can be /dev/stdout.
		const piped = ['-o', 'pipefail', '-c', 'bash -ec "$0" | cat', `${program}\n${run}`];
		const { status, stdout } = spawnSync('bash', piped, { env, encoding: 'utf8' });
		return { status, stdout };
	}

	it.each([
		['npm() { return 1; }', 1, ''],
		['npm() { true; }', 1, ''],
		['npm() { echo 2.42.0; }', 0, 'N8N_VERSION=2.42.0\n'],
	])('needs to know the release: %s', (npm, status, stdout) => {
		expect(stepOf(e2e, 'npm view', npm, { GITHUB_ENV: '/dev/stdout' })).toEqual({ status, stdout });
	});

	it.each([
		['failure', '', /^issue create .* --title The checks fail/],
		['failure', '7', /^$/],
		['success', '', /^$/],
		['success', '7', /^issue close 7 /],
	])('after %s with the open issue "%s", does %s', (RESULT, open, does) => {
		const gh = `gh() { test "$2" = list && echo "${open}" || echo "$@"; }`;
		const { status, stdout } = stepOf(report, 'gh issue', gh, { RESULT });
		expect(stdout).toMatch(does);
		expect(status).toBe(0);
	});

	it('takes an empty N8N_VERSION for none', () => {
		const before = { ...process.env };
		process.env.N8N_VERSION = '';
		jest.isolateModules(() => {
			const { n8nVersions } = jest.requireActual<typeof import('../e2e/provision')>('../e2e/provision');
			expect(n8nVersions).toEqual(triedReleases);
		});
		process.env = before;
	});
});

describe('every week', () => {
	const { checks = [], exclude = [] } = named('long.yml').jobs.e2e?.strategy?.matrix ?? {};
	const words = (checks as string[]).flatMap((word) =>
		triedReleases
			.filter((n8n) => !exclude.some((pair) => pair.n8n === n8n && pair.checks === word))
			.map((n8n) => ({ n8n, word })),
	);
	const titles = triedReleases.flatMap((n8n) =>
		long.filter(({ notOn1 }) => !notOn1 || !isN8n1(n8n)).map(({ name }) => ({ n8n, title: name.toLowerCase() })),
	);
	const fits = (one: { n8n: string; word: string }, other: { n8n: string; title: string }) =>
		one.n8n === other.n8n && other.title.includes(one.word.toLowerCase());

	it.each(titles)('runs "$title" on n8n $n8n once', (check) => {
		expect(words.filter((word) => fits(word, check))).toHaveLength(1);
	});

	it.each(words)('finds something to run by "$word" on n8n $n8n', (word) => {
		expect(titles.some((check) => fits(word, check))).toBe(true);
	});
});

it.each(Object.keys(scripts).filter((name) => name.startsWith('test')))(
	'runs `npm run %s` somewhere, and CONTRIBUTING.md says how long it takes',
	(name) => {
		const command = name === 'test' ? 'npm test' : `npm run ${name}`;
		expect(workflows.some(({ text }) => new RegExp(`run: ${command}( |$)`, 'm').test(text))).toBe(true);
		const contributing = readFileSync(resolve(folder, '../../CONTRIBUTING.md'), 'utf8');
		expect(contributing).toMatch(new RegExp(`^\\| \`${command}[^|]*\` \\| [^|]+ \\| [^|]+ \\|$`, 'm'));
	},
);

it('has one job that writes a cache of n8n', () => {
	const writers = workflows.flatMap(({ name, file }) =>
		Object.entries(file.jobs).flatMap(([job, { steps = [] }]) =>
			steps.some(({ uses }) => uses?.startsWith('actions/cache@')) ? `${name}: ${job}` : [],
		),
	);
	expect(writers).toEqual(['ci.yml: e2e']);
});

it('publishes after everything that must be right, by an identity that no token stands before', () => {
	const { ci, build, publish, release } = named('publish.yml').jobs;
	expect(ci?.uses).toBe('./.github/workflows/ci.yml');
	expect([ci?.needs, build?.needs, publish?.needs, release?.needs]).toEqual(['gate', 'ci', 'build', 'publish']);
	// Either would give npm a token, which it takes before the identity of the workflow.
	expect(JSON.stringify(publish)).not.toMatch(/registry-url|TOKEN/);
});
