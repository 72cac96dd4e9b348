/**
 * Finds, creates and removes our webhook at Hubble. No other one is touched: what is stored is bound to this n8n,
 * workflow, node and URL, and the webhook's name at Hubble says whose it is.
 */
import { NodeOperationError, type IDataObject, type IHookFunctions, type IWebhookFunctions } from 'n8n-workflow';
import { asError, hubbleStatusOf } from '../shared/client/errors';
import { connect, type HubbleClient } from '../shared/client/client';
import { endpoints, WEBHOOKS_PER_ORGANIZATION } from '../shared/client/endpoints';
import { rowsOf } from '../shared/client/json';
import { canReach, isPrivateHost } from '../shared/webhook/addresses';
import { bothInUse, endpointName, isOfWorkflow, ownerIn, ownerOf, taggedName } from '../shared/webhook/ownership';
import { listenerAt, rootOfTrigger } from '../shared/webhook/probe';
import { newProcessState, nodeKey } from '../shared/webhook/processState';
import { removeWebhook } from '../shared/webhook/remove';
import { fingerprint } from '../shared/webhook/verify';

/**
 * The endpoint as the static data keep it. Hubble tells the secret once, when the endpoint is created; only its
 * fingerprint is kept, because n8n 1 stores the static data with every execution.
 */
interface RegisteredWebhook extends IDataObject {
	id: string;
	fingerprint: string;
	/** When it was created, in Unix milliseconds. */
	at: number;
	/** The node that it belongs to (`ownership.ts`): static data travel along with copies of a workflow. */
	owner: string;
	/** The URL of the node when it was registered. */
	url: string;
	/** The organization that has it. */
	organization: string;
}

const storedBy = (context: IHookFunctions | IWebhookFunctions) =>
	context.getWorkflowStaticData('node') as { endpoint?: RegisteredWebhook; leftBehind?: RegisteredWebhook[] };

/**
 * What this process registered. The static data would suffice if n8n did not save them as a whole: a delivery or
 * execution that began before a publication may end after it and restore the old secret. With several main processes,
 * the static data may be newer, as another process may have registered meanwhile.
 */
const registered = newProcessState<RegisteredWebhook>();

/** The known webhook of this node; one that came with a copy of another node does not count. */
export function knownWebhook(context: IHookFunctions | IWebhookFunctions): RegisteredWebhook | undefined {
	const latest = context.getMode() === 'manual' ? undefined : registered.get(nodeKey(context));
	const saved = storedBy(context).endpoint;
	if (latest && !(saved && saved.at > latest.at)) return latest;
	return saved?.owner === ownerOf(context).node ? saved : latest;
}

/**
 * Restores the webhook that this process registered, if older static data have replaced it. For verified deliveries
 * only: a forged one changes nothing.
 */
export function restoreWebhook(context: IWebhookFunctions): void {
	const data = storedBy(context);
	const known = knownWebhook(context);
	if (known && known.fingerprint !== data.endpoint?.fingerprint) data.endpoint = { ...known };
}

/** How long a hook may take: n8n 2 aborts a long publication with a message of its own. */
const HOOK_MS = 9_500;
/** And one that has nothing to remove, as after each of n8n's own tries to publish. */
const SHORT_HOOK_MS = 1000;

/** A hook of n8n at work. */
interface Hook {
	context: IHookFunctions;
	hubble: HubbleClient;
	/** Of this node, now. */
	url: string;
	/** This node, as the owner of an endpoint. */
	node: string;
	/** Whether it is of a test, which has a URL of its own beside the one that is published. */
	isTest: boolean;
}

const urlOf = (context: IHookFunctions) => String(context.getNodeWebhookUrl('default'));

async function open(context: IHookFunctions, ms = HOOK_MS): Promise<Hook> {
	const hubble = await connect(context, { deadline: performance.now() + ms, isUrgent: true });
	const isTest = context.getMode() === 'manual';
	return { context, hubble, url: urlOf(context), node: ownerOf(context).node, isTest };
}

/** How many webhooks in other organizations are remembered. */
const MOST_LEFT = 10;

/**
 * Removes webhooks that this node left in an organization, once the credential belongs to that one again. The others
 * are remembered, and the log says where they are.
 */
