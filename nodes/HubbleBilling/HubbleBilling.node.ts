import type { IExecuteFunctions, INodeExecutionData, INodeType, INodeTypeDescription } from 'n8n-workflow';
import { builderHint } from '../shared/n8n';
import { actionNode, subtitleOf, toProperties } from '../shared/operation/properties';
import { methods } from '../shared/methods/methods';
import { run } from '../shared/operation/run';
import { billingOperations } from './operations';

export class HubbleBilling implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Hubble Billing',
		name: 'hubbleBilling',
		icon: { light: 'file:../../icons/hubble.svg', dark: 'file:../../icons/hubble.dark.svg' },
		...actionNode,
		subtitle: subtitleOf(billingOperations),
		description: 'Get the invoices, usage, subscription and payment methods of a Hubble organization',
		...builderHint('Invoices, subscription and usage of a Hubble organization. Reads only.'),
		defaults: { name: 'Hubble Billing' },
		usableAsTool: true,
		credentials: [{ name: 'hubbleApi', required: true, testedBy: 'hubbleApiTest' }],
		properties: toProperties(billingOperations, [
			{ name: 'Invoice', value: 'invoice' },
			{ name: 'Payment Method', value: 'paymentMethod' },
			{ name: 'Subscription', value: 'subscription' },
			{ name: 'Usage', value: 'usage' },
		]),
	};

	methods = methods;

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await run(this, billingOperations, this.continueOnFail());
	}
}
