/* eslint-disable @n8n/community-nodes/no-restricted-globals, no-console */
/**
 * `npm run test:e2e`: named checks on real n8n releases, two n8n side by side, on each one after the other.
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

/** The checks of one n8n: those that nobody has begun, and those that search what the others have left. */
interface Plan {
	version: N8nVersion;
	checks: Check[];
	last: Check[];
}

function planOf(version: N8nVersion, all: readonly Check[], word: string): Plan {
	const chosen: Check[] = [];
	for (const check of all) {
		const title = titleOf(version, check);
		if (!title.toLowerCase().includes(word.toLowerCase())) continue;
		if (isN8n1(version) && check.notOn1) console.log(`without ${title}: ${check.notOn1}`);
		else chosen.push(check);
	}
	const isLast = (check: Check) => secretChecks.includes(check);
	return { version, checks: chosen.filter((check) => !isLast(check)), last: chosen.filter(isLast) };
}

const titleOf = (version: N8nVersion, { name }: Check) => `n8n ${version}: ${name}`;

/** Runs what is left of a plan on an n8n of its own, one check after the other. */
async function carryOut({ version, checks, last }: Plan): Promise<void> {
	const stage = await openStage(version).catch((error: unknown) => {
		for (const check of [...checks.splice(0), ...last]) tell(titleOf(version, check), 0, error, text(error));
	});
	if (!stage) return;
	const rest = [...last];
	for (let check = checks.shift() ?? rest.shift(); check; check = checks.shift() ?? rest.shift()) {
		const start = Date.now();
		const seconds = () => (Date.now() - start) / 1000;
		try {
			const remark = await check.run(stage);
			tell(titleOf(version, check), seconds(), undefined, remark);
		} catch (error) {
			tell(titleOf(version, check), seconds(), error, `${text(error)}\nThe end of n8n's log:\n${stage.n8n.logs(15)}`);
		}
	}
	await closeStage(stage);
}

/** A line of n8n that is through helps another one that has as many checks left. */
const WORTH_HELPING = 6;

async function main() {
	const isLong = process.argv.includes('--long');
	const [word = ''] = process.argv.slice(2).filter((argument) => argument !== '--long');
	// What the cache lacks comes first: two installations at once are slower than one after the other.
	for (const version of n8nVersions) await provisionN8n(version).catch(() => undefined);
	const plans = n8nVersions
		.map((version) => planOf(version, isLong ? long : usual, word))
		.filter(({ checks, last }) => checks.length + last.length > 0);
	if (isLong) {
		// They measure: nothing else may run.
		for (const plan of plans) await carryOut(plan);
	} else {
		// Most checks wait for n8n to start: two n8n side by side take little longer than one.
		const lanes = plans.map(async (plan) => {
			await carryOut(plan);
			for (const other of plans) if (other.checks.length >= WORTH_HELPING) await carryOut(other);
		});
		await Promise.all(lanes);
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
