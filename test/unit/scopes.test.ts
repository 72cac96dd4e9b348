import { bothSpellings, wireScopes } from '../../nodes/shared/client/scopes';
import { scopes } from '../../tools/contract';

test.each(Object.keys(scopes))('%s is understood in both spellings', (scope) => {
	const [, long = '', short = ''] = /^(\S+) \((\S+)\)$/.exec(bothSpellings(scope)) ?? [];
	expect(wireScopes(long)).toEqual([scope]);
	expect(wireScopes(short)).toContain(scope);
	expect(Object.keys(scopes)).toEqual(expect.arrayContaining(wireScopes(short)));
});

test('a scope that is new to us goes to Hubble as it is', () => {
	expect(wireScopes('read-firmware')).toEqual(['read-firmware']);
	expect(wireScopes('firmware:read')).toEqual(['read-firmware']);
	expect(wireScopes('all')).toEqual(['all']);
});

test('short names are those of the documents, and one of them may stand for two scopes', () => {
	expect(bothSpellings('read-devices')).toBe('read-devices (devices:read)');
	expect(bothSpellings('write-api-keys')).toBe('write-api-keys (api_keys:write)');
	expect(bothSpellings('write-organization-metadata')).toBe('write-organization-metadata (organization:write)');
	expect(bothSpellings('read-platform-metrics')).toBe('read-platform-metrics (metrics:read)');
	expect(wireScopes('billing:read')).toEqual(['read-billing-usage', 'read-billing-invoices']);
});

test.each([' devices:read', 'devices:read!', 'devices:', ':read'])('"%s" has neither spelling', (scope) => {
	expect(wireScopes(scope)).toEqual([scope]);
});
