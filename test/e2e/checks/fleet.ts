/* eslint-disable @n8n/community-nodes/no-restricted-imports */
/** What people with a fleet do: provision it, know it behind the trigger, decode its payloads, look at it. */
import axios from 'axios';
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { DEVICE_FIELDS } from '../../../nodes/shared/device/device';
import { type Simulator, startSimulator } from '../../simulator/server';
import type { Check, Stage } from '../check';
import { credentialData, credentialName, readExample } from '../mainJob';
import type { Item, Json, N8n, WorkflowFile } from '../n8n';
import { program } from '../services';
import { xlsx } from '../xlsx';
import { flags, pictures } from '../editor';
import { onlyWebhook, ran, variant } from './trigger';

const ROWS = 2500;
const FLEET = 2500;
const PACKETS = 2000;
const FORM_ROWS = 3000;

/** Columns of our own files that must not become tags. */
const OUR_COLUMNS = [
	'key',
	'id',
	'deviceId',
	'result',
	'row_number',
	'lastPacketAt',
	'createdAt',
	'locationType',
	'tags',
];

type Node = WorkflowFile['nodes'][number];

/** A node of ours; without a credential unless it is told. */
const ours = (name: string, type: string, parameters: Json, more: Json = {}): Node => ({
	name,
	type: `n8n-nodes-hubble.${type}`,
	typeVersion: 1,
	parameters,
	credentials: { hubbleApi: { id: '', name: credentialName } },
	...more,
});

/** Items as an expression of n8n gives them. */
const source = (rows: string): Node[] => [
	{ name: 'Start', type: 'n8n-nodes-base.manualTrigger', typeVersion: 1, parameters: {} },
	{
		name: 'List',
		type: 'n8n-nodes-base.set',
		typeVersion: 3.4,
		parameters: { mode: 'raw', jsonOutput: `={{ { rows: ${rows} } }}`, options: {} },
	},
	{
		name: 'Rows',
		type: 'n8n-nodes-base.splitOut',
		typeVersion: 1,
		parameters: { fieldToSplitOut: 'rows', options: {} },
	},
];

/** One node after the other. */
const chain = (name: string, nodes: Node[]): WorkflowFile => ({
	name,
	nodes: nodes.map((node, index) => ({ id: String(index), position: [220 * index, 0], ...node })),
	connections: Object.fromEntries(
		nodes
			.slice(1)
			.map((node, index) => [nodes[index]?.name, { main: [[{ node: node.name, type: 'main', index: 0 }]] }]),
	),
	settings: { executionOrder: 'v1' },
});

/** Runs a check with a fleet of its own, its limits on, and a credential for it. */
async function withFleet<T>(
	{ n8n }: Stage,
	options: Parameters<typeof startSimulator>[0],
	work: (hubble: Simulator, credentials: Record<string, string>) => Promise<T>,
): Promise<T> {
	const hubble = await startSimulator(options);
	try {
		const id = await n8n.createCredential('Fleet', 'hubbleApi', credentialData(hubble));
		return await work(hubble, { [credentialName]: id });
	} finally {
		await hubble.close();
	}
}

