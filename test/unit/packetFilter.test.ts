import { simplifyDevice } from '../../nodes/shared/device/device';
import { normalizePacket, packetKey, simplifyPacket, type Packet } from '../../nodes/shared/packet/packet';
import { packetFilter, packetReader } from '../../nodes/shared/packet/filter';
import {
	chosenFields,
	searchDecodedFields,
	unitAt,
	comparedFields,
	valueFilter,
	valueReason,
} from '../../nodes/shared/packet/valueFilter';

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

	it('keeps what the older flat shape says at its top', () => {
		const flat = {
			device_id: id,
			payload: 'YQ==',
			received_at: 5,
			sequence_number: 7,
			rssi: -80,
			snr: 9.5,
			gateway_id: 'g',
		};
		const device = { id, payload: 'YQ==', timestamp: 5, sequence_number: 7, rssi: -80, snr: 9.5 };
		expect(normalizePacket(flat)).toEqual({ device, gateway: { gateway_id: 'g' } });
		const metadata = { rssi: -90, snr: 1, gateway_id: 'other' };
		expect(normalizePacket({ ...flat, metadata })).toEqual({ device, gateway: { gateway_id: 'g' } });
		const { rssi, snr, gateway_id, ...less } = flat;
		expect([rssi, snr, gateway_id]).toEqual([-80, 9.5, 'g']);
		expect(normalizePacket({ ...less, metadata })).toEqual({
			device: { ...device, rssi: -90, snr: 1 },
			gateway: { gateway_id: 'other' },
		});
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
		{ device: { id, payload: 'YQ==', timestamp: 1, sequence_number: '9007199254740993x' } },
		{ device_id: id, payload: 'YQ==', timestamp: 1, metadata: { sequence_number: {} } },
		{ device_id: id, timestamp: 1 },
	])('gives nothing for %j', (row) => {
		expect(normalizePacket(row)).toBeUndefined();
	});
});

describe('packetKey', () => {
	const keyAt = (timestamp: number | string, sequence_number?: number | string) =>
		packetKey({ device: { id: 'd', payload: '', timestamp, sequence_number } });

	it('P26: is that of the second, however Hubble writes it; without an offset a time is UTC', () => {
		for (const time of [
			'2024-01-15T10:30:00Z',
			'2024-01-15T10:30:00',
			'2024-01-15 10:30:00',
			'2024-01-15T12:30:00+02:00',
			'2024-01-15T08:30:00.000-0200',
			'Mon, 15 Jan 2024 10:30:00 GMT',
			1705314600,
		])
			expect(keyAt(time, 4)).toBe('d:4:1705314600');
		expect(keyAt('2024-01-15')).toBe(keyAt(1705276800));
		// Without an offset the time zone of the server would count, which is UTC here.
		const parse = jest.spyOn(Date, 'parse');
		keyAt('2024-01-15');
		keyAt('2024-01-15 10:30:00');
		expect(parse.mock.calls).toEqual([['2024-01-15T00:00Z'], ['2024-01-15T10:30:00Z']]);
		parse.mockRestore();
		expect(keyAt('2024-07-15T10:30:00.25')).toMatch(/^d:[0-9a-f]{12}:1721039400\.25$/);
	});

	it('P26: tells sequence numbers apart that no number can hold', () => {
		const packet = normalizePacket({
			device: { id: 'd', payload: '', timestamp: 1, sequence_number: '9007199254740993' },
		});
		expect(packet && packetKey(packet)).toBe('d:9007199254740993:1');
		expect(keyAt(1, '9007199254740993')).not.toBe(keyAt(1, '9007199254740992'));
	});
});

