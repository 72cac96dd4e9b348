/** The only item loop: reads what each item asks, carries it out, pairs items, decides continue-on-fail. */
import { NodeOperationError, type IDataObject, type IExecuteFunctions, type INodeExecutionData } from 'n8n-workflow';
import { DAY_S } from '../client/clock';
import { objectOf, withoutUndefined } from '../client/json';
import { asNodeError } from '../client/errors';
import { connect, type HubbleClient } from '../client/client';
import { errorRowsHaveDetails, runsAsTool } from '../n8n';
import { batching, KEEP_INPUT } from './fields';
import { fieldsOf } from './properties';
import { runBatches } from './batch';
import {
	inTurn,
	type Batch,
	type Hint,
	type ItemRequest,
	type Asking,
	type Operation,
	type Preparation,
	type Work,
} from './operation';
import { readItemRequest } from './readItem';
import { replyItems, shapeOf } from './rows';
import { camelCase } from './times';
import { counted, wholeNumber } from './values';

/** Milliseconds of waiting that are worth a hint. */
const NOTICEABLE_MS = 5_000;

/** The output of a run so far, by input item. */
export class Outputs {
	private readonly inputs: readonly INodeExecutionData[];
	private readonly byItem: INodeExecutionData[][];
	private readonly failed = new Set<number>();

	constructor(
		private readonly context: IExecuteFunctions,
		/**
		 * The field for a row beside the fields of its input item; '': its fields are merged with them; `undefined`: the
		 * row stands alone.
		 */
		private readonly keptAs: string | undefined,
		readonly canContinue: boolean,
	) {
		this.inputs = context.getInputData();
		this.byItem = this.inputs.map(() => []);
	}

	/** Adds items that belong to an input item. One `pairedItem` serves all: packets come by the hundred thousand. */
	add(itemIndex: number, items: readonly INodeExecutionData[]): void {
		const pairedItem = { item: itemIndex };
		for (const item of items) {
			item.pairedItem ??= pairedItem;
			this.byItem[itemIndex]?.push(this.joined(itemIndex, item));
		}
	}

	/**
	 * The item with the fields of its input, if they are kept. `error` stays at the top level too, so that IF nodes still
	 * find it.
	 */
	private joined(itemIndex: number, item: INodeExecutionData, { error }: IDataObject = {}): INodeExecutionData {
		const { keptAs, inputs } = this;
		const input = inputs[itemIndex];
		if (keptAs === undefined || !input) return item;
		// Where the input has a field of that name, the item was refused: its row must not replace the field.
		const isFree = keptAs !== '' && !Object.hasOwn(input.json, keptAs);
		const row = isFree ? { ...input.json, [keptAs]: item.json } : { ...item.json, ...input.json };
		const json = error === undefined ? row : { ...row, error };
		return { ...item, json, ...(input.binary ? { binary: input.binary } : {}) };
	}

	/** Outputs an error in place of data; throws it if the run must stop. */
	fail(itemIndex: number, error: unknown, ids: IDataObject = {}): void {
		const { context } = this;
		if (!this.canContinue || context.getExecutionCancelSignal()?.aborted) {
			const failure = inItem(context, error, itemIndex);
			const { message, description } = failure;
			// Of a failure n8n gives a model the message alone.
			if (runsAsTool(context) && description && !message.includes(description))
				failure.message = `${message}. ${description}`;
			throw failure;
		}
		this.keepFailure(itemIndex, error, ids);
	}

	/** Outputs an error in place of data even if the run must stop: throwing it would lose data for good. */
	keepFailure(itemIndex: number, error: unknown, ids: IDataObject = {}): void {
		const { context } = this;
		this.failed.add(itemIndex);
		const json = errorRow(context, inItem(context, error, itemIndex), ids);
		const item = { json, pairedItem: { item: itemIndex } };
		// n8n itself puts the fields of the input beside what it sends to the error output.
		const isRouted = context.getNode().onError === 'continueErrorOutput';
		this.byItem[itemIndex]?.push(isRouted ? item : this.joined(itemIndex, item, json));
	}

	/** All items, in the order of the input items they are paired with. A hint says how many are errors. */
	all(): INodeExecutionData[] {
		const { context, inputs } = this;
		const failed = this.failed.size;
		// Some failures are output though the run should stop on errors: see `keepFailure`.
		if (failed && context.getNode().onError !== 'continueErrorOutput') {
			const message = `${wholeNumber(failed)} of ${counted(inputs.length, 'item')} failed: see the column "error".`;
			context.addExecutionHints?.({ message, type: 'warning', location: 'outputPane' });
		}
		return this.byItem.flat();
	}
}

/**
 * Executes the operation that the node's parameters name, for all input items.
 * Every item is read and checked before the first call.
 * @param canContinue whether On Error says to continue; n8n's rules want each node to ask itself
 * @param connectTo connects with the node's credential
 */