async function tidyUp({ context, hubble, node }: Hook, more?: RegisteredWebhook): Promise<void> {
	const data = storedBy(context);
	const left = (data.leftBehind ?? []).filter(({ owner, id }) => owner === node && id !== more?.id);
	const all = [...left, ...(more ? [more] : [])].slice(-MOST_LEFT);
	const isOurs = ({ organization }: RegisteredWebhook) => organization === hubble.organizationId;
	for (const { id } of all.filter(isOurs)) await removeWebhook(hubble, id);
	const away = all.filter((endpoint) => !isOurs(endpoint));
	for (const { id, url, organization } of away) {
		warn(
			context,
			`cannot remove its webhook ${id} at ${url}: it is in the organization ${organization}, but the credential now belongs to another one. Delete it there, or publish or unpublish the workflow once with a credential of that organization.`,
		);
	}
	if (away.length) data.leftBehind = away;
	// n8n saves static data from which anything is deleted, also nothing.
	else if (data.leftBehind) delete data.leftBehind;
}

/** All endpoints of the organization. A reply without the list is an error, never "none". */
async function list(hubble: HubbleClient): Promise<IDataObject[]> {
	return rowsOf((await hubble.send({ endpoint: endpoints.listWebhooks })).body.webhooks);
}

/** Whether Hubble rejected the request (4xx except 429), as opposed to a temporary failure or a proxy's. */
function isRejection(error: unknown): boolean {
	const status = hubbleStatusOf(error);
	return status >= 400 && status < 500 && status !== 429;
}

function warn(context: IHookFunctions, text: string): void {
	context.logger.warn(`"${context.getNode().name}" ${text}`);
}

/**
 * Whether our webhook is registered at our URL, alone, with the wanted batch size and a known secret. If Hubble cannot
 * be asked at the moment, a known webhook counts as registered: n8n would take an error for a failed activation and
 * delete the webhook, and with it the deliveries that Hubble holds for a retry. So it does at n8n's start where the token
 * is not accepted: deliveries need none, and n8n would no longer take them. At a publication somebody reads the error.
 */
export async function isRegistered(context: IHookFunctions, maxBatchSize: number): Promise<boolean> {
	const known = knownWebhook(context);
	if (known?.url !== urlOf(context)) return false;
	const isStart = ['init', 'leadershipChange'].includes(context.getActivationMode());
	const keep = (error: unknown) => {
		warn(context, `keeps its webhook, which could not be checked: ${asError(error).message}`);
		return true;
	};
	let hook: Hook;
	try {
		hook = await open(context);
	} catch (error) {
		// Deliveries need no credential, which at n8n's start may not be readable yet.
		if (!isStart) throw asError(error);
		return keep(error);
	}
	const { hubble, url } = hook;
	if (known.organization !== hubble.organizationId) return false;
	try {
		const [only, second] = (await list(hubble)).filter((webhook) => webhook.url === url);
		return !second && only?.webhook_id === known.id && only.max_batch_size === maxBatchSize;
	} catch (error) {
		const isOfToken = [401, 403].includes(hubbleStatusOf(error));
		if (isRejection(error) && !(isStart && isOfToken)) throw asError(error);
		return keep(error);
	}
}

interface Wanted {
	url: string;
	name: string;
	maxBatchSize: number;
}

/** Updates the settings of our webhook, which keeps its secret. */
async function update(hubble: HubbleClient, endpoint: IDataObject, { url, name, maxBatchSize }: Wanted): Promise<void> {
	const body = {
		...(endpoint.url === url ? {} : { set_url: url }),
		...(endpoint.name === name ? {} : { set_name: name }),
		...(endpoint.max_batch_size === maxBatchSize ? {} : { set_max_batch_size: maxBatchSize }),
	};
	if (!Object.keys(body).length) return;
	await hubble.send({ endpoint: endpoints.updateWebhook, ids: { webhook_id: String(endpoint.webhook_id) }, body });
}

/**
 * Creates our endpoint.
 * @returns `undefined` when another main process of this n8n has just created it too, and that one stays
 */
