/* eslint-disable @n8n/community-nodes/no-restricted-globals, no-console */
/**
 * `npm start`: n8n with this package, the Hubble simulator and the example workflows, with packets arriving,
 * until Ctrl+C.
 * `npm start -- --once`: runs the workflows of the main job on n8n's own engine instead and compares the outcome with
 * the simulator's truth; `npm start -- --once --server` does the same on a whole n8n.
 */
import { payloadLayout } from '../simulator/packets';
import { startPartnerSimulator } from '../simulator/partner';
import { startSimulator } from '../simulator/server';
import { onEngine } from './engine';
import { demo, live, publishExamples } from './live';
import {
	credentialData,
	credentialName,
	fleet,
	importExamples,
	onServer,
	partnerCredentialData,
	problemsOf,
	runMainJob,
	table,
} from './mainJob';
import { owner, startN8n } from './n8n';

const start = async () => {
	console.error('Building the package and starting n8n …');
	return await startN8n();
};

/** Runs the main job, and gives how many of its outcomes are wrong. */
async function once(isServer: boolean): Promise<number> {
	const hubble = await startSimulator(fleet);
	const n8n = isServer ? await start() : undefined;
	const run = n8n ? onServer(n8n, await importExamples(n8n, hubble)) : await onEngine(hubble);
	const rows = await runMainJob(run, hubble);
	const problems = problemsOf(rows);
	console.log(table(rows));
	for (const problem of problems) console.log(`MISMATCH ${problem}`);
	if (n8n && problems.length > 0) console.error(`The end of n8n's log:\n${n8n.logs(15)}`);
	return problems.length;
}

async function editor() {
	const hubble = await startSimulator(demo);
	const partner = await startPartnerSimulator();
	const hubbleApi = credentialData(hubble);
	const partnerApi = partnerCredentialData(partner);
	console.log(`
A simulated Hubble runs on this machine: ${demo.devices} cold rooms, freezers and trucks, ${demo.packets} packets in ${demo.days} days.
Packets arrive every five seconds, and every two minutes one more device has been silent for 24 hours.
A quarter of the devices send JSON alone. To decode what the others send, choose Decode Payload → Layout and paste:

${payloadLayout.replace(/^/gm, '  ')}

The credentials exist already. To fill in the credential dialog yourself, create a new one:

  Hubble API
    API Token        ${hubbleApi.apiToken}
    Organization ID  ${hubbleApi.organizationId}
    Base URL         ${hubbleApi.baseUrl}   (under Advanced)

  Hubble Partner API, for gift cards
    Environment      URL
    Base URL         ${partnerApi.baseUrl}
    Client ID        ${partnerApi.clientId}
    Client Secret    ${partnerApi.clientSecret}
    Webhook Secret   ${partnerApi.webhookSecret}
    Brands           ${partner.cases.join(', ')}
`);
	const n8n = await start();
	const workflows = await importExamples(n8n, hubble, partner);
	const published = await publishExamples(n8n, workflows, partner);
	console.log(`
n8n has ${workflows.size} example workflows with credentials; new nodes take "${credentialName}". Published are:
${published.map((name) => `  ${name}`).join('\n')}
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

async function main() {
	const { argv } = process;
	if (!argv.includes('--once')) return await editor();
	process.exit((await once(argv.includes('--server'))) > 0 ? 1 : 0);
}

main().catch((error: unknown) => {
	console.error(error);
	process.exit(1);
});
