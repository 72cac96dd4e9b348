/* eslint-disable @n8n/community-nodes/no-restricted-globals -- lets all orders begin before one goes on */
/** Orders one by one: what is asked of Hubble, how often and when, and what its answers mean for the money. */
import { NodeApiError, NodeOperationError, type IDataObject, type INode } from 'n8n-workflow';
import { contradictionOf } from '../../nodes/HubbleGiftCard/existing';
import { placeOrders } from '../../nodes/HubbleGiftCard/place';
import { DOUBT } from '../../nodes/shared/client/errors';
import { partnerEndpoints } from '../../nodes/shared/client/partner';
import type { Call } from '../../nodes/shared/client/request';
import { noteBeginning, type Errand, type OrderRequest } from '../../nodes/HubbleGiftCard/reference';
import type { Preparation } from '../../nodes/shared/operation/operation';

const node = { id: '1', name: 'Order', type: 'n8n-nodes-hubble.hubbleGiftCard' } as INode;

const CALLS = {
	look: partnerEndpoints.getOrderByReference,
	brand: partnerEndpoints.getBrand,
	place: partnerEndpoints.placeOrder,
	order: partnerEndpoints.getOrder,
	balance: partnerEndpoints.getBalance,
} as const;
type Kind = keyof typeof CALLS;
const kindOf = (call: Call) =>
	(Object.keys(CALLS) as Kind[]).find((kind) => CALLS[kind] === call.endpoint) ?? ('none' as Kind);

/** A failure as the client throws it. */
function failure(httpCode?: string, errorCode?: string): NodeApiError {
	const error = new NodeApiError(node, {}, { httpCode, message: `Status ${httpCode}`, description: `Why.${DOUBT}` });
	error.context.errorCode = errorCode;
	return error;
}
const unreadable = () => new NodeOperationError(node, 'The response has no "id" field', { description: 'Why.' });

let now = 0;
let world = 0;
beforeEach(() => {
	world += 1;
	now = 1_000_000 * world;
	jest.spyOn(performance, 'now').mockImplementation(() => now);
	jest.spyOn(Math, 'random').mockImplementation(() => 0.5);
});
afterAll(() => jest.restoreAllMocks());

interface Item {
	/** Without it, one is made. */
	reference?: string;
	email?: string;
	brand?: string;
	/** How many vouchers of 100. */
	quantity?: number;
	settings?: IDataObject;
}

type Answer = (call: Call) => IDataObject | Error;

interface Setup {
	items?: Item[];
	/** What Hubble has, by reference. */
	orders?: Map<string, IDataObject>;
	/** What the next calls of a kind are answered with, instead of what Hubble would; `undefined`: as Hubble would. */
	answers?: Partial<Record<Kind, Array<Answer | undefined>>>;
	kept?: IDataObject;
	mode?: string;
	executionId?: string;
	runIndex?: number;
	canContinue?: boolean;
	isStopped?: boolean;
	/** What an order is when it was just placed. */
	placed?: IDataObject;
	/** Called before each wait. */
	onWait?: (hubble: { isStopped: boolean; session: IDataObject }) => void;
}

async function ordersOf(setup: Setup) {
	const { items = [{ reference: 'r' }], orders = new Map<string, IDataObject>(), answers = {}, kept = {} } = setup;
	const {
		mode = 'webhook',
		executionId = '1',
		canContinue = true,
		placed = { status: 'SUCCESS' },
		runIndex = 0,
	} = setup;
	const calls: string[] = [];
	const bodies: Array<Call['body']> = [];
	const waits: number[] = [];
	const failed: Array<[itemIndex: number, error: NodeApiError, ids: unknown]> = [];
	const hints = new Set<string>();
	let [inFlight, most] = [0, 0];
	let balanceUntil: number | undefined;

	const asHubble: Record<Kind, Answer> = {
		look: ({ ids }) => orders.get(String(ids?.reference)) ?? failure('404', 'E001'),
		brand: ({ ids }) => ({ id: ids?.brand_id, status: 'ACTIVE' }),
		place: ({ body }) => {
			bodies.push(body);
			const order = { id: `o${orders.size + 1}`, ...placed };
			orders.set(String(body?.referenceId), order);
			return order;
		},
		order: ({ ids }) => [...orders.values()].find(({ id }) => id === ids?.order_id) ?? failure('404', 'E001'),
		balance: () => ({ balance: 900 }),
	};
	const hubble = {
		baseUrl: `https://world-${world}`,
		organizationId: 'client',
		isStopped: setup.isStopped ?? false,
		session: {} as IDataObject,
		redact: (text: string) => text.replace('secret', '***'),
		delay: async (ms: number) => {
			waits.push(ms);
			setup.onWait?.(hubble);
			// All that wait begin before one goes on.
			await new Promise((resolve) => setImmediate(resolve));
			now += ms;
		},
		run: {},
		with: ({ deadline }: { deadline: number }) => ({
			send: async (call: Call) => {
				if (now >= deadline) throw new NodeOperationError(node, 'Timed out waiting for the rate limit');
				return await send(call, deadline - 1_000_000 * world);
			},
		}),
		send: async (call: Call) => await send(call),
	};
	const send = async (call: Call, deadline?: number) => {
		const kind = kindOf(call);
		const of = Object.values(call.ids ?? {}).join();
		calls.push(
			[kind, of, kind !== 'order' || deadline === undefined ? '' : `until ${deadline}`].filter(Boolean).join(' '),
		);
		if (kind === 'balance') balanceUntil = deadline;
		inFlight += 1;
		most = Math.max(most, inFlight);
		await new Promise((resolve) => setImmediate(resolve));
		inFlight -= 1;
		const answer = (answers[kind]?.shift() ?? asHubble[kind])(call);
		if (answer instanceof Error) {
			throw answer;
		}
		return { body: answer, requestId: `q${calls.length}` };
	};
	const requests = items.map(({ reference, email = 'a@example.com', brand = 'b', quantity = 1, settings = {} }, n) => ({
		itemIndex: n,
		ids: { brand_id: brand },
		isTool: false,
		settings: { ...settings },
		body: {
			...(reference === undefined ? {} : { referenceId: reference }),
			denominationDetails: [{ denomination: 100, quantity }],
			customerDetails: { email },
		},
	}));
	const context = {
		getContext: (type: string) => (type === 'node' ? kept : {}),
		getExecutionId: () => executionId,
		getMode: () => mode,
		getInstanceId: () => 'n8n',
		getWorkflow: () => ({ id: 'w' }),
		getNode: () => node,
		evaluateExpression: (expression: string) => (expression.includes('$runIndex') ? runIndex : ''),
	};
	const fail = (itemIndex: number, error: unknown, ids: unknown) => {
		failed.push([itemIndex, error as NodeApiError, ids]);
		if (!canContinue) throw error as Error;
	};
	const work = { context, hubble, requests, fail, canContinue, hints } as unknown as Preparation<OrderRequest>;
	noteBeginning(work.context);
	const outcome = await placeOrders(work).then(
		(done) => ({ replies: done.map(({ reply }) => reply), done, thrown: undefined }),
		(thrown: NodeApiError) => ({ replies: [], done: [], thrown }),
	);
	const [error] = failed.map(([, one]) => one);
	return {
		...outcome,
		calls,
		bodies,
		waits,
		failed,
		error,
		hints: [...hints],
		orders,
		kept,
		balanceUntil,
		most: () => most,
	};
}

