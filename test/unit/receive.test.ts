/** One delivery, whichever service sends it: what is answered, what starts, and what n8n's log says. */
import type { IDataObject, IWebhookFunctions } from 'n8n-workflow';
import { PROBE_HEADER, probeValue } from '../../nodes/shared/webhook/probe';
import { isSound, receive, type Delivery, type WebhookService } from '../../nodes/shared/webhook/receive';

let nodes = 0;

/** A published trigger of a service that verifies everything and reads one item, unless the test says otherwise. */
function triggerOf(given: Partial<WebhookService> = {}) {
	const node = { id: `node ${(nodes += 1)}`, name: 'Trigger' };
	const service: WebhookService = {
		secrets: () => [],
		verify: () => true,
		remedy: () => 'compare the secrets',
		read: () => ({ items: [{ a: 1 }] }),
		...given,
	};
	const log: string[] = [];
	const context = (request: object, answers: Array<[status: number, body: object]>) => {
		const status = (code: number) => ({ json: (body: object) => answers.push([code, body]) });
		return {
			getNode: () => node,
			getWorkflow: () => ({ id: 'workflow' }),
			getInstanceId: () => 'instance',
			getMode: () => 'webhook',
			getNodeParameter: (_: string, otherwise: unknown) => otherwise,
			getRequestObject: () => request,
			getResponseObject: () => ({ status, statusCode: 200, json: () => undefined, end: () => undefined }),
			logger: { warn: (line: string) => log.push(line) },
		} as unknown as IWebhookFunctions;
	};
	async function deliver({ headers, ...more }: Partial<Delivery> & { readRawBody?: () => Promise<void> } = {}) {
		const answers: Array<[status: number, body: object]> = [];
		const request = {
			headers: { 'content-type': 'application/json', ...headers },
			rawBody: Buffer.from('{}'),
			body: {},
			ip: '203.0.113.9',
			...more,
		};
		const result = await receive(context(request, answers), service);
		expect(result.noWebhookResponse).toBe(answers.length ? true : undefined);
		const [[status, body] = [undefined, undefined]] = answers;
		return { status, body, items: result.workflowData?.[0]?.map(({ json }) => json) };
	}
	return { deliver, log, probe: { [PROBE_HEADER]: probeValue(context({}, [])) } };
}

const refused = (status: number, message: string) => ({ status, body: { message }, items: undefined });
const started = { status: undefined, items: [{ a: 1 }] };

it.each(['application/json', 'Application/JSON ; charset=utf-8'])(
	'a delivery of the type %s is taken',
	async (type) => {
		expect(await triggerOf().deliver({ headers: { 'content-type': type } })).toMatchObject(started);
	},
);

it.each(['application/jsonp', 'text/application/json', 'application/json, text/plain', undefined])(
	'a delivery of the type %s is refused',
	async (type) => {
		const { status, body } = await triggerOf().deliver({ headers: { 'content-type': type } });
		expect([status, body]).toEqual([415, { message: 'The Content-Type must be application/json.' }]);
	},
);

it.each([
	['a text', { body: 'text' }],
	['null', { body: null }],
	['a list', { body: [{}] }],
	['empty', { rawBody: Buffer.alloc(0) }],
	['not there', { rawBody: undefined }],
])('a body that is %s is refused', async (_, given) => {
	const { deliver, log } = triggerOf();
	expect(await deliver(given)).toEqual(refused(400, 'The body must be a JSON object.'));
	expect(log).toEqual(['"Trigger" refused a delivery with 400: The body must be a JSON object.']);
});

it('the body of whoever sends is read only where it verifies the delivery', async () => {
	const readRawBody = jest.fn(() => Promise.reject(new Error('aborted')));
	const unread = { rawBody: undefined, body: undefined, readRawBody };
	const message = 'The body could not be read.';
	expect(await triggerOf({ needsBody: true }).deliver(unread)).toEqual(refused(400, message));
	expect(readRawBody).toHaveBeenCalledTimes(1);
	await triggerOf({ needsBody: true }).deliver({ readRawBody });
	await triggerOf({ verify: () => false }).deliver(unread);
	expect(readRawBody).toHaveBeenCalledTimes(1);
});

