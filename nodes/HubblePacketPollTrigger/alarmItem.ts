/** An alarm as the workflow gets it: the same fields when it begins and when it is over, and a text for a message. Pure. */
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { duration, isoTime, shortTime } from '../shared/operation/times';
import { unitAt } from '../shared/packet/valueFilter';
import type { AlarmChange } from './alarms';

/** The packet by which something changed. */
export interface Source {
	device: { id: string; name?: string };
	/** The packet's own key: two alarms may begin in one second. */
	key: string;
	/** The packet as the node's parameters show it. */
	shown: () => IDataObject;
	isTrusted: boolean;
	/** In a test: why it is an example, and not what happened. */
	hint?: string;
}

/** Seconds of an alarm until now: none where a stamp that cannot be counts as heard later than the end. */
const lasted = ({ since, at }: AlarmChange<Source>) => Math.max(0, at - since);

function textOf(change: AlarmChange<Source>, unit: string, timezone: string): string {
	const { event, rule, value, since, extreme, source } = change;
	const { name, severity, field, words } = rule;
	const device = source.device.name || source.device.id;
	const measured = (one: unknown) => `${String(one)}${unit && ` ${unit}`}`;
	const title = `${device}: ${name}${severity ? ` (${severity})` : ''}`;
	if (event === 'raised')
		return `${title}. ${field} is ${measured(value)}, ${words} since ${shortTime(since, timezone)}`;
	const peak = extreme === null ? '' : `, at worst ${measured(extreme)}`;
	return `${title} is over after ${duration(lasted(change))}. ${field} is ${measured(value)}${peak}`;
}

/** @param timezone IANA time zone of the workflow */
export function alarmItem(change: AlarmChange<Source>, timezone: string): INodeExecutionData {
	const { event, rule, value, since, at, extreme, source } = change;
	const { key, isTrusted, hint } = source;
	const shown = source.shown();
	const unit = unitAt(shown.decodedUnits, rule.field);
	const json: IDataObject = {
		...(hint ? { hint } : {}),
		event,
		text: textOf(change, unit, timezone),
		rule: rule.name,
		severity: rule.severity,
		field: rule.field,
		value: value as IDataObject[string],
		unit: unit || null,
		extreme,
		since: isoTime(since),
		heardAt: isoTime(at),
		timestampTrusted: isTrusted,
		lastedSeconds: lasted(change),
		lastedMinutes: Math.round(lasted(change) / 6) / 10,
		...shown,
		isExample: hint !== undefined,
		eventKey: `${event}:${key}:${rule.name}`,
	};
	return { json };
}
