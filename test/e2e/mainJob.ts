/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PartnerSimulator } from '../simulator/partner';
import type { Simulator } from '../simulator/server';
import { type Execution, type Item, type N8n, projectFolder, type WorkflowFile } from './n8n';

/** The fleet that the main job finds: with the 25 devices that it registers they are 2,500. */
export const fleet = { devices: 2475, packets: 50_000, days: 6, byDay: true };

/** The credentials that the examples refer to. */
export const credentialName = 'Hubble account';
export const partnerCredentialName = 'Hubble partner account';

/** One line of the table that `npm start -- --once` prints. */
export interface Row {
	workflow: string;
	items: number;
	requests: number;
	seconds: number;
	/** Requests that Hubble refused because they came too fast. */
	throttled: number;
	/** How the outcome differs from the simulator's truth; empty when it does not. */
	problems: string[];
}

type Truth = Simulator['world']['main'];

interface Job {
	/** File name in `examples/`. */
	example: string;
	/** The node whose output is compared. */
	node: string;
	/** Method → how many requests of it the job takes: so many, or from so many to so many. */
	requests: Partial<Record<'GET' | 'POST' | 'PATCH', number | [least: number, most: number]>>;
	/** The node that protects the whole fleet from one click: the job takes it out, as a user would. */
	guard?: string;
	/** Differences between the output and the simulator's state. */
	compare(items: Item[], truth: Truth, known: ReadonlySet<string>): string[];
}

const jobs: Job[] = [
	{
		example: 'register-devices.json',
		node: 'Register 25 Devices',
		requests: { POST: 1 },
		compare: (items, { devices }, known) => [
			...difference(
				'device',
				ids(items, 'deviceId'),
				[...devices.keys()].filter((id) => !known.has(id)),
			),
			...count('registered devices', items.length, 25),
		],
	},
	{
		example: 'update-fleet.json',
		node: 'Rename Devices',
		guard: 'Try Three Devices First',
		requests: { GET: 3, PATCH: 3 },
		compare: (items, { devices }) => [
			...difference('device', ids(items, 'deviceId'), devices.keys()),
			...count('updated devices', items.length, fleet.devices + 25),
			...items.flatMap(({ json }, index) => {
				const wanted = `Tracker ${String(index + 1).padStart(4, '0')}`;
				const stored = devices.get(String(json.deviceId))?.name;
				return stored === wanted ? [] : [`device ${String(json.deviceId)} is called "${stored}", not "${wanted}"`];
			}),
		],
	},
	{
		example: 'list-devices.json',
		node: 'Get Devices',
		requests: { GET: 3 },
		compare: (items, { devices }) => [
			...difference('device', ids(items, 'deviceId'), devices.keys()),
			...difference(
				'name',
				items.map(({ json }) => `${json.deviceId} ${json.name}`),
				[...devices.values()].map(({ id, name }) => `${id} ${name}`),
			),
		],
	},
	{
		example: 'page-packets.json',
		node: 'Get Packets',
		// Where replies are slow, the period is read in windows side by side, and the last page of each is not full.
		requests: { GET: [50, 60] },
		compare: (items, { packets }) => [
			...difference(
				'packet',
				items.map(({ json }) => `${json.deviceId} ${json.sequenceNumber} ${Date.parse(String(json.timestamp))}`),
				Array.from({ length: packets.length }, (_, index) => {
					const { id, sequence_number, timestamp } = packets.get(index).device;
					return `${id} ${sequence_number} ${Math.round(timestamp * 1000)}`;
				}),
			),
			...count('packets', items.length, fleet.packets),
			...count('packet keys', new Set(items.map(({ json }) => json.packetKey)).size, fleet.packets),
		],
	},
];

/** The names of all example workflows. */
export const exampleFiles = (): string[] =>
	readdirSync(join(projectFolder, 'examples')).filter((file) => file.endsWith('.json'));

export function readExample(file: string): WorkflowFile {
	return JSON.parse(readFileSync(join(projectFolder, 'examples', file), 'utf8')) as WorkflowFile;
}

/** What a user would type into the credential dialog to reach the simulator. */
export function credentialData({ url, token, organizationId }: Simulator) {
	return { apiToken: token, organizationId, baseUrl: url, apiPaths: 'api' };
}

/** What a user would type into the credential dialog to reach the simulator's gift-card service. */
export const partnerCredentialData = ({ url, clientId, clientSecret, webhookSecret }: PartnerSimulator) => ({
	environment: 'url',
	baseUrl: url,
	clientId,
	clientSecret,
	webhookSecret,
});

