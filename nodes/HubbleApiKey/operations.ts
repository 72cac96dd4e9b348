import { NodeOperationError, type INodeProperties } from 'n8n-workflow';
import { DAY_S } from '../shared/client/clock';
import { tokenOf } from '../shared/client/credential';
import { endpoints, LENGTHS, type Endpoint } from '../shared/client/endpoints';
import { asError } from '../shared/client/errors';
import { objectOf } from '../shared/client/json';
import { acceptedRows, fetchRows } from '../shared/client/pages';
import { apiKey, textPart, type Field } from '../shared/operation/fields';
import { operation, type ItemRequest, type Operation, type RequestOf } from '../shared/operation/operation';
import { wireScopes } from '../shared/client/scopes';
import { unixSeconds } from '../shared/operation/dates';
import { inCamelCase } from '../shared/operation/times';
import { numberIn, text, texts, type ConversionContext } from '../shared/operation/values';
import { rotate } from './rotate';

const keyName = {
	...textPart('Name', 'name', 'e.g. Dashboard, read only', 'At most 250 characters'),
	toWire: text(LENGTHS.name),
} satisfies Field;

/** A scope in either spelling; several may stand in one text, parted by commas or blanks. */
function scopesIn(entry: string): string[] {
	const parts = entry.split(/\s*,\s*|\s+/);
	const wrong = parts.find((part) => !/^[a-z][\w:-]*$/i.test(part));
	if (wrong === '') throw new Error(`"${entry}" has an empty part between its commas`);
	if (wrong !== undefined) throw new Error(`"${wrong}" is not a scope such as read-devices`);
	return parts.flatMap(wireScopes);
}

const scopes = {
	displayName: 'Scope Names or IDs',
	name: 'scopes',
	type: 'multiOptions',
	typeOptions: { loadOptionsMethod: 'getScopes' },
	default: [],
	description:
		'What the key may do. Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
	toWire: (value) => [...new Set(texts(value)?.flatMap(scopesIn))],
} satisfies Field;

/** The scopes that calls of this package need: they exist without a question. */
const KNOWN_SCOPES = new Set(Object.values<Endpoint>(endpoints).flatMap(({ scope }) => scope ?? []));

/** Refuses a scope that Hubble does not have; its list is asked for only where one is not known here. */
const refuseUnknownScopes: Operation['prepare'] = async ({ context, hubble, requests, fail }) => {
	const scopesOf = ({ body }: ItemRequest) => texts(body.scopes ?? body.set_scopes) ?? [];
	if (requests.flatMap(scopesOf).every((scope) => KNOWN_SCOPES.has(scope))) return [...requests];
	const existing = new Set(KNOWN_SCOPES);
	const { list } = endpoints.listScopes;
	const asked = await fetchRows(hubble, { endpoint: endpoints.listScopes }, list).catch(asError);
	const known =
		asked instanceof Error ? [] : [...acceptedRows(asked.rows, list)].map(({ scope_id }) => String(scope_id));
	for (const scope of known) existing.add(scope);
	return requests.filter((request) => {
		const unknown = scopesOf(request).find((scope) => !existing.has(scope));
		if (unknown === undefined) return true;
		const message = `"Scope Names or IDs": Hubble has no scope ${unknown}`;
		const description = `The scopes of this organization: ${known.sort().join(', ')}. Nothing was created or changed.`;
		const refusal = new NodeOperationError(context.getNode(), message, { description });
		fail(request.itemIndex, asked instanceof Error ? asked : refusal, request.ids);
		return false;
	});
};

/** A key without any scope may do everything (API definition, `scopes`), so that is a choice of its own. */
const access = {
	displayName: 'Access',
	name: 'access',
	type: 'options',
	options: [
		{ name: 'All Scopes', value: 'all', description: 'The key may do everything in the organization' },
		{ name: 'Selected Scopes', value: 'selected', description: 'The key may do only what its scopes allow' },
	],
	default: 'selected',
	required: true,
	description: 'What the key may do',
} satisfies Field;

