/** What becomes of a delivery that comes again, by how n8n answered the one before. */
import type { IDataObject } from 'n8n-workflow';
import { HubbleGiftCardTrigger } from '../../nodes/HubbleGiftCardTrigger/HubbleGiftCardTrigger.node';
import { HubblePacketTrigger } from '../../nodes/HubblePacketTrigger/HubblePacketTrigger.node';
import { createHmac } from 'node:crypto';
import { startSimulator, type Simulator } from '../simulator/server';
import { n8nLine } from './n8nLine';
import { triggerStage } from './placeTrigger';
import { withEachClock } from './pollContext';

let hubble: Simulator;
const hubbleNow = Date.now;
const HOUR = 3600;

beforeAll(async () => {
	hubble = await startSimulator({ packets: 100, devices: 10, limits: false });
});
afterAll(async () => await hubble.close());
afterEach(() => {
	n8nLine.is1 = false;
});

const right = { 'x-hubble-token': 'right' };
const batch = (...indices: number[]) => ({ packets: indices.map((i) => hubble.world.main.packets.get(i)) });

function place(options: IDataObject = {}) {
	const stage = triggerStage(hubble, []);
	return stage.place({
		trigger: new HubblePacketTrigger(),
		parameters: { options: { registration: 'manual', ...options } },
		credential: { webhookSecret: 'right' },
	});
}

withEachClock(hubbleNow, () => {
	it('P4: a repeat is refused while the first one runs, starts nothing afterwards', async () => {
		const node = place();
		const first = await node.deliver(batch(5, 6), right, { isRunning: true });
		expect(first.items).toHaveLength(2);
		expect(await node.deliver(batch(5, 6), right)).toMatchObject({ status: 503, items: [] });
		first.finish();
		expect(await node.deliver(batch(5, 6), right)).toMatchObject({ status: 0, sent: 200, items: [], result: {} });
		expect((await node.deliver(batch(5, 7), right)).items).toHaveLength(2);
	});

	it('two packets of one second without a number are two, unless they say the same', async () => {
		const node = place();
		const of = (payload: string) => ({ packets: [{ device: { id: 'd', payload, timestamp: hubbleNow() / 1000 } }] });
		const [first, second] = [of('AAAA'), of('AQID')];
		for (const one of [first, second]) expect((await node.deliver(one, right)).items).toHaveLength(1);
		for (const one of [first, second]) expect((await node.deliver(one, right)).items).toHaveLength(0);
	});

	it('nothing of it is in the static data, which n8n would save', async () => {
		const node = place();
		const before = node.stored();
		await node.deliver(batch(1, 2), right);
		expect(node.stored()).toEqual(before);
	});

	it('P2: a delivery whose run failed may come again', async () => {
		const node = place({ acknowledge: 'lastNode' });
		for (let i = 0; i < 2; i++)
			expect((await node.deliver(batch(8, 9), right, { endsWith: 500 })).items).toHaveLength(2);
		expect((await node.deliver(batch(8, 9), right)).items).toHaveLength(2);
		expect((await node.deliver(batch(8, 9), right)).items).toHaveLength(0);
	});

	it.each([
		['a remark in the place of a run', 'lastNode', { message: 'Workflow executed successfully but …' }, 200, 503, 1],
		['the end of a run', 'lastNode', undefined, 200, 200, 0],
		['an error', 'lastNode', { message: 'Error in workflow' }, 500, 500, 1],
		['a word of its own, at once', 'onReceived', { message: 'Workflow was started' }, 200, 200, 0],
	])('n8n answers with %s (%s)', async (_, acknowledge, remark, endsWith, sent, again) => {
		const node = place({ acknowledge });
		const first = await node.deliver(batch(3, 4), right, { endsWith, ...(remark && { remark }) });
		expect(first.items).toHaveLength(2);
		const second = await node.deliver(batch(3, 4), right);
		expect(second.items).toHaveLength(2 * again);
		// What went out, not what n8n meant to send.
		expect(first.sent).toBe(sent);
	});

	it('a remark is refused for gift-card events too', async () => {
		const event = { balance: 1, threshold: 2 };
		const signed = { 'x-verify': createHmac('sha256', 'right').update(JSON.stringify(event)).digest('base64') };
		const node = triggerStage(hubble, []).place({
			trigger: new HubbleGiftCardTrigger(),
			parameters: { events: ['walletLowBalance'], options: { acknowledge: 'lastNode' } },
			credential: { webhookSecret: 'right' },
		});
		expect((await node.deliver(event, signed, { remark: { message: 'not run' } })).sent).toBe(503);
	});

	it('n8n 1 is answered by the node, unless it is to wait for the run', async () => {
		n8nLine.is1 = true;
		const atOnce = place();
		for (const isTest of [false, true])
			expect(await atOnce.deliver(batch(5, 6), right, { isTest, isRunning: true })).toMatchObject({
				items: [{}, {}],
				ended: 1,
				sent: 200,
				result: { noWebhookResponse: true },
			});
		const again = await atOnce.deliver(batch(5, 6), right);
		expect(again).toMatchObject({ items: [], sent: 200, result: {} });
		const waiting = place({ acknowledge: 'lastNode' });
		const first = await waiting.deliver(batch(5, 6), right, { isRunning: true });
		expect(first).toMatchObject({ items: [{}, {}], ended: 0 });
		expect(first.result.noWebhookResponse).toBeUndefined();
		expect(await waiting.deliver(batch(5, 6), right)).toMatchObject({ status: 503, items: [] });
	});

	it('a test run is made each time, and is not remembered', async () => {
		const node = place();
		for (let i = 0; i < 2; i++)
			expect((await node.deliver(batch(1, 2), right, { isTest: true })).items).toHaveLength(2);
		expect((await node.deliver(batch(1, 2), right)).items).toHaveLength(2);
		expect((await node.deliver(batch(1, 2), right)).items).toHaveLength(0);
		expect((await node.deliver(batch(1, 2), right, { isTest: true })).items).toHaveLength(2);
	});

	it("Hubble's example, one packet of long ago, starts the workflow each time; a fresh packet does once", async () => {
		const node = place();
		const example = (age: number) => {
			const device = { id: 'example', payload: 'aGVsbG8=', timestamp: hubbleNow() / 1000 - age };
			return { packets: [{ device }] };
		};
		const [constant, fresh] = [example(30 * HOUR + 60), example(18 * HOUR - 60)];
		for (let i = 0; i < 2; i++) expect((await node.deliver(constant, right)).items).toHaveLength(1);
		for (const times of [1, 0]) expect((await node.deliver(fresh, right)).items).toHaveLength(times);
		const two = { packets: [...constant.packets, ...constant.packets] };
		for (const times of [2, 0]) expect((await node.deliver(two, right)).items).toHaveLength(times);
	});
});
