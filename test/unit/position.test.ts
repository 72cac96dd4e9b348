/** The position of polling triggers: through any sequence of polls, crashes and discarded polls nothing is lost. */
import fc from 'fast-check';
import { positionAfter } from '../../nodes/HubblePacketPollTrigger/stream';
import { advance, newest, resume, type Stored } from '../../nodes/shared/polling/position';

const PAGE = 3;

/** What can happen around one poll; n8n saves the position, then makes the execution. */
const event = fc.constantFrom(
	'handed over',
	'error',
	'discarded',
	'crash before saving',
	'crash after saving',
	'crash after hand-over',
	'restart',
	'arrival',
);

/** Polls a list of numbers as a trigger does, in an n8n that gives the state anew to each poll. */
function simulate(events: readonly string[], history: number, isAtomic: boolean) {
	let length = history;
	let disk: Stored<number> = {};
	let handOvers: string[] = [];
	let kept: Stored<number> | undefined;
	let names = 0;
	let restarts = 0;
	const delivered: number[] = [];
	const restart = () => {
		handOvers = [];
		kept = undefined;
		restarts++;
	};
	const poll = (outcome: string) => {
		const stored = newest(structuredClone(disk), kept, 'stream');
		const from = resume(stored, 'stream', handOvers) ?? 0;
		if (outcome === 'error') return;
		const packets = Array.from({ length: Math.min(PAGE, length - from) }, (_, index) => from + index);
		const name = packets.length && !isAtomic ? `h${names++}` : undefined;
		const changed = advance(stored, 'stream', from, from + packets.length, name);
		if (name) handOvers = [...handOvers.filter((made) => made === stored.unsure?.handOver), name];
		if (!packets.length && changed) kept = changed;
		// Without items n8n stores nothing.
		if (!packets.length || outcome === 'discarded') return;
		if (outcome === 'crash before saving' || (isAtomic && outcome === 'crash after saving')) return restart();
		if (changed) disk = structuredClone(changed);
		if (outcome === 'crash after saving') return restart();
		delivered.push(...packets);
		if (outcome === 'crash after hand-over') restart();
	};
	for (const what of events) {
		if (what === 'arrival') length += 2;
		else if (what === 'restart') restart();
		else poll(what);
	}
	for (let index = 0; index <= length; index++) poll('handed over');
	return { delivered, length, restarts };
}

it('loses nothing, and repeats at most the last execution for each crash or restart', () => {
	fc.assert(
		fc.property(fc.array(event, { maxLength: 60 }), fc.nat(20), (events, history) => {
			const { delivered, length, restarts } = simulate(events, history, false);
			expect([...new Set(delivered)].sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, index) => index));
			expect(delivered.length - length).toBeLessThanOrEqual(restarts * PAGE);
		}),
		{ numRuns: 2000 },
	);
});

it('repeats nothing where n8n stores the position with the execution', () => {
	fc.assert(
		fc.property(fc.array(event, { maxLength: 60 }), fc.nat(20), (events, history) => {
			const { delivered, length } = simulate(events, history, true);
			expect(delivered).toEqual(Array.from({ length }, (_, index) => index));
		}),
		{ numRuns: 1000 },
	);
});

it('begins anew when the stream is another one', () => {
	const stored: Stored<number> = { stream: 'a', revision: 1, next: 1 };
	expect(resume(stored, 'a')).toBe(1);
	expect(resume(stored, 'b')).toBeUndefined();
	expect(resume({}, 'a')).toBeUndefined();
});

it('stores nothing when nothing happened', () => {
	const stored: Stored<number> = { stream: 'a', revision: 4, next: 1 };
	expect(advance(stored, 'a', 1, 1)).toBeUndefined();
	expect(advance(stored, 'b', 1, 1)).toMatchObject({ stream: 'b', revision: 5 });
	expect(advance(stored, 'a', 1, 1, undefined, true)).toMatchObject({ isAtomic: true, revision: 5 });
	expect(advance({}, 'a', 1, 1)).toEqual({ stream: 'a', revision: 1, next: 1, isAtomic: false, unsure: undefined });
});

it('keeps the position before a hand-over until a poll of its process has nothing to hand over', () => {
	const handedOver = advance({}, 'a', 3, 5, 'h1') ?? {};
	expect(handedOver).toMatchObject({ next: 5, unsure: { from: 3, handOver: 'h1' } });
	for (const next of [5, 6]) {
		const certain = advance(handedOver, 'a', 5, next) ?? {};
		expect([certain.next, certain.unsure, certain.revision]).toEqual([next, undefined, 2]);
		expect(resume(certain, 'a')).toBe(next);
	}
});

