/**
 * Which deliveries were accepted before. Hubble delivers at least once: what it had no answer for comes again.
 * A delivery counts as accepted when n8n has taken it over (`acknowledge.ts` tells when), never when it merely
 * arrived, or the retry of one that failed would be swallowed. The static data carry the log across a restart.
 */
import { hash } from 'node:crypto';
import { newProcessState } from './processState';

/** What counts as a repeat. Times are in minutes. */
export interface RepeatPolicy {
	/** How long an accepted delivery is remembered. */
	window: number;
	/** To how many minutes its time is rounded down: marks of one time are written together. */
	resolution: number;
	/** Whether only the latest delivery of a subject is remembered, so that A, B, A is three events. */
	latestOnly?: true;
}

/** Hubble repeats a delivery of packets for three hours at most. */
export const packetRepeats: RepeatPolicy = { window: 24 * 60, resolution: 60 };

/** How many deliveries are remembered. */
const MOST = 1000;
/**
 * How many of them, the latest, the static data carry to another process, or across a restart: what comes again then
 * is what had no answer just before. n8n reads the static data several times for each delivery, forged ones too, and
 * writes them for most, so their text is kept short: 3 kB, or 5 kB where each has a minute of its own.
 */
const MOST_SAVED = 300;
/**
 * A mark is 60 bits of digests in Base64; marks of one time follow its minute in base 36, and times are parted by
 * a dot.
 */
const MARK = 10;
/** How much of a mark tells the subject, where it has one. */
const SUBJECT = 4;
const MINUTE = 5;
/**
 * After how many minutes without an answer a delivery is not waited for any longer: in queue mode n8n may never give
 * one (docs/operations.md), and until then every retry is refused. Hubble gave it up long before.
 */
const LONGEST_RUN = 15;
/** How many texts of the static data are cached: deliveries that run side by side read older ones. */
const KNOWN = 8;

/** What n8n answers with; Express fills it in also when the sender has gone meanwhile. */
export interface Answer {
	writableEnded: boolean;
	statusCode: number;
	json(body?: unknown): unknown;
}

export interface Memory {
	policy: RepeatPolicy;
	/** Mark → Unix minute, the oldest first. */
	accepted: Map<string, number>;
	/** The deliveries that are not answered yet. */
	running: Map<string, { answer: Answer; since: number }>;
	/** The texts of the static data as last read or written: they say nothing new. */
	known: string[];
	/** When n8n was last asked to save it, whether it did or not, by the clock of `performance.now()`. */
	askedAt: number;
}

/** What this process remembers, by node. */
const memories = newProcessState<Memory>(({ running }) =>
	[...running.values()].some(({ answer }) => !answer.writableEnded),
);

/** Unix minutes. */
const clock = () => Math.floor(Date.now() / 60_000);

/** Also a text that is not ours may hold what looks like a time. */
const isFresh = ({ window, resolution }: RepeatPolicy, minute: number, now = clock()) =>
	minute > now - window - resolution && minute <= now + 60;

const digest = (content: Buffer | string, length: number) => hash('sha256', content, 'base64').slice(0, length);

/** The mark of what makes a delivery itself. */
export const markOf = (content: Buffer | string) => digest(content, MARK);

/** The mark of an event of a subject: such marks of one subject begin alike. */
export const markOfEvent = (subject: string, content: Buffer | string) =>
	digest(subject, SUBJECT) + digest(content, MARK - SUBJECT);

/** Notes a delivery as accepted. */
export function accept({ accepted, policy }: Memory, mark: string, minute = clock()): void {
	if (policy.latestOnly) {
		for (const other of accepted.keys()) {
			if (other.startsWith(mark.slice(0, SUBJECT))) accepted.delete(other);
		}
	}
	// At the end, also when an older time of it was still there: the latest are saved.
	accepted.delete(mark);
	accepted.set(mark, minute - (minute % policy.resolution));
}

/** The answers of the deliveries under way tell which of them n8n took over. */
function settle(memory: Memory): void {
	for (const [mark, { answer, since }] of memory.running) {
		if (!answer.writableEnded && clock() - since <= LONGEST_RUN) continue;
		memory.running.delete(mark);
		if (answer.writableEnded && answer.statusCode >= 200 && answer.statusCode < 300) accept(memory, mark, since);
	}
}

/** Notes a delivery that n8n is about to take over; `answer` will tell whether it did. */
export const begin = ({ running }: Memory, mark: string, answer: Answer) =>
	void running.set(mark, { answer, since: clock() });

/** Remembers a text of the static data, so that it is not read again. */
export function know(memory: Memory, text: string): string {
	memory.known = [...memory.known.slice(1 - KNOWN), text];
	return text;
}

/** Adds what another process accepted. Of two events of a subject in one minute nobody knows the latest: both go. */
function merge({ accepted, policy }: Memory, mark: string, minute: number): void {
	if (!policy.latestOnly) {
		accepted.set(mark, minute);
		return;
	}
	const others = [...accepted].filter(([other]) => other !== mark && other.startsWith(mark.slice(0, SUBJECT)));
	if (others.some(([, other]) => other > minute)) return;
	for (const [other] of others) accepted.delete(other);
	if (others.some(([, other]) => other === minute)) accepted.delete(mark);
	else accepted.set(mark, minute);
}

/** What is remembered of a node, brought up to date with `saved`, the text in its static data. */
export function recall(node: string, saved: unknown, policy: RepeatPolicy): Memory {
	const memory = memories.get(node) ?? {
		policy,
		accepted: new Map<string, number>(),
		running: new Map<string, { answer: Answer; since: number }>(),
		known: [''],
		askedAt: -Infinity,
	};
	memory.policy = policy;
	memories.set(node, memory);
	if (typeof saved === 'string' && !memory.known.includes(saved)) {
		for (const marks of know(memory, saved).split('.')) {
			const minute = parseInt(marks.slice(0, MINUTE), 36);
			if (!isFresh(policy, minute)) continue;
			for (let at = MINUTE; at < marks.length; at += MARK) merge(memory, marks.slice(at, at + MARK), minute);
		}
		// The oldest first again: what came in stands behind.
		memory.accepted = new Map([...memory.accepted].sort(([, a], [, b]) => a - b));
	}
	settle(memory);
	return memory;
}

/** What became of the same delivery before; `undefined` when there was none. */
export function seen({ accepted, running, policy }: Memory, mark: string): 'accepted' | 'running' | undefined {
	if (isFresh(policy, accepted.get(mark) ?? 0)) return 'accepted';
	return running.has(mark) ? 'running' : undefined;
}

/**
 * The latest deliveries that were accepted, as text for the static data.
 * @param taken the mark of one that this save accepts: later than those that were answered before
 */
export function toText(memory: Memory, taken?: string): string {
	settle(memory);
	if (taken) accept(memory, taken);
	const { accepted, policy } = memory;
	const now = clock();
	for (const [mark, minute] of accepted) {
		if (accepted.size <= MOST && isFresh(policy, minute, now)) break;
		accepted.delete(mark);
	}
	let [text, last, left] = ['', NaN, accepted.size];
	for (const [mark, minute] of accepted) {
		if (left-- > MOST_SAVED) continue;
		if (minute !== last) text += (text && '.') + minute.toString(36).padStart(MINUTE, '0');
		text += mark;
		last = minute;
	}
	return text;
}
