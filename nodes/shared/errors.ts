/** What the user reads when Hubble does not do what was asked: what happened, what to do, and the request's id. */
import { NodeApiError, type INode, type JsonObject } from 'n8n-workflow';
import { bothSpellings } from './scopes';

/** Everything known about a request that failed for good. */
export interface Failure {
	method: string;
	/** Path of the API definition, with placeholders. */
	path: string;
	/** The values of the placeholders. */
	ids: Readonly<Record<string, string>>;
	/** The scope that the call needs, in the definition's spelling. */
	scope?: string;
	/** Without a status no whole reply came. */
	status?: number;
	/** Node's code of a connection failure, e.g. ECONNRESET. */
	code?: string;
	/** What Hubble says of it (`description` of its error body). */
	said?: string;
	/** `X-Request-ID` of the reply, or the one that was sent. */
	requestId: string;
	/** How often the request was sent. */
	tries: number;
	/** Base URL and organization, for messages that send the user to the credential. */
	baseUrl: string;
	organizationId: string;
}

/** 'device_id' → 'device'. */
const noun = (placeholder: string) => placeholder.replace(/_id$/, '').replace(/_/g, ' ');

function explain(failure: Failure): { message: string; remedy: string } {
	const { status, code, scope, ids, path, method, baseUrl, organizationId, tries } = failure;
	const [placeholder, id] = Object.entries(ids).at(-1) ?? [];
	if (status === undefined) return unanswered(failure);
	switch (status) {
		case 400:
			return { message: 'Hubble refused the request as invalid', remedy: 'Compare the parameters with what Hubble says.' };
		case 401:
			return {
				message: 'Hubble does not accept the API token',
				remedy:
					'It is wrong, expired or revoked. Create one in the Hubble dashboard (Developer → API Tokens) and save it in the credential.',
			};
		case 403:
			return {
				message: scope
					? `The API token may not do this: it needs the scope ${bothSpellings(scope)}`
					: 'The API token may not do this',
				remedy: `Give the key this scope, or use a key that has it, and check that the organization ${organizationId} is its own.`,
			};
		case 404:
			return {
				message: placeholder ? `Hubble knows no ${noun(placeholder)} ${id}` : `Hubble knows no ${path.split('/').at(-1)}`,
				remedy: `It may have been deleted, or belong to another organization than ${organizationId} (the one in the credential).`,
			};
		case 429:
			return {
				message: "Hubble's rate limit is used up",
				remedy: `Hubble refused the request ${tries} times. Something else calls the API for this organization: run less at once, or later.`,
			};
	}
	if (status >= 500) {
		const mayHaveHappened = method === 'POST' ? ' It may have been carried out all the same: look before you repeat it.' : '';
		return {
			message: `Hubble failed to answer (HTTP ${status})`,
			remedy: `Tried ${tries} time${tries === 1 ? '' : 's'}. Try again later.${mayHaveHappened}`,
		};
	}
	return {
		message: `Hubble gave an unexpected answer (HTTP ${status}${code ? `, ${code}` : ''})`,
		remedy: `Check that the base URL ${baseUrl} in the credential leads to the Hubble API.`,
	};
}

/** No whole reply: the host, the network, or the time was the matter. */
function unanswered({ code = '', method, baseUrl, tries }: Failure): { message: string; remedy: string } {
	const detail = code ? ` (${code})` : '';
	if (/ENOTFOUND|EAI_AGAIN|ERR_INVALID_URL/.test(code)) {
		return {
			message: `There is no host at ${baseUrl}`,
			remedy: `Check the base URL in the credential and the network of this n8n server${detail}.`,
		};
	}
	const mayHaveHappened =
		method === 'POST' ? 'It may have been carried out all the same: look before you repeat it. ' : '';
	return {
		message: `Hubble could not be reached at ${baseUrl}`,
		remedy: `${mayHaveHappened}No whole reply came in ${tries === 1 ? 'one try' : `${tries} tries`}${detail}. Check the base URL in the credential and the network of this n8n server.`,
	};
}

/** The error of a failed request, as n8n shows it. Nothing of the request's headers goes into it. */
export function hubbleError(node: INode, failure: Failure): NodeApiError {
	const { status, said, requestId } = failure;
	const { message, remedy } = explain(failure);
	const quoted = said ? `Hubble says: "${said}" ` : '';
	const cause: JsonObject = { status: status ?? 0, ...(said ? { message: said } : {}) };
	const error = new NodeApiError(node, cause, {
		message,
		description: `${quoted}${remedy} X-Request-ID: ${requestId}`,
		...(status ? { httpCode: String(status) } : {}),
	});
	// n8n replaces some messages by its own general ones: ours names the scope or the id.
	error.message = message;
	Object.assign(error.context, { requestId, ...(status ? { status } : {}) });
	return error;
}
