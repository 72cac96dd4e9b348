/** Some histories of each kind, and that each fault which is put in on purpose is found. */
import { FAULTS } from './faults';
import { history, KINDS, type Kind } from './histories';
import { ShippedCode } from './shipped';

/** As many as take a few seconds; `npm run test:histories` runs more. */
const HISTORIES: Readonly<Record<Kind, number>> = { packets: 25, alarms: 10, deliveries: 30, devices: 8 };

// They share a machine with the other tests.
jest.setTimeout(120_000);

const shipped = new ShippedCode();
const traces = Error.stackTraceLimit;
beforeAll(() => {
	Error.stackTraceLimit = 0;
});
afterAll(() => {
	Error.stackTraceLimit = traces;
});

test.each(Object.keys(KINDS) as Kind[])('histories of %s: what is promised holds', async (kind) => {
	let kills = 0;
	for (let seed = 1; seed <= HISTORIES[kind]; seed++) {
		const told = await history(kind, seed, shipped);
		expect(told.broken?.message).toBeUndefined();
		kills += told.kills;
	}
	expect(kills).toBeGreaterThan(HISTORIES[kind] / 4);
});

test.each(FAULTS)('$kind: the fault is found that $name', async (fault) => {
	const { broken } = await history(fault.kind, fault.seed, new ShippedCode([fault]));
	expect(broken?.promise).toContain(fault.breaks);
	// It is the fault that breaks it.
	expect((await history(fault.kind, fault.seed, shipped)).broken).toBeUndefined();
});
