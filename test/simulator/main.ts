/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- a command line */
import { parseArgs } from 'node:util';
import { startPartnerSimulator } from './partner';
import { defaults, startSimulator } from './server';

/** `npm run simulator -- --port 7000 --devices 100 --packets 5000 …`: Hubble at a terminal, until Ctrl+C. */
const flags = {
	port: { type: 'string', default: '7000' },
	'partner-port': { type: 'string', default: '7001' },
	'events-url': { type: 'string', default: '' },
	devices: { type: 'string', default: String(defaults.devices) },
	packets: { type: 'string', default: String(defaults.packets) },
	days: { type: 'string', default: String(defaults.days) },
	seed: { type: 'string', default: String(defaults.seed) },
	latency: { type: 'string', default: String(defaults.latencyMs) },
	burst: { type: 'boolean', default: false },
	'no-limits': { type: 'boolean', default: false },
	'rate-headers': { type: 'boolean', default: false },
	help: { type: 'boolean', default: false },
} as const;

const usage = `Options, with their defaults:
  --port 7000       0: any free port
  --partner-port 7001   of the gift-card service
  --events-url URL  where gift-card events go: the URL of a Hubble Gift Card Trigger
  --devices ${defaults.devices}     --packets ${defaults.packets}     --days ${defaults.days}     --seed ${defaults.seed}
  --latency 0       hold every reply back, in ms
  --burst           half of the packets within a tenth of the period
  --no-limits       answer everything (else 3 requests/s a call, 15/s an organization)
  --rate-headers    X-RateLimit-* on every reply`;

async function main(): Promise<void> {
	const { values } = parseArgs({ options: flags });
	if (values.help) {
		process.stdout.write(`${usage}\n`);
		return;
	}
	const number = (name: 'port' | 'partner-port' | 'devices' | 'packets' | 'days' | 'seed' | 'latency'): number => {
		const value = Number(values[name]);
		if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} must be a number, not ${values[name]}`);
		return value;
	};
	const simulator = await startSimulator({
		port: number('port'),
		devices: number('devices'),
		packets: number('packets'),
		days: number('days'),
		seed: number('seed'),
		latencyMs: number('latency'),
		limits: values['no-limits'] ? false : defaults.limits,
		rateHeaders: values['rate-headers'],
		burstAt: values.burst ? 0.45 : undefined,
	});
	const partner = await startPartnerSimulator({ port: number('partner-port') });
	partner.state.eventsUrl = values['events-url'];
	process.stdout.write(
		[
			`Base URL         ${simulator.url}`,
			`Organization ID  ${simulator.organizationId}`,
			`API token        ${simulator.token}`,
			`Controls         curl ${simulator.url}/_simulator`,
			'',
			'Gift cards (credential Hubble Partner API, environment URL)',
			`Base URL         ${partner.url}`,
			`Client ID        ${partner.clientId}`,
			`Client Secret    ${partner.clientSecret}`,
			`Webhook Secret   ${partner.webhookSecret}`,
			`Brands           ${partner.cases.join(', ')}`,
			'',
		].join('\n'),
	);
	for (const signal of ['SIGINT', 'SIGTERM'] as const)
		process.once(signal, () => void Promise.all([simulator.close(), partner.close()]));
}

main().catch((error: unknown) => {
	process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
	process.exitCode = 1;
});
