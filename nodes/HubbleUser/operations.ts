import { role, user } from '../shared/operation/fields';
import { endpoints } from '../shared/client/endpoints';
import type { Operation } from '../shared/operation/operation';
import { email, text } from '../shared/operation/values';

/** The users' calls (API definition, tag "Organizations"). */
export const userOperations: readonly Operation[] = [
	{
		name: 'Add',
		value: 'add',
		action: 'Add a user who has access at once',
		description: 'Give a person access to the organization at once, without an invitation',
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
		value: 'getAll',
		action: 'Get many users',
		description: 'Get the users of the organization',
		endpoint: endpoints.listUsers,
	},
	{
		name: 'Remove',
		value: 'remove',
		action: 'Remove a user from the organization',
		description: 'Take the access to the organization away from a user',
		endpoint: endpoints.removeUser,
		inPath: { user_id: user },
	},
	{
		name: 'Update',
		value: 'update',
		action: 'Update a user',
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
