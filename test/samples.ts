import type { IDataObject } from 'n8n-workflow';
import type { CallName } from '../tools/contract';
import { payloadLayout } from './simulator/packets';
import type { Simulator } from './simulator/server';
import type { Invoice } from './simulator/world';

/** One way to run an operation: its parameters and what comes of them. */
export interface Sample {
	/** Key of `tables`. */
	node: string;
	resource?: string;
	operation: string;
	/** The call that it makes, if any. */
	call?: CallName;
	/**
	 * What it calls beside that, and what comes of a failure there: an error, a hint beside the items, or nothing where it
	 * was asked for Hubble's time alone, as the `Date` of any reply tells it.
	 */
	alsoCalls?: Partial<Record<CallName, 'error' | 'hint' | 'time'>>;
	/** A hint that comes though all is right. */
	usualHint?: string;
	/** Every parameter that goes together with the others; another `n` names another device, user and so on. */
	parameters?: (hubble: Simulator, n: number) => IDataObject;
	/** What the first item of the output holds, for `n` 0; asked before the run. */
	gives: (hubble: Simulator) => IDataObject;
	/** The same where the reply of a first try was lost, and Hubble has the thing no longer at the next. */
	givesWhenGone?: Sample['gives'];
	/** Parameters that make an item fail. Without them Hubble refuses the second request instead. */
	bad?: IDataObject;
	/** Parameters with a well-formed ID of nothing, and the ID. */
	unknown?: { parameters: IDataObject; id: string };
}

const byId = (value: unknown) => ({ __rl: true, mode: 'id', value });
const first = <T>(all: Iterable<T>): T => [...all][0] as T;
const nobody = 'ffffffff-ffff-4fff-bfff-ffffffffffff';
const any = (matcher: unknown) => matcher as IDataObject;
const iso = (seconds: number) => new Date(seconds * 1000).toISOString();

const device = ({ world }: Simulator, n = 0) =>
	[...world.main.devices.values()][n] as { id: string; name: string; created_ts: number };
const user = ({ world }: Simulator, n = 0) => [...world.main.users.values()][n] as { user_id: string; email: string };
const key = ({ world }: Simulator) => first(world.main.keys.values());
const invoice = ({ world }: Simulator, n = 0) => world.main.invoices[n] as Invoice;
const emailOf = (name: string | number) => `${name}@example.com`;

/** A key other than that of the credential. */
const newKey = ({ world }: Simulator) => world.createKey(world.main, {}).key.key_id;

/** More users and invitations than fit on one page. */
function crowd({ world: { main } }: Simulator): void {
	for (let n = 0; n < 100; n++) {
		const [email, created_at] = [emailOf(n), 1_700_000_000];
		main.users.set(email, { user_id: email, email, email_confirmed: true, created_at, role: 'member' });
		main.invitations.set(email, {
			invitee_email: email,
			inviter_email: email,
			created_at,
			expires_at: created_at,
			role: 'member',
		});
	}
}

/** A webhook that is there already; its URL leads to the simulator, which knows no such path. */
function webhook({ world, url }: Simulator, n = 0) {
	const webhook_id = `webhook-${n}`;
	const org_id = world.main.metadata.org_id;
	world.main.webhooks.set(webhook_id, {
		webhook_id,
		org_id,
		url: `${url}/nowhere`,
		max_batch_size: 100,
		name: 'First',
		secret: 's',
	});
	return webhook_id;
}

const unknownDevice = { parameters: { deviceId: byId(nobody) }, id: nobody };
const badDevice = { deviceId: byId('no ID') };
const tags = { tag: [{ key: 'site', value: 'Rotterdam' }] };
const location = { location: { lat: 51.9, long: 4.5, location_name: 'Hall 3' } };
const environment = 'production';
const longAgo = '2000-01-01T00:00:00Z';
const changed = { name: 'Renamed', tags: { list: { rows: tags } }, installLocation: location };
const onDate = { expiration: 'date', expires: '2099-01-01T00:00:00Z' };

