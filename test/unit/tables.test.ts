/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals */
/** What n8n and Hubble want of the operation tables, checked on all of them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
	NodeHelpers,
	type INodeProperties,
	type INodePropertyCollection,
	type INodePropertyOptions,
} from 'n8n-workflow';
import { actionOf, listOf, operation, titleOf } from '../../nodes/shared/operation/operation';
import type { Operation, RequestOf } from '../../nodes/shared/operation/operation';
import * as fields from '../../nodes/shared/operation/fields';
import { fieldsOf } from '../../nodes/shared/operation/properties';
import { HubbleDevice } from '../../nodes/HubbleDevice/HubbleDevice.node';
import { n8nLine } from '../integration/n8nLine';
import { inCamelCase, withIsoTimes } from '../../nodes/shared/operation/times';
import { nodes, partnerNodes } from '../nodes';
import { outputOf, schemaFiles } from '../../tools/schemas';
import { calls, type Call, type Schema } from '../../tools/contract';
import { partnerTables, resourceTitle, tables } from '../../tools/tables';

const root = join(__dirname, '../..');
const rows = Object.entries(tables).flatMap(([node, operations]) =>
	operations.map((row) => ({ title: [node, row.resource, row.value].filter(Boolean).join(' '), node, row })),
);
const callOf = (method: string, path: string) =>
	(calls as readonly Call[]).find((call) => call.method === method && call.path === path);

describe.each(rows)('$title', ({ node, row }) => {
	const { endpoint, inPath = {}, inQuery = {}, inBody = {}, batch, description } = row;
	const { method = '', path = '', scope } = endpoint ?? {};
	const list = listOf(row);
	const call = callOf(method, path);

	test('is a call of the contract, with its scope', () => {
		if (!endpoint) return;
		expect(call?.scope).toBe(scope ?? null);
		if (batch) expect(callOf(method, batch.endpoint.path)?.scope).toBe(scope ?? null);
	});

	test('sends only parameters that the contract has', () => {
		const sent = batch && !batch.single ? callOf(method, batch.endpoint.path) : call;
		expect(Object.keys(inPath)).toEqual(
			Object.keys(call?.params ?? {}).filter((placeholder) => placeholder !== 'org_id'),
		);
		expect(Object.keys(sent?.query ?? {})).toEqual(
			expect.arrayContaining([...Object.keys(inQuery), ...(list?.pageSize ? [list.pageSize.name] : [])]),
		);
		expect(Object.keys((sent?.body?.properties as Schema | undefined) ?? {})).toEqual(
			expect.arrayContaining(Object.keys(inBody)),
		);
	});

	test('reads the list that the contract has', () => {
		const reply = (call?.reply.properties ?? {}) as Record<string, Schema>;
		if (list) expect(reply[list.rows]?.type).toBe('array');
		const byToken = call?.headers?.['Continuation-Token'] !== undefined;
		const byNumber = call?.query?.page_number !== undefined;
		expect(list?.pages === 'token').toBe(byToken);
		expect(list?.pages === 'number').toBe(byNumber);
		const { minimum, maximum } = call?.query?.[list?.pageSize?.name ?? ''] ?? {};
		expect([list?.pageSize?.min, list?.pageSize?.max]).toEqual([minimum, maximum]);
	});

	const items = list && ((call?.reply.properties as Record<string, Schema>)[list.rows]?.items as Schema);
	if (items && !row.items && leaves(items).length > 10)
		test('offers Simplify: it is a list of rows with more than ten fields', () => expect(row.shape).toBeDefined());

	const { shape, simplifiedFields } = row;
	if (shape && simplifiedFields)
		test('lets a tool select from the fields that there are, the key last', () => {
			const fields = Object.keys((outputOf(node, row)?.properties ?? {}) as Schema);
			expect(fields).toEqual(expect.arrayContaining([...simplifiedFields]));
			expect(fields.filter((name) => !/^decode/.test(name))).toHaveLength(simplifiedFields.length);
			expect(simplifiedFields.at(-1)).toMatch(/^(deviceId|packetKey)$/);
		});

	test('tells n8n before the first run what it gives', () => {
		expect(Object.keys((outputOf(node, row)?.properties ?? {}) as Schema)).not.toEqual([]);
		const resource = row.resource ?? (nodes[node]?.description.properties[0]?.default as string);
		const path = `${node.replace('API', 'Api').replace(/ /g, '')}/__schema__/v1.0.0/${resource}/${row.value}.json`;
		expect(schemaFiles()).toHaveProperty([path], outputOf(node, row));
	});

	test('shows secrets to an AI agent only when the user says so', () => {
		const opens = Object.keys((outputOf(node, row)?.properties ?? {}) as Schema).some((field) =>
			/^(key|secret)$/.test(field),
		);
		expect(row.hasSecrets ?? false).toBe(opens);
	});

	test('has parameters with names of their own, required ones in plain sight', () => {
		const fields = fieldsOf(row);
		const names = fields.map((field) => field.name);
		expect(new Set(names).size).toBe(names.length);
		expect(fields.filter(({ required, collection }) => required && collection)).toEqual([]);
	});

	test('reads as n8n wants it', () => {
		expect(titleOf(row)).toMatch(/^[A-Z][A-Za-z]*( (or|per|[A-Z][A-Za-z]*))*$/);
		expect(actionOf(row)).toMatch(/^[A-Z][a-z]+( ([a-z]+|API|PDF))*$/);
		expectDescription(description);
	});
});

/** Held by the compiler, not by a run: each line below must be an error to it. */
test('a row whose parameters do not fit its hooks does not compile', () => {
	const settings = { tag: fields.emailAddress };
	const row = { name: 'Get', value: 'get', description: 'Get it' };
	const inBody = { name: fields.emailAddress };
	const ofBody = ({ body }: RequestOf<{ inBody: typeof inBody }>) => body.name;
	const ofTag = ({ settings: given }: RequestOf<{ settings: { tag: typeof fields.simplify } }>) => String(given.tag);
	operation({ ...row, settings, inBody, validate: ofBody, warn: ({ settings: { tag } }) => tag });
	// @ts-expect-error -- the row offers no such setting
	operation({ ...row, settings, validate: ({ settings: { limit } }) => String(limit) });
	// @ts-expect-error -- the hook is that of a row with another body
	operation({ ...row, settings, inBody: { tag: fields.role }, validate: ofBody });
	// @ts-expect-error -- the hook needs a setting, and the row has none
	operation({ ...row, warn: ofTag });
	// @ts-expect-error -- the setting is a text, not a yes or no
	operation({ ...row, settings, warn: ofTag });
	// @ts-expect-error -- a row outside of `operation` knows nothing of its settings
	const raw: Operation = { ...row, settings, warn: ({ settings: { tag } }) => tag };
	expect(raw.settings).toBe(settings);
});

