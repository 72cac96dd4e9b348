/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/require-node-api-error */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page, selectors } from 'playwright-core';
import type { Check, Stage } from '../check';
import { owner } from '../n8n';
import { program } from '../services';

/** The pictures of the last run stay here for a look. */
export const pictures = join(tmpdir(), 'n8n-nodes-hubble-screenshots');

/** Chromium as root in a closed network: no sandbox, no calls home. */
export const flags = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

/** How the devices of the simulated fleet are called, before and after the main job. */
const deviceName = /(Sensor|Tracker) \d+/;

export const browserChecks: Check[] = [
	{
		name: 'browser: find the nodes, connect with the credential dialog, run a step, pick a device',
		async run(stage) {
			selectors.setTestIdAttribute('data-test-id');
			const browser = await chromium.launch({ executablePath: await program('chromium'), args: flags });
			const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
			page.setDefaultTimeout(30_000);
			try {
				const remarks = await walk(page, stage);
				return [...remarks, `pictures in ${pictures}`].join('\n');
			} catch (error) {
				await picture(page, 'failed');
				throw error;
			} finally {
				await browser.close();
			}
		},
	},
];

/** Goes the way of a user who has just installed the package. Every line waits for what it names. */
async function walk(page: Page, { n8n, hubble }: Stage): Promise<string[]> {
	const remarks: string[] = [];
	const see = async (text: string | RegExp) => await page.getByText(text).first().waitFor();

	await page.goto(`${n8n.url}/signin`);
	await page.getByLabel('Email').fill(owner.email);
	await page.getByLabel('Password').fill(owner.password);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.waitForURL(/home/);

	const workflow = await n8n.createWorkflow({ name: 'First steps with Hubble', nodes: [], connections: {} });
	await page.goto(`${n8n.url}/workflow/${workflow}`);
	await page.getByTestId('node-creator-plus-button').click();
	await page.getByTestId('node-creator-search-bar').fill('hubble');
	await see('Hubble Packet');
	await see('Hubble Device');
	await picture(page, '1-node-creator');
	await page.getByText('Hubble Device', { exact: true }).first().click();
	// As the first step of a workflow, n8n shows the triggers of that name, and hides the actions.
	await page
		.getByText(/^Actions \(/)
		.first()
		.click();
	for (const action of ['Delete device', 'Get device', 'Register devices', 'Update device']) await see(action);
	await picture(page, '2-actions');
	await page.getByText('Get many devices', { exact: true }).click();

	await page.getByTestId('parameter-input-returnAll').waitFor();
	await picture(page, '3-node');
	await page.getByTestId('node-credentials-select').click();
	await page.getByTestId('node-credentials-select-item-new').click();
	const dialog = page.getByTestId('editCredential-modal');
	const type = async (field: string, value: string) =>
		await dialog.getByTestId(`parameter-input-${field}`).locator('input').fill(value);
	await type('apiToken', 'not-a-token');
	await type('organizationId', hubble.organizationId);
	await type('baseUrl', hubble.url);
	await page.getByTestId('credential-save-button').click();
	await page.getByText('More details').click();
	await see(/does not accept this API Token/);
	await picture(page, '4-credential-wrong-token');
	remarks.push(
		`wrong token: ${await page
			.getByText(/this API Token/)
			.first()
			.innerText()}`,
	);
	await type('apiToken', hubble.token);
	await page.getByTestId('credential-save-button').click();
	// n8n closes the dialog when the test succeeds, and tests again when it is opened.
	await dialog.waitFor({ state: 'hidden' });
	await page.getByTestId('credential-edit-button').click();
	await see(/Connection tested successfully/);
	await picture(page, '5-credential-right-token');
	remarks.push(
		`right token: ${await page
			.getByText(/tested successfully/)
			.first()
			.innerText()}`,
	);
	await dialog.getByRole('button', { name: /close/i }).click();

	const output = page.getByTestId('output-panel');
	await page.getByTestId('node-execute-button').click();
	await output.getByText('50 items').first().waitFor();
	await page.mouse.move(700, 800);
	// n8n's messages lie over the output for some seconds.
	for (const message of await page.locator('.el-notification').all()) await message.waitFor({ state: 'detached' });
	await picture(page, '6-output');

	await page.getByTestId('parameter-input-operation').click();
	await page.getByText('Get a device by its ID').click();
	await page.getByTestId('resource-locator-deviceId').click();
	await page.getByTestId('rlc-item').filter({ hasText: deviceName }).first().waitFor();
	await picture(page, '7-device-picker');
	return remarks;
}

async function picture(page: Page, name: string): Promise<void> {
	await page.screenshot({ path: join(pictures, `${name}.png`) });
}
