/** Hubble Webhook, Check Webhooks: what becomes of a webhook at an old public URL of this n8n. */
import type { IDataObject } from 'n8n-workflow';
import { checkWebhooks } from '../../nodes/HubbleWebhook/check';
import { instanceOf, taggedName } from '../../nodes/shared/webhook/ownership';
import { webhookDigest } from '../../nodes/shared/webhook/probe';
import { STATES } from '../../nodes/shared/webhook/states';

type CheckWork = Parameters<typeof checkWebhooks>[0];

/** The item of the webhook where n8n has this address and its trigger listens there, and what Hubble was sent. */
async function check(address: string, baseUrl: string, moveToNewUrl: boolean) {
	const getInstanceId = () => 'n8n';
	const context = {
		getInstanceId,
		evaluateExpression: () => `${address}/webhook-waiting/7`,
		helpers: { httpRequest: async () => ({ statusCode: 401, headers: {}, body: { endpoint: webhookDigest('id') } }) },
	};
	const name = taggedName('Receive', { instance: instanceOf({ getInstanceId }), node: '0123456789ab' });
	const webhook = { webhook_id: 'id', url: 'https://old.example.com/webhook/h/webhook', name };
	const sent: IDataObject[] = [];
	const hubble = {
		baseUrl,
		async send({ body }: { body?: IDataObject }) {
			if (!body) return { body: { webhooks: [null, webhook] } };
			sent.push(body);
			return { body: { ...webhook, url: body.set_url } };
		},
	};
	const request = { itemIndex: 0, settings: { moveToNewUrl } };
	const hints = new Set<string>();
	const [item] = await checkWebhooks({ context, hubble, request, hints } as unknown as CheckWork);
	return { item: item?.json ?? {}, sent, hints: [...hints] };
}

it.each([
	['https://n8n.example.com', 'https://hubble.example.com'],
	['http://localhost:5678', 'http://127.0.0.1:3000'],
])('moves it to %s, which the Hubble at %s can reach', async (address, baseUrl) => {
	const url = `${address}/webhook/h/webhook`;
	const { item, sent, hints } = await check(address, baseUrl, true);
	expect(sent).toEqual([{ set_url: url }]);
	expect(item).toMatchObject({ state: 'listening', moved: true, url });
	expect(hints).toEqual([expect.stringMatching(/^1 of the webhooks was left out/)]);
	expect((await check(address, baseUrl, false)).item).toMatchObject({ state: 'oldUrl', advice: STATES.oldUrl });
});

it.each(['http://n8n.example.com', 'https://10.0.0.5', 'http://localhost:5678'])(
	'never moves it to %s, which Hubble cannot reach, and says what to set',
	async (address) => {
		for (const moveToNewUrl of [true, false]) {
			const { item, sent } = await check(address, 'https://hubble.example.com', moveToNewUrl);
			expect(sent).toEqual([]);
			expect(item).toMatchObject({
				state: 'oldUrl',
				moved: false,
				url: 'https://old.example.com/webhook/h/webhook',
				advice: `n8n says that its address is ${address}, which Hubble cannot reach. Set N8N_WEBHOOK_URL of n8n 2, or WEBHOOK_URL of n8n 1, to its public https address in every process of n8n, and run Check Webhooks again.`,
			});
		}
	},
);

it('leaves it where it is when n8n does not say its own address', async () => {
	const { item, sent } = await check('', 'https://hubble.example.com', true);
	expect(sent).toEqual([]);
	expect(item).toMatchObject({ state: 'unknown', advice: STATES.unknown, moved: false });
});
