/** Runs one node in n8n's own engine, over HTTP against a server of the test. */
import Ajv from 'ajv';
import {
	NodeConnectionTypes,
	type ICredentialDataDecryptedObject,
	type IDataObject,
	type INode,
	type INodeExecutionData,
	type INodeType,
	type IRun,
} from 'n8n-workflow';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { runWorkflow, type Plan } from '../engine';
import { closed, type Schema } from '../../tools/contract';
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

export interface Setup extends Pick<Plan, 'credential' | 'input' | 'stopWhen' | 'additionalData'> {
	node: INodeType;
	parameters: INode['parameters'];
	onError?: INode['onError'];
	retryOnFail?: boolean;
	/** IANA time zone of the workflow. */
	timezone?: string;
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

/** A list in a collection as n8n stores it (`inCollection`). */
export const listed = <T>(rows: T) => ({ list: { rows } });

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
	const { node: type, parameters, onError, retryOnFail, timezone = 'UTC', ...more } = setup;
	const at = (index: number): Pick<INode, 'id' | 'typeVersion' | 'position'> => ({
		id: String(index),
		typeVersion: 1,
		position: [index, 0],
	});
	const run = await runWorkflow({
		nodes: [
			{ ...at(0), name: 'Source', type: 'source', parameters: {} },
			{
				...at(1),
				name: 'Hubble',
				type: type.description.name,
				parameters,
				onError,
				retryOnFail,
				waitBetweenTries: 1,
				credentials: { [type.description.credentials?.[0]?.name ?? '']: { id: '1', name: 'Test' } },
			},
		],
		connections: { Source: { main: [[{ node: 'Hubble', type: NodeConnectionTypes.Main, index: 0 }]] } },
		settings: { timezone },
		types: { source, [type.description.name]: type },
		start: 'Source',
		...more,
	});
	const [task] = run.data.resultData.runData.Hubble ?? [];
	return {
		items: task?.data?.main?.[0] ?? [],
		errorItems: task?.data?.main?.[1] ?? [],
		error: (task?.error ?? run.data.resultData.error) as Outcome['error'],
		hints: (task?.hints ?? []).map(({ message }) => message),
		run,
	};
}
