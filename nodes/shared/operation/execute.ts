/** The work of one request: the call, its pages, and the reply as rows of output. */
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { HubbleClient } from '../client/client';
import { acceptedRows, leftOut, type List } from '../client/pages';
import { pagesOf } from '../client/parallelPages';
import { send } from '../client/request';
import { listOf, type ItemRequest, type Operation, type Work } from './operation';
import { withIsoTimes } from './times';

/** Takes items that are ready: those of a list page by page, so that what came before a failure is not lost. */
export type Emit = (items: INodeExecutionData[]) => void;

/** Shows the user a hint beside the output. */
export const warn = (context: IExecuteFunctions, message: string) =>
	context.addExecutionHints?.({ message, type: 'warning', location: 'outputPane' });

/** The items that rows of output become. One `pairedItem` serves all: packets come by the hundred thousand. */
export function toItems(
	{ hasRawTimes }: Operation,
	itemIndex: number,
	rows: readonly IDataObject[],
): INodeExecutionData[] {
	const pairedItem = { item: itemIndex };
	return rows.map((row) => ({ json: hasRawTimes ? row : withIsoTimes(row), pairedItem }));
}

/** Carries out what one item asks. Throws what `send` throws. */
export async function execute(operation: Operation, work: Work, emit: Emit): Promise<void> {
	const { simplify, toJson } = operation;
	const { request } = work;
	const { itemIndex } = request;
	if (operation.toItems) {
		const items = await operation.toItems(work);
		emit(items.map((item) => ({ pairedItem: { item: itemIndex }, ...item })));
		return;
	}
	const shape = toJson?.(request) ?? (request.isSimplified ? simplify : undefined) ?? ((row: IDataObject) => row);
	const finish = (rows: IDataObject[]) => emit(toItems(operation, itemIndex, rows.map(shape)));
	const list = listOf(operation);
	if (!list || operation.toRows) {
		finish(await rowsOfReply(operation, work));
		return;
	}
	const isFull = await readList(list, operation, work, finish);
	if (isFull && request.isCapped) {
		const note = `An AI agent gets the first ${request.limit} results; there may be more. Filter to find others.`;
		emit([{ json: { note }, pairedItem: { item: itemIndex } }]);
	}
}

/** The rows of a reply that is not a list. */
async function rowsOfReply({ endpoint, toRows }: Operation, { hubble, request }: Work): Promise<IDataObject[]> {
	const body = request.reply ?? (await send(hubble, request)).body;
	if (endpoint.method !== 'DELETE') return toRows ? toRows(body, request) : [body];
	// Hubble answers with an empty object. Each deletion names one thing.
	return [{ deleted: true, id: Object.values(request.ids).at(-1) }];
}

/** The pages that one item asks for. */
export function requestedPages(hubble: HubbleClient, list: List, request: ItemRequest) {
	const { limit, continuationToken, clientFilters, settings } = request;
	const parallelWindows = settings.parallelWindows as number | undefined;
	const hasClientFilters = clientFilters.length > 0;
	return pagesOf(hubble, request, list, { limit, continuationToken, hasClientFilters, parallelWindows });
}

/** @returns whether the limit ended it, so that there may be more */
async function readList(
	list: List,
	{ withReply }: Operation,
	{ context, hubble, request }: Work,
	emit: (rows: IDataObject[]) => void,
): Promise<boolean> {
	let missing = request.limit;
	let malformed = 0;
	try {
		for await (const { rows, body = {} } of requestedPages(hubble, list, request)) {
			const accepted = [...acceptedRows(rows, list, () => (malformed += 1), request.clientFilters)];
			const kept = withReply ? accepted.map((row) => withReply(row, body)) : accepted;
			emit(kept.length > missing ? kept.slice(0, missing) : kept);
			missing -= kept.length;
			if (missing <= 0) return true;
		}
		return false;
	} finally {
		if (malformed) warn(context, leftOut(malformed, list));
	}
}
