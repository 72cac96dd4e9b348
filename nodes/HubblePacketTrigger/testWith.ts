/**
 * *Test With: Latest Packets*: a test in the editor that needs no webhook at Hubble. n8n runs a webhook node in the
 * editor for a call to its test URL and for nothing else (`TestWebhooks` of n8n 1.123 and 2.41), so the node makes that
 * call itself, with a secret for this one test.
 */
import { randomBytes } from 'node:crypto';
import {
	NodeOperationError,
	type IHookFunctions,
	type IHttpRequestOptions,
	type IWebhookFunctions,
} from 'n8n-workflow';
import { connect, type HubbleClient } from '../shared/client/client';
import { asError } from '../shared/client/errors';
import { optional } from '../shared/operation/readItem';
import { oneOf } from '../shared/operation/values';
import { packetReader } from '../shared/packet/filter';
import { LOOKED_AT, newestPackets, SAMPLE } from '../shared/packet/newestPackets';
import { call, listenerAt, rootOfTrigger } from '../shared/webhook/probe';
import { fingerprint } from '../shared/webhook/verify';

/** The static data of a test, which n8n keeps as long as the test URL. */
const testData = (context: IHookFunctions | IWebhookFunctions) =>
	context.getWorkflowStaticData('node') as { test?: string };

/** Whether the editor starts a test that needs no webhook. Throws an error that names the parameter. */
export const isTestWithLatest = (context: IHookFunctions): boolean =>
	optional(context, 'options', 'testWith', 'Test With', oneOf(['delivery', 'latest'])) === 'latest' &&
	context.getMode() === 'manual';

/** The fingerprint of the secret of the running test. */
export const testFingerprint = (context: IWebhookFunctions): string | undefined =>
	context.getMode() === 'manual' ? testData(context).test : undefined;

/** @returns whether it was such a test, of which Hubble knows nothing */
export function endTest(context: IHookFunctions): boolean {
	const data = testData(context);
	const isTest = data.test !== undefined;
	delete data.test;
	return isTest;
}

/** How long to read for packets. */
const READING_MS = 20_000;

/**
 * Sends the latest packets that pass the filters to the node's test URL, a moment after n8n's hook has returned.
 * @throws NodeOperationError when n8n does not reach its own URL, or there is no such packet
 */
export async function sendLatest(context: IHookFunctions): Promise<void> {
	const secret = randomBytes(32).toString('hex');
	// Before anything can fail: it tells the hook that ends the test what to do.
	testData(context).test = fingerprint(secret);
	const url = String(context.getNodeWebhookUrl('default'));
	const fail = (message: string) => new NodeOperationError(context.getNode(), message);
	const hubble = await connect(context, { deadline: performance.now() + READING_MS, isUrgent: true });
	const { newest, found } = await newestPackets(hubble, LOOKED_AT, packetReader(context));
	if (!newest)
		throw fail('Hubble received no packet in the last seven days to test with. Send one from a device, and try again.');
	if (!found.length) {
		throw fail(
			`None of the latest packets passes the filters: those of the last seven days were looked at, ${LOOKED_AT.toLocaleString('en')} at most. Change "Filters", or pin an example as the output of this node.`,
		);
	}
	if (['orphan', 'unknown'].includes(await listenerAt(context, { url }, rootOfTrigger(url)))) {
		throw fail(
			`n8n cannot reach its own test URL ${url}, to which it sends the packets of a test. Check the environment variable N8N_WEBHOOK_URL of n8n 2, or WEBHOOK_URL of n8n 1. Or copy the output of a Hubble Packet Poll Trigger (Fetch Test Event) and pin it as the output of this node.`,
		);
	}
	const headers = { 'x-hubble-token': secret };
	const body = { packets: found.slice(0, SAMPLE).map(({ packet }) => packet) };
	void deliver(context, hubble, { method: 'POST', url, headers, body, json: true });
}

/** How often the call is tried, and how long it waits before each. */
const TRIES = 20;
const WAIT_MS = 500;

/** One delivery to this n8n. Never throws: the hook, and with it n8n's answer to the user, is over. */
async function deliver(context: IHookFunctions, hubble: HubbleClient, delivery: IHttpRequestOptions): Promise<void> {
	try {
		// n8n stores the fingerprint after the hook: until then, the call cannot be verified.
		for (let i = 0; i < TRIES; i++) {
			await hubble.delay(WAIT_MS);
			const { statusCode } = await call(context, delivery);
			if (statusCode !== 401) return;
		}
	} catch (error) {
		// Where n8n answers when the workflow has finished, the answer may take longer than the call waits.
		context.logger.debug(`"${context.getNode().name}" did not see the test begin: ${asError(error).message}`);
	}
}
