import { emailAddress, role } from '../shared/operation/fields';
import { endpoints } from '../shared/client/endpoints';
import type { Operation } from '../shared/operation/operation';

/** The invitations' calls (API definition, tag "Organizations"). */
export const invitationOperations: readonly Operation[] = [
	{
		name: 'Get Many',
		object: 'Invitations',
		value: 'getAll',
		description: 'Get the invitations that nobody has accepted yet',
		endpoint: endpoints.listInvitations,
	},
	{
		name: 'Revoke',
		object: 'Invitation',
		value: 'revoke',
		description: 'Revoke an invitation, so that it can no longer be accepted',
		endpoint: endpoints.revokeInvitation,
		inBody: { invitee_email: emailAddress },
		idInBody: 'invitee_email',
	},
	{
		name: 'Send',
		object: 'Invitation',
		value: 'send',
		description: 'Invite a person to the organization by email',
		endpoint: endpoints.sendInvitation,
		inBody: { invitee_email: emailAddress, role: { ...role, required: true } },
	},
];
