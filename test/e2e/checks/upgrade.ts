/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { startSimulator } from '../../simulator/server';
import type { Check, Stage } from '../check';
import { credentialData } from '../mainJob';
import { packageName, startN8n } from '../n8n';
import { until } from '../processes';
import { register, workflow } from './polls';
import { keysOf } from './scale';
import { nothingLeaks } from './secrets';
import { onlyWebhook, variant } from './trigger';

/** Packets that come before the upgrade, while n8n is down, and after it. */
const PACKETS = 500;
const NEWER = '99.0.0';

/**
 * The package is replaced by one of a higher version under three published triggers, while n8n is down; Hubble goes on
 * meanwhile. Beginning anew, a poll "from now on" would miss what came then, and a webhook would be a second one.
 */
async function upgrade({ n8n: { version } }: Stage): Promise<string> {
	const n8n = await startN8n({ version });
	const hubble = await startSimulator({
		devices: 50,
		packets: 0,
		limits: false,
		headRetryAfter: 1,
		// Tries at most 18 s apart, for five minutes.
		delivery: { timeScale: 0.03, proxied: true },
	});
	try {
		const credentials = {
			'Hubble account': await n8n.createCredential('Upgrade', 'hubbleApi', credentialData(hubble)),
		};
		const type = (name: string) => `${packageName}.${name}`;
		const files = [
			variant('receive-packets.json'),
			workflow(type('hubblePacketPollTrigger'), { startFrom: 'now' }),
			workflow(type('hubbleDeviceTrigger'), { events: ['registered'] }),
		];
		const ids: string[] = [];
		for (const file of files) {
			ids.push(await n8n.createWorkflow(file, credentials));
			await n8n.activate(ids.at(-1) ?? '');
		}
		/** What one of the workflows was started with. */
		const started = async (index: number, node: string, field: string): Promise<string[]> => {
			const ran = (await n8n.executions(ids[index])).filter(({ status }) => status === 'success');
			const items = await Promise.all(ran.map(async ({ id }) => (await n8n.execution(id)).items(node)));
			return items.flat().map(({ json }) => String(json[field]));
		};
		const delivered = async () => await started(0, 'Packets Received', 'packetKey');
		const polled = async () => await started(1, 'New Packets', 'packetKey');
		const told = async () => await started(2, 'New Packets', 'deviceId');
		const registered: string[] = [];
		const happens = async () => {
			hubble.addPackets(PACKETS);
			registered.push(...(await register(hubble, [`Device ${registered.length}`])));
		};
		const everythingArrived = async () => {
			for (const [what, read, wanted] of [
				['deliveries', delivered, keysOf(hubble)],
				['polled packets', polled, keysOf(hubble)],
				['devices', told, registered],
			] as const) {
				const arrived = async () => new Set(await read()).size >= wanted.length;
				await until(`${wanted.length} ${what}`, 120, arrived).catch((error: Error) => {
					const answers = new Set(hubble.deliveries.map(({ status }) => status));
					throw new Error(`${error.message}; deliveries were answered ${[...answers].join(', ')}`);
				});
				deepEqual([...new Set(await read())].sort(), [...wanted].sort(), what);
			}
		};

		await until('the first polls', 60, () => new Set(hubble.log.map(({ call }) => call)).size >= 3);
		await happens();
		await everythingArrived();
		const webhook = { ...onlyWebhook(hubble) };
		await n8n.stop();
		await happens();
		await n8n.upgrade(NEWER);
		await n8n.start();
		const [loaded] = await n8n.rest<Array<{ displayName: string }>>('POST', '/node-types', {
			nodeInfos: [{ name: type('hubblePacketTrigger'), version: 1 }],
		});
		equal(loaded?.displayName, `Hubble Packet Trigger ${NEWER}`);
		await happens();
		await everythingArrived();

		deepEqual({ ...onlyWebhook(hubble) }, webhook);
		const refused = hubble.deliveries.filter(({ status }) => status === 401);
		deepEqual(refused, [], 'the secret was not known');
		for (const id of ids) equal((await n8n.rest<{ active: boolean }>('GET', `/workflows/${id}`)).active, true);
		equal((await delivered()).length, 3 * PACKETS);
		const repeats = (await polled()).length - 3 * PACKETS;
		ok(repeats <= PACKETS, `${repeats} polled packets came again`);
		for (const id of ids) await n8n.deactivate(id);
		equal(hubble.world.main.webhooks.size, 0);
		return `${3 * PACKETS} packets delivered and polled, ${repeats} of them polled again; ${registered.length} devices told of\n${await nothingLeaks(n8n)}`;
	} finally {
		await n8n.stop();
		await hubble.close();
	}
}

export const upgradeChecks: Check[] = [
	{ name: 'upgrade: a newer package under published triggers: one webhook, nothing lost', run: upgrade },
];
