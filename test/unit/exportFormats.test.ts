/** The formats of an export, without n8n. */
import fc from 'fast-check';
import {
	asWritten,
	csvCell,
	FORMATS,
	trackGeometry,
	type CsvStyle,
	type FormatInput,
} from '../../nodes/shared/operation/exportFormats';
import { fileNameOf, safeName } from '../../nodes/shared/operation/outputFile';
import { timeText } from '../../nodes/shared/operation/times';
import { anyText } from '../integration/odd';

const style: CsvStyle = {
	delimiter: ',',
	decimalSign: '.',
	keepsTexts: false,
	byteOrderMark: true,
	defusesFormulas: true,
};
const plain: CsvStyle = { ...style, defusesFormulas: false };

/** An independent reader of RFC 4180 with any delimiter. */
function parse(text: string, delimiter: string): string[] {
	const cells: string[] = [];
	for (let at = 0; at <= text.length; at++) {
		let cell = '';
		if (text[at] === '"') {
			for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
				if (text[at] === '"') at++;
				cell += text[at];
			}
			at++;
		} else while (at < text.length && text[at] !== delimiter) cell += text[at++];
		cells.push(cell);
	}
	return cells;
}

describe('csvCell', () => {
	const value = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('"', ',', ';', '\t', '\r', '\n', 'a', ' ') }));

	it('written and parsed is the same, with any delimiter', () => {
		fc.assert(
			fc.property(fc.array(value, { minLength: 1 }), fc.constantFrom(',', ';', '\t'), (cells, delimiter) => {
				const line = cells.map((cell) => csvCell(cell, { ...plain, delimiter })).join(delimiter);
				expect(parse(line, delimiter)).toEqual(cells);
			}),
		);
	});

	it.each([
		'=1+1',
		'+cmd',
		'-cmd',
		'@SUM(A1)',
		'\t=1',
		' =1',
		'\r=1',
		'\n=1',
		'＝1+1',
		'-5+cmd',
		'=',
		'\ufeff=1',
		'\0=1+1',
	])('%j gets an apostrophe', (text) => {
		expect(csvCell(text, style).replace(/^"|"$/g, '')).toBe(`'${text}`);
		expect(csvCell(text, plain)).not.toContain("'");
	});

	it.each([
		["'=1", '=1'],
		["'＝1", '＝1'],
		["' -x", ' -x'],
		["''=1", "'=1"],
		["'tis", "'tis"],
		["=1'", "=1'"],
		['="0017"', '0017'],
		['=""', ''],
		['x="0017"', 'x="0017"'],
		['="0017"x', '="0017"x'],
		['\'="x"', '="x"'],
		['text', 'text'],
	])('%j is read back as %j', (cell, text) => {
		expect(asWritten(cell)).toBe(text);
	});

	it.each([
		-5,
		'-5',
		'+31.5',
		'-1.5e-7',
		'-5.25',
		'-.25',
		'+1e5',
		'-2e10',
		-0.25,
		'a=1',
		" '=1",
		'x-y',
		'a\tb',
		true,
		'',
	])('%j stays as it is', (cell) => {
		expect(csvCell(cell, style)).toBe(String(cell));
	});

	it.each([
		'0017',
		'12e5',
		'+49 30 1234',
		'1234567890123456789',
		'1,5',
		'3/4',
		'2026-11-3',
		'12:30',
		'1 Mar',
		'12März',
		'5 Mai',
		'Sept1',
		'Okt 2026',
		'31.Dez',
		'12/5/2026',
		' 3/4 ',
		'1e+5',
		'12e50',
		'5 %',
		' 17 ',
		'1'.repeat(40),
	])('%j is kept as text where it is asked for', (text) => {
		expect(parse(csvCell(text, { ...style, keepsTexts: true }), ',')).toEqual([`="${text}"`]);
	});

	it.each([
		'Hall 3',
		'6ea5c7d0-1e2f-4a3b-8c4d-5e6f7a8b9c0d',
		'a=1',
		'',
		'Dock',
		'T=21.4,B=87',
		'3/4 inch',
		'#3/4',
		'3/4#',
		'...',
		'1'.repeat(41),
	])('%j is no number to any spreadsheet', (text) => {
		expect(parse(csvCell(text, { ...style, keepsTexts: true }), ',')).toEqual([text]);
	});

	it('writes the decimal sign of numbers alone', () => {
		const comma: CsvStyle = { ...style, delimiter: ';', decimalSign: ',' };
		expect([9.1, -0.5, 1.5e-7, 12, '9.1', { a: 1.5 }].map((value) => csvCell(value, comma))).toEqual([
			'9,1',
			'-0,5',
			'1,5e-7',
			'12',
			'9.1',
			'"{""a"":1.5}"',
		]);
	});

	it('no text begins as a formula does', () => {
		fc.assert(
			fc.property(fc.string({ unit: fc.constantFrom('=', '+', '-', '@', ' ', '\t', '1', 'a', '"', ',') }), (text) => {
				const [cell = ''] = parse(csvCell(text, style), ',');
				expect(/^\s*[=+\-@]/.test(cell) && Number.isNaN(Number(cell))).toBe(false);
			}),
		);
	});
});

