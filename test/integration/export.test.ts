/* eslint-disable @n8n/community-nodes/no-restricted-imports -- opens what the node wrote */
/** Export and windows in n8n's engine against the simulator: what is in the file is what Hubble has. */
import { setTimeout } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { DateTime } from 'luxon';
import type { IDataObject, INode, INodeType } from 'n8n-workflow';
import { HubbleDevice } from '../../nodes/HubbleDevice/HubbleDevice.node';
import { deviceRow } from '../../nodes/HubbleDevice/columns';
import { HubblePacket } from '../../nodes/HubblePacket/HubblePacket.node';
import { simplifyPacket, type Packet } from '../../nodes/shared/packet/packet';
import { startSimulator, type Simulator } from '../simulator/server';
import { credentialFor, execute, serverThat, type Setup } from './harness';

let hubble: Simulator;
beforeAll(async () => {
	hubble = await startSimulator({ devices: 30, packets: 4500, days: 5, limits: false });
});
beforeEach(() => {
	hubble.clearLog();
	hubble.clearFaults();
	hubble.set({ latencyMs: 0 });
});
afterAll(async () => await hubble.close());

const setup = (parameters: INode['parameters'], node: INodeType = new HubblePacket()): Setup => ({
	node,
	parameters,
	credential: credentialFor(hubble, { requestsPerSecond: 1000 }),
});

/** Runs one export and gives its JSON and its file. */
async function write(parameters: INode['parameters'], more: Partial<Setup> = {}) {
	const { items, error } = await execute({
		...setup({ operation: 'export', ...parameters }),
		...more,
	});
	if (error) throw error;
	const json = items[0]?.json as IDataObject;
	const file = items[0]?.binary?.data ?? { data: '', mimeType: '' };
	return { json, mimeType: file.mimeType, bytes: Buffer.from(file.data, 'base64') };
}

/** Changes packets on their way; gives back how to end it. */
function changePackets(change: (json: string, index: number) => string) {
	const { packets } = hubble.world.main;
	const { json } = packets;
	packets.json = (index) => change(json(index), index);
	return () => {
		packets.json = json;
	};
}

const packets = () =>
	Array.from({ length: hubble.world.main.packets.length }, (_, index) => hubble.world.main.packets.get(index));

/** An independent reader of RFC 4180. */
function parseCsv(text: string): string[][] {
	const rows: string[][] = [[]];
	for (const [, quoted, plain, end] of text
		.replace(/^\ufeff/, '')
		.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
		rows.at(-1)?.push(quoted?.replace(/""/g, '"') ?? plain ?? '');
		if (end === '\r\n') rows.push([]);
		if (end === '') break;
	}
	return rows.slice(0, -1);
}

describe('NDJSON', () => {
	it('holds every packet as Hubble gave it, in order, and the item says what is in it', async () => {
		const { json, mimeType, bytes } = await write({
			format: 'ndjson',
			options: { fileName: 'all' },
		});
		const lines = bytes
			.toString()
			.trimEnd()
			.split('\n')
			.map((line) => JSON.parse(line) as Packet);
		expect(lines).toEqual(packets());
		expect(mimeType).toBe('text/plain');
		const iso = (index: number) => new Date(hubble.world.main.packets.timeOf(index)).toISOString();
		expect(json).toEqual({
			fileName: 'all.ndjson',
			count: 4500,
			complete: true,
			firstTime: iso(0),
			lastTime: iso(4499),
			bytes: bytes.length,
			requests: expect.any(Number),
		});
	});

	it('compressed is the same, smaller', async () => {
		const plain = await write({ format: 'ndjson' });
		const { json, mimeType, bytes } = await write({ format: 'ndjson', options: { gzip: true, fileName: 'packets' } });
		expect(gunzipSync(bytes).equals(plain.bytes)).toBe(true);
		expect(json).toMatchObject({ fileName: 'packets.ndjson.gz', bytes: bytes.length, count: 4500 });
		expect(mimeType).toBe('application/gzip');
		expect(bytes.length).toBeLessThan(plain.bytes.length / 3);
	});
});

