/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import fastify from 'fastify';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { credentialData, credentialName } from '../e2e/mainJob';
import { type Json, projectFolder, startN8n } from '../e2e/n8n';
import { memoryOf, pause, run as runProgram, temporaryFolder } from '../e2e/processes';
import { provisionNode } from '../e2e/provision';
import { type SimulatorOptions, startSimulator } from '../simulator/server';

/** One node of a workflow that is measured. */
export interface Step {
	name: string;
	type: string;
	version: number;
	parameters: Json;
}

/** What one run of a workflow took. */
export interface Run {
	/** From before the measured nodes to after them. */
	seconds: number;
	/** Peak of n8n's resident memory, above what it was before, in MB. */
	peakMb: number;
	requests: number;
	/** Requests that the simulator refused. */
	throttled: number;
	/** What the last item says, where the workflow reports it. */
	report: Json;
}

/** How often an execution must be missed before it counts as ended: n8n tells the ID before it is stored. */
const GONE = 50;

export type Stage = Awaited<ReturnType<typeof openStage>>;

/**
 * A real n8n with the package installed and a simulator: n8n in a process of its own, the simulator in
 * this one. Binary data go to the file system; executions are not stored, so that what is measured is
 * the nodes and not the database.
 * @param env n8n's environment variables beside those
 */
export async function openStage(
	options: Partial<Omit<SimulatorOptions, 'delivery'>>,
	requestsPerSecond = 3,
	env: Record<string, string> = {},
) {
	const hubble = await startSimulator(options);
	const n8n = await startN8n({ env: { N8N_DEFAULT_BINARY_DATA_MODE: 'filesystem', ...env } });
	const credential = await n8n.createCredential(credentialName, 'hubbleApi', {
		...credentialData(hubble),
		advanced: true,
		requestsPerSecond,
		// The peer is n8n's HTTP Request, and the simulator is none of Hubble's hosts.
		allowedHttpRequestDomains: 'all',
	});
	const credentials = { hubbleApi: { id: credential, name: credentialName } };

	const reached = new Map<string, { at: number; query: Json }>();
	const marks = fastify();
	marks.get('/:name', ({ params, query }) => {
		reached.set((params as { name: string }).name, { at: performance.now(), query: query as Json });
		return {};
	});
	await marks.listen({ host: '127.0.0.1', port: 0 });
	const markUrl = `http://127.0.0.1:${(marks.server.address() as AddressInfo).port}`;
	const mark = (name: string, report = ''): Step => ({
		name,
		type: 'n8n-nodes-base.httpRequest',
		version: 4.2,
		parameters: {
			url: `=${markUrl}/${name}${report && `?report={{ encodeURIComponent(JSON.stringify(${report})) }}`}`,
			options: {},
		},
	});

	/**
	 * Stores a workflow: trigger, mark, the steps, mark. `report` is an expression over the last item. Steps
	 * `before` prepare items; then the time counts from the start of the whole workflow.
	 */
	async function workflow(steps: readonly Step[], report = '', before: readonly Step[] = []): Promise<string> {
		const nodes = [
			{ name: 'Trigger', type: 'n8n-nodes-base.manualTrigger', version: 1, parameters: {} },
			...before,
			...(before.length ? [] : [mark('begin')]),
			...steps,
			{ name: 'One', type: 'n8n-nodes-base.limit', version: 1, parameters: { maxItems: 1, keep: 'lastItems' } },
			mark('end', report),
		].map(({ version: typeVersion, ...node }, index) => ({
			id: String(index),
			position: [220 * index, 0],
			typeVersion,
			credentials,
			...node,
		}));
		const connections = Object.fromEntries(
			nodes
				.slice(1)
				.map(({ name }, index) => [nodes[index]?.name, { main: [[{ node: name, type: 'main', index: 0 }]] }]),
		);
		const settings = { executionOrder: 'v1', saveManualExecutions: false, saveDataSuccessExecution: 'none' };
		return await n8n.createWorkflow({
			name: steps.map(({ name }) => name).join(', ') || 'Warm-up',
			nodes,
			connections,
			settings,
		});
	}

	const warmUp = await workflow([]);

	/** Runs a stored workflow once. */
	async function run(id: string, timeoutSeconds = 300): Promise<Run> {
		hubble.clearLog();
		reached.clear();
		await pause(500);
		const idleMb = resetPeak(n8n.pid);
		const asked = performance.now();
		const { executionId } = await n8n.rest<{ executionId: string }>('POST', `/workflows/${id}/run`, {
			triggerToStartFrom: { name: 'Trigger' },
		});
		const deadline = performance.now() + timeoutSeconds * 1000;
		let missing = 0;
		while (!reached.has('end')) {
			await pause(100);
			// n8n stores it while it runs, and no longer.
			const isStored = await n8n.rest<Json | undefined>('GET', `/executions/${executionId}`).catch(() => undefined);
			missing = isStored ? 0 : missing + 1;
			if (missing > GONE) throw new Error('The workflow has ended before its last node: run it in the editor');
			if (performance.now() > deadline) throw new Error(`Not done within ${timeoutSeconds} s\n${n8n.logs(20)}`);
		}
		const [begin, end] = [reached.get('begin')?.at ?? asked, reached.get('end')];
		const result = {
			seconds: ((end?.at ?? NaN) - begin) / 1000,
			peakMb: memoryOf(n8n.pid, 'VmHWM') - idleMb,
			requests: hubble.log.length,
			throttled: hubble.count429,
			report: JSON.parse(String(end?.query.report ?? '{}')) as Json,
		};
		await pause(1000);
		return result;
	}

	/** The bare loop over the same pages, in a process of its own under n8n's Node.js: its seconds, and its peak memory in MB. */
	async function bareLoop({ toFile = false } = {}): Promise<[seconds: number, peakMb: number]> {
		const { url, organizationId, token } = hubble;
		const file = toFile ? [join(temporaryFolder('bare'), 'packets.ndjson')] : [];
		const said = await runProgram(await provisionNode(), [
			join(projectFolder, 'test/bench/bare.mjs'),
			url,
			organizationId,
			token,
			...file,
		]);
		return JSON.parse(said) as [number, number];
	}

	return {
		hubble,
		n8n,
		workflow,
		run,
		bareLoop,
		/**
		 * A fresh n8n process that has run a small workflow and was left alone since, until V8 has freed the garbage of
		 * its start (some 300 MB; it does so within half a minute): so neither that garbage nor what n8n loads at a
		 * first execution is taken for what the next run needs, or hides what it needs.
		 */
		async restart() {
			await n8n.stop();
			await n8n.start();
			await run(warmUp);
			await pause(40_000);
		},
		async close() {
			await n8n.stop();
			await marks.close();
			await hubble.close();
		},
	};
}

