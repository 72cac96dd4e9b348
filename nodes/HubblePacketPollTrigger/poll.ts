/** One poll: reads the packet stream from its position on, at most what fits into one execution. */
import type { INodeExecutionData, IPollFunctions } from 'n8n-workflow';
import { asError, RepeatedToken } from '../shared/client/errors';
import { connect, NoPlaceInTime, type HubbleClient, type Poller } from '../shared/client/client';
import { endpoints, PACKET_RETENTION_S, PACKETS_PER_PAGE } from '../shared/client/endpoints';
import { acceptedRows, leftOut, type Page } from '../shared/client/pages';
import { optional, readParameter } from '../shared/operation/readItem';
import { unixSeconds } from '../shared/operation/dates';
import { counted, numberIn, oneOf } from '../shared/operation/values';
import { packetReader, type PacketReader } from '../shared/packet/filter';
import { heardAt, packetKey, PACKETS } from '../shared/packet/packet';
import { notAhead, pagesFrom, poll, waitAfter, type Budget, type Read } from '../shared/polling/poll';
import { alarmConsumer, positionDelta, firstAlarms, readAlarmSettings, watchesAlarms } from './alarmPoll';
import { sample, sampleAlarms } from './sample';
import { MARGIN_S, positionAfter, receivedBy, type Position, type PageConsumer } from './stream';

/** What a poll reads with: the client, the consumer of its packets, and the limits. */
interface Reader {
	context: IPollFunctions;
	hubble: HubbleClient;
	consumer: PageConsumer;
	/** Packets in one execution. */
	most: number;
	budget: Budget;
}

export const startOptions = [
	{ name: 'Date', value: 'date', description: 'All packets since a date and time' },
	{ name: 'Everything', value: 'everything', description: 'All packets that Hubble keeps: the last 30 days' },
	{ name: 'Now', value: 'now', description: 'Only new packets' },
];

/** Packets that a poll reads for alarms, as far as its time goes. */
const MOST_FOR_ALARMS = 30_000;

/** After so many seconds without a packet, alarms store that there was none: one whose stamp cannot be counts as heard then. */
const QUIET_S = 3600;

/** The new packets or alarms, or `null` when there is none. */
export async function pollPackets(context: IPollFunctions): Promise<INodeExecutionData[][] | null> {
	// A test in the editor refuses what would be refused later, too.
	const reader = packetReader(context);
	const alarms = watchesAlarms(context) ? readAlarmSettings(context, reader) : undefined;
	const plain = alarms ? undefined : readStart(context);
	if (context.getMode() === 'manual') return await (alarms ? sampleAlarms(context, alarms) : sample(context, reader));
	return await poll<Position>(context, async (budget) => {
		const hubble = await connect(context, { deadline: budget.deadline, poller: budget.poller });
		const now = Math.floor(await hubble.learnNow());
		const begun = now - Math.floor(budget.begunMsAgo() / 1000);
		const begin = alarms ? firstAlarms(begun) : { start: plain?.startAt(begun) ?? begun };
		return {
			// A copy of a workflow may have the original's position.
			stream: [context.getWorkflow().id, hubble.organizationId, plain ? plain.stream : 'alarms'].join(' '),
			start: begin,
			delta: alarms && positionDelta,
			read: async (from) => {
				const known = { ...from, start: notAhead(context, from.start, Math.max(begin.start, now)) };
				const consumer = alarms ? alarmConsumer(context, alarms, known.alarms) : packetConsumer(reader);
				const read = await readStream(
					{ context, hubble, consumer, most: plain?.most ?? MOST_FOR_ALARMS, budget },
					known,
				);
				const misfit = reader.misfit();
				if (misfit) context.logger.warn(`"${context.getNode().name}": ${misfit} Check "Decode Payload".`);
				return read;
			},
		};
	});
}

const packetConsumer = ({ select, show }: PacketReader): PageConsumer => ({
	take: (packets) => select(packets).map((read) => ({ json: show(read) })),
});

function readStart(context: IPollFunctions) {
	const size = numberIn(PACKETS_PER_PAGE, 100_000);
	const most = optional(context, 'options', 'maxPackets', 'Max Packets per Execution', size) ?? 10_000;
	const startFrom = readParameter(context, 'Start From', () =>
		oneOf(startOptions.map(({ value }) => value))(context.getNodeParameter('startFrom', 'now')),
	);
	const date = startFrom === 'date' ? dateOf(context) : undefined;
	// A date as it was typed: an expression such as {{ $now }} gives another one at each poll.
	const typed = startFrom === 'date' ? JSON.stringify(context.getNode().parameters.startTime) : '';
	const startAt = (now: number) => date ?? (startFrom === 'everything' ? now - PACKET_RETENTION_S : now);
	return { most, startAt, stream: `${startFrom} ${typed}` };
}

