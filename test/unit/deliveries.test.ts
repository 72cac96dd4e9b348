/** What the packet trigger takes for Hubble's, and what it makes of a delivery; how n8n answers is not of it. */
import type { IDataObject, IHookFunctions, IWebhookFunctions } from 'n8n-workflow';
import { isAutomatic, maxBatchSize, packets } from '../../nodes/HubblePacketTrigger/packets';
import { webhookDigest } from '../../nodes/shared/webhook/probe';
import type { Delivery, DeliveryContent } from '../../nodes/shared/webhook/receive';
import { fingerprint } from '../../nodes/shared/webhook/verify';

/** What is registered at Hubble, and how often static data were put right. */
const mockRegistration = { endpoint: undefined as { id: string; fingerprint: string } | undefined, restored: 0 };
jest.mock('../../nodes/HubblePacketTrigger/registration', () => ({
	knownWebhook: () => mockRegistration.endpoint,
	restoreWebhook: () => (mockRegistration.restored += 1),
}));

const NOW_S = 1_800_000_000;
const DAY_S = 86_400;

beforeEach(() => {
	Object.assign(mockRegistration, { endpoint: undefined, restored: 0 });
	jest.spyOn(Date, 'now').mockReturnValue(1000 * NOW_S);
});
afterEach(() => void jest.restoreAllMocks());

interface Setup {
	options?: IDataObject;
	parameters?: IDataObject;
	isTest?: boolean;
	data?: IDataObject;
	credential?: IDataObject;
}

/** A packet trigger with these parameters. */
function contextOf({ options = {}, parameters = {}, isTest = false, data = {}, credential = {} }: Setup = {}) {
	const given: IDataObject = { simplify: false, options, ...parameters };
	return {
		getNode: () => ({ name: 'Trigger', parameters: given }),
		getMode: () => (isTest ? 'manual' : 'webhook'),
		getWorkflowStaticData: () => data,
		getCredentials: async (type: string) => await Promise.resolve(type === 'hubbleApi' ? credential : {}),
		getNodeParameter: (path: string, otherwise: unknown) => {
			const [name = '', inner] = path.split('.');
			return (inner ? (given[name] as IDataObject)[inner] : given[name]) ?? otherwise;
		},
	} as unknown as IHookFunctions & IWebhookFunctions;
}

const manual = { registration: 'manual' };

/** What becomes of these rows, or of a delivery that is made by hand. */
const read = (rows: unknown, setup?: Setup) => packets.read(contextOf(setup), { headers: {}, body: { packets: rows } });

type Taken = Exclude<DeliveryContent, { refused: string }>;
const taken = (rows: unknown, setup?: Setup) => read(rows, setup) as Taken;

const packet = (id: string, timestamp: unknown = NOW_S, more: IDataObject = {}) =>
	({ device: { id, payload: 'AQID', timestamp, sequence_number: 7, ...more } }) as IDataObject;

describe('The options of a trigger', () => {
	it('register its URL unless the user does', () => {
		const of = (registration?: unknown) => isAutomatic(contextOf({ options: { registration } as IDataObject }));
		expect([of(), of('automatic'), of('manual')]).toEqual([true, true, false]);
		expect(() => of('both')).toThrow(/Registration.*"both" is not one of automatic, manual/);
	});

	it('say how many packets a delivery may have', () => {
		const of = (size?: unknown) => maxBatchSize(contextOf({ options: { maxBatchSize: size } as IDataObject }));
		expect([of(), of(10), of(1000)]).toEqual([100, 10, 1000]);
		for (const size of [9, 1001])
			expect(() => of(size)).toThrow(/Max Packets in One Request.*is not a whole number from 10 to 1000/);
	});
});

