/** Creates a webhook; where Hubble has no room for it, says who uses the others. */
import type { INodeExecutionData } from 'n8n-workflow';
import { asError, detailsOf, unchanged } from '../shared/client/errors';
import { endpoints, WEBHOOKS_PER_ORGANIZATION } from '../shared/client/endpoints';
import { rowsOf } from '../shared/client/json';
import type { Work } from '../shared/operation/operation';
import { inCamelCase } from '../shared/operation/times';
import { bothInUse } from '../shared/webhook/ownership';

export async function createWebhook({ hubble, request }: Work): Promise<INodeExecutionData[]> {
	try {
		return [{ json: inCamelCase((await hubble.send(request)).body) }];
	} catch (error) {
		const { status } = detailsOf(error);
		if (status !== 400 && status !== 409) throw unchanged(error);
		// Hubble's own words stand in the description, with the X-Request-ID.
		const known = await hubble.send({ endpoint: endpoints.listWebhooks }).catch(() => undefined);
		const webhooks = known ? rowsOf(known.body.webhooks) : [];
		if (webhooks.length < WEBHOOKS_PER_ORGANIZATION) throw unchanged(error);
		throw unchanged(Object.assign(asError(error), { message: bothInUse(webhooks) }));
	}
}