const deviceUpdates = (['automatic', 'single'] as const).flatMap((batching): Sample[] => {
	const shared = {
		node: 'Hubble Device',
		operation: 'update',
		call: batching === 'single' ? ('updateDevice' as const) : ('updateDevices' as const),
		bad: badDevice,
		unknown: unknownDevice,
	};
	return [
		{
			...shared,
			parameters: (hubble, n) => ({
				deviceId: byId(device(hubble, n).id),
				updateFields: changed,
				simplify: false,
				options: { batching },
			}),
			gives: (hubble) => ({
				id: device(hubble).id,
				name: 'Renamed',
				tags: any(expect.objectContaining({ site: 'Rotterdam' })),
				install_location: location.location,
				created_ts_iso: iso(device(hubble).created_ts),
			}),
		},
		{
			...shared,
			parameters: (hubble, n) => ({
				deviceId: byId(device(hubble, n).id),
				updateFields: { destinationOrganizationId: hubble.world.sandbox.metadata.org_id },
				options: { batching },
			}),
			gives: (hubble) => ({ environment: 'sandbox', deviceId: device(hubble).id }),
			givesWhenGone: (hubble) => ({ environment: null, deviceId: device(hubble).id }),
		},
	];
});

const metrics = (
	[
		['getApiMetrics', { totalRequests: any(expect.any(Number)), successRate: any(expect.any(Number)) }],
		['getDeviceMetrics', { registeredDevices: any(expect.any(Number)) }],
		['getPacketMetrics', { totalPackets: any(expect.any(Number)) }],
		['getWebhookMetrics', { totalRequests: any(expect.any(Number)), successRate: any(expect.any(Number)) }],
	] as const
).map(([operation, row]): Sample => {
	const hasTags = operation === 'getDeviceMetrics' || operation === 'getPacketMetrics';
	return {
		node: 'Hubble Metric',
		operation,
		call: operation,
		parameters: () => ({
			days: 3,
			interval: 'day',
			output: 'intervals',
			...(hasTags ? { filters: { environment } } : {}),
		}),
		gives: () => ({ ...row, timestamp: any(expect.stringMatching(/Z$/)), isRunning: false }),
		bad: { days: 366 },
	};
});

