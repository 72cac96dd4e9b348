/** The only item loop: reads a row of an operation table, calls Hubble, pairs items, decides continue-on-fail. */
import {
	NodeApiError,
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
} from 'n8n-workflow';
import { toBatches } from './batch';
import { continuationToken, limit, returnAll, simplify, type Field } from './fields';
import type { Ask, Batch, BatchResult, Fields, Operation } from './operation';
import { connect, send, type Call, type Hubble, type List } from './transport';
import { pagesOf } from './windows';
import { withIsoTimes } from './times';

/** Answers by which Hubble refuses a whole batch although perhaps a single part of it is at fault. */
const REFUSED_WHOLE = new Set(['400', '404', '409', '413', '422']);

/** Rows that an AI agent gets at most: n8n hands all of them to the model. */
const TOOL_ROWS = 100;

/**
 * Executes the operation that the node's parameters name, for all input items.
 * Every item is read and checked before the first call. Output items are in the order of the input
 * items they are paired with.
 */
export async function run(context: IExecuteFunctions, operations: readonly Operation[]): Promise<INodeExecutionData[][]> {
	const operation = chosen(context, operations);
	const hubble = await connect(context);
	const inputs = context.getInputData();
	const outputs: INodeExecutionData[][] = inputs.map(() => []);

	const emit = (item: number, results: INodeExecutionData[]) => {
		for (const result of results) {
			result.pairedItem = { item };
			if (!operation.hasRawTimes) result.json = withIsoTimes(result.json);
			outputs[item]?.push(result);
		}
	};
	const fail = (item: number, error: unknown, ids: IDataObject = {}) => {
		const failure = inItem(context, error, item);
		if (!context.continueOnFail() || hubble.signal?.aborted) throw failure;
		outputs[item]?.push({ json: errorRow(context, failure, ids), pairedItem: { item } });
	};

	const asks: Ask[] = [];
	for (let item = 0; item < inputs.length; item++) {
		try {
			asks.push(readAsk(context, operation, item));
		} catch (error) {
			fail(item, error);
		}
	}

	const warnings = new Set(asks.flatMap((ask) => operation.warn?.(ask) ?? []));
	for (const message of warnings) {
		context.addExecutionHints?.({ message, type: 'warning', location: 'outputPane' });
	}

	const { batch } = operation;
	const isSingle = batch?.single && context.getNodeParameter('options.batching', 0, 'automatic') === 'single';
	if (batch && !isSingle) {
		await runBatches(hubble, operation, batch, asks, emit, fail);
	} else {
		for (const ask of asks) {
			try {
				await runOne(context, hubble, operation, ask, (results) => emit(ask.item, results));
			} catch (error) {
				fail(ask.item, error, idsOf(operation, ask));
			}
		}
	}
	return [outputs.flat()];
}

/**
 * What continue-on-fail puts in the place of data. n8n sends a row to the error output only when it holds
 * `error` and `message` alone, and cuts it down to its `error` when the item carries the error itself; so
 * the details stand in the regular output only, and the error output has n8n's copy of the input instead.
 */
function errorRow(context: IExecuteFunctions, failure: NodeApiError | NodeOperationError, ids: IDataObject): IDataObject {
	const row: IDataObject = { error: failure.message, message: failure.description ?? failure.message };
	if (context.getNode().onError === 'continueErrorOutput') return row;
	const { status, requestId, rowsFetched, resumeToken, resumeTime } = failure.context;
	return { ...row, ...ids, ...withoutUndefined({ status, requestId, rowsFetched, resumeToken, resumeTime }) };
}