async function create(
	{ context, hubble, node: owner }: Hook,
	{ url, name, maxBatchSize }: Wanted,
	before: readonly IDataObject[],
): Promise<RegisteredWebhook | undefined> {
	// What was there before is no twin: it was removed, and Hubble may list it a moment longer.
	const old = new Set(before.map(({ webhook_id }) => webhook_id));
	const twins = async () =>
		(await list(hubble)).filter(
			(other) => other.url === url && ownerIn(other)?.node === owner && !old.has(other.webhook_id),
		);
	const body = { url, name, max_batch_size: maxBatchSize };
	const created = await hubble.send({ endpoint: endpoints.createWebhook, body }).catch(async (error: unknown) => {
		if (isRejection(error) && (await twins()).length) return undefined;
		throw asError(error);
	});
	if (!created) return undefined;
	const { webhook_id: id, secret } = created.body;
	if (typeof id !== 'string') {
		throw new NodeOperationError(context.getNode(), 'Hubble registered the webhook but returned no ID for it');
	}
	// Both processes see both endpoints, or the later one does: the one with the first ID stays.
	const [first, ...rest] = (await twins()).map(({ webhook_id }) => String(webhook_id)).sort();
	for (const other of rest) await removeWebhook(hubble, other);
	// The other process may have removed ours already.
	if (first !== undefined && first !== id) return undefined;
	// By Hubble's clock: another main process compares it, and its own clock may differ.
	const at = Math.floor(1000 * hubble.now());
	return { id, fingerprint: fingerprint(String(secret)), at, owner, url, organization: hubble.organizationId };
}

/**
 * Removes webhooks at our URL whose secret nobody knows, such as one made by hand, and webhooks of this n8n at whose
 * URL nobody listens: of workflows that were deleted, or unpublished while Hubble could not be asked.
 * @returns the endpoints that stay
 */
async function makeRoom(hook: Hook, webhooks: readonly IDataObject[]): Promise<IDataObject[]> {
	const { context, hubble, url } = hook;
	for (const webhook of webhooks) if (webhook.url === url && isUsed(hook, webhook)) throw urlTaken(hook, webhook);
	const root = rootOfTrigger(url);
	const kept: IDataObject[] = [];
	for (const webhook of webhooks) {
		const isOurs = ownerIn(webhook)?.instance === ownerOf(context).instance;
		if (webhook.url === url) {
			await removeWebhook(hubble, webhook.webhook_id);
			warn(context, `removed the webhook ${named(webhook)} at its URL, whose secret it does not know`);
		} else if (isOurs && (await listenerAt(context, webhook, root)) === 'orphan') {
			await removeWebhook(hubble, webhook.webhook_id);
			warn(context, `removed the webhook ${String(webhook.webhook_id)} of this n8n: no published workflow has its URL`);
		} else kept.push(webhook);
	}
	return kept;
}

/**
 * Registers our URL: keeps the webhook whose secret is known; without one, takes a free slot.
 * @throws NodeOperationError when the URL is not public, is another node's, or both slots are taken
 */
export async function registerWebhook(context: IHookFunctions, maxBatchSize: number): Promise<void> {
	const hook = await open(context);
	const { hubble, url, node, isTest } = hook;
	requirePublicUrl(hook);
	const name = taggedName(context.getWorkflow().name ?? context.getNode().name, ownerOf(context));
	const wanted = { url, name, maxBatchSize };
	const known = knownWebhook(context);
	const all = await list(hubble);
	// Ours, where it was registered, or where Check has moved it.
	const ours = known && all.find(({ webhook_id, url: at }) => webhook_id === known.id && [known.url, at].includes(url));
	const others = await makeRoom(
		hook,
		all.filter((webhook) => webhook !== ours),
	);
	if (known && !isTest && others.some(({ webhook_id }) => webhook_id === known.id)) {
		warn(
			context,
			`left its webhook ${known.id} at the old URL ${known.url} in place, because n8n's public URL changed. If nothing listens there any more, delete it with the Hubble Webhook node.`,
		);
	}
	if (ours) await update(hubble, ours, wanted);
	else if (others.length >= WEBHOOKS_PER_ORGANIZATION)
		throw new NodeOperationError(context.getNode(), bothInUse(others, isTest ? undefined : node) + adviceForTest(hook));
	const endpoint = ours && known ? { ...known, url } : await create(hook, wanted, all);
	await tidyUp(hook, known?.organization === hubble.organizationId ? undefined : known);
	// Where another process registers at the same time, it is the one that saves the secret.
	if (!endpoint) return;
	storedBy(context).endpoint = { ...endpoint };
	if (!isTest) registered.set(nodeKey(context), endpoint);
}

