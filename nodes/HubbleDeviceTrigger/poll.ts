/** One poll: which devices fell silent, were heard, registered, or crossed the border of an area since the last one. */
import type { IDataObject, INodeExecutionData, IPollFunctions } from 'n8n-workflow';
import { connect, type HubbleClient } from '../shared/client/client';
import { endpoints } from '../shared/client/endpoints';
import { acceptedRows, pages, type List } from '../shared/client/pages';
import { lastPacket, simplifyDevice } from '../shared/device/device';
import { isoTime } from '../shared/operation/times';
import { poll, type Budget, type Read } from '../shared/polling/poll';
import {
	insideOf,
	insideText,
	MOST_MARKS,
	quietKey,
	quietOf,
	quietText,
	type InsideMarks,
	type QuietMarks,
} from './marks';
import { readSettings, SAMPLE_DELAY_S, type EventName, type Settings } from './settings';
import {
	beside,
	compareQuiet,
	crossings,
	heardAt,
	mark,
	reorderAreas,
	takeNew,
	type Cursor,
	type Device,
	type Gone,
	type State,
} from './watch';

/** Registrations of the last seconds are left to the next poll: the clocks of n8n and Hubble may differ. */
const SETTLE_S = 30;

/** Pages of one poll; the rest comes with the next ones, so that other workflows get their share of the rate limit. */
const PAGES_PER_POLL = 30;

/** Later than any time. */
const FAR = 99_999_999_999;

const DEVICES: List = {
	...endpoints.listDevices.list,
	accept: {
		row: (row) => {
			const { id, created_ts } = (row ?? {}) as Partial<Device>;
			return typeof id === 'string' && id !== '' && typeof created_ts === 'number' ? (row as Device) : undefined;
		},
		needs: 'an ID and the time of its registration',
	},
};

/** A poll while it runs. */
interface Run {
	context: IPollFunctions;
	hubble: HubbleClient;
	settings: Settings;
	budget: Budget;
	/** Unix seconds of its begin. */
	now: number;
	state: State;
	quiet: QuietMarks;
	inside: InsideMarks;
	items: INodeExecutionData[];
	pagesLeft: number;
}

/** The events since the last poll, or `null` when there is none. */
export async function pollDevices(context: IPollFunctions): Promise<INodeExecutionData[][] | null> {
	if (context.getMode() === 'manual') return await sample(context);
	return await poll<State>(context, async (budget) => {
		const settings = readSettings(context);
		const hubble = await connect(context);
		hubble.deadline = budget.deadline;
		return {
			stream: `${hubble.baseUrl} ${hubble.organizationId}`,
			start: {},
			beside,
			read: async (from) => await watch(context, hubble, settings, budget, from),
		};
	});
}

async function watch(
	context: IPollFunctions,
	hubble: HubbleClient,
	settings: Settings,
	budget: Budget,
	from: State,
): Promise<Read<State>> {
	const run: Run = {
		context,
		hubble,
		settings,
		budget,
		now: Math.floor(Date.now() / 1000),
		state: { ...from },
		quiet: quietOf(from.quietMarks ?? ''),
		inside: insideOf(from.insideMarks ?? ''),
		items: [],
		pagesLeft: PAGES_PER_POLL,
	};
	await takeSteps(run, from.startWith);
	const marks = {
		...(run.quiet.size ? { quietMarks: quietText(run.quiet) } : { quietMarks: undefined }),
		...(run.inside.size ? { insideMarks: insideText(run.inside) } : { insideMarks: undefined }),
	};
	return { next: { ...run.state, ...marks }, items: run.items };
}

/** What a poll does, and for which events. What is heard comes before what falls silent. */
const STEPS: ReadonlyArray<{ events: EventName[]; take: (run: Run) => Promise<void> }> = [
	{ events: ['registered', 'firstHeard'], take: registered },
	{ events: ['heardAgain', 'firstHeard'], take: quiet },
	{ events: ['silent'], take: silent },
	{ events: ['entered', 'left'], take: areas },
];

/**
 * Takes the steps that are wanted. Those for which there is no time come first in the next poll.
 * Throws when one fails and there is nothing to hand over.
 */
