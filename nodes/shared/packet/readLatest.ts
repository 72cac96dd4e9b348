/** Reads the latest packet of each device backwards, until every device that was heard has one. */
import type { IDataObject } from 'n8n-workflow';
import { AHEAD_S } from '../client/clock';
import { endpoints } from '../client/endpoints';
import { acceptedRows } from '../client/pages';
import { readPages, type Reading } from '../client/windows';
import type { Work } from '../operation/operation';
import { countLeftOut } from '../operation/rows';
import { LatestPackets } from './latest';
import { PACKETS, type Packet } from './packet';

/** One search for the latest packets: its I/O. Times are Unix seconds. */
export class LatestReader {
	readonly latest: LatestPackets;
	private readonly leaveOut: () => void;
	private reading = 0;
	/** From here on all packets of the period were read. */
	private reached: number;

	/** @param isWanted whether a packet may be given */
	constructor(
		private readonly work: Pick<Work, 'hubble' | 'request' | 'hints'>,
		private readonly frame: { start: number; end: number; now: number },
		private readonly isWanted: (packet: Packet) => boolean,
	) {
		this.latest = new LatestPackets(frame);
		this.leaveOut = countLeftOut(work.hints, PACKETS);
		this.reached = frame.end;
	}

	/** Reads backwards for all devices at a time. Those that are not found so remain for `readMissing`. */
	async readBackwards(): Promise<void> {
		const { latest } = this;
		let rows = 0;
		for (let from = latest.next(this.reached, 0); from !== undefined; from = latest.next(this.reached, rows)) {
			rows += await this.read({ start: from, end: this.reached });
			this.reached = from;
		}
	}

	/** Asks for each device that still needs a packet, unless all were read. */
	async readMissing(): Promise<void> {
		const missing = this.reached > this.frame.start ? this.latest.missing : [];
		for (const [id, heard] of missing) await this.askFor(id, heard);
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
			// Backwards, each page is a reading of its own.
			if (reading.newestFirst) this.reading += 1;
			const ordered = reading.newestFirst ? [...rows].reverse() : rows;
			for (const row of acceptedRows(ordered, PACKETS, this.leaveOut)) {
				this.latest.add(row, this.reading, this.isWanted(row));
			}
			if (isEnough()) break;
		}
		return count;
	}

	/**
	 * The latest packet of one device: of those that came since it was heard last. Where nobody knows when that was, since
	 * any was heard that came late: one that was heard after it came after that, too.
	 */
	private async askFor(id: string, heard: number): Promise<void> {
		const { start, end } = this.frame;
		const since = async (time: number) =>
			await this.read({ device_id: id, start: Math.max(start, Math.floor(time) - AHEAD_S), end });
		const isFound = () => this.latest.heardAt(id) > -Infinity;
		if (!Number.isNaN(heard)) await since(heard);
		if (!isFound()) await this.read({ device_id: id, start, end }, { limit: 1, newestFirst: true }, isFound);
		if (Number.isNaN(heard) && isFound() && this.latest.isMissing(id)) await since(this.latest.heardAt(id));
	}
}
