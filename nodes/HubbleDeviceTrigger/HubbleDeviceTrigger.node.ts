import {
	NodeConnectionTypes,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	type IPollFunctions,
} from 'n8n-workflow';
import { builderHint } from '../shared/n8n';
import { namesSubtitle } from '../shared/operation/properties';
import { methods } from '../shared/methods/methods';
import { pollDevices } from './poll';
import { eventOptions, properties } from './settings';

export class HubbleDeviceTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Hubble Device Trigger',
		name: 'hubbleDeviceTrigger',
		icon: { light: 'file:../../icons/hubble.svg', dark: 'file:../../icons/hubble.dark.svg' },
		group: ['trigger'],
		version: 1,
		subtitle: namesSubtitle('events', eventOptions),
		description:
			'Starts the workflow when a device falls silent, is heard again, is new, or crosses the border of an area. The actions register, find, change, export and report devices.',
		...builderHint(
			'Polls the fleet for changes: silent, heard again, registered, entered or left an area. Use it instead of a Schedule Trigger that compares devices.',
			['hubbleDevice', 'Reads and changes the devices'],
		),
		defaults: { name: 'Hubble Device Trigger' },
		polling: true,
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'hubbleApi', required: true, testedBy: 'hubbleApiTest' }],
		properties,
	};

	methods = methods;

	async poll(this: IPollFunctions): Promise<INodeExecutionData[][] | null> {
		return await pollDevices(this);
	}
}
