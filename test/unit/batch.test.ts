/** Calls that many items share: who gets what, and what becomes of a call that fails. */
import { NodeApiError, NodeOperationError, type IDataObject, type INode } from 'n8n-workflow';
import { runBatches } from '../../nodes/shared/operation/batch';
import type { HubbleClient } from '../../nodes/shared/client/client';
import { endpoints } from '../../nodes/shared/client/endpoints';
import { DOUBT } from '../../nodes/shared/client/errors';
import type { Call } from '../../nodes/shared/client/request';
import type { Batch, BatchResult, ItemRequest } from '../../nodes/shared/operation/operation';

const node = { id: '1', name: 'Hubble', type: 'hubbleDevice' } as INode;

/** A failure of Hubble's as the client throws it. */
function failure(httpCode: string, context: IDataObject = {}): NodeApiError {
	const error = new NodeApiError(node, {}, { httpCode, message: `Hubble says ${httpCode}`, description: 'Why.' });
	Object.assign(error.context, { requestId: 'request-of-failure', isHubbles: true, ...context });
	return error;
}

const part = (itemIndex: number, more: Partial<ItemRequest> = {}) =>
	({ itemIndex, ids: { device_id: `d${itemIndex}` }, query: { q: '1' }, body: {}, ...more }) as ItemRequest;

const batchOf = (more: Partial<Batch> = {}): Batch => ({
	endpoint: endpoints.updateDevices,
	size: 4,
	toBody: (parts) => ({ sent: parts.map(({ ids }) => ids.device_id) }),
	fromReply: (reply, parts) => (reply.results as BatchResult[]) ?? parts.map(({ ids }) => ({ json: { ...ids } })),
	...more,
});

interface Setup {
	parts?: ItemRequest[];
	batch?: Batch;
	canContinue?: boolean;
	/** What a call with these devices gives; throws what it fails with. */
	answer?: (ids: string[], call: Call) => IDataObject | void;
}

/** What came of a run, in the order in which it came. */
async function outcomeOf({
	parts = [0, 1, 2, 3].map((n) => part(n)),
	batch = batchOf(),
	canContinue = true,
	answer = () => {},
}: Setup) {
	const calls: Call[] = [];
	const seen: Array<[how: string, itemIndex: number, what: unknown]> = [];
	const errors: NodeApiError[] = [];
	const hints: string[] = [];
	const hubble = {
		context: { getNode: () => node },
		redact: (text: string) => text.replace('secret', '***'),
		send: async (call: Call) => {
			calls.push(call);
			return { body: answer(call.body?.sent as string[], call) ?? {}, requestId: `request-${calls.length}` };
		},
	} as unknown as HubbleClient;
	const note = (how: string) => (itemIndex: number, error: unknown, ids?: IDataObject) => {
		errors.push(error as NodeApiError);
		seen.push([how, itemIndex, ids?.device_id]);
		if (!canContinue) throw error as Error;
	};
	const batches = new Map<Batch, ItemRequest[]>();
	for (const one of parts) batches.set(one.batch ?? batch, [...(batches.get(one.batch ?? batch) ?? []), one]);
	const run = runBatches(hubble, batches, {
		emit: ({ itemIndex }, row) => seen.push(['emit', itemIndex, row.device_id]),
		fail: note('fail'),
		keepFailure: note('keep'),
		hint: (message) => hints.push(message),
		canContinue,
	});
	const thrown = await run.then(
		() => undefined,
		(error: NodeApiError) => error,
	);
	const sent = calls.map(({ body }) => (body?.sent as string[]).join(' '));
	return { calls, sent, seen, errors, hints, thrown };
}

const emitted = (...items: number[]) => items.map((n) => ['emit', n, `d${n}`]);

it('sends an item alone under its own path, and several without', async () => {
	const gone = { gone: true };
	const batch = batchOf({ size: 3, whenGone: () => gone });
	const { calls, seen, hints } = await outcomeOf({ batch });
	expect(calls).toEqual([
		{ endpoint: batch.endpoint, ids: {}, query: { q: '1' }, body: { sent: ['d0', 'd1', 'd2'] }, whenGone: undefined },
		{ endpoint: batch.endpoint, ids: { device_id: 'd3' }, query: { q: '1' }, body: { sent: ['d3'] }, whenGone: gone },
	]);
	expect([seen, hints]).toEqual([emitted(0, 1, 2, 3), []]);
});

