import type { IExecuteFunctions, INodeExecutionData, INodeType, INodeTypeDescription } from 'n8n-workflow';
import { builderHint } from '../shared/n8n';
import { actionNode, subtitleOf, toProperties } from '../shared/operation/properties';
import { methods } from '../shared/methods/methods';
import { run } from '../shared/operation/run';
import { searchDecodedFields } from '../shared/packet/valueFilter';
import { decodeItems } from './decodeItems';
import { packetOperations } from './operations';

export class HubblePacket implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Hubble Packet',
		name: 'hubblePacket',
		icon: { light: 'file:../../icons/hubble.svg', dark: 'file:../../icons/hubble.dark.svg' },
		...actionNode,
		subtitle: subtitleOf(packetOperations),
		description: 'Read the packets that the devices of a Hubble fleet sent',
		...builderHint(
			'Packets that devices have sent in the last 30 days: get, the latest of each device, count, summarize by hour or day, export to a file, report. Payloads are decoded by a form or a layout of their values, without a Code node.',
			['hubblePacketTrigger', 'Starts a workflow with packets as they come'],
			['hubbleDevice', 'The devices that sent them'],
		),
		defaults: { name: 'Hubble Packet' },
		usableAsTool: true,
		credentials: [
			{
				name: 'hubbleApi',
				required: true,
				testedBy: 'hubbleApiTest',
				// "hide", not "show": n8n's editor takes a parameter in "show" for the choice of authentication, and hides it.
				displayOptions: {
					hide: { operation: packetOperations.filter(({ endpoint }) => !endpoint).map(({ value }) => value) },
				},
			},
		],
		properties: toProperties(packetOperations, [{ name: 'Packet', value: 'packet' }]),
	};

	methods = { ...methods, listSearch: { ...methods.listSearch, searchDecodedFields } };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const isDecode = this.getNodeParameter('operation', 0) === 'decode';
		if (isDecode) return decodeItems(this, this.continueOnFail());
		return await run(this, packetOperations, this.continueOnFail());
	}
}
