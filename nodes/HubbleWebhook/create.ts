/** Creates a webhook; where Hubble has no room for it, says who uses the others. */
import type { INodeExecutionData, NodeApiError } from 'n8n-workflow';
import { unchanged } from '../shared/client/errors';
import { endpoints, WEBHOOKS_PER_ORGANIZATION } from '../shared/client/endpoints';
import { rowsOf } from '../shared/client/pages';
import type { Work } from '../shared/operation/operation';
import { bothInUse } from '../shared/webhook/ownership';

export async function createWebhook({ hubble, request }: Work): Promise<INodeExecutionData[]> {
	try {
		return [{ json: (await hubble.send(request)).body }];
	} catch (error) {
		const { context } = error as NodeApiError;
		if (context?.status !== 400 && context?.status !== 409) throw unchanged(error);
		// Hubble's own words stand in the description, with the X-Request-ID.
		const known = await hubble.send({ endpoint: endpoints.listWebhooks }).catch(() => undefined);
		const webhooks = known ? rowsOf(known.body.webhooks) : [];
		if (webhooks.length < WEBHOOKS_PER_ORGANIZATION) throw unchanged(error);
		throw unchanged(Object.assign(error as NodeApiError, { message: bothInUse(webhooks) }));
	}
}
