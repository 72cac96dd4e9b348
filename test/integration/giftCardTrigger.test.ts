/** What the gift-card trigger makes of a delivery. */
import { createHmac } from 'node:crypto';
import { WebhookContext } from 'n8n-core';
import type { IDataObject } from 'n8n-workflow';
import { HubbleGiftCardTrigger } from '../../nodes/HubbleGiftCardTrigger/HubbleGiftCardTrigger.node';
import { partnerEvents } from '../simulator/delivery';
import { startSimulator, type Simulator } from '../simulator/server';
import { triggerStage } from './placeTrigger';
import { withEachClock } from './pollContext';

const trigger = new HubbleGiftCardTrigger();
let hubble: Simulator;
const warnings: string[] = [];

beforeAll(async () => {
	hubble = await startSimulator({ packets: 1, devices: 1, limits: false });
});
afterAll(async () => await hubble.close());
beforeEach(() => warnings.splice(0));

const place = (parameters: IDataObject, credential: IDataObject = {}) =>
	triggerStage(hubble, warnings).place({ trigger, parameters, credential });

withEachClock(Date.now, () => {
	describe('gift-card events', () => {
		const key = { webhookSecret: 'partner', nextWebhookSecret: 'soon' };
		const all = { events: [...Object.keys(partnerEvents), 'unrecognized'] };
		const sign = (body: unknown, by = 'partner') => ({
			'x-verify': createHmac('sha256', by).update(JSON.stringify(body)).digest('base64'),
		});

		it.each(Object.entries(partnerEvents))('recognizes %s', async (event, data) => {
			const { items } = await place(all, key).deliver(data, sign(data));
			expect(items).toEqual([{ event, data, receivedAt: expect.stringMatching(/^\d{4}-.*Z$/) }]);
		});

		it.each([
			{},
			{ webhookSecret: 'partner' },
			{ webhookSecret: 'partner', nextWebhookSecret: ' ' },
			{ webhookSecret: '  ' },
		])('P18: takes nothing that is signed with an empty key: %j', async (secrets) => {
			const event = { balance: 1, threshold: 2 };
			const node = place(all, { webhookSecret: '', nextWebhookSecret: '', ...secrets });
			expect(await node.deliver(event, sign(event, ''))).toMatchObject({ status: 401, items: [] });
		});

		it('P18: takes the next secret, refuses others, and looks at the raw bytes', async () => {
			const event = { balance: 1, threshold: 2 };
			expect((await place(all, key).deliver(event, sign(event, 'soon'))).items).toHaveLength(1);
			expect(await place(all, key).deliver(event, sign(event, 'other'))).toMatchObject({
				status: 401,
				items: [],
			});
			expect(await place(all, key).deliver(event, {})).toMatchObject({ status: 401 });
			const reformatted = { rawBody: Buffer.from(JSON.stringify(event, null, 1)) };
			expect(await place(all, key).deliver(event, sign(event), reformatted)).toMatchObject({ status: 401 });
		});

		it('reads the bytes itself where n8n did not, and survives that they cannot be read', async () => {
			const event = { balance: 1, threshold: 2 };
			const headers = { ...sign(event), 'content-type': 'application/octet-stream' };
			const unread = { rawBody: undefined, body: undefined };
			async function readRawBody(this: IDataObject) {
				this.rawBody = Buffer.from(JSON.stringify(event)) as never;
			}
			const readBroken = () => Promise.reject(new Error('aborted'));
			expect(await place(all, key).deliver(event, headers, { ...unread, readRawBody } as never)).toMatchObject({
				status: 415,
			});
			expect(
				await place(all, key).deliver(event, headers, { ...unread, readRawBody: readBroken } as never),
			).toMatchObject({ status: 400 });
		});

		it('gives deprecated amounts under their new names too', async () => {
			const event = {
				id: 'b',
				denominationType: 'FLEXIBLE',
				amountRestrictions: { minAmount: 5, maxAmount: 9, maxOrderAmount: 8 },
			};
			const [item] = (await place(all, key).deliver(event, sign(event))).items;
			expect((item?.data as IDataObject).amountRestrictions).toEqual({
				minAmount: 5,
				maxAmount: 9,
				minOrderAmount: 5,
				maxOrderAmount: 8,
			});
		});

		it.each([
			[
				'{"balance":12345678901234567890,"threshold":2}',
				{ balance: '12345678901234567890', threshold: 2 },
				'walletLowBalance',
			],
			[
				'{"id":"o","status":"SUCCESS","ref":-9007199254740993,"n":9007199254740991,"f":0.1234567890123456,"e":1e20}',
				{
					id: 'o',
					status: 'SUCCESS',
					ref: '-9007199254740993',
					n: 9007199254740991,
					f: 0.1234567890123456,
					e: 1e20,
				},
				'orderTerminalState',
			],
			[
				String.raw`{"id":"o \"9007199254740993, \\","status":"FAILED","list":[9007199254740993]}`,
				{ id: 'o "9007199254740993, \\', status: 'FAILED', list: ['9007199254740993'] },
				'orderTerminalState',
			],
			[
				'{"id":"o\uFEFF","status":"X","ref":12345678901234567890,"f":0.12345678901234567890,"e":1e-9999999999999999,"z":0e9999999999999999}',
				{ id: 'o\uFEFF', status: 'X', ref: '12345678901234567890', f: 0.12345678901234568, e: 0, z: 0 },
				'orderTerminalState',
			],
		])('keeps the digits of integers: %s', async (raw, data, event) => {
			const headers = { 'x-verify': createHmac('sha256', 'partner').update(raw).digest('base64') };
			const { items } = await place(all, key).deliver(raw, headers, { body: JSON.parse(raw) as IDataObject });
			expect(items).toEqual([expect.objectContaining({ event, data })]);
		});

		it.each<[string, IDataObject]>([
			['orderTerminalState', { id: 'o', status: 'EXPIRED' }],
			['orderTerminalState', { id: 'o', status: 'PARTIALLY_REVERSED', reversedAmount: '50', vouchers: [] }],
			['orderTerminalState', { orderId: 'o', status: 'SUCCESS' }],
			['orderTerminalState', { orderId: 12, orderStatus: 'A_STATE_OF_TOMORROW' }],
			['walletLowBalance', { balance: '49.50', threshold: '100', currency: 'INR' }],
			['brandUpdated', { id: 7, denominationType: 'FIXED' }],
			['brandUpdated', { id: 'b', status: 'INACTIVE' }],
			['brandUpdated', { id: 'b', status: 'ACTIVE' }],
			['brandUpdated', { id: 'b', amountRestrictions: { minOrderAmount: '5' } }],
			['brandDiscountUpdated', { brandId: 'b', subventionPercentage: '8' }],
			['sdkTransaction', { transactionReferenceId: 't', orderStatus: 'PENDING_REVIEW', amount: '500' }],
			['sdkTransaction', { transactionReferenceId: 9007199, orderStatus: null }],
		])('%s is known by what it has: %j', async (event, data) => {
			const chosen = place({ ...all, events: [event] }, key);
			expect((await chosen.deliver(data, sign(data))).items).toEqual([
				expect.objectContaining({ event, data: expect.objectContaining(data) as unknown }),
			]);
		});

		it.each([
			{ id: 'order', status: ['SUCCESS'] },
			{ id: '', status: 'SUCCESS' },
			{ brandId: 'b' },
			{ subventionPercentage: 5 },
			{ balance: 'much', threshold: 2 },
			{ amountRestrictions: [{ minAmount: 5 }] },
		])('takes %j for unrecognized, and leaves it as it is', async (data) => {
			expect((await place(all, key).deliver(data, sign(data))).items).toEqual([
				expect.objectContaining({ event: 'unrecognized', data }),
			]);
		});

		it('refuses a number that is too large, and names twenty fields of an event at most', async () => {
			const raw = '{"balance":1e400,"threshold":2}';
			const headers = { 'x-verify': createHmac('sha256', 'partner').update(raw).digest('base64') };
			const { status, message } = await place(all, key).deliver(raw, headers, { body: JSON.parse(raw) as IDataObject });
			expect([status, message]).toEqual([
				400,
				'The body contains a number that is too large, or is nested too deeply.',
			]);
			warnings.splice(0);
			const wide = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`f${index}`, 1]));
			await place({ events: ['brandUpdated'] }, key).deliver(wide, sign(wide));
			expect(warnings).toEqual([expect.stringMatching(/: f0, .*, f19$/)]);
		});

		it.each([
			[{ events: [] }, '"Events": choose at least one'],
			[{ ...all, options: { allowedSenders: ' , ' } }, '"Allowed Senders" is empty; remove the option to allow all'],
			[{ ...all, options: { allowedSenders: '={{ undefined }}' } }, '"Allowed Senders" is empty; remove the option'],
			[{ ...all, options: { allowedSenders: 'hubble' } }, '"Allowed Senders": "hubble" is neither an IP address'],
		])('is not published with %j', async (parameters, reason) => {
			await expect(place(parameters, key).exists()).rejects.toThrow(reason);
		});

		it('says whose secret to look at where a delivery cannot be verified', async () => {
			await place(all, key).deliver({}, {});
			expect(warnings).toEqual([
				expect.stringContaining(
					'compare the Webhook Secret in the credential with the one agreed with Hubble for this environment.',
				),
			]);
		});

		it('takes one event that an expression names', async () => {
			const { walletLowBalance } = partnerEvents;
			const node = place({ ...all, events: 'walletLowBalance' }, key);
			expect((await node.deliver(walletLowBalance, sign(walletLowBalance))).items).toHaveLength(1);
			const [order, wide] = [{ id: 'o', status: 'SUCCESS' }, place({ ...all, events: 'orderTerminalStates' }, key)];
			expect((await wide.deliver(order, sign(order))).items).toEqual([]);
		});

		it('starts only chosen events, and never drops an unrecognized one silently', async () => {
			const node = place({ ...all, events: ['brandUpdated'] }, key);
			const [order, odd] = [partnerEvents.orderTerminalState, { shape: 'new', pin: 'confidential' }];
			expect(await node.deliver(order, sign(order))).toMatchObject({ status: 0, items: [] });
			expect(await node.deliver(odd, sign(odd))).toMatchObject({ status: 0, items: [] });
			expect(warnings).toEqual([expect.stringContaining('shape, pin')]);
			expect(warnings.join()).not.toContain('confidential');
			expect((await place(all, key).deliver(odd, sign(odd))).items).toEqual([
				expect.objectContaining({ event: 'unrecognized', data: odd }),
			]);
		});

		it('P18: refuses everything while the credential has no secret', async () => {
			const event = { balance: 1, threshold: 2 };
			for (const headers of [{}, { 'x-verify': '' }, { 'x-verify': 'AA==' }])
				expect(await place(all, {}).deliver(event, headers)).toMatchObject({ status: 401, items: [] });
		});

		it('P18: takes every event, also one that came before', async () => {
			const node = place(all, key);
			const event = { balance: 3, threshold: 4 };
			for (let i = 0; i < 3; i++) expect((await node.deliver(event, sign(event))).items).toHaveLength(1);
			expect(warnings).toEqual([]);
		});

		it.each([
			['a byte order mark', '\uFEFF', 'utf8'],
			['UTF-16', '', 'utf16le'],
			['UTF-16 with its mark', '\uFEFF', 'utf16le'],
			['Latin-1', '', 'latin1'],
		] as const)('reads a signed event with %s, with all digits', async (_, mark, encoding) => {
			const text = '{"id":"ö","status":"SUCCESS","ref":12345678901234567890}';
			const rawBody = Buffer.from(mark + text, encoding);
			const headers = {
				'content-type': `application/json; charset=${encoding}`,
				'x-verify': createHmac('sha256', 'partner').update(rawBody).digest('base64'),
			};
			// As n8n reads it.
			const more = { rawBody, encoding, body: JSON.parse(text) as IDataObject };
			expect((await place(all, key).deliver('', headers, more as never)).items).toEqual([
				expect.objectContaining({ data: { id: 'ö', status: 'SUCCESS', ref: '12345678901234567890' } }),
			]);
		});

		it('writes one line a minute about foreign senders, and about a credential that cannot be read', async () => {
			const event = { balance: 5, threshold: 6 };
			const now = jest.spyOn(performance, 'now');
			const node = place({ ...all, options: { allowedSenders: '203.0.113.0/24' } }, key);
			const failing = place(all, key);
			const credentials = jest.spyOn(WebhookContext.prototype, 'getCredentials');
			credentials.mockRejectedValue(new Error('unreadable'));
			for (const [minute, calls] of [3, 1].entries()) {
				now.mockReturnValue(minute * 60_000);
				for (let i = 0; i < calls; i++) {
					await node.deliver(event, sign(event), { ip: '198.51.100.1' });
					expect(await failing.deliver(event, sign(event))).toMatchObject({ status: 503 });
				}
			}
			jest.restoreAllMocks();
			expect(warnings).toEqual([
				'"Hubble Packet Trigger" refused a delivery with 403: The sender 198.51.100.1 is not allowed.',
				'"Hubble Packet Trigger" could not accept a delivery from Hubble: unreadable',
				'"Hubble Packet Trigger" refused 3 deliveries since the last message about it with 403: The sender 198.51.100.1 is not allowed.',
				'"Hubble Packet Trigger" could not accept 3 deliveries since the last message about it from Hubble: unreadable',
			]);
		});

		it('takes no event where an expression gives no sender', async () => {
			const event = { balance: 7, threshold: 8 };
			const node = place({ ...all, options: { allowedSenders: '={{ undefined }}' } }, key);
			expect(await node.deliver(event, sign(event))).toMatchObject({ status: 503, items: [] });
		});

		it('takes events from allowed senders only', async () => {
			const event = { balance: 5, threshold: 6 };
			const node = place({ ...all, options: { allowedSenders: '203.0.113.0/24' } }, key);
			expect(await node.deliver(event, sign(event), { ip: '198.51.100.1' })).toMatchObject({ status: 403, items: [] });
			expect(warnings).toEqual([
				'"Hubble Packet Trigger" refused a delivery with 403: The sender 198.51.100.1 is not allowed.',
			]);
			expect((await node.deliver(event, sign(event), { ip: '::ffff:203.0.113.9' })).items).toHaveLength(1);
		});
	});
});