describe('a call that is refused as a whole', () => {
	const refusing = (httpCode: string) => (ids: string[]) => {
		if (ids.includes('d2')) throw failure(httpCode, { said: ids.length });
	};

	it.each([
		['400', ['d0 d1 d2 d3', 'd0 d1', 'd2 d3', 'd2', 'd3'], [2]],
		['404', ['d0 d1 d2 d3', 'd0 d1', 'd2 d3', 'd2', 'd3'], [2]],
		['409', ['d0 d1 d2 d3', 'd0 d1', 'd2 d3', 'd2', 'd3'], [2]],
		['422', ['d0 d1 d2 d3', 'd0 d1', 'd2 d3', 'd2', 'd3'], [2]],
		['403', ['d0 d1 d2 d3'], [0, 1, 2, 3]],
		['503', ['d0 d1 d2 d3'], [0, 1, 2, 3]],
	])('with %s is taken apart where another try may help', async (httpCode, wanted, failed) => {
		const { sent, seen, errors } = await outcomeOf({ answer: refusing(httpCode) });
		expect(sent).toEqual(wanted);
		expect(seen.filter(([how]) => how === 'fail')).toEqual(failed.map((n) => ['fail', n, `d${n}`]));
		expect(seen).toHaveLength(4);
		expect(errors[0]?.description).toBe(failed.length === 1 ? 'Why. 3 devices were processed before it.' : 'Why.');
	});

	it('ends a run that must stop, and says what was one request and what came before', async () => {
		const parts = [...Array(8).keys()].map((n) => part(n));
		const answer = (ids: string[]) => {
			if (ids.includes('d5')) throw failure('400');
		};
		const { sent, seen, thrown } = await outcomeOf({ parts, canContinue: false, answer });
		expect(sent).toEqual(['d0 d1 d2 d3', 'd4 d5 d6 d7']);
		expect(seen).toEqual([...emitted(0, 1, 2, 3), ['fail', 4, 'd4']]);
		expect(thrown?.description).toBe(
			'Why. It was one request for 4 devices. With On Error set to Continue (tab Settings), the faulty ones are found and the others go through. 4 devices were processed before it.',
		);
	});

	it('shows the item that Hubble names, and counts what went through in other batches', async () => {
		const others = batchOf({ size: 2 });
		const parts = [part(0, { batch: others }), ...[1, 2, 3].map((n) => part(n))];
		const answer = (ids: string[]) => {
			if (ids.includes('d2')) throw failure('400', { said: 'There is no device d2.' });
		};
		const { seen, thrown } = await outcomeOf({ parts, canContinue: false, answer });
		expect(seen).toEqual([...emitted(0), ['fail', 2, 'd2']]);
		expect(thrown?.description).toMatch(
			/^Why\. It was one request for 3 devices\..* 1 device was processed before it\.$/,
		);
	});

	it('says what came before an item of which nothing is sent', async () => {
		const unready = (): IDataObject => {
			throw new NodeOperationError(node, 'It would have 11 tags', { description: '' });
		};
		const parts = [part(0), part(1, { turn: { body: unready, done() {} } })];
		const { thrown } = await outcomeOf({ parts, batch: batchOf({ size: 1 }), canContinue: false });
		expect([thrown?.message, thrown?.description]).toEqual([
			'It would have 11 tags',
			'1 device was processed before it.',
		]);
	});

	it('says which items were not tried alone', async () => {
		const parts = [...Array(32).keys()].map((n) => part(n));
		const answer = () => {
			throw failure('404', { said: 'Not found' });
		};
		const { errors, sent } = await outcomeOf({ parts, batch: batchOf({ size: 32 }), answer });
		const alone = sent.filter((ids) => !ids.includes(' ')).length;
		const untried = errors.filter(({ description }) => description?.includes('This item was not tried alone'));
		expect([alone, errors.length - untried.length]).toEqual([8, 8]);
	});

	it.each([
		['400', 1],
		['500', 4],
	])('says nothing of one request where that changes nothing: %s for %i', async (httpCode, count) => {
		const parts = [...Array(count).keys()].map((n) => part(n));
		const answer = () => {
			throw failure(httpCode);
		};
		expect((await outcomeOf({ parts, canContinue: false, answer })).thrown?.description).toBe('Why.');
	});

	it('says once what came before, though all the rest fail by one error', async () => {
		const parts = [...Array(12).keys()].map((n) => part(n));
		const error = failure('401');
		const answer = (ids: string[]) => {
			if (!ids.includes('d0')) throw error;
		};
		const { errors } = await outcomeOf({ parts, answer });
		expect(errors).toHaveLength(8);
		expect(error.description).toBe('Why. 4 devices were processed before it.');
	});

	it('passes on what is no answer of Hubble as it is', async () => {
		const error = new Error('away');
		const answer = () => {
			throw error;
		};
		expect((await outcomeOf({ answer })).errors).toEqual([error, error, error, error]);
	});

	it.each([
		['the same words', 'same', 12],
		['words of each its own', undefined, 63],
	])('in %s takes so many calls', async (_, said, most) => {
		const parts = [...Array(32).keys()].map((n) => part(n));
		const answer = (ids: string[]) => {
			throw failure('400', { said: said ?? ids.join() });
		};
		const { sent, seen } = await outcomeOf({ parts, batch: batchOf({ size: 32 }), answer });
		expect(seen).toHaveLength(32);
		if (said) expect(sent.length).toBeLessThan(32);
		else expect(sent).toHaveLength(most);
	});
});

