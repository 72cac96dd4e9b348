/**
 * A report for mail. Mail programs drop styles that are not inline, and draw no SVG; Gmail cuts what is longer than 102
 * kB. So it consists of tables with inline styles, without the map, and its size is bounded.
 */
import type { Block, TableCell, Columns, Content, Curve, Drawing, Figure, Section, Table } from './blocks';
import { leastOf, mostOf, wholeNumber } from '../operation/values';
import { digits, markup, Markup, percent, type Part } from './markup';

const MOST_BYTES = 90_000;
/** Rows of a table, and characters of a text of the user's in it. */
const MOST_ROWS = 30;
const LONGEST_TEXT = 60;
const COLOURS: Readonly<Record<number, string>> = { 1: '#2768b0', 2: '#b86614', 3: '#bf3b36' };
const CHART_PIXELS = 90;

const style = (text: string): Markup => new Markup(` style="${text}"`);
const SMALL = style('color:#4e5b67;font-size:13px;margin:4px 0');
const FIGURE = style('padding:10px 18px 10px 0;vertical-align:top');
const TABLE = style('border-collapse:collapse;font-size:14px;width:100%');
const HEAD = style('text-align:left;font-weight:normal;color:#4e5b67;padding:4px 12px 4px 0');
const TEXT = style('padding:4px 12px 4px 0;border-top:1px solid #e1e6eb');
const NUMBER_HEAD = style('text-align:right;font-weight:normal;color:#4e5b67;padding:4px 12px 4px 0');
const NUMBER = style('padding:4px 12px 4px 0;border-top:1px solid #e1e6eb;text-align:right');

const cut = (text: string): string => {
	const characters = [...text];
	return characters.length > LONGEST_TEXT ? `${characters.slice(0, LONGEST_TEXT - 1).join('')}…` : text;
};
const cellText = (cell: TableCell) => (typeof cell === 'string' ? cut(cell) : cell.id);

const figure = ({ label, value, remark, isBad }: Figure): Markup =>
	markup`<td${FIGURE}>${label}<br /><b${style(`font-size:24px;color:${isBad ? COLOURS[3] : '#17212b'}`)}>${value}</b><br />${remark}</td> `;

function table({ columns, rows }: Table, mostRows: number): Markup {
	const kind = (index: number) => (columns[index]?.startsWith('#') ? NUMBER : TEXT);
	const lines = rows
		.slice(0, mostRows)
		.map((row) => markup`<tr>${row.map((cell, index) => markup`<td${kind(index)}>${cellText(cell)}</td>`)}</tr>`);
	const head = columns.map(
		(name) => markup`<th${name.startsWith('#') ? NUMBER_HEAD : HEAD}>${name.replace('#', '')}</th>`,
	);
	const rest = rows.length - lines.length;
	return markup`<table${TABLE}><tr>${head}</tr>${lines}</table>${rest > 0 && markup`<p${SMALL}>${wholeNumber(rest)} more in the attached report.</p>`}`;
}

/** A part of a column: so many pixels, in a colour or in none. */
type Box = readonly [height: number, colour?: string];

/**
 * Columns as cells of one row: their parts are boxes, from the bottom up. Outlook takes the height of a box from its line.
 * @param names what the columns are, of which the first and the last are said
 */
function boxTable(names: readonly string[], cells: readonly Box[][], remark: Part): Markup {
	const box = ([height, colour]: Box) =>
		height > 0 && markup`<div${style(`line-height:${height}px${colour ? `;background:${colour}` : ''}`)}>&nbsp;</div>`;
	const [left, right] = [names[0], names.at(-1)];
	const width = `${Math.floor(100 / cells.length)}%`;
	const columns = cells.map((boxes) => markup`<td width="${width}">${boxes.map(box).reverse()}</td>`);
	return markup`<table cellspacing="0" cellpadding="1" width="100%"${style('font-size:1px')}><tr valign="bottom">${columns}</tr></table>
		<p${SMALL}>${left}${right !== left && ` on the left, ${right} on the right`}; ${remark}</p>`;
}

