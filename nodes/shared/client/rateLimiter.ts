/**
 * When may the next request start? Pure policy: state in, milliseconds out; the caller owns the clock.
 *
 * Hubble's limits are leaky buckets of 3 requests/s for one endpoint and 15/s for one organization (API
 * definition, "Rate Limits"). A bucket here stays below Hubble's own by two rules: at most `limit` starts in any
 * second, and never two starts closer than half of their fair distance. The first rule lets a run that a
 * slow reply delayed catch up; the second leaves the bucket room for requests that the network bunches.
 */

/** Requests per second that Hubble allows (API definition, "Rate Limits"). */
export const LIMITS = { endpoint: 3, organization: 15 } as const;

/** How long one answer may hold a bucket: Hubble's `Retry-After` ends at 300 s (API definition). */
const LONGEST_HOLD_MS = 300_000;
const SMALLEST_SHARE = 1 / 16;
const SHARE_REGAINED_PER_REPLY = 1 / 32;

/** The recent past of one bucket. Times are milliseconds on one monotonic clock. */
export interface Bucket {
	limit: number;
	/** The most that `limit` may be: what Hubble allows unless it says less. */
	allowed: number;
	/** The last `limit` starts, oldest first. */
	starts: number[];
	/** No start before this time: Hubble asked for a pause. */
	heldUntil: number;
	/** The part of the limit that we allow ourselves: below 1 while somebody else uses the bucket too. */
	share: number;
}

/** All buckets of one organization: its own, and one for each endpoint that was called. */
export interface RateLimiter {
	/** The limit of a new bucket. */
	perSecond: number;
	organization: Bucket;
	endpoints: Map<string, Bucket>;
}

/** What a reply says about the bucket; `undefined` where it says nothing. */
export interface RateHeaders {
	tooMany: boolean;
	/** `Retry-After`, in milliseconds. */
	retryAfterMs?: number;
	/** `X-RateLimit-Limit`, in requests a second. */
	limit?: number;
	/** `X-RateLimit-Remaining`. */
	remaining?: number;
	/** Milliseconds until `X-RateLimit-Reset`. */
	resetMs?: number;
}

function newBucket(limit: number): Bucket {
	return { limit, allowed: limit, starts: [], heldUntil: 0, share: 1 };
}

/**
 * The rate limiter of an organization that was not called yet.
 * @param perSecond requests to one endpoint in a second, where Hubble agreed to other limits
 */
export function newRateLimiter(perSecond: number = LIMITS.endpoint): RateLimiter {
	const organization = newBucket((perSecond * LIMITS.organization) / LIMITS.endpoint);
	return { perSecond, organization, endpoints: new Map() };
}

function bucketOf(limiter: RateLimiter, endpoint: string): Bucket {
	let bucket = limiter.endpoints.get(endpoint);
	if (!bucket) limiter.endpoints.set(endpoint, (bucket = newBucket(limiter.perSecond)));
	return bucket;
}

function bucketWait({ limit, starts, heldUntil, share }: Bucket, now: number): number {
	const windowMs = 1000 / share;
	const last = starts.at(-1) ?? -Infinity;
	const oldest = starts.at(-limit) ?? -Infinity;
	// Beside another user of the bucket nothing is caught up: starts are evenly spread.
	const gapMs = windowMs / (share < 1 ? limit : 2 * limit);
	return Math.max(0, heldUntil - now, last + gapMs - now, oldest + windowMs - now);
}

/** Milliseconds until a request to `endpoint` may start; 0 means now. */
export function slotWait(limiter: RateLimiter, endpoint: string, now: number): number {
	return Math.max(bucketWait(limiter.organization, now), bucketWait(bucketOf(limiter, endpoint), now));
}

/** Requests a second that may now go to `endpoint`. */
export function rateOf(limiter: RateLimiter, endpoint: string): number {
	const { limit, share } = bucketOf(limiter, endpoint);
	return limit * share;
}

/** Notes that a request to `endpoint` starts now. */
export function recordStart(limiter: RateLimiter, endpoint: string, now: number): void {
	for (const bucket of [limiter.organization, bucketOf(limiter, endpoint)]) {
		bucket.starts.push(now);
		if (bucket.starts.length > bucket.limit) bucket.starts.shift();
	}
}

/**
 * Takes in what a reply says. A 429 means that somebody else (another process, another tool) uses the
 * same bucket: the bucket halves its share and gains it back slowly, which ends at a fair division.
 */
export function recordResponse(limiter: RateLimiter, endpoint: string, headers: RateHeaders, now: number): void {
	const bucket = bucketOf(limiter, endpoint);
	const holdFor = (ms: number) => {
		bucket.heldUntil = Math.max(bucket.heldUntil, now + Math.min(ms, LONGEST_HOLD_MS));
	};
	if (headers.limit !== undefined && headers.limit >= 1) {
		bucket.limit = Math.min(bucket.allowed, Math.floor(headers.limit));
	}
	if (headers.remaining === 0 && headers.resetMs !== undefined) holdFor(headers.resetMs);
	if (headers.tooMany) {
		bucket.share = Math.max(SMALLEST_SHARE, bucket.share / 2);
		holdFor(headers.retryAfterMs ?? 0);
	} else {
		bucket.share = Math.min(1, bucket.share + SHARE_REGAINED_PER_REPLY);
	}
}
