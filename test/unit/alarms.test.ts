/** Alarms: against a slow reference, through late packets, repeats and crashes; their rules, their room, their words. */
import fc from 'fast-check';
import type { IDataObject, IPollFunctions } from 'n8n-workflow';
import { alarmItem } from '../../nodes/HubblePacketPollTrigger/alarmItem';
import { positionDelta } from '../../nodes/HubblePacketPollTrigger/alarmPoll';
import {
	alarmState,
	alarmDelta,
	hasChangedEnough,
	hear,
	MOST_RULES,
	noAlarms,
	openAlarms,
	type AlarmState,
	type AlarmChange,
} from '../../nodes/HubblePacketPollTrigger/alarms';
import { readRules } from '../../nodes/HubblePacketPollTrigger/rules';
import type { Position } from '../../nodes/HubblePacketPollTrigger/stream';
import { keyOf } from '../../nodes/shared/polling/compact';
import { OUTCOMES, pollsOf } from './polledNode';

/** A rule as the user writes it. */
interface Row extends IDataObject {
	name: string;
	field: string;
	condition: string;
}

const context = (rule: unknown, typed = rule) =>
	({
		getNode: () => ({ name: 'Poll', parameters: { alarmRules: { rule: typed } } }),
		getNodeParameter: () => ({ rule }),
	}) as unknown as IPollFunctions;
const rulesOf = (...rows: object[]) => readRules(context(rows));

const warm: Row = { name: 'Warm', field: 't', condition: 'above', than: '8', clearsAt: '7' };
const ROWS: Row[] = [
	{ ...warm, forAtLeast: 15, severity: 'critical' },
	{ name: 'Hot', field: 't', condition: 'above', than: 10 },
	{ name: 'Cold', field: 't', condition: 'below', than: '2', clearsAt: '3.5', forAtLeast: 3, forUnit: 'packets' },
	{ name: 'Off', field: 't', condition: 'outside', than: '2', and: '8', margin: '1' },
	{ name: 'Band', field: 'h', condition: 'between', than: '4', and: '6', margin: '0.5', forAtLeast: 5 },
	{ name: 'Open', field: 'door', condition: 'equal', than: 'open', forAtLeast: 2, forUnit: 'packets' },
];

interface Packet {
	device: string;
	/** Unix seconds. */
	heard: number;
	values: Readonly<Record<string, unknown>>;
	/** Its stamp cannot be: it was received at the time of `heard`. */
	isLost?: boolean;
}
type Event = Omit<AlarmChange<string>, 'rule' | 'source'> & { rule: string; device: string };

const START = 1_790_000_000;
const isNumber = (value: unknown) => value !== '' && value !== null && Number.isFinite(Number(value));

/** What a condition means, written down without the code. */
const MEANING: Readonly<Record<string, (row: Row, value: number, text: unknown) => { over: boolean; back: boolean }>> =
	{
		above: ({ than, clearsAt = than }, value) => ({ over: value > Number(than), back: value <= Number(clearsAt) }),
		below: ({ than, clearsAt = than }, value) => ({ over: value < Number(than), back: value >= Number(clearsAt) }),
		outside: ({ than, and, margin = 0 }, value) => ({
			over: value < Number(than) || value > Number(and),
			back: value >= Number(than) + Number(margin) && value <= Number(and) - Number(margin),
		}),
		between: ({ than, and, margin = 0 }, value) => ({
			over: value >= Number(than) && value <= Number(and),
			back:
				(value < Number(than) && value <= Number(than) - Number(margin)) ||
				(value > Number(and) && value >= Number(and) + Number(margin)),
		}),
		equal: ({ than }, _, text) => ({ over: text === than, back: text !== than }),
	};

/** The value of an alarm that is farthest. */
function worst({ condition, than, and }: Row, values: number[]): number | null {
	if (values.some(Number.isNaN)) return null;
	const off = (value: number) => Math.max(Number(than) - value, value - Number(and));
	const order: Readonly<Record<string, (a: number, b: number) => number>> = {
		below: (a, b) => a - b,
		outside: (a, b) => off(b) - off(a),
		equal: () => 0,
	};
	return [...values].sort(order[condition] ?? ((a, b) => b - a))[0] ?? null;
}

