import { emailAddress, role, user, type Field } from '../shared/operation/fields';
import { endpoints, LENGTHS } from '../shared/client/endpoints';
import type { Operation } from '../shared/operation/operation';
import { text } from '../shared/operation/values';

const personName = (displayName: string, name: string): Field => ({
	displayName,
	name,
	type: 'string',
	default: '',
	description: 'At most 250 characters',
	collection: 'updateFields',
	toWire: text(LENGTHS.name),
});

/** The users' calls (API definition, tag "Organizations"). */
export const userOperations: readonly Operation[] = [
	{
		name: 'Add',
		object: 'User',
		value: 'add',
		description: 'Give a person access to the organization immediately, without an invitation',
		endpoint: endpoints.addUser,
		inBody: {
			email: emailAddress,
			role: { ...role, required: true },
		},
	},
	{
		name: 'Get Many',
		object: 'Users',
		value: 'getAll',
		description: 'Get the users of the organization',
		endpoint: endpoints.listUsers,
	},
	{
		name: 'Remove',
		object: 'User',
		value: 'remove',
		description: 'Remove a user from the organization. The user loses access immediately.',
		endpoint: endpoints.removeUser,
		inPath: { user_id: user },
	},
	{
		name: 'Update',
		object: 'User',
		value: 'update',
		description: 'Change the role or the name of a user',
		endpoint: endpoints.updateUser,
		inPath: { user_id: user },
		inBody: {
			set_first_name: personName('First Name', 'firstName'),
			set_last_name: personName('Last Name', 'lastName'),
			set_role: { ...role, collection: 'updateFields' },
		},
	},
];
