/** Formats of payloads against what the libraries of their field are tested with: bytes and values, written down. */
import { hexBytes, payloadDecoder } from '../../nodes/shared/packet/decode';

/** A payload given in hexadecimal, blanks allowed. */
const read = (decode: string, hex: string) => payloadDecoder({ decode }, hexBytes)?.(hex);

/** Service data of BTHome v2, as Home Assistant's parser (bthome-ble) is tested with them, with what it reads of each. */
const SERVICE_DATA: Array<[hex: string, decoded: object]> = [
	['40 0413 8a01', { pressure: 1008.83 }],
	['44 0413 8a01', { pressure: 1008.83 }],
	['42 b2188d38c1a4 0413 8a01', { pressure: 1008.83 }],
	['40 0009', { packet_id: 9 }],
	['40 0008', { packet_id: 8 }],
	['40 00bd', { packet_id: 189 }],
	['40 00be', { packet_id: 190 }],
	['40 00fd', { packet_id: 253 }],
	['40 002f', { packet_id: 47 }],
	['40 02ca09 03bf13', { temperature: 25.06, humidity: 50.55 }],
	['40 0009 015d 025d09 03b718', { packet_id: 9, battery: 93, temperature: 23.97, humidity: 63.27 }],
	['40 05138a14', { illuminance: 13460.67 }],
	['40 065e1f', { mass_kg: 80.3 }],
	['40 073e1d', { mass_lb: 74.86 }],
	['40 08ca06', { dew_point: 17.38 }],
	['40 0960', { count: 96 }],
	['40 0a138a14', { energy: 1346.067 }],
	['40 0b021b00', { power: 69.14 }],
	['40 0c020c', { voltage: 3.074 }],
	['40 0f01', { generic_boolean: true }],
	['40 1001', { power_on: true }],
	['40 1100', { opening: false }],
	['40 2d01', { window: true }],
	['40 0d120c 0e021c', { pm2_5: 3090, pm10: 7170 }],
	['40 12e204', { co2: 1250 }],
	['40 133301', { tvoc: 307 }],
	['40 14020c', { moisture: 30.74 }],
	['40 3a04', { button: 'long_press' }],
	['40 3a00 3a01 3a03', { button: 'none', button_2: 'press', button_3: 'triple_press' }],
	['40 3c0103', { dimmer: { event: 'rotate_left', steps: 3 } }],
	['40 3f020c', { rotation: 307.4 }],
	// What no button does: the number is kept.
	['40 3afe', { button: 254 }],
	['40 400c00', { distance_mm: 12 }],
	['40 414e00', { distance_m: 7.8 }],
	['40 424e3400', { duration: 13.39 }],
	['40 434e34', { current: 13.39 }],
	['40 444e34', { speed: 133.9 }],
	['40 451101', { temperature: 27.3 }],
	['40 4632', { uv_index: 5 }],
	['40 478756', { volume_l: 2215.1 }],
	['40 48dc87', { volume_ml: 34780 }],
	['40 49dc87', { volume_flow_rate: 34.78 }],
	['40 4a020c', { voltage: 307.4 }],
	['40 4b138a14', { gas: 1346.067 }],
	['40 4c41018a01', { gas: 25821.505 }],
	['40 4d12138a14', { energy: 344593.17 }],
	['40 4e87562a01', { volume_l: 19551.879 }],
	['40 4f87562a01', { water: 19551.879 }],
	['44 505d396164', { timestamp: '2023-05-14T19:41:17.000Z' }],
	['44 518756', { acceleration: 22.151 }],
	['44 528756', { gyroscope: 22.151 }],
	['44 530c48656c6c6f20576f726c6421', { text: 'Hello World!' }],
	['44 540c48656c6c6f20576f726c6421', { raw: '48656c6c6f20576f726c6421' }],
	['40 5587562a01', { volume_storage: 19551.879 }],
	['40 02ca09 02cf09', { temperature: 25.06, temperature_2: 25.11 }],
	[
		'40 02ca09 02cf09 02cf08 03b718 03b717 015d',
		{
			temperature: 25.06,
			temperature_2: 25.11,
			temperature_3: 22.55,
			humidity: 63.27,
			humidity_2: 60.71,
			battery: 93,
		},
	],
	['40 015d 025d09 03b718', { battery: 93, temperature: 23.97, humidity: 63.27 }],
	['40 0001 0b000000 4a0d09 0133 0ce90c', { packet_id: 1, power: 0, voltage: 231.7, battery: 51, voltage_2: 3.305 }],
	['40 0052 0164 3a01', { packet_id: 82, battery: 100, button: 'press' }],
	['44 0021 015e 3a01', { packet_id: 33, battery: 94, button: 'press' }],
	['44 0023 015e 3a00', { packet_id: 35, battery: 94, button: 'none' }],
	['40 00a7 0c780b 1000', { packet_id: 167, voltage: 2.936, power_on: false }],
	// IDs that do not ascend, as they should.
	['40 03bf13 02ca09', { humidity: 50.55, temperature: 25.06 }],
];

