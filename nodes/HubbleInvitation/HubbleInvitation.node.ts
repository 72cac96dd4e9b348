import type { IExecuteFunctions, INodeExecutionData, INodeType, INodeTypeDescription } from 'n8n-workflow';
import { builderHint } from '../shared/n8n';
import { actionNode, subtitleOf, toProperties } from '../shared/operation/properties';
import { methods } from '../shared/methods/methods';
import { run } from '../shared/operation/run';
import { invitationOperations } from './operations';

export class HubbleInvitation implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Hubble Invitation',
		name: 'hubbleInvitation',
		icon: { light: 'file:../../icons/hubble.svg', dark: 'file:../../icons/hubble.dark.svg' },
		...actionNode,
		subtitle: subtitleOf(invitationOperations),
		description: 'Send, find and revoke the invitations to a Hubble organization',
		...builderHint('Invitations of people to a Hubble organization.', [
			'hubbleOrganizationUser',
			'People who accepted',
		]),
		defaults: { name: 'Hubble Invitation' },
		usableAsTool: true,
		credentials: [{ name: 'hubbleApi', required: true, testedBy: 'hubbleApiTest' }],
		properties: toProperties(invitationOperations, [{ name: 'Invitation', value: 'invitation' }]),
	};

	methods = methods;

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await run(this, invitationOperations, this.continueOnFail());
	}
}
