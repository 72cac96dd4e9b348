/** The tests behind the credentials' dialogs. */
import type {
	ICredentialsDecrypted,
	ICredentialTestFunctions,
	IDataObject,
	INodeCredentialTestResult,
} from 'n8n-workflow';
import { settingsOf } from '../client/client';

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

export const credentialTest = { hubbleApiTest };
