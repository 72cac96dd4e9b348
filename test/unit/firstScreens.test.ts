/** Each form as it opens: which fields, in which order. What the credential's dialog begins with, too. */
import {
	NodeHelpers,
	type INodeParameters,
	type INodeProperties,
	type INodePropertyOptions,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { HubbleApi } from '../../credentials/HubbleApi.credentials';
import { HubbleDeviceTrigger } from '../../nodes/HubbleDeviceTrigger/HubbleDeviceTrigger.node';
import { HubbleGiftCardTrigger } from '../../nodes/HubbleGiftCardTrigger/HubbleGiftCardTrigger.node';
import { HubblePacketPollTrigger } from '../../nodes/HubblePacketPollTrigger/HubblePacketPollTrigger.node';
import { HubblePacketTrigger } from '../../nodes/HubblePacketTrigger/HubblePacketTrigger.node';
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
