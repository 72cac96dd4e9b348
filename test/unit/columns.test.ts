/** Rows of tables as people have them, and the devices that they mean. */
import { columns, deviceRow } from '../../nodes/HubbleDevice/columns';
import { csvCell } from '../../nodes/shared/operation/exportFormats';

const row = (cells: Record<string, unknown>, known: string[] = []) => deviceRow({ cells: cells as never, known });

it.each([
	[
		{ name: 'Kühl', site: 'x' },
		{ name: 'Kühl', tags: { site: 'x' } },
	],
	[
		{ '\ufeffName': 'A', ' Site ': 'x' },
		{ name: 'A', tags: { Site: 'x' } },
	],
	[
		{ device_name: 123, lat: '52,5', LONG: 4.25, 'Place Name': 'Hall 3' },
		{ name: '123', place: { lat: 52.5, long: 4.25, location_name: 'Hall 3' } },
	],
	[
		{ name: '00123', serial: '0017', count: 7, isCold: true },
		{ name: '00123', tags: { serial: '0017', count: '7', isCold: 'true' } },
	],
	[{ name: 'A', site: ' ', hall: null, latitude: '', longitude: '' }, { name: 'A' }],
	[{ name: '', site: '', '': 'x', __EMPTY: 'y', __EMPTY_1: 'z' }, {}],
	[{ 'tag:name': 'B', 'tags.site': 'x', environment: 'sandbox' }, { tags: { name: 'B', site: 'x', _env: 'sandbox' } }],
])('%j is %j', (cells, device) => {
	expect(row(cells)).toEqual(device);
});

it('a header fits the tag key that devices have, however it is written', () => {
	expect(row({ SITE: 'x', Hall: '3' }, ['name', 'tag:site'])).toEqual({ tags: { site: 'x', Hall: '3' } });
	expect(row({ ['Größe'.normalize('NFD')]: 'L' }, ['tag:größe'])).toEqual({ tags: { größe: 'L' } });
	const both = ['tag:site', 'tag:Site'];
	expect(row({ 'tags.site': 'x', Site: 'y' }, both)).toEqual({ tags: { site: 'x', Site: 'y' } });
});

it('the columns of our own files are no tags: a key would be read by everybody', () => {
	const own = {
		created: true,
		key: 'c2VjcmV0',
		id: '1',
		deviceId: '1',
		result: 'registered',
		error: 'none',
		row_number: 2,
	};
	expect(row({ name: 'A', ...own })).toEqual({ name: 'A' });
	const exported = { name: 'A', lastPacketAt: 'x', environment: 'production', createdAt: 'x', deviceId: '1' };
	const installed = { tags: '{"site":"x"}', latitude: 52, longitude: 4, installPlace: 'Hall 3', installLatitude: 52 };
	const place = { lat: 52, long: 4, location_name: 'Hall 3' };
	const tags = { site: 'x', _env: 'production' };
	expect(row({ ...exported, ...installed, locationType: 'installed' })).toEqual({ name: 'A', tags, place });
	const placeOnly = { ...installed, installLatitude: '' };
	expect(row({ ...exported, ...placeOnly, locationType: 'heard' })).toEqual({
		name: 'A',
		tags,
		place: { location_name: 'Hall 3' },
	});
	expect(() => row({ ...exported, ...installed, locationType: 'heard' })).toThrow('a latitude and a longitude');
	const kept = { installPlace: 'Hall 3', installLatitude: '51,9', installLongitude: 4.5 };
	const there = { lat: 51.9, long: 4.5, location_name: 'Hall 3' };
	expect(row({ name: 'A', ...kept })).toEqual({ name: 'A', place: there });
	expect(row({ name: 'A', latitude: 52, longitude: 4, ...kept, locationType: 'heard' }).place).toEqual(there);
	expect(row({ name: 'A', latitude: 52, longitude: 4, ...kept }).place).toEqual(place);
	for (const header of ['location_type', 'Location Type', 'locationtype'])
		expect(row({ name: 'A', latitude: 52, longitude: 4, ...kept, [header]: ' Heard' }).place).toEqual(there);
});

