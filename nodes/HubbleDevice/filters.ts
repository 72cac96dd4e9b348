/** The filters of the device list: those that Hubble has, and those that are applied here. */
import type { IDataObject } from 'n8n-workflow';
import { between, FAR_FUTURE_S } from '../shared/client/endpoints';
import { hasTags, placeHeard, placeInstalled } from '../shared/device/device';
import { distanceBetween, type Place } from '../shared/operation/place';
import type { Field } from '../shared/operation/fields';
import type { ClientFilter, Fields, ItemRequest } from '../shared/operation/operation';
import { unixSeconds } from '../shared/operation/dates';
import { numberIn, tagFilters } from '../shared/operation/values';

const time = (displayName: string, name: string, description: string, round: 'down' | 'up'): Field => ({
	displayName,
	name,
	type: 'dateTime',
	default: '',
	description,
	collection: 'filters',
	toWire: unixSeconds(round),
});

/** Filters of which several make one of Hubble's. */
export const timeFilters: Fields = {
	createdAfter: time('Created After', 'createdAfter', 'Only devices that were registered from this moment on', 'down'),
	createdBefore: time('Created Before', 'createdBefore', 'Only devices that were registered before this moment', 'up'),
	lastPacketAfter: time(
		'Last Packet After',
		'lastPacketAfter',
		'Only devices that were heard last at this moment or later',
		'down',
	),
	lastPacketBefore: time(
		'Last Packet Before',
		'lastPacketBefore',
		'Only devices that were heard last before this moment, without those that were never heard',
		'up',
	),
	silentForHours: {
		displayName: 'Silent For (Hours)',
		name: 'silentForHours',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 24,
		description:
			'Only devices that were heard before, but not in these hours. Hubble updates the time of the last packet with a delay.',
		collection: 'filters',
		toWire: (value) => {
			const hours = numberIn(0, 1_000_000, false)(value);
			if (hours === 0) throw new Error('it must be more than 0 hours');
			return hours;
		},
	},
	neverHeard: {
		displayName: 'Never Heard',
		name: 'neverHeard',
		type: 'boolean',
		default: true,
		description: 'Whether to return only devices of which Hubble has never received a packet',
		collection: 'filters',
	},
};

/** A filter on times. Throws an Error when nothing is between them. */
function range(from: number, to: number, name: string): string {
	if (from >= to) throw new Error(`Parameter "${name} After": it is not earlier than the end of the range`);
	return between(from, to);
}

/** What the filters on times make together. A device that was never heard counts as heard at 0 (API definition). */
export function timeQuery({ settings, query }: ItemRequest): Partial<ItemRequest> {
	const { createdAfter, createdBefore, lastPacketAfter, lastPacketBefore, silentForHours, neverHeard } =
		settings as Record<string, number | boolean | undefined>;
	const made: IDataObject = {};
	if (createdAfter !== undefined || createdBefore !== undefined) {
		made.filter_created_ts = range(Number(createdAfter ?? 0), Number(createdBefore ?? FAR_FUTURE_S), 'Created');
	}
	const isHeard = [lastPacketAfter, lastPacketBefore, silentForHours].some((value) => value !== undefined);
	if (neverHeard && isHeard) {
		throw new Error('Parameter "Never Heard": it excludes the filters on the last packet');
	}
	if (neverHeard) made.filter_most_recent_packet_ts = 'between:0:1';
	if (isHeard) {
		const silentSince =
			silentForHours === undefined ? FAR_FUTURE_S : Math.floor(Date.now() / 1000 - Number(silentForHours) * 3600);
		const from = Math.max(1, Number(lastPacketAfter ?? 1));
		made.filter_most_recent_packet_ts = range(
			from,
			Math.min(silentSince, Number(lastPacketBefore ?? FAR_FUTURE_S)),
			'Last Packet',
		);
	}
	return { query: { ...query, ...made } };
}

