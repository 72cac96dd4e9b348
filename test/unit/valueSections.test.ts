/** What a packet report says of decoded values. */
import fc from 'fast-check';
import { mailOf } from '../../nodes/shared/report/mail';
import { pageOf } from '../../nodes/shared/report/page';
import { PacketReport } from '../../nodes/shared/report/packetReport';
import { Extremes, Sample } from '../../nodes/shared/report/sample';
import { ValueSections } from '../../nodes/shared/report/valueSections';

const now = Date.parse('2026-11-08T12:00:00Z') / 1000;
const frame = { now, end: now, start: now - 7 * 86_400, timezone: 'Europe/Amsterdam', settings: {} };
const decode = (payload: string) => ({ decoded: JSON.parse(payload), decodedUnits: { t: '°C' } });

/** A packet so many hours ago that says this. */
const packet = (id: string, hoursAgo: number, said: object) => ({
	device: { id, name: `Room ${id}`, payload: JSON.stringify(said), timestamp: now - hoursAgo * 3600 },
	network_type: 'TERRESTRIAL',
});

/** The sections about these names, of these packets. */
function sectionsOf(names: string[], packets: Array<ReturnType<typeof packet>>) {
	const values = new ValueSections(names, decode, frame);
	for (const one of packets) values.add(one);
	return values.sections();
}

describe('a sample', () => {
	it('gives the quantiles of up to a thousand values exactly, also between the values', () => {
		const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 1000 });
		fc.assert(
			fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
				const sample = new Sample();
				all.forEach((value, index) => {
					sample.add(value);
					if (index % 7 === 0) sample.quantile(0.5);
				});
				const quantile = sample.quantile(share);
				expect(all.filter((value) => value <= quantile).length).toBeGreaterThanOrEqual(share * all.length);
				expect(all.filter((value) => value < quantile).length).toBeLessThanOrEqual(share * all.length);
				expect(all).toContain(quantile);
			}),
		);
	});

	it.each([
		['rising', (n: number) => n],
		['mixed', (n: number) => (n * 7919) % 100_000],
		['falling', (n: number) => 100_000 - n],
	])('of 100,000 %s values is right within three percentage points, asked between them or not', (_, valueOf) => {
		const sample = new Sample();
		for (let n = 0; n < 100_000; n++) {
			sample.add(valueOf(n));
			if (n % 10_000 === 0) sample.quantile(0.5);
		}
		expect([sample.count, sample.isExact]).toEqual([100_000, false]);
		for (const share of [0.1, 0.5, 0.9]) expect(Math.abs(sample.quantile(share) / 100_000 - share)).toBeLessThan(0.031);
	});
});

it('extremes are those of a list that keeps everything', () => {
	const value = fc.record({ id: fc.constantFrom(...'abcdefghij'), value: fc.integer({ min: -20, max: 20 }) });
	fc.assert(
		fc.property(fc.array(value), (all) => {
			const extremes = new Extremes(3);
			all.forEach(({ id, value: number }, time) => extremes.add({ id, name: id, value: number, time }));
			const best = (sign: number) => {
				const byDevice = new Map<string, number>();
				for (const { id, value: number } of all) {
					byDevice.set(id, Math.max(byDevice.get(id) ?? -Infinity, sign * number));
				}
				return [...byDevice.values()].sort((a, b) => b - a).slice(0, 3);
			};
			expect(extremes.highest.map((one) => one.value)).toEqual(best(1));
			expect(extremes.lowest.map((one) => -one.value)).toEqual(best(-1));
			expect(new Set(extremes.highest.map(({ id }) => id)).size).toBe(extremes.highest.length);
		}),
	);
});

