/**
 * All rows of a list into one file of n8n's binary store, streamed page by page: neither the rows nor the
 * file are ever whole in memory. The exception is GeoJSON with one line per device, which has to wait for
 * the last packet and keeps 24 bytes of each until then.
 */
import { Hash } from 'node:crypto';
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { endpoints } from '../client/endpoints';
import { asError, detailsOf } from '../client/errors';
import { objectOf, withoutUndefined } from '../client/json';
import { acceptedRows, pages, type List, type Page } from '../client/pages';
import { columnChoice, csvStyle, withTagColumns, type ExportRequest } from './exportFields';
import { FORMATS, type FormatInput, type FormatWriter } from './exportFormats';
import type { Hint, ItemRequest, Operation, Work } from './operation';
import { fileNameOf } from './outputFile';
import { wantedPages } from './rows';
import { isoTime } from './times';

/** What there is to know about the rows of one kind. */
interface ExportSource<R> extends Pick<FormatInput, 'ownerOf'> {
	simplify: Required<Operation>['shape'];
	/** Beginning of the file's name, e.g. 'packets'. */
	name: string;
	list: List;
	/** The row as it is written, made ready once a file: what decoding adds, for instance. */
	toJson: (request: R, hints: Set<Hint>) => (row: IDataObject) => IDataObject;
	/** The flat fields that are the columns, unless others are chosen. */
	columns: (request: R) => string[];
}

const SLICE = 65_536;

class FileText {
	count = 0;
	/** Rows that are none. */
	skipped = 0;
	first = Infinity;
	last = -Infinity;
	/** Where the page begins that is being written; `undefined` on the first one. */
	token: string | undefined;
	/** Rows of that page that are written: where its token leads to, they come again. */
	written = 0;
	/** Whether a limit or an error ended the file before the list did, and where to go on. */
	cut?: IDataObject;
	/** Whether a row was met beyond the limit. */
	hasMore = false;
	/** Why there is no file. */
	failure?: unknown;
	private text: string;

	constructor(
		private readonly list: List,
		private readonly writer: FormatWriter,
		private readonly toJson: (row: IDataObject) => IDataObject,
		private readonly work: Work,
	) {
		this.token = work.request.continuationToken;
		this.text = writer.head;
	}

	/**
	 * The file in slices. It ends where the list, the limit or an error does. An error is kept in `failure` and not
	 * thrown: inside a stream that nobody reads yet it would end the process.
	 */
	async *slices(): AsyncGenerator<string> {
		const { request } = this.work;
		try {
			for await (const page of wantedPages(this.work, this.list, true)) {
				yield* this.rowsOf(page);
				// A page of few rows waits for nobody: its text goes before the next page is asked for.
				yield this.take();
				if (this.count >= request.limit) {
					if (!this.cut && page.next) this.cut = { continuationToken: page.next };
					break;
				}
				this.token = page.next;
				this.written = 0;
			}
		} catch (error) {
			this.stop(error);
			if (this.failure) return;
		}
		yield this.take();
		yield* this.writer.rest();
	}

	private *rowsOf({ rows }: Page): Generator<string> {
		const { clientFilters, limit } = this.work.request;
		for (const row of acceptedRows(rows, this.list, () => (this.skipped += 1), clientFilters)) {
			if (this.count >= limit) {
				this.hasMore = true;
				this.cut = this.token ? { continuationToken: this.token, rowsRepeated: this.written } : {};
				return;
			}
			this.add(row);
			if (this.text.length >= SLICE) yield this.take();
		}
	}

	private add(row: IDataObject): void {
		const time = this.list.timeOf?.(row) ?? NaN;
		if (time < this.first) this.first = time;
		if (time > this.last) this.last = time;
		this.text += (this.count ? this.writer.between : '') + this.writer.row(this.toJson(row));
		this.count += 1;
		this.written += 1;
	}

	private take(): string {
		const { text } = this;
		this.text = '';
		return text;
	}

	/** An error after the first row ends the file, where On Error says to continue; else there is none. */
	private stop(error: unknown): void {
		const { context, hubble } = this.work;
		if (!this.count || !context.continueOnFail() || hubble.isStopped) {
			this.failure = error;
			return;
		}
		const { message, description } = asError(error);
		const { resumeToken: continuationToken, resumeStartTime, resumeEndTime } = detailsOf(error);
		const stoppedBy = [message, description].filter(Boolean).join('. ');
		this.cut = withoutUndefined({ stoppedBy, continuationToken, resumeStartTime, resumeEndTime });
	}
}

async function* encoded(slices: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
	for await (const text of slices) if (text) yield Buffer.from(text);
}

const compressed = (bytes: AsyncGenerator<Uint8Array>): AsyncIterable<Uint8Array> =>
	ReadableStream.from<Uint8Array>(bytes).pipeThrough<Uint8Array>(new CompressionStream('gzip'));

