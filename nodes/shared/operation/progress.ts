/** What the user learns of long work: while it runs by hand in the browser's console, and in a hint when it is over. */
import type { HubbleClient } from '../client/client';
import type { Page } from '../client/pages';
import { count, counted } from './values';

/** Waiting that is worth a word. */
const NOTICEABLE_MS = 5_000;

/** Between two messages. */
const MESSAGE_EVERY_MS = 10_000;

/** How far one run of a node has come. */
export class Progress {
	private pages = 0;
	private rows = 0;
	/** What the rows are, e.g. "packets". */
	private noun = '';
	private readonly startedAt = performance.now();
	private toldAt = this.startedAt;

	constructor(private readonly hubble: HubbleClient) {}

	/** Notes a page of a list. n8n shows messages only where somebody runs the workflow by hand. */
	note({ rows }: Page, noun: string): void {
		this.pages += 1;
		this.rows += rows.length;
		this.noun = noun.replace('_', ' ');
		if (performance.now() - this.toldAt < MESSAGE_EVERY_MS) return;
		this.toldAt = performance.now();
		const { context } = this.hubble;
		if ('sendMessageToUI' in context) context.sendMessageToUI(`${this.read()}, and there is more`);
	}

	/** What took so long; `undefined` where Hubble's rate limit did not. */
	hint(): string | undefined {
		const { requests, waitedMs } = this.hubble.run.traffic;
		if (waitedMs < NOTICEABLE_MS) return undefined;
		const did = this.pages > 1 ? this.read() : `Sent ${counted(requests, 'request')}`;
		const took = count((performance.now() - this.startedAt) / 1000);
		return `${did} in ${took} s, ${count(waitedMs / 1000)} s of it waiting for Hubble's rate limit.`;
	}

	private read(): string {
		return `Read ${count(this.rows)} ${this.noun} from ${counted(this.pages, 'page')}`;
	}
}
