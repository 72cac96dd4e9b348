/** A list of Hubble's, page by page. */
import { NodeApiError, NodeOperationError, type IDataObject } from 'n8n-workflow';
import type { HubbleClient } from './client';
import type { ListFacts } from './endpoints';
import { unexpectedResponse } from './errors';
import type { Rows } from './lazyRows';
import type { Call, Reply } from './request';

/** A reply that is a list, fetched page by page. */
export interface List extends ListFacts {
	/** What a row must be, and in what words a row is refused that is not. Without it any object will do. */
	accept?: { row: (row: unknown) => IDataObject | undefined; needs: string };
	/** With it a closed period of `start` and `end` is read in parallel windows (`parallelPages.ts`). */
	order?: Order;
}

/** How the rows of a stream lie in time; both functions take any row, also one that is not accepted. */
export interface Order {
	/** About when Hubble received the row, in Unix seconds; NaN when the row does not tell. */
	timeOf: (row: unknown) => number;
	/** What makes a row itself, in whichever page it comes. */
	keyOf: (row: unknown) => string;
}

export interface Page {
	/** As Hubble sent them; `acceptedRows` leaves out what is no row. */
	rows: Rows;
	/** Where the next page begins (a Continuation-Token, or its number); `undefined` on the last one. */
	next?: string;
	/** What the reply says beside the list. */
	body?: IDataObject;
	/** Milliseconds until asking again is worthwhile, on the empty page at the head of an open stream. */
	retryAfterMs?: number;
	/** The reply's X-Request-ID. */
	requestId?: string;
}

/** Why a list is given up whose next Continuation-Token was seen before: it would never end, and no token leads on. */
export class RepeatedToken extends Error {
	constructor(readonly requestId?: string) {
		super('Hubble gave the same Continuation-Token twice');
	}
}

/** The Continuation-Token of a reply; an absent or empty one ends the list. */
export const nextToken = ({ headers }: Pick<Reply, 'headers'>) =>
	String(headers['continuation-token'] ?? '') || undefined;

/**
 * The pages of a list, one at a time and only as far as the caller reads.
 * By token: an absent or empty Continuation-Token ends the list, and one that was seen before would
 * never end it, so it is an error. By number: a page that is not full ends the list.
 * An error on a page tells how far the run came; its `context` holds `rowsFetched` and `resumeToken`.
 * @param call its `continuationToken` says where to begin: a Continuation-Token, or the number of a page
 * @param pageSize rows in a page, where the endpoint takes a size
 */
export async function* pages(hubble: HubbleClient, call: Call, list: List, pageSize?: number): AsyncGenerator<Page> {
	const size = list.pageSize && pageSize !== undefined ? { [list.pageSize.name]: pageSize } : {};
	const isNumbered = list.pages === 'number';
	const seen = new Set(call.continuationToken ? [call.continuationToken] : []);
	let place = call.continuationToken;
	let rowsFetched = 0;
	for (let page = 0; ; page++) {
		const number = isNumbered ? { page_number: Number(place ?? 0) } : {};
		const query = { ...call.query, ...size, ...number };
		const token = isNumbered ? undefined : place;
		let reply: Reply & { rows: Rows };
		try {
			reply = await fetchRows(hubble, { ...call, query, continuationToken: token }, list);
		} catch (error) {
			throw withProgress(hubble, error, { pages: page, rowsFetched, token });
		}
		const { rows, retryAfterMs, body, requestId } = reply;
		rowsFetched += rows.length;
		const next = {
			token: nextToken(reply),
			number: rows.length >= (pageSize ?? Infinity) ? String(Number(place ?? 0) + 1) : undefined,
			one: undefined,
		}[list.pages];
		yield { rows, next, body, retryAfterMs, requestId };
		if (!next) return;
		if (seen.has(next)) {
			throw withProgress(hubble, new RepeatedToken(requestId), { pages: page + 1, rowsFetched });
		}
		seen.add(next);
		place = next;
	}
}

/** One reply that is a list. Throws when it holds none, not even an empty one: then it is not Hubble's. */
export async function fetchRows(hubble: HubbleClient, call: Call, list: List): Promise<Reply & { rows: Rows }> {
	const reply = await hubble.send({ ...call, rows: list.rows });
	const { rows, requestId } = reply;
	if (!rows) throw unexpectedResponse(hubble.context.getNode(), `a list "${list.rows}"`, hubble.baseUrl, requestId);
	return { ...reply, rows };
}

const isObject = (row: unknown): row is IDataObject => typeof row === 'object' && row !== null && !Array.isArray(row);

/**
 * The rows that are what they should be and that every filter keeps, one at a time.
 * @param onMalformed is told of each row that is left out because it is not what it should be
 */
export function* acceptedRows(
	rows: Rows,
	{ accept }: List,
	onMalformed = () => {},
	keeps: ReadonlyArray<(row: IDataObject) => boolean> = [],
): Generator<IDataObject> {
	for (const given of rows) {
		const row = accept ? accept.row(given) : isObject(given) ? given : undefined;
		if (!row) onMalformed();
		else if (keeps.every((keep) => keep(row))) yield row;
	}
}

/** What the user reads of rows that were left out. */
export const leftOut = (malformed: number, { rows, accept }: List) =>
	`${malformed} of the ${rows} were left out: each needs ${accept?.needs ?? 'to be an object'}.`;

/** The rows of a list, without what is no row; none when it is no list. */
export function rowsOf(list: unknown): IDataObject[] {
	if (!Array.isArray(list)) return [];
	return list.filter(isObject);
}

/** Where a list that broke off goes on. */
export interface Progress {
	pages: number;
	rowsFetched: number;
	token?: string;
}

/** The error with how many rows came before it and where to go on. */
export function withProgress(
	{ context }: HubbleClient,
	cause: unknown,
	{ pages, rowsFetched, token }: Progress,
): Error {
	const isOurs = cause instanceof NodeApiError || cause instanceof NodeOperationError;
	const error = isOurs ? cause : new NodeOperationError(context.getNode(), cause as Error);
	const isRepeated = cause instanceof RepeatedToken;
	if (isRepeated) {
		const request = cause.requestId ? ` X-Request-ID: ${cause.requestId}.` : '';
		error.description = `The list would never end. Run it again; if the token repeats again, tell Hubble's support.${request}`;
		Object.assign(error.context, { requestId: cause.requestId });
	}
	if (pages > 0) {
		const from = pages === 1 ? 'one page' : `${pages} pages`;
		const resumeToken = isRepeated ? undefined : token;
		const resume = resumeToken
			? ` To go on from there, give this Continuation Token under Options: ${resumeToken}`
			: '';
		error.description = `Stopped after ${rowsFetched} rows from ${from}. ${error.description ?? ''}${resume}`;
		Object.assign(error.context, { rowsFetched, ...(resumeToken ? { resumeToken } : {}) });
	}
	return error;
}
