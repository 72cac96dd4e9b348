/** Parameters that several operations share, and the conversions from n8n's values to the wire's. */
import { tryToParseDateTime, type IDataObject, type INodeProperties } from 'n8n-workflow';
import type { Search } from './pickers';

/** The collections in which optional parameters stand, with their titles. */
export const COLLECTIONS = {
	filters: 'Filters',
	additionalFields: 'Additional Fields',
	updateFields: 'Fields to Update',
	options: 'Options',
} as const;

/** What a conversion may need to know beside the value. */
export interface Surroundings {
	/** IANA time zone of the workflow: dates without an offset are meant in it. */
	timezone: string;
}

/** One parameter: what n8n shows, where it stands, and how its value travels. */
export interface Field extends Omit<INodeProperties, 'displayOptions' | 'required'> {
	/** The collection that holds the parameter; without one it stands on its own. */
	within?: keyof typeof COLLECTIONS;
	/** Whether an empty value is refused. */
	required?: boolean;
	/**
	 * Whether `null` is refused where empty is a choice: an expression that failed must not choose. Only for
	 * a parameter that stands on its own, as one that is left out of a collection is `null` too.
	 */
	refusesNothing?: boolean;
	/** The values of other parameters for which n8n shows this one. */
	shownWhen?: Readonly<Record<string, ReadonlyArray<string | boolean>>>;
	/**
	 * n8n's value → the value on the wire. `undefined` is not sent. Throws an Error whose message says
	 * what is wrong with the value. Without it the value travels as it is, and an empty one does not.
	 */
	toWire?: (value: unknown, surroundings: Surroundings) => unknown;
}

/** The form of every id that Hubble gives to devices, organizations, users and gateways. */
export const UUID = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}';
export const WHOLE_UUID = new RegExp(`^${UUID}$`);

/** A resource locator's value, or the value itself. */
function plain(value: unknown): unknown {
	return typeof value === 'object' && value !== null && '__rl' in value && 'value' in value ? value.value : value;
}

/** An id in UUID form, in lower case. Empty is not sent. */
export function uuid(value: unknown): string | undefined {
	const id = String(plain(value) ?? '').trim();
	if (!id) return undefined;
	if (!WHOLE_UUID.test(id)) throw new Error(`"${id}" is not an ID (a UUID such as 6ea53e36-b7fb-429f-8c2e-d536cab71089)`);
	return id.toLowerCase();
}

/** The form of the other ids (API definition: any text). One letter or digit at least: ".." would change the path. */
const FREE_ID = '[\\w.:-]*[A-Za-z0-9][\\w.:-]*';
const WHOLE_FREE_ID = new RegExp(`^${FREE_ID}$`);

/** An id of a webhook, an API key or an invoice. Empty is not sent. */
function freeId(value: unknown): string | undefined {
	const id = String(plain(value) ?? '').trim();
	if (!id) return undefined;
	if (!WHOLE_FREE_ID.test(id)) throw new Error(`"${id}" is not an ID (letters, digits and -_.: only)`);
	return id;
}

/** Whether a value is a text with something in it. */
export const isFilled = (value: unknown) => typeof value === 'string' && value !== '';

/** An email address. Empty is not sent. */
export function email(value: unknown): string | undefined {
	const address = String(value ?? '').trim();
	if (!address) return undefined;
	if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(address)) throw new Error(`"${address}" is not an email address`);
	return address;
}

/** A value that is meant as text. An object or a list has slipped in by an expression. */
function asText(value: unknown): string {
	if (!['string', 'number', 'boolean'].includes(typeof value)) throw new Error(`${JSON.stringify(value)} is not a text`);
	return String(value);
}

/** A text of at most `max` characters, sent even when it is empty. */
export function text(max: number) {
	return (value: unknown): string => {
		const result = asText(value);
		const length = [...result].length;
		if (length > max) throw new Error(`it has ${length} characters, Hubble takes at most ${max}`);
		return result;
	};
}

/** A yes or no, also as the text that an expression or an AI agent gives. Empty is not sent. */
export function flag(value: unknown): boolean | undefined {
	if (value === '') return undefined;
	if (value === true || value === 'true') return true;
	if (value === false || value === 'false') return false;
	throw new Error(`${JSON.stringify(value)} is neither true nor false`);
}

/** A number within both bounds; `whole` refuses fractions. Empty is not sent. */
export function numberIn(min: number, max: number, whole = true) {
	return (value: unknown): number | undefined => {
		const given = typeof value === 'string' ? value.trim() : value;
		if (given === '' || given === undefined || given === null) return undefined;
		const result = typeof given === 'number' || typeof given === 'string' ? Number(given) : NaN;
		if (!Number.isFinite(result) || result < min || result > max || (whole && !Number.isInteger(result))) {
			throw new Error(`${JSON.stringify(value)} is not a ${whole ? 'whole ' : ''}number from ${min} to ${max}`);
		}
		return result;
	};
}

