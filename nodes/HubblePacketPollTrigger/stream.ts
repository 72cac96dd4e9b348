/** The packet stream as a poll reads it: where it is, and what becomes of its packets. Pure. */
import type { INodeExecutionData } from 'n8n-workflow';
import { PACKETS_PER_PAGE } from '../shared/client/endpoints';
import type { Packet } from '../shared/packet/packet';
import type { AlarmState } from './alarms';

/** A place in the stream: a token of Hubble, and a time for when there is none or Hubble takes it no longer. */
export interface Position {
	token?: string;
	/** Unix seconds: what Hubble received before was read. */
	start: number;
	/** Keys of the packets that were read last without a token, and that may come again. */
	seen?: string[];
	alarms?: AlarmState;
}

/**
 * How much earlier than its packets a stream goes on by time: Hubble counts by when it received a packet,
 * the packet says when it was heard, and a clock may be ahead.
 */
const MARGIN_S = 60;

/**
 * The position after a page: its token, or where Hubble gave none, the time of its packets; of those the middle
 * one, for some clocks are ahead and some packets came late.
 * @param rows the packets of the page that are new
 * @param again keys of those that came again: what was seen before them will not, as the stream keeps its order
 * @param now Unix seconds of the request: a packet that says it is of later is not believed
 */
export function positionAfter(
	position: Position,
	token: string | undefined,
	rows: ReadonlyArray<{ key: string; time: number }>,
	now: number,
	again: readonly string[] = [],
): Position {
	const times = rows.map(({ time }) => time).sort((a, b) => a - b);
	const middle = times[(times.length - 1) >> 1];
	const start =
		middle === undefined ? position.start : Math.max(position.start, Math.min(Math.floor(middle), now) - MARGIN_S);
	const { seen = [] } = position;
	// A token that gives packets and leads to itself would give them at each poll.
	const isCircle = token !== undefined && token === position.token && rows.length + again.length > 0;
	if (token && !isCircle) {
		const rest = seen.slice(Math.max(-1, ...again.map((key) => seen.lastIndexOf(key))) + 1);
		return { token, start, ...(rest.length ? { seen: rest } : {}) };
	}
	if (!rows.length && !isCircle) return position;
	return { start, seen: [...seen, ...rows.map(({ key }) => key)].slice(-PACKETS_PER_PAGE) };
}

/** When the last page was received, about, in Unix seconds. */
export const receivedBy = ({ start }: Position, now: number): number => Math.min(start + MARGIN_S, now);

/** What becomes of packets: they themselves, or alarms. */
export interface Work {
	/** Takes the new packets of a page. */
	take: (packets: Packet[], page: PageTime) => INodeExecutionData[];
	/** Whether the rest must wait for the next poll. */
	isFull?: () => boolean;
	/** What is known at the end of the poll. */
	finish?: () => { items: INodeExecutionData[]; alarms?: AlarmState };
	/** Why none of the payloads could be decoded. */
	misfit: () => string | undefined;
}

/** When a page was received, about, and what time it is; both in Unix seconds. */
export interface PageTime {
	received: number;
	now: number;
}
