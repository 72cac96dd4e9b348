/** Sends what many items ask in few calls, and brings the replies back onto the items. */
import { NodeApiError, NodeOperationError, type IDataObject } from 'n8n-workflow';
import type { HubbleClient } from '../client/client';
import { send } from '../client/request';
import type { Batch, BatchResult, ItemRequest, Operation } from './operation';
import { Bisection, toBatches, type Refused } from './packing';

/** Answers by which Hubble refuses a whole batch although perhaps a single part of it is at fault. */
const REFUSED_WHOLE = new Set(['400', '404', '409', '413', '422']);

/** What becomes of results and failures, and whether the run goes on after a failure. */
export interface BatchHandlers {
	emit: (itemIndex: number, row: IDataObject) => void;
	/** Throws when the run must stop. */
	fail: (item: number, error: unknown, ids?: IDataObject) => void;
	canContinue: boolean;
}

/** A call that failed as a whole. */
interface Failed extends Refused<ItemRequest> {
	error: unknown;
}

/**
 * Carries out what many items ask in few calls. When Hubble refuses a batch as a whole and the run may
 * continue, its halves are tried on their own until what is at fault stands alone: one bad item does not
 * fail the others. A run that must stop refuses the batch whole: it would be half carried out otherwise.
 */
export async function runBatches(
	hubble: HubbleClient,
	operation: Operation,
	batch: Batch,
	requests: readonly ItemRequest[],
	handlers: BatchHandlers,
): Promise<void> {
	await new BatchRun(hubble, operation, batch, handlers).run(requests);
}

/** One batch operation while it runs. */
class BatchRun {
	private readonly began = new Date().toISOString();
	/** Parts that were carried out. */
	private done = 0;
	/** Items whose failure is reported, once each however many of their parts failed. */
	private readonly failedItems = new Set<number>();

	constructor(
		private readonly hubble: HubbleClient,
		private readonly operation: Operation,
		private readonly batch: Batch,
		private readonly handlers: BatchHandlers,
	) {}

	async run(requests: readonly ItemRequest[]): Promise<void> {
		const { split, size } = this.batch;
		const parts = split ? requests.flatMap(split) : requests;
		for (const whole of toBatches(parts, size, this.batch)) await this.carryOut(whole);
	}

	private async carryOut(whole: readonly ItemRequest[]): Promise<void> {
		const plan = new Bisection<ItemRequest, Failed>(whole, ({ itemIndex }) => itemIndex);
		while (plan.groups.length) {
			const failures: Failed[] = [];
			for (const group of plan.groups) failures.push(...(await this.sendGroup(group)));
			const isRefusal = ({ error }: Failed) => this.handlers.canContinue && isRefusedWhole(error);
			failures.filter((failure) => !isRefusal(failure)).forEach((failure) => this.giveUp(failure));
			plan.learn(failures.filter(isRefusal)).forEach((failure) => this.giveUp(failure));
		}
	}

	/** One call. @returns the failure of a call that failed as a whole; none when it was answered */
	private async sendGroup(group: readonly ItemRequest[]): Promise<Failed[]> {
		// All parts of a group share what is not in the body's lists: `groupOf` keeps others apart.
		const [first] = group;
		let reply;
		try {
			reply = await send(this.hubble, {
				endpoint: this.batch.endpoint,
				ids: group.length === 1 ? first?.ids : {},
				query: first?.query,
				body: this.batch.toBody(group),
			});
		} catch (error) {
			return [{ group, error, cause: wordsOf(error) }];
		}
		this.report(group, this.batch.fromReply(reply.body, group), reply.requestId);
		return [];
	}

	/** Hands over what became of each part; results come before failures, which may end the run. */
	private report(group: readonly ItemRequest[], results: readonly BatchResult[], requestId: string): void {
		const outcomes = group.map((request, index) => ({ request, result: results[index] ?? { missing: true as const } }));
		for (const { request, result } of outcomes) {
			if (!('json' in result)) continue;
			this.done += 1;
			this.handlers.emit(request.itemIndex, result.json);
		}
		for (const { request, result } of outcomes) {
			if (!('json' in result)) this.fail(request, unconfirmed(this.hubble, request, result, requestId));
		}
	}

	private giveUp({ group, error }: Failed): void {
		const reason = this.withPast(error, this.handlers.canContinue ? 1 : group.length);
		for (const part of group) this.fail(part, reason);
	}

	private fail({ itemIndex, ids }: ItemRequest, error: unknown): void {
		if (!this.failedItems.has(itemIndex)) this.handlers.fail(itemIndex, error, ids);
		this.failedItems.add(itemIndex);
	}

	/** Adds to the error of a batch how many devices it was, and what earlier batches did. */
	private withPast(error: unknown, size: number): unknown {
		if (!(error instanceof NodeApiError) || error.context.hasPast) return error;
		const { done, began, operation } = this;
		const together =
			isRefusedWhole(error) && size > 1
				? ` It was one request for ${size} devices; with On Error set to Continue, those at fault are found and the others carried out.`
				: '';
		const lost =
			operation.name === 'Register'
				? ` Their keys are lost if the run stops here: find them with Get Many (Created after ${began}), and delete them.`
				: '';
		const past = done ? ` ${operation.name} had succeeded for ${done} devices before.${lost}` : '';
		error.description = `${error.description ?? ''}${together}${past}`;
		error.context.hasPast = true;
		return error;
	}
}

const isRefusedWhole = (error: unknown) => error instanceof NodeApiError && REFUSED_WHOLE.has(error.httpCode ?? '');

/** What two failures have in common when they have the same cause. */
const wordsOf = (error: unknown) =>
	error instanceof NodeApiError ? `${error.httpCode} ${String(error.context.said)}` : String(error);

/** The error of one part that a reply refuses, or does not mention. */
function unconfirmed(
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
		{ itemIndex: request.itemIndex, description: `${reason} X-Request-ID: ${requestId}.` },
	);
	error.context.requestId = requestId;
	return error;
}
