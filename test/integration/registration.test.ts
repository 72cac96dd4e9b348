/* eslint-disable @n8n/community-nodes/no-restricted-imports -- a server that answers as n8n does */
/** Whose an endpoint is: publishing, unpublishing, copies, restarts and two main processes, against the simulator. */
import { ExecuteContext } from 'n8n-core';
import type { IDataObject, IExecuteFunctions, INode, INodeType } from 'n8n-workflow';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HubbleGiftCardTrigger } from '../../nodes/HubbleGiftCardTrigger/HubbleGiftCardTrigger.node';
import { HubblePacketTrigger } from '../../nodes/HubblePacketTrigger/HubblePacketTrigger.node';
import { HubbleWebhook } from '../../nodes/HubbleWebhook/HubbleWebhook.node';
import { probeValue } from '../../nodes/shared/webhook/probe';
import { fingerprint } from '../../nodes/shared/webhook/verify';
import type { Webhook } from '../simulator/world';
import { startSimulator, type Simulator } from '../simulator/server';
import { execute, listed } from './harness';
import { triggerStage, type Placed, type Placement } from './placeTrigger';
import { withEachClock } from './pollContext';

let hubble: Simulator;
const hubbleNow = Date.now;
const warnings: string[] = [];
/** The triggers that n8n answers for, and its address. */
const listening = new Set<Placed>();
let n8n: { url: string; close: () => void };

beforeAll(async () => {
	hubble = await startSimulator({ packets: 100, devices: 10, limits: false });
	n8n = await triggerStage(hubble, warnings).serve(listening);
});
afterAll(async () => {
	n8n.close();
	await hubble.close();
});
beforeEach(() => {
	hubble.world.main.webhooks.clear();
	hubble.clearFaults();
	hubble.clearLog();
	listening.clear();
	warnings.length = 0;
});

const automatic = { options: { maxBatchSize: 200 } };
const trigger = new HubblePacketTrigger();

/** A workflow that is named is of the test: what this process remembers of it is of no other one. */
function place({ workflowId, ...more }: Partial<Placement> = {}) {
	const own = workflowId && `${workflowId} of ${expect.getState().currentTestName}`;
	return triggerStage(hubble, warnings).place({ trigger, parameters: automatic, ...more, workflowId: own });
}

/** A trigger class with the memory of another process. */
function ofAnotherProcess(): INodeType {
	let other: INodeType | undefined;
	jest.isolateModules(() => {
		// eslint-disable-next-line @typescript-eslint/no-require-imports
		const { HubblePacketTrigger: Other } = require('../../nodes/HubblePacketTrigger/HubblePacketTrigger.node') as {
			HubblePacketTrigger: new () => INodeType;
		};
		other = new Other();
	});
	return other as INodeType;
}

const all = () => [...hubble.world.main.webhooks.values()];
const urls = () => all().map(({ url }) => url);

function only(): Webhook {
	expect(all()).toHaveLength(1);
	return all()[0] as Webhook;
}

const taken = (url: string, name = 'Elsewhere') => {
	const webhook_id = hubble.world.newId();
	const rest = { org_id: hubble.organizationId, max_batch_size: 100, secret: 'theirs' };
	hubble.world.main.webhooks.set(webhook_id, { webhook_id, url, name, ...rest });
	return webhook_id;
};

const opened: Array<() => void> = [];
afterEach(() => opened.splice(0).forEach((close) => close()));

