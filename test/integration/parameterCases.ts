/** Every parameter of every operation, as an expression among the parameters of a sample. */
import type { IDataObject, INodePropertyCollection } from 'n8n-workflow';
import type { Field } from '../../nodes/shared/operation/fields';
import { fieldsOf } from '../../nodes/shared/operation/properties';
import { samples, type Sample } from '../samples';
import type { Simulator } from '../simulator/server';
import { tables } from '../tables';

/** The parameter as an expression, or one of the values in it. */
function asExpression({ type, typeOptions, options }: Field, expression: string): unknown {
	if (type === 'resourceLocator') return { __rl: true, mode: 'id', value: expression };
	if (type !== 'fixedCollection') return expression;
	const [group] = options as INodePropertyCollection[];
	const row = { [group?.values[0]?.name ?? '']: expression };
	return { [group?.name ?? '']: typeOptions?.multipleValues ? [row] : row };
}

export interface ParameterCase {
	title: string;
	sample: Sample;
	field: Field;
	/** The parameters of the node, with the expression in the place of this one's value. */
	parameters(hubble: Simulator, expression: string): IDataObject;
}

const all = samples.flatMap((sample): ParameterCase[] => {
	const row = (tables[sample.node] ?? []).find(
		({ value, resource }) => value === sample.operation && resource === sample.resource,
	);
	// What n8n shows to the tool of an agent alone is not read elsewhere; to a tool, nothing means "not given".
	return fieldsOf(row as never)
		.filter(({ shownWhen }) => !shownWhen?.['@tool']?.includes(true))
		.filter((field) => !field.noDataExpression && field.name !== 'returnAll')
		.map((field) => ({
			title: `${sample.node} ${sample.resource ?? ''} ${sample.operation}: ${field.displayName}`,
			sample,
			field,
			parameters(hubble, expression) {
				const given = sample.parameters?.(hubble, 0) ?? {};
				const value = asExpression(field, expression) as never;
				const holder = field.collection ? (given[field.collection] as IDataObject | undefined) : given;
				const shown = Object.fromEntries(Object.entries(field.shownWhen ?? {}).map(([name, [first]]) => [name, first]));
				const changed = field.collection
					? { ...given, [field.collection]: { ...holder, [field.name]: value } }
					: { ...given, ...shown, [field.name]: value };
				return { resource: sample.resource, operation: sample.operation, ...changed } as IDataObject;
			},
		}));
});

/** One for each parameter of each operation. */
export const parameterCases = [...new Map(all.map((entry) => [entry.title, entry])).values()];