/** A file of some rows, as an export writes it. */
function fileOf(format: keyof typeof FORMATS, rows: object[], given: Partial<FormatInput>) {
	const writer = FORMATS[format].writer({ simplify: (row) => row, columns: [], csv: style, ...given });
	const text = writer.head + rows.map((row) => writer.row(row as never)).join(writer.between);
	return { text: text + [...writer.rest()].join(''), about: writer.about?.() };
}

describe('a table', () => {
	const row = {
		at: '2026-11-20T07:05:00.000Z',
		own: { site: 'Oslo', 'a.b': 'x', _env: 'production' },
		device: {
			timestamp: 1_795_158_300,
			rssi: -85.5,
			x: {},
			'x.y': { z: 1 },
			seen: null,
			expires_at: 'never',
			list: [1],
		},
		decoded: { timestamp: 1_795_158_300, ok: false },
	};
	const columns: Array<[column: string, cell: string]> = [
		['timestamp', '2026-11-20T07:05:00.000Z'],
		['deviceName', 'Room 1'],
		['lastPacketAt', '2026-11-20T07:05:00.000Z'],
		['createdAt', '2026-11-20T07:05:00.000Z'],
		['battery', ''],
		['tags.site', 'Oslo'],
		['tags.a.b', 'x'],
		['tags._env', 'sandbox'],
		['tags.none', ''],
		['tags.constructor', ''],
		['device.timestamp', '2026-11-20T07:05:00.000Z'],
		['device.rssi', '-85.5'],
		['device.x.y.z', '1'],
		['device.seen', ''],
		['device.seen.deep', ''],
		['device.expires_at', 'never'],
		['device.list', '[1]'],
		['device.none.deep', ''],
		['at.length', ''],
		// What a payload says is no time of Hubble's.
		['decoded.timestamp', '1795158300'],
		['decoded.ok', 'false'],
	];
	const simplify: FormatInput['simplify'] = ({ at, own }) =>
		({
			timestamp: at,
			lastPacketAt: at,
			createdAt: at,
			battery: null,
			deviceName: 'Room 1',
			environment: 'sandbox',
			tags: own,
		}) as never;
	const names = columns.map(([column]) => column);
	const lines = (given: Partial<CsvStyle>) =>
		fileOf('csv', [row, row], { simplify, columns: names, csv: { ...plain, ...given } }).text.split('\r\n');

	it('has simplified fields, tags, and paths into the row, with times as texts', () => {
		const [head, first, second, end] = lines({ byteOrderMark: false });
		expect(head).toBe(names.join(','));
		expect(first?.split(',')).toEqual(columns.map(([, cell]) => cell));
		expect([second, end]).toEqual([first, '']);
	});

	it('has the times of a zone, and a byte order mark where it is wanted', () => {
		const [head, first] = lines({ delimiter: ';', timezone: 'Europe/Berlin' });
		expect(head).toBe(`\ufeff${names.join(';')}`);
		expect(first?.split(';')).toEqual(columns.map(([, cell]) => cell.replace('T07:05:00.000Z', ' 08:05:00')));
		expect(fileOf('csv', [], { columns: ['tags.a;b', 'x'], csv: { ...plain, delimiter: ';' } }).text).toBe(
			'\ufeff"tags.a;b";x\r\n',
		);
	});

	it('names the tags that have no column, twenty at most, where all were meant to have one', () => {
		const given = { simplify, columns: ['tags.site'] };
		expect(fileOf('csv', [row, row], { ...given, saysLeftOut: true }).about).toEqual({ tagsWithoutColumn: ['a.b'] });
		expect(fileOf('csv', [row], given).about).toEqual({});
		const many = Array.from({ length: 30 }, (_, index) => ({ ...row, own: { [`t${index}`]: 'x' } }));
		expect(fileOf('csv', many, { ...given, saysLeftOut: true }).about?.tagsWithoutColumn).toHaveLength(20);
	});
});

