/**
 * Places an order exactly once. The order is looked up by its reference before it is sent, and again whenever nobody
 * knows what became of it. Card numbers and PINs go into the output and nowhere else.
 */
import { NodeApiError, NodeOperationError, type IDataObject, type INodeExecutionData } from 'n8n-workflow';
import type { HubbleClient } from '../shared/client/client';
import { unchanged } from '../shared/client/errors';
import { partnerEndpoints, sendAsPartner } from '../shared/client/partner';
import { delay } from '../shared/client/request';
import type { Work } from '../shared/operation/operation';
import { amountOf, merged, refusalOf, type Denomination } from './denominations';

/** How often an order is sent when nobody knows what became of it, and the pauses in between, in milliseconds. */
const TRIES = 6;
const pauseAfter = (tries: number) => 1000 * 2 ** (tries - 1) * (0.75 + Math.random() / 2);

/** Pauses between two looks at an order that Hubble is working on: short at first, as most orders take seconds. */
const lookPause = (looks: number) => Math.min(10_000, 1000 * 2 ** looks);

/** The HTTP status of a failure; 0 when no whole reply came, `undefined` when the failure is not one of a request. */
function statusOf(error: unknown): number | undefined {
	if (error instanceof NodeApiError) return Number(error.httpCode ?? 0) || 0;
	// A success that is not Hubble's form: the order may have been placed.
	return error instanceof NodeOperationError && error.context.requestId !== undefined ? 0 : undefined;
}

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
	if (error instanceof NodeApiError || error instanceof NodeOperationError)
		error.description = `${advice} Reference: ${reference}. ${error.description ?? ''}`;
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
				const status = statusOf(error) ?? 0;
				const isOpen = leavesDoubt(status);
				isInDoubt ||= isOpen;
				if (isOpen) await delay(hubble, pauseAfter(tries));
				const order = await orderByReference(hubble, reference);
				if (order) return order;
				isInDoubt = isOpen;
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
	let order = placed;
	for (let looks = 0; order.status === 'PROCESSING' && performance.now() < deadline; looks++) {
		await delay(hubble, Math.min(lookPause(looks), Math.max(0, deadline - performance.now())));
		try {
			const ids = { order_id: String(placed.id) };
			order = (await sendAsPartner({ ...hubble, deadline }, { endpoint: partnerEndpoints.getOrder, ids })).body;
		} catch {
			// The order is placed: what fails now must not hide that. The last look is given.
			if (hubble.signal?.aborted) break;
		}
	}
	if (order.status === 'PROCESSING' && waitMs > 0)
		hints.add('An order is still PROCESSING. The event "Order Reached Terminal State" tells when it is done.');
	return order;
}

/** Places the order that one item asks for, which has a reference by now (`withReferences`). */
export async function placeOrder(work: Work): Promise<INodeExecutionData[]> {
	const { context, hubble, request } = work;
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
			throw new NodeOperationError(context.getNode(), reason, { itemIndex, description: NOT_PLACED });
		}
		const asked = { ...body, productId: ids.brand_id, amount, denominationDetails: details };
		order = await placeOnce(hubble, asked as unknown as IDataObject, referenceId);
	}
	const result = await resultOf(work, order, settings.wait ? Number(settings.waitSeconds) * 1000 : 0);
	return [{ json: { ...result, referenceId, amount, alreadyPlaced: existing !== undefined } }];
}
