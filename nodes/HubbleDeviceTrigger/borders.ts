/** Which devices cross the border of an area, and what is remembered of it. Without I/O. */
import { placeHeard } from '../shared/device/device';
import { isInside, type Area } from '../shared/device/areas';
import { keyOf } from '../shared/polling/compact';
import { areaKey, areaOf, deviceOf, MOST_MARKS, type Marks, type TimedMarks } from './marks';
import type { Settings } from './settings';
import { latestStamp, type AreaCursor, type Device } from './watch';

/** The marks of areas after the user changed these: areas that are no longer there are forgotten, new ones come last. */
export function reorderAreas(
	cursor: AreaCursor | undefined,
	{ inside, unsure }: Pick<Marks, 'inside' | 'unsure'>,
	of: string,
	areas: readonly Area[],
): { cursor: AreaCursor; inside: Set<string>; unsure: Set<string>; areas: Area[] } {
	const old: AreaCursor = cursor?.of === of ? cursor : { of, from: 0, shapes: [], fresh: 0 };
	const known = old.shapes.slice(0, old.shapes.length - old.fresh);
	const isKnown = ({ shape }: Area) => known.includes(keyOf(shape));
	const ordered = [...areas.filter(isKnown), ...areas.filter((area) => !isKnown(area))];
	const shapes = ordered.map(({ shape }) => keyOf(shape));
	if (cursor?.of === of && String(shapes) === String(old.shapes))
		return { cursor, inside: new Set(inside), unsure: new Set(unsure), areas: ordered };
	const moved = (keys: ReadonlySet<string>) =>
		new Set(
			[...keys].flatMap((key) => {
				const to = shapes.indexOf(known[areaOf(key)] ?? '');
				return to < 0 ? [] : [areaKey(deviceOf(key), to)];
			}),
		);
	const fresh = shapes.length - areas.filter(isKnown).length;
	// A new area is learnt from all devices that were ever heard.
	const from = fresh ? 1 : old.from;
	const begun = fresh ? undefined : old.begun;
	return { cursor: { of, from, shapes, fresh, begun }, inside: moved(inside), unsure: moved(unsure), areas: ordered };
}

interface Crossing {
	event: 'entered' | 'left';
	area: Area;
	/** Unix seconds of the packet that says so. */
	at: number;
}

type BorderRules = Pick<Settings, 'borderWidth' | 'maxInaccuracy' | 'confirms' | 'lookBack'>;

/**
 * Which areas a device entered or left; updates the marks. A place counts if it was heard no earlier than the last one
 * that counted: packets by satellite may come out of order.
 * @param areas the first `learnt` of them are known; who is in the others is being learnt
 * @param now Unix seconds: a stamp from the future counts as heard now
 */
export function crossings(
	{ inside, unsure, waiting, placed }: Omit<Marks, 'quiet'>,
	device: Device,
	areas: readonly Area[],
	learnt: number,
	{ borderWidth, maxInaccuracy, confirms, lookBack }: BorderRules,
	now: number,
	most = MOST_MARKS,
): { crossed: Crossing[]; isFull: boolean } {
	const crossed: Crossing[] = [];
	let isFull = false;
	const place = placeHeard(device, now);
	const key = keyOf(device.id);
	const second = Math.floor(Math.min(place?.timestamp ?? NaN, now));
	const isCurrent = second >= Math.max(Math.min(latestStamp(device), now) - lookBack, placed.get(key) ?? 0);
	if (!place || !isCurrent) return { crossed, isFull };
	placed.set(key, second);
	for (const [index, area] of areas.entries()) {
		if ((place.accuracy ?? 0) > (maxInaccuracy ?? area.radius)) continue;
		const mark = areaKey(key, index);
		const was = inside.has(mark);
		const first = waiting.get(mark);
		waiting.delete(mark);
		const is = isInside(area, place, was, borderWidth);
		const event = is ? 'entered' : 'left';
		if (is === was) {
			if (unsure.delete(mark) && index < learnt) crossed.push({ event, area, at: place.timestamp });
			continue;
		}
		const hasRoom = inside.size + waiting.size < most;
		if (!was && !hasRoom) {
			isFull = true;
			continue;
		}
		// Without room to wait, a device that leaves does so at once, which makes room.
		if (confirms && index < learnt && hasRoom && second <= (first ?? Infinity)) {
			waiting.set(mark, first ?? second);
			continue;
		}
		if (was) inside.delete(mark);
		else inside.add(mark);
		unsure.delete(mark);
		if (index < learnt) crossed.push({ event, area, at: place.timestamp });
	}
	return { crossed, isFull };
}

/** Drops the times of places that no late packet can precede any more, and those beyond `most`. */
export function forgetPlaced(placed: TimedMarks, before: number, most: number): void {
	let kept = 0;
	for (const [key, at] of placed) if (at < before || ++kept > most) placed.delete(key);
}
