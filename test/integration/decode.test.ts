/** Hubble Packet → Decode: payloads of items that come from anywhere. No credential is read, and nothing is sent. */
import { NodeHelpers, type IDataObject, type INode, type INodeType } from 'n8n-workflow';
import { nodes } from '../nodes';
import { payloadLayout } from '../simulator/packets';
import { startSimulator } from '../simulator/server';
import { credentialFor, execute, type Outcome } from './harness';

const node = nodes['Hubble Packet'] as INodeType;
const layout = 'kind: uint8 @0\ntemperature: int16 @1 ×0.01 °C when byte 0 = 1\nopen: bool @1 when byte 0 = 2';

async function run(parameters: IDataObject, input: IDataObject[], onError?: INode['onError']): Promise<Outcome> {
	return await execute({
		node,
		parameters: { operation: 'decode', ...parameters } as never,
		// Any use of it throws.
		credential: {},
		input,
		onError,
	});
}

const jsonOf = ({ items }: Outcome) => items.map(({ json }) => json);
const base64 = (...bytes: number[]) => Buffer.from(bytes).toString('base64');

test('one layout reads two types of payloads, each beside the fields of its item', async () => {
	const outcome = await run({ payloadLayout: layout }, [
		{ row: 1, payload: base64(1, 0x07, 0xd0) },
		{ row: 2, payload: base64(2, 1) },
	]);
	expect(outcome.error).toBeUndefined();
	expect(jsonOf(outcome)).toEqual([
		{
			row: 1,
			payload: base64(1, 0x07, 0xd0),
			decoded: { kind: 1, temperature: 20 },
			decodedUnits: { temperature: '°C' },
		},
		{ row: 2, payload: base64(2, 1), decoded: { kind: 2, open: true }, decodedUnits: {} },
	]);
	expect(outcome.items.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);
});

test('a pasted payload in hexadecimal, into a field of any name', async () => {
	const outcome = await run(
		{
			payload: '0x02:0CB3 03',
			payloadEncoding: 'hex',
			decodePayload: 'bthome',
			options: { outputField: 'reading' },
		},
		[{}],
	);
	expect(jsonOf(outcome)).toEqual([
		{
			reading: { temperature: -197 },
			readingUnits: { temperature: '°C' },
			readingError: expect.stringContaining('the payload ends') as string,
		},
	]);
});

test('Base64 that begins like hexadecimal is read', async () => {
	expect(jsonOf(await run({ payloadLayout: 'a: uint8 @0' }, [{ payload: '0xQBAg==' }]))).toMatchObject([
		{ decoded: { a: 0xd3 } },
	]);
});

test.each([
	['nothing can be read', { payload: base64(1, 7) }, '"Payload": the payload has 2 bytes, "temperature"'],
	['it is not Base64', { payload: 'a:b' }, '"Payload": the payload is not Base64'],
	...['0x09c464', '09 c4 64', '09:c4:64', '09-c4-64-00'].map((payload): [string, IDataObject, string] => [
		`it is hexadecimal, as ${payload}`,
		{ payload },
		'"Payload": the payload is not Base64; this looks like hexadecimal',
	]),
	['it is not there', {}, '"Payload": the expression returned no value'],
	['it is no text', { payload: { a: 1 } }, '"Payload": an object (a) is not a text'],
	['the field is taken', { payload: base64(2, 1), decoded: 1 }, '"Output Field": the input item has a field "decoded"'],
])('an item of which %s is that item’s error, and keeps its fields', async (_, bad, reason) => {
	const input = [
		{ row: 1, payload: base64(2, 1) },
		{ row: 2, message: 'kept', ...bad },
		{ row: 3, payload: base64(2, 0) },
	];
	const outcome = await run({ payloadLayout: layout }, input, 'continueRegularOutput');
	expect(outcome.error).toBeUndefined();
	const [first, second, third] = jsonOf(outcome);
	expect([first?.decoded, third?.decoded]).toEqual([
		{ kind: 2, open: true },
		{ kind: 2, open: false },
	]);
	expect(second).toEqual({ ...input[1], error: expect.stringContaining(reason) as string });
	const stopped = await run({ payloadLayout: layout }, input);
	expect(stopped.error?.message).toContain(reason);
	expect(stopped.error?.context?.itemIndex).toBe(1);
});

