/** The newest packets of the organization, as tests of triggers show them. */
import type { HubbleClient } from '../client/client';
import { endpoints } from '../client/endpoints';
import { acceptedRows } from '../client/pages';
import { readPages } from '../client/windows';
import type { PacketReader, ReadPacket } from './filter';
import { PACKETS, type Packet } from './packet';

/** A test shows so many packets, and looks for those that it wants among so many. */
export const SAMPLE = 10;
export const LOOKED_AT = 10_000;

/**
 * Reads packets, the newest first, until those that pass the filters are enough, or `limit` were read.
 * @returns the newest one, where Hubble has any, and those that pass
 */
export async function newestPackets(
	hubble: HubbleClient,
	limit: number,
	{ select }: PacketReader,
	isEnough = (found: readonly ReadPacket[]) => found.length >= SAMPLE,
): Promise<{ newest?: Packet; found: ReadPacket[] }> {
	const call = { endpoint: endpoints.listPackets, query: { end: Math.ceil(await hubble.learnNow()) + 1 } };
	const found: ReadPacket[] = [];
	let newest: Packet | undefined;
	let lookedAt = 0;
	for await (const { rows } of readPages(hubble, call, PACKETS, { limit, newestFirst: true })) {
		const packets = [...acceptedRows(rows, PACKETS)];
		newest ??= packets[0];
		for (const packet of select(packets)) found.push(packet);
		lookedAt += rows.length;
		if (isEnough(found) || lookedAt >= limit) break;
	}
	return { newest, found };
}
