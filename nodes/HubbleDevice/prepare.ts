/** What is looked up before devices are given out, changed, or registered: for all items together. */
import type { IDataObject } from 'n8n-workflow';
import { objectOf } from '../shared/client/json';
import { asError } from '../shared/client/errors';
import { endpoints } from '../shared/client/endpoints';
import { placeInstalled } from '../shared/device/device';
import type { ItemRequest, Preparation, RequestOf, Turn } from '../shared/operation/operation';
import { parameterError, takenField } from '../shared/operation/values';
import { idIn, upsertUpdate } from './batches';
import type { Change, keepInput, Match } from './fields';
import { DeviceLookup } from './lookup';
import { ambiguity, devicesByMatch, matchKey, noneFound, itemError, Tally, valueIn, type Matches } from './matching';
import { changedTags } from './tags';

/** Requests with the IDs of their devices, and the devices that were found by their names, by those IDs. */
interface Named<R> {
	requests: R[];
	rows: Map<string, IDataObject>;
}

/** Finds the devices that items name; each that does not mean one device fails, and is not among the requests given back. */
async function named<R extends NamedRequest>({ requests, ...all }: Preparation<R>): Promise<Named<R>> {
	const rows = new Map<string, IDataObject>();
	const names = requests.flatMap(({ ids }) => ids.device_name ?? []);
	if (!names.length) return { requests: [...requests], rows };
	let matches: Matches;
	try {
		matches = await devicesByMatch(
			all.hubble,
			names.map((name) => matchKey(null, name)),
		);
	} catch (error) {
		for (const { itemIndex, ids } of requests) if (ids.device_name !== undefined) all.fail(itemIndex, error, ids);
		return { requests: requests.filter(({ ids }) => ids.device_name === undefined), rows };
	}
	const found = requests.flatMap((request) => {
		const { itemIndex, ids, whenGone } = request;
		if (ids.device_name === undefined) return [request];
		const match = matchKey(null, ids.device_name);
		const [device, ...others] = matches.found.get(match) ?? [];
		const reason = ambiguity(match, [device, ...others], 'use By ID');
		if (reason) all.fail(itemIndex, itemError(all, itemIndex, reason), ids);
		else if (!device) all.fail(itemIndex, noneFound(all, itemIndex, match, matches), ids);
		if (reason || !device) return [];
		const id = String(device.id).toLowerCase();
		rows.set(id, device);
		return [{ ...request, ids: { device_id: id }, ...(whenGone ? { whenGone: { id } } : {}) }];
	});
	return { requests: found, rows };
}

type NamedRequest = Pick<ItemRequest, 'ids' | 'itemIndex' | 'whenGone'>;

/** The same, and the devices with those IDs, where they are wanted: each that is not found fails, and is not among them. */
async function read<R extends NamedRequest>(
	all: Preparation<R>,
	isWanted: (request: R) => boolean = () => true,
): Promise<Named<R>> {
	const { requests, rows } = await named(all);
	const unread = requests.filter((request) => isWanted(request) && !rows.has(idIn(request)));
	const lookup = new DeviceLookup(all.hubble, unread.map(idIn), all.canContinue);
	await lookup.run();
	for (const request of unread) {
		const failure = lookup.failed.get(idIn(request));
		if (failure !== undefined) all.fail(request.itemIndex, failure, request.ids);
	}
	return { requests, rows: new Map([...rows, ...lookup.found]) };
}

/** Delete: the devices by their names, where items name them so. */
export const idsOfNames = async (all: Preparation): Promise<ItemRequest[]> => (await named(all)).requests;

/** Get: each ID is asked for once, and its answer goes to every item that named it. */
export async function findDevices(all: Preparation<RequestOf<{ settings: { keepInput: typeof keepInput } }>>) {
	const inputs = all.context.getInputData();
	const accepted = all.requests.filter(({ itemIndex, ids, settings }) => {
		const field = settings.keepInput;
		const reason = field && takenField('Keep Input Fields', field, inputs[itemIndex]?.json);
		if (!reason) return true;
		all.fail(itemIndex, itemError(all, itemIndex, reason), ids);
		return false;
	});
	const { requests, rows } = await read({ ...all, requests: accepted });
	return requests.flatMap((request) => {
		const reply = rows.get(idIn(request));
		return reply ? [{ ...request, reply }] : [];
	});
}

/** An update, or what Create or Update makes of an item. */
type Changing = Omit<Change, 'body' | 'settings'> & {
	body: Partial<Change['body']>;
	settings: Partial<Change['settings']>;
	/** Whether a place without a name keeps the one that the device has. */
	keepsPlaceName?: true;
};

const changesTags = ({ settings: { addTags, removeTags } }: Changing) => Boolean(addTags ?? removeTags);

/** Whether a change depends on the current device, which must then be read first. */
const isRelative = (request: Changing) => {
	const place = request.body.set_install_location;
	return changesTags(request) || (place !== undefined && place.lat === undefined);
};

