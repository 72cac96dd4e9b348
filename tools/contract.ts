/**
 * What Hubble accepts and answers: the 38 calls of its published API definition as data, in our own words.
 *
 * A schema is JSON Schema as ajv reads it and says what the definition's schema says, no more. What the definition
 * states only in prose, or what the stand-in of a service that we cannot ask had better refuse, stands in `allOf`;
 * a test lists these places. `closed` shuts the objects, which the definition leaves open. What the live service
 * takes and gives beyond the definition stands apart, in `undocumented`.
 */
export type Schema = Readonly<Record<string, unknown>>;

export interface Call {
	/** Our name of the call: what faults, the request log and the tests choose by. */
	readonly name: string;
	readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
	/** Path of the definition; `/v1/…` is also served as `/api/…`, `/v2/…` as `/api/v2/…`. */
	readonly path: string;
	/** The scope a token needs, in the definition's spelling; null: any valid token. */
	readonly scope: string | null;
	readonly params: Readonly<Record<string, Schema>>;
	readonly query?: Readonly<Record<string, Schema>>;
	readonly headers?: Readonly<Record<string, Schema>>;
	readonly body?: Schema;
	/** The body may be left out. */
	readonly bodyOptional?: true;
	/** Body of the success reply (always 200 in the definition). */
	readonly reply: Schema;
	/** Type of the success reply; JSON when absent. */
	readonly replyType?: 'application/pdf';
	readonly replyHeaders?: Readonly<Record<string, Schema>>;
}

/** The sixteen scopes with the names that GET …/key_scopes shows. */
export const scopes = {
	'read-api-keys': 'Read API keys',
	'write-api-keys': 'Write API keys',
	'read-users': 'Read users',
	'write-users': 'Write users',
	'read-organization-metadata': 'Read organization',
	'write-organization-metadata': 'Write organization',
	'read-devices': 'Read devices',
	'write-devices': 'Write devices',
	'read-invitations': 'Read invitations',
	'write-invitations': 'Write invitations',
	'read-packets': 'Read packets',
	'read-platform-metrics': 'Read metrics',
	'read-billing-usage': 'Read billing usage',
	'read-billing-invoices': 'Read invoices',
	'read-webhooks': 'Read webhooks',
	'write-webhooks': 'Write webhooks',
} as const;

const text = { type: 'string' } as const;
const text100 = { type: 'string', maxLength: 100 } as const;
const text250 = { type: 'string', maxLength: 250 } as const;
const uuid = { type: 'string', format: 'uuid' } as const;
const email = { type: 'string', format: 'email' } as const;
const isoTime = { type: 'string', format: 'date-time' } as const;
const integer = { type: 'integer' } as const;
const number = { type: 'number' } as const;
const flag = { type: 'boolean' } as const;
const anything = { type: 'object' } as const;

const role = { type: 'string', enum: ['admin', 'member'] } as const;
const scope = { type: 'string', enum: Object.keys(scopes) } as const;
const network = { type: 'string', enum: ['terrestrial', 'satellite'] } as const;
const encryption = { type: 'string', enum: ['AES-256-CTR', 'AES-128-CTR', 'AES-128-EAX', 'NONE'] } as const;
const batchSize = { type: 'integer', minimum: 10, maximum: 1000, default: 100 } as const;
const webhookUrl = { type: 'string', maxLength: 2000 } as const;

// Up to ten tags of one's own; `_env` comes on top, and other names with an underscore are kept for Hubble.
const tags = {
	type: 'object',
	additionalProperties: text,
	allOf: [
		{
			properties: { _env: { enum: ['production', 'sandbox'] } },
			additionalProperties: { maxLength: 128 },
			propertyNames: { maxLength: 32, pattern: '^(_env$|[^_])' },
			if: { required: ['_env'] },
			then: { maxProperties: 11 },
			else: { maxProperties: 10 },
		},
	],
} as const;

