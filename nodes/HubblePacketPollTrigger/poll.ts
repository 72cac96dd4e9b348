/** One poll: reads the packet stream from where it was, at most so far as one execution may hold. */
import { NodeApiError, type INodeExecutionData, type IPollFunctions } from 'n8n-workflow';
import { endpoints, LONGEST_RETRY_AFTER_MS, PACKET_RETENTION_S, PACKETS_PER_PAGE } from '../shared/client/endpoints';
import { connect, type HubbleClient } from '../shared/client/client';
import { heardAt, packetKey, PACKETS, type Packet } from '../shared/packet/packet';
import { packetReader, readParameter } from '../shared/packet/filter';
import { acceptedRows, leftOut, pages, type Page } from '../shared/client/pages';
import { isoTime } from '../shared/operation/times';
import { numberIn, unixSeconds } from '../shared/operation/values';
import { advance, positionAfter, resume, type Position, type Stored } from './position';

/** A manual test shows so many packets, of the last seven days, and looks for them in so many pages. */
const SAMPLE = 10;
const SAMPLE_PAGES = 10;
const SAMPLE_PERIOD_S = 7 * 86_400;

/** What this process knows of a node's polls; another process knows nothing. */
interface Memory {
	isRunning: boolean;
	/** Unix milliseconds before which Hubble wants no question (`Retry-After` on an empty stream). */
	notBefore: number;
	emittedFrom?: Position;
}

const memories = new Map<string, Memory>();

function memoryOf(context: IPollFunctions): Memory {
	const key = `${context.getWorkflow().id} ${context.getNode().id}`;
	const memory = memories.get(key) ?? { isRunning: false, notBefore: 0 };
	memories.set(key, memory);
	return memory;
}

/** The new packets, or `null` when there is none, when a poll still runs, or when Hubble asked to wait. */
export async function poll(context: IPollFunctions): Promise<INodeExecutionData[][] | null> {
	if (context.getMode() === 'manual') return await sample(context);
	const memory = memoryOf(context);
	if (memory.isRunning || Date.now() < memory.notBefore) return null;
	memory.isRunning = true;
	try {
		return await read(context, memory);
	} finally {
		memory.isRunning = false;
	}
}

async function read(context: IPollFunctions, memory: Memory): Promise<INodeExecutionData[][] | null> {
	const hubble = await connect(context);
	const toItems = itemsOf(context);
	const most = readParameter(
		context,
		'Max Packets per Execution',
		() => numberIn(PACKETS_PER_PAGE, 100_000)(context.getNodeParameter('maxPackets', 10_000)) ?? 10_000,
	);
	const startFrom = context.getNodeParameter('startFrom', 'now') as string;
	const start = startOf(context, startFrom);
	const stored = context.getWorkflowStaticData('node') as Stored;
	// A date as it was typed: an expression such as {{ $now }} gives another one at each poll.
	const typed = startFrom === 'date' ? JSON.stringify(context.getNode().parameters.startTime) : '';
	const stream = [hubble.baseUrl, hubble.organizationId, startFrom, typed].join(' ');

	const from = resume(stored, stream, start, memory.emittedFrom);
	let next = from;
	let count = 0;
	const items: INodeExecutionData[] = [];
	const restart = () => {
		next = { start: from.start };
	};
	for await (const page of pagesFrom(context, hubble, from, restart)) {
		const { rows } = page;
		let malformed = 0;
		const packets = [...acceptedRows(rows, PACKETS, () => (malformed += 1))].map((row) => {
			const packet = row as Packet;
			return { packet, key: packetKey(packet), time: heardAt(packet) };
		});
		if (malformed) context.logger.warn(`"${context.getNode().name}": ${leftOut(malformed, PACKETS)}`);
		const seen = new Set(next.seen);
		const fresh = packets.filter(({ key }) => !seen.has(key));
		items.push(...toItems(fresh.map(({ packet }) => packet)));
		next = positionAfter(next, page.next, fresh, Math.floor(Date.now() / 1000));
		count += rows.length;
		const isEmpty = rows.length === 0;
		if (isEmpty && page.retryAfterMs !== undefined)
			memory.notBefore = Date.now() + Math.min(page.retryAfterMs, LONGEST_RETRY_AFTER_MS);
		// The empty page is the head of the stream; and a page is never read in part.
		if (isEmpty || count + PACKETS_PER_PAGE > most) break;
	}
	const changed = advance(stored, stream, from, next, items.length > 0);
	if (changed) Object.assign(context.getWorkflowStaticData('node'), changed);
	memory.emittedFrom = items.length ? from : undefined;
	return items.length ? [items] : null;
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
		if (hasBegun || !from.token || !isUnknown) return await Promise.reject(error as Error);
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

function startOf(context: IPollFunctions, startFrom: string): number {
	const now = Math.floor(Date.now() / 1000);
	if (startFrom === 'everything') return now - PACKET_RETENTION_S;
	if (startFrom !== 'date') return now;
	return readParameter(context, 'Start Time', () => {
		const start = unixSeconds('down')(context.getNodeParameter('startTime', ''), { timezone: context.getTimezone() });
		if (start === undefined) throw new Error('it is required');
		return start;
	});
}

/** What becomes of packets as the parameters say; they are read once a poll. */
function itemsOf(context: IPollFunctions): (packets: Packet[]) => INodeExecutionData[] {
	const read = packetReader(context);
	return (packets) => read(packets).map((json) => ({ json }));
}

/** Some packets of the last week for the editor; positions stay where they are. */
async function sample(context: IPollFunctions): Promise<INodeExecutionData[][] | null> {
	const hubble: HubbleClient = await connect(context);
	const toItems = itemsOf(context);
	const end = Math.ceil(Date.now() / 1000);
	const call = { ...callAt({ start: 0 }), query: { start: end - SAMPLE_PERIOD_S, end } };
	let left = SAMPLE_PAGES;
	for await (const { rows } of pages(hubble, call, PACKETS)) {
		const items = toItems([...acceptedRows(rows, PACKETS)] as Packet[]);
		if (items.length) return [items.slice(0, SAMPLE)];
		if (--left === 0) break;
	}
	return null;
}
