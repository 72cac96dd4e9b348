/* eslint-disable @n8n/community-nodes/no-restricted-globals -- gives the engine its turn between two moments */
/** A clock that stands still while anything can be done, and then jumps to what comes next: waiting costs nothing. */
export class VirtualTime {
	/** In the order of their times. */
	private readonly due: Array<{ at: number; work: () => void }> = [];
	private time = 0;

	/** Milliseconds since the beginning. */
	now = () => this.time;

	later = (ms: number, work: () => void): void => {
		const at = this.time + Math.max(0, ms);
		const after = this.due.findIndex((one) => one.at > at);
		this.due.splice(after < 0 ? this.due.length : after, 0, { at, work });
	};

	/** Like n8n's `sleep` with a signal. */
	sleep = async (ms: number, signal?: AbortSignal): Promise<void> =>
		await new Promise((resolve, reject) => {
			const stop = () => reject(new Error('aborted'));
			if (signal?.aborted) return stop();
			signal?.addEventListener('abort', stop, { once: true });
			this.later(ms, () => {
				signal?.removeEventListener('abort', stop);
				resolve();
			});
		});

	/** Lets time pass until `work` is done. Throws when nothing is left that could end it. */
	async until<T>(work: Promise<T>): Promise<T> {
		let isDone = false;
		const watched = work.finally(() => (isDone = true));
		watched.catch(() => {});
		// Node's turn: it looks for what was rejected and nobody noticed.
		await new Promise((resolve) => setImmediate(resolve));
		for (;;) {
			// After all that waits for nothing but promises.
			await new Promise((resolve) => process.nextTick(resolve));
			if (isDone) return await watched;
			const next = this.due.shift();
			if (!next) throw new Error(`Nothing is left to wait for at ${this.time} ms`);
			this.time = next.at;
			next.work();
		}
	}
}

/** Numbers from 0 up to 1 that a seed decides (mulberry32). */
export function seeded(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
	};
}
