/**
 * What is remembered of devices, in little room: those that are quiet (silent, or never heard), and those that are in
 * an area. n8n stores it as text with the workflow, so a mark has a fixed number of characters. Pure.
 */
import { keyOf, KEY, LETTERS, parts, TIME, stampOf, stampText } from '../shared/polling/compact';

export { keyOf };

/** Marks of both kinds together: about 1.7 MB of text. */
export const MOST_MARKS = 100_000;

/** A quiet device; both times in Unix seconds. */
export interface Quiet {
	/** When it was registered: by it the device is found again, for its ID takes too much room. */
	created: number;
	/** When it was heard last; 0: never. */
	heard: number;
}

/** By 42 bits of the ID and the second of registration. */
export type QuietMarks = Map<string, Quiet>;

/** Devices in areas, by `keyOf` and the letter of the area. */
export type InsideMarks = Set<string>;

/** Marks with a time each, in whole Unix seconds. */
export type TimedMarks = Map<string, number>;

const QUIET = KEY - 1 + 2 * TIME;
const INSIDE = KEY + 1;

/** Areas that a node can have: as many as there are letters for their marks. */
export const MOST_AREAS = LETTERS.length;

/** Which quiet device a row of that ID and registration is. */
export const quietKey = (id: string, created: number): string => `${keyOf(id).slice(0, KEY - 1)}${stampText(created)}`;

/** Which area a device of that key is in. */
export const areaKey = (key: string, area: number): string => `${key}${LETTERS[area]}`;

/** The key of the device that a mark of `areaKey` is of. */
export const deviceOf = (key: string): string => key.slice(0, KEY);

/** Which area a mark of `areaKey` is of. */
export const areaOf = (key: string): number => LETTERS.indexOf(key.slice(KEY));

/** The mark of the same device in the same area, which has another number now. */
export const movedTo = (key: string, area: number): string => areaKey(deviceOf(key), area);

/** The text of quiet devices. */
export const quietText = (marks: QuietMarks): string =>
	[...marks].map(([key, { heard }]) => `${key}${stampText(heard)}`).join('');

export const quietOf = (text: string): QuietMarks =>
	new Map(
		parts(text, QUIET).map((mark) => {
			const key = mark.slice(0, KEY - 1 + TIME);
			return [key, { created: stampOf(key.slice(KEY - 1)), heard: stampOf(mark.slice(key.length)) }];
		}),
	);

export const insideText = (marks: InsideMarks): string => [...marks].join('');

export const insideOf = (text: string): InsideMarks => new Set(parts(text, INSIDE));

export const timedText = (marks: ReadonlyMap<string, number>): string =>
	[...marks].map(([key, at]) => `${key}${stampText(at)}`).join('');

const timedOf = (text: string, size: number): TimedMarks =>
	new Map(parts(text, size + TIME).map((mark) => [mark.slice(0, size), stampOf(mark.slice(size))]));

/** Marks of `keyOf`. */
export const placedOf = (text: string): TimedMarks => timedOf(text, KEY);

/** Marks of `areaKey`. */
export const waitingOf = (text: string): TimedMarks => timedOf(text, INSIDE);

/** Keys of devices as text, and back. */
export const keysText = (keys: ReadonlySet<string>): string => [...keys].join('');

export const keysOf = (text: string): Set<string> => new Set(parts(text, KEY));
