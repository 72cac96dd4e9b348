/** One poll: reads the packet stream from where it was, at most so far as one execution may hold. */
import type { INodeExecutionData, IPollFunctions } from 'n8n-workflow';
import { connect, type Hubble } from '../shared/connection';
import { normalizePacket, PACKET_NEEDS, packetKey, receivedAt, type Packet } from '../shared/packet';
import { packetReader, readParameter } from '../shared/packetFilter';
import { pages } from '../shared/pages';
import { unixSeconds } from '../shared/values';
import { advance, behind, resume, type Position, type Stored } from './position';

/** Packets in a full page, and days that Hubble keeps them (API definition, "Packets"). */
const PAGE = 1000;
const KEPT_S = 30 * 86_400;

/** A manual test shows so many packets, of the last seven days. */
const SAMPLE = 10;
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
	const most = Math.max(PAGE, context.getNodeParameter('maxPackets', 10_000) as number);
	const startFrom = context.getNodeParameter('startFrom', 'now') as string;
	const start = startOf(context, startFrom);
	const stored = context.getWorkflowStaticData('node') as Stored;
	const stream = [hubble.baseUrl, hubble.organizationId, startFrom, startFrom === 'date' ? start : ''].join(' ');

	const from = resume(stored, stream, start, memory.emittedFrom);
	let next = from;
	let count = 0;
	const items: INodeExecutionData[] = [];
	for await (const page of pages(hubble, callAt(from), PACKETS)) {
		const packets = page.rows.flatMap((row) => normalizePacket(row) ?? []);
		const odd = page.rows.length - packets.length;
		if (odd) context.logger.warn(`"${context.getNode().name}" left out ${odd} of ${page.rows.length} packets; a packet needs ${PACKET_NEEDS}`);
		const rows = packets.map((packet) => ({ packet, key: packetKey(packet), time: receivedAt(packet) }));
		const fresh = next.seen ? rows.filter(({ key }) => !next.seen?.includes(key)) : rows;
		items.push(...toItems(fresh.map(({ packet }) => packet)));
		next = behind(next, page.rows.length ? page.next : undefined, fresh);
		count += page.rows.length;
		if (page.retryAfterMs !== undefined && !page.rows.length) memory.notBefore = Date.now() + page.retryAfterMs;
		// The empty page is the head of the stream; and a page is never read in part.
		if (!page.rows.length || count + PAGE > most) break;
	}
	const changed = advance(stored, stream, from, next, items.length > 0);
	if (changed) Object.assign(context.getWorkflowStaticData('node'), changed);
	memory.emittedFrom = items.length ? from : undefined;
	return items.length ? [items] : null;
}

const PACKETS = { rows: 'packets', pages: 'token' } as const;

/** The stream is left open: without `end`, Hubble goes on with packets yet to come. */
const callAt = ({ token, start }: Position) =>
	({
		method: 'GET',
		path: '/v1/org/{org_id}/packets',
		scope: 'read-packets',
		query: token ? {} : { start },
		token,
	}) as const;

function startOf(context: IPollFunctions, startFrom: string): number {
	const now = Math.floor(Date.now() / 1000);
	if (startFrom === 'everything') return now - KEPT_S;
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
	const hubble: Hubble = await connect(context);
	const toItems = itemsOf(context);
	const end = Math.ceil(Date.now() / 1000);
	const { method, path, scope } = callAt({});
	for await (const { rows } of pages(hubble, { method, path, scope, query: { start: end - SAMPLE_PERIOD_S, end } }, PACKETS)) {
		const items = toItems(rows.flatMap((row) => normalizePacket(row) ?? []));
		if (items.length) return [items.slice(0, SAMPLE)];
	}
	return null;
}
