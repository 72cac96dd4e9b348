/** Count: how many packets a period has, as one number or by device or tag. */
import type { INodeExecutionData } from 'n8n-workflow';
import type { Fields, Work } from '../shared/operation/operation';
import { TOOL_ROWS } from '../shared/operation/readItem';
import { wantedRows } from '../shared/operation/rows';
import { isoTime } from '../shared/operation/times';
import { counted } from '../shared/operation/values';
import { PACKETS } from '../shared/packet/packet';
import { Groups } from '../shared/packet/summary';
import { filteredHere, type PeriodRequest } from './filters';
import { grouping } from './summarize';

export const countSettings = {
	groupBy: { ...grouping.groupBy, default: 'all', description: 'What to count by, the most packets first' },
	tag: grouping.tag,
} satisfies Fields;

/** Reads all packets of the period, keeps none of them, and gives one count, or one for each group. */
export async function countItems(work: Work<PeriodRequest<typeof countSettings>>): Promise<INodeExecutionData[]> {
	const { request } = work;
	const { groupBy = 'all', tag } = request.settings;
	const groups = new Groups({ groupBy, tag }, () => ({ count: 0 }));
	let packetsRead = 0;
	let count = 0;
	const filtered = filteredHere(work, () => (packetsRead += 1));
	for await (const packet of wantedRows(filtered, PACKETS)) {
		count += 1;
		groups.of(packet).cells.count += 1;
	}
	const { start, end } = request.query;
	const times = { startTime: isoTime(Number(start)), endTime: isoTime(Number(end)) };
	if (groupBy === 'all') return [{ json: { count, ...(filtered === work ? {} : { packetsRead }), ...times } }];
	const sorted = groups.sorted().sort((a, b) => b.cells.count - a.cells.count);
	const items = sorted.map(({ about, cells, key }) => ({ json: { ...about, ...cells, ...times, ...key } }));
	if (!request.isTool || items.length <= TOOL_ROWS) return items;
	const others = sorted.slice(TOOL_ROWS).reduce((sum, { cells }) => sum + cells.count, 0);
	const note = `The ${TOOL_ROWS} groups with the most packets. The other ${items.length - TOOL_ROWS} have ${counted(others, 'packet')} together.`;
	return [...items.slice(0, TOOL_ROWS), { json: { note } }];
}
