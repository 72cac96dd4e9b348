/**
 * All rows of a list into one file of n8n's binary store, streamed page by page: neither the rows nor the
 * file are ever whole in memory. The exception is GeoJSON with one line per device, which has to wait for
 * the last packet and keeps 24 bytes of each until then.
 */
import { Hash } from 'node:crypto';
import type { IDataObject, IExecuteFunctions, INodeExecutionData, NodeOperationError } from 'n8n-workflow';
import type { HubbleClient } from '../client/client';
import type { Field } from './fields';
import type { ItemRequest, Fields } from './operation';
import { acceptedRows, type List } from '../client/pages';
import { isoTime } from './times';
import { requestedPages } from './execute';
import { texts } from './values';

/** What there is to know about the rows of one kind. */
export interface ExportSource {
	/** Beginning of the file's name, e.g. 'packets'. */
	name: string;
	list: List;
	/** The row as it is written, made ready once a file: what decoding adds, for instance. */
	toJson: (request: ItemRequest) => (row: IDataObject) => IDataObject;
	/** The flat fields that are the columns, unless others are chosen. */
	simplify: (row: IDataObject) => IDataObject;
	columns: (request: ItemRequest) => string[];
	/** To whom a row belongs: the lines of GeoJSON. */
	ownerOf?: (row: IDataObject) => { id: string; name?: string };
}

/** Characters that are written at once. */
const SLICE = 65_536;

/** Turns rows into text. `rest` is what is written when all rows are in. */
interface FormatWriter {
	head: string;
	row: (row: IDataObject) => string;
	between: string;
	rest: () => Iterable<string>;
	/** What the item says of the file beside what it says of any. */
	about?: () => IDataObject;
}

const FORMATS = {
	csv: { extension: 'csv', mimeType: 'text/csv', writer: csv },
	geojson: { extension: 'geojson', mimeType: 'application/geo+json', writer: points },
	geojsonLines: { extension: 'geojson', mimeType: 'application/geo+json', writer: lines },
	ndjson: { extension: 'ndjson', mimeType: 'application/x-ndjson', writer: ndjson },
} as const;

function ndjson(): FormatWriter {
	return { head: '', row: (row) => `${JSON.stringify(row)}\n`, between: '', rest: () => [] };
}

/** One cell of CSV (RFC 4180); what is neither text nor number nor boolean is written as JSON. */
export function csvCell(value: unknown): string {
	if (value === null || value === undefined) return '';
	const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
	return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/** The value at a path such as device.tags.site; a key may itself hold dots. */
function valueAt(value: unknown, path: string): unknown {
	if (typeof value !== 'object' || value === null) return undefined;
	if (Object.hasOwn(value, path)) return (value as IDataObject)[path];
	for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
		const key = path.slice(0, dot);
		const found = Object.hasOwn(value, key) ? valueAt((value as IDataObject)[key], path.slice(dot + 1)) : undefined;
		if (found !== undefined) return found;
	}
	return undefined;
}

/** A column is a simplified field, or a path into the row. */
function csv({ simplify, columns }: ExportSource, request: ItemRequest): FormatWriter {
	const chosen = (request.settings.columns as string[] | undefined) ?? columns(request);
	const cells = chosen.map(
		(column) => (row: IDataObject, flat: IDataObject) =>
			csvCell(Object.hasOwn(flat, column) ? flat[column] : valueAt(row, column)),
	);
	return {
		head: `${chosen.map(csvCell).join(',')}\r\n`,
		row: (row) => {
			const flat = simplify(row);
			return `${cells.map((cell) => cell(row, flat)).join(',')}\r\n`;
		},
		between: '',
		rest: () => [],
	};
}

const COLLECTION = ['{"type":"FeatureCollection","features":[\n', '\n]}\n'] as const;

