/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- reads the sources */
/**
 * Every regular expression of the shipped code takes a time that grows with the text and no faster: headers, bodies,
 * replies and what users paste are as long as others like, and n8n does nothing else meanwhile.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as n8nWorkflow from 'n8n-workflow';
import { analyse } from 'scslre';
import ts from 'typescript';

const root = resolve(__dirname, '../..');

/** What the analysis warns of although the text is short or always fits. */
const HARMLESS: Readonly<Record<string, string>> = {
	'/\\s*,\\s*|\\s+/': 'blanks without a comma fit the other side at the first try',
};

const files = ['nodes', 'credentials'].flatMap((folder) =>
	readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
		.filter((name) => name.endsWith('.ts'))
		.map((name) => join(folder, name)),
);

/** The expressions that stand in a file as literals. */
function literals(path: string): string[] {
	const found: string[] = [];
	const visit = (node: ts.Node) => {
		if (ts.isRegularExpressionLiteral(node)) found.push(node.text);
		ts.forEachChild(node, visit);
	};
	visit(ts.createSourceFile(path, readFileSync(join(root, path), 'utf8'), ts.ScriptTarget.ES2022, true));
	return found;
}

/** The expressions that a file puts together from parts when it is loaded. */
function assembled(path: string): string[] {
	const found: string[] = [];
	const original = globalThis.RegExp;
	globalThis.RegExp = new Proxy(original, {
		construct(target, parts) {
			const made = Reflect.construct(target, parts) as RegExp;
			found.push(String(made));
			return made;
		},
	});
	try {
		jest.isolateModules(() => {
			jest.doMock('n8n-workflow', () => n8nWorkflow);
			jest.requireActual(join(root, path));
		});
	} finally {
		globalThis.RegExp = original;
	}
	return found;
}

/** Why an expression may take the square of its text's length, or more; empty when it does not. */
function faults(expression: string): string[] {
	const [, source = '', flags = ''] = /^\/(.*)\/([a-z]*)$/s.exec(expression) ?? [];
	const { reports } = analyse({ source, flags }, { reportTypes: { Move: true, Self: true, Trade: true } });
	return reports.map(({ type, character }) => `${expression}: ${type} of "${String(character.pick)}"`);
}

describe('regular expressions', () => {
	it('of the shipped code are linear', () => {
		const all = files.flatMap(literals);
		expect(all.length).toBeGreaterThan(50);
		expect(all.filter((text) => !(text in HARMLESS)).flatMap(faults)).toEqual([]);
		expect(Object.keys(HARMLESS).filter((text) => !all.includes(text))).toEqual([]);
	});

	it('that are put together are linear too, and made once', () => {
		const built = files.filter((path) => readFileSync(join(root, path), 'utf8').includes('RegExp('));
		const made = built.flatMap(assembled);
		expect(made.length).toBeGreaterThanOrEqual(built.length);
		expect(made.flatMap(faults)).toEqual([]);
	});

	it.each(['/[^:]*\\.[^:]*$/', '/(a+)+$/', '/\\/+$/', '/^(\\d+\\.?\\d*)+x$/'])('such as %s are found', (expression) => {
		expect(faults(expression)).not.toEqual([]);
	});
});
