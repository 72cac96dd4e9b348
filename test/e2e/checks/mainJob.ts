import type { Check } from '../check';
import { onServer, problemsOf, runMainJob, table } from '../mainJob';

export const mainJobChecks: Check[] = [
	{
		name: 'main job: register 25, update 2,500, list all, page 50,000 packets',
		async run({ n8n, hubble, workflows }) {
			const rows = await runMainJob(onServer(n8n, workflows), hubble);
			const problems = problemsOf(rows);
			if (problems.length > 0) throw new Error([table(rows), ...problems].join('\n'));
			return table(rows);
		},
	},
];
