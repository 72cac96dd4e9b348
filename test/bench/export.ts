import { atMost, median, type Result } from './result';
import { hubblePackets, openStage } from './stage';

const SIZES = [100_000, 1_000_000] as const;
const RUNS = 5;

/** A million packets into one NDJSON file: memory that does not grow, and time that grows as the packets do. */
export async function exports(): Promise<Result[]> {
	const measured = [];
	for (const packets of SIZES) {
		const stage = await openStage({ devices: 1000, packets, days: 6, limits: false }, 1000);
		const workflow = await stage.workflow([hubblePackets({ operation: 'export', format: 'ndjson' })], '$json');
		const runs = [];
		const peaks: number[] = [];
		const bare: Array<[seconds: number, peakMb: number]> = [];
		for (let index = 0; index < RUNS; index++) {
			await stage.restart();
			peaks.push((await stage.run(workflow, 600)).peakMb);
			const run = await stage.run(workflow, 600);
			if (run.report.count !== packets) throw new Error(`The file holds ${String(run.report.count)} packets`);
			runs.push(run);
			bare.push(await stage.bareLoop({ toFile: true }));
		}
		await stage.close();
		measured.push({ seconds: median(runs.map(({ seconds }) => seconds)), peakMb: median(peaks), bare: median(bare.map(([seconds]) => seconds)), bareMb: median(bare.map(([, peakMb]) => peakMb)) });
	}
	const [small, large] = measured;
	if (!small || !large) throw new Error('Nothing was measured');
	const remark = `median of ${RUNS} paired runs, memory in a fresh n8n whose start left no garbage; 100,000: ${small.seconds.toFixed(1)} s, ${small.peakMb.toFixed(0)} MB; 1,000,000: ${large.seconds.toFixed(1)} s, ${large.peakMb.toFixed(0)} MB`;
	return [
		{ name: '1,000,000 packets to NDJSON, peak memory above idle', unit: 'MB', ours: large.peakMb, peer: null, limit: large.bareMb, ...atMost(150, large.peakMb), remark },
		{ name: '100,000 packets to NDJSON, peak memory above idle', unit: 'MB', ours: small.peakMb, peer: null, limit: small.bareMb, ...atMost(150, small.peakMb), remark },
		{ name: '1,000,000 packets to NDJSON, against the bare loop that writes the file', unit: 's', ours: large.seconds, peer: null, limit: large.bare, ...atMost(2, large.seconds / large.bare), remark },
		{ name: 'time for 1,000,000 packets ÷ time for 100,000', unit: '×', ours: large.seconds / small.seconds, peer: null, limit: 10, ...atMost(10.5, large.seconds / small.seconds), remark },
	];
}
