/** A Hubble API credential: its fields, checked and normalized. */
import type { IDataObject } from 'n8n-workflow';
import { RATE_LIMITS, WHOLE_UUID } from './endpoints';

export interface CredentialSettings {
	baseUrl: string;
	organizationId: string;
	token: string;
	/** Requests a second to one endpoint. */
	perSecond: number;
	/** Prefix of version 1 and 2 of the API. */
	prefixes: { v1: string; v2: string };
}

/**
 * Accepts what people paste: a host without a scheme, blanks, a path of the API; refuses anything else. The input may
 * contain a secret, so errors never quote it.
 */
function baseUrlOf(given: string): string {
	const text = given.trim();
	if (!text) throw new Error('The Base URL in the Hubble credential is empty');
	const url = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `https://${text}`;
	if (!URL.canParse(url))
		throw new Error('The Base URL in the Hubble credential is not an address such as https://api.hubble.com');
	const { protocol, username, password, search, hash, origin, pathname } = new URL(url);
	if (!/^https?:$/.test(protocol))
		throw new Error('The Base URL in the Hubble credential does not begin with https://');
	if (username || password) throw new Error('The Base URL in the Hubble credential contains a user name or password');
	if (search || hash) throw new Error('The Base URL in the Hubble credential contains a "?" or "#"');
	return origin + pathname.replace(/(?<!\/)\/+$/, '').replace(/\/(api(\/v2)?|v1|v2)(\/org.*)?$/, '');
}

/** The token in what was pasted, without blanks around it or a leading "Bearer". */
export const tokenOf = (pasted: string): string => pasted.trim().replace(/^Bearer\s+/i, '');

/**
 * Reads a credential. The two spellings of the API's paths are aliases (API definition, "Versioning").
 * Throws an Error that names the field which cannot be used; nothing of the token is in it.
 */
export function settingsOf(credential: IDataObject): CredentialSettings {
	const token = tokenOf(String(credential.apiToken ?? ''));
	const organizationId = String(credential.organizationId ?? '').trim();
	const perSecond = Number(credential.requestsPerSecond || RATE_LIMITS.endpoint);
	if (!token) throw new Error('The API Token in the Hubble credential is empty');
	if (/[^\x21-\x7e]/.test(token))
		throw new Error('The API Token in the Hubble credential contains a character that no token has, such as a space');
	if (!organizationId) throw new Error('The Organization ID in the Hubble credential is empty');
	if (!WHOLE_UUID.test(organizationId))
		throw new Error(
			'The Organization ID in the Hubble credential is not an ID such as 123e4567-e89b-12d3-a456-426614174000',
		);
	if (!(perSecond > 0)) throw new Error('The Requests per Second in the Hubble credential is not a number above 0');
	return {
		baseUrl: baseUrlOf(String(credential.baseUrl ?? '')),
		organizationId: organizationId.toLowerCase(),
		token,
		perSecond,
		prefixes: credential.apiPaths === 'versioned' ? { v1: '/v1', v2: '/v2' } : { v1: '/api', v2: '/api/v2' },
	};
}
