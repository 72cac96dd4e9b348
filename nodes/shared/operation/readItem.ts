/** From a node's parameters to the request of each item. Bad input is refused here, before any call. */
import {
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type IHookFunctions,
	type INodeProperties,
	type INodePropertyCollection,
	type INodePropertyOptions,
	type IPollFunctions,
	type IWebhookFunctions,
} from 'n8n-workflow';
import { runsAsTool } from '../n8n';
import { HubbleClock } from '../client/clock';
import { isObject, objectOf, rowsOf, withoutUndefined } from '../client/json';
import { asError } from '../client/errors';
import {
	BY_NAME,
	continuationToken,
	limit,
	modelOutput,
	outputFields,
	returnAll,
	shareSecrets,
	simplify,
	ungrouped,
	type ColumnRow,
	type Field,
	type ValueOf,
	type ValuesOf,
} from './fields';
import { choiceOf, hasToken, type Asking, type Fields, type ItemRequest, type Operation } from './operation';
import { asText, flag, isEmpty, nthItem, oneOf, parameterError, quoted, texts, type ConversionContext } from './values';

/** Rows that an AI agent gets at most: n8n hands all of them to the model. */
export const TOOL_ROWS = 100;

/** An expression that is a field of the item and nothing else, such as `={{ $json.device.id }}`. */
const FIELD_OF_ITEM = /^=\{\{\s*\$json((?:\.[A-Za-z_]\w*)+)\s*\}\}$/;

/**
 * What `FIELD_OF_ITEM` gives, without n8n's expression engine, which takes about half a millisecond for each:
 * with a hundred thousand items the reading would take longer than all calls. `undefined` where the
 * expression is another one, or what it finds is not a plain value: then n8n evaluates it.
 */
function fieldOfItem(expression: string, json: IDataObject): unknown {
	const [, path] = FIELD_OF_ITEM.exec(expression) ?? [];
	if (!path) return undefined;
	let found: unknown = json;
	for (const key of path.slice(1).split('.')) {
		if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
		found = objectOf(found)[key];
	}
	return ['string', 'number', 'boolean'].includes(typeof found) ? found : undefined;
}

/** The same for a parameter of any form: rows, such as tags, may mix texts and fields of the item. */
function plainValue(given: unknown, json: IDataObject): unknown {
	if (typeof given === 'string') return given.startsWith('=') ? fieldOfItem(given, json) : given;
	if (typeof given !== 'object' || given === null) return given;
	const parts = Object.entries(given).map(([key, part]) => [key, plainValue(part, json)] as const);
	if (parts.some(([, part]) => part === undefined)) return undefined;
	return Array.isArray(given) ? parts.map(([, part]) => part) : Object.fromEntries(parts);
}

/** A parameter as the user stored it, with its expressions; `undefined` when it is not there. */
function storedValue(stored: IDataObject, { name, collection }: Field): unknown {
	if (!collection) return stored[name];
	const holder = stored[collection] ?? {};
	if (typeof holder !== 'object') throw new Error('set this option directly; the collection cannot be an expression');
	return objectOf(holder)[name];
}

/** The cells of an item: its own fields, or what the user has mapped to each column. */
function columnRow(context: IExecuteFunctions, name: string, given: unknown, item: number): ColumnRow {
	const { mappingMode, value, schema } = objectOf(given);
	const json = context.getInputData()[item]?.json ?? {};
	// n8n puts what the agent itself was given beside what the model says.
	if (mappingMode !== 'defineBelow' && runsAsTool(context))
		throw new Error('an AI agent needs Map Each Column Manually, or all that it was given would become columns');
	const mapped = () => plainValue(value ?? {}, json) ?? context.getNodeParameter(`${name}.value`, item);
	return {
		cells: mappingMode === 'defineBelow' ? objectOf(mapped()) : json,
		known: rowsOf(schema ?? []).map(({ id }) => String(id)),
	};
}

/** A parameter as n8n gives it for an item; `null` when it is not set. */
function parameterValue(
	context: IExecuteFunctions,
	{ name, collection, type }: Field,
	given: unknown,
	item: number,
): unknown {
	if (collection && given === undefined) return null;
	if (type === 'resourceMapper') return columnRow(context, name, given, item);
	const isPicked = type === 'resourceLocator' && typeof given === 'object' && given !== null;
	const { mode, value } = objectOf(isPicked ? given : { mode: 'id', value: given });
	const found =
		mode === 'id' || mode === BY_NAME ? plainValue(value, context.getInputData()[item]?.json ?? {}) : undefined;
	if (found !== undefined) return found;
	const path = collection ? `${collection}.${name}` : name;
	return context.getNodeParameter(path, item, null, { extractValue: type === 'resourceLocator' });
}

