/** Errors of failed requests: what happened, what to do, and the X-Request-ID. */
import { NodeApiError, NodeOperationError, type IDataObject, type INode, type JsonObject } from 'n8n-workflow';
import type { Endpoint } from './endpoints';
import { objectOf, withoutUndefined } from './json';
import type { Attempt } from './request';
import { CERTIFICATE_CODES } from './retry';
import { bothSpellings } from './scopes';

/** Everything known about a request that failed for good. */
export interface Failure
	extends
		Pick<Endpoint, 'method' | 'scope'>,
		Pick<Attempt, 'status' | 'code' | 'problem' | 'retryAfterMs' | 'requestId'> {
	/** IDs of the object of the call; the last is the most specific. */
	ids: Readonly<Record<string, string>>;
	/** The server's own words (`description` of Hubble's error body). */
	said?: string;
	/** The server's error code, such as E300. */
	errorCode?: string;
	/** The service's own words; `undefined` where the general ones fit. */
	explain?: (failure: Failure) => Explanation | undefined;
	/** Whether the reply is Hubble's; otherwise something in between answered, such as a proxy. */
	isHubbles: boolean;
	/** Whether this or an earlier try may have succeeded without a reply that says so. */
	mayHaveHappened: boolean;
	/** How often the request was sent. */
	tries: number;
	/** Whether the token was not the credential's, but one to be tried. */
	isTrial?: boolean;
	/** Base URL and organization, for messages that send the user to the credential. */
	baseUrl: string;
	organizationId: string;
}

export interface Explanation {
	message: string;
	remedy: string;
}

const attempts = (tries: number) => `${tries} attempt${tries === 1 ? '' : 's'}`;

const checkBaseUrl = (baseUrl: string) =>
	`Check the Base URL in the credential (${baseUrl}). It must point to the Hubble API and have no path.`;

/** Whether Hubble's words are about the organization itself, as when the ID in the credential is that of another one. */
const isOfOrganization = ({ said = '', organizationId }: Failure) =>
	/\b(token|key) (belongs to|is (for|from|of)) (a |the )?(another|different|wrong) organization\b/i.test(said) ||
	/^(the )?(unknown organization\b|organization (was |is )?(not found|unknown)\b)/i.test(
		said.replace(`${organizationId} `, ''),
	);

const NOT_THE_CREDENTIAL = 'It is not the token in the credential, which is not affected.';

const otherOrganization = ({ organizationId, isTrial }: Failure): Explanation => ({
	message: `The API Token does not belong to the organization ${organizationId}`,
	remedy: isTrial ? NOT_THE_CREDENTIAL : 'Check the Organization ID in the credential.',
});

/**
 * A 403 has several causes (scope, entitlement, satellite access): Hubble's own words come first, the scope as a
 * likely cause behind them. All in the message: where a publication fails, n8n shows nothing else.
 */
function forbidden(failure: Failure): Explanation {
	const { scope, organizationId, said } = failure;
	if (isOfOrganization(failure)) return otherOrganization(failure);
	const words = said ? `: ${said.replace(/\.$/, '')}` : '';
	const named = scope && words.includes(scope) ? words.replace(scope, bothSpellings(scope)) : undefined;
	const needed = scope ? `. The call needs the scope ${bothSpellings(scope)}` : '';
	return {
		message: `Hubble does not allow this${named ?? words + needed}`,
		remedy: `Check the scopes of the API key, that it belongs to the organization ${organizationId}, and that your plan includes the feature.`,
	};
}

function notFound(failure: Failure): Explanation {
	const { ids, organizationId } = failure;
	const [name, id] = Object.entries(ids).at(-1) ?? [];
	// Words about a key may be about the one that was looked for.
	if (name !== 'key_id' && isOfOrganization(failure)) return otherOrganization(failure);
	if (name === 'invitee_email')
		return {
			message: `Hubble has no invitation for ${id}`,
			remedy: 'It may have been accepted, revoked, or have expired: Get Many Invitations lists those that are open.',
		};
	const noun = name?.replace(/_id$/, '').replace(/_/g, ' ');
	return {
		message: noun ? `Hubble has no ${noun} with the ID ${id}` : 'Hubble did not find what was requested',
		remedy: `It may have been deleted, or belong to an organization other than ${organizationId}, which is the one in the credential.`,
	};
}

