/** Polls of a node in n8n: where each goes on, what is stored after it, and how long it may take. */
import type { IDataObject, INode, INodeExecutionData, IPollFunctions } from 'n8n-workflow';
import { NodeApiError } from 'n8n-workflow';
import { NoPlaceInTime, type HubbleClient } from '../../nodes/shared/client/client';
import { endpoints } from '../../nodes/shared/client/endpoints';
import type { Call } from '../../nodes/shared/client/request';
import { keyOf, numberOf, numberText, parts, stampOf, stampText } from '../../nodes/shared/polling/compact';
import {
	notAhead,
	pagesFrom,
	poll,
	startBudget,
	type Budget,
	type PolledStream,
	type Read,
} from '../../nodes/shared/polling/poll';
import { nodeOf, scheduled, watched } from './polledNode';

type Poll = typeof poll;

let now = 0;
beforeEach(() => {
	now += 1_000_000;
	jest.spyOn(performance, 'now').mockImplementation(() => now);
});
afterAll(() => jest.restoreAllMocks());

/** `poll` in another process: what the first one remembers it does not know. */
function inOtherProcess(): Poll {
	let other: { poll: Poll } | undefined;
	jest.isolateModules(() => {
		other = jest.requireActual<{ poll: Poll }>('../../nodes/shared/polling/poll');
	});
	return other?.poll as Poll;
}

type At = { at: number };

/** A stream that gives an item for each position that it reads, or what a test wants. */
const source = (read: (from: At) => Partial<Read<At>> = ({ at }) => ({ items: [{ json: { at } }] }), begun?: At) => {
	const reads: At[] = [];
	const open = async (): Promise<PolledStream<At>> => ({
		stream: 'stream',
		start: { at: 1 },
		read: async (from, begin) => {
			reads.push(from);
			if (begun) begin(begun);
			return { next: { at: from.at + 1 }, items: [], ...read(from) };
		},
	});
	return { reads, open };
};

const given = (result: INodeExecutionData[][] | null) => result?.[0]?.map(({ json }) => json.at);

