import { role, user } from '../shared/operation/fields';
import { endpoints, LENGTHS } from '../shared/client/endpoints';
import type { Operation } from '../shared/operation/operation';
import { email, text } from '../shared/operation/values';

/** The users' calls (API definition, tag "Organizations"). */
export const userOperations: readonly Operation[] = [
	{
		name: 'Add',
		object: 'User',
		value: 'add',
		action: 'Add user',
		description: 'Give a person access to the organization immediately, without an invitation',
		endpoint: endpoints.addUser,
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
		object: 'Users',
		value: 'getAll',
		action: 'Get many users',
		description: 'Get the users of the organization',
		endpoint: endpoints.listUsers,
	},
	{
		name: 'Remove',
		object: 'User',
		value: 'remove',
		action: 'Remove user',
		description: 'Remove a user from the organization. The user loses access immediately.',
		endpoint: endpoints.removeUser,
		inPath: { user_id: user },
	},
	{
		name: 'Update',
		object: 'User',
		value: 'update',
		action: 'Update user',
		description: 'Change the role or the name of a user',
		endpoint: endpoints.updateUser,
		inPath: { user_id: user },
		inBody: {
			set_first_name: {
				displayName: 'First Name',
				name: 'firstName',
				type: 'string',
				default: '',
				description: 'At most 250 characters',
				collection: 'updateFields',
				toWire: text(LENGTHS.name),
			},
			set_last_name: {
				displayName: 'Last Name',
				name: 'lastName',
				type: 'string',
				default: '',
				description: 'At most 250 characters',
				collection: 'updateFields',
				toWire: text(LENGTHS.name),
			},
			set_role: { ...role, collection: 'updateFields' },
		},
	},
];