function explain(failure: Failure): Explanation {
	const { status, problem, isHubbles, isTrial, baseUrl, tries, retryAfterMs } = failure;
	if (status === undefined) return unanswered(failure);
	if (status === 401) {
		return {
			message: 'Hubble does not accept the API token',
			remedy: isTrial
				? `The key is wrong, expired or revoked. ${NOT_THE_CREDENTIAL}`
				: 'The token is wrong, expired or revoked. Create one in the Hubble dashboard (Developer Tools → API Tokens) and save it in the credential.',
		};
	}
	if (status === 429) {
		const asked = retryAfterMs ? ` Hubble asked for a pause of ${Math.ceil(retryAfterMs / 1000)} s.` : '';
		return {
			message: `Rate limit reached (${attempts(tries)})`,
			remedy: `Something else is calling the API for this organization.${asked} Run fewer workflows at the same time, or try again later.`,
		};
	}
	if (status >= 500) {
		return {
			message: `Hubble could not process the request (HTTP ${status})`,
			remedy: `${attempts(tries)}. Try again later.`,
		};
	}
	if (isHubbles && status === 403) return forbidden(failure);
	if (isHubbles && status === 404) return notFound(failure);
	if (isHubbles) {
		return {
			message: `Hubble rejected the request ${status === 400 ? 'as invalid' : `(HTTP ${status})`}`,
			remedy: "Compare the parameters with Hubble's answer.",
		};
	}
	const detail = problem ? `, ${problem}` : '';
	return {
		message: `The response is not from the Hubble API (HTTP ${status}${detail})`,
		remedy: checkBaseUrl(baseUrl),
	};
}

/** What is wrong with a certificate itself, whoever issued it. */
const WRONG_CERTIFICATE = /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|ERR_TLS_CERT_ALTNAME_INVALID)$/;

/** No complete reply: a problem of the host, the network or the timeout. */
function unanswered({ code = '', problem, baseUrl, tries, explain: ofPartner }: Failure): Explanation {
	const address = ofPartner ? 'environment' : 'Base URL';
	const detail = problem || code ? ` (${problem ?? code})` : '';
	if (problem) {
		return {
			message: 'The response from Hubble was incomplete',
			remedy: `${attempts(tries)}${detail}. Check the network between this n8n server and ${baseUrl}, then try again.`,
		};
	}
	if (/^(ENOTFOUND|EAI_AGAIN)$/.test(code)) {
		return {
			message: `Could not find a server at ${baseUrl}`,
			remedy: `Check the ${address} in the credential and the network of this n8n server${detail}.`,
		};
	}
	if (WRONG_CERTIFICATE.test(code)) {
		return {
			message: `The certificate of ${baseUrl} is not valid`,
			remedy: `It has expired, is not valid yet, or belongs to another host${detail}. Check the clock of this n8n server and the ${address} in the credential. If both are right, the certificate of that server must be replaced.`,
		};
	}
	if (CERTIFICATE_CODES.test(code)) {
		return {
			message: `The certificate of ${baseUrl} is not trusted`,
			remedy: `If a proxy of your network presents its own certificate, start n8n with NODE_EXTRA_CA_CERTS set to the file with its CA certificate${detail}.`,
		};
	}
	return {
		message: `Could not reach Hubble at ${baseUrl}`,
		remedy: `${attempts(tries)}${detail}. Check the ${address} in the credential and the network of this n8n server.`,
	};
}

/**
 * Why the call failed, for n8n's pauses between polls (n8n-workflow, errors/failure). A 403 counts as temporary: a
 * scope can be added at any time, and n8n would otherwise not poll for half an hour.
 */