async function takeSteps(run: Run, startWith = 0): Promise<void> {
	const { settings, budget } = run;
	run.state.startWith = undefined;
	const order = [...STEPS.keys()].map((index) => (index + startWith) % STEPS.length);
	const wanted = order.filter((index) => STEPS[index]?.events.some((event) => settings.events.has(event)));
	for (const index of wanted) {
		const isFirst = index === wanted[0];
		const hasTime = isFirst || budget.endStep();
		try {
			if (hasTime) await STEPS[index]?.take(run);
		} catch (error) {
			const isTimeUp = !isFirst && performance.now() >= budget.deadline;
			if (!run.items.length && !isTimeUp) return await Promise.reject(error as Error);
			const { message } = error as Error;
			warn(run, `passes on ${run.items.length} events; the next poll continues after them. ${message}`);
			run.state.startWith = index;
			return;
		}
		if (hasTime) continue;
		run.state.startWith = index;
		return;
	}
}

const warn = ({ context }: Run, message: string) => context.logger.warn(`"${context.getNode().name}" ${message}`);

/** How many events the execution has still room for. */
const room = ({ settings, items }: Run) => settings.most - items.length;

/** An event as the workflow gets it. `of` is what makes it the same event when it comes again. */
function eventItem(
	{ simplify }: Settings,
	event: EventName,
	device: Device,
	of: string | number,
	about: IDataObject,
): INodeExecutionData {
	const eventKey = `${event}:${device.id}:${of}`;
	return { json: { event, eventKey, ...about, ...(simplify ? simplifyDevice(device) : device) } };
}

/** Adds an event, if the user wants it. */
function emit(run: Run, event: EventName, device: Device, of: string | number, about: IDataObject): void {
	if (run.settings.events.has(event)) run.items.push(eventItem(run.settings, event, device, of, about));
}

const between = (from: number, to: number) => `between:${from}:${to}`;

type SortField = 'created_ts' | 'most_recent_packet_ts';

/** Devices of whole seconds of the field they are sorted by; all of those before `reached` have come with it. */
interface Chunk {
	devices: Device[];
	reached: number;
	isLast: boolean;
}

/**
 * Devices in ascending order of a time, as far as the poll may read.
 * @param end where the window ends: what the last chunk has reached
 */
async function* devicesBy(run: Run, field: SortField, query: IDataObject, end: number): AsyncGenerator<Chunk> {
	const { hubble, settings, budget } = run;
	const timeOf = field === 'created_ts' ? ({ created_ts }: Device) => created_ts : heardAt;
	const tags = settings.tags ? { filter_tags: settings.tags } : {};
	const call = {
		endpoint: endpoints.listDevices,
		query: { ...query, ...tags, sort_field: field, sort_ascending: true },
	};
	let held: Device[] = [];
	let reached = 0;
	for await (const { rows, next } of pages(hubble, call, DEVICES, DEVICES.pageSize?.max)) {
		run.pagesLeft -= 1;
		held.push(...([...acceptedRows(rows, DEVICES)] as Device[]));
		const last = held.at(-1);
		reached = next ? Math.max(reached, last ? Math.floor(timeOf(last)) : 0) : end;
		const isDone = (device: Device) => !next || Math.floor(timeOf(device)) < reached;
		yield { devices: held.filter(isDone).filter(settings.matches), reached, isLast: !next };
		held = held.filter((device) => !isDone(device));
		if (!budget.endStep()) run.pagesLeft = 0;
		if (run.pagesLeft <= 0) return;
	}
}

/** A window of time, and what becomes of the devices in it. */
interface Window {
	field: SortField;
	cursor: Cursor;
	end: number;
	report: (device: Device) => void;
	/** Events that one device may be at once. */
	each: number;
	/** Keeps how far the window was read. */
	save: (cursor: Cursor) => void;
}

/** Reads a window from its cursor up to its end, and reports each device in it once. */
async function readWindow(run: Run, { field, cursor, end, report, each, save }: Window): Promise<void> {
	const timeOf = field === 'created_ts' ? ({ created_ts }: Device) => created_ts : heardAt;
	let at = cursor;
	save(at);
	if (at.from >= end || room(run) < each) return;
	for await (const { devices, reached } of devicesBy(run, field, { [`filter_${field}`]: between(at.from, end) }, end)) {
		const { fresh, next } = takeNew(at, devices, timeOf, reached, Math.floor(room(run) / each));
		fresh.forEach(report);
		at = next;
		save(at);
		if (at.seen || room(run) < each) break;
	}
}

/** The cursor as it was stored, or where a new one begins. */
const cursorOf = (stored: Cursor | undefined, of: string, begin: number): Cursor =>
	stored?.of === of ? stored : { of, from: begin };

