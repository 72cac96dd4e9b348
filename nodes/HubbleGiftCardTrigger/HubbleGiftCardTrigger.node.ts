import {
	NodeConnectionTypes,
	type IHookFunctions,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';
import { builderHint } from '../shared/n8n';
import { namesSubtitle } from '../shared/operation/properties';
import { hubblePartnerApiTest } from '../shared/methods/credentialTest';
import { acknowledge, requireAcknowledge, webhookDescription } from '../shared/webhook/acknowledge';
import { requireOwnUrl } from '../shared/webhook/probe';
import { receive } from '../shared/webhook/receive';
import { requireSecret } from '../shared/webhook/secrets';
import { allowedSenders, eventOptions, giftCardEvents, selectedEvents } from './events';

/** Fields that n8n (n8n-workflow, sensitiveOutputFields) is told never to show; n8n 2.41 still shows them. */
const secretFields = { sensitiveOutputFields: ['data.vouchers[*].cardNumber', 'data.vouchers[*].cardPin'] };

export class HubbleGiftCardTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Hubble Gift Card Trigger',
		name: 'hubbleGiftCardTrigger',
		icon: { light: 'file:../../icons/hubble.svg', dark: 'file:../../icons/hubble.dark.svg' },
		group: ['trigger'],
		// From version 2 on, n8n evaluates no expression of its own before it hands a call over.
		version: 2,
		subtitle: namesSubtitle('events', eventOptions),
		description:
			'Starts the workflow when a brand, an order or the wallet balance of your gift-card account changes. The actions get brands and place orders.',
		eventTriggerDescription: 'Waiting for Hubble to send an event to the Test URL',
		activationMessage: 'Hubble can now send gift-card events to this workflow.',
		...builderHint(
			'Events of the gift-card service myhubble.money, which is not related to the devices of Hubble Network.',
			['hubbleGiftCard', 'Places the orders'],
		),
		defaults: { name: 'Hubble Gift Card Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'hubblePartnerApi', required: true, testedBy: 'hubblePartnerApiTest' }],
		webhooks: [webhookDescription],
		triggerPanel: {
			header: '',
			executionsHelp: {
				inactive:
					'While you build the workflow, <b>execute this step</b> and send an event to the Test URL: it runs the workflow and shows here.<br /><br />When the workflow is ready, <b>publish</b> it and give Hubble the Production URL: every event then runs it, and those runs are in the executions list.',
				active:
					'While you change the workflow, <b>execute this step</b> and send an event to the Test URL: it runs the changed workflow and shows here.<br /><br />The published workflow runs with every event; those runs are in the <a data-key="executions">executions list</a>.',
			},
			activationHint: 'Once the workflow is published, every event that Hubble sends to the Production URL runs it.',
		},
		properties: [
			{
				displayName:
					"Hubble's staff set the URL and the secret, once for staging and once for production. Use one workflow and one credential for each, and give Hubble the <b>Production URL</b> of both. Hubble calls it from the internet.",
				name: 'setupNotice',
				type: 'notice',
				default: '',
			},
			{
				displayName: 'Events',
				name: 'events',
				type: 'multiOptions',
				options: eventOptions,
				default: [
					'brandDiscountUpdated',
					'brandUpdated',
					'orderTerminalState',
					'sdkTransaction',
					'unrecognized',
					'walletLowBalance',
				],
				required: true,
				description: 'Which events start the workflow',
			},
			{
				displayName: 'Options',
				name: 'options',
				type: 'collection',
				placeholder: 'Add option',
				default: {},
				options: [
					acknowledge.giftCards,
					{
						displayName: 'Allowed Senders',
						name: 'allowedSenders',
						type: 'string',
						default: '35.200.156.199, 34.47.147.244, 34.14.138.52',
						description:
							"IP addresses and ranges (CIDR) from which events are accepted, separated by commas. The default is the addresses of Hubble's production environment. Behind a proxy, set N8N_PROXY_HOPS in n8n.",
					},
				],
			},
		],
		...secretFields,
	};

	methods = { credentialTest: { hubblePartnerApiTest } };

	webhookMethods = {
		default: {
			/** Hubble's staff register the URL, so there is only something to check. */
			async checkExists(this: IHookFunctions): Promise<boolean> {
				requireOwnUrl(this);
				requireAcknowledge(this);
				selectedEvents(this);
				allowedSenders(this);
				await requireSecret(this, 'hubblePartnerApi', 'Hubble Partner API');
				return true;
			},
			async create(this: IHookFunctions): Promise<boolean> {
				return true;
			},
			async delete(this: IHookFunctions): Promise<boolean> {
				return true;
			},
		},
	};

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await receive(this, giftCardEvents);
	}
}
