import { scopes, type CallName } from '../../tools/contract';
import { secrets } from './secrets';
import { allScopes, type Device, type Key, type Organization, type Webhook, type World } from './world';

/**
 * One function per call: what Hubble answers, given a request that already fits the contract, comes with a
 * valid token and has the scope. Rules that no schema can say are checked here.
 *
 * Where the definition leaves a choice, the harsher reading holds: an unknown device in a batch of updates is
 * a 404 and nothing of the batch is applied. Deleting a batch is idempotent, deleting one unknown device a 404.
 */
export interface AnswerOptions {
	/**
	 * Shape of the replies to the two device batches. `definition`: 200 `{devices}` and 200 `{}`. `results`:
	 * 200 `{results: [{device_id, success, error?}]}` and 200 `{deleted: n}`. `207`: the same results under
	 * status 207, deletions as `{deleted, errors: [{device_id, error}]}`. `204`: deletions without a body.
	 * With `results` and `207` an unknown device fails alone.
	 */
	batchReply: 'definition' | 'results' | '207' | '204';
	/** Continuation-Token of an empty page at the head of an open packet stream. */
	headToken: 'empty' | 'absent' | 'same';
	/** Retry-After there, in seconds (0–300); null: no header. */
	headRetryAfter: number | null;
}

export interface Asked {
	world: World;
	options: AnswerOptions;
	organization: Organization;
	params: Record<string, string>;
	/** Checked, typed and completed with defaults. */
	query: Record<string, unknown>;
	body: unknown;
	/** The Continuation-Token header; empty counts as absent. */
	token?: string;
	/** Posts the example batch once to the webhook. */
	tryWebhook: (webhook: Webhook) => Promise<{ success: boolean; status_code?: number; error?: string }>;
}

export interface Reply {
	status?: number;
	headers?: Record<string, string>;
	/** An object goes out as JSON, text as JSON that is written already, bytes as they are. */
	body?: object | string | Buffer;
	type?: string;
}

/** A reply that is not a success; thrown out of any depth. */
export class Refusal extends Error {
	constructor(
		readonly status: number,
		description: string,
	) {
		super(description);
	}
}

const day = 86_400;
const iso = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;

function known<T>(found: T | undefined, what: string, id: string): T {
	if (found === undefined) throw new Refusal(404, `${what} ${id} was not found.`);
	return found;
}

// Continuation tokens: the query and the place in it, unreadable to callers who behave.

interface Place {
	call: CallName;
	org: string;
	query: Record<string, unknown>;
	at: unknown;
}

const writeToken = (place: Place) => Buffer.from(JSON.stringify(place)).toString('base64url');

function readToken({ token, organization }: Asked, call: CallName): Place | undefined {
	if (!token) return undefined;
	try {
		const place = JSON.parse(Buffer.from(token, 'base64url').toString()) as Place;
		if (place.call === call && place.org === organization.metadata.org_id) return place;
	} catch {
		// Not ours: refused below.
	}
	throw new Refusal(400, 'Continuation-Token is not one that this call returned.');
}

// Devices

/** The values of `_env` that pass; undefined: all. Only that platform tag can be asked for. */
function environments(query: Record<string, unknown>): Set<string> | undefined {
	const tags = query.filter_tags as string[] | undefined;
	if (!tags?.length) return undefined;
	for (const tag of tags) {
		if (tag !== '_env:production' && tag !== '_env:sandbox') {
			throw new Refusal(400, `filter_tags takes _env:production and _env:sandbox, not ${tag}.`);
		}
	}
	return new Set(tags.map((tag) => tag.slice('_env:'.length)));
}

/** `between:A:B` in Unix seconds, A included, B not. */
function between(query: Record<string, unknown>, name: string): (time: number) => boolean {
	const filter = query[name] as string | undefined;
	if (filter === undefined) return () => true;
	const [, from, to] = /^between:(\d{1,12}):(\d{1,12})$/.exec(filter) ?? [];
	if (from === undefined) throw new Refusal(400, `${name} must read between:{timestamp}:{timestamp}.`);
	return (time) => time >= Number(from) && time < Number(to);
}

const seconds = (organization: Organization, i: number | undefined) =>
	i === undefined ? 0 : organization.packets.timeOf(i) / 1000;

/** The history of a device stays with the organization in which it was made. */
const heardIn = (world: World, organization: Organization, device: Device) =>
	organization === world.main ? world.lastHeard(device.id) : {};

