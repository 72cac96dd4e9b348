/** Reads the latest packet of each device backwards, until every device that was heard has one. */
import type { IDataObject } from 'n8n-workflow';
import { AHEAD_S } from '../client/clock';
import { endpoints } from '../client/endpoints';
import { acceptedRows, leftOut } from '../client/pages';
import { readPages, type Reading } from '../client/windows';
import type { Work } from '../operation/operation';
import { LatestPackets } from './latest';
import { PACKETS, type Packet } from './packet';

/** One search for the latest packets: its I/O. Times are Unix seconds. */
export class LatestReader {
	readonly latest: LatestPackets;
	private malformed = 0;
	private reading = 0;

	/** @param isWanted whether a packet may be given */
	constructor(
		private readonly work: Pick<Work, 'hubble' | 'request' | 'hints'>,
		private readonly frame: { start: number; end: number; now: number },
		private readonly isWanted: (packet: Packet) => boolean,
	) {
		this.latest = new LatestPackets(frame);
	}

	/** Reads backwards for all devices at a time. Those that are not found so remain for `readMissing`. */
	async readBackwards(): Promise<void> {
		const { latest } = this;
		let [reached, rows] = [this.frame.end, 0];
		for (let from = latest.next(reached, 0); from !== undefined; from = latest.next(reached, rows)) {
			rows += await this.read({ start: from, end: reached });
			reached = from;
		}
	}

	/** Asks for each device that has no packet yet. */
	async readMissing(): Promise<void> {
		for (const [id, heard] of this.latest.missing) await this.askFor(id, heard);
		if (this.malformed) this.work.hints.add(leftOut(this.malformed, PACKETS));
	}

	/** @returns how many packets it read, until `isEnough` */
	private async read(
		query: IDataObject,
		reading: Reading = { limit: Infinity },
		isEnough = () => false,
	): Promise<number> {
		const { hubble, request } = this.work;
		const call = { endpoint: endpoints.listPackets, query: { filter_tags: request.query.filter_tags, ...query } };
		this.reading += 1;
		let count = 0;
		for await (const { rows } of readPages(hubble, call, PACKETS, reading)) {
			count += rows.length;
			const ordered = reading.newestFirst ? [...rows].reverse() : rows;
			for (const row of acceptedRows(ordered, PACKETS, () => (this.malformed += 1))) {
				this.latest.add(row, this.reading, this.isWanted(row));
			}
			if (isEnough()) break;
		}
		return count;
	}

	/** The latest packet of one device: where it was heard last, else anywhere in the period. */
	private async askFor(id: string, heard: number): Promise<void> {
		const { start, end } = this.frame;
		const isFound = () => this.latest.has(id);
		if (!Number.isNaN(heard)) {
			await this.read({ device_id: id, start: Math.max(start, Math.floor(heard) - AHEAD_S), end });
		}
		if (!isFound()) await this.read({ device_id: id, start, end }, { limit: 1, newestFirst: true }, isFound);
	}
}
