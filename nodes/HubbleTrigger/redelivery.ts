/**
 * Which deliveries were accepted before. Hubble delivers at least once: what it had no answer for comes again.
 *
 * A delivery counts as accepted when n8n has taken it over, never when it merely arrived, or the retry of one
 * that failed would be swallowed. Two moments tell:
 * - where n8n answers at once, it saves the static data when the execution exists, and only then;
 * - where n8n answers when the workflow has finished, it saves them after a failed run too, so there the
 *   answer alone tells. `running` holds the response of each delivery that is not answered yet.
 *
 * The static data carry all that across a restart. n8n saves them whole and only with a delivery, so an
 * acceptance that the answer told is saved with the next one.
 */
import { hash } from 'node:crypto';
import { sleep, type IDataObject } from 'n8n-workflow';

/** How much is remembered: Hubble repeats a delivery for three hours at most. */
const MOST = 1000;
const HOURS = 24;
/**
 * A mark is 60 bits of a digest in Base64; marks of one hour follow its number in base 36, and hours are parted by
 * a dot. n8n reads and writes the static data several times for each delivery, so the text is kept short: 10 kB.
 */
const DIGEST = 10;
const HOUR = 5;
/** How many texts of the static data are known by heart: deliveries that run side by side read older ones. */
const KNOWN = 8;

/** What n8n answers with; Express fills it in also when the sender has gone meanwhile. */
export interface Answer {
	writableEnded: boolean;
	statusCode: number;
}

export interface Memory {
	/** Digest → Unix hour, the oldest first. */
	accepted: Map<string, number>;
	running: Map<string, Answer>;
	/** The texts of the static data as last read or written: they say nothing new. */
	known: string[];
}

/** What this process remembers, by node. */
const memories = new Map<string, Memory>();

/** Unix hours. */
const clock = () => Math.floor(Date.now() / 3_600_000);

/** Also a text that is not ours may hold what looks like an hour. */
const isFresh = (hour: number, now = clock()) => hour >= now - HOURS && hour <= now + 1;

/** The digest of what makes a delivery itself. */
export const digestOf = (content: Buffer | string) => hash('sha256', content, 'base64').slice(0, DIGEST);

function settle({ accepted, running }: Memory): void {
	for (const [digest, { writableEnded, statusCode }] of running) {
		if (!writableEnded) continue;
		running.delete(digest);
		if (statusCode >= 200 && statusCode < 300) accepted.set(digest, clock());
	}
}

function know(memory: Memory, text: string): string {
	memory.known = [...memory.known.slice(1 - KNOWN), text];
	return text;
}

/** What is remembered of a node, brought up to date with `saved`, the text in its static data. */
export function recall(node: string, saved: unknown): Memory {
	const memory = memories.get(node) ?? {
		accepted: new Map<string, number>(),
		running: new Map<string, Answer>(),
		known: [''],
	};
	memories.set(node, memory);
	if (typeof saved === 'string' && !memory.known.includes(saved)) {
		for (const marks of know(memory, saved).split('.')) {
			const hour = parseInt(marks.slice(0, HOUR), 36);
			for (let at = HOUR; at < marks.length; at += DIGEST) memory.accepted.set(marks.slice(at, at + DIGEST), hour);
		}
	}
	settle(memory);
	return memory;
}

/** What became of the same delivery before; `undefined` when there was none. */
export function seen({ accepted, running }: Memory, digest: string): 'accepted' | 'running' | undefined {
	if (isFresh(accepted.get(digest) ?? 0)) return 'accepted';
	return running.has(digest) ? 'running' : undefined;
}

/** All that was accepted, as text for the static data. */
export function toText(memory: Memory): string {
	settle(memory);
	const { accepted } = memory;
	const now = clock();
	let [text, last] = ['', NaN];
	for (const [digest, hour] of accepted) {
		if (accepted.size > MOST || !isFresh(hour, now)) {
			accepted.delete(digest);
			continue;
		}
		if (hour !== last) text += (text && '.') + hour.toString(36).padStart(HOUR, '0');
		text += digest;
		last = hour;
	}
	return text;
}

/**
 * What lies in the static data until n8n saves them, and is text from then on. To be serialized is the sign that
 * n8n took the delivery over: `LiveWebhooks` saves when `executeWebhook` has called back without an error. Where
 * n8n answers at once, that is when the execution was created, hence the side effect.
 */
function acceptedWhenSaved(memory: Memory, digest: string, isAtOnce: boolean): string {
	const text = {
		/** Called by the JSON.stringify of n8n's save, so no delivery accepted meanwhile is left out. */
		toJSON() {
			if (isAtOnce) memory.accepted.set(digest, clock());
			return know(memory, toText(memory));
		},
	};
	return text as unknown as string;
}

/**
 * Follows a delivery that n8n is about to take over.
 * @param isAtOnce whether n8n answers before the workflow has finished
 */
export async function follow(
	memory: Memory,
	digest: string,
	answer: Answer,
	isAtOnce: boolean,
	data: IDataObject,
): Promise<void> {
	memory.running.set(digest, answer);
	const text = acceptedWhenSaved(memory, digest, isAtOnce);
	// Each assignment tells n8n that the static data changed. Once would do, but n8n 2 forgets it while it creates
	// the execution. It ends with the answer, which comes after the save, or after a second: whoever waits longer
	// waits for the end of the workflow, and that the answer tells.
	for (let ms = 1; ms < 1000 && !answer.writableEnded; ms *= 2) {
		data.accepted = text;
		await sleep(ms);
	}
}
