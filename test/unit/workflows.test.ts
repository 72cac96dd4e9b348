/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- reads the workflows */
/** What the workflows of the CI may do: no more than they must, with actions that nobody can change under them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';

interface Job {
	needs?: string;
	permissions?: Record<string, string>;
	'timeout-minutes'?: number;
	strategy?: { matrix: Record<string, unknown[]> };
	uses?: string;
	steps?: Array<{ uses?: string; run?: string; with?: Record<string, unknown> }>;
}
interface WorkflowFile {
	on: Record<string, { tags?: string[] } | Array<{ cron: string }> | null>;
	permissions?: Record<string, string>;
	jobs: Record<string, Job>;
}

const folder = resolve(__dirname, '../../.github/workflows');
const workflows = readdirSync(folder).map((name) => {
	const text = readFileSync(join(folder, name), 'utf8');
	return { name, text, file: parse(text) as WorkflowFile };
});
const named = (name: string) => workflows.find((workflow) => workflow.name === name)?.file as WorkflowFile;
const commands = ({ steps = [] }: Job) => steps.flatMap(({ run }) => run ?? []);

describe.each(workflows)('$name', ({ name, text, file }) => {
	const jobs = Object.entries(file.jobs);

	it('pins each action by the hash of a commit, with its version behind it', () => {
		// What is in the repository itself is of the same commit.
		const used = (text.match(/uses: .*/g) ?? []).filter((line) => !line.startsWith('uses: ./'));
		expect(used.length).toBeGreaterThan(0);
		expect(used.filter((line) => !/^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
	});

	it('may read, and write only where a release is made', () => {
		expect(file.permissions).toBeDefined();
		expect(Object.values(file.permissions ?? {}).filter((right) => right !== 'read')).toEqual([]);
		const writes = jobs.flatMap(([job, { permissions = {} }]) =>
			Object.entries(permissions).flatMap(([what, right]) => (right === 'read' ? [] : `${job}: ${what}`)),
		);
		expect(writes).toEqual(name === 'publish.yml' ? ['publish: id-token', 'release: contents'] : []);
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

it('tests on each Node.js that the package supports, and on both lines of n8n', () => {
	const { test, e2e } = named('ci.yml').jobs;
	expect(test?.strategy?.matrix.node).toEqual([20, 22, 24]);
	expect(commands(test as Job)).toEqual(['npm test', 'npm start -- --once']);
	expect(e2e?.strategy?.matrix.n8n).toEqual(['2.41.1', '1.123.81']);
	expect(e2e?.['timeout-minutes']).toBeLessThanOrEqual(45);
});

it('publishes a tag with provenance, after everything that must be right', () => {
	const { on, jobs } = named('publish.yml');
	const { gate, ci, build, publish, release } = jobs as Record<string, Job>;
	expect(on).toEqual({ push: { tags: ['v*'] } });
	expect(ci?.uses).toBe('./.github/workflows/ci.yml');
	expect(commands(gate as Job)).toEqual([
		'git merge-base --is-ancestor "$GITHUB_SHA" origin/main',
		'test "$GITHUB_REF_NAME" = "v$(jq -r .version package.json)"',
	]);
	expect(commands(build as Job).slice(0, 3)).toEqual(['npm test', 'npm run build', 'npm pack']);
	expect(commands(build as Job)[3]).toContain('npm sbom --sbom-format cyclonedx');
	expect(commands(publish as Job)).toEqual(['npm publish ./*.tgz --provenance --access public']);
	// Each waits for the one before, and what has a right has none of the project's code.
	expect([ci?.needs, build?.needs, publish?.needs, release?.needs]).toEqual(['gate', 'ci', 'build', 'publish']);
	expect(JSON.stringify([publish, release])).not.toContain('actions/checkout');
	// Either would give npm a token, which it takes before the identity of the workflow.
	expect(JSON.stringify(publish)).not.toMatch(/registry-url|TOKEN/);
});

it('tries the newest n8n every day', () => {
	const { on, jobs } = named('newest-n8n.yml');
	expect(on.schedule).toEqual([{ cron: expect.stringMatching(/^\d+ \d+ \* \* \*$/) as string }]);
	expect(commands(jobs.e2e as Job).join()).toContain('npm view "n8n@$TAG" version');
});

it('runs the long checks every week, on both lines of n8n', () => {
	const { on, jobs } = named('long.yml');
	expect(on.schedule).toEqual([{ cron: expect.stringMatching(/^\d+ \d+ \* \* \d$/) as string }]);
	expect(jobs.e2e?.strategy?.matrix.n8n).toEqual(['2.41.1', '1.123.81']);
	expect(commands(jobs.e2e as Job)).toContain('npm run test:long -- "$CHECKS"');
});
