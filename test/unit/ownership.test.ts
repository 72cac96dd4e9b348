/** Whose a webhook at Hubble is, by its name, and who listens at its URL, by n8n's own answer. */
import type { IDataObject, IExecuteFunctions, IHookFunctions, IHttpRequestOptions } from 'n8n-workflow';
import {
	bothInUse,
	endpointName,
	instanceOf,
	isOfWorkflow,
	ownerIn,
	ownerOf,
	taggedName,
	workflowIn,
} from '../../nodes/shared/webhook/ownership';
import {
	atRoot,
	belowRoot,
	hasPostAt,
	isTriggerAt,
	listenerAt,
	probeValue,
	requireOwnUrl,
	rootOf,
	rootOfTrigger,
	webhookDigest,
} from '../../nodes/shared/webhook/probe';

it('is refused where n8n gave it no URL of its own', () => {
	const trigger = (webhookId?: string) => () => requireOwnUrl({ getNode: () => ({ webhookId }) } as never);
	expect(trigger('hook')).not.toThrow();
	expect(trigger()).toThrow(
		/^n8n has given this trigger no URL of its own, as after an import by a command or the API/,
	);
});

const contextOf = ({ instance = 'n8n', workflow = 'w', node = 'n', webhookId = 'h' } = {}) =>
	({
		getInstanceId: () => instance,
		getWorkflow: () => ({ id: workflow }),
		getNode: () => ({ id: node, webhookId }),
	}) as unknown as IHookFunctions;

describe('an owner', () => {
	it('is another one in another n8n, workflow or node, and the same one otherwise', () => {
		const given = [{}, { instance: 'other' }, { workflow: 'other' }, { node: 'other' }, { webhookId: 'other' }];
		const owners = given.map((place) => ownerOf(contextOf(place)).node);
		expect(new Set(owners).size).toBe(given.length);
		expect(given.map((place) => ownerOf(contextOf(place)).node)).toEqual(owners);
		const [own = '', ...others] = owners;
		expect(others.map((other) => isOfWorkflow(own, other))).toEqual([false, false, true, true]);
	});

	it('stays what it is: endpoints at Hubble have it in their names', () => {
		expect(ownerOf(contextOf())).toEqual({ instance: '636396f0', node: '300ce3742986' });
		expect(instanceOf(contextOf())).toBe(ownerOf(contextOf({ node: 'other' })).instance);
	});

	it('is in the name of an endpoint, which Hubble takes whatever the name of the workflow is', () => {
		const owner = ownerOf(contextOf());
		for (const workflow of ['Receive', '', 'a [01234567-0123456789ab]', 'x'.repeat(221), 'x'.repeat(222)]) {
			const name = taggedName(workflow, owner);
			expect(name.length).toBeLessThanOrEqual(250);
			expect(ownerIn({ name })).toEqual(owner);
			expect(workflowIn({ name })).toBe(workflow.slice(0, 221));
		}
		expect(taggedName('Receive', owner)).toBe(`n8n: Receive [${owner.instance}-${owner.node}]`);
	});

	it.each(['Receive', 'n8n', 'Old n8n: Receive'])('leaves a name that somebody changed to %j whole', (name) => {
		expect(workflowIn({ name: `${name} [01234567-0123456789ab]` })).toBe(name);
	});

	it.each([
		undefined,
		null,
		'',
		'[01234567-0123456789ab]',
		'x [01234567-0123456789ab] ',
		'x [0123456-0123456789ab]',
		'x [01234567-0123456789a]',
		'x [01234567-0123456789AB]',
	])('is not in the name %j', (name) => {
		expect([ownerIn({ name }), workflowIn({ name })]).toEqual([undefined, null]);
		expect(endpointName({ name })).toBe(name || 'without a name');
	});
});

