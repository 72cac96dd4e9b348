import type { IWebhookFunctions } from 'n8n-workflow';
import { deliveryKey, follow, outcomeOf, type Answer } from '../../nodes/shared/webhook/deliveryLog';

let count = 0;
const newDelivery = () => `delivery ${(count += 1)}`;
const HOUR_MS = 3_600_000;

function open(delivery: string) {
	const sent: unknown[][] = [];
	const answer: Answer = { statusCode: 200, json: () => undefined, end: (...content) => sent.push(content) };
	follow(delivery, answer);
	return { sent, end: (statusCode: number) => Object.assign(answer, { statusCode }).end('body', 'utf8') };
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

it.each([
	[101, undefined],
	[200, 'accepted'],
	[204, 'accepted'],
	[300, undefined],
	[404, undefined],
	[500, undefined],
	[503, undefined],
])('a delivery is under way until its answer, and %i makes it %s', (status, outcome) => {
	const delivery = newDelivery();
	expect(outcomeOf(delivery)).toBeUndefined();
	const { sent, end } = open(delivery);
	expect(outcomeOf(delivery)).toBe('running');
	end(status);
	expect(outcomeOf(delivery)).toBe(outcome);
	expect(sent).toEqual([['body', 'utf8']]);
});

it('P3: what was accepted is remembered for a day, whatever becomes of the clock', () => {
	const delivery = newDelivery();
	const { end } = open(delivery);
	jest.advanceTimersByTime(5000);
	end(200);
	jest.advanceTimersByTime(24 * HOUR_MS - 1);
	jest.setSystemTime(Date.now() + 100 * HOUR_MS);
	expect(outcomeOf(delivery)).toBe('accepted');
	jest.advanceTimersByTime(1);
	expect(outcomeOf(delivery)).toBeUndefined();
});

it('P4: an answer is waited for for a quarter of an hour, then the delivery may come again', () => {
	const delivery = newDelivery();
	const first = open(delivery);
	jest.advanceTimersByTime(HOUR_MS / 4 - 1);
	expect(outcomeOf(delivery)).toBe('running');
	jest.advanceTimersByTime(1);
	expect(outcomeOf(delivery)).toBeUndefined();
	first.end(200);
	expect(outcomeOf(delivery)).toBe('accepted');
});

it('P3, P4: the late end of a first run changes nothing of a second one', () => {
	const [failed, done] = [newDelivery(), newDelivery()];
	const firsts = [open(failed), open(done)];
	jest.advanceTimersByTime(HOUR_MS / 4 + 1);
	const seconds = [open(failed), open(done)];
	firsts[0]?.end(500);
	expect(outcomeOf(failed)).toBe('running');
	firsts[1]?.end(200);
	seconds[1]?.end(500);
	expect(outcomeOf(done)).toBe('accepted');
});

it('P3: 20,000 deliveries are remembered, the latest', () => {
	const [oldest, second] = [newDelivery(), newDelivery()];
	for (const delivery of [oldest, second]) open(delivery).end(200);
	for (let i = 0; i < 20_000 - 1; i++) open(newDelivery()).end(200);
	expect(outcomeOf(oldest)).toBeUndefined();
	expect(outcomeOf(second)).toBe('accepted');
});

it('the same content is another delivery at another workflow, node or URL', () => {
	const key = (workflow: string, id: string, webhookId: string, content: string) =>
		deliveryKey(
			{ getWorkflow: () => ({ id: workflow }), getNode: () => ({ id, webhookId }) } as unknown as IWebhookFunctions,
			content,
		);
	const one = key('w', 'n', 'u', 'packets');
	expect(key('w', 'n', 'u', 'packets')).toBe(one);
	expect([key('v', 'n', 'u', 'packets'), key('w', 'm', 'u', 'packets'), key('w', 'n', 'v', 'packets')]).not.toContain(
		one,
	);
	expect(key('w', 'n', 'u', 'others')).not.toBe(one);
});
