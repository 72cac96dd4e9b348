/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- sockets, timers and bytes */
import axios, { isAxiosError } from 'axios';
import Base64 from 'crypto-js/enc-base64';
import hmacSHA256 from 'crypto-js/hmac-sha256';
import { Agent } from 'node:http';
import type { Webhook, World } from './world';

/** What Hubble sends: packet batches to registered webhooks, and gift-card events to a partner. */
export interface DeliveryOptions {
	/** Factor on all waits between tries: 0.001 turns the first second into a millisecond. */
	timeScale: number;
	/** How long a receiver may take, in ms; not scaled. */
	timeoutMs: number;
	/** Batches under way at one time. */
	parallel: number;
	/**
	 * The receiver is an n8n behind a proxy that waits for readiness: it answers 503 until n8n is ready. Without one,
	 * n8n acknowledges what comes in the first milliseconds of its start, and starts no workflow.
	 */
	proxied: boolean;
}

/** One try to deliver one batch. */
export interface Delivery {
	webhookId: string;
	url: string;
	/** Counted from 1 for each batch. */
	attempt: number;
	/** Indices of the packets in the stream, `to` not included. */
	from: number;
	to: number;
	/** What the receiver answered; 0: no answer. */
	status: number;
	delivered: boolean;
	error?: string;
	/** Unix ms. */
	startedAt: number;
	endedAt: number;
}

interface Batch {
	webhook: Webhook;
	from: number;
	to: number;
	attempt: number;
	/** Waits so far, unscaled ms. */
	waited: number;
}

const firstWait = 1000;
const longestWait = 10 * 60_000;
// After three hours the packets are only in the history.
const giveUpAfter = 3 * 3_600_000;

const success = (status: number) => status >= 200 && status < 300;

