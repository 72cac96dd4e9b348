/* eslint-disable @n8n/community-nodes/no-restricted-imports */
import axios from 'axios';
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fastify from 'fastify';
import { payloadLayout } from '../../simulator/packets';
import type { Simulator } from '../../simulator/server';
import type { Check, Stage } from '../check';
import { credentialName, readExample } from '../mainJob';
import { type Item, type Json, type N8n, packageName, type WorkflowFile } from '../n8n';
import { isN8n1 } from '../provision';

const byId = (value: string) => ({ __rl: true, mode: 'id', value });
const decoded = { decodePayload: 'layout', payloadLayout };
const hubbleCredential = { hubbleApi: { id: '', name: credentialName } };

/** Steps of one node after another: what each is called, its parameters, and what its only item holds. */
interface Step {
	name: string;
	type: string;
	parameters: Json;
	gives: (hubble: Simulator) => Json;
}

const steps = (type: string, ...own: Array<Omit<Step, 'type'>>): Step[] => own.map((step) => ({ type, ...step }));
const first = <T>(all: Iterable<T>): T => [...all][0] as T;
const apiKey = { resource: 'apiKey' };
const usersMail = 'new.user@example.com';
const invitedMail = 'new.invitee@example.com';

/** At least two operations of each action node. */
const chains: Step[][] = [
	steps(
		'hubbleDevice',
		{
			name: 'Get one of many devices',
			parameters: { operation: 'getAll', limit: 1, options: {}, filters: {} },
			gives: ({ world }) => ({ deviceId: oldest(world.main.devices.values()).id }),
		},
		{
			name: 'Get the device',
			parameters: { operation: 'get', deviceId: byId('={{ $json.deviceId }}'), simplify: false },
			gives: ({ world }) => {
				const { id, name, created_ts } = oldest(world.main.devices.values());
				return { id, name, created_ts, created_ts_iso: new Date(created_ts * 1000).toISOString() };
			},
		},
	),
	steps(
		'hubblePacket',
		{
			name: 'Get a packet',
			parameters: {
				operation: 'getAll',
				limit: 1,
				period: 'custom',
				order: 'oldest',
				startTime: '={{ $now.minus({ days: 7 }).toISO() }}',
			},
			gives: ({ world }) => ({
				deviceId: world.main.packets.get(0).device.id,
				sequenceNumber: world.main.packets.get(0).device.sequence_number,
			}),
		},
		{
			name: 'Get a packet of that device, raw',
			parameters: {
				operation: 'getAll',
				limit: 1,
				period: 'custom',
				order: 'oldest',
				startTime: '={{ $now.minus({ days: 7 }).toISO() }}',
				simplify: false,
				filters: { deviceId: byId('={{ $json.deviceId }}') },
			},
			gives: ({ world }) => ({ network_type: world.main.packets.get(0).network_type }),
		},
	),
	steps(
		'hubblePacket',
		{
			name: 'Get the latest packet of a device',
			parameters: { operation: 'getLatest', limit: 1, ...decoded },
			gives: ({ world: { main } }) => {
				const last = main.packets.get(main.packets.length - 1).device.timestamp;
				const latest = [1, 2, 3, 4].map((n) => main.packets.get(main.packets.length - n).device);
				const ids = latest.filter(({ timestamp }) => timestamp === last).map(({ id }) => id);
				return { timestamp: new Date(last * 1000).toISOString(), deviceId: ids.sort()[0] };
			},
		},
		{
			name: 'Summarize an hour',
			parameters: {
				operation: 'summarize',
				period: 'lastHour',
				summaryValues: { row: [{ field: byId('temperature') }] },
				groupBy: 'all',
				interval: 'period',
				...decoded,
			},
			gives: () => ({ field: 'temperature', unit: '°C' }),
		},
		{
			name: 'Count impossible values',
			parameters: {
				operation: 'count',
				period: 'lastHour',
				filters: {
					values: { list: { rows: { value: [{ field: byId('humidity'), condition: 'below', than: '0' }] } } },
				},
				...decoded,
			},
			gives: () => ({ count: 0 }),
		},
		{
			name: 'Count by environment',
			parameters: {
				operation: 'count',
				groupBy: 'tag',
				tag: '_env',
				filters: { tags: ['_env:sandbox'] },
			},
			gives: () => ({ tag: '_env', tagValue: 'sandbox' }),
		},
	),
	steps(
		'hubbleWebhook',
		{
			name: 'Create a webhook',
			parameters: {
				operation: 'create',
				url: 'http://127.0.0.1:9/packets',
				additionalFields: { name: 'Short-lived', maxBatchSize: 10 },
			},
			gives: () => ({ name: 'Short-lived', maxBatchSize: 10 }),
		},
		{
			name: 'Test the webhook',
			parameters: { operation: 'test', webhookId: byId('={{ $json.webhookId }}') },
			gives: () => ({ success: false }),
		},
		{
			name: 'Delete the webhook',
			parameters: { operation: 'delete', webhookId: byId("={{ $('Create a webhook').item.json.webhookId }}") },
			gives: () => ({ deleted: true }),
		},
	),
	steps(
		'hubbleMetric',
		{
			name: 'Get packet metrics',
			parameters: { operation: 'getPacketMetrics', days: 30, interval: 'day', output: 'summary' },
			gives: ({ world }) => ({ totalPackets: world.main.packets.length }),
		},
		{
			name: 'Get device metrics',
			parameters: { operation: 'getDeviceMetrics', days: 1, interval: 'automatic', output: 'summary' },
			gives: ({ world }) => ({ totalRegisteredDevices: world.main.devices.size }),
		},
	),
	steps(
		'hubbleOrganization',
		{
			name: 'Update the organization',
			parameters: { operation: 'update', updateFields: { timezone: 'Europe/Amsterdam' } },
			gives: () => ({ timezone: 'Europe/Amsterdam' }),
		},
		{
			name: 'Get the organization',
			parameters: { operation: 'get' },
			gives: ({ organizationId }) => ({ orgId: organizationId, timezone: 'Europe/Amsterdam' }),
		},
	),
	steps(
		'hubbleOrganizationUser',
		{
			name: 'Add a user',
			parameters: { operation: 'add', email: usersMail, role: 'member' },
			gives: () => ({ email: usersMail, role: 'member' }),
		},
		{
			name: 'Update the user',
			parameters: { operation: 'update', userId: byId('={{ $json.userId }}'), updateFields: { role: 'admin' } },
			gives: () => ({ email: usersMail, role: 'admin' }),
		},
		{
			name: 'Remove the user',
			parameters: { operation: 'remove', userId: byId('={{ $json.userId }}') },
			gives: () => ({ deleted: true }),
		},
	),
	steps(
		'hubbleInvitation',
		{
			name: 'Send an invitation',
			parameters: { operation: 'send', email: invitedMail, role: 'member' },
			gives: () => ({ inviteeEmail: invitedMail }),
		},
		{
			name: 'Revoke the invitation',
			parameters: { operation: 'revoke', email: '={{ $json.inviteeEmail }}' },
			gives: () => ({ deleted: true, email: invitedMail }),
		},
	),
	steps(
		'hubbleApiKey',
		{
			name: 'Validate the key',
			parameters: { ...apiKey, operation: 'validate' },
			gives: ({ organizationId }) => ({ valid: true, orgId: organizationId }),
		},
		{
			name: 'Create a key',
			parameters: {
				...apiKey,
				operation: 'create',
				name: 'Short-lived',
				scopes: ['read-devices'],
				expiration: 'date',
				expires: '2099-01-01T00:00:00Z',
			},
			gives: () => ({
				keyName: 'Short-lived',
				scopes: ['read-devices'],
				expiresAt: '2099-01-01T00:00:00.000Z',
			}),
		},
		{
			name: 'Delete the key',
			parameters: { ...apiKey, operation: 'delete', keyId: byId('={{ $json.keyId }}') },
			gives: () => ({ deleted: true }),
		},
	),
	steps(
		'hubbleBilling',
		{
			name: 'Get one of many invoices',
			parameters: { resource: 'invoice', operation: 'getAll', limit: 1 },
			gives: ({ world }) => ({ invoiceNumber: world.main.invoices[0]?.invoice_number }),
		},
		{
			name: 'Download the invoice',
			parameters: { resource: 'invoice', operation: 'downloadPdf', invoiceId: byId('={{ $json.invoiceId }}') },
			gives: ({ world }) => ({ fileName: `${world.main.invoices[0]?.invoice_number}.pdf` }),
		},
	),
];

