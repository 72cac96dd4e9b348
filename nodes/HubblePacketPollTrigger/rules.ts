/** The rules of alarms as the user sets them. Bad input is refused here, before any call. */
import type { IDataObject, INodeProperties, IPollFunctions } from 'n8n-workflow';
import { objectOf } from '../shared/client/json';
import { textPart } from '../shared/operation/fields';
import { isGiven, namedRows, readParameter } from '../shared/operation/readItem';
import { asText, isEmpty, numberIn, oneOf } from '../shared/operation/values';
import {
	bound,
	comparedWith,
	conditionField,
	conditionOf,
	decodedField,
	fieldOf,
	numeric,
	upperBound,
} from '../shared/packet/valueFilter';
import { MOST_PACKETS, MOST_RULES, type Rule } from './alarms';

const CONDITIONS = ['above', 'below', 'between', 'equal', 'outside'] as const;
type Condition = (typeof CONDITIONS)[number];

const UNITS = ['minutes', 'packets'] as const;

/** The longest that *For At Least* can be in minutes: as long as Hubble keeps packets. */
const MOST_MINUTES = 43_200;

const showFor = (...condition: Condition[]) => ({ displayOptions: { show: { condition } } });

/** One rule: in an order that reads as a sentence. */
const FIELDS: INodeProperties[] = [
	textPart('Name', 'name', 'e.g. Too warm', 'What the alarm is called in the output'),
	decodedField,
	conditionField({
		name: 'Is Outside',
		value: 'outside',
		description: 'Below the first bound, or above the second one',
	}),
	{ ...comparedWith, displayName: 'Threshold' },
	{ ...upperBound, ...showFor('between', 'outside') },
	{
		displayName: 'For At Least',
		name: 'forAtLeast',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 0,
		description:
			'For how many minutes, or packets in a row, the value must stay beyond the threshold before the alarm is raised. With 0, the first packet raises it, even a single outlier.',
	},
	{
		displayName: 'Minutes or Packets',
		name: 'forUnit',
		type: 'options',
		options: [
			{ name: 'Minutes', value: 'minutes', description: 'From the first to the last of packets in a row' },
			{ name: 'Packets in a Row', value: 'packets' },
		],
		default: 'minutes',
		description: 'Whether For At Least is a number of minutes or of packets',
	},
	{
		...textPart(
			'Until It Is Back At',
			'clearsAt',
			'e.g. 7',
			'The value at which the alarm is over. Choose one well within the threshold, so that a value that hovers around it does not raise one alarm after another.',
		),
		hint: 'If empty, at the threshold',
		...showFor('above', 'below'),
	},
	{
		...textPart(
			'Until It Is Back By',
			'margin',
			'e.g. 0.5',
			'How far back past the bound a value must be for the alarm to be over',
		),
		hint: 'If empty, as soon as it is back',
		...showFor('between', 'outside'),
	},
	textPart(
		'Severity',
		'severity',
		'e.g. critical',
		'Your own word for the output, so that the workflow can tell alarms apart',
	),
];

export const alarmRules: INodeProperties = {
	displayName: 'Alarm When',
	name: 'alarmRules',
	type: 'fixedCollection',
	typeOptions: { multipleValues: true, fixedCollection: { itemTitle: '={{ $collection.item.value.name }}' } },
	placeholder: 'Add Rule',
	default: {},
	required: true,
	description: 'What raises an alarm: a decoded value that is beyond a threshold, for each device on its own',
	displayOptions: { show: { triggerOn: ['alarms'] } },
	options: [{ displayName: 'Rule', name: 'rule', values: FIELDS }],
};

export const reportAlready: INodeProperties = {
	displayName: 'Report Alarms Already On',
	name: 'reportAlready',
	type: 'boolean',
	default: false,
	description:
		'Whether the first poll also reports values that are already beyond a threshold in the packets of the two hours before',
	displayOptions: { show: { triggerOn: ['alarms'] } },
};

const isNumber = (value: unknown) => Number.isFinite(numeric(value));

/** Bounds as they were typed, the empty one as another says. */
const boundOr = (title: string, value: unknown, otherwise: number) =>
	isEmpty(value) ? otherwise : bound(title, value);

