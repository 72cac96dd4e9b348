/** What the parameters of decoding look like; `decode.ts` takes their values. */
import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import type { Field } from '../operation/fields';
import { NUMBERS, WIDTHS } from './payloadFields';

const NUMERIC = Object.keys(NUMBERS);
const showFor = (...type: string[]) => ({ displayOptions: { show: { type } } });

const EXACT = 'As text if it is too large for a number';

/** The types of a payload field; integers by their size. */
const TYPES: INodePropertyOptions[] = [
	{ name: 'ASCII Text', value: 'ascii' },
	{ name: 'Bit Field', value: 'bits', description: 'Some bits of a whole number' },
	{ name: 'Boolean', value: 'bool', description: 'One bit of a whole number' },
	{ name: 'Float 32', value: 'float32' },
	{ name: 'Float 64', value: 'float64' },
	{ name: 'Int 8', value: 'int8' },
	{ name: 'Int 16', value: 'int16' },
	{ name: 'Int 24', value: 'int24' },
	{ name: 'Int 32', value: 'int32' },
	{ name: 'Int 64', value: 'int64', description: EXACT },
	{ name: 'Unsigned Int 8', value: 'uint8' },
	{ name: 'Unsigned Int 16', value: 'uint16' },
	{ name: 'Unsigned Int 24', value: 'uint24' },
	{ name: 'Unsigned Int 32', value: 'uint32' },
	{ name: 'Unsigned Int 64', value: 'uint64', description: EXACT },
];

/** How a payload may be decoded: Hubble's own format first, then by name. */
const WAYS: INodePropertyOptions[] = [
	{
		name: 'Hubble Sensor',
		value: 'hubbleSensor',
		description: "What Hubble's dashboard shows in its sensor widget: temperature, pressure, humidity or battery",
	},
	{ name: 'BTHome', value: 'bthome', description: 'Version 2, with or without device information and UUID' },
	{ name: 'BTHome (Objects Only)', value: 'bthomeObjects', description: 'For devices that send no device information' },
	{
		name: 'BTHome (Service Data)',
		value: 'bthomeService',
		description: 'For payloads that begin with the device information or the UUID',
	},
	{ name: 'Bytes', value: 'bytes', description: 'A list of numbers from 0 to 255' },
	{ name: 'CayenneLPP', value: 'cayenne', description: 'Channels of the Cayenne Low Power Payload' },
	{ name: 'Fields', value: 'fields', description: 'Values at fixed positions, entered in a form' },
	{ name: 'Hexadecimal', value: 'hex' },
	{ name: 'JSON', value: 'json' },
	{ name: 'Key=Value', value: 'keyValue', description: 'Text such as t=21.5;h=40' },
	{
		name: 'Layout',
		value: 'layout',
		description: 'Values at fixed positions, described in text that you can paste and share',
	},
	{ name: 'None', value: 'none', description: 'Leave the payload in Base64, as Hubble returns it' },
	{ name: 'Text', value: 'text', description: 'UTF-8' },
];

