/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/require-node-api-error */
import axios, { isAxiosError } from 'axios';
import { parse } from 'flatted';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { delimiter, dirname, join, resolve } from 'node:path';
import { freePort, pause, run, startProcess, stopProcess, tail, temporaryFolder, until } from './processes';
import { defaultVersion, isN8n1, type N8nVersion, provisionN8n, provisionNode } from './provision';

export const projectFolder = resolve(__dirname, '../..');
export const packageName = 'n8n-nodes-hubble';

export type Json = Record<string, unknown>;
export interface Item {
	json: Json;
	pairedItem?: unknown;
	binary?: Record<string, unknown>;
}

/** A workflow as n8n exports it. */
export interface WorkflowFile {
	name: string;
	nodes: Array<{
		name: string;
		type: string;
		parameters: Json;
		credentials?: Record<string, { id: string; name: string }>;
		[key: string]: unknown;
	}>;
	connections: Json;
	settings?: Json;
}

/** One execution as n8n stored it. */
export interface Execution {
	id: string;
	status: string;
	mode: string;
	seconds: number;
	/** The message of the error that ended it. */
	error?: string;
	/** The items that a node put out, of all its runs and outputs. */
	items(node: string): Item[];
}

export interface N8nOptions {
	version?: N8nVersion;
	port?: number;
	/** Environment variables on top of the quiet ones below. */
	env?: Record<string, string>;
	/** Where n8n keeps its state; a temporary folder unless given. */
	userFolder?: string;
}

export type N8n = Awaited<ReturnType<typeof startN8n>>;

/** The owner account of every n8n that is started here; it listens on 127.0.0.1 only. */
export const owner = { email: 'owner@example.com', password: 'Hubble-demo-1', firstName: 'Hubble', lastName: 'Demo' };

/**
 * Seconds that n8n 2 leaves a published workflow alone when it was killed while it started its trigger: the lease of
 * `N8N_WORKFLOW_PUBLICATION_OUTBOX_LEASE_SECONDS`. What is awaited after a kill needs as much more time.
 */
export const publicationLeaseS = 120;

/** No telemetry, no call to the outside, no question to the user. */
const quiet = {
	N8N_DIAGNOSTICS_ENABLED: 'false',
	N8N_DYNAMIC_BANNERS_ENABLED: 'false',
	N8N_HIRING_BANNER_ENABLED: 'false',
	N8N_LICENSE_AUTO_RENEW_ENABLED: 'false',
	N8N_PERSONALIZATION_ENABLED: 'false',
	N8N_PYTHON_ENABLED: 'false',
	N8N_SECURE_COOKIE: 'false',
	N8N_TEMPLATES_ENABLED: 'false',
	N8N_UNVERIFIED_PACKAGES_ENABLED: 'true',
	N8N_VERIFIED_PACKAGES_ENABLED: 'false',
	N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
	N8N_VERSION_NOTIFICATIONS_WHATS_NEW_ENABLED: 'false',
};

const messageOf = (error: unknown): string =>
	(isAxiosError<{ message?: string }>(error) ? error.response?.data?.message : undefined) ?? '';

/** Ends n8n when the script that started it is gone without having said so (SIGKILL). */
const dieWithParent =
	'data:text/javascript,const p=process.ppid;setInterval(()=>{if(process.ppid!==p)process.kill(-process.pid,9)},500).unref()';

/**
 * Starts a real n8n with this package installed, sets up its owner and logs in.
 * Fails with the end of n8n's log when it does not come up.
 */
