/** Devices in a list in memory, and device triggers that watch them: no server. */
import type { IDataObject, IHttpRequestOptions } from 'n8n-workflow';
import { HubbleDeviceTrigger } from '../../nodes/HubbleDeviceTrigger/HubbleDeviceTrigger.node';
import { letOnlyPass, pollContext } from './pollContext';

export const BEGAN = 1_790_000_000;

/** Hubble's clock in Unix seconds, another day for each test of a file; n8n's clock is right. */
export function rightClock() {
	const clock = { now: BEGAN };
	beforeEach(() => {
		clock.now += 100_000;
		letOnlyPass(() => (clock.now - BEGAN) * 1000);
		jest.spyOn(Date, 'now').mockImplementation(() => clock.now * 1000);
	});
	afterEach(() => jest.restoreAllMocks());
	return clock;
}

export interface Tracker {
	id: string;
	created: number;
	tags?: IDataObject;
	/** Unix seconds of the last packet on the ground; 0: never heard. */
	heard: number;
	/** Unix seconds of the last packet by satellite. */
	satellite?: number;
	/** Whether only the packet by satellite says a place. */
	isVague?: boolean;
	latitude: number;
	longitude: number;
	/** Metres. */
	accuracy?: number;
}

export type Request = IHttpRequestOptions & { qs: Record<string, unknown> };

/** What Hubble answers for a list of devices, in pages of so many. With a token it ignores the query, as Hubble does. */
function listing(clock: () => number, fleet: () => Iterable<Tracker>, pageSize: number) {
	return async (_credential: string, { url, qs: query, headers }: Request) => {
		const date = new Date(clock() * 1000).toUTCString();
		const given = String(headers?.['Continuation-Token'] ?? JSON.stringify([-1, '', query ?? {}]));
		const [afterTime, afterId, qs] = JSON.parse(given) as [number, string, Request['qs']];
		if (url.endsWith('/check')) return { body: { org_id: '' }, headers: { date }, statusCode: 200 };
		const range = (name: string) =>
			/^between:(\d+):(\d+)$/
				.exec(String(qs[name] ?? 'between:0:99999999999'))
				?.slice(1)
				.map(Number) as [number, number];
		const [[createdFrom, createdTo], [heardFrom, heardTo]] = [
			range('filter_created_ts'),
			range('filter_most_recent_packet_ts'),
		];
		const stamp = ({ heard, satellite = 0 }: Tracker) => Math.max(heard, satellite);
		const timeOf = (row: Tracker) => (qs.sort_field === 'created_ts' ? row.created : stamp(row));
		const direction = qs.sort_ascending === false ? -1 : 1;
		const rows = [...fleet()]
			.filter(({ created }) => created >= createdFrom && created < createdTo)
			.filter((row) => stamp(row) >= heardFrom && stamp(row) < heardTo)
			.filter(({ tags }) => !qs.filter_tags || `_env:${String(tags?._env)}` === String(qs.filter_tags))
			.filter(
				(row) =>
					!afterId || direction * (timeOf(row) - afterTime) > 0 || (timeOf(row) === afterTime && row.id > afterId),
			)
			.sort((a, b) => direction * (timeOf(a) - timeOf(b)) || (a.id < b.id ? -1 : 1));
		const page = rows.slice(0, pageSize);
		const last = page.at(-1);
		const token = last && rows.length > pageSize ? JSON.stringify([timeOf(last), last.id, qs]) : '';
		const packet = (timestamp: number, { latitude, longitude, accuracy }: Tracker) => ({
			timestamp,
			location: { latitude, longitude, horizontal_accuracy: accuracy },
		});
		const nowhere = { latitude: 0, longitude: 0 };
		const devices = page
			.map((row) => ({ row, ...row }))
			.map(({ row, id, created, tags, heard, satellite }) => ({
				id,
				name: id,
				created_ts: created,
				tags: tags ?? {},
				most_recent_packet: {
					...(heard ? { terrestrial: packet(heard, row.isVague ? { ...row, ...nowhere } : row) } : {}),
					...(satellite ? { satellite: packet(satellite, row) } : {}),
				},
			}));
		const body = Buffer.from(JSON.stringify({ devices }));
		return { body, headers: { date, 'continuation-token': token }, statusCode: 200 };
	};
}

let nodes = 0;

interface Options {
	mode?: string;
	id?: string;
	request?: unknown;
	staticData?: IDataObject;
	credentials?: IDataObject;
	/** What newer versions of n8n have. */
	members?: object;
}

const HUBBLE = { token: 't', organizationId: '6ea53e36-b7fb-429f-8c2e-d536cab71089', url: 'https://hubble.example' };

/** A node with what n8n gives to `poll`. */
function trigger(
	parameters: IDataObject,
	{ mode = 'trigger', id = `d ${++nodes}`, request, staticData = {}, credentials, members = {} }: Options,
) {
	const warnings: string[] = [];
	const context = pollContext(HUBBLE, parameters, {
		...members,
		warnings,
		getMode: () => mode,
		getNode: () => ({ id, name: 'Watch', parameters }),
		getWorkflowStaticData: () => staticData,
		...(credentials ? { getCredentials: async () => credentials } : {}),
		helpers: { httpRequestWithAuthentication: request },
	});
	const poll = async () => {
		const [items = []] = (await new HubbleDeviceTrigger().poll.call(context)) ?? [];
		return items.map(({ json }) => json);
	};
	return { poll, staticData, warnings };
}

/** A fleet in memory, and a node that watches it. */
function fleetOf(clock: () => number, size: number, parameters: IDataObject, pageSize = 1000) {
	const devices = new Map<string, Tracker>();
	const add = (id: string, more: Partial<Tracker> = {}) =>
		devices.set(id, { id, created: clock() - 100_000, heard: 0, latitude: 1, longitude: 1, ...more });
	for (let n = 0; n < size; n++) add(`device ${n}`, { created: clock() - 100_000 - n });
	const hear = (id: string, more: Partial<Tracker> = {}) =>
		Object.assign(devices.get(id) as Tracker, { heard: clock(), ...more });
	let requests = 0;
	const list = listing(clock, () => devices.values(), pageSize);
	const request = async (credential: string, options: Request) => {
		requests += 1;
		return await list(credential, options);
	};
	const options = { request, staticData: {} as IDataObject };
	let { poll, warnings } = trigger(parameters, options);
	const names = async () =>
		(await poll()).map(({ event, deviceId, area }) => [event, deviceId, ...(area ? [area] : [])].join(' '));
	return {
		devices,
		add,
		hear,
		poll: async () => await poll(),
		names,
		options,
		warnings: () => warnings,
		get requests() {
			return requests;
		},
		/** Another process goes on with what n8n stored. */
		restart(stored: IDataObject = options.staticData, changed: IDataObject = parameters) {
			options.staticData = JSON.parse(JSON.stringify(stored)) as IDataObject;
			({ poll, warnings } = trigger(changed, options));
		},
	};
}

export type Fleet = ReturnType<typeof fleetOf>;

/** Fleets that are seen at the times of a clock, which shows Hubble's time in Unix seconds. */
export const fleetsAt = (clock: () => number) => ({
	trigger,
	fleetOf: (size: number, parameters: IDataObject, pageSize?: number) => fleetOf(clock, size, parameters, pageSize),
});
