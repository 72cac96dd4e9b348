/** The decoded values that a packet report draws. */
import type { Fields, Hint } from '../shared/operation/operation';
import { decodeFields } from '../shared/packet/decodeFields';
import { decodedField } from '../shared/packet/valueFilter';
import type { ReportFrame } from '../shared/report/createReport';
import { MOST_VALUES, ValueSections } from '../shared/report/valueSections';
import { chosenFields, NUMERIC_WAYS } from './summarize';
import { decoderOf } from './values';

function chosenNames(value: unknown): string[] {
	const names = chosenFields(value);
	if (names.length > MOST_VALUES) throw new Error(`at most ${MOST_VALUES}, not ${names.length}`);
	return names;
}

export const reportValueSettings = {
	...decodeFields,
	decode: { ...decodeFields.decode, description: 'What the payload is, to draw values of it' },
	reportValues: {
		displayName: 'Values',
		name: 'reportValues',
		type: 'fixedCollection',
		typeOptions: { multipleValues: true },
		placeholder: 'Add Value',
		default: {},
		shownWhen: { decodePayload: NUMERIC_WAYS.map(({ value }) => String(value)) },
		description:
			'Up to six decoded values. Each gets a chart over time, with its median and the range of four in five values; of a single device, each value.',
		options: [{ displayName: 'Value', name: 'row', values: [decodedField] }],
		toWire: chosenNames,
	},
} satisfies Fields;

/** The part of the report about values; `undefined` where none is chosen. */
export function valueSections(frame: ReportFrame, hints: Set<Hint>): ValueSections | undefined {
	const { reportValues: names } = frame.settings;
	const decode = decoderOf(frame.settings, hints);
	return decode && Array.isArray(names) && names.length
		? new ValueSections(names.map(String), decode, frame)
		: undefined;
}
