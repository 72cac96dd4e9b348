/** How many input items become few calls: the batch calls of the devices, and their replies back onto the items. */
import type { IDataObject } from 'n8n-workflow';
import { DEVICES_PER_CALL, endpoints } from '../shared/client/endpoints';
import type { Registration } from './fields';
import type { ItemRequest, Batch, BatchResult } from '../shared/operation/operation';
import { rowsOf, withoutUndefined } from '../shared/client/json';

/**
 * Register: an item that wants n devices becomes n parts, so that calls fill up whatever the items hold.
 * A part's body holds one device's name, tags and location; `toBody` makes the call's lists of them.
 */
export const registration: Batch<Registration> = {
	endpoint: endpoints.registerDevices,
	size: DEVICES_PER_CALL,
	showsOnce: true,
	split: (request) => {
		const { n_devices, names, tags, install_locations: install_location, ...shared } = request.body;
		return Array.from({ length: n_devices ?? 0 }, (_, index): ItemRequest => ({
			...request,
			body: withoutUndefined({ ...shared, name: names?.[index], tags, install_location }),
		}));
	},
	// Names, tags and locations are lists as long as the call's devices: all of them have one, or none.
	groupOf: ({ query, body: { name, tags, install_location, ...shared } }) =>
		JSON.stringify([query, shared, ...[name, tags, install_location].map((one) => one !== undefined)]),
	toBody: (parts) => {
		const { name, tags, install_location, ...shared } = parts[0]?.body ?? {};
		const all = (field: string, first: unknown) =>
			first === undefined ? undefined : parts.map(({ body }) => body[field]);
		return withoutUndefined({
			...shared,
			n_devices: parts.length,
			names: all('name', name),
			tags: all('tags', tags),
			install_locations: all('install_location', install_location),
		});
	},
	fromReply: ({ devices }, parts) => registeredFor(parts, Array.isArray(devices) ? devices : []),
};

/** A name, normalized for comparison: different encodings of a letter are equal. */
const comparable = (name: unknown) =>
	typeof name === 'string' ? name.normalize().trim().toLowerCase() || undefined : undefined;

/**
 * The entries of a registration's reply, each for the part that asked for it: Hubble shows a key only once, so it must
 * neither go to another part nor be lost. They come in the order of the call; where a name was sent and another one
 * comes back, the name decides. What belongs to no part stands behind the results of all parts.
 */
function registeredFor(parts: readonly ItemRequest[], entries: readonly unknown[]): BatchResult[] {
	const results: BatchResult[] = parts.map(() => ({ missing: true }));
	const isOpen = (index: number) => results[index] !== undefined && 'missing' in results[index];
	const wanted = parts.map(({ body }) => comparable(body.name));
	const unclaimed = entries.flatMap((entry, index) => {
		const [json] = rowsOf([entry]);
		if (!json) return [];
		const name = comparable(json.name);
		const isOwn = index < parts.length && (wanted[index] === undefined || [undefined, wanted[index]].includes(name));
		if (isOwn) results[index] = { json };
		return isOwn ? [] : [json];
	});
	for (const json of unclaimed) {
		const name = comparable(json.name);
		const at = name === undefined ? -1 : wanted.findIndex((given, index) => given === name && isOpen(index));
		results[at < 0 ? results.length : at] = { json };
	}
	return results;
}

/**
 * What a batch reply says of each device, by its id: `devices` (API definition); `results` with `success` in the older
 * reference; `errors` beside status 207.
 */
function resultsById(reply: IDataObject): Map<string, BatchResult> {
	const failed = rowsOf(reply.errors).map((row) => ({ ...row, success: false }));
	const rows: IDataObject[] = [...rowsOf(reply.devices), ...rowsOf(reply.results), ...failed];
	return new Map(
		rows.map((row) => {
			const { id, device_id, success, error, description } = row;
			const reason = error ?? description ?? 'no reason given';
			const refused = typeof reason === 'object' ? JSON.stringify(reason) : String(reason);
			return [String(device_id ?? id).toLowerCase(), success === false || error ? { refused } : { json: row }];
		}),
	);
}

/** The ID of a request's device. */
export const idIn = ({ ids }: Pick<ItemRequest, 'ids'>) => ids.device_id ?? '';

export const update: Batch = {
	endpoint: endpoints.updateDevices,
	size: DEVICES_PER_CALL,
	single: true,
	keyOf: idIn,
	toBody: (parts) => ({ updates: parts.map(({ ids, body }) => ({ ...ids, ...body })) }),
	whenGone: ({ whenGone }) => whenGone && { devices: [whenGone] },
	fromReply: (reply, parts) => {
		const results = resultsById(reply);
		return parts.map((part) => results.get(idIn(part)) ?? { missing: true });
	},
};

/** The rows of a batch with what `add` says of each. */
const withRows = <R>(batch: Batch<R>, add: (row: IDataObject) => IDataObject): Batch<R> => ({
	...batch,
	fromReply: (reply, parts) =>
		batch.fromReply(reply, parts).map((result) => ('json' in result ? { json: add(result.json) } : result)),
});

/** Create or Update: the two of them, which say in their rows what was done. */
export const creation = withRows(registration, (row) => ({ created: true, ...row }));
export const upsertUpdate = withRows(update, (row) => ({ created: false, ...row }));

export const deletion: Batch = {
	...update,
	endpoint: endpoints.deleteDevices,
	toBody: (parts) => ({ device_ids: parts.map(idIn) }),
	whenGone: () => ({}),
	// Hubble answers with an empty object, older versions with counts or with the devices that failed.
	fromReply: (reply, parts) => {
		const results = resultsById(reply);
		const refusals = parts.map((part) => [results.get(idIn(part))].find((result) => result && 'refused' in result));
		const unrefused = refusals.filter((refused) => !refused).length;
		const { deleted = unrefused } = reply;
		const isCountLess = typeof deleted === 'number' && deleted < unrefused;
		return parts.map((part, index): BatchResult => {
			if (refusals[index]) return refusals[index];
			if (isCountLess)
				return { missing: true, says: `Hubble deleted ${deleted} of ${parts.length} devices, without saying which. ` };
			return { json: { deleted: true, deviceId: idIn(part) } };
		});
	},
};
