import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { partnerEndpoints, sendAsPartner } from '../shared/client/partner';
import { rowsOf } from '../shared/client/pages';
import type { Call } from '../shared/client/request';
import type { Field } from '../shared/operation/fields';
import type { ClientFilter, Operation, Work } from '../shared/operation/operation';
import { email, freeId, numberIn, text, texts } from '../shared/operation/values';
import { amountOf, type Denomination } from './denominations';
import { placeOrder } from './place';
import { withReferences } from './reference';

/** The resources in the order in which n8n offers them. */
export const giftCardResources = [
	{ name: 'Brand', value: 'brand' },
	{ name: 'Order', value: 'order' },
	{ name: 'Wallet', value: 'wallet' },
];

const brandId: Field = {
	displayName: 'Brand ID',
	name: 'brandId',
	type: 'string',
	default: '',
	required: true,
	description: 'The ID of the brand, which is its product ID',
	toWire: freeId,
};

const orderId: Field = {
	displayName: 'Order ID',
	name: 'orderId',
	type: 'string',
	default: '',
	required: true,
	shownWhen: { by: ['id'] },
	toWire: freeId,
};

/** A reference of at most 40 characters (partner documentation, `referenceId`). */
function reference(value: unknown): string {
	return text(40)(freeId(value));
}

const by: Field = {
	displayName: 'By',
	name: 'by',
	type: 'options',
	noDataExpression: true,
	options: [
		{ name: 'ID', value: 'id', description: 'The ID that Hubble gave to the order' },
		{ name: 'Reference', value: 'reference', description: 'The reference with which the order was placed' },
	],
	default: 'id',
	description: 'How to identify the order',
};

const status: ClientFilter = {
	displayName: 'Status',
	name: 'status',
	type: 'options',
	options: [
		{ name: 'Active', value: 'ACTIVE' },
		{ name: 'Inactive', value: 'INACTIVE' },
	],
	default: 'ACTIVE',
	collection: 'filters',
	description: 'Only brands with this status',
	matches: (brand, wanted) => brand.status === wanted,
};

const categories: ClientFilter = {
	displayName: 'Categories',
	name: 'categories',
	type: 'string',
	typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Category' },
	default: [],
	collection: 'filters',
	description: 'Only brands in at least one of these categories, in upper or lower case',
	toWire: (value) => texts(value)?.map((name) => name.toLowerCase()),
	matches: ({ category }, wanted) =>
		[category].flat().some((name) => (wanted as string[]).includes(String(name).toLowerCase())),
};

/** An amount of money in the unit of the brand's denominations, with at most two decimals. */
function money(min: number) {
	return (value: unknown): number | undefined => {
		const amount = numberIn(min, 1e9, false)(value);
		if (amount !== undefined && Number(amount.toFixed(2)) !== amount)
			throw new Error(`${amount} has more than two decimals`);
		return amount;
	};
}

const inEntry = (index: number, error: unknown) => new Error(`entry ${index + 1}: ${(error as Error).message}`);

/** The denominations as the wire has them. Throws when an entry is no denomination. */
function denominationsOf(value: unknown): Denomination[] | undefined {
	const rows = [(value as IDataObject).denomination ?? []].flat() as IDataObject[];
	const details = rows.map((row, index) => {
		try {
			const [denomination, quantity] = [money(0.01)(row.denomination), numberIn(1, 1000)(row.quantity)];
			if (denomination === undefined || quantity === undefined)
				throw new Error('it needs a denomination and a quantity');
			return { denomination, quantity };
		} catch (error) {
			throw inEntry(index, error);
		}
	});
	return details.length ? details : undefined;
}

const denominations: Field = {
	displayName: 'Denominations',
	name: 'denominations',
	type: 'fixedCollection',
	typeOptions: { multipleValues: true },
	placeholder: 'Add Denomination',
	default: { denomination: [{ denomination: 100, quantity: 1 }] },
	required: true,
	description:
		"What each voucher is worth, in the unit of the brand's denominations, and how many of each. Checked against the brand first.",
	options: [
		{
			displayName: 'Denomination',
			name: 'denomination',
			values: [
				{ displayName: 'Denomination', name: 'denomination', type: 'number', default: 100 },
				{ displayName: 'Quantity', name: 'quantity', type: 'number', typeOptions: { minValue: 1 }, default: 1 },
			],
		},
	],
	toWire: denominationsOf,
};

const customer = (displayName: string, name: string, placeholder: string, toWire: Field['toWire']): Field => ({
	displayName,
	name,
	type: 'string',
	default: '',
	required: true,
	placeholder,
	toWire,
});

const placing = {
	reference: {
		displayName: 'Reference',
		name: 'reference',
		type: 'string',
		default: '',
		description:
			'Hubble sells once for each reference, so a number of your own is best, at most 40 characters. If empty, one is made from the execution and the order: a retry orders nothing twice, a new execution orders again. Required for AI agents and in sub-workflows, and on n8n 1 to retry an execution that was killed.',
		toWire: reference,
	},
	wait: {
		displayName: 'Wait for the Result',
		name: 'wait',
		type: 'boolean',
		default: true,
		description: 'Whether to wait until an order that is PROCESSING is done',
	},
	waitSeconds: {
		displayName: 'Longest Wait',
		name: 'waitSeconds',
		type: 'number',
		typeOptions: { minValue: 1, maxValue: 3600 },
		default: 60,
		required: true,
		description: 'In seconds. After that the order is given as it is.',
		shownWhen: { wait: [true] },
		toWire: numberIn(1, 3600),
	},
	discount: {
		displayName: 'Discount Amount',
		name: 'discountAmount',
		type: 'number',
		default: 0,
		collection: 'additionalFields',
		description: 'The discount that the customer gets',
		toWire: money(0),
	},
} satisfies Record<string, Field>;

