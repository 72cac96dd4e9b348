/**
 * The facts of Hubble's API, each stated once: calls, scopes, lists, page sizes, limits and retention, as the API
 * definition that Hubble publishes has them. Operation rows, pickers, registration and polling refer to these.
 */

export interface ListFacts {
	/** The field of the reply that holds the rows. */
	rows: string;
	/** `token`: the Continuation-Token header. `number`: page_number from 0 and page_size. `one`: not paged. */
	pages: 'token' | 'number' | 'one';
	/** Wire name, smallest and largest value of the page size, where the endpoint takes one. */
	pageSize?: { name: string; min: number; max: number };
}

export interface Endpoint {
	method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
	/** With placeholders, e.g. '/v1/org/{org_id}/devices/{device_id}'. */
	path: string;
	/** The scope that the API token needs, in the definition's spelling. */
	scope?: string;
	list?: ListFacts;
	/** Whether a POST changes nothing, so that it may be sent again though nobody knows whether it arrived. */
	isRepeatable?: boolean;
	/** Whether one call handles many items. */
	isBatch?: boolean;
	/** Fields of a reply, with what they are: one that has none of them is not Hubble's. */
	replyHas?: Readonly<Record<string, 'text' | 'list' | 'boolean' | 'number'>>;
}

/** The form of every id that Hubble gives to devices, organizations, users and gateways. */
export const UUID = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}';
export const WHOLE_UUID = new RegExp(`^${UUID}$`);

/** Packets in a full page of the packet history. */
export const PACKETS_PER_PAGE = 1000;

/** How long Hubble keeps packets, in seconds. */
export const PACKET_RETENTION_S = 30 * 86_400;

/** How far back Hubble reads packets when no start is given, in seconds. */
export const DEFAULT_PERIOD_S = 7 * 86_400;

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

const byToken = <Rows extends string>(rows: Rows) =>
	({ rows, pages: 'token', pageSize: { name: 'limit', min: 10, max: 1000 } }) as const;
const byNumber = <Rows extends string>(rows: Rows) =>
	({ rows, pages: 'number', pageSize: { name: 'page_size', min: 5, max: 100 } }) as const;
const whole = <Rows extends string>(rows: Rows) => ({ rows, pages: 'one' }) as const;

const organization = { replyHas: { org_id: 'text', name: 'text' } } as const;
const device = { replyHas: { id: 'text' } } as const;
const user = { replyHas: { user_id: 'text', email: 'text' } } as const;
const metrics = { scope: 'read-platform-metrics', replyHas: { buckets: 'list' } } as const;

const ORG = '/v1/org/{org_id}';

