/** What time it is at Hubble. n8n's clock may be wrong or jump; all that is compared with Hubble's times uses this one. */

/** The clocks of this n8n, in milliseconds. */
export interface OwnClocks {
	/** Never jumps. */
	monotonic: () => number;
	/** Unix time. */
	wall: () => number;
}

const ownClocks: OwnClocks = { monotonic: () => performance.now(), wall: () => Date.now() };

/**
 * Hubble's clock, as the `Date` of its replies shows it. A `Date` has whole seconds and was written some time between
 * request and reply, so each one bounds Hubble's time from both sides; the tightest bounds are kept.
 */
export class HubbleClock {
	/** Bounds of Hubble's Unix time minus our monotonic clock, in milliseconds. */
	private min = -Infinity;
	private max = Infinity;

	constructor(private readonly own = ownClocks) {}

	/** Whether a reply has shown it. */
	get isKnown(): boolean {
		return this.min !== -Infinity;
	}

	/**
	 * Hubble's time in Unix seconds with a fraction: never ahead of it, and behind by one second and the way of a
	 * reply at most. Before the first reply it is n8n's own clock.
	 */
	now(): number {
		const { monotonic, wall } = this.own;
		return (this.isKnown ? this.min + monotonic() : wall()) / 1000;
	}

	/**
	 * Takes in the `Date` of a reply.
	 * @param date the header; without one, or with one that is no date, nothing is learned
	 * @param sentAt when its request was sent, on the monotonic clock
	 */
	note(date: unknown, sentAt: number): void {
		const second = httpDate(date);
		if (second === undefined) return;
		const [min, max] = [second - this.own.monotonic(), second + 1000 - sentAt];
		// Bounds that exclude each other: Hubble's clock was set, so what is older no longer holds.
		const agrees = Math.max(min, this.min) < Math.min(max, this.max);
		this.min = agrees ? Math.max(min, this.min) : min;
		this.max = agrees ? Math.min(max, this.max) : max;
	}
}

/** An HTTP date in any of its three forms (RFC 9110, 5.6.7) as Unix milliseconds; all of them are GMT. */
export function httpDate(value: unknown): number | undefined {
	if (typeof value !== 'string' || !/^[A-Z][a-z]{2,8},? .*\d\d:\d\d:\d\d/.test(value)) return undefined;
	const date = Date.parse(/ GMT$/.test(value) ? value : `${value} GMT`);
	return Number.isNaN(date) ? undefined : date;
}

const clocks = new Map<string, HubbleClock>();
let latest = new HubbleClock();

/** The clock of a host, one for all that call it from this process. */
export function clockOf(host: string): HubbleClock {
	latest = clocks.get(host) ?? new HubbleClock();
	clocks.set(host, latest);
	return latest;
}

/** Hubble's time in Unix seconds, by the clock of the host that was connected to last: for what shapes a row and knows no client. */
export const hubbleNow = (): number => latest.now();
