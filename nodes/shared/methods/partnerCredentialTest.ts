/** The test behind the partner credential's dialog: it logs in when it has what that takes. */
import type {
	ICredentialsDecrypted,
	ICredentialTestFunctions,
	IDataObject,
	INodeCredentialTestResult,
} from 'n8n-workflow';
import { asError } from '../client/errors';
import { objectOf } from '../client/json';
import { randomUUID } from 'node:crypto';
import { partnerEndpoints, partnerSettingsOf, type PartnerSettings } from '../client/partner';

const TIMEOUT_MS = 10_000;

interface Answer {
	statusCode: number;
	body: unknown;
}

async function logIn(
	{ helpers }: ICredentialTestFunctions,
	{ baseUrl, clientId, clientSecret }: PartnerSettings,
): Promise<Answer> {
	// The only request helper that n8n gives to credential tests.
	return await helpers.request({
		method: 'POST',
		uri: `${baseUrl}${partnerEndpoints.login.path}`,
		headers: { 'X-REQUEST-ID': randomUUID() },
		body: { clientId, clientSecret },
		timeout: TIMEOUT_MS,
		followRedirect: false,
		simple: false,
		resolveWithFullResponse: true,
		json: true,
	});
}

const isLoggedIn = ({ statusCode, body }: Answer) =>
	statusCode >= 200 && statusCode < 300 && typeof objectOf(body).token === 'string';

/** Why a login failed. The secret is never tried at another address than the one that the user chose. */
function whyRefused({ baseUrl }: PartnerSettings, { statusCode }: Answer): string {
	if (statusCode === 401)
		return `Hubble does not accept this Client ID and Client Secret at ${baseUrl}: the pair is wrong, or belongs to another environment`;
	if (statusCode === 403)
		return "Hubble does not allow calls from this n8n server: ask Hubble's staff to add its public IP address to the allow-list";
	return `${baseUrl} did not respond like the partner API (HTTP ${statusCode}): check the environment, or try again later`;
}

export async function hubblePartnerApiTest(
	this: ICredentialTestFunctions,
	{ data = {} }: ICredentialsDecrypted,
): Promise<INodeCredentialTestResult> {
	const credential: IDataObject = data;
	const failed = (message: string): INodeCredentialTestResult => ({ status: 'Error', message });
	const has = (name: string) => String(credential[name] ?? '').trim() !== '';
	if (!has('clientId') && !has('clientSecret')) {
		if (!has('webhookSecret') && !has('nextWebhookSecret'))
			return failed('Enter the Webhook Secret for the trigger, or the Client ID and Client Secret for the node');
		return { status: 'OK', message: 'The webhook secret is checked when the first event arrives' };
	}
	let settings: PartnerSettings;
	try {
		settings = partnerSettingsOf(credential);
	} catch (error) {
		return failed(asError(error).message);
	}
	try {
		const answer = await logIn(this, settings);
		if (!isLoggedIn(answer)) return failed(whyRefused(settings, answer));
		return { status: 'OK', message: 'Hubble accepts the Client ID and Client Secret' };
	} catch (error) {
		const { code, cause } = objectOf(error);
		const reason = String(code ?? objectOf(cause).code ?? 'no response');
		return failed(
			`Could not reach ${settings.baseUrl} (${reason}): check the environment and the network of this n8n server`,
		);
	}
}
