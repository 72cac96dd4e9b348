/* eslint-disable @n8n/community-nodes/no-restricted-globals, no-console */
/**
 * `npm start`: n8n with this package, the Hubble simulator and the example workflows, with packets arriving,
 * until Ctrl+C.
 * `npm start -- --once`: runs the example workflows instead and compares them with the simulator's truth.
 */
import { payloadLayout } from '../simulator/packets';
import { startPartnerSimulator } from '../simulator/partner';
import { startSimulator } from '../simulator/server';
import { live, publishExamples, silentFor } from './live';
import {
	credentialData,
	credentialName,
	fleet,
	importExamples,
	partnerCredentialData,
	problemsOf,
	runMainJob,
	table,
} from './mainJob';
import { owner, startN8n } from './n8n';

async function main() {
	const once = process.argv.includes('--once');
	const hubble = await startSimulator(once ? fleet : { ...fleet, silentFor });
	console.error('Building the package and starting n8n. The first time, this downloads n8n and takes some minutes …');
	const n8n = await startN8n();

	if (once) {
		const rows = await runMainJob(n8n, hubble, await importExamples(n8n, hubble));
		const problems = problemsOf(rows);
		console.log(table(rows));
		for (const problem of problems) console.log(`MISMATCH ${problem}`);
		if (problems.length > 0) console.error(`The end of n8n's log:\n${n8n.logs(15)}`);
		process.exit(problems.length > 0 ? 1 : 0);
	}

	const partner = await startPartnerSimulator();
	const workflows = await importExamples(n8n, hubble, partner);
	const published = await publishExamples(n8n, workflows, partner);
	const hubbleApi = credentialData(hubble);
	const partnerApi = partnerCredentialData(partner);
	console.log(`
A simulated Hubble with ${fleet.devices} devices and ${fleet.packets} packets runs on this machine.
n8n has ${workflows.size} example workflows with credentials. Published are:
${published.map((name) => `  ${name}`).join('\n')}

Packets arrive every five seconds, and every two minutes one more device has been silent for 24 hours.
A quarter of the devices send JSON. To decode what the others send, choose Decode Payload → Layout and paste:

${payloadLayout.replace(/^/gm, '  ')}

New nodes take the credential "${credentialName}". To fill in the credential dialog yourself, create a new one:

  Hubble API
    API Token        ${hubbleApi.apiToken}
    Organization ID  ${hubbleApi.organizationId}
    Base URL         ${hubbleApi.baseUrl}

  Hubble Partner API, for gift cards
    Environment      URL
    Base URL         ${partnerApi.baseUrl}
    Client ID        ${partnerApi.clientId}
    Client Secret    ${partnerApi.clientSecret}
    Webhook Secret   ${partnerApi.webhookSecret}
    Brands           ${partner.cases.join(', ')}
`);
	await live(
		hubble,
		partner,
		`
  Open   ${n8n.url}/home/workflows
  Login  ${owner.email}
         ${owner.password}
  End    Ctrl+C; nothing is kept
`,
	);
}

main().catch((error: unknown) => {
	console.error(error);
	process.exit(1);
});
