/** What every node offers n8n's dialogs: the searches behind "From List" and the test of the credential. */
import type {
	ICredentialsDecrypted,
	ICredentialTestFunctions,
	IDataObject,
	ILoadOptionsFunctions,
	INodeCredentialTestResult,
	INodeListSearchResult,
} from 'n8n-workflow';
import { connect, pages, settingsOf } from './transport';

/** Devices whose name or ID contains `filter`: one page of Hubble's list at a time, compared here. */
async function searchDevices(
	this: ILoadOptionsFunctions,
	filter = '',
	paginationToken?: string,
): Promise<INodeListSearchResult> {
	const hubble = await connect(this);
	const call = { method: 'GET', path: '/v1/org/{org_id}/devices', scope: 'read-devices', token: paginationToken } as const;
	const list = { rows: 'devices', pages: 'token', pageSize: { name: 'limit', min: 10, max: 1000 } } as const;
	const wanted = filter.toLowerCase();
	for await (const { rows, next } of pages(hubble, call, list, 1000)) {
		const results = rows
			.map(({ id, name }) => ({ name: String(name || id), value: String(id) }))
			.filter((device) => device.name.toLowerCase().includes(wanted) || device.value.includes(wanted));
		// n8n asks for the next page only when it has something to scroll.
		if (results.length || !next) return { results, paginationToken: next };
	}
	return { results: [] };
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
	const { helpers } = this;
	try {
		// The only request helper that n8n gives to credential tests.
		const { statusCode } = (await helpers.request({
			uri: `${baseUrl}${prefixes.v1}/org/${encodeURIComponent(organizationId)}/check`,
			headers: { Authorization: `Bearer ${token}` },
			timeout: 10_000,
			followRedirect: false,
			simple: false,
			resolveWithFullResponse: true,
		})) as { statusCode: number };
		if (statusCode >= 200 && statusCode < 300) return { status: 'OK', message: 'Hubble accepts the token for this organization' };
		if (statusCode === 401) return failed('Hubble does not accept this API token: it is wrong, expired or revoked');
		if ([400, 403, 404].includes(statusCode)) {
			return failed(`The API token does not belong to the organization ${organizationId}: check the Organization ID`);
		}
		return failed(`${baseUrl} answered with HTTP ${statusCode}: check the Base URL, or try again later`);
	} catch (error) {
		const { code, cause } = error as { code?: string; cause?: IDataObject };
		const reason = String(code ?? cause?.code ?? 'no answer');
		return failed(`${baseUrl} cannot be reached (${reason}): check the Base URL and the network of this n8n server`);
	}
}

export const methods = { listSearch: { searchDevices }, credentialTest: { hubbleApiTest } };
