/** What every node offers n8n's dialogs: the searches behind "From List" and the test of the credential. */
import {
	NodeApiError,
	type ICredentialsDecrypted,
	type ICredentialTestFunctions,
	type IDataObject,
	type ILoadOptionsFunctions,
	type INodeCredentialTestResult,
	type INodeListSearchResult,
	type INodePropertyOptions,
} from 'n8n-workflow';
import { connect, settingsOf } from '../client/client';
import { acceptedRows, fetchRows, pages, type List } from '../client/pages';
import { send } from '../client/request';
import { WHOLE_UUID } from '../operation/values';

/** Where a picker finds its entries: the call, the field with the ID, and what the user reads. */
interface Source {
	path: string;
	scope: string;
	list: List;
	id: string;
	label: (row: IDataObject) => string;
	/** The call that gets one entry by its ID, for lists that are too long to look through. */
	one?: { path: string; placeholder: string };
}

/** A search without a match gives up after so many pages: n8n's dialog waits for it. */
const MOST_PAGES = 10;

const searches = {
	searchApiKeys: {
		path: '/v1/org/{org_id}/key',
		scope: 'read-api-keys',
		list: { rows: 'keys', pages: 'one' },
		id: 'key_id',
		label: ({ key_name }) => text(key_name),
	},
	searchDevices: {
		path: '/v1/org/{org_id}/devices',
		scope: 'read-devices',
		list: { rows: 'devices', pages: 'token', pageSize: { name: 'limit', min: 10, max: 1000 } },
		id: 'id',
		label: ({ name }) => text(name),
		one: { path: '/v1/org/{org_id}/devices/{device_id}', placeholder: 'device_id' },
	},
	searchInvoices: {
		path: '/v1/org/{org_id}/billing/invoices',
		scope: 'read-billing-invoices',
		list: { rows: 'invoices', pages: 'one' },
		id: 'invoice_id',
		label: ({ invoice_number, status }) => text(invoice_number, status && `(${text(status).toLowerCase()})`),
	},
	searchUsers: {
		path: '/v1/org/{org_id}/users',
		scope: 'read-users',
		list: { rows: 'users', pages: 'number', pageSize: { name: 'page_size', min: 5, max: 100 } },
		id: 'user_id',
		label: ({ first_name, last_name, email }) => text(first_name, last_name, `(${text(email)})`),
	},
	searchWebhooks: {
		path: '/v1/org/{org_id}/webhooks',
		scope: 'read-webhooks',
		list: { rows: 'webhooks', pages: 'one' },
		id: 'webhook_id',
		label: ({ name, url }) => text(name, name ? `(${text(url)})` : url),
	},
} as const satisfies Record<string, Source>;

export type Search = keyof typeof searches;

/** What is there of the parts, in one line. */
const text = (...parts: unknown[]) => parts.filter(Boolean).join(' ');

/** Entries whose label or ID contains what was typed: Hubble cannot search, so its pages are compared here. */
function searchIn({ path, scope, list, id, label, one }: Source) {
	const entry = (row: IDataObject) => ({ name: label(row) || String(row[id]), value: String(row[id]) });
	return async function (
		this: ILoadOptionsFunctions,
		filter = '',
		paginationToken?: string,
	): Promise<INodeListSearchResult> {
		const hubble = await connect(this);
		const wanted = filter.trim().toLowerCase();
		if (one && WHOLE_UUID.test(wanted)) {
			const byId = { method: 'GET', path: one.path, scope, ids: { [one.placeholder]: wanted } } as const;
			const reply = await send(hubble, byId).catch(nothingWhenUnknown);
			return { results: reply?.body[id] ? [entry(reply.body)] : [] };
		}
		let looked = 0;
		const call = { method: 'GET', path, scope, token: paginationToken } as const;
		for await (const { rows, next } of pages(hubble, call, list, list.pageSize?.max)) {
			looked += 1;
			const results = [...acceptedRows(rows, list)]
				.map(entry)
				.filter(({ name, value }) => `${name} ${value}`.toLowerCase().includes(wanted));
			// n8n asks for the next page only when it has something to scroll.
			if (results.length || !next || looked === MOST_PAGES) return { results, paginationToken: next };
		}
		return { results: [] };
	};
}

/** What Hubble does not know is nothing found; any other failure stays one. */
async function nothingWhenUnknown(error: Error): Promise<undefined> {
	return error instanceof NodeApiError && error.httpCode === '404' ? undefined : await Promise.reject(error);
}

/** The scopes that the organization can give to a key. */
async function getScopes(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
	const call = { method: 'GET', path: '/v1/org/{org_id}/key_scopes', scope: 'read-api-keys' } as const;
	const hubble = await connect(this);
	const list: List = { rows: 'scopes', pages: 'one' };
	const { rows } = await fetchRows(hubble, call, list);
	const options = [...acceptedRows(rows, list)].map(({ scope_id, display_name }) => ({
		name: text(display_name) || String(scope_id),
		value: String(scope_id),
		description: String(scope_id),
	}));
	return options.sort((a, b) => a.name.localeCompare(b.name));
}

/** The time zones that this server knows; UTC is not among them on every version of Node.js. */
async function getTimezones(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
	const names = new Set(['UTC', ...Intl.supportedValuesOf('timeZone')]);
	return [...names].sort().map((name) => ({ name, value: name }));
}

/**
 * The test behind the credential's dialog: `GET …/org/{id}/check` with the token.
 * A function and not n8n's declarative test, which shows a bare "ECONNREFUSED" when a host is down.
 */
async function hubbleApiTest(
	this: ICredentialTestFunctions,
	credential: ICredentialsDecrypted,
): Promise<INodeCredentialTestResult> {
	const { baseUrl, organizationId, token, prefixes } = settingsOf(credential.data ?? {});
	const failed = (message: string): INodeCredentialTestResult => ({ status: 'Error', message });
	if (!token) return failed('The API Token is empty');
	if (!organizationId) return failed('The Organization ID is empty');
	const { helpers } = this;
	try {
		// The only request helper that n8n gives to credential tests.
		const { statusCode, body } = (await helpers.request({
			uri: `${baseUrl}${prefixes.v1}/org/${encodeURIComponent(organizationId)}/check`,
			headers: { Authorization: `Bearer ${token}` },
			timeout: 10_000,
			followRedirect: false,
			simple: false,
			resolveWithFullResponse: true,
			json: true,
		})) as { statusCode: number; body: unknown };
		const isHubbles =
			typeof body === 'object' && body !== null && ('org_id' in body || 'description' in body || 'name' in body);
		if (statusCode === 401) return failed('Hubble does not accept this API token: it is wrong, expired or revoked');
		if (isHubbles && statusCode >= 200 && statusCode < 300) {
			return { status: 'OK', message: 'Hubble accepts the token for this organization' };
		}
		if (isHubbles && [400, 403, 404].includes(statusCode)) {
			return failed(`The API token does not belong to the organization ${organizationId}: check the Organization ID`);
		}
		return failed(
			`${baseUrl} gave no answer of the Hubble API (HTTP ${statusCode}): check the Base URL, or try again later`,
		);
	} catch (error) {
		const { code, cause } = error as { code?: string; cause?: IDataObject };
		const reason = String(code ?? cause?.code ?? 'no answer');
		return failed(`${baseUrl} cannot be reached (${reason}): check the Base URL and the network of this n8n server`);
	}
}

const listSearch = Object.fromEntries(Object.entries(searches).map(([name, source]) => [name, searchIn(source)]));

export const methods = { listSearch, loadOptions: { getScopes, getTimezones }, credentialTest: { hubbleApiTest } };