const eidRotation = {
	type: 'object',
	properties: {
		counter_source: { type: 'string', enum: ['UNIX_TIME', 'DEVICE_UPTIME'] },
		period_exponent: { type: 'integer', minimum: 10, maximum: 15, default: 15 },
	},
} as const;

const installLocation = {
	type: 'object',
	required: ['lat', 'long'],
	properties: {
		lat: { type: 'number', minimum: -90, maximum: 90 },
		long: { type: 'number', minimum: -180, maximum: 180 },
		location_name: { type: 'string', maxLength: 500 },
	},
} as const;

const lastPacket = {
	type: 'object',
	nullable: true,
	properties: {
		timestamp: number,
		location: {
			type: 'object',
			required: ['latitude', 'longitude'],
			properties: {
				latitude: { type: 'number', minimum: -90, maximum: 90 },
				longitude: { type: 'number', minimum: -180, maximum: 180 },
			},
		},
	},
} as const;

const device = {
	type: 'object',
	required: ['name', 'id', 'created_ts', 'tags'],
	properties: {
		id: uuid,
		name: text250,
		created_ts: integer,
		tags,
		encryption,
		eid_rotation: eidRotation,
		install_location: installLocation,
		most_recent_packet: { type: 'object', properties: { terrestrial: lastPacket, satellite: lastPacket } },
	},
} as const;

const registeredDevice = {
	type: 'object',
	properties: {
		device_id: uuid,
		name: text250,
		created_ts: integer,
		tags,
		protocol: {
			type: 'object',
			properties: { terrestrial: { type: 'object', properties: { version: integer } } },
		},
		eid_rotation: eidRotation,
		network_id: integer,
		key: text,
		install_location: installLocation,
	},
} as const;

const deviceUpdate = {
	set_name: text250,
	set_tags: tags,
	set_install_location: installLocation,
	set_destination_org_id: uuid,
} as const;

const packet = {
	type: 'object',
	properties: {
		location: {
			type: 'object',
			required: ['latitude', 'longitude', 'altitude', 'timestamp'],
			properties: {
				latitude: number,
				longitude: number,
				altitude: number,
				horizontal_accuracy: number,
				vertical_accuracy: number,
				timestamp: number,
			},
		},
		device: {
			type: 'object',
			required: ['id', 'payload', 'timestamp'],
			properties: {
				id: uuid,
				name: text250,
				tags,
				payload: text,
				rssi: number,
				timestamp: number,
				counter: number,
				sequence_number: number,
			},
		},
		network_type: { type: 'string', enum: ['TERRESTRIAL', 'SATELLITE'] },
		gateway: { type: 'object', properties: { gateway_id: uuid, service_id: text } },
	},
} as const;

/** Body of a page of packets and of a webhook delivery. */
export const packetBatch = {
	type: 'object',
	properties: { packets: { type: 'array', items: packet } },
} as const;

/** Body of every reply that is not a success. */
export const errorReply = {
	type: 'object',
	properties: {
		code: integer,
		name: {
			type: 'string',
			enum: [
				'Bad Request',
				'Unauthorized',
				'Forbidden',
				'Not Found',
				'Too Many Requests',
				'Internal Server Error',
				'Unknown',
			],
		},
		description: text,
	},
} as const;

const address = {
	type: 'object',
	properties: {
		street_address: text250,
		street_address_line_two: text250,
		city: text100,
		state: text100,
		country: number,
	},
} as const;

const contactInfo = {
	type: 'object',
	properties: {
		phoneNumber: { type: 'string', allOf: [{ pattern: '^\\+[1-9][0-9]{1,14}$' }] },
		email: { type: 'string', allOf: [{ format: 'email' }] },
	},
} as const;

const organization = {
	type: 'object',
	properties: {
		org_id: uuid,
		name: text,
		contact_info: contactInfo,
		address,
		timezone: text,
		org_type: { type: 'string', enum: ['sandbox', 'production'] },
		production_org_id: uuid,
	},
} as const;

