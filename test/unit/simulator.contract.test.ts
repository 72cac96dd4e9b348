/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- reads a file named by the environment */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { calls, errorReply, packetBatch, type Call, type Schema } from '../../tools/contract';

/**
 * The simulator's contract against the API definition that Hubble publishes. The definition is not part of this
 * project: it is read where HUBBLE_OPENAPI says, or beside the checkout; without it, these tests are skipped.
 *
 * Both sides are flattened into facts such as `PATCH /v1/org/{org_id}/devices body.updates.items.required`, so
 * that one comparison of two lists covers methods, paths, scopes, parameters, bodies and replies.
 */
const file = process.env.HUBBLE_OPENAPI ?? resolve(__dirname, '../../../shared/contract/hubble-openapi.yaml');
const present = existsSync(file);
if (!present)
	process.stderr.write('SKIPPED: the contract is not compared, the API definition is not here (HUBBLE_OPENAPI).\n');
const suite = present ? describe : describe.skip;

type Facts = Record<string, unknown>;
type Node = Record<string, unknown>;

/** Where the contract has rules of its own (`allOf`), besides its objects being shut. */
const stricter = [
	// In the prose of the definition: up to 1,000 entries, at least one field, an email address, E.164.
	'DELETE /v1/org/{org_id}/devices: body.device_ids',
	'PATCH /v1/org/{org_id}/devices: body.updates',
	'PATCH /v1/org/{org_id}: body',
	'PATCH /v1/org/{org_id}: body.set_contact_info.email',
	'PATCH /v1/org/{org_id}: body.set_contact_info.phoneNumber',
	// Also there: ten tags, 32 and 128 characters, the values of _env.
	'PATCH /v1/org/{org_id}/devices/{device_id}: body.set_tags',
	'PATCH /v1/org/{org_id}/devices: body.updates[].set_tags',
	'POST /v2/org/{org_id}/devices: body.tags[]',
	// A webhook without an address would be none.
	'POST /v1/org/{org_id}/webhooks: body',
];

const numberWidths = ['int64', 'float', 'double', 'uint8'];
const documentation = ['description', 'example', 'examples', 'title'];

/** The schema without references, compositions and documentation. */
function resolved(definition: Node, schema: Node): Node {
	const { $ref, allOf, ...own } = schema;
	const parts: Node[] = [];
	if (typeof $ref === 'string') {
		const target = $ref
			.slice(2)
			.split('/')
			.reduce<Node>((node, key) => node[key] as Node, definition);
		parts.push(resolved(definition, target));
		// The definition uses a reference to the item where its own example shows a list of them.
		if (Array.isArray(own.example) && parts[0]?.type !== 'array') return { type: 'array', items: parts[0] };
	}
	for (const part of (allOf as Node[] | undefined) ?? []) parts.push(resolved(definition, part));
	const kept = Object.entries(own).filter(
		([key, value]) => !documentation.includes(key) && !(key === 'format' && numberWidths.includes(value as string)),
	);
	const merged = Object.assign({}, ...parts, Object.fromEntries(kept)) as Node;
	const properties = [...parts, own].map((part) => part.properties as Record<string, Node> | undefined);
	if (properties.some(Boolean)) {
		merged.properties = Object.fromEntries(
			properties
				.flatMap((each) => Object.entries(each ?? {}))
				.map(([key, value]) => [key, resolved(definition, value)]),
		);
	}
	if (merged.items) merged.items = resolved(definition, merged.items as Node);
	return merged;
}

/** One fact per keyword of the schema; the order of required fields and of enum values does not matter. */
function schemaFacts(where: string, schema: Schema): Facts {
	const facts: Facts = {};
	for (const [keyword, value] of Object.entries(schema)) {
		if (keyword === 'properties') {
			for (const [name, each] of Object.entries(value as Record<string, Schema>)) {
				Object.assign(facts, { [`${where}.${name}`]: 'a property' }, schemaFacts(`${where}.${name}`, each));
			}
		} else if (keyword === 'allOf') facts[`${where} stricter`] = true;
		else if (keyword === 'items') Object.assign(facts, schemaFacts(`${where}[]`, value as Schema));
		else if (keyword === 'additionalProperties') Object.assign(facts, schemaFacts(`${where}.*`, value as Schema));
		else facts[`${where} ${keyword}`] = Array.isArray(value) ? [...(value as string[])].sort() : value;
	}
	return facts;
}