async function provision(stage: Stage): Promise<string> {
	const { n8n } = stage;
	return await withFleet(stage, { devices: 10, packets: 0 }, async (hubble, credentials) => {
		const known = new Set(hubble.world.main.devices.keys());
		const register = ours(
			'Register',
			'hubbleDevice',
			{
				operation: 'register',
				name: '=Probe {{ $json.serial }}',
				tags: { tag: [{ key: 'serial', value: '={{ $json.serial }}' }] },
				additionalFields: { encryption: 'AES-128-CTR', keyFormat: 'hex' },
			},
			{ onError: 'continueRegularOutput' },
		);
		const rows = source(`Array.from({ length: ${ROWS} }, (_, n) => ({ serial: 'S' + n }))`);
		const execution = await n8n.run(await n8n.createWorkflow(chain('Provision', [...rows, register]), credentials));
		equal(execution.error, undefined);
		const items = execution.items('Register');
		equal(items.length, ROWS);
		items.forEach(({ json, pairedItem }, n) => {
			const device = hubble.world.main.devices.get(String(json.deviceId));
			deepEqual([device?.name, device?.tags.serial, json.name], [`Probe S${n}`, `S${n}`, `Probe S${n}`]);
			match(String(json.key), /^[0-9a-f]{32}$/);
			deepEqual(pairedItem, { item: n });
		});
		equal(new Set(items.map(({ json }) => json.key)).size, ROWS);
		equal(hubble.world.main.devices.size, known.size + ROWS);
		deepEqual(
			hubble.log.map(({ call, status }) => `${call} ${status}`),
			Array(3).fill('registerDevices 200'),
		);
		return `${ROWS} rows, ${hubble.log.length} calls, ${execution.seconds.toFixed(1)} s`;
	});
}

/** A table of a spreadsheet as people send it, and what becomes of each row: a name, a site, and the begin of its result. */
interface Table {
	what: string;
	fileName: string;
	content: Buffer;
	rows: Array<[name: string, site: string | undefined, result: string]>;
	/** Whether the file holds the keys already. */
	hasKeys?: boolean;
}

/** The tables that the example must take. */
function tablesOf(present: string, deviceId: string): Table[] {
	const table = (
		what: string,
		text: string,
		rows: Table['rows'],
		encoding: BufferEncoding = 'utf8',
		fileName = 'devices.csv',
	): Table => ({
		what,
		fileName,
		content: Buffer.from(text, encoding),
		rows,
	});
	const many = Array.from({ length: FORM_ROWS }, (_, n): Table['rows'][number] => [`Many ${n}`, `S${n}`, 'registered']);
	const blank: Table['rows'][number] = ['', undefined, 'left out: "Columns": the row is blank'];
	const exported = DEVICE_FIELDS.join(';');
	return [
		table('comma', `name,site\nCold room 1,Hall 1\n${present},"Hall <2>"\n`, [
			['Cold room 1', 'Hall 1', 'registered'],
			[present, 'Hall <2>', 'updated'],
		]),
		table('byte order mark, CR LF', '\ufeffname,site\r\nKühl,x\r\n', [['Kühl', 'x', 'registered']]),
		table('semicolon', 'name;site\nÄpfel;"a;b"\n', [['Äpfel', 'a;b', 'registered']]),
		table('tab', '\ufeffname\tsite\nTab, one\tx\n', [['Tab, one', 'x', 'registered']], 'utf8', 'devices.tsv'),
		table(
			'UTF-16, as Excel writes "Unicode Text"',
			'\ufeffname\tsite\r\nKühl 16\tx\r\n',
			[['Kühl 16', 'x', 'registered']],
			'utf16le',
			'devices.txt',
		),
		table('blank rows', '\ufeffname;site\r\nB1;x\r\n\r\n;\r\nB2;y\r\n;\r\n\r\n', [
			['B1', 'x', 'registered'],
			blank,
			blank,
			['B2', 'y', 'registered'],
			blank,
		]),
		table('a blank tag, numbers, a row without a name', 'name,site\n00123,\n17,4\n,Hall 9\n', [
			['00123', undefined, 'registered'],
			['17', '4', 'registered'],
			['', undefined, 'left out: "Name" is required'],
		]),
		table('headers in their own way', ' name ,Device Type,SITE,\nCase,x,Hall 4,\n', [
			['Case', undefined, 'registered'],
		]),
		table(
			'the file of Export Devices',
			`\ufeff${exported}\r\n${present};2026-11-01T10:00:00Z;true;sandbox;"{""site"":""Hall 5""}";52,5;4,5;heard;;;;;2026-01-01T10:00:00Z;${deviceId}\r\n`,
			[[present, 'Hall 5', 'updated']],
		),
		table('3,000 rows', `name,site\n${many.map(([name, site]) => `${name},${site}`).join('\n')}\n`, many),
		{
			what: 'Excel',
			fileName: 'Devices.XLSX',
			content: xlsx([
				['name', 'site'],
				['Kühl X', 'x'],
				['0099', 7],
				['Blank', ''],
			]),
			rows: [
				['Kühl X', 'x', 'registered'],
				['0099', '7', 'registered'],
				['Blank', undefined, 'registered'],
			],
		},
	];
}

