/** The kinds of histories, and one of them by its seed. */
import { DeliveryHistory } from './deliveries';
import { DeviceHistory } from './devices';
import { PacketHistory } from './packets';
import type { ShippedCode } from './shipped';
import { Broken } from './world';

export const KINDS = { packets: PacketHistory, deliveries: DeliveryHistory, devices: DeviceHistory } as const;

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
	const world = new KINDS[kind](seed, code);
	try {
		await world.live();
	} catch (error) {
		if (!(error instanceof Broken)) throw error;
	}
	const { broken, kills, faults } = world;
	return { broken, kills, faults };
}
