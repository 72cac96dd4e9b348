/** The decoded values that a report shows. */
import type { Fields, Hint } from '../operation/operation';
import { decodeFields, NUMERIC_WAYS } from '../packet/decodeFields';
import { decoderOf } from '../packet/tally';
import { chosenFields, decodedField } from '../packet/valueFilter';
import type { ReportFrame } from './createReport';
import { FleetValues } from './fleetValues';
import { MOST_VALUES, ValueSections } from './valueSections';

function chosenNames(value: unknown): string[] {
	const names = chosenFields(value);
	if (names.length > MOST_VALUES) throw new Error(`at most ${MOST_VALUES}, not ${names.length}`);
	return names;
}

const settings = (purpose: string, description: string) =>
	({
		...decodeFields,
		decode: { ...decodeFields.decode, description: `The payload format, to ${purpose}` },
		reportValues: {
			displayName: 'Values',
			name: 'reportValues',
			type: 'fixedCollection',
			typeOptions: { multipleValues: true },
			placeholder: 'Add Value',
			default: {},
			shownWhen: { decodePayload: NUMERIC_WAYS.map(({ value }) => String(value)) },
			description,
			options: [{ displayName: 'Value', name: 'row', values: [decodedField] }],
			toWire: chosenNames,
		},
	}) satisfies Fields;

export const reportValueSettings = settings(
	'draw values of it',
	'Up to six decoded values. Each gets a chart over time, with its median and the range of the middle 80% of values; for a single device, a line through its values.',
);

export const fleetValueSettings = settings(
	'show the latest values of each device',
	'Up to six decoded values. Each gets a column in a table with the values in the latest packet of each device, and appears in the tooltips of the map. The packets of the last seven days are read for this.',
);

/** The part of a report about values; `undefined` where none is chosen. */
const partOf =
	<P>(Part: new (...chosen: ConstructorParameters<typeof FleetValues>) => P) =>
	(frame: ReportFrame, hints: Set<Hint>): P | undefined => {
		const { reportValues: names } = frame.settings;
		const decode = decoderOf(frame.settings, hints);
		return decode && names ? new Part(names, decode, frame) : undefined;
	};
export const valueSections = partOf(ValueSections);
export const fleetValues = partOf(FleetValues);
