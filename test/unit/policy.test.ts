/* eslint-disable @n8n/community-nodes/no-restricted-imports -- looks at listeners */
/** Pure policy: when a request may start, when it is worth another try. */
import { getEventListeners } from 'node:events';
import * as fc from 'fast-check';
import type { IDataObject, IHttpRequestOptions } from 'n8n-workflow';
import { connect, type Context } from '../../nodes/shared/client/client';
import { settingsOf } from '../../nodes/shared/client/credential';
import { RATE_LIMITS } from '../../nodes/shared/client/endpoints';
import {
	newRateLimiter,
	rateLimiterOf,
	rateOf,
	recordResponse,
	recordStart,
	slotWait,
	waitersOf,
	type RateLimiter,
} from '../../nodes/shared/client/rateLimiter';
import { retryDelay, TRIES } from '../../nodes/shared/client/retry';
import { abortableSleep } from '../../nodes/shared/n8n';
import { virtualTime } from '../integration/virtualTime';

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
		expect(busiestSecond(times)).toBe(RATE_LIMITS.endpoint);
		expect(times.at(-1)).toBeLessThan(59_000 / RATE_LIMITS.endpoint);
	});

	it('starts fifteen requests a second at one organization', () => {
		const times = startTimes(150, (index) => `endpoint ${index % 10}`);
		expect(busiestSecond(times)).toBe(RATE_LIMITS.organization);
		expect(times.at(-1)).toBeLessThan(149_000 / RATE_LIMITS.organization);
	});

	it('leaves the bucket room for requests that the network delays', () => {
		expect(
			highestLevel(
				startTimes(60, () => 'packets'),
				RATE_LIMITS.endpoint,
			),
		).toBeLessThanOrEqual(2.01);
	});

	it('P13: never exceeds a limit, however long replies take', () => {
		fc.assert(
			fc.property(fc.array(fc.nat(1500), { minLength: 5, maxLength: 60, size: 'max' }), (delays) => {
				const pace = newRateLimiter();
				let now = 0;
				const times = delays.map((delay) => {
					now += slotWait(pace, 'packets', now);
					recordStart(pace, 'packets', now);
					const time = now;
					now += delay;
					return time;
				});
				return (
					busiestSecond(times) <= RATE_LIMITS.endpoint &&
					highestLevel(times, RATE_LIMITS.endpoint) <= RATE_LIMITS.endpoint
				);
			}),
		);
	});

	it('sends what came last behind what waits, though its place is free by then', async () => {
		const sent: unknown[] = [];
		const hubble = await connect({
			getNode: () => ({ name: 'Reader' }),
			getCredentials: async () => ({
				baseUrl: 'https://in.turn',
				organizationId: '323e4567-e89b-12d3-a456-426614174000',
				apiToken: 't',
			}),
			helpers: {
				async httpRequestWithAuthentication(_: string, { qs }: IHttpRequestOptions) {
					sent.push(qs?.turn);
					return { statusCode: 200, headers: {}, body: { turn: qs?.turn } };
				},
			},
		} as unknown as Context);
		const send = async (turn: number) =>
			await hubble.send({ endpoint: { method: 'GET', path: '/v1/x' }, query: { turn } });
		const waiting = [1, 2, 3, 4].map(send);
		virtualTime.ahead += 10_000;
		await Promise.all([...waiting, send(5)]);
		expect(sent).toEqual([1, 2, 3, 4, 5]);
	});

	it('lets those who wait go in the order in which they came, and what is urgent at once', () => {
		const limiter = newRateLimiter();
		const [first, second] = [{}, {}];
		const waiters = waitersOf(limiter, 'packets').add(first).add(second);
		expect(slotWait(limiter, 'packets', 0, { waiter: second })).toBeGreaterThan(0);
		expect(slotWait(limiter, 'packets', 0, { waiter: second, isUrgent: true })).toBe(0);
		expect(slotWait(limiter, 'packets', 0, { waiter: first })).toBe(0);
		waiters.delete(first);
		expect(slotWait(limiter, 'packets', 0, { waiter: second })).toBe(0);
	});

	it('lets polls and others alternate, and of polls first the one whose node had no turn for longest', () => {
		const limiter = newRateLimiter();
		const early = { turnAt: 1 };
		const [late, alike] = [{ turnAt: 2 }, { turnAt: 2 }];
		const [first, second] = [{}, {}];
		const waiters = waitersOf(limiter, 'packets');
		const order: object[] = [];
		for (const waiter of [late, alike, first, early, second, {}]) waiters.add(waiter);
		for (let now = 0; waiters.size; now += 1000) {
			const next = [...waiters].filter((waiter) => slotWait(limiter, 'packets', now, { waiter }) === 0);
			expect(next).toHaveLength(1);
			for (const waiter of next) {
				recordStart(limiter, 'packets', now, waiter);
				waiters.delete(waiter);
				order.push(waiter);
			}
		}
		expect(order.slice(0, 5).map((waiter) => [early, first, late, second, alike].indexOf(waiter))).toEqual([
			0, 1, 2, 3, 4,
		]);
	});

	it('lets what is urgent go in spite of a pause and of others, as fast as Hubble allows', () => {
		const limiter = newRateLimiter();
		recordStart(limiter, 'packets', 0);
		recordResponse(limiter, 'packets', { tooMany: true, startedAt: 0, retryAfterMs: 5000 }, 0, 0);
		expect(slotWait(limiter, 'packets', 200)).toBe(4800);
		expect(slotWait(limiter, 'packets', 200, { isUrgent: true })).toBe(0);
		expect(slotWait(limiter, 'packets', 100, { isUrgent: true })).toBeCloseTo(1000 / (2 * RATE_LIMITS.endpoint) - 100);
	});

	it('tells the rate that is ours beside others', () => {
		const limiter = newRateLimiter();
		expect(rateOf(limiter, 'packets', 0)).toBe(RATE_LIMITS.endpoint);
		recordStart(limiter, 'packets', 0);
		expect(rateOf(limiter, 'packets', 0)).toBe(RATE_LIMITS.endpoint);
		recordResponse(limiter, 'packets', { tooMany: true, startedAt: 0 }, 0, 0);
		expect(rateOf(limiter, 'packets', 0)).toBeLessThan(RATE_LIMITS.endpoint / 2);
	});

	it('obeys the longest pause that Hubble asked for, five minutes at most, and none that it need not', () => {
		const limiter = newRateLimiter();
		const hear = (more: object, now = 0) =>
			recordResponse(limiter, 'packets', { tooMany: false, startedAt: 0, ...more }, now, 0);
		for (const none of [{ remaining: 1, resetMs: 1500 }, { remaining: 0 }]) {
			hear(none);
			expect(slotWait(limiter, 'packets', 0)).toBe(0);
		}
		hear({ remaining: 0, resetMs: 3_600_000 });
		expect(slotWait(limiter, 'packets', 0)).toBe(300_000);
		hear({ remaining: 0, resetMs: 10 });
		expect(slotWait(limiter, 'packets', 0)).toBe(300_000);
	});

	it('slows down after a 429 and comes back to full speed', () => {
		const pace = newRateLimiter();
		recordStart(pace, 'packets', 0);
		recordResponse(pace, 'packets', { tooMany: true, startedAt: 0, retryAfterMs: 2000 }, 0, 0.5);
		const slow = startTimes(10, () => 'packets', pace);
		expect(slow[0]).toBeCloseTo(2000 + 0.5 * (1000 / RATE_LIMITS.endpoint));
		expect(busiestSecond(slow)).toBeLessThan(RATE_LIMITS.endpoint);
		const now = 90_000;
		expect(slotWait(pace, 'packets', now)).toBe(0);
		recordStart(pace, 'packets', now);
		expect(slotWait(pace, 'packets', now)).toBeCloseTo(1000 / (2 * RATE_LIMITS.endpoint));
	});

	it('holds one endpoint until X-RateLimit-Reset when nothing remains, and leaves the others alone', () => {
		const pace = newRateLimiter();
		recordResponse(pace, 'packets', { tooMany: false, startedAt: 0, remaining: 0, resetMs: 1500 }, 100, 0);
		expect(slotWait(pace, 'packets', 100)).toBe(1500);
		expect(slotWait(pace, 'devices', 100)).toBe(0);
	});

	it('obeys a lower X-RateLimit-Limit and never a higher one', () => {
		const lower = newRateLimiter();
		recordResponse(lower, 'packets', { tooMany: false, startedAt: 0, limit: 1 }, 0, 0);
		expect(busiestSecond(startTimes(5, () => 'packets', lower))).toBe(1);
		// A part of a request says nothing that could be kept to.
		for (const limit of [2.9, 0.5]) {
			recordResponse(lower, 'packets', { tooMany: false, startedAt: 0, limit }, 0, 0);
			expect(rateOf(lower, 'packets', 0)).toBe(2);
		}
		const higher = newRateLimiter();
		recordResponse(higher, 'packets', { tooMany: false, startedAt: 0, limit: 100 }, 0, 0);
		expect(busiestSecond(startTimes(30, () => 'packets', higher))).toBe(RATE_LIMITS.endpoint);
	});

	it.each([0.5, 0.1, 1, 2.5, 3, 10])(
		'starts %d requests a second at one endpoint where the credential says so',
		(rate) => {
			const limiter = newRateLimiter(0, rate);
			const times = startTimes(100, () => 'packets', limiter);
			expect((times.at(-1) as number) / 1000).toBeGreaterThanOrEqual((100 - Math.max(1, rate)) / rate - 1e-6);
			expect((times.at(-1) as number) / 1000).toBeLessThanOrEqual(99 / rate + 1e-6);
			const organization = newRateLimiter(0, rate);
			const ofAll = startTimes(100, (index) => `endpoint ${index}`, organization);
			expect((ofAll.at(-1) as number) / 1000).toBeLessThanOrEqual(99 / (5 * rate) + 1e-6);
		},
	);

	it('is one for an organization, and keeps only those that were used of late', () => {
		const limiters = new Map<string, RateLimiter>();
		const first = rateLimiterOf(limiters, 'api.hubble.com 0', 0);
		expect(rateLimiterOf(limiters, 'api.hubble.com 0', 1)).toBe(first);
		let waiting: RateLimiter | undefined;
		for (let index = 0; index < 5000; index++) {
			const now = index * 10_000;
			const limiter = rateLimiterOf(limiters, `api.hubble.com ${index}`, now);
			recordStart(limiter, 'packets', now);
			recordStart(first, 'devices', now);
			expect(rateLimiterOf(limiters, 'waits for its turn', now)).toBe((waiting ??= limiters.get('waits for its turn')));
		}
		// First is used all the time, the others are idle after ten minutes.
		expect(limiters.get('api.hubble.com 0')).toBe(first);
		expect(limiters.size).toBeLessThanOrEqual(63);
		expect(first.organization.starts).toHaveLength(RATE_LIMITS.organization);
	});

	it('is the same for all credentials of an organization at its host', async () => {
		const organizationId = '123e4567-e89b-12d3-a456-426614174000';
		const limiterOf = async (credential: IDataObject) => {
			const given = { apiToken: 'a', organizationId, baseUrl: 'https://api.hubble.com', ...credential };
			return (await connect({ getCredentials: async () => given } as unknown as Context)).service.rateLimiter;
		};
		const limiter = await limiterOf({});
		expect(await limiterOf({ apiToken: 'b', requestsPerSecond: 0.5, apiPaths: 'versioned' })).toBe(limiter);
		expect(await limiterOf({ baseUrl: ' API.hubble.com/api/ ' })).toBe(limiter);
		expect(await limiterOf({ baseUrl: 'https://sandbox.hubble.com' })).not.toBe(limiter);
		expect(await limiterOf({ organizationId: organizationId.replace('1', '2') })).not.toBe(limiter);
	});

	it('does not forget a pause that Hubble asked for', () => {
		const limiter = newRateLimiter();
		recordStart(limiter, 'packets', 0);
		recordResponse(limiter, 'packets', { tooMany: true, startedAt: 0, retryAfterMs: 300_000 }, 0, 0);
		recordStart(limiter, 'devices', 299_000);
		expect(slotWait(limiter, 'packets', 299_000)).toBe(1000);
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

	it('P20: never repeats a POST that may have happened', () => {
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
		expect(delay(1, 'GET', { status: 429, retryAfterMs: 300_000 })).toBe(300_125);
		expect(delay(1, 'GET', { status: 429, retryAfterMs: 300_001 })).toBeUndefined();
		expect(delay(5, 'GET', { status: 429, retryAfterMs: 30_000 })).toBeUndefined();
	});

	it('is more patient with 429s that ask for a moment: others use the bucket, too', () => {
		expect(delay(11, 'POST', { status: 429, retryAfterMs: 1000 })).toBe(1125);
		expect(delay(12, 'POST', { status: 429, retryAfterMs: 1000 })).toBeUndefined();
		expect(delay(5, 'GET', { status: 503, retryAfterMs: 1000 })).toBeUndefined();
		expect(delay(5, 'GET', { status: 429, retryAfterMs: 5000 })).toBe(5125);
		expect(delay(5, 'GET', { status: 429, retryAfterMs: 5001 })).toBeUndefined();
		expect(delay(11, 'GET', { status: 429, retryAfterMs: 0 })).toBe(125);
		expect(delay(12, 'GET', { status: 429, retryAfterMs: 0 })).toBeUndefined();
		expect(delay(5, 'GET', { status: 429 })).toBeUndefined();
	});

	it('tries again after codes that only end like those', () => {
		expect(delay(1, 'GET', { code: 'TOO_MANY_CERT_REQUESTS' })).toBe(1000);
	});

	it.each([
		'ENOTFOUND',
		'CERT_HAS_EXPIRED',
		'DEPTH_ZERO_SELF_SIGNED_CERT',
		'SELF_SIGNED_CERT_IN_CHAIN',
		'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
		'ERR_INVALID_URL',
		'ERR_TLS_CERT_ALTNAME_INVALID',
	])('does not repeat what it cannot mend: %s', (code) => {
		expect(delay(1, 'GET', { code })).toBeUndefined();
	});
});

