/** The whole trigger in n8n-core's own contexts: hooks against the simulator, deliveries by request and response. */
import { HookContext, WebhookContext } from 'n8n-core';
import {
	Workflow,
	type IDataObject,
	type INode,
	type INodeTypes,
	type IWebhookData,
	type IWebhookResponseData,
	type IWorkflowExecuteAdditionalData,
} from 'n8n-workflow';
import { createHmac, randomUUID } from 'node:crypto';
import { fingerprint } from '../../nodes/shared/webhook/verify';
import { HubbleGiftCardTrigger } from '../../nodes/HubbleGiftCardTrigger/HubbleGiftCardTrigger.node';
import { HubbleTrigger } from '../../nodes/HubbleTrigger/HubbleTrigger.node';
import { partnerEvents } from '../simulator/delivery';
import { startSimulator, type Simulator } from '../simulator/server';
import { TestCredentials } from './harness';

const triggers = { hubbleTrigger: new HubbleTrigger(), hubbleGiftCardTrigger: new HubbleGiftCardTrigger() };
const nodeTypes: INodeTypes = {
	getByName: (name) => triggers[name as keyof typeof triggers],
	getByNameAndVersion: (name) => triggers[name as keyof typeof triggers],
	getKnownTypes: () => ({}),
};
let hubble: Simulator;
const warnings: string[] = [];

beforeAll(async () => {
	hubble = await startSimulator({ packets: 100, devices: 10, limits: false });
});
afterAll(async () => await hubble.close());
beforeEach(() => {
	hubble.world.main.webhooks.clear();
	warnings.length = 0;
});

/** One activated node: a workflow of its own, with its static data, in the way n8n makes its contexts. */
function place(parameters: IDataObject, credential: IDataObject = {}, type: keyof typeof triggers = 'hubbleTrigger') {
	const trigger = triggers[type];
	const both = { hubbleApi: { id: '1', name: 'Hubble' }, hubblePartnerApi: { id: '2', name: 'Partner' } };
	const node: INode = {
		id: randomUUID(),
		name: 'Hubble Trigger',
		type,
		typeVersion: 2,
		position: [0, 0],
		parameters: parameters as INode['parameters'],
		webhookId: randomUUID(),
		credentials: both,
	};
	const id = randomUUID();
	const workflow = new Workflow({ id, name: 'Receive', nodes: [node], connections: {}, active: true, nodeTypes });
	const own = workflow.getNode('Hubble Trigger') as INode;
	const api = { apiToken: hubble.token, organizationId: hubble.organizationId, baseUrl: hubble.url, apiPaths: 'api' };
	const additionalData = (more: object = {}) =>
		({
			credentialsHelper: new TestCredentials({ ...api, ...credential } as never),
			...more,
		}) as unknown as IWorkflowExecuteAdditionalData;
	const webhookData = { webhookDescription: trigger.description.webhooks?.[0] } as IWebhookData;
	const hooks = trigger.webhookMethods.default;
	const logger = {
		value: { warn: (line: string) => warnings.push(line), error: (line: string) => warnings.push(line) },
	};
	let base = 'https://n8n.example.com';
	const hook = (isTest: boolean) => {
		const data = additionalData({ webhookBaseUrl: `${base}/webhook`, webhookTestBaseUrl: `${base}/webhook-test` });
		const [mode, activation] = isTest ? (['manual', 'manual'] as const) : (['trigger', 'activate'] as const);
		return Object.defineProperty(
			new HookContext(workflow, own, data, mode, activation, { ...webhookData, isTest }),
			'logger',
			logger,
		);
	};
	return {
		data: () => workflow.getStaticData('node', own),
		/** n8n gets another public URL. */
		moveTo(url: string) {
			base = url;
		},
		setParameters: (changed: IDataObject) => Object.assign(own.parameters, changed),
		exists: async (isTest = false) => await hooks.checkExists.call(hook(isTest)),
		create: async (isTest = false) => await hooks.create.call(hook(isTest)),
		remove: async (isTest = false) => await hooks.delete.call(hook(isTest)),
		/** n8n's own order at an activation. */
		async activate(isTest = false) {
			if (!(await hooks.checkExists.call(hook(isTest)))) await hooks.create.call(hook(isTest));
		},
		/** One delivery; n8n answers 200 to what starts a run, unless `endsWith` says how the run ended. */
		async deliver(body: unknown, headers: IDataObject = {}, more: IDataObject = {}) {
			const raw = typeof body === 'string' ? body : JSON.stringify(body);
			const answer = { status: 0, message: '' };
			const response = {
				writableEnded: false,
				statusCode: 200,
				status(code: number) {
					answer.status = code;
					return response;
				},
				json(content: { message: string }) {
					answer.message = content.message;
				},
			};
			const request = {
				headers: { 'content-type': 'application/json', ...headers },
				rawBody: Buffer.from(raw),
				body: typeof body === 'string' ? undefined : body,
				ip: '203.0.113.9',
				...more,
			};
			const data = additionalData({ httpRequest: request, httpResponse: response });
			const context = new WebhookContext(workflow, own, data, 'webhook', webhookData, [], null);
			Object.defineProperty(context, 'logger', logger);
			const result: IWebhookResponseData = await trigger.webhook.call(context);
			Object.assign(response, { writableEnded: true, statusCode: answer.status || Number(more.endsWith ?? 200) });
			return { ...answer, items: (result.workflowData?.[0] ?? []).map(({ json }) => json), result };
		},
	};
}