describe('service data of BTHome', () => {
	test.each(SERVICE_DATA)('%s', (hex, decoded) => {
		expect(read('bthomeService', hex)).toMatchObject({ decoded });
		expect(read('bthomeService', hex)).not.toHaveProperty('decodeError');
		const { decoded: told, decodeError } = read('bthome', hex) ?? {};
		expect(told).toEqual(decoded);
		// Nothing is said, but for what might as well be objects alone.
		expect(decodeError ?? 'it may be objects alone').toMatch(/^it may be objects alone/);
	});

	test.each([
		'41d2fcefe52eb212d600112233bc38c966',
		'41a47266c95f730011223378237214',
		'41e445f3c9962b332211006c7c4519',
		'413e932cc7175f342211005538 76af',
		'41723d3035fb88322211009e7414c0',
		'41ba0db07aeef6ffffffff21fd4600',
		'41de40b50e676600000000d7cb95de',
		'43a5808fe64854f196c06ffb4900112233f08ecbde',
		'450aeb84467f85ba0100003188788c',
	])('%s is encrypted, and refused', (hex) => {
		for (const decode of ['bthomeService', 'bthome']) {
			expect(read(decode, hex)).toEqual({ decodeError: expect.stringContaining('is encrypted') as string });
		}
	});

	test.each<[string, object, RegExp]>([
		['40 feca09', {}, /^0xfe at byte 1 is unknown/],
		['40 015d fe5d09 03b718', { battery: 93 }, /^0xfe at byte 3 is unknown/],
		['44 530187', { text: '\ufffd' }, /is not UTF-8/],
	])('%s: what was read is kept, and the rest said', (hex, decoded, said) => {
		expect(read('bthomeService', hex)).toEqual(
			expect.objectContaining({ decoded, decodeError: expect.stringMatching(said) as string }),
		);
	});

	test.each([
		['e1 02000c04 04138a01', 'version 7'],
		['00', 'version 0'],
		['41ba0db07aeef600', 'encrypted'],
	])('%s: the device information is refused', (hex, reason) => {
		expect(read('bthomeService', hex)).toEqual({ decodeError: expect.stringContaining(reason) as string });
	});
});

/** CayenneLPP as the libraries for Arduino (ElectronicCats) and Python (pycayennelpp) write and read it. */
const CAYENNE: Array<[hex: string, decoded: object]> = [
	['036701100 2686c', { temperature_3: 27.2, relative_humidity_2: 54 }],
	['03670110 056700ff', { temperature_3: 27.2, temperature_5: 25.5 }],
	['056700ff', { temperature_5: 25.5 }],
	['0180ffff', { power_1: 65535 }],
	['0567ffd1', { temperature_5: -4.7 }],
	['0167ffd7', { temperature_1: -4.1 }],
	['02686c', { relative_humidity_2: 54 }],
	['0164000003e6', { generic_1: 998 }],
	['0064ffffffff 016400000001', { generic_0: 4294967295, generic_1: 1 }],
	['067104d2fb2e0000', { accelerometer_6: { x: 1.234, y: -1.234, z: 0 } }],
	['037457b8', { voltage_3: 224.56 }],
	['0074 09d8 0174 2ef4', { voltage_0: 25.2, voltage_1: 120.2 }],
	['017500ed', { current_1: 0.237 }],
	['0075 3f48 0175 7e2c', { current_0: 16.2, current_1: 32.3 }],
	['017633be27a0', { frequency_1: 868100000 }],
	['0076ffffffff 017600000001', { frequency_0: 4294967295, frequency_1: 1 }],
	['0278 0a 0378 64', { percentage_2: 10, percentage_3: 100 }],
	['0579ffef', { altitude_5: -17 }],
	['0279 1092 0379 ef6e', { altitude_2: 4242, altitude_3: -4242 }],
	['007aeac8 c8', { load_0: -1390.392 }],
	['007affeac8 017a0274db', { load_0: -5.432, load_1: 160.987 }],
	['027d000a 037d2710', { concentration_2: 10, concentration_3: 10000 }],
	['05800d7a', { power_5: 3450 }],
	['018200000022', { distance_1: 0.034 }],
	['0382 0012d644', { distance_3: 1234.5 }],
	['018300795b30', { energy_1: 7953.2 }],
	['01840100', { direction_1: 256 }],
	['0184 001e 0284 012c', { direction_1: 30, direction_2: 300 }],
	['018500000000', { time_1: '1970-01-01T00:00:00.000Z' }],
	['0786007bff850000', { gyrometer_7: { x: 1.23, y: -1.23, z: 0 } }],
	['02872a2a2a', { colour_2: { red: 42, green: 42, blue: 42 } }],
	['01880676 5ff2960a 0003e8', { gps_1: { latitude: 42.3519, longitude: -87.9094, altitude: 10 } }],
	['0188082cc3018883000000 020006', { gps_1: { latitude: 53.5747, longitude: 10.0483, altitude: 0 }, digital_in_2: 6 }],
	['058e01', { switch_5: 1 }],
	['000015 01012a', { digital_in_0: 21, digital_out_1: 42 }],
	[
		'000204d2 0102fb2e 0003162e 0103e9d2',
		{ analog_in_0: 12.34, analog_in_1: -12.34, analog_out_0: 56.78, analog_out_1: -56.78 },
	],
	['02653039 036601', { luminosity_2: 12345, presence_3: 1 }],
	['06732747', { barometric_pressure_6: 1005.5 }],
	['010403e8', { counter_1: 1000 }],
];

describe('CayenneLPP', () => {
	test.each(CAYENNE)('%s', (hex, decoded) => {
		expect(read('cayenne', hex)).toMatchObject({ decoded });
		expect(Object.keys(read('cayenne', hex)?.decoded ?? {})).toEqual(Object.keys(decoded));
		expect(read('cayenne', hex)).not.toHaveProperty('decodeError');
	});
});
