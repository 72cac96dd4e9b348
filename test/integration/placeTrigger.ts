/* eslint-disable @n8n/community-nodes/no-restricted-imports -- a server that answers as n8n does */
/** A published trigger in n8n-core's own contexts: hooks against the simulator, deliveries by request and response. */
import { HookContext, PollContext, WebhookContext } from 'n8n-core';
import {
	Workflow,
	type IDataObject,
	type INode,
	type INodeType,
	type INodeTypes,
	type IWebhookData,
	type IWebhookResponseData,
	type IWorkflowExecuteAdditionalData,
} from 'n8n-workflow';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { TestCredentials } from '../engine';
import type { Simulator } from '../simulator/server';

type Hooks = Record<'checkExists' | 'create' | 'delete', (this: HookContext) => Promise<boolean>>;

export interface Placement {
	/** Of the class as this process has it, or of another process. */
	trigger: INodeType;
	parameters: IDataObject;
	/** What the credential holds beside the simulator's address and token. */
	credential?: IDataObject;
	/** n8n's own names of things; new ones unless given. */
	workflowId?: string;
	nodeId?: string;
	/** '': n8n gave the node none. */
	webhookId?: string;
	/** What n8n has stored of the workflow, as `stored` gives it. */
	staticData?: IDataObject;
	/** Which n8n it is. */
	instance?: string;
	/** The public URL of that n8n. */
	base?: string;
}

export type Placed = ReturnType<ReturnType<typeof triggerStage>['place']>;

