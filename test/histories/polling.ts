/**
 * A polling trigger in n8n: what n8n stores, when it stores it, and what it makes an execution of. In each way in which
 * n8n 1.123 and 2.41 poll (active-workflows, trigger-execution-context.factory and poll-cursor.service of n8n).
 */
import type { IDataObject, IHttpRequestOptions, INodeExecutionData, IPollFunctions } from 'n8n-workflow';
import type { ShippedCode } from './shipped';
import { HOST, ORGANIZATION, parameterAt, World, type Answer, type Process } from './world';

/**
 * `memory`: n8n 1, and 2 without its scheduler; one process, whose static data live in memory and are stored with what is
 * emitted. `scheduler`: n8n 2; any process polls, with static data from the database. `durable`: the position is
 * stored in one transaction with the execution.
 */
const MODES = ['memory', 'scheduler', 'durable'] as const;

/** An execution that n8n has stored. */
export interface Execution {
	items: IDataObject[];
	/** The process that polled. */
	process: Process;
	/** Whether it was stored together with the position, and the node could know. */
	isAtomic: boolean;
	/** When it was stored, in Unix seconds. */
	at: number;
}

/** What the documents promise of a poll's time; the rest is what the last reply may take. */
const LONGEST_POLL_MS = 30_000;
/** Polls until there must be nothing new. */
const MOST_POLLS = 400;

type Poll = (context: IPollFunctions) => Promise<INodeExecutionData[][] | null>;

/** The position that n8n gives to a poll: of `memory`, one object while the process lives. */
interface Given {
	process: Process;
	data: IDataObject;
}

export abstract class PollingWorld extends World {
	readonly mode = this.pick(MODES);
	readonly executions: Execution[] = [];
	/** Which process stored a position, and how many executions there were by then. */
	readonly stores: Array<{ process: Process; executions: number }> = [];
	/** What n8n's database holds for the node. */
	stored: IDataObject = {};
	readonly parameters: IDataObject = {};
	readonly warnings: string[] = [];
	private running: Process[] = [];
	private inMemory?: Given;
	/** Longest text of the position that was stored. */
	largest = 0;
	/** Since when n8n has stored a position: what happened before may have been learnt instead of reported. */
	protected begunS = Infinity;
	polls = 0;
	/** Polls that n8n threw away. */
	discarded = 0;

	constructor(seed: number, code: ShippedCode, pace?: number) {
		super(seed, code, pace);
		const count = this.mode === 'memory' ? 1 : this.between(1, 3);
		this.running = Array.from({ length: count }, () => this.startProcess());
	}

	protected readonly pollEveryMs: number = 60_000;
	/** Polls in a row without anything new that end a history. */
	protected readonly quietPolls: number = 4;
	/** The module of the node that polls, and its function. */
	protected abstract readonly node: { module: string; poll: string };
	/** What Hubble answers to a request. */
	protected abstract answer(options: IHttpRequestOptions): Answer;
	/** Times that the position holds, in Unix seconds: none may be ahead of Hubble's clock. */
	protected abstract timesIn(position: IDataObject): number[];
	/** The most characters that the position may take in n8n's database, by what is there to remember. */
	protected abstract largestAllowed(): number;

	private contextOf(process: Process, staticData: IDataObject, isScheduled: boolean): IPollFunctions {
		const newer = {
			__runPoll: undefined,
			__commitCursor: undefined,
			getPollBudgetMs: () => (isScheduled ? 36_000 : 300_000),
		};
		return {
			...(this.mode === 'memory' ? {} : newer),
			getMode: () => 'trigger',
			getWorkflow: () => ({ id: 'workflow' }),
			getNode: () => ({ id: 'node', name: 'Poll', parameters: this.parameters }),
			getTimezone: () => 'UTC',
			logger: {
				warn: (line: string) => {
					this.keepSecret(line);
					this.warnings.push(line);
				},
			},
			getNodeParameter: parameterAt(this.parameters),
			getWorkflowStaticData: () => staticData,
			getCredentials: async () => ({ apiToken: this.token, organizationId: ORGANIZATION, baseUrl: HOST }),
			helpers: {
				httpRequestWithAuthentication: async (
					_: string,
					options: IHttpRequestOptions,
					{ credentialsDecrypted }: { credentialsDecrypted: { data: IDataObject } },
				) =>
					await this.request(process, options, String(credentialsDecrypted.data.apiToken), () => this.answer(options)),
			},
		} as unknown as IPollFunctions;
	}

	private keepSecret(text: string): void {
		this.promise(!/token-\d/.test(text), 'P19: no secret in an error, a log or an item', () => text);
	}

	/** What n8n gives as static data: a plain copy where it stores them with the execution, else an object that it watches. */
	private dataFor(process: Process): IDataObject {
		const read = () => JSON.parse(JSON.stringify(this.stored)) as IDataObject;
		const watched = () => Object.defineProperty(read(), '__dataChanged', { value: true, writable: true });
		if (this.mode === 'durable') return read();
		if (this.mode === 'scheduler') return watched();
		if (this.inMemory?.process !== process) this.inMemory = { process, data: watched() };
		return this.inMemory.data;
	}

	private store(data: string, process: Process): void {
		this.stores.push({ process, executions: this.executions.length });
		this.stored = JSON.parse(data) as IDataObject;
		if (this.stored.next) this.begunS = Math.min(this.begunS, this.hubbleS());
		this.largest = Math.max(this.largest, data.length);
		this.promise(
			data.length <= this.largestAllowed(),
			'P12: the position stays small',
			() => `${data.length} characters, ${this.largestAllowed()} are allowed`,
		);
		for (const time of this.timesIn(this.stored)) {
			const ahead = time - this.hubbleS();
			this.promise(ahead <= 1, 'P10: no position is in the future', () => `${ahead} s ahead`);
		}
	}

