/** Removes what somebody else may have removed already. */
import type { HubbleClient } from '../client/client';
import { endpoints } from '../client/endpoints';
import { ifThere } from '../client/errors';

/** Deletes a webhook at Hubble; one that is already gone counts as deleted. Throws what `send` throws. */
export async function removeWebhook(hubble: HubbleClient, id: unknown): Promise<void> {
	await ifThere(hubble.send({ endpoint: endpoints.deleteWebhook, ids: { webhook_id: String(id) } }));
}
