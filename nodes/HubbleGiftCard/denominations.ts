/** Whether a brand can be ordered in certain denominations. Pure: nothing is sent. */
import type { IDataObject } from 'n8n-workflow';
import { objectOf } from '../shared/client/json';

/** One denomination and how many vouchers of it. */
export interface Denomination {
	denomination: number;
	quantity: number;
}

/** Adds without floating-point residue: money has at most two decimals here. */
const toHundredth = (amount: number) => Math.round(amount * 100) / 100;

/** Total price of the vouchers, before any discount. */
export const amountOf = (details: readonly Denomination[]): number =>
	toHundredth(details.reduce((sum, { denomination, quantity }) => sum + denomination * quantity, 0));

export function merged(details: readonly Denomination[]): Denomination[] {
	const quantities = new Map<number, number>();
	for (const { denomination, quantity } of details)
		quantities.set(denomination, (quantities.get(denomination) ?? 0) + quantity);
	return [...quantities].map(([denomination, quantity]) => ({ denomination, quantity }));
}

/** A number of Hubble's; older documents give amounts as text. `undefined` for null and anything else. */
export function amountIn(value: unknown): number | undefined {
	const isNumber = typeof value === 'number' || (typeof value === 'string' && value.trim() !== '');
	return isNumber && Number.isFinite(Number(value)) ? Number(value) : undefined;
}

const numbersIn = (value: unknown) => (Array.isArray(value) ? value.flatMap((entry) => amountIn(entry) ?? []) : []);

/**
 * Why an order would be refused; `undefined` when nothing speaks against it. A limit that is null or absent is none.
 * @param brand as Hubble gives it (`GET /v1/partners/products/{id}`)
 * @param details as `merged` gives them
 */
export function whyRefused(brand: IDataObject, details: readonly Denomination[]): string | undefined {
	const { status, denominationType } = brand;
	const limits = objectOf(brand.amountRestrictions);
	const least = (name: string) => amountIn(limits[name]) ?? -Infinity;
	const most = (name: string) => amountIn(limits[name]) ?? Infinity;
	if (typeof status === 'string' && status !== 'ACTIVE') return `the brand is ${status}, so it cannot be ordered`;

	const fixed = numbersIn(limits.denominations ?? brand.denominations);
	const total = details.reduce((sum, { quantity }) => sum + quantity, 0);
	for (const { denomination, quantity } of details) {
		if (denominationType === 'FIXED' && fixed.length && !fixed.includes(denomination))
			return `the brand has no ${denomination}, only ${fixed.join(', ')}`;
		if (denomination < least('minVoucherAmount'))
			return `${denomination} is below the brand's minimum voucher amount of ${least('minVoucherAmount')}`;
		if (denomination > most('maxVoucherAmount'))
			return `${denomination} is above the brand's maximum voucher amount of ${most('maxVoucherAmount')}`;
		if (quantity > most('maxVouchersPerDenomination'))
			return `${quantity} vouchers of ${denomination} are more than the ${most('maxVouchersPerDenomination')} that the brand allows`;
	}
	if (details.length > most('maxDenominationsPerOrder'))
		return `${details.length} denominations are more than the ${most('maxDenominationsPerOrder')} that the brand allows in one order`;
	if (total > most('maxVouchersPerOrder'))
		return `${total} vouchers are more than the ${most('maxVouchersPerOrder')} that the brand allows in one order`;
	const amount = amountOf(details);
	if (amount < least('minOrderAmount'))
		return `the amount of ${amount} is below the brand's minimum order amount of ${least('minOrderAmount')}`;
	if (amount > most('maxOrderAmount'))
		return `the amount of ${amount} is above the brand's maximum order amount of ${most('maxOrderAmount')}`;
	return undefined;
}
