import { device, platformTags, unixSeconds } from '../shared/fields';
import type { Operation } from '../shared/operation';
import { simplifyPacket } from '../shared/packet';

/** How far back Hubble begins without a start (API definition, `start`). */
const DEFAULT_PERIOD_S = 7 * 86_400;

/** The packet's call (API definition, tag "Packets"). A page holds up to 1,000 packets. */
export const packetOperations: readonly Operation[] = [
	{
		name: 'Get Many',
		value: 'getAll',
		action: 'Get many packets',
		description: 'Get the packets that Hubble received in a period, oldest first',
		method: 'GET',
		path: '/v1/org/{org_id}/packets',
		scope: 'read-packets',
		list: { rows: 'packets', pages: 'token' },
		hasRawTimes: true,
		simplify: simplifyPacket,
		inQuery: {
			start: {
				displayName: 'Start Time',
				name: 'startTime',
				type: 'dateTime',
				default: '',
				description: 'The first moment of the period. Empty means seven days ago; Hubble keeps packets for 30 days.',
				toWire: unixSeconds('down'),
			},
			end: {
				displayName: 'End Time',
				name: 'endTime',
				type: 'dateTime',
				default: '',
				description: 'The end of the period, not part of it. Empty means now.',
				// Without an end Hubble would leave the stream open for packets yet to come.
				toWire: (value, surroundings) => unixSeconds('up')(value || Date.now(), surroundings),
			},
			device_id: {
				...device,
				required: false,
				within: 'filters',
				description: 'Only the packets of this device: for troubleshooting, not for large amounts',
			},
			filter_tags: platformTags,
		},
		refuse: ({ query: { start, end }, token }) => {
			const from = start ?? Date.now() / 1000 - DEFAULT_PERIOD_S;
			if (token || Number(from) < Number(end)) return undefined;
			return start === undefined
				? 'Parameter "Start Time": it is required when the End Time is more than seven days ago'
				: 'Parameter "Start Time": it is not earlier than the End Time';
		},
	},
];
