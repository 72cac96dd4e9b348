/**
 * The Packet Trigger, called by a Hubble that delivers at least once: what had no 2xx within ten seconds comes again,
 * until three hours are over. One to three processes of n8n answer, and are killed.
 */
import type { IDataObject, IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';
import type { ShippedCode } from './shipped';
import { NEVER, parameterAt, World, type Process } from './world';

const SECRET = 'whsec-4711';
const ANSWER_MS = 10_000;
const MOST_TRIES = 30;

type Webhook = (context: IWebhookFunctions) => Promise<IWebhookResponseData>;

interface Delivery {
	packets: IDataObject[];
	isForged: boolean;
	/** When and where n8n answered it with success. */
	accepted: Array<{ process: Process; at: number }>;
	tries: number;
}

/** A run of the workflow. */
interface Run {
	delivery: Delivery;
	process: Process;
	at: number;
	/** When it has ended, well or not. */
	end: number;
	/** Whether it has succeeded. */
	isFinished: boolean;
	/** Whether n8n stored its execution. */
	isStored: boolean;
}

export class DeliveryHistory extends World {
	/** When n8n answers. In n8n 1, the node itself answers at once, a moment before the execution is stored. */
	private readonly acknowledge = this.pick(['onReceived', 'lastNode']);
	protected override readonly isN8n1 = this.chance(0.3);
	private readonly running: Process[];
	private readonly deliveries: Delivery[] = [];
	private readonly runs: Run[] = [];

	constructor(seed: number, code: ShippedCode) {
		super(seed, code);
		this.running = Array.from({ length: this.between(1, 3) }, () => this.startProcess());
	}

	private contextOf(process: Process, delivery: Delivery, answer: object): IWebhookFunctions {
		const parameters: IDataObject = {
			triggerOn: 'packet',
			simplify: true,
			decodePayload: 'none',
			filters: {},
			options: { registration: 'manual', acknowledge: this.acknowledge },
		};
		const body = { packets: delivery.packets };
		const request = {
			headers: {
				'content-type': 'application/json',
				'http-x-hubble-token': delivery.isForged ? 'something else' : SECRET,
			},
			body,
			rawBody: Buffer.from(JSON.stringify(body)),
		};
		return {
			getMode: () => 'webhook',
			getWorkflow: () => ({ id: 'workflow' }),
			getNode: () => ({ id: 'node', name: 'Trigger', webhookId: 'hook', parameters }),
			getNodeParameter: parameterAt(parameters),
			getWorkflowStaticData: () => ({}),
			getRequestObject: () => request,
			getResponseObject: () => answer,
			getTimezone: () => 'UTC',
			logger: { warn: () => {} },
			getCredentials: async () => {
				await this.time.sleep(this.between(0, 5));
				if (process.isDead) await NEVER;
				if (this.isStorm && this.chance(0.02)) throw new Error('The database is away');
				return { webhookSecret: SECRET };
			},
		} as unknown as IWebhookFunctions;
	}

	/** One call to n8n. @returns the status that it answered with; never, when its process is killed */
	private async call(process: Process, delivery: Delivery): Promise<number> {
		let answered: ((status: number) => void) | undefined;
		const status = new Promise<number>((resolve) => (answered = resolve));
		const answer = {
			statusCode: 200,
			status: (code: number) => {
				answer.statusCode = code;
				return answer;
			},
			json: () => answer.end(),
			end: () => {
				const { statusCode } = answer;
				if (!process.isDead) answered?.(statusCode);
				return answer;
			},
		};
		const { receive } = process.load<{ receive: (context: IWebhookFunctions, source: object) => ReturnType<Webhook> }>(
			'shared/webhook/receive',
		);
		const { packets } = process.load<{ packets: object }>('HubblePacketTrigger/packets');
		const { workflowData, noWebhookResponse } = await receive(this.contextOf(process, delivery, answer), packets);
		this.promise(!delivery.isForged || !workflowData, 'P1: nothing forged starts a run', () => 'it did');
		if (workflowData) void this.run(process, delivery, answer);
		else if (!noWebhookResponse) answer.end();
		return await status;
	}

	/** The workflow, as n8n runs it for a delivery. */
	private async run(process: Process, delivery: Delivery, answer: { statusCode: number; end: () => unknown }) {
		const run: Run = { delivery, process, at: this.time.now(), end: Infinity, isFinished: false, isStored: false };
		this.runs.push(run);
		const pause = async (ms: number) => {
			await this.time.sleep(ms);
			if (process.isDead) await NEVER;
		};
		const isAtOnce = this.acknowledge === 'onReceived';
		await pause(this.between(1, 30));
		run.isStored = true;
		if (isAtOnce && !this.isN8n1) answer.end();
		await pause(this.isStorm && this.chance(0.1) ? this.between(8000, 90_000) : this.between(10, 3000));
		run.end = this.time.now();
		run.isFinished = !(this.isStorm && this.chance(0.1));
		if (isAtOnce) return;
		answer.statusCode = run.isFinished ? 200 : 500;
		answer.end();
	}

	/** Hubble delivers until it has an answer. */
	private async deliver(delivery: Delivery): Promise<void> {
		while (delivery.tries < MOST_TRIES) {
			delivery.tries += 1;
			await this.time.sleep(this.way());
			const process = this.pick(this.running);
			const call = process.isDead ? NEVER : this.call(process, delivery);
			// What it breaks is known by then.
			call.catch(() => {});
			let isOver = false;
			const tooLate = this.time.sleep(ANSWER_MS).then(() => {
				isOver = true;
				return 0;
			});
			const status = await Promise.race([call, tooLate, process.end.then(() => 0)]);
			if (status >= 200 && status < 300 && !isOver) {
				delivery.accepted.push({ process, at: this.time.now() });
				// The answer may be lost, and Hubble may deliver once more all the same.
				if (!(this.isStorm && this.chance(0.1))) return;
			}
			if (delivery.isForged) return;
			await this.time.sleep(this.between(5000, 60_000));
		}
	}

	private async killing(): Promise<void> {
		for (let n = this.between(0, 3); n > 0; n--) {
			await this.time.sleep(this.between(500, this.stormMs / 4));
			const index = this.between(0, this.running.length - 1);
			this.running[index]?.kill();
			await this.time.sleep(this.between(0, 30_000));
			this.running[index] = this.startProcess();
		}
	}

	private async sending(): Promise<void> {
		const all: Array<Promise<void>> = [];
		for (let n = this.between(3, 20); n > 0; n--) {
			await this.time.sleep(this.between(0, 20_000));
			const packets = Array.from({ length: this.between(1, 4) }, (_, k) => ({
				device: { id: `device-${k}`, payload: 'AA==', timestamp: this.hubbleS() - k, sequence_number: n },
				network_type: 'TERRESTRIAL',
			}));
			const delivery: Delivery = { packets, isForged: this.chance(0.1), accepted: [], tries: 0 };
			this.deliveries.push(delivery);
			const deliver = () => {
				const delivered = this.deliver(delivery);
				// All are awaited when all were sent.
				delivered.catch(() => {});
				all.push(delivered);
			};
			deliver();
			// The same from another of Hubble's machines, at the same time.
			if (this.chance(0.1)) deliver();
		}
		await Promise.all(all);
	}

	private check(): void {
		for (const delivery of this.deliveries.filter(({ isForged }) => !isForged)) {
			const runs = this.runs.filter((run) => run.delivery === delivery);
			// n8n 1 answers a moment before it stores the execution; if it is killed in between, the delivery is lost.
			const isLost =
				this.isN8n1 &&
				this.acknowledge === 'onReceived' &&
				runs.some(({ isStored, process }) => !isStored && process.isDead);
			const isHeld = runs.some(({ isFinished, isStored }) => (this.acknowledge === 'lastNode' ? isFinished : isStored));
			this.promise(
				isHeld || isLost,
				'P2: no delivery is lost',
				() => `${runs.length} runs of ${delivery.tries} tries, ${this.acknowledge}, n8n ${this.isN8n1 ? 1 : 2}`,
			);
			for (const { process, at } of delivery.accepted) {
				const again = runs.filter((run) => run.process === process && run.at > at);
				this.promise(!again.length, 'P3: what was answered is not run again', () => `${again.length} more runs`);
			}
			// In the order of their beginnings.
			for (const [n, run] of runs.entries()) {
				const beside = runs.slice(n + 1).find((other) => other.process === run.process && other.at < run.end);
				this.promise(!beside, 'P4: one delivery runs once at a time', () => `at ${run.at} ms`);
			}
		}
	}

	async live(): Promise<void> {
		await this.time.until(Promise.all([this.sending(), this.killing()]));
		// What was answered at once is stored by then.
		await this.time.until(this.time.sleep(60_000));
		this.check();
	}
}
