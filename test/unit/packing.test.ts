/** How items share calls, and how a refused call is taken apart. */
import * as fc from 'fast-check';
import { Bisection, chunks, halves, haveOneCause, samplePlaces, toBatches } from '../../nodes/shared/operation/packing';

describe('Batches', () => {
	const unit = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), group: fc.constantFrom('x', 'y'), n: fc.nat() });
	const options = { keyOf: ({ key }: { key: string }) => key, groupOf: ({ group }: { group: string }) => group };

	it('keep every item once, within the size, one group to a call', () => {
		fc.assert(
			fc.property(fc.array(unit, { maxLength: 60, size: 'max' }), fc.integer({ min: 1, max: 9 }), (units, size) => {
				const batches = toBatches(units, size, options);
				expect(new Set(batches.flat())).toEqual(new Set(units));
				expect(batches.flat()).toHaveLength(units.length);
				for (const batch of batches) {
					expect(batch.length).toBeGreaterThan(0);
					expect(batch.length).toBeLessThanOrEqual(size);
					expect(new Set(batch.map(({ group }) => group)).size).toBe(1);
					expect(new Set(batch.map(({ key }) => key)).size).toBe(batch.length);
				}
			}),
		);
	});

	it('keep the order of what is asked of one device', () => {
		fc.assert(
			fc.property(fc.array(unit, { maxLength: 60, size: 'max' }), (units) => {
				const order = toBatches(units, 4, options).flat();
				for (const wanted of ['a', 'b', 'c', 'd']) {
					const of = (list: typeof units) => list.filter(({ key }) => key === wanted);
					expect(of(order)).toEqual(of(units));
				}
			}),
		);
	});

	it('are as few as the size allows', () => {
		const units = Array.from({ length: 2500 }, (_, index) => ({ id: String(index) }));
		expect(toBatches(units, 1000, { keyOf: ({ id }) => id }).map(({ length }) => length)).toEqual([1000, 1000, 500]);
		expect(toBatches([1, 1, 2], 2)).toEqual([[1, 1], [2]]);
	});
});

describe('Pieces of a list', () => {
	it('are the list again, none longer than asked', () => {
		fc.assert(
			fc.property(fc.array(fc.nat()), fc.integer({ min: 1, max: 9 }), (list, size) => {
				expect(chunks(list, size).flat()).toEqual(list);
				expect(Math.max(0, ...chunks(list, size).map(({ length }) => length))).toBeLessThanOrEqual(size);
				expect(halves(list).flat()).toEqual(list);
				expect(halves(list)).toHaveLength(Math.min(2, list.length));
			}),
		);
	});

	it('are sampled at places that exist', () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 1000 }), (length) => {
				const places = samplePlaces(length);
				expect(places).toHaveLength(length > 100 ? 4 : 2);
				for (const place of places) expect(place >= 0 && place < length).toBe(true);
			}),
		);
		expect([100, 101].map((length) => samplePlaces(length).length)).toEqual([2, 4]);
	});
});

describe('A refused call', () => {
	interface Part {
		owner: number;
		isBad: boolean;
	}

	/** Takes a call apart against a server that refuses what holds a bad part; `say` gives its words. */
	function settle(whole: readonly Part[], say: (group: readonly Part[]) => string) {
		const plan = new Bisection<Part>(whole, ({ owner }) => owner);
		const done: Part[] = [];
		const given: Part[] = [];
		let calls = 0;
		while (plan.groups.length) {
			calls += plan.groups.length;
			const bad = (group: readonly Part[]) => group.some(({ isBad }) => isBad);
			done.push(...plan.groups.filter((group) => !bad(group)).flat());
			const refused = plan.groups.filter(bad).map((group) => ({ group, cause: say(group) }));
			given.push(...plan.learn(refused).flatMap(({ group }) => group));
		}
		return { done, given, calls };
	}

	const parts = fc
		.array(fc.record({ owner: fc.nat(200), isBad: fc.boolean() }), { minLength: 1, maxLength: 300, size: 'max' })
		.map((list) => list.sort((a, b) => a.owner - b.owner));
	const ofOwner = (list: readonly Part[]) => new Set(list.filter(({ isBad }) => isBad).map(({ owner }) => owner));

	it('settles every part once', () => {
		fc.assert(
			fc.property(parts, fc.boolean(), (whole, isVague) => {
				const { done, given } = settle(whole, (group) => (isVague ? 'no' : String(group.findIndex((p) => p.isBad))));
				expect(new Set([...done, ...given])).toEqual(new Set(whole));
				expect(done.length + given.length).toBe(whole.length);
			}),
		);
	});

	it('carries out every part of an owner without a bad one, where the words name what is bad', () => {
		fc.assert(
			fc.property(parts, (whole) => {
				const bad = ofOwner(whole);
				const { done, given } = settle(whole, (group) => `part ${whole.indexOf(group.find((p) => p.isBad) as Part)}`);
				expect(whole.filter(({ owner }) => !bad.has(owner)).every((part) => done.includes(part))).toBe(true);
				expect(given.every(({ owner }) => bad.has(owner))).toBe(true);
			}),
		);
	});

	it.each([2, 3, 10])(
		'carries out the good ones where the words are always the same and every part no. %d is bad',
		(n) => {
			const whole = Array.from({ length: 1000 }, (_, owner) => ({ owner, isBad: owner % n === 0 }));
			const { done, given } = settle(whole, () => 'no');
			expect(done.every(({ isBad }) => !isBad)).toBe(true);
			expect(given.every(({ isBad }) => isBad)).toBe(true);
		},
	);

	it('is given up after few calls where all parts share one cause', () => {
		const whole = Array.from({ length: 1000 }, (_, owner) => ({ owner, isBad: true }));
		const { given, calls } = settle(whole, () => 'no');
		expect(given).toHaveLength(1000);
		expect(calls).toBeLessThanOrEqual(1 + 2 + 4 + 16);
	});

	it.each([
		['of small groups', 18, () => 'no'],
		['of parts that are refused in other words', 100, (group: readonly Part[]) => (group.length > 1 ? 'no' : 'other')],
	])('%s is taken apart to the end', (_, length, say) => {
		const whole = Array.from({ length }, (_one, owner) => ({ owner, isBad: true }));
		const { given, calls } = settle(whole, say);
		expect(given).toHaveLength(length);
		expect(calls).toBeGreaterThan(length);
	});

	it('of one bad part in a thousand takes two calls for each halving', () => {
		const whole = Array.from({ length: 1000 }, (_, owner) => ({ owner, isBad: owner === 617 }));
		const { given, calls } = settle(whole, () => 'no');
		expect(given).toEqual([whole[617]]);
		expect(calls).toBeLessThanOrEqual(21);
	});

	it('of one owner is not taken apart', () => {
		const whole = Array.from({ length: 8 }, () => ({ owner: 1, isBad: true }));
		expect(settle(whole, () => 'no')).toMatchObject({ given: whole, calls: 1 });
	});

	it('has one cause when all words are the same', () => {
		expect(haveOneCause([])).toBe(true);
		expect(haveOneCause([{ cause: 'a' }, { cause: 'a' }])).toBe(true);
		expect(haveOneCause([{ cause: 'a' }, { cause: 'b' }])).toBe(false);
	});
});
