import { normalizePacket, type Packet } from '../../nodes/shared/packet/packet';
import { packetFilter } from '../../nodes/shared/packet/filter';

const id = '6ea53e36-b7fb-429f-8c2e-d536cab71089';
const nested: Packet = {
	location: { latitude: 47.6, longitude: -122.3, timestamp: 1_765_598_212.18 },
	device: {
		id,
		payload: 'aGVsbG8=',
		timestamp: 1_765_598_212.18,
		tags: { _env: 'production', site: 'north' },
		rssi: -85,
	},
	network_type: 'TERRESTRIAL',
};

describe('normalizePacket', () => {
	it('leaves the nested shape as it is, the same object', () => {
		expect(normalizePacket(nested)).toBe(nested);
	});

	it('nests the flat shape', () => {
		const metadata = {
			rssi: -85,
			sequence_number: 4,
			location: { latitude: 1, longitude: 2 },
			network_type: 'SATELLITE',
		};
		const flat = { device_id: id, payload: 'aGVsbG8=', timestamp: '2024-01-15T10:30:00Z', metadata };
		expect(normalizePacket(flat)).toEqual({
			location: { latitude: 1, longitude: 2 },
			device: { id, payload: 'aGVsbG8=', timestamp: '2024-01-15T10:30:00Z', rssi: -85, sequence_number: 4 },
			network_type: 'SATELLITE',
		});
		expect(normalizePacket({ device_id: id, payload: '', timestamp: 1 })).toEqual({
			device: { id, payload: '', timestamp: 1 },
		});
	});

	it('lets metadata not replace the device, its payload or its time', () => {
		const flat = {
			device_id: id,
			payload: 'YQ==',
			timestamp: 5,
			metadata: { id: 'other', payload: 'x', timestamp: 6 },
		};
		expect(normalizePacket(flat)?.device).toEqual({ id, payload: 'YQ==', timestamp: 5 });
	});

	it.each([['abc'], [['a', 'b']], [null], [7]])('takes nothing from metadata %j', (metadata) => {
		const flat = { device_id: id, payload: 'YQ==', timestamp: 5, metadata };
		expect(normalizePacket(flat)).toEqual({ device: { id, payload: 'YQ==', timestamp: 5 } });
	});

	it.each([
		null,
		'packet',
		7,
		[],
		{},
		{ device: null },
		{ device: { id, payload: 'YQ==' } },
		{ device: { id: '', payload: 'YQ==', timestamp: 1 } },
		{ device: { id, payload: 7, timestamp: 1 } },
		{ device: { id, payload: 'YQ==', timestamp: 1e300 } },
		{ device: { id, payload: 'YQ==', timestamp: Infinity } },
		{ device: { id, payload: 'YQ==', timestamp: 'yesterday' } },
		{ device: { id, payload: 'YQ==', timestamp: 1, sequence_number: '4' } },
		{ device_id: id, payload: 'YQ==', timestamp: 1, metadata: { sequence_number: {} } },
		{ device_id: id, timestamp: 1 },
	])('gives nothing for %j', (row) => {
		expect(normalizePacket(row)).toBeUndefined();
	});
});

const picked = (value: string) => ({ devices: { device: [{ deviceId: { __rl: true, mode: 'list', value } }] } });

describe('packetFilter', () => {
	it('is none without filters', () => {
		expect(packetFilter({})).toBeUndefined();
		expect(packetFilter({ deviceIds: [], networkTypes: [], tags: [''] })).toBeUndefined();
	});

	it.each([
		[{ deviceIds: [id.toUpperCase()] }, true],
		[{ deviceIds: ['00000000-0000-4000-8000-000000000000'] }, false],
		[picked(id.toUpperCase()), true],
		[picked('00000000-0000-4000-8000-000000000000'), false],
		[{ ...picked('00000000-0000-4000-8000-000000000000'), deviceIds: [id] }, true],
		[{ networkTypes: ['TERRESTRIAL'] }, true],
		[{ networkTypes: ['SATELLITE'] }, false],
		[{ tags: ['_env:production'] }, true],
		[{ tags: ['_env=production'] }, true],
		[{ tags: ['_env:sandbox'] }, false],
		[{ tags: ['site:south', 'site:north'] }, true],
		[{ tags: ['site:north', '_env:sandbox'] }, false],
		[{ deviceIds: [id], networkTypes: ['SATELLITE'] }, false],
	])('%j → %s', (filters, passes) => {
		expect(packetFilter(filters)?.(nested)).toBe(passes);
	});

	it('reads tags that come as a list, and copes without any', () => {
		const keeps = packetFilter({ tags: ['site:north'] });
		expect(keeps?.({ ...nested, device: { ...nested.device, tags: ['site=north'] } })).toBe(true);
		expect(keeps?.({ ...nested, device: { id, payload: '', timestamp: 1 } })).toBe(false);
	});

	it('says which value is wrong', () => {
		expect(() => packetFilter({ deviceIds: ['Tracker 1'] })).toThrow('"Tracker 1" is not an ID');
		expect(() => packetFilter(picked('Tracker 1'))).toThrow('"Tracker 1" is not an ID');
		expect(() => packetFilter({ tags: ['production'] })).toThrow('key:value');
	});
});