function parameterFacts(where: string, schemas: Readonly<Record<string, Schema>> = {}, required = false): Facts {
	return Object.assign(
		{},
		...Object.entries(schemas).map(([name, schema]) => ({
			[`${where} ${name} required`]: required,
			...schemaFacts(`${where} ${name}`, schema),
		})),
	) as Facts;
}

function contractFacts(contract: readonly Call[]): Facts {
	return Object.assign(
		{},
		...contract.map((call) => {
			const of = `${call.method} ${call.path}:`;
			return {
				[`${of} scope`]: call.scope,
				...parameterFacts(`${of} path`, call.params, true),
				...parameterFacts(`${of} query`, call.query),
				...parameterFacts(`${of} header`, call.headers),
				...(call.body && {
					[`${of} body optional`]: call.bodyOptional ?? false,
					...schemaFacts(`${of} body`, call.body),
				}),
				[`${of} reply type`]: call.replyType ?? 'application/json',
				...schemaFacts(`${of} reply`, call.reply),
				...parameterFacts(`${of} reply header`, call.replyHeaders),
			};
		}),
		schemaFacts('error', errorReply),
		schemaFacts('delivery', packetBatch),
	) as Facts;
}

function definitionFacts(definition: Node): Facts {
	const facts: Facts = {};
	const schema = (node: unknown) => resolved(definition, node as Node);
	for (const [path, methods] of Object.entries(definition.paths as Record<string, Record<string, Node>>)) {
		for (const [method, operation] of Object.entries(methods)) {
			const body = operation.requestBody as { required?: boolean; content: Record<string, Node> } | undefined;
			const bodySchema = body && schema(body.content['application/json']?.schema);
			if (path === '/v1/webhook/testBatch') {
				// Not a call to Hubble: it shows what Hubble sends.
				Object.assign(facts, schemaFacts('delivery', bodySchema ?? {}));
				continue;
			}
			const of = `${method.toUpperCase()} ${path}:`;
			facts[`${of} scope`] = /\*\*Required Scope:\*\* `([\w-]+)`/.exec(String(operation.description))?.[1] ?? null;
			for (const parameter of (operation.parameters as Node[]).map(schema)) {
				const { name, in: place, required = false } = parameter as { name: string; in: string; required?: boolean };
				Object.assign(facts, parameterFacts(`${of} ${place}`, { [name]: schema(parameter.schema) }, required));
			}
			if (body) {
				facts[`${of} body optional`] = !body.required;
				Object.assign(facts, schemaFacts(`${of} body`, bodySchema ?? {}));
			}
			const success = (operation.responses as Record<string, Node>)['200'] as {
				content: Record<string, Node>;
				headers?: Record<string, Node>;
			};
			const [type = '', content] = Object.entries(success.content)[0] ?? [];
			facts[`${of} reply type`] = type;
			Object.assign(facts, schemaFacts(`${of} reply`, schema(content?.schema)));
			for (const [name, header] of Object.entries(success.headers ?? {})) {
				Object.assign(facts, parameterFacts(`${of} reply header`, { [name]: schema(schema(header).schema) }));
			}
		}
	}
	// The examples of error replies name more errors than the schema lists.
	const { responses } = definition.components as Record<string, Record<string, Node>>;
	const shown = Object.values(responses ?? {}).map(
		({ content }) => ((content as Node)['application/json'] as { example: { name: string } }).example.name,
	);
	const error = schemaFacts('error', schema({ $ref: '#/components/schemas/errorResponse' }));
	const names = [...new Set([...(error['error.name enum'] as string[]), ...shown])].sort();
	return { ...facts, ...error, 'error.name enum': names };
}