it('lines of JSON are the rows as Hubble gave them', () => {
	expect(fileOf('ndjson', [{ a: 1 }, { b: [null] }], {})).toEqual({
		text: '{"a":1}\n{"b":[null]}\n',
		about: undefined,
	});
});

it('GeoJSON has a feature for each row', () => {
	const rows = [{ latitude: 1, longitude: 2, name: 'a' }, { name: 'b' }];
	const { text, about } = fileOf('geojson', rows, {});
	expect(JSON.parse(text)).toEqual({
		type: 'FeatureCollection',
		features: [
			{ type: 'Feature', geometry: { type: 'Point', coordinates: [2, 1] }, properties: { name: 'a' } },
			{ type: 'Feature', geometry: null, properties: { name: 'b' } },
		],
	});
	expect(text.split('\n')).toHaveLength(5);
	expect(about).toEqual({ withoutLocation: 1 });
});

it('GeoJSON has a track for each device, in the order of time', () => {
	const at = (id: string, time: number, latitude: number, name?: string) => ({
		id,
		time,
		latitude,
		longitude: 5,
		name,
	});
	const rows = [at('a', 1_795_158_300, 3, 'A'), at('b', 1_795_158_301, 4), at('a', 1_795_158_240, 2), { id: 'c' }];
	const ownerOf: FormatInput['ownerOf'] = ({ id, name }) => ({ id, name }) as never;
	const { text, about } = fileOf('geojsonLines', rows, { ownerOf, timeOf: ({ time }) => Number(time) });
	const [first, last, single] = ['2026-11-20T07:04:00.000Z', '2026-11-20T07:05:00.000Z', '2026-11-20T07:05:01.000Z'];
	const line = [
		[5, 2],
		[5, 3],
	];
	expect(JSON.parse(text)).toEqual({
		type: 'FeatureCollection',
		features: [
			{
				type: 'Feature',
				geometry: { type: 'LineString', coordinates: line },
				properties: { deviceId: 'a', deviceName: 'A', count: 2, firstTime: first, lastTime: last },
			},
			{
				type: 'Feature',
				geometry: { type: 'Point', coordinates: [5, 4] },
				properties: { deviceId: 'b', deviceName: null, count: 1, firstTime: single, lastTime: single },
			},
		],
	});
	expect(about).toEqual({ withoutLocation: 1 });
	const unnamed = fileOf('geojsonLines', [{ latitude: 1, longitude: 2 }], {}).text;
	const properties = { deviceId: '', deviceName: null, count: 1, firstTime: null, lastTime: null };
	expect(JSON.parse(unnamed)).toMatchObject({ features: [{ properties }] });
});

describe('a track', () => {
	it('is a point, a line, or two lines where it crosses ±180°', () => {
		expect(trackGeometry([[4, 52]])).toEqual({ type: 'Point', coordinates: [4, 52] });
		const line = [
			[4, 52],
			[5, 53],
		] as Array<[number, number]>;
		expect(trackGeometry(line)).toEqual({ type: 'LineString', coordinates: line });
		expect(
			trackGeometry([
				[170, 10],
				[-170, 20],
			]),
		).toEqual({
			type: 'MultiLineString',
			coordinates: [
				[
					[170, 10],
					[180, 15],
				],
				[
					[-180, 15],
					[-170, 20],
				],
			],
		});
	});

	it('that goes west over ±180° is cut there, and a step along the meridian is in no second line', () => {
		expect(
			trackGeometry([
				[-170, 10],
				[170, 20],
			]),
		).toEqual({
			type: 'MultiLineString',
			coordinates: [
				[
					[-170, 10],
					[-180, 15],
				],
				[
					[180, 15],
					[170, 20],
				],
			],
		});
		const along = (...track: Array<[number, number]>) => trackGeometry(track).coordinates;
		expect(along([170, 10], [180, 12], [-180, 12])).toEqual([
			[170, 10],
			[180, 12],
			[180, 12],
		]);
		expect(along([180, 1], [-180, 1])).toEqual([
			[180, 1],
			[-180, 1],
		]);
		expect(along([170, 0], [-180, 5], [-180, 9])).toEqual([
			[
				[170, 0],
				[180, 5],
			],
			[
				[-180, 5],
				[-180, 5],
				[-180, 9],
			],
		]);
		expect(along([0, 0], [180, 0])).toEqual([
			[0, 0],
			[180, 0],
		]);
	});

	it('never takes the long way, keeps every place, and has no line of one place', () => {
		const place = fc.tuple(fc.integer({ min: -180, max: 180 }), fc.integer({ min: -90, max: 90 }));
		fc.assert(
			fc.property(fc.array(place, { minLength: 2, maxLength: 12 }), (track) => {
				const { type, coordinates } = trackGeometry(track);
				const lines = (type === 'LineString' ? [coordinates] : coordinates) as number[][][];
				for (const line of lines) {
					expect(line.length).toBeGreaterThan(1);
					for (let i = 1; i < line.length; i++) {
						expect(Math.abs((line[i]?.[0] ?? NaN) - (line[i - 1]?.[0] ?? NaN))).toBeLessThanOrEqual(180);
					}
				}
				const seen = new Set(lines.flat().map(String));
				for (const [x, y] of track) {
					const twin = Math.abs(x) === 180 ? String([-x, y]) : '';
					expect(seen.has(String([x, y])) || seen.has(twin)).toBe(true);
				}
			}),
		);
	});
});