const NOT_PLACED = /^The order was not placed\. Reference: r\. Why\.$/;
const NOTHING_NOW = /^Nothing new was ordered\. Reference: r\. /;
const COMPARE =
	/^This execution has sent an order under this reference, and this is the one that Hubble has: compare the two\. Reference: r\. /;
const IN_DOUBT =
	/^It is not known whether the order was placed\. To order again, enter the same reference and turn on Options → Return Existing Order: the order is placed at most once\. Reference: r\. /;

describe('an order', () => {
	it('is looked for, its brand is read, and it is sent', async () => {
		const { calls, bodies, done, failed } = await ordersOf({ items: [{ reference: 'r', quantity: 3 }] });
		expect(calls).toEqual(['look r', 'brand b', 'place', 'balance']);
		expect(bodies).toEqual([
			{
				referenceId: 'r',
				productId: 'b',
				amount: 300,
				denominationDetails: [{ denomination: 100, quantity: 3 }],
				customerDetails: { email: 'a@example.com' },
			},
		]);
		expect(failed).toEqual([]);
		expect(done).toEqual([
			expect.objectContaining({
				itemIndex: 0,
				reply: { amount: 300, id: 'o1', status: 'SUCCESS', referenceId: 'r', alreadyPlaced: false, walletBalance: 900 },
			}),
		]);
	});

	it('that is there is not sent, and no balance is asked for', async () => {
		const orders = new Map([['r', { id: 'o1', status: 'SUCCESS', amount: 100 }]]);
		const items = [{ reference: 'r', settings: { returnExisting: true } }];
		const { calls, replies } = await ordersOf({ items, orders });
		expect(calls).toEqual(['look r']);
		expect(replies).toEqual([{ amount: 100, id: 'o1', status: 'SUCCESS', referenceId: 'r', alreadyPlaced: true }]);
	});

	it('beside one that is there has the balance, as it is now', async () => {
		const orders = new Map([['r', { id: 'o1', status: 'SUCCESS' }]]);
		const items = [
			{ reference: 'r', settings: { returnExisting: true } },
			{ reference: 's', email: 'b@example.com' },
		];
		const { replies } = await ordersOf({ items, orders });
		expect(replies).toMatchObject([{ walletBalance: 900 }, { walletBalance: 900, alreadyPlaced: false }]);
	});

	it.each<[string, Answer]>([
		['fails', () => failure('500')],
		['is none', () => ({})],
	])('has no balance where asking for it %s', async (_, balance) => {
		expect((await ordersOf({ answers: { balance: [balance] } })).replies[0]).not.toHaveProperty('walletBalance');
	});

	it('is the same one in a retry, by a reference that is made or kept', async () => {
		for (const items of [[{}], [{ email: '' }, { email: '' }], [{ reference: 'r' }]]) {
			const [orders, kept] = [new Map<string, IDataObject>(), {}];
			await ordersOf({ items, orders, kept });
			const again = await ordersOf({ items, orders, kept, mode: 'retry', executionId: '2' });
			expect(again.calls).toHaveLength(items.length);
			expect(again.replies.map((reply) => reply?.alreadyPlaced)).toEqual(items.map(() => true));
		}
	});

	it('of another execution is not given, and named', async () => {
		const orders = new Map([['r', { id: 'o1', status: 'SUCCESS' } as IDataObject]]);
		const { failed, error } = await ordersOf({ orders });
		expect(failed[0]).toEqual([0, error, { brand_id: 'b' }]);
		expect(error).toMatchObject({
			message: 'The reference "r" already belongs to the order o1 (SUCCESS): it may belong to another execution',
			description:
				'Nothing new was ordered. Reference: r. If it is the order of this item, turn on Options → Return Existing Order to get it. Otherwise give each order its own reference. X-Request-ID: q1.',
			context: { itemIndex: 0, orderId: 'o1', referenceId: 'r' },
		});
		orders.set('r', { id: 'o1' });
		expect((await ordersOf({ orders })).error?.message).toMatch(/belongs to the order o1: it may/);
	});

	it('that contradicts what is asked is not given: as it was found, as it was sent, and as it ends', async () => {
		const settings = { returnExisting: true, wait: true, waitSeconds: 60 };
		const items = [{ reference: 'r', settings }];
		const found = await ordersOf({ items, orders: new Map([['r', { id: 'o1', productId: 'c' }]]) });
		expect(found.error?.message).toMatch(/to the order o1: it is for the brand c$/);
		expect(found.error?.description).toMatch(NOTHING_NOW);
		expect(found.error?.description).toMatch(/ Give each order its own reference\. /);
		const sent = await ordersOf({ items, placed: { status: 'PROCESSING', productId: 'c' } });
		expect(sent.waits).toEqual([]);
		expect(sent.error?.description).toMatch(COMPARE);
		const ended = await ordersOf({
			items,
			placed: { status: 'PROCESSING' },
			answers: { order: [() => ({ id: 'o1', status: 'SUCCESS', productId: 'c' })] },
		});
		expect([ended.replies, ended.error?.message]).toEqual([[], expect.stringMatching(/it is for the brand c$/)]);
		// An amount of an order that was found is compared; that of a new one may be after a discount.
		const cheap = { id: 'o1', status: 'SUCCESS', amount: 90 };
		expect((await ordersOf({ items, orders: new Map([['r', cheap]]) })).error?.message).toMatch(/amount is 90$/);
		expect((await ordersOf({ items, placed: cheap })).error).toBeUndefined();
		// So it is of one that this execution sent before.
		const orders = new Map<string, IDataObject>();
		const own = [{ reference: 's' }];
		const { kept } = await ordersOf({ items: own, orders, placed: cheap });
		expect((await ordersOf({ items: own, orders, kept })).replies).toMatchObject([{ amount: 90, alreadyPlaced: true }]);
	});
});

