/**
 * Which part of a bucket at Hubble is ours when other processes (n8n's workers, other tools) use it as well.
 * Additive increase, multiplicative decrease (RFC 5681), with its two speeds: halve until the shares fit, then take
 * small steps. Pure policy; the caller owns the clock.
 *
 * A 429 is all that a process learns of the others. Left alone it learns nothing, so after a long quiet time it tries
 * all of the limit. The trial is bold on purpose: it is over within two seconds, and its 429 mostly meets the process
 * that tries; a slow increase would let the others pay.
 */

/** What one process makes of a bucket. Times are milliseconds on one monotonic clock. */
export interface Sharing {
	/** The part that is ours, as of the last 429. */
	share: number;
	/** The last 429 that counted. */
	tooManyAt: number;
}

/** A first 429 means at least one other process. Less than a half, so that a bucket which both keep full runs empty. */
const HALF = 0.47;
const LEAST = 1 / 32;
const DECREASE = 0.98;
const INCREASE_PER_MS = 0.005 / 87_000;

/** After halving, the others need this long to meet their 429s. A further one within the time below: there are more than two. */
const SETTLE_MS = 3_000;
const HALVING_MS = 25_000;

/** Without a 429 for so long: try all of the limit. Kept for a minute, it is ours. */
const QUIET_MS = 87_000;
const ALONE_MS = QUIET_MS + 60_000;

/** As far as we know, no other process uses the bucket. */
export const newSharing = (): Sharing => ({ share: 1, tooManyAt: -Infinity });

const increased = ({ share, tooManyAt }: Sharing, now: number) =>
	share + Math.min(now - tooManyAt, QUIET_MS) * INCREASE_PER_MS;

/** The part of the bucket that we allow ourselves, up to 1. */
export const shareOf = (sharing: Sharing, now: number): number =>
	now - sharing.tooManyAt >= QUIET_MS ? 1 : increased(sharing, now);

/**
 * Takes in a 429.
 * @param startedAt when its request started: one that was on the way at the last 429 tells nothing new
 */
export function recordTooMany(sharing: Sharing, startedAt: number, now: number): void {
	const { share, tooManyAt } = sharing;
	const isHalf = share === HALF;
	if (startedAt < tooManyAt + (isHalf ? SETTLE_MS : 0)) return;
	const quietMs = now - tooManyAt;
	if (quietMs > ALONE_MS) sharing.share = HALF;
	else if (isHalf && quietMs < HALVING_MS) sharing.share = HALF / 2;
	else sharing.share = Math.max(LEAST, increased(sharing, now) * (quietMs < QUIET_MS ? DECREASE : 1));
	sharing.tooManyAt = now;
}