describe('a hint says how many payloads do not fit the format', () => {
	const t = 't: int16 @40';
	const rows = [1, 2, 3].map((row) => ({ row, payload: base64(...Array<number>(13).fill(row)) }));
	const hintsOf = async (parameters: IDataObject, input: IDataObject[]) =>
		(await run(parameters, input, 'continueRegularOutput')).hints.filter((hint) => !hint.includes('failed'));

	test('with the first reason; not when all fit', async () => {
		expect(await hintsOf({ payloadLayout: t }, rows)).toEqual([
			'None of 3 payloads fit the format: 13 bytes, "t" ends at byte 42.',
		]);
		expect(await hintsOf({ payloadLayout: t }, rows.slice(1))).toEqual([
			'None of 2 payloads fit the format: 13 bytes, "t" ends at byte 42.',
		]);
		const fits = { payload: base64(...Array<number>(42).fill(1)) };
		const nothing = { payload: '' };
		expect(await hintsOf({ payloadLayout: t }, [fits, ...rows, nothing])).toEqual([
			'3 of 4 payloads do not fit the format: 13 bytes, "t" ends at byte 42.',
		]);
		expect(await hintsOf({ payloadLayout: t }, [fits, fits, ...rows.slice(2)])).toEqual([
			'1 of 3 payloads does not fit the format: 13 bytes, "t" ends at byte 42.',
		]);
		expect(await hintsOf({ payloadLayout: t }, [fits, nothing])).toEqual([]);
		expect(await hintsOf({ payloadLayout: t }, [nothing])).toEqual([]);
	});

	test('of a layout whose values are all in other payloads', async () => {
		const types = 'a: uint8 @1 when byte 0 = 1\nb: uint8 @1 when byte 0 = 2';
		const outcome = await run({ payloadLayout: types }, [{ payload: base64(1, 7) }, { payload: base64(3, 7) }]);
		const why = 'bytes, and none of the values: byte 0 is 3, not 1 or 2';
		expect(jsonOf(outcome)).toMatchObject([
			{ decoded: { a: 7 } },
			{ decoded: {}, decodeError: `the payload has 2 ${why}` },
		]);
		expect(outcome.hints).toEqual([`1 of 2 payloads does not fit the format: 2 ${why}.`]);
	});

	test('that it looks like hexadecimal', async () => {
		const hex = { payload: '0102030405060708' };
		const said = 'This looks like hexadecimal. If it is, set Payload Encoding to Hexadecimal.';
		expect(await hintsOf({ payloadLayout: t }, [hex, hex])).toEqual([said]);
		// Also where a layout fits by chance; not where one payload is Base64 beyond doubt, is short or zero.
		const a = { payloadLayout: 'a: uint8 @0' };
		expect(await hintsOf(a, [hex])).toEqual([said]);
		for (const payload of [base64(1, 7), 'BCAAAAAAAAAA', '09c46455']) {
			expect(await hintsOf(a, [hex, { payload }])).toEqual([]);
			expect(await hintsOf(a, [{ payload }, hex])).toEqual([]);
		}
		expect(await hintsOf({ payloadLayout: t, payloadEncoding: 'hex' }, [hex])).toEqual([
			'The payload does not fit the format: 8 bytes, "t" ends at byte 42.',
		]);
	});

	test('of the packets of a period and of an export, too', async () => {
		const hubble = await startSimulator({ devices: 4, packets: 20, limits: false });
		const packetRun = async (parameters: IDataObject) =>
			await execute({
				node,
				parameters: { decodePayload: 'layout', ...parameters } as never,
				credential: credentialFor(hubble),
			});
		const fits = await packetRun({ operation: 'getAll', returnAll: true, payloadLayout: 'a: uint8 @0' });
		const none = await packetRun({ operation: 'getAll', returnAll: true, payloadLayout: 'a: uint8 @200' });
		const file = await packetRun({ operation: 'export', payloadLayout: 'a: uint8 @200' });
		await hubble.close();
		const noFit =
			/^None of 20 payloads fit the format: (\d+ bytes, "a" ends at byte 201|JSON with other names: t, h\. To read both, give your values these names)\.$/;
		expect([fits.hints, none.hints, file.hints]).toEqual([
			[
				expect.stringMatching(
					/^\d+ of 20 payloads do not fit the format: JSON with other names: t, h\. To read both, give your values these names\.$/,
				),
			],
			[expect.stringMatching(noFit)],
			[expect.stringMatching(noFit)],
		]);
		expect(Object.keys(none.items[0]?.json ?? {}).slice(0, 4)).toEqual([
			'timestamp',
			'deviceName',
			'decoded',
			'decodeError',
		]);
	});
});

