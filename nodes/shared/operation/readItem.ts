/** From the parameters of a node to what one item asks of Hubble. Bad input is refused here, before any call. */
import { NodeOperationError, type IDataObject, type IExecuteFunctions, type INodePropertyOptions } from 'n8n-workflow';
import { continuationToken, limit, returnAll, simplify, type Field } from './fields';
import type { ItemRequest, Fields, Operation } from './operation';
import { flag, type ConversionContext } from './values';

/** Rows that an AI agent gets at most: n8n hands all of them to the model. */
const TOOL_ROWS = 100;

/** Without the fields that are not set. */
export const withoutUndefined = (object: Record<string, unknown>) =>
	Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as IDataObject;

/** Whether an AI agent called the node as its tool; n8n 1.x does not tell. */
function runsAsTool(context: IExecuteFunctions & { isToolExecution?: () => boolean }): boolean {
	return context.isToolExecution?.() ?? false;
}

/** An expression that is a field of the item and nothing else, such as `={{ $json.device.id }}`. */
const FIELD_OF_ITEM = /^=\{\{\s*\$json((?:\.[A-Za-z_]\w*)+)\s*\}\}$/;

/**
 * What `FIELD_OF_ITEM` gives, without n8n's expression engine, which takes about half a millisecond for each:
 * with a hundred thousand items the reading would take longer than all calls. `undefined` where the
 * expression is another one, or what it finds is not a plain value: then n8n evaluates it.
 */
function fieldOfItem(given: unknown, json: IDataObject): unknown {
	const isPicked =
		typeof given === 'object' && given !== null && 'mode' in given && given.mode === 'id' && 'value' in given;
	const [, path] = FIELD_OF_ITEM.exec(String(isPicked ? given.value : given)) ?? [];
	if (!path) return undefined;
	let found: unknown = json;
	for (const key of path.slice(1).split('.')) {
		if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
		found = (found as IDataObject)[key];
	}
	return ['string', 'number', 'boolean'].includes(typeof found) ? found : undefined;
}

/** A parameter as n8n gives it, from the collection it stands in or on its own; `null` when it is not set. */
function parameterValue(
	context: IExecuteFunctions,
	stored: IDataObject,
	{ name, collection, type }: Field,
	item: number,
): unknown {
	const holder = collection ? stored[collection] : stored;
	if (typeof holder === 'object' && holder !== null) {
		const given = (holder as IDataObject)[name];
		if (collection && given === undefined) return null;
		const found = fieldOfItem(given, context.getInputData()[item]?.json ?? {});
		if (found !== undefined) return found;
	}
	const path = collection ? `${collection}.${name}` : name;
	return context.getNodeParameter(path, item, null, { extractValue: type === 'resourceLocator' });
}

/** The value on the wire; `undefined` when nothing is sent. Throws an Error that says what is wrong. */
function wireValue(field: Field, given: unknown, surroundings: ConversionContext): unknown {
	const { type, options, typeOptions, required, rejectsNull } = field;
	if (rejectsNull && (given === null || given === undefined)) throw new Error('its expression gave nothing');
	const toWire = field.toWire ?? (type === 'boolean' ? flag : undefined);
	const sent = given !== null && given !== undefined && toWire ? toWire(given, surroundings) : given;
	const isEmpty = sent === null || sent === undefined || (sent === '' && (!toWire || required));
	if (isEmpty && required) throw new Error('it is required; an expression may have given nothing');
	if (isEmpty) return undefined;
	if (type === 'options' && !typeOptions?.loadOptionsMethod) {
		const allowed = (options as INodePropertyOptions[]).map(({ value }) => value);
		if (!allowed.includes(sent as string))
			throw new Error(`"${String(sent)}" is none of ${allowed.filter(Boolean).join(', ')}`);
	}
	return sent;
}

/**
 * What one item asks, in the wire's names. Throws an error that names the parameter and the item.
 * @param stored the node's parameters with their expressions, as `getNode` gives them
 */
export function readItemRequest(
	context: IExecuteFunctions,
	stored: IDataObject,
	operation: Operation,
	item: number,
): ItemRequest {
	const reject = (reason: string) =>
		new NodeOperationError(context.getNode(), reason, {
			itemIndex: item,
			description: `Nothing was sent to Hubble for item ${item}.`,
		});
	const timezone = context.getTimezone();
	const value = (field: Field): unknown => {
		try {
			return wireValue(field, parameterValue(context, stored, field, item), { timezone });
		} catch (error) {
			throw reject(`Parameter "${field.displayName}": ${(error as Error).message}`);
		}
	};
	const values = (fields: Fields = {}) =>
		withoutUndefined(Object.fromEntries(Object.entries(fields).map(([wireName, field]) => [wireName, value(field)])));

	const { list, simplify: hasSimplify } = operation;
	const isTool = runsAsTool(context);
	// A model may leave the limit out; from a user's expression nothing is a mistake.
	const wanted =
		list && !value(returnAll) ? ((value({ ...limit, required: !isTool }) ?? limit.default) as number) : Infinity;
	const isCapped = list !== undefined && !operation.toItems && isTool && wanted > TOOL_ROWS;
	const request: ItemRequest = {
		itemIndex: item,
		path: values(operation.inPath) as Record<string, string>,
		query: values(operation.inQuery),
		body: values(operation.inBody),
		settings: values(operation.settings),
		limit: isCapped ? TOOL_ROWS : wanted,
		isCapped,
		continuationToken: list?.pages === 'token' ? (value(continuationToken) as string | undefined) : undefined,
		isSimplified: hasSimplify !== undefined && (isTool || Boolean(value(simplify))),
		clientFilters: (operation.clientFilters ?? []).flatMap((filter) => {
			const wanted = value(filter);
			return wanted === undefined ? [] : [(row: IDataObject) => filter.keeps(row, wanted)];
		}),
	};
	const isIdle = operation.method === 'PATCH' && !Object.keys(request.body).length;
	const reason = isIdle
		? 'Parameter "Fields to Update": nothing is set, so there is nothing to update'
		: operation.validate?.(request);
	if (reason) throw reject(reason);
	return request;
}
