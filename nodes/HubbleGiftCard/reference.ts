/** The reference by which Hubble knows an order: a retry asks with the same one, so that it pays only once. */
import { hash, randomUUID } from 'node:crypto';
import { NodeOperationError, type IDataObject, type IExecuteFunctions } from 'n8n-workflow';
import { entriesOf, objectOf } from '../shared/client/json';
import { isN8n1, nodeContext, resumeUrl } from '../shared/n8n';
import type { ItemRequest, Preparation } from '../shared/operation/operation';
import { amountOf, merged, type Denomination } from './denominations';
import { parameterError } from '../shared/operation/values';

/** What an item of Place asks. */
export type OrderRequest = ItemRequest & {
	body: { denominationDetails: Denomination[] | undefined; referenceId: unknown };
	settings: Record<'wait' | 'failOnFailed' | 'returnExisting', boolean | undefined> & { waitSeconds?: number };
};

/** What an item orders, and which execution the order belongs to. */
export interface Errand {
	request: OrderRequest;
	reference: string;
	/** Whether the reference was made here: then an order that has it is of this execution, or of a retry of it. */
	isMade: boolean;
	/** The same in a retry of the execution, and of no other item, run or execution. */
	owner: string;
	brandId: string;
	details: Denomination[];
	amount: number;
}

/**
 * What stays the same when the execution is retried. n8n gives a retry an ID of its own. Newer versions hand on a
 * token, in the URL that resumes it, also when n8n was killed. Else it is the ID of the first execution, which the node
 * keeps in the execution's own data: they are stored when an execution ends, and a retry begins with them.
 * `undefined` when the execution is a retry of one that nothing is known of.
 */
function firstExecution(context: IExecuteFunctions): string | undefined {
	const kept = nodeContext(context);
	const token = [...(resumeUrl(context)?.searchParams.values() ?? [])].at(-1);
	const ofThis = context.getMode() === 'retry' ? '' : context.getExecutionId();
	const first = (kept.firstExecution as string | undefined) ?? token ?? ofThis;
	if (!first) return undefined;
	kept.firstExecution = first;
	return first;
}

/**
 * Keeps, before a parameter or a credential can fail the run, that the node has run, and in which execution: a retry then
 * knows that nothing is on its way. Of an execution that was killed, n8n has stored nothing.
 */
export function noteBeginning(context: IExecuteFunctions): void {
	const kept = nodeContext(context);
	kept.isAfterKill ??= context.getMode() === 'retry' && kept.sent === undefined;
	kept.sent ??= {};
	firstExecution(context);
}

/** What tells one customer from another, in one spelling; '' for what is not given. */
export function personIn({ email, phoneNumber, name }: IDataObject) {
	const text = (value: unknown) => (typeof value === 'string' ? value.trim().toLowerCase() : '');
	return { email: text(email), phone: text(phoneNumber).replace(/\D/g, ''), name: text(name) };
}

/** For whom an order is: by the email, as the name and the phone number may be corrected between two tries; '' for nobody. */
export function customerOf({ body }: ItemRequest): string {
	const { email, phone, name } = personIn(objectOf(body.customerDetails));
	return email || phone || name;
}

/**
 * What an item orders and for whom. Not its place among the items, which may have come in another order when a killed
 * execution is run again.
 */
function contentOf(request: ItemRequest, details: readonly Denomination[]): string {
	const sorted = [...details].sort((a, b) => a.denomination - b.denomination);
	return JSON.stringify([request.ids.brand_id, sorted, customerOf(request)]);
}

const NOT_KNOWN =
	'It is not known whether the execution that is retried placed this order: look for it at Hubble before you order it again. ';

/** Why a reference of the user's is needed, and what may have been ordered before; `undefined` when one can be made. */
function needOf(
	context: IExecuteFunctions,
	request: ItemRequest,
	first?: string,
): [reason: string, before?: string] | undefined {
	const { isTool } = request;
	// An agent may order twice in one execution, and mean it or not: only a reference tells.
	if (isTool) return ['it is required when an AI agent places orders'];
	if (context.getMode() === 'integrated')
		return ['it is required in a sub-workflow, because each call is a new execution'];
	if (!first) {
		const reason = 'n8n tells neither which execution is retried nor whether this node has run';
		return [`it is required in a retry in which ${reason}`, NOT_KNOWN];
	}
	// Of several equal orders nobody knows whose was placed before n8n stopped.
	if (!nodeContext(context).isAfterKill || customerOf(request)) return undefined;
	const reason = 'n8n does not tell whether this node has run: orders without a customer cannot be told apart';
	return [`it is required in a retry in which ${reason}`, NOT_KNOWN];
}