/** Unix seconds of the device's latest packet; 0: never heard. */
function lastTime(world: World, organization: Organization, device: Device): number {
	const { terrestrial, satellite } = heardIn(world, organization, device);
	return Math.max(seconds(organization, terrestrial), seconds(organization, satellite));
}

function shown(world: World, organization: Organization, device: Device) {
	const heard = heardIn(world, organization, device);
	const last = (i: number | undefined) => {
		if (i === undefined) return null;
		const { latitude, longitude } = organization.packets.get(i).location;
		return { timestamp: seconds(organization, i), location: { latitude, longitude } };
	};
	const never = heard.terrestrial === undefined && heard.satellite === undefined;
	return {
		...device,
		active: !never,
		most_recent_packet: never ? {} : { terrestrial: last(heard.terrestrial), satellite: last(heard.satellite) },
	};
}

interface Row {
	value: number;
	device: Device;
}

const sortedRows = new WeakMap<Organization, Map<string, { state: string; rows: Row[] }>>();

/** All devices in order of that field, then of id; kept until devices or packets change. */
function rowsBy(world: World, organization: Organization, field: string): Row[] {
	const kept = sortedRows.get(organization) ?? new Map<string, { state: string; rows: Row[] }>();
	sortedRows.set(organization, kept);
	const state = `${organization.revision}:${organization.packets.length}`;
	const found = kept.get(field);
	if (found?.state === state) return found.rows;
	const rows = [...organization.devices.values()]
		.map((device) => ({
			device,
			value: field === 'created_ts' ? device.created_ts : lastTime(world, organization, device),
		}))
		.sort((a, b) => a.value - b.value || (a.device.id < b.device.id ? -1 : 1));
	kept.set(field, { state, rows });
	return rows;
}

/** A page of rows after the last one returned, which is named by value and id, so that deletions skip nothing. */
function pageOf(rows: readonly Row[], ascending: boolean, after: unknown, limit: number, keep: (row: Row) => boolean) {
	const [value, id] = (after ?? []) as [number?, string?];
	const passed = ({ value: v, device }: Row) => {
		if (value === undefined || id === undefined) return false;
		const order = v - value || (device.id < id ? -1 : device.id > id ? 1 : 0);
		return ascending ? order <= 0 : order >= 0;
	};
	const page: Row[] = [];
	for (let n = 0; n < rows.length; n++) {
		const row = rows[ascending ? n : rows.length - 1 - n] as Row;
		if (passed(row) || !keep(row)) continue;
		const last = page.at(-1);
		if (last && page.length === limit) return { page, next: [last.value, last.device.id] };
		page.push(row);
	}
	return { page, next: undefined };
}

interface DeviceUpdate {
	set_name?: string;
	set_tags?: Record<string, string>;
	set_install_location?: Device['install_location'];
	set_destination_org_id?: string;
}

function checkUpdate(organization: Organization, { set_destination_org_id: destination, ...others }: DeviceUpdate) {
	if (destination === undefined) return;
	if (['set_name', 'set_tags', 'set_install_location'].some((name) => name in others)) {
		throw new Refusal(400, 'set_destination_org_id cannot be combined with other set_ fields.');
	}
	if (destination !== organization.partner) {
		throw new Refusal(400, 'set_destination_org_id must be the paired sandbox or production organization.');
	}
}

/** Tags with the `_env` that every device has. */
const withEnvironment = (tags: Record<string, string>, env: string) => ({ _env: env, ...tags });

function place(location: Device['install_location']): Pick<Device, 'install_location'> {
	const cleared = !location || (location.lat === 0 && location.long === 0);
	return { install_location: cleared ? undefined : location };
}

function applyUpdate(world: World, organization: Organization, id: string, update: DeviceUpdate): Device {
	const old = organization.devices.get(id) as Device;
	const device: Device = {
		...old,
		...(update.set_name !== undefined && { name: update.set_name }),
		...(update.set_tags && { tags: withEnvironment(update.set_tags, old.tags._env ?? 'production') }),
		...(update.set_install_location && place(update.set_install_location)),
	};
	organization.revision++;
	if (update.set_destination_org_id === undefined) {
		organization.devices.set(id, device);
		return device;
	}
	const target = world.organizations.get(update.set_destination_org_id) as Organization;
	const moved = { ...device, tags: { ...device.tags, _env: target.metadata.org_type } };
	organization.devices.delete(id);
	target.devices.set(id, moved);
	target.revision++;
	return moved;
}

