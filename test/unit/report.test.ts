/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- reads the icons */
/** The parts of a report, without n8n. */
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COASTLINE } from '../../nodes/shared/report/coastline';
import type { Section } from '../../nodes/shared/report/blocks';
import { binEdges } from '../../nodes/shared/operation/times';
import { curveChart, Timeline } from '../../nodes/shared/report/charts';
import { FleetReport } from '../../nodes/shared/report/fleetReport';
import { mapOf } from '../../nodes/shared/report/map';
import { PlaceBins } from '../../nodes/shared/report/places';
import { mailOf } from '../../nodes/shared/report/mail';
import { digits, exactly, markup, percent } from '../../nodes/shared/report/markup';
import { pageOf } from '../../nodes/shared/report/page';
import { PacketReport } from '../../nodes/shared/report/packetReport';
import { Summary } from '../../nodes/shared/packet/summary';

const page = (title: string, lead: string, blocks: Parameters<typeof pageOf>[0]['blocks'], footer: string) =>
	pageOf({ title, lead, blocks, footer });

const now = Date.parse('2026-11-08T12:00:00Z') / 1000;
const frame = { now, end: now, start: now - 7 * 86_400, timezone: 'Europe/Amsterdam', settings: {} };
const evil = '</td><script>alert("1")</script>\'&';
const device = (index: number, age?: number) => ({
	id: `device-${index}`,
	name: evil,
	created_ts: 1,
	tags: {},
	install_location: { lat: (index % 170) - 85, long: (index % 359) - 179, location_name: evil },
	...(age === undefined ? {} : { most_recent_packet: { terrestrial: { timestamp: now - age } } }),
});

describe('markup', () => {
	it('escapes texts, joins lists and leaves out nothing', () => {
		expect(markup`<b title="${evil}">${[markup`<i>`, 1, null, undefined, false]}</b>`.text).toBe(
			'<b title="&#60;/td&#62;&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#39;&#38;"><i>1</b>',
		);
	});

	it.each([
		[0.0123456, '0.01235'],
		[-0.5, '-0.5'],
		[21.4567, '21.46'],
		[999.94, '999.9'],
		[1000.456, '1,000.46'],
		[-1234.5678, '-1,234.57'],
		[101_325, '101,325'],
	])('%d has the digits that count, and all before the point: %s', (value, said) => {
		expect(digits(value)).toBe(said);
	});

	it('a single value has all digits that a number has', () => {
		expect([0.1 + 0.2, 52.374031, 1764000000123456, 9007199254740991].map(exactly)).toEqual([
			'0.3',
			'52.374031',
			'1,764,000,000,123,456',
			'9,007,199,254,740,991',
		]);
	});

	it('percentages never hide something', () => {
		expect([percent(0, 10), percent(1, 1000), percent(999, 1000), percent(10, 10), percent(0, 0)]).toEqual([
			'0 %',
			'< 1 %',
			'> 99 %',
			'100 %',
			'–',
		]);
	});
});