const nameContains: ClientFilter = {
	displayName: 'Name Contains',
	name: 'nameContains',
	type: 'string',
	default: '',
	placeholder: 'e.g. cold room',
	description:
		'Only devices with this in their name. Hubble cannot search by name: all devices are fetched and compared here.',
	collection: 'filters',
	matches: ({ name }, part) => String(name).toLowerCase().includes(String(part).toLowerCase()),
};

const ownTags: ClientFilter = {
	displayName: 'Own Tags',
	name: 'ownTags',
	type: 'string',
	typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Tag' },
	default: [],
	placeholder: 'e.g. site:Rotterdam',
	description:
		'Only devices that have all of these tags. Hubble cannot filter by them: all devices are fetched and compared here.',
	collection: 'filters',
	toWire: tagFilters,
	matches: (device, wanted) => hasTags(device, wanted as string[]),
};

interface Circle {
	center: Place;
	radius: number;
	isInside: boolean;
	by: string;
}

function circle(value: unknown): Circle | undefined {
	const { circle: given } = value as { circle?: IDataObject };
	if (!given) return undefined;
	const latitude = numberIn(-90, 90, false)(given.areaLatitude);
	const longitude = numberIn(-180, 180, false)(given.areaLongitude);
	const radius = numberIn(0, 20_100_000, false)(given.areaRadius);
	if (latitude === undefined || longitude === undefined || radius === undefined) {
		throw new Error('it needs a latitude, a longitude and a radius');
	}
	return {
		center: { latitude, longitude },
		radius,
		isInside: (given.areaSide ?? 'inside') === 'inside',
		by: String(given.areaBy ?? 'either'),
	};
}

/** Whether a device is on the wanted side; one whose place is not known is on neither. */
function isOnSide(row: IDataObject, { center, radius, isInside, by }: Circle): boolean {
	const heard = by === 'installed' ? undefined : placeHeard(row);
	const place = heard ?? (by === 'heard' ? undefined : placeInstalled(row));
	return place !== undefined && distanceBetween(place, center) <= radius === isInside;
}

const area: ClientFilter = {
	displayName: 'Area',
	name: 'area',
	type: 'fixedCollection',
	placeholder: 'Set Area',
	default: {},
	description:
		'Only devices inside or outside a circle. Hubble cannot filter by place: all devices are fetched and compared here.',
	options: [
		{
			displayName: 'Circle',
			name: 'circle',
			values: [
				{
					displayName: 'Area Latitude',
					name: 'areaLatitude',
					type: 'number',
					default: '',
					description: 'Latitude of the center in decimal degrees, -90 to 90',
				},
				{
					displayName: 'Area Longitude',
					name: 'areaLongitude',
					type: 'number',
					default: '',
					description: 'Longitude of the center in decimal degrees, -180 to 180',
				},
				{
					displayName: 'Area Radius (Meters)',
					name: 'areaRadius',
					type: 'number',
					default: 1000,
					description: 'From the center to the border',
				},
				{
					displayName: 'Area Side',
					name: 'areaSide',
					type: 'options',
					options: [
						{ name: 'Inside', value: 'inside' },
						{ name: 'Outside', value: 'outside' },
					],
					default: 'inside',
					description: 'On which side of the border a device must be. One without a known place is on neither.',
				},
				{
					displayName: 'Place of the Device',
					name: 'areaBy',
					type: 'options',
					options: [
						{ name: 'Heard, Else Installed', value: 'either', description: 'The first of both that is known' },
						{ name: 'Where It Is Installed', value: 'installed' },
						{ name: 'Where It Was Heard Last', value: 'heard' },
					],
					default: 'either',
					description: 'Which place of a device is compared',
				},
			],
		},
	],
	collection: 'filters',
	toWire: circle,
	matches: (row, wanted) => isOnSide(row, wanted as Circle),
};

export const clientFilters: ClientFilter[] = [nameContains, ownTags, area];
