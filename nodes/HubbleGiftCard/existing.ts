/** Whether an order that Hubble has under a reference is the one that is asked for. Pure: nothing is sent. */
import type { IDataObject } from 'n8n-workflow';
import { isObject, objectOf, rowsOf } from '../shared/client/json';
import { amountIn, type Denomination } from './denominations';
import { personIn, type Errand } from './reference';

/** '100, 100, 500' for what vouchers are worth, in ascending order; '' when one does not tell. */
function worthOf(amounts: ReadonlyArray<number | undefined>): string {
	if (amounts.some((amount) => amount === undefined)) return '';
	return [...amounts].sort((a = 0, b = 0) => a - b).join(', ');
}

const each = (details: readonly Denomination[]) =>
	details.flatMap(({ denomination, quantity }) => Array<number>(quantity).fill(denomination));

const isSameName = (...names: string[]) => new Set(names.map((name) => name.replace(/\s+/g, ' '))).size === 1;

/** What an order says of itself beside its vouchers, by the names that documents of any age have for it. */
function saidOf(order: IDataObject) {
	const product = objectOf(order.product);
	const person = [order.customerDetails, order.deliveryDetails, order.recipientDetails].find(isObject) ?? {};
	return {
		brand: order.productId ?? order.brandId ?? product.id,
		amount: amountIn(order.amount),
		person,
		worth: order.status === 'SUCCESS' ? worthOf(rowsOf(order.vouchers).map(({ amount }) => amountIn(amount))) : '',
	};
}

/**
 * What about an order contradicts what is asked: brand, sum, vouchers or customer. The documents promise only the
 * vouchers of a reply; whatever else is there is compared, too. `undefined` when nothing does.
 * @param order as Hubble gives it
 * @param isOurs whether this execution sent it: then its amount may be less, what the wallet paid after the brand's
 *   discount. It may also be less where the vouchers are worth what is asked
 */
export function contradictionOf(order: IDataObject, errand: Errand, isOurs: boolean): string | undefined {
	const { brandId, amount, details, request, reference } = errand;
	const { customerDetails, discountAmount } = objectOf(request.body);
	const said = saidOf(order);
	if (order.referenceId !== undefined && order.referenceId !== null && String(order.referenceId) !== reference)
		return `it has the reference ${String(order.referenceId)}`;
	// Nobody else can have a reference that was made here: what differs is only how Hubble writes it.
	const mayBeOther = !errand.isMade;
	if (mayBeOther && said.brand !== undefined && said.brand !== null && String(said.brand) !== brandId)
		return `it is for the brand ${String(said.brand)}`;
	// Whether an order's amount is given before or after its discount is not documented.
	const sums = [amount, amount - Number(discountAmount ?? 0)];
	const isOtherSum = said.amount !== undefined && !sums.some((sum) => Math.abs(sum - Number(said.amount)) < 0.005);
	const isWorth = said.worth === worthOf(each(details));
	const mayBeLess = (isOurs || isWorth) && Number(said.amount) <= amount;
	if (mayBeOther && isOtherSum && !mayBeLess) return `its amount is ${said.amount}`;
	if (said.worth !== '' && !isWorth) return `its vouchers are worth ${said.worth}`;
	const [theirs, ours] = [personIn(said.person), personIn(objectOf(customerDetails))];
	// One may have the country code, and the other not.
	const isOtherPhone = !ours.phone.endsWith(theirs.phone) && !theirs.phone.endsWith(ours.phone);
	// A phone number may have been corrected: with an email it does not count. A name counts where it is all that is asked.
	const isNamed = !ours.email && !ours.phone && Boolean(ours.name && theirs.name);
	const isOtherName = isNamed && !isSameName(theirs.name, ours.name);
	const isOther = theirs.email && ours.email ? theirs.email !== ours.email : isOtherPhone || isOtherName;
	return mayBeOther && isOther ? 'it is for another customer' : undefined;
}
