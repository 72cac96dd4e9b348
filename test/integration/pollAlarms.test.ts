/** Alarms of the packet poll trigger against the simulator: what n8n would be given, and what it would store. */
import type { IDataObject } from 'n8n-workflow';
import { HubblePacketPollTrigger } from '../../nodes/HubblePacketPollTrigger/HubblePacketPollTrigger.node';
import { alarmConsumer, firstAlarms, toldBy } from '../../nodes/HubblePacketPollTrigger/alarmPoll';
import { readRules } from '../../nodes/HubblePacketPollTrigger/rules';
import type { PacketReader } from '../../nodes/shared/packet/filter';
import type { Packet } from '../simulator/packets';
import { startSimulator, type Simulator } from '../simulator/server';
import { listed } from './harness';
import { pollContext, withEachClock } from './pollContext';

let hubble: Simulator;
/** So many milliseconds are over at Hubble. No real time is, of which a busy machine takes more. */
let passedMs = 0;
const began = Date.now();
const hubbleNow = () => began + passedMs;
beforeEach(async () => {
	passedMs = 0;
	hubble = await startSimulator({ devices: 8, packets: 0, limits: false, headRetryAfter: null, now: hubbleNow });
});
afterEach(async () => await hubble.close());

const payloadLayout = 'temperature: int16 @0 ×0.01 °C';
const warm = {
	name: 'Too warm',
	severity: 'critical',
	field: 'temperature',
	condition: 'above',
	than: '8',
	clearsAt: '7',
};
const alarms = (rule: IDataObject = {}, more: IDataObject = {}): IDataObject => ({
	triggerOn: 'alarms',
	decodePayload: 'layout',
	payloadLayout,
	alarmRules: { rule: [{ ...warm, ...rule }] },
	...more,
});

let nodes = 0;

function node(parameters: IDataObject, staticData: IDataObject = {}, mode = 'trigger', id = `alarm ${++nodes}`) {
	const warnings: string[] = [];
	const context = pollContext(hubble, parameters, {
		warnings,
		getMode: () => mode,
		getNode: () => ({ id, name: 'Alarms', parameters }),
		getTimezone: () => 'Europe/Berlin',
		getWorkflowStaticData: () => staticData,
	});
	const poll = async () => {
		const [items = []] = (await new HubblePacketPollTrigger().poll.call(context)) ?? [];
		return items.map(({ json }) => json);
	};
	return { poll, staticData, warnings };
}

let sequence = 0;

/** A device sends a temperature; it was heard so many seconds ago. */
function send(device: number, temperature: number, secondsAgo = 0) {
	const sender = [...hubble.world.main.devices.values()][device];
	if (!sender) throw new Error('There is no such device');
	const { id, name, tags } = sender;
	const payload = Buffer.alloc(2);
	payload.writeInt16BE(Math.round(temperature * 100));
	const timestamp = hubbleNow() / 1000 - secondsAgo;
	const packet: Packet = {
		location: { latitude: 51.9, longitude: 4.5, altitude: 0, timestamp },
		device: { id, name, tags, payload: payload.toString('base64'), timestamp, sequence_number: (sequence += 1) % 1024 },
		network_type: 'TERRESTRIAL',
	};
	hubble.addPackets([packet]);
	return name;
}

const pass = (minutes: number) => (passedMs += 60_000 * minutes);
const words = (items: IDataObject[]) =>
	items.map(({ event, deviceName, value, extreme, lastedMinutes }) => [
		event,
		deviceName,
		value,
		extreme,
		lastedMinutes,
	]);

