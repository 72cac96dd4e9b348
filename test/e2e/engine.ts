/* eslint-disable @n8n/community-nodes/no-restricted-imports */
/** Examples on n8n's own engine without n8n's server: what `npm ci` brings is enough. */
import { join } from 'node:path';
import { NodeConnectionTypes, type IDataObject, type INode, type INodeType } from 'n8n-workflow';
import { n8n as registered } from '../../package.json';
import { runWorkflow, type Plan } from '../engine';
import type { Simulator } from '../simulator/server';
import { credentialData, readExample, type RunExample } from './mainJob';
import { packageName, projectFolder, type Item } from './n8n';

/** A stand-in for a node of n8n's own, whose package would bring a gigabyte of others. */
const standIn = (
	name: string,
	inputs: INodeType['description']['inputs'],
	execute: INodeType['execute'],
): INodeType => ({
	description: {
		displayName: name,
		name,
		group: ['transform'],
		version: 1,
		description: `Stands in for n8n's ${name}`,
		defaults: { name },
		inputs,
		outputs: [NodeConnectionTypes.Main],
		properties: [{ displayName: 'Max Items', name: 'maxItems', type: 'number', default: 1 }],
	},
	execute,
});

const standIns: Plan['types'] = {
	'n8n-nodes-base.manualTrigger': standIn('Manual Trigger', [], async function () {
		return [this.getInputData()];
	}),
	'n8n-nodes-base.limit': standIn('Limit', [NodeConnectionTypes.Main], async function () {
		return [this.getInputData().slice(0, this.getNodeParameter('maxItems', 0, 1) as number)];
	}),
};

/** The nodes of the package, from the sources of the files that package.json names to n8n. */
async function ownNodes(): Promise<Plan['types']> {
	const found = registered.nodes.map(async (built) => {
		const path = join(projectFolder, built.replace(/^dist\/(.*)\.js$/, '$1.ts'));
		const [Node] = Object.values((await import(path)) as Record<string, new () => INodeType>);
		if (!Node) throw new Error(`${path} exports no node`);
		const node = new Node();
		return [`${packageName}.${node.description.name}`, node] as const;
	});
	return Object.fromEntries(await Promise.all(found));
}

/** Runs examples of which every node is one of ours or has its stand-in here. */
export async function onEngine(hubble: Simulator): Promise<RunExample> {
	const types = { ...standIns, ...(await ownNodes()) };
	return async (example, deactivated) => {
		const { nodes, connections, settings } = readExample(example);
		const all = nodes.map((node) => ({ ...node, disabled: node.name === deactivated })) as unknown as INode[];
		const begin = performance.now();
		const { status, data } = await runWorkflow({
			nodes: all,
			connections: connections as Plan['connections'],
			settings,
			types,
			credential: credentialData(hubble) as IDataObject as Plan['credential'],
			start: all.find(({ type }) => /trigger$/i.test(type))?.name ?? '',
		});
		const { runData, error } = data.resultData;
		return {
			status,
			seconds: (performance.now() - begin) / 1000,
			error: error && [error.message, error.description].filter(Boolean).join(': '),
			items: (node) =>
				(runData[node] ?? []).flatMap((one) => one.data?.main ?? []).flatMap((items) => (items ?? []) as Item[]),
		};
	};
}
