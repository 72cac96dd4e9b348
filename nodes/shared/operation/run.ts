/** The only item loop: reads a row of an operation table, calls Hubble, pairs items, decides continue-on-fail. */
import {
	NodeApiError,
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
} from 'n8n-workflow';
import { runBatches } from './batch';
import { connect, type HubbleClient } from '../client/client';
import { unexpectedResponse } from '../client/errors';
import type { ItemRequest, Operation } from './operation';
import { acceptedRows, leftOut, type List } from '../client/pages';
import { readItemRequest, withoutUndefined } from './readItem';
import { withIsoTimes } from './times';
import { send, type Call } from '../client/request';
import { pagesOf } from '../client/parallelPages';

/**
 * Executes the operation that the node's parameters name, for all input items.
 * Every item is read and checked before the first call. Output items are in the order of the input
 * items they are paired with.
 */
export async function run(
	context: IExecuteFunctions,
	operations: readonly Operation[],
): Promise<INodeExecutionData[][]> {
	const operation = chosen(context, operations);
	const inputs = context.getInputData();
	const outputs: INodeExecutionData[][] = inputs.map(() => []);
	const signal = context.getExecutionCancelSignal();

	const emit = (item: number, results: INodeExecutionData[]) => {
		const pairedItem = { item };
		for (const result of results) {
			result.pairedItem ??= pairedItem;
			if (!operation.hasRawTimes) result.json = withIsoTimes(result.json);
			outputs[item]?.push(result);
		}
	};
	const fail = (item: number, error: unknown, ids: IDataObject = {}) => {
		const failure = inItem(context, error, item);
		if (!context.continueOnFail() || signal?.aborted) throw failure;
		outputs[item]?.push({ json: errorRow(context, failure, ids), pairedItem: { item } });
	};

	let hubble: HubbleClient;
	try {
		hubble = await connect(context);
	} catch (error) {
		inputs.forEach((_, item) => fail(item, error));
		return [outputs.flat()];
	}

	const stored = context.getNode().parameters as IDataObject;
	const requests: ItemRequest[] = [];
	for (let item = 0; item < inputs.length; item++) {
		try {
			requests.push(readItemRequest(context, stored, operation, item));
		} catch (error) {
			fail(item, error);
		}
	}

	const warnings = new Set(requests.flatMap((request) => operation.warn?.(request) ?? []));
	for (const message of warnings) {
		warn(context, message);
	}

	const { batch } = operation;
	const isSingle = batch?.single && context.getNodeParameter('options.batching', 0, 'automatic') === 'single';
	if (batch && !isSingle) {
		await runBatches(hubble, operation, batch, requests, { emit, fail, canContinue: context.continueOnFail() });
	} else {
		let lockedOut: unknown;
		for (const request of requests) {
			try {
				// A token that was refused once is refused for all items.
				if (lockedOut) throw lockedOut;
				await runOne(context, hubble, operation, request, (results) => emit(request.itemIndex, results));
			} catch (error) {
				if (error instanceof NodeApiError && error.httpCode === '401') lockedOut = error;
				fail(request.itemIndex, error, targetOf(operation, request));
			}
		}
	}
	return [outputs.flat()];
}

const warn = (context: IExecuteFunctions, message: string) =>
	context.addExecutionHints?.({ message, type: 'warning', location: 'outputPane' });

/**
 * What continue-on-fail puts in the place of data. n8n sends a row to the error output only when it holds
 * `error` and `message` alone, and cuts it down to its `error` when the item carries the error itself; so
 * the details stand in the regular output only, and the error output has n8n's copy of the input instead.
 */
function errorRow(
	context: IExecuteFunctions,
	failure: NodeApiError | NodeOperationError,
	ids: IDataObject,
): IDataObject {
	const row: IDataObject = { error: failure.message, message: failure.description ?? failure.message };
	if (context.getNode().onError === 'continueErrorOutput') return row;
	const { status, requestId, rowsFetched, resumeToken } = failure.context;
	return { ...row, ...ids, ...withoutUndefined({ status, requestId, rowsFetched, resumeToken }) };
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

/** The IDs of what is worked on, by wire name: those in the path or, of a deletion without any, what its body names. */
function targetOf({ method, inPath }: Operation, { path, body }: ItemRequest): Record<string, string> {
	return method === 'DELETE' && !inPath ? (body as Record<string, string>) : path;
}

function callOf(operation: Operation, request: ItemRequest): Call {
	const { method, path, scope, inBody } = operation;
	return {
		method,
		path,
		scope,
		ids: targetOf(operation, request),
		query: request.query,
		...(inBody ? { body: request.body } : {}),
	};
}

async function runOne(
	context: IExecuteFunctions,
	hubble: HubbleClient,
	operation: Operation,
	request: ItemRequest,
	emit: (results: INodeExecutionData[]) => void,
): Promise<void> {
	const { list, simplify: simplified, toJson, toRows, toItems } = operation;
	const call = callOf(operation, request);
	if (toItems) {
		emit(await toItems({ context, hubble, call, request }));
		return;
	}
	const json = toJson?.(request) ?? (request.isSimplified ? simplified : undefined) ?? ((row: IDataObject) => row);
	// One object for all of them, and no property added later: packets come by the hundred thousand.
	const pairedItem = { item: request.itemIndex };
	const finish = (rows: IDataObject[]) => emit(rows.map((row) => ({ json: json(row), pairedItem })));
	if (list) {
		const isFull = await runList(context, hubble, list, call, request, finish);
		if (isFull && request.isCapped) {
			const note = `An AI agent gets the first ${request.limit} results; there may be more. Filter to find others.`;
			emit([{ json: { note } }]);
		}
		return;
	}
	const { body, requestId } = await send(hubble, call);
	if (operation.method === 'GET' && !Object.keys(body).length) {
		throw unexpectedResponse(context.getNode(), 'anything', hubble.baseUrl, requestId);
	}
	const [missing] =
		Object.entries(operation.requiredFields ?? {}).find(([name, isGiven]) => !isGiven(body[name])) ?? [];
	if (missing)
		throw unexpectedResponse(context.getNode(), `the field "${missing}"`, hubble.baseUrl, requestId, operation.method);
	if (operation.method === 'DELETE') {
		// Hubble answers with an empty object. Each deletion names one thing.
		const [id] = Object.values(targetOf(operation, request));
		finish([{ deleted: true, id }]);
	} else {
		finish(toRows ? toRows(body, request) : [body]);
	}
}

/**
 * Emits page by page, so that what was fetched before a failure is not lost.
 * @returns whether the limit ended it, so that there may be more
 */
async function runList(
	context: IExecuteFunctions,
	hubble: HubbleClient,
	list: List,
	call: Call,
	request: ItemRequest,
	emit: (rows: IDataObject[]) => void,
): Promise<boolean> {
	let missing = request.limit;
	let leftOutRows = 0;
	try {
		for await (const { rows } of pagesOf(hubble, call, list, request)) {
			const kept = [...acceptedRows(rows, list, () => (leftOutRows += 1), request.clientFilters)];
			emit(kept.length > missing ? kept.slice(0, missing) : kept);
			missing -= kept.length;
			if (missing <= 0) return true;
		}
		return false;
	} finally {
		if (leftOutRows) warn(context, leftOut(leftOutRows, list));
	}
}
