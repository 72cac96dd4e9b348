import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { withoutUndefined } from '../shared/client/json';
import { brandPages, partnerEndpoints } from '../shared/client/partner';
import { choices, picker, textPart, toggle, type Field } from '../shared/operation/fields';
import {
	operation,
	type ClientFilter,
	type ItemRequest,
	type Operation,
	type Work,
} from '../shared/operation/operation';
import { cutOff } from '../shared/operation/rows';
import { email, freeId, numberIn, readRows, text } from '../shared/operation/values';
import { amountOf, type Denomination } from './denominations';
import { placeOrders } from './place';

const brandId = picker('Brand', 'brandId', 'searchBrands', '01HV3Y5ZJ0', {
	description: 'The brand to work on. Its ID is its product ID.',
});

const orderId = {
	displayName: 'Order ID',
	name: 'orderId',
	type: 'string',
	default: '',
	required: true,
	toWire: freeId,
} satisfies Field;

const voucherId: Field = { ...orderId, displayName: 'Voucher ID', name: 'voucherId' };

const by: Field = {
	displayName: 'By',
	name: 'by',
	type: 'options',
	noDataExpression: true,
	options: choices(
		['ID', 'id', 'The ID that Hubble gave to the order'],
		['Reference', 'reference', 'The reference with which the order was placed'],
	),
	default: 'id',
	description: 'How to identify the order',
};

const status: ClientFilter = {
	displayName: 'Status',
	name: 'status',
	type: 'options',
	options: choices(['Active', 'ACTIVE'], ['Inactive', 'INACTIVE']),
	default: 'ACTIVE',
	collection: 'filters',
	description: 'Only brands with this status',
	matches: (brand, wanted) => brand.status === wanted,
};

/** Sent, and compared here too: documents of both ages are in use, and the older ones know no such filter. */
const category: ClientFilter = {
	displayName: 'Category',
	name: 'category',
	type: 'string',
	default: '',
	collection: 'filters',
	description: 'Only brands in this category',
	toWire: text(100),
	matches: ({ category: newer, categories: older }, wanted) =>
		[newer, older].flat().some((name) => String(name).toLowerCase() === String(wanted).toLowerCase()),
};

