/**
 * Runs a workflow in n8n's own engine (n8n-core), with real HTTP: displayOptions, defaults, pairing and On Error behave
 * as in n8n. Only storage is replaced: the credential is handed over in the clear.
 */
import { ExecutionLifecycleHooks, WorkflowExecute } from 'n8n-core';
import {
	createRunExecutionData,
	ICredentialsHelper,
	Workflow,
	type ICredentialDataDecryptedObject,
	type IDataObject,
	type IHttpRequestOptions,
	type INode,
	type INodeType,
	type INodeTypes,
	type IRun,
	type IWorkflowExecuteAdditionalData,
	type IWorkflowSettings,
	type IConnections,
} from 'n8n-workflow';
import { HubbleApi } from '../credentials/HubbleApi.credentials';

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

/** What is to run. */
export interface Plan {
	nodes: INode[];
	connections: IConnections;
	settings?: IWorkflowSettings;
	/** The node type behind each `type` of a node; a type that is missing, such as a sticky note, does not run. */
	types: Readonly<Record<string, INodeType>>;
	/** The one credential of all nodes. */
	credential: ICredentialDataDecryptedObject;
	/** The name of the node that begins, and the `json` of each of its items. */
	start: string;
	input?: IDataObject[];
	/** Stops the execution, as the editor's Stop button does, when it resolves. */
	stopWhen?: Promise<unknown>;
	/** Any further property of n8n's `additionalData`. */
	additionalData?: Partial<IWorkflowExecuteAdditionalData>;
}

/** Runs a workflow once, and gives what the engine recorded. */
export async function runWorkflow(plan: Plan): Promise<IRun> {
	const { nodes, connections, settings, types, credential, start, input = [{}], stopWhen } = plan;
	const nodeTypes: INodeTypes = {
		getByName: (name) => types[name] as INodeType,
		getByNameAndVersion: (name) => types[name] as INodeType,
		getKnownTypes: () => ({}),
	};
	const workflow = new Workflow({ nodes, connections, active: false, nodeTypes, settings });
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
		...plan.additionalData,
	} as unknown as IWorkflowExecuteAdditionalData;
	const first = {
		node: workflow.getNode(start) as INode,
		data: { main: [input.map((json) => ({ json }))] },
		source: null,
	};
	const runData = createRunExecutionData({ executionData: { nodeExecutionStack: [first] } });
	const execution = new WorkflowExecute(additionalData, 'trigger', runData).processRunExecutionData(workflow);
	void stopWhen?.then(() => execution.cancel());
	return await execution;
}