type Comparison = Pick<Rule, 'isAbout' | 'isOver' | 'isBack' | 'distance' | 'examples'>;

/** Throws an Error that says which bound is wrong. */
function comparisonOf(condition: Condition, row: IDataObject): Comparison {
	const { than, and } = row;
	const isMet = conditionOf(condition === 'outside' ? 'between' : condition, row, 'Threshold');
	if (condition === 'equal') {
		const isAbout = (value: unknown) => value !== undefined && value !== null;
		const example = isNumber(than) ? numeric(than) : asText(than);
		const other = typeof example === 'number' ? example + 1 : 'another value';
		return { isAbout, isOver: isMet, isBack: (value) => !isMet(value), distance: () => 0, examples: [example, other] };
	}
	const low = bound('Threshold', than);
	if (condition === 'above' || condition === 'below') {
		const sign = condition === 'above' ? 1 : -1;
		const end = boundOr('Until It Is Back At', row.clearsAt, low);
		if (isMet(end)) throw new Error(`"Until It Is Back At" is ${end}, which is ${condition} the threshold`);
		const isBack = (value: unknown) => sign * numeric(value) <= sign * end;
		return { isAbout: isNumber, isOver: isMet, isBack, distance: (value) => sign * value, examples: [low + sign, end] };
	}
	const high = bound('And', and);
	const margin = boundOr('Until It Is Back By', row.margin, 0);
	if (margin < 0) throw new Error(`"Until It Is Back By" is ${margin}, which is below 0`);
	if (condition === 'between') {
		const isBack = (value: unknown) =>
			!isMet(value) && (numeric(value) <= low - margin || numeric(value) >= high + margin);
		const examples: Comparison['examples'] = [(low + high) / 2, high + margin + 1];
		return { isAbout: isNumber, isOver: isMet, isBack, distance: (value) => value, examples };
	}
	if (2 * margin > high - low)
		throw new Error(`"Until It Is Back By" is ${margin}, more than half the distance between the bounds`);
	const isBack = (value: unknown) => numeric(value) >= low + margin && numeric(value) <= high - margin;
	const isOver = (value: unknown) => !isMet(value);
	const distance = (value: number) => Math.max(low - value, value - high);
	return { isAbout: isNumber, isOver, isBack, distance, examples: [high + 1, (low + high) / 2] };
}

/** 'above 8', as texts say it. */
function wordsOf(condition: Condition, { than, and }: IDataObject): string {
	const [first, second] = [than, and].map((value) => String(value).trim());
	if (condition === 'between') return `between ${first} and ${second}`;
	if (condition === 'outside') return `outside the range ${first} to ${second}`;
	return condition === 'equal' ? `equal to ${first}` : `${condition} ${first}`;
}

function ruleOf(row: IDataObject, name: string): Rule {
	const field = fieldOf(row);
	const condition = oneOf(CONDITIONS)(row.condition === undefined ? 'above' : row.condition);
	const unit = oneOf(UNITS)(row.forUnit === undefined ? 'minutes' : row.forUnit);
	const most = unit === 'minutes' ? MOST_MINUTES : MOST_PACKETS;
	const long = numberIn(0, most, unit === 'packets')(row.forAtLeast ?? 0) ?? 0;
	return {
		name,
		severity: isEmpty(row.severity) ? null : asText(row.severity).trim(),
		field,
		id: JSON.stringify([name, field, condition]),
		words: wordsOf(condition, row),
		seconds: unit === 'minutes' ? Math.round(60 * long) : 0,
		packets: unit === 'packets' ? long : 1,
		...comparisonOf(condition, row),
	};
}

/** Reads the rules. Throws a NodeOperationError that says which one is wrong, and why. */
export function readRules(context: IPollFunctions): Rule[] {
	return readParameter(context, alarmRules.displayName, () => {
		const given = objectOf(context.getNodeParameter(alarmRules.name, {}));
		isGiven(context.getNode().parameters[alarmRules.name], given, false);
		const rows = [given.rule ?? []].flat();
		if (!rows.length) throw new Error('click Add Rule, and say which value is too high or too low');
		return namedRows(rows, MOST_RULES, ruleOf);
	});
}
