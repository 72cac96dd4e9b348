/** The newest packets of the organization, as tests of triggers show them. */
import type { HubbleClient } from '../client/client';
import { endpoints } from '../client/endpoints';
import { acceptedRows } from '../client/pages';
import { readPages } from '../client/windows';
import { PACKETS, type Packet } from './packet';

/** A test shows so many packets, and looks for those that it wants among so many. */
export const SAMPLE = 10;
export const LOOKED_AT = 10_000;

/**
 * Reads packets, the newest first, until `isEnough` says so or `limit` were read.
 * @returns the newest one; `undefined` where Hubble has none
 */
export async function newestPackets(
	hubble: HubbleClient,
	limit: number,
	isEnough: (packets: Packet[]) => boolean,
): Promise<Packet | undefined> {
	const call = { endpoint: endpoints.listPackets, query: { end: Math.ceil(await hubble.learnNow()) + 1 } };
	let newest: Packet | undefined;
	let lookedAt = 0;
	for await (const { rows } of readPages(hubble, call, PACKETS, { limit, newestFirst: true })) {
		const packets = [...acceptedRows(rows, PACKETS)];
		newest ??= packets[0];
		lookedAt += rows.length;
		if (isEnough(packets) || lookedAt >= limit) break;
	}
	return newest;
}
