/* eslint-disable @n8n/community-nodes/no-restricted-imports -- gives the engine its turn */
/** The waits of the package take no time in the tests: the monotonic clock is put forward instead, the simulator's too. */
import { setImmediate } from 'node:timers/promises';

const realNow = performance.now.bind(performance);

export const virtualTime = {
	/** Milliseconds by which the clock is ahead. */
	ahead: 0,
	/** Whether waits take their time, for a test that ends one. */
	isReal: false,
	begin() {
		performance.now = () => realNow() + this.ahead;
	},
	end() {
		performance.now = realNow;
	},
	/**
	 * Lets what is due happen, then puts the clock to the end of the wait; of waits side by side, the longest counts. A turn of
	 * the event loop, no timer: a file of tests waits some thousand times.
	 */
	async sleep(ms: number, signal?: AbortSignal) {
		const due = performance.now() + ms;
		await setImmediate();
		signal?.throwIfAborted();
		this.ahead += Math.max(0, due - performance.now());
	},
};
