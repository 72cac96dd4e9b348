/** One poll: reads the packet stream from where it was, at most so far as one execution may hold. */
import { NodeApiError, type INodeExecutionData, type IPollFunctions } from 'n8n-workflow';
import { asError, unchanged } from '../shared/client/errors';
import { objectOf } from '../shared/client/json';
import { connect, NoPlaceInTime, type HubbleClient } from '../shared/client/client';
import { endpoints, PACKET_RETENTION_S, PACKETS_PER_PAGE } from '../shared/client/endpoints';
import { acceptedRows, leftOut, pages, RepeatedToken, type Page } from '../shared/client/pages';
import { readPages } from '../shared/client/windows';
import { optional, readParameter } from '../shared/operation/readItem';
import { unixSeconds } from '../shared/operation/dates';
import { isoTime } from '../shared/operation/times';
import { counted, numberIn, oneOf } from '../shared/operation/values';
import { packetReader } from '../shared/packet/filter';
import { heardAt, isPacket, packetKey, PACKETS, type Packet } from '../shared/packet/packet';
import { notAhead, poll, type Budget, type Read } from '../shared/polling/poll';
import { positionAfter, type Position } from './stream';

/** A manual test shows so many packets, and looks for those that pass a filter among so many. */
const SAMPLE = 10;
const SAMPLE_LOOKED_AT = 10_000;

/** What a poll reads with: the stream, what becomes of its packets, and how far it may go. */
interface Reader {
	context: IPollFunctions;
	hubble: HubbleClient;
	toItems: (packets: Packet[]) => INodeExecutionData[];
	/** Packets in one execution. */
	most: number;
	budget: Budget;
}

/** Where the first poll starts. */
export const startOptions = [
	{ name: 'Date', value: 'date', description: 'All packets since a moment' },
	{ name: 'Everything', value: 'everything', description: 'All packets that Hubble still has: 30 days' },
	{ name: 'Now', value: 'now', description: 'Only new packets' },
];

/** The new packets, or `null` when there is none. */
export async function pollPackets(context: IPollFunctions): Promise<INodeExecutionData[][] | null> {
	// A test in the editor refuses what would be refused later, too.
	const toItems = itemsOf(context);
	const most = mostOf(context);
	const startFrom = readParameter(context, 'Start From', () =>
		oneOf(startOptions.map(({ value }) => value))(context.getNodeParameter('startFrom', 'now')),
	);
	const date = startFrom === 'date' ? dateOf(context) : undefined;
	if (context.getMode() === 'manual') return await sample(context, toItems);
	return await poll<Position>(context, async (budget) => {
		const hubble = await connect(context, { deadline: budget.deadline });
		const now = Math.floor(await hubble.learnNow());
		const start = date ?? (startFrom === 'everything' ? now - PACKET_RETENTION_S : now);
		// A date as it was typed: an expression such as {{ $now }} gives another one at each poll.
		const typed = startFrom === 'date' ? JSON.stringify(context.getNode().parameters.startTime) : '';
		return {
			stream: [hubble.organizationId, startFrom, typed].join(' '),
			start: { start },
			read: async (from) => {
				const known = { ...from, start: notAhead(context, from.start, Math.max(start, now)) };
				return await readStream({ context, hubble, toItems, most, budget }, known);
			},
		};
	});
}

/** Reads pages until the head of the stream, the size of an execution, or the end of the poll's time. */
async function readStream(reader: Reader, from: Position): Promise<Read<Position>> {
	const { context, hubble, most, budget } = reader;
	const read: Read<Position> = { next: from, items: [] };
	let count = 0;
	let pagesRead = 0;
	const restart = () => {
		read.next = { start: from.start };
	};
	try {
		for await (const page of pagesFrom(context, hubble, from, restart)) {
			takePage(reader, read, page);
			pagesRead += 1;
			count += page.rows.length;
			// The empty page is the head of the stream; and a page is never read in part.
			if (page.rows.length === 0 || count + PACKETS_PER_PAGE > most || !budget.endStep()) break;
		}
	} catch (error) {
		if (!pagesRead) throw unchanged(error);
		// A token that leads in a circle would give the same packets at each poll: time leads on.
		if (objectOf(error).cause instanceof RepeatedToken) read.next = { start: read.next.start };
		const passedOn = `passes on the packets of ${counted(pagesRead, 'page')}; the next poll continues after them.`;
		if (!(error instanceof NoPlaceInTime))
			context.logger.warn(`"${context.getNode().name}" ${passedOn} ${asError(error).message}`);
	}
	return read;
}

