/** The reference that is made for an order: the same one in every retry, another one for everything else. */
import { n8nLine } from '../integration/n8nLine';
import type { IDataObject, IExecuteFunctions, NodeOperationError } from 'n8n-workflow';
import { HubbleGiftCard } from '../../nodes/HubbleGiftCard/HubbleGiftCard.node';
import { errandsOf } from '../../nodes/HubbleGiftCard/reference';

interface Surroundings {
	/** What n8n stores with the execution; lost when n8n is killed. */
	kept?: IDataObject;
	executionId?: string;
	mode?: string;
	/** Of n8n 2. */
	token?: string;
	/** Where n8n resumes the execution. */
	url?: string;
	runIndex?: number;
	/** Which n8n and workflow it is, and the name of the node. */
	/** Whether one of n8n's own agents runs the node, without an execution. */
	isOutside?: boolean;
	place?: { instance?: string; workflow?: string; node?: string; name?: string };
}

function contextOf({
	kept = {},
	executionId = '1',
	mode = 'webhook',
	token,
	runIndex = 0,
	place = {},
	isOutside = false,
	...more
}: Surroundings) {
	const { url = `http://n8n/webhook-waiting/${executionId}${token ? `?form=1&signature=${token}` : ''}` } = more;
	const { instance = 'instance', workflow = 'workflow', node: id = 'node', name = 'Order' } = place;
	return {
		getContext: (type: string) => {
			if (isOutside) throw new Error('`executionData` is not initialized');
			return type === 'node' ? kept : undefined;
		},
		getExecutionId: () => (isOutside ? undefined : executionId),
		getMode: () => mode,
		getInstanceId: () => instance,
		getWorkflow: () => ({ id: workflow }),
		getNode: () => ({ id, name, type: 'n8n-nodes-hubble.hubbleGiftCard' }),
		evaluateExpression: (expression: string) => (expression.includes('$runIndex') ? runIndex : url),
	} as unknown as IExecuteFunctions;
}

const order = (email: string, denomination = 100) => ({
	itemIndex: 0,
	isTool: false,
	ids: { brand_id: 'brand-1' },
	settings: {},
	body: {
		denominationDetails: [{ denomination, quantity: 1 }],
		customerDetails: { name: 'Asha', phoneNumber: '1', email },
	},
});

/** The references of orders, and what was refused instead. */
function made(surroundings: Surroundings, orders = [order('a@example.com'), order('b@example.com')]) {
	const refused: string[] = [];
	const descriptions: string[] = [];
	const fail = (itemIndex: number, error: NodeOperationError, ids: object) => {
		descriptions.push(String(error.description));
		expect(error).toMatchObject({ context: { itemIndex }, description: expect.stringContaining('Nothing was sent') });
		expect(ids).toBe(orders[itemIndex]?.ids);
		refused.push(error.message);
	};
	const requests = orders.map((one, itemIndex) => ({ ...one, itemIndex }));
	const given = errandsOf({ context: contextOf(surroundings), requests, fail } as never);
	expect(given.length + refused.length).toBe(orders.length);
	return {
		references: given.map(({ reference }) => reference),
		refused,
		descriptions,
		owners: given.map(({ owner }) => owner),
		places: given.map(({ request }) => request.itemIndex),
		errands: given,
	};
}

/** The reference of an order that is alone in its run. */
const alone = (one: ReturnType<typeof order>, surroundings: Surroundings = {}) =>
	made(surroundings, [one]).references[0];

const byCustomer = (customerDetails: IDataObject) => {
	const one = order('');
	return { ...one, body: { ...one.body, customerDetails } } as ReturnType<typeof order>;
};

it('P15: differs by n8n, workflow, node, execution, brand, denomination, customer and count, and has 36 characters', () => {
	const a = order('a@example.com');
	const references = [
		...made({}, [a, a]).references,
		alone(a, { executionId: '2' }),
		alone(a, { token: 'token' }),
		alone(a, { token: 'another' }),
		...[{ instance: 'other' }, { workflow: 'other' }, { node: 'other' }].map((place) => alone(a, { place })),
		alone(order('a@example.com', 200)),
		alone({ ...a, ids: { brand_id: 'brand-2' } }),
		alone(order('b@example.com')),
		alone(byCustomer({ phoneNumber: '2', name: 'Asha' })),
		alone(byCustomer({ name: 'Asha' })),
		alone(byCustomer({ name: 'Ravi' })),
	];
	expect(new Set(references).size).toBe(references.length);
	expect(new Set(references.map((one) => one?.length))).toEqual(new Set([36]));
});

