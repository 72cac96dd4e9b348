import { endpoints } from '../shared/client/endpoints';
import { simplifyDevice, simplifyRegistered, DEVICE_FIELDS } from '../shared/device/device';
import { wantedRows } from '../shared/operation/rows';
import { exportFields, exportRange } from '../shared/operation/exportFields';
import { exportTo } from '../shared/operation/exportFile';
import { choices, deviceOrName, environment, toggle } from '../shared/operation/fields';
import { operation, type Fields, type Operation } from '../shared/operation/operation';
import { valueReason } from '../shared/packet/valueFilter';
import { groupByTag, reportFields, reportOn, silentAfterHours } from '../shared/report/createReport';
import { FleetReport } from '../shared/report/fleetReport';
import { fleetValues, fleetValueSettings } from '../shared/report/reportValues';
import { creation, deletion, registration, update, upsertUpdate } from './batches';
import * as fields from './fields';
import { clientFilters, timeFilters, timeQuery } from './filters';
import { matchKey } from './matching';
import { findDevices, idsOfNames, matchDevices, readPresent } from './prepare';

/** The device list with its filters, shared by the operations that read it. */
const list = {
	endpoint: endpoints.listDevices,
	inQuery: { filter_tags: environment } satisfies Fields,
	settings: timeFilters,
	clientFilters,
	derive: timeQuery,
};

function validateRegistration({ body }: Pick<fields.Registration, 'body'>): string | undefined {
	const { names: listed } = body;
	if (listed && listed.length !== body.n_devices) {
		return `"Name": ${listed.length} for ${String(body.n_devices)} devices; enter one for each, or none`;
	}
	if (body.eid_rotation?.period_exponent !== undefined && body.encryption !== 'AES-128-EAX') {
		return '"EID Rotation": Period Exponent is only for devices with AES-128-EAX';
	}
	return undefined;
}

function validateMatch(request: fields.Match & Pick<fields.Registration, 'body'>): string | undefined {
	const { matchBy, matchTag } = request.settings;
	const { names: listed, tags } = request.body;
	if (matchBy === 'name' && !listed) return '"Name" is required, because devices are matched by it';
	if (matchBy === 'tag' && !matchTag) return '"Tag Key" is required';
	if (matchBy === 'tag' && !Object.hasOwn(tags ?? {}, String(matchTag))) {
		return `"Tag Key": the device gets no tag "${String(matchTag)}" in Tags or Columns, by which it could be matched`;
	}
	return validateRegistration(request);
}

function validateUpdate({ body, settings }: fields.Change): string | undefined {
	const { addTags, removeTags, clearTags, clearLocation } = settings;
	if (body.set_destination_org_id && Object.keys({ ...body, ...settings }).length > 1) {
		return '"Move to Organization ID" cannot be combined with other fields to update';
	}
	const isChanged = addTags !== undefined || removeTags !== undefined;
	if ([body.set_tags !== undefined && !clearTags, clearTags, isChanged].filter(Boolean).length > 1) {
		return '"Replace Tags": use only one of Replace Tags, Clear Tags, and Add or Change Tags with Remove Tags (columns with tags count as Add or Change Tags)';
	}
	const both = Object.keys(addTags ?? {}).find((key) => removeTags?.includes(key));
	if (both) return `"Remove Tags": "${both}" is also among the tags to add`;
	const { lat, long, location_name } = body.set_install_location ?? {};
	if (clearLocation && (lat || long || location_name)) {
		return '"Clear Install Location" cannot be combined with Install Location';
	}
	return undefined;
}

/** The body of a registration with what the columns of the input say. */
function registeredRow({ body, settings: { columns: row, ...settings } }: fields.Registration) {
	if (row?.place && row.place.lat === undefined) {
		throw new Error('"Columns": the place of a device needs a latitude and a longitude');
	}
	return {
		body: {
			...body,
			...(row?.name === undefined ? {} : { names: [row.name] }),
			...(row?.tags ? { tags: row.tags } : {}),
			...(row?.place ? { install_locations: row.place } : {}),
		},
		settings,
	};
}

/**
 * An update with what the columns of the input say: it goes over what stands in Fields to Update. Hubble clears tags by
 * an empty map, and the location by 0/0 (API definition). A device that was moved is not here any more, and one that
 * was renamed is not found by its old name.
 */
function updatedRow({ ids, body, settings: { columns: row, ...settings } }: fields.Change) {
	const { addTags, clearTags, clearLocation } = settings;
	const newName = row?.name ?? body.set_name ?? ids.device_name;
	const isRenamed = ids.device_name !== undefined && matchKey(null, newName) !== matchKey(null, ids.device_name);
	if (clearTags && body.set_tags) throw new Error('"Clear Tags" cannot be combined with Replace Tags');
	return {
		body: {
			...(clearTags ? { set_tags: {} } : {}),
			...(clearLocation ? { set_install_location: { lat: 0, long: 0 } } : {}),
			...body,
			...(row?.name === undefined ? {} : { set_name: row.name }),
			...(row?.place ? { set_install_location: row.place } : {}),
		},
		settings: { ...settings, ...(row?.tags ? { addTags: { ...addTags, ...row.tags } } : {}) },
		...(body.set_destination_org_id ? { whenGone: { id: ids.device_id } } : {}),
		...(isRenamed ? { isOnce: true as const } : {}),
	};
}

