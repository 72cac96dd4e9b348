import { atMost, median, type Result } from './result';
import { hubblePackets, openStage, type Stage, type Step } from './stage';

type Hubble = Stage['hubble'];

/** Of time; memory hardly differs between two fresh n8n. */
const RUNS = 5;
const MEMORY_RUNS = 3;

/** What an export may take above what n8n takes in the same run for as many small requests, in MB. */
const ABOVE_REQUESTS_MB = 50;

/** V8's young generation grows to 128 MB where there is memory enough; this bounds it at 32 MB. */
const SMALL_YOUNG = { NODE_OPTIONS: '--max-semi-space-size=16' };

/** As many requests as a million packets take, for one device each, by n8n's own node: what n8n needs for requests alone. */
const singleDevices = ({ url, organizationId }: Hubble): Step[] => [
	{
		name: 'Hubble Device',
		type: 'n8n-nodes-hubble.hubbleDevice',
		version: 1,
		parameters: { operation: 'getAll', returnAll: true },
	},
	{
		name: 'HTTP Request',
		type: 'n8n-nodes-base.httpRequest',
		version: 4.2,
		parameters: {
			url: `=${url}/api/org/${organizationId}/devices/{{ $json.deviceId }}`,
			authentication: 'predefinedCredentialType',
			nodeCredentialType: 'hubbleApi',
			options: { batching: { batch: { batchSize: 1, batchInterval: 1 } } },
		},
	},
];

const toFile = () => [hubblePackets({ operation: 'export', format: 'ndjson' })];

/** The median of the peaks of n8n's memory in MB, each in a fresh process. */
async function peakOf(
	packets: number,
	steps: (hubble: Hubble) => Step[],
	env?: Record<string, string>,
): Promise<number> {
	const stage = await openStage({ devices: 1000, packets, days: 6, limits: false }, 1000, env);
	const workflow = await stage.workflow(steps(stage.hubble));
	const peaks: number[] = [];
	for (let index = 0; index < MEMORY_RUNS; index++) {
		await stage.restart();
		const { peakMb, requests } = await stage.run(workflow, 600);
		if (requests < packets / 1000) throw new Error(`Only ${requests} requests`);
		peaks.push(peakMb);
	}
	await stage.close();
	return median(peaks);
}

/** The medians of the seconds that the node and the bare loop take for the same file, by turns, and the peak of the bare loop in MB. */
async function timesOf(packets: number) {
	const stage = await openStage({ devices: 1000, packets, days: 6, limits: false }, 1000);
	const workflow = await stage.workflow(toFile(), '$json');
	const ours: number[] = [];
	const bare: Array<[seconds: number, peakMb: number]> = [];
	await stage.run(workflow, 600);
	for (let index = 0; index < RUNS; index++) {
		const { report, seconds } = await stage.run(workflow, 600);
		if (report.count !== packets) throw new Error(`The file holds ${String(report.count)} packets`);
		ours.push(seconds);
		bare.push(await stage.bareLoop({ toFile: true }));
	}
	await stage.close();
	return {
		ours: median(ours),
		bare: median(bare.map(([seconds]) => seconds)),
		bareMb: median(bare.map(([, peakMb]) => peakMb)),
	};
}

/** A million packets into one NDJSON file: memory that does not grow, and time that grows as the packets do. */
export async function exports(): Promise<Result[]> {
	const small = await timesOf(100_000);
	const large = await timesOf(1_000_000);
	const requestsMb = await peakOf(1_000_000, singleDevices);
	const memory = (packets: number, peakMb: number, { bareMb }: typeof small, more = ''): Result => ({
		name: `${packets.toLocaleString('en')} packets to NDJSON, peak memory above idle${more}`,
		unit: 'MB',
		ours: peakMb,
		peer: null,
		limit: requestsMb,
		...atMost(Math.round(requestsMb + ABOVE_REQUESTS_MB), peakMb),
		remark: `median of ${MEMORY_RUNS} runs, each in a fresh n8n that has become idle; limit (as many): 1,000 requests of n8n's HTTP Request node for one device each; the bare loop without n8n: ${bareMb.toFixed(0)} MB`,
	});
	return [
		memory(1_000_000, await peakOf(1_000_000, toFile), large),
		memory(1_000_000, await peakOf(1_000_000, toFile, SMALL_YOUNG), large, `, with ${SMALL_YOUNG.NODE_OPTIONS}`),
		memory(100_000, await peakOf(100_000, toFile), small),
		{
			name: '1,000,000 packets to NDJSON, against the bare loop that writes the file',
			unit: 's',
			ours: large.ours,
			peer: null,
			limit: large.bare,
			...atMost(2, large.ours / large.bare),
			remark: `median of ${RUNS} paired runs`,
		},
		{
			name: 'time for 1,000,000 packets ÷ time for 100,000',
			unit: '×',
			ours: large.ours / small.ours,
			peer: null,
			limit: 10,
			...atMost(10.5, large.ours / small.ours),
			remark: `median of ${RUNS} runs each; the bare loop without n8n: ${(large.bare / small.bare).toFixed(2)}`,
		},
	];
}
