/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- a server */
import { secrets } from './secrets';
import axios from 'axios';
import Base64 from 'crypto-js/enc-base64';
import hmacSHA256 from 'crypto-js/hmac-sha256';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Hubble's second service on localhost: what a gift-card partner logs in to, orders from and is told by. */
export interface PartnerOptions {
	port: number;
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
}

export interface PartnerOrder {
	id: string;
	referenceId: string;
	status: 'SUCCESS' | 'FAILED' | 'PROCESSING' | 'CANCELLED' | 'REVERSED';
	vouchers: Array<Record<string, unknown>> | null;
	failureReason: string | null;
}

/** Something that goes wrong, for so many requests. */
export interface PartnerFault {
	call: 'login' | 'brands' | 'brand' | 'place' | 'order' | 'reference' | 'balance';
	/** Answer with this status; none: the connection is dropped. */
	status?: number;
	/** Never answer, until the caller gives up. */
	hangs?: boolean;
	/** The call takes effect all the same, only its reply is lost. */
	applied?: boolean;
	times?: number;
}

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
	redemptionType: 'BOTH',
	amountRestrictions: amounts,
	voucherExpiryInMonths: 12,
	discountPercentage: null,
	...more,
});

/** By brand, how an order ends that is not a success; each is PROCESSING first. */
const ENDINGS: Readonly<Record<string, PartnerOrder['status']>> = {
	'brand-slow': 'SUCCESS',
	'brand-failed': 'FAILED',
	'brand-cancelled': 'CANCELLED',
	'brand-reversed': 'REVERSED',
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

/** Throws when a brand does not allow an order. */
function checkLimits(
	{ denominationType, amountRestrictions: limits }: ReturnType<typeof brand>,
	details: ReadonlyArray<Record<string, unknown>>,
	sum: number,
): void {
	const bad = (code: string, message: string) => new Refused(400, code, message);
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

export type PartnerSimulator = Awaited<ReturnType<typeof startPartnerSimulator>>;

/** Starts the service; its events go to `eventsUrl`, once that is set. */
export async function startPartnerSimulator(given: Partial<PartnerOptions> = {}) {
	const options = {
		port: 0,
		sessionS: 3600,
		slowMs: 300,
		balance: 1e9,
		threshold: 100,
		brands: 120,
		clientSecret: 'partner-client-secret',
		...given,
	};
	const clientId = 'partner-client';
	const { clientSecret } = options;
	const webhookSecret = 'demo-partner';
	for (const secret of [clientSecret, webhookSecret]) secrets.add(secret);
	const brands = new Map(
		[
			brand('brand-1'),
			brand('brand-flexible', { denominationType: 'FLEXIBLE', category: ['FOOD'] }),
			brand('brand-inactive', { status: 'INACTIVE' }),
			...Object.keys(ENDINGS).map((id) => brand(id)),
			...Array.from({ length: options.brands }, (_, k) => brand(`catalogue-${k}`)),
		].map((one) => [one.id, one]),
	);
	const orders = new Map<string, PartnerOrder>();
	const byReference = new Map<string, PartnerOrder>();
	const placed: Array<{ referenceId: string; email: string }> = [];
	const tokens = new Set<string>();
	const faults: PartnerFault[] = [];
	const calls: Record<string, number> = {};
	const log: Array<{ route: string; path: string }> = [];
	const timers = new Set<NodeJS.Timeout>();
	const state = { balance: options.balance, eventsUrl: '', allowListed: true };
	let count = 0;

	const json = (value: unknown) =>
		(typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;

	async function tell(event: object): Promise<void> {
		if (!state.eventsUrl) return;
		const body = JSON.stringify(event);
		const headers = {
			'Content-Type': 'application/json',
			'X-Verify': Base64.stringify(hmacSHA256(body, webhookSecret)),
		};
		await axios.post(state.eventsUrl, Buffer.from(body), { headers, proxy: false, validateStatus: () => true });
	}

	function finish(order: PartnerOrder, status: PartnerOrder['status'], vouchers: PartnerOrder['vouchers']): void {
		order.status = status;
		if (status === 'SUCCESS') order.vouchers = vouchers;
		else order.failureReason = `The order is ${status}`;
		void tell({ id: order.id, status }).catch(() => undefined);
	}

	function place(body: Record<string, unknown>): PartnerOrder {
		const { productId, referenceId, amount, denominationDetails, customerDetails, discountAmount, ...rest } = body;
		const bad = (code: string, message: string) => new Refused(400, code, message);
		if (Object.keys(rest).length) throw bad('E150', `unknown fields ${Object.keys(rest).join(', ')}`);
		if (typeof referenceId !== 'string' || !referenceId || referenceId.length > 40)
			throw bad('E150', 'referenceId must have 1 to 40 characters');
		const known = byReference.get(referenceId);
		if (known) return known;
		if (discountAmount !== undefined && typeof discountAmount !== 'number') throw bad('E150', 'discountAmount');
		const { name, phoneNumber, email, ...others } = json(customerDetails);
		if ([name, phoneNumber, email].some((text) => typeof text !== 'string' || !text) || Object.keys(others).length)
			throw bad('E150', 'customerDetails needs name, phoneNumber and email');
		const found = brands.get(String(productId));
		if (!found) throw new Refused(404, 'E001', 'The product was not found');
		if (found.status !== 'ACTIVE') throw bad('E102', 'The brand is inactive');
		const details = (Array.isArray(denominationDetails) ? denominationDetails : []).map(json);
		const sum = details.reduce((all, { denomination, quantity }) => all + Number(denomination) * Number(quantity), 0);
		if (!details.length || sum !== amount) throw bad('E151', 'amount is not the sum of the denominations');
		checkLimits(found, details, sum);
		if (sum > state.balance) throw bad('E300', 'The balance is too low');
		state.balance -= sum;
		if (state.balance < options.threshold)
			void tell({ balance: state.balance, threshold: options.threshold }).catch(() => undefined);
		count += 1;
		const vouchers = details.flatMap(({ denomination, quantity }) =>
			Array.from({ length: Number(quantity) }, (_, k) => ({
				id: `voucher-${count}-${k}`,
				cardType: 'CARD_AND_PIN_NO_SECURED',
				cardNumber: `60001234${String(count).padStart(6, '0')}${k}`,
				cardPin: `PIN7${String(count).padStart(6, '0')}${k}`,
				validTill: '2027-12-31',
				amount: denomination,
			})),
		);
		for (const { cardNumber, cardPin } of vouchers) secrets.add(cardNumber).add(cardPin);
		const order: PartnerOrder = {
			id: `order-${count}`,
			referenceId,
			status: 'PROCESSING',
			vouchers: null,
			failureReason: null,
		};
		orders.set(order.id, order);
		byReference.set(referenceId, order);
		placed.push({ referenceId, email: String(email) });
		const ending = ENDINGS[found.id];
		if (!ending) finish(order, 'SUCCESS', vouchers);
		else {
			const timer = setTimeout(() => {
				timers.delete(timer);
				finish(order, ending, vouchers);
			}, options.slowMs);
			timers.add(timer);
		}
		return order;
	}

	const need = <T>(found: T | undefined): T => {
		if (found === undefined) throw new Refused(404, 'E001', 'Not found');
		return found;
	};

	function listBrands(query: Record<string, unknown>) {
		const { limit = 20, cursor = 0, ...rest } = query;
		const [size, start] = [Number(limit), Number(cursor)];
		if (Object.keys(rest).length || !(size >= 1 && size <= 100) || !(start >= 0))
			throw new Refused(400, 'E150', 'unknown or wrong query');
		const end = start + size;
		return { data: [...brands.values()].slice(start, end), nextCursor: end < brands.size ? String(end) : null };
	}

	function logIn(body: Record<string, unknown>) {
		if (!body.clientId || !body.clientSecret) throw new Refused(400, 'E150', 'clientId and clientSecret are needed');
		if (body.clientId !== clientId || body.clientSecret !== clientSecret)
			throw new Refused(401, 'E401', 'The credentials are wrong');
		const token = `session-${tokens.size}-${Math.random().toString(36).slice(2)}`;
		secrets.add(token);
		tokens.add(token);
		return { token, expiresInSecs: options.sessionS };
	}

	const app = fastify({ logger: false, forceCloseConnections: true });
	app.addHook('onRequest', async ({ method, url, routeOptions }) => {
		log.push({ route: `${method} ${routeOptions.url ?? 'nowhere'}`, path: url.split('?')[0] ?? '' });
	});

	/** Judges a request in this order: request id, address, fault, session, then the call itself. */
	const handle =
		(call: PartnerFault['call'], answer: (request: FastifyRequest) => unknown) =>
		async (request: FastifyRequest, reply: FastifyReply) => {
			calls[call] = (calls[call] ?? 0) + 1;
			const requestId = String(request.headers['x-request-id'] ?? '');
			const refuse = (status: number, code: string, message: string) =>
				reply.code(status).send({ id: requestId, code, message, requestId });
			if (!requestId) return refuse(400, 'E150', 'X-REQUEST-ID is required');
			if (!state.allowListed) return refuse(403, 'E403', 'The address is not allowed');
			const index = faults.findIndex((one) => one.call === call);
			const fault = faults[index];
			if (fault) {
				fault.times = (fault.times ?? 1) - 1;
				if (fault.times <= 0) faults.splice(index, 1);
				if (fault.applied) answer(request);
				if (fault.hangs)
					return await new Promise((done) => request.raw.socket.once('close', () => done(reply.hijack())));
				if (fault.status !== undefined) return refuse(fault.status, 'E500', 'A scripted fault');
				request.raw.socket.destroy();
				return reply;
			}
			const token = String(request.headers.authorization ?? '').replace(/^Bearer /, '');
			if (call !== 'login' && !tokens.has(token)) return refuse(401, 'E401', 'The session is over');
			try {
				return answer(request);
			} catch (error) {
				if (!(error instanceof Refused)) return refuse(500, 'E500', String(error));
				return refuse(error.status, error.code, error.message);
			}
		};
	const idIn = ({ params }: FastifyRequest) => {
		const id = String(json(params).id);
		if (!ID.test(id)) throw new Refused(404, 'E001', 'Not found');
		return id;
	};
	const prefix = '/v1/partners';
	app.post(
		`${prefix}/auth/login`,
		handle('login', ({ body }) => logIn(json(body))),
	);
	app.get(
		`${prefix}/products`,
		handle('brands', ({ query }) => listBrands(json(query))),
	);
	app.get(
		`${prefix}/products/:id`,
		handle('brand', (request) => need(brands.get(idIn(request)))),
	);
	app.post(
		`${prefix}/orders`,
		handle('place', ({ body }) => ({ ...place(json(body)) })),
	);
	app.get(
		`${prefix}/orders/:id`,
		handle('order', (request) => ({ ...need(orders.get(idIn(request))) })),
	);
	app.get(
		`${prefix}/orders/by-reference/:id`,
		handle('reference', (request) => ({ ...need(byReference.get(idIn(request))) })),
	);
	app.get(
		`${prefix}/wallet/balance`,
		handle('balance', () => ({ balance: state.balance })),
	);
	await app.listen({ port: options.port, host: '127.0.0.1' });

	return {
		url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
		clientId,
		clientSecret,
		webhookSecret,
		/** The brands that stand for a case, by their IDs. */
		cases: [...brands.keys()].filter((id) => !id.startsWith('catalogue-')),
		brands,
		orders,
		/** For whom each order was placed. */
		placed,
		/** Scripted faults that are still to come; push to add one. */
		faults,
		/** Requests by call. */
		calls,
		/** Every request, also those that lead nowhere. */
		log,
		/** May be changed: the balance, where events go, whether the caller's address is on the list. */
		state,
		/** Sets the balance and tells of it when it is low. */
		async setBalance(balance: number): Promise<void> {
			state.balance = balance;
			if (balance < options.threshold) await tell({ balance, threshold: options.threshold });
		},
		/** Tells again of an order, as it is now. */
		async tellAgain({ id, status }: PartnerOrder): Promise<void> {
			await tell({ id, status });
		},
		/** Ends every session, as Hubble may at any time. */
		endSessions: () => tokens.clear(),
		/** Changes a brand and tells of it. */
		async setBrand(id: string, change: { status: string }): Promise<void> {
			const { denominationType, amountRestrictions } = Object.assign(need(brands.get(id)), change);
			await tell({ id, denominationType, amountRestrictions, ...change });
		},
		async close(): Promise<void> {
			for (const timer of timers) clearTimeout(timer);
			await app.close();
			await sleep(0);
		},
	};
}
