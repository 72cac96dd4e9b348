/**
 * One operation of a node is one row in a table. The row says what n8n shows and what Hubble needs: `properties.ts`
 * makes the parameters of the node from it, `readItem.ts` reads them, `run.ts` carries it out. A reader compares
 * a node's table with the API definition line by line, so rows stay flat literals.
 */
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { HubbleClient } from '../client/client';
import type { Endpoint } from '../client/endpoints';
import type { List } from '../client/pages';
import type { Call } from '../client/request';
import type { Field, ValuesOf } from './fields';

export type Fields = Readonly<Record<string, Field>>;

/** What one input item asks of Hubble: a call in the wire's names, and what becomes of its reply. Nothing is sent yet. */
export interface ItemRequest extends Call {
	itemIndex: number;
	ids: Record<string, string>;
	query: IDataObject;
	body: IDataObject;
	/** Values of the row's `settings`, which are not sent; `RequestOf` knows their types. */
	settings: object;
	/** How many rows of a list are wanted; Infinity for all. */
	limit: number;
	/** Whether an AI agent called the node: it is told when there is more. */
	isTool: boolean;
	isSimplified: boolean;
	/** The simplified fields that are put out; `undefined` for all. */
	outputFields?: readonly string[];
	/** Filters on our side: whether a row is kept. Empty when there are none. */
	clientFilters: Array<(row: IDataObject) => boolean>;
	/** What the user should know of those filters. */
	remarks: string[];
	/** The calls that this request shares with others, where `derive` or `prepare` chose others than the row's. */
	batch?: Batch;
	/** What Hubble answered, where `prepare` has asked already: nothing more is sent. */
	reply?: IDataObject;
	/** Whether it finds another thing or none once it is done, so that n8n must not run all items again. */
	isOnce?: true;
	/** Where the body depends on what becomes of the items before this one. */
	turn?: Turn;
}

/** What a request does when its turn comes. */
export interface Turn {
	/** The body, from what became of the items before it. Throws an error that says why nothing is sent. */
	body?(): IDataObject;
	done(): void;
}

/**
 * The request with its body computed from the results of the items before it. Throws what `body` of its turn throws.
 */
export const inTurn = (request: ItemRequest): ItemRequest =>
	request.turn?.body ? { ...request, body: request.turn.body() } : request;

interface Parameters {
	inPath?: Fields;
	inQuery?: Fields;
	inBody?: Fields;
	/** Not sent: these change what becomes of the reply. */
	settings?: Fields;
}

/** What one item asks by these parameters, whose types reach where they are used: `RequestOf<typeof update>`. */
export type RequestOf<P extends Parameters> = Omit<ItemRequest, 'query' | 'body' | 'settings'> & {
	query: ValuesOf<P['inQuery']>;
	body: ValuesOf<P['inBody']>;
	settings: ValuesOf<P['settings']>;
};

/**
 * The result of one part of a batch: its data, why Hubble refused it, or that the reply does not mention it, with what
 * the reply says instead.
 */
export type BatchResult = { json: IDataObject } | { refused: string } | { missing: true; says?: string };

export interface Batch<R = ItemRequest> {
	endpoint: Endpoint;
	/** How many parts one call may hold (API definition). */
	size: number;
	/** Whether the row's own endpoint serves one item, so that the user may choose "one request per device". */
	single?: boolean;
	/**
	 * Whether Hubble shows the content of the replies only once: then a run without continue-on-fail makes one call at
	 * most.
	 */
	showsOnce?: boolean;
	/** The parts of what one item asks. Without it an item is one part. */
	split?: (request: R) => ItemRequest[];
	/** Parts that differ in this never share a call. */
	groupOf?: (part: ItemRequest) => string;
	/** Two parts with the same key never share a call, and keep their order. */
	keyOf?: (part: ItemRequest) => string;
	toBody: (parts: readonly ItemRequest[]) => IDataObject;
	/** `Call.whenGone` of a call with this part alone; of several, a 404 proves nothing before each is tried alone. */
	whenGone?: (part: ItemRequest) => IDataObject | undefined;
	/** The reply, back onto the parts: one result for each, in their order, and behind them what no part asked for. */
	fromReply: (reply: IDataObject, parts: readonly ItemRequest[]) => BatchResult[];
}

/** A filter that Hubble does not have. `toWire` gives its value, or `undefined` when it is not set. `now` as in `shape`. */
export type ClientFilter = Field & {
	matches(row: IDataObject, value: unknown, now: number): boolean;
	/** What the user should know of the value, though it is taken. */
	remark?(value: unknown): string | undefined;
};

/**
 * A hint beside the output, a warning unless it says otherwise. An object is asked at the end of the run, and may have
 * nothing to say.
 */
export type Hint = string | { text(): string | undefined; readonly type?: 'info' };

/** What an operation that carries out its call itself works with. */
export interface Work<R = ItemRequest> {
	context: IExecuteFunctions;
	hubble: HubbleClient;
	request: R;
	/** What the user should know beside the output, each once a run. */
	hints: Set<Hint>;
}

