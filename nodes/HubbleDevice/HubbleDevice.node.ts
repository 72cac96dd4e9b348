import type { IExecuteFunctions, INodeExecutionData, INodeType, INodeTypeDescription } from 'n8n-workflow';
import { builderHint } from '../shared/n8n';
import { actionNode, subtitleOf, toProperties } from '../shared/operation/properties';
import { methods } from '../shared/methods/methods';
import { run } from '../shared/operation/run';
import { searchDecodedFields } from '../shared/packet/valueFilter';
import { deviceOperations } from './operations';

export class HubbleDevice implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Hubble Device',
		name: 'hubbleDevice',
		icon: { light: 'file:../../icons/hubble.svg', dark: 'file:../../icons/hubble.dark.svg' },
		...actionNode,
		subtitle: subtitleOf(deviceOperations),
		description: 'Register, find, update and delete the devices of a Hubble fleet',
		...builderHint(
			'The fleet of Bluetooth trackers and sensors at Hubble Network. Many input items become few requests: no Loop Over Items is needed. Get with the option Keep Input Fields adds devices to packets.',
			[
				'hubbleDeviceTrigger',
				'Starts a workflow when a device falls silent, is heard again, or crosses the border of an area',
			],
			['hubblePacket', 'What devices have sent'],
		),
		defaults: { name: 'Hubble Device' },
		usableAsTool: true,
		credentials: [{ name: 'hubbleApi', required: true, testedBy: 'hubbleApiTest' }],
		properties: toProperties(deviceOperations, [{ name: 'Device', value: 'device' }]),
	};

	methods = { ...methods, listSearch: { ...methods.listSearch, searchDecodedFields } };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await run(this, deviceOperations, this.continueOnFail());
	}
}
