/** How many input items become few calls: the batch calls of the devices, and their replies back onto the items. */
import type { IDataObject } from 'n8n-workflow';
import type { Ask, Batch } from '../shared/operation';

/** Devices in one call (API definition: register, batch update, batch delete). */
const BATCH = 1000;

/** Register: an item that wants n devices becomes n parts, so that calls fill up whatever the items hold. */
export const registration: Batch = {
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

export const update: Batch = {
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

export const deletion: Batch = {
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