/** Forgets the peak of a process's memory so far; gives what is resident now, in MB. */
function resetPeak(pid: number): number {
	writeFileSync(`/proc/${pid}/clear_refs`, '5');
	return memoryOf(pid);
}

/** The packet node over the whole history of the simulator. */
export const hubblePackets = (parameters: Json = {}): Step => ({
	name: 'Hubble Packet',
	type: 'n8n-nodes-hubble.hubblePacket',
	version: 1,
	parameters: {
		operation: 'getAll',
		period: 'custom',
		startTime: '={{ $now.minus({ days: 29 }).toISO() }}',
		endTime: '={{ $now.toISO() }}',
		returnAll: true,
		...parameters,
	},
});

/** The same with n8n's own nodes, as its users set them up. */
export const httpRequestPackets = (
	{ url, organizationId }: { url: string; organizationId: string },
	intervalMs: number,
): Step[] => [
	{
		name: 'HTTP Request',
		type: 'n8n-nodes-base.httpRequest',
		version: 4.2,
		parameters: {
			url: `=${url}/api/org/${organizationId}/packets?start={{ Math.floor($now.minus({ days: 29 }).toSeconds()) }}&end={{ Math.ceil($now.toSeconds()) }}`,
			authentication: 'predefinedCredentialType',
			nodeCredentialType: 'hubbleApi',
			options: {
				pagination: {
					pagination: {
						paginationMode: 'updateAParameterInEachRequest',
						parameters: {
							parameters: [
								{
									type: 'headers',
									name: 'Continuation-Token',
									value: '={{ $response.headers?.["continuation-token"] ?? "" }}',
								},
							],
						},
						paginationCompleteWhen: 'other',
						completeExpression: '={{ !$response.headers["continuation-token"] }}',
						limitPagesFetched: false,
						requestInterval: intervalMs,
					},
				},
			},
		},
	},
	{
		name: 'Split Out',
		type: 'n8n-nodes-base.splitOut',
		version: 1,
		parameters: { fieldToSplitOut: 'packets', options: {} },
	},
];
