/**
 * Alarms on decoded values. Pure: packets go in, in the order in which Hubble received them, and changes come out. The
 * state is text, which n8n stores with the workflow: for each device and field when it was heard last, which decides
 * which packets are late, and for alarms what is needed to report them.
 */
import { keyOf, KEY, LETTERS, numberOf, numberText, stampOf, stampText, TIME } from '../shared/polling/compact';
import { numeric } from '../shared/packet/valueFilter';

/** Rules that a node can have: as many as there are letters for their numbers. */
export const MOST_RULES = LETTERS.length;

/** The longest that *For At Least* can be in packets. */
export const MOST_PACKETS = 1000;

/** Characters that n8n stores of alarms: for 100,000 devices, and a few thousand alarms at a time. Less than 2 MB with … */
const ROOM = 1_500_000;
/** … what a poll changes, which stands beside it until its execution is known to exist: no page is read beyond it. */
const ROOM_BESIDE = 300_000;

export interface Rule {
	name: string;
	severity: string | null;
	field: string;
	/** Identifies the rule when its other settings change, so that its alarms continue. */
	id: string;
	/** Whether a packet says anything about it. */
	isAbout: (value: unknown) => boolean;
	/** Whether the value is beyond the threshold. */
	isOver: (value: unknown) => boolean;
	/** Whether it is back, beyond the threshold by as much as the user wants. */
	isBack: (value: unknown) => boolean;
	/** How far a value is off: the extreme of an alarm is the value that is farthest. */
	distance: (value: number) => number;
	/** What the threshold is in words: 'above 8'. */
	words: string;
	/** A value beyond the threshold and one that is back, for a test. */
	examples: [over: number | string, back: number | string];
	/** How long values must be over without one that is not: seconds from the first to the last of them, … */
	seconds: number;
	/** … and so many packets. */
	packets: number;
}

/** What n8n stores. */
export interface AlarmState {
	/** Unix seconds: what was heard before was there when the workflow was published. */
	until: number;
	/** The rules' ids, by the numbers that the marks have for them. */
	rules: string[];
	/** Fields, and in the same order the marks of the devices that told them. */
	fields: string[];
	marks: string[];
}

export const noAlarms = (until: number): AlarmState => ({ until, rules: [], fields: [], marks: [] });

/** Of one rule for one device. */
interface Active {
	/** Unix seconds of the first packet over the threshold. */
	since: number;
	/** Of the values over the threshold; `NaN` for what is no number. */
	extreme: number;
	/** Packets until now; then one of the two below. */
	count: number;
}
const RAISED = 0;
/** Raised by the time of the publication, and not reported. */
const UNREPORTED = 4095;
const isRaised = ({ count }: Active) => count === RAISED || count === UNREPORTED;

/** Of one field of a device. */
interface Mark {
	/** Unix seconds: the newest stamp that counted and can be, or `NO_STAMP`. */
	last: number;
	active: Map<number, Active>;
}

/** A packet as alarms see it. */
export interface Told<S> {
	source: S;
	device: string;
	/** Whole Unix seconds. */
	heard: number;
	/**
	 * `false`: the stamp is impossible, so `heard` is about when the packet was received. Such a packet is never late,
	 * and makes no other late.
	 */
	isTrusted: boolean;
	/** The latest that it can have been heard, if that is not `heard`. */
	latest?: number;
	valueOf: (field: string) => unknown;
}

/** What changed. Times are Unix seconds. */
export interface AlarmChange<S> {
	event: 'raised' | 'cleared';
	rule: Rule;
	source: S;
	value: unknown;
	since: number;
	/** When the packet was heard by which it changed. */
	at: number;
	extreme: number | null;
}

/** The marks of one field by device key, each as text: only few of them are read. */
type Records = Map<string, string>;

/** The alarms of a node while packets are read. */
export interface Alarms<S> {
	rules: readonly Rule[];
	/** Whether to report what was raised when the workflow was published. */
	reportsAlready: boolean;
	until: number;
	fields: Map<string, Records>;
	/** Characters of all marks, … */
	size: number;
	/** … and of those that a poll has changed, as they were. */
	changed: Map<string, number>;
	/** What a poll reports, in the order of the packets. */
	changes: Set<AlarmChange<S>>;
	/** Those of them that were there by the time of the publication and are not over, by device and rule. */
	already: Map<string, AlarmChange<S>>;
	/** Whether no more alarms can be stored. */
	isFull: boolean;
}

const ABSENT = stampText(0);
/** For a device with only impossible stamps. */
const NO_STAMP = 1;