const user = {
	type: 'object',
	properties: {
		user_id: text,
		email,
		email_confirmed: flag,
		first_name: text,
		last_name: text,
		created_at: integer,
		last_active_at: integer,
		role,
	},
} as const;

const invitation = {
	type: 'object',
	required: ['invitee_email', 'role', 'created_at', 'expires_at'],
	properties: { invitee_email: email, inviter_email: email, created_at: integer, expires_at: integer, role },
} as const;

const key = {
	key_id: text,
	key_name: text,
	created_at: integer,
	expires_at_seconds: integer,
	scopes: { type: 'array', items: scope },
} as const;

const webhook = {
	url: webhookUrl,
	max_batch_size: batchSize,
	webhook_id: text,
	org_id: uuid,
	name: text250,
} as const;

const org = { org_id: uuid } as const;
const oneDevice = { org_id: uuid, device_id: uuid } as const;
const oneUser = { org_id: uuid, user_id: uuid } as const;
const oneKey = { org_id: uuid, key_id: text } as const;
const oneWebhook = { org_id: uuid, webhook_id: text } as const;
const oneInvoice = { org_id: uuid, invoice_id: text } as const;

const json = { 'Content-Type': text } as const;
const token = { 'Continuation-Token': text } as const;
const pageSize = { limit: { type: 'integer', minimum: 10, maximum: 1000, default: 250 } } as const;
const filterTags = { filter_tags: { type: 'array', items: text } } as const;
const pages = {
	page_number: { type: 'integer', minimum: 0, default: 0 },
	page_size: { type: 'integer', minimum: 5, maximum: 100, default: 10 },
} as const;
const period = {
	days: { type: 'integer', minimum: 1, maximum: 365, default: 1 },
	time_interval: { type: 'string', enum: ['hour', 'day', 'month'] },
} as const;
const requestBuckets = {
	type: 'object',
	properties: {
		total_requests: integer,
		success_rate: number,
		buckets: {
			type: 'array',
			items: {
				type: 'object',
				properties: { timestamp: isoTime, total_requests: integer, success_rate: number },
			},
		},
	},
} as const;

