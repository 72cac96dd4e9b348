/** Hubble's time, from the Date of its replies: n8n's clock may be wrong, jump, and be set back. */
import * as fc from 'fast-check';
import { clockOf, HubbleClock, httpDate } from '../../nodes/shared/client/clock';
import { resetIn, retryAfter } from '../../nodes/shared/client/request';

/** When the tests begin, in Unix milliseconds by Hubble's clock. */
const BEGIN = Date.UTC(2026, 10, 20, 8);
const HOUR = 3_600_000;

/** Two clocks: Hubble's, and n8n's, which is wrong by `wrongBy` milliseconds. The monotonic one counts from anywhere, and stands while the machine sleeps. */
function world(wrongBy = 0) {
	const state = { elapsed: 0, slept: 0, wrongBy };
	const hubbles = () => BEGIN + state.elapsed + state.slept;
	const clock = new HubbleClock({
		monotonic: () => 5_000_000 + state.elapsed,
		wall: () => hubbles() + state.wrongBy,
	});
	/** A reply that Hubble writes after `there` and that arrives after `back` milliseconds. */
	const reply = (there: number, back: number) => {
		const sentAt = 5_000_000 + state.elapsed;
		state.elapsed += there;
		const date = new Date(hubbles()).toUTCString();
		state.elapsed += back;
		clock.note(date, sentAt);
	};
	return { state, clock, hubbles, reply };
}