test('payloads are read as an export wrote them, with line breaks, and empty', async () => {
	const [first, second, third] = jsonOf(
		await run({ decodePayload: 'hex' }, [{ payload: "'+AAA==" }, { payload: 'AQI\r\nD' }, { payload: '' }]),
	);
	expect([first?.decoded, second?.decoded, third?.decoded]).toEqual(['f80000', '010203', '']);
	expect(jsonOf(await run({ payloadLayout: 'a: uint8 @0' }, [{ payload: '' }]))).toEqual([
		{ payload: '', decoded: {} },
	]);
});

test('a wrong layout is named with its line', async () => {
	const { error } = await run({ payloadLayout: 'a: uint8 @0\nb: uint9 @1' }, [{ payload: 'AA==' }]);
	expect(error?.message).toContain('"Payload Layout": line 2, "b: uint9 @1": the type "uint9" is unknown');
	const none = await run({}, [{ payload: 'AA==' }]);
	expect(none.error?.message).toContain('"Payload Layout" is empty; add a value');
});

test('n8n asks for a credential for every other operation, and for none here', () => {
	const issues = (operation: string) => {
		const parameters = { resource: 'packet', operation };
		const [credential] = node.description.credentials ?? [];
		return NodeHelpers.displayParameter(parameters, credential as never, { typeVersion: 1 }, node.description);
	};
	expect(issues('decode')).toBe(false);
	for (const operation of ['count', 'createReport', 'export', 'getAll']) expect(issues(operation)).toBe(true);
});

test('the layout that `npm start` prints reads what the simulated devices send', async () => {
	const hubble = await startSimulator({ devices: 40, packets: 400 });
	const { packets } = hubble.world.main;
	const input = Array.from({ length: packets.length }, (_, i) => ({ payload: packets.get(i)?.device.payload }));
	await hubble.close();
	const decoded = jsonOf(await run({ payloadLayout }, input));
	const isText = ({ payload }: IDataObject) => Buffer.from(String(payload), 'base64').toString().startsWith('{');
	const [texts, readings] = [decoded.filter(isText), decoded.filter((row) => !isText(row))];
	expect(texts.length).toBeGreaterThan(50);
	expect(readings.length).toBeGreaterThan(250);
	const json = 'the payload is JSON with other names: t, h. To read both, give your values these names';
	expect(new Set(texts.map((row) => JSON.stringify([row.decoded, row.decodeError])))).toEqual(
		new Set([JSON.stringify([{}, json])]),
	);
	expect(readings.filter(({ decodeError }) => decodeError)).toEqual([]);
	const within = (name: string, from: number, to: number) =>
		readings.every((row) => {
			const value = Number((row.decoded as IDataObject)[name]);
			return value >= from && value <= to;
		});
	expect([within('temperature', -25, 16), within('humidity', 30, 70), within('battery', 2800, 3600)]).toEqual([
		true,
		true,
		true,
	]);
});

test("payloads of Hubble's sensors that are read as BTHome: a hint says so, unless one of them is none", async () => {
	const sensor = base64(0x01, 0x29, 0x09, 0x00);
	const hints = async (...payloads: string[]) =>
		(
			await run(
				{ decodePayload: 'bthomeObjects' },
				payloads.map((payload) => ({ payload })),
				'continueRegularOutput',
			)
		).hints;
	expect(await hints(sensor, sensor)).toContain('This looks like Hubble Sensor, not BTHome. Choose that format.');
	expect((await hints(sensor, base64(0x02, 0xca, 0x09))).join()).not.toContain('Hubble Sensor');
	// As long as one of two integers, the second of which would be millions of millionths.
	const bthome = base64(0x01, 0x57, 0x02, 0xc4, 0x09, 0x03, 0xbf, 0x13, 0x00);
	expect(await hints(bthome, bthome)).toEqual([]);
});