describe('an order that Hubble has', () => {
	const email = 'a@example.com';
	const vouchers = (...amounts: unknown[]) => ({ status: 'SUCCESS', vouchers: amounts.map((amount) => ({ amount })) });
	/** What speaks against it where 100, 500 and 500 are asked for: 1100, of which 50 are a discount. */
	const against = (order: IDataObject, customerDetails: IDataObject = { email }, isOurs = false, isMade = false) =>
		contradictionOf(
			order,
			{
				brandId: 'b',
				amount: 1100,
				details: [
					{ denomination: 500, quantity: 2 },
					{ denomination: 100, quantity: 1 },
				],
				reference: 'r',
				isMade,
				request: { body: { customerDetails, discountAmount: 50 } },
			} as unknown as Errand,
			isOurs,
		);

	it.each<[string, IDataObject]>([
		['nothing', {}],
		[
			'null for everything',
			{ referenceId: null, product: { id: null }, amount: null, vouchers: null, customerDetails: null },
		],
		['what is asked', { referenceId: 'r', productId: 'b', amount: 1100, ...vouchers('500', 100, 500.0) }],
		['numbers as text', { amount: '1100.00' }],
		['an amount after the discount', { amount: 1050 }],
		['less than asked, which the wallet paid, for the same vouchers', { amount: 990, ...vouchers(500, 500, 100) }],
		['an amount that differs by less than half a paisa', { amount: 1100.004 }],
		['vouchers of which one does not tell what it is worth', vouchers(7, undefined)],
		['vouchers of another worth that are not bought', { ...vouchers(7), status: 'PROCESSING' }],
		['the customer in another spelling', { customerDetails: { email: ' A@Example.com' } }],
		['a corrected phone number beside the same email', { recipientDetails: { email, phoneNumber: '2' } }],
	])('says %s: nothing contradicts', (_, order) => {
		expect(against(order, { email, phoneNumber: '1' })).toBeUndefined();
	});

	it.each<[IDataObject, string]>([
		[{ referenceId: 's' }, 'it has the reference s'],
		[{ productId: 'c' }, 'it is for the brand c'],
		[{ brandId: 'c' }, 'it is for the brand c'],
		[{ product: { id: 'c' } }, 'it is for the brand c'],
		[{ amount: '1000' }, 'its amount is 1000'],
		[{ amount: 1100.005 }, 'its amount is 1100.005'],
		[{ amount: 1150 }, 'its amount is 1150'],
		[{ amount: 1150, ...vouchers(500, 500, 100) }, 'its amount is 1150'],
		[{ amount: 990, ...vouchers(500, 500, 100), status: 'PROCESSING' }, 'its amount is 990'],
		[vouchers(500, 1000), 'its vouchers are worth 500, 1000'],
		[vouchers(1000, 500, 100), 'its vouchers are worth 100, 500, 1000'],
		[{ customerDetails: { email: 'c@example.com' } }, 'it is for another customer'],
		[{ deliveryDetails: { email: 'c@example.com' } }, 'it is for another customer'],
		[{ customerDetails: null, recipientDetails: { email: 'c@example.com' } }, 'it is for another customer'],
	])('says %j: %s', (order, says) => {
		expect(against(order)).toBe(says);
	});

	it('is another customer’s by the phone number only where not both have an email', () => {
		const theirs = { customerDetails: { phoneNumber: '2' } };
		expect(against(theirs, { email, phoneNumber: '1' })).toBe('it is for another customer');
		expect(against(theirs, { email, phoneNumber: '+2' })).toBeUndefined();
		// One of them without the country code.
		const long = { customerDetails: { phoneNumber: '+91 98123 45678' } };
		expect(against(long, { phoneNumber: '9812345678' })).toBeUndefined();
		expect(
			against({ customerDetails: { phoneNumber: '9812345678' } }, { phoneNumber: '+91 98123 45678' }),
		).toBeUndefined();
		expect(against(long, { phoneNumber: '9812345679' })).toBe('it is for another customer');
		expect(against(theirs)).toBeUndefined();
		expect(against({ customerDetails: { email } }, { phoneNumber: '1' })).toBeUndefined();
	});

	it('is another customer’s by the name only where nothing better tells', () => {
		const theirs = { customerDetails: { name: 'Asha' } };
		expect(against(theirs, { name: 'Ravi' })).toBe('it is for another customer');
		expect(against(theirs, { name: ' asha ' })).toBeUndefined();
		expect(against({ customerDetails: { name: 'Asha  Rao' } }, { name: 'Asha Rao' })).toBeUndefined();
		expect(against({ customerDetails: { name: 'AshaRao' } }, { name: 'Asha Rao' })).toBe('it is for another customer');
		expect(against(theirs, { email })).toBeUndefined();
		expect(against({ customerDetails: { email } }, { name: 'Ravi' })).toBeUndefined();
		expect(against(theirs, {})).toBeUndefined();
		for (const better of [{ email }, { phoneNumber: '1' }])
			expect(against(theirs, { name: 'Ravi', ...better })).toBeUndefined();
	});

	it('of a reference that was made here is ours, however Hubble writes it', () => {
		const isMade = true;
		const order = { brandId: 'c', amount: 95, customerDetails: { email: 'a***@example.com' } };
		expect(against(order, { email }, false, isMade)).toBeUndefined();
		expect(against({ referenceId: 's' }, { email }, false, isMade)).toBe('it has the reference s');
		expect(against(vouchers(7), { email }, false, isMade)).toBe('its vouchers are worth 7');
	});

	it('may have another amount where it was just sent: what the wallet paid', () => {
		expect(against({ amount: 990 }, { email }, true)).toBeUndefined();
		expect(against({ amount: 1100.01 }, { email }, true)).toBe('its amount is 1100.01');
		expect(against({ ...vouchers(990), amount: 990 }, { email }, true)).toBe('its vouchers are worth 990');
	});
});

