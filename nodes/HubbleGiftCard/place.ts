/**
 * Places orders exactly once each. An order is looked up by its reference before it is sent, and again whenever nobody
 * knows what became of it. Card numbers and PINs go into the output and nowhere else.
 */
import { NodeOperationError, type IDataObject } from 'n8n-workflow';
import { nodeContext } from '../shared/n8n';
import { newOutage } from '../shared/client/client';
import { asError, copyOf, detailsOf, DOUBT, isNodeError, statusOf } from '../shared/client/errors';
import { objectOf } from '../shared/client/json';
import { partnerEndpoints, PER_SECOND } from '../shared/client/partner';
import type { Reply } from '../shared/client/request';
import type { ItemRequest, Preparation } from '../shared/operation/operation';
import { whyRefused } from './denominations';
import { contradictionOf } from './existing';
import { customerOf, errandsOf, type Errand, type OrderRequest } from './reference';
import { parameterError } from '../shared/operation/values';
import { newProcessState } from '../shared/webhook/processState';

/** How often an order is sent when nobody knows what became of it, and the pauses in between, in milliseconds. */
const TRIES = 6;
const pauseAfter = (tries: number) => 1000 * 2 ** (tries - 1) * (0.75 + Math.random() / 2);

/** Orders that are being placed at the same time: so many keep the pace even where each reply takes a second. */
const SIDE_BY_SIDE = 40;

/** How long the orders wait for the balance that is put out with them, and for the last look at one that is open. */
const BALANCE_MS = 5000;
const LAST_LOOK_MS = 5000;

/** Ends in which nothing was bought, or what was bought was given back. */
const FAILED = new Set(['FAILED', 'CANCELLED', 'REVERSED']);

/** Hubble's own code of a failure. A proxy that answers in its place, perhaps after Hubble has placed the order, has none. */
const codeOf = (error: unknown): unknown => detailsOf(error).errorCode;

/** Refusals without a code that say for certain that nothing was placed. */
const CERTAIN = [401, 429];
/** And others that do not say so even with one: the order is perhaps being placed. */
const UNCERTAIN = [408, 409, 425];

/** Whether an order may have been placed by a call that failed so: a success that cannot be read is one. */
function leavesDoubt(error: unknown): boolean {
	const status = statusOf(error);
	// A login that fails came before the order, or after a 401.
	if (detailsOf(error).isOfLogin) return false;
	const isCertain = CERTAIN.includes(status) || (codeOf(error) !== undefined && !UNCERTAIN.includes(status));
	return status >= 500 || !isCertain;
}

const NOT_PLACED = 'The order was not placed.';
const NOTHING_NOW = 'Nothing new was ordered.';
const ANOTHER_ORDER =
	'This execution has sent an order under this reference, and this is the one that Hubble has: compare the two.';
const GIVE_EACH = 'Give each order its own reference.';
const RETURN_OR_GIVE_EACH =
	'If it is the order of this item, turn on Options → Return Existing Order to get it. Otherwise give each order its own reference.';
const IN_DOUBT = 'It is not known whether the order was placed.';
const SAME_ORDER = 'enter the same reference and turn on Options → Return Existing Order';

/** The failure with what it means for the money, and how to go on. */
function withReference(error: unknown, reference: string, advice: string): Error {
	if (isNodeError(error)) {
		error.description = `${advice} Reference: ${reference}. ${(error.description ?? '').replace(DOUBT, '')}`;
		error.context.referenceId = reference;
	}
	return asError(error);
}

/** The failure with another sentence. */
function withMore(failure: unknown, more: string): Error {
	const error = asError(failure);
	error.description = [error.description, more].filter(Boolean).join(' ');
	return error;
}

/**
 * Who has sent an order under a reference of the user's, for the life of this process: of several executions that
 * begin with one reference at the same time, Hubble knows none yet, and would give all of them the order of the first.
 */
const senders = newProcessState<string>(10_000);

/** An order that Hubble has. */
interface Found {
	reply: Reply;
	/** Whether it was there before this run. */
	isOld: boolean;
}

