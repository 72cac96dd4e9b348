import { follow } from '../../nodes/shared/webhook/acknowledge';
import {
	accept,
	begin,
	markOf,
	markOfEvent,
	packetRepeats,
	recall as recallBy,
	seen,
	toText,
	type Answer,
} from '../../nodes/shared/webhook/deliveryLog';

const recall = (node: string, saved: unknown) => recallBy(node, saved, packetRepeats);

let nodes = 0;
const newNode = () => `workflow node-${(nodes += 1)}`;
const answer = (): Answer => ({ writableEnded: false, statusCode: 200, json: () => undefined });
const end = (response: Answer, statusCode: number) => Object.assign(response, { writableEnded: true, statusCode });
/** What n8n does when it saves static data. */
const save = (data: object) => (JSON.parse(JSON.stringify(data)) as { accepted?: string }).accepted ?? '';

it('answered at once: accepted when n8n saves the static data, running until then', async () => {
	const [data, response, node] = [{}, answer(), newNode()];
	const following = follow(recall(node, ''), 'a'.repeat(10), response, true, data);
	expect(seen(recall(node, ''), 'a'.repeat(10))).toBe('running');
	const text = save(data);
	expect(seen(recall(node, ''), 'a'.repeat(10))).toBe('accepted');
	end(response, 200);
	await following;
	expect(seen(recall(newNode(), text), 'a'.repeat(10))).toBe('accepted');
});

it('answered when finished: accepted by a success only, a failed run may come again', async () => {
	const [node, data] = [newNode(), {}];
	const [failed, done] = [answer(), answer()];
	const following = [
		follow(recall(node, ''), 'f'.repeat(10), failed, false, data),
		follow(recall(node, ''), 'd'.repeat(10), done, false, data),
	];
	expect(save(data)).toBe('');
	end(failed, 500);
	end(done, 200);
	await Promise.all(following);
	const memory = recall(node, '');
	expect(seen(memory, 'f'.repeat(10))).toBeUndefined();
	expect(seen(memory, 'd'.repeat(10))).toBe('accepted');
	expect(toText(memory)).toMatch(/^.{5}d{10}$/);
});

it('waits a quarter of an hour for an answer, then the delivery may come again', () => {
	jest.useFakeTimers();
	try {
		const [node, mark] = [newNode(), 'n'.repeat(10)];
		begin(recall(node, ''), mark, answer());
		jest.setSystemTime(Date.now() + 15 * 60_000);
		expect(seen(recall(node, ''), mark)).toBe('running');
		jest.setSystemTime(Date.now() + 60_000);
		expect(seen(recall(node, ''), mark)).toBeUndefined();
	} finally {
		jest.useRealTimers();
	}
});

it('leaves out nothing that several deliveries accepted whose saves are all under way', async () => {
	const node = newNode();
	let now = 0;
	// So much later that each asks for a save.
	const clock = jest.spyOn(performance, 'now').mockImplementation(() => (now += 1000));
	const work = ['a', 'b', 'c'].map((name) => {
		const [data, response] = [{}, answer()];
		return { data, response, following: follow(recall(node, ''), name.repeat(10), response, true, data) };
	});
	clock.mockRestore();
	const texts = work.reverse().map(({ data }) => save(data));
	for (const { response } of work) end(response, 200);
	await Promise.all(work.map(({ following }) => following));
	expect(texts.map((text) => text.length)).toEqual([15, 25, 35]);
});

it('forgets the node that was not used for the longest time, but not while one of its deliveries has no answer', () => {
	const [answered, waiting] = [newNode(), newNode()];
	const response = answer();
	begin(recall(answered, ''), 'a'.repeat(10), response);
	begin(recall(waiting, ''), 'w'.repeat(10), answer());
	end(response, 200);
	for (let i = 0; i < 2000; i++) recall(newNode(), '');
	expect(seen(recall(answered, ''), 'a'.repeat(10))).toBeUndefined();
	expect(seen(recall(waiting, ''), 'w'.repeat(10))).toBe('running');
});

it('is bounded in number, bytes and time', () => {
	jest.useFakeTimers();
	try {
		const memory = recall(newNode(), '');
		const hour = Math.floor(Date.now() / 3_600_000) * 60;
		for (let i = 0; i < 5000; i++) memory.accepted.set(markOf(String(i)), hour);
		const text = toText(memory);
		expect(text).toHaveLength(3005);
		expect(memory.accepted.size).toBe(1000);
		expect(seen(memory, markOf('4000'))).toBe('accepted');
		expect(seen(memory, markOf('3999'))).toBeUndefined();
		const other = recall(newNode(), text);
		expect(seen(other, markOf('4999'))).toBe('accepted');
		expect(seen(other, markOf('4700'))).toBe('accepted');
		expect(seen(other, markOf('4699'))).toBeUndefined();
		jest.setSystemTime(Date.now() + 26 * 3_600_000);
		expect(seen(memory, markOf('4999'))).toBeUndefined();
		expect(toText(memory)).toBe('');
	} finally {
		jest.useRealTimers();
	}
});

