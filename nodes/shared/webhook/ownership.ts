/**
 * Who owns a webhook at Hubble. Its name there ends with a tag for this n8n and the trigger node, so that ownership
 * survives lost static data, restarts and deleted workflows, and copies of a workflow can be told apart.
 */
import { hash } from 'node:crypto';
import type { IDataObject, IExecuteFunctions, IHookFunctions, IWebhookFunctions } from 'n8n-workflow';
import { LENGTHS } from '../client/endpoints';
import { nodeKey } from './processState';

const digest = (text: string, length: number) => hash('sha256', text).slice(0, length);

/** The owner of a webhook, as digests: others can read them at Hubble. */
interface Owner {
	/** This n8n, by its encryption key or instance ID. */
	instance: string;
	/** The trigger node: `DIGITS` for n8n and workflow, and as many for the node. */
	node: string;
}

const DIGITS = 6;

/** This n8n in a few characters; the same for all its processes. */
export const instanceOf = (context: Pick<IExecuteFunctions, 'getInstanceId'>) => digest(context.getInstanceId(), 8);

/** Whether both are of one workflow. */
export const isOfWorkflow = (one: string, other: string) => one.slice(0, DIGITS) === other.slice(0, DIGITS);

/** A trigger node as an owner; in a copy of its workflow, it is another one. */
export function ownerOf(context: IHookFunctions | IWebhookFunctions): Owner {
	const part = (of: string) => digest(`${context.getInstanceId()} ${of}`, DIGITS);
	return { instance: instanceOf(context), node: part(context.getWorkflow().id ?? '') + part(nodeKey(context)) };
}

const PREFIX = 'n8n: ';
/** As of ` [01234567-0123456789ab]`. */
const TAG_LENGTH = 24;

/** The name of an endpoint at Hubble: the workflow for people, the tag for us. */
export function taggedName(workflow: string, { instance, node }: Owner): string {
	return `${PREFIX}${workflow}`.slice(0, LENGTHS.name - TAG_LENGTH) + ` [${instance}-${node}]`;
}

/** The owner by the tag in an endpoint's name; `undefined` when it has none: made by hand, renamed, or of another tool. */
export function ownerIn({ name }: IDataObject): Owner | undefined {
	const [, instance, node] = / \[([0-9a-f]{8})-([0-9a-f]{12})\]$/.exec(String(name ?? '')) ?? [];
	return instance && node ? { instance, node } : undefined;
}

/** A text that leaves room for others in a message. */
const short = (text: string) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);

/** The name of the workflow that registered an endpoint, perhaps cut; `null` where its name has no tag. */
export function workflowIn(endpoint: IDataObject): string | null {
	if (!ownerIn(endpoint)) return null;
	const name = String(endpoint.name).slice(0, -TAG_LENGTH);
	return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
}

/** In the URL of a test, unless N8N_ENDPOINT_WEBHOOK_TEST is set. */
const TEST = /\/webhook-test\//;

/** What an error says in the place of an endpoint that has no name. */
export const endpointName = ({ name }: IDataObject) => String(name || 'without a name');

/**
 * Who uses the webhooks that an organization may have, and what to do. It fits the toast in which n8n shows why a
 * publication failed.
 * @param own the node that asks, as the owner of an endpoint
 */
export function bothInUse(endpoints: readonly IDataObject[], own?: string): string {
	const isOld = (endpoint: IDataObject) => own !== undefined && ownerIn(endpoint)?.node === own;
	const isTagged = (endpoint: IDataObject) => ownerIn(endpoint) !== undefined && !isOld(endpoint);
	const name = (endpoint: IDataObject) => `'${short(workflowIn(endpoint) ?? '')}'`;
	const isTest = (endpoint: IDataObject) => ownerIn(endpoint) !== undefined && TEST.test(String(endpoint.url));
	const tests = endpoints
		.filter(isTest)
		.map((endpoint) => `a test of ${isOld(endpoint) ? 'this trigger' : name(endpoint)} in the editor`);
	const published = endpoints.filter((endpoint) => !isTest(endpoint));
	const workflows = published.filter(isTagged).map(name);
	const others = published
		.filter((endpoint) => !isTagged(endpoint))
		.map((endpoint) =>
			isOld(endpoint)
				? `this trigger under another public URL of n8n (${short(String(endpoint.url))})`
				: `"${short(endpointName(endpoint))}" (${short(String(endpoint.url))})`,
		);
	const users = [
		...(workflows.length ? [`the workflow${workflows.length > 1 ? 's' : ''} ${workflows.join(' and ')}`] : []),
		...others,
		...tests,
	];
	const free = others.length ? (workflows.length ? 'Unpublish or delete one' : 'Delete one') : 'Unpublish one';
	const act = tests.length ? 'Stop the test, which ends within two minutes' : free;
	return `Both webhooks are in use, by ${users.join(' and by ')}. ${act}, or let one trigger receive for all workflows.`;
}
