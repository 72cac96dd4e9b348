import type { IExecuteFunctions, INodeExecutionData, INodeType, INodeTypeDescription } from 'n8n-workflow';
import { builderHint } from '../shared/n8n';
import { actionNode, subtitleOf, toProperties } from '../shared/operation/properties';
import { methods } from '../shared/methods/methods';
import { run } from '../shared/operation/run';
import { userOperations } from './operations';

export class HubbleOrganizationUser implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Hubble Organization User',
		name: 'hubbleOrganizationUser',
		icon: { light: 'file:../../icons/hubble.svg', dark: 'file:../../icons/hubble.dark.svg' },
		...actionNode,
		subtitle: subtitleOf(userOperations),
		description: 'Add, find, update and remove the users of a Hubble organization',
		...builderHint('Users of a Hubble organization and their roles.', ['hubbleInvitation', 'Invites people by email']),
		defaults: { name: 'Hubble Organization User' },
		usableAsTool: true,
		credentials: [{ name: 'hubbleApi', required: true, testedBy: 'hubbleApiTest' }],
		properties: toProperties(userOperations, [{ name: 'User', value: 'user' }]),
	};

	methods = methods;

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await run(this, userOperations, this.continueOnFail());
	}
}
