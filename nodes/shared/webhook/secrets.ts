/** The secrets of a credential with which a sender proves itself: the one in use and the next one. */
import { NodeOperationError, type IDataObject, type IHookFunctions } from 'n8n-workflow';

/** Without blanks around them; those that are empty are left out. */
export function bothSecrets({ webhookSecret, nextWebhookSecret }: IDataObject): string[] {
	return [webhookSecret, nextWebhookSecret].map((secret) => String(secret ?? '').trim()).filter(Boolean);
}

/**
 * Throws a NodeOperationError when the credential has no secret.
 * @param name the credential as the user reads it, e.g. 'Hubble API'
 */
export async function requireSecret(context: IHookFunctions, credential: string, name: string): Promise<void> {
	if (bothSecrets(await context.getCredentials(credential)).length) return;
	throw new NodeOperationError(
		context.getNode(),
		`The ${name} credential has no 'Webhook Secret'. Without it no delivery can be verified: enter it in the credential.`,
	);
}
