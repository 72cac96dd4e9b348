/** What changed in a fleet: the stored state, and what follows from the devices that a poll reads. No I/O. */
import type { IDataObject } from 'n8n-workflow';
import { AHEAD_S, DAY_S } from '../shared/client/clock';
import { endpoints } from '../shared/client/endpoints';
import { objectOf } from '../shared/client/json';
import { lastPacket, stampsOf } from '../shared/device/device';
import { mostOf } from '../shared/operation/values';
import { keyOf } from '../shared/polling/compact';
import { areaOf, openMarks, quietKey, registeredAt, storedMarks, type StoredMarks, type TimedMarks } from './marks';

/** A device as the list gives it; times are Unix seconds. */
export interface Device extends IDataObject {
	id: string;
	created_ts: number;
}

export function isDevice(row: unknown): row is Device {
	const { id, created_ts } = objectOf(row);
	return typeof id === 'string' && id !== '' && typeof created_ts === 'number';
}

/**
 * Devices with a stamp from the future, by ID: the stamp, since when a poll has seen it, both in Unix seconds, and
 * seconds after which the device is silent.
 */
export type Ahead = Readonly<Record<string, readonly [stamp: number, since: number, silence: number]>>;

/** What tells when a device was heard. */
export interface Hearing {
	/** Hubble's time in Unix seconds: when the poll began. */
	now: number;
	ahead: Ahead;
}

/** A device's latest stamp, by which Hubble sorts and filters, even if it is from the future; 0: never heard. */
export const latestStamp = (device: Device): number => mostOf(stampsOf(device), 0);

/** When a device was heard last, in Unix seconds; 0: never. A packet from the future was heard when a poll saw it first. */
export function lastHeard(device: Device, { now, ahead }: Hearing): number {
	const [stamp, since] = ahead[device.id] ?? [];
	if (stamp === undefined || since === undefined || stamp !== latestStamp(device))
		return lastPacket(device, now).timestamp ?? 0;
	const others = stampsOf(device).filter((other) => other !== stamp && other <= now);
	return mostOf(others, since);
}

/** How long a stamp stays known after it has become older than a silence: the poll that passes it may come late. */
const KNOWN_S = DAY_S;

/** Devices with a stamp from the future that a poll can watch: a page of them. */
export const MOST_AHEAD = endpoints.listDevices.list.pageSize.max;

/**
 * The stamps from the future to remember. One that has become present, or that there are too many of to list, counts like
 * any other, unless its device was reported silent by then: the stamp is not a new packet.
 * @param devices those that have such a stamp now
 * @param listedTo all those with stamps of before this second
 * @param silenceOf seconds after which a device is silent
 * @param reportedUntil until when devices with such a silence were heard last that were looked at, in Unix seconds
 */
export function aheadNow(
	{ now, ahead }: Hearing,
	devices: readonly Device[],
	listedTo: number,
	silenceOf: (device: Device) => number,
	reportedUntil: (silence: number) => number,
): Ahead {
	const kept = Object.entries(ahead).filter(
		([, [stamp, since, silence]]) =>
			(stamp <= now + AHEAD_S || stamp >= listedTo) &&
			stamp >= now - silence - KNOWN_S &&
			since < reportedUntil(silence),
	);
	const seen = devices.map((device) => {
		const stamp = latestStamp(device);
		const [known, since] = ahead[device.id] ?? [];
		return [device.id, [stamp, known === stamp && since !== undefined ? since : now, silenceOf(device)]] as const;
	});
	return Object.fromEntries([...kept.slice(0, MOST_AHEAD), ...seen]);
}

/** How far a time window was read. `of` identifies the settings: when they change, it starts over. */
export interface Cursor {
	of: string;
	/** Unix seconds. */
	from: number;
	/** Where to go on within that second, of more devices than a poll has time for. */
	token?: string;
	/** Devices of that second, behind the token if there is one, that were reported already: by `keyOf`. */
	seen?: string[];
}

export interface AreaCursor extends Cursor {
	/** The areas that the marks' letters stand for: a key for the name and form of each. */
	shapes: string[];
	/** So many of them are new: who is in them is being learnt, and nothing is reported. */
	fresh: number;
	/** When this reading of the list began, in Unix seconds, if it takes several polls. */
	begun?: number;
}

/** The search for devices in areas that are no longer there. */
interface Sweep {
	/** Unix seconds of its begin. */
	at: number;
	/** Devices that were registered before this second were found already. */
	from?: number;
	/** Those of which none was found yet, by `keyOf`. Without it the search is over. */
	missing?: string;
}

/** What n8n stores. */
export interface State extends StoredMarks {
	registered?: Cursor;
	silent?: Cursor;
	/** As `silent`, of devices that only satellites hear. */
	silentBySatellite?: Cursor;
	ahead?: Ahead;
	quiet?: Cursor;
	areas?: AreaCursor;
	/** The step for which the last poll had no time or no room. */
	startWith?: number;
	sweep?: Sweep;
}

/**
 * The state before a poll, stored beside the one after it: of the marks only the difference, so that both fit. `placed`
 * is not kept: it would hide from the next try what this one has seen. Who is in an area stays as after the poll; only how
 * far the list was read goes back. A mark that changed in an area that was known becomes `unsure`: if the device has come
 * back since, both crossings would go unnoticed.
 */