describe('devices that are gone', () => {
	const batch = batchOf({
		whenGone: () => ({ gone: true }),
		fromReply: ({ gone }, parts) =>
			parts.map(({ ids }) => ({ json: { device_id: gone ? `${ids.device_id} gone` : ids.device_id } })),
	});
	const gone = (...items: number[]) => items.map((n) => ['emit', n, `d${n} gone`]);
	const isWhole = (ids: string[]) => ids.length === 4;

	it.each([
		['after a call without a clear answer: that call did it', isWhole, [0, 1, 2, 3], gone(0, 1, 2, 3)],
		['after such a call beside a clear one', (ids: string[]) => ids.join() === 'd0,d1', [0, 1, 2, 3], gone(0, 1, 2, 3)],
		['without such a call: they were never known', () => false, [0, 1, 2, 3], []],
		['of which one is still there: nobody knows about the others', isWhole, [0, 2, 3], emitted(1)],
		[
			'of which one is still there without such a call: the others were never known',
			() => false,
			[0, 2, 3],
			emitted(1),
		],
	])('%s', async (_, isUnclear, unknown, wanted) => {
		const answer = (ids: string[]) => {
			if (ids.some((id) => unknown.some((n) => id === `d${n}`)))
				throw failure('404', { mayHaveHappened: isUnclear(ids) });
		};
		const { seen, errors } = await outcomeOf({ batch, answer });
		expect(seen.filter(([how]) => how === 'emit')).toEqual(wanted);
		expect(seen).toHaveLength(4);
		expect(errors.map(({ httpCode }) => httpCode)).toEqual(Array(4 - wanted.length).fill('404'));
		const isInDoubt = ({ description }: NodeApiError) => String(description).includes(DOUBT);
		expect(errors.filter(isInDoubt)).toEqual(isUnclear([...'0123']) ? errors : []);
		for (const { description } of errors)
			expect(String(description).replace(DOUBT, '')).toMatch(/^Why\.( 1 device was processed before it\.)?$/);
	});

	it('are in doubt where Hubble was not asked for each of them', async () => {
		const answer = (ids: string[]) => {
			throw failure('404', { mayHaveHappened: ids.length === 40 });
		};
		const parts = Array.from({ length: 40 }, (_, n) => part(n));
		const { seen, sent, errors } = await outcomeOf({ parts, batch: { ...batch, size: 40 }, answer });
		expect(sent.length).toBeLessThan(40);
		expect(seen.filter(([how]) => how === 'emit')).toEqual([]);
		const doubts = errors.map(({ description }) => String(description).split(DOUBT).length - 1);
		expect(doubts).toEqual(Array(40).fill(1));
	});

	it('are in doubt once: where the last call says so itself, no more is added', async () => {
		const answer = ([id, ...more]: string[]) => {
			if (id === 'd0') throw failure('404', { mayHaveHappened: !more.length });
		};
		const { errors } = await outcomeOf({ parts: [part(0), part(1)], batch, answer });
		expect(errors.map(({ description }) => String(description).includes(DOUBT))).toEqual([false]);
	});

	it('are not looked for one by one where a proxy refuses', async () => {
		const answer = () => {
			throw failure('400', { isHubbles: undefined });
		};
		const { sent, thrown } = await outcomeOf({ batch, answer, canContinue: false });
		expect([sent.length, String(thrown?.description).includes('On Error')]).toEqual([1, false]);
		expect((await outcomeOf({ batch, answer })).sent).toHaveLength(1);
	});

	it('are none where a proxy says so', async () => {
		const answer = (ids: string[]) => {
			throw failure('404', { isHubbles: undefined, mayHaveHappened: isWhole(ids) });
		};
		const { seen } = await outcomeOf({ batch, answer });
		expect(seen.map(([how]) => how)).toEqual(Array(4).fill('fail'));
	});

	it('are those of which that was wanted: the others do not count', async () => {
		const mixed = batchOf({ ...batch, whenGone: ({ ids }) => (ids.device_id === 'd3' ? undefined : { gone: true }) });
		const answer = (ids: string[]) => {
			if (ids.length > 1 || ids[0] !== 'd3') throw failure('404', { mayHaveHappened: isWhole(ids) });
		};
		const { seen } = await outcomeOf({ batch: mixed, answer });
		expect(seen).toEqual([...emitted(3), ...gone(0, 1, 2)]);
		const unasked = await outcomeOf({ batch: batchOf(), answer });
		expect(unasked.seen.filter(([how]) => how === 'fail')).toHaveLength(3);
		expect(unasked.thrown).toBeUndefined();
	});

	it.each([
		['another refusal than a 404', '409', true],
		['the 404 of a proxy', '404', undefined],
	])('fail by %s', async (_, httpCode, isHubbles) => {
		const answer = (ids: string[]) => {
			throw failure(httpCode, { mayHaveHappened: ids.length === 4, isHubbles });
		};
		expect((await outcomeOf({ batch, answer })).errors).toHaveLength(4);
	});

	it('are reported under the call that found them gone', async () => {
		const silent = batchOf({ ...batch, fromReply: () => [{ missing: true }] });
		const answer = (ids: string[]) => {
			throw failure('404', { mayHaveHappened: ids.length === 4 });
		};
		const { errors } = await outcomeOf({ batch: silent, answer });
		expect(errors[0]?.description).toBe('Check whether the change was made. X-Request-ID: request-of-failure.');
	});
});