export function createDelivery(world: World, options: DeliveryOptions) {
	const agent = new Agent({ keepAlive: true });
	const stop = new AbortController();
	const log: Delivery[] = [];
	const waiting: Batch[] = [];
	const timers = new Set<NodeJS.Timeout>();
	let underway = 0;
	let idle: Array<() => void> = [];

	/** Whether the proxy hands a call on. */
	async function handsOn(url: string): Promise<boolean> {
		if (!options.proxied) return true;
		const readiness = new URL('/healthz/readiness', url).href;
		const { status } = await axios.get(readiness, {
			timeout: options.timeoutMs,
			proxy: false,
			validateStatus: () => true,
		});
		return status === 200;
	}

	/** Posts bytes; never throws. Status 0 stands for no answer. */
	async function post(url: string, body: string, headers: Record<string, string>) {
		try {
			if (!(await handsOn(url))) return { status: 503, body: '' };
			const reply = await axios.post<string>(url, Buffer.from(body), {
				headers: { 'Content-Type': 'application/json', 'User-Agent': 'Hubble', ...headers },
				timeout: options.timeoutMs,
				httpAgent: agent,
				maxRedirects: 0,
				proxy: false,
				responseType: 'text',
				signal: stop.signal,
				validateStatus: () => true,
			});
			return { status: reply.status, body: reply.data };
		} catch (error) {
			return {
				status: 0,
				body: '',
				error: isAxiosError(error) ? (error.code ?? error.message) : String(error),
			};
		}
	}

	async function deliver(batch: Batch): Promise<void> {
		const { webhook, from, to } = batch;
		const packets = Array.from({ length: to - from }, (_, k) => world.main.packets.json(from + k));
		const startedAt = Date.now();
		const reply = await post(webhook.url, `{"packets":[${packets.join(',')}]}`, {
			'HTTP-X-HUBBLE-TOKEN': webhook.secret,
		});
		if (stop.signal.aborted) return;
		const delivered = success(reply.status);
		world.tally('webhook', delivered);
		log.push({
			webhookId: webhook.webhook_id,
			url: webhook.url,
			attempt: batch.attempt,
			from,
			to,
			status: reply.status,
			delivered,
			...(reply.error && { error: reply.error }),
			startedAt,
			endedAt: Date.now(),
		});
		if (!delivered) retry(batch);
	}

	function retry(batch: Batch): void {
		const wait = Math.min(longestWait, firstWait * 2 ** (batch.attempt - 1));
		if (batch.waited + wait > giveUpAfter) return;
		const timer = setTimeout(() => {
			timers.delete(timer);
			waiting.push({ ...batch, attempt: batch.attempt + 1, waited: batch.waited + wait });
			work();
		}, wait * options.timeScale);
		timers.add(timer);
	}

	/** Sends waiting batches, as many at a time as allowed; whose webhook was deleted are dropped. */
	function work(): void {
		while (underway < options.parallel) {
			const batch = waiting.shift();
			if (!batch) break;
			if (!world.main.webhooks.has(batch.webhook.webhook_id)) continue;
			underway++;
			void deliver(batch).finally(() => {
				underway--;
				work();
			});
		}
		if (underway + waiting.length + timers.size > 0) return;
		for (const resolve of idle) resolve();
		idle = [];
	}

	return {
		/** Every try so far, in the order in which they ended. */
		log,
		/** Sends that range of the stream to every webhook of the main organization (again, if it was sent before). */
		send({ from, to }: { from: number; to: number }): void {
			for (const webhook of world.main.webhooks.values()) {
				for (let start = from; start < to; start += webhook.max_batch_size) {
					const end = Math.min(to, start + webhook.max_batch_size);
					waiting.push({ webhook, from: start, to: end, attempt: 1, waited: 0 });
				}
			}
			work();
		},
		/** Resolves when nothing is under way, waiting or to be tried again. */
		settled: (): Promise<void> =>
			new Promise((resolve) => {
				idle.push(resolve);
				work();
			}),
		/** Posts one example packet, once. It is the same each time: nothing says that Hubble's is not. */
		async test(webhook: Webhook) {
			const seconds = 1_705_314_600;
			const place = { latitude: 47.61421, longitude: -122.31929, altitude: 12, timestamp: seconds };
			const id = '5a4f1d6e-93b7-4c28-8f0a-1e6b7c9d2f30';
			const device = { id, name: 'Example', payload: 'aGVsbG8=', timestamp: seconds };
			const packet = {
				location: place,
				device: { ...device, sequence_number: 1 },
				network_type: 'TERRESTRIAL',
			};
			const { status, error } = await post(webhook.url, JSON.stringify({ packets: [packet] }), {
				'HTTP-X-HUBBLE-TOKEN': webhook.secret,
			});
			return {
				success: success(status),
				...(status > 0 && { status_code: status }),
				...(!success(status) && { error: error ?? `The endpoint answered ${status}.` }),
			};
		},
		/**
		 * Posts a gift-card event, signed: Base64 of the HMAC-SHA256 of the body's bytes under the secret, in
		 * X-Verify. An event given as text is sent as it stands.
		 */
		async sendPartnerEvent(url: string, secret: string, event: object | string) {
			const body = typeof event === 'string' ? event : JSON.stringify(event);
			const signature = Base64.stringify(hmacSHA256(body, secret));
			return { signature, ...(await post(url, body, { 'X-Verify': signature })) };
		},
		close(): void {
			stop.abort();
			for (const timer of timers) clearTimeout(timer);
			timers.clear();
			waiting.length = 0;
			agent.destroy();
			work();
		},
	};
}

/** One example of each gift-card event. */
export const partnerEvents = {
	brandUpdated: {
		id: 'brand-1',
		denominationType: 'FIXED',
		status: 'ACTIVE',
		denominations: [100, 1000, 5000],
		amountRestrictions: {
			minOrderAmount: 100,
			maxOrderAmount: 5000,
			minVoucherAmount: 100,
			maxVoucherAmount: 5000,
			maxVouchersPerOrder: 5,
			maxVouchersPerDenomination: 1,
			maxDenominationsPerOrder: 1,
			minAmount: 100,
			maxAmount: 5000,
		},
	},
	walletLowBalance: { balance: 50, threshold: 100 },
	orderTerminalState: { id: 'order-1', status: 'SUCCESS' },
	brandDiscountUpdated: {
		brandId: 'brand-1',
		subventionPercentage: 8,
		validFrom: '2025-12-23',
		validTo: '2026-02-28',
	},
	sdkTransaction: {
		transactionReferenceId: 'transaction-1',
		partnerCoinTransactionId: 'coin-1',
		partnerCoinReversalTransactionId: null,
		amount: 500,
		discountAmount: 40,
		timestamp: '2026-01-15T10:30:00',
		userId: 'user-1',
		vouchers: [
			{ id: 'voucher-1', cardType: 'CARD_AND_PIN_NO_SECURED', cardNumber: '6000123412341234', cardPin: '123456' },
		],
		brandName: 'Brand',
		orderStatus: 'COMPLETED',
	},
};