withEachClock(hubbleNow, () => {
	it.each([5, 60, 180])(
		'reports an alarm of a device whose clock is wrong where nothing else came for %i minutes since the publication',
		async (minutes) => {
			const { poll } = node(alarms());
			expect(await poll()).toEqual([]);
			for (let passed = 0; passed < minutes; passed += 5) {
				pass(5);
				expect(await poll()).toEqual([]);
			}
			const room = send(0, 9, 50 * 365 * 86_400);
			const [raised] = await poll();
			expect(raised).toMatchObject({ event: 'raised', deviceName: room, timestampTrusted: false });
			expect(hubbleNow() - Date.parse(String(raised?.heardAt))).toBeLessThan(3_700_000);
			pass(1);
			send(0, 5, 50 * 365 * 86_400);
			expect(await poll()).toMatchObject([{ event: 'cleared', deviceName: room }]);
		},
	);

	it('counts the time of For At Least from the first value beyond, also of a device whose clock is wrong', async () => {
		const { poll } = node(alarms({ forAtLeast: 15 }));
		const after = async (minutes: number, temperature: number) => {
			for (let minute = 0; minute < minutes; minute++) {
				expect(await poll()).toEqual([]);
				pass(1);
			}
			send(0, temperature, 50 * 365 * 86_400);
			return await poll();
		};
		for (const [minutes, temperature] of [
			[1, 5],
			[50, 9],
			[2, 9],
			[12, 9],
		] as const)
			expect(await after(minutes, temperature)).toEqual([]);
		const [raised] = await after(3, 9);
		expect(raised).toMatchObject({ event: 'raised', timestampTrusted: false });
		expect(raised?.lastedMinutes).toBeGreaterThanOrEqual(15);
		expect(raised?.lastedMinutes).toBeLessThanOrEqual(18);
	});

	it('counts For At Least from no earlier than the first value beyond where the process is another by then', async () => {
		const stored: IDataObject = {};
		let { poll } = node(alarms({ forAtLeast: 15 }), stored);
		const after = async (minutes: number, temperature: number) => {
			pass(minutes);
			send(0, temperature, 50 * 365 * 86_400);
			const { length } = await poll();
			({ poll } = node(alarms({ forAtLeast: 15 }), JSON.parse(JSON.stringify(stored)) as IDataObject));
			return length;
		};
		expect(await poll()).toEqual([]);
		pass(59);
		expect(await poll()).toEqual([]);
		expect([await after(1, 9), await after(1, 9), await after(1, 9)]).toEqual([0, 0, 0]);
	});

	it('P9: loses no alarm of a device whose clock is wrong where a page failed before it', async () => {
		const { poll, warnings } = node(alarms());
		expect(await poll()).toEqual([]);
		pass(30);
		send(1, 5);
		hubble.addFault({ call: 'listPackets', status: 403, skip: 1 });
		expect(await poll()).toEqual([]);
		expect(warnings).toEqual([expect.stringContaining('passes on the packets of 1 page')]);
		// It counts as heard no earlier than what was read before it.
		send(0, 9, 50 * 365 * 86_400);
		const [raised] = await poll();
		expect(raised).toMatchObject({ event: 'raised', timestampTrusted: false });
		expect(hubbleNow() - Date.parse(String(raised?.heardAt))).toBeLessThan(120_000);
	});

	it('stores nothing where nothing came for less than an hour', async () => {
		const { poll, staticData } = node(alarms());
		await poll();
		send(0, 9);
		expect(await poll()).toHaveLength(1);
		await poll();
		const stored = JSON.stringify(staticData);
		// At the head of the stream its time says it.
		expect(stored).not.toContain('emptyAt');
		for (let passed = 0; passed < 50; passed += 10) {
			pass(10);
			await poll();
		}
		expect(JSON.stringify(staticData)).toBe(stored);
	});

	it('misses no packet that Hubble shows late after a quiet time', async () => {
		const { poll } = node(alarms());
		expect(await poll()).toEqual([]);
		for (let passed = 0; passed < 180; passed += 30) {
			pass(30);
			expect(await poll()).toEqual([]);
		}
		pass(-10);
		const room = send(0, 9);
		pass(10);
		expect(await poll()).toMatchObject([{ event: 'raised', deviceName: room }]);
	});

	it('reports an alarm once, and once that it is over, whatever comes late or goes silent', async () => {
		const { poll, staticData } = node(alarms({ forAtLeast: 15 }));
		expect(await poll()).toEqual([]);
		pass(1);
		const room = send(0, 9);
		send(1, 9);
		expect(await poll()).toEqual([]);
		pass(10);
		send(0, 11.5);
		send(1, 7.5);
		pass(6);
		send(0, 9.5);
		const raised = await poll();
		expect(words(raised)).toEqual([['raised', room, 9.5, 11.5, 16]]);
		expect(raised[0]).toMatchObject({
			rule: 'Too warm',
			severity: 'critical',
			field: 'temperature',
			unit: '°C',
			timestampTrusted: true,
			isExample: false,
			text: expect.stringMatching(`^${room}: Too warm \\(critical\\)\\. temperature is 9\\.5 °C, above 8 since `),
		});
		// Still above, or not yet back; and what newer packets have decided.
		pass(60);
		send(0, 12);
		send(0, 7.5);
		send(0, 5, 1800);
		expect(await poll()).toEqual([]);
		pass(2000);
		expect(await poll()).toEqual([]);
		send(0, 6.5);
		const cleared = await poll();
		expect(words(cleared)).toEqual([['cleared', room, 6.5, 12, 2076]]);
		expect(Object.keys(cleared[0] ?? {})).toEqual(Object.keys(raised[0] ?? {}));
		send(0, 20, 3600);
		expect(await poll()).toEqual([]);
		expect(JSON.stringify(staticData).length).toBeLessThan(2000);
	});

	it('counts a packet whose stamp cannot be as received when it came', async () => {
		const { poll } = node(alarms());
		expect(await poll()).toEqual([]);
		pass(2);
		const room = send(0, 9, -70 * 365 * 86_400);
		send(1, 5);
		const [raised, ...more] = await poll();
		expect(more).toEqual([]);
		expect(raised).toMatchObject({ event: 'raised', deviceName: room, timestampTrusted: false });
		expect(Math.abs(Date.parse(String(raised?.heardAt)) - hubbleNow())).toBeLessThan(180_000);
		pass(5);
		send(0, 5);
		expect(words(await poll())).toEqual([['cleared', room, 5, 9, expect.any(Number)]]);
	});

	it('P9: goes on after a restart as the position does: the items of the last execution come again, and no other', async () => {
		const stored: IDataObject = {};
		const one = node(alarms(), stored);
		await one.poll();
		pass(1);
		send(0, 9);
		send(1, 9);
		const first = await one.poll();
		expect(first).toHaveLength(2);
		pass(1);
		send(0, 5);
		send(2, 9);
		const second = await one.poll();
		expect(second).toMatchObject([{ event: 'cleared' }, { event: 'raised' }]);
		const disk = () => JSON.parse(JSON.stringify(stored)) as IDataObject;
		// Two processes that know nothing of each other: what stands beside the state leads to the same items.
		expect(await node(alarms(), disk()).poll()).toEqual(second);
		const after = node(alarms(), disk());
		expect(await after.poll()).toEqual(second);
		pass(1);
		send(1, 5);
		expect(await after.poll()).toMatchObject([{ event: 'cleared' }]);
	});

	it.each([
		[undefined, []],
		[true, ['raised']],
	])(
		'reports what is on already when the workflow is published only if the user says so: %s',
		async (reportAlready, events) => {
			send(3, 9);
			pass(2);
			// The two hours before the publication.
			send(0, 9);
			send(1, 9);
			pass(60);
			send(1, 5);
			pass(59);
			const { poll } = node(alarms({}, { reportAlready }));
			expect((await poll()).map(({ event }) => event)).toEqual(events);
			pass(1);
			send(0, 10);
			send(2, 10);
			expect(await poll()).toMatchObject([{ event: 'raised' }]);
			pass(1);
			send(0, 5);
			expect((await poll()).map(({ event }) => event)).toEqual(reportAlready ? ['cleared'] : []);
		},
	);

	it('looks at the devices of the filters alone', async () => {
		const { poll } = node(alarms({}, { filters: { tags: ['site:none'] } }));
		await poll();
		pass(1);
		send(0, 9);
		expect(await poll()).toEqual([]);
	});

	it('P9: keeps its alarms through a poll of packets that the filters leave out', async () => {
		const [first] = [...hubble.world.main.devices.keys()];
		const { poll } = node(alarms({}, { filters: { devices: listed({ device: [{ deviceId: { value: first } }] }) } }));
		await poll();
		pass(1);
		send(0, 9);
		expect(await poll()).toMatchObject([{ event: 'raised' }]);
		pass(1);
		send(1, 9);
		expect(await poll()).toEqual([]);
		pass(1);
		send(0, 5);
		expect(await poll()).toMatchObject([{ event: 'cleared' }]);
	});

	it('tells in the log of some payloads that fit, too: no value of theirs raises an alarm', async () => {
		const { poll, warnings } = node(alarms({}, { payloadLayout: 'temperature: int16 @0 ×0.01 °C when byte 0 = 3' }));
		await poll();
		pass(1);
		send(0, 9);
		send(1, 20);
		expect(await poll()).toHaveLength(1);
		const why = '2 bytes, and none of the values: byte 0 is 7, not 3';
		expect(warnings).toEqual([`"Alarms": 1 of 2 payloads does not fit the format: ${why}. Check "Decode Payload".`]);
	});

	it('tells where none of the payloads fits, and refuses what is not decoded', async () => {
		const { poll, warnings } = node(alarms({}, { payloadLayout: 'temperature: int32 @4' }));
		await poll();
		pass(1);
		send(0, 9);
		expect(await poll()).toEqual([]);
		expect(warnings).toEqual([
			expect.stringMatching(/^"Alarms": The payload does not fit the format: .*Check "Decode Payload"\.$/),
		]);
		await expect(node(alarms({}, { decodePayload: 'none' })).poll()).rejects.toThrow(
			'"Alarm When": the payloads are not decoded',
		);
		// Before what a rule lacks: without a format there is no list of fields.
		const empty = { triggerOn: 'alarms', alarmRules: { rule: [{ condition: 'above' }] } };
		await expect(node(empty).poll()).rejects.toThrow('"Alarm When": the payloads are not decoded');
		await expect(node({ triggerOn: 'both' }).poll()).rejects.toThrow('"Trigger On": ');
	});

	describe('a test in the editor', () => {
		const shown = async (parameters: IDataObject) => {
			const { poll, staticData } = node(parameters, {}, 'manual');
			const items = await poll();
			expect(staticData).toEqual({});
			return items;
		};

		it('shows a real alarm where there is one, and an example of its end', async () => {
			const room = send(0, 9, 20 * 60);
			send(0, 9.25, 60);
			send(1, 5);
			const [raised, cleared] = await shown(alarms({ forAtLeast: 15 }));
			expect(raised).toMatchObject({ event: 'raised', deviceName: room, value: 9.25, isExample: false });
			expect(raised).toMatchObject({ lastedSeconds: 19 * 60 });
			expect(raised).not.toHaveProperty('hint');
			expect(Object.keys(cleared ?? {})[0]).toBe('hint');
			expect(cleared).toMatchObject({
				event: 'cleared',
				deviceName: room,
				value: 7,
				extreme: 9.25,
				isExample: true,
				decoded: { temperature: 7 },
			});
		});

		it('shows the end of an alarm as it was', async () => {
			const room = send(0, 9, 20 * 60);
			send(0, 11, 10 * 60);
			send(0, 6, 5 * 60);
			const [raised, cleared] = await shown(alarms());
			expect(raised).toMatchObject({ event: 'raised', value: 9, lastedSeconds: 0, isExample: false });
			expect(cleared).toMatchObject({ event: 'cleared', deviceName: room, value: 6, extreme: 11, isExample: false });
			expect(cleared).toMatchObject({ lastedSeconds: 15 * 60, decoded: { temperature: 6 } });
		});

		it.each([{ forAtLeast: 15 }, { forAtLeast: 2, forUnit: 'packets' }])(
			'says first that the beginning is an example where one packet is not enough, %j',
			async (rule) => {
				const room = send(0, 9.25);
				const [raised] = await shown(alarms(rule));
				expect(raised).toMatchObject({ event: 'raised', deviceName: room, value: 9.25, isExample: true });
				const why = expect.stringMatching(/^A value is beyond the threshold, but not for as long/) as string;
				expect(Object.entries(raised ?? {})[0]).toEqual(['hint', why]);
			},
		);

		it('shows an alarm by a packet whose stamp cannot be as of now, and says so', async () => {
			send(0, 9.25, -70 * 365 * 86_400);
			const [raised, cleared] = await shown(alarms());
			for (const item of [raised, cleared]) {
				expect(item).toMatchObject({ timestampTrusted: false });
				expect(Math.abs(Date.parse(String(item?.heardAt)) - hubbleNow())).toBeLessThan(60_000);
			}
			expect(raised).toMatchObject({ isExample: false, value: 9.25 });
		});

		it.each([
			['where nothing is over the threshold', () => void send(1, 5), {}],
			['where no device passes the filters', () => void send(0, 9), { filters: { tags: ['site:none'] } }],
			['where there is no packet', () => {}, {}],
		])('shows examples %s', async (_, happens, more) => {
			happens();
			const items = await shown(alarms({}, more));
			expect(items).toMatchObject([
				{ event: 'raised', value: 9, decoded: { temperature: 9 }, isExample: true },
				{ event: 'cleared', value: 7, extreme: 9, isExample: true },
			]);
			expect(items.map(({ hint }) => hint)).toEqual([
				'None of the latest packets has a value beyond the threshold: this alarm is an example.',
				'No alarm ends in the latest packets: this end is an example.',
			]);
		});

		it('says in the first field where none of the payloads fits', async () => {
			send(0, 9);
			const [first] = await shown(alarms({}, { payloadLayout: 'temperature: int32 @4' }));
			expect(Object.entries(first ?? {})[0]).toEqual([
				'hint',
				expect.stringMatching(/^The payload does not fit the format: /),
			]);
			const [packet] = await shown({ decodePayload: 'layout', payloadLayout: 'temperature: int32 @4' });
			expect(packet).toMatchObject({
				hint: expect.stringMatching(/^The payload does not fit the format: /),
				decoded: null,
			});
		});
	});
});

