/** Many input items in few calls, and the replies back onto the items. */
import { NodeApiError, NodeOperationError, type IDataObject } from 'n8n-workflow';
import type { HubbleClient } from '../client/client';
import type { ItemRequest, Batch, BatchResult, Operation } from './operation';
import { send } from '../client/request';

/** Answers by which Hubble refuses a whole batch although perhaps a single part of it is at fault. */
const REFUSED_WHOLE = new Set(['400', '404', '409', '413', '422']);

/**
 * After so many halvings that all failed with the same words, perhaps the parts are not what is wrong: then some
 * items of each group are tried alone, unless the groups are so small that it is not worth while.
 */
const SAME_FAILURES = 2;
const SMALL = 4;

/** What becomes of results and failures, and whether the run goes on after a failure. */
export interface BatchHandlers {
	emit: (itemIndex: number, row: IDataObject) => void;
	/** Throws when the run must stop. */
	fail: (item: number, error: unknown, ids?: IDataObject) => void;
	canContinue: boolean;
}

/**
 * Carries out what many items ask in few calls. When Hubble refuses a batch as a whole and the run may
 * continue, its halves are tried on their own until what is at fault stands alone: one bad item does not
 * fail the others. A run that must stop refuses the batch whole: it would be half carried out otherwise.
 */
export async function runBatches(
	hubble: HubbleClient,
	{ name }: Operation,
	batch: Batch,
	requests: readonly ItemRequest[],
	{ emit, fail, canContinue }: BatchHandlers,
): Promise<void> {
	const began = new Date().toISOString();
	let done = 0;
	const parts = batch.split ? requests.flatMap(batch.split) : requests;
	const failed = new Set<number>();
	/** Reports an item once, however many of its parts failed. */
	const failOnce = ({ itemIndex, ids }: ItemRequest, error: unknown) => {
		if (!failed.has(itemIndex)) fail(itemIndex, error, ids);
		failed.add(itemIndex);
	};

	/** One call. The error of a call that failed, `undefined` when it was answered. */
	const settle = async (group: readonly ItemRequest[]): Promise<unknown> => {
		// All parts of a group share what is not in the body's lists: `groupOf` keeps others apart.
		const [first] = group;
		let reply;
		try {
			reply = await send(hubble, {
				endpoint: batch.endpoint,
				ids: group.length === 1 ? first?.ids : {},
				query: first?.query,
				body: batch.toBody(group),
			});
		} catch (error) {
			return error;
		}
		const results = batch.fromReply(reply.body, group);
		const refused: Array<() => void> = [];
		group.forEach((request, index) => {
			const result = results[index] ?? { missing: true };
			if ('json' in result) {
				done += 1;
				emit(request.itemIndex, result.json);
			} else refused.push(() => failOnce(request, refusal(hubble, request, result, reply.requestId)));
		});
		for (const report of refused) report();
		return undefined;
	};

	const settleAll = async (groups: readonly ItemRequest[][]) => {
		const failures: Failed[] = [];
		for (const group of groups) {
			const error = await settle(group);
			if (error) failures.push({ group, error });
		}
		return failures;
	};
	const giveUp = ({ group, error }: Failed) => {
		const reason = withPast(error, { name, done, began, size: canContinue ? 1 : group.length });
		for (const part of group) failOnce(part, reason);
	};
	const canSplit = ({ group, error }: Failed) =>
		canContinue && !isOneItem(group) && REFUSED_WHOLE.has(codeOf(error) ?? '');

	for (const whole of toBatches(parts, batch.size, batch)) {
		let groups: ItemRequest[][] = [whole];
		let isPartsFault = false;
		for (let halvings = 0; groups.length; halvings++) {
			const failures = await settleAll(groups);
			failures.filter((failure) => !canSplit(failure)).forEach(giveUp);
			let left = failures.filter(canSplit);
			const isLarge = left.every(({ group }) => group.length > SMALL);
			if (left.length === groups.length && isSame(left) && halvings >= SAME_FAILURES && isLarge && !isPartsFault) {
				const samples = left.map(({ group }) => sampleOf(group));
				const tried = left.flatMap(({ group }, index) =>
					[...(samples[index] ?? [])].map((item) => group.filter((part) => part.itemIndex === item)),
				);
				const alone = await settleAll(tried);
				isPartsFault = alone.length < tried.length || !isSame([...alone, ...left]);
				alone.forEach(giveUp);
				left = left.map(({ group, error }, index) => ({
					group: group.filter(({ itemIndex }) => !samples[index]?.has(itemIndex)),
					error,
				}));
				if (!isPartsFault) left.splice(0).forEach(giveUp);
			}
			groups = left.flatMap(({ group }) => halves(group));
		}
	}
}

