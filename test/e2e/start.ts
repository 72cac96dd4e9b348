/* eslint-disable @n8n/community-nodes/no-restricted-globals, no-console */
/**
 * `npm start`: n8n with this package, the Hubble simulator and the example workflows, with packets arriving,
 * until Ctrl+C.
 * `npm start -- --once`: runs the example workflows instead and compares them with the simulator's truth.
 */
import { startPartnerSimulator } from '../simulator/partner';
import { startSimulator } from '../simulator/server';
import { publishTriggers, showArrivals } from './live';
import { fleet, importExamples, problemsOf, runMainJob, table } from './mainJob';
import { owner, startN8n } from './n8n';

async function main() {
	const hubble = await startSimulator(fleet);
	console.error('Building the package and starting n8n …');
	const n8n = await startN8n();
	const workflows = await importExamples(n8n, hubble);

	if (process.argv.includes('--once')) {
		const rows = await runMainJob(n8n, hubble, workflows);
		const problems = problemsOf(rows);
		console.log(table(rows));
		for (const problem of problems) console.log(`MISMATCH ${problem}`);
		if (problems.length > 0) console.error(`The end of n8n's log:\n${n8n.logs(15)}`);
		process.exit(problems.length > 0 ? 1 : 0);
	}

	const partner = await startPartnerSimulator();
	const { eventsUrl } = await publishTriggers(n8n, hubble, partner);
	console.log(`
n8n        ${n8n.url}
login      ${owner.email}  ${owner.password}
simulator  ${hubble.url}  (${fleet.devices} devices, ${fleet.packets} packets)
gift cards ${partner.url}  (brands ${partner.cases.join(', ')}, …)

The example workflows are imported and their credential is set. Ctrl+C ends everything; nothing is kept.
Those that start when Hubble delivers are published; what arrives:
`);
	await showArrivals(hubble, eventsUrl, partner.webhookSecret);
}

main().catch((error: unknown) => {
	console.error(error);
	process.exit(1);
});