/** The body of a change, where the device is as `present` says. Throws when the device would have too many tags. */
function changeOf(request: Changing, present: IDataObject): Changing['body'] {
	const { body, settings, keepsPlaceName } = request;
	const place = body.set_install_location;
	const at = placeInstalled(present);
	const { location_name: name } = objectOf(present.install_location);
	const kept = {
		...(at ? { lat: at.latitude, long: at.longitude } : {}),
		...(keepsPlaceName && name ? { location_name: String(name) } : {}),
	};
	return {
		...body,
		...(changesTags(request) ? { set_tags: changedTags(objectOf(present.tags), settings) } : {}),
		...(place ? { set_install_location: { ...kept, ...place } } : {}),
	};
}

/** The device after a change. */
const after = (present: IDataObject, { set_tags, set_install_location }: Changing['body']): IDataObject => ({
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
	of(request: Changing, tagsOf = 'Add or Change Tags'): ItemRequest[] {
		const id = idIn(request);
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

	private turnOf(request: Changing, tagsOf: string): Required<Turn> {
		const id = idIn(request);
		let sent: Changing['body'] = {};
		return {
			body: () => (sent = this.bodyOf(request, tagsOf)),
			done: () => this.present.set(id, after(this.present.get(id) ?? {}, sent)),
		};
	}

	private bodyOf(request: Changing, tagsOf: string): Changing['body'] {
		const refuse = (parameter: string, reason: string) =>
			itemError(this.all, request.itemIndex, parameterError(parameter, reason));
		let body: Changing['body'];
		try {
			body = changeOf(request, this.present.get(idIn(request)) ?? {});
		} catch (error) {
			throw refuse(tagsOf, asError(error).message);
		}
		const place = body.set_install_location;
		if (place && place.lat === undefined)
			throw refuse('Install Location', 'the device has none yet; enter a latitude and a longitude too');
		return body;
	}
}

/** Update: where tags are added or removed, or a place is renamed, the devices are read first. */
export async function readPresent(all: Preparation<Change>): Promise<ItemRequest[]> {
	const { requests, rows } = await read(all, isRelative);
	if (!requests.some(isRelative)) return requests;
	const changes = new Changes(all, rows);
	return requests.flatMap((request) => changes.of(request));
}

/** What tells the device of an item from others. */
function matchOf({ settings: { matchBy, matchTag = '' }, body }: Match): string {
	const value = matchBy === 'tag' ? body.tags?.[matchTag] : body.names?.[0];
	return matchKey(matchBy === 'tag' ? matchTag : null, value);
}

/** The update by which an existing device becomes what the item says. */
function asUpdate(request: Match, device: IDataObject): Changing {
	const { names, tags, install_locations } = request.body;
	return {
		...request,
		endpoint: endpoints.updateDevice,
		batch: upsertUpdate,
		ids: { device_id: String(device.id).toLowerCase() },
		query: {},
		body: {
			...(names ? { set_name: names[0] } : {}),
			...(install_locations ? { set_install_location: install_locations } : {}),
		},
		settings: { addTags: tags },
		keepsPlaceName: true,
	};
}

/** Create or Update: which device each item means, and whether there is one. Updates come before registrations. */
export async function matchDevices(all: Preparation<Match>): Promise<ItemRequest[]> {
	const { hubble, requests, fail } = all;
	if (!requests.length) return [];
	let matches: Matches;
	try {
		matches = await devicesByMatch(hubble, requests.map(matchOf));
	} catch (error) {
		for (const { itemIndex } of requests) fail(itemIndex, error);
		return [];
	}
	const { found, unread } = matches;
	const tally = new Tally(all.hints);
	const devices = [...found.values()].flat().map((row) => [String(row.id).toLowerCase(), row] as const);
	const changes = new Changes(all, new Map(devices));
	const created = new Map<string, number>();
	const updates: ItemRequest[] = [];
	const registrations: ItemRequest[] = [];
	for (const request of requests) {
		const match = matchOf(request);
		const [device, ...others] = found.get(match) ?? [];
		const reason = ambiguity(match, [device, ...others], 'match by something else', created.get(match));
		if (reason) {
			fail(request.itemIndex, itemError(all, request.itemIndex, reason));
		} else if (device) {
			updates.push(...changes.of(asUpdate(request, device), 'Tags').map((update) => tally.updating(update)));
		} else if (unread || request.settings.ifNoMatch === 'fail') {
			fail(request.itemIndex, noneFound(all, request.itemIndex, match, matches));
		} else if (request.settings.ifNoMatch === 'skip') {
			tally.skipped.push(valueIn(match));
		} else {
			created.set(match, request.itemIndex);
			registrations.push(tally.registering(request, request.body.names?.[0] ?? valueIn(match)));
		}
	}
	return [...updates, ...registrations];
}
