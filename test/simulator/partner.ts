/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- a server */
/** Hubble's second service on localhost, `partnerService.ts` behind HTTP, which also tells a trigger of its events. */
import axios from 'axios';
import Base64 from 'crypto-js/enc-base64';
import hmacSHA256 from 'crypto-js/hmac-sha256';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { PARTNER_ROUTES, partnerService, type PartnerCall, type PartnerOptions } from './partnerService';
import { secrets } from './secrets';

export type { PartnerFault } from './partnerService';

export type PartnerSimulator = Awaited<ReturnType<typeof startPartnerSimulator>>;

/** Starts the service; its events go to `state.eventsUrl`, once that is set. */
export async function startPartnerSimulator({ port = 0, ...given }: Partial<PartnerOptions & { port: number }> = {}) {
	const webhookSecret = 'demo-partner';
	secrets.add(webhookSecret);
	const timers = new Set<NodeJS.Timeout>();
	const telling = new Set<Promise<unknown>>();
	const log: Array<{ route: string; path: string }> = [];

	async function post(event: object): Promise<void> {
		if (!state.eventsUrl) return;
		const body = JSON.stringify(event);
		const headers = {
			'Content-Type': 'application/json',
			'X-Verify': Base64.stringify(hmacSHA256(body, webhookSecret)),
		};
		await axios.post(state.eventsUrl, Buffer.from(body), { headers, proxy: false, validateStatus: () => true });
	}
	const service = partnerService(
		{
			later: (ms, work) => {
				const timer = setTimeout(() => {
					timers.delete(timer);
					work();
				}, ms);
				timers.add(timer);
			},
			...given,
		},
		(event) => {
			const told = post(event)
				.catch(() => undefined)
				.finally(() => telling.delete(told));
			telling.add(told);
		},
	);
	const state = Object.assign(service.state, { eventsUrl: '' });
	/** Does something that an event tells of, and waits until it was told. */
	const told = async (work: () => void): Promise<void> => {
		work();
		await Promise.all(telling);
	};

	const app = fastify({ logger: false, forceCloseConnections: true });
	app.addHook('onRequest', async ({ method, url, routeOptions }) => {
		log.push({ route: `${method} ${routeOptions.url ?? 'nowhere'}`, path: url.split('?')[0] ?? '' });
	});
	const handle = (call: PartnerCall) => async (request: FastifyRequest, reply: FastifyReply) => {
		const { headers, params, query, body, raw } = request;
		const answer = service.answer(call, {
			requestId: String(headers['x-request-id'] ?? ''),
			token: String(headers.authorization ?? '').replace(/^Bearer /, ''),
			id: String((params as { id?: string }).id ?? ''),
			query: query as Record<string, unknown>,
			body,
		});
		if (answer === 'hangs') return await new Promise((done) => raw.socket.once('close', () => done(reply.hijack())));
		if (answer === 'dropped') {
			raw.socket.destroy();
			return reply;
		}
		return reply.code(answer.status).send(answer.body);
	};
	for (const [call, [method, path]] of Object.entries(PARTNER_ROUTES))
		app.route({ method, url: `/v1/partners${path}`, handler: handle(call as PartnerCall) });
	await app.listen({ port, host: '127.0.0.1' });

	return {
		...service,
		url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
		webhookSecret,
		/** Every request, also those that lead nowhere. */
		log,
		/** Also where events go. */
		state,
		setBalance: async (balance: number) => await told(() => service.setBalance(balance)),
		tellAgain: async (order: Parameters<typeof service.tellAgain>[0]) => await told(() => service.tellAgain(order)),
		setBrand: async (...change: Parameters<typeof service.setBrand>) => await told(() => service.setBrand(...change)),
		async close(): Promise<void> {
			for (const timer of timers) clearTimeout(timer);
			await app.close();
			await sleep(0);
		},
	};
}
