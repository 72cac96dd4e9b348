/** Devices by their IDs, in few calls: pages of the device list and single Gets, side by side. */
import type { IDataObject } from 'n8n-workflow';
import type { HubbleClient } from '../shared/client/client';
import { endpoints } from '../shared/client/endpoints';
import { acceptedRows, pages } from '../shared/client/pages';

/** Up to this many IDs are requested one by one: a page of the list would not be faster. */
const FEW = 3;

/** While the list seems to end within so many pages, single Gets beside it would find nothing sooner. */
const PAGES_ALONE = 10;

/** Single Gets in flight at once: as many as the limit starts in a second. */
const AT_ONCE = 3;

/**
 * Finds devices. Each ID is asked for once. The list is read in pages of 1,000, recently heard first, and never
 * further than single Gets would take in calls. What no page holds is asked for singly, so that "unknown" is
 * Hubble's own answer for that ID.
 */
export class DeviceLookup {
	readonly found = new Map<string, IDataObject>();
	/** Why an ID was not found. */
	readonly failed = new Map<string, unknown>();
	private readonly wanted: ReadonlySet<string>;
	/** IDs that were neither found nor requested individually. */
	private readonly open: Set<string>;

	/** @param canContinue whether the other IDs are still wanted when one is not found */
	constructor(
		private readonly hubble: HubbleClient,
		ids: Iterable<string>,
		private readonly canContinue: boolean,
	) {
		this.wanted = new Set(ids);
		this.open = new Set(this.wanted);
	}

	/** Whether no other ID is wanted any more. A failure that a page made good is none. */
	private get hasEnded(): boolean {
		return !this.canContinue && this.failed.size > 0;
	}

	/** Never throws: `found` and `failed` tell what came of it. */
	async run(): Promise<void> {
		if (this.wanted.size <= FEW) await this.askSingly();
		else await this.readList();
	}

	private async readList(): Promise<void> {
		const { list } = endpoints.listDevices;
		const recentFirst = { sort_field: 'most_recent_packet_ts', sort_ascending: false };
		const call = { endpoint: endpoints.listDevices, query: recentFirst };
		let asking: Promise<void> | undefined;
		let pagesRead = 0;
		try {
			for await (const { rows } of pages(this.hubble, call, list, list.pageSize.max)) {
				const before = this.open.size;
				for (const row of acceptedRows(rows, list)) this.take(row);
				pagesRead += 1;
				if (!this.open.size || this.hasEnded || pagesRead >= this.wanted.size) break;
				const pagesLeft = this.open.size / (before - this.open.size);
				if (pagesLeft > PAGES_ALONE) asking ??= this.askSingly();
			}
		} catch {
			// Without the list each is asked for singly, which also says what is wrong.
		}
		await asking;
		// What is still open: all of it without the list, or the rest when a page made a failure good.
		await this.askSingly();
	}

	private take(row: IDataObject): void {
		const id = String(row.id).toLowerCase();
		if (!this.wanted.has(id)) return;
		this.found.set(id, row);
		this.failed.delete(id);
		this.open.delete(id);
	}

	private async askSingly(): Promise<void> {
		// All workers take from one list, which a page may shorten meanwhile.
		const ids = this.open.values();
		const worker = async () => {
			for (const id of ids) {
				if (this.hasEnded) return;
				this.open.delete(id);
				try {
					const { body } = await this.hubble.send({ endpoint: endpoints.getDevice, ids: { device_id: id } });
					this.found.set(id, body);
				} catch (error) {
					if (!this.found.has(id)) this.failed.set(id, error);
				}
			}
		};
		await Promise.all(Array.from({ length: AT_ONCE }, worker));
	}
}
