/** The position of polling triggers: through any sequence of polls, crashes and discarded polls nothing is lost. */
import fc from 'fast-check';
import { positionAfter, receivedBy, type PageRead } from '../../nodes/HubblePacketPollTrigger/stream';
import { advance, newest, resume, type Stored } from '../../nodes/shared/polling/position';
import { OUTCOMES, pollsOf } from './polledNode';

const PAGE = 3;

const event = fc.constantFrom(...OUTCOMES, 'arrival');

/** Polls a list of numbers, to its end. */
async function simulate(events: readonly string[], history: number, isAtomic: boolean) {
	let length = history;
	const read = async (from: number) => {
		const next = Math.min(from + PAGE, length);
		return { next, items: Array.from({ length: next - from }, (_, index) => ({ json: { at: from + index } })) };
	};
	const { all, pollOnce } = pollsOf({ stream: 'stream', start: 0, read }, isAtomic);
	for (const what of events) {
		if (what === 'arrival') length += 2;
		else await pollOnce(what);
	}
	// Two polls more than the rest needs: after a crash the last items come again.
	for (let left = length + 2 * PAGE; left > 0; left -= PAGE) await pollOnce('handed over');
	return { delivered: all.delivered.map(({ at }) => Number(at)), length, repeatable: all.repeatable };
}

it('P5, P6: loses nothing, and repeats at most the last execution for each crash or restart', async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(event, { maxLength: 60, size: 'max' }), fc.nat(20), async (events, history) => {
			const { delivered, length, repeatable } = await simulate(events, history, false);
			expect([...new Set(delivered)].sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, index) => index));
			expect(delivered.length - length).toBeLessThanOrEqual(repeatable);
		}),
		{ numRuns: 2000 },
	);
});

it('P6: repeats nothing where n8n stores the position with the execution', async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(event, { maxLength: 60, size: 'max' }), fc.nat(20), async (events, history) => {
			const { delivered, length } = await simulate(events, history, true);
			expect(delivered).toEqual(Array.from({ length }, (_, index) => index));
		}),
		{ numRuns: 1000 },
	);
});

it('begins anew when the stream is another one', () => {
	const stored: Stored<number> = { stream: 'a', revision: 1, next: 1 };
	expect(resume(stored, 'a', [])).toBe(1);
	expect(resume(stored, 'b', [])).toBeUndefined();
	expect(resume({}, 'a', [])).toBeUndefined();
});

it('stores nothing when nothing happened', () => {
	const stored: Stored<number> = { stream: 'a', revision: 4, next: 1 };
	expect(advance(stored, 'a', 1, 1, undefined, false)).toBeUndefined();
	expect(advance(stored, 'b', 1, 1, undefined, false)).toMatchObject({ stream: 'b', revision: 5 });
	expect(advance(stored, 'a', 1, 1, undefined, true)).toMatchObject({ isAtomic: true, revision: 5 });
	const first = { stream: 'a', revision: 1, next: 1, isAtomic: false, unsure: undefined };
	expect(advance({}, 'a', 1, 1, undefined, false)).toEqual(first);
});

it('keeps the position before a hand-over until a poll of its process has nothing to hand over', () => {
	const handedOver = advance({}, 'a', 3, 5, 'h1', false) ?? {};
	expect(handedOver).toMatchObject({ next: 5, unsure: { from: 3, handOver: 'h1' } });
	for (const next of [5, 6]) {
		const certain = advance(handedOver, 'a', 5, next, undefined, false) ?? {};
		expect([certain.next, certain.unsure, certain.revision]).toEqual([next, undefined, 2]);
		expect(resume(certain, 'a', [])).toBe(next);
	}
});

it('takes what the process kept only when it is newer and of the same stream', () => {
	const given: Stored<number> = { stream: 'a', revision: 4, next: 1 };
	const newer: Stored<number> = { stream: 'a', revision: 5, next: 2 };
	expect(newest(given, newer, 'a', 4)).toBe(newer);
	expect(newest(given, newer, 'b', 4)).toBe(given);
	expect(newest(newer, given, 'a', 4)).toBe(newer);
	expect(newest(given, { ...given }, 'a', 4)).toBe(given);
	expect(newest(given, undefined, 'a', 0)).toBe(given);
});

it('takes what another process stored after the state on which the kept one was built', () => {
	const kept: Stored<number> = { stream: 'a', revision: 16, next: 2, by: 'this one' };
	const given = { stream: 'a', revision: 12, next: 1 };
	for (const by of ['another', undefined]) {
		expect(newest({ ...given, by }, kept, 'a', 11)).toEqual({ ...given, by });
		expect(newest({ ...given, by }, kept, 'a', 12)).toBe(kept);
	}
	expect(newest({ ...given, by: 'this one' }, kept, 'a', 11)).toBe(kept);
	expect(newest({ next: 1 }, kept, 'a', 0)).toBe(kept);
});