const search: ClientFilter = {
	displayName: 'Search',
	name: 'search',
	type: 'string',
	default: '',
	collection: 'filters',
	description: 'Only brands that contain this text, for example in their title',
	toWire: text(100),
	matches: (brand, wanted) => JSON.stringify(brand).toLowerCase().includes(String(wanted).toLowerCase()),
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

/** The denominations as the wire has them. Throws when a row is no denomination. */
function denominationsOf(value: unknown): Denomination[] | undefined {
	const details = readRows(value, 'denomination', (row) => {
		const [denomination, quantity] = [money(0.01)(row.denomination), numberIn(1, 1000)(row.quantity)];
		if (denomination === undefined || quantity === undefined) throw new Error('it needs a denomination and a quantity');
		return { denomination, quantity };
	});
	return details.length ? details : undefined;
}

const denominations = {
	displayName: 'Denominations',
	name: 'denominations',
	type: 'fixedCollection',
	typeOptions: { multipleValues: true },
	placeholder: 'Add Denomination',
	// n8n puts the default in the place of a group without rows: a row without a denomination is refused.
	default: { denomination: [{ denomination: '', quantity: 1 }] },
	required: true,
	description:
		"The value of each voucher in the brand's currency, and how many to buy. Checked against the brand before the order is sent.",
	options: [
		{
			displayName: 'Denomination',
			name: 'denomination',
			values: [
				{
					displayName: 'Denomination',
					name: 'denomination',
					type: 'number',
					default: '',
					placeholder: 'e.g. 25',
					description: "In the brand's currency",
				},
				{ displayName: 'Quantity', name: 'quantity', type: 'number', typeOptions: { minValue: 1 }, default: 1 },
			],
		},
	],
	toWire: denominationsOf,
} satisfies Field;

const customer = (displayName: string, name: string, placeholder: string, toWire: Field['toWire']): Field => ({
	...textPart(displayName, name, placeholder),
	collection: 'additionalFields',
	// An order without a customer is for nobody.
	neverBlank: true,
	toWire,
});

const orderReference = {
	...textPart('Reference', 'reference', 'e.g. order-4711'),
	// At most 40 characters (partner documentation, `referenceId`).
	toWire: (value) => text(40)(freeId(value)),
} satisfies Field;

/** What is done about an order beside placing it. */
const placing = {
	spends: {
		displayName:
			'This spends money from your wallet. <b>Execute step</b> is a run, too. Without your own Reference, each run buys again.',
		name: 'spendsNotice',
		type: 'notice',
		default: '',
		standsFirst: true,
	},
	wait: toggle('Wait for the Result', 'wait', true, 'Whether to wait until an order that is PROCESSING is done'),
	waitSeconds: {
		displayName: 'Max Wait (Seconds)',
		name: 'waitSeconds',
		type: 'number',
		typeOptions: { minValue: 1, maxValue: 3600 },
		default: 60,
		required: true,
		description: 'After that the order is returned as it is',
		shownWhen: { wait: [true] },
		toWire: numberIn(1, 3600),
	},
	failOnFailed: {
		...toggle('Fail on Failed Orders', 'failOnFailed', true),
		collection: 'options',
		description: 'Whether an order that ends as FAILED, CANCELLED or REVERSED makes its item fail',
	},
	returnExisting: {
		...toggle('Return Existing Order', 'returnExisting', false),
		collection: 'options',
		description:
			'Whether to return an order that another execution placed with the same reference. Without it the item fails, so that a reference used twice never gives a card to the wrong person.',
	},
} satisfies Record<string, Field>;

/** Brands page by page, those filtered here that Hubble may not filter. */
async function manyBrands(work: Work): Promise<INodeExecutionData[]> {
	const { hubble, request } = work;
	const { clientFilters, limit, query } = request;
	const found: IDataObject[] = [];
	for await (const { rows, isLast } of brandPages(hubble, query)) {
		for (const row of rows) if (clientFilters.every((keeps) => keeps(row))) found.push(row);
		if (found.length < limit || (found.length === limit && isLast)) continue;
		return [...found.slice(0, limit).map((json) => ({ json })), ...cutOff(work, found.length > limit)];
	}
	return found.map((json) => ({ json }));
}

/** What names an order. */
const named = {
	by,
	orderId: { ...orderId, shownWhen: { by: ['id'] } },
	reference: { ...orderReference, required: true, shownWhen: { by: ['reference'] } },
} satisfies Record<string, Field>;

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
	},
	{
		resource: 'brand',
		name: 'Get Many',
		value: 'getAll',
		action: 'Get many brands',
		description: 'Get the brands of the catalog, active and inactive ones',
		endpoint: partnerEndpoints.listBrands,
		inQuery: { q: search, category },
		clientFilters: [category, search, status],
		items: manyBrands,
	},
	operation({
		resource: 'order',
		name: 'Get',
		value: 'get',
		action: 'Get order',
		description: 'Get an order with its vouchers. The output contains card numbers and PINs.',
		hasSecrets: true,
		endpoint: partnerEndpoints.getOrder,
		settings: named,
		derive: ({ settings: { orderId, reference = '' } }): Partial<ItemRequest> =>
			orderId ? { ids: { order_id: orderId } } : { ids: { reference }, endpoint: partnerEndpoints.getOrderByReference },
	}),
	operation({
		resource: 'order',
		name: 'Place',
		value: 'place',
		action: 'Place order',
		description:
			'Buy vouchers of a brand with the money in the wallet, once for each reference. The output contains card numbers and PINs.',
		hasSecrets: true,
		mayRunAgain: true,
		endpoint: partnerEndpoints.placeOrder,
		inPath: { brand_id: brandId },
		inBody: {
			denominationDetails: denominations,
			name: customer('Customer Name', 'customerName', 'e.g. Asha Rao', text(200)),
			phoneNumber: customer('Customer Phone', 'customerPhone', 'e.g. +919812345678', text(30)),
			email: customer('Customer Email', 'customerEmail', 'e.g. asha@example.com', email),
			referenceId: {
				...orderReference,
				hint: 'Without your own order number, each click on Execute step buys again',
				description:
					'Hubble fills each reference once. Use your own order number (up to 40 characters). If empty, the node makes one: retrying an execution does not order again, a new execution does. Required for AI agents, in sub-workflows, and on n8n 1 to retry an execution that was killed or that failed before this node.',
			},
			discountAmount: {
				displayName: 'Discount Amount',
				name: 'discountAmount',
				type: 'number',
				default: 0,
				collection: 'additionalFields',
				description: "The discount that the customer gets, in the brand's currency",
				toWire: money(0),
			},
		},
		settings: placing,
		derive: ({ body: { name, phoneNumber, email, ...body } }) => {
			const customerDetails = withoutUndefined({ name, phoneNumber, email });
			// Partners that sell to companies have no customers to name: for them it may be absent.
			return { body: { ...body, ...(Object.keys(customerDetails).length ? { customerDetails } : {}) } };
		},
		validate: ({ body: { denominationDetails, discountAmount } }) => {
			const amount = amountOf(denominationDetails ?? []);
			return Number(discountAmount ?? 0) > amount
				? `"Discount Amount": ${String(discountAmount)} is more than the order's amount of ${amount}`
				: undefined;
		},
		prepare: placeOrders,
	}),
	{
		resource: 'order',
		name: 'Resend Delivery',
		value: 'resendDelivery',
		action: 'Resend delivery of order',
		description: 'Have Hubble deliver the vouchers of an order to the customer again',
		endpoint: partnerEndpoints.resendDelivery,
		inPath: { order_id: orderId },
		items: async ({ hubble, request }) => [
			{ json: { resent: true, orderId: request.ids.order_id, ...(await hubble.send(request)).body } },
		],
	},
	{
		resource: 'voucher',
		name: 'Get',
		value: 'get',
		action: 'Get voucher',
		description: 'Get a voucher of an order. The output contains its card number and PIN.',
		hasSecrets: true,
		endpoint: partnerEndpoints.getVoucher,
		inPath: { voucher_id: voucherId },
	},
	{
		resource: 'wallet',
		name: 'Get Balance',
		value: 'getBalance',
		action: 'Get wallet balance',
		description: 'Get the balance of the wallet from which orders are paid',
		endpoint: partnerEndpoints.getBalance,
	},
];
