/**
 * What all histories have: virtual time, two clocks that need not agree, processes that are killed, and requests on
 * which everything goes wrong that the documents let one expect. A seed decides all of it.
 */
import type { IDataObject, IHttpRequestOptions, IN8nHttpFullResponse } from 'n8n-workflow';
import type { ShippedCode } from './shipped';
import { seeded, VirtualTime } from './time';

/** Hubble's time when a history begins, in Unix milliseconds. */
const BEGAN_MS = 1_790_000_000_000;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** What one way to Hubble or back takes at most, unless Hubble is slow. */
const USUAL_WAY_MS = 400;

/** A promise of docs/nodes.md that was not kept. */
export class Broken extends Error {
	constructor(
		readonly seed: number,
		readonly promise: string,
		text: string,
	) {
		super(`seed ${seed}: ${promise}: ${text}`);
	}
}

export const NEVER = new Promise<never>(() => {});

/** A parameter by its path, as n8n's `getNodeParameter` gives it. */
export const parameterAt =
	(parameters: IDataObject) =>
	(path: string, fallback?: unknown): unknown =>
		path.split('.').reduce<unknown>((at, name) => (at as IDataObject | undefined)?.[name], parameters) ?? fallback;

/** A process of n8n. Once it is killed, nothing in it goes on. */
export interface Process {
	number: number;
	isDead: boolean;
	/** When it is killed. */
	end: Promise<void>;
	kill: () => void;
	load: <T>(path: string) => T;
}

/** What Hubble answers. */
export interface Answer {
	status?: number;
	headers?: Record<string, string>;
	body?: IDataObject;
}

export const ORGANIZATION = '11111111-2222-4333-8444-555555555555';
export const HOST = 'https://hubble.example';

export class World {
	readonly time = new VirtualTime();
	readonly random: () => number;
	/** After this nothing goes wrong any more, in milliseconds since the beginning. */
	readonly stormMs: number;
	faults = 0;
	kills = 0;
	private processes = 0;
	private readonly wallOff: () => number;
	/** Whether the processes are of n8n 1. */
	protected readonly isN8n1: boolean = false;
	/** When each process sent to each endpoint, and until when it was told to send nothing more. */
	private readonly sent = new Map<string, { times: number[]; heldUntil: number }>();
	token = 'token-0';
	private tokens = 0;

	/** @param pace how many times as long as usual it takes until nothing goes wrong any more */
	constructor(
		readonly seed: number,
		private readonly code: ShippedCode,
		pace = 1,
	) {
		this.random = seeded(seed);
		this.stormMs = pace * this.between(4, 12) * MINUTE_MS;
		const off = this.pick([0, 0, 2 * MINUTE_MS, -2 * MINUTE_MS, 6 * HOUR_MS, -6 * HOUR_MS]);
		const jumps = this.chance(0.2);
		this.wallOff = () => (jumps ? this.pick([0, off, 6 * HOUR_MS, -6 * HOUR_MS]) : off);
	}

	chance = (part: number): boolean => this.random() < part;
	between = (from: number, to: number): number => from + Math.floor(this.random() * (to - from + 1));
	pick = <T>(all: readonly T[]): T => all[this.between(0, all.length - 1)] as T;

	/** Hubble's clock, in Unix milliseconds. */
	hubbleMs = (): number => BEGAN_MS + this.time.now();
	hubbleS = (): number => this.hubbleMs() / 1000;
	get isStorm(): boolean {
		return this.time.now() < this.stormMs;
	}

	/** The first promise that was not kept: shipped code may catch what is thrown inside of it. */
	broken?: Broken;

	/** Whatever is promised here holds, or the history ends. */
	promise(isKept: boolean, promise: string, text: () => string): void {
		if (isKept) return;
		this.broken ??= new Broken(this.seed, promise, text());
		throw this.broken;
	}

	startProcess(): Process {
		let ended = () => {};
		const end = new Promise<void>((resolve) => (ended = resolve));
		const started = this.between(0, 1e9);
		const process: Process = {
			number: ++this.processes,
			isDead: false,
			end,
			kill: () => {
				process.isDead = true;
				this.kills += 1;
				ended();
			},
			load: this.code.start({
				monotonic: () => started + this.time.now(),
				wall: () => this.hubbleMs() + this.wallOff(),
				random: this.random,
				isN8n1: this.isN8n1,
				sleep: async (ms, signal) => {
					await this.time.sleep(ms, signal);
					if (process.isDead) await NEVER;
				},
			}),
		};
		return process;
	}

