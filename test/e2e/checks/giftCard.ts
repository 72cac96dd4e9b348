/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import axios from 'axios';
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type PartnerFault, type PartnerSimulator, startPartnerSimulator } from '../../simulator/partner';
import type { Check, Stage } from '../check';
import { partnerCredentialData, readExample } from '../mainJob';
import { type Execution, type Json, type N8n, packageName, type WorkflowFile } from '../n8n';
import { until } from '../processes';
import { isN8n1 } from '../provision';
import { nothingLeaks } from './secrets';

/** How many people get a gift card in one execution, and after how many orders n8n is killed. */
const PEOPLE = 200;
const KILLED_AFTER = 15;

const credential = { hubblePartnerApi: { id: '', name: 'Partner' } };
const person = (n: number) => ({ name: `Person ${n}`, phone: '+919812345678', email: `person${n}@example.com` });

/**
 * People by webhook → a gift card for each. The node that orders stands first in the file: of a crashed execution n8n
 * counts the nodes in this order as runs, and a retry must ask with the same references all the same.
 */
function ordering(parameters: Json = {}, node: Json = {}): WorkflowFile {
	const at = (name: string, type: string, typeVersion: number, own: Json, more: Json = {}) => ({
		id: name,
		name,
		type,
		typeVersion,
		position: [0, 0],
		parameters: own,
		...more,
	});
	const link = (node: string) => ({ main: [[{ node, type: 'main', index: 0 }]] });
	return {
		name: 'Gift cards for people',
		nodes: [
			at(
				'Order',
				`${packageName}.hubbleGiftCard`,
				1,
				{
					resource: 'order',
					operation: 'place',
					brandId: 'brand-1',
					denominations: { denomination: [{ denomination: 100, quantity: 1 }] },
					additionalFields: {
						customerName: '={{ $json.name }}',
						customerPhone: '={{ $json.phone }}',
						customerEmail: '={{ $json.email }}',
					},
					...parameters,
				},
				{ credentials: structuredClone(credential), ...node },
			),
			at('Ask', 'n8n-nodes-base.webhook', 2, { httpMethod: 'POST', path: randomUUID() }, { webhookId: randomUUID() }),
			at('People', 'n8n-nodes-base.splitOut', 1, { fieldToSplitOut: 'body.people', options: {} }),
			at('Card', 'n8n-nodes-base.set', 3.4, {
				mode: 'manual',
				assignments: {
					assignments: [{ id: 'id', name: 'order', type: 'string', value: '={{ $json.referenceId }}' }],
				},
				options: {},
			}),
		],
		connections: { Ask: link('People'), People: link('Order'), Order: link('Card') },
		settings: { executionOrder: 'v1' },
	};
}

/** Runs a check with a partner service of its own. */
async function withPartner<T>(
	n8n: N8n,
	work: (partner: PartnerSimulator, credentials: Record<string, string>) => T,
	slowMs = 300,
) {
	const partner = await startPartnerSimulator({ slowMs });
	try {
		const id = await n8n.createCredential('Partner', 'hubblePartnerApi', partnerCredentialData(partner));
		return await work(partner, { Partner: id });
	} finally {
		await partner.close();
	}
}

const people = (count: number): Json[] => Array.from({ length: count }, (_, n) => person(n));

/** Publishes a workflow of `ordering`, and has it order for people; the ID of workflow and execution. */
async function order(
	n8n: N8n,
	credentials: Record<string, string>,
	people: readonly Json[],
	parameters: Json = {},
	node: Json = {},
) {
	const file = ordering(parameters, node);
	const workflow = await n8n.createWorkflow(file, credentials);
	await n8n.activate(workflow);
	const path = String(file.nodes.find(({ name }) => name === 'Ask')?.parameters.path);
	await axios.post(`${n8n.url}/webhook/${path}`, { people }, { proxy: false });
	const execution = await until('the execution', 30, async () => (await n8n.executions(workflow))[0]?.id);
	return { workflow, execution };
}

/** Retries an execution as the editor does, and waits for its end. */
async function retry(n8n: N8n, execution: string): Promise<Execution> {
	const { id } = await n8n.rest<{ id: string }>('POST', `/executions/${execution}/retry`, { loadWorkflow: false });
	return await n8n.finished(id);
}

/** Asserts that each of so many people has one order and nobody has two. */
function eachOnce(partner: PartnerSimulator, count: number): void {
	const emails = partner.placed.map(({ email }) => email);
	deepEqual([...new Set(emails)].sort(), Array.from({ length: count }, (_, n) => person(n).email).sort());
	equal(emails.length, count);
	equal(partner.state.balance, 1e9 - 100 * count);
}

const FAULTS: PartnerFault[] = [
	{ call: 'place', status: 503 },
	{ call: 'place', applied: true },
	{ call: 'place', status: 401 },
	{ call: 'reference', status: 401 },
	{ call: 'place', status: 500, applied: true },
	{ call: 'place' },
];

