/** What *Fetch Test Event* shows: the latest packets, alarms as they could be, and an example where nothing fits. */
import type { IDataObject, INodeExecutionData, IPollFunctions } from 'n8n-workflow';
import { connect } from '../shared/client/client';
import { hubbleNow } from '../shared/client/clock';
import { objectOf } from '../shared/client/json';
import type { PacketReader, ReadPacket } from '../shared/packet/filter';
import { LOOKED_AT, newestPackets, SAMPLE } from '../shared/packet/newestPackets';
import { heardAt, packetKey, type Packet } from '../shared/packet/packet';
import { numeric, valueAt } from '../shared/packet/valueFilter';
import { alarmItem } from './alarmItem';
import { isTrusted, type AlarmSettings } from './alarmPoll';
import type { Rule } from './alarms';

/** A packet for a test where Hubble has none. */
const madeUp = (now: number): Packet => ({
	device: { id: '00000000-0000-4000-8000-000000000000', name: 'Example device', payload: '', timestamp: now },
	network_type: 'TERRESTRIAL',
});

/**
 * The latest packets, the newest first, until `isEnough` says so.
 * @returns the newest one, or one that is made up
 */
async function latestPackets(
	context: IPollFunctions,
	limit: number,
	isEnough: (packets: Packet[]) => boolean,
): Promise<Packet> {
	const hubble = await connect(context);
	return (await newestPackets(hubble, limit, isEnough)) ?? madeUp(Math.ceil(hubble.now()));
}

/** The latest packets for the editor, newest first; positions stay where they are. */
export async function sample(context: IPollFunctions, reader: PacketReader): Promise<INodeExecutionData[][]> {
	const { select, show, read, misfit } = reader;
	const isFiltered = Object.keys(objectOf(context.getNodeParameter('filters', {}))).length > 0;
	const found: IDataObject[] = [];
	const newest = await latestPackets(context, isFiltered ? LOOKED_AT : SAMPLE, (packets) => {
		found.push(...select(packets).map(show));
		return found.length >= SAMPLE;
	});
	const hint = misfit();
	const shown = found.length
		? found.slice(0, SAMPLE).map((json) => ({ ...(hint ? { hint } : {}), ...json }))
		: [{ isExample: true, hint: hint ?? NONE, ...show(read(newest)) }];
	return [shown.map((json) => ({ json }))];
}

const NONE = 'None of the latest packets passes the filters: this one is an example.';

/** What a test shows of how long an alarm lasted, where its rule asks for less. */
const LASTED_S = 2700;

/**
 * Of each rule one alarm that begins, by the latest packet beyond the threshold where there is one, and one that is over.
 * Positions and alarms stay as they are.
 */
export async function sampleAlarms(
	context: IPollFunctions,
	{ rules, reader }: AlarmSettings,
): Promise<INodeExecutionData[][]> {
	const { read, select, misfit } = reader;
	const over = new Map<Rule, ReadPacket>();
	let passing: ReadPacket | undefined;
	const newest = await latestPackets(context, LOOKED_AT, (packets) => {
		for (const one of select(packets)) {
			passing ??= one;
			const isFirst = (rule: Rule) => !over.has(rule) && isOver(rule, valueAt(one.said?.decoded, rule.field));
			for (const rule of rules.filter(isFirst)) over.set(rule, one);
		}
		return over.size === rules.length;
	});
	const hint = misfit();
	const any = passing ?? read(newest);
	const items = rules.flatMap((rule) => {
		const [beyond, back] = rule.examples;
		const real = over.get(rule);
		const example = real ?? withValue(any, rule.field, beyond);
		const value = valueAt(example.said?.decoded, rule.field);
		const { at, isTrusted: trusts } = timeOf(example.packet);
		const since = at - Math.max(rule.seconds, LASTED_S);
		const extreme = Number.isFinite(numeric(value)) ? numeric(value) : null;
		const of = ({ packet: { device }, ...rest }: ReadPacket, isExample: boolean) => ({
			device,
			key: packetKey(example.packet),
			shown: () => reader.show({ packet: example.packet, ...rest }),
			isTrusted: trusts,
			isExample,
		});
		const end = withValue(example, rule.field, back);
		return [
			alarmItem(
				{ event: 'raised', rule, value, since: at - rule.seconds, at, extreme, source: of(example, !real) },
				context.getTimezone(),
			),
			alarmItem(
				{ event: 'cleared', rule, value: back, since, at, extreme, source: of(end, true) },
				context.getTimezone(),
			),
		];
	});
	return [items.map(({ json }) => ({ json: { ...(hint ? { hint } : {}), ...json } }))];
}

/** When a packet was heard, in whole Unix seconds: now where its stamp cannot be. */
function timeOf(packet: Packet) {
	const stamp = Math.floor(heardAt(packet));
	const now = Math.floor(hubbleNow());
	const trusts = isTrusted(stamp, { received: now, now });
	return { at: trusts ? stamp : now, isTrusted: trusts };
}

const isOver = ({ isAbout, isOver: isBeyond }: Rule, value: unknown) => isAbout(value) && isBeyond(value);

/** A copy of a packet whose payload decodes to these values. */
const withValue = ({ packet, said }: ReadPacket, field: string, value: number | string | null): ReadPacket => ({
	packet,
	said: { ...said, decoded: { ...objectOf(said?.decoded), [field]: value }, decodeError: undefined },
});
