/**
 * Hostile input: whatever an expression gives to a parameter, the item is refused with the parameter's name, or its
 * request stays inside the calls and the paths of its operation. No prototype is changed, and no secret comes out.
 */
import fc from 'fast-check';
import type { IDataObject, INodeType } from 'n8n-workflow';
import { nodes } from '../nodes';
import { samples, type Sample } from '../samples';
import { secretsIn } from '../simulator/secrets';
import { startSimulator, type Simulator } from '../simulator/server';
import { credentialFor, execute } from './harness';
import { parameterCases } from './parameterCases';

let hubble: Simulator;
beforeEach(async () => {
	hubble = await startSimulator({ devices: 20, packets: 20, days: 2, limits: false });
});
afterEach(async () => await hubble.close());

/** Texts that have broken something somewhere. */
const ODD_TEXTS = [
	'../../keys',
	'..%2f..%2fkeys',
	'.',
	'..',
	'a/../b',
	'a?limit=1#b',
	'%00',
	'\u0000',
	'\ud800',
	'a\r\nX-Injected: 1',
	'__proto__',
	'constructor',
	'toString',
	'={{ $json }}',
	'{{ $env }}',
	'${process.env}',
	"'; DROP TABLE devices; --",
	'<script>alert(1)</script>',
	'\u202etxt.exe',
	'ﬁ',
	'🛰'.repeat(300),
	'x'.repeat(100_000),
	'1e999',
	'-0',
	'NaN',
	'0x10',
	'true',
	'[object Object]',
	'2026-02-30',
	'9999999999999999',
	'[1,2]',
	'{"a":1}',
];
const ODD_VALUES: unknown[] = [
	0,
	-1,
	1.5,
	2 ** 53,
	1e300,
	true,
	false,
	[[]],
	[1, null],
	['../x', {}],
	{ a: 1 },
	{ length: 1 },
	{ toString: 'x' },
	{ value: '../x', __rl: true, mode: 'id' },
	JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
];
/** What a field of an item can hold. */
const odd = fc.oneof(
	fc.constantFrom(...ODD_TEXTS),
	fc.constantFrom(...ODD_VALUES),
	fc.string({ unit: 'binary' }),
	fc.jsonValue(),
);

/** The calls that an operation makes when nothing is wrong. */
const usualCalls = new Map<string, Set<string | undefined>>();
for (const { node, resource, operation } of samples) usualCalls.set([node, resource, operation].join(), new Set());
async function learnCalls(sample: Sample): Promise<Set<string | undefined>> {
	const calls = usualCalls.get([sample.node, sample.resource, sample.operation].join()) ?? new Set();
	if (calls.size) return calls;
	const same = samples.filter(
		({ node, resource, operation }) =>
			node === sample.node && resource === sample.resource && operation === sample.operation,
	);
	for (const { call, ...one } of same) {
		calls.add(call);
		await run(one, { resource: one.resource, operation: one.operation, ...one.parameters?.(hubble, 0) }, [{}]);
	}
	for (const { call } of hubble.log) calls.add(call);
	hubble.clearLog();
	return calls;
}

const run = async (sample: Pick<Sample, 'node'>, parameters: IDataObject, input: IDataObject[]) =>
	await execute({
		node: nodes[sample.node] as INodeType,
		parameters: parameters as never,
		credential: credentialFor(hubble, { requestsPerSecond: 1000 }),
		input,
		onError: 'continueRegularOutput',
	});

const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype];
const shape = () => prototypes.map((prototype) => Object.getOwnPropertyNames(prototype).join());

test.each(parameterCases)('$title', async ({ sample, field, parameters }) => {
	const calls = await learnCalls(sample);
	const before = shape();
	const insides = new RegExp(`^/api/(v2/)?org/${hubble.organizationId}(/|$)`);
	await fc.assert(
		fc.asyncProperty(
			fc.array(odd, { minLength: 12, maxLength: 12 }),
			// n8n's own engine, and the short way for a field of the item.
			fc.constantFrom('={{ $json.odd }}', '={{ [$json.odd][0] }}'),
			async (values, expression) => {
				const {
					items,
					error,
					hints,
					run: record,
				} = await run(
					sample,
					parameters(hubble, expression),
					values.map((value) => ({ odd: value }) as IDataObject),
				);
				const refusals = [...items.flatMap(({ json }) => (json.error === undefined ? [] : [json])), error].filter(
					Boolean,
				);
				for (const refusal of refusals) {
					const said = refusal instanceof Error ? refusal.message : String((refusal as IDataObject).error);
					const more = String(refusal instanceof Error ? refusal.description : (refusal as IDataObject).message);
					// Named by us (or another parameter that this one does not go with), or an answer of Hubble's own.
					expect(`${said} ${more}`).toMatch(
						/Parameter "|X-Request-ID|Item \d+ registers|Nothing was created or deleted/,
					);
					// Which scopes there are is Hubble's to know.
					if (!field.displayName.startsWith('Scope')) expect(more).not.toMatch(/Hubble says: "(body|query|path)/);
				}
				for (const { call, path } of hubble.log) {
					expect(calls).toContain(call);
					expect(path).toMatch(insides);
				}
				hubble.clearLog();
				expect(shape()).toEqual(before);
				// What an operation makes, such as a key, is in its items; the token of the credential never is.
				expect(JSON.stringify(items)).not.toContain(hubble.token);
				const { stack } = record.data.resultData.error ?? {};
				const told = [
					error?.message,
					error?.description,
					error?.context,
					stack,
					hints,
					items.map(({ json }) => json.message),
				];
				expect(secretsIn(JSON.stringify(told))).toEqual([]);
			},
		),
		{ numRuns: 2, endOnFailure: true },
	);
});
