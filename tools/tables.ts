import { apiKeyOperations } from '../nodes/HubbleApiKey/operations';
import { billingOperations } from '../nodes/HubbleBilling/operations';
import { deviceOperations } from '../nodes/HubbleDevice/operations';
import { giftCardOperations } from '../nodes/HubbleGiftCard/operations';
import { invitationOperations } from '../nodes/HubbleInvitation/operations';
import { metricOperations } from '../nodes/HubbleMetric/operations';
import { organizationOperations } from '../nodes/HubbleOrganization/operations';
import { packetOperations } from '../nodes/HubblePacket/operations';
import { userOperations } from '../nodes/HubbleOrganizationUser/operations';
import { webhookOperations } from '../nodes/HubbleWebhook/operations';
import type { Operation } from '../nodes/shared/operation/operation';

/** The action nodes by the name that the user reads, each with its operation table. */
export const tables: Readonly<Record<string, readonly Operation[]>> = {
	'Hubble API Key': apiKeyOperations,
	'Hubble Billing': billingOperations,
	'Hubble Device': deviceOperations,
	'Hubble Invitation': invitationOperations,
	'Hubble Metric': metricOperations,
	'Hubble Organization': organizationOperations,
	'Hubble Organization User': userOperations,
	'Hubble Packet': packetOperations,
	'Hubble Webhook': webhookOperations,
};

/** Those of the partner service: it is no part of the API definition, and has no scopes. */
export const partnerTables: Readonly<Record<string, readonly Operation[]>> = { 'Hubble Gift Card': giftCardOperations };

/** 'paymentMethod' → 'Payment Method', 'apiKey' → 'API Key'. */
export const resourceTitle = (resource: string) =>
	resource
		.replace(/^./, (letter) => letter.toUpperCase())
		.replace(/(?!^)([A-Z])/g, ' $1')
		.replace(/^Api/, 'API');
