/** What *Fetch Test Event* shows: the latest packets, alarms as they could be, and an example where nothing fits. */
import type { INodeExecutionData, IPollFunctions } from 'n8n-workflow';
import { connect } from '../shared/client/client';
import { objectOf } from '../shared/client/json';
import type { PacketReader, ReadPacket } from '../shared/packet/filter';
import { LOOKED_AT, newestPackets, SAMPLE } from '../shared/packet/newestPackets';
import type { Packet } from '../shared/packet/packet';
import { numeric, valueAt } from '../shared/packet/valueFilter';
import { alarmItem, type Source } from './alarmItem';
import { toldBy, type AlarmSettings } from './alarmPoll';
import { hear, noAlarms, openAlarms, type AlarmChange, type Rule } from './alarms';

/** A packet for a test where Hubble has none. */
const madeUp = (now: number): Packet => ({
	device: {
		id: '00000000-0000-4000-8000-000000000000',
		name: 'Example device',
		payload: '',
		timestamp: Math.ceil(now),
	},
	network_type: 'TERRESTRIAL',
});

/** The latest packets for the editor, newest first; positions stay where they are. */
export async function sample(context: IPollFunctions, reader: PacketReader): Promise<INodeExecutionData[][]> {
	const { show, read, misfit } = reader;
	const isFiltered = Object.keys(objectOf(context.getNodeParameter('filters', {}))).length > 0;
	const hubble = await connect(context);
	const limit = isFiltered ? LOOKED_AT : SAMPLE;
	const { newest, found } = await newestPackets(hubble, limit, reader);
	const hint = misfit();
	const shown = found.length
		? found.slice(0, SAMPLE).map((one) => ({ ...(hint ? { hint } : {}), ...show(one) }))
		: [
				{
					isExample: true,
					hint: hint ?? NONE[newest ? 'passes' : 'came'],
					...show(read(newest ?? madeUp(hubble.now()))),
				},
			];
	return [shown.map((json) => ({ json }))];
}

const NONE = {
	passes: 'None of the latest packets passes the filters: this one is an example.',
	came: 'Hubble received no packet in the last seven days: this one is an example.',
};

/** How long the alarm of a test lasted, unless its rule asks for more. */
const LASTED_S = 2700;

/** Why an alarm, or its end, is an example. */
const HINTS = {
	since: 'A value is beyond the threshold, but not for as long as the rule asks: when this alarm began is an example.',
	raised: 'None of the latest packets has a value beyond the threshold: this alarm is an example.',
	cleared: 'No alarm ends in the latest packets: this end is an example.',
};

/** What the packets, the newest first, would have made a poll report. */
function changesIn(
	{ rules, reader }: AlarmSettings,
	packets: readonly ReadPacket[],
	now: number,
): Array<AlarmChange<Source>> {
	const alarms = openAlarms<Source>(noAlarms(0), rules, false);
	for (const read of [...packets].reverse()) hear(alarms, toldBy(reader, read, { received: now, now }));
	return [...alarms.changes];
}

/**
 * Of each rule the last alarm that begins in the latest packets and the last one that is over, as a poll would have
 * reported them, else an example. Positions and alarms stay as they are.
 */
export async function sampleAlarms(context: IPollFunctions, settings: AlarmSettings): Promise<INodeExecutionData[][]> {
	const { rules, reader } = settings;
	let changes: Array<AlarmChange<Source>> = [];
	const hubble = await connect(context);
	const { newest = madeUp(hubble.now()), found } = await newestPackets(hubble, LOOKED_AT, reader, (passing) => {
		changes = changesIn(settings, passing, Math.floor(hubble.now()));
		return rules.every((rule) => changes.some((change) => change.rule === rule && change.event === 'raised'));
	});
	const misfit = reader.misfit();
	const items = rules.flatMap((rule) => {
		const over = found.find(({ said }) => isOver(rule, valueAt(said?.decoded, rule.field)));
		const examples = examplesOf(reader, rule, {
			over,
			any: found[0] ?? reader.read(newest),
			now: Math.floor(hubble.now()),
		});
		return examples.map((example) => {
			const real = changes.filter((change) => change.rule === rule && change.event === example.event).at(-1);
			return alarmItem(real ?? example, context.getTimezone()).json;
		});
	});
	return [
		items.map(({ hint, ...json }) => {
			const why = [misfit, hint].filter(Boolean).join(' ');
			return { json: why ? { hint: why, ...json } : json };
		}),
	];
}

/**
 * An alarm of a rule and its end as they could be.
 * @param by the latest packet beyond the threshold, another one, and Hubble's time in whole seconds
 */
function examplesOf(
	reader: PacketReader,
	rule: Rule,
	{ over, any, now }: { over?: ReadPacket; any: ReadPacket; now: number },
): Array<AlarmChange<Source>> {
	const [beyond, back] = rule.examples;
	const begin = over ?? withValue(any, rule.field, beyond);
	const value = valueAt(begin.said?.decoded, rule.field);
	const told = (read: ReadPacket) => toldBy(reader, read, { received: now, now });
	const { source, heard: at } = told(begin);
	const extreme = Number.isFinite(numeric(value)) ? numeric(value) : null;
	const raised = { ...source, hint: over ? HINTS.since : HINTS.raised };
	const cleared = { ...told(withValue(begin, rule.field, back)).source, hint: HINTS.cleared };
	const since = at - Math.max(rule.seconds, LASTED_S);
	return [
		{ event: 'raised', rule, value, since: at - rule.seconds, at, extreme, source: raised },
		{ event: 'cleared', rule, value: back, since, at, extreme, source: cleared },
	];
}

const isOver = ({ isAbout, isOver: isBeyond }: Rule, value: unknown) => isAbout(value) && isBeyond(value);

/** A copy of a packet whose payload decodes to these values. */
const withValue = ({ packet, said }: ReadPacket, field: string, value: number | string): ReadPacket => ({
	packet,
	said: { ...said, decoded: { ...objectOf(said?.decoded), [field]: value }, decodeError: undefined },
});