/** The alarms of a device by one rule, found by looking forward from each packet: those that count, in their order. */
function eventsOf(row: Row, device: string, packets: readonly Packet[]): Event[] {
	const { name: rule, field, condition, forAtLeast = 0, forUnit = 'minutes' } = row;
	const told = packets.filter(({ values }) =>
		condition === 'equal' ? values[field] !== undefined && values[field] !== null : isNumber(values[field]),
	);
	const stamps = (index: number) => told.slice(0, index).flatMap(({ heard, isLost }) => (isLost ? [] : [heard]));
	const counts = told.flatMap(({ heard, isLost, values }, index) => {
		const newest = Math.max(0, ...stamps(index));
		return isLost || heard > newest ? [{ heard: Math.max(heard, newest), values }] : [];
	});
	const judged = counts.map(({ heard, values }) => ({
		heard,
		value: values[field],
		...MEANING[condition]!(row, Number(values[field]), values[field]),
	}));
	const begun = (run: typeof judged) => Math.min(...run.map(({ heard }) => heard));
	const isLong = (run: typeof judged) =>
		forUnit === 'packets'
			? run.length >= Number(forAtLeast)
			: run.at(-1)!.heard - begun(run) >= 60 * Number(forAtLeast);
	const events: Event[] = [];
	for (let first = 0; first < judged.length;) {
		const runs = judged.slice(first).map((_, length) => judged.slice(first, first + length + 1));
		const run = runs.find((one) => isLong(one) || !one.at(-1)!.over);
		if (!run) break;
		const last = first + run.length - 1;
		if (!run.every(({ over }) => over)) {
			first = last + 1;
			continue;
		}
		const since = begun(run);
		const end = judged.findIndex(({ back }, index) => index > last && back);
		const extreme = (to: number) =>
			worst(
				row,
				judged.slice(first, to).map(({ value }) => Number(value)),
			);
		const at = (index: number) => ({ at: judged[index]!.heard, value: judged[index]!.value, since, rule, device });
		events.push({ event: 'raised', ...at(last), extreme: extreme(last + 1) });
		if (end < 0) break;
		events.push({ event: 'cleared', ...at(end), extreme: extreme(end) });
		first = end + 1;
	}
	return events;
}

const shown = ({ rule, source, ...rest }: AlarmChange<string>): Event => ({ ...rest, rule: rule.name, device: source });
const textOf = (event: Event) => JSON.stringify(event, Object.keys(event).sort());
const sorted = (events: Event[]) => events.map(textOf).sort();

const NONE = noAlarms(0);

/** Hears packets, from a state to the next one. */
function read(state: AlarmState, packets: readonly Packet[], rows: readonly Row[], reportsAlready = false) {
	const alarms = openAlarms<string>(state, rulesOf(...rows), reportsAlready);
	for (const { device, heard, values, isLost = false } of packets)
		hear(alarms, { source: device, device, heard, isTrusted: !isLost, valueOf: (field) => values[field] });
	return { events: [...alarms.changes].map(shown), state: alarmState(alarms), alarms };
}

const value = fc.oneof(
	{ weight: 8, arbitrary: fc.integer({ min: 0, max: 48 }).map((quarter) => quarter / 4) },
	fc.constantFrom(undefined, null, '', 'open', '9.5', 'x'),
);
const packet = fc.record({
	device: fc.constantFrom('a', 'b', 'c'),
	values: fc.record({ t: value, h: value, door: fc.constantFrom('open', 'shut', undefined) }, { requiredKeys: [] }),
	/** Seconds since the one before; and whether it comes late, or again. */
	after: fc.integer({ min: 0, max: 600 }),
	late: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 1500 })),
	again: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
	isLost: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
});
const stream = fc.array(packet, { maxLength: 60, size: 'max' }).map((drawn) => {
	let now = START;
	return drawn.flatMap(({ device, values, after, late, again, isLost }): Packet[] => {
		now += after;
		const one = { device, values, heard: isLost ? now : now - late, isLost };
		return again ? [one, one] : [one];
	});
});
const devices = ['a', 'b', 'c'];
const expected = (packets: readonly Packet[], rows: readonly Row[]) =>
	devices.flatMap((device) =>
		rows.flatMap((row) =>
			eventsOf(
				row,
				device,
				packets.filter((one) => one.device === device),
			),
		),
	);
