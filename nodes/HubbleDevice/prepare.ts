/** What is looked up before devices are given out, changed, or registered: for all items together. */
import { jsonParse, NodeOperationError, type IDataObject } from 'n8n-workflow';
import { objectOf } from '../shared/client/json';
import { asError } from '../shared/client/errors';
import type { HubbleClient } from '../shared/client/client';
import { endpoints } from '../shared/client/endpoints';
import { acceptedRows, pages } from '../shared/client/pages';
import { placeInstalled } from '../shared/device/device';
import type { ItemRequest, Preparation, RequestOf, Turn } from '../shared/operation/operation';
import { takenField } from '../shared/operation/values';
import { creation, upsertUpdate } from './batches';
import type { Change, keepInput, Match } from './fields';
import { DeviceLookup } from './lookup';
import { changedTags, type TagChange } from './tags';

const idOf = ({ ids }: Pick<ItemRequest, 'ids'>) => ids.device_id ?? '';

/** What is wrong with an item, found out after its parameters were read. */
function refusal(
	{ context }: Pick<Preparation, 'context'>,
	itemIndex: number,
	message: string,
	description?: string,
): NodeOperationError {
	return new NodeOperationError(context.getNode(), message, { itemIndex, description });
}

/**
 * The devices of these requests by their IDs. Each that is not found fails, and is not among those given back.
 */
async function lookUp(
	{ hubble, isSingle, canContinue, fail }: Omit<Preparation, 'requests'>,
	requests: ReadonlyArray<Pick<ItemRequest, 'ids' | 'itemIndex'>>,
): Promise<Map<string, IDataObject>> {
	const lookup = new DeviceLookup(hubble, requests.map(idOf), isSingle, canContinue);
	await lookup.run();
	for (const request of requests) {
		const failure = lookup.failed.get(idOf(request));
		if (failure !== undefined) fail(request.itemIndex, failure, request.ids);
	}
	return lookup.found;
}

/** Get: each ID is asked for once, and its answer goes to every item that named it. */
export async function findDevices(all: Preparation<RequestOf<{ settings: { keepInput: typeof keepInput } }>>) {
	const inputs = all.context.getInputData();
	const requests = all.requests.filter(({ itemIndex, ids, settings }) => {
		const field = settings.keepInput;
		const reason = field && takenField('Keep Input Fields', field, inputs[itemIndex]?.json);
		if (!reason) return true;
		all.fail(itemIndex, refusal(all, itemIndex, reason), ids);
		return false;
	});
	if (all.isSingle) return requests;
	const found = await lookUp(all, requests);
	return requests.flatMap((request) => {
		const reply = found.get(idOf(request));
		return reply ? [{ ...request, reply }] : [];
	});
}

const tagChangeOf = ({ settings: { addTags, removeTags } }: Change): TagChange | undefined =>
	addTags || removeTags ? { set: addTags, remove: removeTags } : undefined;

/** Whether a change is one of what the device has, which has to be known first. */
const isRelative = (request: Change) => {
	const place = request.body.set_install_location;
	return tagChangeOf(request) !== undefined || (place !== undefined && place.lat === undefined);
};

/** The body of a change, where the device is as `present` says. Throws when the device would have too many tags. */
function changeOf(request: Change, present: IDataObject): Change['body'] {
	const { body } = request;
	const change = tagChangeOf(request);
	const place = body.set_install_location;
	const at = placeInstalled(present);
	const kept = at ? { lat: at.latitude, long: at.longitude } : {};
	return {
		...body,
		...(change ? { set_tags: changedTags(objectOf(present.tags), change) } : {}),
		...(place ? { set_install_location: { ...kept, ...place } } : {}),
	};
}

/** A device as it is after a change. */
const after = (present: IDataObject, { set_tags, set_install_location }: Change['body']): IDataObject => ({
	...present,
	...(set_tags ? { tags: { _env: objectOf(present.tags)._env, ...set_tags } } : {}),
	...(set_install_location ? { install_location: set_install_location } : {}),
});

/** Changes of what a device has, made with what it has: several of one device build on those that Hubble confirmed. */
class Changes {
	private readonly checked = new Set<string>();

	constructor(
		private readonly all: Omit<Preparation, 'requests'>,
		private readonly present: Map<string, IDataObject>,
	) {}

	/** The change of one item; none when it cannot be made. What is wrong with the first of a device is found before any call. */
	of(request: Change, tagsOf = 'Add or Change Tags'): ItemRequest[] {
		const id = idOf(request);
		if (!this.present.has(id)) return isRelative(request) ? [] : [request];
		const turn = this.turnOf(request, tagsOf);
		if (!this.checked.has(id)) {
			try {
				turn.body();
			} catch (error) {
				this.all.fail(request.itemIndex, error, request.ids);
				return [];
			}
			this.checked.add(id);
		}
		return [{ ...request, turn }];
	}

	private turnOf(request: Change, tagsOf: string): Turn {
		const id = idOf(request);
		let sent: Change['body'] = {};
		return {
			body: () => (sent = this.bodyOf(request, tagsOf)),
			done: () => this.present.set(id, after(this.present.get(id) ?? {}, sent)),
		};
	}

	private bodyOf(request: Change, tagsOf: string): Change['body'] {
		const refuse = (parameter: string, reason: string) =>
			refusal(this.all, request.itemIndex, `Parameter "${parameter}": ${reason}`);
		let body: Change['body'];
		try {
			body = changeOf(request, this.present.get(idOf(request)) ?? {});
		} catch (error) {
			throw refuse(tagsOf, asError(error).message);
		}
		const place = body.set_install_location;
		if (place && place.lat === undefined)
			throw refuse('Install Location', 'the device has none yet; give a latitude and a longitude, too');
		return body;
	}
}

