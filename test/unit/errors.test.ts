/** What the user reads when Hubble does not do what was asked, and what a workflow can read of it. */
import { NodeApiError, NodeOperationError, type INode } from 'n8n-workflow';
import { NoPlaceInTime } from '../../nodes/shared/client/client';
import {
	asError,
	copyOf,
	detailsOf,
	errorCodeIn,
	hubbleError,
	hasErrorFormat,
	hubbleStatusOf,
	ifThere,
	notSent,
	RepeatedToken,
	unexpectedResponse,
	statusOf,
	withProgress,
	type Failure,
	type SoFar,
} from '../../nodes/shared/client/errors';

const node = { name: 'Hubble' } as INode;
const failure: Failure = {
	method: 'GET',
	ids: {},
	isHubbles: true,
	mayHaveHappened: false,
	requestId: 'r',
	tries: 1,
	baseUrl: 'https://hubble.example',
	organizationId: 'org',
};
const DOUBT = 'The request may still have succeeded. Check before you run it again.';
const TOKEN =
	'The token is wrong, expired or revoked. Create one in the Hubble dashboard (Developer Tools → API Tokens) and save it in the credential.';
const BASE_URL =
	'Check the Base URL in the credential (https://hubble.example). It must point to the Hubble API and have no path.';
const NETWORK = 'Check the Base URL in the credential and the network of this n8n server';
const CERTIFICATE =
	'If a proxy of your network presents its own certificate, start n8n with NODE_EXTRA_CA_CERTS set to the file with its CA certificate';
const PLAN =
	'Check the scopes of the API key, that it belongs to the organization org, and that your plan includes the feature.';
const OTHER = 'The API Token does not belong to the organization org';
const elsewhere =
	'It may have been deleted, or belong to an organization other than org, which is the one in the credential.';
const busy = (asked = '') =>
	`Something else is calling the API for this organization.${asked} Run fewer workflows at the same time, or try again later.`;