function columnTable({ columns, series }: Columns): Markup {
	const sums = columns.map(({ parts }) => parts.reduce((sum, part) => sum + part, 0));
	const most = mostOf(sums, 1);
	const pixels = (part: number) => (part ? Math.max(1, Math.round((CHART_PIXELS * part) / most)) : 0);
	const cells = columns.map(({ parts }) => parts.map((part, series): Box => [pixels(part), COLOURS[series + 1]]));
	const names = columns.map(({ title }) => title.split(': ')[0] ?? '');
	const legend = series.map((name, index) => markup` <span${style(`color:${COLOURS[index + 1]}`)}>■</span> ${name}`);
	return boxTable(names, cells, [`the highest column is ${wholeNumber(most)}`, series.length > 1 && legend]);
}

/** Parts of the period that a curve has at most here. */
const MOST_PARTS = 28;
const PALE = '#a9c6e8';

/** A curve as cells of one row, each a part of the period: the range as a pale box, and the mean as a dark line in it. */
function curveTable({ curve, marks, unit }: Curve): Markup {
	const ends = curve.flatMap(({ value, low = value, high = value }) => [low, high]);
	const [least, most] = [leastOf(ends), mostOf(ends)];
	const pixels = (length: number) => Math.round((CHART_PIXELS * length) / (most - least || 1));
	const count = Math.min(MOST_PARTS, marks.length);
	const cells = Array.from({ length: count }, (_, index): Box[] => {
		const points = curve.filter(({ at }) => Math.min(count - 1, Math.floor(at * count)) === index);
		if (!points.length) return [];
		const low = leastOf(points.map((point) => point.low ?? point.value));
		const high = mostOf(points.map((point) => point.high ?? point.value));
		const mean = points.reduce((sum, { value }) => sum + value, 0) / points.length;
		return [[pixels(low - least)], [pixels(mean - low), PALE], [2, COLOURS[1]], [pixels(high - mean), PALE]];
	});
	const remark = `from ${digits(least)} at the bottom to ${digits(most)} ${unit} at the top`;
	return boxTable(
		marks.map(({ time }) => time),
		cells,
		remark,
	);
}

function drawn(content: Content, mostRows: number): Markup {
	if ('text' in content) return markup`<p${SMALL}>${content.text}</p>`;
	if ('table' in content) return table(content.table, mostRows);
	if ('map' in content) return markup`<p${SMALL}>The map is in the attached report.</p>`;
	if ('curve' in content) return curveTable(content);
	if ('columns' in content) return columnTable(content);
	const all = content.bars.reduce((sum, { value }) => sum + value, 0);
	const rows = content.bars.map(({ label, value }) => [label, wholeNumber(value), percent(value, all)]);
	return table({ columns: ['', '#', '#'], rows }, mostRows);
}

const section = ({ title, subtitle, content, notes = [] }: Section, mostRows: number): Markup =>
	markup`<h2${style('font-size:16px;margin:24px 0 4px')}>${title}</h2>
		${subtitle && markup`<p${SMALL}>${subtitle}</p>`}${drawn(content, mostRows)}${notes.filter(Boolean).map((note) => markup`<p${SMALL}>${note}</p>`)}`;

const part = (block: Block, mostRows: number): Markup =>
	'figures' in block
		? markup`<table${style('border-collapse:collapse;font-size:13px')}><tr>${block.figures.map(figure)}</tr></table>`
		: markup`${block.map((one) => section(one, mostRows))}`;

/** The body of a mail, at most 90 kB: its tables are as long as fits. */
export function mailOf(drawing: Drawing, mostRows = MOST_ROWS): string {
	const { title, lead, blocks, footer } = drawing;
	const { text } =
		markup`<div${style('font-family:Arial,Helvetica,sans-serif;font-size:15px;color:#17212b;max-width:720px')}>
		<h1${style('font-size:24px;margin:0')}>${cut(title)}</h1>
		<p${SMALL}>${lead}</p>
		${blocks.map((block) => part(block, mostRows))}
		<p${SMALL}>${footer}</p>
	</div>`;
	return mostRows && Buffer.byteLength(text) > MOST_BYTES ? mailOf(drawing, Math.floor(mostRows / 2)) : text;
}
