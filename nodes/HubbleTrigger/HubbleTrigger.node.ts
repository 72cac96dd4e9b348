import * as n8n from 'n8n-workflow';
import {
	NodeConnectionTypes,
	type IHookFunctions,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';
import { decodeProperties } from '../shared/packet/decode';
import { packetFilters } from '../shared/packet/filter';
import { methods } from '../shared/methods/methods';
import { receive } from './receive';
import { hubblePartnerApiTest, sources, type Source } from './sources';

/** What n8n 2 has and the types of the oldest supported n8n do not know. */
const { fromParameter, webhookDescriptionFields } = n8n as Partial<{
	fromParameter: (name: string, fallback: string) => unknown;
	webhookDescriptionFields: (fields: Record<string, unknown>) => Partial<IWebhookDescription>;
}>;

/**
 * "Acknowledge" decides when n8n answers. An expression would cost every call, forged ones too, an expression
 * engine; newer n8n read the parameter directly when it is declared like this.
 */
const responseMode: Partial<IWebhookDescription> =
	fromParameter && webhookDescriptionFields
		? webhookDescriptionFields({ responseMode: fromParameter('acknowledge', 'onReceived') })
		: { responseMode: '={{$parameter["acknowledge"] || "onReceived"}}' };

const isPackets = { show: { source: ['packets'] } };
const isGiftCards = { show: { source: ['giftCards'] } };

const sourceOf = (context: IHookFunctions): Source | undefined =>
	sources[context.getNodeParameter('source', 'packets') as string];

export class HubbleTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Hubble Trigger',
		name: 'hubbleTrigger',
		icon: { light: 'file:../../icons/hubble.svg', dark: 'file:../../icons/hubble.dark.svg' },
		group: ['trigger'],
		// From version 2 on, n8n evaluates no expression of its own before it hands a call over.
		version: 2,
		subtitle: '={{$parameter["source"] === "giftCards" ? "Gift card events" : "Packets"}}',
		description: 'Starts the workflow when Hubble delivers packets or gift-card events',
		eventTriggerDescription: 'Waiting for Hubble to deliver',
		activationMessage: 'Hubble can now deliver to this workflow.',
		defaults: { name: 'Hubble Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [
			{ name: 'hubbleApi', required: true, testedBy: 'hubbleApiTest', displayOptions: isPackets },
			{ name: 'hubblePartnerApi', required: true, testedBy: 'hubblePartnerApiTest', displayOptions: isGiftCards },
		],
		// An answer without a body: what the workflow made of a delivery is not for the sender.
		webhooks: [
			{
				name: 'default',
				httpMethod: 'POST',
				path: 'webhook',
				responseData: 'noData',
				...responseMode,
			} as IWebhookDescription,
		],
		triggerPanel: {
			header: '',
			executionsHelp: {
				inactive:
					'While you build the workflow, choose <b>Listen for test event</b>: the next delivery runs it and shows here. For packets with automatic registration, a test endpoint is registered with Hubble for two minutes; everything else arrives only where Hubble sends to the Test URL.<br /><br />When it is ready, <b>publish</b> it: every delivery then runs it, and those runs are in the executions list.',
				active:
					'While you change the workflow, choose <b>Listen for test event</b>: the next delivery runs the changed one and shows here. For packets with automatic registration, this takes one of the two endpoints that Hubble allows.<br /><br />The published workflow runs with every delivery; those runs are in the <a data-key="executions">executions list</a>.',
			},
			activationHint: 'Once the workflow is published, every delivery runs it.',
		},
		properties: [
			{
				displayName: 'Source',
				name: 'source',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'Gift Card Events (Partner)',
						value: 'giftCards',
						description: 'What Hubble tells gift-card partners',
					},
					{ name: 'Packets (Hubble Network)', value: 'packets', description: 'What the devices of a fleet send' },
				],
				default: 'packets',
				description: 'Which of the two services called Hubble sends to this node',
			},
			{
				displayName:
					"Hubble's staff set the URL and the secret, once for staging and once for production. Use a workflow and a credential for each, and give Hubble the <b>Production URL</b> shown above of the one for staging and of the one for production. Hubble calls it from the internet, so it must be reachable there.",
				name: 'giftCardsNotice',
				type: 'notice',
				default: '',
				displayOptions: isGiftCards,
			},
			{
				displayName: 'Registration',
				name: 'registration',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'Automatic',
						value: 'automatic',
						description:
							'Publishing registers this node with Hubble, unpublishing removes it. Needs the scopes read-webhooks and write-webhooks.',
					},
					{
						name: 'Manual',
						value: 'manual',
						description: 'Register the Production URL yourself and enter the secret in the credential',
					},
				],
				default: 'automatic',
				description: 'How Hubble learns the URL of this node',
				displayOptions: isPackets,
			},
			{
				displayName:
					'Register the <b>Production URL</b> shown above with Hubble (dashboard or API). Hubble tells the secret once: enter it as Webhook Secret in the credential. To replace it, enter the new one as Next Webhook Secret first; both are accepted. <b>Listen for test event</b> hears only what is sent to the Test URL.',
				name: 'manualNotice',
				type: 'notice',
				default: '',
				displayOptions: { show: { source: ['packets'], registration: ['manual'] } },
			},
			{
				displayName: 'Max Batch Size',
				name: 'maxBatchSize',
				type: 'number',
				typeOptions: { minValue: 10, maxValue: 1000 },
				default: 100,
				description: 'How many packets Hubble may put into one delivery, and so into one execution: 10 to 1,000',
				displayOptions: { show: { source: ['packets'], registration: ['automatic'] } },
			},
			{
				displayName: 'Events',
				name: 'events',
				type: 'multiOptions',
				options: [
					{ name: 'Brand Discount Updated', value: 'brandDiscountUpdated' },
					{ name: 'Brand Updated', value: 'brandUpdated' },
					{ name: 'Order Reached Terminal State', value: 'orderTerminalState' },
					{
						name: 'Unrecognized',
						value: 'unrecognized',
						description: "A verified event of another shape. When it is not chosen here, n8n's log mentions it.",
					},
					{ name: 'Wallet Low Balance', value: 'walletLowBalance' },
				],
				default: ['brandDiscountUpdated', 'brandUpdated', 'orderTerminalState', 'walletLowBalance'],
				required: true,
				description: 'Which events start the workflow',
				displayOptions: isGiftCards,
			},
			{
				displayName: 'Output',
				name: 'output',
				type: 'options',
				options: [
					{ name: 'One Item per Packet', value: 'packet' },
					{ name: 'One Item per Delivery', value: 'batch', description: 'All packets of a delivery in one list' },
				],
				default: 'packet',
				description: 'What becomes of the packets of a delivery',
				displayOptions: isPackets,
			},
			{
				displayName: 'Simplify',
				name: 'simplify',
				type: 'boolean',
				default: true,
				description: 'Whether to return a simplified version of the packets instead of all their fields',
				displayOptions: isPackets,
			},
			{
				displayName: 'Acknowledge',
				name: 'acknowledge',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'At Once',
						value: 'onReceived',
						description: 'As soon as n8n has taken the delivery over',
					},
					{
						name: 'When the Workflow Has Finished',
						value: 'lastNode',
						description:
							'A failed run is answered with 500, and Hubble delivers again. The run must end within ten seconds.',
					},
				],
				default: 'onReceived',
				description: 'When Hubble is told that a delivery has arrived',
			},
			{ ...packetFilters, displayOptions: isPackets },
			...decodeProperties.map((property) => ({
				...property,
				displayOptions: { show: { ...isPackets.show, ...property.displayOptions?.show } },
			})),
			{
				displayName: 'Options',
				name: 'options',
				type: 'collection',
				placeholder: 'Add option',
				default: {},
				displayOptions: isGiftCards,
				options: [
					{
						displayName: 'Allowed Senders',
						name: 'allowedSenders',
						type: 'string',
						default: '35.200.156.199, 34.47.147.244, 34.14.138.52',
						description:
							"IP addresses and ranges (CIDR) from which events are taken, separated by commas. The default is Hubble's production. Behind a proxy, n8n must know of it (N8N_PROXY_HOPS).",
					},
					{
						displayName: 'Ignore Replays',
						name: 'ignoreReplays',
						type: 'boolean',
						default: true,
						description:
							'Whether an event with the very same content as one of the last 24 hours (of the last 1,000 events) starts nothing',
					},
				],
			},
		],
	};

	methods = { ...methods, credentialTest: { ...methods.credentialTest, hubblePartnerApiTest } };

	webhookMethods = {
		default: {
			async checkExists(this: IHookFunctions): Promise<boolean> {
				return (await sourceOf(this)?.isReady(this)) ?? true;
			},
			async create(this: IHookFunctions): Promise<boolean> {
				await sourceOf(this)?.register?.(this);
				return true;
			},
			async delete(this: IHookFunctions): Promise<boolean> {
				await sourceOf(this)?.unregister?.(this);
				return true;
			},
		},
	};

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await receive(this);
	}
}