it('takes what the process kept only when it is newer and of the same stream', () => {
	const given: Stored<number> = { stream: 'a', revision: 4, next: 1 };
	const newer: Stored<number> = { stream: 'a', revision: 5, next: 2 };
	expect(newest(given, newer, 'a')).toBe(newer);
	expect(newest(given, newer, 'b')).toBe(given);
	expect(newest(newer, given, 'a')).toBe(newer);
	expect(newest(given, { ...given }, 'a')).toBe(given);
	expect(newest(given, undefined, 'a')).toBe(given);
});

it("takes another process's hand-over for its own never, whatever its revision", () => {
	const elsewhere: Stored<number> = { stream: 'a', revision: 6, next: 9, unsure: { from: 3, handOver: 'theirs' } };
	expect(resume(elsewhere, 'a', ['ours'])).toBe(3);
	expect(resume(elsewhere, 'a', ['theirs'])).toBe(9);
});

const NOW = 2000;

it('knows what it read without a token until that has come again, over pages with tokens', () => {
	const first = { start: 1000, seen: ['a', 'b', 'c', 'd'] };
	const second = positionAfter(first, 't1', [], NOW, ['a', 'b']);
	expect(second).toEqual({ token: 't1', start: 1000, seen: ['c', 'd'] });
	expect(positionAfter(second, 't2', [{ key: 'e', time: 1100 }], NOW, ['c', 'd'])).toEqual({
		token: 't2',
		start: 1040,
	});
});

it('goes on by time where Hubble gives no token, a minute earlier, and knows what it read last', () => {
	const rows = [
		{ key: 'a', time: 1010.1 },
		{ key: 'b', time: 1111.9 },
	];
	const first = positionAfter({ start: 1000 }, undefined, rows, NOW);
	expect(first).toEqual({ start: 1000, seen: ['a', 'b'] });
	expect(positionAfter(first, undefined, [], NOW)).toEqual(first);
	expect(positionAfter(first, undefined, [{ key: 'c', time: 1112 }], NOW)).toEqual({
		start: 1052,
		seen: ['a', 'b', 'c'],
	});
	expect(positionAfter(first, 'token', rows, NOW)).toEqual({ token: 'token', start: 1000, seen: ['a', 'b'] });
	expect(positionAfter({ start: 1000 }, 'token', [], NOW)).toEqual({ token: 'token', start: 1000 });
});

it('believes no packet that says it is of later, and goes back for none that came late', () => {
	expect(positionAfter({ start: 1000 }, 'token', [{ key: 'a', time: 9e9 }], NOW)).toEqual({
		token: 'token',
		start: NOW - 60,
	});
	expect(positionAfter({ start: 1000 }, 'token', [{ key: 'a', time: 5 }], NOW)).toEqual({
		token: 'token',
		start: 1000,
	});
});

it('goes by the middle of a page: neither a clock that is ahead nor a late upload moves it', () => {
	const at = (...times: number[]) => times.map((time, index) => ({ key: String(index), time }));
	expect(positionAfter({ start: 1000 }, 'token', at(1200, 1201, 1202, 1999, 3), NOW)).toEqual({
		token: 'token',
		start: 1141,
	});
});

it('keeps as many keys as a page has', () => {
	const rows = Array.from({ length: 700 }, (_, index) => ({ key: String(index), time: 1500 }));
	const twice = positionAfter(positionAfter({ start: 1000 }, undefined, rows, NOW), undefined, rows, NOW);
	expect(twice.seen).toHaveLength(1000);
	expect(twice.seen?.slice(-700)).toEqual(rows.map(({ key }) => key));
});

it('goes on by time where a token leads to itself and gives packets; at the head of the stream it may', () => {
	const rows = [{ key: 'one', time: 1000 }];
	expect(positionAfter({ token: 'same', start: 900 }, 'same', rows, 2000)).toEqual({ start: 940, seen: ['one'] });
	expect(positionAfter({ token: 'same', start: 900 }, 'same', [], 2000)).toEqual({ token: 'same', start: 900 });
	const again = positionAfter({ token: 'same', start: 900, seen: ['one'] }, 'same', [], 2000, ['one']);
	expect(again).toEqual({ start: 900, seen: ['one'] });
	expect(positionAfter({ token: 'same', start: 900 }, 'next', rows, 2000)).toEqual({ token: 'next', start: 940 });
});