/** `last`, and of each rule behind a comma its number, `since`, the count and the extreme. */
function recordOf({ last, active }: Mark): string {
	const parts = [...active].map(
		([rule, { since, extreme, count }]) => `,${LETTERS[rule]}${stampText(since)}${numberText(count, 2)}${extreme}`,
	);
	return `${stampText(last)}${parts.join('')}`;
}

const lastOf = (record: string) => stampOf(record.slice(0, TIME));

/** @param numbers the rules' numbers now, by those in the record; marks of rules that are gone are dropped */
function markOf(record: string, numbers?: ReadonlyArray<number | undefined>): Mark {
	const active = new Map<number, Active>();
	for (const part of record.split(',').slice(1)) {
		const stored = numberOf(part.charAt(0));
		const rule = numbers ? numbers[stored] : stored;
		const [since, count] = [part.slice(1, 1 + TIME), part.slice(1 + TIME, 3 + TIME)];
		const extreme = Number(part.slice(3 + TIME));
		if (rule !== undefined) active.set(rule, { since: stampOf(since), count: numberOf(count), extreme });
	}
	return { last: lastOf(record), active };
}

const marksText = (records: Records): string => [...records].map(([key, record]) => `${key}${record}`).join(' ');

const recordsOf = (marks: string): Records =>
	new Map(
		marks
			.split(' ')
			.filter(Boolean)
			.map((mark) => [mark.slice(0, KEY), mark.slice(KEY)]),
	);

/** The marks by their fields, for these rules. */
function fieldsOf({ rules, fields, marks }: AlarmState, ids: readonly string[]): Map<string, Records> {
	const numbers = rules.map((id) => (ids.includes(id) ? ids.indexOf(id) : undefined));
	const isSame = rules.length <= ids.length && numbers.every((number, index) => number === index);
	return new Map(
		fields.map((field, index) => {
			const records = recordsOf(marks[index] ?? '');
			if (!isSame) for (const [key, record] of records) records.set(key, recordOf(markOf(record, numbers)));
			return [field, records];
		}),
	);
}

/** With the blank between two. */
const sizeOf = (record: string) => KEY + record.length + 1;

/** The alarms as they were stored. Of a rule that is new nothing is known; alarms of rules that are gone are forgotten. */
export function openAlarms<S>(state: AlarmState, rules: readonly Rule[], reportsAlready: boolean): Alarms<S> {
	const stored = fieldsOf(
		state,
		rules.map(({ id }) => id),
	);
	const fields = new Map(rules.map(({ field }) => [field, stored.get(field) ?? new Map<string, string>()]));
	let size = 0;
	for (const records of fields.values()) for (const record of records.values()) size += sizeOf(record);
	const { until } = state;
	return {
		rules,
		reportsAlready,
		until,
		fields,
		size,
		changed: new Map(),
		changes: new Set(),
		already: new Map(),
		isFull: false,
	};
}

export const alarmState = <S>({ rules, until, fields }: Alarms<S>): AlarmState => ({
	until,
	rules: rules.map(({ id }) => id),
	fields: [...fields.keys()],
	marks: [...fields.values()].map(marksText),
});

/** Whether a poll has changed so much that the rest must wait for the next one. */
export function hasChangedEnough<S>({ changed }: Alarms<S>): boolean {
	let size = 0;
	for (const characters of changed.values()) size += characters;
	return size > ROOM_BESIDE;
}

function store<S>(alarms: Alarms<S>, field: string, key: string, record: string | undefined): void {
	const records = alarms.fields.get(field);
	const before = records?.get(key);
	const name = `${key}${field}`;
	if (!alarms.changed.has(name)) alarms.changed.set(name, sizeOf(before ?? ABSENT));
	alarms.size += (record === undefined ? 0 : sizeOf(record)) - (before === undefined ? 0 : sizeOf(before));
	if (record === undefined) records?.delete(key);
	else records?.set(key, record);
}

/** If there is no room, drops the marks of devices without an alarm, those heard longest ago first. */
function makeRoom<S>(alarms: Alarms<S>): void {
	if (alarms.size <= ROOM || alarms.isFull) return;
	const idle = [...alarms.fields].flatMap(([field, records]) =>
		[...records]
			.filter(([, { length }]) => length === TIME)
			.map(([key, record]) => ({ field, key, last: lastOf(record) })),
	);
	idle.sort((a, b) => a.last - b.last);
	for (const { field, key } of idle) {
		if (alarms.size <= ROOM * 0.95) return;
		store(alarms, field, key, undefined);
	}
	// Otherwise each further packet would look for room again.
	alarms.isFull = alarms.size > ROOM * 0.95;
}

