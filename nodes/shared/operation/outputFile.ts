/** The output file of an operation: its name, which contains the period, and its field. */
import { DAY_S } from '../client/clock';
import type { Field } from './fields';
import type { ItemRequest, RequestOf } from './operation';
import { timeText } from './times';
import { fieldName } from './values';

/** Bytes of a name, which file systems limit to 255 with the extension. */
const LONGEST_NAME = 240;

/** Extensions that users add though the operation gives them. */
const EXTENSIONS = /(\.(csv|geojson|geojsonl|json|jsonl|ndjson|html?|txt|gz))+$/i;
// eslint-disable-next-line no-control-regex -- what no file system takes in a name
const UNSAFE = /[<>:"|?*\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]+|\p{Surrogate}+/gu;
/** Names that are devices on Windows, whatever stands behind their first dot. */
const DEVICE_NAME = /^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;

/** A name for a file on any system, without a path and without an extension; empty when nothing of it is left. */
export function safeName(given: string): string {
	const [last = ''] = given.split(/[/\\]/).slice(-1);
	// Cut first: the search for extensions takes the square of the length.
	const plain = last.trim().slice(0, 1000).replace(EXTENSIONS, '').replace(UNSAFE, '-');
	let cut = '';
	for (const character of plain) {
		if (Buffer.byteLength(cut + character) > LONGEST_NAME) break;
		cut += character;
	}
	return cut.replace(/^[\s.]+|(?<![\s.])[\s.]+$/g, '').replace(DEVICE_NAME, '$1_');
}

type FileRequest = ItemRequest & RequestOf<{ settings: { fileName: typeof fileName } }>;

/** The name without its extension: what the user says, else what is in the file and from when to when. */
export function fileNameOf(subject: string, { settings, query, continuationToken }: FileRequest, timezone: string) {
	const given = safeName(String(settings.fileName ?? ''));
	if (given) return given;
	// A token carries the period of an earlier run.
	if (continuationToken) return `${subject}_continued`;
	const { start, end } = query;
	if (typeof start !== 'number' || typeof end !== 'number')
		return `${subject}_${timeText(Date.now(), timezone).slice(0, 10)}`;
	return `${subject}_${periodName(start, end, timezone)}`;
}

/** From the first to the last day of a period; with hours and minutes where it is shorter than a day. */
function periodName(start: number, end: number, timezone: string): string {
	// Where the clocks go forward, a day is an hour shorter.
	const isMidnight = (seconds: number) => timeText(seconds * 1000, timezone).slice(11, 16) === '00:00';
	const isShort = end - start < DAY_S && !(isMidnight(start) && isMidnight(end));
	// The end is not part of the period: midnight belongs to the day before.
	const times = [start, isShort ? end : end - 1].map((seconds) => timeText(seconds * 1000, timezone));
	const names = times.map((text) =>
		isShort ? text.slice(0, 16).replace(' ', 'T').replace(':', '') : text.slice(0, 10),
	);
	return [...new Set(names)].join('_');
}

export const fileName = {
	displayName: 'File Name',
	name: 'fileName',
	type: 'string',
	default: '',
	placeholder: 'e.g. september',
	description: 'Without its extension. If empty, the name says what the file contains and which period it covers.',
	collection: 'options',
} satisfies Field;

export const binaryField = {
	displayName: 'Put Output File in Field',
	name: 'binaryPropertyName',
	type: 'string',
	default: 'data',
	hint: 'The name of the output binary field to put the file in',
	collection: 'options',
	toWire: fieldName,
} satisfies Field;