/** The example with its form: files are sent, as a browser sends them. */
async function onboard(stage: Stage): Promise<string> {
	const { n8n } = stage;
	return await withFleet(stage, { devices: 10, packets: 0 }, async (hubble, credentials) => {
		const [present] = hubble.world.main.devices.values();
		ok(present);
		const file = readExample('onboard-spreadsheet.json');
		// As it is, the example stores no execution: its data hold keys.
		file.settings = { executionOrder: 'v1' };
		const form = file.nodes.find(({ type }) => type.endsWith('formTrigger'));
		const webhookId = randomUUID();
		Object.assign(form ?? {}, { webhookId });
		const id = await n8n.createWorkflow(file, credentials);
		await n8n.activate(id);
		let sent = 0;
		const send = async ({ what, fileName, content, rows, hasKeys = false }: Table) => {
			const body = new FormData();
			body.append('field-0', new Blob([content]), fileName);
			await axios.post(`${n8n.url}/form/${webhookId}`, body, { proxy: false });
			await ran(n8n, id, ++sent);
			const [{ id: execution = '' } = {}] = await n8n.executions(id);
			const { error, items } = await n8n.execution(execution);
			equal(error, undefined, what);
			const kept = items('Table with Keys').map(({ json }) => json);
			equal(kept.length, rows.length, what);
			rows.forEach(([name, site, result], index) => {
				const { id: deviceId, key, result: said, row_number } = kept[index] ?? {};
				ok(String(said).startsWith(result), `${what}, row ${index}: ${String(said)}`);
				equal(row_number, index + 2, what);
				const device = hubble.world.main.devices.get(String(deviceId));
				deepEqual(
					[device?.name, device?.tags.site],
					result.startsWith('left out') ? [undefined, undefined] : [name, site],
					what,
				);
				equal(String(key).length > 20, result === 'registered' || hasKeys, `${what}: key`);
				deepEqual(
					Object.keys(device?.tags ?? {}).filter((tag) => OUR_COLUMNS.includes(tag)),
					[],
					what,
				);
			});
			const counts = items('Count by Result').map(({ json }) => Number(json.count_row_number));
			equal(
				counts.reduce((sum, count) => sum + count, 0),
				rows.length,
				what,
			);
			for (const name of ['File with the Keys', 'Page of Labels']) equal(items(name).length, 1, what);
			return { kept, items };
		};
		const [first, ...others] = tablesOf(present.name, present.id);
		ok(first);
		const { kept, items } = await send(first);
		const [labels] = items('Labels').map(({ json }) => json);
		equal(labels?.labels, 2);
		const page = String(labels?.html);
		ok(page.includes('Hall &#60;2&#62;') && !page.includes('Hall <2>'), 'a text of the file is not escaped');
		const fields = Object.keys(kept[0] ?? {});
		const own = kept.map((row) => fields.map((field) => JSON.stringify(String(row[field]))).join(','));
		for (const table of others) await send(table);
		// The file that the example made: its keys stay in it, and become no tags.
		const again: Table = {
			what: 'the file with the keys',
			fileName: 'devices.csv',
			content: Buffer.from(`${fields.join(',')}\n${own[0]}\n`),
			rows: [['Cold room 1', 'Hall 1', 'updated']],
			hasKeys: true,
		};
		await send(again);
		await n8n.deactivate(id);
		mkdirSync(pictures, { recursive: true });
		writeFileSync(join(pictures, 'labels.html'), page);
		return `${sent} tables: ${[first, ...others, again].map(({ what }) => what).join('; ')}; the labels are in ${pictures}`;
	});
}

