/**
 * The tests behind the credentials' dialogs. Functions and not n8n's declarative test, which shows a bare
 * "ECONNREFUSED" when a host is down.
 */
import { randomUUID } from 'node:crypto';
import {
	sleep,
	type ICredentialsDecrypted,
	type ICredentialTestFunctions,
	type IDataObject,
	type INodeCredentialTestResult,
} from 'n8n-workflow';
import { settingsOf } from '../client/credential';
import { endpoints, type Endpoint } from '../client/endpoints';
import { asError, hasErrorFormat } from '../client/errors';
import { objectOf } from '../client/json';
import { partnerEndpoints, partnerSettingsOf } from '../client/partner';
import { isSuccess } from '../client/request';
import { bothSpellings, READS } from '../client/scopes';

/** How long one request of a test may take, and the pause before the one more try after a 429. */
const TIMEOUT_MS = 10_000;
const BUSY_PAUSE_MS = 1_500;

interface Answer {
	statusCode: number;
	body: unknown;
}

/** Sends a request by the only helper that n8n gives to credential tests. */
const ask = async ({ helpers }: ICredentialTestFunctions, options: IDataObject): Promise<Answer> =>
	await helpers.request({
		timeout: TIMEOUT_MS,
		followRedirect: false,
		simple: false,
		resolveWithFullResponse: true,
		json: true,
		...options,
	});

const failed = (message: string): INodeCredentialTestResult => ({ status: 'Error', message });
const passed = (message: string): INodeCredentialTestResult => ({ status: 'OK', message });

/** The result of a test, or why the credential cannot be used or its server cannot be reached. */
async function tested<S extends { baseUrl: string }>(
	settingsIn: () => S,
	field: string,
	test: (settings: S) => Promise<INodeCredentialTestResult>,
): Promise<INodeCredentialTestResult> {
	let settings: S;
	try {
		settings = settingsIn();
	} catch (error) {
		return failed(asError(error).message);
	}
	try {
		return await test(settings);
	} catch (error) {
		const { code, cause } = objectOf(error);
		const reason = String(code ?? objectOf(cause).code ?? 'no response');
		return failed(
			`Could not reach ${settings.baseUrl} (${reason}): check the ${field} and the network of this n8n server`,
		);
	}
}

/** Why the reply to the check is no success; `undefined` when it is one. */
function whyRefused({ statusCode, body }: Answer, baseUrl: string, organizationId: string): string | undefined {
	const reply = objectOf(body);
	const isHubbles = 'org_id' in reply || hasErrorFormat(reply);
	if (statusCode === 401) return 'Hubble does not accept this API Token: it is wrong, expired or revoked';
	if (statusCode === 429) return 'Hubble is busy with other requests of this organization. Test again in a few seconds';
	if (isHubbles && [400, 403, 404].includes(statusCode)) {
		return `The API Token does not belong to the organization ${organizationId}: check the Organization ID`;
	}
	if (!isHubbles || !isSuccess(statusCode)) {
		return `${baseUrl} did not respond like the Hubble API (HTTP ${statusCode}): check the Base URL, or try again later`;
	}
	const owner = reply.org_id;
	if (typeof owner === 'string' && owner.toLowerCase() !== organizationId) {
		return `The API Token belongs to the organization ${owner}: enter that as Organization ID`;
	}
	return undefined;
}

async function hubbleApiTest(
	this: ICredentialTestFunctions,
	{ data = {} }: ICredentialsDecrypted,
): Promise<INodeCredentialTestResult> {
	return await tested(
		() => settingsOf(data),
		'Base URL',
		async ({ baseUrl, organizationId, prefixes, token }) => {
			const once = async ({ path }: Endpoint, qs?: IDataObject) => {
				const uri = baseUrl + path.replace('{org_id}', organizationId).replace(/^\/v1/, prefixes.v1);
				return await ask(this, { uri, qs, headers: { Authorization: `Bearer ${token}` } });
			};
			const patiently: typeof once = async (endpoint, qs) => {
				const answer = await once(endpoint, qs);
				if (answer.statusCode !== 429) return answer;
				await sleep(BUSY_PAUSE_MS);
				return await once(endpoint, qs);
			};
			const reason = whyRefused(await patiently(endpoints.checkKey), baseUrl, organizationId);
			if (reason) return failed(reason);
			// What did not answer in time says nothing about the key.
			const answers = await Promise.all(
				READS.map(async ({ endpoint, query }) => await patiently(endpoint, query).catch(() => undefined)),
			);
			// All that the key may not read at once, in words that name the scopes.
			const missing = READS.flatMap(({ what, endpoint: { scope = '' } }, index) =>
				answers[index]?.statusCode === 403 ? [`${what} (${bothSpellings(scope)})`] : [],
			).join(', ');
			if (answers.every((answer) => answer?.statusCode === 403))
				return failed(
					`The token is valid but has no read scopes. Give the key the scopes it needs: ${missing}. A key that only writes works without them`,
				);
			const without = missing && `. The key may not read: ${missing}`;
			return passed(`Hubble accepts the token for this organization${without}`);
		},
	);
}

export const credentialTest = { hubbleApiTest };

/** Logs in when the credential has what that takes. The secret is tried at no other address than the one that the user chose. */
export async function hubblePartnerApiTest(
	this: ICredentialTestFunctions,
	{ data = {} }: ICredentialsDecrypted,
): Promise<INodeCredentialTestResult> {
	const has = (name: string) => String(data[name] ?? '').trim() !== '';
	if (!has('clientId') && !has('clientSecret')) {
		if (has('webhookSecret') || has('nextWebhookSecret'))
			return passed('The webhook secret is checked when the first event arrives');
		return failed('Enter the Webhook Secret for the trigger, or the Client ID and Client Secret for the node');
	}
	return await tested(
		() => partnerSettingsOf(data),
		'environment',
		async ({ baseUrl, clientId, clientSecret }) => {
			const { statusCode, body } = await ask(this, {
				method: 'POST',
				uri: `${baseUrl}${partnerEndpoints.login.path}`,
				headers: { 'X-REQUEST-ID': randomUUID() },
				body: { clientId, clientSecret },
			});
			if (isSuccess(statusCode) && typeof objectOf(body).token === 'string')
				return passed('Hubble accepts the Client ID and Client Secret');
			if (statusCode === 401)
				return failed(
					`Hubble does not accept this Client ID and Client Secret at ${baseUrl}: the pair is wrong, or belongs to another environment`,
				);
			if (statusCode === 403)
				return failed(
					"Hubble does not allow calls from this n8n server: ask Hubble's staff to add its public IP address to the allow-list",
				);
			return failed(
				`${baseUrl} did not respond like the partner API (HTTP ${statusCode}): check the environment, or try again later`,
			);
		},
	);
}
