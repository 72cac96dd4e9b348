/** HTML templates that escape what is put into them. Pure. */

/** A piece of HTML or SVG; only `markup` makes one, so that no text gets into a page unescaped. */
export class Markup {
	constructor(readonly text: string) {}
}

export type Part = Markup | string | number | null | undefined | false | readonly Part[];

function textOf(part: Part): string {
	if (part instanceof Markup) return part.text;
	if (part === null || part === undefined || part === false) return '';
	if (typeof part === 'object') return part.map(textOf).join('');
	return String(part).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** HTML from a template: texts and numbers in it are escaped, lists joined, and nothing stands for nothing. */
export const markup = (strings: TemplateStringsArray, ...parts: Part[]): Markup =>
	new Markup(strings.reduce((text, string, index) => `${text}${textOf(parts[index - 1])}${string}`));

/** 0.0123456 → '0.01235', 1234.5678 → '1,234.57': with the four digits that count, and all before the point. */
export const digits = (value: number): string =>
	value.toLocaleString('en', Math.abs(value) < 1000 ? { maximumSignificantDigits: 4 } : { maximumFractionDigits: 2 });

/** 52.374031 → '52.374031': a single value, with all digits that a number has. */
export const exactly = (value: number): string =>
	value.toLocaleString('en', { maximumSignificantDigits: Number.isSafeInteger(value) ? 16 : 15 });

/** A share as a percentage; something is never 0 % and a part never 100 %. */
export function percent(part: number, whole: number): string {
	if (!whole) return '–';
	const share = (100 * part) / whole;
	if (part > 0 && share < 1) return '< 1 %';
	if (part < whole && share > 99) return '> 99 %';
	return `${Math.round(share)} %`;
}
