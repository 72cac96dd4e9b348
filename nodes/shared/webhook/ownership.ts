/**
 * Whose an endpoint at Hubble is. Its name there ends with a tag that names this n8n and the trigger node, so that
 * ownership outlives static data, restarts and deleted workflows, and copies of a workflow are told from it.
 */
import { hash } from 'node:crypto';
import type { IDataObject, IExecuteFunctions, IHookFunctions, IWebhookFunctions } from 'n8n-workflow';
import { LENGTHS } from '../client/endpoints';
import { nodeKey } from './processState';

const digest = (text: string, length: number) => hash('sha256', text).slice(0, length);

/** Who owns an endpoint, in digests: they stand at Hubble, where others read them. */
export interface Owner {
	/** This n8n, by its encryption key or instance ID. */
	instance: string;
	/** The trigger node: n8n, workflow and node. */
	node: string;
}

type Context = IExecuteFunctions | IHookFunctions | IWebhookFunctions;

/** This n8n in a few characters; the same for all its processes. */
export const instanceOf = (context: Context) => digest(context.getInstanceId(), 8);

/** A trigger node among those of all n8n. A copy of its workflow has another one. */
export const ownerNodeOf = (context: IHookFunctions | IWebhookFunctions) =>
	digest(`${context.getInstanceId()} ${nodeKey(context)}`, 12);

/** The owner that a trigger node is. */
export const ownerOf = (context: IHookFunctions | IWebhookFunctions): Owner => ({
	instance: instanceOf(context),
	node: ownerNodeOf(context),
});

/** The name of an endpoint at Hubble: the workflow for people, the tag for us. */
export function taggedName(workflow: string, { instance, node }: Owner): string {
	const tag = ` [${instance}-${node}]`;
	return `n8n: ${workflow}`.slice(0, LENGTHS.name - tag.length) + tag;
}

/** The owner by the tag in an endpoint's name; `undefined` when it has none: made by hand, renamed, or of another tool. */
export function ownerIn({ name }: IDataObject): Owner | undefined {
	const [, instance, node] = / \[([0-9a-f]{8})-([0-9a-f]{12})\]$/.exec(String(name ?? '')) ?? [];
	return instance && node ? { instance, node } : undefined;
}