describe('Hubble’s clock', () => {
	it.each([0, 120_000, -120_000, 6 * HOUR, -6 * HOUR])(
		'does not care that n8n’s clock is wrong by %d ms',
		(wrongBy) => {
			const { state, clock, hubbles, reply } = world(wrongBy);
			expect(clock.now()).toBe((BEGIN + wrongBy) / 1000);
			reply(40, 60);
			const behind = () => hubbles() - clock.now() * 1000;
			expect(behind()).toBeGreaterThanOrEqual(0);
			expect(behind()).toBeLessThanOrEqual(1100);
			expect(clock.isKnown).toBe(wrongBy === 0);
			reply(40, 60);
			expect(clock.isKnown).toBe(true);
			state.elapsed += 6 * HOUR;
			state.wrongBy = -wrongBy;
			expect(clock.isKnown).toBe(wrongBy === 0);
			expect(behind()).toBeGreaterThanOrEqual(0);
			expect(behind()).toBeLessThanOrEqual(1100);
		},
	);

	it('P10: comes closer with each reply, and is never ahead', () => {
		const steps = fc.array(fc.record({ pause: fc.nat(5_000), there: fc.nat(900), back: fc.nat(900) }), {
			minLength: 1,
		});
		fc.assert(
			fc.property(steps, (given) => {
				const { state, clock, hubbles, reply } = world(HOUR);
				let behind = Infinity;
				for (const { pause, there, back } of given) {
					state.elapsed += pause;
					reply(there, back);
					const error = hubbles() - clock.now() * 1000;
					expect(error).toBeGreaterThanOrEqual(-0.001);
					expect(error).toBeLessThanOrEqual(behind + 0.001);
					behind = error;
				}
			}),
		);
	});

	it('does not follow one wrong date, and follows two that agree', () => {
		const { state, clock, hubbles, reply } = world();
		reply(10, 10);
		const right = () => expect(Math.abs(clock.now() * 1000 - hubbles())).toBeLessThanOrEqual(1100);
		const wrong = (ms: number) => clock.note(new Date(hubbles() + ms).toUTCString(), 5_000_000 + state.elapsed);
		wrong(6 * HOUR);
		right();
		wrong(-6 * HOUR);
		right();
		reply(10, 10);
		wrong(-6 * HOUR);
		right();
		wrong(-6 * HOUR);
		expect(Math.abs(clock.now() * 1000 - hubbles() + 6 * HOUR)).toBeLessThanOrEqual(1100);
		reply(10, 10);
		reply(10, 10);
		right();
	});

	it('does not follow one wrong date either where n8n’s clock says the same', () => {
		const { state, clock, hubbles, reply } = world(-6 * HOUR);
		reply(10, 10);
		reply(10, 10);
		state.elapsed += 10;
		clock.note(new Date(hubbles() - 6 * HOUR).toUTCString(), 5_000_000 + state.elapsed);
		expect(Math.abs(clock.now() * 1000 - hubbles())).toBeLessThanOrEqual(1100);
	});

	it('forgets what it did not believe once a reply agrees with what it knows', () => {
		const { state, clock, hubbles } = world();
		const tell = (atMs: number, tookMs: number, wrongByMs = 0) => {
			state.elapsed = atMs;
			clock.note(new Date(hubbles() + wrongByMs).toUTCString(), 5_000_000 + state.elapsed - tookMs);
		};
		// Two quick replies bound it to a millisecond, a slow one agrees with more than that.
		tell(0, 0);
		tell(999, 0);
		tell(1500, 2000);
		tell(1600, 0, 2000);
		expect(Math.abs(clock.now() * 1000 - hubbles())).toBeLessThanOrEqual(1);
	});

	it('is, in doubt, what the last reply said, and counts how often it was asked', () => {
		const { state, clock, hubbles, reply } = world();
		reply(10, 10);
		clock.now();
		expect(clock.guesses).toBe(0);
		state.slept += 60_000;
		expect(clock.isKnown).toBe(true);
		state.slept += 3 * HOUR;
		state.wrongBy = 2 * HOUR;
		reply(10, 10);
		expect(clock.isKnown).toBe(false);
		expect(Math.abs(clock.now() * 1000 - hubbles())).toBeLessThanOrEqual(1100);
		expect(clock.guesses).toBe(1);
	});

	it('does not believe a first date that no second one confirms', () => {
		const { state, clock, hubbles, reply } = world();
		clock.note(new Date(hubbles() + 6 * HOUR).toUTCString(), 5_000_000 + state.elapsed);
		expect(clock.isKnown).toBe(false);
		reply(10, 10);
		expect(clock.isKnown).toBe(true);
		expect(Math.abs(clock.now() * 1000 - hubbles())).toBeLessThanOrEqual(1100);
	});

	it.each([
		[59_999, true],
		[60_000, false],
		[-60_000, false],
	])('believes a first date that differs by less than a minute from n8n’s clock: %d ms, %p', (wrongBy, isKnown) => {
		const { clock, reply } = world(wrongBy);
		reply(0, 0);
		expect(clock.isKnown).toBe(isKnown);
	});

	it('is in doubt when the machine has slept, and believes the next reply', () => {
		const { state, clock, hubbles, reply } = world();
		reply(10, 10);
		state.slept += 50_000;
		expect(clock.isKnown).toBe(true);
		state.slept += 3 * HOUR;
		expect(clock.isKnown).toBe(false);
		expect(clock.now() * 1000).toBeLessThanOrEqual(hubbles());
		reply(10, 10);
		expect(clock.isKnown).toBe(true);
		expect(Math.abs(clock.now() * 1000 - hubbles())).toBeLessThanOrEqual(1100);
	});

	it.each([undefined, '', 'yesterday', '2026-11-20T08:00:00Z', 12])('learns nothing from %p', (date) => {
		const { clock } = world(HOUR);
		clock.note(date, 0);
		expect(clock.now()).toBe((BEGIN + HOUR) / 1000);
	});
});

describe('A date of HTTP', () => {
	it.each([
		'Fri, 20 Nov 2026 08:00:00 GMT',
		'Friday, 20-Nov-26 08:00:00 GMT',
		// Without a zone, and GMT all the same.
		'Fri Nov 20 08:00:00 2026',
	])('is read in the form %s', (text) => expect(httpDate(text)).toBe(BEGIN));
});