describe('keys that Hubble shows once', () => {
	const once = { showsOnce: true };
	const five = [0, 1, 2, 3, 4].map((n) => part(n));

	it.each([
		['too many for one call', five, 4, 'Or register at most 4 devices in one run.'],
		[
			'of two kinds',
			[part(0), part(1, { query: { q: '2' } }), part(2), part(3)],
			1,
			'Or use a separate run for each combination of encryption, key format, EID rotation, and fields that are set.',
		],
	])('are not risked by a run that must stop, where devices are %s', async (_, parts, itemIndex, advice) => {
		const batch = batchOf({ ...once, groupOf: ({ query }) => String(query.q) });
		const { sent, thrown } = await outcomeOf({ parts, batch, canContinue: false });
		expect(sent).toEqual([]);
		expect(thrown).toMatchObject({
			message: `Registering ${parts.length} devices takes 2 requests. Set On Error to Continue (tab Settings), or keys from the first could be lost`,
			description: `Hubble shows each key only once. ${advice} Nothing was sent to Hubble.`,
			context: { itemIndex },
		});
		expect((await outcomeOf({ parts, batch })).seen).toHaveLength(parts.length);
	});

	it('of so many that their number has a comma', async () => {
		const parts = Array.from({ length: 1001 }, (_, n) => part(n));
		const { thrown } = await outcomeOf({ parts, batch: batchOf({ ...once, size: 1000 }), canContinue: false });
		expect([thrown?.message, thrown?.description]).toEqual([
			expect.stringMatching(/^Registering 1,001 devices/),
			expect.stringContaining('at most 1,000 devices'),
		]);
	});

	it('are not at risk in one call, or where nothing is shown once', async () => {
		const one = await outcomeOf({ batch: batchOf(once), canContinue: false });
		const shown = await outcomeOf({ parts: five, canContinue: false });
		expect([one.seen.length, shown.seen.length]).toEqual([4, 5]);
	});

	const [lost, found]: BatchResult[] = [{ missing: true }, { json: { device_id: 'key' } }];
	it.each([
		['kept beside what is there', once, [lost, found], ['emit', 'keep']],
		['failed where nothing is there', once, [lost, lost], ['fail', 'fail']],
		['failed where nothing is shown once', {}, [lost, found], ['emit', 'fail']],
	])('and that a reply leaves out are %s', async (_, more, results, wanted) => {
		const { seen } = await outcomeOf({ parts: [part(0), part(1)], batch: batchOf(more), answer: () => ({ results }) });
		expect(seen.map(([how]) => how)).toEqual(wanted);
	});
});

