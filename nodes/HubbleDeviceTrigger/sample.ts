/**
 * What *Fetch Test Event* shows: for each event a device to which it applies, otherwise an example that fits the
 * settings.
 */
import type { IDataObject, INodeExecutionData, IPollFunctions } from 'n8n-workflow';
import { withoutUndefined } from '../shared/client/json';
import { connect, NoPlaceInTime } from '../shared/client/client';
import { between, endpoints } from '../shared/client/endpoints';
import { asError } from '../shared/client/errors';
import { acceptedRows, pages } from '../shared/client/pages';
import type { Area } from '../shared/device/areas';
import { placeHeard } from '../shared/device/device';
import { radians, EARTH_M, type Place } from '../shared/operation/place';
import { startBudget } from '../shared/polling/poll';
import { crossings } from './borders';
import { eventItem, type Happening } from './item';
import { openMarks } from './marks';
import { REGISTERED_DEVICES, silenceOf, type PollRun } from './reading';
import { readSettings, type EventName } from './settings';
import { lastHeard, type Device } from './watch';

/** By which devices are sorted. */
const HEARD = 'most_recent_packet_ts';

/** Pages in which a test looks for each kind of device. */
const SAMPLE_PAGES = 10;

/** A device for a test where the organization has none. */
const madeUp = (now: number): Device => ({
	id: '00000000-0000-4000-8000-000000000000',
	name: 'Example device',
	created_ts: now - 60,
});

/** Where and how a test searches. */
interface Look extends Pick<PollRun, 'hubble' | 'settings' | 'budget' | 'now'> {
	/** Whether there is no time for another request. */
	isOver?: boolean;
}

/** The first result of `say` for a device that passes the filters, latest first, in the pages that a test reads. */
async function first<T>(
	look: Look,
	sort_field: string,
	say: (device: Device) => T | undefined,
	filter: IDataObject = {},
): Promise<T | undefined> {
	if (look.isOver) return undefined;
	const { hubble, settings, budget } = look;
	const tags = settings.tags ? { filter_tags: settings.tags } : {};
	const call = { endpoint: endpoints.listDevices, query: { ...filter, ...tags, sort_field, sort_ascending: false } };
	let pagesRead = 0;
	try {
		for await (const { rows } of pages(hubble, call, REGISTERED_DEVICES, REGISTERED_DEVICES.pageSize?.max)) {
			look.isOver = !budget.endStep();
			for (const device of acceptedRows(rows, REGISTERED_DEVICES)) {
				const said = settings.matches(device) ? say(device) : undefined;
				if (said !== undefined) return said;
			}
			pagesRead += 1;
			if (pagesRead === SAMPLE_PAGES || look.isOver) break;
		}
	} catch (error) {
		if (!(error instanceof NoPlaceInTime)) throw asError(error);
		look.isOver = true;
	}
	return undefined;
}

/** What an event says of a device; times are Unix seconds. */
type Happens = Pick<Happening, 'device' | 'heard' | 'since' | 'area'>;

/** The area that a device is in, by the rules of a poll. */
function enteredBy({ settings, now }: Look, device: Device): Happens | undefined {
	const { areas } = settings;
	const [found] = crossings(openMarks({}), device, areas, areas.length, { ...settings, confirms: false }, now).crossed;
	return found && { device, heard: found.at, area: found.area.name };
}

/** Why an event is an example. */
const HINTS: Record<EventName, string> = {
	entered: 'No device that passes the filters was found in an area: this one is an example.',
	firstHeard: 'Hubble does not say when a device was heard first: this one is an example.',
	heardAgain: 'Hubble does not say whether a device was silent before: this one is an example.',
	left: 'Hubble does not say whether a device was in an area before: this one is an example.',
	registered: 'No device that passes the filters was found among those registered last: this one is an example.',
	silent: 'No device that passes the filters was found silent: this one is an example.',
};
const NO_TIME = 'There was no time to look for one: this one is an example.';

/** The events that were chosen, one of each kind. The state stays as it is. */
export async function sample(context: IPollFunctions): Promise<INodeExecutionData[][]> {
	const settings = readSettings(context);
	const budget = startBudget(context);
	const hubble = await connect(context, { deadline: budget.deadline });
	const now = Math.floor(await hubble.learnNow());
	const look: Look = { hubble, settings, budget, now };
	const hearing = { now, ahead: {}, settings };
	const heardIn = (device: Device) => lastHeard(device, hearing);
	const searches: Partial<Record<EventName, () => Promise<Happens | undefined>>> = {
		entered: async () => await first(look, HEARD, (device) => enteredBy(look, device)),
		registered: async () => await first(look, 'created_ts', (device) => ({ device, heard: heardIn(device) })),
		silent: async () => {
			const say = (device: Device) => {
				const heard = heardIn(device);
				return heard < now - silenceOf(hearing, device) ? { device, heard, since: heard } : undefined;
			};
			// Times of before the first second are those of devices that were never heard.
			return await first(look, HEARD, say, { filter_most_recent_packet_ts: between(1, now - settings.silence) });
		},
	};
	const example = examplesOf(look, (await first(look, HEARD, (device) => device)) ?? madeUp(now));
	const showing = { simplify: settings.simplify, timezone: context.getTimezone(), now };
	const items: INodeExecutionData[] = [];
	for (const event of settings.events) {
		const found = await searches[event]?.();
		const hint = searches[event] && look.isOver ? NO_TIME : HINTS[event];
		const happens = found ?? { ...example[event](), hint };
		items.push(eventItem({ event, of: 'test', ...happens }, showing));
	}
	return [items];
}

/** Examples of events of a device: as it is, except for the time and the place that the event needs. */
function examplesOf({ settings, now }: Look, device: Device): Record<EventName, () => Happens> {
	const { silence, areas, borderWidth } = settings;
	const known = lastHeard(device, { now, ahead: {} });
	const heard = known || now;
	const longAgo = Math.min(heard, now - silence);
	const [area] = areas;
	const at = (time: number, place: Place | undefined = placeHeard(device, now)) => heardAs(device, time, place);
	const present = known ? device : at(now);
	return {
		entered: () => ({ device: at(heard, area?.inside), heard, area: area?.name }),
		firstHeard: () => ({ device: present, heard }),
		heardAgain: () => ({ device: present, heard, since: heard - silence }),
		left: () => ({ device: at(heard, area && outside(area, borderWidth)), heard, area: area?.name }),
		registered: () => ({ device, heard: known }),
		silent: () => ({ device: at(longAgo), heard: longAgo, since: longAgo }),
	};
}

/** A device as if it had been heard then, and there. */
function heardAs(device: Device, timestamp: number, place?: Place): Device {
	const { latitude, longitude, accuracy } = place ?? {};
	const location = withoutUndefined({ latitude, longitude, horizontal_accuracy: accuracy });
	return { ...device, most_recent_packet: { terrestrial: { timestamp, ...(place ? { location } : {}) } } };
}

/** A place outside of an area, towards the equator; none if the area reaches that far. */
function outside(area: Area, border: number): Place | undefined {
	const { latitude, longitude } = area.inside;
	const direction = latitude > 0 ? -1 : 1;
	for (let metres = area.radius + 2 * border + 1; ; metres *= 2) {
		const place = { latitude: latitude + (direction * metres) / (EARTH_M * radians(1)), longitude };
		if (Math.abs(place.latitude) > 90) return undefined;
		if (!area.contains(place) && area.distanceTo(place) > border) return place;
	}
}