export const stateDelta = {
	pack(before: State, after: State): State {
		const [was, is] = [openMarks(before), openMarks(after)];
		const quiet = new Map([...was.quiet].filter(([key, heard]) => is.quiet.get(key) !== heard));
		const [left, came] = [[...was.inside], [...is.inside]];
		const inside = new Set([
			...left.filter((key) => !is.inside.has(key)),
			...came.filter((key) => !was.inside.has(key)),
		]);
		// The search for devices that are gone goes on: it takes marks away, whatever was told of the others.
		return { ...before, sweep: undefined, ...storedMarks({ ...was, quiet, inside, placed: new Map() }) };
	},
	unpack(packed: State, after: State): State {
		const [changed, { inside, quiet }] = [openMarks(packed), openMarks(after)];
		const [was, is] = [packed.areas, after.areas];
		const crossed = [...changed.inside].filter((key) => was && areaOf(key) < was.shapes.length - was.fresh);
		const unsure = new Set([...changed.unsure, ...crossed]);
		for (const key of crossed) changed.waiting.delete(key);
		const isBehind = was && is && (was.from < is.from || (was.from === is.from && is.token));
		return {
			...packed,
			sweep: after.sweep,
			...storedMarks({ ...changed, quiet: new Map([...quiet, ...changed.quiet]), inside, unsure }),
			areas: is && { ...(isBehind ? was : is), fresh: is.fresh },
		};
	},
};

/**
 * The devices of a window that were not reported yet, at most so many, and where the window goes on.
 * @param devices in the order of `timeOf`; all of the window up to `reached`, and those of that second before `token`
 */
export function takeNew(
	cursor: Cursor,
	devices: readonly Device[],
	timeOf: (device: Device) => number,
	{ reached, token }: Reached,
	most: number,
): { fresh: Device[]; next: Cursor } {
	const seen = new Set(cursor.seen);
	// Hubble may list a device twice, and one that was heard meanwhile at both places.
	const met = new Set<string>();
	const isFirst = (device: Device) => met.size < met.add(`${device.id} ${timeOf(device)}`).size;
	// One that was heard since then may fall silent again.
	const isSeen = (device: Device) => Math.floor(timeOf(device)) === cursor.from && seen.has(keyOf(device.id));
	const unseen = devices.filter((device) => !isSeen(device) && isFirst(device));
	const fresh = unseen.slice(0, most);
	const rest = unseen[most];
	if (!rest) return { fresh, next: { of: cursor.of, from: Math.max(cursor.from, reached), token } };
	const from = Math.floor(timeOf(rest));
	const before = devices.slice(0, devices.indexOf(rest)).filter((row) => Math.floor(timeOf(row)) === from);
	const began = from === cursor.from ? cursor.token : undefined;
	return { fresh, next: { of: cursor.of, from, token: began, seen: before.map(({ id }) => keyOf(id)) } };
}

/** How far a window is read. */
export interface Reached {
	/** Unix seconds: all devices of before have come. */
	reached: number;
	/** Leads to the rest of that second, where some of its devices have come as well. */
	token?: string;
}

/** A quiet device that was heard, as it was marked; times are Unix seconds. */
export interface Gone {
	key: string;
	created: number;
	heard: number;
}

/**
 * Compares the marks of quiet devices with the devices that Hubble lists as quiet and that were registered from `from` up
 * to, not including, `reached`. New ones are marked, while there is room.
 * @returns those that are not in the list any longer, in the order of their registration, and those of the list that were
 * heard since, whose marks stay as they were
 */
export function compareQuiet(
	marks: TimedMarks,
	devices: readonly Device[],
	{ from, reached, most, heardOf, isQuiet }: Comparison,
): { gone: Gone[]; heard: Device[]; isFull: boolean } {
	const listed = new Map(devices.map((device) => [quietKey(device.id, device.created_ts), device]));
	const gone = [...marks]
		.map(([key, heard]) => ({ key, created: registeredAt(key), heard }))
		.filter(({ key, created }) => created >= from && created < reached && !listed.has(key))
		.sort((a, b) => a.created - b.created);
	const heard: Device[] = [];
	let isFull = false;
	for (const [key, device] of listed) {
		const was = marks.get(key);
		if (was !== undefined && Math.floor(heardOf(device)) > was) heard.push(device);
		if (was !== undefined || !isQuiet(device)) continue;
		if (marks.size < most) mark(marks, device, heardOf(device));
		else isFull = true;
	}
	return { gone, heard, isFull };
}

/** Which devices `compareQuiet` compares, and how; times are Unix seconds. */
interface Comparison {
	from: number;
	reached: number;
	/** Marks that there is room for. */
	most: number;
	/** When a device was heard last. */
	heardOf: (device: Device) => number;
	/** Whether a device is silent, or was never heard. */
	isQuiet: (device: Device) => boolean;
}

export const mark = (marks: TimedMarks, { id, created_ts: created }: Device, heard: number) =>
	marks.set(quietKey(id, created), Math.floor(heard));