/** An AI agent fills in what `$fromAI` stands for, and may leave it out. */
const isFromAgent = (given: unknown): boolean => /\$fromAI\(/i.test(JSON.stringify(given ?? ''));

/**
 * Whether an expression of the user's returned nothing, at any depth of a parameter. Such a parameter is refused:
 * an empty filter would match everything.
 * @param given the parameter with its expressions, as the user stored it
 * @param value what n8n made of it
 * @param mayBeBlank the parts for which an expression may return nothing
 */
export function hasEmptyExpression(given: unknown, value: unknown, mayBeBlank: readonly string[] = []): boolean {
	if (typeof given === 'string') return given.startsWith('=') && !isFromAgent(given) && isEmpty(value);
	if (typeof given !== 'object' || given === null) return false;
	const { __rl: isPicked, value: picked } = objectOf(given);
	if (isPicked) return hasEmptyExpression(picked, value);
	const parts = new Map<string, unknown>(typeof value === 'object' && value !== null ? Object.entries(value) : []);
	return Object.entries(given).some(
		([key, part]) => !mayBeBlank.includes(key) && hasEmptyExpression(part, parts.get(key), mayBeBlank),
	);
}

/**
 * Whether a parameter has a value. Throws an Error if it is empty although the user set it, by an expression or by
 * adding it to a collection. It may be empty by default, if an AI agent left it out, or if all its parts may be blank.
 */
export function isGiven(given: unknown, value: unknown, isAdded: boolean, mayBeBlank?: readonly string[]): boolean {
	if (hasEmptyExpression(given, value, mayBeBlank)) throw new Error('the expression returned no value');
	if (!isEmpty(value)) return true;
	if (isAdded && !isFromAgent(given) && !hasEmptyExpression(given, value))
		throw new Error('it is empty; enter a value, or remove it');
	return false;
}

/** Throws when a chosen value is not among those that n8n offers, at any depth of a parameter. */
function checkOptions(
	{ type, options = [], typeOptions }: Omit<INodeProperties, 'name' | 'displayName'>,
	value: unknown,
): void {
	if (isEmpty(value)) return;
	if (type === 'fixedCollection') {
		for (const { name, values } of options as INodePropertyCollection[]) {
			for (const row of rowsOf([objectOf(value)[name]].flat())) {
				for (const inner of values) checkOptions(inner, row[inner.name]);
			}
		}
	} else if ((type === 'options' || type === 'multiOptions') && !typeOptions?.loadOptionsMethod) {
		const allowed = (options as INodePropertyOptions[]).map((option) => option.value);
		for (const chosen of [value].flat()) oneOf(allowed)(chosen);
	}
}

/** The value on the wire; `undefined` when nothing is sent. Throws an Error that says what is wrong. */
function wireValue(field: Field, value: unknown, context: ConversionContext): unknown {
	const { type, toWire = type === 'boolean' ? flag : type === 'string' || type === 'options' ? asText : undefined } =
		field;
	checkOptions(field, value);
	return toWire ? toWire(value, context) : value;
}

/** What the items of a run are read from. */
interface ItemSource {
	context: IExecuteFunctions;
	/** The parameters with their expressions. */
	stored: IDataObject;
	/** Whether an AI agent called the node. */
	isTool: boolean;
	/** Hubble's. */
	clock: HubbleClock;
	/** Its time in Unix seconds: one moment for all items. */
	now: () => number;
}

function parameterReader({ context, stored, clock, now }: Omit<ItemSource, 'isTool'>, item: number) {
	const isPast = (seconds: number) => clock.isPast(seconds);
	const conversion: ConversionContext = { timezone: context.getTimezone(), now, isPast };
	const isHidden = ({ shownWhen = {} }: Field) =>
		Object.entries(shownWhen).some(
			([name, values]) =>
				// '@tool' and the like are n8n's own, not parameters; n8n returns no value for a parameter hidden by them.
				!name.startsWith('@') && !values.map(String).includes(String(context.getNodeParameter(name, item, ''))),
		);
	const read = (field: Field): unknown => {
		const { type } = field;
		const other = (name: string) => context.getNodeParameter(name, item, '');
		if (isHidden(field)) return field.whenHidden?.(other, conversion);
		const given = storedValue(stored, field);
		const value = parameterValue(context, field, given, item);
		// A group of one form begins with an empty row.
		const beginsWithRow = type === 'fixedCollection' && field.options?.length === 1;
		const isAdded = field.collection !== undefined && given !== undefined && !beginsWithRow;
		const isEmptyText = field.mayBeEmpty && value === '' && typeof given === 'string' && given.startsWith('=');
		const isSet = isEmptyText || isGiven(given, value, isAdded, field.mayBeBlank);
		if (!isSet && isAdded && field.neverBlank) throw new Error('it is empty; enter a value, or remove it');
		const mode = type === 'resourceLocator' ? String(objectOf(given).mode ?? 'id') : undefined;
		const sent = isSet ? wireValue(field, ungrouped(value), { ...conversion, mode }) : field.whenEmpty?.(conversion);
		if (field.required && sent === undefined) throw new Error('it is required');
		return sent;
	};
	return <F extends Field>(field: F): ValueOf<F> | undefined => {
		try {
			// The only place where a value gets the type of its parameter.
			return read(field) as ValueOf<F> | undefined;
		} catch (error) {
			throw refusedInput(context, item, parameterError(field.displayName, asError(error).message));
		}
	};
}

function refusedInput(context: IExecuteFunctions, itemIndex: number, reason: string): NodeOperationError {
	const description = `Nothing was sent to Hubble for ${nthItem(itemIndex)}.`;
	return new NodeOperationError(context.getNode(), reason, { itemIndex, description });
}

/** The values of parameters for one item of a run without Hubble. Throws an error that names the parameter and the item. */
export function readValues<F extends Fields>(context: IExecuteFunctions, fields: F, item: number): ValuesOf<F> {
	const clock = new HubbleClock();
	const source = { context, stored: objectOf(context.getNode().parameters), clock, now: () => clock.now() };
	const value = parameterReader(source, item);
	return valuesOf(fields, value) as ValuesOf<F>;
}

const valuesOf = (fields: Fields, value: ReturnType<typeof parameterReader>): IDataObject =>
	withoutUndefined(Object.fromEntries(Object.entries(fields).map(([wireName, field]) => [wireName, value(field)])));

/** The IDs of the object of a call, as text. A picker may return other keys (`deviceOrName`). */
const idsIn = (values: IDataObject): Record<string, string> =>
	Object.fromEntries(
		Object.entries(values)
			.flatMap(([name, id]) => (isObject(id) ? Object.entries(id) : [[name, id] as const]))
			.map(([name, id]) => [name, String(id)]),
	);

/** What one item asks, in the wire's names. Throws an error that names the parameter and the item. */
export function readItemRequest(source: ItemSource, operation: Asking, item: number): ItemRequest {
	const { context, stored, clock, isTool } = source;
	const { endpoint, idInBody, inPath, inQuery, inBody, clientFilters = [] } = operation;
	const list = choiceOf(operation);
	const value = parameterReader(source, item);
	const values = (fields: Fields = {}) => valuesOf(fields, value);
	// A model may leave the limit out; an empty result of a user's expression is a mistake.
	const required = !isFromAgent(stored[limit.name]);
	const wanted = list && !value(returnAll) ? (value({ ...limit, required }) ?? limit.default) : Infinity;
	const body = values(inBody);
	const used = clientFilters.flatMap((filter) => {
		const by = value(filter);
		return by === undefined ? [] : [{ filter, by }];
	});
	const read: ItemRequest = {
		itemIndex: item,
		endpoint,
		ids: idsIn({ ...values(inPath), ...(idInBody ? { [idInBody]: body[idInBody] } : {}) }),
		query: values(inQuery),
		body,
		settings: values(operation.settings),
		limit: isTool && !operation.readsAll ? Math.min(wanted, TOOL_ROWS) : wanted,
		isTool,
		continuationToken: hasToken(operation) ? value(continuationToken) : undefined,
		...chosenOutput(operation, value),
		clientFilters: used.map(
			({ filter, by }) =>
				(row) =>
					filter.matches(row, by, clock.now()),
		),
		remarks: used.flatMap(({ filter, by }) => filter.remark?.(by) ?? []),
	};
	try {
		return completed(source, operation, read);
	} catch (error) {
		throw refusedInput(context, item, asError(error).message);
	}
}

/**
 * How much of a row is output: from Output in a tool, from Simplify elsewhere. n8n returns a value only for the one it
 * shows.
 */
function chosenOutput(
	{ shape, simplifiedFields }: Operation,
	value: ReturnType<typeof parameterReader>,
): Pick<ItemRequest, 'isSimplified' | 'outputFields'> {
	if (!shape) return { isSimplified: false };
	const chosen = simplifiedFields && value(modelOutput);
	if (!simplifiedFields || chosen === undefined) return { isSimplified: Boolean(value(simplify) ?? true) };
	if (chosen !== 'selected') return { isSimplified: chosen === 'simplified' };
	const wanted = texts(value(outputFields(simplifiedFields))) ?? [];
	const key = simplifiedFields.at(-1);
	return { isSimplified: true, outputFields: simplifiedFields.filter((name) => name === key || wanted.includes(name)) };
}

/** The request after `derive` and `validate`. Throws an Error that says why it is not sent. */
function completed({ context, now }: ItemSource, operation: Operation, read: ItemRequest): ItemRequest {
	const { derive, validate, hasSecrets } = operation;
	const request = { ...read, ...derive?.(read, now) };
	const isIdle = read.endpoint.method === 'PATCH' && !Object.keys({ ...request.body, ...request.settings }).length;
	const reason = isIdle ? '"Fields to Update": add at least one field' : validate?.(request);
	if (reason) throw new Error(reason);
	// n8n has this parameter only where the node is a tool: what would show secrets to a model is refused.
	if (hasSecrets && context.getNodeParameter(shareSecrets.name, 0, null) === false)
		throw new Error(`"${shareSecrets.displayName}": turn it on to let the AI model read the secrets in the output`);
	return request;
}

/** What a trigger reads its parameters from. */
export type TriggerContext = IHookFunctions | IPollFunctions | IWebhookFunctions;

/** Reads a parameter of a trigger. An Error becomes a NodeOperationError that names the parameter. */
export function readParameter<T>(context: Pick<IExecuteFunctions, 'getNode'>, displayName: string, read: () => T): T {
	try {
		return read();
	} catch (error) {
		throw new NodeOperationError(context.getNode(), parameterError(displayName, asError(error).message));
	}
}

/**
 * The fields of a trigger's collection. Throws an Error if it is not an object: without filters, everything would pass.
 */
export function collectionOf(context: TriggerContext, name: string): IDataObject {
	const values: unknown = context.getNodeParameter(name, {});
	if (!isObject(values)) throw new Error('the expression returned no fields');
	return values;
}

/** Reads rows that have names. Throws an Error for a missing or repeated name, and for a row that `read` refuses. */
export function namedRows<T>(rows: readonly unknown[], most: number, read: (row: IDataObject, name: string) => T): T[] {
	if (rows.length > most) throw new Error(`there can be at most ${most}, not ${rows.length}`);
	const names = rows.map((row) => asText(objectOf(row).name ?? '').trim());
	return rows.map((row, index) => {
		const name = names[index] ?? '';
		if (!name) throw new Error(`row ${index + 1}: "Name" is required`);
		if (names.indexOf(name) < index) throw new Error(`the name ${quoted(name)} is used twice`);
		try {
			return read(objectOf(row), name);
		} catch (error) {
			throw Object.assign(asError(error), { message: `${quoted(name)}: ${asError(error).message}` });
		}
	});
}

/** Reads a parameter of a trigger's collection; `undefined` if it is not set. If set, it must not be empty. */
export function optional<T>(
	context: TriggerContext,
	collection: string,
	name: string,
	title: string,
	read: (value: unknown) => T,
): T | undefined {
	const stored = objectOf(context.getNode().parameters[collection]);
	const values = readParameter(context, title, () => collectionOf(context, collection));
	if (stored[name] === undefined && values[name] === undefined) return undefined;
	return readParameter(context, title, () =>
		isGiven(stored[name], values[name], ungrouped(values[name]) === values[name])
			? read(ungrouped(values[name]))
			: undefined,
	);
}

/** Whether a parameter of a trigger is on. Throws a NodeOperationError when it is neither on nor off. */
export function isOn(context: TriggerContext, name: string, displayName: string, fallback: boolean): boolean {
	return readParameter(context, displayName, () => {
		const value: unknown = context.getNodeParameter(name, fallback);
		// n8n copies the whole node whenever it is asked for it.
		if (isEmpty(value) && hasEmptyExpression(context.getNode().parameters[name], value)) {
			throw new Error('the expression returned no value');
		}
		return flag(value) ?? fallback;
	});
}
