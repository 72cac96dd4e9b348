import type { IDataObject } from 'n8n-workflow';
import { between, device, numberIn, platformTags, tagMap, text, texts, uuid, type Field } from '../shared/fields';
import type { Ask, Batch, Operation } from '../shared/operation';
import { isoTime } from '../shared/times';

/** Devices in one call (API definition: register, batch update, batch delete). */
const BATCH = 1000;

const encryption: Field = {
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

const count: Field = {
	displayName: 'Number of Devices',
	name: 'count',
	type: 'number',
	typeOptions: { minValue: 1 },
	default: 1,
	required: true,
	description: 'How many devices to register. More than 1,000 are registered in several requests.',
	toWire: numberIn(1, 1_000_000),
};

const names: Field = {
	displayName: 'Names',
	name: 'names',
	type: 'string',
	typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Name' },
	default: [],
	placeholder: 'e.g. Cold room 4',
	description: 'One name for each device that is registered, or an expression that gives a list of names',
	within: 'additionalFields',
	toWire: (value) => texts(value)?.map(text(250)),
};

const tags: Field = {
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
	within: 'updateFields',
	toWire: tagMap,
};

const installLocation: Field = {
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
				{ displayName: 'Latitude', name: 'lat', type: 'number', default: 0, description: 'In decimal degrees, -90 to 90' },
				{ displayName: 'Longitude', name: 'long', type: 'number', default: 0, description: 'In decimal degrees, -180 to 180' },
				{ displayName: 'Name', name: 'location_name', type: 'string', default: '', placeholder: 'e.g. Hall 3, north wall' },
			],
		},
	],
	within: 'updateFields',
	toWire: (value) => {
		const { location } = value as { location?: IDataObject };
		if (!location) return undefined;
		const name = text(500)(location.location_name ?? '');
		return {
			lat: numberIn(-90, 90, false)(location.lat ?? 0),
			long: numberIn(-180, 180, false)(location.long ?? 0),
			...(name ? { location_name: name } : {}),
		};
	},
};

/** A range of time as Hubble filters it. */
const timeRange: Omit<Field, 'displayName' | 'name'> = {
	type: 'fixedCollection',
	default: {},
	placeholder: 'Set Range',
	options: [
		{
			displayName: 'Range',
			name: 'range',
			values: [
				{ displayName: 'After', name: 'after', type: 'dateTime', default: '', description: 'From this moment on' },
				{ displayName: 'Before', name: 'before', type: 'dateTime', default: '', description: 'Up to but not including this moment' },
			],
		},
	],
	within: 'filters',
	toWire: between,
};

/** Register: an item that wants n devices becomes n parts, so that calls fill up whatever the items hold. */
const registration: Batch = {
	path: '/v2/org/{org_id}/devices',
	size: BATCH,
	split: (ask) => {
		const { n_devices, names: listed, tags: tagged, install_locations, ...shared } = ask.body;
		return Array.from({ length: n_devices as number }, (_, index): Ask => ({
			...ask,
			body: {
				...shared,
				...(listed ? { name: (listed as string[])[index] } : {}),
				...(tagged ? { tags: tagged } : {}),
				...(install_locations ? { install_location: install_locations } : {}),
			},
		}));
	},
	// Names, tags and locations are lists as long as the call's devices: all of them have one, or none.
	groupOf: ({ query, body: { name, tags: tagged, install_location, ...shared } }) =>
		JSON.stringify([query, shared, name !== undefined, tagged !== undefined, install_location !== undefined]),
	toBody: (parts) => {
		const { name, tags: tagged, install_location, ...shared } = parts[0]?.body ?? {};
		const all = (field: string) => parts.map(({ body }) => body[field]) as IDataObject[];
		return {
			...shared,
			n_devices: parts.length,
			...(name !== undefined ? { names: all('name') } : {}),
			...(tagged !== undefined ? { tags: all('tags') } : {}),
			...(install_location !== undefined ? { install_locations: all('install_location') } : {}),
		};
	},
	fromReply: ({ devices = [] }) => (devices as IDataObject[]).map((json) => ({ json })),
};

/** Why Hubble refused a device, in the older replies that report each device on its own. */
const refusalOf = ({ error, message, description }: IDataObject) => {
	const reason = error ?? message ?? description;
	return typeof reason === 'object' ? JSON.stringify(reason) : String(reason ?? 'no reason given');
};
const isRefused = ({ success, error, status }: IDataObject) =>
	success === false || Boolean(error) || (typeof status === 'number' && status >= 400);

