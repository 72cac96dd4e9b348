import axios from 'axios';
import type { IHttpRequestOptions } from 'n8n-workflow';

/** n8n's request helper for a poll: sends with the token and never throws for a status. */
export const httpRequest =
	(token: () => string) =>
	async (
		_credential: string,
		{ url, method, qs, headers, timeout, encoding, disableFollowRedirect }: IHttpRequestOptions,
	) => {
		const {
			data,
			headers: received,
			status,
		} = await axios.request<unknown>({
			url,
			method,
			params: qs,
			paramsSerializer: { indexes: null },
			headers: { ...headers, Authorization: `Bearer ${token()}` },
			timeout,
			...(disableFollowRedirect ? { maxRedirects: 0 } : {}),
			responseType: encoding,
			validateStatus: () => true,
			proxy: false,
		});
		return { body: data, headers: received, statusCode: status };
	};

const { now } = Date;

/** Sets n8n's clock: so many milliseconds ahead of what Hubble's says. The clock that never jumps stays as it is. */
export function setClock(aheadMs: number, hubbleNow: () => number = now): void {
	jest.spyOn(Date, 'now').mockImplementation(() => hubbleNow() + aheadMs);
}
