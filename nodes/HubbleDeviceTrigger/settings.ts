/** The user's settings: which events of which devices. Bad input is refused here, before any call. */
import type { IDataObject, INodeProperties, INodePropertyOptions, IPollFunctions } from 'n8n-workflow';
import { objectOf } from '../shared/client/json';
import { areaFields, areaRows, readArea } from '../shared/device/areaFields';
import type { Area } from '../shared/device/areas';
import { hasTags } from '../shared/device/device';
import { environment, inCollection, ownTags, pickedDevices, pickedIds, textPart } from '../shared/operation/fields';
import { isGiven, isOn, namedRows, optional, readParameter } from '../shared/operation/readItem';
import { flag, numberIn, oneOf, tagFilters } from '../shared/operation/values';
import { keyOf } from '../shared/polling/compact';
import { MOST_AREAS } from './marks';

/**
 * How far the last packets that Hubble shows with a device may lag behind, in seconds. The API definition says that
 * they are refreshed periodically, not how often; a shorter silence may be mere lag.
 */
const SAMPLE_DELAY_S = 900;

/** What each event is called, and when it comes. */
const EVENTS = {
	entered: {
		name: 'Entered an Area',
		description: 'A device sent its latest packet from inside an area it was not in before',
	},
	firstHeard: { name: 'First Heard', description: 'A device sent its first packet' },
	heardAgain: { name: 'Heard Again', description: 'A device that was silent sent a packet' },
	left: {
		name: 'Left an Area',
		description: 'A device sent its latest packet from outside an area it was in before',
	},
	registered: { name: 'Registered', description: 'A device was registered in the organization' },
	silent: {
		name: 'Silent',
		description: 'A device has not been heard for the time in Silent For (Hours). Reported once.',
	},
};
export type EventName = keyof typeof EVENTS;
const isEvent = (name: string): name is EventName => Object.hasOwn(EVENTS, name);

export interface Settings {
	events: ReadonlySet<EventName>;
	/** Seconds without a packet after which a device is silent. */
	silence: number;
	reportsSilentAlready: boolean;
	areas: Area[];
	/** Metres: how far outside of an area a device must be to have left it. */
	borderWidth: number;
	/** Metres; without it each area has its own radius. */
	maxInaccuracy?: number;
	/** Whether a crossing waits for a second packet from the same side. */
	confirms: boolean;
	/** Seconds by which a place may be older than the last packet, where that says none. */
	lookBack: number;
	/** Tags for Hubble to filter by: the environment. */
	tags?: string[];
	/** Whether a device has the own tags that are wanted. */
	matches: (device: IDataObject) => boolean;
	/** Identifies the set of devices: cursors and marks of another set are ignored. */
	devices: string;
	most: number;
	simplify: boolean;
}

/** Shows a parameter for some of the events. */
const forEvents = (...events: EventName[]): Pick<INodeProperties, 'displayOptions'> => ({
	displayOptions: { show: { events } },
});

/** The same for an option, which stands in a collection. */
const forAreas = { show: { '/events': ['entered', 'left'] } };

const areaName = textPart('Name', 'name', 'e.g. Depot Rotterdam', 'The name of the area in the output');

export const eventOptions: INodePropertyOptions[] = Object.entries(EVENTS).map(([value, { name, description }]) => ({
	name,
	value,
	description,
	action: `On device ${name.toLowerCase()}`,
}));

