/** The parameters of an export, and what they say together. */
import type { Field } from './fields';
import { choices, continuationToken, labelOf, limit, toggle } from './fields';
import type { CsvStyle } from './exportFormats';
import type { Fields, ItemRequest, RequestOf } from './operation';
import { binaryField, fileName } from './outputFile';
import { texts } from './values';

const csvOnly = { format: ['csv'] } as const;
const csvOption = { collection: 'options', shownWhen: csvOnly } as const;

const format = (hasLines: boolean): Field => ({
	displayName: 'Format',
	name: 'format',
	type: 'options',
	options: choices(
		['CSV', 'csv', 'A table with a header, for spreadsheets and databases'],
		['GeoJSON Lines', 'geojsonLines', 'One line per device, through its places in order of time'],
		['GeoJSON Points', 'geojson', 'One point per row, for maps'],
		['NDJSON', 'ndjson', 'One JSON object per line, with every field that Hubble returns'],
	).filter(({ value }) => hasLines || value !== 'geojsonLines'),
	default: 'csv',
	description: 'What the file contains',
});

const columns = (names: readonly string[]): Field => ({
	displayName: 'Columns',
	name: 'columns',
	type: 'multiOptions',
	options: names.map((name) => ({ name: labelOf(name), value: name })).sort((a, b) => a.name.localeCompare(b.name)),
	default: [],
	description: 'The columns of the file, in the order in which you choose them. Empty means all.',
	shownWhen: csvOnly,
	toWire: texts,
});

const moreColumns = {
	displayName: 'More Columns',
	name: 'moreColumns',
	type: 'string',
	typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Column' },
	default: [],
	placeholder: 'e.g. decoded.temperature',
	description:
		'More columns for a CSV file, as paths into what Hubble returns, such as location.altitude, or into decoded values',
	toWire: texts,
	...csvOption,
} satisfies Field;

const tagColumns = {
	displayName: 'Column per Tag',
	name: 'tagColumns',
	type: 'boolean',
	default: true,
	description:
		'Whether a CSV file has a column for each tag of your devices instead of one with all tags. The device list is read for it.',
	...csvOption,
} satisfies Field;

const tagKeys = {
	displayName: 'Tags to Write',
	name: 'tagKeys',
	type: 'string',
	typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Key' },
	default: [],
	placeholder: 'e.g. site',
	description: 'Keys of the tags that get their own column in a CSV file, instead of all tags',
	toWire: texts,
	...csvOption,
} satisfies Field;

/**
 * The columns in their order, of which `tags` is replaced by those of the tags, and the keys of the tags that get
 * columns; `every`: those that the devices have.
 * @param all the columns without a choice
 */
export function columnChoice({ settings }: ExportRequest, all: readonly string[]) {
	const decoded = all.filter((name) => name === 'decoded' || name.startsWith('decoded.'));
	const ticked = texts(settings.columns)?.flatMap((name) => (name === 'decoded' && decoded.length ? decoded : [name]));
	return {
		columns: [...new Set([...(ticked ?? all), ...(texts(settings.moreColumns) ?? [])])],
		tagKeys: texts(settings.tagKeys) ?? (settings.tagColumns ? ('every' as const) : undefined),
	};
}

/** The columns with one for each of these tags. */
export function withTagColumns(columns: readonly string[], keys: readonly string[]): string[] {
	const ofTags = keys.map((key) => `tags.${key}`);
	const all = columns.includes('tags') ? columns : [...columns, 'tags'];
	return [...new Set(all.flatMap((name) => (name === 'tags' ? ofTags : [name])))];
}

/** By name: n8n and we take a value of blanks for no value. */
const DELIMITERS: Readonly<Record<string, string>> = { comma: ',', semicolon: ';', tab: '\t' };