/** The devices' calls (API definition, tag "Devices"). */
export const deviceOperations: readonly Operation[] = [
	operation({
		...list,
		name: 'Count',
		object: 'Devices',
		value: 'count',
		description: 'Count the devices of the organization, or those that pass the filters',
		readsAll: true,
		items: async (work) => {
			const devices = wantedRows(work, endpoints.listDevices.list);
			let count = 0;
			while (!(await devices.next()).done) count += 1;
			return [{ json: { count } }];
		},
	}),
	operation({
		...list,
		name: 'Create',
		object: 'Fleet Report',
		value: 'createReport',
		description:
			'Create a report on the fleet as one HTML file: which devices are heard, which are silent, and where they are',
		readsAll: true,
		alsoCalls: { endpoint: endpoints.listPackets, when: 'for Values' },
		settings: { ...fleetValueSettings, silentAfterHours, groupByTag, ...reportFields, ...timeFilters },
		validate: valueReason,
		items: reportOn({
			name: 'fleet-report',
			title: 'Fleet report',
			list: endpoints.listDevices.list,
			start: (frame, hints) => new FleetReport(frame, fleetValues(frame, hints)),
		}),
	}),
	operation({
		name: 'Create or Update',
		object: 'Device',
		value: 'createOrUpdate',
		action: 'Create or update devices',
		description:
			'Update the device that has a given name or tag, or register it if there is none. All devices of the organization are read first, and tags that are not listed are kept.',
		hasSecrets: true,
		endpoint: endpoints.registerDevices,
		alsoCalls: { endpoint: endpoints.listDevices },
		...fields.createOrUpdate,
		derive: (request: fields.Match) => ({
			...registeredRow({ ...request, body: { ...request.body, n_devices: 1 } }),
			// These register nothing, so they show no key.
			...(['fail', 'skip'].includes(String(request.settings.ifNoMatch)) ? { batch: upsertUpdate } : {}),
		}),
		validate: validateMatch,
		shape: simplifyRegistered,
		prepare: matchDevices,
		batch: creation,
	}),
	{
		name: 'Delete',
		object: 'Device',
		value: 'delete',
		description: 'Delete devices permanently, up to 1,000 input items in one request',
		endpoint: endpoints.deleteDevice,
		alsoCalls: { endpoint: endpoints.listDevices, when: 'to find devices by their names' },
		inPath: { device_id: deviceOrName },
		prepare: idsOfNames,
		batch: deletion,
	},
	operation({
		...list,
		name: 'Export',
		object: 'Devices',
		value: 'export',
		action: 'Export devices to file',
		description: 'Write all devices of the organization, or those that pass the filters, to one file',
		readsAll: true,
		derive: (request, now) => ({ ...timeQuery(request, now), ...exportRange(request) }),
		settings: { ...exportFields(DEVICE_FIELDS), ...timeFilters },
		items: exportTo({
			name: 'devices',
			list: endpoints.listDevices.list,
			toJson: () => (row) => row,
			simplify: simplifyDevice,
			columns: () => DEVICE_FIELDS,
		}),
	}),
	operation({
		name: 'Get',
		object: 'Device',
		value: 'get',
		description: 'Get a device by its ID or name. Many input items take few requests.',
		endpoint: endpoints.getDevice,
		inPath: { device_id: deviceOrName },
		settings: { keepInput: fields.keepInput },
		shape: simplifyDevice,
		simplifiedFields: DEVICE_FIELDS,
		prepare: findDevices,
	}),
	operation({
		...list,
		name: 'Get Many',
		object: 'Devices',
		value: 'getAll',
		description: 'Get the devices of the organization',
		shape: simplifyDevice,
		simplifiedFields: DEVICE_FIELDS,
		inQuery: {
			...list.inQuery,
			sort_field: {
				displayName: 'Sort By',
				name: 'sortBy',
				type: 'options',
				options: choices(['Created', 'created_ts'], ['Last Packet', 'most_recent_packet_ts']),
				default: 'created_ts',
				description: 'What the devices are sorted by',
				collection: 'options',
			},
			sort_ascending: {
				...toggle(
					'Sort Ascending',
					'sortAscending',
					false,
					'Whether the earliest comes first, as without this option. By Last Packet, devices that were never heard count as the earliest.',
				),
				collection: 'options',
			},
		},
	}),
	operation({
		name: 'Register',
		object: 'Devices',
		value: 'register',
		description:
			'Register new devices, 1,000 in one request. The output contains their keys, which Hubble shows only once.',
		hasSecrets: true,
		endpoint: endpoints.registerDevices,
		...fields.register,
		derive: registeredRow,
		shape: simplifyRegistered,
		batch: registration,
		validate: validateRegistration,
	}),
	operation({
		name: 'Update',
		object: 'Device',
		value: 'update',
		description: 'Change the name, tags or location of devices, up to 1,000 input items in one request',
		endpoint: endpoints.updateDevice,
		alsoCalls: {
			endpoint: endpoints.listDevices,
			when: 'to add or remove tags, to rename a place, or to find devices by their names',
		},
		...fields.change,
		derive: updatedRow,
		shape: simplifyDevice,
		simplifiedFields: DEVICE_FIELDS,
		validate: validateUpdate,
		prepare: readPresent,
		batch: update,
	}),
];