/** The rows of a batch reply by device id: `devices` as the definition has it, `results` in older replies. */
function rowsById(reply: IDataObject): Map<string, IDataObject> {
	const rows = [reply.devices, reply.results, reply.errors].flatMap((list) => (Array.isArray(list) ? list : []));
	return new Map((rows as IDataObject[]).map((row) => [String(row.id ?? row.device_id).toLowerCase(), row]));
}

const update: Batch = {
	path: '/v1/org/{org_id}/devices',
	size: BATCH,
	single: true,
	keyOf: ({ path }) => path.device_id ?? '',
	toBody: (parts) => ({ updates: parts.map(({ path, body }) => ({ ...path, ...body })) }),
	fromReply: (reply, parts) => {
		const rows = rowsById(reply);
		return parts.map(({ path }) => {
			const row = rows.get(path.device_id ?? '');
			if (!row) return { refused: 'The reply does not mention this device.' };
			return isRefused(row) ? { refused: refusalOf(row) } : { json: row };
		});
	},
};

const deletion: Batch = {
	...update,
	toBody: (parts) => ({ device_ids: parts.map(({ path }) => path.device_id) as string[] }),
	// Hubble answers with an empty object, older versions with counts or with the devices that failed.
	fromReply: (reply, parts) => {
		const rows = rowsById(reply);
		return parts.map(({ path }) => {
			const row = rows.get(path.device_id ?? '');
			return row && isRefused(row) ? { refused: refusalOf(row) } : { json: { deleted: true, id: path.device_id } };
		});
	},
};

/** When a device was heard last, over both networks. */
function lastPacket({ most_recent_packet: packets }: IDataObject): IDataObject & { timestamp?: number } {
	const seen = Object.values((packets ?? {}) as IDataObject).filter(Boolean) as Array<{ timestamp: number }>;
	return seen.sort((a, b) => b.timestamp - a.timestamp)[0] ?? {};
}

/** A device in ten flat fields. */
function simplifyDevice(row: IDataObject): IDataObject {
	const { timestamp, location } = lastPacket(row) as { timestamp?: number; location?: IDataObject };
	const { _env, ...own } = (row.tags ?? {}) as IDataObject;
	return {
		id: row.id,
		name: row.name,
		environment: _env ?? null,
		tags: Object.entries(own).map(([key, value]) => `${key}=${String(value)}`).join(', '),
		encryption: row.encryption ?? null,
		createdAt: isoTime(row.created_ts as number),
		lastPacketAt: timestamp === undefined ? null : isoTime(timestamp),
		latitude: location?.latitude ?? null,
		longitude: location?.longitude ?? null,
		installLocation: (row.install_location as IDataObject | undefined)?.location_name ?? null,
	};
}

