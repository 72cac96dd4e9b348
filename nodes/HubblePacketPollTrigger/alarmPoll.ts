/** Alarms in a poll: what is read for them, and what becomes of it. */
import { NodeOperationError, type IPollFunctions } from 'n8n-workflow';
import { AHEAD_S } from '../shared/client/clock';
import { PACKET_RETENTION_S } from '../shared/client/endpoints';
import { isOn, readParameter } from '../shared/operation/readItem';
import { oneOf, parameterError } from '../shared/operation/values';
import type { PacketReader, ReadPacket } from '../shared/packet/filter';
import { heardAt, packetKey } from '../shared/packet/packet';
import { NOT_DECODED, valueAt } from '../shared/packet/valueFilter';
import { alarmItem, type Source } from './alarmItem';
import {
	alarmState,
	alarmDelta,
	hasChangedEnough,
	hear,
	noAlarms,
	openAlarms,
	type Alarms,
	type Rule,
	type Told,
} from './alarms';
import { alarmRules, readRules, reportAlready } from './rules';
import type { PageTime, Position, PageConsumer } from './stream';

export const triggerOptions = [
	{
		name: 'Alarms',
		value: 'alarms',
		description: 'A decoded value is beyond a threshold: one item when that begins, one when it is over',
		action: 'On alarm raised or cleared',
	},
	{ name: 'Packets', value: 'packets', description: 'Every new packet', action: 'On packets polled' },
];

export const watchesAlarms = (context: IPollFunctions): boolean =>
	readParameter(context, 'Trigger On', () =>
		oneOf(['packets', 'alarms'])(context.getNodeParameter('triggerOn', 'packets')),
	) === 'alarms';

export interface AlarmSettings {
	rules: Rule[];
	reportsAlready: boolean;
	reader: PacketReader;
}

/** Reads the parameters of alarms. Throws a NodeOperationError that names the one at fault. */
export function readAlarmSettings(context: IPollFunctions, reader: PacketReader): AlarmSettings {
	if (!reader.decodes)
		throw new NodeOperationError(context.getNode(), parameterError(alarmRules.displayName, NOT_DECODED));
	const rules = readRules(context);
	return { rules, reportsAlready: isOn(context, reportAlready.name, reportAlready.displayName, false), reader };
}

/** Seconds before its publication whose packets tell a trigger what is already beyond a threshold. */
const LOOK_BACK_S = 7200;

export const firstAlarms = (now: number): Position => ({ start: now - LOOK_BACK_S, alarms: noAlarms(now) });

/** The position before a poll, stored beside the one after it. */
export const positionDelta = {
	pack: (before: Position, after: Position): Position =>
		before.alarms && after.alarms ? { ...before, alarms: alarmDelta.pack(before.alarms, after.alarms) } : before,
	unpack: (packed: Position, after: Position): Position =>
		packed.alarms && after.alarms ? { ...packed, alarms: alarmDelta.unpack(packed.alarms, after.alarms) } : packed,
};

/** A packet as alarms see it. It is shown when an alarm begins or ends by it. */
export function toldBy({ show }: PacketReader, read: ReadPacket, { received, now }: PageTime): Told<Source> {
	const { packet, said } = read;
	const stamp = Math.floor(heardAt(packet));
	// None comes from the future, or later than Hubble keeps it.
	const isTrusted = stamp <= now + AHEAD_S && stamp >= received - PACKET_RETENTION_S;
	return {
		device: packet.device.id,
		heard: isTrusted ? stamp : received,
		isTrusted,
		latest: isTrusted ? stamp : now,
		valueOf: (field) => valueAt(said?.decoded, field),
		source: { device: packet.device, key: packetKey(packet), shown: () => show(read), isTrusted },
	};
}

export function alarmConsumer(
	context: IPollFunctions,
	{ rules, reportsAlready, reader }: AlarmSettings,
	stored = noAlarms(0),
): PageConsumer {
	let alarms: Alarms<Source> | undefined;
	const timezone = context.getTimezone();
	return {
		take(packets, time) {
			for (const read of reader.select(packets)) {
				// There are many marks, and often there is no packet.
				alarms ??= openAlarms(stored, rules, reportsAlready);
				hear(alarms, toldBy(reader, read, time));
			}
			return [];
		},
		isFull: () => alarms !== undefined && hasChangedEnough(alarms),
		finish() {
			if (!alarms) return { items: [] };
			if (alarms.isFull) {
				context.logger.warn(
					`"${context.getNode().name}" has no room for more alarms until some are over. It continues with those it has.`,
				);
			}
			return { items: [...alarms.changes].map((change) => alarmItem(change, timezone)), alarms: alarmState(alarms) };
		},
	};
}
