/** An event as the workflow gets it: the same fields for each, and a text for a message. Pure. */
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { isTrusted, simplifyDevice } from '../shared/device/device';
import { duration, isoTime, shortTime, withIsoTimes } from '../shared/operation/times';
import type { EventName } from './settings';
import type { Device } from './watch';

/** What happened to a device; times are Unix seconds. */
export interface Happening {
	event: EventName;
	device: Device;
	/** When it was heard last; 0: never. */
	heard: number;
	/** Since when it is, or was, silent. */
	since?: number;
	area?: string;
	/** Identifies the event, so that a repeat has the same key. */
	of: string | number;
	/** In a test: why it is an example, and not a real event. */
	hint?: string;
}

interface Showing {
	simplify: boolean;
	/** IANA time zone of the workflow. */
	timezone: string;
	/** Hubble's time in Unix seconds. */
	now: number;
}

function textOf({ event, device, heard, since = 0, area }: Happening, { timezone, now }: Showing): string {
	const name = String(device.name ?? '') || device.id;
	const at = shortTime(event === 'registered' ? device.created_ts : heard, timezone);
	const texts: Record<EventName, () => string> = {
		entered: () => `${name} entered ${area}, heard ${at}`,
		firstHeard: () => `${name} was first heard on ${at}`,
		heardAgain: () => `${name} was heard again on ${at}, after ${duration(heard - since)} of silence`,
		left: () => `${name} left ${area}, heard ${at}`,
		registered: () => `${name} was registered on ${at}`,
		silent: () => `${name} has been silent for ${duration(now - since)}, last heard ${at}`,
	};
	return texts[event]();
}

export function eventItem(happening: Happening, showing: Showing): INodeExecutionData {
	const { event, device, heard, since, area = null, of, hint } = happening;
	const { simplify, now } = showing;
	const silence = since === undefined ? null : Math.round((event === 'silent' ? now : heard) - since);
	const json: IDataObject = {
		...(hint ? { hint } : {}),
		event,
		text: textOf(happening, showing),
		area,
		silentSince: since === undefined ? null : isoTime(since),
		silentForSeconds: silence,
		silentForHours: silence === null ? null : Math.round(silence / 360) / 10,
		heardAt: heard ? isoTime(heard) : null,
		registeredAt: isoTime(device.created_ts),
		timestampTrusted: isTrusted(device, now),
		...(simplify ? simplifyDevice(device, now) : withIsoTimes(device)),
		isExample: hint !== undefined,
		eventKey: `${event}:${device.id}:${of}`,
	};
	return { json };
}
