// What every script of this project does first: installs the development dependencies unless the
// installed ones already are those of the lockfile.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const wanted = `${root}package-lock.json`;
const stamp = `${root}node_modules/.installed-lock.json`;

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== readFileSync(wanted, 'utf8')) {
	console.error('Installing the development dependencies (npm ci) …');
	execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
	copyFileSync(wanted, stamp);
}
