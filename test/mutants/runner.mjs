/**
 * Stryker's plugin that runs tests: jest's own parts (circus, expect, timers) in one process. For each mutant only what
 * is ours is loaded anew. Jest itself loads n8n's packages again each time, which takes seconds where a test takes
 * milliseconds. Numbers that properties draw are the same in each run, so that the same mutants survive.
 */
import { readFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { commonTokens, declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import {
	determineHitLimitReached,
	DryRunStatus,
	TestStatus,
	toMutantRunResult,
} from '@stryker-mutator/api/test-runner';

const require = createRequire(import.meta.url);
const circus = require('jest-circus');
const { ModuleMocker } = require('jest-mock');
const { ModernFakeTimers } = require('@jest/fake-timers');
const ts = require('typescript');
const { factory: hoistMocks } = require('ts-jest/dist/transformers/hoist-jest');

/** Of a property: what survives so many would survive more of them, nearly always. */
const MOST_RUNS = 200;

/** The copy of the project with the mutants. */
let root = '';

const isOurs = (file) => file.startsWith(root + sep) && !file.includes(`${sep}node_modules${sep}`);

/** Compiled once in a process: Stryker has put all mutants into one text. */
const compiled = new Map();

/** As jest compiles it: what replaces a module stands before what is imported. */
export function compile(file, text) {
	const logger = { child: () => logger, wrap: (_level, _text, work) => work };
	const { outputText } = ts.transpileModule(text, {
		fileName: file,
		compilerOptions: { module: 'CommonJS', target: 'ES2022', esModuleInterop: true, resolveJsonModule: true },
		transformers: { before: [hoistMocks({ configSet: { logger, compilerModule: ts } })] },
	});
	return outputText;
}

// `X.node` is `X.node.ts` before it is `X.node.json`, as for jest: the order of these names is that of the search.
const others = { ...Module._extensions };
for (const ending of Object.keys(others)) delete Module._extensions[ending];

Module._extensions['.ts'] = (module, file) => {
	if (!compiled.has(file)) compiled.set(file, compile(file, readFileSync(file, 'utf8')));
	module._compile(compiled.get(file), file);
};
Object.assign(Module._extensions, others);

function forgetOurs() {
	for (const file of Object.keys(require.cache))
		if (isOurs(file) && !file.endsWith('.json')) delete require.cache[file];
}

/** What tests use of the object `jest`; paths are those of a folder in `test`. */
function jestFor(folder) {
	const mocker = new ModuleMocker(globalThis);
	const timers = new ModernFakeTimers({ config: { fakeTimers: {}, rootDir: root }, global: globalThis });
	const from = createRequire(join(folder, 'any.ts'));
	const mocks = {};
	const jest = {
		fn: (...args) => mocker.fn(...args),
		spyOn: (...args) => mocker.spyOn(...args),
		restoreAllMocks: () => mocker.restoreAllMocks(),
		requireActual(path) {
			const file = from.resolve(path);
			const mocked = require.cache[file];
			delete require.cache[file];
			const actual = from(file);
			if (mocked) require.cache[file] = mocked;
			return actual;
		},
		mock(path, factory) {
			const file = from.resolve(path);
			const mocked = Object.assign(new Module(file), { loaded: true });
			let exports;
			// What it refers to is there by the time that somebody imports it.
			Object.defineProperty(mocked, 'exports', { get: () => (exports ??= factory()) });
			require.cache[file] = mocks[file] = mocked;
		},
		doMock: (path, factory) => jest.mock(path, factory),
		isolateModules(load) {
			const before = { ...require.cache };
			forgetOurs();
			Object.assign(require.cache, mocks);
			load();
			forgetOurs();
			Object.assign(require.cache, before);
		},
		useFakeTimers: () => timers.useFakeTimers(),
		useRealTimers: () => timers.useRealTimers(),
		setSystemTime: (now) => timers.setSystemTime(now),
		advanceTimersByTime: (ms) => timers.advanceTimersByTime(ms),
		setTimeout() {},
	};
	return jest;
}

/** Tests of the file as Stryker names them. */
const idOf = (file, test) => {
	const names = [];
	for (let at = test; at.parent; at = at.parent) names.unshift(at.name);
	return `${file}: ${names.join(' ')}`;
};

/** Milliseconds of each test, by its ID, in the first run. */
const took = new Map();

/** The quick tests first: most mutants die by one of them, and the slow ones need not run. */
function sortByTime(file, block) {
	const timeOf = (child) =>
		child.type === 'test'
			? (took.get(idOf(file, child)) ?? 0)
			: child.children.reduce((sum, inner) => sum + timeOf(inner), 0);
	block.children.sort((a, b) => timeOf(a) - timeOf(b));
	for (const child of block.children) if (child.type !== 'test') sortByTime(file, child);
}

/** A test whose name is another in each run, as with a time in it: it would not be found again, and meet no mutant. */
const unnamed = (test) => ({ ...test, status: TestStatus.Failed, failureMessage: 'The name is another in each run' });

/** What runs now, for the handler of circus's events, of which there is one. */
const current = { file: '', without: [], wanted: undefined, isOver: false, stopsEarly: false, results: [] };
const stryker = (globalThis.__stryker__ ??= {});

circus.addEventHandler(({ name, test }) => {
	if (name === 'test_start') {
		const id = idOf(current.file, test);
		const isOut = current.without.includes(test.name) || (current.wanted && !current.wanted.has(id));
		if (current.isOver || isOut) test.mode = 'skip';
		else if (test.mode !== 'skip') stryker.currentTestId = id;
	}
	if (name !== 'test_done') return;
	stryker.currentTestId = undefined;
	const [error] = test.errors.flat();
	const id = idOf(current.file, test);
	const shared = { id, name: id, fileName: current.file, timeSpentMs: test.duration ?? 0 };
	current.results.push(
		error === undefined
			? { ...shared, status: TestStatus.Success }
			: { ...shared, status: TestStatus.Failed, failureMessage: String(error?.stack ?? error) },
	);
	if (error !== undefined && current.stopsEarly) current.isOver = true;
});

class Runner {
	static inject = [commonTokens.options];

	/** @param options Stryker's; `tests` are the files to run, `without` names tests in them that are not */
	constructor(options) {
		this.files = options.tests;
		current.without = options.without;
		root = process.cwd();
	}

	capabilities() {
		return { reloadEnvironment: true };
	}

	init() {
		process.env.NODE_ENV = 'test';
		const { describe, it, test, beforeAll, beforeEach, afterAll, afterEach } = circus;
		const { jestExpect: expect } = require('@jest/expect');
		Object.assign(globalThis, { describe, it, test, beforeAll, beforeEach, afterAll, afterEach, expect });
		const fc = require('fast-check');
		// A mutant is noticed, or it is not: nobody reads the smallest example of how.
		fc.configureGlobal({ seed: 1, endOnFailure: true });
		const { assert } = fc;
		fc.assert = (property, { numRuns = 100, ...more } = {}) =>
			assert(property, { ...more, numRuns: Math.min(numRuns, MOST_RUNS) });
		fc.default = { ...fc.default, assert: fc.assert };
	}

	async runFile(file) {
		current.file = file;
		forgetOurs();
		circus.resetState();
		Object.assign(circus.getState(), { parentProcess: process, testTimeout: 30_000 });
		const path = join(root, file);
		globalThis.jest = jestFor(dirname(path));
		try {
			// What has no network either, but asks which n8n it is.
			const isOfLine = readFileSync(path, 'utf8').includes('integration/n8nLine');
			if (isOfLine || file.includes('/integration/')) require(join(root, 'test/integration/setup.ts'));
			require(path);
			sortByTime(file, circus.getState().rootDescribeBlock);
			const { unhandledErrors } = await circus.run();
			if (unhandledErrors.length) throw unhandledErrors[0];
		} catch (error) {
			const failureMessage = String(error?.stack ?? error);
			current.results.push({ id: file, name: file, timeSpentMs: 0, status: TestStatus.Failed, failureMessage });
		}
	}

	async run(files) {
		current.results = [];
		current.isOver = false;
		for (const file of files) if (!current.isOver) await this.runFile(file);
		stryker.currentTestId = undefined;
		const timeout = determineHitLimitReached(stryker.hitCount, stryker.hitLimit);
		return timeout ?? { status: DryRunStatus.Complete, tests: current.results };
	}

	async dryRun() {
		Object.assign(stryker, { mutantCoverage: { static: {}, perTest: {} }, activeMutant: undefined });
		Object.assign(current, { wanted: undefined, stopsEarly: false });
		// Once for the times. The second time shows that the tests pass in their new order, too.
		for (const { id, timeSpentMs } of (await this.run(this.files)).tests) took.set(id, timeSpentMs);
		const timeOf = (file) => [...took].reduce((sum, [id, ms]) => sum + (id.startsWith(`${file}: `) ? ms : 0), 0);
		this.files = [...this.files].sort((a, b) => timeOf(a) - timeOf(b));
		Object.assign(stryker, { mutantCoverage: { static: {}, perTest: {} } });
		const result = await this.run(this.files);
		const tests = result.tests.map((test) => (took.has(test.id) ? test : unnamed(test)));
		return { ...result, tests, mutantCoverage: stryker.mutantCoverage };
	}

	async mutantRun({ activeMutant, testFilter, hitLimit }) {
		Object.assign(stryker, {
			activeMutant: activeMutant.id,
			hitLimit,
			hitCount: hitLimit === undefined ? undefined : 0,
		});
		Object.assign(current, { wanted: testFilter && new Set(testFilter), stopsEarly: true });
		const files = this.files.filter((file) => testFilter?.some((id) => id.startsWith(`${file}: `)) ?? true);
		return toMutantRunResult(await this.run(files), true);
	}
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'circus', Runner)];