const someRows = fc.subarray(ROWS, { minLength: 1 });

it('are those of the reference, whatever comes late, again or with a stamp that cannot be', () => {
	fc.assert(
		fc.property(stream, someRows, (packets, rows) => {
			expect(sorted(read(NONE, packets, rows).events)).toEqual(sorted(expected(packets, rows)));
		}),
		{ numRuns: 400 },
	);
});

/** Polls a stream, to its end. */
async function simulate(packets: readonly Packet[], rows: readonly Row[], outcomes: readonly string[]) {
	let size = 1;
	let isEnd = false;
	const { all, pollOnce } = pollsOf<Position>({
		stream: 'stream',
		start: { start: 0, alarms: NONE },
		delta: positionDelta,
		read: async ({ start, alarms = NONE }) => {
			isEnd = start >= packets.length;
			const { events, state } = read(alarms, packets.slice(start, start + size), rows);
			const next = { start: Math.min(start + size, packets.length), alarms: state };
			return { next, items: events.map((event) => ({ json: { text: textOf(event) } })) };
		},
	});
	for (const outcome of outcomes) {
		await pollOnce(outcome);
		size = 1 + (size % 7);
	}
	do await pollOnce('handed over');
	while (!isEnd);
	return { delivered: all.delivered.map(({ text }) => text), repeatable: all.repeatable };
}

it('P9: are all reported through crashes at every step, and only those of the last execution twice', async () => {
	await fc.assert(
		fc.asyncProperty(
			stream,
			someRows,
			fc.array(fc.constantFrom(...OUTCOMES), { maxLength: 30, size: 'max' }),
			async (packets, rows, outcomes) => {
				const { delivered, repeatable } = await simulate(packets, rows, outcomes);
				const truth = sorted(expected(packets, rows));
				expect([...new Set(delivered)].sort()).toEqual([...new Set(truth)]);
				expect(delivered.length - truth.length).toBeLessThanOrEqual(repeatable);
			},
		),
		{ numRuns: 400 },
	);
});

const at = (minute: number, t: unknown, device = 'a'): Packet => ({
	device,
	heard: START + 60 * minute,
	values: { t },
});
const names = (events: Event[]) => events.map(({ event, rule, device }) => `${event} ${rule} ${device}`);

describe('the moment of the publication', () => {
	const packets = [
		at(0, 9),
		at(1, 9, 'b'),
		at(2, 6, 'b'),
		at(3, 9, 'c'),
		at(10, 9),
		at(11, 6),
		at(12, 6, 'c'),
		at(13, 9),
	];
	const published = { ...NONE, until: START + 5 * 60 };

	it('reports nothing of what is so already, and not its end', () => {
		expect(names(read(published, packets, [warm]).events)).toEqual(['raised Warm a']);
		// Also when its end comes with another poll.
		const first = read(published, packets.slice(0, 5), [warm]);
		expect(names(read(first.state, packets.slice(5), [warm]).events)).toEqual(['raised Warm a']);
	});

	it('reports it when the user says so, but not what was over by then', () => {
		expect(names(read(published, packets, [warm], true).events)).toEqual([
			'raised Warm a',
			'raised Warm c',
			'cleared Warm a',
			'cleared Warm c',
			'raised Warm a',
		]);
	});

	it("reports the end in a later poll, of what an earlier one has reported by the user's wish", () => {
		const first = read(published, packets.slice(0, 2), [warm], true);
		expect(names(first.events)).toEqual(['raised Warm a', 'raised Warm b']);
		expect(names(read(first.state, [at(2, 6, 'b')], [warm], true).events)).toEqual(['cleared Warm b']);
		// In the order of the packets, also where the next one begins and ends before the publication, or stays.
		const again = [at(2, 6, 'b'), at(3, 9, 'b'), at(3.5, 6, 'b'), at(4, 9, 'b')];
		for (const [length, wanted] of [
			[2, ['cleared Warm b', 'raised Warm b']],
			[3, ['cleared Warm b']],
			[4, ['cleared Warm b', 'raised Warm b']],
		] as const)
			expect(names(read(first.state, again.slice(0, length), [warm], true).events)).toEqual(wanted);
	});

	it('ends what has begun after it, also where a stamp that cannot be has come between', () => {
		const lost = { ...at(6, 9), isLost: true };
		const events = names(read(published, [at(0, 9), at(1, 6), lost, at(4, 6)], [warm], true).events);
		expect(events).toEqual(['raised Warm a', 'cleared Warm a']);
	});

	it('forgets of each device what has begun and ended before it, and not of another', () => {
		const events = names(read(published, [at(0, 9), at(1, 9, 'b'), at(2, 6)], [warm], true).events);
		expect(events).toEqual(['raised Warm b']);
	});

	it('is its first second', () => {
		expect(names(read(published, [at(5, 9)], [warm]).events)).toEqual(['raised Warm a']);
	});
});