/** The device that Hubble lists first. */
function oldest(devices: Iterable<{ id: string; name: string; created_ts: number }>) {
	return first([...devices].sort((a, b) => a.created_ts - b.created_ts || (a.id < b.id ? -1 : 1)));
}

const node = (name: string, type: string, typeVersion: number, parameters: Json, credentials = {}) => ({
	id: name,
	name,
	type,
	typeVersion,
	position: [0, 0],
	parameters,
	credentials,
});
const start = node('Start', 'n8n-nodes-base.manualTrigger', 1, {});
const to = (name: string, type = 'main') => [[{ node: name, type, index: 0 }]];

/** A workflow that runs the chains, one after the other. */
function workflowOf(name: string, all: Step[][]): WorkflowFile {
	const connections: Json = {
		Start: { main: [all.map(([step]) => ({ node: step?.name, type: 'main', index: 0 }))] },
	};
	for (const chain of all) {
		chain.slice(1).forEach((step, index) => (connections[chain[index]?.name ?? ''] = { main: to(step.name) }));
	}
	const nodes = all
		.flat()
		.map((step) => node(step.name, `${packageName}.${step.type}`, 1, step.parameters, hubbleCredential));
	return { name, nodes: [start, ...nodes], connections, settings: { executionOrder: 'v1' } };
}

