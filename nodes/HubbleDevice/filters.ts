/** The filters of the device list: those that Hubble has, and those that are applied here. */
import type { IDataObject, INodeProperties } from 'n8n-workflow';
import { HOUR_S } from '../shared/client/clock';
import { between, FAR_FUTURE_S } from '../shared/client/endpoints';
import { areaFields, areaRows, readArea } from '../shared/device/areaFields';
import type { Area } from '../shared/device/areas';
import { hasTags, placeHeard, placeInstalled } from '../shared/device/device';
import { choices, ownTags, textPart, toggle, type Field } from '../shared/operation/fields';
import type { ClientFilter, Fields, RequestOf } from '../shared/operation/operation';
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

/** Filters that are combined into one of Hubble's filters. */
export const timeFilters = {
	createdAfter: time('Created After', 'createdAfter', 'Only devices registered at this time or later', 'down'),
	createdBefore: time('Created Before', 'createdBefore', 'Only devices registered before this time', 'up'),
	lastPacketAfter: time(
		'Last Packet After',
		'lastPacketAfter',
		'Only devices last heard at this time or later',
		'down',
	),
	lastPacketBefore: time(
		'Last Packet Before',
		'lastPacketBefore',
		'Only devices last heard before this time; devices never heard are left out',
		'up',
	),
	silentForHours: {
		displayName: 'Silent For (Hours)',
		name: 'silentForHours',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 24,
		description:
			'Only devices last heard more than this many hours ago. Hubble updates the time of the last packet with a delay.',
		collection: 'filters',
		toWire: (value) => {
			const hours = numberIn(0, 1_000_000, false)(value);
			if (hours === 0) throw new Error('it must be more than 0 hours');
			return hours;
		},
	},
	neverHeard: {
		...toggle('Never Heard', 'neverHeard', true, 'Whether to return only devices that Hubble has never heard'),
		collection: 'filters',
	},
} satisfies Fields;

/** A filter on times. Throws an Error with the names of the bounds that are set when the range is empty. */
function range(from: number, to: number, after: string | undefined, before: string): string {
	if (from >= to) throw new Error(after ? `"${after}" must be earlier than ${before}` : `${before} is before 1970`);
	return between(from, to);
}

/** What the filters on times make together. A device that was never heard counts as heard at 0 (API definition). */
export function timeQuery({ settings, query }: RequestOf<{ settings: typeof timeFilters }>, now: () => number) {
	const { createdAfter, createdBefore, lastPacketAfter, lastPacketBefore, silentForHours, neverHeard } = settings;
	const made: IDataObject = {};
	if (createdAfter !== undefined || createdBefore !== undefined) {
		const [from, to] = [Number(createdAfter ?? 0), Number(createdBefore ?? FAR_FUTURE_S)];
		made.filter_created_ts = range(
			from,
			to,
			createdAfter === undefined ? undefined : 'Created After',
			'"Created Before"',
		);
	}
	const isHeard = [lastPacketAfter, lastPacketBefore, silentForHours].some((value) => value !== undefined);
	if (neverHeard && isHeard) {
		throw new Error('"Never Heard" cannot be combined with filters on the last packet');
	}
	if (neverHeard) made.filter_most_recent_packet_ts = 'between:0:1';
	if (isHeard) {
		const silentSince =
			silentForHours === undefined ? FAR_FUTURE_S : Math.floor(now() - Number(silentForHours) * HOUR_S);
		const before = Number(lastPacketBefore ?? FAR_FUTURE_S);
		made.filter_most_recent_packet_ts = range(
			Math.max(1, Number(lastPacketAfter ?? 1)),
			Math.min(silentSince, before),
			lastPacketAfter === undefined ? undefined : 'Last Packet After',
			silentSince < before ? 'the time that "Silent For (Hours)" leaves' : '"Last Packet Before"',
		);
	}
	return { query: { ...query, ...made } };
}

const nameContains = {
	...textPart('Name Contains', 'nameContains', 'e.g. cold room'),
	description:
		'Only devices whose name contains this text. Hubble cannot search by name, so all devices are fetched and compared in n8n.',
	collection: 'filters',
	// An umlaut may be one character or two.
	matches: ({ name }, part) => {
		const [whole = '', wanted = ''] = [name ?? '', part].map((text) => String(text).normalize().toLowerCase());
		return whole.includes(wanted);
	},
} satisfies ClientFilter;

const byOwnTags = {
	...ownTags,
	description:
		'Only devices that have all of these tags. Hubble cannot filter by them, so all devices are fetched and compared in n8n.',
	collection: 'filters',
	toWire: tagFilters,
	matches: (device, wanted: string[]) => hasTags(device, wanted),
} satisfies ClientFilter;

interface Wanted {
	area: Area;
	isInside: boolean;
	by: string;
}

function wantedArea(value: unknown): Wanted | undefined {
	const [row, another] = areaRows(value);
	if (another) throw new Error('it has a circle and a polygon; remove one of them');
	if (!row) return undefined;
	const { areaSide = 'inside', areaBy = 'either' } = row;
	return { area: readArea(row, ''), isInside: areaSide === 'inside', by: String(areaBy) };
}

/** Whether a device is on the wanted side; one whose place is not known is on neither. */
function isOnSide(row: IDataObject, { area: { contains }, isInside, by }: Wanted, now: number): boolean {
	const heard = by === 'installed' ? undefined : placeHeard(row, now);
	const place = heard ?? (by === 'heard' ? undefined : placeInstalled(row));
	return place !== undefined && contains(place) === isInside;
}

/** On which side of the border a device must be, and by which of its places. */
const sides: INodeProperties[] = [
	{
		displayName: 'Side',
		name: 'areaSide',
		type: 'options',
		options: choices(['Inside', 'inside'], ['Outside', 'outside']),
		default: 'inside',
		description: 'Which side of the border a device must be on. Devices without a known place are left out.',
	},
	{
		displayName: 'Location',
		name: 'areaBy',
		type: 'options',
		options: choices(
			['Installed', 'installed'],
			['Last Heard', 'heard'],
			['Last Heard, Else Installed', 'either', 'The first of the two that is known'],
		),
		default: 'either',
		description: 'Which location of a device to compare',
	},
];

const area = {
	displayName: 'Area',
	name: 'area',
	type: 'fixedCollection',
	placeholder: 'Set Area',
	default: {},
	description:
		'Only devices inside or outside a circle or polygon. Hubble cannot filter by place, so all devices are fetched and compared in n8n.',
	options: [
		{ displayName: 'Circle', name: 'circle', values: [...areaFields.circle, ...sides] },
		{ displayName: 'Polygon', name: 'polygon', values: [...areaFields.polygon, ...sides] },
	],
	collection: 'filters',
	toWire: wantedArea,
	matches: isOnSide,
	remark: ({ area: { leftOut } }: Wanted) => {
		return leftOut && `"Area": ignored what is not a polygon: ${leftOut}`;
	},
} satisfies ClientFilter;

export const clientFilters: ClientFilter[] = [nameContains, byOwnTags, area];
