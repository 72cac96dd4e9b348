/** The rotation of an API key: nothing is deleted unless the new key works, and nothing new is left behind unless it does. */
import { NodeOperationError, type IDataObject, type INodeExecutionData } from 'n8n-workflow';
import { endpoints } from '../shared/client/endpoints';
import { asError, detailsOf } from '../shared/client/errors';
import { entriesOf } from '../shared/client/json';
import { acceptedRows, fetchRows } from '../shared/client/pages';
import type { Field } from '../shared/operation/fields';
import type { RequestOf, Work } from '../shared/operation/operation';
import { inCamelCase } from '../shared/operation/times';

async function keyWithId({ context, hubble }: Work, keyId: string): Promise<IDataObject> {
	const { list } = endpoints.listKeys;
	const { rows, requestId } = await fetchRows(hubble, { endpoint: endpoints.listKeys }, list);
	const keys = [...acceptedRows(rows, list)];
	const key = keys.find(({ key_id }) => key_id === keyId);
	if (key) return key;
	const [message, reason] =
		keys.length < rows.length
			? [
					`Could not determine whether Hubble has the API key ${keyId}`,
					'Some entries in the list of keys could not be read.',
				]
			: [`Hubble has no API key with the ID ${keyId}`, 'It may have been deleted, or belong to another organization.'];
	throw new NodeOperationError(context.getNode(), message, {
		description: `${reason} Nothing was created or deleted. X-Request-ID: ${requestId}.`,
	});
}

/** Tries a new key, and deletes it if it does not work; if that fails too, the error says which key is left. */
async function tryKey({ context, hubble }: Work, created: IDataObject): Promise<void> {
	const id = String(created.key_id);
	const cause = await failureOf(hubble.as(String(created.key)).send({ endpoint: endpoints.checkKey }));
	if (!cause) return;
	const left = await failureOf(hubble.send({ endpoint: endpoints.deleteKey, ids: { key_id: id } }));
	const message = left
		? `Could not confirm that the new API key ${id} works, and it may still exist; the old key was kept`
		: 'Could not confirm that the new API key works, so it was deleted and the old key was kept';
	const remains = left && `Delete the new key yourself if it still exists: ${left.message}. ${left.description ?? ''}`;
	throw new NodeOperationError(context.getNode(), message, {
		description: [`${cause.message}. ${cause.description ?? ''}`, remains].filter(Boolean).join(' '),
	});
}

const failureOf = async (sent: Promise<unknown>) => await sent.then(() => undefined, asError);

/**
 * Creates a key with the name and the scopes of an old one, tries it, then deletes the old one. Hubble shows the new
 * key only once, so it is put out even when the old one cannot be deleted; a hint says so.
 * Throws what `send` throws; when the new key is not found to work, it is deleted and the old one stays.
 */
export async function rotate(work: Work<RequestOf<{ settings: { oldKeyId: Field } }>>): Promise<INodeExecutionData[]> {
	const { hubble, request, hints } = work;
	const oldId = String(request.settings.oldKeyId);
	const old = await keyWithId(work, oldId);
	if (!entriesOf(old.scopes).length) {
		throw new NodeOperationError(work.context.getNode(), `Hubble does not list the scopes of the API key ${oldId}`, {
			description:
				'Nothing was created or deleted: without scopes, the new key could do everything. Use Create instead.',
		});
	}
	const body = { name: old.key_name, scopes: old.scopes, ...request.body };
	const { body: created } = await hubble.send({ endpoint: endpoints.createKey, body });
	await tryKey(work, created);
	// What is needed at once comes first.
	const { key } = created;
	const failure = await failureOf(hubble.send({ endpoint: endpoints.deleteKey, ids: { key_id: oldId } }));
	// Where the old key is that of the credential, and the reply to its end was lost, Hubble refuses the next try.
	const { status, mayHaveHappened } = detailsOf(failure);
	const isUnclear = mayHaveHappened === true || status === 401;
	if (failure) {
		const [what, act] = isUnclear
			? ['may have been deleted or not', 'delete the old one if it still exists']
			: ['was not deleted', 'delete the old one yourself'];
		hints.add(`The old API key ${oldId} ${what}: ${failure.message}. The new key works; ${act}.`);
	}
	const oldKeyDeleted = isUnclear ? null : !failure;
	return [{ json: inCamelCase({ key, ...created, replacedKeyId: oldId, oldKeyDeleted }) }];
}
