/* eslint-disable @n8n/community-nodes/no-restricted-imports */
/** A CSV file of an export, opened by LibreOffice as by a person's spreadsheet program in two countries. */
import { deepEqual, equal, notDeepEqual } from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startSimulator } from '../../simulator/server';
import type { Check, Stage } from '../check';
import { credentialData, credentialName } from '../mainJob';
import { type Json, packageName } from '../n8n';
import { run, temporaryFolder } from '../processes';
import { program } from '../services';

/** A country by what its programs expect: the field separator and the language (a number of Windows). */
interface Country {
	delimiter: string;
	separator: string;
	language: number;
}
const GERMANY: Country = { delimiter: 'semicolon', separator: ';', language: 1031 };
const AMERICA: Country = { delimiter: 'comma', separator: ',', language: 1033 };

/** Names that a spreadsheet turns into numbers, dates or formulas, and places that look like days. */
const ROWS: Array<[name: string, latitude: number, longitude: number]> = [
	['0017', 9.1, 3.12],
	['12e5', 1.5, -7.25],
	['+49 30 1234', 3.04, 12.11],
	['1234567890123456789', 52.5201, 13.405],
	['3/4', -0.5, 0.000015],
	['1.3.', 12, 11],
	['9,1', 31.12, 1.02],
	['2026-11-3', 1, 2],
	['Kühl; "x", 5 %', 4.4777, 51.9244],
];

/** What a person sees: numbers as numbers, else texts, and days as such. */
type Cell = number | string;

/** The cells of a flat OpenDocument spreadsheet (ODF 1.2, part 1). */
function cellsOf(fods: string): Cell[][] {
	const attribute = (text: string, name: string) => new RegExp(`${name}="([^"]*)"`).exec(text)?.[1];
	const plain = (xml: string) =>
		xml
			.replace(/<[^>]*>/g, '')
			.replace(/&quot;/g, '"')
			.replace(/&apos;/g, "'")
			.replace(/&lt;/g, '<')
			.replace(/&gt;/g, '>')
			.replace(/&amp;/g, '&')
			.trim();
	return [...fods.matchAll(/<table:table-row.*?<\/table:table-row>/gs)].map(([row]) =>
		[...row.matchAll(/<table:table-cell([^>]*?)(?:\/>|>(.*?)<\/table:table-cell>)/gs)].map(
			([, about = '', text = '']) => {
				const type = attribute(about, 'office:value-type');
				if (type === 'float') return Number(attribute(about, 'office:value'));
				return type === 'string' ? plain(text) : `${type}: ${plain(text)}`;
			},
		),
	);
}

/** What LibreOffice reads in a file where people have these settings. Special numbers are looked for, as Excel does. */
async function opened(file: Buffer, { separator, language }: Country): Promise<Cell[][]> {
	const soffice = await program('soffice');
	const folder = temporaryFolder('spreadsheet');
	writeFileSync(join(folder, 'file.csv'), file);
	const filter = `Text - txt - csv (StarCalc):${separator.charCodeAt(0)},34,76,1,,${language},false,true`;
	const profile = `-env:UserInstallation=file://${folder}/profile`;
	const output = ['--convert-to', 'fods', '--outdir', folder, join(folder, 'file.csv')];
	await run(soffice, ['--headless', '--norestore', profile, `--infilter=${filter}`, ...output]);
	return cellsOf(readFileSync(join(folder, 'file.fods'), 'utf8'));
}

/** The file of an export of all devices, as n8n keeps it. */
async function exported({ n8n }: Stage, credentials: Record<string, string>, options: Json): Promise<Buffer> {
	const node = (name: string, type: string, typeVersion: number, parameters: Json, x: number) => ({
		id: name,
		name,
		type,
		typeVersion,
		parameters,
		position: [x, 0],
		...(type.startsWith(packageName) ? { credentials: { hubbleApi: { id: '', name: credentialName } } } : {}),
	});
	const parameters = { operation: 'export', columns: ['name', 'latitude', 'longitude'], options };
	const workflow = await n8n.createWorkflow(
		{
			name: 'Export',
			nodes: [
				node('Start', 'n8n-nodes-base.manualTrigger', 1, {}, 0),
				node('Export', `${packageName}.hubbleDevice`, 1, parameters, 220),
				node('File', 'n8n-nodes-base.extractFromFile', 1, { operation: 'binaryToPropery', options: {} }, 440),
			],
			connections: {
				Start: { main: [[{ node: 'Export', type: 'main', index: 0 }]] },
				Export: { main: [[{ node: 'File', type: 'main', index: 0 }]] },
			},
			settings: { executionOrder: 'v1' },
		} as never,
		credentials,
	);
	const execution = await n8n.run(workflow);
	equal(execution.error, undefined);
	return Buffer.from(String(execution.items('File')[0]?.json.data), 'base64');
}

async function spreadsheet(stage: Stage): Promise<string> {
	const hubble = await startSimulator({ devices: ROWS.length, packets: 0 });
	try {
		[...hubble.world.main.devices.values()].forEach((device, index) => {
			const [name = '', lat = 0, long = 0] = ROWS[index] ?? [];
			Object.assign(device, { name, install_location: { lat, long }, most_recent_packet: undefined });
		});
		const id = await stage.n8n.createCredential('Spreadsheet', 'hubbleApi', credentialData(hubble));
		const credentials = { [credentialName]: id };
		const rows = [...hubble.world.main.devices.values()].map(({ name }) => ROWS.find(([one]) => one === name));
		const byName = (cells: Cell[][]) => cells.slice(1).sort(([a], [b]) => String(a).localeCompare(String(b)));
		const expected = byName([[], ...(rows as Cell[][])]);
		for (const country of [GERMANY, AMERICA]) {
			const { delimiter } = country;
			const cells = await opened(await exported(stage, credentials, { delimiter, keepText: true }), country);
			deepEqual(cells[0], ['name', 'latitude', 'longitude']);
			deepEqual(byName(cells), expected);
		}
		// The same reader does change what is not made for its country.
		const foreign = { delimiter: GERMANY.delimiter, decimalSign: 'point' };
		notDeepEqual(byName(await opened(await exported(stage, credentials, foreign), GERMANY)), expected);
		return `${ROWS.length} rows, the same by the conventions of Germany and of the United States`;
	} finally {
		await hubble.close();
	}
}

export const spreadsheetChecks: Check[] = [
	{ name: 'spreadsheet: LibreOffice reads a CSV file as it was meant, in two countries', run: spreadsheet },
];
