/**
 * Compact marks of devices: those that are quiet (silent, or never heard), and those that are in an area. n8n stores
 * them as text with the workflow, so each has a fixed number of characters. Pure.
 */
import { keyOf, KEY, LETTERS, parts, TIME, stampOf, stampText } from '../shared/polling/compact';

/** Marks of both kinds together: about 1.7 MB of text. */
export const MOST_MARKS = 100_000;

/** Marks with a time each, in whole Unix seconds. Of quiet devices: when they were heard last; 0: never. */
export type TimedMarks = Map<string, number>;

/** What is remembered; times are whole Unix seconds. */
export interface Marks {
	/** Devices that are silent or were never heard, by `quietKey`. */
	quiet: TimedMarks;
	/** Devices in areas, by `areaKey`. */
	inside: Set<string>;
	/** Devices whose last crossing may not have reached n8n, by `areaKey`: their side is reported at the next place that counts. */
	unsure: Set<string>;
	/** Crossings that wait for a second packet, by `areaKey`: when the first one was heard. */
	waiting: TimedMarks;
	/** Of devices, by `keyOf`: when the place was heard that counted last. */
	placed: TimedMarks;
}

/** The same as n8n stores it. */
export type StoredMarks = Partial<Record<`${keyof Marks}Marks`, string>>;

/** Characters of the keys of quiet devices, 42 bits of the ID and the second of registration, and of those in areas. */
const QUIET = KEY - 1 + TIME;
const INSIDE = KEY + 1;

/** Areas that a node can have: as many as there are letters for their marks. */
export const MOST_AREAS = LETTERS.length;

/** Which quiet device a row of that ID and registration is. */
export const quietKey = (id: string, created: number): string => `${keyOf(id).slice(0, KEY - 1)}${stampText(created)}`;

/**
 * When the device of a mark of `quietKey` was registered: the device is found again by it, because IDs take too much
 * room.
 */
export const registeredAt = (key: string): number => stampOf(key.slice(KEY - 1));

/** Which area a device of that key is in. */
export const areaKey = (key: string, area: number): string => `${key}${LETTERS[area]}`;

/** The key of the device that a mark of `areaKey` is of. */
export const deviceOf = (key: string): string => key.slice(0, KEY);

/** Which area a mark of `areaKey` is of. */
export const areaOf = (key: string): number => LETTERS.indexOf(key.slice(KEY));

const timedText = (marks: TimedMarks): string => [...marks].map(([key, at]) => `${key}${stampText(at)}`).join('');

/** @param size characters of a key */
const timedOf = (text = '', size = KEY): TimedMarks =>
	new Map(parts(text, size + TIME).map((mark) => [mark.slice(0, size), stampOf(mark.slice(size))]));

export const keysText = (keys: ReadonlySet<string>): string => [...keys].join('');

export const keysOf = (text = '', size = KEY): Set<string> => new Set(parts(text, size));

export const openMarks = (stored: StoredMarks): Marks => ({
	quiet: timedOf(stored.quietMarks, QUIET),
	inside: keysOf(stored.insideMarks, INSIDE),
	unsure: keysOf(stored.unsureMarks, INSIDE),
	waiting: timedOf(stored.waitingMarks, INSIDE),
	placed: timedOf(stored.placedMarks),
});

export const storedMarks = ({ quiet, inside, unsure, waiting, placed }: Marks): StoredMarks => ({
	quietMarks: timedText(quiet) || undefined,
	insideMarks: keysText(inside) || undefined,
	unsureMarks: keysText(unsure) || undefined,
	waitingMarks: timedText(waiting) || undefined,
	placedMarks: timedText(placed) || undefined,
});
