/** The position of the poll trigger: through any sequence of polls and crashes no packet is lost. */
import fc from 'fast-check';
import {
	advance,
	positionAfter,
	resume,
	type Position,
	type Stored,
} from '../../nodes/HubblePacketPollTrigger/position';

const PAGE = 3;

/** What can happen around one poll; n8n saves the position, then makes the execution. */
const event = fc.constantFrom(
	'handed over',
	'error',
	'crash before saving',
	'crash after saving',
	'crash after hand-over',
	'restart',
	'arrival',
);

it('loses nothing, and repeats at most the last execution for each crash or restart', () => {
	fc.assert(
		fc.property(fc.array(event, { maxLength: 60 }), fc.nat(20), (events, history) => {
			let length = history;
			let disk: Stored = {};
			let stored: Stored = {};
			let emittedFrom: Position | undefined;
			const delivered: number[] = [];
			let restarts = 0;
			const restart = () => {
				stored = structuredClone(disk);
				emittedFrom = undefined;
				restarts++;
			};
			const poll = (outcome: string) => {
				const from = resume(stored, 'stream', 0, emittedFrom);
				const at = Number(from.token ?? from.start);
				const packets = Array.from({ length: Math.min(PAGE, length - at) }, (_, index) => at + index);
				if (outcome === 'error') return;
				const next = packets.length ? { token: String(at + packets.length), start: 0 } : from;
				const changed = advance(stored, 'stream', from, next, packets.length > 0);
				if (changed) stored = changed;
				emittedFrom = packets.length ? from : undefined;
				if (!packets.length) return;
				if (outcome === 'crash before saving') return restart();
				disk = structuredClone(stored);
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
			expect([...new Set(delivered)].sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, index) => index));
			expect(delivered.length - length).toBeLessThanOrEqual(restarts * PAGE);
		}),
		{ numRuns: 2000 },
	);
});

it('begins anew when the stream is another one', () => {
	const stored: Stored = { stream: 'a', next: { token: 't', start: 1 } };
	expect(resume(stored, 'a', 5)).toEqual({ token: 't', start: 1 });
	expect(resume(stored, 'b', 5)).toEqual({ start: 5 });
	expect(resume({}, 'a', 5)).toEqual({ start: 5 });
});

it('stores nothing when nothing happened', () => {
	const at = { token: 't', start: 1 };
	expect(advance({ stream: 'a', next: at }, 'a', at, at, false)).toBeUndefined();
	expect(advance({}, 'a', { start: 1 }, { start: 1 }, false)).toEqual({
		stream: 'a',
		next: { start: 1 },
		unsure: undefined,
	});
});

const NOW = 2000;

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
	expect(positionAfter(first, 'token', rows, NOW)).toEqual({ token: 'token', start: 1000 });
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
