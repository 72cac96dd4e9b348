/** What one n8n process remembers of its trigger nodes, bounded however many workflows come and go. */
import type { IHookFunctions, IWebhookFunctions } from 'n8n-workflow';

/** How many nodes are remembered. What is forgotten comes back from the static data, as far as they have it. */
const MOST = 2000;

/** By call: n8n copies the whole node whenever it is asked for it. */
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

/** A map that forgets the entry that was not used for the longest time. */
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
