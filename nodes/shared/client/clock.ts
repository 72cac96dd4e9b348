/** What time it is at Hubble. n8n's clock may be wrong or jump; all that is compared with Hubble's times uses this one. */

export const HOUR_S = 3600;
export const DAY_S = 24 * HOUR_S;

/**
 * How far a stamp may be ahead of Hubble's clock, in seconds. Stamps come from devices and gateways, whose clocks may be
 * wrong by years.
 */
export const AHEAD_S = 300;

/** Ours: one that never jumps, and Unix time. */
const ownClocks = { monotonic: () => performance.now(), wall: () => Date.now() };

/** Hubble's Unix time minus our monotonic clock lies between these, in milliseconds. */
interface Bounds {
	min: number;
	max: number;
}

/** The intersection of two bounds; `undefined` if it is empty. */
function both(one: Bounds | undefined, { min, max }: Bounds): Bounds | undefined {
	if (!one) return undefined;
	const within = { min: Math.max(one.min, min), max: Math.min(one.max, max) };
	return within.min < within.max ? within : undefined;
}

/** Clocks may differ by this much; if by more, one was set or is wrong, or the machine slept. */
const DOUBT_MS = 60_000;

/**
 * Hubble's clock, as the `Date` of its replies shows it. A `Date` has whole seconds and was written some time between
 * request and reply, so each one bounds Hubble's time from both sides; the tightest bounds are kept. A reply that
 * contradicts them counts only once a second one confirms it. The monotonic clock stops while the machine sleeps: if
 * our clocks disagree about how long ago the last reply was, or there was none, a single reply that agrees with our
 * wall clock is enough.
 */
export class HubbleClock {
	private bounds?: Bounds;
	/** The bounds of the last reply, while unconfirmed. */
	private rival?: Bounds;
	/** Our wall clock minus our monotonic one when the bounds were confirmed last. */
	private lead = 0;
	/** How often `now()` was called while the time was unknown. */
	guesses = 0;

	constructor(private readonly own = ownClocks) {}

	private leadNow = () => this.own.wall() - this.own.monotonic();

	/** Whether a reply has shown the time, and our clocks have agreed since. */
	get isKnown(): boolean {
		return this.bounds !== undefined && Math.abs(this.leadNow() - this.lead) <= DOUBT_MS;
	}

	/**
	 * Hubble's time in Unix seconds with a fraction: never ahead, and behind by at most a second plus the travel time of
	 * a reply. While unknown, the time of the last reply; before the first one, n8n's own clock.
	 */
	now(): number {
		const { monotonic, wall } = this.own;
		const isKnown = this.isKnown;
		if (!isKnown) this.guesses += 1;
		const bounds = isKnown ? this.bounds : (this.rival ?? this.bounds);
		return (bounds ? bounds.min + monotonic() : wall()) / 1000;
	}

	/**
	 * Whether a moment in Unix seconds is past. While the time is unknown, n8n's clock may be a day ahead, and what is past
	 * by it alone is a guess.
	 */
	isPast(seconds: number): boolean {
		if (this.isKnown) return seconds <= this.now();
		const wall = this.own.wall() / 1000;
		if (seconds <= wall) this.guesses += 1;
		return seconds <= wall - DAY_S;
	}

	/**
	 * Learns from the `Date` of a reply.
	 * @param date the header; without one, or with one that is no date, nothing is learned
	 * @param sentAt when its request was sent, on the monotonic clock
	 */
	note(date: unknown, sentAt: number): void {
		const second = httpDate(date);
		if (second === undefined) return;
		const told = { min: second - this.own.monotonic(), max: second + 1000 - sentAt };
		const isBelieved = !this.isKnown && Math.abs(second - this.own.wall()) < DOUBT_MS;
		const agreed = both(this.bounds, told) ?? (isBelieved ? told : both(this.rival, told));
		this.rival = agreed ? undefined : told;
		if (!agreed) return;
		this.bounds = agreed;
		this.lead = this.leadNow();
	}
}

/** An HTTP date in any of its three forms (RFC 9110, 5.6.7) as Unix milliseconds; all of them are GMT. */
export function httpDate(value: unknown): number | undefined {
	if (typeof value !== 'string' || !/^[A-Z][a-z]{2,8},? .*\d\d:\d\d:\d\d/.test(value)) return undefined;
	const date = Date.parse(/ GMT$/.test(value) ? value : `${value} GMT`);
	return Number.isNaN(date) ? undefined : date;
}

const clocks = new Map<string, HubbleClock>();

/** The clock of a host, one for all that call it from this process. */
export function clockOf(host: string): HubbleClock {
	const clock = clocks.get(host) ?? new HubbleClock();
	clocks.set(host, clock);
	return clock;
}
