/** Filter by value, in the operations that read the packet history. */
import type { IDataObject } from 'n8n-workflow';
import { asError } from '../shared/client/errors';
import type { Fields, Hint, ItemRequest, Work } from '../shared/operation/operation';
import { payloadDecoder, sensorTest, type Decoded } from '../shared/packet/decode';
import { parameterError } from '../shared/operation/values';
import { isPacket } from '../shared/packet/packet';
import { tallied } from '../shared/packet/tally';
import { NOT_DECODED, valueFilter, valueFilters } from '../shared/packet/valueFilter';

/** The parameters, in the collection in which the triggers have them. */
export const valueSettings: Fields = Object.fromEntries(
	valueFilters.map((property) => [property.name, { ...property, collection: 'filters' }]),
);

/** Why payloads cannot be decoded, or their values not be compared, in this way; `undefined` when they can. */
export function valueReason({ settings }: ItemRequest): string | undefined {
	let hasFilter = false;
	try {
		hasFilter = valueFilter(settings) !== undefined;
	} catch (error) {
		return parameterError('Values', asError(error).message);
	}
	try {
		const isDecoded = payloadDecoder(settings) !== undefined;
		return hasFilter && !isDecoded ? parameterError('Values', NOT_DECODED) : undefined;
	} catch (error) {
		return asError(error).message;
	}
}

/** The decoder of a request, which keeps count for the hint of the run; `undefined` when nothing is to be decoded. */
export function decoderOf(settings: IDataObject, hints: Set<Hint>): ((payload: string) => Decoded) | undefined {
	const decode = payloadDecoder(settings);
	return decode && tallied(decode, hints, sensorTest(settings));
}

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