	/** One poll of a process. @returns how many items it gave; `undefined` when it failed or its process ended */
	async pollOnce(process: Process, isActivation: boolean): Promise<number | undefined> {
		this.polls += 1;
		const data = this.dataFor(process);
		const given = JSON.stringify(data);
		const [began, faults] = [this.time.now(), this.faults];
		const { module, poll } = this.node;
		const run = process.load<Record<string, Poll>>(module)[poll] as Poll;
		const outcome = run(this.contextOf(process, data, !isActivation)).then(
			(result) => ({ result }),
			(error: unknown) => ({ error: error as Error }),
		);
		const ended = await Promise.race([outcome, process.end]);
		if (!ended) return undefined;
		const took = this.time.now() - began;
		this.promise(took <= LONGEST_POLL_MS + 1000, 'P11: a poll ends in its time', () => `${took} ms`);
		if ('error' in ended) {
			const { message, description } = ended.error as Error & { description?: string };
			this.keepSecret(`${message} ${description}`);
			this.promise(this.faults > faults, 'P11: polls succeed when nothing goes wrong', () => message);
			return undefined;
		}
		// The workflow was published anew meanwhile, or another process took over.
		if (this.mode !== 'memory' && this.isStorm && this.chance(0.05)) {
			this.discarded += 1;
			this.isActive = false;
			return undefined;
		}
		const [items] = ended.result ?? [];
		this.keepSecret(JSON.stringify(items ?? []));
		this.handOver(process, given, data, items, isActivation);
		return items?.length ?? 0;
	}

	/**
	 * What n8n does after a poll, while its process lives.
	 * @param given the static data as they were before it
	 */
	private handOver(
		process: Process,
		given: string,
		data: IDataObject,
		items: INodeExecutionData[] | undefined,
		isActivation: boolean,
	): void {
		const position = JSON.stringify(data);
		const execute = () =>
			this.executions.push({
				items: (items ?? []).map(({ json }) => json),
				process,
				isAtomic: this.mode === 'durable' && (!isActivation || (JSON.parse(given) as IDataObject).isAtomic === true),
				at: this.hubbleS(),
			});
		const after = (ms: number, work: () => void) =>
			this.time.later(ms, () => {
				if (!process.isDead) work();
			});
		const slow = () => (this.isStorm && this.chance(0.1) ? this.between(500, 5000) : this.between(1, 50));
		if (this.mode === 'durable') {
			after(slow(), () => {
				if (position !== given) this.store(position, process);
				if (items) execute();
			});
			return;
		}
		if (!items && !isActivation) return;
		const saved = slow();
		after(saved, () => this.store(position, process));
		if (items) after(saved + slow(), execute);
	}

	/** Kills processes and starts others. */
	private async killing(): Promise<void> {
		for (let n = this.between(0, 4); n > 0; n--) {
			// At any moment of a poll, not only between two.
			const minute = this.between(1, Math.floor(this.stormMs / this.pollEveryMs)) * this.pollEveryMs;
			await this.time.sleep(Math.max(0, minute + this.between(0, this.chance(0.7) ? 3000 : 59_000) - this.time.now()));
			const index = this.between(0, this.running.length - 1);
			this.running[index]?.kill();
			await this.time.sleep(this.between(0, 90_000));
			this.running[index] = this.startProcess();
			if (index === 0) this.isActive = false;
		}
	}

	/** Whether the first process, which leads, has activated the workflow since its start. */
	private isActive = false;

	/** The index of the process that polled last. */
	private polled = 0;

	/** Which process polls next: the first one while the workflow is not active; in the end always the same. */
	private nextProcess(isOverdue: boolean): Process {
		if (!this.isActive) this.polled = 0;
		else if (!isOverdue && this.isStorm && this.chance(0.2)) this.polled = this.between(0, this.running.length - 1);
		return this.running[this.polled] as Process;
	}

	private async polling(): Promise<void> {
		let quiet = 0;
		let isOverdue = false;
		while (quiet < this.quietPolls) {
			this.promise(this.polls < MOST_POLLS, 'P11: polls catch up', () => `${this.polls} polls and still something new`);
			const process = this.nextProcess(isOverdue);
			isOverdue = false;
			const next = Math.ceil((this.time.now() + 1) / this.pollEveryMs) * this.pollEveryMs;
			if (!process.isDead) {
				const isActivation = !this.isActive;
				const count = await this.pollOnce(process, isActivation);
				if (count !== undefined) this.isActive = true;
				quiet = this.isStorm || count !== 0 ? 0 : quiet + 1;
				// Polls that are due at once, in one process: the second one begins while the first is being stored.
				isOverdue = this.stored.isAtomic === true && this.isStorm && this.chance(0.2) && this.isActive;
				if (isOverdue) continue;
			}
			await this.time.sleep(Math.max(0, next - this.time.now()));
		}
	}

	/** What happens at Hubble. */
	protected abstract happening(): Promise<void>;
	/** Checks what is promised, at the end. */
	protected abstract check(): void;

	/** The whole history. Throws `Broken`. */
	async live(): Promise<void> {
		const tokens = async () => {
			if (!this.chance(0.3)) return;
			await this.time.sleep(this.between(0, this.stormMs));
			this.rotateToken();
		};
		await this.time.until(Promise.all([this.happening(), this.killing(), tokens(), this.polling()]));
		this.check();
	}
}
