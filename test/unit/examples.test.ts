/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- reads the examples */
/** The example workflows as files: they use parameters that exist, say what they change, and are in the README. */
import type { IDataObject, INodeProperties, INodeType } from 'n8n-workflow';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

interface Example {
	name: string;
	nodes: Array<{
		name: string;
		type: string;
		typeVersion: number;
		disabled?: boolean;
		onError?: string;
		parameters: IDataObject;
		credentials?: Record<string, { id: string }>;
	}>;
	connections: Record<string, Record<string, Array<Array<{ node: string }>>>>;
	pinData?: unknown;
}

const root = resolve(__dirname, '../..');
const files = readdirSync(join(root, 'examples')).filter((file) => file.endsWith('.json'));
const read = (file: string) => JSON.parse(readFileSync(join(root, 'examples', file), 'utf8')) as Example;
const ours = (node: Example['nodes'][number]) => node.type.startsWith('n8n-nodes-hubble.');
const isNote = ({ type }: Example['nodes'][number]) => type === 'n8n-nodes-base.stickyNote';

/** What changes the fleet, its keys or its people, or spends money. */
const CHANGES = /^(register|createOrUpdate|create(?!Report)|update|delete|rotate|add|place|send|revoke|remove)/;
const [GREEN, YELLOW, RED] = [4, 2, 3];
/** What no user calls a node: a question, a sentence, or lower case. */
const UNUSUAL = /[?:.,!]|^[^A-Z]|^(A|An|The) /;
/** Characters of an expression that somebody still reads in one line. */
const LONGEST_EXPRESSION = 110;

const linked = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^\|.*\(examples\/([\w-]+\.json)\)/gm)].map(
	([, file]) => file,
);

function descriptionOf(type: string): INodeType['description'] {
	const name = type.replace('n8n-nodes-hubble.', '').replace(/^h/, 'H').replace(/Tool$/, '');
	// eslint-disable-next-line @typescript-eslint/no-require-imports -- the name comes from a file
	const module = require(`../../nodes/${name}/${name}.node`) as Record<string, new () => INodeType>;
	return new (module[name] as new () => INodeType)().description;
}

/** The parameters that the node has none of under those conditions, and values that its lists lack. */
function unknownParameters(type: string, parameters: IDataObject): string[] {
	const { properties, polling } = descriptionOf(type);
	const own = type.endsWith('Tool') ? ['descriptionType', 'toolDescription'] : polling ? ['pollTimes'] : [];
	const isShown = ({ displayOptions }: INodeProperties) =>
		Object.entries(displayOptions?.show ?? {}).every(([name, wanted]) => {
			const value = parameters[name] ?? properties.find((property) => property.name === name)?.default;
			if (name === '@tool') return (wanted as boolean[]).includes(type.endsWith('Tool'));
			return name.startsWith('@') || ([value].flat() as never[]).some((each) => (wanted ?? []).includes(each));
		});
	const shown = properties.filter(isShown);
	return Object.entries(parameters).flatMap(([name, value]) => {
		if (own.includes(name)) return [];
		const property = shown.find((each) => each.name === name);
		if (!property) return [`${name} is no parameter`];
		if (property.type === 'collection') {
			const known = (property.options ?? []).map((option) => option.name);
			return Object.keys(value as object).flatMap((key) => (known.includes(key) ? [] : [`${name}.${key} is none`]));
		}
		if (!['options', 'multiOptions'].includes(property.type) || property.typeOptions?.loadOptionsMethod) return [];
		const values = (property.options ?? []).map((option) => ('value' in option ? option.value : undefined));
		return ([value].flat() as never[]).flatMap((each) =>
			values.includes(each) ? [] : [`${name} cannot be ${String(each)}`],
		);
	});
}

