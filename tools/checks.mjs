// What `npm test` looks at beside the tests: lint, types and form. Two run side by side, the longest first; each prints its
// output when it ends, and its time.
import { spawn } from 'node:child_process';

const waiting = [
	['lint', 'n8n-node lint'],
	['types', 'tsc -p test/tsconfig.json'],
	['form of the tests', 'prettier --check test'],
	['form of the rest', "prettier --check . '!test'"],
];

/** Runs a command of the shell; whether it succeeded. */
async function run([name, command]) {
	const began = performance.now();
	const child = spawn(command, { shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
	const output = [];
	for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => output.push(part));
	const code = await new Promise((resolve) => child.on('close', resolve));
	const seconds = Math.round((performance.now() - began) / 1000);
	process.stdout.write(`${Buffer.concat(output)}${code === 0 ? 'ok    ' : 'not ok'}  ${name} (${seconds} s)\n`);
	if (code !== 0) process.exitCode = 1;
}

async function lane() {
	for (let next = waiting.shift(); next; next = waiting.shift()) await run(next);
}
await Promise.all([lane(), lane()]);
