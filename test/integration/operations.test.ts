/**
 * Every operation of every node, executed in n8n-core against the simulator: success, one bad item among
 * three, a key without the scope, an unknown ID. At the end, what the successes sent is compared with
 * the contract: each call was made, and each of its parameters was set.
 */
import type { IDataObject, INode, IPairedItemData } from 'n8n-workflow';
import { nodes } from '../nodes';
import { bothSpellings } from '../../nodes/shared/client/scopes';
import { samples, type Sample } from '../samples';
import { outputOf } from '../../tools/schemas';
import { callNamed, calls, type Call, type Schema } from '../../tools/contract';
import { startSimulator, type LogEntry, type Simulator } from '../simulator/server';
import { allScopes } from '../simulator/world';
import { tables } from '../../tools/tables';
import { credentialFor, execute, unforeseen, type Outcome } from './harness';

// More than a page of everything that comes in pages.
const fleet = { devices: 1100, packets: 2200, days: 5, limits: false } as const;

async function withHubble<T>(use: (hubble: Simulator) => Promise<T>): Promise<T> {
	const hubble = await startSimulator(fleet);
	try {
		return await use(hubble);
	} finally {
		await hubble.close();
	}
}

const rowOf = ({ node, resource, operation }: Sample) =>
	tables[node]?.find((row) => row.value === operation && row.resource === resource);

/** Runs a sample's operation once for each of `inputs`, whose values the parameters take by expressions. */
async function run(
	hubble: Simulator,
	{ node, resource, operation }: Sample,
	inputs: IDataObject[],
	more: { onError?: INode['onError']; token?: string } = {},
): Promise<Outcome> {
	return await execute({
		node: nodes[node] as never,
		parameters: {
			...(resource ? { resource } : {}),
			operation,
			...(expressions(inputs[0] ?? {}) as IDataObject),
		} as never,
		credential: credentialFor(hubble, { apiToken: more.token ?? hubble.token }),
		input: inputs,
		onError: more.onError,
	});
}

/** Each value → an expression that reads it from the input item, so that items can differ. */
function expressions(value: unknown, path = '$json', name = ''): unknown {
	// n8n decides with these what it shows, so they stay as they are.
	if (typeof value === 'boolean' || name === '__rl' || name === 'mode') return value;
	if (Array.isArray(value) && typeof value[0] === 'object')
		return value.map((entry, index) => expressions(entry, `${path}[${index}]`));
	if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
		return Object.fromEntries(
			Object.entries(value).map(([key, entry]) => [key, expressions(entry, `${path}.${key}`, key)]),
		);
	}
	return typeof value === 'string' && value.startsWith('=') ? value : `={{ ${path} }}`;
}

const given = (hubble: Simulator, sample: Sample, n = 0) => sample.parameters?.(hubble, n) ?? {};

interface Success {
	outcome: Outcome;
	log: readonly LogEntry[];
	gives: IDataObject;
	isSimplified: boolean;
}

/** The successful run of a sample, made once: its outcome, and the requests that it took. */
function success(sample: Sample): Promise<Success> {
	const made =
		successes.get(sample) ??
		withHubble(async (hubble) => {
			const input = given(hubble, sample);
			const gives = sample.gives(hubble);
			const outcome = await run(hubble, sample, [input]);
			return { outcome, log: hubble.log, gives, isSimplified: input.simplify !== false };
		});
	successes.set(sample, made);
	return made;
}
const successes = new Map<Sample, ReturnType<typeof success>>();

const titled = samples.map((sample, index) => {
	const { node, resource = '', operation, call = 'no call' } = sample;
	return { title: [node, resource, operation, `(${call})`, `#${index + 1}`].filter(Boolean).join(' '), sample };
});

test('there is a sample for each operation', () => {
	const sampled = new Set(samples.map(rowOf));
	expect(
		Object.values(tables)
			.flat()
			.filter((row) => !sampled.has(row)),
	).toEqual([]);
});

