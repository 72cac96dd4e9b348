/** The organization behind a credential, as one run of a node sees it. */
import {
	NodeOperationError,
	type NodeApiError,
	type IDataObject,
	type IExecuteFunctions,
	type IHookFunctions,
	type ILoadOptionsFunctions,
	type IPollFunctions,
} from 'n8n-workflow';
import { LIMITS, newRateLimiter, type RateLimiter } from './rateLimiter';

/** Every place in n8n from which a node calls Hubble. */
export type Context = IExecuteFunctions | IHookFunctions | ILoadOptionsFunctions | IPollFunctions;

/**
 * The rate limiter of each organization, shared by all nodes, items and executions of this process: the limit
 * counts per organization, whoever calls.
 */
const rateLimiters = new Map<string, RateLimiter>();

/** One organization as one run sees it. */
export interface HubbleClient {
	context: Context;
	baseUrl: string;
	organizationId: string;
	/** Prefix of version 1 and 2 of the API. */
	prefixes: { v1: string; v2: string };
	rateLimiter: RateLimiter;
	/** Tells of a stopped execution. */
	signal?: AbortSignal;
	/** When the run must be over, on the clock of `performance.now()`: nothing waits or tries beyond it. */
	deadline?: number;
	/** Requests sent so far, tries included. */
	requests: number;
	/** The 401 by which Hubble refused the token in this run. */
	refusedToken?: NodeApiError;
	/** Takes the token out of a text that comes from outside. */
	redact: (text: string) => string;
}

/** What the credential says. The two spellings of the API's paths are aliases (API definition, "Versioning"). */
export function settingsOf(credential: IDataObject) {
	return {
		baseUrl: String(credential.baseUrl ?? '')
			.trim()
			.replace(/\/+$/, ''),
		organizationId: String(credential.organizationId ?? '').trim(),
		token: String(credential.apiToken ?? '').trim(),
		perSecond: Number(credential.requestsPerSecond) || LIMITS.endpoint,
		prefixes: credential.apiPaths === 'versioned' ? { v1: '/v1', v2: '/v2' } : { v1: '/api', v2: '/api/v2' },
	};
}

/** Reads the credential of the node. Throws when it is incomplete, before anything is sent. */
export async function connect(context: Context): Promise<HubbleClient> {
	const { baseUrl, organizationId, token, perSecond, prefixes } = settingsOf(await context.getCredentials('hubbleApi'));
	for (const [name, value] of Object.entries({
		'API Token': token,
		'Organization ID': organizationId,
		'Base URL': baseUrl,
	})) {
		if (!value) throw new NodeOperationError(context.getNode(), `The Hubble credential has no ${name}`);
	}
	const key = `${baseUrl} ${organizationId} ${perSecond}`;
	const rateLimiter = rateLimiters.get(key) ?? newRateLimiter(perSecond);
	rateLimiters.set(key, rateLimiter);
	return {
		context,
		baseUrl,
		organizationId,
		prefixes,
		rateLimiter,
		signal: 'getExecutionCancelSignal' in context ? context.getExecutionCancelSignal() : undefined,
		requests: 0,
		redact: (text) => text.split(token).join('***'),
	};
}
