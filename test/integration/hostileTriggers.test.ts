/**
 * Hostile settings: whatever a parameter of a trigger holds, the trigger is refused with the parameter's name before
 * it asks Hubble for anything, or it works. No prototype is changed, and no secret comes out. What an expression leaves
 * empty is always refused.
 */
import fc from 'fast-check';
import type { IDataObject, INodeProperties, INodePropertyCollection, INodeType } from 'n8n-workflow';
import { HubbleDeviceTrigger } from '../../nodes/HubbleDeviceTrigger/HubbleDeviceTrigger.node';
import { HubbleGiftCardTrigger } from '../../nodes/HubbleGiftCardTrigger/HubbleGiftCardTrigger.node';
import { HubblePacketPollTrigger } from '../../nodes/HubblePacketPollTrigger/HubblePacketPollTrigger.node';
import { HubblePacketTrigger } from '../../nodes/HubblePacketTrigger/HubblePacketTrigger.node';
import { secretsIn } from '../simulator/secrets';
import { startSimulator, type Simulator } from '../simulator/server';
import { odd, shapeOfPrototypes } from './odd';
import { triggerStage } from './placeTrigger';
import { withEachClock } from './pollContext';

let hubble: Simulator;
const warnings: string[] = [];
beforeEach(async () => {
	hubble = await startSimulator({ devices: 20, packets: 20, days: 2, limits: false });
	warnings.length = 0;
});
afterEach(async () => await hubble.close());

interface Parameter {
	/** As an error names it: that of the outermost list, which says in its words which part is wrong. */
	name: string;
	/** The collection that it is in. */
	collection?: string;
	title: string;
	property: INodeProperties;
	/** The parameters of the node with this value among the others. */
	put: (value: unknown, others: IDataObject) => IDataObject;
}

/** Shows the parameter: what n8n does not show is not read. */
const shownBy = ({ displayOptions }: INodeProperties): IDataObject =>
	Object.fromEntries(Object.entries(displayOptions?.show ?? {}).map(([name, values]) => [name, values?.[0]])) as never;

/** The parameters of a node, those in its collections and in the rows of its lists; files and models may give any an expression. */
const parametersOf = (properties: readonly INodeProperties[]): Parameter[] =>
	properties
		.filter(({ type }) => type !== 'notice')
		.flatMap((property): Parameter[] => {
			const { displayName, name, type, options = [], typeOptions } = property;
			const inside = (others: IDataObject) => ({ ...others, ...shownBy(property) });
			if (type === 'collection') {
				return parametersOf(options as INodeProperties[]).map((inner) => ({
					...inner,
					collection: displayName,
					put: (value, others) => ({
						...inside(others),
						[name]: inner.put(value, (others[name] ?? {}) as IDataObject),
					}),
				}));
			}
			if (type === 'fixedCollection') {
				return (options as INodePropertyCollection[]).flatMap((group) =>
					parametersOf(group.values).map((inner) => ({
						...inner,
						name: displayName,
						title: [displayName, inner.title].filter(Boolean).join(', '),
						put(value, others) {
							const present = (others[name] as IDataObject | undefined)?.[group.name];
							const row = inner.put(value, { ...([present].flat()[0] as IDataObject) });
							return {
								...inside(others),
								[name]: { [group.name]: typeOptions?.multipleValues ? [row] : row },
							} as never;
						},
					})),
				);
			}
			const put = (value: unknown, others: IDataObject) => ({ ...inside(others), [name]: value }) as IDataObject;
			return [{ name: displayName, title: displayName, property, put }];
		});