describe('the look for an order', () => {
	it.each<[string, Error, boolean]>([
		['E001 with 404', failure('404', 'E001'), true],
		['E001 with 400', failure('400', 'E001'), true],
		['another code with 404', failure('404', 'E999'), true],
		['no code with 404', failure('404'), false],
		['another code with 400', failure('400', 'E999'), false],
		['no status', failure(undefined), false],
		['what is no answer', new Error('away'), false],
	])('takes %s for one that is not there, or not', async (_, error, isNone) => {
		const { calls } = await ordersOf({ answers: { look: [() => error] } });
		expect(calls.includes('place')).toBe(isNone);
	});

	it('that fails orders nothing, and says so', async () => {
		const { error, calls } = await ordersOf({ answers: { look: [() => failure('503')] } });
		expect(error?.description).toBe('Nothing new was ordered. Reference: r. Why.');
		expect([error?.context.referenceId, calls]).toEqual(['r', ['look r']]);
	});

	it('that fails after the order was sent, or may have been, leaves it in doubt', async () => {
		const kept = {};
		const lost = Array(6).fill(() => failure('503')) as Answer[];
		await ordersOf({ kept, answers: { place: [...lost] } });
		const { error } = await ordersOf({ kept, answers: { look: [() => failure('503')] } });
		expect(error?.description).toMatch(IN_DOUBT);
		// n8n was killed: nothing is kept of the execution that is retried.
		const killed = await ordersOf({
			mode: 'retry',
			kept: { firstExecution: '1' },
			answers: { look: [() => failure('503')] },
		});
		expect(killed.error?.description).toMatch(IN_DOUBT);
		expect(killed.kept).toMatchObject({ isAfterKill: true });
		// What is kept says that nothing was sent; but n8n may have killed another retry, of which nothing is kept.
		const unsent = { mode: 'retry', kept: { firstExecution: '1', sent: {} } };
		expect((await ordersOf({ ...unsent, answers: { look: [() => failure('503')] } })).error?.description).toMatch(
			IN_DOUBT,
		);
		// Hubble knows no order, and none was sent by what is kept.
		expect((await ordersOf({ ...unsent, answers: { brand: [() => failure('503')] } })).error?.description).toMatch(
			NOT_PLACED,
		);
		// An error without words of its own.
		const bare = Object.assign(failure('503'), { description: undefined });
		expect((await ordersOf({ answers: { look: [() => bare] } })).error?.description).toBe(
			'Nothing new was ordered. Reference: r. ',
		);
	});

	it('passes on what is none of n8n’s errors', async () => {
		const away = new Error('away');
		expect((await ordersOf({ answers: { look: [() => away] } })).error).toBe(away);
	});
});

describe('before it is sent', () => {
	it('a brand is read once for all, and again by the next where that failed', async () => {
		const items = ['r', 's', 't'].map((reference, n) => ({ reference, email: `${n}@example.com` }));
		const shared = await ordersOf({ items });
		expect(shared.calls.filter((call) => call === 'brand b')).toHaveLength(1);
		const { failed, calls } = await ordersOf({ items, answers: { brand: [() => failure('500')] } });
		expect(failed.map(([, { description }]) => description)).toEqual(
			['r', 's', 't'].map((one) => `The order was not placed. Reference: ${one}. Why.`),
		);
		expect(calls.filter((call) => call === 'brand b')).toHaveLength(1);
		const many = Array.from({ length: 41 }, (_, n) => ({ reference: `m${n}`, email: `${n}@example.com` }));
		const later = await ordersOf({ items: many, answers: { brand: [() => failure('500')] } });
		expect(later.failed).toHaveLength(40);
		expect(later.calls.filter((call) => call === 'brand b')).toHaveLength(2);
	});

	it('a brand that cannot be read fails each that waited for it with an error of its own', async () => {
		const items = ['a', 'b'].map((reference) => ({ reference }));
		for (const error of [failure('500'), unreadable()]) {
			const { failed } = await ordersOf({ items, canContinue: true, answers: { brand: [() => error] } });
			const references = failed.map(([, { description, context }]) => [
				String(description).match(/Reference: \w+/g),
				context.referenceId,
			]);
			expect(references).toEqual(['a', 'b'].map((reference) => [[`Reference: ${reference}`], reference]));
		}
	});

	it('one that its brand does not allow is refused', async () => {
		const brand = () => ({ id: 'b', status: 'INACTIVE' });
		const { error, calls } = await ordersOf({ answers: { brand: [brand] } });
		expect(error?.message).toBe('"Denominations": the brand is INACTIVE, so it cannot be ordered');
		expect([error?.description, error?.context.itemIndex]).toEqual(['The order was not placed. Reference: r. ', 0]);
		expect(calls).toEqual(['look r', 'brand b']);
	});

	it('one of a run that is stopped is not sent', async () => {
		const { error, calls } = await ordersOf({ isStopped: true });
		expect([error?.message, error?.description]).toEqual([
			'The execution was stopped',
			'The order was not placed. Reference: r. ',
		]);
		expect([error?.context.itemIndex, calls]).toEqual([0, ['look r', 'brand b']]);
	});

	it('one that was sent before stays in doubt', async () => {
		const kept = {};
		await ordersOf({ kept, answers: { place: Array.from({ length: 6 }, () => () => failure('503')) } });
		const { error } = await ordersOf({ kept, answers: { brand: [() => failure('500')] } });
		expect(error?.description).toMatch(IN_DOUBT);
	});

	it('no more than forty are on their way at once', async () => {
		const items = Array.from({ length: 45 }, (_, n) => ({ reference: `r${n}`, email: `${n}@example.com` }));
		const { most, replies } = await ordersOf({ items });
		expect([most(), replies.length]).toEqual([40, 45]);
		expect((await ordersOf({ items: [] })).calls).toEqual([]);
	});

	it('nothing more is begun where one failed and the run must stop', async () => {
		const items = Array.from({ length: 45 }, (_, n) => ({ reference: `r${n}`, email: `${n}@example.com` }));
		const answers = { look: [() => failure('503')] };
		const stopped = await ordersOf({ items, answers: { ...answers }, canContinue: false });
		expect([stopped.thrown?.message, stopped.orders.size]).toEqual(['Status 503', 0]);
		expect(new Set(stopped.calls.map((call) => call.split(' ')[0]))).toEqual(new Set(['look', 'brand']));
		expect(stopped.calls.filter((call) => call.startsWith('look'))).toHaveLength(40);
		const { orders, replies } = await ordersOf({ items, answers: { look: [() => failure('503')] } });
		expect([orders.size, replies.length]).toEqual([44, 44]);
	});

	it('none of those that wait for the same brand is sent where the first is refused by it', async () => {
		const items = Array.from({ length: 9 }, (_, n) => ({
			reference: `r${n}`,
			email: `${n}@example.com`,
			quantity: 9 - n,
		}));
		const answers = { brand: [() => ({ id: 'b', amountRestrictions: { maxVouchersPerOrder: 8 } })] };
		const { thrown, orders } = await ordersOf({ items, answers, canContinue: false });
		expect([thrown?.message, orders.size]).toEqual([expect.stringMatching(/^"Denominations": 9 vouchers/), 0]);
	});

	it('waits five seconds at most for the balance', async () => {
		expect((await ordersOf({})).balanceUntil).toBe(5000);
	});
});

