/* eslint-disable @n8n/community-nodes/no-restricted-imports -- replies that come as streams */
/** One try of one request: what is sent, and what its outcome says, whatever comes back. */
import type { IHttpRequestOptions, IN8nHttpFullResponse } from 'n8n-workflow';
import { Readable } from 'node:stream';
import { HubbleClock } from '../../nodes/shared/client/clock';
import { endpoints, type Endpoint } from '../../nodes/shared/client/endpoints';
import {
	isSuccess,
	lackOf,
	limitsIn,
	sendOnce,
	wasSent,
	type Attempt,
	type Call,
	type Sender,
} from '../../nodes/shared/client/request';

const endpoint = endpoints.listDevices;

/** Sends a call to somebody who answers so, or fails so. */
async function send(
	call: Partial<Call> = {},
	reply: Partial<IN8nHttpFullResponse> | Error = {},
	more: Partial<Sender> = {},
) {
	const sent: IHttpRequestOptions[] = [];
	const fetch = async (options: IHttpRequestOptions) => {
		sent.push(options);
		if (reply instanceof Error) throw reply;
		return { statusCode: 200, headers: {}, body: {}, ...reply };
	};
	const sender = { url: 'https://hubble.example/x', fetch, redact: String, timeLeft: 1000, clock: new HubbleClock() };
	const attempt = await sendOnce({ endpoint, ...call }, { ...sender, ...more });
	return { attempt, sent: sent[0] as IHttpRequestOptions };
}

const read = async (stream: AsyncIterable<unknown>) => {
	let pieces = 0;
	for await (const piece of stream) pieces += piece ? 1 : 0;
	return { pieces };
};

afterEach(() => jest.restoreAllMocks());

describe('What is sent', () => {
	it.each<[string, Partial<Call>, object]>([
		['nothing more', {}, { json: true }],
		['a query', { query: { a: [1, 2] } }, { json: true, qs: { a: [1, 2] } }],
		['a body', { body: { a: 1 } }, { json: true, body: { a: 1 } }],
		['no empty body', { body: {} }, { json: true }],
		['a list', { rows: 'devices' }, { json: true, encoding: 'arraybuffer' }],
		['what comes as a file', { read }, { encoding: 'stream' }],
	])('says %s', async (_, call, options) => {
		const { sent } = await send(call);
		expect(sent).toEqual({
			method: 'GET',
			url: 'https://hubble.example/x',
			headers: { 'X-Request-ID': expect.stringMatching(/^[0-9a-f-]{36}$/) as string },
			arrayFormat: 'repeat',
			timeout: 1000,
			returnFullResponse: true,
			ignoreHttpStatusErrors: true,
			disableFollowRedirect: true,
			...options,
		});
		expect('body' in sent).toBe('body' in options);
	});

	it('says the token of the next page', async () => {
		const { sent } = await send({ continuationToken: 't' });
		expect(sent.headers).toMatchObject({ 'Continuation-Token': 't' });
	});

	it.each([
		[Infinity, 60_000],
		[60_001, 60_000],
		[1500.7, 1500],
		[-5, 1],
	])('with %d ms left may take %d ms', async (timeLeft, timeout) => {
		expect((await send({}, {}, { timeLeft })).sent.timeout).toBe(timeout);
	});
});

