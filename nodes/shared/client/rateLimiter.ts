/**
 * When may the next request start? Pure policy: state in, milliseconds out; the caller owns the clock.
 *
 * Hubble's limits are leaky buckets of 3 requests/s for one endpoint and 15/s for one organization (API
 * definition, "Rate Limits"). A bucket here stays below Hubble's own by two rules: at most `limit` starts in any
 * second, and never two starts closer than half of their fair distance. The first rule lets a run that a
 * slow reply delayed catch up; the second leaves the bucket room for requests that the network bunches.
 */
import { LONGEST_RETRY_AFTER_MS, RATE_LIMITS } from './endpoints';
import { newSharing, recordTooMany, shareOf, type Sharing } from './sharing';

/** After this long without use, an entry holds nothing that matters: Hubble asks for no longer pause. */
const IDLE_MS = 2 * LONGEST_RETRY_AFTER_MS;

interface Waiter {
	/** For a poll: when its node last had a turn. `undefined` for any other caller. */
	turnAt?: number;
	/** Requests a second that its credential allows. */
	perSecond?: number;
}

/** The recent past of one bucket. Times are milliseconds on one monotonic clock. */
interface Bucket {
	/** How many times the rate of one endpoint it takes. */
	factor: number;
	/** The limit from `X-RateLimit-Limit`, in requests a second; `Infinity` until a reply names it. */
	advertised: number;
	/** The last starts, oldest first, as many as the limit allows in a second. */
	starts: number[];
	/** No start before this time: Hubble asked for a pause. */
	heldUntil: number;
	/** Estimated use of the bucket by other processes. */
	sharing: Sharing;
	/** Callers in this process that wait for it, in order of arrival. */
	waiters: Set<Waiter>;
	/** Whether the last start was a poll's. */
	wasPoll: boolean;
}

/** All buckets of one organization: its own, and one for each endpoint that was called. */
export interface RateLimiter {
	/** Requests a second to one endpoint, by the credential that called last, or the slowest of those that wait. */
	perSecond: number;
	organization: Bucket;
	endpoints: Map<string, Bucket>;
	usedAt: number;
}

/** Rate-limit information of a reply; `undefined` where it has none. */
interface RateHeaders {
	tooMany: boolean;
	/** When its request started. */
	startedAt: number;
	/** `Retry-After`, in milliseconds. */
	retryAfterMs?: number;
	/** `X-RateLimit-Limit`, in requests a second. */
	limit?: number;
	/** `X-RateLimit-Remaining`. */
	remaining?: number;
	/** Milliseconds until `X-RateLimit-Reset`. */
	resetMs?: number;
}

const newBucket = (factor = 1): Bucket => ({
	factor,
	advertised: Infinity,
	starts: [],
	heldUntil: 0,
	sharing: newSharing(),
	waiters: new Set(),
	wasPoll: false,
});

/**
 * The rate limiter of an organization that was not called yet.
 * @param perSecond requests to one endpoint in a second, until a credential names its rate
 */
export function newRateLimiter(now = 0, perSecond: number = RATE_LIMITS.endpoint): RateLimiter {
	const organization = newBucket(RATE_LIMITS.organization / RATE_LIMITS.endpoint);
	return { perSecond, organization, endpoints: new Map(), usedAt: now };
}

/** Gets or creates the rate limiter of an organization, whichever credential calls; drops idle ones. */
export function rateLimiterOf(limiters: Map<string, RateLimiter>, organization: string, now: number): RateLimiter {
	const limiter = limiters.get(organization) ?? newRateLimiter(now);
	for (const [name, { usedAt }] of limiters) if (usedAt < now - IDLE_MS) limiters.delete(name);
	limiter.usedAt = now;
	limiters.set(organization, limiter);
	return limiter;
}

function bucketOf({ endpoints }: RateLimiter, endpoint: string): Bucket {
	const bucket = endpoints.get(endpoint) ?? newBucket();
	endpoints.set(endpoint, bucket);
	return bucket;
}

/** Requests a second that a bucket allows, and how many may start at once. */
function limitOf({ perSecond }: RateLimiter, { factor, advertised }: Bucket): { limit: number; depth: number } {
	const limit = Math.min(factor * perSecond, advertised);
	return { limit, depth: Math.max(1, Math.floor(limit)) };
}