/** A reply as one item. */
const one = async ({ hubble, request }: Work): Promise<INodeExecutionData[]> => [
	{ json: (await sendAsPartner(hubble, request)).body },
];

/** Brands in a page. */
const PAGE = 100;

/** Brands by cursor, filtered here. */
async function manyBrands({ hubble, request, hints }: Work): Promise<INodeExecutionData[]> {
	const { clientFilters, limit, isTool } = request;
	const found: IDataObject[] = [];
	const seen = new Set<string>();
	let cursor: string | undefined;
	for (;;) {
		const query = { limit: PAGE, ...(cursor ? { cursor } : {}) };
		const { body, requestId } = await sendAsPartner(hubble, { endpoint: partnerEndpoints.listBrands, query });
		found.push(...rowsOf(body.data).filter((row) => clientFilters.every((keeps) => keeps(row))));
		const next = body.nextCursor;
		const isLast = next === undefined || next === null || next === '';
		if (found.length > limit || (found.length === limit && !isLast)) {
			if (!isTool) hints.add(`More brands exist than the Limit of ${limit}. Turn on Return All, or raise the Limit.`);
			break;
		}
		if (isLast) break;
		cursor = String(next);
		if (seen.has(cursor)) throw new Error(`Hubble gave the same cursor twice. X-Request-ID: ${requestId}.`);
		seen.add(cursor);
	}
	return found.slice(0, limit).map((json) => ({ json }));
}

/** An order by its ID or its reference. */
async function getOrder({ hubble, request }: Work): Promise<INodeExecutionData[]> {
	const { orderId: order_id, reference: byReference } = request.settings as Record<string, string>;
	const call: Call = order_id
		? { endpoint: partnerEndpoints.getOrder, ids: { order_id } }
		: { endpoint: partnerEndpoints.getOrderByReference, ids: { reference: byReference ?? '' } };
	return [{ json: (await sendAsPartner(hubble, call)).body }];
}

/** The calls of Hubble's partner API for gift cards (partner documentation). */
export const giftCardOperations: readonly Operation[] = [
	{
		resource: 'brand',
		name: 'Get',
		value: 'get',
		action: 'Get brand',
		description: 'Get a brand with its denominations and limits',
		endpoint: partnerEndpoints.getBrand,
		inPath: { brand_id: brandId },
		toItems: one,
	},
	{
		resource: 'brand',
		name: 'Get Many',
		value: 'getAll',
		action: 'Get many brands',
		description: 'Get the brands of the catalog, active and inactive ones',
		endpoint: partnerEndpoints.listBrands,
		clientFilters: [categories, status],
		toItems: manyBrands,
	},
	{
		resource: 'order',
		name: 'Get',
		value: 'get',
		action: 'Get order',
		description: 'Get an order with its vouchers. The output holds card numbers and PINs.',
		hasSecrets: true,
		endpoint: partnerEndpoints.getOrder,
		settings: {
			by,
			orderId,
			reference: { ...placing.reference, description: undefined, required: true, shownWhen: { by: ['reference'] } },
		},
		toItems: getOrder,
	},
	{
		resource: 'order',
		name: 'Place',
		value: 'place',
		action: 'Place order',
		description:
			'Buy vouchers of a brand with the money in the wallet, once for each reference. The output holds card numbers and PINs.',
		hasSecrets: true,
		endpoint: partnerEndpoints.placeOrder,
		inPath: { brand_id: brandId },
		inBody: {
			denominationDetails: denominations,
			name: customer('Customer Name', 'customerName', 'e.g. Asha Rao', text(200)),
			phoneNumber: customer('Customer Phone', 'customerPhone', 'e.g. +919812345678', text(30)),
			email: customer('Customer Email', 'customerEmail', 'e.g. asha@example.com', email),
			referenceId: placing.reference,
			discountAmount: placing.discount,
		},
		settings: { wait: placing.wait, waitSeconds: placing.waitSeconds },
		derive: ({ body: { name, phoneNumber, email, ...body } }) => ({
			body: { ...body, customerDetails: { name, phoneNumber, email } },
		}),
		validate: ({ body: { denominationDetails, discountAmount } }) => {
			const amount = amountOf(denominationDetails as unknown as Denomination[]);
			return Number(discountAmount ?? 0) > amount
				? `Parameter "Discount Amount": ${String(discountAmount)} is more than the order's amount of ${amount}`
				: undefined;
		},
		prepare: withReferences,
		toItems: placeOrder,
	},
	{
		resource: 'wallet',
		name: 'Get Balance',
		value: 'getBalance',
		action: 'Get wallet balance',
		description: 'Get the balance of the wallet from which orders are paid',
		endpoint: partnerEndpoints.getBalance,
		toItems: one,
	},
];