/** Adds the new packets of a page to what was read. */
function takePage(
	{ context, hubble, toItems }: Reader,
	read: Read<Position>,
	{ rows, next, retryAfterMs }: Page,
): void {
	let malformed = 0;
	const packets = [...acceptedRows(rows, PACKETS, () => (malformed += 1))].filter(isPacket).map((packet) => ({
		packet,
		key: packetKey(packet),
		time: heardAt(packet),
	}));
	if (malformed) context.logger.warn(`"${context.getNode().name}": ${leftOut(malformed, PACKETS)}`);
	const seen = new Set(read.next.seen);
	const fresh = packets.filter(({ key }) => !seen.has(key));
	read.items.push(...toItems(fresh.map(({ packet }) => packet)));
	read.next = positionAfter(read.next, next, fresh, Math.floor(hubble.now()));
	if (rows.length === 0) read.waitMs = retryAfterMs;
}

/** Answers to a token that Hubble knows no longer. */
const UNKNOWN_TOKEN = new Set(['400', '404', '410']);

/**
 * The stream from a position on. Where Hubble no longer takes its token, the time beside it: then packets may come
 * again, and none is lost.
 */
async function* pagesFrom(
	context: IPollFunctions,
	hubble: HubbleClient,
	from: Position,
	onUnknownToken: () => void,
): AsyncGenerator<Page> {
	let hasBegun = false;
	try {
		for await (const page of pages(hubble, callAt(from), PACKETS)) {
			hasBegun = true;
			yield page;
		}
	} catch (error) {
		const isUnknown = error instanceof NodeApiError && UNKNOWN_TOKEN.has(error.httpCode ?? '');
		if (hasBegun || !from.token || !isUnknown) throw unchanged(error);
		context.logger.warn(
			`"${context.getNode().name}" goes on from ${isoTime(from.start)}: Hubble does not accept the Continuation Token any longer. Packets may come again.`,
		);
		onUnknownToken();
		yield* pages(hubble, callAt({ start: from.start }), PACKETS);
	}
}

/** The stream is left open: without `end`, Hubble goes on with packets yet to come. */
const callAt = ({ token, start }: Position) =>
	({
		endpoint: endpoints.listPackets,
		query: token ? {} : { start },
		continuationToken: token,
	}) as const;

/** Packets in one execution. */
const mostOf = (context: IPollFunctions): number =>
	optional(context, 'options', 'maxPackets', 'Max Packets per Execution', numberIn(PACKETS_PER_PAGE, 100_000)) ??
	10_000;

/** The moment to start from, in Unix seconds. */
const dateOf = (context: IPollFunctions): number =>
	readParameter(context, 'Start Time', () => {
		const start = unixSeconds('down')(context.getNodeParameter('startTime', ''), { timezone: context.getTimezone() });
		if (start === undefined) throw new Error('it is required');
		return start;
	});

/** What becomes of packets as the parameters say; they are read once a poll. */
function itemsOf(context: IPollFunctions): (packets: Packet[]) => INodeExecutionData[] {
	const read = packetReader(context);
	return (packets) => read(packets).map((json) => ({ json }));
}

/** The latest packets for the editor, newest first; positions stay where they are. */
async function sample(
	context: IPollFunctions,
	toItems: ReturnType<typeof itemsOf>,
): Promise<INodeExecutionData[][] | null> {
	const hubble = await connect(context);
	const isFiltered = Object.keys(objectOf(context.getNodeParameter('filters', {}))).length > 0;
	const limit = isFiltered ? SAMPLE_LOOKED_AT : SAMPLE;
	const call = { endpoint: endpoints.listPackets, query: { end: Math.ceil(await hubble.learnNow()) + 1 } };
	const found: INodeExecutionData[] = [];
	let lookedAt = 0;
	for await (const { rows } of readPages(hubble, call, PACKETS, { limit, newestFirst: true })) {
		found.push(...toItems([...acceptedRows(rows, PACKETS)].filter(isPacket)));
		lookedAt += rows.length;
		if (found.length >= SAMPLE || lookedAt >= limit) break;
	}
	return found.length ? [found.slice(0, SAMPLE)] : null;
}