it('a row without a place is counted, as is one whose coordinates are none', () => {
	const writer = FORMATS.geojson.writer({ simplify: (row) => row, columns: [], csv: style });
	const geometry = (row: object) => (JSON.parse(writer.row(row as never)) as { geometry: unknown }).geometry;
	expect(geometry({ latitude: 90, longitude: -180 })).toEqual({ type: 'Point', coordinates: [-180, 90] });
	expect(geometry({ latitude: 90.1, longitude: 0 })).toBeNull();
	expect(geometry({ latitude: 0, longitude: 181 })).toBeNull();
	expect(geometry({ latitude: 0, longitude: 0 })).toBeNull();
	expect(geometry({ latitude: null, longitude: 1 })).toBeNull();
	expect(writer.about?.()).toEqual({ withoutLocation: 4 });
});

describe('safeName', () => {
	it.each([
		['reports/2026:11.csv', '2026-11'],
		['a\\b\\c.geojson.gz', 'c'],
		['..', ''],
		['.csv', ''],
		['con', 'con_'],
		['COM1.x', 'COM1_.x'],
		['v1.2 final ', 'v1.2 final'],
		['Übersicht 日本', 'Übersicht 日本'],
	])('%j → %j', (given, name) => expect(safeName(given)).toBe(name));

	it.each(['a', 'ü', '日', '🛰️'])('fits into the 255 bytes of a file system, of %s', (character) => {
		const name = safeName(character.repeat(300));
		expect(Buffer.byteLength(`${name}.geojson.gz`)).toBeLessThanOrEqual(255);
		expect(Buffer.byteLength(name)).toBeGreaterThan(230);
		expect(name).not.toMatch(/\ufffd/);
	});

	it('is safe whatever is given, and stays what it is', () => {
		fc.assert(
			fc.property(anyText, (given) => {
				const name = safeName(given);
				expect(name).not.toMatch(/[/\\:*?"<>|\u0000-\u001f]|^[. ]|[. ]$|\.csv$/i); // eslint-disable-line no-control-regex
				expect(safeName(name)).toBe(name);
			}),
		);
	});
});

it.each([
	['of a day', '2026-11-20T23:00Z', '2026-11-21T23:00Z', 'packets_2026-11-21'],
	['of most of a day', '2026-03-27T23:00Z', '2026-03-28T22:00Z', 'packets_2026-03-28T0000_2026-03-28T2300'],
	['of a day on which the clocks go forward', '2026-03-28T23:00Z', '2026-03-29T22:00Z', 'packets_2026-03-29'],
	['of a day on which they go back', '2026-10-24T22:00Z', '2026-10-25T23:00Z', 'packets_2026-10-25'],
	['of some hours', '2026-11-20T23:00Z', '2026-11-21T21:59Z', 'packets_2026-11-21T0000_2026-11-21T2259'],
])('a file %s is named after its period', (_, from, to, name) => {
	const [start, end] = [from, to].map((iso) => Date.parse(iso) / 1000);
	expect(fileNameOf('packets', { settings: {}, query: { start, end } } as never, 'Europe/Berlin')).toBe(name);
});

it('timeText: by the clocks of the zone, on both sides of a change', () => {
	const text = (iso: string, zone: string) => timeText(Date.parse(iso), zone);
	expect(text('2026-10-25T00:59:59.900Z', 'Europe/Berlin')).toBe('2026-10-25 02:59:59');
	expect(text('2026-10-25T01:00:00Z', 'Europe/Berlin')).toBe('2026-10-25 02:00:00');
	expect(text('2026-06-01T00:00:00Z', 'Asia/Kathmandu')).toBe('2026-06-01 05:45:00');
	expect(text('1969-12-31T23:59:59Z', 'UTC')).toBe('1969-12-31 23:59:59');
	expect(timeText(NaN, 'UTC')).toBe('');
});
