/** Hubble's gift-card service behind a partner credential: another host, a session of its own, other words for errors. */
import { createHash } from 'node:crypto';
import { NodeApiError, NodeOperationError, type IDataObject, type IExecuteFunctions } from 'n8n-workflow';
import { HubbleClient, noTraffic, sessionOf } from './client';
import { clockOf } from './clock';
import type { Endpoint } from './endpoints';
import { copyOf, unchanged, type Explanation, type Failure } from './errors';
import { rateLimiterOf, type RateLimiter } from './rateLimiter';
import type { Call, Reply } from './request';

/** Hubble's two environments (partner documentation, "Environments"). */
export const PARTNER_HOSTS: Readonly<Record<string, string>> = {
	staging: 'https://api.dev.myhubble.money',
	production: 'https://api.myhubble.money',
};

/** The calls of the partner documentation. None of them has a scope. */
export const partnerEndpoints = {
	login: { method: 'POST', path: '/v1/partners/auth/login', isRepeatable: true, replyHas: { token: 'text' } },
	listBrands: {
		method: 'GET',
		path: '/v1/partners/products',
		list: { rows: 'data', pages: 'one' },
		replyHas: { data: 'list' },
	},
	getBrand: { method: 'GET', path: '/v1/partners/products/{brand_id}', replyHas: { id: 'text' } },
	placeOrder: { method: 'POST', path: '/v1/partners/orders', replyHas: { id: 'text' } },
	getOrder: { method: 'GET', path: '/v1/partners/orders/{order_id}', replyHas: { id: 'text' } },
	getOrderByReference: {
		method: 'GET',
		path: '/v1/partners/orders/by-reference/{reference}',
		replyHas: { id: 'text' },
	},
	getBalance: { method: 'GET', path: '/v1/partners/wallet/balance', replyHas: { balance: 'number' } },
} as const satisfies Record<string, Endpoint>;

/** What a partner credential says of logging in. */
export interface PartnerSettings {
	baseUrl: string;
	clientId: string;
	clientSecret: string;
}

/** Reads a partner credential. Throws an Error that names the field which is missing or cannot be used. */
export function partnerSettingsOf(credential: IDataObject): PartnerSettings {
	const text = (name: string) => String(credential[name] ?? '').trim();
	const [clientId, clientSecret] = [text('clientId'), text('clientSecret')];
	if (!clientId) throw new Error("The Hubble Partner API credential has no 'Client ID'");
	if (!clientSecret) throw new Error("The Hubble Partner API credential has no 'Client Secret'");
	const given = PARTNER_HOSTS[text('environment') || 'production'] ?? text('baseUrl');
	const { protocol, origin, pathname, username, search, hash } = URL.canParse(given) ? new URL(given) : ({} as URL);
	if (!/^https?:$/.test(protocol) || username || search || hash)
		throw new Error("The 'Base URL' in the Hubble Partner API credential is not an address such as https://host");
	return { baseUrl: origin + pathname.replace(/(?<!\/)\/+$/, ''), clientId, clientSecret };
}

interface Session {
	token: string;
	/** On the clock of `performance.now()`. */
	endsAt: number;
}

/** Sessions by the credential's content, shared by all executions of this process. One that is being fetched counts. */
const sessions = new Map<string, Promise<Session>>();

/** How many sessions are kept, and how long before its end a session is replaced. */
const MOST_SESSIONS = 100;
const MARGIN_MS = 60_000;

/** How long a session lasts when the reply does not tell: typically an hour, so this is safely less. */
const DEFAULT_SESSION_S = 600;

const rateLimiters = new Map<string, RateLimiter>();

/** The documents name no limit; this many requests a second to one endpoint are sent until a 429 says otherwise. */
const PER_SECOND = 20;

const keyOf = ({ baseUrl, clientId, clientSecret }: PartnerSettings) =>
	createHash('sha256')
		.update(JSON.stringify([baseUrl, clientId, clientSecret]))
		.digest('hex');

/** The documented codes of errors, as what the user can do about them. */
function remedyOf(code: string): string {
	if (/^E10[0-2]$/.test(code)) return 'The brand cannot be ordered now. Get it, or get the active brands.';
	if (/^E15\d$/.test(code)) return "Compare the denominations and their counts with the brand's 'amountRestrictions'.";
	if (code === 'E300') return 'The balance of the wallet is too low. Top it up.';
	return "Compare the parameters with Hubble's answer.";
}

