/**
 * A hundred poll triggers that n8n polls at once, beside nodes of the same organization: the shipped code in one process,
 * on virtual time, with a Hubble that answers at once or slowly and counts what it is asked.
 */
import type {
	IDataObject,
	IExecuteFunctions,
	IHttpRequestOptions,
	INodeExecutionData,
	IPollFunctions,
} from 'n8n-workflow';
import { ShippedCode } from './shipped';
import { seeded, VirtualTime } from './time';
import { HOST, ORGANIZATION, parameterAt } from './world';

// They share a machine with the other tests.
jest.setTimeout(120_000);

const POLLS = 100;
const ROUND_MS = 60_000;
const ROUNDS = 10;
/** Milliseconds until Hubble answers. */
const LATENCY_MS = 150;
/** The simulation begins then, in Unix seconds. */
const BEGAN_S = 1_790_000_000;

/** What polls, and what it gives an item for: packets, or devices that are new. */
const POLLERS = {
	packets: {
		module: 'HubblePacketPollTrigger/poll',
		poll: 'pollPackets',
		parameters: { startFrom: 'now', options: {}, simplify: true, decodePayload: 'none', filters: {} },
		numberOf: ({ sequenceNumber }: IDataObject) => Number(sequenceNumber),
	},
	devices: {
		module: 'HubbleDeviceTrigger/poll',
		poll: 'pollDevices',
		parameters: { events: ['registered'], simplify: true },
		numberOf: ({ deviceId }: IDataObject) => Number(deviceId),
	},
} as const;

type Poll = (context: IPollFunctions) => Promise<INodeExecutionData[][] | null>;
type Connect = typeof import('../../nodes/shared/client/client').connect;
const { endpoints } = jest.requireActual<typeof import('../../nodes/shared/client/endpoints')>(
	'../../nodes/shared/client/endpoints',
);

/** One process of n8n, and an organization at Hubble. */
class Crowd {
	readonly time = new VirtualTime();
	readonly random = seeded(1);
	readonly errors: string[] = [];
	readonly warnings: string[] = [];
	/** What each poll gave, by the trigger. */
	readonly given = Array.from({ length: POLLS }, (): number[] => []);
	/** The longest that a poll took, in milliseconds. */
	longestPoll = 0;
	/** When Hubble received a packet, and registered a device, in Unix seconds; the same for each trigger: one each round. */
	private readonly times: number[] = [];
	private readonly load;
	private readonly positions = Array.from({ length: POLLS }, (): IDataObject => ({}));

	constructor(private readonly kind: keyof typeof POLLERS = 'packets') {
		this.load = new ShippedCode().start({
			monotonic: () => 1000 + this.time.now(),
			wall: () => 1000 * BEGAN_S + this.time.now(),
			random: this.random,
			sleep: this.time.sleep,
		});
	}

	private readonly helpers = {
		httpRequestWithAuthentication: async (_: string, { url, qs = {}, headers = {}, encoding }: IHttpRequestOptions) => {
			await this.time.sleep(LATENCY_MS);
			const date = new Date(1000 * BEGAN_S + this.time.now()).toUTCString();
			const reply = (body: IDataObject, more = {}) => ({
				statusCode: 200,
				headers: { 'content-type': 'application/json', date, ...more },
				body: encoding === 'arraybuffer' ? Buffer.from(JSON.stringify(body)) : body,
			});
			if (url.endsWith('/devices')) {
				const [, from, to] = /^between:(\d+):(\d+)$/.exec(String(qs.filter_created_ts)) ?? [];
				const devices = this.times
					.map((created_ts, index) => ({ id: String(index), name: 'd', created_ts, tags: {} }))
					.filter(({ created_ts: at }) => at >= Number(from) && at < Number(to));
				return reply({ devices });
			}
			if (!url.endsWith('/packets')) return reply({ org_id: ORGANIZATION });
			const since = this.times.findIndex((timestamp) => timestamp >= Number(qs.start));
			const from = Number(headers['Continuation-Token'] ?? since);
			const packets = this.times.slice(from).map((timestamp, index) => ({
				device: { id: 'd', payload: 'AA==', timestamp, sequence_number: from + index },
				location: {},
				network_type: 'TERRESTRIAL',
			}));
			return reply({ packets }, { 'continuation-token': String(this.times.length) });
		},
	};