describe('an organization whose webhooks are all in use', () => {
	const own = ownerOf(contextOf());
	const other = ownerOf(contextOf({ workflow: 'other' }));
	const of = (workflow: string, owner = other) => ({ name: taggedName(workflow, owner), url: 'https://a.example' });
	const byHand = (name: string, url = 'https://b.example') => ({ name, url });
	const testUrl = 'https://a.example/webhook-test/h/webhook';
	const ofTest = (workflow: string, owner = other) => ({ ...of(workflow, owner), url: testUrl });
	const stop = 'Stop the test, which ends within two minutes';
	const rest = 'or let one trigger receive for all workflows.';

	it.each<[string, IDataObject[], string]>([
		['workflows', [of('A'), of('B')], "the workflows 'A' and 'B'. Unpublish one"],
		[
			'one workflow',
			[of('A'), byHand('C')],
			`the workflow 'A' and by "C" (https://b.example). Unpublish or delete one`,
		],
		[
			'no workflow',
			[byHand('C'), byHand('')],
			'"C" (https://b.example) and by "without a name" (https://b.example). Delete one',
		],
		[
			'the node that asks, under another URL',
			[of('A', own), byHand('C')],
			'this trigger under another public URL of n8n (https://a.example) and by "C" (https://b.example). Delete one',
		],
		['a test', [ofTest('B'), of('A')], `the workflow 'A' and by a test of 'B' in the editor. ${stop}`],
		[
			'a test of the node that asks',
			[ofTest('A', own), byHand('C')],
			`"C" (https://b.example) and by a test of this trigger in the editor. ${stop}`,
		],
		[
			'two tests',
			[ofTest('A', own), ofTest('B')],
			`a test of this trigger in the editor and by a test of 'B' in the editor. ${stop}`,
		],
		[
			'what somebody registered at the URL of a test',
			[byHand('C', testUrl), of('A')],
			`the workflow 'A' and by "C" (${testUrl}). Unpublish or delete one`,
		],
		[
			'what has long names',
			[of('A'.repeat(60)), byHand('C'.repeat(61), `https://${'b'.repeat(53)}`)],
			`the workflow '${'A'.repeat(60)}' and by "${'C'.repeat(59)}…" (https://${'b'.repeat(51)}…). Unpublish or delete one`,
		],
	])('names %s, and what to do', (_, endpoints, says) => {
		expect(bothInUse(endpoints, own.node)).toBe(`Both webhooks are in use, by ${says}, ${rest}`);
	});

	it('has no endpoint of the one who asks, where that is no trigger', () => {
		expect(bothInUse([of('A', own), byHand('C')])).toContain("by the workflow 'A' and by");
		expect(bothInUse([byHand('C')])).not.toContain('this trigger');
	});
});

describe('a URL', () => {
	it('has a root before the parts of its path, where it is one', () => {
		expect(rootOfTrigger('https://a.example/webhook/h/webhook')).toBe('https://a.example/');
		expect(rootOfTrigger('https://a.example:8443/n8n/x/webhook/h/webhook?b')).toBe('https://a.example:8443/n8n/x/');
		expect(rootOf('https://a.example/n8n/webhook-waiting/7', 2)).toBe('https://a.example/n8n/');
		expect(rootOf('/webhook', 1)).toBeUndefined();
		expect(rootOfTrigger('https://user:secret@a.example/webhook/h/webhook#c')).toBe('https://user:secret@a.example/');
		expect(atRoot('https://b.example/n8n/', 'https://a.example/webhook/h/webhook')).toBe(
			'https://b.example/n8n/webhook/h/webhook',
		);
	});

	it('goes on below a root of this n8n, or is none of its own', () => {
		const below = (url: string, root: string | undefined = 'https://a.example/n8n/') => belowRoot(root, url);
		expect(below('https://a.example/n8n/webhook/h?b=c')).toBe('webhook/h?b=c');
		expect(below('https://a.example/n8n/webhook/h?b=c#d')).toBe('webhook/h?b=c');
		for (const url of [
			'nowhere',
			'https://a.example/webhook/h',
			'https://b.example/n8n/webhook/h',
			'https://user@a.example/n8n/webhook/h',
			'https://:secret@a.example/n8n/webhook/h',
		])
			expect(below(url)).toBeUndefined();
		expect(belowRoot(undefined, 'https://a.example/n8n/webhook/h')).toBeUndefined();
	});

	it.each([
		['user:secret@', 'webhook/h'],
		['user:other@', undefined],
		['other:secret@', undefined],
		['user@', undefined],
		['', undefined],
	])('of an n8n with a password in its public URL goes on below it with the same one: %j', (credentials, below) => {
		expect(belowRoot('https://user:secret@a.example/', `https://${credentials}a.example/webhook/h`)).toBe(below);
	});

	it.each([
		['webhook/abc/webhook', true],
		['webhook-test/h/webhook', true],
		['x/webhook/h/webhook', false],
		['webhook/h/webhook/x', false],
		['webhook/h/webhook?x', false],
		['webhook?x/h/webhook', false],
		['webhook/h?x/webhook', false],
		['webhook//webhook', false],
		['/h/webhook', false],
		['webhook/h', false],
	])('that goes on as %s may be a trigger’s: %j', (path, isTrigger) => {
		expect(isTriggerAt('https://a.example/', `https://a.example/${path}`)).toBe(isTrigger);
		expect(isTriggerAt(undefined, `https://a.example/${path}`)).toBe(false);
	});
});