it('are as before a poll again where it was not handed over', () => {
	const before = read(NONE, [at(0, 9), at(0, 5, 'c')], [warm]).state;
	const after = read(before, [at(1, 5), at(1, 9, 'b'), at(2, 9, 'c')], [warm]).state;
	expect(alarmDelta.unpack(alarmDelta.pack(before, after), after)).toEqual(before);
});

describe('a rule that is changed', () => {
	const raised = read(NONE, [at(0, 9)], [warm]).state;

	it('goes on with its alarms under its name, by its new thresholds', () => {
		const higher = { ...warm, than: '20', clearsAt: '10', severity: 'low' };
		expect(read(raised, [at(1, 9)], [higher]).events).toMatchObject([{ event: 'cleared', since: START, extreme: 9 }]);
		expect(read(raised, [at(1, 9)], [ROWS[1]!, warm]).events).toEqual([]);
	});

	it.each([
		['another name', { ...warm, name: 'Warmer' }],
		['another field', { ...warm, field: 'h' }],
		['another condition', { name: 'Warm', field: 't', condition: 'outside', than: '2', and: '8' }],
	])('begins anew with %s', (_, row) => {
		const next = { ...at(1, 9), values: { t: 9, h: 9 } };
		expect(read(raised, [next], [row]).events).toMatchObject([{ event: 'raised', rule: row.name }]);
	});

	it('is forgotten when it is removed, also where it is stored beside the next state', () => {
		const [two] = [read(NONE, [at(0, 12)], [warm, ROWS[1]!]).state];
		const after = read(two, [at(1, 5)], [ROWS[1]!]);
		expect(names(after.events)).toEqual(['cleared Hot a']);
		const before = alarmDelta.unpack(alarmDelta.pack(two, after.state), after.state);
		expect(names(read(before, [at(1, 5)], [ROWS[1]!]).events)).toEqual(['cleared Hot a']);
		const alone = read(NONE, [at(0, 12), at(1, 12)], [ROWS[1]!]).state;
		expect(read(two, [at(1, 12)], [ROWS[1]!]).state).toEqual(alone);
	});
});

describe('a packet whose stamp cannot be', () => {
	const alarms = () => {
		const open = openAlarms<string>(NONE, rulesOf(warm), false);
		return (t: number, heard: number, isTrusted = true) => {
			open.changes.clear();
			hear(open, { source: 'a', device: 'a', heard, isTrusted, valueOf: () => t });
			return [...open.changes].map(({ event, at: time }) => [event, time]);
		};
	};

	it('counts, and is the newest', () => {
		const told = alarms();
		expect(told(9, START)).toEqual([['raised', START]]);
		expect(told(5, START - 100)).toEqual([]);
		expect(told(5, START - 100, false)).toEqual([['cleared', START]]);
		expect(told(9, START + 50, false)).toEqual([['raised', START + 50]]);
	});

	it('counts the time of For At Least from the latest moment at which it can have been heard', () => {
		const open = openAlarms<string>(NONE, rulesOf({ ...warm, forAtLeast: 15 }), false);
		const tell = (heard: number, latest: number) =>
			hear(open, { source: 'a', device: 'a', heard, latest, isTrusted: false, valueOf: () => 9 });
		for (const minutes of [0, 44, 59, 74]) tell(START + 60 * minutes, START + 60 * Math.max(minutes, 45));
		expect([...open.changes].map(({ at: time }) => time)).toEqual([START + 74 * 60]);
	});

	it('begins no alarm after the moment for which it is raised', () => {
		const open = openAlarms<string>(NONE, rulesOf(warm), false);
		const [heard, latest] = [START, START + 3000];
		hear(open, { source: 'a', device: 'a', heard, latest, isTrusted: false, valueOf: () => 9 });
		expect([...open.changes]).toMatchObject([{ event: 'raised', since: START, at: START }]);
	});

	it('makes no other late, however many come', () => {
		const told = alarms();
		for (let n = 0; n < 1000; n++) told(n % 2 ? 5 : 9, START + 60, false);
		expect(told(9, START)).toEqual([['raised', START]]);
		expect(told(5, START + 1)).toEqual([['cleared', START + 1]]);
	});

	it('is remembered through a crash where its device told no other stamp', () => {
		const before = read(NONE, [{ ...at(0, 9), isLost: true }], [warm]).state;
		const after = read(before, [at(1, 5)], [warm]);
		expect(names(after.events)).toEqual(['cleared Warm a']);
		const resumed = alarmDelta.unpack(alarmDelta.pack(before, after.state), after.state);
		expect(names(read(resumed, [at(1, 5)], [warm]).events)).toEqual(['cleared Warm a']);
	});
});

