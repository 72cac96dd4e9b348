/** An area as a parameter: a circle, or polygons as GeoJSON. */
import type { IDataObject, INodeProperties } from 'n8n-workflow';
import { numberIn } from '../operation/values';
import { circle, polygons, type Area } from './areas';

/** Meters: half the circumference of the earth reaches any place. */
const LARGEST_RADIUS = 20_100_000;

export const areaFields = {
	circle: [
		{
			displayName: 'Latitude',
			name: 'latitude',
			type: 'number',
			typeOptions: { numberPrecision: 6 },
			default: '',
			placeholder: 'e.g. 51.9244',
			description: 'Latitude of the center in decimal degrees, -90 to 90',
		},
		{
			displayName: 'Longitude',
			name: 'longitude',
			type: 'number',
			typeOptions: { numberPrecision: 6 },
			default: '',
			placeholder: 'e.g. 4.4777',
			description: 'Longitude of the center in decimal degrees, -180 to 180',
		},
		{
			displayName: 'Radius (Meters)',
			name: 'radius',
			type: 'number',
			typeOptions: { minValue: 1 },
			default: 500,
			description: 'From the center to the border',
		},
	],
	polygon: [
		{
			displayName: 'GeoJSON',
			name: 'geojson',
			type: 'json',
			typeOptions: { rows: 4 },
			default: '',
			placeholder: 'e.g. { "type": "Polygon", "coordinates": [[[4.4, 51.9], [4.5, 51.9], [4.5, 52], [4.4, 51.9]]] }',
			hint: 'Draw the area at geojson.io, and paste its text here',
			description:
				'Polygons as text, also with holes. Draw them at geojson.io and paste all of its text; points and lines are left out. An area across ±180° is drawn in two parts, or with longitudes beyond 180.',
		},
	],
} satisfies Record<string, INodeProperties[]>;

export type AreaForm = keyof typeof areaFields;

/** Reads a row of `areaFields`. Throws an Error that says what is wrong with it. */
export const readArea: Record<AreaForm, (row: IDataObject, name: string) => Area> = {
	circle({ latitude: lat, longitude: long, radius }, name) {
		const latitude = numberIn(-90, 90, false)(lat);
		const longitude = numberIn(-180, 180, false)(long);
		if (latitude === undefined || longitude === undefined) throw new Error('it needs a latitude and a longitude');
		const metres = numberIn(1, LARGEST_RADIUS, false)(radius);
		if (metres === undefined) throw new Error('it needs a radius');
		return circle(name, { latitude, longitude }, metres);
	},
	polygon: ({ geojson }, name) => polygons(name, geojson),
};
