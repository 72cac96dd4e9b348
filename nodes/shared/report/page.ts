/** A report as one HTML page that needs nothing else. Pure. */
import type { TableCell, Content, Drawing, Figure, Section, Table } from './blocks';
import { columnChart, curveChart, shareBars } from './charts';
import { mapOf } from './map';
import { markup, Markup } from './markup';

const tile = ({ label, value, remark, isBad }: Figure): Markup =>
	markup`<div class="tile ${isBad && 'bad'}">
		<dt>${label}</dt>
		<dd><b>${value}</b>${remark && markup` <small>${remark}</small>`}</dd>
	</div>`;

const section = ({ title, subtitle, content, notes = [] }: Section): Markup =>
	markup`<section>
		<header>
			<h2>${title}</h2>
			${subtitle && markup`<p>${subtitle}</p>`}
		</header>
		${drawn(content)}${notes.filter(Boolean).map((note) => markup`<p class="note">${note}</p>`)}
	</section>`;

/** The colours of series, by their place: blue and amber differ for all eyes, and in grey. */
const legend = (names: readonly string[], tones = names.map((_, index) => index + 1)): Markup =>
	markup`<p class="legend">${names.map((name, index) => markup`<span><i class="k${tones[index]}"></i>${name}</span> `)}</p>`;

function drawn(content: Content): Markup {
	if ('text' in content) return markup`<p class="note">${content.text}</p>`;
	if ('bars' in content) return shareBars(content.bars);
	if ('table' in content) return table(content.table);
	if ('map' in content) {
		const { places, tone, nouns } = content.map;
		const names = [`${nouns[0]}s`, nouns[1]].map((noun) => noun.replace(/^./, (first) => first.toUpperCase()));
		return markup`<div class="map">${places.all().length > 0 && legend(names, [1, tone])}${scroll(mapOf(content.map))}</div>`;
	}
	if ('curve' in content) return scroll(curveChart(content), true);
	const { series, height } = content;
	return markup`${series.length > 1 && legend(series)}${scroll(columnChart(content), !height)}`;
}

/** @param isLate whether what is latest, on the right, is seen first */
const scroll = (wide: Markup, isLate = false): Markup => markup`<div class="scroll${isLate && ' late'}">${wide}</div>`;

const cellText = (cell: TableCell) => (typeof cell === 'string' ? cell : markup`<code>${cell.id}</code>`);

function table({ columns, rows }: Table): Markup {
	const kind = (index: number) => (columns[index]?.startsWith('#') ? markup` class="n"` : null);
	const head = columns.map((name, index) => markup`<th${kind(index)}>${name.replace('#', '')}</th>`);
	const lines = rows.map(
		(row) => markup`<tr>${row.map((cell, index) => markup`<td${kind(index)}>${cellText(cell)}</td>`)}</tr> `,
	);
	return scroll(markup`<table><thead><tr>${head}</tr></thead><tbody>${lines}</tbody></table>`);
}

