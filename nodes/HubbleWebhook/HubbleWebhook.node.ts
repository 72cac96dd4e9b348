import type { IExecuteFunctions, INodeExecutionData, INodeType, INodeTypeDescription } from 'n8n-workflow';
import { builderHint } from '../shared/n8n';
import { actionNode, subtitleOf, toProperties } from '../shared/operation/properties';
import { methods } from '../shared/methods/methods';
import { run } from '../shared/operation/run';
import { webhookOperations } from './operations';

export class HubbleWebhook implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Hubble Webhook',
		name: 'hubbleWebhook',
		icon: { light: 'file:../../icons/hubble.svg', dark: 'file:../../icons/hubble.dark.svg' },
		...actionNode,
		subtitle: subtitleOf(webhookOperations),
		description: 'Create, test, update and delete the webhooks to which Hubble sends packets',
		...builderHint(
			'Webhooks of a Hubble organization. The Hubble Packet Trigger registers its own, so this node is for other receivers and for cleaning up.',
			['hubblePacketTrigger', 'Registers and receives by itself'],
		),
		defaults: { name: 'Hubble Webhook' },
		usableAsTool: true,
		credentials: [{ name: 'hubbleApi', required: true, testedBy: 'hubbleApiTest' }],
		properties: toProperties(webhookOperations, [{ name: 'Webhook', value: 'webhook' }]),
	};

	methods = methods;

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await run(this, webhookOperations, this.continueOnFail());
	}
}
