/** The packet trigger's webhook at Hubble: what is asked of Hubble, what is remembered, and what n8n's log says. */
import type {
	IDataObject,
	IHookFunctions,
	WorkflowActivateMode,
	IHttpRequestOptions,
	IN8nHttpFullResponse,
	IWebhookFunctions,
} from 'n8n-workflow';
import { ownerOf, taggedName } from '../../nodes/shared/webhook/ownership';
import { fingerprint } from '../../nodes/shared/webhook/verify';

type Registration = typeof import('../../nodes/HubblePacketTrigger/registration');

const [HOME, AWAY] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const;
const N8N = 'https://n8n.example.com';
/** Hubble's clock, decades ahead of n8n's. */
const HUBBLE_MS = Date.UTC(2060, 0, 1);

type Reply = Partial<IN8nHttpFullResponse>;

const refusal = (statusCode: number, headers: IDataObject = {}): Reply => ({
	statusCode,
	headers: headers as IN8nHttpFullResponse['headers'],
	body: { name: 'Refused', description: 'as the test wants it' },
});

/** Asks for a pause that is too long for any hook. */
const pause = { 'retry-after': '301' };

/** A Hubble with two organizations, which keeps what it was asked. */
function newHubble(url: string) {
	const webhooks: Record<string, IDataObject[]> = { [HOME]: [], [AWAY]: [] };
	const asked: string[] = [];
	let made = 0;
	const hubble = {
		url,
		asked,
		at: (organization: string) => webhooks[organization] ?? [],
		/** What is answered in the place of Hubble's own answer, or happens before it. */
		before: undefined as ((call: string) => Reply | void) | undefined,
		/** Puts a webhook there that nobody asked this Hubble for. */
		put(webhook: IDataObject, organization: string = HOME) {
			const whole = { name: 'by hand', max_batch_size: 100, ...webhook };
			webhooks[organization]?.push(whole);
			return whole;
		},
		answer({ method = 'GET', url: asks, body }: IHttpRequestOptions): Reply {
			const [, organization = '', id = ''] = /\/org\/([^/]+)\/webhooks\/?([^/]*)$/.exec(decodeURIComponent(asks)) ?? [];
			const all = hubble.at(organization);
			const given = body as IDataObject;
			const verb = { GET: 'list', POST: 'create', PATCH: 'update', DELETE: 'delete' }[String(method)];
			const call = [verb, id, ...(method === 'PATCH' ? Object.keys(given) : [])].filter(Boolean).join(' ');
			asked.push(call);
			const instead = hubble.before?.(call);
			if (instead) return instead;
			if (method === 'GET') return { body: { webhooks: structuredClone(all) } };
			if (method === 'POST') {
				const webhook_id = `m${(made += 1)}`;
				return { body: { ...hubble.put({ ...given, webhook_id }, organization), secret: `secret of ${webhook_id}` } };
			}
			const found = all.find(({ webhook_id }) => webhook_id === id);
			if (!found) return refusal(404);
			if (method === 'DELETE') all.splice(all.indexOf(found), 1);
			for (const [name, value] of Object.entries(given ?? {})) found[name.replace('set_', '')] = value;
			return { body: found };
		},
	};
	return hubble;
}

/** A process of this n8n, which remembers nothing of others. */
function newProcess(): Registration {
	let other: Registration | undefined;
	jest.isolateModules(() => {
		other = jest.requireActual<Registration>('../../nodes/HubblePacketTrigger/registration');
	});
	return other as Registration;
}

let world = 0;
/** Each test has a Hubble, a workflow and a process of its own. */
let hubble: ReturnType<typeof newHubble>;
let here: Registration;
const log: string[] = [];
/** URLs that this n8n was asked for, and those at which nobody listens. */
const called: string[] = [];
const free = new Set<string>();

beforeEach(() => {
	world += 1;
	hubble = newHubble(`https://hubble-${world}.example`);
	here = newProcess();
	for (const list of [log, called]) list.length = 0;
	free.clear();
	// Waits between tries are of one length.
	jest.spyOn(Math, 'random').mockReturnValue(0.6);
});
afterEach(() => void jest.restoreAllMocks());

interface Place {
	instance: string;
	workflow: string;
	workflowName?: string;
	node: string;
	webhookId: string;
	base: string;
	/** The static data of the node. */
	data: IDataObject;
	credential: IDataObject;
	isTest: boolean;
	activation: WorkflowActivateMode;
	/** The process of n8n in which it runs. */
	process: Registration;
}

