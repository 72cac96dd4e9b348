/** What n8n makes of the webhook triggers' descriptions, and what a process remembers of them. */
import {
	NodeHelpers,
	Workflow,
	type IPollFunctions,
	type INodeParameters,
	type INodeProperties,
	type INodePropertyOptions,
	type INodeType,
} from 'n8n-workflow';
import { HubbleDeviceTrigger } from '../../nodes/HubbleDeviceTrigger/HubbleDeviceTrigger.node';
import { HubbleGiftCardTrigger } from '../../nodes/HubbleGiftCardTrigger/HubbleGiftCardTrigger.node';
import { HubblePacketPollTrigger } from '../../nodes/HubblePacketPollTrigger/HubblePacketPollTrigger.node';
import { HubblePacketTrigger } from '../../nodes/HubblePacketTrigger/HubblePacketTrigger.node';
import { newProcessState } from '../../nodes/shared/webhook/processState';
import { collectionOf } from '../../nodes/shared/operation/readItem';
import { n8nLine } from '../integration/n8nLine';
import { partnerEvents } from '../simulator/delivery';

/** The entries that n8n's node panel makes: of the options of a property titled Event, Events or Trigger On. */
function panelOf(trigger: INodeType): Record<string, unknown> {
	const titles = ['event', 'events', 'trigger on'];
	const choice = trigger.description.properties.find(({ displayName }) => titles.includes(displayName.toLowerCase()));
	return Object.fromEntries((choice?.options as INodePropertyOptions[]).map(({ action, value }) => [action, value]));
}

it('the panel lists what starts a workflow, each with its own choice', () => {
	expect(panelOf(new HubblePacketTrigger())).toEqual({
		'On packets received': 'packet',
		'On packets in one request': 'batch',
	});
	const events = panelOf(new HubbleGiftCardTrigger());
	expect(Object.values(events).sort()).toEqual([...Object.keys(partnerEvents), 'unrecognized'].sort());
	expect(Object.keys(events).every((action) => /^On [a-zA-Z ]+$/.test(action))).toBe(true);
});

/** What n8n shows under the trigger on the canvas. */
function subtitleOf(trigger: INodeType, parameters: INodeParameters): unknown {
	const { name, subtitle = '' } = trigger.description;
	const node = {
		id: '1',
		name: 'Trigger',
		type: name,
		typeVersion: 1,
		position: [0, 0] as [number, number],
		parameters,
	};
	const nodeTypes = { getByName: () => trigger, getByNameAndVersion: () => trigger, getKnownTypes: () => ({}) };
	const workflow = new Workflow({ nodes: [node], connections: {}, active: false, nodeTypes });
	return workflow.expression.getSimpleParameterValue(workflow.getNode('Trigger') ?? node, subtitle, 'internal', {});
}

it.each([
	[new HubbleDeviceTrigger(), {}, 'Silent'],
	[new HubbleDeviceTrigger(), { events: ['heardAgain', 'entered'] }, 'Heard Again, Entered an Area'],
	[new HubbleGiftCardTrigger(), { events: ['walletLowBalance'] }, 'Wallet Low Balance'],
	[new HubblePacketPollTrigger(), {}, 'On packets'],
	[new HubblePacketPollTrigger(), { triggerOn: 'alarms' }, 'On alarms'],
	[new HubblePacketTrigger(), { triggerOn: 'batch' }, 'On packets in one request'],
])('$description.name says in words what starts it: %j', (trigger, parameters, words) => {
	expect(subtitleOf(trigger, parameters)).toBe(words);
});

it.each([
	[['silent', 'registered'], ['maxItems']],
	[
		['silent', 'entered'],
		['borderWidth', 'confirm', 'lookBack', 'maxInaccuracy', 'maxItems'],
	],
	[['left'], ['borderWidth', 'confirm', 'lookBack', 'maxInaccuracy', 'maxItems']],
])('options for areas are shown where areas are watched: %j', (events, shown) => {
	const { properties } = new HubbleDeviceTrigger().description;
	const { options = [] } = properties.find(({ name }) => name === 'options') as INodeProperties;
	const isShown = (option: INodeProperties) => NodeHelpers.displayParameter({ events }, option, null, null, { events });
	expect((options as INodeProperties[]).filter(isShown).map(({ name }) => name)).toEqual(shown);
});

it.each([new HubblePacketTrigger(), new HubbleGiftCardTrigger()])(
	'no parameter decides which credential is used: n8n would hide it ($description.name)',
	({ description: { credentials = [] } }) => {
		expect(credentials).toHaveLength(1);
		expect(credentials[0]?.displayOptions).toBeUndefined();
	},
);

it('what a process remembers is bounded: what was not used for the longest time goes', () => {
	const state = newProcessState<string>(3);
	for (const key of ['a', 'b', 'c']) state.set(key, key);
	expect(state.get('a')).toBe('a');
	for (const key of ['c', 'd', 'e']) state.set(key, key);
	expect(['a', 'b', 'c', 'd', 'e'].filter((key) => state.get(key))).toEqual(['c', 'd', 'e']);
});

it.each([null, [], 'text'])('a collection in whose place an expression gives %j is refused', (given) => {
	expect(() => collectionOf({ getNodeParameter: () => given } as unknown as IPollFunctions, 'filters')).toThrow(
		'the expression returned no fields',
	);
});

/** As n8n loads the triggers. */
function webhookAsLoaded() {
	let loaded: typeof import('../../nodes/shared/webhook/acknowledge') | undefined;
	jest.isolateModules(() => {
		loaded = jest.requireActual<typeof import('../../nodes/shared/webhook/acknowledge')>(
			'../../nodes/shared/webhook/acknowledge',
		);
	});
	return loaded?.webhookDescription;
}

it.each([
	['2', '={{$parameter["options"]?.["acknowledge"] || "onReceived"}}'],
	['1', 'lastNode'],
])('n8n %s is told when to answer: %s', (line, responseMode) => {
	n8nLine.is1 = line === '1';
	expect(webhookAsLoaded()).toMatchObject({ responseMode, responseData: 'noData' });
	n8nLine.is1 = false;
});
