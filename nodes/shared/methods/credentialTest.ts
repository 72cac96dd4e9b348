/**
 * The test behind the credential's dialog. A function and not n8n's declarative test, which shows a bare
 * "ECONNREFUSED" when a host is down.
 */
import { sleep } from 'n8n-workflow';
import { objectOf } from '../client/json';
import { asError } from '../client/errors';
import type { ICredentialsDecrypted, ICredentialTestFunctions, INodeCredentialTestResult } from 'n8n-workflow';
import { settingsOf, type Settings } from '../client/credential';
import { endpoints, type Endpoint } from '../client/endpoints';
import { bothSpellings, READS } from '../client/scopes';

/** How long one request of the test may take, and the pause before the one more try after a 429. */
const TIMEOUT_MS = 10_000;
const BUSY_PAUSE_MS = 1_500;

interface Answer {
	statusCode: number;
	body: unknown;
}

type Ask = (endpoint: Endpoint, query?: string) => Promise<Answer>;

/** Asks once, and once more when Hubble is busy. */
function asker({ helpers }: ICredentialTestFunctions, { baseUrl, prefixes, organizationId, token }: Settings): Ask {
	const once = async ({ path }: Endpoint, query = ''): Promise<Answer> =>
		// The only request helper that n8n gives to credential tests.
		await helpers.request({
			uri: `${baseUrl}${path.replace('{org_id}', organizationId).replace(/^\/v1/, prefixes.v1)}${query}`,
			headers: { Authorization: `Bearer ${token}` },
			timeout: TIMEOUT_MS,
			followRedirect: false,
			simple: false,
			resolveWithFullResponse: true,
			json: true,
		});
	return async (endpoint, query) => {
		const answer = await once(endpoint, query);
		if (answer.statusCode !== 429) return answer;
		await sleep(BUSY_PAUSE_MS);
		return await once(endpoint, query);
	};
}

/** Why the reply to the check is no success; `undefined` when it is one. */
function whyRefused({ statusCode, body }: Answer, { baseUrl, organizationId }: Settings): string | undefined {
	const reply = typeof body === 'object' && body !== null ? objectOf(body) : {};
	const isHubbles = 'org_id' in reply || 'description' in reply || 'name' in reply;
	if (statusCode === 401) return 'Hubble does not accept this API Token: it is wrong, expired or revoked';
	if (statusCode === 429) return 'Hubble is busy with other requests of this organization. Test again in a few seconds';
	if (isHubbles && [400, 403, 404].includes(statusCode)) {
		return `The API Token does not belong to the organization ${organizationId}: check the Organization ID`;
	}
	if (!isHubbles || statusCode < 200 || statusCode >= 300) {
		return `${baseUrl} did not respond like the Hubble API (HTTP ${statusCode}): check the Base URL, or try again later`;
	}
	const owner = reply.org_id;
	if (typeof owner === 'string' && owner.toLowerCase() !== organizationId) {
		return `The API Token belongs to the organization ${owner}: enter that as Organization ID`;
	}
	return undefined;
}

/** What the key may not read, in words that name the scopes: all of them at once. */
async function lacking(ask: Ask): Promise<string[]> {
	const answers = await Promise.all(
		READS.map(async ({ endpoint, query }) => await ask(endpoint, query && `?${new URLSearchParams(query).toString()}`)),
	);
	return READS.flatMap(({ what, endpoint: { scope = '' } }, index) =>
		answers[index]?.statusCode === 403 ? [`${what} (${bothSpellings(scope)})`] : [],
	);
}

async function hubbleApiTest(
	this: ICredentialTestFunctions,
	credential: ICredentialsDecrypted,
): Promise<INodeCredentialTestResult> {
	const failed = (message: string): INodeCredentialTestResult => ({ status: 'Error', message });
	let settings: Settings;
	try {
		settings = settingsOf(credential.data ?? {});
	} catch (error) {
		return failed(asError(error).message);
	}
	const { baseUrl } = settings;
	try {
		const ask = asker(this, settings);
		const reason = whyRefused(await ask(endpoints.checkKey), settings);
		if (reason) return failed(reason);
		const missing = await lacking(ask);
		if (missing.length === READS.length) {
			return failed(
				`The token is valid but has no read scopes. Give the key the scopes it needs: ${missing.join(', ')}`,
			);
		}
		const without = missing.length ? `. The key may not read: ${missing.join(', ')}` : '';
		return { status: 'OK', message: `Hubble accepts the token for this organization${without}` };
	} catch (error) {
		const { code, cause } = objectOf(error);
		const reason = String(code ?? objectOf(cause).code ?? 'no response');
		return failed(`Could not reach ${baseUrl} (${reason}): check the Base URL and the network of this n8n server`);
	}
}

export const credentialTest = { hubbleApiTest };
