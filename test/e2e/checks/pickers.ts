/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import { deepEqual, equal, ok } from 'node:assert/strict';
import type { Check } from '../check';
import { credentialName } from '../mainJob';
import { packageName } from '../n8n';

export const pickerChecks: Check[] = [
	{
		name: 'the device picker lists every device page by page and finds one by its name',
		async run({ n8n, hubble }) {
			const id = (await n8n.credentialIds())[credentialName] ?? '';
			const search = async (more: { filter?: string; paginationToken?: string }) =>
				await n8n.listSearch({
					nodeType: `${packageName}.hubbleDevice`,
					methodName: 'searchDevices',
					path: 'parameters.deviceId',
					parameters: { operation: 'get' },
					credentials: { hubbleApi: { id, name: credentialName } },
					...more,
				});

			const { devices } = hubble.world.main;
			const seen: string[] = [];
			let page = await search({});
			let pages = 1;
			seen.push(...page.results.map(({ value }) => value));
			while (page.paginationToken) {
				page = await search({ paginationToken: page.paginationToken });
				pages += 1;
				seen.push(...page.results.map(({ value }) => value));
			}
			equal(seen.length, devices.size);
			deepEqual(new Set(seen), new Set(devices.keys()));

			const wanted = [...devices.values()].at(-1);
			const { results } = await search({ filter: wanted?.name });
			ok(
				results.some(({ value }) => value === wanted?.id),
				`${wanted?.name} is not among ${JSON.stringify(results)}`,
			);
			ok(
				results.every(({ name }) => name.includes(wanted?.name ?? '')),
				JSON.stringify(results),
			);
			return `${seen.length} devices on ${pages} pages`;
		},
	},
];