it('tells another process of each hour', () => {
	jest.useFakeTimers();
	try {
		const memory = recall(newNode(), '');
		const hour = Math.floor(Date.now() / 3_600_000) * 60;
		const marks = Array.from({ length: 250 }, (_, i) => markOf(String(i)));
		marks.forEach((mark, i) => memory.accepted.set(mark, hour - 20 * 60 + 60 * Math.floor(i / 50)));
		const text = toText(memory);
		expect(text.split('.')).toHaveLength(5);
		const other = recall(newNode(), text);
		expect([...other.accepted]).toEqual([...memory.accepted]);
		expect(toText(recall(newNode(), toText(other)))).toBe(text);
	} finally {
		jest.useRealTimers();
	}
});

it('saves the latest, whatever older ones another process brings', () => {
	const minute = Math.floor(Date.now() / 60_000);
	const [own, other] = [recall(newNode(), ''), newNode()];
	for (let i = 0; i < 400; i++) accept(own, markOf(String(i)), minute - 600);
	const old = toText(own);
	for (let i = 1000; i < 1300; i++) accept(recall(other, ''), markOf(String(i)));
	const text = toText(recall(other, old));
	expect(seen(recall(other, ''), markOf('399'))).toBe('accepted');
	const next = recall(newNode(), text);
	for (const i of [1000, 1299]) expect(seen(next, markOf(String(i)))).toBe('accepted');
	expect(next.accepted.size).toBe(300);
});

it('takes in what another process saved in the meantime', () => {
	const node = newNode();
	const texts = Array.from({ length: 20 }, (_, i) => {
		const other = recall(newNode(), '');
		accept(other, markOf(String(i)));
		return toText(other);
	});
	for (const text of [...texts, ...texts.reverse()]) recall(node, text);
	texts.forEach((_, i) => expect(seen(recall(node, ''), markOf(String(i)))).toBe('accepted'));
});

it('saves what was accepted again after a day as the latest', () => {
	jest.useFakeTimers();
	try {
		const memory = recall(newNode(), '');
		const marks = Array.from({ length: 400 }, (_, i) => markOf(String(i)));
		for (const mark of marks) accept(memory, mark);
		jest.setSystemTime(Date.now() + 26 * 3_600_000);
		expect(seen(memory, markOf('0'))).toBeUndefined();
		accept(memory, markOf('0'));
		expect(seen(recall(newNode(), toText(memory)), markOf('0'))).toBe('accepted');
	} finally {
		jest.useRealTimers();
	}
});

it('copes with static data that it did not write', () => {
	for (const text of ['x', 'y'.repeat(1001), 'not base 36 ??????', undefined, 7, { a: 1 }]) {
		expect(toText(recall(newNode(), text))).toBe('');
	}
});

describe('only the latest event of a subject', () => {
	const policy = { window: 10, resolution: 1, latestOnly: true } as const;
	const mark = (brand: string, status: string) => markOfEvent(brand, status);
	const minute = Math.floor(Date.now() / 60_000);

	it('forgets what a later event of the subject replaced, and nothing of other subjects', () => {
		const memory = recallBy(newNode(), '', policy);
		accept(memory, mark('a', 'INACTIVE'));
		accept(memory, mark('b', 'INACTIVE'));
		accept(memory, mark('a', 'ACTIVE'));
		expect(seen(memory, mark('a', 'ACTIVE'))).toBe('accepted');
		expect(seen(memory, mark('a', 'INACTIVE'))).toBeUndefined();
		expect(seen(memory, mark('b', 'INACTIVE'))).toBe('accepted');
	});

	it.each([
		['a later one of another process', -2, -1, undefined, 'accepted'],
		['an earlier one of another process', -1, -2, 'accepted', undefined],
		['one of the same minute: nobody knows the latest', -1, -1, undefined, undefined],
	])('takes in %s', (_, own, others, ownSeen, othersSeen) => {
		const other = recallBy(newNode(), '', policy);
		accept(other, mark('a', 'ACTIVE'), minute + others);
		const node = newNode();
		accept(recallBy(node, '', policy), mark('a', 'INACTIVE'), minute + own);
		const merged = recallBy(node, toText(other), policy);
		expect(seen(merged, mark('a', 'INACTIVE'))).toBe(ownSeen);
		expect(seen(merged, mark('a', 'ACTIVE'))).toBe(othersSeen);
	});
});