it('a sender that is not allowed is named, at the length of an address', async () => {
	const { deliver, log } = triggerOf({ admits: (_, sender) => sender === '203.0.113.9' });
	expect(await deliver()).toMatchObject(started);
	expect(await deliver({ ip: 'x'.repeat(1000) })).toEqual(refused(403, `The sender ${'x'.repeat(45)} is not allowed.`));
	expect(await deliver({ ip: undefined })).toEqual(refused(403, 'The sender  is not allowed.'));
	expect(log).toEqual([`"Trigger" refused a delivery with 403: The sender ${'x'.repeat(45)} is not allowed.`]);
});

it('what cannot be verified has one line a minute, with what to do; a call of our own has none', async () => {
	const now = jest.spyOn(performance, 'now').mockReturnValue(0);
	const { deliver, log, probe } = triggerOf({ verify: () => false, identify: () => 'digest' });
	const message = 'The delivery could not be verified.';
	const answer = { status: 401, body: { message, endpoint: 'digest' }, items: undefined };
	expect(await deliver({ headers: probe })).toEqual(answer);
	expect(await deliver({ headers: { [PROBE_HEADER]: 'forged' } })).toEqual(refused(401, message));
	await deliver();
	now.mockReturnValue(60_000);
	await deliver();
	now.mockRestore();
	expect(log).toEqual([
		'"Trigger" could not verify a delivery. If Hubble sent it, compare the secrets.',
		'"Trigger" could not verify 2 deliveries since the last message about it. If Hubble sent these, compare the secrets.',
	]);
	expect(await triggerOf({ verify: () => false }).deliver({ headers: probe })).toEqual(refused(401, message));
});

it('what fails is answered with "later", and each kind of failure has its own line', async () => {
	const fail = (text: string) => {
		throw new Error(text);
	};
	const { deliver, log } = triggerOf({
		secrets: () => [],
		verify: ({ headers }) => !headers.forged,
		read: (_, { body }) => ((body as IDataObject).odd ? fail('odd') : { items: [{ a: 1 }], misfit: 'None fit.' }),
	});
	expect(await deliver({ body: { odd: true } })).toEqual(
		refused(503, 'The delivery could not be accepted. Try again later.'),
	);
	await deliver({ headers: { forged: 'yes' } });
	expect(await deliver()).toMatchObject(started);
	expect(log.map((line) => line.slice(10, 30))).toEqual([
		'could not accept a d',
		'could not verify a d',
		'could not decode pay',
	]);
});

it('a repeat is told to come later while the first one runs; nothing starts where there is nothing', async () => {
	const { deliver } = triggerOf({ read: () => ({ items: [{ a: 1 }], identity: 'one' }) });
	expect(await deliver()).toMatchObject(started);
	expect(await deliver()).toEqual(refused(503, 'The same delivery is still being processed.'));
	expect(await triggerOf({ read: () => ({ items: [] }) }).deliver()).toMatchObject({
		status: undefined,
		items: undefined,
	});
});

it('what a service says of a delivery is answered, or told in the log', async () => {
	const none = triggerOf({ read: () => ({ refused: 'No packets.' }) });
	expect(await none.deliver()).toEqual(refused(400, 'No packets.'));
	const some = triggerOf({ read: () => ({ items: [{ a: 1 }], warning: 'dropped one' }) });
	expect(await some.deliver()).toMatchObject(started);
	expect([none.log, some.log]).toEqual([
		['"Trigger" refused a delivery with 400: No packets.'],
		['"Trigger" dropped one'],
	]);
});

it('takes JSON up to a depth of 20, with numbers that fit', () => {
	const nested = (depth: number, value: unknown) =>
		Array.from({ length: depth }).reduce((inner: unknown) => ({ inner }), value);
	expect([19, 20, 21, 5000].map((depth) => isSound(nested(depth, null)))).toEqual([true, true, false, false]);
	expect([1, 'text', null, true, [null, 'a', -1.5]].map((value) => isSound({ value }))).toEqual(Array(5).fill(true));
	expect([Infinity, NaN, [0, [-Infinity]]].map((value) => isSound({ value }))).toEqual(Array(3).fill(false));
});
