/** A device as a row of a table says it: which column is what. Pure. */
import { jsonParse, type IDataObject } from 'n8n-workflow';
import { asWritten } from '../shared/operation/exportFormats';
import { asText, isEmpty, quoted } from '../shared/operation/values';
import { choices, type ColumnRow, type Field } from '../shared/operation/fields';
import { DEVICE_FIELDS } from '../shared/device/device';
import { nameOnWire, placeOnWire, type InstalledAt } from './naming';
import { tagMap, type Tags } from './tags';

/** The headers of the columns that mean something, as `plainHeader` gives them. */
const HEADERS = {
	name: ['name', 'devicename'],
	latitude: ['latitude', 'lat'],
	longitude: ['longitude', 'long', 'lng', 'lon'],
	place: ['place', 'placename', 'installplace', 'installlocation'],
	installLatitude: ['installlatitude'],
	installLongitude: ['installlongitude'],
};
const MEANINGS = new Map(
	Object.entries(HEADERS).flatMap(([meaning, headers]) => headers.map((header) => [header, meaning] as const)),
);

const plainKey = (key: string) => key.normalize().toLowerCase();

const plainHeader = (header: string) => header.toLowerCase().replace(/[\s_-]/g, '');

/**
 * Columns that no person wrote: of our own files (keys, exports), of the example's file, and of n8n's Google Sheets.
 * A key must never become a tag, which everybody reads.
 */
const NOT_TAGS = new Set([...DEVICE_FIELDS, 'created', 'key', 'id', 'result', 'error', 'row_number'].map(plainHeader));

/** The names n8n gives to spreadsheet columns without a header. */
const NO_HEADER = /^__EMPTY(_\d+)?$/;

/** How the column of a tag is named in the resource mapper, and in a table flattened by n8n. */
const TAG_COLUMN = /^tags?[:.](.+)$/i;

/** A cell that is one value. Throws an Error that names the column where it is an object or a list. */
function cellText(header: string, cell: unknown): string {
	if (typeof cell === 'object') throw new Error(`column "${header}" is not a text: ${quoted(cell)}`);
	return asText(cell);
}

/** A coordinate, also with the decimal comma of a spreadsheet. */
const coordinate = (cell: unknown) =>
	typeof cell === 'string' ? cell.replace(/^(\s*-?\d+),(\d+\s*)$/, '$1.$2') : cell;

/** The own tags in the column `tags` of our export: a JSON object. */
function tagsOf(cell: unknown): IDataObject {
	const tags = typeof cell === 'string' ? jsonParse<unknown>(cell, { fallbackValue: cell }) : cell;
	if (typeof tags === 'object' && tags !== null && !Array.isArray(tags)) return { ...tags };
	throw new Error('column "tags" is not a JSON object; give each tag its own column');
}

/** A row's device: what its cells say. */
interface DeviceRow {
	name?: string;
	place?: InstalledAt;
	tags?: Tags;
}

/**
 * What the cells say; a blank one says nothing. Headers count without case and blanks, a column with another header is
 * a tag. Throws an Error that names the column.
 */
