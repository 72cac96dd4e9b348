/** What a poll looks for: registrations, devices that are heard again or fell silent. */
import { between, FAR_FUTURE_S } from '../shared/client/endpoints';
import { isoTime } from '../shared/operation/times';
import { MOST_MARKS, quietKey } from './marks';
import { devicesBy, emit, readWindow, room, warn, type Run } from './reading';
import { compareQuiet, heardAt, mark, type Cursor, type Device, type Gone } from './watch';

/** Registrations of the last seconds are left to the next poll: the clocks of n8n and Hubble may differ. */
const SETTLE_S = 30;

/** The cursor as it was stored, or where a new one begins. */
const cursorOf = (stored: Cursor | undefined, of: string, begin: number): Cursor =>
	stored?.of === of ? stored : { of, from: begin };

/** Reports devices that were registered, and those of them that were heard already. */
export async function registered(run: Run): Promise<void> {
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

const emitSilent = (run: Run, device: Device) =>
	emit(run, 'silent', device, heardAt(device), { silentSince: isoTime(heardAt(device)) });

/** A device that was never heard, or silent, and has sent a packet. */
const emitHeard = (run: Run, device: Device, since: number) =>
	since === 0 ? emitFirstHeard(run, device) : emitHeardAgain(run, device, since);

/**
 * Compares the devices that are quiet with those that were: one that is quiet no longer was heard. The list of quiet
 * devices is short where that of a whole fleet is not.
 */
export async function quiet(run: Run): Promise<void> {
	const { settings, state, now } = run;
	const watchesFirst = settings.events.has('firstHeard');
	const low = watchesFirst ? 0 : 1;
	const high = settings.events.has('heardAgain') ? now - settings.silence : 1;
	const of = `${settings.devices} ${low} ${high === 1 ? 1 : settings.silence}`;
	if (state.quiet?.of !== of) run.quiet.clear();
	const cursor = cursorOf(state.quiet, of, 0);
	state.quiet = cursor;
	// Devices that are registered now come to the marks by their registration.
	const end = watchesFirst ? (state.registered?.from ?? 0) : FAR_FUTURE_S;
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
		if (room(run) < 2) return device.created_ts;
		emitHeard(run, device, run.quiet.get(quietKey(device.id, device.created_ts))?.heard ?? 0);
		mark(run.quiet, device);
		// Shown late: the window of Silent is past this packet, and would not report it.
		if (heardAt(device) < (run.state.silent?.from ?? 0)) emitSilent(run, device);
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
			filter_most_recent_packet_ts: between(high, FAR_FUTURE_S),
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

/** Reports devices whose last packet has just become older than the time in Silent For. */
export async function silent(run: Run): Promise<void> {
	const { settings, state, now } = run;
	const { silence, devices, reportsSilentAlready } = settings;
	const end = now - silence;
	// Times of before the first second are those of devices that were never heard.
	const cursor = cursorOf(state.silent, `${devices} ${silence}`, reportsSilentAlready && !state.silent ? 1 : end);
	const report = (device: Device) => emitSilent(run, device);
	const save = (reached: Cursor) => {
		state.silent = reached;
	};
	await readWindow(run, { field: 'most_recent_packet_ts', cursor, end, report, save, each: 1 });
}
