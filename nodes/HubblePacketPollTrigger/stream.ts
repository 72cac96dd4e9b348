/** The packet stream as a poll reads it: where it is, and what becomes of its packets. Pure. */
import type { INodeExecutionData } from 'n8n-workflow';
import { PACKETS_PER_PAGE } from '../shared/client/endpoints';
import type { Packet } from '../shared/packet/packet';
import type { AlarmState } from './alarms';

/** A place in the stream: a token of Hubble, and a time for when there is none or Hubble no longer accepts it. */
export interface Position {
	token?: string;
	/** Unix seconds: what Hubble received before was read. */
	start: number;
	/** Keys of the packets that were read last without a token, and that may come again. */
	seen?: string[];
	/** With alarms: when the stream was found empty here, in Unix seconds. What comes then was received later. */
	emptyAt?: number;
	alarms?: AlarmState;
}

/** How much a stream overlaps when it continues by time: a reply may take this long. */
export const MARGIN_S = 60;

export interface PageRead {
	token?: string;
	/** Whether it is empty: the head of the stream. */
	isHead: boolean;
	/** Keys of the packets that are new, … */
	fresh: readonly string[];
	/** … and of those that came again: what was seen before them will not, as the stream keeps its order. */
	again: readonly string[];
	/** When it was received, about: see `receivedBy`. As all times here, Unix seconds. */
	received: number;
	now: number;
}

/**
 * The position after a page: its token, and a time for when Hubble no longer accepts it. The time advances at the head
 * of the stream, by Hubble's clock; before that, only packets show how far the stream is, and the clocks of most
 * devices may be ahead. Without a token that leads on, it is the time of the packets.
 */
export function positionAfter(position: Position, { token, isHead, fresh, again, received, now }: PageRead): Position {
	const { seen = [] } = position;
	const startAt = (time: number) => Math.max(position.start, time - MARGIN_S);
	const start = isHead ? startAt(now) : position.start;
	// A token that returns packets and itself would return them at each poll.
	if (token && (isHead || token !== position.token)) {
		const came = new Set(again);
		const rest = seen.slice(seen.map((key) => came.has(key)).lastIndexOf(true) + 1);
		return { token, start, ...(rest.length ? { seen: rest } : {}) };
	}
	if (isHead) return { ...position, start };
	return { start: startAt(received), seen: [...seen, ...fresh].slice(-PACKETS_PER_PAGE) };
}

/**
 * About when a page was received: the median time of its packets, because some clocks are ahead and some packets came
 * late.
 * @param times of its packets, in Unix seconds
 * @param before when the page before it was received
 * @param now the latest that it can be
 */
export function receivedBy(times: readonly number[], before: number, now: number): number {
	const middle = [...times].sort((a, b) => a - b)[(times.length - 1) >> 1] ?? before;
	return Math.min(Math.max(before, Math.floor(middle)), now);
}

/** Turns packets into items: the packets themselves, or alarms. */
export interface PageConsumer {
	take: (packets: Packet[], page: PageTime) => INodeExecutionData[];
	/** Whether the rest must wait for the next poll. */
	isFull?: () => boolean;
	finish?: () => { items: INodeExecutionData[]; alarms?: AlarmState };
}

/** When a page was received, about, and what time it is, in Unix seconds. */
export interface PageTime {
	received: number;
	now: number;
}
