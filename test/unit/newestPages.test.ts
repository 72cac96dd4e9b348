/** Reading backwards from the end of a period: how long the next window is. */
import fc from 'fast-check';
import { nextSpan, shorterSpan } from '../../nodes/shared/client/newestPages';

const span = fc.integer({ min: 1, max: 30 * 86_400 });
const missing = fc.integer({ min: 1, max: 100_000 });

test('an empty window is followed by one sixteen times as long', () => expect(nextSpan(300, 0, 50)).toBe(4800));

test('the next window is a whole number of seconds, at least one, and never more than sixteen times as long', () => {
	fc.assert(
		fc.property(span, fc.nat(1000), missing, (seconds, rows, wanted) => {
			const next = nextSpan(seconds, rows, wanted);
			expect(Number.isInteger(next)).toBe(true);
			expect(next).toBeGreaterThanOrEqual(1);
			expect(next).toBeLessThanOrEqual(16 * seconds);
		}),
	);
});

test('a window that is too full becomes shorter, and one of a second is read to its end', () => {
	fc.assert(
		fc.property(
			span,
			missing,
			fc.array(fc.oneof(fc.double(), fc.constant(NaN)), { minLength: 1, maxLength: 50 }),
			(seconds, wanted, times) => {
				const shorter = shorterSpan(seconds, times, wanted);
				if (shorter === undefined) return;
				expect(Number.isInteger(shorter)).toBe(true);
				expect(shorter).toBeGreaterThanOrEqual(1);
				expect(shorter).toBeLessThan(Math.max(2, seconds / 2 + 1));
				expect(seconds).toBeGreaterThan(1);
			},
		),
	);
});

test('a dense fleet is cut to about what is missing, in one step', () => {
	// A thousand packets a second: 300 s hold 300,000, and 50 are wanted.
	const times = Array.from({ length: 1000 }, (_, index) => 1_800_000_000 + index / 1000);
	expect(shorterSpan(300, times, 50)).toBe(1);
	expect(shorterSpan(300, times, 100_000)).toBe(125);
	expect(shorterSpan(300, times, 200_000)).toBeUndefined();
});