describe('values of a packet report', () => {
	const many = Array.from({ length: 3360 }, (_, n) => packet(`d${n % 20}`, n / 20, { t: n % 20, gps: { lat: 52 } }));

	it('have a median and a range for each bin, and the devices farthest out', () => {
		const [section, table, ...others] = sectionsOf(['t'], many);
		expect(others).toEqual([]);
		expect(section?.title).toBe('t (°C)');
		expect(section?.subtitle).toBe(
			'Median and the range of the middle 80% of values, per 3 hours (Europe/Amsterdam). Median 9; 80% lie from 1 to 17.',
		);
		const { content } = section ?? {};
		const points = content && 'curve' in content ? content.curve : [];
		expect(points).toHaveLength(57);
		expect(points.slice(1, -1).every(({ value, low, high }) => value === 9 && low === 1 && high === 17)).toBe(true);
		expect(points[10]?.title).toMatch(/^2026-11-\d\d \d\d:00: 9 °C \(1 to 17, 60 values\)$/);
		const rows = table && 'table' in table.content ? table.content.table.rows : [];
		expect(rows.map(([, kind, name, , , value]) => [kind, name, value])).toEqual(
			[
				...[19, 18, 17, 16, 15].map((t) => ['Highest', t] as const),
				...[0, 1, 2, 3, 4].map((t) => ['Lowest', t] as const),
			].map(([kind, t]) => [kind, `Room d${t}`, `${t} °C`]),
		);
	});

	it('of one device are a line through each value, in the order of their times, without a table', () => {
		const values = [5, 3, 40, 90].map((hoursAgo) => packet('a', hoursAgo, { t: String(hoursAgo / 10) }));
		const sections = sectionsOf(['t'], values);
		expect(sections).toHaveLength(1);
		const [section] = sections;
		const points = section && 'curve' in section.content ? section.content.curve : [];
		expect(points.map(({ value, low }) => [value, low])).toEqual([9, 4, 0.5, 0.3].map((value) => [value, undefined]));
		expect(points.map(({ at }) => at)).toEqual([...points.map(({ at }) => at)].sort());
		expect(section?.subtitle).toContain('Each value');
		expect(sectionsOf(['t'], [...values, packet('b', 1, { t: 1 })])[0]?.subtitle).toContain('Median and the range');
	});

	it('of one device that sends often are still a line, through the highest and lowest of each part', () => {
		const often = Array.from({ length: 50_000 }, (_, n) => packet('a', 167 * (n / 50_000), { t: Math.sin(n) }));
		const outliers = [packet('a', 50, { t: 7 }), packet('a', 50.01, { t: -8 })];
		const [section, ...others] = sectionsOf(['t'], [...often, ...outliers]);
		expect(others).toEqual([]);
		const points = section && 'curve' in section.content ? section.content.curve : [];
		expect(points.length).toBeLessThanOrEqual(1000);
		expect(points.length).toBeGreaterThan(900);
		expect(points.every(({ low, high }) => low === undefined && high === undefined)).toBe(true);
		expect(points.map(({ at }) => at)).toEqual(points.map(({ at }) => at).sort((a, b) => a - b));
		const values = points.map(({ value }) => value);
		expect([Math.max(...values), Math.min(...values)]).toEqual([7, -8]);
		expect(values.filter((value) => Math.abs(value) < 0.9)).toEqual([]);
		expect(section?.subtitle).toMatch(/^The highest and lowest of all values \(/);
		// One more device, and it is the band of all.
		expect(sectionsOf(['t'], [...often, packet('b', 1, { t: 1 })])[0]?.subtitle).toContain('Median and the range');
	});

	it('of a single packet are shown with all of their digits', () => {
		const [line] = sectionsOf(['t'], [packet('a', 1, { t: 52.374031 })]);
		expect(line && 'curve' in line.content && line.content.curve[0]?.title).toMatch(/: 52\.374031 °C$/);
		const [, table] = sectionsOf(['t'], [packet('a', 1, { t: 123_456 }), packet('b', 1, { t: 4.77775 })]);
		const rows = table && 'table' in table.content ? table.content.table.rows : [];
		expect(rows.map((row) => row.at(-1))).toEqual(expect.arrayContaining(['123,456 °C', '4.77775 °C']));
	});

	it('leave out what is no number or lies outside of the period, take paths, and say when there is none', () => {
		const odd = [packet('a', 200, { t: 99 }), packet('a', 1, { t: 'x' }), packet('a', 1, { t: null }), ...many];
		const [t, nested, none] = sectionsOf(['t', 'gps.lat', 'u'], odd);
		expect(t?.subtitle).toContain('Median 9;');
		expect(nested?.subtitle).toContain('Median 52;');
		expect(none?.content).toEqual({ text: 'No packet in the period contains this number.' });
	});

	it('take no unit from what every object has', () => {
		expect(sectionsOf(['constructor'], [packet('a', 1, { constructor: 4 })])[0]?.title).toBe('constructor');
	});

	it('are interrupted where a bin has none', () => {
		const [section] = sectionsOf(
			['t'],
			many.filter(({ device }) => Math.abs(device.timestamp - now + 80 * 3600) > 9000),
		);
		const page = pageOf({ title: '', lead: '', blocks: section ? [[section]] : [], footer: '' });
		expect([...page.matchAll(/class="line"/g)]).toHaveLength(2);
	});

	it('six of them and long names keep the mail below 90 kB, and say nothing that is no number', () => {
		const names = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => name.repeat(70));
		const values = new ValueSections(names, decode, frame);
		const report = new PacketReport({ ...frame, settings: { groupByTag: 'site' } }, values);
		for (let n = 0; n < 6720; n++) {
			const said = Object.fromEntries(names.map((name, index) => [name, (index + 1) * Math.sin(n)]));
			const one = packet(`6ea53e36-b7fb-429f-8c2e-${String(n).padStart(12, '0')}`, n / 40, said);
			report.add({ ...one, device: { ...one.device, name: '<&"'.repeat(83), tags: { site: '<&"'.repeat(40) + n } } });
		}
		const drawing = { title: '', lead: '', blocks: report.render(), footer: '' };
		expect(Buffer.byteLength(mailOf(drawing))).toBeLessThan(90_000);
		for (const html of [mailOf(drawing), pageOf(drawing)]) {
			expect(html).toContain('Highest and lowest values');
			expect(html).not.toMatch(/NaN|undefined|Infinity/);
		}
	});
});