function chosen(context: IExecuteFunctions, operations: readonly Operation[]): Operation {
	const resource = context.getNodeParameter('resource', 0, '') as string;
	const value = context.getNodeParameter('operation', 0) as string;
	const operation = operations.find((row) => row.value === value && (row.resource ?? '') === resource);
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

const withoutUndefined = (object: Record<string, unknown>) =>
	Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as IDataObject;

/** Whether an AI agent called the node as its tool; n8n 1.x does not tell. */
function runsAsTool(context: IExecuteFunctions & { isToolExecution?: () => boolean }): boolean {
	return context.isToolExecution?.() ?? false;
}

/** What one item asks, in the wire's names. Throws an error that names the parameter and the item. */
function readAsk(context: IExecuteFunctions, operation: Operation, item: number): Ask {
	const refuse = (reason: string) =>
		new NodeOperationError(context.getNode(), reason, {
			itemIndex: item,
			description: `Nothing was sent to Hubble for item ${item}.`,
		});
	const timezone = context.getTimezone();
	const value = (field: Field): unknown => {
		const { name, within, type, toWire } = field;
		const path = within ? `${within}.${name}` : name;
		const given: unknown = context.getNodeParameter(path, item, null, { extractValue: type === 'resourceLocator' });
		try {
			const sent = given !== null && given !== undefined && toWire ? toWire(given, { timezone }) : given;
			const isEmpty = sent === null || sent === undefined || (sent === '' && (!toWire || field.required));
			if (isEmpty && field.required) throw new Error('it is required');
			return isEmpty ? undefined : sent;
		} catch (error) {
			throw refuse(`Parameter "${field.displayName}": ${(error as Error).message}`);
		}
	};
	const values = (fields: Fields = {}) =>
		withoutUndefined(Object.fromEntries(Object.entries(fields).map(([wireName, field]) => [wireName, value(field)])));

	const { list, simplify: hasSimplify } = operation;
	const isTool = runsAsTool(context);
	const wanted = list && !value(returnAll) ? (value(limit) as number) : Infinity;
	const isCapped = list !== undefined && isTool && wanted > TOOL_ROWS;
	const ask: Ask = {
		item,
		path: values(operation.inPath) as Record<string, string>,
		query: values(operation.inQuery),
		body: values(operation.inBody),
		settings: values(operation.settings),
		limit: isCapped ? TOOL_ROWS : wanted,
		isCapped,
		token: list?.pages === 'token' ? (value(continuationToken) as string | undefined) : undefined,
		isSimple: hasSimplify !== undefined && (isTool || Boolean(value(simplify))),
		keeps: (operation.local ?? []).flatMap((filter) => {
			const wanted = value(filter);
			return wanted === undefined ? [] : [(row: IDataObject) => filter.keeps(row, wanted)];
		}),
	};
	const isIdle = operation.method === 'PATCH' && !Object.keys(ask.body).length;
	const reason = isIdle ? 'Parameter "Fields to Update": nothing is set, so there is nothing to update' : operation.refuse?.(ask);
	if (reason) throw refuse(reason);
	return ask;
}

/** What names the thing that is worked on: the placeholders, or what a deletion names in its body. */
const idsOf = ({ method }: Operation, { path, body }: Ask) =>
	(method === 'DELETE' ? { ...path, ...body } : path) as Record<string, string>;

function callOf(operation: Operation, ask: Ask): Call {
	const { method, path, scope, inBody } = operation;
	return { method, path, scope, ids: idsOf(operation, ask), query: ask.query, ...(inBody ? { body: ask.body } : {}) };
}

async function runOne(
	context: IExecuteFunctions,
	hubble: Hubble,
	operation: Operation,
	ask: Ask,
	emit: (results: INodeExecutionData[]) => void,
): Promise<void> {
	const { list, simplify: simplified, toJson, toRows, toItems } = operation;
	const call = callOf(operation, ask);
	if (toItems) {
		emit(await toItems({ context, hubble, call, ask }));
		return;
	}
	const json = toJson?.(ask) ?? (ask.isSimple ? simplified : undefined) ?? ((row: IDataObject) => row);
	const finish = (rows: IDataObject[]) => emit(rows.map((row) => ({ json: json(row) })));
	if (list) {
		const isFull = await runList(hubble, list, call, ask, finish);
		if (isFull && ask.isCapped) {
			emit([{ json: { note: `An AI agent gets the first ${ask.limit} results; there may be more. Filter to find others.` } }]);
		}
		return;
	}
	const { body } = await send(hubble, call);
	// Hubble answers a deletion with an empty object.
	if (operation.method === 'DELETE') finish([{ deleted: true, id: Object.values(idsOf(operation, ask)).at(-1) }]);
	else finish(toRows ? toRows(body, ask) : [body]);
}

/** Emits page by page, so that what was fetched before a failure is not lost. Gives whether the limit ended it. */
async function runList(
	hubble: Hubble,
	list: List,
	call: Call,
	ask: Ask,
	emit: (rows: IDataObject[]) => void,
): Promise<boolean> {
	const { keeps } = ask;
	let missing = ask.limit;
	for await (const { rows } of pagesOf(hubble, call, list, ask)) {
		const kept = keeps.length ? rows.filter((row) => keeps.every((keep) => keep(row))) : rows;
		emit(kept.length > missing ? kept.slice(0, missing) : kept);
		missing -= kept.length;
		if (missing <= 0) return true;
	}
	return false;
}

/**
 * Many items in few calls. When Hubble refuses a batch as a whole, its halves are sent on their own
 * until the part at fault stands alone: one bad item does not fail the others.
 */
async function runBatches(
	hubble: Hubble,
	operation: Operation,
	batch: Batch,
	asks: readonly Ask[],
	emit: (item: number, results: INodeExecutionData[]) => void,
	fail: (item: number, error: unknown, ids?: IDataObject) => void,
): Promise<void> {
	const { method, scope } = operation;
	const parts = batch.split ? asks.flatMap(batch.split) : asks;

	const callWith = async (part: readonly Ask[]): Promise<BatchResult[]> => {
		const { body } = await send(hubble, {
			method,
			path: batch.path,
			scope,
			ids: part.length === 1 ? part[0]?.path : {},
			query: part[0]?.query,
			body: batch.toBody(part),
		});
		return batch.fromReply(body, part);
	};

	const settle = async (part: readonly Ask[]): Promise<void> => {
		let results: BatchResult[];
		try {
			results = await callWith(part);
		} catch (error) {
			const canSplit = error instanceof NodeApiError && REFUSED_WHOLE.has(error.httpCode ?? '') && part.length > 1;
			if (!canSplit) {
				for (const ask of new Map(part.map((ask) => [ask.item, ask])).values()) fail(ask.item, error, ask.path);
				return;
			}
			const half = Math.ceil(part.length / 2);
			await settle(part.slice(0, half));
			await settle(part.slice(half));
			return;
		}
		part.forEach((ask, index) => {
			const result = results[index] ?? { refused: 'Its reply does not mention this one.' };
			if ('json' in result) emit(ask.item, [{ json: result.json }]);
			else fail(ask.item, refusal(hubble, ask, result.refused), ask.path);
		});
	};

	for (const part of toBatches(parts, batch.size, batch)) await settle(part);
}

function refusal(hubble: Hubble, ask: Ask, reason: string): NodeOperationError {
	const id = Object.values(ask.path).at(-1) ?? '';
	return new NodeOperationError(hubble.context.getNode(), `Hubble did not accept ${id || 'this item'}`, {
		itemIndex: ask.item,
		description: `Hubble says: "${hubble.redact(reason)}"`,
	});
}