describe('rules', () => {
	it.each([
		[[], 'click Add Rule'],
		[[{ ...warm, name: ' ' }], 'row 1: "Name" is required'],
		[[{ ...warm, field: { __rl: true, mode: 'list', value: '' } }], '"Warm": "Field" is required'],
		[[warm, { ...warm, name: '' }], 'row 2: "Name" is required'],
		[[{ ...warm, than: '' }], '"Warm": "Threshold" is required'],
		[[{ ...warm, than: 'x' }], '"Warm": "Threshold": "x" is not a number'],
		[[{ ...warm, condition: 'absent' }], '"Warm": "absent" is not one of above, below, between, equal, outside'],
		[[{ ...warm, clearsAt: '9' }], '"Warm": "Until It Is Back At" is 9, which is above the threshold'],
		[[{ ...ROWS[3]!, and: '' }], '"Off": "And" is required'],
		[[{ ...ROWS[3]!, and: '1' }], '"Off": "And" is 1, which is below 2'],
		[[{ ...ROWS[3]!, margin: '4' }], '"Off": "Until It Is Back By" is 4, more than half'],
		[[{ ...ROWS[4]!, margin: '-1' }], '"Band": "Until It Is Back By" is -1, which is below 0'],
		[[{ ...warm, forAtLeast: 1.5, forUnit: 'packets' }], '"Warm": 1.5 is not a whole number from 0 to 1000'],
		[[{ ...warm, forAtLeast: 1001, forUnit: 'packets' }], '"Warm": 1001 is not a whole number from 0 to 1000'],
		[[{ ...warm, forAtLeast: 43_201 }], '"Warm": 43201 is not a number from 0 to 43200'],
		[[{ ...warm, forAtLeast: -1 }], '"Warm": -1 is not a number from 0 to 43200'],
		[[{ ...ROWS[2]!, clearsAt: 1 }], '"Cold": "Until It Is Back At" is 1, which is below the threshold'],
		[[{ ...warm, forUnit: 'hours' }], '"Warm": "hours" is not one of minutes, packets'],
		[[warm, { ...ROWS[1]!, name: 'Warm' }], 'the name "Warm" is used twice'],
		[
			Array.from({ length: MOST_RULES + 1 }, (_, index) => ({ ...warm, name: `${index}` })),
			`there can be at most ${MOST_RULES}, not 65`,
		],
	])('%# are refused by name', (rows, message) => {
		expect(() => rulesOf(...rows)).toThrow(`"Alarm When": ${message}`);
	});

	it.each([
		[{ than: '8' }, { words: 'above 8', examples: [9, 8], seconds: 0, packets: 1, severity: null }],
		[
			{ than: 8, clearsAt: '8', forAtLeast: null },
			{ words: 'above 8', examples: [9, 8], seconds: 0 },
		],
		[
			{ ...warm, severity: ' low ', forAtLeast: 0.26 },
			{ examples: [9, 7], seconds: 16, packets: 1, severity: 'low' },
		],
		[ROWS[2]!, { words: 'below 2', examples: [1, 3.5], seconds: 0, packets: 3 }],
		[
			{ ...ROWS[3]!, margin: 3 },
			{ words: 'outside the range 2 to 8', examples: [9, 5] },
		],
		[ROWS[4]!, { words: 'between 4 and 6', examples: [5, 7.5], seconds: 300 }],
		[{ ...ROWS[4]!, margin: 0 }, { examples: [5, 7] }],
		[
			{ condition: 'equal', than: ' shut ' },
			{ words: 'equal to shut', examples: [' shut ', 'another value'] },
		],
		[{ condition: 'equal', than: '3' }, { examples: [3, 4] }],
		[{ than: 8, forAtLeast: 43_200 }, { seconds: 2_592_000 }],
	])('are %j in words, examples and lengths', (row, rule) => {
		expect(rulesOf({ name: 'Rule', field: 't', ...row })).toMatchObject([rule]);
	});

	it.each([
		[ROWS[4]!, { isBack: [3.5, 6.5], isNot: [3.75, 5, 6.25] }],
		[
			{ ...ROWS[4]!, margin: 0 },
			{ isBack: [3.99, 6.01], isNot: [4, 6] },
		],
	])('are over between bounds where a value is back by as much: %#', (row, { isBack, isNot }) => {
		const [rule] = rulesOf(row);
		expect([...isBack, ...isNot].filter((one) => rule?.isBack(one))).toEqual(isBack);
	});

	it('are about what there is', () => {
		const [rule] = rulesOf(ROWS[5]!);
		expect([undefined, null, '', 0].map((one) => rule?.isAbout(one))).toEqual([false, false, true, true]);
		expect(() => readRules(context(undefined))).toThrow('"Alarm When": click Add Rule');
	});

	it('are refused where an expression gives nothing: an empty end would be the threshold', () => {
		const typed = [{ ...warm, clearsAt: '={{ $json.end }}' }];
		expect(() => readRules(context([{ ...warm, clearsAt: '' }], typed))).toThrow(
			'"Alarm When": the expression returned no value',
		);
		expect(readRules(context([{ ...warm, clearsAt: '6' }], typed))).toHaveLength(1);
	});
});