describe('a fleet report', () => {
	it.each([
		[undefined, '24 hours'],
		[1, '60 minutes'],
		[48, '48 hours'],
		[72, '3 days'],
		[90, '90 hours'],
		[2.5, '2.5 hours'],
	])('names the time in which a device is heard as it was entered: %s', (silentAfterHours, said) => {
		const report = new FleetReport({ ...frame, settings: { silentAfterHours } });
		report.add(device(1, 200 * 3600));
		const text = page('', '', report.render(), '');
		expect(text).toContain(`Heard in the last ${said}<`);
		expect(text).toContain(`Not heard for more than ${said};`);
	});

	it('of 100,000 devices is bounded, counts them all, escapes their texts and loads nothing', () => {
		const report = new FleetReport(frame);
		for (let index = 0; index < 100_000; index++) {
			report.add(device(index, index % 10 === 0 ? undefined : index % 10 === 1 ? 2 * 86_400 + index : 3600));
		}
		expect(report.summary()).toEqual({ devices: 100_000, heard: 80_000, silent: 10_000, neverHeard: 10_000 });
		const text = page(evil, evil, report.render(), evil);
		expect(text.length).toBeLessThan(500_000);
		expect(text).not.toMatch(/<script|<link|<img|https?:|url\((?!#)/i);
		expect(text).toContain('9,950 devices that fell silent earlier are not listed');
		expect(text.indexOf('device-1<')).toBeGreaterThan(0);
		expect(text).not.toContain('device-99991<');
	});

	it('counts a network that it does not know apart', () => {
		const report = new FleetReport(frame);
		const packet = { timestamp: now - 60 };
		for (const names of [['terrestrial'], ['satellite'], ['terrestrial', 'satellite'], ['lunar'], ['lunar']]) {
			const most_recent_packet = Object.fromEntries(names.map((name) => [name, packet]));
			report.add({ ...device(1), most_recent_packet });
		}
		const bars = ['Terrestrial only', 'Both', 'No known network'].map((label, index) => ({ label, value: index || 1 }));
		const content = { bars: expect.arrayContaining(bars) as unknown };
		expect(report.render().flat()).toContainEqual(expect.objectContaining({ title: 'Networks', content }));
	});

	it('of nothing says so', () => {
		const text = page('Fleet report', '', new FleetReport(frame).render(), '');
		expect(text).toContain('There are no places to show.');
		expect(text).not.toContain('No known network');
		expect(text).not.toContain('NaN');
	});
});

describe('a packet report', () => {
	it('counts by network, device and time, and says what it leaves out', () => {
		const report = new PacketReport(frame);
		for (let index = 0; index < 60; index++) {
			report.add({
				location: index ? { latitude: 52, longitude: 4 + index / 100 } : undefined,
				network_type: index % 3 ? 'TERRESTRIAL' : 'SATELLITE',
				device: { id: `d${index}`, payload: '', timestamp: now - index * 20_000, rssi: -60 - index },
			} as never);
		}
		expect(report.summary()).toEqual({ packets: 60, devices: 60, terrestrial: 40, satellite: 20 });
		const text = page('Packet report', '', report.render(), '');
		expect(text).toContain('30 packets were heard outside the period and are not shown.');
		expect(text).toContain('because their place is not known: 1 packet.');
		expect(text).toContain('35 other devices');
		expect(text).toContain('Median -91; 80% lie from -115 to -67.');
		expect(text).not.toContain('NaN');
	});

	it('names a device as its last packet with a name did', () => {
		const report = new PacketReport(frame);
		for (const name of [undefined, 'Old', 'New', '']) {
			report.add({
				device: { id: 'one', payload: '', timestamp: now, ...(name === undefined ? {} : { name }) },
			} as never);
		}
		const text = page('Packet report', '', report.render(), '');
		expect([text.includes('New'), text.includes('Old')]).toEqual([true, false]);
	});

	it('takes no time from a stamp of the future for the last', () => {
		const report = new PacketReport(frame);
		const add = (id: string, timestamp: number) =>
			report.add({ network_type: 'SATELLITE', device: { id, payload: '', timestamp } } as never);
		for (const id of ['late', 'both']) add(id, now + 301);
		for (const ahead of [-3600, 300]) add('both', now + ahead);
		const tables = report.render().flatMap((block) => (Array.isArray(block) ? block : []));
		const rows = tables.flatMap(({ content }) => ('table' in content ? content.table.rows : []));
		const heard = rows.map(([, id, last]) => [id, last]).filter(([id]) => typeof id === 'object');
		expect(heard).toEqual([
			[{ id: 'both' }, '2026-11-08 13:05'],
			[{ id: 'late' }, '–'],
		]);
	});

	it('of nothing says so', () => {
		expect(page('', '', new PacketReport(frame).render(), '')).not.toContain('NaN');
	});
});

describe('a report for mail', () => {
	const evilReport = () => {
		const report = new FleetReport({ ...frame, settings: { groupByTag: 'site' } });
		for (let index = 0; index < 20_000; index++) {
			const site = `${'<&"'.repeat(40)}${index}`;
			report.add({ ...device(index, 3 * 86_400 + index), name: '<&"'.repeat(83), tags: { site } });
		}
		return { title: '<&"'.repeat(400), lead: evil, blocks: report.render(), footer: evil };
	};

	it('is at most 90 kB, however long the texts of the fleet are', () => {
		const mail = mailOf(evilReport());
		expect(Buffer.byteLength(mail)).toBeLessThan(90_000);
		expect(mail).toContain('20 more in the attached report');
		expect(mail).not.toMatch(/<script|<style|<svg|class=|https?:/);
	});

	const mailWith = (content: Section['content']) =>
		mailOf({ title: '', lead: '', blocks: [[{ title: '', content }]], footer: '' });
	/** The boxes of each column, from the top down: pixels and colour. */
	const columnsIn = (html: string) =>
		[...html.matchAll(/<td width="\d+%">(.*?)<\/td>/g)].map(([, cell = '']) =>
			[...cell.matchAll(/line-height:(\d+)px(?:;background:(#\w+))?">&nbsp;</g)].map(([, pixels, colour]) => [
				Number(pixels),
				colour,
			]),
		);

	it('is at most 90 kB with six texts of each device: then its tables are shorter', () => {
		const rows = Array.from({ length: 200 }, (_, index) => [...Array<string>(7).fill('<&"'.repeat(20)), String(index)]);
		const content = { table: { columns: ['Device', 'a', 'b', 'c', 'd', 'e', 'f', 'Device ID'], rows } };
		const report = evilReport();
		const mail = mailOf({ ...report, blocks: [...report.blocks, [{ title: 'Values', content }]] });
		expect(Buffer.byteLength(mail)).toBeLessThanOrEqual(90_000);
		expect(mail).toContain('185 more in the attached report');
	});

	it('draws a curve over time, however its points lie, and a part without one is empty', () => {
		const hour = (index: number) => ({ at: (index + 0.5) / 168, value: 4, title: '' });
		const minute = (index: number) => ({ at: (144 + (index + 0.5) / 60) / 168, value: 9, title: '' });
		const curve = [
			...Array.from({ length: 144 }, (_, n) => hour(n)),
			...Array.from({ length: 1440 }, (_, n) => minute(n)),
		];
		const marks = Array.from({ length: 56 }, (_, index) => ({ time: `time ${index}` }));
		const drawnOf = (points: typeof curve) => mailWith({ curve: points, marks, unit: '°C', description: '' });
		const [low, high] = [
			[[2, '#2768b0']],
			[
				[2, '#2768b0'],
				[90, undefined],
			],
		];
		expect(columnsIn(drawnOf(curve))).toEqual([...Array(24).fill(low), ...Array(4).fill(high)]);
		expect(drawnOf(curve)).toContain(
			'>time 0 on the left, time 55 on the right; from 4 at the bottom to 9 °C at the top</p>',
		);
		const isShown = ({ at }: { at: number }) => at < 0.5 || at > 0.75;
		expect(columnsIn(drawnOf(curve.filter(isShown)))).toEqual([
			...Array(14).fill(low),
			...Array(7).fill([]),
			...Array(3).fill(low),
			...Array(4).fill(high),
		]);
	});

	it('draws the range of a curve around its mean', () => {
		const points = [
			{ at: 0.1, value: 2, low: 1, high: 5, title: '' },
			{ at: 0.2, value: 4, low: 3, high: 10, title: '' },
			{ at: 1, value: 0, low: 0, high: 0, title: '' },
		];
		const marks = ['a', 'b'].map((time) => ({ time }));
		expect(columnsIn(mailWith({ curve: points, marks, unit: '', description: '' }))).toEqual([
			[
				[63, '#a9c6e8'],
				[2, '#2768b0'],
				[18, '#a9c6e8'],
				[9, undefined],
			],
			[[2, '#2768b0']],
		]);
	});

	it('draws columns in boxes, with a legend where there are several series', () => {
		const columns = [
			{ parts: [4, 2], title: 'Monday: 6' },
			{ parts: [0, 3], title: 'Tuesday: 3' },
		];
		const both = mailWith({ columns, series: ['Ground', 'Space'], description: '' });
		const [ground, space] = ['#2768b0', '#b86614'];
		expect(columnsIn(both)).toEqual([
			[
				[30, space],
				[60, ground],
			],
			[[45, space]],
		]);
		const legend = ` <span style="color:${ground}">■</span> Ground <span style="color:${space}">■</span> Space`;
		expect(both).toContain(`>Monday on the left, Tuesday on the right; the highest column is 6${legend}</p>`);
		expect(mailWith({ columns, series: ['Ground'], description: '' })).toContain('the highest column is 6</p>');
	});

	it('keeps figures apart where styles are dropped, and so does the page', () => {
		const report = new FleetReport(frame);
		for (let index = 0; index < 2_500; index++) report.add(device(index, index < 1_642 ? 60 : 86_400 * 5));
		const drawing = { title: 'Fleet', lead: '', blocks: report.render(), footer: '' };
		const said = (html: string) =>
			html
				.replace(/<style[^]*<\/style>/, '')
				.replace(/<\/(td|th|p|h\d|dt|dd|div|span|text|title)>|<br \/>/g, ' ')
				.replace(/<[^>]*>/g, '')
				.replace(/\s+/g, ' ');
		for (const html of [mailOf(drawing), pageOf(drawing)]) {
			expect(said(html)).toContain('1,642 66 %');
			expect(said(html)).not.toMatch(/\d%? ?%\d|642\d/);
		}
	});

	it('draws the same figures as the page', () => {
		const report = new PacketReport({ ...frame, settings: { groupByTag: 'site' } });
		for (let index = 0; index < 500; index++) {
			report.add({
				network_type: ['TERRESTRIAL', 'SATELLITE', 'bluetooth', undefined][index % 4],
				device: {
					id: `d${index % 40}`,
					payload: '',
					timestamp: now - index * 900,
					// Documents show both.
					tags: index % 2 ? { site: `s${index % 30}` } : [`site=s${index % 30}`],
				},
			} as never);
		}
		const drawing = { title: 'Packets', lead: '', blocks: report.render(), footer: '' };
		for (const html of [mailOf(drawing), pageOf(drawing)]) {
			for (const word of ['s19', 'Others', '15 other devices', 'Packets over time']) expect(html).toContain(word);
			expect(html).not.toMatch(/NaN|undefined|Without this tag/);
		}
		expect(report.summary()).toMatchObject({ packets: 500, terrestrial: 250, satellite: 125, unknownNetwork: 125 });
	});
});

describe('Timeline', () => {
	it('holds its beginning and not its end, as periods do everywhere', () => {
		const timeline = new Timeline(now - 3600, now, 'UTC', 1);
		const times = [now - 3600.5, now - 3600, now - 0.5, now, now + 0.5];
		expect(times.map((time) => timeline.binOf(time) !== undefined)).toEqual([false, true, true, false, false]);
		const summary = new Summary({ start: now - 3600, end: now, timezone: 'UTC', interval: 'hour', groupBy: 'all' });
		for (const time of times) {
			timeline.add(time, 0);
			summary.add({ device: { id: 'd', payload: '', timestamp: time } }, { decoded: { t: 1 } });
		}
		expect([timeline.outside, summary.outside]).toEqual([3, 3]);
	});

	it.each([
		[3600, 'minute'],
		[86_400, '30 minutes'],
		[7 * 86_400, '3 hours'],
		[30 * 86_400, '12 hours'],
	])('%d seconds are drawn in columns of one %s', (length, unit) => {
		const timeline = new Timeline(now - length, now, 'Europe/Amsterdam', 1);
		timeline.add(now - length, 0);
		timeline.add(now - 1, 0);
		timeline.add(now - length - 1, 0);
		const columns = timeline.columns('packets');
		expect(timeline.unit).toBe(unit);
		expect(timeline.outside).toBe(1);
		expect(columns.length).toBeLessThanOrEqual(61);
		expect(columns[0]?.parts).toEqual([1]);
		expect(columns.filter(({ label }) => label).length).toBeGreaterThan(2);
	});

	it.each([
		['Europe/Berlin', '2026-10-25T01:00:00Z'],
		['America/New_York', '2026-11-01T06:00:00Z'],
		['Europe/Berlin', '2026-03-29T01:00:00Z'],
		['Australia/Lord_Howe', '2026-10-03T15:30:00Z'],
	])('bins begin at the hours and midnights of %s before and after %s', (timezone, change) => {
		const at = Date.parse(change) / 1000;
		for (const days of [0.1, 1, 3, 7, 30, 60]) {
			const timeline = new Timeline(at - (days / 2) * 86_400, at + (days / 2) * 86_400, timezone, 1);
			const size = timeline.size;
			const begins = timeline.columns('packets').map(({ title }) => title.slice(0, 16));
			const minutes = begins.map((text) => 60 * Number(text.slice(11, 13)) + Number(text.slice(14, 16)));
			expect(minutes.filter((minute) => (60 * minute) % Math.min(size, 86_400))).toEqual([]);
			const wanted = Math.ceil((days * 86_400) / size);
			expect([0, 1, 2]).toContain(Math.abs(begins.length - wanted));
		}
	});

	it('an event is in the bin whose beginning is the last before it', () => {
		const zone = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu');
		const time = fc.integer({ min: Date.parse('2026-01-01') / 1000, max: Date.parse('2027-01-01') / 1000 });
		fc.assert(
			fc.property(
				zone,
				time,
				fc.integer({ min: 60, max: 60 * 86_400 }),
				fc.double({ min: 0, max: 0.999, noNaN: true }),
				(timezone, end, length, part) => {
					const start = end - length;
					const heard = start + part * length;
					const timeline = new Timeline(start, end, timezone, 1);
					timeline.add(heard, 0);
					const edges = binEdges(start, end, timeline.size, timezone);
					const index = timeline.columns('packets').findIndex(({ parts }) => parts[0] === 1);
					expect(edges).toEqual([...new Set(edges)].sort((a, b) => a - b));
					expect(edges[index]).toBeLessThanOrEqual(heard);
					expect(edges[index + 1]).toBeGreaterThan(heard);
					expect(edges[0]).toBeLessThanOrEqual(start);
					expect(edges.at(-1)).toBeGreaterThanOrEqual(end);
				},
			),
		);
	});
});

describe('the lines of an axis', () => {
	it.each([
		[
			[0, 40_000],
			['0', '10k', '20k', '30k', '40k'],
		],
		[
			[11_800, 12_200],
			['11.8k', '11.9k', '12k', '12.1k', '12.2k'],
		],
		[
			[101_325.1, 101_325.9],
			['101,325', '101,325.2', '101,325.4', '101,325.6', '101,325.8', '101,326'],
		],
		[
			[21.5001, 21.5004],
			['21.5001', '21.5002', '21.5003', '21.5004'],
		],
		[
			[-0.4, 0.4],
			['-0.4', '-0.2', '0', '0.2', '0.4'],
		],
		[
			[0, 4_000_000],
			['0', '1M', '2M', '3M', '4M'],
		],
		[
			[-5000, 15_000],
			['-5k', '0', '5k', '10k', '15k'],
		],
		[
			[0, 2000],
			['0', '500', '1,000', '1,500', '2,000'],
		],
	])('of values from %j say what they are', ([least = 0, most = 0], said) => {
		const curve = [least, most].map((value, index) => ({ at: index, value, title: '' }));
		const { text } = curveChart({ curve, marks: [], description: '' } as never);
		const labels = [...text.matchAll(/ x="(\d+)"[^>]* text-anchor="end">([^<]*)</g)];
		expect(labels.map(([, , label]) => label)).toEqual(said);
		// A digit is 6 pixels wide. The labels end where the chart begins, and must not begin outside of the picture.
		for (const [, x, label = ''] of labels) expect(Number(x)).toBeGreaterThanOrEqual(6 * label.length);
	});
});

describe('a map', () => {
	const circles = (places: Array<[latitude: number, longitude: number]>) => {
		const bins = new PlaceBins();
		for (const [latitude, longitude] of places) bins.add({ latitude, longitude }, false);
		const { text } = mapOf({ places: bins, tone: 2, nouns: ['thing', 'marked'] });
		return [...text.matchAll(/cx="([\d.-]+)" cy="([\d.-]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);
	};

	it('shows neighbours across ±180° next to each other', () => {
		const [one = [], other = []] = circles([
			[0, 179.999],
			[0, -179.999],
		]);
		expect(Math.abs((one[0] ?? NaN) - (other[0] ?? NaN))).toBeLessThan(400);
	});

	it('holds every place, wherever they are, with east to the right and north above', () => {
		const all = circles([
			[85, -170],
			[-85, 100],
			[0, 0],
		]);
		expect(all).toHaveLength(3);
		for (const [x = NaN, y = NaN] of all) {
			expect(x).toBeGreaterThanOrEqual(0);
			expect(x).toBeLessThanOrEqual(960);
			expect(y).toBeGreaterThanOrEqual(0);
			expect(y).toBeLessThanOrEqual(500);
		}
	});

	it('stays visible behind many places with much in each', () => {
		const bins = new PlaceBins();
		for (let latitude = -60; latitude <= 60; latitude += 5) {
			for (let longitude = -175; longitude < 180; longitude += 9) {
				for (let count = 0; count < 50; count++) bins.add({ latitude, longitude }, false);
			}
		}
		const { text } = mapOf({ places: bins, tone: 2, nouns: ['thing', 'marked'] });
		const height = Number(/viewBox="0 0 960 (\d+)"/.exec(text)?.[1]);
		const areas = [...text.matchAll(/\sr="([\d.]+)"/g)].map(([, r]) => Math.PI * Number(r) ** 2);
		expect(areas.length).toBeGreaterThan(900);
		expect(areas.reduce((sum, area) => sum + area, 0) / (960 * height)).toBeLessThan(0.35);
	});

	it('names some of what is at a place, in the tooltip', () => {
		const bins = new PlaceBins();
		for (let id = 1; id <= 7; id++) bins.add({ latitude: 52, longitude: 4.9 }, false, String(id));
		const map = { places: bins, tone: 2, nouns: ['thing', 'marked'] } as const;
		expect(mapOf({ ...map, describe: (id) => `<${id}>` }).text).toContain(
			'<title>7 things, 0 marked\n&#60;1&#62;\n&#60;2&#62;\n&#60;3&#62;\n&#60;4&#62;\n&#60;5&#62;\nand 2 more</title',
		);
		expect(mapOf(map).text).toContain('<title>7 things, 0 marked</title');
		const one = new PlaceBins();
		one.add({ latitude: 52, longitude: 4.9 }, false);
		expect(mapOf({ ...map, places: one }).text).toContain('<title>1 thing, 0 marked</title');
	});

	it('counts what is nowhere', () => {
		const bins = new PlaceBins();
		bins.add(undefined, false);
		expect([bins.all(), bins.withoutPlace]).toEqual([[], 1]);
	});
});

describe('what is drawn can be seen', () => {
	const css = page('', '', [], '').match(/<style>([^]*?)<\/style>/)?.[1] ?? '';
	const [, light = '', dark = '', print = ''] =
		/:root\{([^}]*)\}[^]*:root\{([^}]*)\}[^]*:root\{([^}]*)\}/.exec(css) ?? [];
	const colours = (block: string) =>
		Object.fromEntries([...block.matchAll(/--([\w]+):#(\w{3,6})/g)].map(([, name = '', hex = '']) => [name, hex]));
	/** Relative luminance, and contrast: WCAG 2.2. */
	const luminance = (hex: string) => {
		const full = hex.length === 3 ? [...hex].map((digit) => digit + digit).join('') : hex;
		const [r = 0, g = 0, b = 0] = [0, 2, 4].map((at) => {
			const share = parseInt(full.slice(at, at + 2), 16) / 255;
			return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
		});
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const contrast = (one: string, other: string) => {
		const [a = 0, b = 0] = [luminance(one), luminance(other)].sort((x, y) => y - x);
		return (a + 0.05) / (b + 0.05);
	};

	it('knows black on white, and a grey', () => {
		expect(contrast('000', 'fff')).toBeCloseTo(21);
		expect(contrast('777777', 'fff')).toBeCloseTo(4.48, 2);
	});

	// The grounds of n8n's editor, light and dark.
	it.each([
		['hubble.svg', 'fff'],
		['hubble.dark.svg', '2e2e2e'],
	])('each colour of the icon %s from #%s by 1.5', (file, ground) => {
		const icon = readFileSync(join(__dirname, '../../icons', file), 'utf8');
		const drawn = [...icon.matchAll(/#(\w{6})\b/g)].map(([, hex = '']) => hex);
		expect(drawn.length).toBeGreaterThan(2);
		for (const hex of drawn) expect(contrast(hex, ground)).toBeGreaterThanOrEqual(1.5);
	});

	it.each([
		['light', colours(light)],
		['dark', colours(dark)],
		['printed', colours(print)],
	])('series from their ground by 3, texts and labels of the map by 4.5: %s', (_, theme) => {
		const { ink = '', soft = '', card = '', bg = '', sea = '', land = '', c1 = '', c2 = '', bad = '' } = theme;
		for (const series of [c1, c2, bad]) expect(contrast(series, card)).toBeGreaterThanOrEqual(3);
		for (const marked of [c2, bad]) expect(contrast(marked, land)).toBeGreaterThanOrEqual(3);
		for (const ground of [card, bg]) {
			expect(contrast(ink, ground)).toBeGreaterThanOrEqual(4.5);
			expect(contrast(soft, ground)).toBeGreaterThanOrEqual(4.5);
		}
		for (const ground of [sea, land]) expect(contrast(soft, ground)).toBeGreaterThanOrEqual(4.5);
	});

	it('labels have 11 px on a phone: charts are scrolled there, not shrunk', () => {
		const phone = /@media\(max-width:720px\)\{([^]*?)\n@page/.exec(css)?.[1] ?? '';
		const size = Number(/svg text\{[^}]*font-size:(\d+)px/.exec(css)?.[1]);
		const least = (selector: string) => Number(new RegExp(`${selector}\\{min-width:(\\d+)px`).exec(phone)?.[1]);
		const report = new PacketReport(frame);
		for (let index = 0; index < 60; index++) {
			report.add({
				network_type: index % 3 ? 'TERRESTRIAL' : 'SATELLITE',
				location: { latitude: 52, longitude: 4 + index / 100 },
				device: { id: `d${index}`, payload: '', timestamp: now - index * 2_000, rssi: -60 - index },
			} as never);
		}
		const html = page('', '', report.render(), '');
		const [wide = '', two = ''] = html.split('<div class="two">');
		const widths = (part: string) => [...part.matchAll(/viewBox="0 0 (\d+)/g)].map(([, width]) => Number(width));
		expect([widths(wide).length, widths(two).length]).toEqual([2, 2]);
		for (const width of widths(wide)) expect((size * least('svg')) / width).toBeGreaterThanOrEqual(11);
		for (const width of widths(two)) expect((size * least('\\.two svg')) / width).toBeGreaterThanOrEqual(11);
		expect(css).toMatch(/\ncode\{white-space:nowrap/);
		expect(html).toMatch(/<td><code>d\d+<\/code><\/td>/);
	});
});

/** Whether a place is in a ring of land. */
const isLand = (latitude: number, longitude: number) =>
	COASTLINE.some(
		(ring) =>
			ring.filter(([x1, y1], index) => {
				const [x2, y2] = ring.at(index - 1) ?? [x1, y1];
				return y1 > latitude !== y2 > latitude && longitude < x1 + ((latitude - y1) / (y2 - y1)) * (x2 - x1);
			}).length % 2,
	);

it.each([
	['Ankara', 39.93, 32.85, true],
	['Denver', 39.74, -104.99, true],
	['Manaus', -3.12, -60.02, true],
	['Nairobi', -1.29, 36.82, true],
	['Alice Springs', -23.7, 133.88, true],
	['Antananarivo', -18.88, 47.51, true],
	['Birmingham', 52.48, -1.89, true],
	['Yakutsk', 62.03, 129.73, true],
	['Vostok, in Antarctica', -78.46, 106.84, true],
	['the North Sea', 56, 3, false],
	['the Black Sea', 43, 34, false],
	['the Gulf of Guinea', 0, 0, false],
	['the Bay of Bengal', 12, 88, false],
	['the Tasman Sea', -38, 160, false],
	['Hudson Bay', 59, -86, false],
	['the Pacific', 10, -150, false],
])('the map shows what is at %s: land or sea', (_, latitude, longitude, isThere) => {
	expect(isLand(latitude, longitude)).toBe(isThere);
});
