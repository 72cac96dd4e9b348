/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import { deepEqual, match } from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { secrets, secretsIn } from '../../simulator/secrets';
import type { Check } from '../check';
import type { N8n } from '../n8n';
import { run, temporaryFolder } from '../processes';
import { provisionNode } from '../provision';
import { dumpPostgres, sql } from '../services';

const everyFile = (folder: string): string[] =>
	readdirSync(folder).flatMap((name) => {
		const path = join(folder, name);
		return statSync(path).isDirectory() ? everyFile(path) : [path];
	});

/** The executions whose data are looked at: those that failed, and those that are not too large. */
const CHOSEN = `select id from execution_entity join execution_data on "executionId" = id where status not in ('success', 'running', 'new') or length(data) < 1000000`;

/** Reads all of n8n's tables but the executions' data, a line each; then the executions that are looked at. */
const dump = `const { DatabaseSync } = require('node:sqlite');
const db = new DatabaseSync(process.argv[1], { readOnly: true });
const all = db.prepare("select name from sqlite_master where type = 'table'").all();
for (const { name } of all) if (name !== 'execution_data')
	console.log(name, JSON.stringify(db.prepare('select * from "' + name + '"').all()));
const chosen = db.prepare(process.argv[2]).all();
console.log('chosen', JSON.stringify(chosen.map(({ id }) => String(id))));`;

const none = (text: string, where: string) => deepEqual(secretsIn(text), [], `a secret is in ${where}`);

async function searchExecutions(n8n: N8n, ids: readonly string[]): Promise<void> {
	for (const id of ids) none(await n8n.besideOutput(id), `execution ${id}`);
}

function searchLogs({ logFile, userFolder }: N8n): string {
	const logs = new Set([logFile, ...everyFile(userFolder).filter((path) => /\.log/.test(path))]);
	for (const path of logs) none(readFileSync(path, 'utf8'), path);
	return `${secrets.size} secrets; searched: ${logs.size} logs`;
}

/**
 * Asserts that no secret that a simulator knows is in n8n's logs, in its tables or in what the executions say beside
 * their output: errors, hints, parameters.
 */
export async function nothingLeaks(n8n: N8n): Promise<string> {
	const logs = searchLogs(n8n);
	const home = join(n8n.userFolder, '.n8n');
	const said = await run(await provisionNode(), ['-e', dump, join(home, 'database.sqlite'), CHOSEN]);
	const [chosen = '', ...tables] = said.trimEnd().split('\n').reverse();
	match(tables.join('\n'), /workflow_entity.*staticData/);
	for (const table of tables) none(table, `the table ${table.split(' ', 1)[0]}`);
	const ids = JSON.parse(chosen.slice('chosen '.length)) as string[];
	await searchExecutions(n8n, ids);
	return `${logs}, ${tables.length} tables, ${ids.length} executions`;
}

/**
 * The same of an n8n on PostgreSQL.
 * @param database what `startPostgres` gave
 */
export async function nothingLeaksFrom(n8n: N8n, database: Record<string, string>): Promise<string> {
	const logs = searchLogs(n8n);
	const file = join(temporaryFolder('dump'), 'all.sql');
	await dumpPostgres(database, file, 'execution_data');
	const all = readFileSync(file, 'utf8');
	const tables = all.match(/^COPY public\..*$/gm) ?? [];
	match(tables.join('\n'), /workflow_entity.*"staticData"/);
	none(all, 'the database');
	const chosen = await sql(database, CHOSEN);
	const ids = chosen.split('\n').filter(Boolean);
	await searchExecutions(n8n, ids);
	return `${logs}, ${tables.length} tables, ${ids.length} executions`;
}

/** The last one: it searches what all others have left. */
export const secretChecks: Check[] = [
	{
		name: 'secrets: none is in what n8n keeps of all checks before',
		run: async ({ n8n }) => await nothingLeaks(n8n),
	},
];
