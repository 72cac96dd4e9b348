/**
 * One operation of a node is one row in a table. The row says what n8n shows and what Hubble needs; the
 * parameters of the node are made from it here, and `run.ts` executes it. A reader compares a node's
 * table with the API definition line by line, so rows stay flat literals.
 */
import type {
	IDataObject,
	IDisplayOptions,
	IExecuteFunctions,
	INodeExecutionData,
	INodeProperties,
	INodePropertyOptions,
} from 'n8n-workflow';
import { batching, COLLECTIONS, continuationToken, limit, returnAll, simplify, type Field } from './fields';
import type { HubbleClient } from '../client/client';
import type { List } from '../client/pages';
import type { Call } from '../client/request';

/** Wire name → parameter. */
export type Fields = Readonly<Record<string, Field>>;

/** What one input item asks of Hubble, in the wire's names. Nothing is sent yet. */
export interface ItemRequest {
	/** Index of the input item. */
	itemIndex: number;
	path: Record<string, string>;
	query: IDataObject;
	body: IDataObject;
	/** What stays on our side: the row's `settings`. */
	settings: IDataObject;
	/** How many rows of a list are wanted; Infinity for all. */
	limit: number;
	/** Whether the limit is ours and not the user's: an AI agent gets no endless output. */
	isCapped: boolean;
	/** The Continuation-Token at which a list begins. */
	continuationToken?: string;
	/** Whether the output is simplified. */
	isSimplified: boolean;
	/** Filters on our side: whether a row is kept. Empty when there are none. */
	clientFilters: Array<(row: IDataObject) => boolean>;
}

/** What became of one part of a batch: its data, why Hubble refused it, or nothing where the reply is silent. */
export type BatchResult = { json: IDataObject } | { refused: string } | { missing: true };

/** How many items become few calls. */
export interface Batch {
	/** Path of the batch call in the API definition; the method is the row's. */
	path: string;
	/** How many parts one call may hold (API definition). */
	size: number;
	/** Whether the row's own path serves one item, so that the user may choose "one request per device". */
	single?: boolean;
	/** The parts of what one item asks. Without it an item is one part. */
	split?: (request: ItemRequest) => ItemRequest[];
	/** Parts that differ in this never share a call. */
	groupOf?: (part: ItemRequest) => string;
	/** Two parts with the same key never share a call, and keep their order. */
	keyOf?: (part: ItemRequest) => string;
	toBody: (parts: readonly ItemRequest[]) => IDataObject;
	/** The reply, back onto the parts: one result for each, in their order. */
	fromReply: (reply: IDataObject, parts: readonly ItemRequest[]) => BatchResult[];
}

/** A filter that Hubble does not have. `toWire` gives its value, or `undefined` when it is not set. */
export type ClientFilter = Field & { keeps: (row: IDataObject, value: unknown) => boolean };

/**
 * One row of an operation table. From a reply to items: `toItems` makes them on its own. Else `list`,
 * `toRows` or the reply itself gives the rows; `toJson` or, with Simplify on, `simplify` shapes each; last
 * come the ISO texts of its times, unless `hasRawTimes`.
 */
