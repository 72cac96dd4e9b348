/** A list of Hubble's, page by page. */
import type { IDataObject } from 'n8n-workflow';
import type { HubbleClient } from './client';
import type { ListFacts } from './endpoints';
import { RepeatedToken, withProgress, type Progress, type SoFar } from './errors';
import { entriesOf, isObject, objectOf } from './json';
import type { Call, Reply } from './request';

/** A reply that is a list, fetched page by page. */
export interface List<Row extends IDataObject = IDataObject> extends ListFacts {
	/** What a row must be, and in what words a row is refused that is not. Without it any object will do. */
	accept?: { row: (row: unknown) => Row | undefined; needs: string };
	/**
	 * About when Hubble received a row, in Unix seconds; NaN when the row does not tell. It takes any row, also one that
	 * is not accepted. A list that has it can be read in windows between `start` and `end` (`windows.ts`).
	 */
	timeOf?: (row: unknown) => number;
}

/** One reply of a list; on the empty page at the head of an open stream `retryAfterMs` says when to ask again. */
export interface Page extends Partial<Pick<Reply, 'body' | 'ms' | 'retryAfterMs' | 'requestId'>> {
	/** As Hubble sent them; `acceptedRows` leaves out what is no row. */
	rows: readonly unknown[];
	/**
	 * Where the next page begins: a Continuation-Token, or its number; `undefined` on the last one. In a period that is read
	 * in windows it says only that there are more.
	 */
	next?: string;
}

/**
 * The pages of a list, one at a time and only as far as the caller reads. By token: an absent or empty Continuation-Token
 * ends the list, and one that was seen before would never end it, so it is an error. By number: a page that is not full
 * ends the list.
 * @param call its `continuationToken` says where to begin: a Continuation-Token, or the number of a page
 * @param pageSize rows in a page, where the endpoint takes a size
 */
export async function* chain(hubble: HubbleClient, call: Call, list: List, pageSize?: number): AsyncGenerator<Page> {
	const size = list.pageSize ? { [list.pageSize.name]: pageSize } : {};
	const isNumbered = list.pages === 'number';
	const seen = new Set(call.continuationToken ? [call.continuationToken] : []);
	for (let place = call.continuationToken; ;) {
		const number = isNumbered ? { page_number: Number(place ?? 0) } : {};
		const query = { ...call.query, ...size, ...number };
		const reply = await fetchRows(hubble, { ...call, query, continuationToken: isNumbered ? undefined : place }, list);
		const { rows, body, headers, ms, retryAfterMs, requestId } = reply;
		const next = {
			token: String(headers['continuation-token'] ?? '') || undefined,
			number: rows.length >= (pageSize ?? Infinity) ? String(Number(place ?? 0) + 1) : undefined,
			one: undefined,
		}[list.pages];
		yield { rows, next, body, ms, retryAfterMs, requestId };
		if (!next) return;
		// What ignores the number of the page gives the first one for ever.
		const mark = isNumbered ? JSON.stringify(rows) : next;
		if (seen.has(mark))
			throw new RepeatedToken(hubble.context.getNode(), isNumbered ? 'page' : 'Continuation-Token', requestId);
		seen.add(mark);
		place = next;
	}
}

/** Pages, counted in `progress`; an error on the way to one says how far the run came. */
export async function* tracked(
	{ context }: HubbleClient,
	{ pages: by }: List,
	given: AsyncIterable<Page>,
	soFar?: SoFar,
	progress: Progress = { pages: 0, rowsFetched: 0 },
): AsyncGenerator<Page> {
	try {
		for await (const page of given) {
			progress.pages += 1;
			progress.rowsFetched += page.rows.length;
			progress.token = by === 'token' ? page.next : undefined;
			yield page;
		}
	} catch (error) {
		throw withProgress(context.getNode(), error, progress, soFar);
	}
}

/** All pages of a list; an error's `context` holds `rowsFetched`. The parameters are those of `chain` and `tracked`. */
export const pages = (hubble: HubbleClient, call: Call, list: List, pageSize?: number, soFar?: SoFar) =>
	tracked(hubble, list, chain(hubble, call, list, pageSize), soFar);

/** The pages without the rows whose key was on one before. */
export async function* withoutRepeats(given: AsyncIterable<Page>, key: string): AsyncGenerator<Page> {
	const seen = new Set<unknown>();
	const isNew = (row: unknown) => {
		const id = objectOf(row)[key];
		return typeof id !== 'string' || (!seen.has(id) && seen.add(id));
	};
	for await (const page of given) yield { ...page, rows: page.rows.filter(isNew) };
}

/** One reply that is a list. Throws when it holds none, not even an empty one: then it is not Hubble's. */
export async function fetchRows(hubble: HubbleClient, call: Call, list: List): Promise<Reply & { rows: unknown[] }> {
	const reply = await hubble.send({ ...call, rows: list.rows });
	return { ...reply, rows: entriesOf(reply.body[list.rows]) };
}

/**
 * The rows that are what they should be and that every filter keeps, one at a time.
 * @param onMalformed is told of each row that is left out because it is not what it should be
 */
export function* acceptedRows<Row extends IDataObject>(
	rows: readonly unknown[],
	{ accept }: List<Row>,
	onMalformed = () => {},
	keeps: ReadonlyArray<(row: IDataObject) => boolean> = [],
): Generator<Row> {
	for (const given of rows) {
		const row = accept ? accept.row(given) : isObject(given) ? (given as Row) : undefined;
		if (!row) onMalformed();
		else if (keeps.every((keep) => keep(row))) yield row;
	}
}

/** The warning about rows that were left out. */
export const leftOut = (malformed: number, { rows, accept }: List) =>
	`${malformed} of the ${rows} ${malformed === 1 ? 'was' : 'were'} left out: each needs ${accept?.needs ?? 'to be an object'}.`;