export function deviceRow({ cells, known }: ColumnRow): DeviceRow {
	const keys = known.flatMap((id) => TAG_COLUMN.exec(id)?.[1]?.trim() ?? []);
	const spelling = new Map(keys.map((key) => [plainKey(key), key]));
	const found: IDataObject = {};
	// In our export the place may be where the device was heard, not where it is installed.
	let locationType = '';
	// What n8n puts beside the error of an item.
	const besideErrors = isEmpty(cells.error) ? [] : ['message', 'details'];
	const headers = new Map<string, string>();
	const tags: Array<{ key: string; value: unknown }> = [];
	const spelled = (key: string) => (keys.includes(key) ? key : (spelling.get(plainKey(key)) ?? key));
	const addTag = (key: string, value: unknown) => tags.push({ key: spelled(key), value });
	for (const [header, cell] of Object.entries(cells)) {
		const value = typeof cell === 'string' ? asWritten(cell) : cell;
		// trim() also removes a byte order mark.
		const title = header.trim();
		const plain = plainHeader(title);
		const key = TAG_COLUMN.exec(title)?.[1]?.trim();
		if (!title || NO_HEADER.test(title) || isEmpty(value)) continue;
		const meaning = MEANINGS.get(plain);
		if (key) addTag(key, value);
		else if (meaning) {
			const other = headers.get(meaning);
			if (other !== undefined) throw new Error(`columns "${other}" and "${header}" mean the same; remove one of them`);
			headers.set(meaning, header);
			found[meaning] = cellText(header, value);
		} else if (plain === 'tags') Object.entries(tagsOf(value)).forEach(([name, content]) => addTag(name, content));
		else if (plain === 'environment') addTag('_env', value);
		else if (plain === 'locationtype') locationType = plainHeader(cellText(header, value));
		else if (/[;\t]/.test(title))
			throw new Error(`column ${quoted(title)} looks like several; set the delimiter where the file is read`);
		else if (!NOT_TAGS.has(plain) && !besideErrors.includes(plain)) addTag(title, value);
	}
	return onWire(found, tags, locationType);
}

/**
 * The columns `latitude` and `longitude` come before our own of the install location: a person may have changed them.
 * Where our export wrote the same into both pairs, nobody knows which one was changed.
 */
function onWire(found: IDataObject, tag: unknown[], locationType: string): DeviceRow {
	const { name, place } = found;
	const plain = [found.latitude, found.longitude].map(coordinate);
	const installed = [found.installLatitude, found.installLongitude].map(coordinate);
	const isPlain = locationType !== 'heard' && plain.some((one) => one !== undefined);
	const isChanged = installed.some((one, index) => one !== undefined && !Object.is(Number(one), Number(plain[index])));
	if (isPlain && locationType === 'installed' && isChanged) {
		throw new Error('latitude and longitude differ from the install location; remove one of the two pairs of columns');
	}
	const [lat, long] = isPlain ? plain : installed;
	const location = placeOnWire({ location: { lat, long, location_name: place } });
	const tags = tagMap({ tag });
	return {
		...(name === undefined ? {} : { name: nameOnWire(name) }),
		...(location ? { place: location } : {}),
		...(tags ? { tags } : {}),
	};
}

export const fieldsFrom = {
	displayName: 'Fields',
	name: 'fieldsFrom',
	type: 'options',
	noDataExpression: true,
	options: choices(
		['From Columns', 'columns', 'Name, place and tags are columns of the input, such as the rows of a spreadsheet'],
		['Set Below', 'below', 'Each field has its own value or expression'],
	),
	default: 'below',
	description: 'Where the name, the place and the tags of a device come from',
	toWire: () => undefined,
} satisfies Field;

/** n8n shows neither hint nor description of columns that it maps automatically. */
export const columnsNotice = {
	displayName:
		'Columns named Name, Latitude, Longitude, Place and Environment are recognized. <b>Any other column becomes a tag.</b> A column takes precedence over the same field below.',
	name: 'columnsNotice',
	type: 'notice',
	default: '',
	shownWhen: { fieldsFrom: ['columns'] },
} satisfies Field;

export const columns = {
	displayName: 'Columns',
	name: 'columns',
	type: 'resourceMapper',
	noDataExpression: true,
	required: true,
	default: { mappingMode: 'autoMapInputData', value: null },
	typeOptions: {
		resourceMapper: {
			resourceMapperMethod: 'getDeviceColumns',
			mode: 'add',
			fieldWords: { singular: 'column', plural: 'columns' },
			addAllFields: true,
			supportAutoMap: true,
		},
	},
	description:
		'How columns map to fields. Map Automatically ignores blank cells and the columns of an export, such as ID, Key and Created.',
	shownWhen: { fieldsFrom: ['columns'] },
	mayBeBlank: ['value'],
	toWire: (value) => {
		const row = deviceRow(value as ColumnRow);
		return Object.keys(row).length ? row : blankRow();
	},
	whenEmpty: blankRow,
} satisfies Field;

function blankRow(): never {
	throw new Error('the row is blank: no column has a value for the device');
}