/** What became of what an item orders. */
interface Order {
	errand: Errand;
	found?: Found;
	/** As it ended. */
	reply?: Reply;
	failure?: unknown;
}

/** The orders of one run of the node. */
class OrderRun {
	private readonly brands = new Map<string, Promise<IDataObject>>();
	/** Reference → owner, in the execution's own data: what was sent by an earlier try, or by the execution that is retried. */
	private readonly sent: IDataObject;
	/** Whether an execution was retried of which nothing was stored, as n8n was killed: it may have sent anything. */
	private readonly isAfterKill: boolean;
	/** References of orders of which nobody knows whether they were placed, in the execution's own data. */
	private readonly open: IDataObject;
	/** Orders that are followed. */
	private followed = 0;
	/** Whether the run must stop, so that nothing more is begun. */
	isOver = false;

	constructor(
		private readonly work: Omit<Preparation, 'requests'>,
		private readonly hubble = work.hubble,
	) {
		const kept = nodeContext(work.context);
		this.isAfterKill = Boolean(kept.isAfterKill);
		this.sent = objectOf((kept.sent ??= {}));
		this.open = objectOf((kept.open ??= {}));
	}

	/** Whether an order may have been sent under the reference before this try, so that it may still be on its way. */
	wasSent(reference: string): boolean {
		return this.isAfterKill || this.senderOf(reference) !== undefined;
	}

	/** Who has sent an order under the reference in this execution, which may be the name of something that every object has. */
	private senderOf(reference: string): unknown {
		return Object.hasOwn(this.sent, reference) ? this.sent[reference] : undefined;
	}

	/** What to do with an order of which nobody knows. n8n retries no execution that goes on after errors. */
	private get inDoubt(): string {
		return this.work.canContinue
			? `${IN_DOUBT} To order again, ${SAME_ORDER}: the order is placed at most once.`
			: `${IN_DOUBT} Retry this execution: the order is placed at most once. To start a new execution instead, ${SAME_ORDER}.`;
	}

	/** A failure before the order was sent; ends a run that must not go on, before others that wait for the same send theirs. */
	private failed(error: unknown, reference: string, advice: string): Error {
		this.isOver ||= !this.work.canContinue;
		return withReference(error, reference, advice);
	}

	/**
	 * Finds or places an order. Throws an error that says whether money was spent.
	 * @returns `undefined` when another one has ended the run before this one was sent
	 */
	async place(errand: Errand): Promise<Found | undefined> {
		const { reference } = errand;
		const wasSent = this.wasSent(reference);
		const existing = await this.orderUnder(reference).catch((error: unknown) => {
			// An earlier retry may have sent it, too: of one that was killed, n8n has stored nothing.
			const mayBeSent = wasSent || this.work.context.getMode() === 'retry';
			throw this.failed(error, reference, mayBeSent ? this.inDoubt : NOTHING_NOW);
		});
		if (existing) {
			delete this.open[reference];
			const found = { reply: existing, isOld: true };
			const failure = this.contradiction(found, errand) ?? this.notOurs(found, errand);
			if (failure) throw failure;
			return found;
		}
		await this.check(errand).catch((error: unknown) => {
			throw this.failed(error, reference, wasSent ? this.inDoubt : NOT_PLACED);
		});
		if (this.isOver) return undefined;
		this.claim(errand);
		const found = await this.send(errand, wasSent);
		delete this.open[reference];
		const failure = this.contradiction(found, errand) ?? (found.isOld ? this.notOurs(found, errand) : undefined);
		if (failure) throw failure;
		return found;
	}

	/** The error of an order that is not what is asked, as it was found or as it ended; `undefined` when it is. */
	contradiction({ reply, isOld }: Found, errand: Errand): Error | undefined {
		const isOurs = !isOld || this.senderOf(errand.reference) === errand.owner;
		const reason = contradictionOf(reply.body, errand, isOurs);
		return reason ? this.foreign(reply, errand, reason, GIVE_EACH) : undefined;
	}

