import {
	NodeConnectionTypes,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	type IPollFunctions,
} from 'n8n-workflow';
import { builderHint } from '../shared/n8n';
import { decodeProperties } from '../shared/packet/decodeFields';
import { searchDecodedFields } from '../shared/packet/valueFilter';
import { packetFilters, simplifyPackets } from '../shared/packet/filter';
import { methods } from '../shared/methods/methods';
import { triggerOptions } from './alarmPoll';
import { pollPackets, startOptions } from './poll';
import { alarmRules, reportAlready } from './rules';

/** Shows a parameter where the node reports packets. */
const forPackets = { triggerOn: ['packets'] };

export class HubblePacketPollTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Hubble Packet Poll Trigger',
		name: 'hubblePacketPollTrigger',
		icon: { light: 'file:../../icons/hubble.svg', dark: 'file:../../icons/hubble.dark.svg' },
		group: ['trigger'],
		version: 1,
		subtitle: '={{ $parameter["triggerOn"] === "alarms" ? "On alarms" : "On packets" }}',
		description:
			'Starts the workflow when a decoded value crosses a threshold, or with new packets if Hubble cannot reach n8n',
		...builderHint(
			'Alarms on decoded values of packets (raised once, cleared once), or new packets by polling, for an n8n that the internet cannot reach. Items may repeat after a restart: eventKey or packetKey recognizes them.',
			['hubblePacketTrigger', 'Faster, where the internet reaches n8n'],
		),
		defaults: { name: 'Hubble Packet Poll Trigger' },
		polling: true,
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'hubbleApi', required: true, testedBy: 'hubbleApiTest' }],
		properties: [
			{
				displayName: 'Trigger On',
				name: 'triggerOn',
				type: 'options',
				noDataExpression: true,
				options: triggerOptions,
				default: 'packets',
				description: 'What each output item represents',
			},
			...decodeProperties,
			alarmRules,
			reportAlready,
			packetFilters,
			{
				displayName: 'Start From',
				name: 'startFrom',
				type: 'options',
				options: startOptions,
				default: 'now',
				displayOptions: { show: forPackets },
				description:
					'Where to start when the workflow is published for the first time. Later polls continue from the last position; changing this starts over.',
			},
			{
				displayName: 'Start Time',
				name: 'startTime',
				type: 'dateTime',
				default: '',
				required: true,
				description: 'Read packets from this time on, at most 30 days back',
				displayOptions: { show: { ...forPackets, startFrom: ['date'] } },
			},
			simplifyPackets,
			{
				displayName: 'Options',
				name: 'options',
				type: 'collection',
				placeholder: 'Add option',
				default: {},
				displayOptions: { show: forPackets },
				options: [
					{
						displayName: 'Max Packets per Execution',
						name: 'maxPackets',
						type: 'number',
						typeOptions: { minValue: 1000, maxValue: 100000 },
						default: 10000,
						description:
							'Maximum number of packets in one execution, 10,000 unless set. The rest comes with the next polls.',
					},
				],
			},
			{
				displayName:
					'After n8n restarts, the packets of the last execution come again. Those of an execution that n8n fails to store, for example on a full disk, do not. The Remove Duplicates node recognizes repeats by <code>packetKey</code>. Where the internet can reach n8n, the Hubble Packet Trigger is faster.',
				name: 'repeatsNotice',
				type: 'notice',
				default: '',
				displayOptions: { show: forPackets },
			},
			{
				displayName:
					'After n8n restarts, the alarms of the last execution come again. Those of an execution that n8n fails to store, for example on a full disk, do not. The Remove Duplicates node recognizes repeats by <code>eventKey</code>.',
				name: 'alarmsNotice',
				type: 'notice',
				default: '',
				displayOptions: { show: { triggerOn: ['alarms'] } },
			},
		],
	};

	methods = { ...methods, listSearch: { ...methods.listSearch, searchDecodedFields } };

	async poll(this: IPollFunctions): Promise<INodeExecutionData[][] | null> {
		return await pollPackets(this);
	}
}