async function registered(run: Run): Promise<void> {
	const { settings, state, now } = run;
	const end = now - SETTLE_S;
	const cursor = cursorOf(state.registered, settings.devices, end);
	const watchesFirst = settings.events.has('firstHeard');
	const report = (device: Device) => {
		const { created_ts } = device;
		emit(run, 'registered', device, created_ts, { registeredAt: isoTime(created_ts) });
		// The marks are of devices that were registered before; these come to them here. One may have a mark of a poll
		// that was not handed over.
		if (!watchesFirst) return;
		run.quiet.delete(quietKey(device.id, created_ts));
		if (heardAt(device)) emitFirstHeard(run, device);
		else if (run.quiet.size + run.inside.size < MOST_MARKS) mark(run.quiet, device);
	};
	const save = (reached: Cursor) => {
		state.registered = reached;
	};
	await readWindow(run, { field: 'created_ts', cursor, end, report, save, each: watchesFirst ? 2 : 1 });
}

const emitFirstHeard = (run: Run, device: Device) =>
	emit(run, 'firstHeard', device, device.created_ts, { heardAt: isoTime(heardAt(device)) });

const emitHeardAgain = (run: Run, device: Device, since: number) =>
	emit(run, 'heardAgain', device, since, {
		silentSince: isoTime(since),
		heardAt: isoTime(heardAt(device)),
		silentForSeconds: Math.round(heardAt(device) - since),
	});

/** A device that was never heard, or silent, and has sent a packet. */
const emitHeard = (run: Run, device: Device, since: number) =>
	since === 0 ? emitFirstHeard(run, device) : emitHeardAgain(run, device, since);

/**
 * Compares the devices that are quiet with those that were: one that is quiet no longer was heard. The list of quiet
 * devices is short where that of a whole fleet is not.
 */
async function quiet(run: Run): Promise<void> {
	const { settings, state, now } = run;
	const watchesFirst = settings.events.has('firstHeard');
	const low = watchesFirst ? 0 : 1;
	const high = settings.events.has('heardAgain') ? now - settings.silence : 1;
	const of = `${settings.devices} ${low} ${high === 1 ? 1 : settings.silence}`;
	if (state.quiet?.of !== of) run.quiet.clear();
	const cursor = cursorOf(state.quiet, of, 0);
	state.quiet = cursor;
	// Devices that are registered now come to the marks by their registration.
	const end = watchesFirst ? (state.registered?.from ?? 0) : FAR;
	if (cursor.from >= end || room(run) <= 0) return;
	const query = { filter_most_recent_packet_ts: between(low, high), filter_created_ts: between(cursor.from, end) };
	let isFull = false;
	for await (const { devices, reached, isLast } of devicesBy(run, 'created_ts', query, end)) {
		const most = MOST_MARKS - run.inside.size;
		const compared = compareQuiet(run.quiet, devices, state.quiet.from, reached, most);
		isFull ||= compared.isFull;
		const open = reportHeard(run, compared.heard) ?? (await resolveGone(run, compared.gone, high));
		state.quiet = { of, from: open ?? (isLast ? 0 : Math.max(reached, state.quiet.from)) };
		if (open !== undefined) break;
	}
	if (isFull) warn(run, `remembers at most ${MOST_MARKS} devices; it does not report when further ones are heard.`);
}

/**
 * Reports devices that were heard and are quiet again.
 * @returns the registration of the first for which there was no room
 */
function reportHeard(run: Run, devices: readonly Device[]): number | undefined {
	for (const device of devices) {
		if (room(run) <= 0) return device.created_ts;
		emitHeard(run, device, run.quiet.get(quietKey(device.id, device.created_ts))?.heard ?? 0);
		mark(run.quiet, device);
	}
	return undefined;
}

/**
 * Finds the devices that are quiet no longer, and reports them. Each page begins at the next one that is looked for,
 * so it takes at most a call for each, and for many no more than the pages of the fleet. One that is nowhere was
 * deleted, or moved away.
 * @returns the registration of the first that was not looked for, as there was no room or no time
 */
async function resolveGone(run: Run, gone: readonly Gone[], high: number): Promise<number | undefined> {
	let rest = [...gone];
	while (rest.length) {
		const [first, last] = [rest[0] as Gone, rest.at(-1) as Gone];
		if (room(run) <= 0 || run.pagesLeft <= 0) return first.created;
		const query = {
			filter_most_recent_packet_ts: between(high, FAR),
			filter_created_ts: between(first.created, last.created + 1),
		};
		for await (const { devices, reached, isLast } of devicesBy(run, 'created_ts', query, last.created + 1)) {
			const found = new Map(devices.map((device) => [quietKey(device.id, device.created_ts), device]));
			const known = rest.filter(({ created }) => isLast || created < reached).slice(0, room(run));
			for (const { key, heard } of known) {
				const device = found.get(key);
				if (device) emitHeard(run, device, heard);
				run.quiet.delete(key);
			}
			rest = rest.slice(known.length);
			if (known.length || !rest.length) break;
		}
		if (rest[0] === first) return first.created;
	}
	return undefined;
}

