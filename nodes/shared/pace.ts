/**
 * When may the next request start? Pure policy: state in, milliseconds out; the caller owns the clock.
 *
 * Hubble's limits are leaky buckets of 3 requests/s for one endpoint and 15/s for one organization (API
 * definition, "Rate Limits"). A lane stays below its bucket by two rules: at most `limit` starts in any
 * second, and never two starts closer than half of their fair distance. The first rule lets a run that a
 * slow reply delayed catch up; the second leaves the bucket room for requests that the network bunches.
 */

/** Requests per second that Hubble allows (API definition, "Rate Limits"). */
export const LIMITS = { endpoint: 3, organization: 15 } as const;

/** How long one answer may hold a lane: Hubble's `Retry-After` ends at 300 s (API definition). */
const LONGEST_HOLD_MS = 300_000;
const SMALLEST_SHARE = 1 / 16;
const SHARE_REGAINED_PER_REPLY = 1 / 32;

/** The recent past of one bucket. Times are milliseconds on one monotonic clock. */
export interface Lane {
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

/** All lanes of one organization: its own, and one for each endpoint that was called. */
export interface Pace {
	/** The limit of a new lane. */
	perSecond: number;
	organization: Lane;
	endpoints: Map<string, Lane>;
}

/** What a reply says about the bucket; `undefined` where it says nothing. */
export interface RateNotice {
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

function newLane(limit: number): Lane {
	return { limit, allowed: limit, starts: [], heldUntil: 0, share: 1 };
}

/**
 * A pace for an organization that was not called yet.
 * @param perSecond requests to one endpoint in a second, where Hubble agreed to other limits
 */
export function newPace(perSecond: number = LIMITS.endpoint): Pace {
	const organization = newLane((perSecond * LIMITS.organization) / LIMITS.endpoint);
	return { perSecond, organization, endpoints: new Map() };
}

function laneOf(pace: Pace, endpoint: string): Lane {
	let lane = pace.endpoints.get(endpoint);
	if (!lane) pace.endpoints.set(endpoint, (lane = newLane(pace.perSecond)));
	return lane;
}

function laneWait({ limit, starts, heldUntil, share }: Lane, now: number): number {
	const windowMs = 1000 / share;
	const last = starts.at(-1) ?? -Infinity;
	const oldest = starts.at(-limit) ?? -Infinity;
	// Beside another user of the bucket nothing is caught up: starts are evenly spread.
	const gapMs = windowMs / (share < 1 ? limit : 2 * limit);
	return Math.max(0, heldUntil - now, last + gapMs - now, oldest + windowMs - now);
}

/** Milliseconds until a request to `endpoint` may start; 0 means now. */
export function waitFor(pace: Pace, endpoint: string, now: number): number {
	return Math.max(laneWait(pace.organization, now), laneWait(laneOf(pace, endpoint), now));
}

/** Requests a second that may now go to `endpoint`. */
export function rateOf(pace: Pace, endpoint: string): number {
	const { limit, share } = laneOf(pace, endpoint);
	return limit * share;
}

/** Notes that a request to `endpoint` starts now. */
export function started(pace: Pace, endpoint: string, now: number): void {
	for (const lane of [pace.organization, laneOf(pace, endpoint)]) {
		lane.starts.push(now);
		if (lane.starts.length > lane.limit) lane.starts.shift();
	}
}

/**
 * Takes in what a reply says. A 429 means that somebody else (another process, another tool) uses the
 * same bucket: the lane halves its share and gains it back slowly, which ends at a fair division.
 */
export function heed(pace: Pace, endpoint: string, notice: RateNotice, now: number): void {
	const lane = laneOf(pace, endpoint);
	const holdFor = (ms: number) => {
		lane.heldUntil = Math.max(lane.heldUntil, now + Math.min(ms, LONGEST_HOLD_MS));
	};
	if (notice.limit !== undefined && notice.limit >= 1) {
		lane.limit = Math.min(lane.allowed, Math.floor(notice.limit));
	}
	if (notice.remaining === 0 && notice.resetMs !== undefined) holdFor(notice.resetMs);
	if (notice.tooMany) {
		lane.share = Math.max(SMALLEST_SHARE, lane.share / 2);
		holdFor(notice.retryAfterMs ?? 0);
	} else {
		lane.share = Math.min(1, lane.share + SHARE_REGAINED_PER_REPLY);
	}
}