/**
 * Begins to count the orders of a run of the node. n8n's `$runIndex` tells one run from the next, and stays the same when
 * n8n runs the node again at once (Retry On Fail, also with On Error set to Continue): then they are counted anew.
 * @returns which run of the execution it is
 */
function beginRun(context: IExecuteFunctions): number {
	const kept = nodeContext(context);
	const run = Number(context.evaluateExpression('{{ $runIndex }}', 0));
	if (kept.run !== run) {
		kept.before = { ...objectOf(kept.before), ...objectOf(kept.counts) };
		kept.openBefore = Object.keys(objectOf(kept.open));
	}
	kept.run = run;
	kept.counts = {};
	kept.openTaken = {};
	return run;
}

const hashOf = (parts: unknown[]) => hash('sha256', JSON.stringify(parts));

const madeOf = (owner: string) => `n8n-${owner.slice(0, 32)}`;

/**
 * The owner of an order without a reference of the user's: what is ordered, and how many equal orders came before it, in
 * this run and in earlier runs of the execution, counted in its data. A loop that goes on after n8n was killed begins
 * with another run: what tells an order is what it is, not in which run. Where the orders of an earlier run come again,
 * as from the error output, one that is in doubt is asked for again; without a customer it could be another person's.
 */
function ownerOf(context: IExecuteFunctions, place: unknown[], content: string, request: ItemRequest): string {
	const kept = nodeContext(context);
	const key = hash('sha256', content).slice(0, 16);
	const ownerAt = (count: number) => hashOf([...place, content, count]);
	const [counts, taken] = [objectOf(kept.counts), objectOf(kept.openTaken)];
	const before = Number(objectOf(kept.before)[key] ?? 0);
	const earlier = customerOf(request) ? Array.from({ length: before }, (_, count) => ownerAt(count)) : [];
	const isOpen = (owner: string) => entriesOf(kept.openBefore).includes(madeOf(owner));
	const next = Number(taken[key] ?? 0);
	taken[key] = next + 1;
	const again = earlier.filter(isOpen)[next];
	if (again !== undefined) return again;
	const count = Number(counts[key] ?? before);
	counts[key] = count + 1;
	return ownerAt(count);
}

/**
 * Gives a reference to each order for which the user gave none: 36 characters (Hubble takes 40), made from this n8n,
 * the workflow, the execution, the node and what is ordered; several equal orders are counted. An order whose
 * reference could not be the same in a retry is refused, before anything is sent, and so is one that has the reference
 * of another item: it would get the vouchers of that one.
 */
export function errandsOf({ context, requests, fail }: Preparation<OrderRequest>): Errand[] {
	const first = firstExecution(context);
	// n8n 1 lets a workflow have two nodes with one ID, as models write them, and knows a node by its name in a retry. A
	// retry on n8n 2 of what began on n8n 1 is the same node.
	const node = (nodeContext(context).node ??= context.getNode()[isN8n1() ? 'name' : 'id']);
	const place = [context.getInstanceId(), context.getWorkflow().id, first, node];
	const run = beginRun(context);
	/** What is ordered under each reference of the user's. */
	const owners = new Map<string, string>();
	const refuse = ({ itemIndex, ids }: ItemRequest, reason: string, before = ''): [] => {
		const description = `${before}Give each order its own reference, such as an order number. Nothing was sent to Hubble for this item this time.`;
		const message = parameterError('Reference', reason);
		fail(itemIndex, new NodeOperationError(context.getNode(), message, { itemIndex, description }), ids);
		return [];
	};
	return requests.flatMap((request): Errand[] => {
		const { body, ids, settings } = request;
		const details = merged(body.denominationDetails ?? []);
		const content = contentOf(request, details);
		const errand = { request, brandId: String(ids.brand_id), details, amount: amountOf(details) };
		if (body.referenceId) {
			const reference = String(body.referenceId);
			// n8n's own agents run a node without an execution: nobody else is the owner then.
			const owner = hashOf([...place, run, first ?? context.getExecutionId() ?? randomUUID(), content]);
			const other = owners.get(reference);
			// Two equal items may be two people: who they are, the order need not say.
			if (other !== undefined && !(settings.returnExisting && other === owner))
				return refuse(request, `"${reference}" is also the reference of another item of this run`);
			owners.set(reference, owner);
			return [{ ...errand, reference, isMade: false, owner }];
		}
		const need = needOf(context, request, first);
		if (need) return refuse(request, ...need);
		const owner = ownerOf(context, place, content, request);
		return [{ ...errand, reference: madeOf(owner), isMade: true, owner }];
	});
}
