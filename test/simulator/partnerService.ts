/**
 * What a gift-card partner logs in to and orders from, without the HTTP around it (`partner.ts`): Hubble's public
 * partner documents are the judge. They are of two ages, which differ in form; whoever calls must take both.
 */
import { secrets } from './secrets';

/**
 * `today`: pages by `pageNo`, told as an object; the E-number of an error in `id`; `category`; amounts as numbers.
 * `older`: pages by a text `cursor`; the E-number in `code`; `categories`; the amount of a voucher as text.
 */
export type PartnerForm = 'today' | 'older';

export interface PartnerOptions {
	form: PartnerForm;
	/** How long a session lasts, in seconds. */
	sessionS: number;
	/** How long an order of a slow brand is PROCESSING, in ms. */
	slowMs: number;
	/** Money in the wallet, and the balance below which an event tells of it. */
	balance: number;
	threshold: number;
	/** Brands of the catalogue beside those that stand for a case. */
	brands: number;
	/** Each environment has one of its own. */
	clientSecret: string;
	/** Whether an order says for which brand, sum and customer it is, which the documents leave open. */
	echoes: boolean;
	/** Milliseconds on any clock, and what runs later on it. */
	now: () => number;
	later: (ms: number, work: () => void) => void;
}

export type OrderStatus = 'SUCCESS' | 'FAILED' | 'PROCESSING' | 'CANCELLED' | 'REVERSED' | 'PARTIALLY_REVERSED';

export interface PartnerOrder {
	id: string;
	referenceId: string;
	status: OrderStatus;
	vouchers: Array<Record<string, unknown>> | null;
	failureReason: string | null;
}

/** Something that goes wrong, for so many requests. */
export interface PartnerFault {
	call: PartnerCall;
	/** Answer with this status; none: the connection is dropped. */
	status?: number;
	/** Never answer, until the caller gives up. */
	hangs?: boolean;
	/** The call takes effect all the same, only its reply is lost; so many ms later, where it is a number. */
	applied?: boolean | number;
	times?: number;
}

export type PartnerCall =
	'login' | 'brands' | 'brand' | 'place' | 'order' | 'reference' | 'voucher' | 'resend' | 'balance';

/** Call → method and path below `/v1/partners`. */
export const PARTNER_ROUTES: Readonly<Record<PartnerCall, readonly ['GET' | 'POST', string]>> = {
	login: ['POST', '/auth/login'],
	brands: ['GET', '/products'],
	brand: ['GET', '/products/:id'],
	place: ['POST', '/orders'],
	order: ['GET', '/orders/:id'],
	reference: ['GET', '/orders/by-reference/:id'],
	voucher: ['GET', '/orders/vouchers/:id'],
	resend: ['POST', '/orders/:id/resend-delivery'],
	balance: ['GET', '/wallet/balance'],
};

/** What the service reads of a request. */
export interface PartnerRequest {
	requestId: string;
	token: string;
	id: string;
	query: Record<string, unknown>;
	body: unknown;
}

/** What it does with it. */
export type PartnerAnswer = { status: number; body: object } | 'dropped' | 'hangs';

/** What a brand allows; null: no limit. */
export interface Restrictions {
	minOrderAmount: number;
	maxOrderAmount: number;
	minVoucherAmount: number;
	maxVoucherAmount: number;
	maxVouchersPerOrder: number;
	maxVouchersPerDenomination: number | null;
	maxDenominationsPerOrder: number | null;
	denominations: number[];
}

const ID = /^[\w-]{1,60}$/;
const amounts: Restrictions = {
	minOrderAmount: 100,
	maxOrderAmount: 10_000,
	minVoucherAmount: 100,
	maxVoucherAmount: 5000,
	maxVouchersPerOrder: 10,
	maxVouchersPerDenomination: null,
	maxDenominationsPerOrder: null,
	denominations: [100, 500, 1000, 5000],
};
const brand = (id: string, more: object = {}) => ({
	id,
	status: 'ACTIVE',
	title: `Brand ${id}`,
	category: ['FASHION'],
	tags: [],
	denominationType: 'FIXED',
	cardType: 'CARD_AND_PIN_NO_SECURED',
	redemptionType: 'ONLINE_AND_OFFLINE',
	amountRestrictions: amounts,
	voucherExpiryInMonths: 12,
	discountPercentage: null,
	...more,
});
type Brand = ReturnType<typeof brand>;

