/** The reference by which Hubble knows an order: a retry asks with the same one, so that it pays only once. */
import { createHash } from 'node:crypto';
import { NodeOperationError, type IExecuteFunctions } from 'n8n-workflow';

/** What n8n gives to an execution and hands on to its retries: newer versions have it in the URL that resumes it. */
function tokenOfExecution(context: IExecuteFunctions, itemIndex: number): string | undefined {
	const url = String(context.evaluateExpression('{{ $execution.resumeUrl }}', itemIndex));
	return URL.canParse(url) ? [...new URL(url).searchParams.values()].at(-1) : undefined;
}

/**
 * What stays the same when the execution is retried. n8n gives a retry an ID of its own. Newer versions hand on a
 * token, also when n8n was killed. Else it is the ID of the first execution, which the node keeps in the
 * execution's own data: they are stored when an execution ends, and a retry begins with them.
 * `undefined` when the execution is a retry of one that nothing is known of.
 */
function firstExecution(context: IExecuteFunctions, itemIndex: number): string | undefined {
	const kept = context.getContext('node');
	const token = tokenOfExecution(context, itemIndex);
	const isUnknownRetry = context.getMode() === 'retry' && token === undefined;
	const first =
		(kept.firstExecution as string | undefined) ?? token ?? (isUnknownRetry ? '' : context.getExecutionId());
	if (!first) return undefined;
	kept.firstExecution = first;
	return first;
}

/**
 * The reference of an order for which the user gave none: 36 characters (Hubble takes 40), made from this n8n, the
 * workflow, the execution, the node, its run and the item. Throws when it could not be the same in a retry.
 */
export function referenceOf(context: IExecuteFunctions, itemIndex: number): string {
	const first = firstExecution(context, itemIndex);
	if (!first) {
		throw new NodeOperationError(context.getNode(), 'Parameter "Reference": it is required here', {
			itemIndex,
			description:
				'This n8n does not tell whether the execution that is retried has placed the order already. Give a reference of your own, such as the number of the request. Nothing was sent to Hubble.',
		});
	}
	const run = String(context.evaluateExpression('{{ $runIndex }}', itemIndex));
	const parts = [context.getInstanceId(), context.getWorkflow().id, first, context.getNode().id, run, itemIndex];
	return `n8n-${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)}`;
}