interface Failed {
	group: readonly ItemRequest[];
	error: unknown;
}

const codeOf = (error: unknown) => (error instanceof NodeApiError ? error.httpCode : undefined);

const isOneItem = (group: readonly ItemRequest[]) => group.every(({ itemIndex }) => itemIndex === group[0]?.itemIndex);

/** Some items of a group, at places that no pattern shares: multiples of the golden ratio. */
function sampleOf(group: readonly ItemRequest[]): Set<number> {
	const count = group.length > 100 ? 4 : 2;
	const places = Array.from({ length: count }, (_, index) => Math.floor((((index + 1) * 0.618) % 1) * group.length));
	return new Set(places.map((place) => group[place]?.itemIndex ?? 0));
}

/** Whether failures have the same words, so that they may have the same cause. */
const isSame = (failed: readonly Failed[]) => new Set(failed.map(({ error }) => words(error))).size <= 1;

const halves = <T>(list: readonly T[]): T[][] => chunks(list, Math.ceil(list.length / 2));

/** What two failures have in common when they have the same cause. */
const words = (error: unknown) =>
	error instanceof NodeApiError ? `${error.httpCode} ${String(error.context.said)}` : String(error);

/** Adds to the error of a batch how many devices it was, and what earlier batches did. */
function withPast(
	error: unknown,
	{ name, done, began, size }: { name: string; done: number; began: string; size: number },
): unknown {
	if (error instanceof NodeApiError && !error.context.hasPast) {
		const isRefused = REFUSED_WHOLE.has(error.httpCode ?? '');
		const together =
			isRefused && size > 1
				? ` It was one request for ${size} devices; with On Error set to Continue, those at fault are found and the others carried out.`
				: '';
		const lost =
			name === 'Register'
				? ` Their keys are lost if the run stops here: find them with Get Many (Created after ${began}), and delete them.`
				: '';
		const past = done ? ` ${name} had succeeded for ${done} devices before.${lost}` : '';
		error.description = `${error.description ?? ''}${together}${past}`;
		error.context.hasPast = true;
	}
	return error;
}

/** The error of one part that a reply refuses, or does not mention. */
function refusal(
	{ context, redact }: HubbleClient,
	request: ItemRequest,
	result: Exclude<BatchResult, { json: IDataObject }>,
	requestId: string,
): NodeOperationError {
	const id = Object.values(request.ids).at(-1);
	const reason =
		'refused' in result
			? `Hubble says: "${redact(result.refused)}"`
			: 'Hubble answered the batch without a word about it: look whether it was carried out.';
	const error = new NodeOperationError(
		context.getNode(),
		`Hubble did not confirm ${id ? `the device ${id}` : 'this item'}`,
		{
			itemIndex: request.itemIndex,
			description: `${reason} X-Request-ID: ${requestId}.`,
		},
	);
	error.context.requestId = requestId;
	return error;
}

/**
 * Cuts `units` into calls of at most `size`, in their order. Units of different groups never share a
 * call. Of units with the same key, each goes into a later call than the one before, so that a call
 * names a device once and two changes to one device happen in the order in which they were asked.
 */
export function toBatches<Unit>(
	units: readonly Unit[],
	size: number,
	{ groupOf = () => '', keyOf }: { groupOf?: (unit: Unit) => string; keyOf?: (unit: Unit) => string } = {},
): Unit[][] {
	const seen = new Map<string, number>();
	// One queue for each round and group: round 1 holds what is asked of a device for the first time.
	const rounds: Array<Map<string, Unit[]>> = [];
	for (const unit of units) {
		const key = keyOf?.(unit);
		const round = key === undefined ? 0 : (seen.get(key) ?? 0);
		if (key !== undefined) seen.set(key, round + 1);
		const groups = (rounds[round] ??= new Map());
		const group = groupOf(unit);
		const queue = groups.get(group);
		if (queue) queue.push(unit);
		else groups.set(group, [unit]);
	}
	return rounds.flatMap((groups) => [...groups.values()]).flatMap((queue) => chunks(queue, size));
}

/** Cuts a list into pieces of at most `size`, in order. */
export function chunks<T>(list: readonly T[], size: number): T[][] {
	return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}