/** All calls by the names that the simulator's contract gives them. `/v1` and `/v2` become the credential's prefixes. */
export const endpoints = {
	checkKey: { method: 'GET', path: `${ORG}/check` },
	createKey: { method: 'POST', path: `${ORG}/key`, scope: 'write-api-keys', replyHas: { key: 'text' } },
	listKeys: { method: 'GET', path: `${ORG}/key`, scope: 'read-api-keys', list: whole('keys') },
	updateKey: {
		method: 'PATCH',
		path: `${ORG}/key/{key_id}`,
		scope: 'write-api-keys',
		replyHas: { key_id: 'text', key_name: 'text', scopes: 'list' },
	},
	deleteKey: { method: 'DELETE', path: `${ORG}/key/{key_id}`, scope: 'write-api-keys' },
	listScopes: { method: 'GET', path: `${ORG}/key_scopes`, scope: 'read-api-keys', list: whole('scopes') },

	getOrganization: { method: 'GET', path: ORG, scope: 'read-organization-metadata', ...organization },
	updateOrganization: { method: 'PATCH', path: ORG, scope: 'write-organization-metadata', ...organization },

	registerDevices: {
		method: 'POST',
		path: '/v2/org/{org_id}/devices',
		scope: 'write-devices',
		replyHas: { devices: 'list' },
	},
	listDevices: { method: 'GET', path: `${ORG}/devices`, scope: 'read-devices', list: byToken('devices') },
	updateDevices: {
		method: 'PATCH',
		path: `${ORG}/devices`,
		scope: 'write-devices',
		replyHas: { devices: 'list', results: 'list', errors: 'list' },
	},
	deleteDevices: { method: 'DELETE', path: `${ORG}/devices`, scope: 'write-devices', isBatch: true },
	getDevice: { method: 'GET', path: `${ORG}/devices/{device_id}`, scope: 'read-devices', ...device },
	updateDevice: { method: 'PATCH', path: `${ORG}/devices/{device_id}`, scope: 'write-devices', ...device },
	deleteDevice: { method: 'DELETE', path: `${ORG}/devices/{device_id}`, scope: 'write-devices' },

	listPackets: {
		method: 'GET',
		path: `${ORG}/packets`,
		scope: 'read-packets',
		list: { rows: 'packets', pages: 'token' },
	},

	getApiMetrics: { method: 'GET', path: `${ORG}/api_metrics`, ...metrics },
	getPacketMetrics: { method: 'GET', path: `${ORG}/packet_metrics`, ...metrics },
	getWebhookMetrics: { method: 'GET', path: `${ORG}/webhook_metrics`, ...metrics },
	getDeviceMetrics: { method: 'GET', path: `${ORG}/device_metrics`, ...metrics },

	listUsers: { method: 'GET', path: `${ORG}/users`, scope: 'read-users', list: byNumber('users') },
	addUser: { method: 'POST', path: `${ORG}/users`, scope: 'write-users', ...user },
	updateUser: { method: 'PATCH', path: `${ORG}/users/{user_id}`, scope: 'write-users', ...user },
	removeUser: { method: 'DELETE', path: `${ORG}/users/{user_id}`, scope: 'write-users' },

	listInvitations: { method: 'GET', path: `${ORG}/invitations`, scope: 'read-invitations', list: byNumber('invites') },
	sendInvitation: {
		method: 'POST',
		path: `${ORG}/invitations`,
		scope: 'write-invitations',
		replyHas: { invitee_email: 'text' },
	},
	revokeInvitation: { method: 'DELETE', path: `${ORG}/invitations`, scope: 'write-invitations' },

	createWebhook: { method: 'POST', path: `${ORG}/webhooks`, scope: 'write-webhooks', replyHas: { secret: 'text' } },
	listWebhooks: {
		method: 'GET',
		path: `${ORG}/webhooks`,
		scope: 'read-webhooks',
		list: whole('webhooks'),
		replyHas: { webhooks: 'list' },
	},
	updateWebhook: {
		method: 'PATCH',
		path: `${ORG}/webhooks/{webhook_id}`,
		scope: 'write-webhooks',
		replyHas: { webhook_id: 'text', url: 'text' },
	},
	deleteWebhook: { method: 'DELETE', path: `${ORG}/webhooks/{webhook_id}`, scope: 'write-webhooks' },
	testWebhook: {
		method: 'POST',
		path: `${ORG}/webhooks/{webhook_id}/test`,
		scope: 'write-webhooks',
		replyHas: { success: 'boolean' },
	},

	listInvoices: {
		method: 'GET',
		path: `${ORG}/billing/invoices`,
		scope: 'read-billing-invoices',
		list: whole('invoices'),
	},
	getInvoicePdf: { method: 'GET', path: `${ORG}/billing/invoices/{invoice_id}/pdf`, scope: 'read-billing-invoices' },
	listUsage: { method: 'GET', path: `${ORG}/billing/usage`, scope: 'read-billing-usage', list: whole('usage') },
	listActiveDevices: {
		method: 'GET',
		path: `${ORG}/billing/active-devices`,
		scope: 'read-billing-usage',
		list: byToken('devices'),
	},
	getSubscription: { method: 'GET', path: `${ORG}/billing/subscription`, scope: 'read-billing-invoices' },
	listPaymentMethods: {
		method: 'GET',
		path: `${ORG}/billing/payment-method`,
		scope: 'read-billing-invoices',
		list: whole('payment_methods'),
	},
} as const satisfies Record<string, Endpoint>;
