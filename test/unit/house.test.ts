/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- reads the sources */
/** The shape of the house: which way imports point, how long functions are, and that the map names every room. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { SLOW, TESTS } from '../mutants/files';
import survivors from '../mutants/survivors.json';

const root = resolve(__dirname, '../..');
const LONGEST_FUNCTION = 50;

/** Each is a place where the compiler is told what it cannot see; most belong to the edge to n8n. */
const MOST_CASTS = 32;

/** Rooms that may import what stands in an earlier line, and nothing of their own line but themselves. */
const floors = [['n8n'], ['client'], ['operation'], ['device', 'packet', 'methods', 'webhook', 'polling'], ['report']];

interface Source {
	/** Path from the project's folder. */
	path: string;
	tree: ts.SourceFile;
}

const source = (path: string, code: string): Source => ({
	path,
	tree: ts.createSourceFile(path, code, ts.ScriptTarget.ES2022, true),
});

const sourcesOf = (...folders: string[]) =>
	folders.flatMap((folder) =>
		readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
			.filter((name) => name.endsWith('.ts'))
			.map((name) => source(`${folder}/${name}`, readFileSync(join(root, folder, name), 'utf8'))),
	);
const shipped = sourcesOf('nodes', 'credentials');

/** What a file names in its imports and re-exports. */
const imported = ({ tree }: Source) =>
	tree.statements
		.filter((node) => ts.isImportDeclaration(node) || ts.isExportDeclaration(node))
		.flatMap(({ moduleSpecifier }) =>
			moduleSpecifier && ts.isStringLiteral(moduleSpecifier) ? moduleSpecifier.text : [],
		);

/** The own files that a file imports, as paths from the project's folder. */
const ownImports = (file: Source) =>
	imported(file)
		.filter((name) => name.startsWith('.'))
		.map((name) => `${relative(root, resolve(root, dirname(file.path), name))}.ts`);

/** 'client' for nodes/shared/client/pages.ts, 'n8n' for nodes/shared/n8n.ts, 'HubbleOrganizationUser' for a node's files. */
function roomOf(path: string): string {
	const [, shared, nested] = /^nodes\/(shared\/)?([^/]+?)(?:\.ts$|\/)/.exec(path) ?? [];
	return nested ?? (shared ? 'shared' : 'credentials');
}

/** Why that import is against the direction; undefined: it is not. */
function breach(from: string, to: string): string | undefined {
	const [own, other] = [roomOf(from), roomOf(to)];
	if (own === other) return undefined;
	const floor = floors.findIndex((rooms) => rooms.includes(own));
	const otherFloor = floors.findIndex((rooms) => rooms.includes(other));
	if (otherFloor >= 0 && (floor < 0 || otherFloor < floor)) return undefined;
	return `${from} imports ${to}: ${own} stands below or beside ${other}`;
}

/** Groups of files that import each other in a circle, each as the path around it. */
function circles(files: readonly Source[]): string[] {
	const edges = new Map(files.map((file) => [file.path, ownImports(file)]));
	const done = new Set<string>();
	const found: string[] = [];
	const visit = (path: string, trail: readonly string[]) => {
		if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
		if (trail.includes(path) || done.has(path)) return;
		for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
		done.add(path);
	};
	for (const path of edges.keys()) visit(path, []);
	return found;
}

/** Functions, methods and arrow functions that are too long, as "file:line name (lines)". */
function longFunctions({ path, tree }: Source): string[] {
	const found: string[] = [];
	const lineOf = (position: number) => tree.getLineAndCharacterOfPosition(position).line + 1;
	const visit = (node: ts.Node) => {
		if (ts.isFunctionLike(node) && 'body' in node && node.body) {
			const [first, last] = [lineOf(node.getStart()), lineOf(node.getEnd())];
			const name = (node.name ?? (ts.isVariableDeclaration(node.parent) ? node.parent.name : undefined))?.getText();
			const lines = last - first + 1;
			if (lines > LONGEST_FUNCTION) found.push(`${path}:${first} ${name ?? 'a function'} (${lines} lines)`);
		}
		ts.forEachChild(node, visit);
	};
	visit(tree);
	return found;
}

/** The paths in the map of CONTRIBUTING.md, with what it says of each. */
function mapOf(text: string): Map<string, string> {
	const [, map = ''] = /## The house\n+```\n([^`]*)```/.exec(text) ?? [];
	const trail: string[] = [];
	return new Map(
		map.split('\n').flatMap((line) => {
			const [, indent, name, purpose = ''] = /^( *)(\S+) *(.*)$/.exec(line) ?? [];
			if (indent === undefined || name === undefined) return [];
			trail.splice(indent.length / 2, Infinity, name);
			return [[trail.join(''), purpose] as const];
		}),
	);
}

