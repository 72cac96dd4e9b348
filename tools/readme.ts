/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals */
/** `npm run readme`: writes the table of all operations into docs/nodes.md, made from the operation tables. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { titleOf, type Operation } from '../nodes/shared/operation/operation';
import { partnerTables, resourceTitle, tables } from './tables';

export const operationsFile = join(__dirname, '../docs/nodes.md');
const markers = ['<!-- operations:begin -->', '<!-- operations:end -->'] as const;

/** The scopes that the API token needs. */
export function scopesOf({ endpoint, alsoCalls }: Operation): string {
	const { scope } = endpoint ?? {};
	const also = alsoCalls?.endpoint.scope;
	const other = also && also !== scope ? `, \`${also}\` ${alsoCalls?.when ?? ''}`.trimEnd() : '';
	return scope ? `\`${scope}\`${other}` : 'none';
}

/** One line for each operation: node, what it does, the scope that the API token needs. */
export function operationsTable(): string {
	const rows = Object.entries({ ...tables, ...partnerTables }).flatMap(([node, operations]) =>
		operations.map((row, index) => {
			const { resource, name, description } = row;
			const operation = resource ? `${resourceTitle(resource)}: ${name}` : titleOf(row);
			return `| ${index ? '' : `**${node}**`} | ${operation} | ${description} | ${node in partnerTables ? '–' : scopesOf(row)} |`;
		}),
	);
	return ['| Node | Operation | What it does | Scope |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** The text with the table between its markers. */
export function withTable(text: string): string {
	const [before, rest] = text.split(markers[0]);
	const [, after] = rest?.split(markers[1]) ?? [];
	if (after === undefined) throw new Error(`nodes.md lacks the lines ${markers.join(' and ')}`);
	return `${before}${markers[0]}\n${operationsTable()}\n${markers[1]}${after}`;
}

if (process.argv[1]?.endsWith('readme.ts'))
	writeFileSync(operationsFile, withTable(readFileSync(operationsFile, 'utf8')));
