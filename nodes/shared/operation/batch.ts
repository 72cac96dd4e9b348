/** Combines the requests of many items into few calls, and maps the replies back to the items. */
import { NodeApiError, NodeOperationError, type IDataObject } from 'n8n-workflow';
import type { HubbleClient } from '../client/client';
import { detailsOf, DOUBT, hubbleStatusOf, isNodeError, UnexpectedReply } from '../client/errors';
import { inTurn, type Batch, type BatchResult, type ItemRequest } from './operation';
import { Bisection, toBatches, type RejectedGroup } from './packing';
import { counted } from './values';

/** Statuses with which Hubble refuses a whole batch, perhaps for a single part. */
const REFUSED_WHOLE = new Set([400, 404, 409, 422]);

/** What becomes of results and failures, and whether the run goes on after a failure. */
interface BatchHandlers {
	emit: (part: ItemRequest, row: IDataObject) => void;
	/** Throws when the run must stop. */
	fail: (itemIndex: number, error: unknown, ids?: IDataObject) => void;
	/** Outputs a failure in place of data, even if the run must stop. */
	keepFailure: (itemIndex: number, error: unknown, ids?: IDataObject) => void;
	/** Shows a hint beside the output. */
	hint: (message: string) => void;
	canContinue: boolean;
}

const UNTRIED =
	' This item was not tried alone, as samples of its batch were rejected in the same words. It may be right: remove the wrong ones and run these again.';

interface Failed extends RejectedGroup<ItemRequest> {
	error: unknown;
}

/**
 * Combines the requests of many items into few calls. If Hubble refuses a batch as a whole and the run may continue,
 * its halves are tried separately until the faulty parts are isolated, so that one bad item does not fail the others.
 * Without continue-on-fail the whole batch fails: otherwise half of it would be carried out.
 */
export async function runBatches(
	hubble: HubbleClient,
	requests: ReadonlyMap<Batch, readonly ItemRequest[]>,
	handlers: BatchHandlers,
): Promise<void> {
	const past = { done: 0 };
	const runs = [...requests].map(([batch, own]) => new BatchRun(hubble, batch, own, handlers, past));
	for (const run of runs) run.refuseToLose();
	for (const run of runs) await run.run();
}

class BatchRun {
	private readonly calls: ItemRequest[][];
	/** Items whose failure is reported, once each however many of their parts failed. */
	private readonly failedItems = new Set<number>();

	constructor(
		private readonly hubble: HubbleClient,
		private readonly batch: Batch,
		requests: readonly ItemRequest[],
		private readonly handlers: BatchHandlers,
		/** Parts that were carried out, in all batches. */
		private readonly past: { done: number },
	) {
		const parts = batch.split ? requests.flatMap(batch.split) : requests;
		this.calls = toBatches(parts, batch.size, batch);
	}

	/** Throws before the first call if a later failure would lose keys. */
	refuseToLose(): void {
		const { batch, calls, handlers, hubble } = this;
		const [, second] = calls;
		if (!batch.showsOnce || handlers.canContinue || !second) return;
		const parts = calls.reduce((sum, { length }) => sum + length, 0);
		const isLarge = parts > batch.size;
		throw new NodeOperationError(
			hubble.context.getNode(),
			`Registering ${parts.toLocaleString('en')} devices takes ${calls.length} requests. Set On Error to Continue (tab Settings), or keys from the first could be lost`,
			{
				itemIndex: second[0]?.itemIndex,
				description: `Hubble shows each key only once. ${isLarge ? `Or register at most ${batch.size.toLocaleString('en')} devices in one run.` : 'Or use a separate run for each combination of encryption, key format, EID rotation, and fields that are set.'} Nothing was sent to Hubble.`,
			},
		);
	}

	async run(): Promise<void> {
		for (const whole of this.calls) {
			const ready = whole.flatMap((part) => this.readied(part));
			if (ready.length) await this.carryOut(ready);
		}
	}

	/** A part as it is sent now; none where nothing is sent. */
	private readied(part: ItemRequest): ItemRequest[] {
		try {
			return [inTurn(part)];
		} catch (error) {
			this.fail(part, this.withPast(error, 1));
			return [];
		}
	}

	private async carryOut(whole: readonly ItemRequest[]): Promise<void> {
		const plan = new Bisection<ItemRequest, Failed>(whole, ({ itemIndex }) => itemIndex);
		const gone: Failed[] = [];
		let isUnclear = false;
		while (plan.groups.length) {
			const failures: Failed[] = [];
			for (const group of plan.groups) failures.push(...(await this.sendGroup(group)));
			const isRefusal = ({ error }: Failed) => this.handlers.canContinue && isRefusedWhole(error);
			failures.filter((failure) => !isRefusal(failure)).forEach((failure) => this.giveUp(failure));
			isUnclear ||= failures.some(({ error }) => mayHaveHappened(error));
			for (const failure of plan.learn(failures.filter(isRefusal))) {
				if (this.isGone(failure)) gone.push(failure);
				else this.giveUp(failure);
			}
		}
		// Of a group with one refusal only some were asked for alone: nobody knows of the others.
		const areAll = gone.length === whole.filter((part) => this.batch.whenGone?.(part)).length;
		this.settleGone(gone, isUnclear, areAll);
	}

	/** Whether Hubble has none of the devices any longer, which is what was wanted. */
	private isGone({ group, error }: Failed): boolean {
		return hubbleStatusOf(error) === 404 && group.every((part) => this.batch.whenGone?.(part));
	}

