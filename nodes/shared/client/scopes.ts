/** Hubble's documents have two spellings for a scope: `read-devices`, which is on the wire, and `devices:read`. */

import { endpoints, type Endpoint } from './endpoints';

/**
 * What the nodes read, which nodes do, and the call that shows whether a key may. Write scopes cannot be tested without
 * writing.
 */
export const READS = (
	[
		['devices', ['Hubble Device', 'Hubble Device Trigger'], endpoints.listDevices, { limit: '10' }],
		['packets', ['Hubble Packet', 'Hubble Packet Poll Trigger'], endpoints.listPackets, { start: '0', end: '1' }],
		['webhooks', ['Hubble Webhook', 'Hubble Packet Trigger'], endpoints.listWebhooks],
		['metrics', ['Hubble Metric'], endpoints.getDeviceMetrics, { days: '1' }],
		['the organization', ['Hubble Organization'], endpoints.getOrganization],
		['users', ['Hubble Organization User'], endpoints.listUsers, { page_size: '5' }],
		['API keys', ['Hubble API Key'], endpoints.listKeys],
		['usage', ['Hubble Billing'], endpoints.listUsage],
		['invoices', ['Hubble Billing'], endpoints.listInvoices],
		['invitations', ['Hubble Invitation'], endpoints.listInvitations, { page_size: '5' }],
	] satisfies Array<[what: string, nodes: string[], endpoint: Endpoint, query?: Record<string, string>]>
).map(([what, nodes, endpoint, query]) => ({ what, nodes, endpoint, query }));

/** Subjects whose short name is another word. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
	'organization-metadata': 'organization',
	'api-keys': 'api_keys',
	'platform-metrics': 'metrics',
	'billing-usage': 'billing',
	'billing-invoices': 'billing',
};

/** A scope in both spellings, e.g. "read-devices (devices:read)". */
export function bothSpellings(scope: string): string {
	const [access, ...words] = scope.split('-');
	const subject = words.join('-');
	return `${scope} (${SHORT_NAMES[subject] ?? subject}:${access})`;
}

/** Either spelling → the scopes on the wire: `billing:read` is two. What has neither form stays as it is. */
export function wireScopes(scope: string): string[] {
	const [, short, access] = /^([\w-]+):(\w+)$/.exec(scope) ?? [];
	if (!short) return [scope];
	const subjects = Object.keys(SHORT_NAMES).filter((subject) => SHORT_NAMES[subject] === short);
	return (subjects.length ? subjects : [short]).map((subject) => `${access}-${subject}`);
}
