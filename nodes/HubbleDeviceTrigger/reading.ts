/** The calls of a poll: devices in the order of a time, and windows of time that are read once. */
import type { IDataObject, INodeExecutionData, IPollFunctions } from 'n8n-workflow';
import { AHEAD_S } from '../shared/client/clock';
import type { HubbleClient } from '../shared/client/client';
import { between, endpoints, FAR_FUTURE_S } from '../shared/client/endpoints';
import { acceptedRows, type List } from '../shared/client/pages';
import type { Area } from '../shared/device/areas';
import { isHeardBySatelliteAlone, SATELLITE_DELAY_S } from '../shared/device/device';
import { notAhead, pagesFrom, type Budget } from '../shared/polling/poll';
import { eventItem, type Happening } from './item';
import type { Marks } from './marks';
import type { Settings } from './settings';
import {
	aheadNow,
	lastHeard,
	isDevice,
	latestStamp,
	MOST_AHEAD,
	takeNew,
	type Cursor,
	type Device,
	type Hearing,
	type Reached,
	type State,
} from './watch';

export const REGISTERED_DEVICES: List<Device> = {
	...endpoints.listDevices.list,
	accept: {
		row: (row) => (isDevice(row) ? row : undefined),
		needs: 'an ID and the time of its registration',
	},
};

export interface PollRun extends Marks, Hearing {
	context: IPollFunctions;
	hubble: HubbleClient;
	settings: Settings;
	budget: Budget;
	/** When the node began, if this is its first poll, in Unix seconds. */
	begun: number;
	/** The areas that are watched, in the order of the marks' letters. */
	areas: readonly Area[];
	/** The devices that have a stamp from the future, once a step has asked for them. */
	future?: readonly Device[];
	state: State;
	items: INodeExecutionData[];
	pagesLeft: number;
}

export const warn = ({ context }: PollRun, message: string) =>
	context.logger.warn(`"${context.getNode().name}" ${message}`);

/**
 * Seconds without a packet after which a device is silent; more if only satellites hear it. As long as nobody hears it,
 * the same.
 */
export function silenceOf(run: Hearing & Pick<PollRun, 'settings'>, device: Device): number {
	const { silence } = run.settings;
	const isBySatellite = isHeardBySatelliteAlone(device, lastHeard(device, run), run.ahead[device.id]);
	return isBySatellite ? Math.max(silence, SATELLITE_DELAY_S) : silence;
}

/** How many more events fit into the execution. */
export const room = ({ settings, items }: PollRun) => settings.most - items.length;

/** Adds an event, if the user wants it. */
export function emit(run: PollRun, happening: Omit<Happening, 'heard'> & { heard?: number }): void {
	const { settings, context, now } = run;
	if (!settings.events.has(happening.event)) return;
	const showing = { simplify: settings.simplify, timezone: context.getTimezone(), now };
	run.items.push(eventItem({ heard: lastHeard(happening.device, run), ...happening }, showing));
}

type SortField = 'created_ts' | 'most_recent_packet_ts';

const timeBy = (field: SortField) => (field === 'created_ts' ? ({ created_ts }: Device) => created_ts : latestStamp);

/** Devices of whole seconds of the field they are sorted by, unless there is a token. */
interface Chunk extends Reached {
	devices: Device[];
	isLast: boolean;
}

/**
 * Devices in ascending order of a time, as far as the poll may read. A second may have more devices than a poll may
 * read, and each poll would read the same ones: a window that can resume within a second (`at`) gets the first of them
 * with a token, any other gets all of them. (Hubble registers no more devices in a second than a poll can read, but a
 * whole fleet may be heard in one.)
 * @param end where the window ends: what the last chunk has reached
 * @param at where a window goes on that can do so within a second
 */
export async function* devicesBy(
	run: PollRun,
	field: SortField,
	query: IDataObject,
	end: number,
	at?: Pick<Cursor, 'from' | 'token'>,
): AsyncGenerator<Chunk> {
	const { context, hubble, settings, budget } = run;
	const timeOf = timeBy(field);
	const tags = settings.tags ? { filter_tags: settings.tags } : {};
	const call = {
		endpoint: endpoints.listDevices,
		query: { ...query, ...tags, sort_field: field, sort_ascending: true },
		continuationToken: at?.token,
	};
	// A stored token leads to the end of an earlier query, wherever that was: only what it lists counts as reached.
	let isOfOther = at?.token !== undefined;
	const restart = () => (isOfOther = false);
	let held: Device[] = [];
	let [began, reached] = [0, 0];
	for await (const { rows, next } of pagesFrom(context, hubble, call, REGISTERED_DEVICES, at?.from ?? 0, restart)) {
		run.pagesLeft -= 1;
		if (!budget.endStep()) run.pagesLeft = 0;
		for (const device of acceptedRows(rows, REGISTERED_DEVICES)) held.push(device);
		const [first, last] = [held[0], held.at(-1)];
		began ||= first ? Math.floor(timeOf(first)) : 0;
		reached = Math.max(reached, last ? Math.floor(timeOf(last)) : (at?.from ?? 0));
		if (!next) reached = isOfOther ? reached + 1 : end;
		const token = at && next && run.pagesLeft <= 0 && reached <= began ? next : undefined;
		const isDone = (device: Device) => !next || token !== undefined || Math.floor(timeOf(device)) < reached;
		yield { devices: held.filter(isDone).filter(settings.matches), reached, token, isLast: !next && !isOfOther };
		held = held.filter((device) => !isDone(device));
		if (run.pagesLeft <= 0 && (token !== undefined || reached > began)) return;
	}
}