const CSS = `
:root{color-scheme:light dark;--bg:#f4f6f8;--card:#fff;--ink:#17212b;--soft:#4e5b67;--line:#e1e6eb;--sea:#eef3f7;--land:#dde3e6;--c1:#2768b0;--c2:#b86614;--bad:#bf3b36}
@media(prefers-color-scheme:dark){:root{--bg:#0f1419;--card:#182028;--ink:#e7edf3;--soft:#97a6b4;--line:#2a353f;--sea:#141b22;--land:#2a343d;--c1:#5ea6ee;--c2:#f0a54a;--bad:#f0716b}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-print-color-adjust:exact;print-color-adjust:exact}
main{max-width:1040px;margin:0 auto;padding:40px 24px 32px}
h1{font-size:30px;line-height:1.2;letter-spacing:-.015em;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:16px;margin:0}
.lead,section header p,.note,footer{color:var(--soft);margin:0}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px;margin:28px 0 12px}
.tile,section{background:var(--card);border:1px solid var(--line);border-radius:10px}
.tile{padding:14px 18px}
dt{color:var(--soft);font-size:13px}
dd{margin:0}
dd b{display:block;font-size:27px;font-weight:650;line-height:1.25;letter-spacing:-.01em;font-variant-numeric:tabular-nums}
dd small{color:var(--soft);font-size:13px}
.bad dd b{color:var(--bad)}
.two{display:grid;grid-template-columns:1fr 1fr;gap:12px}
section{padding:18px 20px;margin:0 0 12px;min-width:0}
section header{margin-bottom:14px}
section header p,.note{font-size:13px}
.note{margin-top:10px}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--soft);font-size:12px;font-variant-numeric:tabular-nums}
.grid{stroke:var(--line);fill:none}
.sea{fill:var(--sea)}.land{fill:var(--land)}
.map .grid{stroke:var(--soft);stroke-opacity:.22}
.map text{paint-order:stroke;stroke:var(--sea);stroke-width:3px}
.bar{stroke:var(--ink);stroke-width:1.5;fill:none}
.band{fill:var(--c1);fill-opacity:.16}.line,.edge{fill:none;stroke:var(--c1)}.line{stroke-width:2}.edge{stroke-width:.8;stroke-opacity:.8}
.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--bad)}
.map .f1{fill-opacity:.82;stroke:var(--card);stroke-width:.8}
.map .f2,.map .f3{fill-opacity:.95}
.legend{display:flex;gap:18px;font-size:13px;color:var(--soft);margin:0 0 10px}
.legend i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:7px}
.k1{background:var(--c1)}.k2{background:var(--c2)}.k3{background:var(--bad)}
.rows td{padding:4px 12px 4px 0;border:0;vertical-align:middle;white-space:nowrap;width:1%}
.rows .t{width:auto}
.rows .t div{background:var(--line);border-radius:3px;height:16px}
.rows i{display:block;height:16px;border-radius:3px;min-width:2px}
.rows small{color:var(--soft)}
.scroll{overflow-x:auto}.late{direction:rtl}.late>*{direction:ltr}
table{border-collapse:collapse;width:100%;font-size:14px}
th{color:var(--soft);font-weight:500;font-size:13px;text-align:left}
th,td{padding:6px 14px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
td{overflow-wrap:anywhere}
th:last-child,td:last-child{padding-right:0}
tbody tr:last-child td{border-bottom:0}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.n+:not(.n){padding-left:10px}
code{white-space:nowrap;font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:var(--soft)}
footer{font-size:12px;margin-top:20px}
/* What shrinks with the screen is scrolled before its labels are too small to read, or words break; the first column stays. */
@media(max-width:720px){main{padding:24px 14px}.two{grid-template-columns:1fr}svg{min-width:900px}.two svg{min-width:470px}
.scroll table{width:max-content;min-width:100%}.scroll td{max-width:230px}.scroll th:first-child,.scroll td:first-child{position:sticky;left:0;max-width:130px;background:var(--card)}}
@page{size:A4;margin:12mm}
@media print{:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#17212b;--soft:#4e5b67;--line:#d8dee4;--sea:#eef3f7;--land:#dde3e6;--c1:#2768b0;--c2:#b86614;--bad:#bf3b36}
main{max-width:none;padding:0}body{font-size:11px}h1{font-size:22px}h2{font-size:13px}dl{margin:14px 0 8px;grid-template-columns:repeat(4,1fr);gap:8px}.tile{padding:8px 12px}dd b{font-size:19px}
dt,dd small,section header p,.note,.legend,th{font-size:10px}table{font-size:10.5px}code{font-size:9px}th,td{padding-top:3px;padding-bottom:3px}.two{grid-template-columns:1fr 1fr;gap:8px}section{padding:10px 12px;margin-bottom:8px}section header{margin-bottom:8px}.rows i,.rows .t div{height:11px}.map svg{max-height:82mm}
section,.tile,tr{break-inside:avoid}thead{display:table-header-group}}
`;

/** The whole file. It loads nothing: the policy forbids it, whatever got into the page. */
export function pageOf({ title, lead, blocks, footer }: Drawing): string {
	const policy = "default-src 'none'; style-src 'unsafe-inline'";
	const body = blocks.map((block) => {
		if ('figures' in block) return markup`<dl>${block.figures.map(tile)}</dl> `;
		const sections = block.map(section);
		return sections.length > 1 ? markup`<div class="two">${sections}</div> ` : markup`${sections} `;
	});
	return markup`<!doctype html>
		<html lang="en">
			<head>
				<meta charset="utf-8" />
				<meta name="viewport" content="width=device-width, initial-scale=1" />
				<meta http-equiv="Content-Security-Policy" content="${policy}" />
				<title>${title}</title>
				<style>
					${new Markup(CSS)}
				</style>
			</head>
			<body>
				<main>
					<h1>${title}</h1>
					<p class="lead">${lead}</p>
					${body}
					<footer>${footer}</footer>
				</main>
			</body>
		</html> `.text;
}
