import type { IDataObject } from 'n8n-workflow';
import { endpoints } from '../shared/client/endpoints';
import { simplifyDevice, SIMPLIFIED } from '../shared/device/device';
import { exportFields, exportTo } from '../shared/operation/exportFile';
import { device, environment } from '../shared/operation/fields';
import type { Operation } from '../shared/operation/operation';
import { tagFilters, text, uuid } from '../shared/operation/values';
import { deletion, registration, update } from './batches';
import { count, eidRotation, encryption, installLocation, names, tags, timeRangeFilter } from './fields';

const getMany: Operation = {
	resource: 'device',
	name: 'Get Many',
	value: 'getAll',
	action: 'Get many devices',
	description: 'Get the devices of the organization',
	endpoint: endpoints.listDevices,
	simplify: simplifyDevice,
	inQuery: {
		filter_created_ts: {
			...timeRangeFilter,
			displayName: 'Created',
			name: 'created',
			description: 'When the device was registered',
		},
		filter_most_recent_packet_ts: {
			...timeRangeFilter,
			displayName: 'Last Packet',
			name: 'lastPacket',
			description:
				'When the device was heard last. A range up to 1970-01-01 00:00:01 finds devices that were never heard.',
		},
		filter_tags: environment,
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
			collection: 'options',
		},
		sort_ascending: {
			displayName: 'Sort Ascending',
			name: 'sortAscending',
			type: 'boolean',
			default: true,
			description: 'Whether the oldest comes first',
			collection: 'options',
		},
	},
	clientFilters: [
		{
			displayName: 'Name Contains',
			name: 'nameContains',
			type: 'string',
			default: '',
			placeholder: 'e.g. cold room',
			description:
				'Only devices with this in their name. Hubble cannot search by name: all devices are fetched and compared here.',
			collection: 'filters',
			matches: ({ name }, part) => String(name).toLowerCase().includes(String(part).toLowerCase()),
		},
		{
			displayName: 'Own Tags',
			name: 'ownTags',
			type: 'string',
			typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Tag' },
			default: [],
			placeholder: 'e.g. site:Rotterdam',
			description:
				'Only devices with all of these tags of yours. Hubble cannot filter by them: all devices are fetched and compared here.',
			collection: 'filters',
			toWire: tagFilters,
			matches: ({ tags: own }, wanted) => {
				const has = new Set(Object.entries(own ?? {}).map(([key, value]) => `${key}:${String(value)}`));
				return (wanted as string[]).every((tag) => has.has(tag));
			},
		},
	],
};

/** The devices' calls (API definition, tag "Devices"). */
export const deviceOperations: readonly Operation[] = [
	{
		resource: 'device',
		name: 'Delete',
		value: 'delete',
		action: 'Delete a device for good',
		description: 'Delete devices for good, up to 1,000 input items in one request',
		endpoint: endpoints.deleteDevice,
		inPath: { device_id: device },
		batch: deletion,
	},
	{
		...getMany,
		resource: 'fleet',
		name: 'Export',
		value: 'export',
		action: 'Export devices to a file',
		description: 'Write the devices of the organization into one file, however many they are',
		simplify: undefined,
		settings: exportFields(),
		toItems: exportTo({
			name: 'devices',
			list: endpoints.listDevices.list,
			toJson: () => (row) => row,
			simplify: simplifyDevice,
			columns: () => SIMPLIFIED,
		}),
	},
	{
		resource: 'device',
		name: 'Get',
		value: 'get',
		action: 'Get a device',
		description: 'Get one device',
		endpoint: endpoints.getDevice,
		inPath: { device_id: device },
		simplify: simplifyDevice,
	},
	getMany,
	{
		resource: 'device',
		name: 'Register',
		value: 'register',
		action: 'Register devices and get their keys only once',
		description:
			'Register new devices, 1,000 in one request. The output holds their keys, which Hubble shows only once.',
		endpoint: endpoints.registerDevices,
		inBody: {
			encryption,
			n_devices: count,
			names,
			tags: {
				...tags,
				collection: 'additionalFields',
				description: 'Your own tags for each of the devices, at most ten',
			},
			install_locations: {
				...installLocation,
				collection: 'additionalFields',
				description: 'Where the devices are mounted',
			},
			eid_rotation: eidRotation,
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
				collection: 'additionalFields',
			},
		},
		batch: registration,
		validate: ({ body }) => {
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
		resource: 'device',
		name: 'Update',
		value: 'update',
		action: 'Update a device',
		description: 'Change the name, tags or location of devices, up to 1,000 input items in one request',
		endpoint: endpoints.updateDevice,
		inPath: { device_id: device },
		inBody: {
			set_name: {
				displayName: 'Name',
				name: 'name',
				type: 'string',
				default: '',
				placeholder: 'e.g. Cold room 4',
				description: 'At most 250 characters',
				collection: 'updateFields',
				toWire: text(250),
			},
			set_tags: {
				...tags,
				description:
					'Your own tags, at most ten. They replace those that the device has; with no tag given, they stay.',
			},
			set_install_location: installLocation,
			set_destination_org_id: {
				displayName: 'Move to Organization ID',
				name: 'destinationOrganizationId',
				type: 'string',
				default: '',
				placeholder: 'e.g. 123e4567-e89b-12d3-a456-426614174000',
				description:
					'The sandbox or production partner of this organization. The device moves there with its keys, without its packets. Not together with other fields.',
				collection: 'updateFields',
				toWire: uuid,
			},
		},
		batch: update,
		validate: ({ body }) => {
			if (Object.keys(body).length > 1 && body.set_destination_org_id) {
				return 'Parameter "Move to Organization ID": it excludes the other fields to update';
			}
			return undefined;
		},
	},
];
