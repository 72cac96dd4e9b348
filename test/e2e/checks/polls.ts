/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import axios from 'axios';
import { deepEqual, equal, ok } from 'node:assert/strict';
import { parse } from 'flatted';
import { join } from 'node:path';
import { packetKey, type Packet as HubblePacket } from '../../../nodes/shared/packet/packet';
import { type Packet } from '../../simulator/packets';
import { type Simulator, startSimulator } from '../../simulator/server';
import type { Device } from '../../simulator/world';
import type { Check, Stage } from '../check';
import { credentialData, readExample } from '../mainJob';
import { type Item, type Json, type N8n, publicationLeaseS, startN8n, type WorkflowFile } from '../n8n';
import { pause, randomPause, run, until } from '../processes';
import { provisionNode } from '../provision';

const KILLS = 3;
const SILENCE_S = 3600;
const SATELLITE_S = 6 * 3600;

/** n8n wants a minute between polls; times of a minute make every five seconds. */
export const everyFiveSeconds = {
	item: Array.from({ length: 12 }, (_, index) => ({ mode: 'custom', cronExpression: `${5 * index} * * * * *` })),
};

const credentialName = 'Hubble account';

/** A workflow of a polling trigger alone. */
export function workflow(type: string, parameters: Json): WorkflowFile {
	const file = readExample('behind-firewall.json');
	const trigger = file.nodes.find(({ name }) => name === 'New Packets');
	if (!trigger) throw new Error('The example has another trigger');
	Object.assign(trigger, { type, parameters: { pollTimes: everyFiveSeconds, ...parameters } });
	return file;
}

async function publish(n8n: N8n, hubble: Simulator, file: WorkflowFile): Promise<string> {
	const credentials = { [credentialName]: await n8n.createCredential('Polls', 'hubbleApi', credentialData(hubble)) };
	const id = await n8n.createWorkflow(file, credentials);
	await n8n.activate(id);
	return id;
}

const secondsNow = () => Date.now() / 1000;

/** A packet of a device, heard at a place. */
const packetOf = ({ id, name, tags }: Device, latitude: number, longitude: number): Packet => ({
	location: { latitude, longitude, altitude: 0, timestamp: secondsNow() },
	device: { id, name, tags, payload: 'AA==', rssi: -60, timestamp: secondsNow(), sequence_number: 1 },
	network_type: 'TERRESTRIAL',
});

export async function register(hubble: Simulator, names: string[]): Promise<string[]> {
	const { data } = await axios.post<{ devices: Array<{ device_id: string }> }>(
		`${hubble.url}/api/v2/org/${hubble.organizationId}/devices`,
		{ n_devices: names.length, encryption: 'NONE', names },
		{ headers: { Authorization: `Bearer ${hubble.token}` }, proxy: false },
	);
	return data.devices.map(({ device_id: id }) => id);
}

/** Unix seconds of the last packet of a device; 0: never heard. */
function lastHeard({ world }: Simulator, id: string): number {
	const { terrestrial, satellite } = world.lastHeard(id);
	const times = [terrestrial, satellite].flatMap((i) => (i === undefined ? [] : world.main.packets.timeOf(i) / 1000));
	return Math.max(0, ...times);
}

/** For how many seconds a device must not have been heard to be silent: one that satellites hear alone has six hours. */
function silenceOf({ world }: Simulator, id: string): number {
	const { terrestrial, satellite } = world.lastHeard(id);
	const at = (index?: number) => (index === undefined ? 0 : world.main.packets.timeOf(index) / 1000);
	return at(satellite) - at(terrestrial) > SATELLITE_S ? Math.max(SILENCE_S, SATELLITE_S) : SILENCE_S;
}

/** The keys of the events in all executions that ran to their end. */
async function eventKeys(n8n: N8n, id: string): Promise<string[]> {
	const finished = (await n8n.executions(id)).filter(({ status }) => status === 'success');
	const items = await Promise.all(finished.map(async (one) => (await n8n.execution(one.id)).items('New Packets')));
	return items.flat().map(({ json }) => String(json.eventKey));
}