/** A feature a row (RFC 7946); one that has no place has no geometry. */
function points({ simplify }: ExportSource): FormatWriter {
	return {
		head: COLLECTION[0],
		row: (row) => {
			const { latitude, longitude, ...properties } = simplify(row);
			const isPlaced = typeof latitude === 'number' && typeof longitude === 'number';
			const geometry = isPlaced ? { type: 'Point', coordinates: [longitude, latitude] } : null;
			const { decoded, decodeError } = row;
			return JSON.stringify({ type: 'Feature', geometry, properties: { ...properties, decoded, decodeError } });
		},
		between: ',\n',
		rest: () => [COLLECTION[1]],
	};
}

/** A feature a device: its places in the order of time; a device with one packet only is a point. */
function lines({ list, simplify, ownerOf }: ExportSource): FormatWriter {
	const timeOf = list.order?.timeOf ?? (() => NaN);
	interface Track {
		name: string | null;
		/** Longitude, latitude, Unix seconds, longitude … */
		places: number[];
	}
	const tracks = new Map<string, Track>();
	let withoutLocation = 0;
	function* features() {
		let between = '';
		for (const [deviceId, { name, places }] of tracks) {
			const track = Array.from({ length: places.length / 3 }, (_, index) => places.slice(3 * index, 3 * index + 3));
			// Packets come in the order in which Hubble received them.
			track.sort(([, , a = 0], [, , b = 0]) => a - b);
			const coordinates = track.map(([longitude, latitude]) => [longitude, latitude]);
			const geometry =
				coordinates.length > 1 ? { type: 'LineString', coordinates } : { type: 'Point', coordinates: coordinates[0] };
			const [firstTime, lastTime] = [track[0], track.at(-1)].map((place) => isoTime(place?.[2] ?? NaN));
			const properties = { deviceId, deviceName: name, count: coordinates.length, firstTime, lastTime };
			yield `${between}${JSON.stringify({ type: 'Feature', geometry, properties })}`;
			between = ',\n';
		}
		yield COLLECTION[1];
	}
	return {
		head: COLLECTION[0],
		row: (row) => {
			const { latitude, longitude } = simplify(row);
			if (typeof latitude !== 'number' || typeof longitude !== 'number') {
				withoutLocation += 1;
				return '';
			}
			const { id, name = null } = ownerOf?.(row) ?? { id: '' };
			let track = tracks.get(id);
			if (!track) tracks.set(id, (track = { name, places: [] }));
			track.places.push(longitude, latitude, timeOf(row));
			return '';
		},
		between: '',
		rest: features,
		about: () => ({ withoutLocation }),
	};
}

/**
 * Writes the file of one item and gives the item: the file, and in its JSON what is in it. Where On Error says
 * to continue, a failing page ends the file instead of losing it; `stoppedBy` then says why and what to do, and
 * `continuationToken` where to go on.
 */