describe('an order whose reply fails', () => {
	it.each<[string, () => Error, boolean]>([
		['no reply', () => failure(undefined), true],
		['a success that cannot be read', unreadable, true],
		['408', () => failure('408'), true],
		['500', () => failure('500'), true],
		['503', () => failure('503'), true],
		['408, also with a code', () => failure('408', 'E150'), true],
		['409, also with a code', () => failure('409', 'E150'), true],
		['425, also with a code', () => failure('425', 'E150'), true],
		['400 without a code of Hubble', () => failure('400'), true],
		['403 without a code of Hubble', () => failure('403'), true],
		['500, also with a code', () => failure('500', 'E150'), true],
		['300', () => failure('300', 'E150'), false],
		['400', () => failure('400', 'E150'), false],
		['401', () => failure('401'), false],
		['403', () => failure('403', 'E150'), false],
		['429', () => failure('429'), false],
		['499', () => failure('499', 'E150'), false],
	])('by %s', async (_, error, isInDoubt) => {
		const { calls, waits, replies, ...more } = await ordersOf({ answers: { place: [error] } });
		const sent = ['look r', 'brand b', 'place', 'look r'];
		expect(calls).toEqual(isInDoubt ? [...sent, 'place', 'balance'] : sent);
		expect([waits, replies.length]).toEqual(isInDoubt ? [[1000], 1] : [[], 0]);
		if (!isInDoubt) expect(more.error?.description).toMatch(NOT_PLACED);
	});

	it('is looked for before it is sent again, and is the order of this run', async () => {
		const orders = new Map<string, IDataObject>();
		const lost = () => {
			orders.set('r', { id: 'o1', status: 'SUCCESS' });
			return failure('503');
		};
		const { calls, replies, kept } = await ordersOf({ orders, answers: { place: [lost] } });
		expect(calls).toEqual(['look r', 'brand b', 'place', 'look r', 'balance']);
		expect(replies).toMatchObject([{ id: 'o1', alreadyPlaced: false }]);
		// It stays the order of this run where the node runs again.
		expect((await ordersOf({ orders, kept })).replies).toMatchObject([{ id: 'o1', alreadyPlaced: true }]);
		expect(Object.keys(kept.sent ?? {})).toEqual(['r']);
	});

	it('is sent six times, with longer pauses, and then in doubt', async () => {
		const lost = Array.from({ length: 7 }, () => () => failure('503'));
		const { calls, waits, error } = await ordersOf({ answers: { place: lost } });
		expect(calls.filter((call) => call === 'place')).toHaveLength(6);
		expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000]);
		expect(error?.description).toMatch(IN_DOUBT);
		expect(error?.message).toBe('Status 503');
	});

	it('waits a quarter shorter or longer, so that many do not come at once', async () => {
		for (const [random, pause] of [
			[0, 750],
			[1, 1250],
		] as const) {
			jest.spyOn(Math, 'random').mockImplementation(() => random);
			expect((await ordersOf({ items: [{}], answers: { place: [() => failure('503')] } })).waits).toEqual([pause]);
		}
	});

	it('once in doubt stays so, also by a refusal', async () => {
		const { error } = await ordersOf({ answers: { place: [() => failure('503'), () => failure('400', 'E150')] } });
		expect([error?.message, error?.description]).toEqual(['Status 400', expect.stringMatching(IN_DOUBT)]);
	});

	it('says what failed: the look where the order is in doubt, else the refusal', async () => {
		const look = () => [undefined, () => failure('502')];
		const inDoubt = await ordersOf({ answers: { place: [() => failure('503')], look: look() } });
		expect([inDoubt.error?.message, inDoubt.error?.description]).toEqual([
			'Status 502',
			expect.stringMatching(IN_DOUBT),
		]);
		world += 1;
		const refused = await ordersOf({ answers: { place: [() => failure('400', 'E150')], look: look() } });
		expect([refused.error?.message, refused.error?.description]).toEqual([
			'Status 400',
			expect.stringMatching(NOT_PLACED),
		]);
	});
});

describe('an order in doubt', () => {
	/** A run in which Hubble takes the order and does not answer; the order is there later. */
	async function inDoubt(items: Array<{ email?: string }>) {
		const [kept, orders, late] = [{}, new Map<string, IDataObject>(), [] as Array<() => void>];
		const lost = ({ body }: Call) => {
			late.push(() => orders.set(String(body?.referenceId), { id: `late ${body?.referenceId}`, status: 'SUCCESS' }));
			return failure('503');
		};
		await ordersOf({ items, kept, orders, answers: { place: Array(6 * items.length).fill(lost) }, canContinue: true });
		return { kept, orders, late };
	}

	it('P14: is asked for again where the error output leads back', async () => {
		const { kept, orders, late } = await inDoubt([{}]);
		late[0]?.();
		const { replies } = await ordersOf({ items: [{}], kept, orders, runIndex: 1 });
		expect([orders.size, replies.length]).toEqual([1, 1]);
		// What is known by now is not in doubt any more: the same for the same person is another order.
		await ordersOf({ items: [{}], kept, orders, runIndex: 2 });
		expect(orders.size).toBe(2);
	});

	it('P14: is asked for again with the same reference by Retry On Fail of that run, too', async () => {
		const { kept, orders } = await inDoubt([{}]);
		const lost = () => failure('503');
		const first = await ordersOf({ items: [{}], kept, orders, runIndex: 1, answers: { place: Array(6).fill(lost) } });
		const second = await ordersOf({ items: [{}], kept, orders, runIndex: 1 });
		expect([first.calls[0], orders.size]).toEqual([second.calls[0], 1]);
		// As where it was placed and another item failed.
		await ordersOf({ items: [{}], kept, orders, runIndex: 1 });
		expect(orders.size).toBe(1);
		await ordersOf({ items: [{}], kept, orders, runIndex: 2 });
		expect(orders.size).toBe(2);
	});

	it('P15: of nobody is not given to who comes next', async () => {
		const { kept, orders, late } = await inDoubt([{ email: '' }]);
		late[0]?.();
		await ordersOf({ items: [{ email: '' }], kept, orders, runIndex: 1 });
		expect(orders.size).toBe(2);
	});
});

