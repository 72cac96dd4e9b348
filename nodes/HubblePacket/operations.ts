import type { IDataObject } from 'n8n-workflow';
import { DAY_S, HOUR_S } from '../shared/client/clock';
import { DEFAULT_PERIOD_S, endpoints, PACKET_RETENTION_S } from '../shared/client/endpoints';
import { decodedNames, withDecoded } from '../shared/packet/decode';
import { decodeFields } from '../shared/packet/decodeFields';
import { exportFields, exportRange } from '../shared/operation/exportFields';
import { exportTo } from '../shared/operation/exportFile';
import { CALENDAR_PERIODS, device, environment, type Field } from '../shared/operation/fields';
import { operation, type Fields, type Hint, type Operation } from '../shared/operation/operation';
import { groupByTag, reportFields, reportOn } from '../shared/report/createReport';
import { PacketReport } from '../shared/report/packetReport';
import { reportValueSettings, valueSections } from '../shared/report/reportValues';
import { isPacket, PACKETS, PACKET_FIELDS, simplifiedWith, simplifyPacket } from '../shared/packet/packet';
import { decoderOf } from '../shared/packet/tally';
import { valueFilter, valueReason } from '../shared/packet/valueFilter';
import { chosenShape, listItems } from '../shared/operation/rows';
import { calendarPeriod } from '../shared/operation/times';
import type { ConversionContext } from '../shared/operation/values';
import { unixSeconds } from '../shared/operation/dates';
import { countItems, countSettings } from './count';
import { decodeSettings } from './decodeItems';
import {
	deviceSettings,
	filteredHere,
	packetSettings,
	tagSettings,
	valueSettings,
	type PeriodRequest,
} from './filters';
import { includeSilent, latestItems } from './latestItems';
import { summaryItems, summarySettings } from './summarize';

/** The periods that reach back from now, by how many seconds; the others follow the calendar. */
const PERIODS: Readonly<Record<string, number>> = {
	lastHour: HOUR_S,
	last24Hours: DAY_S,
	last7Days: 7 * DAY_S,
	last30Days: PACKET_RETENTION_S,
};

/** The period that the user chose by its name, in Unix seconds. */
function chosenPeriod(parameter: (name: string) => unknown, context: ConversionContext) {
	const name = String(parameter('period'));
	const now = context.now();
	const end = Math.ceil(now);
	return calendarPeriod(name, now, context.timezone) ?? { start: end - (PERIODS[name] ?? DEFAULT_PERIOD_S), end };
}

const period = {
	displayName: 'Period',
	name: 'period',
	type: 'options',
	options: [
		{ name: 'Custom', value: 'custom', description: 'Between a start and an end time' },
		{ name: 'Last 24 Hours', value: 'last24Hours' },
		{ name: 'Last 30 Days', value: 'last30Days', description: 'Everything that Hubble keeps' },
		{ name: 'Last 7 Days', value: 'last7Days' },
		{ name: 'Last Hour', value: 'lastHour' },
		...CALENDAR_PERIODS,
	],
	default: 'last7Days',
	description: 'When Hubble received the packets. Days and months are those of the time zone of the workflow.',
} satisfies Field;

/** The period and the filters of the packet history. */
const inQuery = {
	start: {
		displayName: 'Start Time',
		name: 'startTime',
		type: 'dateTime',
		default: '',
		description: 'Empty means seven days ago. Hubble keeps packets for 30 days.',
		shownWhen: { period: ['custom'] },
		toWire: unixSeconds('down'),
		whenHidden: (...given) => chosenPeriod(...given).start,
		whenEmpty: ({ now }) => Math.ceil(now()) - DEFAULT_PERIOD_S,
	},
	end: {
		displayName: 'End Time',
		name: 'endTime',
		type: 'dateTime',
		default: '',
		description: 'The end of the period, which is not included. Empty means now.',
		shownWhen: { period: ['custom'] },
		toWire: unixSeconds('up'),
		// Without an end Hubble would leave the stream open for packets yet to come.
		whenHidden: (...given) => chosenPeriod(...given).end,
		whenEmpty: ({ now }) => Math.ceil(now()),
	},
	device_id: {
		...device,
		required: false,
		collection: 'filters',
		description: 'Only packets of this device: for troubleshooting, not for large amounts',
	},
	filter_tags: environment,
} satisfies Fields;

const order = {
	displayName: 'Order',
	name: 'order',
	type: 'options',
	options: [
		{ name: 'Newest First', value: 'newest', description: 'The latest packets of the period' },
		{ name: 'Oldest First', value: 'oldest', description: 'The first packets of the period' },
	],
	default: 'newest',
	description: 'Which packets of the period to return. Return All returns the oldest first.',
	shownWhen: { returnAll: [false] },
} satisfies Field;

/** "Last 30 Days" is as long as the history, and it takes a moment to ask for it. */
const HISTORY_SLACK_S = 60;

type HistoryRequest = PeriodRequest<unknown>;

function periodReason({ query: { start, end }, continuationToken }: HistoryRequest): string | undefined {
	return !continuationToken && Number(start) >= Number(end)
		? '"Start Time" must be before End Time; if empty, it is seven days ago'
		: undefined;
}

