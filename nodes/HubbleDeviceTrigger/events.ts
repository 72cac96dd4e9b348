/** What a poll looks for: registrations, devices that are heard again or fell silent. */
import { between, FAR_FUTURE_S } from '../shared/client/endpoints';
import { MOST_MARKS, quietKey } from './marks';
import { beginWindow, devicesBy, emit, readAhead, readWindow, room, silenceOf, warn, type PollRun } from './reading';
import { SATELLITE_DELAY_S } from '../shared/device/device';
import { compareQuiet, lastHeard, latestStamp, mark, type Cursor, type Device, type Gone } from './watch';

/** Registrations of the last seconds are left to the next poll: Hubble may still be writing them. */
const SETTLE_S = 30;

export function beginRegistered(run: PollRun): void {
	beginWindow(run, 'registered', run.settings.devices, run.now - SETTLE_S, run.begun - SETTLE_S);
}

/** Reports devices that were registered, and those of them that were heard already. */
export async function registered(run: PollRun): Promise<void> {
	const watchesFirst = run.settings.events.has('firstHeard');
	const report = (device: Device) => {
		const { created_ts } = device;
		emit(run, { event: 'registered', device, of: created_ts });
		// The marks are of devices that were registered before; these come to them here. One may have such a mark of a
		// poll that was not handed over; that of a silence stays.
		if (!watchesFirst) return;
		const key = quietKey(device.id, created_ts);
		if (run.quiet.get(key) === 0) run.quiet.delete(key);
		if (lastHeard(device, run)) emitFirstHeard(run, device);
		else if (run.quiet.size + run.inside.size < MOST_MARKS) mark(run.quiet, device, 0);
	};
	await readWindow(run, { name: 'registered', end: run.now - SETTLE_S, report, each: watchesFirst ? 2 : 1 });
}

const emitFirstHeard = (run: PollRun, device: Device) =>
	emit(run, { event: 'firstHeard', device, of: device.created_ts });

function emitSilent(run: PollRun, device: Device): void {
	const since = lastHeard(device, run);
	emit(run, { event: 'silent', device, since, of: since });
}

/**
 * Reports a device that has fallen silent, and marks it at once: it may be heard again before the quiet devices are read
 * up to it, which may take several polls. One whose mark is older was heard in between.
 */
function reportSilent(run: PollRun, device: Device): void {
	const known = run.quiet.get(quietKey(device.id, device.created_ts));
	const heard = lastHeard(device, run);
	if (run.settings.events.has('heardAgain')) {
		if (known !== undefined && known < Math.floor(heard)) emitHeard(run, device, known);
		if (known !== undefined || run.quiet.size + run.inside.size < MOST_MARKS) mark(run.quiet, device, heard);
	}
	emitSilent(run, device);
}

const emitHeard = (run: PollRun, device: Device, since: number) =>
	since === 0 ? emitFirstHeard(run, device) : emit(run, { event: 'heardAgain', device, since, of: since });

/** Starts over where the settings have changed, and forgets the marks of the event that they are of, not of the other. */
export function beginQuiet({ settings, state, quiet: marks }: PollRun): void {
	const low = settings.events.has('firstHeard') ? '0' : '1';
	const silence = settings.events.has('heardAgain') ? String(settings.silence) : '1';
	const of = [settings.devices, low, silence].join(' ');
	if (state.quiet?.of === of) return;
	const [devices, , before] = state.quiet?.of.split(' ') ?? [];
	const isKept = (heard: number) => devices === settings.devices && (heard === 0 ? low === '0' : before === silence);
	for (const [key, heard] of marks) if (!isKept(heard)) marks.delete(key);
	state.quiet = { of, from: 0 };
}

/**
 * Compares the devices that are quiet with those that were: one that is quiet no longer was heard. The list of quiet
 * devices is short where that of a whole fleet is not.
 */
export async function quiet(run: PollRun): Promise<void> {
	const { settings, state, now } = run;
	const watchesFirst = settings.events.has('firstHeard');
	const low = watchesFirst ? 0 : 1;
	const high = settings.events.has('heardAgain') ? now - settings.silence : 1;
	let cursor = state.quiet;
	// Devices that are registered now come to the marks by their registration.
	const end = watchesFirst ? (state.registered?.from ?? 0) : FAR_FUTURE_S;
	if (!cursor || cursor.from >= end || room(run) <= 0) return;
	const query = { filter_most_recent_packet_ts: between(low, high), filter_created_ts: between(cursor.from, end) };
	const heard = (device: Device) => lastHeard(device, run);
	const future = (await readAhead(run)).filter((device) => heard(device) < high);
	let isFull = false;
	for await (const { devices, reached, isLast } of devicesBy(run, 'created_ts', query, end)) {
		const { from }: Cursor = cursor;
		const range = { from, reached, most: MOST_MARKS - run.inside.size };
		const late = future.filter(({ created_ts: created }) => created >= from && created < reached);
		const compared = compareQuiet(run.quiet, [...devices, ...late], {
			...range,
			heardOf: heard,
			isQuiet: (device) => isQuiet(run, device),
		});
		isFull ||= compared.isFull;
		const unreported = reportHeard(run, compared.heard);
		keepStamps(run, devices);
		const open = unreported ?? (await resolveGone(run, compared.gone, high));
		cursor = { of: cursor.of, from: open ?? (isLast ? 0 : Math.max(reached, from)) };
		state.quiet = cursor;
		if (open !== undefined) break;
	}
	if (isFull) warn(run, `remembers at most ${MOST_MARKS} devices; it does not report when others are heard.`);
}

