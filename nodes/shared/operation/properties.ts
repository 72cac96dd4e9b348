/** What n8n shows of a node with operations: its parameters, made from the rows of their table, and what all have in common. */
import {
	NodeConnectionTypes,
	type IDisplayOptions,
	type INodeProperties,
	type INodePropertyOptions,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { isN8n1 } from '../n8n';
import {
	batching,
	COLLECTIONS,
	continuationToken,
	inCollection,
	limit,
	returnAll,
	shareSecrets,
	modelOutput,
	outputFields,
	simplify,
	type Field,
} from './fields';
import { actionOf, choiceOf, hasToken, titleOf, type Operation } from './operation';

/** What the descriptions of all nodes with operations have in common. */
export const actionNode = {
	group: ['transform'],
	version: 1,
	inputs: [NodeConnectionTypes.Main],
	outputs: [NodeConnectionTypes.Main],
} satisfies Partial<INodeTypeDescription>;

/** All parameters of an operation in the order in which n8n shows them: those that decide on others come before them. */
export function fieldsOf(operation: Operation): Field[] {
	const { inPath, inQuery, inBody, settings, clientFilters, simplifiedFields, makesRows, batch } = operation;
	const limits = choiceOf(operation) ? [returnAll, limit] : [];
	const fields: Field[] = [
		...[inPath, inBody, inQuery].flatMap((sent) => Object.values(sent ?? {})),
		...(makesRows ? [] : limits),
		...Object.values(settings ?? {}),
		// What decides on the rows comes before how many there are.
		...(makesRows ? limits : []),
		...(operation.shape ? [simplify] : []),
		...(operation.shape && simplifiedFields ? [modelOutput, outputFields(simplifiedFields)] : []),
		...(clientFilters ?? []),
		...(hasToken(operation) ? [continuationToken] : []),
		...(batch?.single ? [batching] : []),
		...(operation.hasSecrets ? [shareSecrets] : []),
	];
	fields.sort((a, b) => Number(b.standsFirst ?? false) - Number(a.standsFirst ?? false));
	const deciding = (field: Field) => fields.filter(({ name }) => Object.hasOwn(field.shownWhen ?? {}, name));
	return [...new Set(fields.flatMap((field) => [...deciding(field), field]))];
}

/** Our own keys of a parameter; the others are n8n's. */
const OURS = /^(collection|mayBe[A-Z]\w+|matches|remark|shownWhen|standsFirst|toWire|when[A-Z]\w+)$/;

function shown(field: Field): INodeProperties {
	const entries = Object.entries(field).filter(([key]) => !OURS.test(key));
	const plain = Object.fromEntries(entries) as INodeProperties;
	return field.collection ? inCollection(plain) : plain;
}

/** A parameter in a collection; what decides on it stands outside. */
function shownInside(field: Field): INodeProperties {
	const entries = Object.entries(field.shownWhen ?? {}).map(([name, values]) => [`/${name}`, [...values]]);
	return entries.length ? { ...shown(field), displayOptions: { show: Object.fromEntries(entries) } } : shown(field);
}

const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);

function choice(displayName: string, name: string, options: INodePropertyOptions[], first: string): INodeProperties {
	return { displayName, name, type: 'options', noDataExpression: true, options, default: first };
}

/** What only reads comes first, as n8n preselects the first one in its list of actions; "Get Many" is what a new node shows. */
function operationChoice(rows: readonly Operation[]): INodeProperties {
	const sorted = rows
		.map((row) => ({ row, name: titleOf(row) }))
		.sort((a, b) => rank(a.row) - rank(b.row) || byName(a, b));
	const options = sorted.map(({ row, name }) => {
		const { value, description } = row;
		return { name, value, action: actionOf(row), description };
	});
	const first = options.find(({ value }) => value === 'getAll') ?? options[0];
	return choice('Operation', 'operation', options, first?.value ?? '');
}

const rank = ({ endpoint }: Operation) => Number((endpoint?.method ?? 'GET') !== 'GET');

/**
 * The parameters of a node, made from its table: resource, operation, then those of each operation.
 * A single resource is no choice, so it is hidden; without any, n8n would describe the operation to an AI
 * agent by what the whole node does instead of by its action.
 */
export function toProperties(
	operations: readonly Operation[],
	resources: ReadonlyArray<{ name: string; value: string }>,
): INodeProperties[] {
	const resource = choice('Resource', 'resource', [...resources], resources[0]?.value ?? '');
	const choices = resources.map(({ value }) => ({
		...operationChoice(operations.filter((row) => (row.resource ?? value) === value)),
		displayOptions: { show: { resource: [value] } },
	}));
	const parameters = [...choices, ...operations.flatMap(operationProperties)];
	if (resources.length > 1) return [resource, ...parameters];
	const hidden: INodeProperties = { ...resource, type: 'hidden' };
	// The workflow builder and the MCP server of n8n 2 pass over what is hidden, and find the operations by one that no version
	// of the node shows. The list of actions in n8n 1 would show each operation twice.
	const found = { ...resource, displayName: 'Kind', displayOptions: { show: { '@version': [0] } } };
	return [hidden, ...(isN8n1() ? [] : [found]), ...parameters];
}

function operationProperties(operation: Operation): INodeProperties[] {
	const { resource, value } = operation;
	const displayOptions = { show: { ...(resource ? { resource: [resource] } : {}), operation: [value] } };
	const fields = fieldsOf(operation);
	const standing = fields
		.filter(({ collection }) => !collection)
		.map((field): INodeProperties => {
			const show = { ...displayOptions.show, ...field.shownWhen } as NonNullable<IDisplayOptions['show']>;
			return { ...shown(field), displayOptions: { show } };
		});
	const collections = Object.entries(COLLECTIONS).flatMap(([name, displayName]): INodeProperties[] => {
		const options = fields.filter(({ collection }) => collection === name).map(shownInside);
		if (!options.length) return [];
		options.sort((a, b) => a.displayName.localeCompare(b.displayName));
		const placeholder = name === 'options' ? 'Add option' : name === 'filters' ? 'Add Filter' : 'Add Field';
		return [{ displayName, name, type: 'collection', placeholder, default: {}, displayOptions, options }];
	});
	return [...standing, ...collections];
}

/** The words under a node on the canvas: what its operation does, e.g. "Get many devices". An expression of n8n's. */
export function subtitleOf(operations: readonly Operation[]): string {
	const words = operations.map((row) => [row.resource ? `${row.resource} ${row.value}` : row.value, actionOf(row)]);
	const hasResources = operations.some(({ resource }) => resource);
	const chosen = `${hasResources ? '$parameter["resource"] + " " + ' : ''}$parameter["operation"]`;
	return `={{ (${JSON.stringify(Object.fromEntries(words))})[${chosen}] }}`;
}

/** The words under a trigger: the names of what is chosen, e.g. "Silent, Heard Again". An expression of n8n's. */
export function namesSubtitle(parameter: string, options: readonly INodePropertyOptions[]): string {
	const names = JSON.stringify(Object.fromEntries(options.map(({ name, value }) => [value, name])));
	const chosen = `[$parameter[${JSON.stringify(parameter)}]].flat()`;
	return `={{ ${chosen}.map((value) => (${names})[value]).join(", ") }}`;
}
