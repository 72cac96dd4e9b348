import { type Simulator, startSimulator } from '../simulator/server';
import { fleet, importExamples } from './mainJob';
import { type N8n, startN8n } from './n8n';
import type { N8nVersion } from './provision';

/** What a check gets: a running n8n with the package and the example workflows, and the simulator they talk to. */
export interface Stage {
	n8n: N8n;
	hubble: Simulator;
	/** File name in `examples/` → workflow id. */
	workflows: ReadonlyMap<string, string>;
}

/** One named check: fails by throwing; a text that it returns is printed below its name. */
export interface Check {
	name: string;
	/** Why it does not run on n8n 1, where it does not. */
	notOn1?: string;
	run(stage: Stage): Promise<string | void>;
}

/** Starts the simulator and an n8n of that version. */
export async function openStage(version: N8nVersion): Promise<Stage> {
	const hubble = await startSimulator(fleet);
	const n8n = await startN8n({ version });
	return { n8n, hubble, workflows: await importExamples(n8n, hubble) };
}

export async function closeStage({ n8n, hubble }: Stage): Promise<void> {
	await n8n.stop();
	await hubble.close();
}
