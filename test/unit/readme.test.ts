/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import { existsSync, readFileSync } from 'node:fs';
import { titleOf } from '../../nodes/shared/operation/operation';
import { operationsTable, readmeFile, scopesOf, withTable } from '../readme';
import { partnerTables, tables } from '../tables';

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
		'`write-devices`, `read-devices` to add or remove tags, or to rename a place',
	);
	expect(scopes('Hubble Packet', 'decode')).toBe('none');
});

test('the table replaces what is between its markers, and nothing else', () => {
	const readme = 'before\n<!-- operations:begin -->\nold\n<!-- operations:end -->\nafter';
	const [before, after] = withTable(readme).split(operationsTable());
	expect(before).toBe('before\n<!-- operations:begin -->\n');
	expect(after).toBe('\n<!-- operations:end -->\nafter');
	expect(() => withTable('no markers')).toThrow('README.md lacks the lines');
});

(existsSync(readmeFile) ? test : test.skip)('the README is up to date (`npm run readme` writes it)', () => {
	const readme = readFileSync(readmeFile, 'utf8');
	expect(readme).toBe(withTable(readme));
});