describe('a poll', () => {
	it('goes on where the last one ended; another process repeats what may not have been handed over', async () => {
		const { context, n8n } = nodeOf();
		const { open } = source();
		expect(given(await poll(context, open))).toEqual([1]);
		expect(n8n.data).toMatchObject({ stream: 'stream', revision: 1, next: { at: 2 }, isAtomic: false });
		n8n.data = JSON.parse(JSON.stringify(n8n.data)) as IDataObject;
		expect(given(await poll(context, open))).toEqual([2]);
		n8n.data = JSON.parse(JSON.stringify(n8n.data)) as IDataObject;
		const other = inOtherProcess();
		expect(given(await other(context, open))).toEqual([2]);
		expect(given(await other(context, open))).toEqual([3]);
	});

	describe.each([
		['n8n 1, which stores the position before the execution', {}, [1, 2], 2],
		['n8n 2, which stores it with the execution', scheduled, [2, 3], 4],
	])('%s', (_, members, toldByOther, next) => {
		it.each<[string, (context: IPollFunctions) => Promise<void>]>([
			['the next poll', async () => await Promise.resolve()],
			['one without anything new', async (context) => void (await poll(context, source((at) => ({ next: at })).open))],
			[
				'one that fails',
				async (context) => {
					const failing = source(() => {
						throw new Error('away');
					});
					await expect(poll(context, failing.open)).rejects.toThrow('away');
				},
			],
			[
				'one that is too early',
				async (context) => {
					now -= 10_000;
					expect(await poll(context, source().open)).toBeNull();
					now += 10_000;
				},
			],
		])('goes on where another process has come to, however often it has polled itself: %s', async (__, between) => {
			const { context, n8n } = nodeOf(members);
			const [loud, quiet] = [source(), source(() => ({}))];
			await poll(context, loud.open);
			const stored = { ...n8n.data };
			for (let n = 0; n < 9; n++) await poll(context, quiet.open);
			// Of which n8n has stored nothing, as they gave no items.
			n8n.data = stored;
			const other = inOtherProcess();
			for (const at of toldByOther) expect(given(await other(context, loud.open))).toEqual([at]);
			const theirs = { ...n8n.data };
			now += 10_000;
			n8n.data = { ...theirs };
			await between(context);
			n8n.data = { ...theirs };
			expect(given(await poll(context, loud.open))).toEqual([next]);
			n8n.data = { ...n8n.data };
			expect(given(await poll(context, loud.open))).toEqual([next + 1]);
		});
	});

	it('keeps to what another process has stored, and to what it read itself after that, where n8n gives older states', async () => {
		const { context, n8n } = nodeOf(scheduled);
		const [loud, quiet] = [source(), source(() => ({}))];
		const failing = source(() => {
			throw new Error('away');
		});
		const pollAt = async (data: IDataObject, open: typeof loud.open) => {
			now += 10_000;
			n8n.data = { ...data };
			return given(await poll(context, open));
		};
		await poll(context, loud.open);
		const ours = { ...n8n.data };
		const other = inOtherProcess();
		for (const at of [2, 3]) expect(given(await other(context, loud.open))).toEqual([at]);
		const theirs = { ...n8n.data };
		await expect(pollAt(theirs, failing.open)).rejects.toThrow('away');
		await pollAt(ours, quiet.open);
		await expect(pollAt(theirs, failing.open)).rejects.toThrow('away');
		expect([quiet.reads, await pollAt(theirs, loud.open)]).toEqual([[{ at: 4 }], [5]]);
	});

	it('that n8n throws away is repeated, and the one before, which n8n has stored, is not', async () => {
		const { context, n8n } = nodeOf(scheduled);
		n8n.data = watched({});
		const { open } = source();
		await poll(context, open);
		const first = n8n.data;
		for (let n = 0; n < 3; n++) {
			n8n.data = watched(first);
			if (n) {
				// n8n may still be storing what it did not throw away.
				expect(await poll(context, open)).toBeNull();
				now += 10_000;
			}
			expect(given(await poll(context, open))).toEqual([2]);
		}
		expect(given(await poll(context, open))).toEqual([3]);
		// What n8n stored of an earlier hand-over than the last ones is no longer known.
		n8n.data = watched(first);
		now += 10_000;
		expect(given(await poll(context, open))).toEqual([1]);
	});

	it('gives nothing where nothing is new, and is kept in memory, as n8n may not store it', async () => {
		const { context, n8n } = nodeOf();
		const { open, reads } = source(() => ({}));
		expect(await poll(context, open)).toBeNull();
		n8n.data = {};
		expect(await poll(context, open)).toBeNull();
		expect(reads).toEqual([{ at: 1 }, { at: 2 }]);
	});

	it.each([
		['n8n 1 makes an execution of each: it is kept', {}, [1, 2]],
		['n8n 2 may throw it away: it is not', scheduled, [1, 1]],
	])('with items is in memory only where n8n has it for sure: %s', async (_, members, wanted) => {
		const { context, n8n } = nodeOf(members);
		const { open, reads } = source();
		n8n.data = watched({});
		await poll(context, open);
		n8n.data = watched({});
		now += 10_000;
		await poll(context, open);
		expect(reads.map(({ at }) => at)).toEqual(wanted);
	});

	it('leaves the position where it was when it fails, and stores nothing where nothing changed', async () => {
		const { context, n8n } = nodeOf();
		const error = new Error('away');
		await expect(
			poll(context, async () => {
				throw error;
			}),
		).rejects.toBe(error);
		expect(n8n.data).toEqual({});
		const same = source((from) => ({ next: from }));
		await poll(context, same.open);
		const stored = n8n.data;
		expect(stored.revision).toBe(1);
		await poll(context, same.open);
		expect(n8n.data.revision).toBe(1);
	});

	it('packs a large position that is stored beside the next one, and unpacks it where that is read again', async () => {
		const { context, n8n } = nodeOf();
		const { open } = source();
		const packing = async () => ({
			...(await open()),
			delta: {
				pack: ({ at }: At, after: At) => ({ at: at + 100 * after.at }),
				unpack: ({ at }: At, after: At) => ({ at: at - 100 * after.at }),
			},
		});
		await poll(context, packing);
		expect(n8n.data.unsure).toMatchObject({ from: { at: 201 } });
		expect(given(await poll(context, packing))).toEqual([2]);
		expect(n8n.data.unsure).toMatchObject({ from: { at: 302 } });
		expect(given(await inOtherProcess()(context, packing))).toEqual([2]);
		// Nothing is stored beside it where nothing was handed over.
		const quiet = nodeOf();
		await poll(quiet.context, async () => ({ ...(await packing()), ...(await source(() => ({})).open()) }));
		expect(quiet.n8n.data.unsure).toBeUndefined();
	});

	it('is one at a time for each node, by its ID and name', async () => {
		const { context } = nodeOf();
		let finish = () => {};
		const { open } = source();
		const slow = poll(context, async () => {
			await new Promise<void>((resolve) => (finish = resolve));
			return await open();
		});
		expect(await poll(context, open)).toBeNull();
		const named = { ...context, getNode: () => ({ id: context.getNode().id, name: 'Other' }) as INode };
		const elsewhere = { ...context, getWorkflow: () => ({ id: 'other' }) } as unknown as IPollFunctions;
		expect(await poll(named, open)).not.toBeNull();
		expect(await poll(nodeOf().context, open)).not.toBeNull();
		expect(await poll(elsewhere, open)).not.toBeNull();
		finish();
		expect(given(await slow)).toEqual([1]);
		expect(await poll(context, open)).not.toBeNull();
	});

	it('fails with what a read failed, and goes on from where that has come', async () => {
		const { context, n8n } = nodeOf();
		const failure = new Error('away');
		const { open } = source(({ at }) => (at === 2 ? { failure } : { items: [{ json: { at } }] }));
		expect(given(await poll(context, open))).toEqual([1]);
		const stored = JSON.stringify(n8n.data);
		await expect(poll(context, open)).rejects.toBe(failure);
		// n8n saves nothing of it.
		expect(JSON.stringify(n8n.data)).toBe(stored);
		expect(given(await poll(context, open))).toEqual([3]);
	});

	it('begins with the first poll that works', async () => {
		const { context, n8n } = nodeOf();
		const failure = new Error('away');
		const { open, reads } = source(() => (reads.length === 1 ? { failure } : { items: [] }));
		await expect(poll(context, open)).rejects.toBe(failure);
		expect(await poll(context, open)).toBeNull();
		expect(reads).toEqual([{ at: 1 }, { at: 1 }]);
		expect(n8n.data.next).toEqual({ at: 2 });
	});

	it('forgets, of more than a thousand nodes, those that have not polled for a month', async () => {
		const other = inOtherProcess();
		const { open } = source();
		const contexts = Array.from({ length: 1001 }, () => nodeOf().context);
		/** Where a node goes on: at 1 if it was forgotten, as it does not know that its items were taken. */
		const at = async (n: number) => given(await other(contexts[n] as IPollFunctions, open));
		const [running] = contexts as [IPollFunctions];
		let finish = () => {};
		const poll = other(running, async () => {
			await new Promise<void>((resolve) => (finish = resolve));
			return await open();
		});
		now += 40 * 86_400_000;
		for (let n = 1; n <= 1000; n++) expect(await at(n)).toEqual([1]);
		now += 32 * 86_400_000 - 1;
		expect([await at(1), await at(2)]).toEqual([[2], [2]]);
		now += 1;
		// With the one that runs there is one too many: the next one that polled longest ago goes.
		expect([await at(4), await at(1)]).toEqual([[2], [3]]);
		expect(await other(running, open)).toBeNull();
		expect([await at(3), await at(6), await at(7)]).toEqual([[1], [2], [2]]);
		expect(await at(5)).toEqual([1]);
		finish();
		await poll;
	});
});

