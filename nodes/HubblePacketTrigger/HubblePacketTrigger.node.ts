import {
	NodeConnectionTypes,
	NodeOperationError,
	type IHookFunctions,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';
import { builderHint } from '../shared/n8n';
import { decodeProperties } from '../shared/packet/decodeFields';
import { searchDecodedFields } from '../shared/packet/valueFilter';
import { DELIVERY_SIZE } from '../shared/client/endpoints';
import { asError } from '../shared/client/errors';
import { packetFilters, packetReader, simplifyPackets } from '../shared/packet/filter';
import { methods } from '../shared/methods/methods';
import { readParameter } from '../shared/operation/readItem';
import { oneOf } from '../shared/operation/values';
import { acknowledge, requireAcknowledge, webhookDescription } from '../shared/webhook/acknowledge';
import { requireOwnUrl } from '../shared/webhook/probe';
import { receive } from '../shared/webhook/receive';
import { requireSecret } from '../shared/webhook/secrets';
import { isAutomatic, isManual, maxBatchSize, packets } from './packets';
import { isRegistered, registerWebhook, unregisterWebhook } from './registration';
import { endTest, isTestWithLatest, sendLatest } from './testWith';

/**
 * Does the work of a hook. When a publication fails, n8n 1 shows the description alone and n8n 2 the message alone,
 * so the error has all in its message.
 */
async function inHook<T>(context: IHookFunctions, work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		const { message, description } = asError(error);
		const text = description ? `${message}. ${description}` : message;
		// n8n puts words of its own in the place of a text that names a network error, such as ECONNREFUSED.
		throw Object.assign(new NodeOperationError(context.getNode(), text), { message: text });
	}
}

export class HubblePacketTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Hubble Packet Trigger',
		name: 'hubblePacketTrigger',
		icon: { light: 'file:../../icons/hubble.svg', dark: 'file:../../icons/hubble.dark.svg' },
		group: ['trigger'],
		// From version 2 on, n8n evaluates no expression of its own before it hands a call over.
		version: 2,
		subtitle: '={{$parameter["triggerOn"] === "batch" ? "On packets in one request" : "On packets received"}}',
		// n8n shows this text for the node of the same name, too.
		description:
			'Starts the workflow when Hubble delivers packets of your devices. The actions get, decode, summarize, export and report packets.',
		eventTriggerDescription: 'Waiting for the next packet that passes the filters',
		activationMessage: 'Hubble can now deliver packets to this workflow.',
		...builderHint(
			'Packets as Hubble delivers them; n8n must be reachable from the internet. An organization has two webhooks at most, so one trigger should serve many workflows.',
			['hubblePacketPollTrigger', 'For an n8n that the internet cannot reach'],
			['hubbleDevice', 'Adds the device to a packet'],
		),
		defaults: { name: 'Hubble Packet Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'hubbleApi', required: true, testedBy: 'hubbleApiTest' }],
		webhooks: [webhookDescription],
		triggerPanel: {
			header: '',
			executionsHelp: {
				inactive:
					'While you build the workflow, <b>execute this step</b>: the next delivery runs the workflow and shows here. For that, a test webhook is registered with Hubble for two minutes. With manual registration, only what is sent to the Test URL arrives. To test without waiting, and without a webhook, set <b>Options → Test With</b> to Latest Packets.<br /><br />When the workflow is ready, <b>publish</b> it: every delivery then runs it, and those runs are in the executions list.',
				active:
					'While you change the workflow, <b>execute this step</b>: the next delivery runs the changed workflow and shows here. With automatic registration, this takes one of the two webhooks that Hubble allows; <b>Options → Test With</b>: Latest Packets takes none.<br /><br />The published workflow runs with every delivery; those runs are in the <a data-key="executions">executions list</a>.',
			},
			activationHint: 'Once the workflow is published, every delivery runs it.',
		},
		properties: [
			{
				displayName: 'Trigger On',
				name: 'triggerOn',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'Packets in One Request',
						value: 'batch',
						action: 'On packets in one request',
						description: 'One item for each request from Hubble, with all its packets in one list',
					},
					{
						name: 'Packets Received',
						value: 'packet',
						action: 'On packets received',
						description: 'One item for each packet',
					},
				],
				default: 'packet',
				description: 'What each output item represents',
			},
			...decodeProperties,
			packetFilters,
			simplifyPackets,
			{
				displayName: 'Options',
				name: 'options',
				type: 'collection',
				placeholder: 'Add option',
				default: {},
				options: [
					acknowledge.packets,
					{
						displayName: 'Max Packets in One Request',
						name: 'maxBatchSize',
						type: 'number',
						typeOptions: { minValue: DELIVERY_SIZE.min, maxValue: DELIVERY_SIZE.max },
						default: 100,
						description:
							'Maximum number of packets that Hubble sends in one request, and so in one execution: 10 to 1,000, 100 unless set. For automatic registration.',
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
									'Publishing registers the webhook and deletes another one at its URL; unpublishing removes it. Needs the scopes read-webhooks and write-webhooks.',
							},
							{
								name: 'Manual',
								value: 'manual',
								description:
									'Register the Production URL with Hubble yourself, and enter the secret that Hubble shows in the credential: Advanced → Webhook Secret',
							},
						],
						default: 'automatic',
						description: 'How the webhook URL is registered with Hubble',
					},
					{
						displayName: 'Test With',
						name: 'testWith',
						type: 'options',
						noDataExpression: true,
						options: [
							{
								name: 'Latest Packets',
								value: 'latest',
								description:
									'The ten latest packets that pass the filters. Takes no webhook, and works where the internet cannot reach n8n.',
							},
							{
								name: 'Next Delivery',
								value: 'delivery',
								description: 'What Hubble delivers next, by a webhook that is registered for two minutes',
							},
						],
						default: 'latest',
						description:
							'What a test in the editor runs with, the next delivery unless set. The published workflow is not affected.',
					},
				],
			},
			{
				displayName:
					'Publishing registers this trigger with Hubble. There is no URL to copy, unless Options → Registration is Manual.',
				name: 'registrationNotice',
				type: 'notice',
				default: '',
			},
		],
	};

	methods = { ...methods, listSearch: { ...methods.listSearch, searchDecodedFields } };

	webhookMethods = {
		default: {
			async checkExists(this: IHookFunctions): Promise<boolean> {
				requireOwnUrl(this);
				requireAcknowledge(this);
				readParameter(this, 'Trigger On', () =>
					oneOf(['packet', 'batch'])(this.getNodeParameter('triggerOn', 'packet')),
				);
				packetReader(this);
				if (isTestWithLatest(this)) return false;
				if (isAutomatic(this)) return await inHook(this, async () => await isRegistered(this, maxBatchSize(this)));
				await requireSecret(this, 'hubbleApi', 'Hubble API');
				return true;
			},
			async create(this: IHookFunctions): Promise<boolean> {
				const isTest = isTestWithLatest(this);
				await inHook(this, async () => await (isTest ? sendLatest(this) : registerWebhook(this, maxBatchSize(this))));
				return true;
			},
			async delete(this: IHookFunctions): Promise<boolean> {
				if (endTest(this)) return true;
				await inHook(this, async () => await unregisterWebhook(this, !isManual(this)));
				return true;
			},
		},
	};

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await receive(this, packets);
	}
}