/** Orders under faults, kills n8n in the middle, and starts it again. */
async function killed(n8n: N8n, partner: PartnerSimulator, credentials: Record<string, string>, parameters: Json = {}) {
	partner.faults.push(...structuredClone(FAULTS));
	const ids = await order(n8n, credentials, people(PEOPLE), parameters);
	await until('some orders', 120, () => partner.orders.size >= KILLED_AFTER);
	await n8n.kill();
	const before = partner.orders.size;
	ok(before < PEOPLE, 'n8n was killed too late');
	partner.faults.push(...structuredClone(FAULTS));
	await n8n.start({ N8N_LOG_LEVEL: 'debug' });
	await until('the recovery', 60, async () => {
		const [first] = await n8n.executions(ids.workflow);
		return first && first.status === 'crashed';
	});
	return { ...ids, before };
}

/** Without a reference of the user's, n8n killed in the middle. */
async function killAndRetry({ n8n }: Stage): Promise<string> {
	return await withPartner(n8n, async (partner, credentials) => {
		const { execution, before } = await killed(n8n, partner, credentials);
		const again = await retry(n8n, execution);
		if (isN8n1(n8n.version)) {
			// n8n 1 does not tell a retry which execution it repeats, and has stored nothing of the one that was killed.
			match(again.error ?? '', /"Reference" is required in a retry/);
			equal(partner.orders.size, before);
			return `killed after ${before} orders; the retry asks for a reference and orders nothing`;
		}
		equal(again.error, undefined);
		eachOnce(partner, PEOPLE);
		equal(again.items('Card').length, PEOPLE);
		return `killed after ${before} orders; the retry completed them to ${PEOPLE}\n${await nothingLeaks(n8n)}`;
	});
}

/** With a reference of the user's, n8n killed in the middle. */
async function killAndRetryOwn({ n8n }: Stage): Promise<string> {
	return await withPartner(n8n, async (partner, credentials) => {
		// What a killed execution placed, no retry knows by itself when the references are the user's.
		const parameters = { reference: '={{ "request-" + $json.email }}', options: { returnExisting: true } };
		const { execution, before } = await killed(n8n, partner, credentials, parameters);
		const again = await retry(n8n, execution);
		equal(again.error, undefined);
		eachOnce(partner, PEOPLE);
		return `killed after ${before} orders; the retry completed them to ${PEOPLE}\n${await nothingLeaks(n8n)}`;
	});
}

/** n8n runs the whole node again when its first item is an error and it may continue: that buys nothing again. */
async function runAgain({ n8n }: Stage): Promise<void> {
	await withPartner(n8n, async (partner, credentials) => {
		const [first, ...others] = people(4);
		const settings = { retryOnFail: true, maxTries: 3, waitBetweenTries: 50, onError: 'continueRegularOutput' };
		const given = [{ ...first, email: 'nobody' }, ...others];
		const { execution } = await order(n8n, credentials, given, {}, settings);
		const { items } = await n8n.finished(execution);
		const orders = items('Order').map(({ json }) => [json.status, json.alreadyPlaced]);
		deepEqual(orders.slice(1), Array(3).fill(['SUCCESS', true]));
		equal(partner.placed.length, 3);
	});
}

/** An execution that fails in the middle, without a reference, retried when the reason is gone. */
async function failAndRetry({ n8n }: Stage): Promise<void> {
	await withPartner(n8n, async (partner, credentials) => {
		partner.state.balance = 350;
		const { execution } = await order(n8n, credentials, people(6));
		const first = await n8n.finished(execution);
		match(first.error ?? '', /E300.*was not placed/s);
		equal(partner.orders.size, 3);
		partner.state.balance = 1e9 - 300;
		const again = await retry(n8n, execution);
		equal(again.error, undefined);
		eachOnce(partner, 6);
		equal(again.items('Card').length, 6);
		await nothingLeaks(n8n);
	});
}

/**
 * Publishes an example with the partner's events going to its trigger. Its executions are saved, for the check.
 * @param changed texts of the example that are replaced, as a user replaces them
 */
async function publishExample(
	n8n: N8n,
	partner: PartnerSimulator,
	credential: string,
	file: string,
	changed: Readonly<Record<string, string>> = {},
): Promise<string> {
	const text = Object.entries(changed).reduce(
		(all, [from, to]) => all.split(from).join(to),
		JSON.stringify(readExample(file)),
	);
	const example = { ...(JSON.parse(text) as WorkflowFile), settings: { executionOrder: 'v1' } };
	const trigger = example.nodes.find(({ type }) => type.endsWith('hubbleGiftCardTrigger'));
	const webhookId = randomUUID();
	Object.assign(trigger ?? {}, { webhookId });
	// As a user turns it on; no mail goes out here.
	for (const node of example.nodes) if (node.name === 'Mark as Sent') Object.assign(node, { disabled: false });
	const id = await n8n.createWorkflow(example, { 'Hubble partner account': credential });
	await n8n.activate(id);
	partner.state.eventsUrl = `${n8n.url}/webhook/${webhookId}/webhook`;
	return id;
}

