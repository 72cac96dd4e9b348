// Jest's environment without a realm of its own: the globals are those of the process, and what a test file put there is
// taken away after it.
const { ModernFakeTimers } = require('@jest/fake-timers');
const { ModuleMocker } = require('jest-mock');

const read = () =>
	new Map(Reflect.ownKeys(globalThis).map((key) => [key, Object.getOwnPropertyDescriptor(globalThis, key)]));

module.exports = class {
	global = globalThis;
	before = read();
	exit = process.exit;

	constructor({ projectConfig: config }) {
		const { global } = this;
		this.moduleMocker = new ModuleMocker(global);
		this.fakeTimersModern = new ModernFakeTimers({ config, global });
	}

	exportConditions() {
		return ['node', 'node-addons'];
	}

	async setup() {}

	async teardown() {
		this.moduleMocker.restoreAllMocks();
		process.exit = this.exit;
		for (const [key, { value, configurable }] of read()) {
			const before = this.before.get(key);
			if (!before && configurable) delete globalThis[key];
			else if (before && before.value !== value) Object.defineProperty(globalThis, key, before);
		}
	}

	getVmContext() {
		return null;
	}
};