export async function startN8n(options: N8nOptions = {}) {
	const version = options.version ?? defaultVersion;
	const isVersion1 = isN8n1(version);
	const userFolder = options.userFolder ?? temporaryFolder('n8n');
	const logFile = join(userFolder, 'n8n.log');
	const port = options.port ?? (await freePort());
	const url = `http://127.0.0.1:${port}`;
	const node = await provisionNode();
	const n8nFolder = await provisionN8n(version);
	await installPackage(userFolder, await pack());

	const env = {
		PATH: [dirname(node), process.env.PATH].join(delimiter), // n8n starts its task runner with the first `node`
		HOME: process.env.HOME,
		LANG: 'C.UTF-8',
		...quiet,
		N8N_USER_FOLDER: userFolder,
		N8N_PORT: String(port),
		N8N_HOST: '127.0.0.1',
		N8N_LISTEN_ADDRESS: '127.0.0.1',
		N8N_EDITOR_BASE_URL: url,
		N8N_RUNNERS_BROKER_PORT: String(await freePort()),
		...(isVersion1
			? { WEBHOOK_URL: url, N8N_RUNNERS_ENABLED: 'true' }
			: { N8N_WEBHOOK_URL: url, N8N_DISABLED_MODULES: 'mcp-registry' }),
		...options.env,
	};

	/** Starts one of n8n's commands; `more` adds to the environment. */
	const launch = (command: 'start' | 'worker' | 'webhook', log = logFile, more: Record<string, string> = {}) =>
		startProcess(node, ['--import', dieWithParent, join(n8nFolder, 'node_modules/n8n/bin/n8n'), command], log, {
			env: { ...env, ...more },
			cwd: userFolder,
		});

	let child = launch('start');
	let cookie = '';
	const http = axios.create({
		baseURL: url,
		maxContentLength: Infinity,
		proxy: false,
		// A connection of its own for each call: n8n closes kept ones when it was busy for some seconds.
		httpAgent: new Agent({ keepAlive: false }),
	});

	/** Calls n8n's own REST interface, the one its editor uses; gives what is in `data` of the reply. */
	async function rest<T = Json>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T> {
		const headers = { cookie, 'content-type': 'application/json', 'browser-id': 'hubble-e2e' };
		const call = async () => await http.request<{ data: T }>({ method, url: `/rest${path}`, data: body, headers });
		try {
			// A busy n8n may find its database too slow for a moment; it then refuses a call before it does anything.
			const response = await until('the database of n8n', 60, async () => {
				return await call().catch(async (error: unknown) => {
					if (messageOf(error) !== 'Database is not ready!') throw error;
					await pause(1000);
					return undefined;
				});
			});
			const cookies = response.headers['set-cookie'];
			if (cookies) cookie = cookies.map((one) => one.split(';')[0]).join('; ');
			return response.data.data;
		} catch (error) {
			const reply = isAxiosError(error) ? error.response : undefined;
			if (reply) throw new Error(`n8n answered ${reply.status} to ${method} ${path}: ${messageOf(error)}`);
			// Not the error itself: it holds the session's cookie.
			throw new Error(`n8n did not answer ${method} ${path}: ${(error as Error).message}\n${tail(logFile, 15)}`);
		}
	}

	/** Waits until the health check, the readiness check and the REST interface answer. */
	async function ready() {
		await until(`n8n ${version} at ${url}`, 240, async () => {
			if (child.exitCode !== null) throw new Error(`n8n ended with ${child.exitCode}`);
			for (const path of ['/healthz', '/healthz/readiness', '/rest/settings']) {
				const answer = await http.get<unknown>(path, { validateStatus: () => true }).catch(() => undefined);
				if (answer?.status !== 200 || typeof answer.data !== 'object') return false;
			}
			return true;
		}).catch((error: Error) => {
			throw new Error(`${error.message}\n${tail(logFile)}`);
		});
	}

	await ready();
	const settings = await rest<{ userManagement: { showSetupOnFirstLoad: boolean } }>('GET', '/settings');
	if (settings.userManagement.showSetupOnFirstLoad) await rest('POST', '/owner/setup', owner);
	await login();

	/** Logs in anew, as after a restart. */
	async function login() {
		cookie = '';
		await rest('POST', '/login', { emailOrLdapLoginId: owner.email, email: owner.email, password: owner.password });
	}

	/** n8n 2 starts and stops triggers after it has answered: waits until that is done. */
	async function settled(workflowId: string) {
		if (isVersion1) return [];
		return await until(`the triggers of workflow ${workflowId}`, 120, async () => {
			const publication = await rest<{ status: string; triggers: Array<{ errorMessage?: string | null }> }>(
				'GET',
				`/workflows/${workflowId}/publication-status`,
			);
			return publication.status === 'in_progress' ? undefined : publication.triggers;
		});
	}

	async function execution(id: string): Promise<Execution> {
		return readExecution(await rest<StoredExecution>('GET', `/executions/${id}`));
	}

	/** Waits for the end of an execution. */
	async function finished(id: string, timeoutSeconds = 180): Promise<Execution> {
		return await until(`execution ${id}`, timeoutSeconds, async () => {
			const stored = await rest<StoredExecution | undefined>('GET', `/executions/${id}`);
			// n8n may tell the ID before the execution is stored.
			if (!stored || ['new', 'running', 'waiting'].includes(stored.status)) return undefined;
			return isStored(stored) ? readExecution(stored) : undefined;
		});
	}

	return {
		version,
		url,
		userFolder,
		logFile,
		launch,
		/** The main process, to measure it. */
		get pid() {
			return child.pid ?? 0;
		},
		rest,

		/** Stores a credential and gives its id. */
		async createCredential(name: string, type: string, data: Json): Promise<string> {
			return (await rest<{ id: string }>('POST', '/credentials', { name, type, data })).id;
		},

		/** The stored credentials, name → id, as `createWorkflow` takes them. */
		async credentialIds(): Promise<Record<string, string>> {
			const stored = await rest<Array<{ id: string; name: string }>>('GET', '/credentials');
			return Object.fromEntries(stored.map(({ id, name }) => [name, id]));
		},

		/** What the credential dialog shows after Save: stores the credential and lets n8n test it. */
		async testCredential(type: string, data: Json): Promise<{ status: string; message: string }> {
			const name = 'Under test';
			const { id } = await rest<{ id: string }>('POST', '/credentials', { name, type, data });
			try {
				return await rest('POST', '/credentials/test', { credentials: { id, name, type, data } });
			} finally {
				await rest('DELETE', `/credentials/${id}`);
			}
		},

		/** Imports a workflow and gives its id; credentials are linked by name to `credentials` (name → id). */
		async createWorkflow(file: WorkflowFile, credentials: Record<string, string> = {}): Promise<string> {
			const workflow = structuredClone(file);
			for (const node of workflow.nodes) {
				for (const reference of Object.values(node.credentials ?? {})) {
					reference.id = credentials[reference.name] ?? reference.id;
				}
				// As the editor does: a webhook's path begins with this.
				if (/trigger$|webhook$/i.test(node.type)) node.webhookId ??= randomUUID();
			}
			return (await rest<{ id: string }>('POST', '/workflows', { active: false, ...workflow })).id;
		},

		/** Replaces nodes, connections and settings of a workflow; an active one stays as it was published. */
		async updateWorkflow(id: string, file: Partial<WorkflowFile>): Promise<void> {
			await rest('PATCH', `/workflows/${id}`, file);
		},

		/** Publishes the current version of a workflow and waits until its triggers run; throws what they say. */
		async activate(id: string): Promise<void> {
			const { versionId } = await rest<{ versionId: string }>('GET', `/workflows/${id}`);
			await rest('POST', `/workflows/${id}/activate`, { versionId });
			const problems = (await settled(id)).flatMap(({ errorMessage }) => errorMessage ?? []);
			if (problems.length > 0) throw new Error(problems.join('\n'));
		},

		async deactivate(id: string): Promise<void> {
			await rest('POST', `/workflows/${id}/deactivate`, {});
			await settled(id);
		},

		/** Runs a workflow from its trigger node as the editor's button does, and waits for the end. */
		async run(workflowId: string, timeoutSeconds = 180): Promise<Execution> {
			const workflow = await rest<WorkflowFile>('GET', `/workflows/${workflowId}`);
			const trigger = workflow.nodes.find(({ type }) => /trigger$/i.test(type));
			if (!trigger) throw new Error(`Workflow ${workflowId} has no trigger node`);
			const body = { triggerToStartFrom: { name: trigger.name } };
			const { executionId } = await rest<{ executionId: string }>(
				'POST',
				`/workflows/${workflowId}/run`,
				isVersion1 ? { ...body, workflowData: workflow, startNodes: [] } : body,
			);
			return await finished(executionId, timeoutSeconds);
		},

		execution,
		finished,

		/** What n8n stored of an execution without the items that its nodes put out, as text: errors, hints, what was asked. */
		async besideOutput(id: string): Promise<string> {
			const { data } = await rest<StoredExecution>('GET', `/executions/${id}`);
			// A run that crashed before it began has none.
			if (data === '[]') return '';
			const { resultData, executionData } = parse(data) as {
				resultData: Json & { runData: Record<string, Json[]> };
				executionData?: Json;
			};
			const runs = Object.values(resultData.runData ?? {}).flat();
			const withoutItems = runs.map((one) => ({ ...one, data: undefined, inputOverride: undefined }));
			const { contextData } = executionData ?? {};
			return JSON.stringify([{ ...resultData, runData: withoutItems }, contextData]);
		},

		/** The newest executions first, of one workflow or all, without their data. */
		async executions(workflowId?: string, limit = 100): Promise<StoredHead[]> {
			const filter = encodeURIComponent(JSON.stringify(workflowId ? { workflowId } : {}));
			const all: StoredHead[] = [];
			let next: string | null | undefined;
			for (;;) {
				// n8n gives a hundred at most.
				const size = Math.min(100, limit - all.length);
				const older = all.length
					? `&${isVersion1 ? `lastId=${all.at(-1)?.id}` : `cursor=${encodeURIComponent(next ?? '')}`}`
					: '';
				const path = `/executions?filter=${filter}&limit=${size}${older}`;
				const page = await rest<{ results: StoredHead[]; nextCursor?: string | null }>('GET', path);
				all.push(...page.results);
				next = page.nextCursor;
				if (page.results.length < size || all.length >= limit || (!isVersion1 && !next)) return all;
			}
		},

		/** What a picker ("From list") of a node shows, asked for as the editor does. */
		async listSearch(request: {
			nodeType: string;
			methodName: string;
			path: string;
			credentials: Record<string, { id: string; name: string }>;
			parameters?: Json;
			filter?: string;
			paginationToken?: string;
		}) {
			const { nodeType, parameters = {}, ...search } = request;
			return await rest<{ results: Array<{ name: string; value: string }>; paginationToken?: string }>(
				'POST',
				'/dynamic-node-parameters/resource-locator-results',
				{ ...search, currentNodeParameters: parameters, nodeTypeAndVersion: { name: nodeType, version: 1 } },
			);
		},

		logs: (lines?: number) => tail(logFile, lines),

		/** Ends n8n the hard way, as a crash does. */
		kill: async () => await stopProcess(child, 'SIGKILL'),

		stop: async () => await stopProcess(child),

		/** Runs one of n8n's commands beside the server, such as `export:workflow`. */
		cli: async (...args: string[]) =>
			await run(node, [join(n8nFolder, 'node_modules/n8n/bin/n8n'), ...args], {
				env: { ...env, N8N_RUNNERS_BROKER_PORT: String(await freePort()) },
				cwd: userFolder,
			}),

		/** Puts this package under a higher version in the place of the installed one; n8n loads it at its next start. */
		upgrade: async (to: string) => await installPackage(userFolder, await packNewer(to)),

		/** Starts n8n again, on the same port and user folder, after `kill` or `stop`; `more` adds to the environment. */
		async start(more: Record<string, string> = {}) {
			child = launch('start', logFile, more);
			await ready().catch(async (error: Error) => {
				// n8n may fail over what a kill left half-written. It passes over that at its next start, which what
				// supervises it makes (systemd, Docker).
				if (!error.message.includes('performStartupRecovery')) throw error;
				child = launch('start', logFile, more);
				await ready();
			});
			await login();
		},
	};
}

