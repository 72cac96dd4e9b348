/** The searches behind "From List". */
import type { IDataObject, ILoadOptionsFunctions, INodeListSearchItems, INodeListSearchResult } from 'n8n-workflow';
import { ifThere } from '../client/errors';
import { connect } from '../client/client';
import { endpoints, WHOLE_UUID, type Endpoint, type ListFacts } from '../client/endpoints';
import { acceptedRows, pages } from '../client/pages';
import type { Search } from '../operation/fields';
import { isoTime } from '../operation/times';

interface Picker {
	endpoint: Endpoint & { list: ListFacts };
	/** The field with the ID. */
	id: string;
	label: (row: IDataObject) => string;
	/** The time by which entries are sorted, the newest first; without one they are sorted by their labels. */
	newestBy?: string;
	/** The call that gets one entry by its ID, for lists that are too long to look through, and its placeholder. */
	one?: { endpoint: Endpoint; placeholder: string };
}

/** A search ends after so many matches, or so many pages: n8n's dialog waits. */
const ENOUGH = 20;
const MOST_PAGES = 10;

const text = (...parts: unknown[]) => parts.filter(Boolean).join(' ');

/** Entries whose label or ID contains what was typed: Hubble cannot search, so its pages are compared here. */
function searchIn({ endpoint, id, label, newestBy, one }: Picker) {
	const { list } = endpoint;
	const entry = (row: IDataObject) => ({ name: label(row) || String(row[id]), value: String(row[id]) });
	return async function (
		this: ILoadOptionsFunctions,
		filter = '',
		paginationToken?: string,
	): Promise<INodeListSearchResult> {
		const hubble = await connect(this);
		const wanted = filter.trim().toLowerCase();
		if (one && WHOLE_UUID.test(wanted)) {
			const byId = { endpoint: one.endpoint, ids: { [one.placeholder]: wanted } };
			const reply = await ifThere(hubble.send(byId));
			return { results: reply?.body[id] ? [entry(reply.body)] : [] };
		}
		const call = { endpoint, continuationToken: paginationToken };
		const found: INodeListSearchItems[] = [];
		let looked = 0;
		let next: string | undefined;
		for await (const page of pages(hubble, call, list, list.pageSize?.max)) {
			next = page.next;
			looked += 1;
			const rows = [...acceptedRows(page.rows, list)];
			if (newestBy) rows.sort((a, b) => Number(b[newestBy]) - Number(a[newestBy]));
			const isMatch = ({ name, value }: INodeListSearchItems) => `${name} ${value}`.toLowerCase().includes(wanted);
			for (const one of rows.map(entry)) if (isMatch(one)) found.push(one);
			if (found.length >= ENOUGH || looked === MOST_PAGES) break;
		}
		if (!newestBy) found.sort((a, b) => a.name.localeCompare(b.name));
		// n8n asks for the next page when the user scrolls to the end, so there must be an end to scroll to.
		if (next && !found.length) found.push(goOn(looked * (list.pageSize?.max ?? 1)));
		return { results: found, paginationToken: next };
	};
}

/** The entry that says how far a search without a match has looked; choosing it is refused as it is no ID. */
const goOn = (rows: number): INodeListSearchItems => ({
	name: `No match among ${rows.toLocaleString('en')}. Type more of the name, or use By ID`,
	value: '',
});

export const listSearch = {
	searchApiKeys: searchIn({ endpoint: endpoints.listKeys, id: 'key_id', label: ({ key_name }) => text(key_name) }),
	searchDevices: searchIn({
		endpoint: endpoints.listDevices,
		id: 'id',
		label: ({ name }) => text(name),
		one: { endpoint: endpoints.getDevice, placeholder: 'device_id' },
	}),
	searchInvoices: searchIn({
		endpoint: endpoints.listInvoices,
		id: 'invoice_id',
		label: ({ invoice_number, issue_timestamp: issued, total_balance: total, status }) =>
			[
				invoice_number,
				typeof issued === 'number' && isoTime(issued)?.slice(0, 10),
				text(
					typeof total === 'number' && total.toFixed(2),
					status && `(${status === 'COMPLETED' ? 'paid' : text(status).toLowerCase()})`,
				),
			]
				.filter(Boolean)
				.join(' · '),
		newestBy: 'issue_timestamp',
	}),
	searchUsers: searchIn({
		endpoint: endpoints.listUsers,
		id: 'user_id',
		label: ({ first_name, last_name, email }) =>
			first_name || last_name ? text(first_name, last_name, `(${text(email)})`) : text(email),
	}),
	searchWebhooks: searchIn({
		endpoint: endpoints.listWebhooks,
		id: 'webhook_id',
		label: ({ name, url }) => text(name, name ? `(${text(url)})` : url),
	}),
} satisfies Record<Search, ReturnType<typeof searchIn>>;
