/** Several processes with a rate limiter each against one bucket at Hubble, by a clock that only jumps. */
import fc from 'fast-check';
import { RATE_LIMITS } from '../../nodes/shared/client/endpoints';
import { newRateLimiter, recordResponse, recordStart, slotWait } from '../../nodes/shared/client/rateLimiter';
import { retryDelay } from '../../nodes/shared/client/retry';
import { newSharing, recordAcceptance, recordRefusal, shareOf } from '../../nodes/shared/client/sharing';

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
function dice(seed: number) {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** What is to happen when; the clock jumps from one to the next. */
function schedule() {
	const events: Array<{ at: number; run: () => void }> = [];
	const clock = {
		now: 0,
		in: (ms: number, run: () => void) => {
			const at = clock.now + ms;
			let [low, high] = [0, events.length];
			while (low < high) {
				const middle = (low + high) >> 1;
				if ((events[middle]?.at as number) > at) low = middle + 1;
				else high = middle;
			}
			events.splice(low, 0, { at, run });
		},
		run: (untilMs: number) => {
			for (let event = events.pop(); event && event.at <= untilMs; event = events.pop()) {
				clock.now = event.at;
				event.run();
			}
		},
	};
	return clock;
}

interface Load {
	processes: number;
	seconds: number;
	/** How long a reply takes, and requests of one process that may be on their way at once. */
	latencyMs: number;
	streams: number;
	seed: number;
	/** Until when a process works, in seconds. */
	until?: (process: number) => number;
}

/** Lets processes read pages, one after the other in each stream. @returns when Hubble took which request, and the refusals */
function simulate({ processes, seconds, latencyMs, streams, seed, until = () => Infinity }: Load) {
	const random = dice(seed);
	const clock = schedule();
	const bucket = { level: 0, seen: 0 };
	const taken: Array<{ at: number; process: number }> = [];
	let refused = 0;
	let failed = 0;

	/** The bucket of the simulator: `undefined` when it takes the request, else Retry-After in milliseconds. */
	const offer = (process: number) => {
		bucket.level = Math.max(0, bucket.level - ((clock.now - bucket.seen) / 1000) * RATE_LIMITS.endpoint);
		bucket.seen = clock.now;
		const wait = (bucket.level + 1 - RATE_LIMITS.endpoint) / RATE_LIMITS.endpoint;
		if (wait > 0) {
			refused += 1;
			return Math.max(1, Math.ceil(wait)) * 1000;
		}
		bucket.level += 1;
		taken.push({ at: clock.now, process });
		return undefined;
	};

	for (let process = 0; process < processes; process++) {
		const limiter = newRateLimiter();
		const page = () => {
			if (clock.now < until(process) * 1000) attempt(1);
		};
		const attempt = (tries: number) => {
			const wait = slotWait(limiter, 'packets', clock.now);
			if (wait > 0) return clock.in(Math.ceil(wait) + random(), () => attempt(tries));
			const startedAt = clock.now;
			recordStart(limiter, 'packets', startedAt);
			clock.in(1 + 4 * random(), () => {
				const retryAfterMs = offer(process);
				clock.in(latencyMs + 10 * random(), () => {
					const tooMany = retryAfterMs !== undefined;
					recordResponse(limiter, 'packets', { tooMany, startedAt, retryAfterMs }, clock.now, random());
					if (!tooMany) return clock.in(20 + 30 * random(), page);
					const waitMs = retryDelay(tries, 'GET', { status: 429, retryAfterMs }, random());
					if (waitMs === undefined) failed += 1;
					clock.in(waitMs ?? 0, waitMs === undefined ? page : () => attempt(tries + 1));
				});
			});
		};
		const begin = 2000 * random();
		for (let stream = 0; stream < streams; stream++) clock.in(begin + stream, page);
	}
	clock.run(seconds * 1000);
	return {
		used: taken.length / (seconds * RATE_LIMITS.endpoint),
		refused: refused / (taken.length + refused),
		failed,
		taken,
	};
}

const mean = (numbers: number[]) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
const runs = (load: Omit<Load, 'seed'>, count = 10) =>
	Array.from({ length: count }, (_, seed) => simulate({ ...load, seed: seed + 1 }));

describe('Processes that share a bucket', () => {
	it.each([
		['one page after the other', { latencyMs: 120, streams: 1 }],
		['in windows', { latencyMs: 1000, streams: 4 }],
	])('four, %s: use it up, and few requests meet a 429', (_, load) => {
		const results = runs({ processes: 4, seconds: 900, ...load });
		expect(mean(results.map(({ used }) => used))).toBeGreaterThanOrEqual(0.93);
		expect(mean(results.map(({ refused }) => refused))).toBeLessThanOrEqual(0.03);
		expect(results.map(({ failed }) => failed)).toEqual(results.map(() => 0));
	});

	it('two and three do as well', () => {
		for (const processes of [2, 3]) {
			const results = runs({ processes, seconds: 600, latencyMs: 120, streams: 1 });
			expect(mean(results.map(({ used }) => used))).toBeGreaterThanOrEqual(0.9);
			expect(mean(results.map(({ refused }) => refused))).toBeLessThanOrEqual(0.03);
		}
	});

	it('none is left with next to nothing', () => {
		for (const { taken } of runs({ processes: 4, seconds: 900, latencyMs: 120, streams: 1 })) {
			const counts = [0, 1, 2, 3].map((wanted) => taken.filter(({ process }) => process === wanted).length);
			expect(Math.min(...counts)).toBeGreaterThan(Math.max(...counts) / 3);
		}
	});

	it('one alone never meets a 429 and is as fast as Hubble allows', () => {
		for (const load of [
			{ latencyMs: 120, streams: 1 },
			{ latencyMs: 1000, streams: 4 },
		]) {
			const { used, refused } = simulate({ processes: 1, seconds: 300, seed: 1, ...load });
			expect(refused).toBe(0);
			expect(used).toBeGreaterThan(0.98);
		}
	});

	it('one that stays alone takes what the others leave, within minutes', () => {
		const alone = runs({
			processes: 4,
			seconds: 900,
			latencyMs: 120,
			streams: 1,
			until: (process) => (process ? 300 : Infinity),
		});
		for (const { taken } of alone) {
			expect(taken.filter(({ at }) => at > 840_000).length / 60).toBeGreaterThan(0.98 * RATE_LIMITS.endpoint);
		}
	});
});

describe('The guess how many share a bucket', () => {
	it('is one until a 429 comes, and goes up and down by one, but at first from one to two to four', () => {
		const reply = fc.record({
			isRefused: fc.boolean(),
			after: fc.nat(100_000),
			random: fc.double({ min: 0, max: 0.99 }),
		});
		fc.assert(
			fc.property(fc.array(reply, { maxLength: 200 }), (replies) => {
				const sharing = newSharing(0);
				let now = 0;
				for (const { isRefused, after, random } of replies) {
					now += after;
					const { users, isNew } = sharing;
					if (isRefused) recordRefusal(sharing, now, now, random);
					else recordAcceptance(sharing, now, random);
					expect(Math.abs(sharing.users - users)).toBeLessThanOrEqual(isNew && users === 2 ? 2 : 1);
					expect(isRefused ? sharing.users >= users : sharing.users <= users).toBe(true);
					expect(sharing.users).toBeGreaterThanOrEqual(1);
					expect(sharing.users).toBeLessThanOrEqual(16);
					expect(shareOf(sharing)).toBeLessThanOrEqual(1 / sharing.users);
				}
			}),
		);
	});

	it('does not count requests that were on the way when it changed', () => {
		const sharing = newSharing(0);
		recordRefusal(sharing, 100, 1100, 0.5);
		for (let request = 0; request < 5; request++) recordRefusal(sharing, 1000, 1500, 0.5);
		expect(sharing.users).toBe(2);
	});

	it('takes back a trial that meets a 429, and waits longer for the next one', () => {
		const sharing = newSharing(0);
		recordRefusal(sharing, 0, 0, 0.5);
		recordAcceptance(sharing, 20_001, 0.5);
		expect(sharing).toMatchObject({ users: 1, isTrial: true });
		expect(shareOf(sharing)).toBe(1);
		recordRefusal(sharing, 20_100, 20_200, 0.5);
		expect(sharing).toMatchObject({ users: 2, isTrial: false });
		recordAcceptance(sharing, 80_200, 0.5);
		expect(sharing.users).toBe(2);
		recordAcceptance(sharing, 80_201, 0.5);
		expect(sharing).toMatchObject({ users: 1, isTrial: true });
		recordAcceptance(sharing, 90_000, 0.5);
		expect(sharing).toMatchObject({ users: 1, isTrial: false });
	});
});