const FIELD = { name: 'value', type: 'uint8', offset: 0, when: 'always' };
const CIRCLE = { name: 'Yard', latitude: 51.9, longitude: 4.5, radius: 100 };
const SQUARE = {
	type: 'Polygon',
	coordinates: [
		[
			[0, 0],
			[0, 1],
			[1, 1],
			[0, 0],
		],
	],
};
const payloadFields = { field: [FIELD] };
const areas = { circle: [CIRCLE], polygon: [{ name: 'Field', geojson: JSON.stringify(SQUARE) }] };
const alarmRules = { rule: [{ name: 'High', field: 'value', condition: 'above', than: '8' }] };
const PLACES: Array<{ trigger: INodeType; others: IDataObject }> = [
	{ trigger: new HubblePacketTrigger(), others: { payloadFields } },
	{ trigger: new HubbleGiftCardTrigger(), others: { events: ['brandUpdated'] } },
	{
		trigger: new HubblePacketPollTrigger(),
		others: { startFrom: 'everything', payloadFields, decodePayload: 'fields', alarmRules },
	},
	{ trigger: new HubbleDeviceTrigger(), others: { events: ['registered', 'silent', 'entered'], areas } },
];
const CASES = PLACES.flatMap(({ trigger, others }) =>
	parametersOf(trigger.description.properties).map((parameter) => ({
		...parameter,
		trigger,
		others,
		title: `${trigger.description.displayName}: ${parameter.title}`,
	})),
);

/** Whether a value must be refused, because n8n offers a choice that does not have it. None of `odd` is a choice's. */
function isWrongChoice({ type, typeOptions }: INodeProperties, value: unknown): boolean {
	if (type === 'boolean') return ![true, false, 'true', 'false', ''].includes(value as string);
	// n8n puts the default in the place of `null`.
	if (type === 'multiOptions') return value !== null && !typeOptions?.loadOptionsMethod;
	return type === 'options' && value !== '';
}

/** A message that begins with the name of a parameter, or of the collection that it is in. */
const naming = (name: string, collection = name) =>
	new RegExp(`^"(${[name, collection].map((one) => one.replace(/[()]/g, '\\$&')).join('|')})"`);

async function start(trigger: INodeType, parameters: IDataObject) {
	const placed = triggerStage(hubble, warnings).place({
		trigger,
		parameters,
		credential: { webhookSecret: 'partner' },
	});
	let error: (Error & { description?: string; context?: unknown }) | undefined;
	await (trigger.poll ? placed.poll() : placed.activate()).catch((reason: Error) => (error = reason));
	return { placed, error };
}

withEachClock(Date.now, () => {
	test.each(PLACES)(
		'$trigger.description.displayName starts with what the others have',
		async ({ trigger, others }) => {
			expect((await start(trigger, others)).error).toBeUndefined();
		},
	);

	test.each(CASES)('$title', async ({ trigger, others, name, collection, property, put }) => {
		const before = shapeOfPrototypes();
		const insides = new RegExp(`^/api/(v2/)?org/${hubble.organizationId}/`);
		await fc.assert(
			fc.asyncProperty(odd, async (value) => {
				hubble.clearLog();
				const { placed, error } = await start(trigger, put(value, others));
				// n8n's own word for an expression that finds nothing.
				const isN8ns = /hasn't been executed/.test(error?.message ?? '');
				if (error && !isN8ns) {
					expect(error.message).toMatch(naming(name, collection));
					expect(hubble.log).toEqual([]);
				}
				if (isWrongChoice(property, value)) expect(error).toBeDefined();
				for (const { path, status } of hubble.log) {
					expect(path).toMatch(insides);
					expect(status).toBe(200);
				}
				if (!trigger.poll && !error) await placed.remove();
				expect(shapeOfPrototypes()).toEqual(before);
				const told = [error?.message, error?.description, error?.context, error?.stack, warnings, placed.stored()];
				expect(secretsIn(JSON.stringify(told))).toEqual([]);
			}),
			{ numRuns: 20, endOnFailure: true },
		);
	});
});

// None is exempt, also where the parameter may be empty, such as a unit: what may be empty is no expression.
test.each(CASES)('P21: $title = nothing', async ({ trigger, others, name, put }) => {
	for (const expression of ['={{ undefined }}', '={{ null }}']) {
		const { error } = await start(trigger, put(expression, others));
		expect(error?.message).toMatch(naming(name));
		expect(hubble.log).toEqual([]);
	}
});
