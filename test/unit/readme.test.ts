/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- reads the sources */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { endpoints, type Endpoint } from '../../nodes/shared/client/endpoints';
import { titleOf } from '../../nodes/shared/operation/operation';
import { operationsFile, operationsTable, scopesOf, withTable } from '../../tools/readme';
import { partnerTables, tables } from '../../tools/tables';

test('the table of operations has a line for each, with its scope', () => {
	const lines = operationsTable().split('\n').slice(2);
	const operations = Object.values({ ...tables, ...partnerTables }).flat();
	expect(lines).toHaveLength(operations.length);
	const partnerRows = Object.values(partnerTables).flat();
	operations.forEach((row, index) => {
		const scope = partnerRows.includes(row) ? '–' : scopesOf(row);
		expect(lines[index]).toContain(`${titleOf(row)} | ${row.description} | ${scope} |`);
	});
	const scopes = (node: string, value: string) => scopesOf(tables[node]?.find((row) => row.value === value) as never);
	expect(scopes('Hubble Device', 'get')).toBe('`read-devices`');
	expect(scopes('Hubble Device', 'createOrUpdate')).toBe('`write-devices`, `read-devices`');
	expect(scopes('Hubble Device', 'update')).toBe(
		'`write-devices`, `read-devices` to add or remove tags, to rename a place, or to find devices by their names',
	);
	expect(scopes('Hubble Metric', 'createChart')).toBe('`read-platform-metrics`');
	expect(scopes('Hubble Packet', 'decode')).toBe('none');
});

test('the table replaces what is between its markers, and nothing else', () => {
	const readme = 'before\n<!-- operations:begin -->\nold\n<!-- operations:end -->\nafter';
	const [before, after] = withTable(readme).split(operationsTable());
	expect(before).toBe('before\n<!-- operations:begin -->\n');
	expect(after).toBe('\n<!-- operations:end -->\nafter');
	expect(() => withTable('no markers')).toThrow('nodes.md lacks the lines');
});

test('the table is up to date (`npm run readme` writes it)', () => {
	const written = readFileSync(operationsFile, 'utf8');
	expect(written).toBe(withTable(written));
});

const root = join(__dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const section = (title: string) => readme.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
/** Everything that is shipped, also the files that tell n8n where the documentation is. */
const shipped = ['nodes', 'credentials']
	.flatMap((folder) =>
		readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(root, folder, file)),
	)
	.filter((file) => /\.(ts|node\.json)$/.test(file))
	.map((file) => readFileSync(file, 'utf8'))
	.join('\n');

test('the README quotes the first words of messages as the nodes say them', () => {
	const quoted = [...section('When something goes wrong').matchAll(/^\| (?!Message|---)(.*?) \|/gm)].flatMap(
		([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, words]) => words ?? ''),
	);
	expect(quoted.length).toBeGreaterThan(10);
	const begins = (words: string) => ["'", '"', '`'].some((quote) => shipped.includes(quote + words));
	expect(quoted.filter((words) => words !== '"Limit"' && !begins(words))).toEqual([]);
});

/** Files below a folder of the package, with their text. */
const sources = (folder: string) =>
	readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
		.filter((file) => file.endsWith('.ts'))
		.map((file) => ({ path: `${folder}/${file}`, text: readFileSync(join(root, folder, file), 'utf8') }));

/** How the code begins a message that a user may meet: in errors of all rooms, and in what the credential tests return. */
const BEGINNINGS =
	/(?:message(?:: | = (?:left\s+\? )?)|fail(?:ed)?\(\s*|NodeOperationError\([\w.]+(?:\(\))?,\s*|NoPlaceInTime\([^,]+, |itemError\(\s*\w+,\s*itemIndex,\s*)[`'"]((?:[A-Z]|n8n )[^`'"$]{8,})/g;
const BEGINNINGS_OF_CLIENTS = /(?:new Error\(\s*|return )[`'"]([A-Z][^`'"$]{11,})/g;

test('the README has the first words of every message', () => {
	const all = sources('nodes').filter(({ path }) => !path.endsWith('shared/webhook/receive.ts'));
	const clients = all.filter(({ path }) => /shared\/(client|methods)\//.test(path));
	const found = [
		...all.flatMap(({ text }) => [...text.matchAll(BEGINNINGS)]),
		...clients.flatMap(({ text }) => [...text.matchAll(BEGINNINGS_OF_CLIENTS)]),
	].map(([, words = '']) => words.trim());
	expect(found.length).toBeGreaterThan(40);
	const quoted = [...section('When something goes wrong').matchAll(/`([^`]+)`/g)].map(([, words = '']) => words);
	const isGood = (words: string) => /^(Hubble accepts|The webhook secret is checked)/.test(words);
	const isListed = (words: string) => quoted.some((begin) => words.startsWith(begin) || begin.startsWith(words));
	expect(found.filter((words) => !isGood(words) && !isListed(words))).toEqual([]);
});

test('the README names every scope of the API, and no other', () => {
	const named = new Set([...section('Scopes').matchAll(/`([a-z]+-[a-z-]+)`/g)].map(([, scope]) => scope));
	const needed = new Set(Object.values(endpoints).flatMap(({ scope }: Endpoint) => scope ?? []));
	expect([...named].sort()).toEqual([...needed].sort());
});

test('every link of the README and of the nodes leads to a file and a heading that exist', () => {
	const anchors = (text: string) =>
		[...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
			title
				.toLowerCase()
				.replace(/[^\w\- ]/g, '')
				.replaceAll(' ', '-'),
		);
	const repository = 'https://github.com/n8n-nodes-hubble/n8n-nodes-hubble';
	const links = [
		...[...readme.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link),
		...[...shipped.matchAll(/https:\/\/github\.com\/n8n-nodes-hubble\/n8n-nodes-hubble#[\w-]+/g)].map(([link]) => link),
	];
	const broken = [...new Set(links)].filter((link) => {
		const local = link
			.replace(`${repository}/blob/main/`, '')
			.replace('https://raw.githubusercontent.com/n8n-nodes-hubble/n8n-nodes-hubble/main/', '')
			.replace(repository, '');
		if (/^https?:/.test(local)) return false;
		const [file, anchor] = local.split('#');
		const path = join(root, file || 'README.md');
		if (!existsSync(path)) return true;
		return anchor !== undefined && !anchors(readFileSync(path, 'utf8')).includes(anchor);
	});
	expect(broken).toEqual([]);
});