	/** The error of an order that is there and may be another's; `undefined` where the user takes it all the same. */
	private notOurs({ reply }: Found, errand: Errand): Error | undefined {
		const { reference, owner, isMade, request } = errand;
		if (this.senderOf(reference) === owner || request.settings.returnExisting) return undefined;
		if (!isMade) return this.foreign(reply, errand, 'it may belong to another execution');
		// Without a customer only the count tells orders apart: where n8n begins the execution again from older data, and what
		// is to be ordered has changed, another order has this count.
		return customerOf(request)
			? undefined
			: this.foreign(reply, errand, "without a customer, it may be another item's");
	}

	private async orderUnder(reference: string): Promise<Reply | undefined> {
		try {
			return await this.hubble.send({ endpoint: partnerEndpoints.getOrderByReference, ids: { reference } });
		} catch (error) {
			// A 404 counts only with a code of Hubble's: that of a proxy does not say that there is no order.
			const code = codeOf(error);
			if (code === 'E001' || (code !== undefined && statusOf(error) === 404)) return undefined;
			throw asError(error);
		}
	}

	/** Throws when the order must not be sent: by its brand's limits, or because the execution was stopped. */
	private async check({ brandId, details, request }: Errand): Promise<void> {
		const { itemIndex, ids } = request;
		const node = this.work.context.getNode();
		const brand =
			this.brands.get(brandId) ??
			this.hubble.send({ endpoint: partnerEndpoints.getBrand, ids }).then(({ body }) => body);
		this.brands.set(brandId, brand);
		// A failure is asked for again by the next item.
		const known = await brand.catch((error: unknown) => {
			this.brands.delete(brandId);
			// Each item that waited for it says what it means for its own order.
			throw isNodeError(error) ? copyOf(error) : asError(error);
		});
		const reason = whyRefused(known, details);
		if (reason) throw new NodeOperationError(node, parameterError('Denominations', reason), { itemIndex });
		if (this.hubble.isStopped) throw new NodeOperationError(node, 'The execution was stopped', { itemIndex });
	}

	/** Notes that the order is about to be sent. Throws when another execution or item has sent its own under the reference. */
	private claim(errand: Errand): void {
		const { reference, owner, isMade, request } = errand;
		const key = this.senderKey(reference);
		const sender = senders.get(key) ?? this.senderOf(reference) ?? owner;
		if (sender !== owner && !request.settings.returnExisting)
			throw this.foreign(
				undefined,
				errand,
				'another execution is ordering with it right now, or does not know whether its order was placed',
			);
		this.sent[reference] = sender;
		if (isMade) return;
		senders.set(key, String(sender));
	}

	/** The order was not placed. */
	private disclaim({ reference, owner }: Errand): void {
		const key = this.senderKey(reference);
		if (this.senderOf(reference) === owner) delete this.sent[reference];
		if (senders.get(key) === owner) senders.delete(key);
	}

	private senderKey(reference: string): string {
		return JSON.stringify([this.hubble.baseUrl, this.hubble.organizationId, reference]);
	}

	/**
	 * Sends an order that Hubble does not have until its fate is known. Before it is sent again it is looked up: what is
	 * there after a refusal that says for certain that nothing was placed is another's.
	 */
	private async send(errand: Errand, wasSent: boolean): Promise<Found> {
		const { reference, brandId, details, amount, request } = errand;
		const order = { ...request.body, referenceId: reference, productId: brandId, amount, denominationDetails: details };
		let isInDoubt = wasSent;
		try {
			for (let tries = 1; ; tries++) {
				try {
					const reply = await this.hubble.send({ endpoint: partnerEndpoints.placeOrder, body: objectOf(order) });
					return { reply, isOld: false };
				} catch (error) {
					const isOpen = leavesDoubt(error);
					isInDoubt ||= isOpen;
					if (isOpen) await this.hubble.delay(pauseAfter(tries));
					// Once in doubt, always: the order may still be on its way at Hubble. What a refusal says is not hidden by
					// a lookup that fails.
					const known = await this.orderUnder(reference).catch((failure: unknown) => {
						throw asError(isOpen ? failure : error);
					});
					if (known && !isInDoubt) this.disclaim(errand);
					if (known) return { reply: known, isOld: !isInDoubt };
					if (!isOpen || tries >= TRIES) throw asError(error);
				}
			}
		} catch (error) {
			if (isInDoubt) this.open[reference] = true;
			else this.disclaim(errand);
			throw withReference(error, reference, isInDoubt ? this.inDoubt : NOT_PLACED);
		}
	}

