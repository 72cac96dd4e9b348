/* eslint-disable @n8n/community-nodes/no-restricted-imports */
/** Every form of the nodes as the editor renders it, beside what the nodes declare. */
import { deepEqual } from 'node:assert/strict';
import { NodeHelpers, type INodeParameters, type INodeProperties, type INodeTypeDescription } from 'n8n-workflow';
import type { Page } from 'playwright-core';
import { firstScreens } from '../../firstScreens';
import type { Stage } from '../check';
import { choose, closeNode, openNode, openWorkflow, picture, workflowOf } from '../editor';
import { credentialName } from '../mainJob';
import { packageName } from '../n8n';
import { until } from '../processes';

/** What the editor has loaded, by the name that the user reads. */
export async function descriptionsIn(page: Page, { n8n }: Stage): Promise<INodeTypeDescription[]> {
	const reply = await page.request.get(`${n8n.url}/types/nodes.json`);
	const all = (await reply.json()) as INodeTypeDescription[];
	return all.filter(({ name }) => name.startsWith(`${packageName}.`) && !name.endsWith('Tool'));
}

/** The parameters that n8n should show for those values. */
function shownIn(description: INodeTypeDescription, chosen: INodeParameters): INodeProperties[] {
	const { properties } = description;
	const node = { typeVersion: [description.version].flat().at(-1) ?? 1 };
	const values = NodeHelpers.getNodeParameters(properties, chosen, true, false, node, description) ?? {};
	return properties.filter(
		(property) =>
			property.type !== 'hidden' && NodeHelpers.displayParameter(values, property, node, description, undefined),
	);
}

/** An element of the page, as far as it is looked at here. */
interface Shown {
	innerText: string;
	value: string;
	scrollWidth: number;
	clientWidth: number;
	getBoundingClientRect(): { toJSON(): Box };
}

interface Box {
	left: number;
	right: number;
	top: number;
	bottom: number;
}

const meet = (a: Box, b: Box) =>
	Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
	Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;