function removeDevice(organization: Organization, id: string): boolean {
	organization.revision++;
	return organization.devices.delete(id);
}

interface Registration {
	n_devices?: number;
	encryption: string;
	names?: string[];
	tags?: Array<Record<string, string>>;
	eid_rotation?: Device['eid_rotation'] & { period_in_seconds?: number };
	device_claims?: unknown[];
	install_locations?: Array<Device['install_location']>;
}

const keyLength: Record<string, number> = { 'AES-256-CTR': 32, 'AES-128-CTR': 16, 'AES-128-EAX': 16 };

/** The period is given as an exponent or in seconds, and kept as an exponent. */
function rotationOf({ period_in_seconds: seconds, ...rotation }: NonNullable<Registration['eid_rotation']> = {}) {
	if (seconds === undefined) return rotation;
	if (rotation.period_exponent !== undefined) {
		throw new Refusal(400, 'eid_rotation takes period_exponent or period_in_seconds, not both.');
	}
	return { ...rotation, period_exponent: Math.log2(seconds) };
}

function register({ world, organization, query, body }: Asked): Reply {
	const { n_devices: size = 1, encryption, eid_rotation, device_claims: claims, ...lists } = body as Registration;
	if (claims) throw new Refusal(403, 'The organization is not entitled to claim devices.');
	for (const [name, list] of Object.entries(lists)) {
		if (list.length !== size) throw new Refusal(400, `${name} must have one entry per device (${size}).`);
	}
	const extended = encryption === 'AES-128-EAX';
	const rotation = rotationOf(eid_rotation);
	if (rotation.period_exponent !== undefined && !extended) {
		throw new Refusal(400, 'eid_rotation has a period with AES-128-EAX only.');
	}
	const devices = Array.from({ length: size }, (_, n) => {
		const id = world.newId();
		const device: Device = {
			id,
			name: lists.names?.[n] ?? '',
			created_ts: world.seconds(),
			tags: withEnvironment(lists.tags?.[n] ?? {}, organization.metadata.org_type),
			encryption,
			eid_rotation: { counter_source: 'UNIX_TIME', ...(extended && { period_exponent: 15 }), ...rotation },
			...place(lists.install_locations?.[n]),
		};
		organization.devices.set(id, device);
		const length = keyLength[encryption];
		const key = length && world.newBytes(length).toString(query.key_format as BufferEncoding);
		if (key) secrets.add(key);
		return {
			device_id: id,
			name: device.name,
			created_ts: device.created_ts,
			tags: device.tags,
			protocol: { terrestrial: { version: extended ? 2 : 0 } },
			eid_rotation: device.eid_rotation,
			...(extended && { network_id: 1000 + n }),
			...(key && { key }),
			install_location: device.install_location,
		};
	});
	organization.revision++;
	return { body: { devices } };
}

function updateMany({ world, organization, options, body }: Asked): Reply {
	const { updates } = body as { updates: Array<DeviceUpdate & { device_id: string }> };
	for (const update of updates) checkUpdate(organization, update);
	const single = options.batchReply === 'results' || options.batchReply === '207';
	if (single) {
		const results = updates.map(({ device_id, ...update }) => {
			if (!organization.devices.has(device_id)) {
				return { device_id, success: false, error: `Device ${device_id} was not found.` };
			}
			applyUpdate(world, organization, device_id, update);
			return { device_id, success: true };
		});
		return { status: options.batchReply === '207' ? 207 : 200, body: { results } };
	}
	for (const { device_id } of updates) known(organization.devices.get(device_id), 'Device', device_id);
	// The same device may come twice: the later update wins and the device is returned once.
	const changed = new Map<string, Device>();
	for (const { device_id, ...update } of updates) {
		// Moved away by an earlier update of this batch: then there is nothing left to change here.
		if (!organization.devices.has(device_id)) continue;
		changed.set(device_id, applyUpdate(world, organization, device_id, update));
	}
	return { body: { devices: [...changed.values()].map((device) => shown(world, organization, device)) } };
}

function deleteMany({ organization, options, body }: Asked): Reply {
	const { device_ids: ids } = body as { device_ids: string[] };
	const missing = ids.filter((id) => !removeDevice(organization, id));
	const deleted = ids.length - missing.length;
	const errors = missing.map((device_id) => ({ device_id, error: `Device ${device_id} was not found.` }));
	switch (options.batchReply) {
		case 'definition':
			return { body: {} };
		case 'results':
			return { body: { deleted } };
		case '207':
			return { status: 207, body: { deleted, errors } };
		case '204':
			return { status: 204 };
	}
}

