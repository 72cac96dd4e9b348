/** The organization behind a credential, as one run of a node sees it. */
import {
	NodeOperationError,
	type ICredentialsDecrypted,
	type IDataObject,
	type IExecuteFunctions,
	type IHookFunctions,
	type ILoadOptionsFunctions,
	type IPollFunctions,
	type NodeApiError,
} from 'n8n-workflow';
import { RATE_LIMITS, WHOLE_UUID } from './endpoints';
import type { Explanation, Failure } from './errors';
import { rateLimiterOf, type RateLimiter } from './rateLimiter';

/** Every place in n8n from which a node calls Hubble. */
export type Context = IExecuteFunctions | IHookFunctions | ILoadOptionsFunctions | IPollFunctions;

/**
 * The rate limiter of each organization at its host, shared by all credentials, nodes, items and executions of this
 * process: the limit counts per organization, whoever calls.
 */
const rateLimiters = new Map<string, RateLimiter>();

/** What a run has sent, and how long it waited to send it. */
export interface Traffic {
	/** Requests, tries included. */
	requests: number;
	/** Requests that wait for the rate limit now. */
	waiting: number;
	/** Since when the first of them does, on the clock of `performance.now()`. */
	waitingSince: number;
	/** How long the run has waited for the rate limit; requests that wait side by side count once. */
	waitedMs: number;
}

/** One organization as one run sees it. */
export interface HubbleClient {
	context: Context;
	baseUrl: string;
	organizationId: string;
	/** Prefix of version 1 and 2 of the API. */
	prefixes: { v1: string; v2: string };
	rateLimiter: RateLimiter;
	/** Requests a second to one endpoint, as the credential names them; see `nameRate`. */
	perSecond: number;
	/** Tells of a stopped execution. */
	signal?: AbortSignal;
	/** When the run must be over, on the clock of `performance.now()`: nothing waits or tries beyond it. */
	deadline?: number;
	/** Whether the run is a hook, which makes a few requests and has little time. */
	isUrgent?: boolean;
	/** What the run has sent so far; one object for all sessions of the run. */
	traffic: Traffic;
	/** What requests are sent with, read once: without it n8n reads and decrypts the credential anew for each. */
	credential?: ICredentialsDecrypted;
	/** Reads the credential again: its token may be replaced while a long run goes on. */
	renew?: () => Promise<void>;
	/** The token to send instead of the credential's; '' for none. */
	otherToken?: string;
	/** A service's own words for failures; `undefined` where the general ones fit. */
	explain?: (failure: Failure) => Explanation | undefined;
	/** What a partner logs in with (`partner.ts`). */
	partner?: { baseUrl: string; clientId: string; clientSecret: string };
	/** The 401 by which Hubble refused the token in this run. */
	refusedToken?: NodeApiError;
	/** Takes the secrets out of a text that comes from outside. */
	redact: (text: string) => string;
}

/** Takes every text of `secrets` out of a text, also those that are added later; the longest first, as one may hold another. */
export const redactor = (secrets: readonly string[]) => (text: string) =>
	[...secrets]
		.sort((a, b) => b.length - a.length)
		.reduce((redacted, secret) => (secret ? redacted.split(secret).join('***') : redacted), text);

export const noTraffic = (): Traffic => ({ requests: 0, waiting: 0, waitingSince: 0, waitedMs: 0 });

/** What the credential says, put right where that leaves no doubt. */
export interface Settings {
	baseUrl: string;
	organizationId: string;
	token: string;
	/** Requests a second to one endpoint. */
	perSecond: number;
	prefixes: { v1: string; v2: string };
}