/** A packet trigger, by default always the same one of the test. */
function triggerOf(given: Partial<Place> = {}) {
	const place: Place = {
		instance: 'n8n',
		workflow: `workflow ${world}`,
		workflowName: 'Receive',
		node: 'n',
		webhookId: 'h',
		base: N8N,
		data: {},
		credential: {},
		isTest: false,
		activation: 'activate',
		process: here,
		...given,
	};
	const { base, data, process, isTest, webhookId } = place;
	const url = `${base}/webhook${isTest ? '-test' : ''}/${webhookId}/webhook`;
	const context = (mode = isTest ? 'manual' : 'trigger') =>
		({
			getInstanceId: () => place.instance,
			getWorkflow: () => ({ id: place.workflow, name: place.workflowName }),
			getNode: () => ({ id: place.node, name: 'Trigger', webhookId, type: 'hubblePacketTrigger' }),
			getMode: () => mode,
			getActivationMode: () => place.activation,
			getNodeWebhookUrl: (name: string) => (name === 'default' ? url : undefined),
			getWorkflowStaticData: (of: string) => (of === 'node' ? data : {}),
			getCredentials: async () => ({
				apiToken: 'token',
				organizationId: HOME,
				baseUrl: hubble.url,
				requestsPerSecond: 1000,
				...place.credential,
			}),
			logger: { warn: (line: string) => log.push(line) },
			helpers: {
				httpRequestWithAuthentication: async (_: string, options: IHttpRequestOptions) => {
					const date = new Date(HUBBLE_MS).toUTCString();
					const { headers, ...reply } = hubble.answer(options);
					return await Promise.resolve({ statusCode: 200, body: {}, ...reply, headers: { date, ...headers } });
				},
				httpRequest: async ({ url: at }: IHttpRequestOptions) => {
					called.push(at);
					const message = 'The requested webhook "POST h" is not registered.';
					return await Promise.resolve({ statusCode: free.has(at) ? 404 : 500, headers: {}, body: { message } });
				},
			},
		}) as unknown as IHookFunctions & IWebhookFunctions;
	const trigger = {
		url,
		data,
		owner: ownerOf(context()),
		name: taggedName('Receive', ownerOf(context())),
		exists: async (maxBatchSize = 100) => await process.isRegistered(context(), maxBatchSize),
		create: async (maxBatchSize = 100) => await process.registerWebhook(context(), maxBatchSize),
		remove: async (isAutomatic = true) => await process.unregisterWebhook(context('internal'), isAutomatic),
		known: () => process.knownWebhook(context()),
		restore: () => process.restoreWebhook(context()),
		/** Why it cannot be published. */
		refused: async () =>
			await trigger.create().then(
				() => undefined,
				({ message }: Error) => message,
			),
		/** The same trigger, with something changed. */
		but: (changed: Partial<Place>) => triggerOf({ ...place, ...changed }),
	};
	return trigger;
}

/** What Hubble has been asked since the last time. */
const asked = () => hubble.asked.splice(0);
const ids = (organization: string = HOME) => hubble.at(organization).map(({ webhook_id }) => webhook_id);

/** Replies of this kind to calls that begin so. */
const answering = (begin: string, reply: Reply) => {
	hubble.before = (call) => (call.startsWith(begin) ? reply : undefined);
};

async function published(given: Partial<Place> = {}) {
	const trigger = triggerOf(given);
	await trigger.create();
	asked();
	return trigger;
}

