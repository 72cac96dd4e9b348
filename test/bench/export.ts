import { atMost, median, type Result } from './result';
import { hubblePackets, openStage, type Step } from './stage';

const RUNS = 5;

/** V8's young generation grows to 128 MB where there is memory enough; this bounds it at 48 MB. */
const SMALL_YOUNG = { NODE_OPTIONS: '--max-semi-space-size=16' };

/** As many requests as a million packets take, for one device each: what n8n needs for requests alone. */
const singleDevices: readonly Step[] = [
	{ operation: 'getAll', returnAll: true },
	{ operation: 'get', deviceId: { __rl: true, mode: 'id', value: '={{ $json.id }}' } },
].map((parameters) => ({
	name: `Hubble Device: ${parameters.operation}`,
	type: 'n8n-nodes-hubble.hubbleDevice',
	version: 1,
	parameters: { resource: 'device', ...parameters },
}));

/** Packets into one NDJSON file: the medians of the seconds and of the peak memory of n8n, of the bare loop, and of n8n at as many small requests. */
async function measure(packets: number, env?: Record<string, string>) {
	const stage = await openStage({ devices: 1000, packets, days: 6, limits: false }, 1000, env);
	const workflow = await stage.workflow([hubblePackets({ operation: 'export', format: 'ndjson' })], '$json');
	const requests = await stage.workflow(singleDevices);
	const figures = { seconds: [] as number[], peakMb: [] as number[], bare: [] as number[], bareMb: [] as number[], requestsMb: [] as number[] };
	for (let index = 0; index < RUNS; index++) {
		await stage.restart();
		figures.requestsMb.push((await stage.run(requests, 600)).peakMb);
		await stage.restart();
		figures.peakMb.push((await stage.run(workflow, 600)).peakMb);
		const { report, seconds } = await stage.run(workflow, 600);
		if (report.count !== packets) throw new Error(`The file holds ${String(report.count)} packets`);
		figures.seconds.push(seconds);
		const [bare, bareMb] = await stage.bareLoop({ toFile: true });
		figures.bare.push(bare);
		figures.bareMb.push(bareMb);
	}
	await stage.close();
	return Object.fromEntries(Object.entries(figures).map(([name, list]) => [name, median(list)])) as Record<keyof typeof figures, number>;
}

/** A million packets into one NDJSON file: memory that does not grow, and time that grows as the packets do. */
export async function exports(): Promise<Result[]> {
	const small = await measure(100_000);
	const large = await measure(1_000_000);
	const bounded = await measure(1_000_000, SMALL_YOUNG);
	const memory = ({ peakMb, bareMb, requestsMb }: typeof small) => ({
		unit: 'MB',
		ours: peakMb,
		peer: null,
		limit: requestsMb,
		...atMost(150, peakMb),
		remark: `median of ${RUNS} runs in a fresh n8n that has become idle; limit: 1,000 requests for one device each in the same n8n; the bare loop without n8n: ${bareMb.toFixed(0)} MB`,
	});
	return [
		{ name: '1,000,000 packets to NDJSON, peak memory above idle', ...memory(large) },
		{ name: `1,000,000 packets to NDJSON, peak memory above idle, with ${SMALL_YOUNG.NODE_OPTIONS}`, ...memory(bounded) },
		{ name: '100,000 packets to NDJSON, peak memory above idle', ...memory(small) },
		{
			name: '1,000,000 packets to NDJSON, against the bare loop that writes the file',
			unit: 's',
			ours: large.seconds,
			peer: null,
			limit: large.bare,
			...atMost(2, large.seconds / large.bare),
			remark: `median of ${RUNS} paired runs`,
		},
		{
			name: 'time for 1,000,000 packets ÷ time for 100,000',
			unit: '×',
			ours: large.seconds / small.seconds,
			peer: null,
			limit: 10,
			...atMost(10.5, large.seconds / small.seconds),
			remark: `median of ${RUNS} runs each`,
		},
	];
}
