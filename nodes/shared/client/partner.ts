/** Hubble's gift-card service behind a partner credential: its own host, login and error messages. */
import { hash } from 'node:crypto';
import { NodeApiError, type IDataObject } from 'n8n-workflow';
import {
	credentialOf,
	HubbleClient,
	newRun,
	sessionOf,
	sharedBy,
	type Context,
	type Run,
	type Service,
	type Session,
} from './client';
import type { Endpoint } from './endpoints';
import { asError, copyOf, isNodeError, RepeatedToken, statusOf, type Explanation, type Failure } from './errors';
import { rowsOf } from './json';

/** Hubble's two environments (partner documentation, "Environments"). */
const PARTNER_HOSTS: Readonly<Record<string, string>> = {
	staging: 'https://api.dev.myhubble.money',
	production: 'https://api.myhubble.money',
};

const order = { replyHas: { id: 'text' } } as const;

/**
 * The calls of the partner documentation; docs/nodes.md says which are known only from client code. None has a scope.
 */
export const partnerEndpoints = {
	login: { method: 'POST', path: '/v1/partners/auth/login', isRepeatable: true, replyHas: { token: 'text' } },
	listBrands: {
		method: 'GET',
		path: '/v1/partners/products',
		list: { rows: 'data', pages: 'one' },
		replyHas: { data: 'list' },
	},
	getBrand: { method: 'GET', path: '/v1/partners/products/{brand_id}', replyHas: { id: 'text' } },
	placeOrder: { method: 'POST', path: '/v1/partners/orders', ...order },
	getOrder: { method: 'GET', path: '/v1/partners/orders/{order_id}', ...order },
	getOrderByReference: { method: 'GET', path: '/v1/partners/orders/by-reference/{reference}', ...order },
	resendDelivery: { method: 'POST', path: '/v1/partners/orders/{order_id}/resend-delivery' },
	getVoucher: { method: 'GET', path: '/v1/partners/orders/vouchers/{voucher_id}', replyHas: { id: 'text' } },
	getBalance: { method: 'GET', path: '/v1/partners/wallet/balance', replyHas: { balance: 'number' } },
} as const satisfies Record<string, Endpoint>;

/** Reads a partner credential. Throws an Error that names the field which is missing or cannot be used. */
export function partnerSettingsOf(credential: IDataObject) {
	const text = (name: string) => String(credential[name] ?? '').trim();
	const [clientId, clientSecret] = [text('clientId'), text('clientSecret')];
	if (!clientId) throw new Error("The Hubble Partner API credential has no 'Client ID'");
	if (!clientSecret) throw new Error("The Hubble Partner API credential has no 'Client Secret'");
	const given = PARTNER_HOSTS[text('environment') || 'production'] ?? text('baseUrl');
	const url = URL.canParse(given) ? new URL(given) : undefined;
	if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash)
		throw new Error("The 'Base URL' in the Hubble Partner API credential is not an address such as https://host");
	return { baseUrl: url.origin + url.pathname.replace(/(?<!\/)\/+$/, ''), clientId, clientSecret };
}

/** The documents name no limit; this many requests a second to one endpoint are sent until a 429 says otherwise. */
export const PER_SECOND = 20;

/** What the user can do about the documented error codes. */
const REMEDIES: ReadonlyArray<[codes: RegExp, remedy: string]> = [
	[/^E10[0-2]$/, 'The brand cannot be ordered now. Check its status with Brand: Get, or choose an active brand.'],
	[/^E15\d$/, "Compare the denominations and their counts with the brand's 'amountRestrictions'."],
	[/^E300$/, 'The balance of the wallet is too low. Top up the wallet.'],
];

const checkEnvironment = (baseUrl: string) =>
	`Check the environment in the Hubble Partner API credential (${baseUrl}).`;

/** What a failure of the partner service means; `undefined` where the general words fit. */
function explainPartner({ status = 500, ids, errorCode, said, baseUrl }: Failure): Explanation | undefined {
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
	if (status >= 500 || status === 429) return undefined;
	// Only Hubble's own errors have a code; without one, a proxy may have answered.
	if (!errorCode) {
		return {
			message: `The response is not from Hubble's partner API (HTTP ${status})`,
			remedy: checkEnvironment(baseUrl),
		};
	}
	const [name, id] = Object.entries(ids).at(-1) ?? [];
	if (name && (status === 404 || errorCode === 'E001')) {
		return {
			message: `Hubble has no ${name === 'reference' ? 'order with the reference' : `${name.replace(/_id$/, '')} with the ID`} ${id}`,
			remedy: 'It may belong to the other environment.',
		};
	}
	const reason = said ? `: ${said.replace(/\.$/, '')}` : '';
	const [, remedy = "Compare the parameters with Hubble's answer."] =
		REMEDIES.find(([codes]) => codes.test(errorCode)) ?? [];
	return { message: `Hubble rejected the request (${errorCode})${reason}`, remedy };
}

interface Login {
	token: string;
	/** On the clock of `performance.now()`; 0 once Hubble has refused it. */
	endsAt: number;
}

/** Logins by the credential's content, shared by all executions of this process. Includes those in progress. */
const logins = new Map<string, Promise<Login>>();

