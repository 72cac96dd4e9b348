/** Summarize: what the decoded values of a period were, in a row for each device or tag and each hour or day. */
import type { INodeExecutionData } from 'n8n-workflow';
import { TAG_LIMITS } from '../shared/client/endpoints';
import { textPart } from '../shared/operation/fields';
import type { Fields, Work } from '../shared/operation/operation';
import { rowItems, wantedRows } from '../shared/operation/rows';
import { counted, oneOf, quoted, text } from '../shared/operation/values';
import { decodeFields, NUMERIC_WAYS } from '../shared/packet/decodeFields';
import { PACKETS } from '../shared/packet/packet';
import { Summary } from '../shared/packet/summary';
import { decoderOf } from '../shared/packet/tally';
import { chosenFields, decodedField, valueFilter } from '../shared/packet/valueFilter';
import { filteredHere, type PeriodRequest } from './filters';

/** What rows are about: the parameters. */
export const grouping = {
	groupBy: {
		displayName: 'Group By',
		name: 'groupBy',
		type: 'options',
		options: [
			{ name: 'Device', value: 'device', description: 'One row for each device' },
			{ name: 'None', value: 'all', description: 'One row for all devices together' },
			{ name: 'Tag', value: 'tag', description: 'One row for each value of a tag, such as each site' },
		],
		default: 'device',
		description: 'What each row is about',
		toWire: oneOf(['all', 'device', 'tag'] as const),
	},
	tag: {
		...textPart('Tag', 'tag', 'e.g. site', 'The key of the tag'),
		shownWhen: { groupBy: ['tag'] },
		toWire: text(TAG_LIMITS.key),
		// Not "required": n8n would ask for it whatever an expression in Group By returns.
		whenEmpty: () => {
			throw new Error('it is required');
		},
	},
} satisfies Fields;

export const summarySettings = {
	...decodeFields,
	decode: {
		...decodeFields.decode,
		options: NUMERIC_WAYS,
		default: 'hubbleSensor',
		required: true,
		description: 'How the payload is built',
	},
	fields: {
		displayName: 'Values to Summarize',
		name: 'summaryValues',
		type: 'fixedCollection',
		typeOptions: { multipleValues: true },
		placeholder: 'Add Value',
		default: {},
		description: 'The decoded values to summarize. If empty, all numbers in the payloads.',
		options: [{ displayName: 'Value', name: 'row', values: [decodedField] }],
		toWire: chosenFields,
	},
	...grouping,
	interval: {
		displayName: 'Interval',
		name: 'interval',
		type: 'options',
		options: [
			{ name: 'Day', value: 'day', description: 'From midnight to midnight in the time zone of the workflow' },
			{ name: 'Hour', value: 'hour' },
			{ name: 'Whole Period', value: 'period' },
		],
		default: 'day',
		description: 'Which span of time each row covers',
		toWire: oneOf(['day', 'hour', 'period'] as const),
	},
} satisfies Fields;

/** Reads all packets of the period, keeps none of them, and gives the rows. */
export async function summaryItems(work: Work<PeriodRequest<typeof summarySettings>>): Promise<INodeExecutionData[]> {
	const { context, hints, request } = work;
	const { query, settings } = request;
	const { interval = 'day', groupBy = 'device', tag, fields } = settings;
	const decode = decoderOf(settings, valueFilter(settings) ? new Set() : hints);
	const summary = new Summary({
		start: Number(query.start),
		end: Number(query.end),
		timezone: context.getTimezone(),
		interval,
		groupBy,
		tag,
		fields: fields?.length ? fields : undefined,
	});
	const all = filteredHere({ ...work, request: { ...request, limit: Infinity } });
	for await (const packet of wantedRows(all, PACKETS)) {
		if (decode) summary.add(packet, decode(packet.device.payload));
	}
	for (const hint of remarksOf(summary)) hints.add(hint);
	return rowItems(work, [...summary.rows()]);
}

/** Hints that accompany the rows. */
function remarksOf({ outside, missing, isEmpty }: Summary): string[] {
	const left = `${counted(outside, 'packet')} ${outside === 1 ? 'was' : 'were'} heard outside the period and left out.`;
	return [
		...(outside ? [left] : []),
		...missing.map((name) => `No packet contains a number called ${quoted(name)}.`),
		...(isEmpty && !missing.length ? ['No packet contains a number.'] : []),
	];
}
