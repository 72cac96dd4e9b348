/** What the packet trigger makes of a delivery. */
import type { IDataObject } from 'n8n-workflow';
import { HubblePacketTrigger } from '../../nodes/HubblePacketTrigger/HubblePacketTrigger.node';
import { startSimulator, type Simulator } from '../simulator/server';
import { listed } from './harness';
import { triggerStage } from './placeTrigger';
import { withEachClock } from './pollContext';

const trigger = new HubblePacketTrigger();
let hubble: Simulator;
const warnings: string[] = [];

beforeAll(async () => {
	hubble = await startSimulator({ packets: 100, devices: 10, limits: false });
});
afterAll(async () => await hubble.close());
beforeEach(() => warnings.splice(0));

const place = (parameters: IDataObject, credential: IDataObject = {}) =>
	triggerStage(hubble, warnings).place({ trigger, parameters, credential });

const packet = (i: number) => hubble.world.main.packets.get(i) as unknown as IDataObject;
const batch = (...indices: number[]) => ({ packets: indices.map(packet) });

withEachClock(Date.now, () => {
	describe('packets', () => {
		const secret = { webhookSecret: 'right', nextWebhookSecret: ' next ' };
		const right = { 'http-x-hubble-token': 'right' };
		const manual = { options: { registration: 'manual' }, simplify: false };

		it('takes either secret in either header, and gives one item per packet', async () => {
			const node = place(manual, secret);
			expect((await node.deliver(batch(0, 1), right)).items).toEqual([packet(0), packet(1)]);
			expect((await node.deliver(batch(2), { 'x-hubble-token': 'next' })).items).toEqual([packet(2)]);
			const both = { 'http-x-hubble-token': '', 'x-hubble-token': 'right' };
			expect((await node.deliver(batch(3), both)).items).toEqual([packet(3)]);
		});

		it.each([{}, { 'x-hubble-token': 'Right' }, { 'x-hubble-token': 'right ' }, { authorization: 'right' }])(
			'refuses %j',
			async (headers) => {
				expect(await place(manual, secret).deliver(batch(0), headers)).toMatchObject({
					status: 401,
					result: { noWebhookResponse: true },
					items: [],
				});
				expect(warnings).toEqual([expect.stringContaining('could not verify a delivery')]);
			},
		);

		it('P1: refuses everything while no secret is known', async () => {
			expect(await place({ ...manual, options: {} }).deliver(batch(0), right)).toMatchObject({
				status: 401,
				items: [],
			});
			expect(await place(manual).deliver(batch(0), { 'x-hubble-token': '' })).toMatchObject({ status: 401, items: [] });
		});

		it.each<[string, unknown, IDataObject, number]>([
			['another content type', { packets: [{}] }, { 'content-type': 'text/plain' }, 415],
			['no body', '', {}, 400],
			['a list', [1], {}, 400],
			['no packets', {}, {}, 400],
			['packets that are no list', { packets: {} }, {}, 400],
			['a packet that is none', { packets: [{ device: {} }] }, {}, 400],
			[
				'an infinite number',
				{ packets: [{ device: { id: 'a', payload: '', timestamp: 1, rssi: Infinity } }] },
				{},
				400,
			],
			['a time beyond all dates', { packets: [{ device: { id: 'a', payload: '', timestamp: 1e300 } }] }, {}, 400],
			['JSON nested too deep', { packets: [JSON.parse('['.repeat(100) + ']'.repeat(100))] }, {}, 400],
		])('answers %s with a 4xx and starts nothing', async (_, body, headers, status) => {
			const answered = await place(manual, secret).deliver(body, { ...right, ...headers });
			expect(answered).toMatchObject({ status, items: [] });
			expect(warnings).toEqual([`"Hubble Packet Trigger" refused a delivery with ${status}: ${answered.message}`]);
		});

		it('answers an empty batch, as Hubble sends it to try a receiver, with 200 and starts nothing', async () => {
			const node = place(manual, secret);
			expect(await node.deliver({ packets: [] }, right)).toMatchObject({ status: 0, items: [], result: {} });
			expect(warnings).toEqual([]);
			expect(await node.deliver({ packets: [] }, { 'x-hubble-token': 'wrong' })).toMatchObject({ status: 401 });
		});

		it('gives the good packets of a delivery with odd ones, and says how many it dropped', async () => {
			const { device } = packet(0) as { device: IDataObject };
			const odd = [
				{},
				null,
				{ device: { ...device, rssi: Infinity } },
				{ device: { ...device, sequence_number: 'private' } },
			];
			const { items } = await place(manual, secret).deliver({ packets: [packet(0), ...odd, packet(1)] }, right);
			expect(items).toEqual([packet(0), packet(1)]);
			expect(warnings).toEqual([expect.stringContaining('"Hubble Packet Trigger" dropped 4 of the 6 packets')]);
			expect(warnings.join()).not.toContain('private');
		});

		it('gives simplified packets, one item per delivery, and the nested shape of a flat packet', async () => {
			const { items } = await place({ ...manual, simplify: true, triggerOn: 'batch' }, secret).deliver(
				batch(0, 1),
				right,
			);
			expect(items).toEqual([
				{ packets: [expect.objectContaining({ deviceId: expect.any(String) }), expect.anything()] },
			]);
			const flat = {
				packets: [
					{ device_id: 'device123', payload: 'SGVsbG8gV29ybGQ=', timestamp: '2024-01-15T10:30:00Z', metadata: {} },
				],
			};
			expect((await place(manual, secret).deliver(flat, right)).items).toEqual([
				{ device: { id: 'device123', payload: 'SGVsbG8gV29ybGQ=', timestamp: '2024-01-15T10:30:00Z' } },
			]);
		});

		it.each(['2024-01-15T10:30:00Z', 1705314600])(
			'takes the older flat shape with received_at %p',
			async (received_at) => {
				const older = {
					packet_id: 'packet-1',
					device_id: 'device123',
					payload: 'SGVsbG8=',
					sequence_number: 42,
					received_at,
					metadata: { latitude: 47.6, longitude: -122.3 },
				};
				const device = { id: 'device123', payload: 'SGVsbG8=', timestamp: received_at, sequence_number: 42 };
				const nested = { location: { latitude: 47.6, longitude: -122.3 }, device, packet_id: 'packet-1' };
				expect((await place(manual, secret).deliver({ packets: [older] }, right)).items).toEqual([nested]);
				const [simple] = (await place({ ...manual, simplify: true }, secret).deliver({ packets: [older] }, right))
					.items;
				expect(simple).toMatchObject({ packetKey: 'device123:42:1705314600', latitude: 47.6, longitude: -122.3 });
			},
		);

		it('tells two packets apart whose sequence numbers no number can hold', async () => {
			const rest = (number: string) => `"payload":"","timestamp":1,"sequence_number":${number}`;
			for (const shaped of [
				(number: string) => `{"device":{"id":"d",${rest(number)}}}`,
				(number: string) => `{"device_id":"d",${rest(number)}}`,
			]) {
				const body = `{"packets":[${['7', '9007199254740993', '9007199254740992'].map(shaped).join()}]}`;
				const node = place({ ...manual, simplify: true }, secret);
				const { items } = await node.deliver(JSON.parse(body), right, { rawBody: Buffer.from(body) });
				expect((items as IDataObject[]).map(({ packetKey, sequenceNumber }) => [packetKey, sequenceNumber])).toEqual([
					['d:7:1', 7],
					['d:9007199254740993:1', '9007199254740993'],
					['d:9007199254740992:1', '9007199254740992'],
				]);
			}
		});

		it('filters, and starts nothing when nothing is left', async () => {
			const { id } = packet(3).device as IDataObject;
			const node = place(
				{ ...manual, filters: { devices: listed({ device: [{ deviceId: { value: id } }] }) } },
				secret,
			);
			expect((await node.deliver(batch(2, 3), right)).items).toEqual([packet(3)]);
			expect(await node.deliver(batch(4), right)).toMatchObject({ status: 0, items: [], result: {} });
		});

		it('filters by value, and starts nothing when nothing is left', async () => {
			const at = (timestamp: number, ...bytes: number[]) => ({
				device: { id: 'd', payload: Buffer.from(bytes).toString('base64'), timestamp },
			});
			const cold = { field: { __rl: true, mode: 'id', value: 'temperature' }, condition: 'above', than: '8' };
			const filters = { values: listed({ value: [cold] }) };
			const node = place({ ...manual, decodePayload: 'hubbleSensor', filters }, secret);
			const { items } = await node.deliver({ packets: [at(1, 1, 0x20, 3), at(2, 1, 0x21, 3), at(3, 7)] }, right);
			expect(items).toEqual([expect.objectContaining({ decoded: { temperature: 8.01 } })]);
			expect(await node.deliver({ packets: [at(4, 1, 0x20, 3)] }, right)).toMatchObject({
				status: 0,
				items: [],
				result: {},
			});
			const plain = place({ ...manual, filters }, secret);
			expect(await plain.deliver({ packets: [at(5, 1, 0x21, 3)] }, right)).toMatchObject({ status: 503, items: [] });
		});

		it.each(['packet', 'batch'])('says when no payload of a delivery fits the decoding: %s', async (triggerOn) => {
			const node = place({ ...manual, triggerOn, decodePayload: 'layout', payloadLayout: 't:float64@100' }, secret);
			const { items } = await node.deliver(batch(0, 1), right);
			expect(items[0]).not.toHaveProperty('hint');
			await node.deliver(batch(2, 3), right);
			expect(warnings).toEqual([
				expect.stringMatching(
					/^"Hubble Packet Trigger" could not decode payloads of a delivery\. None of 2 payloads fit the format: .+\. Check "Decode Payload"\.$/,
				),
			]);
			const [tested] = (await node.deliver(batch(4, 5), right, { isTest: true })).items;
			expect(tested).toMatchObject({ hint: expect.stringContaining('None of 2 payloads fit') });
			const fits = place({ ...manual, triggerOn, decodePayload: 'hex' }, secret);
			expect((await fits.deliver(batch(0, 1), right, { isTest: true })).items[0]).not.toHaveProperty('hint');
			expect(warnings).toHaveLength(1);
		});

		it('decodes payloads as the other packet nodes do', async () => {
			const node = place({ ...manual, decodePayload: 'hex' }, secret);
			const { device } = packet(3) as { device: { payload: string } };
			const [item] = (await node.deliver(batch(3), right)).items as IDataObject[];
			expect(item?.decoded).toBe(Buffer.from(device.payload, 'base64').toString('hex'));
		});

		it('puts no header and no secret into items or answers, and never throws', async () => {
			const node = place(manual, secret);
			const answers = [
				await node.deliver(batch(9), right),
				await node.deliver(batch(9), { 'x-hubble-token': 'wrong-one' }),
			];
			expect(JSON.stringify(answers)).not.toMatch(/right|next|wrong-one|token/i);
			const broken = place({ ...manual, filters: { tags: ['broken'] } }, secret);
			expect(await broken.deliver(batch(0), right)).toMatchObject({ status: 503, items: [] });
		});
	});
});
