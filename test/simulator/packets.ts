import { isDriving, placeOf, temperatureOf, weekShares, type Member } from './fleet';
import { hash, uuid } from './hash';

/**
 * The packet stream, in the order of receipt. A packet is computed from its index when somebody asks, so a million of them cost nothing;
 * only the receive times of packets added later are kept.
 *
 * Packets are heard in fours: each four share one receive time, to the millisecond, so that code which cuts or
 * orders by time alone shows itself.
 *
 * A payload has 13 bytes, big endian: uint32 uptime in s, int16 temperature in 0.01 °C, uint16 humidity in
 * 0.01 %, uint16 battery in mV, int16 tilt in 0.1°, uint8 flags (bit 0 moving, bit 1 door open). Every fourth
 * device sends JSON text such as {"t":21.37,"h":48} instead, and as no satellite takes that, is heard on the ground alone.
 */
export interface Packet {
	location: {
		latitude: number;
		longitude: number;
		altitude: number;
		horizontal_accuracy?: number;
		vertical_accuracy?: number;
		timestamp: number;
	};
	device: {
		id: string;
		name?: string;
		tags?: Record<string, string>;
		payload: string;
		rssi?: number;
		timestamp: number;
		counter?: number;
		sequence_number?: number;
	};
	network_type: 'TERRESTRIAL' | 'SATELLITE';
	gateway?: { gateway_id?: string; service_id?: string };
}

/** The layout to read their payloads with; JSON text begins with another byte, and gives no value. */
export const payloadLayout = [
	'temperature: int16 @4 ×0.01 °C when byte 0 = 0',
	'humidity: uint16 @6 ×0.01 % when byte 0 = 0',
	'battery: uint16 @8 mV when byte 0 = 0',
].join('\n');

export interface Sender {
	id: string;
	name: string;
	tags: Record<string, string>;
}

export interface PacketOptions {
	seed: number;
	/** Packets of the history. */
	count: number;
	/** First and last receive time of the history, in ms. */
	from: number;
	to: number;
	/** Where in the period, from 0 to 0.9, a tenth of it begins in which half of the packets arrive; without it they are evenly spread. */
	burstAt?: number;
	/** How far, in ms, the time that a packet tells may be from its receipt, to either side. */
	clockSkewMs?: number;
	/** Whether devices send more by day than at night, and on workdays. */
	byDay?: boolean;
	/** The devices that send, each in its turn. */
	senders: readonly Sender[];
	/** What each of them is and does. */
	members: readonly Member[];
}

/** Share of the period that has passed when a share of the packets has arrived; both 0–1, monotone. */
function timeShare(share: number, burstAt: number | undefined): number {
	if (burstAt === undefined) return share;
	// Half of the packets are spread over nine tenths of the period.
	const before = burstAt / 1.8;
	if (share < before) return share * 1.8;
	return share < before + 0.5 ? burstAt + (share - before) * 0.2 : burstAt + 0.1 + (share - before - 0.5) * 1.8;
}

// Live packets of one call share a receive time in lots of this size: less than a turn of the sequence number,
// so that device, sequence number and timestamp together stay unique.
const lot = 1000;
const sequenceTurn = 1024;

