/* eslint-disable @n8n/community-nodes/no-restricted-globals, no-console */
/** `npm run bench -- name`: one bench by its name; fails when a limit is missed. */
import { trigger, type Row } from './trigger';

const benches: Record<string, () => Promise<Row[]>> = { trigger };

const meets = ({ ratio, limit }: Row) => {
	const bound = Number(limit.slice(2));
	return limit === '' || (limit.startsWith('≥') ? ratio >= bound : ratio <= bound);
};

async function main() {
	const bench = benches[process.argv[2] ?? ''];
	if (!bench) throw new Error(`Name one of: ${Object.keys(benches).join(', ')}`);
	const rows = await bench();
	for (const row of rows) {
		const figures = [row.ours.toFixed(1), row.peer.toFixed(1), row.ratio.toFixed(2)].map((text) => text.padStart(9)).join('');
		console.log(`${meets(row) ? 'ok    ' : 'MISSED'}  ${figures}  ${row.limit.padEnd(8)}${row.name}`);
	}
	process.exit(rows.every(meets) ? 0 : 1);
}

main().catch((error: unknown) => {
	console.error(error);
	process.exit(1);
});