describe('where n8n stores the position with the execution', () => {
	const atomic = scheduled;

	it('no hand-over is noted, and a poll that gets the position before waits until n8n has stored that', async () => {
		const { context, n8n } = nodeOf(atomic);
		const { open } = source();
		expect(given(await poll(context, open))).toEqual([1]);
		const wanted = { stream: 'stream', revision: 1, next: { at: 2 }, isAtomic: true, unsure: undefined };
		expect(n8n.data).toEqual({ ...wanted, by: expect.any(String) as string });
		n8n.data = {};
		now += 9_999;
		expect(await poll(context, open)).toBeNull();
		now += 1;
		expect(given(await poll(context, open))).toEqual([1]);
		expect(given(await poll(context, open))).toEqual([2]);
	});

	it('a poll counts as stored from when it is over, and what n8n gave is of when the next one began', async () => {
		const { context, n8n } = nodeOf(atomic);
		const { open } = source();
		await poll(context, async () => {
			const stream = await open();
			return { ...stream, read: async (...given) => ((now += 5000), await stream.read(...given)) };
		});
		n8n.data = {};
		now += 9_000;
		const slow = async () => ((now += 5000), await open());
		expect(await poll(context, slow)).toBeNull();
	});

	it('one without anything new commits nothing that another would wait for', async () => {
		const { context, n8n } = nodeOf(atomic);
		const { open, reads } = source(() => ({}));
		await poll(context, open);
		n8n.data = {};
		await poll(context, open);
		expect(reads).toHaveLength(2);
	});

	it.each([
		['where the last one was, the first poll of a process is, too', true, true],
		['where the last one was not, it is not', false, false],
	])('is not told of a poll without a budget: %s', async (_, isAtomic, wanted) => {
		const { context, n8n } = nodeOf({ ...scheduled, getPollBudgetMs: () => 300_000 });
		const { open } = source();
		for (const is of [wanted, false]) {
			n8n.data = { stream: 'stream', revision: is === wanted ? 9 : 10, next: { at: 5 }, isAtomic };
			await poll(context, open);
			expect([n8n.data.isAtomic, n8n.data.unsure !== undefined]).toEqual([is, !is]);
			now += 10_000;
		}
	});

	it.each<[string, Array<number | undefined>, number]>([
		['as a poll of the process with one has told, whatever comes between', [36_000, undefined], 10],
		['as the first one was, which n8n threw away', [undefined, undefined], 9],
		['as the last one of another process was', [undefined, undefined], 12],
	])('is so of a poll without a budget when the workflow is published anew: %s', async (_, budgets, revision) => {
		for (const [index, budget] of budgets.entries()) {
			const { context, n8n } = nodeOf({ ...scheduled, getPollBudgetMs: () => budget }, `published anew ${revision}`);
			n8n.data = { stream: 'stream', revision: index ? revision : 9, next: { at: 5 }, isAtomic: true };
			await poll(context, source().open);
			expect([n8n.data.isAtomic, n8n.data.unsure]).toEqual([true, undefined]);
			now += 10_000;
		}
	});

	it('is so no longer, without a budget, of a position that the process has read before', async () => {
		const { context, n8n } = nodeOf({ ...scheduled, getPollBudgetMs: () => undefined });
		n8n.data = { stream: 'stream', revision: 9, next: { at: 5 }, isAtomic: true };
		await poll(context, source((next) => ({ next })).open);
		expect(n8n.data.revision).toBe(9);
		await poll(context, source().open);
		expect([n8n.data.isAtomic, n8n.data.unsure !== undefined]).toEqual([false, true]);
	});

	it('is so no longer where n8n watches its data for changes', async () => {
		const { context, n8n } = nodeOf(scheduled);
		n8n.data = watched({ stream: 'stream', revision: 1, next: { at: 5 }, isAtomic: true });
		await poll(context, source().open);
		expect([n8n.data.isAtomic, n8n.data.unsure !== undefined]).toEqual([false, true]);
	});
});

