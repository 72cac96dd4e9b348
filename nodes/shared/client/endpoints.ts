/**
 * The facts of Hubble's API, each stated once: calls, scopes, lists, page sizes, limits and retention, as the API
 * definition that Hubble publishes has them. Operation rows, pickers, registration and polling refer to these.
 */
import { DAY_S } from './clock';

export interface ListFacts {
	/** The field of the reply that holds the rows. */
	rows: string;
	/** `token`: the Continuation-Token header. `number`: page_number from 0 and page_size. `one`: not paged. */
	pages: 'token' | 'number' | 'one';
	/** Wire name, smallest and largest value of the page size, where the endpoint takes one. */
	pageSize?: { name: string; min: number; max: number };
	/** The field that identifies a row: what changes while a list is read may make Hubble return one on two pages. */
	key?: string;
}

export interface Endpoint {
	method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
	/** With placeholders, e.g. '/v1/org/{org_id}/devices/{device_id}'. */
	path: string;
	/** The scope that the API token needs, in the definition's spelling. */
	scope?: string;
	list?: ListFacts;
	/** Whether a POST changes nothing, so that it can be retried even if it may have arrived. */
	isRepeatable?: boolean;
	/** Whether one call handles many items. */
	isBatch?: boolean;
	/** Fields of a reply and their types; a reply with none of them is not Hubble's. */
	replyHas?: Readonly<Record<string, 'text' | 'list' | 'boolean' | 'number'>>;
}

/** The form of every id that Hubble gives to devices, organizations, users and gateways. */
export const UUID = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}';
export const WHOLE_UUID = new RegExp(`^${UUID}$`);

/** Packets in a full page of the packet history. */
export const PACKETS_PER_PAGE = 1000;

/** How long Hubble keeps packets, in seconds. */
export const PACKET_RETENTION_S = 30 * DAY_S;

/** How far back Hubble reads packets when no start is given, in seconds. */
export const DEFAULT_PERIOD_S = 7 * DAY_S;

/** Devices that one call registers, updates or deletes. */
export const DEVICES_PER_CALL = 1000;

export const WEBHOOKS_PER_ORGANIZATION = 2;

export const DELIVERY_SIZE = { min: 10, max: 1000 } as const;

/** Requests a second that Hubble takes ("Rate Limits"), by a leaky bucket each. */
export const RATE_LIMITS = { endpoint: 3, organization: 15 } as const;

/** The longest pause that Hubble asks for (`Retry-After`), in milliseconds. */
export const LONGEST_RETRY_AFTER_MS = 300_000;

/** Intervals in one reply of the metrics, and the days that they reach back. */
export const METRIC_INTERVALS = 365;

/** Later than every time that Hubble compares with, in Unix seconds. */
export const FAR_FUTURE_S = 99_999_999_999;

/** Hubble's only filter on times: from inclusive, to exclusive, in Unix seconds. */
export const between = (from: number, to: number) => `between:${from}:${to}`;

/** Characters that Hubble takes at most: of the name of anything, and of other texts. */
export const LENGTHS = { name: 250, webhookUrl: 2000, locationName: 500, street: 250, city: 100, state: 100 } as const;

/** Tags of a device: how many, and the characters of their keys and values (`deviceTags`). */
export const TAG_LIMITS = { count: 10, key: 32, value: 128 } as const;

const byToken = <Rows extends string>(rows: Rows, key: string) =>
	({ rows, key, pages: 'token', pageSize: { name: 'limit', min: 10, max: 1000 } }) as const;
const byNumber = <Rows extends string>(rows: Rows, key: string) =>
	({ rows, key, pages: 'number', pageSize: { name: 'page_size', min: 5, max: 100 } }) as const;
const whole = <Rows extends string>(rows: Rows) => ({ rows, pages: 'one' }) as const;

const organization = { org_id: 'text', name: 'text' } as const;
const device = { id: 'text' } as const;
const user = { user_id: 'text', email: 'text' } as const;

const ORG = '/v1/org/{org_id}';

const call = (
	method: Endpoint['method'],
	path: string,
	scope?: string,
	replyHas?: Endpoint['replyHas'],
): Omit<Endpoint, 'list'> => ({ method, path, scope, replyHas });

const listed = <List extends ListFacts>(path: string, scope: string, list: List, replyHas?: Endpoint['replyHas']) => ({
	...call('GET', path, scope, replyHas),
	list,
});

