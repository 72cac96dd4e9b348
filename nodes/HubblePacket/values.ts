/** Filter by value, in the operations that read the packet history. */
import type { IDataObject } from 'n8n-workflow';
import type { Fields, Work } from '../shared/operation/operation';
import { isPacket } from '../shared/packet/packet';
import { decoderOf } from '../shared/packet/tally';
import { valueFilter, valueFilters } from '../shared/packet/valueFilter';

/** The parameters, in the collection in which the triggers have them. */
export const valueSettings: Fields = Object.fromEntries(
	valueFilters.map((property) => [property.name, { ...property, collection: 'filters' }]),
);

/**
 * The work with the filter by value among its filters on our side; the same where there is none.
 * @param onRow is told of each packet that was read
 */
export function filteredByValue(work: Work, onRow?: () => void): Work {
	const { request, hints } = work;
	const hasValue = valueFilter(request.settings);
	const decode = decoderOf(request.settings, hints);
	if (!hasValue || !decode) return work;
	const keeps = (row: IDataObject) => {
		onRow?.();
		return isPacket(row) && hasValue(decode(row.device.payload).decoded);
	};
	return { ...work, request: { ...request, clientFilters: [...request.clientFilters, keeps] } };
}
