import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { choices, environment, toggle, type Field } from '../shared/operation/fields';
import { endpoints, METRIC_INTERVALS } from '../shared/client/endpoints';
import { operation, type Operation, type RequestOf, type Work } from '../shared/operation/operation';
import { rowsOf } from '../shared/client/json';
import { rowItems } from '../shared/operation/rows';
import { numberIn } from '../shared/operation/values';
import { reportFields } from '../shared/report/createReport';
import { chartItems } from './chart';

const days = {
	displayName: 'Days Back',
	name: 'days',
	type: 'number',
	typeOptions: { minValue: 1 },
	default: 7,
	required: true,
	description: 'How many days to look back, from 1 to 365',
	toWire: numberIn(1, METRIC_INTERVALS),
} satisfies Field;

const chartDays = 'How many days of packets to draw, from 1 to 365. Devices are drawn for each month of the last year.';

const interval = {
	displayName: 'Interval',
	name: 'interval',
	type: 'options',
	options: choices(
		['Automatic', 'automatic', 'Hours for one day, days for up to 31 days, months for more'],
		['Day', 'day'],
		['Hour', 'hour', 'For up to 15 days'],
		['Month', 'month'],
	),
	default: 'automatic',
	description: 'The length of each interval. The one that is still running is marked by isRunning.',
	toWire: (value) => (value === 'automatic' ? undefined : String(value)),
} satisfies Field;

const output = {
	displayName: 'Output',
	name: 'output',
	type: 'options',
	options: choices(
		['One Item per Interval', 'intervals'],
		['Summary with All Intervals', 'summary', 'One item with the totals and a list of the intervals'],
	),
	default: 'intervals',
	description: 'Whether to return one item per interval or one summary',
} satisfies Field;

const includeRunning = {
	...toggle('Include Running Interval', 'includeRunning', true),
	description: 'Whether to include the interval that is still running, whose numbers still grow',
	shownWhen: { output: ['intervals'] },
} satisfies Field;

/** When the interval that begins at a time is over, in Unix milliseconds; intervals follow UTC. */
function endOf(start: string, { days: back, time_interval }: IDataObject): number {
	const begin = new Date(start);
	const kind = time_interval ?? (Number(back) <= 1 ? 'hour' : Number(back) <= 31 ? 'day' : 'month');
	if (kind === 'month') return Date.UTC(begin.getUTCFullYear(), begin.getUTCMonth() + 1);
	return begin.getTime() + (kind === 'hour' ? 3_600_000 : 86_400_000);
}

/** What the four calls have in common. */
const parameters = { inQuery: { days, time_interval: interval }, settings: { output, includeRunning } };
type MetricRequest = RequestOf<typeof parameters>;

async function metricItems(work: Work<MetricRequest>): Promise<INodeExecutionData[]> {
	const { settings: chosen, query } = work.request;
	const { body: reply } = await work.hubble.send(work.request);
	const rows = rowsOf(reply.buckets).map((row) => ({
		...row,
		isRunning: endOf(String(row.timestamp), query) > 1000 * work.hubble.now(),
	}));
	if (chosen.output === 'summary') return rowItems(work, [{ ...reply, buckets: rows }]);
	const wanted = chosen.includeRunning === false ? rows.filter(({ isRunning }) => !isRunning) : rows;
	const { limit } = work.request;
	if (wanted.length <= limit) return rowItems(work, wanted);
	// Only a model gets less than all, and the oldest would not answer what it is asked.
	const note = `The latest ${limit} of ${wanted.length} intervals. Ask for fewer days, or for longer intervals.`;
	return [...rowItems(work, wanted.slice(-limit)), { json: { note } }];
}

const validate = ({ query }: MetricRequest): string | undefined => {
	const most = Math.floor(METRIC_INTERVALS / 24);
	if (query.time_interval !== 'hour' || Number(query.days) <= most) return undefined;
	return `"Interval": hourly data covers at most ${most} days. Reduce Days Back or choose Day`;
};

const metrics = { ...parameters, items: metricItems, validate };

/** The metrics' calls (API definition, tag "Platform Metrics"). Success rates are from 0 to 1. */
export const metricOperations: readonly Operation[] = [
	operation({
		name: 'Create Chart',
		value: 'createChart',
		action: 'Create chart of metrics',
		description: 'Create charts of packets a day and devices a month as one HTML file',
		endpoint: endpoints.getPacketMetrics,
		alsoCalls: { endpoint: endpoints.getDeviceMetrics },
		inQuery: { days: { ...days, default: 30, description: chartDays }, filter_tags: environment },
		settings: reportFields,
		items: chartItems,
	}),
	operation({
		...metrics,
		name: 'Get API Metrics',
		value: 'getApiMetrics',
		description: 'Get how many API requests the organization made and what share of them succeeded',
		endpoint: endpoints.getApiMetrics,
	}),
	operation({
		...metrics,
		name: 'Get Device Metrics',
		value: 'getDeviceMetrics',
		description: 'Get how many devices were registered, active and never active',
		endpoint: endpoints.getDeviceMetrics,
		inQuery: { ...metrics.inQuery, filter_tags: environment },
	}),
	operation({
		...metrics,
		name: 'Get Packet Metrics',
		value: 'getPacketMetrics',
		description: 'Get how many packets Hubble received',
		endpoint: endpoints.getPacketMetrics,
		inQuery: { ...metrics.inQuery, filter_tags: environment },
	}),
	operation({
		...metrics,
		name: 'Get Webhook Metrics',
		value: 'getWebhookMetrics',
		description: 'Get how many deliveries Hubble made to webhooks and what share of them succeeded',
		endpoint: endpoints.getWebhookMetrics,
	}),
];