function causeOf({ status = 0, isHubbles, retryAfterMs }: Failure) {
	const wait = retryAfterMs ? { retryAfterMs } : {};
	if (status === 401) return { cause: 'credential-invalid' };
	if (status === 429) return { cause: 'rate-limited', ...wait };
	if (isHubbles && (status === 400 || status === 404)) return { cause: 'configuration-invalid' };
	return { cause: 'temporarily-unavailable', ...wait };
}

/** Appended to the error of a call that may have changed something. */
export const DOUBT = ' The request may still have succeeded. Check before you run it again.';

/** The error of a failed request, as n8n shows it. It contains none of the request's headers. */
export function hubbleError(node: INode, failure: Failure): NodeApiError {
	const { status, said, errorCode, isHubbles, mayHaveHappened, method, requestId } = failure;
	const { message, remedy } = failure.explain?.(failure) ?? explain(failure);
	const quoted =
		said && !message.includes(said.replace(/\.$/, '')) ? `${isHubbles ? 'Hubble' : 'The server'} says: "${said}" ` : '';
	const doubt = mayHaveHappened && method !== 'GET' ? DOUBT : '';
	const cause: JsonObject = { status: status ?? 0, ...(said ? { message: said } : {}) };
	const error = new NodeApiError(node, cause, {
		message,
		description: `${quoted}${remedy}${doubt} X-Request-ID: ${requestId}.`,
	});
	// n8n replaces some messages by its own general ones: ours names the scope or the id.
	error.message = message;
	Object.assign(error, { failure: causeOf(failure) });
	const only = (is: boolean) => is || undefined;
	const told = { status, said, errorCode, isHubbles: only(isHubbles), mayHaveHappened: only(mayHaveHappened) };
	Object.assign(error.context, withoutUndefined({ requestId, ...told }));
	return error;
}

/** n8n's own errors have a description. */
type Described = Error & { description?: string | null };

const isError = (thrown: unknown): thrown is Described =>
	typeof thrown === 'object' && thrown !== null && 'message' in thrown;

/** A thrown value as an Error, which itself stays as it is: so it is thrown again, as n8n's lint flags a bare `throw error`. */
export const asError = (thrown: unknown): Described => (isError(thrown) ? thrown : new Error(String(thrown)));

/** The HTTP status of a failure; 0 when no whole reply came, or a success that is not of Hubble's form. */
export const statusOf = (error: unknown): number => (error instanceof NodeApiError && Number(error.httpCode)) || 0;

/** Likewise, but 0 also when something in between answered, such as a proxy: that tells nothing of what Hubble has. */
export const hubbleStatusOf = (error: unknown): number => (detailsOf(error).isHubbles === true ? statusOf(error) : 0);

/** Details of an error of the client, such as `status` and `requestId`. */
export const detailsOf = (error: unknown): IDataObject => objectOf(objectOf(error).context);

/** What a call gave; nothing where Hubble's 404 says that what it is about is not there. Other failures are thrown. */
export const ifThere = async <T>(sent: Promise<T>): Promise<T | undefined> =>
	await sent.catch((error: unknown) => {
		if (hubbleStatusOf(error) !== 404) throw asError(error);
		return undefined;
	});

/** An error of n8n's, which has details. */
type NodeError = NodeApiError | NodeOperationError;

export const isNodeError = (error: unknown): error is NodeError =>
	error instanceof NodeApiError || error instanceof NodeOperationError;

export const asNodeError = (node: INode, error: unknown): NodeError =>
	isNodeError(error) ? error : new NodeOperationError(node, asError(error));

/** A copy of a stored error, so that each catcher can add its own item and progress. */
export function copyOf<E extends NodeError>(error: E): E {
	const copy: E = Object.create(Object.getPrototypeOf(error));
	return Object.assign(copy, error, { message: error.message, stack: error.stack, context: { ...error.context } });
}