	private contextOf(index: number, parameters: IDataObject) {
		return {
			getMode: () => 'trigger',
			getWorkflow: () => ({ id: `workflow ${index}` }),
			getNode: () => ({ id: 'node', name: 'Poll', parameters }),
			getTimezone: () => 'UTC',
			logger: { warn: (line: string) => this.warnings.push(line) },
			getNodeParameter: parameterAt(parameters),
			getWorkflowStaticData: () => this.positions[index],
			getCredentials: async () => ({ apiToken: 'token', organizationId: ORGANIZATION, baseUrl: HOST }),
			helpers: this.helpers,
		} as unknown as IPollFunctions & IExecuteFunctions;
	}

	private async pollOnce(index: number): Promise<void> {
		const began = this.time.now();
		const { module, poll, parameters, numberOf } = POLLERS[this.kind];
		try {
			const run = this.load<Record<string, Poll>>(module)[poll] as Poll;
			const [items = []] = (await run(this.contextOf(index, parameters))) ?? [];
			this.given[index]?.push(...items.map(({ json }) => numberOf(json)));
			if (items.length) this.served[index]?.add(this.round);
		} catch (error) {
			this.errors.push(String(error));
		}
		this.longestPoll = Math.max(this.longestPoll, this.time.now() - began);
	}

	round = 0;
	/** The rounds in which each trigger passed something on. */
	readonly served = Array.from({ length: POLLS }, () => new Set<number>());

	/** Polls all of them at one second of a minute, always in the same order, so many times. */
	async poll(rounds: number): Promise<void> {
		for (let round = 0; round < rounds; round++) {
			const next = this.time.now() + ROUND_MS;
			this.round += 1;
			this.times.push(BEGAN_S + Math.floor(this.time.now() / 1000));
			await Promise.all(Array.from({ length: POLLS }, async (_, index) => await this.pollOnce(index)));
			await this.time.sleep(next - this.time.now());
		}
	}

	/** A node that sends so many requests, one after the other. @returns how long it took, in milliseconds */
	async act(name: 'listPackets' | 'listDevices', requests: number): Promise<number> {
		const { connect } = this.load<{ connect: Connect }>('shared/client/client');
		const hubble = await connect(this.contextOf(POLLS, {}));
		const began = this.time.now();
		for (let sent = 0; sent < requests; sent++) await hubble.send({ endpoint: endpoints[name] });
		return this.time.now() - began;
	}
}

test.each([
	['packets', ROUNDS - 2],
	// A new device shows half a minute late: the next poll has it.
	['devices', ROUNDS - 3],
] as const)('no poll of %s fails, none starves, and nothing is lost', async (kind, least) => {
	const crowd = new Crowd(kind);
	await crowd.time.until(crowd.poll(ROUNDS));
	expect([...new Set(crowd.errors)]).toEqual([]);
	expect(crowd.longestPoll).toBeLessThanOrEqual(31_000);
	// A hundred polls, and ninety places for them in thirty seconds.
	expect(Math.min(...crowd.served.map(({ size }) => size))).toBeGreaterThanOrEqual(least);
	for (const given of crowd.given) {
		expect(given).toEqual([...given.keys()]);
		expect(given.length).toBeGreaterThanOrEqual(least);
	}
});

test.each(['packets', 'devices'] as const)('a node beside them makes no poll of %s lose anything', async (kind) => {
	const crowd = new Crowd(kind);
	const acting = crowd.act(kind === 'packets' ? 'listPackets' : 'listDevices', 60);
	await crowd.time.until(Promise.all([acting, crowd.poll(ROUNDS / 2)]));
	// Not all of them get a place in their first round.
	expect(Math.min(...crowd.served.map(({ size }) => size))).toBeGreaterThanOrEqual(2);
	for (const given of crowd.given) expect(given).toEqual([...given.keys()]);
});

test.each(['listPackets', 'listDevices'] as const)(
	'P22: a node waits at most twice as long as alone: %s',
	async (name) => {
		const alone = new Crowd();
		const usual = await alone.time.until(alone.act(name, 20));
		const crowd = new Crowd();
		const polling = crowd.poll(1);
		const acting = crowd.time.sleep(2000).then(async () => await crowd.act(name, 20));
		const took = await crowd.time.until(acting);
		await crowd.time.until(polling);
		expect(took).toBeLessThanOrEqual(2.1 * usual);
		expect([...new Set(crowd.errors)]).toEqual([]);
	},
);
