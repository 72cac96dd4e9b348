/* eslint-disable @n8n/community-nodes/no-restricted-globals -- the environment says which random values */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { n8nLine as mockN8n } from './n8nLine';
import { virtualTime as mockTime } from './virtualTime';

jest.mock('../../nodes/shared/n8n', () => {
	const actual = jest.requireActual<typeof import('../../nodes/shared/n8n')>('../../nodes/shared/n8n');
	const abortableSleep = async (ms: number, signal?: AbortSignal) =>
		await (mockTime.isReal ? actual.abortableSleep(ms, signal) : mockTime.sleep(ms, signal));
	return { ...actual, abortableSleep, isN8n1: () => mockN8n.is1 };
});

// The same random values at every run, others for each test: what turns red is a change's fault. Every week `SEED` is another.
beforeEach(() => {
	const words = `${process.env.SEED ?? ''} ${expect.getState().currentTestName}`;
	fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: createHash('sha256').update(words).digest().readInt32BE() });
});

beforeAll(() => mockTime.begin());
afterEach(() => {
	mockTime.isReal = false;
});
afterAll(() => mockTime.end());