const placeGiftCards = (parameters: IDataObject, credential: IDataObject = {}) =>
	place(parameters, credential, 'hubbleGiftCardTrigger');

const packet = (i: number) => hubble.world.main.packets.get(i) as unknown as IDataObject;
const batch = (...indices: number[]) => ({ packets: indices.map(packet) });

describe('registration', () => {
	const automatic = { registration: 'automatic', maxBatchSize: 200 };
	const taken = (url: string, name = 'Elsewhere') => {
		const webhook_id = hubble.world.newId();
		hubble.world.main.webhooks.set(webhook_id, {
			webhook_id,
			org_id: hubble.organizationId,
			url,
			name,
			max_batch_size: 100,
			secret: 'theirs',
		});
		return webhook_id;
	};

	it('registers, is found again, follows the batch size and is removed', async () => {
		const node = place(automatic);
		await node.activate();
		const [webhook] = [...hubble.world.main.webhooks.values()];
		expect(webhook).toMatchObject({
			url: expect.stringMatching(/^https:\/\/n8n\.example\.com\/webhook\/.+/),
			max_batch_size: 200,
			name: 'n8n: Receive',
		});
		expect(node.data().endpoint).toEqual({
			id: webhook?.webhook_id,
			fingerprint: fingerprint(String(webhook?.secret)),
			at: expect.any(Number),
		});
		expect(await node.exists()).toBe(true);
		if (webhook) webhook.max_batch_size = 10;
		expect(await node.exists()).toBe(false);
		await node.create();
		expect([...hubble.world.main.webhooks.values()]).toEqual([{ ...webhook, max_batch_size: 200 }]);
		await node.remove();
		expect(hubble.world.main.webhooks.size).toBe(0);
		expect(node.data().endpoint).toBeUndefined();
	});

	it('replaces an endpoint at its URL whose secret is lost, and leaves others alone', async () => {
		const foreign = taken('https://example.com');
		const node = place(automatic);
		await node.activate();
		const [, { url, webhook_id }] = [...hubble.world.main.webhooks.values()] as [
			unknown,
			{ url: string; webhook_id: string },
		];
		await node.remove();
		taken(url, 'n8n: Receive');
		await node.activate();
		expect([...hubble.world.main.webhooks.values()].map((webhook) => webhook.url)).toEqual([
			'https://example.com',
			url,
		]);
		expect([...hubble.world.main.webhooks.keys()]).toContain(foreign);
		expect([...hubble.world.main.webhooks.keys()]).not.toContain(webhook_id);
	});

	it('names the others and what to do when both are taken, also for a test', async () => {
		taken('https://example.com/a', 'Warehouse');
		taken('https://example.com/b', '');
		const names = /"Warehouse" \(https:\/\/example\.com\/a\) and "without a name" \(https:\/\/example\.com\/b\)/;
		await expect(place(automatic).activate()).rejects.toThrow(names);
		await expect(place(automatic).activate()).rejects.toThrow(/publish again/);
		await expect(place(automatic).activate(true)).rejects.toThrow(/unpublish the workflow that uses one of them/);
		expect(hubble.world.main.webhooks.size).toBe(2);
	});

	it('takes a 404 at the removal for done, and any other failure for one', async () => {
		const node = place(automatic);
		await node.activate();
		hubble.addFault({ call: 'deleteWebhook', status: 403 });
		await expect(node.remove()).rejects.toThrow(/scope write-webhooks/);
		hubble.addFault({ call: 'deleteWebhook', status: 404 });
		expect(await node.remove()).toBe(true);
		expect(node.data().endpoint).toBeUndefined();
	});

	it('takes its endpoint along to another public URL of n8n, with the secret, also when both slots are taken', async () => {
		const node = place(automatic);
		await node.activate();
		const [before] = [...hubble.world.main.webhooks.values()];
		taken('https://example.com');
		node.moveTo('https://moved.example.com');
		expect(await node.exists()).toBe(false);
		await node.activate();
		expect(await node.exists()).toBe(true);
		const [ours, theirs] = [...hubble.world.main.webhooks.values()];
		expect(ours).toEqual({ ...before, url: String(before?.url).replace('n8n.example', 'moved.example') });
		expect(theirs?.url).toBe('https://example.com');
		expect((await node.deliver(batch(1), { 'x-hubble-token': before?.secret })).items).toHaveLength(1);
	});

	it('removes what stands at its URL under another ID too, except what was registered by hand', async () => {
		const node = place(automatic);
		await node.activate();
		const [{ url } = { url: '' }] = [...hubble.world.main.webhooks.values()];
		taken('https://example.com');
		hubble.world.main.webhooks.delete((node.data().endpoint as IDataObject).id as string);
		taken(url);
		await node.remove();
		expect([...hubble.world.main.webhooks.values()].map((webhook) => webhook.url)).toEqual(['https://example.com']);

		hubble.world.main.webhooks.clear();
		await node.activate();
		const byHand = taken(url);
		node.setParameters({ registration: 'manual' });
		await node.remove();
		expect([...hubble.world.main.webhooks.keys()]).toEqual([byHand]);
	});

	// A wait that is too long for us ends the tries at once; the pace of its own keeps it from the other tests.
	it.each([429, 503])('keeps a known endpoint when the look at it fails with %i', async (status) => {
		const node = place(automatic, { requestsPerSecond: status });
		await node.activate();
		hubble.addFault({ call: 'listWebhooks', status: 403 });
		await expect(node.exists()).rejects.toThrow(/read-webhooks/);
		hubble.addFault({ call: 'listWebhooks', status, headers: { 'retry-after': '301' } });
		expect(await node.exists()).toBe(true);
		expect(warnings).toEqual([expect.stringMatching(/^"Hubble Trigger" goes on with the webhook it has/)]);
	});

	it('keeps a known endpoint when Hubble gives no answer', async () => {
		const node = place(automatic);
		await node.activate();
		const away = place(automatic, { baseUrl: 'http://hubble.invalid' });
		away.data().endpoint = node.data().endpoint;
		expect(await away.exists()).toBe(true);
	});

	it('believes the static data when another process registered later', async () => {
		const node = place(automatic);
		await node.activate();
		const newer = { id: 'newer', fingerprint: fingerprint('newer'), at: Date.now() + 1 };
		node.data().endpoint = newer;
		expect((await node.deliver(batch(1), { 'x-hubble-token': 'newer' })).items).toHaveLength(1);
		expect(node.data().endpoint).toEqual(newer);
	});

	it('fails when Hubble refuses the registration', async () => {
		hubble.addFault({ call: 'createWebhook', status: 403 });
		await expect(place(automatic).activate()).rejects.toThrow(/write-webhooks \(webhooks:write\)/);
	});

	it('wants a secret for manual registration and for gift cards, and valid parameters', async () => {
		const manual = { registration: 'manual' };
		await expect(place(manual).activate()).rejects.toThrow("no 'Webhook Secret'");
		await expect(placeGiftCards({}).activate()).rejects.toThrow("no 'Webhook Secret'");
		await place(manual, { webhookSecret: 's' }).activate();
		expect(hubble.world.main.webhooks.size).toBe(0);
		await expect(place({ ...automatic, filters: { deviceIds: ['x'] } }).activate()).rejects.toThrow('"x" is not an ID');
		await expect(place({ ...automatic, maxBatchSize: 5 }).activate()).rejects.toThrow('10 to 1,000');
		const from = (allowedSenders: string) => placeGiftCards({ options: { allowedSenders } }, { webhookSecret: 's' });
		await expect(from('everybody').activate()).rejects.toThrow('"everybody" is neither');
		await expect(from(' , ').activate()).rejects.toThrow(
			'"Allowed Senders": it is empty; remove the option to allow all',
		);
	});

	it('keeps a new secret when static data of before come back', async () => {
		const node = place(automatic);
		await node.activate();
		const old = node.data().endpoint;
		await node.remove();
		await node.activate();
		const secret = [...hubble.world.main.webhooks.values()][0]?.secret;
		node.data().endpoint = old;
		expect((await node.deliver(batch(1), { 'x-hubble-token': secret })).items).toHaveLength(1);
		expect((node.data().endpoint as IDataObject).fingerprint).toBe(fingerprint(String(secret)));
	});
});

