import type { ICredentialType, Icon, INodeProperties } from 'n8n-workflow';

/** What a gift-card partner agreed with Hubble. Its test is `hubblePartnerApiTest`, which its nodes bring along. */
export class HubblePartnerApi implements ICredentialType {
	name = 'hubblePartnerApi';

	displayName = 'Hubble Partner API';

	icon: Icon = { light: 'file:../icons/hubble.svg', dark: 'file:../icons/hubble.dark.svg' };

	documentationUrl = 'https://github.com/n8n-nodes-hubble/n8n-nodes-hubble#credential';

	properties: INodeProperties[] = [
		{
			displayName: 'Environment',
			name: 'environment',
			type: 'options',
			options: [
				{ name: 'Production', value: 'production' },
				{ name: 'Staging', value: 'staging' },
				{ name: 'URL', value: 'url', description: 'Another address, such as that of a proxy or a simulator' },
			],
			default: 'production',
			description: 'Where the Hubble Gift Card node logs in',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: '',
			placeholder: 'e.g. https://gift-cards.example.com',
			displayOptions: { show: { environment: ['url'] } },
			description: 'Address of the partner API, without a path',
		},
		{
			displayName: 'Client ID',
			name: 'clientId',
			type: 'string',
			default: '',
			description: 'For the Hubble Gift Card node. Hubble issues one for each environment.',
		},
		{
			displayName: 'Client Secret',
			name: 'clientSecret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description: 'For the Hubble Gift Card node. Hubble issues it together with the Client ID.',
		},
		{
			displayName: 'Webhook Secret',
			name: 'webhookSecret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description:
				'For the Hubble Gift Card Trigger. Agree on one with Hubble for each environment, staging and production.',
		},
		{
			displayName: 'Next Webhook Secret',
			name: 'nextWebhookSecret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description: 'Also accepted, for rotating the secret without downtime',
		},
	];
}
