import type { IExecuteFunctions, INodeExecutionData, INodeType, INodeTypeDescription } from 'n8n-workflow';
import { builderHint } from '../shared/n8n';
import { actionNode, subtitleOf, toProperties } from '../shared/operation/properties';
import { methods } from '../shared/methods/methods';
import { run } from '../shared/operation/run';
import { metricOperations } from './operations';

export class HubbleMetric implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Hubble Metric',
		name: 'hubbleMetric',
		icon: { light: 'file:../../icons/hubble.svg', dark: 'file:../../icons/hubble.dark.svg' },
		...actionNode,
		subtitle: subtitleOf(metricOperations),
		description:
			'Get the API, packet, webhook and device metrics of a Hubble organization, and draw charts of packets and devices',
		...builderHint(
			'Counts over time of packets, devices, API requests and webhook deliveries. The last interval is still running unless Include Running Interval is off.',
		),
		defaults: { name: 'Hubble Metric' },
		usableAsTool: true,
		credentials: [{ name: 'hubbleApi', required: true, testedBy: 'hubbleApiTest' }],
		properties: toProperties(metricOperations, [{ name: 'Metric', value: 'metric' }]),
	};

	methods = methods;

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await run(this, metricOperations, this.continueOnFail());
	}
}