/** An execution in a list of them. */
interface StoredHead {
	id: string;
	status: string;
	mode: string;
	stoppedAt?: string;
}

interface StoredExecution extends StoredHead {
	startedAt: string;
	data: string;
}

/** Whether the data of an execution that is over are there: n8n 1 stores the status before them. */
function isStored({ status, data }: StoredExecution): boolean {
	const stored = parse(data) as { resultData?: { error?: unknown; runData?: Json } } | undefined;
	// One that was killed may never get any.
	if (status !== 'success' && status !== 'error') return stored !== undefined;
	return Boolean(stored?.resultData?.error) || Object.keys(stored?.resultData?.runData ?? {}).length > 0;
}

function readExecution({ id, status, mode, startedAt, stoppedAt, data }: StoredExecution): Execution {
	const { resultData } = parse(data) as {
		resultData: {
			error?: { message: string; description?: string };
			runData: Record<string, Array<{ data?: { main?: Array<Item[] | null> } }>>;
		};
	};
	const { error, runData } = resultData;
	return {
		id,
		status,
		mode,
		seconds: (Date.parse(stoppedAt ?? startedAt) - Date.parse(startedAt)) / 1000,
		error: error && [error.message, error.description].filter(Boolean).join(': '),
		items: (node) => (runData[node] ?? []).flatMap((one) => one.data?.main ?? []).flatMap((items) => items ?? []),
	};
}

