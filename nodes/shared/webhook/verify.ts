/** Whether a delivery is Hubble's. Pure, and in constant time wherever a secret is compared. */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';

const digest = (bytes: Buffer | string) => hash('sha256', bytes, 'buffer');

/** What is kept of a secret: enough to recognize it, not enough to use it. SHA-256, hexadecimal. */
export const fingerprint = (secret: string) => digest(secret).toString('hex');

/**
 * Whether a header's value is one of the secrets with these fingerprints. Digests are compared, so neither the
 * length of the value nor the place of the first difference shows in the time; all are always compared.
 */
export function isSecret(given: unknown, fingerprints: readonly string[]): boolean {
	if (typeof given !== 'string' || given === '') return false;
	// Node gives a header's bytes as latin1.
	const value = digest(Buffer.from(given, 'latin1'));
	return fingerprints.map((known) => timingSafeEqual(Buffer.from(known, 'hex'), value)).includes(true);
}

/** Whether a header holds Base64(HMAC-SHA256(key = UTF-8 secret, message = the body's bytes)) under one of the secrets. */
export function isSignature(given: unknown, body: Buffer, secrets: readonly string[]): boolean {
	return isSecret(
		given,
		secrets.map((secret) => fingerprint(createHmac('sha256', secret).update(body).digest('base64'))),
	);
}
