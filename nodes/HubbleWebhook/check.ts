/** Compares the webhooks that Hubble has with what this n8n listens to. */
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { resumeUrl } from '../shared/n8n';
import { endpoints } from '../shared/client/endpoints';
import { leftOut, rowsOf } from '../shared/client/pages';
import type { Field } from '../shared/operation/fields';
import type { Work } from '../shared/operation/operation';
import { instanceOf, ownerIn } from '../shared/webhook/ownership';
import { hasPostAt, listenerAt, type Listener } from '../shared/webhook/probe';

export const deleteOrphans: Field = {
	displayName: 'Delete Orphans',
	name: 'deleteOrphans',
	type: 'boolean',
	default: false,
	description:
		'Whether to delete webhooks that a trigger of this n8n registered and at whose URL no published workflow listens',
};

/** What a webhook is to this n8n, and what to do about it. */
const STATES = {
	listening: 'A published Hubble Trigger of this n8n knows this webhook and its secret.',
	manual: 'A Hubble Trigger with manual registration listens. Its secret is in the credential.',
	secretLost:
		'A Hubble Trigger listens at the URL, but does not know the secret of this webhook: unpublish and publish its workflow.',
	orphan:
		'No published workflow of this n8n has this URL: publish the workflow, or delete the webhook. Delete Orphans does that for those that a trigger registered.',
	otherNode: 'Another node of this n8n, not a Hubble Trigger, listens at the URL.',
	foreign: 'Neither the URL nor the name belongs to this n8n.',
	oldUrl:
		'This n8n had another public URL when it registered this webhook: publish its workflow again, then delete the webhook, unless another n8n with a copy of the database uses it.',
	unknown:
		'The webhook belongs to this n8n, but n8n did not answer at the URL: run Check again when n8n is reachable there.',
} as const;

type State = keyof typeof STATES;

const BY_LISTENER: Readonly<Record<Listener, State>> = {
	alive: 'listening',
	manual: 'manual',
	stranger: 'secretLost',
	nobody: 'orphan',
	unknown: 'unknown',
};

/** Where this n8n is reached from outside; `undefined` when it does not say. */
function ownOrigin(context: IExecuteFunctions, itemIndex: number): string | undefined {
	return resumeUrl(context, itemIndex)?.origin;
}

/** How the URL of a trigger node ends: its own ID and the name of its webhook. */
const TRIGGER_PATH = /\/[^/]+\/webhook$/;

async function stateOf(context: IExecuteFunctions, webhook: IDataObject, origin?: string): Promise<State> {
	const url = String(webhook.url);
	const isTagged = ownerIn(webhook)?.instance === instanceOf(context);
	const isHere = URL.canParse(url) && new URL(url).origin === origin;
	if (!isTagged && !isHere) return 'foreign';
	if (isTagged || TRIGGER_PATH.test(url)) {
		const listener = await listenerAt(context, webhook);
		const isElsewhere = origin !== undefined && !isHere && (listener === 'stranger' || listener === 'unknown');
		return isElsewhere ? 'oldUrl' : BY_LISTENER[listener];
	}
	// Any other node would start its workflow with a call.
	const hasPost = await hasPostAt(context, url);
	return hasPost === undefined ? 'unknown' : hasPost ? 'otherNode' : 'orphan';
}

/** One item for each webhook of the organization, with its `state` and what to do. */
export async function checkWebhooks({ context, hubble, request, hints }: Work): Promise<INodeExecutionData[]> {
	const given = (await hubble.send(request)).body.webhooks as unknown[];
	const webhooks = rowsOf(given);
	if (webhooks.length < given.length) hints.add(leftOut(given.length - webhooks.length, endpoints.listWebhooks.list));
	const origin = ownOrigin(context, request.itemIndex);
	const items: INodeExecutionData[] = [];
	for (const webhook of webhooks) {
		const state = await stateOf(context, webhook, origin);
		const deleted = state === 'orphan' && ownerIn(webhook) !== undefined && request.settings.deleteOrphans === true;
		if (deleted) {
			await hubble.send({ endpoint: endpoints.deleteWebhook, ids: { webhook_id: String(webhook.webhook_id) } });
		}
		const advice = deleted ? 'No published workflow of this n8n had this URL: the webhook was deleted.' : STATES[state];
		items.push({ json: { ...webhook, state, deleted, advice } });
	}
	return items;
}