describe('packets', () => {
	const secret = { webhookSecret: 'right', nextWebhookSecret: ' next ' };
	const right = { 'http-x-hubble-token': 'right' };
	const manual = { registration: 'manual', simplify: false };

	it('takes either secret in either header, and gives one item per packet', async () => {
		const node = place(manual, secret);
		expect((await node.deliver(batch(0, 1), right)).items).toEqual([packet(0), packet(1)]);
		expect((await node.deliver(batch(2), { 'x-hubble-token': 'next' })).items).toEqual([packet(2)]);
		const both = { 'http-x-hubble-token': '', 'x-hubble-token': 'right' };
		expect((await node.deliver(batch(3), both)).items).toEqual([packet(3)]);
	});

	it.each([{}, { 'x-hubble-token': 'Right' }, { 'x-hubble-token': 'right ' }, { authorization: 'right' }])(
		'refuses %j',
		async (headers) => {
			expect(await place(manual, secret).deliver(batch(0), headers)).toMatchObject({
				status: 401,
				result: { noWebhookResponse: true },
				items: [],
			});
			expect(warnings).toEqual([]);
		},
	);

	it('refuses everything while no secret is known', async () => {
		expect(await place({ ...manual, registration: 'automatic' }).deliver(batch(0), right)).toMatchObject({
			status: 401,
			items: [],
		});
		expect(await place(manual).deliver(batch(0), { 'x-hubble-token': '' })).toMatchObject({ status: 401, items: [] });
	});

	it.each<[string, unknown, IDataObject, number]>([
		['another content type', { packets: [{}] }, { 'content-type': 'text/plain' }, 415],
		['no body', '', {}, 400],
		['a list', [1], {}, 400],
		['no packets', {}, {}, 400],
		['packets that are no list', { packets: {} }, {}, 400],
		['a packet that is none', { packets: [{ device: {} }] }, {}, 400],
		['an infinite number', { packets: [{ device: { id: 'a', payload: '', timestamp: 1, rssi: Infinity } }] }, {}, 400],
		['a time beyond all dates', { packets: [{ device: { id: 'a', payload: '', timestamp: 1e300 } }] }, {}, 400],
		['JSON nested too deep', { packets: [JSON.parse('['.repeat(100) + ']'.repeat(100))] }, {}, 400],
	])('answers %s with a 4xx and starts nothing', async (_, body, headers, status) => {
		const answered = await place(manual, secret).deliver(body, { ...right, ...headers });
		expect(answered).toMatchObject({ status, items: [] });
		expect(warnings).toEqual([`"Hubble Trigger" refused a delivery with ${status}: ${answered.message}`]);
	});

	it('answers an empty batch, as Hubble sends it to try a receiver, with 200 and starts nothing', async () => {
		const node = place(manual, secret);
		expect(await node.deliver({ packets: [] }, right)).toMatchObject({ status: 0, items: [], result: {} });
		expect(await node.deliver({ packets: [] }, { 'x-hubble-token': 'wrong' })).toMatchObject({ status: 401 });
		expect(warnings).toEqual([]);
	});

	it('gives the good packets of a delivery with odd ones, and says how many it dropped', async () => {
		const { device } = packet(0) as { device: IDataObject };
		const odd = [
			{},
			null,
			{ device: { ...device, rssi: Infinity } },
			{ device: { ...device, sequence_number: 'private' } },
		];
		const { items } = await place(manual, secret).deliver({ packets: [packet(0), ...odd, packet(1)] }, right);
		expect(items).toEqual([packet(0), packet(1)]);
		expect(warnings).toEqual([expect.stringContaining('"Hubble Trigger" dropped 4 of the 6 packets')]);
		expect(warnings.join()).not.toContain('private');
	});

	it('answers a body beyond the limit with 413', async () => {
		const more = { rawBody: { length: 17 * 1024 * 1024 } };
		expect(await place(manual, secret).deliver(batch(0), right, more)).toMatchObject({ status: 413, items: [] });
	});

	it('gives simplified packets, one item per delivery, and the nested shape of a flat packet', async () => {
		const { items } = await place({ ...manual, simplify: true, triggerOn: 'batch' }, secret).deliver(
			batch(0, 1),
			right,
		);
		expect(items).toEqual([
			{ packets: [expect.objectContaining({ deviceId: expect.any(String) }), expect.anything()] },
		]);
		const flat = {
			packets: [
				{ device_id: 'device123', payload: 'SGVsbG8gV29ybGQ=', timestamp: '2024-01-15T10:30:00Z', metadata: {} },
			],
		};
		expect((await place(manual, secret).deliver(flat, right)).items).toEqual([
			{ device: { id: 'device123', payload: 'SGVsbG8gV29ybGQ=', timestamp: '2024-01-15T10:30:00Z' } },
		]);
	});

	it('filters, and starts nothing when nothing is left', async () => {
		const { id } = packet(3).device as IDataObject;
		const node = place({ ...manual, filters: { deviceIds: [id] } }, secret);
		expect((await node.deliver(batch(2, 3), right)).items).toEqual([packet(3)]);
		expect(await node.deliver(batch(4), right)).toMatchObject({ status: 0, items: [], result: {} });
	});

	it('decodes payloads as the other packet nodes do', async () => {
		const node = place({ ...manual, decodePayload: 'hex' }, secret);
		const { device } = packet(3) as { device: { payload: string } };
		const [item] = (await node.deliver(batch(3), right)).items as IDataObject[];
		expect(item?.decoded).toBe(Buffer.from(device.payload, 'base64').toString('hex'));
	});

	it('takes a batch once, in whatever order its packets come', async () => {
		const node = place(manual, secret);
		expect((await node.deliver(batch(5, 6), right)).items).toHaveLength(2);
		expect(await node.deliver(batch(6, 5), right)).toMatchObject({ status: 0, items: [] });
		expect((await node.deliver(batch(5, 7), right)).items).toHaveLength(2);
	});

	it('takes a batch again whose run failed', async () => {
		const node = place({ ...manual, acknowledge: 'lastNode' }, secret);
		expect((await node.deliver(batch(8), right, { endsWith: 500 })).items).toHaveLength(1);
		expect((await node.deliver(batch(8), right)).items).toHaveLength(1);
		expect((await node.deliver(batch(8), right)).items).toHaveLength(0);
	});

	it('puts no header and no secret into items or answers, and never throws', async () => {
		const node = place(manual, secret);
		const answers = [
			await node.deliver(batch(9), right),
			await node.deliver(batch(9), { 'x-hubble-token': 'wrong-one' }),
		];
		expect(JSON.stringify(answers)).not.toMatch(/right|next|wrong-one|token/i);
		const broken = place({ ...manual, filters: { tags: ['broken'] } }, secret);
		expect(await broken.deliver(batch(0), right)).toMatchObject({ status: 503, items: [] });
	});
});

