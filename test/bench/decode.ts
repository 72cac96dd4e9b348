/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import { performance } from 'node:perf_hooks';
import { payloadDecoder } from '../../nodes/shared/packet/decode';
import { atMost, median, type Result } from './result';

const PACKETS = 100_000;
const RUNS = 15;

/** 13 bytes, as they come by satellite. */
const layout = `
uptime: uint32 @0
temperature: int16 @4 ×0.01 °C
humidity: uint16 @6 ×0.01 %
battery: uint16 @8 mV
tilt: int16 @10 little ×0.1
moving: bool @12 bit 0
open: bool @12 bit 1
mode: bits @12 bit 2 length 3
`;

/** The same by hand. */
function byHand(payload: string) {
	const { buffer, byteOffset, byteLength } = Buffer.from(payload, 'base64');
	const view = new DataView(buffer, byteOffset, byteLength);
	const flags = view.getUint8(12);
	return {
		uptime: view.getUint32(0),
		temperature: view.getInt16(4) / 100,
		humidity: view.getUint16(6) / 100,
		battery: view.getUint16(8),
		tilt: view.getInt16(10, true) / 10,
		moving: (flags & 1) === 1,
		open: ((flags >> 1) & 1) === 1,
		mode: (flags >> 2) & 7,
	};
}

/** 8 fields of 100,000 payloads, against a loop that is written for them. */
export async function decode(): Promise<Result[]> {
	const payloads = Array.from({ length: PACKETS }, (_, index) =>
		Buffer.from(Array.from({ length: 13 }, (_byte, at) => (index * 31 + at * 17) & 255)).toString('base64'),
	);
	const read = payloadDecoder({ decode: 'layout', layout });
	if (!read) throw new Error('No decoder');
	const time = (work: (payload: string) => unknown) => {
		const begin = performance.now();
		const kept = payloads.map(work);
		if (kept.length !== PACKETS) throw new Error('Not all were decoded');
		return performance.now() - begin;
	};
	const last = payloads.at(-1) ?? '';
	const { decoded } = read(last) as { decoded: object };
	if (JSON.stringify(decoded) !== JSON.stringify(byHand(last))) throw new Error('The two do not agree');
	const ours: number[] = [];
	const limit: number[] = [];
	for (let run = 0; run < RUNS; run++) {
		ours.push(time(read));
		limit.push(time(byHand));
	}
	const [a, b] = [median(ours), median(limit)];
	return [
		{
			name: 'decoding 8 fields of 100,000 packets, against a DataView loop by hand',
			unit: 'ms',
			ours: a,
			peer: null,
			limit: b,
			...atMost(3, a / b),
			remark: `median of ${RUNS} paired runs`,
		},
	];
}
