/** How both packet triggers turn packets into items: filters, decoding and shape. */
import { NodeOperationError, type IDataObject, type INodeProperties } from 'n8n-workflow';
import { asError } from '../client/errors';
import { objectOf } from '../client/json';
import { payloadDecoder, withDecoded, type Decoded } from './decode';
import { networkOf, simplifyPacket, tagsOf, type Packet } from './packet';
import { tallied } from './tally';
import { matchOf, NOT_DECODED, valueFilter, valueFilters } from './valueFilter';
import { choices, inCollection, pickedDevices, pickedIds, ungrouped } from '../operation/fields';
import { collectionOf, isGiven, isOn, readParameter, type TriggerContext } from '../operation/readItem';
import { oneOf, parameterError, tagFilters, texts } from '../operation/values';
import type { Hint } from '../operation/operation';

/** The networks that Hubble names (API definition, `packet`). */
const NETWORKS = ['SATELLITE', 'TERRESTRIAL'] as const;

/** The filters; their values go to `packetFilter` and `valueFilter`. */
export const filterFields: INodeProperties[] = [
	pickedDevices,
	{
		displayName: 'Network Types',
		name: 'networkTypes',
		type: 'multiOptions',
		options: choices(['Satellite', 'SATELLITE'], ['Terrestrial', 'TERRESTRIAL']),
		default: [],
		description: 'Only packets heard by these networks. A packet that names no known network passes as well.',
	},
	{
		displayName: 'Tags',
		name: 'tags',
		type: 'string',
		typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Tag' },
		default: [],
		placeholder: 'e.g. _env:production',
		description:
			'Only packets of devices with these tags, as key:value. Of several tags with the same key, one must match; tags with different keys must all match.',
	},
	...valueFilters,
];

/** The parameter "Filters" of the triggers. */
export const packetFilters: INodeProperties = {
	displayName: 'Filters',
	name: 'filters',
	type: 'collection',
	placeholder: 'Add Filter',
	default: {},
	options: filterFields.map(inCollection),
};

export const simplifyPackets: INodeProperties = {
	displayName: 'Simplify',
	name: 'simplify',
	type: 'boolean',
	default: true,
	description: 'Whether to return a simplified version of the packets instead of all their fields',
};

/**
 * Whether a packet passes the filters that the user set; `undefined` when there are none.
 * Throws an Error whose message says what is wrong with a value.
 */
export function packetFilter(filters: IDataObject): ((packet: Packet) => boolean) | undefined {
	const networks = texts(filters.networkTypes)?.map((type) => oneOf(NETWORKS)(type.toUpperCase()));
	const tags = tagFilters(filters.tags)?.map((tag) => tag.normalize());
	const devices = new Set(pickedIds(filters.devices));
	if (!devices.size && !networks && !tags) return undefined;
	const byKey = new Map<string, Set<string>>();
	for (const tag of tags ?? []) {
		const key = tag.slice(0, tag.indexOf(':'));
		byKey.set(key, (byKey.get(key) ?? new Set()).add(tag));
	}
	return (packet) => {
		if (devices.size && !devices.has(packet.device.id.toLowerCase())) return false;
		const network = networkOf(packet);
		if (networks && network && !networks.includes(network)) return false;
		if (byKey.size === 0) return true;
		const its = Object.entries(tagsOf(packet)).map(([key, value]) => `${key}:${String(value)}`.normalize());
		return [...byKey.values()].every((alternatives) => its.some((tag) => alternatives.has(tag)));
	};
}

/** The filters that the user added. An empty one is refused: it would let all packets through. */
function givenFilters(context: TriggerContext, given: IDataObject): IDataObject {
	const stored = objectOf(given.filters);
	const filters = readParameter(context, 'Filters', () => collectionOf(context, 'filters'));
	for (const { displayName, name, type } of filterFields) {
		readParameter(context, displayName, () =>
			isGiven(stored[name], filters[name], type !== 'fixedCollection' && name in stored),
		);
	}
	return objectOf(Object.fromEntries(Object.entries(filters).map(([name, value]) => [name, ungrouped(value)])));
}

/** How payloads are decoded; `undefined` when they are not. */
function decoder(context: TriggerContext, given: IDataObject) {
	const parameter = (name: string) => context.getNodeParameter(name, '');
	const decode = parameter('decodePayload');
	readParameter(context, 'Decode Payload', () => isGiven(given.decodePayload, decode, false));
	// Read only where the way to decode needs them.
	const table = decode === 'fields' ? parameter('payloadFields') : undefined;
	readParameter(context, 'Payload Fields', () => {
		if (table !== undefined) isGiven(given.payloadFields, table, false);
	});
	try {
		return payloadDecoder({ decode, table, layout: decode === 'layout' ? parameter('payloadLayout') : undefined });
	} catch (error) {
		throw new NodeOperationError(context.getNode(), asError(error).message);
	}
}

/** A packet with what its payload says; without it where payloads are not decoded. */
export interface ReadPacket {
	packet: Packet;
	said?: Decoded;
}

export type PacketReader = ReturnType<typeof packetReader>;

/**
 * Filters, shortens and decodes packets as the node's parameters say; they are read once.
 * Throws a NodeOperationError that names the parameter at fault.
 */
export function packetReader(context: TriggerContext) {
	// n8n copies the whole node whenever it is asked for it.
	const given: IDataObject = context.getNode().parameters;
	const filters = givenFilters(context, given);
	readParameter(context, 'Tags', () => tagFilters(filters.tags));
	const matches = readParameter(context, 'Filters', () => packetFilter(filters));
	readParameter(context, 'Values Must Match', () => matchOf(filters.valuesMatch));
	const hasValue = readParameter(context, 'Values', () => valueFilter(filters));
	const hints = new Set<Hint>();
	const decodes = decoder(context, given);
	const decode = decodes && tallied(decodes, hints);
	if (hasValue && !decode) throw new NodeOperationError(context.getNode(), parameterError('Values', NOT_DECODED));
	const shape = isOn(context, simplifyPackets.name, simplifyPackets.displayName, true)
		? simplifyPacket
		: (packet: IDataObject) => packet;
	const read = (packet: Packet): ReadPacket => ({ packet, said: decode?.(packet.device.payload) });
	return {
		decodes: decode !== undefined,
		read,
		/** Those that pass the filters. */
		select(packets: Packet[]) {
			const kept = (matches ? packets.filter(matches) : packets).map(read);
			return hasValue ? kept.filter(({ said }) => hasValue(said?.decoded)) : kept;
		},
		show: ({ packet, said }: ReadPacket) => (said ? withDecoded(packet, said, shape) : shape(packet)),
		/** How many of the payloads until now could not be decoded, and why; `undefined` when all could. */
		misfit: () => [...hints].map((hint) => (typeof hint === 'string' ? hint : hint.text()))[0],
	};
}
