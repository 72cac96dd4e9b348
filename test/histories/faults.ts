/**
 * Faults that are put into a copy of the code on purpose, each with the seed of a history that finds it: proof that the
 * histories would notice.
 */
import type { Kind } from './histories';
import type { Patch } from './shipped';

export interface Fault extends Patch {
	name: string;
	kind: Kind;
	/** A history that finds it: `npm run test:histories -- --faults` says which. */
	seed: number;
	/** The promise that is broken, by a part of its words. */
	breaks: string;
}

const PACKETS = 'HubblePacketPollTrigger/poll';
const POLL = 'shared/polling/poll';

export const FAULTS: readonly Fault[] = [
	{
		name: "the position is counted by n8n's clock",
		kind: 'packets',
		seed: 13,
		breaks: 'in the future',
		file: PACKETS,
		from: 'const now = Math.floor(hubble.now());\n\tconst received',
		to: 'const now = Math.floor(Date.now() / 1000);\n\tconst received',
	},
	{
		name: 'the time of a page is that of its new packets alone',
		kind: 'packets',
		seed: 2140,
		breaks: 'lost',
		file: PACKETS,
		from: 'packets.map(({ packet }) => heardAt(packet))',
		to: 'fresh.map(({ packet }) => heardAt(packet))',
	},
	{
		name: 'what n8n stores with an execution is forgotten when a workflow is published anew',
		kind: 'packets',
		seed: 431,
		breaks: 'after a restart',
		file: POLL,
		from: 'memory.isAtomic ||= storesPositionWithExecution(context, staticData, false);',
		to: '',
	},
	{
		name: 'a poll without a budget is uncertain where another process, or a poll that n8n threw away, was before',
		kind: 'packets',
		seed: 32,
		breaks: 'after a restart',
		file: POLL,
		from: 'stored.isAtomic === true && stored.revision !== made?.revision',
		to: 'false',
	},
	{
		name: 'what packets say moves the time beside a token',
		kind: 'packets',
		seed: 9,
		breaks: 'lost',
		file: 'HubblePacketPollTrigger/stream',
		from: 'startAt(now) : position.start;',
		to: 'startAt(now) : startAt(received);',
	},
	{
		name: 'the position before a hand-over is not gone back to',
		kind: 'packets',
		seed: 399,
		breaks: 'lost',
		file: 'shared/polling/position',
		from: 'return unsure && !ours.includes(unsure.handOver) ? unsure.from : next;',
		to: 'return next;',
	},
	{
		name: 'a process does not know its own hand-over',
		kind: 'packets',
		seed: 7,
		breaks: 'comes again',
		file: POLL,
		from: 'resume(stored, stream, memory.handOvers)',
		to: 'resume(stored, stream)',
	},
	{
		name: 'a save that comes late is not waited for',
		kind: 'packets',
		seed: 32,
		breaks: 'comes again',
		file: POLL,
		from: 'if (made && (stored.revision ?? 0) < made.revision && begun - made.at < COMMIT_MS) return null;',
		to: '',
	},
	{
		name: 'a poll that n8n throws away counts',
		kind: 'packets',
		seed: 10,
		breaks: 'lost',
		file: POLL,
		from: 'if (changed && !(isHandedOver && mayDiscardPolls(context))) memory.kept = changed;',
		to: 'if (changed) memory.kept = changed;',
	},
	{
		name: 'a token that is refused in the middle is not gone past',
		kind: 'packets',
		seed: 1,
		breaks: 'catch up',
		file: POLL,
		from: 'if (hasBegun || !call.continuationToken || !isUnknown) throw unchanged(error);',
		to: 'throw unchanged(error);',
	},
	{
		name: 'a refused token is followed by what comes from now on',
		kind: 'packets',
		seed: 1,
		breaks: 'lost',
		file: POLL,
		from: '{ ...call, continuationToken: undefined }',
		to: '{ ...call, continuationToken: undefined, query: { start: Math.floor(hubble.now()) } }',
	},
	{
		name: 'a token that leads in a circle is followed',
		kind: 'packets',
		seed: 33,
		breaks: 'catch up',
		file: 'HubblePacketPollTrigger/stream',
		from: 'if (token && (isHead || token !== position.token))',
		to: 'if (token)',
	},
	{
		name: 'the rate limit is not waited for',
		kind: 'packets',
		seed: 13,
		breaks: 'faster',
		file: 'shared/client/client',
		from: 'if (wait === 0) {',
		to: 'if (wait >= 0) {',
	},
	{
		name: 'the time of a poll has no end',
		kind: 'packets',
		seed: 4,
		breaks: 'ends in its time',
		file: POLL,
		from: 'begin + Math.min(pollBudgetMs(context) ?? LONGEST_POLL_MS, LONGEST_POLL_MS)',
		to: 'begin + 3 * LONGEST_POLL_MS',
	},
	{
		name: 'a delivery counts as taken when it arrives',
		kind: 'deliveries',
		seed: 7,
		breaks: 'lost',
		file: 'shared/webhook/deliveryLog',
		from: "{ outcome: 'running', since: performance.now() }",
		to: "{ outcome: 'accepted', since: performance.now() }",
	},
	{
		name: 'a failed run counts as taken',
		kind: 'deliveries',
		seed: 2,
		breaks: 'lost',
		file: 'shared/webhook/deliveryLog',
		from: 'if (isSuccess) deliveries.set',
		to: 'if (isSuccess || answer.statusCode === 500) deliveries.set',
	},
	{
		name: 'a delivery that was taken is forgotten',
		kind: 'deliveries',
		seed: 1,
		breaks: 'run again',
		file: 'shared/webhook/deliveryLog',
		from: 'if (isSuccess) deliveries.set',
		to: 'if (Math.random() < 0) deliveries.set',
	},
	{
		name: 'what cannot be verified starts a run',
		kind: 'deliveries',
		seed: 1,
		breaks: 'forged',
		file: 'shared/webhook/receive',
		from: 'if (!source.verify(delivery, secrets))',
		to: 'if (!secrets.length)',
	},
	{
		name: 'registrations that Hubble still writes are passed over',
		kind: 'devices',
		seed: 9,
		breaks: 'registration is lost',
		file: 'HubbleDeviceTrigger/events',
		from: 'const SETTLE_S = 30;',
		to: 'const SETTLE_S = 0;',
	},
	{
		name: 'a silence counts from the first poll that has time for it',
		kind: 'devices',
		seed: 101,
		breaks: 'silence is lost',
		file: 'HubbleDeviceTrigger/poll',
		from: 'for (const index of wanted) STEPS[index]?.begin?.(run);\n\tfor (const index of wanted) {',
		to: 'for (const index of wanted) {\n\t\tSTEPS[index]?.begin?.(run);',
	},
	{
		name: "silence is counted by n8n's clock",
		kind: 'devices',
		seed: 5,
		breaks: 'future',
		file: 'HubbleDeviceTrigger/poll',
		from: 'now: Math.floor(hubble.now()),',
		to: 'now: Math.floor(Date.now() / 1000),',
	},
];