async function runNodes({ n8n, hubble }: Stage): Promise<string> {
	// What is true before the run: it changes nothing that is compared.
	const wanted = new Map(chains.flat().map((step) => [step.name, step.gives(hubble)]));
	const id = await n8n.createWorkflow(workflowOf('Two operations of each node', chains), await n8n.credentialIds());
	const execution = await n8n.run(id);
	equal(execution.error, undefined);
	for (const { name } of chains.flat()) {
		const items: Item[] = execution.items(name);
		equal(items.length, 1, `${name} gave ${items.length} items`);
		const json = items[0]?.json ?? {};
		const expected = wanted.get(name) ?? {};
		deepEqual(Object.fromEntries(Object.keys(expected).map((field) => [field, json[field]])), expected, name);
	}
	const [file] = execution.items('Download the invoice') as Array<
		Item & { binary?: Record<string, { mimeType: string }> }
	>;
	equal(file?.binary?.data?.mimeType, 'application/pdf');
	return `${chains.flat().length} operations of ${chains.length} nodes`;
}

/** What goes wrong on the second page reaches the error output, with what helps to go on where n8n takes it. */
async function runErrorOutput({ n8n, hubble }: Stage): Promise<string> {
	const failing = {
		...node(
			'Get packets',
			`${packageName}.hubblePacket`,
			1,
			{ operation: 'getAll', limit: 3000, period: 'last7Days', order: 'oldest' },
			hubbleCredential,
		),
		onError: 'continueErrorOutput',
	};
	const nodes = [start, failing, ...['Packets', 'Trouble'].map((name) => node(name, 'n8n-nodes-base.noOp', 1, {}))];
	const connections = {
		Start: { main: to('Get packets') },
		'Get packets': { main: [...to('Packets'), ...to('Trouble')] },
	};
	const id = await n8n.createWorkflow({ name: 'Error output', nodes, connections }, await n8n.credentialIds());
	hubble.addFault({ call: 'listPackets', status: 400, skip: 1 });
	const execution = await n8n.run(id).finally(() => hubble.clearFaults());
	equal(execution.status, 'success', execution.error);
	equal(execution.items('Packets').length, 1000);
	const rows = execution.items('Trouble').map(({ json }) => json);
	equal(rows.length, 1);
	const { error, message, details, ...more } = rows[0] ?? {};
	deepEqual(more, {});
	match(String(error), /Hubble/);
	match(String(message), /X-Request-ID: \S+/);
	if (isN8n1(n8n.version)) {
		equal(details, undefined);
	} else {
		const { requestId, resumeToken, ...known } = details as Json;
		deepEqual(known, { status: 400, rowsFetched: 1000 });
		ok(String(message).includes(`X-Request-ID: ${String(requestId)}`), 'another request is named');
		ok(String(message).includes(String(resumeToken)), 'another token is named');
	}
	return `${String(error)}: ${Object.keys(rows[0] ?? {}).join(', ')}`;
}