const csvOptions = {
	byteOrderMark: {
		...toggle(
			'Byte Order Mark',
			'byteOrderMark',
			true,
			'Whether to add a byte order mark to a CSV file so that Excel detects UTF-8',
		),
		...csvOption,
	},
	defusesFormulas: {
		displayName: 'Defuse Formulas',
		name: 'defuseFormulas',
		type: 'boolean',
		default: true,
		description:
			'Whether to put an apostrophe in front of CSV text that a spreadsheet would treat as a formula. Numbers are unchanged.',
		...csvOption,
	},
	decimalSign: {
		displayName: 'Decimal Sign',
		name: 'decimalSign',
		type: 'options',
		options: choices(['Comma', 'comma'], ['Point', 'point']),
		default: 'comma',
		description:
			'The decimal sign of numbers in a CSV file. Without this option: a comma if the delimiter is a semicolon, otherwise a point.',
		toWire: (value) => (value === 'comma' ? ',' : '.'),
		...csvOption,
	},
	delimiter: {
		displayName: 'Delimiter',
		name: 'delimiter',
		type: 'options',
		options: choices(
			['Comma', 'comma'],
			['Semicolon', 'semicolon', 'For Excel where the comma is the decimal sign'],
			['Tab', 'tab'],
		),
		default: 'semicolon',
		description:
			'The character between the columns of a CSV file. Without this option: a semicolon if the decimal sign is a comma, otherwise a comma.',
		toWire: (value) => DELIMITERS[String(value)],
		...csvOption,
	},
	keepsTexts: {
		displayName: 'Keep Text as Text',
		name: 'keepText',
		type: 'boolean',
		default: true,
		description:
			'Whether to write text such as 0017, 12e5 or 3/4 as a formula (="0017") in a CSV file, so that a spreadsheet does not convert it. For spreadsheets only: other programs would read the formula.',
		...csvOption,
	},
	timeFormat: {
		displayName: 'Time Format',
		name: 'timeFormat',
		type: 'options',
		options: choices(
			['ISO 8601', 'iso', 'In UTC, to the millisecond: 2026-11-01T08:00:00.000Z'],
			['Spreadsheet', 'spreadsheet', 'In the time zone of the workflow, to the second: 2026-11-01 09:00:00'],
		),
		default: 'spreadsheet',
		description: 'How times are written in a CSV file',
		...csvOption,
	},
} satisfies Fields;

export function csvStyle({ settings }: ExportRequest, timezone: string): CsvStyle {
	const { byteOrderMark = true, defusesFormulas = true, timeFormat, keepsTexts } = settings;
	// Of both, the one that is given decides on the other: a comma is not the decimal sign and the delimiter.
	const delimiter = settings.delimiter ?? (settings.decimalSign === ',' ? ';' : ',');
	const isComma = (settings.decimalSign ?? (delimiter === ';' ? ',' : '.')) === ',';
	return {
		delimiter: String(delimiter),
		decimalSign: isComma ? ',' : '.',
		keepsTexts: keepsTexts === true,
		byteOrderMark: Boolean(byteOrderMark),
		defusesFormulas: Boolean(defusesFormulas),
		timezone: timeFormat === 'iso' ? undefined : timezone,
	};
}

const gzip = {
	...toggle('Compress', 'gzip', true, 'Whether to compress the file with gzip'),
	collection: 'options',
} satisfies Field;

const most = {
	...limit,
	shownWhen: undefined,
	required: false,
	description: 'Max number of rows to write. Without it, all are written.',
	collection: 'options',
} satisfies Field;

/** The parameters of an export of rows with these simplified fields; `hasLines` where rows of several devices follow each other in time. */
export const exportFields = (names: readonly string[], { hasLines = false } = {}) => ({
	format: format(hasLines),
	columns: columns(names),
	moreColumns,
	tagColumns,
	tagKeys,
	...csvOptions,
	gzip,
	limit: most,
	fileName,
	binaryField,
	continuationToken,
});

export type ExportRequest = RequestOf<{ settings: ReturnType<typeof exportFields> }>;

/** An export writes everything, unless an option limits it or says where an earlier one ended. */
export function exportRange({ settings }: ExportRequest): Pick<ItemRequest, 'limit' | 'continuationToken'> {
	return { limit: settings.limit ?? Infinity, continuationToken: settings.continuationToken };
}
