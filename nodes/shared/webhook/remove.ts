/** Removes what somebody else may have removed already. */
import type { HubbleClient } from '../client/client';
import { endpoints } from '../client/endpoints';
import { hubbleStatusOf, unchanged } from '../client/errors';

/** Deletes a webhook at Hubble; one that is already gone counts as deleted. Throws what `send` throws. */
export async function removeWebhook(hubble: HubbleClient, id: unknown): Promise<void> {
	try {
		await hubble.send({ endpoint: endpoints.deleteWebhook, ids: { webhook_id: String(id) } });
	} catch (error) {
		if (hubbleStatusOf(error) !== 404) throw unchanged(error);
	}
}