/** Each picker besides that of devices: the node and parameter where it stands, and all that it must list. */
const pickers: Array<{
	node: string;
	method: string;
	parameter: string;
	lists: (hubble: Simulator) => Iterable<string>;
}> = [
	{
		node: 'hubbleWebhook',
		method: 'searchWebhooks',
		parameter: 'webhookId',
		lists: ({ world }) => world.main.webhooks.keys(),
	},
	{
		node: 'hubbleOrganizationUser',
		method: 'searchUsers',
		parameter: 'userId',
		lists: ({ world }) => world.main.users.keys(),
	},
	{ node: 'hubbleApiKey', method: 'searchApiKeys', parameter: 'keyId', lists: ({ world }) => world.main.keys.keys() },
	{
		node: 'hubbleBilling',
		method: 'searchInvoices',
		parameter: 'invoiceId',
		lists: ({ world }) => world.main.invoices.map(({ invoice_id }) => invoice_id),
	},
];

async function runPickers({ n8n, hubble }: Stage): Promise<string> {
	const id = (await n8n.credentialIds())[credentialName] ?? '';
	const credentials = { hubbleApi: { id, name: credentialName } };
	const { webhooks, metadata } = hubble.world.main;
	webhooks.set('picked', {
		webhook_id: 'picked',
		org_id: metadata.org_id,
		url: 'https://a.example.com',
		max_batch_size: 10,
		secret: 's',
	});
	const remarks: string[] = [];
	for (const { node: type, method, parameter, lists } of pickers) {
		const request = {
			nodeType: `${packageName}.${type}`,
			methodName: method,
			path: `parameters.${parameter}`,
			credentials,
		};
		const { results } = await n8n.listSearch(request);
		deepEqual(new Set(results.map(({ value }) => value)), new Set(lists(hubble)), method);
		const last = results.at(-1);
		const found = await n8n.listSearch({ ...request, filter: last?.name });
		ok(
			found.results.some(({ value }) => value === last?.value),
			`${method} does not find ${last?.name}`,
		);
		remarks.push(`${method}: ${results.length}, e.g. ${last?.name}`);
	}
	webhooks.delete('picked');
	for (const [methodName, type] of Object.entries({
		getScopes: 'hubbleApiKey',
		getTimezones: 'hubbleOrganization',
	})) {
		const options = await n8n.rest<Array<{ value: string }>>('POST', '/dynamic-node-parameters/options', {
			methodName,
			path: 'parameters.any',
			credentials,
			currentNodeParameters: {},
			nodeTypeAndVersion: { name: `${packageName}.${type}`, version: 1 },
		});
		ok(options.length >= 16, `${methodName} gives ${options.length} options`);
		remarks.push(`${methodName}: ${options.length}`);
	}
	const { fields } = await n8n.rest<{ fields: Array<{ id: string }> }>(
		'POST',
		'/dynamic-node-parameters/resource-mapper-fields',
		{
			methodName: 'getDeviceColumns',
			path: 'parameters.columns',
			credentials,
			currentNodeParameters: {},
			nodeTypeAndVersion: { name: `${packageName}.hubbleDevice`, version: 1 },
		},
	);
	deepEqual(
		fields.slice(0, 4).map(({ id }) => id),
		['name', 'latitude', 'longitude', 'place'],
	);
	ok(
		fields.some(({ id }) => id === 'tag:model'),
		'no column for a tag',
	);
	remarks.push(`getDeviceColumns: ${fields.length}`);
	return remarks.join('\n');
}

interface ChatRequest {
	messages: Array<{ role: string; content: unknown }>;
	tools?: Array<{ function: { name: string; description: string } }>;
}

/**
 * A model that follows a script: it calls a tool of that name, then answers with what the tool gave: how
 * many results, and the first device's name. Everything that it was asked is in `requests`.
 */
