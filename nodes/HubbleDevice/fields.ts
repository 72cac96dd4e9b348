/** The parameters that only devices have, without the filters of their list. */
import { TAG_LIMITS } from '../shared/client/endpoints';
import { objectOf } from '../shared/client/json';
import { degrees } from '../shared/device/areaFields';
import { choices, deviceOrName, KEEP_INPUT, textPart, toggle, type Field } from '../shared/operation/fields';
import type { RequestOf } from '../shared/operation/operation';
import { fieldName, flag, numberIn, text, texts, uuid } from '../shared/operation/values';
import { columns, columnsNotice, fieldsFrom } from './columns';
import { nameOnWire, placeOnWire } from './naming';
import { tagKeys, tagMap } from './tags';

const encryption = {
	displayName: 'Encryption',
	name: 'encryption',
	type: 'options',
	options: choices(
		['AES-128-CTR', 'AES-128-CTR', '16-byte key'],
		['AES-128-EAX', 'AES-128-EAX', '16-byte key, for the IN100 protocol'],
		['AES-256-CTR', 'AES-256-CTR', '32-byte key'],
		['None', 'NONE', 'The device sends unencrypted'],
	),
	default: 'AES-256-CTR',
	description: 'The encryption that the firmware of new devices was built for. The default is AES-256-CTR.',
	collection: 'additionalFields',
	whenEmpty: () => 'AES-256-CTR',
} satisfies Field;

const numberOfDevices = {
	displayName: 'Number of Devices',
	name: 'count',
	type: 'number',
	typeOptions: { minValue: 1, maxValue: 100_000 },
	default: 1,
	description:
		'How many devices to register for each input item. Above 1,000, set On Error to Continue (tab Settings) so that a failed request does not lose earlier keys.',
	collection: 'additionalFields',
	toWire: numberIn(1, 100_000),
	whenEmpty: () => 1,
} satisfies Field;

const title = textPart('Name', 'name', 'e.g. Cold room 4', 'At most 250 characters');

const names = {
	...title,
	description: `${title.description}. For several devices, an expression that returns a list of names. If empty, Hubble generates one.`,
	toWire: (value) => texts(value)?.map(nameOnWire),
} satisfies Field;

const name = { ...title, collection: 'updateFields', toWire: nameOnWire } satisfies Field;

const tags = {
	displayName: 'Tags',
	name: 'tags',
	type: 'fixedCollection',
	typeOptions: { multipleValues: true },
	placeholder: 'Add Tag',
	default: {},
	description: 'Your own tags, at most ten. The key _env sets the environment: production or sandbox.',
	options: [
		{
			displayName: 'Tag',
			name: 'tag',
			values: [textPart('Key', 'key', 'e.g. site'), textPart('Value', 'value', 'e.g. Rotterdam')],
		},
	],
	mayBeBlank: ['value'],
	toWire: tagMap,
} satisfies Field;

const replaceTags = {
	...tags,
	toWire: (value) => {
		const map = tagMap(value);
		if (!map) throw new Error('all tags are blank; to remove the tags of a device, use Clear Tags');
		return map;
	},
	displayName: 'Replace Tags',
	description: 'Your own tags, at most ten. They replace all tags of the device.',
	collection: 'updateFields',
} satisfies Field;

const addTags = {
	...tags,
	displayName: 'Add or Change Tags',
	name: 'addTags',
	description: 'Tags to add or change; the others stay. The key _env moves the device to production or sandbox.',
	collection: 'updateFields',
} satisfies Field;

const removeTags = {
	displayName: 'Remove Tags',
	name: 'removeTags',
	type: 'string',
	typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Key' },
	default: [],
	placeholder: 'e.g. site',
	description: 'Keys of the tags to remove; the others stay',
	collection: 'updateFields',
	toWire: tagKeys,
} satisfies Field;

/** What removes something from a device; it has no effect when off. */
const clear = (displayName: string, name: string, description: string) =>
	({
		...toggle(displayName, name, true, description),
		collection: 'updateFields',
		toWire: (value): true | undefined => (flag(value) ? true : undefined),
	}) satisfies Field;

const clearTags = clear('Clear Tags', 'clearTags', 'Whether to remove all of your own tags');
const clearLocation = clear('Clear Install Location', 'clearLocation', 'Whether to remove the install location');

const installLocation = {
	displayName: 'Install Location',
	name: 'installLocation',
	type: 'fixedCollection',
	placeholder: 'Set Location',
	default: {},
	description: 'Where the device is mounted',
	options: [
		{
			displayName: 'Location',
			name: 'location',
			values: [
				degrees('Latitude', 'lat', 90),
				degrees('Longitude', 'long', 180),
				textPart('Name', 'location_name', 'e.g. Hall 3, north wall'),
			],
		},
	],
	mayBeBlank: ['lat', 'long', 'location_name'],
	toWire: (value) => {
		const location = placeOnWire(value);
		if (location && location.lat === undefined) throw new Error('it needs a latitude and a longitude');
		return location;
	},
} satisfies Field;