describe('a reference of the user’s', () => {
	it('P15: what is there after a certain refusal is another’s', async () => {
		const orders = new Map<string, IDataObject>();
		const refused = () => {
			orders.set('r', { id: 'of-another', status: 'SUCCESS' });
			return failure('400', 'E150');
		};
		const { replies, error } = await ordersOf({ orders, answers: { place: [refused] } });
		expect(replies).toEqual([]);
		expect(error?.message).toMatch(/of-another \(SUCCESS\): it may belong to another execution$/);
	});

	it('of two equal items, which take one order, has ordered once', async () => {
		const one = { reference: 'r', settings: { returnExisting: true } };
		const { replies } = await ordersOf({ items: [one, one] });
		expect(replies.map((reply) => reply?.alreadyPlaced)).toEqual([false, true]);
	});

	it.each(['toString', 'valueOf', 'hasOwnProperty'])('may be %s', async (reference) => {
		const { replies, error } = await ordersOf({ items: [{ reference }] });
		expect([replies.length, error]).toEqual([1, undefined]);
	});

	it('has ordered nothing where only the login failed', async () => {
		const lost = failure('503');
		lost.context.isOfLogin = true;
		const { calls, error } = await ordersOf({ answers: { place: [() => lost] } });
		expect(error?.description).toMatch(NOT_PLACED);
		expect(calls.filter((call) => call === 'place')).toHaveLength(1);
	});

	const inDoubt = async (settings: IDataObject = {}, kept: IDataObject = {}) =>
		await ordersOf({
			kept,
			items: [{ reference: 'r', settings }],
			answers: { place: Array.from({ length: 6 }, () => () => failure('503')) },
		});

	it('under which another execution is in doubt is refused, unless an existing order is wanted', async () => {
		await inDoubt();
		const { error, calls } = await ordersOf({ executionId: '2' });
		expect(calls).toEqual(['look r', 'brand b']);
		expect(error).toMatchObject({
			message:
				'The reference "r" already belongs to an order: another execution is ordering with it right now, or does not know whether its order was placed',
			description:
				'Nothing new was ordered. Reference: r. If it is the order of this item, turn on Options → Return Existing Order to get it. Otherwise give each order its own reference.',
		});
		expect(error?.context).not.toHaveProperty('orderId');
		const items = [{ reference: 'r', settings: { returnExisting: true } }];
		const wanted = await ordersOf({ executionId: '2', items });
		expect(wanted.replies).toHaveLength(1);
		expect(Object.values(wanted.kept.sent as IDataObject)).toHaveLength(1);
	});

	it('that was refused is free again, for other executions too; one in doubt is kept', async () => {
		const { kept } = await ordersOf({ answers: { place: [() => failure('400', 'E150')] } });
		expect(kept.sent).toEqual({});
		expect((await ordersOf({ executionId: '2' })).replies).toHaveLength(1);
		world += 1;
		expect((await inDoubt()).kept.sent).toEqual({ r: expect.any(String) });
	});

	it('of another execution is not freed by an order that is refused', async () => {
		await inDoubt();
		const items = [{ reference: 'r', settings: { returnExisting: true } }];
		const refused = await ordersOf({ executionId: '2', items, answers: { place: [() => failure('400', 'E150')] } });
		expect(refused.kept.sent).toEqual({ r: expect.any(String) });
		expect((await ordersOf({ executionId: '3' })).error?.message).toMatch(/another execution is ordering with it/);
	});

	it('is another one for another Hubble and organization', async () => {
		await inDoubt();
		world += 1;
		expect((await ordersOf({ executionId: '2' })).replies).toHaveLength(1);
	});

	it('of a retry is known by what the execution kept, where this process has forgotten it', async () => {
		const { kept } = await inDoubt();
		world += 1;
		expect((await ordersOf({ kept, mode: 'retry', executionId: '2' })).replies).toHaveLength(1);
		world += 1;
		// Kept for another order than the one that is asked for now.
		const other = await ordersOf({ kept: { sent: { r: 'other' } } });
		expect(other.error?.message).toMatch(/another execution is ordering with it/);
		expect(other.error?.description).toMatch(IN_DOUBT);
	});

	it('that was sent before is compared with the order that has it now', async () => {
		const { kept } = await inDoubt();
		const orders = new Map([['r', { id: 'o1', productId: 'c' }]]);
		expect((await ordersOf({ kept, orders })).error?.description).toMatch(COMPARE);
	});

	it('that another execution has sent is in doubt for one that wants its order, also in a later try', async () => {
		await inDoubt();
		const items = [{ reference: 'r', settings: { returnExisting: true } }];
		const wanted = { items, kept: {}, executionId: '2' };
		const unsent = await ordersOf({ ...wanted, answers: { look: [() => failure('503')] } });
		expect(unsent.error?.description).toMatch(NOTHING_NOW);
		await ordersOf({ ...wanted, answers: { place: Array.from({ length: 6 }, () => () => failure('503')) } });
		const tries = [
			{ answers: { look: [() => failure('503')] } },
			{ answers: { brand: [() => failure('500')] } },
			{ answers: { place: [() => failure('400', 'E150')] } },
		];
		for (const one of tries) expect((await ordersOf({ ...wanted, ...one })).error?.description).toMatch(IN_DOUBT);
		const orders = new Map([['r', { id: 'o1', productId: 'c' }]]);
		expect((await ordersOf({ ...wanted, orders })).error?.description).toMatch(COMPARE);
	});

	it('that a killed execution may have sent is in doubt where another one is ordering with it', async () => {
		await inDoubt();
		const killed = { mode: 'retry', executionId: '3', kept: { firstExecution: '2' } };
		expect((await ordersOf(killed)).error?.description).toMatch(IN_DOUBT);
		// An order that is there is named.
		const orders = new Map([['r', { id: 'o1' }]]);
		expect((await ordersOf({ ...killed, orders })).error?.description).toMatch(NOTHING_NOW);
	});

	it('that is made is nobody else’s: the process need not remember it', async () => {
		const first = await ordersOf({
			items: [{}],
			answers: { place: Array.from({ length: 6 }, () => () => failure('503')) },
		});
		const [reference] = Object.keys(first.kept.sent as IDataObject);
		expect((await ordersOf({ items: [{ reference }], executionId: '2' })).replies).toHaveLength(1);
	});
});

