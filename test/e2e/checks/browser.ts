/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/require-node-api-error */
/** The way of a user through the editor, from the search for a node to a published trigger. */
import { deepEqual, equal, match } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { partnerEvents } from '../../simulator/delivery';
import type { Check, Stage } from '../check';
import {
	closeNode,
	openEditor,
	openNode,
	openWorkflow,
	picture,
	pictures,
	publish,
	withText,
	workflowOf,
} from '../editor';
import { credentialName, partnerCredentialName } from '../mainJob';
import type { N8n, WorkflowFile } from '../n8n';
import { isN8n1 } from '../provision';
import { freePort, until } from '../processes';
import { beginsWith, descriptionsIn, forms } from './forms';
import { messages } from './messages';
import { everyFiveSeconds, register } from './polls';
import { partnerKey, withHubble } from './trigger';

/** How the devices of the simulated fleet are called, before and after the main job. */
const deviceName = /(Cold room|Freezer|Truck|Tracker) \d+/;

/** One browser serves all checks on an n8n: to load the editor anew takes longer than most of them. */
const opened = new Map<Stage, { browser: Browser; page: Page }>();

async function pageOn(stage: Stage): Promise<Page> {
	const { browser, page } = opened.get(stage) ?? (await openEditor(stage.n8n));
	opened.set(stage, { browser, page });
	return page;
}

/** A picture stays of where a check failed; the next one begins with a browser of its own. */
const inEditor = (name: string, look: (page: Page, stage: Stage) => Promise<string[]>): Check => ({
	name: `browser: ${name}`,
	async run(stage) {
		const page = await pageOn(stage);
		try {
			return [...(await look(page, stage)), `pictures in ${pictures}`].join('\n');
		} catch (error) {
			await picture(page, `failed: ${name}`);
			await opened.get(stage)?.browser.close();
			opened.delete(stage);
			throw error;
		}
	},
});

export const browserChecks: Check[] = [
	inEditor('the search finds the nodes by the words of their users', search),
	inEditor('the list of triggers sets the event that was chosen', panel),
	inEditor('the credential dialog says what to do, until the step runs', credential),
	inEditor('pickers list names', pickers),
	inEditor('the triggers, from Execute step to a published execution', triggers),
	inEditor('what a step says that fails, that warns, or that shows an example', messages),
	inEditor('a test with the latest packets while both webhooks are taken', testWithLatest),
];

/** A minute and more on a quiet machine. */
export const formChecks: Check[] = [
	{ ...inEditor('the form of every operation and trigger', forms), notOn1: 'the forms are the same' },
];

