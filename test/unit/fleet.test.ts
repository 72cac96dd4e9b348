/** The simulated fleet is one that could be: on land, at its sites and on its roads, by day and by night. */
import { COASTLINE } from '../../nodes/shared/report/coastline';
import { startSimulator } from '../simulator/server';

const day = 86_400_000;
const now = Date.parse('2026-11-27T12:00:00Z');

async function packetsOf(options: object) {
	const hubble = await startSimulator({
		devices: 240,
		packets: 8000,
		days: 28,
		byDay: true,
		now: () => now,
		...options,
	});
	const { packets } = hubble.world.main;
	const all = Array.from({ length: packets.length }, (_, i) => packets.get(i));
	await hubble.close();
	return all;
}

/** Whether a place is on land, or nearer to it than the coast is known. */
function isNearLand(latitude: number, longitude: number): boolean {
	const around = [-0.3, 0, 0.3];
	return around.some((up) =>
		around.some((right) => COASTLINE.some((ring) => contains(ring, longitude + right, latitude + up))),
	);
}

function contains(ring: ReadonlyArray<readonly [number, number]>, x: number, y: number): boolean {
	let isInside = false;
	ring.forEach(([x1, y1], index) => {
		const [x2, y2] = ring.at(index - 1) ?? [x1, y1];
		if (y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) isInside = !isInside;
	});
	return isInside;
}

it('is on land, and only one of it outside of its sites and roads', async () => {
	const packets = await packetsOf({});
	const wet = packets.filter(({ location }) => !isNearLand(location.latitude, location.longitude));
	expect(wet.map(({ device, location }) => [device.name, location])).toEqual([]);
	const far = packets.filter(({ location }) => location.longitude > 25);
	expect(new Set(far.map(({ device }) => device.name)).size).toBe(1);
	expect(isNearLand(43, 6 - 12)).toBe(true);
	expect(isNearLand(47, -8)).toBe(false);
});

it('has rooms that stay and trucks that move, some vague, with temperatures of their kind', async () => {
	const packets = await packetsOf({ clockSkewMs: 0 });
	const by = (kind: string) => packets.filter(({ device }) => device.name?.startsWith(kind));
	const spanOf = (kind: string) => {
		const places = new Map<string, number[]>();
		for (const { device, location } of by(kind)) {
			if (Number(location.horizontal_accuracy) > 1000) continue;
			places.set(device.id, [...(places.get(device.id) ?? []), location.latitude]);
		}
		return [...places.values()].map((all) => Math.max(...all) - Math.min(...all));
	};
	expect(Math.max(...spanOf('Cold room'), ...spanOf('Freezer'))).toBeLessThan(0.001);
	expect(Math.min(...spanOf('Truck'))).toBeGreaterThan(0.3);
	const vague = packets.filter(({ location }) => Number(location.horizontal_accuracy) > 1000);
	expect(vague.length / packets.length).toBeGreaterThan(0.02);
	expect(vague.length / packets.length).toBeLessThan(0.08);
	const temperatures = (kind: string) =>
		by(kind)
			.map(({ device }) => Buffer.from(device.payload, 'base64'))
			.filter((payload) => payload.length === 13 && payload[0] === 0)
			.map((payload) => payload.readInt16BE(4) / 100);
	expect(Math.max(...temperatures('Freezer'))).toBeLessThan(-16);
	const rooms = temperatures('Cold room');
	expect(rooms.filter((t) => t > 8).length).toBeGreaterThan(0);
	expect(rooms.filter((t) => t > 8).length / rooms.length).toBeLessThan(0.02);
});

it('sends through whole weeks, more by day and on workdays', async () => {
	const packets = await packetsOf({});
	const times = packets.map(({ device }) => device.timestamp * 1000);
	const days = Array.from(
		{ length: 28 },
		(_, n) => times.filter((time) => Math.floor((now - time) / day) === n).length,
	);
	expect(Math.min(...days)).toBeGreaterThan(100);
	const hours = (from: number, to: number) =>
		times.filter((time) => new Date(time).getUTCHours() >= from && new Date(time).getUTCHours() < to).length;
	expect(hours(12, 16)).toBeGreaterThan(2 * hours(0, 4));
	expect(hours(0, 4)).toBeGreaterThan(200);
	expect(times).toEqual([...times].sort((a, b) => a - b));
});
