/* eslint-disable @n8n/community-nodes/no-restricted-globals */
/** n8n under steady work for long: deliveries, polls and exports. Does its memory grow? */
import { defaultVersion, type N8nVersion } from '../e2e/provision';
import { variant } from '../e2e/checks/trigger';
import { workflow } from '../e2e/checks/polls';
import { credentialData, readExample } from '../e2e/mainJob';
import { packageName, startN8n, type WorkflowFile } from '../e2e/n8n';
import { memoryOf, pause } from '../e2e/processes';
import { startSimulator } from '../simulator/server';
import { atMost, median, type Result } from './result';
import { hubblePackets } from './stage';

/** Packets a second, in one delivery; the polls read them too. */
const PACKETS = 100;
/** Packets in the history, all exported three times a minute. */
const HISTORY = 20_000;
/** The minute, counted from 1, whose memory is compared with that of the last one. */
const FIRST_MINUTE = 3;

/** Every twenty seconds a whole history into a file. */
function exporting(): WorkflowFile {
	const file = readExample('behind-firewall.json');
	const { version: typeVersion, ...step } = hubblePackets({
		operation: 'export',
		format: 'ndjson',
		endTime: '={{ $now.minus({ hours: 1 }).toISO() }}',
	});
	const [, trigger] = file.nodes;
	const node = { ...step, typeVersion, id: 'export', position: [200, 0], credentials: trigger?.credentials };
	const schedule = {
		name: 'Schedule',
		id: 'schedule',
		position: [0, 0],
		type: 'n8n-nodes-base.scheduleTrigger',
		typeVersion: 1.2,
		parameters: { rule: { interval: [{ field: 'seconds', secondsInterval: 20 }] } },
	};
	const connections = { Schedule: { main: [[{ node: step.name, type: 'main', index: 0 }]] } };
	return { name: 'Export', nodes: [schedule, node], connections, settings: { executionOrder: 'v1' } };
}

/** Works for so many minutes; resident memory is read every second, and each minute's is the median. */
export async function runSoak(minutes: number, version: N8nVersion = defaultVersion): Promise<Result> {
	const hubble = await startSimulator({ packets: HISTORY, days: 6, limits: false, headRetryAfter: 1 });
	const n8n = await startN8n({
		version,
		env: {
			N8N_DEFAULT_BINARY_DATA_MODE: 'filesystem',
			N8N_EXPRESSION_ENGINE_LAZY_ACQUIRE: 'true',
			EXECUTIONS_DATA_SAVE_ON_SUCCESS: 'none',
		},
	});
	try {
		const credentials = { 'Hubble account': await n8n.createCredential('Soak', 'hubbleApi', credentialData(hubble)) };
		const files = [
			variant('receive-packets.json'),
			workflow(`${packageName}.hubblePacketPollTrigger`, { startFrom: 'now' }),
			exporting(),
		];
		for (const file of files) await n8n.activate(await n8n.createWorkflow(file, credentials));
		const readings: number[][] = [];
		const start = Date.now();
		for (let second = 0; second < 60 * minutes; second++) {
			await pause(Math.max(0, start + 1000 * second - Date.now()));
			hubble.addPackets(PACKETS);
			(readings[Math.floor(second / 60)] ??= []).push(memoryOf(n8n.pid));
		}
		await hubble.settled();
		const failed = (await n8n.executions()).map(({ status }) => status).filter((status) => status === 'error');
		if (failed.length) throw new Error(`${failed.length} executions failed`);
		const calls = hubble.log.filter(({ call }) => call === 'listPackets').length;
		const accepted = hubble.deliveries.filter(({ delivered }) => delivered).length;
		if (accepted < 60 * minutes) throw new Error(`Of ${60 * minutes} deliveries ${accepted} were accepted`);
		const perMinute = readings.map(median);
		const [then, now] = [perMinute[FIRST_MINUTE - 1] ?? NaN, perMinute.at(-1) ?? NaN];
		return {
			name: `Soak, ${minutes} minutes: resident memory in the last minute to that in the third`,
			unit: 'MB',
			ours: now,
			peer: null,
			limit: then,
			...atMost(1.1, now / then),
			remark: `${accepted} deliveries of ${PACKETS} packets, ${calls} pages for polls and exports; MB by minute: ${perMinute.map(Math.round).join(' ')}`,
		};
	} finally {
		await n8n.stop();
		await hubble.close();
	}
}

/** Thirty minutes, or as many as SOAK_MINUTES says. */
export async function soak(): Promise<Result[]> {
	return [await runSoak(Number(process.env.SOAK_MINUTES ?? 30))];
}
