/**
 * Deliveries that this process has taken. Hubble delivers at least once, and repeats what was not answered in time. A
 * delivery counts as accepted when n8n has answered it with success, not when it arrives: otherwise the retry of a
 * failed one would be dropped. Other processes, and this one after a restart, know nothing of it.
 */
import { hash } from 'node:crypto';
import type { IWebhookFunctions } from 'n8n-workflow';
import { newProcessState, nodeKey } from './processState';

/** How many deliveries of all triggers are remembered: some 3 MB. */
const MOST = 20_000;
/** Hubble repeats a delivery for three hours. */
const REMEMBERED_MS = 24 * 3_600_000;
/**
 * How long to wait for a run: in queue mode n8n may never answer (docs/operations.md), and until then every retry is
 * refused. Hubble gave the delivery up long before.
 */
const LONGEST_RUN_MS = 15 * 60_000;

/** The part of Express's response that is read here. n8n ends it also when the sender has gone meanwhile. */
export interface Answer {
	statusCode: number;
	json(body?: unknown): unknown;
	end(...content: unknown[]): unknown;
}

/** `since` is on the clock of `performance.now()`. */
type Taken = { outcome: 'running' | 'accepted'; since: number };

const deliveries = newProcessState<Taken>(MOST);

export const deliveryKey = (context: IWebhookFunctions, identity: string) =>
	hash('sha256', `${nodeKey(context)} ${identity}`, 'base64');

/** The outcome of the same delivery before; `undefined` if there was none, or it may run again. */
export function outcomeOf(delivery: string): Taken['outcome'] | undefined {
	const before = deliveries.get(delivery);
	if (!before) return undefined;
	const longest = before.outcome === 'running' ? LONGEST_RUN_MS : REMEMBERED_MS;
	return performance.now() - before.since < longest ? before.outcome : undefined;
}

/** Follows a delivery that n8n is about to take over until `answer` tells what became of it. */
export function follow(delivery: string, answer: Answer): void {
	const { end } = answer;
	const run: Taken = { outcome: 'running', since: performance.now() };
	deliveries.set(delivery, run);
	answer.end = (...content) => {
		const isSuccess = answer.statusCode >= 200 && answer.statusCode < 300;
		if (isSuccess) deliveries.set(delivery, { outcome: 'accepted', since: performance.now() });
		else if (deliveries.get(delivery) === run) deliveries.delete(delivery);
		return end.apply(answer, content);
	};
}
