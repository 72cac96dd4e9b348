/** The parameters that only devices have. */
import type { IDataObject } from 'n8n-workflow';
import type { Field } from '../shared/operation/fields';
import { numberIn, tagMap, text, texts, timeRange } from '../shared/operation/values';

export const encryption: Field = {
	displayName: 'Encryption',
	name: 'encryption',
	type: 'options',
	options: [
		{ name: 'AES-128-CTR', value: 'AES-128-CTR', description: 'Key of 16 bytes' },
		{ name: 'AES-128-EAX', value: 'AES-128-EAX', description: 'Key of 16 bytes, for the IN100 protocol' },
		{ name: 'AES-256-CTR', value: 'AES-256-CTR', description: 'Key of 32 bytes' },
		{ name: 'None', value: 'NONE', description: 'The device sends in the clear' },
	],
	default: 'AES-256-CTR',
	required: true,
	description: 'How the device encrypts what it sends: what its firmware was built for',
};

export const count: Field = {
	displayName: 'Number of Devices',
	name: 'count',
	type: 'number',
	typeOptions: { minValue: 1 },
	default: 1,
	required: true,
	description:
		'How many devices to register. More than 1,000 are several requests: then set On Error to Continue, so that a failure keeps the keys of those before it.',
	toWire: numberIn(1, 1_000_000),
};

export const names: Field = {
	displayName: 'Names',
	name: 'names',
	type: 'string',
	typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Name' },
	default: [],
	placeholder: 'e.g. Cold room 4',
	description: 'One name for each device that is registered, or an expression that gives a list of names',
	collection: 'additionalFields',
	toWire: (value) => texts(value)?.map(text(250)),
};

export const tags: Field = {
	displayName: 'Tags',
	name: 'tags',
	type: 'fixedCollection',
	typeOptions: { multipleValues: true },
	placeholder: 'Add Tag',
	default: {},
	description: 'Your own tags, at most ten',
	options: [
		{
			displayName: 'Tag',
			name: 'tag',
			values: [
				{ displayName: 'Key', name: 'key', type: 'string', default: '', placeholder: 'e.g. site' },
				{ displayName: 'Value', name: 'value', type: 'string', default: '', placeholder: 'e.g. Rotterdam' },
			],
		},
	],
	collection: 'updateFields',
	toWire: tagMap,
};

export const installLocation: Field = {
	displayName: 'Install Location',
	name: 'installLocation',
	type: 'fixedCollection',
	placeholder: 'Set Location',
	default: {},
	description: 'Where the device is mounted. Latitude 0 and longitude 0 clear the location.',
	options: [
		{
			displayName: 'Location',
			name: 'location',
			values: [
				{
					displayName: 'Latitude',
					name: 'lat',
					type: 'number',
					default: 0,
					description: 'In decimal degrees, -90 to 90',
				},
				{
					displayName: 'Longitude',
					name: 'long',
					type: 'number',
					default: 0,
					description: 'In decimal degrees, -180 to 180',
				},
				{
					displayName: 'Name',
					name: 'location_name',
					type: 'string',
					default: '',
					placeholder: 'e.g. Hall 3, north wall',
				},
			],
		},
	],
	collection: 'updateFields',
	toWire: (value) => {
		const { location } = value as { location?: IDataObject };
		if (!location) return undefined;
		const name = text(500)(location.location_name ?? '');
		const lat = numberIn(-90, 90, false)(location.lat);
		const long = numberIn(-180, 180, false)(location.long);
		if (lat === undefined || long === undefined) throw new Error('it needs a latitude and a longitude');
		return { lat, long, ...(name ? { location_name: name } : {}) };
	},
};

/** A range of time as Hubble filters it. */
export const timeRangeFilter: Omit<Field, 'displayName' | 'name'> = {
	type: 'fixedCollection',
	default: {},
	placeholder: 'Set Range',
	options: [
		{
			displayName: 'Range',
			name: 'range',
			values: [
				{ displayName: 'After', name: 'after', type: 'dateTime', default: '', description: 'From this moment on' },
				{
					displayName: 'Before',
					name: 'before',
					type: 'dateTime',
					default: '',
					description: 'Up to but not including this moment',
				},
			],
		},
	],
	collection: 'filters',
	toWire: timeRange,
};

export const eidRotation: Field = {
	displayName: 'EID Rotation',
	name: 'eidRotation',
	type: 'fixedCollection',
	placeholder: 'Set Rotation',
	default: {},
	description: 'How the device changes its ephemeral ID',
	options: [
		{
			displayName: 'Rotation',
			name: 'rotation',
			values: [
				{
					displayName: 'Counter Source',
					name: 'counter_source',
					type: 'options',
					options: [
						{ name: 'Device Uptime', value: 'DEVICE_UPTIME', description: 'For devices without a clock' },
						{ name: 'Unix Time', value: 'UNIX_TIME', description: 'For devices that know the time' },
					],
					default: 'UNIX_TIME',
					description: 'What the device counts to change its ID',
				},
				{
					displayName: 'Period Exponent',
					name: 'period_exponent',
					type: 'number',
					default: '',
					description:
						'The period is 2 to the power of this in seconds: 10 (17 minutes) to 15 (9 hours). Only with AES-128-EAX.',
				},
			],
		},
	],
	collection: 'additionalFields',
	toWire: (value) => {
		const { rotation } = value as { rotation?: IDataObject };
		if (!rotation) return undefined;
		const period_exponent = numberIn(10, 15)(rotation.period_exponent);
		return { counter_source: rotation.counter_source ?? 'UNIX_TIME', ...(period_exponent ? { period_exponent } : {}) };
	},
};
