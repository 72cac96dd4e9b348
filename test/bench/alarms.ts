/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import type { IDataObject } from 'n8n-workflow';
import { performance } from 'node:perf_hooks';
import { pollPackets } from '../../nodes/HubblePacketPollTrigger/poll';
import { pollContext } from '../integration/pollContext';
import { payloadLayout } from '../simulator/packets';
import { startSimulator, type Simulator } from '../simulator/server';
import { atMost, median, type Result } from './result';

const PACKETS = 10_000;
const RUNS = 9;

const decoding = { decodePayload: 'layout', payloadLayout };
const rule = { name: 'Too warm', field: 'temperature', condition: 'above', than: '0', clearsAt: '-1', forAtLeast: 5 };
const plain = { ...decoding, startFrom: 'everything', options: { maxPackets: PACKETS + 1000 } };
const alarms = { ...decoding, triggerOn: 'alarms', alarmRules: { rule: [rule] }, reportAlready: true };

let nodes = 0;

/** The first poll of a node: its seconds and its items. */
async function poll(hubble: Simulator, parameters: IDataObject) {
	const name = `Poll ${++nodes}`;
	const context = pollContext(hubble, parameters, { getNode: () => ({ id: name, name, parameters }) });
	const begin = performance.now();
	const [items = []] = (await pollPackets(context)) ?? [];
	return { seconds: (performance.now() - begin) / 1000, items: items.length };
}

/** A poll that looks at 10,000 packets for alarms, beside one that passes them on; both in this process. */
export async function alarmPoll(): Promise<Result[]> {
	const hubble = await startSimulator({ devices: 1000, packets: PACKETS, days: 1 / 24, limits: false });
	const [ours, limit]: [number[], number[]] = [[], []];
	let raised = 0;
	for (let turn = 0; turn <= RUNS; turn++) {
		const [watched, passed] = [await poll(hubble, alarms), await poll(hubble, plain)];
		if (passed.items !== PACKETS || !watched.items) throw new Error(`${passed.items} packets, ${watched.items} alarms`);
		raised = watched.items;
		// The first turn warms up.
		if (turn) ours.push(watched.seconds);
		if (turn) limit.push(passed.seconds);
	}
	await hubble.close();
	const [a, b] = [median(ours), median(limit)];
	const remark = `medians of ${RUNS} runs by turns; both decode the payloads by a layout; ${raised} alarms`;
	const name = 'Alarm poll of 10,000 packets beside the plain poll, time';
	return [{ name, unit: 's', ours: a, peer: null, limit: b, ...atMost(1.5, a / b), remark }];
}
