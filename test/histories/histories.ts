/** The kinds of histories, and one of them by its seed. */
import { asError } from '../../nodes/shared/client/errors';
import { AlarmHistory } from './alarms';
import { DeliveryHistory } from './deliveries';
import { DeviceHistory } from './devices';
import { PacketHistory } from './packets';
import type { ShippedCode } from './shipped';
import { Broken } from './world';

export const KINDS = {
	packets: PacketHistory,
	alarms: AlarmHistory,
	deliveries: DeliveryHistory,
	devices: DeviceHistory,
} as const;

export type Kind = keyof typeof KINDS;

/** What happened in a history. */
export interface Told {
	/** The promise that was not kept. */
	broken?: Broken;
	kills: number;
	faults: number;
}

/** Lives one history. Throws what is no broken promise: a mistake of the simulation. */
export async function history(kind: Kind, seed: number, code: ShippedCode): Promise<Told> {
	code.begin();
	const world = new KINDS[kind](seed, code);
	await world.live().catch((error: unknown) => {
		if (!(error instanceof Broken)) throw asError(error);
	});
	const { broken, kills, faults } = world;
	return { broken, kills, faults };
}
