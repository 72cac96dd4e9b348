/** What a webhook at Hubble is to this n8n. */
import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { resumeUrl } from '../n8n';
import { canReach } from './addresses';
import { instanceOf, ownerIn } from './ownership';
import { belowRoot, hasPostAt, isTriggerAt, listenerAt, rootOf, type Listener } from './probe';

type WebhookState = Listener | 'otherNode' | 'foreign' | 'oldUrl';

/** And what to do about it; nothing where it is as it should be. */
export const STATES: Readonly<Record<WebhookState, string>> = {
	listening: '',
	manual: 'A Hubble Packet Trigger with manual registration listens. Its secret is in the credential.',
	secretLost:
		'A Hubble Packet Trigger listens at the URL but does not know the secret of this webhook. Unpublish and publish its workflow.',
	orphan:
		'No published workflow here uses this URL. Publish it, delete the webhook, or turn on Delete Orphans (only webhooks that a trigger registered).',
	otherNode: 'Another node of this n8n, not a Hubble Packet Trigger, listens at the URL.',
	foreign: 'Neither the URL nor the name belongs to this n8n.',
	oldUrl:
		'This n8n had another public URL when it registered this webhook: run Check Webhooks with Move to New URL; or unpublish the workflow, publish it, and delete this webhook. Leave it alone if another n8n with a copy of the database uses it.',
	unknown:
		'The webhook belongs to this n8n, but n8n did not respond at the URL. Run Check Webhooks again when n8n is reachable there.',
};

/**
 * What to do about a webhook.
 * @param root where the URLs of this n8n begin
 * @param baseUrl Hubble's
 */
export function adviceFor(state: WebhookState, root: string | undefined, baseUrl: string): string {
	if (state !== 'oldUrl' || root === undefined || canReach(root, baseUrl)) return STATES[state];
	return `n8n says that its address is ${new URL(root).origin}, which Hubble cannot reach. Set N8N_WEBHOOK_URL of n8n 2, or WEBHOOK_URL of n8n 1, to its public https address in every process of n8n, and run Check Webhooks again.`;
}

/** Where the URLs of this n8n begin, as the internet sees it; `undefined` when n8n does not say. */
export function rootHere(context: IExecuteFunctions): string | undefined {
	const url = resumeUrl(context);
	return url && rootOf(url.href, 2);
}

export async function stateOf(
	context: IExecuteFunctions,
	webhook: IDataObject,
	root: string | undefined,
): Promise<WebhookState> {
	const url = String(webhook.url);
	const isTagged = ownerIn(webhook)?.instance === instanceOf(context);
	const isHere = belowRoot(root, url) !== undefined;
	if (!isTagged && !isHere) return 'foreign';
	if (!isHere) return root === undefined ? 'unknown' : 'oldUrl';
	if (isTagged || isTriggerAt(root, url)) return await listenerAt(context, webhook, root);
	// Any other node would start its workflow with a call.
	const hasPost = await hasPostAt(context, url, root);
	return hasPost === undefined ? 'unknown' : hasPost ? 'otherNode' : 'orphan';
}
