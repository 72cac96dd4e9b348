/** The reference by which Hubble knows an order: a retry asks with the same one, so that it pays only once. */
import { createHash } from 'node:crypto';
import { NodeOperationError, type IDataObject, type IExecuteFunctions } from 'n8n-workflow';
import { resumeUrl } from '../shared/n8n';
import type { ItemRequest, Preparation } from '../shared/operation/operation';
import { merged, type Denomination } from './denominations';

/** What n8n gives to an execution and hands on to its retries: newer versions have it in the URL that resumes it. */
function tokenOfExecution(context: IExecuteFunctions): string | undefined {
	return [...(resumeUrl(context)?.searchParams.values() ?? [])].at(-1);
}

/**
 * What stays the same when the execution is retried. n8n gives a retry an ID of its own. Newer versions hand on a
 * token, also when n8n was killed. Else it is the ID of the first execution, which the node keeps in the
 * execution's own data: they are stored when an execution ends, and a retry begins with them.
 * `undefined` when the execution is a retry of one that nothing is known of.
 */
function firstExecution(context: IExecuteFunctions): string | undefined {
	const kept = context.getContext('node');
	const token = tokenOfExecution(context);
	const isUnknownRetry = context.getMode() === 'retry' && token === undefined;
	const first =
		(kept.firstExecution as string | undefined) ?? token ?? (isUnknownRetry ? '' : context.getExecutionId());
	if (!first) return undefined;
	kept.firstExecution = first;
	return first;
}

/**
 * What an item orders and for whom. Not its place among the items, which may have come in another order when a killed
 * execution is run again; nor the name and the phone number, which may have been corrected in between.
 */
function orderOf({ ids, body }: ItemRequest): string {
	const { denominationDetails, customerDetails } = body;
	const details = merged(denominationDetails as unknown as Denomination[]);
	const email = String((customerDetails as IDataObject).email).toLowerCase();
	return JSON.stringify([ids.brand_id, details.sort((a, b) => a.denomination - b.denomination), email]);
}

/** Why a reference of the user's is needed; `undefined` when one can be made. */
function needOf(context: IExecuteFunctions, isTool: boolean, first?: string): string | undefined {
	// An agent may order twice in one execution, and mean it or not: only a reference tells. n8n 1.x names such nodes.
	if (isTool || context.getNode().type.endsWith('Tool')) return 'it is required when an AI agent places orders';
	return first ? undefined : 'it is required here, as n8n does not tell which execution is retried';
}

/**
 * Counts the runs of the node in one execution that came to their end, in the execution's own data. n8n's `$runIndex`
 * is another one in the retry of an execution that was killed: n8n counts the run in which it was killed, too.
 */
export function countRun(context: IExecuteFunctions): void {
	const kept = context.getContext('node');
	if (kept.firstExecution !== undefined) kept.runs = Number(kept.runs ?? 0) + 1;
}

/**
 * Gives a reference to each order for which the user gave none: 36 characters (Hubble takes 40), made from this n8n,
 * the workflow, the execution, the node, its run and what is ordered; several equal orders are counted. An order whose
 * reference could not be the same in a retry is refused, before anything is sent.
 */
export async function withReferences({ context, requests, fail }: Preparation): Promise<ItemRequest[]> {
	if (requests.every(({ body }) => body.referenceId)) return [...requests];
	const first = firstExecution(context);
	const run = Number(context.getContext('node').runs ?? 0);
	const counts = new Map<string, number>();
	return requests.flatMap((request) => {
		const { itemIndex, isTool, ids, body } = request;
		if (body.referenceId) return [request];
		const need = needOf(context, isTool, first);
		if (need) {
			const description =
				'Give a reference of your own, such as the number of the request. Nothing was sent to Hubble.';
			fail(
				itemIndex,
				new NodeOperationError(context.getNode(), `Parameter "Reference": ${need}`, { itemIndex, description }),
				ids,
			);
			return [];
		}
		const order = orderOf(request);
		const count = counts.get(order) ?? 0;
		counts.set(order, count + 1);
		const parts = [context.getInstanceId(), context.getWorkflow().id, first, context.getNode().id, run, order, count];
		const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
		return [{ ...request, body: { ...body, referenceId: `n8n-${hash.slice(0, 32)}` } }];
	});
}
