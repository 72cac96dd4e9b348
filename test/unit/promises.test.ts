/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- reads documents and tests */
/** Each promise of docs/nodes.md has a number, and tests that say it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const docs = resolve(__dirname, '../../docs');
const tests = resolve(__dirname, '..');

const promises = [...readFileSync(join(docs, 'nodes.md'), 'utf8').matchAll(/^\| P(\d+) \| (.+?) \| (.+) \|$/gm)].map(
	([, number, , proofs = '']) => ({
		number: Number(number),
		proofs: [...proofs.matchAll(/\]\(([^)]+)\)/g)].map(([, path = '']) => join(docs, path)),
	}),
);

/** The numbers in the names of a file's tests, and in what its histories promise. */
const saidIn = (path: string) =>
	[...readFileSync(path, 'utf8').matchAll(/'[^'\n]*\bP\d[^'\n]*'/g)].flatMap(([name]) =>
		[...name.matchAll(/\bP(\d+)[:,]/g)].map(([, number]) => Number(number)),
	);

it('are numbered without a gap', () => {
	expect(promises.map(({ number }) => number)).toEqual(promises.map((_, index) => index + 1));
	expect(promises.length).toBeGreaterThan(10);
});

it('are said by the tests that their rows name, and by no other', () => {
	const rooms = ['histories', 'integration', 'unit'].map((room) => join(tests, room));
	const files = rooms.flatMap((room) => readdirSync(room).map((name) => join(room, name)));
	const said = files.flatMap((path) => [...new Set(saidIn(path))].map((number) => `P${number} ${path}`));
	expect(promises.flatMap(({ number, proofs }) => proofs.map((path) => `P${number} ${path}`)).sort()).toEqual(
		said.sort(),
	);
});