/** Hubble keeps packets for 30 days unless the plan extends it: a whole month reaches further back. */
function historyHint({ query: { start, end }, continuationToken }: HistoryRequest, now: number): string | undefined {
	const begin = now - PACKET_RETENTION_S - HISTORY_SLACK_S;
	if (continuationToken || Number(start) >= begin) return undefined;
	return Number(end) <= begin
		? 'The period ends more than 30 days ago. Hubble may keep no packets that old.'
		: 'The period begins more than 30 days ago. Hubble may no longer have its first packets.';
}

const validate = (request: HistoryRequest) => periodReason(request) ?? valueReason(request);

/** The packet, short or whole, with what its payload says. */
function packetToJson(request: HistoryRequest, hints: Set<Hint>) {
	// A filter by value has counted the payloads.
	const counts = valueFilter(request.settings) ? new Set<Hint>() : hints;
	const decode = decoderOf(request.settings, counts);
	const shape = chosenShape(request, simplifyPacket);
	if (!decode) return shape;
	return (row: IDataObject) => (isPacket(row) ? withDecoded(row, decode(row.device.payload), shape) : row);
}

/** The simplified fields, and what decoding adds: the values at fixed positions, or the payload as a whole. */
function columns({ settings }: HistoryRequest): string[] {
	if (!settings.decode || settings.decode === 'none') return PACKET_FIELDS;
	const names = decodedNames(settings).map((name) => `decoded.${name}`);
	return simplifiedWith([...(names.length ? names : ['decoded']), 'decodeError']);
}

/** What all that read the history have in common. */
const history = { endpoint: endpoints.listPackets, list: PACKETS, inQuery, validate, warn: historyHint };

const packetFile = exportTo({
	name: 'packets',
	list: PACKETS,
	toJson: packetToJson,
	simplify: simplifyPacket,
	columns,
	ownerOf: (row) => (isPacket(row) ? row.device : { id: '' }),
});

const packetReport = reportOn({
	name: 'packet-report',
	title: 'Packet report',
	list: PACKETS,
	start: (frame, hints) => new PacketReport(frame, valueSections(frame, hints)),
});

/** The packet's call (API definition, tag "Packets"), into items or into a file, and what needs no call. */
export const packetOperations: readonly Operation[] = [
	operation({
		...history,
		name: 'Count',
		object: 'Packets',
		value: 'count',
		description:
			'Count the packets that Hubble received in a period, all together or by device or tag. All of them are read, but none is returned.',
		readsAll: true,
		settings: {
			period,
			...countSettings,
			...decodeFields,
			decode: { ...decodeFields.decode, description: 'The payload format, for the filter Values' },
			...packetSettings,
			...valueSettings,
		},
		items: countItems,
	}),
	operation({
		...history,
		name: 'Create',
		object: 'Packet Report',
		value: 'createReport',
		description:
			'Create a report on the packets of a period as one HTML file: when and where they were heard, how strong they were, and their values',
		readsAll: true,
		settings: { period, ...reportValueSettings, ...packetSettings, groupByTag, ...reportFields },
		items: async (work) => await packetReport(filteredHere(work)),
	}),
	{
		name: 'Decode',
		object: 'Packets',
		value: 'decode',
		description:
			'Decode the payloads of items from any source, such as a database or a file. No request is sent to Hubble.',
		settings: decodeSettings,
	},
	operation({
		...history,
		name: 'Export',
		object: 'Packets',
		value: 'export',
		action: 'Export packets to file',
		description: 'Write all packets of a period, or those that pass the filters, to one file',
		alsoCalls: { endpoint: endpoints.listDevices, when: 'for a column per tag' },
		readsAll: true,
		derive: exportRange,
		settings: {
			period,
			...exportFields([...PACKET_FIELDS, 'decoded', 'decodeError'], { hasLines: true }),
			...decodeFields,
			...packetSettings,
			...valueSettings,
		},
		items: async (work) => await packetFile(filteredHere(work)),
	}),
	operation({
		...history,
		name: 'Get Latest',
		object: 'Packet per Device',
		value: 'getLatest',
		description: 'Get the latest packet of each device in a period, with its decoded values, the newest first',
		alsoCalls: { endpoint: endpoints.listDevices },
		makesRows: true,
		shape: simplifyPacket,
		simplifiedFields: PACKET_FIELDS,
		inQuery: { start: inQuery.start, end: inQuery.end, filter_tags: environment },
		settings: { period, ...decodeFields, ...deviceSettings, ...tagSettings, ...valueSettings, includeSilent },
		items: latestItems,
	}),
	operation({
		...history,
		name: 'Get Many',
		object: 'Packets',
		value: 'getAll',
		description: 'Get the packets that Hubble received in a period, the latest first',
		shape: simplifyPacket,
		simplifiedFields: PACKET_FIELDS,
		settings: { period, order, ...decodeFields, ...packetSettings, ...valueSettings },
		items: (work) => {
			const filtered = filteredHere(work);
			return listItems(filtered, PACKETS, packetToJson(filtered.request, work.hints));
		},
	}),
	operation({
		...history,
		name: 'Summarize',
		object: 'Packets',
		value: 'summarize',
		description:
			'Get the count, minimum, mean and maximum of decoded values, in one row for each device and hour or day',
		makesRows: true,
		settings: { period, ...summarySettings, ...packetSettings, ...valueSettings },
		items: summaryItems,
	}),
];
