/* eslint-disable no-console */
import { partnerEvents } from '../simulator/delivery';
import type { PartnerSimulator } from '../simulator/partner';
import type { Simulator } from '../simulator/server';
import { credentialName, readExample } from './mainJob';
import type { N8n, WorkflowFile } from './n8n';
import { pause } from './processes';

/** The examples that wait for Hubble, and the credential of the second. */
const receivePackets = 'receive-packets.json';
const giftCardEvents = 'gift-card-events.json';
const partnerCredential = 'Hubble partner account';

/** What a user would type into the credential dialog to reach the simulator's gift-card service. */
export const partnerCredentialData = ({ url, clientId, clientSecret, webhookSecret }: PartnerSimulator) => ({
	environment: 'url',
	baseUrl: url,
	clientId,
	clientSecret,
	webhookSecret,
});

/**
 * Publishes the workflows that start when Hubble delivers, and has the partner's events sent there; gives where they go.
 */
export async function publishTriggers(
	n8n: N8n,
	hubble: Simulator,
	partner: PartnerSimulator,
): Promise<{ eventsUrl: string }> {
	const credentials = await n8n.credentialIds();
	credentials[partnerCredential] = await n8n.createCredential(
		partnerCredential,
		'hubblePartnerApi',
		partnerCredentialData(partner),
	);
	const [packets = '', events = ''] = await Promise.all(
		[receivePackets, giftCardEvents].map(async (file) => await n8n.createWorkflow(readExample(file), credentials)),
	);
	await n8n.activate(packets);
	await n8n.activate(events);
	if (hubble.world.main.webhooks.size !== 1) throw new Error(`No webhook is registered for ${credentialName}`);
	const { nodes } = await n8n.rest<WorkflowFile>('GET', `/workflows/${events}`);
	const trigger = nodes.find(({ type }) => /trigger$/i.test(type));
	partner.state.eventsUrl = `${n8n.url}/webhook/${String(trigger?.webhookId)}/webhook`;
	return { eventsUrl: partner.state.eventsUrl };
}

const say = (line: string) => console.log(`${new Date().toTimeString().slice(0, 8)}  ${line}`);

/** Lets the fleet send every few seconds, and a gift-card event come now and then, and tells what n8n answers; never ends. */
export async function showArrivals(hubble: Simulator, eventsUrl: string, webhookSecret: string): Promise<never> {
	const examples = Object.entries(partnerEvents);
	let told = 0;
	for (let i = 0; ; i++) {
		hubble.addPackets(1 + (i % 12));
		if (i % 6 === 5) {
			const [name, event] = examples[Math.floor(i / 6) % examples.length] as (typeof examples)[number];
			const { status } = await hubble.sendPartnerEvent(eventsUrl, webhookSecret, event);
			say(`gift-card event ${name} → n8n answers ${status}`);
		}
		await pause(5000);
		for (const { from, to, status, startedAt, endedAt } of hubble.deliveries.slice(told)) {
			const first = hubble.world.main.packets.get(from).device;
			const what = `${to - from} packet${to - from === 1 ? '' : 's'}, the first from "${first.name ?? first.id}"`;
			say(`${what} → n8n answers ${status || 'nothing'} in ${endedAt - startedAt} ms`);
		}
		told = hubble.deliveries.length;
	}
}
