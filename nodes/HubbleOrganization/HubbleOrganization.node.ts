import type { IExecuteFunctions, INodeExecutionData, INodeType, INodeTypeDescription } from 'n8n-workflow';
import { builderHint } from '../shared/n8n';
import { actionNode, subtitleOf, toProperties } from '../shared/operation/properties';
import { methods } from '../shared/methods/methods';
import { run } from '../shared/operation/run';
import { organizationOperations } from './operations';

export class HubbleOrganization implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Hubble Organization',
		name: 'hubbleOrganization',
		icon: { light: 'file:../../icons/hubble.svg', dark: 'file:../../icons/hubble.dark.svg' },
		...actionNode,
		subtitle: subtitleOf(organizationOperations),
		description: 'Get and update a Hubble organization, and check whether n8n is set up for it',
		...builderHint(
			'Name, address, contact and time zone of a Hubble organization; a check of token, scopes, clock, public URL and webhooks.',
		),
		defaults: { name: 'Hubble Organization' },
		usableAsTool: true,
		credentials: [{ name: 'hubbleApi', required: true, testedBy: 'hubbleApiTest' }],
		properties: toProperties(organizationOperations, [{ name: 'Organization', value: 'organization' }]),
	};

	methods = methods;

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await run(this, organizationOperations, this.continueOnFail());
	}
}