/** Reads pages until the head of the stream, the size of an execution, or the end of the poll's time. */
async function readStream(reader: Reader, from: Position): Promise<Read<Position>> {
	const { context, hubble, consumer, most, budget } = reader;
	const { start, token, seen } = from;
	// The stream is left open: without `end`, Hubble goes on with packets yet to come.
	const call = { endpoint: endpoints.listPackets, query: { start }, continuationToken: token };
	const read: StreamRead = { next: from, items: [], received: knownEmptyAt(from, budget) };
	let count = 0;
	let pagesRead = 0;
	const restart = () => {
		read.next = { start, seen };
	};
	try {
		for await (const page of pagesFrom(context, hubble, call, PACKETS, start, restart)) {
			takePage(reader, read, page);
			pagesRead += 1;
			count += page.rows.length;
			// The empty page is the head of the stream; and a page is never read in part.
			if (page.rows.length === 0 || count + PACKETS_PER_PAGE > most || consumer.isFull?.() || !budget.endStep()) break;
		}
	} catch (error) {
		if (!pagesRead) throw asError(error);
		read.waitMs = waitAfter(error);
		// A token that leads in a circle would return the same packets at each poll: continue by time.
		if (error instanceof RepeatedToken) {
			const { received, next } = read;
			read.next = positionAfter(next, { isHead: false, fresh: [], again: [], received, now: received });
		}
		const passedOn = `passes on the packets of ${counted(pagesRead, 'page')}; the next poll continues after them.`;
		if (!(error instanceof NoPlaceInTime))
			context.logger.warn(`"${context.getNode().name}" ${passedOn} ${asError(error).message}`);
	}
	if (!count && read.next.token === token) read.next = afterNothing(from, budget, read.next.start + MARGIN_S);
	const { items = [], alarms = from.alarms } = consumer.finish?.() ?? {};
	for (const item of items) read.items.push(item);
	// A restart, or a page that fails, must not make what comes next seem older than this.
	const isLater = count > 0 && read.received > storedEmptyAt(read.next);
	if (alarms) read.next = { ...read.next, ...(isLater ? { emptyAt: read.received } : {}), alarms };
	return read;
}

/**
 * Where in the stream a node was when it found nothing, and when that was, in Unix seconds. Another process knows only
 * what n8n stores.
 */
const emptied = new WeakMap<Poller, { token?: string; at: number }>();

const storedEmptyAt = ({ start, emptyAt = start + MARGIN_S }: Position) => emptyAt;

/** When the stream was found empty at a position: what comes then was received later. */
function knownEmptyAt(from: Position, { poller }: Budget): number {
	const known = poller && emptied.get(poller);
	const isHere = known?.token !== undefined && known.token === from.token;
	return isHere ? Math.max(known.at, storedEmptyAt(from)) : storedEmptyAt(from);
}

/** Where nothing came, nothing is stored; with alarms, now and then, that it was so. */
function afterNothing(from: Position, { poller }: Budget, at: number): Position {
	if (poller) emptied.set(poller, { token: from.token, at });
	return from.alarms && at >= storedEmptyAt(from) + QUIET_S ? { ...from, emptyAt: at } : from;
}

interface StreamRead extends Read<Position> {
	/** When its last page was received, about, in Unix seconds. */
	received: number;
}

/** Adds the new packets of a page to what was read. */
function takePage({ context, hubble, consumer }: Reader, read: StreamRead, { rows, next, retryAfterMs }: Page): void {
	let malformed = 0;
	const packets = [...acceptedRows(rows, PACKETS, () => (malformed += 1))].map((packet) => ({
		packet,
		key: packetKey(packet),
	}));
	if (malformed) context.logger.warn(`"${context.getNode().name}": ${leftOut(malformed, PACKETS)}`);
	const seen = new Set(read.next.seen);
	const known = new Set(seen);
	const fresh = packets.filter(({ key }) => !known.has(key) && known.add(key));
	const again = packets.filter(({ key }) => seen.has(key)).map(({ key }) => key);
	const now = Math.floor(hubble.now());
	const received = receivedBy(
		packets.map(({ packet }) => heardAt(packet)),
		read.received,
		now,
	);
	const isHead = rows.length === 0;
	const page = { token: next, isHead, fresh: fresh.map(({ key }) => key), again, received, now };
	read.next = positionAfter(read.next, page);
	read.received = received;
	const taken = consumer.take(
		fresh.map(({ packet }) => packet),
		{ received, now },
	);
	for (const item of taken) read.items.push(item);
	if (isHead) read.waitMs = retryAfterMs;
}

/** The moment to start from, in Unix seconds. */
const dateOf = (context: IPollFunctions): number =>
	readParameter(context, 'Start Time', () => {
		const start = unixSeconds('down')(context.getNodeParameter('startTime', ''), { timezone: context.getTimezone() });
		if (start === undefined) throw new Error('it is required');
		return start;
	});
