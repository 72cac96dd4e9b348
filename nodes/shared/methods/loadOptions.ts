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

/** Names that the IANA time zone database prefers where JavaScript engines list older ones (its file `backward`). */
const PREFERRED = [
	'Africa/Asmara',
	'America/Argentina/Buenos_Aires',
	'America/Argentina/Catamarca',
	'America/Argentina/Cordoba',
	'America/Argentina/Jujuy',
	'America/Argentina/Mendoza',
	'America/Atikokan',
	'America/Indiana/Indianapolis',
	'America/Kentucky/Louisville',
	'America/Nuuk',
	'Asia/Ho_Chi_Minh',
	'Asia/Kathmandu',
	'Asia/Kolkata',
	'Asia/Yangon',
	'Atlantic/Faroe',
	'Europe/Kyiv',
	'Pacific/Chuuk',
	'Pacific/Kanton',
	'Pacific/Pohnpei',
	'UTC',
];

/** The time zones that this server knows, by all names that are in use. */
async function getTimezones(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
	const names = new Set([...PREFERRED, ...Intl.supportedValuesOf('timeZone')]);
	return [...names].sort().map((name) => ({ name, value: name }));
}

export const loadOptions = { getScopes, getTimezones };
