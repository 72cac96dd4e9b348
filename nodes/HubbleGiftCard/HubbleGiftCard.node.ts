import type { IExecuteFunctions, INodeExecutionData, INodeType, INodeTypeDescription } from 'n8n-workflow';
import { builderHint } from '../shared/n8n';
import { connectPartner } from '../shared/client/partner';
import { hubblePartnerApiTest } from '../shared/methods/credentialTest';
import { searchBrands } from '../shared/methods/searchBrands';
import { actionNode, subtitleOf, toProperties } from '../shared/operation/properties';
import { run } from '../shared/operation/run';
import { giftCardOperations } from './operations';
import { noteBeginning } from './reference';

/** Fields that n8n (n8n-workflow, sensitiveOutputFields) is told never to show; n8n 2.41 still shows them. */
const secretFields = {
	sensitiveOutputFields: ['vouchers[*].cardNumber', 'vouchers[*].cardPin', 'cardNumber', 'cardPin'],
};

export class HubbleGiftCard implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Hubble Gift Card',
		name: 'hubbleGiftCard',
		icon: { light: 'file:../../icons/hubble.svg', dark: 'file:../../icons/hubble.dark.svg' },
		...actionNode,
		subtitle: subtitleOf(giftCardOperations),
		description: 'Buy gift cards from Hubble, and get brands, orders and the balance of the wallet',
		...builderHint('Gift cards from myhubble.money, which is not related to the devices of Hubble Network.', [
			'hubbleGiftCardTrigger',
			'Tells when an order reaches its end',
		]),
		defaults: { name: 'Hubble Gift Card' },
		usableAsTool: true,
		credentials: [{ name: 'hubblePartnerApi', required: true, testedBy: 'hubblePartnerApiTest' }],
		properties: toProperties(giftCardOperations, [
			{ name: 'Brand', value: 'brand' },
			{ name: 'Order', value: 'order' },
			{ name: 'Voucher', value: 'voucher' },
			{ name: 'Wallet', value: 'wallet' },
		]),
		...secretFields,
	};

	methods = { credentialTest: { hubblePartnerApiTest }, listSearch: { searchBrands } };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		noteBeginning(this);
		return await run(this, giftCardOperations, this.continueOnFail(), connectPartner);
	}
}