let tarball: Promise<string> | undefined;

/** Builds the project and packs it as for publishing, once for all n8n of this process. */
export async function pack(): Promise<string> {
	tarball ??= run('npm', ['run', 'build'], { cwd: projectFolder }).then(async () => await packFolder(projectFolder));
	return await tarball;
}

async function packFolder(cwd: string): Promise<string> {
	const folder = temporaryFolder('pack');
	await run('npm', ['pack', '--pack-destination', folder], { cwd });
	const [file] = readdirSync(folder);
	if (!file) throw new Error('npm pack made no file');
	return join(folder, file);
}

/** The same package under a higher version, which its trigger shows in its name. */
async function packNewer(version: string): Promise<string> {
	const copy = temporaryFolder('newer');
	await run('tar', ['-xzf', await pack(), '-C', copy, '--strip-components=1']);
	const change = (path: string, from: RegExp, to: string) => {
		const text = readFileSync(join(copy, path), 'utf8');
		if (!from.test(text)) throw new Error(`${path} has no ${String(from)}`);
		writeFileSync(join(copy, path), text.replace(from, to));
	};
	change('package.json', /"version": "[^"]+"/, `"version": "${version}"`);
	const trigger = 'dist/nodes/HubblePacketTrigger/HubblePacketTrigger.node.js';
	change(trigger, /displayName: 'Hubble Packet Trigger'/, `displayName: 'Hubble Packet Trigger ${version}'`);
	return await packFolder(copy);
}