async function startModel(tool: RegExp) {
	const requests: ChatRequest[] = [];
	const server = fastify({ bodyLimit: 2 ** 26 });
	server.post('/v1/chat/completions', (request) => {
		const asked = request.body as ChatRequest;
		requests.push(asked);
		const said = asked.messages.find(({ role }) => role === 'tool')?.content;
		const call = { name: asked.tools?.find((each) => tool.test(each.function.name))?.function.name, arguments: '{}' };
		const message =
			said === undefined
				? { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: call }] }
				: { role: 'assistant', content: answerFrom(String(said)) };
		const finish_reason = said === undefined ? 'tool_calls' : 'stop';
		const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
		return {
			id: 'chat_1',
			object: 'chat.completion',
			created: 0,
			model: 'scripted',
			choices: [{ index: 0, message, finish_reason }],
			usage,
		};
	});
	const url = await server.listen({ host: '127.0.0.1', port: 0 });
	return { url, requests, close: async () => await server.close() };
}

function answerFrom(toolOutput: string): string {
	const rows = [JSON.parse(toolOutput) as Json | Json[]].flat();
	return `I see ${rows.length} results; the first is ${String(rows[0]?.name)}.`;
}

/** What an agent of that version answers, and what its model reads of the tool. */
async function askAgent(n8n: N8n, version: number, onError?: string) {
	const model = await startModel(/^Devices$/);
	try {
		const account = `Scripted model at ${model.url}`;
		await n8n.createCredential(account, 'openAiApi', { apiKey: 'none', url: `${model.url}/v1` });
		const id = await n8n.createWorkflow(
			{
				name: 'An agent asks for devices',
				nodes: [
					start,
					node('Agent', '@n8n/n8n-nodes-langchain.agent', version, {
						promptType: 'define',
						text: 'Which devices are there?',
						options: {},
					}),
					node(
						'Model',
						'@n8n/n8n-nodes-langchain.lmChatOpenAi',
						1.2,
						{ model: byId('scripted'), options: {} },
						{ openAiApi: { id: '', name: account } },
					),
					{
						...node(
							'Devices',
							`${packageName}.hubbleDeviceTool`,
							1,
							{
								descriptionType: 'auto',
								operation: 'getAll',
								returnAll: true,
								output: 'selected',
								outputFields: ['name'],
							},
							hubbleCredential,
						),
						onError,
					},
				],
				connections: {
					Start: { main: to('Agent') },
					Model: { ai_languageModel: to('Agent', 'ai_languageModel') },
					Devices: { ai_tool: to('Agent', 'ai_tool') },
				},
				// As of every new workflow: in the old order, n8n goes on with the agent before its tools.
				settings: { executionOrder: 'v1' },
			},
			await n8n.credentialIds(),
		);
		const execution = await n8n.run(id);
		equal(execution.error, undefined);
		return {
			output: String(execution.items('Agent')[0]?.json.output),
			description: model.requests[0]?.tools?.[0]?.function.description ?? '',
			tool: String(model.requests.at(-1)?.messages.find(({ role }) => role === 'tool')?.content),
		};
	} finally {
		await model.close();
	}
}