/** The error of a call that is not sent, because earlier calls of the run got no answer. */
export function notSent(unanswered: readonly NodeApiError[]): NodeApiError {
	const error = copyOf(unanswered.at(-1) as NodeApiError);
	error.message = `Not sent, because ${unanswered.length} requests in a row failed. ${error.message}`;
	error.description = `Run this item again when Hubble responds. X-Request-ID of the last failure: ${String(error.context.requestId)}.`;
	return error;
}

/** Whether a body has the format of Hubble's errors. */
export const hasErrorFormat = (body: IDataObject): boolean => 'name' in body || 'description' in body;

/**
 * The code in the body of an error: `code`, or whichever of `id` and `code` is an E-number. The partner documents' own
 * sample has `{id: "E300", code: "INSUFFICIENT_BALANCE"}`, others `{code: "E300"}`.
 */
export function errorCodeIn({ id, code }: IDataObject): string | undefined {
	const numbered = [id, code].find((one) => /^E\d{3}$/.test(String(one)));
	return typeof code === 'string' || numbered !== undefined ? String(numbered ?? code) : undefined;
}

/** The error of an unexpected reply. */
export class UnexpectedReply extends NodeOperationError {
	/** n8n recognizes its own errors by name; of others it may keep only the message. */
	override name = NodeOperationError.name;

	constructor(node: INode, message: string, advice: string, requestId: string) {
		super(node, message, { description: `${advice} X-Request-ID: ${requestId}.` });
		this.context.requestId = requestId;
	}
}

/** The error of a success whose body is not Hubble's. */
export const unexpectedResponse = (
	node: INode,
	wanted: string,
	baseUrl: string,
	requestId: string,
	method = 'GET',
	check = checkBaseUrl(baseUrl),
) => new UnexpectedReply(node, `The response has no ${wanted}`, `${check}${method === 'GET' ? '' : DOUBT}`, requestId);

/** A Continuation-Token came twice: the list would never end, and there is no token to resume from. */
export class RepeatedToken extends UnexpectedReply {
	constructor(node: INode, what: string, requestId: string) {
		const advice = "The list would never end. Run it again; if the token repeats again, tell Hubble's support.";
		super(node, `Hubble returned the same ${what} twice`, advice, requestId);
	}
}

/** How much of a list was read before it broke off, and where to resume. */
export interface Progress {
	pages: number;
	rowsFetched: number;
	/** The token of the first missing page. */
	token?: string;
	/** The period that is missing, in Unix seconds. */
	rest?: { from: number; to: number };
}

/** What becomes of the rows that were read before a failure: they are put out, or would be if the run could continue. */
export type SoFar = 'kept' | 'lost';

/** Adds to an error how many rows came before it and, where they are put out, how to resume. */
export function withProgress(node: INode, cause: unknown, progress: Progress, soFar?: SoFar): Error {
	const { pages, rowsFetched } = progress;
	const canResume = progress.rest || (progress.token && !(cause instanceof RepeatedToken));
	const { token, rest }: Partial<Progress> = soFar === 'kept' && canResume ? progress : {};
	const error = asNodeError(node, cause);
	if (!pages) return error;
	const [resumeStartTime, resumeEndTime] = [rest?.from, rest?.to].map((time) =>
		time === undefined ? undefined : new Date(1000 * time).toISOString(),
	);
	const resumeToken = rest ? undefined : token;
	const how = rest
		? ` To resume, set Period to Custom, Start Time to ${resumeStartTime} and End Time to ${resumeEndTime}.`
		: resumeToken
			? ` To resume, set Options → Continuation Token to ${resumeToken}`
			: '';
	const kept = ` With On Error set to Continue (tab Settings), what was read is output${canResume ? ', and the error says how to go on' : ''}.`;
	const from = pages === 1 ? 'one page' : `${pages} pages`;
	error.description = `Stopped after ${rowsFetched} rows from ${from}. ${error.description ?? ''}${soFar === 'lost' ? kept : how}`;
	Object.assign(error.context, { rowsFetched, ...withoutUndefined({ resumeToken, resumeStartTime, resumeEndTime }) });
	return error;
}