describe('simplifyPacket', () => {
	it('has the tags that a simplified device has, and its environment', () => {
		const tags = { _env: 'sandbox', site: 'north' };
		const packet = simplifyPacket({ ...nested, device: { ...nested.device, tags } });
		const device = simplifyDevice({ id: 'd', created_ts: 1, tags }, 1);
		expect(packet).toMatchObject({ environment: 'sandbox', tags: { site: 'north' } });
		expect([packet.environment, packet.tags]).toEqual([device.environment, device.tags]);
	});

	it('has what the payload says behind the name of the device, and the error in sight', () => {
		const names = (row: object) => Object.keys(simplifyPacket({ ...nested, ...row })).slice(0, 5);
		expect(names({})).toEqual(['timestamp', 'deviceName', 'environment', 'tags', 'payload']);
		expect(names({ decoded: 1 })).toEqual(['timestamp', 'deviceName', 'decoded', 'decodeError', 'environment']);
		expect(names({ decodeError: 'x', decodedUnits: {} })).toEqual([
			'timestamp',
			'deviceName',
			'decoded',
			'decodeError',
			'decodedUnits',
		]);
		expect(simplifyPacket({ ...nested, decodeError: 'x' })).toMatchObject({ decoded: null, decodeError: 'x' });
	});
});

const picked = (value: string) => ({ devices: { device: [{ deviceId: { __rl: true, mode: 'list', value } }] } });

describe('packetFilter', () => {
	it('is none without filters', () => {
		expect(packetFilter({})).toBeUndefined();
		expect(packetFilter({ networkTypes: [], tags: [''] })).toBeUndefined();
	});

	it.each([
		[picked(id.toUpperCase()), true],
		[picked('00000000-0000-4000-8000-000000000000'), false],
		[{ networkTypes: ['TERRESTRIAL'] }, true],
		[{ networkTypes: ['SATELLITE'] }, false],
		[{ networkTypes: ['SATELLITE', 'TERRESTRIAL'] }, true],
		[{ tags: ['_env:production'] }, true],
		[{ tags: ['_env=production'] }, true],
		[{ tags: ['_env:sandbox'] }, false],
		[{ tags: ['site:south', 'site:north'] }, true],
		[{ tags: ['site:north', '_env:sandbox'] }, false],
		[{ ...picked(id), networkTypes: ['SATELLITE'] }, false],
	])('%j → %s', (filters, passes) => {
		expect(packetFilter(filters)?.(nested)).toBe(passes);
	});

	it('takes a tag in either form of Unicode', () => {
		const forms = ['NFC', 'NFD'].map((form) => 'Süd'.normalize(form));
		for (const wanted of forms)
			for (const hall of forms)
				expect(
					packetFilter({ tags: [`hall:${wanted}`] })?.({ ...nested, device: { ...nested.device, tags: { hall } } }),
				).toBe(true);
	});

	it.each([
		['bluetooth', true, false],
		['satellite', false, true],
		['LTE', true, true],
		[undefined, true, true],
	])('a packet of the network %s passes Terrestrial: %s, Satellite: %s', (network_type, terrestrial, satellite) => {
		const passes = (network: string) => packetFilter({ networkTypes: [network] })?.({ ...nested, network_type });
		expect([passes('TERRESTRIAL'), passes('SATELLITE')]).toEqual([terrestrial, satellite]);
	});

	it('reads tags that come as a list, and copes without any', () => {
		const keeps = packetFilter({ tags: ['site:north'] });
		expect(keeps?.({ ...nested, device: { ...nested.device, tags: ['site=north'] } })).toBe(true);
		expect(keeps?.({ ...nested, device: { id, payload: '', timestamp: 1 } })).toBe(false);
	});

	it('says which value is wrong', () => {
		expect(() => packetFilter(picked('Tracker 1'))).toThrow('"Tracker 1" is not an ID');
		for (const device of [[null], [{ deviceId: id }], 7])
			expect(() => packetFilter({ devices: { device } } as never)).toThrow('choose a device in each row');
		expect(() => packetFilter({ tags: ['production'] })).toThrow('key:value');
	});
});