/** The items that a trigger handed to n8n for one execution of any status: also one that crashed. */
export async function itemsOf(n8n: N8n, execution: string, node: string): Promise<Item[]> {
	const { data } = await n8n.rest<{ data: string }>('GET', `/executions/${execution}`);
	// A run that crashed before it began has no data.
	const stored = (parse(data) ?? {}) as {
		resultData?: { runData?: Record<string, Array<{ data?: { main?: Item[][] } }>> };
		executionData?: { nodeExecutionStack?: Array<{ node: { name: string }; data: { main: Item[][] } }> };
	};
	const ran = stored.resultData?.runData?.[node]?.[0]?.data?.main?.[0];
	const waits = stored.executionData?.nodeExecutionStack?.find((one) => one.node.name === node);
	return ran ?? waits?.data.main[0] ?? [];
}

/** The same of all executions. */
async function handedOver(n8n: N8n, id: string): Promise<Item[]> {
	const items: Item[] = [];
	for (const execution of await n8n.executions(id)) items.push(...(await itemsOf(n8n, execution.id, 'New Packets')));
	return items;
}

/** Kills n8n so many times at random; before and while it is down, something happens. */
async function throughKills(
	n8n: N8n,
	happens: (round: number) => Promise<void> | void,
	kills = KILLS,
): Promise<string> {
	const waits: number[] = [];
	for (let round = 0; round < kills; round++) {
		await happens(2 * round);
		waits.push(await randomPause(9000));
		await n8n.kill();
		await happens(2 * round + 1);
		await n8n.start();
	}
	return `killed after ${waits.join(', ')} ms`;
}

const watched = ['silent', 'heardAgain', 'registered', 'firstHeard', 'entered', 'left'];
const dock = { name: 'Dock', latitude: 0, longitude: 0, radius: 1000 };

async function watchFleet({ n8n }: Stage): Promise<string> {
	const hubble = await startSimulator({ devices: 4000, packets: 40_000, days: 1 });
	const { main } = hubble.world;
	const devices = [...main.devices.values()];
	const never = devices.filter(({ id }) => lastHeard(hubble, id) === 0);
	const byTime = devices
		.filter((device) => !never.includes(device))
		.sort((a, b) => lastHeard(hubble, b.id) - lastHeard(hubble, a.id));
	const walkers = byTime.slice(0, 2 * KILLS);
	const pioneer = byTime[walkers.length] as Device;
	// Only who is silent can be heard again. The fleet sends in turn, each device every two hours.
	const isSilent = ({ id }: Device) => lastHeard(hubble, id) < secondsNow() - silenceOf(hubble, id) - 60;
	const long = byTime.filter(isSilent).slice(-2 * KILLS * 5);
	equal(long.length, 2 * KILLS * 5, 'too few devices of the fleet are silent');
	const keysOf = async (id: string) => (await eventKeys(n8n, id)).filter((key) => !key.includes(pioneer.id));
	const far = (device: Device) => packetOf(device, 1, 1);
	const near = (device: Device) => packetOf(device, 0, 0.001);
	hubble.addPackets(walkers.map(far));
	const silentAt = new Map(
		devices.map(({ id: device }) => [device, lastHeard(hubble, device) + silenceOf(hubble, device)]),
	);
	const published = Math.floor(secondsNow());
	const id = await publish(
		n8n,
		hubble,
		workflow('n8n-nodes-hubble.hubbleDeviceTrigger', {
			events: watched,
			silentForHours: SILENCE_S / 3600,
			areas: { circle: [dock] },
		}),
	);
	// n8n stores what the polls learnt with the first execution, so there is one before the first kill.
	await until('the first execution', 120, async () => {
		hubble.addPackets([far(pioneer)]);
		await pause(7000);
		hubble.addPackets([near(pioneer)]);
		await pause(7000);
		return (await eventKeys(n8n, id)).some((key) => key.startsWith(`entered:${pioneer.id}`));
	});
	const began = Math.floor(secondsNow());
	const short = (key: string) => key.split(':').slice(0, 2).join(' ');
	const truth = new Set<string>();
	const expect = (event: string, ids: string[]) => ids.forEach((device) => truth.add(`${event} ${device}`));
	const crashes = await throughKills(n8n, async (round) => {
		expect('registered', await register(hubble, [`New ${round}`]));
		const heard = [...long.slice(5 * round, 5 * round + 5), never[round] as Device];
		hubble.addPackets(heard.map(far));
		hubble.addPackets([near(walkers[round] as Device)]);
		expect(
			'heardAgain',
			heard.slice(0, 5).map((device) => device.id),
		);
		expect('firstHeard', [(never[round] as Device).id]);
		expect('entered', [(walkers[round] as Device).id]);
	});
	let keys: string[] = [];
	const told = () => new Set(keys.map(short));
	const allTold = async () =>
		await until('all events', publicationLeaseS + 150, async () => {
			await pause(3000);
			keys = await keysOf(id);
			return [...truth].every((event) => told().has(event));
		}).catch((error: Error) => {
			throw new Error(`${error.message}; lost: ${[...truth].filter((event) => !told().has(event)).join(', ')}`);
		});
	// Who has left before a poll saw it inside was never there: Hubble tells the latest place alone.
	await allTold();
	hubble.addPackets(walkers.map(far));
	expect(
		'left',
		walkers.map((device) => device.id),
	);
	const ended = Math.floor(secondsNow());
	for (const { id: device } of devices) {
		const [at, silence] = [lastHeard(hubble, device), silenceOf(hubble, device)];
		if (at >= began - silence && at < ended - silence) truth.add(`silent ${device}`);
	}
	await allTold();
	await n8n.deactivate(id);
	const unique = new Set(keys);
	// Who was heard again meanwhile may have fallen silent before that.
	const wasSilent = (event: string) => {
		const at = event.startsWith('silent ') ? silentAt.get(event.slice(7)) : undefined;
		return at !== undefined && at >= published && at <= secondsNow();
	};
	const extra = [...unique].map(short).filter((event) => !truth.has(event) && !wasSilent(event));
	deepEqual(extra, []);
	equal(new Set([...unique].map(short)).size, unique.size, 'a device was told of twice as two events');
	await hubble.close();
	return `${unique.size} events, ${keys.length - unique.size} came twice; ${crashes}`;
}