it.each<[string, Partial<Failure>, message: string, remedy: string]>([
	[
		'no answer',
		{ code: 'ECONNRESET', tries: 3 },
		'Could not reach Hubble at https://hubble.example',
		`3 attempts (ECONNRESET). ${NETWORK}.`,
	],
	['no answer and no code', {}, 'Could not reach Hubble at https://hubble.example', `1 attempt. ${NETWORK}.`],
	[
		'half an answer',
		{ problem: 'cut short', tries: 5 },
		'The response from Hubble was incomplete',
		'5 attempts (cut short). Check the network between this n8n server and https://hubble.example, then try again.',
	],
	...['ENOTFOUND', 'EAI_AGAIN'].map((code): [string, Partial<Failure>, string, string] => [
		`no host (${code})`,
		{ code },
		'Could not find a server at https://hubble.example',
		`${NETWORK} (${code}).`,
	]),
	...[
		'SELF_SIGNED_CERT_IN_CHAIN',
		'DEPTH_ZERO_SELF_SIGNED_CERT',
		'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
		'CERT_UNTRUSTED',
		'ERR_TLS_HANDSHAKE_TIMEOUT',
	].map((code): [string, Partial<Failure>, string, string] => [
		`a certificate (${code})`,
		{ code },
		'The certificate of https://hubble.example is not trusted',
		`${CERTIFICATE} (${code}).`,
	]),
	...['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'ERR_TLS_CERT_ALTNAME_INVALID'].map(
		(code): [string, Partial<Failure>, string, string] => [
			`a certificate that no setting of n8n mends (${code})`,
			{ code },
			'The certificate of https://hubble.example is not valid',
			`It has expired, is not valid yet, or belongs to another host (${code}). Check the clock of this n8n server and the Base URL in the credential. If both are right, the certificate of that server must be replaced.`,
		],
	),
	['401', { status: 401, isHubbles: false }, 'Hubble does not accept the API token', TOKEN],
	[
		'401 of a key that is tried',
		{ status: 401, isTrial: true },
		'Hubble does not accept the API token',
		'The key is wrong, expired or revoked. It is not the token in the credential, which is not affected.',
	],
	[
		'403 of a key of another organization that is tried',
		{ status: 403, isTrial: true, said: 'The key belongs to another organization.' },
		OTHER,
		'Hubble says: "The key belongs to another organization." It is not the token in the credential, which is not affected.',
	],
	['429', { status: 429, tries: 2 }, 'Rate limit reached (2 attempts)', busy()],
	[
		'429 with a pause',
		{ status: 429, retryAfterMs: 1500 },
		'Rate limit reached (1 attempt)',
		busy(' Hubble asked for a pause of 2 s.'),
	],
	...[500, 503].map((status): [string, Partial<Failure>, string, string] => [
		String(status),
		{ status, tries: 5 },
		`Hubble could not process the request (HTTP ${status})`,
		'5 attempts. Try again later.',
	]),
	['400', { status: 400 }, 'Hubble rejected the request as invalid', "Compare the parameters with Hubble's answer."],
	...[402, 409, 422].map((status): [string, Partial<Failure>, string, string] => [
		String(status),
		{ status },
		`Hubble rejected the request (HTTP ${status})`,
		"Compare the parameters with Hubble's answer.",
	]),
	[
		'no answer to a partner',
		{ code: 'ECONNRESET', explain: () => undefined },
		'Could not reach Hubble at https://hubble.example',
		'1 attempt (ECONNRESET). Check the environment in the credential and the network of this n8n server.',
	],
	['404', { status: 404, ids: { org_id: 'o', key_id: 'k 1' } }, 'Hubble has no key with the ID k 1', elsewhere],
	[
		'404 of an invitation',
		{ status: 404, ids: { invitee_email: 'a@b.c' } },
		'Hubble has no invitation for a@b.c',
		'It may have been accepted, revoked, or have expired: Get Many Invitations lists those that are open.',
	],
	[
		'404 of two words',
		{ status: 404, ids: { org_id: 'o', device_id: 'd', api_key_id: 'k' } },
		'Hubble has no api key with the ID k',
		elsewhere,
	],
	['404 of nothing named', { status: 404 }, 'Hubble did not find what was requested', elsewhere],
	[
		'what is not from Hubble',
		{ status: 404, isHubbles: false },
		'The response is not from the Hubble API (HTTP 404)',
		BASE_URL,
	],
	[
		'a status that Hubble has not',
		{ status: 418, problem: 'a web page', isHubbles: false },
		'The response is not from the Hubble API (HTTP 418, a web page)',
		BASE_URL,
	],
	[
		'the words of a service',
		{ status: 400, explain: () => ({ message: 'No money', remedy: 'Pay.' }) },
		'No money',
		'Pay.',
	],
	[
		'a service without words',
		{ status: 400, explain: () => undefined },
		'Hubble rejected the request as invalid',
		"Compare the parameters with Hubble's answer.",
	],
])('says what happened and what to do: %s', (_, given, message, remedy) => {
	const error = hubbleError(node, { ...failure, ...given });
	expect([error.message, error.description]).toEqual([message, `${remedy} X-Request-ID: r.`]);
	expect(error.httpCode).toBe(given.status ? String(given.status) : null);
});

const scope = 'read-devices';
it.each<[string | undefined, string | undefined, string]>([
	['The token lacks the scope read-devices.', scope, ': The token lacks the scope read-devices (devices:read)'],
	['Not allowed.', scope, ': Not allowed. The call needs the scope read-devices (devices:read)'],
	['v2. is not allowed', undefined, ': v2. is not allowed'],
	[undefined, scope, '. The call needs the scope read-devices (devices:read)'],
	[undefined, undefined, ''],
	['No scope for this organization', undefined, ': No scope for this organization'],
	['The plan of the organization ended', undefined, ': The plan of the organization ended'],
	['Too many devices in this organization', undefined, ': Too many devices in this organization'],
	['This device is in no organization', undefined, ': This device is in no organization'],
	...['Organization does not have satellite access.', 'This feature is not enabled for your organization.'].map(
		(said): [string, undefined, string] => [said, undefined, `: ${said.slice(0, -1)}`],
	),
])('a refusal says why, and names its scope once, in both spellings: %p, %p', (said, needed, words) => {
	const refused = hubbleError(node, { ...failure, status: 403, scope: needed, said } as Failure);
	expect(refused.message).toBe(`Hubble does not allow this${words}`);
	expect(refused.description).toBe(`${PLAN} X-Request-ID: r.`);
});

