/** When n8n answers a delivery, and with what. */
import type {
	IHookFunctions,
	INodeProperties,
	IWebhookDescription,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { isN8n1, responseModeFrom } from '../n8n';
import { objectOf } from '../client/json';
import { readParameter } from '../operation/readItem';
import { oneOf } from '../operation/values';
import type { Answer } from './deliveryLog';

const FOR_THE_RUN = { responseMode: 'lastNode' } as const;

/**
 * The webhook of a trigger; "Acknowledge" decides when n8n answers. An answer has no body: what the workflow made of
 * a delivery is not for the sender. In n8n 1 an expression for it, run at every call, would take as long as all the
 * rest of a call: there n8n waits for the run unless the node has answered (`handOver`).
 */
export const webhookDescription: IWebhookDescription = {
	name: 'default',
	httpMethod: 'POST',
	path: 'webhook',
	responseData: 'noData',
	...(isN8n1() ? FOR_THE_RUN : responseModeFrom(['options', 'acknowledge'], 'onReceived')),
};

const QUEUE_MODE =
	'In queue mode, n8n 2 needs N8N_EXECUTIONS_QUEUE_KEEP_LAST_COMPLETED=1000 and N8N_EXECUTIONS_QUEUE_KEEP_LAST_FAILED=1000 to answer every time; with n8n 1, choose Immediately there.';

/**
 * The option that decides when n8n answers.
 * @param ifStopped what becomes of a delivery that was answered at once, when n8n stops during the run
 * @param atEnd what the sender makes of an answer after the run
 */
const option = (ifStopped: string, atEnd: string): INodeProperties => ({
	displayName: 'Acknowledge',
	name: 'acknowledge',
	type: 'options',
	noDataExpression: true,
	options: [
		{
			name: 'Immediately',
			value: 'onReceived',
			description: ['As soon as n8n has stored the execution. Runs may take a long time.', ifStopped].join(' '),
		},
		{ name: 'When the Workflow Has Finished', value: 'lastNode', description: [atEnd, QUEUE_MODE].join(' ') },
	],
	default: 'onReceived',
	description: 'When to tell Hubble that a delivery has arrived',
});

export const acknowledge = {
	packets: option(
		'If n8n stops during a run, Hubble does not deliver it again.',
		'Hubble delivers again when the run fails or n8n goes down. The run must end within ten seconds.',
	),
	giftCards: option(
		'If n8n stops during a run, the event does not come again.',
		'Hubble gets an error when the run fails. Whether it then sends the event again is not documented.',
	),
};

/**
 * Answers 503 instead of a remark, so that the delivery comes again. If n8n answers when the workflow has finished, the
 * answer to a finished run has no body, because `responseData` is `noData`. A run that left nothing is answered 200 as
 * well, but with a remark as JSON: it could not start, or n8n marked it as crashed before a worker took it (n8n 1.123
 * and 2.41). If n8n changes that, the tests of `acknowledge` fail, also on real n8n releases.
 */
function refuseRemarks(answer: Answer): void {
	const send = answer.json;
	answer.json = (body) => {
		if (body !== undefined && answer.statusCode < 300) answer.statusCode = 503;
		return send.call(answer, body);
	};
}

/**
 * A run for n8n, answered as "Acknowledge" says. n8n 1 answers "Immediately" before it stores the execution; there
 * the node does so itself.
 */
export function handOver(context: IWebhookFunctions, answer: Answer, run: IWebhookResponseData): IWebhookResponseData {
	if (context.getNodeParameter('options.acknowledge', 'onReceived') === 'lastNode') refuseRemarks(answer);
	else if (isN8n1()) {
		answer.end();
		return { ...run, noWebhookResponse: true };
	}
	return run;
}

/** Refuses a choice that n8n does not know, or an expression: n8n 2 would answer every call with 500. */
export function requireAcknowledge(context: IHookFunctions): void {
	const { acknowledge: chosen } = objectOf(context.getNode().parameters.options);
	if (chosen !== undefined) readParameter(context, 'Acknowledge', () => oneOf(['onReceived', 'lastNode'])(chosen));
}