describe('packetReader', () => {
	const readerOf = (parameters: Record<string, unknown>, stored = parameters) =>
		packetReader({
			getNode: () => ({ name: 'Trigger', parameters: stored }),
			getNodeParameter: (name: string, otherwise: unknown) => parameters[name] ?? otherwise,
		} as never);
	const warm = { value: [{ field: 't', condition: 'above', than: '8' }] };

	it.each<[Record<string, unknown>, string]>([
		[{ filters: 'tags' }, '"Filters": the expression returned no fields'],
		[{ filters: { devices: { list: { rows: picked('').devices } } } }, '"Filters": choose a device in each row'],
		[{ filters: { values: { list: { rows: { value: [{ field: '' }] } } } } }, '"Values": row 1: "Field" is required'],
		[{ filters: { tags: [] } }, '"Tags" is empty; enter a value, or remove it'],
		[{ filters: { tags: ['production'] } }, '"Tags": "production" is not a tag'],
		[{ filters: { networkTypes: ['LTE'] } }, '"Filters": "LTE" is not one of SATELLITE, TERRESTRIAL'],
		[{ filters: { valuesMatch: 'some' } }, '"Values Must Match": "some" is not one of all, any'],
		[{ filters: { values: { value: [{ than: '8' }] } } }, '"Values": row 1: "Field" is required'],
		[{ filters: { values: warm } }, '"Values": the payloads are not decoded'],
		[{ decodePayload: 'layout', payloadLayout: 't' }, '"Payload Layout": line 1'],
		[{ decodePayload: 'fields', payloadFields: { field: [{}] } }, '"Payload Fields": row 1: it has no name'],
		[{ decodePayload: 'layout', payloadLayout: 'a: uint8 @0\na: uint8 @1' }, '"Payload Layout": payload field "a"'],
		[{ simplify: 'perhaps' }, '"Simplify": "perhaps" is neither true nor false'],
	])('refuses %j by the name of the parameter', (parameters, reason) => {
		expect(() => readerOf(parameters)).toThrow(new RegExp(`^${reason}`));
	});

	it('refuses an expression that gives no format, and takes a format that nobody chose for none', () => {
		expect(() => readerOf({ decodePayload: '' }, { decodePayload: '={{ $json.none }}' })).toThrow(
			'"Decode Payload": the expression returned no value',
		);
		const fields = (offset: unknown) => ({
			decodePayload: 'fields',
			payloadFields: { field: [{ name: 't', type: 'uint8', offset }] },
		});
		expect(() => readerOf(fields(undefined), fields('={{ $json.none }}'))).toThrow(
			'"Payload Fields": the expression returned no value',
		);
		expect(readerOf(fields(1), fields('={{ 1 }}')).decodes).toBe(true);
		// What is left of another choice is not read.
		const left = { ...fields('={{ $json.none }}'), decodePayload: 'text' };
		expect(readerOf({ decodePayload: 'text' }, left).decodes).toBe(true);
		const none = [{}, { decodePayload: '' }, { decodePayload: 'none' }, { filters: { values: {} } }];
		expect(none.map((given) => readerOf(given).decodes)).toEqual(Array(4).fill(false));
	});

	it('simplifies and decodes as it is told, and simplifies where it is told nothing', () => {
		const shown = (parameters: Record<string, unknown>) => {
			const { read, show, decodes, select } = readerOf(parameters);
			expect(select([nested])).toEqual([read(nested)]);
			const { deviceId, device, decoded } = show(read(nested));
			return { decodes, isSimple: deviceId === id, isWhole: device !== undefined, decoded };
		};
		const simple = { isSimple: true, isWhole: false };
		expect(shown({})).toEqual({ decodes: false, ...simple, decoded: undefined });
		expect(shown({ decodePayload: 'text' })).toEqual({ decodes: true, ...simple, decoded: 'hello' });
		expect(shown({ simplify: false })).toMatchObject({ isSimple: false, isWhole: true });
	});
});