describe('an order without a customer, which only its count tells from another one,', () => {
	const items = [{ email: '' }];

	it('P15: is not given to what has its count in a second retry, and is named', async () => {
		const [orders, kept] = [new Map<string, IDataObject>(), {}];
		for (const runIndex of [0, 1]) await ordersOf({ items, orders, kept, runIndex });
		// The execution fails behind the second run of the loop. Each retry begins with what it has kept.
		const retry = async (executionId: string, settings: IDataObject = {}) =>
			await ordersOf({
				items: [{ email: '', settings }],
				orders,
				kept: structuredClone(kept),
				mode: 'retry',
				executionId,
				runIndex: 2,
			});
		expect((await retry('2')).replies).toMatchObject([{ id: 'o3', alreadyPlaced: false }]);
		const { replies, calls, error } = await retry('3');
		expect([replies.length, calls.length]).toEqual([0, 1]);
		expect(error).toMatchObject({
			message: expect.stringMatching(
				/^The reference "n8n-\w{32}" already belongs to the order o3 \(SUCCESS\): without a customer, it may be another item's$/,
			),
			description: expect.stringMatching(
				/^Nothing new was ordered\. Reference: n8n-\w{32}\. If it is the order of this item, turn on Options → Return Existing Order to get it\. Otherwise give each order its own reference\./,
			),
			context: { orderId: 'o3' },
		});
		expect((await retry('4', { returnExisting: true })).replies).toMatchObject([{ id: 'o3' }]);
	});

	it('P15: is not given to another where n8n hands the execution to a second worker; one with a customer is', async () => {
		for (const [email, count] of [
			['', 0],
			['a@example.com', 1],
		] as const) {
			const orders = new Map<string, IDataObject>();
			await ordersOf({ items: [{ email }], orders });
			expect((await ordersOf({ items: [{ email }], orders })).replies).toHaveLength(count);
		}
	});
});

describe('an order that is PROCESSING', () => {
	const waiting = (seconds: number, more: IDataObject = {}) => ({
		items: [{ reference: 'r', settings: { wait: true, waitSeconds: seconds, ...more } }],
		placed: { status: 'PROCESSING' },
	});
	const busy = () => ({ id: 'o1', status: 'PROCESSING' });
	const OPEN = 'An order is still PROCESSING. The event "Order Reached Terminal State" tells when it is done.';

	it('is looked at ever more slowly until it is done', async () => {
		const order = [...Array.from({ length: 5 }, () => busy), () => ({ id: 'o1', status: 'SUCCESS' })];
		const { waits, replies, hints, calls } = await ordersOf({ ...waiting(600), answers: { order } });
		expect(waits).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
		expect(replies).toMatchObject([{ status: 'SUCCESS', alreadyPlaced: false }]);
		expect(hints).toEqual([]);
		expect(calls.filter((call) => call.startsWith('order'))).toEqual(Array(6).fill('order o1 until 605000'));
	});

	it('is looked at once more when the time is up', async () => {
		const order = [() => ({ id: 'o1', status: 'SUCCESS' })];
		const { waits, replies, hints } = await ordersOf({ ...waiting(1), answers: { order } });
		expect([waits, replies, hints]).toEqual([[1000], [expect.objectContaining({ status: 'SUCCESS' })], []]);
	});

	it('is given as it is when the time is up, which is said', async () => {
		const { waits, replies, hints } = await ordersOf(waiting(5));
		expect([waits, replies, hints]).toEqual([
			[1000, 2000, 2000],
			[expect.objectContaining({ status: 'PROCESSING' })],
			[OPEN],
		]);
	});

	it.each([
		['no wait is wanted', { wait: false }],
		['the wait is 0', { waitSeconds: 0 }],
	])('is given at once, without a word, where %s', async (_, settings) => {
		const { waits, replies, hints } = await ordersOf(waiting(60, settings));
		expect([waits, replies.length, hints]).toEqual([[], 1, []]);
	});

	it('is given as it was seen last where looking fails; what failed is said, unless it is over', async () => {
		const failing = () => failure('500');
		const failed = await ordersOf({ ...waiting(3), answers: { order: [busy, failing, failing] } });
		expect(failed.hints).toEqual([
			'An order was still PROCESSING when last checked. Checking again failed: Status 500',
		]);
		expect(failed.replies).toMatchObject([{ status: 'PROCESSING' }]);
		world += 1;
		expect((await ordersOf({ ...waiting(3), answers: { order: [failing, busy] } })).hints).toEqual([OPEN]);
	});

	it.each([
		['the run is stopped', { isStopped: true }],
		['the login is refused', { session: { refusedToken: 'x' } }],
	])('is looked at no more where a look fails and %s', async (_, state) => {
		const onWait = (hubble: object) => void Object.assign(hubble, state);
		const order = [() => failure('500'), () => ({ id: 'o1', status: 'SUCCESS' })];
		const { waits, hints } = await ordersOf({ ...waiting(60), onWait, answers: { order } });
		expect([waits, hints.length]).toEqual([[1000], 1]);
	});

	it('shares the pace with all that are open', async () => {
		const settings = { wait: true, waitSeconds: 60 };
		const items = Array.from({ length: 30 }, (_, n) => ({ reference: `r${n}`, email: `${n}@example.com`, settings }));
		const done = () => ({ id: 'o1', status: 'SUCCESS' });
		const order = [...Array.from({ length: 29 }, () => done), busy, done];
		const { waits } = await ordersOf({ items, placed: { status: 'PROCESSING' }, answers: { order } });
		// Those that are done count no more.
		expect([Math.min(...waits), Math.max(...waits.slice(0, 30)), waits[30]]).toEqual([1000, 1500, 2000]);
	});

	it('is followed no longer where another one failed and the run must stop', async () => {
		const settings = { wait: true, waitSeconds: 600 };
		const items = ['r', 's'].map((reference, n) => ({ reference, email: `${n}@example.com`, settings }));
		const answers = { place: [undefined, () => failure('400', 'E150')] };
		const { waits, thrown } = await ordersOf({ items, placed: { status: 'PROCESSING' }, answers, canContinue: false });
		expect([waits.length, thrown?.message]).toEqual([1, 'Status 400']);
	});
});

