/* eslint-disable @n8n/community-nodes/no-restricted-imports */
/** n8n's editor in a browser, as the checks and the pictures of the README use it. */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Locator, type Page, selectors } from 'playwright-core';
import { type Json, type N8n, owner, packageName, type WorkflowFile } from './n8n';
import { isN8n1 } from './provision';
import { program } from './services';

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

/** Opens a browser and signs in. Whatever is waited for may take as long as a busy machine needs. */
export async function openEditor(n8n: N8n): Promise<{ browser: Browser; page: Page }> {
	selectors.setTestIdAttribute('data-test-id');
	const browser = await chromium.launch({ executablePath: await program('chromium'), args: flags });
	const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
	page.setDefaultTimeout(120_000);
	await page.goto(`${n8n.url}/signin`);
	await page.locator('input[type=email]').fill(owner.email);
	await page.locator('input[type=password]').fill(owner.password);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.waitForURL(/home/);
	return { browser, page };
}

/** The nodes of a workflow in rows, unconnected. */
export function workflowOf(
	name: string,
	nodes: Array<{
		name: string;
		type: string;
		parameters?: Json;
		credentials?: WorkflowFile['nodes'][0]['credentials'];
	}>,
): WorkflowFile {
	const placed = nodes.map((node, n) => ({
		id: randomUUID(),
		typeVersion: /^hubble(Packet|GiftCard)Trigger$/.test(node.type) ? 2 : 1,
		position: [260 * (n % 5), 220 * Math.floor(n / 5)],
		...node,
		parameters: node.parameters ?? {},
		type: `${packageName}.${node.type}`,
	}));
	return { name, nodes: placed, connections: {}, settings: { executionOrder: 'v1' } };
}

export async function openWorkflow(page: Page, { url }: N8n, id: string): Promise<void> {
	await page.goto(`${url}/workflow/${id}`);
	await page.getByTestId('node-creator-plus-button').or(page.getByTestId('canvas-node')).first().waitFor();
}

/** Opens the view of a node that is on the canvas. */
export async function openNode(page: Page, name: string): Promise<void> {
	await page.locator(`[data-test-id="canvas-node"][data-node-name="${name}"]`).dblclick();
	await page.getByTestId('node-parameters').waitFor();
}

export async function closeNode(page: Page): Promise<void> {
	await page.getByTestId('ndv-close-button').or(page.getByTestId('back-to-canvas')).first().click();
	await page.getByTestId('node-parameters').waitFor({ state: 'detached' });
}

/** Chooses an entry of a dropdown by its whole name. */
export async function choose(page: Page, parameter: string, name: string): Promise<void> {
	await page.getByTestId(`parameter-input-${parameter}`).click();
	await withText(page.locator('[role=option]:visible, .el-select-dropdown__item:visible'), name).first().click();
}

/** Those in which an element has just that text. */
export const withText = (among: Locator, text: string) =>
	among.filter({ has: among.page().getByText(text, { exact: true }) });

export async function picture(page: Page, name: string): Promise<void> {
	await page.screenshot({ path: join(pictures, `${name.replace(/\W+/g, '-')}.png`) });
}

/** Publishes the workflow that is open, as a user does. */
export async function publish(page: Page, n8n: N8n): Promise<void> {
	if (isN8n1(n8n.version)) return await page.getByTestId('workflow-activate-switch').click();
	await page.getByTestId('workflow-open-publish-modal-button').click();
	await page.getByTestId('workflow-publish-button').click();
}

/** Waits until n8n's messages, which lie over the view for some seconds, are gone; its hints are hidden. */
export async function quiet(page: Page): Promise<void> {
	await page.addStyleTag({
		content: '[role=tooltip], .el-popper, [data-side][data-align] { visibility: hidden !important }',
	});
	await page.mouse.move(600, 700);
	await page.locator('.el-notification').first().waitFor({ state: 'detached' });
}
