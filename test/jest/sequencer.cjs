// The order of the test files. On a fresh machine jest knows of none how long it takes and begins with the largest; then one
// worker would wait for the other, which has a long one left.
const { default: Sequencer } = require('@jest/test-sequencer');

const LONGEST =
	/(pollDevices|crowd|histories|nothing|hostile|hostileTriggers|foreignReplies|export|faultMatrix\w*)\.test\.ts$/;

module.exports = class extends Sequencer {
	sort(tests) {
		const sorted = super.sort(tests);
		const isLong = ({ path }) => LONGEST.test(path);
		return [...sorted.filter(isLong), ...sorted.filter((test) => !isLong(test))];
	}
};
