/**
 * Which part of a bucket at Hubble is ours, when other processes (n8n's workers, other tools) use it as well.
 * Pure policy: state in, state out; the caller owns the clock and the dice.
 *
 * Processes do not know of each other. All that one sees is whether its requests meet a 429, so it guesses how many
 * use the bucket and takes an equal part. Processes that guess alike just fit in, and as their starts are evenly
 * spread, none of them meets a 429 until one tries for more. A trial that fails costs several 429s, and not only to
 * the process that tries: so trials are rare, the rarer the more there are to try. With four processes about one
 * request in forty meets a 429, and little is left unused; what ends with one of them is taken up by the others
 * within a few minutes.
 */

/** What one process makes of a bucket. Times are milliseconds on one monotonic clock. */
export interface Sharing {
	/** How many use the bucket, we included, as far as we can tell. */
	users: number;
	/** Whether `users` was lowered by one to see if that meets a 429. */
	isTrial: boolean;
	/** When `users` changed. */
	changedAt: number;
	/** 429s of late: each counts for one and fades with the replies that follow. */
	refusals: number;
	refusedAt: number;
	/** Whether a reply that was no 429 came since: several in a row are one event, such as Hubble being busy. */
	isAccepted: boolean;
	/** How long no 429 must come until the next trial. */
	quietMs: number;
	/** Whether the guess still doubles: until it exceeds two or a trial fails. A short job has no time for small steps. */
	isNew: boolean;
}

/** More are not told apart. */
const MOST_USERS = 16;

/** What all users together leave free, so that the bucket runs empty. */
const USED = 0.97;

/** Replies in which a 429 fades. */
const REPLIES_REMEMBERED = 30;

/** The first trial: two that have just met may be wrong about each other. The next one after one that went well. */
const FIRST_QUIET_MS = 20_000;
const NEXT_QUIET_MS = 5_000;

/** A trial lasts this long times users × (users + 1): until the bucket overflows, were there no room. */
const TRIAL_MS = 4_500;

/** Until the next trial: of two that share, the one that stays alone notices soon; of many, who has little tries first. */
const quietFor = (users: number) => Math.min(15_000 * users ** 2, 800_000 / users);

/** More 429s than these mean one more user. Who has much gives way before who has little, so that parts become equal. */
const bearable = (users: number) => Math.max(1.2, Math.min(3, 0.12 * users ** 2));

/** Nobody else uses the bucket, as far as we know. */
export const newSharing = (now: number): Sharing => ({
	users: 1,
	isTrial: false,
	changedAt: now,
	refusals: 0,
	refusedAt: -Infinity,
	isAccepted: true,
	quietMs: 0,
	isNew: true,
});

/** The part of the bucket that we allow ourselves. */
export const shareOf = ({ users }: Sharing) => (users === 1 ? 1 : USED / users);

/** Spreads what several processes do at once by 40 % to either side. */
const spread = (ms: number, random: number) => ms * (0.6 + 0.8 * random);

/** Changes the guess and begins to count anew. */
function guess(sharing: Sharing, users: number, isTrial: boolean, now: number): void {
	Object.assign(sharing, { users, isTrial, changedAt: now, refusals: isTrial ? sharing.refusals : 0 });
}

/**
 * Takes in a 429.
 * @param startedAt when its request started: one that was on the way at the last 429 tells nothing new
 * @param random a number from 0 up to 1
 */
export function recordRefusal(sharing: Sharing, startedAt: number, now: number, random: number): void {
	fade(sharing);
	const { isAccepted } = sharing;
	if (startedAt < sharing.refusedAt) return;
	sharing.refusedAt = now;
	sharing.isAccepted = false;
	if (!isAccepted) return;
	sharing.refusals += 1;
	const { users, isTrial, refusals, isNew } = sharing;
	const isFirst = users === 1 && !isTrial;
	if (isTrial || isFirst || refusals > bearable(users)) {
		guess(sharing, Math.min(MOST_USERS, isNew ? 2 * users : users + 1), false, now);
		sharing.isNew = isNew && isFirst;
	}
	const quietMs = spread(isFirst ? FIRST_QUIET_MS : quietFor(sharing.users), random);
	sharing.quietMs = Math.max(quietMs, sharing.users === users ? sharing.quietMs : 0);
}

/**
 * Takes in a reply that is no 429.
 * @param random a number from 0 up to 1
 */
export function recordAcceptance(sharing: Sharing, now: number, random: number): void {
	fade(sharing);
	sharing.isAccepted = true;
	const { users, isTrial, changedAt, refusedAt, quietMs } = sharing;
	if (isTrial) {
		if (now - changedAt <= TRIAL_MS * users * (users + 1)) return;
		sharing.quietMs = spread(NEXT_QUIET_MS, random);
		guess(sharing, users, false, now);
	} else if (users > 1 && now - Math.max(changedAt, refusedAt) > quietMs) {
		guess(sharing, users - 1, true, now);
	}
}

function fade(sharing: Sharing): void {
	sharing.refusals *= 1 - 1 / REPLIES_REMEMBERED;
}
