/**
 * A parameter that the user has set, and that says nothing, is refused before the first call: without it the request
 * would reach further than meant. For every parameter of every operation.
 */
import type { IDataObject, INodePropertyCollection, INodeType } from 'n8n-workflow';
import { fieldsOf } from '../../nodes/shared/operation/properties';
import type { Field } from '../../nodes/shared/operation/fields';
import { nodes } from '../nodes';
import { samples } from '../samples';
import { startSimulator, type Simulator } from '../simulator/server';
import { tables } from '../tables';
import { credentialFor, execute } from './harness';

let hubble: Simulator;
beforeAll(async () => {
	hubble = await startSimulator({ devices: 20, packets: 20, days: 2, limits: false });
});
afterAll(async () => await hubble.close());
beforeEach(() => hubble.clearLog());

const NOTHING = ['={{ $json.nope }}', '={{ null }}', '={{ "" }}', '={{ [] }}', '={{ ["", null] }}', '={{ " " }}'];

/** The parameter as an expression, or one of the values in it. */
function emptied({ type, typeOptions, options }: Field, expression: string): unknown {
	if (type === 'resourceLocator') return { __rl: true, mode: 'id', value: expression };
	if (type !== 'fixedCollection') return expression;
	const [group] = options as INodePropertyCollection[];
	const row = { [group?.values[0]?.name ?? '']: expression };
	return { [group?.name ?? '']: typeOptions?.multipleValues ? [row] : row };
}

const cases = samples.flatMap((sample) => {
	const row = (tables[sample.node] ?? []).find(
		({ value, resource }) => value === sample.operation && resource === sample.resource,
	);
	const parameters = () => sample.parameters?.(hubble, 0) ?? {};
	return fieldsOf(row as never)
		.filter((field) => !field.noDataExpression && field.name !== 'returnAll')
		.map((field, index) => ({
			title: `${sample.node} ${sample.resource ?? ''} ${sample.operation}: ${field.displayName}`,
			sample,
			field,
			parameters,
			expression: NOTHING[index % NOTHING.length] as string,
		}));
});
const unique = [...new Map(cases.map((entry) => [entry.title, entry])).values()];

test.each(unique)('$title = $expression', async ({ sample, field, parameters, expression }) => {
	const given = parameters();
	const holder = field.collection ? (given[field.collection] as IDataObject | undefined) : given;
	const value = emptied(field, expression) as never;
	const shown = Object.fromEntries(Object.entries(field.shownWhen ?? {}).map(([name, [first]]) => [name, first]));
	const changed = field.collection
		? { ...given, [field.collection]: { ...holder, [field.name]: value } }
		: { ...given, ...shown, [field.name]: value };
	const { error } = await execute({
		node: nodes[sample.node] as INodeType,
		parameters: { resource: sample.resource, operation: sample.operation, ...changed } as never,
		credential: credentialFor(hubble),
	});
	expect(error?.message).toContain(`Parameter "${field.displayName}": `);
	expect(hubble.log).toEqual([]);
});
