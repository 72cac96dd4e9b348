/** One poll: which devices fell silent, were heard, registered, or crossed the border of an area since the last one. */
import type { INodeExecutionData, IPollFunctions } from 'n8n-workflow';
import { asError } from '../shared/client/errors';
import { connect, NoPlaceInTime } from '../shared/client/client';
import { counted } from '../shared/operation/values';
import { poll, waitAfter, type Read } from '../shared/polling/poll';
import { areas, beginAreas } from './areas';
import { beginQuiet, beginRegistered, beginSilent, quiet, registered, silent } from './events';
import { openMarks, storedMarks } from './marks';
import { room, warn, type PollRun } from './reading';
import { sample } from './sample';
import { readSettings, type EventName } from './settings';
import { stateDelta, type State } from './watch';

/** Pages of one poll; the rest comes with the next ones, so that other workflows get their share of the rate limit. */
const PAGES_PER_POLL = 30;

/** The events since the last poll, or `null` when there is none. */
export async function pollDevices(context: IPollFunctions): Promise<INodeExecutionData[][] | null> {
	if (context.getMode() === 'manual') return await sample(context);
	return await poll<State>(context, async (budget) => {
		const settings = readSettings(context);
		const hubble = await connect(context, { deadline: budget.deadline, poller: budget.poller });
		await hubble.learnNow();
		const read = async (from: State, begin: (begun: State) => void) => {
			const now = Math.floor(hubble.now());
			const run: PollRun = {
				context,
				hubble,
				settings,
				budget,
				now,
				begun: now - Math.floor(budget.begunMsAgo() / 1000),
				ahead: from.ahead ?? {},
				state: { ...from },
				...openMarks(from),
				areas: [],
				items: [],
				pagesLeft: PAGES_PER_POLL,
			};
			const wanted = beginSteps(run, from.startWith);
			begin(positionOf(run));
			const taken = await takeSteps(run, wanted);
			return { next: positionOf(run), items: run.items, ...taken };
		};
		// A copy of a workflow may have the original's position.
		const stream = [context.getWorkflow().id, hubble.organizationId].join(' ');
		return { stream, start: {}, delta: stateDelta, read };
	});
}

const positionOf = (run: PollRun): State => ({ ...run.state, ...storedMarks(run) });

/** What a poll does, and for which events. What is heard comes before what falls silent. */
const STEPS: ReadonlyArray<{
	events: EventName[];
	/** Where its cursor stands in the state. */
	state: 'registered' | 'quiet' | 'silent' | 'areas';
	begin: (run: PollRun) => void;
	take: (run: PollRun) => Promise<void>;
}> = [
	{ events: ['registered', 'firstHeard'], state: 'registered', begin: beginRegistered, take: registered },
	{ events: ['heardAgain', 'firstHeard'], state: 'quiet', begin: beginQuiet, take: quiet },
	{ events: ['silent'], state: 'silent', begin: beginSilent, take: silent },
	{ events: ['entered', 'left'], state: 'areas', begin: beginAreas, take: areas },
];

/** Drops the state of events that are no longer watched: if chosen again, they start over. */
function forgetUnwatched(run: PollRun, wanted: readonly number[]): void {
	for (const [index, { state }] of STEPS.entries()) if (!wanted.includes(index)) run.state[state] = undefined;
	if (!run.state.silent) run.state.silentBySatellite = undefined;
	if (!run.state.silent && !run.state.quiet) run.state.ahead = undefined;
	if (!run.state.quiet) run.quiet.clear();
	if (run.state.areas) return;
	for (const marks of [run.inside, run.unsure, run.waiting, run.placed]) marks.clear();
	run.state.sweep = undefined;
}

/** The indexes of the steps that are wanted, in their order, each of them begun. */
function beginSteps(run: PollRun, startWith = 0): number[] {
	const order = [...STEPS.keys()].map((index) => (index + startWith) % STEPS.length);
	const wanted = order.filter((index) => STEPS[index]?.events.some((event) => run.settings.events.has(event)));
	forgetUnwatched(run, wanted);
	for (const index of wanted) STEPS[index]?.begin(run);
	return wanted;
}

/** Whether there are pages and room for another step: as many events as a device may cause in it. */
const hasRoom = (run: PollRun) => run.pagesLeft > 0 && room(run) >= Math.max(2, run.areas.length);

/**
 * Takes the steps that are wanted. Those for which there is no time or no room, also to end, come first in the next poll.
 * One that fails holds back no other, unless Hubble asks for a pause.
 */
async function takeSteps(run: PollRun, wanted: readonly number[]): Promise<Taken> {
	const { budget, state } = run;
	const failures: Error[] = [];
	for (const index of wanted) {
		const isFirst = index === wanted[0];
		state.startWith = index;
		if (!isFirst && !(budget.endStep() && hasRoom(run))) return ended(run, failures);
		try {
			await STEPS[index]?.take(run);
		} catch (error) {
			const waitMs = waitAfter(error);
			const isLate = performance.now() >= budget.deadline || error instanceof NoPlaceInTime;
			const hasRead = !isFirst || run.pagesLeft < PAGES_PER_POLL;
			// A poll without a slot in the rate limit does not fail.
			if (error instanceof NoPlaceInTime && !hasRead) throw asError(error);
			if (!isLate || !hasRead) failures.push(asError(error));
			// It may take all the time at every poll: the others come first.
			if (isLate && !hasRead) state.startWith = wanted[1] ?? index;
			if (isLate || waitMs) return ended(run, failures, waitMs);
		}
	}
	state.startWith = hasRoom(run) ? undefined : wanted.at(-1);
	return ended(run, failures);
}

type Taken = Pick<Read<State>, 'waitMs' | 'failure'>;

/** The poll fails if there is nothing to hand over; else the log says what failed. */
function ended(run: PollRun, failures: readonly Error[], waitMs = 0): Taken {
	const [failure] = failures;
	if (!failure || !run.items.length) return { waitMs, failure };
	const why = [...new Set(failures.map(({ message }) => message))].join(' ');
	warn(run, `passes on ${counted(run.items.length, 'event')}; the next poll continues after them. ${why}`);
	return { waitMs };
}