describe('What comes back', () => {
	const typed = (type: string, body: unknown, statusCode = 200) =>
		({ statusCode, headers: { 'content-type': type }, body }) as Partial<IN8nHttpFullResponse>;
	const json = 'application/json; charset=utf-8';

	it.each<[string, Partial<IN8nHttpFullResponse>, Partial<Attempt>]>([
		['an object', typed(json, { a: 1 }), { status: 200, body: { a: 1 } }],
		['a list', typed(json, [1]), { status: 200, body: {} }],
		['nothing', typed(json, '', 204), { status: 204, body: {} }],
		['JSON that was cut', typed(json, '{"a":'), { status: undefined, problem: 'cut short', body: {} }],
		['a web page', typed('text/html', '<p>'), { status: 200, problem: 'a web page', body: {} }],
		['a text', typed('text/plain', 'OK', 299), { status: 299, problem: 'not JSON', body: {} }],
		['a text of no type', { body: 'OK' }, { status: 200, problem: 'not JSON', body: {} }],
		['the text of an error', typed('text/plain', 'no', 300), { status: 300, body: {} }],
		['a cut error', typed(json, '{"a":', 503), { status: 503, body: {} }],
	])('may be %s', async (_, reply, { status, problem, body }) => {
		const { attempt } = await send({}, reply);
		expect([attempt.status, attempt.problem, attempt.body]).toEqual([status, problem, body]);
	});

	it('of a list is parsed here, for its long numbers', async () => {
		const body = Buffer.from('{"devices":[{"sequence_number":12345678901234567890}]}');
		const { attempt } = await send({ rows: 'devices' }, typed(json, body));
		expect(attempt.body).toEqual({ devices: [{ sequence_number: '12345678901234567890' }] });
	});

	it.each<[string, Partial<IN8nHttpFullResponse>, Partial<Attempt>]>([
		['a file', typed('application/pdf; from="text/html"', ['%', 'P']), { status: 200, body: { pieces: 2 } }],
		['JSON in its place', typed(json, ['{"a"', ':1}']), { status: 200, body: { a: 1 } }],
		['cut JSON', typed(json, ['{"a"']), { status: undefined, problem: 'cut short', body: {} }],
		['a web page', typed('text/html', ['<p>']), { status: 200, problem: 'a web page', body: {} }],
		['an error', typed('application/pdf', ['{"a":1}'], 404), { status: 404, body: { a: 1 } }],
		['an error before all else', typed('application/pdf', ['{"a":1}'], 199), { status: 199, body: { a: 1 } }],
	])('as a stream may be %s', async (_, reply, { status, problem, body }) => {
		const pieces = (reply.body as string[]).map((piece) => Buffer.from(piece));
		const { attempt } = await send({ read }, { ...reply, body: Readable.from(pieces) });
		expect([attempt.status, attempt.problem, attempt.body]).toEqual([status, problem, body]);
	});

	it.each([200, 404])('as a stream that stalls, with %d, is cut short when its time is over', async (statusCode) => {
		const body = new Readable({ read() {} });
		body.push('%P');
		const { attempt } = await send({ read }, { ...typed('application/pdf', body, statusCode) }, { timeLeft: 20 });
		expect([attempt.status, attempt.problem, body.destroyed]).toEqual([undefined, 'cut short', true]);
	});

	it('as a stream that is made of an iterator is cut short when its time is over, too', async () => {
		const body = Readable.from(
			(async function* () {
				yield '%P';
				await new Promise(() => {});
			})(),
		);
		const { attempt } = await send({ read }, typed('application/pdf', body), { timeLeft: 20 });
		expect([attempt.status, attempt.problem, body.destroyed]).toEqual([undefined, 'cut short', true]);
	});

	it('as a stream that breaks off is cut short', async () => {
		const body = new Readable({ read: () => body.destroy(Object.assign(new Error('away'), { code: 'ECONNRESET' })) });
		const { attempt } = await send({ read }, typed('application/pdf', body));
		expect(attempt).toMatchObject({ code: 'ECONNRESET', problem: 'cut short' });
	});

	it.each([true, false])('as a stream that comes well may not be stored; begun: %s', async (isBegun) => {
		const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
		const body = Readable.from([Buffer.from('%P'), Buffer.from('DF')]);
		const store = async (stream: AsyncIterable<unknown>) => {
			if (isBegun) for await (const piece of stream) if (piece) throw full;
			throw full;
		};
		const { attempt } = await send({ read: store }, typed('application/pdf', body));
		expect([attempt.failure, attempt.status, attempt.code, body.destroyed]).toEqual([full, undefined, undefined, true]);
	});

	it('as a stream that breaks because it could not be stored is no failure of the network', async () => {
		const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
		const body = new Readable({ read() {} });
		body.push('%P');
		const store = async (stream: Readable) => {
			stream.on('error', () => {}).destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
			await Promise.reject(full);
		};
		const { attempt } = await send({ read: store as never }, typed('application/pdf', body));
		expect(attempt).toMatchObject({ failure: full });
	});

	it('says which request it was, without a secret', async () => {
		const redact = (text: string) => text.replace('secret', '***');
		const { attempt } = await send({}, { headers: { 'x-request-id': 'of secret' } }, { redact });
		expect(attempt.requestId).toBe('of ***');
		const { attempt: unnamed, sent } = await send();
		expect(unnamed.requestId).toBe(sent.headers?.['X-Request-ID']);
	});

	it.each([
		[200, true],
		[499, true],
		[500, false],
	])('with %d tells what time it is: %s', async (statusCode, tells) => {
		const clock = new HubbleClock();
		await send({}, { statusCode, headers: { date: new Date().toUTCString() } }, { clock });
		expect(clock.isKnown).toBe(tells);
	});

	it.each([{}, new Error('none')])('says when it was asked for, and how long it took (%j)', async (reply) => {
		jest.spyOn(performance, 'now').mockReturnValueOnce(1000).mockReturnValue(1250);
		expect((await send({}, reply)).attempt).toMatchObject({ startedAt: 1000, ms: 250 });
	});

	it.each([
		[{ code: 'ERR_BAD_RESPONSE' }, 'ERR_BAD_RESPONSE', 'cut short'],
		[{ httpCode: '200' }, '200', 'cut short'],
		[{ code: 'ECONNREFUSED' }, 'ECONNREFUSED', undefined],
		[{ cause: { code: 'ECONNRESET' } }, 'ECONNRESET', undefined],
		[{ code: 'NO_ERR_BAD_RESPONSE' }, 'NO_ERR_BAD_RESPONSE', undefined],
		[{ code: '2000' }, '2000', undefined],
		[{}, '', undefined],
	])('may be %j of an engine: %s, %s', async (thrown, code, problem) => {
		const { attempt } = await send({}, Object.assign(new Error('no reply'), thrown));
		expect(attempt).toMatchObject({ code, body: {}, headers: {} });
		expect([attempt.status, attempt.problem]).toEqual([undefined, problem]);
	});
});

