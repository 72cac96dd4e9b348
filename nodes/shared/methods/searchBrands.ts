/** The search behind the list of brands. */
import type { IDataObject, ILoadOptionsFunctions, INodeListSearchItems, INodeListSearchResult } from 'n8n-workflow';
import { entriesOf, isObject } from '../client/json';
import { brandPages, connectPartner } from '../client/partner';
import { leastOf, mostOf } from '../operation/values';

/** Pages of 100 brands that one search reads at most: n8n's dialog waits. */
const MOST_PAGES = 10;

/** What a voucher of a brand may be worth, e.g. '100 to 5,000'; '' when the brand does not tell. */
function priceRange(brand: IDataObject): string {
	const limits = isObject(brand.amountRestrictions) ? brand.amountRestrictions : brand;
	const bounds = [limits.minVoucherAmount, limits.maxVoucherAmount, ...entriesOf(limits.denominations)];
	const worth = bounds.filter((one) => one !== null && one !== undefined && one !== '').map(Number);
	if (!worth.length || worth.some(Number.isNaN)) return '';
	const [least, most] = [leastOf(worth), mostOf(worth)].map((amount) => amount.toLocaleString('en'));
	return least === most ? `${least}` : `${least} to ${most}`;
}

const entryOf = (brand: IDataObject) => {
	const about = [priceRange(brand), brand.status === 'INACTIVE' ? 'inactive' : ''].filter(Boolean).join(', ');
	const name = String(brand.title ?? brand.name ?? brand.id);
	return { name: about ? `${name} (${about})` : name, value: String(brand.id) };
};

/** Brands whose title or ID contains what was typed, each with its price range; those that cannot be ordered come last. */
export async function searchBrands(this: ILoadOptionsFunctions, filter = ''): Promise<INodeListSearchResult> {
	const hubble = await connectPartner(this);
	const wanted = filter.trim();
	const results: INodeListSearchResult['results'] = [];
	let looked = 0;
	for await (const { rows } of brandPages(hubble, wanted ? { q: wanted } : {})) {
		for (const entry of rows.map(entryOf)) {
			if (`${entry.name} ${entry.value}`.toLowerCase().includes(wanted.toLowerCase())) results.push(entry);
		}
		looked += 1;
		if (looked === MOST_PAGES) break;
	}
	const rank = ({ name }: INodeListSearchItems) => Number(/\binactive\)$/.test(name));
	return { results: results.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name)) };
}