/** What users type into n8n's search, and nodes that must be among what they get, by the name that is shown there. */
const searches: Record<string, string[]> = {
	packet: ['Hubble Packet', 'Hubble Packet Poll'],
	device: ['Hubble Device'],
	tracker: ['Hubble Device', 'Hubble Packet'],
	telemetry: ['Hubble Device', 'Hubble Packet'],
	beacon: ['Hubble Device', 'Hubble Packet'],
	BLE: ['Hubble Device', 'Hubble Packet'],
	bluetooth: ['Hubble Device', 'Hubble Packet'],
	location: ['Hubble Device', 'Hubble Packet'],
	GPS: ['Hubble Device', 'Hubble Packet'],
	sensor: ['Hubble Device', 'Hubble Packet'],
	satellite: ['Hubble Device', 'Hubble Packet'],
	LoRaWAN: ['Hubble Device', 'Hubble Packet'],
	'asset tracking': ['Hubble Device', 'Hubble Packet'],
	'hubble network': ['Hubble Device', 'Hubble Packet'],
	'gift card': ['Hubble Gift Card'],
	'gift-card': ['Hubble Gift Card'],
	voucher: ['Hubble Gift Card'],
	'gift voucher': ['Hubble Gift Card'],
	geofence: ['Hubble Device'],
	area: ['Hubble Device'],
	silent: ['Hubble Device'],
	offline: ['Hubble Device'],
	alert: ['Hubble Device'],
	'silent device': ['Hubble Device'],
	'device offline': ['Hubble Device'],
	'low battery': ['Hubble Device'],
	zone: ['Hubble Device'],
	'temperature alert': ['Hubble Packet'],
	'temperature sensor': ['Hubble Packet'],
	fridge: ['Hubble Packet'],
	wallet: ['Hubble Gift Card'],
	temperature: ['Hubble Packet'],
	decode: ['Hubble Packet'],
	map: ['Hubble Device', 'Hubble Packet'],
	report: ['Hubble Device', 'Hubble Packet'],
	csv: ['Hubble Device', 'Hubble Packet'],
	spreadsheet: ['Hubble Device', 'Hubble Packet'],
	battery: ['Hubble Device', 'Hubble Packet'],
	'register device': ['Hubble Device'],
	onboard: ['Hubble Device'],
	'cold chain': ['Hubble Device', 'Hubble Packet'],
	latest: ['Hubble Packet'],
	'last value': ['Hubble Packet'],
	summarize: ['Hubble Packet'],
	average: ['Hubble Packet'],
	hourly: ['Hubble Packet', 'Hubble Metric'],
	excel: ['Hubble Device', 'Hubble Packet'],
	invite: ['Hubble Invitation'],
	rotate: ['Hubble API Key'],
	rename: ['Hubble Device'],
	truck: ['Hubble Device'],
	diagnose: ['Hubble Webhook', 'Hubble Organization'],
	setup: ['Hubble Organization'],
	humidity: ['Hubble Packet', 'Hubble Packet Poll'],
	threshold: ['Hubble Packet Poll'],
	count: ['Hubble Device', 'Hubble Packet', 'Hubble Metric'],
	order: ['Hubble Gift Card'],
	pdf: ['Hubble Billing'],
};

/** Opens the list of nodes for a new workflow. */
async function openList(page: Page, n8n: N8n, name: string) {
	await openWorkflow(page, n8n, await n8n.createWorkflow(workflowOf(name, [])));
	await page.getByTestId('node-creator-plus-button').click();
	const bar = page.getByTestId('node-creator-search-bar');
	const entries = page.getByTestId('item-iterator-item');
	return { bar, entries };
}

async function search(page: Page, { n8n }: Stage): Promise<string[]> {
	const { bar, entries } = await openList(page, n8n, 'Search');
	await bar.fill('hubble');
	await withText(entries, 'Hubble Device').first().waitFor();
	await picture(page, 'search-hubble');
	const names = (await entries.allInnerTexts()).map((text) => text.split('\n')[0]?.trim() ?? '');
	deepEqual(names.slice(0, 2), ['Hubble Device', 'Hubble Packet']);
	const missed: string[] = [];
	for (const [words, nodes] of Object.entries(searches)) {
		await bar.fill('zzzz');
		await entries.first().waitFor({ state: 'detached' });
		await bar.fill(words);
		await entries.first().waitFor();
		for (const name of nodes) {
			const hit = withText(entries, name).first();
			await hit.waitFor({ timeout: 10_000 }).catch(() => missed.push(`"${words}" does not find ${name}`));
		}
	}
	deepEqual(missed, []);
	return [names.join(', ')];
}

/** The node in the list, the trigger behind it, and one event that is not the default, with its name in the form. */
const events = [
	{
		node: 'Hubble Packet',
		trigger: 'Hubble Packet Trigger',
		parameter: 'triggerOn',
		action: 'On packets in one request',
	},
	{ node: 'Hubble Device', trigger: 'Hubble Device Trigger', parameter: 'events', action: 'On device left an area' },
	{
		node: 'Hubble Gift Card',
		trigger: 'Hubble Gift Card Trigger',
		parameter: 'events',
		action: 'On wallet low balance',
	},
];

