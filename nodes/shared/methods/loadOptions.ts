/** The options of dropdowns that are loaded while the user looks. */
import type { ILoadOptionsFunctions, INodePropertyOptions } from 'n8n-workflow';
import { connect } from '../client/client';
import { endpoints } from '../client/endpoints';
import { acceptedRows, fetchRows } from '../client/pages';

/** The scopes that the organization can give to a key. */
async function getScopes(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
	const hubble = await connect(this);
	const { list } = endpoints.listScopes;
	const { rows } = await fetchRows(hubble, { endpoint: endpoints.listScopes }, list);
	const options = [...acceptedRows(rows, list)].map(({ scope_id, display_name }) => ({
		name: String(display_name || scope_id),
		value: String(scope_id),
		description: String(scope_id),
	}));
	return options.sort((a, b) => a.name.localeCompare(b.name));
}

/** The time zones that this server knows; engines leave UTC out of their list. */
async function getTimezones(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
	const names = new Set(['UTC', ...Intl.supportedValuesOf('timeZone')]);
	return [...names].sort().map((name) => ({ name, value: name }));
}

export const loadOptions = { getScopes, getTimezones };
