/* eslint-disable @n8n/community-nodes/no-restricted-globals -- a command line */
/**
 * A process that knows of no other: it reads packets through the package's client, page by page and from the start
 * again, until its time is over.
 *   tsx reader.ts <base url> <organization> <token> <seconds>
 */
import axios from 'axios';
import type { IHttpRequestOptions } from 'n8n-workflow';
import { connect, type Context } from '../../nodes/shared/client/client';
import { endpoints } from '../../nodes/shared/client/endpoints';
import { pages } from '../../nodes/shared/client/pages';

const [baseUrl, organizationId, apiToken, seconds] = process.argv.slice(2);

const context = {
	getNode: () => ({ name: 'Reader' }),
	getCredentials: async () => ({ baseUrl, organizationId, apiToken }),
	helpers: {
		httpRequestWithAuthentication: async (_: string, { method, url, qs, headers }: IHttpRequestOptions) => {
			const { status, ...reply } = await axios.request<Buffer>({
				method,
				url,
				params: qs as object,
				headers: { ...headers, Authorization: `Bearer ${apiToken}` },
				responseType: 'arraybuffer',
				validateStatus: () => true,
			});
			return { statusCode: status, headers: reply.headers, body: reply.data };
		},
	},
} as unknown as Context;

async function main() {
	const hubble = await connect(context);
	const { list, ...endpoint } = endpoints.listPackets;
	const end = Math.ceil(Date.now() / 1000);
	const until = performance.now() + Number(seconds) * 1000;
	while (performance.now() < until) {
		for await (const { rows } of pages(hubble, { endpoint, query: { start: end - 29 * 86_400, end } }, list)) {
			if (!rows.length) throw new Error('There is nothing to read');
			if (performance.now() >= until) break;
		}
	}
}

void main();
