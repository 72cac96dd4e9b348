/** What one n8n process remembers of its trigger nodes, bounded however many workflows come and go. */
import type { IHookFunctions, IWebhookFunctions } from 'n8n-workflow';

/** How many nodes are remembered. What is forgotten comes back from the static data, as far as they hold it. */
const MOST = 2000;

/** By call: n8n copies the whole node whenever it is asked for it. */
const keys = new WeakMap<IHookFunctions | IWebhookFunctions, string>();

/** The node among all of this n8n. */
export function nodeKey(context: IHookFunctions | IWebhookFunctions): string {
	const key = keys.get(context) ?? `${context.getWorkflow().id} ${context.getNode().id}`;
	keys.set(context, key);
	return key;
}

/**
 * A map that forgets the entry that was not used for the longest time.
 * @param isNeeded entries that must stay, whatever their age
 */
export function newProcessState<T>(isNeeded: (value: T) => boolean = () => false, most = MOST) {
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
			for (const [oldest, old] of entries) {
				if (entries.size <= most) break;
				if (oldest !== key && !isNeeded(old)) entries.delete(oldest);
			}
		},
		delete: (key: string): boolean => entries.delete(key),
		values: () => entries.values(),
		get size(): number {
			return entries.size;
		},
	};
}
