/** The Device Trigger on a fleet: nothing that happens goes unnoticed, nothing is reported that did not happen. */
import type { IDataObject, IHttpRequestOptions } from 'n8n-workflow';
import { PollingWorld } from './polling';
import type { ShippedCode } from './shipped';
import type { Answer } from './world';

interface Tracker {
	id: string;
	/** In Unix seconds, as all times here. */
	created: number;
	/** From when on Hubble lists it. */
	listedFrom: number;
	heard: Heard[];
}

interface Heard {
	at: number;
	/** From when on Hubble shows it. */
	shownFrom: number;
	/** Whether it was in the area that is watched. */
	isInside: boolean;
}

const [INSIDE, OUTSIDE] = [
	{ latitude: 51, longitude: 4 },
	{ latitude: 52, longitude: 8 },
] as const;

/** The last packet of those that Hubble shows by then. */
const lastOf = (heard: readonly Heard[], by: number): Heard | undefined =>
	heard
		.filter(({ shownFrom }) => shownFrom <= by)
		.reduce<Heard | undefined>((last, one) => (last && last.at > one.at ? last : one), undefined);

const secondsOf = (text: IDataObject[string]) => Date.parse(String(text)) / 1000;

const SILENCE_S = 1800;
/** How long the first polls may learn where the devices are. */
const LEARNING_S = 1800;
/** Hubble's lists may be behind by so much: of registrations, and of last packets (docs/nodes.md, "How soon"). */
const LATE_S = { registered: 25, heard: 600 };

export class DeviceHistory extends PollingWorld {
	protected readonly node = { module: 'HubbleDeviceTrigger/poll', poll: 'pollDevices' };
	protected override readonly pollEveryMs = 300_000;
	protected override readonly quietPolls = 14;
	private readonly fleet: Tracker[] = [];
	private readonly pageSize = this.between(2, 8);

	constructor(seed: number, code: ShippedCode) {
		super(seed, code, 10);
		for (let n = this.between(1, 12); n > 0; n--) this.register(-this.between(100, 100_000));
		Object.assign(this.parameters, {
			events: ['registered', 'silent', 'heardAgain', 'firstHeard', 'entered', 'left'],
			areas: { circle: [{ name: 'Depot', ...INSIDE, radius: 500 }] },
			silentForHours: SILENCE_S / 3600,
			simplify: true,
		});
	}

	/** @param inS seconds from now */
	private register(inS = 0): void {
		const created = Math.floor(this.hubbleS() + inS);
		const device = {
			id: `device-${this.fleet.length}`,
			created,
			listedFrom: created + this.between(0, LATE_S.registered),
		};
		const heard = { at: created + this.between(1, 60), shownFrom: 0, isInside: this.chance(0.5) };
		this.fleet.push({ ...device, heard: inS < 0 && this.chance(0.8) ? [heard] : [] });
	}

	protected async happening(): Promise<void> {
		for (let n = this.between(5, 40); n > 0; n--) {
			await this.time.sleep(this.between(0, (2 * this.stormMs) / 40));
			if (this.chance(0.3)) this.register();
			const at = this.hubbleS();
			const late = this.chance(0.8) ? this.between(0, 30) : this.between(0, LATE_S.heard);
			this.pick(this.fleet).heard.push({ at, shownFrom: at + late, isInside: this.chance(0.5) });
		}
	}

	protected answer({ url, qs = {}, headers = {} }: IHttpRequestOptions): Answer {
		if (url.endsWith('/check')) return { body: { org_id: 'of the key' } };
		const now = this.hubbleS();
		const within = (name: string) => {
			const [, from = 0, to = Infinity] = /^between:(\d+):(\d+)$/.exec(String(qs[name] ?? ''))?.map(Number) ?? [];
			return (time: number) => time >= from && time < to;
		};
		const isCreatedIn = within('filter_created_ts');
		const isHeardIn = within('filter_most_recent_packet_ts');
		const after = String(headers['Continuation-Token'] ?? '');
		const rows = this.fleet
			.filter(({ listedFrom, created }) => listedFrom <= now && isCreatedIn(created))
			.map(({ id, created, heard }) => {
				const last = lastOf(heard, now);
				const { at: stamp = 0, isInside } = last ?? {};
				const time = qs.sort_field === 'created_ts' ? created : stamp;
				return { id, created, stamp, isInside, key: `${time.toFixed(3).padStart(15, '0')} ${id}` };
			})
			.filter(({ stamp, key }) => isHeardIn(stamp) && key > after)
			.sort((a, b) => (a.key < b.key ? -1 : 1));
		const page = rows.slice(0, this.pageSize);
		const devices = page.map(({ id, created, stamp, isInside }) => ({
			id,
			name: id,
			created_ts: created,
			tags: {},
			most_recent_packet: stamp ? { terrestrial: { timestamp: stamp, location: isInside ? INSIDE : OUTSIDE } } : {},
		}));
		const next = rows.length > page.length ? page.at(-1)?.key : undefined;
		return { headers: { 'continuation-token': next ?? '' }, body: { devices } };
	}

