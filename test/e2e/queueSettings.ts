/** Queue mode as the checks run it; examples/queue-mode is held to it. */

export const queueMode = {
	EXECUTIONS_MODE: 'queue',
	N8N_DISABLE_PRODUCTION_MAIN_PROCESS: 'true',
	OFFLOAD_MANUAL_EXECUTIONS_TO_WORKERS: 'true',
	QUEUE_HEALTH_CHECK_ACTIVE: 'true',
};

/**
 * A process that waits for the end of a run misses it when the worker is faster than its listening begins: n8n then
 * never answers. With this setting, which n8n 1 does not have, it finds the end within five seconds.
 */
export const findsEveryEnd = {
	N8N_EXECUTIONS_QUEUE_KEEP_LAST_COMPLETED: '1000',
	N8N_EXECUTIONS_QUEUE_KEEP_LAST_FAILED: '1000',
};

/** What stands beside main where everything is killed in turn. */
export const cluster = { workers: 2, webhooks: 2 };

/** How often the proxy before webhook processes asks each whether it is ready, in ms. */
export const PROBE_MS = 500;
