/** The only item loop: reads what each item asks, has it carried out, pairs items, decides continue-on-fail. */
import {
	NodeApiError,
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
} from 'n8n-workflow';
import { connect, type HubbleClient } from '../client/client';
import { errorRowsHaveDetails } from '../n8n';
import { runBatches } from './batch';
import { execute, toItems, warn } from './execute';
import type { ItemRequest, Operation } from './operation';
import { readItemRequest, withoutUndefined } from './readItem';

/** What one run has put out so far, by the item that it belongs to. */
class Outputs {
	private readonly byItem: INodeExecutionData[][];

	constructor(
		private readonly context: IExecuteFunctions,
		items: number,
	) {
		this.byItem = Array.from({ length: items }, () => []);
	}

	add(itemIndex: number, items: readonly INodeExecutionData[]): void {
		for (const item of items) this.byItem[itemIndex]?.push(item);
	}

	/** Puts an error in the place of data; throws it when the run must stop. */
	fail(itemIndex: number, error: unknown, ids: IDataObject = {}): void {
		const { context } = this;
		const failure = inItem(context, error, itemIndex);
		if (!context.continueOnFail() || context.getExecutionCancelSignal()?.aborted) throw failure;
		this.add(itemIndex, [{ json: errorRow(context, failure, ids), pairedItem: { item: itemIndex } }]);
	}

	/** All items, in the order of the input items they are paired with. */
	all(): INodeExecutionData[] {
		return this.byItem.flat();
	}
}

/**
 * Executes the operation that the node's parameters name, for all input items.
 * Every item is read and checked before the first call.
 */
export async function run(
	context: IExecuteFunctions,
	operations: readonly Operation[],
): Promise<INodeExecutionData[][]> {
	const operation = chosen(context, operations);
	const inputs = context.getInputData();
	const outputs = new Outputs(context, inputs.length);
	let hubble: HubbleClient;
	try {
		hubble = await connect(context);
	} catch (error) {
		inputs.forEach((_, item) => outputs.fail(item, error));
		return [outputs.all()];
	}
	const requests = readItems(context, operation, outputs);
	for (const message of new Set(requests.flatMap((request) => operation.warn?.(request) ?? []))) {
		warn(context, message);
	}

	const { batch } = operation;
	const isSingle = batch?.single && context.getNodeParameter('options.batching', 0, 'automatic') === 'single';
	if (batch && !isSingle) {
		await runBatches(hubble, operation, batch, requests, {
			emit: (itemIndex, row) => outputs.add(itemIndex, toItems(operation, itemIndex, [row])),
			fail: (itemIndex, error, ids) => outputs.fail(itemIndex, error, ids),
			canContinue: context.continueOnFail(),
		});
		return [outputs.all()];
	}
	for (const request of requests) {
		const { itemIndex, ids } = request;
		try {
			await execute(operation, { context, hubble, request }, (items) => outputs.add(itemIndex, items));
		} catch (error) {
			outputs.fail(itemIndex, error, ids);
		}
	}
	return [outputs.all()];
}

/** What the items ask, without those whose parameters are refused. */
function readItems(context: IExecuteFunctions, operation: Operation, outputs: Outputs): ItemRequest[] {
	const stored = context.getNode().parameters as IDataObject;
	return context.getInputData().flatMap((_, item) => {
		try {
			return [readItemRequest(context, stored, operation, item)];
		} catch (error) {
			outputs.fail(item, error);
			return [];
		}
	});
}

/**
 * What continue-on-fail puts in the place of data. n8n sends a row to the error output only when it holds
 * `error`, `message` and, in newer versions, `details` alone, and cuts it down to its `error` when the item carries
 * the error itself; so the details stand side by side in the regular output only.
 */
function errorRow(
	context: IExecuteFunctions,
	failure: NodeApiError | NodeOperationError,
	ids: IDataObject,
): IDataObject {
	const row: IDataObject = { error: failure.message, message: failure.description ?? failure.message };
	const { status, requestId, rowsFetched, resumeToken } = failure.context;
	const details = { ...ids, ...withoutUndefined({ status, requestId, rowsFetched, resumeToken }) };
	if (context.getNode().onError !== 'continueErrorOutput') return { ...row, ...details };
	return errorRowsHaveDetails ? { ...row, details } : row;
}

function chosen(context: IExecuteFunctions, operations: readonly Operation[]): Operation {
	const resource = context.getNodeParameter('resource', 0, '') as string;
	const value = context.getNodeParameter('operation', 0) as string;
	const operation = operations.find((row) => row.value === value && (row.resource ?? resource) === resource);
	if (!operation) throw new NodeOperationError(context.getNode(), `The operation "${value}" is not supported`);
	return operation;
}

/** The error with the item it belongs to: n8n shows it and links to it. */
function inItem(context: IExecuteFunctions, error: unknown, item: number): NodeApiError | NodeOperationError {
	const failure =
		error instanceof NodeApiError || error instanceof NodeOperationError
			? error
			: new NodeOperationError(context.getNode(), error as Error);
	failure.context.itemIndex ??= item;
	return failure;
}