async function panel(page: Page, stage: Stage): Promise<string[]> {
	const descriptions = await descriptionsIn(page, stage);
	const said: string[] = [];
	const { bar, entries } = await openList(page, stage.n8n, 'Triggers');
	for (const { node, trigger, parameter, action } of events) {
		const { properties = [] } = descriptions.find(({ displayName }) => displayName === trigger) ?? {};
		const options = (properties.find(({ name }) => name === parameter)?.options ?? []) as Array<{
			name: string;
			action?: string;
		}>;
		await bar.fill('hubble');
		await withText(entries, node).first().click();
		await withText(entries, action).first().waitFor();
		const listed = (await entries.allInnerTexts()).map((text) => text.trim());
		deepEqual(
			listed.filter((text) => text.startsWith('On ')),
			options.map((option) => option.action),
		);
		const choices = descriptions.find(({ displayName }) => displayName === node)?.properties ?? [];
		// n8n adds its Custom API Call, which is no action.
		const actions = choices
			.filter(({ name }) => name === 'operation')
			.flatMap((choice) => (choice.options ?? []).filter((option) => 'action' in option));
		match(await page.getByTestId('node-creator').innerText(), new RegExp(`Actions \\(${actions.length}\\)`, 'i'));
		await picture(page, `triggers of ${node}`);
		await withText(entries, action).first().click();
		const field = page.getByTestId(`parameter-input-${parameter}`);
		await field.waitFor();
		const chosen = options.filter((option) => option.action === action).map(({ name }) => name);
		const shown = [await field.innerText(), ...(await field.locator('input').evaluateAll(valuesOf))].join('\n');
		deepEqual(
			options.map(({ name }) => name).filter((name) => shown.includes(name)),
			chosen,
		);
		said.push(`${trigger}: ${listed.join(', ')}`);
		await closeNode(page);
		// An empty workflow again: only for its first step n8n lists triggers.
		await page.keyboard.press('Control+a');
		await page.keyboard.press('Delete');
		await page.getByTestId('canvas-node').first().waitFor({ state: 'detached' });
		await page.getByTestId('canvas-add-button').or(page.getByTestId('node-creator-plus-button')).first().click();
	}
	return said;
}

const valuesOf = (inputs: Array<{ value: string }>) => inputs.map(({ value }) => value);

/** What is typed into the credential dialog, beside a right token and organization, and what the dialog says. */
const attempts: Array<{ what: string; typed(stage: Stage): Promise<Record<string, string>>; says: RegExp }> = [
	{ what: 'wrong token', typed: async () => ({ apiToken: 'not-a-token' }), says: /does not accept this API Token/ },
	{
		what: 'wrong organization',
		typed: async ({ hubble }) => ({ organizationId: hubble.world.stranger.metadata.org_id }),
		says: /belongs? to the organization .*Organization ID/,
	},
	{ what: 'no address', typed: async () => ({ baseUrl: 'api hubble' }), says: /The Base URL .* such as https/ },
	{
		what: 'missing scopes',
		typed: async ({ hubble }) => ({ apiToken: hubble.createToken(['write-devices']) }),
		says: /has no read scopes.*read-devices.*read-packets/,
	},
	{
		what: 'unreachable host',
		typed: async () => ({ baseUrl: `http://127.0.0.1:${await freePort()}` }),
		says: /Could not reach .*check the Base URL/,
	},
];

