/** The parameters of an export, and what they say together. */
import type { Field } from './fields';
import { continuationToken, limit } from './fields';
import type { CsvStyle } from './exportFormats';
import type { Fields, ItemRequest } from './operation';
import { binaryField, fileName } from './outputFile';
import { texts } from './values';

/** The JSON fields of an export's item. */
const JSON_FIELDS = [
	'fileName',
	'count',
	'complete',
	'firstTime',
	'lastTime',
	'bytes',
	'requests',
	'withoutLocation',
	'outOfRange',
	'skipped',
	'continuationToken',
	'rowsRepeated',
	'stoppedBy',
];

const csvOnly = { format: ['csv'] } as const;

const geoJsonLines = {
	name: 'GeoJSON Lines',
	value: 'geojsonLines',
	description: 'One line per device through its places, in order of time',
};

const format = (hasLines: boolean): Field => ({
	displayName: 'Format',
	name: 'format',
	type: 'options',
	options: [
		{ name: 'CSV', value: 'csv', description: 'A table with a header, for spreadsheets and databases' },
		...(hasLines ? [geoJsonLines] : []),
		{ name: 'GeoJSON Points', value: 'geojson', description: 'One point each, for maps' },
		{ name: 'NDJSON', value: 'ndjson', description: 'One JSON object per line, with every field that Hubble returns' },
	],
	default: 'csv',
	description: 'What the file holds',
});

const columns: Field = {
	displayName: 'Columns',
	name: 'columns',
	type: 'string',
	typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Column' },
	default: [],
	placeholder: 'e.g. device.tags.site',
	description:
		'The columns in their order: simplified fields, or paths such as location.altitude. Empty means all simplified fields.',
	shownWhen: csvOnly,
	toWire: texts,
};

const csvOptions: Fields = {
	byteOrderMark: {
		displayName: 'Byte Order Mark',
		name: 'byteOrderMark',
		type: 'boolean',
		default: true,
		description: 'Whether a CSV file begins with a mark by which Excel sees that it is in UTF-8',
		collection: 'options',
	},
	defusesFormulas: {
		displayName: 'Defuse Formulas',
		name: 'defuseFormulas',
		type: 'boolean',
		default: true,
		description:
			'Whether to put an apostrophe in front of CSV texts that a spreadsheet would run as a formula. Numbers stay as they are.',
		collection: 'options',
	},
	delimiter: {
		displayName: 'Delimiter',
		name: 'delimiter',
		type: 'options',
		options: [
			{ name: 'Comma', value: ',' },
			{ name: 'Semicolon', value: ';', description: 'For Excel where the comma is the decimal sign' },
			{ name: 'Tab', value: '\t' },
		],
		default: ',',
		description: 'The character between the columns of a CSV file',
		collection: 'options',
	},
	timeFormat: {
		displayName: 'Time Format',
		name: 'timeFormat',
		type: 'options',
		options: [
			{ name: 'ISO 8601', value: 'iso', description: 'In UTC, to the millisecond: 2026-11-01T08:00:00.000Z' },
			{
				name: 'Spreadsheet',
				value: 'spreadsheet',
				description: 'In the time zone of the workflow, to the second: 2026-11-01 09:00:00',
			},
		],
		default: 'spreadsheet',
		description: 'How times are written in a CSV file',
		collection: 'options',
	},
};

/** How the user wants a table written. */
export function csvStyle({ settings }: ItemRequest, timezone: string): CsvStyle {
	const { delimiter = ',', byteOrderMark = true, defusesFormulas = true, timeFormat } = settings;
	return {
		delimiter: String(delimiter),
		byteOrderMark: Boolean(byteOrderMark),
		defusesFormulas: Boolean(defusesFormulas),
		timezone: timeFormat === 'iso' ? undefined : timezone,
	};
}

const gzip: Field = {
	displayName: 'Compress',
	name: 'gzip',
	type: 'boolean',
	default: false,
	description: 'Whether to compress the file with gzip',
	collection: 'options',
};

const most: Field = {
	...limit,
	shownWhen: undefined,
	required: false,
	description: 'Max number of rows to write. Without it, all are written.',
	collection: 'options',
};

/** The parameters of an export; `hasLines` where rows of several devices follow each other in time. */
export const exportFields = ({ hasLines = false } = {}): Fields => ({
	format: format(hasLines),
	columns,
	...csvOptions,
	gzip,
	fileName,
	binaryField: binaryField(JSON_FIELDS),
	limit: most,
	continuationToken,
});

/** An export writes everything, unless an option limits it or says where an earlier one ended. */
export function exportRange({ settings }: ItemRequest): Pick<ItemRequest, 'limit' | 'continuationToken'> {
	const { limit: wanted, continuationToken: token } = settings as { limit?: number; continuationToken?: string };
	return { limit: wanted ?? Infinity, continuationToken: token };
}