/** A stamp from the future that has become older than the silence belongs to the silence: it is not a new packet. */
function keepStamps(run: PollRun, devices: readonly Device[]): void {
	for (const device of devices) {
		const known = run.quiet.get(quietKey(device.id, device.created_ts)) ?? NaN;
		// One that was heard since waits to be reported.
		if (Math.floor(lastHeard(device, run)) <= known) mark(run.quiet, device, Math.max(known, latestStamp(device)));
	}
}

/** Whether a device was never heard, or is silent. */
const isQuiet = (run: PollRun, device: Device) => lastHeard(device, run) < run.now - silenceOf(run, device);

/**
 * Reports devices that were heard since, and are quiet again or not yet for long enough.
 * @returns the registration of the first for which there was no room
 */
function reportHeard(run: PollRun, devices: readonly Device[]): number | undefined {
	for (const device of devices) {
		if (room(run) < 2) return device.created_ts;
		const key = quietKey(device.id, device.created_ts);
		const heard = lastHeard(device, run);
		emitHeard(run, device, run.quiet.get(key) ?? 0);
		if (!isQuiet(run, device)) {
			run.quiet.delete(key);
			continue;
		}
		mark(run.quiet, device, heard);
		// Shown late: the window of Silent is past this packet, and would not report it.
		if (heard < (run.state[windowOf(run, device)]?.from ?? 0)) emitSilent(run, device);
	}
	return undefined;
}

/** By which cursor a device falls silent. */
const windowOf = (run: PollRun, device: Device) =>
	silenceOf(run, device) > run.settings.silence ? 'silentBySatellite' : 'silent';

/**
 * Finds and reports the devices that are no longer quiet. Each page begins at the next device to find, so this takes at
 * most one call for each, and never more than the pages of the fleet. A device that is not found was deleted or moved
 * away.
 * @returns the registration of the first that was not looked for, as there was no room or no time
 */
async function resolveGone(run: PollRun, gone: readonly Gone[], high: number): Promise<number | undefined> {
	let rest = [...gone];
	for (;;) {
		const [first, last] = [rest[0], rest.at(-1)];
		if (!first || !last) return undefined;
		if (room(run) <= 0 || (run.pagesLeft <= 0 && rest.length < gone.length)) return first.created;
		const query = {
			filter_most_recent_packet_ts: between(high, FAR_FUTURE_S),
			filter_created_ts: between(first.created, last.created + 1),
		};
		for await (const { devices, reached, isLast } of devicesBy(run, 'created_ts', query, last.created + 1)) {
			const found = new Map(devices.map((device) => [quietKey(device.id, device.created_ts), device]));
			const known = rest.filter(({ created }) => isLast || created < reached).slice(0, room(run));
			for (const { key, heard } of known) {
				const device = found.get(key);
				// A stamp from the future that has become present is not a new packet.
				if (device && Math.floor(lastHeard(device, run)) <= heard) continue;
				if (device) emitHeard(run, device, heard);
				run.quiet.delete(key);
			}
			rest = rest.slice(known.length);
			if (known.length) break;
		}
		// Hubble listed others than were asked for, and the poll may read no further.
		if (rest[0] === first) return first.created;
	}
}

/** Devices that only satellites hear have a window of their own where Silent For is shorter than their packets may take. */
export function beginSilent(run: PollRun): void {
	const { settings, now, state, begun } = run;
	const { silence, devices, reportsSilentAlready } = settings;
	const of = `${devices} ${silence}`;
	// Times of before the first second are those of devices that were never heard.
	const isOfAll = reportsSilentAlready && !state.silent;
	const begin = (after: number) => (isOfAll ? 1 : begun - after);
	beginWindow(run, 'silent', of, now - silence, begin(silence));
	if (silence < SATELLITE_DELAY_S)
		beginWindow(run, 'silentBySatellite', of, now - SATELLITE_DELAY_S, begin(SATELLITE_DELAY_S));
	else state.silentBySatellite = undefined;
}

export async function silent(run: PollRun): Promise<void> {
	const { settings, now } = run;
	await readAhead(run);
	const readIn = async (name: 'silent' | 'silentBySatellite', end: number) =>
		await readWindow(run, {
			name,
			end,
			report: (device) => reportSilent(run, device),
			isIn: (device) => windowOf(run, device) === name,
			each: settings.events.has('heardAgain') ? 2 : 1,
		});
	await readIn('silent', now - settings.silence);
	await readIn('silentBySatellite', now - SATELLITE_DELAY_S);
}
