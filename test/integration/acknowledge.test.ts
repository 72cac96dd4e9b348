/** What `acknowledge.ts` relies on in n8n's own classes: how static data tell that they changed, and become text. */
import { WebhookContext } from 'n8n-core';
import { sleep, Workflow, type IDataObject, type INode, type IWorkflowExecuteAdditionalData } from 'n8n-workflow';
import { randomUUID } from 'node:crypto';
import { HubbleTrigger } from '../../nodes/HubbleTrigger/HubbleTrigger.node';
import * as n8n from '../../nodes/shared/n8n';
import { follow } from '../../nodes/shared/webhook/acknowledge';
import { begin, packetRepeats, recall, seen, type Answer } from '../../nodes/shared/webhook/deliveryLog';

const mark = 'a'.repeat(10);

afterEach(() => jest.restoreAllMocks());

/** The static data of a node as `webhook()` gets them, and n8n's save of the workflow that they belong to. */
function stage() {
	const type = new HubbleTrigger();
	const node: INode = {
		id: '1',
		name: 'Hubble Trigger',
		type: 'hubbleTrigger',
		typeVersion: 2,
		position: [0, 0],
		parameters: {},
	};
	const nodeTypes = { getByName: () => type, getByNameAndVersion: () => type, getKnownTypes: () => ({}) };
	const workflow = new Workflow({ id: randomUUID(), nodes: [node], connections: {}, active: true, nodeTypes });
	const own = workflow.getNode(node.name) as INode;
	const additionalData = {} as IWorkflowExecuteAdditionalData;
	const context = new WebhookContext(workflow, own, additionalData, 'webhook', {} as never, [], null);
	const answer: Answer = { writableEnded: false, statusCode: 200, json: () => end(answer, answer.statusCode) };
	return {
		node: randomUUID(),
		data: context.getWorkflowStaticData('node'),
		answer,
		hasChanged: () => (workflow.staticData as IDataObject).__dataChanged === true,
		/** As `WorkflowStaticDataService.saveStaticData`. */
		save(): IDataObject {
			const text = JSON.stringify(workflow.staticData);
			(workflow.staticData as IDataObject).__dataChanged = false;
			return (JSON.parse(text) as Record<string, IDataObject>)['node:Hubble Trigger'] ?? {};
		},
	};
}

const end = (answer: Answer, statusCode: number) => Object.assign(answer, { writableEnded: true, statusCode });

it('n8n sees the assignment as a change, and its save makes text of the object that lies there', async () => {
	const { node, data, answer, hasChanged, save } = stage();
	const memory = recall(node, undefined, packetRepeats);
	expect(hasChanged()).toBe(false);
	const following = follow(memory, mark, answer, true, data);
	expect(hasChanged()).toBe(true);
	expect(seen(memory, mark)).toBe('running');
	expect(save().accepted).toMatch(new RegExp(`^.{5}${mark}$`));
	expect(seen(memory, mark)).toBe('accepted');
	end(answer, 200);
	await following;
});

it('an assignment that n8n forgets before it saves is made again', async () => {
	const { node, data, answer, hasChanged, save } = stage();
	const following = follow(recall(node, undefined, packetRepeats), mark, answer, true, data);
	save();
	expect(hasChanged()).toBe(false);
	for (let i = 0; i < 100 && !hasChanged(); i++) await sleep(10);
	expect(hasChanged()).toBe(true);
	end(answer, 200);
	await following;
});

it('in a burst n8n is asked for few saves, and the next one carries what was answered meanwhile', async () => {
	jest.replaceProperty(n8n, 'storesBeforeAnswer', true);
	const [first, second, refused, third] = [stage(), stage(), stage(), stage()];
	const memory = recall(first.node, undefined, packetRepeats);
	const following = follow(memory, 'a'.repeat(10), first.answer, true, first.data);
	const saved = first.save().accepted;
	await follow(memory, 'b'.repeat(10), second.answer, true, second.data);
	await follow(memory, 'c'.repeat(10), refused.answer, true, refused.data);
	expect([second.hasChanged(), refused.hasChanged()]).toEqual([false, false]);
	expect(seen(memory, 'b'.repeat(10))).toBe('running');
	end(first.answer, 200);
	end(second.answer, 200);
	end(refused.answer, 500);
	await following;
	recall(first.node, saved, packetRepeats);
	expect(['a', 'b', 'c'].map((name) => seen(memory, name.repeat(10)))).toEqual(['accepted', 'accepted', undefined]);

	const next = follow(memory, 'd'.repeat(10), third.answer, true, third.data);
	expect(third.hasChanged()).toBe(true);
	expect(third.save().accepted).toMatch(/^.{5}a{10}b{10}d{10}$/);
	end(third.answer, 200);
	await next;
});