export const calls = [
	// API keys
	{
		name: 'checkKey',
		method: 'GET',
		path: '/v1/org/{org_id}/check',
		scope: null,
		params: org,
		reply: { type: 'object', properties: { org_id: uuid } },
	},
	{
		name: 'createKey',
		method: 'POST',
		path: '/v1/org/{org_id}/key',
		scope: 'write-api-keys',
		params: org,
		headers: json,
		body: {
			type: 'object',
			properties: { name: text250, expires_at_seconds: integer, scopes: { type: 'array', items: scope } },
		},
		bodyOptional: true,
		reply: { type: 'object', properties: { ...key, key: text } },
	},
	{
		name: 'listKeys',
		method: 'GET',
		path: '/v1/org/{org_id}/key',
		scope: 'read-api-keys',
		params: org,
		reply: {
			type: 'object',
			properties: { keys: { type: 'array', items: { type: 'object', properties: key } } },
		},
	},
	{
		name: 'updateKey',
		method: 'PATCH',
		path: '/v1/org/{org_id}/key/{key_id}',
		scope: 'write-api-keys',
		params: oneKey,
		body: {
			type: 'object',
			properties: {
				set_name: text250,
				set_scopes: { type: 'array', items: scope },
				set_expires_at_seconds: integer,
			},
		},
		reply: { type: 'object', properties: key },
	},
	{
		name: 'deleteKey',
		method: 'DELETE',
		path: '/v1/org/{org_id}/key/{key_id}',
		scope: 'write-api-keys',
		params: oneKey,
		reply: { type: 'object', properties: { key_id: text } },
	},
	{
		name: 'listScopes',
		method: 'GET',
		path: '/v1/org/{org_id}/key_scopes',
		scope: 'read-api-keys',
		params: org,
		reply: {
			type: 'object',
			properties: {
				scopes: {
					type: 'array',
					items: {
						type: 'object',
						required: ['scope_id', 'display_name'],
						properties: { scope_id: scope, display_name: text },
					},
				},
			},
		},
	},

	// Organization
	{
		name: 'getOrganization',
		method: 'GET',
		path: '/v1/org/{org_id}',
		scope: 'read-organization-metadata',
		params: org,
		reply: organization,
	},
	{
		name: 'updateOrganization',
		method: 'PATCH',
		path: '/v1/org/{org_id}',
		scope: 'write-organization-metadata',
		params: org,
		body: {
			type: 'object',
			allOf: [{ minProperties: 1 }],
			properties: { set_name: text, set_address: address, set_contact_info: contactInfo, set_timezone: text },
		},
		reply: organization,
	},

	// Devices
	{
		name: 'registerDevices',
		method: 'POST',
		path: '/v2/org/{org_id}/devices',
		scope: 'write-devices',
		params: org,
		query: { key_format: { type: 'string', enum: ['base64', 'hex'], default: 'base64' } },
		headers: json,
		body: {
			type: 'object',
			required: ['encryption'],
			properties: {
				n_devices: { type: 'integer', minimum: 1, maximum: 1000, default: 1 },
				encryption,
				names: { type: 'array', items: text250 },
				tags: { type: 'array', items: tags },
				eid_rotation: eidRotation,
				install_locations: { type: 'array', items: installLocation },
			},
		},
		reply: { type: 'object', properties: { devices: { type: 'array', items: registeredDevice } } },
	},
	{
		name: 'listDevices',
		method: 'GET',
		path: '/v1/org/{org_id}/devices',
		scope: 'read-devices',
		params: org,
		query: {
			...pageSize,
			...filterTags,
			filter_created_ts: text,
			filter_most_recent_packet_ts: text,
			sort_field: { type: 'string', enum: ['created_ts', 'most_recent_packet_ts'] },
			sort_ascending: { type: 'boolean', default: true },
		},
		headers: token,
		reply: { type: 'object', properties: { devices: { type: 'array', items: device } } },
		replyHeaders: token,
	},
	{
		name: 'updateDevices',
		method: 'PATCH',
		path: '/v1/org/{org_id}/devices',
		scope: 'write-devices',
		params: org,
		body: {
			type: 'object',
			required: ['updates'],
			properties: {
				updates: {
					type: 'array',
					allOf: [{ maxItems: 1000 }],
					items: {
						type: 'object',
						required: ['device_id'],
						properties: { device_id: uuid, ...deviceUpdate },
					},
				},
			},
		},
		reply: {
			type: 'object',
			required: ['devices'],
			properties: { devices: { type: 'array', items: device } },
		},
	},
	{
		name: 'deleteDevices',
		method: 'DELETE',
		path: '/v1/org/{org_id}/devices',
		scope: 'write-devices',
		params: org,
		body: {
			type: 'object',
			required: ['device_ids'],
			properties: { device_ids: { type: 'array', allOf: [{ maxItems: 1000 }], items: uuid } },
		},
		reply: anything,
	},
	{
		name: 'getDevice',
		method: 'GET',
		path: '/v1/org/{org_id}/devices/{device_id}',
		scope: 'read-devices',
		params: oneDevice,
		reply: device,
	},
	{
		name: 'updateDevice',
		method: 'PATCH',
		path: '/v1/org/{org_id}/devices/{device_id}',
		scope: 'write-devices',
		params: oneDevice,
		body: { type: 'object', properties: deviceUpdate },
		reply: device,
	},
	{
		name: 'deleteDevice',
		method: 'DELETE',
		path: '/v1/org/{org_id}/devices/{device_id}',
		scope: 'write-devices',
		params: oneDevice,
		reply: anything,
	},

	// Packets
	{
		name: 'listPackets',
		method: 'GET',
		path: '/v1/org/{org_id}/packets',
		scope: 'read-packets',
		params: org,
		query: { start: integer, end: integer, device_id: uuid, ...filterTags },
		headers: token,
		reply: packetBatch,
		replyHeaders: { ...token, 'Retry-After': { type: 'integer', minimum: 0, maximum: 300 } },
	},

	// Metrics
	{
		name: 'getApiMetrics',
		method: 'GET',
		path: '/v1/org/{org_id}/api_metrics',
		scope: 'read-platform-metrics',
		params: org,
		query: period,
		reply: requestBuckets,
	},
	{
		name: 'getPacketMetrics',
		method: 'GET',
		path: '/v1/org/{org_id}/packet_metrics',
		scope: 'read-platform-metrics',
		params: org,
		query: { ...period, ...filterTags },
		reply: {
			type: 'object',
			properties: {
				total_packets: integer,
				buckets: {
					type: 'array',
					items: { type: 'object', properties: { timestamp: isoTime, total_packets: integer } },
				},
			},
		},
	},
	{
		name: 'getWebhookMetrics',
		method: 'GET',
		path: '/v1/org/{org_id}/webhook_metrics',
		scope: 'read-platform-metrics',
		params: org,
		query: period,
		reply: requestBuckets,
	},
	{
		name: 'getDeviceMetrics',
		method: 'GET',
		path: '/v1/org/{org_id}/device_metrics',
		scope: 'read-platform-metrics',
		params: org,
		query: { ...period, ...filterTags },
		reply: {
			type: 'object',
			properties: {
				total_active_devices: number,
				total_registered_devices: number,
				total_never_active_devices: number,
				buckets: {
					type: 'array',
					items: {
						type: 'object',
						properties: {
							timestamp: isoTime,
							registered_devices: integer,
							active_devices: number,
							never_active_devices: number,
						},
					},
				},
			},
		},
	},

	// Users
	{
		name: 'listUsers',
		method: 'GET',
		path: '/v1/org/{org_id}/users',
		scope: 'read-users',
		params: org,
		query: pages,
		reply: { type: 'object', properties: { users: { type: 'array', items: user } } },
	},
	{
		name: 'addUser',
		method: 'POST',
		path: '/v1/org/{org_id}/users',
		scope: 'write-users',
		params: org,
		headers: json,
		body: { type: 'object', required: ['email', 'role'], properties: { email, role } },
		reply: user,
	},
	{
		name: 'updateUser',
		method: 'PATCH',
		path: '/v1/org/{org_id}/users/{user_id}',
		scope: 'write-users',
		params: oneUser,
		body: { type: 'object', properties: { set_first_name: text250, set_last_name: text250, set_role: role } },
		reply: user,
	},
	{
		name: 'removeUser',
		method: 'DELETE',
		path: '/v1/org/{org_id}/users/{user_id}',
		scope: 'write-users',
		params: oneUser,
		reply: anything,
	},

	// Invitations
	{
		name: 'listInvitations',
		method: 'GET',
		path: '/v1/org/{org_id}/invitations',
		scope: 'read-invitations',
		params: org,
		query: pages,
		reply: {
			type: 'object',
			properties: { invites: { type: 'array', items: invitation }, total_invites: integer },
		},
	},
	{
		name: 'sendInvitation',
		method: 'POST',
		path: '/v1/org/{org_id}/invitations',
		scope: 'write-invitations',
		params: org,
		headers: json,
		body: { type: 'object', required: ['invitee_email', 'role'], properties: { invitee_email: email, role } },
		reply: invitation,
	},
	{
		name: 'revokeInvitation',
		method: 'DELETE',
		path: '/v1/org/{org_id}/invitations',
		scope: 'write-invitations',
		params: org,
		headers: json,
		body: { type: 'object', required: ['invitee_email'], properties: { invitee_email: email } },
		reply: anything,
	},

	// Webhooks
	{
		name: 'createWebhook',
		method: 'POST',
		path: '/v1/org/{org_id}/webhooks',
		scope: 'write-webhooks',
		params: org,
		body: {
			type: 'object',
			allOf: [{ required: ['url'] }],
			properties: { url: webhookUrl, max_batch_size: batchSize, name: text250 },
		},
		reply: { type: 'object', properties: { ...webhook, secret: text } },
	},
	{
		name: 'listWebhooks',
		method: 'GET',
		path: '/v1/org/{org_id}/webhooks',
		scope: 'read-webhooks',
		params: org,
		reply: {
			type: 'object',
			properties: { webhooks: { type: 'array', items: { type: 'object', properties: webhook } } },
		},
	},
	{
		name: 'updateWebhook',
		method: 'PATCH',
		path: '/v1/org/{org_id}/webhooks/{webhook_id}',
		scope: 'write-webhooks',
		params: oneWebhook,
		body: {
			type: 'object',
			properties: { set_name: text250, set_max_batch_size: batchSize, set_url: webhookUrl },
		},
		reply: { type: 'object', properties: webhook },
	},
	{
		name: 'deleteWebhook',
		method: 'DELETE',
		path: '/v1/org/{org_id}/webhooks/{webhook_id}',
		scope: 'write-webhooks',
		params: oneWebhook,
		reply: anything,
	},
	{
		name: 'testWebhook',
		method: 'POST',
		path: '/v1/org/{org_id}/webhooks/{webhook_id}/test',
		scope: 'write-webhooks',
		params: oneWebhook,
		reply: { type: 'object', properties: { success: flag, status_code: integer, error: text } },
	},

	// Billing
	{
		name: 'listInvoices',
		method: 'GET',
		path: '/v1/org/{org_id}/billing/invoices',
		scope: 'read-billing-invoices',
		params: org,
		reply: {
			type: 'object',
			properties: {
				invoices: {
					type: 'array',
					items: {
						type: 'object',
						properties: {
							invoice_id: text,
							invoice_number: text,
							issue_timestamp: number,
							due_timestamp: number,
							status: { type: 'string', enum: ['DRAFT', 'PENDING', 'COMPLETED'] },
							total_balance: number,
							remaining_balance: number,
						},
					},
				},
			},
		},
	},
	{
		name: 'getInvoicePdf',
		method: 'GET',
		path: '/v1/org/{org_id}/billing/invoices/{invoice_id}/pdf',
		scope: 'read-billing-invoices',
		params: oneInvoice,
		reply: { type: 'string', format: 'binary' },
		replyType: 'application/pdf',
	},
	{
		name: 'listUsage',
		method: 'GET',
		path: '/v1/org/{org_id}/billing/usage',
		scope: 'read-billing-usage',
		params: org,
		reply: {
			type: 'object',
			properties: {
				usage: {
					type: 'array',
					items: {
						type: 'object',
						properties: {
							usage_timestamp: isoTime,
							usage_type: { type: 'string', enum: ['Daily Active Devices', 'Monthly Active Devices'] },
							usage_value: integer,
						},
					},
				},
			},
		},
	},
	{
		name: 'listActiveDevices',
		method: 'GET',
		path: '/v1/org/{org_id}/billing/active-devices',
		scope: 'read-billing-usage',
		params: org,
		query: { ...pageSize, network_type: network },
		headers: token,
		reply: {
			type: 'object',
			required: ['devices', 'period_start', 'period_end'],
			properties: {
				devices: {
					type: 'array',
					items: {
						type: 'object',
						required: ['device_id', 'name'],
						properties: { device_id: text, name: text, network_type: network, last_active: number },
					},
				},
				period_start: isoTime,
				period_end: isoTime,
			},
		},
		replyHeaders: token,
	},
	{
		name: 'getSubscription',
		method: 'GET',
		path: '/v1/org/{org_id}/billing/subscription',
		scope: 'read-billing-invoices',
		params: org,
		reply: {
			type: 'object',
			required: ['plan', 'status'],
			properties: {
				plan: { type: 'string', enum: ['GROWTH', 'SCALE', 'ENTERPRISE', 'SANDBOX'] },
				status: text,
				current_period_start: integer,
				current_period_end: integer,
				next_payment_date: integer,
				cancel_at_period_end: flag,
				prepaid_devices: integer,
				price_monthly_cents: integer,
				overage_per_device_cents: integer,
			},
		},
	},
	{
		name: 'listPaymentMethods',
		method: 'GET',
		path: '/v1/org/{org_id}/billing/payment-method',
		scope: 'read-billing-invoices',
		params: org,
		reply: {
			type: 'object',
			required: ['payment_methods'],
			properties: {
				payment_methods: {
					type: 'array',
					items: {
						type: 'object',
						required: ['id', 'type'],
						properties: {
							id: text,
							type: text,
							brand: text,
							last4: text,
							exp_month: integer,
							exp_year: integer,
						},
					},
				},
				default_payment_method_id: text,
			},
		},
	},
] as const satisfies readonly Call[];

