/** What a poll looks for in areas: borders that were crossed. */
import { between, FAR_FUTURE_S } from '../shared/client/endpoints';
import { notAhead } from '../shared/polling/poll';
import { crossings, forgetPlaced, reorderAreas } from './borders';
import { keyOf } from '../shared/polling/compact';
import { deviceOf, keysOf, keysText, MOST_MARKS } from './marks';
import { devicesBy, emit, room, warn, type PollRun } from './reading';
import { latestStamp, type Device } from './watch';

/** Checks where the devices are that were heard since the last poll; a packet may be shown later than it was heard. */
export async function areas(run: PollRun): Promise<void> {
	const { settings, state, now } = run;
	let cursor = state.areas;
	if (!cursor || room(run) < run.areas.length) return;
	const begun = Math.min(cursor.begun ?? now, now);
	const learnt = run.areas.length - cursor.fresh;
	const query = { filter_most_recent_packet_ts: between(cursor.from, FAR_FUTURE_S) };
	let isFull = false;
	const field = 'most_recent_packet_ts';
	for await (const { devices, reached, isLast, token } of devicesBy(run, field, query, FAR_FUTURE_S, cursor)) {
		let open: Device | undefined;
		for (const device of devices) {
			open = room(run) < run.areas.length ? device : undefined;
			if (open) break;
			const most = MOST_MARKS - run.quiet.size;
			const found = crossings(run, device, run.areas, learnt, settings, now, most);
			isFull ||= found.isFull;
			for (const { event, area, at } of found.crossed) {
				emit(run, { event, device, heard: at, area: area.name, of: `${area.name}:${at}` });
			}
		}
		const from = Math.min(now, open ? Math.floor(latestStamp(open)) : Math.max(reached, cursor.from));
		// Since this reading began, packets may have been shown behind what was read.
		cursor =
			isLast && !open
				? { ...cursor, from: begun - settings.lookBack, fresh: 0, begun: undefined }
				: { ...cursor, from, begun };
		cursor.token = open ? undefined : token;
		state.areas = cursor;
		if (open) break;
	}
	const kept = MOST_MARKS - run.quiet.size - run.inside.size - run.waiting.size;
	forgetPlaced(run.placed, now - 2 * settings.lookBack, kept);
	if (isFull) warn(run, `remembers at most ${MOST_MARKS} devices; it does not report when others enter an area.`);
	await sweep(run, isFull);
}

/** Brings the marks in the order of the areas that are wanted now, and logs what of new ones is no polygon. */
export function beginAreas(run: PollRun): void {
	const { settings, state, now } = run;
	const ordered = reorderAreas(state.areas, run, settings.devices, settings.areas);
	const isChanged = ordered.cursor !== state.areas;
	// Crossings that wait are of the old ones.
	if (isChanged) run.waiting.clear();
	for (const { name, leftOut } of isChanged ? ordered.areas.slice(-ordered.cursor.fresh || Infinity) : [])
		if (leftOut) warn(run, `watches the polygons of the area "${name}". It ignores what is not a polygon: ${leftOut}.`);
	run.inside = ordered.inside;
	run.unsure = ordered.unsure;
	run.areas = ordered.areas;
	for (const key of run.unsure)
		if (!settings.events.has(run.inside.has(key) ? 'entered' : 'left')) run.unsure.delete(key);
	state.areas = { ...ordered.cursor, from: notAhead(run.context, ordered.cursor.from, now) };
}

/** Seconds from one search to the next: a day, and an hour when there is no room for more marks. */
const SWEEP_S = { usual: 86_400, full: 3600 };

/**
 * Drops the marks of devices that are no longer listed: a deleted one never leaves its area. Reads the whole list, over
 * several polls if it is long.
 */
async function sweep(run: PollRun, isFull: boolean): Promise<void> {
	const { state, now } = run;
	const marked = [...run.inside, ...run.unsure, ...run.waiting.keys()];
	state.sweep = marked.length ? (state.sweep ?? { at: now }) : undefined;
	if (!state.sweep || run.pagesLeft <= 0) return;
	let { at, from = 0 } = state.sweep;
	const isOpen = state.sweep.missing !== undefined;
	if (!isOpen && now - at < (isFull ? SWEEP_S.full : SWEEP_S.usual)) return;
	const missing = isOpen ? keysOf(state.sweep.missing) : new Set(marked.map(deviceOf));
	if (!isOpen) at = now;
	const query = { filter_created_ts: between(from, FAR_FUTURE_S) };
	for await (const { devices, reached, isLast } of devicesBy(run, 'created_ts', query, FAR_FUTURE_S)) {
		for (const { id } of devices) missing.delete(keyOf(id));
		from = Math.max(from, reached);
		state.sweep = isLast ? { at } : { at, from, missing: keysText(missing) };
		if (!isLast) continue;
		for (const marks of [run.inside, run.unsure, run.waiting]) {
			for (const key of marks.keys()) if (missing.has(deviceOf(key))) marks.delete(key);
		}
	}
}