describe('Retry-After and X-RateLimit-Reset', () => {
	const { clock, reply } = world(6 * HOUR);
	reply(0, 0);
	const date = new Date(BEGIN + 60_000).toUTCString();

	it.each<[string | undefined, number | undefined]>([
		['0', 0],
		['2', 2000],
		['0120', 120_000],
		[new Date(BEGIN + 90_000).toUTCString(), 30_000],
		[new Date(BEGIN).toUTCString(), 0],
		['-3', undefined],
		['Infinity', undefined],
		['0x10', undefined],
		['1e3', undefined],
		['1.5', undefined],
		['', undefined],
		[' ', undefined],
		['soon', undefined],
		[undefined, undefined],
	])('ask for the pause %p: %p ms', (value, ms) => {
		expect(retryAfter({ 'retry-after': value, date }, clock)).toBe(ms);
	});

	it('are by Hubble’s clock, also in a reply without a Date', () => {
		expect(retryAfter({ 'retry-after': date }, clock)).toBe(60_000);
		expect(resetIn({ 'x-ratelimit-reset': String(BEGIN / 1000 + 5) }, clock)).toBe(5_000);
	});

	it.each([
		[String(BEGIN / 1000 + 62), 2000],
		[String(BEGIN / 1000), 0],
		['3', 3000],
		['0.5', 500],
		['-1', undefined],
		['1e9', undefined],
		[undefined, undefined],
	])('reset at %p: in %p ms', (value, ms) => {
		expect(resetIn({ 'x-ratelimit-reset': value, date }, clock)).toBe(ms);
	});
});

describe('the clock of a host', () => {
	afterEach(() => jest.restoreAllMocks());

	it('is one for all that call it, and no other', () => {
		jest.spyOn(Date, 'now').mockReturnValue(5000);
		const monotonic = jest.spyOn(performance, 'now').mockReturnValue(100);
		const one = clockOf('one.example');
		expect([one.isKnown, one.now()]).toEqual([false, 5]);
		// n8n's own clock may be ahead by a day.
		expect([5 - 86_400, 5 - 86_399].map((seconds) => one.isPast(seconds))).toEqual([true, false]);
		// What is past by n8n's clock alone is worth a question.
		const before = one.guesses;
		expect([6, 5].map((seconds) => [one.isPast(seconds), one.guesses - before])).toEqual([
			[false, 0],
			[false, 1],
		]);
		// One that n8n's clock contradicts is believed when a second one agrees with it.
		one.note('Fri, 20 Nov 2026 08:00:00 GMT', 0);
		one.note('Fri, 20 Nov 2026 08:00:00 GMT', 0);
		monotonic.mockReturnValue(1100);
		const now = BEGIN / 1000 + 1;
		expect([clockOf('one.example').isKnown, one.now()]).toEqual([true, now]);
		expect([now, now + 0.1].map((seconds) => one.isPast(seconds))).toEqual([true, false]);
		expect(clockOf('another.example').isKnown).toBe(false);
	});
});

it.each([1_763_625_600, ['Fri, 20 Nov 2026 08:00:00 GMT'], ' Fri, 20 Nov 2026 08:00:00 GMT', undefined])(
	'%j is no date of a header',
	(value) => {
		expect(httpDate(value)).toBeUndefined();
	},
);

it('bounds that only touch exclude each other: the newer ones count', () => {
	const own = { at: 0 };
	const clock = new HubbleClock({ monotonic: () => own.at, wall: () => 0 });
	clock.note('Fri, 20 Nov 2026 08:00:00 GMT', 0);
	// A second earlier by the same clock: it was set back.
	clock.note('Fri, 20 Nov 2026 07:59:59 GMT', 0);
	expect(clock.now()).toBe(BEGIN / 1000 - 1);
	// It was set back, and the wider bound of before is gone: a reply of the old time is a jump once more.
	clock.note('Fri, 20 Nov 2026 08:00:00 GMT', 0);
	expect(clock.now()).toBe(BEGIN / 1000);
});