function bucketWait(limiter: RateLimiter, bucket: Bucket, now: number, isUrgent: boolean): number {
	const { starts } = bucket;
	const heldUntil = isUrgent ? 0 : bucket.heldUntil;
	const share = isUrgent ? 1 : shareOf(bucket.sharing, now);
	const { limit, depth } = limitOf(limiter, bucket);
	const windowMs = (1000 * depth) / (limit * share);
	const last = starts.at(-1) ?? -Infinity;
	const oldest = starts.at(-depth) ?? -Infinity;
	// If another process uses the bucket, nothing is caught up: starts are evenly spaced.
	const gapMs = windowMs / (share < 1 ? depth : 2 * depth);
	return Math.max(0, heldUntil - now, last + gapMs - now, oldest + windowMs - now);
}

/** The callers that wait for an endpoint, in order of arrival. */
export const waitersOf = (limiter: RateLimiter, endpoint: string): Set<Waiter> => bucketOf(limiter, endpoint).waiters;

/**
 * The next in turn. Polls and other callers alternate, so that many polls take at most half of the limit. First come,
 * first served; among polls, the one whose node has waited longest, because n8n starts them in the same order each
 * time.
 */
function nextOf({ waiters, wasPoll }: Bucket): Waiter | undefined {
	let [poll, other]: Waiter[] = [];
	for (const waiter of waiters) {
		if (waiter.turnAt === undefined) other ??= waiter;
		else if (waiter.turnAt < (poll?.turnAt ?? Infinity)) poll = waiter;
	}
	return wasPoll ? (other ?? poll) : (poll ?? other);
}

/** How soon a caller that is not next checks again, in milliseconds. */
const TURN_MS = 1;

/**
 * Milliseconds until a request to `endpoint` may start; 0 means now.
 * @param waiter stands among `waitersOf`
 * @param isUrgent for the few requests of a hook, which must end within seconds and not be starved by others
 */
export function slotWait(
	limiter: RateLimiter,
	endpoint: string,
	now: number,
	{ waiter, isUrgent = false }: { waiter?: Waiter; isUrgent?: boolean } = {},
): number {
	const bucket = bucketOf(limiter, endpoint);
	const isNext = isUrgent || waiter === nextOf(bucket);
	const waits = [limiter.organization, bucket].map((each) => bucketWait(limiter, each, now, isUrgent));
	return Math.max(isNext ? 0 : TURN_MS, ...waits);
}

/** Requests a second that may now go to `endpoint`. */
export function rateOf(limiter: RateLimiter, endpoint: string, now: number): number {
	const bucket = limiter.endpoints.get(endpoint);
	return bucket ? limitOf(limiter, bucket).limit * shareOf(bucket.sharing, now) : limiter.perSecond;
}

/** Notes that a request to `endpoint` starts now. */
export function recordStart(limiter: RateLimiter, endpoint: string, now: number, waiter?: Waiter): void {
	limiter.usedAt = now;
	for (const bucket of [limiter.organization, bucketOf(limiter, endpoint)]) {
		const { depth } = limitOf(limiter, bucket);
		bucket.wasPoll = waiter?.turnAt !== undefined;
		bucket.starts.push(now);
		while (bucket.starts.length > depth) bucket.starts.shift();
	}
}

/**
 * Updates the bucket from a reply. A 429 means that somebody else (another process, another tool) uses it too.
 * @param random a number from 0 up to 1
 */
export function recordResponse(
	limiter: RateLimiter,
	endpoint: string,
	headers: RateHeaders,
	now: number,
	random: number,
): void {
	const bucket = bucketOf(limiter, endpoint);
	const { sharing } = bucket;
	const holdFor = (ms: number) => {
		bucket.heldUntil = Math.max(bucket.heldUntil, now + Math.min(ms, LONGEST_RETRY_AFTER_MS));
	};
	if (headers.limit !== undefined && headers.limit >= 1) bucket.advertised = Math.floor(headers.limit);
	if (headers.remaining === 0 && headers.resetMs !== undefined) holdFor(headers.resetMs);
	if (!headers.tooMany) return;
	// A random delay: two processes that start at the same time would collide again and again.
	const gapMs = 1000 / (limitOf(limiter, bucket).limit * shareOf(sharing, now));
	holdFor((headers.retryAfterMs ?? 0) + random * gapMs);
	recordTooMany(sharing, headers.startedAt, now);
}
