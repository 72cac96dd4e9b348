import type { IDataObject } from 'n8n-workflow';
import { DEFAULT_PERIOD_S, endpoints } from '../shared/client/endpoints';
import { decodeFields, nameOf, payloadDecoder, type PayloadField } from '../shared/packet/decode';
import { exportFields, exportTo } from '../shared/operation/exportFile';
import { device, environment, type Field } from '../shared/operation/fields';
import type { ItemRequest, Fields, Operation } from '../shared/operation/operation';
import { PACKETS, SIMPLIFIED, simplifyPacket, type Packet } from '../shared/packet/packet';
import { MOST_WINDOWS } from '../shared/client/windowPlan';
import { numberIn, unixSeconds } from '../shared/operation/values';

/** The period and the filters of the packet history. */
const inQuery: Fields = {
	start: {
		displayName: 'Start Time',
		name: 'startTime',
		type: 'dateTime',
		default: '',
		description: 'The first moment of the period. Empty means seven days ago; Hubble keeps packets for 30 days.',
		toWire: unixSeconds('down'),
	},
	end: {
		displayName: 'End Time',
		name: 'endTime',
		type: 'dateTime',
		default: '',
		description: 'The end of the period, not part of it. Empty means now.',
		toWire: unixSeconds('up'),
		// Without an end Hubble would leave the stream open for packets yet to come.
		whenEmpty: () => Math.ceil(Date.now() / 1000),
	},
	device_id: {
		...device,
		required: false,
		collection: 'filters',
		description: 'Only the packets of this device: for troubleshooting, not for large amounts',
	},
	filter_tags: environment,
};

const parallelWindows: Field = {
	displayName: 'Parallel Windows',
	name: 'parallelWindows',
	type: 'number',
	typeOptions: { minValue: 1, maxValue: 16 },
	default: MOST_WINDOWS,
	description:
		'In how many parts at most a period is read side by side, when all packets are wanted and replies are slow. Set it to 1 to read one page after the other.',
	collection: 'options',
	toWire: numberIn(1, 16),
};

function validate({ query: { start, end }, continuationToken, settings }: ItemRequest): string | undefined {
	if (!continuationToken && Number(start ?? Date.now() / 1000 - DEFAULT_PERIOD_S) >= Number(end)) {
		return start === undefined
			? 'Parameter "Start Time": it is required when the End Time is more than seven days ago'
			: 'Parameter "Start Time": it is not earlier than the End Time';
	}
	try {
		payloadDecoder(settings.decode, settings.table);
	} catch (error) {
		return `Parameter "Payload Fields": ${(error as Error).message}`;
	}
	return undefined;
}

/** The packet, short or whole, with what its payload says. */
function packetToJson({ isSimplified, settings }: ItemRequest) {
	const decode = payloadDecoder(settings.decode, settings.table);
	const shape = isSimplified ? simplifyPacket : (row: IDataObject) => row;
	if (!decode) return shape;
	return (row: IDataObject): IDataObject => Object.assign(shape(row), decode((row as Packet).device.payload));
}

/** The simplified fields, and what decoding adds: the fields of the table, or the payload as a whole. */
function columns({ settings: { decode, table } }: ItemRequest): string[] {
	if (!decode || decode === 'none') return SIMPLIFIED;
	const { field = [] } = (table ?? {}) as { field?: PayloadField[] };
	const decoded = decode === 'fields' ? field.map((row) => `decoded.${nameOf(row)}`) : ['decoded'];
	return [...SIMPLIFIED, ...decoded, 'decodeError'];
}

const getMany: Operation = {
	name: 'Get Many',
	value: 'getAll',
	action: 'Get many packets',
	description: 'Get the packets that Hubble received in a period, oldest first',
	endpoint: endpoints.listPackets,
	list: PACKETS,
	hasRawTimes: true,
	simplify: simplifyPacket,
	toJson: packetToJson,
	inQuery,
	settings: { ...decodeFields, parallelWindows },
	validate,
};

/** The packet's call (API definition, tag "Packets"), into items or into a file. A page holds up to 1,000 packets. */
export const packetOperations: readonly Operation[] = [
	{
		...getMany,
		name: 'Export',
		value: 'export',
		action: 'Export packets to a file',
		description: 'Write the packets of a period into one file, however many they are',
		simplify: undefined,
		settings: { ...exportFields({ hasLines: true }), ...decodeFields, parallelWindows },
		toItems: exportTo({
			name: 'packets',
			list: PACKETS,
			toJson: packetToJson,
			simplify: simplifyPacket,
			columns,
			ownerOf: (row) => (row as Packet).device,
		}),
	},
	getMany,
];