	/** Cursors and a hand-over, and of each device a mark, which stands beside the one before while it changes. */
	protected largestAllowed = () => 1000 + 40 * this.fleet.length;

	protected timesIn(position: IDataObject): number[] {
		const next = position.next as Record<string, { from?: number } | undefined>;
		return ['registered', 'silent', 'silentBySatellite', 'areas'].flatMap((step) => next[step]?.from ?? []);
	}

	protected check(): void {
		const begun = this.begunS;
		const now = this.hubbleS();
		const events = this.executions.flatMap(({ items, at }) => items.map((item): IDataObject => ({ ...item, at })));
		const has = (event: string, id: string, time: string, at: number) =>
			events.some(
				(item) => item.event === event && item.deviceId === id && Math.abs(secondsOf(item[time]) - at) < 0.01,
			);
		for (const { id, created, heard } of this.fleet) {
			const isNew = created >= begun;
			this.promise(!isNew || has('registered', id, 'registeredAt', created), 'P7: no registration is lost', () => id);
			const isHeardFirst = isNew && heard.length > 0;
			this.promise(
				!isHeardFirst || has('firstHeard', id, 'registeredAt', created),
				'P7: no device is heard first unnoticed',
				() => id,
			);
			const last = Math.max(0, ...heard.map(({ at }) => at));
			const isSilent = last > 0 && last + SILENCE_S >= begun && last + SILENCE_S < now - 3600;
			this.promise(
				!isSilent || has('silent', id, 'silentSince', last),
				'P7: no silence is lost',
				() => `${id} since ${last}`,
			);
		}
		for (const tracker of this.fleet) this.checkBorder(tracker, events);
		for (const { event, deviceId, silentSince } of events) {
			const since = secondsOf(silentSince);
			const { heard = [] } = this.fleet.find(({ id }) => id === deviceId) ?? {};
			const isHeard = heard.some(({ at, shownFrom }) => at > since + 1 && shownFrom < now - 3600);
			const isTold = events.some(
				(other) =>
					other.event === 'heardAgain' &&
					other.deviceId === deviceId &&
					Math.abs(secondsOf(other.silentSince) - since) < 1.01,
			);
			this.promise(
				event !== 'silent' || !isHeard || isTold,
				'P7: no device is heard again unnoticed',
				() => `${String(deviceId)}, silent since ${since}`,
			);
		}
		this.checkTruth(events);
		this.checkRepeats();
	}

	/** The last event about a border is where the device is; without one it is where it was when the node began. */
	private checkBorder({ id, heard }: Tracker, events: readonly IDataObject[]): void {
		const crossed = events
			.filter(({ event, deviceId }) => deviceId === id && (event === 'entered' || event === 'left'))
			.sort((a, b) => secondsOf(a.heardAt) - secondsOf(b.heardAt));
		const isLearnt = heard.every(({ shownFrom }) => Math.abs(shownFrom - this.begunS) > LEARNING_S);
		const before = lastOf(heard, this.begunS)?.isInside;
		const told = crossed.length ? crossed.at(-1)?.event === 'entered' : isLearnt ? before : undefined;
		const is = lastOf(heard, Infinity)?.isInside;
		this.promise(told === undefined || told === is, 'P7: no crossing is lost', () => id);
	}

	/** What is reported has happened. */
	private checkTruth(events: readonly IDataObject[]): void {
		for (const { event, deviceId, silentSince, heardAt, registeredAt, at: toldAt } of events) {
			const { heard = [], created } = this.fleet.find(({ id }) => id === deviceId) ?? {};
			const isTime = (text: IDataObject[string], side?: boolean) =>
				heard.some(
					({ at, isInside }) => (side === undefined || isInside === side) && Math.abs(at - secondsOf(text)) < 1.01,
				);
			const side = event === 'entered' ? true : event === 'left' ? false : undefined;
			const isSilence = event === 'silent' || event === 'heardAgain';
			const isOver = event !== 'silent' || Number(toldAt) >= secondsOf(silentSince) + SILENCE_S;
			const isTrue =
				event === 'registered'
					? secondsOf(registeredAt) === created
					: (!isSilence || isTime(silentSince)) && isOver && isTime(heardAt, side);
			this.promise(
				isTrue,
				'P8: what is reported has happened',
				() => `${String(event)} ${String(deviceId)} ${String(silentSince)}`,
			);
		}
	}

	private checkRepeats(): void {
		const told = new Map<string, number>();
		for (const [n, { items, process }] of this.executions.entries()) {
			for (const eventKey of items.map((item) => String(item.eventKey))) {
				const before = told.get(eventKey);
				const isOther = (other: { process: unknown }) => other.process !== process;
				// Another process that stores a position goes on from where it was: that is a restart, too.
				const restarts = this.stores.filter(({ executions }) => executions > Number(before) && executions <= n);
				const isAllowed =
					before === undefined || this.executions.slice(before, n).some(isOther) || restarts.some(isOther);
				this.promise(isAllowed, 'P8: no event comes twice from one process', () => `${eventKey} (${this.mode})`);
				told.set(eventKey, n);
			}
		}
	}
}