it.each([
	['asks once a second', true, packetRepeats, true, false],
	['asks once a second where the workflow finishes first', true, packetRepeats, false, false],
	[
		'asks each time for events of which the latest counts',
		true,
		{ ...packetRepeats, latestOnly: true as const },
		true,
		true,
	],
	['asks each time where n8n 1 answers at once', false, packetRepeats, true, true],
	['asks once a second where the workflow finishes first in n8n 1', false, packetRepeats, false, false],
])('in a burst a delivery %s', async (_, storesBeforeAnswer, policy, isAtOnce, doesAsk) => {
	jest.replaceProperty(n8n, 'storesBeforeAnswer', storesBeforeAnswer);
	const clock = jest.spyOn(performance, 'now').mockReturnValue(5000);
	const [first, early, late] = [stage(), stage(), stage()];
	const memory = recall(first.node, undefined, policy);
	const work = [follow(memory, 'a'.repeat(10), first.answer, isAtOnce, first.data)];
	clock.mockReturnValue(5999);
	work.push(follow(memory, 'b'.repeat(10), early.answer, isAtOnce, early.data));
	clock.mockReturnValue(6999);
	work.push(follow(memory, 'c'.repeat(10), late.answer, isAtOnce, late.data));
	expect([first, early, late].map(({ hasChanged }) => hasChanged())).toEqual([true, doesAsk, true]);
	for (const { answer } of [first, early, late]) end(answer, 200);
	await Promise.all(work);

	const alone = stage();
	recall(first.node, undefined, policy);
	const following = follow(memory, 'd'.repeat(10), alone.answer, isAtOnce, alone.data);
	expect(alone.hasChanged()).toBe(true);
	end(alone.answer, 200);
	await following;
});

it('the latest event of a subject is saved, whichever was answered first', async () => {
	const [first, second] = [stage(), stage()];
	const memory = recall(first.node, undefined, { ...packetRepeats, latestOnly: true });
	begin(memory, 'ssssbbbbbb', second.answer);
	end(second.answer, 200);
	const following = follow(memory, 'ssssaaaaaa', first.answer, true, first.data);
	expect(first.save().accepted).toMatch(/^.{5}s{4}a{6}$/);
	end(first.answer, 200);
	await following;
});

it.each([
	[200, 'accepted'],
	[500, undefined],
])('where the workflow finishes first, the save tells nothing, and the answer (%i) does', async (status, outcome) => {
	const { node, data, answer, save } = stage();
	const following = follow(recall(node, undefined, packetRepeats), mark, answer, false, data);
	expect(save().accepted).toBe('');
	expect(seen(recall(node, '', packetRepeats), mark)).toBe('running');
	end(answer, status);
	await following;
	expect(seen(recall(node, '', packetRepeats), mark)).toBe(outcome);
});

it.each([
	['a remark in the place of a run', { message: 'Workflow executed successfully but …' }, 200, 503, undefined],
	['the end of a run', undefined, 200, 200, 'accepted'],
	['an error', { message: 'Error in workflow' }, 500, 500, undefined],
])('where the workflow finishes first, n8n answers with %s', async (_, body, status, sent, outcome) => {
	const { node, data, answer } = stage();
	const following = follow(recall(node, undefined, packetRepeats), mark, answer, false, data);
	answer.statusCode = status;
	answer.json(body);
	await following;
	expect(answer.statusCode).toBe(sent);
	expect(seen(recall(node, '', packetRepeats), mark)).toBe(outcome);
});

it('nothing is accepted when n8n fails before it saves', async () => {
	const { node, data, answer } = stage();
	const following = follow(recall(node, undefined, packetRepeats), mark, answer, true, data);
	end(answer, 500);
	await following;
	expect(seen(recall(node, '', packetRepeats), mark)).toBeUndefined();
});