/** A list of texts from a repeated parameter or from an expression that gives a list. Empty is not sent. */
export function texts(value: unknown): string[] | undefined {
	const list = (Array.isArray(value) ? value.flat() : [value]).map((entry) => asText(entry ?? '').trim());
	const filled = list.filter((entry) => entry !== '');
	return filled.length ? filled : undefined;
}

/** Platform tags as Hubble matches them, `key:value`; `key=value` is understood too. */
export function tagFilters(value: unknown): string[] | undefined {
	return texts(value)?.map((tag) => {
		const match = /^([^:=\s]+)[:=](.+)$/.exec(tag);
		if (!match) throw new Error(`"${tag}" is not a tag of the form key:value, e.g. _env:production`);
		return `${match[1]}:${match[2]}`;
	});
}

/** Hubble's limits of one device's tags (API definition, `deviceTags`). */
const TAGS = { count: 10, key: 32, value: 128 };

/** `{tag: [{key, value}]}` of a repeated parameter → the map that Hubble takes. Without rows it is not sent. */
export function tagMap(value: unknown): Record<string, string> | undefined {
	const { tag: rows = [] } = value as { tag?: Array<{ key?: unknown; value?: unknown }> };
	const tags = new Map<string, string>();
	for (const row of rows) {
		const key = asText(row.key ?? '').trim();
		if (!key) throw new Error('a tag has no key');
		if (row.value === undefined || row.value === null) throw new Error(`the tag "${key}" has no value`);
		const content = asText(row.value);
		if (tags.has(key)) throw new Error(`the tag "${key}" is given twice`);
		if (key.startsWith('_')) throw new Error(`the key "${key}" begins with "_", which only Hubble's own tags do`);
		if ([...key].length > TAGS.key) throw new Error(`the key "${key}" has more than ${TAGS.key} characters`);
		if ([...content].length > TAGS.value) throw new Error(`the value of "${key}" has more than ${TAGS.value} characters`);
		tags.set(key, content);
	}
	if (tags.size > TAGS.count) throw new Error(`a device has at most ${TAGS.count} tags`);
	return tags.size ? Object.fromEntries(tags) : undefined;
}

/**
 * A date as n8n gives it (ISO text, luxon DateTime, Date, Unix seconds or milliseconds) → Unix seconds.
 * A date without an offset is meant in the workflow's time zone. Empty is not sent.
 * @param round whether a fraction of a second belongs to the earlier or the later second
 */
export function unixSeconds(round: 'down' | 'up') {
	return (value: unknown, { timezone }: Surroundings): number | undefined => {
		if (value === '' || value === undefined || value === null) return undefined;
		const seconds = secondsOf(value, timezone);
		return round === 'up' ? Math.ceil(seconds) : Math.floor(seconds);
	};
}

/** Numbers above this are milliseconds: as seconds it would be the year 5138. */
const LARGEST_SECONDS = 1e11;

function secondsOf(value: unknown, timezone: string): number {
	const isCount = typeof value === 'number' || /^\d{9,14}$/.test(String(value));
	const seconds = isCount ? Number(value) / (Number(value) > LARGEST_SECONDS ? 1000 : 1) : parsedSeconds(value, timezone);
	if (!Number.isFinite(seconds) || seconds < 0) {
		throw new Error(`"${String(value)}" is not a date and time, e.g. 2026-01-31T08:00:00Z`);
	}
	return seconds;
}

/** Texts begin with the year, as ISO 8601, or with a weekday, as in mail and HTTP; others are ambiguous. */
const CLEAR_DATE = /^\s*(\d{4}-\d{2}|[A-Za-z]{3},? )/;

function parsedSeconds(value: unknown, timezone: string): number {
	if (typeof value === 'string' && !CLEAR_DATE.test(value)) return NaN;
	try {
		return tryToParseDateTime(value, timezone).toMillis() / 1000;
	} catch {
		return NaN;
	}
}

/** `{range: {after, before}}` → Hubble's only filter on timestamps: from inclusive, to exclusive. */
export function between(value: unknown, surroundings: Surroundings): string | undefined {
	const { after, before } = (value as { range?: IDataObject }).range ?? {};
	const from = unixSeconds('down')(after, surroundings);
	const to = unixSeconds('up')(before, surroundings);
	if (from === undefined && to === undefined) return undefined;
	if (from !== undefined && to !== undefined && from >= to) throw new Error('After is not earlier than Before');
	return `between:${from ?? 0}:${to ?? LARGEST_SECONDS}`;
}

