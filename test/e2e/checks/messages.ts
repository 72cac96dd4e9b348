/* eslint-disable @n8n/community-nodes/no-restricted-imports */
/** What the editor says where a step fails, where its output is not what one may think, and where a test event is an example. */
import { deepEqual } from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { type PartnerSimulator, startPartnerSimulator } from '../../simulator/partner';
import { type Fault, type Simulator, startSimulator } from '../../simulator/server';
import type { Stage } from '../check';
import { closeNode, openNode, openWorkflow, picture, workflowOf } from '../editor';
import { credentialData, partnerCredentialData } from '../mainJob';
import type { Json } from '../n8n';
import { until } from '../processes';

/** Credentials, each with what is wrong in it. */
const accounts = {
	right: () => ({}),
	'wrong token': () => ({ apiToken: 'not-a-token' }),
	'token with a space': () => ({ apiToken: 'two words' }),
	'wrong organization': ({ world }: Simulator) => ({ organizationId: world.stranger.metadata.org_id }),
	'no organization ID': () => ({ organizationId: 'Acme' }),
	'no write scope': (hubble: Simulator) => ({ apiToken: hubble.createToken(['read-devices']) }),
	'no address': () => ({ baseUrl: 'api hubble' }),
	// Port 9 of this machine: nothing listens there.
	'nobody there': () => ({ baseUrl: 'http://127.0.0.1:9' }),
	'no such host': () => ({ baseUrl: 'https://hubble.invalid' }),
} satisfies Record<string, (hubble: Simulator) => Json>;

const partnerAccounts = {
	partner: {},
	'wrong secret': { clientSecret: 'not-the-secret' },
	'no secret': { clientSecret: '' },
} satisfies Record<string, Json>;

/** A step and what the editor must show when it is executed: an error with what to do, a hint, or an output. */
interface Row {
	node: string;
	parameters?: Json;
	account?: keyof typeof accounts | keyof typeof partnerAccounts;
	/** What goes wrong at Hubble. */
	fault?: Fault;
	/** The first line of the error, whole. */
	says?: RegExp;
	/** What to do, below it. */
	advises?: RegExp;
	hint?: RegExp;
	/** Text of the output. */
	shows?: RegExp;
}

const byId = (value: string) => ({ __rl: true, mode: 'id', value });
const byName = (value: string) => ({ __rl: true, mode: 'name', value });
const rotated = '00000000-0000-4000-8000-00000000000a';
const nobody = 'ffffffff-ffff-4fff-bfff-ffffffffffff';
const device = (operation: string, parameters: Json = {}) => ({
	node: 'hubbleDevice',
	parameters: { operation, ...parameters },
});
const packet = (operation: string, parameters: Json = {}) => ({
	node: 'hubblePacket',
	parameters: { operation, ...parameters },
});
const card = (operation: string, parameters: Json = {}) => ({
	node: 'hubbleGiftCard',
	account: 'partner' as const,
	parameters: { resource: 'order', operation, ...parameters },
});
const order = {
	brandId: byId('brand-1'),
	denominations: { denomination: [{ denomination: 100, quantity: 1 }] },
	additionalFields: { customerName: 'A', customerPhone: '+919812345678', customerEmail: 'a@example.com' },
};
const register = device('register', { name: 'New' });
const byMatch = device('createOrUpdate', { matchBy: 'name', name: 'Senser 00300' });
const custom = (startTime: string, endTime = '') =>
	packet('getAll', { period: 'custom', startTime, ...(endTime ? { endTime } : {}) });
const poll = { item: [{ mode: 'everyX', value: 5, unit: 'minutes' }] };
const watch = (parameters: Json) => ({ node: 'hubbleDeviceTrigger', parameters: { pollTimes: poll, ...parameters } });