/** At least one sample for each operation, and for each of the 38 calls. */
export const samples: readonly Sample[] = [
	{
		node: 'Hubble API Key',
		resource: 'apiKey',
		operation: 'create',
		call: 'createKey',
		parameters: () => ({ name: 'Read only', scopes: ['read-devices', 'packets:read'], ...onDate }),
		gives: () => ({
			keyName: 'Read only',
			scopes: ['read-devices', 'read-packets'],
			expiresAt: '2099-01-01T00:00:00.000Z',
			key: any(expect.stringMatching(/^\S+\.\S+\.\S+$/)),
		}),
		bad: { expiration: 'date', expires: 'some day' },
	},
	{
		node: 'Hubble API Key',
		resource: 'apiKey',
		operation: 'delete',
		call: 'deleteKey',
		parameters: (hubble) => ({ keyId: byId(newKey(hubble)) }),
		gives: () => ({ deleted: true, keyId: any(expect.any(String)) }),
		bad: { keyId: byId('..') },
		unknown: { parameters: { keyId: byId('no-such-key') }, id: 'no-such-key' },
	},
	{
		node: 'Hubble API Key',
		resource: 'apiKey',
		operation: 'getAll',
		call: 'listKeys',
		parameters: () => ({ limit: 1 }),
		gives: (hubble) => ({ keyId: key(hubble).key_id, expiresAt: null }),
	},
	{
		node: 'Hubble API Key',
		resource: 'apiKey',
		operation: 'rotate',
		call: 'createKey',
		alsoCalls: { listKeys: 'error', checkKey: 'error', deleteKey: 'hint' },
		parameters: (hubble) => ({ keyId: byId(newKey(hubble)), ...onDate }),
		gives: () => ({
			keyName: 'API key',
			key: any(expect.stringMatching(/^\S+\.\S+\.\S+$/)),
			replacedKeyId: any(expect.any(String)),
			expiresAt: '2099-01-01T00:00:00.000Z',
		}),
		bad: { expiration: 'date', expires: 'some day' },
	},
	{
		node: 'Hubble API Key',
		resource: 'apiKey',
		operation: 'update',
		call: 'updateKey',
		parameters: (hubble) => ({
			keyId: byId(newKey(hubble)),
			updateFields: { name: 'Renamed', scopes: 'read-devices, billing:read', expiry: { expiry: onDate } },
		}),
		gives: () => ({
			keyName: 'Renamed',
			scopes: ['read-devices', 'read-billing-usage', 'read-billing-invoices'],
			expiresAt: '2099-01-01T00:00:00.000Z',
		}),
		bad: { keyId: byId('no ID') },
		unknown: { parameters: { keyId: byId('no-such-key') }, id: 'no-such-key' },
	},
	{
		node: 'Hubble API Key',
		resource: 'apiKey',
		operation: 'validate',
		call: 'checkKey',
		gives: ({ organizationId }) => ({ valid: true, orgId: organizationId }),
	},
	{
		node: 'Hubble API Key',
		resource: 'scope',
		operation: 'getAll',
		call: 'listScopes',
		parameters: () => ({ returnAll: true }),
		gives: () => ({ scopeId: 'read-api-keys', displayName: 'Read API keys' }),
	},
	{
		node: 'Hubble Billing',
		resource: 'invoice',
		operation: 'downloadPdf',
		call: 'getInvoicePdf',
		alsoCalls: { listInvoices: 'hint' },
		parameters: (hubble, n) => ({
			invoiceId: byId(invoice(hubble, n).invoice_id),
			options: { binaryPropertyName: 'invoice' },
		}),
		gives: () => ({ invoiceNumber: 'SIM-1004', fileName: 'SIM-1004.pdf' }),
		bad: { invoiceId: byId('../..') },
		unknown: { parameters: { invoiceId: byId('in_0') }, id: 'in_0' },
	},
	{
		node: 'Hubble Billing',
		resource: 'invoice',
		operation: 'getAll',
		call: 'listInvoices',
		parameters: () => ({ returnAll: true }),
		gives: (hubble) => ({
			invoiceId: invoice(hubble).invoice_id,
			issueTimestamp: iso(invoice(hubble).issue_timestamp),
		}),
	},
	{
		node: 'Hubble Billing',
		resource: 'paymentMethod',
		operation: 'getAll',
		call: 'listPaymentMethods',
		parameters: () => ({ returnAll: true }),
		gives: () => ({ id: 'pm_simulated1', last4: '4242', isDefault: any(expect.any(Boolean)) }),
	},
	{
		node: 'Hubble Billing',
		resource: 'subscription',
		operation: 'get',
		call: 'getSubscription',
		gives: () => ({
			plan: 'GROWTH',
			currentPeriodStart: any(expect.stringMatching(/^20\d\d-\d\d-\d\dT00:00:00.000Z$/)),
		}),
	},
	{
		node: 'Hubble Billing',
		resource: 'usage',
		operation: 'getActiveDevices',
		call: 'listActiveDevices',
		parameters: () => ({ limit: 11, filters: { networkType: 'terrestrial' } }),
		gives: () => ({
			networkType: 'terrestrial',
			lastActive: any(expect.stringMatching(/Z$/)),
			periodStart: any(expect.any(String)),
		}),
	},
	{
		node: 'Hubble Billing',
		resource: 'usage',
		operation: 'getActiveDevices',
		call: 'listActiveDevices',
		parameters: () => ({ returnAll: true }),
		gives: () => ({ deviceId: any(expect.any(String)), name: any(expect.any(String)) }),
	},
	{
		node: 'Hubble Billing',
		resource: 'usage',
		operation: 'getAll',
		call: 'listUsage',
		parameters: () => ({ limit: 31 }),
		gives: () => ({ usageType: 'Daily Active Devices', usageValue: any(expect.any(Number)) }),
	},
	{
		node: 'Hubble Device',
		operation: 'count',
		call: 'listDevices',
		parameters: () => ({ filters: { createdAfter: longAgo, ownTags: ['model:Freezer'] } }),
		gives: ({ world }) => ({
			count: [...world.main.devices.values()].filter(({ tags }) => tags.model === 'Freezer').length,
		}),
		bad: { filters: { ownTags: ['no tag'] } },
	},
	{
		node: 'Hubble Device',
		operation: 'createReport',
		call: 'listDevices',
		alsoCalls: { checkKey: 'error', listPackets: 'error' },
		parameters: () => ({
			silentAfterHours: 48,
			decodePayload: 'layout',
			payloadLayout: 'temperature: int16 @4 ×0.01 °C when byte 0 = 0',
			reportValues: { row: [{ field: 'temperature' }] },
			options: { fileName: 'fleet', reportTitle: 'Week 45' },
		}),
		gives: ({ world }) => ({
			fileName: 'fleet.html',
			title: 'Week 45',
			devices: world.main.devices.size,
			html: any(
				expect.stringMatching(/<h1>Week 45<\/h1>[^]*temperature -?[\d.]+ °C[^]*<th class="n">temperature \(°C\)/),
			),
		}),
		bad: { reportValues: { row: [{ field: '' }] } },
	},
	{
		node: 'Hubble Device',
		operation: 'createOrUpdate',
		call: 'registerDevices',
		alsoCalls: { listDevices: 'error' },
		parameters: (_, n) => ({
			matchBy: 'name',
			name: `New ${n}`,
			additionalFields: { encryption: 'AES-128-CTR' },
			tags,
		}),
		gives: () => ({ created: true, name: 'New 0', key: any(expect.any(String)) }),
		bad: { name: ' ' },
	},
	{
		node: 'Hubble Device',
		operation: 'createOrUpdate',
		call: 'updateDevices',
		alsoCalls: { listDevices: 'error' },
		parameters: (hubble, n) => ({
			matchBy: 'name',
			name: device(hubble, n).name,
			additionalFields: { encryption: 'AES-128-CTR' },
			tags,
		}),
		gives: (hubble) => ({
			created: false,
			key: null,
			deviceId: device(hubble).id,
			tags: any(expect.objectContaining({ site: 'Rotterdam', model: 'Cold room' })),
		}),
		bad: { name: ' ' },
	},
	{
		node: 'Hubble Device',
		operation: 'delete',
		call: 'deleteDevices',
		parameters: (hubble, n) => ({ deviceId: byId(device(hubble, n).id) }),
		gives: (hubble) => ({ deleted: true, deviceId: device(hubble).id }),
		bad: badDevice,
		// Nothing is unknown: deleting a batch is idempotent.
	},
	{
		node: 'Hubble Device',
		operation: 'delete',
		call: 'deleteDevice',
		parameters: (hubble, n) => ({ deviceId: byId(device(hubble, n).id), options: { batching: 'single' } }),
		gives: (hubble) => ({ deleted: true, deviceId: device(hubble).id }),
		bad: badDevice,
		unknown: unknownDevice,
	},
	{
		node: 'Hubble Device',
		operation: 'get',
		call: 'getDevice',
		parameters: (hubble, n) => ({ deviceId: byId(device(hubble, n).id), simplify: false }),
		gives: (hubble) => ({ name: device(hubble).name, created_ts_iso: iso(device(hubble).created_ts) }),
		bad: badDevice,
		unknown: unknownDevice,
	},
	{
		node: 'Hubble Device',
		operation: 'get',
		call: 'getDevice',
		parameters: (hubble, n) => ({ deviceId: byId(device(hubble, n).id) }),
		gives: (hubble) => ({ name: device(hubble).name, deviceId: device(hubble).id }),
		bad: badDevice,
		unknown: unknownDevice,
	},
	{
		node: 'Hubble Device',
		operation: 'export',
		call: 'listDevices',
		parameters: () => ({ format: 'csv', options: { gzip: true, fileName: 'all' } }),
		gives: ({ world }) => ({ fileName: 'all.csv.gz', count: world.main.devices.size }),
	},
	{
		node: 'Hubble Device',
		operation: 'getAll',
		call: 'listDevices',
		parameters: () => ({
			returnAll: false,
			limit: 12,
			filters: { createdAfter: longAgo, lastPacketAfter: longAgo, environment },
			options: { sortBy: 'most_recent_packet_ts', sortAscending: false },
		}),
		gives: () => ({
			environment: 'production',
			createdAt: any(expect.stringMatching(/Z$/)),
			lastPacketAt: any(expect.stringMatching(/Z$/)),
		}),
		bad: { filters: { environment: 'moon' } },
	},
	{
		node: 'Hubble Device',
		operation: 'getAll',
		call: 'listDevices',
		parameters: () => ({ returnAll: true, simplify: false }),
		gives: () => ({
			tags: any(expect.objectContaining({ model: expect.any(String) })),
			created_ts_iso: any(expect.stringMatching(/Z$/)),
		}),
	},
	{
		node: 'Hubble Device',
		operation: 'register',
		call: 'registerDevices',
		parameters: () => ({
			name: ['One', 'Two'],
			tags,
			installLocation: location,
			additionalFields: {
				encryption: 'AES-128-EAX',
				count: 2,
				eidRotation: { rotation: { counter_source: 'DEVICE_UPTIME', period_exponent: 12 } },
				keyFormat: 'hex',
			},
		}),
		gives: () => ({
			name: 'One',
			key: any(expect.stringMatching(/^[0-9a-f]{32}$/)),
			installPlace: 'Hall 3',
			installLatitude: 51.9,
			installLongitude: 4.5,
			createdAt: any(expect.stringMatching(/Z$/)),
			deviceId: any(expect.any(String)),
		}),
		bad: { additionalFields: { encryption: 'ROT13' } },
	},
	{
		node: 'Hubble Device',
		operation: 'register',
		call: 'registerDevices',
		parameters: () => ({ additionalFields: { encryption: 'AES-128-CTR' }, simplify: false }),
		gives: () => ({ device_id: any(expect.any(String)), created_ts_iso: any(expect.stringMatching(/Z$/)) }),
		bad: { additionalFields: { encryption: 'ROT13' } },
	},
	...deviceUpdates,
	{
		node: 'Hubble Invitation',
		operation: 'getAll',
		call: 'listInvitations',
		parameters: (hubble) => (crowd(hubble), { returnAll: true }),
		gives: () => ({ inviteeEmail: emailOf('invitee1'), expiresAt: any(expect.stringMatching(/Z$/)) }),
	},
	{
		node: 'Hubble Invitation',
		operation: 'revoke',
		call: 'revokeInvitation',
		parameters: (_, n) => ({ email: emailOf(`invitee${n + 2}`) }),
		gives: () => ({ deleted: true, email: emailOf('invitee2') }),
		bad: { email: 'nobody' },
		unknown: { parameters: { email: emailOf('nobody') }, id: `no invitation for ${emailOf('nobody')}` },
	},
	{
		node: 'Hubble Invitation',
		operation: 'send',
		call: 'sendInvitation',
		parameters: (_, n) => ({ email: emailOf(`new${n}`), role: 'admin' }),
		gives: () => ({
			inviteeEmail: emailOf('new0'),
			role: 'admin',
			createdAt: any(expect.stringMatching(/Z$/)),
		}),
		bad: { email: '' },
	},
	{
		node: 'Hubble Metric',
		operation: 'createChart',
		call: 'getPacketMetrics',
		alsoCalls: { getDeviceMetrics: 'error' },
		parameters: () => ({ days: 3, filters: { environment }, options: { fileName: 'metrics' } }),
		gives: () => ({
			fileName: 'metrics.html',
			packets: any(expect.any(Number)),
			devices: any(expect.any(Number)),
			html: any(expect.stringMatching(/<h1>Metrics<\/h1>[^]*Packets over time[^]*Devices over time/)),
		}),
		bad: { days: 366 },
	},
	...metrics,
	{
		node: 'Hubble Organization',
		operation: 'checkSetup',
		call: 'checkKey',
		alsoCalls: {
			listDevices: 'hint',
			listPackets: 'hint',
			listWebhooks: 'hint',
			getDeviceMetrics: 'hint',
			getOrganization: 'hint',
			listUsers: 'hint',
			listKeys: 'hint',
			listUsage: 'hint',
			listInvoices: 'hint',
			listInvitations: 'hint',
		},
		// n8n's engine keeps files in memory here.
		usualHint: 'Setup warning: Storage of Files.',
		gives: () => ({ check: 'Storage of Files', state: 'warning', advice: any(expect.stringMatching(/filesystem/)) }),
	},
	{
		node: 'Hubble Organization',
		operation: 'get',
		call: 'getOrganization',
		gives: ({ organizationId }) => ({ orgId: organizationId, name: 'Simulated Fleet' }),
	},
	{
		node: 'Hubble Organization',
		operation: 'update',
		call: 'updateOrganization',
		parameters: () => ({
			updateFields: {
				name: 'Cold Chain',
				address: {
					address: {
						street_address: '1 Quay',
						street_address_line_two: 'Hall 3',
						city: 'Rotterdam',
						state: 'ZH',
						country: 528,
					},
				},
				contact: { contact: { email: emailOf('ops'), phoneNumber: '+31 10 555 0100' } },
				timezone: 'Europe/Amsterdam',
			},
		}),
		gives: () => ({
			name: 'Cold Chain',
			address: {
				streetAddress: '1 Quay',
				streetAddressLineTwo: 'Hall 3',
				city: 'Rotterdam',
				state: 'ZH',
				country: 528,
			},
			contactInfo: { email: emailOf('ops'), phoneNumber: '+31105550100' },
			timezone: 'Europe/Amsterdam',
		}),
		bad: { updateFields: { contact: { contact: { phoneNumber: '12' } } } },
	},
	{
		node: 'Hubble Packet',
		operation: 'count',
		call: 'listPackets',
		parameters: () => ({ period: 'last30Days' }),
		gives: ({ world }) => ({ count: world.main.packets.length, endTime: any(expect.stringMatching(/Z$/)) }),
	},
	{
		node: 'Hubble Packet',
		operation: 'count',
		call: 'listPackets',
		parameters: () => ({ groupBy: 'tag', tag: '_env', filters: { tags: ['_env:production'] } }),
		gives: () => ({ tag: '_env', tagValue: 'production', count: any(expect.any(Number)) }),
		bad: { filters: { tags: ['site'] } },
	},
	{
		node: 'Hubble Packet',
		operation: 'count',
		call: 'listPackets',
		parameters: () => ({ groupBy: 'device' }),
		gives: () => ({ deviceName: any(expect.any(String)), deviceId: any(expect.any(String)) }),
	},
	{
		node: 'Hubble Packet',
		operation: 'createReport',
		call: 'listPackets',
		alsoCalls: { checkKey: 'time' },
		parameters: () => ({
			period: 'last30Days',
			decodePayload: 'layout',
			payloadLayout: 'temperature: int16 @4 ×0.01 °C when byte 0 = 0',
			reportValues: { row: [{ field: 'temperature' }] },
			options: { fileName: 'packets' },
		}),
		gives: ({ world }) => ({
			fileName: 'packets.html',
			packets: world.main.packets.length,
			html: any(expect.stringMatching(/Packets over time[^]*temperature \(°C\)[^]*Median -?[\d.]+;[^]*class="band"/)),
		}),
		bad: { reportValues: { row: [{ field: '' }] } },
	},
	{
		node: 'Hubble Packet',
		operation: 'decode',
		parameters: () => ({
			payload: '01 07 D0',
			payloadEncoding: 'hex',
			decodePayload: 'fields',
			payloadFields: { field: [{ name: 'temperature', type: 'int16', offset: 1, scale: 0.01, unit: '°C' }] },
			options: { outputField: 'reading' },
		}),
		gives: () => ({ payload: '01 07 D0', reading: { temperature: 20 }, readingUnits: { temperature: '°C' } }),
		bad: { payload: '01 07' },
	},
	{
		node: 'Hubble Packet',
		operation: 'export',
		call: 'listPackets',
		parameters: () => ({ format: 'csv', options: { gzip: true, fileName: 'all' } }),
		gives: ({ world }) => ({ fileName: 'all.csv.gz', count: world.main.packets.length }),
	},
	{
		node: 'Hubble Packet',
		operation: 'getAll',
		call: 'listPackets',
		parameters: (hubble, n) => ({
			period: 'custom',
			order: 'oldest',
			startTime: '={{ $now.minus({ days: 6 }).toISO() }}',
			endTime: '={{ $now.toISO() }}',
			simplify: false,
			filters: { deviceId: byId(device(hubble, n).id), environment },
		}),
		gives: (hubble) => ({ device: any(expect.objectContaining({ id: device(hubble).id })) }),
		bad: { filters: { environment: 'moon' } },
	},
	{
		node: 'Hubble Packet',
		operation: 'getAll',
		call: 'listPackets',
		parameters: () => ({ returnAll: true }),
		gives: () => ({ packetKey: any(expect.any(String)), networkType: any(expect.any(String)) }),
	},
	{
		node: 'Hubble Packet',
		operation: 'getLatest',
		call: 'listPackets',
		alsoCalls: { listDevices: 'error' },
		parameters: () => ({ period: 'last30Days', options: { includeSilent: true }, filters: { environment } }),
		gives: () => ({ deviceName: any(expect.any(String)), packetKey: any(expect.any(String)) }),
		bad: { filters: { tags: ['site'] } },
	},
	{
		node: 'Hubble Packet',
		operation: 'getLatest',
		call: 'listPackets',
		parameters: (hubble, n) => ({
			simplify: false,
			filters: { devices: { list: { rows: { device: [{ deviceId: byId(device(hubble, n).id) }] } } } },
		}),
		gives: (hubble) => ({ device: any(expect.objectContaining({ id: device(hubble).id })) }),
	},
	{
		node: 'Hubble Packet',
		operation: 'summarize',
		call: 'listPackets',
		parameters: () => ({
			period: 'last30Days',
			decodePayload: 'layout',
			payloadLayout,
			summaryValues: { row: [{ field: { __rl: true, mode: 'id', value: 'temperature' } }] },
			groupBy: 'tag',
			tag: '_env',
			interval: 'hour',
		}),
		gives: () => ({
			localTime: any(expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:00$/)),
			tag: '_env',
			tagValue: any(expect.stringMatching(/^(production|sandbox)$/)),
			field: 'temperature',
			unit: '°C',
			count: any(expect.any(Number)),
		}),
		bad: { interval: 'week' },
	},
	{
		node: 'Hubble Packet',
		operation: 'summarize',
		call: 'listPackets',
		parameters: () => ({ decodePayload: 'layout', payloadLayout, returnAll: true }),
		gives: () => ({ deviceName: any(expect.any(String)), deviceId: any(expect.any(String)), field: 'temperature' }),
	},
	{
		node: 'Hubble Organization User',
		operation: 'add',
		call: 'addUser',
		parameters: (_, n) => ({ email: emailOf(`new${n}`), role: 'admin' }),
		gives: () => ({ email: emailOf('new0'), role: 'admin', createdAt: any(expect.stringMatching(/Z$/)) }),
		bad: { email: 'new' },
	},
	{
		node: 'Hubble Organization User',
		operation: 'getAll',
		call: 'listUsers',
		parameters: (hubble) => (crowd(hubble), { returnAll: true }),
		gives: () => ({ email: emailOf('operator01'), lastActiveAt: any(expect.stringMatching(/Z$/)) }),
	},
	{
		node: 'Hubble Organization User',
		operation: 'remove',
		call: 'removeUser',
		parameters: (hubble, n) => ({ userId: byId(user(hubble, n).user_id) }),
		gives: (hubble) => ({ deleted: true, userId: user(hubble).user_id }),
		bad: { userId: byId('no ID') },
		unknown: { parameters: { userId: byId(nobody) }, id: nobody },
	},
	{
		node: 'Hubble Organization User',
		operation: 'update',
		call: 'updateUser',
		parameters: (hubble, n) => ({
			userId: byId(user(hubble, n).user_id),
			updateFields: { firstName: 'Example', lastName: 'Person', role: 'admin' },
		}),
		gives: (hubble) => ({ userId: user(hubble).user_id, firstName: 'Example', lastName: 'Person', role: 'admin' }),
		bad: { userId: byId('') },
		unknown: { parameters: { userId: byId(nobody) }, id: nobody },
	},
	{
		node: 'Hubble Webhook',
		operation: 'check',
		call: 'listWebhooks',
		parameters: (hubble) => (webhook(hubble), {}),
		gives: () => ({
			name: 'First',
			state: 'foreign',
			workflow: null,
			deleted: false,
			advice: any(expect.stringMatching(/./)),
		}),
	},
	{
		node: 'Hubble Webhook',
		operation: 'create',
		call: 'createWebhook',
		parameters: () => ({
			url: 'https://n8n.example.com/webhook/hubble',
			additionalFields: { name: 'n8n', maxBatchSize: 500 },
		}),
		gives: () => ({
			name: 'n8n',
			maxBatchSize: 500,
			secret: any(expect.stringMatching(/./)),
			webhookId: any(expect.any(String)),
		}),
		bad: { url: 'n8n.example.com' },
	},
	{
		node: 'Hubble Webhook',
		operation: 'delete',
		call: 'deleteWebhook',
		parameters: (hubble, n) => ({ webhookId: byId(webhook(hubble, n)) }),
		gives: () => ({ deleted: true, webhookId: 'webhook-0' }),
		bad: { webhookId: byId('a/b') },
		unknown: { parameters: { webhookId: byId('no-such-webhook') }, id: 'no-such-webhook' },
	},
	{
		node: 'Hubble Webhook',
		operation: 'getAll',
		call: 'listWebhooks',
		parameters: (hubble) => (webhook(hubble), { returnAll: true }),
		gives: () => ({ name: 'First' }),
	},
	{
		node: 'Hubble Webhook',
		operation: 'test',
		call: 'testWebhook',
		parameters: (hubble, n) => ({ webhookId: byId(webhook(hubble, n)) }),
		gives: () => ({ success: false, statusCode: 404, errorDetails: any(expect.any(String)) }),
		bad: { webhookId: byId('') },
		unknown: { parameters: { webhookId: byId('no-such-webhook') }, id: 'no-such-webhook' },
	},
	{
		node: 'Hubble Webhook',
		operation: 'update',
		call: 'updateWebhook',
		parameters: (hubble, n) => ({
			webhookId: byId(webhook(hubble, n)),
			updateFields: { name: 'Second', url: 'https://n8n.example.com/webhook/2', maxBatchSize: 10 },
		}),
		gives: () => ({ name: 'Second', url: 'https://n8n.example.com/webhook/2', maxBatchSize: 10 }),
		bad: { webhookId: byId('') },
		unknown: { parameters: { webhookId: byId('no-such-webhook') }, id: 'no-such-webhook' },
	},
];