/**
 * Installs the packed project into the user folder in the steps of n8n's own installer ("Settings >
 * Community nodes"; n8n's community-packages.service): unpack, drop the dev, peer and optional
 * dependencies, install what is left, note it in the ledger.
 */
async function installPackage(userFolder: string, file: string) {
	const nodesFolder = join(userFolder, '.n8n/nodes');
	const target = join(nodesFolder, 'node_modules', packageName);
	rmSync(target, { recursive: true, force: true });
	mkdirSync(target, { recursive: true });
	await run('tar', ['-xzf', file, '-C', target, '--strip-components=1']);

	const manifestFile = join(target, 'package.json');
	const manifest = JSON.parse(readFileSync(manifestFile, 'utf8')) as Json & { version: string };
	for (const key of ['devDependencies', 'peerDependencies', 'optionalDependencies']) delete manifest[key];
	writeFileSync(manifestFile, JSON.stringify(manifest, null, 2));
	const flags = ['--audit=false', '--fund=false', '--bin-links=false', '--install-strategy=shallow'];
	await run('npm', ['install', ...flags, '--ignore-scripts=true', '--package-lock=false'], { cwd: target });
	writeFileSync(
		join(nodesFolder, 'package.json'),
		JSON.stringify({ name: 'installed-nodes', private: true, dependencies: { [packageName]: manifest.version } }),
	);
}
