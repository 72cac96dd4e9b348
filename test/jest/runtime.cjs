// Jest's runtime with three differences. What stands in node_modules is loaded by Node itself, once for each worker and not
// anew for each test file (n8n's engine alone takes four seconds). So that both share one `Error` and one `Object`, as in
// n8n, a test file has no realm of its own either (`environment.cjs`). So what is ours is run anew for each test file, but
// compiled once for each worker.
const { createRequire, isBuiltin } = require('node:module');
const { compileFunction } = require('node:vm');
const { default: Runtime } = require('jest-runtime');

/** By the name of the file: its text, which another one replaces, and the function that it became. */
const compiled = new Map();

module.exports = class extends Runtime {
	constructor(...given) {
		super(...given);
		const { executor } = this;
		executor.compile = (source, filename) => {
			const known = compiled.get(filename);
			if (known?.source === source) return known.run;
			const run = compileFunction(source, executor.injectedModuleParameters, { filename });
			compiled.set(filename, { source, run });
			return run;
		};
	}

	requireModule(from, name, options, isActual) {
		if (name && !options?.isInternalModule && !name.startsWith('.') && !isBuiltin(name)) {
			const load = createRequire(from);
			if (load.resolve(name).includes('/node_modules/')) return load(name);
		}
		return super.requireModule(from, name, options, isActual);
	}
};
