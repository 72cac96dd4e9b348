/** Every parameter of every operation, as an expression among the parameters of a sample. */
import type { IDataObject, INodePropertyCollection } from 'n8n-workflow';
import type { Field } from '../../nodes/shared/operation/fields';
import { fieldsOf } from '../../nodes/shared/operation/properties';
import type { Operation } from '../../nodes/shared/operation/operation';
import { partnerSamples, samples, type Sample } from '../samples';
import { partnerTables, tables } from '../../tools/tables';

/** The parameter as an expression, or one of the values in it. */
function asExpression({ type, typeOptions, options, collection }: Field, expression: string): unknown {
	if (type === 'resourceLocator') return { __rl: true, mode: 'id', value: expression };
	if (type !== 'fixedCollection') return expression;
	const [group] = options as INodePropertyCollection[];
	const row = { [group?.values[0]?.name ?? '']: expression };
	const rows = { [group?.name ?? '']: typeOptions?.multipleValues ? [row] : row };
	return collection && typeOptions?.multipleValues ? { list: { rows } } : rows;
}

export interface ParameterCase<S extends Pick<Sample, 'node' | 'resource' | 'operation'> = Sample> {
	title: string;
	sample: S;
	field: Field;
	/** The parameters of the node, with the expression in the place of this one's value. */
	parameters(given: IDataObject, expression: string): IDataObject;
}

/** One for each parameter of each operation of these samples. */
function casesOf<S extends Pick<Sample, 'node' | 'resource' | 'operation'>>(
	all: readonly S[],
	rows: Readonly<Record<string, readonly Operation[]>>,
): Array<ParameterCase<S>> {
	const cases = all.flatMap((sample): Array<ParameterCase<S>> => {
		const row = (rows[sample.node] ?? []).find(
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
				parameters(given, expression) {
					const value = asExpression(field, expression) as never;
					const holder = field.collection ? (given[field.collection] as IDataObject | undefined) : given;
					const shown = Object.fromEntries(
						Object.entries(field.shownWhen ?? {}).map(([name, [first]]) => [name, first]),
					);
					const changed = field.collection
						? { ...given, [field.collection]: { ...holder, [field.name]: value } }
						: { ...given, ...shown, [field.name]: value };
					return { resource: sample.resource, operation: sample.operation, ...changed } as IDataObject;
				},
			}));
	});
	return [...new Map(cases.map((entry) => [entry.title, entry])).values()];
}

export const parameterCases = casesOf(samples, tables);
export const partnerParameterCases = casesOf(partnerSamples, partnerTables);
