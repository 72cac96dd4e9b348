import type { Check } from '../check';
import { runMainJob, table } from '../mainJob';

export const mainJobChecks: Check[] = [
	{
		name: 'main job: register 25, update 2,500, list all, page 50,000 packets',
		async run({ n8n, hubble, workflows }) {
			const rows = await runMainJob(n8n, hubble, workflows);
			const problems = rows.flatMap((row) => row.problems.map((problem) => `${row.workflow}: ${problem}`));
			if (problems.length > 0) throw new Error([table(rows), ...problems.slice(0, 20)].join('\n'));
			return table(rows);
		},
	},
];
