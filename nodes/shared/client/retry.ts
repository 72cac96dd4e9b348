/** Is a failed request worth another try, and when? Pure policy; the caller sleeps. */
import { LONGEST_RETRY_AFTER_MS } from './endpoints';

/** How often one request is sent before its failure counts. */
export const TRIES = 5;

/**
 * The same if each reply asks for a short pause: the bucket is full for a moment because others use it too. Who gets
 * through is random, so five in a row do happen.
 */
const TRIES_WHEN_BUSY = 12;
const SHORT_PAUSE_MS = 5_000;

/**
 * Writes have no idempotency key, so only these methods may be sent again when nobody knows whether the
 * first one arrived: reading changes nothing, and Hubble's updates and deletions are idempotent.
 */
const REPEATABLE = new Set(['GET', 'PATCH', 'DELETE']);

/** Failures of a server's certificate. */
export const CERTIFICATE_CODES = /^(ERR_TLS_|CERT_|(DEPTH_ZERO_)?SELF_SIGNED_|UNABLE_TO_)/;

/** Failures that a retry cannot fix: the name, the certificate or the address is wrong. */
export const FINAL_CODES = new RegExp(`^(ENOTFOUND|ERR_INVALID_)|${CERTIFICATE_CODES.source}`);

export interface Outcome {
	/** HTTP status; `undefined` when no whole reply came (timeout, dropped connection, cut body). */
	status?: number;
	/** Node's code of a connection failure, e.g. ECONNRESET. */
	code?: string;
	/** `Retry-After`, in milliseconds. */
	retryAfterMs?: number;
}

/**
 * Milliseconds to wait before try number `attempt` + 1, or `undefined` when the failure is final.
 * 429 is repeated for every method: Hubble did not take the request. `Retry-After` wins over the
 * exponential backoff of 1, 2, 4, 8 … s, which is spread by a quarter to either side.
 * @param attempt how many tries were made, from 1
 * @param random a number from 0 up to 1
 */
export function retryDelay(
	attempt: number,
	method: string,
	{ status, code, retryAfterMs }: Outcome,
	random: number,
): number | undefined {
	const isBusy = status === 429 && (retryAfterMs ?? Infinity) <= SHORT_PAUSE_MS;
	if (attempt >= (isBusy ? TRIES_WHEN_BUSY : TRIES) || FINAL_CODES.test(String(code))) return undefined;
	const unsettled = status === undefined || status >= 500;
	if (status !== 429 && !(unsettled && REPEATABLE.has(method))) return undefined;
	if (retryAfterMs !== undefined) {
		return retryAfterMs > LONGEST_RETRY_AFTER_MS ? undefined : retryAfterMs + random * 250;
	}
	return 1000 * 2 ** (attempt - 1) * (0.75 + random / 2);
}
