/** Which tests belong to which file: only these run against its mutants. Both are paths without their endings. */
export const TESTS: Readonly<Record<string, readonly string[]>> = {
	'shared/client/retry': ['unit/policy'],
	'shared/client/sharing': ['unit/sharing'],
	'shared/client/rateLimiter': ['unit/policy', 'unit/sharing'],
	'shared/client/clock': ['unit/clock'],
	'shared/client/errors': ['unit/errors'],
	'shared/client/json': ['unit/json'],
	'shared/client/windows': ['unit/windows'],
	'shared/client/pages': ['unit/pages'],
	'shared/client/scopes': ['unit/scopes'],
	'shared/webhook/verify': ['unit/verify'],
	'shared/webhook/addresses': ['unit/verify'],
	'shared/webhook/receive': ['unit/receive', 'integration/acknowledge'],
	'shared/webhook/deliveryLog': ['unit/redelivery'],
	'shared/polling/position': ['unit/position'],
	'shared/device/areas': ['unit/areas'],
	'shared/operation/place': ['unit/place'],
	'shared/operation/packing': ['unit/packing'],
	'shared/operation/values': ['unit/values'],
	'shared/operation/dates': ['unit/dates'],
	'shared/operation/times': ['unit/times', 'unit/exportFormats', 'unit/summary', 'unit/tables'],
	'shared/operation/exportFormats': ['unit/exportFormats'],
	'shared/packet/decode': ['unit/decode', 'unit/packetFilter'],
	'shared/packet/formats': ['unit/vectors', 'unit/decode'],
	'shared/packet/layout': ['unit/decode'],
	'shared/packet/filter': ['unit/packetFilter', 'integration/trigger'],
	'shared/packet/valueFilter': ['unit/packetFilter'],
	'shared/packet/summary': ['unit/summary'],
	'shared/packet/latest': ['unit/latest'],
	'HubbleGiftCard/denominations': ['unit/denominations'],
	'HubbleGiftCard/reference': ['unit/reference'],
	'HubbleGiftCardTrigger/events': ['integration/giftCardTrigger'],
	'HubblePacketPollTrigger/stream': ['unit/position'],
	'HubblePacketPollTrigger/alarms': ['unit/alarms'],
	'HubblePacketPollTrigger/rules': ['unit/alarms'],
	'HubbleDeviceTrigger/marks': ['unit/watch', 'unit/borders'],
	'HubbleDeviceTrigger/watch': ['unit/watch'],
	'HubbleDeviceTrigger/borders': ['unit/borders'],
};

/**
 * Files that begin with tables: fields of a form, or the kinds of values that a format has. What is read when they are
 * loaded is not broken: other tests hold it entry by entry, and it would be hours.
 */
export const WITH_TABLES: ReadonlySet<string> = new Set([
	'shared/client/scopes',
	'shared/packet/filter',
	'shared/packet/formats',
	'shared/packet/valueFilter',
	'HubbleGiftCardTrigger/events',
	'HubblePacketPollTrigger/rules',
]);
