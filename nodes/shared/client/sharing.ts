/**
 * Which part of a bucket at Hubble is ours when other processes (n8n's workers, other tools) use it as well.
 * Additive increase, multiplicative decrease (RFC 5681), with its two speeds: halve until the shares fit, then take
 * small steps. Pure policy; the caller owns the clock.
 *
 * A process learns of others only by 429s. Without them it learns nothing, so after a long quiet time it tries the
 * whole limit. The trial is bold on purpose: it is over within two seconds, and its 429 mostly hits the process that
 * tries; a slow increase would make the others pay.
 */

/** One process's view of a bucket. Times are milliseconds on one monotonic clock. */
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

/**
 * After halving, the others need this long to get their 429s. Another one within `HALVING_MS` means more than two
 * processes.
 */
const SETTLE_MS = 3_000;
const HALVING_MS = 25_000;

/** After this long without a 429, try the whole limit. If that holds for a minute, the process is alone. */
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
 * Records a 429.
 * @param startedAt when its request started: one that was in flight at the last 429 tells nothing new
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
