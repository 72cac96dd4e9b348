/** The filters on our side, in the operations that read the packet history: those of the triggers. */
import type { IDataObject } from 'n8n-workflow';
import { objectOf } from '../shared/client/json';
import type { Fields, Work } from '../shared/operation/operation';
import { filterFields, packetFilter } from '../shared/packet/filter';
import { isPacket } from '../shared/packet/packet';
import { decoderOf } from '../shared/packet/tally';
import { valueFilter } from '../shared/packet/valueFilter';

/** Some filters of the triggers, as settings; their values go to `packetFilter` and `valueFilter`. */
function filterSettings(...names: string[]): Fields {
	const toWire = (name: string) => (value: unknown) => {
		packetFilter({ [name]: objectOf({ value }).value });
		return value;
	};
	return Object.fromEntries(
		filterFields
			.filter(({ name }) => names.includes(name))
			.map((property) => [property.name, { ...property, collection: 'filters', toWire: toWire(property.name) }]),
	);
}

export const deviceSettings = filterSettings('devices');
export const tagSettings = filterSettings('tags');
export const valueSettings = filterSettings('values', 'valuesMatch');

/**
 * The work with the filters by tag and by value among its filters on our side; the same where there is none.
 * @param onRow is told of each packet that was read
 */
export function filteredHere(work: Work, onRow?: () => void): Work {
	const { request, hints } = work;
	const hasTags = packetFilter({ tags: request.settings.tags });
	const hasValue = valueFilter(request.settings);
	const decode = hasValue && decoderOf(request.settings, hints);
	if (!hasTags && !decode) return work;
	const keeps = (row: IDataObject) => {
		onRow?.();
		if (!isPacket(row) || hasTags?.(row) === false) return false;
		return !decode || hasValue(decode(row.device.payload).decoded);
	};
	return { ...work, request: { ...request, clientFilters: [...request.clientFilters, keeps] } };
}
