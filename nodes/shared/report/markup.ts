/** HTML that cannot be broken by what is put into it, and the page around a report. Pure. */

/** A piece of HTML or SVG; only `markup` makes one, so that no text gets into a page unescaped. */
export class Markup {
	constructor(readonly text: string) {}
}

const ENTITIES: Readonly<Record<string, string>> = {
	'&': '&amp;',
	'<': '&lt;',
	'>': '&gt;',
	'"': '&quot;',
	"'": '&#39;',
};

type Part = Markup | string | number | null | undefined | false | readonly Part[];

function textOf(part: Part): string {
	if (part instanceof Markup) return part.text;
	if (part === null || part === undefined || part === false) return '';
	if (typeof part === 'object') return part.map(textOf).join('');
	return String(part).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** HTML from a template: texts and numbers in it are escaped, lists joined, and nothing stands for nothing. */
export const markup = (strings: TemplateStringsArray, ...parts: Part[]): Markup =>
	new Markup(strings.reduce((text, string, index) => `${text}${textOf(parts[index - 1])}${string}`));

/** A share as a percentage; something is never 0 % and a part never 100 %. */
export function percent(part: number, whole: number): string {
	if (!whole) return '–';
	const share = (100 * part) / whole;
	if (part > 0 && share < 1) return '< 1 %';
	if (part < whole && share > 99) return '> 99 %';
	return `${Math.round(share)} %`;
}

/** A figure with its name, and what there is to say about it. */
export const tile = (name: string, value: string, remark = '', tone = ''): Markup =>
	markup`<div class="tile ${tone}">
		<dt>${name}</dt>
		<dd><b>${value}</b>${remark && markup`<small>${remark}</small>`}</dd>
	</div>`;

/** One part of a report with its heading; `notes` say what a reader must know of it, such as what was left out. */
export const section = (title: string, subtitle: string, body: Markup, notes: readonly Part[] = []): Markup =>
	markup`<section>
		<header>
			<h2>${title}</h2>
			${subtitle && markup`<p>${subtitle}</p>`}
		</header>
		${body}${notes.filter(Boolean).map((note) => markup`<p class="note">${note}</p>`)}
	</section>`;

/** A table; columns whose name begins with '#' hold numbers. */
export const table = (columns: readonly string[], rows: ReadonlyArray<readonly Part[]>): Markup => {
	const isNumber = (index: number) => columns[index]?.startsWith('#') ?? false;
	const cell = (part: Part, index: number) => markup`<td${isNumber(index) && markup` class="n"`}>${part}</td>`;
	const head = columns.map(
		(name, index) => markup`<th${isNumber(index) && markup` class="n"`}>${name.replace('#', '')}</th>`,
	);
	return markup`<div class="scroll">
		<table>
			<thead>
				<tr>
					${head}
				</tr>
			</thead>
			<tbody>
				${rows.map(
					(row) =>
						markup`<tr>
							${row.map(cell)}
						</tr> `,
				)}
			</tbody>
		</table>
	</div>`;
};

/** The colours of a series, by its place: blue and amber differ for all eyes, and in grey. */
export const legend = (names: readonly string[]): Markup =>
	markup`<p class="legend">${names.map((name, index) => markup`<span><i class="k${index + 1}"></i>${name}</span>`)}</p>`;

const CSS = `
:root{color-scheme:light dark;--bg:#f4f6f8;--card:#fff;--ink:#17212b;--soft:#5a6875;--line:#e1e6eb;--sea:#eef3f7;--land:#dde3e6;--c1:#2768b0;--c2:#d9822b;--bad:#bf3b36}
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
.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--bad)}
.map .f1{fill-opacity:.62;stroke:var(--card);stroke-width:.8}
.map .f2,.map .f3{fill-opacity:.95}
.legend{display:flex;gap:18px;font-size:13px;color:var(--soft);margin:0 0 10px}
.legend i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:7px}
.k1{background:var(--c1)}.k2{background:var(--c2)}.k3{background:var(--bad)}
.rows{display:grid;grid-template-columns:max-content 1fr max-content;gap:8px 12px;align-items:center;font-size:14px}
.rows span{white-space:nowrap}
.rows i{display:block;height:16px;border-radius:3px;min-width:2px}
.rows .t{background:var(--line);border-radius:3px}
.rows .v{text-align:right;font-variant-numeric:tabular-nums}
.rows .v small{color:var(--soft);margin-left:8px;display:inline-block;min-width:46px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
th{color:var(--soft);font-weight:500;font-size:13px;text-align:left}
th,td{padding:6px 14px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
td{overflow-wrap:anywhere}
th:last-child,td:last-child{padding-right:0}
tbody tr:last-child td{border-bottom:0}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
code{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:var(--soft)}
footer{font-size:12px;margin-top:20px}
@media(max-width:720px){main{padding:24px 14px}.two{grid-template-columns:1fr}}
@page{size:A4;margin:12mm}
@media print{:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#17212b;--soft:#5a6875;--line:#d8dee4;--sea:#eef3f7;--land:#dde3e6;--c1:#2768b0;--c2:#d9822b;--bad:#bf3b36}
main{max-width:none;padding:0}body{font-size:11px}h1{font-size:22px}h2{font-size:13px}dl{margin:14px 0 8px;grid-template-columns:repeat(4,1fr);gap:8px}.tile{padding:8px 12px}dd b{font-size:19px}
dt,dd small,section header p,.note,.legend,th{font-size:10px}table,.rows{font-size:10.5px}code{font-size:9px}th,td{padding-top:3px;padding-bottom:3px}.two{grid-template-columns:1fr 1fr;gap:8px}section{padding:10px 12px;margin-bottom:8px}section header{margin-bottom:8px}.rows{gap:4px 10px}.rows i{height:11px}.map svg{max-height:82mm}
section,.tile,tr{break-inside:avoid}section.long{break-inside:auto}thead{display:table-header-group}}
`;

/** The whole file. It loads nothing: the policy forbids it, whatever got into the page. */
export function page(title: string, lead: string, body: readonly Markup[], footer: string): string {
	const policy = "default-src 'none'; style-src 'unsafe-inline'";
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
					${body.map((part) => markup`${part} `)}
					<footer>${footer}</footer>
				</main>
			</body>
		</html> `.text;
}
