/** The work of one request: the call, its pages, and the reply as rows of output. */
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { acceptedRows, leftOut, type List, type Page } from '../client/pages';
import { readPages } from '../client/windows';
import { listOf, type Hint, type ItemRequest, type Operation, type Work } from './operation';
import { withIsoTimes } from './times';

/** Takes items that are ready: those of a list page by page, so that what came before a failure is not lost. */
export type Emit = (items: INodeExecutionData[]) => void;

/** The items that rows of output become. One `pairedItem` serves all: packets come by the hundred thousand. */
export function toItems(
	{ hasRawTimes }: Operation,
	itemIndex: number,
	rows: readonly IDataObject[],
): INodeExecutionData[] {
	const pairedItem = { item: itemIndex };
	return rows.map((row) => ({ json: hasRawTimes ? row : withIsoTimes(row), pairedItem }));
}

/** What one row of the reply becomes. */
export function shapeOf(
	{ toJson, simplify }: Operation,
	request: ItemRequest,
	hints: Set<Hint>,
): (row: IDataObject) => IDataObject {
	return toJson?.(request, hints) ?? chosenShape(request, simplify);
}

/** What the user chose a row to become: what Hubble gave, its simplified fields, or some of them. */
export function chosenShape(
	{ isSimplified, outputFields }: ItemRequest,
	simplify: Operation['simplify'],
): (row: IDataObject) => IDataObject {
	if (!simplify || !isSimplified) return (row) => row;
	if (!outputFields) return simplify;
	return (row) => {
		const fields = simplify(row);
		return Object.fromEntries(outputFields.map((name) => [name, fields[name]]));
	};
}

/** Carries out what one item asks. Throws what `send` throws. */
export async function execute(operation: Operation, work: Work, emit: Emit): Promise<void> {
	const { request } = work;
	const { itemIndex } = request;
	if (operation.toItems) {
		const items = await operation.toItems(work);
		emit(items.map((item) => ({ pairedItem: { item: itemIndex }, ...item })));
		return;
	}
	const shape = shapeOf(operation, request, work.hints);
	const finish = (rows: IDataObject[]) => emit(toItems(operation, itemIndex, rows.map(shape)));
	const list = listOf(operation);
	if (!list || operation.toRows) {
		finish(await rowsOfReply(operation, work));
		return;
	}
	const hasMore = await readList(list, operation, work, finish);
	if (!hasMore) return;
	const { limit, isTool } = request;
	if (isTool) {
		const note = `These are ${limit} results; more exist. Filter to find others, or ask for the count.`;
		emit([{ json: { note }, pairedItem: { item: itemIndex } }]);
	} else {
		work.hints.add(
			`More results exist than the Limit of ${limit}. Turn on Return All, or raise the Limit, to get them.`,
		);
	}
}

/** How many rows a list holds. The rows are counted as they come, and none is kept. */
export async function countRows(list: List, work: Work): Promise<number> {
	let count = 0;
	let malformed = 0;
	for await (const { rows } of requestedPages(work, list)) {
		const accepted = acceptedRows(rows, list, () => (malformed += 1), work.request.clientFilters);
		while (!accepted.next().done) count += 1;
	}
	if (malformed) work.hints.add(leftOut(malformed, list));
	return count;
}

/** The rows of a reply that is not a list. */
async function rowsOfReply(
	{ endpoint, toRows, inPath, inBody, idInBody }: Operation,
	{ hubble, request }: Work,
): Promise<IDataObject[]> {
	const body = request.reply ?? (await hubble.send(request)).body;
	if (endpoint.method !== 'DELETE') return toRows ? toRows(body, request) : [body];
	// Hubble answers with an empty object. Each deletion names one thing, by the parameter that chose it.
	const [wireName = '', id] = Object.entries(request.ids).at(-1) ?? [];
	const { name = wireName } = (idInBody ? inBody?.[idInBody] : inPath?.[wireName]) ?? {};
	return [{ deleted: true, [name]: id }];
}

/** The pages that one item asks for. */
export async function* requestedPages({ hubble, request, progress }: Work, list: List): AsyncGenerator<Page> {
	const { limit, continuationToken, clientFilters, settings } = request;
	const hasClientFilters = clientFilters.length > 0;
	const newestFirst = settings.order === 'newest';
	const reading = { limit, continuationToken, hasClientFilters, newestFirst };
	for await (const page of readPages(hubble, request, list, reading)) {
		progress.note(page, list.rows);
		yield page;
	}
}

/** @returns whether the limit ended it and there is more */
async function readList(
	list: List,
	{ withReply }: Operation,
	work: Work,
	emit: (rows: IDataObject[]) => void,
): Promise<boolean> {
	const { request, hints } = work;
	let missing = request.limit;
	let malformed = 0;
	try {
		for await (const { rows, next, body = {} } of requestedPages(work, list)) {
			const accepted = [...acceptedRows(rows, list, () => (malformed += 1), request.clientFilters)];
			const kept = withReply ? accepted.map((row) => withReply(row, body)) : accepted;
			emit(kept.length > missing ? kept.slice(0, missing) : kept);
			missing -= kept.length;
			if (missing <= 0) return missing < 0 || next !== undefined;
		}
		return false;
	} finally {
		if (malformed) hints.add(leftOut(malformed, list));
	}
}