describe('imports', () => {
	it('point one way', () => {
		expect(shipped.flatMap((file) => ownImports(file).flatMap((to) => breach(file.path, to) ?? []))).toEqual([]);
	});

	it('make no circle of files', () => expect(circles(shipped)).toEqual([]));

	it('name nothing but n8n-workflow, node:crypto and own files', () => {
		const foreign = shipped.flatMap((file) =>
			imported(file)
				.filter((name) => !name.startsWith('.') && !['n8n-workflow', 'node:crypto'].includes(name))
				.map((name) => `${file.path} imports ${name}`),
		);
		expect(foreign).toEqual([]);
	});

	it('lead from the nodes to no tool, and from the tools to no test', () => {
		const ways = (files: Source[], to: RegExp) => files.flatMap(ownImports).filter((path) => to.test(path));
		expect(ways(shipped, /^(tools|test)\//)).toEqual([]);
		expect(ways(sourcesOf('tools'), /^test\//)).toEqual([]);
	});

	it.each([
		['nodes/shared/n8n.ts', 'nodes/shared/client/client.ts'],
		['nodes/shared/client/pages.ts', 'nodes/shared/operation/run.ts'],
		['nodes/shared/operation/fields.ts', 'nodes/shared/methods/listSearch.ts'],
		['nodes/shared/packet/packet.ts', 'nodes/shared/webhook/receive.ts'],
		['nodes/shared/polling/poll.ts', 'nodes/HubblePacketTrigger/packets.ts'],
		['nodes/HubbleDevice/operations.ts', 'nodes/HubbleOrganizationUser/operations.ts'],
		['nodes/shared/client/client.ts', 'credentials/HubbleApi.credentials.ts'],
	])('of %s may not name %s', (from, to) => {
		expect(breach(from, to)).toContain(`${from} imports ${to}`);
		expect(breach(to, from) === undefined).toBe(!/^nodes\/(HubbleDevice|shared\/packet)\//.test(from));
	});

	it('in a circle are found, with types and re-exports too', () => {
		const files = [
			source('nodes/a.ts', "import type { B } from './b';"),
			source('nodes/b.ts', "export * from './c';"),
			source('nodes/c.ts', "import { a } from './a';"),
		];
		expect(circles(files)).toEqual(['nodes/a.ts → nodes/b.ts → nodes/c.ts → nodes/a.ts']);
		expect(circles(files.slice(0, 2))).toEqual([]);
	});
});

describe('functions', () => {
	it(`have at most ${LONGEST_FUNCTION} lines`, () => {
		expect(shipped.flatMap(longFunctions)).toEqual([]);
	});

	it('that are longer are named, whatever their form', () => {
		const body = `{${'\n'.repeat(LONGEST_FUNCTION)}}`;
		const code = `function one() ${body}\nconst two = () => ${body};\nclass Three { four() ${body} }`;
		expect(longFunctions(source('a.ts', code))).toEqual([
			'a.ts:1 one (51 lines)',
			'a.ts:52 two (51 lines)',
			'a.ts:103 four (51 lines)',
		]);
		expect(longFunctions(source('a.ts', `function short() {${'\n'.repeat(LONGEST_FUNCTION - 1)}}`))).toEqual([]);
	});
});

it('each node asks in its own execute whether to go on after a failure, as a rule of n8n wants', () => {
	const executes = sourcesOf('nodes').flatMap(({ path, tree }) =>
		path.endsWith('.node.ts') ? (/async execute\([\s\S]*?\n\t}/.exec(tree.text)?.[0] ?? []) : [],
	);
	expect(executes.length).toBeGreaterThan(5);
	expect(executes.filter((code) => !code.includes('this.continueOnFail()'))).toEqual([]);
});

/** Type assertions, `as const` apart, as "file:line text". */
function casts({ path, tree }: Source): string[] {
	const found: string[] = [];
	const visit = (node: ts.Node) => {
		if (ts.isAsExpression(node) && node.type.getText() !== 'const') {
			const line = tree.getLineAndCharacterOfPosition(node.getStart()).line + 1;
			found.push(`${path}:${line} ${node.getText().slice(0, 60)}`);
		}
		ts.forEachChild(node, visit);
	};
	visit(tree);
	return found;
}

describe('type assertions', () => {
	it(`are ${MOST_CASTS} at most`, () => {
		const found = shipped.flatMap(casts);
		expect(found.length > MOST_CASTS ? found : []).toEqual([]);
	});

	it('are counted wherever they stand, without `as const`', () => {
		const code = 'const a = b as C;\nconst d = { e: (f as unknown as G).h } as const;';
		expect(casts(source('a.ts', code))).toEqual(['a.ts:1 b as C', 'a.ts:2 f as unknown as G', 'a.ts:2 f as unknown']);
	});
});

describe('the map in CONTRIBUTING.md', () => {
	const map = mapOf(readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8'));
	const folders = (path: string) =>
		readdirSync(join(root, path), { withFileTypes: true })
			.filter((entry) => entry.isDirectory())
			.map(({ name }) => `${path}${name}/`);

	it('names every room and no other, each with its purpose', () => {
		const rooms = [...folders('nodes/'), ...folders('nodes/shared/'), ...folders('test/')];
		const mapped = [...map.keys()].filter((path) => /^(nodes|test)\/.+\/$/.test(path));
		expect(mapped.sort()).toEqual(rooms.sort());
		expect([...map].filter(([, purpose]) => purpose === '').map(([path]) => path)).toEqual(['nodes/', 'test/']);
	});

	it('names the other folders', () => {
		expect([...map.keys()]).toEqual(expect.arrayContaining(['credentials/', 'icons/', 'examples/', 'tools/']));
	});
});

it('every file whose mutants have tests is run each week: what survives of it is listed', () => {
	expect(Object.keys(survivors).sort()).toEqual(Object.keys(TESTS).sort());
});

it('every test that is too slow for mutants has that name in a file that runs for them', () => {
	const tests = [...new Set(Object.values(TESTS).flat())].map((file) =>
		readFileSync(join(root, `test/${file}.test.ts`), 'utf8'),
	);
	expect(SLOW.filter((name) => !tests.some((text) => text.includes(`'${name}'`)))).toEqual([]);
});
