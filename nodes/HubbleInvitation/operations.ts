import { role, type Field } from '../shared/operation/fields';
import { endpoints } from '../shared/client/endpoints';
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
		endpoint: endpoints.listInvitations,
	},
	{
		name: 'Revoke',
		value: 'revoke',
		action: 'Revoke an invitation',
		description: 'Take an invitation back: the person cannot accept it any more',
		endpoint: endpoints.revokeInvitation,
		inBody: { invitee_email: invitee },
		idInBody: 'invitee_email',
	},
	{
		name: 'Send',
		value: 'send',
		action: 'Send an invitation',
		description: 'Invite a person to the organization by email',
		endpoint: endpoints.sendInvitation,
		inBody: { invitee_email: invitee, role: { ...role, required: true } },
	},
];