it("takes another process's hand-over for its own never, whatever its revision", () => {
	const elsewhere: Stored<number> = { stream: 'a', revision: 6, next: 9, unsure: { from: 3, handOver: 'theirs' } };
	expect(resume(elsewhere, 'a', ['ours'])).toBe(3);
	expect(resume(elsewhere, 'a', ['theirs'])).toBe(9);
});

const NOW = 2000;

/** A page that is not empty, unless the test says so. */
const page = (given: Partial<PageRead>): PageRead => ({
	isHead: false,
	fresh: [],
	again: [],
	received: 1500,
	now: NOW,
	...given,
});
const head = (token?: string) => page({ isHead: true, token });

it('knows what it read without a token until that has come again, over pages with tokens', () => {
	const first = { start: 1000, seen: ['a', 'b', 'c', 'd'] };
	const second = positionAfter(first, page({ token: 't1', again: ['a', 'b'] }));
	expect(second).toEqual({ token: 't1', start: 1000, seen: ['c', 'd'] });
	expect(positionAfter(second, page({ token: 't2', fresh: ['e'] })).seen).toEqual(['c', 'd']);
	const third = positionAfter(second, page({ token: 't2', fresh: ['e'], again: ['c', 'd'] }));
	expect(third).toEqual({ token: 't2', start: 1000 });
	const flood = page({ token: 't1', again: Array<string>(200_000).fill('b') });
	expect(positionAfter(first, flood)).toEqual(second);
});

it('goes on by time where Hubble gives no token, a minute earlier, and knows what it read last', () => {
	const first = positionAfter({ start: 1000 }, page({ fresh: ['a', 'b'], received: 1010 }));
	expect(first).toEqual({ start: 1000, seen: ['a', 'b'] });
	const second = positionAfter(first, page({ fresh: ['c'], received: 1112 }));
	expect(second).toEqual({ start: 1052, seen: ['a', 'b', 'c'] });
	expect(positionAfter(second, head())).toEqual({ start: NOW - 60, seen: ['a', 'b', 'c'] });
});

it("moves its time by Hubble's clock, at the head of the stream alone", () => {
	const first = positionAfter({ start: 1000 }, page({ token: 't1', fresh: ['a'], received: 1900 }));
	expect(first).toEqual({ token: 't1', start: 1000 });
	expect(positionAfter(first, head())).toEqual({ token: 't1', start: NOW - 60 });
	expect(positionAfter(first, head('t2'))).toEqual({ token: 't2', start: NOW - 60 });
	// Nor does it go back.
	expect(positionAfter({ start: NOW }, head('t2'))).toEqual({ token: 't2', start: NOW });
});

it('takes a page of which no packet can be read for no end of the stream', () => {
	expect(positionAfter({ start: 1000 }, page({ token: 't1' }))).toEqual({ token: 't1', start: 1000 });
	expect(positionAfter({ token: 't1', start: 1000 }, page({ token: 't1' }))).toEqual({ start: 1440, seen: [] });
});

it('takes the middle of a page for when it was received: neither a clock that is ahead nor a late upload moves it', () => {
	expect(receivedBy([1200, 1201.9, 1202, 1999, 3], 1000, NOW)).toBe(1201);
	expect(receivedBy([9e9], 1000, NOW)).toBe(NOW);
	expect(receivedBy([5], 1000, NOW)).toBe(1000);
	expect(receivedBy([], 1000, NOW)).toBe(1000);
});

it('keeps as many keys as a page has', () => {
	const rows = page({ fresh: Array.from({ length: 700 }, (_, index) => String(index)) });
	const twice = positionAfter(positionAfter({ start: 1000 }, rows), rows);
	expect(twice.seen).toHaveLength(1000);
	expect(twice.seen?.slice(-700)).toEqual(rows.fresh);
});

it('goes on by time where a token leads to itself and gives packets; at the head of the stream it may', () => {
	const at = { token: 'same', start: 900 };
	const one = page({ token: 'same', fresh: ['one'], received: 1000 });
	expect(positionAfter(at, one)).toEqual({ start: 940, seen: ['one'] });
	expect(positionAfter(at, head('same'))).toEqual({ token: 'same', start: NOW - 60 });
	const again = page({ token: 'same', again: ['one'], received: 900 });
	expect(positionAfter({ ...at, seen: ['one'] }, again)).toEqual({ start: 900, seen: ['one'] });
	expect(positionAfter(at, { ...one, token: 'next' })).toEqual({ token: 'next', start: 900 });
});
