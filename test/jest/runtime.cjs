// Jest's runtime with two differences. What stands in node_modules is loaded by Node itself, once for each worker and not
// anew for each test file (n8n's engine alone takes four seconds). So that both share one `Error` and one `Object`, as in
// n8n, a test file has no realm of its own either (`environment.cjs`).
const { createRequire, isBuiltin } = require('node:module');
const { compileFunction } = require('node:vm');
const { default: Runtime } = require('jest-runtime');

module.exports = class extends Runtime {
	constructor(...given) {
		super(...given);
		const { executor } = this;
		executor.compile = (source, filename) => compileFunction(source, executor.injectedModuleParameters, { filename });
	}

	requireModule(from, name, options, isActual) {
		if (name && !options?.isInternalModule && !name.startsWith('.') && !isBuiltin(name)) {
			const load = createRequire(from);
			if (load.resolve(name).includes('/node_modules/')) return load(name);
		}
		return super.requireModule(from, name, options, isActual);
	}
};
