/** From the parameters of a node to what one item asks of Hubble. Bad input is refused here, before any call. */
import { NodeOperationError, type IDataObject, type IExecuteFunctions, type INodePropertyOptions } from 'n8n-workflow';
import { continuationToken, flag, limit, returnAll, simplify, type Field, type Surroundings } from './fields';
import type { Ask, Fields, Operation } from './operation';

/** Rows that an AI agent gets at most: n8n hands all of them to the model. */
const TOOL_ROWS = 100;

/** Without the fields that are not set. */
export const withoutUndefined = (object: Record<string, unknown>) =>
	Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as IDataObject;

/** Whether an AI agent called the node as its tool; n8n 1.x does not tell. */
function runsAsTool(context: IExecuteFunctions & { isToolExecution?: () => boolean }): boolean {
	return context.isToolExecution?.() ?? false;
}

/** A parameter as n8n gives it, from the collection it stands in or on its own; `null` when it is not set. */
function givenValue(context: IExecuteFunctions, { name, within, type }: Field, item: number): unknown {
	const path = within ? `${within}.${name}` : name;
	return context.getNodeParameter(path, item, null, { extractValue: type === 'resourceLocator' });
}

/** The value on the wire; `undefined` when nothing is sent. Throws an Error that says what is wrong. */
function sentValue(field: Field, given: unknown, surroundings: Surroundings): unknown {
	const { type, options, typeOptions, required } = field;
	const toWire = field.toWire ?? (type === 'boolean' ? flag : undefined);
	const sent = given !== null && given !== undefined && toWire ? toWire(given, surroundings) : given;
	const isEmpty = sent === null || sent === undefined || (sent === '' && (!toWire || required));
	if (isEmpty && required) throw new Error('it is required; an expression may have given nothing');
	if (isEmpty) return undefined;
	if (type === 'options' && !typeOptions?.loadOptionsMethod) {
		const allowed = (options as INodePropertyOptions[]).map(({ value }) => value);
		if (!allowed.includes(sent as string)) throw new Error(`"${String(sent)}" is none of ${allowed.filter(Boolean).join(', ')}`);
	}
	return sent;
}

/** What one item asks, in the wire's names. Throws an error that names the parameter and the item. */
export function readAsk(context: IExecuteFunctions, operation: Operation, item: number): Ask {
	const refuse = (reason: string) =>
		new NodeOperationError(context.getNode(), reason, {
			itemIndex: item,
			description: `Nothing was sent to Hubble for item ${item}.`,
		});
	const timezone = context.getTimezone();
	const value = (field: Field): unknown => {
		try {
			return sentValue(field, givenValue(context, field, item), { timezone });
		} catch (error) {
			throw refuse(`Parameter "${field.displayName}": ${(error as Error).message}`);
		}
	};
	const values = (fields: Fields = {}) =>
		withoutUndefined(Object.fromEntries(Object.entries(fields).map(([wireName, field]) => [wireName, value(field)])));

	const { list, simplify: hasSimplify } = operation;
	const isTool = runsAsTool(context);
	// A model may leave the limit out; from a user's expression nothing is a mistake.
	const wanted = list && !value(returnAll) ? ((value({ ...limit, required: !isTool }) ?? limit.default) as number) : Infinity;
	const isCapped = list !== undefined && isTool && wanted > TOOL_ROWS;
	const ask: Ask = {
		item,
		path: values(operation.inPath) as Record<string, string>,
		query: values(operation.inQuery),
		body: values(operation.inBody),
		settings: values(operation.settings),
		limit: isCapped ? TOOL_ROWS : wanted,
		isCapped,
		token: list?.pages === 'token' ? (value(continuationToken) as string | undefined) : undefined,
		isSimple: hasSimplify !== undefined && (isTool || Boolean(value(simplify))),
		keeps: (operation.local ?? []).flatMap((filter) => {
			const wanted = value(filter);
			return wanted === undefined ? [] : [(row: IDataObject) => filter.keeps(row, wanted)];
		}),
	};
	const isIdle = operation.method === 'PATCH' && !Object.keys(ask.body).length;
	const reason = isIdle ? 'Parameter "Fields to Update": nothing is set, so there is nothing to update' : operation.refuse?.(ask);
	if (reason) throw refuse(reason);
	return ask;
}