/** Rooms get warm and cold again, before each kill and while n8n is down: each alarm is told, and each end. */
async function raiseAlarms({ n8n }: Stage, kills: number): Promise<string> {
	const hubble = await startSimulator({ devices: 2 * kills + 1, packets: 0, headRetryAfter: 1 });
	try {
		const rooms = [...hubble.world.main.devices.values()];
		const send = (room: number, temperature: number) => {
			const packet = packetOf(rooms[room] as Device, 0, 0);
			const payload = Buffer.from([0, temperature]).toString('base64');
			hubble.addPackets([{ ...packet, device: { ...packet.device, payload } }]);
		};
		const rule = {
			name: 'Too warm',
			field: 'temperature',
			condition: 'above',
			than: '8',
			clearsAt: '7',
			severity: 'high',
		};
		const id = await publish(
			n8n,
			hubble,
			workflow('n8n-nodes-hubble.hubblePacketPollTrigger', {
				triggerOn: 'alarms',
				decodePayload: 'layout',
				payloadLayout: 'temperature: int16 @0 °C',
				alarmRules: { rule: [rule] },
				filters: {},
			}),
		);
		const truth = new Set<string>();
		const happens = (event: string, room: number, temperature: number) => {
			send(room, temperature);
			truth.add(`${event}:${rooms[room]?.id}`);
		};
		const short = (key: string) => key.split(':').slice(0, 2).join(':');
		let keys: string[] = [];
		const allTold = async () =>
			await until('all alarms', publicationLeaseS + 150, async () => {
				await pause(3000);
				keys = await eventKeys(n8n, id);
				const told = new Set(keys.map(short));
				return [...truth].every((event) => told.has(event));
			}).catch((error: Error) => {
				throw new Error(`${error.message}; of ${truth.size} there are ${new Set(keys.map(short)).size}`);
			});
		// n8n stores what the polls learnt with the first execution.
		await pause(7000);
		happens('raised', 2 * kills, 9);
		await allTold();
		const crashes = await throughKills(
			n8n,
			(round) => {
				happens('raised', round, 9);
				if (round > 1) happens('cleared', round - 2, 5);
			},
			kills,
		);
		await allTold();
		await n8n.deactivate(id);
		const unique = new Set(keys);
		deepEqual([...unique].map(short).sort(), [...truth].sort());
		return `${unique.size} alarms and ends, ${keys.length - unique.size} came twice; ${crashes}`;
	} finally {
		await hubble.close();
	}
}

