/** The calls of a poll: devices in the order of a time, and windows of time that are read once. */
import type { IDataObject, INodeExecutionData, IPollFunctions } from 'n8n-workflow';
import type { HubbleClient } from '../shared/client/client';
import { between, endpoints } from '../shared/client/endpoints';
import { acceptedRows, pages, type List } from '../shared/client/pages';
import { simplifyDevice } from '../shared/device/device';
import type { Budget } from '../shared/polling/poll';
import type { Borders } from './borders';
import type { QuietMarks } from './marks';
import type { EventName, Settings } from './settings';
import { heardAt, takeNew, type Cursor, type Device, type State } from './watch';

export const DEVICES: List = {
	...endpoints.listDevices.list,
	accept: {
		row: (row) => {
			const { id, created_ts } = (row ?? {}) as Partial<Device>;
			return typeof id === 'string' && id !== '' && typeof created_ts === 'number' ? (row as Device) : undefined;
		},
		needs: 'an ID and the time of its registration',
	},
};

/** A poll while it runs. */
export interface Run extends Borders {
	context: IPollFunctions;
	hubble: HubbleClient;
	settings: Settings;
	budget: Budget;
	/** Unix seconds of its start. */
	now: number;
	state: State;
	quiet: QuietMarks;
	items: INodeExecutionData[];
	pagesLeft: number;
}

export const warn = ({ context }: Run, message: string) =>
	context.logger.warn(`"${context.getNode().name}" ${message}`);

/** How many events the execution has still room for. */
export const room = ({ settings, items }: Run) => settings.most - items.length;

/** An event as the workflow gets it. `of` is what makes it the same event when it comes again. */
export function eventItem(
	{ simplify }: Settings,
	event: EventName,
	device: Device,
	of: string | number,
	about: IDataObject,
): INodeExecutionData {
	const eventKey = `${event}:${device.id}:${of}`;
	return { json: { event, ...about, ...(simplify ? simplifyDevice(device) : device), eventKey } };
}

/** Adds an event, if the user wants it. */
export function emit(run: Run, event: EventName, device: Device, of: string | number, about: IDataObject): void {
	if (run.settings.events.has(event)) run.items.push(eventItem(run.settings, event, device, of, about));
}

type SortField = 'created_ts' | 'most_recent_packet_ts';

const timeBy = (field: SortField) => (field === 'created_ts' ? ({ created_ts }: Device) => created_ts : heardAt);

/** Devices of whole seconds of the field they are sorted by; all of those before `reached` have come with it. */
interface Chunk {
	devices: Device[];
	reached: number;
	isLast: boolean;
}

/**
 * Devices in ascending order of a time, as far as the poll may read.
 * @param end where the window ends: what the last chunk has reached
 */
export async function* devicesBy(run: Run, field: SortField, query: IDataObject, end: number): AsyncGenerator<Chunk> {
	const { hubble, settings, budget } = run;
	const timeOf = timeBy(field);
	const tags = settings.tags ? { filter_tags: settings.tags } : {};
	const call = {
		endpoint: endpoints.listDevices,
		query: { ...query, ...tags, sort_field: field, sort_ascending: true },
	};
	let held: Device[] = [];
	let reached = 0;
	for await (const { rows, next } of pages(hubble, call, DEVICES, DEVICES.pageSize?.max)) {
		run.pagesLeft -= 1;
		held.push(...([...acceptedRows(rows, DEVICES)] as Device[]));
		const last = held.at(-1);
		reached = next ? Math.max(reached, last ? Math.floor(timeOf(last)) : 0) : end;
		const isDone = (device: Device) => !next || Math.floor(timeOf(device)) < reached;
		yield { devices: held.filter(isDone).filter(settings.matches), reached, isLast: !next };
		held = held.filter((device) => !isDone(device));
		if (!budget.endStep()) run.pagesLeft = 0;
		if (run.pagesLeft <= 0) return;
	}
}

/** A window of time, and what becomes of the devices in it. */
interface Window {
	field: SortField;
	cursor: Cursor;
	end: number;
	report: (device: Device) => void;
	/** Events that one device may be at once. */
	each: number;
	/** Keeps how far the window was read. */
	save: (cursor: Cursor) => void;
}

/** Reads a window from its cursor up to its end, and reports each device in it once. */
export async function readWindow(run: Run, { field, cursor, end, report, each, save }: Window): Promise<void> {
	const timeOf = timeBy(field);
	let at = cursor;
	save(at);
	if (at.from >= end || room(run) < each) return;
	for await (const { devices, reached } of devicesBy(run, field, { [`filter_${field}`]: between(at.from, end) }, end)) {
		const { fresh, next } = takeNew(at, devices, timeOf, reached, Math.floor(room(run) / each));
		fresh.forEach(report);
		at = next;
		save(at);
		if (at.seen || room(run) < each) break;
	}
}
