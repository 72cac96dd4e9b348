/** Hubble's documents have two spellings for a scope: `read-devices`, which is on the wire, and `devices:read`. */

import { endpoints, type Endpoint } from './endpoints';

/**
 * What a key reads in the nodes, by the call that shows whether it may, and the nodes that do. A scope to write cannot
 * be tried without writing.
 */
export const READS: ReadonlyArray<{
	what: string;
	nodes: readonly string[];
	endpoint: Endpoint;
	query?: Record<string, string>;
}> = [
	{
		what: 'devices',
		nodes: ['Hubble Device', 'Hubble Device Trigger'],
		endpoint: endpoints.listDevices,
		query: { limit: '10' },
	},
	{
		what: 'packets',
		nodes: ['Hubble Packet', 'Hubble Packet Poll Trigger'],
		endpoint: endpoints.listPackets,
		query: { start: '0', end: '1' },
	},
	{
		what: 'webhooks, for the Hubble Packet Trigger',
		nodes: ['Hubble Webhook', 'Hubble Packet Trigger'],
		endpoint: endpoints.listWebhooks,
	},
	{ what: 'metrics', nodes: ['Hubble Metric'], endpoint: endpoints.getDeviceMetrics, query: { days: '1' } },
	{ what: 'the organization', nodes: ['Hubble Organization'], endpoint: endpoints.getOrganization },
	{ what: 'users', nodes: ['Hubble Organization User'], endpoint: endpoints.listUsers, query: { page_size: '5' } },
	{ what: 'API keys', nodes: ['Hubble API Key'], endpoint: endpoints.listKeys },
	{ what: 'usage', nodes: ['Hubble Billing'], endpoint: endpoints.listUsage },
];

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
