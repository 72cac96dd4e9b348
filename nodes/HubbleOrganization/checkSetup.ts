/** Check Setup: what stands between this n8n and Hubble, as far as a node can know it; what it cannot, it leaves out. */
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { resumeUrl } from '../shared/n8n';
import { endpoints } from '../shared/client/endpoints';
import { asError, hubbleStatusOf, statusOf } from '../shared/client/errors';
import { objectOf, rowsOf } from '../shared/client/json';
import { bothSpellings, READS } from '../shared/client/scopes';
import type { Work } from '../shared/operation/operation';
import { asText, counted, isEmpty } from '../shared/operation/values';
import { isPrivateHost } from '../shared/webhook/addresses';
import { endpointName } from '../shared/webhook/ownership';
import { adviceFor, rootHere, stateOf } from '../shared/webhook/states';

/** In the order of the items. */
const STATE_NAMES = ['failed', 'warning', 'ok'] as const;
type State = (typeof STATE_NAMES)[number];

/** @param advice what to do; empty if nothing needs to be done */
const finding = (check: string, state: State, meaning: string, advice = '') => ({ check, state, meaning, advice });
const ok = (check: string, meaning: string) => finding(check, 'ok', meaning);
type Finding = ReturnType<typeof finding>;

/** Whether Hubble takes the token for the organization. What is neither accepted nor refused is thrown. */
async function tokenFinding({ hubble }: Work): Promise<Finding> {
	const name = 'API Token';
	try {
		const { body } = await hubble.send({ endpoint: endpoints.checkKey });
		const owner = String(body.org_id ?? hubble.organizationId).toLowerCase();
		if (owner === hubble.organizationId) return ok(name, 'Hubble accepts the token for this organization.');
		const advice = 'Enter this ID as Organization ID in the credential.';
		return finding(name, 'failed', `The token belongs to the organization ${owner}.`, advice);
	} catch (error) {
		if (statusOf(error) === 401) {
			const advice = 'Create a key in the dashboard of Hubble and put its token into the credential.';
			return finding(name, 'failed', 'Hubble does not accept the token: it is wrong, expired or revoked.', advice);
		}
		// Another server may refuse, too.
		if (![400, 403, 404].includes(hubbleStatusOf(error))) throw asError(error);
		const advice = 'Enter the ID of the organization to which the token belongs in the credential.';
		return finding(name, 'failed', `The token does not belong to the organization ${hubble.organizationId}.`, advice);
	}
}

/** What the key may read, and what that says of organization and webhooks. */
async function readFindings(work: Work): Promise<Finding[]> {
	const { hubble } = work;
	const name = 'Scopes to Read';
	const lacking: string[] = [];
	const findings: Finding[] = [];
	await Promise.all(
		READS.map(async ({ endpoint, query, nodes }) => {
			try {
				const { body } = await hubble.send({ endpoint, query });
				if (endpoint === endpoints.getOrganization) findings.push(organizationFinding(hubble.organizationId, body));
				if (endpoint !== endpoints.listWebhooks) return;
				for (const one of await webhookFindings(work, body)) findings.push(one);
			} catch (error) {
				if (hubbleStatusOf(error) === 403)
					lacking.push(`${bothSpellings(endpoint.scope ?? '')} for ${nodes.join(', ')}`);
				else {
					const { message, description = '' } = objectOf(error);
					const advice = String(description || 'Run Check Setup again.');
					findings.push(finding(`${name}: ${endpoint.scope}`, 'failed', `${String(message)}.`, advice));
				}
			}
		}),
	);
	const advice =
		'Add the ones that your workflows need to the API key. Write scopes cannot be tested without changing something.';
	const all =
		'The key has all read scopes that the nodes use. Write scopes cannot be tested without changing something.';
	const isKnown = findings.every(({ check }) => !check.startsWith(name));
	const scopes = lacking.length
		? [finding(name, 'warning', `The key lacks ${lacking.sort().join('; ')}.`, advice)]
		: isKnown
			? [ok(name, all)]
			: [];
	return [...scopes, ...findings.sort((a, b) => a.check.localeCompare(b.check))];
}

function organizationFinding(id: string, { name, org_type: type }: IDataObject): Finding {
	const kind = isEmpty(type) ? '' : ` (${asText(type)})`;
	const named = isEmpty(name) ? `${id}, which has no name` : `"${asText(name)}"`;
	return ok('Organization', `The organization is ${named}${kind}.`);
}

/** Seconds by which n8n's clock may differ: Hubble's is known to a second and the way of a reply. */
const CLOCK_TOLERANCE_S = 10;

function clockFinding({ hubble }: Work): Finding {
	const name = 'Clock';
	const ahead = Math.round(Date.now() / 1000 - hubble.now());
	if (Math.abs(ahead) <= CLOCK_TOLERANCE_S) return ok(name, "n8n's clock agrees with that of Hubble.");
	const meaning = `n8n's clock is ${counted(Math.abs(ahead), 'second')} ${ahead > 0 ? 'ahead of' : 'behind'} that of Hubble. The nodes go by Hubble's, but schedules and expressions such as $now by n8n's.`;
	return finding(name, 'warning', meaning, "Synchronize the server's clock, ideally with NTP.");
}