export async function run(
	context: IExecuteFunctions,
	operations: readonly Operation[],
	canContinue: boolean,
	connectTo: (context: IExecuteFunctions) => Promise<HubbleClient> = connect,
): Promise<INodeExecutionData[][]> {
	const operation = chosen(context, operations);
	const newOutputs = () => new Outputs(context, option(context, operation, KEEP_INPUT), canContinue);
	let outputs = newOutputs();
	let hubble: HubbleClient;
	try {
		hubble = await connectTo(context);
	} catch (error) {
		context.getInputData().forEach((_, item) => outputs.fail(item, error));
		return [outputs.all()];
	}
	const { clock } = hubble.service;
	const { guesses } = clock;
	const isGuess = () => clock.guesses > guesses;
	let requests = readItems(context, operation, outputs, hubble, isGuess);
	if (!requests || (requests.length && isGuess())) {
		// They depend on Hubble's time, which no reply has shown yet. If asking fails, the first call says why.
		await hubble.learnNow().catch(() => {});
		outputs = newOutputs();
		requests = readItems(context, operation, outputs, hubble) ?? [];
	}
	const hints = new Set<Hint>(
		requests.flatMap((request) => [...request.remarks, ...[operation.warn?.(request, hubble.now()) ?? []].flat()]),
	);
	try {
		await carryOut(operation, { context, hubble, hints }, requests, outputs);
	} finally {
		const { requests: sent, waitedMs } = hubble.run.traffic;
		const waited = `${Math.round(waitedMs / 1000)} s of waiting for Hubble's rate limit, with ${counted(sent, 'request')}.`;
		if (waitedMs >= NOTICEABLE_MS) hints.add({ text: () => waited, type: 'info' });
		showHints(context, hints);
	}
	return [outputs.all()];
}

export function showHints(context: IExecuteFunctions, hints: ReadonlySet<Hint>): void {
	for (const hint of hints) {
		const message = typeof hint === 'string' ? hint : hint.text();
		const type = (typeof hint === 'object' && hint.type) || 'warning';
		if (message) context.addExecutionHints?.({ message, type, location: 'outputPane' });
	}
}

/**
 * Why nothing is sent where n8n would run the node again, for all items, when the first of them fails: what Hubble shows
 * only once would be lost, and what cannot be done twice be done again or reported as failed. `undefined` elsewhere.
 */
function lossByRetry(
	context: IExecuteFunctions,
	{ showsOnce, endpoint: own, batch: usual, mayRunAgain }: Asking,
	read: readonly ItemRequest[],
): NodeOperationError | undefined {
	const node = context.getNode();
	if (node.retryOnFail !== true || mayRunAgain) return undefined;
	const shown = showsOnce ?? (read.some(({ batch = usual }) => batch?.showsOnce) && 'key');
	// What is gone afterwards, as a device that was moved away, is not found again either.
	const mayNotRepeat = ({ batch = usual, whenGone, isOnce }: ItemRequest) => {
		const { method, isRepeatable } = batch?.endpoint ?? own;
		return isOnce || whenGone !== undefined || method === 'DELETE' || (method === 'POST' && !isRepeatable);
	};
	const isOfSeveral = context.getInputData().length > 1;
	if (!shown && !(isOfSeveral && read.some(mayNotRepeat))) return undefined;
	const [what, why] = shown
		? [`a ${shown} could be lost`, `Hubble shows each ${shown} only once.`]
		: ['what succeeded would be done again', 'What cannot be done twice would be reported as failed.'];
	return new NodeOperationError(node, `Turn off Retry On Fail (tab Settings), or ${what}`, {
		description: `n8n would run the node again for all items when the first of them fails. ${why} Nothing was created, changed or deleted. The node itself sends a request again where that is safe.`,
	});
}

/** Throws where a failure would stop the run and lose what Hubble has shown to the items before it. */
function refuseToLose(context: IExecuteFunctions, { showsOnce }: Operation, read: readonly ItemRequest[]): void {
	const [, second] = read;
	if (!showsOnce || !second) return;
	throw new NodeOperationError(
		context.getNode(),
		`This would take a request for each of ${counted(read.length, 'item')}. Set On Error to Continue (tab Settings), or a ${showsOnce} could be lost`,
		{
			itemIndex: second.itemIndex,
			description: `Hubble shows each ${showsOnce} only once, and a failure would stop the run without output. Nothing was created or deleted.`,
		},
	);
}

