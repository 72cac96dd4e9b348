/* eslint-disable @n8n/community-nodes/no-restricted-imports -- finds a dependency of n8n-core */
/** For jest's setup: ends what n8n-core leaves running, so that each test file ends by itself. */
import { dirname } from 'node:path';

type Manager = { onShutdown(): void };

afterAll(async () => {
	// Unit tests load no engine, and need not load it to end it.
	if (!expect.getState().testPath?.includes('/integration/')) return;
	// Every context that executes a node makes the manager of SSH tunnels, which looks for old ones every minute.
	const core = dirname(require.resolve('n8n-core'));
	const { Container } = (await import(require.resolve('@n8n/di', { paths: [core] }))) as {
		Container: { get(service: new () => Manager): Manager };
	};
	const { SSHClientsManager } = (await import(`${core}/execution-engine/ssh-clients-manager`)) as {
		SSHClientsManager: new () => Manager;
	};
	Container.get(SSHClientsManager).onShutdown();
});