/** What a value does to a rule for one device; `event` if something changes. */
interface Step {
	event?: AlarmChange<unknown>['event'];
	/** What is remembered from now on, and what tells of a change. */
	is?: Active;
	told: Active;
}

function step(rule: Rule, was: Active | undefined, value: unknown, at: number, latest: number): Step {
	const number = numeric(value);
	const isFarther = !was || rule.distance(number) > rule.distance(was.extreme);
	const extreme = isFarther ? number : was.extreme;
	if (was && isRaised(was)) {
		if (rule.isBack(value)) return { event: 'cleared', told: was };
		const is = { ...was, extreme };
		return { is, told: is };
	}
	const count = Math.min((was?.count ?? 0) + 1, MOST_PACKETS);
	// Of a packet with a stamp that cannot be nobody knows when it was heard: the time counts from the latest moment on.
	const is: Active = { since: Math.min(was?.since ?? latest, latest), extreme, count };
	if (!rule.isOver(value)) return { told: is };
	if (count < rule.packets || Math.max(0, at - is.since) < rule.seconds) return { is, told: is };
	// An alarm begins no later than it is raised.
	is.since = Math.min(is.since, at);
	is.count = RAISED;
	return { event: 'raised', is, told: is };
}

/** Adds the changes that a packet causes, in the order of the rules. */
export function hear<S>(alarms: Alarms<S>, told: Told<S>): void {
	const key = keyOf(told.device);
	for (const [field, records] of alarms.fields) {
		const value = told.valueOf(field);
		const rules = alarms.rules.flatMap((rule, number) =>
			rule.field === field && rule.isAbout(value) ? [{ rule, number }] : [],
		);
		if (!rules.length) continue;
		const mark = markOf(records.get(key) ?? ABSENT);
		// Late, or the same packet again: newer ones have decided.
		if (told.isTrusted && told.heard <= mark.last) continue;
		const at = Math.max(told.heard, mark.last);
		const latest = Math.max(at, told.latest ?? at);
		mark.last = told.isTrusted ? at : Math.max(mark.last, NO_STAMP);
		for (const { rule, number } of rules) {
			const was = mark.active.get(number);
			const { event, is, told: active } = step(rule, was, value, at, latest);
			mark.active.delete(number);
			if (is && !was && alarms.isFull) continue;
			if (is) mark.active.set(number, is);
			if (event) report(alarms, `${key}${number}`, active, { event, rule, source: told.source, value, at });
		}
		if (!alarms.isFull || mark.active.size || records.has(key)) store(alarms, field, key, recordOf(mark));
		makeRoom(alarms);
	}
}

/** Adds a change where it is reported: not the end of an alarm whose beginning was not, … */
function report<S>(
	{ changes, already, reportsAlready, until }: Alarms<S>,
	name: string,
	active: Active,
	what: Omit<AlarmChange<S>, 'since' | 'extreme'>,
): void {
	const isEnd = what.event === 'cleared';
	if (isEnd && active.count === UNREPORTED) return;
	const { since, extreme } = active;
	const change = { ...what, since, extreme: Number.isNaN(extreme) ? null : extreme };
	const begun = already.get(name);
	already.delete(name);
	// … and of what was there by the time of the publication only what is not over by then, if at all.
	if (change.at < until) {
		if (isEnd && begun) {
			changes.delete(begun);
			return;
		}
		if (!isEnd && !reportsAlready) {
			active.count = UNREPORTED;
			return;
		}
		already.set(name, change);
	}
	changes.add(change);
}

/** The state before a poll, stored beside the one after it: of the marks only the difference, so that both fit. */
export const alarmDelta = {
	pack(before: AlarmState, after: AlarmState): AlarmState {
		const [was, is] = [fieldsOf(before, after.rules), fieldsOf(after, after.rules)];
		const marks = [...is].map(([field, now]) => {
			const old: Records = was.get(field) ?? new Map();
			const lost = [...old].filter(([key, record]) => now.get(key) !== record);
			const added = [...now.keys()].filter((key) => !old.has(key)).map((key) => [key, ABSENT] as const);
			return marksText(new Map([...lost, ...added]));
		});
		return { ...before, rules: after.rules, fields: after.fields, marks };
	},
	unpack(packed: AlarmState, after: AlarmState): AlarmState {
		const is = fieldsOf(after, packed.rules);
		const marks = packed.fields.map((field, index) => {
			const records: Records = is.get(field) ?? new Map();
			for (const [key, record] of recordsOf(packed.marks[index] ?? '')) {
				if (lastOf(record) === 0) records.delete(key);
				else records.set(key, record);
			}
			return marksText(records);
		});
		return { ...packed, marks };
	},
};