/** Update: where tags are added or removed, or a place is renamed, the devices are read first. */
export async function readPresent(all: Preparation<Change>): Promise<ItemRequest[]> {
	const relative = all.requests.filter(isRelative);
	if (!relative.length) return [...all.requests];
	const changes = new Changes(all, new Map(await lookUp(all, relative)));
	return all.requests.flatMap((request) => changes.of(request));
}

/** What tells the device of an item from others. */
function matchOf({ settings: { matchBy, matchTag = '' }, body }: Match): string {
	const value = matchBy === 'tag' ? body.tags?.[matchTag] : body.names?.[0];
	return JSON.stringify([matchBy === 'tag' ? matchTag : null, value]);
}

/** All values by which a device may be meant. */
const matchesOf = ({ name, tags }: IDataObject): string[] => [
	JSON.stringify([null, name]),
	...Object.entries(tags ?? {}).map((tag) => JSON.stringify(tag)),
];

interface Matches {
	/** The devices that the items mean, by what tells them apart. */
	found: Map<string, IDataObject[]>;
	/** Entries of the list that do not tell which device they are, and the X-Request-ID with which the last of them came. */
	unread: number;
	requestId?: string;
}

/** Whether an entry of the list tells which device it is. */
const isDevice = ({ id, name }: IDataObject) => typeof id === 'string' && typeof (name ?? '') === 'string';

/** Reads the whole list: Hubble cannot search. */
async function devicesByMatch(hubble: HubbleClient, requests: readonly Match[]): Promise<Matches> {
	const { list } = endpoints.listDevices;
	const matches: Matches = { found: new Map(requests.map((request) => [matchOf(request), []])), unread: 0 };
	// The oldest first: a device that is registered meanwhile moves no other to another page.
	for await (const { rows, requestId } of pages(hubble, { endpoint: endpoints.listDevices }, list, list.pageSize.max)) {
		const devices = [...acceptedRows(rows, list)].filter(isDevice);
		if (devices.length < rows.length) {
			Object.assign(matches, { unread: matches.unread + rows.length - devices.length, requestId });
		}
		for (const row of devices) {
			for (const match of matchesOf(row)) matches.found.get(match)?.push(row);
		}
	}
	return matches;
}

/** The update by which an existing device becomes what the item says. */
function asUpdate(request: Match, device: IDataObject): Change {
	const { names, tags, install_locations } = request.body;
	const { location_name: name } = objectOf(device.install_location);
	return {
		...request,
		endpoint: endpoints.updateDevice,
		batch: upsertUpdate,
		ids: { device_id: String(device.id).toLowerCase() },
		query: {},
		body: {
			...(names ? { set_name: names[0] } : {}),
			...(install_locations
				? {
						set_install_location: {
							...(name ? { location_name: String(name) } : {}),
							...install_locations,
						},
					}
				: {}),
		},
		settings: { addTags: tags },
	};
}

/** Create or Update: which device each item means, and whether there is one. Updates come before registrations. */
export async function matchDevices(all: Preparation<Match>): Promise<ItemRequest[]> {
	const { hubble, requests, fail } = all;
	if (!requests.length) return [];
	let matches: Matches;
	try {
		matches = await devicesByMatch(hubble, requests);
	} catch (error) {
		for (const { itemIndex } of requests) fail(itemIndex, error);
		return [];
	}
	const { found, unread, requestId } = matches;
	const devices = [...found.values()].flat().map((row) => [String(row.id).toLowerCase(), row] as const);
	const changes = new Changes(all, new Map(devices));
	const created = new Map<string, number>();
	const updates: ItemRequest[] = [];
	const registrations: ItemRequest[] = [];
	for (const request of requests) {
		const match = matchOf(request);
		const [device, ...others] = found.get(match) ?? [];
		const reason = ambiguity(match, [device, ...others], created.get(match));
		if (reason) {
			fail(request.itemIndex, refusal(all, request.itemIndex, reason));
		} else if (device) {
			updates.push(...changes.of(asUpdate(request, device), 'Tags'));
		} else if (unread) {
			// What could not be read may be the very device: to register it would make a second one.
			const message = `Whether a device has ${meantBy(match)} is not known: ${unread} of the entries of Hubble's list could not be read`;
			const advice = `Nothing was registered for this item. Run it again; if it fails again, tell Hubble's support. X-Request-ID: ${requestId}.`;
			fail(request.itemIndex, refusal(all, request.itemIndex, message, advice));
		} else {
			created.set(match, request.itemIndex);
			registrations.push({ ...request, batch: creation });
		}
	}
	return [...updates, ...registrations];
}

/** How a user reads what tells the device of an item from others. */
function meantBy(match: string): string {
	const [key, value] = jsonParse<[string | null, string]>(match);
	return key === null ? `the name "${value}"` : `the tag ${key}:${value}`;
}

/** Why it is not clear which device an item means; `undefined` when it is. */
function ambiguity(
	match: string,
	devices: ReadonlyArray<IDataObject | undefined>,
	creator: number | undefined,
): string | undefined {
	const what = meantBy(match);
	if (devices.length > 1) {
		const ids = devices.slice(0, 3).map((device) => String(device?.id));
		return `${devices.length} devices have ${what}: ${ids.join(', ')}${devices.length > 3 ? ' …' : ''}. Change one of them, or match by something else`;
	}
	return creator === undefined ? undefined : `Item ${creator} registers a device with ${what} already`;
}
