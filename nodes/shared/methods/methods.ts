/** What every node offers n8n's dialogs. */
import type {
	ILoadOptionsFunctions,
	INodePropertyOptions,
	ResourceMapperField,
	ResourceMapperFields,
} from 'n8n-workflow';
import { connect } from '../client/client';
import { endpoints } from '../client/endpoints';
import { acceptedRows, fetchRows, pages } from '../client/pages';
import { tagKeysIn } from '../operation/exportFile';
import { credentialTest } from './credentialTest';
import { listSearch } from './listSearch';

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

/** Cells are texts to n8n: it would read a blank one as the number 0. What they become, the operation knows. */
const column = (id: string, displayName: string): ResourceMapperField => ({
	id,
	displayName,
	type: 'string',
	required: false,
	defaultMatch: false,
	canBeUsedToMatch: false,
	display: true,
});

/** Name and place of a device, and one column for each tag key among the newest devices of the fleet, a page of them. */
async function getDeviceColumns(this: ILoadOptionsFunctions): Promise<ResourceMapperFields> {
	const { list } = endpoints.listDevices;
	const call = { endpoint: endpoints.listDevices, query: { sort_field: 'created_ts', sort_ascending: 'false' } };
	const { value: newest } = await pages(await connect(this), call, list, list.pageSize.max).next();
	const own = await tagKeysIn(newest ? [newest] : []);
	return {
		fields: [
			column('name', 'Name'),
			column('latitude', 'Latitude'),
			column('longitude', 'Longitude'),
			column('place', 'Place Name'),
			column('environment', 'Environment'),
			...own.map((key) => column(`tag:${key}`, `Tag: ${key}`)),
		],
	};
}

export const methods = {
	listSearch,
	loadOptions: { getScopes, getTimezones },
	resourceMapping: { getDeviceColumns },
	credentialTest,
};
