/* eslint-disable @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/no-restricted-imports -- lets what is under way go on before a wait ends; a body as a stream */
/** One call to Hubble and the calls after it: what is sent again, what is not sent at all, and how long it may take. */
import { Readable } from 'node:stream';
import { NodeApiError, type IDataObject, type IHttpRequestOptions, type IN8nHttpFullResponse } from 'n8n-workflow';
import { connect, credentialOf, HubbleClient, type Context, type Run } from '../../nodes/shared/client/client';
import type { Endpoint } from '../../nodes/shared/client/endpoints';

/** Waits take no time: the clock is put to their end. */
const mockTime = { now: 0, waits: [] as number[] };
jest.mock('../../nodes/shared/n8n', () => ({
	...jest.requireActual<object>('../../nodes/shared/n8n'),
	abortableSleep: async (ms: number, signal?: AbortSignal) => {
		const due = mockTime.now + ms;
		mockTime.waits.push(ms);
		// What is under way comes first.
		await new Promise((resolve) => setImmediate(resolve));
		signal?.throwIfAborted();
		mockTime.now = Math.max(mockTime.now, due);
	},
}));

let world = 0;
beforeEach(() => {
	world += 1;
	mockTime.now = world * 1e9;
	mockTime.waits = [];
	jest.spyOn(performance, 'now').mockImplementation(() => mockTime.now);
	jest.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterEach(() => jest.restoreAllMocks());

/** A reply, and how long it takes; an error is that of a connection. */
type Answer =
	(Partial<IN8nHttpFullResponse> & { ms?: number; meanwhile?: () => void }) | (Error & { meanwhile?: () => void });

const status = (statusCode: number, body: IDataObject = {}, headers: IDataObject = {}): Answer => ({
	statusCode,
	headers: headers as IN8nHttpFullResponse['headers'],
	body: body as IN8nHttpFullResponse['body'],
});
const broken = (code: string) => Object.assign(new Error('broken'), { code });
const ORGANIZATION = '123e4567-e89b-12d3-a456-426614174000';

interface Setup extends Pick<Run, 'deadline' | 'isUrgent' | 'poller' | 'signal'> {
	/** The credential as it is read, the last one from then on. */
	credentials?: Array<IDataObject | Error>;
	/** A token that Hubble does not accept. */
	refused?: string;
}

/** A client of a Hubble that gives these answers, and then that all is well; of each test, the host is another one. */
async function clientOf(answers: Answer[] = [], { credentials = [{}], refused, signal, ...limits }: Setup = {}) {
	const sent: Array<IHttpRequestOptions & { token?: unknown; at: number }> = [];
	const url = `https://host-${world}.example`;
	let reads = 0;
	const reply = async (options: IHttpRequestOptions, token?: unknown) => {
		sent.push({ ...options, token, at: mockTime.now });
		const answer = refused !== undefined && token === refused ? status(401) : (answers.shift() ?? {});
		await Promise.resolve();
		if (answer instanceof Error) {
			answer.meanwhile?.();
			throw answer;
		}
		const { ms = 0, meanwhile, ...more } = answer;
		mockTime.now += ms;
		meanwhile?.();
		return { statusCode: 200, headers: {}, body: { ok: true }, ...more };
	};
	const context = {
		getNode: () => ({ name: 'Reader', type: 'n8n-nodes-hubble.hubbleDevice' }),
		getCredentials: async (type: string) => {
			if (type !== 'hubbleApi') throw new Error('no such credential');
			const given = credentials[Math.min(reads++, credentials.length - 1)];
			if (given instanceof Error) throw given;
			return { apiToken: 'token-1', organizationId: ORGANIZATION, baseUrl: url, requestsPerSecond: 1000, ...given };
		},
		...(signal ? { getExecutionCancelSignal: () => signal } : {}),
		helpers: {
			httpRequest: async (options: IHttpRequestOptions) => await reply(options),
			httpRequestWithAuthentication: async (
				type: string,
				options: IHttpRequestOptions,
				{ credentialsDecrypted }: { credentialsDecrypted: { data: IDataObject } },
			) => await reply(options, type === 'hubbleApi' && credentialsDecrypted.data.apiToken),
		},
	} as unknown as Context;
	const hubble = await connect(context, limits);
	return { hubble, sent, url, context, reads: () => reads };
}

const get: Endpoint = { method: 'GET', path: '/v1/org/{org_id}/things' };
const others: Endpoint = { method: 'GET', path: '/v1/org/{org_id}/others' };
const post: Endpoint = { method: 'POST', path: '/v1/org/{org_id}/things', replyHas: { id: 'text' } };
const remove: Endpoint = { method: 'DELETE', path: '/v1/org/{org_id}/things/{thing_id}' };

const failureOf = async (hubble: HubbleClient, endpoint = get, more: object = {}) =>
	await hubble.send({ endpoint, ...more }).then(
		() => undefined,
		(error: NodeApiError) => error,
	);
const messageOf = async (...given: Parameters<typeof failureOf>) => (await failureOf(...given))?.message;

describe('A call', () => {
	it.each([
		['api', '/api/v2/org/123e4567-e89b-12d3-a456-426614174000/a%2Fb/'],
		['versioned', '/v2/org/123e4567-e89b-12d3-a456-426614174000/a%2Fb/'],
	])('has its IDs in its path, and the credential’s spelling of it: %s', async (apiPaths, path) => {
		const { hubble, sent, url } = await clientOf([], { credentials: [{ apiPaths }] });
		const ids = { thing_id: 'a/b', org_id: 'not this one' };
		await hubble.send({ endpoint: { method: 'GET', path: '/v2/org/{org_id}/{thing_id}/{none}' }, ids });
		expect(sent).toMatchObject([{ method: 'GET', url: url + path, token: 'token-1' }]);
		expect([hubble.baseUrl, hubble.organizationId, hubble.isStopped]).toEqual([url, ORGANIZATION, false]);
	});

	it('is sent again after a failure, five times at most, and each one is counted', async () => {
		const { hubble, sent } = await clientOf([status(503), broken('ECONNRESET'), status(200, { a: 1 })]);
		expect((await hubble.send({ endpoint: get })).body).toEqual({ a: 1 });
		expect([sent.length, hubble.run.traffic.requests, mockTime.waits]).toEqual([3, 3, [1000, 2000]]);
		const lost = await clientOf(Array<Answer>(9).fill(status(503)));
		expect(await failureOf(lost.hubble)).toMatchObject({
			message: 'Hubble could not process the request (HTTP 503)',
			description: expect.stringMatching(/^5 attempts\. Try again later\. X-Request-ID: /),
			context: { status: 503 },
		});
		expect(lost.sent).toHaveLength(5);
	});

	it.each<[string, Endpoint, Answer, number, boolean]>([
		['that creates', post, status(503), 1, true],
		['that creates, and had no answer', post, broken('ECONNRESET'), 1, true],
		['that creates, and was not sent', post, broken('ECONNREFUSED'), 1, false],
		['that creates, and was refused', post, status(400, { name: 'Bad' }), 1, false],
		['that creates, and may be sent again', { ...post, isRepeatable: true }, status(503), 5, true],
		['that creates, and was answered with what is not JSON', post, { body: 'what' as never }, 1, true],
		['that reads', get, status(503), 5, false],
	])('%s is sent so often, and leaves a doubt or none', async (_, endpoint, answer, times, isInDoubt) => {
		const { hubble, sent } = await clientOf(Array<Answer>(9).fill(answer));
		const error = await failureOf(hubble, endpoint);
		expect(sent).toHaveLength(times);
		expect(String(error?.description).includes('may still have succeeded')).toBe(isInDoubt);
	});

	it('that creates is sent again where Hubble was busy, and the run counts how long it waited', async () => {
		const busy = status(429, {}, { 'retry-after': '7' });
		const { hubble, sent } = await clientOf([busy, status(200, { id: 'new' })]);
		expect((await hubble.send({ endpoint: post })).body).toEqual({ id: 'new' });
		expect(sent).toHaveLength(2);
		expect(hubble.run.traffic.waitedMs).toBeGreaterThanOrEqual(7000);
		expect(hubble.run.traffic.waitedMs).toBeLessThan(9000);
		// A server error is no limit.
		const broken = await clientOf([status(503)]);
		await broken.hubble.send({ endpoint: get });
		expect(broken.hubble.run.traffic.waitedMs).toBeLessThan(10);
	});

	it('waits while Hubble wants no call of its kind, whoever was told so; other organizations do not', async () => {
		const start = mockTime.now;
		const { hubble, sent } = await clientOf([status(429, {}, { 'retry-after': '60' })]);
		const first = hubble.send({ endpoint: get });
		await new Promise((resolve) => setImmediate(resolve));
		await Promise.all([first, hubble.send({ endpoint: get })]);
		expect(sent.map(({ at }) => at >= start + 60_000)).toEqual([false, true, true]);
		const other = await clientOf([], { credentials: [{ organizationId: ORGANIZATION.replace('1', '2') }] });
		expect(other.hubble.service.rateLimiter).not.toBe(hubble.service.rateLimiter);
	});

	it('waits for a slower credential of its organization that is next, and looks no oftener than that', async () => {
		const fast = await clientOf();
		const slow = await clientOf([], { credentials: [{ requestsPerSecond: 0.5 }] });
		for (let calls = 0; calls < 2; calls++) await slow.hubble.send({ endpoint: get });
		await Promise.all([slow.hubble.send({ endpoint: get }), fast.hubble.send({ endpoint: get })]);
		expect([slow.sent.length, fast.sent.length]).toEqual([3, 1]);
		// Both wait for the start of the slow one; then the fast one takes its turn.
		expect(mockTime.waits).toEqual([2000, 2000, 2000, 1]);
	});

	it('of a dialog of the editor ends within 20 seconds', async () => {
		const { hubble, context } = await clientOf();
		const dialog = await connect({ ...context, getCurrentNodeParameter: () => undefined } as never);
		expect([hubble.run.deadline, Number(dialog.run.deadline) - mockTime.now]).toEqual([undefined, 20_000]);
	});

	it('counts waits side by side once', async () => {
		const busy = () => status(429, {}, { 'retry-after': '10' });
		const { hubble } = await clientOf([busy(), { ...busy(), ms: 5000 }]);
		await Promise.all([hubble.send({ endpoint: get }), hubble.send({ endpoint: others })]);
		expect(hubble.run.traffic.waitedMs).toBeGreaterThanOrEqual(15_000);
		expect(hubble.run.traffic.waitedMs).toBeLessThan(16_000);
		expect(hubble.run.traffic.waiting).toBe(0);
	});

	it.each([
		['reads', get, 'The execution was stopped'],
		['creates', post, 'Could not reach Hubble'],
	] as const)(
		'that %s and is under way when the execution is stopped says so, and what may have happened',
		async (_, endpoint, says) => {
			const stop = new AbortController();
			const cut = Object.assign(broken('ERR_CANCELED'), { meanwhile: () => stop.abort() });
			const { hubble } = await clientOf([cut], { signal: stop.signal });
			const error = await failureOf(hubble, endpoint);
			expect(error?.message).toContain(says);
			expect(String(error?.description).includes('may still have succeeded')).toBe(endpoint === post);
		},
	);

	it('of another client is cut when the execution is stopped, where it only reads', async () => {
		const stop = new AbortController();
		const { hubble, sent } = await clientOf([], { signal: stop.signal });
		for (const endpoint of [get, { ...post, replyHas: undefined }]) await hubble.as('token-9').send({ endpoint });
		expect(sent.map(({ abortSignal }) => abortSignal)).toEqual([stop.signal, undefined]);
	});

	it('fails with the error of the one that reads its reply, and is not sent again', async () => {
		const full = new Error('no space left');
		const read = async () => await Promise.reject(full);
		const { hubble, sent } = await clientOf([{ body: Readable.from(['x']) as never }]);
		expect(await failureOf(hubble, get, { read })).toBe(full);
		expect(sent).toHaveLength(1);
	});

	it('whose success is not Hubble’s fails, and names what to check', async () => {
		const { hubble, url } = await clientOf([status(200, { other: 1 })]);
		expect(await failureOf(hubble, post)).toMatchObject({
			message: 'The response has no "id" field',
			description: expect.stringContaining(`(${url})`),
		});
		const { service, run, session } = hubble;
		const partner = new HubbleClient({ ...service, check: 'Check that.' }, run, session);
		expect((await failureOf(partner, post))?.description).toMatch(/^Check that\. The request may still/);
	});
});

describe('A deletion', () => {
	const ids = { thing_id: 't' };
	const gone = () => status(404, { name: 'NotFound' });

	it.each<[string, object, Answer[], unknown]>([
		['whose reply was lost', {}, [status(503), gone()], { name: 'NotFound' }],
		[
			'whose reply cannot be read',
			{},
			[{ body: '{"a' as never, headers: { 'content-type': 'application/json' } }, gone()],
			{ name: 'NotFound' },
		],
		['of which the call says what it gives', { whenGone: { done: true } }, [status(500), gone()], { done: true }],
		['of which a proxy says that it is not there', {}, [status(503), status(404)], undefined],
		['of what is not there', {}, [gone()], undefined],
		[
			'of which only a proxy says that it is gone',
			{},
			[status(503), status(404, { message: 'no backend' })],
			undefined,
		],
		['that was not sent before', {}, [broken('ECONNREFUSED'), gone()], undefined],
		['of several at once', { endpoint: { ...remove, isBatch: true } }, [status(503), gone()], undefined],
		['that is another call', { endpoint: { ...get, path: remove.path } }, [status(503), gone()], undefined],
		['that is not gone', {}, [status(503), status(400, { name: 'Bad' })], undefined],
	])('%s', async (_, more, answers, body) => {
		const { hubble } = await clientOf(answers);
		const reply = await hubble.send({ endpoint: remove, ids, ...more }).catch(() => undefined);
		expect(reply?.body).toEqual(body);
	});
});

describe('What would fail again is not sent', () => {
	const scope = { name: 'Forbidden', description: 'The scope read-things is missing' };

	it('where the token was refused: any call', async () => {
		const { hubble, sent } = await clientOf([status(401)]);
		const first = await failureOf(hubble);
		const second = await failureOf(hubble, others);
		expect([first?.message, second?.message]).toEqual(Array(2).fill('Hubble does not accept the API token'));
		// Each item adds to an error of its own.
		expect(second).not.toBe(first);
		expect(sent).toHaveLength(1);
	});

	it('where a scope is missing: the same call; for another reason, none', async () => {
		const { hubble, sent } = await clientOf([status(403, scope)]);
		for (let calls = 0; calls < 3; calls++) expect(await messageOf(hubble)).toMatch(/scope/);
		expect(await messageOf(hubble, others)).toBeUndefined();
		expect(sent).toHaveLength(2);
		const plan = await clientOf([status(403, { name: 'Forbidden', description: 'Your telescopes are none' })]);
		expect(await messageOf(plan.hubble)).toMatch(/Hubble does not allow this/);
		expect(await messageOf(plan.hubble)).toBeUndefined();
		// The words are of a 403 alone.
		const invalid = await clientOf([status(400, scope)]);
		await failureOf(invalid.hubble);
		expect(await messageOf(invalid.hubble)).toBeUndefined();
	});

	it.each(['scopes', 'set_scopes'])(
		'but for a call whose item names the %s: those of another may be allowed',
		async (name) => {
			const { hubble } = await clientOf([status(403, scope)]);
			expect(await messageOf(hubble, post, { body: { [name]: ['read-things'] } })).toMatch(/scope/);
			expect(await messageOf(hubble, { ...post, replyHas: undefined }, { body: { [name]: [] } })).toBeUndefined();
		},
	);

	it('to a call that waits for the limit while another one learns of it', async () => {
		const busy = status(429, {}, { 'retry-after': '60' });
		const { hubble, sent } = await clientOf([busy, status(401)]);
		const [one, other] = await Promise.all([failureOf(hubble), failureOf(hubble, others)]);
		expect([one?.message, other?.message]).toEqual(Array(2).fill('Hubble does not accept the API token'));
		expect(sent).toHaveLength(2);
	});

	const lost = (times: number) => Array<Answer>(times).fill(status(503));

	it('where three calls in a row had no answer', async () => {
		const { hubble, sent } = await clientOf(lost(15));
		for (let calls = 0; calls < 3; calls++) await failureOf(hubble);
		const error = await failureOf(hubble, others);
		expect(error?.message).toMatch(/^Not sent, because 3 requests in a row failed\. Hubble could not/);
		expect(sent).toHaveLength(15);
	});

	it('where Hubble was too busy for three, each for all its tries or for too long', async () => {
		for (const [headers, tries] of [
			[{}, 5],
			[{ 'retry-after': '600' }, 1],
		] as const) {
			const { hubble, sent } = await clientOf(Array<Answer>(99).fill(status(429, {}, headers)));
			for (let calls = 0; calls < 3; calls++) expect(await messageOf(hubble)).toMatch(/^Rate limit reached/);
			expect(await messageOf(hubble)).toMatch(/^Not sent, because 3 requests in a row failed\. Rate limit reached/);
			expect(sent).toHaveLength(3 * tries);
		}
	});

	it('but for one that a refusal parts from the others', async () => {
		const { hubble, sent } = await clientOf([...lost(10), { ...status(400, { name: 'Bad' }), ms: 6000 }, ...lost(10)]);
		for (let calls = 0; calls < 5; calls++) await failureOf(hubble);
		expect(await messageOf(hubble)).toBeUndefined();
		expect(sent).toHaveLength(22);
	});

	it('but for those that were under way together: one outage counts once', async () => {
		const { hubble } = await clientOf(lost(20));
		await Promise.all(Array.from({ length: 4 }, async () => await failureOf(hubble)));
		expect(hubble.run.outage.unanswered).toHaveLength(1);
		expect(await messageOf(hubble)).toBeUndefined();
	});

	it.each<[string, Answer, number]>([
		['failed fast and once', { ...status(500), ms: 4999 }, 0],
		['took long', { ...status(500), ms: 5000 }, 3],
		['had no answer at all', broken('ECONNRESET'), 3],
	])('counts a call that is sent only once, and %s, or not', async (_, answer, counted) => {
		const { hubble } = await clientOf(Array<Answer>(9).fill(answer));
		for (let calls = 0; calls < 3; calls++) await failureOf(hubble, post);
		expect(hubble.run.outage.unanswered).toHaveLength(counted);
	});
});

describe('A token that was refused', () => {
	it('is replaced by the one that the credential has by now, for any call, once', async () => {
		const { hubble, sent, reads } = await clientOf([status(401), status(200, { id: 'new' })], {
			credentials: [{}, { apiToken: 'token-2' }],
		});
		expect((await hubble.send({ endpoint: post })).body).toEqual({ id: 'new' });
		expect(sent.map(({ token }) => token)).toEqual(['token-1', 'token-2']);
		expect(reads()).toBe(2);
		expect(Math.max(...mockTime.waits)).toBeLessThan(10);
		expect(await messageOf(hubble, others)).toBeUndefined();
	});

	it('is told from a call that failed, where the new login fails', async () => {
		const { hubble, context } = await clientOf([status(401)]);
		const down = new NodeApiError(context.getNode(), {}, { httpCode: '503', message: 'down' });
		hubble.session.renew = async () => await Promise.reject(down);
		const error = await failureOf(hubble, post);
		expect([error, error?.context.isOfLogin]).toEqual([down, true]);
		const refused = await clientOf([status(400)]);
		expect((await failureOf(refused.hubble, post))?.context).not.toHaveProperty('isOfLogin');
	});

	it('alone is one', async () => {
		const { hubble, sent, reads } = await clientOf([status(503)], { credentials: [{}, { apiToken: 'token-2' }] });
		await hubble.send({ endpoint: get });
		expect([sent.map(({ token }) => token), reads()]).toEqual([['token-1', 'token-1'], 1]);
	});

	it.each<[string, Array<IDataObject | Error>, number]>([
		['twice', [{}, { apiToken: 'token-2' }, { apiToken: 'token-3' }], 2],
		['and stayed', [{}], 1],
		['and whose credential is gone', [{}, new Error('gone')], 1],
		[
			'and whose credential is of another organization',
			[{}, { apiToken: 't', organizationId: ORGANIZATION.replace('1', '2') }],
			1,
		],
		['and whose credential is of another host', [{}, { apiToken: 't', baseUrl: 'https://other.example' }], 1],
	])('%s ends the run', async (_, credentials, times) => {
		const { hubble, sent } = await clientOf(Array<Answer>(9).fill(status(401)), { credentials });
		expect(await messageOf(hubble)).toBe('Hubble does not accept the API token');
		expect(sent).toHaveLength(times);
	});

	it('by two calls at once is read anew for both', async () => {
		const credentials = [{}, { apiToken: 'token-2' }];
		const { hubble, reads } = await clientOf([], { credentials, refused: 'token-1' });
		const both = await Promise.all([messageOf(hubble), messageOf(hubble, others)]);
		expect(both).toEqual([undefined, undefined]);
		expect(reads()).toBeLessThanOrEqual(3);
		expect(hubble.session.secrets).toEqual(['token-1', 'token-2']);
	});

	it('is that of another client', async () => {
		const { hubble, sent } = await clientOf([status(401)]);
		const tried = hubble.as('token-8').as('token-9');
		const error = await failureOf(tried);
		expect(error?.message).toBe('Hubble does not accept the API token');
		expect(error?.description).toContain('It is not the token in the credential');
		expect(sent[0]?.headers).toMatchObject({ Authorization: 'Bearer token-9', 'X-Request-ID': expect.any(String) });
		expect(await messageOf(hubble)).toBeUndefined();
		expect(tried.redact('token-9 token-8 token-1')).toBe('*** *** ***');
	});

	it('is that of the credential, where that one is what is tried', async () => {
		const { hubble } = await clientOf([status(401)]);
		expect((await failureOf(hubble.as('token-1')))?.description).toContain('save it in the credential');
	});
});

describe('A run that must end', () => {
	it('does not wait beyond its deadline: for another try', async () => {
		const { hubble, sent } = await clientOf([status(503)], { deadline: mockTime.now + 999 });
		expect(await messageOf(hubble)).toMatch(/HTTP 503/);
		expect([sent.length, mockTime.waits]).toEqual([1, []]);
	});

	it('does not wait beyond its deadline: for the rate limit', async () => {
		const busy = { retry: status(429, {}, { 'retry-after': '60' }) };
		const { hubble, sent } = await clientOf([busy.retry]);
		const waiting = failureOf(hubble);
		await Promise.resolve();
		const error = await failureOf(hubble.with({ deadline: mockTime.now }));
		expect(error).toMatchObject({
			name: 'NodeOperationError',
			message: 'Timed out waiting for the rate limit',
			description: expect.stringContaining('Run fewer workflows at the same time'),
		});
		expect(await waiting).toBeUndefined();
		expect(sent).toHaveLength(2);
	});

	it('sends nothing and waits for nothing once it is stopped', async () => {
		const stop = new AbortController();
		const { hubble, sent } = await clientOf([{ ...status(503), meanwhile: () => stop.abort() }], {
			signal: stop.signal,
		});
		expect(await messageOf(hubble)).toMatch(/HTTP 503/);
		expect([hubble.isStopped, mockTime.waits]).toEqual([true, []]);
		// Where it would have its turn at once.
		mockTime.now += 60_000;
		expect(await messageOf(hubble)).toBe('The execution was stopped');
		await expect(hubble.delay(5)).rejects.toThrow('The execution was stopped');
		expect(sent).toHaveLength(1);
	});

	it('may have a deadline and a signal of a part of it, beside its own', async () => {
		const [all, part] = [new AbortController(), new AbortController()];
		const { hubble } = await clientOf([], { signal: all.signal, deadline: Infinity });
		const one = hubble.with({ signal: part.signal });
		expect([one.run.deadline, one.run.traffic]).toEqual([Infinity, hubble.run.traffic]);
		part.abort();
		expect([hubble.isStopped, one.isStopped]).toEqual([false, true]);
		const other = hubble.with({ deadline: 7 });
		expect(other.run.deadline).toBe(7);
		all.abort();
		expect(other.isStopped).toBe(true);
	});

	it('lets polls go first whose nodes had no turn for longest', async () => {
		const { hubble, sent } = await clientOf();
		const { service, run, session } = hubble;
		const poll = async (turnAt: number) =>
			await new HubbleClient(service, { ...run, poller: { turnAt } }, session).send({
				endpoint: get,
				query: { turnAt },
			});
		await hubble.send({ endpoint: get });
		await Promise.all([poll(2), poll(1)]);
		expect(sent.map(({ qs }) => (qs as IDataObject | undefined)?.turnAt)).toEqual([undefined, 1, 2]);
	});

	it('of a poll notes when it had its turn', async () => {
		const poller = { turnAt: 0 };
		const { hubble } = await clientOf([], { poller });
		await hubble.send({ endpoint: get });
		expect(poller.turnAt).toBe(mockTime.now);
	});
});

describe('A login, which others share,', () => {
	const never = new Promise<void>(() => {});

	/** A client of a run that waits for a login, and what was sent with it. */
	async function waiting(
		limits: Pick<Run, 'deadline' | 'signal'>,
		open = async () => await never,
		answers: Answer[] = [],
	) {
		const { hubble, sent } = await clientOf(answers, limits);
		const { service, run, session } = hubble;
		return { hubble: new HubbleClient(service, run, { ...session, open, renew: async () => await never }), sent };
	}

	it('is waited for until the run must be over', async () => {
		for (const deadline of [mockTime.now + 20.5, mockTime.now - 1]) {
			const { hubble, sent } = await waiting({ deadline });
			expect(await messageOf(hubble)).toBe('Timed out waiting to sign in to Hubble');
			expect(sent).toEqual([]);
		}
	});

	it('is waited for until the run is stopped', async () => {
		const stop = new AbortController();
		const { hubble, sent } = await waiting({ signal: stop.signal });
		const failed = messageOf(hubble);
		stop.abort();
		expect([await failed, await messageOf(hubble)]).toEqual(Array(2).fill('The execution was stopped'));
		expect(sent).toEqual([]);
	});

	it('that takes the place of one that was refused is waited for no longer', async () => {
		const { hubble, sent } = await waiting({ deadline: mockTime.now + 20 }, async () => {}, [status(401)]);
		expect(await messageOf(hubble)).toBe('Timed out waiting to sign in to Hubble');
		expect(sent).toHaveLength(1);
	});

	it('that fails says why, and one that comes in time is used', async () => {
		const stop = new AbortController();
		const limits = { deadline: mockTime.now + 1000, signal: stop.signal };
		const failing = await waiting(limits, async () => await Promise.reject(new Error('refused')));
		expect(await messageOf(failing.hubble)).toBe('refused');
		const { hubble } = await waiting(limits, async () => await new Promise((resolve) => setImmediate(resolve)));
		expect((await hubble.send({ endpoint: get })).body).toEqual({ ok: true });
		stop.abort();
	});
});

describe('The time at Hubble', () => {
	const dated = (ms: number) => status(200, { org_id: 'o' }, { date: new Date(ms).toUTCString() });

	it.each<[string, Answer[], number]>([
		['is asked for once where n8n’s clock agrees', [dated(Date.now())], 1],
		['is asked for twice where it does not', [dated(0), dated(0)], 2],
		['is asked for twice at most', [dated(0), dated(9e8), dated(0)], 2],
	])('%s', async (_, answers, times) => {
		const { hubble, sent } = await clientOf(answers);
		await hubble.learnNow();
		expect(sent.map(({ url }) => url.endsWith('/check'))).toEqual(Array(times).fill(true));
	});

	it('is not asked for again', async () => {
		const { hubble, sent } = await clientOf([dated(0), dated(0)]);
		expect(await hubble.learnNow()).toBeLessThan(2);
		expect(await hubble.learnNow()).toBe(hubble.now());
		expect(sent).toHaveLength(2);
	});
});

describe('What a failure says', () => {
	it.each<[string, IDataObject, RegExp]>([
		[
			'of Hubble',
			{ name: 'Bad', description: 'No such thing' },
			/^Hubble says: "No such thing" Compare the parameters/,
		],
		['of Hubble without a description', { name: 'Bad', message: 'No' }, /^Hubble says: "No" Compare/],
		['of Hubble by its name alone', { name: 'Bad' }, /^Hubble says: "Bad" Compare/],
		['of a proxy', { message: 'Blocked by token-1' }, /^The server says: "Blocked by \*\*\*" Check the Base URL/],
		['of something else', { description: { a: 1 } }, /^Compare the parameters/],
	])('in the words %s', async (_, body, says) => {
		const { hubble } = await clientOf([status(400, body)]);
		expect((await failureOf(hubble))?.description).toMatch(says);
	});

	it('names the request as Hubble knows it, without a secret', async () => {
		const { hubble } = await clientOf([status(400, {}, { 'x-request-id': 'q token-1' })]);
		expect((await failureOf(hubble))?.description).toMatch(/ X-Request-ID: q \*\*\*\.$/);
	});

	it('is its code, in which no secret is left', async () => {
		const { hubble } = await clientOf([status(400, { code: 'X token-1' })]);
		expect((await failureOf(hubble))?.context.errorCode).toBe('X ***');
	});

	it('is in the words of the service where it has some; a code is enough to know its errors', async () => {
		const { hubble } = await clientOf([status(400, { code: 'E300' }), status(404, { code: 'E1' })]);
		const { service, run, session } = hubble;
		const seen: unknown[] = [];
		const explain = (failure: { isHubbles: boolean; errorCode?: string; ids: object }) => {
			seen.push([failure.isHubbles, failure.errorCode, failure.ids]);
			return { message: 'Ours', remedy: 'So.' };
		};
		const partner = new HubbleClient({ ...service, explain }, run, session);
		expect(await messageOf(partner, get, { ids: { a: 'b' } })).toBe('Ours');
		expect(seen).toEqual([[true, 'E300', { a: 'b' }]]);
		expect(await messageOf(hubble)).toMatch(/^The response is not from the Hubble API/);
	});

	it('has none of the secrets, also where one contains another', async () => {
		const { hubble } = await clientOf();
		hubble.session.secrets.push('token-12', '');
		expect(hubble.redact('token-12 token-1 token')).toBe('*** *** token');
	});

	it('names the credential that cannot be used', async () => {
		const { context } = await clientOf();
		const unusable = () => {
			throw new Error('It is empty');
		};
		await expect(credentialOf(context, 'hubbleApi', unusable)).rejects.toMatchObject({
			message: 'It is empty',
			description: 'Open the credential, correct the field, and test it there. Nothing was sent.',
		});
	});
});