describe.each(files)('%s', (file) => {
	const { name, nodes, connections, pinData } = read(file);

	it('sets only parameters that its nodes have', () => {
		const found = nodes
			.filter(ours)
			.flatMap((node) => unknownParameters(node.type, node.parameters).map((reason) => `${node.name}: ${reason}`));
		expect(found).toEqual([]);
	});

	it('has a note whose color says what it changes: red the fleet or its keys, yellow its webhooks, green nothing', () => {
		const operations = nodes.filter(ours).map(({ parameters }) => String(parameters.operation ?? ''));
		const changes = operations.some((operation) => CHANGES.test(operation));
		const [note] = nodes.filter(isNote);
		const registers = nodes.some(({ type }) => type === 'n8n-nodes-hubble.hubblePacketTrigger');
		const allowed = changes ? [RED] : registers ? [YELLOW] : [GREEN, YELLOW];
		expect(allowed).toContain(note?.parameters.color);
		expect(note?.parameters.content).toMatch(/^## \S/);
	});

	it('has no expression that is longer than a field of the editor shows', () => {
		const long = (value: unknown): string[] => {
			if (typeof value === 'string') return value.startsWith('=') && value.length > LONGEST_EXPRESSION ? [value] : [];
			return typeof value === 'object' && value !== null ? Object.values(value).flatMap(long) : [];
		};
		expect(nodes.flatMap(({ parameters }) => long(parameters))).toEqual([]);
	});

	const active = nodes.filter((node) => !node.disabled);
	const readsAll = active.some(({ parameters }) => parameters.operation === 'getAll' && parameters.returnAll === true);
	const changesFleet = active.filter(ours).some(({ parameters }) => CHANGES.test(String(parameters.operation ?? '')));
	const isByHand = active.some(({ type }) => type === 'n8n-nodes-base.manualTrigger');
	if (readsAll && changesFleet && isByHand)
		it('changes three devices at most by one click, whatever the size of the fleet', () => {
			const limits = active.filter(({ type }) => type === 'n8n-nodes-base.limit');
			expect(limits.map(({ parameters }) => parameters.maxItems)).toEqual([3]);
		});

	it('has an error output where it orders, and one that leads on, so that what is not bought is not taken for it', () => {
		const own = nodes.filter(ours);
		const routed = own.filter(({ onError }) => onError === 'continueErrorOutput');
		expect(routed).toEqual(expect.arrayContaining(own.filter(({ parameters }) => parameters.operation === 'place')));
		expect(own.filter((node) => connections[node.name]?.main?.[1]?.length)).toEqual(routed);
	});

	it('connects every node by its name, and holds no credential and no data of others', () => {
		const names = nodes.map((node) => node.name);
		const targets = Object.values(connections).flatMap((outputs) =>
			Object.values(outputs)
				.flat(2)
				.map(({ node }) => node),
		);
		expect(names).toEqual(expect.arrayContaining([...Object.keys(connections), ...targets]));
		const joined = new Set([...Object.keys(connections), ...targets]);
		expect(nodes.filter((node) => !isNote(node) && !joined.has(node.name)).map((node) => node.name)).toEqual([]);
		expect(nodes.flatMap(({ credentials }) => Object.values(credentials ?? {}).map(({ id }) => id)).join('')).toBe('');
		expect(pinData ?? {}).toEqual({});
		expect(name).toMatch(/^Hubble: \S/);
	});

	it('names its nodes as users do, needs no code but to draw, and calls no address of others', () => {
		expect(nodes.filter((node) => !isNote(node) && UNUSUAL.test(node.name))).toEqual([]);
		const code = nodes.filter(({ type }) => type === 'n8n-nodes-base.code');
		// n8n has no node that draws QR codes.
		expect(code.map((node) => node.name)).toEqual(file === 'onboard-spreadsheet.json' ? ['Labels'] : []);
		const used = JSON.stringify(nodes.filter((node) => !isNote(node)).map(({ parameters }) => parameters));
		expect(nodes.map(({ type }) => type)).not.toContain('n8n-nodes-base.httpRequest');
		expect([...used.matchAll(/https?:\/\/(?!www\.w3\.org)[\w.-]+/g)].map(([address]) => address)).toEqual([]);
	});

	it('is in the table of the README', () => {
		expect(linked).toContain(file);
	});
});
