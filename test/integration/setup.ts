import { virtualTime as mockTime } from './virtualTime';

jest.mock('../../nodes/shared/n8n', () => {
	const actual = jest.requireActual<typeof import('../../nodes/shared/n8n')>('../../nodes/shared/n8n');
	const abortableSleep = async (ms: number, signal?: AbortSignal) =>
		await (mockTime.isReal ? actual.abortableSleep(ms, signal) : mockTime.sleep(ms, signal));
	return { ...actual, abortableSleep };
});

beforeAll(() => mockTime.begin());
afterEach(() => {
	mockTime.isReal = false;
});
afterAll(() => mockTime.end());