describe('names the node', () => {
	const [a, other] = [order('a@example.com'), { name: 'Other' }];
	afterEach(() => {
		n8nLine.is1 = false;
	});

	it('by its ID: it may get another name before a retry', () => {
		expect(alone(a, { place: other })).toBe(alone(a));
	});

	it('as it was named when the execution began, also where n8n 2 retries what n8n 1 has stored', () => {
		const kept = {};
		n8nLine.is1 = true;
		const first = alone(a, { kept });
		n8nLine.is1 = false;
		expect(alone(a, { kept, mode: 'retry', executionId: '2', token: 'token' })).toBe(first);
	});

	it('by its name in n8n 1, where two nodes of a workflow may have one ID', () => {
		n8nLine.is1 = true;
		expect(alone(a, { place: other })).not.toBe(alone(a));
	});
});

it('P14: is the same for one customer, however it is spelled, and for the denominations in any order', () => {
	const email = { email: 'a@example.com' };
	expect(alone(byCustomer({ email: ' A@example.com ', name: 'B', phoneNumber: '9' }))).toBe(alone(byCustomer(email)));
	expect(alone(byCustomer({ phoneNumber: '+91 (22) 1-2' }))).toBe(alone(byCustomer({ phoneNumber: '912212' })));
	const [one, two] = [100, 500].map((denomination) => ({ denomination, quantity: 1 }));
	const split = (...details: unknown[]) => {
		const a = order('a@example.com');
		return { ...a, body: { ...a.body, denominationDetails: details } } as typeof a;
	};
	expect(alone(split(one, two))).toBe(alone(split(two, one)));
});

const MAY_BE_PLACED =
	/^It is not known whether the execution that is retried placed this order: look for it at Hubble /;

it('is not made for an AI agent, nor after a kill where no customer tells the orders apart', () => {
	const why = 'it is required when an AI agent places orders';
	const a = order('a@example.com');
	const nobody = byCustomer({});
	expect(made({}, [{ ...a, isTool: true }]).refused.join()).toContain(why.slice(3));
	expect(made({ kept: { isAfterKill: true } }, [nobody]).refused.join()).toContain(
		'is required in a retry in which n8n does not tell whether this node has run',
	);
	expect(made({}, [{ ...a, isTool: true }]).descriptions.join()).toMatch(/^Give each order /);
	expect(made({ kept: { isAfterKill: true } }, [nobody]).descriptions.join()).toMatch(MAY_BE_PLACED);
	expect(alone(a, { kept: { isAfterKill: true } })).toBeDefined();
	expect(alone(nobody)).toBeDefined();
});

it('is the same in a loop that goes on after a kill, where the first runs are left out', () => {
	const kept = {};
	const token = 'token';
	const [a, b] = [order('a@example.com'), order('b@example.com')];
	const runs = [a, b, a].map((one, runIndex) => made({ kept, token, runIndex }, [one]).references[0]);
	expect(new Set(runs).size).toBe(3);
	const retry = { kept: {}, token, executionId: '2', mode: 'retry' };
	expect([b, a].map((one, runIndex) => made({ ...retry, runIndex }, [one]).references[0])).toEqual([runs[1], runs[0]]);
});

it('differs by the run of the node in a loop; a run that failed and is tried again is the same one', () => {
	const kept = {};
	const first = made({ kept });
	expect(made({ kept })).toEqual(first);
	const later = [1, 2].flatMap((runIndex) => made({ kept, runIndex }).references);
	expect(new Set([...first.references, ...later]).size).toBe(6);
	const own = { ...order('a@example.com'), body: { ...order('a@example.com').body, referenceId: 'r' } } as never;
	const owners = [0, 0, 1].map((runIndex) => made({ kept: {}, runIndex }, [own]).errands[0]?.owner);
	expect([owners[0] === owners[1], owners[0] === owners[2]]).toEqual([true, false]);
});

it('is told by the last part of the URL that resumes the execution, where there is one', () => {
	const a = order('a@example.com');
	expect(alone(a, { url: '' })).toBe(alone(a));
	const url = 'http://n8n/webhook-waiting/1?signature=token';
	expect(alone(a, { url })).toBe(alone(a, { token: 'token' }));
});