function listDevices(asked: Asked): Reply {
	const { world, organization } = asked;
	const parse = (query: Record<string, unknown>) => ({
		wanted: environments(query),
		created: between(query, 'filter_created_ts'),
		heard: between(query, 'filter_most_recent_packet_ts'),
	});
	// With a token the query counts for nothing, but it must not be nonsense either.
	parse(asked.query);
	const token = readToken(asked, 'listDevices');
	const query = token?.query ?? asked.query;
	const { wanted, created, heard } = parse(query);
	const rows = rowsBy(world, organization, (query.sort_field as string | undefined) ?? 'created_ts');
	const keep = ({ device }: Row) =>
		(!wanted || wanted.has(device.tags._env ?? '')) &&
		created(device.created_ts) &&
		(query.filter_most_recent_packet_ts === undefined || heard(lastTime(world, organization, device)));
	const { page, next } = pageOf(rows, query.sort_ascending === true, token?.at, query.limit as number, keep);
	// Of single devices alone Hubble says how they are encrypted.
	const brief = { encryption: undefined, eid_rotation: undefined };
	const devices = page.map(({ device }) => ({ ...shown(world, organization, device), ...brief }));
	if (!next) return { body: { devices } };
	const place = { call: 'listDevices' as const, org: organization.metadata.org_id, query, at: next };
	return { headers: { 'Continuation-Token': writeToken(place) }, body: { devices } };
}

// Packets

const packetPage = 1000;

function listPackets(asked: Asked): Reply {
	const { world, organization, options } = asked;
	const { packets } = organization;
	environments(asked.query);
	const token = readToken(asked, 'listPackets');
	const now = world.seconds();
	const query = token?.query ?? {
		...asked.query,
		// A query for one device closes at the present.
		end: asked.query.end ?? (asked.query.device_id === undefined ? undefined : now + 1),
	};
	const { start = now - 7 * day, end, device_id: only } = query as { start?: number; end?: number; device_id?: string };
	const wanted = environments(query);
	const stop = end === undefined ? packets.length : packets.firstAt(end * 1000);
	// The history ends thirty days back; where a token points is further on already.
	let at = (token?.at as number | undefined) ?? packets.firstAt(Math.max(start, now - 30 * day) * 1000);
	const found: string[] = [];
	for (; at < stop && found.length < packetPage; at++) {
		if (only !== undefined && packets.deviceOf(at) !== only) continue;
		if (wanted && !wanted.has(packets.environmentOf(at) ?? '')) continue;
		found.push(packets.json(at));
	}
	const body = `{"packets":[${found.join(',')}]}`;
	const next = () =>
		writeToken({ call: 'listPackets', org: organization.metadata.org_id, query: { ...query, start }, at });
	// A closed query ends without a token; an open one goes on at the place of the last packet returned.
	if (end !== undefined) return at < stop ? { headers: { 'Continuation-Token': next() }, body } : { body };
	if (found.length > 0) return { headers: { 'Continuation-Token': next() }, body };
	const headers: Record<string, string> = {};
	if (options.headToken !== 'absent') headers['Continuation-Token'] = options.headToken === 'same' ? next() : '';
	if (options.headRetryAfter !== null) headers['Retry-After'] = String(options.headRetryAfter);
	return { headers, body };
}

// Metrics: whole intervals back to the beginning of the first, and the one that is still running.

type Interval = 'hour' | 'day' | 'month';

function intervals({ world, query }: Asked): { interval: Interval; starts: number[]; ends: number[] } {
	const days = (query.daysBack ?? query.days) as number;
	const interval =
		((query.timeInterval ?? query.time_interval) as Interval | undefined) ??
		(days === 1 ? 'hour' : days <= 31 ? 'day' : 'month');
	// The running interval is not counted, else 365 days by day would never be allowed.
	const whole = { hour: days * 24, day: days, month: 1 + Math.ceil(days / 31) }[interval];
	if (whole > 365)
		throw new Refusal(400, `${days} days by ${interval} make ${whole} buckets; at most 365 are allowed.`);
	const now = world.now();
	const from = new Date(now - days * day * 1000);
	const floor = (time: Date): Date => {
		if (interval === 'month') time.setUTCDate(1);
		if (interval === 'hour') time.setUTCMinutes(0, 0, 0);
		else time.setUTCHours(0, 0, 0, 0);
		return time;
	};
	const step = (time: Date): Date => {
		const next = new Date(time);
		if (interval === 'hour') next.setUTCHours(next.getUTCHours() + 1);
		if (interval === 'day') next.setUTCDate(next.getUTCDate() + 1);
		if (interval === 'month') next.setUTCMonth(next.getUTCMonth() + 1);
		return next;
	};
	let start = floor(from);
	// At least one whole month.
	if (interval === 'month' && step(start).getTime() > now) start.setUTCMonth(start.getUTCMonth() - 1);
	const starts: number[] = [];
	for (; start.getTime() <= now; start = step(start)) starts.push(start.getTime());
	return { interval, starts, ends: [...starts.slice(1), Infinity] };
}

