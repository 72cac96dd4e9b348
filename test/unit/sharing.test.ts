/** Several processes with a rate limiter each against one bucket at Hubble, by a clock that only jumps. */
import { RATE_LIMITS } from '../../nodes/shared/client/endpoints';
import { newRateLimiter, recordResponse, recordStart, slotWait } from '../../nodes/shared/client/rateLimiter';
import { retryDelay } from '../../nodes/shared/client/retry';
import { newSharing, recordTooMany, shareOf } from '../../nodes/shared/client/sharing';

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

const pageByPage = { latencyMs: 120, streams: 1 };
const inWindows = { latencyMs: 1000, streams: 4 };
const countsOf = ({ taken }: ReturnType<typeof simulate>, processes: number) =>
	Array.from({ length: processes }, (_, wanted) => taken.filter(({ process }) => process === wanted).length);

describe('Processes that share a bucket', () => {
	it.each([
		['four, one page after the other', { processes: 4, ...pageByPage }, 0.93, 0.03],
		// What is on the way when the first 429 comes meets one, too.
		['four, in windows and at slow replies', { processes: 4, ...inWindows }, 0.93, 0.05],
		['three', { processes: 3, ...pageByPage }, 0.9, 0.02],
		['two', { processes: 2, ...pageByPage }, 0.9, 0.02],
		['eight', { processes: 8, ...pageByPage }, 0.93, 0.18],
	])('%s: use it up, few requests meet a 429, and none fails', (_, load, leastUsed, mostRefused) => {
		const results = runs({ seconds: 600, ...load });
		expect(mean(results.map(({ used }) => used))).toBeGreaterThanOrEqual(leastUsed);
		expect(mean(results.map(({ refused }) => refused))).toBeLessThanOrEqual(mostRefused);
		expect(results.map(({ failed }) => failed)).toEqual(results.map(() => 0));
	});

	it('have equal parts, or at worst one of them half as much as another', () => {
		for (const processes of [2, 3, 4, 8]) {
			for (const result of runs({ processes, seconds: 600, ...pageByPage }, 5)) {
				const counts = countsOf(result, processes);
				expect(Math.min(...counts) / Math.max(...counts)).toBeGreaterThan(0.45);
			}
		}
	});

	it('P13: one alone never meets a 429 and is as fast as Hubble allows', () => {
		for (const load of [pageByPage, inWindows]) {
			const { used, refused } = simulate({ processes: 1, seconds: 300, seed: 1, ...load });
			expect(refused).toBe(0);
			expect(used).toBeGreaterThan(0.98);
		}
	});

	it.each([2, 4, 8])('one of %i that stays alone has the whole limit within 90 seconds', (processes) => {
		const until = (process: number) => (process ? 300 : Infinity);
		for (const { taken } of runs({ processes, seconds: 420, ...pageByPage, until })) {
			const later = taken.filter(({ at }) => at > 390_000);
			expect(later.length / 30).toBeGreaterThan(0.95 * RATE_LIMITS.endpoint);
		}
	});
});

describe('The part that is ours', () => {
	const tooManyAt = (...seconds: number[]) => {
		const sharing = newSharing();
		for (const second of seconds) recordTooMany(sharing, second * 1000, second * 1000);
		return sharing;
	};

	it('is all until a 429 comes, then not quite a half, then a quarter, then a little less each time', () => {
		expect(shareOf(newSharing(), 0)).toBe(1);
		expect(shareOf(tooManyAt(0), 0)).toBe(0.47);
		expect(shareOf(tooManyAt(0, 4), 4000)).toBe(0.235);
		expect(shareOf(tooManyAt(0, 4, 5), 5000)).toBeCloseTo(0.2303, 3);
	});

	it('stays a half when 429s follow before the others had theirs, or a long time after', () => {
		expect(shareOf(tooManyAt(0, 1, 2.9), 3000)).toBeCloseTo(0.47, 3);
		expect(shareOf(tooManyAt(0, 40), 40_000)).toBeGreaterThan(0.46);
	});

	it('is not changed by a request that was on the way at the last 429', () => {
		const sharing = tooManyAt(0, 10);
		recordTooMany(sharing, 9_900, 11_000);
		expect(sharing).toEqual(tooManyAt(0, 10));
	});

	it('is all of it after 87 seconds without a 429, and what it was when that meets one', () => {
		const sharing = tooManyAt(0, 10);
		expect(shareOf(sharing, 96_999)).toBeCloseTo(0.24, 3);
		expect(shareOf(sharing, 97_000)).toBe(1);
		recordTooMany(sharing, 98_000, 98_100);
		expect(shareOf(sharing, 98_100)).toBeCloseTo(0.24, 3);
	});

	it('is forgotten when all of it was ours for a minute', () => {
		expect(shareOf(tooManyAt(0, 10, 150), 150_000)).toBeLessThan(0.3);
		expect(shareOf(tooManyAt(0, 10, 160), 160_000)).toBe(0.47);
	});

	it('never becomes nothing', () => {
		const sharing = tooManyAt(...Array.from({ length: 500 }, (_, second) => second));
		expect(shareOf(sharing, 500_000)).toBeGreaterThanOrEqual(1 / 32);
	});
});
