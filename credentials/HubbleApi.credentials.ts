import type {
	ICredentialDataDecryptedObject,
	ICredentialType,
	Icon,
	IHttpRequestOptions,
	INodeProperties,
} from 'n8n-workflow';

/** Access to the Hubble Network Cloud API. Its test is `hubbleApiTest`, which the nodes bring along. */
export class HubbleApi implements ICredentialType {
	name = 'hubbleApi';

	displayName = 'Hubble API';

	icon: Icon = { light: 'file:../icons/hubble.svg', dark: 'file:../icons/hubble.dark.svg' };

	documentationUrl = 'https://github.com/n8n-nodes-hubble/n8n-nodes-hubble#credential';

	properties: INodeProperties[] = [
		{
			displayName: 'API Token',
			name: 'apiToken',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			description:
				'From the Hubble dashboard: Developer → API Tokens. Give it only the scopes that your workflows need.',
		},
		{
			displayName: 'Organization ID',
			name: 'organizationId',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. 123e4567-e89b-12d3-a456-426614174000',
			description: 'The organization that the token belongs to',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://api.hubble.com',
			required: true,
			description: 'Where the Hubble API is found',
		},
		{
			displayName: 'API Paths',
			name: 'apiPaths',
			type: 'options',
			options: [
				{ name: '/api and /api/v2', value: 'api' },
				{ name: '/v1 and /v2', value: 'versioned' },
			],
			default: 'api',
			description: 'How the paths of the API begin. Hubble serves both.',
		},
		{
			displayName: 'Requests per Second',
			name: 'requestsPerSecond',
			type: 'number',
			typeOptions: { minValue: 1 },
			default: 3,
			description:
				'How many requests may go to one endpoint in a second. Hubble allows 3 unless it agreed to more; the limit of the organization is five times this.',
		},
		{
			displayName: 'Webhook Secret',
			name: 'webhookSecret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description:
				'Only for a Hubble Trigger with manual registration: the secret that Hubble told when its URL was registered',
		},
		{
			displayName: 'Next Webhook Secret',
			name: 'nextWebhookSecret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description: 'Accepted beside the Webhook Secret, while one is replaced by the other',
		},
	];

	/** A function, as n8n makes a sandbox to evaluate an expression: some megabytes that every request would leave behind. */
	authenticate = async (
		{ apiToken }: ICredentialDataDecryptedObject,
		options: IHttpRequestOptions,
	): Promise<IHttpRequestOptions> => ({
		...options,
		headers: { ...options.headers, Authorization: `Bearer ${String(apiToken ?? '').trim()}` },
	});
}