describe('CSV', () => {
	it('has the simplified fields and the decoded ones unless columns are chosen', async () => {
		const { bytes } = await write({
			format: 'csv',
			options: { timeFormat: 'iso', byteOrderMark: false },
			decodePayload: 'fields',
			payloadFields: {
				field: [
					{ name: 'uptime', type: 'uint32', offset: 0 },
					{ name: 'temperature', type: 'int16', offset: 4, scale: 0.01 },
				],
			},
		});
		const [header, ...rows] = parseCsv(bytes.toString());
		const simple = simplifyPacket(packets()[0] as unknown as Packet);
		const [time, name, ...others] = Object.keys(simple);
		expect(header).toEqual([time, name, 'decoded.uptime', 'decoded.temperature', 'decodeError', ...others]);
		expect(rows).toHaveLength(4500);
		const text = (value: unknown) =>
			typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '');
		expect(rows[0]?.filter((_, index) => index < 2 || index > 4)).toEqual(Object.values(simple).map(text));
		const payload = Buffer.from(String(packets()[0]?.device.payload), 'base64');
		expect(Number(rows[0]?.[2])).toBe(payload.readUInt32BE(0));
		expect(Number(rows[0]?.[3])).toBeCloseTo(payload.readInt16BE(4) / 100);
	});

	it('has a column for each value of Hubble Sensor', async () => {
		const { bytes } = await write({ format: 'csv', decodePayload: 'hubbleSensor' });
		const [header] = parseCsv(bytes.toString());
		const names = ['battery', 'humidity', 'pressure', 'temperature'].map((name) => `decoded.${name}`);
		expect(header?.slice(2, 7).sort()).toEqual([...names, 'decodeError'].sort());
	});

	it('has what decoding gives as a whole', async () => {
		const { bytes } = await write({ format: 'csv', decodePayload: 'hex' });
		const [header, first] = parseCsv(bytes.toString());
		expect(header?.slice(2, 4)).toEqual(['decoded', 'decodeError']);
		expect(first?.slice(2, 4)).toEqual([
			Buffer.from(String(packets()[0]?.device.payload), 'base64').toString('hex'),
			'',
		]);
	});

	describe('has a column for each tag', () => {
		const table = async (parameters: INode['parameters'], node?: INodeType) => {
			const { items, error } = await execute(
				setup({ operation: 'export', format: 'csv', ...parameters } as INode['parameters'], node),
			);
			if (error) throw error;
			const file = Buffer.from(items[0]?.binary?.data?.data ?? '', 'base64').toString();
			return { json: items[0]?.json, rows: parseCsv(file) };
		};
		const column = (rows: string[][], name: string) => rows.slice(1).map((row) => row[rows[0]?.indexOf(name) ?? -1]);
		const all = () => [...hubble.world.main.devices.values()];
		const change = (n: number, tags: Record<string, string>) => {
			const device = all()[n];
			const before = { ...device?.tags };
			Object.assign(device?.tags ?? {}, tags);
			return () => Object.assign(device ?? {}, { tags: before });
		};

		it('found in as few requests as without a limit', async () => {
			hubble.clearLog();
			const { json, rows } = await table({ options: { tagColumns: true, limit: 3 } }, new HubbleDevice());
			expect([rows.length, rows[0]]).toEqual([4, expect.arrayContaining(['tags.model', 'tags.site'])]);
			expect(hubble.log.map(({ call }) => call)).toEqual(['listDevices', 'listDevices']);
			expect(json?.requests).toBe(2);
		});

		it('found in the whole list, also where the file continues another one', async () => {
			const [a, b] = all().map(({ id, name }) => ({ id, name, created_ts: 1 }));
			const first = { devices: [{ ...a, tags: { hall: '1' } }] };
			const server = await serverThat(async ({ headers }, reply) =>
				headers['continuation-token']
					? await reply.send({ devices: [{ ...b, tags: { site: '2' } }] })
					: await reply.header('continuation-token', 'next').send(first),
			);
			const parameters = { operation: 'export', format: 'csv', options: { tagColumns: true, continueFrom: 'next' } };
			const credential = credentialFor(hubble, { baseUrl: server.url });
			const { items } = await execute({ ...setup(parameters, new HubbleDevice()), credential });
			await server.close();
			const file = Buffer.from(items[0]?.binary?.data?.data ?? '', 'base64').toString();
			expect(parseCsv(file)[0]).toEqual(expect.arrayContaining(['tags.hall', 'tags.site']));
		});

		it('that a device has, in the place of "tags"; a table that Create or Update reads again', async () => {
			const restore = change(29, { 'a.b': 'rare' });
			const { rows } = await table({ options: { tagColumns: true } }, new HubbleDevice());
			const tags = all().map(({ id, tags }) => [id, { ...tags }]);
			restore();
			expect(rows[0]?.filter((name) => name.startsWith('tag'))).toEqual(['tags.a.b', 'tags.model', 'tags.site']);
			expect(rows[0]?.indexOf('tags.a.b')).toBe(4);
			const read = rows.slice(1).map((row) => {
				const cells = Object.fromEntries(row.map((cell, index) => [rows[0]?.[index] ?? '', cell]));
				return [cells.deviceId, deviceRow({ cells, known: [] }).tags];
			});
			expect(new Map(read as never)).toEqual(new Map(tags as never));
		});

		it('of the devices that a filter keeps', async () => {
			const restore = change(29, { rare: '1' });
			const filters = { ownTags: ['rare:1'] };
			const kept = await table({ options: { tagColumns: true }, filters }, new HubbleDevice());
			const others = await table(
				{ options: { tagColumns: true }, filters: { nameContains: all()[0]?.name } } as never,
				new HubbleDevice(),
			);
			restore();
			expect(column(kept.rows, 'tags.rare')).toEqual(['1']);
			expect(others.rows[0]).not.toContain('tags.rare');
		});

		it('of the devices, and says which of the packets have none', async () => {
			const restore = changePackets((json) => json.replace('"tags":{', '"tags":{"gone":"1",'));
			const { json, rows } = await table({ columns: ['deviceName', 'tags'], options: { tagColumns: true } });
			restore();
			expect(rows[0]).toEqual(['deviceName', 'tags.model', 'tags.site']);
			expect(column(rows, 'tags.site')).toEqual(packets().map(({ device }) => (device.tags as IDataObject).site));
			expect(json).toMatchObject({ count: 4500, tagsWithoutColumn: expect.arrayContaining(['gone']) });
			for (const key of ['_env', 'site']) expect(json?.tagsWithoutColumn).not.toContain(key);
		});

		it('once, also where a column of it is asked for', async () => {
			const options = { tagColumns: true, moreColumns: ['tags.site'], limit: 1 };
			expect((await table({ columns: ['deviceName'], options })).rows[0]).toEqual([
				'deviceName',
				'tags.site',
				'tags.model',
			]);
		});

		it('that is chosen, without reading the device list', async () => {
			const { json, rows } = await table({ columns: ['deviceName'], options: { tagKeys: ['site', 'none', '_env'] } });
			expect(rows[0]).toEqual(['deviceName', 'tags.site', 'tags.none', 'tags._env']);
			expect(column(rows, 'tags._env')).toEqual(packets().map(({ device }) => (device.tags as IDataObject)._env));
			expect(column(rows, 'tags.none')).toEqual(Array(4500).fill(''));
			expect(column(rows, 'tags.site')).toEqual(packets().map(({ device }) => (device.tags as IDataObject).site));
			expect(json?.tagsWithoutColumn).toBeUndefined();
			expect(hubble.log.map(({ call }) => call)).not.toContain('listDevices');
		});
	});

	it('has a column "decoded" that is chosen, also where nothing is decoded', async () => {
		const { bytes } = await write({ columns: ['decoded'], options: { limit: 2, byteOrderMark: false } });
		expect(bytes.toString()).toBe('decoded\r\n\r\n\r\n');
	});

	it('finds columns whose names hold dots', async () => {
		const restore = changePackets((json) => json.replace('"tags":{', '"tags":{"a.b":"dotted",'));
		const { bytes } = await write({
			format: 'csv',
			columns: ['packetKey'],
			options: { moreColumns: ['device.tags.a.b', 'decoded.x.y', 'decoded.x.z'] },
			decodePayload: 'fields',
			payloadFields: { field: [{ name: 'x.y', type: 'uint8', offset: 0, add: '={{ "5" }}' }] },
		});
		restore();
		const payload = Buffer.from(String(packets()[0]?.device.payload), 'base64');
		expect(parseCsv(bytes.toString())[1]).toEqual([expect.any(String), 'dotted', String(payload.readUInt8(0) + 5), '']);
	});

	it('takes columns in their order, from the short and the whole packet', async () => {
		const { bytes } = await write({
			format: 'csv',
			options: { byteOrderMark: false, moreColumns: ['device.tags._env', 'location', 'nothing'] },
			columns: ['rssi', 'packetKey'],
		});
		const [header, first] = parseCsv(bytes.toString());
		const packet = packets()[0] as unknown as Packet;
		expect(header).toEqual(['rssi', 'packetKey', 'device.tags._env', 'location', 'nothing']);
		expect(first).toEqual([
			String(packet.device.rssi),
			simplifyPacket(packet).packetKey,
			(packet.device.tags as { _env: string })._env,
			JSON.stringify(packet.location),
			'',
		]);
	});

	it('is the format of an export that says nothing, with a mark for Excel, and times as spreadsheets read them', async () => {
		const { json, mimeType, bytes } = await write(
			{
				period: 'custom',
				startTime: hubble.world.main.packets.timeOf(0) / 1000 - 60,
				columns: ['timestamp'],
				options: { moreColumns: ['device.timestamp'] },
			},
			{ timezone: 'America/New_York' },
		);
		expect(json.fileName).toMatch(/^packets_\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d\.csv$/);
		expect(mimeType).toBe('text/csv');
		expect([...bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
		const heard = DateTime.fromSeconds(Number(packets()[0]?.device.timestamp), { zone: 'America/New_York' });
		const text = heard.toFormat('yyyy-MM-dd HH:mm:ss');
		expect(parseCsv(bytes.toString().slice(1)).slice(0, 2)).toEqual([
			['timestamp', 'device.timestamp'],
			[text, text],
		]);
	});

	it.each(['undefined', "''"])('is the format where an AI agent answers %s', async (nothing) => {
		const format = `={{ /*n8n-auto-generated-fromAI-override*/ [${nothing}, '$fromAI('][0] }}`;
		const { mimeType, bytes } = await write({ format });
		expect(mimeType).toBe('text/csv');
		expect(bytes.toString()).toMatch(/^\ufefftimestamp,/);
	});

	it('has the delimiter of choice, and runs no formula unless it may', async () => {
		const restore = changePackets((json) =>
			json.replace('"name":"', '"name":"=1;\\"').replace(/"rssi":-?\d+/, '"rssi":-5'),
		);
		const columns = ['deviceName', 'rssi'];
		const { bytes } = await write({ columns, options: { delimiter: 'semicolon', byteOrderMark: false } });
		const raw = await write({ columns, options: { defuseFormulas: false, byteOrderMark: false } });
		restore();
		expect(bytes.toString().split('\r\n')[1]).toMatch(/^"'=1;"".*";-5$/);
		expect(raw.bytes.toString().split('\r\n')[1]).toMatch(/^"=1;"".*",-5$/);
	});

	it.each([
		['comma', {}, '17,-5.5'],
		['semicolon', {}, '17;-5,5'],
		['semicolon', { decimalSign: 'point' }, '17;-5.5'],
		['tab', {}, '17\t-5.5'],
		['tab', { decimalSign: 'comma' }, '17\t-5,5'],
		['comma', { decimalSign: 'comma' }, '17,"-5,5"'],
		['tab', { keepText: true }, '"=""17"""\t-5.5'],
		// Without a delimiter, the decimal sign decides.
		[undefined, { decimalSign: 'comma' }, '17;-5,5'],
	])('delimiter %s with %j: %j', async (delimiter, more, line) => {
		const restore = changePackets((json) =>
			json.replace(/"name":"[^"]*"/, '"name":"17"').replace(/"rssi":-?\d+/, '"rssi":-5.5'),
		);
		const columns = ['deviceName', 'rssi'];
		const { bytes } = await write({
			columns,
			options: { ...(delimiter && { delimiter }), byteOrderMark: false, ...more },
		});
		restore();
		expect(bytes.toString().split('\r\n')[1]).toBe(line);
	});
});

describe('GeoJSON', () => {
	interface Collection {
		features: Array<{
			geometry: { type: string; coordinates: number[] | number[][] } | null;
			properties: Record<string, unknown>;
		}>;
	}

	/** The places of a track, without where it was cut. */
	const placesOf = (coordinates: unknown) =>
		(
			(coordinates as number[][][]).flat(
				typeof (coordinates as number[][][])[0]?.[0] === 'number' ? 0 : 1,
			) as unknown as number[][]
		).filter(([longitude]) => Math.abs(longitude ?? 0) !== 180);

	it('points: one a packet, with the other simplified fields', async () => {
		const { bytes } = await write({ format: 'geojson' });
		const { features } = JSON.parse(bytes.toString()) as Collection;
		expect(features.map(({ geometry }) => geometry)).toEqual(
			packets().map(({ location }) => ({ type: 'Point', coordinates: [location.longitude, location.latitude] })),
		);
		expect(features.map(({ properties }) => properties.packetKey)).toEqual(
			packets().map((packet) => simplifyPacket(packet as unknown as Packet).packetKey),
		);
	});

	it('lines: one a device through its places in order of time', async () => {
		const { bytes, json, mimeType } = await write({ format: 'geojsonLines' });
		const { features } = JSON.parse(bytes.toString()) as Collection;
		const expected = new Map<string, number[][]>();
		for (const { device, location } of packets()) {
			expected.set(device.id, [...(expected.get(device.id) ?? []), [location.longitude, location.latitude]]);
		}
		expect(
			new Map(features.map(({ geometry, properties }) => [properties.deviceId, placesOf(geometry?.coordinates)])),
		).toEqual(expected);
		expect(json).toMatchObject({ count: 4500, withoutLocation: 0 });
		expect(mimeType).toBe('application/json');
	});

	it("lines: in order of the packets' own times, and the item says how many have no place", async () => {
		const restore = changePackets((json, index) => {
			if (index % 10)
				return json
					.replace(/"device":\{"id":"[^"]*"/, '"device":{"id":"d"')
					.replace(/(-?[\d.]+),("counter")/, `${1e9 - index},$2`);
			return json.replace(/"location":\{[^}]*\}/, '"location":null');
		});
		const { bytes, json } = await write({ format: 'geojsonLines' });
		restore();
		expect(json).toMatchObject({ count: 4500, withoutLocation: 450 });
		const line = (JSON.parse(bytes.toString()) as Collection).features.find(
			({ properties }) => properties.deviceId === 'd',
		);
		const placed = packets()
			.filter((_, index) => index % 10)
			.reverse();
		expect(line?.geometry?.type).toBe('LineString');
		expect(placesOf(line?.geometry?.coordinates)).toEqual(
			placed.map(({ location }) => [location.longitude, location.latitude]),
		);
		expect(line?.properties).toMatchObject({ count: 4050, firstTime: new Date((1e9 - 4499) * 1000).toISOString() });
	});
});

it('devices: every device, page by page', async () => {
	const { json, bytes } = await write({ resource: 'device', format: 'ndjson' }, { node: new HubbleDevice() });
	const ids = bytes
		.toString()
		.trimEnd()
		.split('\n')
		.map((line) => (JSON.parse(line) as { id: string }).id);
	expect(ids.sort()).toEqual([...hubble.world.main.devices.keys()].sort());
	expect(json).toMatchObject({
		fileName: expect.stringMatching(/^devices_\d{4}-\d\d-\d\d\.ndjson$/),
		count: 30,
		requests: 1,
	});
});

it('stops at the limit, and its token leads to the rest', async () => {
	const { json, bytes } = await write({ format: 'ndjson', options: { limit: 2500 } });
	expect(json).toMatchObject({
		count: 2500,
		complete: false,
		requests: 3,
		rowsRepeated: 500,
		continuationToken: expect.any(String),
	});
	const rest = await write({ format: 'ndjson', options: { continueFrom: json.continuationToken as string } });
	const lines = (file: Buffer) => file.toString().trimEnd().split('\n');
	expect([...lines(bytes), ...lines(rest.bytes).slice(500)].map((line) => JSON.parse(line) as Packet)).toEqual(
		packets(),
	);
});

it('leaves out what is no packet, and says how many', async () => {
	const restore = changePackets((json, index) => (index % 1000 === 5 ? json.replace('"device":', '"devise":') : json));
	const { json, bytes } = await write({ format: 'ndjson' });
	const { items, hints } = await execute(setup({ operation: 'getAll', returnAll: true }));
	const report = await execute(setup({ operation: 'createReport' }));
	restore();
	expect(json).toMatchObject({ count: 4495, skipped: 5 });
	expect(report.items[0]?.json).toMatchObject({
		skipped: 5,
		html: expect.stringContaining('5 malformed rows left out.'),
	});
	expect(bytes.toString().trimEnd().split('\n')).toHaveLength(4495);
	expect(items).toHaveLength(4495);
	expect(hints).toEqual([expect.stringContaining('5 of the packets were left out: each needs a device ID')]);
});

it('an error ends the run, or the file where On Error says to continue', async () => {
	// With a limit one page comes after the other, however slow the machine is.
	const all = { limit: 100_000 };
	hubble.addFault({ call: 'listPackets', status: 403, skip: 2, times: 99 });
	await expect(write({ format: 'ndjson', options: all })).rejects.toMatchObject({
		message: expect.stringContaining('needs the scope read-packets (packets:read)'),
	});
	hubble.clearFaults();
	hubble.addFault({ call: 'listPackets', status: 403, skip: 2, times: 99 });
	const { json, bytes } = await write({ format: 'ndjson', options: all }, { onError: 'continueRegularOutput' });
	expect(json).toMatchObject({
		count: 2000,
		stoppedBy: expect.stringMatching(/scope read-packets .*Check the scopes of the API key.*X-Request-ID: /s),
	});
	hubble.clearFaults();
	const rest = await write({ format: 'ndjson', options: { continueFrom: json.continuationToken as string } });
	const lines = (bytes.toString() + rest.bytes.toString()).trimEnd().split('\n');
	expect(lines.map((line) => JSON.parse(line) as Packet)).toEqual(packets());
});

describe('windows in Get Many', () => {
	const ids = (items: Array<{ json: { packetKey?: unknown } }>) => items.map(({ json }) => json.packetKey);
	const all = () => packets().map((packet) => simplifyPacket(packet as unknown as Packet).packetKey);

	it('read a slow history side by side, complete and in order', async () => {
		hubble.set({ latencyMs: 300 });
		const { items } = await execute(setup({ operation: 'getAll', returnAll: true }));
		expect(ids(items)).toEqual(all());
		expect(new Set(hubble.log.map(({ query }) => (query as { start: string }).start)).size).toBeGreaterThan(1);
	});

	it.each([2_000, 7_200_000])('are complete and in order when clocks are up to %d ms off', async (clockSkewMs) => {
		const skewed = await startSimulator({
			devices: 30,
			packets: 20_000,
			days: 1,
			limits: false,
			latencyMs: 100,
			clockSkewMs,
		});
		const credential = credentialFor(skewed, { requestsPerSecond: 100 });
		const { items, error } = await execute({
			...setup({ operation: 'getAll', returnAll: true, simplify: false }),
			credential,
		});
		await skewed.close();
		expect(error).toBeUndefined();
		const { packets: history } = skewed.world.main;
		expect(items.map(({ json }) => json)).toEqual(Array.from({ length: 20_000 }, (_, index) => history.get(index)));
		expect(new Set(skewed.log.map(({ query }) => (query as { start: string }).start)).size).toBeGreaterThan(1);
	});

	it('give what came before a failing page, and a way to go on with the rest', async () => {
		hubble.set({ latencyMs: 300 });
		hubble.addFault({ call: 'listPackets', status: 404, skip: 5, times: 99 });
		const first = await execute({
			...setup({ operation: 'getAll', returnAll: true }),
			onError: 'continueRegularOutput',
		});
		const { resumeStartTime, resumeEndTime, rowsFetched } = first.items.pop()?.json ?? {};
		expect(rowsFetched).toBeGreaterThan(0);
		expect(ids(first.items)).toEqual(all().slice(0, Number(rowsFetched)));
		hubble.clearFaults();
		hubble.set({ latencyMs: 0 });
		const second = await execute(
			setup({
				operation: 'getAll',
				returnAll: true,
				period: 'custom',
				startTime: String(resumeStartTime),
				endTime: String(resumeEndTime),
			}),
		);
		expect([...ids(first.items), ...ids(second.items)]).toEqual(all());
	});

	it('ask for nothing more once one has failed for good, though others are still trying', async () => {
		hubble.set({ latencyMs: 300 });
		hubble.addFault({ call: 'listPackets', status: 404, skip: 2, times: 1 });
		hubble.addFault({ call: 'listPackets', status: 503, skip: 2, times: 99 });
		const { error } = await execute(setup({ operation: 'getAll', returnAll: true }));
		expect(error?.context).toMatchObject({ status: 404 });
		const failedAt = performance.timeOrigin + performance.now();
		await setTimeout(700);
		expect(hubble.log.filter(({ startedAt }) => startedAt > failedAt)).toEqual([]);
	});
});

it('decoding adds what the payload says to each packet, or why it cannot be read', async () => {
	const { items } = await execute(
		setup({ operation: 'getAll', returnAll: true, simplify: false, decodePayload: 'json' }),
	);
	expect(items).toHaveLength(4500);
	for (const { json } of items) {
		const text = Buffer.from(String((json as Packet).device.payload), 'base64').toString();
		if (text.startsWith('{')) expect(json.decoded).toEqual(JSON.parse(text));
		else expect(json.decodeError).toEqual(expect.any(String));
	}
});

it.each([
	['Fields', { decodePayload: 'fields', payloadFields: {} }],
	['Layout', { decodePayload: 'layout', payloadLayout: '' }],
])('%s without a value is refused before anything is sent', async (way, parameters) => {
	const { error } = await execute(setup({ operation: 'getAll', ...parameters }));
	expect(error?.message).toContain(`"Payload ${way}" is empty`);
	expect(hubble.log).toHaveLength(0);
});

describe('the file', () => {
	it.each([
		['reports/2026:11.csv', '2026-11.csv'],
		['../../etc/passwd', 'passwd.csv'],
		['C:\\temp\\nul.csv.gz', 'nul_.csv'],
		['v1.2', 'v1.2.csv'],
	])('%s is called %s, in the item and in the store', async (fileName, expected) => {
		const { items } = await execute(setup({ operation: 'export', options: { fileName, limit: 1 } }));
		expect(items[0]?.json.fileName).toBe(expected);
		expect(items[0]?.binary?.data?.fileName).toBe(expected);
		expect(items[0]?.binary?.data?.directory ?? '').toBe('');
	});

	it('does not stand in a field "__proto__"', async () => {
		const options = { binaryPropertyName: '__proto__' };
		const { error } = await execute(setup({ operation: 'export', options }));
		expect(error?.message).toContain('"Put Output File in Field"');
		expect(hubble.log).toHaveLength(0);
	});

	it('is whole unless an option limits it, and says so when it is not', async () => {
		const whole = await execute(setup({ operation: 'export' }));
		expect(whole.items[0]?.json).toMatchObject({ count: 4500, complete: true });
		expect(whole.hints).toEqual([]);
		const cut = await execute(setup({ operation: 'export', options: { limit: 7 } }));
		expect(cut.items[0]?.json).toMatchObject({ count: 7, complete: false });
		expect(cut.hints).toEqual([expect.stringMatching(/not complete: more rows exist than the Limit of 7\.$/)]);
		const exact = await execute(setup({ operation: 'export', options: { limit: 4500 } }));
		expect(exact.items[0]?.json).toMatchObject({ count: 4500, complete: true });
	});

	it('holds in its name the hours of a short period, in the time zone of the workflow', async () => {
		const { items } = await execute({
			...setup({
				operation: 'export',
				period: 'custom',
				startTime: '2026-11-01T08:00:00Z',
				endTime: '2026-11-01T09:00:00Z',
			}),
			timezone: 'Asia/Tokyo',
		});
		expect(items[0]?.json.fileName).toBe('packets_2026-11-01T1700_2026-11-01T1800.csv');
	});
});

it('points: what is out of range or nowhere has no geometry, and is counted', async () => {
	const restore = changePackets((json, index) => {
		if (index === 1) return json.replace(/"latitude":[^,]*/, '"latitude":91');
		return index === 2 ? json.replace(/"location":\{[^}]*\}/, '"location":null') : json;
	});
	const { json, bytes } = await write({ format: 'geojson', options: { limit: 4 } });
	restore();
	const { features } = JSON.parse(bytes.toString()) as { features: Array<{ geometry: unknown }> };
	expect(features.map(({ geometry }) => geometry !== null)).toEqual([true, false, false, true]);
	expect(json).toMatchObject({ count: 4, withoutLocation: 2 });
});
