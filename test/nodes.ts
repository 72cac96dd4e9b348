import type { INodeType } from 'n8n-workflow';
import { HubbleApiKey } from '../nodes/HubbleApiKey/HubbleApiKey.node';
import { HubbleBilling } from '../nodes/HubbleBilling/HubbleBilling.node';
import { HubbleDevice } from '../nodes/HubbleDevice/HubbleDevice.node';
import { HubbleGiftCard } from '../nodes/HubbleGiftCard/HubbleGiftCard.node';
import { HubbleInvitation } from '../nodes/HubbleInvitation/HubbleInvitation.node';
import { HubbleMetric } from '../nodes/HubbleMetric/HubbleMetric.node';
import { HubbleOrganization } from '../nodes/HubbleOrganization/HubbleOrganization.node';
import { HubblePacket } from '../nodes/HubblePacket/HubblePacket.node';
import { HubbleOrganizationUser } from '../nodes/HubbleOrganizationUser/HubbleOrganizationUser.node';
import { HubbleWebhook } from '../nodes/HubbleWebhook/HubbleWebhook.node';

/** The action nodes by the name that the user reads, as n8n loads them. For jest: tsx takes `.node` for an add-on. */
export const nodes: Readonly<Record<string, INodeType>> = Object.fromEntries(
	[
		HubbleApiKey,
		HubbleBilling,
		HubbleDevice,
		HubbleInvitation,
		HubbleMetric,
		HubbleOrganization,
		HubblePacket,
		HubbleOrganizationUser,
		HubbleWebhook,
	].map((Node) => {
		const node: INodeType = new Node();
		return [node.description.displayName, node];
	}),
);

/** Those of the partner service. */
export const partnerNodes: Readonly<Record<string, INodeType>> = { 'Hubble Gift Card': new HubbleGiftCard() };