/** What an operation works with that looks things up for all items together, before anything is sent for one. */
export interface Preparation<R = ItemRequest> extends Omit<Work, 'request'> {
	requests: readonly R[];
	/** Outputs an error in place of an item's data; throws it if the run must stop. */
	fail: (itemIndex: number, error: unknown, ids?: IDataObject) => void;
	canContinue: boolean;
}

/** What an operation does with its requests. Properties, not methods: of those the compiler does not check the parameters. */
interface Hooks<R> {
	batch?: Batch<R>;
	/** Makes the call and its items, all at once or as they come; `run.ts` pairs them with the input. */
	items?: (work: Work<R>) => Promise<INodeExecutionData[]> | AsyncIterable<INodeExecutionData[]>;
	/** Looks things up for all items together. Gives the requests that are still to be carried out. */
	prepare?: (all: Preparation<R>) => Promise<ItemRequest[]>;
	/** Why this combination of values is refused before the first call; `undefined` when it is not. */
	validate?: (request: R) => string | undefined;
	warn?: (request: R, now: number) => string | undefined;
}

/**
 * One row of an operation table. Its items are the rows of the list, or the reply itself: each in its `shape` where
 * Simplify is on, with the ISO texts of its times. `items` makes others.
 */
export interface Operation extends Parameters, Hooks<ItemRequest> {
	/** Only in nodes with more than one resource. */
	resource?: string;
	name: string;
	/** What the operation works on, e.g. "Devices": shown behind its name in nodes with one resource. */
	object?: string;
	value: string;
	/** Its name in n8n's list of actions, if not the title. */
	action?: string;
	description: string;
	/** None where Hubble is asked nothing: the node carries such a row out itself. */
	endpoint?: Endpoint;
	/** A call beside that of the endpoint, whose scope the token needs, too; and when it is made, where not always. */
	alsoCalls?: { endpoint: Endpoint; when?: string };
	/** The list of the reply, where there is more to know of it than the endpoint says. */
	list?: List;
	/** The field of the body that names the thing that is worked on, where the path does not. */
	idInBody?: string;
	/** Whether all rows of the list are read in any case: there is neither Return All nor Limit. */
	readsAll?: boolean;
	/** Whether it makes rows of its own of the list: Limit counts those, and no Continuation Token leads to more. */
	makesRows?: boolean;
	/** Filters that Hubble does not have: applied here, to each row that was fetched. */
	clientFilters?: ClientFilter[];
	/**
	 * One row in flat fields, named in camelCase, at Hubble's time in Unix seconds; turns on the Simplify parameter. A
	 * tool's rows are simplified.
	 */
	shape?: (row: IDataObject, now: number) => IDataObject;
	/** The names of those fields, the key last; gives a tool the Output parameter. */
	simplifiedFields?: readonly string[];
	/** What several parameters make together, once each is read: it goes over what they made alone. Throws as `toWire` does. */
	derive?: (request: ItemRequest, now: () => number) => Partial<ItemRequest>;
	/** Whether the output contains secrets, such as a key: an AI agent gets them only if the user allows it. */
	hasSecrets?: boolean;
	/** Whether n8n may run it again for all items (Retry On Fail), though it sends: it finds what it has done, or does no harm. */
	mayRunAgain?: boolean;
	/** What of its replies Hubble shows only once, in the singular: a run that may stop makes one call, so that none is lost. */
	showsOnce?: string;
}

/**
 * A row with the parameters `P`, of whose requests `derive` makes `D`: hooks read both. `NoInfer`: parameters say what a row
 * has, not the hooks that read them.
 */
type Row<P extends Parameters, D, R = NoInfer<RequestOf<P>>> = Omit<
	Operation,
	keyof Hooks<unknown> | keyof P | 'derive'
> &
	Partial<P> & { derive?: (request: R, now: () => number) => D & Partial<ItemRequest> } & Hooks<R & NoInfer<D>>;

type None = Record<never, Field>;

/** A row whose hooks read its parameters: the compiler checks that it has them, and their types. */
export const operation = <Q extends Fields = None, B extends Fields = None, S extends Fields = None, D = object>(
	row: Row<{ inQuery: Q; inBody: B; settings: S }, D>,
): Operation => row as Operation;

/** An operation that asks Hubble something. */
export type Asking = Operation & Required<Pick<Operation, 'endpoint'>>;

export const titleOf = ({ name, object }: Operation): string => (object ? `${name} ${object}` : name);

/** 'Get API Metrics' → 'Get API metrics' */
export const actionOf = (operation: Operation): string =>
	operation.action ?? titleOf(operation).replace(/ [A-Z](?=[a-z])/g, (letter) => letter.toLowerCase());

/** The list of which the user chooses how much to read; `undefined` where there is no choice. */
export const choiceOf = (operation: Operation): List | undefined =>
	operation.readsAll ? undefined : listOf(operation);

/** Whether the user may say from which page to go on. */
export const hasToken = (operation: Operation): boolean =>
	choiceOf(operation)?.pages === 'token' && !operation.makesRows;

/** The list that an operation reads; `undefined` when its reply is not a list. */
export const listOf = ({ list, endpoint }: Operation): List | undefined => list ?? endpoint?.list;
