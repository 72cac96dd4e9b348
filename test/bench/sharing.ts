/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import { join } from 'node:path';
import { RATE_LIMITS } from '../../nodes/shared/client/endpoints';
import { projectFolder } from '../e2e/n8n';
import { run } from '../e2e/processes';
import { startSimulator } from '../simulator/server';
import { atLeast, atMost, type Result } from './result';

const PROCESSES = 4;

/** Finding out how many there are is a part of it: ten minutes, as an export of half a million packets each takes. */
const SECONDS = 600;

/** Four processes with the same organization and no knowledge of each other, reading packets at 120 ms latency. */
export async function sharing(): Promise<Result[]> {
	const hubble = await startSimulator({ devices: 100, packets: 50_000, days: 6, latencyMs: 120 });
	const { url, organizationId, token } = hubble;
	const reader = [join(projectFolder, 'test/bench/reader.ts'), url, organizationId, token, String(SECONDS)];
	const tsx = join(projectFolder, 'node_modules/.bin/tsx');
	await Promise.all(Array.from({ length: PROCESSES }, async () => await run(tsx, reader)));
	const starts = hubble.log.map(({ startedAt }) => startedAt);
	const taken = hubble.log.length - hubble.count429;
	const rate = taken / ((Math.max(...starts) - Math.min(...starts)) / 1000);
	const refused = hubble.count429 / hubble.log.length;
	await hubble.close();
	const name = `${PROCESSES} processes share an organization's limit for ${SECONDS} s`;
	return [
		{
			name: `${name}: requests taken`,
			unit: 'requests/s',
			ours: rate,
			peer: null,
			limit: RATE_LIMITS.endpoint,
			...atLeast(0.93, rate / RATE_LIMITS.endpoint),
		},
		{
			name: `${name}: requests answered 429`,
			unit: '%',
			ours: 100 * refused,
			peer: null,
			limit: 0,
			...atMost(0.03, refused),
		},
	];
}
