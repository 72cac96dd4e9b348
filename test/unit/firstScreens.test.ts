/** Each form as it opens: which fields, in which order. What the credential's dialog begins with, too. */
import {
	NodeHelpers,
	type INodeParameters,
	type INodeProperties,
	type INodePropertyCollection,
	type INodePropertyOptions,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { HubbleApi } from '../../credentials/HubbleApi.credentials';
import { HubbleDeviceTrigger } from '../../nodes/HubbleDeviceTrigger/HubbleDeviceTrigger.node';
import { HubbleGiftCardTrigger } from '../../nodes/HubbleGiftCardTrigger/HubbleGiftCardTrigger.node';
import { HubblePacketPollTrigger } from '../../nodes/HubblePacketPollTrigger/HubblePacketPollTrigger.node';
import { HubblePacketTrigger } from '../../nodes/HubblePacketTrigger/HubblePacketTrigger.node';
import { objectOf } from '../../nodes/shared/client/json';
import { firstScreens } from '../firstScreens';
import { nodes, partnerNodes } from '../nodes';

const triggers = [HubbleDeviceTrigger, HubbleGiftCardTrigger, HubblePacketPollTrigger, HubblePacketTrigger];
const all = [...Object.values({ ...nodes, ...partnerNodes }), ...triggers.map((Trigger) => new Trigger())].map(
	({ description }) => description,
);

/** The properties that n8n shows for these values, without hidden ones. */
function shown(properties: INodeProperties[], chosen: INodeParameters, description?: INodeTypeDescription) {
	const node = description ? { typeVersion: Number([description.version].flat().at(-1)) } : null;
	const known = description ?? null;
	const values = NodeHelpers.getNodeParameters(properties, chosen, true, false, node, known) ?? {};
	return properties.filter(
		(property) => property.type !== 'hidden' && NodeHelpers.displayParameter(values, property, node, known),
	);
}

const labelOf = ({ type, displayName }: INodeProperties) => (type === 'notice' ? '(notice)' : displayName);

/** The forms of a node by their titles: one for each operation of each resource; a trigger has one. */
function formsOf(description: INodeTypeDescription): Array<[title: string, fields: string[]]> {
	const { displayName, properties } = description;
	const choices = properties.filter(({ name }) => name === 'operation');
	if (!choices.length) return [[displayName, shown(properties, {}, description).map(labelOf)]];
	const resources = (properties[0]?.options ?? []) as INodePropertyOptions[];
	return choices.flatMap(({ options, displayOptions }) => {
		const resource = String(displayOptions?.show?.resource?.[0]);
		const named = resources.length > 1 ? [resources.find(({ value }) => value === resource)?.name] : [];
		return (options as INodePropertyOptions[]).map(({ name, value }): [string, string[]] => {
			const fields = shown(properties, { resource, operation: value }, description);
			const own = fields.filter((field) => !['resource', 'operation'].includes(field.name));
			return [[displayName, ...named, name].join(': '), own.map(labelOf)];
		});
	});
}

test('every form begins with what its job needs', () => {
	expect(Object.fromEntries(all.flatMap(formsOf))).toEqual(firstScreens);
});

/** What the editor of n8n stores when the user adds an option to a collection: a list comes without its default. */
const added = ({ typeOptions, default: preset }: INodeProperties) =>
	typeOptions?.multipleValues === true ? {} : preset;

test('a list or group that was added to a collection stays while other fields change, with a row to fill in', () => {
	const collections = all.flatMap(({ properties }) => properties).filter(({ type }) => type === 'collection');
	const groups = collections.flatMap((collection) =>
		((collection.options ?? []) as INodeProperties[])
			.filter(({ type }) => type === 'fixedCollection')
			.map((group) => ({ collection, group })),
	);
	expect(new Set(groups.map(({ group }) => group.displayName)).size).toBeGreaterThan(8);
	for (const { collection, group } of groups) {
		const given = { [collection.name]: { [group.name]: added(group) } } as INodeParameters;
		const kept = NodeHelpers.getNodeParameters(
			[{ ...collection, displayOptions: undefined }],
			given,
			false,
			false,
			null,
			null,
		);
		expect(kept).toHaveProperty([collection.name, group.name]);
		const { options = [] } = group;
		const [first] = options as INodePropertyCollection[];
		// A group of several forms lets the user choose one.
		if (options.length === 1) expect(added(group)).toHaveProperty([first?.name]);
		if (first?.name === 'list')
			expect(Object.values(objectOf(objectOf(added(group)).list).rows ?? {})).toEqual([[expect.any(Object)]]);
	}
});

describe('the credential', () => {
	const { properties } = new HubbleApi();

	test('asks for the token and the organization alone', () => {
		expect(shown(properties, {}).map(labelOf)).toEqual(['(notice)', 'API Token', 'Organization ID', 'Advanced']);
	});

	test('keeps what stands behind Advanced when that is off, also where the token may be sent', () => {
		const read = (given: INodeParameters) => NodeHelpers.getNodeParameters(properties, given, true, false, null, null);
		const own = { baseUrl: 'https://proxy.example.com', webhookSecret: 'secret', requestsPerSecond: 9 };
		expect(read({ ...own, advanced: false })).toMatchObject(own);
		expect(read({})).toMatchObject({ baseUrl: 'https://api.hubble.com', allowedHttpRequestDomains: 'domains' });
		expect(read({})?.allowedDomains).toMatch(/^api\.hubble\.com/);
	});

	test('hides secrets in whichever of its fields n8n looks', () => {
		const secrets = properties.filter(({ name }) => /secret|token/i.test(name));
		expect(secrets.map(({ typeOptions }) => typeOptions?.password)).toEqual(Array(5).fill(true));
	});
});