	/** The token of the credential is replaced. */
	rotateToken(): void {
		this.token = `token-${++this.tokens}`;
	}

	/** Milliseconds of one way to Hubble or back, or of a step of n8n's. */
	way = (): number => (this.chance(0.05) && this.isStorm ? this.between(1000, 12_000) : this.between(5, USUAL_WAY_MS));

	/**
	 * n8n's request helper. The way to Hubble and back takes its time; what goes wrong is lost on either of them.
	 * @param answer what Hubble answers when the request reaches it
	 */
	async request(
		process: Process,
		options: IHttpRequestOptions,
		token: string,
		answer: () => Answer,
	): Promise<IN8nHttpFullResponse> {
		const { url, timeout = 60_000, encoding } = options;
		if (process.isDead) await NEVER;
		const bucket = this.noteSent(`${process.number} ${options.method} ${url}`, url);
		const fault = this.faultNow();
		const sentAt = this.time.now();
		const out = this.way();
		await this.time.sleep(Math.min(out, timeout));
		const {
			status = 200,
			headers = {},
			body = {},
		} = token === this.token ? (fault?.answer ?? answer()) : refusedWith(token);
		const date = new Date(this.hubbleMs()).toUTCString();
		const left = timeout - (this.time.now() - sentAt);
		const back = fault?.hangs ? Infinity : this.way();
		await this.time.sleep(Math.min(back, left));
		if (process.isDead) await NEVER;
		if (back >= left) {
			// Where Hubble was slow, that is what went wrong; where it was not, the poll has begun a request too late.
			if (!fault && out + back > 2 * USUAL_WAY_MS) this.faults += 1;
			throw Object.assign(new Error('timeout'), { code: 'ECONNABORTED' });
		}
		if (fault?.lost) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
		if (!fault?.cut) bucket.heldUntil = this.time.now() + 1000 * Number(headers['retry-after'] ?? 0);
		const text = JSON.stringify(body);
		const whole = fault?.cut ? text.slice(0, text.length >> 1) : text;
		const reply = encoding === 'arraybuffer' ? Buffer.from(whole) : fault?.cut ? whole : (JSON.parse(text) as unknown);
		const contentType = { 'content-type': 'application/json' };
		return { statusCode: status, headers: { ...contentType, date, ...headers }, body: reply } as IN8nHttpFullResponse;
	}

	private faultNow(): Fault | undefined {
		if (!this.isStorm || !this.chance(0.15)) return undefined;
		this.faults += 1;
		const kind = this.pick(FAULTS);
		return typeof kind === 'function' ? kind(this) : kind;
	}

	/** Hubble takes three requests a second to one endpoint, and none while it asks for a pause. */
	private noteSent(key: string, url: string) {
		const now = this.time.now();
		const bucket = this.sent.get(key) ?? { times: [], heldUntil: 0 };
		const { times, heldUntil } = bucket;
		this.sent.set(key, bucket);
		this.promise(now >= heldUntil, 'P13: nothing before Retry-After is over', () => `${heldUntil - now} ms early`);
		times.push(now);
		if (times.length > 4) times.shift();
		const fourth = times.at(-4) ?? -Infinity;
		this.promise(
			now - fourth >= 999,
			'P13: no faster than the limit',
			() => `four requests to ${url} in ${now - fourth} ms`,
		);
		return bucket;
	}
}

interface Fault {
	answer?: Answer;
	lost?: boolean;
	hangs?: boolean;
	cut?: boolean;
}

/** Says the token, as a server might. */
const refusedWith = (token: string): Answer => ({
	status: 401,
	body: { name: 'Unauthorized', description: `The token ${token} is not valid` },
});

const FAULTS: ReadonlyArray<Fault | ((world: World) => Fault)> = [
	{ answer: { status: 503, body: {} } },
	({ token }) => ({ answer: { status: 500, body: { name: 'InternalError', description: `It failed for ${token}` } } }),
	(world) => ({ answer: { status: 429, headers: { 'retry-after': String(world.between(0, 40)) } } }),
	{ lost: true },
	{ hangs: true },
	{ cut: true },
];
