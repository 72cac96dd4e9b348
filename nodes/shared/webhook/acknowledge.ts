/**
 * When n8n has taken a delivery over. Nothing in n8n's interface for nodes tells it, so this file, and no other,
 * leans on how n8n works inside. It relies on this (`LiveWebhooks.executeWebhook`, n8n 1.123 and 2.41):
 *
 * 1. n8n saves the static data of a call, by `JSON.stringify`, after `webhook()` and before it answers.
 * 2. Where it answers at once, n8n 2 saves when the execution was created, and not when that failed. n8n 1 saves and
 *    answers first: without a save, its answer comes all the sooner before the execution is stored.
 * 3. Where it answers when the workflow has finished, it saves after a failed run too; the answer's status
 *    (2xx or not) is then the only sign.
 * 4. It saves only when a property of the static data was assigned since they were last saved, and n8n 2
 *    forgets an assignment made before it creates the execution.
 * 5. It saves them whole: the last process to write wins, and nothing is saved when no call comes.
 * 6. Where it answers when the workflow has finished, a finished run is answered without a body, because
 *    `responseData` is `noData`. A run that left nothing is answered 200 as well, with a remark as JSON: one that could
 *    not begin, or that n8n marked as crashed before a worker took it.
 *
 * What goes into the static data is therefore an object whose `toJSON` gives the log of deliveries at the moment
 * of the save. If n8n changes any of this, deliveries start twice rather than never, and the tests of this file
 * fail (`acknowledge.test.ts`, and the check of the same name on real n8n releases).
 */
import { sleep, type IDataObject, type INodeProperties, type IWebhookDescription } from 'n8n-workflow';
import { responseModeFrom, storesBeforeAnswer } from '../n8n';
import { begin, know, toText, type Answer, type Memory } from './deliveryLog';

/**
 * The webhook of a trigger; "Acknowledge" decides when n8n answers. An answer has no body: what the workflow made of
 * a delivery is not for the sender.
 */
export const webhookDescription = {
	name: 'default',
	httpMethod: 'POST',
	path: 'webhook',
	responseData: 'noData',
	...responseModeFrom('acknowledge', 'onReceived'),
} as IWebhookDescription;

/** The parameter that decides when n8n answers. */
export const acknowledge: INodeProperties = {
	displayName: 'Acknowledge',
	name: 'acknowledge',
	type: 'options',
	noDataExpression: true,
	options: [
		{
			name: 'At Once',
			value: 'onReceived',
			description:
				'As soon as n8n has stored the execution. Runs may take a long time. If n8n stops during a run, Hubble does not deliver it again.',
		},
		{
			name: 'When the Workflow Has Finished',
			value: 'lastNode',
			description:
				'Hubble delivers again when the run fails or n8n goes down. The run must end within ten seconds. In queue mode, n8n needs N8N_EXECUTIONS_QUEUE_KEEP_LAST_COMPLETED=1000 to answer every time.',
		},
	],
	default: 'onReceived',
	description: 'When to tell Hubble that a delivery has arrived',
};

/**
 * For how long n8n is asked for a save only once while several deliveries are under way, in milliseconds. A save takes
 * n8n longer than all that is done here, and all processes save into one row of the database. Where the save that was
 * asked for does not come, as when the execution cannot be created, the next asking makes up for it.
 */
const SAVE_EVERY_MS = 1000;

/** What lies in the static data until n8n saves them, and is text from then on. */
function acceptedWhenSaved(memory: Memory, mark: string, isAtOnce: boolean): string {
	const text = {
		/** Called by n8n's save, so no delivery accepted meanwhile is left out. */
		toJSON() {
			return know(memory, toText(memory, isAtOnce ? mark : undefined));
		},
	};
	return text as unknown as string;
}

/** Answers 503 in the place of a remark (point 6): the delivery must come again. */
function refuseRemarks(answer: Answer): void {
	const send = answer.json;
	answer.json = (body) => {
		if (body !== undefined && answer.statusCode < 300) answer.statusCode = 503;
		return send.call(answer, body);
	};
}

/**
 * Whether another delivery's save will do: the answer of this one tells that it was accepted, and a save after that
 * carries it. Not on n8n 1 at once (point 2), and not for events of which only the latest counts: a saved one that is
 * no longer the latest would make a new one a repeat.
 */
const mayWait = ({ running, policy, askedAt }: Memory, isAtOnce: boolean): boolean =>
	running.size > 1 &&
	performance.now() - askedAt < SAVE_EVERY_MS &&
	(storesBeforeAnswer || !isAtOnce) &&
	!policy.latestOnly;

/**
 * Follows a delivery that n8n is about to take over.
 * @param isAtOnce whether n8n answers before the workflow has finished
 */
export async function follow(
	memory: Memory,
	mark: string,
	answer: Answer,
	isAtOnce: boolean,
	data: IDataObject,
): Promise<void> {
	begin(memory, mark, answer);
	if (!isAtOnce) refuseRemarks(answer);
	if (mayWait(memory, isAtOnce)) return;
	memory.askedAt = performance.now();
	const text = acceptedWhenSaved(memory, mark, isAtOnce);
	// The assignment is repeated because of point 4. It ends with the answer, which comes after the save, or after
	// a second: whoever waits longer waits for the end of the workflow, and that the answer tells.
	for (let ms = 1; ms < 1000 && !answer.writableEnded; ms *= 2) {
		data.accepted = text;
		await sleep(ms);
	}
}