const sum = (numbers: number[]) => numbers.reduce((total, n) => total + n, 0);

/** Requests and success rate per interval; nothing asked counts as all good. */
function requestMetrics(asked: Asked, kind: 'api' | 'webhook'): Reply {
	const { world, organization } = asked;
	const { starts, ends } = intervals(asked);
	const rate = (good: number, total: number) => (total ? good / total : 1);
	const counts = starts.map((start, n) => {
		let [total, good] = [0, 0];
		if (organization !== world.main) return [0, 0] as const;
		const end = Math.min(ends[n] as number, world.now() + 1);
		for (let hour = start / 3_600_000; hour * 3_600_000 < end; hour++) {
			const [all, fine] = world.tallied(kind, hour);
			total += all;
			good += fine;
		}
		return [total, good] as const;
	});
	const total = sum(counts.map(([all]) => all));
	return {
		body: {
			total_requests: total,
			success_rate: rate(sum(counts.map(([, good]) => good)), total),
			buckets: counts.map(([all, good], n) => ({
				timestamp: iso(starts[n] as number),
				total_requests: all,
				success_rate: rate(good, all),
			})),
		},
	};
}

function packetMetrics(asked: Asked): Reply {
	const { packets } = asked.organization;
	const wanted = environments(asked.query);
	const { starts, ends } = intervals(asked);
	const counts = starts.map((start, n) => {
		const [from, to] = [packets.firstAt(start), packets.firstAt(ends[n] as number)];
		if (!wanted) return to - from;
		let count = 0;
		for (let i = from; i < to; i++) if (wanted.has(packets.environmentOf(i) ?? '')) count++;
		return count;
	});
	return {
		body: {
			total_packets: sum(counts),
			buckets: counts.map((count, n) => ({ timestamp: iso(starts[n] as number), total_packets: count })),
		},
	};
}

function deviceMetrics(asked: Asked): Reply {
	const { world, organization, query } = asked;
	const { packets } = organization;
	const wanted = environments(query);
	const { interval, starts, ends } = intervals(asked);
	const devices = [...organization.devices.values()].filter(({ tags }) => !wanted || wanted.has(tags._env ?? ''));
	const never = new Set(devices.filter((device) => lastTime(world, organization, device) === 0).map(({ id }) => id));
	const active = (from: number, to: number) => {
		const heard = new Set<string>();
		const last = packets.firstAt(to);
		const most = Math.min(devices.length, world.senders.length);
		for (let i = packets.firstAt(from); i < last && heard.size < most; i++) {
			if (!wanted || wanted.has(packets.environmentOf(i) ?? '')) heard.add(packets.deviceOf(i));
		}
		return heard.size;
	};
	const buckets = starts.map((start, n) => {
		const end = ends[n] as number;
		const timestamp = iso(start);
		// Only by hour is the running interval worked out; else its values are left out.
		if (end === Infinity && interval !== 'hour') return { timestamp };
		const registered = devices.filter(({ created_ts }) => created_ts * 1000 < end);
		return {
			timestamp,
			registered_devices: registered.length,
			active_devices: active(start, end),
			never_active_devices: registered.filter(({ id }) => never.has(id)).length,
		};
	});
	return {
		body: {
			total_active_devices: active(starts[0] ?? 0, Infinity),
			total_registered_devices: devices.length,
			total_never_active_devices: never.size,
			buckets,
		},
	};
}

// People and keys

function numbered<T>(all: Iterable<T>, query: Record<string, unknown>): T[] {
	const { page_number: page, page_size: size } = query as { page_number: number; page_size: number };
	return [...all].slice(page * size, (page + 1) * size);
}

