/* eslint-disable no-console, @n8n/community-nodes/no-restricted-globals */
/** What happens while `npm start` runs: devices send, fall silent, come back and cross a fence; a partner's events arrive. */
import { partnerEvents } from '../simulator/delivery';
import type { Packet } from '../simulator/packets';
import type { PartnerSimulator } from '../simulator/partner';
import type { Simulator } from '../simulator/server';
import { fleet, readExample } from './mainJob';
import type { N8n, WorkflowFile } from './n8n';
import { pause } from './processes';

const minute = 60_000;
const hour = 60 * minute;

/** Some devices have been silent for days; every two minutes another one was heard 24 hours ago. */
export const silentFor = [
	...[80, 50, 30, 27, 35, 44, 65, 96, 130, 151, 180, 222, 290, 410, 555].map((hours) => hours * hour),
	...Array.from({ length: 60 }, (_, n) => 24 * hour - 2 * minute * (n + 1)),
];

/** What `npm start` shows: four weeks, so that reports of a day, a week and a month are full. */
export const demo = { ...fleet, packets: 200_000, days: 29, silentFor };

/** The examples that start by themselves and change nothing but a webhook. */
const published = ['receive-packets.json', 'gift-card-events.json', 'alert-silent-device.json', 'geofence.json'];

/** Publishes examples and has the partner's events sent to theirs; gives the names of the workflows. */
export async function publishExamples(
	n8n: N8n,
	workflows: ReadonlyMap<string, string>,
	partner: PartnerSimulator,
): Promise<string[]> {
	for (const file of published) await n8n.activate(workflows.get(file) ?? '');
	const { nodes } = await n8n.rest<WorkflowFile>('GET', `/workflows/${workflows.get('gift-card-events.json')}`);
	const trigger = nodes.find(({ type }) => /trigger$/i.test(type));
	partner.state.eventsUrl = `${n8n.url}/webhook/${String(trigger?.webhookId)}/webhook`;
	return published.map((file) => readExample(file).name);
}

/** The middle of the circle in the example geofence.json, and a place well outside of it. */
const depot = { latitude: 51.9244, longitude: 4.4777 };
const road = { latitude: 51.98, longitude: 4.62 };

/** A packet of a device from near that place, now. */
function packetFrom({ world }: Simulator, device: Packet['device'], { latitude, longitude }: typeof depot): Packet {
	const timestamp = world.now() / 1000;
	const near = (degrees: number) => Math.round((degrees + (Math.random() - 0.5) / 500) * 1e5) / 1e5;
	const location = { latitude: near(latitude), longitude: near(longitude), altitude: 3, timestamp };
	return { location, device: { ...device, timestamp }, network_type: 'TERRESTRIAL' };
}

/** The example events, each time with other numbers, as two equal ones would be a repetition. */
function eventOf(name: keyof typeof partnerEvents, round: number): object {
	const event = structuredClone(partnerEvents[name]) as Record<string, unknown>;
	for (const [field, value] of Object.entries(event)) {
		if (/id$/i.test(field) && typeof value === 'string') event[field] = value.replace(/\d+$/, String(round + 1));
	}
	if ('balance' in event) event.balance = 95 - 5 * (round % 19);
	if ('subventionPercentage' in event) event.subventionPercentage = 4 + (round % 12);
	if ('amount' in event) event.amount = 100 * (1 + (round % 20));
	if ('timestamp' in event) event.timestamp = new Date().toISOString().slice(0, 19);
	return event;
}

/** What one step of five seconds brings. */
async function step(hubble: Simulator, partner: PartnerSimulator, i: number): Promise<void> {
	const { world } = hubble;
	hubble.addPackets(1 + (i % 2));
	// Two trucks: one is always at the depot, the other one comes and goes every three minutes.
	if (i % 6 === 0) {
		const trucks = world.senders.filter(({ tags }) => tags.model === 'Truck').slice(0, 2);
		const away = Math.floor(i / 36) % 2 === 0;
		const sent = trucks.map(({ id }) => world.main.packets.get(lastOf(hubble, id)).device);
		hubble.addPackets(sent.map((truck, n) => packetFrom(hubble, truck, n === 1 && away ? road : depot)));
	}
	// Every ten minutes one that was silent from the start is back.
	if (i % 120 === 60) {
		const mute = [...world.main.devices.values()].filter((_, n) => n % 20 === 19);
		const back = mute[Math.floor(i / 120) % mute.length]?.id ?? '';
		const last = lastOf(hubble, back);
		if (last >= 0) hubble.addPackets([packetFrom(hubble, world.main.packets.get(last).device, road)]);
	}
	if (i % 12 === 11) {
		const names = Object.keys(partnerEvents) as Array<keyof typeof partnerEvents>;
		const round = Math.floor(i / 12);
		const name = names[round % names.length] ?? 'brandUpdated';
		const event = eventOf(name, Math.floor(round / names.length));
		await hubble.sendPartnerEvent(partner.state.eventsUrl, partner.webhookSecret, event);
	}
}

/** Index of the latest packet of that device; -1: none. */
function lastOf({ world }: Simulator, id: string): number {
	const { terrestrial = -1, satellite = -1 } = world.lastHeard(id);
	return Math.max(terrestrial, satellite);
}

/** Lets things happen, and tells of them in one line that is written over (in a file: one line a minute); never ends. */
export async function live(hubble: Simulator, partner: PartnerSimulator, address: string): Promise<never> {
	const began = Date.now();
	const isScreen = process.stdout.isTTY;
	const sent = hubble.world.main.packets.length;
	console.log(address);
	for (let i = 0; ; i++) {
		await step(hubble, partner, i);
		await pause(5000);
		const { deliveries } = hubble;
		const taken = deliveries.filter(({ delivered }) => delivered);
		const received = taken.reduce((sum, { from, to }) => sum + to - from, 0);
		const refused = deliveries.filter(({ delivered, endedAt }) => !delivered && endedAt > 0);
		// What matters most comes first: the line ends where the screen does.
		const line = [
			new Date().toTimeString().slice(0, 8),
			`${Math.floor((Date.now() - began) / minute)} min`,
			`${hubble.world.main.packets.length - sent} packets sent, ${received} taken in ${taken.length} deliveries`,
			...(refused.length > 0
				? [`${refused.length} tried again, the last got ${refused.at(-1)?.status || 'no answer'}`]
				: []),
		].join(' · ');
		if (isScreen) process.stdout.write(`\r\x1b[K${line.slice(0, (process.stdout.columns ?? 80) - 1)}`);
		else if (i % 12 === 11) console.log(line);
		// After ten minutes the address may have scrolled away.
		if (i % 120 === 119) console.log(`${isScreen ? '\n' : ''}${address}`);
	}
}
