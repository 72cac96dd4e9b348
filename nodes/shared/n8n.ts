/** All that differs between n8n 1.123 and 2.x, or that only one of them has, detected once. */
import * as n8nWorkflow from 'n8n-workflow';
import type { IExecuteFunctions } from 'n8n-workflow';

type AbortableSleep = (ms: number, signal?: AbortSignal) => Promise<void>;

const available = n8nWorkflow as unknown as { sleepWithAbort?: AbortableSleep; sleep: AbortableSleep };

/** Waits so many milliseconds; rejects when the signal aborts. 2.x does that in `sleep`, 1.x in `sleepWithAbort`. */
export const abortableSleep: AbortableSleep = available.sleepWithAbort ?? available.sleep;

/** Whether an AI agent called the node as its tool; n8n 1.x does not tell. */
export function runsAsTool(context: IExecuteFunctions & { isToolExecution?: () => boolean }): boolean {
	return context.isToolExecution?.() ?? false;
}

/**
 * Whether the error output takes rows with `details` beside `error` and `message`. Where it does not, n8n would take
 * such a row for data. There is no export that says so; this one came with the same versions.
 */
export const errorRowsHaveDetails = 'TIMED_CAUSES' in n8nWorkflow;
