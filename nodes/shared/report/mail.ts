/**
 * A report for mail. Mail programs drop styles that are not inline, and draw no SVG; Gmail cuts what is longer than 102
 * kB. So it consists of tables with inline styles, without the map, and its size is bounded.
 */
import type { Block, TableCell, Columns, Content, Curve, CurvePoint, Drawing, Figure, Section, Table } from './blocks';
import { mostOf, wholeNumber } from '../operation/values';
import { digits, markup, Markup, percent } from './markup';

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

function table({ columns, rows }: Table): Markup {
	const kind = (index: number) => (columns[index]?.startsWith('#') ? NUMBER : TEXT);
	const lines = rows
		.slice(0, MOST_ROWS)
		.map((row) => markup`<tr>${row.map((cell, index) => markup`<td${kind(index)}>${cellText(cell)}</td>`)}</tr>`);
	const head = columns.map(
		(name) => markup`<th${name.startsWith('#') ? NUMBER_HEAD : HEAD}>${name.replace('#', '')}</th>`,
	);
	const rest = rows.length - lines.length;
	return markup`<table${TABLE}><tr>${head}</tr>${lines}</table>${rest > 0 && markup`<p${SMALL}>${wholeNumber(rest)} more in the attached report.</p>`}`;
}

/** A part of a column: so many pixels, in a colour or in none. */
type Box = readonly [height: number, colour?: string];

/** Columns as cells of one row: their parts are boxes, from the bottom up. */
function boxTable(all: ReadonlyArray<{ title: string }>, cells: readonly Box[][], remark: string): Markup {
	const box = ([height, colour]: Box) =>
		height > 0 && markup`<div${style(`height:${height}px${colour ? `;background:${colour}` : ''}`)}></div>`;
	const [first, last] = [all[0], all.at(-1)].map((one) => one?.title.split(': ')[0]);
	const columns = cells.map((boxes) => markup`<td>${boxes.map(box).reverse()}</td>`);
	return markup`<table cellspacing="0" cellpadding="1" width="100%"><tr valign="bottom">${columns}</tr></table>
		<p${SMALL}>${first} to ${last}; ${remark}</p>`;
}

function columnTable({ columns }: Columns): Markup {
	const sums = columns.map(({ parts }) => parts.reduce((sum, part) => sum + part, 0));
	const most = mostOf(sums, 1);
	const pixels = (part: number) => (part ? Math.max(1, Math.round((CHART_PIXELS * part) / most)) : 0);
	const cells = columns.map(({ parts }) => parts.map((part, series): Box => [pixels(part), COLOURS[series + 1]]));
	return boxTable(columns, cells, `the highest column is ${wholeNumber(most)}`);
}

/** Points that a curve has at most here: with more, two become one, with the range of both. */
const MOST_POINTS = 28;
const PALE = '#a9c6e8';

function fewer(points: readonly CurvePoint[]): readonly CurvePoint[] {
	if (points.length <= MOST_POINTS) return points;
	const pairs = points.flatMap((point, index) => {
		const next = points[index + 1] ?? point;
		const ends = [point, next].flatMap(({ value, low = value, high = value }) => [low, high]);
		const both = { low: Math.min(...ends), high: Math.max(...ends), value: (point.value + next.value) / 2 };
		return index % 2 ? [] : [{ ...point, ...both }];
	});
	return fewer(pairs);
}

/** A curve as cells of one row: in each the range as a pale box, and the value as a dark line in it. */
function curveTable({ curve, unit }: Curve): Markup {
	const points = fewer(curve);
	const lows = points.map(({ value, low = value }) => low);
	const highs = points.map(({ value, high = value }) => high);
	const [least, most] = [Math.min(...lows), Math.max(...highs)];
	const pixels = (length: number) => Math.round((CHART_PIXELS * length) / (most - least || 1));
	const cells = points.map(({ value, low = value, high = value }): Box[] => [
		[pixels(low - least)],
		[pixels(value - low), PALE],
		[2, COLOURS[1]],
		[pixels(high - value), PALE],
	]);
	return boxTable(curve, cells, `from ${digits(least)} at the bottom to ${digits(most)} ${unit} at the top`);
}

function drawn(content: Content): Markup {
	if ('text' in content) return markup`<p${SMALL}>${content.text}</p>`;
	if ('table' in content) return table(content.table);
	if ('map' in content) return markup`<p${SMALL}>The map is in the attached report.</p>`;
	if ('curve' in content) return curveTable(content);
	if ('columns' in content) return columnTable(content);
	const all = content.bars.reduce((sum, { value }) => sum + value, 0);
	const rows = content.bars.map(({ label, value }) => [label, wholeNumber(value), percent(value, all)]);
	return table({ columns: ['', '#', '#'], rows });
}

const section = ({ title, subtitle, content, notes = [] }: Section): Markup =>
	markup`<h2${style('font-size:16px;margin:24px 0 4px')}>${title}</h2>
		${subtitle && markup`<p${SMALL}>${subtitle}</p>`}${drawn(content)}${notes.filter(Boolean).map((note) => markup`<p${SMALL}>${note}</p>`)}`;

const part = (block: Block): Markup =>
	'figures' in block
		? markup`<table${style('border-collapse:collapse;font-size:13px')}><tr>${block.figures.map(figure)}</tr></table>`
		: markup`${block.map(section)}`;

/** The body of a mail, at most 90 kB. */
export const mailOf = ({ title, lead, blocks, footer }: Drawing): string =>
	markup`<div${style('font-family:Arial,Helvetica,sans-serif;font-size:15px;color:#17212b;max-width:720px')}>
		<h1${style('font-size:24px;margin:0')}>${cut(title)}</h1>
		<p${SMALL}>${lead}</p>
		${blocks.map(part)}
		<p${SMALL}>${footer}</p>
	</div>`.text;