/** The execution that an event starts. */
async function byEvent(n8n: N8n, workflow: string, tell: () => Promise<void>): Promise<Execution> {
	const before = (await n8n.executions(workflow))[0]?.id;
	await tell();
	const id = await until('an execution', 60, async () => {
		const [last] = await n8n.executions(workflow);
		return last && last.id !== before ? last.id : undefined;
	});
	const execution = await n8n.finished(id);
	equal(execution.error, undefined);
	return execution;
}

/** Ordered, PROCESSING, the event says SUCCESS, read, sent; what Hubble tells again sends nothing. */
async function sendByMail(n8n: N8n, partner: PartnerSimulator, credential: string): Promise<void> {
	const changed = { 'your-brand-id': 'brand-slow' };
	const id = await publishExample(n8n, partner, credential, 'send-gift-card.json', changed);
	const sent: Execution[] = [];
	const started = await n8n.run(id);
	equal(started.error, undefined);
	deepEqual(started.items('Place Order')[0]?.json.status, 'PROCESSING');
	deepEqual([started.items('Report Failed Order'), started.items('Send Voucher')], [[], []]);
	await until('the event', 60, async () => {
		const [last] = await n8n.executions(id);
		if (last?.mode !== 'webhook' || last.status !== 'success') return false;
		sent.push(await n8n.finished(last.id));
		return true;
	});
	equal(sent[0]?.items('Mark as Sent').length, 1);
	deepEqual(sent[0]?.items('Send Voucher')[0]?.json.email, 'asha@example.com');
	const [placed] = partner.orders.values();
	const again = await byEvent(n8n, id, async () => await partner.tellAgain(placed as never));
	deepEqual([again.items('Get Order').length, again.items('Send Voucher').length], [1, 0]);
	// By hand once more: the reference is taken, which leaves by the error output.
	const refused = await n8n.run(id);
	equal(refused.error, undefined);
	match(String(refused.items('Report Failed Order')[0]?.json.error), /already belongs to the order/);
	deepEqual(refused.items('Store Recipients'), []);
	equal(partner.orders.size, 1);
}

async function keepCatalog(n8n: N8n, partner: PartnerSimulator, credential: string): Promise<void> {
	const id = await publishExample(n8n, partner, credential, 'brand-catalog.json');
	const all = await n8n.run(id);
	equal(all.error, undefined);
	equal(all.items('Upsert Row').length, partner.brands.size);
	const one = await byEvent(n8n, id, async () => await partner.setBrand('brand-1', { status: 'INACTIVE' }));
	const [row, second] = one.items('Upsert Row');
	deepEqual([row?.json.brandId, row?.json.status, second], ['brand-1', 'INACTIVE', undefined]);
}

async function alertLow(n8n: N8n, partner: PartnerSimulator, credential: string): Promise<void> {
	const id = await publishExample(n8n, partner, credential, 'alert-low-balance.json');
	const low = await byEvent(n8n, id, async () => await partner.setBalance(50));
	match(String(low.items('Send Alert')[0]?.json.text), /^The wallet balance is 50, less than 100/);
	const old = await byEvent(n8n, id, async () => {
		const told = partner.setBalance(40);
		partner.state.balance = 5000;
		await told;
	});
	deepEqual(old.items('Send Alert'), []);
}

export const giftCardChecks: Check[] = [
	{
		name: 'gift cards: the credential test tells right, wrong, not on the allow-list and webhook alone apart',
		async run({ n8n }) {
			await withPartner(n8n, async (partner) => {
				const right = partnerCredentialData(partner);
				const said = async (changed: Json) => await n8n.testCredential('hubblePartnerApi', { ...right, ...changed });
				match((await said({})).message, /accepts the Client ID and Client Secret/);
				match((await said({ clientSecret: 'wrong' })).message, /the pair is wrong, or belongs to another environment/);
				match((await said({ clientId: '', clientSecret: '' })).message, /checked when the first event arrives/);
				match((await said({ clientId: '' })).message, /has no 'Client ID'/);
				partner.state.allowListed = false;
				const refused = await said({});
				match(refused.message, /allow-list/);
				equal(refused.status, 'Error');
			});
		},
	},
	{
		name: 'gift cards: the examples order and mail once, alert, and keep the catalog',
		async run({ n8n }) {
			await withPartner(
				n8n,
				async (partner, { Partner: id = '' }) => {
					await alertLow(n8n, partner, id);
					// The others write to data tables, which n8n 1 does not have.
					if (isN8n1(n8n.version)) return;
					await partner.setBalance(1e9);
					await sendByMail(n8n, partner, id);
					await keepCatalog(n8n, partner, id);
				},
				5000,
			);
		},
	},
	{ name: 'gift cards: an execution that failed in the middle is retried, each card bought once', run: failAndRetry },
	{
		name: 'gift cards: n8n is killed in the middle and the execution retried, each card bought once',
		run: killAndRetry,
	},
	{ name: 'gift cards: Retry On Fail beside On Error → Continue buys nothing again', run: runAgain },
	{ name: 'gift cards: the same with references of the user, each card bought once', run: killAndRetryOwn },
];
