/**
 * Runs one node in n8n's own engine (n8n-core), with real HTTP: displayOptions, defaults, pairing and
 * On Error behave as in n8n. Only storage is replaced: the credential is handed over in the clear.
 */
import Ajv from 'ajv';
import { ExecutionLifecycleHooks, WorkflowExecute } from 'n8n-core';
import {
	createRunExecutionData,
	ICredentialsHelper,
	NodeConnectionTypes,
	Workflow,
	type ICredentialDataDecryptedObject,
	type IDataObject,
	type IHttpRequestOptions,
	type INode,
	type INodeExecutionData,
	type INodeType,
	type INodeTypes,
	type IRun,
	type IWorkflowExecuteAdditionalData,
} from 'n8n-workflow';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { HubbleApi } from '../../credentials/HubbleApi.credentials';
import { closed, type Schema } from '../simulator/contract';
import type { PartnerSimulator } from '../simulator/partner';
import type { Simulator } from '../simulator/server';

/** What a node run gave: its items, or the error that ended it. */
export interface Outcome {
	items: INodeExecutionData[];
	/** What went to the error output, with `onError: 'continueErrorOutput'`. */
	errorItems: INodeExecutionData[];
	error?: Error & { description?: string; context?: IDataObject; httpCode?: string };
	hints: string[];
	run: IRun;
}

export interface Setup {
	node: INodeType;
	parameters: INode['parameters'];
	credential: ICredentialDataDecryptedObject;
	/** The `json` of each input item. */
	input?: IDataObject[];
	onError?: INode['onError'];
	/** IANA time zone of the workflow. */
	timezone?: string;
	/** Stops the execution, as the editor's Stop button does, when it resolves. */
	stopWhen?: Promise<unknown>;
	/** Any further property of n8n's `additionalData`. */
	additionalData?: Partial<IWorkflowExecuteAdditionalData>;
}

/** Gives out the items that a test wants as input. */
const source: INodeType = {
	description: {
		displayName: 'Source',
		name: 'source',
		group: ['transform'],
		version: 1,
		description: 'Gives the items of the test',
		defaults: { name: 'Source' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		properties: [],
	},
	async execute() {
		return [this.getInputData()];
	},
};

/** Authenticates requests as n8n's own helper does. */
export class TestCredentials extends ICredentialsHelper {
	constructor(private readonly credential: ICredentialDataDecryptedObject) {
		super();
	}

	async authenticate(credentials: ICredentialDataDecryptedObject, _type: string, options: IHttpRequestOptions) {
		return await new HubbleApi().authenticate(credentials, options);
	}

	async getDecrypted() {
		return this.credential;
	}

	async preAuthentication() {
		return undefined;
	}

	async runPreAuthentication() {
		return undefined;
	}

	getParentTypes() {
		return [];
	}

	async getCredentials(): Promise<never> {
		throw new Error('The test has no stored credentials');
	}

	async updateCredentials() {}

	async updateCredentialsOauthTokenData() {}

	getCredentialsProperties() {
		return new HubbleApi().properties;
	}
}

/** A Hubble API credential for the simulator, with what a test wants different. */
export const credentialFor = (
	{ token, organizationId, url }: Pick<Simulator, 'token' | 'organizationId' | 'url'>,
	changed: ICredentialDataDecryptedObject = {},
): ICredentialDataDecryptedObject => ({ apiToken: token, organizationId, baseUrl: url, apiPaths: 'api', ...changed });

/** A Hubble Partner API credential for the simulator's gift-card service, or another address. */
export const partnerCredentialFor = (
	{ clientId, clientSecret, url }: Pick<PartnerSimulator, 'clientId' | 'clientSecret' | 'url'>,
	baseUrl = url,
): ICredentialDataDecryptedObject => ({ environment: 'url', baseUrl, clientId, clientSecret });

/** A server on localhost that handles every request in the same way; `asked` counts them. */
export async function serverThat(handle: (request: FastifyRequest, reply: FastifyReply) => unknown) {
	const server = fastify();
	let asked = 0;
	server.all('/*', async (request, reply) => {
		asked += 1;
		return await handle(request, reply);
	});
	return {
		url: await server.listen({ host: '127.0.0.1', port: 0 }),
		asked: () => asked,
		close: async () => await server.close(),
	};
}

/** A server that gives one answer to every request. */
export const answering = async (status: number, body?: string | object, headers: Record<string, string> = {}) =>
	await serverThat(async (_, reply) => await reply.code(status).headers(headers).send(body));

const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });

/** What of the items is not as n8n previews them: values of other types, and fields that the preview does not have. */
export function unforeseen(schema: Schema | undefined, items: readonly INodeExecutionData[], isOpen = false): string[] {
	if (!schema) return ['there is no schema'];
	const validate = ajv.compile(isOpen ? schema : closed(schema));
	return items.flatMap(({ json }) =>
		validate(json) ? [] : `${ajv.errorsText(validate.errors)}: ${JSON.stringify(json)}`,
	);
}

/** Executes the node once for the given input, and returns what the engine recorded. */
export async function execute(setup: Setup): Promise<Outcome> {
	const { node: type, parameters, credential, input = [{}], onError, timezone = 'UTC', stopWhen } = setup;
	const types: Record<string, INodeType> = { source, [type.description.name]: type };
	const nodeTypes: INodeTypes = {
		getByName: (name) => types[name] as INodeType,
		getByNameAndVersion: (name) => types[name] as INodeType,
		getKnownTypes: () => ({}),
	};
	const at = (index: number): Pick<INode, 'id' | 'typeVersion' | 'position'> => ({
		id: String(index),
		typeVersion: 1,
		position: [index, 0],
	});
	const workflow = new Workflow({
		nodes: [
			{ ...at(0), name: 'Source', type: 'source', parameters: {} },
			{
				...at(1),
				name: 'Hubble',
				type: type.description.name,
				parameters,
				onError,
				credentials: { [type.description.credentials?.[0]?.name ?? '']: { id: '1', name: 'Test' } },
			},
		],
		connections: { Source: { main: [[{ node: 'Hubble', type: NodeConnectionTypes.Main, index: 0 }]] } },
		active: false,
		nodeTypes,
		settings: { timezone },
	});
	const additionalData = {
		credentialsHelper: new TestCredentials(credential),
		hooks: new ExecutionLifecycleHooks('trigger', '1', { id: '1', name: 'Test', nodes: [], connections: {} } as never),
		currentNodeExecutionIndex: 0,
		variables: {},
		executionId: '1',
		restApiUrl: '',
		instanceBaseUrl: '',
		webhookBaseUrl: '',
		webhookWaitingBaseUrl: '',
		webhookTestBaseUrl: '',
		formWaitingBaseUrl: '',
		logAiEvent: () => undefined,
		...setup.additionalData,
	} as unknown as IWorkflowExecuteAdditionalData;
	const start = {
		node: workflow.getNode('Source') as INode,
		data: { main: [input.map((json) => ({ json }))] },
		source: null,
	};
	const engine = new WorkflowExecute(
		additionalData,
		'trigger',
		createRunExecutionData({ executionData: { nodeExecutionStack: [start] } }),
	);
	const execution = engine.processRunExecutionData(workflow);
	void stopWhen?.then(() => execution.cancel());
	const run = await execution;
	const [task] = run.data.resultData.runData.Hubble ?? [];
	return {
		items: task?.data?.main?.[0] ?? [],
		errorItems: task?.data?.main?.[1] ?? [],
		error: (task?.error ?? run.data.resultData.error) as Outcome['error'],
		hints: (task?.hints ?? []).map(({ message }) => message),
		run,
	};
}
