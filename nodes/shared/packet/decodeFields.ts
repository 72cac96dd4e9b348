/** What the parameters of decoding look like; `decode.ts` takes their values. */
import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { choices, textPart, toggle, type Field } from '../operation/fields';
import { PAYLOAD_TYPES } from './layout';
import { NUMBERS, WIDTHS } from './payloadFields';

const NUMERIC = Object.keys(NUMBERS);
const EXACT = 'As text if it is too large for a number';

/** The types of a payload field; integers by their size. */
const TYPES: INodePropertyOptions[] = [
	{ name: 'ASCII Text', value: 'ascii' },
	{ name: 'Bit Field', value: 'bits', description: 'Some bits of a whole number' },
	{ name: 'Boolean', value: 'bool', description: 'One bit, such as a flag' },
	...['Float', 'Int', 'Unsigned Int'].flatMap((kind) =>
		(kind === 'Float' ? [32, 64] : [8, 16, 24, 32, 64]).map((bits) => ({
			name: `${kind} ${bits}`,
			value: `${kind.toLowerCase().replace('unsigned ', 'u')}${bits}`,
			...(bits === 64 && kind !== 'Float' ? { description: EXACT } : {}),
		})),
	),
];

/** How a payload may be decoded: Hubble's own format first, then by name. */
const WAYS = choices(
	[
		'Hubble Sensor',
		'hubbleSensor',
		"What Hubble's dashboard shows in its sensor widget: temperature, pressure, humidity or battery",
	],
	['BTHome', 'bthome', 'Version 2, with or without device information and UUID'],
	['BTHome (Objects Only)', 'bthomeObjects', 'For devices that send no device information'],
	['BTHome (Service Data)', 'bthomeService', 'For payloads that begin with the device information or the UUID'],
	['Bytes', 'bytes', 'A list of numbers from 0 to 255'],
	['CayenneLPP', 'cayenne', 'Channels of the Cayenne Low Power Payload'],
	['Fields', 'fields', 'Values at fixed positions, entered in a form'],
	['Hexadecimal', 'hex'],
	['JSON', 'json'],
	['Key=Value', 'keyValue', 'Text such as t=21.5;h=40'],
	['Layout', 'layout', 'Values at fixed positions, described in text that you can paste and share'],
	['None', 'none', 'Leave the payload in Base64, as Hubble returns it'],
	['Text', 'text', 'UTF-8'],
);

const showFor = (...type: string[]) => ({ displayOptions: { show: { type } } });
const number = (displayName: string, name: string, description: string, more: Partial<INodeProperties>) =>
	({ displayName, name, type: 'number', default: 0, description, ...more }) satisfies INodeProperties;
/** A number of 0 or more. */
const wholeNumberField = (...[displayName, name, description, more]: Parameters<typeof number>) =>
	number(displayName, name, description, { typeOptions: { minValue: 0 }, ...more });

/** One row of the form. */
const VALUES: INodeProperties[] = [
	textPart('Name', 'name', 'e.g. temperature'),
	{ displayName: 'Type', name: 'type', type: 'options', options: TYPES, default: 'uint8' },
	wholeNumberField('Byte', 'offset', 'Position of the first byte of the value. The first byte of the payload is 0.', {
		hint: 'Counted from 0',
	}),
	{
		displayName: 'Word Size',
		name: 'width',
		type: 'options',
		options: WIDTHS.map((width) => ({ name: `${width} Bits`, value: width })),
		default: 8,
		description: 'Size of the whole number that contains the bits',
		...showFor('bits', 'bool'),
	},
	wholeNumberField(
		'Bit',
		'bit',
		'The lowest bit of the value. Bit 0 is the least significant bit of the whole number.',
		showFor('bits', 'bool'),
	),
	wholeNumberField(
		'Length',
		'length',
		'Number of bits, or of characters of a text; 0 means one bit, or the rest of the payload',
		showFor('ascii', 'bits'),
	),
	{ ...toggle('Signed', 'signed', false, 'Whether the highest bit of the value is its sign'), ...showFor('bits') },
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
	number('Scale', 'scale', 'The factor to multiply the value by', { default: 1, ...showFor('bits', ...NUMERIC) }),
	number('Add', 'add', 'The number that is added to the value after scaling', showFor('bits', ...NUMERIC)),
	{
		...textPart(
			'Decimals',
			'decimals',
			'e.g. 2',
			'Number of decimals to round the result to. If empty, it is not rounded.',
		),
		...showFor('bits', ...NUMERIC),
	},
	{
		...toggle(
			'Add to Value Above',
			'adds',
			false,
			'Whether to add the result to the value of the same name above, such as a fraction that is sent separately',
		),
		...showFor('bits', ...NUMERIC),
	},
	{ ...textPart('Unit', 'unit', 'e.g. °C', 'Added to the output as "decodedUnits"'), ...showFor('bits', ...NUMERIC) },
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
	wholeNumberField(
		'When Byte',
		'whenByte',
		'Position of the byte that identifies the type of the payload. The first byte is 0.',
		{
			displayOptions: { show: { when: ['byte'] } },
		},
	),
	wholeNumberField('Equals', 'whenValue', 'The value of this byte in payloads that contain the value', {
		typeOptions: { minValue: 0, maxValue: 255 },
		displayOptions: { show: { when: ['byte'] } },
	}),
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
		description: `One value per line: name, colon, type, @byte; then as needed ×scale, +add, decimals n, bit n, length n, signed, little, a unit, and "when byte n = value". Types: ${PAYLOAD_TYPES}. Bytes and bits count from 0. A line that begins with + adds to the value above. # starts a comment. A payload that is a JSON object with one of the names is read as JSON.`,
	},
} as const satisfies Record<string, Field>;

/** The same for nodes without a table of operations. */
export const decodeProperties: INodeProperties[] = [
	decodeFields.decode,
	...[decodeFields.table, decodeFields.layout].map(({ shownWhen, ...field }): INodeProperties => ({
		...(field as INodeProperties),
		displayOptions: { show: { decodePayload: [...shownWhen.decodePayload] } },
	})),
];

/** Ways to decode that give no numbers by name. */
const WITHOUT_NUMBERS = ['bytes', 'hex', 'none', 'text'];
/** Those that do. */
export const NUMERIC_WAYS = decodeFields.decode.options.filter(({ value }) => !WITHOUT_NUMBERS.includes(String(value)));