/** What a failure of the partner service means; `undefined` where the general words fit. */
function explainPartner({ status, ids, errorCode, said, baseUrl }: Failure): Explanation | undefined {
	const [name, id] = Object.entries(ids).at(-1) ?? [];
	if (status === 401) {
		return {
			message: 'Hubble does not accept the client ID and secret',
			remedy: 'They are wrong, or belong to the other environment. Test the Hubble Partner API credential.',
		};
	}
	if (status === 403) {
		return {
			message: 'Hubble does not allow calls from the address of this n8n',
			remedy: "Ask Hubble's staff to add the public IP address of this n8n server to the allow-list.",
		};
	}
	if (status === 404 && errorCode && name) {
		return {
			message: `Hubble knows no ${name === 'reference' ? 'order with the reference' : name.replace(/_id$/, '')} ${id}`,
			remedy: 'It may belong to the other environment.',
		};
	}
	// Only Hubble's own errors have a code: what a proxy answers is not taken for its word.
	if (status !== undefined && status >= 400 && status < 500 && status !== 429 && errorCode) {
		const reason = said ? `: ${said.replace(/\.$/, '')}` : '';
		return {
			message: `Hubble refused the request (${errorCode})${reason}`,
			remedy: remedyOf(errorCode),
		};
	}
	if (status !== undefined && status < 500 && status !== 429) {
		return {
			message: `The reply is not from Hubble's partner API (HTTP ${status})`,
			remedy: `Check the environment in the Hubble Partner API credential; it leads to ${baseUrl}.`,
		};
	}
	return undefined;
}

/** The session of a partner. Logs in, unless somebody did or is doing so. */
async function loginOf(hubble: HubbleClient, settings: PartnerSettings): Promise<Session> {
	const key = keyOf(settings);
	const known = sessions.get(key);
	const session = await known?.catch(() => undefined);
	if (session && session.endsAt > performance.now()) return session;
	const newer = sessions.get(key);
	if (newer && newer !== known) return await newer;
	const fetched = logIn(hubble, settings);
	sessions.delete(key);
	sessions.set(key, fetched);
	// A failed login is not kept: the next call tries again.
	fetched.catch(() => sessions.get(key) === fetched && sessions.delete(key));
	for (const [oldest] of sessions) {
		if (sessions.size <= MOST_SESSIONS) break;
		sessions.delete(oldest);
	}
	return await fetched;
}

async function logIn(hubble: HubbleClient, { clientId, clientSecret }: PartnerSettings): Promise<Session> {
	// Others wait for this login, so it is not ended with the execution that began it.
	const { context, traffic } = hubble.run;
	const own = new HubbleClient(hubble.service, { context, traffic }, sessionOf(context, [clientSecret]));
	const { body } = await own.send({ endpoint: partnerEndpoints.login, body: { clientId, clientSecret } });
	const lastsMs = (Number(body.expiresInSecs) || DEFAULT_SESSION_S) * 1000;
	const margin = Math.min(MARGIN_MS, lastsMs / 10);
	return { token: String(body.token), endsAt: performance.now() + lastsMs - margin };
}

/** The partner behind the credential of the node. Nothing is sent yet. Throws when the credential cannot be used. */
export async function connectPartner(context: IExecuteFunctions): Promise<HubbleClient> {
	let settings: PartnerSettings;
	try {
		settings = partnerSettingsOf(await context.getCredentials('hubblePartnerApi'));
	} catch (error) {
		throw new NodeOperationError(context.getNode(), error as Error, {
			description: 'Open the credential, correct the field, and test it there. Nothing was sent.',
		});
	}
	const { baseUrl, clientId, clientSecret } = settings;
	const { host } = new URL(baseUrl);
	return new HubbleClient(
		{
			baseUrl,
			organizationId: '',
			prefixes: { v1: '/v1', v2: '/v2' },
			rateLimiter: rateLimiterOf(rateLimiters, `${host} ${clientId}`, performance.now()),
			perSecond: PER_SECOND,
			clock: clockOf(host),
			explain: explainPartner,
			partner: settings,
		},
		{ context, signal: context.getExecutionCancelSignal(), traffic: noTraffic() },
		sessionOf(context, [clientSecret]),
	);
}

/**
 * One call in the partner's session, which is renewed once when Hubble refuses it: a 401 means that nothing was done.
 * Throws what `send` throws.
 */
export async function sendAsPartner(hubble: HubbleClient, call: Call): Promise<Reply> {
	const { partner } = hubble.service;
	if (!partner) throw new Error('The client is not one of the partner API');
	for (let tries = 1; ; tries++) {
		const { token } = await sessionInRun(hubble, partner);
		try {
			return await hubble.as(token).send(call);
		} catch (error) {
			if (!(error instanceof NodeApiError) || error.httpCode !== '401' || tries > 1) throw unchanged(error);
			await forget(partner, token);
		}
	}
}

/** The session, asked for no more in a run in which the client ID and secret were refused: it may have many items. */
async function sessionInRun(hubble: HubbleClient, partner: PartnerSettings): Promise<Session> {
	hubble.throwIfRefused();
	try {
		return await loginOf(hubble, partner);
	} catch (error) {
		if (error instanceof NodeApiError && error.httpCode === '401') hubble.session.refusedToken = copyOf(error);
		// All who waited for the login get this error, and each adds what it was about.
		throw error instanceof NodeApiError || error instanceof NodeOperationError ? copyOf(error) : unchanged(error);
	}
}

/** Drops a session that was refused, unless somebody has renewed it already. */
async function forget(partner: PartnerSettings, token: string): Promise<void> {
	const key = keyOf(partner);
	const current = sessions.get(key);
	const session = await current?.catch(() => undefined);
	if (session?.token === token && sessions.get(key) === current) sessions.delete(key);
}
