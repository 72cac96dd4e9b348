import type { ICredentialType, Icon, INodeProperties } from 'n8n-workflow';

/** The secret with which Hubble signs gift-card events. Its test is `hubblePartnerApiTest`, which the trigger brings along. */
export class HubblePartnerApi implements ICredentialType {
	name = 'hubblePartnerApi';

	displayName = 'Hubble Partner API';

	icon: Icon = { light: 'file:../icons/hubble.svg', dark: 'file:../icons/hubble.dark.svg' };

	documentationUrl = 'https://github.com/n8n-nodes-hubble/n8n-nodes-hubble#hubble-gift-card-trigger';

	properties: INodeProperties[] = [
		{
			displayName: 'Webhook Secret',
			name: 'webhookSecret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			description: 'Agreed with Hubble for one environment, staging or production: each has its own',
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
}
