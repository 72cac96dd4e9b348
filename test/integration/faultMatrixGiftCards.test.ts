/** The operations on gift cards, and their login, against everything that can go wrong on the way: `faultMatrix.test.ts`. */
import type { IDataObject } from 'n8n-workflow';
import { HubbleGiftCard } from '../../nodes/HubbleGiftCard/HubbleGiftCard.node';
import type { Endpoint } from '../../nodes/shared/client/endpoints';
import { partnerEndpoints } from '../../nodes/shared/client/partner';
import { partnerSamples } from '../samples';
import { startPartnerSimulator, type PartnerSimulator } from '../simulator/partner';
import {
	bendTime,
	CELLS as FAULTS,
	cellsToRun,
	isCallTo,
	isRefusedConnection,
	startFront,
	tell,
	withRedirect,
} from './faults';
import { execute, partnerCredentialFor, serverThat } from './harness';

const mockClock = { ahead: 0, whileWaiting: async () => {} };
jest.mock('../../nodes/shared/n8n', () => ({
	...jest.requireActual<object>('../../nodes/shared/n8n'),
	abortableSleep: async (ms: number) => {
		mockClock.ahead += ms;
		await mockClock.whileWaiting();
	},
}));

/** What must be in no error, hint or stack: the simulator's secrets, and what only the items of an order hold. */
const SECRETS = /PIN7|60001234|partner-client-secret|session-\d/;
const BALANCE = 1e9;
/** A field of what an operation gives; else `id`. */
const FIELDS: Readonly<Record<string, string>> = { getBalance: 'balance', resendDelivery: 'orderId' };

const callOf = ({
	resource,
	operation,
	parameters,
}: (typeof partnerSamples)[number]): keyof typeof partnerEndpoints => {
	if (resource === 'wallet') return 'getBalance';
	if (resource === 'voucher') return 'getVoucher';
	if (operation === 'resendDelivery') return 'resendDelivery';
	if (resource === 'brand') return operation === 'get' ? 'getBrand' : 'listBrands';
	if (operation === 'place') return 'placeOrder';
	return parameters.by === 'id' ? 'getOrder' : 'getOrderByReference';
};
const CELLS = partnerSamples
	.flatMap((sample) => [
		{ sample, call: callOf(sample) },
		{ sample, call: 'login' as const },
	])
	.flatMap(({ sample, call }) =>
		FAULTS.map((cell) => ({
			...cell,
			sample,
			call,
			title: `Hubble Gift Card ${sample.resource} ${sample.operation} (${call})`,
		})),
	);

const lines: string[] = [];
let elsewhere: Awaited<ReturnType<typeof serverThat>>;
let partner: PartnerSimulator;

beforeAll(async () => {
	elsewhere = await serverThat(() => ({}));
	bendTime(mockClock);
});
afterAll(async () => {
	jest.restoreAllMocks();
	await elsewhere.close();
	tell(lines);
});
beforeEach(async () => {
	partner = await startPartnerSimulator();
});
afterEach(async () => {
	mockClock.whileWaiting = async () => {};
	await partner.close();
});

const run = async (url: string, { resource, operation, parameters }: (typeof partnerSamples)[number]) =>
	await execute({
		node: new HubbleGiftCard(),
		parameters: { resource, operation, ...parameters } as never,
		credential: partnerCredentialFor(partner, url),
	});

test.each(cellsToRun(CELLS))('$fault: $title', async (cell) => {
	const { sample, call, kind, how, fault, title } = cell;
	const isOrder = sample.operation === 'place';
	const isDelivery = call === 'resendDelivery';
	const order = partnerSamples.find(({ operation }) => operation === 'place') as typeof sample;
	// An order to read.
	if (['order', 'voucher'].includes(String(sample.resource)) && !isOrder)
		expect((await run(partner.url, order)).error).toBeUndefined();
	const { method, path }: Endpoint = partnerEndpoints[call];
	const front = await startFront(partner.url, isCallTo(method, path), withRedirect(cell, elsewhere.url));
	if (isRefusedConnection(cell)) {
		await front.close();
		if (how === 'once') {
			mockClock.whileWaiting = async () => {
				mockClock.whileWaiting = async () => {};
				await front.listen();
			};
		}
	}
	const { items, error, hints, run: record } = await run(front.url, sample);
	await front.close().catch(() => {});
	lines.push(`${fault}: ${title}: ${error ? `error: ${error.message} | ${error.description}` : 'right'}`);

	expect(elsewhere.asked()).toBe(0);
	const tasks = (record.data.resultData.runData.Hubble ?? []).map(
		(task): IDataObject => ({ ...task, data: undefined }) as never,
	);
	const told = JSON.stringify([error?.message, error?.description, error?.context, error?.stack, hints, tasks]);
	expect(told).not.toMatch(SECRETS);
	expect(front.hits()).toBeLessThanOrEqual(60);

	// Money is spent once at most, and only what was spent is told as an order.
	if (isOrder) {
		expect(partner.placed.length).toBeLessThanOrEqual(1);
		expect(partner.state.balance).toBe(BALANCE - partner.placed.reduce((sum) => sum + 100, 0));
		if (!error) expect(partner.placed).toHaveLength(1);
	}
	if (error) {
		expect(error.message).toMatch(/^[A-Z].{10}/);
		expect(error.message + error.description).not.toMatch(/undefined|\[object|NaN/);
		expect(error.description).toContain('X-Request-ID');
		expect(items).toEqual([]);
	} else if (kind !== 'odd') {
		expect(Object.keys(items[0]?.json ?? {})).toContain(FIELDS[sample.operation] ?? 'id');
	} else {
		expect(items.length).toBeLessThanOrEqual(5);
	}

	const isRight = error === undefined;
	// What may have been delivered is not delivered again.
	if (how === 'once' && (fault.startsWith('429') || !(isOrder || isDelivery))) expect(isRight).toBe(true);
	// An order whose reply is lost is found by its reference.
	const isFound = isOrder && call === 'placeOrder' && kind === 'unclear';
	if (how === 'always' && (kind === 'refused' || kind === 'unclear') && !isFound) expect(isRight).toBe(false);
	// What Hubble answers to a delivery is not documented, so any success is one.
	if (kind === 'foreign' && !(isDelivery && fault !== 'HTML 200')) expect(isRight).toBe(false);
});
