/** A poll of the device trigger in its course, over a list of devices in memory: with any marks, and any room left. */
import type { INode } from 'n8n-workflow';
import { openMarks } from '../../nodes/HubbleDeviceTrigger/marks';
import type { PollRun } from '../../nodes/HubbleDeviceTrigger/reading';
import type { EventName, Settings } from '../../nodes/HubbleDeviceTrigger/settings';
import type { Fleet, Request } from '../integration/fleet';

interface Course extends Partial<Omit<PollRun, 'settings'>> {
	settings?: Partial<Settings>;
	/** Unix seconds. */
	now: number;
	events: EventName[];
}

/** @returns the poll, what it asks Hubble, what it warns of, and which events it has by now */
export function runOf({ options: { request } }: Fleet, { now, events, settings = {}, ...more }: Course) {
	const asked: Array<Request['qs']> = [];
	const warnings: string[] = [];
	const context = {
		getNode: () => ({ name: 'Watch' }) as INode,
		getTimezone: () => 'Asia/Kolkata',
		logger: { warn: (line: string) => warnings.push(line) },
	};
	const send = async ({ query, continuationToken: token }: { query: Request['qs']; continuationToken?: string }) => {
		asked.push(query);
		const headers = token === undefined ? {} : { 'Continuation-Token': token };
		const reply = await request('', { url: '', qs: query, headers } as Request);
		return { ...reply, body: JSON.parse(String(reply.body)) as unknown };
	};
	const run = {
		context,
		hubble: { context, send },
		settings: {
			events: new Set(events),
			silence: 3600,
			devices: 'all',
			matches: () => true,
			most: 1000,
			simplify: true,
			...settings,
		},
		budget: { endStep: () => true },
		now,
		begun: now,
		ahead: {},
		state: {},
		...openMarks({}),
		areas: [],
		items: [],
		pagesLeft: 30,
		...more,
	} as unknown as PollRun;
	return { run, asked, warnings, keys: () => run.items.map(({ json }) => String(json.eventKey)) };
}