it('comes with what is ordered: the brand, the denominations and their amount', () => {
	const own = { ...order('a@example.com'), body: { ...order('a@example.com').body, referenceId: 'r' } } as never;
	const ordered = { brandId: 'brand-1', details: [{ denomination: 100, quantity: 1 }], amount: 100 };
	expect(made({}, [order('a@example.com')]).errands).toMatchObject([{ ...ordered, isMade: true }]);
	expect(made({}, [own]).errands).toMatchObject([{ ...ordered, isMade: false, reference: 'r' }]);
});

describe('in a retry, which has an execution ID of its own,', () => {
	it.each([
		['n8n 2 has stored the execution', 'token', true],
		['n8n 2 was killed', 'token', false],
		['n8n 1 has stored the execution', undefined, true],
	])('is the same when %s', (_, token, isStored) => {
		const kept = {};
		const first = made({ kept, token });
		const again = made({ kept: isStored ? kept : {}, token, executionId: '2', mode: 'retry' });
		expect(again).toEqual(first);
		expect(first.references).toHaveLength(2);
	});

	it('is not made when n8n 1 was killed', () => {
		const { references, refused, descriptions } = made({ executionId: '2', mode: 'retry' });
		expect(descriptions[0]).toMatch(MAY_BE_PLACED);
		expect(references).toEqual([]);
		expect(refused).toHaveLength(2);
		expect(refused[0]).toMatch(/^"Reference" is required in a retry in which n8n tells neither/);
	});
});

it('is not made in a sub-workflow, which is a new execution at each call', () => {
	const { references, refused } = made({ mode: 'integrated' });
	expect(references).toEqual([]);
	expect(refused[0]).toMatch(/^"Reference" is required in a sub-workflow/);
});

describe('of the user', () => {
	const own = (email: string, settings = {}) => ({
		...order(email),
		settings,
		body: { ...order(email).body, referenceId: 'birthday' },
	});

	it('names one item of a run: two equal ones may be two people', () => {
		const { references, refused } = made({}, [own('a@example.com'), own('A@example.com'), own('b@example.com')]);
		expect(references).toEqual(['birthday']);
		expect(refused).toEqual(Array(2).fill('"Reference": "birthday" is also the reference of another item of this run'));
	});

	it('names one order where the existing one is wanted', () => {
		const wanted = { returnExisting: true };
		const orders = [own('a@example.com', wanted), own('A@example.com', wanted), own('b@example.com', wanted)];
		const { references, places } = made({}, orders);
		expect([references, places]).toEqual([
			['birthday', 'birthday'],
			[0, 1],
		]);
	});

	it('has an owner of its own wherever a node runs without an execution', () => {
		const outside = () => made({ isOutside: true, executionId: '' }, [own('a@example.com')]);
		expect(outside().references).toEqual(['birthday']);
		expect(outside().owners).not.toEqual(outside().owners);
	});

	it('has an owner: the same in a retry, another one in another execution, run or order', () => {
		const kept = {};
		const first = made({ kept }, [own('a@example.com')]).owners;
		expect(made({ kept, executionId: '2', mode: 'retry' }, [own('a@example.com')]).owners).toEqual(first);
		const others = [
			made({ kept, runIndex: 1 }, [own('a@example.com')]),
			made({ executionId: '2' }, [own('a@example.com')]),
			made({ executionId: '3', mode: 'retry' }, [own('a@example.com')]),
			made({ executionId: '4', mode: 'retry' }, [own('a@example.com')]),
			made({}, [own('b@example.com')]),
		];
		expect(new Set([...first, ...others.flatMap(({ owners }) => owners)]).size).toBe(6);
	});
});

it('can be made in a retry of what failed before it sent anything, also on n8n 1', async () => {
	const kept: IDataObject = {};
	const context = {
		...contextOf({ kept, executionId: '7' }),
		getNodeParameter: (name: string) => ({ resource: 'order', operation: 'place' })[name],
		getInputData: () => [{ json: {} }],
		getCredentials: () => Promise.reject(new Error('no credential')),
		getExecutionCancelSignal: () => undefined,
		continueOnFail: () => false,
	} as unknown as IExecuteFunctions;
	await expect(new HubbleGiftCard().execute.call(context)).rejects.toThrow('no credential');
	const nobody = order('');
	nobody.body.customerDetails = { name: '', phoneNumber: '', email: '' };
	const orders = [order('a@example.com'), nobody];
	const retry = made({ kept, executionId: '8', mode: 'retry' }, orders);
	expect(retry).toEqual(made({ executionId: '7' }, orders));
	expect(JSON.stringify(made({ executionId: '8', mode: 'retry' }, orders))).not.toBe(JSON.stringify(retry));
});
