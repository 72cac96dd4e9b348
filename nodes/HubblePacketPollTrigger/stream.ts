/** The packet stream as a poll reads it: where it is, and which of the packets of a page are new. Pure. */
import { PACKETS_PER_PAGE } from '../shared/client/endpoints';

/** A place in the stream: a token of Hubble, and a time for when there is none or Hubble takes it no longer. */
export interface Position {
	token?: string;
	/** Unix seconds: what Hubble received before was read. */
	start: number;
	/** Without a token: keys of the packets read last, which may come again. */
	seen?: string[];
}

/**
 * How much earlier than its packets a stream goes on by time: Hubble counts by when it received a packet,
 * the packet says when it was heard, and a clock may be ahead.
 */
const MARGIN_S = 60;

/**
 * The position after a page: its token, or where Hubble gave none, the time of its packets; of those the middle
 * one, for some clocks are ahead and some packets came late.
 * @param now Unix seconds of the request: a packet that says it is of later is not believed
 */
export function positionAfter(
	position: Position,
	token: string | undefined,
	rows: ReadonlyArray<{ key: string; time: number }>,
	now: number,
): Position {
	const times = rows.map(({ time }) => time).sort((a, b) => a - b);
	const middle = times[(times.length - 1) >> 1];
	const start =
		middle === undefined ? position.start : Math.max(position.start, Math.min(Math.floor(middle), now) - MARGIN_S);
	if (token) return { token, start };
	if (!rows.length) return position;
	return { start, seen: [...(position.seen ?? []), ...rows.map(({ key }) => key)].slice(-PACKETS_PER_PAGE) };
}
