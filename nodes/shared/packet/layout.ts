/**
 * The layout: the values of a payload as lines of text, to be pasted, shared and kept in one place. A row of the form
 * "Payload Fields" is one such line.
 *
 *     line      = [ "+" ] name ":" type "@" byte { part } [ unit ] [ condition ] [ "#" remark ]
 *     type      = int8 … int64 | uint8 … uint64 | float32 | float64 | bits8 … bits64 | bool8 … bool64 | ascii
 *     part      = "×" number | "+" number | "-" number | "decimals" count | "bit" count | "length" count | "signed"
 *               | "little" | "big"
 *     unit      = one word, e.g. °C
 *     condition = "when byte" byte "=" value
 *
 * The parts may come in any order; "x" and "*" stand for "×" as well. Bytes and values may be hexadecimal (0x1f).
 * "bits" and "bool" alone are those of one byte. A line that begins with "+" adds to the value of its name above.
 */
import type { IDataObject } from 'n8n-workflow';
import { asError } from '../client/errors';
import { asText, flag, oneOf } from '../operation/values';
import { NUMBERS, unfit, WIDTHS, type PayloadField } from './payloadFields';

const isBits = (type: string) => type === 'bits';
const isNumeric = (type: string) => isBits(type) || Object.hasOwn(NUMBERS, type);
const hasWidth = (type: string) => isBits(type) || type === 'bool';
const hasLength = (type: string) => isBits(type) || type === 'ascii';
const hasOrder = (type: string) => type !== 'ascii';

const NUMBER = '(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:e[+-]?\\d+)?';
const COUNT = '(0x[0-9a-f]+|\\d+)';
const part = (pattern: string) => new RegExp(`^${pattern}(?=\\s|$)`, 'i');

interface Part {
	key: keyof PayloadField;
	pattern: RegExp;
	/** What the cell of a form becomes. */
	written: (cell: string) => string;
	/** Which types take it. */
	on?: (type: string) => boolean;
}

/** What may follow a type. */
const PARTS: readonly Part[] = [
	{ key: 'offset', pattern: part(`@\\s*${COUNT}`), written: (byte) => `@${byte}` },
	{ key: 'scale', pattern: part(`[×x*]\\s*(-?${NUMBER})`), written: (by) => `×${by}`, on: isNumeric },
	{ key: 'add', pattern: part(`([+-]\\s*${NUMBER})`), written: (n) => n.replace(/^(?![+-])/, '+'), on: isNumeric },
	{ key: 'decimals', pattern: part(`decimals\\s+${COUNT}`), written: (n) => `decimals ${n}`, on: isNumeric },
	{ key: 'bit', pattern: part(`bit\\s+${COUNT}`), written: (bit) => `bit ${bit}`, on: hasWidth },
	{ key: 'length', pattern: part(`length\\s+${COUNT}`), written: (n) => `length ${n}`, on: hasLength },
	{ key: 'signed', pattern: part('(signed)'), written: (is) => (flag(is) ? 'signed' : ''), on: isBits },
	{ key: 'endianness', pattern: part('(big|little)'), written: oneOf(['big', 'little']), on: hasOrder },
];

/** The types in words. */
export const PAYLOAD_TYPES = 'int8 to int64, uint8 to uint64, float32, float64, bits8 to bits64, bool, ascii';

const isType = (type: string): type is PayloadField['type'] => isNumeric(type) || type === 'bool' || type === 'ascii';

const unknownType = (type: string) => unfit(`the type "${type}" is unknown; types are ${PAYLOAD_TYPES}`);

