/**
 * A parameter that the user has set, and that says nothing, is refused before the first call: without it the request
 * would reach further than meant. For every parameter of every operation.
 */
import type { INodePropertyCollection, INodeType } from 'n8n-workflow';
import type { Field } from '../../nodes/shared/operation/fields';
import { nodes, partnerNodes } from '../nodes';
import { startPartnerSimulator, type PartnerSimulator } from '../simulator/partner';
import { startSimulator, type Simulator } from '../simulator/server';
import { credentialFor, execute, partnerCredentialFor } from './harness';
import { parameterCases, partnerParameterCases } from './parameterCases';

let hubble: Simulator;
let partner: PartnerSimulator;
beforeAll(async () => {
	hubble = await startSimulator({ devices: 20, packets: 20, days: 2, limits: false });
	partner = await startPartnerSimulator();
});
afterAll(async () => {
	await hubble.close();
	await partner.close();
});
beforeEach(() => {
	hubble.clearLog();
	partner.log.length = 0;
});

const NOTHING = ['={{ $json.nope }}', '={{ null }}', '={{ [] }}', '={{ ["", null] }}', '={{ "" }}', '={{ " " }}'];
/** A payload without bytes is one: it decodes to nothing. */
const nothingFor = ({ name }: Field) => (name === 'payload' ? NOTHING.slice(0, 4) : NOTHING);
/** Whether the part that a case sets may be blank, as the cells of a table are: then it says nothing. */
const mayBeBlank = ({ type, options, mayBeBlank: parts = [] }: Field) => {
	const [group] = type === 'fixedCollection' ? (options as INodePropertyCollection[]) : [];
	return parts.includes(group?.values[0]?.name ?? '');
};
const withNothing = <Case extends { field: Field }>(cases: readonly Case[]) =>
	cases
		.filter(({ field }) => !mayBeBlank(field))
		.flatMap((entry) => nothingFor(entry.field).map((expression) => ({ ...entry, expression })));

test.each(withNothing(parameterCases))('P21: $title = $expression', async (entry) => {
	const { sample, field, parameters, expression } = entry;
	const { error } = await execute({
		node: nodes[sample.node] as INodeType,
		parameters: parameters(sample.parameters?.(hubble, 0) ?? {}, expression) as never,
		credential: credentialFor(hubble),
	});
	expect(error?.message).toContain(`"${field.displayName}"`);
	expect(hubble.log).toEqual([]);
});

test.each(withNothing(partnerParameterCases))('P21: $title = $expression', async (entry) => {
	const { sample, field, parameters, expression } = entry;
	const { error } = await execute({
		node: partnerNodes[sample.node] as INodeType,
		parameters: parameters(sample.parameters, expression) as never,
		credential: partnerCredentialFor(partner),
	});
	expect(error?.message).toContain(`"${field.displayName}"`);
	expect(partner.log).toEqual([]);
});