/** Stores the credentials and imports every example; file name → workflow id. */
export async function importExamples(
	n8n: N8n,
	hubble: Simulator,
	partner?: PartnerSimulator,
): Promise<Map<string, string>> {
	const ids: Record<string, string> = {
		[credentialName]: await n8n.createCredential(credentialName, 'hubbleApi', credentialData(hubble)),
	};
	if (partner) {
		const data = partnerCredentialData(partner);
		ids[partnerCredentialName] = await n8n.createCredential(partnerCredentialName, 'hubblePartnerApi', data);
	}
	const workflows = new Map<string, string>();
	for (const file of exampleFiles()) workflows.set(file, await n8n.createWorkflow(readExample(file), ids));
	return workflows;
}

/** Runs the workflow of an example, unchanged but for the node that is deactivated, as the editor does: items pass it. */
export type RunExample = (example: string, deactivated?: string) => Promise<Omit<Execution, 'id' | 'mode'>>;

/** Runs examples that were imported into n8n. */
export const onServer =
	(n8n: N8n, workflows: ReadonlyMap<string, string>): RunExample =>
	async (example, deactivated) => {
		const id = workflows.get(example) ?? '';
		if (deactivated) {
			const { nodes } = await n8n.rest<WorkflowFile>('GET', `/workflows/${id}`);
			await n8n.updateWorkflow(id, { nodes: nodes.map((node) => ({ ...node, disabled: node.name === deactivated })) });
		}
		return await n8n.run(id);
	};

/** Runs the example workflows of the main job and compares each outcome with the simulator's truth. */
export async function runMainJob(run: RunExample, hubble: Simulator): Promise<Row[]> {
	const rows: Row[] = [];
	for (const { example, node, requests, guard, compare } of jobs) {
		const known = new Set(hubble.world.main.devices.keys());
		const firstRequest = hubble.log.length;
		const execution = await run(example, guard);
		const log = hubble.log.slice(firstRequest);
		const items = execution.items(node);
		const throttled = log.filter(({ status }) => status === 429).length;
		const methods = new Set([...Object.keys(requests), ...log.map(({ method }) => method)]);
		rows.push({
			workflow: readExample(example).name,
			items: items.length,
			requests: log.length,
			seconds: execution.seconds,
			throttled,
			problems: [
				...(execution.status === 'success' ? [] : [`n8n says ${execution.status}: ${execution.error ?? ''}`]),
				...[...methods].flatMap((method) => {
					const wanted = requests[method as keyof typeof requests] ?? 0;
					const [least, most] = typeof wanted === 'number' ? [wanted, wanted] : wanted;
					const got = log.filter((entry) => entry.method === method).length;
					return count(`${method} requests`, got, Math.min(most, Math.max(least, got)));
				}),
				...count('answers 429', throttled, 0),
				...compare(items, hubble.world.main, known),
			],
		});
	}
	return rows;
}

/** What is wrong with the outcome, with the workflow's name; of each workflow the first ten. */
export function problemsOf(rows: Row[]): string[] {
	return rows.flatMap(({ workflow, problems }) => problems.slice(0, 10).map((problem) => `${workflow}: ${problem}`));
}

/** The rows as an aligned text table. */
export function table(rows: Row[]): string {
	const lines = [
		['workflow', 'items', 'requests', 'seconds', '429s', 'equals the simulator'],
		...rows.map(({ workflow, items, requests, seconds, throttled, problems }) => [
			workflow,
			items.toLocaleString('en'),
			String(requests),
			seconds.toFixed(1),
			String(throttled),
			problems.length === 0 ? 'yes' : 'NO',
		]),
	];
	const widths = [0, 1, 2, 3, 4, 5].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
	const pad = (cell: string, column: number) =>
		column > 0 && column < 5 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
	return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}

const ids = (items: Item[], field = 'id') => items.map(({ json }) => String(json[field]));

function count(what: string, got: number, wanted: number): string[] {
	return got === wanted ? [] : [`${got} ${what} instead of ${wanted}`];
}

/** Says what is missing, too much or double; both sides are compared whole. */
function difference(what: string, got: Iterable<string>, wanted: Iterable<string>): string[] {
	const left = new Set(wanted);
	const seen = new Set<string>();
	const extra: string[] = [];
	const twice: string[] = [];
	for (const id of got) {
		if (seen.has(id)) twice.push(id);
		else if (!left.delete(id)) extra.push(id);
		seen.add(id);
	}
	const say = (kind: string, found: string[]) =>
		found.length > 0 ? [`${found.length} × ${what} ${kind}, e.g. ${found[0]}`] : [];
	return [...say('missing', [...left]), ...say('unexpected', extra), ...say('twice', twice)];
}