/** Fields of a row, those of objects in it included. */
function leaves(schema: Schema): string[] {
	if (!schema.properties) return [''];
	return Object.values(schema.properties as Record<string, Schema>).flatMap(leaves);
}

/** One sentence goes without a period at its end, several have it. */
function expectDescription(text: string): void {
	expect(text).toMatch(/^[A-Z]/);
	expect(text.replace(/<[^>]+>/g, '').endsWith('.')).toBe(/\. [A-Z]/.test(text));
}

test('says what an operation does by its title, unless the row says it otherwise', () => {
	const action = (node: string, value: string) =>
		tables[node]?.filter((row) => row.value === value).map((row) => actionOf(row));
	expect(action('Hubble Metric', 'getApiMetrics')).toEqual(['Get API metrics']);
	expect(action('Hubble Packet', 'getLatest')).toEqual(['Get latest packet per device']);
	expect(action('Hubble Device', 'createOrUpdate')).toEqual(['Create or update devices']);
});

test('n8n 1, whose list of actions looks at no version, gets a single resource once', () => {
	n8nLine.is1 = true;
	try {
		const resources = new HubbleDevice().description.properties.filter(({ name }) => name === 'resource');
		expect(resources.map(({ type }) => type)).toEqual(['hidden']);
	} finally {
		n8nLine.is1 = false;
	}
});