function expiry(world: World, at: number): number {
	if (at !== 0 && at <= world.seconds()) {
		throw new Refusal(400, 'expires_at_seconds must be 0 or a time in the future, in Unix seconds.');
	}
	return at;
}

function hasUser(organization: Organization, email: string): boolean {
	return [...organization.users.values()].some((user) => user.email.toLowerCase() === email.toLowerCase());
}

function webhookUrl(url: string): string {
	if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
		throw new Refusal(400, 'url must be an absolute http or https address.');
	}
	return url;
}

function isTimezone(name: string): boolean {
	try {
		return /^[A-Z]/i.test(name) && Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
	} catch {
		return false;
	}
}

function newSecret(world: World): string {
	const secret = world.newBytes(32).toString('base64url');
	secrets.add(secret);
	return secret;
}

/** The secret is shown once, when the webhook is made. */
function withoutSecret(webhook: Webhook): Partial<Webhook> {
	return { ...webhook, secret: undefined };
}

// Billing

/** A period of thirty days around the start of the simulator, in ms. */
function billingPeriod(world: World) {
	const start = Math.floor(world.began / (day * 1000) - 15) * day * 1000;
	return { start, end: start + 30 * day * 1000 };
}

/** A PDF of one page with those lines of ASCII text: header, five objects, cross-reference table, trailer. */
function pdf(lines: readonly string[]): Buffer {
	const escaped = lines.map((line) => `(${line.replace(/[\\()]/g, '\\$&')}) Tj T*`);
	const content = `BT /F1 12 Tf 72 770 Td 18 TL ${escaped.join(' ')} ET`;
	const objects = [
		'<< /Type /Catalog /Pages 2 0 R >>',
		'<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
		'<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
		`<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
		'<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
	];
	let file = '%PDF-1.4\n';
	const offsets = objects.map((object, n) => {
		const offset = file.length;
		file += `${n + 1} 0 obj\n${object}\nendobj\n`;
		return `${String(offset).padStart(10, '0')} 00000 n \n`;
	});
	const table = file.length;
	file += `xref\n0 6\n0000000000 65535 f \n${offsets.join('')}trailer\n<< /Size 6 /Root 1 0 R >>\n`;
	return Buffer.from(`${file}startxref\n${table}\n%%EOF\n`, 'latin1');
}

function listUsage({ world, organization }: Asked): Reply {
	const { packets } = organization;
	const today = Math.floor(world.now() / (day * 1000)) * day * 1000;
	const activeBetween = (from: number, to: number) =>
		Math.min(organization === world.main ? world.senders.length : 0, packets.firstAt(to) - packets.firstAt(from));
	const row = (usage_type: string, start: number, length: number) => ({
		usage_timestamp: iso(start),
		usage_type,
		usage_value: activeBetween(start, start + length * day * 1000),
	});
	const daysBack = (n: number) => today - n * day * 1000;
	return {
		body: {
			usage: [
				...Array.from({ length: 30 }, (_, n) => row('Daily Active Devices', daysBack(n), 1)),
				...Array.from({ length: 3 }, (_, n) => row('Monthly Active Devices', daysBack(30 * (n + 1)), 30)),
			],
		},
	};
}

function listActiveDevices(asked: Asked): Reply {
	const { world, organization } = asked;
	const token = readToken(asked, 'listActiveDevices');
	const query = token?.query ?? asked.query;
	const { start, end } = billingPeriod(world);
	const latest = ({ device }: Row) => {
		const { terrestrial, satellite } = heardIn(world, organization, device);
		const network_type = (satellite ?? -1) > (terrestrial ?? -1) ? 'satellite' : 'terrestrial';
		return { network_type, last_active: lastTime(world, organization, device) };
	};
	const keep = (row: Row) => {
		const { network_type, last_active } = latest(row);
		const active = last_active * 1000 >= start && last_active * 1000 < end;
		return active && (query.network_type === undefined || query.network_type === network_type);
	};
	const rows = rowsBy(world, organization, 'created_ts');
	const { page, next } = pageOf(rows, true, token?.at, query.limit as number, keep);
	const devices = page.map((row) => ({ device_id: row.device.id, name: row.device.name, ...latest(row) }));
	const body = { devices, period_start: iso(start), period_end: iso(end) };
	if (!next) return { body };
	const place = { call: 'listActiveDevices' as const, org: organization.metadata.org_id, query, at: next };
	return { headers: { 'Continuation-Token': writeToken(place) }, body };
}

export const answers: Record<CallName, (asked: Asked) => Reply | Promise<Reply>> = {
	checkKey: ({ organization }) => ({ body: { org_id: organization.metadata.org_id } }),
	createKey({ world, organization, body }) {
		const {
			name,
			expires_at_seconds: at = 0,
			scopes: wanted,
		} = (body ?? {}) as {
			name?: string;
			expires_at_seconds?: number;
			scopes?: string[];
		};
		const { key, token } = world.createKey(organization, {
			name,
			expires: expiry(world, at),
			// None asked for means all.
			scopes: wanted?.length ? wanted : allScopes,
		});
		return { body: { ...key, key: token } };
	},
	listKeys: ({ organization }) => ({ body: { keys: [...organization.keys.values()] } }),
	updateKey({ world, organization, params, body }) {
		const id = params.key_id as string;
		const key: Key = known(organization.keys.get(id), 'API key', id);
		const update = body as { set_name?: string; set_scopes?: string[]; set_expires_at_seconds?: number };
		const expires = update.set_expires_at_seconds;
		if (expires !== undefined) key.expires_at_seconds = expiry(world, expires);
		if (update.set_name !== undefined) key.key_name = update.set_name;
		if (update.set_scopes) key.scopes = update.set_scopes.length ? update.set_scopes : allScopes;
		return { body: key };
	},
	deleteKey({ organization, params }) {
		const id = params.key_id as string;
		known(organization.keys.get(id), 'API key', id);
		organization.keys.delete(id);
		return { body: { key_id: id } };
	},
	listScopes: () => ({
		body: { scopes: Object.entries(scopes).map(([scope_id, display_name]) => ({ scope_id, display_name })) },
	}),

	getOrganization: ({ organization }) => ({ body: organization.metadata }),
	updateOrganization({ organization, body }) {
		const update = body as Record<string, unknown>;
		const timezone = update.set_timezone;
		if (timezone !== undefined && !isTimezone(timezone as string)) {
			throw new Refusal(400, 'set_timezone must be a name of the IANA time zone database.');
		}
		for (const [name, value] of Object.entries(update)) {
			organization.metadata[name.slice('set_'.length)] = value;
		}
		return { body: organization.metadata };
	},

	registerDevices: register,
	listDevices,
	updateDevices: updateMany,
	deleteDevices: deleteMany,
	getDevice({ world, organization, params }) {
		const id = params.device_id as string;
		return { body: shown(world, organization, known(organization.devices.get(id), 'Device', id)) };
	},
	updateDevice({ world, organization, params, body }) {
		const id = params.device_id as string;
		known(organization.devices.get(id), 'Device', id);
		checkUpdate(organization, body as DeviceUpdate);
		return { body: shown(world, organization, applyUpdate(world, organization, id, body as DeviceUpdate)) };
	},
	deleteDevice({ organization, params }) {
		const id = params.device_id as string;
		known(organization.devices.get(id), 'Device', id);
		removeDevice(organization, id);
		return { body: {} };
	},

	listPackets,

	getApiMetrics: (asked) => requestMetrics(asked, 'api'),
	getPacketMetrics: packetMetrics,
	getWebhookMetrics: (asked) => requestMetrics(asked, 'webhook'),
	getDeviceMetrics: deviceMetrics,

	listUsers: ({ organization, query }) => ({ body: { users: numbered(organization.users.values(), query) } }),
	addUser({ world, organization, body }) {
		const { email, role } = body as { email: string; role: string };
		if (hasUser(organization, email)) throw new Refusal(400, `${email} is a user of this organization already.`);
		const user = { user_id: world.newId(), email, email_confirmed: false, created_at: world.seconds(), role };
		organization.users.set(user.user_id, user);
		return { body: user };
	},
	updateUser({ organization, params, body }) {
		const id = params.user_id as string;
		const user = known(organization.users.get(id), 'User', id);
		for (const [name, value] of Object.entries(body as Record<string, string>)) {
			Object.assign(user, { [name.slice('set_'.length)]: value });
		}
		return { body: user };
	},
	removeUser({ organization, params }) {
		const id = params.user_id as string;
		known(organization.users.get(id), 'User', id);
		organization.users.delete(id);
		return { body: {} };
	},

	listInvitations: ({ organization, query }) => ({
		body: {
			invites: numbered(organization.invitations.values(), query),
			total_invites: organization.invitations.size,
		},
	}),
	sendInvitation({ world, organization, body }) {
		const { invitee_email, role } = body as { invitee_email: string; role: string };
		if (organization.invitations.has(invitee_email) || hasUser(organization, invitee_email)) {
			throw new Refusal(400, `${invitee_email} is invited or a user already.`);
		}
		const created_at = world.seconds();
		const inviter_email = 'operator01@example.com';
		const invitation = { invitee_email, inviter_email, created_at, expires_at: created_at + 7 * day, role };
		organization.invitations.set(invitee_email, invitation);
		return { body: invitation };
	},
	revokeInvitation({ organization, body }) {
		const { invitee_email } = body as { invitee_email: string };
		known(organization.invitations.get(invitee_email), 'Invitation of', invitee_email);
		organization.invitations.delete(invitee_email);
		return { body: {} };
	},

	createWebhook({ world, organization, body }) {
		const { url, max_batch_size = 100, name } = body as { url: string; max_batch_size?: number; name?: string };
		if (organization.webhooks.size >= 2) throw new Refusal(400, 'An organization has at most two webhook endpoints.');
		const webhook: Webhook = {
			webhook_id: world.newId(),
			org_id: organization.metadata.org_id,
			url: webhookUrl(url),
			max_batch_size,
			name,
			secret: newSecret(world),
		};
		organization.webhooks.set(webhook.webhook_id, webhook);
		return { body: webhook };
	},
	listWebhooks: ({ organization }) => ({
		body: { webhooks: [...organization.webhooks.values()].map(withoutSecret) },
	}),
	updateWebhook({ organization, params, body }) {
		const id = params.webhook_id as string;
		const webhook = known(organization.webhooks.get(id), 'Webhook', id);
		const update = body as { set_name?: string; set_max_batch_size?: number; set_url?: string };
		if (update.set_url !== undefined) webhook.url = webhookUrl(update.set_url);
		if (update.set_name !== undefined) webhook.name = update.set_name;
		if (update.set_max_batch_size !== undefined) webhook.max_batch_size = update.set_max_batch_size;
		return { body: withoutSecret(webhook) };
	},
	deleteWebhook({ organization, params }) {
		const id = params.webhook_id as string;
		known(organization.webhooks.get(id), 'Webhook', id);
		organization.webhooks.delete(id);
		return { body: {} };
	},
	async testWebhook({ organization, params, tryWebhook }) {
		const id = params.webhook_id as string;
		return { body: await tryWebhook(known(organization.webhooks.get(id), 'Webhook', id)) };
	},

	listInvoices: ({ organization }) => ({ body: { invoices: organization.invoices } }),
	getInvoicePdf({ organization, params }) {
		const id = params.invoice_id as string;
		const invoice = known(
			organization.invoices.find(({ invoice_id }) => invoice_id === id),
			'Invoice',
			id,
		);
		const lines = [
			`Invoice ${invoice.invoice_number}`,
			organization.metadata.name,
			`Issued ${iso(invoice.issue_timestamp * 1000)}`,
			`Total ${invoice.total_balance.toFixed(2)}, remaining ${invoice.remaining_balance.toFixed(2)}`,
		];
		return { type: 'application/pdf', body: pdf(lines) };
	},
	listUsage,
	listActiveDevices,
	getSubscription({ world, organization }) {
		if (organization !== world.main) return { body: { plan: 'SANDBOX', status: 'none' } };
		const { start, end } = billingPeriod(world);
		return {
			body: {
				plan: 'GROWTH',
				status: 'active',
				// Microseconds, unlike every other time.
				current_period_start: start * 1000,
				current_period_end: end * 1000,
				next_payment_date: end * 1000,
				cancel_at_period_end: false,
				prepaid_devices: 100,
				price_monthly_cents: 14_900,
				overage_per_device_cents: 150,
			},
		};
	},
	listPaymentMethods: ({ world, organization }) => ({
		body:
			organization === world.main
				? {
						payment_methods: [
							{
								id: 'pm_simulated1',
								type: 'card',
								brand: 'visa',
								last4: '4242',
								exp_month: 12,
								exp_year: 2034,
							},
							{
								id: 'pm_simulated2',
								type: 'card',
								brand: 'mastercard',
								last4: '4444',
								exp_month: 1,
								exp_year: 2033,
							},
						],
						default_payment_method_id: 'pm_simulated1',
					}
				: { payment_methods: [] },
	}),
};
