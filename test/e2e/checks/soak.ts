/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import { ok } from 'node:assert/strict';
import { runSoak } from '../../bench/soak';
import type { Check } from '../check';

const MINUTES = 5;

export const soakChecks: Check[] = [
	{
		name: `soak: ${MINUTES} minutes of deliveries, polls and exports do not grow n8n's memory`,
		async run({ n8n: { version } }) {
			const { ours, limit, passed, remark } = await runSoak(MINUTES, version);
			const said = `${ours.toFixed(0)} MB in the last minute, ${limit?.toFixed(0)} MB in the third\n${remark}`;
			ok(passed, said);
			return said;
		},
	},
];
