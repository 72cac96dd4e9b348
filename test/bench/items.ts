import { atMost, median, type Result } from './result';
import { httpRequestPackets, hubblePackets, openStage } from './stage';

const PACKETS = 100_000;
const PAIRS = 5;
/** Memory hardly differs between two fresh n8n. */
const MEMORY_PAIRS = 3;

/** 100,000 packets to items without limits: what the node itself costs. */
export async function items(): Promise<Result[]> {
	const stage = await openStage({ devices: 1000, packets: PACKETS, days: 6, limits: false }, 1000);
	const ours = await stage.workflow([hubblePackets({ simplify: false })]);
	const peer = await stage.workflow(httpRequestPackets(stage.hubble, 0));
	const runs: Record<'ours' | 'peer', number[]> = { ours: [], peer: [] };
	const bare: number[] = [];
	await stage.run(ours);
	await stage.run(peer);
	for (let pair = 0; pair < PAIRS; pair++) {
		runs.ours.push((await stage.run(ours)).seconds);
		runs.peer.push((await stage.run(peer)).seconds);
		bare.push((await stage.bareLoop())[0]);
	}
	const peaks: Record<'ours' | 'peer', number[]> = { ours: [], peer: [] };
	for (let pair = 0; pair < MEMORY_PAIRS; pair++) {
		for (const [side, workflow] of [
			['ours', ours],
			['peer', peer],
		] as const) {
			await stage.restart();
			peaks[side].push((await stage.run(workflow)).peakMb);
		}
	}
	await stage.close();
	const common = {
		unit: 's',
		ours: median(runs.ours),
		peer: median(runs.peer),
		limit: median(bare),
		remark: `median of ${PAIRS} paired runs`,
	};
	const memory = { ours: median(peaks.ours), peer: median(peaks.peer) };
	return [
		{
			name: '100,000 packets to items, against HTTP Request and Split Out',
			...common,
			...atMost(0.8, common.ours / common.peer),
		},
		{ name: '100,000 packets to items, against the bare loop', ...common, ...atMost(1.5, common.ours / common.limit) },
		{
			name: '100,000 packets to items, peak memory above idle',
			unit: 'MB',
			...memory,
			limit: null,
			...atMost(1, memory.ours / memory.peer),
			remark: `median of ${MEMORY_PAIRS} paired runs, each in a fresh n8n that has become idle`,
		},
	];
}
