/** Create Chart: packets a day and devices a month, as one HTML file in the form of the reports. */
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { endpoints, METRIC_INTERVALS } from '../shared/client/endpoints';
import { rowsOf } from '../shared/client/json';
import type { Field } from '../shared/operation/fields';
import type { RequestOf, Work } from '../shared/operation/operation';
import { chunks } from '../shared/operation/packing';
import { wholeNumber, counted } from '../shared/operation/values';
import type { Column, Section } from '../shared/report/blocks';
import { reportItem, type reportFields } from '../shared/report/createReport';
import { percent } from '../shared/report/markup';

/** Columns that the chart of packets has at most: with more, each stands for several days. */
const MOST_COLUMNS = 60;
const LABELS = 10;

const numberOf = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);
/** '2026-11-03' */
const dayOf = ({ timestamp }: IDataObject): string => String(timestamp).slice(0, 10);

/** @param rows one for each day, the running one last */
function packetSection(rows: readonly IDataObject[]): Section {
	const title = 'Packets';
	if (!rows.length) return { title, content: { text: 'Hubble returned no days.' } };
	const size = Math.ceil(rows.length / MOST_COLUMNS);
	const groups = chunks(rows, size);
	const every = Math.ceil(groups.length / LABELS);
	const columns = groups.map((days, index): Column => {
		const packets = days.reduce((sum, { total_packets }) => sum + numberOf(total_packets), 0);
		const [first, last] = [days[0] ?? {}, days.at(-1) ?? {}].map(dayOf);
		const time = first === last ? first : `${first} to ${last}`;
		const isRunning = index === groups.length - 1;
		return {
			parts: [packets],
			title: `${time}: ${counted(packets, 'packet')}${isRunning ? ' so far' : ''}`,
			label: index % every === 0 ? first?.slice(5) : undefined,
		};
	});
	const unit = size === 1 ? 'Each day' : `Every ${size} days`;
	return {
		title,
		subtitle: `${unit} (UTC); the last column is incomplete`,
		content: { columns, series: ['Packets'], description: 'Packets over time' },
	};
}

/** @param rows one for each month; Hubble gives no numbers of the running one. Months before the first device are left out. */
function deviceSection(rows: readonly IDataObject[]): Section {
	const first = rows.findIndex(({ registered_devices }) => numberOf(registered_devices) > 0);
	const months = rows.slice(first).filter(({ registered_devices }) => typeof registered_devices === 'number');
	const title = 'Devices';
	if (first < 0) return { title, content: { text: 'No device was registered before this month.' } };
	const columns = months.map((row): Column => {
		const [registered, active] = [numberOf(row.registered_devices), numberOf(row.active_devices)];
		const month = dayOf(row).slice(0, 7);
		return {
			parts: [active, Math.max(0, registered - active)],
			title: `${month}: ${wholeNumber(active)} active of ${wholeNumber(registered)}`,
			label: month,
		};
	});
	return {
		title,
		subtitle: 'Complete months (UTC)',
		content: { columns, series: ['Active', 'Registered, not active'], description: 'Devices over time' },
	};
}

type ChartRequest = RequestOf<{ inQuery: { days: Field; filter_tags: Field }; settings: typeof reportFields }>;

/** Two calls, and one item: the file, and its figures in the JSON. */
export async function chartItems(work: Work<ChartRequest>): Promise<INodeExecutionData[]> {
	const { hubble, request } = work;
	const { days, filter_tags } = request.query;
	const read = async (endpoint: typeof request.endpoint, query: IDataObject) =>
		(await hubble.send({ ...request, endpoint, query: { ...query, filter_tags } })).body;
	const packets = await read(endpoints.getPacketMetrics, { days, time_interval: 'day' });
	const devices = await read(endpoints.getDeviceMetrics, { days: METRIC_INTERVALS, time_interval: 'month' });
	const rows = rowsOf(packets.buckets);
	const whole = rows.slice(0, -1).map(({ total_packets }) => numberOf(total_packets));
	const figures = {
		packets: numberOf(packets.total_packets),
		devices: numberOf(devices.total_registered_devices),
		activeDevices: numberOf(devices.total_active_devices),
		neverActiveDevices: numberOf(devices.total_never_active_devices),
	};
	const mean = whole.reduce((sum, value) => sum + value, 0) / Math.max(1, whole.length);
	const share = (label: string, value: number) => ({
		label,
		value: wholeNumber(value),
		remark: percent(value, figures.devices),
	});
	const blocks = [
		{
			figures: [
				{ label: 'Packets', value: wholeNumber(figures.packets), remark: `in ${counted(Number(days), 'day')}` },
				{ label: 'Packets a day', value: whole.length ? wholeNumber(mean) : '–', remark: 'mean of whole days' },
				{ label: 'Devices', value: wholeNumber(figures.devices) },
				share('Active in a year', figures.activeDevices),
				share('Never active', figures.neverActiveDevices),
			],
		},
		[packetSection(rows)],
		[deviceSection(rowsOf(devices.buckets))],
	];
	const drawing = { title: 'Metrics', blocks, name: 'metrics' };
	return [await reportItem(work, drawing, figures)];
}