/** The Agent of most workflows, which runs the tools itself, and the newest of each line, which leaves that to n8n. */
async function runAgent({ n8n, hubble }: Stage): Promise<string> {
	const newest = isN8n1(n8n.version) ? 3 : 3.1;
	const remarks: string[] = [];
	for (const version of [2.2, newest]) {
		const { output, description, tool } = await askAgent(n8n, version);
		const { name } = oldest(hubble.world.main.devices.values());
		// A hundred of the fleet, and a note that there are more.
		equal(output, `I see 101 results; the first is ${name}.`, `Agent ${version}: ${tool.slice(0, 300)}`);
		match(description, /Get many devices in Hubble Device/);
		const [first] = JSON.parse(tool) as Json[];
		deepEqual(Object.keys(first ?? {}), ['name', 'deviceId']);
		// Without On Error → Continue, Agent 2.2 gives its model an empty text, and n8n 1 ends the execution.
		const goesOn = version === 3.1 ? [undefined] : [];
		for (const onError of [...goesOn, 'continueRegularOutput']) {
			hubble.addFault({ call: 'listDevices', status: 400 });
			const refused = await askAgent(n8n, version, onError).finally(() => hubble.clearFaults());
			match(refused.tool, /Hubble says: \\?"An unknown error has occurred\./, `Agent ${version}`);
		}
		remarks.push(`Agent ${version}: ${output} The tool's output has ${tool.length} characters.`);
	}
	return remarks.join('\n');
}

/** The example's chat asks the scripted model, which looks for devices. */
async function runAgentExample({ n8n, hubble }: Stage): Promise<string> {
	const model = await startModel(/^Find.devices$/i);
	try {
		const openAi = await n8n.createCredential('Model of the example', 'openAiApi', {
			apiKey: 'none',
			url: `${model.url}/v1`,
		});
		const example = readExample('agent-on-fleet.json');
		const webhookId = randomUUID();
		for (const each of example.nodes)
			if (each.type.endsWith('chatTrigger')) {
				// As a user does who publishes the chat.
				Object.assign(each, { webhookId, parameters: { ...each.parameters, public: true } });
			}
		const id = await n8n.createWorkflow(example, { ...(await n8n.credentialIds()), 'OpenAI account': openAi });
		await n8n.activate(id);
		const asked = { action: 'sendMessage', sessionId: 'check', chatInput: 'Which devices are there?' };
		const { data } = await axios.post<Json>(`${n8n.url}/webhook/${webhookId}/chat`, asked, { proxy: false });
		await n8n.deactivate(id);
		const { name } = oldest(hubble.world.main.devices.values());
		match(String(data.output), new RegExp(`^I see 5[01] results; the first is ${name}\\.$`));
		deepEqual(model.requests[0]?.tools?.map((tool) => tool.function.name).sort(), [
			'Count_Devices',
			'Find_Devices',
			'Find_Silent_Devices',
			'Get_Latest_Packets',
		]);
		return String(data.output);
	} finally {
		await model.close();
	}
}

/** The example with that key chosen in its picker. */
function rotationOf(oldKeyId: string): WorkflowFile {
	const example = readExample('rotate-api-key.json');
	for (const { parameters } of example.nodes) if (parameters.keyId) parameters.keyId = byId(oldKeyId);
	// Here the executions are kept, to look into them.
	return { ...example, settings: { executionOrder: 'v1' } };
}

async function runRotation({ n8n, hubble }: Stage): Promise<string> {
	const { main } = hubble.world;
	const granted = ['read-devices', 'read-packets'];
	const { key: old, token } = hubble.world.createKey(main, { name: 'Dashboard', scopes: granted });
	const rotate = async (keyId: string) =>
		await n8n.run(await n8n.createWorkflow(rotationOf(keyId), await n8n.credentialIds()));

	const seen = hubble.log.length;
	const execution = await rotate(old.key_id);
	equal(execution.error, undefined);
	const made = execution.items('Store New Key')[0]?.json ?? {};
	deepEqual([made.keyName, made.scopes], ['Dashboard', granted]);
	deepEqual([made.replacedKeyId, made.oldKeyDeleted], [old.key_id, true]);
	ok(!main.keys.has(old.key_id) && main.keys.has(String(made.keyId)));
	const calls = hubble.log.slice(seen).map(({ call, status }) => `${call} ${status}`);
	// Where nothing ran before, the node asks for Hubble's time first.
	const order = calls.slice(calls.indexOf('listKeys 200'));
	deepEqual(order, ['listKeys 200', 'createKey 200', 'checkKey 200', 'deleteKey 200']);
	const n8nLog = readFileSync(n8n.logFile, 'utf8');
	ok(![token, String(made.key)].some((secret) => n8nLog.includes(secret)), 'A key is in the log of n8n');

	// With a new key that Hubble refuses, the old one must stay.
	hubble.addFault({ call: 'checkKey', status: 401 });
	const failed = await rotate(String(made.keyId));
	hubble.clearFaults();
	equal(failed.status, 'error');
	ok(main.keys.has(String(made.keyId)), 'The old key is gone although the new one does not work');
	return `${order.join(', ')}; a new key that Hubble refuses leaves the old one`;
}

export const nodeChecks: Check[] = [
	{ name: 'each node runs two operations or more of a stored workflow', run: runNodes },
	{ name: 'an error row reaches the error output with what n8n takes of it', run: runErrorOutput },
	{ name: 'every picker and every list of options comes through the endpoint of n8n', run: runPickers },
	{ name: 'the example that rotates an API key deletes the old one only after the new one works', run: runRotation },
];

export const agentChecks: Check[] = [
	{ name: 'an AI agent uses the device node as its tool', run: runAgent },
	{ name: 'examples: agent-on-fleet.json answers in its chat', run: runAgentExample },
];
