/**
 * A parameter that the user has set, and that says nothing, is refused before the first call: without it the request
 * would reach further than meant. For every parameter of every operation.
 */
import type { INodeType } from 'n8n-workflow';
import { nodes } from '../nodes';
import { startSimulator, type Simulator } from '../simulator/server';
import { credentialFor, execute } from './harness';
import { parameterCases } from './parameterCases';

let hubble: Simulator;
beforeAll(async () => {
	hubble = await startSimulator({ devices: 20, packets: 20, days: 2, limits: false });
});
afterAll(async () => await hubble.close());
beforeEach(() => hubble.clearLog());

const NOTHING = ['={{ $json.nope }}', '={{ null }}', '={{ "" }}', '={{ [] }}', '={{ ["", null] }}', '={{ " " }}'];
const cases = parameterCases.map((entry, index) => ({ ...entry, expression: NOTHING[index % NOTHING.length] ?? '' }));

test.each(cases)('$title = $expression', async ({ sample, field, parameters, expression }) => {
	const { error } = await execute({
		node: nodes[sample.node] as INodeType,
		parameters: parameters(sample.parameters?.(hubble, 0) ?? {}, expression) as never,
		credential: credentialFor(hubble),
	});
	expect(error?.message).toContain(`Parameter "${field.displayName}": `);
	expect(hubble.log).toEqual([]);
});