/** What stands for a key that never expires (API definition, `apiKeyExpiration`). */
const NEVER = 0;

/** The moment at which a key expires; one in the past would be a key that never worked. */
function expiryTime(value: unknown, context: ConversionContext): number {
	const seconds = unixSeconds('down')(value, context);
	if (seconds === undefined) throw new Error('it needs a date; for a key that does not expire, choose Never');
	if (context.isPast(seconds)) throw new Error('it is in the past');
	return seconds;
}

/** The parts of an expiration, as a new key and a changed one have them. */
const parts = {
	expiration: {
		displayName: 'Expiration',
		name: 'expiration',
		type: 'options',
		options: [
			{ name: 'After Days', value: 'days', description: 'The key stops working after a number of days' },
			{ name: 'Never', value: 'never', description: 'The key works until it is deleted' },
			{ name: 'On Date', value: 'date', description: 'The key stops working at a date and time' },
		],
		default: 'days',
	},
	expireDays: {
		displayName: 'Expires After (Days)',
		name: 'expireDays',
		type: 'number',
		typeOptions: { minValue: 1 },
		default: 90,
	},
	expires: { displayName: 'Expires', name: 'expires', type: 'dateTime', default: '' },
} satisfies Record<string, INodeProperties>;

const expiration = {
	...parts.expiration,
	required: true,
	standsFirst: true,
	description: 'When the key stops working',
} satisfies Field;

const expireDays = {
	...parts.expireDays,
	required: true,
	standsFirst: true,
	description: 'How many days from now the key works',
	shownWhen: { expiration: ['days'] },
	toWire: numberIn(1, 36_500, false),
} satisfies Field;

const expires = {
	...parts.expires,
	required: true,
	description: 'When the key stops working',
	shownWhen: { expiration: ['date'] },
	toWire: expiryTime,
} satisfies Field;

/** When a key expires that works for some days; without days it never does. */
const expiryIn = (days: unknown, now: () => number): number =>
	days === undefined ? NEVER : Math.ceil(now() + DAY_S * Number(days));

/** The body with the expiry, where it was not chosen as a date. */
const withExpiry = (
	{ body, settings: { expireDays: days, ...settings } }: RequestOf<{ settings: { expireDays: typeof expireDays } }>,
	now: () => number,
) => ({
	body: { expires_at_seconds: expiryIn(days, now), ...body },
	settings,
});

const newExpiry = {
	displayName: 'Expiration',
	name: 'expiry',
	type: 'fixedCollection',
	placeholder: 'Set Expiration',
	default: {},
	description: 'The new time when the key stops working',
	options: [
		{
			displayName: 'Expiration',
			name: 'expiry',
			values: [
				parts.expiration,
				{ ...parts.expireDays, displayOptions: { show: { expiration: ['days'] } } },
				{ ...parts.expires, displayOptions: { show: { expiration: ['date'] } } },
			],
		},
	],
	collection: 'updateFields',
	toWire: (value, context) => {
		const { expiration: kind = 'days', expires: date, expireDays: days = 90 } = objectOf(objectOf(value).expiry);
		if (kind === 'date') return expiryTime(date, context);
		if (kind === 'never') return NEVER;
		const wanted = expireDays.toWire(days);
		if (wanted === undefined) throw new Error('it needs a number of days');
		return expiryIn(wanted, context.now);
	},
} satisfies Field;

const otherKey = {
	displayName: 'Key',
	name: 'key',
	type: 'string',
	typeOptions: { password: true },
	default: '',
	description: 'The key itself, as Hubble showed it when it was created. Empty means the API token of the credential.',
	toWire: (value) => {
		// Unlike others, it is not quoted.
		if (typeof value !== 'string') throw new Error('it is not a text');
		const token = tokenOf(value);
		if (/[^\x21-\x7e]/.test(token)) throw new Error('it contains a character that no key has');
		return token;
	},
} satisfies Field;

