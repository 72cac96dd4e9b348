/** Filter by value: whether what a payload says meets the user's conditions, and the parameters for them. */
import {
	NodeOperationError,
	type IDataObject,
	type ILoadOptionsFunctions,
	type INodeListSearchResult,
	type INodeProperties,
	type INodePropertyOptions,
} from 'n8n-workflow';
import { asError } from '../client/errors';
import { entryAt, isObject } from '../client/json';
import { textPart } from '../operation/fields';
import { asText, isEmpty, oneOf, parameterError, quoted, readRows } from '../operation/values';
import { decodedNames, payloadDecoder, type DecodeSettings } from './decode';

const CONDITIONS = ['above', 'absent', 'below', 'between', 'equal'] as const;
type Condition = (typeof CONDITIONS)[number];

export const NOT_DECODED = 'the payloads are not decoded; choose their format in "Decode Payload"';

export const decodedField: INodeProperties = {
	displayName: 'Field',
	name: 'field',
	type: 'resourceLocator',
	default: { mode: 'list', value: '' },
	description: 'Which decoded value',
	modes: [
		{
			displayName: 'From List',
			name: 'list',
			type: 'list',
			typeOptions: { searchListMethod: 'searchDecodedFields', searchable: true },
		},
		{ displayName: 'By Name', name: 'id', type: 'string', placeholder: 'e.g. temperature' },
	],
};

/** What a value is compared with. */
export const comparedWith = textPart(
	'Value',
	'than',
	'e.g. 8',
	'The number or text to compare the value with, or true or false',
);

export const upperBound = textPart('And', 'and', 'e.g. 25', 'The upper bound');

/** What must be true of a value: the conditions of filters and alarms, and one that only the filter or the alarm has. */
export const conditionField = (own: INodePropertyOptions): INodeProperties => ({
	displayName: 'Condition',
	name: 'condition',
	type: 'options',
	options: [
		{ name: 'Is Above', value: 'above' },
		{ name: 'Is Below', value: 'below' },
		{ name: 'Is Between', value: 'between', description: 'Both bounds are included' },
		{ name: 'Is Equal To', value: 'equal' },
		own,
	].sort((a, b) => a.name.localeCompare(b.name)),
	default: 'above',
	description: 'What must be true of the value',
});

/** One condition. */
const CONDITION_FIELDS: INodeProperties[] = [
	decodedField,
	conditionField({ name: 'Is Absent', value: 'absent', description: 'The payload does not contain it, or it is null' }),
	{ ...comparedWith, displayOptions: { show: { condition: ['above', 'below', 'between', 'equal'] } } },
	{ ...upperBound, displayOptions: { show: { condition: ['between'] } } },
];

/** The parameters "Values" and "Values Must Match", for the collection "Filters". */
export const valueFilters: INodeProperties[] = [
	{
		displayName: 'Values',
		name: 'values',
		type: 'fixedCollection',
		typeOptions: { multipleValues: true },
		placeholder: 'Add Value',
		default: {},
		description: 'Only packets whose decoded values meet these conditions. Choose the format in Decode Payload.',
		options: [{ displayName: 'Value', name: 'value', values: CONDITION_FIELDS }],
	},
	{
		displayName: 'Values Must Match',
		name: 'valuesMatch',
		type: 'options',
		options: [
			{ name: 'All', value: 'all', description: 'Every condition is met' },
			{ name: 'Any', value: 'any', description: 'At least one condition is met' },
		],
		default: 'all',
		description: 'How many of the conditions in Values a packet must meet',
	},
];

function whyNoNames(decode: unknown): string {
	if (decode === undefined || decode === 'none') return 'Choose the format of the payloads in "Decode Payload" first.';
	if (decode === 'fields' || decode === 'layout') return 'Describe the values of the payloads first.';
	return 'The names in this format are not known beforehand. Choose "By Name" and enter one.';
}

/** The names to choose from: those that the format, the form or the layout give. For other formats they are typed. */
export async function searchDecodedFields(this: ILoadOptionsFunctions, filter = ''): Promise<INodeListSearchResult> {
	const parameter = (name: string) => this.getCurrentNodeParameter(name);
	const names = decodedNames({
		decode: parameter('decodePayload'),
		table: parameter('payloadFields'),
		layout: parameter('payloadLayout'),
	});
	if (!names.length) throw new NodeOperationError(this.getNode(), whyNoNames(parameter('decodePayload')));
	const wanted = filter.trim().toLowerCase();
	const found = names.filter((name) => name.toLowerCase().includes(wanted));
	return { results: found.map((name) => ({ name, value: name })) };
}