export interface Operation {
	/** Only in nodes with more than one resource. */
	resource?: string;
	name: string;
	value: string;
	action: string;
	description: string;
	method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
	/** As in the API definition, e.g. '/v1/org/{org_id}/devices/{device_id}'. */
	path: string;
	/** The scope that the API token needs, in the definition's spelling. */
	scope?: string;
	inPath?: Fields;
	inQuery?: Fields;
	inBody?: Fields;
	/** Parameters that do not travel: they change what becomes of the reply. */
	settings?: Fields;
	list?: List;
	/** Filters that Hubble does not have: applied here, to each row that was fetched. */
	clientFilters?: ClientFilter[];
	/** Fields of the reply without which it is not Hubble's, and what each must be. */
	requiredFields?: Readonly<Record<string, (value: unknown) => boolean>>;
	/** One row in at most ten flat fields; turns on the Simplify parameter. */
	simplify?: (row: IDataObject) => IDataObject;
	/** What one row becomes, made ready once for all rows of an item; it takes over from `simplify`. */
	toJson?: (request: ItemRequest) => (row: IDataObject) => IDataObject;
	/** The rows keep Hubble's numbers alone (see `times.ts`): packets come by the ten thousand. */
	hasRawTimes?: boolean;
	batch?: Batch;
	/** The reply as rows of output, where it is neither a list nor one row. */
	toRows?: (reply: IDataObject, request: ItemRequest) => IDataObject[];
	/** Takes over the call itself, where the output is not JSON. The items are paired by the caller. */
	toItems?: (work: {
		context: IExecuteFunctions;
		hubble: HubbleClient;
		call: Call;
		request: ItemRequest;
	}) => Promise<INodeExecutionData[]>;
	/** Why this combination of values is refused before the first call; `undefined` when it is not. */
	validate?: (request: ItemRequest) => string | undefined;
	/** What the user should know about this combination of values, though it is carried out. */
	warn?: (request: ItemRequest) => string | undefined;
}

/** All parameters of an operation in the order in which n8n shows them. */
export function fieldsOf(operation: Operation): Field[] {
	const { inPath, inQuery, inBody, settings, list, clientFilters, batch } = operation;
	return [
		...[inPath, inBody, inQuery, settings].flatMap((fields) => Object.values(fields ?? {})),
		...(list ? [returnAll, limit] : []),
		...(operation.simplify ? [simplify] : []),
		...(clientFilters ?? []),
		...(list?.pages === 'token' ? [continuationToken] : []),
		...(batch?.single ? [batching] : []),
	];
}

/** Only what n8n knows: where a parameter stands and how its value travels is ours. */
function shown(field: Field): INodeProperties {
	const property: Partial<ClientFilter> = { ...field };
	delete property.collection;
	delete property.rejectsNull;
	delete property.shownWhen;
	delete property.toWire;
	delete property.keeps;
	return property as INodeProperties;
}

const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);

function choice(displayName: string, name: string, options: INodePropertyOptions[], first: string): INodeProperties {
	return { displayName, name, type: 'options', noDataExpression: true, options: options.sort(byName), default: first };
}

/** "Get Many" is what a new node shows where it exists: reading does no harm. */
function operationChoice(rows: readonly Operation[]): INodeProperties {
	const options = rows.map(({ name, value, action, description }) => ({ name, value, action, description }));
	const first = rows.find(({ value }) => value === 'getAll') ?? rows[0];
	return choice('Operation', 'operation', options, first?.value ?? '');
}

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
	if (resources.length === 1) resource.type = 'hidden';
	return [resource, ...choices, ...operations.flatMap(operationProperties)];
}

function operationProperties(operation: Operation): INodeProperties[] {
	const { resource, value } = operation;
	const displayOptions = {
		show: { ...(resource ? { resource: [resource] } : {}), operation: [value] },
	};
	const fields = fieldsOf(operation);
	const standing = fields
		.filter(({ collection }) => !collection)
		.map((field): INodeProperties => {
			const show = { ...displayOptions.show, ...field.shownWhen } as NonNullable<IDisplayOptions['show']>;
			return { ...shown(field), displayOptions: { show } };
		});
	const collections = Object.entries(COLLECTIONS).flatMap(([name, displayName]): INodeProperties[] => {
		const options = fields.filter(({ collection }) => collection === name).map(shown);
		if (!options.length) return [];
		options.sort((a, b) => a.displayName.localeCompare(b.displayName));
		const placeholder = name === 'options' ? 'Add option' : name === 'filters' ? 'Add Filter' : 'Add Field';
		return [{ displayName, name, type: 'collection', placeholder, default: {}, displayOptions, options }];
	});
	return [...standing, ...collections];
}