	/**
	 * A try without a clear answer may have changed some devices and others not (API definition). If all are gone
	 * afterwards, it succeeded. If one is still there, nobody knows whether the others went with that try or never existed.
	 */
	private settleGone(gone: readonly Failed[], isUnclear: boolean, areAll: boolean): void {
		for (const failure of gone) {
			const { group, error } = failure;
			const { requestId } = detailsOf(error);
			if (isUnclear && areAll) this.report(group, group.flatMap(this.resultWhenGone), String(requestId));
			else this.giveUp(failure, isUnclear && !mayHaveHappened(error) ? DOUBT : '');
		}
	}

	private readonly resultWhenGone = (part: ItemRequest): BatchResult[] =>
		this.batch.fromReply(this.batch.whenGone?.(part) ?? {}, [part]);

	/** One call. @returns the failure of a call that failed as a whole; none when it was answered */
	private async sendGroup(group: readonly ItemRequest[]): Promise<Failed[]> {
		// All parts of a group share what is not in the body's lists: `groupOf` keeps others apart.
		const [first] = group;
		let reply;
		try {
			reply = await this.hubble.send({
				endpoint: this.batch.endpoint,
				ids: group.length === 1 ? first?.ids : {},
				query: first?.query,
				body: this.batch.toBody(group),
				whenGone: group.length === 1 && first ? this.batch.whenGone?.(first) : undefined,
			});
		} catch (error) {
			return [{ group, error, cause: wordsOf(error) }];
		}
		this.report(group, this.batch.fromReply(reply.body, group), reply.requestId);
		return [];
	}

	/** Outputs the result of each part; data come before failures, which may end the run. */
	private report(group: readonly ItemRequest[], results: readonly BatchResult[], requestId: string): void {
		const outcomes = group.map((request, index) => ({ request, result: results[index] ?? { missing: true as const } }));
		for (const { request, result } of outcomes) {
			if (!('json' in result)) continue;
			this.past.done += 1;
			request.turn?.done();
			this.handlers.emit(request, result.json);
		}
		this.reportSurplus(group, results.slice(group.length));
		const isShownOnce = this.batch.showsOnce && outcomes.some(({ result }) => 'json' in result);
		for (const { request, result } of outcomes) {
			if ('json' in result) continue;
			const error = this.withPast(unconfirmed(this.hubble, request, result, requestId), 1);
			this.fail(request, error, isShownOnce ? 'keepFailure' : 'fail');
		}
	}

	/** Outputs what no part asked for, after the last part: Hubble may show it only once. */
	private reportSurplus(group: readonly ItemRequest[], surplus: readonly BatchResult[]): void {
		const last = group.at(-1);
		if (!surplus.length || !last) return;
		for (const result of surplus) if ('json' in result) this.handlers.emit(last, result.json);
		this.handlers.hint(
			`Hubble's response has entries that no item asked for (${surplus.length}). They are in the output, after the last item.`,
		);
	}

	private giveUp({ group, error }: Failed, doubt = ''): void {
		const { canContinue } = this.handlers;
		const isUntried = canContinue && isRefusedWhole(error) && new Set(group.map(({ itemIndex }) => itemIndex)).size > 1;
		const reason = this.withPast(error, canContinue ? 1 : group.length, doubt + (isUntried ? UNTRIED : ''));
		// The first one ends a run that may not continue: n8n shows it with its item.
		const named = (part: ItemRequest) => Object.values(part.ids).some((id) => wordsOf(error).includes(id));
		const first = group.find(named);
		for (const part of first ? [first, ...group] : group) this.fail(part, reason);
	}

	private fail({ itemIndex, ids }: ItemRequest, error: unknown, how: 'fail' | 'keepFailure' = 'fail'): void {
		if (!this.failedItems.has(itemIndex)) this.handlers[how](itemIndex, error, ids);
		this.failedItems.add(itemIndex);
	}

	/** Adds to an error what is in doubt, of how many devices the request was, and how many are done. */
	private withPast(error: unknown, size: number, doubt = ''): unknown {
		if (!isNodeError(error) || error.context.hasPast) return error;
		const { done } = this.past;
		const together =
			isRefusedWhole(error) && size > 1
				? ` It was one request for ${size} devices. With On Error set to Continue (tab Settings), the faulty ones are found and the others go through.`
				: '';
		const past = done ? ` ${counted(done, 'device')} ${done === 1 ? 'was' : 'were'} processed before it.` : '';
		error.description = `${error.description ?? ''}${doubt}${together}${past}`.trimStart();
		error.context.hasPast = true;
		return error;
	}
}

const mayHaveHappened = (error: unknown) => detailsOf(error).mayHaveHappened === true;

const isRefusedWhole = (error: unknown) => REFUSED_WHOLE.has(hubbleStatusOf(error));

const wordsOf = (error: unknown) =>
	error instanceof NodeApiError ? `${error.httpCode} ${String(error.context.said)}` : String(error);

function unconfirmed(
	hubble: HubbleClient,
	request: ItemRequest,
	result: Exclude<BatchResult, { json: IDataObject }>,
	requestId: string,
): NodeOperationError {
	const id = Object.values(request.ids).at(-1);
	const whose = id ? `the device ${id}` : 'this item';
	const [message, reason] =
		'refused' in result
			? [`Hubble rejected the request for ${whose}`, `Hubble says: "${hubble.redact(result.refused)}"`]
			: [`Hubble's response does not include ${whose}`, `${result.says ?? ''}Check whether the change was made.`];
	return new UnexpectedReply(hubble.context.getNode(), message, reason, requestId);
}