/** Carries out what the items ask: together in few calls where the operation knows how, else one after the other. */
async function carryOut(
	operation: Asking,
	work: Omit<Work, 'request'>,
	read: readonly ItemRequest[],
	outputs: Outputs,
): Promise<void> {
	const { context, hubble, hints } = work;
	const isSingle = option(context, operation, batching.name) === 'single';
	const { canContinue } = outputs;
	const loss = lossByRetry(context, operation, read);
	// Of an error that is thrown, On Error → Continue would pass the input on as if all was well.
	if (loss) {
		for (const { itemIndex, ids } of read) outputs.fail(itemIndex, loss, ids);
		return;
	}
	if (!canContinue) refuseToLose(context, operation, read);
	const fail: Preparation['fail'] = (itemIndex, error, ids) => outputs.fail(itemIndex, error, ids);
	const requests = (await operation.prepare?.({ context, hubble, requests: read, fail, canContinue, hints })) ?? read;
	const groups = new Map<Batch, ItemRequest[]>();
	const alone: ItemRequest[] = [];
	for (const request of requests) {
		const batch = isSingle || request.reply ? undefined : (request.batch ?? operation.batch);
		const group = batch ? groups.get(batch) : alone;
		if (group) group.push(request);
		else if (batch) groups.set(batch, [request]);
	}
	await runBatches(hubble, groups, {
		emit: (request, row) => outputs.add(request.itemIndex, [{ json: shapeOf(operation, { hubble, request })(row) }]),
		fail,
		keepFailure: (itemIndex, error, ids) => outputs.keepFailure(itemIndex, error, ids),
		hint: (message) => work.hints.add(message),
		canContinue,
	});
	for (const whole of alone) {
		const { itemIndex, ids, turn } = whole;
		try {
			const request = inTurn(whole);
			const made = operation.items?.({ ...work, request }) ?? replyItems(operation, { ...work, request });
			for await (const items of Symbol.asyncIterator in made ? made : [made]) outputs.add(itemIndex, items);
			turn?.done();
		} catch (error) {
			outputs.fail(itemIndex, error, ids);
		}
	}
}

/** An option that holds for all items; `undefined` when it is not set, or the operation does not have it. */
function option(context: IExecuteFunctions, operation: Operation, name: string): string | undefined {
	if (!fieldsOf(operation).some((field) => field.name === name)) return undefined;
	return String(context.getNodeParameter(`options.${name}`, 0, '') ?? '').trim() || undefined;
}

/**
 * What the items ask, without those whose parameters are refused; `undefined` where only a guess of Hubble's time may
 * be why some are refused.
 */
function readItems(
	context: IExecuteFunctions,
	operation: Asking,
	outputs: Outputs,
	hubble: HubbleClient,
	isGuess = () => false,
): ItemRequest[] | undefined {
	const { clock } = hubble.service;
	let moment: number | undefined;
	const now = () => (moment ??= clock.now());
	const stored = objectOf(context.getNode().parameters);
	const source = { context, stored, isTool: runsAsTool(context), clock, now };
	// While Hubble's time is unknown, n8n's clock may be a day off.
	const isRightAt = (item: number, offset: number): boolean => {
		try {
			readItemRequest({ ...source, now: () => now() + offset }, operation, item);
			return true;
		} catch {
			return false;
		}
	};
	const read: ItemRequest[] = [];
	let isInDoubt = false;
	for (const item of context.getInputData().keys()) {
		try {
			read.push(readItemRequest(source, operation, item));
		} catch (error) {
			if (isGuess() && [-DAY_S, DAY_S].some((offset) => isRightAt(item, offset))) isInDoubt = true;
			else outputs.fail(item, error);
		}
	}
	return isInDoubt ? undefined : read;
}

/** Details of errors, for later nodes. */
const DETAILS = [
	'status',
	'requestId',
	'orderId',
	'rowsFetched',
	'resumeToken',
	'resumeStartTime',
	'resumeEndTime',
	'referenceId',
];

/**
 * What continue-on-fail outputs in place of data. n8n sends a row to the error output only when it holds `error`,
 * `message` and, in newer versions, `details` alone, and cuts it down to its `error` when the item carries the error
 * itself; so the details stand side by side in the regular output only.
 */
function errorRow(context: IExecuteFunctions, failure: ReturnType<typeof inItem>, ids: IDataObject): IDataObject {
	const row: IDataObject = { error: failure.message, message: failure.description ?? failure.message };
	const told = DETAILS.map((name) => [name, failure.context[name]]);
	const named = Object.entries(ids).map(([name, id]) => [camelCase(name), id]);
	const details = withoutUndefined(Object.fromEntries([...told, ...named]));
	if (context.getNode().onError !== 'continueErrorOutput') return { ...row, ...details };
	return errorRowsHaveDetails ? { ...row, details } : row;
}

function chosen(context: IExecuteFunctions, operations: readonly Operation[]): Asking {
	const resource = context.getNodeParameter('resource', 0, '');
	const value = String(context.getNodeParameter('operation', 0));
	const operation = operations.find((row) => row.value === value && (row.resource ?? resource) === resource);
	const { endpoint } = operation ?? {};
	if (!operation || !endpoint)
		throw new NodeOperationError(context.getNode(), `The operation "${value}" is not supported`);
	return { ...operation, endpoint };
}

/** The error with the item it belongs to: n8n shows it and links to it. */
function inItem(context: IExecuteFunctions, error: unknown, item: number) {
	const failure = asNodeError(context.getNode(), error);
	failure.context.itemIndex ??= item;
	return failure;
}
