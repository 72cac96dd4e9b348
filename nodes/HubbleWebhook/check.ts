/** Compares the webhooks that Hubble has with what this n8n listens to. */
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { endpoints } from '../shared/client/endpoints';
import { ifThere } from '../shared/client/errors';
import { entriesOf, rowsOf } from '../shared/client/json';
import { leftOut } from '../shared/client/pages';
import { toggle } from '../shared/operation/fields';
import type { RequestOf, Work } from '../shared/operation/operation';
import { inCamelCase } from '../shared/operation/times';
import { canReach } from '../shared/webhook/addresses';
import { instanceOf, ownerIn, workflowIn } from '../shared/webhook/ownership';
import { atRoot, listenerAt } from '../shared/webhook/probe';
import { removeWebhook } from '../shared/webhook/remove';
import { adviceFor, rootHere, stateOf } from '../shared/webhook/states';

export const checkSettings = {
	deleteOrphans: {
		...toggle('Delete Orphans', 'deleteOrphans', false),
		description:
			'Whether to delete webhooks that a trigger of this n8n registered and at whose URL no published workflow listens',
	},
	moveToNewUrl: {
		...toggle('Move to New URL', 'moveToNewUrl', false),
		description:
			'Whether to move webhooks at an old public URL of this n8n to the new one, if their trigger listens there. They keep their secrets. Leave this off if another n8n with a copy of this database uses the old URL.',
	},
};

const NOT_MOVED =
	'Not moved: no published Hubble Packet Trigger that knows its secret listens at the new public URL. Unpublish the workflow if it is published, publish it, and run Check Webhooks again. If there is none any more, delete the webhook. Leave it alone if another n8n with a copy of the database uses it.';

type CheckWork = Work<RequestOf<{ settings: typeof checkSettings }>>;

/** The webhook at the new public URL, if its trigger listens there, and if it is still at Hubble. */
async function moved({ context, hubble }: Work, webhook: IDataObject, root: string) {
	const url = atRoot(root, String(webhook.url));
	if (!canReach(root, hubble.baseUrl) || (await listenerAt(context, { ...webhook, url }, root)) !== 'listening')
		return undefined;
	const ids = { webhook_id: String(webhook.webhook_id) };
	const sent = hubble.send({ endpoint: endpoints.updateWebhook, ids, body: { set_url: url } });
	// If somebody has deleted it meanwhile, the rows of the others are output all the same.
	return (await ifThere(sent))?.body ?? 'gone';
}

async function checked(work: CheckWork, webhook: IDataObject, root: string | undefined): Promise<IDataObject> {
	const { context, hubble, request } = work;
	const { deleteOrphans, moveToNewUrl } = request.settings;
	const state = await stateOf(context, webhook, root);
	const outcome = {
		state,
		workflow: workflowIn(webhook),
		advice: adviceFor(state, root, hubble.baseUrl),
		deleted: false,
		moved: false,
	};
	if (state === 'orphan' && ownerIn(webhook)?.instance === instanceOf(context) && deleteOrphans === true) {
		await removeWebhook(hubble, webhook.webhook_id);
		const advice = 'No published workflow of this n8n had this URL: the webhook was deleted.';
		return { ...outcome, deleted: true, advice, ...webhook };
	}
	if (state === 'oldUrl' && root !== undefined && moveToNewUrl === true) {
		const there = await moved(work, webhook, root);
		const advice = `The webhook was at ${String(webhook.url)} and was moved to the new public URL. Its secret is the same.`;
		if (there === 'gone')
			return { ...outcome, deleted: true, advice: 'It was deleted at Hubble meanwhile.', ...webhook };
		if (there) return { ...outcome, state: 'listening', moved: true, advice, ...there };
		if (canReach(root, hubble.baseUrl)) return { ...outcome, advice: NOT_MOVED, ...webhook };
	}
	return { ...outcome, ...webhook };
}

/** One item for each webhook of the organization, with its `state` and what to do. */
export async function checkWebhooks(work: CheckWork): Promise<INodeExecutionData[]> {
	const { context, hubble, request, hints } = work;
	const given = entriesOf((await hubble.send(request)).body.webhooks);
	const webhooks = rowsOf(given);
	if (webhooks.length < given.length) hints.add(leftOut(given.length - webhooks.length, endpoints.listWebhooks.list));
	const root = rootHere(context);
	const items: INodeExecutionData[] = [];
	for (const webhook of webhooks) items.push({ json: inCamelCase(await checked(work, webhook, root)) });
	return items;
}