/** The devices' calls (API definition, tag "Devices"). */
export const deviceOperations: readonly Operation[] = [
	{
		name: 'Delete',
		value: 'delete',
		action: 'Delete a device',
		description: 'Delete devices for good, up to 1,000 input items in one request',
		method: 'DELETE',
		path: '/v1/org/{org_id}/devices/{device_id}',
		scope: 'write-devices',
		inPath: { device_id: device },
		batch: deletion,
	},
	{
		name: 'Get',
		value: 'get',
		action: 'Get a device',
		description: 'Get one device',
		method: 'GET',
		path: '/v1/org/{org_id}/devices/{device_id}',
		scope: 'read-devices',
		inPath: { device_id: device },
		simplify: simplifyDevice,
	},
	{
		name: 'Get Many',
		value: 'getAll',
		action: 'Get many devices',
		description: 'Get the devices of the organization',
		method: 'GET',
		path: '/v1/org/{org_id}/devices',
		scope: 'read-devices',
		simplify: simplifyDevice,
		inQuery: {
			filter_created_ts: { ...timeRange, displayName: 'Created', name: 'created', description: 'When the device was registered' },
			filter_most_recent_packet_ts: {
				...timeRange,
				displayName: 'Last Packet',
				name: 'lastPacket',
				description: 'When the device was heard last. A range up to 1970-01-01 00:00:01 finds devices that were never heard.',
			},
			filter_tags: platformTags,
			sort_field: {
				displayName: 'Sort By',
				name: 'sortBy',
				type: 'options',
				options: [
					{ name: 'Created', value: 'created_ts' },
					{ name: 'Last Packet', value: 'most_recent_packet_ts' },
				],
				default: 'created_ts',
				description: 'What the devices are sorted by',
				within: 'options',
			},
			sort_ascending: {
				displayName: 'Sort Ascending',
				name: 'sortAscending',
				type: 'boolean',
				default: true,
				description: 'Whether the oldest comes first',
				within: 'options',
			},
		},
		list: {
			rows: 'devices',
			pages: 'token',
			pageSize: { name: 'limit', min: 10, max: 1000 },
		},
		local: [
			{
				displayName: 'Name Contains',
				name: 'nameContains',
				type: 'string',
				default: '',
				placeholder: 'e.g. cold room',
				description: 'Only devices with this in their name. Hubble cannot search by name: all devices are fetched and compared here.',
				within: 'filters',
				keeps: ({ name }, part) => String(name).toLowerCase().includes(String(part).toLowerCase()),
			},
			{
				displayName: 'Own Tags',
				name: 'ownTags',
				type: 'string',
				typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Tag' },
				default: [],
				placeholder: 'e.g. site:Rotterdam',
				description: 'Only devices with all of these tags of yours. Hubble cannot filter by them: all devices are fetched and compared here.',
				within: 'filters',
				toWire: texts,
				keeps: ({ tags: own }, wanted) => {
					const has = new Set(Object.entries(own as IDataObject).map(([key, value]) => `${key}:${String(value)}`));
					return (wanted as string[]).every((tag) => has.has(tag.replace('=', ':')));
				},
			},
		],
	},
	{
		name: 'Register',
		value: 'register',
		action: 'Register devices',
		description: 'Register new devices, 1,000 in one request. The output holds their keys, which Hubble shows only once.',
		method: 'POST',
		path: '/v2/org/{org_id}/devices',
		scope: 'write-devices',
		inBody: {
			encryption,
			n_devices: count,
			names,
			tags: { ...tags, within: 'additionalFields', description: 'Your own tags for each of the devices, at most ten' },
			install_locations: { ...installLocation, within: 'additionalFields', description: 'Where the devices are mounted' },
			eid_rotation: {
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
								description: 'The period is 2 to the power of this in seconds: 10 (17 minutes) to 15 (9 hours). Only with AES-128-EAX.',
							},
						],
					},
				],
				within: 'additionalFields',
				toWire: (value) => {
					const { rotation } = value as { rotation?: IDataObject };
					if (!rotation) return undefined;
					const period_exponent = numberIn(10, 15)(rotation.period_exponent);
					return { counter_source: rotation.counter_source ?? 'UNIX_TIME', ...(period_exponent ? { period_exponent } : {}) };
				},
			},
		},
		inQuery: {
			key_format: {
				displayName: 'Key Format',
				name: 'keyFormat',
				type: 'options',
				options: [
					{ name: 'Base64', value: 'base64' },
					{ name: 'Hexadecimal', value: 'hex' },
				],
				default: 'base64',
				description: 'How the keys are written in the output',
				within: 'additionalFields',
			},
		},
		batch: registration,
		refuse: ({ body }) => {
			const listed = body.names as string[] | undefined;
			if (listed && listed.length !== body.n_devices) {
				return `Parameter "Names": ${listed.length} for ${String(body.n_devices)} devices; give one for each, or none`;
			}
			const { period_exponent } = (body.eid_rotation ?? {}) as IDataObject;
			if (period_exponent !== undefined && body.encryption !== 'AES-128-EAX') {
				return 'Parameter "EID Rotation": Period Exponent is only for devices with AES-128-EAX';
			}
			return undefined;
		},
	},
	{
		name: 'Update',
		value: 'update',
		action: 'Update a device',
		description: 'Change the name, tags or location of devices, up to 1,000 input items in one request',
		method: 'PATCH',
		path: '/v1/org/{org_id}/devices/{device_id}',
		scope: 'write-devices',
		inPath: { device_id: device },
		inBody: {
			set_name: {
				displayName: 'Name',
				name: 'name',
				type: 'string',
				default: '',
				placeholder: 'e.g. Cold room 4',
				description: 'At most 250 characters',
				within: 'updateFields',
				toWire: text(250),
			},
			set_tags: { ...tags, description: 'Your own tags, at most ten. They replace those that the device has.' },
			set_install_location: installLocation,
			set_destination_org_id: {
				displayName: 'Move to Organization ID',
				name: 'destinationOrganizationId',
				type: 'string',
				default: '',
				placeholder: 'e.g. 123e4567-e89b-12d3-a456-426614174000',
				description:
					'The sandbox or production partner of this organization. The device moves there with its keys, without its packets. Not together with other fields.',
				within: 'updateFields',
				toWire: uuid,
			},
		},
		batch: update,
		refuse: ({ body }) => {
			if (Object.keys(body).length > 1 && body.set_destination_org_id) {
				return 'Parameter "Move to Organization ID": it excludes the other fields to update';
			}
			return undefined;
		},
	},
];
