/** Pure policy: when a request may start, when it is worth another try. */
import * as fc from 'fast-check';
import { recordResponse, LIMITS, newRateLimiter, recordStart, slotWait } from '../../nodes/shared/client/rateLimiter';
import { retryDelay, TRIES } from '../../nodes/shared/client/retry';

/** Lets `count` requests start as early as the pace allows; the clock advances only while they wait. */
function startTimes(count: number, endpointOf: (index: number) => string, pace = newRateLimiter()): number[] {
	let now = 0;
	return Array.from({ length: count }, (_, index) => {
		now += slotWait(pace, endpointOf(index), now);
		recordStart(pace, endpointOf(index), now);
		return now;
	});
}

/** The most starts that any window of one second holds. */
function busiestSecond(times: number[]): number {
	return Math.max(...times.map((from) => times.filter((time) => time >= from && time < from + 1000).length));
}

/** Feeds starts into a leaky bucket as deep as a second, and returns its highest level. */
function highestLevel(times: number[], rate: number): number {
	let [level, highest, last] = [0, 0, 0];
	for (const time of times) {
		level = Math.max(0, level - ((time - last) / 1000) * rate) + 1;
		highest = Math.max(highest, level);
		last = time;
	}
	return highest;
}

describe('Pace', () => {
	it('starts three requests a second at one endpoint, and no fewer', () => {
		const times = startTimes(60, () => 'packets');
		expect(busiestSecond(times)).toBe(LIMITS.endpoint);
		expect(times.at(-1)).toBeLessThan(59_000 / LIMITS.endpoint);
	});

	it('starts fifteen requests a second at one organization', () => {
		const times = startTimes(150, (index) => `endpoint ${index % 10}`);
		expect(busiestSecond(times)).toBe(LIMITS.organization);
		expect(times.at(-1)).toBeLessThan(149_000 / LIMITS.organization);
	});

	it('leaves the bucket room for requests that the network delays', () => {
		expect(
			highestLevel(
				startTimes(60, () => 'packets'),
				LIMITS.endpoint,
			),
		).toBeLessThanOrEqual(2.01);
	});

	it('never exceeds a limit, however long replies take', () => {
		fc.assert(
			fc.property(fc.array(fc.nat(1500), { minLength: 5, maxLength: 60 }), (delays) => {
				const pace = newRateLimiter();
				let now = 0;
				const times = delays.map((delay) => {
					now += slotWait(pace, 'packets', now);
					recordStart(pace, 'packets', now);
					const time = now;
					now += delay;
					return time;
				});
				return busiestSecond(times) <= LIMITS.endpoint && highestLevel(times, LIMITS.endpoint) <= LIMITS.endpoint;
			}),
		);
	});

	it('slows down after a 429 and comes back to full speed', () => {
		const pace = newRateLimiter();
		recordResponse(pace, 'packets', { tooMany: true, retryAfterMs: 2000 }, 0);
		const slow = startTimes(10, () => 'packets', pace);
		expect(slow[0]).toBe(2000);
		expect(busiestSecond(slow)).toBeLessThan(LIMITS.endpoint);
		for (let reply = 0; reply < 16; reply++) recordResponse(pace, 'packets', { tooMany: false }, 30_000);
		const now = 60_000;
		expect(slotWait(pace, 'packets', now)).toBe(0);
		recordStart(pace, 'packets', now);
		expect(slotWait(pace, 'packets', now)).toBeCloseTo(1000 / (2 * LIMITS.endpoint));
	});

	it('holds one endpoint until X-RateLimit-Reset when nothing remains, and leaves the others alone', () => {
		const pace = newRateLimiter();
		recordResponse(pace, 'packets', { tooMany: false, remaining: 0, resetMs: 1500 }, 100);
		expect(slotWait(pace, 'packets', 100)).toBe(1500);
		expect(slotWait(pace, 'devices', 100)).toBe(0);
	});

	it('obeys a lower X-RateLimit-Limit and never a higher one', () => {
		const lower = newRateLimiter();
		recordResponse(lower, 'packets', { tooMany: false, limit: 1 }, 0);
		expect(busiestSecond(startTimes(5, () => 'packets', lower))).toBe(1);
		const higher = newRateLimiter();
		recordResponse(higher, 'packets', { tooMany: false, limit: 100 }, 0);
		expect(busiestSecond(startTimes(30, () => 'packets', higher))).toBe(LIMITS.endpoint);
	});
});

describe('Retry', () => {
	const delay = (attempt: number, method: string, outcome: Parameters<typeof retryDelay>[2]) =>
		retryDelay(attempt, method, outcome, 0.5);

	it.each(['GET', 'POST', 'PATCH', 'DELETE'])('repeats %s after 429', (method) => {
		expect(delay(1, method, { status: 429 })).toBe(1000);
	});

	it.each(['GET', 'PATCH', 'DELETE'])('repeats %s after a server error or without an answer', (method) => {
		expect(delay(1, method, { status: 503 })).toBe(1000);
		expect(delay(2, method, { code: 'ECONNRESET' })).toBe(2000);
	});

	it('never repeats a POST that may have happened', () => {
		expect(delay(1, 'POST', { status: 500 })).toBeUndefined();
		expect(delay(1, 'POST', { code: 'ECONNRESET' })).toBeUndefined();
	});

	it.each([200, 400, 401, 403, 404, 409])('does not repeat after %d', (status) => {
		expect(delay(1, 'GET', { status })).toBeUndefined();
	});

	it('doubles its wait, spread by a quarter, and ends after five tries', () => {
		expect([1, 2, 3, 4, TRIES].map((attempt) => delay(attempt, 'GET', { status: 500 }))).toEqual([
			1000,
			2000,
			4000,
			8000,
			undefined,
		]);
		expect(retryDelay(1, 'GET', { status: 500 }, 0)).toBe(750);
		expect(retryDelay(1, 'GET', { status: 500 }, 0.999)).toBeLessThan(1250);
	});

	it('lets Retry-After win, up to the five minutes that Hubble names', () => {
		expect(delay(1, 'GET', { status: 429, retryAfterMs: 30_000 })).toBe(30_125);
		expect(delay(1, 'GET', { status: 429, retryAfterMs: 301_000 })).toBeUndefined();
	});

	it.each(['ENOTFOUND', 'CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT'])(
		'does not repeat what it cannot mend: %s',
		(code) => {
			expect(delay(1, 'GET', { code })).toBeUndefined();
		},
	);
});