/** A server until the end of the test, also of one that fails: jest waits for it otherwise. */
async function serve(answer: RequestListener): Promise<string> {
	const server = createServer(answer);
	opened.push(() => server.close());
	await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const batch = (i: number) => ({ packets: [hubble.world.main.packets.get(i)] });

/** Whether the trigger takes what Hubble delivers to its endpoint. */
const takes = async (placed: Placed, i: number, secret = only().secret) =>
	(await placed.deliver(batch(i), { 'x-hubble-token': secret })).items.length === 1;

withEachClock(hubbleNow, () => {
	describe('publishing and unpublishing', () => {
		it('registers, is found again, follows the batch size and is removed', async () => {
			const node = place();
			await node.activate();
			const webhook = only();
			expect(webhook).toMatchObject({
				url: `https://n8n.example.com/webhook/${node.webhookId}/webhook`,
				max_batch_size: 200,
				name: expect.stringMatching(/^n8n: Receive \[[0-9a-f]{8}-[0-9a-f]{12}\]$/),
			});
			expect(node.data().endpoint).toEqual({
				id: webhook.webhook_id,
				fingerprint: fingerprint(webhook.secret),
				at: expect.any(Number),
				owner: expect.stringMatching(/^[0-9a-f]{12}$/),
				url: webhook.url,
				organization: hubble.organizationId,
			});
			expect(await node.exists()).toBe(true);
			webhook.max_batch_size = 10;
			expect(await node.exists()).toBe(false);
			await node.create();
			expect(all()).toEqual([{ ...webhook, max_batch_size: 200 }]);
			await node.remove();
			expect(all()).toEqual([]);
			expect(node.data().endpoint).toBeUndefined();
		});

		it('notes by Hubble’s clock when it was registered', async () => {
			const node = place();
			await node.activate();
			const { at } = node.data().endpoint as IDataObject;
			expect(Math.abs(Number(at) - hubbleNow())).toBeLessThan(60_000);
		});

		it('is not touched by a test in the editor, which has a webhook of its own', async () => {
			const ids = { workflowId: 'tested', nodeId: 'n', webhookId: 'published' };
			const published = place(ids);
			await published.activate();
			const { secret, webhook_id: id } = only();
			const tested = place({ ...ids, staticData: published.stored() });
			await tested.activate(true);
			expect(all()).toHaveLength(2);
			expect(await takes(published, 1, secret)).toBe(true);
			await tested.remove(true);
			expect(only().webhook_id).toBe(id);
			expect(warnings).toEqual([]);
			// Also where n8n gives static data from before the publication.
			expect(await takes(place(ids), 2, secret)).toBe(true);
		});

		it('is registered while a test in the editor goes on, which takes its own deliveries', async () => {
			const ids = { workflowId: 'meanwhile', nodeId: 'n', webhookId: 'meanwhile' };
			const tested = place(ids);
			await tested.activate(true);
			const { secret } = only();
			await place(ids).activate();
			const headers = { 'x-hubble-token': secret };
			expect((await tested.deliver(batch(1), headers, { isTest: true })).items).toHaveLength(1);
			await tested.remove(true);
			expect(urls()).toEqual(['https://n8n.example.com/webhook/meanwhile/webhook']);
		});

		it('is removed also where Registration has come to be what is no choice', async () => {
			const ids = { workflowId: 'odd', nodeId: 'choice', webhookId: 'odd' };
			await place(ids).activate();
			await place({ ...ids, parameters: { options: { registration: 'auto' } } }).remove();
			expect(all()).toEqual([]);
		});

		it('replaces its own endpoint whose secret is lost, and leaves others alone', async () => {
			const foreign = taken('https://example.com');
			const ids = { workflowId: 'lost', nodeId: 'secret', webhookId: 'of-ours' };
			await place(ids).activate();
			const before = all()[1] as Webhook;
			await place({ ...ids, trigger: ofAnotherProcess() }).activate();
			expect(urls()).toEqual(['https://example.com', before.url]);
			expect(hubble.world.main.webhooks.has(foreign)).toBe(true);
			expect(hubble.world.main.webhooks.has(before.webhook_id)).toBe(false);
		});

		it('names the others and what to do when both are taken, also for a test', async () => {
			taken('https://example.com/a', 'Warehouse');
			taken('https://example.com/b', '');
			const refused = async (isTest?: boolean) =>
				await place()
					.activate(isTest)
					.catch((error: Error) => error.message);
			expect(await refused()).toBe(
				'Both webhooks are in use, by "Warehouse" (https://example.com/a) and by "without a name" (https://example.com/b). Delete one, or let one trigger receive for all workflows.',
			);
			hubble.world.main.webhooks.clear();
			taken('https://example.com/a', `Warehouse ${'x'.repeat(200)}`);
			await place().activate();
			expect(await refused(true)).toBe(
				`Both webhooks are in use, by the workflow 'Receive' and by "Warehouse ${'x'.repeat(49)}…" (https://example.com/a). Unpublish or delete one, or let one trigger receive for all workflows. To test without a webhook, set Options → Test With to Latest Packets.`,
			);
			hubble.world.main.webhooks.clear();
			await place().activate();
			await place({ instance: 'another n8n' }).activate();
			expect(await refused()).toBe(
				"Both webhooks are in use, by the workflows 'Receive' and 'Receive'. Unpublish one, or let one trigger receive for all workflows.",
			);
			expect(all()).toHaveLength(2);
		});

		it('fails when Hubble refuses the registration, and says all in one message', async () => {
			hubble.addFault({ call: 'createWebhook', status: 403 });
			const error = await place()
				.activate()
				.catch((failure: Error & { description?: string }) => failure);
			expect(error).toMatchObject({ message: expect.stringMatching(/write-webhooks.*X-Request-ID/) });
			expect((error as { description?: string }).description ?? '').toBe('');
		});

		it('wants a secret for manual registration and for gift cards, and valid parameters', async () => {
			const manual = { parameters: { options: { registration: 'manual' } } };
			const noSecret = "no 'Webhook Secret'";
			const giftCards = new HubbleGiftCardTrigger();
			await expect(place(manual).activate()).rejects.toThrow(noSecret);
			await expect(place({ trigger: giftCards, parameters: {} }).activate()).rejects.toThrow(noSecret);
			await place({ ...manual, credential: { webhookSecret: 's' } }).activate();
			expect(all()).toEqual([]);
			const filters = { ...automatic, filters: { devices: listed({ device: [{ deviceId: { value: 'x' } }] }) } };
			await expect(place({ parameters: filters }).activate()).rejects.toThrow('"x" is not an ID');
			for (const [maxBatchSize, reason] of [
				[5, '10 to 1000'],
				['', 'is empty'],
				[null, 'is empty'],
			] as const) {
				const odd = place({ parameters: { options: { maxBatchSize } } }).activate();
				await expect(odd).rejects.toThrow(new RegExp(`"Max Packets in One Request".*${reason}`));
			}
			const from = (allowedSenders: string) =>
				place({
					trigger: giftCards,
					parameters: { options: { allowedSenders } },
					credential: { webhookSecret: 's' },
				});
			await expect(from('everybody').activate()).rejects.toThrow('"everybody" is neither');
			await expect(from(' , ').activate()).rejects.toThrow('is empty; remove the option to allow all');
		});

		it.each([
			['http://localhost:5678', 'not on the internet'],
			['https://10.0.0.5', 'not on the internet'],
			['https://n8n.local', 'not on the internet'],
			['http://n8n.example.com', 'does not begin with https://'],
		])('refuses %s with the real Hubble: %s', async (base, reason) => {
			const node = place({ base, credential: { baseUrl: 'https://api.hubble.invalid' } });
			const failure = await node.create().catch((error: Error) => error.message);
			expect(failure).toMatch(
				new RegExp(`^Hubble cannot deliver to ${base}.*${reason}.*N8N_WEBHOOK_URL of n8n 2, or WEBHOOK_URL of n8n 1`),
			);
			expect(hubble.log).toEqual([]);
		});

		it.each<[string, boolean, Partial<Placement>]>([
			['published', false, {}],
			['published with manual registration', false, { parameters: { options: { registration: 'manual' } } }],
			['tested', true, {}],
			['tested with the latest packets', true, { parameters: { options: { testWith: 'latest' } } }],
			[
				'published for gift cards',
				false,
				{ trigger: new HubbleGiftCardTrigger(), parameters: {}, credential: { webhookSecret: 's' } },
			],
		])('refuses a trigger to which n8n gave no URL of its own: %s', async (_, isTest, placement) => {
			await expect(place({ ...placement, webhookId: '' }).activate(isTest)).rejects.toThrow(
				/^n8n has given this trigger no URL of its own, .* add a new one, and publish the workflow\.$/,
			);
			expect(hubble.log).toEqual([]);
		});
	});

	describe('an endpoint of another node', () => {
		it('P25: is left alone by a copy with static data in another workflow', async () => {
			const original = place();
			await original.activate();
			const { webhook_id, url } = only();
			const copy = place({ staticData: original.stored(), trigger: ofAnotherProcess() });
			expect(await copy.exists()).toBe(false);
			await copy.create();
			expect(all().map((webhook) => webhook.webhook_id)).toEqual([webhook_id, expect.any(String)]);
			expect(urls()[0]).toBe(url);
			const [first, second] = all() as [Webhook, Webhook];
			expect(await takes(original, 1, first.secret)).toBe(true);
			expect(await takes(copy, 1, first.secret)).toBe(false);
			expect(await takes(copy, 2, second.secret)).toBe(true);
			await copy.remove();
			expect(only()).toMatchObject({ webhook_id, url });
			expect(await takes(original, 3)).toBe(true);
		});

		it('P25: is left alone by unpublishing a copy that never was published', async () => {
			const original = place();
			await original.activate();
			await place({ staticData: original.stored() }).remove();
			expect(urls()).toEqual([`https://n8n.example.com/webhook/${original.webhookId}/webhook`]);
		});

		it.each<[string, Partial<Placement>]>([
			['another n8n', { instance: 'another n8n', base: 'https://other.example.com' }],
			['a clone of this n8n, by its key, under another URL', { base: 'https://clone.example.com' }],
		])('is left alone by the whole workflow in %s', async (_, elsewhere) => {
			const ids = { workflowId: String(elsewhere.base), nodeId: 'n', webhookId: 'h' };
			const original = place(ids);
			await original.activate();
			const before = only();
			const imported = place({ ...ids, ...elsewhere, staticData: original.stored(), trigger: ofAnotherProcess() });
			expect(await imported.exists()).toBe(false);
			await imported.create();
			expect(all()).toEqual([
				before,
				expect.objectContaining({ url: expect.stringContaining(String(elsewhere.base)) }),
			]);
			await imported.remove();
			expect(all()).toEqual([before]);
			expect(await takes(original, 4)).toBe(true);
		});

		it('keeps the URL that a pasted trigger brought along, published or unpublished', async () => {
			const original = place();
			await original.activate();
			const before = only();
			for (const process of [trigger, ofAnotherProcess()]) {
				const pasted = place({ webhookId: original.webhookId, trigger: process });
				await expect(pasted.activate()).rejects.toThrow(
					/belongs to another workflow of this n8n.*"n8n: Receive.*Delete this trigger node and add a new one/,
				);
				await pasted.remove();
				expect(all()).toEqual([before]);
			}
			expect(await takes(original, 5)).toBe(true);
		});

		it('is known by this process where its name at Hubble has lost the tag', async () => {
			const original = place();
			await original.activate();
			only().name = 'renamed by hand';
			const pasted = place({ webhookId: original.webhookId });
			await expect(pasted.activate()).rejects.toThrow(
				'belongs to another workflow of this n8n, with the webhook "renamed',
			);
			expect(await takes(original, 6)).toBe(true);
			// It is no reason against itself.
			await original.remove();
			await original.activate();
			only().name = 'renamed again';
			expect(await original.exists()).toBe(true);
			original.setParameters({ options: { maxBatchSize: 300 } });
			await original.activate();
			expect(only()).toMatchObject({ name: expect.stringContaining('n8n: Receive'), max_batch_size: 300 });
		});

		it('of the same workflow is named as such', async () => {
			const ids = { workflowId: 'one workflow', webhookId: 'one url' };
			const original = place(ids);
			await original.activate();
			await expect(place(ids).activate()).rejects.toThrow(
				/belongs to another trigger of this workflow, .* If that trigger no longer exists/,
			);
			expect(await takes(original, 7)).toBe(true);
		});

		it('with the same node ID in one workflow, as n8n 1 allows, has a URL, a webhook and a memory of its own', async () => {
			const ids = { workflowId: 'twins', nodeId: 'n' };
			const [first, second] = [place(ids), place(ids)];
			await first.activate();
			await second.activate();
			const [one, two] = all() as [Webhook, Webhook];
			const packets = { packets: [8, 9].map((i) => hubble.world.main.packets.get(i)) };
			const started = async (node: Placed, { secret }: Webhook) =>
				(await node.deliver(packets, { 'x-hubble-token': secret })).items.length;
			expect(await started(first, one)).toBe(2);
			expect(await started(second, two)).toBe(2);
			expect(await started(second, two)).toBe(0);
			expect(await first.exists()).toBe(true);
			await second.remove();
			expect(only().webhook_id).toBe(one.webhook_id);
			expect(await takes(first, 9, one.secret)).toBe(true);
		});

		it('is replaced at our URL when nobody of this n8n is known to use it, and the log says so', async () => {
			const node = place();
			const url = `https://n8n.example.com/webhook/${node.webhookId}/webhook`;
			for (const [i, name] of ['by hand', 'n8n: Receive [00000000-000000000000]'].entries()) {
				hubble.world.main.webhooks.clear();
				const id = taken(url, name);
				await node.create();
				expect(only().webhook_id).not.toBe(id);
				expect(warnings.splice(0)).toEqual([
					`"Hubble Packet Trigger" removed the webhook "${name}" (${url}, ID ${id}) at its URL, whose secret it does not know`,
				]);
				expect(await takes(node, 50 + i)).toBe(true);
				await node.remove();
			}
		});
	});

	describe('another public URL of n8n', () => {
		it('leaves the endpoint at the old URL, takes a free slot, and says so', async () => {
			const node = place();
			await node.activate();
			const before = only();
			node.moveTo('https://moved.example.com');
			expect(await node.exists()).toBe(false);
			await node.activate();
			expect(all()).toEqual([
				before,
				expect.objectContaining({ url: `https://moved.example.com/webhook/${node.webhookId}/webhook` }),
			]);
			expect(warnings).toEqual([
				expect.stringContaining(`left its webhook ${before.webhook_id} at the old URL ${before.url}`),
			]);
			expect(await takes(node, 7, (all()[1] as Webhook).secret)).toBe(true);
		});

		it('goes on taking what comes by the old URL until it is published again', async () => {
			const node = place();
			await node.activate();
			node.moveTo('https://moved.example.com');
			expect(await takes(node, 8)).toBe(true);
		});

		it('says which of two taken slots is its own', async () => {
			taken('https://example.com');
			const node = place();
			await node.activate();
			node.moveTo('https://moved.example.com');
			await expect(node.activate()).rejects.toThrow(
				/by this trigger under another public URL of n8n \(https:\/\/n8n\.example\.com.*Delete one/,
			);
			expect(all()).toHaveLength(2);
		});
	});

	describe('a credential that was moved to another organization', () => {
		const sandbox = () => [...hubble.world.organizations.values()][1] as (typeof hubble.world)['main'];
		const credential = () => {
			const organizationId = sandbox().metadata.org_id;
			return { organizationId, apiToken: hubble.createToken(undefined, { organizationId }) };
		};
		const ids = { workflowId: 'organizations', nodeId: 'n', webhookId: 'moved' };
		const there = () => [...sandbox().webhooks.values()];
		afterEach(() => sandbox().webhooks.clear());

		it('leaves the webhook where it is, says so at each publication, and removes it when the credential is back', async () => {
			const first = place(ids);
			await first.activate();
			const { webhook_id, url } = only();
			const moved = place({ ...ids, credential: credential(), staticData: first.stored() });
			expect(await moved.exists()).toBe(false);
			await moved.create();
			expect(only().webhook_id).toBe(webhook_id);
			expect(there()).toMatchObject([{ url }]);
			const line = `cannot remove its webhook ${webhook_id} at ${url}: it is in the organization ${hubble.organizationId}`;
			expect(warnings.splice(0)).toEqual([expect.stringContaining(line)]);
			expect(await takes(moved, 1, (there()[0] as Webhook).secret)).toBe(true);

			moved.setParameters({ options: { maxBatchSize: 300 } });
			await moved.activate();
			expect(there()).toMatchObject([{ max_batch_size: 300 }]);
			expect(warnings.splice(0)).toEqual([expect.stringContaining(line)]);
			await moved.remove();
			expect(there()).toEqual([]);
			expect(warnings.splice(0)).toEqual([expect.stringContaining(line)]);

			const back = place({ ...ids, staticData: moved.stored() });
			await back.activate();
			expect(only().webhook_id).not.toBe(webhook_id);
			expect(warnings.filter((text) => text.includes('cannot remove'))).toEqual([]);
			expect(await takes(back, 2)).toBe(true);
			expect(back.data().leftBehind).toBeUndefined();
			await back.remove();
			expect(all()).toEqual([]);
		});

		it('is left to the next publication by a test in the editor, with either credential', async () => {
			const first = place(ids);
			await first.activate();
			const { webhook_id } = only();
			const moved = place({ ...ids, credential: credential(), staticData: first.stored() });
			await moved.activate();
			warnings.length = 0;
			const left = moved.data().leftBehind;
			for (const more of [{ credential: credential() }, {}]) {
				// n8n gives a test static data of its own.
				const tested = place({ ...ids, ...more });
				await tested.activate(true);
				await tested.remove(true);
			}
			expect([left, moved.data().leftBehind]).toEqual([[expect.objectContaining({ id: webhook_id })], left]);
			expect(only().webhook_id).toBe(webhook_id);
			expect(there()).toHaveLength(1);
			expect(warnings).toEqual([]);
		});

		it('is remembered at unpublishing too, and a copy of the workflow leaves it alone', async () => {
			const first = place({ ...ids, trigger: ofAnotherProcess() });
			await first.activate();
			const { webhook_id } = only();
			const moved = place({
				...ids,
				credential: credential(),
				staticData: first.stored(),
				trigger: ofAnotherProcess(),
			});
			await moved.remove();
			expect(only().webhook_id).toBe(webhook_id);
			expect(moved.data().leftBehind).toMatchObject([{ id: webhook_id, organization: hubble.organizationId }]);
			const copy = place({ ...ids, workflowId: 'copy', webhookId: 'copy', staticData: moved.stored() });
			await copy.activate();
			await copy.remove();
			expect(only().webhook_id).toBe(webhook_id);
			// Whatever the URL is by now.
			const base = 'https://moved.example.com';
			const back = place({ ...ids, base, staticData: moved.stored(), trigger: ofAnotherProcess() });
			await back.remove();
			expect(all()).toEqual([]);
		});
	});

	describe('two main processes', () => {
		const ids = { workflowId: 'two', nodeId: 'mains', webhookId: 'start' };

		it.each([1, 2, 3])('that start at once leave one endpoint that both take deliveries of (%i)', async () => {
			const [first, second] = [
				place({ ...ids, trigger: ofAnotherProcess() }),
				place({ ...ids, trigger: ofAnotherProcess() }),
			];
			await Promise.all([first.activate(), second.activate()]);
			const { secret } = only();
			// n8n saves the static data of the one that kept its endpoint, and both read them.
			const saved = [first, second].map((one) => one.data().endpoint as IDataObject | undefined);
			const kept = saved.find((endpoint) => endpoint?.id === only().webhook_id);
			expect(kept?.fingerprint).toBe(fingerprint(secret));
			for (const one of [first, second]) {
				one.data().endpoint = kept;
				expect(await takes(one, 9)).toBe(true);
			}
		});

		it('one of which finds the slots full believe each other', async () => {
			taken('https://example.com');
			const [first, second] = [
				place({ ...ids, trigger: ofAnotherProcess() }),
				place({ ...ids, trigger: ofAnotherProcess() }),
			];
			await Promise.all([first.activate(), second.activate()]);
			expect(urls()).toEqual(['https://example.com', 'https://n8n.example.com/webhook/start/webhook']);
		});

		it('believe the static data when the other one registered later', async () => {
			const node = place();
			await node.activate();
			const known = node.data().endpoint as IDataObject;
			const newer = { ...known, id: 'newer', at: Number(known.at) + 1, fingerprint: fingerprint('newer') };
			node.data().endpoint = newer;
			expect(await takes(node, 1, 'newer')).toBe(true);
			expect(node.data().endpoint).toEqual(newer);
		});
	});

	describe('static data of before', () => {
		it('that come back are put right by a verified delivery, and by nothing else', async () => {
			const node = place();
			await node.activate();
			const old = { ...(node.data().endpoint as IDataObject) };
			await node.remove();
			await node.activate();
			node.data().endpoint = old;
			await node.exists();
			await node.deliver(batch(1), { 'x-hubble-token': 'forged' });
			expect(node.data().endpoint).toEqual(old);
			expect(await takes(node, 1)).toBe(true);
			expect((node.data().endpoint as IDataObject).fingerprint).toBe(fingerprint(only().secret));
		});
	});

	describe('a reply without the list', () => {
		it.each(['{}', '{"webhooks":null}', '{"webhooks":{}}', '<html>'])('%s is not "none"', async (reply) => {
			const node = place();
			hubble.addFault({ call: 'listWebhooks', body: reply, times: 10 });
			await expect(node.create()).rejects.toThrow(/Hubble|webhooks/);
			expect(all()).toEqual([]);
			hubble.clearFaults();
			await node.activate();
			const before = all();
			hubble.addFault({ call: 'listWebhooks', body: reply, times: 10 });
			expect(await node.exists()).toBe(true);
			expect(all()).toEqual(before);
		});
	});

	describe('Hubble cannot be asked', () => {
		// A wait that is too long for us ends the tries at once.
		it.each([429, 503])('at the look at a known endpoint (%i): it counts as registered', async (status) => {
			const node = place({ credential: { requestsPerSecond: status } });
			await node.activate();
			hubble.addFault({ call: 'listWebhooks', status: 400 });
			await expect(node.exists()).rejects.toThrow(/rejected the request/);
			hubble.addFault({ call: 'listWebhooks', status, headers: { 'retry-after': '301' } });
			expect(await node.exists()).toBe(true);
			expect(warnings).toEqual([expect.stringMatching(/^"Hubble Packet Trigger" keeps its webhook/)]);
		});

		it('gives no answer: a known endpoint counts as registered', async () => {
			const ids = { workflowId: 'away', nodeId: 'a', webhookId: 'b' };
			const node = place(ids);
			await node.activate();
			const away = place({ ...ids, staticData: node.stored(), credential: { baseUrl: 'http://hubble.invalid' } });
			expect(await away.exists()).toBe(true);
		});

		it('publishing tries for ten seconds at most, and speaks of Hubble', async () => {
			hubble.addFault({ call: 'listWebhooks', status: 503, times: 100 });
			const node = place({ credential: { requestsPerSecond: 99 } });
			const message = await node.activate().catch((error: Error) => error.message);
			expect(message).toMatch(/^Hubble could not process the request \(HTTP 503\).*\d attempts/);
			expect(hubble.log.length).toBeLessThanOrEqual(4);
		}, 15_000);

		it.each([403, 503])(
			'at unpublishing (%i): it is no failure, the log has the ID, and the next publication goes on',
			async (status) => {
				const node = place({ credential: { requestsPerSecond: 100 + status } });
				await node.activate();
				const { webhook_id } = only();
				hubble.addFault({ call: 'deleteWebhook', status, headers: { 'retry-after': '301' } });
				expect(await node.remove()).toBe(true);
				expect(warnings).toEqual([expect.stringContaining(`could not remove its webhook ${webhook_id} from Hubble`)]);
				await node.activate();
				expect(only().webhook_id).toBe(webhook_id);
				expect(await takes(node, 2)).toBe(true);
				hubble.addFault({ call: 'deleteWebhook', status: 404 });
				expect(await node.remove()).toBe(true);
				expect(node.data().endpoint).toBeUndefined();
			},
		);
	});

	describe('endpoints that nobody listens to', () => {
		it('of this n8n leave their slots at the next publication, whatever became of their workflows', async () => {
			const [deleted, alive] = [place({ base: n8n.url }), place({ base: n8n.url })];
			await deleted.activate();
			await alive.activate();
			listening.add(alive);
			const next = place({ base: n8n.url, trigger: ofAnotherProcess() });
			await next.activate();
			expect(urls()).toEqual([alive, next].map(({ webhookId }) => `${n8n.url}/webhook/${webhookId}/webhook`));
			expect(warnings).toEqual([expect.stringMatching(/removed the webhook .* no published workflow has its URL/)]);
		});

		it('of another n8n, of nobody, or where n8n does not answer, stay', async () => {
			const elsewhere = place({ base: n8n.url, instance: 'another n8n' });
			await elsewhere.activate();
			taken(`${n8n.url}/webhook/by-hand/webhook`);
			await expect(place({ base: n8n.url }).activate()).rejects.toThrow('Both webhooks are in use');
			hubble.world.main.webhooks.clear();
			await place({ base: 'http://127.0.0.1:1' }).activate();
			taken('https://example.com');
			await expect(place({ base: 'http://127.0.0.1:1' }).activate()).rejects.toThrow('Both webhooks are in use');
		});

		it('are told from those that are listened to by a call that proves nothing and starts nothing', async () => {
			const node = place({ base: n8n.url });
			await node.activate();
			const { webhookId } = node;
			const value = probeValue({ getInstanceId: () => 'this n8n' } as IExecuteFunctions);
			const asked = await node.deliver(batch(1), { 'x-hubble-check': value });
			expect(asked).toMatchObject({ status: 401, items: [], endpoint: expect.stringMatching(/^[0-9a-f]{16}$/) });
			expect(JSON.stringify(asked)).not.toContain(only().webhook_id);
			expect(warnings).toEqual([]);
			// Of somebody who does not know this n8n: as any other call.
			const forged = await place({ base: n8n.url, webhookId }).deliver(batch(1), { 'x-hubble-check': '1' });
			expect(forged).toMatchObject({ status: 401, items: [], endpoint: undefined });
			expect(warnings).toEqual([expect.stringContaining('could not verify a delivery')]);
		});

		it('are looked for by calls to URLs of triggers below the public URL of this n8n, and to no others', async () => {
			const calls: string[] = [];
			const inner = await serve((request, response) => {
				calls.push(`${request.method} ${request.url}`);
				response.writeHead(404, { 'content-type': 'application/json' });
				response.end('{"message":"The requested webhook \\"POST x\\" is not registered."}');
			});
			const base = `${inner}/n8n`;
			const own = place({ base: 'https://n8n.example.com' });
			await own.activate();
			const { name } = only();
			for (const url of [
				base.replace('/n8n', '/admin/a/webhook'),
				base.replace('http://', 'http://user:secret@') + '/webhook/a/webhook',
				`${base}/webhook/orders`,
				`${base}/webhook/a/webhook?start=1`,
				`${base}/webhook/../../a/b/webhook`,
				'http://127.0.0.1:1/webhook/a/webhook',
			]) {
				hubble.world.main.webhooks.clear();
				const id = taken(url, name);
				await place({ base }).activate();
				expect(hubble.world.main.webhooks.has(id)).toBe(true);
			}
			expect(calls).toEqual([]);
			hubble.world.main.webhooks.clear();
			const id = taken(`${base}/webhook/a/webhook`, name);
			await place({ base }).activate();
			expect(hubble.world.main.webhooks.has(id)).toBe(false);
			expect(calls).toEqual(['POST /n8n/webhook/a/webhook']);
		});
	});

	describe('deliveries that cannot be verified', () => {
		it('are told in the log once a minute, with their number and what to do', async () => {
			const node = place();
			await node.activate();
			const now = jest.spyOn(performance, 'now');
			for (const minutes of [0, 0, 0, 1.1, 1.2]) {
				now.mockReturnValue(minutes * 60_000);
				expect(await node.deliver(batch(1), { 'x-hubble-token': 'forged' })).toMatchObject({ status: 401, items: [] });
			}
			now.mockRestore();
			expect(warnings).toEqual([
				'"Hubble Packet Trigger" could not verify a delivery. If Hubble sent it, unpublish and publish the workflow.',
				'"Hubble Packet Trigger" could not verify 3 deliveries since the last message about it. If Hubble sent these, unpublish and publish the workflow.',
			]);
		});
	});

	describe('Hubble Webhook: Check', () => {
		const check = async (more: IDataObject = {}, ownUrl = n8n.url) =>
			await execute({
				node: new HubbleWebhook(),
				parameters: { resource: 'webhook', operation: 'check', ...more } as INode['parameters'],
				credential: {
					apiToken: hubble.token,
					organizationId: hubble.organizationId,
					// By another name of the host: what earlier tests met there holds its limiter back.
					baseUrl: hubble.url.replace('127.0.0.1', 'localhost'),
					apiPaths: 'api',
				},
				additionalData: { webhookWaitingBaseUrl: `${ownUrl}/webhook-waiting` },
			});
		const states = async (more: IDataObject = {}, ownUrl?: string) =>
			(await check(more, ownUrl)).items.map(({ json }) => [json.webhookId, json.state, json.deleted]);

		beforeEach(() => void jest.spyOn(ExecuteContext.prototype, 'getInstanceId').mockReturnValue('this n8n'));

		it('tells what is listened to from a lost secret, and from what is not of this n8n', async () => {
			const ids = { workflowId: 'check', nodeId: 'lost', webhookId: 'check-lost', base: n8n.url };
			await place(ids).activate();
			const [alive, lost] = [place({ base: n8n.url }), place({ ...ids, trigger: ofAnotherProcess() })];
			listening.add(alive).add(lost);
			await alive.activate();
			const [first, second] = all() as [Webhook, Webhook];
			expect(await states()).toEqual([
				[first.webhook_id, 'secretLost', false],
				[second.webhook_id, 'listening', false],
			]);
			expect((await check()).items.map(({ json }) => json.advice === '')).toEqual([false, true]);
			// Neither is an orphan or at another URL: both stay as they are.
			const before = structuredClone(all());
			const cleanUp = { deleteOrphans: true, moveToNewUrl: true };
			const outcomes = (await check(cleanUp)).items.map(({ json }) => [json.state, json.deleted, json.moved]);
			expect([outcomes, all()]).toEqual([
				[
					['secretLost', false, false],
					['listening', false, false],
				],
				before,
			]);
			hubble.world.main.webhooks.clear();
			const foreign = taken('https://example.com/webhook/a/webhook', 'n8n: Receive [00000000-000000000000]');
			const manual = place({
				base: n8n.url,
				parameters: { options: { registration: 'manual' } },
				credential: { webhookSecret: 's' },
			});
			listening.add(manual);
			const byHand = taken(`${n8n.url}/webhook/${manual.webhookId}/webhook`);
			expect(await states()).toEqual([
				[foreign, 'foreign', false],
				[byHand, 'manual', false],
			]);
			expect((await check()).items.map(({ json }) => json.workflow)).toEqual(['Receive', null]);
			expect(all()).toHaveLength(2);
		});

		it('deletes what nobody listens to when told to, and nothing that was made by hand', async () => {
			await place({ base: n8n.url }).activate();
			const byHand = taken(`${n8n.url}/webhook/nobody/webhook`);
			const { webhook_id } = all()[0] as Webhook;
			const both = (deleted: boolean) => [
				[webhook_id, 'orphan', deleted],
				[byHand, 'orphan', false],
			];
			expect(await states()).toEqual(both(false));
			// One that somebody has deleted meanwhile is deleted, too.
			hubble.addFault({ call: 'deleteWebhook', status: 404 });
			expect(await states({ deleteOrphans: true })).toEqual(both(true));
			expect(all()).toHaveLength(2);
			const { items, hints } = await check({ deleteOrphans: true });
			expect(items.map(({ json }) => [json.webhookId, json.state, json.deleted])).toEqual(both(true));
			expect(items[0]?.json.advice).toBe('No published workflow of this n8n had this URL: the webhook was deleted.');
			expect([only().webhook_id, hints]).toEqual([byHand, []]);
		});

		it('deletes nothing that a trigger of another n8n registered', async () => {
			await place({ base: n8n.url, instance: 'another n8n' }).activate();
			const { webhook_id } = only();
			expect(await states({ deleteOrphans: true })).toEqual([[webhook_id, 'orphan', false]]);
			expect(only().webhook_id).toBe(webhook_id);
		});

		it('never calls a node that is no trigger of ours, and says when n8n does not answer', async () => {
			const calls = jest.fn();
			// An n8n in which a plain Webhook node listens at /webhook/orders.
			const other = await serve((request, response) => {
				if (request.method !== 'OPTIONS' || !request.url?.startsWith('/webhook')) calls();
				if (request.url === '/webhook-test/orders') {
					const message = 'The requested webhook "orders" is not registered.';
					response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ code: 404, message }));
					return;
				}
				const methods = request.url === '/webhook/orders' ? 'OPTIONS, GET, POST' : 'OPTIONS';
				response.writeHead(204, { 'access-control-allow-methods': methods }).end();
			});
			const [otherNode, free] = [taken(`${other}/webhook/orders`), taken(`${other}/webhook/free`)];
			const ofTest = taken(`${other}/webhook-test/orders`);
			const none = taken(`${other}/rest/orders`);
			expect(await states({}, other)).toEqual([
				[otherNode, 'otherNode', false],
				[free, 'orphan', false],
				[ofTest, 'orphan', false],
				[none, 'unknown', false],
			]);
			expect(calls).not.toHaveBeenCalled();
			hubble.world.main.webhooks.clear();
			await place({ base: 'http://127.0.0.1:1' }).activate();
			expect(await states({}, 'http://127.0.0.1:1')).toEqual([[only().webhook_id, 'unknown', false]]);
		});

		it('says what to do after a change of the public URL, whether the old one still answers or not', async () => {
			const node = place({ base: n8n.url });
			await node.activate();
			listening.add(node);
			const { items } = await check({ moveToNewUrl: true }, 'https://n8n.example.com');
			expect(items.map(({ json }) => [json.webhookId, json.state, json.deleted, json.moved])).toEqual([
				[only().webhook_id, 'oldUrl', false, false],
			]);
			expect(items[0]?.json.advice).toMatch(/^Not moved: no published Hubble Packet Trigger/);
		});

		it('moves a webhook to the new public URL where its trigger listens there, and it keeps its secret', async () => {
			const node = place({ base: 'https://old.example.com' });
			await node.activate();
			const before = { ...only() };
			expect(await states()).toEqual([[before.webhook_id, 'oldUrl', false]]);
			node.moveTo(n8n.url);
			// Nobody listens at the new URL, or somebody who does not know it.
			const stranger = place({ base: n8n.url, webhookId: node.webhookId, trigger: ofAnotherProcess() });
			for (const there of [undefined, stranger]) {
				listening.clear();
				if (there) listening.add(there);
				expect(await states({ moveToNewUrl: true })).toEqual([[before.webhook_id, 'oldUrl', false]]);
				expect(only()).toEqual(before);
			}
			listening.clear();
			listening.add(node);
			hubble.addFault({ call: 'updateWebhook', status: 404 });
			const gone = (await check({ moveToNewUrl: true })).items[0]?.json;
			expect([gone?.state, gone?.deleted, gone?.advice]).toEqual([
				'oldUrl',
				true,
				'It was deleted at Hubble meanwhile.',
			]);
			const url = `${n8n.url}/webhook/${node.webhookId}/webhook`;
			const { items } = await check({ moveToNewUrl: true });
			const advice = `The webhook was at ${before.url} and was moved to the new public URL. Its secret is the same.`;
			expect(items.map(({ json }) => json)).toMatchObject([
				{ url, state: 'listening', moved: true, deleted: false, advice },
			]);
			expect(only()).toEqual({ ...before, url });
			expect(await takes(node, 11)).toBe(true);
			expect(await states()).toEqual([[before.webhook_id, 'listening', false]]);
			// The next publication goes on with it.
			await node.activate();
			expect(only()).toEqual({ ...before, url });
			expect(await node.exists()).toBe(true);
			await node.remove();
			expect(all()).toEqual([]);
		});
	});

	describe('Hubble Webhook: Create', () => {
		it('says who uses both webhooks, with what Hubble said', async () => {
			const create = async () =>
				await execute({
					node: new HubbleWebhook(),
					parameters: { resource: 'webhook', operation: 'create', url: 'https://example.com/c' },
					credential: {
						apiToken: hubble.token,
						organizationId: hubble.organizationId,
						baseUrl: hubble.url.replace('127.0.0.1', 'localhost'),
						apiPaths: 'api',
					},
				});
			await place().activate();
			expect((await create()).items[0]?.json).toMatchObject({ url: 'https://example.com/c' });
			expect((await create()).error).toMatchObject({
				message:
					'Both webhooks are in use, by the workflow \'Receive\' and by "without a name" (https://example.com/c). Unpublish or delete one, or let one trigger receive for all workflows.',
				description: expect.stringContaining('X-Request-ID'),
			});
			hubble.addFault({ call: 'createWebhook', status: 400 });
			hubble.world.main.webhooks.clear();
			expect((await create()).error?.message).not.toContain('Both webhooks');
		});
	});

	describe('a test in the editor with the latest packets', () => {
		const latest = (more: IDataObject = {}) => ({ options: { testWith: 'latest' }, ...more });

		/** Waits for what the node sends to its own test URL after the hook; gives the items that it makes of it. */
		async function tested(node: Placed): Promise<IDataObject[]> {
			listening.add(node);
			const taken = new Promise<IDataObject[]>((done) => {
				const deliver = node.deliver;
				node.deliver = async (...call) => {
					const reply = await deliver(...call);
					if (reply.items.length) done(reply.items);
					return reply;
				};
			});
			await node.activate(true);
			return await taken;
		}

		it('sends them to the node itself, with a secret of its own, and asks Hubble for no webhook', async () => {
			taken('https://example.com/a');
			taken('https://example.com/b');
			const node = place({ base: n8n.url, parameters: latest() });
			const items = await tested(node);
			expect(items).toHaveLength(10);
			const newest = hubble.world.main.packets.get(99);
			expect(items[0]).toMatchObject({ deviceId: newest.device.id });
			expect(urls()).toEqual(['https://example.com/a', 'https://example.com/b']);
			await node.remove(true);
			expect(node.data()).toEqual({});
			expect(hubble.log.filter(({ path }) => path.includes('webhook'))).toEqual([]);
		});

		it('sends those that pass the filters, also with manual registration and without its secret', async () => {
			const { id } = hubble.world.main.packets.get(50).device;
			const filters = { devices: listed({ device: [{ deviceId: { __rl: true, mode: 'id', value: id } }] }) };
			const parameters = { options: { testWith: 'latest', registration: 'manual' }, triggerOn: 'batch', filters };
			const [item, ...more] = await tested(place({ base: n8n.url, parameters }));
			expect(more).toEqual([]);
			const packets = (item as { packets: IDataObject[] }).packets;
			expect(new Set(packets.map(({ deviceId }) => deviceId))).toEqual(new Set([id]));
		});

		it('sends them again until n8n has stored the secret, which it does after the hook', async () => {
			const node = place({ base: n8n.url, parameters: latest() });
			const { deliver } = node;
			let calls = 0;
			node.deliver = async (body, headers, more) => {
				const data = node.data();
				const { test } = data;
				if (headers?.['x-hubble-token'] !== undefined && (calls += 1) < 3) delete data.test;
				const reply = await deliver(body, headers, more);
				return Object.assign(data, { test }) && reply;
			};
			expect(await tested(node)).toHaveLength(10);
			expect(calls).toBe(3);
			await node.remove(true);
		}, 10_000);

		it('says what to do where no packet passes, and where n8n does not reach itself', async () => {
			const filters = { tags: ['site:nowhere'] };
			const nothing = place({ base: n8n.url, parameters: latest({ filters }) });
			await expect(nothing.activate(true)).rejects.toThrow(
				/^None of the latest packets passes the filters: .* 10,000 at most\. Change/,
			);
			await nothing.remove(true);
			const away = place({ base: 'http://127.0.0.1:9', parameters: latest() });
			await expect(away.activate(true)).rejects.toThrow(/^n8n cannot reach its own test URL http:.*N8N_WEBHOOK_URL/);
			await away.remove(true);
			expect(hubble.log.filter(({ path }) => path.includes('webhook'))).toEqual([]);
		});

		it('changes nothing of the published workflow', async () => {
			const node = place({ parameters: latest() });
			await node.activate();
			expect(await node.exists()).toBe(true);
			expect(await takes(node, 1)).toBe(true);
			// What a test left behind opens nothing to a delivery.
			node.data().test = fingerprint('of a test');
			expect(await takes(node, 2, 'of a test')).toBe(false);
			expect(await takes(node, 3)).toBe(true);
			delete node.data().test;
			await node.remove();
			expect(all()).toEqual([]);
		});
	});
});
