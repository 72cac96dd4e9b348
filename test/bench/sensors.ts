import { alarmPoll } from './alarms';
import { atMost, median, type Result } from './result';
import { openStage, type Stage, type Step } from './stage';
import { payloadLayout } from '../simulator/packets';

const FLEET = 2500;
const LARGE_FLEET = 100_000;
const LATENCY_MS = 120;
const RUNS = 5;

/** Of the devices of the simulator, so many send. */
const SENDING = 0.95;

const packet = (parameters: Step['parameters']): Step => ({
	name: 'Hubble Packet',
	type: 'n8n-nodes-hubble.hubblePacket',
	version: 1,
	parameters: { period: 'last7Days', returnAll: true, decodePayload: 'layout', payloadLayout, ...parameters },
});

const latestStep = packet({ operation: 'getLatest' });

/** The latest packet of each device, in a fleet in which each reports once an hour. */
async function latest(devices: number, bound: number): Promise<Result[]> {
	const senders = Math.ceil(devices / SENDING);
	const stage = await openStage({ devices: senders, packets: 3 * devices, days: 3 / 24, latencyMs: LATENCY_MS });
	const workflow = await stage.workflow([latestStep], '{ count: $("Hubble Packet").all().length }');
	const first = await stage.workflow([packet({ operation: 'getAll', returnAll: false, limit: 1 })]);
	await stage.restart();
	// The first run of a process also asks for Hubble's time.
	await stage.run(first);
	const { seconds, peakMb, requests, throttled, report } = await stage.run(workflow, 600);
	await stage.close();
	if (Number(report.count) < devices) throw new Error(`${String(report.count)} devices`);
	const name = `Latest packet of ${devices.toLocaleString('en')} devices that report hourly`;
	const remark = `${seconds.toFixed(1)} s, ${throttled} answered 429, ${peakMb.toFixed(0)} MB above idle`;
	const list = Math.ceil(devices / 1000);
	return [
		{ name, unit: 'calls', ours: requests, peer: null, limit: 2 * list, ...atMost(bound, requests), remark },
		{
			name: `${name}, peak memory above idle, for each device`,
			unit: 'kB',
			ours: (1000 * peakMb) / devices,
			peer: null,
			limit: null,
			...atMost(devices > FLEET ? 10 : 50, (1000 * peakMb) / devices),
			remark,
		},
	];
}

/** One run of an operation after another, by turns: the medians of seconds and of peaks in MB. */
async function byTurns(stage: Stage, steps: readonly Step[], turns: number) {
	const workflows: string[] = [];
	for (const step of steps) workflows.push(await stage.workflow([step], '$json'));
	const runs = steps.map(() => [] as Array<{ seconds: number; peakMb: number }>);
	await stage.restart();
	for (const workflow of workflows) await stage.run(workflow, 600);
	for (let turn = 0; turn < turns; turn++) {
		for (const [index, workflow] of workflows.entries()) runs[index]?.push(await stage.run(workflow, 600));
	}
	return runs.map((own) => ({
		seconds: median(own.map(({ seconds }) => seconds)),
		peakMb: median(own.map(({ peakMb }) => peakMb)),
	}));
}

/** A summary of packets beside the export of the same. */
async function summary(packets: number, turns: number): Promise<Result[]> {
	const stage = await openStage({ devices: 1000, packets, days: 6, limits: false }, 1000);
	const steps = [packet({ operation: 'summarize', interval: 'day' }), packet({ operation: 'export', format: 'csv' })];
	const [summarized, exported] = await byTurns(stage, steps, turns);
	await stage.close();
	if (!summarized || !exported) throw new Error('Nothing was measured');
	const name = `${packets.toLocaleString('en')} packets summarized by device and day, against their export to CSV`;
	const remark = `medians of ${turns} runs by turns; both decode the payloads by a layout`;
	return [
		{
			name: `${name}, time`,
			unit: 's',
			ours: summarized.seconds,
			peer: null,
			limit: exported.seconds,
			...atMost(1.3, summarized.seconds / exported.seconds),
			remark,
		},
		{
			name: `${name}, peak memory above the run before`,
			unit: 'MB',
			ours: summarized.peakMb,
			peer: null,
			limit: exported.peakMb,
			...atMost(50, summarized.peakMb - exported.peakMb),
			remark,
		},
	];
}

/** What people who watch values do: the latest of each device, and the figures of a period. */
export const sensors = async (): Promise<Result[]> => [
	...(await latest(FLEET, 6)),
	...(await latest(LARGE_FLEET, 220)),
	...(await summary(100_000, RUNS)),
	...(await summary(1_000_000, 1)),
	...(await alarmPoll()),
];
