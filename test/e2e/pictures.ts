/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, no-console */
/** `npm run pictures`: makes the pictures of the README in n8n's editor, with the simulated Hubble behind it. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { closeStage, openStage, type Stage } from './check';
import { openEditor, openNode, closeNode, openWorkflow, quiet } from './editor';
import { projectFolder } from './n8n';
import { defaultVersion } from './provision';

const folder = join(projectFolder, 'docs/pictures');

async function shoot(what: Page | Locator, name: string): Promise<void> {
	const path = join(folder, `${name}.png`);
	await what.screenshot({ path, animations: 'disabled' });
	console.log(`${path}: ${Math.ceil(statSync(path).size / 1024)} kB`);
}

/** The pictures in the order in which a user would see them. */
export async function take(page: Page, { n8n, workflows }: Stage): Promise<void> {
	mkdirSync(folder, { recursive: true });
	await page.setViewportSize({ width: 1200, height: 760 });
	const output = page.getByTestId('output-panel');

	await openWorkflow(page, n8n, workflows.get('alert-silent-device.json') ?? '');
	await openNode(page, 'Device Silent or Back');
	await page.getByTestId('credential-edit-button').click();
	const dialog = page.getByTestId('editCredential-modal');
	await dialog.getByText(/Connection tested successfully/).waitFor();
	await shoot(dialog, 'credential');
	await dialog.getByRole('button', { name: /close/i }).first().click();
	await page.getByTestId('node-execute-button').last().click();
	await output.getByText(/^\d+ items?$/).waitFor();
	await quiet(page);
	await shoot(page, 'trigger');
	await closeNode(page);

	await openWorkflow(page, n8n, workflows.get('enrich-packets.json') ?? '');
	await page.getByTestId('execute-workflow-button').click();
	await page.getByText('100 items').nth(2).waitFor();
	await page.getByText('Clear execution').waitFor();
	await quiet(page);
	await shoot(page, 'canvas');
	await openNode(page, 'Reading');
	await output.getByTestId('radio-button-table').click();
	await output.getByRole('columnheader').first().waitFor();
	await quiet(page);
	await shoot(page, 'decoded');
}

async function main() {
	const stage = await openStage(defaultVersion);
	const { browser, page } = await openEditor(stage.n8n);
	await take(page, stage);
	await browser.close();
	await closeStage(stage);
}

if (require.main === module) {
	main().catch((error: unknown) => {
		console.error(error);
		process.exit(1);
	});
}