/** Places triggers in workflows of their own; what they write into n8n's log goes to `warnings`. */
export function triggerStage(hubble: Simulator, warnings: string[]) {
	const logger = {
		value: { warn: (line: string) => warnings.push(line), error: (line: string) => warnings.push(line) },
	};

	function place(placement: Placement) {
		const { trigger, parameters, credential = {}, staticData, instance = 'this n8n' } = placement;
		const { workflowId = randomUUID(), nodeId = randomUUID(), webhookId = randomUUID() } = placement;
		const type = trigger.description.name;
		const node: INode = {
			id: nodeId,
			name: 'Hubble Packet Trigger',
			type,
			typeVersion: 2,
			position: [0, 0],
			parameters: parameters as INode['parameters'],
			webhookId: webhookId || undefined,
			credentials: { hubbleApi: { id: '1', name: 'Hubble' }, hubblePartnerApi: { id: '2', name: 'Partner' } },
		};
		const nodeTypes: INodeTypes = {
			getByName: () => trigger,
			getByNameAndVersion: () => trigger,
			getKnownTypes: () => ({}),
		};
		const workflow = new Workflow({
			id: workflowId,
			name: 'Receive',
			nodes: [node],
			connections: {},
			active: true,
			nodeTypes,
			staticData: structuredClone(staticData),
		});
		const own = workflow.getNode('Hubble Packet Trigger') as INode;
		// The simulator has no limits in these tests.
		const api = {
			requestsPerSecond: 1000,
			apiToken: hubble.token,
			organizationId: hubble.organizationId,
			baseUrl: hubble.url,
			apiPaths: 'api',
		};
		const webhookData = { webhookDescription: trigger.description.webhooks?.[0] } as IWebhookData;
		const hooks = trigger.webhookMethods?.default as Hooks;
		let base = placement.base ?? 'https://n8n.example.com';
		const additionalData = (more: object = {}) =>
			({
				credentialsHelper: new TestCredentials({ ...api, ...credential } as never),
				webhookBaseUrl: `${base}/webhook`,
				webhookTestBaseUrl: `${base}/webhook-test`,
				...more,
			}) as unknown as IWorkflowExecuteAdditionalData;
		const ours = { logger, getInstanceId: { value: () => instance } };
		type Mode = ConstructorParameters<typeof HookContext>[3];
		const hook = (isTest: boolean, mode: Mode = isTest ? 'manual' : 'trigger') => {
			const activation = mode === 'internal' ? 'update' : isTest ? 'manual' : 'activate';
			const context = new HookContext(workflow, own, additionalData(), mode, activation, { ...webhookData, isTest });
			return Object.defineProperties(context, ours);
		};
		const exists = async (isTest = false) => await hooks.checkExists.call(hook(isTest));
		const create = async (isTest = false) => await hooks.create.call(hook(isTest));
		return {
			webhookId,
			data: () => workflow.getStaticData('node', own),
			/** The static data as n8n stores them. */
			stored: () => JSON.parse(JSON.stringify(workflow.staticData)) as IDataObject,
			/** n8n gets another public URL. */
			moveTo(url: string) {
				base = url;
			},
			setParameters: (changed: IDataObject) => Object.assign(own.parameters, changed),
			exists,
			create,
			remove: async (isTest = false) => await hooks.delete.call(hook(isTest, 'internal')),
			/** n8n's own order at an activation. */
			async activate(isTest = false) {
				if (!(await exists(isTest))) await create(isTest);
			},
			/** One poll of a trigger that polls. */
			async poll() {
				const context = new PollContext(workflow, own, additionalData(), 'trigger', 'activate');
				Object.defineProperties(context, ours);
				return (await trigger.poll?.call(context)) ?? [];
			},
			/**
			 * One delivery; n8n answers 200 to what starts a run, unless `endsWith` says how the run ended. `remark`: what n8n
			 * says in the place of a run; `isTest`: the editor listens.
			 */
			async deliver(body: unknown, headers: IDataObject = {}, more: IDataObject = {}) {
				const raw = typeof body === 'string' ? body : JSON.stringify(body);
				const answer = { status: 0, message: '', endpoint: undefined as unknown, ended: 0 };
				const response = {
					statusCode: 200,
					status(code: number) {
						response.statusCode = answer.status = code;
						return response;
					},
					json(content?: IDataObject) {
						Object.assign(answer, content);
						response.end();
					},
					end: () => {
						answer.ended += 1;
					},
				};
				const request = {
					headers: { 'content-type': 'application/json', ...headers },
					rawBody: Buffer.from(raw),
					body: typeof body === 'string' ? (more.body as unknown) : body,
					ip: '203.0.113.9',
					...more,
				};
				const data = additionalData({ httpRequest: request, httpResponse: response });
				const mode = more.isTest ? 'manual' : 'webhook';
				const context = new WebhookContext(workflow, own, data, mode, webhookData, [], null);
				Object.defineProperties(context, ours);
				const result = (await trigger.webhook?.call(context)) as IWebhookResponseData;
				const finish = () => {
					response.statusCode = answer.status || Number(more.endsWith ?? 200);
					response.json(more.remark as IDataObject | undefined);
				};
				if (!result.noWebhookResponse && !more.isRunning) finish();
				const items = (result.workflowData?.[0] ?? []).map(({ json }) => json);
				/** Ends a run that goes on (`isRunning`). */
				return { ...answer, sent: response.statusCode, items, result, finish };
			},
		};
	}

	/** The address of an n8n in which the triggers of `listening` are published; it answers as n8n does. */
	async function serve(listening: Set<Placed>): Promise<{ url: string; close: () => void }> {
		const server = createServer((request, response) => {
			const [, test, webhookId] = /^\/webhook(-test)?\/([^/]+)\/webhook$/.exec(request.url ?? '') ?? [];
			const placed = [...listening].find((one) => one.webhookId === webhookId);
			const send = (status: number, content: object) =>
				response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content));
			if (!placed) {
				const message = `The requested webhook "POST ${String(webhookId)}/webhook" is not registered.`;
				send(404, { code: 404, message, hint: 'The workflow must be active' });
				return;
			}
			const isTest = test !== undefined;
			void text(request)
				.then(async (raw) => {
					const body = JSON.parse(raw || '{}') as IDataObject;
					return await placed.deliver(body, request.headers as IDataObject, { isTest });
				})
				.then(({ status, message, endpoint }) => send(status || 200, { message, endpoint }));
		});
		await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
		return {
			url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
			close: () => {
				server.closeAllConnections();
				server.close();
			},
		};
	}

	return { place, serve };
}