/** One row of the table of payload fields. */
const VALUES: INodeProperties[] = [
	{ displayName: 'Name', name: 'name', type: 'string', default: '', placeholder: 'e.g. temperature' },
	{ displayName: 'Type', name: 'type', type: 'options', options: TYPES, default: 'uint8' },
	{
		displayName: 'Byte',
		name: 'offset',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 0,
		hint: 'Counted from 0',
		description: 'Position of the first byte of the value. The first byte of the payload is 0.',
	},
	{
		displayName: 'Word Size',
		name: 'width',
		type: 'options',
		options: WIDTHS.map((width) => ({ name: `${width} Bits`, value: width })),
		default: 8,
		description: 'Size of the whole number that contains the bits',
		...showFor('bits', 'bool'),
	},
	{
		displayName: 'Bit',
		name: 'bit',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 0,
		description: 'The lowest bit of the value. Bit 0 is the least significant bit of the whole number.',
		...showFor('bits', 'bool'),
	},
	{
		displayName: 'Length',
		name: 'length',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 0,
		description: 'Number of bits, or of characters of a text; 0 means one bit, or the rest of the payload',
		...showFor('ascii', 'bits'),
	},
	{
		displayName: 'Signed',
		name: 'signed',
		type: 'boolean',
		default: false,
		description: 'Whether the highest bit of the value is its sign',
		...showFor('bits'),
	},
	{
		displayName: 'Byte Order',
		name: 'endianness',
		type: 'options',
		options: [
			{ name: 'Big', value: 'big', description: 'The most significant byte comes first' },
			{ name: 'Little', value: 'little', description: 'The least significant byte comes first' },
		],
		default: 'big',
		...showFor('bits', 'bool', ...NUMERIC.filter((type) => !type.endsWith('int8'))),
	},
	{
		displayName: 'Scale',
		name: 'scale',
		type: 'number',
		default: 1,
		description: 'The factor to multiply the value by',
		...showFor('bits', ...NUMERIC),
	},
	{
		displayName: 'Add',
		name: 'add',
		type: 'number',
		default: 0,
		description: 'The number that is added to the value after scaling',
		...showFor('bits', ...NUMERIC),
	},
	{
		displayName: 'Decimals',
		name: 'decimals',
		type: 'string',
		default: '',
		placeholder: 'e.g. 2',
		description: 'Number of decimals to round the result to. If empty, it is not rounded.',
		...showFor('bits', ...NUMERIC),
	},
	{
		displayName: 'Add to Value Above',
		name: 'adds',
		type: 'boolean',
		default: false,
		description:
			'Whether to add the result to the value of the same name above, such as a fraction that is sent separately',
		...showFor('bits', ...NUMERIC),
	},
	{
		displayName: 'Unit',
		name: 'unit',
		type: 'string',
		default: '',
		placeholder: 'e.g. °C',
		description: 'Added to the output as "decodedUnits"',
		...showFor('bits', ...NUMERIC),
	},
	{
		displayName: 'When',
		name: 'when',
		type: 'options',
		options: [
			{ name: 'Always', value: 'always', description: 'Every payload contains the value' },
			{ name: 'Byte Equals', value: 'byte', description: 'Other payloads do not contain the value' },
		],
		default: 'always',
		description: 'Which payloads contain the value: one table can read several types of payloads',
	},
	{
		displayName: 'When Byte',
		name: 'whenByte',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 0,
		description: 'Position of the byte that identifies the type of the payload. The first byte is 0.',
		displayOptions: { show: { when: ['byte'] } },
	},
	{
		displayName: 'Equals',
		name: 'whenValue',
		type: 'number',
		typeOptions: { minValue: 0, maxValue: 255 },
		default: 0,
		description: 'The value of this byte in payloads that contain the value',
		displayOptions: { show: { when: ['byte'] } },
	},
];

/** The parameters of decoding, for operation tables; they stand on their own. */
export const decodeFields = {
	decode: {
		displayName: 'Decode Payload',
		name: 'decodePayload',
		type: 'options',
		options: WAYS,
		default: 'none',
		description: 'Payload format. The result is in "decoded"; if it cannot be decoded, "decodeError" explains why.',
	},
	table: {
		displayName: 'Payload Fields',
		name: 'payloadFields',
		type: 'fixedCollection',
		typeOptions: {
			multipleValues: true,
			sortable: true,
			// n8n 1.x does not know it and numbers the rows.
			fixedCollection: { itemTitle: '={{ $collection.item.value.name }}' },
		},
		placeholder: 'Add Field',
		default: {},
		shownWhen: { decodePayload: ['fields'] },
		description: 'The values in a payload and their positions',
		options: [{ displayName: 'Field', name: 'field', values: VALUES }],
	},
	layout: {
		displayName: 'Payload Layout',
		name: 'payloadLayout',
		type: 'string',
		typeOptions: { rows: 6 },
		default: '',
		placeholder: 'e.g. temperature: int16 @4 ×0.01 °C',
		hint: 'One value per line, e.g. <code>battery: uint8 @1 % when byte 0 = 2</code>',
		shownWhen: { decodePayload: ['layout'] },
		description:
			'One value per line: name, colon, type, @byte; then as needed ×scale, +add, decimals n, bit n, length n, signed, little, a unit, and "when byte n = value". Types: int8 to int64, uint8 to uint64, float32, float64, bits8 to bits64, bool, ascii. A line that begins with + adds to the value above. # starts a comment. A payload that is a JSON object with one of the names is read as JSON.',
	},
} as const satisfies Record<string, Field>;

/** The same for nodes without a table. */
export const decodeProperties: INodeProperties[] = Object.values(decodeFields as Record<string, Field>).map(
	({ shownWhen, ...field }) => ({
		...(field as INodeProperties),
		...(shownWhen
			? { displayOptions: { show: shownWhen as NonNullable<INodeProperties['displayOptions']>['show'] } }
			: {}),
	}),
);

/** Ways to decode that give no numbers by name. */
const WITHOUT_NUMBERS = ['bytes', 'hex', 'none', 'text'];
/** Those that do. */
export const NUMERIC_WAYS = decodeFields.decode.options.filter(({ value }) => !WITHOUT_NUMBERS.includes(String(value)));
