/** Which orders a brand allows, against an oracle written another way: limit by limit over single vouchers. */
import fc from 'fast-check';
import { amountOf, merged, whyRefused, type Denomination } from '../../nodes/HubbleGiftCard/denominations';

const worth = fc.oneof(
	fc.constantFrom(50, 100, 500, 1000),
	fc.integer({ min: 1, max: 200_000 }).map((n) => n / 100),
);
const details = fc.array(fc.record({ denomination: worth, quantity: fc.integer({ min: 1, max: 6 }) }), {
	minLength: 1,
	maxLength: 4,
});
/** A limit as documents give it: a number, a text in older ones, null, or not there at all. */
const limit = (max: number) =>
	fc.oneof(
		{ weight: 2, arbitrary: fc.constantFrom(null, undefined) },
		{ weight: 2, arbitrary: fc.integer({ min: 1, max }) },
		{ weight: 1, arbitrary: fc.integer({ min: 1, max }).map(String) },
	);
const brands = fc.record({
	status: fc.constantFrom('ACTIVE', 'ACTIVE', 'ACTIVE', 'INACTIVE', undefined),
	denominationType: fc.constantFrom('FIXED', 'FLEXIBLE'),
	amountRestrictions: fc.record({
		minOrderAmount: limit(500),
		maxOrderAmount: limit(20_000),
		minVoucherAmount: limit(200),
		maxVoucherAmount: limit(3000),
		maxVouchersPerOrder: limit(12),
		maxVouchersPerDenomination: limit(8),
		maxDenominationsPerOrder: limit(4),
		denominations: fc.subarray([50, 100, 500, 1000]),
	}),
});

/** Whether each single voucher and the order as a whole keep to the limits, in paise, with no limit as zero or infinity. */
function isAllowed({ status, denominationType, amountRestrictions }: Record<string, unknown>, order: Denomination[]) {
	const limits = amountRestrictions as Record<string, unknown>;
	const least = (name: string) => (limits[name] == null ? 0 : Number(limits[name]) * 100);
	const most = (name: string) => (limits[name] == null ? Infinity : Number(limits[name]) * 100);
	const count = (name: string) => most(name) / 100;
	const list = limits.denominations as number[];
	const vouchers = order.flatMap(({ denomination, quantity }) =>
		Array<number>(quantity).fill(Math.round(denomination * 100)),
	);
	const kinds = [...new Set(vouchers)];
	const sum = vouchers.reduce((all, paise) => all + paise, 0);
	return (
		(status === undefined || status === 'ACTIVE') &&
		vouchers.every((paise) => paise >= least('minVoucherAmount') && paise <= most('maxVoucherAmount')) &&
		(denominationType !== 'FIXED' || !list.length || vouchers.every((paise) => list.includes(paise / 100))) &&
		kinds.every((kind) => vouchers.filter((paise) => paise === kind).length <= count('maxVouchersPerDenomination')) &&
		kinds.length <= count('maxDenominationsPerOrder') &&
		vouchers.length <= count('maxVouchersPerOrder') &&
		sum >= least('minOrderAmount') &&
		sum <= most('maxOrderAmount')
	);
}

it('an order is refused exactly when it breaks a limit of the brand', () => {
	const seen = { allowed: 0, refused: 0 };
	fc.assert(
		fc.property(brands, details, (brand, order) => {
			const refusal = whyRefused(brand as never, merged(order));
			const allowed = isAllowed(brand, order);
			seen[allowed ? 'allowed' : 'refused'] += 1;
			expect(refusal === undefined).toBe(allowed);
			// What is said names a figure of the order or the state of the brand.
			if (refusal) expect(refusal).toMatch(/\d|INACTIVE/);
		}),
		{ numRuns: 2000 },
	);
	expect(Math.min(seen.allowed, seen.refused)).toBeGreaterThan(5);
});

it('the amount is the sum to the paisa, however the denominations are split up', () => {
	fc.assert(
		fc.property(details, (order) => {
			const paise = order.reduce(
				(sum, { denomination, quantity }) => sum + Math.round(denomination * 100) * quantity,
				0,
			);
			expect(amountOf(order)).toBe(paise / 100);
			expect(amountOf(merged(order))).toBe(paise / 100);
			const kinds = merged(order).map(({ denomination }) => denomination);
			expect(new Set(kinds).size).toBe(kinds.length);
		}),
	);
});

describe('by what Hubble gives of a brand,', () => {
	const order = [{ denomination: 100, quantity: 2 }];
	const refusal = (amountRestrictions: object, more: object = {}) =>
		whyRefused({ status: 'ACTIVE', denominationType: 'FIXED', amountRestrictions, ...more } as never, order);

	it('an order may reach each of its limits', () => {
		expect(
			refusal({
				minVoucherAmount: 100,
				maxVoucherAmount: 100,
				maxVouchersPerDenomination: 2,
				maxDenominationsPerOrder: 1,
				maxVouchersPerOrder: 2,
				minOrderAmount: 200,
				maxOrderAmount: '200',
			}),
		).toBeUndefined();
	});

	it.each<[object, string]>([
		[{ minVoucherAmount: 101 }, "100 is below the brand's minimum voucher amount of 101"],
		[{ maxVoucherAmount: 99 }, "100 is above the brand's maximum voucher amount of 99"],
		[{ maxVouchersPerDenomination: 1 }, '2 vouchers of 100 are more than the 1 that the brand allows'],
		[{ maxDenominationsPerOrder: 0 }, '1 denominations are more than the 0 that the brand allows in one order'],
		[{ maxVouchersPerOrder: 1 }, '2 vouchers are more than the 1 that the brand allows in one order'],
		[{ minOrderAmount: 201 }, "the amount of 200 is below the brand's minimum order amount of 201"],
		[{ maxOrderAmount: 199 }, "the amount of 200 is above the brand's maximum order amount of 199"],
	])('%j is broken in these words', (limits, words) => {
		expect(refusal(limits)).toBe(words);
		expect(refusal(limits, { status: 'INACTIVE' })).toBe('the brand is INACTIVE, so it cannot be ordered');
	});

	it('a list of older documents counts', () => {
		expect(refusal({}, { denominations: ['500', '1000'] })).toBe('the brand has no 100, only 500, 1000');
	});

	it.each([' ', 'any', null, {}])('%j is no limit, and no denomination', (odd) => {
		expect(refusal({ maxOrderAmount: odd, minVoucherAmount: odd, denominations: [odd] })).toBeUndefined();
	});
});