describe('the time of a poll', () => {
	it.each([
		[undefined, 30_000],
		[36_000, 30_000],
		[8_000, 8_000],
	])('with %s ms of n8n is %i ms at most', (budgetMs, wanted) => {
		const poller = { turnAt: 0 };
		const budget = startBudget(nodeOf(budgetMs ? { getPollBudgetMs: () => budgetMs } : {}).context, poller);
		expect([budget.deadline - now, budget.poller]).toEqual([wanted, poller]);
	});

	it('has room for another step while one as long as the longest fits in', () => {
		const budget = startBudget(nodeOf().context);
		const step = (ms: number) => ((now += ms), budget.endStep());
		expect([step(9_000), step(1_000), step(10_999), step(0), step(1)]).toEqual([true, true, false, false, false]);
		const other = startBudget(nodeOf().context);
		now += 15_000;
		expect(other.endStep()).toBe(false);
	});

	it('begins with the first try, where that got no slot', async () => {
		const { context } = nodeOf();
		const { open } = source();
		const ages: number[] = [];
		const trying = async (budget: Budget) => {
			ages.push(budget.begunMsAgo());
			now += 7;
			ages.push(budget.begunMsAgo());
			if (ages.length < 5) throw new NoPlaceInTime(context.getNode());
			return await open();
		};
		for (let polls = 0; polls < 4; polls++, now += 1000) await poll(context, trying);
		expect(ages).toEqual([0, 7, 1007, 1014, 2014, 2021, 0, 7]);
	});

	it('is remembered with what it began with', async () => {
		const { context, n8n } = nodeOf();
		const { open } = source(undefined, { at: 0.5 });
		await poll(context, open);
		expect(n8n.data).toMatchObject({ next: { at: 2 }, unsure: { from: { at: 0.5 } } });
	});

	it('of a poll in turn is one that knows its node', async () => {
		let seen: Budget | undefined;
		const { open } = source();
		await poll(nodeOf().context, async (budget) => ((seen = budget), await open()));
		expect(seen?.poller).toMatchObject({ turnAt: 0, isRunning: false });
	});
});