export function createPackets(options: PacketOptions) {
	const { seed, count, from, to, burstAt, byDay, clockSkewMs = 0, senders, members } = options;
	const history = senders.length > 0 ? count : 0;
	const liveTimes: number[] = [];
	const given = new Map<number, Packet>();
	const heads: string[] = [];
	const gateways = Array.from({ length: 20 }, (_, n) => uuid(seed, 8, n));
	const payload = Buffer.alloc(13);
	const share = byDay ? weekShares(from, to) : (part: number) => timeShare(part, burstAt);

	/** Receive time of packet i in ms; never decreases with i. */
	function timeOf(i: number): number {
		if (i >= history) return liveTimes[i - history] ?? Infinity;
		const four = i - (i % 4);
		const jitter = hash(seed, four, 1) / 2 ** 32;
		return from + Math.floor(share(Math.min(1, (four + 4 * jitter) / history)) * (to - from));
	}

	/** Index of the first packet received at or after that time (ms). */
	function firstAt(time: number): number {
		let low = 0;
		let high = history + liveTimes.length;
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (timeOf(middle) < time) low = middle + 1;
			else high = middle;
		}
		return low;
	}

	const senderOf = (i: number) => senders[i % senders.length] as Sender;
	const deviceOf = (i: number) => given.get(i)?.device.id ?? senderOf(i).id;
	const environmentOf = (i: number) => (given.get(i)?.device.tags ?? senderOf(i).tags)._env;
	const isSatellite = (i: number) =>
		given.has(i)
			? given.get(i)?.network_type === 'SATELLITE'
			: !sendsJson(i % senders.length) && hash(seed, i, 2) % 8 === 0;

	const sendsJson = (index: number) => index % 4 === 3;
	const memberOf = (index: number) => members[index] as Member;

	function payloadOf(i: number, index: number, time: number): string {
		const h = hash(seed, i, 3);
		const member = memberOf(index);
		const temperature = temperatureOf(member, time) + (h % 50) - 25;
		const humidity = (member.kind === 'Freezer' ? 3200 : 5000) + ((h >>> 8) % 1200);
		if (sendsJson(index)) {
			return Buffer.from(`{"t":${temperature / 100},"h":${Math.round(humidity / 100)}}`).toString('base64');
		}
		// The oldest battery has lost most; an uptime ends with a restart.
		const age = hash(seed, index, 4);
		payload.writeUInt32BE(((age % 8_000_000) + Math.floor(time / 1000)) % 10_000_000, 0);
		payload.writeInt16BE(temperature, 4);
		payload.writeUInt16BE(humidity, 6);
		payload.writeUInt16BE(3560 - (age % 720) + ((h >>> 20) % 40), 8);
		payload.writeInt16BE(member.road ? (h % 120) - 60 : h % 12, 10);
		const isOpen = (h >>> 28) % 8 === 0 ? 2 : 0;
		payload.writeUInt8((isDriving(member, time) ? 1 : 0) | isOpen, 12);
		return payload.toString('base64');
	}

	/**
	 * Packet i as JSON text: the one place that knows its shape. Text and not an object, because a page of a
	 * thousand must cost less than what is measured with it.
	 */
	function json(i: number): string {
		const own = given.get(i);
		if (own) return JSON.stringify(own);
		const index = i % senders.length;
		const { id, name, tags } = senderOf(i);
		const head = (heads[index] ??= JSON.stringify({ id, name, tags }).slice(0, -1));
		const satellite = isSatellite(i);
		const h = hash(seed, i, 5);
		const time = timeOf(i) + (clockSkewMs ? (hash(seed, i, 9) % (2 * clockSkewMs + 1)) - clockSkewMs : 0);
		// On the ground the place is the gateway's latest GPS fix; from orbit it is taken with the packet.
		const fix = satellite ? time : time - (h % 30_000);
		const member = memberOf(index);
		const place = placeOf(member, fix);
		// In 0.00001°: some 10 m, and as far as the accuracy says.
		const spread = Math.max(20, Math.round(member.accuracy));
		const latitude = (Math.round(place[0] * 1e5) + (h % spread) - (spread >>> 1)) / 1e5;
		const longitude = (Math.round(place[1] * 1e5) + ((h >>> 11) % spread) - (spread >>> 1)) / 1e5;
		const sequence = Math.floor(i / senders.length);
		const gateway =
			!satellite && h % 4 === 0
				? `,"gateway":{"gateway_id":"${gateways[(h >>> 2) % gateways.length]}","service_id":"fca6"}`
				: '';
		return (
			`{"location":{"latitude":${latitude},"longitude":${longitude},"altitude":${satellite ? 0 : h % 900},` +
			`"horizontal_accuracy":${member.accuracy},"vertical_accuracy":${5 + ((h >>> 6) % 40)},"timestamp":${fix / 1000}},` +
			`"device":${head},"payload":"${payloadOf(i, index, time)}","rssi":${(satellite ? -75 : -45) - ((h >>> 12) % 32) - ((h >>> 20) % 32)},` +
			`"timestamp":${time / 1000},"counter":${Math.floor(time / 86_400_000)},` +
			`"sequence_number":${sequence % sequenceTurn}},` +
			`"network_type":"${satellite ? 'SATELLITE' : 'TERRESTRIAL'}"${gateway}}`
		);
	}

	return {
		/** Packets so far: the history and what was added. */
		get length() {
			return history + liveTimes.length;
		},
		timeOf,
		firstAt,
		deviceOf,
		environmentOf,
		isSatellite,
		json,
		/** Packet i as an object. */
		get: (i: number): Packet => JSON.parse(json(i)),
		/** Lets packet i come from another device, at the same time and place. */
		sendFrom(i: number, sender: Sender): void {
			const packet = JSON.parse(json(i)) as Packet;
			given.set(i, { ...packet, device: { ...packet.device, ...sender } });
		},
		/**
		 * Adds packets received now (ms): so many of the seeded devices', or those given.
		 * Returns the range of their indices, `to` not included.
		 */
		append(added: number | readonly Packet[], now: number): { from: number; to: number } {
			const first = history + liveTimes.length;
			const last = first > 0 ? timeOf(first - 1) : 0;
			const size = typeof added === 'number' ? (senders.length > 0 ? added : 0) : added.length;
			for (let k = 0; k < size; k++) {
				liveTimes.push(Math.max(last + 1, now) + Math.floor(k / lot));
				if (typeof added !== 'number') given.set(first + k, added[k] as Packet);
			}
			return { from: first, to: first + size };
		},
	};
}

export type Packets = ReturnType<typeof createPackets>;