describe('gift-card events', () => {
	const key = { webhookSecret: 'partner', nextWebhookSecret: 'soon' };
	const all = { events: [...Object.keys(partnerEvents), 'unrecognized'] };
	const sign = (body: unknown, by = 'partner') => ({
		'x-verify': createHmac('sha256', by).update(JSON.stringify(body)).digest('base64'),
	});

	it.each(Object.entries(partnerEvents))('recognizes %s', async (event, data) => {
		const { items } = await placeGiftCards(all, key).deliver(data, sign(data));
		expect(items).toEqual([{ event, data, receivedAt: expect.stringMatching(/^\d{4}-.*Z$/) }]);
	});

	it('takes the next secret, refuses others, and looks at the raw bytes', async () => {
		const event = { balance: 1, threshold: 2 };
		expect((await placeGiftCards(all, key).deliver(event, sign(event, 'soon'))).items).toHaveLength(1);
		expect(await placeGiftCards(all, key).deliver(event, sign(event, 'other'))).toMatchObject({
			status: 401,
			items: [],
		});
		expect(await placeGiftCards(all, key).deliver(event, {})).toMatchObject({ status: 401 });
		const reformatted = { rawBody: Buffer.from(JSON.stringify(event, null, 1)) };
		expect(await placeGiftCards(all, key).deliver(event, sign(event), reformatted)).toMatchObject({ status: 401 });
	});

	it('reads the bytes itself where n8n did not, and survives that they cannot be read', async () => {
		const event = { balance: 1, threshold: 2 };
		const headers = { ...sign(event), 'content-type': 'application/octet-stream' };
		const unread = { rawBody: undefined, body: undefined };
		async function readRawBody(this: IDataObject) {
			this.rawBody = Buffer.from(JSON.stringify(event)) as never;
		}
		const readBroken = () => Promise.reject(new Error('aborted'));
		expect(await placeGiftCards(all, key).deliver(event, headers, { ...unread, readRawBody } as never)).toMatchObject({
			status: 415,
		});
		expect(
			await placeGiftCards(all, key).deliver(event, headers, { ...unread, readRawBody: readBroken } as never),
		).toMatchObject({ status: 400 });
	});

	it('gives deprecated amounts under their new names too', async () => {
		const event = {
			id: 'b',
			denominationType: 'FLEXIBLE',
			amountRestrictions: { minAmount: 5, maxAmount: 9, maxOrderAmount: 8 },
		};
		const [item] = (await placeGiftCards(all, key).deliver(event, sign(event))).items;
		expect((item?.data as IDataObject).amountRestrictions).toEqual({
			minAmount: 5,
			maxAmount: 9,
			minOrderAmount: 5,
			maxOrderAmount: 8,
		});
	});

	it.each([
		{ id: 7, denominationType: 'FIXED' },
		{ balance: '1', threshold: 2 },
		{ id: 'order', status: ['SUCCESS'] },
		{ brandId: 'b', subventionPercentage: '8' },
		{ amountRestrictions: [{ minAmount: 5 }] },
	])('takes %j for unrecognized, and leaves it as it is', async (data) => {
		expect((await placeGiftCards(all, key).deliver(data, sign(data))).items).toEqual([
			expect.objectContaining({ event: 'unrecognized', data }),
		]);
	});

	it('takes one event that an expression names', async () => {
		const { walletLowBalance } = partnerEvents;
		const node = placeGiftCards({ ...all, events: 'walletLowBalance' }, key);
		expect((await node.deliver(walletLowBalance, sign(walletLowBalance))).items).toHaveLength(1);
		const [order, wide] = [
			{ id: 'o', status: 'SUCCESS' },
			placeGiftCards({ ...all, events: 'orderTerminalStates' }, key),
		];
		expect((await wide.deliver(order, sign(order))).items).toEqual([]);
	});

	it('starts only chosen events, and never drops an unrecognized one silently', async () => {
		const node = placeGiftCards({ ...all, events: ['brandUpdated'] }, key);
		const [order, odd] = [partnerEvents.orderTerminalState, { shape: 'new', pin: 'confidential' }];
		expect(await node.deliver(order, sign(order))).toMatchObject({ status: 0, items: [] });
		expect(await node.deliver(odd, sign(odd))).toMatchObject({ status: 0, items: [] });
		expect(warnings).toEqual([expect.stringContaining('shape, pin')]);
		expect(warnings.join()).not.toContain('confidential');
		expect((await placeGiftCards(all, key).deliver(odd, sign(odd))).items).toEqual([
			expect.objectContaining({ event: 'unrecognized', data: odd }),
		]);
	});

	it('takes every event, also one that came before', async () => {
		const node = placeGiftCards(all, key);
		const event = { balance: 3, threshold: 4 };
		for (let i = 0; i < 3; i++) expect((await node.deliver(event, sign(event))).items).toHaveLength(1);
		expect(warnings).toEqual([]);
	});

	it.each<[string, IDataObject[], number[]]>([
		[
			'a repeat of the latest',
			[
				{ balance: 3, threshold: 4 },
				{ balance: 3, threshold: 4 },
			],
			[1, 0],
		],
		[
			'a brand that goes back to what it was',
			['INACTIVE', 'ACTIVE', 'INACTIVE', 'INACTIVE'].map((status) => ({ id: 'b', denominationType: 'FIXED', status })),
			[1, 1, 1, 0],
		],
		[
			'a discount that goes back to what it was',
			[8, 10, 8].map((subventionPercentage) => ({ brandId: 'b', subventionPercentage })),
			[1, 1, 1],
		],
		[
			'events of other subjects in between',
			['a', 'b', 'a', 'b'].map((brandId) => ({ brandId, subventionPercentage: 8 })),
			[1, 1, 0, 0],
		],
	])('on demand ignores only repeats of the latest event: %s', async (_, events, counts) => {
		const node = placeGiftCards({ ...all, options: { ignoreRepeatsWithin: 5 } }, key);
		const started: number[] = [];
		for (const event of events) started.push((await node.deliver(event, sign(event))).items.length);
		expect(started).toEqual(counts);
		expect(warnings).toHaveLength(counts.filter((count) => count === 0).length);
		for (const line of warnings) expect(line).toMatch(/ignored a repeat of the latest event "\w+" .* within 5 minutes/);
	});

	it('takes a repeat again when the window is over, and refuses a window that is none', async () => {
		const event = { balance: 3, threshold: 4 };
		const node = placeGiftCards({ ...all, options: { ignoreRepeatsWithin: 5 } }, key);
		await node.deliver(event, sign(event));
		const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 7 * 60_000);
		expect((await node.deliver(event, sign(event))).items).toHaveLength(1);
		now.mockRestore();
		const none = placeGiftCards({ ...all, options: { ignoreRepeatsWithin: 0 } }, key);
		await expect(none.activate()).rejects.toThrow('it takes 1 to 1,440 minutes');
	});

	it('takes events from allowed senders only', async () => {
		const event = { balance: 5, threshold: 6 };
		const node = placeGiftCards({ ...all, options: { allowedSenders: '203.0.113.0/24' } }, key);
		expect(await node.deliver(event, sign(event), { ip: '198.51.100.1' })).toMatchObject({ status: 403, items: [] });
		expect(warnings).toEqual(['"Hubble Trigger" refused a delivery with 403: The sender 198.51.100.1 is not allowed.']);
		expect((await node.deliver(event, sign(event), { ip: '::ffff:203.0.113.9' })).items).toHaveLength(1);
	});
});