/** Whether the URL that n8n gives to webhooks looks like one that Hubble reaches; nothing where n8n does not tell. */
function urlFindings({ context }: Work): Finding[] {
	const url = resumeUrl(context);
	if (!url) return [];
	const name = 'Public URL';
	const advice =
		"Set N8N_WEBHOOK_URL (WEBHOOK_URL in n8n 1) to n8n's public https address, or use the Hubble Packet Poll Trigger, which needs no public URL.";
	if (isPrivateHost(url.hostname)) {
		const meaning = `n8n says that its address is ${url.origin}, which Hubble cannot reach: the Hubble Packet Trigger cannot receive packets.`;
		return [finding(name, 'failed', meaning, advice)];
	}
	if (url.protocol !== 'https:') {
		const meaning = `n8n says that its address is ${url.origin}, without encryption: the Hubble Packet Trigger needs an address that begins with https://.`;
		return [finding(name, 'failed', meaning, advice)];
	}
	return [ok(name, `n8n says that its address is ${url.origin}, which appears to be reachable from the internet.`)];
}

async function webhookFindings({ context, hubble }: Work, body: IDataObject): Promise<Finding[]> {
	const name = 'Webhooks';
	const webhooks = rowsOf(body.webhooks);
	const root = rootHere(context);
	const findings: Finding[] = [];
	for (const webhook of webhooks) {
		const state = await stateOf(context, webhook, root);
		if (['listening', 'manual', 'foreign', 'otherNode'].includes(state)) continue;
		const level = state === 'secretLost' ? 'failed' : 'warning';
		const meaning = `The webhook "${endpointName(webhook)}" at ${String(webhook.url)} has the state "${state}".`;
		findings.push(finding(name, level, meaning, adviceFor(state, root, hubble.baseUrl)));
	}
	const used = ['no webhook', 'one webhook'][webhooks.length] ?? counted(webhooks.length, 'webhook');
	const all = `The organization has ${used}; two are possible. Nothing needs to be done.`;
	return findings.length ? findings : [ok(name, all)];
}

/** The zone by which the nodes write times; nobody but the user knows whether it is the right one. */
function zoneFinding({ context }: Work): Finding {
	const meaning = `Times in texts, periods such as Yesterday, and reports are in the time zone ${context.getTimezone()}. To change it, set Timezone in the settings of the workflow, or GENERIC_TIMEZONE for all workflows of n8n.`;
	return ok('Time Zone', meaning);
}

/** Where n8n keeps files: a small one is stored with this execution, and where it went says it. */
async function storageFinding({ helpers }: IExecuteFunctions): Promise<Finding> {
	const name = 'Storage of Files';
	const { id } = await helpers.prepareBinaryData(Buffer.from('Check Setup'), 'check-setup.txt', 'text/plain');
	const where = /^[a-z0-9]+/.exec(id ?? '')?.[0];
	if (where === 'database')
		return finding(
			name,
			'warning',
			'n8n keeps files in its database, at most 512 MB each (N8N_BINARY_DATA_DATABASE_MAX_FILE_SIZE), and holds a whole file in memory while it stores it.',
			'Compress large exports, or export shorter periods.',
		);
	if (where) return ok(name, `n8n keeps files outside of its memory (${where}): exports may be large.`);
	const advice = 'For exports larger than about 100 MB, set N8N_DEFAULT_BINARY_DATA_MODE=filesystem.';
	return finding(name, 'warning', 'n8n keeps files in its memory and in the data of executions.', advice);
}

/** The failed checks with what to do, and the names of those with a warning. */
function hintOf(findings: readonly Finding[]): string | undefined {
	const failed = findings.filter(({ state }) => state === 'failed').map((one) => `${one.check} failed: ${one.advice}`);
	const warned = findings.filter(({ state }) => state === 'warning').map(({ check }) => check);
	const warnings = warned.length ? [`Setup warning: ${[...new Set(warned)].join(', ')}.`] : [];
	return [...new Set(failed), ...warnings].join(' ') || undefined;
}

/** One item for each finding, what failed first, and one hint. */
export async function setupItems(work: Work): Promise<INodeExecutionData[]> {
	const token = await tokenFinding(work);
	const isAccepted = token.state === 'ok';
	const findings = [
		token,
		...(isAccepted ? await readFindings(work) : []),
		clockFinding(work),
		zoneFinding(work),
		...urlFindings(work),
		await storageFinding(work.context),
	];
	work.hints.add(hintOf(findings) ?? { text: () => `Setup: all ${findings.length} checks are ok.`, type: 'info' });
	return STATE_NAMES.flatMap((state) => findings.filter((one) => one.state === state)).map((json) => ({
		json: { ...json },
	}));
}