/** By the name of the step. */
const rows: Record<string, Row> = {
	'Wrong token': {
		...register,
		account: 'wrong token',
		says: /^Hubble does not accept the API token$/,
		advises: /Create one in the Hubble dashboard \(Developer Tools → API Tokens\) and save it in the credential/,
	},
	'Token with a space': {
		...register,
		account: 'token with a space',
		says: /^The API Token in the Hubble credential contains a character that no token has, such as a space$/,
	},
	'Wrong organization': {
		...register,
		account: 'wrong organization',
		says: /^The API Token does not belong to the organization [\da-f-]{36}$/,
		advises: /Check the Organization ID in the credential/,
	},
	'No organization ID': {
		...register,
		account: 'no organization ID',
		says: /^The Organization ID in the Hubble credential is not an ID such as 123e4567-/,
	},
	'Missing scope': {
		...register,
		account: 'no write scope',
		says: /^Hubble does not allow this: The token lacks the scope write-devices \(devices:write\)$/,
		advises: /Check the scopes of the API key/,
	},
	'No address': {
		...register,
		account: 'no address',
		says: /^The Base URL in the Hubble credential is not an address such as https:\/\/api\.hubble\.com$/,
	},
	'Nobody there': {
		...register,
		account: 'nobody there',
		says: /^Could not reach Hubble at http:\/\/127\.0\.0\.1:9$/,
		advises: /Check the Base URL in the credential and the network of this n8n server/,
	},
	'No such host': {
		...register,
		account: 'no such host',
		says: /^Could not find a server at https:\/\/hubble\.invalid$/,
		advises: /Check the Base URL in the credential/,
	},
	'Not found': {
		...device('get', { deviceId: byId(nobody) }),
		says: /^Hubble has no device with the ID ffffffff-/,
		advises: /may have been deleted, or belong to an organization other than/,
	},
	Outage: {
		...register,
		fault: { call: 'registerDevices', status: 503 },
		says: /^Hubble could not process the request \(HTTP 503\)$/,
		advises:
			/Try again later\. The request may still have succeeded\. Check before you run it again\. X-Request-ID: \S+/,
	},
	Rejected: {
		...register,
		fault: { call: 'registerDevices', status: 400 },
		says: /^Hubble rejected the request as invalid$/,
		advises: /Hubble says: ".+" Compare the parameters with Hubble's answer/,
	},
	'Cut short': {
		...register,
		fault: { call: 'registerDevices', cutBody: 20 },
		says: /^The response from Hubble was incomplete$/,
		advises: /Check the network .*The request may still have succeeded/,
	},
	'Another answer': {
		...device('getAll'),
		fault: { call: 'listDevices', body: '<html>Sign in</html>' },
		says: /^The response is not from the Hubble API \(HTTP 200, a web page\)$/,
		advises: /Check the Base URL in the credential \(http:\S+\)\. It must point to the Hubble API/,
	},
	'Not confirmed': {
		...register,
		fault: { call: 'registerDevices', body: '{"devices":[]}' },
		says: /^Hubble's response does not include this item$/,
		advises: /X-Request-ID/,
	},
	'Second page': {
		...packet('getAll', { limit: 1500, period: 'last7Days', order: 'oldest' }),
		fault: { call: 'listPackets', status: 400, skip: 1 },
		says: /^Hubble rejected the request as invalid$/,
		advises: /Stopped after 1000 rows from one page\. .*With On Error set to Continue .*what was read is output/,
	},
	'New key': {
		node: 'hubbleApiKey',
		parameters: { resource: 'apiKey', operation: 'rotate', keyId: byId(rotated), expiration: 'never' },
		fault: { call: 'checkKey', status: 401 },
		says: /^Could not confirm that the new API key works, so it was deleted and the old key was kept$/,
	},
	'No value': {
		...device('getAll', { limit: '={{ $json.none }}' }),
		says: /^"Limit": the expression returned no value$/,
	},
	'No ID': {
		...device('get', { deviceId: byId('={{ "Cold room 4" }}') }),
		says: /^"Device": "Cold room 4" is not an ID \(a UUID such as/,
	},
	'No tag': {
		...device('getAll', { filters: { ownTags: ['site Rotterdam'] } }),
		says: /^"Own Tags": "site Rotterdam" is not a tag of the form key:value, e\.g\. _env:production$/,
	},
	'Nothing to update': {
		...device('update', { deviceId: byId(nobody), updateFields: {} }),
		says: /^"Fields to Update": add at least one field$/,
	},
	'Wrong environment': {
		...device('update', {
			deviceId: byId(nobody),
			updateFields: { addTags: { list: { rows: { tag: [{ key: '_env', value: 'moon' }] } } } },
		}),
		says: /^"Add or Change Tags": "_env" must be production or sandbox, not "moon"$/,
	},
	'No date': {
		...custom('={{ "03/04/2026" }}'),
		says: /^"Start Time": "03\/04\/2026" is not a date and time, e\.g\. 2026-01-31T08:00:00Z$/,
	},
	'End before start': {
		...custom('={{ $now.minus(1, "day") }}', '={{ $now.minus(2, "days") }}'),
		says: /^"Start Time" must be before End Time/,
	},
	'No layout': {
		...packet('getAll', { decodePayload: 'layout', payloadLayout: 'temperature: float12' }),
		says: /^"Payload Layout": /,
	},
	'Not decoded': {
		...packet('count', {
			filters: {
				values: { list: { rows: { value: [{ field: byId('temperature'), condition: 'above', than: '8' }] } } },
			},
		}),
		says: /^"Values": the payloads are not decoded; choose their format in "Decode Payload"$/,
	},
	'Too many hours': {
		node: 'hubbleMetric',
		parameters: { operation: 'getApiMetrics', days: 100, interval: 'hour' },
		says: /^"Interval": hourly data covers at most 15 days\. Reduce Days Back or choose Day$/,
	},
	'No email': {
		node: 'hubbleInvitation',
		parameters: { operation: 'send', email: 'someone', role: 'member' },
		says: /^"Email": "someone" is not an email address$/,
	},
	'No https': {
		node: 'hubbleWebhook',
		parameters: { operation: 'create', url: 'n8n.example.com', additionalFields: {} },
		says: /^"URL": "n8n\.example\.com" is not an address that begins with https:\/\/ or http:\/\/$/,
	},
	'No such name': {
		...device('get', { deviceId: byName('Senser 00300') }),
		says: /^No device has the name "Senser 00300"$/,
		advises: /Check the spelling in Hubble: capital letters and spaces matter\. Nothing was sent for this item/,
	},
	'Two of a name': {
		...device('get', { deviceId: byName('Twin') }),
		says: /^2 devices have the name "Twin": \S+, \S+\. Change one of them, or /,
	},
	'No match': {
		...byMatch,
		parameters: { ...byMatch.parameters, ifNoMatch: 'fail' },
		says: /^No device has the name "Senser 00300"$/,
	},
	'Too many keys': {
		...device('register', { additionalFields: { count: 1500 } }),
		says: /^Registering 1,500 devices takes 2 requests\. Set On Error to Continue \(tab Settings\), or keys from the first could be lost$/,
		advises: /Or register at most 1,000 devices in one run\. Nothing was sent to Hubble/,
	},
	'No area': {
		...watch({ events: ['entered'], areas: { polygon: [{ name: 'Port', geojson: 'a box' }] } }),
		says: /"Areas": /,
	},
	'No internet': {
		node: 'hubblePacketTrigger',
		account: 'no such host',
		says: /^Hubble cannot deliver to http:\/\/\S+: this address is not on the internet\. Set the environment variable N8N_WEBHOOK_URL .*Latest Packets/,
	},
	'Wrong secret': {
		...card('getBalance', { resource: 'wallet' }),
		account: 'wrong secret',
		says: /^Hubble does not accept the client ID and secret$/,
		advises: /Test the Hubble Partner API credential/,
	},
	'No secret': {
		...card('getBalance', { resource: 'wallet' }),
		account: 'no secret',
		says: /^The Hubble Partner API credential has no 'Client Secret'$/,
	},
	'No voucher': {
		...card('get', { resource: 'voucher', voucherId: 'voucher-0' }),
		says: /^Hubble has no voucher with the ID voucher-0$/,
	},
	'Small amount': {
		...card('place', { ...order, denominations: { denomination: [{ denomination: 5, quantity: 1 }] } }),
		says: /^"Denominations": /,
	},
	'Empty wallet': {
		...card('place', { ...order, reference: 'order-1' }),
		says: /^Hubble rejected the request \(E300\)/,
		advises: /The balance of the wallet is too low\. Top up the wallet/,
	},
	'More exist': {
		...device('getAll', { limit: 5 }),
		hint: /^More results exist than the Limit of 5\.$/,
	},
	'None fit': {
		...packet('getAll', { limit: 3, decodePayload: 'layout', payloadLayout: 't: uint16 @40' }),
		hint: /^None of 3 payloads fit the format: \d+ bytes, "t" ends at byte 42\.$/,
	},
	Hexadecimal: {
		...packet('decode', {
			payload: '4002c40903bf13',
			payloadEncoding: 'base64',
			decodePayload: 'layout',
			payloadLayout: 't: uint16 @40',
		}),
		says: /^"Payload": .*; this looks like hexadecimal$/,
	},
	'Registered by a typo': { ...byMatch, hint: /^0 updated, 1 registered: Senser 00300$/ },
	Setup: {
		node: 'hubbleOrganization',
		parameters: { operation: 'checkSetup' },
		hint: /^Public URL failed: Set N8N_WEBHOOK_URL /,
	},
	'Before the history': {
		...packet('count', {
			period: 'custom',
			startTime: '={{ $now.minus(60, "days") }}',
			endTime: '={{ $now.minus(50, "days") }}',
		}),
		hint: /30 days/,
	},
	'Silent now': {
		...watch({ events: ['silent'], silentForHours: 24 }),
		shows: /has been silent for 3 days, last heard/,
	},
	'Silent example': {
		...watch({ events: ['silent'], silentForHours: 900 }),
		shows: /No device that passes the filters was found silent: this one is an example/,
	},
	'Area example': {
		...watch({ events: ['entered'], areas: { circle: [{ name: 'Pole', latitude: -89, longitude: 0, radius: 500 }] } }),
		shows: /No device that passes the filters was found in an area: this one is an example/,
	},
	'Packet example': {
		node: 'hubblePacketPollTrigger',
		parameters: { pollTimes: poll, filters: { tags: ['site:Nowhere'] } },
		shows: /None of the latest packets passes the filters: this one is an example/,
	},
	'Latest packets': { node: 'hubblePacketPollTrigger', parameters: { pollTimes: poll }, shows: /packetKey/ },
	'None passes': {
		node: 'hubblePacketTrigger',
		parameters: { filters: { tags: ['site:Nowhere'] }, options: { testWith: 'latest' } },
		says: /^None of the latest packets passes the filters: those of the last seven days were looked at, 10,000 at most\. Change "Filters", or pin an example/,
	},
	// The last one: n8n's process remembers the pause.
	'Rate limit': {
		...register,
		fault: { call: 'registerDevices', status: 429, headers: { 'Retry-After': '3600' } },
		says: /^Rate limit reached \(1 attempt\)$/,
		advises: /pause of 3600 s\. Run fewer workflows at the same time, or try again later/,
	},
};

/** Steps a workflow: as many as the canvas shows at a size at which they can be clicked. */
const PER_WORKFLOW = 15;

function workflows() {
	const all = Object.entries(rows);
	const parts = Array.from({ length: Math.ceil(all.length / PER_WORKFLOW) }, (_, n) =>
		all.slice(n * PER_WORKFLOW, (n + 1) * PER_WORKFLOW),
	);
	return parts.map((part, n) => {
		const steps = part.map(([name, { node, parameters, account = 'right' }]) => ({
			name,
			type: node,
			parameters,
			credentials: {
				[account in accounts ? 'hubbleApi' : 'hubblePartnerApi']: { id: '', name: `Messages: ${account}` },
			},
		}));
		const file = workflowOf(`Messages ${n + 1}`, steps);
		const start = { name: 'Start', type: 'n8n-nodes-base.manualTrigger', typeVersion: 1, parameters: {} };
		const actions = part.filter(([, { node }]) => !node.endsWith('Trigger'));
		return {
			...file,
			nodes: [{ ...file.nodes[0], ...start, id: 'start', credentials: {}, position: [-300, 0] }, ...file.nodes],
			pinData: {},
			connections: { Start: { main: [actions.map(([name]) => ({ node: name, type: 'main', index: 0 }))] } },
		};
	});
}

/** Where the editor says each thing: errors of hooks stand in a toast alone. */
const places = {
	says: '[data-test-id=node-error-message], .el-notification__content',
	advises: '[data-test-id=node-error-description]',
	hint: '[data-test-id=node-hint]',
	shows: '[data-test-id=output-panel]',
} as const;

/** What is missing of what a step should show, once it has been executed, with what is there instead. */
async function missing(page: Page, row: Row): Promise<string[]> {
	const found: string[] = [];
	for (const kind of ['says', 'advises', 'hint', 'shows'] as const) {
		const wanted = row[kind];
		let lines: string[] = [];
		if (wanted)
			await until(`what a step ${kind}`, found.length ? 5 : 60, async () => {
				const texts = await page.locator(places[kind]).allInnerTexts();
				lines = texts.flatMap((text) => text.split('\n')).map((line) => line.trim());
				return lines.some((line) => wanted.test(line));
			}).catch(() => found.push(`${kind} not ${String(wanted)} but ${lines.join(' | ').slice(0, 400)}`));
	}
	return found;
}

/** What the rows need at Hubble: two devices of one name, a key of a known ID, an empty wallet. */
function prepare({ world }: Simulator, partner: PartnerSimulator): void {
	const { main } = world;
	for (const device of [...main.devices.values()].slice(-2)) device.name = 'Twin';
	const { key } = world.createKey(main, { name: 'Dashboard' });
	main.keys.set(rotated, { ...key, key_id: rotated });
	partner.state.balance = 0;
}

async function storeAccounts({ n8n }: Stage, hubble: Simulator, partner: PartnerSimulator) {
	const stored: Record<string, string> = {};
	for (const [name, wrong] of Object.entries(accounts)) {
		const data = { ...credentialData(hubble), ...wrong(hubble) };
		stored[`Messages: ${name}`] = await n8n.createCredential(`Messages: ${name}`, 'hubbleApi', data);
	}
	for (const [name, wrong] of Object.entries(partnerAccounts)) {
		const data = { ...partnerCredentialData(partner), ...wrong };
		stored[`Messages: ${name}`] = await n8n.createCredential(`Messages: ${name}`, 'hubblePartnerApi', data);
	}
	return stored;
}

/** Executes every step in its view and reads what the editor shows. */
export async function messages(page: Page, stage: Stage): Promise<string[]> {
	const hubble = await startSimulator({
		devices: 150,
		packets: 4000,
		days: 6,
		limits: false,
		silentFor: [73 * 3_600_000],
	});
	const partner = await startPartnerSimulator();
	const found: string[] = [];
	try {
		prepare(hubble, partner);
		const credentials = await storeAccounts(stage, hubble, partner);
		for (const file of workflows()) {
			await openWorkflow(page, stage.n8n, await stage.n8n.createWorkflow(file, credentials));
			for (const { name } of file.nodes) {
				const row = rows[name];
				if (!row) continue;
				if (row.fault) hubble.addFault(row.fault);
				await openNode(page, name);
				await page.getByTestId('node-execute-button').last().click();
				const wrong = await missing(page, row);
				if (wrong.length) await picture(page, `message ${name}`);
				found.push(...wrong.map((what) => `${name}: ${what}`));
				hubble.clearFaults();
				await closeNode(page);
			}
		}
	} finally {
		await hubble.close();
		await partner.close();
	}
	deepEqual(found, []);
	return [`${Object.keys(rows).length} steps`];
}
