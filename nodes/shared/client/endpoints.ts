/**
 * The facts of Hubble's API, each stated once: calls, scopes, lists, page sizes, limits and retention, as the API
 * definition that Hubble publishes has them. Operation rows, pickers, registration and polling refer to these.
 */

/** The list in a reply. */
export interface ListFacts {
	/** The field of the reply that holds the rows. */
	rows: string;
	/** `token`: the Continuation-Token header. `number`: page_number from 0 and page_size. `one`: not paged. */
	pages: 'token' | 'number' | 'one';
	/** Wire name, smallest and largest value of the page size, where the endpoint takes one. */
	pageSize?: { name: string; min: number; max: number };
}

/** One call of the API. */
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

/** Webhooks that an organization may have. */
export const WEBHOOKS_PER_ORGANIZATION = 2;

/** Packets in one delivery. */
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

const byLimit = { name: 'limit', min: 10, max: 1000 } as const;
const byPageSize = { name: 'page_size', min: 5, max: 100 } as const;

/** All calls by the names that the simulator's contract gives them. `/v1` and `/v2` become the credential's prefixes. */
export const endpoints = {
	checkKey: { method: 'GET', path: '/v1/org/{org_id}/check' },
	createKey: { method: 'POST', path: '/v1/org/{org_id}/key', scope: 'write-api-keys', replyHas: { key: 'text' } },
	listKeys: {
		method: 'GET',
		path: '/v1/org/{org_id}/key',
		scope: 'read-api-keys',
		list: { rows: 'keys', pages: 'one' },
	},
	updateKey: {
		method: 'PATCH',
		path: '/v1/org/{org_id}/key/{key_id}',
		scope: 'write-api-keys',
		replyHas: { key_id: 'text', key_name: 'text', scopes: 'list' },
	},
	deleteKey: { method: 'DELETE', path: '/v1/org/{org_id}/key/{key_id}', scope: 'write-api-keys' },
	listScopes: {
		method: 'GET',
		path: '/v1/org/{org_id}/key_scopes',
		scope: 'read-api-keys',
		list: { rows: 'scopes', pages: 'one' },
	},

	getOrganization: {
		method: 'GET',
		path: '/v1/org/{org_id}',
		scope: 'read-organization-metadata',
		replyHas: { org_id: 'text', name: 'text' },
	},
	updateOrganization: {
		method: 'PATCH',
		path: '/v1/org/{org_id}',
		scope: 'write-organization-metadata',
		replyHas: { org_id: 'text', name: 'text' },
	},

	registerDevices: {
		method: 'POST',
		path: '/v2/org/{org_id}/devices',
		scope: 'write-devices',
		replyHas: { devices: 'list' },
	},
	listDevices: {
		method: 'GET',
		path: '/v1/org/{org_id}/devices',
		scope: 'read-devices',
		list: { rows: 'devices', pages: 'token', pageSize: byLimit },
	},
	updateDevices: {
		method: 'PATCH',
		path: '/v1/org/{org_id}/devices',
		scope: 'write-devices',
		replyHas: { devices: 'list', results: 'list', errors: 'list' },
	},
	deleteDevices: { method: 'DELETE', path: '/v1/org/{org_id}/devices', scope: 'write-devices', isBatch: true },
	getDevice: {
		method: 'GET',
		path: '/v1/org/{org_id}/devices/{device_id}',
		scope: 'read-devices',
		replyHas: { id: 'text' },
	},
	updateDevice: {
		method: 'PATCH',
		path: '/v1/org/{org_id}/devices/{device_id}',
		scope: 'write-devices',
		replyHas: { id: 'text' },
	},
	deleteDevice: { method: 'DELETE', path: '/v1/org/{org_id}/devices/{device_id}', scope: 'write-devices' },

	listPackets: {
		method: 'GET',
		path: '/v1/org/{org_id}/packets',
		scope: 'read-packets',
		list: { rows: 'packets', pages: 'token' },
	},

	getApiMetrics: {
		method: 'GET',
		path: '/v1/org/{org_id}/api_metrics',
		scope: 'read-platform-metrics',
		replyHas: { buckets: 'list' },
	},
	getPacketMetrics: {
		method: 'GET',
		path: '/v1/org/{org_id}/packet_metrics',
		scope: 'read-platform-metrics',
		replyHas: { buckets: 'list' },
	},
	getWebhookMetrics: {
		method: 'GET',
		path: '/v1/org/{org_id}/webhook_metrics',
		scope: 'read-platform-metrics',
		replyHas: { buckets: 'list' },
	},
	getDeviceMetrics: {
		method: 'GET',
		path: '/v1/org/{org_id}/device_metrics',
		scope: 'read-platform-metrics',
		replyHas: { buckets: 'list' },
	},

	listUsers: {
		method: 'GET',
		path: '/v1/org/{org_id}/users',
		scope: 'read-users',
		list: { rows: 'users', pages: 'number', pageSize: byPageSize },
	},
	addUser: {
		method: 'POST',
		path: '/v1/org/{org_id}/users',
		scope: 'write-users',
		replyHas: { user_id: 'text', email: 'text' },
	},
	updateUser: {
		method: 'PATCH',
		path: '/v1/org/{org_id}/users/{user_id}',
		scope: 'write-users',
		replyHas: { user_id: 'text', email: 'text' },
	},
	removeUser: { method: 'DELETE', path: '/v1/org/{org_id}/users/{user_id}', scope: 'write-users' },

	listInvitations: {
		method: 'GET',
		path: '/v1/org/{org_id}/invitations',
		scope: 'read-invitations',
		list: { rows: 'invites', pages: 'number', pageSize: byPageSize },
	},
	sendInvitation: {
		method: 'POST',
		path: '/v1/org/{org_id}/invitations',
		scope: 'write-invitations',
		replyHas: { invitee_email: 'text' },
	},
	revokeInvitation: { method: 'DELETE', path: '/v1/org/{org_id}/invitations', scope: 'write-invitations' },

	createWebhook: {
		method: 'POST',
		path: '/v1/org/{org_id}/webhooks',
		scope: 'write-webhooks',
		replyHas: { secret: 'text' },
	},
	listWebhooks: {
		method: 'GET',
		path: '/v1/org/{org_id}/webhooks',
		scope: 'read-webhooks',
		list: { rows: 'webhooks', pages: 'one' },
		replyHas: { webhooks: 'list' },
	},
	updateWebhook: {
		method: 'PATCH',
		path: '/v1/org/{org_id}/webhooks/{webhook_id}',
		scope: 'write-webhooks',
		replyHas: { webhook_id: 'text', url: 'text' },
	},
	deleteWebhook: { method: 'DELETE', path: '/v1/org/{org_id}/webhooks/{webhook_id}', scope: 'write-webhooks' },
	testWebhook: {
		method: 'POST',
		path: '/v1/org/{org_id}/webhooks/{webhook_id}/test',
		scope: 'write-webhooks',
		replyHas: { success: 'boolean' },
	},

	listInvoices: {
		method: 'GET',
		path: '/v1/org/{org_id}/billing/invoices',
		scope: 'read-billing-invoices',
		list: { rows: 'invoices', pages: 'one' },
	},
	getInvoicePdf: {
		method: 'GET',
		path: '/v1/org/{org_id}/billing/invoices/{invoice_id}/pdf',
		scope: 'read-billing-invoices',
	},
	listUsage: {
		method: 'GET',
		path: '/v1/org/{org_id}/billing/usage',
		scope: 'read-billing-usage',
		list: { rows: 'usage', pages: 'one' },
	},
	listActiveDevices: {
		method: 'GET',
		path: '/v1/org/{org_id}/billing/active-devices',
		scope: 'read-billing-usage',
		list: { rows: 'devices', pages: 'token', pageSize: byLimit },
	},
	getSubscription: { method: 'GET', path: '/v1/org/{org_id}/billing/subscription', scope: 'read-billing-invoices' },
	listPaymentMethods: {
		method: 'GET',
		path: '/v1/org/{org_id}/billing/payment-method',
		scope: 'read-billing-invoices',
		list: { rows: 'payment_methods', pages: 'one' },
	},
} as const satisfies Record<string, Endpoint>;
