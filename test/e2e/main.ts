/* eslint-disable @n8n/community-nodes/no-restricted-globals, no-console */
/**
 * `npm run test:e2e`: named checks on real n8n releases, one after the other.
 * `npm run test:e2e -- word` runs only those with that word in their name; `N8N_VERSION` names other releases.
 * `npm run test:long` does the same with the checks that take long.
 */
import { type Check, closeStage, openStage } from './check';
import { attackChecks } from './checks/attack';
import { browserChecks } from './checks/browser';
import { credentialChecks } from './checks/credential';
import { endpointChecks } from './checks/endpoints';
import { exampleChecks } from './checks/examples';
import { fleetChecks, reportChecks } from './checks/fleet';
import { giftCardChecks } from './checks/giftCard';
import { installChecks } from './checks/install';
import { mainJobChecks } from './checks/mainJob';
import { agentChecks, nodeChecks } from './checks/nodes';
import { pickerChecks } from './checks/pickers';
import { durablePollChecks, pollChecks } from './checks/polls';
import { queueChecks } from './checks/queue';
import { queueFaultChecks } from './checks/queueFaults';
import { scaleChecks } from './checks/scale';
import { soakChecks } from './checks/soak';
import { triggerChecks } from './checks/trigger';
import { upgradeChecks } from './checks/upgrade';
import { isN8n1, n8nVersions } from './provision';

/** The checks in the order in which they run, on every n8n but where a reason is given. */
const usual: Array<{ checks: Check[]; notOn1?: string }> = [
	{ checks: installChecks },
	{ checks: mainJobChecks },
	{ checks: credentialChecks },
	{ checks: pickerChecks },
	{ checks: nodeChecks },
	{ checks: fleetChecks },
	{ checks: exampleChecks },
	{ checks: giftCardChecks },
	{ checks: triggerChecks.slice(0, 1), notOn1: 'n8n 1 stores executions one by one: 20,000 packets take it too long' },
	{ checks: triggerChecks.slice(1) },
	{ checks: upgradeChecks },
	{ checks: endpointChecks },
	{ checks: scaleChecks.slice(0, 1) },
	{ checks: scaleChecks.slice(1), notOn1: 'the example of the recovery needs the data tables of n8n 2' },
	{ checks: pollChecks },
	{ checks: durablePollChecks, notOn1: 'n8n 1 has no durable scheduler' },
	{ checks: agentChecks, notOn1: 'an agent of n8n 1 does not tell a node that it is its tool' },
	{ checks: reportChecks, notOn1: 'the report is the same file' },
	{ checks: browserChecks, notOn1: 'it looks for the words and places of the editor of n8n 2' },
	{ checks: queueChecks, notOn1: 'they read what a worker ran as n8n 2 stores it' },
];

/** What takes minutes each. */
const long: typeof usual = [
	{ checks: attackChecks },
	{ checks: soakChecks },
	{ checks: queueFaultChecks, notOn1: 'its queue mode may never answer a delivery' },
];

async function main() {
	const [word = ''] = process.argv.slice(2).filter((text) => text !== '--long');
	const plan = process.argv.includes('--long') ? long : usual;
	let passed = 0;
	/** What failed and why, told once more at the end: a log of CI is often cut in its middle. */
	const failed: string[] = [];
	for (const version of n8nVersions) {
		const title = (name: string) => `n8n ${version}: ${name}`;
		const isChosen = ({ name }: Check) => title(name).toLowerCase().includes(word.toLowerCase());
		for (const { checks, notOn1 } of plan) {
			const reason = isN8n1(version) ? notOn1 : undefined;
			for (const { name } of reason ? checks.filter(isChosen) : []) console.log(`without ${title(name)}: ${reason}`);
		}
		const chosen = plan.flatMap(({ checks, notOn1 }) => (isN8n1(version) && notOn1 ? [] : checks.filter(isChosen)));
		if (chosen.length === 0) continue;
		const stage = await openStage(version).catch((error: unknown) => {
			for (const { name } of chosen) console.log(`not ok  ${title(name)}`);
			console.log(indented(text(error)));
			failed.push(...chosen.map(({ name }) => `${title(name)}: n8n did not start`));
		});
		if (!stage) continue;
		for (const { name, run } of chosen) {
			const start = Date.now();
			const seconds = () => `(${((Date.now() - start) / 1000).toFixed(1)} s)`;
			try {
				const remark = await run(stage);
				passed += 1;
				console.log(`ok      ${title(name)} ${seconds()}`);
				if (remark) console.log(indented(remark));
			} catch (error) {
				failed.push(`${title(name)}: ${text(error).slice(0, 500)}`);
				console.log(`not ok  ${title(name)} ${seconds()}`);
				console.log(indented(`${text(error)}\nThe end of n8n's log:\n${stage.n8n.logs(15)}`));
			}
		}
		await closeStage(stage);
	}
	for (const reason of failed) console.log(`not ok  ${reason}`);
	console.log(`${passed} passed, ${failed.length} failed`);
	process.exit(failed.length > 0 || passed === 0 ? 1 : 0);
}

const text = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error));
const indented = (lines: string) => lines.replace(/^/gm, '        ');

main().catch((error: unknown) => {
	console.error(error);
	process.exit(1);
});
