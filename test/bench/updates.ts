import { RATE_LIMITS } from '../../nodes/shared/client/endpoints';
import { atMost, median, type Result } from './result';
import { openStage, type Step } from './stage';

const DEVICES = 10_000;
const RUNS = 5;

/** What one run must also manage: a hundred calls. */
const MANY = 100_000;

/** How many calls of the peer are measured: all 10,000 take an hour. */
const PEER_CALLS = 60;

/** 10,000 device updates from 10,000 items with the limits on, and once 100,000. */
export async function updates(): Promise<Result[]> {
	const stage = await openStage({ devices: MANY, packets: 0, days: 6 });
	const ids = [...stage.hubble.world.main.devices.keys()];
	const source = (count: number): Step[] => [
		{
			name: 'Devices',
			type: 'n8n-nodes-base.set',
			version: 3.4,
			parameters: {
				mode: 'raw',
				jsonOutput: JSON.stringify({
					devices: ids.slice(0, count).map((id, index) => ({ id, name: `Tracker ${index}` })),
				}),
				options: {},
			},
		},
		{
			name: 'Split',
			type: 'n8n-nodes-base.splitOut',
			version: 1,
			parameters: { fieldToSplitOut: 'devices', options: {} },
		},
	];
	const update: Step = {
		name: 'Hubble Device',
		type: 'n8n-nodes-hubble.hubbleDevice',
		version: 1,
		parameters: {
			operation: 'update',
			deviceId: { __rl: true, mode: 'id', value: '={{ $json.id }}' },
			updateFields: { name: '={{ $json.name }}' },
		},
	};
	const ours = await stage.workflow([update], '', source(DEVICES));
	const many = await stage.workflow([update], '', source(MANY));
	const peer = await stage.workflow(
		[
			{
				name: 'HTTP Request',
				type: 'n8n-nodes-base.httpRequest',
				version: 4.2,
				parameters: {
					method: 'PATCH',
					url: `=${stage.hubble.url}/api/org/${stage.hubble.organizationId}/devices/{{ $json.id }}`,
					authentication: 'predefinedCredentialType',
					nodeCredentialType: 'hubbleApi',
					sendBody: true,
					specifyBody: 'json',
					jsonBody: '={"set_name": "{{ $json.name }}"}',
					options: { batching: { batch: { batchSize: 1, batchInterval: Math.ceil(1000 / RATE_LIMITS.endpoint) } } },
				},
			},
		],
		'',
		source(PEER_CALLS),
	);
	const seconds: number[] = [];
	let requests = 0;
	let throttled = 0;
	for (let index = 0; index < RUNS; index++) {
		const run = await stage.run(ours);
		seconds.push(run.seconds);
		requests = Math.max(requests, run.requests);
		throttled += run.throttled;
	}
	const renamed = (count: number) => {
		const names = [...stage.hubble.world.main.devices.values()].filter(({ name }) => /^Tracker \d+$/.test(name)).length;
		if (names !== count) throw new Error(`${names} devices have their new name`);
	};
	renamed(DEVICES);
	const { seconds: peerSeconds } = await stage.run(peer);
	await stage.restart();
	const whole = await stage.run(many);
	renamed(MANY);
	await stage.close();
	const time = median(seconds);
	const peerTime = (peerSeconds / PEER_CALLS) * DEVICES;
	const remark = `median of ${RUNS} runs, ${requests} calls each, ${throttled} answered 429; the peer's first ${PEER_CALLS} calls took ${peerSeconds.toFixed(0)} s, its ${DEVICES} are reckoned from them`;
	const ceiling = DEVICES / 1000 / RATE_LIMITS.endpoint;
	const remarkMany = `one run, ${whole.throttled} answered 429, ${whole.seconds.toFixed(1)} s, ${whole.peakMb.toFixed(0)} MB above idle, with the items themselves`;
	return [
		{
			name: '10,000 device updates, time',
			unit: 's',
			ours: time,
			peer: peerTime,
			limit: ceiling,
			...atMost(5, time),
			remark,
		},
		{
			name: '10,000 device updates, calls',
			unit: 'calls',
			ours: requests,
			peer: DEVICES,
			limit: DEVICES / 1000,
			...atMost(10, requests),
			remark,
		},
		{
			name: '100,000 device updates, calls',
			unit: 'calls',
			ours: whole.requests,
			peer: MANY,
			limit: MANY / 1000,
			...atMost(100, whole.requests),
			remark: remarkMany,
		},
	];
}
