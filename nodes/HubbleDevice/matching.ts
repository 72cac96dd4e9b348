/** Which devices items mean by a name or a tag, and what is said where that is not clear. */
import { jsonParse, NodeOperationError, type IDataObject } from 'n8n-workflow';
import type { HubbleClient } from '../shared/client/client';
import { endpoints } from '../shared/client/endpoints';
import { acceptedRows } from '../shared/client/pages';
import { readPages } from '../shared/client/windows';
import type { Hint, ItemRequest, Preparation } from '../shared/operation/operation';
import { wholeNumber, nthItem } from '../shared/operation/values';

/** What is wrong with an item, found out after its parameters were read. */
export function itemError(
	{ context }: Pick<Preparation, 'context'>,
	itemIndex: number,
	message: string,
	description?: string,
): NodeOperationError {
	return new NodeOperationError(context.getNode(), message, { itemIndex, description });
}

/**
 * The match key of a device's name, or of its value of a tag. Items are read without blanks at their ends, and files come
 * with letters in either form of Unicode.
 */
export const matchKey = (tag: string | null, value: unknown) =>
	JSON.stringify([tag?.normalize() ?? null, typeof value === 'string' ? value.normalize().trim() : value]);

/** All values by which a device may be meant. */
const matchesOf = ({ name, tags }: IDataObject): string[] => [
	matchKey(null, name),
	...Object.entries(tags ?? {}).map(([tag, value]) => matchKey(tag, value)),
];

export interface Matches {
	/** The devices that the items mean, by what tells them apart. */
	found: Map<string, IDataObject[]>;
	/** Entries of the list that do not tell which device they are, and the X-Request-ID with which the last of them came. */
	unread: number;
	requestId?: string;
}

/** Whether an entry of the list tells which device it is. */
const isMatchable = ({ id, name }: IDataObject) => typeof id === 'string' && typeof (name ?? '') === 'string';

/** Reads the whole list: Hubble cannot search. */
export async function devicesByMatch(hubble: HubbleClient, wanted: readonly string[]): Promise<Matches> {
	const { list } = endpoints.listDevices;
	const matches: Matches = { found: new Map(wanted.map((match) => [match, []])), unread: 0 };
	// Oldest first: a device registered meanwhile does not shift others to another page.
	for await (const { rows, requestId } of readPages(hubble, { endpoint: endpoints.listDevices }, list, {
		limit: Infinity,
	})) {
		const devices = [...acceptedRows(rows, list)].filter(isMatchable);
		if (devices.length < rows.length) {
			Object.assign(matches, { unread: matches.unread + rows.length - devices.length, requestId });
		}
		for (const row of devices) for (const match of matchesOf(row)) matches.found.get(match)?.push(row);
	}
	return matches;
}

/** A hint lists at most this many names, each cut to this many characters. */
const NAMES_SHOWN = 3;
const LONGEST_SHOWN = 30;

const listed = (names: readonly string[]): string =>
	[
		...names
			.slice(0, NAMES_SHOWN)
			.map((name) => (name.length > LONGEST_SHOWN ? `${name.slice(0, LONGEST_SHOWN)}…` : name)),
		...(names.length > NAMES_SHOWN ? ['…'] : []),
	].join(', ');

/** What Create or Update did, for a hint: a name that was mistyped is seen among those that were registered. */
export class Tally {
	readonly skipped: string[] = [];
	private updated = 0;
	private readonly registered: string[] = [];

	constructor(hints: Set<Hint>) {
		hints.add({ text: () => this.text() });
	}

	updating({ turn, ...request }: ItemRequest): ItemRequest {
		const done = () => {
			turn?.done();
			this.updated += 1;
		};
		return { ...request, turn: { ...turn, done } };
	}

	registering(request: ItemRequest, name: string): ItemRequest {
		return { ...request, turn: { done: () => void this.registered.push(name) } };
	}

	private text(): string | undefined {
		const { updated, registered, skipped } = this;
		const said = (names: readonly string[], what: string) =>
			names.length ? [`${wholeNumber(names.length)} ${what}: ${listed(names)}`] : [];
		const others = [...said(registered, 'registered'), ...said(skipped, 'skipped because no device matches')];
		return others.length ? [`${wholeNumber(updated)} updated`, ...others].join(', ') : undefined;
	}
}

/** The error of an item whose device does not exist. */
export function noneFound(
	all: Pick<Preparation, 'context'>,
	itemIndex: number,
	match: string,
	{ unread, requestId }: Matches,
): NodeOperationError {
	// An unreadable entry may be this device; registering would create a duplicate.
	const [message, description] = unread
		? [
				`Could not determine whether a device has ${meantBy(match)}: ${unread} of the entries in Hubble's list could not be read`,
				`Nothing was registered or changed for this item. Run it again; if it fails again, tell Hubble's support. X-Request-ID: ${requestId}.`,
			]
		: [
				`No device has ${meantBy(match)}`,
				'Check the spelling in Hubble: capital letters and spaces matter. Nothing was sent for this item.',
			];
	return itemError(all, itemIndex, message, description);
}

/** The name or the value of the tag in what tells a device from others. */
export const valueIn = (match: string): string => jsonParse<[string | null, string]>(match)[1];

/** How a user reads what tells the device of an item from others. */
function meantBy(match: string): string {
	const [key, value] = jsonParse<[string | null, string]>(match);
	return key === null ? `the name "${value}"` : `the tag ${key}:${value}`;
}

/** Why a match is ambiguous; `undefined` when it is not. */
export function ambiguity(
	match: string,
	devices: ReadonlyArray<IDataObject | undefined>,
	remedy: string,
	creator?: number,
): string | undefined {
	const what = meantBy(match);
	if (devices.length > 1) {
		const ids = devices.slice(0, 3).map((device) => String(device?.id));
		return `${devices.length} devices have ${what}: ${ids.join(', ')}${devices.length > 3 ? ' …' : ''}. Change one of them, or ${remedy}`;
	}
	return creator === undefined
		? undefined
		: `Another item (${nthItem(creator)}) already registers a device with ${what}`;
}