it('leaves the rest to the next poll where much has changed, and says in the log where there is no more room', () => {
	const parameters = alarms();
	const warnings: string[] = [];
	const context = pollContext(hubble, parameters, { warnings, getNode: () => ({ name: 'Alarms', parameters }) });
	const now = Math.floor(hubbleNow() / 1000);
	const reader = {
		select: (packets: Packet[]) => packets.map((packet) => ({ packet, said: { decoded: { temperature: 9 } } })),
	} as unknown as PacketReader;
	// What is on already is reported by nobody, and quick.
	const stored = firstAlarms(now + 60).alarms;
	const consumer = alarmConsumer(context, { rules: readRules(context), reportsAlready: false, reader }, stored);
	let devices = 0;
	const take = (count: number) => {
		const device = () => ({ id: `device ${(devices += 1)}`, timestamp: now });
		const packets = Array.from({ length: count }, () => ({ device: device() })) as never[];
		expect(consumer.take(packets, { received: now, now })).toEqual([]);
		return [consumer.isFull?.(), consumer.finish?.()];
	};
	expect(take(0)).toEqual([false, { items: [] }]);
	expect(take(1000)).toMatchObject([false, { items: [] }]);
	expect(take(29_000)).toMatchObject([true, { items: [] }]);
	expect(warnings).toEqual([]);
	take(100_000);
	expect(warnings).toEqual([
		'"Alarms" has no room for more alarms until some are over. It continues with those it has.',
	]);
});

it('trusts a stamp of five minutes ahead at most, and of no longer ago than Hubble keeps packets', () => {
	const now = 1_790_000_000;
	const told = (timestamp: number) =>
		toldBy({} as PacketReader, { packet: { device: { id: 'd', payload: '', timestamp } } } as never, {
			received: now - 100,
			now,
		});
	const kept = now - 100 - 30 * 86_400;
	expect([now + 300, now + 301, kept, kept - 1].map((stamp) => told(stamp).isTrusted)).toEqual([
		true,
		false,
		true,
		false,
	]);
	// What is not decoded says nothing.
	expect(told(now).valueOf('temperature')).toBeUndefined();
});
