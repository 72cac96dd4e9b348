/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import { deepEqual, equal, match } from 'node:assert/strict';
import type { Check, Stage } from '../check';
import { credentialData } from '../mainJob';
import type { Json } from '../n8n';
import { freePort } from '../processes';

/** One attempt in the credential dialog: what is typed, and what the answer must say. */
const attempts: Array<{
	what: string;
	typed(stage: Stage): Promise<Json> | Json;
	status: 'OK' | 'Error';
	says: RegExp;
}> = [
	{ what: 'right token, /api paths', typed: () => ({}), status: 'OK', says: /accepts the token/ },
	{
		what: 'right token, versioned paths',
		typed: () => ({ apiPaths: 'versioned' }),
		status: 'OK',
		says: /accepts the token/,
	},
	{ what: 'wrong token', typed: () => ({ apiToken: 'wrong' }), status: 'Error', says: /token/i },
	{
		what: 'wrong organization',
		typed: ({ hubble }) => ({ organizationId: hubble.world.stranger.metadata.org_id }),
		status: 'Error',
		says: /organization/i,
	},
	{
		what: 'unreachable host',
		typed: async () => ({ baseUrl: `http://127.0.0.1:${await freePort()}` }),
		status: 'Error',
		says: /reach/i,
	},
];

export const credentialChecks: Check[] = [
	{
		name: 'the credential test tells right, wrong token, wrong organization and unreachable host apart',
		async run(stage) {
			const said: string[] = [];
			for (const { what, typed, status, says } of attempts) {
				const data = { ...credentialData(stage.hubble), ...(await typed(stage)) };
				const answer = await stage.n8n.testCredential('hubbleApi', data);
				said.push(`${what}: ${answer.status}: ${answer.message}`);
				equal(answer.status, status, said.at(-1));
				match(answer.message, says);
			}
			const errors = said.map((line) => line.split(': ').slice(1).join()).filter((line) => line.startsWith('Error'));
			deepEqual([...new Set(errors)], errors);
			return said.join('\n');
		},
	},
];