const metrics = (path: string) => call('GET', `${ORG}/${path}`, 'read-platform-metrics', { buckets: 'list' });

/** All calls by the names that the simulator's contract gives them. `/v1` and `/v2` become the credential's prefixes. */
export const endpoints = {
	checkKey: call('GET', `${ORG}/check`),
	createKey: call('POST', `${ORG}/key`, 'write-api-keys', { key: 'text' }),
	listKeys: listed(`${ORG}/key`, 'read-api-keys', whole('keys')),
	updateKey: call('PATCH', `${ORG}/key/{key_id}`, 'write-api-keys', {
		key_id: 'text',
		key_name: 'text',
		scopes: 'list',
	}),
	deleteKey: call('DELETE', `${ORG}/key/{key_id}`, 'write-api-keys'),
	listScopes: listed(`${ORG}/key_scopes`, 'read-api-keys', whole('scopes')),

	getOrganization: call('GET', ORG, 'read-organization-metadata', organization),
	updateOrganization: call('PATCH', ORG, 'write-organization-metadata', organization),

	registerDevices: call('POST', '/v2/org/{org_id}/devices', 'write-devices', { devices: 'list' }),
	listDevices: listed(`${ORG}/devices`, 'read-devices', byToken('devices', 'id')),
	updateDevices: call('PATCH', `${ORG}/devices`, 'write-devices', { devices: 'list', results: 'list', errors: 'list' }),
	deleteDevices: { ...call('DELETE', `${ORG}/devices`, 'write-devices'), isBatch: true },
	getDevice: call('GET', `${ORG}/devices/{device_id}`, 'read-devices', device),
	updateDevice: call('PATCH', `${ORG}/devices/{device_id}`, 'write-devices', device),
	deleteDevice: call('DELETE', `${ORG}/devices/{device_id}`, 'write-devices'),

	listPackets: listed(`${ORG}/packets`, 'read-packets', { rows: 'packets', pages: 'token' }),

	getApiMetrics: metrics('api_metrics'),
	getPacketMetrics: metrics('packet_metrics'),
	getWebhookMetrics: metrics('webhook_metrics'),
	getDeviceMetrics: metrics('device_metrics'),

	listUsers: listed(`${ORG}/users`, 'read-users', byNumber('users', 'user_id')),
	addUser: call('POST', `${ORG}/users`, 'write-users', user),
	updateUser: call('PATCH', `${ORG}/users/{user_id}`, 'write-users', user),
	removeUser: call('DELETE', `${ORG}/users/{user_id}`, 'write-users'),

	listInvitations: listed(`${ORG}/invitations`, 'read-invitations', byNumber('invites', 'invitee_email')),
	sendInvitation: call('POST', `${ORG}/invitations`, 'write-invitations', { invitee_email: 'text' }),
	revokeInvitation: call('DELETE', `${ORG}/invitations`, 'write-invitations'),

	createWebhook: call('POST', `${ORG}/webhooks`, 'write-webhooks', { secret: 'text' }),
	listWebhooks: listed(`${ORG}/webhooks`, 'read-webhooks', whole('webhooks'), { webhooks: 'list' }),
	updateWebhook: call('PATCH', `${ORG}/webhooks/{webhook_id}`, 'write-webhooks', { webhook_id: 'text', url: 'text' }),
	deleteWebhook: call('DELETE', `${ORG}/webhooks/{webhook_id}`, 'write-webhooks'),
	testWebhook: call('POST', `${ORG}/webhooks/{webhook_id}/test`, 'write-webhooks', { success: 'boolean' }),

	listInvoices: listed(`${ORG}/billing/invoices`, 'read-billing-invoices', whole('invoices')),
	getInvoicePdf: call('GET', `${ORG}/billing/invoices/{invoice_id}/pdf`, 'read-billing-invoices'),
	listUsage: listed(`${ORG}/billing/usage`, 'read-billing-usage', whole('usage')),
	listActiveDevices: listed(`${ORG}/billing/active-devices`, 'read-billing-usage', byToken('devices', 'device_id')),
	getSubscription: call('GET', `${ORG}/billing/subscription`, 'read-billing-invoices'),
	listPaymentMethods: listed(`${ORG}/billing/payment-method`, 'read-billing-invoices', whole('payment_methods')),
} as const satisfies Record<string, Endpoint>;
