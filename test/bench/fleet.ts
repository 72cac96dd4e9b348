import { RATE_LIMITS } from '../../nodes/shared/client/endpoints';
import { atMost, type Result } from './result';
import { openStage, type Stage, type Step } from './stage';

const PACKETS = 10_000;
const DEVICES = 500;
const FLEET = 2500;
const LARGE_FLEET = 100_000;
const LATENCY_MS = 120;

/** How many calls of the peer are measured: all 10,000 take an hour. */
const PEER_CALLS = 60;

/** Items that a JSON expression of n8n's own nodes gives. */
const source = (rows: string): Step[] => [
	{
		name: 'Rows',
		type: 'n8n-nodes-base.set',
		version: 3.4,
		parameters: { mode: 'raw', jsonOutput: `={{ { rows: ${rows} } }}`, options: {} },
	},
	{
		name: 'Split',
		type: 'n8n-nodes-base.splitOut',
		version: 1,
		parameters: { fieldToSplitOut: 'rows', options: {} },
	},
];

const device = (parameters: Step['parameters'], onError?: string): Step =>
	({
		name: 'Hubble Device',
		type: 'n8n-nodes-hubble.hubbleDevice',
		version: 1,
		parameters,
		...(onError ? { onError } : {}),
	}) as Step;

const byId = { __rl: true, mode: 'id', value: '={{ $json.deviceId }}' };
const enrich = device({ operation: 'get', deviceId: byId, options: { keepInput: 'device' } });

/** Every so many-th device of the fleet, so that they are spread over all pages. */
const idsOf = ({ hubble }: Stage, count: number): string[] => {
	const ids = [...hubble.world.main.devices.keys()];
	return Array.from({ length: count }, (_, n) => ids[Math.floor((n * ids.length) / count)] as string);
};

async function smallFleet(): Promise<Result[]> {
	const stage = await openStage({ devices: FLEET, packets: 5000, days: 6, latencyMs: LATENCY_MS });
	const ids = JSON.stringify(idsOf(stage, DEVICES));
	const packets = `Array.from({ length: ${PACKETS} }, (_, n) => ({ n, deviceId: ${ids}[n % ${DEVICES}] }))`;
	const idle = await stage.run(await stage.workflow([], '', source(packets)));
	const enriched = await stage.run(await stage.workflow([enrich], '', source(packets)));
	const peerStep: Step = {
		name: 'HTTP Request',
		type: 'n8n-nodes-base.httpRequest',
		version: 4.2,
		parameters: {
			url: `=${stage.hubble.url}/api/org/${stage.hubble.organizationId}/devices/{{ $json.deviceId }}`,
			authentication: 'predefinedCredentialType',
			nodeCredentialType: 'hubbleApi',
			options: { batching: { batch: { batchSize: 1, batchInterval: Math.ceil(1000 / RATE_LIMITS.endpoint) } } },
		},
	};
	const few = packets.replace(`length: ${PACKETS}`, `length: ${PEER_CALLS}`);
	const peer = await stage.run(await stage.workflow([peerStep], '', source(few)));
	const tagged = await stage.run(
		await stage.workflow(
			[
				device({
					operation: 'update',
					deviceId: byId,
					updateFields: { addTags: { list: { rows: { tag: [{ key: 'bench', value: '1' }] } } } },
				}),
			],
			'',
			source(`${JSON.stringify(idsOf(stage, FLEET))}.map((deviceId) => ({ deviceId }))`),
		),
	);
	const withTag = [...stage.hubble.world.main.devices.values()].filter(({ tags }) => tags.bench === '1').length;
	if (withTag !== FLEET) throw new Error(`${withTag} devices have the tag`);
	const registered = await stage.run(
		await stage.workflow(
			[
				device(
					{ operation: 'register', additionalFields: { encryption: 'AES-128-CTR' }, name: '={{ $json.name }}' },
					'continueRegularOutput',
				),
			],
			'',
			source(`Array.from({ length: ${FLEET} }, (_, n) => ({ name: 'Probe ' + n }))`),
		),
	);
	const created = stage.hubble.world.main.devices.size - FLEET;
	if (created !== FLEET) throw new Error(`${created} devices were registered`);
	await stage.close();
	const seconds = enriched.seconds - idle.seconds;
	const remark = `${enriched.requests} calls, ${enriched.throttled} answered 429; whole workflow ${enriched.seconds.toFixed(1)} s, without the node ${idle.seconds.toFixed(1)} s; the peer's first ${PEER_CALLS} calls took ${peer.seconds.toFixed(0)} s, its ${PACKETS} are reckoned from them`;
	const name = '10,000 packets of 500 devices enriched in a fleet of 2,500';
	const callsOf = (what: string, ours: number, peerCalls: number, limit: number): Result => ({
		name: what,
		unit: 'calls',
		ours,
		peer: peerCalls,
		limit,
		...atMost(limit, ours),
	});
	return [
		{
			name: `${name}, time`,
			unit: 's',
			ours: seconds,
			peer: (peer.seconds / PEER_CALLS) * PACKETS,
			limit: FLEET / 1000 / RATE_LIMITS.endpoint,
			...atMost(3, seconds),
			remark,
		},
		callsOf(`${name}, calls`, enriched.requests, PACKETS, 10),
		callsOf('A tag added to 2,500 devices, calls', tagged.requests, 2 * FLEET, 6),
		callsOf('2,500 devices registered from rows, calls', registered.requests, FLEET, 3),
	];
}

async function largeFleet(): Promise<Result[]> {
	const stage = await openStage({ devices: LARGE_FLEET, packets: 5000, days: 6, latencyMs: LATENCY_MS });
	const rows = `${JSON.stringify(idsOf(stage, DEVICES))}.map((deviceId) => ({ deviceId }))`;
	const { seconds, requests, throttled } = await stage.run(await stage.workflow([enrich], '', source(rows)));
	await stage.close();
	const single = DEVICES / RATE_LIMITS.endpoint;
	return [
		{
			name: '500 devices found in a fleet of 100,000, time',
			unit: 's',
			ours: seconds,
			peer: single,
			limit: null,
			...atMost(1, seconds / single),
			remark: `${requests} calls, ${throttled} answered 429; the peer is 500 single Gets at three a second, reckoned`,
		},
	];
}

/** Enriching, labelling and provisioning a fleet, with the limits on. */
export const fleet = async (): Promise<Result[]> => [...(await smallFleet()), ...(await largeFleet())];
