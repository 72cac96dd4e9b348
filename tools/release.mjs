// What must be right before a release, beside the tests: the tarball has no install script, and n8n's scanner of community
// packages, whose rules run on the sources and on what is built with inline configuration off, finds nothing.
// (`npx @n8n/scan-community-package` reads published packages only.) Builds in two folders must give one tarball.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { n8nCommunityNodesPlugin } from '@n8n/eslint-plugin-community-nodes';
import * as parser from '@typescript-eslint/parser';
import { ESLint } from 'eslint';
import n8nNodesPlugin from 'eslint-plugin-n8n-nodes-base';

const root = fileURLToPath(new URL('..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'n8n-nodes-hubble-release-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
const run = (cwd, command, ...args) => execFileSync(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });

/** Prints a line; `found` says what is wrong, and nothing when it is empty. */
function check(name, found) {
	console.log(`${found ? 'not ok' : 'ok    '}  ${name}`);
	if (!found) return;
	console.log(found.replace(/^/gm, '        '));
	process.exitCode = 1;
}

/** Builds and packs what is in a folder, and gives the tarball. */
function pack(from) {
	const folder = mkdtempSync(join(work, 'tarball-'));
	run(from, 'npm', 'run', 'build');
	run(from, 'npm', 'pack', '--silent', '--pack-destination', folder);
	return join(folder, readdirSync(folder)[0]);
}

/** A copy of the sources in another folder, with the same dependencies. */
function copyOfSources() {
	const folder = join(work, 'elsewhere');
	const left = ['node_modules', 'dist', '.git'];
	cpSync(root, folder, { recursive: true, filter: (path) => !left.includes(basename(path)) });
	symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
	return folder;
}
const hash = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** The scanner's configuration (@n8n/scan-community-package 0.32.0, `buildScanConfig`). */
const { community, credentials, nodes } = n8nNodesPlugin.configs;
const scanConfig = [
	n8nCommunityNodesPlugin.configs.recommended,
	{ rules: { 'no-console': 'error' } },
	{ plugins: { 'n8n-nodes-base': n8nNodesPlugin } },
	{ files: ['package.json'], rules: community.rules },
	{
		files: ['**/credentials/**/*.ts'],
		rules: {
			...credentials.rules,
			'n8n-nodes-base/cred-class-field-documentation-url-miscased': 'off',
			'n8n-nodes-base/cred-class-field-type-options-password-missing': 'off',
		},
	},
	{
		files: ['**/nodes/**/*.ts'],
		rules: {
			...nodes.rules,
			'n8n-nodes-base/node-class-description-inputs-wrong-regular-node': 'off',
			'n8n-nodes-base/node-class-description-outputs-wrong': 'off',
			'n8n-nodes-base/node-param-type-options-max-value-present': 'off',
		},
	},
	{ files: ['**/*.json', '**/*.ts'], languageOptions: { parser } },
].flat();

/** What the scanner says about the files of a folder; empty when nothing. */
async function scan(cwd, patterns) {
	const eslint = new ESLint({ cwd, allowInlineConfig: false, overrideConfigFile: true, overrideConfig: scanConfig });
	const results = await eslint.lintFiles(patterns);
	if (!results.length) return 'it found no file';
	const violations = results.filter(({ errorCount }) => errorCount > 0);
	return violations.length ? (await eslint.loadFormatter('stylish')).format(violations) : '';
}

const tarball = pack(root);
const [first, second] = [hash(tarball), hash(pack(copyOfSources()))];
check(`builds in two folders give one tarball (SHA-256 ${first})`, first === second ? '' : `the second is ${second}`);

execFileSync('tar', ['-xzf', tarball, '-C', work]);
const packed = join(work, 'package');
const { scripts } = JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8'));
check(
	'the tarball runs nothing when it is installed',
	Object.keys(scripts)
		.filter((name) => /^(pre|post)?install$|^(pre|post)?prepare$|^dependencies$/.test(name))
		.join(),
);
check("n8n's scanner finds nothing in the tarball", await scan(packed, ['**/*.js', '**/*.json']));
check(
	"n8n's scanner finds nothing in the sources",
	await scan(root, ['package.json', '{nodes,credentials}/**/*.{js,ts,json}']),
);