/** The API keys' calls (API definition, tag "API Keys"). */
export const apiKeyOperations: readonly Operation[] = [
	operation({
		resource: 'apiKey',
		name: 'Create',
		value: 'create',
		action: 'Create API key',
		description:
			'Create a key that gives access to the organization. The output contains the key, which Hubble shows only this once.',
		hasSecrets: true,
		showsOnce: 'key',
		endpoint: endpoints.createKey,
		inBody: {
			name: { ...keyName, required: true, standsFirst: true },
			expires_at_seconds: expires,
			scopes: { ...scopes, required: true, shownWhen: { access: ['selected'] } },
		},
		settings: { access, expiration, expireDays },
		derive: withExpiry,
		alsoCalls: { endpoint: endpoints.listScopes, when: 'for a scope that this node does not know' },
		prepare: refuseUnknownScopes,
		// What is shown only once comes first.
		items: async ({ hubble, request }) => {
			const { key, ...rest } = (await hubble.send(request)).body;
			return [{ json: inCamelCase({ key, ...rest }) }];
		},
		warn: ({ settings }) =>
			settings.access === 'all' ? 'A key with all scopes may do everything in the organization.' : undefined,
	}),
	{
		resource: 'apiKey',
		name: 'Delete',
		value: 'delete',
		action: 'Delete API key',
		description:
			'Delete a key permanently. Whatever uses it loses access immediately, including this credential if it contains the key.',
		endpoint: endpoints.deleteKey,
		inPath: { key_id: apiKey },
	},
	{
		resource: 'apiKey',
		name: 'Get Many',
		value: 'getAll',
		action: 'Get many API keys',
		description: 'Get the names, scopes and expiry of the keys of the organization, not the keys themselves',
		endpoint: endpoints.listKeys,
	},
	operation({
		resource: 'apiKey',
		name: 'Rotate',
		value: 'rotate',
		action: 'Rotate API key',
		description:
			'Replace a key with a new one that has the same name and scopes. The old key is deleted once the new one works. The output contains the new key, which Hubble shows only this once. If the old one is the key of this credential, calls fail until you enter the new one.',
		hasSecrets: true,
		showsOnce: 'key',
		endpoint: endpoints.createKey,
		alsoCalls: { endpoint: endpoints.listKeys },
		inBody: { expires_at_seconds: expires },
		settings: { oldKeyId: { ...apiKey, standsFirst: true }, expiration, expireDays },
		derive: (request, now) => ({
			...withExpiry(request, now),
			ids: { key_id: String(request.settings.oldKeyId) },
		}),
		items: rotate,
	}),
	{
		resource: 'apiKey',
		name: 'Update',
		value: 'update',
		action: 'Update API key',
		description: 'Change the name, scopes or expiry of a key. The key itself stays as it is.',
		endpoint: endpoints.updateKey,
		alsoCalls: { endpoint: endpoints.listScopes, when: 'for a scope that this node does not know' },
		prepare: refuseUnknownScopes,
		inPath: { key_id: apiKey },
		inBody: {
			set_expires_at_seconds: newExpiry,
			set_name: { ...keyName, collection: 'updateFields' },
			set_scopes: {
				...scopes,
				description:
					'What the key may do: the chosen scopes replace the current ones. Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
				collection: 'updateFields',
			},
		},
	},
	operation({
		resource: 'apiKey',
		name: 'Validate',
		value: 'validate',
		action: 'Validate API key',
		description:
			'Check that the API token of the credential, or another key, is valid. The operation fails when it is not.',
		endpoint: endpoints.checkKey,
		settings: { key: otherKey },
		items: async ({ hubble, request }) => {
			const { key } = request.settings;
			const { body } = await (key ? hubble.as(String(key)) : hubble).send(request);
			return [{ json: inCamelCase({ valid: true, ...body }) }];
		},
	}),
	{
		resource: 'scope',
		name: 'Get Many',
		value: 'getAll',
		action: 'Get many scopes',
		description: 'Get the scopes that a key of the organization can have',
		endpoint: endpoints.listScopes,
	},
];