/** What no user should read: expressions, names of fields, and what JavaScript makes of nothing. */
const RAW = /\{\{|^=|^[a-z]+[A-Z]\w*$|\bundefined\b|\[object|not supported|does not exist/;

/** The names of the parameters that collections hold: some of them begin with an entry. */
const nested = (parameters: readonly INodeProperties[]): string[] =>
	parameters.flatMap(({ options = [] }) =>
		options.flatMap((option) => {
			const inner = 'values' in option ? option.values : 'displayName' in option ? [option] : [];
			return [...inner.map(({ displayName }) => displayName), ...nested(inner)];
		}),
	);

/** The names of the fields of the form that is open, from above. */
export async function fieldsIn(page: Page): Promise<string[]> {
	const titles = await page.getByTestId('node-parameters').locator('label.n8n-input-label:visible').allInnerTexts();
	return titles
		.map((title) => title.split('\n')[0]?.replace('*', '').trim() ?? '')
		.filter((title) => title !== 'Credential');
}

/** Holds the form that is open against what it should begin with, in that order. */
export async function beginsWith(page: Page, title: string): Promise<void> {
	const fields = (firstScreens[title] ?? []).filter((field) => field !== '(notice)');
	let shown: string[] = [];
	await until(`the fields of ${title}`, 15, async () => {
		shown = (await fieldsIn(page)).filter((field) => fields.includes(field));
		return shown.length >= fields.length;
	}).catch(() => undefined);
	deepEqual(shown, fields);
}

/** What is wrong with the form that is open. */
async function faults(page: Page, wanted: readonly INodeProperties[]): Promise<string[]> {
	const form = page.getByTestId('node-parameters');
	const names = wanted.filter(({ type }) => type !== 'notice').map(({ displayName }) => displayName);
	const within = nested(wanted);
	let missing: string[] = [];
	let strange: string[] = [];
	// The form follows what was chosen a moment later; what is still wrong then is told below.
	await until('the form', 15, async () => {
		const labels = await fieldsIn(page);
		missing = names.filter((name) => !labels.includes(name));
		strange = labels.filter((label) => !names.includes(label) && !within.includes(label));
		return missing.length + strange.length === 0;
	}).catch(() => undefined);
	const values = await form.locator('input:visible').evaluateAll((all: Shown[]) => all.map(({ value }) => value));
	const boxes = await form
		.locator('.parameter-value-container:visible')
		.evaluateAll((all: Shown[]) => all.map((one) => one.getBoundingClientRect().toJSON()));
	const cut = await form
		.locator('label.n8n-input-label:visible span')
		.evaluateAll((all: Shown[]) =>
			all
				.filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0)
				.map(({ innerText }) => innerText),
		);
	return [
		...missing.map((name) => `${name} is not shown`),
		...strange.map((label) => `${label} is shown`),
		...[await form.innerText(), ...values]
			.flatMap((text) => text.split('\n'))
			.filter((text) => RAW.test(text) && !wanted.some((one) => one.default === `=${text}`))
			.map((text) => `raw: ${text}`),
		...cut.map((text) => `cut: ${text}`),
		...boxes
			.filter((one, i) => boxes.slice(i + 1).some((other) => meet(one, other)))
			.map(({ left, top }) => `something lies over the field at ${left}, ${top}`),
	];
}

/** Opens the view of each node once, and goes through its resources and operations by their dropdowns. */
export async function forms(page: Page, stage: Stage): Promise<string[]> {
	const id = (await stage.n8n.credentialIds())[credentialName] ?? '';
	const descriptions = await descriptionsIn(page, stage);
	const nodes = descriptions.map(({ name, displayName, credentials = [] }) => ({
		name: displayName,
		type: name.replace(`${packageName}.`, ''),
		...(credentials.some((one) => one.name === 'hubbleApi') && {
			credentials: { hubbleApi: { id, name: credentialName } },
		}),
	}));
	await openWorkflow(page, stage.n8n, await stage.n8n.createWorkflow(workflowOf('Every form', nodes)));
	const found: string[] = [];
	let opened = 0;
	for (const description of descriptions) {
		await openNode(page, description.displayName);
		for (const chosen of choicesOf(description)) {
			for (const [parameter, { name }] of Object.entries(chosen)) await choose(page, parameter, name);
			const values = Object.fromEntries(Object.entries(chosen).map(([parameter, { value }]) => [parameter, value]));
			const title = [description.displayName, ...Object.values(chosen).map(({ name }) => name)].join(' ');
			found.push(
				...(await faults(page, shownIn(description, values as INodeParameters))).map((one) => `${title}: ${one}`),
			);
			const names = Object.values(chosen).map(({ name }) => name);
			await beginsWith(page, [description.displayName, ...names].join(': ')).catch((error: Error) =>
				found.push(`${title}: ${error.message}`),
			);
			await picture(page, `form ${title}`);
			opened += 1;
		}
		await closeNode(page);
	}
	deepEqual(found, []);
	return [`${opened} forms of ${descriptions.length} nodes`];
}

interface Option {
	name: string;
	value: unknown;
}

/** The operations of a node, each with its resource where that is a choice; a trigger has one form. */
function choicesOf({ properties }: INodeTypeDescription): Array<Record<string, Option>> {
	const named = (wanted: string) => properties.filter(({ name }) => name === wanted);
	const [resource] = named('resource');
	const hasResources = resource?.type === 'options';
	const choices = named('operation').flatMap(({ options, displayOptions }) => {
		const of = displayOptions?.show?.resource?.[0];
		const parent = (resource?.options as Option[] | undefined)?.find(({ value }) => value === of);
		return (options as Option[])
			.filter(({ value }) => value !== '__CUSTOM_API_CALL__')
			.map((operation) => ({ ...(hasResources && parent ? { resource: parent } : {}), operation }));
	});
	return choices.length > 0 ? choices : [{}];
}
