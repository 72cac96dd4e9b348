/** Name and place of a device, from n8n's values to the wire's. Pure. */
import { LENGTHS } from '../shared/client/endpoints';
import { objectOf } from '../shared/client/json';
import { isEmpty, numberIn, text } from '../shared/operation/values';

/** The name of a device. */
export const nameOnWire = text(LENGTHS.name);

export type InstalledAt = { lat?: number; long?: number; location_name?: string };

/** A place, complete or partial; `undefined` when everything is blank. */
export function placeOnWire(value: unknown): InstalledAt | undefined {
	const { location: given } = objectOf(value);
	if (!given || isEmpty(given)) return undefined;
	const location = objectOf(given);
	const title = text(LENGTHS.locationName)(location.location_name ?? '');
	const lat = numberIn(-90, 90, false)(location.lat);
	const long = numberIn(-180, 180, false)(location.long);
	if (lat === 0 && long === 0) {
		throw new Error(
			'Hubble takes latitude 0 and longitude 0 as no location; to remove a location, use Clear Install Location in Update',
		);
	}
	if ((lat === undefined) !== (long === undefined)) throw new Error('it needs a latitude and a longitude');
	return { ...(lat === undefined ? {} : { lat, long }), ...(title ? { location_name: title } : {}) };
}