export type CallName = (typeof calls)[number]['name'];

const liveDevice = { properties: { active: flag } } as const;
const olderMetrics = {
	daysBack: { type: 'integer', minimum: 1, maximum: 365 },
	timeInterval: period.time_interval,
} as const;

/**
 * What Hubble's own clients send to the live service, and get from it, that the definition does not name: older
 * names of parameters, the EID rotation in seconds (a power of two), claims of devices, and whether one is active.
 */
const undocumented: Partial<Record<CallName, Pick<Partial<Call>, 'query' | 'body' | 'reply'>>> = {
	registerDevices: {
		body: {
			properties: {
				eid_rotation: {
					properties: { period_in_seconds: { type: 'integer', enum: [1024, 2048, 4096, 8192, 16_384, 32_768] } },
				},
				device_claims: {
					type: 'array',
					items: {
						type: 'object',
						required: ['new_claim_using_device_id'],
						properties: { new_claim_using_device_id: { const: true }, destination_org_id: uuid },
					},
				},
			},
		},
	},
	listDevices: { reply: { properties: { devices: { items: liveDevice } } } },
	getDevice: { reply: liveDevice },
	updateDevice: { reply: liveDevice },
	updateDevices: { reply: { properties: { devices: { items: liveDevice } } } },
	getDeviceMetrics: { query: olderMetrics },
};

