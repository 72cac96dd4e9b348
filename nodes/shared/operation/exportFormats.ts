/** The formats of an export: rows into text. Pure. */
import type { IDataObject } from 'n8n-workflow';
import { entryAt, objectOf } from '../client/json';
import { placeOf } from './place';
import { isTimeName, isoTime, timeText } from './times';

/** What a format knows of the rows and of the user's choices. */
export interface FormatInput {
	/** A row in flat fields. */
	simplify: (row: IDataObject) => IDataObject;
	/** To whom a row belongs: the lines of GeoJSON. */
	ownerOf?: (row: IDataObject) => { id: string; name?: string };
	/** Unix seconds of a row; NaN when the row does not tell. */
	timeOf?: (row: IDataObject) => number;
	/** The columns of CSV: simplified fields, or paths into the row. */
	columns: readonly string[];
	/** Whether the file says which tags have no column: those of all devices were meant to have one. */
	saysLeftOut?: boolean;
	csv: CsvStyle;
}

/** How a table is written. */
export interface CsvStyle {
	delimiter: string;
	decimalSign: '.' | ',';
	/** Whether texts that a spreadsheet would take for a number, a date or a time are written as `="0017"`. */
	keepsTexts: boolean;
	/** Whether a byte order mark comes first: without it Excel takes UTF-8 for the code page of its system. */
	byteOrderMark: boolean;
	/** Whether texts that a spreadsheet would run as a formula get an apostrophe in front. */
	defusesFormulas: boolean;
	/** IANA zone in which times are written for people; without it they stay ISO 8601 in UTC. */
	timezone?: string;
}

/** Turns rows into text. `rest` is what is written when all rows are in. */
export interface FormatWriter {
	head: string;
	row: (row: IDataObject) => string;
	between: string;
	rest: () => Iterable<string>;
	/** What the item says of the file beside what it says of any. */
	about?: () => IDataObject;
}

/**
 * The formats by the value of the parameter. The MIME types are those under which n8n shows a file: GeoJSON is JSON
 * and NDJSON is plain text, while n8n only downloads files of their own types.
 */
export const FORMATS = {
	csv: { extension: 'csv', mimeType: 'text/csv', writer: csv },
	geojson: { extension: 'geojson', mimeType: 'application/json', writer: points },
	geojsonLines: { extension: 'geojson', mimeType: 'application/json', writer: lines },
	ndjson: { extension: 'ndjson', mimeType: 'text/plain', writer: ndjson },
} as const;

function ndjson(): FormatWriter {
	return { head: '', row: (row) => `${JSON.stringify(row)}\n`, between: '', rest: () => [] };
}

/** What begins a formula in a spreadsheet (OWASP, "CSV Injection"), also in full width, and after blanks or zero bytes. */
const FORMULA = /^[\s\0\u00a0\ufeff]*[=+\-@＝＋－＠]|^[\t\r\n]/;
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

