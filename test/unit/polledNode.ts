/** A node that polls, in n8n: what n8n stores for it, and the ways in which one of its polls may end. */
import type { IDataObject, INode, IPollFunctions } from 'n8n-workflow';
import { COMMIT_MS } from '../../nodes/shared/n8n';
import { poll, type PolledStream } from '../../nodes/shared/polling/poll';

let nodes = 0;

/** A node in n8n, and what n8n stores for it. */
export function nodeOf(members: object = {}, id = `node ${(nodes += 1)}`) {
	const warnings: string[] = [];
	const n8n = { data: {} as IDataObject };
	const context = {
		getNode: () => ({ id, name: 'Poll' }) as INode,
		getWorkflow: () => ({ id: 'workflow' }),
		getWorkflowStaticData: (type: string) => (type === 'node' ? n8n.data : {}),
		logger: { warn: (line: string) => warnings.push(line) },
		...members,
	} as unknown as IPollFunctions;
	return { context, n8n, warnings };
}

/** n8n 2: any process polls, and what it returns may be thrown away. */
export const scheduled = { __runPoll: undefined, __commitCursor: undefined, getPollBudgetMs: () => 36_000 };

/** Static data as n8n's database has them, in an object that n8n watches for changes. */
export const watched = (data: IDataObject): IDataObject =>
	Object.defineProperty(structuredClone(data), '__dataChanged', { value: true });

/** What may become of a poll; n8n saves the position, then makes the execution. */
export const OUTCOMES = [
	'handed over',
	'error',
	'discarded',
	'crash before saving',
	'crash after saving',
	'crash after hand-over',
	'restart',
];

/**
 * Polls in an n8n that gives the position anew to each poll.
 * @param isAtomic whether it saves the position with the execution
 */
export function pollsOf<P>(source: PolledStream<P>, isAtomic = false) {
	let now = performance.now();
	jest.spyOn(performance, 'now').mockImplementation(() => now);
	let disk: IDataObject = {};
	let node = nodeOf(scheduled);
	/** Items of the last execution: so many may come again after a crash. */
	let last = 0;
	const all = { delivered: [] as IDataObject[], repeatable: 0 };
	const restart = () => {
		all.repeatable += last;
		// Of a node with another ID the process knows nothing.
		node = nodeOf(scheduled);
	};
	const pollOnce = async (outcome: string) => {
		if (outcome === 'restart') return restart();
		now += COMMIT_MS;
		const { context, n8n } = node;
		n8n.data = isAtomic ? structuredClone(disk) : watched(disk);
		const read = outcome === 'error' ? async () => await Promise.reject(new Error('away')) : source.read;
		const [items] = (await poll(context, async () => ({ ...source, read })).catch(() => null)) ?? [];
		// Without items n8n stores nothing.
		if (!items || outcome === 'discarded') return;
		if (outcome === 'crash before saving' || (isAtomic && outcome === 'crash after saving')) return restart();
		disk = JSON.parse(JSON.stringify(n8n.data)) as IDataObject;
		if (outcome === 'crash after saving') return restart();
		all.delivered.push(...items.map(({ json }) => json));
		last = items.length;
		if (outcome === 'crash after hand-over') restart();
	};
	return { all, pollOnce };
}
