/** The form of a parameter, and the parameters that several operations share. */
import type { GenericValue, IDataObject, INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { isObject, objectOf } from '../client/json';
import { asText, email, FREE_ID, freeId, isEmpty, numberIn, text, type ConversionContext, uuid } from './values';
import { LENGTHS, UUID } from '../client/endpoints';

/** The collections in which optional parameters stand, with their titles. */
export const COLLECTIONS = {
	filters: 'Filters',
	additionalFields: 'Additional Fields',
	updateFields: 'Fields to Update',
	options: 'Options',
} as const;

/** One parameter: what n8n shows, where it stands, and how its value travels. */
export interface Field extends Omit<INodeProperties, 'displayOptions' | 'required'> {
	/** The collection that holds the parameter; without one it stands on its own. */
	collection?: keyof typeof COLLECTIONS;
	/** Whether it comes before the others: what an operation works on, what must be read before it runs. */
	standsFirst?: boolean;
	/** Whether an empty value is refused. */
	required?: boolean;
	/** Whether an expression may give an empty text; what is missing is refused all the same. */
	mayBeEmpty?: boolean;
	/** The parts for which an expression may return nothing, as for the blank cell of a table: `toWire` leaves them out. */
	mayBeBlank?: readonly string[];
	/** Whether even an AI agent may not leave it blank, where the user has added it. */
	neverBlank?: boolean;
	/** The values of other parameters for which n8n shows this one. */
	shownWhen?: Readonly<Record<string, ReadonlyArray<string | boolean>>>;
	/**
	 * n8n's value, which is never empty → the value on the wire. `undefined` is not sent. Throws an Error whose
	 * message says what is wrong with the value. Without it texts and booleans are checked for being one.
	 */
	toWire?: (value: unknown, context: ConversionContext) => unknown;
	/** What is sent when n8n does not show the parameter, by the values of others; else nothing is. */
	whenHidden?: (parameter: (name: string) => unknown, context: ConversionContext) => unknown;
	/** What is sent when the parameter is left empty; else nothing is. */
	whenEmpty?: (context: ConversionContext) => unknown;
}

/** The type of a parameter's value where it is used: what `toWire` gives, else what its type in n8n says. */
export type ValueOf<F> = F extends { toWire: (...given: never[]) => infer T }
	? Exclude<T, undefined>
	: F extends { type: 'boolean' }
		? boolean
		: F extends { type: 'string' | 'options' }
			? string
			: GenericValue;

/** The values of several parameters; each may be unset. All names are required, so that the values of others do not fit. */
export type ValuesOf<F> = { [Name in keyof F]: ValueOf<F[Name]> | undefined };

/** What a parameter of the type `resourceMapper` gives: an input item as a row of a table. */
export interface ColumnRow {
	/** Header → cell. */
	cells: IDataObject;
	/** The IDs of the columns that n8n's dialog knows. */
	known: string[];
}

/** What a list of options offers. */
export const choices = (
	...rows: ReadonlyArray<[name: string, value: string, description?: string]>
): INodePropertyOptions[] =>
	rows.map(([name, value, description]) => ({ name, value, ...(description && { description }) }));

export const returnAll = {
	displayName: 'Return All',
	name: 'returnAll',
	type: 'boolean',
	default: false,
	description: 'Whether to return all results or only up to a given limit',
} satisfies Field;

export const limit = {
	displayName: 'Limit',
	name: 'limit',
	type: 'number',
	typeOptions: { minValue: 1 },
	default: 50,
	required: true,
	description: 'Max number of results to return',
	shownWhen: { returnAll: [false] },
	toWire: numberIn(1, Number.MAX_SAFE_INTEGER),
} satisfies Field;

export const simplify = {
	displayName: 'Simplify',
	name: 'simplify',
	type: 'boolean',
	default: true,
	description: 'Whether to return a simplified version of the response instead of the raw data',
	shownWhen: { '@tool': [false] },
} satisfies Field;

/** In the place of Simplify where the node is the tool of an AI agent (n8n's UX guidelines, "Simplifying output fields"). */
export const modelOutput = {
	displayName: 'Output',
	name: 'output',
	type: 'options',
	options: [
		{ name: 'Raw', value: 'raw', description: 'All fields that Hubble returns' },
		{ name: 'Selected Fields', value: 'selected', description: 'Some of the simplified fields' },
		{ name: 'Simplified', value: 'simplified', description: 'The most useful fields' },
	],
	default: 'simplified',
	description: 'How much of each result the AI model reads',
	shownWhen: { '@tool': [true] },
} satisfies Field;

/** deviceId → 'Device ID'. */
export const labelOf = (name: string) =>
	name
		.replace(/[A-Z]/g, ' $&')
		.replace(/^./, (first) => first.toUpperCase())
		.replace(/\bId\b/, 'ID')
		.replace(/^Rssi$/, 'RSSI');

/** Which of the simplified fields the model reads; the last one, the key, in any case. */
export const outputFields = (names: readonly string[]): Field => ({
	displayName: 'Fields',
	name: 'outputFields',
	type: 'multiOptions',
	options: names
		.slice(0, -1)
		.map((name) => ({ name: labelOf(name), value: name }))
		.sort((a, b) => a.name.localeCompare(b.name)),
	default: [],
	description: `The fields to add to the output, which always contains ${names.at(-1)}`,
	shownWhen: { '@tool': [true], output: ['selected'] },
});

export const continuationToken = {
	displayName: 'Continuation Token',
	name: 'continueFrom',
	type: 'string',
	default: '',
	description:
		'Token from an earlier error or, for an export, from its item, to resume that run. Keep the filters of that run: the token contains only some of them.',
	collection: 'options',
	toWire: (value) => {
		const token = asText(value).trim();
		if (/[^\x21-\x7e]/.test(token)) throw new Error('it contains a character that no Continuation Token has');
		return token;
	},
} satisfies Field;

/** Shown where the node is the tool of an AI agent, for operations that put out secrets. */
export const shareSecrets = {
	displayName: 'Share Secrets With Model',
	name: 'shareSecrets',
	type: 'boolean',
	noDataExpression: true,
	default: false,
	description: 'Whether the AI model may read the secrets in the output. If off, the tool does not run.',
	shownWhen: { '@tool': [true] },
} satisfies Field;

export const batching = {
	displayName: 'Batching',
	name: 'batching',
	type: 'options',
	noDataExpression: true,
	options: choices(
		['Automatic', 'automatic', 'Send the items of up to 1,000 devices in one request'],
		['One Request per Device', 'single', 'Send one request for each item, three per second'],
	),
	default: 'automatic',
	description: 'How the input items become requests to Hubble',
	collection: 'options',
} satisfies Field;

/** The option that keeps the fields of an input item beside its output: where it is set, `run.ts` joins them. */
export const KEEP_INPUT = 'keepInput';

/** The lists that pickers search; `methods/listSearch.ts` has a row for each. */
export type Search = 'searchApiKeys' | 'searchDevices' | 'searchInvoices' | 'searchUsers' | 'searchWebhooks';

/**
 * Picks one thing from its list or by its ID.
 * @param example an ID as Hubble gives it
 * @param more `isUuid`: whether the ID is a UUID; else only its characters are checked
 */
export function picker(
	displayName: string,
	name: string,
	search: Search | 'searchBrands',
	example: string,
	more: { isUuid?: boolean; description?: string } = {},
): Field {
	const words = displayName.replace(/\b[A-Z](?=[a-z])/g, (letter) => letter.toLowerCase());
	const oneOfThem = `${/^[aeio]/i.test(words) ? 'an' : 'a'} ${words}`;
	const { isUuid, description = `The ${words} to work on` } = more;
	return {
		displayName,
		name,
		type: 'resourceLocator',
		default: { mode: 'list', value: '' },
		required: true,
		description,
		modes: [
			{
				displayName: 'From List',
				name: 'list',
				type: 'list',
				placeholder: `Select ${oneOfThem}…`,
				typeOptions: { searchListMethod: search, searchable: true },
			},
			{
				displayName: 'By ID',
				name: 'id',
				type: 'string',
				placeholder: `e.g. ${example}`,
				validation: [
					{
						type: 'regex',
						properties: {
							regex: `^\\s*${isUuid ? UUID : FREE_ID}\\s*$`,
							errorMessage: `"${displayName}": this is not the ID of ${oneOfThem}, such as ${example}`,
						},
					},
				],
			},
		],
		toWire: isUuid ? uuid : freeId,
	};
}

export const device = picker('Device', 'deviceId', 'searchDevices', '6ea53e36-b7fb-429f-8c2e-d536cab71089', {
	isUuid: true,
});

/** The mode of a picker that takes a name. */
export const BY_NAME = 'name';

/**
 * The same, and by its name, for operations that look it up: `ids` then has `device_name` in the place of `device_id`.
 * Hubble cannot search, so one reading of the list serves all items.
 */
export const deviceOrName = {
	...device,
	modes: [
		...(device.modes ?? []),
		{
			displayName: 'By Name',
			name: BY_NAME,
			type: 'string',
			placeholder: 'e.g. Cold room 4',
			hint: 'The exact name. All devices of the organization are read to find it.',
		},
	],
	toWire: (value, { mode }) => (mode === BY_NAME ? { device_name: text(LENGTHS.name)(value) } : uuid(value)),
} satisfies Field;

/**
 * A group or a list of rows as an option of a collection. n8n drops one without a row as soon as another field changes,
 * so it begins with one; and n8n adds a list without its default, so a list stands inside a group (`ungrouped`).
 */
export function inCollection(property: INodeProperties): INodeProperties {
	if (property.type !== 'fixedCollection') return property;
	const { displayName, typeOptions } = property;
	const [first, ...others] = (property.options ?? []).flatMap((one) => ('values' in one ? [one] : []));
	const row = Object.fromEntries((first?.values ?? []).map(({ name, default: preset }) => [name, preset]));
	const single = { ...property, typeOptions: { multipleValues: false } };
	// Which of several forms a group has is the user's choice.
	if (!first || others.length) return single;
	if (!typeOptions?.multipleValues) return { ...single, default: { [first.name]: row } };
	const rows = { ...property, displayName: '', name: 'rows', default: { [first.name]: [row] } };
	const options = [{ displayName, name: 'list', values: [rows] }];
	return { ...single, default: { list: { rows: rows.default } }, options };
}

/** The value of a list without the group that `inCollection` puts around it. */
export const ungrouped = (value: unknown): unknown =>
	isObject(value) && isObject(value.list) ? value.list.rows : value;

/** One device of `pickedDevices`. */
const pickedDevice: INodeProperties = {
	displayName: device.displayName,
	name: device.name,
	type: device.type,
	default: device.default,
	modes: device.modes,
	description: 'Which device',
};

/** Filters of triggers: devices picked one by one. */
export const pickedDevices: INodeProperties = {
	displayName: 'Devices',
	name: 'devices',
	type: 'fixedCollection',
	typeOptions: { multipleValues: true },
	placeholder: 'Add Device',
	default: {},
	description: 'Only these devices',
	options: [{ displayName: 'Device', name: 'device', values: [pickedDevice] }],
};

/** The IDs in a value of `pickedDevices`. Throws an Error when one is no ID, as in a row that nobody filled in. */
export const pickedIds = (value: unknown): string[] =>
	[objectOf(value).device ?? []].flat().map((row) => {
		const { value: id = '' } = objectOf(objectOf(row).deviceId);
		if (isEmpty(id)) throw new Error('choose a device in each row, or remove the row');
		return uuid(id);
	});

export const webhook = picker('Webhook', 'webhookId', 'searchWebhooks', '0d4c7c2e-52a8-4d4c-9a53-1f8f6b9a7c11');

export const user = picker('User', 'userId', 'searchUsers', '3f2b8c1a-9d4e-4f6a-8b7c-5e1d2a3f4b60', {
	isUuid: true,
	description: 'The user of the organization to work on',
});

export const apiKey = picker('API Key', 'keyId', 'searchApiKeys', '8a1f0c54-2b7d-4e0e-9c36-6d5b4a3c2e10', {
	description: 'The API key to work on. This is the ID of the key, not the key itself.',
});

export const invoice = picker('Invoice', 'invoiceId', 'searchInvoices', 'in_1a2b3c4d');

/** A line of text, in a group or alone. */
export const textPart = (
	displayName: string,
	name: string,
	placeholder: string,
	description?: string,
): INodeProperties => ({ displayName, name, type: 'string', default: '', placeholder, description });

/** What is on or off. */
export const toggle = (displayName: string, name: string, preset: boolean, description?: string) => {
	const said = { displayName, name, default: preset, description };
	return { ...said, type: 'boolean' } satisfies Field;
};

export const emailAddress = {
	displayName: 'Email',
	name: 'email',
	type: 'string',
	default: '',
	required: true,
	placeholder: 'name@email.com',
	description: 'The address of the person',
	toWire: email,
} satisfies Field;

export const role = {
	displayName: 'Role',
	name: 'role',
	type: 'options',
	options: choices(['Admin', 'admin'], ['Member', 'member']),
	default: 'member',
	description: 'What the user may do in the organization',
} satisfies Field;

/** The periods that follow the calendar (`calendarPeriod`). */
export const CALENDAR_PERIODS = [
	{ name: 'Last Month', value: 'lastMonth', description: 'The whole month before this one' },
	{ name: 'This Month', value: 'thisMonth', description: 'From the first of the month until now' },
	{ name: 'Today', value: 'today', description: 'From midnight until now' },
	{ name: 'Yesterday', value: 'yesterday', description: 'From midnight to midnight' },
];

/** A filter that is applied in n8n. */
export const ownTags = {
	displayName: 'Own Tags',
	name: 'ownTags',
	type: 'string',
	typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Tag' },
	default: [],
	placeholder: 'e.g. site:Rotterdam',
	description: 'Only devices that have all of these tags, as key:value',
} satisfies INodeProperties;

/** The only tag that Hubble filters by (API definition, `filter_tags`): those of the user's own are none of it. */
export const environment = {
	displayName: 'Environment',
	name: 'environment',
	type: 'options',
	options: choices(['Production', 'production'], ['Sandbox', 'sandbox']),
	default: 'production',
	description: 'Only what belongs to devices of this environment',
	collection: 'filters',
	toWire: (value) => [`_env:${String(value)}`],
} satisfies Field;