describe('a reply', () => {
	it('that leaves a part out, or refuses it, fails that item, with what Hubble says', async () => {
		const results: BatchResult[] = [{ refused: 'a secret' }, { json: { device_id: 'd1' } }];
		const parts = [part(0), part(1), part(2, { ids: {} })];
		const { seen, errors } = await outcomeOf({ parts, answer: () => ({ results }) });
		expect(seen).toEqual([...emitted(1), ['fail', 0, 'd0'], ['fail', 2, undefined]]);
		expect(errors).toMatchObject([
			{
				message: 'Hubble rejected the request for the device d0',
				description: 'Hubble says: "a ***" X-Request-ID: request-1. 1 device was processed before it.',
			},
			{
				message: "Hubble's response does not include this item",
				description: 'Check whether the change was made. X-Request-ID: request-1. 1 device was processed before it.',
			},
		]);
	});

	it('that refuses a part ends a run that must stop, and says how many devices were processed', async () => {
		const results: BatchResult[] = [0, 1, 2].map((n) => ({ json: { device_id: `d${n}` } }));
		const { seen, thrown } = await outcomeOf({
			canContinue: false,
			answer: () => ({ results: [...results, { refused: 'locked' }] }),
		});
		expect(seen).toEqual([...emitted(0, 1, 2), ['fail', 3, 'd3']]);
		expect(thrown).toMatchObject({
			message: 'Hubble rejected the request for the device d3',
			description: 'Hubble says: "locked" X-Request-ID: request-1. 3 devices were processed before it.',
		});
	});

	it('that says of no device what became of it is quoted', async () => {
		const results: BatchResult[] = [{ missing: true, says: 'Hubble deleted 0 of 1. ' }];
		const { errors } = await outcomeOf({ parts: [part(0)], answer: () => ({ results }) });
		expect(errors[0]?.description).toMatch(/^Hubble deleted 0 of 1\. Check whether the change was made\. X-Request-ID/);
	});

	it('with more than was asked for gives that after the last item', async () => {
		const results: BatchResult[] = [0, 1, 2, 8, 9].map((n) => ({ json: { device_id: `d${n}` } }));
		const { seen, hints } = await outcomeOf({
			parts: [part(0), part(1), part(2)],
			answer: () => ({ results: [...results, { missing: true }] }),
		});
		expect(seen).toEqual([...emitted(0, 1, 2), ['emit', 2, 'd8'], ['emit', 2, 'd9']]);
		expect(hints).toEqual([
			"Hubble's response has entries that no item asked for (3). They are in the output, after the last item.",
		]);
	});
});

describe('an item', () => {
	it('of many parts fails once', async () => {
		const batch = batchOf({ split: (whole) => [whole, whole, whole] });
		const answer = () => {
			throw failure('403');
		};
		const { seen, sent } = await outcomeOf({ parts: [part(0), part(1)], batch, answer });
		expect(sent).toEqual(['d0 d0 d0 d1', 'd1 d1']);
		expect(seen).toEqual([
			['fail', 0, 'd0'],
			['fail', 1, 'd1'],
		]);
	});

	it('whose turn says that nothing is to be sent fails alone, and one that is carried out is told', async () => {
		const told: string[] = [];
		const turn = (name: string, why?: string) => ({
			body: () => {
				if (why) throw new Error(why);
				return { name };
			},
			done: () => told.push(name),
		});
		const parts = [part(0, { turn: turn('a', 'no') }), part(1, { turn: turn('b') }), part(2, { turn: turn('c') })];
		const toBody = (sent: readonly ItemRequest[]) => ({ sent: sent.map(({ body }) => String(body.name)) });
		const results: BatchResult[] = [{ json: {} }, { missing: true }];
		const { seen, sent, errors } = await outcomeOf({ parts, batch: batchOf({ toBody }), answer: () => ({ results }) });
		expect([sent, told, errors[0]?.message]).toEqual([['b c'], ['b'], 'no']);
		expect(seen.map(([how, n]) => [how, n])).toEqual([
			['fail', 0],
			['emit', 1],
			['fail', 2],
		]);
		expect((await outcomeOf({ parts: parts.slice(0, 1) })).sent).toEqual([]);
	});
});
