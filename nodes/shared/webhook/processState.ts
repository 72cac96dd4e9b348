/** What one n8n process remembers about its trigger nodes, in bounded memory. */
import type { IHookFunctions, IWebhookFunctions } from 'n8n-workflow';

/** How many nodes are remembered. A forgotten registration is read from the static data again. */
const MOST = 2000;

/** Cached per call: `getNode` copies the whole node. */
const keys = new WeakMap<IHookFunctions | IWebhookFunctions, string>();

/**
 * The node among all of this n8n. In n8n 1 two nodes of a workflow may have one ID, as where a model wrote it; the IDs
 * in their URLs differ.
 */
export function nodeKey(context: IHookFunctions | IWebhookFunctions): string {
	const known = keys.get(context);
	if (known) return known;
	const { id, webhookId = '' } = context.getNode();
	const key = `${context.getWorkflow().id} ${id} ${webhookId}`;
	keys.set(context, key);
	return key;
}

/** A map that drops the least recently used entry; a dropped delivery may run again. */
export function newProcessState<T>(most = MOST) {
	const entries = new Map<string, T>();
	return {
		get(key: string): T | undefined {
			const value = entries.get(key);
			if (value !== undefined) {
				entries.delete(key);
				entries.set(key, value);
			}
			return value;
		},
		set(key: string, value: T): void {
			entries.delete(key);
			entries.set(key, value);
			const [oldest] = entries.keys();
			if (entries.size > most && oldest !== undefined) entries.delete(oldest);
		},
		delete: (key: string): boolean => entries.delete(key),
		values: () => entries.values(),
	};
}
