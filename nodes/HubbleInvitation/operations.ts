import { role, type Field } from '../shared/operation/fields';
import type { Operation } from '../shared/operation/operation';
import { email } from '../shared/operation/values';

const invitee: Field = {
	displayName: 'Email',
	name: 'email',
	type: 'string',
	default: '',
	required: true,
	placeholder: 'name@email.com',
	description: 'The address of the invited person',
	toWire: email,
};

/** The invitations' calls (API definition, tag "Organizations"). */
export const invitationOperations: readonly Operation[] = [
	{
		name: 'Get Many',
		value: 'getAll',
		action: 'Get many invitations',
		description: 'Get the invitations that nobody has accepted yet',
		method: 'GET',
		path: '/v1/org/{org_id}/invitations',
		scope: 'read-invitations',
		list: { rows: 'invites', pages: 'number', pageSize: { name: 'page_size', min: 5, max: 100 } },
	},
	{
		name: 'Revoke',
		value: 'revoke',
		action: 'Revoke an invitation',
		description: 'Take an invitation back: the person cannot accept it any more',
		method: 'DELETE',
		path: '/v1/org/{org_id}/invitations',
		scope: 'write-invitations',
		inBody: { invitee_email: invitee },
	},
	{
		name: 'Send',
		value: 'send',
		action: 'Send an invitation',
		description: 'Invite a person to the organization by email',
		method: 'POST',
		path: '/v1/org/{org_id}/invitations',
		scope: 'write-invitations',
		inBody: { invitee_email: invitee, role: { ...role, required: true } },
	},
];