describe('valueFilter', () => {
	const decoded = {
		t: 8.5,
		n: null,
		on: true,
		big: '18446744073709551615',
		kind: 'door',
		text: '8.50',
		blank: ' ',
		large: 1e19,
		gps_1: { latitude: 52 },
		'a.b': 3,
	};
	const row = (field: string, condition: string, than?: unknown, and?: unknown) => ({
		field: { __rl: true, mode: 'list', value: field },
		condition,
		than,
		and,
	});
	const passes = (...value: object[]) => valueFilter({ values: { value } as never })?.(decoded);

	it.each<[string, string, unknown, unknown, boolean]>([
		['t', 'above', '8', '', true],
		['t', 'above', 8.5, '', false],
		['t', 'below', '9', '', true],
		['t', 'below', '8.5', '', false],
		['t', 'between', '8.5', '9', true],
		['t', 'between', '8', '8.5', true],
		['t', 'between', '8.6', '9', false],
		['t', 'between', '8', '8.4', false],
		['t', 'between', '8.5', '8.5', true],
		[' t ', 'above', '8', '', true],
		['text', 'equal', '8.5', '', true],
		['blank', 'above', '-1', '', false],
		['large', 'equal', '1e19', '', true],
		['t', 'equal', '8.50', '', true],
		['t', 'absent', '', '', false],
		['n', 'absent', '', '', true],
		['n', 'below', '9', '', false],
		['missing', 'absent', '', '', true],
		['missing', 'above', '-1', '', false],
		['missing', 'equal', 'undefined', '', false],
		['toString', 'absent', '', '', true],
		['big', 'above', '1e19', '', true],
		['big', 'equal', '18446744073709551615', '', true],
		['big', 'equal', '18446744073709551614', '', false],
		['on', 'equal', 'true', '', true],
		['on', 'equal', '1', '', false],
		['on', 'above', '0', '', false],
		['kind', 'equal', 'door', '', true],
		['kind', 'equal', ' door ', '', true],
		['n.deep', 'absent', '', '', true],
		['kind', 'above', '0', '', false],
		['gps_1.latitude', 'above', '50', '', true],
		['gps_1', 'above', '0', '', false],
		['a.b', 'equal', '3', '', true],
	])('%s %s %p %p → %s', (field, condition, than, and, expected) => {
		expect(passes(row(field, condition, than, and))).toBe(expected);
	});

	it('is none without conditions; all or any of several', () => {
		expect(valueFilter({})).toBeUndefined();
		const compared = [
			{ field: 't', than: 1 },
			{ field: 'u', condition: 'absent' },
			{ field: 'v', condition: 'below' },
		];
		expect(comparedFields({ values: { value: compared } })).toEqual(['t', 'v']);
		expect(comparedFields({})).toEqual([]);
		expect(valueFilter({ values: {} })).toBeUndefined();
		const value = [row('t', 'above', '8'), row('kind', 'equal', 'window')];
		expect(valueFilter({ values: { value } as never })?.(decoded)).toBe(false);
		expect(valueFilter({ values: { value } as never, valuesMatch: 'all' })?.(decoded)).toBe(false);
		expect(valueFilter({ values: { value } as never, valuesMatch: 'any' })?.(decoded)).toBe(true);
		expect(passes({ field: 't', than: 8 })).toBe(true);
	});

	it('refuses a row that nobody filled in: else all packets would pass', () => {
		const untouched = { field: { mode: 'list', value: '' }, condition: 'above', than: '', and: '' };
		expect(() => passes(untouched)).toThrow('row 1: "Field" is required');
		expect(() => passes(row('t', 'above', '9'), untouched)).toThrow('row 2: "Field" is required');
		expect(() => passes(row('t', 'above', ''))).toThrow('row 1: "Value" is required');
		expect(() => chosenFields({ row: [{ field: { mode: 'list', value: '' } }] })).toThrow('"Field" is required');
		expect(chosenFields({ row: [{ field: 't' }, { field: { mode: 'id', value: 't' } }] })).toEqual(['t']);
		expect(() => packetFilter(picked(''))).toThrow('choose a device in each row');
	});

	it('takes every value of a payload that cannot be read for absent', () => {
		const of = (condition: string) => valueFilter({ values: { value: [row('t', condition, '0', '1')] } as never });
		expect(['absent', 'above', 'below', 'between', 'equal'].map((condition) => of(condition)?.(undefined))).toEqual([
			true,
			false,
			false,
			false,
			false,
		]);
	});

	it.each<[object, string]>([
		[row('', 'above', '8'), 'row 1: "Field" is required'],
		[{ condition: 'above', than: '8' }, 'row 1: "Field" is required'],
		[['t > 8'], 'row 1: ["t > 8"] is not a row'],
		[row('t', 'above', ''), 'row 1: "Value" is required'],
		[row('t', 'equal', ' '), 'row 1: "Value" is required'],
		[row('t', 'between', '8'), 'row 1: "And" is required'],
		[row('t', 'between', '8', '7'), 'row 1: "And" is 7, which is below 8'],
		[row('t', 'above', 'cold'), 'row 1: "Value": "cold" is not a number; the decimal sign is a point, as in 8.5'],
		[row('t', 'over', '8'), 'row 1: "over" is not one of'],
	])('refuses %j', (value, reason) => {
		expect(() => passes(value)).toThrow(reason);
	});

	it.each<[unknown]>([['temperature > 8'], [[row('t', 'above', '8')]]])('refuses %j in the place of rows', (values) => {
		expect(() => valueFilter({ values } as never)).toThrow('is not a list of rows');
		expect(() => chosenFields(values)).toThrow('is not a list of rows');
	});

	it('reads chosen fields, each once', () => {
		expect(chosenFields({ row: [{ field: 'a' }, { field: { __rl: true, value: ' b ' } }, { field: 'a' }] })).toEqual([
			'a',
			'b',
		]);
		expect(chosenFields({})).toEqual([]);
		expect(() => chosenFields({ row: ['a'] })).toThrow('row 1: "a" is not a row');
		expect(() => chosenFields({ row: [{ field: 'a' }, {}] })).toThrow('row 2: "Field" is required');
	});

	it('knows a unit where it is a text', () => {
		expect([{ t: '°C' }, { t: 5 }, undefined].map((units) => unitAt(units, 't'))).toEqual(['°C', '', '']);
	});

	it.each([
		[{}, undefined],
		[{ decode: 'hex' }, undefined],
		[{ decode: 'hex', values: { value: [row('t', 'above', '8')] } }, undefined],
		[
			{ decode: 'none', values: { value: [row('t', 'above', '8')] } },
			'"Values": the payloads are not decoded; choose their format in "Decode Payload"',
		],
		[{ decode: 'hex', values: { value: [row('t', 'above', '')] } }, '"Values": row 1: "Value" is required'],
		[{ decode: 'odd' }, '"Decode Payload": unknown payload format "odd"'],
	])('%j is refused before a packet is read: %s', (settings, reason) => {
		expect(valueReason({ settings } as never)).toBe(reason);
	});

	it('offers the names that the decoding gives', async () => {
		const offered = async (parameters: Record<string, unknown>, filter?: string) => {
			const context = { getCurrentNodeParameter: (name: string) => parameters[name], getNode: () => ({}) };
			return (await searchDecodedFields.call(context as never, filter)).results.map(({ value }) => value);
		};
		const payloadLayout = 'kind: uint8 @0\nt: int8 @1 when byte 0 = 1\nt: int8 @2 when byte 0 = 2';
		expect(await offered({ decodePayload: 'layout', payloadLayout })).toEqual(['kind', 't']);
		expect(await offered({ decodePayload: 'layout', payloadLayout }, ' KI ')).toEqual(['kind']);
		expect(await offered({ decodePayload: 'layout', payloadLayout }, 'x')).toEqual([]);
		expect(await offered({ decodePayload: 'fields', payloadFields: { field: [{ name: 'door' }] } })).toEqual(['door']);
		expect(await offered({ decodePayload: 'hubbleSensor' })).toEqual([
			'temperature',
			'pressure',
			'humidity',
			'battery',
		]);
		for (const [decodePayload, reason] of [
			['none', 'Choose the format of the payloads in "Decode Payload" first.'],
			[undefined, 'Choose the format of the payloads in "Decode Payload" first.'],
			['layout', 'Describe the values of the payloads first.'],
			['fields', 'Describe the values of the payloads first.'],
			['json', 'The names in this format are not known beforehand. Choose "By Name" and enter one.'],
		]) {
			const payloadLayout = decodePayload === 'layout' ? '' : 'a: uint8 @0';
			await expect(offered({ decodePayload, payloadLayout })).rejects.toThrow(reason);
		}
	});
});
