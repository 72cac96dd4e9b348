import { httpRequestPackets, hubblePackets, openStage } from './stage';
import { atLeast, median, type Result } from './result';
import { RATE_LIMITS } from '../../nodes/shared/client/endpoints';

const PAGES = 60;
const PACKETS = PAGES * 1000;
/** Runs of ours, and of the peer, which takes four times as long where replies are slow. */
const RUNS = { ours: 5, peer: 5 };
const RUNS_SLOW = { ours: 3, peer: 1 };

/** What the limits allow, in packets a second. */
const CEILING = RATE_LIMITS.endpoint * 1000;

/** The interval that users of the HTTP Request node set to stay below three requests a second. */
const INTERVAL_MS = 334;

async function throughput(
	name: string,
	bound: number,
	options: Parameters<typeof openStage>[0],
	runs = RUNS,
): Promise<Result[]> {
	const stage = await openStage({ devices: 1000, packets: PACKETS, days: 6, ...options });
	const ours = await stage.workflow([hubblePackets()]);
	const peer = await stage.workflow(httpRequestPackets(stage.hubble, INTERVAL_MS));
	const seconds: Record<'ours' | 'peer', number[]> = { ours: [], peer: [] };
	let throttled = 0;
	let requests = 0;
	for (let pair = 0; pair < runs.ours; pair++) {
		const run = await stage.run(ours);
		if (run.requests < PAGES) throw new Error(`Only ${run.requests} pages were read`);
		({ requests } = run);
		throttled += run.throttled;
		seconds.ours.push(run.seconds);
		if (pair < runs.peer) seconds.peer.push((await stage.run(peer)).seconds);
	}
	await stage.close();
	const [rate, peerRate] = [PACKETS / median(seconds.ours), PACKETS / median(seconds.peer)];
	const verdict = atLeast(bound, rate / CEILING);
	return [
		{
			name,
			unit: 'packets/s',
			ours: rate,
			peer: peerRate,
			limit: CEILING,
			...verdict,
			passed: verdict.passed && throttled === 0,
			remark: `median of ${runs.ours} runs beside ${runs.peer} of the peer; ${median(seconds.ours).toFixed(1)} s in ${requests} requests, ${throttled} answered 429; peer/limit ${(peerRate / CEILING).toFixed(2)}`,
		},
	];
}

/** 60 pages at 120 ms latency: one chain of tokens keeps the pace. */
export const pace = async () => await throughput('60,000 packets, 120 ms latency, limits on', 0.97, { latencyMs: 120 });

/** 60 pages at 1 s latency: only windows side by side keep the pace, wherever most packets lie. */
export async function windows(): Promise<Result[]> {
	const slow = (name: string, bound: number, burstAt?: number) =>
		throughput(`60,000 packets, 1 s latency, limits on, ${name}`, bound, { latencyMs: 1000, burstAt }, RUNS_SLOW);
	return [
		...(await slow('evenly spread', 0.9)),
		...(await slow('half of them in the first tenth of the period', 0.75, 0)),
		...(await slow('half of them in a tenth in the middle', 0.75, 0.45)),
		...(await slow('half of them in the last tenth', 0.75, 0.9)),
	];
}