describe('A trigger that is published', () => {
	it('registers its URL under the name of its workflow, and keeps a fingerprint of the secret', async () => {
		const trigger = triggerOf();
		expect(await trigger.exists()).toBe(false);
		expect(asked()).toEqual([]);
		await trigger.create(250);
		const { url, owner, name } = trigger;
		expect(hubble.at(HOME)).toEqual([{ webhook_id: 'm1', url, name, max_batch_size: 250 }]);
		expect(trigger.data).toEqual({
			endpoint: {
				id: 'm1',
				fingerprint: fingerprint('secret of m1'),
				at: expect.any(Number),
				owner: owner.node,
				url,
				organization: HOME,
			},
		});
		// By Hubble's clock.
		const { at } = trigger.data.endpoint as { at: number };
		expect([Number.isInteger(at), Math.abs(at - HUBBLE_MS) < 60_000]).toEqual([true, true]);
		expect(asked()).toEqual(['list', 'create', 'list']);
		expect(await trigger.exists(250)).toBe(true);
		expect([asked(), log, called]).toEqual([['list'], [], []]);
	});

	it('has its own name at Hubble where n8n does not know that of the workflow', async () => {
		await triggerOf({ workflowName: undefined }).create();
		expect(hubble.at(HOME)).toMatchObject([{ name: expect.stringMatching(/^n8n: Trigger \[/) }]);
	});

	it.each<[string, (webhook: IDataObject, url: string) => unknown]>([
		['has another size of a request', (webhook) => (webhook.max_batch_size = 99)],
		['was moved to another URL by hand', (webhook) => (webhook.url = 'https://elsewhere.example')],
		['has a second one beside it', (_, url) => hubble.put({ webhook_id: 'z', url })],
		['was replaced by another one', (webhook) => (webhook.webhook_id = 'z')],
		['was deleted', () => hubble.at(HOME).shift()],
	])('is not taken for registered when its webhook %s', async (_, change) => {
		const trigger = await published();
		hubble.put({ webhook_id: 'other', url: 'https://other.example', name: 'n8n: Other' });
		expect(await trigger.exists()).toBe(true);
		change(hubble.at(HOME)[0] as IDataObject, trigger.url);
		expect(await trigger.exists()).toBe(false);
	});

	it('is not taken for registered under another URL or in another organization, and Hubble is not asked', async () => {
		const trigger = await published();
		expect(await trigger.but({ base: 'https://moved.example.com' }).exists()).toBe(false);
		expect(await trigger.but({ credential: { organizationId: AWAY } }).exists()).toBe(false);
		expect(asked()).toEqual([]);
	});

	it('changes only what is another at its webhook, which keeps its secret', async () => {
		const trigger = await published();
		const [webhook] = hubble.at(HOME) as [IDataObject];
		const before = { ...trigger.data };
		await trigger.create();
		expect(asked()).toEqual(['list']);
		for (const [change, call] of [
			[{ name: 'renamed' }, 'update m1 set_name'],
			[{ max_batch_size: 1 }, 'update m1 set_max_batch_size'],
			[{ url: 'https://elsewhere.example' }, 'update m1 set_url'],
		] as const) {
			const whole = { ...webhook };
			Object.assign(webhook, change);
			await trigger.create();
			expect([asked(), webhook]).toEqual([['list', call], whole]);
		}
		expect([trigger.data, ids()]).toEqual([before, ['m1']]);
	});

	it('names both webhooks that are in use, and for a test the way without one', async () => {
		for (const webhook_id of ['a', 'b'])
			hubble.put({ webhook_id, url: `https://${webhook_id}.example`, name: webhook_id });
		const says =
			'Both webhooks are in use, by "a" (https://a.example) and by "b" (https://b.example). Delete one, or let one trigger receive for all workflows.';
		expect(await triggerOf().refused()).toBe(says);
		expect(await triggerOf({ isTest: true }).refused()).toBe(
			`${says} To test without a webhook, set Options → Test With to Latest Packets.`,
		);
		expect(asked()).toEqual(['list', 'list']);
		// Its own one needs no free slot.
		hubble.at(HOME).pop();
		const trigger = await published();
		await trigger.create(300);
		expect(hubble.at(HOME)).toMatchObject([{}, { max_batch_size: 300 }]);
	});

	it('deletes nothing from static data where nothing is left: n8n would save them', async () => {
		const deleted: unknown[] = [];
		const deleteProperty = (_: object, name: unknown) => deleted.push(name) > 0;
		await triggerOf({ data: new Proxy({}, { deleteProperty }) }).create();
		expect(deleted).toEqual([]);
	});

	it('says that Hubble gave it no webhook', async () => {
		answering('create', { body: { secret: 'secret' } });
		const trigger = triggerOf();
		expect(await trigger.refused()).toBe('Hubble registered the webhook but returned no ID for it');
		expect(trigger.data).toEqual({});
	});

	it('keeps a new webhook that Hubble does not list yet', async () => {
		answering('list', { body: { webhooks: [] } });
		const trigger = await published();
		expect(trigger.data).toMatchObject({ endpoint: { id: 'm1' } });
		expect(ids()).toEqual(['m1']);
	});
});

describe('A URL that Hubble cannot reach', () => {
	const advice = (url: string, why: string) =>
		`Hubble cannot deliver to ${url}: ${why}. Set the environment variable N8N_WEBHOOK_URL of n8n 2, or WEBHOOK_URL of n8n 1, to its public https address, restart n8n, and publish the workflow. Where the internet cannot reach n8n, use the Hubble Packet Poll Trigger.`;
	const [isPrivate, isPlain] = ['this address is not on the internet', 'the address does not begin with https://'];

	it.each([
		['https://10.0.0.5', isPrivate],
		['http://localhost:5678', isPrivate],
		['http://n8n.example.com', isPlain],
		// As n8n takes it from its settings.
		['n8n.example.com', isPlain],
	])('is refused before Hubble is asked: %s', async (base, why) => {
		const trigger = triggerOf({ base });
		expect(await trigger.refused()).toBe(advice(trigger.url, why));
		const test = triggerOf({ base, isTest: true });
		expect(await test.refused()).toBe(
			`${advice(test.url, why)} To test without a webhook, set Options → Test With to Latest Packets.`,
		);
		expect(asked()).toEqual([]);
	});

	it.each(['https://10.0.0.5', 'http://localhost:5678'])(
		'is none for a Hubble that is in a private network itself: %s',
		async (base) => {
			hubble.url = `http://hubble-${world}.internal`;
			await published({ base });
			expect(ids()).toEqual(['m1']);
		},
	);
});

describe('What is at the URL of a trigger', () => {
	const says = (whose: string, who: string, webhook: string) =>
		`The URL of this trigger belongs to ${whose}, with the webhook ${webhook}. Delete this trigger node and add a new one: it gets a URL of its own. If ${who} no longer exists or is not published, delete the webhook with the Hubble Webhook node and publish again.`;

	it('is removed where nobody knows its secret, and the log says so', async () => {
		const trigger = triggerOf({ process: newProcess() });
		hubble.put({ webhook_id: 'a', url: trigger.url, name: '' });
		hubble.put({ webhook_id: 'b', url: trigger.url, name: trigger.name });
		hubble.put({ webhook_id: 'c', url: trigger.url, name: triggerOf({ instance: 'other', workflow: 'w' }).name });
		await trigger.create();
		expect(ids()).toEqual(['m1']);
		const removed = (name: string, id: string) =>
			`"Trigger" removed the webhook "${name}" (${trigger.url}, ID ${id}) at its URL, whose secret it does not know`;
		const names = ['without a name', trigger.name, triggerOf({ instance: 'other', workflow: 'w' }).name];
		expect(log).toEqual(names.map((name, i) => removed(name, 'abc'.charAt(i))));
	});

	it.each([
		['another workflow of this n8n', 'that workflow', { workflow: 'other' }],
		['another trigger of this workflow', 'that trigger', { node: 'other' }],
	])('stays with its owner: %s', async (whose, who, place) => {
		const [trigger, other] = [triggerOf(), triggerOf({ ...place, process: newProcess() })];
		await other.create();
		hubble.put({ webhook_id: 'b', url: trigger.url });
		expect(await trigger.refused()).toBe(says(whose, who, `"${other.name}" (${other.url}, ID m1)`));
		// Nothing is removed before that is known.
		expect(ids()).toEqual(['m1', 'b']);
		expect(log).toEqual([]);
	});

	it('stays with the node of this process that registered it, also after it was renamed', async () => {
		const other = await published({ workflow: 'other' });
		Object.assign(hubble.at(HOME)[0] as IDataObject, { name: 'renamed' });
		const whose = says('another workflow of this n8n', 'that workflow', `"renamed" (${other.url}, ID m1)`);
		expect(await triggerOf().refused()).toBe(whose);
		hubble.at(HOME).length = 0;
		// Another one at that URL is not the one that the other node has.
		hubble.put({ webhook_id: 'z', url: other.url, name: 'renamed' });
		await triggerOf().create();
		expect(ids()).toEqual(['m2']);
	});

	it('is no reason against the node that registered it', async () => {
		const trigger = await published();
		Object.assign(hubble.at(HOME)[0] as IDataObject, { name: 'renamed' });
		delete trigger.data.endpoint;
		await trigger.create();
		expect([ids(), hubble.at(HOME)[0]?.name]).toEqual([['m1'], trigger.name]);
		// Nor where another process has registered it anew, by static data that are newer.
		const { at } = trigger.known() as { at: number };
		trigger.data.endpoint = { ...trigger.known(), id: 'of that process', at: at + 1 };
		Object.assign(hubble.at(HOME)[0] as IDataObject, { name: 'renamed' });
		await trigger.create();
		expect([ids(), trigger.known()?.id]).toEqual([['m2'], 'm2']);
	});
});

describe('Webhooks of this n8n at whose URLs nobody listens', () => {
	it('leave their slots, and the log says so', async () => {
		const trigger = triggerOf();
		const [deleted, alive] = ['deleted', 'alive'].map((workflow) => triggerOf({ workflow, webhookId: workflow }));
		hubble.put({ webhook_id: 'a', url: deleted?.url, name: deleted?.name });
		hubble.put({ webhook_id: 'b', url: alive?.url, name: alive?.name });
		free.add(String(deleted?.url));
		await trigger.create();
		expect(ids()).toEqual(['b', 'm1']);
		expect(called).toEqual([deleted?.url, alive?.url]);
		expect(log).toEqual(['"Trigger" removed the webhook a of this n8n: no published workflow has its URL']);
	});

	it('are those of this n8n alone: others are not even called', async () => {
		const [trigger, other] = [triggerOf(), triggerOf({ instance: 'other', webhookId: 'other' })];
		hubble.put({ webhook_id: 'a', url: other.url, name: other.name });
		free.add(other.url);
		await trigger.create();
		expect([ids(), called, log]).toEqual([['a', 'm1'], [], []]);
		hubble.at(HOME).splice(1, 1, { webhook_id: 'b', url: other.url, name: 'by hand' });
		expect(await triggerOf({ workflow: 'next' }).refused()).toMatch(/^Both webhooks are in use/);
		expect([ids(), called, log]).toEqual([['a', 'b'], [], []]);
	});
});

describe('A trigger whose public URL changed', () => {
	const base = 'https://moved.example.com';

	it('leaves its webhook at the old URL, takes a free slot, and says so', async () => {
		const before = await published();
		const trigger = before.but({ base });
		await trigger.create();
		expect(hubble.at(HOME)).toMatchObject([{ url: before.url }, { url: trigger.url }]);
		expect(log).toEqual([
			`"Trigger" left its webhook m1 at the old URL ${before.url} in place, because n8n's public URL changed. If nothing listens there any more, delete it with the Hubble Webhook node.`,
		]);
		expect(trigger.known()).toMatchObject({ id: 'm2', url: trigger.url });
	});

	it('says nothing of a webhook that is no longer there, and nothing of others', async () => {
		const before = await published();
		hubble.at(HOME).splice(0, 1, { webhook_id: 'z', url: 'https://z.example', name: 'by hand' });
		await before.but({ base }).create();
		expect([ids(), log]).toEqual([['z', 'm2'], []]);
	});

	it('goes on with its webhook where Check Webhooks has moved it, which keeps its secret', async () => {
		const trigger = (await published()).but({ base });
		Object.assign(hubble.at(HOME)[0] as IDataObject, { url: trigger.url });
		const older = structuredClone(trigger.data);
		await trigger.create();
		expect(asked()).toEqual(['list']);
		expect(trigger.data.endpoint).toEqual({ ...(older.endpoint as object), url: trigger.url });
		expect(await trigger.exists()).toBe(true);
		// What n8n saved before is not newer: the webhook is the same.
		expect(trigger.but({ data: older }).known()?.url).toBe(trigger.url);
	});

	it('keeps the memory of its webhook at the old URL when it is unpublished', async () => {
		const before = await published();
		await before.but({ base }).remove();
		expect([ids(), asked(), log]).toEqual([['m1'], ['list'], []]);
		expect(before.data.endpoint).toMatchObject({ id: 'm1' });
		expect(await before.exists()).toBe(true);
	});
});

describe('A test in the editor', () => {
	it('has a webhook of its own, and neither touches nor knows better than the published one', async () => {
		const trigger = await published();
		const test = trigger.but({ isTest: true, data: {} });
		await test.create();
		expect(hubble.at(HOME)).toMatchObject([{ url: trigger.url }, { url: test.url, webhook_id: 'm2' }]);
		expect([test.known()?.id, trigger.known()?.id]).toEqual(['m2', 'm1']);
		await test.remove();
		expect([ids(), test.data, trigger.but({ data: {} }).known()?.id, log]).toEqual([['m1'], {}, 'm1', []]);
	});

	it('takes the time to remove its webhook also where the workflow was published meanwhile', async () => {
		const test = triggerOf({ isTest: true });
		await test.create();
		jest.spyOn(Date, 'now').mockReturnValue(HUBBLE_MS + 60_000);
		const trigger = test.but({ isTest: false, data: {} });
		await trigger.create();
		answering('list', { statusCode: 403 });
		await test.remove();
		expect(log).toEqual([expect.stringContaining('could not remove its webhook m1 from Hubble: ')]);
		expect(trigger.but({ data: {} }).known()?.id).toBe('m2');
	});

	it('ends nothing of another node at its URL', async () => {
		const trigger = await published();
		const twin = trigger.but({ node: 'other', data: structuredClone(trigger.data) });
		await twin.remove();
		expect([ids(), twin.data, log]).toEqual([['m1'], trigger.data, []]);
	});

	it('does not take the published webhook for one under an old URL', async () => {
		const trigger = await published();
		hubble.put({ webhook_id: 'a', url: 'https://a.example', name: 'a' });
		expect(await trigger.but({ isTest: true, data: {} }).refused()).toMatch(
			/^Both webhooks are in use, by the workflow 'Receive' and by "a" \(https:..a\.example\)\. Unpublish or delete one/,
		);
	});

	it('knows only what its static data say', async () => {
		const trigger = await published();
		expect(trigger.but({ isTest: true, data: {} }).known()).toBeUndefined();
		expect(trigger.but({ isTest: true }).known()?.id).toBe('m1');
	});

	it('leaves what is in another organization to the next publication, with either credential', async () => {
		const trigger = await published();
		const credential = { organizationId: AWAY };
		for (const changed of [{ credential }, {}]) {
			// n8n gives a test static data of its own.
			const test = trigger.but({ ...changed, isTest: true, data: {} });
			await test.create();
			expect(test.data).toMatchObject({ endpoint: { url: test.url } });
			await test.remove();
			expect(test.data).toEqual({});
		}
		expect([ids(), ids(AWAY), log]).toEqual([['m1'], [], []]);
	});
});

describe('What a process remembers', () => {
	const of = (trigger: ReturnType<typeof triggerOf>, more: IDataObject) => ({
		endpoint: { ...(trigger.data.endpoint as IDataObject), id: 'other', fingerprint: 'f', ...more },
	});

	it('counts, unless the static data are newer and of this node', async () => {
		const trigger = await published();
		const { at } = trigger.known() as { at: number };
		const [older, same, newer] = [-1, 0, 1].map(
			(ms) => trigger.but({ data: of(trigger, { at: at + ms }) }).known()?.id,
		);
		expect([older, same, newer]).toEqual(['m1', 'm1', 'other']);
		const copied = of(trigger, { at: at + 1, owner: 'of a copy' });
		expect(trigger.but({ data: copied }).known()?.id).toBe('m1');
		expect(trigger.but({ data: {} }).known()?.id).toBe('m1');
	});

	it('is nothing in another process: there the static data count, if they are of this node', async () => {
		const trigger = await published();
		const process = newProcess();
		expect(trigger.but({ process }).known()?.id).toBe('m1');
		expect(trigger.but({ process, workflow: 'copy' }).known()).toBeUndefined();
		expect(trigger.but({ process, data: {} }).known()).toBeUndefined();
	});

	it('puts static data right that an earlier execution brought back', async () => {
		const trigger = await published();
		const current = structuredClone(trigger.data);
		for (const data of [{}, of(trigger, { at: 1 })] as IDataObject[]) {
			const older = trigger.but({ data });
			older.restore();
			expect(data).toEqual(current);
			// A copy: what n8n does to it changes nothing here.
			Object.assign(data.endpoint as IDataObject, { id: 'changed' });
		}
		expect(trigger.known()).toEqual(current.endpoint);
		const data = structuredClone(current);
		const { endpoint } = data;
		trigger.but({ data }).restore();
		expect(data.endpoint).toBe(endpoint);
		const none = triggerOf({ workflow: 'never published' });
		none.restore();
		expect(none.data).toEqual({});
	});

	it('ends when the trigger is unpublished', async () => {
		const trigger = await published();
		await trigger.remove();
		expect([trigger.known(), trigger.data, ids()]).toEqual([undefined, {}, []]);
	});

	it('is a copy of what n8n stores', async () => {
		const trigger = await published();
		Object.assign(trigger.data.endpoint as IDataObject, { id: 'changed' });
		expect(trigger.known()?.id).toBe('m1');
	});
});

describe('Two main processes that publish at once', () => {
	/** The webhook of the other process, which registers it just before this call is answered. */
	const meanwhile = (begin: string, webhook: IDataObject, reply?: Reply) => {
		let isDone = false;
		hubble.before = (call) => {
			if (!call.startsWith(begin)) return undefined;
			if (!isDone) hubble.put(webhook);
			isDone = true;
			return reply;
		};
	};

	it('keep the webhook with the first ID: this one where the other is later', async () => {
		const trigger = triggerOf();
		const { url, name } = trigger;
		meanwhile('create', { webhook_id: 'z', url, name });
		await trigger.create();
		expect([ids(), trigger.known()?.id]).toEqual([['m1'], 'm1']);
		expect(asked()).toEqual(['list', 'create', 'list', 'delete z']);
	});

	it('keep the webhook with the first ID: the other where it is earlier, and its process saves the secret', async () => {
		const trigger = triggerOf();
		const { url, name } = trigger;
		hubble.before = (call) => {
			// Listed behind this one.
			if (call === 'list' && ids().includes('m1')) hubble.put({ webhook_id: 'a', url, name });
		};
		await trigger.create();
		expect([ids(), trigger.data, trigger.known()]).toEqual([['a'], {}, undefined]);
		expect(asked()).toEqual(['list', 'create', 'list', 'delete m1']);
	});

	it('keep the webhook with the first ID: nothing is stored of this one where the other process removed it', async () => {
		const trigger = triggerOf();
		const { url, name } = trigger;
		hubble.before = (call) => {
			if (call === 'list' && ids().includes('m1')) hubble.at(HOME).splice(0, 1, { webhook_id: 'a', url, name });
		};
		await trigger.create();
		expect([ids(), trigger.data, trigger.known()]).toEqual([['a'], {}, undefined]);
		expect(asked()).toEqual(['list', 'create', 'list']);
	});

	it.each([400, 403])('believe each other where the slots are full: Hubble refuses with %d', async (status) => {
		const trigger = triggerOf();
		const { url, name } = trigger;
		meanwhile('create', { webhook_id: 'a', url, name }, refusal(status));
		expect(await trigger.refused()).toBeUndefined();
		expect([ids(), trigger.data, trigger.known()]).toEqual([['a'], {}, undefined]);
	});

	it.each<[string, Reply, RegExp]>([
		['429', refusal(429, pause), /^Rate limit reached/],
		['500', refusal(500, pause), /HTTP 500/],
		['half a reply', { body: '{"we' as never, headers: { 'content-type': 'application/json' } }, /was incomplete$/],
	])('do not believe each other where Hubble fails with %s', async (_, reply, says) => {
		const trigger = triggerOf();
		const { url, name } = trigger;
		meanwhile('create', { webhook_id: 'a', url, name }, reply);
		expect(await trigger.refused()).toMatch(says);
		expect(asked()).toEqual(['list', 'create']);
	});

	it.each(['name', 'url'] as const)('are not seen where a webhook has another %s', async (other) => {
		const trigger = triggerOf();
		const { url, name } = trigger;
		const webhook = { webhook_id: 'a', url, name, [other]: 'https://other.example' };
		meanwhile('create', webhook, refusal(400));
		expect(await trigger.refused()).toMatch(/^Hubble rejected the request/);
		hubble.at(HOME).length = 0;
		meanwhile('create', webhook);
		await trigger.create();
		expect([ids(), trigger.known()?.id]).toEqual([['a', 'm1'], 'm1']);
	});
});

describe('A credential that was moved to another organization', () => {
	const credential = { organizationId: AWAY };
	const line = (url: string, id = 'm1') =>
		`"Trigger" cannot remove its webhook ${id} at ${url}: it is in the organization ${HOME}, but the credential now belongs to another one. Delete it there, or publish or unpublish the workflow once with a credential of that organization.`;

	it('leaves the webhook where it is, says so each time, and removes it once it is back', async () => {
		const trigger = await published();
		const left = trigger.data.endpoint;
		const moved = trigger.but({ credential });
		await moved.create();
		expect([ids(), ids(AWAY), moved.known()?.id]).toEqual([['m1'], ['m2'], 'm2']);
		expect(moved.data.leftBehind).toEqual([left]);
		await moved.create(300);
		await moved.remove();
		expect(asked().filter((call) => call.startsWith('delete'))).toEqual(['delete m2']);
		expect([ids(), ids(AWAY), moved.data]).toEqual([['m1'], [], { leftBehind: [left] }]);
		expect(log).toEqual(Array(3).fill(line(trigger.url)));
		await trigger.create();
		expect(ids()).toEqual(['m3']);
		expect(trigger.data).toEqual({ endpoint: expect.objectContaining({ id: 'm3' }) });
		expect(log.slice(3)).toEqual([expect.stringContaining('removed the webhook')]);
	});

	it.each([false, true])('remembers at unpublishing what is left there, once: known before %s', async (isKnown) => {
		const trigger = await published();
		const left = trigger.data.endpoint;
		const moved = trigger.but({ credential });
		if (isKnown) trigger.data.leftBehind = [left];
		await moved.remove();
		expect([moved.data, moved.known(), ids()]).toEqual([{ leftBehind: [left] }, undefined, ['m1']]);
		expect(log).toEqual([line(trigger.url)]);
		await trigger.remove();
		expect([trigger.data, ids()]).toEqual([{}, []]);
	});

	it('remembers the last ten, and none of a copy of the workflow', async () => {
		const trigger = triggerOf({ credential });
		const of = (id: string, owner = trigger.owner.node) => ({ id, owner, url: 'u', organization: HOME });
		const ten = Array.from({ length: 10 }, (_, i) => of(`w${i}`));
		trigger.data.leftBehind = [of('oldest'), ...ten, of('of a copy', 'other')];
		await trigger.create();
		expect(trigger.data.leftBehind).toEqual(ten);
		expect(log).toEqual(ten.map(({ id }) => line('u', id)));
		hubble.put({ webhook_id: 'w3' });
		hubble.put({ webhook_id: 'of a copy' });
		await trigger.but({ credential: {} }).remove();
		expect(ids()).toEqual(['of a copy']);
	});
});

describe('A trigger that is unpublished', () => {
	it('removes its webhook and what has its tag at its URL, and nothing else', async () => {
		const trigger = await published();
		const { url, name } = trigger;
		hubble.put({ webhook_id: 'tagged', url, name });
		hubble.put({ webhook_id: 'by hand', url });
		hubble.put({ webhook_id: 'of a test', url: trigger.but({ isTest: true }).url, name });
		hubble.put({ webhook_id: 'of another', url, name: triggerOf({ node: 'other' }).name });
		await trigger.remove();
		expect([ids(), trigger.data, log]).toEqual([['by hand', 'of a test', 'of another'], {}, []]);
	});

	it('removes its webhook also where it was renamed', async () => {
		const trigger = await published();
		Object.assign(hubble.at(HOME)[0] as IDataObject, { name: 'renamed', url: 'https://elsewhere.example' });
		await trigger.remove();
		expect(ids()).toEqual([]);
	});

	it('with manual registration asks Hubble for nothing, but after the automatic one removes what that left', async () => {
		const none = triggerOf();
		hubble.put({ webhook_id: 'a', url: none.url, name: none.name });
		await none.remove(false);
		expect([asked(), ids()]).toEqual([[], ['a']]);
		hubble.at(HOME).length = 0;
		const trigger = await published();
		hubble.put({ webhook_id: 'b', url: trigger.url, name: trigger.name });
		await trigger.remove(false);
		expect([ids(), trigger.data, trigger.known()]).toEqual([['b'], {}, undefined]);
	});

	it('has nothing left to do where Hubble has no such webhook any more', async () => {
		const trigger = await published();
		answering('delete', refusal(404));
		await trigger.remove();
		expect([trigger.data, log]).toEqual([{}, []]);
	});

	it('takes no proxy’s word for that', async () => {
		const trigger = await published();
		answering('delete', { statusCode: 404, body: 'default backend - 404' as never });
		await trigger.remove();
		expect(log).toEqual([
			expect.stringContaining('could not remove its webhook m1 from Hubble: The response is not from'),
		]);
		expect(trigger.data.endpoint).toMatchObject({ id: 'm1' });
	});

	it.each([403, 503])(
		'goes on with its webhook later where Hubble refuses (%d), and says so in the log',
		async (status) => {
			const trigger = await published();
			answering('delete', refusal(status, pause));
			await trigger.remove();
			expect(log).toEqual([
				expect.stringMatching(
					/^"Trigger" could not remove its webhook m1 from Hubble: Hubble .+\. It is removed when a Hubble Packet Trigger is published, or when Hubble Webhook: Check Webhooks runs with Delete Orphans\.$/,
				),
			]);
			expect([trigger.data.endpoint, trigger.known()]).toEqual([
				trigger.known(),
				expect.objectContaining({ id: 'm1' }),
			]);
			hubble.before = undefined;
			expect(await trigger.exists()).toBe(true);
		},
	);

	it('names its URL where it does not know what it has registered', async () => {
		const trigger = triggerOf();
		answering('list', refusal(403));
		await trigger.remove();
		expect(log).toEqual([
			expect.stringContaining(`could not remove what it may have registered at ${trigger.url} from Hubble: `),
		]);
	});

	it('does not fail where its credential cannot be read', async () => {
		const trigger = await published();
		await trigger.but({ credential: { apiToken: '' } }).remove();
		expect(log).toEqual([
			expect.stringContaining('from Hubble: The API Token in the Hubble credential is empty. It is'),
		]);
	});
});

describe('A Hubble that cannot be asked', () => {
	it.each([
		['429', refusal(429, pause)],
		['500', refusal(500, pause)],
		['no list', { body: {} }],
		['a proxy without a Hubble behind it', { statusCode: 404, body: 'default backend - 404' as never }],
	])('leaves a known webhook registered, and the log says why: %s', async (_, reply) => {
		const trigger = await published();
		answering('list', reply);
		expect(await trigger.exists()).toBe(true);
		expect(log).toEqual([
			expect.stringMatching(/^"Trigger" keeps its webhook, which could not be checked: (Rate|Hubble|The response) /),
		]);
	});

	it.each([401, 403])(
		'leaves a known webhook at the start of n8n, whose deliveries need no token: %d',
		async (status) => {
			const trigger = await published();
			answering('list', refusal(status));
			await expect(trigger.exists()).rejects.toThrow(/^Hubble does not (allow|accept)/);
			expect(log).toEqual([]);
			for (const activation of ['init', 'leadershipChange'] as const)
				expect(await trigger.but({ activation }).exists()).toBe(true);
			expect(log).toEqual(
				Array(2).fill(expect.stringMatching(/keeps its webhook, which could not be checked: Hubble does/)),
			);
		},
	);

	it('leaves a known webhook registered where the rate of the credential has no place in time', async () => {
		const credential = { requestsPerSecond: 0.01 };
		const trigger = (await published()).but({ credential });
		expect([await trigger.exists(), await trigger.exists()]).toEqual([true, true]);
		const line = expect.stringContaining('could not be checked: Timed out waiting for the rate limit');
		expect(log).toEqual([line, line]);
	});

	it.each([400, 404, 499])('is told from one that refuses: %d', async (status) => {
		const trigger = await published();
		answering('list', refusal(status));
		await expect(trigger.exists()).rejects.toThrow(/^Hubble (has no|did not find|rejected)/);
		expect(log).toEqual([]);
	});

	it('is tried for less than ten seconds, within which n8n wants a publication to end', async () => {
		answering('list', refusal(503));
		const began = performance.now();
		expect(await triggerOf().refused()).toBe('Hubble could not process the request (HTTP 503)');
		expect(performance.now() - began).toBeLessThan(9500);
		expect(asked()).toHaveLength(4);
	});

	it('is tried once, and as long for what is known, where there may be nothing to remove', async () => {
		const trigger = triggerOf();
		answering('list', refusal(503));
		await trigger.remove();
		expect(asked()).toHaveLength(1);
		hubble.before = undefined;
		await trigger.create();
		asked();
		answering('list', refusal(503));
		await trigger.remove();
		expect(asked()).toHaveLength(4);
	});

	it('that asked others for a pause is asked all the same: a hook cannot wait', async () => {
		const trigger = await published();
		answering('list', refusal(429, pause));
		await trigger.exists();
		hubble.before = undefined;
		await trigger.create(300);
		expect(hubble.at(HOME)).toMatchObject([{ max_batch_size: 300 }]);
	});
});

describe('What Hubble lists a moment late', () => {
	const withOld = (trigger: ReturnType<typeof triggerOf>) => {
		hubble.put({ webhook_id: 'a', url: trigger.url, name: trigger.name });
		return structuredClone(hubble.at(HOME));
	};

	it('is no twin of a new webhook, if it was there before', async () => {
		const trigger = triggerOf();
		const old = withOld(trigger);
		const listed = () => [...old, ...hubble.at(HOME).filter(({ webhook_id }) => webhook_id !== 'a')];
		hubble.before = (call) => (call === 'list' ? { body: { webhooks: listed() } } : undefined);
		await trigger.create();
		expect([ids(), trigger.known()?.id]).toEqual([['m1'], 'm1']);
	});

	it('does not make good what Hubble refuses', async () => {
		const trigger = triggerOf();
		const webhooks = withOld(trigger);
		hubble.before = (call) => (call === 'list' ? { body: { webhooks } } : call === 'create' ? refusal(403) : undefined);
		expect(await trigger.refused()).toMatch(/write-webhooks/);
	});

	it('is removed all the same when it is unpublished', async () => {
		const trigger = await published();
		answering('list', { body: { webhooks: [] } });
		await trigger.remove();
		expect([ids(), trigger.data, log]).toEqual([[], {}, []]);
	});
});

it('is kept at the start of n8n while its credential cannot be read, and only then', async () => {
	const trigger = await published();
	for (const credential of [{ apiToken: '' }, { organizationId: '' }]) {
		for (const activation of ['init', 'leadershipChange'] as const)
			expect(await trigger.but({ activation, credential }).exists()).toBe(true);
		await expect(trigger.but({ credential }).exists()).rejects.toThrow('credential');
	}
	expect([log.length, asked()]).toEqual([4, []]);
});

it('is removed where Check has moved it, also if it was renamed', async () => {
	const trigger = (await published()).but({ base: 'https://moved.example.com' });
	Object.assign(hubble.at(HOME)[0] as IDataObject, { url: trigger.url, name: 'renamed by hand' });
	await trigger.remove();
	expect([ids(), trigger.data, log]).toEqual([[], {}, []]);
});