async function* measured(bytes: AsyncIterable<Uint8Array>, size: { bytes: number }): AsyncGenerator<Uint8Array> {
	for await (const chunk of bytes) {
		size.bytes += chunk.length;
		yield chunk;
	}
}

/** An AI agent may leave it out. */
const formatOf = ({ settings }: ExportRequest) => FORMATS[settings.format as keyof typeof FORMATS] ?? FORMATS.csv;

/** The keys of the tags in a device list, but for Hubble's own, in the order of the alphabet. */
export async function tagKeysIn(
	devices: AsyncIterable<Page> | Iterable<Page>,
	filters: ItemRequest['clientFilters'] = [],
): Promise<string[]> {
	const keys = new Set<string>();
	for await (const { rows } of devices) {
		for (const { tags } of acceptedRows(rows, endpoints.listDevices.list, undefined, filters)) {
			for (const key of Object.keys(objectOf(tags))) if (!key.startsWith('_')) keys.add(key);
		}
	}
	return [...keys].sort((a, b) => a.localeCompare(b));
}

/** The tags that get columns: those of the devices that are exported, else of all. */
async function everyTag(work: Work<ExportRequest>, { rows }: List): Promise<string[]> {
	const { list } = endpoints.listDevices;
	if (rows !== list.rows)
		return await tagKeysIn(pages(work.hubble, { endpoint: endpoints.listDevices }, list, list.pageSize.max));
	const request = { ...work.request, limit: Infinity, continuationToken: undefined };
	return await tagKeysIn(wantedPages({ ...work, request }, list), request.clientFilters);
}

async function writerOf<R extends ExportRequest>(source: ExportSource<R>, work: Work<R>, timezone: string) {
	const { simplify, ownerOf, list } = source;
	const { request, hubble } = work;
	const { columns, tagKeys } = columnChoice(request, source.columns(request));
	const format = formatOf(request);
	const isEvery = tagKeys === 'every' && format === FORMATS.csv;
	const keys = isEvery ? await everyTag(work, list) : tagKeys === 'every' ? [] : tagKeys;
	return format.writer({
		simplify: (row) => simplify(row, hubble.now()),
		ownerOf,
		timeOf: list.timeOf,
		columns: keys ? withTagColumns(columns, keys) : columns,
		saysLeftOut: isEvery,
		csv: csvStyle(request, timezone),
	});
}

/**
 * Writes the file of one item and gives the item: the file, and in its JSON what is in it. Where On Error says
 * to continue, a failing page ends the file instead of losing it; `stoppedBy` then says why and what to do, and
 * `continuationToken`, or `resumeStartTime` and `resumeEndTime`, where to go on.
 */
export const exportTo =
	<R>(source: ExportSource<R>) =>
	async (work: Work<R & ExportRequest>): Promise<INodeExecutionData[]> => {
		const { context, hubble, request, hints } = work;
		const { gzip, binaryField = 'data' } = request.settings;
		const { extension, mimeType } = formatOf(request);
		const timezone = context.getTimezone();
		const requestsBefore = hubble.run.traffic.requests;
		const writer = await writerOf(source, work, timezone);
		const file = new FileText(source.list, writer, source.toJson(request, hints), work);
		const fileName = `${fileNameOf(source.name, request, timezone)}.${extension}${gzip ? '.gz' : ''}`;
		const size = { bytes: 0 };
		const bytes = encoded(file.slices());
		// n8n stores a Readable without holding it. Nodes may not import Node's streams, but its hashes are
		// streams, and `from` is inherited.
		const stored = await context.helpers.prepareBinaryData(
			Hash.from(measured(gzip ? compressed(bytes) : bytes, size)),
			fileName,
			gzip ? 'application/gzip' : mimeType,
		);
		if (file.failure) throw asError(file.failure);
		const why = file.cut?.stoppedBy
			? `it ends after ${file.count} rows; its item says why, and how to resume.`
			: `${file.hasMore ? 'more rows exist' : 'there may be more rows'} than the Limit of ${file.count}.`;
		const isCertain = file.cut?.stoppedBy || file.hasMore;
		if (file.cut) hints.add(`The file "${fileName}" ${isCertain ? 'is not' : 'may not be'} complete: ${why}`);
		const json: IDataObject = {
			fileName,
			count: file.count,
			complete: !file.cut,
			...(source.list.timeOf ? { firstTime: isoTime(file.first), lastTime: isoTime(file.last) } : {}),
			...size,
			requests: hubble.run.traffic.requests - requestsBefore,
			...writer.about?.(),
			...(file.skipped ? { skipped: file.skipped } : {}),
			...file.cut,
		};
		return [{ json, binary: { [String(binaryField)]: stored } }];
	};