/** Every fact in which the two differ, in words. */
function differences(ours: Facts, theirs: Facts): string[] {
	const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].sort();
	return names
		.filter((name) => JSON.stringify(ours[name]) !== JSON.stringify(theirs[name]))
		.map((name) => `${name}: ours ${JSON.stringify(ours[name])}, definition ${JSON.stringify(theirs[name])}`);
}

const isStricter = (fact: string) => fact.endsWith(' stricter');

suite('the contract and the published definition', () => {
	const theirs = present ? definitionFacts(parse(readFileSync(file, 'utf8')) as Node) : {};
	const compared = (contract: readonly Call[]) => {
		const facts = Object.entries(contractFacts(contract)).filter(([fact]) => !isStricter(fact));
		return differences(Object.fromEntries(facts), theirs);
	};

	it('agree on all 38 calls, fact by fact', () => {
		expect(calls).toHaveLength(38);
		expect(Object.keys(theirs).length).toBeGreaterThan(1000);
		expect(compared(calls)).toEqual([]);
	});

	// The comparison is worth something only if it finds each of these; undefined takes the place away.
	const doctored: Array<[call: string, place: string, value: unknown, finding: string]> = [
		['checkKey', 'path', '/v1/org/{org_id}/verify', '/verify: scope: ours null, definition undefined'],
		['checkKey', 'method', 'POST', 'POST /v1/org/{org_id}/check: scope'],
		['getDevice', 'scope', 'write-devices', 'ours "write-devices", definition "read-devices"'],
		['getDevice', 'params.device_id', undefined, 'path device_id required: ours undefined, definition true'],
		['listPackets', 'query.end', undefined, 'query end type: ours undefined, definition "integer"'],
		['listPackets', 'headers.start', { type: 'string' }, 'header start type: ours "string", definition undefined'],
		['listPackets', 'query.start.type', 'string', 'query start type: ours "string", definition "integer"'],
		['listPackets', 'query.device_id.format', undefined, 'query device_id format'],
		['listDevices', 'query.limit.maximum', 500, 'query limit maximum: ours 500, definition 1000'],
		['listDevices', 'query.sort_ascending.default', false, 'query sort_ascending default'],
		['getApiMetrics', 'query.time_interval.enum', ['hour', 'day'], 'query time_interval enum: ours ["day","hour"]'],
		['createKey', 'bodyOptional', undefined, 'body optional: ours false, definition true'],
		['addUser', 'body.required', ['email'], 'body required: ours ["email"], definition ["email","role"]'],
		['addUser', 'body.properties.name', { type: 'string' }, 'body.name: ours "a property", definition undefined'],
		['updateDevice', 'body.properties.set_name.maxLength', 255, 'body.set_name maxLength: ours 255, definition 250'],
		['checkKey', 'reply.properties.org_id', undefined, 'reply.org_id: ours undefined, definition "a property"'],
		['listDevices', 'replyHeaders', undefined, 'reply header Continuation-Token required'],
	];
	it.each(doctored)('notice a changed %s %s', (name, place, value, finding) => {
		const contract = JSON.parse(JSON.stringify(calls)) as Array<Call & Node>;
		const keys = place.split('.');
		const last = keys.pop() as string;
		const call = contract.find((each) => each.name === name) as Node;
		const parent = keys.reduce<Node>((node, key) => node[key] as Node, call);
		if (value === undefined) delete parent[last];
		else parent[last] = value;
		expect(compared(contract)).toContainEqual(expect.stringContaining(finding));
	});

	it('notice a missing call', () => {
		expect(compared(calls.slice(1))).toContainEqual(expect.stringContaining('GET /v1/org/{org_id}/check: scope'));
	});
});

it('is stricter than the definition only where this list says', () => {
	const places = Object.keys(contractFacts(calls)).filter(isStricter);
	const requests = places.filter((place) => place.includes(': body')).map((place) => place.replace(' stricter', ''));
	expect(requests.sort()).toEqual([...stricter].sort());
	// The same schemas describe replies: what the simulator sends keeps its own rules.
	expect(places.filter((place) => !/: (body|reply)|^delivery/.test(place))).toEqual([]);
});
