/** The Hubble Gift Card node in n8n's engine, against the partner simulator: money is spent exactly once. */
import type { IDataObject } from 'n8n-workflow';
import { HubbleGiftCard } from '../../nodes/HubbleGiftCard/HubbleGiftCard.node';
import { startPartnerSimulator, type PartnerFault, type PartnerSimulator } from '../simulator/partner';
import { execute, type Setup } from './harness';

let partner: PartnerSimulator;
beforeEach(async () => {
	partner = await startPartnerSimulator();
});
afterEach(async () => await partner.close());

const customer = { customerName: 'Asha', customerPhone: '+919812345678', customerEmail: 'asha@example.com' };
const vouchers = (denomination: number, quantity = 1) => ({ denomination: [{ denomination, quantity }] });

const node = async (parameters: IDataObject, more: Partial<Setup> = {}) =>
	await execute({
		node: new HubbleGiftCard(),
		credential: {
			environment: 'url',
			baseUrl: partner.url,
			clientId: partner.clientId,
			clientSecret: partner.clientSecret,
		},
		parameters: parameters as Setup['parameters'],
		...more,
	});
const place = async (parameters: IDataObject = {}, more: Partial<Setup> = {}) =>
	await node(
		{
			resource: 'order',
			operation: 'place',
			brandId: 'brand-1',
			denominations: vouchers(100),
			...customer,
			...parameters,
		},
		more,
	);

describe('Place', () => {
	it('gives the vouchers, the amount and the reference', async () => {
		const { items, error } = await place({ reference: 'mine-1', denominations: vouchers(500, 2) });
		expect(error).toBeUndefined();
		expect(items[0]?.json).toMatchObject({
			status: 'SUCCESS',
			referenceId: 'mine-1',
			amount: 1000,
			alreadyPlaced: false,
			vouchers: [expect.objectContaining({ cardPin: expect.any(String) as string }), expect.anything()],
		});
		const again = await place({ reference: 'mine-1', denominations: vouchers(500, 2) });
		expect(again.items[0]?.json).toMatchObject({ id: items[0]?.json.id, alreadyPlaced: true });
		expect(partner.orders.size).toBe(1);
	});

	it('makes one reference for each item and execution, of at most 40 characters', async () => {
		const two = await place({}, { input: [{}, {}] });
		const again = await place({}, { input: [{}, {}] });
		const later = await place({}, { additionalData: { executionId: '2' } });
		const references = (outcome: typeof two) => outcome.items.map(({ json }) => String(json.referenceId));
		expect(references(again)).toEqual(references(two));
		expect(new Set([...references(two), ...references(later)]).size).toBe(3);
		expect(references(two)[0]?.length).toBeLessThanOrEqual(40);
		expect(partner.orders.size).toBe(3);
	});

	it.each<[string, IDataObject, RegExp]>([
		['a denomination that is not on the list', { denominations: vouchers(150) }, /no 150, only 100, 500/],
		['too many vouchers', { denominations: vouchers(100, 11) }, /11 vouchers are more than the 10/],
		['too large an amount', { denominations: vouchers(5000, 3) }, /15000 is above/],
		['an inactive brand', { brandId: 'brand-inactive' }, /INACTIVE/],
	])('refuses %s before the order is sent', async (_, parameters, says) => {
		const { error } = await place(parameters);
		expect(error?.message).toMatch(says);
		expect(partner.calls.place).toBeUndefined();
	});

	it.each<[string, PartnerFault]>([
		['a 5xx before the server acts', { call: 'place', status: 503 }],
		['a 5xx after the server has acted', { call: 'place', status: 500, applied: true }],
		['a connection dropped before', { call: 'place' }],
		['a connection dropped after', { call: 'place', applied: true }],
		['a 401', { call: 'place', status: 401 }],
	])('places one order through %s, and looks before it sends again', async (_, fault) => {
		partner.faults.push(fault);
		const { items, error } = await place();
		expect(error).toBeUndefined();
		expect(items[0]?.json).toMatchObject({ status: 'SUCCESS', alreadyPlaced: false });
		expect(partner.orders.size).toBe(1);
		expect(partner.calls.place).toBe(fault.applied ? 1 : 2);
		if (fault.status !== 401) expect(partner.calls.reference).toBeGreaterThan(1);
	});

	it('waits for the result, or gives the order as it is', async () => {
		const slow = await place({ brandId: 'brand-slow' });
		expect(slow.items[0]?.json).toMatchObject({ status: 'SUCCESS', vouchers: [expect.anything()] });
		const failed = await place({ brandId: 'brand-failed', reference: 'failed' });
		expect(failed.items[0]?.json).toMatchObject({ status: 'FAILED' });
		const open = await place({ brandId: 'brand-slow', reference: 'open', wait: false });
		expect(open.items[0]?.json).toMatchObject({ status: 'PROCESSING', vouchers: null });
	});

	it('says what Hubble says when the balance is too low, and no secret', async () => {
		partner.state.balance = 50;
		const { error } = await place();
		expect(error?.message).toContain('E300');
		expect(error?.description).toMatch(/was not placed.*Reference: n8n-/);
		expect(JSON.stringify(error)).not.toContain(partner.clientSecret);
	});
});

