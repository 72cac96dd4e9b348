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
