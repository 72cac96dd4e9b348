import type { IExecuteFunctions, INodeExecutionData, INodeType, INodeTypeDescription } from 'n8n-workflow';
import { builderHint } from '../shared/n8n';
import { actionNode, subtitleOf, toProperties } from '../shared/operation/properties';
import { methods } from '../shared/methods/methods';
import { run } from '../shared/operation/run';
import { apiKeyOperations } from './operations';

export class HubbleApiKey implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Hubble API Key',
		name: 'hubbleApiKey',
		icon: { light: 'file:../../icons/hubble.svg', dark: 'file:../../icons/hubble.dark.svg' },
		...actionNode,
		subtitle: subtitleOf(apiKeyOperations),
		description: 'Create, rotate, find, update, delete and validate the API keys of a Hubble organization',
		...builderHint(
			'Keys that give access to a Hubble organization. Rotate creates a new key, tries it and deletes the old one in one step.',
		),
		defaults: { name: 'Hubble API Key' },
		usableAsTool: true,
		credentials: [{ name: 'hubbleApi', required: true, testedBy: 'hubbleApiTest' }],
		properties: toProperties(apiKeyOperations, [
			{ name: 'API Key', value: 'apiKey' },
			{ name: 'Scope', value: 'scope' },
		]),
	};

	methods = methods;

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await run(this, apiKeyOperations, this.continueOnFail());
	}
}