describe('n8n, asked who listens', () => {
	/** An n8n that gives this answer, and what it was asked. */
	function n8nThat(answer: object | Error) {
		const asked: IHttpRequestOptions[] = [];
		const httpRequest = async (options: IHttpRequestOptions) => {
			asked.push(options);
			return await (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer));
		};
		return { asked, context: { ...contextOf(), helpers: { httpRequest } } as unknown as IExecuteFunctions };
	}
	const root = 'https://a.example/';
	const anyStatus = {
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		disableFollowRedirect: true,
		timeout: 3000,
	};
	const webhook = { url: `${root}webhook/h/webhook`, webhook_id: 'id' };
	const free = { message: 'The requested webhook "POST h" is not registered.' };

	it.each([
		['listening', 401, { endpoint: webhookDigest('id') }],
		['secretLost', 401, { endpoint: webhookDigest('other') }],
		['manual', 401, { endpoint: 'manual' }],
		['orphan', 404, free],
		['unknown', 404, { message: 'Not found' }],
		['unknown', 200, { endpoint: webhookDigest('id') }],
		['unknown', 401, { endpoint: 7 }],
		['unknown', 401, null],
		['unknown', 401, 'Unauthorized'],
	])('says %s by the status %d and %j', async (listener, statusCode, body) => {
		const { asked, context } = n8nThat({ statusCode, body, headers: {} });
		expect(await listenerAt(context, webhook, root)).toBe(listener);
		// A process of another version may be the one that answers.
		const headers = { 'x-hubble-check': probeValue(context) };
		expect(asked).toEqual([{ ...anyStatus, method: 'POST', url: webhook.url, headers, body: {}, json: true }]);
	});

	it.each([
		[true, 'OPTIONS, GET, POST'],
		[false, 'OPTIONS, GET'],
		[undefined, 'POST, OPTIONS'],
		[undefined, undefined],
	])('says whether POST is taken, %j, by the methods %j', async (hasPost, methods) => {
		const headers = { 'access-control-allow-methods': methods };
		const { asked, context } = n8nThat({ statusCode: 204, body: '', headers });
		const url = `${root}webhook/orders`;
		expect(await hasPostAt(context, url, root)).toBe(hasPost);
		expect(asked).toEqual([{ ...anyStatus, method: 'OPTIONS', url, headers: { Origin: 'https://a.example' } }]);
	});

	it('is not asked by the URL of anything else, and not known where it does not answer', async () => {
		const { asked, context } = n8nThat({ statusCode: 404, body: free, headers: {} });
		const other = { ...webhook, url: `${root}rest/login` };
		expect(await listenerAt(context, other, root)).toBe('unknown');
		expect(await listenerAt(context, webhook, undefined)).toBe('unknown');
		for (const path of ['rest/login', 'x/webhook/orders', 'webhook-waiting/7', 'webhook'])
			expect(await hasPostAt(context, root + path, root)).toBeUndefined();
		expect(await hasPostAt(context, `${root}webhook-test/orders`, 'https://b.example/')).toBeUndefined();
		expect(asked).toEqual([]);
		const away = n8nThat(new Error('away'));
		expect(await listenerAt(away.context, webhook, root)).toBe('unknown');
		expect(await hasPostAt(away.context, `${root}webhook-test/orders`, root)).toBeUndefined();
		expect(away.asked).toHaveLength(2);
	});

	it('is asked with a word that only this n8n knows, and answers with a digest that says no ID', () => {
		const value = (instance: string) => probeValue(contextOf({ instance }));
		expect([value('a') === value('a'), value('a') === value('b'), value('a').length]).toEqual([true, false, 64]);
		expect(value('a')).not.toBe(probeValue({ getInstanceId: () => '' } as never));
		expect([webhookDigest('id') === webhookDigest('other'), webhookDigest('id')]).toEqual([
			false,
			expect.stringMatching(/^[0-9a-f]{16}$/),
		]);
	});
});
