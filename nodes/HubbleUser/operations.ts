import { role, user } from '../shared/operation/fields';
import type { Operation } from '../shared/operation/operation';
import { email, text } from '../shared/operation/values';

/** The users' calls (API definition, tag "Organizations"). */
export const userOperations: readonly Operation[] = [
	{
		name: 'Add',
		value: 'add',
		action: 'Add a user who has access at once',
		description: 'Give a person access to the organization at once, without an invitation',
		method: 'POST',
		path: '/v1/org/{org_id}/users',
		scope: 'write-users',
		inBody: {
			email: {
				displayName: 'Email',
				name: 'email',
				type: 'string',
				default: '',
				required: true,
				placeholder: 'name@email.com',
				description: 'The address of the person to add',
				toWire: email,
			},
			role: { ...role, required: true },
		},
	},
	{
		name: 'Get Many',
		value: 'getAll',
		action: 'Get many users',
		description: 'Get the users of the organization',
		method: 'GET',
		path: '/v1/org/{org_id}/users',
		scope: 'read-users',
		list: { rows: 'users', pages: 'number', pageSize: { name: 'page_size', min: 5, max: 100 } },
	},
	{
		name: 'Remove',
		value: 'remove',
		action: 'Remove a user from the organization',
		description: 'Take the access to the organization away from a user',
		method: 'DELETE',
		path: '/v1/org/{org_id}/users/{user_id}',
		scope: 'write-users',
		inPath: { user_id: user },
	},
	{
		name: 'Update',
		value: 'update',
		action: 'Update a user',
		description: 'Change the role or the name of a user',
		method: 'PATCH',
		path: '/v1/org/{org_id}/users/{user_id}',
		scope: 'write-users',
		inPath: { user_id: user },
		inBody: {
			set_first_name: {
				displayName: 'First Name',
				name: 'firstName',
				type: 'string',
				default: '',
				description: 'At most 250 characters',
				collection: 'updateFields',
				toWire: text(250),
			},
			set_last_name: {
				displayName: 'Last Name',
				name: 'lastName',
				type: 'string',
				default: '',
				description: 'At most 250 characters',
				collection: 'updateFields',
				toWire: text(250),
			},
			set_role: { ...role, collection: 'updateFields' },
		},
	},
];
