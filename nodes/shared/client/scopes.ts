/** Hubble's documents have two spellings for a scope: `read-devices`, which is on the wire, and `devices:read`. */

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