export const properties: INodeProperties[] = [
	{
		displayName: 'Events',
		name: 'events',
		type: 'multiOptions',
		required: true,
		options: eventOptions,
		default: ['silent'],
		description: 'What starts the workflow',
	},
	{
		displayName: 'Silent For (Hours)',
		name: 'silentForHours',
		type: 'number',
		typeOptions: { minValue: 0.25 },
		default: 24,
		description:
			'How long a device must go unheard to count as silent. Fractions of an hour are allowed. At least 0.25, because Hubble updates the last packet with a delay. Packets by satellite can take 6 hours: a device that only satellites hear is silent after 6 hours at the earliest.',
		...forEvents('silent', 'heardAgain'),
	},
	{
		displayName: 'Report Already Silent Devices',
		name: 'reportSilentAlready',
		type: 'boolean',
		default: false,
		description: 'Whether the first poll also reports devices that are already silent',
		...forEvents('silent'),
	},
	{
		displayName: 'Areas',
		name: 'areas',
		type: 'fixedCollection',
		typeOptions: { multipleValues: true },
		default: {},
		placeholder: 'Add Area',
		description: 'The areas to watch. A device is where its most recent packet was heard.',
		options: [
			{ displayName: 'Circle', name: 'circle', values: [areaName, ...areaFields.circle] },
			{ displayName: 'Polygon', name: 'polygon', values: [areaName, ...areaFields.polygon] },
		],
		...forEvents('entered', 'left'),
	},
	{
		displayName: 'Filters',
		name: 'filters',
		type: 'collection',
		placeholder: 'Add Filter',
		default: {},
		options: [
			inCollection(pickedDevices),
			{
				displayName: 'Environment',
				name: environment.name,
				type: 'options',
				options: environment.options,
				default: 'production',
				description: 'Only devices of this environment',
			},
			ownTags,
		],
	},
	{
		displayName: 'Simplify',
		name: 'simplify',
		type: 'boolean',
		default: true,
		description: 'Whether to return a simplified version of the devices instead of all their fields',
	},
	{
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		options: [
			{
				displayName: 'Border Width (Meters)',
				name: 'borderWidth',
				displayOptions: forAreas,
				type: 'number',
				typeOptions: { minValue: 0 },
				default: 50,
				description:
					'How far outside an area a device must be to count as having left it, so that a device at the border does not keep entering and leaving',
			},
			{
				displayName: 'Confirm by Second Packet',
				name: 'confirm',
				displayOptions: forAreas,
				type: 'boolean',
				default: true,
				description:
					'Whether Entered and Left wait for a second packet from the same side of the border, so that a single wrong place does not start the workflow',
			},
			{
				displayName: 'Look Back (Hours)',
				name: 'lookBack',
				displayOptions: forAreas,
				type: 'number',
				typeOptions: { minValue: 0.25 },
				default: 6,
				description:
					'For Entered and Left, how old a packet may be. The default is 15 minutes. Satellite packets reach Hubble late, 99% within 6 hours. Each poll reads all devices that were heard in this time.',
			},
			{
				displayName: 'Max Inaccuracy (Meters)',
				name: 'maxInaccuracy',
				displayOptions: forAreas,
				type: 'number',
				typeOptions: { minValue: 0 },
				default: 500,
				description:
					'For Entered and Left, ignore places that may be off by more than this. The default is the radius of the area, or for a polygon, of a circle of the same size. Places of unknown accuracy count.',
			},
			{
				displayName: 'Max Items per Execution',
				name: 'maxItems',
				type: 'number',
				typeOptions: { minValue: 100, maxValue: 10_000 },
				default: 1000,
				description: 'Maximum number of events in one execution, at least 100. The rest comes with the next polls.',
			},
		],
	},
	{
		displayName:
			'After n8n restarts, the events of the last execution come again. Those of an execution that n8n fails to store, for example on a full disk, do not. The Remove Duplicates node recognizes repeats by <code>eventKey</code>.',
		name: 'repeatsNotice',
		type: 'notice',
		default: '',
	},
];

function eventsOf(context: IPollFunctions): ReadonlySet<EventName> {
	return readParameter(context, 'Events', () => {
		const chosen: unknown[] = [context.getNodeParameter('events', [])].flat();
		if (!chosen.length) throw new Error('choose at least one');
		return new Set(chosen.map(oneOf(Object.keys(EVENTS).filter(isEvent))));
	});
}

function readSilence(context: IPollFunctions): number {
	return readParameter(context, 'Silent For (Hours)', () => {
		const hours = numberIn(0, 1e6, false)(context.getNodeParameter('silentForHours', 24));
		if (hours === undefined) throw new Error('it is required');
		const silence = Math.floor(hours * 3600);
		if (silence < SAMPLE_DELAY_S) {
			throw new Error('it must be at least 0.25 (15 minutes), because Hubble updates the last packet with a delay');
		}
		return silence;
	});
}

function areasOf(context: IPollFunctions): Area[] {
	return readParameter(context, 'Areas', () => {
		const given = objectOf(context.getNodeParameter('areas', {}));
		isGiven(context.getNode().parameters.areas, given, false);
		const rows = areaRows(given);
		if (!rows.length) throw new Error('add at least one area, a circle or a polygon');
		return namedRows(rows, MOST_AREAS, readArea);
	});
}

/** Reads all parameters. Throws a NodeOperationError that names the one at fault. */
export function readSettings(context: IPollFunctions): Settings {
	const events = eventsOf(context);
	const watches = (...names: EventName[]) => names.some((name) => events.has(name));
	const tags = optional(context, 'filters', environment.name, 'Environment', (value) =>
		environment.toWire(oneOf(environment.options.map((option) => option.value))(value)),
	);
	const own = optional(context, 'filters', ownTags.name, ownTags.displayName, tagFilters);
	const picked = optional(context, 'filters', pickedDevices.name, 'Devices', pickedIds);
	const ids = picked?.length ? new Set(picked) : undefined;
	return {
		events,
		silence: watches('silent', 'heardAgain') ? readSilence(context) : SAMPLE_DELAY_S,
		reportsSilentAlready: isOn(context, 'reportSilentAlready', 'Report Already Silent Devices', false),
		areas: watches('entered', 'left') ? areasOf(context) : [],
		borderWidth: optional(context, 'options', 'borderWidth', 'Border Width (Meters)', numberIn(0, 1e6, false)) ?? 50,
		maxInaccuracy: optional(context, 'options', 'maxInaccuracy', 'Max Inaccuracy (Meters)', numberIn(0, 1e8, false)),
		confirms: optional(context, 'options', 'confirm', 'Confirm by Second Packet', flag) ?? false,
		lookBack: Math.floor(
			3600 * (optional(context, 'options', 'lookBack', 'Look Back (Hours)', numberIn(0.25, 720, false)) ?? 0.25),
		),
		most: optional(context, 'options', 'maxItems', 'Max Items per Execution', numberIn(100, 10_000)) ?? 1000,
		tags,
		matches: (device) => (ids?.has(String(device.id).toLowerCase()) ?? true) && hasTags(device, own ?? []),
		devices: keyOf(JSON.stringify([tags, own, picked])),
		simplify: isOn(context, 'simplify', 'Simplify', true),
	};
}