it.each([
	[403, 'Unknown Organization'],
	[403, 'The token belongs to another organization.'],
	[404, 'Unknown Organization'],
	[404, 'Organization not found'],
	[404, 'Organization org was not found.'],
])('%i about the organization sends to the credential: %s', (status, said) => {
	const { message, description } = hubbleError(node, { ...failure, status, said, ids: { device_id: 'd' } });
	expect(message).toBe(OTHER);
	expect(description).toBe(`Hubble says: "${said}" Check the Organization ID in the credential. X-Request-ID: r.`);
});

it.each([
	'User not found in organization',
	'Webhook not found for this organization.',
	'User not found or belongs to another organization.',
	'No such user; the organization was not found here.',
	'Organization 99999999-e89b-42d3-a456-426614174000 was not found.',
	'This key may not move users to another organization.',
])('a 404 about what is in the organization names the ID: %s', (said) => {
	const { message, description } = hubbleError(node, { ...failure, status: 404, said, ids: { user_id: 'u' } });
	expect(message).toBe('Hubble has no user with the ID u');
	expect(description).toBe(`Hubble says: "${said}" ${elsewhere} X-Request-ID: r.`);
});

it('tells the HTTP status of a failure of Hubble’s, and of nothing else', () => {
	const failed = (status: number) => hubbleError(node, { ...failure, status });
	expect([failed(404), failed(500)].map(statusOf)).toEqual([404, 500]);
	const without = [
		hubbleError(node, { ...failure, status: undefined }),
		new Error('404'),
		{ httpCode: '404' },
		undefined,
	];
	expect(without.map(statusOf)).toEqual([0, 0, 0, 0]);
	const ofProxy = hubbleError(node, { ...failure, status: 404, isHubbles: false });
	expect([failed(404), ofProxy, ...without].map(hubbleStatusOf)).toEqual([404, 0, 0, 0, 0, 0]);
	expect([{ name: '' }, { description: '' }, { message: '' }, {}].map(hasErrorFormat)).toEqual([
		true,
		true,
		false,
		false,
	]);
});

it('what Hubble does not have is nothing; other failures, and the 404 of a proxy, are thrown', async () => {
	const failed = (status: number, isHubbles = true) => hubbleError(node, { ...failure, status, isHubbles });
	expect(await ifThere(Promise.resolve(7))).toBe(7);
	expect(await ifThere(Promise.reject(failed(404)))).toBeUndefined();
	for (const error of [failed(403), failed(404, false), new Error('away')])
		await expect(ifThere(Promise.reject(error))).rejects.toBe(error);
	await expect(ifThere(Promise.reject('away'))).rejects.toThrow('away');
});

it('a 404 about a key that is to be deleted names it, too', () => {
	const said = 'API key not found or belongs to another organization.';
	const { message } = hubbleError(node, { ...failure, status: 404, said, ids: { key_id: 'k' } });
	expect(message).toBe('Hubble has no key with the ID k');
});

it('a call that may have changed something leaves a doubt, one that reads does not', () => {
	const of = (method: Failure['method'], mayHaveHappened: boolean) =>
		hubbleError(node, { ...failure, status: 500, method, mayHaveHappened }).description?.includes(DOUBT);
	expect([of('POST', true), of('POST', false), of('GET', true)]).toEqual([true, false, false]);
	const checked = unexpectedResponse(node, 'list', 'https://hubble.example', 'r');
	expect([checked.message, checked.description]).toEqual(['The response has no list', `${BASE_URL} X-Request-ID: r.`]);
	expect(unexpectedResponse(node, 'ID', '', 'r', 'POST', 'Look.').description).toBe(`Look. ${DOUBT} X-Request-ID: r.`);
	expect(detailsOf(checked)).toMatchObject({ requestId: 'r' });
});

it('what is of a kind of its own has the name that n8n knows, or n8n would hand on nothing but its message', () => {
	const ours = [
		unexpectedResponse(node, 'list', '', 'r'),
		new RepeatedToken(node, 'page', 'r'),
		new NoPlaceInTime(node),
		copyOf(new RepeatedToken(node, 'page', 'r')),
	];
	expect(ours.map(({ name }) => name)).toEqual(Array(4).fill('NodeOperationError'));
});