describe('The credential', () => {
	const good = { apiToken: 'a', organizationId: '123e4567-e89b-12d3-a456-426614174000', baseUrl: 'api.hubble.com' };

	it.each([
		[{ baseUrl: 'https://api.hubble.com?api_key=SECRET' }, 'Base URL'],
		[{ baseUrl: 'https://api.hubble.com#SECRET' }, 'Base URL'],
		[{ baseUrl: 'https://user:SECRET@api.hubble.com' }, 'Base URL'],
		[{ baseUrl: 'ftp://api.hubble.com/SECRET' }, 'Base URL'],
		[{ baseUrl: 'https://SECRET token' }, 'Base URL'],
		[{ organizationId: 'SECRET' }, 'Organization ID'],
		[{ apiToken: 'SECRET token' }, 'API Token'],
		[{ requestsPerSecond: -1 }, 'Requests per Second'],
		[{ requestsPerSecond: 'SECRET' }, 'Requests per Second'],
	])('%j is refused by the name of the field, and not quoted', (given, field) => {
		const read = () => settingsOf({ ...good, ...given });
		expect(read).toThrow(`The ${field} in the Hubble credential`);
		expect(read).not.toThrow(/SECRET/);
	});

	it.each([
		[undefined, 3],
		[0, 3],
		['', 3],
		[0.5, 0.5],
		['10', 10],
	])('paces by %p: %d requests a second', (given, rate) => {
		expect(settingsOf({ ...good, requestsPerSecond: given }).perSecond).toBe(rate);
	});
});

it('leaves nobody listening to a stopped execution once a wait is over', async () => {
	virtualTime.isReal = true;
	const { signal } = new AbortController();
	await Promise.all(Array.from({ length: 9 }, async () => await abortableSleep(1, signal)));
	expect(getEventListeners(signal, 'abort')).toEqual([]);
	const stopped = new AbortController();
	const wait = abortableSleep(60_000, stopped.signal);
	stopped.abort();
	await expect(wait).rejects.toThrow();
	await expect(abortableSleep(60_000, stopped.signal)).rejects.toThrow();
});
