/** A well-mixed 32-bit number out of a seed and up to two indices (the finalizer of MurmurHash3). */
export function hash(seed: number, a: number, b = 0): number {
	let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(a + 1, 0xc2b2ae35) ^ Math.imul(b + 1, 0x27d4eb2f);
	h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
	h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
	return (h ^ (h >>> 16)) >>> 0;
}

/** A version 4 UUID that depends on the seed, a kind and a number only. */
export function uuid(seed: number, kind: number, n: number): string {
	const hex = [0, 1, 2, 3]
		.map((word) =>
			hash(seed + word, kind, n)
				.toString(16)
				.padStart(8, '0'),
		)
		.join('');
	const variant = '89ab'[hash(seed, kind, n) % 4];
	return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}
