/**
 * Places an order exactly once. The order is looked up by its reference before it is sent, and again whenever nobody
 * knows what became of it. Card numbers and PINs go into the output and nowhere else.
 */
import { NodeApiError, NodeOperationError, type IDataObject, type INodeExecutionData } from 'n8n-workflow';
import type { HubbleClient } from '../shared/client/client';
import { DOUBT, unchanged } from '../shared/client/errors';
import { partnerEndpoints, sendAsPartner } from '../shared/client/partner';
import type { Work } from '../shared/operation/operation';
import { MADE } from './reference';
import { amountOf, merged, refusalOf, type Denomination } from './denominations';

/** How often an order is sent when nobody knows what became of it, and the pauses in between, in milliseconds. */
const TRIES = 6;
const pauseAfter = (tries: number) => 1000 * 2 ** (tries - 1) * (0.75 + Math.random() / 2);

/** Pauses between two looks at an order that Hubble is working on: short at first, as most orders take seconds. */
const lookPause = (looks: number) => Math.min(10_000, 1000 * 2 ** looks);

/** The HTTP status of a failure; 0 when no whole reply came, or a success that is not of Hubble's form. */
const statusOf = (error: unknown): number => (error instanceof NodeApiError && Number(error.httpCode)) || 0;

/** Whether an order may have been placed by a call that failed so: a success that cannot be read is one. */
const leavesDoubt = (status: number) => status < 300 || status === 408 || status >= 500;

/** The order with that reference; `undefined` when Hubble has none. */
async function orderByReference(hubble: HubbleClient, reference: string): Promise<IDataObject | undefined> {
	try {
		return (await sendAsPartner(hubble, { endpoint: partnerEndpoints.getOrderByReference, ids: { reference } })).body;
	} catch (error) {
		// A 404 counts only with a code of Hubble's: that of a proxy does not say that there is no order.
		const code = error instanceof NodeApiError ? error.context.errorCode : undefined;
		if (code === 'E001' || (code !== undefined && statusOf(error) === 404)) return undefined;
		throw unchanged(error);
	}
}

const NOT_PLACED = 'The order was not placed.';
const IN_DOUBT =
	'Whether the order was placed is not known. Run this again with the same reference: it is placed once at most.';

/** The failure with what it means for the money, and how to go on. */
function withReference(error: unknown, reference: string, advice: string): unknown {
	if (error instanceof NodeApiError || error instanceof NodeOperationError) {
		error.description = `${advice} Reference: ${reference}. ${(error.description ?? '').replace(DOUBT, '')}`;
		error.context.referenceId = reference;
	}
	return error;
}

/** Sends an order that Hubble does not have yet until its fate is known. Before it is sent again it is looked up. */
async function placeOnce(hubble: HubbleClient, body: IDataObject, reference: string): Promise<IDataObject> {
	let isInDoubt = false;
	try {
		for (let tries = 1; ; tries++) {
			try {
				return (await sendAsPartner(hubble, { endpoint: partnerEndpoints.placeOrder, body })).body;
			} catch (error) {
				const isOpen = leavesDoubt(statusOf(error));
				isInDoubt ||= isOpen;
				if (isOpen) await hubble.delay(pauseAfter(tries));
				// Once in doubt, always: the order may still be on its way at Hubble. What a refusal says is not hidden by a
				// lookup that fails.
				const order = await orderByReference(hubble, reference).catch((failure: unknown) => {
					throw unchanged(isInDoubt ? failure : error);
				});
				if (order) return order;
				if (!isOpen || tries >= TRIES) throw unchanged(error);
			}
		}
	} catch (error) {
		throw withReference(error, reference, isInDoubt ? IN_DOUBT : NOT_PLACED);
	}
}

/** Follows an order until it is no longer PROCESSING or the time is up; then the order is given as it is. */
async function resultOf({ hubble, hints }: Work, placed: IDataObject, waitMs: number): Promise<IDataObject> {
	const deadline = performance.now() + waitMs;
	const looking = hubble.until(deadline);
	let order = placed;
	let failure: unknown;
	for (let looks = 0; order.status === 'PROCESSING' && performance.now() < deadline; looks++) {
		try {
			await hubble.delay(Math.min(lookPause(looks), Math.max(0, deadline - performance.now())));
			const ids = { order_id: String(placed.id) };
			order = (await sendAsPartner(looking, { endpoint: partnerEndpoints.getOrder, ids })).body;
			failure = undefined;
		} catch (error) {
			// The order is placed: what fails now must not hide that. The last look is given.
			failure = error;
			if (hubble.isStopped || hubble.session.refusedToken) break;
		}
	}
	if (order.status === 'PROCESSING' && failure)
		hints.add(`An order was PROCESSING when last seen. Looking again failed: ${(failure as Error).message}`);
	else if (order.status === 'PROCESSING' && waitMs > 0)
		hints.add('An order is still PROCESSING. The event "Order Reached Terminal State" tells when it is done.');
	return order;
}

/** Places the order that one item asks for, which has a reference by now (`withReferences`). */
export async function placeOrder(work: Work): Promise<INodeExecutionData[]> {
	const { context, hubble, request, hints } = work;
	const { itemIndex, ids, body, settings } = request;
	const referenceId = String(body.referenceId);
	const details = merged(body.denominationDetails as unknown as Denomination[]);
	const amount = amountOf(details);
	const existing = await orderByReference(hubble, referenceId).catch((error: unknown) => {
		throw withReference(error, referenceId, 'Nothing was ordered now.');
	});
	let order = existing;
	if (!order) {
		const brand = await sendAsPartner(hubble, { endpoint: partnerEndpoints.getBrand, ids }).catch((error: unknown) => {
			throw withReference(error, referenceId, NOT_PLACED);
		});
		const refusal = refusalOf(brand.body, details);
		if (refusal) {
			const reason = `Parameter "Denominations": ${refusal}`;
			const error = new NodeOperationError(context.getNode(), reason, { itemIndex });
			throw withReference(error, referenceId, NOT_PLACED);
		}
		if (hubble.isStopped) {
			const error = new NodeOperationError(context.getNode(), 'The execution was stopped', { itemIndex });
			throw withReference(error, referenceId, NOT_PLACED);
		}
		const asked = { ...body, productId: ids.brand_id, amount, denominationDetails: details };
		order = await placeOnce(hubble, asked as unknown as IDataObject, referenceId);
	}
	if (existing && !MADE.test(referenceId))
		hints.add('An order with the same reference existed already, and nothing new was ordered. See alreadyPlaced.');
	const result = await resultOf(work, order, settings.wait ? Number(settings.waitSeconds) * 1000 : 0);
	// Of an order that existed, only Hubble knows the amount.
	return [{ json: { ...(existing ? {} : { amount }), ...result, referenceId, alreadyPlaced: existing !== undefined } }];
}
