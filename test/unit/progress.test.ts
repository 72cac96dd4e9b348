/** What the user learns of long work: messages while it runs by hand, and a hint when it is over. */
import { noTraffic, type HubbleClient, type Traffic } from '../../nodes/shared/client/client';
import { Progress } from '../../nodes/shared/operation/progress';

let now = 0;
beforeEach(() => {
	now = 0;
	jest.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => jest.restoreAllMocks());

const page = { rows: Array.from({ length: 1000 }) };

/** A run that read so many pages, one each second. */
function after(pages: number, traffic: Partial<Traffic>, noun = 'packets') {
	const messages: string[] = [];
	const context = { sendMessageToUI: (message: string) => messages.push(message) };
	const client = { context, run: { traffic: { ...noTraffic(), ...traffic } } } as unknown as HubbleClient;
	const progress = new Progress(client);
	for (let read = 0; read < pages; read++) {
		now += 1_000;
		progress.note(page, noun);
	}
	return { hint: progress.hint(), messages };
}

test.each([
	[
		14,
		{ waitedMs: 9_400, requests: 20 },
		"Read 14,000 packets from 14 pages in 14 s, 9 s of it waiting for Hubble's rate limit.",
	],
	[1, { waitedMs: 5_000, requests: 40 }, "Sent 40 requests in 1 s, 5 s of it waiting for Hubble's rate limit."],
	[14, { waitedMs: 4_999, requests: 20 }, undefined],
])('after %d pages and %p the hint is %p', (pages, traffic, hint) => {
	expect(after(pages, traffic).hint).toBe(hint);
});

test('the longest hint has 120 characters at most', () => {
	const { hint } = after(9_999, { waitedMs: 9_999_000, requests: 9_999 }, 'payment_methods');
	expect(hint).toMatch(/^Read 9,999,000 payment methods from /);
	expect(hint?.length).toBeLessThanOrEqual(120);
});

test('whoever runs it by hand reads every ten seconds how far it is, and nothing of short work', () => {
	expect(after(9, {}).messages).toEqual([]);
	expect(after(25, {}).messages).toEqual([
		'Read 10,000 packets from 10 pages, and there is more',
		'Read 20,000 packets from 20 pages, and there is more',
	]);
});
