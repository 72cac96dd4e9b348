import { httpRequestPackets, hubblePackets, openStage } from './stage';
import { atLeast, median, type Result } from './result';
import { RATE_LIMITS } from '../../nodes/shared/client/endpoints';

const PAGES = 60;
const PACKETS = PAGES * 1000;
const PAIRS = 5;

/** What the limits allow, in packets a second. */
const CEILING = RATE_LIMITS.endpoint * 1000;

/** The interval that users of the HTTP Request node set to stay below three requests a second. */
const INTERVAL_MS = 334;

async function throughput(name: string, bound: number, options: Parameters<typeof openStage>[0]): Promise<Result[]> {
	const stage = await openStage({ devices: 1000, packets: PACKETS, days: 6, ...options });
	const ours = await stage.workflow([hubblePackets()]);
	const peer = await stage.workflow(httpRequestPackets(stage.hubble, INTERVAL_MS));
	const seconds: Record<'ours' | 'peer', number[]> = { ours: [], peer: [] };
	let throttled = 0;
	let requests = 0;
	for (let pair = 0; pair < PAIRS; pair++) {
		const run = await stage.run(ours);
		if (run.requests < PAGES) throw new Error(`Only ${run.requests} pages were read`);
		({ requests } = run);
		throttled += run.throttled;
		seconds.ours.push(run.seconds);
		seconds.peer.push((await stage.run(peer)).seconds);
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
			remark: `median of ${PAIRS} paired runs; ${median(seconds.ours).toFixed(1)} s in ${requests} requests, ${throttled} answered 429; peer/limit ${(peerRate / CEILING).toFixed(2)}`,
		},
	];
}

/** 60 pages at 120 ms latency: one chain of tokens keeps the pace. */
export const pace = async () => await throughput('60,000 packets, 120 ms latency, limits on', 0.97, { latencyMs: 120 });

/** 60 pages at 1 s latency, unevenly spread in time: only parallel windows keep the pace. */
export const windows = async () =>
	await throughput('60,000 packets, 1 s latency, limits on, half of them in a tenth of the period', 0.85, {
		latencyMs: 1000,
		distribution: 'burst',
	});
