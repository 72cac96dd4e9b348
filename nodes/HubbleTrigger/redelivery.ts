/**
 * Which deliveries were accepted before. Hubble delivers at least once: what it had no answer for comes again.
 *
 * A delivery is remembered as accepted only when n8n has taken it over, never when it merely arrived, or the
 * retry of one that failed would be swallowed. Two places tell:
 * - the static data of the workflow. Where n8n answers at once, it saves them when the execution exists, and
 *   only then, so a delivery may write itself into them beforehand. They outlive a restart.
 * - the answer itself: `running` holds the response of each delivery that is not answered yet. Where n8n
 *   answers when the workflow has finished, it saves static data after a failed run too, so there the answer
 *   alone decides, and a delivery gets into the static data with the one after it.
 */
import { createHash } from 'node:crypto';

/** How much is remembered: Hubble repeats a delivery for three hours at most. */
const MOST = 1000;
const SECONDS = 24 * 3600;
/** A mark is 72 bits of a digest in Base64, followed by the Unix second in base 36: 18 characters, 18 kB in all. */
const DIGEST = 12;
const MARK = DIGEST + 6;

/** What n8n answers with; Express fills it in also when the sender has gone meanwhile. */
export interface Answer {
	writableEnded: boolean;
	statusCode: number;
}

export interface Memory {
	/** Digest → Unix second, oldest first. */
	accepted: Map<string, number>;
	running: Map<string, Answer>;
	/** The text of the static data as last read. */
	read: string;
}

const memories = new Map<string, Memory>();

/** The digest of what makes a delivery itself. */
export const digestOf = (content: Buffer | string) =>
	createHash('sha256').update(content).digest('base64').slice(0, DIGEST);

/** Unix seconds. */
const clock = () => Math.floor(Date.now() / 1000);

const isFresh = (second: number) => second > clock() - SECONDS;

/** What this process remembers of a node, brought up to date with `saved`, the text from its static data. */
export function recall(node: string, saved: string): Memory {
	const memory = memories.get(node) ?? { accepted: new Map<string, number>(), running: new Map<string, Answer>(), read: '' };
	memories.set(node, memory);
	const { accepted, running } = memory;
	if (saved !== memory.read) {
		for (let at = 0; at + MARK <= saved.length; at += MARK) {
			accepted.set(saved.slice(at, at + DIGEST), parseInt(saved.slice(at + DIGEST, at + MARK), 36));
		}
		memory.read = saved;
	}
	for (const [digest, { writableEnded, statusCode }] of running) {
		if (!writableEnded) continue;
		running.delete(digest);
		if (statusCode >= 200 && statusCode < 300) accepted.set(digest, clock());
	}
	return memory;
}

/** What became of the same delivery before; `undefined` when there was none. */
export function seen({ accepted, running }: Memory, digest: string): 'accepted' | 'running' | undefined {
	if (isFresh(accepted.get(digest) ?? 0)) return 'accepted';
	return running.has(digest) ? 'running' : undefined;
}

/** The text for the static data: all that was accepted, and `own`, the delivery that n8n is about to take over. */
export function toText(memory: Memory, own?: string): string {
	const kept = [...memory.accepted].filter(([, second]) => isFresh(second)).slice(1 - MOST);
	if (kept.length < memory.accepted.size) memory.accepted = new Map(kept);
	const marks = own === undefined ? kept : [...kept, [own, clock()] as const];
	return marks.map(([digest, second]) => digest + second.toString(36).padStart(MARK - DIGEST, '0')).join('');
}