describe('an order that bought nothing', () => {
	const end = (status: string, more: IDataObject = {}) => ({ placed: { status, ...more } });

	it.each(['FAILED', 'CANCELLED', 'REVERSED'])('fails: %s', async (status) => {
		const { error, replies, failed } = await ordersOf(end(status, { failureReason: 'a secret' }));
		expect([replies, failed[0]?.[2]]).toEqual([[], { brand_id: 'b' }]);
		expect(error).toMatchObject({
			message: `The order o1 ended as ${status}: a ***`,
			description:
				'Nothing was bought with it. Reference: r. Hubble fills each reference once. Use a new reference to order again. X-Request-ID: q3.',
			context: { itemIndex: 0, orderId: 'o1', referenceId: 'r' },
		});
	});

	it('with a reference that was made is ordered again by a new run', async () => {
		const { error } = await ordersOf({ items: [{}], ...end('FAILED', { failureReason: null }) });
		expect(error?.message).toBe('The order o1 ended as FAILED');
		expect(error?.description).toContain(
			'once. To order again, run the workflow again for this item only (a retry returns this order). X-Request',
		);
	});

	it('is given as it is where that is wanted, and so is one that was reversed in part', async () => {
		const items = [{ reference: 'r', settings: { failOnFailed: false } }];
		expect((await ordersOf({ items, ...end('FAILED') })).replies).toMatchObject([{ status: 'FAILED' }]);
		world += 1;
		expect((await ordersOf(end('PARTIALLY_REVERSED'))).replies).toHaveLength(1);
	});

	it('ends a run of which nothing else was bought', async () => {
		const items = ['r', 's'].map((reference, n) => ({ reference, email: `${n}@example.com` }));
		const answers = { place: [() => ({ id: 'o1', status: 'FAILED' }), () => failure('400', 'E150')] };
		const { thrown } = await ordersOf({ items, answers, canContinue: false });
		expect(thrown?.description).toMatch(/^Nothing was bought with it\. .* to order again\. X-Request-ID: \w+\.$/);
	});

	/** What else a run that stops has bought. */
	const besides = (orders: string) =>
		`${orders} but left out of the output: set On Error to Continue (tab Settings), then retry this execution with the saved workflow. A new execution would order again what has no reference of its own.`;

	it.each([
		[1, false, ''],
		[2, false, besides('1 other order of this run was placed')],
		[3, false, besides('2 other orders of this run were placed')],
		[3, true, ''],
	])('ends a run of %i orders, or not (%s)', async (count, canContinue, says) => {
		const items = Array.from({ length: count }, (_, n) => ({ reference: `r${n}`, email: `${n}@example.com` }));
		const answers = { place: [() => ({ id: 'o1', status: 'FAILED' })] };
		const { error, replies } = await ordersOf({ items, answers, canContinue });
		expect(error?.description?.split(/ to order again\. X-Request-ID: \w+\. ?/)[1]).toBe(says);
		expect(replies).toHaveLength(canContinue ? count - 1 : 0);
	});

	it.each([
		['is placed', false, besides('1 other order of this run was placed')],
		['ends as FAILED', false, ''],
		['is in doubt', true, besides('1 other order of this run was placed, or may have been,')],
	])('and a run whose first order is refused and whose second %s', async (status, ever, says) => {
		const items = ['r', 's'].map((reference, n) => ({ reference, email: `${n}@example.com` }));
		const unsure = Array.from({ length: ever ? 6 : 0 }, () => () => failure('500'));
		const answers = { place: [() => failure('400', 'E300'), ...unsure] };
		const placed = { status: status.endsWith('FAILED') ? 'FAILED' : 'SUCCESS' };
		const { thrown } = await ordersOf({ items, answers, placed, canContinue: false });
		expect(thrown?.description).toBe(`The order was not placed. Reference: r. Why.${says && ` ${says}`}`);
	});

	it('and names what an earlier try has placed, though this one did not come to it', async () => {
		const items = Array.from({ length: 41 }, (_, n) => ({ reference: `r${n}`, email: `${n}@example.com` }));
		const [orders, kept] = [new Map<string, IDataObject>(), {}];
		const run = { items, orders, kept, canContinue: false };
		const first = await ordersOf({ ...run, placed: { status: 'PROCESSING' }, canContinue: true });
		expect(first.replies).toHaveLength(41);
		const { thrown, calls } = await ordersOf({ ...run, answers: { look: [() => failure('503')] } });
		expect(calls).toHaveLength(40);
		expect(thrown?.description).toContain(besides('40 other orders of this run were placed, or may have been,'));
		world += 1;
		const unsent = await ordersOf({ ...run, kept: {}, orders: new Map(), answers: { look: [() => failure('503')] } });
		expect(unsent.thrown?.description).toBe('Nothing new was ordered. Reference: r0. Why.');
	});

	it('and names what an earlier retry, of which nothing is known, may have placed', async () => {
		const items = ['r', 's'].map((reference, n) => ({ reference, email: `${n}@example.com` }));
		const retry = { mode: 'retry', kept: { firstExecution: '1', sent: {} }, canContinue: false };
		const { thrown } = await ordersOf({
			items,
			...retry,
			answers: { look: [() => failure('503'), () => failure('503')] },
		});
		expect(thrown?.description).toContain(besides('1 other order of this run was placed, or may have been,'));
	});

	it('and names an order that Hubble returned for another one', async () => {
		const items = ['r', 's'].map((reference, n) => ({ reference, email: `${n}@example.com` }));
		const place = [() => failure('400', 'E300'), () => ({ id: 'o2', status: 'SUCCESS', productId: 'c' })];
		const { thrown } = await ordersOf({ items, answers: { place }, canContinue: false });
		expect(thrown?.description).toContain(besides('1 other order of this run was placed, or may have been,'));
	});

	it('says of those that one was placed and one is in doubt, and of one that is in doubt itself only that', async () => {
		const items = ['r', 's', 't'].map((reference, n) => ({ reference, email: `${n}@example.com` }));
		const unsure = Array.from({ length: 6 }, () => () => failure('500'));
		const place = [() => failure('400', 'E300'), undefined, ...unsure];
		const { thrown } = await ordersOf({ items, answers: { place }, canContinue: false });
		expect(thrown?.description).toContain(besides('2 other orders of this run were placed, or may have been,'));
		world += 1;
		const alone = await ordersOf({ answers: { place: unsure }, canContinue: false });
		expect(alone.thrown?.description).toMatch(/^It is not known .* Retry this execution: .* Why\.$/);
	});
});