export const returnAll: Field = {
	displayName: 'Return All',
	name: 'returnAll',
	type: 'boolean',
	default: false,
	description: 'Whether to return all results or only up to a given limit',
};

export const limit: Field = {
	displayName: 'Limit',
	name: 'limit',
	type: 'number',
	typeOptions: { minValue: 1 },
	default: 50,
	required: true,
	description: 'Max number of results to return',
	shownWhen: { returnAll: [false] },
	toWire: numberIn(1, Number.MAX_SAFE_INTEGER),
};

export const simplify: Field = {
	displayName: 'Simplify',
	name: 'simplify',
	type: 'boolean',
	default: true,
	description: 'Whether to return a simplified version of the response instead of the raw data',
};

export const continuationToken: Field = {
	displayName: 'Continuation Token',
	name: 'continueFrom',
	type: 'string',
	default: '',
	description:
		'Where to go on: the token that an error of an earlier run named. The token carries the filters of that run; those given here are ignored.',
	within: 'options',
	toWire: (value) => {
		const token = asText(value).trim();
		if (/[^\x21-\x7e]/.test(token)) throw new Error('it holds a character that is in no Continuation Token');
		return token || undefined;
	},
};

export const batching: Field = {
	displayName: 'Batching',
	name: 'batching',
	type: 'options',
	noDataExpression: true,
	options: [
		{ name: 'Automatic', value: 'automatic', description: 'Send the items of up to 1,000 devices in one request' },
		{ name: 'One Request per Device', value: 'single', description: 'Send each item on its own, three a second' },
	],
	default: 'automatic',
	description: 'How the input items become requests to Hubble',
	within: 'options',
};

/** Picks one thing from its list or by its ID. `search` names the row of `searches` in `pickers.ts`. */
function picker(picked: {
	displayName: string;
	name: string;
	description: string;
	search: Search;
	/** An ID as Hubble gives it. */
	example: string;
	/** Whether the ID is a UUID; else only its characters are checked. */
	isUuid?: boolean;
}): Field {
	const { displayName, name, description, search, example, isUuid } = picked;
	const form = isUuid ? UUID : FREE_ID;
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
				placeholder: `Select ${withArticle(displayName)}…`,
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
							regex: `^\\s*${form}\\s*$`,
							errorMessage: `This is not the ID of ${withArticle(displayName)}, such as ${example}`,
						},
					},
				],
			},
		],
		toWire: isUuid ? uuid : freeId,
	};
}

/** 'API Key' → 'an API key', 'User' → 'a user'. */
function withArticle(displayName: string): string {
	const words = displayName.replace(/\b[A-Z](?=[a-z])/g, (letter) => letter.toLowerCase());
	return `${/^[aeio]/i.test(words) ? 'an' : 'a'} ${words}`;
}

export const device = picker({
	displayName: 'Device',
	name: 'deviceId',
	description: 'The device to work on',
	search: 'searchDevices',
	example: '6ea53e36-b7fb-429f-8c2e-d536cab71089',
	isUuid: true,
});

export const webhook = picker({
	displayName: 'Webhook',
	name: 'webhookId',
	description: 'The webhook to work on',
	search: 'searchWebhooks',
	example: '0d4c7c2e-52a8-4d4c-9a53-1f8f6b9a7c11',
});

export const user = picker({
	displayName: 'User',
	name: 'userId',
	description: 'The user of the organization to work on',
	search: 'searchUsers',
	example: '3f2b8c1a-9d4e-4f6a-8b7c-5e1d2a3f4b60',
	isUuid: true,
});

export const apiKey = picker({
	displayName: 'API Key',
	name: 'keyId',
	description: 'The API key to work on. This is the ID of the key, not the key itself.',
	search: 'searchApiKeys',
	example: '8a1f0c54-2b7d-4e0e-9c36-6d5b4a3c2e10',
});

export const invoice = picker({
	displayName: 'Invoice',
	name: 'invoiceId',
	description: 'The invoice to work on',
	search: 'searchInvoices',
	example: 'in_1a2b3c4d',
});

export const role: Field = {
	displayName: 'Role',
	name: 'role',
	type: 'options',
	options: [
		{ name: 'Admin', value: 'admin' },
		{ name: 'Member', value: 'member' },
	],
	default: 'member',
	description: 'What the user may do in the organization',
};

export const platformTags: Field = {
	displayName: 'Platform Tags',
	name: 'platformTags',
	type: 'string',
	typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Tag' },
	default: [],
	placeholder: 'e.g. _env:production',
	description:
		'Only what has these tags of Hubble itself, as key:value. Tags with the same key mean "or", with different keys "and".',
	within: 'filters',
	toWire: tagFilters,
};
