/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { packetKey, type Packet } from '../../../nodes/shared/packet/packet';
import { type Simulator, startSimulator } from '../../simulator/server';
import type { Check, Stage } from '../check';
import { credentialData, readExample } from '../mainJob';
import { type Json, type N8n, publicationLeaseS, type WorkflowFile } from '../n8n';
import { pause, randomPause, until } from '../processes';

/** What the poll trigger has to bring home, through so many crashes. */
const PACKETS = 30_000;
const KILLS = 5;
const MOST_PER_EXECUTION = 2000;

const accountName = 'Hubble account';

async function open({ n8n }: Stage, options: Parameters<typeof startSimulator>[0]) {
	const hubble = await startSimulator(options);
	const credentials = { [accountName]: await n8n.createCredential('Scale', 'hubbleApi', credentialData(hubble)) };
	return { hubble, credentials };
}

export const keysOf = ({ world }: Simulator) =>
	Array.from({ length: world.main.packets.length }, (_, index) =>
		packetKey(world.main.packets.get(index) as unknown as Packet),
	);

/** An example with other parameters for some of its nodes. */
function variant(example: string, parameters: Record<string, Json>): WorkflowFile {
	const file = readExample(example);
	for (const node of file.nodes) Object.assign(node.parameters, parameters[node.name]);
	return file;
}

/** n8n wants a minute between polls; thirty times of a minute make every two seconds. */
const everyTwoSeconds = {
	item: Array.from({ length: 30 }, (_, index) => ({ mode: 'custom', cronExpression: `${2 * index} * * * * *` })),
};

/** The packets of each execution that ran to its end. */
async function taken(n8n: N8n, workflow: string, node: string): Promise<string[][]> {
	const executions = await n8n.executions(workflow);
	const finished = executions.filter(({ status }) => status === 'success');
	return await Promise.all(
		finished.map(async ({ id }) => (await n8n.execution(id)).items(node).map(({ json }) => String(json.packetKey))),
	);
}

export const scaleChecks: Check[] = [
	{
		name: `poll trigger: ${PACKETS.toLocaleString('en')} packets through ${KILLS} SIGKILLs, none lost`,
		async run(stage) {
			const { n8n } = stage;
			const { hubble, credentials } = await open(stage, { devices: 50, packets: 0, headRetryAfter: 1 });
			const id = await n8n.createWorkflow(
				variant('behind-firewall.json', {
					'New Packets': { pollTimes: everyTwoSeconds, options: { maxPackets: MOST_PER_EXECUTION } },
				}),
				credentials,
			);
			await n8n.activate(id);
			const waits: number[] = [];
			// The first crash comes when nothing was read yet: "from now on" must still mean the time of publishing.
			for (let crash = 0; crash < KILLS; crash++) {
				if (crash > 0) waits.push(await randomPause(5000));
				await n8n.kill();
				hubble.addPackets(PACKETS / KILLS);
				await n8n.start();
			}
			const truth = keysOf(hubble);
			equal(truth.length, PACKETS);
			let executions: string[][] = [];
			await until('all packets', publicationLeaseS + 120, async () => {
				await pause(2000);
				executions = await taken(n8n, id, 'New Packets');
				return new Set(executions.flat()).size === PACKETS;
			});
			await n8n.deactivate(id);
			const all = executions.flat();
			deepEqual([...new Set(all)].sort(), truth.sort());
			ok(
				executions.every((keys) => keys.length <= MOST_PER_EXECUTION),
				'an execution got more than its maximum',
			);
			const repeats = all.length - PACKETS;
			// The docs: after a restart, the packets of the last execution may come again.
			ok(repeats <= KILLS * MOST_PER_EXECUTION, `${repeats} packets came again`);
			await hubble.close();
			return `${executions.length} executions, ${repeats} packets came twice; killed after ${waits.join(', ')} ms`;
		},
	},
	{
		name: 'outage: what Hubble gave up delivering is fetched later, nothing missing, nothing doubled',
		notOn1: 'the example of the recovery needs the data tables of n8n 2',
		async run(stage) {
			const { n8n } = stage;
			// Three hours of retries in a second.
			const { hubble, credentials } = await open(stage, {
				devices: 50,
				packets: 0,
				limits: false,
				delivery: { timeScale: 1e-4 },
			});
			const id = await n8n.createWorkflow(readExample('recover-outage.json'), credentials);
			await n8n.run(id);
			await n8n.activate(id);
			// n8n writes row by row into a data table: more of them would only take longer.
			hubble.addPackets(400);
			await hubble.settled();
			await n8n.kill();
			hubble.addPackets(800);
			await hubble.settled();
			const given = hubble.deliveries.filter(({ delivered }) => delivered).length;
			await n8n.start();
			hubble.addPackets(200);
			await hubble.settled();
			ok(
				hubble.deliveries.filter(({ delivered }) => delivered).length > given,
				'the trigger does not work after the restart',
			);
			const recovery = await n8n.run(id);
			equal(recovery.status, 'success', recovery.error);
			equal(recovery.items('Get Packets of Gap').length, 1400);
			await until('the executions', 120, async () =>
				(await n8n.executions(id)).every(({ status }) => !['new', 'running', 'waiting'].includes(status)),
			);
			const stored = await storedKeys(n8n, 'Hubble packets');
			deepEqual(stored.sort(), keysOf(hubble).sort());
			await n8n.deactivate(id);
			await hubble.close();
			return `${stored.length} packets, 800 of them fetched from the history`;
		},
	},
];

/** The packet keys in a data table. */
export async function storedKeys(n8n: N8n, table: string): Promise<string[]> {
	const { id: project } = await n8n.rest<{ id: string }>('GET', '/projects/personal');
	const { data } = await n8n.rest<{ data: Array<{ id: string; name: string }> }>(
		'GET',
		`/projects/${project}/data-tables`,
	);
	const id = data.find(({ name }) => name === table)?.id;
	const keys: string[] = [];
	for (let count = Infinity; keys.length < count;) {
		const page = await n8n.rest<{ count: number; data: Array<{ packetKey: string }> }>(
			'GET',
			`/projects/${project}/data-tables/${id}/rows?skip=${keys.length}&take=250`,
		);
		keys.push(...page.data.map(({ packetKey: key }) => key));
		({ count } = page);
	}
	return keys;
}
