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
	/** Of n8n 2 unless said. */
	isN8n1?: boolean;
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
	/** Whether it may remember something from one call to the next. */
	remembers: boolean;
}

/** What a module begins with that remembers: something empty, or a variable. */
const EMPTY = /^(export )?(let |const \w+ = (new \w+(<.*>)?\(\);|newProcessState\b))/m;

/** What was compiled, by its text: of a copy with a fault in it, all but one module are the same. */
const COMPILED = new Map<string, Run>();

function compile(source: string): Run {
	const known = COMPILED.get(source);
	if (known) return known;
	const compilerOptions = { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022, esModuleInterop: true };
	const { outputText } = transpileModule(source, { compilerOptions });
	const run = new Function('exports', 'require', 'performance', 'Date', 'Math', outputText) as Run;
	COMPILED.set(source, run);
	return run;
}

/** The path of a module in `nodes`, out of how another one names it. */
const resolved = (from: string, name: string) => relative(NODES, join(NODES, dirname(from), name));

/** The modules of a process. They are loaded once, and used again for another one when that process's history is over. */
class Modules {
	surroundings!: Surroundings;
	private readonly loaded = new Map<string, object>();
	/** What begins anew with each process. */
	private readonly fresh: Array<() => void> = [];
	private readonly foreign: Readonly<Record<string, object>>;
	private readonly globals: readonly unknown[];

	constructor(private readonly moduleAt: (path: string) => Module) {
		const of = () => this.surroundings;
		const sleep: Surroundings['sleep'] = async (ms, signal) => await of().sleep(ms, signal);
		const random = () => of().random();
		const wall = () => of().wall();
		class OwnDate extends Date {
			constructor(...parts: []) {
				super(...((parts.length ? parts : [wall()]) as []));
			}
			static override now = wall;
		}
		this.foreign = {
			'n8n-workflow': Object.create(n8nWorkflow, {
				sleep: { value: sleep },
				sleepWithAbort: { value: sleep },
				// By this export the code knows n8n 2.
				calculateWorkflowChecksum: { get: () => (of().isN8n1 ? undefined : () => ({})) },
			}) as object,
			'node:crypto': Object.create(crypto, { randomUUID: { value: () => uuid(random) } }) as object,
		};
		const performance = { now: () => of().monotonic() };
		this.globals = [performance, OwnDate, Object.create(Math, { random: { value: random } })];
	}

	load(path: string): object {
		const known = this.loaded.get(path);
		if (known) return known;
		const exports = {};
		this.loaded.set(path, exports);
		const required = (name: string) => this.foreign[name] ?? this.load(resolved(path, name));
		const { run, remembers } = this.moduleAt(path);
		const begin = () => run(exports, required, ...this.globals);
		begin();
		// Those that import it look into the same `exports`.
		if (remembers) this.fresh.push(begin);
		return exports;
	}

	/** A process that remembers nothing. */
	begin(surroundings: Surroundings): void {
		this.surroundings = surroundings;
		for (const begin of this.fresh) begin();
	}
}

/** The code, compiled when a process first asks for it; with the patches, if any. One history at a time uses it. */
export class ShippedCode {
	private readonly modules = new Map<string, Module>();
	private readonly all: Modules[] = [];
	/** How many of them the history uses. */
	private used = 0;

	constructor(private readonly patches: readonly Patch[] = []) {}

	/** A history begins: nothing of an earlier one goes on. */
	begin(): void {
		this.used = 0;
	}

	/** A process that remembers nothing. @returns what loads a module, by its path in `nodes` without the ending */
	start(surroundings: Surroundings): <T>(path: string) => T {
		const modules = (this.all[this.used++] ??= new Modules((path) => this.module(path)));
		modules.begin(surroundings);
		return <T>(path: string) => modules.load(path) as T;
	}

	private module(path: string): Module {
		const known = this.modules.get(path);
		if (known) return known;
		const source = this.patched(path, readFileSync(join(NODES, `${path}.ts`), 'utf8'));
		const module = { run: compile(source), remembers: EMPTY.test(source) };
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
const uuid = (random: () => number): string =>
	'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replace(/x/g, () => '0123456789abcdef'.charAt(random() * 16));