describe('what Hubble wants:', () => {
	it.each([
		['a reply', 20_000, 20_000],
		['a reply', 3_600_000, 300_000],
		['an error', 20_000, 20_000],
		['an error', 3_600_000, 300_000],
	])('no poll comes before the time that %s names (%i ms): %i ms later', async (what, waitMs, wanted) => {
		const { context } = nodeOf();
		const { open, reads } = source(() => ({ waitMs }));
		const failing = async (): Promise<PolledStream<At>> => {
			throw Object.assign(new Error('full'), { failure: { retryAfterMs: waitMs } });
		};
		if (what === 'a reply') await poll(context, open);
		else await expect(poll(context, failing)).rejects.toThrow('full');
		const before = reads.length;
		now += wanted - 1;
		expect(await poll(context, open)).toBeNull();
		expect(reads).toHaveLength(before);
		now += 1;
		await poll(context, open);
		expect(reads).toHaveLength(before + 1);
	});

	it.each(['connect', 'read'])(
		'a poll without a place in the rate limit to %s ends quietly, and is told of when it is often',
		async (when) => {
			const { context, n8n, warnings } = nodeOf();
			const full = async () => {
				throw new NoPlaceInTime(context.getNode());
			};
			const { open, reads } = source();
			const without = when === 'connect' ? full : async () => ({ ...(await open()), read: full });
			for (let n = 0; n < 9; n++) expect(await poll(context, without)).toBeNull();
			expect(warnings).toEqual([]);
			await poll(context, open);
			expect(reads).toEqual([{ at: 1 }]);
			for (let n = 0; n < 20; n++) expect(await poll(context, without)).toBeNull();
			expect(warnings).toEqual(
				[10, 20].map(
					(count) =>
						`"Poll" got no request through the rate limit in ${count} polls in a row. Poll less often, or run fewer workflows at the same time.`,
				),
			);
			expect((n8n.data.next as At).at).toBe(2);
		},
	);

	it('keeps the start of a first poll that had no place, and passes on what else fails', async () => {
		const { context, n8n } = nodeOf();
		const { open } = source();
		const read = async () => {
			throw new NoPlaceInTime(context.getNode());
		};
		await poll(context, async () => ({ ...(await open()), read }));
		expect(n8n.data).toMatchObject({ next: { at: 1 }, revision: 1 });
		const error = new Error('away');
		const failing = async () => {
			throw error;
		};
		await expect(poll(context, async () => ({ ...(await open()), read: failing }))).rejects.toBe(error);
	});
});