async function enrich(stage: Stage): Promise<string> {
	const { n8n } = stage;
	return await withFleet(stage, { devices: FLEET, packets: 0 }, async (hubble, credentials) => {
		const file = variant('receive-packets.json', { options: { maxBatchSize: 1000 } }, {
			type: 'n8n-nodes-hubble.hubbleDevice',
			typeVersion: 1,
			parameters: {
				operation: 'get',
				deviceId: { __rl: true, mode: 'id', value: '={{ $json.deviceId }}' },
				options: { keepInput: 'from' },
			},
			credentials: { hubbleApi: { id: '', name: credentialName } },
		} as never);
		const id = await n8n.createWorkflow(file, credentials);
		await n8n.activate(id);
		onlyWebhook(hubble);
		hubble.clearLog();
		hubble.addPackets(PACKETS);
		await hubble.settled();
		const deliveries = PACKETS / 1000;
		await ran(n8n, id, deliveries);
		const asked = hubble.log.filter(({ method }) => method === 'GET').length;
		const items: Item[] = [];
		for (const { id: execution } of await n8n.executions(id)) {
			const { error, items: of } = await n8n.execution(execution);
			equal(error, undefined);
			const [packets, joined] = [of('Packets Received'), of('Reading')];
			deepEqual(
				joined.map(({ json }) => json),
				packets.map(({ json }, n) => ({ ...json, from: joined[n]?.json.from })),
			);
			items.push(...joined);
		}
		await n8n.deactivate(id);
		equal(new Set(items.map(({ json }) => json.packetKey)).size, PACKETS);
		for (const { json } of items) {
			const { deviceId, name, tags } = json.from as { deviceId: string; name: string; tags: Json };
			const device = hubble.world.main.devices.get(String(json.deviceId));
			deepEqual([deviceId, name, tags.site], [json.deviceId, device?.name, device?.tags.site]);
		}
		ok(asked <= 10, `${asked} calls for ${deliveries} deliveries`);
		return `${items.length} packets in ${deliveries} deliveries, ${asked} calls for their devices`;
	});
}

async function decode({ n8n }: Stage): Promise<string> {
	const layout = 'kind: uint8 @0\ntemperature: int16 @1 ×0.01 °C when byte 0 = 1';
	const node = ours('Decode', 'hubblePacket', { operation: 'decode', payloadLayout: layout }, { credentials: {} });
	const rows = source("[{ row: 1, payload: 'AQfQ' }, { row: 2, payload: 'Aw==' }]");
	const execution = await n8n.run(await n8n.createWorkflow(chain('Decode', [...rows, node])));
	equal(execution.error, undefined);
	deepEqual(
		execution.items('Decode').map(({ json }) => json),
		[
			{ row: 1, payload: 'AQfQ', decoded: { kind: 1, temperature: 20 }, decodedUnits: { temperature: '°C' } },
			{ row: 2, payload: 'Aw==', decoded: { kind: 3 }, decodedUnits: {} },
		],
	);
	return 'two payloads by one layout, without a credential';
}

/** Runs a report, and reads its file back by a node of n8n's. */
async function report(n8n: N8n, node: Node, credentials: Record<string, string>): Promise<string> {
	const start: Node = { name: 'Start', type: 'n8n-nodes-base.manualTrigger', typeVersion: 1, parameters: {} };
	const read: Node = {
		name: 'Read',
		type: 'n8n-nodes-base.extractFromFile',
		typeVersion: 1,
		parameters: { operation: 'text', destinationKey: 'page', options: {} },
	};
	const execution = await n8n.run(await n8n.createWorkflow(chain('Report', [start, node, read]), credentials));
	equal(execution.error, undefined);
	const [made] = execution.items(node.name);
	const page = String(execution.items('Read')[0]?.json.page);
	equal(page, made?.json.html);
	match(page, /^<!doctype html>/i);
	return page;
}