const durable = {
	N8N_SCHEDULER_ENABLED: 'true',
	N8N_SCHEDULER_POLL_TRIGGERS_ENABLED: 'true',
	N8N_USE_WORKFLOW_PUBLICATION_SERVICE: 'true',
	N8N_POLLER_DURABLE_CURSORS_ENABLED: 'true',
	N8N_SCHEDULER_EXECUTOR_INTERVAL: '1',
};

/** What n8n holds of its durable cursors, as JSON in JSON. */
async function cursors({ userFolder }: N8n): Promise<string> {
	const read = `const { DatabaseSync } = require('node:sqlite');
const db = new DatabaseSync(process.argv[1], { readOnly: true });
console.log(JSON.stringify(db.prepare('select cursor from poller_state').all()));`;
	return await run(await provisionNode(), ['-e', read, join(userFolder, '.n8n/database.sqlite')]);
}

async function pollDurably({ n8n: { version } }: Stage): Promise<string> {
	const hubble = await startSimulator({ devices: 50, packets: 0, headRetryAfter: 1 });
	const n8n = await startN8n({ version, env: durable });
	try {
		const parameters = { startFrom: 'everything', options: { maxPackets: 1000 }, filters: {}, decodePayload: 'none' };
		const id = await publish(n8n, hubble, workflow('n8n-nodes-hubble.hubblePacketPollTrigger', parameters));
		// The first poll of a workflow cannot know that n8n stores its position with the execution: the second one notes it.
		await until('the second poll', 120, async () => (await cursors(n8n)).includes('isAtomic\\":true'));
		const crashes = await throughKills(n8n, () => void hubble.addPackets(1500));
		const { packets } = hubble.world.main;
		const truth = Array.from({ length: packets.length }, (_, index) =>
			packetKey(packets.get(index) as unknown as HubblePacket),
		);
		let keys: string[] = [];
		await until('all packets', publicationLeaseS + 240, async () => {
			await pause(3000);
			keys = (await handedOver(n8n, id)).map(({ json }) => String(json.packetKey));
			return new Set(keys).size === truth.length;
		});
		await pause(12_000);
		keys = (await handedOver(n8n, id)).map(({ json }) => String(json.packetKey));
		deepEqual([...new Set(keys)].sort(), truth.sort());
		equal(keys.length, truth.length, `${keys.length - truth.length} packets came twice; ${crashes}`);
		ok((await n8n.executions(id)).length > KILLS);
		return `${keys.length} packets, none twice; ${crashes}`;
	} finally {
		await n8n.stop();
		await hubble.close();
	}
}

/** The examples of the device trigger in a test run: what a message would say. */
async function runExamples({ n8n, hubble }: Stage): Promise<string> {
	const credentials = { [credentialName]: await n8n.createCredential('Examples', 'hubbleApi', credentialData(hubble)) };
	const texts: string[] = [];
	for (const [file, words] of [
		['alert-silent-device.json', ['has been silent for', 'was heard again']],
		['geofence.json', ['entered Depot', 'left Depot']],
	] as const) {
		const execution = await n8n.run(await n8n.createWorkflow(readExample(file), credentials));
		equal(execution.status, 'success', execution.error);
		const said = execution.items('Send Message').map(({ json }) => String(json.text));
		equal(said.length, words.length);
		for (const word of words)
			ok(
				said.some((text) => text.includes(word) && !/undefined|null/.test(text)),
				said.join('; '),
			);
		texts.push(...said);
	}
	return texts.join('\n');
}

export const pollChecks: Check[] = [
	{ name: 'device trigger: the examples say in a test what a message would', run: runExamples },
	{ name: `device trigger: each event through ${KILLS} SIGKILLs, none lost`, run: watchFleet },
	{
		name: 'alarms: raised once and cleared once through 2 SIGKILLs, none lost',
		run: async (stage) => await raiseAlarms(stage, 2),
	},
	{
		name: `durable scheduler: polled packets through ${KILLS} SIGKILLs, none lost and none twice`,
		notOn1: 'n8n 1 has no durable scheduler',
		run: pollDurably,
	},
];

/** The same where it takes minutes. */
export const longPollChecks: Check[] = [
	{
		name: 'alarms: raised once and cleared once through 20 SIGKILLs, none lost',
		run: async (stage) => await raiseAlarms(stage, 20),
	},
];