/** The fields of a layout. Throws an Error that names the line by its number and text. */
export function parseLayout(layout: string): PayloadField[] {
	return layout.split(/\r\n|\r|\n/).flatMap((line, index) => {
		const text = line.replace(/(^|\s)#.*/, '').trim();
		if (!text) return [];
		try {
			return [parseLine(text)];
		} catch (error) {
			throw unfit(`line ${index + 1}, "${line.trim()}": ${asError(error).message}`);
		}
	});
}

/** Cells of the form that are a choice: an expression that found nothing, or blanks, is none of it. */
const CHOICES = ['adds', 'endianness', 'signed', 'type', 'when', 'width'];

/** The fields of the form's rows. Throws an Error that names the row by its number, and shows it as a line. */
export const parseRows = (rows: readonly IDataObject[]): PayloadField[] =>
	rows.map((given, index) => {
		const row: IDataObject = { offset: 0, ...given };
		const cell = (key: string) =>
			CHOICES.includes(key) ? asText(row[key] === null ? 'null' : (row[key] ?? '')) : asText(row[key] ?? '').trim();
		let line = '';
		try {
			const [name, unit, type] = [cell('name'), cell('unit'), cell('type') || 'uint8'];
			if (!name) throw unfit('it has no name');
			const adds = flag(cell('adds')) ? '+' : '';
			const parts = partsOf(type, cell);
			line = `${adds}${name}: ${parts}`;
			if (!isType(type)) throw unknownType(type);
			// In cells of their own, a name may hold a colon, and a unit blanks.
			const field = parseLine(`${adds}value: ${parts}`);
			return { ...field, name, ...(unit && isNumeric(type) ? { unit } : {}) };
		} catch (error) {
			throw unfit(`row ${index + 1}${line && `, "${line}"`}: ${asError(error).message}`);
		}
	});

/** What stands behind the colon of a line, from the cells of a row; those that its type does not have are hidden. */
function partsOf(type: string, cell: (key: string) => string): string {
	const parts = PARTS.flatMap(({ key, written, on }) => (cell(key) && (on?.(type) ?? true) ? written(cell(key)) : []));
	const when = oneOf(['always', 'byte'])(cell('when') || 'always');
	if (when === 'byte') parts.push(`when byte ${cell('whenByte') || 0} = ${cell('whenValue') || 0}`);
	const width = hasWidth(type) && cell('width') && oneOf(WIDTHS.map(String))(cell('width'));
	return [`${type}${width || ''}`, ...parts.filter(Boolean)].join(' ');
}

/** A line while it is read: where the value begins comes later. */
type Line = Omit<PayloadField, 'offset'> & Partial<Pick<PayloadField, 'offset'>>;

function parseLine(text: string): PayloadField {
	const [, adds, name, given, parts] = /^(\+)?([^:]+):\s*([a-z0-9]+)(?=[\s@]|$)(.*)$/i.exec(text) ?? [];
	if (!name || !given) throw unfit('it does not begin with a name, a colon and a type');
	const [, bitType, width] = /^(bits|bool)(\d+)$/i.exec(given) ?? [];
	const type = (bitType ?? given).toLowerCase();
	if (!isType(type) || (width && !WIDTHS.includes(Number(width)))) throw unknownType(given);
	const condition = /(?:^|\s)when\s+byte\s+(0x[0-9a-f]+|\d+)\s*=\s*(0x[0-9a-f]+|\d+)$/i.exec(parts ?? '');
	const field: Line = { name: name.trim(), type };
	if (adds) field.adds = true;
	if (width) field.width = Number(width);
	if (condition) {
		const [at = NaN, wanted = NaN] = condition.slice(1).map(Number);
		if (wanted > 255) throw unfit(`${wanted} is more than 255, the most a byte can be`);
		field.when = { at, wanted };
	}
	readParts(field, (parts ?? '').slice(0, condition?.index).trim());
	const { offset } = field;
	if (offset === undefined) throw unfit('it does not say at which byte the value begins, e.g. @4');
	return { ...field, offset };
}

/** The value of a part that is a word; `undefined` for a number. */
const wordOf = (key: string, word: string) =>
	key === 'signed' ? true : key === 'endianness' ? word.toLowerCase() : undefined;

/**
 * What is no unit, as that would leave the value as it is without a word: a calculation such as /10 or −40, a setting such
 * as scale0.1, or a word that says how to read the value.
 */
const NO_UNIT =
	/^[@×*+÷−–~<>&·:]|=|\d\.\d|\d\d|^[-/%(]?\.?\d|^e-?\d|^(?:[bl]e|[lm]sb|(?:little|big)[-_]?endian|endian|unsigned)$|^(?:scale|offset|bits?|length|decimals|when)(?:$|[\d:])/i;

/** Puts the parts of a line into its field; what is left at the end is the unit. */
function readParts(field: Line, text: string): void {
	let rest = text;
	for (;;) {
		const found = PARTS.find(({ pattern }) => pattern.test(rest));
		if (!found) break;
		const { key, pattern, on } = found;
		const [whole, value = ''] = pattern.exec(rest) ?? [];
		if (field[key] !== undefined) throw unfit(`"${whole}" repeats what the line already says`);
		if (on && !on(field.type)) throw unfit(`"${whole}" does not go with the type ${field.type}`);
		Object.assign(field, { [key]: wordOf(key, value) ?? Number(value.replace(/\s+/g, '')) });
		if (Math.abs(Number(field[key])) === Infinity) throw unfit(`"${whole}" is too large for a number`);
		rest = rest.slice(whole?.length).trim();
	}
	if (!rest) return;
	if (/\s/.test(rest) || NO_UNIT.test(rest)) {
		throw unfit(`"${rest}" is not recognized`);
	}
	if (!isNumeric(field.type)) throw unfit(`the type ${field.type} has no unit, so "${rest}" is not recognized`);
	field.unit = rest;
}
