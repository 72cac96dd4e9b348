/** A success that is not Hubble's is none: every operation whose reply says something is answered by something else. */
import type { INodeType } from 'n8n-workflow';
import { listOf } from '../../nodes/shared/operation/operation';
import { nodes } from '../nodes';
import { samples } from '../samples';
import { startSimulator, type Simulator } from '../simulator/server';
import { tables } from '../../tools/tables';
import { answering, credentialFor, execute } from './harness';

let hubble: Simulator;
beforeAll(async () => {
	hubble = await startSimulator({ devices: 5, packets: 5, days: 2, limits: false });
});
afterAll(async () => await hubble.close());

const ANSWERS: Array<[what: string, status: number, body: string]> = [
	['an empty object', 200, '{}'],
	['nothing', 200, ''],
	['null', 200, 'null'],
	['204', 204, ''],
	['a list', 200, '[]'],
	['an object of somebody else', 200, '{"hello":"world"}'],
	[
		'lists that are none',
		200,
		'{"devices":null,"packets":{},"webhooks":"x","users":1,"invites":null,"keys":0,"buckets":{}}',
	],
];

const cases = samples
	.map((sample) => ({
		sample,
		row: (tables[sample.node] ?? []).find(
			({ value, resource }) => value === sample.operation && resource === sample.resource,
		),
	}))
	// A deletion is answered with an empty object; the check of a key and the subscription by any.
	.filter(({ row }) => row?.endpoint && row.endpoint.method !== 'DELETE' && (row.endpoint.replyHas ?? listOf(row)))
	.flatMap(({ sample }) =>
		ANSWERS.map(([what, status, body]) => ({
			sample,
			what,
			status,
			body,
			title: `${sample.node} ${sample.operation}`,
		})),
	);
const unique = [...new Map(cases.map((entry) => [`${entry.title} ${entry.what}`, entry])).values()];

test.each(unique)('$title answered by $what is not done', async ({ sample, status, body }) => {
	const server = await answering(status, body, { 'content-type': 'application/json' });
	try {
		const { items, error } = await execute({
			node: nodes[sample.node] as INodeType,
			parameters: {
				resource: sample.resource,
				operation: sample.operation,
				...sample.parameters?.(hubble, 0),
			} as never,
			credential: credentialFor(hubble, { baseUrl: server.url }),
		});
		expect(items).toEqual([]);
		expect(error?.message).toBeTruthy();
		expect(error?.description).toContain('X-Request-ID');
	} finally {
		await server.close();
	}
});