export const exportTo =
	(subject: ExportSource) =>
	async ({
		context,
		hubble,
		request,
	}: {
		context: IExecuteFunctions;
		hubble: HubbleClient;
		request: ItemRequest;
	}): Promise<INodeExecutionData[]> => {
		const { settings, clientFilters } = request;
		const format = String(settings.format) as keyof typeof FORMATS;
		const { extension, mimeType, writer } = FORMATS[format];
		const { head, row: write, between, rest, about } = writer(subject, request);
		const timeOf = subject.list.order?.timeOf;
		const toJson = subject.toJson(request);
		const requestsBefore = hubble.requests;
		let [count, bytes, skipped] = [0, 0, 0];
		let [first, last] = [Infinity, -Infinity];
		let stopped: IDataObject = {};
		let failure: unknown;

		async function* parts() {
			let text = head;
			let { continuationToken } = request;
			/** Rows of the page at `token` that are written: where a token leads to, they come again. */
			let written = 0;
			try {
				for await (const { rows, next } of requestedPages(hubble, subject.list, request)) {
					let isCut = false;
					for (const row of acceptedRows(rows, subject.list, () => (skipped += 1), clientFilters)) {
						isCut = count >= request.limit;
						if (isCut) break;
						const time = timeOf?.(row) ?? NaN;
						if (time < first) first = time;
						if (time > last) last = time;
						text += (count ? between : '') + write(toJson(row));
						count += 1;
						written += 1;
						if (text.length >= SLICE) {
							yield text;
							text = '';
						}
					}
					// A page of few rows waits for nobody: its text goes before the next page is asked for.
					yield text;
					text = '';
					if (count >= request.limit) {
						if (isCut)
							stopped = continuationToken ? { continuationToken: continuationToken, rowsRepeated: written } : {};
						else if (next) stopped = { continuationToken: next };
						break;
					}
					continuationToken = next;
					written = 0;
				}
			} catch (error) {
				// An error inside a stream that nobody reads yet would end the process: the file ends, then it is thrown.
				failure = error;
				if (!count || !context.continueOnFail() || hubble.signal?.aborted) return;
				const { message, description, context: details } = error as NodeOperationError;
				stopped = {
					stoppedBy: [message, description].filter(Boolean).join('. '),
					continuationToken: details?.resumeToken ?? continuationToken,
					...(continuationToken && written ? { rowsRepeated: written } : {}),
				};
			}
			yield text;
			yield* rest();
		}

		async function* chunks() {
			for await (const text of parts()) if (text) yield Buffer.from(text);
		}

		async function* counted() {
			const source = settings.gzip
				? ReadableStream.from<Uint8Array>(chunks()).pipeThrough<Uint8Array>(new CompressionStream('gzip'))
				: chunks();
			for await (const chunk of source) {
				bytes += chunk.length;
				yield chunk;
			}
		}

		const fileName = `${(settings.fileName as string | undefined) || subject.name}.${extension}${settings.gzip ? '.gz' : ''}`;
		// n8n stores a Readable without holding it. Nodes may not import Node's streams, but its hashes are
		// streams, and `from` is inherited.
		const file = await context.helpers.prepareBinaryData(
			Hash.from(counted()),
			fileName,
			settings.gzip ? 'application/gzip' : mimeType,
		);
		if (failure && !stopped.stoppedBy) throw failure as Error;
		const times = timeOf ? { firstTime: isoTime(first), lastTime: isoTime(last) } : {};
		const json: IDataObject = {
			fileName,
			count,
			...times,
			bytes,
			requests: hubble.requests - requestsBefore,
			...about?.(),
			...(skipped ? { skipped } : {}),
			...stopped,
		};
		return [{ json, binary: { [String(settings.binaryField || 'data')]: file } }];
	};

/** The parameters of an export; `hasLines` where rows of several devices follow each other in time. */
export function exportFields({ hasLines = false } = {}): Fields {
	const format: Field = {
		displayName: 'Format',
		name: 'format',
		type: 'options',
		options: [
			{ name: 'CSV', value: 'csv', description: 'A table with a header, for spreadsheets and databases' },
			...(hasLines
				? [
						{
							name: 'GeoJSON Lines',
							value: 'geojsonLines',
							description: 'One line per device through its places, in order of time',
						},
					]
				: []),
			{ name: 'GeoJSON Points', value: 'geojson', description: 'One point each, for maps' },
			{ name: 'NDJSON', value: 'ndjson', description: 'One JSON object a line, with all that Hubble says' },
		],
		default: 'ndjson',
		description: 'What the file holds',
	};
	const columns: Field = {
		displayName: 'Columns',
		name: 'columns',
		type: 'string',
		typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Column' },
		default: [],
		placeholder: 'e.g. device.tags.site',
		description:
			'The columns in their order: simplified fields, or paths such as location.altitude. Empty means all simplified fields.',
		shownWhen: { format: ['csv'] },
		toWire: texts,
	};
	const gzip: Field = {
		displayName: 'Compress',
		name: 'gzip',
		type: 'boolean',
		default: false,
		description: 'Whether to compress the file with gzip',
		collection: 'options',
	};
	const fileName: Field = {
		displayName: 'File Name',
		name: 'fileName',
		type: 'string',
		default: '',
		placeholder: 'e.g. september',
		description: 'Without its extension, which the format gives',
		collection: 'options',
	};
	const binaryField: Field = {
		displayName: 'Put Output File in Field',
		name: 'binaryPropertyName',
		type: 'string',
		default: 'data',
		hint: 'The name of the output binary field to put the file in',
		collection: 'options',
	};
	return { format, columns, gzip, fileName, binaryField };
}
