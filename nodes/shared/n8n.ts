/** What differs between n8n 1.123 and 2.x, detected once, and what else is assumed of n8n's internals. */
import * as n8nWorkflow from 'n8n-workflow';
import type { IDataObject, IExecuteFunctions, IPollFunctions, IWebhookDescription } from 'n8n-workflow';

type AbortableSleep = (ms: number, signal?: AbortSignal) => Promise<void>;

const available: { sleepWithAbort?: AbortableSleep; sleep: AbortableSleep } = n8nWorkflow;

/** 2.x does that in `sleep`, 1.x in `sleepWithAbort`. Neither removes its listener. */
const sleepOfN8n: AbortableSleep = available.sleepWithAbort ?? available.sleep;

/** Waits; rejects when the signal aborts. Its listener is removed afterwards. */
export const abortableSleep: AbortableSleep = async (ms, signal) => {
	const wait = new AbortController();
	const stop = () => wait.abort();
	if (signal?.aborted) stop();
	signal?.addEventListener('abort', stop);
	try {
		await sleepOfN8n(ms, wait.signal);
	} finally {
		signal?.removeEventListener('abort', stop);
	}
};

/** The URL by which n8n resumes an execution: its own address and, in 2.x, a token of the execution. */
export function resumeUrl(context: IExecuteFunctions): URL | undefined {
	const url = String(context.evaluateExpression('{{ $execution.resumeUrl }}', 0));
	return URL.canParse(url) ? new URL(url) : undefined;
}

/** Whether n8n's answer to a call says that no workflow listens at the URL. */
export const isUnregistered = (status: number, message: unknown): boolean =>
	status === 404 && /^The requested webhook .* is not registered/.test(String(message));

/**
 * Whether an AI agent called the node as its tool: n8n gives such a node a type of its own. (`isToolExecution` is there in
 * n8n 2 alone, and says nothing of the calls that the agent leaves to the engine, from its version 3 on.)
 */
export const runsAsTool = (context: Pick<IExecuteFunctions, 'getNode'>): boolean =>
	context.getNode().type.endsWith('Tool');

const contexts = new WeakMap<object, IDataObject>();

/**
 * What a node keeps in the execution's own data. n8n's own agents (2.41, module `agents`) run a node without an execution,
 * where n8n throws: then it is kept as long as the run.
 */
export function nodeContext(context: IExecuteFunctions): IDataObject {
	try {
		return context.getContext('node');
	} catch {
		const own = contexts.get(context) ?? {};
		contexts.set(context, own);
		return own;
	}
}

/**
 * Whether the error output takes rows with `details` beside `error` and `message`. Where it does not, n8n would take
 * such a row for data. It does in the newer 2.x: n8n does not say so to nodes, but this export came with them.
 */
export const errorRowsHaveDetails = 'TIMED_CAUSES' in n8nWorkflow;

/** What newer versions of n8n give to polls. */
type PollContext = IPollFunctions & {
	getPollBudgetMs?: () => number;
	__runPoll?: unknown;
	__commitCursor?: unknown;
};

/** The budget of polls that n8n does not abandon, in milliseconds (n8n-core, PollContext). */
const BUDGET_WITHOUT_SCHEDULER_MS = 300_000;

/** Milliseconds after which n8n gives a poll up; `undefined` where it does not tell. */
export const pollBudgetMs = (context: PollContext): number | undefined => context.getPollBudgetMs?.();

/**
 * Whether n8n may throw away what a poll returns: when the workflow was published anew or stopped while it ran,
 * or when it took too long. n8n 1.x always makes an execution of it.
 */
export const mayDiscardPolls = (context: PollContext): boolean => '__runPoll' in context;

/**
 * How long n8n may take to store a position with its execution. It does not wait for that before the next poll: of
 * several that are due at once, as after a restart, the second one may be given the position before the first.
 */
export const COMMIT_MS = 10_000;

/**
 * Whether n8n stores static data and execution in one transaction (N8N_POLLER_DURABLE_CURSORS_ENABLED). Static data
 * are then a plain copy and not n8n's object that watches for changes. n8n keeps giving copies after the setting was
 * taken back, and does not store them in one: its scheduler's budget tells these apart, but for the poll when a
 * workflow is started, which has no budget in either.
 * @param didBefore whether n8n did so at a poll of this process before, or at the last one of another process
 */
export function storesPositionWithExecution(
	context: PollContext,
	staticData: IDataObject,
	didBefore: boolean,
): boolean {
	const isCopy = '__commitCursor' in context && !('__dataChanged' in staticData);
	return isCopy && (didBefore || (pollBudgetMs(context) ?? Infinity) < BUDGET_WITHOUT_SCHEDULER_MS);
}

const exported = n8nWorkflow as Partial<{
	calculateWorkflowChecksum: unknown;
	fromParameter: (path: readonly string[], fallback: string) => unknown;
	webhookDescriptionFields: (fields: Record<string, unknown>) => Partial<IWebhookDescription>;
}>;

/** Whether n8n is of version 1: each 2.x has this export. */
export const isN8n1 = () => exported.calculateWorkflowChecksum === undefined;

/**
 * A webhook's `responseMode`, from the node's parameter at this path. From 2.35 on n8n reads the parameter directly if
 * declared like this; before, it runs an expression at every call, even a forged one.
 */
export function responseModeFrom(path: readonly string[], fallback: string): Partial<IWebhookDescription> {
	const { fromParameter, webhookDescriptionFields } = exported;
	if (fromParameter && webhookDescriptionFields) {
		return webhookDescriptionFields({ responseMode: fromParameter(path, fallback) });
	}
	const parameter = path.map((name) => `["${name}"]`).join('?.');
	return { responseMode: `={{$parameter${parameter} || "${fallback}"}}` };
}

/**
 * What n8n's workflow builder and its MCP server read besides a node's description, from n8n 2 on; older versions
 * ignore it.
 * @param related nodes of this package that go together with it, each with why
 */
export function builderHint(searchHint: string, ...related: Array<[name: string, why: string]>) {
	const relatedNodes = related.map(([name, relationHint]) => ({ nodeType: `n8n-nodes-hubble.${name}`, relationHint }));
	const hint = { searchHint, ...(relatedNodes.length ? { relatedNodes } : {}) };
	return { builderHint: hint };
}