it('1,000 orders under faults, retried until each went through: exactly 1,000, and no PIN in an error', async () => {
	const kinds: PartnerFault[] = [
		{ call: 'place', status: 503 },
		{ call: 'place', applied: true },
		{ call: 'reference', status: 401 },
		{ call: 'place', status: 500, applied: true },
		{ call: 'place' },
		{ call: 'place', status: 401 },
	];
	const said: string[] = [];
	const errands = Array.from({ length: 1000 }, (_, n) => n);
	const worker = async () => {
		for (let n = errands.shift(); n !== undefined; n = errands.shift()) {
			if (n % 10 === 0) partner.faults.push({ ...(kinds[(n / 10) % kinds.length] as PartnerFault) });
			if (n % 250 === 0) partner.endSessions();
			for (let tries = 1; tries <= 5; tries++) {
				const { items, error } = await place({ reference: `request-${n}` });
				if (error) said.push(JSON.stringify([error.message, error.description, error.context]));
				if (items[0]?.json.status === 'SUCCESS') break;
			}
		}
	};
	await Promise.all(Array.from({ length: 20 }, worker));
	expect(partner.orders.size).toBe(1000);
	expect(new Set([...partner.orders.values()].map(({ referenceId }) => referenceId)).size).toBe(1000);
	expect(said.join()).not.toMatch(/PIN7|60001234|partner-client-secret|session-/);
}, 300_000);

describe('the other operations', () => {
	it('get brands through all pages, filtered', async () => {
		const all = await node({ resource: 'brand', operation: 'getAll', returnAll: true });
		expect(all.items).toHaveLength(partner.brands.size);
		const inactive = await node({
			resource: 'brand',
			operation: 'getAll',
			returnAll: true,
			filters: { status: 'INACTIVE' },
		});
		expect(inactive.items.map(({ json }) => json.id)).toEqual(['brand-inactive']);
		const food = await node({ resource: 'brand', operation: 'getAll', limit: 5, filters: { categories: ['food'] } });
		expect(food.items.map(({ json }) => json.id)).toEqual(['brand-flexible']);
		const few = await node({ resource: 'brand', operation: 'getAll', limit: 2 });
		expect([few.items.length, few.hints.length]).toEqual([2, 1]);
	});

	it('get a brand, an order by ID and by reference, and the balance', async () => {
		await place({ reference: 'mine' });
		const results = await Promise.all([
			node({ resource: 'brand', operation: 'get', brandId: 'brand-1' }),
			node({ resource: 'order', operation: 'get', by: 'id', orderId: 'order-1' }),
			node({ resource: 'order', operation: 'get', by: 'reference', reference: 'mine' }),
			node({ resource: 'wallet', operation: 'getBalance' }),
		]);
		expect(results.map(({ items }) => items[0]?.json)).toMatchObject([
			{ id: 'brand-1' },
			{ id: 'order-1' },
			{ id: 'order-1', referenceId: 'mine' },
			{ balance: 1e9 - 100 },
		]);
		const { error } = await node({ resource: 'order', operation: 'get', by: 'reference', reference: 'nobody' });
		expect(error?.message).toBe('Hubble knows no order with the reference nobody');
	});

	it('share a session that is fetched once by many, and renew it once', async () => {
		const balance = async () => await node({ resource: 'wallet', operation: 'getBalance' });
		await Promise.all(Array.from({ length: 20 }, balance));
		expect(partner.calls.login).toBe(1);
		partner.endSessions();
		await Promise.all(Array.from({ length: 20 }, balance));
		expect(partner.calls.login).toBe(2);
	});

	it('tell an address that is not on the allow-list', async () => {
		partner.state.allowListed = false;
		const { error } = await node({ resource: 'wallet', operation: 'getBalance' });
		expect(error?.message).toBe('Hubble does not allow calls from the address of this n8n');
	});
});