const isPlain = (value: unknown): value is Schema =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

const merged = (schema: Schema, more: Schema): Schema =>
	Object.entries(more).reduce<Schema>((whole, [key, value]) => {
		const own = whole[key];
		return { ...whole, [key]: isPlain(own) && isPlain(value) ? merged(own, value) : value };
	}, schema);

/** The calls as the live service has them: the definition's, and what is undocumented. */
export const servedCalls = calls.map(
	(call) => merged(call as unknown as Schema, (undocumented[call.name] ?? {}) as Schema) as unknown as Call,
);

/** The call of that name, as it is served. */
export const callNamed = (name: CallName): Call => servedCalls.find((call) => call.name === name) as Call;

/** Every path that serves the definition's path: itself and its alias under `/api`. */
export const pathsOf = (path: string): string[] => [
	path,
	path.startsWith('/v1/') ? path.replace('/v1/', '/api/') : path.replace('/v2/', '/api/v2/'),
];

/** The schema with every object shut against fields that it does not list (free maps stay free). */
export function closed(schema: Schema): Schema {
	const shut = Object.fromEntries(
		Object.entries(schema).map(([key, value]) => {
			if (key === 'items') return [key, closed(value as Schema)];
			if (key !== 'properties') return [key, value];
			return [key, Object.fromEntries(Object.entries(value as Schema).map(([k, v]) => [k, closed(v as Schema)]))];
		}),
	);
	return 'properties' in shut ? { additionalProperties: false, ...shut } : shut;
}