async function silent(run: Run): Promise<void> {
	const { settings, state, now } = run;
	const { silence, devices, reportsSilentAlready } = settings;
	const end = now - silence;
	// Times of before the first second are those of devices that were never heard.
	const cursor = cursorOf(state.silent, `${devices} ${silence}`, reportsSilentAlready ? 1 : end);
	const report = (device: Device) => {
		const at = heardAt(device);
		emit(run, 'silent', device, at, { silentSince: isoTime(at) });
	};
	const save = (reached: Cursor) => {
		state.silent = reached;
	};
	await readWindow(run, { field: 'most_recent_packet_ts', cursor, end, report, save, each: 1 });
}

/** Looks where the devices are that were heard since; a packet may be shown later than it was heard. */
async function areas(run: Run): Promise<void> {
	const { settings, state, now } = run;
	const ordered = reorderAreas(state.areas, run.inside, settings.devices, settings.areas);
	run.inside = ordered.inside;
	let cursor = ordered.cursor;
	state.areas = cursor;
	if (room(run) < ordered.areas.length) return;
	const known = ordered.areas.length - cursor.fresh;
	const query = { filter_most_recent_packet_ts: between(cursor.from, FAR) };
	let isFull = false;
	for await (const { devices, reached, isLast } of devicesBy(run, 'most_recent_packet_ts', query, FAR)) {
		let open: Device | undefined;
		for (const device of devices) {
			open = room(run) < ordered.areas.length ? device : undefined;
			if (open) break;
			const most = MOST_MARKS - run.quiet.size;
			const found = crossings(run.inside, device, ordered.areas, settings.hysteresis, most);
			isFull ||= found.isFull;
			for (const { event, area } of found.crossed) {
				if (ordered.areas.indexOf(area) >= known) continue;
				const at = heardAt(device);
				emit(run, event, device, `${area.name}:${at}`, { area: area.name, heardAt: isoTime(at) });
			}
		}
		const from = open ? Math.floor(heardAt(open)) : Math.max(reached, cursor.from);
		cursor = isLast && !open ? { ...cursor, from: now - SAMPLE_DELAY_S, fresh: 0 } : { ...cursor, from };
		state.areas = cursor;
		if (open) break;
	}
	if (isFull) warn(run, `remembers at most ${MOST_MARKS} devices; it does not report when further ones enter an area.`);
}

/** One event of each kind that was chosen, made of devices that were heard last; the state stays as it is. */
async function sample(context: IPollFunctions): Promise<INodeExecutionData[][] | null> {
	const settings = readSettings(context);
	const hubble = await connect(context);
	const tags = settings.tags ? { filter_tags: settings.tags } : {};
	const query = { ...tags, sort_field: 'most_recent_packet_ts', sort_ascending: false };
	const call = { endpoint: endpoints.listDevices, query };
	for await (const { rows } of pages(hubble, call, DEVICES, 100)) {
		const devices = ([...acceptedRows(rows, DEVICES)] as Device[]).filter(settings.matches);
		const heard = devices.filter((device) => lastPacket(device).timestamp !== undefined);
		const chosen = heard.length ? heard : devices;
		const items = [...settings.events].flatMap((event, index) => {
			const device = chosen[index % chosen.length];
			return device ? [sampleOf(settings, event, device)] : [];
		});
		return items.length ? [items] : null;
	}
	return null;
}

/** What a device could be reported with. */
function sampleOf(settings: Settings, event: EventName, device: Device): INodeExecutionData {
	const at = heardAt(device);
	const since = at - settings.silence;
	const crossing = { area: settings.areas[0]?.name ?? null, heardAt: isoTime(at) };
	const about: Record<EventName, IDataObject> = {
		entered: crossing,
		firstHeard: { heardAt: isoTime(at) },
		heardAgain: { silentSince: isoTime(since), heardAt: isoTime(at), silentForSeconds: settings.silence },
		left: crossing,
		registered: { registeredAt: isoTime(device.created_ts) },
		silent: { silentSince: isoTime(at) },
	};
	return eventItem(settings, event, device, 'test', about[event]);
}
