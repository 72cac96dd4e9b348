/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/no-dangerous-functions -- loads modules as Node does, each process its own */
/**
 * The shipped code as a process of n8n has it: modules of its own, so that what it remembers is lost with it, on clocks
 * and with random numbers that the simulation gives. The code is that of the folder `nodes`, unchanged unless a fault is
 * put into it on purpose.
 */
import crypto from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import * as n8nWorkflow from 'n8n-workflow';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';

const NODES = join(__dirname, '../../nodes');

/** What the code has of the outside world. */
export interface Surroundings {
	monotonic: () => number;
	wall: () => number;
	random: () => number;
	/** As n8n's own: rejects when the signal aborts. */
	sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** A change of the code: in which file, by its path without the ending, what text becomes what. */
export interface Patch {
	file: string;
	from: string;
	to: string;
}

type Run = (exports: object, require: (path: string) => unknown, ...surroundings: unknown[]) => void;

interface Module {
	run: Run;
	/** The modules of ours that it imports. */
	imports: string[];
	/** Whether it may remember something, or looks at a clock: then each process has its own. */
	isOwn: boolean;
}

/** Words without which a module remembers nothing and looks at no clock. */
const OWN = /\bDate\b|performance|Math\.random|node:crypto|[sS]leep|new (Weak)?(Map|Set)\b|newProcessState|^let /m;

/** What was compiled, by its text: of a copy with a fault in it, all but one module are the same. */
const COMPILED = new Map<string, Pick<Module, 'run' | 'imports'>>();

function compile(path: string, source: string) {
	const known = COMPILED.get(source);
	if (known) return known;
	const compilerOptions = { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022, esModuleInterop: true };
	const { outputText } = transpileModule(source, { compilerOptions });
	const run = new Function('exports', 'require', 'performance', 'Date', 'Math', outputText) as Run;
	const imports = [...outputText.matchAll(/require\("(\.[^"]+)"\)/g)].map(([, name = '']) => resolved(path, name));
	const compiled = { run, imports };
	COMPILED.set(source, compiled);
	return compiled;
}

/** The path of a module in `nodes`, out of how another one names it. */
const resolved = (from: string, name: string) => relative(NODES, join(NODES, dirname(from), name));

/** The code, compiled when a process first asks for it; with the patches, if any. */
export class ShippedCode {
	private readonly modules = new Map<string, Module>();
	/** Exports of the modules that all processes may share. */
	private readonly shared = new Map<string, object>();

	constructor(private readonly patches: readonly Patch[] = []) {}

	/** A process that has loaded nothing yet. @returns what loads a module, by its path in `nodes` without the ending */
	start(surroundings: Surroundings): <T>(path: string) => T {
		const { monotonic, wall, random, sleep } = surroundings;
		const loaded = new Map<string, object>();
		const foreign: Readonly<Record<string, object>> = {
			'n8n-workflow': Object.create(n8nWorkflow, {
				sleep: { value: sleep },
				sleepWithAbort: { value: sleep },
			}) as object,
			'node:crypto': Object.create(crypto, { randomUUID: { value: () => uuid(random) } }) as object,
		};
		class OwnDate extends Date {
			constructor(...parts: []) {
				super(...((parts.length ? parts : [wall()]) as []));
			}
			static override now = wall;
		}
		const OwnMath = Object.create(Math, { random: { value: random } }) as object;
		const load = (path: string): object => {
			const among = this.module(path).isOwn ? loaded : this.shared;
			const known = among.get(path);
			if (known) return known;
			const exports = {};
			among.set(path, exports);
			const required = (name: string) => foreign[name] ?? load(resolved(path, name));
			this.module(path).run(exports, required, { now: monotonic }, OwnDate, OwnMath);
			return exports;
		};
		return <T>(path: string) => load(path) as T;
	}

	private module(path: string): Module {
		const known = this.modules.get(path);
		if (known) return known;
		const source = this.patched(path, readFileSync(join(NODES, `${path}.ts`), 'utf8'));
		const { run, imports } = compile(path, source);
		const module = { run, imports, isOwn: OWN.test(source) || imports.some((name) => this.module(name).isOwn) };
		this.modules.set(path, module);
		return module;
	}

	private patched(path: string, source: string): string {
		return this.patches
			.filter(({ file }) => file === path)
			.reduce((code, { from, to }) => {
				if (code.split(from).length !== 2) throw new Error(`"${from}" does not stand once in ${path}`);
				return code.replace(from, () => to);
			}, source);
	}
}

/** A UUID that the seed decides. */
function uuid(random: () => number): string {
	const digits = (count: number) =>
		Array.from({ length: count }, () => Math.floor(random() * 16).toString(16)).join('');
	return `${digits(8)}-${digits(4)}-4${digits(3)}-8${digits(3)}-${digits(12)}`;
}
