import type {
	ICredentialDataDecryptedObject,
	ICredentialType,
	Icon,
	IHttpRequestOptions,
	INodeProperties,
} from 'n8n-workflow';
import { tokenOf } from '../nodes/shared/client/credential';

/** What hardly anybody needs: shown when the user asks for it. */
const ADVANCED: INodeProperties[] = [
	{
		displayName: 'Base URL',
		name: 'baseUrl',
		type: 'string',
		default: 'https://api.hubble.com',
		description: 'Address of the Hubble API, without a path',
	},
	{
		displayName: 'Allowed HTTP Request Domains',
		name: 'allowedHttpRequestDomains',
		type: 'options',
		options: [
			{ name: 'All', value: 'all', description: 'The HTTP Request node may send the token anywhere' },
			{ name: 'None', value: 'none', description: 'The HTTP Request node may not use this credential' },
			{
				name: 'Specific Domains',
				value: 'domains',
				description: 'The HTTP Request node may send the token to these domains',
			},
		],
		default: 'domains',
		description: 'Where the HTTP Request node may send the token. The Hubble nodes send it to the Base URL only.',
	},
	{
		displayName: 'Allowed Domains',
		name: 'allowedDomains',
		type: 'string',
		default: 'api.hubble.com, *.hubble.com, *.hubblenetwork.com, *.hubblenetwork.io',
		description: 'Domains separated by commas; * stands for any subdomain',
		displayOptions: { show: { allowedHttpRequestDomains: ['domains'] } },
	},
	{
		displayName: 'Webhook Secret',
		name: 'webhookSecret',
		type: 'string',
		typeOptions: { password: true },
		default: '',
		description:
			'Only for a Hubble Packet Trigger with manual registration: the secret that Hubble showed when you registered its URL',
	},
	{
		displayName: 'Next Webhook Secret',
		name: 'nextWebhookSecret',
		type: 'string',
		typeOptions: { password: true },
		default: '',
		description: 'Also accepted, for rotating the secret without downtime',
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
		description: 'What paths of the API begin with. Hubble serves both.',
	},
	{
		displayName: 'Requests per Second',
		name: 'requestsPerSecond',
		type: 'number',
		typeOptions: { minValue: 0.1 },
		default: 3,
		description:
			'Maximum number of requests per second to one endpoint. Hubble allows 3 unless it agreed to more. The limit of the organization is five times this. Where several credentials of one organization are in use, the lowest counts.',
	},
];

/**
 * The same, unseen while "Advanced" is off: n8n takes the value of a field that it hides out of the credential, and the
 * restriction of the HTTP Request node must not end with it.
 */
const unseen = ({ name, displayName, default: initial, typeOptions }: INodeProperties): INodeProperties => ({
	displayName,
	name,
	type: 'hidden',
	default: initial,
	...(typeOptions?.password ? { typeOptions: { password: true } } : {}),
	displayOptions: { hide: { advanced: [true] } },
});

/** Access to the Hubble Network Cloud API. Its test is `hubbleApiTest`, which the nodes bring along. */
export class HubbleApi implements ICredentialType {
	name = 'hubbleApi';

	displayName = 'Hubble API';

	icon: Icon = { light: 'file:../icons/hubble.svg', dark: 'file:../icons/hubble.dark.svg' };

	documentationUrl = 'https://github.com/n8n-nodes-hubble/n8n-nodes-hubble#credential';

	properties: INodeProperties[] = [
		{
			displayName:
				'The API Token and the Organization ID are in the Hubble dashboard under <a href="https://dash.hubble.com/developer/api-tokens" target="_blank">Developer Tools → API Tokens</a>. Give the token the <a href="https://github.com/n8n-nodes-hubble/n8n-nodes-hubble#scopes" target="_blank">scopes</a> that your workflows need.',
			name: 'whereNotice',
			type: 'notice',
			default: '',
		},
		{
			displayName: 'API Token',
			name: 'apiToken',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			description: 'Hubble shows the token once, when it is created',
		},
		{
			displayName: 'Organization ID',
			name: 'organizationId',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. 123e4567-e89b-12d3-a456-426614174000',
		},
		{
			displayName: 'Advanced',
			name: 'advanced',
			type: 'boolean',
			default: false,
			description: 'Whether to show settings that most organizations never need',
		},
		...ADVANCED.map((property) => ({
			...property,
			displayOptions: { show: { advanced: [true], ...property.displayOptions?.show } },
		})),
		...ADVANCED.map(unseen),
	];

	/** A function, as n8n makes a sandbox to evaluate an expression: some megabytes that every request would leave behind. */
	authenticate = async ({ apiToken }: ICredentialDataDecryptedObject, options: IHttpRequestOptions) => ({
		...options,
		headers: {
			...options.headers,
			Authorization: `Bearer ${tokenOf(String(apiToken ?? ''))}`,
		},
	});
}
