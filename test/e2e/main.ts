/* eslint-disable @n8n/community-nodes/no-restricted-globals, no-console */
/**
 * `npm run test:e2e`: named checks on real n8n releases, one after the other.
 * `npm run test:e2e -- word` runs only those with that word in their name.
 */
import { type Check, closeStage, openStage } from './check';
import { browserChecks } from './checks/browser';
import { credentialChecks } from './checks/credential';
import { endpointChecks } from './checks/endpoints';
import { exampleChecks } from './checks/examples';
import { installChecks } from './checks/install';
import { mainJobChecks } from './checks/mainJob';
import { agentChecks, nodeChecks } from './checks/nodes';
import { pickerChecks } from './checks/pickers';
import { durablePollChecks, pollChecks } from './checks/polls';
import { queueChecks } from './checks/queue';
import { scaleChecks } from './checks/scale';
import { triggerChecks } from './checks/trigger';
import type { N8nVersion } from './provision';

const everywhere = [
	...installChecks,
	...mainJobChecks,
	...credentialChecks,
	...pickerChecks,
	...nodeChecks,
	...exampleChecks,
];

const plan: Record<N8nVersion, Check[]> = {
	'2.41.1': [
		...everywhere,
		...triggerChecks,
		...endpointChecks,
		...scaleChecks,
		...pollChecks,
		...durablePollChecks,
		...agentChecks,
		...browserChecks,
		...queueChecks,
	],
	// The first check of the trigger takes minutes where executions are stored one by one.
	'1.123.81': [...everywhere, ...triggerChecks.slice(1), ...endpointChecks, ...pollChecks],
};

async function main() {
	const word = process.argv[2]?.toLowerCase() ?? '';
	let passed = 0;
	let failed = 0;
	for (const [version, checks] of Object.entries(plan) as Array<[N8nVersion, Check[]]>) {
		const chosen = checks.filter(({ name }) => `n8n ${version}: ${name}`.toLowerCase().includes(word));
		if (chosen.length === 0) continue;
		const title = (name: string) => `n8n ${version}: ${name}`;
		const stage = await openStage(version).catch((error: unknown) => {
			for (const { name } of chosen) console.log(`not ok  ${title(name)}`);
			console.log(indented(text(error)));
			failed += chosen.length;
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
				failed += 1;
				console.log(`not ok  ${title(name)} ${seconds()}`);
				console.log(indented(`${text(error)}\nThe end of n8n's log:\n${stage.n8n.logs(15)}`));
			}
		}
		await closeStage(stage);
	}
	console.log(`${passed} passed, ${failed} failed`);
	process.exit(failed > 0 || passed === 0 ? 1 : 0);
}

const text = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error));
const indented = (lines: string) => lines.replace(/^/gm, '        ');

main().catch((error: unknown) => {
	console.error(error);
	process.exit(1);
});
