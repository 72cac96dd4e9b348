/** The Packet Poll Trigger on a packet stream: no packet lost, and repeats only where one is promised. */
import type { IDataObject, IHttpRequestOptions } from 'n8n-workflow';
import { PollingWorld, type Execution } from './polling';
import type { ShippedCode } from './shipped';
import type { Answer } from './world';

interface Sent {
	/** When Hubble received it, in Unix milliseconds. */
	received: number;
	row: IDataObject;
}

export const keyOf = ({ device }: IDataObject) => {
	const { id, sequence_number, timestamp } = device as IDataObject;
	return `${String(id)}:${String(sequence_number)}:${String(timestamp)}`;
};

export class PacketHistory extends PollingWorld {
	protected readonly node = { module: 'HubblePacketPollTrigger/poll', poll: 'pollPackets' };
	protected readonly stream: Sent[] = [];
	private readonly pageSize = this.between(3, 12);
	/** How far the clocks of most devices are off, in seconds. */
	private readonly mostOff = this.pick([0, 0, 0, 3600, 86_400, -7200]);
	/** What Hubble gives at the head of the stream. */
	private readonly head = this.pick(['same', 'empty', 'absent'] as const);
	private readonly pause = this.pick([undefined, 0, 30, 120]);
	/** Since when tokens are refused that were given before. */
	private tokensFrom = 0;
	/** Tokens that lead to themselves. */
	private readonly circles = new Set<string>();
	/** Whether Hubble has done what lets packets come again. */
	private mayRepeat = false;

	constructor(seed: number, code: ShippedCode) {
		super(seed, code);
		const ages = Array.from({ length: this.between(0, 20) }, () => this.between(1000, 3_600_000));
		for (const age of ages.sort((a, b) => b - a)) this.receive(-age);
		Object.assign(this.parameters, {
			startFrom: 'everything',
			options: { maxPackets: this.pick([1000, 1000 + this.pageSize, 10_000]) },
			simplify: true,
			decodePayload: 'none',
			filters: {},
		});
	}

	/** @param inMs from now */
	private receive(inMs = 0): void {
		const received = this.hubbleMs() + inMs;
		const n = this.stream.length;
		const timestamp = received / 1000 + this.clockOff(n);
		const device = { id: `device-${n % 5}`, payload: this.payload(), timestamp, sequence_number: n };
		this.stream.push({ received, row: { device, location: {}, network_type: 'TERRESTRIAL' } });
	}

	/** Heard some seconds before; a few by clocks that are wrong in another way, or by satellite. In seconds. */
	protected clockOff(n: number): number {
		return n % 8 === 3 ? this.pick([3600, -90_000, 86_400]) : this.mostOff - this.between(0, 20);
	}

	protected payload(): string {
		return 'AA==';
	}

	protected async happening(): Promise<void> {
		for (let n = this.between(5, 40); n > 0; n--) {
			await this.time.sleep(this.between(0, (2 * this.stormMs) / 40));
			for (let many = this.chance(0.1) ? this.between(2, 60) : 1; many > 0; many--) this.receive();
			if (!this.chance(0.03)) continue;
			this.tokensFrom = this.time.now();
			this.mayRepeat = true;
		}
	}

	protected answer({ url, qs = {}, headers = {} }: IHttpRequestOptions): Answer {
		if (url.endsWith('/check')) return { body: { org_id: 'of the key' } };
		const token = headers['Continuation-Token'];
		const [place = '', given = ''] = String(token ?? '').split('@');
		if (token && Number(given) < this.tokensFrom) {
			return { status: this.pick([400, 404, 410]), body: { name: 'BadRequest', description: 'Unknown token' } };
		}
		const first = this.stream.findIndex(({ received }) => received >= Number(qs.start) * 1000);
		const from = token ? Number(place) : first < 0 ? this.stream.length : first;
		const rows = this.stream.slice(from, from + this.pageSize).map(({ row }) => row);
		// Of a token that leads in a circle nothing but the packets' clocks leads on.
		if (rows.length && token && this.isStorm && this.mostOff <= 0 && this.chance(0.02)) {
			this.circles.add(String(token));
			this.mayRepeat = true;
		}
		const next = this.circles.has(String(token)) ? String(token) : `${from + rows.length}@${this.time.now()}`;
		if (rows.length) return { headers: { 'continuation-token': next }, body: { packets: rows } };
		return {
			headers: {
				...(this.head === 'absent' ? {} : { 'continuation-token': this.head === 'same' ? next : '' }),
				...(this.pause === undefined ? {} : { 'retry-after': String(this.pause) }),
			},
			body: { packets: [] },
		};
	}

	/** Two tokens and a hand-over; and where a token led in a circle, the packets' keys, twice. */
	protected largestAllowed(): number {
		return 336 + (this.circles.size ? 60 * this.stream.length : 0);
	}

	protected timesIn({ next, unsure }: IDataObject): number[] {
		return [next, (unsure as IDataObject | undefined)?.from].flatMap((at) => {
			const { start, emptyAt } = (at ?? {}) as IDataObject;
			return [start, emptyAt].filter((time) => typeof time === 'number');
		});
	}

	protected check(): void {
		const all = this.told('packetKey');
		const lost = this.stream.map(({ row }) => keyOf(row)).filter((key) => !all.has(key));
		this.promise(
			!lost.length,
			'P5: no packet is lost',
			() => `${lost.length} of ${this.stream.length}: ${lost.join(' ')}`,
		);
		if (!this.mayRepeat) this.checkRepeats('packetKey', 'P6: only the last execution comes again, after a restart');
	}

	/** The keys of all that came. */
	protected told = (name: string) =>
		new Set(this.executions.flatMap(({ items }) => items.map((item) => String(item[name]))));

	protected checkRepeats(name: string, promise: string): void {
		const before = new Set<string>();
		/** What was in the last execution before a restart: it comes again, perhaps in several executions. */
		const due = new Set<string>();
		let last: Execution | undefined;
		for (const execution of this.executions) {
			const keysIn = ({ items }: Execution) => items.map((item) => String(item[name]));
			if (last && last.process !== execution.process && !last.isAtomic) for (const key of keysIn(last)) due.add(key);
			for (const key of keysIn(execution)) {
				this.promise(!before.has(key) || due.delete(key), promise, () => `${key} (${this.mode})`);
				before.add(key);
			}
			last = execution;
		}
	}
}