it.each([
	['ECONNREFUSED', false],
	['ENOTFOUND', false],
	['EAI_AGAIN', false],
	['ERR_INVALID_URL', false],
	['DEPTH_ZERO_SELF_SIGNED_CERT', false],
	['CERT_HAS_EXPIRED', false],
	['UNABLE_TO_VERIFY_LEAF_SIGNATURE', false],
	['ECONNRESET', true],
	['NO_EAI_AGAIN', true],
	['EAI_AGAINST', true],
	[undefined, true],
])('a request that ended with %s has left this server: %s', (code, left) => {
	expect(wasSent({ code })).toBe(left);
});

it('a success is 200 to 299', () => {
	expect([199, 200, 299, 300].map(isSuccess)).toEqual([false, true, true, false]);
});

it('limits are numbers of the headers', () => {
	const headers = { 'x-ratelimit-limit': '3', 'x-ratelimit-remaining': '1.25', 'x-ratelimit-reset': '2' };
	const attempt = { status: 429, headers, startedAt: 7, retryAfterMs: 9 } as unknown as Attempt;
	const limits = { tooMany: true, startedAt: 7, retryAfterMs: 9, limit: 3, remaining: 1.25, resetMs: 2000 };
	expect(limitsIn(attempt, new HubbleClock())).toEqual(limits);
	// The first second that is a Unix time, and over.
	const over = { ...attempt, status: 200, headers: { 'x-ratelimit-reset': '1000000000' } };
	expect(limitsIn(over, new HubbleClock())).toMatchObject({ tooMany: false, limit: undefined, resetMs: 0 });
});

describe('What a success lacks', () => {
	const having = (replyHas?: Endpoint['replyHas'], method: Endpoint['method'] = 'POST') => ({
		endpoint: { method, path: '/', replyHas },
	});

	it.each<[Endpoint['replyHas'], unknown, boolean]>([
		[{ id: 'text' }, 'a', true],
		[{ id: 'text' }, '', false],
		[{ id: 'text' }, 3, false],
		[{ id: 'list' }, [], true],
		[{ id: 'list' }, {}, false],
		[{ id: 'boolean' }, false, true],
		[{ id: 'boolean' }, 'false', false],
		[{ id: 'number' }, 0, true],
		[{ id: 'number' }, '3.50', true],
		[{ id: 'number' }, 'a', false],
		[{ id: 'number' }, ' ', false],
		[{ id: 'number' }, null, false],
		[{ id: 'number' }, [3], false],
		[{ id: 'number' }, undefined, false],
		[{ id: 'text', name: 'text' }, 'a', true],
	])('of %j: %j is there, %s', (replyHas, id, isThere) => {
		expect(lackOf(having(replyHas), { id } as never)).toBe(isThere ? undefined : '"id" field');
	});

	it.each<[string, Call, object, string | undefined]>([
		['a list', { endpoint, rows: 'devices' }, { devices: [] }, undefined],
		['no list', { endpoint, rows: 'devices' }, { devices: {} }, 'list "devices"'],
		['a file', { ...having({ id: 'text' }), read }, {}, undefined],
		['anything that is read', having(undefined, 'GET'), { any: 1 }, undefined],
		['nothing that is read', having(undefined, 'GET'), {}, 'content'],
		['nothing that is changed', having(), {}, undefined],
	])('is told of %s', (_, call, body, lack) => {
		expect(lackOf(call, body as never)).toBe(lack);
	});
});