	/** @param reply the order that is there; without it, another's may be on its way */
	private foreign(reply: Reply | undefined, errand: Errand, reason: string, how = RETURN_OR_GIVE_EACH): Error {
		const order = objectOf(reply?.body);
		const { reference, request } = errand;
		const { itemIndex } = request;
		const inDoubt = this.wasSent(reference) ? this.inDoubt : NOTHING_NOW;
		// Where the order is there, nothing else is on its way under its reference.
		const advice = reply && this.senderOf(reference) !== undefined ? ANOTHER_ORDER : reply ? NOTHING_NOW : inDoubt;
		const named =
			order.id === undefined
				? 'an order'
				: `the order ${String(order.id)}${order.status ? ` (${String(order.status)})` : ''}`;
		const message = `The reference "${reference}" already belongs to ${named}: ${reason}`;
		const description = reply ? `${how} X-Request-ID: ${reply.requestId}.` : how;
		const error = new NodeOperationError(this.work.context.getNode(), message, { itemIndex, description });
		if (order.id !== undefined) error.context.orderId = String(order.id);
		return withReference(error, reference, advice);
	}

	/** Follows an order until it is no longer PROCESSING or the time is up; then the order is given as it is. */
	async follow({ reply: placed }: Found, waitMs: number): Promise<Reply> {
		const deadline = performance.now() + waitMs;
		// The last look begins when the time is up. Looks that fail are paced by their pauses, and do not end the looking.
		const outage = newOutage();
		const looking = this.hubble.with({ deadline: deadline + LAST_LOOK_MS, outage });
		let reply = placed;
		let failure: unknown;
		this.followed += 1;
		for (let looks = 0; reply.body.status === 'PROCESSING' && !this.isOver; looks++) {
			const left = deadline - performance.now();
			if (left <= 0) break;
			try {
				await this.hubble.delay(Math.min(left, this.lookPause(looks)));
				const ids = { order_id: String(placed.body.id) };
				reply = await looking.send({ endpoint: partnerEndpoints.getOrder, ids });
				failure = undefined;
			} catch (error) {
				// The order is placed: what fails now must not hide that. The last look is given.
				failure = error;
				outage.unanswered.length = 0;
				if (this.hubble.isStopped || this.hubble.session.refusedToken) break;
			}
		}
		this.followed -= 1;
		if (reply.body.status === 'PROCESSING' && waitMs > 0) this.work.hints.add(stillOpen(failure));
		return reply;
	}

	/** Milliseconds between two looks: short at first, as most orders take seconds; for all that are open, one pace. */
	private lookPause(looks: number): number {
		return Math.max(Math.min(10_000, 1000 * 2 ** looks), (1000 * this.followed) / PER_SECOND);
	}

	/** The error of an order that ended without a purchase; `undefined` when it did not, or the user takes it as it is. */
	failureOf({ body, requestId }: Reply, { reference, isMade, request }: Errand): Error | undefined {
		const { id, status, failureReason } = body;
		const { itemIndex, settings } = request;
		if (!FAILED.has(String(status)) || settings.failOnFailed === false) return undefined;
		const reason = typeof failureReason === 'string' ? `: ${this.hubble.redact(failureReason)}` : '';
		const how = isMade
			? 'To order again, run the workflow again for this item only (a retry returns this order)'
			: 'Use a new reference to order again';
		const description = `Hubble fills each reference once. ${how}. X-Request-ID: ${requestId}.`;
		const message = `The order ${String(id)} ended as ${String(status)}${reason}`;
		const error = new NodeOperationError(this.work.context.getNode(), message, { itemIndex, description });
		error.context.orderId = String(id);
		return withReference(error, reference, 'Nothing was bought with it.');
	}

