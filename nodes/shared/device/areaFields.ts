/** An area as a parameter: a circle, or polygons as GeoJSON. */
import type { IDataObject, INodeProperties } from 'n8n-workflow';
import { objectOf } from '../client/json';
import { numberIn } from '../operation/values';
import { circle, polygons, type Area } from './areas';

/** Meters: half the circumference of the earth reaches any place. */
const LARGEST_RADIUS = 20_100_000;

/** A coordinate of a place. */
export const degrees = (displayName: string, name: string, most: number): INodeProperties => ({
	displayName,
	name,
	type: 'number',
	typeOptions: { numberPrecision: 6 },
	default: '',
	placeholder: most === 90 ? 'e.g. 51.9244' : 'e.g. 4.4777',
	description: `In decimal degrees, -${most} to ${most}`,
});

export const areaFields = {
	circle: [
		degrees('Latitude', 'latitude', 90),
		degrees('Longitude', 'longitude', 180),
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

/** The rows of a group with both forms of areas, each with its form. */
export const areaRows = (group: unknown): IDataObject[] =>
	Object.keys(areaFields).flatMap((form) =>
		[objectOf(group)[form] ?? []].flat().map((row) => ({ ...objectOf(row), form })),
	);

/** Reads a row of `areaRows`. Throws an Error that says what is wrong with it. */
export function readArea(row: IDataObject, name: string): Area {
	if (row.form === 'polygon') return polygons(name, row.geojson);
	const latitude = numberIn(-90, 90, false)(row.latitude);
	const longitude = numberIn(-180, 180, false)(row.longitude);
	if (latitude === undefined || longitude === undefined) throw new Error('it needs a latitude and a longitude');
	const metres = numberIn(1, LARGEST_RADIUS, false)(row.radius);
	if (metres === undefined) throw new Error('it needs a radius');
	return circle(name, { latitude, longitude }, metres);
}
