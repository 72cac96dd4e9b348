/** The filters on our side, in the operations that read the packet history: those of the triggers. */
import type { IDataObject, INodeProperties } from 'n8n-workflow';
import { objectOf } from '../shared/client/json';
import type { Field } from '../shared/operation/fields';
import type { RequestOf, Work } from '../shared/operation/operation';
import type { DecodeSettings } from '../shared/packet/decode';
import { filterFields, packetFilter } from '../shared/packet/filter';
import { isPacket } from '../shared/packet/packet';
import { decoderOf } from '../shared/packet/tally';
import { valueFilter, type ValueSettings } from '../shared/packet/valueFilter';

/** Some filters of the triggers, as settings; their values go to `packetFilter` and `valueFilter`. */
function filterSettings<N extends string>(...names: N[]) {
	const asSetting = (property: INodeProperties): Field => ({
		...property,
		collection: 'filters',
		toWire: (value) => {
			packetFilter({ [property.name]: objectOf({ value }).value });
			return value;
		},
	});
	const wanted = filterFields.filter(({ name }) => names.some((one) => one === name));
	return Object.fromEntries(wanted.map((one) => [one.name, asSetting(one)])) as Record<N, Field>;
}

export const deviceSettings = filterSettings('devices');
export const tagSettings = filterSettings('tags');
export const packetSettings = filterSettings('networkTypes', 'tags');
export const valueSettings = filterSettings('values', 'valuesMatch');

/** A request for the packets of a period, by a row that has these settings. */
export type PeriodRequest<S> = RequestOf<{
	inQuery: Record<'start' | 'end', Field>;
	settings: typeof tagSettings & S;
}> & { settings: DecodeSettings & ValueSettings };

/**
 * The work with the filters by network, tag and value among its filters on our side; the same where there is none.
 * @param onRow is told of each packet that was read
 */
export function filteredHere<R extends PeriodRequest<unknown>>(work: Work<R>, onRow?: () => void): Work<R> {
	const { request, hints } = work;
	const { networkTypes, tags }: Partial<Record<keyof typeof packetSettings, unknown>> = request.settings;
	const passes = packetFilter(objectOf({ networkTypes, tags }));
	const hasValue = valueFilter(request.settings);
	const decode = hasValue && decoderOf(request.settings, hints);
	if (!passes && !decode) return work;
	const keeps = (row: IDataObject) => {
		onRow?.();
		if (!isPacket(row) || passes?.(row) === false) return false;
		return !decode || hasValue(decode(row.device.payload).decoded);
	};
	return { ...work, request: { ...request, clientFilters: [...request.clientFilters, keeps] } };
}