describe.each(titled)('$title', ({ sample }) => {
	const { call, alsoCalls = {}, bad, unknown } = sample;
	const scope = call && callNamed(call).scope;

	test('succeeds', async () => {
		const { outcome, log, gives } = await success(sample);
		expect(outcome.error).toBeUndefined();
		expect(outcome.items[0]?.json).toMatchObject(gives);
		expect(outcome.items.map(({ pairedItem }) => pairedItem)).toEqual(outcome.items.map(() => ({ item: 0 })));
		const made = log.filter((entry) => entry.call === call);
		expect(made.length > 0).toBe(call !== undefined);
		// A delivery is no call; and what goes by Hubble's time asks for it first, once a process.
		const all = new Set(log.flatMap((entry) => entry.call ?? []));
		if (call === 'listPackets' && !('checkKey' in alsoCalls)) all.delete('checkKey');
		expect(all).toEqual(new Set([...(call ? [call] : []), ...Object.keys(alsoCalls)]));
		expect(new Set(made.map(({ status }) => status))).toEqual(new Set(call ? [200] : []));
	});

	test('gives what n8n previews before the first run', async () => {
		const { outcome, isSimplified } = await success(sample);
		const row = rowOf(sample);
		const schema = row && outputOf(sample.node, row, isSimplified);
		// Decode keeps the fields of its input.
		expect(unforeseen(schema, outcome.items, row && !row.endpoint)).toEqual([]);
	});

	test('one bad item among three fails alone', () =>
		withHubble(async (hubble) => {
			const inputs = [given(hubble, sample, 0), given(hubble, sample, 1), given(hubble, sample, 2)];
			if (bad) inputs[1] = { ...given(hubble, sample, 1), ...bad };
			// Of a 400, Check Setup makes a finding.
			else hubble.addFault({ call, status: 422, skip: await pagesOf(sample) });
			const { items, error } = await run(hubble, sample, inputs, { onError: 'continueRegularOutput' });
			expect(error).toBeUndefined();
			const byItem = [0, 1, 2].map((item) =>
				items.filter(({ pairedItem }) => (pairedItem as IPairedItemData).item === item),
			);
			expect(byItem.map((own) => own.length > 0)).toEqual([true, true, true]);
			expect(byItem.map((own) => own.some(({ json }) => 'error' in json))).toEqual([false, true, false]);
			expect(byItem[1]?.map(({ json }) => json)).toEqual([
				expect.objectContaining({ error: expect.stringMatching(/./) as string }),
			]);
		}));

	if (scope)
		test('names the scope that the key lacks', () =>
			withHubble(async (hubble) => {
				const token = hubble.createToken(allScopes.filter((granted) => granted !== scope));
				const { error, items } = await run(hubble, sample, [given(hubble, sample)], { token });
				expect(items).toEqual([]);
				expect(error?.message).toContain(`the scope ${bothSpellings(scope)}`);
				expect(error?.httpCode).toBe('403');
				expect(JSON.stringify([error?.message, error?.description])).not.toContain(token);
			}));

	if (unknown)
		test('names the ID that Hubble does not know', () =>
			withHubble(async (hubble) => {
				const { error } = await run(hubble, sample, [{ ...given(hubble, sample), ...unknown.parameters }]);
				expect(error?.httpCode).toBe('404');
				expect(error?.message).toContain(unknown.id);
			}));
});

/** How many requests of its call a sample takes for one item. */
async function pagesOf(sample: Sample): Promise<number> {
	const { log } = await success(sample);
	return log.filter(({ call }) => call === sample.call).length;
}

/** Every field of a body by its path; a map of free names and a list of texts count as one. */
function leaves(schema: Schema, path = ''): string[] {
	if (schema.items) return leaves(schema.items as Schema, path);
	if (!schema.properties) return [path];
	return Object.entries(schema.properties as Record<string, Schema>).flatMap(([name, inner]) =>
		leaves(inner, path ? `${path}.${name}` : name),
	);
}

/** The paths at which a body holds values, as `leaves` writes them. */
function valuesIn(value: unknown, path = ''): string[] {
	if (Array.isArray(value)) return value.flatMap((entry) => valuesIn(entry, path));
	if (typeof value !== 'object' || value === null) return [path];
	return [path, ...Object.entries(value).flatMap(([name, inner]) => valuesIn(inner, path ? `${path}.${name}` : name))];
}

/** The parameters of a call that none of these requests set to something else than Hubble's default. */
function notSet({ name, query = {}, headers = {}, body }: Call, requests: readonly LogEntry[]): string[] {
	const bodies = new Set(requests.flatMap((request) => valuesIn(request.body)));
	const asked = (parameter: string) => requests.map((request) => (request.query as IDataObject)[parameter]);
	const isSent: Record<string, boolean> = {
		'Continuation-Token': requests.some(({ token }) => token),
		'Content-Type': requests.some(({ bodyBytes }) => bodyBytes > 0),
	};
	return [
		...(requests.length ? [] : ['the call itself']),
		...Object.entries(query).flatMap(([parameter, schema]) =>
			asked(parameter).some((value) => value !== undefined && String(value) !== String(schema.default))
				? []
				: [parameter],
		),
		...Object.keys(headers).filter((header) => !isSent[header]),
		...(body ? leaves(body).filter((path) => !bodies.has(path)) : []),
	].map((parameter) => `${name}: ${parameter}`);
}

test('each of the 38 calls is made, with each of its parameters set', async () => {
	const log = (await Promise.all(samples.map(success))).flatMap(({ log: entries }) => entries);
	const missing = (calls as readonly Call[]).flatMap((call) =>
		notSet(
			call,
			log.filter((entry) => entry.call === call.name),
		),
	);
	expect(calls).toHaveLength(38);
	expect(missing).toEqual([]);
});