	/** What is left in the wallet, where Hubble says so soon: the cards do not wait for it. */
	async balance(): Promise<IDataObject> {
		const soon = this.hubble.with({ deadline: performance.now() + BALANCE_MS });
		const asked = soon.send({ endpoint: partnerEndpoints.getBalance });
		const balance = await asked.then(({ body }) => body.balance).catch(() => undefined);
		return balance === undefined ? {} : { walletBalance: balance };
	}
}

/** Whether an order that gave no reply may have been placed, also by an earlier try, where this one did not come to it. */
const isInDoubt = (run: OrderRun, { failure, errand }: Order): boolean =>
	run.wasSent(errand.reference) || Boolean(asError(failure).description?.startsWith(IN_DOUBT));

/** What else a run that stops has bought, or perhaps: its output is lost, its orders are not. */
function besides(run: OrderRun, others: readonly Order[]): string {
	const unsure = others.filter((one) => !one.reply && isInDoubt(run, one));
	const bought = [...unsure, ...others.filter(({ reply }) => reply && !FAILED.has(String(reply.body.status)))];
	if (!bought.length) return '';
	const [orders, were] = bought.length === 1 ? ['order', 'was'] : ['orders', 'were'];
	const placed = unsure.length ? 'placed, or may have been,' : 'placed';
	return `${bought.length} other ${orders} of this run ${were} ${placed} but left out of the output: set On Error to Continue (tab Settings), then retry this execution with the saved workflow. A new execution would order again what has no reference of its own.`;
}

const stillOpen = (failure: unknown) =>
	failure
		? `An order was still PROCESSING when last checked. Checking again failed: ${asError(failure).message}`
		: 'An order is still PROCESSING. The event "Order Reached Terminal State" tells when it is done.';

async function sideBySide<T>(all: readonly T[], size: number, work: (one: T) => Promise<void>): Promise<void> {
	const rest = all.values();
	const worker = async () => {
		for (const one of rest) await work(one);
	};
	await Promise.all(Array.from({ length: Math.min(size, all.length) }, worker));
}

/**
 * Places what all items order, and follows it together. After a failure that ends the run nothing more is begun.
 * @returns the requests whose orders are there, each with its item as the reply
 */
export async function placeOrders(work: Preparation<OrderRequest>): Promise<ItemRequest[]> {
	const run = new OrderRun(work);
	const orders = errandsOf(work).map((errand): Order => ({ errand }));
	const following: Array<Promise<void>> = [];
	const fail = (order: Order, error: unknown) => {
		order.failure = error;
		run.isOver ||= !work.canContinue;
	};
	const follow = async (order: Order, placed: Found) => {
		const { wait, waitSeconds } = order.errand.request.settings;
		const reply = await run.follow(placed, wait ? Number(waitSeconds) * 1000 : 0);
		const failure = run.contradiction({ ...placed, reply }, order.errand);
		if (failure) fail(order, failure);
		else order.reply = reply;
	};
	await sideBySide(orders, SIDE_BY_SIDE, async (order) => {
		if (run.isOver) return;
		try {
			order.found = await run.place(order.errand);
			if (order.found) following.push(follow(order, order.found));
		} catch (error) {
			fail(order, error);
		}
	});
	await Promise.all(following);
	const isNew = orders.some(({ found }) => found && !found.isOld);
	const balance = isNew && !run.isOver ? await run.balance() : {};
	return orders.flatMap((order) => {
		const { errand, found, reply } = order;
		const { request, reference, amount } = errand;
		const failure = order.failure ?? (reply && run.failureOf(reply, errand));
		if (failure) {
			const others = orders.filter((one) => one !== order);
			work.fail(request.itemIndex, work.canContinue ? failure : withMore(failure, besides(run, others)), request.ids);
		}
		if (failure || !reply) return [];
		// Of several items with one reference, the first has ordered.
		const first = orders.find((one) => one.found && one.errand.reference === reference);
		const alreadyPlaced = (found?.isOld ?? false) || first !== order;
		return [{ ...request, reply: { amount, ...reply.body, referenceId: reference, alreadyPlaced, ...balance } }];
	});
}
