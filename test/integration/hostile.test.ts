/**
 * Hostile input: whatever an expression gives to a parameter, the item is refused with the parameter's name, or its
 * request stays inside the calls and the paths of its operation. No prototype is changed, and no secret comes out.
 */
import fc from 'fast-check';
import type { ICredentialDataDecryptedObject, IDataObject, INodeType } from 'n8n-workflow';
import { nodes, partnerNodes } from '../nodes';
import { partnerSamples, samples, type Sample } from '../samples';
import { startPartnerSimulator, type PartnerSimulator } from '../simulator/partner';
import { secretsIn } from '../simulator/secrets';
import { startSimulator, type Simulator } from '../simulator/server';
import { credentialFor, execute, partnerCredentialFor, type Outcome } from './harness';
import { odd, shapeOfPrototypes } from './odd';
import { parameterCases, partnerParameterCases } from './parameterCases';

const LOGIN_ROUTE = 'POST /v1/partners/auth/login';
const REFERENCE_ROUTE = 'GET /v1/partners/orders/by-reference/:id';

type Operation = Pick<Sample, 'node' | 'resource' | 'operation'>;

/** What was asked: the call or the route, and the path. */
type Asked = Array<{ call?: string; path: string }>;

let hubble: Simulator;
let partner: PartnerSimulator;

const runWith =
	(all: Readonly<Record<string, INodeType>>, credential: () => ICredentialDataDecryptedObject) =>
	async ({ node, resource, operation }: Operation, parameters: IDataObject, input: IDataObject[] = [{}]) =>
		await execute({
			node: all[node] as INodeType,
			parameters: { resource, operation, ...parameters } as never,
			credential: credential(),
			input,
			onError: 'continueRegularOutput',
		});
const runHubble = runWith(nodes, () => credentialFor(hubble, { requestsPerSecond: 1000 }));
const runPartner = runWith(partnerNodes, () => partnerCredentialFor(partner));

const isSame = (one: Operation) => (other: Operation) =>
	one.node === other.node && one.resource === other.resource && one.operation === other.operation;

/** What a run says of what it refused: an error, or one in the place of data. */
const refusalsOf = ({ items, error }: Outcome): Array<{ said: string; more: string }> => [
	...items
		.filter(({ json }) => json.error !== undefined)
		.map(({ json }) => ({ said: String(json.error), more: String(json.message) })),
	...(error ? [{ said: error.message, more: String(error.description) }] : []),
];

/** Runs an operation with odd values for a parameter, a dozen at once, and looks at what comes of it. */
async function expectHarmless(
	run: (expression: string, input: IDataObject[]) => Promise<Outcome>,
	asked: () => Asked,
	look: (outcome: Outcome, all: Asked) => void,
): Promise<void> {
	const before = shapeOfPrototypes();
	await fc.assert(
		fc.asyncProperty(
			fc.array(odd, { minLength: 12, maxLength: 12 }),
			// n8n's own engine, and the short way for a field of the item.
			fc.constantFrom('={{ $json.odd }}', '={{ [$json.odd][0] }}'),
			async (values, expression) => {
				const outcome = await run(
					expression,
					values.map((value) => ({ odd: value }) as IDataObject),
				);
				look(outcome, asked());
				expect(shapeOfPrototypes()).toEqual(before);
				const { error, hints, items, run: record } = outcome;
				const { stack } = record.data.resultData.error ?? {};
				const told = [error?.message, error?.description, error?.context, stack, hints];
				expect(secretsIn(JSON.stringify([told, items.map(({ json }) => json.message)]))).toEqual([]);
			},
		),
		{ numRuns: 2, endOnFailure: true },
	);
}

/** What an operation also reads, depending on the value: the scopes, for an unknown one; the webhooks, after a refusal; Hubble's time, where it matters; the tags of all devices, for a column each. */
const READS: Readonly<Record<string, readonly string[]>> = {
	createKey: ['listScopes', 'checkKey'],
	updateKey: ['listScopes', 'checkKey'],
	createWebhook: ['listWebhooks'],
	listDevices: ['checkKey'],
	listPackets: ['checkKey', 'listDevices'],
};

describe('Hubble Network', () => {
	beforeEach(async () => {
		hubble = await startSimulator({ devices: 20, packets: 20, days: 2, limits: false });
	});
	afterEach(async () => await hubble.close());

	test.each(parameterCases)('$title', async ({ sample, field, parameters }) => {
		const given = sample.parameters?.(hubble, 0) ?? {};
		const calls = samples
			.filter(isSame(sample))
			.flatMap(({ call, alsoCalls = {} }) => [
				...(call ? [call, ...(READS[call] ?? [])] : []),
				...Object.keys(alsoCalls),
			]);
		const insides = new RegExp(`^/api/(v2/)?org/${hubble.organizationId}(/|$)`);
		const asked = () => {
			const all = [...hubble.log];
			hubble.clearLog();
			return all;
		};
		await expectHarmless(
			async (expression, input) => await runHubble(sample, parameters(given, expression), input),
			asked,
			(outcome, all) => {
				for (const { said, more } of refusalsOf(outcome)) {
					// Named by us (or another parameter that this one does not go with), or an answer of Hubble's own.
					expect(`${said} ${more}`).toMatch(/^"|X-Request-ID|already registers|Nothing was created or deleted/);
					// Which scopes there are is Hubble's to know.
					if (!field.displayName.startsWith('Scope')) expect(more).not.toMatch(/Hubble says: "(body|query|path)/);
				}
				for (const { call, path } of all) {
					expect(calls).toContain(call);
					expect(path).toMatch(insides);
				}
				// What an operation makes, such as a key, is in its items; the token of the credential never is.
				expect(JSON.stringify(outcome.items)).not.toContain(hubble.token);
			},
		);
	});
});

describe('gift cards', () => {
	beforeEach(async () => {
		partner = await startPartnerSimulator();
	});
	afterEach(async () => await partner.close());

	test.each(partnerParameterCases)('$title', async ({ sample, parameters }) => {
		const asked = () => partner.log.splice(0).map(({ route, path }) => ({ call: route, path }));
		const [order] = partnerSamples.filter(({ operation }) => operation === 'place');
		// An order to find.
		if (order && sample.resource === 'order' && sample.operation === 'get') await runPartner(order, order.parameters);
		asked();
		for (const one of partnerSamples.filter(isSame(sample))) await runPartner(one, one.parameters);
		// What an order whose reply is lost asks, too.
		const routes = [...asked().map(({ call }) => call), LOGIN_ROUTE, ...(sample === order ? [REFERENCE_ROUTE] : [])];
		await expectHarmless(
			async (expression, input) => await runPartner(sample, parameters(sample.parameters, expression), input),
			asked,
			(outcome, all) => {
				for (const { said, more } of refusalsOf(outcome)) {
					expect(`${said} ${more}`).toMatch(/^"|X-Request-ID/);
					// The service's word for a field that it does not take as it is.
					expect(`${said} ${more}`).not.toContain('E150');
				}
				for (const { call } of all) expect(routes).toContain(call);
				expect(JSON.stringify(outcome.items)).not.toContain(partner.clientSecret);
			},
		);
	});
});
