/** One poll: which devices fell silent, were heard, registered, or crossed the border of an area since the last one. */
import type { IDataObject, INodeExecutionData, IPollFunctions } from 'n8n-workflow';
import { unchanged } from '../shared/client/errors';
import { connect, type HubbleClient } from '../shared/client/client';
import { endpoints } from '../shared/client/endpoints';
import { acceptedRows, pages } from '../shared/client/pages';
import { lastPacket } from '../shared/device/device';
import { isoTime } from '../shared/operation/times';
import { poll, type Budget, type Read } from '../shared/polling/poll';
import { areas } from './areas';
import { quiet, registered, silent } from './events';
import { insideOf, insideText, placedOf, quietOf, quietText, timedText, waitingOf } from './marks';
import { DEVICES, eventItem, warn, type Run } from './reading';
import { readSettings, type EventName, type Settings } from './settings';
import { beside, heardAt, type Device, type State } from './watch';

/** Pages of one poll; the rest comes with the next ones, so that other workflows get their share of the rate limit. */
const PAGES_PER_POLL = 30;

/** The events since the last poll, or `null` when there is none. */
export async function pollDevices(context: IPollFunctions): Promise<INodeExecutionData[][] | null> {
	if (context.getMode() === 'manual') return await sample(context);
	return await poll<State>(context, async (budget) => {
		const settings = readSettings(context);
		const hubble = await connect(context, { deadline: budget.deadline });
		return {
			stream: hubble.organizationId,
			start: {},
			beside,
			read: async (from) => await watch(context, hubble, settings, budget, from),
		};
	});
}

async function watch(
	context: IPollFunctions,
	hubble: HubbleClient,
	settings: Settings,
	budget: Budget,
	from: State,
): Promise<Read<State>> {
	const run: Run = {
		context,
		hubble,
		settings,
		budget,
		now: Math.floor(Date.now() / 1000),
		state: { ...from },
		quiet: quietOf(from.quietMarks ?? ''),
		inside: insideOf(from.insideMarks ?? ''),
		waiting: waitingOf(from.waitingMarks ?? ''),
		placed: placedOf(from.placedMarks ?? ''),
		items: [],
		pagesLeft: PAGES_PER_POLL,
	};
	await takeSteps(run, from.startWith);
	const marks = {
		quietMarks: quietText(run.quiet) || undefined,
		insideMarks: insideText(run.inside) || undefined,
		waitingMarks: timedText(run.waiting) || undefined,
		placedMarks: timedText(run.placed) || undefined,
	};
	return { next: { ...run.state, ...marks }, items: run.items };
}

/** What a poll does, and for which events. What is heard comes before what falls silent. */
const STEPS: ReadonlyArray<{ events: EventName[]; take: (run: Run) => Promise<void> }> = [
	{ events: ['registered', 'firstHeard'], take: registered },
	{ events: ['heardAgain', 'firstHeard'], take: quiet },
	{ events: ['silent'], take: silent },
	{ events: ['entered', 'left'], take: areas },
];

/** Drops what a poll knew of events that are watched no longer: chosen again they begin anew, and marks take no room. */
function forgetUnwatched(run: Run, wanted: readonly number[]): void {
	for (const [index, key] of (['registered', 'quiet', 'silent', 'areas'] as const).entries()) {
		if (!wanted.includes(index)) run.state[key] = undefined;
	}
	if (!run.state.quiet) run.quiet.clear();
	if (run.state.areas) return;
	for (const marks of [run.inside, run.waiting, run.placed]) marks.clear();
	run.state.sweep = undefined;
}

/**
 * Takes the steps that are wanted. Those for which there is no time come first in the next poll.
 * Throws when one fails and there is nothing to hand over.
 */
async function takeSteps(run: Run, startWith = 0): Promise<void> {
	const { settings, budget } = run;
	run.state.startWith = undefined;
	const order = [...STEPS.keys()].map((index) => (index + startWith) % STEPS.length);
	const wanted = order.filter((index) => STEPS[index]?.events.some((event) => settings.events.has(event)));
	forgetUnwatched(run, wanted);
	for (const index of wanted) {
		const isFirst = index === wanted[0];
		const hasTime = isFirst || budget.endStep();
		try {
			if (hasTime) await STEPS[index]?.take(run);
		} catch (error) {
			const isTimeUp = !isFirst && performance.now() >= budget.deadline;
			if (!run.items.length && !isTimeUp) throw unchanged(error);
			const { message } = error as Error;
			warn(run, `passes on ${run.items.length} events; the next poll continues after them. ${message}`);
			run.state.startWith = index;
			return;
		}
		if (hasTime) continue;
		run.state.startWith = index;
		return;
	}
}

/** One event of each kind that was chosen, made of devices that were heard last; the state stays as it is. */
async function sample(context: IPollFunctions): Promise<INodeExecutionData[][] | null> {
	const settings = readSettings(context);
	const hubble = await connect(context);
	const tags = settings.tags ? { filter_tags: settings.tags } : {};
	const query = { ...tags, sort_field: 'most_recent_packet_ts', sort_ascending: false };
	const call = { endpoint: endpoints.listDevices, query };
	for await (const { rows } of pages(hubble, call, DEVICES, 100)) {
		const devices = ([...acceptedRows(rows, DEVICES)] as Device[]).filter(settings.matches);
		const heard = devices.filter((device) => lastPacket(device).timestamp !== undefined);
		const chosen = heard.length ? heard : devices;
		const items = [...settings.events].flatMap((event, index) => {
			const device = chosen[index % chosen.length];
			return device ? [sampleOf(settings, event, device)] : [];
		});
		return items.length ? [items] : null;
	}
	return null;
}

/** What a device could be reported with. */
function sampleOf(settings: Settings, event: EventName, device: Device): INodeExecutionData {
	const at = heardAt(device);
	const since = at - settings.silence;
	const crossing = { area: settings.areas[0]?.name ?? null, heardAt: isoTime(at) };
	const about: Record<EventName, IDataObject> = {
		entered: crossing,
		firstHeard: { heardAt: isoTime(at) },
		heardAgain: { silentSince: isoTime(since), heardAt: isoTime(at), silentForSeconds: settings.silence },
		left: crossing,
		registered: { registeredAt: isoTime(device.created_ts) },
		silent: { silentSince: isoTime(at) },
	};
	return eventItem(settings, event, device, 'test', about[event]);
}