it('are kept of as many rules as there can be, all on one value of one device', () => {
	const rows = Array.from({ length: MOST_RULES }, (_, index) => ({ ...warm, name: `${index}` }));
	const { events, state } = read(NONE, [at(0, 9), at(0, 9, 'b')], rows);
	expect(events).toHaveLength(2 * MOST_RULES);
	expect(names(read(state, [at(1, 5, 'b')], rows).events)).toEqual(rows.map(({ name }) => `cleared ${name} b`));
});

it('have examples as values are: a number where one is typed', () => {
	const exampleOf = (than: string) => rulesOf({ name: 'Is', field: 't', condition: 'equal', than })[0]?.examples[0];
	expect([exampleOf('3'), exampleOf('open')]).toEqual([3, 'open']);
});

it('have no extreme of a value that is no number', () => {
	const on = { name: 'On', field: 't', condition: 'equal', than: 'true' };
	expect(read(NONE, [at(0, true), at(1, false)], [on]).events).toMatchObject([{ extreme: null }, { extreme: null }]);
});

it('take no unit from what every object has', () => {
	const [rule] = rulesOf({ ...warm, field: 'constructor' });
	const source = { device: { id: 'd1' }, key: 'd1:7:1', shown: () => ({ decodedUnits: {} }), isTrusted: true };
	const change = { event: 'raised', rule: rule!, source, value: 9, since: START, at: START, extreme: 9 } as const;
	expect(alarmItem(change, 'UTC').json).toMatchObject({ unit: null });
});