/** A decoded value by its name, or by the path to it, such as `gps_1.latitude`. */
export const valueAt = (decoded: unknown, path: string): unknown => entryAt(decoded, path)?.value;

/** The unit of a decoded value; '' where none is known. */
export function unitAt(units: unknown, path: string): string {
	const unit = valueAt(units, path);
	return typeof unit === 'string' ? unit : '';
}

/** A number, also one that came as text because a number cannot hold it; NaN for what is none. */
export const numeric = (value: unknown): number =>
	typeof value === 'number' ? value : typeof value === 'string' && value.trim() !== '' ? Number(value) : NaN;

/** A bound as it was typed. */
export function bound(name: string, value: unknown): number {
	if (isEmpty(value)) throw new Error(`"${name}" is required`);
	const number = numeric(value);
	if (Number.isFinite(number)) return number;
	throw new Error(`"${name}": ${quoted(value)} is not a number; the decimal sign is a point, as in 8.5`);
}

/**
 * Whether a value meets a condition. Throws an Error for a bound that is none.
 * @param title how the parameter `than` is called
 */
export function conditionOf(
	condition: Condition,
	{ than, and }: IDataObject,
	title = 'Value',
): (value: unknown) => boolean {
	if (condition === 'absent') return (value) => value === undefined || value === null;
	if (condition === 'equal') {
		if (isEmpty(than)) throw new Error(`"${title}" is required`);
		const text = asText(than).trim();
		const number = numeric(text);
		// Of texts that no number can hold, many are the same number.
		const isExact = (value: unknown) => typeof value !== 'string' || Math.abs(number) <= Number.MAX_SAFE_INTEGER;
		return (value) =>
			(numeric(value) === number && isExact(value)) ||
			(['string', 'boolean'].includes(typeof value) && String(value) === text);
	}
	const least = bound(title, than);
	if (condition === 'above') return (value) => numeric(value) > least;
	if (condition === 'below') return (value) => numeric(value) < least;
	const most = bound('And', and);
	if (most < least) throw new Error(`"And" is ${most}, which is below ${least}`);
	return (value) => numeric(value) >= least && numeric(value) <= most;
}

/** The name in a value of `decodedField`. Throws an Error when it is empty. */
export function fieldOf({ field }: IDataObject): string {
	const name = asText((isObject(field) ? field.value : field) ?? '').trim();
	if (!name) throw new Error('"Field" is required');
	return name;
}

/** How many conditions must be met. Throws an Error for what is neither. */
export function matchOf(value: unknown): 'all' | 'any' {
	return value === undefined ? 'all' : oneOf(['all', 'any'] as const)(value);
}

/** The values of the parameters, as n8n gives them. */
export interface ValueSettings {
	values?: unknown;
	valuesMatch?: unknown;
}

/**
 * Whether decoded values meet the conditions in "Values"; `undefined` without any. Of a payload that cannot be read, every
 * value is absent. Throws an Error that names the row and what is wrong with it.
 */
export function valueFilter({ values, valuesMatch }: ValueSettings): ((decoded: unknown) => boolean) | undefined {
	const match = matchOf(valuesMatch);
	const conditions = readRows(values, 'value', (row) => {
		const name = fieldOf(row);
		const meets = conditionOf(oneOf(CONDITIONS)(row.condition ?? 'above'), row);
		return (decoded: unknown) => meets(valueAt(decoded, name));
	});
	if (!conditions.length) return undefined;
	return match === 'all'
		? (decoded) => conditions.every((meets) => meets(decoded))
		: (decoded) => conditions.some((meets) => meets(decoded));
}

/** The names of the values that must be there to be compared. Throws an Error that names the row. */
export const comparedFields = ({ values }: ValueSettings): string[] =>
	readRows(values, 'value', (row) => (row.condition === 'absent' ? [] : [fieldOf(row)])).flat();

/** The names of chosen decoded values, each once. Throws an Error that names the row. */
export const chosenFields = (value: unknown): string[] => [...new Set(readRows(value, 'row', fieldOf))];

/** Why payloads cannot be decoded, or their values not be compared, in this way; `undefined` when they can. */
export function valueReason({ settings }: { settings: DecodeSettings & ValueSettings }): string | undefined {
	let hasFilter = false;
	try {
		hasFilter = valueFilter(settings) !== undefined;
	} catch (error) {
		return parameterError('Values', asError(error).message);
	}
	try {
		const isDecoded = payloadDecoder(settings) !== undefined;
		return hasFilter && !isDecoded ? parameterError('Values', NOT_DECODED) : undefined;
	} catch (error) {
		return asError(error).message;
	}
}
