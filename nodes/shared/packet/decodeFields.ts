/** What the parameters of decoding look like; `decode.ts` takes their values. */
import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import type { Field } from '../operation/fields';
import { PAYLOAD_TYPES } from './layout';

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
	{ name: 'Hexadecimal', value: 'hex' },
	{ name: 'JSON', value: 'json' },
	{ name: 'Key=Value', value: 'keyValue', description: 'Text such as t=21.5;h=40' },
	{
		name: 'Layout',
		value: 'layout',
		description: 'Values at fixed positions, described in text: one line for each',
	},
	{ name: 'None', value: 'none', description: 'Leave the payload in Base64, as Hubble returns it' },
	{ name: 'Text', value: 'text', description: 'UTF-8' },
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

const { shownWhen, ...layout } = decodeFields.layout;
/** The same for nodes without a table. */
export const decodeProperties: INodeProperties[] = [
	decodeFields.decode,
	{ ...layout, displayOptions: { show: { decodePayload: [...shownWhen.decodePayload] } } },
];

/** Ways to decode that give no numbers by name. */
const WITHOUT_NUMBERS = ['bytes', 'hex', 'none', 'text'];
/** Those that do. */
export const NUMERIC_WAYS = decodeFields.decode.options.filter(({ value }) => !WITHOUT_NUMBERS.includes(String(value)));