describe('A delivery is Hubble’s', () => {
	const secretsOf = async (setup?: Setup) => await packets.secrets(contextOf(setup));
	const credential = { webhookSecret: ' one ', nextWebhookSecret: 'two' };

	it('by the secret of the registered webhook, and by none while there is none', async () => {
		expect(await secretsOf({ credential })).toEqual([]);
		mockRegistration.endpoint = { id: 'w', fingerprint: fingerprint('registered') };
		expect(await secretsOf({ credential })).toEqual([fingerprint('registered')]);
	});

	it('by either secret of the credential where the user has registered it', async () => {
		mockRegistration.endpoint = { id: 'w', fingerprint: fingerprint('registered') };
		expect(await secretsOf({ options: manual, credential })).toEqual(['one', 'two'].map(fingerprint));
		expect(await secretsOf({ options: manual })).toEqual([]);
	});

	it('in a test with the latest packets by the secret of this test alone, and never when it is published', async () => {
		const data = { test: fingerprint('of the test') };
		for (const options of [{}, manual]) {
			expect(await secretsOf({ options, credential, data, isTest: true })).toEqual([data.test]);
			expect(await secretsOf({ options, credential, data })).not.toContain(data.test);
		}
	});

	it('in the header of its documents, or in the one that proxies let pass', () => {
		const isTaken = (headers: Delivery['headers']) => packets.verify({ headers }, [fingerprint('right')]);
		const [first, second] = ['http-x-hubble-token', 'x-hubble-token'] as const;
		expect([{ [first]: 'right' }, { [second]: 'right' }, { [first]: '', [second]: 'right' }].map(isTaken)).toEqual(
			Array(3).fill(true),
		);
		expect([{}, { [first]: 'wrong', [second]: 'right' }, { authorization: 'right' }].map(isTaken)).toEqual(
			Array(3).fill(false),
		);
	});

	it('or the log says what to do', () => {
		expect([{}, manual].map((options) => packets.remedy(contextOf({ options })))).toEqual([
			'unpublish and publish the workflow',
			'compare the Webhook Secret in the credential with the one that Hubble showed',
		]);
	});

	it('is for a webhook that Check Webhooks knows by its digest', () => {
		const identify = (options?: IDataObject) => packets.identify?.(contextOf({ options }));
		expect([identify(), identify(manual)]).toEqual(['', 'manual']);
		mockRegistration.endpoint = { id: 'w', fingerprint: '' };
		expect([identify(), identify(manual)]).toEqual([webhookDigest('w'), 'manual']);
	});

	it('and puts the static data right where this process has registered it', () => {
		read([packet('d')], { options: manual });
		expect(mockRegistration.restored).toBe(0);
		read([packet('d')]);
		expect(mockRegistration.restored).toBe(1);
	});
});

describe('Packets of a delivery', () => {
	const needs =
		'a packet needs a device ID, a payload, a valid timestamp and, if it has a sequence number, one that is a number, and no number that is too large';

	it('are an item each, or one together', () => {
		const rows = [packet('a'), packet('b')];
		expect(taken(rows).items).toEqual(rows);
		expect(taken(rows, { parameters: { triggerOn: 'packet' } }).items).toEqual(rows);
		expect(taken(rows, { parameters: { triggerOn: 'batch' } }).items).toEqual([{ packets: rows }]);
		for (const triggerOn of ['packet', 'batch']) expect(taken([], { parameters: { triggerOn } }).items).toEqual([]);
	});

	it('are nothing more than that where all is well', () => {
		expect(read([packet('a')])).toEqual({ items: [packet('a')], identity: `a:7:${NOW_S}` });
	});

	it('are refused where there is no list, or nothing in it can be used', () => {
		for (const rows of [undefined, null, {}, 'text'])
			expect(read(rows)).toEqual({ refused: "The body has no list 'packets'." });
		expect(packets.read(contextOf(), { headers: {} })).toEqual({ refused: "The body has no list 'packets'." });
		expect(read([{}, packet('a', NOW_S, { rssi: Infinity })])).toEqual({
			refused: `None of the 2 packets can be used: ${needs}.`,
		});
	});

	it('are taken without those that cannot be used, and the log says how many', () => {
		const { items, warning } = taken([{}, packet('a'), null, packet('b', NOW_S, { rssi: -Infinity })]);
		expect(items).toEqual([packet('a')]);
		expect(warning).toBe(`dropped 3 of the 4 packets of a delivery; ${needs}`);
	});

	it('are those that pass the filters, shown as the parameters say', () => {
		const parameters = { simplify: true, decodePayload: 'hex', filters: { tags: ['site:here'] } };
		const rows = ['there', 'here'].map((site) => packet(site, NOW_S, { tags: { site } }));
		expect(taken(rows, { parameters }).items).toMatchObject([{ deviceId: 'here', decoded: '010203' }]);
		// A repeat is one by all that Hubble sent.
		expect(taken(rows, { parameters }).identity).toBe(`there:7:${NOW_S}\nhere:7:${NOW_S}`);
	});

	it('of which none can be decoded are hinted at: in the item of a test, and in the log', () => {
		const parameters = { decodePayload: 'layout', payloadLayout: 't:float64@100' };
		const rows = [packet('a'), packet('b')];
		const { items, misfit } = taken(rows, { parameters });
		expect(misfit).toMatch(/^None of 2 payloads fit the format: .+\. Check "Decode Payload"\.$/);
		expect(items.map((item) => 'hint' in item)).toEqual([false, false]);
		const hint = misfit?.replace(' Check "Decode Payload".', '');
		const tested = taken(rows, { parameters, isTest: true });
		expect(tested.items).toMatchObject([
			{ hint, device: { id: 'a' } },
			{ hint, device: { id: 'b' } },
		]);
		expect(tested.misfit).toBe(misfit);
		const fits = taken(rows, { parameters: { decodePayload: 'hex' }, isTest: true });
		expect(['hint' in (fits.items[0] as object), 'misfit' in fits]).toEqual([false, false]);
	});
});