const LONGEST_CONVERTED = 40;
/** What a spreadsheet converts although it is text: `0017`, `12e5`, `+49 30 1234`, `1,5`, `5 %`. */
const NUMERIC = /^[+-]?[\d., '\u00a0]+(?:e[+-]?\d+)?[%€$]?$/i;
/** Likewise `3/4`, `2026-11-3`, `12:30`, `1 Mar`, `Sept1`. */
const DATE_LIKE = /^(?:\d{1,4}([-/.:])\d{1,2}(?:\1\d{1,4})?|\d{1,2}[ .-]?[a-zä]{3,9}|[a-zä]{3,9}[ .-]?\d{1,4})$/i;
const MONTH = /jan|feb|m[aä]r|apr|ma[yi]|jun|jul|aug|sep|o[ck]t|nov|de[cz]/i;

function isConverted(given: string): boolean {
	const text = given.trim();
	if (text.length > LONGEST_CONVERTED || !/\d/.test(text)) return false;
	return NUMERIC.test(text) || (DATE_LIKE.test(text) && (!/[a-zä]/i.test(text) || MONTH.test(text)));
}

/** Also behind apostrophes: one that is put before a formula must be told from those of the text itself. */
const isFormula = (text: string) => FORMULA.test(text.replace(/^'+/, ''));

function safeText(text: string, { defusesFormulas, keepsTexts }: CsvStyle): string {
	if (keepsTexts && isConverted(text)) return `="${text}"`;
	return defusesFormulas && isFormula(text) && !NUMBER.test(text) ? `'${text}` : text;
}

/** A text of our CSV as it was before it was made safe for spreadsheets. */
export function asWritten(text: string): string {
	if (text.startsWith("'") && isFormula(text)) return text.slice(1);
	return text.replace(/^="([^"]*)"$/, '$1');
}

function cellText(value: unknown, style: CsvStyle): string {
	if (typeof value === 'string') return safeText(value, style);
	if (typeof value === 'number') return String(value).replace('.', style.decimalSign);
	return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** One cell of CSV (RFC 4180); what is neither text nor number nor boolean is written as JSON. */
export function csvCell(value: unknown, style: CsvStyle): string {
	if (value === null || value === undefined) return '';
	const text = cellText(value, style);
	return text.includes(style.delimiter) || /["\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

const TIME_COLUMNS = new Set(['timestamp', 'lastPacketAt', 'createdAt']);

const TAG = 'tags.';
/** In flat fields this tag stands beside the others. */
const ENVIRONMENT_TAG = 'tags._env';
const MOST_LEFT_OUT = 20;

/** A column is a simplified field, or a path into the row. Hubble's Unix times are written as times. */
function csv({ simplify, columns, saysLeftOut, csv: style }: FormatInput): FormatWriter {
	const { delimiter, byteOrderMark, timezone } = style;
	const written = (unixMs: number) => (timezone ? timeText(unixMs, timezone) : (isoTime(unixMs / 1000) ?? ''));
	const cells = columns.map((column) => {
		const isTime = TIME_COLUMNS.has(column);
		const name = column === ENVIRONMENT_TAG ? 'environment' : column;
		const tagKey = column.startsWith(TAG) ? column.slice(TAG.length) : undefined;
		return (row: IDataObject, flat: IDataObject): string => {
			if (Object.hasOwn(flat, name)) {
				const value = flat[name];
				return csvCell(isTime && typeof value === 'string' ? written(Date.parse(value)) : value, style);
			}
			const tags = objectOf(flat.tags);
			const tag = tagKey !== undefined && Object.hasOwn(tags, tagKey) ? tags[tagKey] : undefined;
			const { key = '', value } = tag === undefined ? (entryAt(row, column) ?? {}) : { value: tag };
			const isUnixTime = typeof value === 'number' && column.split('.')[0] !== 'decoded' && isTimeName(key);
			return csvCell(isUnixTime ? written(value * 1000) : value, style);
		};
	});
	const withColumn = new Set(columns);
	const leftOut = new Set<string>();
	const header = columns.map((column) => csvCell(column, style)).join(delimiter);
	return {
		head: `${byteOrderMark ? '\ufeff' : ''}${header}\r\n`,
		row: (row) => {
			const flat = simplify(row);
			if (saysLeftOut && leftOut.size < MOST_LEFT_OUT)
				for (const key of Object.keys(objectOf(flat.tags)))
					if (!key.startsWith('_') && !withColumn.has(TAG + key)) leftOut.add(key);
			return `${cells.map((cell) => cell(row, flat)).join(delimiter)}\r\n`;
		},
		between: '',
		rest: () => [],
		about: () => (leftOut.size ? { tagsWithoutColumn: [...leftOut] } : {}),
	};
}

const COLLECTION = ['{"type":"FeatureCollection","features":[\n', '\n]}\n'] as const;

/** Longitude and latitude in the order of GeoJSON. */
type Position = [longitude: number, latitude: number];

/** Counts the rows that have no place on the map. */
function placeReader() {
	const counts = { withoutLocation: 0 };
	const positionOf = ({ latitude, longitude }: IDataObject): Position | undefined => {
		const place = placeOf(latitude, longitude);
		if (place) return [place.longitude, place.latitude];
		counts.withoutLocation += 1;
		return undefined;
	};
	return { positionOf, counts };
}

/** A feature a row (RFC 7946); one that has no place has no geometry. */
function points({ simplify }: FormatInput): FormatWriter {
	const { positionOf, counts } = placeReader();
	return {
		head: COLLECTION[0],
		row: (row) => {
			const { latitude, longitude, ...properties } = simplify(row);
			const coordinates = positionOf({ latitude, longitude });
			const geometry = coordinates ? { type: 'Point', coordinates } : null;
			return JSON.stringify({ type: 'Feature', geometry, properties });
		},
		between: ',\n',
		rest: () => [COLLECTION[1]],
		about: () => ({ ...counts }),
	};
}

/** A track as GeoJSON: a point, a line, or several lines where it crosses the 180th meridian (RFC 7946, 3.1.9). */
export function trackGeometry(track: readonly Position[]): { type: string; coordinates: unknown } {
	const [first] = track;
	if (track.length === 1) return { type: 'Point', coordinates: first };
	let line: Position[] = [];
	const cut = [line];
	let before: Position | undefined;
	for (const position of track) {
		if (before && Math.abs(position[0] - before[0]) > 180) {
			const side = before[0] > 0 ? 180 : -180;
			const latitude = crossing(before, position, side);
			line.push([side, latitude]);
			cut.push((line = [[-side, latitude]]));
		}
		line.push(position);
		before = position;
	}
	// A place on the meridian itself may leave a line of the same position twice, which is none.
	const lines = cut.filter((part) => part.some(([x, y]) => x !== part[0]?.[0] || y !== part[0]?.[1]));
	if (lines.length > 1) return { type: 'MultiLineString', coordinates: lines };
	return { type: 'LineString', coordinates: lines[0] ?? track };
}

/** The latitude at which the short way between two places meets the meridian at ±180°. */
function crossing([fromX, fromY]: Position, [toX, toY]: Position, side: number): number {
	const [near, far] = [Math.abs(side - fromX), Math.abs(side + toX)];
	return near + far === 0 ? fromY : fromY + ((toY - fromY) * near) / (near + far);
}

interface Track {
	name: string | null;
	/** Longitude, latitude, Unix seconds, longitude … */
	places: number[];
}

/** A feature a device: its places in the order of time; a device with one packet only is a point. */
function lines({ simplify, ownerOf, timeOf = () => NaN }: FormatInput): FormatWriter {
	const tracks = new Map<string, Track>();
	const { positionOf, counts } = placeReader();
	return {
		head: COLLECTION[0],
		row: (row) => {
			const position = positionOf(simplify(row));
			if (!position) return '';
			const { id, name = null } = ownerOf?.(row) ?? { id: '' };
			let track = tracks.get(id);
			if (!track) tracks.set(id, (track = { name, places: [] }));
			track.places.push(...position, timeOf(row));
			return '';
		},
		between: '',
		rest: function* () {
			let between = '';
			for (const [deviceId, track] of tracks) {
				yield `${between}${JSON.stringify(trackFeature(deviceId, track))}`;
				between = ',\n';
			}
			yield COLLECTION[1];
		},
		about: () => ({ ...counts }),
	};
}

function trackFeature(deviceId: string, { name, places }: Track) {
	const track = Array.from({ length: places.length / 3 }, (_, index) => places.slice(3 * index, 3 * index + 3));
	// Packets come in the order in which Hubble received them.
	track.sort(([, , a = 0], [, , b = 0]) => a - b);
	const geometry = trackGeometry(track.map(([longitude = 0, latitude = 0]) => [longitude, latitude]));
	const [firstTime, lastTime] = [track[0], track.at(-1)].map((place) => isoTime(place?.[2] ?? NaN));
	return {
		type: 'Feature',
		geometry,
		properties: { deviceId, deviceName: name, count: track.length, firstTime, lastTime },
	};
}
