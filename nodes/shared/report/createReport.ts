/** A report on the rows of a list: one HTML file that needs nothing else, and its figures in the item. */
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { DEFAULT_PERIOD_S } from '../client/endpoints';
import type { List } from '../client/pages';
import { choices, textPart, type Field } from '../operation/fields';
import type { ItemRequest, RequestOf, Work } from '../operation/operation';
import type { DecodeSettings } from '../packet/decode';
import { binaryField, fileName, fileNameOf } from '../operation/outputFile';
import { wantedRows } from '../operation/rows';
import { timeText } from '../operation/times';
import { counted, numberIn, text } from '../operation/values';
import type { Block } from './blocks';
import { mailOf } from './mail';
import { pageOf } from './page';

/** What a report knows beside the rows. Times are Unix seconds. */
export interface ReportFrame {
	now: number;
	start: number;
	end: number;
	/** IANA zone in which times are shown. */
	timezone: string;
	settings: ReportSettings;
}

/** What reports read of the settings of their rows; not each row has all of them. */
interface ReportSettings extends DecodeSettings {
	groupByTag?: string;
	silentAfterHours?: number;
	reportValues?: string[];
}

/** Takes rows one at a time, in bounded memory, and renders the result at the end. */
export interface Report {
	add(row: IDataObject): void;
	/** Reads what the rows do not say, when all of them are there. */
	readMore?(work: Work): Promise<void>;
	summary(): IDataObject;
	render(): Block[];
}

interface ReportSource {
	/** Beginning of the file's name. */
	name: string;
	title: string;
	list: List;
	start: (frame: ReportFrame, hints: Work['hints']) => Report;
}

const title = {
	...textPart('Title', 'reportTitle', 'e.g. Cold Chain, Week 45', 'The heading of the report'),
	collection: 'options',
} satisfies Field;

const html = {
	displayName: 'HTML in JSON',
	name: 'htmlInJson',
	type: 'options',
	options: choices(
		['For Mail', 'mail', 'Tables and bars that mail programs show, at most 90 kB; the map is only in the file'],
		['None', 'none', 'The report is only in the file'],
		['Whole Page', 'page', 'The same page as in the file, for Form and Respond to Webhook'],
	),
	default: 'mail',
	description: 'What to put in the field html. Without this option: the whole page.',
	collection: 'options',
} satisfies Field;

export const groupByTag = {
	...textPart('Group by Tag', 'groupByTag', 'e.g. site'),
	description: 'Adds a table with a row for each value of this tag of the devices',
	collection: 'options',
	toWire: text(32),
} satisfies Field;

export const silentAfterHours = {
	displayName: 'Silent After (Hours)',
	name: 'silentAfterHours',
	type: 'number',
	typeOptions: { minValue: 1 },
	default: 24,
	description: 'After how many hours without a packet a device counts as silent',
	toWire: numberIn(1, 1_000_000, false),
} satisfies Field;

/** The parameters that all reports have. */
export const reportFields = { title, html, fileName, binaryField };

type ReportRequest = ItemRequest & RequestOf<{ settings: typeof reportFields }>;

/** Reads all rows and gives one item: the file, and its figures in the JSON. */
export const reportOn =
	({ name, title, list, start }: ReportSource) =>
	async (work: Work<ReportRequest & { settings: ReportSettings }>): Promise<INodeExecutionData[]> => {
		const { context, hubble, request, hints } = work;
		const { settings, query } = request;
		const timezone = context.getTimezone();
		const now = Math.floor(await hubble.learnNow());
		const end = Number(query.end ?? now);
		const frame: ReportFrame = { now, end, start: Number(query.start ?? end - DEFAULT_PERIOD_S), timezone, settings };
		const report = start(frame, hints);
		let skipped = 0;
		for await (const row of wantedRows(work, list, () => (skipped += 1))) report.add(row);
		await report.readMore?.(work);
		const shown = (seconds: number) => timeText(seconds * 1000, timezone).slice(0, 16);
		const lead = query.start === undefined ? undefined : `${shown(frame.start)} to ${shown(end)}, ${timezone}`;
		const remark = skipped ? `${counted(skipped, 'malformed row')} left out.` : undefined;
		const figures = { ...report.summary(), ...(skipped ? { skipped } : {}) };
		return [await reportItem(work, { name, title, lead, blocks: report.render(), remark }, figures)];
	};

interface Draft extends Pick<ReportSource, 'name' | 'title'> {
	/** By default the time. */
	lead?: string;
	blocks: readonly Block[];
	/** What the foot says beside the time. */
	remark?: string;
}

/** A report as an item: the file, and its figures in the JSON. */
export async function reportItem(work: Work<ReportRequest>, draft: Draft, figures: IDataObject) {
	const { context, hubble, request } = work;
	const { settings, isTool } = request;
	const timezone = context.getTimezone();
	const time = timeText(Math.floor(hubble.now()) * 1000, timezone);
	const drawing = {
		title: String(settings.title ?? '').trim() || draft.title,
		lead: draft.lead ?? `As of ${time.slice(0, 16)}, ${timezone}`,
		blocks: draft.blocks,
		footer: [`Made by n8n on ${time} (${timezone}).`, draft.remark].filter(Boolean).join(' '),
	};
	const page = pageOf(drawing);
	const name = `${fileNameOf(draft.name, request, timezone)}.html`;
	const file = await context.helpers.prepareBinaryData(Buffer.from(page), name, 'text/html');
	const html = settings.html === 'mail' ? mailOf(drawing) : page;
	const json: IDataObject = {
		fileName: name,
		title: drawing.title,
		...figures,
		...(settings.html === 'none' || isTool ? {} : { html }),
	};
	return { json, binary: { [String(settings.binaryField ?? 'data')]: file } };
}
