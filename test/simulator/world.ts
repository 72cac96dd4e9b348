import { secrets } from './secrets';
import { createHash } from 'node:crypto';
import { scopes } from '../../tools/contract';
import { memberOf } from './fleet';
import { hash, uuid } from './hash';
import { createPackets, type Packets } from './packets';

/**
 * The state behind the simulator and its seed: three organizations, of which the first has everything. The
 * second is its paired sandbox, the third a stranger. No input or output happens here; the same options and
 * the same clock give the same world.
 */
export interface Device {
	id: string;
	name: string;
	created_ts: number;
	tags: Record<string, string>;
	encryption: string;
	eid_rotation: { counter_source?: string; period_exponent?: number };
	install_location?: { lat: number; long: number; location_name?: string };
}

export interface Key {
	key_id: string;
	key_name: string;
	created_at: number;
	/** Unix seconds; 0: never. */
	expires_at_seconds: number;
	scopes: string[];
}

export interface Webhook {
	webhook_id: string;
	org_id: string;
	url: string;
	max_batch_size: number;
	name?: string;
	secret: string;
}

export interface User {
	user_id: string;
	email: string;
	email_confirmed: boolean;
	first_name?: string;
	last_name?: string;
	created_at: number;
	last_active_at?: number;
	role: string;
}

export interface Invitation {
	invitee_email: string;
	inviter_email: string;
	created_at: number;
	expires_at: number;
	role: string;
}

export interface Invoice {
	invoice_id: string;
	invoice_number: string;
	issue_timestamp: number;
	due_timestamp: number;
	status: 'DRAFT' | 'PENDING' | 'COMPLETED';
	total_balance: number;
	remaining_balance: number;
}

export interface Organization {
	metadata: { org_id: string; name: string; org_type: string; timezone: string } & Record<string, unknown>;
	/** The paired organization between which devices may move. */
	partner?: string;
	devices: Map<string, Device>;
	/** Grows with every change of the devices, so that a sorted list knows when it is stale. */
	revision: number;
	keys: Map<string, Key>;
	users: Map<string, User>;
	/** By the invited address. */
	invitations: Map<string, Invitation>;
	webhooks: Map<string, Webhook>;
	invoices: Invoice[];
	packets: Packets;
}

/** The latest packet of a device on each network, as indices in the stream. */
export interface LastHeard {
	terrestrial?: number;
	satellite?: number;
}

export interface WorldOptions {
	devices: number;
	packets: number;
	/** Length of the packet history in days, ending now. */
	days: number;
	seed: number;
	/** See `PacketOptions`. */
	burstAt?: number;
	byDay?: boolean;
	clockSkewMs: number;
	/** How long ago, in ms, devices that would never have been heard sent their only packet: one device for each. */
	silentFor?: readonly number[];
	/** The clock in ms. */
	now: () => number;
}

const day = 86_400_000;
export const allScopes = Object.keys(scopes);