it('takes a stored time that is ahead of Hubble for now, but for what the clock is known to', () => {
	const { context, warnings } = nodeOf();
	expect([999, 1060, 1061].map((time) => notAhead(context, time, 1000))).toEqual([999, 1060, 1000]);
	expect(warnings).toEqual([
		'"Poll" was at 1970-01-01T00:17:41.000Z, which is in the future by Hubble\'s clock. It continues from 1970-01-01T00:16:40.000Z.',
	]);
});

describe('pages from a token', () => {
	const list = { ...endpoints.listDevices.list, rows: 'things', pageSize: { name: 'limit', min: 1, max: 7 } };

	async function read(token: string | undefined, answer: (call: Call) => IDataObject) {
		const { context, warnings } = nodeOf();
		const asked: unknown[][] = [];
		const send = async (call: Call) => {
			asked.push([call.endpoint, call.continuationToken, call.query?.limit]);
			const { next, ...body } = answer(call);
			return { body, headers: { 'continuation-token': next } };
		};
		const hubble = { context, send } as unknown as HubbleClient;
		const told = jest.fn();
		const rows: unknown[] = [];
		let failure: unknown;
		try {
			const call = { endpoint: endpoints.listDevices, continuationToken: token };
			for await (const page of pagesFrom(context, hubble, call, list as never, 60, told)) rows.push(...page.rows);
		} catch (error) {
			failure = error;
		}
		return { asked, rows, failure, warnings, restarts: told.mock.calls.length };
	}
	const refusal = (httpCode?: string, isHubbles = true) => {
		const error = new NodeApiError({ name: 'Poll' } as INode, {}, { httpCode, message: 'No' });
		return Object.assign(error, { context: { ...error.context, isHubbles } });
	};

	it.each(['400', '404', '410'])('that Hubble refuses with %s begin with their query', async (status) => {
		const { asked, rows, failure, warnings, restarts } = await read('old', ({ continuationToken }) => {
			if (continuationToken) throw refusal(status);
			return { things: [1] };
		});
		expect([asked, rows, failure, restarts]).toEqual([
			[
				[endpoints.listDevices, 'old', 7],
				[endpoints.listDevices, undefined, 7],
			],
			[1],
			undefined,
			1,
		]);
		expect(warnings).toEqual([
			'"Poll" continues from 1970-01-01T00:01:00.000Z, because Hubble no longer accepts the Continuation Token. The things after that time may come again.',
		]);
	});

	it.each<[string, string | undefined, Error, boolean]>([
		['another status', 'old', refusal('403'), true],
		['a refusal of a proxy', 'old', refusal('404', false), true],
		['no status', 'old', refusal(), true],
		['no answer of Hubble', 'old', new Error('away'), true],
		['no token', undefined, refusal('400'), true],
		['a token of its own', 'old', refusal('400'), false],
	])('fail otherwise: %s', async (_, token, error, isFirst) => {
		const { rows, failure, restarts } = await read(token, ({ continuationToken }) => {
			if (isFirst || continuationToken === 'next') throw error;
			return { things: [1], next: 'next' };
		});
		expect([rows, failure, restarts]).toEqual([isFirst ? [] : [1], error, 0]);
	});
});

it('writes numbers and times in letters, and reads them again', () => {
	expect([numberText(0, 2), numberText(63, 1), numberText(64 * 25 + 26, 3)]).toEqual(['AA', '_', 'AZa']);
	for (const number of [0, 1, 63, 64, 4095, 2 ** 30 - 1]) expect(numberOf(numberText(number, 5))).toBe(number);
	expect(numberOf('é')).toBe(0);
	const at2026 = Date.parse('2026-11-28T12:00:00Z') / 1000;
	expect([0, 1, at2026, at2026 + 0.9].map((time) => stampOf(stampText(time)))).toEqual([
		0,
		1_420_070_401,
		at2026,
		at2026,
	]);
	expect([stampText(0), stampText(5)]).toEqual(['AAAAA', 'AAAAB']);
	expect(parts('abcdefgh', 3)).toEqual(['abc', 'def']);
	expect([keyOf('a'), keyOf('b')]).toEqual(['ypeBEsob', 'PiPoFgA5']);
});