/**
 * The cursor as it was stored, or where a new one begins.
 * @param latest the latest that it can be, in Unix seconds
 */
export function cursorOf(run: PollRun, stored: Cursor | undefined, of: string, begin: number, latest: number): Cursor {
	if (stored?.of !== of) return { of, from: begin };
	const from = notAhead(run.context, stored.from, latest);
	return from === stored.from ? stored : { of, from };
}

type WindowName = 'registered' | 'silent' | 'silentBySatellite';

/**
 * Starts a new window at its end, in the first poll even if there is no time to read it: otherwise what happens until a
 * poll has time would be lost.
 * @param end Unix seconds, as `begin`
 */
export function beginWindow(run: PollRun, name: WindowName, of: string, end: number, begin: number): void {
	run.state[name] = cursorOf(run, run.state[name], of, begin, end);
}

/** A window of time; times are Unix seconds. */
interface EventWindow {
	/** Where its cursor stands in the state. */
	name: WindowName;
	end: number;
	report: (device: Device) => void;
	/** How many events one device may cause. */
	each: number;
	/** Which of the devices count; all unless given. */
	isIn?: (device: Device) => boolean;
}

/**
 * Reads a window from its cursor to its end, and reports each device in it once. In a window of last packets, devices
 * with a stamp from the future belong where they were heard, not where Hubble lists them.
 */
export async function readWindow(run: PollRun, window: EventWindow): Promise<void> {
	const { name, end, report, each, isIn = () => true } = window;
	const { future = [], state } = run;
	const isHeard = name !== 'registered';
	const field = isHeard ? 'most_recent_packet_ts' : 'created_ts';
	const timeOf = isHeard ? (device: Device) => lastHeard(device, run) : timeBy(field);
	let at = state[name];
	if (!at || at.from >= end || room(run) < each) return;
	const query = { [`filter_${field}`]: between(at.from, end) };
	for await (const { devices, reached, token } of devicesBy(run, field, query, end, at)) {
		const { from } = at;
		// A second that is longer than a page is not complete yet.
		if (reached <= from && !token) continue;
		const inTime = (to: number) => (device: Device) => timeOf(device) >= from && timeOf(device) < to;
		const inOrder = (a: Device, b: Device) => timeOf(a) - timeOf(b);
		const listed = isHeard
			? [...devices.filter(inTime(token ? reached + 1 : reached)), ...future.filter(inTime(reached))].sort(inOrder)
			: devices;
		const most = Math.floor(room(run) / each);
		const { fresh, next } = takeNew(at, listed.filter(isIn), timeOf, { reached, token }, most);
		fresh.forEach(report);
		at = next;
		state[name] = at;
		if (at.seen || room(run) < each) break;
	}
}

/** Reads once a poll which devices have a stamp from the future, and remembers since when. */
export async function readAhead(run: PollRun): Promise<readonly Device[]> {
	const { now, settings, state } = run;
	if (run.future) return run.future;
	const future: Device[] = [];
	let listedTo = 0;
	const query = { filter_most_recent_packet_ts: between(now + AHEAD_S, FAR_FUTURE_S) };
	for await (const { devices, reached, isLast } of devicesBy(run, 'most_recent_packet_ts', query, FAR_FUTURE_S)) {
		listedTo = isLast ? Infinity : reached;
		for (const device of devices) if (latestStamp(device) > now + AHEAD_S) future.push(device);
		if (!isLast && future.length >= MOST_AHEAD) break;
	}
	const [next] = future.splice(MOST_AHEAD);
	if (next) listedTo = Math.floor(latestStamp(next));
	if (future.length === MOST_AHEAD && listedTo < Infinity)
		warn(
			run,
			`watches at most ${MOST_AHEAD} devices whose last packet is from the future; others never count as silent.`,
		);
	run.future = future;
	const reportedUntil = (silence: number) =>
		state[silence > settings.silence ? 'silentBySatellite' : 'silent']?.from ?? now - silence;
	run.ahead = aheadNow(run, future, listedTo, (device) => silenceOf(run, device), reportedUntil);
	state.ahead = Object.keys(run.ahead).length ? run.ahead : undefined;
	return future;
}