export function createWorld(options: WorldOptions) {
	const { seed, now } = options;
	const began = now();
	const seconds = () => Math.floor(now() / 1000);
	const bornAt = Math.floor(began / 1000);
	let made = 0;
	/** A new id; every call gives another one. */
	const newId = () => uuid(seed, 100, made++);
	const newBytes = (length: number) => createHash('sha256').update(`${seed}:${made++}`).digest().subarray(0, length);

	// Every tenth device is a sandbox device, every twentieth has never sent a packet.
	const members = Array.from({ length: options.devices }, (_, n) => memberOf(seed, n));
	const devices = members.map(({ kind, site, hall }, n): Device => {
		const extended = n % 5 === 4;
		return {
			id: uuid(seed, 21, n),
			name: `${kind} ${String(n + 1).padStart(4, '0')}`,
			created_ts: bornAt - 40 * 86_400 - (hash(seed, n, 20) % 5_000_000),
			tags: { _env: n % 10 === 9 ? 'sandbox' : 'production', site, model: kind },
			encryption: extended ? 'AES-128-EAX' : n % 2 ? 'AES-128-CTR' : 'AES-256-CTR',
			eid_rotation: extended
				? { counter_source: 'DEVICE_UPTIME', period_exponent: 15 }
				: { counter_source: 'UNIX_TIME' },
			...(hall && n % 3 === 0 && { install_location: hall }),
		};
	});
	const isSender = (_: unknown, n: number) => n % 20 !== 19;
	const senders = devices.filter(isSender);
	// The history begins up to an hour late, so that "the last 7 days" still holds all of it after a while.
	const history = options.days * day;
	const stream = {
		seed,
		count: options.packets,
		from: began - history + Math.min(3_600_000, history / 10),
		to: began - 1000,
		burstAt: options.burstAt,
		byDay: options.byDay,
		members: members.filter(isSender),
		clockSkewMs: options.clockSkewMs,
		senders: senders.map(({ id, name, tags }) => ({ id, name, tags })),
	};

	const organization = (
		name: string,
		org_type: string,
		packets: Packets,
		kept: readonly Device[] = [],
	): Organization => ({
		metadata: { org_id: newId(), name, org_type, timezone: 'Etc/UTC' },
		devices: new Map(kept.map((device) => [device.id, device])),
		revision: 0,
		keys: new Map(),
		users: new Map(),
		invitations: new Map(),
		webhooks: new Map(),
		invoices: [],
		packets,
	});
	const silent = () => createPackets({ ...stream, senders: [] });
	const main = organization('Simulated Fleet', 'production', createPackets(stream), devices);
	const sandbox = organization('Simulated Fleet Sandbox', 'sandbox', silent());
	const stranger = organization('Another Fleet', 'production', silent());
	main.partner = sandbox.metadata.org_id;
	sandbox.partner = main.metadata.org_id;
	sandbox.metadata.production_org_id = main.metadata.org_id;
	Object.assign(main.metadata, {
		contact_info: { phoneNumber: '+12065550100', email: 'fleet@example.com' },
		address: { street_address: '1 Example Street', city: 'Example City', state: 'WA', country: 840 },
	});

	for (let n = 1; n <= 12; n++) {
		const number = String(n).padStart(2, '0');
		main.users.set(uuid(seed, 30, n), {
			user_id: uuid(seed, 30, n),
			email: `operator${number}@example.com`,
			email_confirmed: n !== 12,
			first_name: 'Operator',
			last_name: number,
			created_at: bornAt - n * 86_400,
			last_active_at: bornAt - n * 3600,
			role: n <= 2 ? 'admin' : 'member',
		});
	}
	for (let n = 1; n <= 7; n++) {
		const invitee_email = `invitee${n}@example.com`;
		main.invitations.set(invitee_email, {
			invitee_email,
			inviter_email: 'operator01@example.com',
			created_at: bornAt - n * 3600,
			expires_at: bornAt - n * 3600 + 7 * 86_400,
			role: 'member',
		});
	}
	for (const [n, status] of (['DRAFT', 'PENDING', 'COMPLETED', 'COMPLETED'] as const).entries()) {
		const issued = bornAt - n * 30 * 86_400;
		main.invoices.push({
			invoice_id: `in_${uuid(seed, 40, n).slice(0, 8)}`,
			invoice_number: `SIM-${String(1004 - n)}`,
			issue_timestamp: issued + 0.5,
			due_timestamp: issued + 14 * 86_400 + 0.5,
			status,
			total_balance: 149.5 + n,
			remaining_balance: status === 'COMPLETED' ? 0 : 149.5 + n,
		});
	}

	const organizations = new Map([main, sandbox, stranger].map((each) => [each.metadata.org_id, each]));
	const tokens = new Map<string, { organization: Organization; key: Key }>();

	/** Makes an API key; the token is shown this once. */
	function createKey(
		of: Organization,
		{
			name = 'API key',
			scopes: wanted = allScopes,
			expires = 0,
		}: { name?: string; scopes?: readonly string[]; expires?: number },
	): { key: Key; token: string } {
		const key: Key = {
			key_id: newId(),
			key_name: name,
			created_at: seconds(),
			expires_at_seconds: expires,
			scopes: [...wanted],
		};
		const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
		const token = [
			encode({ alg: 'HS256', typ: 'JWT' }),
			encode({ org_id: of.metadata.org_id, key_id: key.key_id }),
			newBytes(32).toString('base64url'),
		].join('.');
		of.keys.set(key.key_id, key);
		secrets.add(token);
		tokens.set(token, { organization: of, key });
		return { key, token };
	}

	// Requests and deliveries per hour: an invented past and, from the start on, what really happened.
	const tallies = { api: new Map<number, [number, number]>(), webhook: new Map<number, [number, number]>() };
	const firstHour = Math.floor(began / 3_600_000);
	/** Counts one API request or webhook delivery for the metrics. */
	function tally(kind: keyof typeof tallies, success: boolean): void {
		const hour = Math.floor(now() / 3_600_000);
		const [total, good] = tallies[kind].get(hour) ?? [0, 0];
		tallies[kind].set(hour, [total + 1, good + (success ? 1 : 0)]);
	}
	/** Requests and successes of one hour (counted since 1970). */
	function tallied(kind: keyof typeof tallies, hour: number): [number, number] {
		if (hour >= firstHour) return tallies[kind].get(hour) ?? [0, 0];
		const total = hash(seed, hour, 50) % 200;
		return [total, total - Math.min(total, hash(seed, hour, 51) % 5)];
	}

	// Where each sender is in the turn, and what packets given by hand say.
	const turns = new Map(senders.map((device, n) => [device.id, n]));
	const heardByHand = new Map<string, LastHeard>();
	const networkOf = (i: number) => (main.packets.isSatellite(i) ? 'satellite' : 'terrestrial');
	const mute = devices.filter(({ id }) => !turns.has(id));
	for (const [n, age] of (options.silentFor ?? []).entries()) {
		const { id, name, tags } = mute[n] as Device;
		const i = main.packets.firstAt(began - age);
		main.packets.sendFrom(i, { id, name, tags });
		heardByHand.set(id, { [networkOf(i)]: i });
	}
	/** The latest packets of the device, read off the stream itself. */
	function lastHeard(id: string): LastHeard {
		const heard: LastHeard = { ...heardByHand.get(id) };
		const turn = turns.get(id);
		if (turn === undefined) return heard;
		const { packets } = main;
		const newest = Math.floor((packets.length - 1 - turn) / senders.length);
		// One packet in eight comes by satellite: within 32 rounds nearly every device was heard on both.
		for (let round = newest; round >= 0 && round > newest - 32; round--) {
			const i = turn + round * senders.length;
			if (packets.deviceOf(i) !== id) continue;
			heard[networkOf(i)] = Math.max(heard[networkOf(i)] ?? 0, i);
			if (heard.satellite !== undefined && heard.terrestrial !== undefined) break;
		}
		return heard;
	}

	return {
		began,
		now,
		seconds,
		newId,
		newBytes,
		main,
		sandbox,
		stranger,
		organizations,
		tokens,
		createKey,
		tally,
		tallied,
		lastHeard,
		/** The devices that send the computed packets, in their turn. */
		senders: stream.senders,
		/** Adds live packets to the main organization's stream; the range of their indices. */
		addPackets(added: Parameters<Packets['append']>[0]) {
			const range = main.packets.append(added, now());
			if (typeof added === 'number') return range;
			for (let i = range.from; i < range.to; i++) {
				const id = main.packets.deviceOf(i);
				heardByHand.set(id, { ...heardByHand.get(id), [networkOf(i)]: i });
			}
			return range;
		},
	};
}

export type World = ReturnType<typeof createWorld>;