/** Whether another node of this n8n is known to use an endpoint at our URL. */
function isUsed({ context, node }: Hook, webhook: IDataObject): boolean {
	const owner = ownerIn(webhook);
	if (owner?.instance === ownerOf(context).instance && owner.node !== node) return true;
	return [...registered.values()].some(({ id, owner: other }) => id === webhook.webhook_id && other !== node);
}

/**
 * Removes our webhook. Never throws: if Hubble cannot be asked, n8n's log says so, and the webhook can be found later
 * by its tag. The static data then stay, so the next publication of the workflow continues with it.
 * @param isAutomatic `false` leaves alone what the user registered at our URL
 */
export async function unregisterWebhook(context: IHookFunctions, isAutomatic: boolean): Promise<void> {
	const url = urlOf(context);
	const { node } = ownerOf(context);
	// n8n does not say that it ends a test, whose webhook only the static data know.
	const known = knownWebhook(context);
	const own = [known, storedBy(context).endpoint].find((one) => one?.url === url && one.owner === node);
	if (!own && !isAutomatic) return;
	const removed = new Set<unknown>([own?.id]);
	try {
		const hook = await open(context, known ? HOOK_MS : SHORT_HOOK_MS);
		const { hubble } = hook;
		const isHere = own?.organization === hubble.organizationId;
		await tidyUp(hook, isHere ? undefined : own);
		// Check may have moved it, and somebody renamed it.
		const isOurs = (webhook: IDataObject) =>
			isAutomatic && webhook.url === url && (ownerIn(webhook)?.node === node || webhook.webhook_id === known?.id);
		const listed = (await list(hubble)).filter(isOurs).map(({ webhook_id }) => webhook_id);
		// A new one may be listed a moment later.
		for (const id of new Set([...listed, ...(isHere ? [own.id] : [])])) {
			await removeWebhook(hubble, id);
			removed.add(id);
		}
	} catch (error) {
		const which = own ? `its webhook ${own.id}` : `what it may have registered at ${url}`;
		warn(
			context,
			`could not remove ${which} from Hubble: ${asError(error).message}. It is removed when a Hubble Packet Trigger is published, or when Hubble Webhook: Check Webhooks runs with Delete Orphans.`,
		);
		return;
	}
	if (own || (known && removed.has(known.id))) delete storedBy(context).endpoint;
	const key = nodeKey(context);
	if (removed.has(registered.get(key)?.id)) registered.delete(key);
}

/** What else helps when only a test in the editor needs a webhook. */
const adviceForTest = ({ isTest }: Hook) =>
	isTest ? ' To test without a webhook, set Options → Test With to Latest Packets.' : '';

/** Refuses a URL that Hubble cannot reach. */
function requirePublicUrl(hook: Hook): void {
	const { context, url } = hook;
	if (canReach(url, hook.hubble.baseUrl)) return;
	const isPrivate = URL.canParse(url) && isPrivateHost(new URL(url).hostname);
	throw new NodeOperationError(
		context.getNode(),
		`Hubble cannot deliver to ${url}: ${isPrivate ? 'this address is not on the internet' : 'the address does not begin with https://'}. Set the environment variable N8N_WEBHOOK_URL of n8n 2, or WEBHOOK_URL of n8n 1, to its public https address, restart n8n, and publish the workflow. Where the internet cannot reach n8n, use the Hubble Packet Poll Trigger.${adviceForTest(hook)}`,
	);
}

const named = (webhook: IDataObject) =>
	`"${endpointName(webhook)}" (${String(webhook.url)}, ID ${String(webhook.webhook_id)})`;

/** All in the message: when a publication fails, n8n shows nothing else. */
function urlTaken({ context, node }: Hook, webhook: IDataObject): NodeOperationError {
	const owner = ownerIn(webhook)?.node;
	const isSame = owner !== undefined && isOfWorkflow(owner, node);
	const [whose, who] = isSame
		? ['another trigger of this workflow', 'that trigger']
		: ['another workflow of this n8n', 'that workflow'];
	return new NodeOperationError(
		context.getNode(),
		`The URL of this trigger belongs to ${whose}, with the webhook ${named(webhook)}. Delete this trigger node and add a new one: it gets a URL of its own. If ${who} no longer exists or is not published, delete the webhook with the Hubble Webhook node and publish again.`,
	);
}