it('say in words what began and what is over, with the same fields', () => {
	const timezone = 'Europe/Berlin';
	const items = read(NONE, [at(0, 9), at(20, 11.5), at(47, 6.8)], [ROWS[0]!]);
	const source = {
		device: { id: 'd1', name: 'Cold room 4' },
		key: 'd1:7:1',
		shown: () => ({ deviceName: 'Cold room 4', decodedUnits: { t: '°C' } }),
		isTrusted: true,
	};
	const [rule] = rulesOf(ROWS[0]!);
	const [raised, cleared] = items.events.map((event) => alarmItem({ ...event, rule: rule!, source }, timezone).json);
	expect(raised).toMatchObject({
		event: 'raised',
		text: 'Cold room 4: Warm (critical). t is 11.5 °C, above 8 since 21 Sept 16:13',
		severity: 'critical',
		lastedMinutes: 20,
		eventKey: 'raised:d1:7:1:Warm',
	});
	expect(cleared).toMatchObject({
		event: 'cleared',
		text: 'Cold room 4: Warm (critical) is over after 47 minutes. t is 6.8 °C, at worst 11.5 °C',
		value: 6.8,
		extreme: 11.5,
		lastedSeconds: 47 * 60,
	});
	expect(Object.keys(raised ?? {})).toEqual(Object.keys(cleared ?? {}));
});

it('say nothing of minutes where an alarm is over at once, or its stamps are out of order', () => {
	const [rule] = rulesOf(warm);
	const source = { device: { id: 'd1' }, key: 'd1:7:1', shown: () => ({}), isTrusted: true };
	const change = { event: 'cleared', rule: rule!, source, value: 5, extreme: 9, since: START } as const;
	for (const seconds of [0, 20, 59, -3600]) {
		const { text, lastedSeconds } = alarmItem({ ...change, at: START + seconds }, 'UTC').json;
		expect(text).toBe('d1: Warm is over after less than a minute. t is 5, at worst 9');
		expect(lastedSeconds).toBe(Math.max(0, seconds));
	}
});

describe('room', () => {
	const many = (count: number, t: number, from = 0) =>
		Array.from({ length: count }, (_, index) => at(index / 1000, t, `device ${from + index}`));

	it('P12: suffices for 100,000 devices and thousands of alarms, in less than 2 MB with what stands beside them', () => {
		const { state } = read(
			NONE,
			[...many(100_000, 5), ...many(7000, 9.25).map((one) => ({ ...one, heard: START + 1e4 }))],
			[warm],
		);
		const size = JSON.stringify(state).length;
		expect(size).toBeLessThan(1_520_000);
		expect(state.marks[0]).toContain(keyOf('device 99999'));
		// A poll ends before it has changed too much.
		const { alarms } = read(state, [], [warm]);
		let changed = 0;
		for (; !hasChangedEnough(alarms); changed += 1000) {
			for (const { device } of many(1000, 9.25, 20_000 + changed))
				hear(alarms, { source: '', device, heard: START + 2e4, isTrusted: true, valueOf: () => 9.25 });
		}
		expect(changed).toBeGreaterThan(10_000);
		const both = size + JSON.stringify(alarmDelta.pack(state, alarmState(alarms))).length;
		expect(both).toBeLessThan(2_000_000);
	});

	it('is made by forgetting devices without an alarm that were heard long ago', () => {
		const full = read(
			NONE,
			[at(-60, 9, 'raised'), ...many(90_000, 5), at(-60, 5, 'idle'), ...many(30_000, 5, 90_000)],
			[warm],
		);
		expect(JSON.stringify(full.state).length).toBeLessThan(1_520_000);
		expect(full.state.marks[0]).toContain(keyOf('raised'));
		expect(full.state.marks[0]).not.toContain(keyOf('idle'));
		expect(full.alarms.isFull).toBe(false);
	});

	it('that is used up by alarms leaves them as they are, and says so', () => {
		const full = read(NONE, many(70_000, 9.25), [warm]);
		expect(full.alarms.isFull).toBe(true);
		expect(JSON.stringify(full.state).length).toBeLessThan(1_520_000);
		const known = full.events.length;
		expect(known).toBeGreaterThan(50_000);
		// Nor are all devices looked at for each packet, where hardly one can be forgotten.
		const nearly = read(NONE, [...many(known - 200, 9.25), ...many(500, 5, 80_000)], [warm]);
		expect(nearly.alarms.isFull).toBe(true);
		const next = read(
			full.state,
			[...many(70_000, 9.25).slice(known), at(499, 9.5, 'device 0'), at(500, 5, 'device 0'), at(501, 9, 'new')],
			[warm],
		);
		expect(names(next.events)).toContain('cleared Warm device 0');
		expect(next.events.filter(({ event }) => event === 'raised').length).toBeLessThan(10);
	});
});
