import type { IDataObject } from 'n8n-workflow';
import { apiKey, type Field } from '../shared/operation/fields';
import type { Operation } from '../shared/operation/operation';
import { wireScopes } from '../shared/client/scopes';
import { flag, isFilled, text, texts, unixSeconds } from '../shared/operation/values';

const keyName: Field = {
	displayName: 'Name',
	name: 'name',
	type: 'string',
	default: '',
	placeholder: 'e.g. Dashboard, read only',
	description: 'At most 250 characters',
	toWire: text(250),
};

const scopes: Field = {
	displayName: 'Scope Names or IDs',
	name: 'scopes',
	type: 'multiOptions',
	typeOptions: { loadOptionsMethod: 'getScopes' },
	default: [],
	description:
		'What the key may do. A key without any scope may do everything. Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
	toWire: (value) => {
		const given = texts(value)?.flatMap((entry) => entry.split(/[\s,]+/).flatMap(wireScopes));
		return given && [...new Set(given)];
	},
};

/** What stands for a key that never expires (API definition, `apiKeyExpiration`). */
const NEVER = 0;

const expiry: Field = {
	displayName: 'Expires',
	name: 'expires',
	type: 'dateTime',
	default: '',
	description: 'When the key stops working. Empty means never.',
	toWire: (value, surroundings) => unixSeconds('down')(value, surroundings) ?? NEVER,
};

/** In an update an empty date changes nothing: "never" is said by its own switch. */
const newExpiry: Field = {
	displayName: 'Expiry',
	name: 'expiry',
	type: 'fixedCollection',
	placeholder: 'Set Expiry',
	default: {},
	description: 'When the key stops working. An empty date changes nothing.',
	options: [
		{
			displayName: 'Expiry',
			name: 'expiry',
			values: [
				{ displayName: 'Expires', name: 'expires', type: 'dateTime', default: '' },
				{
					displayName: 'Never Expires',
					name: 'never',
					type: 'boolean',
					default: false,
					description: 'Whether the key works until it is deleted. Not together with a date.',
				},
			],
		},
	],
	collection: 'updateFields',
	toWire: (value, surroundings) => {
		const { expires, never } = ((value as IDataObject).expiry ?? {}) as IDataObject;
		const date = unixSeconds('down')(expires, surroundings);
		if (!flag(never ?? '')) return date;
		if (date !== undefined) throw new Error('a key that never expires has no date');
		return NEVER;
	},
};

/** The API keys' calls (API definition, tag "API Keys"). */
export const apiKeyOperations: readonly Operation[] = [
	{
		resource: 'apiKey',
		name: 'Create',
		value: 'create',
		action: 'Create an API key that may do everything unless scopes are given',
		description:
			'Create a key that gives access to the organization; without scopes it may do everything. The output holds the key, which Hubble shows only this once.',
		method: 'POST',
		path: '/v1/org/{org_id}/key',
		scope: 'write-api-keys',
		inBody: {
			name: { ...keyName, required: true },
			// Nothing from an expression would make a key that may do everything, or that never expires.
			scopes: { ...scopes, rejectsNull: true },
			expires_at_seconds: { ...expiry, rejectsNull: true },
		},
		requiredFields: { key: isFilled },
		warn: ({ body }) =>
			body.scopes
				? undefined
				: 'No scope was chosen: Hubble gives such a key all scopes, so it may do everything in the organization.',
	},
	{
		resource: 'apiKey',
		name: 'Delete',
		value: 'delete',
		action: 'Delete an API key for good',
		description:
			'Delete a key for good: whatever uses it loses its access at once, this credential too if the key is its own',
		method: 'DELETE',
		path: '/v1/org/{org_id}/key/{key_id}',
		scope: 'write-api-keys',
		inPath: { key_id: apiKey },
	},
	{
		resource: 'apiKey',
		name: 'Get Many',
		value: 'getAll',
		action: 'Get many API keys',
		description: 'Get the names, scopes and expiry of the keys of the organization, not the keys themselves',
		method: 'GET',
		path: '/v1/org/{org_id}/key',
		scope: 'read-api-keys',
		list: { rows: 'keys', pages: 'one' },
	},
	{
		resource: 'apiKey',
		name: 'Update',
		value: 'update',
		action: 'Update an API key',
		description: 'Change the name, scopes or expiry of a key. The key itself stays as it is.',
		method: 'PATCH',
		path: '/v1/org/{org_id}/key/{key_id}',
		scope: 'write-api-keys',
		inPath: { key_id: apiKey },
		inBody: {
			set_expires_at_seconds: newExpiry,
			set_name: { ...keyName, collection: 'updateFields' },
			set_scopes: {
				...scopes,
				description:
					'What the key may do from now on: the chosen scopes replace those before. None changes nothing. Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
				collection: 'updateFields',
			},
		},
	},
	{
		resource: 'apiKey',
		name: 'Validate',
		value: 'validate',
		action: 'Validate the API key',
		description: 'Check that the API token of the credential is valid; it fails when it is not',
		method: 'GET',
		path: '/v1/org/{org_id}/check',
		toRows: (reply) => [{ valid: true, ...reply }],
	},
	{
		resource: 'scope',
		name: 'Get Many',
		value: 'getAll',
		action: 'Get many scopes',
		description: 'Get the scopes that a key of the organization can have',
		method: 'GET',
		path: '/v1/org/{org_id}/key_scopes',
		scope: 'read-api-keys',
		list: { rows: 'scopes', pages: 'one' },
	},
];
