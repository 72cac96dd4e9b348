import { digestOf, follow, recall, seen, toText, type Answer } from '../../nodes/HubbleTrigger/redelivery';

let nodes = 0;
const newNode = () => `workflow node-${(nodes += 1)}`;
const answer = (): Answer => ({ writableEnded: false, statusCode: 200 });
const end = (response: Answer, statusCode: number) => Object.assign(response, { writableEnded: true, statusCode });
/** What n8n does when it saves static data. */
const save = (data: object) => (JSON.parse(JSON.stringify(data)) as { accepted?: string }).accepted ?? '';

it('answered at once: accepted when n8n saves the static data, running until then', async () => {
	const [data, response, node] = [{}, answer(), newNode()];
	const following = follow(recall(node, ''), 'a'.repeat(12), response, true, data);
	expect(seen(recall(node, ''), 'a'.repeat(12))).toBe('running');
	const text = save(data);
	expect(seen(recall(node, ''), 'a'.repeat(12))).toBe('accepted');
	end(response, 200);
	await following;
	expect(seen(recall(newNode(), text), 'a'.repeat(12))).toBe('accepted');
});

it('answered when finished: accepted by a success only, a failed run may come again', async () => {
	const [node, data] = [newNode(), {}];
	const [failed, done] = [answer(), answer()];
	const following = [
		follow(recall(node, ''), 'f'.repeat(12), failed, false, data),
		follow(recall(node, ''), 'd'.repeat(12), done, false, data),
	];
	expect(save(data)).toBe('');
	end(failed, 500);
	end(done, 200);
	await Promise.all(following);
	const memory = recall(node, '');
	expect(seen(memory, 'f'.repeat(12))).toBeUndefined();
	expect(seen(memory, 'd'.repeat(12))).toBe('accepted');
	expect(toText(memory)).toMatch(/^d{12}.{6}$/);
});

it('leaves out nothing that several deliveries at once accepted', async () => {
	const node = newNode();
	const work = ['a', 'b', 'c'].map((name) => {
		const [data, response] = [{}, answer()];
		return { data, response, following: follow(recall(node, ''), name.repeat(12), response, true, data) };
	});
	const texts = work.reverse().map(({ data }) => save(data));
	for (const { response } of work) end(response, 200);
	await Promise.all(work.map(({ following }) => following));
	expect(texts.map((text) => text.length)).toEqual([18, 36, 54]);
});

it('is bounded in number, bytes and time', () => {
	jest.useFakeTimers();
	try {
		const memory = recall(newNode(), '');
		const second = Math.floor(Date.now() / 1000);
		for (let i = 0; i < 5000; i++) memory.accepted.set(digestOf(String(i)), second);
		expect(toText(memory)).toHaveLength(18_000);
		expect(memory.accepted.size).toBe(1000);
		expect(seen(memory, digestOf('4999'))).toBe('accepted');
		expect(seen(memory, digestOf('0'))).toBeUndefined();
		jest.setSystemTime(Date.now() + 25 * 3_600_000);
		expect(seen(memory, digestOf('4999'))).toBeUndefined();
		expect(toText(memory)).toBe('');
	} finally {
		jest.useRealTimers();
	}
});

it('copes with static data that it did not write', () => {
	for (const text of ['x', 'y'.repeat(1001), 'not base 36 ??????', undefined, 7, { a: 1 }]) {
		expect(() => toText(recall(newNode(), text))).not.toThrow();
	}
});
