/** The latest packet of each device, and how far back to read for those that have none yet. Pure. Times are Unix seconds. */
import { AHEAD_S } from '../client/clock';
import { PACKETS_PER_PAGE } from '../client/endpoints';
import { mostOf } from '../operation/values';
import { heardAt, networkOf, type Packet } from './packet';

/** Devices that the first reading is made for: about a page, from which the density of packets is learnt. */
const FIRST_DEVICES = 900;
/** Seconds of the first reading where nobody knows when devices were heard, and how many times as long the next may be. */
const FIRST_S = 300;
const GROWTH = 4;

interface Found {
	packet: Packet;
	/** When it was heard; -Infinity where its stamp is from the future. */
	heardAt: number;
	/** Of the reading that found it. */
	reading: number;
}

/**
 * Takes the packets of readings that go backwards in time, each of them oldest first. The latest packet is the one that
 * was heard last, not the one that Hubble received last: by satellite it may come hours later. A stamp from the future
 * counts only where a device has no other.
 */
export class LatestPackets {
	private readonly found = new Map<string, Found>();
	/** Devices that need a packet, and when they were heard last; NaN where any packet will do. */
	private readonly needs = new Map<string, number>();

	constructor(
		/** `end` and `start` in whole seconds; `now` by Hubble's clock. */
		private readonly frame: { start: number; end: number; now: number },
	) {}

	/**
	 * Reading goes on until this device has a packet that was heard then, or later.
	 * @param time when the device was heard last; NaN where that is not known
	 */
	expect(id: string, time: number): void {
		const { start, end, now } = this.frame;
		if (time < start) return;
		this.needs.set(id, time < Math.min(end, now + AHEAD_S) ? time : NaN);
	}

	/** The same of a device in the list, by the stamps of its last packets; one that was never heard is not looked for. */
	expectHeard(id: string, stamps: readonly number[]): void {
		const { start } = this.frame;
		const credible = stamps.filter((stamp) => stamp >= start && this.isCredible(stamp));
		this.expect(id, mostOf(credible.length ? credible : stamps));
	}

	/** Whether a time is not in the future. */
	private isCredible = (stamp: number): boolean => stamp <= this.frame.now + AHEAD_S;

	/**
	 * @param isWanted whether the packet may be given; in any case reading need not go on for its device
	 */
	add(packet: Packet, reading: number, isWanted = true): void {
		const { id } = packet.device;
		const stamp = heardAt(packet);
		const time = this.isCredible(stamp) ? stamp : -Infinity;
		const need = this.needs.get(id) ?? NaN;
		// Any packet will do that no other can have overtaken on its way, as they do those that come by satellite.
		const isLast = Number.isNaN(need)
			? time > -Infinity && networkOf(packet) !== 'SATELLITE'
			: time >= Math.floor(need);
		if (isLast) this.needs.delete(id);
		if (!isWanted) return;
		const known = this.found.get(id);
		// Of those of one instant, the one that Hubble received last.
		const isLater = !known || time > known.heardAt || (time === known.heardAt && reading === known.reading);
		if (isLater) this.found.set(id, { packet, heardAt: time, reading });
	}

	has = (id: string): boolean => this.found.has(id);

	/** When the latest packet of a device was heard; -Infinity where it has none, or only one from the future. */
	heardAt = (id: string): number => this.found.get(id)?.heardAt ?? -Infinity;

	/** Whether a device still needs a packet. */
	isMissing = (id: string): boolean => this.needs.has(id);

	/** Devices that still need a packet, with when they were heard last. */
	get missing(): Array<[id: string, heardAt: number]> {
		return [...this.needs];
	}

	/**
	 * Where the next reading begins, after the packets received from `reached` on were read; `undefined` when it takes no
	 * more requests to ask for each missing device alone.
	 * @param rows how many packets were read so far
	 */
	next(reached: number, rows: number): number | undefined {
		const { start, end } = this.frame;
		if (reached <= start || !this.needs.size) return undefined;
		// A device that was not found where it was heard may be anywhere.
		const times = [...this.needs.values()].map((time) => (time < reached ? Math.floor(time) : start));
		times.sort((a, b) => b - a);
		if (reached >= end) {
			const time = times[Math.min(FIRST_DEVICES, Math.ceil(times.length / 2)) - 1] ?? start;
			return Math.max(time > start ? time : end - FIRST_S, start);
		}
		const secondsPerPage = (PACKETS_PER_PAGE * (end - reached)) / Math.max(1, rows);
		let least = times.length - 1;
		let best: number | undefined;
		for (const [index, time] of times.entries()) {
			const requests = Math.ceil((reached - time) / secondsPerPage) + times.length - 1 - index;
			if (requests > least) continue;
			[least, best] = [requests, time];
		}
		return best === undefined ? undefined : Math.max(best, start, reached - GROWTH * (end - reached));
	}

	/** The latest packets, newest first. */
	packets(): Packet[] {
		const byTime = (a: Found, b: Found) => b.heardAt - a.heardAt || (a.packet.device.id < b.packet.device.id ? -1 : 1);
		return [...this.found.values()].sort(byTime).map(({ packet }) => packet);
	}
}
