/** The Packet Poll Trigger that watches for alarms: none is lost, and repeats only where one is promised. */
import type { IDataObject } from 'n8n-workflow';
import { keyOf, PacketHistory } from './packets';
import type { ShippedCode } from './shipped';

/** An alarm of a device, by the keys of its events. */
interface Alarm {
	/** When it began, in Unix seconds. */
	at: number;
	raised: string;
	cleared?: string;
}

export class AlarmHistory extends PacketHistory {
	/** Packets in a row that raise an alarm. */
	private readonly inARow = this.pick([1, 2]);

	constructor(seed: number, code: ShippedCode) {
		super(seed, code);
		const more = { condition: 'above', than: '8', clearsAt: '7', forAtLeast: this.inARow, forUnit: 'packets' };
		Object.assign(this.parameters, {
			triggerOn: 'alarms',
			decodePayload: 'layout',
			payloadLayout: 'warmth: uint8 @0',
			alarmRules: { rule: [{ name: 'Warm', field: 'warmth', ...more }] },
		});
	}

	/** None from the future: when such a packet counts depends on its page. */
	protected override clockOff(n: number): number {
		return n % 8 === 3 ? -90_000 : -this.between(0, 20);
	}

	/** Of each device a mark, and when the stream was read, twice. */
	protected override largestAllowed(): number {
		return super.largestAllowed() + 462;
	}

	/** Beyond the threshold, back, or in between. */
	protected override payload(): string {
		return Buffer.from([this.pick([5, 8, 9, 10])]).toString('base64');
	}

	/** What a perfect memory would report. */
	private expected(): Alarm[] {
		const alarms: Alarm[] = [];
		const marks = new Map<unknown, { last: number; count: number; alarm?: Alarm }>();
		for (const { row } of this.stream) {
			const { id, payload, timestamp } = row.device as IDataObject;
			const mark = marks.get(id) ?? { last: 0, count: 0 };
			const heard = Math.floor(Number(timestamp));
			if (heard <= mark.last) continue;
			marks.set(id, mark);
			mark.last = heard;
			const [value = 0] = Buffer.from(String(payload), 'base64');
			mark.count = value > 8 ? mark.count + 1 : 0;
			if (mark.alarm && value <= 7) {
				mark.alarm.cleared = `cleared:${keyOf(row)}:Warm`;
				mark.alarm = undefined;
			} else if (!mark.alarm && mark.count >= this.inARow) {
				mark.alarm = { at: heard, raised: `raised:${keyOf(row)}:Warm` };
				alarms.push(mark.alarm);
			}
		}
		return alarms;
	}

	protected override check(): void {
		const told = this.told('eventKey');
		for (const { at, raised, cleared } of this.expected()) {
			const isTold = told.has(raised);
			this.promise(isTold || at < this.begunS, 'P9: no alarm is lost', () => raised);
			this.promise(!cleared || told.delete(cleared) === isTold, 'P9: no end of an alarm is lost', () => raised);
			told.delete(raised);
		}
		this.promise(!told.size, 'P9: no other alarm is reported', () => [...told].join(' '));
		this.checkRepeats('eventKey', 'P9: only those of the last execution come again, after a restart');
	}
}
