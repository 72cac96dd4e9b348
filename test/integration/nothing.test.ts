/**
 * A parameter that the user has set, and that says nothing, is refused before the first call: without it the request
 * would reach further than meant. For every parameter of every operation.
 */
import type { INodePropertyCollection, INodeType } from 'n8n-workflow';
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

const NOTHING = ['={{ $json.nope }}', '={{ null }}', '={{ [] }}', '={{ ["", null] }}', '={{ "" }}', '={{ " " }}'];
/** A payload without bytes is one: it decodes to nothing. */
const nothingFor = ({ name }: { name: string }) => (name === 'payload' ? NOTHING.slice(0, 4) : NOTHING);
/** Whether the part that the case sets may be blank, as the cells of a table are: then it says nothing. */
const mayBeBlank = ({ field: { type, options, mayBeBlank: parts = [] } }: (typeof parameterCases)[number]) => {
	const [group] = type === 'fixedCollection' ? (options as INodePropertyCollection[]) : [];
	return parts.includes(group?.values[0]?.name ?? '');
};
const cases = parameterCases
	.filter((entry) => !mayBeBlank(entry))
	.flatMap((entry) => nothingFor(entry.field).map((expression) => ({ ...entry, expression })));

test.each(cases)('P21: $title = $expression', async ({ sample, field, parameters, expression }) => {
	const { error } = await execute({
		node: nodes[sample.node] as INodeType,
		parameters: parameters(sample.parameters?.(hubble, 0) ?? {}, expression) as never,
		credential: credentialFor(hubble),
	});
	expect(error?.message).toContain(`"${field.displayName}"`);
	expect(hubble.log).toEqual([]);
});