describe('A repeat of a delivery', () => {
	const identity = (...rows: IDataObject[]) => taken(rows).identity;

	it('has the same packets', () => {
		const [a, b] = [packet('a'), packet('b')];
		expect(identity(a, b)).toBe(`a:7:${NOW_S}\nb:7:${NOW_S}`);
		expect(identity(a)).not.toBe(identity(a, b));
	});

	it('is none where it is Hubble’s example: one packet of more than a day ago', () => {
		const old = packet('a', NOW_S - DAY_S - 1);
		expect('identity' in read([old])).toBe(false);
		expect(identity(packet('a', NOW_S - DAY_S))).toEqual(expect.any(String));
		expect(identity(old, old)).toEqual(expect.any(String));
		expect(identity()).toBe('');
	});
});

describe('Sequence numbers that no number can hold', () => {
	const row = (number: string | number, isFlat = false) => {
		const rest = `"payload":"","timestamp":${NOW_S},"sequence_number":${number}`;
		return isFlat ? `{"device_id":"d",${rest}}` : `{"device":{"id":"d",${rest}}}`;
	};
	const body = (...rows: string[]) => `{"packets":[${rows.join()}]}`;
	/** What n8n gives for this text, as the bytes of which it takes another one, if given. */
	const numbers = (text: string, bytes: Buffer = Buffer.from(text)) => {
		const delivery = { headers: {}, body: JSON.parse(text) as unknown, rawBody: bytes };
		const { items } = packets.read(contextOf(), delivery) as Taken;
		return items.map(({ device }) => (device as IDataObject).sequence_number);
	};

	it.each([false, true])('are read from the bytes of the delivery (flat: %s)', (isFlat) => {
		const rows = [7, '9007199254740993', '9007199254740992'].map((number) => row(number, isFlat));
		expect(numbers(body(...rows))).toEqual([7, '9007199254740993', '9007199254740992']);
	});

	it('are the only ones for which a delivery is read again', () => {
		const bytes = Buffer.from(body(row(1)));
		expect(numbers(body(row(Number.MAX_SAFE_INTEGER)), bytes)).toEqual([Number.MAX_SAFE_INTEGER]);
		expect(numbers(body(row('"9007199254740993"')), bytes)).toEqual(['9007199254740993']);
		expect(numbers(body(row(7), row('9007199254740992')), bytes)).toEqual([1]);
	});

	it('stay rounded where the bytes are of another encoding than UTF-8', () => {
		const text = body(row('9007199254740993'));
		expect(numbers(text, Buffer.from(text, 'utf16le'))).toEqual([9007199254740992]);
	});
});
