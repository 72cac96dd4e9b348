/** What changed in a fleet: the state that is kept of it, and what follows from the devices that a poll reads. Without I/O. */
import type { IDataObject } from 'n8n-workflow';
import { lastPacket } from '../shared/device/device';
import { insideOf, insideText, MOST_MARKS, quietKey, quietOf, quietText, type Quiet, type QuietMarks } from './marks';

/** A device as the list gives it; times are Unix seconds. */
export interface Device extends IDataObject {
	id: string;
	created_ts: number;
}

/** Unix seconds of a device's last packet; 0: never heard. */
export const heardAt = (device: Device): number => lastPacket(device).timestamp ?? 0;

/** How far a window of time was read. `of` says by which settings: with others it begins anew. */
export interface Cursor {
	of: string;
	/** Unix seconds. */
	from: number;
	/** IDs of that second that were reported already. */
	seen?: string[];
}

/** What is known of the areas. */
export interface AreaCursor extends Cursor {
	/** The shapes that the marks' letters stand for. */
	shapes: string[];
	/** So many of them are new: who is in them is being learnt, and nothing is reported. */
	fresh: number;
}

/** The search for devices in areas that are no longer there. */
export interface Sweep {
	/** Unix seconds of its begin. */
	at: number;
	/** Devices that were registered before this second were found already. */
	from?: number;
	/** Those of which none was found yet, by `keyOf`. Without it the search is over. */
	missing?: string;
}

/** What n8n stores. */
export interface State {
	registered?: Cursor;
	silent?: Cursor;
	quiet?: Cursor;
	areas?: AreaCursor;
	/** The step for which the last poll had no time. */
	startWith?: number;
	/** Devices that are silent or were never heard, and devices in areas (`marks.ts`). */
	quietMarks?: string;
	insideMarks?: string;
	/** Crossings that wait for a second packet, and when the places that counted were heard. */
	waitingMarks?: string;
	placedMarks?: string;
	sweep?: Sweep;
}

/**
 * The state before a poll, as it is stored beside the one after it: of the marks only the difference, so that both
 * have room. When places were heard is not kept: it would hide from the next try what this one has seen.
 */
export const beside = {
	pack(before: State, after: State): State {
		const quiet = quietOf(after.quietMarks ?? '');
		const lost = [...quietOf(before.quietMarks ?? '')].filter(([key, { heard }]) => quiet.get(key)?.heard !== heard);
		const [was, is] = [insideOf(before.insideMarks ?? ''), insideOf(after.insideMarks ?? '')];
		const changed = [...[...was].filter((key) => !is.has(key)), ...[...is].filter((key) => !was.has(key))];
		return {
			...before,
			placedMarks: undefined,
			quietMarks: quietText(new Map(lost)),
			insideMarks: insideText(new Set(changed)),
		};
	},
	unpack(packed: State, after: State): State {
		const quiet = new Map([...quietOf(after.quietMarks ?? ''), ...quietOf(packed.quietMarks ?? '')]);
		const inside = insideOf(after.insideMarks ?? '');
		for (const key of insideOf(packed.insideMarks ?? '')) if (!inside.delete(key)) inside.add(key);
		return { ...packed, quietMarks: quietText(quiet), insideMarks: insideText(inside) };
	},
};

/**
 * The devices of a window that were not reported yet, at most so many, and where the window goes on.
 * @param devices in the order of `timeOf`; all of the window up to `reached`
 */
export function takeNew(
	cursor: Cursor,
	devices: readonly Device[],
	timeOf: (device: Device) => number,
	reached: number,
	most: number,
): { fresh: Device[]; next: Cursor } {
	const seen = new Set(cursor.seen);
	const unseen = devices.filter(({ id }) => !seen.has(id));
	const fresh = unseen.slice(0, most);
	const rest = unseen[most];
	if (!rest) return { fresh, next: { of: cursor.of, from: Math.max(cursor.from, reached) } };
	const from = Math.floor(timeOf(rest));
	const before = devices.slice(0, devices.indexOf(rest));
	return {
		fresh,
		next: { of: cursor.of, from, seen: before.filter((row) => Math.floor(timeOf(row)) === from).map(({ id }) => id) },
	};
}

/** A quiet device that was heard: under which key it was marked, and what was known of it. */
export interface Gone extends Quiet {
	key: string;
}

/**
 * Compares the marks of quiet devices with all devices that are quiet now and were registered from `from` up to, not
 * including, `reached`. New ones are marked, while there is room.
 * @returns those that are quiet no longer, in the order of their registration, and those that were heard and are quiet
 * again, whose marks stay as they were
 */
export function compareQuiet(
	marks: QuietMarks,
	devices: readonly Device[],
	from: number,
	reached: number,
	most = MOST_MARKS,
): { gone: Gone[]; heard: Device[]; isFull: boolean } {
	const listed = new Map(devices.map((device) => [quietKey(device.id, device.created_ts), device]));
	const gone = [...marks]
		.filter(([key, { created }]) => created >= from && created < reached && !listed.has(key))
		.map(([key, quiet]) => ({ key, ...quiet }))
		.sort((a, b) => a.created - b.created);
	const heard: Device[] = [];
	let isFull = false;
	for (const [key, device] of listed) {
		const was = marks.get(key);
		if (was && Math.floor(heardAt(device)) > was.heard) heard.push(device);
		if (!was && marks.size < most) mark(marks, device);
		else isFull ||= !was;
	}
	return { gone, heard, isFull };
}

/** Marks a device as quiet since its last packet. */
export function mark(marks: QuietMarks, device: Device): void {
	const { id, created_ts: created } = device;
	marks.set(quietKey(id, created), { created, heard: Math.floor(heardAt(device)) });
}
