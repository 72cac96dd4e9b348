/* eslint-disable @n8n/community-nodes/no-restricted-globals, no-console */
/**
 * `npm run test:e2e`: named checks on real n8n releases side by side, on each one after the other.
 * `npm run test:e2e -- word` runs only those with that word in their name; `N8N_VERSION` names other releases.
 * `npm run test:long` runs the checks that take long or measure, on one release after the other.
 */
import { type Check, closeStage, openStage } from './check';
import { browserChecks } from './checks/browser';
import { credentialChecks } from './checks/credential';
import { endpointChecks } from './checks/endpoints';
import { exampleChecks } from './checks/examples';
import { fleetChecks } from './checks/fleet';
import { giftCardChecks } from './checks/giftCard';
import { installChecks } from './checks/install';
import { mainJobChecks } from './checks/mainJob';
import { agentChecks, nodeChecks } from './checks/nodes';
import { pickerChecks } from './checks/pickers';
import { pollChecks } from './checks/polls';
import { queueChecks } from './checks/queue';
import { scaleChecks } from './checks/scale';
import { secretChecks } from './checks/secrets';
import { triggerChecks } from './checks/trigger';
import { upgradeChecks } from './checks/upgrade';
import { long } from './long';
import { isN8n1, type N8nVersion, n8nVersions, provisionN8n } from './provision';

/** The checks in the order in which they run. */
const usual: Check[] = [
	...installChecks,
	...mainJobChecks,
	...credentialChecks,
	...pickerChecks,
	...nodeChecks,
	...fleetChecks,
	...exampleChecks,
	...giftCardChecks,
	...triggerChecks,
	...upgradeChecks,
	...endpointChecks,
	...scaleChecks,
	...pollChecks,
	...agentChecks,
	...browserChecks,
	...queueChecks,
	...secretChecks,
];

/** What passed and what failed and why; the reasons are told once more at the end, as a log of CI is often cut. */
const passed: string[] = [];
const failed: string[] = [];

function tell(name: string, seconds: number, error?: unknown, remark?: string | void) {
	(error ? failed : passed).push(error ? `${name}: ${text(error).slice(0, 500)}` : name);
	const lines = [`${error ? 'not ok ' : 'ok     '} ${name} (${seconds.toFixed(1)} s)`];
	if (remark) lines.push(indented(remark));
	// One write, for two n8n run side by side.
	console.log(lines.join('\n'));
}

/** Runs the checks whose name has the word on one n8n, one after the other. */
async function runOn(version: N8nVersion, plan: readonly Check[], word: string): Promise<void> {
	const title = (name: string) => `n8n ${version}: ${name}`;
	const chosen: Check[] = [];
	for (const check of plan.filter(({ name }) => title(name).toLowerCase().includes(word.toLowerCase()))) {
		if (isN8n1(version) && check.notOn1) console.log(`without ${title(check.name)}: ${check.notOn1}`);
		else chosen.push(check);
	}
	if (chosen.length === 0) return;
	const stage = await openStage(version).catch((error: unknown) => {
		for (const { name } of chosen) tell(title(name), 0, error, text(error));
	});
	if (!stage) return;
	for (const { name, run } of chosen) {
		const start = Date.now();
		const seconds = () => (Date.now() - start) / 1000;
		try {
			const remark = await run(stage);
			tell(title(name), seconds(), undefined, remark);
		} catch (error) {
			tell(title(name), seconds(), error, `${text(error)}\nThe end of n8n's log:\n${stage.n8n.logs(15)}`);
		}
	}
	await closeStage(stage);
}

async function main() {
	const isLong = process.argv.includes('--long');
	const [word = ''] = process.argv.slice(2).filter((argument) => argument !== '--long');
	// What the cache lacks comes first: two installations at once are slower than one after the other.
	for (const version of n8nVersions) await provisionN8n(version).catch(() => undefined);
	if (isLong) {
		// They measure: nothing else may run.
		for (const version of n8nVersions) await runOn(version, long, word);
	} else {
		// Most checks wait for n8n to start: two lines side by side take little longer than one.
		await Promise.all(n8nVersions.map(async (version) => await runOn(version, usual, word)));
	}
	for (const reason of failed) console.log(`not ok  ${reason}`);
	console.log(`${passed.length} passed, ${failed.length} failed`);
	process.exit(failed.length > 0 || passed.length === 0 ? 1 : 0);
}

const text = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error));
const indented = (lines: string) => lines.replace(/^/gm, '        ');

main().catch((error: unknown) => {
	console.error(error);
	process.exit(1);
});