/** A host without a scheme, blanks, and a path of the API itself are what people paste; anything else is named. */
function baseUrlOf(given: string): string {
	const text = given.trim();
	if (!text) throw new Error('The Base URL in the Hubble credential is empty');
	const url = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `https://${text}`;
	if (!URL.canParse(url)) {
		throw new Error(`The Base URL "${text}" in the Hubble credential is not an address such as https://api.hubble.com`);
	}
	const parsed = new URL(url);
	if (!/^https?:$/.test(parsed.protocol))
		throw new Error(`The Base URL "${text}" in the Hubble credential does not begin with https://`);
	if (parsed.username || parsed.password)
		throw new Error('The Base URL in the Hubble credential contains a user name or password');
	if (parsed.search || parsed.hash)
		throw new Error(`The Base URL "${text}" in the Hubble credential holds a "?" or "#"`);
	return parsed.origin + parsed.pathname.replace(/(?<!\/)\/+$/, '').replace(/\/(api(\/v2)?|v1|v2)(\/org.*)?$/, '');
}

/**
 * Reads a credential. The two spellings of the API's paths are aliases (API definition, "Versioning").
 * Throws an Error that names the field which cannot be used; nothing of the token is in it.
 */
export function settingsOf(credential: IDataObject): Settings {
	const token = String(credential.apiToken ?? '')
		.trim()
		.replace(/^Bearer\s+/i, '');
	const organizationId = String(credential.organizationId ?? '').trim();
	if (!token) throw new Error('The API Token in the Hubble credential is empty');
	if (/[^\x21-\x7e]/.test(token))
		throw new Error('The API Token in the Hubble credential contains a character that no token has, such as a space');
	if (!organizationId) throw new Error('The Organization ID in the Hubble credential is empty');
	if (!WHOLE_UUID.test(organizationId)) {
		throw new Error(
			`The Organization ID "${organizationId}" in the Hubble credential is not an ID such as 123e4567-e89b-12d3-a456-426614174000`,
		);
	}
	return {
		baseUrl: baseUrlOf(String(credential.baseUrl ?? '')),
		organizationId: organizationId.toLowerCase(),
		token,
		perSecond: Number(credential.requestsPerSecond) || RATE_LIMITS.endpoint,
		prefixes: credential.apiPaths === 'versioned' ? { v1: '/v1', v2: '/v2' } : { v1: '/api', v2: '/api/v2' },
	};
}

/** Reads the credential of the node. Throws when it cannot be used, before anything is sent. */
export async function connect(context: Context): Promise<HubbleClient> {
	const data = await context.getCredentials('hubbleApi');
	let settings: Settings;
	try {
		settings = settingsOf(data);
	} catch (error) {
		throw new NodeOperationError(context.getNode(), error as Error, {
			description: 'Open the credential, correct the field, and test it there. Nothing was sent.',
		});
	}
	const { baseUrl, organizationId, token, perSecond, prefixes } = settings;
	const credential: ICredentialsDecrypted = { id: '', name: '', type: 'hubbleApi', data };
	const tokens = [token];
	return {
		context,
		baseUrl,
		organizationId,
		prefixes,
		rateLimiter: rateLimiterOf(rateLimiters, `${new URL(baseUrl).host} ${organizationId}`, performance.now()),
		perSecond,
		signal: 'getExecutionCancelSignal' in context ? context.getExecutionCancelSignal() : undefined,
		traffic: noTraffic(),
		credential,
		renew: async () => {
			const newer = await context.getCredentials('hubbleApi');
			const now = settingsOf(newer);
			// The run calls the same address to its end, and a token goes nowhere but where its credential says.
			if (now.baseUrl !== baseUrl || now.organizationId !== organizationId || tokens.includes(now.token)) return;
			tokens.push(now.token);
			credential.data = newer;
		},
		redact: redactor(tokens),
	};
}

/** The same organization by another token, such as one that is to be tried. It has its own 401, and the same limits. */
export const withToken = (hubble: HubbleClient, token: string): HubbleClient => ({
	...hubble,
	otherToken: token,
	refusedToken: undefined,
	redact: (text) => redactor([token])(hubble.redact(text)),
});