it('an install location that was changed in one of the two pairs of an export is refused', () => {
	const exported = { latitude: '51,9', longitude: 4.5, installLatitude: 51.9, installLongitude: 4.5 };
	const place = { lat: 51.9, long: 4.5 };
	expect(row({ ...exported, locationType: 'installed' })).toEqual({ place });
	expect(row({ latitude: 51.9, longitude: 4.5, locationType: 'installed' })).toEqual({ place });
	const message = 'latitude and longitude differ from the install location; remove one of the two pairs of columns';
	const noNumbers = { ...exported, latitude: 'x', installLatitude: 'x', locationType: 'installed' };
	expect(() => row(noNumbers)).toThrow('"x" is not a number');
	for (const changed of ['latitude', 'longitude', 'installLatitude', 'installLongitude'])
		expect(() => row({ ...exported, [changed]: 48.1, locationType: 'installed' })).toThrow(message);
});

it('a row without a value for the device is refused', () => {
	const wire = (cells: Record<string, string>) => columns.toWire({ cells, known: [] });
	expect(wire({ name: 'A' })).toEqual({ name: 'A' });
	for (const blank of [() => wire({ id: '1' }), columns.whenEmpty])
		expect(blank).toThrow('the row is blank: no column has a value for the device');
});

it('blanks around a header, the key of a tag or a number do not count', () => {
	expect(row({ ' tag:site ': 'x' })).toEqual({ tags: { site: 'x' } });
	expect(row({ 'tag: SITE': 'x' }, ['tag: site '])).toEqual({ tags: { site: 'x' } });
	expect(row({ lat: ' -52,55 ', long: '4,5' })).toEqual({ place: { lat: -52.55, long: 4.5 } });
	for (const odd of ['x52,5', '52,5x']) expect(() => row({ lat: odd, long: 4 })).toThrow(`"${odd}" is not a number`);
});

it('what n8n puts beside the error of an item is no tag, and elsewhere it is', () => {
	const beside = { message: 'Nothing was sent', details: { status: 400 } };
	expect(row({ name: 'A', error: 'refused', ...beside })).toEqual({ name: 'A' });
	expect(row({ name: 'A', message: 'hello', error: '' })).toEqual({ name: 'A', tags: { message: 'hello' } });
});

it.each(['=1+1', '-12 cellar', '@home', '0017', '1234567890123456789', '＋49 10', '="x"', "'tis", "'=x", "' - y"])(
	'%s is itself after our CSV',
	(name) => {
		const style = { delimiter: ';', decimalSign: ',', byteOrderMark: true, defusesFormulas: true, keepsTexts: true };
		const cell = csvCell(name, style as never).replace(/^"(.*)"$/, (_, text: string) => text.replace(/""/g, '"'));
		expect(row({ name: cell })).toEqual({ name });
	},
);

it.each([
	[{ name: 'A', ' Name ': 'B' }, 'columns "name" and " Name " mean the same; remove one of them'],
	[{ 'Install Latitude': 1, x: 2, install_latitude: 3 }, 'columns "Install Latitude" and "install_latitude" mean'],
	[{ site: 'x', ' site': 'y' }, 'appears twice'],
	[{ tags: 'indoor' }, 'column "tags"'],
	[{ tags: 'null' }, 'column "tags"'],
	[{ 'name;site': 'A;B' }, 'column "name;site" looks like several; set the delimiter where the file is read'],
	[{ 'name\tsite': 'A\tB' }, 'looks like several'],
	[{ latitude: 52 }, 'a latitude and a longitude'],
	[{ latitude: 'north', longitude: 4 }, '"north" is not a number'],
	[{ name: 'n'.repeat(251) }, '251 characters'],
	[{ ' Site ': { a: 1 } }, 'the value of "Site" is not a text: an object (a)'],
	[{ tags: { site: ['x'] } }, 'the value of "site" is not a text: ["x"]'],
	[{ 'Device Name': ['A'] }, 'column "Device Name" is not a text: ["A"]'],
	[{ place: { hall: 3 } }, 'column "place" is not a text: an object (hall)'],
	[{ lat: [52], long: 4 }, 'column "lat" is not a text: [52]'],
	[{ locationType: ['heard'] }, 'column "locationType" is not a text: ["heard"]'],
])('%j is refused', (cells, reason) => {
	expect(() => row(cells)).toThrow(reason);
});
