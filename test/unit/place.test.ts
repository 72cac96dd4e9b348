/** What is a place and what is none, wherever a place is read. */
import type { IDataObject } from 'n8n-workflow';
import { simplifyDevice } from '../../nodes/shared/device/device';
import { distanceBetween, placeOf } from '../../nodes/shared/operation/place';
import { normalizePacket, placeOfPacket, simplifyPacket } from '../../nodes/shared/packet/packet';

/** Coordinates that are no place. */
const NOWHERE: Array<[latitude: unknown, longitude: unknown]> = [
	[0, 0],
	[-0, 0],
	[95, 999],
	[90.001, 4],
	[51, -180.001],
	[NaN, 4],
	[Infinity, 4],
	[51, undefined],
	[null, null],
	['51', '4'],
];

/** After all times of these tests, in Unix seconds. */
const NOW = 1_790_001_000;

it.each(NOWHERE)('%p / %p is no place', (latitude, longitude) => {
	expect(placeOf(latitude, longitude)).toBeUndefined();
	const location = { latitude, longitude } as IDataObject;
	const packet = { location, device: { id: 'd', payload: '', timestamp: 1 } };
	expect(simplifyPacket(packet)).toMatchObject({ latitude: null, longitude: null, locationAccuracy: null });
	const heard = { timestamp: 1_790_000_000, location };
	const device = { id: 'd', created_ts: 1, most_recent_packet: { terrestrial: heard } };
	expect(simplifyDevice(device, NOW)).toMatchObject({ latitude: null, longitude: null, locationType: null });
	const installed = { install_location: { lat: latitude, long: longitude } as IDataObject };
	expect(simplifyDevice({ ...installed, id: 'd', created_ts: 1 }, NOW)).toMatchObject({ locationType: null });
});

it('takes the equator, Greenwich, the poles and ±180° for places', () => {
	for (const [latitude, longitude] of [
		[0, 6.7],
		[51.5, 0],
		[90, 0],
		[-90, 12],
		[0, 180],
		[0, -180],
	] as const) {
		expect(placeOf(latitude, longitude)).toEqual({ latitude, longitude });
	}
});

it('says how accurate a place is, where that is a distance', () => {
	expect(placeOf(51, 4, 17_000)).toEqual({ latitude: 51, longitude: 4, accuracy: 17_000 });
	expect(placeOf(51, 4, 0)).toEqual({ latitude: 51, longitude: 4, accuracy: 0 });
	for (const none of [-1, NaN, Infinity, null, undefined, '9']) {
		expect(placeOf(51, 4, none)).toEqual({ latitude: 51, longitude: 4 });
	}
	const location = { latitude: 51, longitude: 4, horizontal_accuracy: 12.5 };
	const packet = { location, device: { id: 'd', payload: '', timestamp: 1 } };
	expect(simplifyPacket(packet)).toMatchObject({ latitude: 51, locationAccuracy: 12.5 });
	const flat = normalizePacket({ device_id: 'd', payload: '', timestamp: 1, metadata: { location } });
	expect(flat && placeOfPacket(flat)).toEqual({ latitude: 51, longitude: 4, accuracy: 12.5 });
	const most_recent_packet = { satellite: { timestamp: 1_790_000_000, location } };
	expect(simplifyDevice({ id: 'd', created_ts: 1, most_recent_packet }, NOW)).toMatchObject({ locationAccuracy: 12.5 });
});

it('lets the other network stand in where the last packet says no place, then where the device is installed', () => {
	const heard = (timestamp: number, latitude: number, longitude: number) => ({
		timestamp,
		location: { latitude, longitude },
	});
	const row = {
		id: 'd',
		created_ts: 1,
		most_recent_packet: { terrestrial: heard(1_790_000_900, 0, 0), satellite: heard(1_790_000_000, 51, 4) },
		install_location: { lat: 48, long: 11 },
	};
	expect(simplifyDevice(row, NOW)).toMatchObject({
		lastPacketAt: '2026-09-21T14:28:20.000Z',
		latitude: 51,
		locationType: 'heard',
	});
	const { terrestrial } = row.most_recent_packet;
	expect(simplifyDevice({ ...row, most_recent_packet: { terrestrial } }, NOW)).toMatchObject({
		latitude: 48,
		locationType: 'installed',
	});
});

type Point = readonly [latitude: number, longitude: number];

it.each<[string, Point, Point, degrees: number]>([
	['a place and itself', [52.5, 13.4], [52.5, 13.4], 0],
	['a quarter of the equator', [0, 0], [0, 90], 90],
	['a meridian', [-30, 20], [15, 20], 45],
	['over ±180°', [0, 179], [0, -179], 2],
	['over the pole', [60, 0], [60, 180], 60],
	['from pole to pole', [90, 10], [-90, -100], 180],
	['a pole by two of its longitudes', [90, 10], [90, -100], 0],
	['antipodes', [34.97, 20], [-34.97, -160], 180],
	// The example of Ed Williams's Aviation Formulary: 0.623585 radians.
	['from Los Angeles to New York', [33 + 57 / 60, -118.4], [40 + 38 / 60, -73 - 47 / 60], (0.623585 * 180) / Math.PI],
])('measures %s: from %p to %p, %p° of a great circle', (_, from, to, degrees) => {
	const place = ([latitude, longitude]: Point) => ({ latitude, longitude });
	// One degree is 111.195 km.
	for (const metres of [distanceBetween(place(from), place(to)), distanceBetween(place(to), place(from))]) {
		expect(metres / 111_195.08).toBeCloseTo(degrees, 4);
	}
});