/** How many logins are kept, and how long before its end one is replaced. */
const MOST_LOGINS = 100;
const MARGIN_MS = 60_000;

/** How long a login lasts if the reply does not say: typically an hour, so this is on the safe side. */
const DEFAULT_LOGIN_S = 600;

async function loginOf(key: string, logIn: () => Promise<Login>): Promise<Login> {
	const known = logins.get(key);
	const login = await known?.catch(() => undefined);
	if (login && login.endsAt > performance.now()) return login;
	// Another call may have started a login meanwhile.
	const other = logins.get(key);
	if (other && other !== known) return await other;
	const next = logIn();
	logins.delete(key);
	logins.set(key, next);
	const [oldest = ''] = logins.keys();
	if (logins.size > MOST_LOGINS) logins.delete(oldest);
	return await next;
}

/** Each call goes out with the token of a login, which is renewed when it ends, and when Hubble refuses it. */
function partnerSession(
	service: Service,
	{ context, traffic, outage }: Run,
	settings: ReturnType<typeof partnerSettingsOf>,
): Session {
	const { clientId, clientSecret } = settings;
	const key = hash('sha256', JSON.stringify(settings));
	// Other executions may wait for this login, so stopping the one that began it does not abort it.
	const own = new HubbleClient(service, { context, traffic, outage }, sessionOf(context, [clientSecret], false));
	const logIn = async (): Promise<Login> => {
		const { body } = await own.send({ endpoint: partnerEndpoints.login, body: { clientId, clientSecret } });
		const lastsMs = (Number(body.expiresInSecs) || DEFAULT_LOGIN_S) * 1000;
		return { token: String(body.token), endsAt: performance.now() + lastsMs - Math.min(MARGIN_MS, lastsMs / 10) };
	};
	const secrets = [clientSecret];
	const session: Session = {
		...sessionOf(context, secrets),
		async open() {
			try {
				const { token } = await loginOf(key, logIn);
				if (token !== secrets.at(-1)) secrets.push(token);
			} catch (error) {
				if (error instanceof NodeApiError && statusOf(error) === 401) session.refusedToken = copyOf(error);
				// All who waited for the login get this error, and each adds its own item.
				throw isNodeError(error) ? copyOf(error) : asError(error);
			}
		},
		async renew() {
			const login = await logins.get(key)?.catch(() => undefined);
			if (login && login.token === secrets.at(-1)) login.endsAt = 0;
			const known = secrets.length;
			await session.open?.();
			// A login may return the same token, and a refusal may be temporary: it is tried once more.
			if (secrets.length === known) secrets.push(...secrets.slice(-1));
		},
	};
	return session;
}

/** The partner behind the credential of the node. Nothing is sent yet. Throws when the credential cannot be used. */
export async function connectPartner(context: Context): Promise<HubbleClient> {
	const { settings } = await credentialOf(context, 'hubblePartnerApi', partnerSettingsOf);
	const { baseUrl, clientId: organizationId } = settings;
	const service: Service = {
		baseUrl,
		organizationId,
		prefixes: { v1: '/v1', v2: '/v2' },
		perSecond: PER_SECOND,
		explain: explainPartner,
		check: checkEnvironment(baseUrl),
		...sharedBy({ baseUrl, organizationId }),
	};
	const run = newRun(context);
	return new HubbleClient(service, run, partnerSession(service, run, settings));
}

const PAGE = 100;

/** What leads to the next page: `{pageNo, limit}` in today's documents, a text in older ones; `undefined` at the end. */
function nextQuery(cursor: unknown): IDataObject | undefined {
	if (typeof cursor === 'object' && cursor !== null) {
		const fields = Object.fromEntries(
			Object.entries(cursor).filter(([, value]) => value !== null && typeof value !== 'object'),
		);
		return fields.pageNo === undefined && fields.cursor === undefined ? undefined : fields;
	}
	return cursor === undefined || cursor === null || cursor === '' ? undefined : { cursor: String(cursor) };
}

/**
 * The brands, page by page. A repeated cursor would never end the list, so it is an error; page numbers may continue
 * after the last brand, so an empty page ends the list.
 * @param filters `q` and `category`; if the service rejects them (older documents have neither), all brands are read
 */
export async function* brandPages(
	hubble: HubbleClient,
	filters: IDataObject,
): AsyncGenerator<{ rows: IDataObject[]; isLast: boolean }> {
	const seen = new Set<string>();
	const page = async (query: IDataObject) =>
		await hubble.send({ endpoint: partnerEndpoints.listBrands, query: { limit: PAGE, ...query } });
	let taken = filters;
	let place: IDataObject = {};
	for (;;) {
		const { body, requestId } = await page({ ...taken, ...place }).catch(async (error: unknown) => {
			if (statusOf(error) !== 400 || !Object.keys(taken).length || seen.size) throw asError(error);
			taken = {};
			return await page(taken);
		});
		const rows = rowsOf(body.data);
		const next = nextQuery(body.nextCursor);
		const isLast = !next || (!rows.length && next.cursor === undefined);
		yield { rows, isLast };
		if (isLast) return;
		const key = JSON.stringify(next);
		if (seen.has(key)) throw new RepeatedToken(hubble.context.getNode(), 'cursor', requestId);
		seen.add(key);
		place = next;
	}
}
