/** What n8n makes of the webhook triggers' descriptions, and what a process remembers of them. */
import type { INodePropertyOptions, INodeType } from 'n8n-workflow';
import { HubbleGiftCardTrigger } from '../../nodes/HubbleGiftCardTrigger/HubbleGiftCardTrigger.node';
import { HubbleTrigger } from '../../nodes/HubbleTrigger/HubbleTrigger.node';
import { newProcessState } from '../../nodes/shared/webhook/processState';
import { partnerEvents } from '../simulator/delivery';

/** The entries that n8n's node panel makes: of the options of a property titled Event, Events or Trigger On. */
function panelOf(trigger: INodeType): Record<string, unknown> {
	const titles = ['event', 'events', 'trigger on'];
	const choice = trigger.description.properties.find(({ displayName }) => titles.includes(displayName.toLowerCase()));
	return Object.fromEntries((choice?.options as INodePropertyOptions[]).map(({ action, value }) => [action, value]));
}

it('the panel lists what starts a workflow, each with its own choice', () => {
	expect(panelOf(new HubbleTrigger())).toEqual({ 'On packets received': 'packet', 'On deliveries received': 'batch' });
	const events = panelOf(new HubbleGiftCardTrigger());
	expect(Object.values(events).sort()).toEqual([...Object.keys(partnerEvents), 'unrecognized'].sort());
	expect(Object.keys(events).every((action) => /^On [a-zA-Z ]+$/.test(action))).toBe(true);
});

it.each([new HubbleTrigger(), new HubbleGiftCardTrigger()])(
	'no parameter decides which credential is used: n8n would hide it ($description.name)',
	({ description: { credentials = [] } }) => {
		expect(credentials).toHaveLength(1);
		expect(credentials[0]?.displayOptions).toBeUndefined();
	},
);

it('what a process remembers is bounded: what was not used for the longest time goes, what is needed stays', () => {
	const state = newProcessState<{ isNeeded: boolean }>(({ isNeeded }) => isNeeded, 3);
	state.set('needed', { isNeeded: true });
	for (const key of ['a', 'b']) state.set(key, { isNeeded: false });
	expect(state.get('a')).toBeDefined();
	for (const key of ['c', 'd']) state.set(key, { isNeeded: false });
	expect(state.size).toBe(3);
	expect(['needed', 'a', 'b', 'c', 'd'].filter((key) => state.get(key))).toEqual(['needed', 'c', 'd']);
});