describe.each(Object.entries({ ...nodes, ...partnerNodes }))('%s', (name, { description, methods }) => {
	const operations = { ...tables, ...partnerTables }[name] ?? [];

	test('is listed, documented and fit for AI agents', () => {
		const { n8n } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { n8n: { nodes: string[] } };
		const folder = name.replace('API', 'Api').replace(/ /g, '');
		expect(description.name).toBe(folder[0]?.toLowerCase() + folder.slice(1));
		expect(n8n.nodes).toContain(`dist/nodes/${folder}/${folder}.node.js`);
		expect(existsSync(join(root, `nodes/${folder}/${folder}.node.json`))).toBe(true);
		expect(readFileSync(join(root, `nodes/${folder}/${folder}.node.json`), 'utf8')).toContain(
			`"n8n-nodes-hubble.${description.name}"`,
		);
		expect(description.usableAsTool).toBe(true);
		const { builderHint } = description as unknown as {
			builderHint: { searchHint: string; relatedNodes?: Array<{ nodeType: string }> };
		};
		expect(builderHint.searchHint).toMatch(/^[A-Z][^{}]+\.$/);
		for (const { nodeType } of builderHint.relatedNodes ?? [])
			expect(n8n.nodes.join().toLowerCase()).toContain(`/${nodeType.split('.')[1]?.toLowerCase()}.node.js`);
	});

	test('has operations with names of their own for each resource', () => {
		const resources = [...new Set(operations.map(({ resource }) => resource))];
		for (const resource of resources) {
			const own = operations.filter((row) => row.resource === resource).map((row) => row.name);
			expect(new Set(own).size).toBe(own.length);
		}
		const choice = description.properties.find((property) => property.name === 'resource');
		const shown = (choice?.options ?? []) as INodePropertyOptions[];
		if (resources[0] === undefined) {
			expect([choice?.type, shown.map((option) => option.name)]).toEqual(['hidden', [name.split(' ').at(-1)]]);
			// What the workflow builder of n8n 2 reads in its place; no version of the node shows it.
			const [, other] = description.properties.filter((property) => property.name === 'resource');
			expect(other).toMatchObject({ type: 'options', options: shown, displayOptions: { show: { '@version': [0] } } });
		} else {
			expect(shown).toEqual(resources.map((resource = '') => ({ name: resourceTitle(resource), value: resource })));
		}
	});

	test('tells an AI agent by its action what each operation does', () => {
		for (const row of operations) {
			const { resource, value } = row;
			const parameters = { resource: resource ?? (description.properties[0]?.default as string), operation: value };
			expect(NodeHelpers.makeDescription(parameters, description)).toBe(`${actionOf(row)} in ${name}`);
		}
	});

	test('says under its icon what each operation does', () => {
		const words = JSON.parse(/\((\{.*\})\)\[/.exec(String(description.subtitle))?.[1] ?? '{}') as Record<
			string,
			string
		>;
		const wanted = operations.map((row) => [row.resource ? `${row.resource} ${row.value}` : row.value, actionOf(row)]);
		expect(words).toEqual(Object.fromEntries(wanted));
	});

	test('shows an option of a collection for what it is about alone', () => {
		for (const row of operations) {
			const conditional = fieldsOf(row).filter(({ collection, shownWhen }) => collection && shownWhen);
			const all = description.properties
				.filter(({ displayOptions }) => (displayOptions?.show?.operation as string[])?.includes(row.value))
				.flatMap(({ options = [] }) => options as INodeProperties[]);
			for (const { name, shownWhen = {} } of conditional) {
				const show = Object.entries(shownWhen).map(([other, values]) => [`/${other}`, values]);
				expect(all.find((option) => option.name === name)?.displayOptions).toEqual({ show: Object.fromEntries(show) });
			}
			if (row.value === 'export') expect(conditional.length).toBeGreaterThan(8);
		}
	});

	test('offers first what only reads', () => {
		const choices = description.properties.filter((property) => property.name === 'operation');
		for (const { options = [], displayOptions } of choices) {
			const [resource] = (displayOptions?.show?.resource ?? []) as string[];
			const methods = (options as INodePropertyOptions[]).map(
				({ value }) =>
					operations.find((row) => row.value === value && (row.resource ?? resource) === resource)?.endpoint?.method ??
					'GET',
			);
			expect(methods.slice(methods.findIndex((method) => method !== 'GET') >>> 0)).not.toContain('GET');
		}
	});

	test('has parameters that read as n8n wants them', () => {
		for (const property of everyProperty(description.properties)) {
			const { displayName, type, description: text, default: preset, typeOptions, modes } = property;
			// The rows of a list in a collection stand below its name.
			expect(displayName).toMatch(property.name === 'rows' ? /^$/ : /^[A-Z]/);
			expect(preset).toBeDefined();
			if (text) expectDescription(text);
			if (type === 'boolean') expect(text).toMatch(/^Whether /);
			for (const mode of modes ?? []) {
				const search = mode.typeOptions?.searchListMethod;
				if (mode.type === 'list') expect(methods?.listSearch).toHaveProperty(search ?? 'none');
			}
			if (typeOptions?.loadOptionsMethod)
				expect(methods?.loadOptions).toHaveProperty(typeOptions.loadOptionsMethod as string);
			if (property.name !== 'operation' && (type === 'options' || type === 'multiOptions')) {
				const shown = ((property.options ?? []) as INodePropertyOptions[]).map((option) => option.name);
				// Hubble's own format comes first; types of numbers are sorted by their size.
				if (shown[0] === 'Hubble Sensor') shown.shift();
				const numeric = shown.some((name) => /^(Int 8|8 Bits)$/.test(name));
				expect(shown).toEqual([...shown].sort((a, b) => a.localeCompare(b, 'en', { numeric })));
			}
		}
	});
});

/** Parameters at any depth. */
function everyProperty(properties: readonly INodeProperties[]): INodeProperties[] {
	return properties.flatMap((property) => {
		const { type, options = [] } = property;
		const inner =
			type === 'collection'
				? (options as INodeProperties[])
				: type === 'fixedCollection'
					? (options as INodePropertyCollection[]).flatMap(({ values }) => values)
					: [];
		return [property, ...everyProperty(inner)];
	});
}

test('every time that Hubble gives as a number gets its ISO text', () => {
	const numbers = (schema: Schema): string[] => {
		if (schema.items) return numbers(schema.items as Schema);
		return Object.entries((schema.properties ?? {}) as Record<string, Schema>).flatMap(([name, inner]) => [
			...(inner.type === 'integer' || inner.type === 'number' ? [name] : []),
			...numbers(inner),
		]);
	};
	const isTime = /(_at|_ts|timestamp|_at_seconds|_active|_(start|end|date))$/;
	const times = (calls as readonly Call[]).flatMap(({ reply }) => numbers(reply)).filter((name) => isTime.test(name));
	expect(new Set(times).size).toBe(12);
	for (const name of times) {
		expect(Object.keys(withIsoTimes({ [name]: 1 }))).toEqual([name, `${name}_iso`]);
		expect(Object.values(inCamelCase({ [name]: 1 }))).toEqual([expect.stringMatching(/^19.*Z$/)]);
	}
});

test('names are in camelCase in every operation, but for raw rows', () => {
	const named = (schema: Schema): string[] => [
		...Object.entries((schema.properties ?? {}) as Record<string, Schema>).flatMap(([name, inner]) => [
			name,
			...named(inner),
		]),
		...(schema.items ? named(schema.items as Schema) : []),
	];
	const all = Object.entries({ ...tables, ...partnerTables }).flatMap(([node, rows]) =>
		rows.flatMap((row) => named(outputOf(node, row) ?? {})),
	);
	expect(new Set(all).size).toBeGreaterThan(100);
	expect(all.filter((name) => !/^[a-z][A-Za-z0-9]*$/.test(name))).toEqual([]);
});

test('seconds, microseconds, never, and times inside of lists', () => {
	expect(
		withIsoTimes({
			created_at: 1_700_000_000,
			expires_at_seconds: 0,
			current_period_end: 1_700_000_000_500_000,
			timestamp: '2026-01-01T00:00:00Z',
			rows: [{ last_active: 1_700_000_000.25, tags: { created_at: 'monday' } }, null],
		}),
	).toEqual({
		created_at: 1_700_000_000,
		created_at_iso: '2023-11-14T22:13:20.000Z',
		expires_at_seconds: 0,
		expires_at_seconds_iso: null,
		current_period_end: 1_700_000_000_500_000,
		current_period_end_iso: '2023-11-14T22:13:20.500Z',
		timestamp: '2026-01-01T00:00:00Z',
		rows: [
			{ last_active: 1_700_000_000.25, last_active_iso: '2023-11-14T22:13:20.250Z', tags: { created_at: 'monday' } },
			null,
		],
	});
	expect(
		inCamelCase({
			expires_at_seconds: 0,
			created_at: 1_700_000_000,
			last4: '4242',
			_env: 'sandbox',
			rows: [{ contact_info: { street_address_line_two: 'Hall 3' }, last_active: 1_700_000_000.25 }, null],
		}),
	).toEqual({
		expiresAt: null,
		createdAt: '2023-11-14T22:13:20.000Z',
		last4: '4242',
		_env: 'sandbox',
		rows: [{ contactInfo: { streetAddressLineTwo: 'Hall 3' }, lastActive: '2023-11-14T22:13:20.250Z' }, null],
	});
});