const reports: Node[] = [
	ours('Create Fleet Report', 'hubbleDevice', { operation: 'createReport', silentAfterHours: 24 }),
	ours('Packet report', 'hubblePacket', { operation: 'createReport', period: 'last7Days' }),
];

async function makeReports({ n8n, hubble }: Stage): Promise<Array<[name: string, page: string]>> {
	const id = await n8n.createCredential('Reports', 'hubbleApi', credentialData(hubble));
	const pages: Array<[string, string]> = [];
	for (const node of reports) {
		const page = await report(n8n, node, { [credentialName]: id });
		pages.push([node.name.toLowerCase().replace(' ', '-'), page]);
	}
	return pages;
}

/** Opens a page as a file, without a network, in light, in dark, and printed. */
async function look(name: string, text: string): Promise<string> {
	const file = join(pictures, `${name}.html`);
	mkdirSync(pictures, { recursive: true });
	writeFileSync(file, text);
	const browser = await chromium.launch({ executablePath: await program('chromium'), args: flags });
	try {
		const page = await browser.newPage({ viewport: { width: 1100, height: 800 } });
		const asked: string[] = [];
		const said: string[] = [];
		page.on('request', (request) => asked.push(request.url()));
		page.on('console', (message) => said.push(message.text()));
		page.on('pageerror', ({ message }) => said.push(message));
		const grounds: string[] = [];
		for (const colorScheme of ['light', 'dark'] as const) {
			await page.emulateMedia({ colorScheme });
			await page.goto(pathToFileURL(file).href);
			await page.screenshot({ path: join(pictures, `${name}-${colorScheme}.png`), fullPage: true });
			grounds.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
			equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, 'it is too wide');
		}
		const brightness = grounds.map((color) =>
			(color.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, n) => sum + Number(n), 0),
		);
		ok((brightness[0] ?? 0) > 600 && (brightness[1] ?? 999) < 200, `the grounds are ${grounds.join(' and ')}`);
		await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
		await page.screenshot({ path: join(pictures, `${name}-print.png`), fullPage: true });
		const pdf = await page.pdf({ path: join(pictures, `${name}.pdf`), format: 'A4', printBackground: true });
		const sheets = (pdf.toString('latin1').match(/\/Type\s*\/Page\b(?!s)/g) ?? []).length;
		ok(sheets >= 1, 'nothing was printed');
		deepEqual([new Set(asked), said], [new Set([pathToFileURL(file).href]), []]);
		return `${name}: ${Math.round(text.length / 1024)} KB, ${sheets} sheets of A4`;
	} finally {
		await browser.close();
	}
}

async function lookAtReports(stage: Stage): Promise<string> {
	const remarks: string[] = [];
	for (const [name, page] of await makeReports(stage)) remarks.push(await look(name, page));
	return [...remarks, `pictures in ${pictures}`].join('\n');
}

export const fleetChecks: Check[] = [
	{ name: `fleet: ${ROWS} rows become devices in three calls, each key on its row`, run: provision },
	{
		name: 'fleet: spreadsheets are onboarded: tables as people have them, keys as a file, labels as a page',
		run: onboard,
	},
	{ name: 'fleet: packets of the live trigger get their device, and stay whole', run: enrich },
	{ name: 'fleet: payloads are decoded without a credential', run: decode },
	{
		name: 'fleet: reports are made, and read back from their file',
		run: async (stage) => void (await makeReports(stage)),
	},
	{
		name: 'fleet: reports in a browser, light, dark and printed, without a network',
		notOn1: 'the report is the same file',
		run: lookAtReports,
	},
];