/** A new credential in the view of a node: five attempts in vain, then one that n8n tests green, and a step that runs. */
async function credential(page: Page, stage: Stage): Promise<string[]> {
	const { n8n, hubble } = stage;
	const said: string[] = [];
	const { bar, entries } = await openList(page, n8n, 'First steps with Hubble');
	await bar.fill('hubble');
	await withText(entries, 'Hubble Device').first().click();
	// As the first step of a workflow, n8n shows the triggers of that name, and hides the actions.
	await page
		.getByText(/^Actions \(/)
		.first()
		.click();
	await withText(entries, 'Get many devices').first().click();
	await page.getByTestId('node-credentials-select').waitFor();
	await beginsWith(page, 'Hubble Device: Get Many Devices');
	await page.getByTestId('node-credentials-select').click();
	await page.getByTestId('node-credentials-select-item-new').click();
	const dialog = page.getByTestId('editCredential-modal');
	const type = async (values: Record<string, string>) => {
		for (const [field, value] of Object.entries(values)) {
			await dialog.getByTestId(`parameter-input-${field}`).locator('input').fill(value);
		}
	};
	const right = { apiToken: hubble.token, organizationId: hubble.organizationId, baseUrl: hubble.url };
	const fields = dialog.locator('[data-test-id^="parameter-input-"] input:not([type="checkbox"])');
	await dialog.getByTestId('parameter-input-organizationId').waitFor();
	equal(await fields.count(), 2, 'the dialog begins with more than the token and the organization');
	await picture(page, 'credential first');
	await dialog.getByTestId('parameter-input-advanced').locator('.el-switch, [role="switch"]').first().click();
	await dialog.getByTestId('parameter-input-baseUrl').waitFor();
	const save = page.getByTestId('credential-save-button');
	for (const { what, typed, says } of attempts) {
		await type({ ...right, ...(await typed(stage)) });
		await save.click();
		const message = dialog.getByText(says).first();
		const more = dialog.getByText('More details');
		await more.or(message).first().waitFor();
		if (await more.isVisible()) await more.click();
		await message.waitFor();
		await picture(page, `credential ${what}`);
		said.push(`${what}: ${await message.innerText()}`);
	}
	// With a path and blanks, as it is often copied: both are repaired.
	await type({ ...right, baseUrl: ` ${hubble.url}/api/ ` });
	await save.click();
	if (!isN8n1(n8n.version)) {
		// n8n 2 closes the dialog when the test succeeds, and tests again when it is opened.
		await dialog.waitFor({ state: 'hidden' });
		await page.getByTestId('credential-edit-button').click();
	}
	await dialog.getByText(/Connection tested successfully/).waitFor();
	await picture(page, 'credential right');
	await dialog.getByRole('button', { name: /close/i }).first().click();
	await page.getByTestId('node-execute-button').click();
	await page.getByTestId('output-panel').getByText('50 items').first().waitFor();
	await picture(page, 'output');
	return said;
}

/** The node and operation whose form has the picker, and what its entries look like. */
const lists = [
	{ name: 'Device', type: 'hubbleDevice', parameter: 'deviceId', operation: 'get', shows: deviceName },
	{ name: 'Webhook', type: 'hubbleWebhook', parameter: 'webhookId', operation: 'update', shows: /Packets for n8n/ },
	{
		name: 'User',
		type: 'hubbleOrganizationUser',
		parameter: 'userId',
		operation: 'update',
		shows: /Operator 03 \(operator03@/,
	},
	{ name: 'Key', type: 'hubbleApiKey', parameter: 'keyId', operation: 'update', shows: /Key in the list/ },
];

async function pickers(page: Page, { n8n, hubble: { world } }: Stage): Promise<string[]> {
	world.createKey(world.main, { name: 'Key in the list' });
	const webhook = { webhook_id: randomUUID(), name: 'Packets for n8n', url: 'https://n8n.example.com/webhook/1' };
	world.main.webhooks.set(webhook.webhook_id, {
		...webhook,
		org_id: world.main.metadata.org_id,
		max_batch_size: 100,
		secret: 'secret',
	});
	const credentials = { hubbleApi: { id: '', name: credentialName } };
	const nodes = lists.map(({ name, type, operation }) => ({ name, type, credentials, parameters: { operation } }));
	const id = await n8n.createWorkflow(workflowOf('Pickers', nodes), await n8n.credentialIds());
	await openWorkflow(page, n8n, id);
	const said: string[] = [];
	for (const { name, parameter, shows } of lists) {
		await openNode(page, name);
		await page.getByTestId(`resource-locator-${parameter}`).click();
		const entry = page.getByTestId('rlc-item').filter({ hasText: shows }).first();
		await entry.waitFor();
		await picture(page, `picker ${name}`);
		said.push(`${name}: ${await entry.innerText()}`);
		await entry.click();
		const inputs = page.getByTestId(`resource-locator-${parameter}`).locator('input');
		const chosen = await inputs.evaluateAll((all) => all.map((input) => (input as unknown as { value: string }).value));
		match(chosen.join('\n'), shows);
		await closeNode(page);
	}
	world.main.webhooks.delete(webhook.webhook_id);
	return [...said, ...(await filterPickers(page, n8n))];
}

/** A device picked in the filters of each trigger that has them is there again when the page is loaded anew. */
async function filterPickers(page: Page, n8n: N8n): Promise<string[]> {
	const credentials = { hubbleApi: { id: '', name: credentialName } };
	const names = ['hubblePacketTrigger', 'hubblePacketPollTrigger', 'hubbleDeviceTrigger'];
	const nodes = names.map((type) => ({ name: type, type, credentials }));
	const id = await n8n.createWorkflow(workflowOf('Pickers in filters', nodes), await n8n.credentialIds());
	await openWorkflow(page, n8n, id);
	const picked = page.getByTestId('resource-locator-deviceId');
	const chosen: string[] = [];
	for (const name of names) {
		await openNode(page, name);
		await page.getByPlaceholder('Add Filter').click();
		await withText(page.locator('[role=option]:visible, .el-select-dropdown__item:visible'), 'Devices').first().click();
		await picked.click();
		// Another one for each trigger.
		const entry = page.getByTestId('rlc-item').filter({ hasText: deviceName }).nth(chosen.length);
		chosen.push((await entry.innerText()).trim());
		await entry.click();
		await closeNode(page);
	}
	await page.keyboard.press('Control+s');
	await until('the workflow with the devices that were picked', 60, async () => {
		const saved = JSON.stringify((await n8n.rest<WorkflowFile>('GET', `/workflows/${id}`)).nodes);
		return chosen.every((name) => saved.includes(name));
	});
	await page.reload();
	for (const [n, name] of names.entries()) {
		await openNode(page, name);
		await until(`the device that was picked in ${name}`, 60, async () =>
			(await picked.locator('input').evaluateAll(valuesOf)).includes(String(chosen[n])),
		);
		await closeNode(page);
	}
	return names.map((name, n) => `${name}: ${chosen[n]}`);
}

/** Polls every five seconds, and what each trigger of one workflow waits for. */
function triggerWorkflow() {
	const hubbleApi = { hubbleApi: { id: '', name: credentialName } };
	const hubblePartnerApi = { hubblePartnerApi: { id: '', name: partnerCredentialName } };
	const pollTimes = everyFiveSeconds;
	return workflowOf('Every trigger', [
		{ name: 'Deliveries', type: 'hubblePacketTrigger', credentials: hubbleApi },
		{ name: 'Polls', type: 'hubblePacketPollTrigger', credentials: hubbleApi, parameters: { pollTimes } },
		{
			name: 'Devices',
			type: 'hubbleDeviceTrigger',
			credentials: hubbleApi,
			parameters: { pollTimes, events: ['registered'] },
		},
		{
			name: 'Cards',
			type: 'hubbleGiftCardTrigger',
			credentials: hubblePartnerApi,
		},
	]);
}

/** Each trigger tried from its view, then all published by the editor's button, then what they wait for happens. */
async function triggers(page: Page, stage: Stage): Promise<string[]> {
	const { n8n } = stage;
	return await withHubble(stage, async (hubble, credentials) => {
		const { world } = hubble;
		const id = await n8n.createWorkflow(triggerWorkflow(), credentials);
		const { nodes } = await n8n.rest<WorkflowFile>('GET', `/workflows/${id}`);
		const cards = String(nodes.find(({ name }) => name === 'Cards')?.webhookId);
		const tell = async (kind: 'webhook' | 'webhook-test') =>
			await until(`the ${kind} URL`, 60, async () => {
				const url = `${n8n.url}/${kind}/${cards}/webhook`;
				return (await hubble.sendPartnerEvent(url, partnerKey, partnerEvents.walletLowBalance)).status === 200;
			});
		const isRegistered = async () => await until('the webhook at Hubble', 60, () => world.main.webhooks.size === 1);

		await openWorkflow(page, n8n, id);
		const whileWaiting: Record<string, () => Promise<unknown>> = {
			Deliveries: async () => hubble.addPackets((await isRegistered()) ? 3 : 0),
			Polls: async () => undefined,
			Devices: async () => undefined,
			Cards: async () => await tell('webhook-test'),
		};
		const screens: Record<string, string> = {
			Deliveries: 'Hubble Packet Trigger',
			Polls: 'Hubble Packet Poll Trigger',
			Cards: 'Hubble Gift Card Trigger',
		};
		const buttons: string[] = [];
		for (const [name, happens] of Object.entries(whileWaiting)) {
			await openNode(page, name);
			await beginsWith(page, screens[name] ?? '');
			const button = page.getByTestId('node-execute-button').last();
			buttons.push(`${name}: ${await button.innerText()}`);
			await button.click();
			await happens();
			await page
				.getByTestId('output-panel')
				.getByText(/^\d+ items?$/)
				.first()
				.waitFor();
			await picture(page, `trigger ${name}`);
			await closeNode(page);
		}

		hubble.clearLog();
		await publish(page, n8n);
		await isRegistered();
		// The polls learn what there is before they tell what is new.
		const polled = (list: string) => hubble.log.some(({ call, status }) => call === list && status === 200);
		await until('the first polls', 120, () => polled('listPackets') && polled('listDevices'));
		hubble.addPackets(3);
		await register(hubble, ['Registered while published']);
		await tell('webhook');
		const seen = new Set<string>();
		await until('an execution of every trigger', 120, async () => {
			for (const one of await n8n.executions(id)) {
				if (one.status !== 'success' || one.mode === 'manual') continue;
				const execution = await n8n.execution(one.id);
				for (const { name } of nodes) if (execution.items(name).length > 0) seen.add(name);
			}
			return seen.size === nodes.length;
		}).catch((error: Error) => {
			throw new Error(`${error.message}; executions only of ${[...seen].join(', ')}`);
		});
		await n8n.deactivate(id);
		return buttons;
	});
}

/** The packet trigger where no webhook is free: the message says what to do, and that does it. */
async function testWithLatest(page: Page, stage: Stage): Promise<string[]> {
	const { n8n } = stage;
	return await withHubble(stage, async ({ world }, credentials) => {
		for (const name of ['Warehouse', 'Fleet']) {
			const webhook_id = randomUUID();
			const rest = { org_id: world.main.metadata.org_id, max_batch_size: 100, secret: 'theirs' };
			world.main.webhooks.set(webhook_id, { webhook_id, name, url: `https://example.com/${name}`, ...rest });
		}
		const taken = [...world.main.webhooks.keys()];
		const hubbleApi = { hubbleApi: { id: '', name: credentialName } };
		const nodes = ['delivery', 'latest'].map((testWith) => ({
			name: testWith,
			type: 'hubblePacketTrigger',
			credentials: hubbleApi,
			parameters: { options: { testWith } },
		}));
		const id = await n8n.createWorkflow(workflowOf('Test with', nodes), credentials);
		await openWorkflow(page, n8n, id);
		await openNode(page, 'delivery');
		await page.getByTestId('node-execute-button').last().click();
		const message = page.getByText(/^Both webhooks are in use, by .*set Options → Test With to Latest Packets/).first();
		await message.waitFor();
		await picture(page, 'both webhooks taken');
		const said = await message.innerText();
		await closeNode(page);
		await openNode(page, 'latest');
		await page.getByTestId('node-execute-button').last().click();
		await page
			.getByTestId('output-panel')
			.getByText(/^10 items$/)
			.first()
			.waitFor();
		await picture(page, 'test with the latest packets');
		await closeNode(page);
		deepEqual([...world.main.webhooks.keys()], taken);
		const [execution] = await n8n.executions(id);
		equal(execution?.status, 'success');
		return [said];
	});
}
