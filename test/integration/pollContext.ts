/* eslint-disable @n8n/community-nodes/no-restricted-globals -- the environment says how many clocks */
import axios from 'axios';
import type { IDataObject, IHttpRequestOptions, IPollFunctions } from 'n8n-workflow';
import type { Simulator } from '../simulator/server';
import { virtualTime } from './virtualTime';

/** n8n's request helper for a poll: sends with the token and never throws for a status. */
export const httpRequest =
	(token: () => string) =>
	async (
		_credential: string,
		{ url, method, qs, headers, timeout, encoding, disableFollowRedirect }: IHttpRequestOptions,
	) => {
		const {
			data,
			headers: received,
			status,
		} = await axios.request<unknown>({
			url,
			method,
			params: qs,
			paramsSerializer: { indexes: null },
			headers: { ...headers, Authorization: `Bearer ${token()}` },
			timeout,
			...(disableFollowRedirect ? { maxRedirects: 0 } : {}),
			responseType: encoding,
			validateStatus: () => true,
			proxy: false,
		});
		return { body: data, headers: received, statusCode: status };
	};

/** What n8n gives to `poll` of a node with these parameters, and what of it is another in a test. */
export const pollContext = (
	hubble: Pick<Simulator, 'token' | 'organizationId' | 'url'>,
	parameters: IDataObject,
	{ warnings = [], ...members }: { warnings?: string[]; [member: string]: unknown },
): IPollFunctions =>
	({
		getMode: () => 'trigger',
		getWorkflow: () => ({ id: 'workflow' }),
		getTimezone: () => 'UTC',
		logger: { warn: (line: string) => warnings.push(line) },
		getNodeParameter: (name: string, fallback: unknown) => parameters[name] ?? fallback,
		getWorkflowStaticData: () => ({}),
		getCredentials: async () => ({
			apiToken: hubble.token,
			organizationId: hubble.organizationId,
			baseUrl: hubble.url,
			requestsPerSecond: 1000,
		}),
		helpers: { httpRequestWithAuthentication: httpRequest(() => hubble.token) },
		...members,
	}) as unknown as IPollFunctions;

const monotonic = performance.now.bind(performance);

/** Lets so many milliseconds pass on the clock that never jumps. Beside that only waits move it, and no busy machine. */
export function letPass(ms: () => number): void {
	const began = monotonic();
	jest.spyOn(performance, 'now').mockImplementation(() => began + virtualTime.ahead + ms());
}

/**
 * The clock that never jumps shows so many milliseconds, what was waited, and a little more at each look: no real time, which
 * is longer on a busy machine.
 */
export function letOnlyPass(ms: () => number): void {
	jest.spyOn(performance, 'now').mockImplementation(() => ms() + virtualTime.ahead + (looks += 1) / 100);
}
let looks = 0;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const jumps = [0, 6 * HOUR, -2 * MINUTE, -6 * HOUR, 2 * MINUTE];

/** How far n8n's clock may be ahead of Hubble's, in milliseconds. */
const clocks: Array<[string, () => number]> = [
	['is 2 minutes ahead', () => 2 * MINUTE],
	['is 2 minutes behind', () => -2 * MINUTE],
	['is 6 hours ahead', () => 6 * HOUR],
	['is 6 hours behind', () => -6 * HOUR],
	['is right', () => 0],
	['jumps at every look', () => jumps[(looks += 1) % jumps.length] ?? 0],
];

/** Runs tests with each of these clocks; Hubble has its own. Without `FAULT_MATRIX`, with the last one of these alone. */
export function withEachClock(hubbleNow: () => number, tests: () => void): void {
	const chosen = process.env.FAULT_MATRIX ? clocks : clocks.slice(-1);
	describe.each(chosen)("n8n's clock %s", (_, aheadMs) => {
		beforeEach(() => void jest.spyOn(Date, 'now').mockImplementation(() => hubbleNow() + aheadMs()));
		afterEach(() => jest.restoreAllMocks());
		tests();
	});
}
