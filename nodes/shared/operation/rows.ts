/** From replies to items: the rows of a list page by page, or the reply itself. */
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { acceptedRows, leftOut, type List, type Page } from '../client/pages';
import { readPages } from '../client/windows';
import { listOf, type Hint, type ItemRequest, type Operation, type Work } from './operation';
import { inCamelCase, withIsoTimes } from './times';

/** What the user chose a row to become: what Hubble gave, its simplified fields, or some of them. */
export function chosenShape(
	{ isSimplified, outputFields }: ItemRequest,
	shape: (row: IDataObject) => IDataObject,
): (row: IDataObject) => IDataObject {
	if (!isSimplified) return (row) => row;
	if (!outputFields) return shape;
	return (row) => {
		const fields = shape(row);
		return Object.fromEntries(outputFields.map((name) => [name, fields[name]]));
	};
}

/** What a row of an operation becomes: what the user chose; all its fields in camelCase where there is no choice. */
export function shapeOf(
	{ shape }: Operation,
	{ request, hubble }: Pick<Work, 'request' | 'hubble'>,
): (row: IDataObject) => IDataObject {
	if (!shape) return inCamelCase;
	return request.isSimplified ? chosenShape(request, (row) => shape(row, hubble.now())) : withIsoTimes;
}

/** The items of an operation that does not make its own. Throws what `send` throws. */
export async function* replyItems(operation: Operation, work: Work): AsyncGenerator<INodeExecutionData[]> {
	const { hubble, request } = work;
	const shape = shapeOf(operation, work);
	const list = listOf(operation);
	if (list) {
		yield* listItems(work, list, shape);
		return;
	}
	const body = request.reply ?? (await hubble.send(request)).body;
	yield [{ json: operation.endpoint?.method === 'DELETE' ? deleted(operation, request) : shape(body) }];
}

/** Hubble answers with an empty object. Each deletion names one thing, by the parameter that chose it. */
function deleted({ inPath, inBody, idInBody }: Operation, { ids }: ItemRequest): IDataObject {
	const [wireName = '', id] = Object.entries(ids).at(-1) ?? [];
	const { name = wireName } = (idInBody ? inBody?.[idInBody] : inPath?.[wireName]) ?? {};
	return { deleted: true, [name]: id };
}

/** What a run leaves out of a list; its hint counts it for all items together. */
class LeftOut {
	private count = 0;

	constructor(readonly list: List) {}

	readonly add = () => void (this.count += 1);

	text(): string | undefined {
		return this.count ? leftOut(this.count, this.list) : undefined;
	}
}

/** What is to be told of each row that is left out of a list. */
export function countLeftOut(hints: Set<Hint>, list: List): () => void {
	const isOfList = (hint: Hint): hint is LeftOut => hint instanceof LeftOut && hint.list === list;
	const counter = [...hints].find(isOfList) ?? new LeftOut(list);
	hints.add(counter);
	return counter.add;
}

/**
 * The rows of a list up to the limit, each page as soon as it is there: what came before a failure is not lost.
 * @param shape what a row becomes, with what its reply says beside the list
 */
export async function* listItems(
	work: Work,
	list: List,
	shape: (row: IDataObject, reply: IDataObject) => IDataObject,
): AsyncGenerator<INodeExecutionData[]> {
	const { request, hints } = work;
	const leaveOut = countLeftOut(hints, list);
	let missing = request.limit;
	for await (const { rows, next, body = {} } of wantedPages(work, list, true)) {
		const accepted = [...acceptedRows(rows, list, leaveOut, request.clientFilters)];
		const wanted = accepted.length > missing ? accepted.slice(0, missing) : accepted;
		yield wanted.map((row) => ({ json: shape(row, body) }));
		missing -= accepted.length;
		if (missing > 0) continue;
		if (missing < 0 || next !== undefined) yield cutOff(work, missing < 0);
		return;
	}
}

/** The items of rows that come all at once, up to the limit. */
export function rowItems(work: Work, rows: readonly IDataObject[]): INodeExecutionData[] {
	const { limit } = work.request;
	const items = rows.slice(0, limit).map((row): INodeExecutionData => ({ json: inCamelCase(row) }));
	return rows.length > limit ? [...items, ...cutOff(work, true)] : items;
}

const CERTAIN = 'More results exist';
const POSSIBLE = 'There may be more results';

/** Says that the limit ended a list: to a model in an item, else beside the output. */
export function cutOff({ request: { limit, isTool }, hints }: Work, isCertain: boolean): INodeExecutionData[] {
	const more = isCertain ? CERTAIN : POSSIBLE;
	const advice = 'narrow the filters, or use an operation that counts, where there is one';
	if (isTool) return [{ json: { note: `First ${limit} results. ${more}: ${advice}.` } }];
	// In one line: n8n's own note, which stands below, says what to do.
	const hint = (how: string) => `${how} than the Limit of ${limit}.`;
	// Of several items, one hint tells: the certain one.
	if (isCertain) hints.delete(hint(POSSIBLE));
	if (isCertain || !hints.has(hint(CERTAIN))) hints.add(hint(more));
	return [];
}

/**
 * The rows of a list that pass the filters, one at a time. A hint says how many were left out as malformed.
 * @param onMalformed is told of each of these
 */
export async function* wantedRows<Row extends IDataObject>(
	work: Work,
	list: List<Row>,
	onMalformed = () => {},
): AsyncGenerator<Row> {
	const count = countLeftOut(work.hints, list);
	const leaveOut = () => {
		count();
		onMalformed();
	};
	for await (const { rows } of wantedPages(work, list)) {
		yield* acceptedRows(rows, list, leaveOut, work.request.clientFilters);
	}
}

/** @param isOutput whether the rows are put out as they come, so that another run can get the rest */
export function wantedPages({ context, hubble, request }: Work, list: List, isOutput = false): AsyncGenerator<Page> {
	const { limit, clientFilters, settings } = request;
	const hasClientFilters = clientFilters.length > 0;
	const newestFirst = 'order' in settings && settings.order === 'newest';
	const soFar = isOutput ? (context.continueOnFail() ? 'kept' : 'lost') : undefined;
	return readPages(hubble, request, list, { limit, hasClientFilters, newestFirst, soFar });
}