/** By brand, how an order ends; each is PROCESSING first. */
const ENDINGS: Readonly<Record<string, OrderStatus>> = {
	'brand-slow': 'SUCCESS',
	'brand-failed': 'FAILED',
	'brand-cancelled': 'CANCELLED',
	'brand-reversed': 'REVERSED',
};

/** The words of the E-numbers, which stand beside them. */
const WORDS: Readonly<Record<string, string>> = {
	E001: 'NOT_FOUND',
	E102: 'BRAND_INACTIVE',
	E300: 'INSUFFICIENT_BALANCE',
};

class Refused extends Error {
	constructor(
		readonly status: number,
		readonly code: string,
		message: string,
	) {
		super(message);
	}
}

const bad = (code: string, message: string) => new Refused(400, code, message);

/** The refusal among errors. Throws what is none: the simulator itself has failed then. */
function refusedBy(error: unknown): Refused {
	if (error instanceof Refused) return error;
	throw new Error('The simulator failed', { cause: error });
}

const json = (value: unknown) => (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;

const need = <T>(found: T | undefined): T => {
	if (found === undefined) throw new Refused(404, 'E001', 'Not found');
	return found;
};

/** Throws when a brand does not allow an order. */
function checkLimits(
	{ denominationType, amountRestrictions: limits }: Brand,
	details: ReadonlyArray<Record<string, unknown>>,
	sum: number,
): void {
	for (const { denomination, quantity } of details) {
		const [worth, times] = [Number(denomination), Number(quantity)];
		if (denominationType === 'FIXED' && !limits.denominations.includes(worth))
			throw bad('E152', 'The denomination is not available');
		if (worth < limits.minVoucherAmount || worth > limits.maxVoucherAmount) throw bad('E153', 'The voucher amount');
		if (times > (limits.maxVouchersPerDenomination ?? Infinity)) throw bad('E154', 'Too many of a denomination');
	}
	if (details.length > (limits.maxDenominationsPerOrder ?? Infinity)) throw bad('E155', 'Too many denominations');
	const vouchers = details.reduce((all, { quantity }) => all + Number(quantity), 0);
	if (vouchers > limits.maxVouchersPerOrder) throw bad('E156', 'Too many vouchers');
	if (sum < limits.minOrderAmount || sum > limits.maxOrderAmount) throw bad('E157', 'The amount of the order');
}

/** What of an order's body can be judged by itself; throws where it is not of the documented form. */
function checkedOrder(body: Record<string, unknown>) {
	const { productId, referenceId, amount, denominationDetails, customerDetails, discountAmount, ...rest } = body;
	if (Object.keys(rest).length) throw bad('E150', `unknown fields ${Object.keys(rest).join(', ')}`);
	if (typeof referenceId !== 'string' || !referenceId || referenceId.length > 40)
		throw bad('E150', 'referenceId must have 1 to 40 characters');
	if (discountAmount !== undefined && typeof discountAmount !== 'number') throw bad('E150', 'discountAmount');
	const { name, phoneNumber, email, ...others } = json(customerDetails);
	const given = [name, phoneNumber, email].filter((one) => one !== undefined);
	if (given.some((text) => typeof text !== 'string' || !text) || Object.keys(others).length)
		throw bad('E150', 'customerDetails takes name, phoneNumber and email');
	const details = (Array.isArray(denominationDetails) ? denominationDetails : []).map(json);
	const sum = details.reduce((all, { denomination, quantity }) => all + Number(denomination) * Number(quantity), 0);
	return { productId: String(productId), referenceId, amount, details, sum, customerDetails };
}

/** @param tell where events go */
export function partnerService(
	given: Partial<PartnerOptions> & Pick<PartnerOptions, 'later'>,
	tell: (event: object) => void = () => {},
) {
	const options: PartnerOptions = {
		form: 'today',
		sessionS: 3600,
		slowMs: 300,
		balance: 1e9,
		threshold: 100,
		brands: 120,
		clientSecret: 'partner-client-secret',
		echoes: false,
		now: () => performance.now(),
		...given,
	};
	const isOlder = options.form === 'older';
	const clientId = 'partner-client';
	const { clientSecret } = options;
	secrets.add(clientSecret);
	const brands = new Map(
		[
			brand('brand-1'),
			brand('brand-flexible', { denominationType: 'FLEXIBLE', category: ['FOOD'], title: 'Spice Bazaar' }),
			brand('brand-inactive', { status: 'INACTIVE' }),
			...Object.keys(ENDINGS).map((id) => brand(id)),
			...Array.from({ length: options.brands }, (_, k) => brand(`catalogue-${k}`)),
		].map((one) => [one.id, one]),
	);
	const orders = new Map<string, PartnerOrder>();
	const byReference = new Map<string, PartnerOrder>();
	const vouchersById = new Map<string, Record<string, unknown>>();
	const placed: Array<{ referenceId: string; email: string; amount: number }> = [];
	const resent: string[] = [];
	/** Token → when it ends. */
	const tokens = new Map<string, number>();
	const faults: PartnerFault[] = [];
	const calls: Partial<Record<PartnerCall, number>> = {};
	const state = { balance: options.balance, allowListed: true };
	let logins = 0;

	function finish(order: PartnerOrder, status: OrderStatus, vouchers: PartnerOrder['vouchers']): void {
		order.status = status;
		if (status === 'SUCCESS') order.vouchers = vouchers;
		else order.failureReason = `The order is ${status}`;
		tell({ id: order.id, status });
	}

	/** Takes an order. Whatever else a body says, a reference that is known is the order that it was. */
	function place(body: Record<string, unknown>): PartnerOrder {
		const { productId, referenceId, amount, details, sum, customerDetails } = checkedOrder(body);
		const known = byReference.get(referenceId);
		if (known) return known;
		const found = need(brands.get(productId));
		if (found.status !== 'ACTIVE') throw bad('E102', 'The brand is inactive');
		if (!details.length || sum !== amount) throw bad('E151', 'amount is not the sum of the denominations');
		checkLimits(found, details, sum);
		if (sum > state.balance) throw bad('E300', 'The balance is too low');
		state.balance -= sum;
		if (state.balance < options.threshold) tell({ balance: state.balance, threshold: options.threshold });
		const count = orders.size + 1;
		const vouchers = details
			.flatMap(({ denomination, quantity }) => Array<unknown>(Number(quantity)).fill(denomination))
			.map((worth, k) => ({
				id: `voucher-${count}-${k}`,
				cardType: 'CARD_AND_PIN_NO_SECURED',
				cardNumber: `60001234${String(count).padStart(6, '0')}${k}`,
				cardPin: `PIN7${String(count).padStart(6, '0')}${k}`,
				validTill: '2027-12-31',
				amount: isOlder ? String(worth) : worth,
			}));
		for (const one of vouchers) {
			secrets.add(one.cardNumber).add(one.cardPin);
			vouchersById.set(one.id, one);
		}
		const order: PartnerOrder = {
			id: `order-${count}`,
			referenceId,
			status: 'PROCESSING',
			vouchers: null,
			failureReason: null,
			...(options.echoes ? { productId, amount, customerDetails } : {}),
		};
		orders.set(order.id, order);
		byReference.set(referenceId, order);
		placed.push({ referenceId, email: String(json(customerDetails).email), amount: sum });
		const ending = ENDINGS[found.id];
		if (ending) options.later(options.slowMs, () => finish(order, ending, vouchers));
		else finish(order, 'SUCCESS', vouchers);
		return order;
	}

	const shown = ({ category, ...one }: Brand) => (isOlder ? { ...one, categories: category } : { ...one, category });

	function listBrands(query: Record<string, unknown>) {
		const { limit = 20, cursor, pageNo, q, category, ...rest } = query;
		const size = Number(limit);
		const start = isOlder ? Number(cursor ?? 0) : Number(pageNo ?? 0) * size;
		const isForeign = Object.keys(rest).length || (isOlder ? [pageNo, q, category] : [cursor]).some((one) => one);
		if (isForeign || !(size >= 1 && size <= 100) || !(start >= 0)) throw bad('E150', 'unknown or wrong query');
		const found = [...brands.values()]
			.filter((one) => !q || one.title.toLowerCase().includes(String(q).toLowerCase()))
			.filter((one) => !category || one.category.includes(String(category).toUpperCase()));
		const end = start + size;
		const next = isOlder ? String(end) : { pageNo: Number(pageNo ?? 0) + 1, limit: size };
		return { data: found.slice(start, end).map(shown), nextCursor: end < found.length ? next : null };
	}

	function logIn(body: Record<string, unknown>) {
		if (!body.clientId || !body.clientSecret) throw bad('E150', 'clientId and clientSecret are needed');
		if (body.clientId !== clientId || body.clientSecret !== clientSecret)
			throw new Refused(401, 'UNAUTHORIZED', 'The credentials are wrong');
		const token = `session-${logins++}-${Math.random().toString(36).slice(2)}`;
		secrets.add(token);
		tokens.set(token, options.now() + 1000 * options.sessionS);
		return { token, expiresInSecs: options.sessionS };
	}

	const known = (id: string) => {
		if (!ID.test(id)) throw new Refused(404, 'E001', 'Not found');
		return id;
	};
	const work: Record<PartnerCall, (request: PartnerRequest) => object> = {
		login: ({ body }) => logIn(json(body)),
		brands: ({ query }) => listBrands(query),
		brand: ({ id }) => shown(need(brands.get(known(id)))),
		place: ({ body }) => ({ ...place(json(body)) }),
		order: ({ id }) => ({ ...need(orders.get(known(id))) }),
		reference: ({ id }) => ({ ...need(byReference.get(known(id))) }),
		voucher: ({ id }) => ({ ...need(vouchersById.get(known(id))) }),
		resend: ({ id }) => {
			resent.push(need(orders.get(known(id))).id);
			return { message: 'The vouchers are on their way to the customer again' };
		},
		balance: () => ({ balance: state.balance }),
	};

	const refusal = ({ status, code, message }: Refused, requestId: string): PartnerAnswer => {
		const names = isOlder ? { id: requestId, code } : { id: code, code: WORDS[code] ?? 'REFUSED' };
		return { status, body: { ...names, message, requestId } };
	};

	/** The fault that meets this call, if one does. */
	function faultOf(call: PartnerCall): PartnerFault | undefined {
		const index = faults.findIndex((one) => one.call === call);
		const fault = faults[index];
		if (!fault) return undefined;
		fault.times = (fault.times ?? 1) - 1;
		if (fault.times <= 0) faults.splice(index, 1);
		return fault;
	}

	/** What a lost call does all the same; what refuses it then, nobody hears. */
	function apply(call: PartnerCall, request: PartnerRequest): void {
		try {
			work[call](request);
		} catch (error) {
			refusedBy(error);
		}
	}

	/** Judges a request in this order: request id, address, fault, session, then the call itself. */
	function answer(call: PartnerCall, request: PartnerRequest, fault = faultOf(call)): PartnerAnswer {
		calls[call] = (calls[call] ?? 0) + 1;
		const { requestId, token } = request;
		if (!requestId) return refusal(bad('E150', 'X-REQUEST-ID is required'), requestId);
		if (!state.allowListed) return refusal(new Refused(403, 'FORBIDDEN', 'The address is not allowed'), requestId);
		if (fault) {
			if (typeof fault.applied === 'number') options.later(fault.applied, () => apply(call, request));
			else if (fault.applied) apply(call, request);
			if (fault.hangs) return 'hangs';
			if (fault.status === undefined) return 'dropped';
			return refusal(new Refused(fault.status, 'SCRIPTED', 'A scripted fault'), requestId);
		}
		if (call !== 'login' && !((tokens.get(token) ?? 0) > options.now()))
			return refusal(new Refused(401, 'UNAUTHORIZED', 'The session is over'), requestId);
		try {
			return { status: 200, body: work[call](request) };
		} catch (error) {
			return refusal(refusedBy(error), requestId);
		}
	}

	return {
		answer,
		clientId,
		clientSecret,
		/** The brands that stand for a case, by their IDs. */
		cases: [...brands.keys()].filter((id) => !id.startsWith('catalogue-')),
		brands,
		orders,
		byReference,
		/** For whom each order was placed, and its amount. */
		placed,
		/** The orders whose vouchers were delivered again. */
		resent,
		/** Scripted faults that are still to come; push to add one. */
		faults,
		/** Requests by call. */
		calls,
		/** May be changed: the balance, whether the caller's address is on the list. */
		state,
		/** Sets the balance and tells of it when it is low. */
		setBalance(balance: number): void {
			state.balance = balance;
			if (balance < options.threshold) tell({ balance, threshold: options.threshold });
		},
		/** Tells again of an order, as it is now. */
		tellAgain: ({ id, status }: PartnerOrder): void => tell({ id, status }),
		/** Ends every session, as Hubble may at any time. */
		endSessions: () => tokens.clear(),
		/** Changes a brand and tells of it. */
		setBrand(id: string, change: { status: string }): void {
			const { denominationType, amountRestrictions } = Object.assign(need(brands.get(id)), change);
			tell({ id, denominationType, amountRestrictions, ...change });
		},
	};
}
