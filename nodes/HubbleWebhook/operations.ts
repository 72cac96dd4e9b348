import type { INodeExecutionData } from 'n8n-workflow';
import { textPart, webhook, type Field } from '../shared/operation/fields';
import { DELIVERY_SIZE, endpoints, LENGTHS, WEBHOOKS_PER_ORGANIZATION } from '../shared/client/endpoints';
import { asError, statusOf } from '../shared/client/errors';
import { rowsOf } from '../shared/client/json';
import { checkSettings, checkWebhooks } from './check';
import { operation, type Operation, type Work } from '../shared/operation/operation';
import { rowItems } from '../shared/operation/rows';
import { inCamelCase } from '../shared/operation/times';
import { numberIn, text } from '../shared/operation/values';
import { bothInUse } from '../shared/webhook/ownership';

function address(value: unknown): string {
	const url = text(LENGTHS.webhookUrl)(value);
	if (!/^https?:\/\/[^\s/]\S*$/i.test(url))
		throw new Error(`"${url}" is not an address that begins with https:// or http://`);
	return url;
}

const url: Field = {
	...textPart('URL', 'url', 'e.g. https://n8n.example.com/webhook/packets'),
	description: 'Where Hubble sends the packets. It must answer within ten seconds.',
	toWire: address,
};

const webhookName: Field = {
	...textPart('Name', 'name', 'e.g. Packets to n8n', 'At most 250 characters'),
	toWire: text(LENGTHS.name),
};

const batchSize: Field = {
	displayName: 'Max Packets in One Request',
	name: 'maxBatchSize',
	type: 'number',
	typeOptions: { minValue: DELIVERY_SIZE.min, maxValue: DELIVERY_SIZE.max },
	default: 100,
	description: 'Maximum number of packets that Hubble sends in one request, from 10 to 1,000',
	toWire: numberIn(DELIVERY_SIZE.min, DELIVERY_SIZE.max),
};

/** Creates a webhook; where Hubble has no room for it, says who uses the others. */
async function createWebhook({ hubble, request }: Work): Promise<INodeExecutionData[]> {
	try {
		return [{ json: inCamelCase((await hubble.send(request)).body) }];
	} catch (error) {
		if (![400, 409].includes(statusOf(error))) throw asError(error);
		// Hubble's own words stand in the description, with the X-Request-ID.
		const known = await hubble.send({ endpoint: endpoints.listWebhooks }).catch(() => undefined);
		const webhooks = known ? rowsOf(known.body.webhooks) : [];
		if (webhooks.length < WEBHOOKS_PER_ORGANIZATION) throw asError(error);
		throw Object.assign(asError(error), { message: bothInUse(webhooks) });
	}
}

/** The webhooks' calls (API definition, tag "Packet Webhooks"). An organization has at most two webhooks. */
export const webhookOperations: readonly Operation[] = [
	operation({
		name: 'Check',
		object: 'Webhooks',
		value: 'check',
		description:
			'Find out why no packets arrive: which webhooks are in use, which have lost their secret, and which are no longer needed',
		endpoint: { ...endpoints.listWebhooks, list: undefined },
		alsoCalls: { endpoint: endpoints.deleteWebhook, when: 'to delete or move' },
		settings: checkSettings,
		items: checkWebhooks,
	}),
	{
		name: 'Create',
		object: 'Webhook',
		value: 'create',
		description:
			'Have Hubble send all packets of the organization to a URL. An organization can have two webhooks. The output contains the secret, which Hubble shows only this once.',
		hasSecrets: true,
		showsOnce: 'secret',
		endpoint: endpoints.createWebhook,
		inBody: {
			url: { ...url, required: true },
			max_batch_size: { ...batchSize, collection: 'additionalFields' },
			name: { ...webhookName, collection: 'additionalFields' },
		},
		items: createWebhook,
	},
	{
		name: 'Delete',
		object: 'Webhook',
		value: 'delete',
		description: 'Delete a webhook permanently: Hubble stops sending packets to its URL',
		endpoint: endpoints.deleteWebhook,
		inPath: { webhook_id: webhook },
	},
	{
		name: 'Get Many',
		object: 'Webhooks',
		value: 'getAll',
		description: 'Get the webhooks of the organization, without their secrets',
		endpoint: endpoints.listWebhooks,
	},
	{
		name: 'Test',
		object: 'Webhook',
		value: 'test',
		description: 'Have Hubble send an example packet to a webhook, and get the response of its URL',
		endpoint: endpoints.testWebhook,
		mayRunAgain: true,
		inPath: { webhook_id: webhook },
		// n8n takes an output field "error" for a failure of the node.
		items: async (work) => {
			const { error, ...result } = (await work.hubble.send(work.request)).body;
			return rowItems(work, [{ ...result, error_details: error ?? null }]);
		},
	},
	{
		name: 'Update',
		object: 'Webhook',
		value: 'update',
		description: 'Change the URL, name or request size of a webhook. It keeps its secret.',
		endpoint: endpoints.updateWebhook,
		inPath: { webhook_id: webhook },
		inBody: {
			set_max_batch_size: { ...batchSize, collection: 'updateFields' },
			set_name: { ...webhookName, collection: 'updateFields' },
			set_url: { ...url, collection: 'updateFields' },
		},
	},
];