it.each<[Partial<Failure>, object]>([
	[{ status: 401 }, { cause: 'credential-invalid' }],
	[
		{ status: 429, retryAfterMs: 9 },
		{ cause: 'rate-limited', retryAfterMs: 9 },
	],
	[{ status: 429 }, { cause: 'rate-limited' }],
	[{ status: 400 }, { cause: 'configuration-invalid' }],
	[{ status: 404 }, { cause: 'configuration-invalid' }],
	[{ status: 404, isHubbles: false }, { cause: 'temporarily-unavailable' }],
	[{ status: 403 }, { cause: 'temporarily-unavailable' }],
	[
		{ status: 503, retryAfterMs: 9 },
		{ cause: 'temporarily-unavailable', retryAfterMs: 9 },
	],
	[{}, { cause: 'temporarily-unavailable' }],
])('tells n8n when to poll again: %j', (given, cause) => {
	expect(hubbleError(node, { ...failure, ...given })).toMatchObject({ failure: cause });
	expect(Object.keys((hubbleError(node, { ...failure, ...given }) as unknown as { failure: object }).failure)).toEqual(
		Object.keys(cause),
	);
});

it('has what a workflow can read: only what is known', () => {
	const all = { status: 400, said: 'no', errorCode: 'E300', mayHaveHappened: true };
	const { status, said, errorCode, mayHaveHappened } = all;
	const known = { requestId: 'r', status, said, errorCode, mayHaveHappened };
	expect(hubbleError(node, { ...failure, ...all }).messages).toContain('no');
	expect(detailsOf(hubbleError(node, { ...failure, ...all }))).toMatchObject(known);
	const bare = detailsOf(hubbleError(node, failure));
	expect(bare).toMatchObject({ requestId: 'r' });
	for (const name of ['status', 'said', 'errorCode', 'mayHaveHappened']) expect(bare).not.toHaveProperty(name);
	expect([detailsOf(undefined), detailsOf(new Error('x')), detailsOf('x')]).toEqual([{}, {}, {}]);
});

it('a copy is its own error, with all that the first one has', () => {
	const error = hubbleError(node, { ...failure, status: 404 });
	const copy = copyOf(error);
	expect(copy).toBeInstanceOf(NodeApiError);
	expect([copy.message, copy.stack, copy.context]).toEqual([error.message, error.stack, error.context]);
	copy.context.itemIndex = 7;
	expect(error.context).not.toHaveProperty('itemIndex');
});

it('what is not sent names the last failure', () => {
	const failed = hubbleError(node, { ...failure, status: 503 });
	const error = notSent([hubbleError(node, failure), failed]);
	expect(error.message).toBe(
		'Not sent, because 2 requests in a row failed. Hubble could not process the request (HTTP 503)',
	);
	expect(error.description).toBe('Run this item again when Hubble responds. X-Request-ID of the last failure: r.');
});

it.each([
	[{ code: 'E300' }, 'E300'],
	[{ id: 'E300', code: 'INSUFFICIENT_BALANCE' }, 'E300'],
	[{ id: '7', code: 'INSUFFICIENT_BALANCE' }, 'INSUFFICIENT_BALANCE'],
	...['E3000', 'xE300'].map((code): [object, string] => [{ id: code, code: 'OTHER' }, 'OTHER']),
	[{ id: 'E300' }, 'E300'],
	[{ id: '7', code: 7 }, undefined],
	[{}, undefined],
])('the code of %j is %s', (body, code) => {
	expect(errorCodeIn(body as never)).toBe(code);
});

it('whatever is thrown becomes an error', () => {
	const error = new Error('x');
	expect(asError(error)).toBe(error);
	expect(['text', null, undefined, 7].map((thrown) => asError(thrown).message)).toEqual([
		'text',
		'null',
		'undefined',
		'7',
	]);
});