/** The ways to run the operations of the partner service; the parameters are those of its simulator. */
export const partnerSamples: ReadonlyArray<
	Pick<Sample, 'node' | 'resource' | 'operation'> & { parameters: IDataObject }
> = [
	{ resource: 'brand', operation: 'get', parameters: { brandId: 'brand-1' } },
	{
		resource: 'brand',
		operation: 'getAll',
		parameters: { limit: 5, filters: { status: 'ACTIVE', category: 'food', search: 'spice' } },
	},
	{ resource: 'order', operation: 'get', parameters: { by: 'id', orderId: 'order-1' } },
	{ resource: 'order', operation: 'get', parameters: { by: 'reference', reference: 'request-1' } },
	{
		resource: 'order',
		operation: 'place',
		parameters: {
			brandId: 'brand-1',
			denominations: { denomination: [{ denomination: 100, quantity: 1 }] },
			reference: 'request-1',
			waitSeconds: 1,
			additionalFields: {
				customerName: 'Asha Rao',
				customerPhone: '+919812345678',
				customerEmail: emailOf('asha'),
				discountAmount: 10,
			},
			options: { failOnFailed: true, returnExisting: true },
		},
	},
	{ resource: 'order', operation: 'resendDelivery', parameters: { orderId: 'order-1' } },
	{ resource: 'voucher', operation: 'get', parameters: { voucherId: 'voucher-1-0' } },
	{ resource: 'wallet', operation: 'getBalance', parameters: {} },
].map((sample) => ({ node: 'Hubble Gift Card', ...sample }));
