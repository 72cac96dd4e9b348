/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- runs the code of an example */
/** The labels of the example "Onboard a spreadsheet": each QR code says the device's ID, by a reader that shares nothing with it. */
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';

const SIZE = 29;
const example = JSON.parse(readFileSync(join(__dirname, '../../examples/onboard-spreadsheet.json'), 'utf8')) as {
	nodes: Array<{ name: string; parameters: { jsCode?: string } }>;
};
const code = example.nodes.find(({ name }) => name === 'Labels')?.parameters.jsCode ?? '';

interface Row {
	deviceId?: string;
	name?: string;
	tags?: Record<string, string>;
}

/** The page of the labels of these rows. */
function labels(...rows: Row[]): { labels: number; html: string } {
	const $input = { all: () => rows.map((json) => ({ json })) };
	const made = runInNewContext(`(() => {${code}})()`, { $input, Buffer }) as Array<{
		json: { labels: number; html: string };
	}>;
	return made[0]?.json ?? { labels: NaN, html: '' };
}

/** The dark modules of each QR code of a page, as "x y". */
const codesOf = (html: string) =>
	[...html.matchAll(/<path d="([^"]*)"/g)].map(
		([, path = '']) => new Set([...path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(([, x, y]) => `${x} ${y}`)),
	);

/** Whether a module belongs to a pattern of version 3 and not to the data. */
const isPattern = (x: number, y: number) =>
	x === 6 ||
	y === 6 ||
	(x < 9 && (y < 9 || y > SIZE - 9)) ||
	(x > SIZE - 9 && y < 9) ||
	(x >= 20 && x <= 24 && y >= 20 && y <= 24);

/** The 70 codewords under mask 0. */
function codewords(dark: ReadonlySet<string>): number[] {
	const bits: number[] = [];
	const columns = [...Array(14).keys()].map((pair) => (pair < 11 ? SIZE - 1 - 2 * pair : 5 - 2 * (pair - 11)));
	columns.forEach((right, pair) => {
		for (let step = 0; step < SIZE; step++) {
			const y = pair % 2 ? step : SIZE - 1 - step;
			for (const x of [right, right - 1]) {
				if (!isPattern(x, y)) bits.push(Number(dark.has(`${x} ${y}`)) ^ Number((x + y) % 2 === 0));
			}
		}
	});
	return Array.from({ length: 70 }, (_, n) => parseInt(bits.slice(8 * n, 8 * n + 8).join(''), 2));
}

/** A product in GF(256), bit by bit. */
function product(a: number, b: number): number {
	let result = 0;
	for (let bit = 7; bit >= 0; bit--) {
		result = (result << 1) ^ (result & 128 ? 0x11d : 0);
		if ((b >> bit) & 1) result ^= a;
	}
	return result;
}

/** The text of a QR code. Throws when its check bytes do not fit, as a reader that must correct would. */
function read(dark: ReadonlySet<string>): string {
	const all = codewords(dark);
	for (let root = 1, n = 0; n < 26; n++, root = product(root, 2)) {
		if (all.reduce((sum, byte) => product(sum, root) ^ byte, 0)) throw new Error(`check ${n} does not fit`);
	}
	const halves = all.slice(0, 44).flatMap((byte) => [byte >> 4, byte & 15]);
	expect(halves[0]).toBe(4);
	const length = 16 * (halves[1] ?? 0) + (halves[2] ?? 0);
	const bytes = Array.from({ length }, (_, n) => 16 * (halves[2 * n + 3] ?? 0) + (halves[2 * n + 4] ?? 0));
	return Buffer.from(bytes).toString();
}

/** A square pattern as text, from a corner on. */
const picture = (dark: ReadonlySet<string>, left: number, top: number, size: number) =>
	Array.from({ length: size }, (_, y) =>
		Array.from({ length: size }, (__, x) => (dark.has(`${left + x} ${top + y}`) ? '#' : '.')).join(''),
	);

it('a code says the ID', () => {
	fc.assert(
		fc.property(fc.uuid(), (id) => {
			const [dark] = codesOf(labels({ deviceId: id }).html);
			expect(read(dark ?? new Set())).toBe(id);
		}),
	);
	const { html } = labels({ deviceId: 'grün' });
	expect(read(codesOf(html)[0] ?? new Set())).toBe('grün');
	expect(() => labels({ deviceId: 'x'.repeat(43) })).toThrow('is too long for a label');
});

it('a code has the patterns by which a camera finds it, and says how it is written', () => {
	const [dark = new Set<string>()] = codesOf(labels({ deviceId: '6ea53e36-b7fb-429f-8c2e-d536cab71089' }).html);
	const finder = ['#######', '#.....#', '#.###.#', '#.###.#', '#.###.#', '#.....#', '#######'];
	for (const [x, y] of [
		[0, 0],
		[SIZE - 7, 0],
		[0, SIZE - 7],
	] as const)
		expect(picture(dark, x, y, 7)).toEqual(finder);
	expect(picture(dark, 20, 20, 5)).toEqual(['#####', '#...#', '#.#.#', '#...#', '#####']);
	for (let n = 8; n < SIZE - 8; n++) {
		expect([dark.has(`${n} 6`), dark.has(`6 ${n}`)]).toEqual([n % 2 === 0, n % 2 === 0]);
	}
	// Error correction M and mask 0, twice: 101010000010010, its last bit first.
	const bits = (places: string[]) => places.map((place) => Number(dark.has(place))).join('');
	const around = [0, 1, 2, 3, 4, 5, 7, 8].map((y) => `8 ${y}`).concat([7, 5, 4, 3, 2, 1, 0].map((x) => `${x} 8`));
	const apart = [...Array(8).keys()]
		.map((n) => `${SIZE - 1 - n} 8`)
		.concat([...Array(7).keys()].map((n) => `8 ${SIZE - 7 + n}`));
	expect([bits(around), bits(apart)]).toEqual(['010010000010101', '010010000010101']);
	expect(dark.has(`8 ${SIZE - 8}`)).toBe(true);
});

it('a label has name, tags and ID, whatever is in them; rows without a device have none', () => {
	const page = labels(
		{ deviceId: 'a', name: '<b>&"', tags: { site: 'Hall', rack: '<7>' } },
		{ name: 'refused' },
		{ deviceId: '', name: 'refused' },
	);
	expect(page.labels).toBe(1);
	expect(page.html).toContain('<b>&#60;b&#62;&#38;&#34;</b><br>Hall, &#60;7&#62;<br><small>a</small>');
	expect(page.html).not.toContain('refused');
});