describe('a list that breaks off', () => {
	const said = hubbleError(node, { ...failure, status: 503 }).description;
	const failing = (
		progress: Parameters<typeof withProgress>[2],
		cause: unknown = hubbleError(node, { ...failure, status: 503 }),
	) => withProgress(node, cause, progress, 'kept') as NodeOperationError;

	const kept = ' With On Error set to Continue (tab Settings), what was read is output';

	it('before its first page is said as it is', () => {
		const error = failing({ pages: 0, rowsFetched: 0, token: 't' });
		expect(error.description).toBe(said);
		expect(detailsOf(error)).not.toHaveProperty('resumeToken');
		expect(failing({ pages: 0, rowsFetched: 0 }, new Error('odd'))).toMatchObject({ message: 'odd' });
	});

	it.each<[Parameters<typeof withProgress>[2], start: string, end: string, details: object]>([
		[{ pages: 1, rowsFetched: 9 }, 'Stopped after 9 rows from one page.', '', {}],
		[
			{ pages: 2, rowsFetched: 1009, token: 't' },
			'Stopped after 1009 rows from 2 pages.',
			' To resume, set Options → Continuation Token to t',
			{ resumeToken: 't' },
		],
		[
			{ pages: 2, rowsFetched: 1009, token: 't', rest: { from: 0, to: 1_790_000_000 } },
			'Stopped after 1009 rows from 2 pages.',
			' To resume, set Period to Custom, Start Time to 1970-01-01T00:00:00.000Z and End Time to 2026-09-21T14:13:20.000Z.',
			{ resumeStartTime: '1970-01-01T00:00:00.000Z', resumeEndTime: '2026-09-21T14:13:20.000Z' },
		],
	])('says how many rows came, and where to go on: %j', (progress, start, end, details) => {
		const cause = hubbleError(node, { ...failure, status: 503 });
		const error = failing(progress, cause);
		expect(error).toBe(cause);
		expect(error.description).toBe(`${start} ${said}${end}`);
		const { rowsFetched, resumeToken, resumeStartTime, resumeEndTime } = detailsOf(error);
		expect({ rowsFetched, resumeToken, resumeStartTime, resumeEndTime }).toEqual({
			rowsFetched: progress.rowsFetched,
			...details,
		});
		expect(failing(progress, 'text').description).toBe(`${start} ${end}`);
	});

	it('by a token that comes again goes on nowhere', () => {
		const repeated = new RepeatedToken(node, 'page', 'r');
		const never =
			"The list would never end. Run it again; if the token repeats again, tell Hubble's support. X-Request-ID: r.";
		const first = failing({ pages: 0, rowsFetched: 0, token: 't' }, repeated);
		expect([first.message, first.description]).toEqual(['Hubble returned the same page twice', never]);
		expect(detailsOf(first)).toMatchObject({ requestId: 'r' });
		const later = failing({ pages: 3, rowsFetched: 30, token: 't' }, repeated);
		expect(later.description).toBe(`Stopped after 30 rows from 3 pages. ${never}`);
		expect(detailsOf(later)).not.toHaveProperty('resumeToken');
		const again = new RepeatedToken(node, 'page', 'r');
		const lost = withProgress(node, again, { pages: 3, rowsFetched: 30, token: 't' }, 'lost') as NodeOperationError;
		expect(lost.description).toBe(`Stopped after 30 rows from 3 pages. ${never}${kept}.`);
	});

	const rest = { from: 0, to: 1_790_000_000 };
	it.each<[string, object, SoFar | undefined, string]>([
		['are lost', { token: 't' }, 'lost', `${kept}, and the error says how to go on.`],
		['are lost of a period', { token: 't', rest }, 'lost', `${kept}, and the error says how to go on.`],
		['are lost of a list that has no tokens', {}, 'lost', `${kept}.`],
		['are for the node alone', { token: 't', rest }, undefined, ''],
	])('does not say where to go on behind rows that %s', (_, more, soFar, end) => {
		const cause = hubbleError(node, { ...failure, status: 503 });
		const error = withProgress(node, cause, { pages: 2, rowsFetched: 9, ...more }, soFar) as NodeOperationError;
		expect(error.description).toBe(`Stopped after 9 rows from 2 pages. ${said}${end}`);
		expect(Object.keys(detailsOf(error)).filter((name) => name.startsWith('resume'))).toEqual([]);
	});
});