const changeLocation = {
	...installLocation,
	description:
		'Where the device is mounted. A name alone keeps the coordinates, which are read first. Coordinates alone remove the name.',
	collection: 'updateFields',
	toWire: placeOnWire,
} satisfies Field;

const destination = {
	...textPart('Move to Organization ID', 'destinationOrganizationId', 'e.g. 123e4567-e89b-12d3-a456-426614174000'),
	description:
		'The sandbox or production counterpart of this organization. The device moves with its keys but without its packets. Cannot be combined with other fields.',
	collection: 'updateFields',
	toWire: uuid,
} satisfies Field;

const keyFormat = {
	displayName: 'Key Format',
	name: 'keyFormat',
	type: 'options',
	options: choices(['Base64', 'base64'], ['Hexadecimal', 'hex']),
	default: 'base64',
	description: 'How the keys are written in the output',
	collection: 'additionalFields',
} satisfies Field;

const matchBy = {
	displayName: 'Match By',
	name: 'matchBy',
	type: 'options',
	noDataExpression: true,
	options: choices(
		['Name', 'name', 'The device with exactly this name'],
		['Tag', 'tag', 'The device whose tag has the same value'],
	),
	standsFirst: true,
	default: 'name',
	description: 'How to recognize a device that already exists',
} satisfies Field;

const matchTag = {
	...textPart('Tag Key', 'matchTag', 'e.g. serial'),
	standsFirst: true,
	description: 'The key of the tag that identifies the device. Its value is among the tags below.',
	shownWhen: { matchBy: ['tag'] },
	toWire: (value) => text(TAG_LIMITS.key)(value).normalize(),
} satisfies Field;

const ifNoMatch = {
	displayName: 'If No Device Matches',
	name: 'ifNoMatch',
	type: 'options',
	options: choices(
		['Fail', 'fail', 'Report an error for the item, so that a typo does not register a device'],
		['Register', 'register', 'Register a new device'],
		['Skip', 'skip', 'Leave the item out of the output'],
	),
	standsFirst: true,
	default: 'register',
	description: 'What to do when no device matches',
} satisfies Field;

/** The name of the field for a row of output beside the fields of its input item; `run.ts` joins them. */
export const keepInput = {
	displayName: 'Keep Input Fields',
	name: KEEP_INPUT,
	type: 'string',
	noDataExpression: true,
	default: 'device',
	description: 'Name of the field for the device, added to the fields of the input item',
	collection: 'options',
	toWire: fieldName,
} satisfies Field;

const eidRotation = {
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
					options: choices(
						['Device Uptime', 'DEVICE_UPTIME', 'For devices without a clock'],
						['Unix Time', 'UNIX_TIME', 'For devices with a clock'],
					),
					default: 'UNIX_TIME',
					description: 'What the device counts to change its ID',
				},
				{
					displayName: 'Period Exponent',
					name: 'period_exponent',
					type: 'number',
					default: '',
					description:
						'The period in seconds, as a power of two: 10 (17 minutes) to 15 (9 hours). If empty, 15. Only with AES-128-EAX.',
				},
			],
		},
	],
	collection: 'additionalFields',
	toWire: (value) => {
		const { rotation: given } = objectOf(value);
		if (!given) return undefined;
		const rotation = objectOf(given);
		const period_exponent = numberIn(10, 15)(rotation.period_exponent);
		return { counter_source: rotation.counter_source ?? 'UNIX_TIME', ...(period_exponent ? { period_exponent } : {}) };
	},
} satisfies Field;

/** Of a field for which columns of the input can stand in. */
const below = { shownWhen: { fieldsFrom: ['below'] } };

/** What the devices of a registration have in common, and what tells them apart. */
const registered = {
	encryption,
	names: { ...names, ...below },
	tags: { ...tags, ...below },
	install_locations: { ...installLocation, ...below },
	eid_rotation: eidRotation,
};

/** The parameters of Register, of Create or Update, and of Update. */
export const register = {
	inBody: { ...registered, n_devices: numberOfDevices },
	inQuery: { key_format: keyFormat },
	settings: { fieldsFrom, columnsNotice, columns },
};

export const createOrUpdate = {
	inBody: registered,
	inQuery: { key_format: keyFormat },
	settings: { matchBy, matchTag, ifNoMatch, fieldsFrom, columnsNotice, columns },
};

export const change = {
	inPath: { device_id: deviceOrName },
	inBody: {
		set_name: name,
		set_tags: replaceTags,
		set_install_location: changeLocation,
		set_destination_org_id: destination,
	},
	settings: { fieldsFrom, columnsNotice, columns, addTags, removeTags, clearTags, clearLocation },
};

/** One item's values for these parameters. */
export type Registration = RequestOf<typeof register>;
export type Match = RequestOf<typeof createOrUpdate>;
export type Change = RequestOf<typeof change>;
